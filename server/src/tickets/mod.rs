//! The ticket broker: signs people of the settings' apps in to Tableau, and out again.
//!
//! An app's server (or a browser, by the app's cookie) shows a token signed with the app's key; the broker asks Tableau,
//! or signs for a connected app, and hands the answer on. It decides who may have a ticket (`apps`, `token`), asks
//! (`ask`) and keeps what was asked and why not, never a ticket (`journal`). Ending sessions is the endings room's:
//! `signout` only names them, and `holds` is what that room tells this one. Start reading at [`Tickets::ask`].

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use app::wire::{SystemId, Timestamp};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::audit::Audit;
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::Way;
use crate::db::Db;
use crate::endings::Endings;
use crate::error::Error;
use crate::policies::Policies;
use crate::sessions::collect::Collector;
use crate::systems::Systems;

mod against;
mod apps;
pub mod ask;
pub mod holds;
mod journal;
mod looks;
mod page;
mod readiness;
pub mod signout;
mod store;
mod store_marks;
mod store_open;
mod tableau;
mod token;

use self::apps::Apps;
use self::holds::Holds;
use self::journal::Journal;

/// Requests whose token was not believed that are kept a minute.
const UNBELIEVED_PER_MINUTE: u32 = 600;

/// What the room stands on.
pub struct Parts {
    /// Database.
    pub db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The log.
    pub audit: Arc<Audit>,
    /// Connected systems.
    pub systems: Arc<Systems>,
    /// Limits of systems.
    pub policies: Arc<Policies>,
    /// Reads systems.
    pub collector: Arc<Collector>,
    /// Ends sessions.
    pub endings: Arc<Endings>,
}

/// The room.
pub struct Tickets {
    parts: Parts,
    apps: RwLock<Arc<Apps>>,
    journal: Journal,
    holds: Arc<Holds>,
    /// How long a sign-in there is taken as good, seconds, and when that was looked up.
    fresh: Mutex<HashMap<SystemId, (Timestamp, i64)>>,
    /// Requests whose token was not believed are kept at this rate: a flood must not fill the table.
    unbelieved: DefaultDirectRateLimiter,
    /// The ways to each Tableau's addresses, and when they were tried.
    ways: tokio::sync::Mutex<HashMap<SystemId, (Timestamp, Vec<Way>)>>,
    /// One reading before sign-outs at a time, per process.
    reading: tokio::sync::Mutex<()>,
}

impl Tickets {
    /// The room over its parts; it knows no app until [`Tickets::take_settings`].
    pub fn new(parts: Parts) -> Self {
        let holds = Arc::new(Holds::new(parts.db.clone()));
        parts.endings.take_aftermath(holds.clone());
        let journal = Journal::new(parts.db.clone(), parts.clock.clone(), parts.audit.clone());
        let kept = NonZeroU32::new(UNBELIEVED_PER_MINUTE).unwrap_or(NonZeroU32::MIN);
        Self {
            parts,
            apps: RwLock::default(),
            journal,
            holds,
            fresh: Mutex::default(),
            unbelieved: RateLimiter::direct(Quota::per_minute(kept)),
            ways: tokio::sync::Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// Takes the apps of the settings; one sentence per app that can't be used.
    pub fn take_settings(&self, config: &Config) -> Vec<String> {
        let before = self.apps();
        let apps = Apps::of(config, &before);
        let problems = apps.problems();
        self.holds.take_settings(&config.broker);
        *self.apps.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(apps);
        problems
    }

    fn apps(&self) -> Arc<Apps> {
        self.apps.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Names of the cookies by which browsers ask: of that app, or of every app where the way in names none.
    pub fn cookie_names(&self, app: Option<&str>) -> Vec<String> {
        self.apps()
            .all()
            .filter(|own| app.is_none_or(|app| own.settings.id == app))
            .filter_map(|own| Some(own.settings.browser.as_ref()?.cookie.clone()))
            .collect()
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Notified when requests wait to be stored: give it to the schedule.
    pub fn wake(&self) -> Arc<tokio::sync::Notify> {
        self.journal.wake()
    }

    /// Stores the requests that wait.
    pub async fn store_due(&self) -> Result<(), Error> {
        self.journal.gather().await
    }

    /// Stores them at once: before the program ends.
    pub async fn store_now(&self) -> Result<(), Error> {
        self.journal.flush().await
    }

    /// Deletes what is too old to matter.
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.now();
        let keep_days = self.apps().rules.keep_days;
        let mut conn = self.parts.db.write().await?;
        store_marks::forget(&mut conn, now).await?;
        store::forget(&mut conn, now.plus_seconds(-keep_days * 86_400)).await?;
        conn.commit().await
    }
}

/// A new reference: finds the request on the Tickets page.
fn reference() -> String {
    format!("T-{}", crate::keys::short_reference())
}

/// The domain of a user name that is a mail address, lower-cased; else empty.
fn mail_domain(user: &str) -> String {
    user.rsplit_once('@')
        .map_or_else(String::new, |(_, domain)| domain.to_lowercase())
}

/// What `curfew check-config` says of each app: its id, and what is wrong. Nothing is sent.
pub fn check(config: &Config) -> Vec<(String, Result<(), String>)> {
    Apps::of(config, &Apps::default()).checked(config)
}
