//! The page of "Go to…", the dialog that shows it, and the control that opens either.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

use super::found::{Group, Line, address, exportable, found};
use super::{DIALOG, FIELD, LIST, TYPED};
use crate::layout::{FrameContext, PageHead, loaded};
use crate::paths;
use crate::ui::{Button, ButtonKind, Glyph, Icon, counted};

/// Longest text that is looked for, in characters.
const LONGEST: usize = 100;

/// The page: a field, and what it leads to.
#[component]
pub fn GoPage() -> impl IntoView {
    let query = use_query_map();
    let said = |name: &str| query.with_untracked(|q| q.get(name)).unwrap_or_default();
    let asked: String = said(TYPED).trim().chars().take(LONGEST).collect();
    let list = query.with_untracked(|q| q.get(LIST));
    let may = FrameContext::here().read(|frame| frame.permissions.clone());
    let kept = list.clone();
    let typed = asked.clone();
    loaded(
        move |b| async move {
            let list = list.and_then(|list| exportable(&list));
            Ok(found(b, may, &asked, list.as_deref()).await)
        },
        move |groups: Vec<Group>| {
            view! {
                <PageHead title="Go to…" />
                <div class="go-page card">
                    <form class="go-form" method="get" action=paths::GO role="search">
                        {kept.map(|list| view! { <input type="hidden" name=LIST value=list /> })}
                        <GoField id="go-page-q" value=typed />
                        <Button kind=ButtonKind::Primary>"Find"</Button>
                    </form>
                    <Found groups=groups />
                </div>
            }
            .into_any()
        },
    )
}

/// The field, in the page and in the dialog.
#[component]
fn GoField(
    /// Id.
    id: &'static str,
    /// What it holds.
    #[prop(optional, into)]
    value: String,
) -> impl IntoView {
    view! {
        <Glyph icon=Icon::Search />
        <input
            id=id
            class="go-field"
            type="text"
            inputmode="search"
            name=TYPED
            value=value
            autocomplete="off"
            spellcheck="false"
            maxlength=LONGEST
            aria-label="Person, system, view, ending or page"
            placeholder="Person, system, view, ending or page"
        />
    }
    .into_any()
}

/// The lines, by sort. The first is where Enter leads.
#[component]
fn Found(
    /// By sort.
    groups: Vec<Group>,
) -> impl IntoView {
    let all: usize = groups.iter().map(|(_, lines)| lines.len()).sum();
    let said = match all {
        0 => "Nothing of that name".to_owned(),
        n => counted(n as u64, "way to go", "ways to go"),
    };
    let mut first = true;
    let sorts = groups
        .into_iter()
        .map(|(words, lines)| {
            let lines = lines
                .into_iter()
                .map(|line| one(line, std::mem::take(&mut first)))
                .collect_view();
            view! {
                <section aria-label=words>
                    <h2 class="go-sort">{words}</h2>
                    <ul role="list">{lines}</ul>
                </section>
            }
        })
        .collect_view();
    view! {
        <div class="go-found" data-found="">
            <p class=if all == 0 { "go-none" } else { "unseen" } data-said="">
                {said}
            </p>
            {sorts}
        </div>
    }
    .into_any()
}

fn one(line: Line, first: bool) -> impl IntoView {
    let keys = line
        .keys
        .into_iter()
        .map(|key| view! { <kbd>{key}</kbd> })
        .collect_view();
    view! {
        <li>
            <a
                class="go-line"
                href=line.href
                rel=line.file.then_some("external")
                data-first=first.then_some("")
            >
                <Glyph icon=line.icon />
                <bdi class="go-words">{line.words}</bdi>
                <span class="go-aside">{line.aside}</span>
                {keys}
            </a>
        </li>
    }
}

/// The control in the bar: a link to the page, which script opens in the dialog.
#[component]
pub fn GoLink(
    /// A line of the menu of pages, where the bar is too narrow for it.
    #[prop(optional)]
    in_menu: bool,
) -> impl IntoView {
    let here = use_location();
    let href = address(&here.pathname.get_untracked(), &here.search.get_untracked());
    if in_menu {
        return view! {
            <a class="nav-link go-menu" href=href data-go="">
                "Go to…"
            </a>
        }
        .into_any();
    }
    view! {
        <a class="icon-btn wide go-link" href=href data-go="">
            <Glyph icon=Icon::Search />
            <span>"Go to…"</span>
            <kbd aria-hidden="true">"Ctrl K"</kbd>
        </a>
    }
    .into_any()
}

/// The dialog, empty until script opens it.
#[component]
pub fn GoDialog() -> impl IntoView {
    view! {
        <dialog id=DIALOG class="dialog go-dialog" aria-label="Go to…">
            <form class="go-form" method="get" action=paths::GO role="search">
                <GoField id=FIELD />
                <button type="button" class="go-close" data-close="" aria-label="Close">
                    <kbd>"Esc"</kbd>
                </button>
            </form>
            <div class="go-found" data-found=""></div>
        </dialog>
    }
    .into_any()
}
