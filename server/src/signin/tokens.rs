//! Cookies of portal sessions: the store behind tower-sessions.
//!
//! Here a token is only attached to a session or taken away from it; beginning and ending sessions is the room's
//! (`mod.rs`), in one transaction with its audit. So a request that signs in first lets the room make the row, then
//! puts its public id into the tower session: saving it makes a new 128-bit token and attaches its SHA-256. Renewing
//! takes the old token away and attaches a new one to the same row.

use std::collections::HashMap;

use app::wire::PortalSessionId;
use async_trait::async_trait;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error as StoreError, Result};
use tower_sessions::{Session, SessionStore};

use super::store;
use crate::db::Db;
use crate::error::Error;
use crate::keys;

/// Key under which a tower session carries the public id of its portal session.
const PORTAL_SESSION: &str = "portal_session_id";

/// Where tower-sessions keeps tokens.
#[derive(Clone)]
pub struct Tokens {
    db: Db,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// Tokens in this database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

/// What the database knows of a token.
pub(super) fn hash(token: &Id) -> String {
    keys::sha256_hex(token.to_string().as_bytes())
}

/// A hash no cookie has.
pub(super) fn nobody() -> String {
    keys::sha256_hex(&keys::random_bytes::<32>())
}

/// Gives this browser a new token for that session; an older token it had is worth nothing from now on.
pub async fn attach(session: &Session, id: &PortalSessionId) -> std::result::Result<(), Error> {
    session.cycle_id().await.map_err(broken)?;
    session
        .insert(PORTAL_SESSION, id.as_str())
        .await
        .map_err(broken)?;
    session.save().await.map_err(broken)
}

/// Takes this browser's token away.
pub async fn detach(session: &Session) -> std::result::Result<(), Error> {
    session.flush().await.map_err(broken)
}

fn broken(cause: tower_sessions::session::Error) -> Error {
    Error::Other(anyhow::anyhow!("the session layer: {cause}"))
}

fn backend(cause: impl std::fmt::Display) -> StoreError {
    StoreError::Backend(cause.to_string())
}

/// The public id inside a record.
fn portal_session(record: &Record) -> Result<&str> {
    record
        .data
        .get(PORTAL_SESSION)
        .and_then(|value| value.as_str())
        .ok_or_else(|| StoreError::Encode("nobody signed in".to_owned()))
}

#[async_trait]
impl SessionStore for Tokens {
    /// Attaches the record's new token to the portal session it names.
    async fn create(&self, record: &mut Record) -> Result<()> {
        let mut conn = self.db.write().await.map_err(backend)?;
        let attached = store::set_token(&mut conn, portal_session(record)?, &hash(&record.id))
            .await
            .map_err(backend)?;
        if !attached {
            return Err(StoreError::Backend("the session is over".to_owned()));
        }
        conn.commit().await.map_err(backend)
    }

    /// Nothing to keep: what a session holds beside its token is the room's.
    async fn save(&self, record: &Record) -> Result<()> {
        portal_session(record).map(|_| ())
    }

    /// Which portal session the token belongs to; whether it still holds is the room's to say.
    async fn load(&self, token: &Id) -> Result<Option<Record>> {
        let mut conn = self.db.read().await.map_err(backend)?;
        let row = store::by_token(&mut conn, &hash(token)).await.map_err(backend)?;
        Ok(row.map(|row| Record {
            id: *token,
            data: HashMap::from([(PORTAL_SESSION.to_owned(), row.portal_session_id.into())]),
            // Expiry is by the room's clock and the row's own limits; this field is never looked at.
            expiry_date: time::OffsetDateTime::UNIX_EPOCH,
        }))
    }

    /// Takes the token away from its session.
    async fn delete(&self, token: &Id) -> Result<()> {
        let mut conn = self.db.write().await.map_err(backend)?;
        store::detach_token(&mut conn, &hash(token), &nobody())
            .await
            .map_err(backend)?;
        conn.commit().await.map_err(backend)
    }
}
