//! Back and forward find the list as it was left: how far down, and which row had focus. In the browser only.
//!
//! Pages are never stored, so the browser can't do it: the place stands in the history entry's state instead.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use leptos::web_sys::HtmlElement;

/// How long after the last scroll the place is kept.
const SETTLED: Duration = Duration::from_millis(120);
const MARK: &str = "curfew-list";

/// Keeps the place while the page is open and goes back to it once the first list is there. `shown` grows with every
/// list.
pub fn keep(shown: RwSignal<u64>) {
    let wanted = StoredValue::new(place_in_history());
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let later = move || {
        if let Some(handle) = timer.try_update_value(Option::take).flatten() {
            handle.clear();
        }
        timer.set_value(set_timeout_with_handle(save, SETTLED).ok());
    };
    let scrolled = window_event_listener(ev::scroll, move |_| later());
    let focused = window_event_listener(ev::focusin, move |_| later());
    let moved = window_event_listener(ev::popstate, move |_| wanted.set_value(place_in_history()));
    on_cleanup(move || {
        if let Some(handle) = timer.try_update_value(Option::take).flatten() {
            handle.clear();
        }
        scrolled.remove();
        focused.remove();
        moved.remove();
    });
    Effect::new(move |_| {
        let generation = shown.get();
        if generation == 0 {
            return;
        }
        let place = wanted.try_update_value(Option::take).flatten();
        request_animation_frame(move || {
            super::script::rows_arrived();
            if let Some((down, focus)) = place {
                restore(down, &focus);
            }
        });
    });
}

fn place_in_history() -> Option<(f64, String)> {
    let state = window().history().ok()?.state().ok()?.as_string()?;
    let mut parts = state.splitn(3, ' ');
    if parts.next() != Some(MARK) {
        return None;
    }
    let down = parts.next()?.parse().ok()?;
    Some((down, parts.next().unwrap_or_default().to_owned()))
}

/// Keeps the place in the history entry.
pub fn save() {
    let Ok(history) = window().history() else { return };
    let down = window().scroll_y().unwrap_or_default();
    let focus = document()
        .active_element()
        .map(|element| element.id())
        .filter(|id| !id.contains(' '))
        .unwrap_or_default();
    // Fails only when a page writes hundreds of times a second; then the place before it stays.
    let _ = history.replace_state(&JsValue::from_str(&format!("{MARK} {down:.0} {focus}")), "");
}

fn restore(down: f64, focus: &str) {
    let element = document().get_element_by_id(focus);
    if let Some(element) = element.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        // Fails only for an element that left the document meanwhile.
        let _ = element.focus();
    }
    window().scroll_to_with_x_and_y(0.0, down);
}
