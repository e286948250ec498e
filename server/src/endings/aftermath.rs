//! What follows elsewhere from sessions that were found gone: whoever lets people in again is told, and asked whether it did.

use app::wire::{EndingId, SessionKey, SystemId, Timestamp};
use async_trait::async_trait;

use crate::caller::Caller;
use crate::db::Conn;
use crate::error::Error;

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

    /// Items of an ending whose person was let in again since, with what finds that.
    async fn let_in(&self, conn: &mut Conn, ending: &EndingId) -> Result<Vec<(SessionKey, String)>, Error>;
}
