//! What becomes of sessions, by how the system behaves.

use app::access::wire::Permission;
use app::audit::port::AuditPort;
use app::audit::wire::AuditQuery;
use app::endings::port::EndingsPort;
use app::endings::wire::{EndingState, Outcome};

use super::*;
use crate::caller::For;
use crate::simulators::simulator::faults::Bad;

#[tokio::test]
async fn ui_f2_ended_is_said_only_after_the_system_was_read_again() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2, 3]).await;
        let no = stage.ask_to_end(&ids[..2]).await;
        let page = stage.page(no).await;
        assert_eq!(
            (page.brief.state, page.brief.counts.waiting),
            (EndingState::Waiting, 2)
        );
        assert!(stage.sim.lets_in(&ids[0]));

        stage.work().await;
        let page = stage.page(no).await;
        assert_eq!(
            (page.brief.state, page.brief.counts.ended),
            (EndingState::Settled, 2)
        );
        assert!(
            page.items
                .iter()
                .all(|i| i.asked_at.is_some() && i.read_back_at >= i.asked_at)
        );
        assert!(!stage.sim.lets_in(&ids[0]) && !stage.sim.lets_in(&ids[1]));
        assert!(stage.sim.lets_in(&ids[2]), "the third was not part of it");
        assert_eq!(stage.state(&ids[0]).await, "ended");
        assert_eq!(stage.state(&ids[2]).await, "live");
    }
}

#[tokio::test]
async fn ui_k2_outcomes_by_day_count_whole_systems_only() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        stage.ask_to_end(&ids).await;
        stage.work().await;
        let by_day = async |caller: Caller| {
            For::new(&stage.endings, &Arc::new(caller))
                .endings_by_day()
                .await
                .unwrap()
        };
        let all = by_day(stage.ada.clone()).await;
        assert_eq!((all.days.len(), all.partly), (30, false));
        assert_eq!(all.days[29], [2, 0, 0, 0, 0, 0, 0, 0]);
        let sees = [Permission::SeeSessions];
        let some = crate::caller::testing::caller("some", &sees, Scope::accounts(["anybody"]));
        let few = by_day(some).await;
        assert!(few.partly && few.days.iter().flatten().all(|n| *n == 0));
        let other =
            crate::caller::testing::caller("other", &sees, Scope::systems([SystemId::from("curfew")]));
        let none = by_day(other).await;
        assert!(!none.partly && none.days.iter().flatten().all(|n| *n == 0));
    }
}

#[tokio::test]
async fn security_f6_asking_is_written_down_before_and_results_after() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        stage.ask_to_end(&ids).await;
        assert_eq!(stage.sim.calls("end"), 0);
        assert_eq!(stage.entries("session_terminate_requested").await, 1);
        assert_eq!(stage.entries("session_terminate_result").await, 0);
        stage.work().await;
        let actions = For::new(&stage.audit, &Arc::new(stage.ada.clone()))
            .audit_page(AuditQuery::default())
            .await
            .unwrap()
            .entries;
        let words: Vec<&str> = actions
            .iter()
            .map(|e| e.action.as_str())
            .filter(|a| a.starts_with("session_terminate"))
            .collect();
        assert_eq!(
            words,
            [
                "session_terminate_settled",
                "session_terminate_result",
                "session_terminate_requested",
                "session_terminate_preview"
            ]
        );
        let asked = actions
            .iter()
            .find(|e| e.action == "session_terminate_requested")
            .unwrap();
        assert_eq!(asked.reason.as_deref(), Some("Left the company"));
        assert_eq!(asked.ticket_ref.as_deref(), Some("T-1"));
        stage.assert_chain_whole().await;
    }
}

#[tokio::test]
async fn security_b1_a_system_that_says_ok_and_ends_nothing_is_still_there_after_three_asks() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        stage.sim.faults(|f| f.lie = true);
        let no = stage.ask_to_end(&ids).await;
        for (asks, pause) in [(1, 2), (2, 8), (3, 30)] {
            stage.work().await;
            let item = stage.item(no, &ids[0]).await;
            assert_eq!((item.outcome, item.attempts), (None, asks));
            assert_eq!(stage.work().await, 0, "not before the pause is over");
            stage.clock.advance(pause);
        }
        stage.work().await;
        let item = stage.item(no, &ids[0]).await;
        assert_eq!((item.outcome, item.attempts), (Some(Outcome::StillThere), 3));
        assert_eq!(stage.state(&ids[0]).await, "live");
        let page = stage.page(no).await;
        assert_eq!(page.causes[0].outcome, Outcome::StillThere);
        assert!(!page.causes[0].words.is_empty() && !page.causes[0].next_step.is_empty());
        let technical = &page.causes[0].technical;
        assert_eq!(technical.answers, [("accepted".to_owned(), 1)]);
        assert_eq!((technical.attempts, technical.asked_to), ((3, 3), item.asked_at));
        assert!(technical.read_back_at > technical.asked_to);
        assert!(page.may_retry);
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_systems_words_and_not_repeated() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        stage
            .sim
            .faults(|f| f.refuse = Some("The session belongs to a running import.".to_owned()));
        let no = stage.ask_to_end(&ids).await;
        stage.work().await;
        let item = stage.item(no, &ids[0]).await;
        assert_eq!(item.outcome, Some(Outcome::Refused));
        assert!(item.detail.contains("running import"), "{}", item.detail);
        assert_eq!(stage.sim.calls("end"), 1);
    }
}

#[tokio::test]
async fn who_signed_out_meanwhile_is_already_gone_and_nobody_is_asked() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let no = stage.ask_to_end(&ids).await;
        stage.sim.close(&ids[0]);
        stage.work().await;
        assert_eq!(stage.outcome(no, &ids[0]).await, Some(Outcome::AlreadyGone));
        assert_eq!(stage.outcome(no, &ids[1]).await, Some(Outcome::Ended));
        assert_eq!(stage.state(&ids[0]).await, "vanished");
        assert_eq!(stage.item(no, &ids[0]).await.attempts, 0);
    }
}

/// uPortal ends the session that signs in and begins another: nothing but person and address tells, so it is offered.
#[tokio::test]
async fn who_signed_in_anew_is_offered_and_never_ended_silently() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let visit = |ip: &str| stage.sim.visit(ip);
        let (guest, other_guest) = (visit("192.0.2.77"), visit("192.0.2.78"));
        stage.collect().await;
        let guests = [&guest, &other_guest].map(|id| stage.key.session_key("north", "", "guest", id));
        let ada = stage.caller(&stage.ada.id).await;
        let mut keys: Vec<SessionKey> = ids.iter().map(|id| stage.key_of(id)).collect();
        keys.extend(guests);
        let draft = stage.endings.draft_of_keys(&ada, &keys).await.unwrap();
        let form = stage.form(&draft).await;
        let no = stage.started(&ada, &draft, form).await;
        stage.clock.advance(10);
        let anew = stage.sim.sign_in_from(&ids[0], 1).unwrap();
        let was_guest = stage.sim.sign_in_from(&guest, 3).unwrap();
        stage.sim.close(&ids[1]);
        stage.sim.close(&other_guest);
        // From another address, and of somebody who was not among the set.
        let elsewhere = stage.sim.open(2);
        stage.sim.open(4);
        stage.clock.advance(10);
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.counts.already_gone, 4);
        assert!(page.signed_in_since.is_empty(), "not listed yet");
        stage.collect().await;

        let offered: Vec<(SessionKey, bool)> = stage
            .page(no)
            .await
            .signed_in_since
            .into_iter()
            .map(|since| (since.session_key, since.after_guest))
            .collect();
        assert_eq!(
            offered,
            [(stage.key_of(&anew), false), (stage.key_of(&was_guest), true)]
        );
        for id in [&anew, &was_guest, &elsewhere] {
            assert!(stage.sim.lets_in(id), "offered, not ended");
        }

        // Without the right to see addresses a guest's tells nothing.
        let helper = crate::caller::testing::caller("hal", &[Permission::SeeSessions], Scope::EVERYWHERE);
        let seen = stage.endings.ending_page(&helper, no, None, None).await.unwrap();
        let seen: Vec<(SessionKey, Option<String>)> = seen
            .signed_in_since
            .into_iter()
            .map(|since| (since.session_key, since.ip))
            .collect();
        assert_eq!(seen, [(stage.key_of(&anew), None)]);
    }
}

#[tokio::test]
async fn a_session_that_goes_on_under_a_new_id_is_ended_under_that_one() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let no = stage.ask_to_end(&ids).await;
        stage.sim.rotate(1);
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.counts.rotated, 1, "{:?}", page.items);
        assert!(stage.sim.sessions_of(1).is_empty());
    }
}

#[tokio::test]
async fn an_id_that_changes_with_every_list_is_never_called_ended_while_the_person_is_in() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let account = stage.sim.sessions_of(1)[0].account_id.clone();
        stage.sim.faults(|f| {
            f.rotate_for.insert(account);
        });
        let no = stage.ask_to_end(&ids).await;
        let page = stage.work_to_the_end(no).await;
        let gone = page.brief.counts.gone() == 1;
        assert_eq!(gone, stage.sim.sessions_of(1).is_empty(), "{:?}", page.items);
    }
}

#[tokio::test]
async fn another_session_of_the_same_start_is_never_taken_for_a_new_id() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let mut twin = stage.sim.sessions_of(1)[0].clone();
        twin.id = "TWIN0123456789ABCDEF".to_owned();
        let twin = stage.sim.add(twin);
        stage.collect().await;
        stage.clock.advance(1);
        let no = stage.ask_to_end(&ids).await;
        stage.sim.close(&ids[0]);
        stage.work().await;
        assert_eq!(stage.outcome(no, &ids[0]).await, Some(Outcome::AlreadyGone));
        assert!(stage.sim.lets_in(&twin));
    }
}

#[tokio::test]
async fn security_b7_an_id_that_belongs_to_another_sign_in_now_is_left_alone() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let no = stage.ask_to_end(&ids).await;
        for (n, id) in [(1, &ids[0]), (2, &ids[1])] {
            let mut other = stage.sim.sessions_of(n)[0].clone();
            stage.sim.close(id);
            if n == 1 {
                other.started_ms = other.started_ms.map(|at| at + 60_000);
            } else {
                other.account_id = "somebody-else".to_owned();
                other.account = "somebody".to_owned();
            }
            stage.sim.add(other);
        }
        stage.work().await;
        assert_eq!(stage.outcome(no, &ids[0]).await, Some(Outcome::Refused));
        // The account's own list does not hold it at all.
        assert_eq!(stage.outcome(no, &ids[1]).await, Some(Outcome::AlreadyGone));
        assert_eq!(stage.sim.calls("end"), 0);
        assert!(stage.sim.lets_in(&ids[0]) && stage.sim.lets_in(&ids[1]));
    }
}

#[tokio::test]
async fn half_a_list_proves_nothing() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let no = stage.ask_to_end(&ids).await;
        stage.sim.faults(|f| f.half_list = true);
        stage.sim.close(&ids[0]);
        stage.work().await;
        assert_eq!(stage.outcome(no, &ids[0]).await, None);
        assert_eq!(stage.state(&ids[0]).await, "live");
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.counts.unknown, 1);
        assert_eq!(stage.sim.calls("end"), 0);
        // With a whole list it would have been known.
        stage.sim.faults(|f| f.half_list = false);
        let retry = stage.endings.draft_of_could_not(&stage.ada, no).await.unwrap();
        let ada = stage.caller(&stage.ada.id).await;
        let form = stage.form(&retry).await;
        let again = stage.started(&ada, &retry, form).await;
        stage.work().await;
        assert_eq!(stage.outcome(again, &ids[0]).await, Some(Outcome::AlreadyGone));
    }
}

#[tokio::test]
async fn an_answer_cut_off_is_read_back_before_anything_is_asked_again() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        stage.sim.faults(|f| f.end = Bad::CutOff);
        let no = stage.ask_to_end(&ids).await;
        stage.work().await;
        assert_eq!(stage.outcome(no, &ids[0]).await, Some(Outcome::Ended));
        assert_eq!(stage.sim.calls("end"), 1);
    }
}

#[tokio::test]
async fn answers_that_are_none_are_never_success() {
    for bad in [Bad::Garbage, Bad::Html, Bad::Redirect, Bad::Down, Bad::Silent] {
        let stage = Stage::on(TestDb::sqlite().await.unwrap(), EndingRules::default()).await;
        let ids = stage.sign_in(&[1]).await;
        let no = stage.ask_to_end(&ids).await;
        stage.sim.faults(|f| f.end = bad.clone());
        stage.work().await;
        let gone = !stage.sim.lets_in(&ids[0]);
        let outcome = stage.outcome(no, &ids[0]).await;
        assert_eq!(outcome == Some(Outcome::Ended), gone, "{bad:?}: {outcome:?}");
        if !gone {
            let page = stage.work_to_the_end(no).await;
            assert_eq!(page.brief.counts.gone(), 0, "{bad:?}: {:?}", page.items);
        }
    }
}

#[tokio::test]
async fn what_was_asked_and_can_not_be_read_again_is_unknown() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        stage.sim.faults(|f| f.lie = true);
        let no = stage.ask_to_end(&ids).await;
        stage.work().await;
        stage.sim.faults(|f| f.list = Bad::Garbage);
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.counts.unknown, 1, "{:?}", page.items);
        assert_eq!(stage.state(&ids[0]).await, "live");
    }
}

#[tokio::test]
async fn security_b15_a_system_that_is_down_keeps_its_items_until_it_answers() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let no = stage.ask_to_end(&ids).await;
        stage.sim.faults(|f| f.list = Bad::Down);
        for _ in 0..4 {
            stage.work().await;
            stage.clock.advance(120);
        }
        assert_eq!(stage.outcome(no, &ids[0]).await, None);
        stage.sim.faults(|f| f.list = Bad::No);
        stage.clock.advance(600);
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.counts.ended, 1);
    }
}

#[tokio::test]
async fn ui_f4_who_comes_straight_back_is_shown_as_returned_beside_the_outcome() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let back = stage.sim.sessions_of(1)[0].account_id.clone();
        stage.sim.faults(|f| {
            f.let_back_for.insert(back);
        });
        let no = stage.ask_to_end(&ids).await;
        stage.work().await;
        assert_eq!(
            stage.endings.watch_due().await.unwrap(),
            0,
            "not before five seconds"
        );
        stage.clock.advance(5);
        assert_eq!(stage.endings.watch_due().await.unwrap(), 1);
        let item = stage.item(no, &ids[0]).await;
        assert_eq!(item.outcome, Some(Outcome::Ended));
        assert_eq!(item.returned_system.as_deref(), Some("North"));
        assert_eq!(stage.item(no, &ids[1]).await.returned_at, None);
        assert_eq!(stage.page(no).await.brief.counts.returned, 1);
        assert_eq!(stage.entries("session_returned").await, 1);

        // The other one comes back later: seen in the inventory, once collected.
        stage.clock.advance(60);
        stage.sim.open(2);
        stage.collect().await;
        stage.clock.advance(15);
        assert_eq!(stage.endings.watch_due().await.unwrap(), 1);
        assert_eq!(stage.page(no).await.brief.counts.returned, 2);
        stage.clock.advance(600);
        assert_eq!(stage.endings.watch_due().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn who_came_back_can_be_ended_again_and_nobody_else() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let back = stage.sim.sessions_of(1)[0].account_id.clone();
        stage.sim.faults(|f| {
            f.let_back_for.insert(back);
        });
        let no = stage.ask_to_end(&ids).await;
        stage.work().await;
        let ada = stage.caller(&stage.ada.id).await;
        let early = stage.endings.draft_of_returned(&ada, no).await;
        assert!(
            matches!(early, Err(crate::error::Error::App(_))),
            "nobody came back yet"
        );
        stage.clock.advance(5);
        stage.endings.watch_due().await.unwrap();
        stage.clock.advance(1);
        let others = stage.sign_in(&[3]).await;
        let ada = stage.caller(&stage.ada.id).await;
        let draft = stage.endings.draft_of_returned(&ada, no).await.unwrap();
        let preview = stage.endings.preview(&ada, &draft, false).await.unwrap();
        assert_eq!((preview.sessions, preview.people), (1, 1));
        stage.sim.faults(|f| f.let_back_for.clear());
        let form = stage.form(&draft).await;
        let again = stage.started(&ada, &draft, form).await;
        assert_eq!(stage.work_to_the_end(again).await.brief.counts.ended, 1);
        assert!(stage.sim.sessions_of(1).is_empty());
        assert!(stage.sim.lets_in(&others[0]));

        // Who sees nothing of it can't ask.
        let scope = Scope {
            places: app::access::wire::Places::Systems(vec!["elsewhere".into()]),
            ..Scope::EVERYWHERE
        };
        let bob = stage.operator("bob", &[("helpdesk", scope)]).await;
        let refused = stage.endings.draft_of_returned(&bob, no).await;
        assert!(matches!(refused, Err(crate::error::Error::App(_))));
    }
}

#[tokio::test]
async fn a_second_session_of_the_same_person_is_no_return() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 1]).await;
        let no = stage.ask_to_end(&ids[..1]).await;
        stage.work().await;
        stage.clock.advance(5);
        assert_eq!(stage.endings.watch_due().await.unwrap(), 0);
        stage.clock.advance(30);
        stage.collect().await;
        assert_eq!(stage.endings.watch_due().await.unwrap(), 0);
        assert_eq!(stage.page(no).await.brief.counts.returned, 0);
    }
}

#[tokio::test]
async fn a_settled_ending_is_told_once_with_its_counts_and_without_names_or_reasons() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2, 3]).await;
        let no = stage.ask_to_end(&ids[..2]).await;
        let events = "SELECT COUNT(*) FROM outbox WHERE kind = $1";
        assert_eq!(stage.one(events, "ending.settled").await, 0);
        stage.work_to_the_end(no).await;
        stage.work().await;
        assert_eq!(stage.one(events, "ending.settled").await, 1);
        let mut conn = stage.test.db.read().await.unwrap();
        let (data, path): (String, String) = on!(conn, c => sqlx::query_as("SELECT data, path FROM outbox")
            .fetch_one(c)
            .await
            .unwrap());
        let data: serde_json::Value = serde_json::from_str(&data).unwrap();
        let expected = serde_json::json!({
            "ending_no": no, "state": "settled", "counts": { "ended": 2 }, "requested_by": "ada",
        });
        assert_eq!((data, path), (expected, format!("/endings/{no}")));
    }
}

#[tokio::test]
async fn an_ending_that_was_stopped_before_anything_was_asked_is_told_as_cancelled() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let no = stage.ask_to_end(&ids).await;
        let ada = stage.caller(&stage.ada.id).await;
        stage.endings.stop(&ada, no).await.unwrap();
        let told = "SELECT COUNT(*) FROM outbox WHERE data LIKE $1";
        let cancelled = r#"%"counts":{"stopped":1}%"state":"cancelled"%"#;
        assert_eq!(stage.one(told, cancelled).await, 1);
    }
}
