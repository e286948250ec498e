//! Holds: whose sessions Curfew ended gets no ticket until they have signed in at the app again.
//!
//! Without them an ending would be undone within minutes: the app's page extends its sign-in by itself. Set in the
//! transaction that gives sessions their outcome, looked at with every request. An app's own sign-outs set none: the app
//! knows best whether somebody is signed in to it, and lets its session be over.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use app::access::wire::Permission;
use app::endings::wire::OpenTickets;
use app::wire::{EndingId, SystemId, Timestamp};
use async_trait::async_trait;

use super::store_marks::{self, EVERY_SITE, Hold};
use super::store_open;
use crate::caller::Caller;
use crate::config::{BrokerRules, LONGEST_APP_SESSION_S};
use crate::db::{Conn, Db};
use crate::domain::grant::VisibleScope;
use crate::endings::aftermath::{Aftermath, LetIn};
use crate::error::Error;

/// Which systems the broker lets people in to, and how long it holds them.
#[derive(Default)]
struct Reach {
    systems: BTreeSet<SystemId>,
    hold_s: i64,
}

/// Sets holds.
pub struct Holds {
    db: Db,
    reach: RwLock<Reach>,
}

impl Holds {
    /// It holds nobody until [`Holds::take_settings`].
    pub fn new(db: Db) -> Self {
        Self {
            db,
            reach: RwLock::default(),
        }
    }

    /// Takes the apps of the settings.
    pub fn take_settings(&self, rules: &BrokerRules) {
        let reach = Reach {
            systems: rules
                .apps
                .iter()
                .map(|app| SystemId::from(app.system.as_str()))
                .collect(),
            hold_s: rules.hold_s,
        };
        *self.reach.write().unwrap_or_else(PoisonError::into_inner) = reach;
    }

    fn reach<T>(&self, look: impl FnOnce(&Reach) -> T) -> T {
        look(&self.reach.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A row is kept as long as any app's session that began before it may live.
fn kept_s(hold_s: i64) -> i64 {
    hold_s.max(LONGEST_APP_SESSION_S)
}

#[async_trait]
impl Aftermath for Holds {
    async fn gone(
        &self,
        conn: &mut Conn,
        ending: &EndingId,
        system: &SystemId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (known, hold_s) = self.reach(|reach| (reach.systems.contains(system), reach.hold_s));
        if !known {
            return Ok(());
        }
        store_marks::hold_gone(conn, ending, system, (hold_s, kept_s(hold_s)), now).await
    }

    async fn everywhere(
        &self,
        caller: &Caller,
        person: &str,
        ending_no: Option<i64>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let may = caller.visible(Permission::EditUserSessions, now);
        let (systems, hold_s) = self.reach(|reach| (reach.systems.clone(), reach.hold_s));
        let systems: Vec<SystemId> = systems.into_iter().filter(|s| may.covers_system(s)).collect();
        if systems.is_empty() {
            return Ok(());
        }
        let mut conn = self.db.write().await?;
        let ending = match ending_no {
            Some(no) => store_marks::ending_of_number(&mut conn, no).await?,
            None => None,
        };
        for system in systems {
            let hold = Hold {
                system_id: system.0,
                place: EVERY_SITE.to_owned(),
                account_sort: person.to_lowercase(),
                account: person.to_owned(),
                site: String::new(),
                mail_domain: super::mail_domain(person),
                since_at: now.0,
                until_at: now.plus_seconds(hold_s).0,
                expires_at: now.plus_seconds(kept_s(hold_s)).0,
                ending_id: ending.clone().unwrap_or_default(),
            };
            store_marks::hold(&mut conn, &hold).await?;
        }
        conn.commit().await
    }

    async fn let_in(&self, conn: &mut Conn, ending: &EndingId) -> Result<Vec<LetIn>, Error> {
        if self.reach(|reach| reach.systems.is_empty()) {
            return Ok(Vec::new());
        }
        store_open::let_in(conn, ending).await
    }

    async fn still_open(
        &self,
        conn: &mut Conn,
        ending: &EndingId,
        scope: &VisibleScope,
        now: Timestamp,
    ) -> Result<Option<OpenTickets>, Error> {
        if self.reach(|reach| reach.systems.is_empty()) {
            return Ok(None);
        }
        store_open::still_open(conn, ending, scope, now).await
    }
}
