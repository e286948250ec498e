//! Trouble that every page tells of.

use leptos::prelude::*;

use super::frame::{FrameContext, here};
use crate::paths;
use crate::signin::wire::AccountNotice;
use crate::ui::{Button, Note, TimeAgo, Tone};

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
    let notices = context
        .read(|frame| frame.notices.clone())
        .into_iter()
        .map(|notice| view! { <AccountNews notice=notice /> })
        .collect_view();
    view! {
        <div id="banners" class="banners">
            {banners}
            {notices}
        </div>
    }
    .into_any()
}

/// What happened to the person's own account, until they say that they know.
#[component]
fn AccountNews(
    /// The notice.
    notice: AccountNotice,
) -> impl IntoView {
    view! {
        <Note tone=Some(Tone::Warn) fact=notice.words>
            <TimeAgo at=notice.at />
            ". Not you? Change your password and end your other sign-ins on "
            <a href=paths::ACCOUNT>"your account page"</a>
            ", and tell whoever manages access. "
            <form class="note-act" method="post" action=paths::post::ACCOUNT>
                <input type="hidden" name="act" value="known" />
                <input type="hidden" name="notice" value=notice.notice_id.0 />
                <input type="hidden" name="next" value=here() />
                <Button small=true>"I know of this"</Button>
            </form>
        </Note>
    }
    .into_any()
}
