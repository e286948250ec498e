//! What the Policies page asks of the server.

use async_trait::async_trait;

use super::wire::{AcceptAdvice, PoliciesPage, PolicyEdit, WhatIf};
use crate::error::AppError;
use crate::wire::{Done, SystemId};

/// Limits of systems. Reading needs ReadPolicies; changing Curfew's own EditPolicies everywhere and a fresh step-up;
/// accepting advice EditPolicies for the whole system.
#[async_trait]
pub trait PoliciesPort: Send + Sync {
    /// The page; `asked` = limits for the what-if in minutes (idle, absolute), else those in force.
    async fn policies_page(&self, asked: Option<(i64, i64)>) -> Result<PoliciesPage, AppError>;
    /// What those limits (minutes) would mean now; while somebody types.
    async fn what_if(&self, idle_minutes: i64, absolute_minutes: i64) -> Result<WhatIf, AppError>;
    /// A new version; sessions that live keep their limits.
    async fn save_policy(&self, edit: PolicyEdit) -> Result<Done, AppError>;
    /// Advice stands as accepted until its end, or until the value it is about changes.
    async fn accept_advice(&self, system: SystemId, accept: AcceptAdvice) -> Result<Done, AppError>;
    /// Accepted advice is open again.
    async fn reopen_advice(&self, system: SystemId, advice: String) -> Result<Done, AppError>;
}
