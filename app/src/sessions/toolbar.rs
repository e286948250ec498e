//! Above the table: how much is shown of how much, how old it is, and which columns there are.

use leptos::prelude::*;

use super::columns::Column;
use super::form::{ACT, Act, BACK, ColumnsForm, column_anchor, list_address};
use super::groups::GroupMenu;
use super::query::SessionQuery;
use super::wire::SessionsPage;
use crate::paths;
use crate::ui::{Button, ButtonKind, Glyph, Icon, TimeAgo, count_text, thousands};
use crate::wire::Count;

/// "Showing 1–100 of 1,038 that match · 4,213 in all": never a silent cap.
pub fn shown_words(page: &SessionsPage) -> (String, String, String) {
    let rows = page.rows.len() as u64;
    let range = match (page.first_row, rows) {
        (_, 0) => "0".to_owned(),
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
            <p class="list-count" data-count=count>
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
                <a class="btn btn-small btn-quiet" href=address data-again="">
                    <Glyph icon=Icon::Again />
                    <span>"Refresh"</span>
                    <span class="quiet">
                        <TimeAgo at=page.now passing=true />
                    </span>
                </a>
                <GroupMenu query=page.query.clone() />
                <ColumnChooser columns=page.columns.clone() back=page.query.to_query_string() />
            </div>
        </div>
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
                <li id=column_anchor(column)>
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
