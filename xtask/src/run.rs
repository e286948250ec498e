//! `cargo xtask run`: from a clone to a portal one can sign in to.

use anyhow::Result;

use crate::child::{cargo, program};
use crate::places::Places;
use crate::say;
use crate::site::{self, Mode};

/// Builds what changed, then becomes `curfew demo`, which prints its address and the demo sign-ins.
pub fn run(places: &Places, args: &[&str]) -> Result<bool> {
    site::build(places, Mode::Dev)?;
    say::step(
        "Building the server (the first time takes about four minutes)",
        || {
            cargo(&places.root)
                .args(["build", "--locked", "--package", "server"])
                .must()
        },
    )?;
    Err(program(places.server())
        .dir(&places.root)
        .args(["demo"])
        .args(args)
        .become_it())
}
