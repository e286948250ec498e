//! SQL of connected systems.

use app::wire::{SystemId, Timestamp};
use sea_query::{Alias, Cond, Expr, ExprTrait, Query, SelectStatement};

use crate::caller::scope::{self, Rows, no_guests};
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;
use crate::on;

/// Slots of live sessions over time, seconds: ten minutes and an hour.
pub const SPANS_S: [i64; 2] = [600, 3600];

/// A row of `system`; see migrations/*/0004_create_system.sql, 0010_add_noted_health.sql and 0019_create_self_test.sql for
/// every column.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    pub system_id: String,
    pub kind: String,
    pub name: String,
    pub settings_hash: String,
    pub configured: i64,
    pub simulated: i64,
    pub abilities: String,
    pub paused_at: Option<i64>,
    pub paused_by: Option<String>,
    pub paused_by_name: Option<String>,
    pub last_complete_pass_started_at: Option<i64>,
    pub last_pass_started_at: Option<i64>,
    pub last_pass_took_ms: Option<i64>,
    pub last_rows: Option<i64>,
    pub last_error: Option<String>,
    pub last_error_kind: Option<String>,
    pub last_error_at: Option<i64>,
    pub failures: i64,
    pub next_pass_at: i64,
    pub proven_at: Option<i64>,
    pub proven_build: Option<String>,
    pub self_test: Option<String>,
    pub noted_health: Option<String>,
    pub build: Option<String>,
    /// What the newest self-test on that build found, 1 = ending is proven; `None` = none was run on it.
    pub build_proven: Option<i64>,
}

/// What the settings say of a system.
pub struct Entry<'e> {
    pub system_id: &'e str,
    pub kind: &'e str,
    pub name: &'e str,
    pub settings_hash: &'e str,
    pub simulated: bool,
    /// json; `None` = the connector could not be made: what was known stays.
    pub abilities: Option<&'e str>,
}

const COLUMNS: &str = "s.system_id, s.kind, s.name, s.settings_hash, s.configured, s.simulated, s.abilities, \
     s.paused_at, s.paused_by, o.display_name AS paused_by_name, s.last_complete_pass_started_at, \
     s.last_pass_started_at, s.last_pass_took_ms, s.last_rows, s.last_error, s.last_error_kind, s.last_error_at, \
     s.failures, s.next_pass_at, s.proven_at, s.proven_build, s.self_test, \
     s.noted_health, s.build, t.proven AS build_proven \
     FROM system s LEFT JOIN operator o ON o.operator_id = s.paused_by \
     LEFT JOIN self_test t ON t.system_id = s.system_id AND t.build = s.build";

/// Every system ever connected and not yet forgotten, by name.
pub async fn all(conn: &mut Conn) -> Result<Vec<Row>, Error> {
    let sql = format!("SELECT {COLUMNS} ORDER BY LOWER(s.name), s.system_id");
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(c).await?))
}

/// One system.
pub async fn one(conn: &mut Conn, system: &SystemId) -> Result<Option<Row>, Error> {
    let sql = format!("SELECT {COLUMNS} WHERE s.system_id = $1");
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(system.as_str())
        .fetch_optional(c)
        .await?))
}

/// Keeps the health that the audit is about to tell of; false when it was told already, by whichever process.
///
/// A system nobody told of yet counts as live: what is healthy from the start is no news.
pub async fn note_health(conn: &mut Conn, system: &SystemId, health: &str) -> Result<bool, Error> {
    Ok(on!(conn, c => sqlx::query(
            "UPDATE system SET noted_health = $2 WHERE system_id = $1 AND COALESCE(noted_health, 'live') <> $2",
        )
        .bind(system.as_str())
        .bind(health)
        .execute(c)
        .await?
        .rows_affected() == 1))
}

/// Writes what the settings say; true when something of it is new. A changed entry is read at once.
pub async fn upsert(conn: &mut Conn, entry: &Entry<'_>) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
            "INSERT INTO system (system_id, kind, name, settings_hash, configured, simulated, abilities) \
             VALUES ($1, $2, $3, $4, 1, $5, COALESCE($6, '{}')) \
             ON CONFLICT (system_id) DO UPDATE SET kind = excluded.kind, name = excluded.name, \
             settings_hash = excluded.settings_hash, configured = 1, simulated = excluded.simulated, \
             abilities = COALESCE($6, system.abilities), next_pass_at = 0 \
             WHERE system.settings_hash <> excluded.settings_hash OR system.configured = 0 \
             OR system.name <> excluded.name OR system.kind <> excluded.kind \
             OR system.simulated <> excluded.simulated OR COALESCE($6, system.abilities) <> system.abilities",
        )
        .bind(entry.system_id)
        .bind(entry.kind)
        .bind(entry.name)
        .bind(entry.settings_hash)
        .bind(i64::from(entry.simulated))
        .bind(entry.abilities)
        .execute(c)
        .await?
        .rows_affected());
    Ok(touched > 0)
}

/// Forgets what self-tests of a system proved; false = nothing was. Their audit entries stay.
pub async fn forget_proofs(conn: &mut Conn, system: &SystemId) -> Result<bool, Error> {
    Ok(on!(conn, c => {
        sqlx::query("DELETE FROM self_test WHERE system_id = $1")
            .bind(system.as_str())
            .execute(&mut *c)
            .await?;
        sqlx::query("UPDATE system SET proven_at = NULL, proven_build = NULL WHERE system_id = $1 AND proven_at IS NOT NULL")
            .bind(system.as_str())
            .execute(c)
            .await?
            .rows_affected() == 1
    }))
}

/// Rows of sessions carry the system's name to be sorted by it.
pub async fn rename_in_sessions(conn: &mut Conn, system: &str, name_sort: &str) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("UPDATE session SET system_sort = $2 WHERE system_id = $1 AND system_sort <> $2")
            .bind(system)
            .bind(name_sort)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Marks systems that stand in the settings no more; which ones they are.
pub async fn unconfigure_others(conn: &mut Conn, configured: &[String]) -> Result<Vec<String>, Error> {
    let update = Query::update()
        .table(Alias::new("system"))
        .value(Alias::new("configured"), 0_i64)
        .and_where(Expr::col(Alias::new("configured")).eq(1_i64))
        .and_where(Expr::col(Alias::new("system_id")).is_not_in(configured.iter().cloned()))
        .returning_col(Alias::new("system_id"))
        .to_owned();
    let rows: Vec<(String,)> = conn.fetch_all(&update).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Connected systems whose next reading is due, longest due first.
pub async fn due(conn: &mut Conn, now: Timestamp) -> Result<Vec<String>, Error> {
    Ok(on!(conn, c => sqlx::query_scalar(
            "SELECT system_id FROM system WHERE configured = 1 AND paused_at IS NULL AND next_pass_at <= $1 \
             ORDER BY next_pass_at, system_id",
        )
        .bind(now.0)
        .fetch_all(c)
        .await?))
}

/// Makes the next reading due; false when there is no such system, or it is paused or not configured.
pub async fn read_now(conn: &mut Conn, system: &SystemId) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
            "UPDATE system SET next_pass_at = 0 WHERE system_id = $1 AND configured = 1 AND paused_at IS NULL",
        )
        .bind(system.as_str())
        .execute(c)
        .await?
        .rows_affected());
    Ok(touched > 0)
}

/// Pauses (`at` = when, by whom) or resumes (`None`); false when it was so already.
pub async fn pause(conn: &mut Conn, system: &SystemId, at: Option<(Timestamp, &str)>) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
            "UPDATE system SET paused_at = $2, paused_by = $3, next_pass_at = 0 \
             WHERE system_id = $1 AND (paused_at IS NULL) <> ($2 IS NULL)",
        )
        .bind(system.as_str())
        .bind(at.map(|(at, _)| at.0))
        .bind(at.map(|(_, by)| by))
        .execute(c)
        .await?
        .rows_affected());
    Ok(touched > 0)
}

/// Keeps a self-test: its report as the newest one, and what it found as the word on that build (empty = not said).
pub async fn keep_self_test(
    conn: &mut Conn,
    system: &SystemId,
    report: &str,
    (now, build, proven): (Timestamp, &str, bool),
) -> Result<(), Error> {
    on!(conn, c => {
        if !build.is_empty() {
            sqlx::query(
                "INSERT INTO self_test (system_id, build, tested_at, proven) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (system_id, build) DO UPDATE SET tested_at = excluded.tested_at, proven = excluded.proven",
            )
            .bind(system.as_str())
            .bind(build)
            .bind(now.0)
            .bind(i64::from(proven))
            .execute(&mut *c)
            .await?;
        }
        sqlx::query(
            "UPDATE system SET self_test = $2, proven_at = COALESCE($3, proven_at), \
             proven_build = COALESCE($4, proven_build) WHERE system_id = $1",
        )
        .bind(system.as_str())
        .bind(report)
        .bind(proven.then_some(now.0))
        .bind(proven.then_some(build))
        .execute(c)
        .await?;
    });
    Ok(())
}

/// A complete reading: its start is the age of the rows.
pub async fn pass_complete(
    conn: &mut Conn,
    system: &SystemId,
    started_at: Timestamp,
    took_ms: i64,
    next_pass_at: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "UPDATE system SET last_complete_pass_started_at = $2, last_pass_started_at = $2, \
             last_pass_took_ms = $3, next_pass_at = $4, last_error = NULL, last_error_kind = NULL, \
             last_error_at = NULL, failures = 0, last_rows = (SELECT COUNT(*) FROM session \
             WHERE session.system_id = system.system_id AND session.state = 'live' AND session.kind <> 'guest') WHERE system_id = $1",
        )
        .bind(system.as_str())
        .bind(started_at.0)
        .bind(took_ms)
        .bind(next_pass_at.0)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// Keeps what a system runs, as the newest reading found it.
pub async fn note_build(conn: &mut Conn, system: &SystemId, build: Option<&str>) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("UPDATE system SET build = $2 WHERE system_id = $1 AND COALESCE(build, '') <> COALESCE($2, '')")
            .bind(system.as_str())
            .bind(build)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// A reading that failed or was not whole. `last_error_at` keeps the moment the trouble began.
pub async fn pass_failed(
    conn: &mut Conn,
    system: &SystemId,
    started_at: Timestamp,
    took_ms: i64,
    next_pass_at: Timestamp,
    trouble: (&str, &str),
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "UPDATE system SET last_pass_started_at = $2, last_pass_took_ms = $3, next_pass_at = $4, \
             last_error_kind = $5, last_error = $6, \
             last_error_at = CASE WHEN failures = 0 THEN $2 ELSE last_error_at END, \
             failures = failures + 1 WHERE system_id = $1",
        )
        .bind(system.as_str())
        .bind(started_at.0)
        .bind(took_ms)
        .bind(next_pass_at.0)
        .bind(trouble.0)
        .bind(trouble.1)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// Trouble that is not a reading's: the settings can't be used.
pub async fn settings_failed(
    conn: &mut Conn,
    system: &str,
    now: Timestamp,
    words: &str,
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "UPDATE system SET last_error_kind = 'settings', last_error = $3, \
             last_error_at = COALESCE(last_error_at, $2), failures = failures + 1 WHERE system_id = $1 \
             AND (last_error IS NULL OR last_error <> $3)",
        )
        .bind(system)
        .bind(now.0)
        .bind(words)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// Settings that could not be used can be now.
pub async fn settings_mended(conn: &mut Conn, system: &str) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "UPDATE system SET last_error_kind = NULL, last_error = NULL, last_error_at = NULL, failures = 0, \
             next_pass_at = 0 WHERE system_id = $1 AND last_error_kind = 'settings'",
        )
        .bind(system)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// Keeps what a complete reading just counted: the most of its ten minutes and of its hour.
pub async fn keep_sample(conn: &mut Conn, system: &SystemId, read_at: Timestamp) -> Result<(), Error> {
    for span_s in SPANS_S {
        on!(conn, c => {
            sqlx::query(
                "INSERT INTO live_sample (span_s, slot_at, system_id, live_count) \
                 SELECT $2, $3, system_id, last_rows FROM system WHERE system_id = $1 AND last_rows IS NOT NULL \
                 ON CONFLICT (span_s, slot_at, system_id) DO UPDATE SET live_count = excluded.live_count \
                 WHERE live_sample.live_count < excluded.live_count",
            )
            .bind(system.as_str())
            .bind(span_s)
            .bind(read_at.0 - read_at.0.rem_euclid(span_s * 1000))
            .execute(c)
            .await?;
        });
    }
    Ok(())
}

/// System, start of a slot in ms, and the most live sessions in it: slots of so many seconds from `from` on, oldest first.
pub async fn samples(
    conn: &mut Conn,
    span_s: i64,
    from: Timestamp,
) -> Result<Vec<(String, i64, i64)>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
            "SELECT system_id, slot_at, live_count FROM live_sample WHERE span_s = $1 AND slot_at >= $2 \
             ORDER BY slot_at, system_id",
        )
        .bind(span_s)
        .bind(from.0)
        .fetch_all(c)
        .await?))
}

/// Deletes samples of slots that began before; safe to repeat and to do twice at once.
pub async fn forget_samples(conn: &mut Conn, span_s: i64, before: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("DELETE FROM live_sample WHERE span_s = $1 AND slot_at < $2")
            .bind(span_s)
            .bind(before.0)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Live rows of people within `scope` by system with those past one of their own limits, as long as there are at most
/// `most` in all; `None` = more.
///
/// One pass over the people of the scope: system by system, everybody else's rows would be met too.
pub async fn few(
    conn: &mut Conn,
    scope: &VisibleScope,
    most: u64,
    now: Timestamp,
) -> Result<Option<Vec<(String, i64, i64)>>, Error> {
    let column = |name: &'static str| Expr::col((Alias::new("session"), Alias::new(name)));
    let past = Cond::any()
        .add(column("idle_ends_sort").lte(now.0))
        .add(column("absolute_sort").lte(now.0));
    let some = live(scope)
        .expr_as(column("system_id"), Alias::new("system_id"))
        .expr_as(Expr::case(past, 1).finally(0), Alias::new("past"))
        .limit(most + 1)
        .take();
    let query = Query::select()
        .column(Alias::new("system_id"))
        .expr_as(Expr::cust("COUNT(*)"), Alias::new("n"))
        .expr_as(
            Expr::cust("COUNT(CASE WHEN past = 1 THEN 1 END)"),
            Alias::new("n_past"),
        )
        .from_subquery(some, Alias::new("some"))
        .group_by_col(Alias::new("system_id"))
        .take();
    let rows: Vec<(String, i64, i64)> = conn.fetch_all(&query).await?;
    let all: i64 = rows.iter().map(|(_, n, _)| n).sum();
    Ok((all.unsigned_abs() <= most).then_some(rows))
}

/// Live rows of people in a system within `scope`, counted up to `most`.
pub async fn count_live(
    conn: &mut Conn,
    system: &str,
    scope: &VisibleScope,
    most: u64,
) -> Result<u64, Error> {
    let some = live(scope)
        .expr_as(Expr::val(1_i64), Alias::new("one"))
        .and_where(Expr::col((Alias::new("session"), Alias::new("system_id"))).eq(system))
        .limit(most)
        .take();
    let query = Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .from_subquery(some, Alias::new("some"))
        .to_owned();
    let rows: Vec<(i64,)> = conn.fetch_all(&query).await?;
    Ok(rows.first().map_or(0, |(n,)| n.unsigned_abs()))
}

/// Whether limits that new sessions get are known for any kind of a system.
pub async fn is_compared(conn: &mut Conn, system: &str) -> Result<bool, Error> {
    let one: Option<(i64,)> = on!(conn, c => sqlx::query_as(
        "SELECT CAST(1 AS BIGINT) FROM kind_limit WHERE system_id = $1 LIMIT 1",
    )
    .bind(system)
    .fetch_optional(c)
    .await?);
    Ok(one.is_some())
}

/// Live rows of people in a system within `scope` that began under an earlier policy, counted up to `most`.
pub async fn count_earlier(
    conn: &mut Conn,
    system: &str,
    scope: &VisibleScope,
    most: u64,
) -> Result<u64, Error> {
    let some = live(scope)
        .expr_as(Expr::val(1_i64), Alias::new("one"))
        .and_where(Expr::col((Alias::new("session"), Alias::new("system_id"))).eq(system))
        .and_where(scope::earlier_policy_in(system))
        .limit(most)
        .take();
    let query = Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .from_subquery(some, Alias::new("some"))
        .to_owned();
    let rows: Vec<(i64,)> = conn.fetch_all(&query).await?;
    Ok(rows.first().map_or(0, |(n,)| n.unsigned_abs()))
}

fn live(scope: &VisibleScope) -> SelectStatement {
    Query::select()
        .from(Alias::new("session"))
        .and_where(scope::live())
        .and_where(no_guests())
        .cond_where(scope.condition(Rows::Sessions))
        .take()
}
