//! SQL of notices to people about their own account, and of the addresses they sign in from.

use app::wire::{NoticeId, OperatorId, PortalSessionId, Timestamp};

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// A notice as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct NoticeRow {
    pub notice_id: String,
    pub kind: String,
    pub by_name: Option<String>,
    pub ip: Option<String>,
    pub created_at: i64,
}

/// A notice to keep.
pub struct NewNotice<'a> {
    pub id: &'a NoticeId,
    pub operator: &'a OperatorId,
    pub kind: &'a str,
    pub by_name: Option<&'a str>,
    pub ip: Option<&'a str>,
    pub session: Option<&'a PortalSessionId>,
}

/// Keeps a notice.
pub async fn insert(conn: &mut Conn, new: &NewNotice<'_>, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO account_notice (notice_id, operator_id, kind, by_name, ip, portal_session_id, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(new.id.as_str()).bind(new.operator.as_str()).bind(new.kind).bind(new.by_name).bind(new.ip)
        .bind(new.session.map(PortalSessionId::as_str)).bind(now.0).execute(c).await?; });
    Ok(())
}

/// Somebody's newest notices that are open for that session, at most `limit`.
pub async fn open_for(
    conn: &mut Conn,
    operator: &OperatorId,
    session: &PortalSessionId,
    limit: i64,
) -> Result<Vec<NoticeRow>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT notice_id, kind, by_name, ip, created_at FROM account_notice \
         WHERE operator_id = $1 AND dismissed_at IS NULL \
         AND (portal_session_id IS NULL OR portal_session_id <> $2) \
         ORDER BY created_at DESC, notice_id DESC LIMIT $3")
        .bind(operator.as_str()).bind(session.as_str()).bind(limit).fetch_all(c).await?))
}

/// Somebody's newest notices, open or not, at most `limit`.
pub async fn newest(conn: &mut Conn, operator: &OperatorId, limit: i64) -> Result<Vec<NoticeRow>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT notice_id, kind, by_name, ip, created_at FROM account_notice WHERE operator_id = $1 \
         ORDER BY created_at DESC, notice_id DESC LIMIT $2")
        .bind(operator.as_str()).bind(limit).fetch_all(c).await?))
}

/// Takes a notice off the pages of its person; that session can't where the notice is about what it did.
pub async fn dismiss(
    conn: &mut Conn,
    operator: &OperatorId,
    session: &PortalSessionId,
    id: &NoticeId,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "UPDATE account_notice SET dismissed_at = $4 WHERE operator_id = $1 AND notice_id = $3 \
         AND dismissed_at IS NULL AND (portal_session_id IS NULL OR portal_session_id <> $2)")
        .bind(operator.as_str()).bind(session.as_str()).bind(id.as_str()).bind(now.0).execute(c).await?; });
    Ok(())
}

/// Notes an address somebody signs in from. True when they had signed in before, but never from there.
pub async fn note_address(
    conn: &mut Conn,
    operator: &OperatorId,
    ip: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let (known, same): (i64, i64) = on!(conn, c => sqlx::query_as(
        "SELECT COUNT(*), COUNT(CASE WHEN ip = $2 THEN 1 END) FROM operator_address WHERE operator_id = $1")
        .bind(operator.as_str()).bind(ip).fetch_one(c).await?);
    on!(conn, c => { sqlx::query(
        "INSERT INTO operator_address (operator_id, ip, last_seen_at) VALUES ($1, $2, $3) \
         ON CONFLICT (operator_id, ip) DO UPDATE SET last_seen_at = excluded.last_seen_at")
        .bind(operator.as_str()).bind(ip).bind(now.0).execute(c).await?; });
    Ok(known > 0 && same == 0)
}

/// Sign-in name of a person.
pub async fn login(conn: &mut Conn, operator: &OperatorId) -> Result<String, Error> {
    Ok(
        on!(conn, c => sqlx::query_scalar("SELECT login FROM operator WHERE operator_id = $1")
        .bind(operator.as_str()).fetch_one(c).await?),
    )
}

/// Forgets notices, and addresses nobody signed in from since then.
pub async fn sweep(conn: &mut Conn, before: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("DELETE FROM account_notice WHERE created_at < $1").bind(before.0).execute(&mut *c).await?;
        sqlx::query("DELETE FROM operator_address WHERE last_seen_at < $1").bind(before.0).execute(c).await?;
    });
    Ok(())
}
