//! Cards: panels with a head, tiles of big numbers, facts in pairs.

use leptos::prelude::*;

/// A card with a head; sections inside are split by lines.
#[component]
pub fn Panel(
    /// Heading.
    #[prop(into)]
    title: String,
    /// Id of the heading, when something points to it; empty = made of the title.
    #[prop(optional, into)]
    id: String,
    /// What stands at the right end of the head.
    #[prop(optional, into)]
    aside: ViewFn,
    /// Padding around the content; a table goes without.
    #[prop(default = true)]
    padded: bool,
    /// Content.
    children: Children,
) -> impl IntoView {
    let id = if id.is_empty() {
        let word: String = title.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("p-{}", word.to_ascii_lowercase())
    } else {
        id
    };
    let labelled_by = id.clone();
    view! {
        <section class="panel" aria-labelledby=labelled_by>
            <header class="panel-head">
                <h2 id=id>{title}</h2>
                <div class="panel-aside">{aside.run()}</div>
            </header>
            <div class:panel-body=padded>{children()}</div>
        </section>
    }
    .into_any()
}

/// One card of big numbers, split by lines.
#[component]
pub fn Tiles(
    /// The tiles.
    children: Children,
) -> impl IntoView {
    view! { <ul class="tiles" role="list">{children()}</ul> }
}

/// A big number and what it counts.
#[component]
pub fn Tile(
    /// The number.
    #[prop(into)]
    number: TextProp,
    /// What it counts.
    children: Children,
) -> impl IntoView {
    view! {
        <li class="tile">
            <span class="big">{move || number.get()}</span>
            <span class="tile-words">{children()}</span>
        </li>
    }
    .into_any()
}

/// A pair of a `dl class="facts"`.
#[component]
pub fn Fact(
    /// What.
    #[prop(into)]
    label: String,
    /// How much, when, which.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="fact">
            <dt>{label}</dt>
            <dd>{children()}</dd>
        </div>
    }
    .into_any()
}
