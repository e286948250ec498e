pub mod calls;
mod entries;
mod filters;
pub mod page;
#[cfg(feature = "ssr")]
pub mod port;
pub mod query;
pub mod wire;
