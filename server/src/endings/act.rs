//! What people do with an ending at work: stop it, let it go on, pause and resume all.

use app::access::wire::Permission;
use app::endings::wire::EndingState;
use app::error::AppError;
use app::wire::Done;

use super::confirm::checked_reason;
use super::store::{self, stages, work};
use super::{Endings, page};
use crate::audit::{Action, Entry};
use crate::caller::Caller;
use crate::changes::{bump_all, topic};
use crate::domain::grant::About;
use crate::error::Error;

/// States in which something may still be sent.
const OPEN: [EndingState; 3] = [EndingState::Waiting, EndingState::Running, EndingState::Paused];

impl Endings {
    /// Stops what was not yet sent; what was sent is read back as always.
    pub(super) async fn stop(&self, caller: &Caller, ending_no: i64) -> Result<Done, Error> {
        let now = self.now();
        let permit = caller.authorize_somewhere(Permission::EditUserSessions, now)?;
        let mut conn = self.parts.db.write().await?;
        let row = page::known(&mut conn, caller, ending_no, now).await?;
        self.require_change(caller, &row, now)?;
        let id = row.id();
        store::lock(&mut conn, &id).await?;
        if !store::set_state(&mut conn, &id, &OPEN, EndingState::Cancelled, None).await? {
            let message = "It is finished already: there is nothing left to stop.".to_owned();
            return Err(AppError::Conflict { message }.into());
        }
        let words = format!("Stopped by {} before the system was asked.", caller.name);
        let stopped = work::stop_waiting(&mut conn, &id, &words, now).await?;
        let asked = work::open_items(&mut conn, &id).await?;
        let entry = Entry::by(caller, Action::EndingChanged)
            .ending(&id)
            .permission(permit.permission())
            .target(format!("Ending {ending_no}: stopped"))
            .fact("stopped", stopped)
            .fact("asked", asked);
        self.parts.audit.append(&mut conn, &entry, now).await?;
        self.withdraw(&mut conn, &row, now).await?;
        if asked == 0 {
            self.settle(&mut conn, &id, now).await?;
        }
        bump_all(&mut conn, &[topic::ENDINGS, &topic::ending(&id), topic::SESSIONS]).await?;
        conn.commit().await?;
        self.tell();
        let message = match asked {
            0 => format!("Stopped. {stopped} were not sent."),
            n => format!("Stopped. {stopped} were not sent; {n} were sent before and are being read back."),
        };
        Ok(Done { message })
    }

    /// Lets an ending that waits for a person go on.
    pub(super) async fn resume(&self, caller: &Caller, ending_no: i64) -> Result<Done, Error> {
        let now = self.now();
        let permit = caller.authorize_somewhere(Permission::EditUserSessions, now)?;
        let mut conn = self.parts.db.write().await?;
        let row = page::known(&mut conn, caller, ending_no, now).await?;
        self.require_change(caller, &row, now)?;
        caller.require_fresh_auth(now)?;
        let id = row.id();
        store::lock(&mut conn, &id).await?;
        if !store::set_state(&mut conn, &id, &[EndingState::Paused], EndingState::Running, None).await? {
            let message = "This ending does not wait for a person.".to_owned();
            return Err(AppError::Conflict { message }.into());
        }
        // A person looked at it now: it is not left over any more.
        work::looked_after(&mut conn, &id, now).await?;
        stages::wait_anew(&mut conn, Some(&id), self.stage_until(now)).await?;
        let entry = Entry::by(caller, Action::EndingChanged)
            .ending(&id)
            .permission(permit.permission())
            .target(format!("Ending {ending_no}: resumed"));
        self.parts.audit.append(&mut conn, &entry, now).await?;
        bump_all(&mut conn, &[topic::ENDINGS, &topic::ending(&id)]).await?;
        conn.commit().await?;
        self.tell();
        Ok(Done {
            message: "It goes on.".to_owned(),
        })
    }

    fn require_change(
        &self,
        caller: &Caller,
        row: &store::EndingRow,
        now: app::wire::Timestamp,
    ) -> Result<(), AppError> {
        if self.may_change(caller, row, now) {
            return Ok(());
        }
        // Not theirs, and no grant everywhere: what is missing is exactly that.
        caller
            .authorize(Permission::EditUserSessions, About::Portal, now)
            .map(|_| ())
    }

    /// Stops every worker before its next ask.
    pub(super) async fn pause_all(&self, caller: &Caller, reason: String) -> Result<Done, Error> {
        self.switch(caller, true, reason).await?;
        Ok(Done {
            message: "All endings are paused. What was sent is still read back.".to_owned(),
        })
    }

    /// Lets them go on.
    pub(super) async fn resume_all(&self, caller: &Caller, reason: String) -> Result<Done, Error> {
        self.switch(caller, false, reason).await?;
        Ok(Done {
            message: "Endings go on.".to_owned(),
        })
    }

    async fn switch(&self, caller: &Caller, on: bool, reason: String) -> Result<(), Error> {
        let now = self.now();
        let permit = caller.authorize(Permission::ManageSystems, About::Portal, now)?;
        let reason = checked_reason(&reason)?;
        let mut conn = self.parts.db.write().await?;
        store::set_pause(&mut conn, on, (caller.id.as_str(), &caller.name), &reason, now).await?;
        if !on {
            stages::wait_anew(&mut conn, None, self.stage_until(now)).await?;
        }
        let entry = Entry::by(caller, Action::EndingChanged)
            .permission(permit.permission())
            .target(if on {
                "All endings: paused"
            } else {
                "All endings: resumed"
            })
            .reason(reason, None);
        self.parts.audit.append(&mut conn, &entry, now).await?;
        let open = work::open_endings(&mut conn).await?;
        let mut topics = vec![topic::ENDINGS.to_owned()];
        topics.extend(open.iter().map(topic::ending));
        bump_all(&mut conn, &topics.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        conn.commit().await?;
        self.tell();
        Ok(())
    }
}
