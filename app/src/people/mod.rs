//! People above accounts: who has accounts where, how that is known, and everything one person has open.

pub mod form;
#[cfg(feature = "ssr")]
mod links;
#[cfg(feature = "ssr")]
pub mod list;
#[cfg(feature = "ssr")]
pub mod person;
#[cfg(feature = "ssr")]
pub mod port;
pub mod query;
#[cfg(feature = "ssr")]
mod timeline;
pub mod wire;
