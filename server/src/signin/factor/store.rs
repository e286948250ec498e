//! SQL of second factors: seeds, recovery codes, and sign-ins that wait for their code.

use app::wire::{OperatorId, PortalSessionId, Timestamp};

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// A second factor as stored; seeds are sealed.
#[derive(Clone, Default, sqlx::FromRow)]
pub struct Factor {
    pub seed: Option<String>,
    pub set_up_at: Option<i64>,
    pub draft_seed: Option<String>,
    pub draft_session: Option<String>,
    pub draft_at: Option<i64>,
}

const FACTOR: &str = "SELECT seed, set_up_at, draft_seed, draft_session, draft_at \
     FROM second_factor WHERE operator_id = $1";

/// Somebody's second factor; an empty one when nothing is stored.
pub async fn factor(conn: &mut Conn, operator: &OperatorId) -> Result<Factor, Error> {
    let found: Option<Factor> = on!(conn, c => sqlx::query_as(FACTOR)
        .bind(operator.as_str()).fetch_optional(c).await?);
    Ok(found.unwrap_or_default())
}

/// [`factor`], while nobody else may use or change it until the transaction ends: tries take turns.
pub async fn factor_to_use(conn: &mut Conn, operator: &OperatorId) -> Result<Factor, Error> {
    if !conn.is_postgres() {
        return factor(conn, operator).await;
    }
    let sql = "SELECT seed, set_up_at, draft_seed, draft_session, draft_at \
               FROM second_factor WHERE operator_id = $1 FOR UPDATE";
    let found: Option<Factor> = on!(conn, c => sqlx::query_as(sql)
        .bind(operator.as_str()).fetch_optional(c).await?);
    Ok(found.unwrap_or_default())
}

/// Keeps a seed that was shown but not confirmed; an older draft goes, the factor in force stays.
pub async fn keep_draft(
    conn: &mut Conn,
    operator: &OperatorId,
    session: &PortalSessionId,
    seed: &str,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO second_factor (operator_id, last_step, draft_seed, draft_session, draft_at) \
         VALUES ($1, 0, $2, $3, $4) ON CONFLICT (operator_id) DO UPDATE SET draft_seed = excluded.draft_seed, \
         draft_session = excluded.draft_session, draft_at = excluded.draft_at")
        .bind(operator.as_str()).bind(seed).bind(session.as_str()).bind(now.0).execute(c).await?; });
    Ok(())
}

/// The draft becomes the factor in force; `step` = that of the code which confirmed it.
pub async fn set_up(conn: &mut Conn, operator: &OperatorId, step: i64, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "UPDATE second_factor SET seed = draft_seed, last_step = $2, set_up_at = $3, draft_seed = NULL, \
         draft_session = NULL, draft_at = NULL WHERE operator_id = $1 AND draft_seed IS NOT NULL")
        .bind(operator.as_str()).bind(step).bind(now.0).execute(c).await?; });
    Ok(())
}

/// Takes a code's step; false when a code of it or of a later one was taken before.
pub async fn take_step(conn: &mut Conn, operator: &OperatorId, step: i64) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
        "UPDATE second_factor SET last_step = $2 WHERE operator_id = $1 AND last_step < $2")
        .bind(operator.as_str()).bind(step).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

/// Forgets somebody's factor, recovery codes and waiting sign-ins; true when there was a factor in force.
pub async fn remove(conn: &mut Conn, operator: &OperatorId) -> Result<bool, Error> {
    let had = factor(conn, operator).await?.seed.is_some();
    on!(conn, c => {
        sqlx::query("DELETE FROM second_factor WHERE operator_id = $1")
            .bind(operator.as_str()).execute(&mut *c).await?;
        sqlx::query("DELETE FROM recovery_code WHERE operator_id = $1")
            .bind(operator.as_str()).execute(&mut *c).await?;
        sqlx::query("DELETE FROM sign_in_step WHERE operator_id = $1")
            .bind(operator.as_str()).execute(c).await?;
    });
    Ok(had)
}

/// Puts new recovery codes in the place of all older ones.
pub async fn keep_codes(conn: &mut Conn, operator: &OperatorId, hashes: &[String]) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("DELETE FROM recovery_code WHERE operator_id = $1")
            .bind(operator.as_str()).execute(&mut *c).await?;
        for hash in hashes {
            sqlx::query("INSERT INTO recovery_code (operator_id, code_hash) VALUES ($1, $2)")
                .bind(operator.as_str()).bind(hash).execute(&mut *c).await?;
        }
    });
    Ok(())
}

/// Uses a recovery code up; false when there is none of that hash, or it was used.
pub async fn use_code(
    conn: &mut Conn,
    operator: &OperatorId,
    hash: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
        "UPDATE recovery_code SET used_at = $3 WHERE operator_id = $1 AND code_hash = $2 AND used_at IS NULL")
        .bind(operator.as_str()).bind(hash).bind(now.0).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

/// How many recovery codes are still good.
pub async fn codes_left(conn: &mut Conn, operator: &OperatorId) -> Result<i64, Error> {
    Ok(on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM recovery_code WHERE operator_id = $1 AND used_at IS NULL")
        .bind(operator.as_str()).fetch_one(c).await?))
}

/// Keeps a sign-in that waits for its code. `first` = what was right already, in words for the audit.
pub async fn insert_step(
    conn: &mut Conn,
    token_hash: &str,
    operator: &OperatorId,
    first: &str,
    expires_at: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO sign_in_step (token_hash, operator_id, first, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(token_hash).bind(operator.as_str()).bind(first).bind(expires_at.0).execute(c).await?; });
    Ok(())
}

/// Whose waiting sign-in that is and what was right already, if it waits still.
pub async fn step(
    conn: &mut Conn,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<(OperatorId, String)>, Error> {
    let found: Option<(String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT operator_id, first FROM sign_in_step WHERE token_hash = $1 AND expires_at > $2")
        .bind(token_hash).bind(now.0).fetch_optional(c).await?);
    Ok(found.map(|(operator, first)| (OperatorId(operator), first)))
}

/// Uses a waiting sign-in up; false when somebody was faster.
pub async fn take_sign_in_step(conn: &mut Conn, token_hash: &str) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query("DELETE FROM sign_in_step WHERE token_hash = $1")
        .bind(token_hash).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

/// Forgets somebody's waiting sign-ins: what was right for them is not any more.
pub async fn forget_steps(conn: &mut Conn, operator: &OperatorId) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("DELETE FROM sign_in_step WHERE operator_id = $1")
        .bind(operator.as_str()).execute(c).await?; });
    Ok(())
}

/// Forgets sign-ins that waited too long.
pub async fn sweep(conn: &mut Conn, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("DELETE FROM sign_in_step WHERE expires_at <= $1")
        .bind(now.0).execute(c).await?; });
    Ok(())
}
