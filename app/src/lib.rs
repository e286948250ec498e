//! Curfew's pages and their words. Holds no database, no HTTP client.
//!
//! Pages are drawn by the server alone (`ssr`) and work as they are: links, GET forms, plain POST forms. Without `ssr` only
//! addresses, words and wire types are left; the browser's part (crate `frontend`) needs no more (docs/adr/0006).
//!
//! Each feature is a folder: `wire.rs` (types), `port.rs` (what its pages ask of the server), then its pages. `ui` holds
//! the parts, `layout` what stands around.

// A page is one deep type; the default of 128 is not enough for the compiler to lay it out.
#![recursion_limit = "512"]

#[cfg(feature = "ssr")]
pub mod backend;
pub mod civil;
pub mod error;
pub mod form;
pub mod layout;
pub mod paths;
pub mod ui;
pub mod wire;

pub mod access;
pub mod audit;
pub mod containment;
pub mod endings;
pub mod go;
pub mod people;
pub mod policies;
pub mod sessions;
pub mod signals;
pub mod signin;
pub mod systems;
pub mod tickets;

#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
pub use pages::{App, shell};
