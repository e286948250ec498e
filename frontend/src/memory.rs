//! Back and forward find a page as it was left: how far down, and what had focus.
//!
//! Pages are never stored, so the browser can't do it: the place stands in the history entry's state instead.

use std::cell::RefCell;
use std::time::Duration;

use wasm_bindgen::JsValue;
use web_sys::{Event, HtmlElement};

use crate::dom::{self, document, window};

/// How long after the last scroll the place is kept.
const SETTLED: Duration = Duration::from_millis(120);
const MARK: &str = "curfew";

thread_local! {
    static LATER: RefCell<dom::Later> = const { RefCell::new(dom::Later::new()) };
}

pub fn start() {
    let later = || LATER.with_borrow_mut(|later| later.run(SETTLED, save));
    dom::on("scroll", move |_: Event| later());
    dom::on("focusin", move |_: Event| later());
    restore();
}

/// Keeps the place in the history entry.
pub fn save() {
    LATER.with_borrow_mut(dom::Later::stop);
    let Ok(history) = window().history() else { return };
    let down = window().scroll_y().unwrap_or_default();
    let focus = document()
        .active_element()
        .map(|element| dom::id(&element))
        .filter(|id| !id.contains(' '))
        .unwrap_or_default();
    // Fails only when a page writes hundreds of times a second; then the place before it stays.
    drop(history.replace_state(&JsValue::from_str(&format!("{MARK} {down:.0} {focus}")), ""));
}

/// Goes back to the place of this history entry, if it has one.
pub fn restore() {
    let state = window()
        .history()
        .ok()
        .and_then(|history| history.state().ok()?.as_string());
    let Some(state) = state else { return };
    let mut parts = state.splitn(3, ' ');
    let (Some(MARK), Some(down)) = (parts.next(), parts.next().and_then(|down| down.parse().ok())) else {
        return;
    };
    if let Some(element) = dom::by_id::<HtmlElement>(parts.next().unwrap_or_default()) {
        dom::focus(&element);
    }
    window().scroll_to_with_x_and_y(0.0, down);
}
