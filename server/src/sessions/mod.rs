//! The inventory: what the systems reported, and the list over it.

pub mod collect;
pub mod facts;
pub mod filter;
pub mod identity;
mod intake;
