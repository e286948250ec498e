//! Endings that a signal of an identity server leads to: sessions of one person, because they are signed out there.
//!
//! The same way as everybody's (preview, rules, worker, read-back), with the signal's rule as caller: its grants are made
//! in `caller::signal` and reach the accounts of this one person in the rule's systems.

use app::wire::{EndingId, OperatorId, SessionKey};

use super::Endings;
use super::for_app::Wish;
use super::store::signal as store;
use crate::caller::{Caller, CallerKind};
use crate::error::Error;

impl Endings {
    /// Ends these sessions for a signal, as far as its grants cover them. `reference` finds the signal, `from` is the name
    /// of the identity server.
    pub async fn end_for_signal(
        &self,
        caller: &Caller,
        keys: &[SessionKey],
        reference: &str,
        from: &str,
    ) -> Result<Wish, Error> {
        let reason = format!("Signed out at {from}");
        self.begin_alone(caller, keys, reason, reference).await
    }

    /// The ending that a signal led to, by its reference; `None` = it led to none so far.
    pub async fn begun_by_signal(&self, reference: &str) -> Result<Option<i64>, Error> {
        let mut conn = self.parts.db.read().await?;
        store::number_of(&mut conn, CallerKind::Signal.name(), reference).await
    }

    /// Which of these sessions an ending has in hand already, each with its number.
    pub async fn in_hand(&self, keys: &[SessionKey]) -> Result<Vec<(SessionKey, i64)>, Error> {
        let mut conn = self.parts.db.read().await?;
        store::in_hand(&mut conn, keys).await
    }

    /// The caller behind items of an ending that a signal led to, as its rule is now.
    pub(super) async fn signal_behind(
        &self,
        conn: &mut crate::db::Conn,
        ending: &EndingId,
        rule: &OperatorId,
    ) -> Result<Option<Caller>, Error> {
        let items = store::whose(conn, ending).await?;
        Ok(self.parts.access.signal_behind(rule, &items))
    }
}
