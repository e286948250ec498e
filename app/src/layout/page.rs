//! How a page comes to its data and what it shows when there is none.

use leptos::prelude::*;
use leptos_meta::Title;

use super::error_page::ErrorPage;
use crate::backend::{Backend, ask};
use crate::error::AppError;

/// A page: its data, asked for in the caller's name, then its view; the error page when it can't be had.
pub fn loaded<T, A>(
    question: impl FnOnce(Backend) -> A + Send + 'static,
    show: impl FnOnce(T) -> AnyView + Send + 'static,
) -> impl IntoView
where
    T: 'static,
    A: Future<Output = Result<T, AppError>> + Send + 'static,
{
    // Asked here, while the request's context is at hand; awaited there.
    let data = ask(question);
    let page = Suspend::new(async move {
        match data.await {
            Ok(data) => show(data),
            Err(error) => view! { <ErrorPage error=error /> }.into_any(),
        }
    });
    view! { <Suspense>{page}</Suspense> }
}

/// Title of a page, beside it one quiet line, at the end its tools.
#[component]
pub fn PageHead(
    /// The heading, also the window's title.
    #[prop(into)]
    title: String,
    /// A quiet line beside it.
    #[prop(optional, into)]
    aside: ViewFn,
    /// Tools at the end.
    #[prop(optional, into)]
    tools: ViewFn,
) -> impl IntoView {
    view! {
        <Title text=title.clone() />
        <div class="page-head">
            <h1>{title}</h1>
            <div class="page-aside">{aside.run()}</div>
            <div class="page-tools">{tools.run()}</div>
        </div>
    }
    .into_any()
}

/// Where a page stands: a link to what is above it, then its own name.
#[component]
pub fn Crumbs(
    /// What is above.
    first: &'static str,
    /// Its address.
    #[prop(into)]
    href: String,
    /// This page.
    #[prop(into)]
    second: String,
) -> impl IntoView {
    view! {
        <nav aria-label="Where you are">
            <ol class="crumbs" role="list">
                <li>
                    <a href=href>{first}</a>
                </li>
                <li aria-current="page">{second}</li>
            </ol>
        </nav>
    }
    .into_any()
}
