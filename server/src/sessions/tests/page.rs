//! What the page of the list says beside its rows: why it is empty, what can't be ended, columns, limits.

use app::sessions::columns::Column;
use app::sessions::port::SessionsPort;
use app::sessions::query::SortKey;
use app::sessions::wire::{CannotEnd, EmptyBecause, SessionKind, SessionState};
use app::wire::{Limit, PortalSessionId};
use futures::TryStreamExt;

use super::house::{houses, search, seed, session_key, tick};
use super::*;
use crate::audit::export::Format;
use crate::on;
use crate::sessions::testing::Seed;

#[tokio::test]
async fn ui_b8_four_empty_lists_say_four_things() {
    let gone = Seed {
        state: SessionState::Vanished,
        ..seed("domo", "asmith", "Ann Smith")
    };
    for house in houses(&[gone]).await {
        let everyone = everything();
        let nobody = caller(&[]);
        assert_eq!(
            house.list(&nobody, &SessionQuery::default()).await.empty,
            Some(EmptyBecause::NoGrant {
                who_can_give: vec!["Ada Admin".to_owned()]
            })
        );
        assert_eq!(
            house.list(&everyone, &SessionQuery::default()).await.empty,
            Some(EmptyBecause::NoSessions { systems: 4 })
        );
        let vanished = SessionQuery {
            states: vec![SessionState::Vanished],
            ..search("zzz")
        };
        match house.list(&everyone, &vanished).await.empty {
            Some(EmptyBecause::NoMatch {
                without: Some((words, 1, query)),
            }) => {
                assert_eq!((words.as_str(), query.as_str()), ("Text zzz", "state=vanished"));
            }
            other => panic!("{other:?}"),
        }
        house.clock.advance(3600);
        match house.list(&everyone, &SessionQuery::default()).await.empty {
            Some(EmptyBecause::SystemDown { words }) => {
                assert!(
                    words.contains("Domo was last read whole on 15 Jan 2027"),
                    "{words}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn ui_d5_rows_that_can_t_be_ended_say_why() {
    let own = Seed {
        handle: "portal-own".to_owned(),
        kind: SessionKind::Portal,
        ..seed("curfew", "olga", "Olga")
    };
    let protected = seed("domo", "Boss", "The Boss");
    let foreign = seed("keycloak", "kim", "Kim");
    let free = seed("domo", "asmith", "Ann Smith");
    let gone = Seed {
        state: SessionState::Ended,
        ..seed("domo", "gone", "Gone")
    };
    let connection = seed("domo", "svc", "Service");
    let stuck = seed("domo", "stuck", "Stuck");
    let all = [own, protected, foreign, free, gone, connection, stuck];
    for house in houses(&all).await {
        house
            .run("INSERT INTO protected_subject (protected_id, system_id, who, reason, added_at) VALUES ('p', NULL, 'boss', 'r', 0)")
            .await;
        house
            .run("UPDATE session SET endable = 'own_connection' WHERE account_name = 'svc'")
            .await;
        house.run("UPDATE session SET endable = 'no', endable_why = 'Close the app' WHERE account_name = 'stuck'").await;
        let mut caller = caller(&[
            (&[SEE], Scope::EVERYWHERE),
            (&[Permission::EditUserSessions], systems(&["domo", "curfew"])),
        ]);
        caller.session = Some(PortalSessionId::from("portal-own"));
        let query = SessionQuery {
            states: SessionState::ALL.to_vec(),
            ..SessionQuery::default()
        };
        let page = house.list(&caller, &query).await;
        assert!(page.may_end_any);
        let why: BTreeMap<&str, Option<CannotEnd>> = page
            .rows
            .iter()
            .map(|row| (row.person.as_str(), row.cannot_end.clone()))
            .collect();
        assert_eq!(why["Olga"], Some(CannotEnd::OwnSession));
        assert_eq!(why["The Boss"], Some(CannotEnd::Protected));
        assert_eq!(
            why["Kim"],
            Some(CannotEnd::OutsideGrant {
                who_can_give: vec!["Ada Admin".to_owned()]
            })
        );
        assert_eq!(why["Ann Smith"], None);
        assert_eq!(why["Gone"], Some(CannotEnd::NotLive));
        assert_eq!(why["Service"], Some(CannotEnd::OwnConnection));
        assert_eq!(
            why["Stuck"],
            Some(CannotEnd::Unsupported {
                words: "Close the app".to_owned()
            })
        );
    }
}

#[tokio::test]
async fn a_session_in_an_ending_says_which_and_how_far() {
    let one = seed("domo", "asmith", "Ann Smith");
    let key = session_key(&one);
    for house in houses(std::slice::from_ref(&one)).await {
        let mut conn = house.test.db.write().await.unwrap();
        on!(conn, c => {
            sqlx::query("INSERT INTO ending (ending_id, ending_no, caller_kind, caller_id, caller_name, query, snapshot_hash, state, \
                created_at, expires_at, item_count, person_count, system_count, left_out_count) \
                VALUES ('e', 1042, 'operator', 'op-1', 'O', '', '', 'running', 0, 0, 1, 1, 1, 0)").execute(&mut *c).await.unwrap();
            sqlx::query("INSERT INTO ending_item (ending_id, session_key, system_id, place, site, account_id, account_name, \
                display_name, person_sort, handle_hint, kind, state, changed_at) \
                VALUES ('e', $1, 'domo', '', '', '', '', '', '', '', 'web', 'asked', 0)").bind(&key.0).execute(c).await.unwrap();
        });
        conn.commit().await.unwrap();
        let row = house
            .list(&everything(), &SessionQuery::default())
            .await
            .rows
            .remove(0);
        assert_eq!(row.in_ending, Some((1042, "asked, reading back".to_owned())));
        house.run("UPDATE ending_item SET state = 'settled'").await;
        assert_eq!(
            house
                .list(&everything(), &SessionQuery::default())
                .await
                .rows
                .remove(0)
                .in_ending,
            None
        );
    }
}

#[tokio::test]
async fn ui_c3_columns_are_kept_per_person_and_person_and_system_always_stay() {
    for house in houses(&[]).await {
        let everyone = everything();
        let port = house.port(&everyone);
        assert_eq!(
            house.list(&everyone, &SessionQuery::default()).await.columns,
            Column::ALL
        );
        port.save_columns(vec![Column::Ip, Column::Person]).await.unwrap();
        let kept = house.list(&everyone, &SessionQuery::default()).await.columns;
        assert_eq!(kept, Column::parse_list("ip,person"));
        assert!(kept.contains(&Column::System));
        let mut other = everyone.clone();
        other.id = OperatorId::from("op-2");
        assert_eq!(
            house.list(&other, &SessionQuery::default()).await.columns,
            Column::ALL
        );
    }
}

#[tokio::test]
async fn ui_c7_rows_of_a_system_that_is_not_live_are_marked_and_counted() {
    let one = seed("domo", "asmith", "Ann Smith");
    for house in houses(std::slice::from_ref(&one)).await {
        let everyone = everything();
        let row = house
            .list(&everyone, &SessionQuery::default())
            .await
            .rows
            .remove(0);
        assert_eq!((row.stale, row.read_at), (false, Some(NOW)));
        house.clock.advance(200);
        let summary = house
            .port(&everyone)
            .edit_selection(tick(vec![session_key(&one)]))
            .await
            .unwrap();
        assert_eq!(summary.stale, 1);
        let row = house
            .list(&everyone, &SessionQuery::default())
            .await
            .rows
            .remove(0);
        assert_eq!((row.stale, row.read_at), (true, Some(NOW)));
    }
}

#[tokio::test]
async fn a_remark_stands_beside_the_name_and_the_next_reading_takes_it_off() {
    let marked = |remark: Option<&str>| Seed {
        handle: "one-session".to_owned(),
        remark: remark.map(str::to_owned),
        ..seed("domo", "asmith", "Ann Smith")
    };
    for house in houses(&[
        marked(Some("disabled\u{7} in Keycloak")),
        seed("domo", "zoe", "Zoe"),
    ])
    .await
    {
        let row = house.list(&everything(), &search("smith")).await.rows.remove(0);
        assert_eq!(row.person, "Ann Smith");
        assert_eq!(row.remark.as_deref(), Some("disabled in Keycloak"));
        assert!(
            house
                .list(&everything(), &search("disabled"))
                .await
                .rows
                .is_empty()
        );
        let query = SessionQuery::default();
        let caller = Arc::new(everything());
        let file = house
            .room
            .export(&caller, &query, Format::JsonLines)
            .await
            .unwrap();
        let text: String = file.try_collect().await.unwrap();
        let told: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["remark"].clone())
            .collect();
        assert!(told.contains(&"disabled in Keycloak".into()) && told.contains(&serde_json::Value::Null));

        let mut conn = house.test.db.write().await.unwrap();
        testing::insert(&mut conn, &key(), &[marked(None)]).await.unwrap();
        conn.commit().await.unwrap();
        let row = house.list(&everything(), &search("smith")).await.rows.remove(0);
        assert_eq!(row.remark, None);
    }
}

#[tokio::test]
async fn a_person_in_doubt_is_shown_sorted_and_found_as_uncertain_and_covered_by_no_list_of_people() {
    let doubt = Seed {
        person_doubt: Some("Two readings\u{7} disagree".to_owned()),
        ..seed("domo", "", "")
    };
    let others = [
        seed("domo", "zoe", "Zoe"),
        seed("domo", "asmith", "Ann Smith"),
        seed("domo", "", ""),
    ];
    let seeds: Vec<Seed> = [doubt].into_iter().chain(others).collect();
    for house in houses(&seeds).await {
        let by_person = SessionQuery {
            sort: SortKey::Person,
            direction: app::wire::Direction::Ascending,
            ..SessionQuery::default()
        };
        let page = house.list(&everything(), &by_person).await;
        let shown: Vec<&str> = page.rows.iter().map(|row| row.person.as_str()).collect();
        assert_eq!(shown, ["not reported", "Ann Smith", "Uncertain", "Zoe"]);
        assert_eq!(
            page.rows[2].person_doubt.as_deref(),
            Some("Two readings disagree")
        );
        assert!(page.rows[0].person_doubt.is_none());
        for caller in [everything(), caller(&[(&[SEE], Scope::EVERYWHERE)])] {
            let found = house.list(&caller, &search("uncert")).await;
            assert_eq!(found.rows.len(), 1);
            assert_eq!(
                (found.rows[0].person.as_str(), found.rows[0].account_name.as_str()),
                ("Uncertain", "")
            );
        }
        for people in [accounts(&["uncertain", "", "zoe"]), these(&[""], &[])] {
            let page = house
                .list(&caller(&[(&Permission::ALL, people)]), &SessionQuery::default())
                .await;
            assert!(page.rows.iter().all(|row| row.person == "Zoe"));
        }
    }
}

#[tokio::test]
async fn past_its_limit_is_what_lay_before_the_reading_and_not_what_passed_since() {
    let idle_for = |handle: &str, seconds: i64| Seed {
        idle: Limit::Seconds(30),
        last_active_at: Some(NOW.0 - seconds * 1000),
        ..seed("domo", handle, handle)
    };
    for house in houses(&[idle_for("late", 60), idle_for("fine", 20)]).await {
        house.clock.advance(20);
        let page = house.list(&everything(), &SessionQuery::default()).await;
        let past = |who: &str| {
            page.rows
                .iter()
                .find(|row| row.person == who)
                .unwrap()
                .past_limit()
        };
        assert_eq!(
            (past("late"), past("fine")),
            (true, false),
            "read {:?}",
            page.rows[0].read_at
        );
        // Both are over by now: the number beside the list counts what is over, whether or not it is still there.
        let over = page
            .limits
            .iter()
            .find(|l| l.system_id.as_str() == "domo")
            .unwrap()
            .over;
        assert_eq!(over, Some(2));
    }
}

#[tokio::test]
async fn the_panel_shows_limits_in_view_and_sessions_past_their_own() {
    let over = Seed {
        idle: Limit::Seconds(30),
        ..seed("domo", "asmith", "Ann Smith")
    };
    let fine = Seed {
        idle: Limit::Seconds(30),
        last_active_at: Some(NOW.0),
        ..seed("domo", "kim", "Kim")
    };
    for house in houses(&[over, fine]).await {
        let page = house.list(&everything(), &SessionQuery::default()).await;
        let of = |id: &str| page.limits.iter().find(|l| l.system_id.as_str() == id).unwrap();
        assert_eq!((of("domo").idle, of("domo").over), (Limit::Seconds(30), Some(1)));
        assert_eq!(
            (of("curfew").idle, of("curfew").over),
            (Limit::Seconds(900), Some(0))
        );
        assert_eq!(of("uportal").idle, Limit::Unknown);
        let one = SessionQuery {
            systems: vec!["domo".into()],
            ..SessionQuery::default()
        };
        assert_eq!(house.list(&everything(), &one).await.limits.len(), 1);
        let counted = SessionQuery { over: true, ..one };
        let rows = house.list(&everything(), &counted).await.rows;
        let people: Vec<&str> = rows.iter().map(|row| row.person.as_str()).collect();
        assert_eq!(
            people,
            ["Ann Smith"],
            "the link behind the number lists what it counts"
        );
        let helper = caller(&[(&[SEE], Scope::EVERYWHERE)]);
        assert!(
            house
                .list(&helper, &SessionQuery::default())
                .await
                .limits
                .is_empty()
        );
    }
}

#[tokio::test]
async fn rows_say_where_nothing_proves_ending_on_the_build_that_runs() {
    let gone = Seed {
        state: SessionState::Ended,
        ..seed("domo", "gone", "Gone")
    };
    let all = [
        seed("domo", "asmith", "Ann Smith"),
        gone,
        seed("keycloak", "kim", "Kim"),
    ];
    for house in houses(&all).await {
        let query = SessionQuery {
            states: SessionState::ALL.to_vec(),
            ..SessionQuery::default()
        };
        let words = async || -> BTreeMap<String, Option<String>> {
            let page = house.list(&everything(), &query).await;
            let rows = page.rows.into_iter();
            rows.map(|row| (row.person, row.unproven)).collect()
        };
        house
            .run("UPDATE system SET build = '2' WHERE system_id = 'domo'")
            .await;
        house
            .run("INSERT INTO self_test (system_id, build, tested_at, proven) VALUES ('domo', '1', 0, 1)")
            .await;
        let said = words().await;
        assert_eq!(
            said["Ann Smith"].as_deref(),
            Some("Ending not verified on this build"),
            "a proof on another build is none"
        );
        assert_eq!((&said["Kim"], &said["Gone"]), (&None, &None));
        house
            .run("UPDATE system SET build = '1' WHERE system_id = 'domo'")
            .await;
        assert_eq!(words().await["Ann Smith"], None);
    }
}
