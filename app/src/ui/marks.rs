//! Small marks: a shape or icon, then the word, then the colour. Greyscale loses nothing.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::note::Tone;
use crate::endings::wire::Outcome;
use crate::systems::wire::Health;

/// A fact in a small box.
#[component]
pub fn Tag(
    /// Neutral unless set.
    #[prop(optional_no_strip)]
    tone: Option<Tone>,
    /// The fact.
    children: Children,
) -> impl IntoView {
    let class = match tone {
        None => "tag",
        Some(Tone::Info) => "tag tag-info",
        Some(Tone::Ok) => "tag tag-ok",
        Some(Tone::Warn) => "tag tag-warn",
        Some(Tone::Danger) => "tag tag-danger",
    };
    view! { <span class=class>{children()}</span> }
}

/// An active filter in plain words, with a link that takes it off.
#[component]
pub fn Chip(
    /// What is filtered ("Idle over").
    #[prop(into)]
    what: String,
    /// By which value, bold.
    #[prop(into)]
    value: String,
    /// Address of the list without it.
    #[prop(into)]
    without: String,
) -> impl IntoView {
    let label = format!("Take off {what} {value}");
    view! {
        <span class="chip">
            <span>{what}</span>
            <b>
                <bdi>{value}</bdi>
            </b>
            <a class="chip-off" href=without aria-label=label>
                <Glyph icon=Icon::Close />
            </a>
        </span>
    }
    .into_any()
}

/// Health of a system: its shape, and its word unless a sentence beside it says it.
#[component]
pub fn HealthMark(
    /// Health.
    health: Health,
    /// The shape alone; the word is there for who can't see it.
    #[prop(optional)]
    bare: bool,
) -> impl IntoView {
    let (class, icon, word) = match health {
        Health::Live => ("mark mark-ok", Icon::Live, "Live"),
        Health::Stale => ("mark mark-warn", Icon::Stale, "Stale"),
        Health::Failed => ("mark mark-danger", Icon::Failed, "Failed"),
        Health::Off => ("mark mark-quiet", Icon::Off, "Off"),
    };
    view! {
        <span class=class>
            <Glyph icon=icon />
            <span class:unseen=bare>{word}</span>
        </span>
    }
    .into_any()
}

/// Class of an age beside a system's name: quiet while it is live, loud else.
pub const fn age_class(health: Health) -> &'static str {
    match health {
        Health::Live => "quiet",
        Health::Stale => "is-warn",
        Health::Failed => "is-danger",
        Health::Off => "quiet",
    }
}

/// What became of a session.
#[component]
pub fn OutcomeMark(
    /// Outcome.
    outcome: Outcome,
) -> impl IntoView {
    let (class, icon) = match outcome {
        Outcome::Ended => ("mark mark-ok", Icon::Ended),
        Outcome::Rotated => ("mark mark-ok", Icon::Rotated),
        Outcome::AlreadyGone => ("mark mark-quiet", Icon::AlreadyGone),
        Outcome::StillThere => ("mark mark-warn", Icon::StillThere),
        Outcome::Refused => ("mark mark-danger", Icon::Refused),
        Outcome::Unsupported => ("mark mark-quiet", Icon::NotPossible),
        Outcome::Unknown => ("mark mark-warn", Icon::Unknown),
        Outcome::Stopped => ("mark mark-quiet", Icon::Stopped),
    };
    view! {
        <span class=class>
            <Glyph icon=icon />
            <span>{outcome.label()}</span>
        </span>
    }
    .into_any()
}

/// A session of an ending without an outcome yet, or back again.
#[component]
pub fn WaitingMark(
    /// Sent, not read back; else not yet sent.
    #[prop(optional)]
    asked: bool,
    /// Seen back after it had ended.
    #[prop(optional)]
    returned: bool,
) -> impl IntoView {
    let (class, icon, word) = match (returned, asked) {
        (true, _) => ("mark mark-warn", Icon::CameBack, "Came back"),
        (_, true) => ("mark mark-accent", Icon::Asked, "Asked"),
        _ => ("mark mark-quiet", Icon::Waiting, "Waiting"),
    };
    view! {
        <span class=class>
            <Glyph icon=icon />
            <span>{word}</span>
        </span>
    }
    .into_any()
}
