//! SQL of saved views.

use app::wire::{OperatorId, Timestamp, ViewId};

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// A view as its reader finds it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Line {
    pub view_id: String,
    pub owner_id: String,
    pub owner_name: String,
    pub name: String,
    pub query: String,
    pub role_id: Option<String>,
    pub role_name: Option<String>,
}

/// Roles of which this operator holds a grant that is in force at `now`, by name.
pub async fn held_roles(
    conn: &mut Conn,
    operator: &OperatorId,
    now: Timestamp,
) -> Result<Vec<(String, String)>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT DISTINCT role.role_id, role.name FROM role_grant \
         JOIN role ON role.role_id = role_grant.role_id \
         WHERE role_grant.caller_kind = 'operator' AND role_grant.caller_id = $1 \
         AND role_grant.revoked_at IS NULL \
         AND (role_grant.expires_at IS NULL OR role_grant.expires_at > $2) ORDER BY role.name")
        .bind(operator.as_str())
        .bind(now.0)
        .fetch_all(c)
        .await?))
}

/// Every role, by name.
pub async fn all_roles(conn: &mut Conn) -> Result<Vec<(String, String)>, Error> {
    Ok(
        on!(conn, c => sqlx::query_as("SELECT role_id, name FROM role ORDER BY name")
        .fetch_all(c)
        .await?),
    )
}

/// Views that this operator made, and those that somebody who is still let in shared with a role they hold; by name.
pub async fn found_by(conn: &mut Conn, reader: &OperatorId, now: Timestamp) -> Result<Vec<Line>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT v.view_id, v.owner_id, o.display_name AS owner_name, v.name, v.query, v.role_id, \
         r.name AS role_name FROM saved_view v JOIN operator o ON o.operator_id = v.owner_id \
         LEFT JOIN role r ON r.role_id = v.role_id \
         WHERE v.owner_id = $1 OR (o.disabled_at IS NULL AND v.role_id IN (\
            SELECT g.role_id FROM role_grant g WHERE g.caller_kind = 'operator' AND g.caller_id = $1 \
            AND g.revoked_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > $2))) \
         ORDER BY v.name_sort, v.view_id")
        .bind(reader.as_str())
        .bind(now.0)
        .fetch_all(c)
        .await?))
}

/// How many views this operator made.
pub async fn count(conn: &mut Conn, owner: &OperatorId) -> Result<i64, Error> {
    Ok(
        on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM saved_view WHERE owner_id = $1")
        .bind(owner.as_str())
        .fetch_one(c)
        .await?),
    )
}

/// Whether this operator made another view of that name, lower-cased.
pub async fn name_taken(
    conn: &mut Conn,
    owner: &OperatorId,
    name_sort: &str,
    but: &ViewId,
) -> Result<bool, Error> {
    let n: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM saved_view WHERE owner_id = $1 AND name_sort = $2 AND view_id <> $3")
        .bind(owner.as_str())
        .bind(name_sort)
        .bind(but.as_str())
        .fetch_one(c)
        .await?);
    Ok(n > 0)
}

/// Adds a view, or gives one of the same id other words; `role` = who finds it too.
pub async fn put(
    conn: &mut Conn,
    id: &ViewId,
    owner: &OperatorId,
    name: &str,
    query: &str,
    role: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO saved_view (view_id, owner_id, name, name_sort, query, role_id, created_at, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (view_id) DO UPDATE SET name = excluded.name, \
         name_sort = excluded.name_sort, role_id = excluded.role_id, changed_at = excluded.changed_at")
        .bind(id.as_str())
        .bind(owner.as_str())
        .bind(name)
        .bind(name.to_lowercase())
        .bind(query)
        .bind(role)
        .bind(now.0)
        .execute(c)
        .await?; });
    Ok(())
}

/// Deletes a view.
pub async fn delete(conn: &mut Conn, id: &ViewId) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("DELETE FROM saved_view WHERE view_id = $1")
        .bind(id.as_str())
        .execute(c)
        .await?; });
    Ok(())
}

const START: &str = "start.sessions";

/// The view this operator starts with, if they chose one.
pub async fn start(conn: &mut Conn, operator: &OperatorId) -> Result<Option<String>, Error> {
    Ok(on!(conn, c => sqlx::query_scalar(
        "SELECT value FROM operator_preference WHERE operator_id = $1 AND name = $2")
        .bind(operator.as_str())
        .bind(START)
        .fetch_optional(c)
        .await?))
}

/// Keeps which view this operator starts with; `None` = the plain list.
pub async fn save_start(conn: &mut Conn, operator: &OperatorId, view: Option<&ViewId>) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("DELETE FROM operator_preference WHERE operator_id = $1 AND name = $2")
            .bind(operator.as_str())
            .bind(START)
            .execute(&mut *c)
            .await?;
        if let Some(view) = view {
            sqlx::query("INSERT INTO operator_preference (operator_id, name, value) VALUES ($1, $2, $3)")
                .bind(operator.as_str())
                .bind(START)
                .bind(view.as_str())
                .execute(c)
                .await?;
        }
    });
    Ok(())
}
