//! What the imitation promises by itself, before any connector asks it.

use std::sync::Arc;

use super::*;
use crate::clock::FakeClock;

const NOW: Timestamp = Timestamp(1_800_000_000_500);

async fn server() -> (Arc<FakeClock>, KeycloakServer) {
    let clock = Arc::new(FakeClock::at(NOW));
    let server = KeycloakServer::start(clock.clone(), 7, &["staff"]).await.unwrap();
    (clock, server)
}

#[tokio::test]
async fn the_same_seed_gives_the_same_people_and_sessions() {
    let told = async || {
        let (_, server) = server().await;
        server.model(|model, now| {
            model.fill("staff", 30, 80, now);
            let realm = &model.realms["staff"];
            let all = realm.online.values().chain(realm.offline.values());
            all.map(|s| (s.id.clone(), s.user_id.clone(), s.start))
                .collect::<Vec<_>>()
        })
    };
    let one = told().await;
    assert_eq!(one.len(), 80);
    assert_eq!(one, told().await);
}

/// The trap of a real server: not-before counts whole seconds, so a token of the same second goes on.
#[tokio::test]
async fn an_offline_token_of_the_same_second_outlives_the_sign_out_of_its_person() {
    let (clock, server) = server().await;
    let (user, early) = server.model(|model, now| {
        let user = model.add_user("staff", "ann", "Ann", None);
        let (_, early) = model.open("staff", &user, model::PORTAL, true, now);
        (user, early)
    });
    clock.advance(5);
    let late = server.model(|model, now| {
        let (_, late) = model.open("staff", &user, model::PORTAL, true, now);
        assert!(model.log_out("staff", &user, now));
        late
    });
    clock.advance(5);
    server.model(|model, now| {
        assert_eq!(model.refreshed(&early, now), Err("Stale token"));
        assert!(model.refreshed(&late, now).is_ok(), "the survivor");
        assert_eq!(model.realms["staff"].offline.len(), 2, "both stay listed");
    });
}

#[tokio::test]
async fn life_keeps_the_number_and_lets_nobody_stay_past_a_limit() {
    let (clock, server) = server().await;
    server.model(|model, now| model.fill("staff", 30, 80, now));
    for _ in 0..20 {
        clock.advance(300);
        server.model(|model, now| {
            model.tick(now);
            let realm = &model.realms["staff"];
            assert_eq!(realm.online.len() + realm.offline.len(), 80);
            assert!(
                realm
                    .online
                    .values()
                    .all(|s| now.since(s.last_access) < 1_800_000)
            );
        });
    }
}
