//! What the pages of containment reports ask of the server.

use async_trait::async_trait;

use super::wire::{ReportOf, ReportPage};
use crate::error::AppError;

/// Containment reports, of what the caller's grants show.
#[async_trait]
pub trait ContainmentPort: Send + Sync {
    /// The report as a page; of long endings the first sessions. 404 for who sees nothing of it.
    async fn report(&self, of: ReportOf) -> Result<ReportPage, AppError>;
    /// The report as a signed file. Needs ExportData as well, and holds what that covers; making one is audited.
    async fn signed_report(&self, of: ReportOf) -> Result<String, AppError>;
}
