//! Guests: left out unless a kind is asked for, and counted.

use app::sessions::wire::{EmptyBecause, SessionKind};

use super::house::{House, houses, search, seed, sessions, tick};
use super::*;
use crate::sessions::testing::Seed;
use app::sessions::port::SessionsPort;
use app::sessions::wire::SelectionEdit;

fn guest(system: &str) -> Seed {
    Seed {
        system_id: system.to_owned(),
        kind: SessionKind::Guest,
        last_active_at: Some(NOW.0),
        ..Seed::default()
    }
}

/// Two people in two systems, three guests in one of them and one in the other.
async fn estate() -> (Vec<House>, Vec<Seed>) {
    let seeds = vec![
        seed("uportal", "ann", "Ann"),
        seed("domo", "bob", "Bob"),
        guest("uportal"),
        guest("uportal"),
        guest("uportal"),
        guest("domo"),
    ];
    (houses(&seeds).await, seeds)
}

fn kinds(kinds: &[SessionKind]) -> SessionQuery {
    SessionQuery {
        kinds: kinds.to_vec(),
        ..SessionQuery::default()
    }
}

fn of_system(id: &str) -> SessionQuery {
    SessionQuery {
        systems: vec![id.into()],
        ..SessionQuery::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_are_left_out_and_counted_as_the_link_then_lists_them() {
    let (houses, seeds) = estate().await;
    for house in houses {
        let all = everything();
        for (query, listed, hidden) in [
            (SessionQuery::default(), 2, 4),
            (of_system("uportal"), 1, 3),
            (search("ann"), 1, 0),
            (kinds(&[SessionKind::Web]), 2, 0),
            (kinds(&[SessionKind::Guest]), 4, 0),
            (kinds(&[SessionKind::Guest, SessionKind::Web]), 6, 0),
        ] {
            let page = house.list(&all, &query).await;
            let words = query.to_query_string();
            assert_eq!(page.matching, Count::Exactly(listed), "{words}");
            assert_eq!(page.rows.len() as u64, listed, "{words}");
            assert_eq!(page.in_all, Count::Exactly(2), "{words}");
            assert_eq!(page.guests_hidden, Count::Exactly(hidden), "{words}");
            if hidden > 0 {
                let link = page.query.only_guests();
                assert!(link.to_query_string().contains("kind=guest"));
                assert_eq!(
                    house.list(&all, &link).await.matching,
                    page.guests_hidden,
                    "{words}"
                );
            }
            let exact = house.port(&all).count_sessions(query).await.unwrap();
            assert_eq!(exact, listed, "{words}");
        }
        let one = SessionQuery {
            key: Some(house::session_key(&seeds[2])),
            ..SessionQuery::default()
        };
        let page = house.list(&all, &one).await;
        assert_eq!((page.rows.len(), page.guests_hidden), (1, Count::Exactly(0)));
        assert_eq!(page.rows[0].kind, SessionKind::Guest);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_guests_are_counted_within_the_scope_and_people_scopes_cover_none() {
    let (houses, _) = estate().await;
    for house in houses {
        let domo = caller(&[(&[SEE], systems(&["domo"]))]);
        let page = house.list(&domo, &SessionQuery::default()).await;
        assert_eq!(
            (page.in_all, page.guests_hidden),
            (Count::Exactly(1), Count::Exactly(1))
        );
        // A guest has no account: neither a list of people nor the empty name covers it.
        for these in [
            accounts(&["ann", "bob"]),
            accounts(&[""]),
            these(&["", "example.org"], &[GROUP.0]),
        ] {
            let someone = caller(&[(&Permission::ALL, these)]);
            for query in [SessionQuery::default(), kinds(&[SessionKind::Guest])] {
                let page = house.list(&someone, &query).await;
                assert_eq!(page.guests_hidden, Count::Exactly(0));
                assert!(page.rows.iter().all(|row| row.kind != SessionKind::Guest));
            }
        }
        let nothing = house
            .list(&caller(&[(&[NET], Scope::EVERYWHERE)]), &SessionQuery::default())
            .await;
        assert_eq!(nothing.guests_hidden, Count::Exactly(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_matches_is_what_the_list_shows() {
    let (houses, seeds) = estate().await;
    for house in houses {
        let port = house.port(&everything());
        let everything_of = |query: &SessionQuery| SelectionEdit {
            all_matching: true,
            query: query.to_query_string(),
            ..SelectionEdit::default()
        };
        let people = port
            .edit_selection(everything_of(&SessionQuery::default()))
            .await
            .unwrap();
        assert_eq!((sessions(&people), people.people), (2, Count::Exactly(2)));
        let guests = port
            .edit_selection(everything_of(&kinds(&[SessionKind::Guest])))
            .await
            .unwrap();
        assert_eq!((sessions(&guests), guests.people), (4, Count::Exactly(0)));
        // A guest that was ticked by itself stays ticked, and the list says that it does not show it.
        let ticked = port
            .edit_selection(tick(vec![house::session_key(&seeds[2])]))
            .await
            .unwrap();
        assert_eq!((sessions(&ticked), ticked.people), (1, Count::Exactly(0)));
        assert_eq!(ticked.hidden_by_filter, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_alone_are_nobody_signed_in() {
    for house in houses(&[guest("uportal")]).await {
        let page = house.list(&everything(), &SessionQuery::default()).await;
        assert!(
            matches!(page.empty, Some(EmptyBecause::NoSessions { .. })),
            "{:?}",
            page.empty
        );
        assert_eq!(
            (page.in_all, page.guests_hidden),
            (Count::Exactly(0), Count::Exactly(1))
        );
    }
}
