//! `kill -9` of the server in the middle of 1,000 endings, ten times at random points: nothing lost, nothing falsely
//! ended. The program itself is started and killed; the simulated system lives here and is asked for the truth.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::access::wire::Scope;
use app::endings::port::EndingsPort;
use app::endings::wire::{Confirm, Outcome};
use app::wire::{SessionKey, SystemId};
use secrecy::SecretString;
use server::access::SeedOperator;
use server::caller::{For, Origin};
use server::clock::{Clock, SystemClock};
use server::config::Config;
use server::db::Db;
use server::keys::{self, HashKey};
use server::on;
use server::portal::{Portal, audit_key, open_database};
use server::simulators::simulator::Simulator;
use server::simulators::simulator::shape::Shape;

use crate::harness::{Browser, Engine, PASSWORD, new_postgres};

/// Sessions to be ended.
const SET: usize = 1_000;
/// Sessions of the same people that nobody chose.
const OTHERS: usize = 200;
/// People they belong to.
const PEOPLE: usize = 300;
/// How often the server is killed.
const KILLS: usize = 10;
/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Chance that a printed seed repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        // Knuth's MMIX constants; the upper bits are the better ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// The program, running.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts it and waits until it says where it answers.
    fn start(settings: &Path, log: &Path) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_curfew"))
            .arg("--config")
            .arg(settings)
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Curfew answers at ").map(str::to_owned));
        let server = Self {
            child,
            url: url.unwrap_or_default(),
        };
        assert!(!server.url.is_empty(), "it did not start");
        server
    }

    /// `kill -9`.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it is dead already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Settings as a file for the program and as a value for the test.
async fn settings(engine: Engine, dir: &Path, sim: &Simulator) -> (PathBuf, Config) {
    let mut north = sim.settings("North");
    // Few sessions per request, one request at a time: the ending is long enough to be killed in.
    north.own.insert("batch".to_owned(), 5.into());
    north.connections = 1;
    let mut file = toml::Table::new();
    file.insert("listen".to_owned(), "127.0.0.1:0".into());
    file.insert("data_dir".to_owned(), dir.display().to_string().into());
    let systems = BTreeMap::from([("north", north)]);
    file.insert("systems".to_owned(), toml::Value::try_from(systems).unwrap());
    if engine == Engine::Postgres {
        let database = new_postgres(dir).await;
        let mut table = toml::Table::new();
        table.insert("url".to_owned(), String::from(database.url).into());
        file.insert("database".to_owned(), table.into());
    }
    let path = dir.join("curfew.toml");
    std::fs::write(&path, toml::to_string(&file).unwrap()).unwrap();
    let config = Config::load(Some(&path)).unwrap();
    (path, config)
}

/// Confirms an ending of exactly these sessions, through the ports that the pages call.
async fn confirm(config: &Config, raw: &[String]) -> HashSet<SessionKey> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let portal = Portal::open(config.clone(), clock.clone(), false).await.unwrap();
    let seed = SeedOperator {
        login: "mara",
        display_name: "Mara",
        grants: &[("administrator", Scope::EVERYWHERE)],
        reason: "test",
    };
    let mara = portal.access.seed_operator(&seed).await.unwrap();
    let password = SecretString::from(PASSWORD);
    portal.signin.seed_password(&mara, password).await.unwrap();
    portal.collector.collect(&SystemId::from("north")).await.unwrap();
    let key = keys::load_key(None, &config.data_dir.join("session.key")).unwrap();
    let chosen: Vec<SessionKey> = raw.iter().map(|id| named(&key, id)).collect();
    let now = clock.now();
    let caller = portal
        .access
        .caller_of(&mara, None, Some(now), Origin::default(), now)
        .await
        .unwrap()
        .unwrap();
    let port = For::new(&portal.endings, &Arc::new(caller));
    let draft = port.draft_ending_of(chosen.clone()).await.unwrap();
    let confirm = Confirm {
        reason: "killed ten times".to_owned(),
        typed_number: raw.len().to_string(),
        ..Confirm::default()
    };
    assert_eq!(
        port.confirm_ending(draft, confirm).await.unwrap().number(),
        Some(1)
    );
    portal.db.close().await;
    chosen.into_iter().collect()
}

fn named(key: &HashKey, raw: &str) -> SessionKey {
    key.session_key("north", "", "web", raw)
}

async fn open_items(db: &Db) -> i64 {
    let mut conn = db.read().await.unwrap();
    on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM ending_item WHERE state <> 'settled'")
        .fetch_one(c).await.unwrap())
}

/// Ends the leases of the dead server, as 30 seconds do. An embedded database needs no such help: whoever starts on it
/// is alone.
async fn let_leases_run_out(db: &Db) {
    let mut conn = db.write().await.unwrap();
    on!(conn, c => { sqlx::query("UPDATE lease SET until = 1").execute(c).await.unwrap(); });
    conn.commit().await.unwrap();
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !done().await {
        assert!(began.elapsed() < PATIENCE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

async fn killed_ten_times_in_the_middle_of_a_thousand_endings(engine: Engine) {
    let dir = tempfile::tempdir().unwrap();
    let sim = Simulator::start(Arc::new(SystemClock), Shape::default())
        .await
        .unwrap();
    let chosen: Vec<String> = (0..SET).map(|n| sim.open(n % PEOPLE)).collect();
    let others: Vec<String> = (0..OTHERS).map(|n| sim.open(n % PEOPLE)).collect();
    let (file, config) = settings(engine, dir.path(), &sim).await;
    let set = confirm(&config, &chosen).await;
    let db = open_database(&config).await.unwrap();
    assert_eq!(open_items(&db).await, SET as i64);

    let seed = u64::from_be_bytes(keys::random_bytes());
    println!("{engine:?}: seed {seed}");
    let mut dice = Dice(seed);
    let mut at: Vec<usize> = (0..KILLS)
        .map(|_| usize::try_from(dice.below(SET as u64 * 95 / 100)).unwrap())
        .collect();
    at.sort_unstable();
    sim.faults(|f| f.slow_ms = 15);
    let log = dir.path().join("server.log");
    for ended in at {
        let server = Server::start(&file, &log);
        until("enough sessions are ended for the next kill", async || {
            SET + OTHERS - sim.len() >= ended
        })
        .await;
        // Somewhere between two statements, two calls, or while it reads what the one before it left.
        tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
        server.kill();
        assert!(open_items(&db).await > 0, "it was over before it was killed");
        if engine == Engine::Postgres {
            let_leases_run_out(&db).await;
        }
    }
    sim.faults(|f| f.slow_ms = 0);
    let began = Instant::now();
    let server = Server::start(&file, &log);
    until("every session has its outcome", async || {
        open_items(&db).await == 0
    })
    .await;
    println!("{engine:?}: the last server took {:?}", began.elapsed());

    let browser = Browser::at(&server.url);
    let answer = browser.sign_in("mara", PASSWORD).await;
    assert!(answer.status.is_redirection(), "{}", answer.body);
    let page = browser.get("/endings/1").await.body;
    server.kill();

    assert_eq!(sim.len(), OTHERS);
    assert!(
        others.iter().all(|id| sim.lets_in(id)),
        "a session outside the set was ended"
    );
    let key = keys::load_key(None, &config.data_dir.join("session.key")).unwrap();
    let lives: HashSet<SessionKey> = chosen
        .iter()
        .filter(|id| sim.lets_in(id))
        .map(|id| named(&key, id))
        .collect();
    let mut conn = db.read().await.unwrap();
    let items: Vec<(String, String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT session_key, outcome, attempts FROM ending_item WHERE left_out IS NULL")
        .fetch_all(c).await.unwrap());
    assert_eq!(items.len(), SET, "an item was lost");
    let mut by_outcome: BTreeMap<Outcome, u64> = BTreeMap::new();
    for (session, outcome, attempts) in items {
        let session = SessionKey(session);
        let outcome = Outcome::from_name(&outcome).unwrap();
        assert!(set.contains(&session), "an item that nobody chose");
        assert!(outcome.gone(), "{outcome:?} of a system that obeys");
        assert!(!lives.contains(&session), "falsely {outcome:?}");
        assert!(
            (1..=1 + KILLS as i64).contains(&attempts),
            "asked {attempts} times for one"
        );
        *by_outcome.entry(outcome).or_default() += 1;
    }
    assert_eq!(by_outcome.values().sum::<u64>(), SET as u64);
    assert!(
        page.contains("All 1,000 sessions are gone"),
        "the page tells something else"
    );
    drop(conn);
    let audit = server::audit::chain::verify(&db, &audit_key(&config).unwrap(), None, SystemClock.now())
        .await
        .unwrap();
    assert_eq!(audit.broken, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_ten_times_loses_nothing_and_ends_nothing_falsely_on_sqlite() {
    killed_ten_times_in_the_middle_of_a_thousand_endings(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_ten_times_loses_nothing_and_ends_nothing_falsely_on_postgresql() {
    killed_ten_times_in_the_middle_of_a_thousand_endings(Engine::Postgres).await;
}
