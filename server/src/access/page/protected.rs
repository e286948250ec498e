//! Protected people: put on the list and taken off.

use app::access::wire::{NewProtected, ProtectedRow};
use app::error::AppError;
use app::wire::{Done, ProtectedId, SystemId, Timestamp};

use super::{done, problem};
use crate::access::{Access, checked_text, store};
use crate::audit::Action;
use crate::caller::For;
use crate::changes::topic;
use crate::error::Error;
use crate::keys;

impl For<Access> {
    pub(super) async fn protect_(&self, new: NewProtected) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut problems = Vec::new();
        let account = checked_text(&new.account, 255).map_err(|m| problems.push(problem("account", m)));
        let reason = checked_text(&new.reason, 500).map_err(|m| problems.push(problem("reason", m)));
        let mut conn = self.room.db.write().await?;
        let known = store::systems(&mut conn).await?;
        if new
            .system_id
            .as_ref()
            .is_some_and(|id| !known.iter().any(|(known, _)| known == id))
        {
            problems.push(problem("system", "There is no such system."));
        }
        let (Ok(account), Ok(reason), true) = (account, reason, problems.is_empty()) else {
            return Err(AppError::Invalid { problems }.into());
        };
        let account = account.to_lowercase();
        let listed = store::protected(&mut conn).await?;
        if listed.iter().any(|p| {
            p.account == account && p.system_id.as_deref() == new.system_id.as_ref().map(SystemId::as_str)
        }) {
            return Err(AppError::invalid("account", "This account is on the list already.").into());
        }
        let id = keys::new_id();
        store::insert_protected(
            &mut conn,
            &id,
            new.system_id.as_ref(),
            &account,
            &reason,
            &self.caller.id,
            now,
        )
        .await?;
        let mut entry = self
            .entry(
                Action::PrivilegesChanged,
                format!("Protected the account {account}"),
            )
            .account(&account)
            .reason(&reason, None);
        if let Some(system) = &new.system_id {
            entry = entry.system(system);
        }
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("{account} is protected.")))
    }

    pub(super) async fn unprotect_(&self, id: ProtectedId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let listed = store::protected(&mut conn).await?;
        let Some(row) = listed.into_iter().find(|p| p.protected_id == id.0) else {
            return Err(AppError::not_found("protected account").into());
        };
        store::remove_protected(&mut conn, id.as_str(), now).await?;
        let mut entry = self
            .entry(
                Action::PrivilegesChanged,
                format!("Took the account {} off the protected list", row.account),
            )
            .account(&row.account);
        if let Some(system) = row.system_id {
            entry = entry.system(&SystemId(system));
        }
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("{} is not protected any more.", row.account)))
    }
}

pub(super) fn protected_row(line: store::ProtectedLine) -> ProtectedRow {
    ProtectedRow {
        protected_id: ProtectedId(line.protected_id),
        system_name: match (&line.system_id, line.system_name) {
            (None, _) => "Every system".to_owned(),
            (Some(id), None) => id.clone(),
            (Some(_), Some(name)) => name,
        },
        system_id: line.system_id.map(SystemId),
        account: line.account,
        reason: line.reason,
        added_by: line.added_by.unwrap_or_else(|| "first set-up".to_owned()),
        added_at: Timestamp(line.added_at),
    }
}
