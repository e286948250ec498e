//! The menus at the end of the bar: theme, and the account with signing out. Plain `details` and forms.

use leptos::prelude::*;

use super::frame::{FrameContext, here};
use crate::paths;
use crate::signin::wire::Theme;
use crate::ui::{Glyph, Icon};

/// "MO" of "Mara Ortiz": the first letters of the first and the last word.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    let last = words.next_back();
    first
        .into_iter()
        .chain(last)
        .flat_map(char::to_uppercase)
        .collect()
}

/// Light, dark, or as the device says; kept per person by the server.
#[component]
pub fn ThemeMenu(
    /// The frame.
    context: FrameContext,
) -> impl IntoView {
    let next = here();
    let current = context.read(|frame| frame.theme);
    view! {
        <details class="menu" name="bar-menu">
            <summary class="icon-btn" aria-label="Theme">
                <Glyph icon=Icon::Theme />
            </summary>
            <form class="menu-list" method="post" action=paths::post::ACCOUNT>
                <input type="hidden" name="act" value="theme" />
                <input type="hidden" name="next" value=next />
                {[(Theme::System, "As the device says"), (Theme::Light, "Light"), (Theme::Dark, "Dark")]
                    .map(|(theme, words)| {
                        view! {
                            <button
                                class="menu-item"
                                name="theme"
                                value=theme.name()
                                aria-pressed=if current == theme { "true" } else { "false" }
                            >
                                <span class="menu-tick">
                                    {(current == theme).then(|| view! { <Glyph icon=Icon::Check /> })}
                                </span>
                                <span>{words}</span>
                            </button>
                        }
                    })
                    .collect_view()}
            </form>
        </details>
    }
    .into_any()
}

/// Who is signed in, the way to the account page, and out.
#[component]
pub fn AccountMenu(
    /// The frame.
    context: FrameContext,
) -> impl IntoView {
    let name = context.read(|frame| frame.display_name.clone());
    let login = context.read(|frame| frame.login.clone());
    let hidden = context.read(|frame| frame.screen_share);
    view! {
        <details class="menu" name="bar-menu">
            <summary class="avatar">
                {context.initials()}
                <span class="unseen">{format!(", account of {name}")}</span>
            </summary>
            <div class="menu-list">
                <p class="menu-who">
                    <bdi class="strong">{name}</bdi>
                    <bdi class="second">{login}</bdi>
                </p>
                <a class="menu-item" href=paths::ACCOUNT>
                    "Your account and sign-ins"
                </a>
                <form method="post" action=paths::post::ACCOUNT>
                    <input type="hidden" name="act" value="screen-share" />
                    <input type="hidden" name="next" value=here() />
                    <button
                        class="menu-item"
                        name="on"
                        value=if hidden { "0" } else { "1" }
                        aria-pressed=if hidden { "true" } else { "false" }
                    >
                        <span class="menu-words">
                            <span>"Hide network data"</span>
                            <span class="second">"For sharing your screen"</span>
                        </span>
                        <span class="menu-tick">{hidden.then(|| view! { <Glyph icon=Icon::Check /> })}</span>
                    </button>
                </form>
                // Keys act by script only: without it there is nothing to list.
                <button type="button" class="menu-item" data-keys-list="" hidden>
                    "Keys"
                </button>
                <form method="post" action=paths::SIGN_OUT>
                    <button class="menu-item">"Sign out"</button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_of_the_first_and_last_word() {
        for (name, short) in [
            ("Mara Ortiz", "MO"),
            ("Maximiliane Freifrau von Hohenlohe", "MH"),
            ("admin", "A"),
            ("", ""),
            ("林 美華", "林美"),
        ] {
            assert_eq!(initials(name), short);
        }
    }
}
