//! Curfew's server: who is signed in where, and are they really out.
//!
//! Rooms (each: `mod.rs` implements the feature's port, `store.rs` holds its SQL):
//! - [`signin`]: signing in to the portal, its own sessions, and their connector
//! - [`access`]: operators, roles, grants, protected people
//! - [`systems`]: connected systems, their health
//! - [`sessions`]: the inventory: what the systems reported, and the list
//! - [`endings`]: previews, endings, the worker, the watch
//! - [`people`]: people above accounts, and how it is known
//! - [`policies`]: limits of systems and of Curfew's own sessions
//! - [`audit`]: the tamper-evident log, and its copy off the box
//! - [`tickets`]: the broker of sign-in tickets
//! - [`signals`]: what identity servers tell, and what a rule makes of it
//! - [`webhooks`]: tells others of events
//!
//! Around them: [`connectors`] (systems we speak to), [`simulators`] (systems we imitate), [`domain`] (pure rules),
//! [`http`] (the only one that knows HTTP), [`portal`] (the only one that knows everyone).

// A page is one deep type; the default of 128 is not enough for the compiler to lay it out.
#![recursion_limit = "512"]

pub mod access;
pub mod audit;
pub mod caller;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connectors;
pub mod containment;
pub mod db;
pub mod domain;
pub mod endings;
pub mod error;
pub mod http;
pub mod keys;
pub mod outbox;
pub mod people;
pub mod policies;
pub mod portal;
pub mod schedule;
pub mod sessions;
pub mod signals;
pub mod signin;
pub mod simulators;
pub mod systems;
pub mod tickets;
pub mod webhooks;
