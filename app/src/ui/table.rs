//! Tables: a caption, scoped heads, sorts as links.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::wire::Direction;

/// A table in its own scroller, so that a narrow window scrolls the table and not the page.
#[component]
pub fn TableCard(
    /// What the table shows; read out, not seen.
    #[prop(into)]
    caption: String,
    /// More classes for the table.
    #[prop(optional)]
    class: &'static str,
    /// In a panel already: no card of its own.
    #[prop(optional)]
    inside: bool,
    /// `thead` and `tbody`.
    children: Children,
) -> impl IntoView {
    let label = caption.clone();
    view! {
        <div class="table-box" class:card=!inside tabindex="0" role="region" aria-label=label>
            <table class=format!("table {class}")>
                <caption class="unseen">{caption}</caption>
                {children()}
            </table>
        </div>
    }
    .into_any()
}

/// Head of a column; with `sort_href` a link that sorts by it.
#[component]
pub fn ColumnHead(
    /// Words.
    #[prop(into)]
    label: String,
    /// Numbers stand at the right.
    #[prop(optional)]
    number: bool,
    /// Address of the list sorted by this column; empty = can't be sorted.
    #[prop(optional, into)]
    sort_href: String,
    /// The list is sorted by it, that way.
    #[prop(optional_no_strip)]
    sorted: Option<Direction>,
    /// More classes for the cell.
    #[prop(optional, into)]
    class: String,
) -> impl IntoView {
    let aria_sort = sorted.map(|direction| match direction {
        Direction::Ascending => "ascending",
        Direction::Descending => "descending",
    });
    let arrow = sorted.map(|direction| match direction {
        Direction::Ascending => Icon::Up,
        Direction::Descending => Icon::Down,
    });
    let words = if sort_href.is_empty() {
        view! { <span>{label}</span> }.into_any()
    } else {
        view! {
            <a class="sort" href=sort_href>
                <span>{label}</span>
                {arrow.map(|icon| view! { <Glyph icon=icon /> })}
            </a>
        }
        .into_any()
    };
    view! {
        <th scope="col" class=class class:num=number class:sorted=sorted.is_some() aria-sort=aria_sort>
            {words}
        </th>
    }
    .into_any()
}
