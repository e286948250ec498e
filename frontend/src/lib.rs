//! What a browser adds to pages that work without it.
//!
//! The server draws every page; nothing is drawn here. Script asks for the same addresses and sends the same forms that
//! a browser without it would, and puts the server's answer into the open page ([`page`], [`morph`]): lists come without
//! a reload, ticks are kept as they are made, endings move while one looks, times age. Nothing here decides anything.
//!
//! Each part looks for its mark in the page (`data-live`, `data-every`, `data-say`, …) and does nothing without it, so a
//! page says in its HTML what it wants, and a swap brings the marks of the new page.

mod ages;
mod begin;
mod columns;
mod copy;
mod dom;
mod finding;
mod keys;
mod live;
mod memory;
mod morph;
mod page;
mod palette;
mod rows;
mod small;
mod ticks;
mod timeout;
mod typing;
mod views;

use wasm_bindgen::prelude::*;

/// Runs once per document, as soon as the module is there.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
    // Before the pages: what opens in a dialog is not followed.
    palette::start();
    page::start();
    memory::start();
    ticks::start();
    typing::start();
    finding::start();
    timeout::start();
    begin::start();
    small::start();
    columns::start();
    copy::start();
    keys::start();
    rows::start();
    arrived();
    ages::start();
    live::start();
    if let Some(body) = dom::document().body() {
        dom::set(&body, "data-hydrated", "");
    }
}

/// After every page or part that came from the server, the first included.
fn arrived() {
    begin::arrived();
    small::arrived();
    columns::arrived();
    copy::arrived();
    keys::arrived();
    views::arrived();
    ticks::arrived();
    rows::arrived();
    finding::arrived();
    live::arrived();
    page::count_exactly();
}
