//! Finding sessions: what the search box may go on with, filters that open from the head of a column, and how many
//! sessions each of their values would list.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use app::paths;
use app::sessions::form::{FILTER_FIELDS, FILTER_FOLD, FILTER_FORM, OPEN, SEARCH, SUGGESTIONS};
use app::sessions::query::typed;
use js_sys::{Array, JSON, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Element, Event, HtmlDetailsElement, HtmlElement, HtmlFormElement, HtmlInputElement, KeyboardEvent,
    MouseEvent,
};

use crate::dom;
use crate::page::{self, Asked};

/// How long after a keystroke the server is asked what may follow.
const PAUSE: Duration = Duration::from_millis(120);

thread_local! {
    static LATER: RefCell<dom::Later> = const { RefCell::new(dom::Later::new()) };
    /// Grows with every question, so that an older answer never replaces a newer one.
    static ROUND: Cell<u32> = const { Cell::new(0) };
    /// What stood in the box when the list was asked for: its terms are chips once the answer is there.
    static TAKEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn search() -> Option<HtmlInputElement> {
    dom::by_id(SEARCH)
}

fn list() -> Option<HtmlElement> {
    dom::by_id(SUGGESTIONS)
}

fn options() -> Vec<HtmlElement> {
    list()
        .map(|list| dom::all(&list, "[role=option]"))
        .unwrap_or_default()
}

fn turn() -> u32 {
    let round = ROUND.get() + 1;
    ROUND.set(round);
    round
}

/// The list is being asked for with what stands in the box.
pub fn asks(text: &str) {
    TAKEN.set(Some(text.to_owned()));
    close();
}

/// After a page came: terms that were understood are chips now, the box keeps the words.
pub fn arrived() {
    let open = list().is_some_and(|list| !list.hidden());
    let typing_on = search().filter(|field| {
        TAKEN.with_borrow(|taken| taken.as_ref().map_or(open, |taken| *taken != field.value()))
            && !field.value().is_empty()
            && dom::document()
                .active_element()
                .is_some_and(|at| dom::id(&at) == SEARCH)
    });
    close();
    // The answer is to what stood there before: what stands there now is still being typed.
    if let Some(field) = typing_on {
        LATER.with_borrow_mut(|later| later.run(PAUSE, move || offer(&field)));
        return;
    }
    let (Some(field), Some(taken)) = (search(), TAKEN.take()) else {
        return;
    };
    let words = field.default_value();
    if field.value() == taken && !field.has_attribute("aria-invalid") && words != taken.trim() {
        field.set_value(&if words.is_empty() {
            words
        } else {
            format!("{words} ")
        });
    }
}

fn close() {
    turn();
    LATER.with_borrow_mut(dom::Later::stop);
    if let Some(list) = list() {
        list.set_hidden(true);
        list.set_text_content(None);
    }
    if let Some(field) = search() {
        offers(&field, false);
        drop(field.remove_attribute("aria-activedescendant"));
    }
}

/// Says that the box has a list, and whether it is open: only a combobox may say so.
fn offers(field: &HtmlInputElement, open: bool) {
    dom::set(field, "role", "combobox");
    dom::set(field, "aria-autocomplete", "list");
    dom::set(field, "aria-controls", SUGGESTIONS);
    dom::set(field, "aria-expanded", if open { "true" } else { "false" });
}

/// Asks what the box may go on with.
fn offer(field: &HtmlInputElement) {
    let typed = field.value();
    let round = turn();
    spawn_local(async move {
        let address = paths::with_query(paths::SUGGEST, &paths::query_string(&[("q", &typed)]));
        let answer = page::text(&address).await;
        if ROUND.get() == round {
            let found = answer
                .and_then(|text| JSON::parse(&text).ok())
                .map(|found| Array::from(&found));
            show(&found.unwrap_or_default());
        }
    });
}

fn show(found: &Array) {
    close();
    let (Some(list), Some(field)) = (list(), search()) else {
        return;
    };
    for (at, one) in found.iter().enumerate() {
        let said = |name: &str| {
            let value = Reflect::get(&one, &JsValue::from_str(name)).ok();
            value.and_then(|value| value.as_string()).unwrap_or_default()
        };
        let option = || {
            let document = dom::document();
            let option = document.create_element("li")?;
            dom::set(&option, "role", "option");
            dom::set(&option, "id", &format!("{SUGGESTIONS}-{at}"));
            dom::set(&option, "aria-selected", "false");
            dom::set(&option, "data-text", &said("text"));
            for (kind, name) in [("b", "shown"), ("span", "words")] {
                let part = document.create_element(kind)?;
                part.set_text_content(Some(&said(name)));
                option.append_child(&part)?;
            }
            list.append_child(&option)
        };
        // Fails for no such element.
        drop(option());
    }
    let any = found.length() > 0;
    list.set_hidden(!any);
    offers(&field, any);
}

fn chosen() -> Option<usize> {
    options()
        .iter()
        .position(|option| option.get_attribute("aria-selected").as_deref() == Some("true"))
}

fn choose(at: Option<usize>) {
    for (n, option) in options().iter().enumerate() {
        let chosen = Some(n) == at;
        dom::set(option, "aria-selected", if chosen { "true" } else { "false" });
        if chosen && let Some(field) = search() {
            dom::set(&field, "aria-activedescendant", &dom::id(option));
        }
    }
}

/// Puts a suggestion into the box; a whole term asks for the list, a word waits for its value.
fn take(option: &Element) {
    let Some(field) = search() else { return };
    let text = option.get_attribute("data-text").unwrap_or_default();
    dom::focus(&field);
    if text.ends_with(':') {
        field.set_value(&text);
        offer(&field);
        return;
    }
    field.set_value(&format!("{text} "));
    close();
    crate::typing::ask(&field);
}

fn typed(event: &Event) {
    if let Some(field) = dom::target::<HtmlInputElement>(event)
        && dom::id(&field) == SEARCH
    {
        turn();
        if field.value().is_empty() || field.value().ends_with(' ') {
            close();
        } else {
            LATER.with_borrow_mut(|later| later.run(PAUSE, move || offer(&field)));
        }
    }
}

fn pressed(event: &KeyboardEvent) {
    let in_box = dom::target::<Element>(event).is_some_and(|at| dom::id(&at) == SEARCH);
    let options = options();
    if !in_box || options.is_empty() {
        return;
    }
    let last = options.len() - 1;
    match event.key().as_str() {
        "ArrowDown" => choose(Some(chosen().map_or(0, |at| if at == last { 0 } else { at + 1 }))),
        "ArrowUp" => choose(Some(
            chosen().map_or(last, |at| if at == 0 { last } else { at - 1 }),
        )),
        "Escape" => close(),
        "Enter" => match chosen().and_then(|at| options.get(at)) {
            Some(option) => take(option),
            None => return,
        },
        "Tab" if !event.shift_key() => match options.get(chosen().unwrap_or(0)) {
            Some(option) => take(option),
            None => return,
        },
        _ => return,
    }
    event.prevent_default();
    event.stop_propagation();
}

/// Opens the filter with this id.
fn open(id: &str) {
    let Some(fold) = dom::by_id::<HtmlDetailsElement>(FILTER_FOLD) else {
        return;
    };
    fold.set_open(true);
    count_values();
    let Some(field) = dom::by_id::<HtmlElement>(id) else {
        return;
    };
    match dom::all::<HtmlElement>(&field, "input").first() {
        Some(first) => dom::focus(first),
        None => dom::focus(&field),
    }
}

/// Reads the page with its filters open and puts their counts into this one.
fn count_values() {
    let here = page::here();
    let address = paths::with_query(paths::SESSIONS, &{
        let mut pairs = paths::parse_query(here.split_once('?').map_or("", |(_, query)| query));
        pairs.retain(|(name, _)| name != OPEN);
        pairs.push((OPEN.to_owned(), "filters".to_owned()));
        paths::query_string(&pairs)
    });
    spawn_local(async move {
        if let Ok(answer) = page::ask(&address, None, Asked::Page).await
            && page::here() == here
        {
            page::part(&answer.document, FILTER_FIELDS);
        }
    });
}

fn clicked(event: &MouseEvent) {
    if let Some(button) = dom::around::<HtmlElement>(event, "[data-filter]") {
        event.prevent_default();
        open(&button.get_attribute("data-filter").unwrap_or_default());
    } else if let Some(option) = dom::around::<Element>(event, "[role=option][data-text]") {
        take(&option);
    } else {
        close();
        let folded = dom::by_id::<HtmlDetailsElement>(FILTER_FOLD).is_some_and(|fold| !fold.open());
        // The click itself opens it.
        if folded && dom::around::<Element>(event, &format!("#{FILTER_FOLD} > summary")).is_some() {
            count_values();
        }
    }
}

fn sent(event: &Event) {
    if dom::target::<HtmlFormElement>(event).is_some_and(|form| dom::id(&form) == FILTER_FORM)
        && let Some(field) = search()
    {
        asks(&field.value());
    }
}

/// Whether the list waits for the rest of a term before it is asked for.
pub fn waits(text: &str) -> bool {
    typed::waits(text)
}

pub fn start() {
    dom::on("input", |event: Event| typed(&event));
    dom::on("keydown", |event: KeyboardEvent| pressed(&event));
    dom::on("click", |event: MouseEvent| clicked(&event));
    dom::on("submit", |event: Event| sent(&event));
}
