//! The connector on a real PostgreSQL with the documented repository of four releases, beside a small server that answers
//! as the REST API is documented and beside the simulated one; and real clients on the simulated one.

mod clients;
mod command_line;
mod endings;
#[path = "../it/harness.rs"]
#[expect(dead_code, reason = "the portal's own tests use the rest of it")]
mod harness;
mod repository;
mod server_stub;
mod simulated;
mod tls;
mod workgroup;
