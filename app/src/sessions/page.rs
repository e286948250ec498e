//! The list of live sessions: system filter, search, table, selection, limits. Every part works without script.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use super::calls;
use super::empty::EmptyList;
use super::filters::{Chips, SearchForm};
use super::form::{ACT, Act, QUERY, SEL, list_address};
use super::limits::{LimitsBar, LimitsPanel};
use super::picks::{BulkBar, Picks};
use super::strip::{HealthStrip, SystemNotes};
use super::table::{ROWS_FORM, SessionTable};
use super::toolbar::{Pager, Toolbar};
use super::wire::SessionsPage as Page;
use crate::layout::{Echo, PageHead, loaded};
use crate::paths;
use crate::ui::{Announcer, Clock, Note, Tone, count_text};
use crate::wire::{Count, SelectionId};

/// The sessions page.
#[component]
pub fn SessionsPage() -> impl IntoView {
    let search = use_location().search;
    // What is ticked stands in the address, but a new tick is no new list.
    let asked = Memo::new(move |_| {
        let mut pairs = paths::parse_query(&search.get());
        pairs.retain(|(name, _)| name != SEL);
        paths::query_string(&pairs)
    });
    let sel = Memo::new(move |_| {
        let pairs = paths::parse_query(&search.get());
        pairs
            .into_iter()
            .find(|(name, value)| name == SEL && !value.is_empty())
            .map(|(_, value)| SelectionId::from(value))
    });
    let data = Resource::new(
        move || asked.get(),
        move |asked| {
            let mut pairs = paths::parse_query(&asked);
            pairs.extend(sel.get_untracked().map(|sel| (SEL.to_owned(), sel.0)));
            calls::list_sessions(paths::query_string(&pairs))
        },
    );
    let navigate = use_navigate();
    let go = {
        let navigate = navigate.clone();
        Callback::new(move |query: String| {
            navigate(
                &list_address(&query, sel.get_untracked().as_ref()),
                NavigateOptions::default(),
            );
        })
    };
    let put = Callback::new(move |selection: Option<SelectionId>| {
        if sel.get_untracked() != selection {
            navigate(
                &list_address(&asked.get_untracked(), selection.as_ref()),
                NavigateOptions {
                    replace: true,
                    scroll: false,
                    ..NavigateOptions::default()
                },
            );
        }
    });
    let picks = Picks::new(sel, put, go);
    let exact = RwSignal::new(None::<u64>);
    let shown = RwSignal::new(0_u64);
    count_and_say(data, exact, shown);
    #[cfg(feature = "hydrate")]
    {
        super::memory::keep(shown);
        super::script::search_while_typing(go);
    }

    loaded(data, move |page| {
        Clock::here().set(page.now);
        picks.learn(&page);
        exact.set(None);
        shown.update(|n| *n += 1);
        view! { <Shown page=page asked=asked picks=picks exact=exact data=data generation=shown.get_untracked() /> }
            .into_any()
    })
}

/// In the browser: asks for the exact number where counting stopped, and says how many match, once per list.
fn count_and_say(
    data: Resource<Result<Page, crate::error::AppError>>,
    exact: RwSignal<Option<u64>>,
    shown: RwSignal<u64>,
) {
    let announcer = Announcer::here();
    Effect::new(move |_| {
        let generation = shown.get();
        let Some(Ok(page)) = data.get_untracked() else {
            return;
        };
        if generation > 1 {
            announcer.say(match page.matching {
                Count::Exactly(1) => "1 session matches".to_owned(),
                count => format!("{} sessions match", count_text(count)),
            });
        }
        if matches!(page.matching, Count::MoreThan(_)) {
            leptos::task::spawn_local(async move {
                let counted = calls::count_sessions(page.query.first_page().to_query_string()).await;
                // An answer for a list that is not shown any more says nothing; neither does an error.
                if shown.get_untracked() == generation
                    && let Ok(counted) = counted
                {
                    exact.set(Some(counted));
                }
            });
        }
    });
}

/// The page once its data is there.
#[component]
fn Shown(
    page: Page,
    /// The query string as it was asked.
    asked: Memo<String>,
    picks: Picks,
    exact: RwSignal<Option<u64>>,
    data: Resource<Result<Page, crate::error::AppError>>,
    /// Grows with every list, so that a box never keeps the tick of another row.
    generation: u64,
) -> impl IntoView {
    let clock = Clock::here();
    let now = page.now;
    let refresh = Callback::new(move |()| data.refetch());
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
    let rows = page.clone();
    view! {
        <div class="wide-page">
            <PageHead title="Sessions" tools=move || view! { <span class="quiet">{move || clock.heading(now)}</span> } />
            <HealthStrip page=page.clone() sel=picks.sel />
            <SystemNotes page=page.clone() />
            <div class="list-grid" class:has-side=has_side>
                <div class="list-main">
                    <SearchForm page=page.clone() asked=asked.get_untracked() sel=picks.sel />
                    <Chips page=page.clone() sel=picks.sel />
                    {bar}
                    <section class="card" aria-label="Sessions">
                        <Toolbar page=page.clone() exact=exact refresh=refresh />
                        <For each=move || [generation] key=|n| *n let(_)>
                            <Rows page=rows.clone() picks=picks exact=exact />
                        </For>
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
fn Rows(page: Page, picks: Picks, exact: RwSignal<Option<u64>>) -> impl IntoView {
    let echo = Echo::of(paths::post::SELECTION, None, &[]);
    let refused = echo.whole(&[]);
    let matching = page.matching;
    let empty = page.rows.is_empty();
    let query = page.query.first_page();
    let query = super::query::SessionQuery {
        selection: None,
        cursor: page.query.cursor.clone(),
        ..query
    }
    .to_query_string();
    let sel = picks.sel;
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
        <form
            id=ROWS_FORM
            class="rows-form"
            method="post"
            action=paths::post::SELECTION
            on:change=move |event| {
                let _event = event;
                #[cfg(feature = "hydrate")]
                super::script::changed(&_event, picks);
            }
            on:click=move |event| {
                let _event = event;
                #[cfg(feature = "hydrate")]
                super::script::clicked(&_event, picks);
            }
            on:keydown=move |event| {
                let _event = event;
                #[cfg(feature = "hydrate")]
                super::script::key_pressed(&_event, picks);
            }
            on:submit=move |event| {
                let _event = event;
                #[cfg(feature = "hydrate")]
                super::script::submitted(&_event, picks);
            }
        >
            // The first button is the one that Enter presses: it only keeps the ticks.
            <button class="unseen" tabindex="-1" aria-hidden="true" name=ACT value=Act::Select.value()>
                "Keep the ticks"
            </button>
            <input type="hidden" name=SEL value=move || sel.get().map(|s| s.0).unwrap_or_default() />
            <input type="hidden" name=QUERY value=query />
            {refused.map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
            {table}
            <div class="pager">
                <Pager page=page />
                {no_script}
            </div>
            <BulkBar picks=picks matching=matching exact=exact />
        </form>
    }
    .into_any()
}
