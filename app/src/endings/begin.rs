//! The fields that choose when an ending begins, and what a page says of one that has not begun.

use leptos::prelude::*;

use super::approval::names;
use super::wire::{AT, BEGIN, LONGEST_NOTICE, MINUTES, NOTICE, Told};
use crate::layout::Echo;
use crate::ui::{Field, Glyph, Icon, Note, TextArea, Tone, When};
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
        view! {
            <label class="segment">
                <input type="radio" name=BEGIN value=value checked=checked />
                <span>{label}</span>
            </label>
        }
    };
    let notice = echo.value_or(NOTICE, "");
    let odd = echo.error(BEGIN);
    view! {
        <fieldset class="when" data-begin="">
            <legend class="group-label">"When"</legend>
            {odd.map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
            <div class="segments">{choice("now", "Now")} {choice("in", "In…")} {choice("at", "At…")}</div>
            <div class="begin-in">
                <Field
                    id="begin-minutes"
                    name=MINUTES
                    label="Minutes"
                    value=echo.value_or(MINUTES, "15")
                    error=echo.error(MINUTES)
                    inputmode="numeric"
                    short=true
                />
                <output class="second" for="begin-minutes" data-about=""></output>
            </div>
            <div class="begin-at">
                <Field
                    id="begin-at"
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
                                label="Tell people"
                                value=notice
                                hint="Optional, in their language. {time} stands for when it begins."
                                error=echo.error(NOTICE)
                                longest=LONGEST_NOTICE as u32
                            />
                            <div class="as-seen" hidden data-seen="">
                                <span class="second">"As they will see it"</span>
                                <output for="notice"></output>
                            </div>
                        }
                    })}
                <p class="second">{told_words(&told)}</p>
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
