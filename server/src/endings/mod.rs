//! Endings: from one operator's click to an outcome for every session.
//!
//! A preview is an ending in state `draft`: `draft` freezes a set in the database, `confirm` turns it into an ending in
//! one guarded update, with the audit entry in the same transaction. From then on the items are the durable queue:
//! [`worker`] compares "wanted: absent" with what the system lists until a reading agrees, [`watch`] looks whether
//! people come back. An outcome is made from a reading only (`domain::ending`). Start reading at [`Endings`].

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use app::endings::port::EndingsPort;
use app::endings::wire::{
    Again, Confirm, Confirmed, Decision, EndedEverywhere, EndingPage, EndingsByDay, EndingsPage, ItemFilter,
    Preview,
};
use app::error::AppError;
use app::wire::{Done, EndingId, SelectionId, SessionKey};
use async_trait::async_trait;
use tokio::sync::Notify;

use self::aftermath::Aftermath;
use crate::access::Access;
use crate::audit::Audit;
use crate::caller::For;
use crate::changes::Changes;
use crate::clock::Clock;
use crate::config::EndingRules;
use crate::db::Db;
use crate::keys::HashKey;
use crate::sessions::collect::Collector;
use crate::systems::Systems;

mod act;
pub mod aftermath;
pub mod approval;
mod by_day;
mod confirm;
mod draft;
mod everywhere;
pub mod for_app;
mod for_signal;
mod page;
pub mod plan;
pub mod report;
mod results;
mod since;
mod stages;
mod store;
pub mod watch;
pub mod worker;

/// What the room stands on.
pub struct Parts {
    /// Database.
    pub db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The key that names sessions.
    pub key: Arc<HashKey>,
    /// Reads systems.
    pub collector: Arc<Collector>,
    /// Connected systems.
    pub systems: Arc<Systems>,
    /// Operators, grants, protected people.
    pub access: Arc<Access>,
    /// The log.
    pub audit: Arc<Audit>,
    /// Tells pages that something changed.
    pub changes: Arc<Changes>,
    /// Limits.
    pub rules: EndingRules,
}

/// The room.
pub struct Endings {
    parts: Parts,
    /// Wakes the worker.
    wake: Arc<Notify>,
    /// Systems this process is at work on.
    busy: std::sync::Mutex<std::collections::BTreeSet<app::wire::SystemId>>,
    /// Name of this worker in leases.
    owner: String,
    /// How long a round asks before it reads back. Tests make it short.
    ask_for: Duration,
    /// Who lets people in beside the systems; not set = nobody.
    aftermath: OnceLock<Arc<dyn Aftermath>>,
    /// Hosts of the webhooks that take notices to people, as the settings are now; not set = none.
    tellers: OnceLock<Box<dyn Fn() -> Vec<String> + Send + Sync>>,
}

impl Endings {
    /// The room over its parts.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            wake: Arc::new(Notify::new()),
            busy: std::sync::Mutex::default(),
            owner: crate::keys::random_id(),
            ask_for: worker::ASK_FOR,
            aftermath: OnceLock::new(),
            tellers: OnceLock::new(),
        }
    }

    /// Tells who lets people in beside the systems themselves; once, at the start.
    pub fn take_aftermath(&self, aftermath: Arc<dyn Aftermath>) {
        self.aftermath.set(aftermath).ok();
    }

    /// Tells how to find the webhooks that take notices to people; once, at the start.
    pub fn take_tellers(&self, tellers: impl Fn() -> Vec<String> + Send + Sync + 'static) {
        self.tellers.set(Box::new(tellers)).ok();
    }

    /// Notified when there may be something to do: give it to the schedule.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    fn now(&self) -> app::wire::Timestamp {
        self.parts.clock.now()
    }

    /// Tells pages and the worker, after a commit.
    fn tell(&self) {
        self.parts.changes.wake();
        self.wake.notify_one();
    }
}

#[async_trait]
impl EndingsPort for For<Endings> {
    async fn draft_ending(&self, selection: SelectionId) -> Result<EndingId, AppError> {
        Ok(self.room.draft_of_selection(&self.caller, &selection).await?)
    }

    async fn draft_ending_of(&self, keys: Vec<SessionKey>) -> Result<EndingId, AppError> {
        Ok(self.room.draft_of_keys(&self.caller, &keys).await?)
    }

    async fn preview(&self, ending: EndingId, everybody: bool) -> Result<Preview, AppError> {
        Ok(self.room.preview(&self.caller, &ending, everybody).await?)
    }

    async fn include_in_preview(
        &self,
        ending: EndingId,
        own: bool,
        protected: bool,
    ) -> Result<EndingId, AppError> {
        Ok(self
            .room
            .draft_again(&self.caller, &ending, own, protected)
            .await?)
    }

    async fn confirm_ending(&self, ending: EndingId, confirm: Confirm) -> Result<Confirmed, AppError> {
        Ok(self.room.confirm(&self.caller, &ending, confirm).await?)
    }

    async fn decide_approval(&self, ending: EndingId, decision: Decision) -> Result<Option<i64>, AppError> {
        Ok(self.room.decide(&self.caller, &ending, decision).await?)
    }

    async fn review_ending(&self, ending_no: i64, note: String) -> Result<Done, AppError> {
        Ok(self.room.review(&self.caller, ending_no, &note).await?)
    }

    async fn end_everywhere(&self, person: String, confirm: Confirm) -> Result<EndedEverywhere, AppError> {
        Ok(self.room.end_everywhere(&self.caller, &person, confirm).await?)
    }

    async fn endings_page(&self, cursor: Option<String>) -> Result<EndingsPage, AppError> {
        Ok(self.room.endings_page(&self.caller, cursor).await?)
    }

    async fn endings_by_day(&self) -> Result<EndingsByDay, AppError> {
        Ok(self.room.by_day(&self.caller).await?)
    }

    async fn ending_page(
        &self,
        ending_no: i64,
        only: Option<ItemFilter>,
        cursor: Option<String>,
    ) -> Result<EndingPage, AppError> {
        Ok(self
            .room
            .ending_page(&self.caller, ending_no, only, cursor)
            .await?)
    }

    async fn stop_ending(&self, ending_no: i64) -> Result<Done, AppError> {
        Ok(self.room.stop(&self.caller, ending_no).await?)
    }

    async fn end_again(&self, ending_no: i64, what: Again) -> Result<EndingId, AppError> {
        Ok(match what {
            Again::CouldNot => self.room.draft_of_could_not(&self.caller, ending_no).await?,
            Again::Returned => self.room.draft_of_returned(&self.caller, ending_no).await?,
        })
    }

    async fn resume_ending(&self, ending_no: i64) -> Result<Done, AppError> {
        Ok(self.room.resume(&self.caller, ending_no).await?)
    }

    async fn pause_all_endings(&self, reason: String) -> Result<Done, AppError> {
        Ok(self.room.pause_all(&self.caller, reason).await?)
    }

    async fn resume_all_endings(&self, reason: String) -> Result<Done, AppError> {
        Ok(self.room.resume_all(&self.caller, reason).await?)
    }
}

#[cfg(test)]
mod tests;
