//! Server functions of the systems page.

use crate::json::Json;
use leptos::server;

#[cfg(feature = "ssr")]
use crate::backend::ask;
use crate::error::AppError;
use crate::systems::wire::SystemsPage;

/// The page.
#[server(prefix = "/call", endpoint = "systems", input = Json, output = Json)]
pub async fn fetch_systems() -> Result<SystemsPage, AppError> {
    ask(|b| async move { b.systems.systems_page().await }).await
}

/// The page, asked again by itself while it stays open.
#[server(prefix = "/call/background", endpoint = "systems", input = Json, output = Json)]
pub async fn fetch_systems_again() -> Result<SystemsPage, AppError> {
    ask(|b| async move { b.systems.systems_page().await }).await
}
