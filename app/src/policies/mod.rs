pub mod calls;
mod editor;
pub mod form;
pub mod page;
#[cfg(feature = "ssr")]
pub mod port;
pub mod wire;
