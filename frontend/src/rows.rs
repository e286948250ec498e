//! A list that stays current and stands still: cells change in their place, what went stays and says so, and what is new
//! waits behind a button, so that no row moves under somebody's pointer or focus. It can be paused, and stays paused for
//! as long as its page is open.

use std::cell::Cell;
use std::collections::HashMap;

use app::paths;
use app::sessions::form::{AROUND, COUNT, HELD, PICK_PAGE, ROWS_FORM};
use js_sys::Date;
use web_sys::{Document, Element, HtmlElement, MouseEvent};

use crate::dom::{self, document, window};
use crate::page::{self, Asked};
use crate::{copy, live, morph, ticks};

const NEW: &str = "[data-new]";
const PAUSE: &str = "[data-pause]";
/// Keeps the place of what does not show.
const OFF: &str = "data-off";
/// What in a row can have focus.
const STOP: &str = "input:not([type=hidden]):not(:disabled), a[href]";

/// How long an exact number of many stands, ms.
const COUNT_EVERY: f64 = 30_000.0;

thread_local! {
    static COUNTED_AT: Cell<f64> = const { Cell::new(0.0) };
    static PAUSED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the open page is a list that stays current.
pub fn are_live() -> bool {
    dom::one::<Element>("[data-live][data-rows]").is_some()
}

pub fn are_paused() -> bool {
    PAUSED.get() && are_live()
}

fn rows(of: &Document, table: &str) -> Vec<(String, Element)> {
    let root = of.document_element();
    let rows = root.map(|root| dom::all::<Element>(&root, &format!("{table} > tbody > tr[data-key]")));
    let keyed = rows.unwrap_or_default().into_iter();
    keyed
        .filter_map(|row| Some((row.get_attribute("data-key")?, row)))
        .collect()
}

fn listed(of: &Document) -> Vec<(String, Element)> {
    rows(of, &format!("#{ROWS_FORM} > table:not(#{HELD})"))
}

fn shown() -> Vec<(String, Element)> {
    listed(&document())
}

/// The rows of the page, for the server, which says what became of each.
pub fn keys() -> String {
    let keys: Vec<String> = shown().into_iter().map(|(key, _)| key).collect();
    keys.join(",")
}

/// Puts the newer list into the open one. Every row stays where it is.
pub fn take(answer: &Document) {
    let newest = listed(answer);
    let order: Vec<String> = newest.iter().map(|(key, _)| key.clone()).collect();
    let before = shown();
    let same_order = before.iter().map(|(key, _)| key).eq(&order);
    let mut waiting = newest.len();
    // "10,000+" would take the place of the exact number, and counting it is work: it stands for a while.
    let capped = |of: &Document| matches!(of.query_selector("[data-count]"), Ok(Some(_)));
    let many = capped(answer) && capped(&document());
    let mut known: HashMap<String, Element> = rows(answer, &format!("#{HELD}")).into_iter().collect();
    known.extend(newest);
    steady(|| {
        for (key, row) in &before {
            if order.contains(key) {
                waiting -= 1;
            }
            match known.remove(key) {
                Some(now) => {
                    let had_focus = focused(row);
                    morph::morph(row, &now, true);
                    if had_focus && !focused(row) {
                        // What had it is not there any more, such as the box of a row that is being ended.
                        let stops = dom::all::<HtmlElement>(row, STOP);
                        stops.first().inspect(|stop| dom::focus(stop));
                    }
                }
                None => forget(row),
            }
        }
        for id in ["bar", "sign-in-ends"].into_iter().chain(AROUND) {
            if id != COUNT || !many {
                page::part(answer, id);
            }
        }
    });
    if many && Date::now() - COUNTED_AT.get() >= COUNT_EVERY {
        COUNTED_AT.set(Date::now());
        page::count_exactly();
    }
    ticks::mirror_head();
    copy::arrived();
    let more = if waiting > 0 && waiting == order.len() && before.len() == waiting {
        "+"
    } else {
        ""
    };
    offer(match waiting {
        0 if same_order || before.is_empty() => String::new(),
        0 => "Sort again".to_owned(),
        n => format!("{n}{more} new"),
    });
}

fn focused(row: &Element) -> bool {
    row.contains(document().active_element().as_deref())
}

/// A row that is not the person's to see any more keeps its place and nothing else.
fn forget(row: &Element) {
    for cell in dom::all::<Element>(row, "td, th") {
        let head = cell.tag_name() == "TH";
        cell.set_text_content(head.then_some("Not in your list any more"));
    }
    dom::set(row, "class", "is-gone");
}

/// Shows the button behind which new rows wait; nothing to say = nothing waits.
fn offer(words: String) {
    let Some(button) = dom::one::<Element>(NEW) else {
        return;
    };
    if let Some(place) = dom::all::<Element>(&button, "span").first() {
        place.set_text_content(Some(&words));
    }
    drop(button.toggle_attribute_with_force(OFF, words.is_empty()));
}

/// Does something that may change what stands above the rows. The row that a person is at stays where it is; where they
/// are at none, what they read does, as far as the page scrolls.
pub fn steady(act: impl FnOnce()) {
    let top = |row: &Element| row.get_bounding_client_rect().top();
    let at = dom::one::<Element>(&format!("#{ROWS_FORM} tr:focus-within"))
        .or_else(|| dom::one(&format!("#{ROWS_FORM} tbody tr:hover")));
    let must = at.is_some();
    if !must {
        room(ROWS_FORM, "margin-top", 0.0);
    }
    let read = || {
        shown()
            .into_iter()
            .map(|(_, row)| row)
            .find(|row| top(row) >= 0.0)
    };
    let Some((row, before)) = at.or_else(read).map(|row| (row.clone(), top(&row))) else {
        return act();
    };
    act();
    let down = || (top(&row) - before).round();
    if down() == 0.0 || (!must && window().scroll_y().unwrap_or_default() == 0.0) {
        return;
    }
    window().scroll_by_with_x_and_y(0.0, down());
    let rest = down();
    if !must || rest == 0.0 {
        return;
    }
    // The page can't scroll so far: room is made, until the person is somewhere else.
    if rest < 0.0 {
        let form = dom::by_id::<HtmlElement>(ROWS_FORM);
        let has = form.and_then(|form| form.style().get_property_value("margin-top").ok());
        let has = has.and_then(|px| px.trim_end_matches("px").parse::<f64>().ok());
        room(ROWS_FORM, "margin-top", has.unwrap_or(0.0) - rest);
    } else {
        let height = document()
            .document_element()
            .map_or(0, |root| root.scroll_height());
        room("main", "min-height", f64::from(height) + rest);
        window().scroll_by_with_x_and_y(0.0, down());
    }
}

/// Makes a part of the page larger, by the browser's own way: the policy of the page takes no style from markup.
fn room(id: &str, name: &str, px: f64) {
    if let Some(part) = dom::by_id::<HtmlElement>(id) {
        drop(part.style().set_property(name, &format!("{px}px")));
    }
}

/// After a page came: the buttons show themselves as things are.
pub fn arrived() {
    if page::here().split('?').next() != Some(paths::SESSIONS) {
        PAUSED.set(false);
    }
    let Some(button) = dom::one::<Element>(PAUSE) else {
        return;
    };
    drop(button.remove_attribute(OFF));
    if let Some(words) = dom::all::<Element>(&button, "span").first() {
        words.set_text_content(Some(if PAUSED.get() { "Go on" } else { "Pause" }));
    }
}

fn clicked(event: &MouseEvent) {
    if dom::around::<Element>(event, PAUSE).is_some() {
        PAUSED.set(!PAUSED.get());
        arrived();
        dom::say(if PAUSED.get() {
            "The list stands still."
        } else {
            "The list is kept current."
        });
        live::resume();
    } else if dom::around::<Element>(event, NEW).is_some() {
        // The button goes: the head of the table is where what it brought begins.
        if let Some(head) = dom::by_id::<HtmlElement>(PICK_PAGE) {
            dom::focus(&head);
        }
        if let Some(form) = dom::by_id::<Element>(ROWS_FORM) {
            form.scroll_into_view();
        }
        page::go(page::here(), Asked::Person);
    }
}

pub fn start() {
    dom::on("click", |event: MouseEvent| clicked(&event));
}
