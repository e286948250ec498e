//! Server functions of the account: what a page that is already open asks for.

use crate::json::Json;
use leptos::server;

#[cfg(feature = "ssr")]
use crate::backend::ask;
use crate::error::AppError;
use crate::signin::wire::{Frame, MySessions};
use crate::wire::Timestamp;

/// What the frame shows.
#[server(prefix = "/call", endpoint = "frame", input = Json, output = Json)]
pub async fn fetch_frame() -> Result<Frame, AppError> {
    ask(|b| async move { b.signin.frame().await }).await
}

/// The same, asked by a page on its own: never counts as activity.
#[server(prefix = "/call/background", endpoint = "frame", input = Json, output = Json)]
pub async fn fetch_frame_again() -> Result<Frame, AppError> {
    ask(|b| async move { b.signin.frame().await }).await
}

/// One's own sign-ins.
#[server(prefix = "/call", endpoint = "my-sessions", input = Json, output = Json)]
pub async fn fetch_my_sessions() -> Result<MySessions, AppError> {
    ask(|b| async move { b.signin.my_sessions().await }).await
}

/// Counts as activity: the new idle end.
#[server(prefix = "/call", endpoint = "extend", input = Json, output = Json)]
pub async fn extend() -> Result<Timestamp, AppError> {
    ask(|b| async move { b.signin.extend().await }).await
}
