//! One ending: what became of each session, live while it runs, correct after any reload.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::link::LiveMark;
use super::result::ResultBody;
use super::wire::{EndingPage as Page, EndingState, ItemFilter};
use super::words::{at_work, heading, milestone, planned_heading, took, worth_a_retry};
use crate::error::AppError;
use crate::layout::{Crumbs, Echo, FrameContext, loaded};
use crate::paths;
use crate::ui::{Button, ButtonKind, Clock, Note, Tone, thousands};

/// How long after its end a result is news to who comes to the page, ms.
const FRESH_MS: i64 = 10_000;

/// Address of the page with a filter over its items and a cursor.
pub fn address(ending_no: i64, only: Option<ItemFilter>, cursor: Option<&str>) -> String {
    let mut pairs = Vec::new();
    pairs.extend(only.map(|only| ("only", only.name())));
    pairs.extend(cursor.map(|cursor| ("after", cursor)));
    paths::with_query(&paths::ending(ending_no), &paths::query_string(&pairs))
}

/// The page of one ending.
#[component]
pub fn EndingPage() -> impl IntoView {
    let number = use_params_map().with_untracked(|p| p.get("no")?.parse::<i64>().ok());
    let (only, after) = use_query_map().with_untracked(|q| (q.get("only"), q.get("after")));
    let after = after.filter(|after| !after.is_empty());
    loaded(
        move |b| async move {
            let number = number.ok_or_else(|| AppError::not_found("ending"))?;
            let only = match only {
                None => None,
                Some(name) => Some(ItemFilter::from_name(&name).ok_or_else(|| unknown_filter(&name))?),
            };
            b.endings.ending_page(number, only, after).await
        },
        |page| {
            Clock::here().set(page.now);
            view! { <Whole page=page /> }.into_any()
        },
    )
}

fn unknown_filter(name: &str) -> AppError {
    AppError::invalid(
        "only",
        format!("There is no filter “{name}” over the sessions of an ending."),
    )
}

#[component]
fn Whole(page: Page) -> impl IntoView {
    let clock = Clock::here();
    let brief = page.brief.clone();
    let number = brief.ending_no;
    let title = match brief.planned(page.now) {
        Some(at) => planned_heading(brief.counts.wanted, &clock.to_minute(at)),
        None => heading(brief.state, &brief.counts),
    };
    let lead = lead_words(&brief, page.now, clock);
    let working = at_work(brief.state);
    // Also after the end: people who come back are met for a while yet.
    let topic = format!("ending:{}", brief.ending_id);
    let fresh = brief.settled_at.is_some_and(|at| page.now.since(at) < FRESH_MS);
    view! {
        <PrintHead page=page.clone() />
        <Crumbs first="Endings" href=paths::ENDINGS second=number.to_string() />
        <Title text=format!("{title} · Ending {number}") />
        <div class="page-head">
            // Script moves focus here once there is a result.
            <h1 id="result" tabindex="-1" data-at-work=working.then_some("") data-fresh=fresh.then_some("")>
                {title}
            </h1>
            <span hidden data-say="">
                {milestone(brief.state, &brief.counts)}
            </span>
            <div class="page-tools">
                <LiveMark topic=topic address=address(number, page.only, None) />
                <Acts page=page.clone() />
            </div>
        </div>
        <p class="lead">{lead}</p>
        <ResultBody page=page />
    }
    .into_any()
}

/// "Ending 1042 · finished 03:19:12 UTC, took 6 min 2 s · asked by Mara Ortiz".
fn lead_words(brief: &super::wire::EndingBrief, now: crate::wire::Timestamp, clock: Clock) -> String {
    let number = brief.ending_no;
    match brief.settled_at {
        Some(at) => format!(
            "Ending {number} · finished {}, took {} · asked by {}",
            clock.full(at),
            took(at.since(brief.begun_at())),
            brief.asked_by
        ),
        None => {
            let counts = brief.counts;
            let passed = now.since(brief.begun_at());
            let left = (counts.wanted - counts.settled().min(counts.wanted)) as i64;
            // A guess only once there is something to guess from.
            let guess = if brief.state == EndingState::Running && counts.settled() >= 10 && passed > 5000 {
                format!(" · about {} left", took(passed / counts.settled() as i64 * left))
            } else {
                String::new()
            };
            format!(
                "Ending {number} · {} {} by {}{guess}",
                if brief.planned(now).is_some() {
                    "planned"
                } else {
                    "started"
                },
                clock.full(brief.confirmed_at),
                brief.asked_by
            )
        }
    }
}

/// Stop what is not yet sent, go on, try again what is left: one form each.
#[component]
fn Acts(page: Page) -> impl IntoView {
    let number = page.brief.ending_no;
    let counts = page.brief.counts;
    let retry = worth_a_retry(&counts);
    let working = at_work(page.brief.state);
    view! {
        {(page.may_stop && page.brief.state == EndingState::Paused)
            .then(|| {
                view! {
                    <form method="post" action=paths::post::resume(number)>
                        <Button>"Go on"</Button>
                    </form>
                }
            })}
        {(page.may_stop && working && counts.waiting > 0)
            .then(|| {
                view! {
                    <form method="post" action=paths::post::stop(number)>
                        <Button kind=ButtonKind::DangerOutline>
                            {if counts.waiting == 1 {
                                "Stop the 1 not yet sent".to_owned()
                            } else {
                                format!("Stop the {} not yet sent", thousands(counts.waiting))
                            }}
                        </Button>
                    </form>
                }
            })}
        {(page.may_retry && !working && retry > 0)
            .then(|| {
                view! {
                    <form method="post" action=paths::post::retry(number)>
                        <Button icon=crate::ui::Icon::Again>{format!("Retry {}…", thousands(retry))}</Button>
                    </form>
                }
            })}
        <Refused number=number />
    }
    .into_any()
}

/// Why an act on this page was refused.
#[component]
fn Refused(number: i64) -> impl IntoView {
    [
        paths::post::stop(number),
        paths::post::retry(number),
        paths::post::end_returned(number),
        paths::post::resume(number),
    ]
    .into_iter()
    .filter_map(|path| Echo::of(&path, None, &[]).whole(&[]))
    .map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })
    .collect_view()
}

/// First line on paper: which house, which ending, when and by whom it was printed, where the audit has it.
#[component]
fn PrintHead(page: Page) -> impl IntoView {
    let clock = Clock::here();
    let (house, name) = FrameContext::here().read(|f| (f.instance.clone(), f.display_name.clone()));
    let number = page.brief.ending_no;
    let now = page.now;
    let audit = page
        .audit_from
        .map(|from| format!(" · audit entries from {from}"))
        .unwrap_or_default();
    view! {
        <p class="print-only print-head">
            {format!("Curfew · {house} · ending {number} · printed {} by {name}{audit}", clock.full(now))}
        </p>
    }
    .into_any()
}
