//! Grants: given and taken away, and a scope checked and in words.

use app::access::wire::{GrantRow, NewGrant, Scope};
use app::error::{AppError, FieldProblem};
use app::wire::{Done, GrantId, OperatorId, RoleId, SystemId, Timestamp};

use super::{LAST_ADMINISTRATOR, conflict, done, problem};
use crate::access::{ADMINISTRATOR, Access, checked_text, store};
use crate::audit::Action;
use crate::caller::For;
use crate::changes::topic;
use crate::error::Error;
use crate::keys;

/// Most accounts in one scope.
const MOST_ACCOUNTS: usize = 500;

impl For<Access> {
    pub(super) async fn give(&self, new: NewGrant) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let operator = self.operator(&mut conn, &new.operator_id).await?;
        let Some(role) = store::role(&mut conn, &new.role_id).await? else {
            return Err(AppError::invalid("role", "Choose a role.").into());
        };
        let mut problems = Vec::new();
        let reason = checked_text(&new.reason, 500).map_err(|m| problems.push(problem("reason", m)));
        let known = store::systems(&mut conn).await?;
        let scope = checked_scope(new.scope, &known).map_err(|p| problems.push(p));
        if new.expires_at.is_some_and(|end| end <= now) {
            problems.push(problem(
                "expires_at",
                "This moment has passed. Choose a later one, or no end.",
            ));
        }
        let (Ok(reason), Ok(scope), true) = (reason, scope, problems.is_empty()) else {
            return Err(AppError::Invalid { problems }.into());
        };
        let grant = store::GrantToStore {
            grant_id: &GrantId(keys::new_id()),
            operator_id: &new.operator_id,
            role_id: &new.role_id,
            scope: &scope,
            reason: &reason,
            granted_by: Some(&self.caller.id),
            expires_at: new.expires_at,
        };
        store::insert_grant(&mut conn, &grant, now).await?;
        let words = scope_words(&scope, &known);
        let mut entry = self
            .entry(
                Action::PrivilegesChanged,
                format!("Gave {} the role {}: {words}", operator.display_name, role.name),
            )
            .account(&operator.login)
            .reason(&reason, None)
            .fact("grant_id", grant.grant_id.as_str())
            .fact("role_id", new.role_id.as_str())
            .fact("scope", serde_json::to_value(&scope)?);
        if let Some(end) = new.expires_at {
            entry = entry.fact("expires_at", end.0);
        }
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!(
            "{} is now {}: {words}.",
            operator.display_name, role.name
        )))
    }

    pub(super) async fn revoke(&self, id: GrantId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let Some(grant) = store::grant(&mut conn, &id).await? else {
            return Err(AppError::not_found("grant").into());
        };
        let everywhere = store::scope(&grant.scope) == Scope::Everywhere;
        let in_force = grant.expires_at.is_none_or(|end| now.0 < end);
        if grant.role_id == ADMINISTRATOR && everywhere && in_force {
            let others = store::administrators_besides(&mut conn, None, Some(&id)).await?;
            if others == 0 {
                return Err(conflict(LAST_ADMINISTRATOR));
            }
        }
        store::revoke_grant(&mut conn, &id, &self.caller.id, now).await?;
        let known = store::systems(&mut conn).await?;
        let words = scope_words(&store::scope(&grant.scope), &known);
        let entry = self
            .entry(
                Action::PrivilegesChanged,
                format!(
                    "Took the role {} from {}: {words}",
                    grant.role_name, grant.operator_name
                ),
            )
            .account(&grant.operator_login)
            .fact("grant_id", id.as_str())
            .fact("role_id", grant.role_id.as_str());
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!(
            "{} is no longer {} ({words}).",
            grant.operator_name, grant.role_name
        )))
    }
}

/// A scope that names something: known systems, or accounts with a name.
fn checked_scope(scope: Scope, known: &[(SystemId, String)]) -> Result<Scope, FieldProblem> {
    let is_known = |id: &SystemId| known.iter().any(|(known, _)| known == id);
    match scope {
        Scope::Everywhere => Ok(Scope::Everywhere),
        Scope::Systems { mut systems } => {
            systems.sort();
            systems.dedup();
            if systems.is_empty() {
                Err(problem("systems", "Choose at least one system."))
            } else if !systems.iter().all(is_known) {
                Err(problem("systems", "There is no such system."))
            } else {
                Ok(Scope::Systems { systems })
            }
        }
        Scope::Accounts { mut accounts } => {
            for account in &mut accounts {
                account.account = account.account.trim().to_lowercase();
            }
            accounts.retain(|a| !a.account.is_empty());
            accounts.sort();
            accounts.dedup();
            if accounts.is_empty() {
                Err(problem("accounts", "Name at least one account."))
            } else if accounts.len() > MOST_ACCOUNTS {
                Err(problem(
                    "accounts",
                    format!("At most {MOST_ACCOUNTS} accounts in one grant."),
                ))
            } else if accounts
                .iter()
                .filter_map(|a| a.system_id.as_ref())
                .any(|s| !is_known(s))
            {
                Err(problem("accounts", "There is no such system."))
            } else {
                Ok(Scope::Accounts { accounts })
            }
        }
    }
}

/// A scope in plain words.
fn scope_words(scope: &Scope, known: &[(SystemId, String)]) -> String {
    let name = |id: &SystemId| {
        known
            .iter()
            .find(|(known, _)| known == id)
            .map_or_else(|| id.0.clone(), |(_, name)| name.clone())
    };
    match scope {
        Scope::Everywhere => "Everywhere".to_owned(),
        Scope::Systems { systems } => {
            let names: Vec<String> = systems.iter().map(name).collect();
            format!("Systems: {}", names.join(", "))
        }
        Scope::Accounts { accounts } => {
            let mut names: Vec<String> = accounts
                .iter()
                .take(5)
                .map(|a| match &a.system_id {
                    Some(system) => format!("{} in {}", a.account, name(system)),
                    None => a.account.clone(),
                })
                .collect();
            if accounts.len() > 5 {
                names.push(format!("{} more", accounts.len() - 5));
            }
            format!("Accounts: {}", names.join(", "))
        }
    }
}

pub(super) fn grant_row(line: store::GrantLine, systems: &[(SystemId, String)]) -> GrantRow {
    let scope = store::scope(&line.scope);
    GrantRow {
        grant_id: GrantId(line.grant_id),
        operator_id: OperatorId(line.operator_id),
        operator_name: line.operator_name,
        operator_login: line.operator_login,
        role_id: RoleId(line.role_id),
        role_name: line.role_name,
        scope_words: scope_words(&scope, systems),
        scope,
        expires_at: line.expires_at.map(Timestamp),
        granted_by: line.granted_by.unwrap_or_else(|| "first set-up".to_owned()),
        granted_at: Timestamp(line.granted_at),
        reason: line.reason,
    }
}
