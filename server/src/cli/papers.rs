//! What comes with the program, made from the commands themselves: completions for shells, manual pages.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Arguments;

/// Arguments of `curfew completions`.
#[derive(Args)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

/// Arguments of `curfew man`.
#[derive(Args)]
pub struct Man {
    /// Writes a page per command into this folder [default: the first page to standard output]
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Prints what the shell reads.
pub fn completions(asked: &Completions) -> ExitCode {
    let mut command = Arguments::command();
    clap_complete::generate(asked.shell, &mut command, "curfew", &mut std::io::stdout());
    ExitCode::SUCCESS
}

/// Writes the manual.
pub fn man(asked: &Man) -> anyhow::Result<ExitCode> {
    let command = Arguments::command();
    match &asked.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
            clap_mangen::generate_to(command, dir).with_context(|| dir.display().to_string())?;
        }
        None => clap_mangen::Man::new(command).render(&mut std::io::stdout())?,
    }
    Ok(ExitCode::SUCCESS)
}
