//! What stands around every page: the bar, banners, the warning before the own session ends, error pages.
//!
//! The server puts small facts of a request into the context ([`SiteVersion`], [`echo::FormEcho`], [`flash::Flash`]);
//! they travel to the browser inside the page, so that both draw the same.

pub mod account_menu;
pub mod banners;
pub mod bar;
pub mod echo;
pub mod error_page;
pub mod flash;
pub mod frame;
pub mod page;
pub mod timeout;

pub use echo::{Echo, FormEcho};
pub use error_page::{ErrorPage, NotFoundPage};
pub use flash::Flash;
pub use frame::{FrameContext, Framed, here};
pub use page::{PageHead, loaded};

/// Version of the site's files, put behind their addresses; from the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteVersion(pub String);

/// The address whose page this is, from the server. An answer to a form stands at the form's address: script puts this
/// one in its place before it takes over, so that it draws the same page and a reload asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownAt(pub String);
