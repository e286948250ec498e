//! What the audit page asks of the server.

use async_trait::async_trait;

use super::wire::{AuditPage, AuditQuery, ChainStatus};
use crate::error::AppError;

/// The audit log. Needs ReadAudit; entries are narrowed to the caller's scope. Nobody can edit.
#[async_trait]
pub trait AuditPort: Send + Sync {
    /// A page of entries. Reading it is itself logged.
    async fn audit_page(&self, query: AuditQuery) -> Result<AuditPage, AppError>;
    /// Walks the whole chain again.
    async fn check_chain(&self) -> Result<ChainStatus, AppError>;
}
