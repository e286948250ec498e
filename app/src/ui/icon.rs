//! Icons: one inline sprite of 16-pixel symbols, stroke 1.5, in the colour of the text around them.

use leptos::prelude::*;

/// Names the symbols and says whether they are strokes or filled shapes.
macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident $id:literal $path:literal;)*) => {
        /// An icon of the sprite.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Icon { $($(#[$doc])* $name,)* }

        impl Icon {
            /// Id of its symbol.
            const fn href(self) -> &'static str {
                match self { $(Icon::$name => concat!("#i-", $id),)* }
            }
        }

        /// Id and content of each symbol.
        #[cfg(feature = "ssr")]
        const SYMBOLS: &[(&str, &str)] = &[$((concat!("i-", $id), $path),)*];
    };
}

// `f` before a path fills it, `h` cuts it out in the colour behind; the rest is stroked.
icons! {
    /// Searching.
    Search "search" "M7 2.75a4.25 4.25 0 1 1 0 8.5 4.25 4.25 0 0 1 0-8.5|M10.2 10.2l3.3 3.3";
    /// Taking off, closing.
    Close "close" "M4 4l8 8|M12 4l-8 8";
    /// One more.
    Plus "plus" "M8 3v10|M3 8h10";
    /// Yes.
    Check "check" "M3 8.5l3.2 3.2L13 4.8";
    /// More below.
    Chevron "chevron" "M4.5 6.5L8 10l3.5-3.5";
    /// Sorted smallest first.
    Up "up" "M8 13V3.5|M4.5 6.8L8 3.2l3.5 3.6";
    /// Sorted largest first.
    Down "down" "M8 3v9.5|M4.5 9.2L8 12.8l3.5-3.6";
    /// Going on.
    Right "right" "M3 8h9.5|M9.2 4.5L12.8 8l-3.6 3.5";
    /// More to do with this.
    More "more" "f M3 6.9a1.1 1.1 0 1 0 0 2.2 1.1 1.1 0 0 0 0-2.2|f M8 6.9a1.1 1.1 0 1 0 0 2.2 1.1 1.1 0 0 0 0-2.2|f M13 6.9a1.1 1.1 0 1 0 0 2.2 1.1 1.1 0 0 0 0-2.2";
    /// The menu of pages.
    Menu "menu" "M2.5 4h11|M2.5 8h11|M2.5 12h11";
    /// Filters.
    Filter "filter" "M2 4h12|M4.5 8h7|M6.5 12h3";
    /// Columns.
    Columns "columns" "M2.75 3.75a1 1 0 0 1 1-1h8.5a1 1 0 0 1 1 1v8.5a1 1 0 0 1-1 1h-8.5a1 1 0 0 1-1-1Z|M6.25 2.75v10.5|M9.75 2.75v10.5";
    /// Reading again.
    Again "again" "M13 6.5A5.3 5.3 0 0 0 3.6 5.2|M3.2 2.6v3h3|M3 9.5a5.3 5.3 0 0 0 9.4 1.3|M12.8 13.4v-3h-3";
    /// Taking out as a file.
    Export "export" "M8 2.5v7|M4.8 6.8L8 10l3.2-3.2|M2.75 13.25h10.5";
    /// Copying.
    Copy "copy" "M6 6.75a1 1 0 0 1 1-1h5.5a1 1 0 0 1 1 1v5.5a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1Z|M3.75 10.25h-.5a1 1 0 0 1-1-1v-5.5a1 1 0 0 1 1-1h5.5a1 1 0 0 1 1 1v.5";
    /// Protected, or not allowed.
    Lock "lock" "M3.75 8a1 1 0 0 1 1-1h6.5a1 1 0 0 1 1 1v4.25a1 1 0 0 1-1 1h-6.5a1 1 0 0 1-1-1Z|M5.5 7V5a2.5 2.5 0 0 1 5 0v2";
    /// Not shown here.
    Hidden "hidden" "M2 8s2.2-4 6-4 6 4 6 4-2.2 4-6 4-6-4-6-4Z|M3 13L13 3";
    /// A person, oneself.
    User "user" "M8 2.75a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5|M3 13.5a5 5 0 0 1 10 0";
    /// Curfew's own connection.
    Plug "plug" "M6 2.5v3|M10 2.5v3|M4.5 5.75h7v2a3.5 3.5 0 0 1-7 0Z|M8 11.25v2.25";
    /// Limits, a grant.
    Shield "shield" "M8 2.25l4.75 1.5v4c0 3-2 5-4.75 6-2.75-1-4.75-3-4.75-6v-4Z";
    /// A time that runs.
    Clock "clock" "M8 2.25a5.75 5.75 0 1 1 0 11.5 5.75 5.75 0 0 1 0-11.5|M8 5v3.2l2 1.6";
    /// Light or dark.
    Theme "theme" "M8 2.25a5.75 5.75 0 1 1 0 11.5 5.75 5.75 0 0 1 0-11.5|f M8 2.25a5.75 5.75 0 0 0 0 11.5Z";
    /// Standing still.
    Pause "pause" "M6 3.5v9|M10 3.5v9";
    /// Help.
    Help "help" "M8 2.25a5.75 5.75 0 1 1 0 11.5 5.75 5.75 0 0 1 0-11.5|M6.3 6.4a1.75 1.75 0 1 1 2.5 1.6c-.5.25-.8.6-.8 1.2|f M8 10.5a.8.8 0 1 0 0 1.6.8.8 0 0 0 0-1.6";
    /// How high rows are.
    Density "density" "M2.5 3.5h11|M2.5 6.5h11|M2.5 9.5h11|M2.5 12.5h11";
    /// Neutral remark.
    Info "info" "M8 2.25a5.75 5.75 0 1 1 0 11.5 5.75 5.75 0 0 1 0-11.5|M8 7.5v3.4|f M8 4.5a.85.85 0 1 0 0 1.7.85.85 0 0 0 0-1.7";
    /// Not sure, or soon.
    Warning "warning" "M8 2.6l6 10.65H2Z|M8 6.5v3.2|f M8 10.7a.8.8 0 1 0 0 1.6.8.8 0 0 0 0-1.6";
    /// Nothing there.
    Quiet "quiet" "M13.2 9.4A5.6 5.6 0 1 1 6.6 2.8a4.6 4.6 0 0 0 6.6 6.6Z";
    /// A system read within 3 rounds.
    Live "live" "f M8 3.75a4.25 4.25 0 1 0 0 8.5 4.25 4.25 0 0 0 0-8.5";
    /// A system not read for longer.
    Stale "stale" "f M8 3l5.5 10h-11Z";
    /// A system that refused or was away too long.
    Failed "failed" "f M8 2.75L13.25 8 8 13.25 2.75 8Z";
    /// A system that is not read.
    Off "off" "M8 4.25a3.75 3.75 0 1 1 0 7.5 3.75 3.75 0 0 1 0-7.5";
    /// Not yet sent.
    Waiting "waiting" "d M8 2.75a5.25 5.25 0 1 1 0 10.5 5.25 5.25 0 0 1 0-10.5";
    /// Sent, not read back.
    Asked "asked" "M8 2.75a5.25 5.25 0 1 1 0 10.5 5.25 5.25 0 0 1 0-10.5|f M8 2.75a5.25 5.25 0 0 0 0 10.5Z";
    /// Read back, not there.
    Ended "ended" "f M8 2a6 6 0 1 0 0 12 6 6 0 0 0 0-12|h M5.2 8.2l2 2 3.6-4";
    /// The same sign-in under a new id, ended too.
    Rotated "rotated" "M13 6.5A5.3 5.3 0 0 0 3.6 5.2|M3.2 2.6v3h3|M3 9.5a5.3 5.3 0 0 0 9.4 1.3|M12.8 13.4v-3h-3";
    /// Not there when we came.
    AlreadyGone "gone" "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11|M5.5 8h5";
    /// OK was said, still listed.
    StillThere "still" "f M8 1.9l6.6 11.7H1.4Z|h M8 6v3.4|h M8 11.4v.2";
    /// Refused.
    Refused "refused" "f M5.4 1.75h5.2l3.65 3.65v5.2l-3.65 3.65H5.4L1.75 10.6V5.4Z|h M5.8 5.8l4.4 4.4|h M10.2 5.8l-4.4 4.4";
    /// Can't be done there.
    NotPossible "cannot" "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11|M4.2 11.8l7.6-7.6";
    /// Nobody knows.
    Unknown "unknown" "M8 2.25a5.75 5.75 0 1 1 0 11.5 5.75 5.75 0 0 1 0-11.5|M6.3 6.4a1.75 1.75 0 1 1 2.5 1.6c-.5.25-.8.6-.8 1.2|f M8 10.6a.8.8 0 1 0 0 1.6.8.8 0 0 0 0-1.6";
    /// Stopped before it was asked.
    Stopped "stopped" "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11|f M6 6h4v4H6Z";
    /// Signed in again since.
    CameBack "back" "M6 3.5L2.75 6.75 6 10|M3 6.75h6.5a3.25 3.25 0 0 1 0 6.5H7";
}

/// An icon of the sprite. Says nothing: the words stand beside it.
#[component]
pub fn Glyph(
    /// Which.
    icon: Icon,
    /// 28 instead of 16.
    #[prop(optional)]
    large: bool,
) -> impl IntoView {
    view! {
        <svg class="icon" class:icon-large=large aria-hidden="true" viewBox="0 0 16 16">
            <use href=icon.href()></use>
        </svg>
    }
    .into_any()
}

/// The mark: a cover over the last light.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="logo" aria-hidden="true" viewBox="0 0 24 24">
            <path
                class="logo-dome"
                d="M12 2a9.6 9.6 0 0 1 9.42 11.4c-.1.5-.5.8-1 .8H3.58c-.5 0-.9-.3-1-.8A9.6 9.6 0 0 1 12 2Z"
            ></path>
            <path
                class="logo-ember"
                d="M4.3 16.6h15.4c.7 0 1 .7.6 1.2A10 10 0 0 1 12 22a10 10 0 0 1-8.3-4.2c-.4-.5-.1-1.2.6-1.2Z"
            ></path>
        </svg>
    }
    .into_any()
}

/// All symbols, once per page, behind the app: the server's part of the page only.
#[cfg(feature = "ssr")]
#[component]
pub fn Sprite() -> impl IntoView {
    let symbols = SYMBOLS
        .iter()
        .map(|(id, paths)| {
            let paths = paths
                .split('|')
                .map(|path| {
                    let (class, d) = match path.split_at(2) {
                        ("f ", d) => (Some("i-fill"), d),
                        ("h ", d) => (Some("i-cut"), d),
                        ("d ", d) => (Some("i-dots"), d),
                        _ => (None, path),
                    };
                    view! { <path class=class d=d></path> }
                })
                .collect_view();
            view! {
                <symbol id=*id viewBox="0 0 16 16">
                    {paths}
                </symbol>
            }
        })
        .collect_view();
    view! {
        <svg class="sprite" aria-hidden="true" focusable="false" width="0" height="0">
            {symbols}
        </svg>
    }
    .into_any()
}
