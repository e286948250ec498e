//! All endings, newest first.

use leptos::prelude::*;

use crate::layout::PageHead;

/// The list of endings.
#[component]
pub fn EndingsPage() -> impl IntoView {
    view! { <PageHead title="Endings" /> }
}
