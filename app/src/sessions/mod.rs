//! The list of live sessions: query, columns, page. Start reading at `page.rs`; `form.rs` says what its forms send.

pub mod calls;
pub mod chips;
pub mod columns;
mod empty;
mod filters;
pub mod form;
mod limits;
#[cfg(feature = "hydrate")]
mod memory;
pub mod page;
mod picks;
#[cfg(feature = "ssr")]
pub mod port;
pub mod query;
#[cfg(feature = "hydrate")]
mod script;
mod strip;
mod table;
mod toolbar;
pub mod wire;
