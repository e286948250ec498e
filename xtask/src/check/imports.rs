//! Who may import whom. The arrows below are the house's map; a new arrow is a decision, made here.
//!
//! Everything is read from the text: `use` lines and paths in the middle of code, tests left out.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Result;

use super::source::{self, Named};
use crate::places::Places;
use crate::site::files;

/// Features of `app`: each a folder with its own words (`wire`), questions (`port`) and pages.
const FEATURES: [&str; 11] = [
    "access",
    "audit",
    "containment",
    "endings",
    "people",
    "policies",
    "sessions",
    "signals",
    "signin",
    "systems",
    "tickets",
];
/// What every feature may use.
const APP_SHARED: [&str; 7] = ["backend", "civil", "error", "form", "paths", "ui", "wire"];
/// What a feature shows to the others: its types, and for the list its address.
const APP_PUBLIC: [&str; 2] = ["wire", "query"];

/// What every room of `server` may use; none of it knows a room.
const FLOOR: [&str; 10] = [
    "caller", "changes", "clock", "config", "db", "domain", "error", "keys", "on", "outbox",
];
/// Files of the floor with a table or a pool of their own.
const SQL_FLOOR: [&str; 6] = ["changes", "db", "error", "outbox", "portal", "schedule"];
/// What rooms use of the floor beside it: their background work runs under leases.
const HELPERS: [&str; 1] = ["schedule"];
/// SQL of a room that outgrew one `store.rs`, or of another system's database; as private as a store itself.
const MORE_STORES: [&str; 14] = [
    "access/effect.rs",
    "access/groups.rs",
    "access/links.rs",
    "access/tokens.rs",
    "connectors/tableau/repository.rs",
    "endings/results.rs",
    "policies/accepted.rs",
    "sessions/groups.rs",
    "sessions/intake.rs",
    "sessions/list.rs",
    "sessions/people.rs",
    "sessions/selection.rs",
    "signin/throttle.rs",
    "tickets/looks.rs",
];
/// Which room may call which others. Access and sign-in are the one pair that know each other: signing in needs the
/// grants, and disabling somebody ends their sign-ins. `signin/connector.rs` speaks for Curfew's own sessions and may see connectors.
const ROOMS: [(&str, &[&str]); 13] = [
    ("containment", &["endings", "people", "systems", "audit"]),
    (
        "signals",
        &["endings", "people", "sessions", "systems", "connectors", "audit"],
    ),
    (
        "tickets",
        &[
            "endings",
            "sessions",
            "systems",
            "connectors",
            "policies",
            "access",
            "audit",
        ],
    ),
    (
        "endings",
        &["sessions", "systems", "connectors", "policies", "access", "audit"],
    ),
    (
        "sessions",
        &["systems", "connectors", "policies", "access", "audit"],
    ),
    ("people", &["systems", "audit"]),
    ("policies", &["systems", "connectors", "access", "audit"]),
    ("systems", &["connectors", "access", "audit"]),
    ("signin", &["connectors", "policies", "access", "audit"]),
    ("access", &["signin", "audit"]),
    ("webhooks", &["connectors", "audit"]),
    ("audit", &[]),
    ("connectors", &[]),
];
/// They put everything together.
const WIRING: [&str; 4] = ["cli", "lib", "main", "portal"];

/// A line that breaks a rule.
#[derive(Debug, PartialEq)]
pub struct Problem {
    pub file: String,
    pub line: usize,
    pub rule: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.rule)
    }
}

/// Every broken rule in the clone.
pub fn problems(places: &Places) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for krate in ["app", "server"] {
        let folder = places.root.join(krate).join("src");
        for file in files(&folder)? {
            let within = file.strip_prefix(&folder)?.to_string_lossy().into_owned();
            if within.ends_with(".rs") && !is_test(&within) {
                problems.extend(in_file(krate, &within, &fs::read_to_string(&file)?));
            }
        }
    }
    Ok(problems)
}

/// Tests in files of their own may look wherever they need to, as those at the end of a file may.
fn is_test(within: &str) -> bool {
    within.contains("/tests/")
        || ["_tests.rs", "/tests.rs", "/testing.rs"]
            .iter()
            .any(|ending| within.ends_with(ending))
}

/// The broken rules of one file; `within` is its path below `src`.
fn in_file(krate: &str, within: &str, text: &str) -> Vec<Problem> {
    let module = module_of(within);
    let named = source::named(&source::without_tests(&source::bare(text)));
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for name in named {
        let rule = match krate {
            "app" => app_rule(within, &module, &absolute(&name, &module)),
            _ => server_rule(within, &module, &absolute(&name, &module)),
        };
        if let Some(rule) = rule.filter(|rule| seen.insert((name.line, rule.clone()))) {
            problems.push(Problem {
                file: format!("{krate}/src/{within}"),
                line: name.line,
                rule,
            });
        }
    }
    problems
}

/// `sessions/store.rs` → `[sessions, store]`, `sessions/mod.rs` → `[sessions]`.
fn module_of(within: &str) -> Vec<String> {
    let parts = within.trim_end_matches(".rs").split('/').map(str::to_owned);
    parts.filter(|part| part != "mod").collect()
}

/// With `super` and `self` replaced by what they stand for, so that ours always start with `crate`.
fn absolute(named: &Named, module: &[String]) -> Named {
    let mut base = module.to_vec();
    let mut rest = named.path.as_slice();
    match rest.first().map(String::as_str) {
        Some("self") => rest = &rest[1..],
        Some("super") => {
            while rest.first().is_some_and(|part| part == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        _ => {
            return Named {
                line: named.line,
                path: named.path.clone(),
            };
        }
    }
    let path = std::iter::once("crate".to_owned())
        .chain(base)
        .chain(rest.iter().cloned())
        .collect();
    Named {
        line: named.line,
        path,
    }
}

fn app_rule(within: &str, module: &[String], named: &Named) -> Option<String> {
    let here = module.first().map_or("", String::as_str);
    if named.path[0] != "crate" {
        let foreign = [
            "leptos",
            "leptos_router",
            "leptos_meta",
            "web_sys",
            "wasm_bindgen",
        ];
        let types_only = within.ends_with("wire.rs") && foreign.contains(&named.path[0].as_str());
        return types_only
            .then(|| format!("wire.rs holds plain types: serde and std, not {}", named.path[0]));
    }
    let to = named.path.get(1).map_or("", String::as_str);
    let part = named.path.get(2).map_or("", String::as_str);
    let feature = FEATURES.contains(&to);
    if here == to || here == "lib" {
        return None;
    }
    match here {
        // Marks show outcomes and health: closed vocabularies, which live in the wire files.
        "ui" => ((feature && part != "wire") || to == "layout")
            .then(|| format!("ui sees of a feature only its wire.rs, not crate::{to}::{part}")),
        // Names the page behind each address.
        "pages" => None,
        "backend" => {
            (feature && part != "port").then(|| "backend.rs is the sum of the ports and no more".to_owned())
        }
        _ if feature && !APP_PUBLIC.contains(&part) => Some(format!(
            "of another feature only its wire.rs may be seen, not crate::{to}::{part}"
        )),
        _ if FEATURES.contains(&here) => {
            let known = feature || to == "layout" || APP_SHARED.contains(&to);
            (!known).then(|| format!("features see ui, layout and the shared files, not crate::{to}"))
        }
        _ => None,
    }
}

fn server_rule(within: &str, module: &[String], named: &Named) -> Option<String> {
    let here = module.first().map_or("", String::as_str);
    let store = MORE_STORES.contains(&within)
        || within
            .rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with("store"))
        || within.split('/').any(|folder| folder == "store");
    if let Some(rule) = outside_rule(within, here, store, named) {
        return Some(rule);
    }
    if named.path[0] != "crate" {
        return None;
    }
    let to = named.path.get(1).map_or("", String::as_str);
    let part = named.path.get(2).map_or("", String::as_str);
    if here == "connectors" {
        return connector_rule(module, to, part);
    }
    if here == to {
        return None;
    }
    if part == "store" {
        return Some(format!(
            "a room's store is its own: call crate::{to}, not crate::{to}::store"
        ));
    }
    if WIRING.contains(&here) {
        return None;
    }
    let room = |name: &str| ROOMS.iter().find(|(room, _)| *room == name);
    match here {
        _ if to == "http" => Some("nobody sees http".to_owned()),
        _ if WIRING.contains(&to) && here != "http" => Some(format!("only http sees crate::{to}")),
        "http" => None,
        "domain" => Some(format!(
            "domain is pure rules and sees nothing of ours, not crate::{to}"
        )),
        "schedule" => {
            let known = ["clock", "error", "db", "keys", "on"].contains(&to);
            (!known).then(|| format!("schedule.rs knows no room by name, so not crate::{to}"))
        }
        "simulators" => {
            let known = ["clock", "config", "domain", "error", "keys", "connectors"].contains(&to);
            (!known).then(|| format!("a simulator imitates a system from outside, so not crate::{to}"))
        }
        _ if FLOOR.contains(&here) => (room(to).is_some())
            .then(|| format!("{here}.rs lies under every room and sees none, so not crate::{to}")),
        _ => {
            let (_, allowed) = room(here)?;
            let known = allowed.contains(&to) || FLOOR.contains(&to) || HELPERS.contains(&to);
            (!known).then(|| format!("no arrow from {here} to {to}"))
        }
    }
}

fn connector_rule(module: &[String], to: &str, part: &str) -> Option<String> {
    let file = module.get(1).map_or("mod", String::as_str);
    if to == "connectors" {
        let shared = ["", "http", "jwks", "guard", "conformance"];
        let one_system = !shared.contains(&file) && file != "mod";
        let another =
            part.starts_with(|c: char| c.is_ascii_lowercase()) && !shared.contains(&part) && part != file;
        return (one_system && another && is_system(part))
            .then(|| format!("a connector knows its own system only, not connectors::{part}"));
    }
    let known =
        ["clock", "config", "domain", "error", "keys"].contains(&to) || (file == "mod" && to == "simulators");
    (!known).then(|| format!("a connector sees domain and the shared connectors files, not crate::{to}"))
}

/// Connector files of one system each.
fn is_system(name: &str) -> bool {
    ["portal", "simulator"].contains(&name)
}

/// Libraries that have one home.
fn outside_rule(within: &str, here: &str, store: bool, named: &Named) -> Option<String> {
    let library = named.path[0].as_str();
    let rule = |rule: &str| Some(format!("{library}: {rule}"));
    match library {
        "sqlx" if !store && !SQL_FLOOR.contains(&here) => {
            rule("only store.rs files and the floor speak to a database")
        }
        // Conditions are data and the same for both databases: rooms may build them.
        "sea_query" | "sea_query_sqlx"
            if ["http", "connectors", "domain", "simulators", "cli"].contains(&here) =>
        {
            rule("conditions are built in rooms")
        }
        // One home for calls of connected systems, one for the command line's calls of a portal.
        "reqwest" if !within.starts_with("connectors/http/") && within != "cli/remote/http.rs" => {
            let only_a_word = named
                .path
                .get(1)
                .is_some_and(|part| ["Method", "StatusCode", "header"].contains(&part.as_str()));
            if only_a_word {
                None
            } else {
                rule("outbound calls go through connectors/http")
            }
        }
        // The demo shows an app of somebody else; nothing of Curfew leans on it.
        "embedding_app" if here != "simulators" => rule("the example app is part of the demo"),
        "axum" | "leptos" | "leptos_axum" | "tower_http"
            if !["http", "simulators", "cli", "portal", "main"].contains(&here) =>
        {
            rule("only http knows HTTP")
        }
        "tokio" | "axum" | "leptos" | "tracing" if here == "domain" => {
            rule("domain is pure rules: no input, no output")
        }
        "std"
            if here == "domain"
                && (named.is(&["std", "fs"])
                    || named.is(&["std", "net", "TcpStream"])
                    || named.is(&["std", "time"])) =>
        {
            rule("domain reads no clock, file or network")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(krate: &str, within: &str, text: &str) -> Vec<String> {
        in_file(krate, within, text)
            .into_iter()
            .map(|problem| problem.rule)
            .collect()
    }

    #[test]
    fn the_house_keeps_its_rules() {
        let problems = problems(&Places::find().unwrap()).unwrap();
        let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }

    #[test]
    fn a_rooms_store_is_its_own() {
        assert_eq!(
            rules(
                "server",
                "endings/worker.rs",
                "use super::store;\nuse crate::sessions::find;"
            ),
            [""; 0]
        );
        let broken = rules(
            "server",
            "endings/worker.rs",
            "fn f() { crate::sessions::store::all() }",
        );
        assert!(broken[0].contains("a room's store is its own"), "{broken:?}");
        assert_eq!(
            rules(
                "server",
                "sessions/collect.rs",
                "use super::super::endings::Ending;"
            )
            .len(),
            1
        );
    }

    #[test]
    fn nobody_sees_http_and_domain_sees_nobody() {
        assert_eq!(
            rules("server", "audit/mod.rs", "use crate::http::router;").len(),
            1
        );
        assert_eq!(rules("server", "cli.rs", "use crate::http::router;"), [""; 0]);
        assert_eq!(
            rules(
                "server",
                "domain/grant.rs",
                "use crate::db::Db; use tokio::spawn;"
            )
            .len(),
            2
        );
    }

    #[test]
    fn libraries_have_one_home() {
        assert_eq!(
            rules("server", "sessions/mod.rs", "let x = sqlx::query(a);").len(),
            1
        );
        assert_eq!(
            rules("server", "sessions/store.rs", "let x = sqlx::query(a);"),
            [""; 0]
        );
        assert_eq!(
            rules("server", "connectors/simulator.rs", "let x = reqwest::get(a);").len(),
            1
        );
        assert_eq!(
            rules("server", "tickets/mod.rs", "use embedding_app::Settings;").len(),
            1
        );
    }

    #[test]
    fn a_connector_knows_its_own_system_only() {
        assert_eq!(
            rules(
                "server",
                "connectors/simulator.rs",
                "use super::http::Outbound; use super::Connector;"
            ),
            [""; 0]
        );
        assert_eq!(
            rules("server", "connectors/simulator.rs", "use crate::audit::Entry;").len(),
            1
        );
        assert_eq!(
            rules("server", "connectors/simulator.rs", "use super::portal::Portal;").len(),
            1
        );
    }

    #[test]
    fn features_see_of_each_other_only_the_wire() {
        assert_eq!(
            rules(
                "app",
                "endings/preview.rs",
                "use crate::sessions::wire::SessionKind; use crate::ui::Button;"
            ),
            [""; 0]
        );
        assert_eq!(
            rules("app", "endings/preview.rs", "use crate::sessions::table::Row;").len(),
            1
        );
        assert_eq!(
            rules("app", "ui/button.rs", "use crate::sessions::table::Row;").len(),
            1
        );
        assert_eq!(rules("app", "audit/wire.rs", "use leptos::prelude::*;").len(), 1);
    }
}
