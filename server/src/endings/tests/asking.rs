//! Workers, leases, crashes, and what people do while an ending is at work.

use std::time::Duration;

use app::endings::wire::{EndingState, Outcome};

use super::*;
use crate::error::Error;
use crate::schedule::Held;

#[tokio::test]
async fn what_was_asked_when_the_process_died_is_read_before_it_is_asked_again() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let no = stage.ask_to_end(&ids).await;
        // As it stands after a kill between writing down and hearing the answer; one of the asks had arrived.
        stage
            .by_hand("UPDATE ending_item SET state = 'asked', attempts = 1, asked_at = 1800000002000 WHERE state <> $1", "x")
            .await;
        stage.sim.close(&ids[0]);
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.counts.ended, 2);
        assert_eq!(stage.item(no, &ids[0]).await.attempts, 1);
        // Nobody knows whether the request had left: asking again is the same ask.
        assert_eq!(stage.item(no, &ids[1]).await.attempts, 1);
        assert_eq!(stage.sim.calls("end"), 1);
    }
}

#[tokio::test]
async fn an_ending_frozen_under_the_session_key_before_ends_the_same_sessions() {
    for mut stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2, 3]).await;
        let no = stage.ask_to_end(&ids[..2]).await;
        stage.change_key();
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.counts.ended, 2);
        assert_eq!((stage.sim.len(), stage.sim.lets_in(&ids[2])), (1, true));
    }
}

#[tokio::test]
async fn two_workers_share_one_lease_and_nobody_is_asked_twice() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2, 3, 4]).await;
        let no = stage.ask_to_end(&ids).await;
        let other = stage.replica();
        let north = north();
        let (a, b) = tokio::join!(stage.endings.work_on(&north), other.work_on(&north));
        let (a, b) = (a.unwrap(), b.unwrap());
        assert!(a == 0 || b == 0, "one of them held the lease: {a}, {b}");
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.counts.ended, 4);
        assert!(page.items.iter().all(|i| i.attempts == 1));
    }
}

#[tokio::test]
async fn a_worker_whose_lease_moved_writes_nothing_and_asks_nobody() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let no = stage.ask_to_end(&ids).await;
        let clock: Arc<dyn Clock> = stage.clock.clone();
        let held = Held::take(&stage.test.db, &clock, "end", "north", "sleeper")
            .await
            .unwrap()
            .unwrap();
        stage
            .by_hand(
                "UPDATE lease SET epoch = epoch + 1, owner = $1 WHERE purpose = 'end'",
                "other",
            )
            .await;
        let round = stage.endings.rounds_for_test(&held).await;
        assert!(matches!(round, Err(Error::LeaseLost)), "{round:?}");
        assert_eq!(stage.sim.calls("end"), 0);
        let item = stage.item(no, &ids[0]).await;
        assert_eq!((item.outcome, item.attempts), (None, 0));
    }
}

#[tokio::test]
async fn security_b5_a_grant_taken_away_stops_what_is_left() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let scope = Scope::systems([north()]);
        let bob = stage.operator("bob", &[("helpdesk", scope)]).await;
        let draft = stage.draft(&bob, &ids).await;
        let form = stage.form(&draft).await;
        let no = stage.started(&bob, &draft, form).await;
        stage
            .by_hand(
                "UPDATE role_grant SET revoked_at = 1 WHERE caller_id = $1",
                bob.id.as_str(),
            )
            .await;
        stage.work().await;
        let page = stage.page(no).await;
        assert_eq!(
            (page.brief.state, page.brief.counts.stopped),
            (EndingState::Settled, 2)
        );
        assert!(
            page.items[0].detail.contains("taken away"),
            "{}",
            page.items[0].detail
        );
        assert_eq!(stage.sim.calls("end"), 0);
    }
}

#[tokio::test]
async fn a_disabled_person_ends_nothing_any_more_not_even_what_lied_before() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        stage.sim.faults(|f| f.lie = true);
        let bob = stage
            .operator("bob", &[("administrator", Scope::EVERYWHERE)])
            .await;
        let draft = stage.draft(&bob, &ids).await;
        let form = stage.form(&draft).await;
        let no = stage.started(&bob, &draft, form).await;
        stage.work().await;
        stage
            .by_hand(
                "UPDATE operator SET disabled_at = 1 WHERE operator_id = $1",
                bob.id.as_str(),
            )
            .await;
        stage.clock.advance(2);
        stage.work().await;
        assert_eq!(stage.outcome(no, &ids[0]).await, Some(Outcome::StillThere));
        assert_eq!(stage.sim.calls("end"), 1);
    }
}

#[tokio::test]
async fn the_global_pause_stops_every_worker_before_its_next_ask() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let no = stage.ask_to_end(&ids).await;
        let reason = "Something looks wrong".to_owned();
        stage.endings.pause_all(&stage.ada, reason.clone()).await.unwrap();
        assert_eq!(stage.work().await, 0);
        let now = stage.clock.now();
        assert_eq!(
            stage.endings.running(&stage.ada, now).await.unwrap(),
            Some((no, 0, 2))
        );
        let mut conn = stage.test.db.read().await.unwrap();
        assert_eq!(
            stage.endings.paused(&mut conn).await.unwrap().unwrap().name,
            "ada"
        );
        drop(conn);
        let page = stage.page(no).await;
        assert_eq!(page.brief.state, EndingState::Paused);
        assert!(page.pause_why.unwrap().contains("Something looks wrong"));
        assert_eq!(stage.sim.calls("end"), 0);
        stage.endings.resume_all(&stage.ada, reason).await.unwrap();
        let page = stage.work_to_the_end(no).await;
        assert_eq!(
            stage
                .endings
                .running(&stage.ada, stage.clock.now())
                .await
                .unwrap(),
            None
        );
        assert_eq!(page.brief.counts.ended, 2);
    }
}

#[tokio::test]
async fn ui_f5_stopping_ends_nothing_more_and_reads_back_what_was_sent() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        stage.sim.faults(|f| f.lie = true);
        let sent = stage.ask_to_end(&ids[..1]).await;
        stage.work().await;
        let not_sent = stage.ask_to_end(&ids[1..]).await;
        let done = stage.endings.stop(&stage.ada, not_sent).await.unwrap();
        assert!(done.message.contains("1 were not sent"), "{}", done.message);
        stage.endings.stop(&stage.ada, sent).await.unwrap();
        stage.clock.advance(2);
        stage.work().await;
        assert_eq!(stage.outcome(not_sent, &ids[1]).await, Some(Outcome::Stopped));
        assert_eq!(stage.outcome(sent, &ids[0]).await, Some(Outcome::StillThere));
        assert_eq!(stage.sim.calls("end"), 1);
        let page = stage.page(sent).await;
        assert_eq!(page.brief.state, EndingState::Cancelled);
        assert!(page.brief.settled_at.is_some());
        assert!(stage.endings.stop(&stage.ada, sent).await.is_err());
    }
}

#[tokio::test]
async fn endings_left_over_or_restored_wait_for_a_person() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let no = stage.ask_to_end(&ids).await;
        assert_eq!(stage.endings.pause_left_over().await.unwrap(), 0);
        stage.clock.advance(86_401);
        assert_eq!(stage.endings.pause_left_over().await.unwrap(), 1);
        assert_eq!(stage.work().await, 0);
        assert!(stage.page(no).await.pause_why.is_some());

        let ada = stage.caller(&stage.ada.id).await;
        stage.endings.resume(&ada, no).await.unwrap();
        assert_eq!(
            stage.endings.pause_left_over().await.unwrap(),
            0,
            "a person looked at it"
        );
        assert_eq!(stage.endings.pause_restored().await.unwrap(), 1);
        assert_eq!(stage.work().await, 0);
        stage.endings.resume(&ada, no).await.unwrap();
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.counts.gone(), 1);
    }
}

#[tokio::test]
async fn a_system_that_left_the_settings_can_not_end_anything() {
    for mut stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let no = stage.ask_to_end(&ids).await;
        stage.config.systems.clear();
        stage.systems.apply_settings(&stage.config, None).await.unwrap();
        stage.work().await;
        assert_eq!(stage.outcome(no, &ids[0]).await, Some(Outcome::Unsupported));
    }
}

#[tokio::test]
async fn two_endings_of_the_same_session_both_learn_what_became_of_it() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let first = stage.ask_to_end(&ids).await;
        let second = stage.ask_to_end(&ids).await;
        stage.work().await;
        for no in [first, second] {
            assert!(stage.outcome(no, &ids[0]).await.unwrap().gone());
        }
        assert_eq!(second, first + 1);
    }
}

#[tokio::test]
async fn of_a_slow_system_the_first_outcomes_are_there_before_the_last_is_asked() {
    let mut stage = Stage::on(TestDb::sqlite().await.unwrap(), EndingRules::default()).await;
    // One session per request: asking for 200 takes much longer than reading.
    let north = stage.config.systems.get_mut("north").unwrap();
    north.own.insert("batch".to_owned(), 1.into());
    stage.systems.apply_settings(&stage.config, None).await.unwrap();
    let no = stage.ask_to_end_all_of(250).await;
    stage.sim.faults(|f| f.slow_ms = 20);
    Arc::get_mut(&mut stage.endings).unwrap().ask_for = Duration::ZERO;
    let page = stage.work_to_the_end(no).await;
    assert_eq!(page.brief.counts.ended, 250);
    assert!(page.items.iter().all(|i| i.attempts == 1));
    // Twice something was asked and read back: 200, and the rest.
    assert_eq!(stage.entries("session_terminate_result").await, 2);
}

#[tokio::test]
async fn ui_f5_what_was_next_when_the_round_was_over_counts_as_not_sent() {
    for mut stage in Stage::both().await {
        let north = stage.config.systems.get_mut("north").unwrap();
        north.own.insert("batch".to_owned(), 1.into());
        stage.systems.apply_settings(&stage.config, None).await.unwrap();
        let no = stage.ask_to_end_all_of(250).await;
        stage.sim.faults(|f| f.slow_ms = 20);
        Arc::get_mut(&mut stage.endings).unwrap().ask_for = Duration::ZERO;
        stage.endings.one_round_for_test().await.unwrap();
        let done = stage.endings.stop(&stage.ada, no).await.unwrap();
        assert!(done.message.contains("50 were not sent"), "{}", done.message);
        stage.sim.faults(|f| f.slow_ms = 0);
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.counts.stopped, 50, "{:?}", page.brief.counts);
    }
}

#[tokio::test]
async fn a_thousand_sessions_are_ended_in_batches_with_one_entry_for_at_most_500() {
    let stage = Stage::on(TestDb::sqlite().await.unwrap(), EndingRules::default()).await;
    let no = stage.ask_to_end_all_of(1_000).await;
    let page = stage.work_to_the_end(no).await;
    assert_eq!(page.brief.counts.ended, 1_000);
    assert!(stage.sim.is_empty());
    assert_eq!(stage.entries("session_terminate_result").await, 2);
    // The whole list by pages: each once.
    let mut met = std::collections::BTreeSet::new();
    let mut cursor = None;
    loop {
        let page = stage
            .endings
            .ending_page(&stage.ada, no, None, cursor)
            .await
            .unwrap();
        met.extend(page.items.into_iter().map(|i| i.session_key));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(met.len(), 1_000);
    stage.assert_chain_whole().await;
}

impl Stage {
    /// Fills the system with that many sessions, and confirms an ending of all; its number.
    async fn ask_to_end_all_of(&self, sessions: usize) -> i64 {
        self.sim.fill(sessions, sessions * 7 / 10);
        self.clock.advance(1);
        self.collect().await;
        self.by_hand(
            "INSERT INTO selection (selection_id, operator_id, mode, query, created_at, expires_at) \
             VALUES ('s', $1, 'all', '', 1, 9000000000000)",
            self.ada.id.as_str(),
        )
        .await;
        let draft = self
            .endings
            .draft_of_selection(&self.ada, &"s".into())
            .await
            .unwrap();
        let form = self.form(&draft).await;
        let ada = self.caller(&self.ada.id).await;
        self.started(&ada, &draft, form).await
    }
}
