//! Server functions of the audit page.

use crate::json::Json;
use leptos::server;

use crate::audit::wire::{AuditPage, AuditQuery};
#[cfg(feature = "ssr")]
use crate::backend::ask;
use crate::error::AppError;

/// A page of entries. Reading it is itself logged.
#[server(prefix = "/call", endpoint = "audit", input = Json, output = Json)]
pub async fn fetch_audit(query: AuditQuery) -> Result<AuditPage, AppError> {
    ask(|b| async move { b.audit.audit_page(query).await }).await
}
