//! Ticks of the list. Each goes to the server as it is made, by the list's own form; the bar counts at once and the
//! server's answer corrects it. One request at a time, so that an older one never overwrites a newer one.

use std::cell::{Cell, RefCell};

use app::paths;
use app::sessions::form::{ACT, Act, CHIPS, PICK_PAGE, ROW, ROWS_FORM, SEL, STRIP, list_address};
use app::sessions::picks::{BULK, bar_facts};
use app::ui::counted;
use app::wire::SelectionId;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Document, Element, Event, FormData, HtmlElement, HtmlFormElement, HtmlInputElement, KeyboardEvent,
    MouseEvent, SubmitEvent,
};

use crate::dom;
use crate::page::{self, Asked, Trouble};

/// What in a row can have focus, in order.
const STOPS: &str = "input:not([type=hidden]):not(:disabled), a[href], [tabindex]";

thread_local! {
    /// A request is on its way.
    static SENDING: Cell<bool> = const { Cell::new(false) };
    /// Ticks were made meanwhile.
    static AGAIN: Cell<bool> = const { Cell::new(false) };
    /// Ticks of this page that the server's newest answer counted.
    static KNOWN: Cell<i64> = const { Cell::new(0) };
    /// The box a range starts at.
    static ANCHOR: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn form() -> Option<HtmlFormElement> {
    dom::by_id(ROWS_FORM)
}

/// The boxes of the page that can be ticked, in order.
fn boxes() -> Vec<HtmlInputElement> {
    form()
        .map(|form| dom::all(&form, &format!("input[name={ROW}]")))
        .unwrap_or_default()
}

fn ticked_now() -> i64 {
    boxes().iter().filter(|one| one.checked()).count() as i64
}

/// Header box: on, off, or some.
pub fn mirror_head() {
    let Some(head) = dom::by_id::<HtmlInputElement>(PICK_PAGE) else {
        return;
    };
    let boxes = boxes();
    let ticked = boxes.iter().filter(|one| one.checked()).count();
    head.set_checked(ticked > 0 && ticked == boxes.len());
    head.set_indeterminate(ticked > 0 && ticked < boxes.len());
    head.set_disabled(boxes.is_empty());
}

/// After a list came: the server's answer is what counts.
pub fn arrived() {
    KNOWN.set(ticked_now());
    mirror_head();
}

/// A box changed: the header box ticks the page, any other box itself.
fn changed(event: &Event) {
    let Some(input) = dom::target::<HtmlInputElement>(event) else {
        return;
    };
    if dom::id(&input) == PICK_PAGE {
        tick_page(input.checked());
    } else if input.name() != ROW || dom::around::<Element>(event, &format!("#{ROWS_FORM}")).is_none() {
        return;
    }
    ticked();
}

fn tick_page(checked: bool) {
    for one in boxes() {
        one.set_checked(checked);
    }
}

/// Shift and a click tick everything from the box before to this one.
fn clicked(event: &MouseEvent) {
    let Some(input) = dom::target::<HtmlInputElement>(event).filter(|input| input.name() == ROW) else {
        return;
    };
    if event.shift_key() {
        range_to(&input, input.checked());
    }
    ANCHOR.set(Some(input.value()));
}

/// Ticks, or not any more, everything from the box before to this one.
pub fn up_to(input: &HtmlInputElement, checked: bool) {
    input.set_checked(checked);
    range_to(input, checked);
    ANCHOR.set(Some(input.value()));
    ticked();
}

fn range_to(input: &HtmlInputElement, checked: bool) {
    let boxes = boxes();
    let place = |key: &str| boxes.iter().position(|one| one.value() == key);
    let from = ANCHOR.with_borrow(|anchor| anchor.as_deref().and_then(place));
    if let (Some(from), Some(to)) = (from, place(&input.value())) {
        for one in &boxes[from.min(to)..=from.max(to)] {
            one.set_checked(checked);
        }
    }
}

/// Keys within the table: Ctrl or Cmd and A tick this page, arrows walk rows and what a row holds.
fn key_pressed(event: &KeyboardEvent) {
    let Some(at) = dom::around::<HtmlElement>(event, &format!("#{ROWS_FORM} table *")) else {
        return;
    };
    let key = event.key();
    if (event.ctrl_key() || event.meta_key()) && key.eq_ignore_ascii_case("a") && !event.shift_key() {
        event.prevent_default();
        tick_page(true);
        ticked();
        return;
    }
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let input = at
        .dyn_ref::<HtmlInputElement>()
        .filter(|input| input.name() == ROW);
    if key == " "
        && event.shift_key()
        && let Some(input) = input
    {
        // Not every browser tells a click by key that Shift was held, so the range is made here.
        event.prevent_default();
        up_to(input, !input.checked());
        return;
    }
    let Some(row) = at.closest("tbody tr").ok().flatten() else {
        return;
    };
    let stops: Vec<HtmlElement> = dom::all(&row, STOPS);
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
        dom::focus(&next);
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
        let stops: Vec<HtmlElement> = dom::all(&row, STOPS);
        if let Some(stop) = stops.get(place).or(stops.last()) {
            return Some(stop.clone());
        }
        row = step(&row)?;
    }
}

/// A button of the row form: pages and sorts come without a reload, "all" and "clear" in place. A preview is a page
/// of its own and goes the plain way, as does everything while a tick is still on its way: the form carries it.
fn submitted(event: &SubmitEvent) {
    if dom::target::<HtmlFormElement>(event).is_none_or(|form| dom::id(&form) != ROWS_FORM) || SENDING.get() {
        return;
    }
    let value = event.submitter().and_then(|button| button.get_attribute("value"));
    match Act::from_value(&value.unwrap_or_default()) {
        Act::GoTo(query) => {
            event.prevent_default();
            page::go(list_address(&query, selection().as_ref()), Asked::Person);
        }
        Act::Page => {
            event.prevent_default();
            tick_page(true);
            ticked();
        }
        Act::All => {
            event.prevent_default();
            tick_page(true);
            mirror_head();
            send(Act::All);
        }
        Act::Clear => {
            event.prevent_default();
            tick_page(false);
            mirror_head();
            ANCHOR.set(None);
            show_bar(0);
            // The bar is gone with its button; the table is where one was.
            if let Some(head) = dom::by_id::<HtmlElement>(PICK_PAGE) {
                dom::focus(&head);
            }
            send(Act::Clear);
        }
        // A group has another list: the plain way leads there.
        Act::Select | Act::Preview | Act::AllOf(_) => {}
    }
}

/// The selection of the form.
fn selection() -> Option<SelectionId> {
    let form = form()?;
    let fields: Vec<HtmlInputElement> = dom::all(&form, &format!("input[name={SEL}]"));
    let value = fields.first()?.value();
    (!value.is_empty()).then(|| SelectionId::from(value))
}

/// Ticks changed: the bar counts at once, the server is told.
fn ticked() {
    mirror_head();
    let counted =
        dom::by_id::<Element>(BULK).and_then(|bar| bar.get_attribute("data-counted")?.parse::<i64>().ok());
    show_bar(counted.unwrap_or(0) + ticked_now() - KNOWN.get());
    if SENDING.get() {
        AGAIN.set(true);
    } else {
        send(Act::Select);
    }
}

/// The bar for a number that the server has not counted yet: it claims nothing else.
fn show_bar(sessions: i64) {
    let Some(bar) = dom::by_id::<Element>(BULK) else {
        return;
    };
    let Some(facts) = bar_facts(None, sessions) else {
        dom::set(&bar, "hidden", "");
        return;
    };
    for place in dom::all::<Element>(&bar, "[data-bar]") {
        let words = match place.get_attribute("data-bar").as_deref() {
            Some("sessions") => &facts.sessions,
            Some("end") => &facts.end,
            _ => "",
        };
        place.set_text_content(Some(words));
    }
    drop(bar.remove_attribute("hidden"));
}

/// Sends the row form as it stands, and takes over what the server says is selected.
fn send(act: Act) {
    let Some(form) = form() else { return };
    let Ok(fields) = FormData::new_with_form(&form) else {
        return;
    };
    drop(fields.append_with_str(ACT, &act.value()));
    let sent = ticked_now();
    SENDING.set(true);
    AGAIN.set(false);
    spawn_local(async move {
        let answer = page::ask(paths::post::SELECTION, Some(&fields), Asked::Person).await;
        SENDING.set(false);
        match answer {
            Ok(_) if AGAIN.get() => send(Act::Select),
            Ok(answer) => {
                take(&answer.document, sent);
                let n = dom::by_id::<Element>(BULK)
                    .and_then(|bar| bar.get_attribute("data-counted")?.parse::<u64>().ok())
                    .unwrap_or(0);
                dom::say(&match n {
                    0 => "Nothing selected".to_owned(),
                    n => format!("{} selected", counted(n, "session", "sessions")),
                });
            }
            Err(Trouble::SignedOut) => crate::timeout::over(),
            // The ticks stay in the form: its buttons carry them by themselves.
            Err(Trouble::NoAnswer) => dom::say("The selection was not kept: Curfew did not answer."),
        }
    });
}

/// Takes over what the server counted, and the selection for every link and form. The rows stay as they are: what came
/// or went meanwhile must not move the row under somebody's hand.
fn take(answer: &Document, sent: i64) {
    for id in [BULK, STRIP, CHIPS] {
        page::part(answer, id);
    }
    let field = answer
        .query_selector(&format!("#{ROWS_FORM} input[name={SEL}]"))
        .ok()
        .flatten()
        .and_then(|field| field.get_attribute("value"))
        .unwrap_or_default();
    for input in dom::each::<HtmlInputElement>(&format!("input[name={SEL}]")) {
        input.set_value(&field);
    }
    let here = page::here();
    if let Some((paths::SESSIONS, query)) = here.split_once('?').or(Some((&here, ""))) {
        page::rename(&list_address(query, selection().as_ref()));
    }
    KNOWN.set(sent);
    mirror_head();
}

pub fn start() {
    dom::on("change", |event: Event| changed(&event));
    dom::on("click", |event: MouseEvent| clicked(&event));
    dom::on("keydown", |event: KeyboardEvent| key_pressed(&event));
    dom::on("submit", |event: SubmitEvent| submitted(&event));
}
