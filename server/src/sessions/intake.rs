//! SQL of the inventory's writing side: what a reading changes. The list's own SQL is in `store`.

use app::wire::{SystemId, Timestamp};
use data_encoding::HEXLOWER_PERMISSIVE;
use futures::TryStreamExt;
use sea_query::{Alias, Expr, ExprTrait, IntoIden, OnConflict, Query};
use sqlx::Row as _;

use super::identity::{OldNames, Row};
use crate::db::{Conn, Typed};
use crate::error::Error;
use crate::on;

/// Rows of one statement. Few enough that most statements have all of them, so that the prepared one is used again.
const ROWS_PER_STATEMENT: usize = 50;

/// A live row as the pass found it in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRow {
    /// Its key, 128 bits.
    pub key: [u8; 16],
    /// Its row hash, 64 bits.
    pub hash: u64,
    /// Its last activity, ms; 0 = none.
    pub active: i64,
    /// Met in this pass.
    pub seen: bool,
}

/// The key's 128 bits; `None` = not a key.
pub fn key_bits(key: &str) -> Option<[u8; 16]> {
    HEXLOWER_PERMISSIVE.decode(key.as_bytes()).ok()?.try_into().ok()
}

/// The key of these bits.
pub fn key_text(bits: &[u8; 16]) -> String {
    HEXLOWER_PERMISSIVE.encode(bits)
}

/// The hash's 64 bits; 0 when it is none.
pub fn hash_bits(hash: &str) -> u64 {
    u64::from_str_radix(hash, 16).unwrap_or(0)
}

/// The live rows of a system, sorted by key: 40 bytes each, so that a million fits.
pub async fn known(conn: &mut Conn, system: &SystemId) -> Result<Vec<KnownRow>, Error> {
    let sql =
        "SELECT session_key, row_hash, last_active_sort FROM session WHERE system_id = $1 AND state = 'live'";
    let mut rows = Vec::new();
    on!(conn, c => {
        let mut found = sqlx::query(sql).bind(system.as_str()).fetch(c);
        while let Some(row) = found.try_next().await? {
            let key: &str = row.try_get(0)?;
            let hash: &str = row.try_get(1)?;
            if let Some(key) = key_bits(key) {
                rows.push(KnownRow {
                    key,
                    hash: hash_bits(hash),
                    active: row.try_get(2)?,
                    seen: false,
                });
            }
        }
    });
    rows.sort_unstable_by_key(|row| row.key);
    Ok(rows)
}

/// Names of a system's sessions that this key made, whatever became of them.
pub async fn named_by(conn: &mut Conn, system: &SystemId, key_id: &str) -> Result<OldNames, Error> {
    let names: Vec<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT session_key FROM session WHERE system_id = $1 AND key_id = $2")
        .bind(system.as_str()).bind(key_id).fetch_all(c).await?);
    Ok(names.iter().filter_map(|name| key_bits(name)).collect())
}

const COLUMNS: [&str; 45] = [
    "session_key",
    "key_id",
    "system_id",
    "place",
    "handle_hint",
    "account_id",
    "account_name",
    "display_name",
    "person_doubt",
    "remark",
    "email",
    "kind",
    "raw_kind",
    "state",
    "ip",
    "user_agent",
    "browser",
    "os",
    "node",
    "site",
    "created_at",
    "last_active_at",
    "idle_timeout_s",
    "idle_ends_at",
    "absolute_expires_at",
    "absolute_known",
    "policy_snapshot_id",
    "endable",
    "endable_why",
    "return_hint",
    "seen_pass",
    "first_seen_at",
    "row_hash",
    "search_text",
    "person_sort",
    "mail_domain",
    "account_sort",
    "system_sort",
    "client_sort",
    "ip_sort",
    "created_sort",
    "last_active_sort",
    "idle_ends_sort",
    "absolute_sort",
    "observed_at",
];

/// Whose a session is stays known while the account it tells of does: else it is looked at again, by the people room.
const SAME_ACCOUNT: &str = "CASE WHEN excluded.account_id = session.account_id \
    AND excluded.account_name = session.account_name AND excluded.display_name = session.display_name \
    AND excluded.site = session.site AND COALESCE(excluded.email, '') = COALESCE(session.email, '') \
    THEN session.subject_id ELSE NULL END";

/// Columns that keep their first value.
const KEPT: [&str; 3] = ["session_key", "policy_snapshot_id", "first_seen_at"];

/// Writes rows as live. One that an ending or another reading found gone at or after `started_at` stays gone: this
/// reading may have seen it before that. Keys must differ within `rows`.
pub async fn write_live(
    conn: &mut Conn,
    rows: Vec<Row>,
    started_at: Timestamp,
    policy_snapshot_id: Option<&str>,
) -> Result<(), Error> {
    let session = || Alias::new("session");
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut insert = Query::insert();
        insert.into_table(session()).columns(COLUMNS.map(Alias::new));
        for row in rows.by_ref().take(ROWS_PER_STATEMENT) {
            insert.values_panic(values(row, started_at, policy_snapshot_id));
        }
        let refreshed = COLUMNS
            .iter()
            .filter(|c| !KEPT.contains(c))
            .map(|c| Alias::new(*c).into_iden());
        let ended_meanwhile = format!(
            "NOT EXISTS (SELECT 1 FROM ending_item i WHERE i.session_key = session.session_key \
             AND i.settled_at >= {} AND i.outcome IN ('ended', 'already_gone', 'rotated'))",
            started_at.0
        );
        let mut conflict = OnConflict::column(Alias::new("session_key"));
        conflict
            .update_columns(refreshed)
            .value(Alias::new("gone_at"), Option::<i64>::None)
            .value(Alias::new("gone_how"), Option::<String>::None)
            .value(Alias::new("subject_id"), Expr::cust(SAME_ACCOUNT))
            .action_and_where(
                Expr::col((session(), Alias::new("gone_at")))
                    .is_null()
                    .or(Expr::col((session(), Alias::new("gone_at"))).lt(started_at.0)),
            )
            .action_and_where(Expr::cust(ended_meanwhile));
        insert.on_conflict(conflict);
        conn.execute(&insert).await?;
    }
    Ok(())
}

fn values(row: Row, started_at: Timestamp, policy_snapshot_id: Option<&str>) -> [Expr; 45] {
    [
        row.session_key.into(),
        row.key_id.into(),
        row.system_id.into(),
        row.place.into(),
        row.handle_hint.into(),
        row.account_id.into(),
        row.account_name.into(),
        row.display_name.into(),
        row.person_doubt.into(),
        row.remark.into(),
        row.email.into(),
        row.kind.into(),
        row.raw_kind.into(),
        "live".into(),
        row.ip.into(),
        row.user_agent.into(),
        row.browser.into(),
        row.os.into(),
        row.node.into(),
        row.site.into(),
        row.created_at.into(),
        row.last_active_at.into(),
        row.idle_timeout_s.into(),
        row.idle_ends_at.into(),
        row.absolute_expires_at.into(),
        i64::from(row.absolute_known).into(),
        policy_snapshot_id.map(str::to_owned).into(),
        row.endable.into(),
        row.endable_why.into(),
        row.return_hint.into(),
        started_at.0.into(),
        started_at.0.into(),
        row.row_hash.into(),
        row.search_text.into(),
        row.person_sort.into(),
        row.mail_domain.into(),
        row.account_sort.into(),
        row.system_sort.into(),
        row.client_sort.into(),
        row.ip_sort.into(),
        row.created_sort.into(),
        row.last_active_sort.into(),
        row.idle_ends_sort.into(),
        row.absolute_sort.into(),
        Option::<i64>::None.into(),
    ]
}

/// Marks rows as vanished that a complete reading did not hold; how many there were.
///
/// One that was read singly at or after `started_at` stays: that knowledge is newer.
pub async fn vanish(conn: &mut Conn, keys: &[String], started_at: Timestamp) -> Result<u64, Error> {
    let column = Alias::new;
    let update = Query::update()
        .table(column("session"))
        .value(column("state"), "vanished")
        .value(column("gone_at"), started_at.0)
        .value(column("gone_how"), "vanished")
        .and_where(Expr::col(column("session_key")).is_in(keys.iter().cloned()))
        .and_where(Expr::col(column("state")).eq("live"))
        .and_where(
            Expr::col(column("observed_at"))
                .is_null()
                .or(Expr::col(column("observed_at")).lt(started_at.0)),
        )
        .to_owned();
    conn.execute(&update).await
}

/// Deletes up to `most` sessions gone before `before`, and sessions of systems out of the settings that were last read
/// whole before it; how many there were.
pub async fn forget(conn: &mut Conn, before: Timestamp, most: usize) -> Result<u64, Error> {
    Ok(on!(conn, c => sqlx::query(
            "DELETE FROM session WHERE session_key IN (SELECT s.session_key FROM session s \
             LEFT JOIN system y ON y.system_id = s.system_id WHERE s.gone_at < $1 OR (y.configured = 0 \
             AND COALESCE(y.last_pass_started_at, 0) < $1) LIMIT $2)",
        )
        .bind(before.0)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .execute(c)
        .await?
        .rows_affected()))
}

/// Tells PostgreSQL's planner about many new rows at once; SQLite needs it too, and does it on the writer.
pub async fn analyze(conn: &mut Conn) -> Result<(), Error> {
    match conn.typed() {
        Typed::Sqlite(c) => sqlx::query("ANALYZE session").execute(c).await.map(|_| ())?,
        Typed::Postgres(c) => sqlx::query("ANALYZE session").execute(c).await.map(|_| ())?,
    }
    Ok(())
}
