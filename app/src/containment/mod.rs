//! Containment reports: what was done so that a person, or whoever an ending touched, is out; what was read back; and
//! what nobody can know. The same facts are the page and the signed file.

#[cfg(feature = "ssr")]
mod endings;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod port;
#[cfg(feature = "ssr")]
mod systems;
pub mod wire;
