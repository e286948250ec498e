//! Many calls, a few at a time.

use futures::stream::{FuturesUnordered, StreamExt};

use super::CallError;
use crate::connectors::{Answer, ConnectorError};

/// Carries out `asks` to end one session each, at most `at_a_time` together; the answers stand in the order of the asks.
///
/// One that fails is [`Answer::NoAnswer`]: what became of it only a list can tell. An error = nothing at all was asked.
pub async fn ask_each<F>(asks: Vec<F>, at_a_time: usize) -> Result<Vec<Answer>, ConnectorError>
where
    F: Future<Output = Result<Answer, CallError>>,
{
    let ended = in_order(asks, at_a_time).await;
    if ended
        .iter()
        .all(|one| one.as_ref().is_err_and(CallError::nothing_asked))
        && let Some(Err(first)) = ended.iter().find(|one| one.is_err())
    {
        return Err(first.error.clone());
    }
    let answers = ended.into_iter().map(|one| one.unwrap_or(Answer::NoAnswer));
    Ok(answers.collect())
}

/// What `calls` give, in their order, at most `at_a_time` of them together.
///
/// A slow one keeps its own place only: with `buffered` those that are done behind it would count as running.
pub async fn in_order<F: Future>(calls: Vec<F>, at_a_time: usize) -> Vec<F::Output> {
    let mut given: Vec<Option<F::Output>> = calls.iter().map(|_| None).collect();
    let mut waiting = calls.into_iter().enumerate();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < at_a_time.max(1)
            && let Some((at, call)) = waiting.next()
        {
            running.push(numbered(at, call));
        }
        match running.next().await {
            Some((at, one)) => given[at] = Some(one),
            None => return given.into_iter().flatten().collect(),
        }
    }
}

async fn numbered<F: Future>(at: usize, call: F) -> (usize, F::Output) {
    (at, call.await)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_slow_call_holds_up_none_behind_it() {
        let last = Notify::new();
        let calls = (0..31).map(async |n| {
            match n {
                // Done when the last one has begun.
                0 => last.notified().await,
                30 => last.notify_one(),
                _ => tokio::task::yield_now().await,
            }
            n
        });
        let given = tokio::time::timeout(Duration::from_secs(10), in_order(calls.collect(), 4)).await;
        assert_eq!(given.unwrap(), (0..31).collect::<Vec<_>>());
    }
}
