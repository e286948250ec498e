//! The frame: who is signed in and what they may, from the server, once per page.

use leptos::prelude::*;
use leptos_meta::Html;
use leptos_router::hooks::{use_location, use_query_map};

use super::account_menu::initials;
use super::banners::Banners;
use super::bar::{Bar, PlainBar};
use super::error_page::ErrorPage;
use super::flash::FlashNote;
use super::keys::KeysDialog;
use super::timeout::TimeoutWarning;
use crate::access::wire::Permission;
use crate::error::AppError;
use crate::go::page::GoDialog;
use crate::paths;
use crate::signin::wire::{Density, Frame, Theme};
use crate::ui::Clock;
use crate::ui::time::ClockMark;

/// What pages know of the signed-in person: nothing on pages that need nobody.
#[derive(Clone, Copy)]
pub struct FrameContext(StoredValue<Option<Frame>>);

impl FrameContext {
    /// The layout's frame.
    pub fn here() -> Self {
        expect_context::<Self>()
    }

    /// Something of the frame; its default where nobody is signed in.
    pub fn read<T: Default>(self, what: impl FnOnce(&Frame) -> T) -> T {
        self.0
            .with_value(|frame| frame.as_ref().map(what).unwrap_or_default())
    }

    /// Whether the person holds this permission anywhere. The server decides again on every act.
    pub fn may(self, permission: Permission) -> bool {
        self.read(|frame| frame.permissions.contains(&permission))
    }

    /// Initials of the signed-in person.
    pub fn initials(self) -> String {
        self.read(|frame| initials(&frame.display_name))
    }
}

/// This page's own address with its query, for forms that lead back here.
pub fn here() -> String {
    let query = use_query_map().with_untracked(|map| map.to_query_string());
    format!("{}{query}", use_location().pathname.get_untracked())
}

/// Pages without a bar: they work for who is not signed in.
fn is_bare(path: &str) -> bool {
    [
        paths::SIGN_IN,
        paths::WELCOME,
        paths::STEP_UP,
        paths::SECOND_FACTOR,
    ]
    .contains(&path)
}

/// What the server said to "who is signed in": put into the context for every page that needs somebody.
#[derive(Clone)]
pub struct FrameAnswer(pub Result<Frame, AppError>);

/// Bar and banners around the routes.
#[component]
pub fn Framed(
    /// The routes.
    children: Children,
) -> impl IntoView {
    let bare = is_bare(&use_location().pathname.get_untracked());
    let (frame, trouble) = match use_context::<FrameAnswer>() {
        Some(FrameAnswer(Ok(frame))) => (Some(frame), None),
        Some(FrameAnswer(Err(error))) => (None, Some(error)),
        None => (None, None),
    };
    if let Some(frame) = &frame {
        Clock::here().begin(frame.now, frame.times, frame.zone_offset_min, &frame.zone_name);
    }
    let signed_in = frame.is_some();
    let context = FrameContext(StoredValue::new(frame));
    provide_context(context);
    let theme = match context.read(|frame| frame.theme) {
        Theme::System => None,
        chosen => Some(chosen.name()),
    };
    let density = match context.read(|frame| frame.density) {
        Density::Comfortable => None,
        chosen => Some(chosen.name()),
    };
    let keys = context.read(|frame| frame.single_keys).then_some("on");
    let page = match trouble {
        Some(error) => view! { <ErrorPage error=error /> }.into_any(),
        None => children(),
    };
    view! {
        <Html {..} data-theme=theme data-density=density data-keys=keys />
        <a class="skip" href="#main">
            "Skip to the content"
        </a>
        {(!bare && !signed_in).then(|| view! { <PlainBar /> })}
        {signed_in
            .then(|| {
                view! {
                    <Bar context=context />
                    <TimeoutWarning context=context />
                    <KeysDialog context=context />
                    <GoDialog />
                }
            })}
        <main id="main" tabindex="-1" class=if bare { "main main-bare" } else { "main" }>
            <Banners context=context />
            <ClockMark />
            <FlashNote />
            {page}
        </main>
        // Speaks what script puts into it.
        <div id="said" class="unseen" role="status" aria-live="polite"></div>
    }
    .into_any()
}

/// The page that is nothing but its frame: what an open page asks again, to know what runs and who is signed in.
#[component]
pub fn FrameAlone() -> impl IntoView {}
