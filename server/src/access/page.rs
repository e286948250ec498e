//! The port of the access pages: authorize > act > audit, each change in one transaction.

use app::access::port::AccessPort;
use app::access::wire::{
    AccessPage, GrantRow, NewGrant, NewOperator, NewProtected, OneTimeLink, OperatorRow, Permission,
    ProtectedRow, RoleEdit, RoleRow, Scope,
};
use app::error::{AppError, FieldProblem};
use app::wire::{Done, GrantId, OperatorId, ProtectedId, RoleId, SystemId, Timestamp};
use async_trait::async_trait;

use super::{ADMINISTRATOR, Access, TAKEN, checked_login, checked_text, links, store};
use crate::audit::{Action, Entry};
use crate::caller::{For, Permit};
use crate::changes::{self, topic};
use crate::db::Conn;
use crate::domain::grant::About;
use crate::error::Error;
use crate::keys;

const LAST_ADMINISTRATOR: &str = "This is the last enabled Administrator with a password. Make another one first, \
     or nobody could manage access any more.";

/// Most accounts in one scope.
const MOST_ACCOUNTS: usize = 500;

impl For<Access> {
    /// ManageAccess everywhere, without a fresh step-up: reading.
    fn may_read(&self, now: Timestamp) -> Result<Permit, AppError> {
        self.caller
            .authorize(Permission::ManageAccess, About::PORTAL, now)
    }

    /// ManageAccess everywhere with a fresh step-up: changing.
    fn may_change(&self, now: Timestamp) -> Result<Permit, AppError> {
        let permit = self.may_read(now)?;
        self.caller.require_fresh_auth(now)?;
        Ok(permit)
    }

    /// Appends the entry of a change, tells everyone, and lets it stand.
    async fn finish(
        &self,
        mut conn: Conn,
        permit: &Permit,
        entry: Entry,
        now: Timestamp,
        topics: &[&str],
    ) -> Result<(), Error> {
        let entry = entry.permission(permit.permission());
        self.room.audit.append(&mut conn, &entry, now).await?;
        changes::bump_all(&mut conn, topics).await?;
        conn.commit().await
    }

    fn entry(&self, action: Action, words: String) -> Entry {
        Entry::by(&self.caller, action).target(words)
    }

    async fn page(&self) -> Result<AccessPage, Error> {
        let now = self.room.clock.now();
        self.may_read(now)?;
        let mut conn = self.room.db.read().await?;
        let systems = store::systems(&mut conn).await?;
        let operators = store::operators(&mut conn, now).await?;
        let roles = store::roles(&mut conn, now).await?;
        let grants = store::grants(&mut conn).await?;
        let protected = store::protected(&mut conn).await?;
        Ok(AccessPage {
            now,
            operators: operators.into_iter().map(operator_row).collect(),
            roles: roles
                .into_iter()
                .map(|role| RoleRow {
                    role_id: RoleId(role.role_id),
                    name: role.name,
                    built_in: role.built_in != 0,
                    permissions: store::permissions(&role.permissions),
                    grants_in_force: u64::try_from(role.grants_in_force).unwrap_or(0),
                })
                .collect(),
            grants: grants.into_iter().map(|line| grant_row(line, &systems)).collect(),
            protected: protected.into_iter().map(protected_row).collect(),
            systems,
            me: self.caller.id.clone(),
        })
    }

    async fn create(&self, new: NewOperator) -> Result<OneTimeLink, Error> {
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

    async fn operator(&self, conn: &mut Conn, id: &OperatorId) -> Result<store::Operator, Error> {
        store::operator(conn, id)
            .await?
            .ok_or_else(|| AppError::not_found("operator").into())
    }

    async fn disable(&self, id: OperatorId) -> Result<Done, Error> {
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

    async fn enable(&self, id: OperatorId) -> Result<Done, Error> {
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

    async fn reset(&self, id: OperatorId) -> Result<OneTimeLink, Error> {
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

    async fn give(&self, new: NewGrant) -> Result<Done, Error> {
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

    async fn revoke(&self, id: GrantId) -> Result<Done, Error> {
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

    async fn save_role_(&self, edit: RoleEdit) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut problems = Vec::new();
        let name = checked_text(&edit.name, 60).map_err(|m| problems.push(problem("name", m)));
        let mut permissions = edit.permissions.clone();
        permissions.sort();
        permissions.dedup();
        if permissions.is_empty() {
            problems.push(problem("permission", "Choose at least one permission."));
        }
        let (Ok(name), true) = (name, problems.is_empty()) else {
            return Err(AppError::Invalid { problems }.into());
        };
        let mut conn = self.room.db.write().await?;
        let before = match &edit.role_id {
            Some(id) => match store::role(&mut conn, id).await? {
                Some(role) if role.built_in != 0 => {
                    return Err(conflict(
                        "Built-in roles come with Curfew and can't be changed. Make an own one.",
                    ));
                }
                Some(role) => Some(role),
                None => return Err(AppError::not_found("role").into()),
            },
            None => None,
        };
        let id = match &edit.role_id {
            Some(id) => id.clone(),
            None => RoleId(keys::new_id()),
        };
        if store::role_named(&mut conn, &name)
            .await?
            .is_some_and(|other| other.role_id != id.0)
        {
            return Err(AppError::invalid("name", "There is a role of this name. Choose another.").into());
        }
        store::upsert_role(&mut conn, &id, &name, false, &permissions).await?;
        let names: Vec<&str> = permissions.iter().map(|p| p.name()).collect();
        let mut entry = self
            .entry(
                Action::PrivilegesChanged,
                match &before {
                    Some(_) => format!("Changed the role {name}"),
                    None => format!("Made the role {name}"),
                },
            )
            .fact("role_id", id.as_str())
            .fact("permissions", serde_json::to_value(&names)?);
        if let Some(before) = before {
            entry = entry
                .fact("before", before.permissions)
                .fact("name_before", before.name);
        }
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("The role {name} is saved.")))
    }

    async fn drop_role(&self, id: RoleId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let roles = store::roles(&mut conn, now).await?;
        let Some(role) = roles.into_iter().find(|r| r.role_id == id.0) else {
            return Err(AppError::not_found("role").into());
        };
        if role.built_in != 0 {
            return Err(conflict("Built-in roles come with Curfew and can't be removed."));
        }
        if role.grants_in_force > 0 {
            return Err(conflict("Grants in force use this role. Take them away first."));
        }
        store::delete_role(&mut conn, &id).await?;
        let entry = self
            .entry(
                Action::PrivilegesChanged,
                format!("Removed the role {}", role.name),
            )
            .fact("role_id", id.as_str());
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("The role {} is gone.", role.name)))
    }

    async fn protect_(&self, new: NewProtected) -> Result<Done, Error> {
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

    async fn unprotect_(&self, id: ProtectedId) -> Result<Done, Error> {
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

#[async_trait]
impl AccessPort for For<Access> {
    async fn access_page(&self) -> Result<AccessPage, AppError> {
        Ok(self.page().await?)
    }

    async fn create_operator(&self, new: NewOperator) -> Result<OneTimeLink, AppError> {
        Ok(self.create(new).await?)
    }

    async fn disable_operator(&self, operator: OperatorId) -> Result<Done, AppError> {
        Ok(self.disable(operator).await?)
    }

    async fn enable_operator(&self, operator: OperatorId) -> Result<Done, AppError> {
        Ok(self.enable(operator).await?)
    }

    async fn reset_operator(&self, operator: OperatorId) -> Result<OneTimeLink, AppError> {
        Ok(self.reset(operator).await?)
    }

    async fn give_grant(&self, new: NewGrant) -> Result<Done, AppError> {
        Ok(self.give(new).await?)
    }

    async fn revoke_grant(&self, grant: GrantId) -> Result<Done, AppError> {
        Ok(self.revoke(grant).await?)
    }

    async fn save_role(&self, edit: RoleEdit) -> Result<Done, AppError> {
        Ok(self.save_role_(edit).await?)
    }

    async fn delete_role(&self, role: RoleId) -> Result<Done, AppError> {
        Ok(self.drop_role(role).await?)
    }

    async fn protect(&self, new: NewProtected) -> Result<Done, AppError> {
        Ok(self.protect_(new).await?)
    }

    async fn unprotect(&self, protected: ProtectedId) -> Result<Done, AppError> {
        Ok(self.unprotect_(protected).await?)
    }
}

/// What happened, in one sentence.
pub(super) fn done(message: impl Into<String>) -> Done {
    Done {
        message: message.into(),
    }
}

fn conflict(message: &str) -> Error {
    AppError::Conflict {
        message: message.to_owned(),
    }
    .into()
}

fn problem(field: &str, message: impl Into<String>) -> FieldProblem {
    FieldProblem {
        field: field.to_owned(),
        message: message.into(),
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
pub(super) fn scope_words(scope: &Scope, known: &[(SystemId, String)]) -> String {
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

fn operator_row(line: store::OperatorLine) -> OperatorRow {
    OperatorRow {
        operator_id: OperatorId(line.operator_id),
        login: line.login,
        display_name: line.display_name,
        last_seen_at: line.last_seen_at.map(Timestamp),
        disabled_at: line.disabled_at.map(Timestamp),
        has_password: line.has_password > 0,
        live_sessions: u64::try_from(line.live_sessions).unwrap_or(0),
    }
}

fn grant_row(line: store::GrantLine, systems: &[(SystemId, String)]) -> GrantRow {
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

fn protected_row(line: store::ProtectedLine) -> ProtectedRow {
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
