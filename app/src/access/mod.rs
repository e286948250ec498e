pub mod form;
#[cfg(feature = "ssr")]
mod grants;
#[cfg(feature = "ssr")]
mod groups;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
mod people;
#[cfg(feature = "ssr")]
pub mod person;
#[cfg(feature = "ssr")]
pub mod port;
#[cfg(feature = "ssr")]
mod protected;
#[cfg(feature = "ssr")]
mod roles;
#[cfg(feature = "ssr")]
pub mod scope;
#[cfg(feature = "ssr")]
pub mod tokens;
pub mod wire;
