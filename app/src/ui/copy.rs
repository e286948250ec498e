//! Copying a text. Only script can do it: without it, and where the browser does not let it, there is no button.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// A button that copies `text`; an own path is copied with the address before it.
#[component]
pub fn Copy(
    /// What is copied. Never a secret: whatever stands here is in the page.
    #[prop(into)]
    text: String,
    /// What it is, read out: "Copy IP address".
    label: &'static str,
    /// Icon and words; empty = a small button in a row.
    #[prop(optional)]
    words: &'static str,
) -> impl IntoView {
    let alone = words.is_empty();
    view! {
        <button
            type="button"
            class=if alone { "copy" } else { "btn btn-small btn-quiet" }
            data-copy=text
            aria-label=alone.then_some(label)
            hidden
        >
            // Alone it stands in every row: its word comes from the style sheet, so that lists stay small.
            {(!alone).then(|| view! { <Glyph icon=Icon::Copy /> <span>{words}</span> })}
        </button>
    }
    .into_any()
}
