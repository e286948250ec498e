use std::sync::atomic::{AtomicU32, Ordering};

use app::sessions::wire::SessionKind;
use async_trait::async_trait;

use super::breaker::REST_S;
use super::*;
use crate::clock::FakeClock;
use crate::connectors::{
    Connector, EndAccount, EndSessions, Handle, ListSessions, ReadPolicy, SeenSession, conformance,
};

/// Fails as it is told, for so many calls.
struct Moody {
    kind: Option<ErrorKind>,
    failures: AtomicU32,
    calls: AtomicU32,
    pushes_first: bool,
    hangs: bool,
}

impl Moody {
    fn failing(kind: ErrorKind, failures: u32) -> Self {
        Self {
            kind: Some(kind),
            failures: AtomicU32::new(failures),
            calls: AtomicU32::new(0),
            pushes_first: false,
            hangs: false,
        }
    }

    fn answer<T>(&self, good: T) -> Result<T, ConnectorError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let left = self.failures.load(Ordering::SeqCst);
        match self.kind {
            Some(kind) if left > 0 => {
                self.failures.store(left - 1, Ordering::SeqCst);
                Err(ConnectorError::new(kind, "moody"))
            }
            _ => Ok(good),
        }
    }
}

impl Connector for Moody {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: String::new(),
            survives: String::new(),
            residual: None,
            not_listed: Vec::new(),
            before_you_end: String::new(),
        }
    }
    fn list(&self) -> Option<&dyn ListSessions> {
        Some(self)
    }
    fn end(&self) -> Option<&dyn EndSessions> {
        Some(self)
    }
    fn end_all_of(&self) -> Option<&dyn EndAccount> {
        Some(self)
    }
    fn policy(&self) -> Option<&dyn ReadPolicy> {
        None
    }
}

#[async_trait]
impl ListSessions for Moody {
    async fn list(&self, _: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        if self.pushes_first {
            sink.push(vec![SeenSession::new(Handle::new("x"), SessionKind::Web)])
                .await?;
        }
        if self.hangs {
            std::future::pending::<()>().await;
        }
        self.answer(Completeness::Complete)
    }
}

#[async_trait]
impl EndSessions for Moody {
    async fn end(&self, _: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        // One answer too few for more than one target.
        self.answer(vec![Answer::Accepted])
    }
}

#[async_trait]
impl EndAccount for Moody {
    async fn end_all_of(&self, _: &str) -> Result<Answer, ConnectorError> {
        self.answer(Answer::Accepted)
    }
}

struct Case {
    moody: Arc<Moody>,
    guard: Guarded,
    clock: Arc<FakeClock>,
}

fn guarded(moody: Moody) -> Case {
    let clock = Arc::new(FakeClock::at(Timestamp(1_900_000_000_000)));
    let moody = Arc::new(moody);
    let guard = Guarded::new(
        SystemId::from("moody"),
        moody.clone(),
        Duration::from_millis(40),
        clock.clone(),
    );
    Case { moody, guard, clock }
}

impl Case {
    async fn list(&self) -> Result<Completeness, ConnectorError> {
        let (sink, _keep) = Sink::channel(8);
        self.guard.list(Wanted::All, &sink).await
    }

    fn calls(&self) -> u32 {
        self.moody.calls.load(Ordering::SeqCst)
    }
}

fn target() -> Target {
    Target {
        handle: Handle::new("x"),
        place: String::new(),
        kind: SessionKind::Web,
        site: String::new(),
        account_id: "a".to_owned(),
        node: None,
    }
}

#[tokio::test]
async fn security_e6_reading_is_tried_again_twice_and_by_kind_only() {
    for (kind, failures, calls, well) in [
        (ErrorKind::Unreachable, 2, 3, true),
        (ErrorKind::Unreachable, 3, 3, false),
        (ErrorKind::RateLimited, 1, 2, true),
        (ErrorKind::Unauthorized, 1, 1, false),
        (ErrorKind::Forbidden, 1, 1, false),
        (ErrorKind::Protocol, 1, 1, false),
    ] {
        let case = guarded(Moody::failing(kind, failures));
        assert_eq!(
            (case.list().await.is_ok(), case.calls()),
            (well, calls),
            "{kind:?} x{failures}"
        );
    }
}

#[tokio::test]
async fn asking_to_end_is_never_repeated() {
    let case = guarded(Moody::failing(ErrorKind::Unreachable, 1));
    assert!(case.guard.end(&[target()]).await.is_err());
    assert_eq!(case.calls(), 1);
}

#[tokio::test]
async fn a_list_that_handed_something_over_is_not_begun_again() {
    let mut moody = Moody::failing(ErrorKind::Unreachable, 1);
    moody.pushes_first = true;
    let case = guarded(moody);
    assert!(case.list().await.is_err());
    assert_eq!(case.calls(), 1);
}

#[tokio::test]
async fn the_circuit_opens_after_five_failures_and_lets_one_call_through_after_the_rest() {
    let case = guarded(Moody::failing(ErrorKind::Protocol, 6));
    for _ in 0..5 {
        assert!(case.list().await.is_err());
    }
    assert_eq!(case.list().await.unwrap_err().kind, ErrorKind::Protocol);
    assert_eq!(case.calls(), 5, "left alone");
    assert!(case.guard.rests_until().is_some());
    case.clock.advance(REST_S);
    assert!(case.list().await.is_err());
    assert!(case.list().await.is_err());
    assert_eq!(case.calls(), 6, "one try, then a longer rest");
    case.clock.advance(REST_S);
    assert!(case.list().await.is_err());
    assert_eq!(case.calls(), 6);
    case.clock.advance(REST_S);
    assert!(case.list().await.is_ok());
    assert!(case.list().await.is_ok());
    assert_eq!((case.calls(), case.guard.rests_until()), (8, None));
}

#[tokio::test]
async fn a_refused_identity_waits_for_a_person_however_long() {
    let case = guarded(Moody::failing(ErrorKind::Unauthorized, 1));
    assert!(case.list().await.is_err());
    case.clock.advance(86_400);
    case.guard.try_again();
    assert_eq!(case.list().await.unwrap_err().kind, ErrorKind::Unauthorized);
    assert_eq!(case.calls(), 1);
    case.guard.reset();
    assert!(case.list().await.is_ok());
}

#[tokio::test]
async fn what_hangs_is_unreachable_when_reading_and_no_answer_when_ending() {
    let mut moody = Moody::failing(ErrorKind::Protocol, 0);
    moody.hangs = true;
    moody.pushes_first = true;
    let case = guarded(moody);
    assert_eq!(case.list().await.unwrap_err().kind, ErrorKind::Unreachable);
    let answers = case.guard.end(&[target(), target()]).await.unwrap();
    assert_eq!(answers, [Answer::NoAnswer, Answer::NoAnswer]);
}

#[tokio::test]
async fn a_slow_receiver_is_not_the_systems_fault() {
    let mut moody = Moody::failing(ErrorKind::Protocol, 0);
    moody.pushes_first = true;
    let case = guarded(moody);
    let (sink, mut batches) = Sink::channel(1);
    sink.push(Vec::new()).await.unwrap();
    let receive = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        batches.recv().await;
        batches.recv().await;
    };
    let (listed, ()) = tokio::join!(case.guard.list(Wanted::All, &sink), receive);
    assert_eq!(listed, Ok(Completeness::Complete));
}

#[tokio::test]
async fn answers_that_do_not_match_the_asking_are_no_answers() {
    let case = guarded(Moody::failing(ErrorKind::Protocol, 0));
    let answers = case.guard.end(&[target(), target()]).await.unwrap();
    assert_eq!(answers, [Answer::NoAnswer, Answer::NoAnswer]);
}

#[tokio::test]
async fn an_empty_account_never_reaches_the_system() {
    let case = guarded(Moody::failing(ErrorKind::Protocol, 0));
    assert!(case.guard.end_all_of(" ").await.is_err());
    assert_eq!(case.calls(), 0);
    assert_eq!(case.guard.end_all_of("a").await, Ok(Answer::Accepted));
}

#[tokio::test]
async fn what_a_system_cant_do_is_said_not_tried() {
    let case = guarded(Moody::failing(ErrorKind::Protocol, 0));
    assert_eq!(
        case.guard.read_policy().await.unwrap_err().kind,
        ErrorKind::Unsupported
    );
    let abilities = case.guard.abilities();
    assert!(abilities.list && abilities.end && !abilities.policy && !abilities.self_test);
    assert!(conformance::list(case.moody.as_ref(), Wanted::All).await.is_ok());
}
