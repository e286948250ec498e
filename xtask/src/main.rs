//! The one way to build, run, check, test and measure Curfew: `cargo xtask <word>`.
//!
//! Start reading at [`site`] (what browsers download), [`check`] (what every change must hold) and [`suite`] (all test
//! layers and their counts). Nothing here depends on the server: it is built by cargo and started as a program.

mod bench;
mod cas;
mod check;
mod child;
mod css;
mod embed;
mod keycloak;
mod maven;
mod places;
mod postgres;
mod run;
mod say;
mod setup;
mod site;
mod suite;
mod tomcats;

use std::process::ExitCode;

use anyhow::Result;

use crate::places::Places;
use crate::site::Mode;
use crate::tomcats::Parts;

const HELP: &str = "\
cargo xtask <word>

  run [-- ARGS]          builds what changed and starts the portal with a demo estate on loopback;
                         ARGS go to `curfew demo`
  test [LAYER [NAME]]    installs the test parts and runs every layer; LAYER is check, rust, api or e2e,
                         NAME keeps the tests whose name holds it
  test --matrix [...]    the same with every version of real servers
  tomcats [--matrix]     fetches the real Tomcats of the tests; the last line is their folder
  cas                    fetches the real CAS of the tests; the last line is its folder
  keycloak               fetches and builds the real Keycloak of the tests; the last line is its folder
  check                  format, lints, import rules, dependencies, licences, size of what browsers download
  bench NAME [ARGS]      collect, list, scope, end, tableau, tickets, tomcat, start or page: how fast, beside the
                         raw limit of the same run; JSON under target/bench
  build-site [--dev]     what browsers download, into target/site (with --dev: quicker to build, larger)
  embed                  the broker's browser helper, server/embed/curfew-embed.js, from its source
";

fn main() -> ExitCode {
    child::stop_all_on_signal();
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\n{error:#}");
            child::stop_all();
            ExitCode::FAILURE
        }
    }
}

/// Whether the work succeeded; an error is what kept it from being done at all.
fn dispatch(args: &[String]) -> Result<bool> {
    let places = Places::find()?;
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["run"] => run::run(&places, &[]),
        ["run", "--", rest @ ..] => run::run(&places, rest),
        ["test", "--matrix", rest @ ..] => test(&places, Parts::Matrix, rest),
        ["test", rest @ ..] => test(&places, Parts::Normal, rest),
        ["check"] => test(&places, Parts::Normal, &["check"]),
        ["tomcats"] => fetch_tomcats(&places, Parts::Normal),
        ["tomcats", "--matrix"] => fetch_tomcats(&places, Parts::Matrix),
        ["cas"] => fetch_cas(&places),
        ["keycloak"] => fetch_keycloak(&places),
        ["bench", name, rest @ ..] => bench::run(&places, name, rest),
        ["build-site"] | ["build-site", "--release"] => site::build(&places, Mode::Release).map(|()| true),
        ["embed"] => embed::write(&places),
        ["build-site", "--dev"] => site::build(&places, Mode::Dev).map(|()| true),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(true)
        }
        other => unknown(other),
    }
}

fn test(places: &Places, parts: Parts, rest: &[&str]) -> Result<bool> {
    match rest {
        [] => suite::run(places, None, None, parts),
        [layer] => suite::run(places, Some(layer.parse()?), None, parts),
        [layer, name] => suite::run(places, Some(layer.parse()?), Some(name), parts),
        other => unknown(other),
    }
}

fn fetch_tomcats(places: &Places, parts: Parts) -> Result<bool> {
    setup::java()?;
    println!("{}", tomcats::fetch(places, parts)?.display());
    Ok(true)
}

fn fetch_keycloak(places: &Places) -> Result<bool> {
    setup::java()?;
    println!("{}", keycloak::fetch(places)?.display());
    Ok(true)
}

fn fetch_cas(places: &Places) -> Result<bool> {
    setup::java()?;
    println!("{}", cas::fetch(places)?.display());
    Ok(true)
}

fn unknown(words: &[&str]) -> Result<bool> {
    anyhow::bail!("unknown: {}\n\n{HELP}", words.join(" "))
}
