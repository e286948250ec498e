//! One ending in a report: why, by whom, when, what became of each session, and who came back.

use leptos::prelude::*;

use super::wire::{ReportEnding, ReportSession};
use crate::paths;
use crate::ui::{
    ColumnHead, Glyph, Icon, Note, OutcomeMark, Panel, Person, TableCard, Tone, WaitingMark, When, counted,
    thousands,
};
use crate::wire::Timestamp;

/// The ending.
#[component]
pub fn EndingPanel(ending: ReportEnding) -> impl IntoView {
    let number = ending.ending_no;
    let title = format!("Ending {number}: {}", result(&ending));
    let id = format!("ending-{number}");
    let not_listed = ending.sessions_not_listed;
    view! {
        <Panel title=title id=id padded=false>
            <Facts ending=ending.clone() />
            {ending
                .went_on_at
                .map(|at| {
                    view! {
                        <Note tone=Some(Tone::Warn) fact="Identity servers were not done in time.">
                            "At " <When at=at />
                            " the other systems were asked without waiting for them any longer: who was still signed in at an identity server may have come straight back."
                        </Note>
                    }
                })}
            <Sessions number=number sessions=ending.sessions />
            {(not_listed > 0)
                .then(|| {
                    view! {
                        <p class="panel-note">
                            {format!(
                                "{} counted above and not listed here; those that are not gone or came back are listed first. The signed JSON lists more.",
                                counted(not_listed, "more session is", "more sessions are"),
                            )}
                        </p>
                    }
                })}
        </Panel>
    }
    .into_any()
}

/// "4 of 5 sessions are gone, 1 came back".
fn result(ending: &ReportEnding) -> String {
    let c = ending.counts;
    let mut words = format!(
        "{} of {} gone",
        thousands(c.gone()),
        counted(c.wanted, "session", "sessions")
    );
    let open = c.waiting + c.asked;
    if open > 0 {
        words.push_str(&format!(", {} without an outcome yet", thousands(open)));
    }
    if c.returned > 0 {
        words.push_str(&format!(", {} came back", thousands(c.returned)));
    }
    words
}

/// A pair of the line of facts.
#[component]
fn Pair(
    /// What.
    label: &'static str,
    /// Which.
    children: Children,
) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd>{children()}</dd>
        </div>
    }
    .into_any()
}

#[component]
fn Facts(ending: ReportEnding) -> impl IntoView {
    let number = ending.ending_no;
    let c = ending.counts;
    let parts: Vec<String> = [
        (c.ended, "ended"),
        (c.rotated, "ended as a new id"),
        (c.already_gone, "already gone"),
        (c.still_there, "still there"),
        (c.refused, "refused"),
        (c.unsupported, "not possible"),
        (c.unknown, "unknown"),
        (c.stopped, "stopped"),
        (c.waiting + c.asked, "without an outcome yet"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, words)| format!("{} {words}", thousands(n)))
    .collect();
    view! {
        <dl class="facts-line panel-note">
            <Pair label="Reason">
                <bdi>{ending.reason}</bdi>
            </Pair>
            {(!ending.ticket_ref.is_empty())
                .then(|| {
                    view! {
                        <Pair label="Ticket">
                            <bdi>{ending.ticket_ref}</bdi>
                        </Pair>
                    }
                })} <Pair label="Asked by">
                <bdi>{ending.asked_by}</bdi>
            </Pair> <Pair label="Asked">
                <When at=ending.confirmed_at />
            </Pair> <Pair label="Last outcome">{when(ending.settled_at)}</Pair>
            <Pair label="Outcomes">{parts.join(", ")}</Pair> <Pair label="Watch">{ending.watch.words}</Pair>
            {ending.watch.until.map(|at| view! { <Pair label="Watched until"><When at=at /></Pair> })}
            <Pair label="May still work until">
                {match ending.residual_until {
                    Some(at) => view! { <When at=at /> }.into_any(),
                    None => "nothing known".into_any(),
                }}
            </Pair> <Pair label="In Curfew">
                <a href=paths::ending(number)>{format!("ending {number}")}</a>
            </Pair>
        </dl>
    }
    .into_any()
}

#[component]
fn Sessions(number: i64, sessions: Vec<ReportSession>) -> impl IntoView {
    let rows = sessions.into_iter().map(session).collect_view();
    view! {
        <TableCard caption=format!("Sessions of ending {number}") class="stacks" inside=true>
            <thead>
                <tr>
                    <ColumnHead label="Person" />
                    <ColumnHead label="System" />
                    <ColumnHead label="Session" />
                    <ColumnHead label="Outcome" />
                    <ColumnHead label="Asked" />
                    <ColumnHead label="Read back" />
                    <ColumnHead label="Detail" />
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </TableCard>
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

fn session(row: ReportSession) -> impl IntoView {
    let mark = match row.outcome {
        Some(outcome) => view! { <OutcomeMark outcome=outcome /> }.into_any(),
        None => view! { <WaitingMark asked=row.asked_at.is_some() /> }.into_any(),
    };
    let back = row.returned_at.map(|at| {
        let through = row
            .returned_through
            .map(|name| format!(" through {name}"))
            .unwrap_or_default();
        view! {
            <span class="item-back">
                <Glyph icon=Icon::CameBack />
                <span class="second">"Came back " <When at=at /> {through}</span>
            </span>
        }
    });
    let residual = row
        .residual_until
        .map(|at| view! { <span class="second">"May still work until " <When at=at /></span> });
    let asks = (row.asks > 1).then(|| format!("Asked {} times. ", row.asks));
    view! {
        <tr>
            <th scope="row">
                <Person name=row.person login=row.account doubt=row.person_doubt />
            </th>
            <td>
                <bdi>{row.system_name}</bdi>
            </td>
            <td>
                <code>{format!("…{}", row.id_ends_in)}</code>
            </td>
            <td>{mark} {back}</td>
            <td>{when(row.asked_at)}</td>
            <td>{when(row.read_back_at)}</td>
            <td class="words">{asks} {row.detail} " " {residual}</td>
        </tr>
    }
    .into_any()
}
