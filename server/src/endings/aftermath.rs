//! What follows elsewhere from sessions that were found gone: whoever lets people in again is told, and asked whether it did.

use app::endings::wire::OpenTickets;
use app::wire::{EndingId, SessionKey, SystemId, Timestamp};
use async_trait::async_trait;

use crate::caller::Caller;
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;

/// A request by which the person of an item was let in again, or could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetIn {
    /// Item.
    pub key: SessionKey,
    /// Finds the request.
    pub reference: String,
    /// It was answered before we asked to end, and what was given could be used until then: it counts only where a
    /// session has begun. `None` = it was answered after, which counts by itself.
    pub before: Option<Timestamp>,
}

/// Somebody who lets people in to systems beside those systems themselves (the ticket broker).
#[async_trait]
pub trait Aftermath: Send + Sync {
    /// Items of an ending were found gone in a system, just now: in the transaction that says so.
    async fn gone(
        &self,
        conn: &mut Conn,
        ending: &EndingId,
        system: &SystemId,
        now: Timestamp,
    ) -> Result<(), Error>;

    /// A person is ended everywhere, whether they had sessions or not (`None` = there was nothing to end).
    async fn everywhere(
        &self,
        caller: &Caller,
        person: &str,
        ending_no: Option<i64>,
        now: Timestamp,
    ) -> Result<(), Error>;

    /// Items of an ending whose person was let in again since, or may be by what they were given shortly before.
    async fn let_in(&self, conn: &mut Conn, ending: &EndingId) -> Result<Vec<LetIn>, Error>;

    /// What people of an ending were given before and may still use, as far as the scope covers it; `None` = nothing.
    async fn still_open(
        &self,
        conn: &mut Conn,
        ending: &EndingId,
        scope: &VisibleScope,
        now: Timestamp,
    ) -> Result<Option<OpenTickets>, Error>;
}
