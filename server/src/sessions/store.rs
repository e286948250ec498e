//! Small SQL around the list: what surrounds its rows. The list's own statements are in `list`, the collector's in
//! `intake`.

use app::sessions::columns::Column;
use app::wire::{OperatorId, SystemId, Timestamp};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Query};

use super::filter::column;
use crate::caller::scope::{self, no_guests};
use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// An ending that is at work on a session.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AtWork {
    pub session_key: String,
    pub ending_no: i64,
    pub state: String,
}

/// Endings at work on any of these sessions, the newest last.
pub async fn at_work(conn: &mut Conn, keys: &[String]) -> Result<Vec<AtWork>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let item = |name: &'static str| (Alias::new("ending_item"), Alias::new(name));
    let ending = |name: &'static str| (Alias::new("ending"), Alias::new(name));
    let query = Query::select()
        .column(item("session_key"))
        .column(ending("ending_no"))
        .column(item("state"))
        .from(Alias::new("ending_item"))
        .inner_join(
            Alias::new("ending"),
            Expr::col(ending("ending_id")).equals(item("ending_id")),
        )
        .and_where(Expr::col(item("session_key")).is_in(keys.iter().cloned()))
        .and_where(Expr::col(item("left_out")).is_null())
        .and_where(Expr::col(item("state")).ne("settled"))
        .and_where(Expr::col(ending("state")).is_in(["waiting", "running", "paused"]))
        .and_where(Expr::col(ending("ending_no")).is_not_null())
        .order_by(ending("ending_no"), sea_query::Order::Asc)
        .take();
    conn.fetch_all(&query).await
}

/// Every system that rows may belong to: id and name, by id.
pub async fn systems(conn: &mut Conn) -> Result<Vec<(String, String)>, Error> {
    let query = Query::select()
        .columns([Alias::new("system_id"), Alias::new("name")])
        .from(Alias::new("system"))
        .order_by(Alias::new("system_id"), sea_query::Order::Asc)
        .take();
    conn.fetch_all(&query).await
}

/// Where and as what sessions of a system are named: what a raw id has to be hashed with.
pub async fn namings(conn: &mut Conn, visible: Condition) -> Result<Vec<(String, String, String)>, Error> {
    let query = Query::select()
        .distinct()
        .columns(["system_id", "place", "kind"].map(|name| (Alias::new("session"), Alias::new(name))))
        .from(Alias::new("session"))
        .cond_where(visible)
        .take();
    conn.fetch_all(&query).await
}

/// The session among these keys that may be seen: a live one first, then the one active last.
pub async fn first_of(
    conn: &mut Conn,
    visible: Condition,
    keys: Vec<String>,
) -> Result<Option<String>, Error> {
    let live_first = Expr::case(column("state").eq("live"), 0).finally(1);
    let query = Query::select()
        .column((Alias::new("session"), Alias::new("session_key")))
        .from(Alias::new("session"))
        .cond_where(Cond::all().add(column("session_key").is_in(keys)).add(visible))
        .order_by_expr(live_first.into(), sea_query::Order::Asc)
        .order_by(
            (Alias::new("session"), Alias::new("last_active_sort")),
            sea_query::Order::Desc,
        )
        .limit(1)
        .take();
    let rows: Vec<(String,)> = conn.fetch_all(&query).await?;
    Ok(rows.into_iter().next().map(|(key,)| key))
}

const COLUMNS: &str = "columns.sessions";

/// The columns a person chose; `None` = never did.
pub async fn columns(conn: &mut Conn, operator: &OperatorId) -> Result<Option<Vec<Column>>, Error> {
    let value: Option<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT value FROM operator_preference WHERE operator_id = $1 AND name = $2",
    )
    .bind(&operator.0)
    .bind(COLUMNS)
    .fetch_optional(c)
    .await?);
    Ok(value.map(|list| Column::parse_list(&list)))
}

/// Keeps the columns a person chose.
pub async fn save_columns(conn: &mut Conn, operator: &OperatorId, columns: &[Column]) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO operator_preference (operator_id, name, value) VALUES ($1, $2, $3) \
         ON CONFLICT (operator_id, name) DO UPDATE SET value = excluded.value",
    )
    .bind(&operator.0)
    .bind(COLUMNS)
    .bind(Column::write_list(columns))
    .execute(c)
    .await?; });
    Ok(())
}

/// When this caller's looking at that query was last noted.
pub async fn looked_at(conn: &mut Conn, actor: &OperatorId, hash: &str) -> Result<Option<Timestamp>, Error> {
    let at: Option<i64> = on!(conn, c => sqlx::query_scalar(
        "SELECT logged_at FROM sensitive_read WHERE actor_id = $1 AND query_hash = $2",
    )
    .bind(&actor.0)
    .bind(hash)
    .fetch_optional(c)
    .await?);
    Ok(at.map(Timestamp))
}

/// Notes that this caller looks at that query, unless that was noted after `since`; whether it was due. Forgets what is
/// older than `since`.
pub async fn note_look(
    conn: &mut Conn,
    actor: &OperatorId,
    hash: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool, Error> {
    let noted = on!(conn, c => {
        sqlx::query("DELETE FROM sensitive_read WHERE actor_id = $1 AND logged_at <= $2")
            .bind(&actor.0)
            .bind(since.0)
            .execute(&mut *c)
            .await?;
        sqlx::query(
            "INSERT INTO sensitive_read (actor_id, query_hash, logged_at) VALUES ($1, $2, $3) \
             ON CONFLICT (actor_id, query_hash) DO NOTHING",
        )
        .bind(&actor.0)
        .bind(hash)
        .bind(now.0)
        .execute(c)
        .await?
        .rows_affected()
    });
    Ok(noted > 0)
}

/// Live rows of people the caller may see in these systems; none named = in all.
pub fn live_in(visible: Condition, systems: &[SystemId]) -> Condition {
    let mut live = Cond::all().add(scope::live()).add(no_guests()).add(visible);
    if !systems.is_empty() {
        live = live.add(column("system_id").is_in(systems.iter().map(|s| s.0.clone())));
    }
    live
}
