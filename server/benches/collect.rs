//! `cargo xtask bench collect`: the first reading of a large system, and one where a hundredth of its sessions changed.
//!
//! "Ours" is a whole pass over loopback HTTP: listing, hashing, normalising, storing. "Raw" is the database alone: one
//! statement that copies the same rows into an empty inventory with the same indexes. Beside both, the longest time that
//! a small write, such as a sign-in's, had to wait while a pass was at it.
//!
//! Arguments: `--rows 100000,1000000` and `--db sqlite,postgres` choose; `--out FILE` takes the JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use app::wire::SystemId;
use server::audit::Audit;
use server::clock::{Clock, SystemClock};
use server::config::Config;
use server::db::Db;
use server::db::testing::TestDb;
use server::keys::HashKey;
use server::on;
use server::policies::Policies;
use server::sessions::collect::Collector;
use server::simulators::simulator::Simulator;
use server::simulators::simulator::shape::Shape;
use server::systems::Systems;

mod report;

/// Pause between two of the small writes.
const BETWEEN: Duration = Duration::from_millis(10);

struct Options {
    rows: Vec<usize>,
    engines: Vec<String>,
    out: std::path::PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let mut lines = Vec::new();
    let mut json = Vec::new();
    for engine in &options.engines {
        for &rows in &options.rows {
            let (first, again, raw) = passes(engine, rows).await?;
            let x_raw = first.took.as_secs_f64() / raw.as_secs_f64();
            for (words, pass) in [("first", &first), ("1 % changed", &again)] {
                println!(
                    "{engine}, {rows} sessions, {words}: {:.1} s; small writes beside it waited {:.0} ms at most, {:.0} ms at p99",
                    pass.took.as_secs_f64(),
                    ms(pass.longest),
                    ms(pass.p99),
                );
            }
            println!("{engine}, {rows} rows copied raw: {:.1} s", raw.as_secs_f64());
            lines.push(format!(
                "BENCH collect rows={rows} db={engine} first_s={:.1} again_s={:.2} x_raw={x_raw:.2} wait_max_ms={:.0} wait_p99_ms={:.0}",
                first.took.as_secs_f64(),
                again.took.as_secs_f64(),
                ms(first.longest.max(again.longest)),
                ms(first.p99.max(again.p99)),
            ));
            json.push(serde_json::json!({
                "db": engine, "rows": rows, "first_ms": ms(first.took), "again_ms": ms(again.took), "raw_ms": ms(raw),
                "wait_max_ms": ms(first.longest.max(again.longest)), "wait_p99_ms": ms(first.p99.max(again.p99)),
            }));
        }
    }
    report::tell(&options.out, &json, &lines)
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options {
        rows: vec![100_000, 1_000_000],
        engines: vec!["sqlite".to_owned(), "postgres".to_owned()],
        out: "target/bench/collect.json".into(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        // What cargo itself hands to every bench.
        if name == "--bench" {
            continue;
        }
        let value = arguments
            .next()
            .ok_or_else(|| anyhow::anyhow!("{name}: a value is missing"))?;
        match name.as_str() {
            "--rows" => options.rows = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--db" => options.engines = value.split(',').map(str::to_owned).collect(),
            "--out" => options.out = value.into(),
            _ => anyhow::bail!("{name}: --rows, --db and --out are known"),
        }
    }
    Ok(options)
}

fn ms(of: Duration) -> f64 {
    of.as_secs_f64() * 1_000.0
}

/// A pass, and how long small writes waited beside it.
struct Measured {
    took: Duration,
    longest: Duration,
    p99: Duration,
}

/// The first pass, one with a hundredth changed, and the raw copy.
async fn passes(engine: &str, rows: usize) -> anyhow::Result<(Measured, Measured, Duration)> {
    let test = fresh(engine).await?;
    let db = test.db.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let audit = Arc::new(Audit::new(
        db.clone(),
        clock.clone(),
        Arc::new(HashKey::generate()),
    ));
    let systems = Arc::new(Systems::new(db.clone(), clock.clone(), audit.clone()));
    let sim = Simulator::start(clock.clone(), Shape::default()).await?;
    let mut config = Config::default();
    config.systems.insert("north".to_owned(), sim.settings("North"));
    let problems = systems.apply_settings(&config, None).await?;
    anyhow::ensure!(problems.is_empty(), "{problems:?}");
    let collector = Arc::new(Collector::new(
        db.clone(),
        clock.clone(),
        audit.clone(),
        Arc::new(HashKey::generate()),
        systems,
        Arc::new(Policies::new(db.clone(), clock, audit)),
    ));
    let people = (rows / 5).max(1);
    sim.fill(rows, people);
    let first = pass(&db, &collector, rows).await?;
    // Five sessions each on average.
    for n in 0..people / 100 {
        for session in sim.sessions_of(n) {
            sim.click(&session.id);
        }
    }
    let again = pass(&db, &collector, rows).await?;
    let raw = copy(engine, &test).await?;
    Ok((first, again, raw))
}

async fn fresh(engine: &str) -> anyhow::Result<TestDb> {
    Ok(match engine {
        "sqlite" => TestDb::sqlite().await?,
        _ => TestDb::postgres().await?,
    })
}

async fn pass(db: &Db, collector: &Collector, rows: usize) -> anyhow::Result<Measured> {
    let stop = Arc::new(AtomicBool::new(false));
    let small = tokio::spawn(small_writes(db.clone(), stop.clone()));
    let began = Instant::now();
    let pass = collector.collect(&SystemId::from("north")).await?;
    let took = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    let mut waits = small.await??;
    let seen = pass.map(|pass| pass.seen);
    anyhow::ensure!(seen == Some(rows as u64), "met {seen:?} of {rows} sessions");
    waits.sort_unstable();
    Ok(Measured {
        took,
        longest: waits.last().copied().unwrap_or_default(),
        p99: waits.get(waits.len() * 99 / 100).copied().unwrap_or_default(),
    })
}

/// Changes one row over and over; how long each time took.
async fn small_writes(db: Db, stop: Arc<AtomicBool>) -> anyhow::Result<Vec<Duration>> {
    let mut waits = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let mut conn = db.write().await?;
        on!(conn, c => {
            sqlx::query("UPDATE system SET name = name WHERE system_id = 'north'")
                .execute(c)
                .await?;
        });
        conn.commit().await?;
        waits.push(began.elapsed());
        tokio::time::sleep(BETWEEN).await;
    }
    Ok(waits)
}

/// Copies the inventory into an empty one by a single statement.
async fn copy(engine: &str, from: &TestDb) -> anyhow::Result<Duration> {
    match &from.db {
        Db::Sqlite { read, .. } => {
            let file: String =
                sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
                    .fetch_one(read)
                    .await?;
            let empty = fresh(engine).await?;
            let Db::Sqlite { write, .. } = &empty.db else {
                anyhow::bail!("another database")
            };
            let mut conn = write.acquire().await?;
            sqlx::query("ATTACH $1 AS source")
                .bind(file)
                .execute(&mut *conn)
                .await?;
            let began = Instant::now();
            sqlx::query("INSERT INTO session SELECT * FROM source.session")
                .execute(&mut *conn)
                .await?;
            Ok(began.elapsed())
        }
        Db::Postgres { pool, .. } => {
            sqlx::query("CREATE TABLE copy (LIKE session INCLUDING ALL)")
                .execute(pool)
                .await?;
            let began = Instant::now();
            sqlx::query("INSERT INTO copy SELECT * FROM session")
                .execute(pool)
                .await?;
            Ok(began.elapsed())
        }
    }
}
