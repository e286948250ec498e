//! Collecting: one pass over one system, from its list to our rows.
//!
//! A pass writes a row only when something of it changed, calls a row vanished only after a complete list, and never
//! writes `live` over a row that was found gone after the pass began. A failed, partial or unreadable list marks
//! nothing. Also here: the narrow reading that endings match and read back by ([`Collector::read_accounts`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::wire::{SessionKey, SystemId, Timestamp};

use super::identity::{self, Clients, Naming, OldNames};
use super::intake::{self, KnownRow};
use crate::audit::{Action, Audit, Entry};
use crate::changes::{self, topic};
use crate::clock::Clock;
use crate::connectors::{
    Completeness, ConnectorError, Endable, ErrorKind, SeenSession, Sink, Target, Wanted,
};
use crate::db::Db;
use crate::error::Error;
use crate::keys::{self, HashKey};
use crate::policies::Policies;
use crate::schedule::{self, Held, Lease};
use crate::systems::{Connected, PassEnd, Systems};

/// How long a transaction of a pass should hold SQLite's only writer: sign-in, audit and endings wait their turn for it.
/// Shorter ones make the first reading of a large system slower, by half at 50 ms (`cargo xtask bench collect`).
const HOLD: Duration = Duration::from_millis(200);
/// New rows in one pass after which the planner's statistics are renewed.
const ANALYZE_ABOVE: u64 = 20_000;
/// Limits of a system are read again after so long, seconds.
const POLICY_EVERY_S: i64 = 300;

/// Reads systems into the inventory.
pub struct Collector {
    db: Db,
    clock: Arc<dyn Clock>,
    audit: Arc<Audit>,
    key: Arc<HashKey>,
    systems: Arc<Systems>,
    policies: Arc<Policies>,
    owner: String,
    busy: Mutex<BTreeSet<SystemId>>,
    limits: Mutex<BTreeMap<SystemId, LimitsRead>>,
}

/// When a system's limits were last read, and the snapshot they are kept as.
#[derive(Clone)]
struct LimitsRead {
    at: Timestamp,
    snapshot_id: Option<String>,
}

/// What a pass did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// How it ended.
    pub end: PassEnd,
    /// When it began: the age of what it saw.
    pub started_at: Timestamp,
    /// Sessions it met.
    pub seen: u64,
    /// Rows it wrote.
    pub written: u64,
    /// Rows it marked as vanished.
    pub vanished: u64,
}

/// A session as just read from its system, for asking to end it or for reading back. Never stored.
#[derive(Clone)]
pub struct Found {
    /// With its raw id.
    pub target: Target,
    /// User name.
    pub account_name: String,
    /// Name as shown.
    pub display_name: String,
    /// Start: finds a session whose id was rotated.
    pub created_at: Option<Timestamp>,
    /// Last activity.
    pub last_active_at: Option<Timestamp>,
    /// Whether it can be ended.
    pub endable: Endable,
}

/// The sessions of some accounts, as just read.
pub struct Reading {
    /// By key.
    pub found: HashMap<SessionKey, Found>,
    /// Whether all sessions of these accounts are in it. `Partial`: absence proves nothing.
    pub completeness: Completeness,
    /// When the reading began.
    pub started_at: Timestamp,
}

impl Collector {
    /// A collector over these rooms; `key` names sessions.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        audit: Arc<Audit>,
        key: Arc<HashKey>,
        systems: Arc<Systems>,
        policies: Arc<Policies>,
    ) -> Self {
        Self {
            db,
            clock,
            audit,
            key,
            systems,
            policies,
            owner: keys::random_id(),
            busy: Mutex::default(),
            limits: Mutex::default(),
        }
    }

    /// The sessions of these accounts (by the system's own id), read now, by their keys.
    ///
    /// Where the system can't narrow, or an account has no id, everything is listed and the rest is dropped.
    pub async fn read_accounts(
        &self,
        system: &SystemId,
        accounts: &[String],
    ) -> Result<Reading, ConnectorError> {
        let connected = self.systems.connected(system).ok_or_else(|| {
            ConnectorError::new(ErrorKind::Unreachable, "This system is not connected any more.")
        })?;
        let wanted_accounts: BTreeSet<&str> = accounts.iter().map(String::as_str).collect();
        let distinct: Vec<String> = wanted_accounts.iter().map(|a| (*a).to_owned()).collect();
        let narrow = connected.guard.narrows() && !wanted_accounts.contains("");
        let started_at = self.clock.now();
        let old = self.old_names(system).await.map_err(|cause| {
            tracing::warn!(%cause, "could not read which sessions the key before named");
            ConnectorError::new(ErrorKind::Unreachable, "Curfew's own database did not answer.")
        })?;
        let (sink, mut batches) = Sink::channel(4);
        let list = async move {
            let wanted = if narrow {
                Wanted::Accounts(&distinct)
            } else {
                Wanted::All
            };
            // The sink goes with this block, so that the receiving side comes to its end.
            connected.guard.list(wanted, &sink).await
        };
        let take = async {
            let mut found: HashMap<SessionKey, Found> = HashMap::new();
            while let Some(batch) = batches.recv().await {
                for seen in batch {
                    if wanted_accounts.contains(seen.account_id.as_str()) {
                        let by = identity::naming_key(&self.key, &old, system, &seen);
                        let key = identity::session_key(by, system, &seen);
                        let newer = found
                            .get(&key)
                            .is_none_or(|f| f.last_active_at < seen.last_active_at);
                        if newer {
                            found.insert(key, Found::from(seen));
                        }
                    }
                }
            }
            found
        };
        let (completeness, found) = tokio::join!(list, take);
        Ok(Reading {
            found,
            completeness: completeness?,
            started_at,
        })
    }

    /// What the session key before named in a system; nothing unless two keys are valid.
    async fn old_names(&self, system: &SystemId) -> Result<OldNames, Error> {
        let Some(previous) = self.key.previous() else {
            return Ok(OldNames::new());
        };
        let mut conn = self.db.read().await?;
        intake::named_by(&mut conn, system, previous.id()).await
    }

    /// Starts a pass over every system that is due, each in a task of its own, and does not wait for them.
    pub async fn start_due(self: Arc<Self>) -> Result<(), Error> {
        for system in self.systems.due(self.clock.now()).await? {
            let collector = self.clone();
            tokio::spawn(async move { collector.collect_and_log(&system).await });
        }
        Ok(())
    }

    /// Passes over every system that is due, side by side; back when all are done.
    pub async fn collect_due(&self) -> Result<(), Error> {
        let due = self.systems.due(self.clock.now()).await?;
        futures::future::join_all(due.iter().map(|system| self.collect_and_log(system))).await;
        Ok(())
    }

    async fn collect_and_log(&self, system: &SystemId) {
        match self.collect(system).await {
            Ok(_) | Err(Error::LeaseLost) => {}
            Err(cause) => tracing::error!(system.id = %system, %cause, "a pass could not be stored"),
        }
    }

    /// One pass over a system; `None` = somebody else is at it, or it is not connected.
    ///
    /// `Err` only when our own database failed or another worker took over: what the system did is in [`Pass::end`].
    pub async fn collect(&self, system: &SystemId) -> Result<Option<Pass>, Error> {
        let Some(connected) = self.systems.connected(system) else {
            return Ok(None);
        };
        let Some(_turn) = Turn::take(&self.busy, system) else {
            return Ok(None);
        };
        let held = Held::take(&self.db, &self.clock, "collect", system.as_str(), &self.owner).await?;
        let Some(held) = held else { return Ok(None) };
        let started_at = self.clock.now();
        let pass = self.pass(&connected, held.lease(), started_at).await;
        held.release().await?;
        let pass = pass?;
        let (rows, written) = (pass.seen, pass.written);
        match &pass.end {
            PassEnd::Complete => {
                tracing::debug!(system.id = %system, rows, written, vanished = pass.vanished, "read a system whole");
            }
            PassEnd::Partial(why) => {
                tracing::warn!(system.id = %system, rows, written, why, "a system's list was not whole");
            }
            PassEnd::Failed(error) => {
                tracing::warn!(system.id = %system, kind = error.kind.name(), why = error.message, "could not read a system");
            }
        }
        Ok(Some(pass))
    }

    async fn pass(&self, connected: &Connected, lease: &Lease, started_at: Timestamp) -> Result<Pass, Error> {
        let system = &connected.system_id;
        let snapshot_id = self.read_limits(connected, lease).await?;
        let mut known = {
            let mut conn = self.db.read().await?;
            intake::known(&mut conn, system).await?
        };
        let mut intake = Intake {
            collector: self,
            lease,
            started_at,
            system_sort: connected.name.to_lowercase(),
            snapshot_id,
            known: &mut known,
            old: self.old_names(system).await?,
            fresh: HashMap::new(),
            waiting: Vec::new(),
            places: HashMap::new(),
            share: Share::default(),
            clients: Clients::default(),
            seen: 0,
            written: 0,
        };
        let (sink, mut batches) = Sink::channel(4);
        let list = async move { Ok::<_, Error>(connected.guard.list(Wanted::All, &sink).await) };
        let take = async {
            while let Some(batch) = batches.recv().await {
                intake.take(batch).await?;
            }
            // What a failed list handed over before it failed is true all the same.
            intake.flush().await
        };
        let (listed, ()) = tokio::try_join!(list, take)?;
        let (seen, written, new) = (intake.seen, intake.written, intake.fresh.len() as u64);
        drop(intake);
        let end = match listed {
            Ok(Completeness::Complete) => PassEnd::Complete,
            Ok(Completeness::Partial(why)) => PassEnd::Partial(why),
            Err(error) => PassEnd::Failed(error),
        };
        let vanished = match &end {
            PassEnd::Complete => self.vanish_unseen(lease, system, &known, started_at).await?,
            PassEnd::Partial(_) | PassEnd::Failed(_) => 0,
        };
        let kinds = match &end {
            PassEnd::Complete => {
                let mut conn = self.db.read().await?;
                Some(self.policies.limits_of_kinds(&mut conn, system).await?)
            }
            PassEnd::Partial(_) | PassEnd::Failed(_) => None,
        };
        let mut conn = self.db.write().await?;
        schedule::check_epoch(&mut conn, lease).await?;
        if let Some(kinds) = &kinds {
            self.policies
                .keep_limits_of_kinds(&mut conn, system, kinds)
                .await?;
        }
        if new > ANALYZE_ABOVE {
            intake::analyze(&mut conn).await?;
        }
        self.systems
            .note_pass(&mut conn, connected, started_at, &end)
            .await?;
        conn.commit().await?;
        Ok(Pass {
            end,
            started_at,
            seen,
            written,
            vanished,
        })
    }

    async fn vanish_unseen(
        &self,
        lease: &Lease,
        system: &SystemId,
        known: &[KnownRow],
        started_at: Timestamp,
    ) -> Result<u64, Error> {
        let unseen: Vec<String> = known
            .iter()
            .filter(|row| !row.seen)
            .map(|row| intake::key_text(&row.key))
            .collect();
        let mut unseen = unseen.as_slice();
        let mut share = Share::default();
        let mut vanished = 0;
        while !unseen.is_empty() {
            let (keys, rest) = unseen.split_at(share.rows.min(unseen.len()));
            let mut conn = self.db.write().await?;
            let began = Instant::now();
            schedule::check_epoch(&mut conn, lease).await?;
            vanished += intake::vanish(&mut conn, keys, started_at).await?;
            changes::bump(&mut conn, &topic::sessions(system)).await?;
            conn.commit().await?;
            share.learn(keys.len(), began.elapsed());
            unseen = rest;
        }
        Ok(vanished)
    }

    /// The snapshot of the system's limits, read again when it is old; `None` = it does not tell.
    async fn read_limits(&self, connected: &Connected, lease: &Lease) -> Result<Option<String>, Error> {
        let system = &connected.system_id;
        let now = self.clock.now();
        let last = self.limits().get(system).cloned();
        if let Some(last) = &last
            && now.since(last.at) < POLICY_EVERY_S * 1000
        {
            return Ok(last.snapshot_id.clone());
        }
        let mut snapshot_id = last.and_then(|last| last.snapshot_id);
        if connected.guard.abilities().policy {
            match connected.guard.read_policy().await {
                Ok(limits) => {
                    let mut conn = self.db.write().await?;
                    schedule::check_epoch(&mut conn, lease).await?;
                    snapshot_id = Some(self.policies.record_snapshot(&mut conn, system, &limits).await?);
                    conn.commit().await?;
                }
                // Told on the Systems page by the list that follows; tried again with the next pass.
                Err(error) => {
                    tracing::debug!(system.id = %system, kind = error.kind.name(), "could not read limits");
                    return Ok(snapshot_id);
                }
            }
        }
        let read = LimitsRead {
            at: now,
            snapshot_id: snapshot_id.clone(),
        };
        self.limits().insert(system.clone(), read);
        Ok(snapshot_id)
    }

    fn limits(&self) -> std::sync::MutexGuard<'_, BTreeMap<SystemId, LimitsRead>> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes sessions that are gone for longer than `days`, and says so in the audit; how many there were.
    pub async fn forget_old(&self, days: i64) -> Result<u64, Error> {
        let held = Held::take(&self.db, &self.clock, "retention", "", &self.owner).await?;
        let Some(held) = held else { return Ok(0) };
        let before = self.clock.now().plus_seconds(-days.max(1).saturating_mul(86_400));
        let mut share = Share::default();
        let mut forgotten = 0;
        loop {
            let most = share.rows;
            let mut conn = self.db.write().await?;
            let began = Instant::now();
            schedule::check_epoch(&mut conn, held.lease()).await?;
            let deleted = intake::forget(&mut conn, before, most).await?;
            if deleted > 0 {
                let entry = Entry::curfew(Action::SensitiveDelete)
                    .target(format!("{deleted} sessions gone for more than {days} days"))
                    .fact("sessions", deleted)
                    .fact("gone_before_ms", before.0);
                self.audit.append(&mut conn, &entry, self.clock.now()).await?;
                changes::bump(&mut conn, topic::SESSIONS).await?;
            }
            conn.commit().await?;
            forgotten += deleted;
            if deleted < most as u64 {
                break;
            }
            share.learn(most, began.elapsed());
        }
        held.release().await?;
        Ok(forgotten)
    }
}

impl From<SeenSession> for Found {
    fn from(seen: SeenSession) -> Self {
        Self {
            target: Target {
                handle: seen.handle,
                place: seen.place,
                kind: seen.kind,
                site: seen.site,
                account_id: seen.account_id,
                node: seen.node,
            },
            account_name: seen.account_name,
            display_name: seen.display_name,
            created_at: seen.created_at,
            last_active_at: seen.last_active_at,
            endable: seen.endable,
        }
    }
}

/// One pass at a time over a system within this process; the lease sees to other processes.
struct Turn<'c> {
    busy: &'c Mutex<BTreeSet<SystemId>>,
    system: SystemId,
}

impl<'c> Turn<'c> {
    fn take(busy: &'c Mutex<BTreeSet<SystemId>>, system: &SystemId) -> Option<Self> {
        let mut set = busy.lock().unwrap_or_else(PoisonError::into_inner);
        set.insert(system.clone()).then(|| Self {
            busy,
            system: system.clone(),
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.system);
    }
}

/// How many rows a transaction may take, learnt from the ones before: machines, disks and table sizes differ too much for
/// a number that fits all.
struct Share {
    rows: usize,
}

impl Default for Share {
    fn default() -> Self {
        Self { rows: Self::FEWEST }
    }
}

impl Share {
    const FEWEST: usize = 100;
    const MOST: usize = 5_000;

    /// `rows` took `time`. At most doubled at once: one quick transaction proves little.
    fn learn(&mut self, rows: usize, time: Duration) {
        let fit = rows as u128 * HOLD.as_micros() / time.as_micros().max(1);
        let most = Self::MOST.min(2 * self.rows);
        self.rows = usize::try_from(fit).unwrap_or(most).clamp(Self::FEWEST, most);
    }
}

/// The writing half of a pass.
struct Intake<'p> {
    collector: &'p Collector,
    lease: &'p Lease,
    started_at: Timestamp,
    system_sort: String,
    snapshot_id: Option<String>,
    known: &'p mut Vec<KnownRow>,
    old: OldNames,
    /// Sessions this pass met that were not live before, with their last activity.
    fresh: HashMap<[u8; 16], i64>,
    /// Changed rows that are not written yet, and where in it each key is.
    waiting: Vec<SeenSession>,
    places: HashMap<[u8; 16], usize>,
    share: Share,
    clients: Clients,
    seen: u64,
    written: u64,
}

impl Intake<'_> {
    async fn take(&mut self, batch: Vec<SeenSession>) -> Result<(), Error> {
        for seen in batch {
            self.meet(seen);
            if self.waiting.len() >= self.share.rows {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Decides whether a session has to be written. A cluster lists one session on several nodes: the one where it was
    /// active last counts.
    fn meet(&mut self, seen: SeenSession) {
        let system = SystemId(self.lease.system_id.clone());
        let by = identity::naming_key(&self.collector.key, &self.old, &system, &seen);
        let key = identity::session_key(by, &system, &seen);
        let Some(bits) = intake::key_bits(key.as_str()) else {
            return;
        };
        let active = seen.last_active_at.map_or(0, |at| at.0);
        let found = self.known.binary_search_by_key(&bits, |row| row.key).ok();
        let must_write = match found.and_then(|at| self.known.get_mut(at)) {
            Some(row) => {
                let first = !row.seen;
                row.seen = true;
                self.seen += u64::from(first);
                let hash = intake::hash_bits(&identity::row_hash(&seen));
                // The same session elsewhere, or a node that knows less than what is stored.
                let older = active < row.active || (!first && active == row.active);
                let skip = hash == row.hash || (older && (!first || seen.node.is_some()));
                if !skip {
                    row.hash = hash;
                    row.active = active;
                }
                !skip
            }
            None => match self.fresh.get_mut(&bits) {
                Some(before) if active > *before => {
                    *before = active;
                    true
                }
                Some(_) => false,
                None => {
                    self.seen += 1;
                    self.fresh.insert(bits, active);
                    true
                }
            },
        };
        if must_write {
            match self
                .places
                .get(&bits)
                .copied()
                .and_then(|at| self.waiting.get_mut(at))
            {
                Some(place) => *place = seen,
                None => {
                    self.places.insert(bits, self.waiting.len());
                    self.waiting.push(seen);
                }
            }
        }
    }

    async fn flush(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.places.clear();
        let system = SystemId(self.lease.system_id.clone());
        let rows: Vec<identity::Row> = self
            .waiting
            .drain(..)
            .map(|seen| {
                let mut naming = Naming {
                    key: identity::naming_key(&self.collector.key, &self.old, &system, &seen),
                    system_id: &system,
                    system_sort: &self.system_sort,
                    clients: &mut self.clients,
                };
                identity::row(&seen, &mut naming)
            })
            .collect();
        let count = rows.len();
        let mut conn = self.collector.db.write().await?;
        let began = Instant::now();
        schedule::check_epoch(&mut conn, self.lease).await?;
        intake::write_live(&mut conn, rows, self.started_at, self.snapshot_id.as_deref()).await?;
        changes::bump(&mut conn, &topic::sessions(&system)).await?;
        conn.commit().await?;
        self.share.learn(count, began.elapsed());
        self.written += count as u64;
        Ok(())
    }
}

#[cfg(test)]
#[path = "collect_tests.rs"]
mod tests;
