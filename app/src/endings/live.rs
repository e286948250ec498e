//! Keeps a page about endings current: the server says that something changed, the page reads again in the background.
//! Without script the page has its "Read again" link.

use leptos::prelude::*;

/// How the page hears of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Not at all: without script, or nothing will change any more.
    None,
    /// By the server's stream.
    Live,
    /// The stream is broken: read again every 10 s.
    Lost,
}

/// Listens to `topic` and runs `read` whenever its version moved. Stops with the page.
#[cfg(feature = "hydrate")]
pub fn follow(topic: String, link: RwSignal<Link>, read: Callback<()>) {
    use std::time::Duration;

    use leptos::wasm_bindgen::JsCast;
    use leptos::wasm_bindgen::closure::Closure;
    use leptos::web_sys::{EventSource, MessageEvent};

    const AGAIN: Duration = Duration::from_secs(10);

    let Ok(source) = EventSource::new(&crate::paths::live(&topic)) else {
        return;
    };
    let seen = StoredValue::new(None::<String>);
    let on_open = Closure::<dyn Fn()>::new(move || {
        if link.get_untracked() == Link::Lost {
            // Whatever happened while the line was down.
            read.run(());
        }
        link.set(Link::Live);
    });
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let version = event.data().as_string();
        if seen.get_value() != version {
            seen.set_value(version);
            read.run(());
        }
    });
    let on_error = Closure::<dyn Fn()>::new(move || link.set(Link::Lost));
    source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // A stream may name its events; ours are called "version".
    let named = source.add_event_listener_with_callback("version", on_message.as_ref().unchecked_ref());
    source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    let again = set_interval_with_handle(
        move || {
            if link.get_untracked() == Link::Lost {
                read.run(());
            }
        },
        AGAIN,
    );
    let kept = StoredValue::new_local((source, on_open, on_message, on_error, named));
    on_cleanup(move || {
        if let Ok(again) = again {
            again.clear();
        }
        if let Some((source, ..)) = kept.try_update_value(|kept| kept.0.clone()).map(|s| (s,)) {
            source.close();
        }
    });
}

/// The mark of the line, and the link that reads the page again without it.
#[component]
pub fn LinkMark(
    /// The line.
    link: RwSignal<Link>,
    /// Address of this page.
    address: String,
) -> impl IntoView {
    use crate::systems::wire::Health;
    use crate::ui::{Glyph, HealthMark, Icon};
    view! {
        <span class="link-mark no-print" role="status">
            {move || match link.get() {
                Link::Live => view! { <HealthMark health=Health::Live /> }.into_any(),
                Link::Lost => {
                    view! { <span class="is-warn">"Live updates stopped. Reading again every 10 s."</span> }
                        .into_any()
                }
                Link::None => ().into_any(),
            }}
        </span>
        <a class="btn btn-small btn-quiet" href=address rel="external">
            <Glyph icon=Icon::Again />
            <span>"Read again"</span>
        </a>
    }
    .into_any()
}
