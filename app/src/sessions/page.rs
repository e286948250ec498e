//! The list of live sessions: system filter, search, table, selection, limits.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::empty::EmptyList;
use super::filters::{Chips, SearchForm};
use super::form::{ACT, Act, QUERY, ROWS_FORM, SEL};
use super::groups::GroupTable;
use super::help::ListHelp;
use super::limits::{LimitsBar, LimitsPanel};
use super::moment::PastNote;
use super::open::Opened;
use super::paste::Unmatched;
use super::picks::BulkBar;
use super::query::{SessionQuery, pasted};
use super::strip::{HealthStrip, SystemNotes};
use super::table::{HeldRows, SessionTable};
use super::toolbar::{Pager, Toolbar};
use super::views::menu::ViewsMenu;
use super::views::wire::Views;
use super::wire::{EmptyBecause, GroupsPage, Known, SessionRow, SessionsPage as Page};
use crate::backend::{Backend, Background, OpenRows};
use crate::error::{AppError, FieldProblem};
use crate::layout::{Echo, PageHead, loaded};
use crate::paths;
use crate::ui::{Clock, Note, Tone};
use crate::wire::{Count, SessionKey};

/// The sessions page.
#[component]
pub fn SessionsPage() -> impl IntoView {
    let asked = use_location().search.get_untracked();
    let Background(background) = use_context().unwrap_or_default();
    let OpenRows(open_rows) = use_context().unwrap_or_default();
    // What the search field shows again: the query as it was asked, without the selection.
    let mut pairs = paths::parse_query(&asked);
    let open = Opened::take(&mut pairs);
    let asked = paths::query_string(&pairs);
    pairs.retain(|(name, _)| name != SEL);
    let typed = paths::query_string(&pairs);
    loaded(
        move |b| read_opened(b, asked, open, background, open_rows),
        move |read: Read| {
            Clock::here().set(read.page.now);
            view! { <Shown read=read asked=typed /> }.into_any()
        },
    )
}

/// The page with what was asked beside its rows.
struct Read {
    page: Page,
    /// Saved views the person finds.
    views: Views,
    /// The filter that stands open.
    opened: Opened,
    /// What matches in groups, where the address asks for them.
    groups: Option<GroupsPage>,
    /// What is known of the moment the address names.
    known: Option<Known>,
    /// Rows that the open page shows and this list does not, as they are now.
    held: Vec<SessionRow>,
    /// How many the address asks for one by one, and those of them that match nothing.
    unmatched: (u64, Vec<String>),
}

/// The page, with the counts of its filters where one was opened, its groups, and what is known of its moment.
async fn read_opened(
    backend: Backend,
    text: String,
    open: Option<String>,
    background: bool,
    open_rows: Vec<SessionKey>,
) -> Result<Read, AppError> {
    let page = read_list(backend.clone(), text, background).await?;
    let mut read = Read {
        // Who may see nothing has no views either; the page says why.
        views: backend.views.views().await.unwrap_or_default(),
        opened: Opened {
            field: open,
            ..Opened::default()
        },
        groups: None,
        known: None,
        unmatched: (0, Vec::new()),
        held: Vec::new(),
        page,
    };
    let nothing = Some(EmptyBecause::BadFilter);
    if matches!(read.page.empty, Some(EmptyBecause::NoGrant { .. })) || read.page.empty == nothing {
        return Ok(read);
    }
    let sessions = backend.sessions;
    let query = read.page.query.first_page();
    if read.opened.field.is_some() {
        read.opened.facets = sessions.facets(query.clone()).await?;
    }
    let listed = pasted::each(&query).len();
    if listed > 0 {
        read.unmatched = (listed as u64, sessions.unmatched(query.clone()).await?);
    }
    let elsewhere = |key: &SessionKey| read.page.rows.iter().all(|row| row.session_key != *key);
    let elsewhere: Vec<SessionKey> = open_rows.into_iter().filter(elsewhere).collect();
    if !elsewhere.is_empty() {
        read.held = sessions.shown(elsewhere, query.selection.clone()).await?;
    }
    if let Some(at) = query.at {
        read.known = Some(sessions.known_at(at).await?);
    }
    if let Some(by) = query.group.filter(|_| read.page.empty.is_none()) {
        match sessions.groups(query, by).await {
            Ok(groups) => read.groups = Some(groups),
            Err(AppError::Invalid { problems }) => {
                read.page = Page {
                    problems,
                    rows: Vec::new(),
                    empty: nothing,
                    ..read.page
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(read)
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
    read: Read,
    /// The query string as it was asked.
    asked: String,
) -> impl IntoView {
    let Read {
        page,
        views,
        opened,
        groups,
        known,
        held,
        unmatched: (asked_for, none),
    } = read;
    let past = known.map(|known| view! { <PastNote page=page.clone() known=known /> });
    let at = Clock::here().heading(page.now);
    let sel = page.query.selection.clone();
    let limits = page.limits.clone();
    let side = (!limits.is_empty()).then(|| {
        let limits = limits.clone();
        view! {
            <aside id="limits" class="above-1340" aria-label="Session limits">
                <LimitsPanel limits=limits />
            </aside>
        }
    });
    let has_side = side.is_some();
    let saved = page.problems.is_empty().then(|| page.query.clone());
    let menu = move || view! { <ViewsMenu views=views.clone() query=saved.clone() /> };
    let bar = (!limits.is_empty()).then(|| view! { <LimitsBar limits=limits /> });
    view! {
        <div class="wide-page">
            <PageHead title="Sessions" aside=menu tools=move || view! { <span class="quiet">{at.clone()}</span> <ListHelp /> } />
            <HealthStrip page=page.clone() sel=sel.clone() />
            <SystemNotes page=page.clone() />
            <div class="list-grid" class:has-side=has_side>
                <div class="list-main">
                    <SearchForm page=page.clone() opened=opened asked=asked sel=sel.clone() />
                    <Chips page=page.clone() sel=sel />
                    {past}
                    <Unmatched asked=asked_for none=none />
                    {bar}
                    <section class="card" aria-label="Sessions">
                        <Toolbar page=page.clone() />
                        <Rows page=page groups=groups held=held />
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
fn Rows(
    page: Page,
    /// In groups instead of rows.
    groups: Option<GroupsPage>,
    /// Rows for the page that asks again.
    held: Vec<SessionRow>,
) -> impl IntoView {
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
    let held = (!held.is_empty()).then(|| view! { <HeldRows page=page.clone() rows=held /> });
    let grouped = groups.is_some();
    let table = if empty {
        view! { <EmptyList page=page.clone() /> }.into_any()
    } else if let Some(groups) = groups {
        view! { <GroupTable page=page.clone() groups=groups /> }.into_any()
    } else {
        view! {
            <SessionTable page=page.clone() />
        }
        .into_any()
    };
    let no_script = (!empty && !grouped && page.may_end_any).then(|| {
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
            {held}
            <div class="pager">
                {(!grouped).then(|| view! { <Pager page=page /> })}
                {no_script}
            </div>
            {may_end.then(|| view! { <BulkBar summary=summary matching=matching /> })}
        </form>
    }
    .into_any()
}
