//! SQL of idempotency: what was answered to whom under which key.

use app::wire::Timestamp;

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// What is known of a key.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Known {
    pub request_hash: String,
    /// `None` = at work.
    pub status: Option<i64>,
    pub location: Option<String>,
    pub body: Option<String>,
    pub created_at: i64,
}

/// Takes a key for a request; false = it is known already.
pub async fn begin(
    conn: &mut Conn,
    caller: &str,
    key: &str,
    hash: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(on!(conn, c => sqlx::query(
        "INSERT INTO api_idempotency (caller_id, idem_key, request_hash, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (caller_id, idem_key) DO NOTHING")
        .bind(caller).bind(key).bind(hash).bind(now.0).execute(c).await?.rows_affected())
        > 0)
}

/// What is known of a key.
pub async fn known(conn: &mut Conn, caller: &str, key: &str) -> Result<Option<Known>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT request_hash, status, location, body, created_at FROM api_idempotency \
         WHERE caller_id = $1 AND idem_key = $2")
        .bind(caller).bind(key).fetch_optional(c).await?))
}

/// Takes a key over whose request began at `began` and never ended; false = somebody was faster.
pub async fn take_over(
    conn: &mut Conn,
    caller: &str,
    key: &str,
    began: i64,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(on!(conn, c => sqlx::query(
        "UPDATE api_idempotency SET created_at = $4 \
         WHERE caller_id = $1 AND idem_key = $2 AND created_at = $3 AND status IS NULL")
        .bind(caller).bind(key).bind(began).bind(now.0).execute(c).await?.rows_affected())
        > 0)
}

/// Keeps the answer.
pub async fn finish(
    conn: &mut Conn,
    caller: &str,
    key: &str,
    answer: (i64, Option<&str>, &str),
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "UPDATE api_idempotency SET status = $3, location = $4, body = $5 WHERE caller_id = $1 AND idem_key = $2")
        .bind(caller).bind(key).bind(answer.0).bind(answer.1).bind(answer.2).execute(c).await?; });
    Ok(())
}

/// Forgets a key: its request came to nothing.
pub async fn forget(conn: &mut Conn, caller: &str, key: &str) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "DELETE FROM api_idempotency WHERE caller_id = $1 AND idem_key = $2 AND status IS NULL")
        .bind(caller).bind(key).execute(c).await?; });
    Ok(())
}

/// Forgets what was answered before `before`.
pub async fn forget_old(conn: &mut Conn, before: Timestamp) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("DELETE FROM api_idempotency WHERE created_at < $1")
        .bind(before.0).execute(c).await?; });
    Ok(())
}
