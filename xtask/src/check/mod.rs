//! `cargo xtask check`: what every change must hold, fast things first. Each check counts as one test.

mod imports;
mod source;

use std::fs;

use anyhow::{Result, bail};

use crate::child::{cargo, program};
use crate::places::Places;
use crate::site::{self, Mode, files};
use crate::suite::Tally;
use crate::{say, setup};

/// Libraries that have no business in a browser.
const SERVER_ONLY: [&str; 9] = [
    "axum",
    "hyper",
    "reqwest",
    "rustls",
    "sea-query",
    "server",
    "sqlx",
    "sqlx-core",
    "tokio",
];

/// Longer files are named, not refused.
const LONG_FILE_LINES: usize = 600;

type Check = fn(&Places) -> Result<()>;

const CHECKS: [(&str, Check); 9] = [
    ("import rules", import_rules),
    ("pages without inline styles and raw HTML", page_rules),
    ("format", format),
    ("what the browser build depends on", frontend_tree),
    ("licences, bans and sources", deny),
    ("lints of server and pages", clippy_native),
    ("lints of xtask", clippy_xtask),
    ("lints of the browser build", clippy_wasm),
    ("size of script and WebAssembly", budget),
];

/// Runs the checks whose name holds `name`, all without one.
pub fn run(places: &Places, name: Option<&str>) -> Result<Tally> {
    setup::rust_components(places)?;
    setup::wasm_target(places)?;
    say::step("Fetching crates", || setup::crates(places))?;
    let mut tally = Tally::default();
    for (title, check) in CHECKS {
        if name.is_some_and(|name| !title.contains(name)) {
            continue;
        }
        match say::step(&format!("Checking {title}"), || check(places)) {
            Ok(()) => tally.passed += 1,
            Err(error) => {
                eprintln!("{error:#}");
                tally.failed += 1;
            }
        }
    }
    Ok(tally)
}

fn import_rules(places: &Places) -> Result<()> {
    let problems = imports::problems(places)?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() {
        Ok(())
    } else {
        bail!("{} broken import rules", problems.len())
    }
}

/// A strict content security policy refuses `style="…"`; `inner_html` would let text become markup.
fn page_rules(places: &Places) -> Result<()> {
    let mut problems = 0;
    for file in files(&places.root.join("app/src"))? {
        let text = fs::read_to_string(&file)?;
        let within = file.strip_prefix(&places.root)?.display();
        for (number, line) in source::bare(&text).lines().enumerate() {
            let words = ["inner_html", "style=", "style:", "attr:style"];
            for word in words.iter().filter(|word| starts_word(line, word)) {
                eprintln!("{within}:{}: no {word} in pages", number + 1);
                problems += 1;
            }
        }
    }
    for folder in ["app/src", "server/src", "xtask/src"] {
        for file in files(&places.root.join(folder))? {
            let lines = fs::read_to_string(&file)?.lines().count();
            if lines > LONG_FILE_LINES {
                println!(
                    "  long: {} has {lines} lines",
                    file.strip_prefix(&places.root)?.display()
                );
            }
        }
    }
    if problems == 0 {
        Ok(())
    } else {
        bail!("{problems} broken page rules")
    }
}

/// Whether `line` holds `word` at the start of a word.
fn starts_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-')
            && !line[at + word.len()..].starts_with(':')
    })
}

fn format(places: &Places) -> Result<()> {
    cargo(&places.root).args(["fmt", "--all", "--check"]).must()
}

fn frontend_tree(places: &Places) -> Result<()> {
    let tree = cargo(&places.root)
        .args([
            "tree",
            "--locked",
            "--package",
            "frontend",
            "--target",
            "wasm32-unknown-unknown",
        ])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .quiet()?;
    let names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let found: Vec<&&str> = SERVER_ONLY.iter().filter(|name| names.contains(name)).collect();
    if found.is_empty() {
        Ok(())
    } else {
        bail!("the browser build brings along {found:?}")
    }
}

fn deny(places: &Places) -> Result<()> {
    let tool = setup::cargo_deny(places)?;
    program(tool)
        .args([
            "--offline",
            "--log-level",
            "warn",
            "check",
            "--hide-inclusion-graph",
            "licenses",
            "bans",
            "sources",
        ])
        .dir(&places.root)
        .must()
}

const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

fn clippy_native(places: &Places) -> Result<()> {
    cargo(&places.root)
        .args([
            "clippy",
            "--locked",
            "--package",
            "app",
            "--package",
            "server",
            "--package",
            "embedding-app",
            "--features",
            "app/ssr",
            "--all-targets",
            "--test",
            "tomcat_matrix",
        ])
        .args(DENY_WARNINGS)
        .must()
}

fn clippy_xtask(places: &Places) -> Result<()> {
    cargo(&places.root)
        .args(["clippy", "--locked", "--package", "xtask", "--all-targets"])
        .args(DENY_WARNINGS)
        .must()
}

fn clippy_wasm(places: &Places) -> Result<()> {
    cargo(&places.root)
        .args([
            "clippy",
            "--locked",
            "--package",
            "frontend",
            "--target",
            "wasm32-unknown-unknown",
        ])
        .args(DENY_WARNINGS)
        .env("CARGO_TARGET_DIR", places.target.join("pages"))
        .must()
}

fn budget(places: &Places) -> Result<()> {
    site::build(places, Mode::Release)?;
    let (bytes, most) = site::size(places)?;
    println!("  {bytes} of {most} bytes, compressed");
    if bytes <= most {
        Ok(())
    } else {
        bail!("a page may bring {most} bytes of script and WebAssembly, this is {bytes}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inline_style_is_found_and_a_module_path_is_not() {
        assert!(starts_word("<div style=x>", "style="));
        assert!(starts_word("<div style:width=x>", "style:"));
        assert!(!starts_word("use leptos::style::x", "style:"));
        assert!(!starts_word("<div data-style=x>", "style="));
    }
}
