//! What the browser runs: the same app, taking over the HTML that the server wrote.

// A page is one deep type; the default of 128 is not enough for the compiler to lay it out.
#![recursion_limit = "512"]

/// Called by the page's own script.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    app::settle_address();
    leptos::mount::hydrate_body(app::App);
}
