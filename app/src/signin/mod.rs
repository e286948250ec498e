//! Signing in and out, the one-time link, confirming one's password, the second factor, one's own account.

#[cfg(feature = "ssr")]
pub mod account;
pub mod form;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod port;
#[cfg(feature = "ssr")]
pub mod second_factor;
pub mod view;
pub mod wire;
