//! People above accounts: which accounts of which systems are one person, and how that is known.
//!
//! Decides nothing about sessions: it reads the accounts that the inventory holds ([`link`]), links them by the rules of
//! the settings or by hand (`acts`), and shows a person as far as the caller may see their sessions (`show`). What two
//! accounts have to do with each other is `domain::subject`'s. Start reading at [`People::link_due`].

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use app::error::AppError;
use app::people::port::PeoplePort;
use app::people::wire::{CutAsked, LinkAsked, PeoplePage, PeopleQuery, PersonPage};
use app::wire::{Done, SubjectId};
use async_trait::async_trait;

use self::link::InForce;
use crate::audit::Audit;
use crate::caller::For;
use crate::clock::Clock;
use crate::config::PeopleRules;
use crate::db::Db;
use crate::domain::subject::Rules;
use crate::error::Error;
use crate::keys;
use crate::systems::Systems;

mod acts;
mod link;
mod report;
mod show;
mod store;

/// Accounts forgotten by one sweep.
const FORGOTTEN_AT_ONCE: i64 = 1_000;
/// Accounts are looked through for such after so long, ms: it reads all of them.
const FORGET_EVERY_MS: i64 = 3_600_000;

/// The room.
pub struct People {
    db: Db,
    clock: Arc<dyn Clock>,
    audit: Arc<Audit>,
    systems: Arc<Systems>,
    in_force: RwLock<Arc<InForce>>,
    /// When accounts were last looked through for what to forget, ms.
    forgot_at: AtomicI64,
    owner: String,
}

impl People {
    /// The room over its database; it links nothing until [`People::take_settings`].
    pub fn new(db: Db, clock: Arc<dyn Clock>, audit: Arc<Audit>, systems: Arc<Systems>) -> Self {
        Self {
            db,
            clock,
            audit,
            systems,
            in_force: RwLock::new(Arc::new(in_force(&PeopleRules::default()))),
            forgot_at: AtomicI64::new(0),
            owner: keys::random_id(),
        }
    }

    /// Takes the rules of the settings. New ones look at every account again.
    pub fn take_settings(&self, rules: &PeopleRules) {
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(in_force(rules));
    }

    fn in_force(&self) -> Arc<InForce> {
        self.in_force
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets accounts that nothing is known of any more for `days`; what people linked or cut stays.
    pub async fn forget_old(&self, days: i64) -> Result<u64, Error> {
        let now = self.clock.now();
        if now.0 - self.forgot_at.load(Ordering::Relaxed) < FORGET_EVERY_MS {
            return Ok(0);
        }
        self.forgot_at.store(now.0, Ordering::Relaxed);
        let before = now.plus_seconds(-days.max(1).saturating_mul(86_400));
        let mut conn = self.db.write().await?;
        let forgotten = store::forget(&mut conn, before, FORGOTTEN_AT_ONCE).await?;
        conn.commit().await?;
        Ok(forgotten)
    }
}

fn in_force(settings: &PeopleRules) -> InForce {
    let spaces = settings.name_space.iter().flat_map(|space| {
        space
            .systems
            .iter()
            .map(|system| (system.clone(), space.name.clone()))
    });
    let rules = Rules {
        verified_mail: settings.verified_mail.iter().cloned().collect(),
        name_spaces: spaces.collect(),
        identity_servers: settings.identity_server.clone(),
    };
    let hash = keys::sha256_hex(format!("{rules:?}").as_bytes());
    InForce { rules, hash }
}

#[async_trait]
impl PeoplePort for For<People> {
    async fn people_page(&self, query: PeopleQuery) -> Result<PeoplePage, AppError> {
        Ok(self.page(query).await?)
    }

    async fn person_page(&self, subject: SubjectId) -> Result<PersonPage, AppError> {
        Ok(self.person(subject).await?)
    }

    async fn link_account(&self, asked: LinkAsked) -> Result<Done, AppError> {
        Ok(self.link(asked).await?)
    }

    async fn cut_account(&self, asked: CutAsked) -> Result<Done, AppError> {
        Ok(self.cut(asked).await?)
    }
}

#[cfg(test)]
mod tests;
