//! Curfew's pages. Runs on the server (`ssr`) and in the browser (`hydrate`); holds no database, no HTTP client.
//!
//! Each feature is a folder: `wire.rs` (types), `port.rs` (what its pages ask of the server), `calls.rs` (the server
//! functions of pages that are already open), then its pages. `ui` holds the parts, `layout` what stands around.

// A page is one deep type; the default of 128 is not enough for the compiler to lay it out.
#![recursion_limit = "512"]

#[cfg(feature = "ssr")]
pub mod backend;
pub mod civil;
pub mod error;
pub mod form;
pub mod json;
pub mod layout;
pub mod paths;
pub mod ui;
pub mod wire;

pub mod access;
pub mod audit;
pub mod endings;
pub mod policies;
pub mod sessions;
pub mod signin;
pub mod systems;

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Redirect, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use layout::echo::EchoContext;
use layout::flash::FlashContext;
use layout::{Flash, FormEcho, Framed, NotFoundPage};

/// The document around the app. `options` must say output name `curfew` and package folder `pkg`.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let layout::SiteVersion(version) = use_context().unwrap_or_default();
    let shown_at = use_context::<layout::ShownAt>().map(|at| at.0);
    let pkg = format!("/{}", options.site_pkg_dir);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                {shown_at.map(|at| view! { <meta name="shown-at" content=at /> })}
                <link rel="preload" href=format!("{pkg}/geist-latin.woff2") r#as="font" crossorigin="anonymous" />
                <link rel="stylesheet" href=format!("{pkg}/curfew.css?v={version}") />
                <link rel="icon" type="image/svg+xml" href=format!("{pkg}/mark.svg") />
                <HydrationScripts options=options />
                <leptos_meta::MetaTags />
            </head>
            <body>
                <App />
                <ui::icon::Sprite />
            </body>
        </html>
    }
}

/// The whole portal: what every page shares, and which page stands at which address.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(ui::Clock::default());
    // What the server said about this one request travels inside the page.
    let echo = SharedValue::new(use_context::<FormEcho>).into_inner();
    let flash = SharedValue::new(use_context::<Flash>).into_inner();
    provide_context(EchoContext(RwSignal::new(echo)));
    provide_context(FlashContext(RwSignal::new(flash)));
    signin::pages::provide_view();
    access::page::provide_fresh_link();
    mark_hydrated();

    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Curfew".to_owned() } else { format!("{title} · Curfew") }
        } />
        <Router>
            <Framed>
                <Routes fallback=NotFoundPage>
                    <Route path=path!("/") view=|| view! { <Redirect path=paths::SESSIONS /> } ssr=SsrMode::Async />
                    <Route path=path!("/sign-in") view=signin::pages::SignInPage ssr=SsrMode::Async />
                    <Route path=path!("/welcome") view=signin::pages::WelcomePage ssr=SsrMode::Async />
                    <Route path=path!("/step-up") view=signin::pages::StepUpPage ssr=SsrMode::Async />
                    <Route path=path!("/account") view=signin::account::AccountPage ssr=SsrMode::Async />
                    <Route path=path!("/sessions") view=sessions::page::SessionsPage ssr=SsrMode::Async />
                    <Route path=path!("/endings") view=endings::list::EndingsPage ssr=SsrMode::Async />
                    <Route path=path!("/endings/preview/:id") view=endings::preview::PreviewPage ssr=SsrMode::Async />
                    <Route path=path!("/endings/:no") view=endings::progress::EndingPage ssr=SsrMode::Async />
                    <Route path=path!("/systems") view=systems::page::SystemsPage ssr=SsrMode::Async />
                    <Route path=path!("/policies") view=policies::page::PoliciesPage ssr=SsrMode::Async />
                    <Route path=path!("/access") view=access::page::AccessPage ssr=SsrMode::Async />
                    <Route path=path!("/audit") view=audit::page::AuditPage ssr=SsrMode::Async />
                </Routes>
            </Framed>
        </Router>
    }
    .into_any()
}

/// Puts the address of the page that the server drew in the place of the form's address it answered.
///
/// Called before the app takes over: the router goes by the address.
#[cfg(feature = "hydrate")]
pub fn settle_address() {
    let shown = document()
        .query_selector("meta[name=shown-at]")
        .ok()
        .flatten()
        .and_then(|meta| meta.get_attribute("content"));
    let here = window().location();
    let (path, query) = (
        here.pathname().unwrap_or_default(),
        here.search().unwrap_or_default(),
    );
    if let (Some(shown), Ok(history)) = (shown, window().history())
        && shown != format!("{path}{query}")
    {
        // Fails only for an address of another site, and the server gives own paths.
        let _ = history.replace_state_with_url(&leptos::wasm_bindgen::JsValue::NULL, "", Some(&shown));
    }
}

/// Sets `data-hydrated` on the body once script works: tests wait for it, and styles may show what needs script.
fn mark_hydrated() {
    Effect::new(|_| {
        #[cfg(feature = "hydrate")]
        if let Some(body) = document().body() {
            // Fails only for a name that is no attribute name.
            let _ = body.set_attribute("data-hydrated", "");
        }
    });
}
