//! What changed, said once to people who don't see it.

use leptos::prelude::*;

/// Says a sentence politely; given by the layout.
#[derive(Clone, Copy)]
pub struct Announcer(pub RwSignal<String>);

impl Announcer {
    /// The layout's announcer; one that nobody hears outside of a layout.
    pub fn here() -> Self {
        use_context::<Self>().unwrap_or_else(|| Self(RwSignal::new(String::new())))
    }

    /// Says this, once.
    pub fn say(self, sentence: impl Into<String>) {
        self.0.set(sentence.into());
    }
}

/// The place that speaks. One per page, by the layout.
#[component]
pub fn LiveRegion(
    /// Whose sentences.
    announcer: Announcer,
) -> impl IntoView {
    view! {
        <div class="unseen" role="status" aria-live="polite">
            {move || announcer.0.get()}
        </div>
    }
    .into_any()
}
