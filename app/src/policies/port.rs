//! What the Policies page asks of the server.

use async_trait::async_trait;

use super::wire::{PoliciesPage, PolicyEdit, WhatIf};
use crate::error::AppError;
use crate::wire::Done;

/// Limits of systems. Reading needs ReadPolicies; changing Curfew's own EditPolicies everywhere and a fresh step-up.
#[async_trait]
pub trait PoliciesPort: Send + Sync {
    /// The page; `asked` = limits for the what-if in minutes (idle, absolute), else those in force.
    async fn policies_page(&self, asked: Option<(i64, i64)>) -> Result<PoliciesPage, AppError>;
    /// What those limits (minutes) would mean now; while somebody types.
    async fn what_if(&self, idle_minutes: i64, absolute_minutes: i64) -> Result<WhatIf, AppError>;
    /// A new version; sessions that live keep their limits.
    async fn save_policy(&self, edit: PolicyEdit) -> Result<Done, AppError>;
}
