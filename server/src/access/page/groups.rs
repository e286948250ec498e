//! Groups: a list of accounts given as a whole, and removed.

use app::access::wire::{GroupImport, GroupRow, People, Protected};
use app::error::AppError;
use app::wire::{Done, GroupId, Timestamp};

use super::{conflict, done, problem};
use crate::access::{Access, checked_text, groups, store, tokens};
use crate::audit::Action;
use crate::caller::For;
use crate::changes::topic;
use crate::error::Error;
use crate::keys;

/// Most accounts in one group.
const MOST_ACCOUNTS: usize = 100_000;

impl For<Access> {
    pub(super) async fn import(&self, import: GroupImport) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut problems = Vec::new();
        let name = checked_text(&import.name, 100).map_err(|m| problems.push(problem("name", m)));
        let accounts = checked_accounts(import.accounts).map_err(|m| problems.push(problem("accounts", m)));
        let (Ok(name), Ok(accounts)) = (name, accounts) else {
            return Err(AppError::Invalid { problems }.into());
        };
        let mut conn = self.room.db.write().await?;
        let before = groups::named(&mut conn, &name).await?;
        let id = before
            .as_ref()
            .map_or_else(|| GroupId(keys::new_id()), |g| GroupId(g.group_id.clone()));
        groups::replace(&mut conn, &id, &name, &accounts, Some(&self.caller.id), now).await?;
        let members = accounts.len();
        let words = format!("Set the group {name} to {members} accounts");
        let entry = self
            .entry(Action::PrivilegesChanged, words)
            .fact("group_id", id.as_str())
            .fact("accounts", members)
            .fact("accounts_hash", keys::sha256_hex(accounts.join("\n").as_bytes()))
            .fact("accounts_before", before.map_or(0, |g| g.members));
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("The group {name} has {members} accounts.")))
    }

    pub(super) async fn drop_group(&self, id: GroupId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let listed = groups::all(&mut conn).await?;
        let Some(group) = listed.into_iter().find(|g| g.group_id == id.0) else {
            return Err(AppError::not_found("group").into());
        };
        let grants = store::grants(&mut conn).await?;
        let protected = store::protected(&mut conn).await?;
        let of_tokens = tokens::grants(&mut conn).await?;
        if Uses::new(grants.iter().chain(&of_tokens), &protected, now).of(&id) > 0 {
            return Err(conflict(
                "Grants or the protected list name this group. Take them away first.",
            ));
        }
        groups::delete(&mut conn, &id).await?;
        let entry = self
            .entry(
                Action::PrivilegesChanged,
                format!("Removed the group {}", group.name),
            )
            .fact("group_id", id.as_str())
            .fact("accounts_before", group.members);
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("The group {} is gone.", group.name)))
    }
}

/// Which groups grants in force and the protected list name.
pub(super) struct Uses(Vec<GroupId>);

impl Uses {
    pub(super) fn new<'a>(
        grants: impl IntoIterator<Item = &'a store::GrantLine>,
        protected: &[store::ProtectedLine],
        now: Timestamp,
    ) -> Self {
        let mut named = Vec::new();
        for line in grants {
            if line.expires_at.is_none_or(|end| now.0 < end)
                && let People::These(these) = store::scope(&line.scope).people
            {
                named.extend(these.groups);
            }
        }
        for line in protected {
            if let Some(Protected::Group(group)) = line.who() {
                named.push(group);
            }
        }
        Self(named)
    }

    pub(super) fn of(&self, group: &GroupId) -> u64 {
        self.0.iter().filter(|named| *named == group).count() as u64
    }
}

/// Account names as they are stored: lower-cased, each once.
fn checked_accounts(accounts: Vec<String>) -> Result<Vec<String>, String> {
    let mut names = Vec::with_capacity(accounts.len());
    for account in accounts {
        let account = account.trim().to_lowercase();
        if account.chars().any(char::is_control) || account.chars().count() > 255 {
            return Err(format!(
                "“{}…” is no account name: at most 255 characters, none of them control characters.",
                account
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(20)
                    .collect::<String>()
            ));
        }
        if !account.is_empty() {
            names.push(account);
        }
    }
    names.sort();
    names.dedup();
    match names.len() {
        0 => Err("Name at least one account. To empty a group, delete it.".to_owned()),
        n if n > MOST_ACCOUNTS => Err(format!(
            "At most {MOST_ACCOUNTS} accounts in one group; these are {n}."
        )),
        _ => Ok(names),
    }
}

pub(super) fn group_row(line: groups::GroupLine, uses: &Uses) -> GroupRow {
    let group_id = GroupId(line.group_id);
    GroupRow {
        used: uses.of(&group_id),
        group_id,
        name: line.name,
        members: line.members.unsigned_abs(),
        changed_by: line.changed_by.unwrap_or_else(|| "command line".to_owned()),
        changed_at: Timestamp(line.changed_at),
    }
}
