//! One's own account.

use leptos::prelude::*;

use crate::layout::PageHead;

/// The page.
#[component]
pub fn AccountPage() -> impl IntoView {
    view! { <PageHead title="Your account" /> }
}
