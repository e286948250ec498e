//! Who may do what, where: every built-in role with every kind of scope, against every permission and every kind of
//! target. One reviewed file: a diff in it is a change of rights.
//!
//! After an intended change: `UPDATE_SNAPSHOTS=1 cargo test -p server --test it grants_matrix`.

use std::fmt::Write;

use app::access::wire::{Permission, Scope, ScopeAccount};
use app::wire::{GrantId, SystemId, Timestamp};
use server::access::BUILT_IN;
use server::domain::grant::{About, Grant, VisibleScope};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/grants_matrix.txt");
const NOW: Timestamp = Timestamp(1_000);

fn scopes() -> Vec<(&'static str, Scope, Option<Timestamp>)> {
    let north = || SystemId::from("north");
    let account = |system: Option<SystemId>| Scope::Accounts {
        accounts: vec![ScopeAccount {
            system_id: system,
            account: "B.Smith".to_owned(),
        }],
    };
    vec![
        ("everywhere", Scope::Everywhere, None),
        (
            "system north",
            Scope::Systems {
                systems: vec![north()],
            },
            None,
        ),
        ("b.smith in north", account(Some(north())), None),
        ("b.smith in any system", account(None), None),
        ("everywhere, expired", Scope::Everywhere, Some(NOW)),
        (
            "everywhere, about to expire",
            Scope::Everywhere,
            Some(Timestamp(NOW.0 + 1)),
        ),
    ]
}

fn matrix() -> String {
    let (north, south) = (SystemId::from("north"), SystemId::from("south"));
    let targets = [
        ("portal", About::PORTAL),
        ("north", About::system(&north)),
        ("south", About::system(&south)),
        ("b.smith@north", About::account(&north, "b.smith")),
        ("b.smith@south", About::account(&south, "B.SMITH")),
        ("a.jones@north", About::account(&north, "a.jones")),
        ("nobody@north", About::account(&north, "")),
    ];
    let mut out = String::from(
        "# role x scope x permission: the targets it reaches (server/tests/it/grants_matrix.rs)\n",
    );
    for (id, name, permissions) in BUILT_IN {
        for (scope_name, scope, expires_at) in scopes() {
            writeln!(out, "\n{name} ({id}) · {scope_name}").unwrap();
            let grants = [Grant {
                grant_id: GrantId::from("g"),
                permissions: permissions.to_vec(),
                scope,
                expires_at,
            }];
            for permission in Permission::ALL {
                let visible = VisibleScope::of(&grants, permission, NOW);
                let reached: Vec<&str> = targets
                    .iter()
                    .filter(|(_, about)| visible.covers(*about))
                    .map(|(name, _)| *name)
                    .collect();
                let reached = if reached.is_empty() {
                    "-".to_owned()
                } else {
                    reached.join(" ")
                };
                writeln!(out, "  {:<17} {reached}", permission.name()).unwrap();
            }
        }
    }
    out
}

#[test]
fn grants_matrix() {
    let now = matrix();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(FILE, &now).unwrap();
    }
    let reviewed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        reviewed == now,
        "rights changed. Review: UPDATE_SNAPSHOTS=1 cargo test -p server --test it grants_matrix, then git diff"
    );
}

#[test]
fn what_expired_or_is_for_nobody_reaches_nothing() {
    let text = matrix();
    let expired = text
        .split("\n\n")
        .filter(|block| block.contains("everywhere, expired"));
    for block in expired {
        for line in block.lines().skip(1) {
            assert!(line.ends_with(" -"), "{line}");
        }
    }
    for block in text.split("\n\n").filter(|b| b.contains("· b.smith")) {
        assert!(
            !block.contains("nobody@north") && !block.contains("portal"),
            "{block}"
        );
    }
}
