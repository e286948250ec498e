//! Who may freeze, confirm and see what.

use app::access::wire::Permission;
use app::error::AppError;
use app::sessions::wire::CannotEnd;

use super::*;
use crate::error::Error;

fn told<T: std::fmt::Debug>(result: Result<T, Error>) -> AppError {
    match result {
        Err(Error::App(told)) => told,
        other => panic!("not refused: {other:?}"),
    }
}

fn fields(error: &AppError) -> Vec<&str> {
    match error {
        AppError::Invalid { problems } => problems.iter().map(|p| p.field.as_str()).collect(),
        other => panic!("not a bad form: {other:?}"),
    }
}

#[tokio::test]
async fn a_preview_names_guests_people_in_doubt_and_sessions_past_their_limit_as_what_they_are() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2, 3, 4]).await;
        for (sql, id) in [
            (
                "UPDATE session SET kind = 'guest', account_id = '', account_name = '', display_name = '' WHERE session_key = $1",
                0,
            ),
            (
                "UPDATE session SET kind = 'guest', account_id = '', account_name = '', display_name = '' WHERE session_key = $1",
                1,
            ),
            (
                "UPDATE session SET person_doubt = 'Two readings disagree', account_id = '', account_name = '', \
              display_name = '' WHERE session_key = $1",
                2,
            ),
            ("UPDATE session SET idle_ends_sort = 1 WHERE session_key = $1", 3),
        ] {
            stage.by_hand(sql, stage.key_of(&ids[id]).as_str()).await;
        }
        let ada = stage.caller(&stage.ada.id).await;
        let draft = stage.draft(&ada, &ids).await;
        let preview = stage.endings.preview(&ada, &draft, false).await.unwrap();
        let who: Vec<_> = preview
            .by_person
            .iter()
            .map(|p| {
                (
                    p.person.as_str(),
                    p.person_doubt.as_deref(),
                    p.sessions,
                    p.systems.len(),
                )
            })
            .collect();
        assert_eq!(who[0], ("Guests", None, 2, 1));
        assert_eq!(who[1], ("Uncertain", Some("Two readings disagree"), 1, 1));
        assert_eq!((who.len(), who[2].1), (3, None));
        assert_eq!((preview.sessions, preview.people), (4, 2), "guests are nobody");
        assert_eq!(preview.by_system[0].past_limit, 1);
    }
}

#[tokio::test]
async fn ui_e6_two_confirms_at_once_make_one_ending() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let draft = stage.draft(&stage.ada, &ids).await;
        let form = stage.form(&draft).await;
        let race = (0..4).map(|_| stage.endings.confirm(&stage.ada, &draft, form.clone()));
        let numbers: Vec<Confirmed> = futures::future::try_join_all(race).await.unwrap();
        assert!(numbers.windows(2).all(|w| w[0] == w[1]), "{numbers:?}");
        // Again, after a reload or the back button.
        assert_eq!(
            stage.endings.confirm(&stage.ada, &draft, form).await.unwrap(),
            numbers[0]
        );
        assert_eq!(stage.entries("session_terminate_requested").await, 1);
        stage.work().await;
        assert_eq!(stage.sim.calls("end"), 1);
    }
}

#[tokio::test]
async fn two_previews_confirmed_at_once_get_two_numbers() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let (a, b) = (
            stage.draft(&stage.ada, &ids[..1]).await,
            stage.draft(&stage.ada, &ids[1..]).await,
        );
        let form = stage.form(&a).await;
        let (a, b) = tokio::join!(
            stage.endings.confirm(&stage.ada, &a, form.clone()),
            stage.endings.confirm(&stage.ada, &b, form.clone())
        );
        assert_ne!(a.unwrap(), b.unwrap());
    }
}

#[tokio::test]
async fn ui_d4_the_set_is_frozen_when_the_preview_opens() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        stage
            .by_hand(
                "INSERT INTO selection (selection_id, operator_id, mode, query, created_at, expires_at) \
                 VALUES ('s', $1, 'all', 'system=north', 1, 9000000000000)",
                stage.ada.id.as_str(),
            )
            .await;
        let draft = stage
            .endings
            .draft_of_selection(&stage.ada, &"s".into())
            .await
            .unwrap();
        stage.sim.close(&ids[0]);
        let later = stage.sign_in(&[3]).await;
        let preview = stage.endings.preview(&stage.ada, &draft, false).await.unwrap();
        assert_eq!((preview.sessions, preview.gone_since), (2, 1));
        assert_eq!(preview.back_query, "system=north&sel=s");
        let form = stage.form(&draft).await;
        let no = stage.started(&stage.ada, &draft, form).await;
        let page = stage.work_to_the_end(no).await;
        assert_eq!((page.brief.counts.ended, page.brief.counts.already_gone), (1, 1));
        assert!(stage.sim.lets_in(&later[0]), "it came after the set was frozen");
    }
}

#[tokio::test]
async fn security_b8_a_reason_a_ticket_the_number_and_a_fresh_password_are_required() {
    let rules = EndingRules {
        ticket_required: true,
        type_number_above: 1,
        ..EndingRules::default()
    };
    for stage in Stage::both_with(rules).await {
        let ids = stage.sign_in(&[1, 2]).await;
        let draft = stage.draft(&stage.ada, &ids).await;
        let bad = Confirm {
            reason: " x ".to_owned(),
            ticket_ref: String::new(),
            typed_number: "3".to_owned(),
            ..Confirm::default()
        };
        let refused = told(stage.endings.confirm(&stage.ada, &draft, bad).await);
        assert_eq!(fields(&refused), ["reason", "ticket_ref", "typed_number"]);
        let good = stage.form(&draft).await;
        let long = Confirm {
            reason: "x".repeat(501),
            ..good.clone()
        };
        let refused = told(stage.endings.confirm(&stage.ada, &draft, long).await);
        assert_eq!(fields(&refused), ["reason"]);
        let mut stale = stage.ada.clone();
        stale.auth_at = Some(stage.clock.now().plus_seconds(-301));
        assert_eq!(
            told(stage.endings.confirm(&stale, &draft, good.clone()).await),
            AppError::StepUp
        );
        assert_eq!(stage.entries("session_terminate_requested").await, 0);
        let ada = stage.caller(&stage.ada.id).await;
        stage.endings.confirm(&ada, &draft, good).await.unwrap();
    }
}

#[tokio::test]
async fn a_preview_is_its_makers_alone_and_not_for_ever() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let draft = stage.draft(&stage.ada, &ids).await;
        let eve = stage
            .operator("eve", &[("administrator", Scope::EVERYWHERE)])
            .await;
        let form = stage.form(&draft).await;
        let refused = told(stage.endings.confirm(&eve, &draft, form.clone()).await);
        assert_eq!(refused.status(), 404);
        assert!(stage.endings.preview(&eve, &draft, false).await.is_err());
        stage.clock.advance(900);
        let ada = stage.caller(&stage.ada.id).await;
        assert_eq!(
            told(stage.endings.confirm(&ada, &draft, form).await).status(),
            409
        );
        assert!(
            stage
                .endings
                .preview(&ada, &draft, false)
                .await
                .unwrap()
                .blocked
                .is_some()
        );
        stage.clock.advance(86_401);
        assert_eq!(stage.endings.drop_old_drafts().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn security_b10_quotas_hold_for_who_does_not_manage_access() {
    let rules = EndingRules {
        most_per_act: 3,
        most_per_hour: 4,
        ..EndingRules::default()
    };
    for stage in Stage::both_with(rules).await {
        let ids = stage.sign_in(&[1, 2, 3, 4, 5, 6, 7, 8]).await;
        let bob = stage.operator("bob", &[("helpdesk", Scope::EVERYWHERE)]).await;
        // Nobody is there who could approve more.
        let ada = stage.ada.id.as_str();
        let away = "UPDATE operator SET disabled_at = 1 WHERE operator_id = $1";
        stage.by_hand(away, ada).await;
        let confirm = async |caller: &Caller, ids: &[String]| {
            let draft = stage.draft(caller, ids).await;
            let form = stage.form(&draft).await;
            stage.endings.confirm(caller, &draft, form).await
        };
        assert_eq!(told(confirm(&bob, &ids[..4]).await).status(), 409);
        confirm(&bob, &ids[..3]).await.unwrap();
        let words = told(confirm(&bob, &ids[3..5]).await).sentence();
        assert!(words.contains("have 1 left"), "{words}");
        confirm(&bob, &ids[3..4]).await.unwrap();
        assert!(confirm(&bob, &ids[4..5]).await.is_err());
        let bob = {
            stage.clock.advance(3_601);
            stage.caller(&bob.id).await
        };
        confirm(&bob, &ids[4..5]).await.unwrap();
        let back = "UPDATE operator SET disabled_at = NULL WHERE operator_id = $1";
        stage.by_hand(back, ada).await;
        let ada = stage.caller(&stage.ada.id).await;
        confirm(&ada, &ids[4..]).await.unwrap();
    }
}

#[tokio::test]
async fn a_set_above_the_limit_is_refused_with_its_number() {
    let rules = EndingRules {
        max_set: 2,
        ..EndingRules::default()
    };
    for stage in Stage::both_with(rules).await {
        let ids = stage.sign_in(&[1, 2, 3]).await;
        let keys: Vec<SessionKey> = ids.iter().map(|id| stage.key_of(id)).collect();
        let refused = stage.endings.draft_of_keys(&stage.ada, &keys).await;
        let Err(Error::App(told)) = refused else {
            panic!("{refused:?}")
        };
        assert!(told.sentence().contains("3 sessions"), "{told}");
        let unknown = [SessionKey::from("no such key")];
        assert!(stage.endings.draft_of_keys(&stage.ada, &unknown).await.is_err());
    }
}

#[tokio::test]
async fn ui_d6_rows_that_are_not_to_be_ended_are_left_out_with_the_reason() {
    for stage in Stage::both().await {
        stage.sim.add_own_connection();
        let ids = stage.sign_in(&[1, 2, 3]).await;
        let account = stage.sim.sessions_of(2)[0].account.to_lowercase();
        stage
            .by_hand(
                "INSERT INTO protected_subject (protected_id, system_id, who, reason, added_at) \
                 VALUES ('p', NULL, $1, 'break glass', 1)",
                &account,
            )
            .await;
        stage.sim.close(&ids[2]);
        stage.collect().await;
        let own = stage
            .operator("carl", &[("administrator", Scope::EVERYWHERE)])
            .await;
        let mut keys: Vec<SessionKey> = ids.iter().map(|id| stage.key_of(id)).collect();
        let mut conn = stage.test.db.read().await.unwrap();
        let sql = "SELECT session_key FROM session WHERE endable = 'own_connection'";
        let connection: String = on!(conn, c => sqlx::query_scalar(sql).fetch_one(c).await.unwrap());
        drop(conn);
        keys.push(SessionKey(connection.clone()));
        let draft = stage.endings.draft_of_keys(&own, &keys).await.unwrap();
        let preview = stage.endings.preview(&own, &draft, false).await.unwrap();
        assert_eq!((preview.sessions, preview.left_out_count), (1, 3));
        let why = |key: &str| {
            preview
                .left_out
                .iter()
                .find(|l| l.session_key.as_str() == key)
                .unwrap()
                .why
                .clone()
        };
        assert_eq!(why(keys[1].as_str()), CannotEnd::Protected);
        assert_eq!(why(keys[2].as_str()), CannotEnd::NotLive);
        assert_eq!(why(&connection), CannotEnd::OwnConnection);

        // Protected people need their own step, and their own permission.
        let again = stage
            .endings
            .draft_again(&own, &draft, false, true)
            .await
            .unwrap();
        let forced = stage.endings.preview(&own, &again, false).await.unwrap();
        assert_eq!((forced.sessions, forced.includes_protected), (2, true));
        assert!(
            stage.endings.preview(&own, &draft, false).await.is_err(),
            "the old one is dropped"
        );
        let bob = stage.operator("bob", &[("helpdesk", Scope::EVERYWHERE)]).await;
        let draft = stage.endings.draft_of_keys(&bob, &keys).await.unwrap();
        let refused = stage.endings.draft_again(&bob, &draft, false, true).await;
        let Err(Error::App(AppError::Forbidden { permission, .. })) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(permission, Permission::ForceEnd);
    }
}

#[tokio::test]
async fn security_b3_who_is_protected_after_the_confirmation_is_spared_unless_the_asker_may() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let bob = stage.operator("bob", &[("helpdesk", Scope::EVERYWHERE)]).await;
        let draft = stage.draft(&bob, &ids[..1]).await;
        let form = stage.form(&draft).await;
        let spared = stage.started(&bob, &draft, form).await;
        let ended = stage.ask_to_end(&ids[1..]).await;
        for n in [1, 2] {
            stage
                .by_hand(
                    "INSERT INTO protected_subject (protected_id, who, reason, added_at) \
                     VALUES ($1, $1, 'break glass', 1)",
                    &stage.sim.sessions_of(n)[0].account.to_lowercase(),
                )
                .await;
        }
        stage.work().await;
        assert_eq!(stage.outcome(spared, &ids[0]).await, Some(Outcome::Stopped));
        let words = stage.item(spared, &ids[0]).await.detail;
        assert!(words.contains("protected now"), "{words}");
        assert!(stage.sim.lets_in(&ids[0]));
        assert_eq!(stage.outcome(ended, &ids[1]).await, Some(Outcome::Ended));
    }
}

#[tokio::test]
async fn security_b3_rows_outside_the_grant_are_left_out_and_unseen_ones_do_not_exist() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let name = stage.sim.sessions_of(1)[0].account.clone();
        let one = Scope::accounts([name]).in_systems([north()]);
        let keys: Vec<SessionKey> = ids.iter().map(|id| stage.key_of(id)).collect();
        // Sees everybody, may end one.
        let seeing = stage
            .operator(
                "sue",
                &[("auditor", Scope::EVERYWHERE), ("helpdesk", one.clone())],
            )
            .await;
        let draft = stage.endings.draft_of_keys(&seeing, &keys).await.unwrap();
        let preview = stage.endings.preview(&seeing, &draft, false).await.unwrap();
        assert_eq!((preview.sessions, preview.left_out_count), (1, 1));
        assert!(matches!(preview.left_out[0].why, CannotEnd::OutsideGrant { .. }));
        // Sees only that one.
        let narrow = stage.operator("ned", &[("helpdesk", one)]).await;
        let draft = stage.endings.draft_of_keys(&narrow, &keys).await.unwrap();
        let preview = stage.endings.preview(&narrow, &draft, false).await.unwrap();
        assert_eq!((preview.sessions, preview.left_out_count), (1, 0));
        // Sees, may end nothing.
        let auditor = stage.operator("aud", &[("auditor", Scope::EVERYWHERE)]).await;
        assert!(stage.endings.draft_of_keys(&auditor, &keys).await.is_err());
    }
}

#[tokio::test]
async fn ui_k2_others_see_only_the_items_in_their_scope_and_404_for_the_rest() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1, 2]).await;
        let no = stage.ask_to_end(&ids).await;
        stage.work().await;
        let account = |n: usize| {
            Scope::accounts([stage.sim.sessions_of(n).first().map_or_else(
                || crate::simulators::people::person(n).account,
                |s| s.account.clone(),
            )])
        };
        let ned = stage.operator("ned", &[("helpdesk", account(1))]).await;
        let page = stage.endings.ending_page(&ned, no, None, None).await.unwrap();
        assert_eq!(
            (page.brief.counts.wanted, page.items.len(), page.partial_view),
            (1, 1, true)
        );
        assert!(!page.may_stop);
        let list = stage.endings.endings_page(&ned, None).await.unwrap();
        assert_eq!((list.endings.len(), list.endings[0].counts.wanted), (1, 1));
        let far = Scope::systems(["south"]);
        let far = stage.operator("far", &[("helpdesk", far)]).await;
        assert!(stage.endings.ending_page(&far, no, None, None).await.is_err());
        assert!(
            stage
                .endings
                .endings_page(&far, None)
                .await
                .unwrap()
                .endings
                .is_empty()
        );
        assert!(stage.endings.stop(&far, no).await.is_err());
    }
}

#[tokio::test]
async fn curfews_own_sessions_are_ended_like_any_other_but_not_those_of_who_holds_more() {
    for stage in Stage::both().await {
        let bob = stage.operator("bob", &[("helpdesk", Scope::EVERYWHERE)]).await;
        let eve = stage.operator("eve", &[("helpdesk", Scope::EVERYWHERE)]).await;
        for (id, who) in [("ps-ada", &stage.ada), ("ps-bob", &bob), ("ps-eve", &eve)] {
            let mut conn = stage.test.db.write().await.unwrap();
            let sql = "INSERT INTO portal_session (portal_session_id, token_hash, operator_id, created_at, \
                       last_active_at, idle_timeout_s, absolute_expires_at, policy_version, auth_methods, auth_at, \
                       data) VALUES ($1, $1, $2, $3, $3, 900, $4, 1, '[]', $3, '{}')";
            on!(conn, c => {
                sqlx::query(sql)
                    .bind(id)
                    .bind(who.id.as_str())
                    .bind(START.0)
                    .bind(START.plus_seconds(28_800).0)
                    .execute(c)
                    .await
                    .unwrap();
            });
            conn.commit().await.unwrap();
        }
        stage.clock.advance(1);
        let own = SystemId::from("curfew");
        stage.collector.collect(&own).await.unwrap().unwrap();
        let mut caller = bob.clone();
        caller.session = Some("ps-bob".into());
        let keys: Vec<SessionKey> = ["ps-ada", "ps-bob", "ps-eve"]
            .iter()
            .map(|id| stage.key.session_key("curfew", "", "portal", id))
            .collect();
        let draft = stage.endings.draft_of_keys(&caller, &keys).await.unwrap();
        let preview = stage.endings.preview(&caller, &draft, false).await.unwrap();
        assert_eq!((preview.sessions, preview.left_out_count), (1, 2));
        let why = |key: &SessionKey| {
            preview
                .left_out
                .iter()
                .find(|l| l.session_key == *key)
                .unwrap()
                .why
                .clone()
        };
        assert!(matches!(why(&keys[0]), CannotEnd::OutsideGrant { .. }));
        assert_eq!(why(&keys[1]), CannotEnd::OwnSession);
        let form = stage.form(&draft).await;
        let no = stage.started(&caller, &draft, form).await;
        stage.work().await;
        assert_eq!(stage.page(no).await.brief.counts.ended, 1);
        let left = stage
            .one(
                "SELECT COUNT(*) FROM portal_session WHERE portal_session_id <> $1",
                "x",
            )
            .await;
        assert_eq!(left, 2);
    }
}
