//! The room over a database, and the sessions it is asked about through its port.

use app::sessions::port::SessionsPort;
use app::sessions::wire::{SelectionEdit, SelectionSummary, SessionsPage};
use app::wire::SessionKey;

use super::*;
use crate::access::Access;
use crate::audit::Audit;
use crate::caller::For;
use crate::clock::FakeClock;
use crate::config::SignInRules;
use crate::on;
use crate::policies::Policies;
use crate::sessions::Sessions;
use crate::sessions::testing::Seed;
use crate::systems::Systems;

/// The room over a database, with a clock to move.
pub(super) struct House {
    pub(super) test: TestDb,
    pub(super) room: Arc<Sessions>,
    pub(super) clock: Arc<FakeClock>,
}

/// Both houses, each with these sessions; every system of [`SYSTEMS`] and `curfew` was read whole just now.
pub(super) async fn houses(seeds: &[Seed]) -> Vec<House> {
    let mut houses = Vec::new();
    for test in TestDb::both().await.unwrap() {
        let clock = Arc::new(FakeClock::at(NOW));
        let key = Arc::new(key());
        let audit = Arc::new(Audit::new(test.db.clone(), clock.clone(), key.clone()));
        let systems = Arc::new(Systems::new(test.db.clone(), clock.clone(), audit.clone()));
        let access = Access::new(
            test.db.clone(),
            clock.clone(),
            audit.clone(),
            "http://127.0.0.1",
            SignInRules::default(),
        );
        let policies = Policies::new(test.db.clone(), clock.clone(), audit.clone());
        policies.ensure_own().await.unwrap();
        let settings: String = SYSTEMS
            .iter()
            .map(|id| {
                let name = testing::system_name(id);
                format!(
                    "[systems.{id}]\nkind = \"simulator\"\nname = \"{name}\"\nurl = \"http://127.0.0.1:9\"\ntoken = \"env:PATH\"\n"
                )
            })
            .collect();
        let problems = systems
            .apply_settings(&toml::from_str(&settings).unwrap(), None)
            .await
            .unwrap();
        assert_eq!(problems, Vec::<String>::new());
        let mut conn = test.db.write().await.unwrap();
        testing::insert_system(&mut conn, "curfew", NOW).await.unwrap();
        on!(conn, c => drop(sqlx::query("UPDATE system SET last_complete_pass_started_at = $1, configured = 1")
            .bind(NOW.0).execute(&mut *c).await.unwrap()));
        on!(conn, c => drop(sqlx::query("INSERT INTO operator (operator_id, login, display_name, created_at) \
            VALUES ('op-1', 'olga', 'Olga Peters', 0)").execute(&mut *c).await.unwrap()));
        testing::insert(&mut conn, &key, seeds).await.unwrap();
        conn.commit().await.unwrap();
        let room = Arc::new(Sessions::new(
            test.db.clone(),
            clock.clone(),
            key,
            systems,
            Arc::new(access),
            Arc::new(policies),
            audit,
        ));
        houses.push(House { test, room, clock });
    }
    houses
}

impl House {
    pub(super) fn port(&self, caller: &Caller) -> For<Sessions> {
        For::new(&self.room, &Arc::new(caller.clone()))
    }

    pub(super) async fn list(&self, caller: &Caller, query: &SessionQuery) -> SessionsPage {
        self.port(caller)
            .list_sessions(query.clone(), true)
            .await
            .unwrap()
    }

    pub(super) async fn number(&self, sql: &'static str) -> i64 {
        let mut conn = self.test.db.read().await.unwrap();
        on!(conn, c => sqlx::query_scalar(sql).fetch_one(c).await.unwrap())
    }

    pub(super) async fn run(&self, sql: &'static str) {
        let mut conn = self.test.db.write().await.unwrap();
        on!(conn, c => drop(sqlx::query(sql).execute(c).await.unwrap()));
        conn.commit().await.unwrap();
    }
}

pub(super) fn seed(system: &str, account: &str, name: &str) -> Seed {
    Seed {
        system_id: system.to_owned(),
        account_id: account.to_owned(),
        account_name: account.to_owned(),
        display_name: name.to_owned(),
        created_at: Some(NOW.0 - 3_600_000),
        last_active_at: Some(NOW.0 - 60_000),
        ..Seed::default()
    }
}

pub(super) fn session_key(seed: &Seed) -> SessionKey {
    SessionKey(seed.row(&key()).session_key)
}

pub(super) fn search(text: &str) -> SessionQuery {
    SessionQuery {
        search: text.to_owned(),
        ..SessionQuery::default()
    }
}

pub(super) fn tick(keys: Vec<SessionKey>) -> SelectionEdit {
    SelectionEdit {
        shown: keys.clone(),
        ticked: keys,
        ..SelectionEdit::default()
    }
}

pub(super) fn sessions(summary: &SelectionSummary) -> u64 {
    summary.sessions.at_least()
}
