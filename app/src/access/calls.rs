//! Server functions of the access page.

use leptos::server;
use leptos::server_fn::codec::Json;

use crate::access::wire::AccessPage;
#[cfg(feature = "ssr")]
use crate::backend::ask;
use crate::error::AppError;

/// The page.
#[server(prefix = "/call", endpoint = "access", input = Json, output = Json)]
pub async fn fetch_access() -> Result<AccessPage, AppError> {
    ask(|b| async move { b.access.access_page().await }).await
}
