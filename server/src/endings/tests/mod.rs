//! The room on real databases, against a simulated system over loopback HTTP; the clock is ours.

use std::sync::Arc;

use app::access::wire::Scope;
use app::endings::wire::{Confirm, Confirmed, EndingItemRow, EndingPage, Outcome};
use app::wire::{EndingId, OperatorId, SessionKey, SystemId, Timestamp};

use super::{Endings, Parts};
use crate::access::{Access, SeedOperator};
use crate::audit::Audit;
use crate::caller::{Caller, Origin};
use crate::changes::Changes;
use crate::clock::{Clock, FakeClock};
use crate::config::{Config, EndingRules, SignInRules};
use crate::db::testing::TestDb;
use crate::keys::HashKey;
use crate::on;
use crate::policies::Policies;
use crate::sessions::collect::Collector;
use crate::signin::connector::Portal;
use crate::simulators::simulator::Simulator;
use crate::simulators::simulator::shape::Shape;
use crate::systems::Systems;

mod approvals;
mod asking;
mod outcomes;
mod plans;
mod rules;
mod scope;
mod stages;

/// When the tests begin.
const START: Timestamp = Timestamp(1_800_000_000_000);

/// A portal with one connected system, `north`.
struct Stage {
    test: TestDb,
    clock: Arc<FakeClock>,
    sim: Simulator,
    systems: Arc<Systems>,
    collector: Arc<Collector>,
    access: Arc<Access>,
    audit: Arc<Audit>,
    changes: Arc<Changes>,
    key: Arc<HashKey>,
    config: Config,
    endings: Arc<Endings>,
    ada: Caller,
}

fn north() -> SystemId {
    SystemId::from("north")
}

impl Stage {
    async fn on(test: TestDb, rules: EndingRules) -> Self {
        let db = test.db.clone();
        let clock = Arc::new(FakeClock::at(START));
        let shared: Arc<dyn Clock> = clock.clone();
        let key = Arc::new(HashKey::new([1; 32]));
        let audit = Arc::new(Audit::new(
            db.clone(),
            shared.clone(),
            Arc::new(HashKey::new([2; 32])),
        ));
        let rules_of_sign_in = SignInRules::default();
        let access = Arc::new(Access::new(
            db.clone(),
            shared.clone(),
            audit.clone(),
            "http://localhost",
            rules_of_sign_in,
        ));
        access.ensure_built_in_roles().await.unwrap();
        let policies = Arc::new(Policies::new(db.clone(), shared.clone(), audit.clone()));
        let systems = Arc::new(Systems::new(db.clone(), shared.clone(), audit.clone()));
        let sim = Simulator::start(shared.clone(), Shape::default()).await.unwrap();
        let mut config = Config::default();
        let mut settings = sim.settings("North");
        settings.timeout_ms = Some(500);
        config.systems.insert("north".to_owned(), settings);
        let portal = Portal::new(db.clone(), shared.clone(), access.clone(), policies.clone());
        let problems = systems
            .apply_settings(&config, Some(Arc::new(portal)))
            .await
            .unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        let collector = Arc::new(Collector::new(
            db.clone(),
            shared.clone(),
            audit.clone(),
            key.clone(),
            systems.clone(),
            policies,
        ));
        let changes = Changes::new(db.clone());
        let mut stage = Self {
            ada: crate::caller::testing::caller("nobody", &[], Scope::EVERYWHERE),
            endings: Arc::new(Endings::new(Parts {
                db,
                clock: shared,
                key: key.clone(),
                collector: collector.clone(),
                systems: systems.clone(),
                access: access.clone(),
                audit: audit.clone(),
                changes: changes.clone(),
                rules,
            })),
            test,
            clock,
            sim,
            systems,
            collector,
            access,
            audit,
            changes,
            key,
            config,
        };
        stage.ada = stage
            .operator("ada", &[("administrator", Scope::EVERYWHERE)])
            .await;
        stage
    }

    /// One on each database.
    async fn both() -> Vec<Self> {
        Self::both_with(EndingRules::default()).await
    }

    async fn both_with(rules: EndingRules) -> Vec<Self> {
        let mut stages = Vec::new();
        for test in TestDb::both().await.unwrap() {
            stages.push(Self::on(test, rules.clone()).await);
        }
        stages
    }

    /// The portal starts again with a new session key beside the one it had.
    fn change_key(&mut self) {
        let key = Arc::new(HashKey::new([9; 32]).after(HashKey::new([1; 32])));
        let db = self.test.db.clone();
        let clock: Arc<dyn Clock> = self.clock.clone();
        self.collector = Arc::new(Collector::new(
            db.clone(),
            clock.clone(),
            self.audit.clone(),
            key.clone(),
            self.systems.clone(),
            Arc::new(Policies::new(db.clone(), clock.clone(), self.audit.clone())),
        ));
        self.endings = Arc::new(Endings::new(Parts {
            db,
            clock,
            key,
            collector: self.collector.clone(),
            systems: self.systems.clone(),
            access: self.access.clone(),
            audit: self.audit.clone(),
            changes: self.changes.clone(),
            rules: EndingRules::default(),
        }));
    }

    /// Another replica: the same database and systems, a worker of its own.
    fn replica(&self) -> Arc<Endings> {
        Arc::new(Endings::new(Parts {
            db: self.test.db.clone(),
            clock: self.clock.clone(),
            key: self.key.clone(),
            collector: self.collector.clone(),
            systems: self.systems.clone(),
            access: self.access.clone(),
            audit: self.audit.clone(),
            changes: self.changes.clone(),
            rules: EndingRules::default(),
        }))
    }

    async fn operator(&self, login: &str, grants: &[(&str, Scope)]) -> Caller {
        let seed = SeedOperator {
            login,
            display_name: login,
            grants,
            reason: "test",
        };
        let id = self.access.seed_operator(&seed).await.unwrap();
        self.caller(&id).await
    }

    /// The operator as they are now, freshly authenticated.
    async fn caller(&self, id: &OperatorId) -> Caller {
        let now = self.clock.now();
        let caller = self
            .access
            .caller_of(id, None, Some(now), Origin::default(), now)
            .await
            .unwrap();
        caller.unwrap()
    }

    async fn collect(&self) {
        self.collector.collect(&north()).await.unwrap().unwrap();
    }

    /// Opens sessions for the people with these numbers and collects them; raw ids.
    async fn sign_in(&self, people: &[usize]) -> Vec<String> {
        self.clock.advance(1);
        let ids = people.iter().map(|n| self.sim.open(*n)).collect();
        self.clock.advance(1);
        self.collect().await;
        ids
    }

    fn key_of(&self, raw_id: &str) -> SessionKey {
        self.key.session_key("north", "", "web", raw_id)
    }

    async fn draft(&self, caller: &Caller, raw_ids: &[String]) -> EndingId {
        let keys: Vec<SessionKey> = raw_ids.iter().map(|id| self.key_of(id)).collect();
        self.endings.draft_of_keys(caller, &keys).await.unwrap()
    }

    /// The form as a careful person fills it in.
    async fn form(&self, ending: &EndingId) -> Confirm {
        let sql = "SELECT item_count FROM ending WHERE ending_id = $1";
        Confirm {
            reason: "Left the company".to_owned(),
            ticket_ref: "T-1".to_owned(),
            typed_number: self.one(sql, ending.as_str()).await.to_string(),
            ..Confirm::default()
        }
    }

    /// Drafts and confirms an ending of these sessions by Ada; its number.
    async fn ask_to_end(&self, raw_ids: &[String]) -> i64 {
        let ada = self.caller(&self.ada.id).await;
        let draft = self.draft(&ada, raw_ids).await;
        let form = self.form(&draft).await;
        self.started(&ada, &draft, form).await
    }

    /// Confirms a preview that needs nobody else; its number.
    async fn started(&self, caller: &Caller, draft: &EndingId, form: Confirm) -> i64 {
        match self.endings.confirm(caller, draft, form).await.unwrap() {
            Confirmed::Started(ending_no) => ending_no,
            waits => panic!("it did not begin: {waits:?}"),
        }
    }

    async fn work(&self) -> usize {
        self.endings.work_due().await.unwrap()
    }

    /// Works through every pause until no item is open.
    async fn work_to_the_end(&self, ending_no: i64) -> EndingPage {
        for _ in 0..400 {
            self.work().await;
            let page = self.page(ending_no).await;
            if page.brief.counts.settled() == page.brief.counts.wanted {
                return page;
            }
            self.clock.advance(2);
        }
        panic!(
            "ending {ending_no} never settled: {:?}",
            self.page(ending_no).await
        );
    }

    async fn page(&self, ending_no: i64) -> EndingPage {
        self.endings
            .ending_page(&self.ada, ending_no, None, None)
            .await
            .unwrap()
    }

    async fn item(&self, ending_no: i64, raw_id: &str) -> EndingItemRow {
        let key = self.key_of(raw_id);
        let page = self.page(ending_no).await;
        page.items.into_iter().find(|i| i.session_key == key).unwrap()
    }

    async fn outcome(&self, ending_no: i64, raw_id: &str) -> Option<Outcome> {
        self.item(ending_no, raw_id).await.outcome
    }

    /// State of a session in the inventory.
    async fn state(&self, raw_id: &str) -> String {
        let key = self.key_of(raw_id);
        let mut conn = self.test.db.read().await.unwrap();
        let sql = "SELECT state FROM session WHERE session_key = $1";
        on!(conn, c => sqlx::query_scalar(sql).bind(key.as_str()).fetch_one(c).await.unwrap())
    }

    /// One number out of the database.
    async fn one(&self, sql: &'static str, text: &str) -> i64 {
        let mut conn = self.test.db.read().await.unwrap();
        on!(conn, c => sqlx::query_scalar(sql).bind(text).fetch_one(c).await.unwrap())
    }

    /// How many audit entries carry this action.
    async fn entries(&self, action: &str) -> i64 {
        self.one("SELECT COUNT(*) FROM audit_entry WHERE action = $1", action)
            .await
    }

    /// Changes the database by hand.
    async fn by_hand(&self, sql: &'static str, text: &str) {
        let mut conn = self.test.db.write().await.unwrap();
        let touched = on!(conn, c => sqlx::query(sql).bind(text).execute(c).await.unwrap().rows_affected());
        assert!(touched > 0, "{sql} touched nothing");
        conn.commit().await.unwrap();
    }

    async fn assert_chain_whole(&self) {
        assert_eq!(self.audit.check().await.unwrap().broken, None);
    }
}
