//! The list of live sessions: query, columns, page. Start reading at `page.rs`; `form.rs` says what its forms send.

pub mod chips;
pub mod columns;
#[cfg(feature = "ssr")]
mod empty;
#[cfg(feature = "ssr")]
mod filters;
pub mod form;
#[cfg(feature = "ssr")]
mod groups;
#[cfg(feature = "ssr")]
mod help;
#[cfg(feature = "ssr")]
mod limits;
#[cfg(feature = "ssr")]
mod live;
#[cfg(feature = "ssr")]
mod moment;
#[cfg(feature = "ssr")]
mod open;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
mod paste;
pub mod picks;
#[cfg(feature = "ssr")]
pub mod port;
pub mod query;
#[cfg(feature = "ssr")]
mod strip;
#[cfg(feature = "ssr")]
mod table;
#[cfg(feature = "ssr")]
mod toolbar;
pub mod views;
pub mod wire;
