//! Linking: after each reading of a system its new and changed accounts are met, and the rules look at them.
//!
//! Whole sets at a time: sessions without a person are taken in by the hundred, accounts that the rules in force have not
//! looked at are looked at by the hundred, each batch in a transaction of its own. New rules are new for every account.

use app::wire::Timestamp;

use super::People;
use super::store;
use crate::audit::{Action, Entry};
use crate::db::Conn;
use crate::domain::subject::{Account, Made, Pool, Rules};
use crate::error::Error;
use crate::schedule::{self, Held, Lease};

/// Sessions taken in by one transaction.
const SESSIONS: usize = 500;
/// Such transactions in one go; the next one goes on.
const MOST_ROUNDS: usize = 2_000;
/// Accounts that rules look at in one transaction.
const ACCOUNTS: u64 = 200;
/// Links told in one entry of the log.
const PER_ENTRY: usize = 100;

/// What the settings said last, and by what name accounts are marked as looked at with it.
pub(super) struct InForce {
    pub rules: Rules,
    pub hash: String,
}

impl People {
    /// Meets and links what is new or changed since; how many links were made. Nothing when another replica is at it.
    pub async fn link_due(&self) -> Result<u64, Error> {
        let mut conn = self.db.read().await?;
        let due = !store::unlooked(&mut conn, 1).await?.is_empty()
            || !store::unchecked(&mut conn, &self.in_force().hash, 1)
                .await?
                .is_empty();
        drop(conn);
        if !due {
            return Ok(0);
        }
        let held = Held::take(&self.db, &self.clock, "link", "", &self.owner).await?;
        let Some(held) = held else { return Ok(0) };
        let linked = self.link_all(held.lease()).await;
        held.release().await?;
        linked
    }

    async fn link_all(&self, lease: &Lease) -> Result<u64, Error> {
        for _ in 0..MOST_ROUNDS {
            if self.meet_some(lease).await? < SESSIONS {
                break;
            }
        }
        let mut linked = 0;
        loop {
            let in_force = self.in_force();
            let mut conn = self.db.write().await?;
            schedule::check_epoch(&mut conn, lease).await?;
            self.audit.lock(&mut conn).await?;
            let new = store::unchecked(&mut conn, &in_force.hash, ACCOUNTS).await?;
            if new.is_empty() {
                return Ok(linked);
            }
            let now = self.clock.now();
            let made = self.look_at(&mut conn, &new, &in_force, now).await?;
            conn.commit().await?;
            linked += made.len() as u64;
        }
    }

    /// Takes in accounts of sessions that have no person; of how many sessions.
    async fn meet_some(&self, lease: &Lease) -> Result<usize, Error> {
        let mut conn = self.db.write().await?;
        schedule::check_epoch(&mut conn, lease).await?;
        let rows = store::unlooked(&mut conn, SESSIONS).await?;
        store::meet(&mut conn, &rows, self.clock.now()).await?;
        let keys = rows.iter().map(|row| row.session_key.clone()).collect();
        store::fill(&mut conn, keys).await?;
        conn.commit().await?;
        Ok(rows.len())
    }

    /// Links what the rules say of these accounts.
    async fn look_at(
        &self,
        conn: &mut Conn,
        new: &[Account],
        in_force: &InForce,
        now: Timestamp,
    ) -> Result<Vec<Made>, Error> {
        let keys: Vec<String> = new.iter().map(|account| account.key.clone()).collect();
        let found = store::candidates(conn, new, &in_force.rules).await?;
        let mut made = Vec::new();
        if !found.is_empty() {
            let mut pool = pool_of(conn, found).await?;
            made = pool.link_by(&in_force.rules, &keys, now.0);
            keep(conn, &pool).await?;
            for some in made.chunks(PER_ENTRY) {
                let entry = told(&pool, some);
                self.audit.append(conn, &entry, now).await?;
            }
        }
        store::note_checked(conn, &keys, &in_force.hash).await?;
        Ok(made)
    }
}

/// These accounts with everything of their people, and what was cut among them.
pub(super) async fn pool_of(conn: &mut Conn, found: Vec<Account>) -> Result<Pool, Error> {
    let mut subjects: Vec<String> = found.iter().map(|account| account.subject.clone()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut all = found;
    all.extend(store::of_subjects(conn, &subjects).await?);
    let keys: Vec<String> = all.iter().map(|account| account.key.clone()).collect();
    let cuts = store::cuts(conn, &keys).await?;
    Ok(Pool::new(all, cuts))
}

/// Writes what changed, and whose the sessions are now.
pub(super) async fn keep(conn: &mut Conn, pool: &Pool) -> Result<(), Error> {
    store::save(conn, &pool.changed()).await?;
    let left: Vec<String> = pool.left().into_iter().collect();
    store::refill(conn, left.clone()).await?;
    store::drop_empty(conn, &left).await
}

/// What the log says of links that rules made. It names no system: who sees single systems sees none of it.
fn told(pool: &Pool, made: &[Made]) -> Entry {
    let name = |key: &str| match pool.get(key) {
        Some(account) => serde_json::json!([account.system, account.place, account.principal]),
        None => serde_json::Value::Null,
    };
    let links: Vec<serde_json::Value> = made
        .iter()
        .map(|made| serde_json::json!([name(&made.account), made.ground.name(), name(&made.with)]))
        .collect();
    let words = match made.len() {
        1 => "1 account, by rule".to_owned(),
        n => format!("{n} accounts, by rule"),
    };
    Entry::curfew(Action::PeopleLinked)
        .target(words)
        .fact("links", links)
}
