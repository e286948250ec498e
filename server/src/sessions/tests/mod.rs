//! The list on both databases, beside a plain filter in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use app::access::wire::{People, Permission, Places, Scope, ScopeSite, ThesePeople};
use app::sessions::query::SessionQuery;
use app::wire::{Count, GrantId, GroupId, OperatorId};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use self::model::{GROUP, Known, NOW, SITES, SYSTEMS};
use super::filter::{Dialect, View};
use super::list::{self, Page, Reach};
use super::testing;
use crate::caller::{Caller, CallerKind, Origin, SecondFactor};
use crate::db::Db;
use crate::db::testing::TestDb;
use crate::domain::grant::Grant;
use crate::keys::HashKey;

mod earlier;
mod finding;
mod guests;
mod hidden;
mod house;
mod model;
mod page;
mod paging;
mod ticks;

/// Small enough that a few hundred rows go every way: counted to the end or not, gathered, walked, walked in vain.
const SMALL: Reach = Reach {
    page: 7,
    count_up_to: 25,
    walk_at_most: 40,
};

fn key() -> HashKey {
    HashKey::new([7; 32])
}

/// An operator with these grants.
fn caller(grants: &[(&[Permission], Scope)]) -> Caller {
    Caller {
        kind: CallerKind::Operator,
        id: OperatorId::from("op-1"),
        name: "Olga Peters".to_owned(),
        login: "olga".to_owned(),
        session: None,
        auth_at: Some(NOW),
        factor: SecondFactor::NotSet,
        screen_share: false,
        grants: grants
            .iter()
            .enumerate()
            .map(|(at, (permissions, scope))| Grant {
                grant_id: GrantId(at.to_string()),
                permissions: permissions.to_vec(),
                scope: scope.clone(),
                expires_at: None,
            })
            .collect(),
        origin: Origin::default(),
        who_can_give: vec!["Ada Admin".to_owned()],
    }
}

const SEE: Permission = Permission::SeeSessions;
const NET: Permission = Permission::SeeNetworkData;

fn everything() -> Caller {
    caller(&[(&Permission::ALL, Scope::EVERYWHERE)])
}

fn systems(ids: &[&str]) -> Scope {
    Scope::systems(ids.iter().copied())
}

fn accounts(names: &[&str]) -> Scope {
    Scope::accounts(names.iter().copied())
}

fn these(domains: &[&str], groups: &[&str]) -> Scope {
    Scope {
        places: Places::Everywhere,
        people: People::These(ThesePeople {
            domains: domains.iter().map(|d| (*d).to_owned()).collect(),
            groups: groups.iter().map(|g| GroupId::from(*g)).collect(),
            ..ThesePeople::default()
        }),
    }
}

fn site(system: &str, site: &str) -> Scope {
    Scope {
        places: Places::Sites(vec![ScopeSite {
            system_id: system.into(),
            site: site.to_owned(),
        }]),
        people: People::Everybody,
    }
}

/// Callers of every reach: all, some systems or sites, some people by name, mail or group, with and without network
/// data, partly masked.
fn callers() -> Vec<Caller> {
    vec![
        everything(),
        caller(&[(&[SEE], Scope::EVERYWHERE)]),
        caller(&[(&[SEE, NET], systems(&["domo", "uportal"]))]),
        caller(&[(&[SEE], Scope::EVERYWHERE), (&[NET], systems(&["keycloak"]))]),
        caller(&[
            (&[SEE], accounts(&["Änne"])),
            (&[SEE], accounts(&["asmith"]).in_systems(["domo"])),
        ]),
        caller(&[(&[SEE, NET], these(&[], &[GROUP.0]))]),
        caller(&[
            (&[SEE], these(&["Example.org"], &["nobody's"])),
            (&[NET], these(&[], &[GROUP.0]).in_systems(["domo", "keycloak"])),
        ]),
        caller(&[
            (&[SEE], site("uportal", SITES[1])),
            (
                &[SEE, NET],
                these(&["example.org"], &[GROUP.0]).in_systems(["domo"]),
            ),
        ]),
        caller(&[
            (&[SEE], systems(&["domo"])),
            (&[SEE, NET], accounts(&["SVC_100%"]).in_systems(["uportal"])),
            (&[SEE, NET], accounts(&["anne"])),
        ]),
        caller(&[(&[NET], Scope::EVERYWHERE)]),
    ]
}

/// Both databases with the same `count` sessions of any sort.
async fn estates(count: usize) -> (Vec<TestDb>, Vec<Known>) {
    let mut runner = TestRunner::deterministic();
    let known: Vec<Known> = (0..count)
        .map(|_| Known::new(model::seed().new_tree(&mut runner).unwrap().current(), &key()))
        .collect();
    let seeds: Vec<_> = known.iter().map(|k| k.seed.clone()).collect();
    let dbs = TestDb::both().await.unwrap();
    for test in &dbs {
        let mut conn = test.db.write().await.unwrap();
        for system in SYSTEMS {
            testing::insert_system(&mut conn, system, NOW).await.unwrap();
        }
        testing::insert(&mut conn, &key(), &seeds).await.unwrap();
        testing::insert_group(&mut conn, GROUP.0, GROUP.1).await.unwrap();
        model::insert_kind_limits(&mut conn).await;
        conn.commit().await.unwrap();
    }
    (dbs, known)
}

/// One page; `None` when the query may not be asked.
async fn page(db: &Db, query: &SessionQuery, view: &View, reach: Reach) -> Option<Page> {
    let mut conn = db.read().await.unwrap();
    let filter = view.filter(query, Dialect::of(&conn)).ok()?;
    Some(
        list::page(&mut conn, query, &filter, reach)
            .await
            .unwrap()
            .unwrap(),
    )
}

/// Runs a property with asynchronous steps.
fn check<S: Strategy>(cases: u32, strategy: S, test: impl AsyncFn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let handle = tokio::runtime::Handle::current();
    let outcome = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&strategy, |value| handle.block_on(test(value)))
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

fn keys(page: &Page) -> Vec<String> {
    page.rows.iter().map(|row| row.session_key.clone()).collect()
}
