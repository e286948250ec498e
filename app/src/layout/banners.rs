//! Trouble that every page tells of.

use leptos::prelude::*;

use super::frame::FrameContext;
use crate::ui::Note;

/// The frame's banners, above the page.
#[component]
pub fn Banners(
    /// The frame.
    context: FrameContext,
) -> impl IntoView {
    // Behind the same wait as the bar, so that the first HTML has them.
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let first = context.first.await.ok().flatten();
                let first = StoredValue::new(first.map(|f| f.banners).unwrap_or_default());
                let banners = Memo::new(move |_| {
                    context
                        .live
                        .with(|f| f.as_ref().map(|f| f.banners.clone()))
                        .unwrap_or_else(|| first.get_value())
                });
                view! {
                    <div class="banners">
                        {move || {
                            banners
                                .get()
                                .into_iter()
                                .map(|banner| {
                                    view! {
                                        <Note tone=Some(banner.tone) fact=banner.fact>
                                            {banner.means}
                                            {banner
                                                .link
                                                .map(|(words, path)| {
                                                    view! {
                                                        " "
                                                        <a href=path>{words}</a>
                                                    }
                                                })}
                                        </Note>
                                    }
                                })
                                .collect_view()
                        }}
                    </div>
                }
            })}
        </Suspense>
    }
    .into_any()
}
