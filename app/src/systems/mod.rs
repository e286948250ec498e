#[cfg(feature = "ssr")]
mod detail;
#[cfg(feature = "ssr")]
mod over_time;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod port;
pub mod wire;
