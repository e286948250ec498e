pub mod calls;
mod detail;
pub mod page;
#[cfg(feature = "ssr")]
pub mod port;
pub mod wire;
