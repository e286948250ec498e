//! Curfew's pages. Runs on the server (`ssr`) and in the browser (`hydrate`); holds no database, no HTTP client.
//!
//! Each feature is a folder: `wire.rs` (types), `port.rs` (what its pages ask of the server), then its pages.

#[cfg(feature = "ssr")]
pub mod backend;
pub mod civil;
pub mod error;
pub mod paths;
pub mod wire;

pub mod access;
pub mod audit;
pub mod endings;
pub mod policies;
pub mod sessions;
pub mod signin;
pub mod systems;
