//! Endings: the preview of a frozen set, the one that runs, what became of each session. Nothing here says "ended"
//! that no system's own list has shown.

#[cfg(feature = "ssr")]
mod approval;
#[cfg(feature = "ssr")]
mod bar;
#[cfg(feature = "ssr")]
mod begin;
#[cfg(feature = "ssr")]
mod link;
#[cfg(feature = "ssr")]
pub mod list;
#[cfg(feature = "ssr")]
pub mod port;
#[cfg(feature = "ssr")]
pub mod preview;
#[cfg(feature = "ssr")]
pub mod progress;
#[cfg(feature = "ssr")]
mod result;
#[cfg(feature = "ssr")]
mod since;
#[cfg(feature = "ssr")]
mod tickets;
pub mod wire;
pub mod words;
