//! The connector on a real PostgreSQL with the documented repository of four releases, and beside it a small server that
//! answers as the REST API is documented.

mod endings;
mod repository;
mod server_stub;
mod workgroup;
mod tls;
