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
    let banners = context
        .read(|frame| frame.banners.clone())
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
        .collect_view();
    view! {
        <div id="banners" class="banners">
            {banners}
        </div>
    }
    .into_any()
}
