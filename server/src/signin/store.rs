//! SQL of signing in: credentials, portal sessions, preferences.

use app::wire::{OperatorId, PortalSessionId, Timestamp};

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// A portal session as stored, with whose it is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PortalSession {
    pub portal_session_id: String,
    pub operator_id: String,
    pub login: String,
    pub display_name: String,
    pub email: Option<String>,
    pub created_at: i64,
    pub last_active_at: i64,
    pub idle_timeout_s: i64,
    pub absolute_expires_at: i64,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub last_ip: Option<String>,
    pub changed_source_at: Option<i64>,
    pub auth_at: i64,
    /// 1 = it shares its screen.
    pub screen_share: i64,
    pub data: String,
}

impl PortalSession {
    /// When idleness ends it.
    pub fn idle_ends_at(&self) -> Timestamp {
        Timestamp(self.last_active_at).plus_seconds(self.idle_timeout_s)
    }

    /// First moment at which it is over.
    pub fn ends_at(&self) -> Timestamp {
        self.idle_ends_at().min(Timestamp(self.absolute_expires_at))
    }

    /// Whether it still holds.
    pub fn live(&self, now: Timestamp) -> bool {
        now < self.ends_at()
    }

    pub fn id(&self) -> PortalSessionId {
        PortalSessionId(self.portal_session_id.clone())
    }

    pub fn operator(&self) -> OperatorId {
        OperatorId(self.operator_id.clone())
    }
}

/// How a session's person proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// A password, or a one-time link by which they set one.
    Password,
    /// That, and a code of their second factor.
    PasswordAndCode,
}

impl Methods {
    /// As stored: a json array of names from RFC 8176.
    const fn json(self) -> &'static str {
        match self {
            Methods::Password => r#"["pwd"]"#,
            Methods::PasswordAndCode => r#"["pwd","otp"]"#,
        }
    }
}

/// A new portal session, ready to be stored.
pub struct NewSession<'a> {
    pub id: &'a PortalSessionId,
    /// Hash of the cookie's value; until the cookie is made, of something nobody knows.
    pub token_hash: &'a str,
    pub operator_id: &'a OperatorId,
    pub idle_timeout_s: i64,
    pub absolute_expires_at: Timestamp,
    pub policy_version: i64,
    pub ip: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub methods: Methods,
}

macro_rules! session_columns {
    ($rest:literal) => {
        concat!(
            "SELECT p.portal_session_id, p.operator_id, o.login, o.display_name, o.email, p.created_at, \
             p.last_active_at, p.idle_timeout_s, p.absolute_expires_at, p.ip, p.user_agent, p.last_ip, \
             p.changed_source_at, p.auth_at, p.screen_share, p.data \
             FROM portal_session p JOIN operator o ON o.operator_id = p.operator_id ",
            $rest
        )
    };
}

/// The session behind the hash of a cookie's value, live or not.
pub async fn by_token(conn: &mut Conn, token_hash: &str) -> Result<Option<PortalSession>, Error> {
    Ok(
        on!(conn, c => sqlx::query_as(session_columns!("WHERE p.token_hash = $1"))
        .bind(token_hash).fetch_optional(c).await?),
    )
}

/// The session of that public id, live or not.
pub async fn by_id(conn: &mut Conn, id: &PortalSessionId) -> Result<Option<PortalSession>, Error> {
    Ok(
        on!(conn, c => sqlx::query_as(session_columns!("WHERE p.portal_session_id = $1"))
        .bind(id.as_str()).fetch_optional(c).await?),
    )
}

/// Live sessions of one operator, newest activity first.
pub async fn live_of(
    conn: &mut Conn,
    operator: &OperatorId,
    now: Timestamp,
) -> Result<Vec<PortalSession>, Error> {
    Ok(on!(conn, c => sqlx::query_as(session_columns!(
            "WHERE p.operator_id = $1 AND p.absolute_expires_at > $2 \
             AND p.last_active_at + p.idle_timeout_s * 1000 > $2 \
             ORDER BY p.last_active_at DESC, p.portal_session_id"))
        .bind(operator.as_str()).bind(now.0).fetch_all(c).await?))
}

/// Live sessions of everybody after `after` in order of id, at most `limit`.
pub async fn live_after(
    conn: &mut Conn,
    after: &str,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<PortalSession>, Error> {
    Ok(on!(conn, c => sqlx::query_as(session_columns!(
            "WHERE p.portal_session_id > $1 AND p.absolute_expires_at > $2 \
             AND p.last_active_at + p.idle_timeout_s * 1000 > $2 \
             ORDER BY p.portal_session_id LIMIT $3"))
        .bind(after).bind(now.0).bind(limit).fetch_all(c).await?))
}

/// Sessions that ran out and were not audited yet, at most `limit`.
pub async fn over(conn: &mut Conn, limit: i64, now: Timestamp) -> Result<Vec<PortalSession>, Error> {
    Ok(on!(conn, c => sqlx::query_as(session_columns!(
            "WHERE (p.absolute_expires_at <= $1 OR p.last_active_at + p.idle_timeout_s * 1000 <= $1) \
             AND p.data NOT LIKE '%\"expired\":true%' \
             ORDER BY p.portal_session_id LIMIT $2"))
        .bind(now.0).bind(limit).fetch_all(c).await?))
}

/// Forgets sessions that ran out before that moment.
pub async fn delete_expired(conn: &mut Conn, before: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "DELETE FROM portal_session \
             WHERE absolute_expires_at <= $1 OR last_active_at + idle_timeout_s * 1000 <= $1",
        )
        .bind(before.0)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// Stores a new session.
pub async fn insert(conn: &mut Conn, new: &NewSession<'_>, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO portal_session (portal_session_id, token_hash, operator_id, created_at, last_active_at, \
         idle_timeout_s, absolute_expires_at, policy_version, ip, user_agent, last_ip, auth_methods, auth_at, data) \
         VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $8, $10, $4, '{}')")
        .bind(new.id.as_str()).bind(new.token_hash).bind(new.operator_id.as_str()).bind(now.0)
        .bind(new.idle_timeout_s).bind(new.absolute_expires_at.0).bind(new.policy_version)
        .bind(new.ip).bind(new.user_agent).bind(new.methods.json()).execute(c).await?; });
    Ok(())
}

/// Puts another cookie's hash in the place of the session's; false when there is no such session.
pub async fn set_token(conn: &mut Conn, id: &str, token_hash: &str) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
        "UPDATE portal_session SET token_hash = $2 WHERE portal_session_id = $1")
        .bind(id).bind(token_hash).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

/// Takes the session's cookie away: `dead` is the hash of something nobody knows.
pub async fn detach_token(conn: &mut Conn, token_hash: &str, dead: &str) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("UPDATE portal_session SET token_hash = $2 WHERE token_hash = $1")
        .bind(token_hash).bind(dead).execute(c).await?; });
    Ok(())
}

/// Ends a session: the row goes, and with it what its cookie was good for. False when it was gone already.
pub async fn delete(conn: &mut Conn, id: &PortalSessionId) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query("DELETE FROM portal_session WHERE portal_session_id = $1")
        .bind(id.as_str()).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

/// Counts as activity of a session and its person.
pub async fn touch(conn: &mut Conn, session: &PortalSession, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("UPDATE portal_session SET last_active_at = $2 \
                     WHERE portal_session_id = $1 AND last_active_at < $2")
            .bind(&session.portal_session_id).bind(now.0).execute(&mut *c).await?;
        sqlx::query("UPDATE operator SET last_seen_at = $2 WHERE operator_id = $1")
            .bind(&session.operator_id).bind(now.0).execute(c).await?;
    });
    Ok(())
}

/// Remembers the newest address, and when address or browser changed inside the session.
pub async fn note_source(
    conn: &mut Conn,
    id: &PortalSessionId,
    ip: Option<&str>,
    changed_at: Option<Timestamp>,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "UPDATE portal_session SET last_ip = $2, changed_source_at = COALESCE(changed_source_at, $3) \
         WHERE portal_session_id = $1")
        .bind(id.as_str()).bind(ip).bind(changed_at.map(|t| t.0)).execute(c).await?; });
    Ok(())
}

/// A full or step-up authentication inside the session, and by what. It also counts as activity.
pub async fn set_auth(
    conn: &mut Conn,
    id: &PortalSessionId,
    methods: Methods,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "UPDATE portal_session SET auth_at = $2, last_active_at = $2, auth_methods = $3 \
         WHERE portal_session_id = $1")
        .bind(id.as_str()).bind(now.0).bind(methods.json()).execute(c).await?; });
    Ok(())
}

/// Whether the session shares its screen from now on; false when it did so already, or did not.
pub async fn set_screen_share(conn: &mut Conn, id: &PortalSessionId, on: bool) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
        "UPDATE portal_session SET screen_share = $2 WHERE portal_session_id = $1 AND screen_share <> $2")
        .bind(id.as_str()).bind(i64::from(on)).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

/// Keeps what the session layer wants to keep (json, no secrets).
pub async fn set_data(conn: &mut Conn, id: &PortalSessionId, data: &str) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("UPDATE portal_session SET data = $2 WHERE portal_session_id = $1")
        .bind(id.as_str()).bind(data).execute(c).await?; });
    Ok(())
}

/// What a session keeps, while nobody else may change it until the transaction ends; `None` = there is no such session.
pub async fn data_to_change(conn: &mut Conn, id: &PortalSessionId) -> Result<Option<String>, Error> {
    let sql = match conn.is_postgres() {
        true => "SELECT data FROM portal_session WHERE portal_session_id = $1 FOR UPDATE",
        false => "SELECT data FROM portal_session WHERE portal_session_id = $1",
    };
    Ok(on!(conn, c => sqlx::query_scalar(sql).bind(id.as_str()).fetch_optional(c).await?))
}

/// What signing in needs to know of a sign-in name.
#[derive(Clone, sqlx::FromRow)]
pub struct Account {
    pub operator_id: String,
    pub display_name: String,
    pub disabled_at: Option<i64>,
    pub password_hash: Option<String>,
}

/// The account of a sign-in name (lower-cased by the caller).
pub async fn account(conn: &mut Conn, login: &str) -> Result<Option<Account>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT o.operator_id, o.display_name, o.disabled_at, k.password_hash FROM operator o \
         LEFT JOIN credential k ON k.operator_id = o.operator_id WHERE o.login = $1")
        .bind(login).fetch_optional(c).await?))
}

/// Keeps a new password hash.
pub async fn set_password(
    conn: &mut Conn,
    operator: &OperatorId,
    hash: &str,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO credential (operator_id, password_hash, changed_at) VALUES ($1, $2, $3) \
         ON CONFLICT (operator_id) DO UPDATE SET password_hash = excluded.password_hash, \
         changed_at = excluded.changed_at")
        .bind(operator.as_str()).bind(hash).bind(now.0).execute(c).await?; });
    Ok(())
}

/// A person's preferences: name and value.
pub async fn preferences(conn: &mut Conn, operator: &OperatorId) -> Result<Vec<(String, String)>, Error> {
    Ok(
        on!(conn, c => sqlx::query_as("SELECT name, value FROM operator_preference WHERE operator_id = $1")
        .bind(operator.as_str()).fetch_all(c).await?),
    )
}

/// Keeps a preference.
pub async fn set_preference(
    conn: &mut Conn,
    operator: &OperatorId,
    name: &str,
    value: &str,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO operator_preference (operator_id, name, value) VALUES ($1, $2, $3) \
         ON CONFLICT (operator_id, name) DO UPDATE SET value = excluded.value")
        .bind(operator.as_str()).bind(name).bind(value).execute(c).await?; });
    Ok(())
}
