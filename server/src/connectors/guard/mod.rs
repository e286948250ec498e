//! What stands around every call to a system: time limit, retry by kind of error, circuit breaker, trace.
//!
//! Everybody speaks to a system through [`Guarded`], nobody to a connector directly. Retry is decided here and nowhere
//! else: reading is tried again twice, asking to end never (the endings room lists first; only Domo's connector waits out
//! "asked too often", by which nothing was asked), and a refused identity is left alone until somebody mends it, because
//! five wrong passwords lock an account. Pace and number of connections are kept per request, in `http`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::systems::wire::{Abilities, SelfTestReport};
use app::wire::{SystemId, Timestamp};
use tracing::Instrument;

use self::breaker::Breaker;
use super::{
    Answer, Completeness, ConnectorError, EndEffect, ErrorKind, IssueTicket, Proof, ReadLimits,
    SharedConnector, Sink, Target, TryTickets, Wanted, abilities,
};
use crate::clock::Clock;

mod breaker;
#[cfg(test)]
mod tests;

/// Most tries again of a reading call.
const RETRIES: u32 = 2;
/// Pause before the first try again; doubled for the next, up to half of it added by chance.
const BACK_OFF: Duration = Duration::from_millis(250);
/// Longest pause a system may ask for and still be tried again within the same call.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A connector with the guard around it.
pub struct Guarded {
    system_id: SystemId,
    inner: SharedConnector,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    breaker: Mutex<Breaker>,
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

    /// True for an identity server: its sessions are ended before those of the systems it lets people into.
    pub fn is_identity_server(&self) -> bool {
        self.inner.is_identity_server()
    }

    /// What ending means there.
    pub fn effect(&self) -> EndEffect {
        self.inner.effect()
    }

    /// What the newest list found out about the installation.
    pub fn found(&self) -> Vec<String> {
        self.inner.found()
    }

    /// What it runs, where ending has to be proven on each build.
    pub fn build(&self) -> Option<String> {
        self.inner.build()
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

    /// What lets people in there; `None` = nothing does.
    ///
    /// Without the breaker: it knows how Curfew's own identity fares, and asking for a ticket needs none. The addresses
    /// that are asked have a health of their own, and every request its time limit.
    pub fn tickets(&self) -> Option<&dyn IssueTicket> {
        self.inner.tickets()
    }

    /// What tries its tickets; without the breaker for the same reason.
    pub fn try_tickets(&self) -> Option<&dyn TryTickets> {
        self.inner.try_tickets()
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
