//! Tickets that were given before an ending and may still let people in.

use leptos::prelude::*;

use super::wire::OpenTickets;
use crate::ui::{Clock, Note, Tone, counted};

/// They can't be taken back: who was given one a moment before may come back by it.
#[component]
pub fn TicketsOpen(
    /// How many, and until when.
    open: OpenTickets,
) -> impl IntoView {
    let clock = Clock::here();
    let fact = counted(
        open.count,
        "ticket was given to these people shortly before.",
        "tickets were given to these people shortly before.",
    );
    view! {
        <Note tone=Some(Tone::Warn) fact=fact>
            "The ticket broker gives them no more, but what was given can’t be taken back: one that is not redeemed "
            "yet lets in until " <b>{move || clock.to_second(open.until)}</b>
            ". Curfew looks for sessions that come of it, and marks them as come back."
        </Note>
    }
    .into_any()
}
