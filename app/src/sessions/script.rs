//! What script adds to the list: ticks are sent at once, ranges, keys, pages without a reload, search while typing.
//! In the browser only; without it the forms do the same with one POST or GET more.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use leptos::web_sys::{
    self, Element, Event, FormData, HtmlElement, HtmlFormElement, HtmlInputElement, KeyboardEvent,
    MouseEvent, SubmitEvent, UrlSearchParams,
};

use super::calls;
use super::filters::meaningful;
use super::form::{Act, ROW, SEL, SHOWN};
use super::picks::Picks;
use super::table::ROWS_FORM;
use super::wire::SelectionEdit;
use crate::error::AppError;
use crate::paths;
use crate::ui::counted;
use crate::wire::SessionKey;

/// How long after a keystroke the list is asked for.
const TYPING: Duration = Duration::from_millis(180);

fn form() -> Option<HtmlFormElement> {
    document().get_element_by_id(ROWS_FORM)?.dyn_into().ok()
}

fn all<T: JsCast>(root: &Element, selector: &str) -> Vec<T> {
    let Ok(list) = root.query_selector_all(selector) else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|at| list.item(at)?.dyn_into().ok())
        .collect()
}

/// The boxes of the page that can be ticked, in order.
fn boxes() -> Vec<HtmlInputElement> {
    form()
        .map(|form| all(&form, &format!("input[name={ROW}]")))
        .unwrap_or_default()
}

/// Header box: on, off, or some.
fn mirror_head(boxes: &[HtmlInputElement]) {
    let head = document().get_element_by_id("pick-page");
    if let Some(head) = head.and_then(|e| e.dyn_into::<HtmlInputElement>().ok()) {
        let ticked = boxes.iter().filter(|b| b.checked()).count();
        head.set_checked(ticked > 0 && ticked == boxes.len());
        head.set_indeterminate(ticked > 0 && ticked < boxes.len());
        head.set_disabled(boxes.is_empty());
    }
}

fn target<T: JsCast>(event: &Event) -> Option<T> {
    event.target()?.dyn_into().ok()
}

/// A box changed: the header box ticks the page, any other box itself.
pub fn changed(event: &Event, picks: Picks) {
    let Some(input) = target::<HtmlInputElement>(event) else {
        return;
    };
    let boxes = boxes();
    if input.id() == "pick-page" {
        for one in &boxes {
            one.set_checked(input.checked());
        }
    } else if input.name() != ROW {
        return;
    }
    ticked(&boxes, picks);
}

/// Shift and a click (or Space) tick everything from the box before to this one.
pub fn clicked(event: &MouseEvent, picks: Picks) {
    let Some(input) = target::<HtmlInputElement>(event).filter(|input| input.name() == ROW) else {
        return;
    };
    if event.shift_key() {
        range_to(&input, input.checked(), picks);
    }
    picks.anchor.set_value(Some(input.value()));
}

fn range_to(input: &HtmlInputElement, checked: bool, picks: Picks) {
    let boxes = boxes();
    let place = |key: &str| boxes.iter().position(|b| b.value() == key);
    if let (Some(from), Some(to)) = (
        picks.anchor.get_value().as_deref().and_then(place),
        place(&input.value()),
    ) {
        for one in &boxes[from.min(to)..=from.max(to)] {
            one.set_checked(checked);
        }
    }
}

/// Keys within the table: Ctrl or Cmd and A tick this page, arrows walk rows and what a row holds.
pub fn key_pressed(event: &KeyboardEvent, picks: Picks) {
    let Some(at) = target::<HtmlElement>(event) else {
        return;
    };
    let key = event.key();
    if (event.ctrl_key() || event.meta_key()) && key.eq_ignore_ascii_case("a") && !event.shift_key() {
        event.prevent_default();
        let boxes = boxes();
        for one in &boxes {
            one.set_checked(true);
        }
        ticked(&boxes, picks);
        return;
    }
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let input = at.clone().dyn_into::<HtmlInputElement>().ok();
    if key == " "
        && event.shift_key()
        && let Some(input) = input.filter(|input| input.name() == ROW)
    {
        // Not every browser tells a click by key that Shift was held, so the range is made here.
        event.prevent_default();
        let checked = !input.checked();
        input.set_checked(checked);
        range_to(&input, checked, picks);
        picks.anchor.set_value(Some(input.value()));
        ticked(&boxes(), picks);
        return;
    }
    let Some(row) = at.closest("tbody tr").ok().flatten() else {
        return;
    };
    let stops: Vec<HtmlElement> = all(
        &row,
        "input:not([type=hidden]):not(:disabled), a[href], [tabindex]",
    );
    let here = stops.iter().position(|stop| stop.is_same_node(Some(&at)));
    let next = match key.as_str() {
        "ArrowRight" => here.and_then(|here| stops.get(here + 1)).cloned(),
        "ArrowLeft" => here
            .and_then(|here| here.checked_sub(1))
            .and_then(|to| stops.get(to))
            .cloned(),
        "ArrowDown" => neighbour(&row, here.unwrap_or(0), true),
        "ArrowUp" => neighbour(&row, here.unwrap_or(0), false),
        _ => return,
    };
    event.prevent_default();
    if let Some(next) = next {
        focus(&next);
    }
}

/// The same place in the next row that has one.
fn neighbour(row: &Element, place: usize, down: bool) -> Option<HtmlElement> {
    let step = |row: &Element| {
        if down {
            row.next_element_sibling()
        } else {
            row.previous_element_sibling()
        }
    };
    let mut row = step(row)?;
    loop {
        let stops: Vec<HtmlElement> = all(
            &row,
            "input:not([type=hidden]):not(:disabled), a[href], [tabindex]",
        );
        if let Some(stop) = stops.get(place).or(stops.last()) {
            return Some(stop.clone());
        }
        row = step(&row)?;
    }
}

fn focus(element: &HtmlElement) {
    // Fails only for an element that left the document meanwhile.
    let _ = element.focus();
}

/// A button of the row form: pages and sorts come without a reload, "all" and "clear" in place. A preview is a page
/// of its own and goes the plain way, as does everything while a tick is still on its way.
pub fn submitted(event: &SubmitEvent, picks: Picks) {
    let value = event.submitter().and_then(|button| button.get_attribute("value"));
    let act = Act::from_value(&value.unwrap_or_default());
    if picks.sending.get_value() {
        return;
    }
    match act {
        Act::GoTo(query) => {
            event.prevent_default();
            picks.go.run(query);
        }
        Act::Page => {
            event.prevent_default();
            let boxes = boxes();
            for one in &boxes {
                one.set_checked(true);
            }
            ticked(&boxes, picks);
        }
        Act::All => {
            event.prevent_default();
            let boxes = boxes();
            for one in &boxes {
                one.set_checked(true);
            }
            mirror_head(&boxes);
            send(picks, true);
        }
        Act::Clear => {
            event.prevent_default();
            clear(picks);
        }
        Act::Select | Act::Preview => {}
    }
}

/// Ticks changed: the bar counts at once, the server is told, one request at a time.
fn ticked(boxes: &[HtmlInputElement], picks: Picks) {
    mirror_head(boxes);
    let now = boxes.iter().filter(|b| b.checked()).count() as i64;
    picks.ahead.set(now - picks.known.get_value());
    if picks.sending.get_value() {
        picks.again.set_value(true);
    } else {
        send(picks, false);
    }
}

/// The row form's fields as they stand.
fn read_edit(all_matching: bool) -> Option<SelectionEdit> {
    let form = form()?;
    let values = |selector: &str| -> Vec<SessionKey> {
        all::<HtmlInputElement>(&form, selector)
            .iter()
            .map(|input| SessionKey::from(input.value()))
            .collect()
    };
    let query = all::<HtmlInputElement>(&form, "input[name=query]")
        .first()?
        .value();
    Some(SelectionEdit {
        selection_id: None,
        shown: values(&format!("input[name={SHOWN}]")),
        ticked: values(&format!("input[name={ROW}]:checked")),
        all_matching,
        query,
    })
}

fn send(picks: Picks, all_matching: bool) {
    let Some(mut edit) = read_edit(all_matching) else {
        return;
    };
    edit.selection_id = picks.sel.get_untracked();
    let announcer = picks.announcer;
    let sent = edit.ticked.len() as i64;
    picks.sending.set_value(true);
    picks.again.set_value(false);
    leptos::task::spawn_local(async move {
        let answer = calls::edit_selection(edit).await;
        picks.sending.set_value(false);
        match answer {
            Ok(summary) => {
                picks.known.set_value(sent);
                picks.put.run(Some(summary.selection_id.clone()));
                super::memory::save();
                if picks.again.get_value() {
                    picks.summary.set(Some(summary));
                    send(picks, false);
                    return;
                }
                let n = summary.sessions.at_least();
                announcer.say(format!("{} selected", counted(n, "session", "sessions")));
                picks.ahead.set(0);
                picks.summary.set(Some(summary));
            }
            // The ticks stay in the form: its buttons carry them by themselves.
            Err(AppError::SignedOut) => {}
            Err(error) => announcer.say(format!("The selection was not kept. {}", error.sentence())),
        }
    });
}

fn clear(picks: Picks) {
    let boxes = boxes();
    for one in &boxes {
        one.set_checked(false);
    }
    mirror_head(&boxes);
    picks.known.set_value(0);
    picks.ahead.set(0);
    picks.summary.set(None);
    picks.anchor.set_value(None);
    let selection = picks.sel.get_untracked();
    picks.put.run(None);
    picks.announcer.say("Nothing selected");
    // The bar is gone with its button; the table is where one was.
    if let Some(head) = document()
        .get_element_by_id("pick-page")
        .and_then(|e| e.dyn_into().ok())
    {
        focus(&head);
    }
    if let Some(selection) = selection {
        leptos::task::spawn_local(async move {
            // A selection that stays behind expires by itself.
            let _ = calls::clear_selection(selection).await;
        });
    }
}

/// After a list arrived: the header box tells of the page's ticks.
pub fn rows_arrived() {
    mirror_head(&boxes());
}

/// The filter form as a query string.
fn filter_query() -> Option<String> {
    let form: HtmlFormElement = document().get_element_by_id("filters")?.dyn_into().ok()?;
    let data = FormData::new_with_form(&form).ok()?;
    let params = UrlSearchParams::new_with_str_sequence_sequence(&JsValue::from(data)).ok()?;
    let text = params.to_string().as_string()?;
    let mut pairs = meaningful(paths::parse_query(&text));
    pairs.retain(|(name, _)| name != SEL);
    Some(paths::query_string(&pairs))
}

/// Searches while somebody types and filters without a reload. An answer that comes late is dropped by the list's
/// resource, which only shows the newest.
pub fn search_while_typing(go: Callback<String>) {
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(handle) = timer.try_update_value(Option::take).flatten() {
            handle.clear();
        }
    };
    let run = move || {
        if let Some(query) = filter_query() {
            go.run(query);
        }
    };
    let typed = window_event_listener(ev::input, move |event| {
        if target::<HtmlInputElement>(&event).is_some_and(|input| input.id() == "q") {
            stop();
            timer.set_value(set_timeout_with_handle(run, TYPING).ok());
        }
    });
    let sent = window_event_listener(ev::submit, move |event| {
        if target::<HtmlFormElement>(&event).is_some_and(|form| form.id() == "filters") {
            event.prevent_default();
            stop();
            close_details();
            run();
        }
    });
    let closed = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" {
            close_details();
        }
    });
    on_cleanup(move || {
        stop();
        typed.remove();
        sent.remove();
        closed.remove();
    });
}

/// Closes filters and choosers; focus goes back to what opened them.
fn close_details() {
    let Some(body) = document().body() else { return };
    for details in all::<web_sys::HtmlDetailsElement>(&body, "details.drop[open]") {
        let within = document()
            .active_element()
            .is_some_and(|active| details.contains(Some(&active)));
        details.set_open(false);
        if within && let Some(summary) = all::<HtmlElement>(&details, "summary").first() {
            focus(summary);
        }
    }
}
