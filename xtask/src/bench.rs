//! `cargo xtask bench`: how fast, beside the raw limit of the same run. Never part of the tests: numbers of a busy machine
//! prove nothing.
//!
//! Each prints a table, writes JSON under `target/bench/`, and closes with a line per case: `BENCH <name> key=value …`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::child::{self, cargo, program};
use crate::places::Places;
use crate::postgres::Postgres;
use crate::site::{self, Mode};
use crate::{say, setup, tomcats};

/// Starts that are measured; the first, which makes the database, counts apart.
const STARTS: usize = 7;
/// How long a started server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(5);

/// A bench by its name; `args` are the bench's own.
pub fn run(places: &Places, name: &str, args: &[&str]) -> Result<bool> {
    match name {
        "collect" | "list" | "end" | "tableau" | "tickets" | "tomcat" => cargo_bench(places, name, args),
        // A helper's page is measured beside the administrator's, over the same rows.
        "scope" => cargo_bench(places, "list", args),
        "start" => start(places),
        "page" => page(places, args),
        other => {
            bail!("no bench {other}: collect, list, scope, end, tableau, tickets, tomcat, start or page")
        }
    }
}

fn cargo_bench(places: &Places, name: &str, args: &[&str]) -> Result<bool> {
    setup::debian_parts()?;
    let postgres = say::step("Starting a throw-away PostgreSQL", Postgres::start)?;
    let out = out(places, name)?;
    let tomcats = match name {
        "tomcat" => tomcats::fetch(places, tomcats::Parts::Normal)?,
        _ => PathBuf::new(),
    };
    // The first time builds everything optimised: about ten minutes on two cores.
    cargo(&places.root)
        .args(["bench", "--locked", "--package", "server", "--bench", name, "--"])
        .args(args)
        .args([Path::new("--out"), &out])
        .env("CURFEW_TEST_POSTGRES", postgres.url())
        .env("CURFEW_TEST_TOMCATS", &tomcats)
        .shown(|_| ())
}

fn out(places: &Places, name: &str) -> Result<PathBuf> {
    let folder = places.target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder.join(format!("{name}.json")))
}

/// From the start of the process to the first `ready`, on an embedded database, and what an idle server holds in memory.
/// Beside it the raw limit: the same binary that only prints its help.
fn start(places: &Places) -> Result<bool> {
    let curfew = optimised(places)?;
    let folder = std::env::temp_dir().join(format!("curfew-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    child::remove_at_end(&folder);
    // Free a moment ago; nothing else here asks for ports meanwhile.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let settings = folder.join("curfew.toml");
    fs::write(
        &settings,
        format!("listen = \"127.0.0.1:{port}\"\ndata_dir = \"data\"\n"),
    )?;
    let mut ready = Vec::new();
    let mut raw = Vec::new();
    let mut memory = Vec::new();
    for turn in 0..=STARTS {
        let began = Instant::now();
        program(&curfew).args(["--help"]).quiet()?;
        raw.push(began.elapsed());
        let log = folder.join("log");
        let began = Instant::now();
        let mut server = program(&curfew)
            .args(["serve", "--config"])
            .args([&settings])
            .dir(&folder)
            .background(&log)?;
        while !answers(port) {
            if !server.lives() || began.elapsed() > Duration::from_secs(30) {
                bail!(
                    "the server did not start:\n{}",
                    fs::read_to_string(&log).unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        if turn > 0 {
            ready.push(began.elapsed());
        }
        if turn == STARTS {
            std::thread::sleep(REST);
            memory.push(resident_kib(server.id())?);
        }
    }
    let (ready, raw) = (median_ms(&mut ready), median_ms(&mut raw));
    let mib = memory.iter().sum::<u64>() / 1024;
    let json = serde_json::json!({ "ready_ms": ready, "raw_ms": raw, "idle_mib": mib });
    fs::write(out(places, "start")?, serde_json::to_vec_pretty(&json)?)?;
    println!("  ready after {ready:.1} ms, help after {raw:.1} ms (median of {STARTS}), idle {mib} MiB");
    println!(
        "BENCH start ready_ms={ready:.1} raw_ms={raw:.1} x_raw={:.1} idle_mib={mib}",
        ready / raw
    );
    Ok(true)
}

/// What a person feels on the sessions page, in Chromium; `args` = how many times the demo's 4,200 sessions.
fn page(places: &Places, args: &[&str]) -> Result<bool> {
    let times = match args {
        [] => "24",
        [times] => times,
        more => bail!("one number: how many times the demo's 4,200 sessions, not {more:?}"),
    };
    setup::debian_parts()?;
    setup::node_modules(places)?;
    let curfew = optimised(places)?;
    program(places.end2end().join("node_modules/.bin/playwright"))
        .args(["test", "--config", "playwright.bench.config.ts"])
        .dir(&places.end2end())
        .env("E2E_SERVER", curfew)
        .env("E2E_CHROMIUM", setup::CHROMIUM)
        .env("BENCH_TIMES", times)
        .env("BENCH_OUT", out(places, "page")?)
        .shown(|_| ())
}

/// The program as people get it, with the site inside.
fn optimised(places: &Places) -> Result<PathBuf> {
    site::build(places, Mode::Release)?;
    say::step(
        "Building the server, optimised (the first time takes about ten minutes)",
        || {
            cargo(&places.root)
                .args(["build", "--locked", "--release", "--package", "server"])
                .must()
        },
    )?;
    Ok(places.target.join("release/curfew"))
}

/// Whether the server there says that it is ready.
fn answers(port: u16) -> bool {
    use std::io::Write;
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    let mut line = String::new();
    asked.is_ok() && BufReader::new(stream).read_line(&mut line).is_ok() && line.contains(" 200 ")
}

/// Memory that a process holds now, KiB, as Linux tells it.
fn resident_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse().ok())
        .context("Linux tells no memory of the process")
}

fn median_ms(of: &mut [Duration]) -> f64 {
    of.sort_unstable();
    of[of.len() / 2].as_secs_f64() * 1000.0
}
