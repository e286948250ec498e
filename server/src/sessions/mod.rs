//! The inventory: what the systems reported, and the list over it.

pub mod facts;
pub mod filter;
