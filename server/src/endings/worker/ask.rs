//! Asking a system, chunk by chunk, and writing down before each what is about to be asked.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use app::wire::{EndingId, SessionKey};

use super::{Ask, Item};
use crate::connectors::{Answer, ConnectorError, ErrorKind, Target};
use crate::domain::ending::Said;
use crate::endings::Endings;
use crate::endings::store::{self, work};
use crate::error::Error;
use crate::schedule::{self, Held};
use crate::systems::Connected;

/// Most items asked between two commits. Beginning with fewer was tried: what is saved before the first ask is lost several
/// times over where a chunk is one request (Jolokia).
const MOST_PER_ASK: usize = 1_000;

impl Endings {
    /// Asks the system, chunk by chunk, and begins no other chunk after `ask_for`; before each it is written down what
    /// is about to be asked, together with the answers of the chunks before. Returns the places of the items that were
    /// asked; the others stay due.
    ///
    /// The next chunk is written down while the system works on this one: our database is not what it waits for.
    pub(super) async fn ask(
        &self,
        held: &Held,
        connected: &Connected,
        items: &mut [Item],
        asks: Vec<Ask>,
        ask_for: Duration,
    ) -> Result<Vec<usize>, Error> {
        let began = Instant::now();
        let mut asked = Vec::with_capacity(asks.len());
        let mut answers: Vec<(usize, Answer)> = Vec::new();
        let mut chunks = asks.chunks(connected.guard.chunk().clamp(1, MOST_PER_ASK));
        let first = chunks.next().unwrap_or_default();
        let mut marked = self.mark(held, items, &[], first).await?;
        loop {
            if held.is_lost() {
                return Err(Error::LeaseLost);
            }
            let next = chunks.next();
            let stored = std::mem::take(&mut answers);
            let (said, ahead) = tokio::join!(
                send(connected, &marked),
                self.mark(held, items, &stored, next.unwrap_or_default())
            );
            let failed = said.is_err();
            for (ask, answer) in marked.iter().zip(told(said, marked.len())) {
                let item = &mut items[ask.at];
                item.facts.asks += usize::from(!item.facts.in_doubt);
                item.facts.in_doubt = false;
                item.facts.looks = 0;
                item.facts.rotated = ask.rotated.is_some();
                item.row.rotated_key = ask
                    .rotated
                    .as_ref()
                    .map(|k| k.0.clone())
                    .or(item.row.rotated_key.take());
                item.facts.said = said_by(&answer);
                asked.push(ask.at);
                // "OK" tells no more than silence: it is stored with what the reading says. The others are kept at once.
                if matches!(answer, Answer::NotFound | Answer::Refused(_)) {
                    answers.push((ask.at, answer));
                }
            }
            marked = ahead?;
            if next.is_none() {
                break;
            }
            if failed || began.elapsed() >= ask_for {
                self.unmark(held, items, &marked).await?;
                break;
            }
        }
        if !answers.is_empty() {
            self.mark(held, items, &answers, &[]).await?;
        }
        Ok(asked)
    }

    /// Stores answers, and marks what is about to be asked; returns those that may be.
    async fn mark<'a>(
        &self,
        held: &Held,
        items: &[Item],
        answers: &[(usize, Answer)],
        asks: &'a [Ask],
    ) -> Result<Vec<&'a Ask>, Error> {
        if answers.is_empty() && asks.is_empty() {
            return Ok(Vec::new());
        }
        let allowed = self.before_ask(held, items, answers, asks).await?;
        Ok(asks.iter().filter(|a| allowed.contains(&a.at)).collect())
    }

    /// Takes back that these were about to be asked: they were not. What was cancelled meanwhile is stopped.
    async fn unmark(&self, held: &Held, items: &[Item], asks: &[&Ask]) -> Result<(), Error> {
        let now = self.now();
        let mut conn = self.parts.db.write().await?;
        schedule::check_epoch(&mut conn, held.lease()).await?;
        let endings: BTreeSet<&EndingId> = asks.iter().map(|a| &items[a.at].ending).collect();
        for ending in endings {
            store::lock(&mut conn, ending).await?;
            let of_it = asks.iter().filter(|a| items[a.at].ending == *ending);
            // One that was asked before stays in doubt: the next reading tells.
            let never: Vec<SessionKey> = of_it
                .filter(|a| items[a.at].row.attempts == 0)
                .map(|a| items[a.at].key.clone())
                .collect();
            work::unmark_asked(&mut conn, ending, &never, now).await?;
            if !work::any_open(&mut conn, ending).await? {
                self.settle(&mut conn, ending, now).await?;
            }
        }
        conn.commit().await
    }

    /// Stores answers, and marks what is about to be asked; returns the places of those that may be.
    async fn before_ask(
        &self,
        held: &Held,
        items: &[Item],
        answers: &[(usize, Answer)],
        asks: &[Ask],
    ) -> Result<HashSet<usize>, Error> {
        let now = self.now();
        let mut conn = self.parts.db.write().await?;
        schedule::check_epoch(&mut conn, held.lease()).await?;
        let endings: BTreeSet<&EndingId> = answers
            .iter()
            .map(|(at, _)| &items[*at].ending)
            .chain(asks.iter().map(|a| &items[a.at].ending))
            .collect();
        let mut allowed = HashSet::new();
        for ending in endings {
            store::lock(&mut conn, ending).await?;
            let mut same: HashMap<(&'static str, Option<&str>), Vec<SessionKey>> = HashMap::new();
            for (at, answer) in answers.iter().filter(|(at, _)| items[*at].ending == *ending) {
                let words = match answer {
                    Answer::Refused(words) => Some(words.as_str()),
                    Answer::Accepted | Answer::NotFound | Answer::NoAnswer => None,
                };
                let group = same.entry((said_by(answer).name(), words)).or_default();
                group.push(items[*at].key.clone());
            }
            for ((said, words), keys) in same {
                work::store_answer(&mut conn, ending, &keys, Said::from_name(said), words).await?;
            }
            let keys: Vec<SessionKey> = asks
                .iter()
                .filter(|a| items[a.at].ending == *ending)
                .map(|a| items[a.at].key.clone())
                .collect();
            if keys.is_empty() {
                continue;
            }
            let marked: HashSet<SessionKey> = work::mark_asked(&mut conn, ending, &keys, now)
                .await?
                .into_iter()
                .collect();
            for ask in asks.iter().filter(|a| items[a.at].ending == *ending) {
                if !marked.contains(&items[ask.at].key) {
                    continue;
                }
                allowed.insert(ask.at);
                if let Some(rotated) = &ask.rotated {
                    work::set_rotated(&mut conn, ending, &items[ask.at].key, rotated).await?;
                }
            }
        }
        conn.commit().await?;
        Ok(allowed)
    }
}

/// What the system answers to each; nothing is asked for nothing.
async fn send(connected: &Connected, asks: &[&Ask]) -> Result<Vec<Answer>, ConnectorError> {
    if asks.is_empty() {
        return Ok(Vec::new());
    }
    let targets: Vec<Target> = asks.iter().map(|a| a.target.clone()).collect();
    let said = connected.guard.end(&targets).await;
    said.inspect_err(
        |cause| tracing::warn!(system.id = %connected.system_id, %cause, "asking to end sessions failed"),
    )
}

/// One answer for each of `count`, where asking failed too.
fn told(said: Result<Vec<Answer>, ConnectorError>, count: usize) -> Vec<Answer> {
    said.unwrap_or_else(|cause| {
        let answer = match cause.kind {
            ErrorKind::Unauthorized | ErrorKind::Forbidden => Answer::Refused(cause.message),
            _ => Answer::NoAnswer,
        };
        vec![answer; count]
    })
}

const fn said_by(answer: &Answer) -> Said {
    match answer {
        Answer::Accepted => Said::Accepted,
        Answer::NotFound => Said::NotFound,
        Answer::Refused(_) => Said::Refused,
        Answer::NoAnswer => Said::NoAnswer,
    }
}
