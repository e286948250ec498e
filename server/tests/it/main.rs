//! Curfew as a whole, over HTTP: a portal per test, with its own database and a clock that the test moves.

mod api;
mod api_refusals;
mod broker;
mod cli;
mod cli_systems;
mod coverage;
mod crowd;
mod delegation;
mod exports;
mod grants_matrix;
mod harness;
mod kill9;
mod people;
mod phone;
mod screen_share;
mod security_accounts;
mod security_audit_copy;
mod security_browser;
mod security_factor;
mod security_factor_roles;
mod security_notices;
mod security_service;
mod security_session_ends;
mod security_sessions;
mod tickets_page;
mod views;
