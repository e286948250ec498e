//! The health strip: every system with its shape, count and age; a click lists that system alone.

use leptos::prelude::*;

use super::form::{STRIP, list_address};
use super::query::SessionQuery;
use super::wire::SessionsPage;
use crate::layout::FrameContext;
use crate::systems::wire::{Health, SystemBrief};
use crate::ui::{Ends, Glyph, HealthMark, Icon, Note, Remaining, TimeAgo, Tone, count_text};
use crate::wire::{Count, SelectionId};

/// The strip.
#[component]
pub fn HealthStrip(
    /// The page.
    page: SessionsPage,
    /// What is ticked, for the links.
    sel: Option<SelectionId>,
) -> impl IntoView {
    let query = page.query.first_page();
    let all = SessionQuery {
        systems: Vec::new(),
        ..query.clone()
    };
    let live = page.systems.iter().filter(|s| s.health == Health::Live).count();
    let words = match (live, page.systems.len()) {
        (_, 0) => "none in your grant".to_owned(),
        (live, all) if live == all => format!("all {all} live"),
        (live, all) => format!("{live} of {all} live"),
    };
    let one_cell = |system: &SystemBrief| {
        let only = [system.system_id.clone()];
        let current = query.systems == only;
        let one = SessionQuery {
            systems: only.to_vec(),
            ..query.clone()
        };
        let class = match system.health {
            Health::Live => "health-cell",
            Health::Stale => "health-cell is-stale",
            Health::Failed => "health-cell is-failed",
            Health::Off => "health-cell",
        };
        cell(
            class,
            one,
            sel.clone(),
            current,
            Some(system.clone()),
            system.name.clone(),
            system.count,
            age(system),
        )
    };
    let cells = page.systems.iter().map(one_cell).collect_view();
    // On a narrow window what is fine folds into one cell; what is wrong, and what is chosen, stands beside it.
    let fine: Vec<_> = page
        .systems
        .iter()
        .filter(|system| system.health == Health::Live && query.systems != [system.system_id.clone()])
        .collect();
    let folded = (!fine.is_empty()).then(|| {
        let count = fine.len();
        let cells = fine.into_iter().map(one_cell).collect_view();
        view! {
            <li class="health-fold">
                <details class="drop">
                    <summary class="health-cell">
                        <HealthMark health=Health::Live bare=true />
                        {format!("{count} live")}
                        <Glyph icon=Icon::Chevron />
                    </summary>
                    <ul class="drop-body" role="list">
                        {cells}
                    </ul>
                </details>
            </li>
        }
    });
    let everything = cell(
        "health-cell",
        all,
        sel.clone(),
        page.query.systems.is_empty(),
        None,
        "All systems".to_owned(),
        page.in_all,
        words.into_any(),
    );
    view! {
        <nav id=STRIP aria-label="Systems">
            <ul class="health" role="list">{everything} {cells} {folded}</ul>
        </nav>
    }
    .into_any()
}

#[expect(
    clippy::too_many_arguments,
    reason = "one cell of one strip; a struct would only repeat the names"
)]
fn cell(
    class: &'static str,
    query: SessionQuery,
    sel: Option<SelectionId>,
    current: bool,
    system: Option<SystemBrief>,
    name: String,
    count: Count,
    second: AnyView,
) -> AnyView {
    let query = query.to_query_string();
    let href = list_address(&query, sel.as_ref());
    let simulated = system.as_ref().is_some_and(|s| s.simulated);
    view! {
        <li><a class=class href=href aria-current=current.then_some("true")>
            {system.map(|s| view! { <HealthMark health=s.health bare=true /> })}
            <span class="health-name">
                <bdi class="cut">{name}</bdi>
                {simulated.then(|| view! { <span class="unseen">" (simulated)"</span> })}
            </span>
            <b class="health-count">{count_text(count)}</b>
            <span class="health-age">{second}</span>
        </a></li>
    }
    .into_any()
}

/// The age of a system's rows, with the word when it is not live.
fn age(system: &SystemBrief) -> AnyView {
    let before = match system.health {
        Health::Live => "",
        Health::Stale => "stale, read",
        Health::Failed => "failed, read",
        Health::Off => "off, read",
    };
    match system.read_at {
        Some(at) => view! { <TimeAgo at=at before=before passing=true /> }.into_any(),
        None if system.health == Health::Off => "off, never read".into_any(),
        None => "never read".into_any(),
    }
}

/// One note per system that is not live, unless the frame already tells of it.
#[component]
pub fn SystemNotes(
    /// The page.
    page: SessionsPage,
) -> impl IntoView {
    let frame = FrameContext::here();
    let told = frame.read(|frame| {
        let facts = frame.banners.iter().map(|banner| banner.fact.clone());
        facts.collect::<Vec<_>>()
    });
    let notes = page
        .systems
        .into_iter()
        .filter(|system| matches!(system.health, Health::Stale | Health::Failed))
        .filter(|system| !told.iter().any(|fact| fact.contains(&system.name)))
        .map(|system| {
            let failed = system.health == Health::Failed;
            let tone = if failed { Tone::Danger } else { Tone::Warn };
            let rows = match system.count.at_least() {
                0 => "No row of it is listed.".to_owned(),
                1 => "Its one row is as it was then and may have ended.".to_owned(),
                _ => format!(
                    "Its {} rows are as they were then and may have ended.",
                    count_text(system.count)
                ),
            };
            let since = system.trouble_since.or(system.read_at);
            let trouble = system.trouble.map(|words| format!(" {words}"));
            view! {
                <Note tone=Some(tone)>
                    <b>
                        <bdi>{system.name}</bdi>
                        " has not been read whole"
                        {since.map(|at| view! { " since " <crate::ui::When at=at /> })}
                        "."
                    </b>
                    " "
                    {rows}
                    {trouble}
                    " "
                    {system.next_try_at.map(|at| view! { "Next try " <Remaining ends=Ends::At(at) /> ". " })}
                    <a href=crate::paths::system(&system.system_id)>"See the system"</a>
                </Note>
            }
        })
        .collect_view();
    view! { <div id="notes">{notes}</div> }
}
