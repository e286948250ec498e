//! Saved views: a list's address under a name, one's own or shared with a role. `menu` stands on the list, `page` is
//! where views are looked after. A view is an address and no more: what it shows is decided anew for whoever opens it.

pub mod form;
#[cfg(feature = "ssr")]
pub mod menu;
#[cfg(feature = "ssr")]
pub mod page;
pub mod wire;
