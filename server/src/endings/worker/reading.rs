//! What a reading says of the items in hand: what is still there to ask for, and what became of what was asked.

use std::cell::LazyCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use app::endings::wire::Outcome;
use app::wire::{SessionKey, SystemId, Timestamp};

use super::{Ask, Item, Sent};
use crate::connectors::{Completeness, ConnectorError, Endable, ErrorKind};
use crate::domain::ending::{Facts, Listed, Step, after_asking, before_asking};
use crate::endings::Endings;
use crate::endings::results::Change;
use crate::endings::store::work;
use crate::error::Error;
use crate::sessions::collect::Reading;

/// Pauses of a system that does not answer, seconds; then the last again.
const REST_S: [i64; 6] = [2, 8, 30, 60, 120, 300];

impl Endings {
    /// Lists the sessions of the accounts of these items.
    pub(super) async fn read(
        &self,
        system: &SystemId,
        items: impl Iterator<Item = &Item>,
    ) -> Result<Reading, ConnectorError> {
        let accounts: BTreeSet<&str> = items.map(|i| i.row.account_id.as_str()).collect();
        let accounts: Vec<String> = accounts.into_iter().map(str::to_owned).collect();
        if accounts.is_empty() {
            return Ok(Reading {
                found: HashMap::new(),
                completeness: Completeness::Partial(String::new()),
                started_at: self.now(),
            });
        }
        self.parts.collector.read_accounts(system, &accounts).await
    }

    /// What follows when the system could not be read: what was never sent waits for it, of what was sent nobody knows.
    pub(super) fn not_read(
        &self,
        system: &SystemId,
        items: &[Item],
        cause: &ConnectorError,
        rests_until: Option<Timestamp>,
        now: Timestamp,
    ) -> Vec<Change> {
        let gone_system = self.parts.systems.connected(system).is_none();
        items
            .iter()
            .map(|item| {
                if item.facts.asks > 0 {
                    let step = before_asking(item.facts, Listed::Unsure, &self.parts.rules.ask_again_s, now);
                    return item.change(step, None, now);
                }
                match cause.kind {
                    _ if gone_system => {
                        let words = "This system is not in the settings any more.".to_owned();
                        item.became(Outcome::Unsupported, Some(words), None)
                    }
                    ErrorKind::Unauthorized | ErrorKind::Forbidden => {
                        item.became(Outcome::Refused, Some(cause.message.clone()), None)
                    }
                    _ => {
                        let pause = REST_S[item.facts.looks.min(REST_S.len() - 1)];
                        let at = now.plus_seconds(pause).max(rests_until.unwrap_or(now));
                        item.waits(at, false)
                    }
                }
            })
            .collect()
    }

    /// Compares items with the reading before asking: what follows at once goes to `changes`, the rest is asked.
    pub(super) async fn compare(
        &self,
        system: &SystemId,
        items: &[Item],
        reading: &Reading,
        changes: &mut Vec<Change>,
        now: Timestamp,
    ) -> Result<Vec<Ask>, Error> {
        let rotated = self.rotated(items, reading).await?;
        let mut asks = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let (listed, found, new_key) = item.listed(reading, rotated.get(&at));
            let step = before_asking(item.facts, listed, &self.parts.rules.ask_again_s, now);
            match (step, found) {
                (Step::Ask, Some(found)) => match &found.endable {
                    Endable::Yes => asks.push(Ask {
                        at,
                        target: found.target.clone(),
                        rotated: new_key,
                    }),
                    Endable::OwnConnection => {
                        let words = "It is the sign-in that Curfew itself uses there.".to_owned();
                        changes.push(item.became(Outcome::Refused, Some(words), None));
                    }
                    Endable::No(words) => {
                        changes.push(item.became(Outcome::Unsupported, Some(words.clone()), None));
                    }
                },
                (step, _) => changes.push(item.change(step, Some(reading.started_at), now)),
            }
        }
        tracing::debug!(system.id = %system, items = items.len(), asks = asks.len(), "compared with a reading");
        Ok(asks)
    }

    /// For items that are not listed under their id: the session of the same account and start that is, under an id
    /// nobody knew when the set was frozen. By the item's place in the round.
    async fn rotated(&self, items: &[Item], reading: &Reading) -> Result<HashMap<usize, SessionKey>, Error> {
        // By account, start and kind: comparing each item with each session would take minutes for a large system. Mostly
        // every item is listed under its id, and nobody asks.
        let unknown = LazyCell::new(|| {
            let own: HashSet<&SessionKey> = items.iter().map(|i| &i.key).collect();
            let mut unknown: HashMap<(&str, Timestamp, &str), Vec<&SessionKey>> = HashMap::new();
            for (key, found) in reading.found.iter().filter(|(key, _)| !own.contains(key)) {
                if let Some(start) = found.created_at {
                    let same = (found.target.account_id.as_str(), start, found.target.kind.name());
                    unknown.entry(same).or_default().push(key);
                }
            }
            unknown
        });
        let mut candidates = Vec::new();
        let mut taken = HashSet::new();
        for (at, item) in items.iter().enumerate() {
            if let Some(key) = item.row.rotated_key.clone().map(SessionKey)
                && reading.found.contains_key(&key)
            {
                taken.insert(key.clone());
                candidates.push((at, key));
                continue;
            }
            let (Some(start), false) = (item.row.session_created_at, item.row.account_id.is_empty()) else {
                continue;
            };
            // Absent from half a list proves nothing: the old id may be in the other half.
            if reading.found.contains_key(&item.key) || reading.completeness != Completeness::Complete {
                continue;
            }
            let same = (
                item.row.account_id.as_str(),
                Timestamp(start),
                item.row.kind.as_str(),
            );
            let same = unknown.get(&same).into_iter().flatten();
            if let Some(key) = same.copied().find(|key| !taken.contains(*key)) {
                taken.insert(key.clone());
                candidates.push((at, key.clone()));
            }
        }
        if candidates.is_empty() {
            return Ok(HashMap::new());
        }
        let mut conn = self.parts.db.read().await?;
        let mut rotated = HashMap::new();
        for (at, key) in candidates {
            let item = &items[at];
            let frozen_at = Timestamp(item.row.frozen_at);
            let known = work::known_at(&mut conn, std::slice::from_ref(&key), frozen_at).await?;
            if item.row.rotated_key.as_deref() == Some(key.as_str()) || known.is_empty() {
                rotated.insert(at, key);
            }
        }
        Ok(rotated)
    }

    /// What became of what was sent, by a reading after it.
    pub(super) async fn read_back(
        &self,
        system: &SystemId,
        sent: &Sent,
        reading: &Result<Reading, ConnectorError>,
    ) -> Result<Vec<Change>, Error> {
        let items = &sent.items;
        let now = self.now();
        let rotated = match reading {
            _ if sent.asked.is_empty() => return Ok(Vec::new()),
            Ok(reading) => self.rotated(items, reading).await?,
            Err(cause) => {
                tracing::warn!(system.id = %system, %cause, "could not read back what was asked");
                HashMap::new()
            }
        };
        let mut changes = Vec::with_capacity(sent.asked.len());
        for at in &sent.asked {
            let item = &items[*at];
            let (listed, read_at) = match reading {
                Ok(reading) => (item.listed(reading, rotated.get(at)).0, Some(reading.started_at)),
                Err(_) => (Listed::Unsure, None),
            };
            // A new id that nobody asked for yet is another one than the one that was asked.
            let facts = match (listed, rotated.get(at)) {
                (Listed::Rotated, Some(key)) => Facts {
                    rotated: item.row.rotated_key.as_deref() == Some(key.as_str()),
                    ..item.facts
                },
                _ => item.facts,
            };
            let step = after_asking(facts, listed, &self.parts.rules.ask_again_s, now);
            changes.push(item.change(step, read_at, now));
        }
        Ok(changes)
    }
}
