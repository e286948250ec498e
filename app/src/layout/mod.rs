//! What stands around every page: the bar, banners, the warning before the own session ends, error pages.
//!
//! The server puts small facts of a request into the context: [`SiteVersion`], [`ShownAt`], [`FormEcho`], [`Flash`].

#[cfg(feature = "ssr")]
pub mod account_menu;
#[cfg(feature = "ssr")]
pub mod banners;
#[cfg(feature = "ssr")]
pub mod bar;
pub mod echo;
#[cfg(feature = "ssr")]
pub mod error_page;
pub mod flash;
#[cfg(feature = "ssr")]
pub mod frame;
pub mod keys;
#[cfg(feature = "ssr")]
pub mod page;
pub mod timeout;

#[cfg(feature = "ssr")]
pub use echo::Echo;
pub use echo::FormEcho;
#[cfg(feature = "ssr")]
pub use error_page::{ErrorPage, NotFoundPage};
pub use flash::Flash;
#[cfg(feature = "ssr")]
pub use frame::{FrameAlone, FrameAnswer, FrameContext, Framed, here};
#[cfg(feature = "ssr")]
pub use page::{Crumbs, PageHead, loaded};

/// Version of the site's files, put behind their addresses; from the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteVersion(pub String);

/// The address whose page this is, from the server. An answer to a form stands at the form's address: script puts this
/// one in its place, so that a reload asks for the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownAt(pub String);
