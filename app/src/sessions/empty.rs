//! Why the list is empty, and the next step: nobody there, no match, no right, a source down, a filter not understood.

use leptos::prelude::*;

use super::form::list_address;
use super::wire::{EmptyBecause, SessionsPage};
use crate::paths;
use crate::ui::{ButtonKind, Empty, Icon, LinkButton, count_text, thousands};

/// What stands in the table's place.
#[component]
pub fn EmptyList(
    /// The page, without rows.
    page: SessionsPage,
) -> impl IntoView {
    let sel = page.query.selection.clone();
    let plain = list_address(&page.query.without_filters().to_query_string(), sel.as_ref());
    #[cfg(feature = "ssr")]
    tell_status(page.empty.as_ref());
    match page.empty.clone() {
        Some(EmptyBecause::NoSessions { systems }) => {
            let answered = match systems {
                1 => "The one system answered".to_owned(),
                n => format!("All {} systems answered", thousands(n)),
            };
            view! {
                <Empty icon=Icon::Quiet fact="No sessions">
                    <p>{answered} " and nobody is signed in. New sign-ins show up with the next reading."</p>
                    <LinkButton href=paths::SYSTEMS>"See the systems"</LinkButton>
                </Empty>
            }
            .into_any()
        }
        Some(EmptyBecause::NoMatch { without }) => {
            let (hint, button) = match without {
                Some((words, count, query)) => (
                    Some(format!(
                        " Without “{words}” there would be {}.",
                        thousands(count)
                    )),
                    view! {
                        <LinkButton href=list_address(&query, sel.as_ref())>{format!("Take off {words}")}</LinkButton>
                    }
                    .into_any(),
                ),
                None => (None, ().into_any()),
            };
            view! {
                <Empty icon=Icon::Search fact="No session matches">
                    <p>{format!("None of {} sessions fits these filters.", count_text(page.in_all))} {hint}</p>
                    <div class="buttons">
                        {button}
                        <LinkButton href=plain kind=ButtonKind::Quiet>
                            "Clear all filters"
                        </LinkButton>
                    </div>
                </Empty>
            }
            .into_any()
        }
        Some(EmptyBecause::NoGrant { who_can_give }) => {
            let ask = if who_can_give.is_empty() {
                "Ask whoever manages access in your house.".to_owned()
            } else {
                format!("Ask {}, who can give one.", who_can_give.join(" or "))
            };
            view! {
                <Empty icon=Icon::Lock fact="Not part of your grant">
                    <p>"No grant in force lets you see sessions. " {ask}</p>
                    <LinkButton href=paths::ACCOUNT>"Your account"</LinkButton>
                </Empty>
            }
            .into_any()
        }
        Some(EmptyBecause::SystemDown { words }) => view! {
            <Empty icon=Icon::Warning fact="Nothing to show while a system is away">
                <p>{words}</p>
                <div class="buttons">
                    <LinkButton href=paths::SYSTEMS>"See the systems"</LinkButton>
                    <LinkButton href=plain kind=ButtonKind::Quiet>
                        "Show all systems"
                    </LinkButton>
                </div>
            </Empty>
        }
        .into_any(),
        Some(EmptyBecause::BadFilter) => view! {
            <Empty icon=Icon::Filter fact="A filter was not understood">
                <p>"Nothing is listed until it is put right, so that no wider set is ended by mistake."</p>
                <LinkButton href=plain>"Clear all filters"</LinkButton>
            </Empty>
        }
        .into_any(),
        // A page after the last one: rows went while somebody paged.
        None => view! {
            <Empty icon=Icon::Quiet fact="No more rows on this page">
                <p>"They have gone since the page before was read."</p>
                <LinkButton href=list_address(
                    &page.query.first_page().to_query_string(),
                    sel.as_ref(),
                )>"Back to the first page"</LinkButton>
            </Empty>
        }
        .into_any(),
    }
}

/// A page that shows nothing for want of a grant, or because its address was not understood, is no success.
#[cfg(feature = "ssr")]
fn tell_status(empty: Option<&EmptyBecause>) {
    let status = match empty {
        Some(EmptyBecause::NoGrant { .. }) => 403,
        Some(EmptyBecause::BadFilter) => 422,
        _ => return,
    };
    if let Some(crate::backend::SetStatus(set)) = use_context() {
        set(status);
    }
}
