//! The list of live sessions: system filter, search, table, selection, limits.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::empty::EmptyList;
use super::filters::{Chips, SearchForm};
use super::form::{ACT, Act, QUERY, ROWS_FORM, SEL};
use super::limits::{LimitsBar, LimitsPanel};
use super::open::Opened;
use super::picks::BulkBar;
use super::query::SessionQuery;
use super::strip::{HealthStrip, SystemNotes};
use super::table::SessionTable;
use super::toolbar::{Pager, Toolbar};
use super::wire::{EmptyBecause, SessionsPage as Page};
use crate::backend::{Backend, Background};
use crate::error::{AppError, FieldProblem};
use crate::layout::{Echo, PageHead, loaded};
use crate::paths;
use crate::ui::{Clock, Note, Tone};
use crate::wire::Count;

/// The sessions page.
#[component]
pub fn SessionsPage() -> impl IntoView {
    let asked = use_location().search.get_untracked();
    let Background(background) = use_context().unwrap_or_default();
    // What the search field shows again: the query as it was asked, without the selection.
    let mut pairs = paths::parse_query(&asked);
    let open = Opened::take(&mut pairs);
    let asked = paths::query_string(&pairs);
    pairs.retain(|(name, _)| name != SEL);
    let typed = paths::query_string(&pairs);
    loaded(
        move |b| read_opened(b, asked, open, background),
        move |(page, opened)| {
            Clock::here().set(page.now);
            view! { <Shown page=page opened=opened asked=typed /> }.into_any()
        },
    )
}

/// The page, with the counts of its filters where one was opened.
async fn read_opened(
    backend: Backend,
    text: String,
    open: Option<String>,
    background: bool,
) -> Result<(Page, Opened), AppError> {
    let page = read_list(backend.clone(), text, background).await?;
    let mut opened = Opened {
        field: open,
        ..Opened::default()
    };
    let listed = !matches!(
        page.empty,
        Some(EmptyBecause::NoGrant { .. } | EmptyBecause::BadFilter)
    );
    if opened.field.is_some() && listed {
        opened.facets = backend.sessions.facets(page.query.first_page()).await?;
    }
    Ok((page, opened))
}

/// Reads a query string; dates without a zone are in the caller's. Names what was not understood.
fn read_query(text: &str) -> (SessionQuery, Vec<FieldProblem>) {
    SessionQuery::from_pairs(&paths::parse_query(text), Clock::here().offset_min())
}

/// The page, or the page without rows when a part of the query was not understood.
async fn read_list(backend: Backend, text: String, background: bool) -> Result<Page, AppError> {
    let (query, problems) = read_query(&text);
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
    Ok(Page {
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

/// The page once its data is there.
#[component]
fn Shown(
    page: Page,
    /// The filter that stands open.
    opened: Opened,
    /// The query string as it was asked.
    asked: String,
) -> impl IntoView {
    let at = Clock::here().heading(page.now);
    let sel = page.query.selection.clone();
    let limits = page.limits.clone();
    let side = (!limits.is_empty()).then(|| {
        let limits = limits.clone();
        view! {
            <aside class="above-1340" aria-label="Session limits">
                <LimitsPanel limits=limits />
            </aside>
        }
    });
    let has_side = side.is_some();
    let bar = (!limits.is_empty()).then(|| view! { <LimitsBar limits=limits /> });
    view! {
        <div class="wide-page">
            <PageHead title="Sessions" tools=move || view! { <span class="quiet">{at.clone()}</span> } />
            <HealthStrip page=page.clone() sel=sel.clone() />
            <SystemNotes page=page.clone() />
            <div class="list-grid" class:has-side=has_side>
                <div class="list-main">
                    <SearchForm page=page.clone() opened=opened asked=asked sel=sel.clone() />
                    <Chips page=page.clone() sel=sel />
                    {bar}
                    <section class="card" aria-label="Sessions">
                        <Toolbar page=page.clone() />
                        <Rows page=page />
                    </section>
                </div>
                {side}
            </div>
        </div>
    }
    .into_any()
}

/// The row form: table, pager and bulk bar. One POST carries every tick to wherever its button leads.
#[component]
fn Rows(page: Page) -> impl IntoView {
    let echo = Echo::of(paths::post::SELECTION, None, &[]);
    let refused = echo.whole(&[]);
    let matching = page.matching;
    let may_end = page.may_end_any;
    let empty = page.rows.is_empty();
    let query = page.query.first_page();
    let query = SessionQuery {
        selection: None,
        cursor: page.query.cursor.clone(),
        ..query
    }
    .to_query_string();
    let sel = page.query.selection.clone().map(|sel| sel.0).unwrap_or_default();
    let summary = page.selection.clone();
    let table = if empty {
        view! { <EmptyList page=page.clone() /> }.into_any()
    } else {
        view! {
            <SessionTable page=page.clone() />
        }
        .into_any()
    };
    let no_script = (!empty && page.may_end_any).then(|| {
        view! {
            <div class="buttons without-script">
                <button class="btn btn-small" name=ACT value=Act::Page.value()>
                    "Select this page"
                </button>
                <button class="btn btn-small" name=ACT value=Act::Select.value()>
                    "Keep the ticks"
                </button>
                <button class="btn btn-small" name=ACT value=Act::Preview.value()>
                    "End ticked sessions…"
                </button>
            </div>
        }
    });
    view! {
        <form id=ROWS_FORM class="rows-form" method="post" action=paths::post::SELECTION>
            // The first button is the one that Enter presses: it only keeps the ticks.
            <button class="unseen" tabindex="-1" aria-hidden="true" name=ACT value=Act::Select.value()>
                "Keep the ticks"
            </button>
            <input type="hidden" name=SEL value=sel />
            <input type="hidden" name=QUERY value=query />
            {refused.map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
            {table}
            <div class="pager">
                <Pager page=page />
                {no_script}
            </div>
            {may_end.then(|| view! { <BulkBar summary=summary matching=matching /> })}
        </form>
    }
    .into_any()
}
