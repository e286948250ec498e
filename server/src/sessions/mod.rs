//! Sessions: the inventory of what the systems reported, and the list over it.
