//! The access page.

use leptos::prelude::*;

use crate::layout::PageHead;

/// The page.
#[component]
pub fn AccessPage() -> impl IntoView {
    view! { <PageHead title="Access" /> }
}

/// Takes a fresh one-time link over from the server; called once by the app.
pub fn provide_fresh_link() {}
