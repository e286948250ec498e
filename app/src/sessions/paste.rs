//! A pasted list of people or addresses: its form, and what of it matches nothing.

use leptos::prelude::*;

use super::form::{BACK, LIST};
use crate::layout::Echo;
use crate::paths;
use crate::ui::{Button, Glyph, Icon, Note, counted, thousands};

/// Where a list is pasted: sent by POST, so that it may be long, and led on to the list of sessions it asks for.
#[component]
pub fn PasteForm(
    /// Query string of the list whose other filters stay.
    back: String,
) -> impl IntoView {
    let echo = Echo::of(paths::post::PASTE, None, &[]);
    let error = echo.error(LIST).or_else(|| echo.whole(&[LIST]));
    let invalid = error.is_some();
    let below = match error {
        Some(error) => view! {
            <p id="paste-below" class="field-error">
                <Glyph icon=Icon::Refused />
                <span>{error}</span>
            </p>
        }
        .into_any(),
        None => view! {
            <p id="paste-below" class="field-hint">
                "User names, mails, or IP addresses and networks, each on its own line. They take the place of that filter. "
                "What matches nothing is named."
            </p>
        }
        .into_any(),
    };
    view! {
        <details class="drop drop-find" open=invalid>
            <summary class="btn facet-btn">"Paste a list"</summary>
            <form method="post" action=paths::post::PASTE class="drop-body find-form">
                <input type="hidden" name=BACK value=back />
                <div class="field">
                    <label for="paste-list">"People or IP addresses"</label>
                    <textarea
                        id="paste-list"
                        class="input"
                        name=LIST
                        rows="8"
                        required
                        autocomplete="off"
                        spellcheck="false"
                        maxlength="40000"
                        aria-describedby="paste-below"
                        aria-invalid=invalid.then_some("true")
                    >
                        {echo.value(LIST)}
                    </textarea>
                    {below}
                    <Button>"Show their sessions"</Button>
                </div>
            </form>
        </details>
    }
    .into_any()
}

/// What of a list matches nothing.
#[component]
pub fn Unmatched(
    /// How many there are in the list.
    asked: u64,
    /// Those that match nothing, as they were asked.
    none: Vec<String>,
) -> impl IntoView {
    let words = match none.len() {
        0 => return ().into_any(),
        n => format!(
            "{} of the {} match no session here: ",
            counted(n as u64, "entry", "entries"),
            thousands(asked)
        ),
    };
    view! {
        <Note>
            <b>{words}</b>
            <bdi class="unmatched">{none.join(", ")}</bdi>
        </Note>
    }
    .into_any()
}
