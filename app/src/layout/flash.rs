//! What just happened, said once on the page that follows a form.

use serde::{Deserialize, Serialize};

/// One sentence about the act that led here, from the server; gone with the next page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// What happened; empty = nothing to say.
    pub message: String,
    /// It could not be done; else it was.
    pub failed: bool,
}

/// Shows it above the page.
#[cfg(feature = "ssr")]
#[leptos::component]
pub fn FlashNote() -> impl leptos::IntoView {
    use leptos::prelude::*;

    use crate::ui::{Note, Tone};

    use_context::<Flash>().map(|flash| {
        let tone = if flash.failed { Tone::Danger } else { Tone::Ok };
        view! {
            <div class="flash" role="status">
                <Note tone=Some(tone)>{flash.message}</Note>
            </div>
        }
    })
}
