//! The warning before one's own sign-in ends: at least two minutes ahead, with a way to stay.

#[cfg(feature = "ssr")]
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::frame::{FrameContext, here};
#[cfg(feature = "ssr")]
use crate::paths;
#[cfg(feature = "ssr")]
use crate::ui::{Button, ButtonKind, Dialog, LinkButton};
use crate::wire::Timestamp;

/// Id of the dialog.
pub const TIMEOUT: &str = "timeout";

/// How long before the end it is said, ms. More than the two minutes promised: pages ask again each half minute only.
const AHEAD_MS: i64 = 150_000;

/// What stands before the person now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// Enough time.
    Nothing,
    /// Idleness ends it soon, in this many whole minutes; can be put off.
    Idle(i64),
    /// It ends at latest soon, in this many whole minutes; can't be put off.
    Latest(i64),
    /// Over.
    Over,
}

impl Ahead {
    /// Which part of the dialog is shown: `data-when` of its parts.
    pub const fn name(self) -> &'static str {
        match self {
            Ahead::Nothing => "",
            Ahead::Idle(_) => "idle",
            Ahead::Latest(_) => "latest",
            Ahead::Over => "over",
        }
    }

    /// The dialog's title.
    pub fn title(self) -> String {
        match self {
            Ahead::Nothing => String::new(),
            Ahead::Idle(minutes) | Ahead::Latest(minutes) => {
                format!("You will be signed out in {minutes} min")
            }
            Ahead::Over => "You are signed out".to_owned(),
        }
    }
}

/// Which warning is due at `now`.
pub fn ahead(now: Timestamp, idle_ends_at: Timestamp, absolute_ends_at: Timestamp) -> Ahead {
    let idle = idle_ends_at.since(now);
    let latest = absolute_ends_at.since(now);
    let minutes = |ms: i64| ((ms + 30_000) / 60_000).max(1);
    if idle.min(latest) <= 0 {
        Ahead::Over
    } else if latest <= AHEAD_MS {
        Ahead::Latest(minutes(latest))
    } else if idle <= AHEAD_MS {
        Ahead::Idle(minutes(idle))
    } else {
        Ahead::Nothing
    }
}

/// The warning, as a dialog that waits: script opens it when it is time, and shows the part that fits.
#[cfg(feature = "ssr")]
#[component]
pub fn TimeoutWarning(
    /// The frame.
    context: FrameContext,
) -> impl IntoView {
    let next = here();
    let idle_ends = context.read(|frame| frame.idle_ends_at.0);
    let ends = context.read(|frame| frame.absolute_ends_at.0);
    view! {
        <Dialog id=TIMEOUT title="" alert=true>
            // What an open page asks again and again; the dialog itself is script's.
            <span id="sign-in-ends" hidden data-idle=idle_ends data-latest=ends></span>
            <p class="dialog-words" data-when="latest">
                "This is the longest time a sign-in may last. Finish what you are doing."
            </p>
            <p class="dialog-words" data-when="over">
                "A form you send now is kept and shown again after you sign in."
            </p>
            <p class="dialog-words" data-when="idle">
                "What you typed here is kept."
            </p>
            <form class="dialog-foot" method="post" action=paths::post::ACCOUNT>
                <input type="hidden" name="act" value="extend" />
                <input type="hidden" name="next" value=next.clone() />
                <span data-when="idle">
                    <Button kind=ButtonKind::Primary>"Stay signed in"</Button>
                </span>
                <span data-when="over">
                    <LinkButton href=paths::sign_in_for(&next) kind=ButtonKind::Primary outside=true>
                        "Sign in"
                    </LinkButton>
                </span>
                <button class="btn" type="button" data-close="">
                    "Close"
                </button>
            </form>
        </Dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ui_h7_the_end_is_announced_at_least_two_minutes_before() {
        let now = Timestamp(1_000_000);
        let far = now.plus_seconds(36_000);
        assert_eq!(ahead(now, now.plus_seconds(900), far), Ahead::Nothing);
        assert_eq!(ahead(now, now.plus_seconds(151), far), Ahead::Nothing);
        assert_eq!(ahead(now, now.plus_seconds(149), far), Ahead::Idle(2));
        assert_eq!(ahead(now, now.plus_seconds(20), far), Ahead::Idle(1));
        assert_eq!(ahead(now, now, far), Ahead::Over);
        assert_eq!(
            ahead(now, now.plus_seconds(100), now.plus_seconds(120)),
            Ahead::Latest(2)
        );
    }
}
