//! What the access pages ask of the server.

use async_trait::async_trait;

use super::wire::{
    AccessPage, FreshToken, GroupImport, NewGrant, NewOperator, NewProtected, NewToken, OneTimeLink,
    PersonPage, RoleEdit, ScopeEffect,
};
use crate::error::AppError;
use crate::wire::{Done, GrantId, GroupId, OperatorId, ProtectedId, RoleId, TokenId};

/// Operators, roles, grants, tokens and protected people. Everything here needs ManageAccess, every change a fresh step-up
/// too; a token, which never holds that, reads the page with ReadAudit everywhere.
#[async_trait]
pub trait AccessPort: Send + Sync {
    /// The page.
    async fn access_page(&self) -> Result<AccessPage, AppError>;
    /// What one person can do now.
    async fn person(&self, operator: OperatorId) -> Result<PersonPage, AppError>;
    /// A new person, with the one-time link by which they set their own password.
    async fn create_operator(&self, new: NewOperator) -> Result<OneTimeLink, AppError>;
    /// Disables a person: all their portal sessions end at once. `Conflict` for the last enabled Administrator.
    async fn disable_operator(&self, operator: OperatorId) -> Result<Done, AppError>;
    /// Lets a disabled person sign in again.
    async fn enable_operator(&self, operator: OperatorId) -> Result<Done, AppError>;
    /// A one-time link to set a new password; the old one works until it is used.
    async fn reset_operator(&self, operator: OperatorId) -> Result<OneTimeLink, AppError>;
    /// Forgets a person's failed sign-ins: their next try is looked at at once.
    async fn unlock_operator(&self, operator: OperatorId) -> Result<Done, AppError>;
    /// Removes somebody else's second factor with its recovery codes and ends their sign-ins. `Conflict` for one's own.
    async fn reset_factor(&self, operator: OperatorId) -> Result<Done, AppError>;
    /// What a grant would let its holder see and end now; nothing is given. `Invalid` as [`AccessPort::give_grant`].
    async fn grant_effect(&self, new: NewGrant) -> Result<ScopeEffect, AppError>;
    /// Gives a grant.
    async fn give_grant(&self, new: NewGrant) -> Result<Done, AppError>;
    /// Takes a grant away; what is left of their endings stops. `Conflict` for the last enabled Administrator's own.
    async fn revoke_grant(&self, grant: GrantId) -> Result<Done, AppError>;
    /// Makes or changes an own role.
    async fn save_role(&self, edit: RoleEdit) -> Result<Done, AppError>;
    /// Removes an own role that no grant in force uses.
    async fn delete_role(&self, role: RoleId) -> Result<Done, AppError>;
    /// Says whether people with a role, built-in or own, need a second factor.
    async fn ask_second_factor(&self, role: RoleId, needed: bool) -> Result<Done, AppError>;
    /// Makes a group, or replaces the accounts of the one with that name.
    async fn import_group(&self, import: GroupImport) -> Result<Done, AppError>;
    /// Removes a group. `Conflict` while a grant in force or a protected entry names it.
    async fn delete_group(&self, group: GroupId) -> Result<Done, AppError>;
    /// Adds an entry to the protected list.
    async fn protect(&self, new: NewProtected) -> Result<Done, AppError>;
    /// A new API token, with its secret. `Forbidden` where the caller does not hold what it would.
    async fn make_token(&self, new: NewToken) -> Result<FreshToken, AppError>;
    /// Revokes a token; what is left of its endings stops.
    async fn revoke_token(&self, token: TokenId, reason: String) -> Result<Done, AppError>;
    /// Takes an entry off the protected list.
    async fn unprotect(&self, protected: ProtectedId) -> Result<Done, AppError>;
}
