//! Protected people: put on the list and taken off.

use app::access::wire::{NewProtected, Protected, ProtectedRow};
use app::error::AppError;
use app::wire::{Done, ProtectedId, SystemId, Timestamp};

use super::{done, problem};
use crate::access::{Access, checked_domain, checked_text, groups, store};
use crate::audit::{Action, Entry};
use crate::caller::For;
use crate::changes::topic;
use crate::db::Conn;
use crate::error::Error;
use crate::keys;

impl For<Access> {
    pub(super) async fn add_protected(&self, new: NewProtected) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut problems = Vec::new();
        let reason = checked_text(&new.reason, 500).map_err(|m| problems.push(problem("reason", m)));
        let mut conn = self.room.db.write().await?;
        let who = checked_who(&mut conn, new.who)
            .await?
            .map_err(|p| problems.push(p));
        let known = store::systems(&mut conn).await?;
        if new
            .system_id
            .as_ref()
            .is_some_and(|id| !known.iter().any(|(known, _)| known == id))
        {
            problems.push(problem("system", "There is no such system."));
        }
        let (Ok((who, words)), Ok(reason), true) = (who, reason, problems.is_empty()) else {
            return Err(AppError::Invalid { problems }.into());
        };
        let listed = store::protected(&mut conn).await?;
        if listed.iter().any(|p| {
            p.who().as_ref() == Some(&who)
                && p.system_id.as_deref() == new.system_id.as_ref().map(SystemId::as_str)
        }) {
            return Err(AppError::invalid(who.kind(), "This is on the list already.").into());
        }
        let id = keys::new_id();
        store::insert_protected(
            &mut conn,
            &id,
            new.system_id.as_ref(),
            &who,
            &reason,
            &self.caller.id,
            now,
        )
        .await?;
        let mut entry = of_account(
            self.entry(Action::PrivilegesChanged, format!("Protected {words}"))
                .reason(&reason, None),
            &who,
        );
        if let Some(system) = &new.system_id {
            entry = entry.system(system);
        }
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("Protected: {words}.")))
    }

    pub(super) async fn remove_protected(&self, id: ProtectedId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let listed = store::protected(&mut conn).await?;
        let Some(line) = listed.into_iter().find(|p| p.protected_id == id.0) else {
            return Err(AppError::not_found("protected entry").into());
        };
        store::remove_protected(&mut conn, id.as_str(), now).await?;
        let who = line.who();
        let row = protected_row(line);
        let words = row.who_words;
        let mut entry = self.entry(
            Action::PrivilegesChanged,
            format!("Took off the protected list: {words}"),
        );
        if let Some(who) = &who {
            entry = of_account(entry, who);
        }
        if let Some(system) = &row.system_id {
            entry = entry.system(system);
        }
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("Not protected any more: {words}.")))
    }
}

/// Whom, as it is stored, and in words; or what is wrong with it.
async fn checked_who(
    conn: &mut Conn,
    who: Protected,
) -> Result<Result<(Protected, String), app::error::FieldProblem>, Error> {
    let found = match who {
        Protected::Account(account) => checked_text(&account, 255)
            .map(|a| Protected::Account(a.to_lowercase()))
            .map(|who| (who, None)),
        Protected::Domain(domain) => {
            let Some(domain) = checked_domain(&domain) else {
                return Ok(Err(problem("domain", "Write the domain, as example.org.")));
            };
            Ok((Protected::Domain(domain), None))
        }
        Protected::Group(id) => {
            let all = groups::all(conn).await?;
            match all.into_iter().find(|g| g.group_id == id.0) {
                Some(group) => Ok((Protected::Group(id), Some(group.name))),
                None => return Ok(Err(problem("group", "Choose a group."))),
            }
        }
        Protected::Role(id) => match store::role(conn, &id).await? {
            Some(role) => Ok((Protected::Role(id), Some(role.name))),
            None => return Ok(Err(problem("role", "Choose a role."))),
        },
    };
    Ok(found
        .map(|(who, name)| {
            let words = words(&who, name.as_deref());
            (who, words)
        })
        .map_err(|m| problem("account", m)))
}

/// An entry about one account names it.
fn of_account(entry: Entry, who: &Protected) -> Entry {
    match who {
        Protected::Account(account) => entry.account(account),
        _ => entry,
    }
}

fn words(who: &Protected, name: Option<&str>) -> String {
    match who {
        Protected::Account(account) => account.clone(),
        Protected::Domain(domain) => format!("everybody at {domain}"),
        Protected::Group(id) => format!("the group {}", name.unwrap_or(id.as_str())),
        Protected::Role(id) => format!("the role {}", name.unwrap_or(id.as_str())),
    }
}

pub(super) fn protected_row(line: store::ProtectedLine) -> ProtectedRow {
    let who_words = match line.who() {
        Some(who) => words(&who, line.who_name.as_deref()),
        None => line.who.clone(),
    };
    ProtectedRow {
        protected_id: ProtectedId(line.protected_id),
        system_name: match (&line.system_id, line.system_name) {
            (None, _) => "Every system".to_owned(),
            (Some(id), None) => id.clone(),
            (Some(_), Some(name)) => name,
        },
        system_id: line.system_id.map(SystemId),
        who_words,
        reason: line.reason,
        added_by: line.added_by.unwrap_or_else(|| "first set-up".to_owned()),
        added_at: Timestamp(line.added_at),
    }
}
