//! Turns an open part of the page into what the server sent, touching only what differs: focus, scroll places, open
//! menus, and what a person typed or ticked meanwhile stay.
//!
//! Children are matched by `id` or `data-key`; those without either by kind and order.

use std::collections::HashMap;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement, HtmlTextAreaElement, Node};

use crate::dom;

/// Makes `old` look like `new`. `new` belongs to another document; what is taken from it is moved over.
///
/// With `keep_typed`, fields that a person changed stay as they are: nobody asked for the new page. Else they hold what
/// the new page says, as after a load, except the one that is being typed into.
pub fn morph(old: &Element, new: &Element, keep_typed: bool) {
    if old.is_equal_node(Some(new)) && !holds_input(old) {
        return;
    }
    // Before the attributes, which say what a field began with.
    let keep = keep_typed && is_typed(old);
    attributes(old, new);
    children(old, new, keep_typed);
    if !keep {
        input(old, new);
    }
}

/// Whether a field holds something else than what it began with.
fn is_typed(field: &Element) -> bool {
    if let Some(field) = field.dyn_ref::<HtmlInputElement>() {
        field.type_() != "hidden"
            && (field.value() != field.default_value() || field.checked() != field.default_checked())
    } else if let Some(field) = field.dyn_ref::<HtmlTextAreaElement>() {
        Ok(field.value()) != field.default_value()
    } else {
        false
    }
}

/// Inputs differ in more than their markup.
fn holds_input(element: &Element) -> bool {
    element.has_type::<HtmlInputElement>() || element.query_selector("input").ok().flatten().is_some()
}

/// What a person opened stays open, and what script wrote stays written.
const KEPT: [&str; 3] = ["open", "data-kept", "data-link"];

fn attributes(old: &Element, new: &Element) {
    for name in names(old) {
        if !new.has_attribute(&name) && !KEPT.contains(&name.as_str()) {
            // Fails for no name that an element just had.
            drop(old.remove_attribute(&name));
        }
    }
    for name in names(new) {
        if KEPT.contains(&name.as_str()) {
            continue;
        }
        let value = new.get_attribute(&name).unwrap_or_default();
        if old.get_attribute(&name).as_ref() != Some(&value) {
            dom::set(old, &name, &value);
        }
    }
}

fn names(element: &Element) -> Vec<String> {
    let names = element.get_attribute_names();
    names.iter().filter_map(|name| name.as_string()).collect()
}

fn key(node: &Node) -> Option<String> {
    let element = node.dyn_ref::<Element>()?;
    let id = dom::id(element);
    if id.is_empty() {
        element.get_attribute("data-key")
    } else {
        Some(id)
    }
}

fn list(parent: &Node) -> Vec<Node> {
    let nodes = parent.child_nodes();
    (0..nodes.length()).filter_map(|at| nodes.item(at)).collect()
}

fn children(old: &Element, new: &Element, keep_typed: bool) {
    let before = list(old);
    let mut keyed: HashMap<String, Node> = before
        .iter()
        .filter_map(|node| Some((key(node)?, node.clone())))
        .collect();
    let mut unkeyed = before
        .iter()
        .filter(|node| key(node).is_none())
        .cloned()
        .peekable();
    let mut place = old.first_child();
    for wanted in list(new) {
        let found = match key(&wanted) {
            Some(key) => keyed.remove(&key).filter(|node| same_kind(node, &wanted)),
            None => unkeyed.next_if(|node| same_kind(node, &wanted)),
        };
        match found {
            Some(node) => {
                if place
                    .as_ref()
                    .is_some_and(|place| place.is_same_node(Some(&node)))
                {
                    place = node.next_sibling();
                } else {
                    insert(old, &node, place.as_ref());
                }
                become_like(&node, &wanted, keep_typed);
            }
            None => insert(old, &wanted, place.as_ref()),
        }
    }
    // What is left behind the last place has no counterpart; keyed nodes that were not met may stand before it.
    while let Some(node) = place {
        place = node.next_sibling();
        remove(old, &node);
    }
    for node in keyed.into_values() {
        remove(old, &node);
    }
}

fn same_kind(a: &Node, b: &Node) -> bool {
    a.node_type() == b.node_type() && a.node_name() == b.node_name()
}

fn become_like(node: &Node, wanted: &Node, keep_typed: bool) {
    match (node.dyn_ref::<Element>(), wanted.dyn_ref::<Element>()) {
        (Some(old), Some(new)) => morph(old, new, keep_typed),
        _ if node.node_value() != wanted.node_value() => {
            node.set_node_value(wanted.node_value().as_deref());
        }
        _ => {}
    }
}

fn insert(parent: &Element, node: &Node, before: Option<&Node>) {
    // Adopts it from the other document. Fails only for a place that is not in this parent, and it was just read there.
    drop(parent.insert_before(node, before));
}

fn remove(parent: &Element, node: &Node) {
    if node.parent_node().is_some_and(|p| p.is_same_node(Some(parent))) {
        drop(parent.remove_child(node));
    }
}

/// Markup says what a field begins with; here it holds it too.
fn input(old: &Element, new: &Element) {
    if let (Some(old), Some(new)) = (
        old.dyn_ref::<HtmlInputElement>(),
        new.dyn_ref::<HtmlInputElement>(),
    ) {
        match old.type_().as_str() {
            "checkbox" | "radio" => old.set_checked(new.has_attribute("checked")),
            "hidden" => old.set_value(&new.value()),
            _ if !is_focused(old) => old.set_value(&new.value()),
            _ => {}
        }
    } else if let (Some(old), Some(new)) = (
        old.dyn_ref::<HtmlTextAreaElement>(),
        new.dyn_ref::<HtmlTextAreaElement>(),
    ) && !is_focused(old)
    {
        old.set_value(&new.value());
    }
}

fn is_focused(element: &Element) -> bool {
    dom::document()
        .active_element()
        .is_some_and(|active| active.is_same_node(Some(element)))
}
