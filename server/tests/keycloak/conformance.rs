//! Every promise of a connector, by both ways of reading: all of them on the simulated Keycloak, on the real one those
//! that need nothing broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use server::connectors::conformance::{self, Fault, Subject};
use server::connectors::{SharedConnector, Target};
use server::simulators::keycloak::KeycloakServer;
use server::simulators::keycloak::faults::{Bad, Call, Faults};

use super::real::real;
use super::simulated::simulated;
use super::world::Far;

struct Played {
    far: Far,
    /// `None` = a real one, which nothing can be done to.
    server: Option<Arc<KeycloakServer>>,
    next: AtomicUsize,
}

#[async_trait]
impl Subject for Played {
    fn connector(&self) -> SharedConnector {
        self.far.near.clone()
    }

    async fn open(&self) -> Target {
        let name = format!("guest{}", self.next.fetch_add(1, Ordering::SeqCst));
        self.far.opened(&name).await
    }

    async fn open_in_two_places(&self) -> Option<[Target; 2]> {
        None
    }

    async fn close(&self, session: &Target) {
        self.far
            .world
            .sign_out(session, &self.far.refresh_of(session))
            .await;
    }

    async fn lets_in(&self, session: &Target) -> bool {
        self.far.lets_in(session).await
    }

    async fn fault(&self, fault: Fault) -> bool {
        let Some(server) = &self.server else { return false };
        let bad = |call: Call, bad: Bad| Faults {
            bad: [(call, bad)].into(),
            ..Faults::default()
        };
        let faults = match fault {
            Fault::None => Faults::default(),
            Fault::Lies => Faults {
                lie: true,
                ..Faults::default()
            },
            Fault::Refuses => Faults {
                refuse: true,
                ..Faults::default()
            },
            Fault::Slow => bad(Call::Sessions, Bad::Silent),
            Fault::CutList => bad(Call::Sessions, Bad::CutOff),
            Fault::CutEnd => bad(Call::Delete, Bad::CutOff),
            Fault::Garbage => bad(Call::Sessions, Bad::Garbage),
            Fault::Html => bad(Call::Sessions, Bad::Html(200)),
            Fault::Redirect => bad(Call::Sessions, Bad::Redirect),
            Fault::Unauthorized => bad(
                Call::Sessions,
                Bad::Error(401, "HTTP 401 Unauthorized".to_owned()),
            ),
            Fault::RateLimited => bad(Call::Sessions, Bad::RateLimited),
            Fault::TwoNodes | Fault::HalfList | Fault::FullList => return false,
        };
        server.faults(|all| *all = faults);
        true
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.far.world.secrets();
        secrets.extend(self.far.tokens.lock().unwrap().values().cloned());
        secrets
    }
}

#[tokio::test]
async fn keycloak_keeps_every_promise_by_both_ways_of_reading() {
    for read_by in ["clients", "console"] {
        let (server, far) = simulated(read_by).await;
        let played = Played {
            far,
            server: Some(server),
            next: AtomicUsize::new(1),
        };
        let proven = conformance::run(&played).await;
        let proven = proven.unwrap_or_else(|broken| panic!("{read_by}: {broken:#}"));
        assert_eq!(proven.len(), 24, "{read_by}: {proven:#?}");
    }
}

#[tokio::test]
async fn a_real_keycloak_keeps_them_too() {
    for read_by in ["clients", "console"] {
        let played = Played {
            far: real(read_by).await,
            server: None,
            next: AtomicUsize::new(1),
        };
        let proven = conformance::run(&played).await;
        let proven = proven.unwrap_or_else(|broken| panic!("{read_by}: {broken:#}"));
        assert_eq!(proven.len(), 14, "{read_by}: {proven:#?}");
    }
}
