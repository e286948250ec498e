//! Endings that an app of the ticket broker asks for: sessions of one person, because they signed out of the app.
//!
//! The same way as everybody's (preview, rules, worker, read-back), with the app as caller: its grant is made in
//! `caller::broker` and reaches no other person and no other site.

use app::endings::wire::{Confirm, Confirmed};
use app::wire::{EndingId, OperatorId, SessionKey};

use super::Endings;
use super::confirm::Way;
use super::draft::own_preview;
use super::store::{self, work};
use crate::caller::{Caller, CallerKind};
use crate::error::Error;

/// What became of a program's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It began, under this number.
    Started(i64),
    /// Rules leave every session out: protected people, or sessions that can't be ended there.
    LeftOut,
    /// A person has to do this: it is more than rules let anybody do alone.
    NeedsPerson,
}

/// How an app's ending stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Name of its state.
    pub state: String,
    /// Sessions in it.
    pub sessions: i64,
    /// Sessions without an outcome.
    pub open: i64,
    /// How many had each outcome.
    pub outcomes: Vec<(String, i64)>,
}

impl Endings {
    /// Ends these sessions for an app, as far as its grant covers them. `reference` finds the app's request.
    pub async fn end_for_app(
        &self,
        caller: &Caller,
        keys: &[SessionKey],
        reference: &str,
    ) -> Result<Wish, Error> {
        let reason = format!("Signed out of the app {}", caller.id);
        self.begin_alone(caller, keys, reason, reference).await
    }

    /// Begins an ending of these sessions for a program, where rules let it do so without a person.
    pub(super) async fn begin_alone(
        &self,
        caller: &Caller,
        keys: &[SessionKey],
        reason: String,
        reference: &str,
    ) -> Result<Wish, Error> {
        let now = self.now();
        let draft = self.draft_of_keys(caller, keys).await?;
        let mut conn = self.parts.db.read().await?;
        let row = own_preview(&mut conn, caller, &draft).await?;
        let way = match row.item_count {
            0 => None,
            _ => Some(self.way(&mut conn, caller, &row, now).await?),
        };
        drop(conn);
        match way {
            None => {
                self.forget_draft(&draft).await?;
                return Ok(Wish::LeftOut);
            }
            Some(Way::Alone) => {}
            Some(Way::SecondPerson(_) | Way::Blocked(_)) => {
                self.forget_draft(&draft).await?;
                return Ok(Wish::NeedsPerson);
            }
        }
        let confirm = Confirm {
            reason,
            ticket_ref: reference.to_owned(),
            typed_number: row.item_count.to_string(),
            ..Confirm::default()
        };
        match self.confirm(caller, &draft, confirm).await? {
            Confirmed::Started(ending_no) => Ok(Wish::Started(ending_no)),
            Confirmed::AwaitingApproval { .. } => Ok(Wish::NeedsPerson),
        }
    }

    /// How an ending stands that this app asked for; `None` = it asked for no such ending.
    pub async fn standing_for_app(&self, app: &str, ending_no: i64) -> Result<Option<Standing>, Error> {
        let mut conn = self.parts.db.read().await?;
        let row = store::by_no(&mut conn, ending_no).await?;
        let own = row.filter(|row| row.caller_kind == CallerKind::App.name() && row.caller_id == app);
        let Some(row) = own else { return Ok(None) };
        let id = row.id();
        Ok(Some(Standing {
            outcomes: work::outcomes(&mut conn, &id).await?,
            open: work::open_items(&mut conn, &id).await?,
            state: row.state,
            sessions: row.item_count,
        }))
    }

    /// The caller behind items of an ending that an app asked for, as its settings are now: it acts for the person and at
    /// the sites of those very items, if it still may.
    pub(super) async fn app_behind(
        &self,
        conn: &mut crate::db::Conn,
        ending: &EndingId,
        app: &OperatorId,
    ) -> Result<Option<Caller>, Error> {
        let items = work::whose(conn, ending).await?;
        Ok(self.parts.access.app_behind(app, &items))
    }
}
