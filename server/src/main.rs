//! The `curfew` program: arguments, log, then [`server::cli`].

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = server::cli::Arguments::parse();
    server::cli::start_log();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => {
            eprintln!("curfew: can't start: {cause}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(server::cli::run(arguments)) {
        Ok(code) => code,
        Err(cause) => {
            eprintln!("curfew: {cause:#}");
            ExitCode::FAILURE
        }
    }
}
