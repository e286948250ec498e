//! What real Tomcats and Jolokias answer, asked with no connector in between: what the connector may rely on.
//!
//! Each test can be run alone and in any order: `cargo xtask test rust tomcat_`. The servers come from [`farm`]; what
//! they said word for word is kept in `fixtures` for the parsers.

mod ask;
mod clusters;
mod connector;
mod endings;
mod farm;
mod faults;
mod fixture;
#[path = "../it/harness.rs"]
#[expect(dead_code, reason = "the portal's own tests use the rest of it")]
mod harness;
mod jmx_proxy;
mod jolokia;
mod journey;
mod manager;
mod manager_bridge;
mod persons;
mod servers;
