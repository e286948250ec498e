//! Endings: the preview of a frozen set, the one that runs, what became of each session. Nothing here says "ended"
//! that no system's own list has shown.

mod bar;
pub mod calls;
pub mod list;
mod live;
#[cfg(feature = "ssr")]
pub mod port;
pub mod preview;
pub mod progress;
mod result;
pub mod wire;
pub mod words;
