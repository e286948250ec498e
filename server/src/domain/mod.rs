//! Pure rules. `now` is an argument; no clock, no file, no network, no database.

pub mod ending;
pub mod grant;
pub mod health;
pub mod outbound;
pub mod policy;
pub mod subject;
pub mod ticket;
