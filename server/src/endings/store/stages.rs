//! Stages of an ending: what waits for the identity servers, and how long.

use app::wire::{EndingId, Timestamp};

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// Lets the next stage begin where everything of the stages before has its outcome; true = it begins now.
pub async fn advance(conn: &mut Conn, ending: &EndingId) -> Result<bool, Error> {
    Ok(on!(conn, c => sqlx::query(
        "UPDATE ending SET stage = last_stage, stage_until = NULL WHERE ending_id = $1 AND stage < last_stage \
         AND NOT EXISTS (SELECT 1 FROM ending_item i WHERE i.ending_id = $1 AND i.left_out IS NULL \
             AND i.state <> 'settled' AND i.stage <= ending.stage)",
    )
    .bind(ending.as_str())
    .execute(c)
    .await?
    .rows_affected() == 1))
}

/// Endings at work whose next stage has waited long enough, with the number people say.
pub async fn overdue(conn: &mut Conn, now: Timestamp) -> Result<Vec<(EndingId, i64)>, Error> {
    let found: Vec<(String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT ending_id, ending_no FROM ending WHERE state IN ('waiting', 'running') AND stage < last_stage \
         AND stage_until <= $1 ORDER BY ending_id",
    ).bind(now.0).fetch_all(c).await?);
    Ok(found.into_iter().map(|(id, no)| (EndingId(id), no)).collect())
}

/// Lets the next stage begin although an earlier one is not done; false = it has begun already.
pub async fn go_on(conn: &mut Conn, ending: &EndingId, now: Timestamp) -> Result<bool, Error> {
    Ok(on!(conn, c => sqlx::query(
        "UPDATE ending SET stage = last_stage, stage_until = NULL, went_on_at = $2 \
         WHERE ending_id = $1 AND stage < last_stage AND stage_until <= $2",
    )
    .bind(ending.as_str())
    .bind(now.0)
    .execute(c)
    .await?
    .rows_affected() == 1))
}

/// Counts the wait anew: a pause is no time in which an identity server could have been asked. `None` = of every ending.
pub async fn wait_anew(conn: &mut Conn, ending: Option<&EndingId>, until: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "UPDATE ending SET stage_until = $2 WHERE stage_until < $2 AND settled_at IS NULL \
             AND ($1 IS NULL OR ending_id = $1)",
        )
        .bind(ending.map(EndingId::as_str))
        .bind(until.0)
        .execute(c)
        .await?;
    });
    Ok(())
}
