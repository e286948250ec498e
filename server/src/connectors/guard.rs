//! What stands around every call to a system: time limit, retry by kind of error, circuit breaker, trace.
//!
//! Everybody speaks to a system through [`Guarded`], nobody to a connector directly. Retry is decided here and nowhere
//! else: reading is tried again twice, asking to end never (the endings room lists first), and a refused identity is
//! left alone until somebody mends it, because five wrong passwords lock an account. Pace and number of connections
//! are kept per request, in `http`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::systems::wire::{Abilities, SelfTestReport};
use app::wire::{SystemId, Timestamp};
use tracing::Instrument;

use super::{
    Answer, Completeness, ConnectorError, EndEffect, ErrorKind, Proof, ReadLimits, SharedConnector, Sink,
    Target, Wanted, abilities,
};
use crate::clock::Clock;

/// Most tries again of a reading call.
const RETRIES: u32 = 2;
/// Pause before the first try again; doubled for the next, up to half of it added by chance.
const BACK_OFF: Duration = Duration::from_millis(250);
/// Longest pause a system may ask for and still be tried again within the same call.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Failures in a row after which a system is left alone.
const OPENS_AFTER: u32 = 5;
/// Rest after that, seconds; doubled each time it fails again, up to [`LONGEST_REST_S`].
const REST_S: i64 = 15;
const LONGEST_REST_S: i64 = 240;

/// A connector with the guard around it.
pub struct Guarded {
    system_id: SystemId,
    inner: SharedConnector,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    breaker: Mutex<Breaker>,
}

/// Whether a system is being called at all.
#[derive(Clone, Debug, Default)]
struct Breaker {
    failures: u32,
    /// Left alone until then; one call may try after it.
    until: Option<Timestamp>,
    /// Identity refused: left alone until settings change or a person tests.
    refused: bool,
    last: Option<ConnectorError>,
}

impl Breaker {
    /// `Err` with the last failure while the system is left alone. After the rest exactly one call gets through.
    fn admit(&mut self, now: Timestamp) -> Result<(), ConnectorError> {
        let left_alone = self.refused || self.until.is_some_and(|until| now < until);
        if left_alone && let Some(last) = &self.last {
            return Err(last.clone());
        }
        if self.until.is_some() {
            // Half open: others wait until this call has told.
            self.until = Some(now.plus_seconds(REST_S));
        }
        Ok(())
    }

    fn note(&mut self, result: Result<(), &ConnectorError>, now: Timestamp) {
        match result {
            Ok(()) => *self = Self::default(),
            Err(error) => match error.kind {
                ErrorKind::Stopped | ErrorKind::Unsupported | ErrorKind::Forbidden => {}
                ErrorKind::Unauthorized => {
                    self.refused = true;
                    self.last = Some(error.clone());
                }
                ErrorKind::Unreachable | ErrorKind::RateLimited | ErrorKind::Protocol => {
                    self.failures = self.failures.saturating_add(1);
                    if self.failures >= OPENS_AFTER {
                        let doubled = (self.failures - OPENS_AFTER).min(8);
                        let rest = (REST_S << doubled).min(LONGEST_REST_S);
                        let rest = rest.max(error.retry_after_s.map_or(0, i64::from));
                        self.until = Some(now.plus_seconds(rest));
                    }
                    self.last = Some(error.clone());
                }
            },
        }
    }
}

impl Guarded {
    /// Puts the guard around a connector. `timeout` = longest time without any progress.
    pub fn new(
        system_id: SystemId,
        inner: SharedConnector,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            system_id,
            inner,
            timeout,
            clock,
            breaker: Mutex::default(),
        }
    }

    /// What it can do.
    pub fn abilities(&self) -> Abilities {
        abilities(self.inner.as_ref())
    }

    /// What ending means there.
    pub fn effect(&self) -> EndEffect {
        self.inner.effect()
    }

    /// What the newest list found out about the installation.
    pub fn found(&self) -> Vec<String> {
        self.inner.found()
    }

    /// True when listing some accounts is cheaper than listing all.
    pub fn narrows(&self) -> bool {
        self.inner.list().is_some_and(|list| list.narrows())
    }

    /// Most targets for one call of [`Guarded::end`]; at least 1.
    pub fn chunk(&self) -> usize {
        self.inner.end().map_or(1, |end| end.chunk().max(1))
    }

    /// When it is called again by itself after having been left alone; `None` = it is being called, or waits for a
    /// person.
    pub fn rests_until(&self) -> Option<Timestamp> {
        self.breaker().until.filter(|until| *until > self.clock.now())
    }

    /// Forgets past failures: a person tests, or the settings changed.
    pub fn reset(&self) {
        *self.breaker() = Breaker::default();
    }

    /// Lets the next call through although the system is being left alone; not so while its identity is refused.
    pub fn try_again(&self) {
        self.breaker().until = None;
    }

    /// Puts every wanted session into `sink`; see [`super::ListSessions::list`].
    ///
    /// Tried again after a failure only as long as nothing was handed over.
    pub async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let list = self.inner.list().ok_or_else(|| cannot("list its sessions"))?;
        let before = sink.progress().batches;
        let untouched = || sink.progress().batches == before;
        self.read("list", untouched, || async {
            sink.set(|moved| moved.since = Some(tokio::time::Instant::now()));
            let work = list.list(wanted, sink);
            tokio::pin!(work);
            loop {
                let limit = self.timeout * 2;
                let wake = sink
                    .progress()
                    .since
                    .map_or(limit, |since| limit.saturating_sub(since.elapsed()));
                tokio::select! {
                    result = &mut work => return result,
                    () = tokio::time::sleep(wake.max(Duration::from_millis(5))) => {
                        if sink.progress().since.is_some_and(|since| since.elapsed() >= limit) {
                            return Err(too_slow(limit));
                        }
                    }
                }
            }
        })
        .await
    }

    /// Asks to end sessions, once; see [`super::EndSessions::end`]. Always one answer per target.
    pub async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        let end = self.inner.end().ok_or_else(|| cannot("end sessions"))?;
        let longest = self.timeout * u32::try_from(targets.len() + 1).unwrap_or(u32::MAX);
        let asked = async {
            match tokio::time::timeout(longest.min(Duration::from_secs(120)), end.end(targets)).await {
                Ok(Ok(answers)) if answers.len() == targets.len() => Ok(answers),
                // Asked, but nobody can tell what of it arrived.
                Ok(Ok(_)) | Err(_) => Ok(vec![Answer::NoAnswer; targets.len()]),
                Ok(Err(error)) => Err(error),
            }
        };
        self.once("end", targets.len(), asked).await
    }

    /// Asks to end everything of an account; an empty account is refused (in several systems it means everybody).
    pub async fn end_all_of(&self, account_id: &str) -> Result<Answer, ConnectorError> {
        let end = self
            .inner
            .end_all_of()
            .ok_or_else(|| cannot("end everything of an account"))?;
        if account_id.trim().is_empty() {
            return Err(ConnectorError::new(
                ErrorKind::Protocol,
                "No account was named; nothing was asked.",
            ));
        }
        let asked = async {
            match tokio::time::timeout(self.timeout * 2, end.end_all_of(account_id)).await {
                Ok(result) => result,
                Err(_) => Ok(Answer::NoAnswer),
            }
        };
        self.once("end_all_of", 1, asked).await
    }

    /// The limits as configured there.
    pub async fn read_policy(&self) -> Result<ReadLimits, ConnectorError> {
        let policy = self.inner.policy().ok_or_else(|| cannot("tell its limits"))?;
        let limit = self.timeout * 2;
        self.read(
            "read_policy",
            || true,
            || async {
                match tokio::time::timeout(limit, policy.read_policy()).await {
                    Ok(result) => result,
                    Err(_) => Err(too_slow(limit)),
                }
            },
        )
        .await
    }

    /// Proves that ending works, whatever failed before: a person asked for it.
    pub async fn self_test(&self) -> Result<(SelfTestReport, Proof), ConnectorError> {
        let test = self.inner.self_test().ok_or_else(|| cannot("be tested"))?;
        self.reset();
        let at = self.clock.now();
        let limit = self.timeout * 6;
        let tested = async {
            match tokio::time::timeout(limit, test.self_test()).await {
                Ok(result) => result,
                Err(_) => Err(too_slow(limit)),
            }
        };
        let proof = self.once("self_test", 1, tested).await?;
        let report = SelfTestReport {
            at,
            took_ms: self.clock.now().since(at),
            steps: proof.steps.clone(),
        };
        Ok((report, proof))
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn span(&self, operation: &'static str, targets: usize) -> tracing::Span {
        tracing::debug_span!("system", system.id = %self.system_id, operation, targets)
    }

    /// A call that changes something there: made once.
    async fn once<T>(
        &self,
        operation: &'static str,
        targets: usize,
        call: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        self.breaker().admit(self.clock.now())?;
        let result = call.instrument(self.span(operation, targets)).await;
        self.breaker().note(result.as_ref().map(|_| ()), self.clock.now());
        result
    }

    /// A call that only reads: made again up to [`RETRIES`] times while `may_repeat`.
    async fn read<T, F>(
        &self,
        operation: &'static str,
        may_repeat: impl Fn() -> bool,
        call: impl Fn() -> F,
    ) -> Result<T, ConnectorError>
    where
        F: Future<Output = Result<T, ConnectorError>>,
    {
        self.breaker().admit(self.clock.now())?;
        let span = self.span(operation, 0);
        let mut tries = 0;
        let result = loop {
            let result = call().instrument(span.clone()).await;
            let Err(error) = &result else { break result };
            match pause_before_again(error, tries) {
                Some(pause) if may_repeat() => {
                    tracing::debug!(parent: &span, kind = error.kind.name(), pause_ms = pause.as_millis() as u64, "trying again");
                    tokio::time::sleep(pause).await;
                    tries += 1;
                }
                _ => break result,
            }
        };
        self.breaker().note(result.as_ref().map(|_| ()), self.clock.now());
        result
    }
}

/// How long to wait before the same reading call is made again; `None` = not again.
fn pause_before_again(error: &ConnectorError, tries: u32) -> Option<Duration> {
    if tries >= RETRIES {
        return None;
    }
    let base = match error.kind {
        ErrorKind::Unreachable => BACK_OFF * 2_u32.pow(tries),
        ErrorKind::RateLimited => {
            let asked = error.retry_after_s.map(|s| Duration::from_secs(u64::from(s)));
            asked.unwrap_or(BACK_OFF * 4).max(BACK_OFF * 2_u32.pow(tries))
        }
        ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::Protocol
        | ErrorKind::Unsupported
        | ErrorKind::Stopped => return None,
    };
    let [chance] = crate::keys::random_bytes::<1>();
    let pause = base + base.min(BACK_OFF * 4) * u32::from(chance) / 512;
    (base <= LONGEST_PAUSE).then_some(pause)
}

fn too_slow(limit: Duration) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Unreachable,
        format!("No answer within {} ms.", limit.as_millis()),
    )
}

fn cannot(what: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Unsupported,
        format!("This kind of system can\u{2019}t {what}."),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use app::sessions::wire::SessionKind;
    use async_trait::async_trait;

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
                residual_s: None,
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
}
