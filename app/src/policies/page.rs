//! The policies page.

use leptos::prelude::*;

use crate::layout::PageHead;

/// The page.
#[component]
pub fn PoliciesPage() -> impl IntoView {
    view! { <PageHead title="Policies" /> }
}
