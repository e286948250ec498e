//! Notes in the page, and what stands where nothing is.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
pub use crate::signin::wire::Tone;

/// Icon, bold fact, what it means, a link.
#[component]
pub fn Note(
    /// How serious; `None` = a plain remark.
    #[prop(optional_no_strip)]
    tone: Option<Tone>,
    /// The fact, bold; empty = none.
    #[prop(optional, into)]
    fact: String,
    /// What it means, and where to go.
    children: Children,
) -> impl IntoView {
    let (class, icon) = match tone {
        None => ("note", Icon::Info),
        Some(Tone::Info) => ("note note-info", Icon::Info),
        Some(Tone::Ok) => ("note note-ok", Icon::Ended),
        Some(Tone::Warn) => ("note note-warn", Icon::Warning),
        Some(Tone::Danger) => ("note note-danger", Icon::Refused),
    };
    view! {
        <div class=class>
            <Glyph icon=icon />
            <div class="note-words">
                {(!fact.is_empty()).then(|| view! { <b>{fact}</b> " " })}
                {children()}
            </div>
        </div>
    }
    .into_any()
}

/// A list with nothing in it: the fact, what it means, the next step.
#[component]
pub fn Empty(
    /// Icon above.
    icon: Icon,
    /// The fact.
    #[prop(into)]
    fact: String,
    /// What it means, and what to do.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <Glyph icon=icon large=true />
            <h2 class="empty-fact">{fact}</h2>
            <div class="empty-words">{children()}</div>
        </div>
    }
    .into_any()
}
