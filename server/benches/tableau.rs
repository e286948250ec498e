//! `cargo xtask bench tableau`: reading and ending sessions of a Tableau Server whose repository is a real PostgreSQL.
//!
//! `op=collect` is one list of everything by the connector behind its guard; raw is `psql` copying the same query to
//! nowhere, its start and sign-in included. `op=store` is a whole first pass of the portal, inventory included, beside
//! the same. `op=end` is from the confirmed ending to the last outcome, with reading, asking, reading back and audit; raw
//! is a loop of the same calls over as many connections, with a list before and after, that stores nothing.
//!
//! Arguments: `--rows 100000` (to collect), `--end 1000`, `--out FILE`.

use std::time::{Duration, Instant};

use anyhow::Context;
use app::wire::SystemId;
use futures::stream::{self, StreamExt};
use server::config::{Config, SystemSettings};

use self::server_stub::{Manners, Stub};
use self::stage::{Stage, ms};
use self::workgroup::{Release, Workgroup};

mod report;
#[path = "../tests/tableau/server_stub.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod server_stub;
mod stage;
#[path = "../tests/tableau/workgroup/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod workgroup;

/// Requests at a time, ours and raw: the default of the settings.
const CONNECTIONS: usize = 4;
/// Runs of each, in turns; the median counts.
const RUNS: usize = 5;
/// The connector's query where every column is there, as psql takes it.
const QUERY: &str = "SELECT s.session_id, (extract(epoch FROM s.updated_at) * 1000)::bigint, s.user_name, s.system_user_id, \
     (extract(epoch FROM b.created_at) * 1000)::bigint, b.external_user_id, b.hashed_secret IS NOT NULL, t.name, \
     t.url_namespace, u.friendly_name, u.email, u.domain_name, i.name, i.domain_name FROM (\
     SELECT v.session_id, v.updated_at, v.user_name, v.system_user_id, v.site_id FROM _sessions v UNION ALL \
     SELECT b.session_id, b.updated_at, NULL::varchar, NULL::integer, b.site_id FROM sessions b \
     WHERE b.external_user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM _sessions v WHERE v.session_id = b.session_id)) s \
     LEFT JOIN _sites t ON t.id = s.site_id LEFT JOIN _system_users u ON u.id = s.system_user_id \
     LEFT JOIN sessions b ON b.session_id = s.session_id \
     LEFT JOIN _users i ON i.id = b.initiating_user_id AND b.initiating_user_id <> b.user_id \
     ORDER BY s.updated_at DESC NULLS LAST LIMIT 250000";

struct Options {
    rows: usize,
    end: usize,
    out: std::path::PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let (list, store, psql) = collect(options.rows).await?;
    let (mut ours, mut raws) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (end, raw) = end(options.end).await?;
        ours.push(end);
        raws.push(raw);
    }
    let (end, raw) = (median(ours), median(raws));
    println!(
        "{} sessions: listed in {:.0} ms, listed and stored in {:.0} ms, psql copied them in {:.0} ms",
        options.rows,
        ms(list),
        ms(store),
        ms(psql)
    );
    println!(
        "{} ended in {:.0} ms, raw {:.0} ms",
        options.end,
        ms(end),
        ms(raw)
    );
    let x_raw = |ours: Duration| ours.as_secs_f64() / psql.as_secs_f64();
    let lines = [
        format!(
            "BENCH tableau op=collect n={} x_raw={:.2} ms={:.0}",
            options.rows,
            x_raw(list),
            ms(list)
        ),
        format!(
            "BENCH tableau op=store n={} x_raw={:.2} ms={:.0}",
            options.rows,
            x_raw(store),
            ms(store)
        ),
        format!(
            "BENCH tableau op=end n={} of_raw={:.2} ms={:.0}",
            options.end,
            raw.as_secs_f64() / end.as_secs_f64(),
            ms(end)
        ),
    ];
    let numbers = [
        serde_json::json!({"op": "collect", "n": options.rows, "ms": ms(list), "store_ms": ms(store), "raw_ms": ms(psql)}),
        serde_json::json!({"op": "end", "n": options.end, "ms": ms(end), "raw_ms": ms(raw)}),
    ];
    report::tell(&options.out, &numbers, &lines)
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options {
        rows: 100_000,
        end: 1_000,
        out: "target/bench/tableau.json".into(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        // What cargo itself hands to every bench.
        if name == "--bench" {
            continue;
        }
        let value = arguments
            .next()
            .with_context(|| format!("{name}: a value is missing"))?;
        match name.as_str() {
            "--rows" => options.rows = value.parse()?,
            "--end" => options.end = value.parse()?,
            "--out" => options.out = value.into(),
            _ => anyhow::bail!("{name}: --rows, --end and --out are known"),
        }
    }
    Ok(options)
}

fn tableau() -> SystemId {
    SystemId::from("tableau")
}

/// A repository with so many protected sessions of a tenth as many people on three sites.
async fn repository(rows: usize) -> Workgroup {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    workgroup
        .run(&format!(
            "DELETE FROM sessions;
             INSERT INTO system_users (id, name, email, friendly_name, domain_id, admin_level)
                 SELECT 100 + n, 'person' || n, 'person' || n || '@example.org', 'Person ' || n, 1, 0
                 FROM generate_series(1, {people}) n;
             INSERT INTO users (id, site_id, system_user_id, site_role_id)
                 SELECT 100 + n, 1 + n % 3, 100 + n, 3 FROM generate_series(1, {people}) n;
             INSERT INTO sessions (session_id, user_id, site_id, created_at, updated_at, hashed_secret, initiating_user_id)
                 SELECT substr(translate(encode(decode(md5(n::text), 'hex'), 'base64'), '+/', '-_'), 1, 22),
                     101 + n % {people}, 1 + (1 + n % {people}) % 3, now() at time zone 'utc' - n * interval '1 second',
                     now() at time zone 'utc' - n % 7200 * interval '1 second', 'hash', 101 + n % {people}
                 FROM generate_series(1, {rows}) n;
             ANALYZE;",
            people = (rows / 10).max(1)
        ))
        .await;
    workgroup
}

/// A portal with that server.
async fn portal(workgroup: &Workgroup, rest: &str) -> anyhow::Result<Stage> {
    let settings = workgroup.settings(&format!("\"{}\"", workgroup.host), "readonly", "");
    let own = format!("name = \"Tableau\"\nconnections = {CONNECTIONS}\ntimeout_ms = 60000\n{rest}");
    let settings = settings.replace("kind = \"tableau\"\n", &format!("kind = \"tableau\"\n{own}\n"));
    let settings: SystemSettings = toml::from_str(&settings)?;
    let mut config = Config::default();
    config.systems.insert("tableau".to_owned(), settings);
    Stage::new("sqlite", &config).await
}

/// A list, a whole pass, and psql.
async fn collect(rows: usize) -> anyhow::Result<(Duration, Duration, Duration)> {
    let workgroup = repository(rows).await;
    let mut copied = Vec::new();
    let mut listed = Vec::new();
    let mut stored = Vec::new();
    // In turns, so that whatever else the machine does meets all of them.
    for _ in 0..RUNS {
        let began = Instant::now();
        anyhow::ensure!(copy(&workgroup).await? == rows, "psql copied another number");
        copied.push(began.elapsed());
        let stage = portal(&workgroup, "").await?;
        let began = Instant::now();
        anyhow::ensure!(list(&stage).await? == rows, "another number was listed");
        listed.push(began.elapsed());
        let began = Instant::now();
        stage.collector.collect(&tableau()).await?;
        stored.push(began.elapsed());
    }
    Ok((median(listed), median(stored), median(copied)))
}

fn median(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of[of.len() / 2]
}

/// What psql copies to nowhere; rows.
async fn copy(workgroup: &Workgroup) -> anyhow::Result<usize> {
    let options = workgroup.admin.connect_options();
    let host = options
        .get_socket()
        .map_or_else(|| options.get_host().to_owned(), |at| at.display().to_string());
    let output = tokio::process::Command::new("psql")
        .args(["-X", "-h", &host, "-p", &options.get_port().to_string()])
        .args(["-U", options.get_username()])
        .args(["-d", options.get_database().unwrap_or("workgroup")])
        .args(["-c", &format!("\\copy ({QUERY}) TO '/dev/null'")])
        .output()
        .await
        .context("psql is needed for the raw copy")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let count = said.trim().strip_prefix("COPY ").and_then(|n| n.parse().ok());
    count.with_context(|| format!("psql: {said}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Everything through the connector; how many.
async fn list(stage: &Stage) -> anyhow::Result<usize> {
    let mut rows = 0;
    stage.list(&tableau(), |batch| rows += batch.len()).await?;
    Ok(rows)
}

/// Ends everything: ours and raw.
async fn end(rows: usize) -> anyhow::Result<(Duration, Duration)> {
    let workgroup = repository(rows).await;
    let stub = Stub::start(&workgroup, Manners::default()).await;
    let stage = portal(&workgroup, &stub.settings("")).await?;
    stage.collector.collect(&tableau()).await?;
    let wanted = rows;
    let no = stage.confirm("tableau", wanted, "all").await?;
    let began = Instant::now();
    stage.endings.work_due().await?;
    let ours = began.elapsed();
    stage.check(no, wanted).await?;

    let workgroup = repository(rows).await;
    let stub = Stub::start(&workgroup, Manners::default()).await;
    let raw = Raw::sign_in(&stub.url).await?;
    let began = Instant::now();
    raw.end_all(&workgroup, rows).await?;
    Ok((ours, began.elapsed()))
}

/// The same calls by hand.
struct Raw {
    client: reqwest::Client,
    api: String,
    token: String,
}

impl Raw {
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured beside the connector must not be the connector's client"
    )]
    async fn sign_in(url: &str) -> anyhow::Result<Self> {
        server::http::install_tls();
        let client = reqwest::Client::builder().build()?;
        let api = format!("{url}/api/3.27");
        let body = "<tsRequest><credentials personalAccessTokenName=\"curfew\" personalAccessTokenSecret=\"x\">\
                    <site contentUrl=\"\"/></credentials></tsRequest>";
        let answer = client
            .post(format!("{api}/auth/signin"))
            .body(body)
            .send()
            .await?;
        let text = answer.text().await?;
        let token = text
            .split_once(" token=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .context("no token")?
            .0
            .to_owned();
        Ok(Self { client, api, token })
    }

    /// Lists, ends everything but its own sign-in, lists again.
    async fn end_all(&self, workgroup: &Workgroup, rows: usize) -> anyhow::Result<()> {
        let own = self.token.split('|').next().unwrap_or_default();
        let list = async || -> anyhow::Result<Vec<String>> {
            let ids = sqlx::query_scalar("SELECT session_id FROM _sessions WHERE session_id <> $1");
            Ok(ids.bind(own).fetch_all(&workgroup.admin).await?)
        };
        let ids = list().await?;
        anyhow::ensure!(ids.len() == rows, "raw listed {}", ids.len());
        let calls: Vec<_> = ids
            .iter()
            .map(|id| {
                let call = self.client.delete(format!("{}/sessions/{id}", self.api));
                call.header("x-tableau-auth", &self.token).send()
            })
            .collect();
        let mut answers = stream::iter(calls).buffer_unordered(CONNECTIONS);
        while let Some(answer) = answers.next().await {
            anyhow::ensure!(answer?.status() == 204, "it refused");
        }
        anyhow::ensure!(list().await?.is_empty(), "the raw loop left some");
        Ok(())
    }
}
