//! Server functions of the access page.

use crate::json::Json;
use leptos::server;

use crate::access::wire::AccessPage;
#[cfg(feature = "ssr")]
use crate::backend::ask;
use crate::error::AppError;

/// The page.
#[server(prefix = "/call", endpoint = "access", input = Json, output = Json)]
pub async fn fetch_access() -> Result<AccessPage, AppError> {
    ask(|b| async move { b.access.access_page().await }).await
}
