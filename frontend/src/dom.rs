//! Short words for what the browser offers. Failures that can't happen here (a selector that is no selector, an
//! attribute name that is none) read as absence.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, Element, Event, HtmlElement, Window};

pub fn window() -> Window {
    web_sys::window().expect("script runs in a window")
}

pub fn document() -> Document {
    window().document().expect("a window has a document")
}

/// The first element that fits, of a type.
pub fn one<T: JsCast>(selector: &str) -> Option<T> {
    document()
        .query_selector(selector)
        .ok()
        .flatten()?
        .dyn_into()
        .ok()
}

/// The element with this id, of a type.
pub fn by_id<T: JsCast>(id: &str) -> Option<T> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Every element below `root` that fits and is of the type.
pub fn all<T: JsCast>(root: &Element, selector: &str) -> Vec<T> {
    let Ok(list) = root.query_selector_all(selector) else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|at| list.item(at)?.dyn_into().ok())
        .collect()
}

/// Every element of the page that fits.
pub fn each<T: JsCast>(selector: &str) -> Vec<T> {
    document()
        .document_element()
        .map(|root| all(&root, selector))
        .unwrap_or_default()
}

/// The element's id, empty when it has none. By its attribute: a form with a field called `id` gives that field instead.
pub fn id(element: &Element) -> String {
    element.get_attribute("id").unwrap_or_default()
}

pub fn set(element: &Element, name: &str, value: &str) {
    // Fails only for a name that is no attribute name.
    drop(element.set_attribute(name, value));
}

pub fn focus(element: &HtmlElement) {
    // Fails only for an element that left the document meanwhile.
    drop(element.focus());
}

/// Where an event happened, of a type.
pub fn target<T: JsCast>(event: &Event) -> Option<T> {
    event.target()?.dyn_into().ok()
}

/// The nearest element around an event that fits.
pub fn around<T: JsCast>(event: &Event, selector: &str) -> Option<T> {
    target::<Element>(event)?
        .closest(selector)
        .ok()
        .flatten()?
        .dyn_into()
        .ok()
}

/// Runs for every such event of the window, as long as the document lives.
pub fn on<E: JsCast + 'static>(name: &str, run: impl Fn(E) + 'static) {
    let run = Closure::<dyn Fn(Event)>::new(move |event: Event| run(event.unchecked_into()));
    drop(window().add_event_listener_with_callback(name, run.as_ref().unchecked_ref()));
    // The document's own life: there is nothing to take it off for.
    run.forget();
}

/// Runs again and again, as long as the document lives.
pub fn every(pause: Duration, run: impl Fn() + 'static) {
    let run = Closure::<dyn Fn()>::new(run);
    drop(
        window()
            .set_interval_with_callback_and_timeout_and_arguments_0(run.as_ref().unchecked_ref(), ms(pause)),
    );
    run.forget();
}

/// Something that runs later, unless it is put off or stopped.
///
/// Whether it still should is asked when its time comes, not told to the browser: a timer that fires all the same (its
/// number need not fit what we can hold) finds nothing to do.
pub struct Later(Option<Rc<Cell<bool>>>);

impl Later {
    pub const fn new() -> Self {
        Later(None)
    }

    /// Runs `run` after `pause`; what was to run before is put aside.
    pub fn run(&mut self, pause: Duration, run: impl FnOnce() + 'static) {
        self.stop();
        let wanted = Rc::new(Cell::new(true));
        self.0 = Some(wanted.clone());
        let run = Closure::once_into_js(move || {
            if wanted.get() {
                run();
            }
        });
        drop(window().set_timeout_with_callback_and_timeout_and_arguments_0(run.unchecked_ref(), ms(pause)));
    }

    pub fn stop(&mut self) {
        if let Some(wanted) = self.0.take() {
            wanted.set(false);
        }
    }
}

/// Waits.
pub async fn pause(pause: Duration) {
    let over = Promise::new(&mut |done, _| {
        drop(window().set_timeout_with_callback_and_timeout_and_arguments_0(&done, ms(pause)));
    });
    // Nobody rejects it.
    drop(JsFuture::from(over).await);
}

fn ms(pause: Duration) -> i32 {
    i32::try_from(pause.as_millis()).unwrap_or(i32::MAX)
}

/// Says a sentence politely to people who do not see what changed.
pub fn say(sentence: &str) {
    if let Some(said) = document().get_element_by_id("said") {
        said.set_text_content(Some(sentence));
    }
}
