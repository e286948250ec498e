//! The list of live sessions.

use leptos::prelude::*;

use crate::layout::PageHead;

/// The sessions page.
#[component]
pub fn SessionsPage() -> impl IntoView {
    view! { <PageHead title="Sessions" /> }
}
