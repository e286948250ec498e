#[cfg(feature = "ssr")]
mod advice;
#[cfg(feature = "ssr")]
mod editor;
pub mod form;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod port;
pub mod wire;
