//! The keys that act: one table for the list of them, the links they follow and what script does.

#[cfg(feature = "ssr")]
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::frame::{FrameContext, here};
#[cfg(feature = "ssr")]
use crate::paths;
#[cfg(feature = "ssr")]
use crate::ui::{Button, Dialog};

/// Id of the dialog that lists them.
pub const KEYS: &str = "keys";

/// Keys of one page or of all, with what they do. Letters act alone and can be switched off.
#[cfg(feature = "ssr")]
const LIST: [(&[&str], &str); 10] = [
    (&["/"], "Search"),
    (&["f"], "Filters"),
    (&["j"], "Next row"),
    (&["k"], "Row before"),
    (&["x"], "Select the row, or not"),
    (&["Shift", "x"], "Select up to here"),
    (&["e"], "Open the preview"),
    (&["Ctrl", "K"], "Go to…"),
    (&["?"], "This list"),
    (&["Esc"], "Close"),
];

/// The second key of `g` and what page it opens, by its address.
pub const PAGES: [(&str, &str, &str); 7] = [
    ("s", "/sessions", "Sessions"),
    ("u", "/people", "People"),
    ("e", "/endings", "Endings"),
    ("y", "/systems", "Systems"),
    ("p", "/policies", "Policies"),
    ("c", "/access", "Access"),
    ("a", "/audit", "Audit"),
];

/// The list, as a dialog that waits for script, and the switch.
#[cfg(feature = "ssr")]
#[component]
pub fn KeysDialog(
    /// The frame.
    context: FrameContext,
) -> impl IntoView {
    let on = context.read(|frame| frame.single_keys);
    let line = |keys: Vec<&'static str>, words: &'static str| {
        let keys = keys
            .into_iter()
            .map(|key| view! { <kbd>{key}</kbd> })
            .collect_view();
        view! {
            <div class="key-line">
                <dt>{words}</dt>
                <dd>{keys}</dd>
            </div>
        }
    };
    let here_keys = LIST
        .map(|(keys, words)| line(keys.to_vec(), words))
        .collect_view();
    let pages = PAGES
        .map(|(key, _, words)| line(vec!["g", key], words))
        .collect_view();
    view! {
        <Dialog id=KEYS title="Keys" closable=true>
            <dl class="key-list dialog-words">{here_keys} {pages}</dl>
            <form class="dialog-foot" method="post" action=paths::post::ACCOUNT>
                <input type="hidden" name="act" value="keys" />
                <input type="hidden" name="next" value=here() />
                <span class="quiet">
                    {if on { "Single keys are on. They never act while you type." } else { "Single keys are off." }}
                </span>
                <Button small=true name="on" value=if on { "0" } else { "1" }>
                    {if on { "Switch off" } else { "Switch on" }}
                </Button>
            </form>
        </Dialog>
    }
    .into_any()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn ui_g2_every_key_means_one_thing() {
        let mut second: Vec<&str> = PAGES.iter().map(|(key, ..)| *key).collect();
        second.sort_unstable();
        second.dedup();
        assert_eq!(second.len(), PAGES.len());
        let known = [
            paths::SESSIONS,
            paths::PEOPLE,
            paths::ENDINGS,
            paths::SYSTEMS,
            paths::POLICIES,
            paths::ACCESS,
            paths::AUDIT,
        ];
        assert_eq!(PAGES.map(|(_, path, _)| path), known);
    }
}
