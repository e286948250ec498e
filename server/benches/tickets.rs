//! `cargo xtask bench tickets`: tickets of a simulated Tableau through the broker, beside asking that Tableau directly.
//!
//! "Ours" is a whole portal with its background work and the broker's own listener: a signed token per ticket, checked,
//! marked as used, the request stored and audited. "Raw" sends `/trusted` the same form over as many connections, with the
//! same few lines of HTTP. Both run in this process beside the simulator and the callers, in turns.
//!
//! The delay is taken at a rate that leaves the machine idle: every caller asks Tableau directly and through the broker by
//! turns. What the broker adds is the difference of the two at the same part of all requests (half of them, 99 %).
//!
//! Arguments: `--db sqlite,postgres`, `--tickets 10000` (of one run), `--at-once 32`, `--rate 200` (a second, for the
//! delay), `--seconds 20`, `--out FILE`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use app::wire::SystemId;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use server::clock::{Clock, SystemClock};
use server::config::Config;
use server::db::testing::TestDb;
use server::http;
use server::on;
use server::portal::Portal;
use server::simulators::tableau::TableauServer;
use server::simulators::tableau::release::Release;
use server::simulators::tableau::rows::SiteRole;
use server::simulators::tableau::shape::Shape;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

mod report;

/// Runs at full speed of each; the median counts.
const RUNS: usize = 5;
/// Callers at the modest rate.
const CALLERS: usize = 8;
/// People who are let in.
const PEOPLE: usize = 100;
const KEY: &str = include_str!("../tests/it/fixtures/app-ed25519.pem");
const PUBLIC_KEY: &str = include_str!("../tests/it/fixtures/app-ed25519.pub.pem");

struct Options {
    engines: Vec<String>,
    tickets: usize,
    at_once: usize,
    rate: usize,
    seconds: usize,
    out: std::path::PathBuf,
}

/// A portal, its broker, and the Tableau behind it.
struct Estate {
    test: TestDb,
    portal: Arc<Portal>,
    broker: SocketAddr,
    tableau: SocketAddr,
    key: EncodingKey,
    stop: CancellationToken,
    _far: TableauServer,
    _folder: tempfile::TempDir,
}

impl Drop for Estate {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let mut lines = Vec::new();
    let mut numbers = Vec::new();
    for engine in &options.engines {
        let estate = Estate::new(engine, &options).await?;
        let (ours, raw) = estate.fast(&options).await?;
        let late = estate.modest(&options).await?;
        estate.check().await?;
        println!(
            "{engine}: {ours:.0} tickets a second, Tableau alone {raw:.0}; at {} a second {:.2} ms (99 %: {:.2}), \
             Tableau alone {:.2} ms ({:.2})",
            options.rate, late.ours.0, late.ours.1, late.raw.0, late.raw.1
        );
        lines.push(format!(
            "BENCH tickets db={engine} at_once={} per_s={ours:.0} of_raw={:.2} rate={} added_p50_ms={:.2} \
             added_p99_ms={:.2} x_raw_p99={:.2}",
            options.at_once,
            ours / raw,
            options.rate,
            late.ours.0 - late.raw.0,
            late.ours.1 - late.raw.1,
            late.ours.1 / late.raw.1
        ));
        numbers.push(serde_json::json!({
            "db": engine, "at_once": options.at_once, "tickets": options.tickets, "per_s": ours, "raw_per_s": raw,
            "rate": options.rate, "p50_ms": late.ours.0, "p99_ms": late.ours.1, "raw_p50_ms": late.raw.0,
            "raw_p99_ms": late.raw.1,
        }));
    }
    report::tell(&options.out, &numbers, &lines)
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options {
        engines: vec!["sqlite".to_owned(), "postgres".to_owned()],
        tickets: 10_000,
        at_once: 32,
        rate: 200,
        seconds: 20,
        out: "target/bench/tickets.json".into(),
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
            "--db" => options.engines = value.split(',').map(str::to_owned).collect(),
            "--tickets" => options.tickets = value.parse()?,
            "--at-once" => options.at_once = value.parse()?,
            "--rate" => options.rate = value.parse()?,
            "--seconds" => options.seconds = value.parse()?,
            "--out" => options.out = value.into(),
            _ => anyhow::bail!("{name}: --db, --tickets, --at-once, --rate, --seconds and --out are known"),
        }
    }
    // A token lives for a minute at most, and all of a run are signed before it.
    anyhow::ensure!(options.seconds <= 40, "--seconds: at most 40");
    Ok(options)
}

/// Half of them took at most so long, and 99 %, ms.
struct Late {
    ours: (f64, f64),
    raw: (f64, f64),
}

impl Estate {
    async fn new(engine: &str, options: &Options) -> anyhow::Result<Self> {
        http::install_tls();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let release = Release::named("2025.3").context("no such release")?;
        let mut far = TableauServer::start(clock.clone(), Shape::of(release)).await?;
        far.trust(IpAddr::V4(Ipv4Addr::LOCALHOST));
        far.model(|model, now| {
            for n in 0..PEOPLE {
                let name = format!("person{n}");
                let person = model.add_person(&name, &name, None);
                model.join(person, 1, SiteRole::Viewer, now);
            }
        });
        let folder = tempfile::tempdir()?;
        let key = folder.path().join("app.pem");
        std::fs::write(&key, PUBLIC_KEY)?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let broker = listener.local_addr()?;
        let mut config = Config {
            data_dir: folder.path().to_owned(),
            ..Config::default()
        };
        let mut hq = far.settings("Tableau")?;
        // As many requests at a time as come in, or the wait for a turn would be measured.
        let trusted = hq.own.get_mut("trusted").and_then(toml::Value::as_table_mut);
        let trusted = trusted.context("the simulator gives no tickets")?;
        trusted.insert("connections".to_owned(), i64::try_from(options.at_once)?.into());
        config.systems.insert("hq".to_owned(), hq);
        config.broker.listen = Some(broker);
        config.broker.apps = vec![serde_json::from_value(serde_json::json!({
            "id": "bench", "system": "hq", "sites": [""], "users": "person[0-9]+", "per_minute": 100_000_000,
            "keys": [{"algorithm": "EdDSA", "public": format!("file:{}", key.display())}],
        }))?];
        let test = match engine {
            "sqlite" => TestDb::sqlite().await?,
            _ => TestDb::postgres().await?,
        };
        let portal = Portal::over(test.db.clone(), config, clock, false).await?;
        let stop = CancellationToken::new();
        let router = http::broker_router(portal.http(stop.clone()));
        tokio::spawn(http::serve(listener, None, router, stop.clone()));
        let (background, until) = (portal.clone(), stop.clone());
        tokio::spawn(async move { background.run_background(until).await });
        portal.collector.collect(&SystemId::from("hq")).await?;
        let address = far.url();
        let tableau = address.strip_prefix("http://").context("not http")?.parse()?;
        Ok(Self {
            test,
            portal,
            broker,
            tableau,
            key: EncodingKey::from_ed_pem(KEY.as_bytes())?,
            stop,
            _far: far,
            _folder: folder,
        })
    }

    /// Requests for so many tickets, each with a token of its own.
    fn requests(&self, tickets: usize) -> anyhow::Result<Vec<Vec<u8>>> {
        let exp = SystemClock.now().0 / 1000 + 55;
        let one = |n: usize| {
            let claims = serde_json::json!({
                "iss": "bench", "aud": format!("http://{}", self.broker), "exp": exp, "jti": server::keys::random_id(),
                "sub": format!("person{}", n % PEOPLE), "site": "", "client_ip": "192.0.2.7", "auth_time": exp - 600,
                "sid": format!("session {}", n % PEOPLE),
            });
            let token = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.key)?;
            let head = format!(
                "POST /broker/v1/tickets HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\ncontent-length: 0\r\n\r\n",
                self.broker
            );
            Ok(head.into_bytes())
        };
        (0..tickets).map(one).collect()
    }

    /// The same requests to Tableau itself.
    fn raw_requests(&self, tickets: usize) -> Vec<Vec<u8>> {
        let one = |n: usize| {
            let form = format!("username=person{}&client_ip=192.0.2.7", n % PEOPLE);
            let head = format!(
                "POST /trusted HTTP/1.1\r\nhost: {}\r\naccept: text/plain, */*\r\n\
                 content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
                self.tableau,
                form.len()
            );
            head.into_bytes()
        };
        (0..tickets).map(one).collect()
    }

    /// Tickets a second: ours and raw, in turns so that whatever else the machine does meets both.
    async fn fast(&self, options: &Options) -> anyhow::Result<(f64, f64)> {
        let (mut ours, mut raw) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let requests = self.raw_requests(options.tickets);
            raw.push(full_speed(self.tableau, requests, options.at_once).await?);
            let requests = self.requests(options.tickets)?;
            ours.push(full_speed(self.broker, requests, options.at_once).await?);
        }
        let median = |mut of: Vec<f64>| {
            of.sort_unstable_by(f64::total_cmp);
            of[of.len() / 2]
        };
        Ok((median(ours), median(raw)))
    }

    /// The delay at a rate the machine does not feel.
    async fn modest(&self, options: &Options) -> anyhow::Result<Late> {
        let each = options.rate * options.seconds / CALLERS;
        let every = Duration::from_secs_f64(CALLERS as f64 / options.rate as f64);
        let mut callers = Vec::new();
        for n in 0..CALLERS {
            let pairs: Vec<_> = self
                .requests(each)?
                .into_iter()
                .zip(self.raw_requests(each))
                .collect();
            let (broker, tableau) = (self.broker, self.tableau);
            let offset = every.mul_f64(n as f64 / CALLERS as f64);
            callers.push(tokio::spawn(async move {
                let (mut to_broker, mut to_tableau) = (Line::to(broker).await?, Line::to(tableau).await?);
                let (mut ours, mut raw) = (Vec::new(), Vec::new());
                let begun = tokio::time::Instant::now() + offset;
                for (n, (through, direct)) in pairs.into_iter().enumerate() {
                    let due = begun + every.mul_f64(n as f64);
                    tokio::time::sleep_until(due).await;
                    ours.push(to_broker.ticket(&through).await?);
                    tokio::time::sleep_until(due + every / 2).await;
                    raw.push(to_tableau.ticket(&direct).await?);
                }
                anyhow::Ok((ours, raw))
            }));
        }
        let (mut ours, mut raw) = (Vec::new(), Vec::new());
        for caller in callers {
            let (own, direct) = caller.await??;
            ours.extend(own);
            raw.extend(direct);
        }
        let parts = |mut of: Vec<Duration>| {
            of.sort_unstable();
            let at = |part: f64| of[((of.len() - 1) as f64 * part) as usize].as_secs_f64() * 1_000.0;
            (at(0.5), at(0.99))
        };
        Ok(Late {
            ours: parts(ours),
            raw: parts(raw),
        })
    }

    /// Every ticket stands in the database as issued, its token as used, and in the log.
    async fn check(&self) -> anyhow::Result<()> {
        self.portal.tickets.store_now().await?;
        let mut conn = self.test.db.read().await?;
        let count = async |conn: &mut server::db::Conn, sql: &'static str| -> anyhow::Result<i64> {
            Ok(on!(conn, c => sqlx::query_scalar(sql).fetch_one(c).await?))
        };
        let issued = count(
            &mut conn,
            "SELECT COUNT(*) FROM ticket_issue WHERE outcome = 'issued'",
        )
        .await?;
        let all = count(&mut conn, "SELECT COUNT(*) FROM ticket_issue").await?;
        let used = count(&mut conn, "SELECT COUNT(*) FROM broker_jti").await?;
        let logged = count(
            &mut conn,
            "SELECT COUNT(*) FROM audit_entry WHERE action = 'ticket_issued'",
        )
        .await?;
        anyhow::ensure!(
            issued == all && logged > 0,
            "{issued} of {all} issued, {logged} logged"
        );
        // Those of the first runs may have run out and been swept.
        anyhow::ensure!(
            used > 0 && used <= issued,
            "{used} tokens used for {issued} tickets"
        );
        Ok(())
    }
}

/// Sends all over `at_once` connections; answers a second.
async fn full_speed(to: SocketAddr, requests: Vec<Vec<u8>>, at_once: usize) -> anyhow::Result<f64> {
    let count = requests.len();
    let mut shares: Vec<Vec<Vec<u8>>> = vec![Vec::new(); at_once];
    for (n, request) in requests.into_iter().enumerate() {
        shares[n % at_once].push(request);
    }
    let mut lines = Vec::new();
    for share in shares {
        lines.push((Line::to(to).await?, share));
    }
    let begun = Instant::now();
    let callers: Vec<_> = lines
        .into_iter()
        .map(|(mut line, share)| {
            tokio::spawn(async move {
                for request in share {
                    line.ticket(&request).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// A connection: the least HTTP there is, so that what is measured is not who asks.
struct Line {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Line {
    async fn to(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            answer: Vec::new(),
        })
    }

    /// Sends a request and reads its answer, which has to be a ticket; how long that took.
    async fn ticket(&mut self, request: &[u8]) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        self.stream.write_all(request).await?;
        self.answer.clear();
        let (head, length) = loop {
            anyhow::ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "it hung up");
            let Some(head) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let text = std::str::from_utf8(&self.answer[..head])?.to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            break (
                head + 4,
                length
                    .context("an answer of unknown length")?
                    .trim()
                    .parse::<usize>()?,
            );
        };
        while self.answer.len() < head + length {
            anyhow::ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "it hung up");
        }
        let took = begun.elapsed();
        let body = String::from_utf8_lossy(&self.answer[head..]);
        let ticket = self.answer.starts_with(b"HTTP/1.1 200") && body.contains("==:");
        anyhow::ensure!(ticket, "no ticket: {}", String::from_utf8_lossy(&self.answer));
        Ok(took)
    }
}
