//! The advice of the Policies page: what is open with the form that accepts it, then what was accepted, by whom, why and
//! until when.

use leptos::prelude::*;

use super::advice::Advice;
use super::form;
use super::wire::AdviceAccepted;
use crate::layout::Echo;
use crate::paths;
use crate::ui::{Button, ButtonKind, Field, Note, Panel, Tone, When};
use crate::wire::Timestamp;

/// All of it; nothing where there is none.
#[component]
pub fn AdvicePanel(
    /// What limits and settings call for.
    advice: Vec<Advice>,
    /// The server's clock.
    now: Timestamp,
) -> impl IntoView {
    if advice.is_empty() {
        return ().into_any();
    }
    let mut named = Vec::new();
    let lines: Vec<(usize, Option<String>, Advice)> = advice
        .into_iter()
        .enumerate()
        .map(|(n, line)| {
            // The first of each system is where links to it lead.
            let first = !named.contains(&line.system_id);
            if first {
                named.push(line.system_id.clone());
            }
            (n, first.then(|| format!("advice-{}", line.system_id)), line)
        })
        .collect();
    let (open, accepted): (Vec<_>, Vec<_>) = lines
        .into_iter()
        .partition(|(_, _, line)| line.accepted.is_none());
    let numbers = match (open.len(), accepted.len()) {
        (open, 0) => format!("{open} open"),
        (open, accepted) => format!("{open} open, {accepted} accepted"),
    };
    view! {
        <Panel title="Advice" aside=move || numbers.clone()>
            {(!open.is_empty())
                .then(|| {
                    view! {
                        <ul class="bullets" role="list">
                            {open.into_iter().map(|(n, anchor, line)| open_line(n, anchor, line, now)).collect_view()}
                        </ul>
                    }
                })}
            {(!accepted.is_empty())
                .then(|| {
                    view! {
                        <h3 class="advice-accepted-head">"Accepted"</h3>
                        <ul class="bullets" role="list">
                            {accepted
                                .into_iter()
                                .filter_map(|(_, anchor, mut line)| {
                                    let accepted = line.accepted.take()?;
                                    Some(accepted_line(anchor, line, accepted))
                                })
                                .collect_view()}
                        </ul>
                    }
                })}
        </Panel>
    }
    .into_any()
}

/// What was found, why that matters, and the sessions it is about.
fn said(line: &Advice) -> AnyView {
    view! {
        <b>{line.fact.clone()}</b>
        " "
        <span class="soft">{line.means.clone()}</span>
        {line.look.clone().map(|(words, href)| view! { " " <a href=href>{words}</a> })}
    }
    .into_any()
}

/// Open advice, with the form that accepts it for who may.
fn open_line(n: usize, anchor: Option<String>, line: Advice, now: Timestamp) -> AnyView {
    let form = (line.may_accept && !line.id.is_empty()).then(|| accept_form(n, &line, now));
    view! {
        <li id=anchor>
            {said(&line)}
            {form}
        </li>
    }
    .into_any()
}

fn accept_form(n: usize, line: &Advice, now: Timestamp) -> AnyView {
    let marks = [
        (form::SYSTEM, line.system_id.as_str()),
        (form::ADVICE, line.id.as_str()),
    ];
    let echo = Echo::of(paths::post::ADVICE, Some(form::ACCEPT), &marks);
    let whole = echo.whole(&[form::REASON, form::UNTIL]);
    let latest = now.plus_seconds(super::wire::bounds::ACCEPT_MAX_S);
    view! {
        <details class="advice-accept" open=echo.is_some()>
            <summary class="link-btn">
                "Accept for a while" <span class="unseen">{format!(": {}", line.fact)}</span>
            </summary>
            <form class="form" method="post" action=paths::post::ADVICE>
                <input type="hidden" name=form::ACT value=form::ACCEPT />
                <input type="hidden" name=form::SYSTEM value=line.system_id.0.clone() />
                <input type="hidden" name=form::ADVICE value=line.id.clone() />
                <input type="hidden" name=form::GROUND value=line.ground.clone() />
                {whole
                    .map(|problem| {
                        view! {
                            <div role="alert">
                                <Note tone=Some(Tone::Danger)>{problem}</Note>
                            </div>
                        }
                    })}
                <Field
                    id=format!("accept-{n}-why")
                    name=form::REASON
                    label="Why it may stay so"
                    value=echo.value_or(form::REASON, "")
                    hint="Shown beside the advice and kept in the audit."
                    error=echo.error(form::REASON)
                    longest=500
                    required=true
                />
                <Field
                    id=format!("accept-{n}-until")
                    name=form::UNTIL
                    label="Until"
                    kind="datetime-local"
                    unit="UTC"
                    value=echo.value_or(form::UNTIL, "")
                    hint=format!("At latest {}. It is open again then, or when the value changes.", day(latest))
                    error=echo.error(form::UNTIL)
                    required=true
                />
                <div class="buttons">
                    <Button small=true>"Accept"</Button>
                </div>
            </form>
        </details>
    }
    .into_any()
}

/// "23 Nov 2027".
fn day(at: Timestamp) -> String {
    let civil = crate::civil::Civil::at(at, 0);
    format!("{} {} {}", civil.day, civil.month_name(), civil.year)
}

/// Accepted advice, with the way back.
fn accepted_line(anchor: Option<String>, line: Advice, accepted: AdviceAccepted) -> AnyView {
    let back = line.may_accept.then(|| {
        let which = format!(": {}", line.fact);
        view! {
            <form class="advice-back" method="post" action=paths::post::ADVICE>
                <input type="hidden" name=form::SYSTEM value=line.system_id.0.clone() />
                <input type="hidden" name=form::ADVICE value=line.id.clone() />
                <Button name=form::ACT value=form::REOPEN kind=ButtonKind::Quiet small=true>
                    "Take back"
                    <span class="unseen">{which}</span>
                </Button>
            </form>
        }
    });
    view! {
        <li id=anchor>
            {said(&line)}
            <p class="advice-accepted">
                "Accepted until " <When at=accepted.until /> " by " <bdi>{accepted.by}</bdi> ": "
                <bdi>{accepted.reason}</bdi>
            </p>
            {back}
        </li>
    }
    .into_any()
}
