//! Signals: an identity server tells that somebody is signed out there, and their sessions in the systems that a rule of
//! the settings names go with it, or would.
//!
//! A signal is believed or not (`token`, `request`), kept, and only then acknowledged (`receive`); what it means is found
//! and done afterwards (`work`), so that it survives a crash. Ending is the endings room's, by the rule as caller. Nothing
//! that lets anybody in is kept: session ids and service tickets are hashed at once. Start reading at
//! [`Signals::receive_token`]; facts and set-up: docs/signals.md.

use std::sync::{Arc, PoisonError, RwLock};

use app::error::AppError;
use app::signals::port::SignalsPort;
use app::signals::wire::SignalsPage;
use app::wire::Timestamp;
use async_trait::async_trait;
use tokio::sync::Notify;

use crate::audit::Audit;
use crate::caller::For;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::endings::Endings;
use crate::error::Error;
use crate::keys::{self, HashKey};
use crate::people::People;
use crate::sessions::collect::Collector;
use crate::systems::Systems;

mod fresh;
mod page;
mod receive;
mod request;
mod rules;
mod store;
mod token;
mod who;
mod work;

pub use self::receive::Refused;
use self::rules::Rules;
pub use self::rules::check;

/// What the room stands on.
pub struct Parts {
    /// Database.
    pub db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The key that names sessions.
    pub key: Arc<HashKey>,
    /// The log.
    pub audit: Arc<Audit>,
    /// Connected systems.
    pub systems: Arc<Systems>,
    /// Reads systems.
    pub collector: Arc<Collector>,
    /// Who is who.
    pub people: Arc<People>,
    /// Ends sessions.
    pub endings: Arc<Endings>,
}

/// The room.
pub struct Signals {
    parts: Parts,
    rules: RwLock<Arc<Rules>>,
    /// Wakes the worker.
    wake: Arc<Notify>,
    /// Name of this worker in leases.
    owner: String,
}

impl Signals {
    /// The room over its parts; it knows no rule until [`Signals::take_settings`].
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            rules: RwLock::default(),
            wake: Arc::new(Notify::new()),
            owner: keys::random_id(),
        }
    }

    /// Takes the rules of the settings; one sentence per rule that can take no signal.
    pub fn take_settings(&self, config: &Config) -> Vec<String> {
        let rules = Rules::of(config, &self.rules());
        let problems = rules.problems();
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        problems
    }

    fn rules(&self) -> Arc<Rules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Notified when a signal waits: give it to the schedule.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Deletes what is older than so many days.
    pub async fn sweep(&self, days: i64) -> Result<(), Error> {
        let now = self.now();
        let before = now.plus_seconds(-days.max(1).saturating_mul(86_400));
        let mut conn = self.parts.db.write().await?;
        store::forget(&mut conn, before, now).await?;
        conn.commit().await
    }
}

#[async_trait]
impl SignalsPort for For<Signals> {
    async fn signals_page(&self, before: Option<String>) -> Result<SignalsPage, AppError> {
        Ok(self.page(before).await?)
    }
}
