//! Who may do what, where: people, grants, roles, and who is protected.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::form::Tab;
use super::grants::Grants;
use super::groups::Groups;
use super::people::People;
use super::protected::Protected;
use super::roles::Roles;
use super::tokens::{FreshTokenCard, Tokens};
use super::wire::{AccessPage as Page, OneTimeLink};
use crate::layout::{FormEcho, PageHead, loaded};
use crate::paths;
use crate::ui::{Clock, Glyph, Icon, When, thousands};

/// A one-time link that was just made: put into the context by the server for this one answer, shown once.
#[derive(Clone)]
pub struct FreshLink(pub OneTimeLink);

/// The access page.
#[component]
pub fn AccessPage() -> impl IntoView {
    loaded(
        |b| async move { b.access.access_page().await },
        |page| view! { <Access page=page /> }.into_any(),
    )
}

/// The tab to show: that of a refused form, else the one of the address.
fn current_tab() -> Tab {
    let refused = use_context::<FormEcho>().filter(|echo| echo.path == paths::post::ACCESS);
    let act = refused.and_then(|echo| echo.pairs.into_iter().find(|(key, _)| key == "act"));
    match act {
        Some((_, act)) => Tab::of_act(&act),
        None => use_query_map().with_untracked(|map| Tab::from_name(map.get_str("tab").unwrap_or_default())),
    }
}

/// The page with its data.
#[component]
fn Access(
    /// Its data.
    page: Page,
) -> impl IntoView {
    Clock::here().set(page.now);
    let tab = current_tab();
    let counts = [
        page.operators.len(),
        page.grants.len(),
        page.roles.len(),
        page.groups.len(),
        page.protected.len(),
        page.tokens.len(),
    ];
    let shown = match tab {
        Tab::People => view! { <People page=page /> }.into_any(),
        Tab::Grants => view! { <Grants page=page /> }.into_any(),
        Tab::Roles => view! { <Roles page=page /> }.into_any(),
        Tab::Groups => view! { <Groups page=page /> }.into_any(),
        Tab::Protected => view! { <Protected page=page /> }.into_any(),
        Tab::Tokens => view! { <Tokens page=page /> }.into_any(),
    };
    view! {
        <PageHead title="Access" />
        <FreshLinkCard />
        <FreshTokenCard />
        <nav class="tabs" aria-label="Parts of access">
            {Tab::ALL
                .into_iter()
                .zip(counts)
                .map(|(this, count)| {
                    view! {
                        <a
                            class="tab"
                            href=this.href()
                            aria-current=(tab == this).then_some("page")
                        >
                            {tab_words(this)}
                            <span class="tab-count">{thousands(count as u64)}</span>
                        </a>
                    }
                })
                .collect_view()}
        </nav>
        {shown}
    }
    .into_any()
}

/// How a tab is called.
const fn tab_words(tab: Tab) -> &'static str {
    match tab {
        Tab::People => "People",
        Tab::Grants => "Grants",
        Tab::Roles => "Roles",
        Tab::Groups => "Groups",
        Tab::Protected => "Protected people",
        Tab::Tokens => "API tokens",
    }
}

/// The link to give to somebody, shown this one time.
#[component]
fn FreshLinkCard() -> impl IntoView {
    let link = use_context::<FreshLink>().map(|FreshLink(link)| link);
    link.map(|link| {
        view! {
            <section class="fresh-link" role="status" aria-label="One-time link">
                <Glyph icon=Icon::Lock />
                <div>
                    <p>
                        <b>{format!("Give this link to {}.", link.login)}</b>
                        " It is shown this once, works once, and is good until " <When at=link.expires_at /> "."
                    </p>
                    <p>
                        <code class="one-time" tabindex="0">
                            {link.url}
                        </code>
                    </p>
                    <p class="second">
                        "Whoever opens it sets their own password. Send it by a way you trust; Curfew does not keep it."
                    </p>
                </div>
            </section>
        }
    })
}
