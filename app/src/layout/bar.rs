//! The top bar: mark, name, installation, the pages this person may open, what runs, theme, account.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::account_menu::{AccountMenu, ThemeMenu};
use super::frame::FrameContext;
use crate::access::wire::Permission;
use crate::go::page::GoLink;
use crate::paths;
use crate::ui::{Glyph, Icon, Mark, Tag, Tone, thousands};

/// Every page of the bar, with the permission that opens it. Only what exists stands here.
pub const PAGES: [(&str, &str, Permission); 8] = [
    ("Sessions", paths::SESSIONS, Permission::SeeSessions),
    ("People", paths::PEOPLE, Permission::SeeSessions),
    ("Endings", paths::ENDINGS, Permission::SeeSessions),
    ("Systems", paths::SYSTEMS, Permission::SeeSessions),
    ("Policies", paths::POLICIES, Permission::ReadPolicies),
    ("Access", paths::ACCESS, Permission::ManageAccess),
    ("Tickets", paths::TICKETS, Permission::UseTickets),
    ("Audit", paths::AUDIT, Permission::ReadAudit),
];

/// Whether `path` is the page at `root` or one below it.
fn within(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The bar without a person: signed out, or nothing known yet.
#[component]
pub fn PlainBar() -> impl IntoView {
    view! {
        <header id="bar" class="bar">
            <a class="brand" href=paths::HOME>
                <Mark />
                <span>"Curfew"</span>
            </a>
        </header>
    }
    .into_any()
}

/// The bar of a signed-in person.
#[component]
pub fn Bar(
    /// The frame, already learnt.
    context: FrameContext,
) -> impl IntoView {
    let instance = context.read(|frame| frame.instance.clone());
    let demo = context.read(|frame| frame.demo);
    let hidden = context.read(|frame| frame.screen_share);
    view! {
        <header id="bar" class="bar">
            <a class="brand" href=paths::HOME>
                <Mark />
                <span>"Curfew"</span>
            </a>
            <span class="instance">
                <bdi>{instance}</bdi>
            </span>
            {demo.then(|| view! { <Tag tone=Some(Tone::Warn)>"Simulated systems"</Tag> })}
            <nav class="nav" aria-label="Pages">
                <NavLinks context=context />
            </nav>
            <div class="bar-end">
                {hidden
                    .then(|| {
                        view! {
                            <span class="hiding" title="Addresses, mail and browsers are hidden in this sign-in">
                                <Glyph icon=Icon::Hidden />
                                <span>"Network data hidden"</span>
                            </span>
                        }
                    })}
                <RunningEnding context=context />
                <GoLink />
                <details class="menu nav-menu" name="bar-menu">
                    <summary class="icon-btn wide">
                        <Glyph icon=Icon::Menu />
                        <span>"Menu"</span>
                    </summary>
                    <nav class="menu-list" aria-label="Pages, in the menu">
                        <NavLinks context=context />
                        <GoLink in_menu=true />
                    </nav>
                </details>
                <ThemeMenu context=context />
                <AccountMenu context=context />
            </div>
        </header>
    }
    .into_any()
}

/// Links to the pages the person may open.
#[component]
fn NavLinks(
    /// The frame.
    context: FrameContext,
) -> impl IntoView {
    let path = use_location().pathname.get_untracked();
    PAGES
        .into_iter()
        .filter(|(.., permission)| context.may(*permission))
        .map(|(words, href, _)| {
            view! {
                <a class="nav-link" href=href aria-current=within(&path, href).then_some("page")>
                    {words}
                </a>
            }
        })
        .collect_view()
}

/// The newest ending at work: leads to its page from everywhere.
#[component]
fn RunningEnding(
    /// The frame.
    context: FrameContext,
) -> impl IntoView {
    let running = context.read(|frame| frame.running).map(|(number, settled, wanted)| {
        view! {
            <a class="running" href=paths::ending(number)>
                <progress class="running-bar" max=wanted.max(1) value=settled aria-label="Settled"></progress>
                <span class="running-long">
                    {format!("Ending {number} · {} of {}", thousands(settled), thousands(wanted))}
                </span>
                <span class="running-short">{format!("Ending {number}")}</span>
            </a>
        }
    });
    view! { <div id="running">{running}</div> }
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_page_is_current_for_what_lies_below_it() {
        assert!(within("/endings", "/endings"));
        assert!(within("/endings/1042", "/endings"));
        assert!(!within("/endings-old", "/endings"));
        assert!(!within("/", "/sessions"));
    }
}
