//! How a page about endings stays current: script listens to the server's stream and reads the page again; without it
//! there is the link.

use leptos::prelude::*;

use crate::systems::wire::Health;
use crate::ui::{Glyph, HealthMark, Icon};

/// The mark of the line, and the link that reads the page again without it.
#[component]
pub fn LiveMark(
    /// What to listen to.
    topic: String,
    /// Address of this page.
    address: String,
) -> impl IntoView {
    view! {
        <span class="link-mark no-print" data-live=topic>
            <span data-when="live">
                <HealthMark health=Health::Live />
            </span>
            <span class="is-warn" role="status" data-when="lost"></span>
        </span>
        <a class="btn btn-small btn-quiet" href=address data-again="">
            <Glyph icon=Icon::Again />
            <span>"Read again"</span>
        </a>
    }
    .into_any()
}
