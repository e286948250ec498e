//! The frame: who is signed in and what they may, fetched once and then kept fresh in the background.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Html;
use leptos_router::hooks::{use_location, use_query_map};

use super::account_menu::initials;
use super::banners::Banners;
use super::bar::{Bar, PlainBar};
use super::echo::EchoContext;
use super::flash::{FlashContext, FlashNote};
use super::timeout::TimeoutWarning;
use crate::access::wire::Permission;
use crate::error::AppError;
use crate::paths;
use crate::signin::calls;
use crate::signin::wire::{Frame, Theme};
use crate::ui::{Announcer, Clock, LiveRegion};

/// How often a page that stays open asks again what runs and who is signed in. Never counts as activity.
const REFRESH: Duration = Duration::from_secs(30);

/// What pages know of the signed-in person.
#[derive(Clone, Copy)]
pub struct FrameContext {
    /// The first answer; `Ok(None)` on pages that need nobody.
    pub first: Resource<Result<Option<Frame>, AppError>>,
    /// The newest answer, once there is one.
    pub live: RwSignal<Option<Frame>>,
}

impl FrameContext {
    /// The layout's frame.
    pub fn here() -> Self {
        expect_context::<Self>()
    }

    /// Whether the person holds this permission anywhere. The server decides again on every act.
    pub fn may(self, permission: Permission) -> bool {
        self.live.with(|frame| {
            frame
                .as_ref()
                .is_some_and(|f| f.permissions.contains(&permission))
        })
    }

    /// Initials of the signed-in person.
    pub fn initials(self) -> String {
        self.live.with(|frame| {
            frame
                .as_ref()
                .map(|f| initials(&f.display_name))
                .unwrap_or_default()
        })
    }

    /// Takes over a newer answer.
    pub fn learn(self, frame: Frame) {
        let clock = Clock::here();
        clock.prefer(frame.times, frame.zone_offset_min, &frame.zone_name);
        clock.set(frame.now);
        self.live.set(Some(frame));
    }
}

/// This page's own address with its query, for forms that lead back here.
pub fn here() -> Memo<String> {
    let location = use_location();
    let query = use_query_map();
    Memo::new(move |_| {
        let query = query.with(|map| map.to_query_string());
        format!("{}{query}", location.pathname.get())
    })
}

/// Pages without a bar: they work for who is not signed in.
fn is_bare(path: &str) -> bool {
    [paths::SIGN_IN, paths::WELCOME, paths::STEP_UP].contains(&path)
}

/// Bar, banners and live region around the routes.
#[component]
pub fn Framed(
    /// The routes.
    children: Children,
) -> impl IntoView {
    let location = use_location();
    let path = location.pathname;
    let bare = Memo::new(move |_| is_bare(&path.get()));
    let context = FrameContext {
        first: Resource::new(
            move || bare.get(),
            |bare| async move {
                if bare {
                    Ok(None)
                } else {
                    calls::fetch_frame().await.map(Some)
                }
            },
        ),
        live: RwSignal::new(None),
    };
    let announcer = Announcer(RwSignal::new(String::new()));
    provide_context(context);
    provide_context(announcer);
    Clock::here().run();
    keep_fresh(context, bare);
    greet_new_pages(path);

    view! {
        <a class="skip" href="#main">
            "Skip to the content"
        </a>
        {move || {
            (!bare.get())
                .then(|| {
                    view! {
                        <Suspense fallback=PlainBar>
                            {move || Suspend::new(async move {
                                match context.first.await {
                                    Ok(Some(frame)) => {
                                        let theme = match frame.theme {
                                            Theme::System => None,
                                            chosen => Some(chosen.name()),
                                        };
                                        context.learn(frame);
                                        view! {
                                            <Html {..} data-theme=theme />
                                            <Bar context=context />
                                            <TimeoutWarning context=context />
                                        }
                                            .into_any()
                                    }
                                    _ => view! { <PlainBar /> }.into_any(),
                                }
                            })}
                        </Suspense>
                    }
                })
        }}
        <main id="main" tabindex="-1" class=move || if bare.get() { "main main-bare" } else { "main" }>
            <Banners context=context />
            <FlashNote />
            {children()}
        </main>
        <LiveRegion announcer=announcer />
    }
    .into_any()
}

/// Asks again in the background while the page stays open.
fn keep_fresh(context: FrameContext, bare: Memo<bool>) {
    Effect::new(move |_| {
        let again = set_interval_with_handle(
            move || {
                if !bare.get_untracked() {
                    leptos::task::spawn_local(async move {
                        match calls::fetch_frame_again().await {
                            Ok(frame) => context.learn(frame),
                            Err(AppError::SignedOut) => context.live.update(|frame| {
                                // The warning dialog turns to "signed out"; what was typed stays on the page.
                                if let Some(frame) = frame {
                                    frame.idle_ends_at = frame.now;
                                }
                            }),
                            // Not answering for a moment: the next round asks again.
                            Err(_) => {}
                        }
                    });
                }
            },
            REFRESH,
        );
        if let Ok(again) = again {
            on_cleanup(move || again.clear());
        }
    });
}

/// After a change of page in the browser: the keyboard starts at the content, and old sentences are gone.
fn greet_new_pages(path: Memo<String>) {
    let echo = use_context::<EchoContext>();
    let flash = use_context::<FlashContext>();
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            if let Some(EchoContext(echo)) = echo {
                echo.set(None);
            }
            if let Some(FlashContext(flash)) = flash {
                flash.set(None);
            }
            #[cfg(feature = "hydrate")]
            {
                use leptos::wasm_bindgen::JsCast;
                let main = document().get_element_by_id("main");
                if let Some(main) = main.and_then(|e| e.dyn_into::<leptos::web_sys::HtmlElement>().ok()) {
                    // Fails only without a focusable element, and main is one.
                    let _ = main.focus();
                }
            }
        }
        now
    });
}
