//! One ending: what became of each session.

use leptos::prelude::*;

use crate::layout::PageHead;

/// The page of one ending.
#[component]
pub fn EndingPage() -> impl IntoView {
    view! { <PageHead title="Ending" /> }
}
