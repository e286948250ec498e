//! What stays hidden from a caller: rows out of scope, network data, whole ids; and that looking is noted.

use app::error::AppError;
use app::sessions::port::SessionsPort;
use app::sessions::query::SortKey;
use app::sessions::query::filter::{Network, TextFilter, TextOp};
use app::sessions::wire::{EmptyBecause, SelectionEdit, SessionState, SessionsPage};

use super::house::{houses, search, seed, session_key, sessions, tick};
use super::*;
use crate::sessions::testing::Seed;

fn found(page: &SessionsPage) -> Vec<&str> {
    page.rows.iter().map(|row| row.person.as_str()).collect()
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
        let page = house.list(&domo, &by_system).await;
        assert_eq!((page.rows.len(), page.matching), (0, Count::Exactly(0)));
        // It is told of in the words for a system that there is not.
        let nowhere = SessionQuery {
            systems: vec!["nowhere".into()],
            ..SessionQuery::default()
        };
        let nowhere = house.list(&domo, &nowhere).await;
        assert_eq!(page.empty, nowhere.empty);
        assert_eq!(
            page.problems[0].message,
            nowhere.problems[0].message.replace("nowhere", "keycloak")
        );
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
            systems: vec!["domo".into()],
            ..search("secret")
        };
        match house.list(&domo, &both).await.empty {
            Some(EmptyBecause::NoMatch {
                without: Some((_, 1, _)),
            }) => {}
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
        let nobody = caller(&[(&[SEE], accounts(&["someone-else"]))]);
        assert_eq!(
            house.list(&nobody, &shown).await.selection.map(|s| sessions(&s)),
            Some(0)
        );
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
        let blind = caller(&[(&[SEE], Scope::EVERYWHERE)]);
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
            ip: Network::parse_list("10.0.0.0/8").unwrap(),
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
