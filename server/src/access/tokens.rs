//! API tokens: how a program calls in its own name. The secret is shown once and kept as SHA-256 only.
//!
//! A token acts by grants of its own (`role_grant`, caller_kind `token`). It stops when it is revoked, when it runs out,
//! and when the person who made it is disabled.

use app::wire::{GrantId, OperatorId, Timestamp, TokenId};
use data_encoding::BASE32_NOPAD;

use super::store::{self, GrantLine};
use crate::db::Conn;
use crate::domain::grant::Grant;
use crate::error::Error;
use crate::{keys, on};

/// How every secret begins, so that secret scanners know it.
pub const PREFIX: &str = "curfew_";
/// Characters of the random part: 32 bytes in base32.
const RANDOM: usize = 52;
/// Characters of the checksum behind it: the first hex digits of SHA-256 over all before it.
const CHECK: usize = 6;

/// A fresh secret: prefix, 256 random bits, checksum (docs/api.md names the pattern).
pub fn new_secret() -> String {
    let random = BASE32_NOPAD.encode(&keys::random_bytes::<32>()).to_lowercase();
    format!("{PREFIX}{random}{}", checksum(&random))
}

/// Whether a text can be a secret of ours at all: told without asking the database.
pub fn may_be_secret(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(PREFIX).filter(|rest| rest.is_ascii()) else {
        return false;
    };
    rest.len() == RANDOM + CHECK && checksum(&rest[..RANDOM]) == rest[RANDOM..]
}

fn checksum(random: &str) -> String {
    keys::sha256_hex(format!("{PREFIX}{random}").as_bytes())[..CHECK].to_owned()
}

/// A token as stored, with what decides whether it still works.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Token {
    pub token_id: String,
    pub name: String,
    pub hint: String,
    pub made_by: String,
    pub made_by_name: String,
    pub made_at: i64,
    pub reason: String,
    pub expires_at: i64,
    pub last_used_at: Option<i64>,
    pub last_used_ip: Option<String>,
    pub refused_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub maker_disabled_at: Option<i64>,
}

impl Token {
    /// Whether it is good for a call now.
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now.0 < self.expires_at && self.maker_disabled_at.is_none()
    }

    /// Its id.
    pub fn id(&self) -> TokenId {
        TokenId(self.token_id.clone())
    }
}

const TOKEN: &str = "SELECT t.token_id, t.name, t.hint, t.made_by, o.display_name AS made_by_name, t.made_at, t.reason, \
     t.expires_at, t.last_used_at, t.last_used_ip, t.refused_at, t.revoked_at, o.disabled_at AS maker_disabled_at \
     FROM api_token t JOIN operator o ON o.operator_id = t.made_by";

/// Every token, the newest first.
pub async fn all(conn: &mut Conn) -> Result<Vec<Token>, Error> {
    let sql = format!("{TOKEN} ORDER BY t.made_at DESC, t.token_id DESC");
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(c).await?))
}

/// The token of that id.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<Token>, Error> {
    let sql = format!("{TOKEN} WHERE t.token_id = $1");
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(c).await?))
}

/// The token of that secret.
pub async fn by_secret(conn: &mut Conn, secret: &str) -> Result<Option<Token>, Error> {
    let sql = format!("{TOKEN} WHERE t.token_hash = $1");
    let hash = keys::sha256_hex(secret.as_bytes());
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(hash).fetch_optional(c).await?))
}

/// A new token, ready to be stored.
pub struct TokenToStore<'a> {
    pub token_id: &'a TokenId,
    pub name: &'a str,
    pub secret: &'a str,
    pub made_by: &'a OperatorId,
    pub reason: &'a str,
    pub expires_at: Timestamp,
}

/// Stores a token; of its secret the hash and the last characters.
pub async fn insert(conn: &mut Conn, token: &TokenToStore<'_>, now: Timestamp) -> Result<(), Error> {
    let hint = &token.secret[token.secret.len() - 4..];
    on!(conn, c => { sqlx::query(
        "INSERT INTO api_token (token_id, name, token_hash, hint, made_by, made_at, reason, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(token.token_id.as_str()).bind(token.name).bind(keys::sha256_hex(token.secret.as_bytes())).bind(hint)
        .bind(token.made_by.as_str()).bind(now.0).bind(token.reason).bind(token.expires_at.0)
        .execute(c).await?; });
    Ok(())
}

/// Revokes a token; false when it was already.
pub async fn revoke(conn: &mut Conn, id: &TokenId, by: &OperatorId, now: Timestamp) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
        "UPDATE api_token SET revoked_at = $2, revoked_by = $3 WHERE token_id = $1 AND revoked_at IS NULL")
        .bind(id.as_str()).bind(now.0).bind(by.as_str()).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

/// Notes a use, unless one was noted after `since`.
pub async fn note_use(
    conn: &mut Conn,
    id: &TokenId,
    ip: Option<&str>,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "UPDATE api_token SET last_used_at = $2, last_used_ip = $3 \
         WHERE token_id = $1 AND (last_used_at IS NULL OR last_used_at <= $4)")
        .bind(id.as_str()).bind(now.0).bind(ip).bind(since.0).execute(c).await?; });
    Ok(())
}

/// Notes the first use after a token's end; false when one was noted before.
pub async fn note_refused(conn: &mut Conn, id: &TokenId, now: Timestamp) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
        "UPDATE api_token SET refused_at = $2 WHERE token_id = $1 AND refused_at IS NULL")
        .bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

/// Grants of a token that were not revoked; what only a person may do, its caller takes out.
pub async fn grants_of(conn: &mut Conn, id: &str) -> Result<Vec<Grant>, Error> {
    let lines: Vec<(String, String, String, Option<i64>)> = on!(conn, c => sqlx::query_as(
        "SELECT g.grant_id, r.permissions, g.scope, g.expires_at FROM role_grant g \
         JOIN role r ON r.role_id = g.role_id \
         WHERE g.caller_kind = 'token' AND g.caller_id = $1 AND g.revoked_at IS NULL ORDER BY g.grant_id")
        .bind(id).fetch_all(c).await?);
    Ok(lines
        .into_iter()
        .map(|(id, held, scope, end)| Grant {
            grant_id: GrantId(id),
            permissions: store::permissions(&held),
            scope: store::scope(&scope),
            expires_at: end.map(Timestamp),
        })
        .collect())
}

/// Grants of tokens that were not revoked, with the token in the place of the person.
pub async fn grants(conn: &mut Conn) -> Result<Vec<GrantLine>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT g.grant_id, g.caller_id AS operator_id, t.name AS operator_name, '' AS operator_login, g.role_id, \
         r.name AS role_name, g.scope, g.reason, b.display_name AS granted_by, g.granted_at, \
         CASE WHEN t.revoked_at IS NULL THEN g.expires_at ELSE t.revoked_at END AS expires_at \
         FROM role_grant g JOIN api_token t ON t.token_id = g.caller_id JOIN role r ON r.role_id = g.role_id \
         LEFT JOIN operator b ON b.operator_id = g.granted_by \
         WHERE g.caller_kind = 'token' AND g.revoked_at IS NULL ORDER BY g.granted_at, g.grant_id")
        .fetch_all(c).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_e5_a_secret_of_ours_is_known_by_its_looks() {
        let secret = new_secret();
        assert!(may_be_secret(&secret));
        assert_eq!(secret.len(), PREFIX.len() + RANDOM + CHECK);
        let random = secret[PREFIX.len()..][..RANDOM].bytes();
        assert!(
            random
                .into_iter()
                .all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
        );
        assert_ne!(secret, new_secret());
        let mut changed = secret.clone().into_bytes();
        changed[20] = if changed[20] == b'a' { b'b' } else { b'a' };
        for other in [
            String::from_utf8(changed).unwrap(),
            secret[..secret.len() - 1].to_owned(),
            format!("{secret}a"),
            secret.replace("curfew_", "ghp_"),
            "curfew_".to_owned(),
            format!("curfew_{}", "ä".repeat(29)),
        ] {
            assert!(!may_be_secret(&other), "{other}");
        }
    }
}
