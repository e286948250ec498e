pub mod list;
#[cfg(feature = "ssr")]
pub mod port;
pub mod preview;
pub mod progress;
pub mod wire;
