//! What a pass does to the inventory, on both databases, against a simulated system.

use std::time::Duration;

use super::*;
use crate::clock::FakeClock;
use crate::config::Config;
use crate::db::testing::TestDb;
use crate::on;
use crate::simulators::people;
use crate::simulators::simulator::Simulator;
use crate::simulators::simulator::faults::{Bad, Faults};
use crate::simulators::simulator::shape::Shape;

const START: Timestamp = Timestamp(1_900_000_000_000);

/// One system, its far side, and a collector over a fresh database.
struct House {
    _db: TestDb,
    db: Db,
    clock: Arc<FakeClock>,
    sim: Simulator,
    systems: Arc<Systems>,
    collector: Arc<Collector>,
    config: Config,
}

fn sim_id() -> SystemId {
    SystemId::from("sim")
}

impl House {
    async fn on(test: TestDb) -> Self {
        let clock = Arc::new(FakeClock::at(START));
        let db = test.db.clone();
        let audit_key = Arc::new(HashKey::new([3; 32]));
        let audit = Arc::new(Audit::new(db.clone(), clock.clone(), audit_key));
        let policies = Arc::new(Policies::new(db.clone(), clock.clone(), audit.clone()));
        let systems = Arc::new(Systems::new(db.clone(), clock.clone(), audit.clone()));
        let sim = Simulator::start(clock.clone(), Shape::default()).await.unwrap();
        let mut settings = sim.settings("Simulated");
        settings.timeout_ms = Some(1_000);
        settings.own.insert("page".to_owned(), 40.into());
        let mut config = Config::default();
        config.systems.insert("sim".to_owned(), settings);
        assert!(systems.apply_settings(&config, None).await.unwrap().is_empty());
        let key = Arc::new(HashKey::new([7; 32]));
        let collector = Collector::new(db.clone(), clock.clone(), audit, key, systems.clone(), policies);
        Self {
            _db: test,
            db,
            clock,
            sim,
            systems,
            collector: Arc::new(collector),
            config,
        }
    }

    async fn both() -> Vec<Self> {
        let mut houses = Vec::new();
        for test in TestDb::both().await.unwrap() {
            houses.push(Self::on(test).await);
        }
        houses
    }

    async fn pass(&self) -> Pass {
        self.clock.advance(1);
        self.collector.collect(&sim_id()).await.unwrap().unwrap()
    }

    fn key_of(&self, raw: &str) -> String {
        self.collector.key.session_key("sim", "", "web", raw).0
    }

    /// (state, gone_at) of the session with this raw id; `None` = no row.
    async fn state(&self, raw: &str) -> Option<(String, Option<i64>)> {
        let mut conn = self.db.read().await.unwrap();
        let key = self.key_of(raw);
        on!(conn, c => sqlx::query_as("SELECT state, gone_at FROM session WHERE session_key = $1")
            .bind(key).fetch_optional(c).await.unwrap())
    }

    async fn count(&self, state: &str) -> i64 {
        let mut conn = self.db.read().await.unwrap();
        on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM session WHERE state = $1")
            .bind(state).fetch_one(c).await.unwrap())
    }

    async fn one(&self, sql: &'static str) -> Option<i64> {
        let mut conn = self.db.read().await.unwrap();
        on!(conn, c => sqlx::query_scalar(sql).fetch_one(c).await.unwrap())
    }

    /// What the endings room does when a read-back found a session gone.
    async fn mark_ended(&self, raw: &str) {
        let (key, now) = (self.key_of(raw), self.clock.now().0);
        let mut conn = self.db.write().await.unwrap();
        on!(conn, c => sqlx::query(
            "UPDATE session SET state = 'ended', gone_at = $2, gone_how = 'ended' WHERE session_key = $1")
            .bind(key).bind(now).execute(c).await.unwrap().rows_affected());
        conn.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_new_session_key_keeps_the_names_that_the_one_before_gave() {
    for mut house in House::both().await {
        let stays = house.sim.open(1);
        let leaves = house.sim.open(2);
        house.pass().await;
        let before = HashKey::new([7; 32]);
        let named = |raw: &str| before.session_key("sim", "", "web", raw).0;
        let key = HashKey::new([8; 32]).after(HashKey::new([7; 32]));
        let old = &house.collector;
        house.collector = Arc::new(Collector::new(
            house.db.clone(),
            house.clock.clone(),
            old.audit.clone(),
            Arc::new(key),
            house.systems.clone(),
            old.policies.clone(),
        ));
        house.clock.advance(60);
        house.sim.click(&stays);
        let came = house.sim.open(3);
        let pass = house.pass().await;
        assert_eq!((pass.written, pass.vanished), (2, 0));
        assert_eq!(house.count("live").await, 3);
        let mut conn = house.db.read().await.unwrap();
        let names: Vec<(String, String)> = on!(conn, c => sqlx::query_as("SELECT session_key, key_id FROM session")
            .fetch_all(c).await.unwrap());
        drop(conn);
        let by = |key: &HashKey, name: String| names.contains(&(name, key.id().to_owned()));
        assert!(by(&before, named(&stays)) && by(&before, named(&leaves)));
        assert!(by(&house.collector.key, house.key_of(&came)));
        let accounts = [people::person(1).account_id];
        let reading = house.collector.read_accounts(&sim_id(), &accounts).await.unwrap();
        assert!(reading.found.contains_key(&SessionKey(named(&stays))));
        house.sim.close(&leaves);
        assert_eq!(house.pass().await.vanished, 1);
        assert_eq!(house.count("live").await, 2);
    }
}

#[tokio::test]
async fn a_pass_writes_new_and_changed_rows_only() {
    for house in House::both().await {
        house.sim.fill(100, 60);
        let first = house.pass().await;
        assert_eq!(first.end, PassEnd::Complete);
        assert_eq!((first.seen, first.written, first.vanished), (100, 100, 0));
        let again = house.pass().await;
        assert_eq!((again.seen, again.written, again.vanished), (100, 0, 0));
        house.sim.open(70);
        let third = house.pass().await;
        assert_eq!((third.seen, third.written), (101, 1));
        assert_eq!(house.count("live").await, 101);
        let versions = house
            .one("SELECT version FROM change WHERE topic = 'sessions:sim'")
            .await;
        assert_eq!(versions, Some(2), "nobody is told of a pass that changed nothing");
    }
}

#[tokio::test]
async fn what_a_whole_list_lacks_has_vanished_and_may_come_back() {
    for house in House::both().await {
        let raw = house.sim.open(1);
        house.sim.open(2);
        house.pass().await;
        let kept = house.sim.sessions_of(1).remove(0);
        house.sim.close(&raw);
        let pass = house.pass().await;
        assert_eq!(pass.vanished, 1);
        assert_eq!(
            house.state(&raw).await.unwrap(),
            ("vanished".to_owned(), Some(pass.started_at.0))
        );
        house.sim.add(kept);
        house.pass().await;
        assert_eq!(house.state(&raw).await.unwrap(), ("live".to_owned(), None));
    }
}

#[tokio::test]
async fn nothing_is_called_gone_by_a_list_that_is_not_whole() {
    for house in House::both().await {
        house.sim.fill(90, 90);
        assert_eq!(house.pass().await.end, PassEnd::Complete);
        let age = house
            .one("SELECT last_complete_pass_started_at FROM system")
            .await;
        let cases: Vec<Faults> = vec![
            Faults {
                half_list: true,
                ..Faults::default()
            },
            Faults {
                most: Some(40),
                ..Faults::default()
            },
            Faults {
                list: Bad::Html,
                ..Faults::default()
            },
            Faults {
                list: Bad::Garbage,
                ..Faults::default()
            },
            Faults {
                list: Bad::CutOff,
                ..Faults::default()
            },
            Faults {
                list: Bad::Redirect,
                ..Faults::default()
            },
            Faults {
                list: Bad::Forbidden,
                ..Faults::default()
            },
            Faults {
                list: Bad::RateLimited(0),
                ..Faults::default()
            },
            Faults {
                list: Bad::Unauthorized,
                ..Faults::default()
            },
        ];
        for faults in cases {
            house.sim.faults(|f| *f = faults.clone());
            let pass = house.pass().await;
            assert_ne!(pass.end, PassEnd::Complete, "{faults:?}");
            assert_eq!((pass.vanished, house.count("live").await), (0, 90), "{faults:?}");
            let now = house
                .one("SELECT last_complete_pass_started_at FROM system")
                .await;
            assert_eq!(now, age, "the rows keep their age: {faults:?}");
        }
        let failures = house.one("SELECT failures FROM system").await;
        assert_eq!(failures, Some(9));
    }
}

#[tokio::test]
async fn a_slow_list_with_an_ending_inside_never_brings_the_session_back() {
    for house in House::both().await {
        let (raw, other) = (house.sim.open(1), house.sim.open(2));
        house.pass().await;
        house.clock.advance(60);
        house.sim.click(&raw);
        house.sim.click(&other);
        house.sim.faults(|f| f.hold_list = true);
        let collector = house.collector.clone();
        let slow = tokio::spawn(async move { collector.collect(&sim_id()).await });
        while house.sim.held() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The list was taken with the session in it; now it is ended and read back.
        house.clock.advance(2);
        house.sim.close(&raw);
        house.mark_ended(&raw).await;
        house.sim.faults(|f| f.hold_list = false);
        let pass = slow.await.unwrap().unwrap().unwrap();
        assert_eq!((pass.end, pass.written), (PassEnd::Complete, 2));
        let (state, gone_at) = house.state(&raw).await.unwrap();
        assert_eq!(state, "ended");
        assert!(gone_at.unwrap() > pass.started_at.0);
        assert_eq!(house.state(&other).await.unwrap().0, "live");
        house.pass().await;
        assert_eq!(
            house.state(&raw).await.unwrap(),
            ("ended".to_owned(), gone_at),
            "ended is not vanished"
        );
    }
}

#[tokio::test]
async fn a_session_that_comes_back_under_its_old_id_is_live_again() {
    for house in House::both().await {
        let raw = house.sim.open(1);
        house.pass().await;
        house.mark_ended(&raw).await;
        house.pass().await;
        assert_eq!(house.state(&raw).await.unwrap(), ("live".to_owned(), None));
    }
}

#[tokio::test]
async fn one_session_on_two_nodes_is_one_row_with_its_newest_activity() {
    for house in House::both().await {
        house.sim.fill(95, 50);
        house.sim.faults(|f| f.two_nodes = true);
        let pass = house.pass().await;
        assert_eq!((pass.seen, house.count("live").await), (95, 95));
        let older = house
            .one("SELECT COUNT(*) FROM session WHERE node <> 'node-1'")
            .await;
        assert_eq!(older, Some(0));
        assert_eq!(
            house.pass().await.written,
            0,
            "the order of nodes changes nothing"
        );
    }
}

#[tokio::test]
async fn the_same_id_in_two_places_is_two_rows() {
    for house in House::both().await {
        house.sim.open(1);
        let mut there = house.sim.sessions_of(1).remove(0);
        there.place = "/elsewhere".to_owned();
        house.sim.add(there);
        assert_eq!(house.pass().await.seen, 2);
        assert_eq!(house.count("live").await, 2);
    }
}

#[tokio::test]
async fn a_narrow_reading_holds_the_wanted_accounts_by_key() {
    for house in House::both().await {
        house.sim.fill(60, 60);
        let raw = house.sim.sessions_of(4).remove(0).id;
        let account = people::person(4).account_id;
        for accounts in [vec![account.clone()], vec![account.clone(), String::new()]] {
            let reading = house.collector.read_accounts(&sim_id(), &accounts).await.unwrap();
            assert_eq!(reading.completeness, Completeness::Complete);
            assert_eq!(reading.found.len(), 1);
            let found = &reading.found[&SessionKey(house.key_of(&raw))];
            assert_eq!(found.target.handle.expose(), raw);
            assert_eq!(found.target.account_id, account);
        }
        assert_eq!(house.count("live").await, 0, "it writes nothing");
        let nobody = house.collector.read_accounts(&sim_id(), &[]).await.unwrap();
        assert!(nobody.found.is_empty());
        house.sim.faults(|f| f.list = Bad::Html);
        let failed = house.collector.read_accounts(&sim_id(), &[account]).await;
        assert_eq!(failed.err().unwrap().kind, ErrorKind::Protocol);
    }
}

#[tokio::test]
async fn only_one_worker_passes_over_a_system_and_a_late_one_writes_nothing() {
    for house in House::both().await {
        house.sim.open(1);
        let mut conn = house.db.write().await.unwrap();
        let theirs =
            schedule::acquire(&mut conn, "collect", "sim", "another replica", house.clock.now()).await;
        assert!(theirs.unwrap().is_some());
        conn.commit().await.unwrap();
        assert_eq!(house.collector.collect(&sim_id()).await.unwrap(), None);
        assert_eq!(house.count("live").await, 0);
        // It sleeps through its lease; a later one takes over in the middle of our pass.
        let mut conn = house.db.write().await.unwrap();
        on!(conn, c => sqlx::query("UPDATE lease SET until = 0").execute(c).await.unwrap().rows_affected());
        conn.commit().await.unwrap();
        house.sim.faults(|f| f.hold_list = true);
        let collector = house.collector.clone();
        let late = tokio::spawn(async move { collector.collect(&sim_id()).await });
        while house.sim.held() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut conn = house.db.write().await.unwrap();
        on!(conn, c => sqlx::query("UPDATE lease SET epoch = epoch + 1, owner = 'x'").execute(c).await.unwrap().rows_affected());
        conn.commit().await.unwrap();
        house.sim.faults(|f| f.hold_list = false);
        assert!(matches!(late.await.unwrap(), Err(Error::LeaseLost)));
        assert_eq!(house.count("live").await, 0);
    }
}

#[tokio::test]
async fn no_raw_id_is_stored_anywhere() {
    for house in House::both().await {
        let raw = house.sim.open(1);
        house.pass().await;
        let mut conn = house.db.read().await.unwrap();
        let found: i64 = if conn.is_postgres() {
            on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM session s WHERE s::text LIKE '%' || $1 || '%'")
                .bind(&raw).fetch_one(c).await.unwrap())
        } else {
            on!(conn, c => sqlx::query_scalar(
                "SELECT COUNT(*) FROM session WHERE session_key || handle_hint || search_text || row_hash LIKE '%' || $1 || '%'")
                .bind(&raw).fetch_one(c).await.unwrap())
        };
        assert_eq!(found, 0);
        assert_eq!(house.count("live").await, 1);
    }
}

#[tokio::test]
async fn sessions_gone_for_long_are_forgotten_and_that_is_audited() {
    for house in House::both().await {
        let raw = house.sim.open(1);
        house.sim.open(2);
        house.pass().await;
        house.sim.close(&raw);
        house.pass().await;
        house.clock.advance(29 * 86_400);
        assert_eq!(house.collector.forget_old(30).await.unwrap(), 0);
        house.clock.advance(2 * 86_400);
        assert_eq!(house.collector.forget_old(30).await.unwrap(), 1);
        assert_eq!((house.count("live").await, house.count("vanished").await), (1, 0));
        let told = house
            .one("SELECT COUNT(*) FROM audit_entry WHERE action = 'sensitive_delete'")
            .await;
        assert_eq!(told, Some(1));
    }
}

#[tokio::test]
async fn limits_are_kept_as_a_snapshot_and_rows_name_it() {
    for house in House::both().await {
        house.sim.open(1);
        house.pass().await;
        let named = house
            .one("SELECT COUNT(*) FROM session s JOIN policy_snapshot p ON p.policy_snapshot_id = s.policy_snapshot_id WHERE p.idle_timeout_s = 1800")
            .await;
        assert_eq!(named, Some(1));
    }
}

#[tokio::test]
async fn due_systems_are_read_in_their_rhythm_and_at_once_when_asked() {
    for house in House::both().await {
        house.sim.open(1);
        house.collector.collect_due().await.unwrap();
        let lists = house.sim.calls("list");
        assert_eq!(lists, 1);
        house.collector.collect_due().await.unwrap();
        assert_eq!(house.sim.calls("list"), 1, "not due before its time");
        house.clock.advance(30);
        house.collector.collect_due().await.unwrap();
        assert_eq!(house.sim.calls("list"), 2);
        let mut gone = house.config.clone();
        gone.systems.clear();
        house.systems.apply_settings(&gone, None).await.unwrap();
        house.clock.advance(300);
        house.collector.collect_due().await.unwrap();
        assert_eq!(
            house.sim.calls("list"),
            2,
            "out of the settings: not asked any more"
        );
        assert_eq!(house.count("live").await, 1, "its rows stay");
    }
}

#[tokio::test]
async fn security_e6_a_refused_identity_is_not_tried_again_by_itself() {
    for house in House::both().await {
        house.sim.faults(|f| f.list = Bad::Unauthorized);
        for _ in 0..4 {
            let pass = house.pass().await;
            assert!(matches!(pass.end, PassEnd::Failed(e) if e.kind == ErrorKind::Unauthorized));
        }
        let asked = house.sim.calls("list") + house.sim.calls("policy");
        assert_eq!(asked, 1, "four passes, one call");
    }
}

/// A session as a system with very many would report it; `round` moves the activity of every hundredth.
fn one_of_many(n: usize, round: i64) -> SeenSession {
    let person = people::person(n % 40_000);
    let mut seen = SeenSession::new(
        crate::connectors::Handle::new(format!("5F{n:030x}")),
        app::sessions::wire::SessionKind::Web,
    );
    seen.account_id = person.account_id;
    seen.account_name = person.account;
    seen.display_name = person.name;
    seen.email = person.email;
    seen.ip = Some(format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255));
    seen.user_agent =
        Some("Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0".to_owned());
    seen.created_at = Some(START.plus_seconds(-3_600));
    let moved = if n.is_multiple_of(100) { round } else { 0 };
    seen.last_active_at = Some(START.plus_seconds(moved - 60));
    seen.idle = app::wire::Limit::Seconds(1_800);
    seen
}

/// A system in memory, so that only our own part is measured.
struct Many {
    count: usize,
    round: std::sync::atomic::AtomicI64,
}

impl crate::connectors::Connector for Many {
    fn effect(&self) -> crate::connectors::EndEffect {
        crate::connectors::EndEffect {
            takes_effect: String::new(),
            survives: String::new(),
            residual: None,
            not_listed: Vec::new(),
            before_you_end: String::new(),
        }
    }
    fn list(&self) -> Option<&dyn crate::connectors::ListSessions> {
        Some(self)
    }
}

#[async_trait::async_trait]
impl crate::connectors::ListSessions for Many {
    async fn list(&self, _: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let round = self.round.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        for from in (0..self.count).step_by(1_000) {
            let to = (from + 1_000).min(self.count);
            sink.push((from..to).map(|n| one_of_many(n, round)).collect())
                .await?;
        }
        Ok(Completeness::Complete)
    }
}

#[tokio::test]
async fn a_second_pass_over_many_writes_only_the_changed_hundredth() {
    let count: usize = 20_000;
    for house in House::both().await {
        let many = Arc::new(Many {
            count,
            round: std::sync::atomic::AtomicI64::new(0),
        });
        house
            .systems
            .apply_settings(&Config::default(), Some(many))
            .await
            .unwrap();
        let curfew = SystemId::from("curfew");
        for written in [count, count / 100] {
            house.clock.advance(60);
            let pass = house.collector.collect(&curfew).await.unwrap().unwrap();
            assert_eq!(pass.end, PassEnd::Complete);
            assert_eq!(
                (pass.seen, pass.written, pass.vanished),
                (count as u64, written as u64, 0)
            );
        }
    }
}

#[tokio::test]
async fn a_sign_in_need_not_wait_until_a_large_system_is_read_whole() {
    let house = House::on(TestDb::sqlite().await.unwrap()).await;
    house.sim.fill(3_000, 600);
    let mut reading = tokio::spawn({
        let collector = house.collector.clone();
        async move { collector.collect(&sim_id()).await }
    });
    // As a sign-in does: one short transaction after the other, each in the queue for the only writer.
    let mut between = 0;
    while !reading.is_finished() {
        let conn = house.db.write().await.unwrap();
        conn.commit().await.unwrap();
        let stored = house.count("live").await;
        between += usize::from(0 < stored && stored < 3_000);
        tokio::task::yield_now().await;
    }
    let pass = (&mut reading).await.unwrap().unwrap().unwrap();
    assert_eq!((pass.end, pass.seen), (PassEnd::Complete, 3_000));
    assert!(between > 1, "{between} writes came in between");
}

#[test]
fn a_transaction_takes_as_many_rows_as_fit_its_time_and_at_most_twice_as_many_as_before() {
    let mut share = Share::default();
    share.learn(100, Duration::from_millis(1));
    assert_eq!(share.rows, 200);
    share.learn(200, HOLD * 4);
    assert_eq!(share.rows, Share::FEWEST);
    for _ in 0..10 {
        share.learn(share.rows, Duration::from_micros(1));
    }
    assert_eq!(share.rows, Share::MOST);
    share.learn(share.rows, HOLD * 2);
    assert_eq!(share.rows, Share::MOST / 2);
}
