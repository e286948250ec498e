//! SQL of looks at login views: the newest of each site.

use app::tickets::wire::{LoginViewLook, LoginViewSeen};
use app::wire::{SystemId, Timestamp};

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// A row of `ticket_look`; see migrations/*/0027_create_ticket_look.sql.
#[derive(sqlx::FromRow)]
struct Row {
    system_id: String,
    place: String,
    view_path: String,
    looked_at: i64,
    seen: String,
    reuse_blocked: Option<i64>,
}

/// Keeps what a look found, in the place of the one before. An answer that says nothing of reuse leaves what was known.
pub async fn keep(
    conn: &mut Conn,
    system: &SystemId,
    place: &str,
    look: &LoginViewLook,
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO ticket_look (system_id, place, view_path, looked_at, seen, reuse_blocked) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (system_id, place) DO UPDATE SET \
             view_path = excluded.view_path, looked_at = excluded.looked_at, seen = excluded.seen, \
             reuse_blocked = COALESCE(excluded.reuse_blocked, ticket_look.reuse_blocked)",
        )
        .bind(system.as_str())
        .bind(place)
        .bind(&look.view)
        .bind(look.at.0)
        .bind(look.seen.name())
        .bind(look.reuse_blocked.map(i64::from))
        .execute(c)
        .await?;
    });
    Ok(())
}

/// The newest look at each site.
pub async fn newest(conn: &mut Conn) -> Result<Vec<(SystemId, String, LoginViewLook)>, Error> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT system_id, place, view_path, looked_at, seen, reuse_blocked FROM ticket_look",
    ).fetch_all(c).await?);
    let read = |row: Row| {
        let look = LoginViewLook {
            at: Timestamp(row.looked_at),
            view: row.view_path,
            seen: LoginViewSeen::from_name(&row.seen).unwrap_or(LoginViewSeen::Unclear),
            reuse_blocked: row.reuse_blocked.map(|blocked| blocked != 0),
        };
        (SystemId(row.system_id), row.place, look)
    };
    Ok(rows.into_iter().map(read).collect())
}
