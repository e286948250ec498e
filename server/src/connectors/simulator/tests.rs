//! The simulated system against every promise of a connector, its self-test, and its settings.

use std::sync::atomic::{AtomicUsize, Ordering};

use app::sessions::wire::SessionKind;
use app::systems::wire::StepResult;

use super::*;
use crate::clock::SystemClock;
use crate::connectors::Handle;
use crate::connectors::conformance::{self, Fault, Subject};
use crate::simulators::simulator::Simulator;
use crate::simulators::simulator::faults::{Bad, Faults};
use crate::simulators::simulator::shape::Shape;

struct Sim {
    far: Simulator,
    near: SharedConnector,
    next: AtomicUsize,
}

async fn sim() -> Sim {
    let far = Simulator::start(Arc::new(SystemClock), Shape::default())
        .await
        .unwrap();
    let mut settings = far.settings("Simulated");
    settings.own.insert("page".to_owned(), 3.into());
    let recipe = Recipe {
        settings: &settings,
        timeout: Duration::from_millis(300),
    };
    Sim {
        near: from_settings(&recipe).unwrap(),
        far,
        next: AtomicUsize::new(0),
    }
}

#[async_trait]
impl Subject for Sim {
    fn connector(&self) -> SharedConnector {
        self.near.clone()
    }

    async fn open(&self) -> Target {
        let n = self.next.fetch_add(1, Ordering::SeqCst);
        target(&self.far.open(n), "", n)
    }

    async fn open_in_two_places(&self) -> Option<[Target; 2]> {
        let n = self.next.fetch_add(1, Ordering::SeqCst);
        let id = self.far.open(n);
        let mut there = self.far.sessions_of(n).remove(0);
        there.place = "/elsewhere".to_owned();
        self.far.add(there);
        Some([target(&id, "", n), target(&id, "/elsewhere", n)])
    }

    async fn close(&self, session: &Target) {
        self.far.close(session.handle.expose());
    }

    async fn lets_in(&self, session: &Target) -> bool {
        self.far.lets_in(session.handle.expose())
    }

    async fn fault(&self, fault: Fault) -> bool {
        let many = self.far.len();
        self.far.faults(|faults| {
            *faults = Faults::default();
            match fault {
                Fault::None => {}
                Fault::TwoNodes => faults.two_nodes = true,
                Fault::FullList => faults.most = Some(many),
                Fault::HalfList => faults.half_list = true,
                Fault::Lies => faults.lie = true,
                Fault::Refuses => faults.refuse = Some("Not at this hour.".to_owned()),
                Fault::Slow => faults.slow_ms = 2_000,
                Fault::CutList => faults.list = Bad::CutOff,
                Fault::CutEnd => faults.end = Bad::CutOff,
                Fault::Garbage => faults.list = Bad::Garbage,
                Fault::Html => faults.list = Bad::Html,
                Fault::Redirect => faults.list = Bad::Redirect,
                Fault::Unauthorized => faults.list = Bad::Unauthorized,
                Fault::RateLimited => faults.list = Bad::RateLimited(1),
            }
        });
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.far.access().1]
    }
}

fn target(id: &str, place: &str, n: usize) -> Target {
    Target {
        handle: Handle::new(id),
        place: place.to_owned(),
        kind: SessionKind::Web,
        site: String::new(),
        account_id: crate::simulators::people::person(n).account_id,
        node: None,
    }
}

#[tokio::test]
async fn the_simulated_system_keeps_every_promise() {
    let proven = conformance::run(&sim().await).await.unwrap();
    assert_eq!(proven.len(), 29, "{proven:#?}");
}

#[tokio::test]
async fn a_self_test_proves_ending_and_finds_a_lie() {
    let sim = sim().await;
    let test = sim.near.self_test().unwrap();
    let proof = test.self_test().await.unwrap();
    assert!(
        proof.steps.iter().all(|s| s.result == StepResult::Passed),
        "{proof:#?}"
    );
    assert_eq!((proof.steps.len(), sim.far.len()), (5, 0));
    sim.far.faults(|faults| faults.lie = true);
    let proof = test.self_test().await.unwrap();
    assert_eq!(
        proof.steps.last().unwrap().result,
        StepResult::Failed,
        "{proof:#?}"
    );
}

#[tokio::test]
async fn whoever_is_let_back_in_has_a_new_session_of_the_same_account() {
    let sim = sim().await;
    let session = sim.open().await;
    sim.far.faults(|faults| faults.let_back = true);
    let answers = sim
        .near
        .end()
        .unwrap()
        .end(std::slice::from_ref(&session))
        .await
        .unwrap();
    assert_eq!(answers, [Answer::Accepted]);
    assert!(!sim.far.lets_in(session.handle.expose()));
    assert_eq!(sim.far.sessions_of(0).len(), 1);
}

#[tokio::test]
async fn a_rotated_session_has_a_new_id_and_the_same_beginning() {
    let sim = sim().await;
    let before = sim.open().await;
    let began = sim.far.sessions_of(0)[0].started_ms;
    sim.far.faults(|faults| {
        faults.rotate_for.insert(before.account_id.clone());
    });
    let accounts = [before.account_id.clone()];
    let (_, seen) = conformance::list(sim.near.as_ref(), Wanted::Accounts(&accounts))
        .await
        .unwrap();
    assert_eq!(seen.len(), 1);
    assert_ne!(seen[0].handle.expose(), before.handle.expose());
    assert_eq!(seen[0].created_at.map(|at| at.0), began);
}

#[tokio::test]
async fn a_hundred_thousand_sessions_come_in_whole() {
    let sim = sim().await;
    sim.far.fill(100_000, 50_000);
    let settings = sim.far.settings("Big");
    let recipe = Recipe {
        settings: &settings,
        timeout: Duration::from_secs(10),
    };
    let near = from_settings(&recipe).unwrap();
    let (whole, seen) = conformance::list(near.as_ref(), Wanted::All).await.unwrap();
    let ids: std::collections::HashSet<&str> = seen.iter().map(|s| s.handle.expose()).collect();
    assert_eq!((whole, ids.len()), (Completeness::Complete, 100_000));
}

#[test]
fn unknown_settings_are_refused_by_name() {
    let mut settings: crate::config::SystemSettings =
        toml::from_str("kind = 'simulator'\nurl = 'http://localhost'\ntoken = 'env:PATH'\nspeed = 3")
            .unwrap();
    let make = |settings: &crate::config::SystemSettings| {
        from_settings(&Recipe {
            settings,
            timeout: Duration::from_secs(1),
        })
        .err()
        .map(|e| e.to_string())
    };
    assert!(make(&settings).unwrap().contains("speed"));
    settings.own.remove("speed");
    assert_eq!(make(&settings), None);
    settings.own.insert("token".to_owned(), "s3cret-itself".into());
    let told = make(&settings).unwrap();
    assert!(
        !told.contains("s3cret") && told.contains("named, not written"),
        "{told}"
    );
}

#[tokio::test]
async fn a_guess_or_a_guest_is_handed_on_without_an_account() {
    let named = |kind, doubt: Option<&str>| SeenSession {
        account_id: "7".to_owned(),
        account_name: "asmith".to_owned(),
        display_name: "Ann Smith".to_owned(),
        email: Some("ann@example.org".to_owned()),
        person_doubt: doubt.map(str::to_owned),
        ..SeenSession::new(Handle::new("x"), kind)
    };
    let (sink, mut batches) = Sink::channel(1);
    let batch = vec![
        named(SessionKind::Web, None),
        named(SessionKind::Web, Some("Two readings disagree")),
        named(SessionKind::Guest, None),
    ];
    sink.push(batch).await.unwrap();
    let got = batches.recv().await.unwrap();
    let whose: Vec<_> = got
        .iter()
        .map(|s| {
            [
                &*s.account_id,
                &*s.account_name,
                &*s.display_name,
                s.email.as_deref().unwrap_or(""),
            ]
        })
        .collect();
    assert_eq!(
        whose,
        [["7", "asmith", "Ann Smith", "ann@example.org"], [""; 4], [""; 4]]
    );
}
