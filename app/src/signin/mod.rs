//! Signing in and out, the one-time link, confirming one's password, one's own account.

pub mod account;
pub mod calls;
pub mod form;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod port;
pub mod view;
pub mod wire;
