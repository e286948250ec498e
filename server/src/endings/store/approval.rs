//! Requests for a second person.

use app::endings::wire::{ApprovalState, NeedsSecond};
use app::wire::{EndingId, OperatorId, Timestamp};

use super::EndingRow;
use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// A row of `approval`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ApprovalRow {
    pub ending_id: String,
    pub snapshot_hash: String,
    pub why: String,
    pub reason: String,
    pub ticket_ref: Option<String>,
    pub requested_at: i64,
    pub expires_at: i64,
    pub state: String,
    pub decided_by_name: Option<String>,
    pub decided_at: Option<i64>,
    pub note: Option<String>,
    pub review_due_at: Option<i64>,
    pub reviewed_by_name: Option<String>,
    pub reviewed_at: Option<i64>,
    pub review_note: Option<String>,
}

const APPROVAL: &str = "ending_id, snapshot_hash, why, reason, ticket_ref, requested_at, expires_at, state, \
    decided_by_name, decided_at, note, review_due_at, reviewed_by_name, reviewed_at, review_note";

impl ApprovalRow {
    /// Of which ending.
    pub fn ending(&self) -> EndingId {
        EndingId(self.ending_id.clone())
    }

    /// What made it necessary.
    pub fn why(&self) -> Vec<NeedsSecond> {
        serde_json::from_str(&self.why).unwrap_or_default()
    }

    /// Where it stands at `now`. A word this program does not know opens nothing.
    pub fn state(&self, now: Timestamp) -> ApprovalState {
        match ApprovalState::from_name(&self.state).unwrap_or(ApprovalState::Expired) {
            ApprovalState::Waiting if now.0 >= self.expires_at => ApprovalState::Expired,
            state => state,
        }
    }
}

/// The request of a preview.
pub async fn of(conn: &mut Conn, ending: &EndingId) -> Result<Option<ApprovalRow>, Error> {
    let sql = format!("SELECT {APPROVAL} FROM approval WHERE ending_id = $1");
    Ok(
        on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ending.as_str()).fetch_optional(c).await?),
    )
}

/// Requests nobody has decided yet, the oldest first.
pub async fn waiting(conn: &mut Conn, now: Timestamp) -> Result<Vec<ApprovalRow>, Error> {
    let sql = format!(
        "SELECT {APPROVAL} FROM approval WHERE state = 'waiting' AND expires_at > $1 ORDER BY requested_at, ending_id"
    );
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(now.0).fetch_all(c).await?))
}

/// Endings that went on without a second person and that nobody has reviewed, the oldest first.
pub async fn to_review(conn: &mut Conn) -> Result<Vec<ApprovalRow>, Error> {
    let sql = format!(
        "SELECT {APPROVAL} FROM approval WHERE state = 'overridden' AND reviewed_at IS NULL AND review_due_at IS NOT NULL \
         ORDER BY review_due_at, ending_id"
    );
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(c).await?))
}

/// Whether somebody went on alone and that was not reviewed in time.
pub async fn review_overdue(conn: &mut Conn, who: &OperatorId, now: Timestamp) -> Result<bool, Error> {
    let found: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM approval WHERE state = 'overridden' AND decided_by = $1 AND reviewed_at IS NULL \
         AND review_due_at <= $2")
        .bind(who.as_str()).bind(now.0).fetch_one(c).await?);
    Ok(found > 0)
}

/// Stores a request; the set stays frozen as long as it can be decided.
pub async fn ask(
    conn: &mut Conn,
    row: &EndingRow,
    asked_by: &OperatorId,
    why: &[NeedsSecond],
    reason: (&str, &str),
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), Error> {
    let why = serde_json::to_string(why)?;
    let (reason, ticket_ref) = reason;
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO approval (ending_id, snapshot_hash, asked_by, why, reason, ticket_ref, requested_at, expires_at, \
             state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting')",
        )
        .bind(&row.ending_id)
        .bind(&row.snapshot_hash)
        .bind(asked_by.as_str())
        .bind(&why)
        .bind(reason)
        .bind(Some(ticket_ref).filter(|t| !t.is_empty()))
        .bind(now.0)
        .bind(expires_at.0)
        .execute(&mut *c)
        .await?;
        sqlx::query("UPDATE ending SET expires_at = $2 WHERE ending_id = $1 AND state = 'draft'")
            .bind(&row.ending_id)
            .bind(expires_at.0)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Decides a request that waits and is in time; false = it was neither. `review_due_at` is for who goes on alone.
pub async fn decide(
    conn: &mut Conn,
    ending: &EndingId,
    state: ApprovalState,
    by: (&OperatorId, &str),
    note: &str,
    review_due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(on!(conn, c => sqlx::query(
        "UPDATE approval SET state = $2, decided_by = $3, decided_by_name = $4, decided_at = $5, note = $6, \
         review_due_at = $7 WHERE ending_id = $1 AND state = 'waiting' AND expires_at > $5",
    )
    .bind(ending.as_str())
    .bind(state.name())
    .bind(by.0.as_str())
    .bind(by.1)
    .bind(now.0)
    .bind(Some(note).filter(|n| !n.is_empty()))
    .bind(review_due_at.map(|at| at.0))
    .execute(c)
    .await?
    .rows_affected() == 1))
}

/// Stores what a review found; false = there was nothing to review any more.
pub async fn review(
    conn: &mut Conn,
    ending: &EndingId,
    by: (&OperatorId, &str),
    note: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(on!(conn, c => sqlx::query(
        "UPDATE approval SET reviewed_by = $2, reviewed_by_name = $3, reviewed_at = $4, review_note = $5 \
         WHERE ending_id = $1 AND state = 'overridden' AND reviewed_at IS NULL",
    )
    .bind(ending.as_str())
    .bind(by.0.as_str())
    .bind(by.1)
    .bind(now.0)
    .bind(note)
    .execute(c)
    .await?
    .rows_affected() == 1))
}

/// Live sessions that people of a frozen set began since, in the same systems: they are not part of it.
pub async fn started_since(conn: &mut Conn, row: &EndingRow) -> Result<u64, Error> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM (SELECT DISTINCT system_id, account_id FROM ending_item \
             WHERE ending_id = $1 AND left_out IS NULL) p \
         JOIN session s ON s.system_id = p.system_id AND s.account_id = p.account_id \
         WHERE s.state = 'live' AND s.first_seen_at > $2 AND NOT EXISTS (SELECT 1 FROM ending_item i WHERE i.ending_id = $1 AND i.session_key = s.session_key)")
        .bind(&row.ending_id).bind(row.created_at).fetch_one(c).await?);
    Ok(count.unsigned_abs())
}
