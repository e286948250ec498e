//! The connector and the simulated Domo: every promise of a connector, every failure Domo is known for, and a portal that
//! reads it.

mod conformance;
mod endings;
mod failures;
mod far;
#[path = "../it/harness.rs"]
#[expect(dead_code, reason = "the portal's own tests use the rest of it")]
mod harness;
mod lists;
mod portal;
mod rights;
