//! The worker: makes what is listed agree with what is wanted, one system at a time under a lease.
//!
//! Level-triggered: each round takes what is [`due`], reads the system, compares ([`reading`]), asks for what is still
//! there ([`ask`]), reads again. Before anything is asked that is written down; what it means is decided by
//! `domain::ending` from the reading after. Killed at any point, the next round starts from what is stored and reads
//! before it asks.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use app::wire::{EndingId, SessionKey, SystemId};

use self::due::unsupported;
use super::Endings;
use super::results::Change;
use super::store::{self, work};
use crate::connectors::{ConnectorError, ErrorKind, Target};
use crate::domain::ending::Facts;
use crate::error::Error;
use crate::schedule::Held;
use crate::sessions::collect::Reading;
use crate::systems::Connected;

mod ask;
mod due;
mod item;
mod reading;

/// How long a round asks before it reads back: of a slow system people see the first outcomes after this, not after the
/// last ask.
pub(super) const ASK_FOR: Duration = Duration::from_secs(5);

/// Most items of the first round: its outcomes are seen soon.
const FIRST_ROUND: usize = 2_000;
/// Most items of any round. Each reads the system twice, so many small ones of a large system mostly read.
const MOST_PER_ROUND: usize = 10_000;

/// An item in hand.
struct Item {
    ending: EndingId,
    key: SessionKey,
    row: work::DueItem,
    facts: Facts,
    /// Why it is not asked (again), in words.
    over: Option<String>,
}

/// An item to ask for: what the reading found, under its own or its new id.
struct Ask {
    /// Place in the round.
    at: usize,
    target: Target,
    rotated: Option<SessionKey>,
}

impl Endings {
    /// Starts work on every system with due items, each in a task of its own, and does not wait for them.
    pub async fn start_due(self: Arc<Self>) -> Result<(), Error> {
        for system in self.due_systems().await? {
            if self.take_up(&system) {
                let room = self.clone();
                tokio::spawn(async move {
                    room.work_and_log(&system).await;
                });
            }
        }
        Ok(())
    }

    /// Works on every system with due items until nothing is due now; how many items were looked at.
    pub async fn work_due(&self) -> Result<usize, Error> {
        let mut looked_at = 0;
        loop {
            let systems = self.due_systems().await?;
            let done = futures::future::try_join_all(systems.iter().map(|s| self.work_on(s))).await?;
            let round: usize = done.iter().sum();
            looked_at += round;
            if round == 0 {
                return Ok(looked_at);
            }
        }
    }

    async fn due_systems(&self) -> Result<Vec<SystemId>, Error> {
        let mut conn = self.parts.db.read().await?;
        let paused = store::pause(&mut conn).await?.is_some();
        work::due_systems(&mut conn, paused, self.now()).await
    }

    /// Notes that this process is at work on a system; false = it is already.
    fn take_up(&self, system: &SystemId) -> bool {
        self.busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(system.clone())
    }

    async fn work_and_log(&self, system: &SystemId) {
        /// Notes the end of the work even if it panics.
        struct Done<'a>(&'a Endings, &'a SystemId);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0
                    .busy
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(self.1);
            }
        }
        let _done = Done(self, system);
        match self.work_on(system).await {
            Ok(_) => {}
            Err(Error::LeaseLost) => {
                tracing::warn!(system.id = %system, "another worker ends sessions there now")
            }
            Err(cause) => {
                tracing::error!(system.id = %system, %cause, "ending sessions was interrupted; the next round comes")
            }
        }
    }

    /// Works on one system until nothing is due now. 0 = nothing was, or another worker is at it.
    pub async fn work_on(&self, system: &SystemId) -> Result<usize, Error> {
        let held = Held::take(
            &self.parts.db,
            &self.parts.clock,
            "end",
            system.as_str(),
            &self.owner,
        )
        .await?;
        let Some(held) = held else { return Ok(0) };
        let worked = self.rounds(&held, system).await;
        held.release().await?;
        worked
    }

    /// Rounds until nothing is due; the results of a round are stored while the next one is at work.
    async fn rounds(&self, held: &Held, system: &SystemId) -> Result<usize, Error> {
        let mut looked_at = 0;
        let mut results: Vec<Change> = Vec::new();
        let mut most = FIRST_ROUND;
        loop {
            let in_hand: HashSet<(EndingId, SessionKey)> = results
                .iter()
                .map(|c| (c.ending.clone(), c.key.clone()))
                .collect();
            let connected = self.parts.systems.connected(system);
            let residual = connected.as_ref().and_then(|c| c.guard.effect().residual);
            let (stored, round) = tokio::join!(
                self.write(held, system, std::mem::take(&mut results), residual),
                self.round(held, system, connected.as_deref(), &in_hand, most),
            );
            most = (2 * most).min(MOST_PER_ROUND);
            stored?;
            match round? {
                Some(changes) => {
                    looked_at += changes.len();
                    results = changes;
                }
                None => return Ok(looked_at),
            }
        }
    }

    /// One round over the next due items (at most `most`) that are not in hand: what became of each. `None` = nothing is due, or nothing
    /// may be done for now.
    async fn round(
        &self,
        held: &Held,
        system: &SystemId,
        connected: Option<&Connected>,
        in_hand: &HashSet<(EndingId, SessionKey)>,
        most: usize,
    ) -> Result<Option<Vec<Change>>, Error> {
        let began = Instant::now();
        let (mut items, mut changes, reading) = self.take_and_read(system, connected, in_hand, most).await?;
        // Where reading takes long, more is asked between two readings.
        let ask_for = self.ask_for.max(2 * began.elapsed());
        if items.is_empty() && changes.is_empty() {
            return Ok(None);
        }
        let now = self.now();
        let asks = match &reading {
            Err(cause) if cause.kind == ErrorKind::Stopped => return Ok(None),
            Err(cause) => {
                let rests_until = connected.and_then(|c| c.guard.rests_until());
                changes.extend(self.not_read(system, &items, cause, rests_until, now));
                Vec::new()
            }
            Ok(reading) => self.compare(system, &items, reading, &mut changes, now).await?,
        };
        if let Some(connected) = connected.filter(|_| !asks.is_empty()) {
            let asked = self.ask(held, connected, &mut items, asks, ask_for).await?;
            changes.extend(self.read_back(system, &items, &asked).await?);
        }
        Ok(Some(changes))
    }

    /// The next due items that are not in hand, what becomes of some of them without reading, and the reading.
    async fn take_and_read(
        &self,
        system: &SystemId,
        connected: Option<&Connected>,
        in_hand: &HashSet<(EndingId, SessionKey)>,
        most: usize,
    ) -> Result<(Vec<Item>, Vec<Change>, Result<Reading, ConnectorError>), Error> {
        let mut items = self.take(system, in_hand, most, self.now()).await?;
        let mut changes = self.not_worth_reading(&mut items);
        let reading = match connected {
            None => Err(not_connected()),
            Some(connected) => {
                if !connected.guard.abilities().end {
                    changes.extend(unsupported(&mut items));
                }
                self.read(system, &items).await
            }
        };
        Ok((items, changes, reading))
    }
}

fn not_connected() -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Unreachable,
        "This system is not in the settings any more.",
    )
}

#[cfg(test)]
impl Endings {
    /// Rounds on `north` under a lease that may be lost.
    pub(super) async fn rounds_for_test(&self, held: &Held) -> Result<usize, Error> {
        self.rounds(held, &SystemId::from("north")).await
    }

    /// One round on `north`, its results stored.
    pub(super) async fn one_round_for_test(&self) -> Result<(), Error> {
        let (parts, north) = (&self.parts, SystemId::from("north"));
        let held = Held::take(&parts.db, &parts.clock, "end", north.as_str(), &self.owner).await?;
        let held = held.ok_or(Error::LeaseLost)?;
        let connected = self.parts.systems.connected(&north);
        let in_hand = HashSet::new();
        let round = self.round(&held, &north, connected.as_deref(), &in_hand, FIRST_ROUND);
        let changes = round.await?.unwrap_or_default();
        self.write(&held, &north, changes, None).await?;
        held.release().await
    }
}
