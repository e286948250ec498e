//! Operators: made, disabled, enabled, offered a new password, unlocked, freed of a lost second factor.

use app::access::wire::{NewOperator, OneTimeLink, OperatorRow};
use app::error::AppError;
use app::wire::{Done, OperatorId, Timestamp};

use super::{LAST_ADMINISTRATOR, conflict, done, problem};
use crate::access::{Access, TAKEN, checked_login, checked_text, links, store};
use crate::audit::Action;
use crate::caller::For;
use crate::changes::topic;
use crate::error::Error;
use crate::keys;

impl For<Access> {
    pub(super) async fn create(&self, new: NewOperator) -> Result<OneTimeLink, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut problems = Vec::new();
        let login = checked_login(&new.login).map_err(|m| problems.push(problem("login", m)));
        let name =
            checked_text(&new.display_name, 120).map_err(|m| problems.push(problem("display_name", m)));
        let (Ok(login), Ok(name)) = (login, name) else {
            return Err(AppError::Invalid { problems }.into());
        };
        let mut conn = self.room.db.write().await?;
        if store::operator_by_login(&mut conn, &login).await?.is_some() {
            return Err(AppError::invalid("login", TAKEN).into());
        }
        let id = OperatorId(keys::new_id());
        store::insert_operator(&mut conn, &id, &login, &name, now).await?;
        let link = self
            .room
            .link(
                &mut conn,
                links::Purpose::Invite,
                &id,
                &login,
                Some(&self.caller),
                now,
            )
            .await?;
        let entry = self
            .entry(Action::AuthzAdmin, format!("Made the operator {name} ({login})"))
            .account(&login);
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(link)
    }

    pub(super) async fn disable(&self, id: OperatorId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let operator = self.operator(&mut conn, &id).await?;
        if operator.disabled_at.is_some() {
            return Ok(done(format!("{} is disabled already.", operator.display_name)));
        }
        if store::is_administrator(&mut conn, &id, now).await?
            && store::administrators_besides(&mut conn, Some(&id), None).await? == 0
        {
            return Err(conflict(LAST_ADMINISTRATOR));
        }
        store::set_disabled(&mut conn, &id, Some(now)).await?;
        links::withdraw(&mut conn, &id, now).await?;
        let ended = crate::signin::end_all_of(&mut conn, &self.room.audit, &self.caller, &id, now).await?;
        let entry = self
            .entry(
                Action::AuthzAdmin,
                format!("Disabled {} ({})", operator.display_name, operator.login),
            )
            .account(&operator.login)
            .fact("sessions_ended", ended);
        self.finish(
            conn,
            &permit,
            entry,
            now,
            &[topic::ACCESS, topic::PORTAL_SESSIONS],
        )
        .await?;
        let sessions = match ended {
            0 => "There was no live sign-in.".to_owned(),
            1 => "Their one live sign-in is over.".to_owned(),
            n => format!("Their {n} live sign-ins are over."),
        };
        Ok(done(format!("{} is disabled. {sessions}", operator.display_name)))
    }

    pub(super) async fn enable(&self, id: OperatorId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let operator = self.operator(&mut conn, &id).await?;
        if operator.disabled_at.is_none() {
            return Ok(done(format!("{} is enabled already.", operator.display_name)));
        }
        store::set_disabled(&mut conn, &id, None).await?;
        let entry = self
            .entry(
                Action::AuthzAdmin,
                format!("Enabled {} ({})", operator.display_name, operator.login),
            )
            .account(&operator.login);
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("{} can sign in again.", operator.display_name)))
    }

    pub(super) async fn reset(&self, id: OperatorId) -> Result<OneTimeLink, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let operator = self.operator(&mut conn, &id).await?;
        if operator.disabled_at.is_some() {
            return Err(conflict("This person is disabled. Enable them first."));
        }
        crate::signin::forget_failures(&mut conn, &operator.login).await?;
        let link = self
            .room
            .link(
                &mut conn,
                links::Purpose::Reset,
                &id,
                &operator.login,
                Some(&self.caller),
                now,
            )
            .await?;
        let entry = self
            .entry(
                Action::AuthzAdmin,
                format!(
                    "Offered {} ({}) a new password",
                    operator.display_name, operator.login
                ),
            )
            .account(&operator.login);
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(link)
    }

    pub(super) async fn unlock(&self, id: OperatorId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let operator = self.operator(&mut conn, &id).await?;
        crate::signin::forget_failures(&mut conn, &operator.login).await?;
        let entry = self
            .entry(
                Action::AuthzAdmin,
                format!(
                    "Let {} ({}) try to sign in again at once",
                    operator.display_name, operator.login
                ),
            )
            .account(&operator.login);
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!(
            "{} can try to sign in again at once.",
            operator.display_name
        )))
    }

    pub(super) async fn drop_factor(&self, id: OperatorId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        if id == self.caller.id {
            return Err(conflict("Your own second factor is on the page of your account."));
        }
        let mut conn = self.room.db.write().await?;
        let operator = self.operator(&mut conn, &id).await?;
        if !crate::signin::reset_factor(&mut conn, &id, &self.caller.name, now).await? {
            return Ok(done(format!("{} has no second factor.", operator.display_name)));
        }
        // A phone that got lost may be in use right now.
        let ended = crate::signin::end_all_of(&mut conn, &self.room.audit, &self.caller, &id, now).await?;
        let entry = self
            .entry(
                Action::FactorChange,
                format!(
                    "Removed the second factor of {} ({})",
                    operator.display_name, operator.login
                ),
            )
            .account(&operator.login)
            .fact("sessions_ended", ended);
        let topics = [topic::ACCESS, topic::PORTAL_SESSIONS];
        self.finish(conn, &permit, entry, now, &topics).await?;
        Ok(done(format!(
            "The second factor of {} is removed, and their sign-ins are over. They set up a new one when a role of \
             theirs needs it.",
            operator.display_name
        )))
    }
}

pub(super) fn operator_row(line: store::OperatorLine, now: Timestamp) -> OperatorRow {
    OperatorRow {
        operator_id: OperatorId(line.operator_id),
        login: line.login,
        display_name: line.display_name,
        last_seen_at: line.last_seen_at.map(Timestamp),
        disabled_at: line.disabled_at.map(Timestamp),
        has_password: line.has_password > 0,
        live_sessions: u64::try_from(line.live_sessions).unwrap_or(0),
        slowed: crate::signin::slowed(line.blocked_until, now),
        second_factor: line.has_factor > 0,
        needs_second_factor: line.needs_factor > 0,
    }
}
