//! Above the table: how much is shown of how much, how old it is, and which columns there are.

use leptos::prelude::*;

use super::columns::Column;
use super::form::{ACT, Act, BACK, ColumnsForm, column_anchor, list_address};
use super::groups::GroupMenu;
use super::live::LiveTools;
use super::query::SessionQuery;
use super::views::menu::kept;
use super::wire::SessionsPage;
use crate::access::wire::Permission;
use crate::layout::{FrameContext, here};
use crate::paths;
use crate::signin::wire::Density;
use crate::ui::{Button, ButtonKind, Copy, Glyph, Icon, TimeAgo, count_text, thousands};
use crate::wire::Count;

/// "Showing 1–100 of 1,038 that match · 4,213 in all": never a silent cap.
pub fn shown_words(page: &SessionsPage) -> (String, String, String) {
    let rows = page.rows.len() as u64;
    let range = match (page.first_row, rows) {
        (_, 0) => "0".to_owned(),
        // In groups all of them stand there, not a page of rows.
        _ if page.query.group.is_some() => "groups".to_owned(),
        (0, n) => thousands(n),
        (first, n) => format!("{}–{}", thousands(first), thousands(first + n - 1)),
    };
    let rest = if page.query.filter_count() == 0 {
        String::new()
    } else {
        format!("{} in all", count_text(page.in_all))
    };
    (range, count_text(page.matching), rest)
}

/// The line above the table.
#[component]
pub fn Toolbar(
    /// The page.
    page: SessionsPage,
) -> impl IntoView {
    let address = paths::sessions(&page.query.to_query_string());
    let filtered = page.query.filter_count() > 0;
    // Of a moment that is over nothing changes; groups have no rows that could stay in their place.
    let live = page.problems.is_empty() && page.query.at.is_none() && page.query.group.is_none();
    let (range, matching, rest) = shown_words(&page);
    // Where counting stopped, script asks for the exact number.
    let count = matches!(page.matching, Count::MoreThan(_)).then(|| {
        let query = page.query.first_page();
        paths::with_query(
            paths::COUNT,
            &SessionQuery {
                selection: None,
                ..query
            }
            .to_query_string(),
        )
    });
    let said = match page.matching {
        Count::Exactly(1) => "1 session matches".to_owned(),
        count => format!("{} sessions match", count_text(count)),
    };
    view! {
        <div class="list-head">
            <p id="list-count" class="list-count" data-count=count>
                "Showing "
                <b>{range}</b>
                " of "
                <b data-exact="">{matching}</b>
                {filtered.then_some(" that match")}
                {(!rest.is_empty()).then(|| view! { <span class="quiet">{format!(" · {rest}")}</span> })}
            </p>
            <span hidden data-say="">
                {said}
            </span>
            <div class="list-tools">
                {live.then(|| view! { <LiveTools version=page.version /> })}
                <a id="refresh" class="btn btn-small btn-quiet" href=address data-again="">
                    <Glyph icon=Icon::Again />
                    <span>"Refresh"</span>
                    <span class="quiet">
                        <TimeAgo at=page.now passing=true />
                    </span>
                </a>
                <Copy text=paths::sessions(&kept(&page.query)) label="Copy the address of this list" words="Copy link" />
                <DensityMenu />
                <GroupMenu query=page.query.clone() />
                <ColumnChooser columns=page.columns.clone() back=page.query.to_query_string() />
                {page.problems.is_empty().then(|| view! { <ExportMenu query=page.query.clone() /> })}
            </div>
        </div>
        {Column::hidden_but_used(&page.columns, &page.query)
            .map(|words| view! { <p class="list-guests" data-say="">{words}</p> })}
        <HiddenGuests page=page.clone() />
    }
    .into_any()
}

/// How many guests the list leaves out, and the list of them.
#[component]
fn HiddenGuests(
    /// The page.
    page: SessionsPage,
) -> impl IntoView {
    let words = match page.guests_hidden {
        Count::Exactly(0) => return ().into_any(),
        Count::Exactly(1) => "1 guest session, with nobody signed in, is not shown.".to_owned(),
        count => format!(
            "{} guest sessions, with nobody signed in, are not shown.",
            count_text(count)
        ),
    };
    let href = list_address(
        &page.query.only_guests().to_query_string(),
        page.query.selection.as_ref(),
    );
    view! {
        <p class="list-guests">
            {words} " " <a href=href>{if page.guests_hidden == Count::Exactly(1) { "Show it" } else { "Show them" }}</a>
        </p>
    }
    .into_any()
}

/// How high rows are, kept per person by the server.
#[component]
fn DensityMenu() -> impl IntoView {
    let current = FrameContext::here().read(|frame| frame.density);
    view! {
        <details class="drop drop-end">
            <summary class="btn btn-small btn-quiet">
                <Glyph icon=Icon::Density />
                <span>"Density"</span>
                <Glyph icon=Icon::Chevron />
            </summary>
            <form class="drop-body" method="post" action=paths::post::ACCOUNT>
                <input type="hidden" name=ACT value="density" />
                <input type="hidden" name="next" value=here() />
                {[(Density::Comfortable, "Comfortable", "Two lines a row"), (Density::Compact, "Compact", "One line a row")]
                    .map(|(density, words, means)| {
                        let on = current == density;
                        view! {
                            <button
                                class="menu-item"
                                name="density"
                                value=density.name()
                                aria-pressed=if on { "true" } else { "false" }
                            >
                                <span class="menu-tick">{on.then(|| view! { <Glyph icon=Icon::Check /> })}</span>
                                <span class="menu-words">
                                    <span>{words}</span>
                                    <span class="second">{means}</span>
                                </span>
                            </button>
                        }
                    })
                    .collect_view()}
            </form>
        </details>
    }
    .into_any()
}

/// The list as a file, with the filters in force: exactly what matches, never more than the page shows.
#[component]
fn ExportMenu(
    /// The query of the list, understood as a whole.
    query: SessionQuery,
) -> impl IntoView {
    let whole = SessionQuery {
        selection: None,
        columns: None,
        ..query.first_page()
    }
    .to_query_string();
    let body = if FrameContext::here().may(Permission::ExportData) {
        view! {
            <p class="second">"Every session that matches, as far as you may export. It is written to the audit log."</p>
            <a class="menu-item" href=paths::with_query(paths::SESSIONS_CSV, &whole) rel="external">
                "CSV, for spreadsheets"
            </a>
            <a class="menu-item" href=paths::with_query(paths::SESSIONS_JSONL, &whole) rel="external">
                "JSON lines, for programs"
            </a>
        }
        .into_any()
    } else {
        view! { <p class="why">"To take the list out as a file you need “Export data”."</p> }.into_any()
    };
    view! {
        <details class="drop drop-end">
            <summary class="btn btn-small btn-quiet">
                <Glyph icon=Icon::Export />
                <span>"Export"</span>
                <Glyph icon=Icon::Chevron />
            </summary>
            <div class="drop-body">{body}</div>
        </details>
    }
    .into_any()
}

/// Which columns, in which order: boxes and arrows of one POST form, kept per person by the server.
#[component]
fn ColumnChooser(
    /// The columns shown, in order.
    columns: Vec<Column>,
    /// Query string of the list to come back to.
    back: String,
) -> impl IntoView {
    let label = format!("{} of {} columns", columns.len(), Column::ALL.len());
    let shown = columns.len();
    let hidden: Vec<Column> = Column::ALL.into_iter().filter(|c| !columns.contains(c)).collect();
    let lines = columns
        .into_iter()
        .chain(hidden)
        .enumerate()
        .map(|(at, column)| {
            let is_shown = at < shown;
            view! {
                <li id=column_anchor(column) data-at=at>
                    <input type="hidden" name=ColumnsForm::ORDER value=column.name() />
                    <label class="filter-box">
                        <input
                            type="checkbox"
                            name=ColumnsForm::SHOW
                            value=column.name()
                            checked=is_shown
                            disabled=column.always()
                        />
                        {column.label()}
                        {column.always().then(|| view! { <span class="quiet">"always"</span> })}
                    </label>
                    {is_shown
                        .then(|| {
                            view! {
                                <Mover column=column up=true blocked=at == 0 />
                                <Mover column=column up=false blocked=at + 1 == shown />
                            }
                        })}
                </li>
            }
        })
        .collect_view();
    view! {
        <details class="drop drop-end">
            <summary class="btn btn-small btn-quiet">
                <Glyph icon=Icon::Columns />
                <span>{label.clone()}</span>
                <Glyph icon=Icon::Chevron />
            </summary>
            <form method="post" action=paths::post::COLUMNS class="drop-body chooser" aria-label="Columns">
                // The first button is the one that Enter presses.
                <button class="unseen" tabindex="-1" aria-hidden="true">
                    "Apply"
                </button>
                <input type="hidden" name=BACK value=back />
                <ul role="list">{lines}</ul>
                <div class="drop-foot">
                    <Button kind=ButtonKind::Primary small=true>
                        "Apply"
                    </Button>
                    <Button kind=ButtonKind::Quiet small=true name=ACT value=ColumnsForm::DEFAULT>
                        "Default"
                    </Button>
                    // With script moving is a draft until Apply: this, or closing, puts everything back.
                    <button type="button" class="btn btn-small btn-quiet" data-put-back="" hidden>
                        "Cancel"
                    </button>
                </div>
            </form>
        </details>
    }
    .into_any()
}

#[component]
fn Mover(column: Column, up: bool, blocked: bool) -> impl IntoView {
    let (way, icon, words) = if up {
        ("up", Icon::Up, "up")
    } else {
        ("down", Icon::Down, "down")
    };
    view! {
        <button
            class="icon-btn"
            name=ColumnsForm::MOVE
            value=format!("{way}:{}", column.name())
            disabled=blocked
            aria-label=format!("Move {} {words}", column.label())
        >
            <Glyph icon=icon />
        </button>
    }
    .into_any()
}

/// First, previous and next page: buttons of the row form, so that ticks come along.
#[component]
pub fn Pager(
    /// The page.
    page: SessionsPage,
) -> impl IntoView {
    let mut query = page.query.clone();
    query.selection = None;
    let first = page.previous.is_some().then(|| query.first_page());
    let previous = page.previous.as_deref().map(|text| query.from_cursor(text, true));
    let next = page.next.as_deref().map(|text| query.from_cursor(text, false));
    let needed = first.is_some() || next.is_some();
    let button = |words: &'static str, to: Option<super::query::SessionQuery>| {
        let value = to.as_ref().map(|to| Act::GoTo(to.to_query_string()).value());
        view! {
            <button class="btn btn-small" name=ACT value=value disabled=to.is_none()>
                {words}
            </button>
        }
    };
    needed.then(|| {
        view! {
            <div class="buttons" role="group" aria-label="Pages">
                {button("First", first)}
                {button("Previous", previous)}
                {button("Next", next)}
            </div>
        }
    })
}
