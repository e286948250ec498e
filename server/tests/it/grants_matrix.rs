//! Who may do what, where: every built-in role with every kind of scope, against every permission and every kind of
//! target. One reviewed file: a diff in it is a change of rights.
//!
//! After an intended change: `UPDATE_SNAPSHOTS=1 cargo test -p server --test it grants_matrix`.

use std::fmt::Write;

use app::access::wire::{People, Permission, Places, Scope, ScopeSite, ThesePeople};
use app::wire::{GrantId, SystemId, Timestamp};
use sea_query::Cond;
use server::access::BUILT_IN;
use server::caller::scope::Rows;
use server::db::testing::TestDb;
use server::domain::grant::{About, Grant, VisibleScope};
use server::keys::HashKey;
use server::sessions::testing::{self, Seed};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/grants_matrix.txt");
const NOW: Timestamp = Timestamp(1_000);

fn scopes() -> Vec<(&'static str, Scope, Option<Timestamp>)> {
    let smith = || Scope::accounts(["B.Smith"]);
    let these = |these: ThesePeople| Scope {
        places: Places::Everywhere,
        people: People::These(these),
    };
    let at_example = these(ThesePeople {
        domains: vec!["Example.org".to_owned()],
        ..ThesePeople::default()
    });
    let group = these(ThesePeople {
        groups: vec!["night".into()],
        ..ThesePeople::default()
    });
    let sales = Places::Sites(vec![ScopeSite {
        system_id: "north".into(),
        site: "sales".to_owned(),
    }]);
    vec![
        ("everywhere", Scope::EVERYWHERE, None),
        ("system north", Scope::systems(["north"]), None),
        ("b.smith in north", smith().in_systems(["north"]), None),
        ("b.smith in any system", smith(), None),
        ("mail at example.org", at_example.clone(), None),
        ("group night (a.jones)", group.clone(), None),
        ("group night in south", group.in_systems(["south"]), None),
        (
            "site sales of north",
            Scope {
                places: sales.clone(),
                people: People::Everybody,
            },
            None,
        ),
        (
            "mail at example.org in site sales of north",
            Scope {
                places: sales,
                ..at_example
            },
            None,
        ),
        ("everywhere, expired", Scope::EVERYWHERE, Some(NOW)),
        (
            "everywhere, about to expire",
            Scope::EVERYWHERE,
            Some(Timestamp(NOW.0 + 1)),
        ),
    ]
}

/// The sessions that scopes are tried on: by which name they are known below.
fn sessions() -> [(&'static str, Seed); 6] {
    let seed = |system: &str, account: &str| Seed {
        system_id: system.to_owned(),
        account_name: account.to_owned(),
        ..Seed::default()
    };
    [
        ("b.smith@north", seed("north", "b.smith")),
        ("b.smith@south", seed("south", "B.SMITH")),
        ("a.jones@north", seed("north", "a.jones")),
        ("nobody@north", seed("north", "")),
        (
            "eve@sales/north",
            Seed {
                site: "sales".to_owned(),
                ..seed("north", "eve")
            },
        ),
        (
            "mail@sales/north",
            Seed {
                site: "sales".to_owned(),
                email: Some("M@EXAMPLE.org".to_owned()),
                ..seed("north", "mia")
            },
        ),
    ]
}

async fn matrix() -> String {
    let test = TestDb::sqlite().await.unwrap();
    let sessions = sessions();
    let seeds: Vec<Seed> = sessions.iter().map(|(_, seed)| seed.clone()).collect();
    let mut conn = test.db.write().await.unwrap();
    let key = HashKey::new([1; 32]);
    let rows = testing::insert(&mut conn, &key, &seeds).await.unwrap();
    testing::insert_group(&mut conn, "night", &["a.jones"])
        .await
        .unwrap();
    let (north, south) = (SystemId::from("north"), SystemId::from("south"));
    let wholes = [
        ("portal", About::Portal),
        ("north", About::System(&north)),
        ("south", About::System(&south)),
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
                let keys = rows.iter().map(|row| row.session_key.clone());
                let covered = visible
                    .among(&mut conn, Rows::Sessions, "session_key", keys, Cond::all())
                    .await
                    .unwrap();
                let whole = wholes
                    .iter()
                    .filter(|(_, about)| visible.covers(*about))
                    .map(|(name, _)| *name);
                let single = sessions
                    .iter()
                    .zip(&rows)
                    .filter(|(_, row)| covered.contains(&row.session_key))
                    .map(|((name, _), _)| *name);
                let reached: Vec<&str> = whole.chain(single).collect();
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

#[tokio::test]
async fn grants_matrix() {
    let now = matrix().await;
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(FILE, &now).unwrap();
    }
    let reviewed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        reviewed == now,
        "rights changed. Review: UPDATE_SNAPSHOTS=1 cargo test -p server --test it grants_matrix, then git diff"
    );
}

#[tokio::test]
async fn what_expired_or_is_for_nobody_reaches_nothing() {
    let text = matrix().await;
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
