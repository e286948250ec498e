//! The body of an ending's page: bar, outcomes, what is left by cause, by system, and each session.

use leptos::prelude::*;

use super::approval::SecondLookNote;
use super::bar::ShareBar;
use super::begin::Planned;
use super::progress::address;
use super::since::SignedInSince;
use super::tickets::TicketsOpen;
use super::wire::{
    Cause, EndingItemRow, EndingPage as Page, EndingState, EndingSystem, ItemFilter, Outcome, Technical,
};
use super::words::at_work;
use crate::civil::rfc3339;
use crate::paths;
use crate::ui::{
    Button, Clock, Glyph, Icon, Note, OutcomeMark, Panel, Person, TableCard, Tiles, Tone, WaitingMark, When,
    counted, thousands,
};
use crate::wire::Timestamp;

/// Everything below the heading.
#[component]
pub fn ResultBody(page: Page) -> impl IntoView {
    let number = page.brief.ending_no;
    let counts = page.brief.counts;
    view! {
        <div class="stack">
            {page
                .partial_view
                .then(|| {
                    view! {
                        <Note tone=Some(Tone::Info) fact="You see a part of this ending.">
                            "Its other sessions are not part of your grant; all counts here are over yours."
                        </Note>
                    }
                })}
            {page
                .pause_why
                .clone()
                .map(|why| view! { <Note tone=Some(Tone::Warn) fact="This ending waits for a person.">{why}</Note> })}
            {page
                .went_on_at
                .map(|at| {
                    view! {
                        <Note tone=Some(Tone::Warn) fact="Identity servers were not done in time.">
                            "At " <When at=at />
                            " the other systems were asked without waiting for them any longer: who is still signed in at an identity server may come straight back."
                        </Note>
                    }
                })}
            {page.brief.planned(page.now).map(|at| view! { <Planned at=at notice=page.notice.clone() told=page.told.clone() /> })}
            {page.second_look.clone().map(|look| view! { <SecondLookNote number=number look=look /> })}
            {(counts.returned > 0).then(|| view! { <CameBack page=page.clone() /> })}
            {page.tickets_open.map(|open| view! { <TicketsOpen open=open /> })}
            <Progress page=page.clone() />
            <Outcomes page=page.clone() />
            <Facts page=page.clone() />
            {(!page.causes.is_empty()).then(|| view! { <Causes number=number causes=page.causes.clone() /> })}
            {(!page.signed_in_since.is_empty())
                .then(|| view! { <SignedInSince since=page.signed_in_since.clone() may_end=page.may_end /> })}
            <BySystem systems=page.by_system.clone() />
            <Items page=page />
        </div>
    }
    .into_any()
}

/// Who is signed in again, said before any good news.
#[component]
fn CameBack(page: Page) -> impl IntoView {
    let number = page.brief.ending_no;
    let returned = page.brief.counts.returned;
    let may_end = page.may_end;
    let clock = Clock::here();
    let watch = page.watch_until;
    let now = page.now;
    let words = move || match watch {
        Some(until) if until > now => format!(
            " Their people are signed in again. Curfew looks for more until {}.",
            clock.to_second(until)
        ),
        _ => " Their people were signed in again within the watch time.".to_owned(),
    };
    view! {
        <div class="note note-warn">
            <Glyph icon=Icon::CameBack />
            <div class="note-words">
                <b>{counted(returned, "session came back.", "sessions came back.")}</b>
                {words}
                " "
                <a href=address(number, Some(ItemFilter::Returned), None)>"See them"</a>
                {may_end
                    .then(|| {
                        view! {
                            <form class="note-act" method="post" action=paths::post::end_returned(number)>
                                <Button small=true>"End their new sessions…"</Button>
                            </form>
                        }
                    })}
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Progress(page: Page) -> impl IntoView {
    let clock = Clock::here();
    let counts = page.brief.counts;
    let working = at_work(page.brief.state);
    let residual = page.items.iter().filter_map(|i| i.residual_until).max();
    let (settled, wanted) = (counts.settled(), counts.wanted);
    let rest = if working {
        " settled · you can leave this page, the ending goes on"
    } else if page.brief.state == EndingState::Cancelled {
        " settled · what was not yet sent was stopped"
    } else {
        " settled, every session has an outcome"
    };
    view! {
        <section class="card share-card" aria-label="Progress">
            <div class="share-head">
                <p>
                    <b>{format!("{} of {}", thousands(settled), thousands(wanted))}</b>
                    <span class="soft">{rest}</span>
                </p>
                {residual
                    .map(|at| {
                        view! {
                            <p class="soft">
                                "Something ended may still work until " <b>{move || clock.to_minute(at)}</b>
                            </p>
                        }
                    })}
            </div>
            <ShareBar counts=counts />
        </section>
    }
    .into_any()
}

/// The tiles: always the seven of looks.md for where the ending stands, and any other outcome that occurred.
#[component]
fn Outcomes(page: Page) -> impl IntoView {
    let c = page.brief.counts;
    let working = at_work(page.brief.state);
    let number = page.brief.ending_no;
    let outcome = |outcome: Outcome| view! { <OutcomeMark outcome=outcome /> }.into_any();
    let by = ItemFilter::Outcome;
    let tiles = [
        (
            true,
            c.ended,
            by(Outcome::Ended),
            outcome(Outcome::Ended),
            "read back, not there",
        ),
        (
            true,
            c.rotated,
            by(Outcome::Rotated),
            outcome(Outcome::Rotated),
            "same person, new id",
        ),
        (
            true,
            c.already_gone,
            by(Outcome::AlreadyGone),
            outcome(Outcome::AlreadyGone),
            "before we asked",
        ),
        (
            working,
            c.asked,
            ItemFilter::Asked,
            view! { <WaitingMark asked=true /> }.into_any(),
            "waiting for read-back",
        ),
        (
            true,
            c.still_there,
            by(Outcome::StillThere),
            outcome(Outcome::StillThere),
            "OK said, still listed",
        ),
        (
            true,
            c.refused,
            by(Outcome::Refused),
            outcome(Outcome::Refused),
            "see below",
        ),
        (
            !working,
            c.unsupported,
            by(Outcome::Unsupported),
            outcome(Outcome::Unsupported),
            "no such ability",
        ),
        (
            !working,
            c.unknown,
            by(Outcome::Unknown),
            outcome(Outcome::Unknown),
            "no answer yet",
        ),
        (
            false,
            c.stopped,
            by(Outcome::Stopped),
            outcome(Outcome::Stopped),
            "not asked any more",
        ),
        (
            working,
            c.waiting,
            ItemFilter::Waiting,
            view! { <WaitingMark /> }.into_any(),
            "not yet sent",
        ),
    ]
    .into_iter()
    .filter(|(always, n, ..)| *always || *n > 0)
    .map(|(_, n, only, mark, words)| {
        let big = if n > 0 {
            view! {
                <a class="big big-link" href=address(number, Some(only), None)>
                    {thousands(n)}
                    <span class="unseen">{format!(" {}, show them", only.words())}</span>
                </a>
            }
            .into_any()
        } else {
            view! { <span class="big">"0"</span> }.into_any()
        };
        view! {
            <li class="tile">
                {big} {mark} <span class="second">{words}</span>
            </li>
        }
    })
    .collect_view();
    view! { <Tiles>{tiles}</Tiles> }
}

#[component]
fn Facts(page: Page) -> impl IntoView {
    let brief = page.brief;
    let frozen = page.frozen_at;
    let left_out = page.left_out_count;
    let watch = page.watch_until;
    let audit = page.audit_from.map(|_| {
        let query = paths::query_string(&[("ending", brief.ending_no.to_string())]);
        paths::with_query(paths::AUDIT, &query)
    });
    view! {
        <dl class="facts-line">
            <div>
                <dt>"Reason"</dt>
                <dd>
                    <bdi>{brief.reason}</bdi>
                </dd>
            </div>
            {(!brief.ticket_ref.is_empty())
                .then(|| {
                    view! {
                        <div>
                            <dt>"Ticket"</dt>
                            <dd>
                                <bdi>{brief.ticket_ref}</bdi>
                            </dd>
                        </div>
                    }
                })}
            {left_out
                .map(|left_out| {
                    view! {
                        <div>
                            <dt>"Left out"</dt>
                            <dd>{thousands(left_out)}</dd>
                        </div>
                    }
                })}
            <div>
                <dt>"Preview"</dt>
                <dd>"frozen " <When at=frozen /></dd>
            </div>
            {watch
                .map(|at| {
                    view! {
                        <div>
                            <dt>"Watched"</dt>
                            <dd>"until " <When at=at /></dd>
                        </div>
                    }
                })}
            {audit
                .map(|href| {
                    view! {
                        <div>
                            <dt>"Audit"</dt>
                            <dd>
                                <a href=href>"its entries"</a>
                            </dd>
                        </div>
                    }
                })}
            <div>
                <dt>"Proof"</dt>
                <dd>
                    <a href=paths::ending_report(brief.ending_no)>"containment report"</a>
                </dd>
            </div>
        </dl>
    }
    .into_any()
}

#[component]
fn Causes(number: i64, causes: Vec<Cause>) -> impl IntoView {
    let left: u64 = causes.iter().map(|c| c.count).sum();
    let rows = causes
        .into_iter()
        .map(|cause| {
            let only = ItemFilter::Outcome(cause.outcome);
            view! {
                <tr>
                    <th scope="row">
                        <OutcomeMark outcome=cause.outcome />
                    </th>
                    <td class="num">
                        <b>{thousands(cause.count)}</b>
                    </td>
                    <td>
                        <bdi>{cause.system_name}</bdi>
                    </td>
                    <td class="words">
                        {cause.words} <details class="technical">
                            <summary>"Technical detail"</summary>
                            <pre>{technical(number, cause.outcome, &cause.technical)}</pre>
                        </details>
                    </td>
                    <td class="words">
                        {cause.next_step} " "
                        <a href=address(number, Some(only), None)>
                            {format!("Show {}", thousands(cause.count))}
                        </a>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title=format!("What is left: {}, by cause", thousands(left)) id="left-by-cause" padded=false>
            <TableCard caption="Sessions that could not be ended, by cause" class="stacks" inside=true>
                <thead>
                    <tr>
                        <th scope="col">"Outcome"</th>
                        <th scope="col" class="num">"Sessions"</th>
                        <th scope="col">"System"</th>
                        <th scope="col">"Cause"</th>
                        <th scope="col">"Next step"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}

/// Facts for whoever runs the system, a line each, to be copied whole.
fn technical(number: i64, outcome: Outcome, facts: &Technical) -> String {
    let at = |when: Option<Timestamp>| when.map_or("never".to_owned(), rfc3339);
    let (fewest, most) = facts.attempts;
    let mut lines = vec![
        format!("ending      {number}"),
        format!("system      {}", facts.system_id.as_str()),
        format!("outcome     {}", outcome.name()),
    ];
    if facts.answers.is_empty() {
        lines.push("asked       never".to_owned());
    } else {
        let answers: Vec<String> = facts
            .answers
            .iter()
            .map(|(said, times)| format!("{said} {times}"))
            .collect();
        lines.push(format!("answered    {}", answers.join(", ")));
        lines.push(if fewest == most {
            format!("asks        {most}")
        } else {
            format!("asks        {fewest} to {most}")
        });
        if facts.asked_from != facts.asked_to {
            lines.push(format!("asked from  {}", at(facts.asked_from)));
        }
        lines.push(format!("last asked  {}", at(facts.asked_to)));
    }
    lines.push(format!("read back   {}", at(facts.read_back_at)));
    lines.join("\n")
}

#[component]
fn BySystem(systems: Vec<EndingSystem>) -> impl IntoView {
    let rows = systems
        .into_iter()
        .map(|s| {
            let c = s.counts;
            view! {
                <tr>
                    <th scope="row">
                        <bdi>{s.system_name}</bdi>
                    </th>
                    <td class="num">{thousands(c.wanted)}</td>
                    <td class="share-cell">
                        <ShareBar counts=c low=true />
                    </td>
                    <td class="num">{thousands(c.gone())}</td>
                    <td class="num">{thousands(c.asked)}</td>
                    <td class="num">{thousands(c.not_gone())}</td>
                    <td class="num">{thousands(c.waiting)}</td>
                    <td class="words">{s.note}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title="By system" padded=false>
            <TableCard caption="How far the ending is, by system" class="table-low" inside=true>
                <thead>
                    <tr>
                        <th scope="col">"System"</th>
                        <th scope="col" class="num">"Wanted"</th>
                        <th scope="col">"Progress"</th>
                        <th scope="col" class="num">"Gone"</th>
                        <th scope="col" class="num">"Asked"</th>
                        <th scope="col" class="num">"Could not"</th>
                        <th scope="col" class="num">"Waiting"</th>
                        <th scope="col">"Note"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}

#[component]
fn Items(page: Page) -> impl IntoView {
    let number = page.brief.ending_no;
    let wanted = page.brief.counts.wanted;
    let only = page.only;
    let title = match only {
        Some(only) => format!("Sessions {}", only.words()),
        None => "Sessions, newest change first".to_owned(),
    };
    let empty = page.items.is_empty();
    let rows = page.items.into_iter().map(item).collect_view();
    let next = page.next.map(|cursor| address(number, only, Some(&cursor)));
    let all = only.is_some();
    let aside = move || {
        all.then(|| {
            view! {
                <a href=address(number, None, None)>
                    {format!("all {}", thousands(wanted))}
                </a>
            }
        })
    };
    view! {
        <Panel title=title id="items" padded=false aside=aside>
            {if empty {
                view! { <p class="panel-note quiet">"None right now."</p> }.into_any()
            } else {
                view! {
                    <TableCard caption="Sessions of this ending" class="stacks" inside=true>
                        <thead>
                            <tr>
                                <th scope="col">"Person"</th>
                                <th scope="col">"System"</th>
                                <th scope="col">"Session"</th>
                                <th scope="col">"Outcome"</th>
                                <th scope="col">"Asked"</th>
                                <th scope="col">"Read back"</th>
                                <th scope="col">"Detail and next step"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </TableCard>
                }
                    .into_any()
            }}
            {next
                .map(|href| {
                    view! {
                        <div class="pager">
                            <a class="btn btn-small" href=href>
                                "Next"
                            </a>
                        </div>
                    }
                })}
        </Panel>
    }
    .into_any()
}

/// A moment, or a dash for what did not happen.
fn when(at: Option<Timestamp>) -> AnyView {
    match at {
        Some(at) => view! { <When at=at /> }.into_any(),
        None => view! { <span class="quiet">"–"</span> }.into_any(),
    }
}

fn item(row: EndingItemRow) -> impl IntoView {
    let clock = Clock::here();
    let mark = match row.outcome {
        Some(outcome) => view! { <OutcomeMark outcome=outcome /> }.into_any(),
        None => view! { <WaitingMark asked=row.asked /> }.into_any(),
    };
    let back = row.returned_at.map(|at| {
        let through = row
            .returned_system
            .map(|name| format!(" through {name}"))
            .unwrap_or_default();
        view! {
            <span class="item-back">
                <WaitingMark returned=true />
                <span class="second">{move || format!("{}{through}", clock.to_second(at))}</span>
            </span>
        }
    });
    let residual = row
        .residual_until
        .map(|at| view! { <span class="second">"May still work until " <b>{move || clock.to_minute(at)}</b></span> });
    let attempts = (row.attempts > 1).then(|| format!("Asked {} times. ", row.attempts));
    view! {
        <tr>
            <th scope="row">
                <Person name=row.person login=row.account_name doubt=row.person_doubt />
            </th>
            <td>
                <bdi>{row.system_name}</bdi>
            </td>
            <td>
                <code>{format!("…{}", row.handle_hint)}</code>
            </td>
            <td>{mark} {back}</td>
            <td>{when(row.asked_at)}</td>
            <td>{when(row.read_back_at)}</td>
            <td class="words">{attempts} {row.detail} {residual}</td>
        </tr>
    }
    .into_any()
}
