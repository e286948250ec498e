//! The document, and which page stands at which address.

use leptos::nonce::{Nonce, use_nonce};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Redirect, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::layout::{Framed, NotFoundPage};
use crate::{
    access, audit, containment, endings, go, layout, paths, people, policies, sessions, signals, signin,
    systems, tickets, ui,
};

/// The document around the app. `options` must say output name `curfew` and package folder `pkg`.
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
                <Script pkg=pkg version=version nonce=use_nonce() />
                <leptos_meta::MetaTags />
            </head>
            <body>
                <App />
                <ui::icon::Sprite />
            </body>
        </html>
    }
}

/// Starts the browser's part. Pages work before it, and without it.
#[component]
fn Script(
    /// Where the site's files are.
    pkg: String,
    /// Version of those files: with it in the address, browsers keep them for ever.
    version: String,
    /// What the page's content policy asks of its scripts.
    nonce: Option<Nonce>,
) -> impl IntoView {
    let script = format!("{pkg}/curfew.js?v={version}");
    let wasm = format!("{pkg}/curfew_bg.wasm?v={version}");
    let start = format!("import start from '{script}'; start({{ module_or_path: '{wasm}' }});");
    view! {
        <link rel="modulepreload" href=script crossorigin="anonymous" />
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
        <script type="module" nonce=nonce>
            {start}
        </script>
    }
    .into_any()
}

/// The whole portal: what every page shares, and which page stands at which address.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(ui::Clock::default());

    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Curfew".to_owned() } else { format!("{title} · Curfew") }
        } />
        <Router>
            <Framed>
                <Routes fallback=NotFoundPage>
                    <Route path=path!("/") view=|| view! { <Redirect path=paths::SESSIONS /> } ssr=SsrMode::Async />
                    <Route path=path!("/frame") view=layout::FrameAlone ssr=SsrMode::Async />
                    <Route path=path!("/sign-in") view=signin::pages::SignInPage ssr=SsrMode::Async />
                    <Route path=path!("/welcome") view=signin::pages::WelcomePage ssr=SsrMode::Async />
                    <Route path=path!("/step-up") view=signin::pages::StepUpPage ssr=SsrMode::Async />
                    <Route path=path!("/second-factor") view=signin::second_factor::SecondFactorPage ssr=SsrMode::Async />
                    <Route path=path!("/account") view=signin::account::AccountPage ssr=SsrMode::Async />
                    <Route path=path!("/sessions") view=sessions::page::SessionsPage ssr=SsrMode::Async />
                    <Route path=path!("/sessions/views") view=sessions::views::page::ViewsPage ssr=SsrMode::Async />
                    <Route path=path!("/people") view=people::list::PeoplePage ssr=SsrMode::Async />
                    <Route path=path!("/people/:id") view=people::person::SubjectPage ssr=SsrMode::Async />
                    <Route path=path!("/people/:id/report") view=containment::page::PersonReportPage ssr=SsrMode::Async />
                    <Route path=path!("/endings") view=endings::list::EndingsPage ssr=SsrMode::Async />
                    <Route path=path!("/endings/preview/:id") view=endings::preview::PreviewPage ssr=SsrMode::Async />
                    <Route path=path!("/endings/:no") view=endings::progress::EndingPage ssr=SsrMode::Async />
                    <Route path=path!("/endings/:no/report") view=containment::page::EndingReportPage ssr=SsrMode::Async />
                    <Route path=path!("/systems") view=systems::page::SystemsPage ssr=SsrMode::Async />
                    <Route path=path!("/policies") view=policies::page::PoliciesPage ssr=SsrMode::Async />
                    <Route path=path!("/access") view=access::page::AccessPage ssr=SsrMode::Async />
                    <Route path=path!("/access/people/:id") view=access::person::PersonPage ssr=SsrMode::Async />
                    <Route path=path!("/go") view=go::page::GoPage ssr=SsrMode::Async />
                    <Route path=path!("/tickets") view=tickets::page::TicketsPage ssr=SsrMode::Async />
                    <Route path=path!("/signals") view=signals::page::SignalsPage ssr=SsrMode::Async />
                    <Route path=path!("/audit") view=audit::page::AuditPage ssr=SsrMode::Async />
                </Routes>
            </Framed>
        </Router>
    }
    .into_any()
}
