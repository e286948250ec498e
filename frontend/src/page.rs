//! Pages without a reload: asks the server for an address, and puts its answer into the open page.
//!
//! Links and GET forms to own pages are taken; files, forms that change something and everything outside go the plain
//! way. An older answer never replaces a newer one.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use app::paths;
use app::sessions::form::{FILTER_FORM, meaningful};
use app::ui::thousands;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Document, DomParser, Element, Event, FormData, Headers, HtmlAnchorElement, HtmlElement, HtmlFormElement,
    MouseEvent, RequestInit, Response, SupportedType, Url, UrlSearchParams,
};

use crate::dom::{self, document, window};
use crate::{arrived, memory, morph, rows};

/// Marks a request as the page's own: no activity of a person. The server's word for it.
const BACKGROUND: &str = "x-curfew-background";

/// How long an answer may take before the page shows that it waits.
const PATIENCE: Duration = Duration::from_millis(300);

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A person: counts as activity, goes into the history.
    Person,
    /// Back or forward.
    History,
    /// The open page itself.
    Page,
}

thread_local! {
    /// Grows with every question whose answer would replace the page.
    static TURN: Cell<u64> = const { Cell::new(0) };
    static WAITS: RefCell<dom::Later> = const { RefCell::new(dom::Later::new()) };
}

/// The answer to a question.
pub struct Answer {
    /// Where it came from after all redirects: own path with query.
    pub address: String,
    pub document: Document,
}

/// Why there is none.
#[derive(Debug)]
pub enum Trouble {
    /// The sign-in has ended.
    SignedOut,
    /// No answer, or one that is no page.
    NoAnswer,
}

/// The address of the open page: path and query.
pub fn here() -> String {
    let here = window().location();
    format!(
        "{}{}",
        here.pathname().unwrap_or_default(),
        here.search().unwrap_or_default()
    )
}

/// Asks for `address`, or sends `form` there: where the answer came from, whether it was one, and its text.
async fn fetch(address: &str, form: Option<&FormData>, by: Asked) -> Result<(Url, bool, String), JsValue> {
    let init = RequestInit::new();
    if let Some(form) = form {
        init.set_method("POST");
        init.set_body(&UrlSearchParams::new_with_str_sequence_sequence(form)?.into());
    }
    if by == Asked::Page {
        let headers = Headers::new()?;
        let list = address.split('?').next() == Some(paths::SESSIONS) && rows::are_live();
        let shown = if list { rows::keys() } else { String::new() };
        headers.set(BACKGROUND, if shown.is_empty() { "1" } else { &shown })?;
        init.set_headers(&headers);
    }
    let response: Response = JsFuture::from(window().fetch_with_str_and_init(address, &init))
        .await?
        .dyn_into()?;
    let text = JsFuture::from(response.text()?).await?;
    Ok((
        Url::new(&response.url())?,
        response.ok(),
        text.as_string().unwrap_or_default(),
    ))
}

/// Asks for the page at `address`; with `form`, sends it there.
pub async fn ask(address: &str, form: Option<&FormData>, by: Asked) -> Result<Answer, Trouble> {
    let (url, _, text) = fetch(address, form, by).await.map_err(|_| Trouble::NoAnswer)?;
    if url.pathname() == paths::SIGN_IN {
        return Err(Trouble::SignedOut);
    }
    let document = DomParser::new()
        .and_then(|parser| parser.parse_from_string(&text, SupportedType::TextHtml))
        .map_err(|_| Trouble::NoAnswer)?;
    // Our pages have a main part; an answer from something in between has not. One of another release goes the plain
    // way too: this script may not know its marks.
    let release = |of: &Document| {
        let sheet = of.query_selector("link[rel=stylesheet]").ok().flatten();
        sheet.and_then(|sheet| sheet.get_attribute("href"))
    };
    if document.get_element_by_id("main").is_none() || release(&document) != release(&dom::document()) {
        return Err(Trouble::NoAnswer);
    }
    Ok(Answer {
        address: format!("{}{}", url.pathname(), url.search()),
        document,
    })
}

/// The text at `address`, asked for by the page itself; `None` = no answer.
pub async fn text(address: &str) -> Option<String> {
    match fetch(address, None, Asked::Page).await {
        Ok((_, true, text)) => Some(text),
        _ => None,
    }
}

/// Asks for `address` and shows the answer in the open page.
pub fn go(address: String, by: Asked) {
    spawn_local(async move {
        show(&address, by).await;
    });
}

/// As [`go`], to its end; an answer that a newer question overtook is dropped.
async fn show(address: &str, by: Asked) {
    // What the page asks by itself never overtakes what a person asks.
    let turn = TURN.get() + u64::from(by != Asked::Page);
    TURN.set(turn);
    if by != Asked::Page {
        wait();
    }
    let answer = ask(address, None, by).await;
    if TURN.get() != turn {
        return;
    }
    if by != Asked::Page {
        waited();
    }
    match answer {
        Ok(answer) if by == Asked::Page && rows::are_live() => rows::take(&answer.document),
        Ok(answer) => {
            let path = |address: &str| address.split('?').next().unwrap_or_default().to_owned();
            let other_page = by == Asked::Person && path(&answer.address) != path(&here());
            if by == Asked::Person && answer.address != here() {
                push(&answer.address);
            }
            put(&answer.document, by);
            if by == Asked::History {
                memory::restore();
            }
            if other_page {
                // As after a load: from the top, and the keyboard starts at the content.
                window().scroll_to_with_x_and_y(0.0, 0.0);
                if let Some(main) = dom::by_id::<HtmlElement>("main") {
                    dom::focus(&main);
                }
            }
        }
        // The plain way leads to sign-in and back, or shows the browser's own words; an open page stays as it is.
        Err(_) if by != Asked::Page => drop(window().location().assign(address)),
        Err(Trouble::SignedOut) => crate::timeout::over(),
        Err(Trouble::NoAnswer) => {}
    }
}

/// Reads the open page again on its own.
pub async fn again() {
    show(&here(), Asked::Page).await;
}

fn push(address: &str) {
    memory::save();
    if let Ok(history) = window().history() {
        // Fails only when a page writes hundreds of times a second.
        drop(history.push_state_with_url(&JsValue::NULL, "", Some(address)));
    }
}

/// Puts another address in the place of this one, without asking for it.
pub fn rename(address: &str) {
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        drop(history.replace_state_with_url(&state, "", Some(address)));
    }
}

/// Puts an answer into the open page: bar, how long the sign-in lasts, main part, title.
fn put(answer: &Document, by: Asked) {
    let focus = document().active_element().map(|element| dom::id(&element));
    let said = sentences();
    let at_work = dom::by_id::<Element>("result").is_some_and(|result| result.has_attribute("data-at-work"));
    for id in ["bar", "sign-in-ends", "main"] {
        morph_part(answer, id, by == Asked::Page);
    }
    document().set_title(&answer.title());
    keep_focus(focus);
    arrived();
    for (before, now) in said.iter().zip(sentences()) {
        if *before != now && !now.is_empty() {
            dom::say(&now);
        }
    }
    if at_work {
        focus_result("#result:not([data-at-work])");
    }
}

/// Once there is a result focus goes there, unless the person is somewhere else already.
fn focus_result(selector: &str) {
    if idle()
        && let Some(result) = dom::one::<HtmlElement>(selector)
    {
        dom::focus(&result);
    }
}

/// Puts one part of an answer into the open page; what a person typed meanwhile stays.
pub fn part(answer: &Document, id: &str) {
    morph_part(answer, id, true);
}

fn morph_part(answer: &Document, id: &str, keep_typed: bool) {
    if let (Some(old), Some(new)) = (document().get_element_by_id(id), answer.get_element_by_id(id)) {
        morph::morph(&old, &new, keep_typed);
    }
}

/// What the page would say aloud now, in order.
fn sentences() -> Vec<String> {
    dom::each::<Element>("[data-say]")
        .iter()
        .map(|element| element.text_content().unwrap_or_default().trim().to_owned())
        .collect()
}

/// Focus survives in place; where its element moved or was drawn anew, it finds it again by its id.
fn keep_focus(id: Option<String>) {
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        return;
    };
    if idle()
        && let Some(element) = dom::by_id::<HtmlElement>(&id)
    {
        dom::focus(&element);
    }
}

/// Nothing has focus that a person would miss.
fn idle() -> bool {
    document()
        .active_element()
        .is_none_or(|at| ["BODY", "MAIN"].contains(&at.tag_name().as_str()))
}

/// Shows that an answer takes its time.
fn wait() {
    WAITS.with_borrow_mut(|waits| {
        waits.run(PATIENCE, || {
            if let Some(main) = document().get_element_by_id("main") {
                dom::set(&main, "aria-busy", "true");
            }
        });
    });
}

fn waited() {
    WAITS.with_borrow_mut(dom::Later::stop);
    if let Some(main) = document().get_element_by_id("main") {
        drop(main.remove_attribute("aria-busy"));
    }
}

/// Where counting stopped ("10,000+"), asks for the exact number and puts it in its places.
pub fn count_exactly() {
    let Some(count) = dom::one::<Element>("[data-count]") else {
        return;
    };
    let address = count.get_attribute("data-count").unwrap_or_default();
    spawn_local(async move {
        let Ok((_, true, text)) = fetch(&address, None, Asked::Page).await else {
            return;
        };
        // An answer for a list that is not shown any more says nothing.
        let same = dom::one::<Element>("[data-count]")
            .and_then(|count| count.get_attribute("data-count"))
            .is_some_and(|now| now == address);
        if let (true, Ok(number)) = (same, text.parse::<u64>()) {
            for place in dom::each::<Element>("[data-exact]") {
                place.set_text_content(Some(&thousands(number)));
            }
        }
    });
}

/// A form's fields as a query string, without what says nothing.
pub fn query_of(form: &HtmlFormElement) -> Option<String> {
    let data = FormData::new_with_form(form).ok()?;
    let params = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
    let pairs = paths::parse_query(&params.to_string().as_string()?);
    Some(paths::query_string(&meaningful(pairs)))
}

fn is_ours(url: &Url) -> bool {
    Some(url.origin()) == window().location().origin().ok()
}

fn followed(event: &MouseEvent) {
    let Some(link) = dom::around::<HtmlAnchorElement>(event, "a[href]") else {
        return;
    };
    let plain = event.button() == 0
        && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key())
        && !event.default_prevented()
        && link.target().is_empty()
        && !link.has_attribute("download")
        && link.rel() != "external";
    let Ok(url) = Url::new(&link.href()) else { return };
    // A place on this very page is the browser's.
    let place = !url.hash().is_empty();
    if plain && !place && is_ours(&url) {
        event.prevent_default();
        let address = if link.has_attribute("data-again") {
            here()
        } else {
            format!("{}{}", url.pathname(), url.search())
        };
        go(address, Asked::Person);
    }
}

fn sent(event: &Event) {
    let Some(form) = dom::target::<HtmlFormElement>(event) else {
        return;
    };
    // By their attributes: fields of a form may stand in the place of its properties.
    let attribute = |name: &str| form.get_attribute(name).unwrap_or_default();
    let Ok(url) = Url::new_with_base(
        &attribute("action"),
        &window().location().href().unwrap_or_default(),
    ) else {
        return;
    };
    if event.default_prevented() || attribute("method") != "get" || !is_ours(&url) {
        return;
    }
    if let Some(query) = query_of(&form) {
        event.prevent_default();
        if dom::id(&form) == FILTER_FORM {
            crate::small::close_details();
        }
        go(paths::with_query(&url.pathname(), &query), Asked::Person);
    }
}

pub fn start() {
    // An answer to a form stands at the form's address; a reload should ask for the page it shows.
    let shown = dom::one::<Element>("meta[name=shown-at]").and_then(|meta| meta.get_attribute("content"));
    if let Some(shown) = shown.filter(|shown| *shown != here()) {
        rename(&shown);
    }
    // An ending may be over before its page is here.
    focus_result("#result[data-fresh]");
    dom::on("click", |event: MouseEvent| followed(&event));
    dom::on("submit", |event: Event| sent(&event));
    dom::on("popstate", |_: Event| go(here(), Asked::History));
}
