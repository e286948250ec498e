//! Server functions of the sessions page: what it asks for once it is open.

use crate::json::Json;
use leptos::server;

use super::wire::{SelectionEdit, SelectionSummary, SessionsPage};
#[cfg(feature = "ssr")]
use crate::backend::{Backend, ask};
use crate::error::AppError;
use crate::wire::{Done, SelectionId};

/// The page of the list with this query string.
#[server(prefix = "/call", endpoint = "sessions", input = Json, output = Json)]
pub async fn list_sessions(query: String) -> Result<SessionsPage, AppError> {
    ask(|b| read_list(b, query, false)).await
}

/// The exact number of matching rows, where the page said "10,000+".
#[server(prefix = "/call/background", endpoint = "sessions-count", input = Json, output = Json)]
pub async fn count_sessions(query: String) -> Result<u64, AppError> {
    ask(|b| async move {
        match read_query(&b, &query).await? {
            (query, problems) if problems.is_empty() => b.sessions.count_sessions(query).await,
            (_, problems) => Err(AppError::Invalid { problems }),
        }
    })
    .await
}

/// Changes what is ticked.
#[server(prefix = "/call", endpoint = "selection", input = Json, output = Json)]
pub async fn edit_selection(edit: SelectionEdit) -> Result<SelectionSummary, AppError> {
    ask(|b| async move { b.sessions.edit_selection(edit).await }).await
}

/// Drops what is ticked.
#[server(prefix = "/call", endpoint = "selection-clear", input = Json, output = Json)]
pub async fn clear_selection(selection: SelectionId) -> Result<Done, AppError> {
    ask(|b| async move { b.sessions.clear_selection(selection).await }).await
}

/// Reads a query string; dates without a zone are in the caller's. Names what was not understood.
#[cfg(feature = "ssr")]
async fn read_query(
    backend: &Backend,
    text: &str,
) -> Result<(super::query::SessionQuery, Vec<crate::error::FieldProblem>), AppError> {
    let pairs = crate::paths::parse_query(text);
    // Only a date that somebody typed needs the zone: "@ms" and lengths of time mean the same everywhere.
    let typed_date = pairs
        .iter()
        .any(|(name, value)| name.ends_with(".op") && ["before", "after"].contains(&value.as_str()))
        && pairs.iter().any(|(name, value)| {
            ["started", "active", "idle_ends", "ends"].contains(&name.as_str()) && !value.starts_with('@')
        });
    let offset_min = if typed_date {
        backend.signin.frame().await?.zone_offset_min
    } else {
        0
    };
    Ok(super::query::SessionQuery::from_pairs(&pairs, offset_min))
}

/// The page, or the page without rows when a part of the query was not understood.
#[cfg(feature = "ssr")]
async fn read_list(backend: Backend, text: String, background: bool) -> Result<SessionsPage, AppError> {
    use super::query::SessionQuery;
    use super::wire::EmptyBecause;
    use crate::wire::Count;

    let (query, problems) = read_query(&backend, &text).await?;
    if problems.is_empty() {
        return backend.sessions.list_sessions(query, background).await;
    }
    // Strip, limits and columns are wanted all the same; the rows of a wider list are not.
    let around = SessionQuery {
        selection: query.selection.clone(),
        columns: query.columns.clone(),
        ..SessionQuery::default()
    };
    let page = backend.sessions.list_sessions(around, background).await?;
    Ok(SessionsPage {
        sort: query.sort,
        query,
        problems,
        rows: Vec::new(),
        first_row: 0,
        matching: Count::Exactly(0),
        next: None,
        previous: None,
        empty: Some(EmptyBecause::BadFilter),
        ..page
    })
}
