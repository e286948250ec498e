//! Server functions of the preview and the endings pages. Everything that changes something is a plain form.

use crate::json::Json;
use leptos::server;

use super::wire;
use super::wire::ItemFilter;
#[cfg(feature = "ssr")]
use crate::backend::ask;
use crate::error::AppError;
use crate::wire::EndingId;

/// A preview.
#[server(prefix = "/call", endpoint = "preview", input = Json, output = Json)]
pub async fn read_preview(ending: EndingId) -> Result<wire::Preview, AppError> {
    ask(|b| async move { b.endings.preview(ending).await }).await
}

/// The list of endings.
#[server(prefix = "/call", endpoint = "endings", input = Json, output = Json)]
pub async fn read_endings(cursor: Option<String>) -> Result<wire::EndingsPage, AppError> {
    ask(|b| async move { b.endings.endings_page(cursor).await }).await
}

/// The same, asked by a page on its own: never counts as activity.
#[server(prefix = "/call/background", endpoint = "endings", input = Json, output = Json)]
pub async fn read_endings_again(cursor: Option<String>) -> Result<wire::EndingsPage, AppError> {
    ask(|b| async move { b.endings.endings_page(cursor).await }).await
}

/// One ending.
#[server(prefix = "/call", endpoint = "ending", input = Json, output = Json)]
pub async fn read_ending(
    ending_no: i64,
    only: Option<ItemFilter>,
    cursor: Option<String>,
) -> Result<wire::EndingPage, AppError> {
    ask(|b| async move { b.endings.ending_page(ending_no, only, cursor).await }).await
}

/// The same, asked by a page on its own: never counts as activity.
#[server(prefix = "/call/background", endpoint = "ending", input = Json, output = Json)]
pub async fn read_ending_again(
    ending_no: i64,
    only: Option<ItemFilter>,
    cursor: Option<String>,
) -> Result<wire::EndingPage, AppError> {
    ask(|b| async move { b.endings.ending_page(ending_no, only, cursor).await }).await
}
