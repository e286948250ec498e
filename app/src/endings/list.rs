//! All endings, newest first, and the one switch that stops them all.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::approval::WaitingPanel;
use super::bar::ShareBar;
use super::link::LiveMark;
use super::wire::{EndingBrief, EndingState, EndingsPage as Page, PausedBy};
use super::words::{at_work, state_words};
use crate::layout::{Echo, PageHead, loaded};
use crate::paths;
use crate::ui::{
    Button, ButtonKind, Clock, Empty, Field, Icon, LinkButton, Note, TableCard, Tag, TimeAgo, Tone, When,
    thousands,
};

/// The list of endings.
#[component]
pub fn EndingsPage() -> impl IntoView {
    let cursor = use_query_map().with_untracked(|q| q.get("after"));
    let cursor = cursor.filter(|after| !after.is_empty());
    let address = here(cursor.as_deref());
    let further = cursor.is_some();
    loaded(
        move |b| async move { b.endings.endings_page(cursor).await },
        move |page| {
            Clock::here().set(page.now);
            let topic = "endings".to_owned();
            view! {
                <PageHead
                    title="Endings"
                    tools=move || view! { <LiveMark topic=topic.clone() address=address.clone() /> }
                />
                <WaitingPanel waiting=page.waiting.clone() />
                <PauseControl paused=page.paused.clone() may=page.may_pause />
                <Rows page=page further=further />
            }
            .into_any()
        },
    )
}

fn here(cursor: Option<&str>) -> String {
    let pairs: Vec<_> = cursor.map(|cursor| ("after", cursor)).into_iter().collect();
    paths::with_query(paths::ENDINGS, &paths::query_string(&pairs))
}

/// The switch: every worker stops before its next ask. For who may, a form with a reason; for all, what is the case.
#[component]
fn PauseControl(paused: Option<PausedBy>, may: bool) -> impl IntoView {
    let (path, words, kind) = if paused.is_some() {
        (
            paths::post::RESUME_ALL,
            "Let all endings go on",
            ButtonKind::Primary,
        )
    } else {
        (
            paths::post::PAUSE_ALL,
            "Pause all endings",
            ButtonKind::DangerOutline,
        )
    };
    let echo = Echo::of(path, None, &[]);
    let refused = echo.whole(&["reason"]);
    let open = echo.is_some();
    let is_paused = paused.is_some();
    let form = may.then(|| {
        view! {
            <form class="pause-form" method="post" action=path>
                {refused.map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
                <Field
                    id="pause-reason"
                    name="reason"
                    label="Reason"
                    value=echo.value_or("reason", "")
                    hint="Kept in the audit."
                    error=echo.error("reason")
                    required=true
                    longest=500
                />
                <Button kind=kind>{words}</Button>
            </form>
        }
    });
    let note = paused.map(|by| view! { <PausedNote by=by /> });
    let control = form.map(|form| {
            view! {
                <details class="drop drop-flow pause-all" open=open>
                    <summary class="btn btn-small">
                        {if is_paused { "Let them go on…" } else { "Pause all endings…" }}
                    </summary>
                    <div class="card drop-inner">
                        <p class="soft">
                            {if is_paused {
                                "Every ending that waits goes on where it stopped."
                            } else {
                                "Every worker stops before its next ask. What was asked already is still read back."
                            }}
                        </p>
                        {form}
                    </div>
                </details>
            }
        });
    view! { {note} {control} }.into_any()
}

#[component]
fn PausedNote(by: PausedBy) -> impl IntoView {
    view! {
        <Note tone=Some(Tone::Warn) fact="All endings are paused.">
            "Nothing is asked of any system. By "
            <bdi>{by.name}</bdi>
            ", "
            <TimeAgo at=by.at />
            ": "
            <bdi>{by.reason}</bdi>
        </Note>
    }
    .into_any()
}

#[component]
fn Rows(page: Page, further: bool) -> impl IntoView {
    if page.endings.is_empty() {
        return view! {
            <section class="card">
                <Empty icon=Icon::Quiet fact="No endings">
                    <p>"Nobody has ended a session that you may know of. Select sessions in the list to begin."</p>
                    <LinkButton href=paths::SESSIONS>"Sessions"</LinkButton>
                </Empty>
            </section>
        }
        .into_any();
    }
    let rows = page.endings.into_iter().map(row).collect_view();
    let next = page.next.map(|next| here(Some(&next)));
    let first = further.then(|| here(None));
    let pager = (next.is_some() || first.is_some()).then(|| {
        view! {
            <div class="pager">
                {first.map(|href| view! { <a class="btn btn-small" href=href>"First"</a> })}
                {next.map(|href| view! { <a class="btn btn-small" href=href>"Next"</a> })}
            </div>
        }
    });
    view! {
        <section class="card">
            <TableCard caption="Endings, newest first" class="stacks" inside=true>
                <thead>
                    <tr>
                        <th scope="col">"Ending"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Asked by"</th>
                        <th scope="col">"Reason"</th>
                        <th scope="col">"Progress"</th>
                        <th scope="col" class="num">"Sessions"</th>
                        <th scope="col" class="num">"Gone"</th>
                        <th scope="col" class="num">"Not gone"</th>
                        <th scope="col" class="num">"Came back"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
            {pager}
        </section>
    }
    .into_any()
}

fn row(brief: EndingBrief) -> impl IntoView {
    let c = brief.counts;
    let number = brief.ending_no;
    let tone = match brief.state {
        EndingState::Paused => Some(Tone::Warn),
        state if at_work(state) => Some(Tone::Info),
        _ => None,
    };
    let planned = brief.planned(Clock::here().now());
    let state = match planned {
        Some(_) => "Planned",
        None => state_words(brief.state),
    };
    let number_or_none = |n: u64, class: &'static str| {
        if n == 0 {
            view! { <span class="quiet">"0"</span> }.into_any()
        } else {
            view! { <b class=class>{thousands(n)}</b> }.into_any()
        }
    };
    let ticket = (!brief.ticket_ref.is_empty()).then(|| {
        view! {
            <span class="second">
                <bdi>{brief.ticket_ref}</bdi>
            </span>
        }
    });
    view! {
        <tr>
            <th scope="row">
                <a href=paths::ending(number)>{format!("Ending {number}")}</a>
            </th>
            <td>
                <Tag tone=tone>{state}</Tag>
                {planned
                    .map(|at| {
                        view! {
                            <span class="second">
                                <When at=at />
                            </span>
                        }
                    })}
            </td>
            <td>
                <bdi>{brief.asked_by}</bdi>
                <span class="second">
                    <TimeAgo at=brief.confirmed_at passing=true />
                </span>
            </td>
            <td class="words">
                <bdi>{brief.reason}</bdi>
                {ticket}
            </td>
            <td class="share-cell">
                <ShareBar counts=c low=true />
            </td>
            <td class="num">{thousands(c.wanted)}</td>
            <td class="num">{thousands(c.gone())}</td>
            <td class="num">{number_or_none(c.not_gone(), "is-danger")}</td>
            <td class="num">{number_or_none(c.returned, "is-warn")}</td>
        </tr>
    }
    .into_any()
}
