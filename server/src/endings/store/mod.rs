//! SQL of endings: `freeze` fills previews, `plans` is about those that begin later, `approval` about second persons, `work`
//! serves the worker and the watch, `stages` says what waits for what, `show` is for the pages, `report` for containment
//! reports.

use app::endings::wire::EndingState;
use app::wire::{EndingId, SystemId, Timestamp};

use crate::db::Conn;
use crate::error::Error;
use crate::on;

pub mod approval;
pub mod by_day;
pub mod freeze;
pub mod plans;
pub mod report;
pub mod show;
pub mod signal;
pub mod since;
pub mod stages;
pub mod work;

/// The switch that stops every worker before its next ask.
const PAUSE: &str = "pause_endings";

/// A row of `ending`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EndingRow {
    pub ending_id: String,
    pub ending_no: Option<i64>,
    pub caller_kind: String,
    pub caller_id: String,
    pub caller_name: String,
    pub caller_session_id: Option<String>,
    pub reason: Option<String>,
    pub ticket_ref: Option<String>,
    pub query: String,
    pub selection_id: Option<String>,
    pub snapshot_hash: String,
    pub state: String,
    pub pause_why: Option<String>,
    pub include_own: i64,
    pub include_protected: i64,
    pub created_at: i64,
    pub expires_at: i64,
    pub confirmed_at: Option<i64>,
    pub settled_at: Option<i64>,
    pub watch_until: Option<i64>,
    pub next_watch_at: Option<i64>,
    pub item_count: i64,
    pub person_count: i64,
    pub system_count: i64,
    pub left_out_count: i64,
    pub whole_systems: String,
    pub stage: i64,
    pub last_stage: i64,
    pub went_on_at: Option<i64>,
    pub planned_for: Option<i64>,
    pub begin_in_min: Option<i64>,
    pub notice: Option<String>,
}

/// Columns of [`EndingRow`].
pub const ENDING: &str = "ending_id, ending_no, caller_kind, caller_id, caller_name, caller_session_id, reason, \
    ticket_ref, query, selection_id, snapshot_hash, state, pause_why, include_own, include_protected, created_at, \
    expires_at, confirmed_at, settled_at, watch_until, next_watch_at, item_count, person_count, system_count, \
    left_out_count, whole_systems, stage, last_stage, went_on_at, planned_for, begin_in_min, \
    notice";

impl EndingRow {
    /// When it begins if it is confirmed at `now`; `None` = at once.
    pub fn begins_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.begin_in_min {
            Some(minutes) => Some(now.plus_seconds(minutes * 60)),
            None => self.planned_for.map(Timestamp),
        }
    }

    /// Its id.
    pub fn id(&self) -> EndingId {
        EndingId(self.ending_id.clone())
    }

    /// Systems of which everybody was in the set when it was frozen.
    pub fn whole_systems(&self) -> Vec<SystemId> {
        serde_json::from_str(&self.whole_systems).unwrap_or_default()
    }

    /// Where it stands. A word this program does not know counts as waiting for a person.
    pub fn state(&self) -> EndingState {
        EndingState::from_name(&self.state).unwrap_or(EndingState::Paused)
    }
}

/// Who paused all endings.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PauseRow {
    pub changed_by_name: String,
    pub reason: String,
    pub changed_at: i64,
}

/// An ending or preview by its id.
pub async fn by_id(conn: &mut Conn, ending: &EndingId) -> Result<Option<EndingRow>, Error> {
    let sql = format!("SELECT {ENDING} FROM ending WHERE ending_id = $1");
    Ok(
        on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ending.as_str()).fetch_optional(c).await?),
    )
}

/// An ending by the number people say.
pub async fn by_no(conn: &mut Conn, ending_no: i64) -> Result<Option<EndingRow>, Error> {
    let sql = format!("SELECT {ENDING} FROM ending WHERE ending_no = $1");
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ending_no).fetch_optional(c).await?))
}

/// Takes the row's lock, so that nobody changes its state before this transaction ends. Endings are locked before
/// their items, items before sessions, all before the log's head and the change topics.
pub async fn lock(conn: &mut Conn, ending: &EndingId) -> Result<(), Error> {
    if conn.is_postgres() {
        on!(conn, c => {
            sqlx::query("SELECT 1 FROM ending WHERE ending_id = $1 FOR UPDATE")
                .bind(ending.as_str())
                .execute(c)
                .await?;
        });
    }
    Ok(())
}

/// The global pause; `None` = endings run.
pub async fn pause(conn: &mut Conn) -> Result<Option<PauseRow>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT changed_by_name, reason, changed_at FROM portal_switch WHERE name = $1 AND value = 'on'",
    )
    .bind(PAUSE)
    .fetch_optional(c)
    .await?))
}

/// Turns the global pause on or off.
pub async fn set_pause(
    conn: &mut Conn,
    on: bool,
    by: (&str, &str),
    reason: &str,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO portal_switch (name, value, changed_by, changed_by_name, reason, changed_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO UPDATE SET value = excluded.value, \
             changed_by = excluded.changed_by, changed_by_name = excluded.changed_by_name, \
             reason = excluded.reason, changed_at = excluded.changed_at",
        )
        .bind(PAUSE)
        .bind(if on { "on" } else { "off" })
        .bind(by.0)
        .bind(by.1)
        .bind(reason)
        .bind(now.0)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// Moves an ending from one of these states to another; false = it was in none of them.
pub async fn set_state(
    conn: &mut Conn,
    ending: &EndingId,
    from: &[EndingState],
    to: EndingState,
    pause_why: Option<&str>,
) -> Result<bool, Error> {
    // At most three states: a short list of literals keeps the statement one and the same.
    let at = |n: usize| from.get(n).map_or("", |s| s.name());
    Ok(on!(conn, c => sqlx::query(
        "UPDATE ending SET state = $2, pause_why = $3 WHERE ending_id = $1 AND state IN ($4, $5, $6)",
    )
    .bind(ending.as_str())
    .bind(to.name())
    .bind(pause_why)
    .bind(at(0))
    .bind(at(1))
    .bind(at(2))
    .execute(c)
    .await?
    .rows_affected() == 1))
}
