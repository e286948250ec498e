//! What just happened, said once on the page that follows a form.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ui::{Note, Tone};

/// One sentence about the act that led here, from the server; gone with the next page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// What happened; empty = nothing to say.
    pub message: String,
    /// It could not be done; else it was.
    pub failed: bool,
}

/// Holds the sentence of this page, if any; given by the app.
#[derive(Clone, Copy)]
pub struct FlashContext(pub RwSignal<Option<Flash>>);

/// Shows it above the page.
#[component]
pub fn FlashNote() -> impl IntoView {
    let flash = use_context::<FlashContext>().map(|FlashContext(flash)| flash);
    move || {
        flash.and_then(|flash| flash.get()).map(|flash| {
            let tone = if flash.failed { Tone::Danger } else { Tone::Ok };
            view! {
                <div class="flash" role="status">
                    <Note tone=Some(tone)>{flash.message}</Note>
                </div>
            }
        })
    }
}
