//! The connector for Keycloak: the same tests on a simulated one and on a real one, and what only the simulated one can
//! play. The real one comes from `cargo xtask keycloak`.

mod conformance;
mod faults;
#[path = "../it/harness.rs"]
#[expect(dead_code, reason = "the portal's own tests use the rest of it")]
mod harness;
#[path = "../keeper/mod.rs"]
mod keeper;
mod real;
mod same;
mod signal;
mod simulated;
mod world;
