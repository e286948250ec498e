//! Endings that begin later.

use app::endings::wire::Begin;
use app::wire::{EndingId, OperatorId, Timestamp};

use crate::db::Conn;
use crate::domain::policy::OWN_SYSTEM;
use crate::error::Error;
use crate::on;

/// Keeps when a preview is to begin once it is confirmed, and what people are told.
pub async fn keep(
    conn: &mut Conn,
    ending: &EndingId,
    begin: Begin,
    notice: Option<&str>,
) -> Result<(), Error> {
    let (planned_for, begin_in_min) = match begin {
        Begin::Now => (None, None),
        Begin::In(minutes) => (None, Some(minutes)),
        Begin::At(at) => (Some(at.0), None),
    };
    on!(conn, c => {
        sqlx::query(
            "UPDATE ending SET planned_for = $2, begin_in_min = $3, notice = $4 WHERE ending_id = $1 AND state = 'draft'",
        )
            .bind(ending.as_str())
            .bind(planned_for)
            .bind(begin_in_min)
            .bind(notice)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Whether a preview takes portal sessions.
pub async fn takes_own(conn: &mut Conn, ending: &EndingId) -> Result<bool, Error> {
    let own: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM ending_item WHERE ending_id = $1 AND system_id = $2 AND left_out IS NULL",
    )
    .bind(ending.as_str())
    .bind(OWN_SYSTEM)
    .fetch_one(c)
    .await?);
    Ok(own > 0)
}

/// When endings begin that will take a portal session of this person, and what they are told.
pub async fn announced(
    conn: &mut Conn,
    person: &OperatorId,
    now: Timestamp,
) -> Result<Vec<(i64, String)>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT e.not_before, e.notice FROM ending e WHERE e.state IN ('waiting', 'paused') AND e.not_before > $1 \
         AND e.notice IS NOT NULL AND EXISTS (SELECT 1 FROM ending_item i WHERE i.ending_id = e.ending_id \
         AND i.system_id = $2 AND i.account_id = $3 AND i.left_out IS NULL AND i.state <> 'settled') \
         ORDER BY e.not_before",
    )
    .bind(now.0)
    .bind(OWN_SYSTEM)
    .bind(person.as_str())
    .fetch_all(c)
    .await?))
}
