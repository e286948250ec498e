//! The inventory: what the systems reported, and the list over it.

pub mod collect;
pub mod filter;
pub mod identity;
mod intake;
pub mod list;
pub mod selection;
