//! Answers while somebody types: the search of the list, and what other limits would mean.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use app::paths;
use app::sessions::form::SEARCH;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, HtmlElement, HtmlFormElement, HtmlInputElement, KeyboardEvent};

use crate::page::{self, Asked};
use crate::{dom, finding};

/// How long after a keystroke the server is asked.
const PAUSE: Duration = Duration::from_millis(180);

thread_local! {
    static LATER: RefCell<dom::Later> = const { RefCell::new(dom::Later::new()) };
    static ROUND: Cell<u32> = const { Cell::new(0) };
}

fn typed(event: &Event) {
    let Some(field) = dom::target::<HtmlInputElement>(event) else {
        return;
    };
    if dom::id(&field) == SEARCH {
        LATER.with_borrow_mut(|later| {
            later.run(PAUSE, move || {
                // Half a term is no question yet: suggestions go on with it.
                if !finding::waits(&field.value()) {
                    ask(&field);
                }
            });
        });
    } else if let Some(form) = dom::around::<HtmlFormElement>(event, "form[data-what-if]") {
        LATER.with_borrow_mut(|later| later.run(PAUSE, move || what_if(&form)));
    }
}

/// Asks for the list with what stands in the search box and its form.
pub fn ask(field: &HtmlInputElement) {
    if let Some(query) = field.form().and_then(|form| page::query_of(&form)) {
        finding::asks(&field.value());
        page::go(paths::sessions(&query), Asked::Person);
    }
}

/// Reads the page for the limits as typed and shows what they would mean; an older answer never replaces a newer one.
fn what_if(form: &HtmlFormElement) {
    let value = |name: &str| {
        let field: Vec<HtmlInputElement> = dom::all(form, &format!("input[name={name}]"));
        field.first().map(HtmlInputElement::value).unwrap_or_default()
    };
    use app::policies::form::{ABSOLUTE, IDLE};
    let query = paths::query_string(&[(IDLE, value(IDLE)), (ABSOLUTE, value(ABSOLUTE))]);
    let round = ROUND.get() + 1;
    ROUND.set(round);
    spawn_local(async move {
        let asked = page::ask(&paths::with_query(paths::POLICIES, &query), None, Asked::Page).await;
        if let Ok(answer) = asked
            && ROUND.get() == round
        {
            page::part(&answer.document, "meaning");
            if let Some(said) = dom::one::<HtmlElement>("#meaning [data-say]") {
                dom::say(said.text_content().unwrap_or_default().trim());
            }
        }
    });
}

pub fn start() {
    dom::on("input", |event: Event| typed(&event));
    dom::on("submit", |_: Event| LATER.with_borrow_mut(dom::Later::stop));
    dom::on("keydown", |event: KeyboardEvent| {
        if event.key() == "Escape" {
            crate::small::close_details();
        }
    });
}
