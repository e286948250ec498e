#[cfg(feature = "ssr")]
pub mod port;
pub mod wire;
