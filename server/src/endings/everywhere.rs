//! Ending one person everywhere in one call, for who leaves: asked again while it is at work, the same ending is meant.

use app::access::wire::Permission;
use app::endings::wire::{Confirm, Confirmed, EndedEverywhere, PreviewLeftOut};
use app::error::AppError;
use app::wire::{EndingId, Timestamp};
use sea_query::Cond;

use super::draft::Set;
use super::store::{EndingRow, freeze};
use super::{Endings, page};
use crate::caller::Caller;
use crate::caller::scope::{self, Rows};
use crate::error::Error;
use crate::sessions::people::of_person;

impl Endings {
    /// Ends every live session of a person (an account name) that the caller may end; protected ones with ForceEnd.
    pub(super) async fn end_everywhere(
        &self,
        caller: &Caller,
        person: &str,
        confirm: Confirm,
    ) -> Result<EndedEverywhere, Error> {
        let now = self.now();
        let person = person.to_lowercase();
        let see = caller.visible(Permission::SeeSessions, now);
        let rows = Cond::all()
            .add(see.condition(Rows::Sessions))
            .add(of_person(&person));
        let mut conn = self.parts.db.read().await?;
        let known = !see.is_empty()
            && !person.is_empty()
            && !person.contains('\0')
            && freeze::count(&mut conn, &rows).await? > 0;
        if !known {
            return Err(AppError::not_found("person").into());
        }
        caller.authorize_somewhere(Permission::EditUserSessions, now)?;
        caller.require_fresh_auth(now)?;
        super::confirm::checked_reason(&confirm.reason)?;
        self.checked_ticket(&confirm.ticket_ref)?;
        if let Some(row) = freeze::at_work_for(&mut conn, &caller.id, &person, now).await? {
            return self.same(caller, row).await;
        }
        let live = rows.add(scope::live());
        if freeze::count(&mut conn, &live).await? == 0 {
            drop(conn);
            self.hold_everywhere(caller, &person, None, now).await?;
            return Ok(EndedEverywhere::default());
        }
        drop(conn);
        let set = Set {
            rows: live,
            query: app::paths::query_string(&[("person", person.as_str()), ("person.op", "is")]),
            selection_id: None,
            own: false,
            protected: !caller.visible(Permission::ForceEnd, now).is_empty(),
            replaces: None,
            person: Some(person.clone()),
        };
        let conn = self.parts.db.write().await?;
        let draft = self.freeze(conn, caller, set, now).await?;
        self.confirm_draft(caller, &person, draft, confirm).await
    }

    /// Confirms what was frozen for a person, or says what was left out where nothing else is there.
    async fn confirm_draft(
        &self,
        caller: &Caller,
        person: &str,
        draft: EndingId,
        confirm: Confirm,
    ) -> Result<EndedEverywhere, Error> {
        let mut conn = self.parts.db.read().await?;
        let row = super::draft::own_preview(&mut conn, caller, &draft).await?;
        let left_out = self.left_out_of(&mut conn, caller, &draft).await?;
        drop(conn);
        let made = EndedEverywhere {
            ending_no: None,
            waits: None,
            already: false,
            sessions: row.item_count.unsigned_abs(),
            left_out,
            left_out_count: row.left_out_count.unsigned_abs(),
        };
        if row.item_count == 0 {
            self.forget_draft(&draft).await?;
            return Ok(made);
        }
        let confirm = Confirm {
            typed_number: row.item_count.to_string(),
            ..confirm
        };
        match self.confirm(caller, &draft, confirm).await {
            Ok(Confirmed::Started(ending_no)) => {
                self.hold_everywhere(caller, person, Some(ending_no), self.now())
                    .await?;
                Ok(EndedEverywhere {
                    ending_no: Some(ending_no),
                    ..made
                })
            }
            Ok(Confirmed::AwaitingApproval { expires_at }) => Ok(EndedEverywhere {
                waits: Some((draft, expires_at)),
                ..made
            }),
            Err(cause) => {
                self.forget_draft(&draft).await?;
                // Somebody may have asked for the same at the same moment: the database takes one of them.
                let mut conn = self.parts.db.read().await?;
                match freeze::at_work_for(&mut conn, &caller.id, person, self.now()).await? {
                    Some(row) => self.same(caller, row).await,
                    None => Err(cause),
                }
            }
        }
    }

    /// Tells who lets people in beside the systems that this person is out everywhere.
    async fn hold_everywhere(
        &self,
        caller: &Caller,
        person: &str,
        ending_no: Option<i64>,
        now: Timestamp,
    ) -> Result<(), Error> {
        match self.aftermath.get() {
            Some(aftermath) => aftermath.everywhere(caller, person, ending_no, now).await,
            None => Ok(()),
        }
    }

    /// What is at work for that person already.
    async fn same(&self, caller: &Caller, row: EndingRow) -> Result<EndedEverywhere, Error> {
        let mut conn = self.parts.db.read().await?;
        Ok(EndedEverywhere {
            ending_no: row.ending_no,
            waits: row
                .ending_no
                .is_none()
                .then(|| (row.id(), Timestamp(row.expires_at))),
            already: true,
            sessions: row.item_count.unsigned_abs(),
            left_out: self.left_out_of(&mut conn, caller, &row.id()).await?,
            left_out_count: row.left_out_count.unsigned_abs(),
        })
    }

    async fn left_out_of(
        &self,
        conn: &mut crate::db::Conn,
        caller: &Caller,
        ending: &EndingId,
    ) -> Result<Vec<PreviewLeftOut>, Error> {
        let names = self.parts.systems.names(conn).await?;
        page::left_out(conn, caller, ending, &names).await
    }

    pub(super) async fn forget_draft(&self, draft: &EndingId) -> Result<(), Error> {
        let mut conn = self.parts.db.write().await?;
        freeze::drop_draft(&mut conn, draft).await?;
        conn.commit().await
    }
}
