//! `cargo xtask bench end`: 10,000 sessions of a simulated system over loopback HTTP, and one of 1,000 and of 100,000.
//!
//! The system takes one session per request, as servlet containers and identity servers do, and answers at once: the
//! hardest case, for what is left is Curfew's own work. Beside it, for comparison: each answer 2 ms late, as from a
//! real system near by; and 200 per request.
//!
//! "Ours" is from the confirmed ending to the last outcome: reading, asking, reading back, items, inventory and audit
//! included; for one session from the preview on. "Raw" is a loop of the same calls to the same system with the same
//! connector and the same batches, that stores nothing and believes what it is told.
//!
//! Arguments: `--db sqlite,postgres`, `--rows 10000` (of the large case), `--out FILE`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::endings::port::EndingsPort;
use app::endings::wire::Confirm;
use app::wire::{SessionKey, SystemId};
use server::caller::For;
use server::clock::SystemClock;
use server::config::Config;
use server::connectors::{SeenSession, Target};
use server::on;
use server::simulators::simulator::Simulator;
use server::simulators::simulator::shape::Shape;

use self::stage::{Stage, ms, number_of};

mod report;
mod stage;

/// Sessions of one round of the worker; the raw loop takes as many.
const BATCH: usize = 2_000;
/// Runs of the case with one session; the median counts.
const RUNS: usize = 15;

struct Options {
    engines: Vec<String>,
    rows: usize,
    out: std::path::PathBuf,
}

/// A portal with one simulated system.
struct North {
    stage: Stage,
    sim: Simulator,
}

fn north() -> SystemId {
    SystemId::from("north")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let mut lines = Vec::new();
    let mut json = Vec::new();
    for engine in &options.engines {
        for (batch, slow_ms) in [(1, 0), (1, 2), (200, 0)] {
            let (ours, accepted, raw) = many(engine, options.rows, batch, slow_ms).await?;
            let of_raw = raw.as_secs_f64() / ours.as_secs_f64();
            println!(
                "{engine}: {} sessions, {batch} per request, {slow_ms} ms slow: accepted in {:.0} ms, ended and read back in {:.0} ms, \
                 raw {:.0} ms",
                options.rows,
                ms(accepted),
                ms(ours),
                ms(raw)
            );
            lines.push(format!(
                "BENCH end n={} db={engine} per_request={batch} slow_ms={slow_ms} of_raw={of_raw:.2} ms={:.0} accept_ms={:.0}",
                options.rows,
                ms(ours),
                ms(accepted)
            ));
            json.push(serde_json::json!({
                "db": engine, "n": options.rows, "per_request": batch, "slow_ms": slow_ms, "ms": ms(ours), "accept_ms": ms(accepted),
                "raw_ms": ms(raw),
            }));
        }
        for rows in [1_000, 100_000] {
            let (ours, raw) = one(engine, rows).await?;
            let x_raw = ours.as_secs_f64() / raw.as_secs_f64();
            println!(
                "{engine}: one of {rows} sessions: {:.1} ms, raw {:.1} ms",
                ms(ours),
                ms(raw)
            );
            lines.push(format!(
                "BENCH end_one rows={rows} db={engine} x_raw={x_raw:.2} ms={:.1}",
                ms(ours)
            ));
            json.push(serde_json::json!({
                "db": engine, "one_of": rows, "ms": ms(ours), "raw_ms": ms(raw),
            }));
        }
    }
    report::tell(&options.out, &json, &lines)
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options {
        engines: vec!["sqlite".to_owned(), "postgres".to_owned()],
        rows: 10_000,
        out: "target/bench/end.json".into(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| anyhow::anyhow!("{name} needs a value"))
        };
        match name.as_str() {
            "--db" => options.engines = value()?.split(',').map(str::to_owned).collect(),
            "--rows" => options.rows = value()?.parse()?,
            "--out" => options.out = value()?.into(),
            // What cargo itself hands to every bench.
            "--bench" => {}
            other => anyhow::bail!("unknown argument {other}"),
        }
    }
    Ok(options)
}

/// Ends `rows` sessions: ours, of that the accepting, and raw.
async fn many(
    engine: &str,
    rows: usize,
    batch: i64,
    slow_ms: u64,
) -> anyhow::Result<(Duration, Duration, Duration)> {
    let north = North::new(engine, batch).await?;
    north.fill(rows).await?;
    north.sim.faults(|f| f.slow_ms = slow_ms);
    let began = Instant::now();
    let no = north.stage.confirm("north", rows, "all").await?;
    let accepted = began.elapsed();
    let began = Instant::now();
    north.stage.endings.work_due().await?;
    let ours = began.elapsed();
    north.check(no, rows).await?;

    north.fill(rows).await?;
    let targets = north.targets().await?;
    let began = Instant::now();
    for batch in targets.chunks(BATCH) {
        north.raw(batch).await?;
    }
    let raw = began.elapsed();
    anyhow::ensure!(
        north.sim.is_empty(),
        "the raw loop left {} sessions",
        north.sim.len()
    );
    Ok((ours, accepted, raw))
}

/// Ends one session of `rows`, several times: the medians, ours from the preview on, and raw.
async fn one(engine: &str, rows: usize) -> anyhow::Result<(Duration, Duration)> {
    let north = North::new(engine, 1).await?;
    north.fill(rows).await?;
    let mut ours = Vec::new();
    let mut raw = Vec::new();
    let port = For::new(&north.stage.endings, &north.stage.ada);
    for _ in 0..RUNS {
        let mut targets = north.targets().await?;
        let single = targets
            .pop()
            .ok_or_else(|| anyhow::anyhow!("nobody is signed in"))?;
        let began = Instant::now();
        north.raw(std::slice::from_ref(&single)).await?;
        raw.push(began.elapsed());

        let key = north.any_key().await?;
        let began = Instant::now();
        let draft = port.draft_ending_of(vec![key]).await?;
        let confirm = Confirm {
            reason: "bench".to_owned(),
            ..Confirm::default()
        };
        let no = number_of(port.confirm_ending(draft, confirm).await?)?;
        north.stage.endings.work_due().await?;
        ours.push(began.elapsed());
        let counts = port.ending_page(no, None, None).await?.brief.counts;
        anyhow::ensure!(counts.settled() == 1, "not settled: {counts:?}");
    }
    ours.sort_unstable();
    raw.sort_unstable();
    Ok((ours[RUNS / 2], raw[RUNS / 2]))
}

impl North {
    async fn new(engine: &str, batch: i64) -> anyhow::Result<Self> {
        let sim = Simulator::start(Arc::new(SystemClock), Shape::default()).await?;
        let mut config = Config::default();
        let mut settings = sim.settings("North");
        settings.own.insert("batch".to_owned(), batch.into());
        config.systems.insert("north".to_owned(), settings);
        Ok(Self {
            stage: Stage::new(engine, &config).await?,
            sim,
        })
    }

    /// Fills the system with sessions of half as many people and collects them.
    async fn fill(&self, rows: usize) -> anyhow::Result<()> {
        self.sim.fill(rows, (rows / 2).max(1));
        self.stage.collector.collect(&north()).await?;
        Ok(())
    }

    async fn check(&self, no: i64, rows: usize) -> anyhow::Result<()> {
        self.stage.check(no, rows).await?;
        anyhow::ensure!(self.sim.is_empty(), "{} sessions are left", self.sim.len());
        Ok(())
    }

    /// What the raw loop ends: everything listed.
    async fn targets(&self) -> anyhow::Result<Vec<Target>> {
        let mut targets = Vec::new();
        let take = |batch: Vec<SeenSession>| {
            targets.extend(batch.into_iter().map(|seen| Target {
                handle: seen.handle,
                place: seen.place,
                kind: seen.kind,
                site: seen.site,
                account_id: seen.account_id,
                node: seen.node,
            }));
        };
        self.stage.list(&north(), take).await?;
        Ok(targets)
    }

    /// The same calls as one round of the worker: list, end in chunks, list again.
    async fn raw(&self, batch: &[Target]) -> anyhow::Result<()> {
        let connected = self
            .stage
            .systems
            .connected(&north())
            .ok_or_else(|| anyhow::anyhow!("not connected"))?;
        let accounts: Vec<String> = batch.iter().map(|t| t.account_id.clone()).collect();
        self.stage.collector.read_accounts(&north(), &accounts).await?;
        for chunk in batch.chunks(connected.guard.chunk()) {
            connected.guard.end(chunk).await?;
        }
        self.stage.collector.read_accounts(&north(), &accounts).await?;
        Ok(())
    }

    async fn any_key(&self) -> anyhow::Result<SessionKey> {
        let mut conn = self.stage.test.db.read().await?;
        let sql = "SELECT session_key FROM session WHERE state = 'live' ORDER BY session_key LIMIT 1";
        let key: String = on!(conn, c => sqlx::query_scalar(sql).fetch_one(c).await?);
        Ok(SessionKey(key))
    }
}
