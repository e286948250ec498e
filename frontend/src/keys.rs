//! Single keys: `/` searches, `j` and `k` walk rows, `?` lists them all. They never act while somebody types, with another
//! key held, or where the person switched them off; none of them ends anything.

use std::cell::RefCell;
use std::time::Duration;

use app::layout::keys::{KEYS, PAGES};
use app::sessions::form::{FILTER_FORM, ROW, ROWS_FORM};
use web_sys::{Element, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent, MouseEvent};

use crate::dom::{self, document};

/// How long `g` waits for its second key.
const SECOND: Duration = Duration::from_millis(1_500);
/// What in a row takes focus first.
const STOP: &str = "input:not([type=hidden]):not(:disabled), a[href], [tabindex=\"0\"]";
/// Fields that one types into.
const FIELDS: &str = "textarea, select, [contenteditable], \
                      input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit])";

thread_local! {
    /// `g` was pressed just now.
    static WAITS: RefCell<dom::Later> = const { RefCell::new(dom::Later::new()) };
    static AFTER_G: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn pressed(event: &KeyboardEvent) {
    let on = dom::one::<Element>("html[data-keys=on]").is_some();
    let typing = dom::around::<Element>(event, FIELDS).is_some();
    let held = event.ctrl_key() || event.meta_key() || event.alt_key();
    if !on
        || typing
        || held
        || event.default_prevented()
        || event.is_composing()
        || (event.repeat() && event.key().eq_ignore_ascii_case("x"))
    {
        return;
    }
    // A question stands before everything else.
    if dom::one::<Element>("dialog[open]").is_some() {
        return;
    }
    let key = event.key();
    if AFTER_G.replace(false) {
        if let Some((_, path, _)) = PAGES.into_iter().find(|(second, ..)| *second == key)
            && let Some(link) = dom::one::<HtmlElement>(&format!("#bar .nav a[href=\"{path}\"]"))
        {
            event.prevent_default();
            link.click();
        }
        return;
    }
    let done = match key.as_str() {
        "g" => {
            AFTER_G.set(true);
            WAITS.with_borrow_mut(|waits| waits.run(SECOND, || AFTER_G.set(false)));
            true
        }
        "/" => to("#q"),
        "f" => to(&format!("#{FILTER_FORM} details > summary")),
        "j" => walk(true),
        "k" => walk(false),
        "x" => pick(|input| input.click()),
        "X" => pick(|input| crate::ticks::up_to(input, true)),
        "e" => preview(),
        "?" => open(),
        _ => false,
    };
    if done {
        event.prevent_default();
    }
}

fn to(selector: &str) -> bool {
    let place = dom::one::<HtmlElement>(selector);
    place.inspect(dom::focus).is_some()
}

fn rows() -> Vec<Element> {
    dom::each(&format!("#{ROWS_FORM} tbody tr"))
}

/// The row that focus is in.
fn here() -> Option<Element> {
    let row = document().active_element()?.closest("tbody tr").ok().flatten()?;
    row.closest(&format!("#{ROWS_FORM}")).ok().flatten().map(|_| row)
}

/// To the next row that can have focus, or the one before.
fn walk(down: bool) -> bool {
    let rows = rows();
    let at = here().and_then(|here| rows.iter().position(|row| *row == here));
    let stop = |row: &Element| dom::all::<HtmlElement>(row, STOP).into_iter().next();
    let next = match (at, down) {
        (None, true) => rows.iter().find_map(stop),
        (None, false) => None,
        (Some(at), true) => rows.iter().skip(at + 1).find_map(stop),
        (Some(at), false) => rows.iter().take(at).rev().find_map(stop),
    };
    next.inspect(dom::focus).is_some()
}

/// Does something with the box of the row in focus.
fn pick(act: impl FnOnce(&HtmlInputElement)) -> bool {
    let row = here();
    let input = row.and_then(|row| {
        dom::all::<HtmlInputElement>(&row, &format!("input[name={ROW}]"))
            .into_iter()
            .next()
    });
    input.as_ref().inspect(|input| act(input)).is_some()
}

/// Presses "End n sessions…" of the bar, which opens the preview; without a selection there is no bar.
fn preview() -> bool {
    let button = dom::one::<HtmlElement>(".bulk:not([hidden]) button[value=preview]");
    button.inspect(HtmlElement::click).is_some()
}

fn open() -> bool {
    match dom::by_id::<HtmlDialogElement>(KEYS) {
        // Fails only for a dialog that is open already.
        Some(dialog) => dialog.show_modal().is_ok(),
        None => false,
    }
}

fn clicked(event: &MouseEvent) {
    if dom::around::<Element>(event, "[data-keys-list]").is_some() {
        crate::small::close_details();
        open();
    }
}

/// After a page came: the button that opens the list shows itself.
pub fn arrived() {
    for button in dom::each::<Element>("[data-keys-list][hidden]") {
        drop(button.remove_attribute("hidden"));
    }
}

pub fn start() {
    dom::on("keydown", |event: KeyboardEvent| pressed(&event));
    dom::on("click", |event: MouseEvent| clicked(&event));
}
