#[cfg(feature = "ssr")]
mod entries;
#[cfg(feature = "ssr")]
mod filters;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod port;
pub mod query;
pub mod wire;
