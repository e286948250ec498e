#[cfg(feature = "ssr")]
mod apps;
#[cfg(feature = "ssr")]
mod newest;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod port;
pub mod query;
#[cfg(feature = "ssr")]
mod ready;
#[cfg(feature = "ssr")]
mod trouble;
pub mod wire;
