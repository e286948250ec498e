//! Asking a system, chunk by chunk, and writing down before each what is about to be asked.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use app::wire::{EndingId, SessionKey};

use super::{Ask, Item};
use crate::connectors::{Answer, ErrorKind, Target};
use crate::domain::ending::Said;
use crate::endings::Endings;
use crate::endings::store::{self, work};
use crate::error::Error;
use crate::schedule::{self, Held};
use crate::systems::Connected;

/// Most items asked between two commits.
const MOST_PER_ASK: usize = 500;

impl Endings {
    /// Asks the system, chunk by chunk, and begins no other chunk after `ask_for`; before each it is written down what
    /// is about to be asked, together with the answers of the chunk before. Returns the places of the items that were
    /// asked; the others stay due.
    pub(super) async fn ask(
        &self,
        held: &Held,
        connected: &Connected,
        items: &mut [Item],
        asks: Vec<Ask>,
        ask_for: Duration,
    ) -> Result<Vec<usize>, Error> {
        let began = Instant::now();
        let size = connected.guard.chunk().clamp(1, MOST_PER_ASK);
        let mut asked = Vec::with_capacity(asks.len());
        let mut answers: Vec<(usize, Answer)> = Vec::new();
        for chunk in asks.chunks(size) {
            let allowed = self.before_ask(held, items, &answers, chunk).await?;
            answers.clear();
            let chunk: Vec<&Ask> = chunk.iter().filter(|a| allowed.contains(&a.at)).collect();
            if chunk.is_empty() {
                continue;
            }
            if held.is_lost() {
                return Err(Error::LeaseLost);
            }
            let targets: Vec<Target> = chunk.iter().map(|a| a.target.clone()).collect();
            let said = connected.guard.end(&targets).await;
            let failed = said.as_ref().err().map(|e| e.kind);
            let said = said.unwrap_or_else(|cause| {
                tracing::warn!(system.id = %connected.system_id, %cause, "asking to end sessions failed");
                let answer = match cause.kind {
                    ErrorKind::Unauthorized | ErrorKind::Forbidden => Answer::Refused(cause.message),
                    _ => Answer::NoAnswer,
                };
                vec![answer; chunk.len()]
            });
            for (ask, answer) in chunk.iter().zip(said) {
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
            if failed.is_some() || began.elapsed() >= ask_for {
                break;
            }
        }
        if !answers.is_empty() {
            self.before_ask(held, items, &answers, &[]).await?;
        }
        Ok(asked)
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

const fn said_by(answer: &Answer) -> Said {
    match answer {
        Answer::Accepted => Said::Accepted,
        Answer::NotFound => Said::NotFound,
        Answer::Refused(_) => Said::Refused,
        Answer::NoAnswer => Said::NoAnswer,
    }
}
