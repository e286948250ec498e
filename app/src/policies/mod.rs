//! Session limits: what each system does, what that calls for, and the limits of Curfew's own sessions.

#[cfg(feature = "ssr")]
mod accept;
#[cfg(feature = "ssr")]
pub mod advice;
#[cfg(feature = "ssr")]
mod behind;
#[cfg(feature = "ssr")]
mod editor;
pub mod form;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod port;
pub mod wire;
