//! Every promise of a connector, by each way in.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use server::connectors::conformance::{self, Fault, Subject};
use server::connectors::{SharedConnector, Target};
use server::simulators::domo::Way;
use server::simulators::domo::faults::{Bad, Call, Faults, Who};

use super::far::{Far, far_by};

/// Most sessions of a list in these tests.
const LIMIT: usize = 60;

struct Played {
    far: Far,
    next: AtomicUsize,
    /// Sessions that fill a list up to its limit.
    extra: Mutex<Vec<Target>>,
}

impl Played {
    fn close(&self, session: &Target) {
        self.far.server.model(|model, now| {
            if let Some(number) = model.number_of(session.handle.expose()) {
                model.end(number, now);
            }
        });
    }
}

#[async_trait]
impl Subject for Played {
    fn connector(&self) -> SharedConnector {
        self.far.near.clone()
    }

    async fn open(&self) -> Target {
        self.far
            .opened(&format!("Guest {}", self.next.fetch_add(1, Ordering::SeqCst)))
    }

    async fn open_in_two_places(&self) -> Option<[Target; 2]> {
        None
    }

    async fn close(&self, session: &Target) {
        Played::close(self, session);
    }

    async fn lets_in(&self, session: &Target) -> bool {
        self.far.lets_in(session)
    }

    async fn fault(&self, fault: Fault) -> bool {
        for extra in self.extra.lock().unwrap().drain(..) {
            Played::close(self, &extra);
        }
        let bad = |calls: &[Call], bad: Bad| Faults {
            bad: calls.iter().map(|call| (*call, bad.clone())).collect(),
            ..Faults::default()
        };
        let refused = Bad::Json(401, "TOE-1".to_owned());
        let faults = match fault {
            Fault::None => Faults::default(),
            Fault::FullList => {
                let there = self.far.server.model(|model, _| model.sessions().count());
                let more = (there..LIMIT).map(|n| self.far.opened(&format!("Extra {n}")));
                self.extra.lock().unwrap().extend(more);
                Faults::default()
            }
            Fault::Lies => Faults {
                lie: Who::Everybody,
                ..Faults::default()
            },
            Fault::Refuses => Faults {
                refuse: Who::Everybody,
                ..Faults::default()
            },
            Fault::Slow => bad(&[Call::List], Bad::Silent),
            Fault::CutList => bad(&[Call::List], Bad::CutOff),
            Fault::CutEnd => bad(&[Call::Delete], Bad::CutOff),
            Fault::Garbage => bad(&[Call::List], Bad::Garbage),
            Fault::Html => bad(&[Call::List], Bad::Html(200)),
            Fault::Redirect => bad(&[Call::List], Bad::Redirect),
            Fault::Unauthorized => bad(&[Call::List, Call::Me], refused),
            Fault::RateLimited => bad(&[Call::List], Bad::RateLimited(None)),
            Fault::TwoNodes | Fault::HalfList => return false,
        };
        self.far.server.faults(|all| *all = faults);
        true
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.far.server.secrets();
        let sessions = |model: &mut server::simulators::domo::model::Model, _| {
            model.sessions().map(|s| s.token.clone()).collect::<Vec<_>>()
        };
        secrets.extend(self.far.server.model(sessions));
        secrets.extend(self.far.tokens.lock().unwrap().values().cloned());
        secrets
    }
}

#[tokio::test]
async fn domo_keeps_every_promise_by_every_way_in() {
    for way in [Way::Token, Way::Password, Way::Refresh] {
        let far = far_by(way, |own| {
            own.insert("limit".to_owned(), i64::try_from(LIMIT).unwrap().into());
        })
        .await;
        let played = Played {
            far,
            next: AtomicUsize::new(1),
            extra: Mutex::default(),
        };
        let proven = conformance::run(&played).await;
        let proven = proven.unwrap_or_else(|broken| panic!("{way:?}: {broken:#}"));
        assert_eq!(proven.len(), 23, "{way:?}: {proven:#?}");
    }
}
