//! How the list stays current without moving a row: script listens, cells change in place, new rows wait for a press.

use leptos::prelude::*;

use crate::ui::{Glyph, Icon};

/// What the page listens to: the server's word for "something about sessions changed".
const TOPIC: &str = "sessions";

/// The button behind which new rows wait, the one that pauses, and the mark of a line that is down. Without script nothing
/// of it shows, but its place is kept: nothing may move when it comes and goes.
#[component]
pub fn LiveTools(
    /// Version of the list as it was drawn.
    version: i64,
) -> impl IntoView {
    view! {
        <span class="link-mark list-link no-print" data-live=TOPIC data-rows="" data-version=version>
            <span class="is-warn" role="status" data-when="lost"></span>
        </span>
        <button type="button" class="btn btn-small btn-new" data-new="" data-off="">
            <Glyph icon=Icon::Up />
            <span></span>
        </button>
        <button type="button" class="btn btn-small btn-quiet" data-pause="" data-off="">
            <Glyph icon=Icon::Pause />
            <span>"Pause"</span>
        </button>
    }
    .into_any()
}
