//! The connector for Keycloak: the same tests on a simulated one and on a real one, and what only the simulated one can
//! play. The real one comes from `cargo xtask keycloak`.

mod conformance;
mod faults;
#[path = "../keeper/mod.rs"]
mod keeper;
mod real;
mod same;
mod simulated;
mod world;
