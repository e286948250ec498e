//! Signals that are believed: whose sessions go, by which way, and what a rule only says.

use app::access::wire::{NewProtected, Protected};
use app::endings::wire::Confirm;
use app::signals::wire::SignalOutcome as Outcome;
use reqwest::StatusCode;
use serde_json::json;
use server::config::SignalMode;
use server::portal::Portal;

use crate::harness::Logged;
use crate::signals_estate::{BOTH, Signals, rule};

#[tokio::test]
async fn a_signal_ends_the_persons_sessions_in_the_systems_of_its_rule_and_nobody_elses() {
    for engine in BOTH {
        let log = Logged::start();
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        let bob = estate.signed_in("bob").await;
        let token = estate.token(&estate.claims(&ann));
        let answer = estate.tell(&token).await;
        assert_eq!(answer.status, StatusCode::OK, "{engine:?}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.all("set-cookie").is_empty(), "no cookie of Curfew's here");
        assert_eq!(estate.live(&ann).len(), 3, "nothing is done before it is kept");
        assert_eq!(estate.outcome().await, None, "it waits");

        estate.work().await;
        assert_eq!(estate.live(&ann), ["payroll"], "{engine:?}: no rule names it");
        assert_eq!(estate.live(&bob).len(), 3);
        let row = estate.newest().await;
        assert_eq!(
            (row.outcome, row.person.as_deref()),
            (Some(Outcome::Ending), Some("ann"))
        );
        let sessions: Vec<_> = row
            .sessions
            .iter()
            .map(|of| (of.system.as_str(), of.sessions))
            .collect();
        assert_eq!(sessions, [("INTRANET", 1), ("LIBRARY", 1)]);
        // An ending like any other: with a number, a reason, and outcomes that were read back.
        let ports = estate.app.ports_of_everything();
        let page = ports
            .endings
            .ending_page(row.ending_no.unwrap(), None, None)
            .await
            .unwrap();
        assert_eq!(page.brief.counts.ended, 2, "{engine:?}");
        assert_eq!(page.brief.reason, "Signed out at Keycloak");
        assert_eq!(page.brief.asked_by, "Signal sso");
        assert_eq!(page.brief.ticket_ref, row.reference);
        // Neither the session's id nor the token is anywhere.
        let kept = estate.stored().await + &estate.app.everything_stored().await + &log.text();
        let signature = token.rsplit('.').next().unwrap();
        assert!(
            !kept.contains(&ann.sid) && !kept.contains(signature),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_rule_that_only_reports_ends_nothing_and_says_what_it_would_have() {
    for engine in BOTH {
        let estate =
            Signals::start_with(engine, |config| rule(config, "sso").mode = SignalMode::Report).await;
        let ann = estate.signed_in("ann").await;
        estate.tell(&estate.token(&estate.claims(&ann))).await;
        estate.work().await;
        assert_eq!(estate.live(&ann).len(), 3, "{engine:?}");
        let row = estate.newest().await;
        assert_eq!((row.outcome, row.ending_no), (Some(Outcome::Report), None));
        assert_eq!(row.sessions.len(), 2, "what it would have ended");
        assert_eq!(estate.kept().await, (1, 0));
        let entries = estate.app.audit().await;
        let told: Vec<_> = entries
            .iter()
            .filter(|e| e.starts_with("signal_worked"))
            .collect();
        assert_eq!(told.len(), 3, "the person, and each account: {told:?}");
        assert!(told[1].contains("would have ended 1 session"), "{told:?}");
    }
}

#[tokio::test]
async fn a_signal_that_was_acknowledged_is_worked_off_by_the_next_process() {
    for engine in BOTH {
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        assert_eq!(
            estate.tell(&estate.token(&estate.claims(&ann))).await.status,
            StatusCode::OK
        );
        // The process that took it never gets to its work; another one starts on what it left.
        let next = Portal::open(estate.app.config.clone(), estate.app.clock.clone(), false)
            .await
            .unwrap();
        assert_eq!(next.signals.work_due().await.unwrap(), 1, "{engine:?}");
        while next.endings.work_due().await.unwrap() > 0 {}
        assert_eq!(estate.live(&ann), ["payroll"], "{engine:?}");
        assert_eq!(next.signals.work_due().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_process_that_died_after_the_ending_began_does_not_begin_another() {
    for engine in BOTH {
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        estate.tell(&estate.token(&estate.claims(&ann))).await;
        estate.app.portal.signals.work_due().await.unwrap();
        let number = estate.newest().await.ending_no;
        // As it was before its outcome was kept.
        let mut conn = estate.app.portal.db.write().await.unwrap();
        server::on!(conn, c => { sqlx::query("UPDATE signal_in SET state = 'waiting', outcome = NULL, ending_no = NULL, \
            next_attempt_at = 0").execute(c).await.unwrap(); });
        conn.commit().await.unwrap();
        estate.work().await;
        let row = estate.newest().await;
        assert_eq!(
            (row.outcome, row.ending_no),
            (Some(Outcome::Ending), number),
            "{engine:?}"
        );
        assert_eq!(estate.kept().await, (1, 1));
        assert_eq!(estate.live(&ann), ["payroll"]);
    }
}

#[tokio::test]
async fn what_an_ending_has_in_hand_is_left_to_it() {
    for engine in BOTH {
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        // Curfew itself ends ann everywhere; her identity server tells of it before her applications had their turn.
        estate.app.administrator("mara").await;
        let ports = estate.app.signed_in("mara").await.ports(&estate.app).await;
        let confirm = Confirm {
            reason: "left the house".to_owned(),
            ..Confirm::default()
        };
        let ended = ports
            .endings
            .end_everywhere("ann".to_owned(), confirm)
            .await
            .unwrap();
        estate.tell(&estate.token(&estate.claims(&ann))).await;
        estate.app.portal.signals.work_due().await.unwrap();
        let row = estate.newest().await;
        assert_eq!(
            (row.outcome, row.ending_no),
            (Some(Outcome::InHand), ended.ending_no),
            "{engine:?}"
        );
        assert_eq!(estate.kept().await, (1, 1));
        estate.work().await;
        assert!(estate.live(&ann).is_empty());
        // The same signal's sibling (another client's token) finds nothing left.
        estate.tell(&estate.token(&estate.claims(&ann))).await;
        estate.work().await;
        assert_eq!(estate.outcome().await, Some(Outcome::Nothing), "{engine:?}");
        assert_eq!(estate.kept().await, (2, 1));
    }
}

#[tokio::test]
async fn above_its_limit_a_rule_only_reports() {
    for engine in BOTH {
        let estate = Signals::start_with(engine, |config| rule(config, "sso").per_minute = 2).await;
        let mut people = Vec::new();
        for name in ["ann", "bob", "carla", "dan"] {
            people.push(estate.signed_in(name).await);
        }
        for person in &people {
            estate.tell(&estate.token(&estate.claims(person))).await;
        }
        estate.work().await;
        let live: Vec<usize> = people.iter().map(|person| estate.live(person).len()).collect();
        assert_eq!(live, [1, 1, 3, 3], "{engine:?}");
        let rows = estate.page().await.rows;
        let over = rows
            .iter()
            .filter(|row| row.outcome == Some(Outcome::OverLimit))
            .count();
        assert_eq!(over, 2);
        // A minute later there is room again.
        estate.advance(61);
        estate.tell(&estate.token(&estate.claims(&people[2]))).await;
        estate.work().await;
        assert_eq!(estate.live(&people[2]), ["payroll"], "{engine:?}");
    }
}

#[tokio::test]
async fn who_is_not_known_for_sure_is_unmatched_and_nobody_is_guessed() {
    let estate = Signals::start(BOTH[0]).await;
    let ann = estate.signed_in("ann").await;
    let bob = estate.signed_in("bob").await;
    let all = |changes: &[(&str, serde_json::Value)]| {
        let mut claims = estate.claims(&ann);
        for (name, value) in changes {
            claims[*name] = value.clone();
        }
        if claims["sid"].is_null() {
            claims.as_object_mut().unwrap().remove("sid");
        }
        if claims["sub"].is_null() {
            claims.as_object_mut().unwrap().remove("sub");
        }
        estate.token(&claims)
    };
    for (token, says) in [
        (
            all(&[("sub", json!("nobody")), ("sid", json!("nothing"))]),
            "Nobody known here",
        ),
        (
            all(&[("sub", json!("ann")), ("sid", json!(null))]),
            "Nobody known here",
        ),
        (all(&[("sid", json!(bob.sid))]), "two people"),
    ] {
        assert_eq!(estate.tell(&token).await.status, StatusCode::OK);
        estate.work().await;
        let row = estate.newest().await;
        assert_eq!(
            (row.outcome, row.person),
            (Some(Outcome::Unmatched), None),
            "{says}"
        );
        assert!(row.detail.contains(says), "{}", row.detail);
    }
    assert_eq!((estate.live(&ann).len(), estate.live(&bob).len()), (3, 3));
    // Either of the two is enough where it is right.
    estate.tell(&all(&[("sub", json!(null))])).await;
    estate.work().await;
    assert_eq!(estate.live(&ann), ["payroll"], "by sid alone");
    let mut claims = estate.claims(&bob);
    claims.as_object_mut().unwrap().remove("sid");
    estate.tell(&estate.token(&claims)).await;
    estate.work().await;
    assert_eq!(estate.live(&bob), ["payroll"], "by sub alone");
}

#[tokio::test]
async fn a_session_that_opened_a_moment_ago_goes_too_and_one_that_came_later_stays() {
    for engine in BOTH {
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        // Curfew has not read this one yet, and it is no other id of the first: it began later.
        estate.advance(10);
        let fresh = estate.open(0, "ann");
        estate.tell(&estate.token(&estate.claims(&ann))).await;
        // She signs in again before the signal is worked off.
        estate.advance(30);
        let again = estate.open(1, "ann");
        estate.work().await;
        assert!(!estate.systems[0].lets_in(&fresh), "{engine:?}");
        assert!(estate.systems[1].lets_in(&again), "{engine:?}: another sign-in");
        assert_eq!(estate.live(&ann), ["payroll"]);
    }
}

#[tokio::test]
async fn a_signal_that_waited_for_hours_is_only_reported() {
    let estate = Signals::start(BOTH[0]).await;
    let ann = estate.signed_in("ann").await;
    estate.tell(&estate.token(&estate.claims(&ann))).await;
    estate.advance(3_700);
    estate.work().await;
    assert_eq!(estate.outcome().await, Some(Outcome::Late));
    assert_eq!(estate.live(&ann).len(), 3);
}

#[tokio::test]
async fn the_pause_of_all_endings_holds_and_a_rule_that_turns_to_reporting_stops_what_is_left() {
    for engine in BOTH {
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        let bob = estate.signed_in("bob").await;
        let ports = estate.app.ports_of_everything();
        ports
            .endings
            .pause_all_endings("maintenance".to_owned())
            .await
            .unwrap();
        estate.tell(&estate.token(&estate.claims(&ann))).await;
        estate.work().await;
        assert_eq!(estate.outcome().await, Some(Outcome::Ending));
        assert_eq!(estate.live(&ann).len(), 3, "{engine:?}: it waits");
        ports.endings.resume_all_endings("done".to_owned()).await.unwrap();
        estate.work().await;
        assert_eq!(estate.live(&ann), ["payroll"]);

        ports
            .endings
            .pause_all_endings("maintenance".to_owned())
            .await
            .unwrap();
        estate.tell(&estate.token(&estate.claims(&bob))).await;
        estate.work().await;
        let mut config = estate.app.config.clone();
        rule(&mut config, "sso").mode = SignalMode::Report;
        estate.app.portal.take_settings(config).await.unwrap();
        ports.endings.resume_all_endings("done".to_owned()).await.unwrap();
        estate.work().await;
        assert_eq!(
            estate.live(&bob).len(),
            3,
            "{engine:?}: the right to it was taken away"
        );
        let number = estate.newest().await.ending_no.unwrap();
        let page = ports.endings.ending_page(number, None, None).await.unwrap();
        assert_eq!(page.brief.counts.stopped, 2, "{engine:?}");
    }
}

#[tokio::test]
async fn protected_people_are_left_out() {
    let estate = Signals::start(BOTH[0]).await;
    let ann = estate.signed_in("ann").await;
    let ports = estate.app.ports_of_everything();
    let new = NewProtected {
        system_id: None,
        who: Protected::Account("ann".to_owned()),
        reason: "test".to_owned(),
    };
    ports.access.protect(new).await.unwrap();
    estate.tell(&estate.token(&estate.claims(&ann))).await;
    estate.work().await;
    assert_eq!(estate.outcome().await, Some(Outcome::LeftOut));
    assert_eq!(estate.live(&ann).len(), 3);
    assert_eq!(estate.kept().await, (1, 0));
}

#[tokio::test]
async fn one_that_fails_again_and_again_is_given_up_and_said() {
    let estate = Signals::start(BOTH[0]).await;
    let ann = estate.signed_in("ann").await;
    let rename = async |from: &'static str, to: &'static str| {
        let mut conn = estate.app.portal.db.write().await.unwrap();
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        server::on!(conn, c => { sqlx::query(sqlx::AssertSqlSafe(sql)).execute(c).await.unwrap(); });
        conn.commit().await.unwrap();
    };
    estate.tell(&estate.token(&estate.claims(&ann))).await;
    // What it meant can't be kept.
    rename("signal_session", "elsewhere").await;
    for attempt in 0..5 {
        assert_eq!(
            estate.app.portal.signals.work_due().await.unwrap(),
            1,
            "{attempt}"
        );
        assert_eq!(
            estate.app.portal.signals.work_due().await.unwrap(),
            0,
            "not again at once"
        );
        estate.advance(100);
    }
    rename("elsewhere", "signal_session").await;
    assert_eq!(estate.app.portal.signals.work_due().await.unwrap(), 0);
    let row = estate.newest().await;
    assert_eq!(row.outcome, Some(Outcome::Failed));
    assert!(row.detail.contains("tried 5 times"), "{}", row.detail);
    assert_eq!(
        estate.kept().await.1,
        1,
        "the ending it began the first time, and no other"
    );
}
