//! Server functions of the policies page.

use crate::json::Json;
use leptos::server;

#[cfg(feature = "ssr")]
use crate::backend::ask;
use crate::error::AppError;
use crate::policies::wire::{PoliciesPage, WhatIf};

/// The page; `asked` = limits (idle, absolute) in minutes for the what-if.
#[server(prefix = "/call", endpoint = "policies", input = Json, output = Json)]
pub async fn fetch_policies(asked: Option<(i64, i64)>) -> Result<PoliciesPage, AppError> {
    ask(|b| async move { b.policies.policies_page(asked).await }).await
}

/// What limits in minutes would mean now.
#[server(prefix = "/call", endpoint = "what-if", input = Json, output = Json)]
pub async fn ask_what_if(idle_minutes: i64, absolute_minutes: i64) -> Result<WhatIf, AppError> {
    ask(|b| async move { b.policies.what_if(idle_minutes, absolute_minutes).await }).await
}
