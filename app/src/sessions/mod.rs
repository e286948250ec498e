//! The list of live sessions: query, columns, page.

pub mod chips;
pub mod columns;
pub mod form;
pub mod page;
#[cfg(feature = "ssr")]
pub mod port;
pub mod query;
pub mod wire;
