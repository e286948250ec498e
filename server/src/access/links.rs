//! One-time links: how somebody sets their own password without anybody else ever knowing it.
//!
//! The code is shown once and stored as SHA-256 only. It stands behind `#` in the link, so that it reaches neither a
//! server log nor a Referer header; the welcome page sends it by form.

use app::access::wire::OneTimeLink;
use app::paths;
use app::wire::{OperatorId, Timestamp};

use crate::db::Conn;
use crate::error::Error;
use crate::{keys, on};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first administrator, who names themselves on use.
    Bootstrap,
    /// A new person.
    Invite,
    /// A person who needs a new password.
    Reset,
}

impl Purpose {
    /// Stable name: database.
    pub const fn name(self) -> &'static str {
        match self {
            Purpose::Bootstrap => "bootstrap",
            Purpose::Invite => "invite",
            Purpose::Reset => "reset",
        }
    }
}

/// A link that is still good.
#[derive(Clone, Debug)]
pub struct GoodLink {
    pub link_id: String,
    pub purpose: Purpose,
    /// `None` for bootstrap.
    pub operator_id: Option<OperatorId>,
}

/// Whose link, for what, made by whom, how long.
pub struct NewLink<'a> {
    pub purpose: Purpose,
    /// `None` for bootstrap.
    pub operator_id: Option<&'a OperatorId>,
    /// Sign-in name, shown beside the link; empty for bootstrap.
    pub login: &'a str,
    /// `None` = the command line or start-up.
    pub created_by: Option<&'a OperatorId>,
    /// Seconds.
    pub good_for_s: i64,
}

/// Makes a link and withdraws older unused ones of the same person (or older bootstrap links).
pub async fn create(
    conn: &mut Conn,
    public_url: &str,
    new: &NewLink<'_>,
    now: Timestamp,
) -> Result<OneTimeLink, Error> {
    match new.operator_id {
        Some(id) => withdraw(conn, id, now).await?,
        None => {
            on!(conn, c => { sqlx::query(
                "UPDATE one_time_link SET used_at = $1 WHERE purpose = 'bootstrap' AND used_at IS NULL")
                .bind(now.0).execute(c).await?; });
        }
    }
    let code = keys::typed_code();
    let expires_at = now.plus_seconds(new.good_for_s);
    on!(conn, c => { sqlx::query(
        "INSERT INTO one_time_link (link_id, token_hash, purpose, operator_id, created_by, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(keys::new_id()).bind(hash(&code)).bind(new.purpose.name())
        .bind(new.operator_id.map(|o| o.0.clone())).bind(new.created_by.map(|o| o.0.clone()))
        .bind(now.0).bind(expires_at.0).execute(c).await?; });
    Ok(OneTimeLink {
        login: new.login.to_owned(),
        url: format!("{}{}#{code}", public_url, paths::WELCOME),
        expires_at,
    })
}

/// Withdraws the unused links of a person.
pub async fn withdraw(conn: &mut Conn, operator_id: &OperatorId, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "UPDATE one_time_link SET used_at = $2 WHERE operator_id = $1 AND used_at IS NULL")
        .bind(operator_id.as_str()).bind(now.0).execute(c).await?; });
    Ok(())
}

/// The link of that code, if it is still good.
pub async fn good(conn: &mut Conn, code: &str, now: Timestamp) -> Result<Option<GoodLink>, Error> {
    let row: Option<(String, String, Option<String>)> = on!(conn, c => sqlx::query_as(
        "SELECT link_id, purpose, operator_id FROM one_time_link \
         WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2")
        .bind(hash(code)).bind(now.0).fetch_optional(c).await?);
    Ok(row.and_then(|(link_id, purpose, operator_id)| {
        let purpose = match purpose.as_str() {
            "bootstrap" => Purpose::Bootstrap,
            "invite" => Purpose::Invite,
            "reset" => Purpose::Reset,
            _ => return None,
        };
        Some(GoodLink {
            link_id,
            purpose,
            operator_id: operator_id.map(OperatorId),
        })
    }))
}

/// Uses a link up; false when somebody was faster.
pub async fn take(conn: &mut Conn, link_id: &str, now: Timestamp) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
        "UPDATE one_time_link SET used_at = $2 WHERE link_id = $1 AND used_at IS NULL AND expires_at > $2")
        .bind(link_id).bind(now.0).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

/// Typed codes may lose their dashes or their case on the way.
fn hash(code: &str) -> String {
    let bare: String = code
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_uppercase())
        .collect();
    keys::sha256_hex(bare.as_bytes())
}
