//! The `curfew` program.

fn main() {}
