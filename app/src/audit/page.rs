//! The audit page.

use leptos::prelude::*;

use crate::layout::PageHead;

/// The page.
#[component]
pub fn AuditPage() -> impl IntoView {
    view! { <PageHead title="Audit" /> }
}
