//! The preview: a frozen set, before anything is asked.

use leptos::prelude::*;

use crate::layout::PageHead;

/// The preview page.
#[component]
pub fn PreviewPage() -> impl IntoView {
    view! { <PageHead title="Preview" /> }
}
