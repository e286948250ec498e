//! One ending: what became of each session, live while it runs, correct after any reload.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::calls;
use super::live::{Link, LinkMark};
use super::preview::Crumbs;
use super::result::ResultBody;
use super::wire::{EndingPage as Page, EndingState, ItemFilter};
use super::words::{at_work, heading, took, worth_a_retry};
use crate::error::AppError;
use crate::layout::{Echo, FrameContext, loaded};
use crate::paths;
use crate::ui::{Button, ButtonKind, Clock, Note, Tone, thousands};

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
    let params = use_params_map();
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        let number = params.with(|p| p.get("no")).and_then(|no| no.parse::<i64>().ok());
        let only = query.with(|q| q.get("only"));
        let after = query.with(|q| q.get("after")).filter(|after| !after.is_empty());
        (number, only, after)
    });
    let data = Resource::new(
        move || asked.get(),
        |(number, only, after)| async move {
            let number = number.ok_or_else(|| AppError::not_found("ending"))?;
            let only = match only {
                None => None,
                Some(name) => Some(ItemFilter::from_name(&name).ok_or_else(|| unknown_filter(&name))?),
            };
            calls::read_ending(number, only, after).await
        },
    );
    let newest = RwSignal::new(None::<Page>);
    let link = RwSignal::new(Link::None);
    #[cfg(feature = "hydrate")]
    keep_current(asked, newest, link);
    loaded(data, move |page| {
        Clock::here().set(page.now);
        // Only a reading of this very list counts; the stream brings the next one.
        newest.set(Some(page));
        view! { <Shown newest=newest link=link /> }.into_any()
    })
}

fn unknown_filter(name: &str) -> AppError {
    AppError::invalid(
        "only",
        format!("There is no filter “{name}” over the sessions of an ending."),
    )
}

/// Reads the page again whenever the server says that the ending changed; an older answer never replaces a newer one.
#[cfg(feature = "hydrate")]
fn keep_current(
    asked: Memo<(Option<i64>, Option<String>, Option<String>)>,
    newest: RwSignal<Option<Page>>,
    link: RwSignal<Link>,
) {
    use crate::ui::Announcer;

    let announcer = Announcer::here();
    let clock = Clock::here();
    let reading = StoredValue::new(0_u64);
    let read = Callback::new(move |()| {
        let (Some(number), only, after) = asked.get_untracked() else {
            return;
        };
        let only = only.as_deref().and_then(ItemFilter::from_name);
        let turn = reading.get_value() + 1;
        reading.set_value(turn);
        leptos::task::spawn_local(async move {
            let answer = calls::read_ending_again(number, only, after.clone()).await;
            let same = asked.try_get_untracked().is_some_and(|(n, o, a)| {
                n == Some(number) && o.as_deref().and_then(ItemFilter::from_name) == only && a == after
            });
            // Not answering for a moment: the stream or the next round asks again.
            let Ok(page) = answer else { return };
            if !same || reading.get_value() != turn {
                return;
            }
            clock.set(page.now);
            let before = newest.with_untracked(|p| p.as_ref().map(|p| (p.brief.state, p.brief.counts)));
            let (state, counts) = (page.brief.state, page.brief.counts);
            newest.set(Some(page));
            if let Some((was, had)) = before {
                if let Some(words) = super::words::milestone((was, &had), (state, &counts)) {
                    announcer.say(words);
                }
                if at_work(was) && !at_work(state) {
                    focus_result();
                }
            }
        });
    });
    // One stream per ending, opened once its id is known.
    let topic = Memo::new(move |_| newest.with(|p| p.as_ref().map(|p| p.brief.ending_id.clone())));
    Effect::new(move |_| {
        if let Some(id) = topic.get() {
            super::live::follow(format!("ending:{id}"), link, read);
        }
    });
}

/// After the end of an ending focus goes to its result, unless the person is somewhere else already.
#[cfg(feature = "hydrate")]
fn focus_result() {
    use leptos::wasm_bindgen::JsCast;
    use leptos::web_sys::HtmlElement;

    let idle = document()
        .active_element()
        .is_none_or(|at| ["BODY", "MAIN"].contains(&at.tag_name().as_str()));
    let result = document().get_element_by_id("result");
    if idle && let Some(result) = result.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        // Fails only for an element that left the document meanwhile.
        let _ = result.focus();
    }
}

#[component]
fn Shown(newest: RwSignal<Option<Page>>, link: RwSignal<Link>) -> impl IntoView {
    move || newest.get().map(|page| view! { <Whole page=page link=link /> })
}

#[component]
fn Whole(page: Page, link: RwSignal<Link>) -> impl IntoView {
    let clock = Clock::here();
    let brief = page.brief.clone();
    let number = brief.ending_no;
    let title = heading(brief.state, &brief.counts);
    let lead = {
        let brief = brief.clone();
        let now = page.now;
        move || lead_words(&brief, now, clock)
    };
    view! {
        <PrintHead page=page.clone() />
        <Crumbs first="Endings" href=paths::ENDINGS second=number.to_string() />
        <Title text=format!("{title} · Ending {number}") />
        <div class="page-head">
            <h1 id="result" tabindex="-1">
                {title}
            </h1>
            <div class="page-tools">
                <LinkMark link=link address=address(number, page.only, None) />
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
            took(at.since(brief.confirmed_at)),
            brief.asked_by
        ),
        None => {
            let counts = brief.counts;
            let passed = now.since(brief.confirmed_at);
            let left = (counts.wanted - counts.settled().min(counts.wanted)) as i64;
            // A guess only once there is something to guess from.
            let guess = if brief.state == EndingState::Running && counts.settled() >= 10 && passed > 5000 {
                format!(" · about {} left", took(passed / counts.settled() as i64 * left))
            } else {
                String::new()
            };
            format!(
                "Ending {number} · started {} by {}{guess}",
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
    let frame = FrameContext::here();
    let number = page.brief.ending_no;
    let now = page.now;
    let audit = page
        .audit_from
        .map(|from| format!(" · audit entries from {from}"))
        .unwrap_or_default();
    view! {
        <p class="print-only print-head">
            {move || {
                let (house, name) = frame
                    .live
                    .with(|f| f.as_ref().map(|f| (f.instance.clone(), f.display_name.clone())))
                    .unwrap_or_default();
                format!("Curfew · {house} · ending {number} · printed {} by {name}{audit}", clock.full(now))
            }}
        </p>
    }
    .into_any()
}
