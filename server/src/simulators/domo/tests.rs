//! What the imitation promises by itself, before any connector asks it.

use std::sync::Arc;

use super::model::{BROWSER, MOBILE, Policy};
use super::*;
use crate::clock::FakeClock;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

async fn server() -> (Arc<FakeClock>, DomoServer) {
    let clock = Arc::new(FakeClock::at(NOW));
    let server = DomoServer::start(clock.clone(), 7).await.unwrap();
    (clock, server)
}

#[tokio::test]
async fn the_same_seed_gives_the_same_people_and_sessions() {
    let told = async || {
        let (_, server) = server().await;
        server.model(|model, now| {
            model.fill(40, 100, now);
            model.add_oddities(now);
            model
                .sessions()
                .map(|s| (s.id, s.session_id.clone(), s.user_id, s.created, s.last_access))
                .collect::<Vec<_>>()
        })
    };
    let one = told().await;
    assert_eq!(one, told().await);
    assert_eq!(one.len(), 129);
}

/// S1, S2, S4 and S5: an hour of idleness, eight hours at most.
#[tokio::test]
async fn a_session_ends_by_the_rule_that_comes_first() {
    let (clock, server) = server().await;
    let open = || {
        server.model(|model, now| {
            model.policy = Policy {
                idle_min: 60,
                max_min: 480,
                ..Policy::default()
            };
            let user = model.add_user("Ann", None);
            model.open(user, BROWSER, now)
        })
    };
    let id = open();
    let mut busy = server.client(id).unwrap();
    for _ in 0..8 {
        clock.advance(3_599);
        assert_eq!(busy.open_dashboard(), Screen::Dashboard);
    }
    clock.advance(8);
    assert_eq!(busy.open_dashboard(), Screen::SignIn, "eight hours, however busy");
    let id = open();
    let mut idle = server.client(id).unwrap();
    clock.advance(3_600);
    assert_eq!(
        idle.open_dashboard(),
        Screen::Dashboard,
        "an hour is not longer than an hour"
    );
    clock.advance(3_601);
    assert_eq!(idle.open_dashboard(), Screen::SignIn);
}

/// S3: nothing changes for who is in.
#[tokio::test]
async fn limits_that_are_changed_hold_for_sessions_made_later() {
    let (_, server) = server().await;
    let idle = server.model(|model, now| {
        let user = model.add_user("Ann", None);
        let before = model.open(user, BROWSER, now);
        model.policy.idle_min = 15;
        let after = model.open(user, BROWSER, now);
        [before, after].map(|id| model.session(id).unwrap().idle_ns / 60_000_000_000)
    });
    assert_eq!(idle, [480, 15]);
}

/// S6 and S7: scrolling reaches nobody. S8: the mobile app may go on for an hour. S10: the others go on.
#[tokio::test]
async fn an_ended_session_is_met_at_its_next_request_and_no_other_is() {
    let (clock, server) = server().await;
    server.faults(|faults| faults.grace = true);
    let (browser, mobile, other) = server.model(|model, now| {
        let user = model.add_user("Ann", None);
        (
            model.open(user, BROWSER, now),
            model.open(user, MOBILE, now),
            model.open(user, BROWSER, now),
        )
    });
    let mut clients = [browser, mobile, other].map(|id| server.client(id).unwrap());
    server.model(|model, now| {
        assert!(model.end(browser, now) && model.end(mobile, now));
        assert!(!model.end(browser, now), "twice");
    });
    let [browser, mobile, other] = &mut clients;
    assert_eq!(browser.scroll(), Screen::Dashboard);
    assert_eq!(browser.open_dashboard(), Screen::SignIn);
    assert_eq!(browser.scroll(), Screen::SignIn);
    assert_eq!(other.open_dashboard(), Screen::Dashboard);
    clock.advance(3_599);
    assert_eq!(mobile.open_dashboard(), Screen::Dashboard);
    clock.advance(1);
    assert_eq!(mobile.open_dashboard(), Screen::SignIn);
}
