//! Settings applied again and again, health and its audit, and who may see and do what; on both databases.

use app::access::wire::{Permission, Scope};
use app::error::AppError;
use app::systems::port::SystemsPort;
use app::systems::wire::{Health, SelfTestStep, StepResult};
use app::wire::{Count, GrantId, OperatorId};

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::caller::{Caller, CallerKind, For, Origin, SecondFactor};
use crate::clock::FakeClock;
use crate::connectors::{Connector, ConnectorError, EndEffect, Proof, SelfTest};
use crate::db::testing::TestDb;
use crate::domain::grant::Grant;
use crate::keys::HashKey;
use crate::on;
use crate::simulators::simulator::Simulator;
use crate::simulators::simulator::shape::Shape;

const START: Timestamp = Timestamp(1_900_000_000_000);

struct House {
    _db: TestDb,
    db: Db,
    clock: Arc<FakeClock>,
    systems: Arc<Systems>,
    sim: Simulator,
    config: Config,
}

fn id(text: &str) -> SystemId {
    SystemId::from(text)
}

impl House {
    async fn both() -> Vec<Self> {
        let mut houses = Vec::new();
        for test in TestDb::both().await.unwrap() {
            let clock = Arc::new(FakeClock::at(START));
            let db = test.db.clone();
            let key = Arc::new(HashKey::new([3; 32]));
            let audit = Arc::new(Audit::new(db.clone(), clock.clone(), key));
            let systems = Arc::new(Systems::new(db.clone(), clock.clone(), audit));
            let sim = Simulator::start(clock.clone(), Shape::default()).await.unwrap();
            let mut config = Config::default();
            config.systems.insert("sim".to_owned(), sim.settings("Simulated"));
            config.systems.insert("other".to_owned(), sim.settings("Another"));
            assert!(systems.apply_settings(&config, None).await.unwrap().is_empty());
            houses.push(Self {
                _db: test,
                db,
                clock,
                systems,
                sim,
                config,
            });
        }
        houses
    }

    fn caller(&self, scope: Scope, permissions: &[Permission]) -> For<Systems> {
        let caller = Caller {
            kind: CallerKind::Operator,
            id: OperatorId::from("op-1"),
            name: "Noor Haddad".to_owned(),
            login: "noor".to_owned(),
            session: None,
            auth_at: Some(START),
            factor: SecondFactor::NotSet,
            screen_share: false,
            grants: vec![Grant {
                grant_id: GrantId::from("g-1"),
                permissions: permissions.to_vec(),
                scope,
                expires_at: None,
            }],
            origin: Origin::default(),
            who_can_give: vec!["Ada".to_owned()],
        };
        For::new(&self.systems, &Arc::new(caller))
    }

    fn admin(&self) -> For<Systems> {
        self.caller(
            Scope::EVERYWHERE,
            &[Permission::SeeSessions, Permission::ManageSystems],
        )
    }

    async fn health(&self, system: &str) -> Health {
        let page = self.admin().systems_page().await.unwrap();
        page.systems
            .iter()
            .find(|s| s.brief.system_id == id(system))
            .unwrap()
            .brief
            .health
    }

    async fn note(&self, system: &str, end: PassEnd) {
        let connected = self.systems.connected(&id(system)).unwrap();
        let mut conn = self.db.write().await.unwrap();
        let now = self.clock.now();
        self.systems
            .note_pass(&mut conn, &connected, now, &end)
            .await
            .unwrap();
        conn.commit().await.unwrap();
    }

    async fn audited(&self, action: &str) -> Vec<String> {
        let mut conn = self.db.read().await.unwrap();
        on!(conn, c => sqlx::query_scalar("SELECT target FROM audit_entry WHERE action = $1 ORDER BY seq")
            .bind(action).fetch_all(c).await.unwrap())
    }
}

#[tokio::test]
async fn settings_applied_again_keep_what_did_not_change() {
    for mut house in House::both().await {
        let before = house.systems.connected(&id("sim")).unwrap();
        house.config.systems.remove("other");
        house
            .config
            .systems
            .insert("new".to_owned(), house.sim.settings("New"));
        house.systems.apply_settings(&house.config, None).await.unwrap();
        let after = house.systems.connected(&id("sim")).unwrap();
        assert!(Arc::ptr_eq(&before, &after), "its history of failures is kept");
        assert!(house.systems.connected(&id("other")).is_none());
        assert_eq!(house.health("other").await, Health::Off);
        assert!(house.systems.connected(&id("new")).is_some());
        if let Some(settings) = house.config.systems.get_mut("sim") {
            settings.timeout_ms = Some(77);
        }
        house.systems.apply_settings(&house.config, None).await.unwrap();
        let changed = house.systems.connected(&id("sim")).unwrap();
        assert!(!Arc::ptr_eq(&before, &changed));
    }
}

#[tokio::test]
async fn a_bad_entry_connects_nothing_is_shown_and_can_be_mended() {
    for mut house in House::both().await {
        let good = house.config.systems["sim"].clone();
        let mut bad = good.clone();
        bad.own.insert("speed".to_owned(), 3.into());
        house.config.systems.insert("sim".to_owned(), bad);
        let problems = house.systems.apply_settings(&house.config, None).await.unwrap();
        assert!(problems.len() == 1 && problems[0].contains("systems.sim") && problems[0].contains("speed"));
        assert!(house.systems.connected(&id("sim")).is_none());
        assert_eq!(house.health("sim").await, Health::Failed);
        house.config.systems.insert("sim".to_owned(), good);
        assert!(
            house
                .systems
                .apply_settings(&house.config, None)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            house.health("sim").await,
            Health::Stale,
            "connected, not read yet"
        );
    }
}

#[tokio::test]
async fn a_stopped_system_turns_stale_then_failed_and_each_turn_is_audited_once() {
    for house in House::both().await {
        let down = || {
            PassEnd::Failed(ConnectorError::new(
                crate::connectors::ErrorKind::Unreachable,
                "No.",
            ))
        };
        house.note("sim", PassEnd::Complete).await;
        assert_eq!(house.health("sim").await, Health::Live);
        house.clock.advance(60);
        house.note("sim", down()).await;
        assert_eq!(house.health("sim").await, Health::Stale);
        for _ in 0..3 {
            house.clock.advance(31);
            house.note("sim", down()).await;
        }
        assert_eq!(house.health("sim").await, Health::Stale);
        let page = house.admin().systems_page().await.unwrap();
        let sim = page
            .systems
            .iter()
            .find(|s| s.brief.system_id == id("sim"))
            .unwrap();
        assert_eq!(sim.brief.trouble.as_deref(), Some("No."));
        assert_eq!(sim.brief.trouble_since, Some(START.plus_seconds(60)));
        assert_eq!((sim.brief.read_at, sim.failures), (Some(START), 4));
        house.clock.advance(900);
        house.note("sim", down()).await;
        assert_eq!(house.health("sim").await, Health::Failed);
        house.note("sim", PassEnd::Complete).await;
        assert_eq!(house.health("sim").await, Health::Live);
        let told = house.audited("connector_health").await;
        assert_eq!(
            told,
            ["Simulated is stale", "Simulated is failed", "Simulated is live"]
        );
    }
}

/// Each replica, and each start of one, told of the same turn again.
#[tokio::test]
async fn a_turn_of_health_is_told_once_by_all_replicas_together() {
    for house in House::both().await {
        let key = Arc::new(HashKey::new([3; 32]));
        let audit = Arc::new(Audit::new(house.db.clone(), house.clock.clone(), key));
        let replica = Systems::new(house.db.clone(), house.clock.clone(), audit);
        replica.apply_settings(&house.config, None).await.unwrap();
        house.clock.advance(1_000);
        for systems in [&house.systems, &replica, &house.systems] {
            let connected = systems.connected(&id("sim")).unwrap();
            let refused = ConnectorError::new(crate::connectors::ErrorKind::Unauthorized, "No.");
            let mut conn = house.db.write().await.unwrap();
            systems
                .note_pass(
                    &mut conn,
                    &connected,
                    house.clock.now(),
                    &PassEnd::Failed(refused),
                )
                .await
                .unwrap();
            conn.commit().await.unwrap();
        }
        assert_eq!(house.audited("connector_health").await, ["Simulated is failed"]);
    }
}

#[tokio::test]
async fn a_caller_sees_the_systems_their_grants_touch_and_no_others() {
    for house in House::both().await {
        house.note("sim", PassEnd::Complete).await;
        let scope = Scope::systems([id("sim")]);
        let helpdesk = house.caller(scope, &[Permission::SeeSessions]);
        let page = helpdesk.systems_page().await.unwrap();
        let seen: Vec<&str> = page.systems.iter().map(|s| s.brief.system_id.as_str()).collect();
        assert_eq!((seen, page.may_manage.len()), (vec!["sim"], 0));
        assert!(matches!(
            helpdesk.read_now(id("other")).await,
            Err(AppError::NotFound { .. })
        ));
        assert!(matches!(
            helpdesk.read_now(id("sim")).await,
            Err(AppError::Forbidden { .. })
        ));
        assert_eq!(house.audited("authz_fail").await, ["Simulated"]);
        let nobody = house.caller(Scope::systems(Vec::<SystemId>::new()), &[Permission::SeeSessions]);
        assert!(matches!(
            nobody.systems_page().await,
            Err(AppError::Forbidden { .. })
        ));
    }
}

#[tokio::test]
async fn who_sees_some_accounts_gets_a_count_of_those_only() {
    for house in House::both().await {
        let mut conn = house.db.write().await.unwrap();
        for (n, account) in ["Smith", "smith", "jones"].iter().enumerate() {
            on!(conn, c => sqlx::query(
                "INSERT INTO session (session_key, key_id, system_id, place, handle_hint, account_id, account_name, \
                 display_name, kind, state, browser, os, site, absolute_known, endable, seen_pass, first_seen_at, \
                 row_hash, search_text, person_sort, account_sort, system_sort, client_sort, ip_sort, created_sort, \
                 last_active_sort, idle_ends_sort, absolute_sort) VALUES ($1, 'k', 'sim', '', '', '', $2, '', 'web', \
                 'live', '', '', '', 0, 'yes', 0, 0, '', '', '', $3, '', '', '~', 0, 0, 0, 0)")
                .bind(format!("key-{n}")).bind(*account).bind(account.to_lowercase()).execute(c).await.unwrap().rows_affected());
        }
        conn.commit().await.unwrap();
        house.note("sim", PassEnd::Complete).await;
        let some = house.caller(Scope::accounts(["SMITH"]), &[Permission::SeeSessions]);
        let count = |page: app::systems::wire::SystemsPage| {
            page.systems
                .iter()
                .find(|s| s.brief.system_id == id("sim"))
                .unwrap()
                .brief
                .count
        };
        assert_eq!(count(some.systems_page().await.unwrap()), Count::Exactly(2));
        assert_eq!(
            count(house.admin().systems_page().await.unwrap()),
            Count::Exactly(3)
        );
    }
}

#[tokio::test]
async fn live_sessions_over_time_have_gaps_and_are_forgotten() {
    for house in House::both().await {
        house.note("sim", PassEnd::Complete).await;
        house.clock.advance(1_200);
        house.note("sim", PassEnd::Partial("half of it".to_owned())).await;
        house.clock.advance(1_200);
        house.note("sim", PassEnd::Complete).await;
        house.note("sim", PassEnd::Complete).await;
        let of_sim = || async {
            let all = house.admin().over_time().await.unwrap();
            let sim = all.into_iter().find(|s| s.system_id == id("sim")).unwrap();
            sim.live.unwrap()
        };
        let live = of_sim().await;
        assert_eq!((live.day.most.len(), live.month.most.len()), (144, 720));
        assert_eq!(live.day.most[139..], [Some(0), None, None, None, Some(0)]);
        house.systems.forget_samples().await.unwrap();
        assert_eq!(of_sim().await, live, "what is shown is kept");
        house.clock.advance(31 * 86_400);
        house.systems.forget_samples().await.unwrap();
        let mut conn = house.db.read().await.unwrap();
        let left: i64 = on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM live_sample")
            .fetch_one(c).await.unwrap());
        assert_eq!(left, 0);
    }
}

#[tokio::test]
async fn ui_k2_who_sees_some_people_of_a_system_learns_no_totals_over_time() {
    for house in House::both().await {
        house.note("sim", PassEnd::Complete).await;
        let some = house.caller(Scope::accounts(["smith"]), &[Permission::SeeSessions]);
        let over_time = some.over_time().await.unwrap();
        assert_eq!(over_time.len(), 2);
        assert!(over_time.iter().all(|system| system.live.is_none()));
        let whole = house.caller(Scope::systems([id("sim")]), &[Permission::SeeSessions]);
        let over_time = whole.over_time().await.unwrap();
        assert_eq!(over_time.len(), 1);
        assert!(over_time[0].live.is_some());
    }
}

#[tokio::test]
async fn a_paused_system_is_off_and_not_due_until_it_is_resumed() {
    for house in House::both().await {
        let admin = house.admin();
        admin.pause_system(id("sim")).await.unwrap();
        assert_eq!(house.health("sim").await, Health::Off);
        assert_eq!(house.systems.due(house.clock.now()).await.unwrap(), [id("other")]);
        assert!(matches!(
            admin.pause_system(id("sim")).await,
            Err(AppError::Conflict { .. })
        ));
        assert!(matches!(
            admin.read_now(id("sim")).await,
            Err(AppError::Conflict { .. })
        ));
        admin.resume_system(id("sim")).await.unwrap();
        assert_eq!(house.systems.due(house.clock.now()).await.unwrap().len(), 2);
        house.note("sim", PassEnd::Complete).await;
        assert_eq!(house.systems.due(house.clock.now()).await.unwrap(), [id("other")]);
        admin.read_now(id("sim")).await.unwrap();
        assert_eq!(house.systems.due(house.clock.now()).await.unwrap().len(), 2);
        let told = house.audited("connector_changed").await;
        let acts: Vec<&String> = told.iter().filter(|t| !t.contains("settings")).collect();
        assert_eq!(
            acts,
            ["Simulated: paused", "Simulated: resumed", "Simulated: read now"]
        );
    }
}

#[tokio::test]
async fn a_self_test_is_kept_and_only_a_whole_one_proves() {
    for house in House::both().await {
        let detail = async || {
            let page = house.admin().systems_page().await.unwrap();
            page.systems
                .into_iter()
                .find(|s| s.brief.system_id == id("sim"))
                .unwrap()
        };
        assert_eq!(detail().await.proven_at, None);
        house.sim.faults(|f| f.lie = true);
        let report = house.admin().self_test(id("sim")).await.unwrap();
        assert_eq!(report.steps.last().unwrap().result, StepResult::Failed);
        assert_eq!(detail().await.proven_at, None);
        house.sim.faults(|f| f.lie = false);
        let report = house.admin().self_test(id("sim")).await.unwrap();
        let now = detail().await;
        assert_eq!(
            (now.proven_at, now.self_test.as_ref()),
            (Some(START), Some(&report))
        );
        assert!(now.proven_build.unwrap().starts_with("Simulator"));
    }
}

#[tokio::test]
async fn a_proof_does_not_outlive_the_connectors_settings_it_was_made_with() {
    for mut house in House::both().await {
        house.admin().self_test(id("sim")).await.unwrap();
        let proven_at = async |house: &House| {
            let page = house.admin().systems_page().await.unwrap();
            let mut systems = page.systems.into_iter();
            systems
                .find(|s| s.brief.system_id == id("sim"))
                .unwrap()
                .proven_at
        };
        assert_eq!(proven_at(&house).await, Some(START));
        house.config.systems.get_mut("sim").unwrap().name = Some("Another name".to_owned());
        house.systems.apply_settings(&house.config, None).await.unwrap();
        assert_eq!(
            proven_at(&house).await,
            Some(START),
            "a name changes nothing there"
        );
        let own = &mut house.config.systems.get_mut("sim").unwrap().own;
        own.insert("batch".to_owned(), 7.into());
        house.systems.apply_settings(&house.config, None).await.unwrap();
        assert_eq!(proven_at(&house).await, None);
    }
}

/// A system whose build decides whether ending works.
struct Upgraded {
    build: Arc<Mutex<&'static str>>,
    works: Arc<Mutex<bool>>,
}

impl Connector for Upgraded {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At once".to_owned(),
            survives: String::new(),
            residual: None,
            not_listed: Vec::new(),
            before_you_end: String::new(),
        }
    }

    fn build(&self) -> Option<String> {
        Some((*self.build.lock().unwrap()).to_owned())
    }

    fn self_test(&self) -> Option<&dyn SelfTest> {
        Some(self)
    }
}

#[async_trait]
impl SelfTest for Upgraded {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let result = match *self.works.lock().unwrap() {
            true => StepResult::Passed,
            false => StepResult::Failed,
        };
        let step = SelfTestStep {
            name: "It was ended".to_owned(),
            result,
            detail: String::new(),
        };
        Ok(Proof {
            steps: vec![step],
            build: (*self.build.lock().unwrap()).to_owned(),
        })
    }
}

#[tokio::test]
async fn what_a_self_test_proved_counts_for_the_build_it_ran_on_and_no_other() {
    for house in House::both().await {
        let build = Arc::new(Mutex::new("1"));
        let works = Arc::new(Mutex::new(true));
        let system = Upgraded {
            build: build.clone(),
            works: works.clone(),
        };
        house
            .systems
            .connect_for_test("up", Arc::new(system))
            .await
            .unwrap();
        let said = async || {
            let page = house.admin().systems_page().await.unwrap();
            let mut systems = page.systems.into_iter();
            let detail = systems.find(|s| s.brief.system_id == id("up")).unwrap();
            let mut conn = house.db.read().await.unwrap();
            let proven = house.systems.proven(&mut conn).await.unwrap();
            (
                detail.brief.unproven,
                proven.contains_key(&id("up")),
                detail.proven_build,
            )
        };
        let runs = async |what: &'static str| {
            *build.lock().unwrap() = what;
            house.note("up", PassEnd::Complete).await;
        };
        let not_verified = || Some("Ending not verified on this build".to_owned());
        let one = || Some("1".to_owned());
        assert_eq!(said().await, (None, false, None), "nobody knows yet what it runs");
        runs("1").await;
        assert_eq!(said().await, (not_verified(), false, None));
        house.admin().self_test(id("up")).await.unwrap();
        assert_eq!(said().await, (None, true, one()));
        runs("2").await;
        assert_eq!(said().await, (not_verified(), false, one()), "upgraded");
        runs("1").await;
        assert_eq!(said().await, (None, true, one()), "and back");
        *works.lock().unwrap() = false;
        house.admin().self_test(id("up")).await.unwrap();
        let failed = "Ending not verified on this build: the self-test failed".to_owned();
        assert_eq!(said().await, (Some(failed), false, one()));
    }
}

#[test]
fn a_secret_that_was_changed_connects_anew_wherever_it_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    let named = format!("file:{}", file.display());
    for own in [
        format!("password = {named:?}"),
        format!("identity = {{ pat_name = \"curfew\", pat_secret = {named:?} }}"),
        format!("more = [{{ secret = {named:?} }}]"),
    ] {
        let settings: SystemSettings = toml::from_str(&format!("kind = \"test\"\n{own}")).unwrap();
        std::fs::write(&file, "one").unwrap();
        let one = fingerprint(&settings, 1).unwrap();
        assert_eq!(one, fingerprint(&settings, 1).unwrap());
        std::fs::write(&file, "two").unwrap();
        assert_ne!(one, fingerprint(&settings, 1).unwrap(), "{own}");
    }
}
