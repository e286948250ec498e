//! The list on both databases, beside a plain filter in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use app::access::wire::{Permission, Scope, ScopeAccount};
use app::sessions::query::SessionQuery;
use app::wire::{Count, GrantId, OperatorId, SystemId};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use self::model::{Known, NOW, SYSTEMS};
use super::filter::{Dialect, View};
use super::list::{self, Page, Reach};
use super::testing;
use crate::caller::{Caller, CallerKind, Origin, SecondFactor};
use crate::db::Db;
use crate::db::testing::TestDb;
use crate::domain::grant::Grant;
use crate::keys::HashKey;

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
    caller(&[(&Permission::ALL, Scope::Everywhere)])
}

fn systems(ids: &[&str]) -> Scope {
    Scope::Systems {
        systems: ids.iter().map(|id| SystemId::from(*id)).collect(),
    }
}

fn accounts(list: &[(Option<&str>, &str)]) -> Scope {
    Scope::Accounts {
        accounts: list
            .iter()
            .map(|(system, account)| ScopeAccount {
                system_id: system.map(SystemId::from),
                account: (*account).to_owned(),
            })
            .collect(),
    }
}

/// Callers of every reach: all, some systems, some accounts, with and without network data, partly masked.
fn callers() -> Vec<Caller> {
    vec![
        everything(),
        caller(&[(&[SEE], Scope::Everywhere)]),
        caller(&[(&[SEE, NET], systems(&["domo", "uportal"]))]),
        caller(&[(&[SEE], Scope::Everywhere), (&[NET], systems(&["keycloak"]))]),
        caller(&[(&[SEE], accounts(&[(None, "Änne"), (Some("domo"), "asmith")]))]),
        caller(&[
            (&[SEE], systems(&["domo"])),
            (
                &[SEE, NET],
                accounts(&[(Some("uportal"), "SVC_100%"), (None, "anne")]),
            ),
        ]),
        caller(&[(&[NET], Scope::Everywhere)]),
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
