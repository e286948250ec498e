//! "Go to…" in a dialog: the page of that name, asked for while somebody types. Arrows walk its lines, Enter follows one,
//! Esc closes and gives focus back.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use app::go::{DIALOG, FIELD, TYPED};
use app::paths;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent, MouseEvent};

use crate::dom::{self, document};
use crate::morph;
use crate::page::{self, Asked, Trouble};

/// How long after a keystroke the server is asked.
const PAUSE: Duration = Duration::from_millis(120);
const FOUND: &str = "[data-found]";
const LINES: &str = "[data-found] a[href]";

thread_local! {
    static LATER: RefCell<dom::Later> = const { RefCell::new(dom::Later::new()) };
    /// Grows with every question, so that an older answer never replaces a newer one.
    static ROUND: Cell<u32> = const { Cell::new(0) };
    /// What the lines are an answer to.
    static SHOWN: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn dialog() -> Option<HtmlDialogElement> {
    dom::by_id(DIALOG)
}

fn field() -> Option<HtmlInputElement> {
    dom::by_id(FIELD)
}

/// Opens it, unless a question is open already. On its own page the field is there.
fn open() -> bool {
    if let Some(field) = dom::one::<HtmlElement>("main .go-field") {
        dom::focus(&field);
        return true;
    }
    let (Some(dialog), Some(field)) = (dialog(), field()) else {
        return false;
    };
    if dom::one::<Element>("dialog[open]").is_none() && dialog.show_modal().is_ok() {
        field.select();
        ask();
    }
    true
}

/// Asks for what is typed, beside the list that is open.
fn ask() {
    let (Some(field), Some(link)) = (field(), dom::one::<Element>("[data-go]")) else {
        return;
    };
    let typed = field.value();
    let round = ROUND.get() + 1;
    ROUND.set(round);
    spawn_local(async move {
        let link = link.get_attribute("href").unwrap_or_default();
        let mut pairs = paths::parse_query(link.split_once('?').map_or("", |(_, query)| query));
        pairs.push((TYPED.to_owned(), typed.clone()));
        let address = paths::with_query(paths::GO, &paths::query_string(&pairs));
        let answer = page::ask(&address, None, Asked::Page).await;
        if ROUND.get() != round {
            return;
        }
        match answer {
            Ok(answer) => {
                let new = answer
                    .document
                    .query_selector(&format!("main {FOUND}"))
                    .ok()
                    .flatten();
                if let (Some(old), Some(new)) = (dom::one::<Element>(&format!("#{DIALOG} {FOUND}")), new) {
                    morph::morph(&old, &new, false);
                    SHOWN.set(Some(typed));
                    if let Some(said) = dom::all::<Element>(&old, "[data-said]").first() {
                        dom::say(said.text_content().unwrap_or_default().trim());
                    }
                }
            }
            Err(Trouble::SignedOut) => {
                close();
                crate::timeout::over();
            }
            Err(Trouble::NoAnswer) => {}
        }
    });
}

fn close() {
    if let Some(dialog) = dialog() {
        dialog.close();
    }
}

fn pressed(event: &KeyboardEvent) {
    let key = event.key();
    if (event.ctrl_key() || event.meta_key()) && !event.alt_key() && key.eq_ignore_ascii_case("k") {
        if open() {
            event.prevent_default();
        }
        return;
    }
    let Some(dialog) = dom::around::<HtmlDialogElement>(event, &format!("#{DIALOG}[open]")) else {
        return;
    };
    let lines: Vec<HtmlElement> = dom::all(&dialog, LINES);
    let here = document().active_element();
    let at = lines
        .iter()
        .position(|line| here.as_ref().is_some_and(|here| line.is_same_node(Some(here))));
    let field = field();
    let next = match (key.as_str(), at) {
        ("ArrowDown", None) => lines.first().cloned(),
        ("ArrowDown", Some(at)) => lines.get(at + 1).cloned(),
        ("ArrowUp", Some(0)) => field.map(HtmlElement::from),
        ("ArrowUp", Some(at)) => lines.get(at - 1).cloned(),
        // Enter in the field leads where the first line does, once the lines are about what is typed.
        ("Enter", None) if event.target() == field.clone().map(Into::into) => {
            let typed = field.map(|field| field.value());
            if let Some(first) = lines
                .first()
                .filter(|_| SHOWN.with_borrow(|shown| *shown == typed))
            {
                event.prevent_default();
                first.click();
            }
            return;
        }
        // Who types on goes on in the field.
        (one, Some(_)) if one.chars().count() == 1 && !event.ctrl_key() && !event.meta_key() => {
            if let Some(field) = field {
                dom::focus(&field);
            }
            return;
        }
        _ => return,
    };
    event.prevent_default();
    if let Some(next) = next {
        dom::focus(&next);
    }
}

fn clicked(event: &MouseEvent) {
    if dom::around::<Element>(event, "[data-go]").is_some() {
        if event.button() == 0 && !(event.ctrl_key() || event.meta_key() || event.shift_key()) && open() {
            event.prevent_default();
        }
    } else if dom::around::<Element>(event, &format!("#{DIALOG} a[href]")).is_some()
        || dom::target::<Element>(event).is_some_and(|at| dom::id(&at) == DIALOG)
    {
        // A line was followed, or what lies behind the dialog was pressed.
        close();
    }
}

pub fn start() {
    dom::on("keydown", |event: KeyboardEvent| pressed(&event));
    dom::on("click", |event: MouseEvent| clicked(&event));
    dom::on("input", |event: Event| {
        if dom::target::<Element>(&event).is_some_and(|at| dom::id(&at) == FIELD) {
            LATER.with_borrow_mut(|later| later.run(PAUSE, ask));
        }
    });
    dom::on("submit", |event: Event| {
        if dom::around::<Element>(&event, &format!("#{DIALOG}")).is_some() {
            close();
        }
    });
}
