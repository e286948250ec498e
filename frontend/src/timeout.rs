//! The warning before one's own sign-in ends.

use std::cell::Cell;
use std::time::Duration;

use app::layout::timeout::{Ahead, TIMEOUT, ahead};
use app::paths;
use app::wire::Timestamp;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, FormData, HtmlDialogElement, HtmlFormElement};

use crate::dom;
use crate::page::{self, Asked};

thread_local! {
    /// The part that was shown last, so that a dialog that was closed stays closed until something changes.
    static SHOWN: Cell<&'static str> = const { Cell::new("") };
    static OVER: Cell<bool> = const { Cell::new(false) };
}

/// The server said that nobody is signed in.
pub fn over() {
    OVER.set(true);
    look();
}

fn due() -> Ahead {
    if OVER.get() {
        return Ahead::Over;
    }
    let ends = dom::by_id::<Element>("sign-in-ends");
    let moment = |name: &str| Some(Timestamp(ends.as_ref()?.get_attribute(name)?.parse().ok()?));
    match (crate::ages::zone(), moment("data-idle"), moment("data-latest")) {
        (Some(zone), Some(idle), Some(latest)) => ahead(zone.now, idle, latest),
        _ => Ahead::Nothing,
    }
}

fn look() {
    let Some(dialog) = dom::by_id::<HtmlDialogElement>(TIMEOUT) else {
        return;
    };
    let due = due();
    if let Some(title) = dom::by_id::<Element>(&format!("{TIMEOUT}-title"))
        && title.text_content().as_deref() != Some(&due.title())
    {
        title.set_text_content(Some(&due.title()));
    }
    let name = due.name();
    if SHOWN.replace(name) == name {
        return;
    }
    for part in dom::all::<Element>(&dialog, "[data-when]") {
        if part.get_attribute("data-when").as_deref() == Some(name) {
            drop(part.remove_attribute("hidden"));
        } else {
            dom::set(&part, "hidden", "");
        }
    }
    match (name.is_empty(), dialog.open()) {
        // Fails only for a dialog that left the document: then there is nothing to show.
        (false, false) => drop(dialog.show_modal()),
        (true, true) => dialog.close(),
        _ => {}
    }
}

/// "Stay signed in": without leaving the page, so that what was typed stays.
fn sent(event: &Event) {
    let Some(form) = dom::around::<HtmlFormElement>(event, &format!("#{TIMEOUT} form")) else {
        return;
    };
    let Ok(fields) = FormData::new_with_form(&form) else {
        return;
    };
    event.prevent_default();
    // The answer is the frame alone.
    drop(fields.set_with_str("next", paths::FRAME));
    spawn_local(async move {
        match page::ask(paths::post::ACCOUNT, Some(&fields), Asked::Person).await {
            Ok(answer) => {
                page::part(&answer.document, "sign-in-ends");
                page::part(&answer.document, "clock");
                look();
            }
            Err(page::Trouble::SignedOut) => over(),
            Err(page::Trouble::NoAnswer) => dom::say("Curfew did not answer. Try again."),
        }
    });
}

pub fn start() {
    dom::on("submit", |event: Event| sent(&event));
    dom::every(Duration::from_secs(5), look);
    look();
}
