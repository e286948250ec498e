//! Every promise of a connector: all of them on simulated CAS 6 and 7, on the real one those that need nothing broken.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use server::connectors::conformance::{self, Fault, Subject};
use server::connectors::{SharedConnector, Target};
use server::simulators::cas::faults::{Bad, Call, Faults};
use server::simulators::cas::model::Release;

use super::real::real;
use super::world::{Far, simulated};

struct Played {
    far: Far,
    next: AtomicUsize,
}

impl Played {
    fn on(far: Far) -> Self {
        Self {
            far,
            next: AtomicUsize::new(1),
        }
    }
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
        self.far.sign_out(session).await;
    }

    async fn lets_in(&self, session: &Target) -> bool {
        self.far.lets_in(session).await
    }

    async fn fault(&self, fault: Fault) -> bool {
        // A real one does nothing wrong on demand.
        let Some(server) = &self.far.server else {
            return false;
        };
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
            Fault::HalfList => Faults {
                hide: 1,
                ..Faults::default()
            },
            Fault::Slow => bad(Call::List, Bad::Silent),
            Fault::CutList => bad(Call::List, Bad::CutOff),
            Fault::CutEnd => bad(Call::Delete, Bad::CutOff),
            Fault::Garbage => bad(Call::List, Bad::Garbage),
            Fault::Html => bad(Call::List, Bad::Html(200)),
            Fault::Redirect => bad(Call::List, Bad::Redirect),
            Fault::Unauthorized => bad(Call::List, Bad::Error(401, "Unauthorized".to_owned())),
            Fault::RateLimited => bad(Call::List, Bad::RateLimited),
            Fault::TwoNodes | Fault::FullList => return false,
        };
        server.faults(|all| *all = faults);
        true
    }

    fn secrets(&self) -> Vec<String> {
        self.far.secrets()
    }
}

#[tokio::test]
async fn cas_keeps_every_promise_as_6_and_as_7() {
    for release in [Release::Six, Release::Seven] {
        let (_, far) = simulated(release).await;
        let proven = conformance::run(&Played::on(far)).await;
        let proven = proven.unwrap_or_else(|broken| panic!("{release:?}: {broken:#}"));
        assert_eq!(proven.len(), 25, "{release:?}: {proven:#?}");
    }
}

#[tokio::test]
async fn a_real_cas_keeps_them_too() {
    let proven = conformance::run(&Played::on(real().await)).await;
    let proven = proven.unwrap_or_else(|broken| panic!("{broken:#}"));
    assert_eq!(proven.len(), 14, "{proven:#?}");
}
