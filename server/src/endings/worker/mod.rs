//! The worker: makes what is listed agree with what is wanted, one system at a time under a lease.
//!
//! Level-triggered: each round takes what is [`due`], reads the system, compares ([`reading`]), asks for what is still
//! there ([`ask`]), reads again (which is the first reading of the next round too). Before anything is asked that is written down; what it means is decided by
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

/// What a round asked for and has not read back yet.
#[derive(Default)]
struct Sent {
    items: Vec<Item>,
    /// Places of those that were asked.
    asked: Vec<usize>,
}

impl Sent {
    fn asked_items(&self) -> impl Iterator<Item = &Item> {
        self.asked.iter().map(|at| &self.items[*at])
    }

    fn keys(&self) -> HashSet<(EndingId, SessionKey)> {
        self.asked_items()
            .map(|item| (item.ending.clone(), item.key.clone()))
            .collect()
    }
}

/// What a reading led to.
struct Round {
    /// What became of items: those that were sent before, and those for which nothing is to be asked.
    results: Vec<Change>,
    /// The items of this round.
    items: Vec<Item>,
    asks: Vec<Ask>,
    /// The system; `None` = it left the settings.
    connected: Option<Arc<Connected>>,
    /// How long to ask before the next reading.
    ask_for: Duration,
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
        self.go_on_overdue().await?;
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

    /// Rounds until nothing is due. One reading tells what became of what the round before asked, and what this one
    /// has to ask for; the results are stored while it asks.
    async fn rounds(&self, held: &Held, system: &SystemId) -> Result<usize, Error> {
        let mut looked_at = 0;
        let mut sent = Sent::default();
        let mut most = FIRST_ROUND;
        loop {
            let round = self.round(system, &sent, most).await?;
            looked_at += round.results.len();
            if round.results.is_empty() && round.asks.is_empty() {
                return Ok(looked_at);
            }
            sent = self.store_and_ask(held, system, round).await?;
            most = (2 * most).min(MOST_PER_ROUND);
        }
    }

    /// Reads the system for what was sent and for the next due items (at most `most`): what became of each, and what is
    /// to be asked.
    async fn round(&self, system: &SystemId, sent: &Sent, most: usize) -> Result<Round, Error> {
        let began = Instant::now();
        let connected = self.parts.systems.connected(system);
        let mut items = self.take(system, &sent.keys(), most, self.now()).await?;
        let mut results = self.not_worth_reading(&mut items);
        if connected.as_ref().is_some_and(|c| !c.guard.abilities().end) {
            results.extend(unsupported(&mut items));
        }
        let reading = match &connected {
            None => Err(not_connected()),
            Some(_) => self.read(system, sent.asked_items().chain(&items)).await,
        };
        results.extend(self.read_back(system, sent, &reading).await?);
        let now = self.now();
        let asks = match &reading {
            Err(cause) if cause.kind == ErrorKind::Stopped => Vec::new(),
            Err(cause) => {
                let rests_until = connected.as_ref().and_then(|c| c.guard.rests_until());
                results.extend(self.not_read(system, &items, cause, rests_until, now));
                Vec::new()
            }
            Ok(reading) => self.compare(system, &items, reading, &mut results, now).await?,
        };
        Ok(Round {
            results,
            items,
            asks,
            connected,
            // Where reading takes long, more is asked between two readings.
            ask_for: self.ask_for.max(2 * began.elapsed()),
        })
    }

    /// Stores the results of a round while it asks for what is still there; what was sent.
    async fn store_and_ask(&self, held: &Held, system: &SystemId, round: Round) -> Result<Sent, Error> {
        let mut items = round.items;
        let residual = round.connected.as_ref().and_then(|c| c.guard.effect().residual);
        let ask = async {
            match &round.connected {
                Some(connected) if !round.asks.is_empty() => {
                    self.ask(held, connected, &mut items, round.asks, round.ask_for)
                        .await
                }
                _ => Ok(Vec::new()),
            }
        };
        let (stored, asked) = tokio::join!(self.write(held, system, round.results, residual), ask);
        stored?;
        let asked = asked?;
        Ok(Sent { items, asked })
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
        let round = self.round(&north, &Sent::default(), FIRST_ROUND).await?;
        let sent = self.store_and_ask(&held, &north, round).await?;
        let round = self.round(&north, &sent, 0).await?;
        self.store_and_ask(&held, &north, round).await?;
        held.release().await
    }
}
