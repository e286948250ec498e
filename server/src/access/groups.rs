//! SQL of groups: named lists of accounts, replaced as a whole by each import.

use app::wire::{GroupId, OperatorId, Timestamp};
use sea_query::{Alias, Query};

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// Members written in one statement.
const ROWS_PER_STATEMENT: usize = 500;

/// A group with what the access page shows of it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct GroupLine {
    pub group_id: String,
    pub name: String,
    pub members: i64,
    pub changed_by: Option<String>,
    pub changed_at: i64,
}

const GROUP: &str = "SELECT g.group_id, g.name, o.display_name AS changed_by, g.changed_at, \
     (SELECT COUNT(*) FROM subject_group_member m WHERE m.group_id = g.group_id) AS members \
     FROM subject_group g LEFT JOIN operator o ON o.operator_id = g.changed_by";

/// Groups by name.
pub async fn all(conn: &mut Conn) -> Result<Vec<GroupLine>, Error> {
    let sql = format!("{GROUP} ORDER BY g.name");
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(c).await?))
}

/// The group of that name, compared without case.
pub async fn named(conn: &mut Conn, name: &str) -> Result<Option<GroupLine>, Error> {
    let sql = format!("{GROUP} WHERE lower(g.name) = lower($1)");
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(c).await?))
}

/// Makes a group, or renames it and notes who changed it; `accounts` (lower-cased, each once) replace what it held.
pub async fn replace(
    conn: &mut Conn,
    id: &GroupId,
    name: &str,
    accounts: &[String],
    by: Option<&OperatorId>,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO subject_group (group_id, name, source, changed_by, changed_at) VALUES ($1, $2, 'import', $3, $4) \
             ON CONFLICT (group_id) DO UPDATE SET name = excluded.name, changed_by = excluded.changed_by, \
             changed_at = excluded.changed_at")
            .bind(id.as_str()).bind(name).bind(by.map(|id| id.0.clone())).bind(now.0).execute(&mut *c).await?;
        sqlx::query("DELETE FROM subject_group_member WHERE group_id = $1").bind(id.as_str()).execute(c).await?;
    });
    for some in accounts.chunks(ROWS_PER_STATEMENT) {
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new("subject_group_member"))
            .columns(["group_id", "account"].map(Alias::new));
        for account in some {
            insert.values_panic([id.0.clone().into(), account.clone().into()]);
        }
        conn.execute(&insert).await?;
    }
    Ok(())
}

/// Removes a group with its members.
pub async fn delete(conn: &mut Conn, id: &GroupId) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("DELETE FROM subject_group_member WHERE group_id = $1").bind(id.as_str()).execute(&mut *c).await?;
        sqlx::query("DELETE FROM subject_group WHERE group_id = $1").bind(id.as_str()).execute(c).await?;
    });
    Ok(())
}
