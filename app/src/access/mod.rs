pub mod calls;
pub mod form;
mod grants;
pub mod page;
mod people;
#[cfg(feature = "ssr")]
pub mod port;
mod protected;
mod roles;
pub mod wire;
