//! The fields that choose when an ending begins, and what a page says of one that has not begun.

use leptos::prelude::*;

use super::approval::names;
use super::wire::{AT, BEGIN, LONGEST_NOTICE, MINUTES, NOTICE, Told};
use crate::layout::Echo;
use crate::ui::{Check, Field, Glyph, Icon, Note, TextArea, Tone, When};
use crate::wire::Timestamp;

/// The fields that choose when, and what people are told before.
#[component]
pub(super) fn BeginFields(
    /// What was sent and refused.
    echo: Echo,
    /// Who would tell people.
    told: Told,
) -> impl IntoView {
    let chosen = echo.value_or(BEGIN, "now");
    let choice = |value: &'static str, label: &'static str| {
        let checked = chosen == value;
        view! { <Check id=format!("begin-{value}") name=BEGIN value=value label=label radio=true checked=checked /> }
    };
    let notice = echo.value_or(NOTICE, "");
    let odd = echo.error(BEGIN);
    view! {
        <fieldset class="checks">
            <legend class="group-label">"Begin"</legend>
            {odd.map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
            {choice("now", "Now")} {choice("in", "In a while")}
            <div class="below-check begin-in">
                <Field
                    id="begin-minutes"
                    name=MINUTES
                    label="Minutes from now"
                    value=echo.value_or(MINUTES, "10")
                    error=echo.error(MINUTES)
                    inputmode="numeric"
                    short=true
                />
            </div>
            {choice("at", "At a time")}
            <div class="below-check begin-at">
                <Field
                    id="begin-moment"
                    name=AT
                    label="Date and time"
                    kind="datetime-local"
                    unit="UTC"
                    value=echo.value_or(AT, "")
                    hint="At most 24 hours ahead."
                    error=echo.error(AT)
                />
            </div>
            <div class="begin-notice">
                {told
                    .anybody()
                    .then(|| {
                        view! {
                            <TextArea
                                id="notice"
                                name=NOTICE
                                label="Tell people before"
                                value=notice
                                hint="Optional, in their language. They see exactly this text, and when it begins."
                                error=echo.error(NOTICE)
                                longest=LONGEST_NOTICE as u32
                            />
                        }
                    })}
                <p class="quiet">{told_words(&told)}</p>
            </div>
        </fieldset>
    }
    .into_any()
}

/// Through what people learn of a notice.
fn told_words(told: &Told) -> String {
    let hosts = match told.receivers.is_empty() {
        true => None,
        false => Some(format!(
            "it goes to {}, which tells people",
            names(&told.receivers, "and")
        )),
    };
    let here = told
        .here
        .then(|| "who is signed in to Curfew sees it above every page".to_owned());
    match (hosts, here) {
        (None, None) => {
            "People can’t be told before: no webhook takes “people.notice”, and none of these sessions is in Curfew."
                .to_owned()
        }
        (Some(one), None) | (None, Some(one)) => sentence(&one),
        (Some(one), Some(other)) => sentence(&format!("{one}; {other}")),
    }
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

/// When an ending that has not begun will, and what people are told: as they see it.
#[component]
pub(super) fn Planned(
    /// When.
    at: Timestamp,
    /// What people are told; empty = nothing.
    notice: String,
    /// Who tells them.
    told: Told,
) -> impl IntoView {
    view! {
        <div class="note note-info">
            <Glyph icon=Icon::Clock />
            <div class="note-words">
                <b>"Begins " <When at=at /> "."</b>
                {match notice.is_empty() {
                    true => " People are told nothing before.".into_any(),
                    false => {
                        view! {
                            {match told.receivers.is_empty() {
                                true => " Who is signed in to Curfew is told: ".to_owned(),
                                false => format!(" People are told through {}: ", names(&told.receivers, "and")),
                            }}
                            <q>
                                <bdi>{notice}</bdi>
                            </q>
                        }
                            .into_any()
                    }
                }}
            </div>
        </div>
    }
    .into_any()
}
