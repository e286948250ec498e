//! How a page waits for its data and what it shows when there is none.

use leptos::prelude::*;
use leptos_meta::Title;

use super::error_page::ErrorPage;
use super::frame::FrameContext;
use crate::error::AppError;

/// A page's data, then its view; the error page when it can't be had. Keeps the old view while newer data is on its
/// way, and the frame is known before `show` runs.
pub fn loaded<T, F>(data: Resource<Result<T, AppError>>, show: F) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    F: Fn(T) -> AnyView + Clone + Send + Sync + 'static,
{
    let context = FrameContext::here();
    view! {
        <Transition fallback=Skeleton>
            {move || {
                let show = show.clone();
                Suspend::new(async move {
                    if let Ok(Some(frame)) = context.first.await
                        && context.live.with_untracked(Option::is_none)
                    {
                        context.learn(frame);
                    }
                    match data.await {
                        Ok(data) => show(data),
                        Err(error) => view! { <ErrorPage error=error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

/// The shape of a page while it loads; shows only after 300 ms.
#[component]
fn Skeleton() -> impl IntoView {
    view! {
        <div class="skeleton" aria-hidden="true">
            {(0..6).map(|_| view! { <div class="skeleton-row"></div> }).collect_view()}
        </div>
    }
    .into_any()
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
