//! The connector for CAS: the same tests on a simulated one and on a real one, what only the simulated one can play, and a
//! portal that reads it. The real one comes from `cargo xtask cas`.

mod conformance;
mod faults;
#[path = "../it/harness.rs"]
#[expect(dead_code, reason = "the portal's own tests use the rest of it")]
mod harness;
#[path = "../keeper/mod.rs"]
mod keeper;
mod portal;
mod real;
mod same;
mod world;
