//! Rows for tests and measurements, written the way a reading writes them.

use app::sessions::wire::{SessionKind, SessionState};
use app::wire::{Limit, SystemId, Timestamp};
use sea_query::{Alias, Expr, ExprTrait, Query};

use super::identity::{self, Naming};
use super::intake;
use crate::connectors::{Handle, SeenSession};
use crate::db::Conn;
use crate::error::Error;
use crate::keys::HashKey;
use crate::on;

/// A session to be put into the inventory; what is not said is "not reported".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    pub system_id: String,
    pub place: String,
    pub handle: String,
    pub kind: SessionKind,
    pub state: SessionState,
    pub account_id: String,
    pub account_name: String,
    pub display_name: String,
    pub person_doubt: Option<String>,
    pub remark: Option<String>,
    pub email: Option<String>,
    pub ip: Option<String>,
    pub browser: String,
    pub os: String,
    pub site: String,
    pub created_at: Option<i64>,
    pub last_active_at: Option<i64>,
    pub idle: Limit,
    pub absolute_expires_at: Option<i64>,
}

impl Default for Seed {
    fn default() -> Self {
        Seed {
            system_id: "uportal".to_owned(),
            place: String::new(),
            handle: crate::keys::random_id(),
            kind: SessionKind::Web,
            state: SessionState::Live,
            account_id: String::new(),
            account_name: String::new(),
            display_name: String::new(),
            person_doubt: None,
            remark: None,
            email: None,
            ip: None,
            browser: String::new(),
            os: String::new(),
            site: String::new(),
            created_at: None,
            last_active_at: None,
            idle: Limit::Unknown,
            absolute_expires_at: None,
        }
    }
}

/// The name of a system made here, as shown.
pub fn system_name(id: &str) -> String {
    format!("{}{}", id[..1].to_uppercase(), &id[1..])
}

impl Seed {
    /// The row a reading makes of it, under `key`.
    pub fn row(&self, key: &HashKey) -> identity::Row {
        let seen = SeenSession {
            place: self.place.clone(),
            account_id: self.account_id.clone(),
            account_name: self.account_name.clone(),
            display_name: self.display_name.clone(),
            person_doubt: self.person_doubt.clone(),
            remark: self.remark.clone(),
            email: self.email.clone(),
            ip: self.ip.clone(),
            browser: self.browser.clone(),
            os: self.os.clone(),
            site: self.site.clone(),
            created_at: self.created_at.map(Timestamp),
            last_active_at: self.last_active_at.map(Timestamp),
            idle: self.idle,
            absolute_expires_at: self.absolute_expires_at.map(Timestamp),
            absolute_known: true,
            ..SeenSession::new(Handle::new(self.handle.clone()), self.kind)
        };
        let mut naming = Naming {
            key,
            system_id: &SystemId::from(self.system_id.as_str()),
            system_sort: &system_name(&self.system_id).to_lowercase(),
            clients: &mut identity::Clients::default(),
        };
        identity::row(&seen, &mut naming)
    }
}

/// Adds a system that was read whole at `read_at`.
pub async fn insert_system(conn: &mut Conn, id: &str, read_at: Timestamp) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
            "INSERT INTO system (system_id, kind, name, settings_hash, configured, simulated, abilities, \
             last_complete_pass_started_at, last_pass_started_at) VALUES ($1, 'simulator', $2, '', 1, 1, '{}', $3, $3)",
        )
        .bind(id)
        .bind(system_name(id))
        .bind(read_at.0)
        .execute(c)
        .await?; });
    Ok(())
}

/// Says what new sessions of a kind get: idle seconds and longest seconds, each with the moment from which it holds.
pub async fn insert_kind_limit(
    conn: &mut Conn,
    system: &str,
    kind: SessionKind,
    idle: (Option<i64>, i64),
    absolute: (Option<i64>, i64),
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("INSERT INTO kind_limit VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(system)
        .bind(kind.name())
        .bind(idle.0)
        .bind(idle.1)
        .bind(absolute.0)
        .bind(absolute.1)
        .execute(c)
        .await?; });
    Ok(())
}

/// Makes a group of these accounts, lower-cased already.
pub async fn insert_group(conn: &mut Conn, id: &str, accounts: &[&str]) -> Result<(), Error> {
    let sql = "INSERT INTO subject_group (group_id, name, source, changed_at) VALUES ($1, $1, 'import', 0)";
    on!(conn, c => { sqlx::query(sql).bind(id).execute(c).await?; });
    for account in accounts {
        let sql = "INSERT INTO subject_group_member (group_id, account) VALUES ($1, $2)";
        on!(conn, c => { sqlx::query(sql).bind(id).bind(account).execute(c).await?; });
    }
    Ok(())
}

/// Puts sessions into the inventory; their rows, in the same order.
pub async fn insert(conn: &mut Conn, key: &HashKey, seeds: &[Seed]) -> Result<Vec<identity::Row>, Error> {
    let rows: Vec<identity::Row> = seeds.iter().map(|seed| seed.row(key)).collect();
    intake::write_live(conn, rows.clone(), Timestamp(0), None).await?;
    for state in [SessionState::Ended, SessionState::Vanished] {
        let gone: Vec<String> = seeds
            .iter()
            .zip(&rows)
            .filter(|(seed, _)| seed.state == state)
            .map(|(_, row)| row.session_key.clone())
            .collect();
        for chunk in gone.chunks(5_000) {
            let update = Query::update()
                .table(Alias::new("session"))
                .value(Alias::new("state"), state.name())
                .value(Alias::new("gone_at"), 1_i64)
                .value(Alias::new("gone_how"), state.name())
                .and_where(Expr::col(Alias::new("session_key")).is_in(chunk.iter().cloned()))
                .take();
            conn.execute(&update).await?;
        }
    }
    Ok(rows)
}
