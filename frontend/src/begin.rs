//! What an ending that begins later means while it is typed: when that is, and what people will see.

use app::civil::Civil;
use app::endings::wire::{AT, BEGIN, MINUTES, NOTICE, seen_words};
use app::wire::Timestamp;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement, HtmlTextAreaElement};

use crate::{ages, dom};

/// The value of the field of that name that counts, within the part.
fn value(part: &Element, name: &str) -> String {
    let selector = format!("[name=\"{name}\"]:is(:checked, :not([type=radio]))");
    dom::all::<HtmlInputElement>(part, &selector)
        .first()
        .map_or_else(String::new, HtmlInputElement::value)
}

fn show(part: &Element) {
    let Some(zone) = ages::zone() else { return };
    let at = match value(part, BEGIN).as_str() {
        "in" => value(part, MINUTES)
            .trim()
            .parse()
            .ok()
            .map(|minutes: i64| zone.now.plus_seconds(minutes.saturating_mul(60))),
        "at" => Civil::parse(&value(part, AT)).map(|civil| civil.timestamp(0)),
        _ => None,
    };
    let at: Option<Timestamp> = at.filter(|at| *at > zone.now);
    let about = at.map_or_else(String::new, |at| {
        format!("about {}", seen_words("{time}", at, zone.now))
    });
    for output in dom::all::<HtmlElement>(part, "[data-about]") {
        output.set_text_content(Some(&about));
    }
    let text = dom::all::<HtmlTextAreaElement>(part, &format!("[name={NOTICE}]"))
        .first()
        .map_or_else(String::new, HtmlTextAreaElement::value);
    for seen in dom::all::<HtmlElement>(part, "[data-seen]") {
        let words = at
            .filter(|_| !text.trim().is_empty())
            .map(|at| seen_words(text.trim(), at, zone.now));
        seen.set_hidden(words.is_none());
        for output in dom::all::<HtmlElement>(&seen, "output") {
            output.set_text_content(words.as_deref());
        }
    }
}

fn changed(event: &Event) {
    if let Some(part) = dom::around::<Element>(event, "[data-begin]") {
        show(&part);
    }
}

/// After a page came: what stands in its fields already.
pub fn arrived() {
    for part in dom::each::<Element>("[data-begin]") {
        show(&part);
    }
}

pub fn start() {
    dom::on("input", |event: Event| changed(&event));
}
