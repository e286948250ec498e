//! Counts for callers who see certain people: made once and kept until sessions or access change.
//!
//! A page of theirs shows them several times, and many helpers share a scope. What whole systems have is counted by
//! their readings.

use std::sync::{Arc, Mutex, PoisonError};

use app::access::wire::Scope;
use app::wire::{Count, Timestamp};

use super::{COUNT_UP_TO, Systems, store};
use crate::changes::{self, topic};
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;

/// Longest that counts are kept, ms: limits pass and grants expire without anything being written.
const KEPT_MS: i64 = 5_000;
/// Most scopes whose counts are kept.
const MOST_SCOPES: usize = 64;
/// Most sessions past their limits that are counted.
const OVER_MOST: i64 = 1_000;

/// Live sessions of certain people, by system.
#[derive(Debug, Default)]
pub struct Few(Vec<(String, i64, i64)>);

impl Few {
    /// Those in a system.
    pub fn in_system(&self, system: &str) -> u64 {
        let of_it = self.0.iter().find(|(id, ..)| id == system);
        of_it.map_or(0, |(_, n, _)| n.unsigned_abs())
    }

    /// All of them.
    pub fn in_all(&self) -> Count {
        Count::Exactly(self.0.iter().map(|(_, n, _)| n.unsigned_abs()).sum())
    }

    /// Those past one of their own limits, by system; `None` = more than are told.
    pub fn past(&self) -> Option<Vec<(String, i64)>> {
        let past: Vec<(String, i64)> = self
            .0
            .iter()
            .map(|(system, _, past)| (system.clone(), *past))
            .collect();
        (past.iter().map(|(_, n)| n).sum::<i64>() <= OVER_MOST).then_some(past)
    }
}

/// Counts with what they hold for.
struct Kept {
    parts: Vec<Scope>,
    versions: (i64, i64),
    at: Timestamp,
    few: Option<Arc<Few>>,
}

/// Counts of the scopes seen lately.
#[derive(Default)]
pub(super) struct Counted(Mutex<Vec<Kept>>);

impl Systems {
    /// Live sessions of the people a scope means; `None` = it does not mean certain people, or they have too many.
    pub(super) async fn few(
        &self,
        conn: &mut Conn,
        scope: &VisibleScope,
        now: Timestamp,
    ) -> Result<Option<Arc<Few>>, Error> {
        if !scope.by_people() {
            return Ok(None);
        }
        let versions = (
            changes::version(conn, topic::SESSIONS).await?,
            changes::version(conn, topic::ACCESS).await?,
        );
        let lock = || self.counted.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |kept: &Kept| kept.versions == versions && (0..KEPT_MS).contains(&now.since(kept.at));
        if let Some(kept) = lock()
            .iter()
            .find(|kept| holds(kept) && kept.parts == scope.parts)
        {
            return Ok(kept.few.clone());
        }
        let few = store::few(conn, scope, COUNT_UP_TO, now)
            .await?
            .map(|counts| Arc::new(Few(counts)));
        let mut all = lock();
        all.retain(|kept| holds(kept) && kept.parts != scope.parts);
        if all.len() >= MOST_SCOPES {
            all.remove(0);
        }
        all.push(Kept {
            parts: scope.parts.clone(),
            versions,
            at: now,
            few: few.clone(),
        });
        Ok(few)
    }
}
