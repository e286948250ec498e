//! What the access pages ask of the server.

use async_trait::async_trait;

use super::wire::{AccessPage, NewGrant, NewOperator, NewProtected, OneTimeLink, RoleEdit};
use crate::error::AppError;
use crate::wire::{Done, GrantId, OperatorId, ProtectedId, RoleId};

/// Operators, roles, grants and protected people. Everything here needs ManageAccess; every change a fresh step-up.
#[async_trait]
pub trait AccessPort: Send + Sync {
    /// The page.
    async fn access_page(&self) -> Result<AccessPage, AppError>;
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
    /// Adds a protected account.
    async fn protect(&self, new: NewProtected) -> Result<Done, AppError>;
    /// Takes an account off the protected list.
    async fn unprotect(&self, protected: ProtectedId) -> Result<Done, AppError>;
}
