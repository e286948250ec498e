//! What the imitation promises by itself, before any connector asks it.

use std::sync::Arc;

use super::model::{Asked, SERVICES};
use super::*;
use crate::clock::FakeClock;

const NOW: Timestamp = Timestamp(1_800_000_000_500);

async fn server() -> (Arc<FakeClock>, CasServer) {
    let clock = Arc::new(FakeClock::at(NOW));
    let server = CasServer::start(clock.clone(), 7, Release::Seven).await.unwrap();
    (clock, server)
}

#[tokio::test]
async fn the_same_seed_gives_the_same_people_and_sessions() {
    let told = async || {
        let (_, server) = server().await;
        server.model(|model, now| {
            model.fill(30, 80, now);
            let all = model.sessions.values();
            all.map(|s| (s.id.clone(), s.principal.clone(), s.created))
                .collect::<Vec<_>>()
        })
    };
    let one = told().await;
    assert_eq!(one.len(), 80);
    assert_eq!(one, told().await);
}

/// The traps of a real one: no count means 1,000, the totals agree with it, and a name is looked for in what was cut.
#[tokio::test]
async fn a_list_is_cut_without_a_word_and_before_a_name_is_looked_for() {
    let (_, server) = server().await;
    server.model(|model, now| {
        for n in 0..2_000 {
            model.open(if n % 3 == 0 { "alice" } else { "bob" }, now);
        }
        let cut = model.list(&Asked::default(), 0);
        assert_eq!(cut["activeSsoSessions"].as_array().unwrap().len(), 1_000);
        assert_eq!(cut["totalTickets"], 1_000);
        let alice = |count| {
            let asked = Asked {
                username: Some("ALICE".to_owned()),
                count,
                ..Asked::default()
            };
            model.list(&asked, 0)["activeSsoSessions"]
                .as_array()
                .unwrap()
                .len()
        };
        assert!((200..500).contains(&alice(None)), "{}", alice(None));
        assert_eq!(alice(Some(100_000)), 667);
    });
}

/// The list of a real 7.0 holds the cookie of every silent sign-in.
#[tokio::test]
async fn the_list_holds_what_signs_people_in() {
    let (_, server) = server().await;
    server.model(|model, now| {
        let (id, cookie) = model.open("ann", now);
        model.sign_in_to(&id, SERVICES[0], now);
        let list = model.list(&Asked::default(), 0).to_string();
        assert!(list.contains(&cookie) && list.contains(&id));
        model.end(&id);
        assert_eq!(model.told.len(), 1);
    });
}

#[tokio::test]
async fn life_keeps_the_number_and_lets_nobody_stay_past_a_limit() {
    let (clock, server) = server().await;
    server.model(|model, now| model.fill(30, 80, now));
    for _ in 0..20 {
        clock.advance(900);
        server.model(|model, now| {
            model.tick(now);
            assert_eq!(model.sessions.len(), 80);
            assert!(
                model
                    .sessions
                    .values()
                    .all(|s| now.since(s.last_used) < 7_200_000)
            );
        });
    }
}
