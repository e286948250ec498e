//! SQL of accepted advice: one row per system and piece of advice.

use app::policies::wire::AdviceAccepted;
use app::wire::{SystemId, Timestamp};

use crate::caller::Caller;
use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// A row of `advice_accepted`; see migrations/*/0029_accept_advice.sql.
#[derive(sqlx::FromRow)]
struct Row {
    system_id: String,
    advice: String,
    ground: String,
    reason: String,
    accepted_by_name: String,
    accepted_at: i64,
    until: i64,
}

/// Everything that has not ended at `now`, with its system.
pub async fn in_force(conn: &mut Conn, now: Timestamp) -> Result<Vec<(SystemId, AdviceAccepted)>, Error> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT system_id, advice, ground, reason, accepted_by_name, accepted_at, until FROM advice_accepted \
         WHERE until > $1 ORDER BY system_id, advice",
    )
    .bind(now.0)
    .fetch_all(c)
    .await?);
    let read = |row: Row| {
        let accepted = AdviceAccepted {
            advice: row.advice,
            ground: row.ground,
            reason: row.reason,
            by: row.accepted_by_name,
            at: Timestamp(row.accepted_at),
            until: Timestamp(row.until),
        };
        (SystemId(row.system_id), accepted)
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Keeps it, in the place of what was accepted before; forgets what has ended anywhere.
pub async fn keep(
    conn: &mut Conn,
    system: &SystemId,
    caller: &Caller,
    accepted: &AdviceAccepted,
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("DELETE FROM advice_accepted WHERE until <= $1").bind(accepted.at.0).execute(c).await?;
    });
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO advice_accepted (system_id, advice, ground, reason, accepted_by, accepted_by_name, \
             accepted_at, until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (system_id, advice) DO UPDATE SET \
             ground = excluded.ground, reason = excluded.reason, accepted_by = excluded.accepted_by, \
             accepted_by_name = excluded.accepted_by_name, accepted_at = excluded.accepted_at, until = excluded.until",
        )
        .bind(system.as_str())
        .bind(&accepted.advice)
        .bind(&accepted.ground)
        .bind(&accepted.reason)
        .bind(caller.id.as_str())
        .bind(&accepted.by)
        .bind(accepted.at.0)
        .bind(accepted.until.0)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// Takes it back; whether it was there.
pub async fn forget(conn: &mut Conn, system: &SystemId, advice: &str) -> Result<bool, Error> {
    let gone = on!(conn, c => sqlx::query("DELETE FROM advice_accepted WHERE system_id = $1 AND advice = $2")
        .bind(system.as_str())
        .bind(advice)
        .execute(c)
        .await?
        .rows_affected());
    Ok(gone == 1)
}
