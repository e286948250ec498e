//! SQL of webhooks: spreading events, what is due, what became of it.

use app::wire::Timestamp;
use sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// An event on its way to a receiver.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Due {
    pub event_id: String,
    pub receiver: String,
    pub host: String,
    pub attempts: i64,
    pub kind: String,
    pub data: String,
    pub path: String,
    pub created_at: i64,
}

/// Events without deliveries yet, oldest first: id and kind.
pub async fn unspread(conn: &mut Conn, limit: i64) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT event_id, kind FROM outbox WHERE spread_at IS NULL ORDER BY event_id LIMIT $1";
    Ok(on!(conn, c => sqlx::query_as(sql).bind(limit).fetch_all(c).await?))
}

/// Makes the delivery of an event to a receiver, due now.
pub async fn add(
    conn: &mut Conn,
    event_id: &str,
    receiver: &str,
    host: &str,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO webhook_delivery (event_id, receiver, host, state, attempts, next_at) \
             VALUES ($1, $2, $3, 'pending', 0, $4) ON CONFLICT DO NOTHING",
        )
        .bind(event_id)
        .bind(receiver)
        .bind(host)
        .bind(now.0)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// Every delivery of an event was made.
pub async fn spread(conn: &mut Conn, event_id: &str, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("UPDATE outbox SET spread_at = $2 WHERE event_id = $1")
            .bind(event_id)
            .bind(now.0)
            .execute(c)
            .await?;
    });
    Ok(())
}

fn delivery(name: &'static str) -> Expr {
    Expr::col((Alias::new("webhook_delivery"), Alias::new(name)))
}

fn event(name: &'static str) -> Expr {
    Expr::col((Alias::new("outbox"), Alias::new(name)))
}

/// Pending deliveries with their events, oldest first.
fn pending_rows(limit: i64) -> SelectStatement {
    let of = |table: &'static str, name: &'static str| (Alias::new(table), Alias::new(name));
    Query::select()
        .columns(["event_id", "receiver", "host", "attempts"].map(|c| of("webhook_delivery", c)))
        .columns(["kind", "data", "path", "created_at"].map(|c| of("outbox", c)))
        .from(Alias::new("webhook_delivery"))
        .inner_join(Alias::new("outbox"), event("event_id").eq(delivery("event_id")))
        .and_where(delivery("state").eq("pending"))
        .order_by(of("webhook_delivery", "event_id"), Order::Asc)
        .limit(limit.unsigned_abs())
        .to_owned()
}

/// What is due at these receivers.
pub async fn due(
    conn: &mut Conn,
    receivers: &[String],
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Due>, Error> {
    let query = pending_rows(limit)
        .and_where(delivery("next_at").lte(now.0))
        .and_where(delivery("receiver").is_in(receivers.to_vec()))
        .to_owned();
    conn.fetch_all(&query).await
}

/// What is pending at any other receiver since before that moment.
pub async fn orphans(
    conn: &mut Conn,
    receivers: &[String],
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Due>, Error> {
    let query = pending_rows(limit)
        .and_where(event("created_at").lt(before.0))
        .and_where(delivery("receiver").is_not_in(receivers.to_vec()))
        .to_owned();
    conn.fetch_all(&query).await
}

async fn settle(
    conn: &mut Conn,
    due: &Due,
    state: &str,
    trouble: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "UPDATE webhook_delivery SET state = $3, attempts = attempts + 1, trouble = $4, settled_at = $5 \
             WHERE event_id = $1 AND receiver = $2 AND state = 'pending'",
        )
        .bind(&due.event_id)
        .bind(&due.receiver)
        .bind(state)
        .bind(trouble)
        .bind(now.0)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// The receiver took it.
pub async fn delivered(conn: &mut Conn, due: &Due, now: Timestamp) -> Result<(), Error> {
    settle(conn, due, "delivered", None, now).await
}

/// It is not tried again.
pub async fn given_up(conn: &mut Conn, due: &Due, words: &str, now: Timestamp) -> Result<(), Error> {
    settle(conn, due, "given_up", Some(words), now).await
}

/// A try failed; the next one then.
pub async fn failed(conn: &mut Conn, due: &Due, words: &str, next: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "UPDATE webhook_delivery SET attempts = attempts + 1, trouble = $3, next_at = $4 \
             WHERE event_id = $1 AND receiver = $2 AND state = 'pending'",
        )
        .bind(&due.event_id)
        .bind(&due.receiver)
        .bind(words)
        .bind(next.0)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// How many deliveries wait.
pub async fn pending(conn: &mut Conn) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'pending'";
    Ok(on!(conn, c => sqlx::query_scalar(sql).fetch_one(c).await?))
}

/// Deletes events from before that moment, and their deliveries.
pub async fn forget(conn: &mut Conn, before: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "DELETE FROM webhook_delivery WHERE event_id IN (SELECT event_id FROM outbox WHERE created_at < $1)",
        )
        .bind(before.0)
        .execute(&mut *c)
        .await?;
        sqlx::query("DELETE FROM outbox WHERE created_at < $1").bind(before.0).execute(c).await?;
    });
    Ok(())
}
