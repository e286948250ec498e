//! Asking Domo to end sessions: one call per session, by its number.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::Domo;
use super::list::key;
use crate::connectors::http::{CallError, ask_each};
use crate::connectors::{Answer, ConnectorError, EndSessions, ErrorKind, Target};
use crate::keys;

/// Rest after "asked too often" where Domo names none; doubled each time, up to half of it added by chance.
const REST: Duration = Duration::from_secs(1);
/// Longest rest that is waited for; after a longer one the caller comes again.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// Most times that one session is asked for again after a rest.
const TIMES: u32 = 3;

/// When Domo may be asked again.
#[derive(Default)]
pub(super) struct Rest(Mutex<Option<Instant>>);

impl Rest {
    fn until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self) {
        loop {
            let until = *self.until();
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => tokio::time::sleep_until(until).await,
                None => return,
            }
        }
    }

    /// Notes the rest Domo wants; false = longer than is waited for.
    fn take(&self, asked_s: Option<u32>, times: u32) -> bool {
        let rest = match asked_s {
            Some(seconds) => Duration::from_secs(u64::from(seconds)),
            None => REST * 2_u32.saturating_pow(times),
        };
        if rest > LONGEST_REST {
            return false;
        }
        let [chance] = keys::random_bytes::<1>();
        let until = Instant::now() + rest + REST * u32::from(chance) / 512;
        let mut known = self.until();
        *known = Some(known.map_or(until, |known| known.max(until)));
        true
    }
}

impl Domo {
    fn number(&self, target: &Target) -> Option<i64> {
        let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
        numbers.get(&key(&target.handle)).copied()
    }

    /// The numbers of these sessions; `Err` beside them = what to answer of a session that has none.
    async fn numbers(&self, targets: &[Target]) -> Result<Vec<Result<i64, Answer>>, ConnectorError> {
        let mut absent = Answer::NotFound;
        if targets.iter().any(|target| self.number(target).is_none()) {
            let listed = self.everything().await?;
            if listed.len() >= self.limit || listed.iter().any(|row| !row.is_whole()) {
                // Perhaps it is only not in this part of the list.
                absent = Answer::NoAnswer;
            }
        }
        let numbers = targets
            .iter()
            .map(|target| self.number(target).ok_or_else(|| absent.clone()));
        Ok(numbers.collect())
    }

    /// Asks to end one session. "Asked too often" turns us away at the door: asking again after the rest asks once.
    async fn end_one(&self, number: i64) -> Result<Answer, CallError> {
        let mut times = 0;
        loop {
            self.rest.wait().await;
            match self.api.delete(number).await {
                Err(failed) if failed.error.kind == ErrorKind::RateLimited => {
                    if times >= TIMES || !self.rest.take(failed.error.retry_after_s, times) {
                        return Err(failed);
                    }
                    times += 1;
                }
                other => return other,
            }
        }
    }
}

#[async_trait]
impl EndSessions for Domo {
    /// Each is a call of its own, at a pace: the answers are stored every few seconds.
    fn chunk(&self) -> usize {
        40
    }

    async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        let numbers = self.numbers(targets).await?;
        let asks: Vec<_> = numbers
            .into_iter()
            .map(|number| async move {
                match number {
                    Ok(number) => self.end_one(number).await,
                    Err(answer) => Ok(answer),
                }
            })
            .collect();
        ask_each(asks, self.connections).await
    }
}
