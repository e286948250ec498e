//! Copying texts that the page shows: an address, a user name, the link of a list. There are no secrets in a page.

use std::time::Duration;

use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, MouseEvent};

use crate::dom::{self, window};

/// How long a button shows that it has copied.
const SHOWN: Duration = Duration::from_millis(1_500);

/// After a page came: where the browser lets pages copy, the buttons show themselves.
pub fn arrived() {
    if !window().is_secure_context() {
        return;
    }
    for button in dom::each::<Element>("[data-copy][hidden]") {
        drop(button.remove_attribute("hidden"));
    }
}

fn clicked(event: &MouseEvent) {
    let Some(button) = dom::around::<Element>(event, "[data-copy]") else {
        return;
    };
    let mut text = button.get_attribute("data-copy").unwrap_or_default();
    if text.starts_with('/') {
        text.insert_str(0, &window().location().origin().unwrap_or_default());
    }
    spawn_local(async move {
        let copied = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
        dom::say(match copied {
            Ok(_) => "Copied.",
            Err(_) => "This browser did not let it be copied.",
        });
        if copied.is_ok() {
            dom::set(&button, "data-copied", "");
            dom::Later::new().run(SHOWN, move || drop(button.remove_attribute("data-copied")));
        }
    });
}

pub fn start() {
    dom::on("click", |event: MouseEvent| clicked(&event));
}
