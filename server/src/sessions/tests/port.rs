//! The port: what a caller gets, and what stays hidden from them.

use app::error::AppError;
use app::sessions::columns::Column;
use app::sessions::port::SessionsPort;
use app::sessions::query::SortKey;
use app::sessions::query::filter::{Network, TextFilter, TextOp};
use app::sessions::wire::{
    CannotEnd, EmptyBecause, SelectionEdit, SelectionSummary, SessionKind, SessionState, SessionsPage,
};
use app::wire::{Limit, PortalSessionId, SelectionId, SessionKey, Timestamp};

use super::*;
use crate::access::Access;
use crate::audit::Audit;
use crate::caller::For;
use crate::clock::FakeClock;
use crate::config::SignInRules;
use crate::on;
use crate::policies::Policies;
use crate::sessions::Sessions;
use crate::sessions::testing::Seed;
use crate::systems::Systems;

/// The room over a database, with a clock to move.
struct House {
    test: TestDb,
    room: Arc<Sessions>,
    clock: Arc<FakeClock>,
}

/// Both houses, each with these sessions; every system of [`SYSTEMS`] and `curfew` was read whole just now.
async fn houses(seeds: &[Seed]) -> Vec<House> {
    let mut houses = Vec::new();
    for test in TestDb::both().await.unwrap() {
        let clock = Arc::new(FakeClock::at(NOW));
        let key = Arc::new(key());
        let audit = Arc::new(Audit::new(test.db.clone(), clock.clone(), key.clone()));
        let systems = Arc::new(Systems::new(test.db.clone(), clock.clone(), audit.clone()));
        let access = Access::new(
            test.db.clone(),
            clock.clone(),
            audit.clone(),
            "http://127.0.0.1",
            SignInRules::default(),
        );
        let policies = Policies::new(test.db.clone(), clock.clone(), audit.clone());
        policies.ensure_own().await.unwrap();
        let settings: String = SYSTEMS
            .iter()
            .map(|id| {
                let name = testing::system_name(id);
                format!(
                    "[systems.{id}]\nkind = \"simulator\"\nname = \"{name}\"\nurl = \"http://127.0.0.1:9\"\ntoken = \"env:PATH\"\n"
                )
            })
            .collect();
        let problems = systems
            .apply_settings(&toml::from_str(&settings).unwrap(), None)
            .await
            .unwrap();
        assert_eq!(problems, Vec::<String>::new());
        let mut conn = test.db.write().await.unwrap();
        testing::insert_system(&mut conn, "curfew", NOW).await.unwrap();
        on!(conn, c => drop(sqlx::query("UPDATE system SET last_complete_pass_started_at = $1, configured = 1")
            .bind(NOW.0).execute(&mut *c).await.unwrap()));
        on!(conn, c => drop(sqlx::query("INSERT INTO operator (operator_id, login, display_name, created_at) \
            VALUES ('op-1', 'olga', 'Olga Peters', 0)").execute(&mut *c).await.unwrap()));
        testing::insert(&mut conn, &key, seeds).await.unwrap();
        conn.commit().await.unwrap();
        let room = Arc::new(Sessions::new(
            test.db.clone(),
            clock.clone(),
            key,
            systems,
            Arc::new(access),
            Arc::new(policies),
            audit,
        ));
        houses.push(House { test, room, clock });
    }
    houses
}

impl House {
    fn port(&self, caller: &Caller) -> For<Sessions> {
        For::new(&self.room, &Arc::new(caller.clone()))
    }

    async fn list(&self, caller: &Caller, query: &SessionQuery) -> SessionsPage {
        self.port(caller)
            .list_sessions(query.clone(), true)
            .await
            .unwrap()
    }

    async fn number(&self, sql: &'static str) -> i64 {
        let mut conn = self.test.db.read().await.unwrap();
        on!(conn, c => sqlx::query_scalar(sql).fetch_one(c).await.unwrap())
    }

    async fn run(&self, sql: &'static str) {
        let mut conn = self.test.db.write().await.unwrap();
        on!(conn, c => drop(sqlx::query(sql).execute(c).await.unwrap()));
        conn.commit().await.unwrap();
    }
}

fn seed(system: &str, account: &str, name: &str) -> Seed {
    Seed {
        system_id: system.to_owned(),
        account_id: account.to_owned(),
        account_name: account.to_owned(),
        display_name: name.to_owned(),
        created_at: Some(NOW.0 - 3_600_000),
        last_active_at: Some(NOW.0 - 60_000),
        ..Seed::default()
    }
}

fn session_key(seed: &Seed) -> SessionKey {
    SessionKey(seed.row(&key()).session_key)
}

fn found(page: &SessionsPage) -> Vec<&str> {
    page.rows.iter().map(|row| row.person.as_str()).collect()
}

fn search(text: &str) -> SessionQuery {
    SessionQuery {
        search: text.to_owned(),
        ..SessionQuery::default()
    }
}

fn tick(keys: Vec<SessionKey>) -> SelectionEdit {
    SelectionEdit {
        shown: keys.clone(),
        ticked: keys,
        ..SelectionEdit::default()
    }
}

fn sessions(summary: &SelectionSummary) -> u64 {
    summary.sessions.at_least()
}

#[tokio::test]
async fn two_helpers_with_different_scopes_never_meet_each_others_rows() {
    let ours = seed("domo", "asmith", "Ann Smith");
    let theirs = seed("keycloak", "asmith", "Ann Smith-Secret");
    for house in houses(&[ours.clone(), theirs.clone()]).await {
        let domo = caller(&[(&[SEE, NET], systems(&["domo"]))]);
        let mut keycloak = caller(&[(&[SEE, NET], systems(&["keycloak"]))]);
        keycloak.id = OperatorId::from("op-2");

        // List, counts, systems in view.
        let page = house.list(&domo, &SessionQuery::default()).await;
        assert_eq!(found(&page), ["Ann Smith"]);
        assert_eq!(
            (page.matching, page.in_all),
            (Count::Exactly(1), Count::Exactly(1))
        );
        assert_eq!(page.systems.len(), 1);
        let count = house.port(&domo).count_sessions(search("ann")).await.unwrap();
        assert_eq!(count, 1);

        // Asking for it by name, key, system or id.
        assert_eq!(
            found(&house.list(&domo, &search("secret")).await),
            Vec::<&str>::new()
        );
        let by_key = SessionQuery {
            key: Some(session_key(&theirs)),
            ..SessionQuery::default()
        };
        assert_eq!(house.list(&domo, &by_key).await.rows.len(), 0);
        let by_system = SessionQuery {
            systems: vec!["keycloak".into()],
            ..SessionQuery::default()
        };
        assert_eq!(house.list(&domo, &by_system).await.rows.len(), 0);
        let port = house.port(&domo);
        assert_eq!(
            port.find_by_session_id(theirs.handle.clone()).await.unwrap(),
            None
        );
        assert_eq!(
            port.find_by_session_id(ours.handle.clone()).await.unwrap(),
            Some(session_key(&ours))
        );

        // "Without this filter there would be …" counts within the scope.
        let both = SessionQuery {
            search: "secret".to_owned(),
            ..by_system.clone()
        };
        match house.list(&domo, &both).await.empty {
            Some(EmptyBecause::NoMatch { without: None }) => {}
            other => panic!("{other:?}"),
        }

        // Ticking a foreign row by its key, ticking everything, using the other's selection.
        let mine = port
            .edit_selection(tick(vec![session_key(&ours), session_key(&theirs)]))
            .await
            .unwrap();
        assert_eq!((mine.sessions, mine.systems), (Count::Exactly(1), 1));
        let all = SelectionEdit {
            all_matching: true,
            ..SelectionEdit::default()
        };
        assert_eq!(sessions(&port.edit_selection(all).await.unwrap()), 1);
        let other = house.port(&keycloak);
        let stolen = SelectionEdit {
            selection_id: Some(mine.selection_id.clone()),
            ..tick(vec![session_key(&theirs)])
        };
        assert!(matches!(
            other.edit_selection(stolen).await,
            Err(AppError::NotFound { .. })
        ));
        let shown = SessionQuery {
            selection: Some(mine.selection_id.clone()),
            ..SessionQuery::default()
        };
        assert_eq!(house.list(&keycloak, &shown).await.selection, None);
        other.clear_selection(mine.selection_id.clone()).await.unwrap();
        assert!(house.list(&domo, &shown).await.selection.is_some());

        // A scope that shrinks takes its rows out of the selection.
        let nobody = caller(&[(&[SEE], accounts(&[(None, "someone-else")]))]);
        assert_eq!(
            house.list(&nobody, &shown).await.selection.map(|s| sessions(&s)),
            Some(0)
        );
    }
}

#[tokio::test]
async fn a_thousand_and_one_ticks_are_kept_and_single_ones_dropped() {
    let seeds: Vec<Seed> = (0..1_001).map(|n| seed("domo", &format!("a{n}"), "")).collect();
    let keys: Vec<SessionKey> = seeds.iter().map(session_key).collect();
    for house in houses(&seeds).await {
        let everything = everything();
        let port = house.port(&everything);
        let summary = port.edit_selection(tick(keys.clone())).await.unwrap();
        assert_eq!(
            (summary.sessions, summary.people),
            (Count::Exactly(1_001), Count::Exactly(1_001))
        );
        let untick = SelectionEdit {
            selection_id: Some(summary.selection_id.clone()),
            shown: keys[..3].to_vec(),
            ticked: keys[1..3].to_vec(),
            query: "q=a1000".to_owned(),
            ..SelectionEdit::default()
        };
        let summary = port.edit_selection(untick).await.unwrap();
        assert_eq!(summary.sessions, Count::Exactly(1_000));
        assert_eq!(summary.hidden_by_filter, 999, "only a1000 is in view");
        let again = SessionQuery {
            selection: Some(summary.selection_id.clone()),
            sort: SortKey::Person,
            ..SessionQuery::default()
        };
        let page = house.list(&everything, &again).await;
        assert_eq!(
            page.rows.iter().filter(|row| row.selected).count(),
            100 - page.rows.iter().filter(|row| row.session_key == keys[0]).count()
        );
    }
}

#[tokio::test]
async fn everything_selected_stays_everything_until_one_row_is_unticked() {
    let seeds: Vec<Seed> = (0..5).map(|n| seed("domo", &format!("a{n}"), "")).collect();
    let keys: Vec<SessionKey> = seeds.iter().map(session_key).collect();
    for house in houses(&seeds).await {
        let everything = everything();
        let port = house.port(&everything);
        let all = SelectionEdit {
            all_matching: true,
            ..SelectionEdit::default()
        };
        let first = port.edit_selection(all).await.unwrap();
        assert!(first.all && sessions(&first) == 5);
        // The pager sends the page as it stands.
        let mut form = SelectionEdit {
            selection_id: Some(first.selection_id.clone()),
            ..tick(keys.clone())
        };
        let kept = port.edit_selection(form.clone()).await.unwrap();
        assert!(kept.all && sessions(&kept) == 5);
        form.ticked.remove(0);
        let less = port.edit_selection(form).await.unwrap();
        assert!(!less.all);
        assert_eq!(sessions(&less), 4);

        house.clock.advance(24 * 3600 + 1);
        let late = SelectionEdit {
            selection_id: Some(less.selection_id),
            ..tick(keys.clone())
        };
        assert!(matches!(
            port.edit_selection(late).await,
            Err(AppError::NotFound { .. })
        ));
        let strange = SelectionEdit {
            all_matching: true,
            query: "sytem=domo".to_owned(),
            ..SelectionEdit::default()
        };
        assert!(matches!(
            port.edit_selection(strange).await,
            Err(AppError::Invalid { .. })
        ));
    }
}

#[tokio::test]
async fn without_network_data_nothing_about_it_is_shown_filtered_sorted_or_found() {
    let known = Seed {
        email: Some("ann@corp.example".to_owned()),
        ip: Some("10.1.2.3".to_owned()),
        browser: "Chrome 149".to_owned(),
        os: "Windows".to_owned(),
        ..seed("domo", "asmith", "Ann Smith")
    };
    for house in houses(&[known]).await {
        let blind = caller(&[(&[SEE], Scope::Everywhere)]);
        let page = house.list(&blind, &search("ann")).await;
        let row = &page.rows[0];
        assert!(row.masked);
        assert_eq!(
            (&row.email, &row.ip, row.browser.as_str(), row.os.as_str()),
            (&None, &None, "", "")
        );
        for hidden in ["corp.example", "10.1.2", "10.1.2.3"] {
            assert_eq!(
                house.list(&blind, &search(hidden)).await.matching,
                Count::Exactly(0),
                "{hidden}"
            );
        }
        let mail = TextFilter {
            op: TextOp::Is,
            texts: vec!["ann@corp.example".to_owned()],
        };
        let by_mail = SessionQuery {
            person: Some(mail),
            ..SessionQuery::default()
        };
        assert_eq!(house.list(&blind, &by_mail).await.rows.len(), 0);
        assert_eq!(house.list(&everything(), &by_mail).await.rows.len(), 1);

        let browser = TextFilter {
            op: TextOp::Contains,
            texts: vec!["chrome".to_owned()],
        };
        let by_ip = SessionQuery {
            ip: Network::parse("10.0.0.0/8").ok(),
            ..SessionQuery::default()
        };
        let by_browser = SessionQuery {
            browser: Some(browser),
            ..SessionQuery::default()
        };
        let sorted = SessionQuery {
            sort: SortKey::Ip,
            ..SessionQuery::default()
        };
        for (refused, field) in [(by_ip, "ip"), (by_browser, "browser"), (sorted, "sort")] {
            let page = house.list(&blind, &refused).await;
            assert_eq!((page.rows.len(), page.problems[0].field.as_str()), (0, field));
            assert_eq!(page.empty, Some(EmptyBecause::BadFilter));
            assert!(house.port(&blind).count_sessions(refused.clone()).await.is_err());
            assert_eq!(house.list(&everything(), &refused).await.rows.len(), 1);
        }
    }
}

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
            .run("INSERT INTO protected_subject (protected_id, system_id, account, reason, added_at) VALUES ('p', NULL, 'boss', 'r', 0)")
            .await;
        house
            .run("UPDATE session SET endable = 'own_connection' WHERE account_name = 'svc'")
            .await;
        house.run("UPDATE session SET endable = 'no', endable_why = 'Close the app' WHERE account_name = 'stuck'").await;
        let mut caller = caller(&[
            (&[SEE], Scope::Everywhere),
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
async fn a_whole_id_is_found_in_every_place_it_may_live_and_never_kept() {
    let raw = "3F2A9C0D1E4B5A6978877665544332211";
    let here = Seed {
        handle: raw.to_owned(),
        place: "/portal".to_owned(),
        ..seed("uportal", "kim", "Kim")
    };
    let gone = Seed {
        handle: raw.to_owned(),
        place: "/old".to_owned(),
        state: SessionState::Vanished,
        ..seed("uportal", "kim", "Kim")
    };
    for house in houses(&[gone, here.clone()]).await {
        let everyone = everything();
        let port = house.port(&everyone);
        let key = port.find_by_session_id(format!("  {raw}\n")).await.unwrap();
        assert_eq!(key, Some(session_key(&here)), "the live one first");
        assert_eq!(port.find_by_session_id("another".to_owned()).await.unwrap(), None);
        assert!(port.find_by_session_id(" ".to_owned()).await.is_err());
        let kept = house
            .number("SELECT COUNT(*) FROM audit_entry WHERE detail LIKE '%3F2A9C0D1E4B%' OR target LIKE '%3F2A9C0D1E4B%'")
            .await;
        assert_eq!(kept, 0);
    }
}

#[tokio::test]
async fn security_f_looking_is_noted_once_in_five_minutes_and_never_for_the_background() {
    const NOTED: &str = "SELECT COUNT(*) FROM audit_entry WHERE action = 'sensitive_read'";
    for house in houses(&[seed("domo", "asmith", "Ann Smith")]).await {
        let everyone = everything();
        let port = house.port(&everyone);
        let look = async |query: SessionQuery, background| {
            port.list_sessions(query, background).await.unwrap();
            house.number(NOTED).await
        };
        assert_eq!(look(SessionQuery::default(), true).await, 0);
        assert_eq!(look(SessionQuery::default(), false).await, 1);
        let sorted = SessionQuery {
            sort: SortKey::Person,
            ..SessionQuery::default()
        };
        assert_eq!(look(sorted, false).await, 1, "the same list in another order");
        assert_eq!(look(search("ann"), false).await, 2);
        house.clock.advance(299);
        assert_eq!(look(SessionQuery::default(), false).await, 2);
        house.clock.advance(2);
        assert_eq!(look(SessionQuery::default(), false).await, 3);
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
        let helper = caller(&[(&[SEE], Scope::Everywhere)]);
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
async fn a_selection_that_is_over_leaves_the_list_as_it_is() {
    for house in houses(&[seed("domo", "asmith", "Ann Smith")]).await {
        let query = SessionQuery {
            selection: Some(SelectionId::from("none")),
            ..SessionQuery::default()
        };
        let page = house.list(&everything(), &query).await;
        assert_eq!((page.rows.len(), page.selection), (1, None));
        assert_eq!(page.now, Timestamp(NOW.0));
    }
}
