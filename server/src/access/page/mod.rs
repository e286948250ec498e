//! The port of the access pages: authorize > act > audit, each change in one transaction.
//!
//! Here are the page, the port and what every change shares; the changes lie in a file per thing that is changed.

use app::access::port::AccessPort;
use app::access::wire::{
    AccessPage, FreshToken, GroupImport, NewGrant, NewOperator, NewProtected, NewToken, OneTimeLink,
    Permission, PersonPage, RoleEdit, RoleRow, ScopeEffect,
};
use app::error::{AppError, FieldProblem};
use app::wire::{Done, GrantId, GroupId, OperatorId, ProtectedId, RoleId, Timestamp, TokenId};
use async_trait::async_trait;

use self::grants::{Named, grant_row};
use self::groups::{Uses, group_row};
use self::operators::operator_row;
use self::protected::protected_row;
use self::tokens::token_row;
use super::{Access, groups as groups_of, store, tokens as tokens_of};
use crate::audit::{Action, Entry};
use crate::caller::{CallerKind, For, Permit};
use crate::changes;
use crate::db::Conn;
use crate::domain::grant::About;
use crate::error::Error;

mod grants;
mod groups;
mod operators;
mod person;
mod protected;
mod roles;
mod tokens;

const LAST_ADMINISTRATOR: &str = "This is the last enabled Administrator with a password. Make another one first, \
     or nobody could manage access any more.";

impl For<Access> {
    /// ManageAccess everywhere, without a fresh step-up: reading. A token never holds that; what the log tells of access
    /// it may also read here.
    fn may_read(&self, now: Timestamp) -> Result<Permit, AppError> {
        let needed = match self.caller.kind {
            CallerKind::Token => Permission::ReadAudit,
            _ => Permission::ManageAccess,
        };
        self.caller.authorize(needed, About::Portal, now)
    }

    /// ManageAccess everywhere with a fresh step-up: changing.
    fn may_change(&self, now: Timestamp) -> Result<Permit, AppError> {
        let permit = self
            .caller
            .authorize(Permission::ManageAccess, About::Portal, now)?;
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
        let known = Named::read(&mut conn).await?;
        let groups = groups_of::all(&mut conn).await?;
        let operators = store::operators(&mut conn, now).await?;
        let roles = store::roles(&mut conn, now).await?;
        let grants = store::grants(&mut conn).await?;
        let protected = store::protected(&mut conn).await?;
        let tokens = tokens_of::all(&mut conn).await?;
        let of_tokens = tokens_of::grants(&mut conn).await?;
        let uses = Uses::new(grants.iter().chain(&of_tokens), &protected, now);
        Ok(AccessPage {
            now,
            operators: operators
                .into_iter()
                .map(|line| operator_row(line, now))
                .collect(),
            roles: roles
                .into_iter()
                .map(|role| RoleRow {
                    role_id: RoleId(role.role_id),
                    name: role.name,
                    built_in: role.built_in != 0,
                    permissions: store::permissions(&role.permissions),
                    needs_second_factor: role.needs_second_factor != 0,
                    grants_in_force: u64::try_from(role.grants_in_force).unwrap_or(0),
                })
                .collect(),
            grants: grants.into_iter().map(|line| grant_row(line, &known)).collect(),
            groups: groups.into_iter().map(|line| group_row(line, &uses)).collect(),
            sites: store::sites(&mut conn).await?,
            tokens: tokens
                .into_iter()
                .map(|token| token_row(token, &of_tokens, &known, now))
                .collect(),
            protected: protected.into_iter().map(protected_row).collect(),
            systems: known.systems,
            me: self.caller.id.clone(),
        })
    }

    async fn operator(&self, conn: &mut Conn, id: &OperatorId) -> Result<store::Operator, Error> {
        store::operator(conn, id)
            .await?
            .ok_or_else(|| AppError::not_found("operator").into())
    }
}

#[async_trait]
impl AccessPort for For<Access> {
    async fn access_page(&self) -> Result<AccessPage, AppError> {
        Ok(self.page().await?)
    }

    async fn person(&self, operator: OperatorId) -> Result<PersonPage, AppError> {
        Ok(self.person_of(operator).await?)
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

    async fn grant_effect(&self, new: NewGrant) -> Result<ScopeEffect, AppError> {
        Ok(self.effect_of(new).await?)
    }

    async fn unlock_operator(&self, operator: OperatorId) -> Result<Done, AppError> {
        Ok(self.unlock(operator).await?)
    }

    async fn reset_factor(&self, operator: OperatorId) -> Result<Done, AppError> {
        Ok(self.drop_factor(operator).await?)
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

    async fn import_group(&self, import: GroupImport) -> Result<Done, AppError> {
        Ok(self.import(import).await?)
    }

    async fn delete_group(&self, group: GroupId) -> Result<Done, AppError> {
        Ok(self.drop_group(group).await?)
    }

    async fn ask_second_factor(&self, role: RoleId, needed: bool) -> Result<Done, AppError> {
        Ok(self.ask_factor(role, needed).await?)
    }

    async fn protect(&self, new: NewProtected) -> Result<Done, AppError> {
        Ok(self.add_protected(new).await?)
    }

    async fn make_token(&self, new: NewToken) -> Result<FreshToken, AppError> {
        Ok(self.new_token(new).await?)
    }

    async fn revoke_token(&self, token: TokenId, reason: String) -> Result<Done, AppError> {
        Ok(self.drop_token(token, reason).await?)
    }

    async fn unprotect(&self, protected: ProtectedId) -> Result<Done, AppError> {
        Ok(self.remove_protected(protected).await?)
    }
}

/// What happened, in one sentence.
fn done(message: impl Into<String>) -> Done {
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
