//! Small things: showing a password, closing menus and dialogs, the code of a one-time link.

use web_sys::{Element, HtmlDetailsElement, HtmlDialogElement, HtmlElement, HtmlInputElement, MouseEvent};

use crate::dom::{self, window};

fn clicked(event: &MouseEvent) {
    if let Some(button) = dom::around::<HtmlElement>(event, ".secret-show") {
        let field = button
            .get_attribute("aria-controls")
            .and_then(|id| dom::by_id::<HtmlInputElement>(&id));
        if let Some(field) = field {
            let show = field.type_() == "password";
            field.set_type(if show { "text" } else { "password" });
            dom::set(&button, "aria-pressed", if show { "true" } else { "false" });
        }
    } else if dom::around::<Element>(event, "[data-close]").is_some()
        && let Some(dialog) = dom::around::<HtmlDialogElement>(event, "dialog")
    {
        dialog.close();
    }
}

/// Closes filters and choosers; focus goes back to what opened them.
pub fn close_details() {
    for details in dom::each::<HtmlDetailsElement>("details.drop[open], details.menu[open]") {
        let within = dom::document()
            .active_element()
            .is_some_and(|active| details.contains(Some(&active)));
        details.set_open(false);
        if within && let Some(summary) = dom::all::<HtmlElement>(&details, "summary").first() {
            dom::focus(summary);
        }
    }
    // After the focus went: lines that are moved back would drop it.
    crate::columns::put_back();
}

/// After a page came: parts that need script show themselves.
pub fn arrived() {
    for button in dom::each::<Element>(".secret-show[hidden]") {
        drop(button.remove_attribute("hidden"));
    }
}

/// The code of a one-time link stands behind `#`, so that it reaches no server's log; the form sends it.
fn fill_in_code() {
    let code = window().location().hash().unwrap_or_default();
    let code = code.trim_start_matches('#');
    if let Some(field) = dom::by_id::<HtmlInputElement>("code")
        && !code.is_empty()
    {
        field.set_value(code);
        if let Some(words) = dom::by_id::<Element>("from-link") {
            drop(words.remove_attribute("hidden"));
        }
    }
}

pub fn start() {
    fill_in_code();
    dom::on("click", |event: MouseEvent| clicked(&event));
}
