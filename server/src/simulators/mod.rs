//! Systems we imitate: small servers speaking one system's wire protocol over loopback, with faults on demand.
//!
//! The demo estate is made of them ([`demo::demo_estate`]), and so are the fault tests. Nothing here is ever connected
//! unless the settings, or `curfew demo`, say so; every page labels what comes from here as simulated.

mod app_server;
mod broken;
pub mod cas;
pub mod demo;
mod dice;
pub mod domo;
mod example_app;
pub mod keycloak;
mod loopback;
pub mod people;
pub mod simulator;
pub mod tableau;

pub use demo::{DemoEstate, DemoOptions, demo_estate};
pub use example_app::ExampleApp;
