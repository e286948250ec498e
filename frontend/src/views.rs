//! Numbers of saved views beside the heading: asked for once the list is there, at most once a minute.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use app::paths;
use js_sys::Date;
use wasm_bindgen_futures::spawn_local;
use web_sys::Element;

use crate::dom;
use crate::page::{self, Asked};

const NUMBERS: &str = "data-view-count";
/// How long numbers are good for, ms.
const GOOD_FOR: f64 = 60_000.0;

thread_local! {
    static KNOWN: RefCell<HashMap<String, String>> = RefCell::default();
    static ASKED_AT: Cell<f64> = const { Cell::new(0.0) };
}

/// After a page came: the numbers that are known, and a question where they are old.
pub fn arrived() {
    if dom::one::<Element>(&format!(".views [{NUMBERS}]")).is_none() {
        return;
    }
    show();
    if Date::now() - ASKED_AT.get() < GOOD_FOR {
        return;
    }
    ASKED_AT.set(Date::now());
    spawn_local(async {
        let Ok(answer) = page::ask(paths::VIEWS, None, Asked::Page).await else {
            return;
        };
        let numbers = answer.document.document_element().map(|root| {
            dom::all::<Element>(&root, &format!("[{NUMBERS}]"))
                .iter()
                .map(|place| {
                    (
                        id_of(place),
                        place.text_content().unwrap_or_default().trim().to_owned(),
                    )
                })
                .filter(|(_, text)| text.starts_with(|c: char| c.is_ascii_digit()))
                .collect()
        });
        KNOWN.set(numbers.unwrap_or_default());
        show();
    });
}

fn id_of(place: &Element) -> String {
    place.get_attribute(NUMBERS).unwrap_or_default()
}

fn show() {
    KNOWN.with_borrow(|known| {
        for place in dom::each::<Element>(&format!(".views [{NUMBERS}]")) {
            place.set_text_content(known.get(&id_of(&place)).map(String::as_str));
        }
    });
}
