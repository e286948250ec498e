//! Sessions: the inventory of what the systems reported, and the list over it.

pub mod collect;
pub mod identity;
mod intake;
