//! Help beside the heading of the list: what is not in it, why a session may be longer than the settings, what ending does.

use leptos::prelude::*;

use crate::paths;
use crate::ui::{Glyph, Icon};

/// The help, one click away. In words that hold for every system; what is special stands on the page of the system.
#[component]
pub fn ListHelp() -> impl IntoView {
    view! {
        <details class="drop drop-end help">
            <summary class="icon-btn" aria-label="Help with this list">
                <Glyph icon=Icon::Help />
            </summary>
            <div class="drop-body help-body">
                <section aria-labelledby="help-missing">
                    <h2 id="help-missing" class="group-label">
                        "What is not in this list"
                    </h2>
                    <p>
                        "API tokens, keys and scheduled work: systems do not list them as sessions, and ending a session leaves \
                         them alone. Apps and devices that a system does not report. Systems that are not connected here."
                    </p>
                    <p>
                        "Guests, with nobody signed in, until a kind asks for them. Sessions that are over, until a state asks for \
                         them. Whatever lies outside your grant. Rows are as old as the reading named under their system."
                    </p>
                </section>
                <section aria-labelledby="help-longer">
                    <h2 id="help-longer" class="group-label">
                        "Why is a session longer than the settings allow?"
                    </h2>
                    <p>
                        "A session keeps the limits it began with. Other settings count for sign-ins after the change; older \
                         sessions run on until their own limits, or until you end them: filter by start, then select all that \
                         match. Every use moves the idle end on, while the latest end stays. Some systems list a session for a \
                         while after its limit: “still listed” marks it, and its person is out already."
                    </p>
                </section>
                <section aria-labelledby="help-ending">
                    <h2 id="help-ending" class="group-label">
                        "What happens when I end a session?"
                    </h2>
                    <p>
                        "You see a preview first. Then Curfew asks the system, reads it again, and says “ended” only when the \
                         session is gone. Whoever used it has to sign in again with their next click, and work they did not save \
                         may be lost. It can’t be taken back."
                    </p>
                    <p>
                        "Mobile apps and tokens handed out before may go on for a while: the preview says how long, by system. \
                         Where a browser is still signed in to an identity server it may come straight back; Curfew watches and \
                         tells you."
                    </p>
                </section>
                <p>
                    <a href=paths::SYSTEMS>"What each system can tell and do"</a>
                </p>
            </div>
        </details>
    }
    .into_any()
}
