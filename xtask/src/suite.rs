//! `cargo xtask test`: every layer, its counts and its minutes. Ends with `N passed, N failed, N skipped`.
//!
//! A skipped test counts as a failure of the run: whatever is here gates.

use std::fs;
use std::str::FromStr;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::child::{self, cargo, program};
use crate::places::Places;
use crate::postgres::Postgres;
use crate::site::{self, Mode};
use crate::tomcats::{self, Parts};
use crate::{cas, check, keycloak, say, setup};

/// The whole run ends by itself after this.
const LIMIT: Duration = Duration::from_secs(80 * 60);

/// A part of the tests that can be run alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    /// Format, lints, rules, licences, size.
    Check,
    /// Unit and integration tests, on SQLite and PostgreSQL.
    Rust,
    /// Real clients of the API against a demo portal.
    Api,
    /// Journeys in a browser.
    E2e,
}

impl FromStr for Layer {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> Result<Layer> {
        match word {
            "check" => Ok(Layer::Check),
            "rust" => Ok(Layer::Rust),
            "api" => Ok(Layer::Api),
            "e2e" => Ok(Layer::E2e),
            other => bail!("no layer {other}: check, rust, api or e2e"),
        }
    }
}

/// Counts of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    fn good(self) -> bool {
        self.passed > 0 && self.failed == 0 && self.skipped == 0
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// Finished stages with their counts and their time.
static STAGES: Mutex<Vec<(&str, Tally, Duration)>> = Mutex::new(Vec::new());

/// Runs one layer or all; gives whether everything passed.
pub fn run(places: &Places, only: Option<Layer>, name: Option<&str>, servers: Parts) -> Result<bool> {
    stop_at_limit();
    let wants = |layer| only.is_none_or(|only| only == layer);
    let parts = fetch_parts(
        places,
        wants(Layer::Check),
        wants(Layer::Rust) || wants(Layer::E2e),
        wants(Layer::E2e),
        wants(Layer::Rust).then_some(servers),
    );

    if wants(Layer::Check) {
        stage("check", || check::run(places, name));
    }
    if wants(Layer::Rust) || wants(Layer::Api) || wants(Layer::E2e) {
        stage("build", || build(places));
    }
    if wants(Layer::Api) {
        stage("api", || api(places));
    }
    if wants(Layer::Rust) || wants(Layer::E2e) {
        stage("set-up", || {
            parts
                .join()
                .map_err(|_| anyhow::anyhow!("the set-up stopped"))?
                .map(|()| Tally::default())
        });
        match say::step("Starting a throw-away PostgreSQL", Postgres::start) {
            Ok(postgres) => {
                if wants(Layer::Rust) {
                    stage("rust", || rust(places, &postgres, name, servers));
                }
                if wants(Layer::E2e) {
                    stage("e2e", || e2e(places, &postgres, name));
                }
            }
            Err(error) => stage("postgres", || Err(error)),
        }
    }
    let total = closing_lines();
    child::stop_all();
    Ok(total.good())
}

/// Downloads in the background while the first stages build.
fn fetch_parts(
    places: &Places,
    tools: bool,
    debian: bool,
    node: bool,
    servers: Option<Parts>,
) -> thread::JoinHandle<Result<()>> {
    let places = places.clone();
    thread::spawn(move || {
        if tools {
            setup::cargo_deny(&places)?;
        }
        if debian {
            setup::debian_parts()?;
        }
        if node {
            setup::node_modules(&places)?;
        }
        if let Some(parts) = servers {
            setup::tableau_clients(&places)?;
            setup::java()?;
            tomcats::fetch(&places, parts)?;
            keycloak::fetch(&places)?;
            cas::fetch(&places)?;
        }
        Ok(())
    })
}

fn stage(name: &'static str, work: impl FnOnce() -> Result<Tally>) {
    println!("\n── {name} ──");
    let start = Instant::now();
    let tally = work().unwrap_or_else(|error| {
        eprintln!("{name}: {error:#}");
        Tally {
            failed: 1,
            ..Tally::default()
        }
    });
    STAGES
        .lock()
        .expect("no panic while held")
        .push((name, tally, start.elapsed()));
}

fn build(places: &Places) -> Result<Tally> {
    say::step("Building the server and its tests", || {
        cargo(&places.root)
            .args(["test", "--no-run", "--locked"])
            .args(PACKAGES)
            .must()
    })?;
    Ok(Tally::default())
}

/// Both crates in one call: apart, cargo would build what they share twice. Documentation examples are left out.
const PACKAGES: [&str; 11] = [
    "--package",
    "app",
    "--package",
    "server",
    "--package",
    "embedding-app",
    "--features",
    "app/ssr",
    "--lib",
    "--bins",
    "--tests",
];

/// The tests that only the matrix runs, built as the others were.
const MATRIX: [&str; 8] = [
    "--package",
    "app",
    "--package",
    "server",
    "--features",
    "app/ssr",
    "--test",
    "tomcat_matrix",
];

fn rust(places: &Places, postgres: &Postgres, name: Option<&str>, servers: Parts) -> Result<Tally> {
    let tomcats = tomcats::fetch(places, servers)?;
    let keycloak = keycloak::fetch(places)?;
    let cas = cas::fetch(places)?;
    let tableau_clients = setup::tableau_clients(places)?;
    let mut runs = vec![PACKAGES.as_slice(), &["--package", "xtask"]];
    let matrix = match servers {
        Parts::Normal => "",
        Parts::Matrix => {
            runs.push(&MATRIX);
            "1"
        }
    };
    let mut tally = Tally::default();
    for packages in runs {
        let mut results = 0;
        let success = cargo(&places.root)
            .args(["test", "--locked", "--no-fail-fast"])
            .args(packages)
            .args(name)
            .env("CURFEW_TEST_POSTGRES", postgres.url())
            .env("CURFEW_TEST_CAS", &cas)
            .env("CURFEW_TEST_KEYCLOAK", &keycloak)
            .env("CURFEW_TEST_TABLEAU_CLIENTS", &tableau_clients)
            .env("CURFEW_TEST_TOMCATS", &tomcats)
            .env("CURFEW_TEST_TOMCATS_MATRIX", matrix)
            .shown(|line| {
                if let Some(counts) = cargo_result(line) {
                    results += 1;
                    tally.add(counts);
                }
            })?;
        if !success && (results == 0 || tally.failed == 0) {
            bail!("the tests did not run to their end");
        }
    }
    Ok(tally)
}

/// `test result: ok. 12 passed; 0 failed; 1 ignored; …`
fn cargo_result(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |word: &str| {
        counts
            .split(';')
            .find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
            .unwrap_or(0)
    };
    Some(Tally {
        passed: count("passed"),
        failed: count("failed"),
        skipped: count("ignored"),
    })
}

/// Schemathesis and a generated client; the last line they write counts.
fn api(places: &Places) -> Result<Tally> {
    let python = setup::api_clients(places)?;
    let mut counts = None;
    program(python)
        .args(["end2end/api/clients.py"])
        .dir(&places.root)
        .env("API_SERVER", places.server())
        .env("API_DOCUMENT", places.root.join("docs/openapi.json"))
        .shown(|line| counts = client_result(line).or(counts))?;
    counts.context("the clients of the API did not run to their end")
}

/// `2 passed, 1 failed, 0 skipped`
fn client_result(line: &str) -> Option<Tally> {
    let mut parts = line.split(", ");
    let mut count = |word: &str| parts.next()?.strip_suffix(word)?.trim().parse().ok();
    Some(Tally {
        passed: count("passed")?,
        failed: count("failed")?,
        skipped: count("skipped")?,
    })
}

fn e2e(places: &Places, postgres: &Postgres, name: Option<&str>) -> Result<Tally> {
    site::build(places, Mode::Release)?;
    let report = places.target.join("e2e.json");
    drop(fs::remove_file(&report));
    program(places.end2end().join("node_modules/.bin/playwright"))
        .args(["test"])
        .args(name.map(|name| ["--grep", name]).into_iter().flatten())
        .dir(&places.end2end())
        .env("E2E_SERVER", places.server())
        .env("CURFEW_TEST_POSTGRES", postgres.url())
        .env("E2E_CHROMIUM", setup::CHROMIUM)
        .env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report)
        .shown(|_| ())?;
    let report = fs::read_to_string(&report).context("Playwright left no report")?;
    let report: Value = serde_json::from_str(&report)?;
    for error in report["errors"].as_array().into_iter().flatten() {
        eprintln!(
            "{}",
            error["message"].as_str().unwrap_or("an error without words")
        );
    }
    let errors = report["errors"].as_array().map_or(0, Vec::len) as u64;
    let count = |word: &str| {
        report["stats"][word]
            .as_u64()
            .with_context(|| format!("no count of {word}"))
    };
    // A test that passes only at a second try has failed once too often.
    Ok(Tally {
        passed: count("expected")?,
        failed: count("unexpected")? + count("flaky")? + errors,
        skipped: count("skipped")?,
    })
}

fn closing_lines() -> Tally {
    let mut total = Tally::default();
    println!();
    for (name, tally, duration) in STAGES.lock().expect("no panic while held").iter() {
        println!("{name:<10} {:>5.1} min   {tally}", duration.as_secs_f64() / 60.0);
        total.add(*tally);
    }
    println!("\n{total}");
    total
}

fn stop_at_limit() {
    thread::spawn(|| {
        thread::sleep(LIMIT);
        eprintln!(
            "\nStopped after {}: a full run may not take longer.",
            say::took(LIMIT)
        );
        STAGES.lock().expect("no panic while held").push((
            "limit",
            Tally {
                failed: 1,
                ..Tally::default()
            },
            LIMIT,
        ));
        closing_lines();
        child::stop_all();
        std::process::exit(1);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_cargos_closing_line() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.1s";
        assert_eq!(
            cargo_result(line),
            Some(Tally {
                passed: 12,
                failed: 3,
                skipped: 1
            })
        );
        assert_eq!(cargo_result("test foo ... ok"), None);
    }

    #[test]
    fn counts_are_read_from_the_closing_line_of_the_apis_clients() {
        let tally = client_result("2 passed, 1 failed, 0 skipped");
        assert_eq!(
            tally,
            Some(Tally {
                passed: 2,
                failed: 1,
                skipped: 0
            })
        );
        assert_eq!(client_result("ok: schemathesis as auditor"), None);
    }

    #[test]
    fn a_run_without_tests_or_with_a_skipped_one_is_not_good() {
        assert!(!Tally::default().good());
        assert!(
            !Tally {
                passed: 5,
                failed: 0,
                skipped: 1
            }
            .good()
        );
        assert!(
            Tally {
                passed: 5,
                failed: 0,
                skipped: 0
            }
            .good()
        );
    }
}
