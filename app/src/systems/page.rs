//! The systems page.

use leptos::prelude::*;

use crate::layout::PageHead;

/// The page.
#[component]
pub fn SystemsPage() -> impl IntoView {
    view! { <PageHead title="Systems" /> }
}
