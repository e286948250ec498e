//! The chooser of columns: moving is a draft until Apply; closing puts everything back.

use web_sys::{Element, Event, HtmlDetailsElement, HtmlElement, HtmlFormElement};

use crate::dom;

const CHOOSER: &str = "form.chooser";
const PLACE: &str = "data-at";

/// After a page came: the button that puts back shows itself.
pub fn arrived() {
    for button in dom::each::<Element>("[data-put-back][hidden]") {
        drop(button.remove_attribute("hidden"));
    }
}

/// Lines and boxes as the server drew them.
pub fn put_back() {
    for form in dom::each::<HtmlFormElement>(CHOOSER) {
        form.reset();
        let mut lines = dom::all::<Element>(&form, "li");
        lines.sort_by_key(|line| {
            let place = line.get_attribute(PLACE).unwrap_or_default();
            place.parse::<u32>().unwrap_or(u32::MAX)
        });
        for line in lines {
            if let Some(list) = line.parent_element() {
                drop(list.append_child(&line));
            }
        }
    }
}

fn clicked(event: &Event) {
    if let Some(button) = dom::around::<Element>(event, "form.chooser button[name=move]") {
        event.prevent_default();
        moved(&button);
    } else if dom::around::<Element>(event, "[data-put-back]").is_some() {
        crate::small::close_details();
    } else if let Some(summary) = dom::around::<Element>(event, "details > summary")
        && let Some(details) = dom::around::<HtmlDetailsElement>(event, "details")
        && details.open()
        && details.query_selector(CHOOSER).ok().flatten().is_some()
    {
        drop(summary);
        put_back();
    }
}

/// One place up or down; focus stays on the button.
fn moved(button: &Element) {
    let Some(line) = button.closest("li").ok().flatten() else {
        return;
    };
    let up = button
        .get_attribute("value")
        .unwrap_or_default()
        .starts_with("up:");
    let shown = |line: &Element| line.query_selector("button[name=move]").ok().flatten().is_some();
    let other = match up {
        true => line.previous_element_sibling(),
        false => line.next_element_sibling().filter(shown),
    };
    let (Some(other), Some(list)) = (other, line.parent_element()) else {
        return;
    };
    let (first, second) = if up { (&line, &other) } else { (&other, &line) };
    drop(list.insert_before(first, Some(second)));
    // The button that was at the end of its way when the page was drawn is not any more.
    let lines: Vec<Element> = dom::all::<Element>(&list, "li")
        .into_iter()
        .filter(shown)
        .collect();
    for (at, line) in lines.iter().enumerate() {
        for one in dom::all::<Element>(line, "button[name=move]") {
            let up = one.get_attribute("value").unwrap_or_default().starts_with("up:");
            let end = if up { at == 0 } else { at + 1 == lines.len() };
            drop(one.toggle_attribute_with_force("disabled", end));
        }
    }
    if button.has_attribute("disabled") {
        if let Some(other) = dom::all::<HtmlElement>(&line, "button[name=move]:not(:disabled)").first() {
            dom::focus(other);
        }
    } else if let Some(button) = wasm_bindgen::JsCast::dyn_ref::<HtmlElement>(button) {
        dom::focus(button);
    }
    let at = lines.iter().position(|one| *one == line).unwrap_or_default() + 1;
    dom::say(&format!("Place {at} of {}. Apply keeps it.", lines.len()));
}

pub fn start() {
    dom::on("click", |event: Event| clicked(&event));
}
