//! The warning before one's own sign-in ends: at least two minutes ahead, with a way to stay.

use leptos::prelude::*;

use super::frame::{FrameContext, here};
use crate::paths;
use crate::signin::calls;
use crate::ui::{Button, ButtonKind, Clock, Dialog, LinkButton};
use crate::wire::Timestamp;

/// How long before the end it is said, ms. More than the two minutes promised: pages ask again each half minute only.
const AHEAD_MS: i64 = 150_000;

/// What stands before the person now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ahead {
    /// Enough time.
    Nothing,
    /// Idleness ends it soon, in this many whole minutes; can be put off.
    Idle(i64),
    /// It ends at latest soon, in this many whole minutes; can't be put off.
    Latest(i64),
    /// Over.
    Over,
}

/// Which warning is due at `now`.
fn ahead(now: Timestamp, idle_ends_at: Timestamp, absolute_ends_at: Timestamp) -> Ahead {
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

/// The warning, as a dialog.
#[component]
pub fn TimeoutWarning(
    /// The frame.
    context: FrameContext,
) -> impl IntoView {
    let clock = Clock::here();
    let next = here();
    let due = Memo::new(move |_| {
        context.live.with(|frame| {
            frame.as_ref().map_or(Ahead::Nothing, |f| {
                ahead(clock.now(), f.idle_ends_at, f.absolute_ends_at)
            })
        })
    });
    let open = RwSignal::new(false);
    Effect::new(move |before: Option<std::mem::Discriminant<Ahead>>| {
        let now = std::mem::discriminant(&due.get());
        if before != Some(now) {
            open.set(due.get_untracked() != Ahead::Nothing);
        }
        now
    });
    let title = move || match due.get() {
        Ahead::Nothing => String::new(),
        Ahead::Idle(minutes) | Ahead::Latest(minutes) => format!("You will be signed out in {minutes} min"),
        Ahead::Over => "You are signed out".to_owned(),
    };
    let stay = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        leptos::task::spawn_local(async move {
            if let Ok(idle_ends_at) = calls::extend().await {
                context.live.update(|frame| {
                    if let Some(frame) = frame {
                        frame.idle_ends_at = idle_ends_at;
                    }
                });
                open.set(false);
            }
        });
    };
    view! {
        <Dialog id="timeout" title=title open=open alert=true>
            <p class="dialog-words">
                {move || match due.get() {
                    Ahead::Latest(_) => "This is the longest time a sign-in may last. Finish what you are doing.",
                    Ahead::Over => "A form you send now is kept and shown again after you sign in.",
                    _ => "What you typed here is kept.",
                }}
            </p>
            <form class="dialog-foot" method="post" action=paths::post::ACCOUNT on:submit=stay>
                <input type="hidden" name="act" value="extend" />
                <input type="hidden" name="next" value=move || next.get() />
                {move || match due.get() {
                    Ahead::Idle(_) => {
                        view! { <Button kind=ButtonKind::Primary>"Stay signed in"</Button> }.into_any()
                    }
                    Ahead::Over => {
                        view! {
                            <LinkButton href=paths::sign_in_for(&next.get()) kind=ButtonKind::Primary outside=true>
                                "Sign in"
                            </LinkButton>
                        }
                            .into_any()
                    }
                    _ => ().into_any(),
                }}
                <button class="btn" type="button" on:click=move |_| open.set(false)>
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
