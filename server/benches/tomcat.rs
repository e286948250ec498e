//! `cargo xtask bench tomcat`: listing and ending sessions of a real Tomcat, through each bridge.
//!
//! "Ours" is the portal: for `list` the connector behind its guard, for `collect` the inventory too, for `end` from the
//! confirmed ending to the last outcome, with reading, asking, reading back and audit. "Raw" is a loop of the same
//! questions with as many connections, that stores nothing and believes what it is told. Endings are measured on a warm Java,
//! in turns; up to 10,000 the median of five counts. The last case is Tomcat
//! Manager's own bulk end: 9,000 of 100,000 by its page, 900 at a time, beside ours.
//!
//! Through the Manager's pages, where each ending is looked for in the whole list, 100,000 are listed but not ended.
//!
//! Arguments: `--rows 1000,10000,100000`, `--bridge jmxproxy,jolokia,manager`, `--manager 9000/100000` (or `none`),
//! `--out FILE`.

use std::time::{Duration, Instant};

use anyhow::Context;
use app::wire::SystemId;
use futures::stream::{self, StreamExt};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use server::config::{Config, SystemSettings};

use self::farm::{Jolokia, Options as Made, Role, Tomcat, Version};
use self::stage::{Stage, ms};

#[path = "../tests/tomcat/farm/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest of it")]
mod farm;
mod report;
mod stage;

/// Requests at a time, ours and raw: the default of the settings.
const CONNECTIONS: usize = 4;
/// Questions in one request to Jolokia, as the connector asks them.
const AT_ONCE: usize = 1_000;
/// More than that are not ended by pages: each ending is looked for in the whole list.
const MOST_BY_PAGES: usize = 10_000;
/// Up to so many are ended several times, ours and raw in turns, and the median counts.
const FEW: usize = 10_000;
const RUNS: usize = 5;
/// The app under test.
const APP: &str = "/x";
const BEAN: &str = "Catalina:type=Manager,host=localhost,context=/x";

struct Options {
    rows: Vec<usize>,
    bridges: Vec<String>,
    manager: Option<(usize, usize)>,
    out: std::path::PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let mut made = Made::new(Version::V10).jolokia(Jolokia::Agent);
    made.java = vec!["-Xmx1g".to_owned()];
    let tomcat = Tomcat::start(made).await;
    let mut lines = Vec::new();
    let mut all = Vec::new();
    for bridge in &options.bridges {
        for &rows in &options.rows {
            for (op, ours, raw) in measure(&tomcat, bridge, rows).await? {
                let of_raw = raw.as_secs_f64() / ours.as_secs_f64();
                println!("{bridge}, {op} {rows}: {:.0} ms, raw {:.0} ms", ms(ours), ms(raw));
                lines.push(format!(
                    "BENCH tomcat bridge={bridge} op={op} n={rows} of_raw={of_raw:.2} ms={:.0}",
                    ms(ours)
                ));
                all.push(json!({"bridge": bridge, "op": op, "n": rows, "ms": ms(ours), "raw_ms": ms(raw)}));
            }
        }
    }
    if let Some((some, of)) = options.manager {
        let (ours, pages) = beside_the_manager(&tomcat, some, of).await?;
        let faster = pages.as_secs_f64() / ours.as_secs_f64();
        println!(
            "{some} of {of}: {:.1} s, by Tomcat Manager's page {:.1} s",
            ours.as_secs_f64(),
            pages.as_secs_f64()
        );
        lines.push(format!(
            "BENCH tomcat bridge=manager op=end n={some} of={of} x_faster={faster:.1} ms={:.0} manager_ms={:.0}",
            ms(ours),
            ms(pages)
        ));
        all.push(json!({"bridge": "manager", "op": "end", "n": some, "of": of, "ms": ms(ours), "manager_ms": ms(pages)}));
    }
    report::tell(&options.out, &all, &lines)
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options {
        rows: vec![1_000, 10_000, 100_000],
        bridges: ["jmxproxy", "jolokia", "manager"].map(str::to_owned).to_vec(),
        manager: Some((9_000, 100_000)),
        out: "target/bench/tomcat.json".into(),
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
            "--rows" => options.rows = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--bridge" => options.bridges = value.split(',').map(str::to_owned).collect(),
            "--manager" => {
                options.manager = match value.split_once('/') {
                    Some((some, of)) => Some((some.parse()?, of.parse()?)),
                    None => None,
                }
            }
            "--out" => options.out = value.into(),
            _ => anyhow::bail!("{name}: --rows, --bridge, --manager and --out are known"),
        }
    }
    Ok(options)
}

fn intranet() -> SystemId {
    SystemId::from("intranet")
}

/// A portal with that Tomcat, through one bridge.
async fn portal(tomcat: &Tomcat, bridge: &str) -> anyhow::Result<Stage> {
    let (role, key, url) = match bridge {
        "jmxproxy" => (Role::Jmx, "manager", format!("{}/manager", tomcat.url())),
        "jolokia" => (Role::Jolokia, "jolokia", tomcat.jolokia_url()),
        "manager" => (Role::Gui, "manager", format!("{}/manager", tomcat.url())),
        other => anyhow::bail!("no bridge {other}: jmxproxy, jolokia or manager"),
    };
    let (user, password) = tomcat.user(role);
    // Read while the system is connected, so it may go at the end of this function.
    let secret = tempfile::NamedTempFile::new()?;
    std::fs::write(secret.path(), password)?;
    let settings: SystemSettings = toml::from_str(&format!(
        "kind = \"tomcat\"\nname = \"Intranet\"\n{key} = \"{url}\"\nuser = \"{user}\"\npassword = \"file:{}\"\n\
         bridge = \"{bridge}\"\nconnections = {CONNECTIONS}\ncontexts = [\"{APP}\"]\nperson = [{{ attribute = \"user\" }}]\ntimeout_ms = 60000",
        secret.path().display()
    ))?;
    let mut config = Config::default();
    config.systems.insert("intranet".to_owned(), settings);
    Stage::new("sqlite", &config).await
}

/// Each operation: ours and raw.
async fn measure(
    tomcat: &Tomcat,
    bridge: &str,
    rows: usize,
) -> anyhow::Result<Vec<(&'static str, Duration, Duration)>> {
    let raw = Raw::new(tomcat, bridge);
    // Whatever bridge is measured, what was left is cleared away fast.
    Raw::new(tomcat, "jolokia").end_all().await?;
    tomcat.open_many(APP, rows).await;
    let stage = portal(tomcat, bridge).await?;

    let began = Instant::now();
    let listed = match bridge {
        "manager" => Pages::open(tomcat).await?.list().await?.len(),
        _ => raw.list().await?,
    };
    anyhow::ensure!(listed == rows, "raw listed {listed}");
    let raw_list = began.elapsed();
    let before = resident_kib()?;
    let began = Instant::now();
    anyhow::ensure!(list(&stage).await? == rows, "ours listed another number");
    let our_list = began.elapsed();
    println!(
        "  {} KiB more in memory after listing {rows}",
        resident_kib()?.saturating_sub(before)
    );

    // Another portal, so that nothing is known from the list before.
    let stage = portal(tomcat, bridge).await?;
    let began = Instant::now();
    stage.collector.collect(&intranet()).await?;
    let collect = began.elapsed();
    let listed = vec![("list", our_list, raw_list), ("collect", collect, raw_list)];
    if bridge == "manager" && rows > MOST_BY_PAGES {
        return Ok(listed);
    }
    // Java compiles while it works: what comes first would pay for both.
    raw_end(tomcat, bridge).await?;
    let runs = if rows > FEW { 1 } else { RUNS };
    let (mut ours, mut raws) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        tomcat.open_many(APP, rows).await;
        ours.push(our_end(tomcat, bridge, rows).await?);
        anyhow::ensure!(raw.ids().await?.is_empty(), "sessions are left");
        tomcat.open_many(APP, rows).await;
        raws.push(raw_end(tomcat, bridge).await?);
    }
    Ok([listed, vec![("end", median(ours), median(raws))]].concat())
}

fn median(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of[of.len() / 2]
}

/// Ends everything through a portal that has just collected it.
async fn our_end(tomcat: &Tomcat, bridge: &str, rows: usize) -> anyhow::Result<Duration> {
    let stage = portal(tomcat, bridge).await?;
    stage.collector.collect(&intranet()).await?;
    let began = Instant::now();
    let no = stage.confirm("intranet", rows, "all").await?;
    println!("  accepted in {:.0} ms", ms(began.elapsed()));
    let began = Instant::now();
    stage.endings.work_due().await?;
    let took = began.elapsed();
    stage.check(no, rows).await?;
    Ok(took)
}

/// Ends everything by the raw loop.
async fn raw_end(tomcat: &Tomcat, bridge: &str) -> anyhow::Result<Duration> {
    let began = Instant::now();
    match bridge {
        "manager" => {
            let mut pages = Pages::open(tomcat).await?;
            let ids = pages.list().await?;
            pages.end(&ids).await?;
            anyhow::ensure!(pages.list().await?.is_empty(), "the raw loop left some");
        }
        _ => Raw::new(tomcat, bridge).end_all().await?,
    }
    Ok(began.elapsed())
}

/// Everything through the connector; how many.
async fn list(stage: &Stage) -> anyhow::Result<usize> {
    let mut rows = 0;
    stage.list(&intranet(), |batch| rows += batch.len()).await?;
    Ok(rows)
}

/// Ends some of many: ours, and by the Manager's page.
async fn beside_the_manager(tomcat: &Tomcat, some: usize, of: usize) -> anyhow::Result<(Duration, Duration)> {
    let raw = Raw::new(tomcat, "jolokia");
    raw.end_all().await?;
    tomcat.open_many(APP, of).await;
    let stage = portal(tomcat, "jolokia").await?;
    stage.collector.collect(&intranet()).await?;
    let began = Instant::now();
    let no = stage.confirm("intranet", some, "some").await?;
    stage.endings.work_due().await?;
    let ours = began.elapsed();
    stage.check(no, some).await?;

    tomcat.open_many(APP, some).await;
    let ids = raw.ids().await?;
    let began = Instant::now();
    Pages::open(tomcat).await?.end(&ids[..some]).await?;
    let pages = began.elapsed();
    anyhow::ensure!(
        raw.ids().await?.len() == of - some,
        "the page ended another number"
    );
    raw.end_all().await?;
    Ok((ours, pages))
}

/// What an administrator does in Tomcat's own Manager, without a person's pauses.
struct Pages {
    client: Client,
    sessions: String,
    user: (&'static str, &'static str),
    /// The newest page: the next request takes its nonce.
    page: String,
}

impl Pages {
    async fn open(tomcat: &Tomcat) -> anyhow::Result<Self> {
        let mut pages = Self {
            client: by_hand(true),
            sessions: format!("{}/manager/html/sessions", tomcat.url()),
            user: tomcat.user(Role::Gui),
            page: String::new(),
        };
        let first = pages.client.get(format!("{}/manager/html", tomcat.url()));
        pages.send(first).await?;
        Ok(pages)
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> anyhow::Result<()> {
        let answer = request.basic_auth(self.user.0, Some(self.user.1)).send().await?;
        anyhow::ensure!(answer.status().is_success(), "the page said {}", answer.status());
        self.page = answer.text().await?;
        Ok(())
    }

    fn address(&self) -> anyhow::Result<Url> {
        let name = "org.apache.catalina.filters.CSRF_NONCE";
        let (_, rest) = self
            .page
            .split_once("CSRF_NONCE=")
            .context("the page has no nonce")?;
        let nonce = rest.get(..32).context("the page is cut off")?;
        Ok(Url::parse_with_params(
            &self.sessions,
            [("path", APP), (name, nonce)],
        )?)
    }

    /// Ids on the page of all sessions.
    async fn list(&mut self) -> anyhow::Result<Vec<String>> {
        let request = self.client.get(self.address()?);
        self.send(request).await?;
        let boxes = self.page.split("name=\"sessionIds\" value=\"").skip(1);
        Ok(boxes
            .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
            .collect())
    }

    async fn end(&mut self, ids: &[String]) -> anyhow::Result<()> {
        for some in ids.chunks(900) {
            let mut form = vec![("action", "invalidateSessions")];
            form.extend(some.iter().map(|id| ("sessionIds", id.as_str())));
            let body = Url::parse_with_params("http://form/", form)?;
            let request = self
                .client
                .post(self.address()?)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body.query().unwrap_or_default().to_owned());
            self.send(request).await?;
        }
        Ok(())
    }
}

/// A client without what the connector's adds.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured beside the connector must not be the connector's client"
)]
fn by_hand(cookies: bool) -> Client {
    server::http::install_tls();
    Client::builder()
        .cookie_store(cookies)
        .build()
        .expect("a plain client")
}

/// The same questions by hand.
struct Raw {
    client: Client,
    bridge: String,
    url: String,
    user: (&'static str, &'static str),
}

impl Raw {
    fn new(tomcat: &Tomcat, bridge: &str) -> Self {
        let (url, user) = match bridge {
            "jolokia" => (tomcat.jolokia_url(), tomcat.user(Role::Jolokia)),
            _ => (
                format!("{}/manager/jmxproxy/", tomcat.url()),
                tomcat.user(Role::Jmx),
            ),
        };
        Self {
            client: by_hand(false),
            bridge: bridge.to_owned(),
            url,
            user,
        }
    }

    fn jolokia(&self) -> bool {
        self.bridge == "jolokia"
    }

    async fn post(&self, body: &Value) -> anyhow::Result<Value> {
        let request = self.client.post(&self.url).json(body);
        Ok(request
            .basic_auth(self.user.0, Some(self.user.1))
            .send()
            .await?
            .json()
            .await?)
    }

    async fn get(&self, op: &str, ps: Option<String>) -> anyhow::Result<String> {
        let mut pairs = vec![("invoke", BEAN), ("op", op)];
        if let Some(ps) = &ps {
            pairs.push(("ps", ps));
        }
        let request = self.client.get(Url::parse_with_params(&self.url, pairs)?);
        Ok(request
            .basic_auth(self.user.0, Some(self.user.1))
            .send()
            .await?
            .text()
            .await?)
    }

    async fn ids(&self) -> anyhow::Result<Vec<String>> {
        let text = if self.jolokia() {
            let asked = json!({"type": "exec", "mbean": BEAN, "operation": "listSessionIds"});
            self.post(&asked).await?["value"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        } else {
            let text = self.get("listSessionIds", None).await?;
            text.split_once('\n')
                .map_or(String::new(), |(_, ids)| ids.to_owned())
        };
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }

    /// Asks these operations of every id.
    async fn ask(&self, ids: &[String], operations: &[(&str, Option<&str>)]) -> anyhow::Result<()> {
        if self.jolokia() {
            let asked: Vec<Value> = ids
                .iter()
                .flat_map(|id| {
                    operations.iter().map(move |(op, attribute)| {
                        let mut arguments = vec![id.as_str()];
                        arguments.extend(attribute);
                        json!({"type": "exec", "mbean": BEAN, "operation": op, "arguments": arguments})
                    })
                })
                .collect();
            for some in asked.chunks(AT_ONCE) {
                let answers = self.post(&Value::Array(some.to_vec())).await?;
                anyhow::ensure!(
                    answers.as_array().is_some_and(|a| a.len() == some.len()),
                    "not all answered"
                );
            }
            return Ok(());
        }
        let calls: Vec<_> = ids
            .iter()
            .flat_map(|id| {
                operations.iter().map(move |(op, attribute)| {
                    let ps = match attribute {
                        Some(attribute) => format!("{id},{attribute}"),
                        None => id.clone(),
                    };
                    self.get(op, Some(ps))
                })
            })
            .collect();
        let mut answers = stream::iter(calls).buffer_unordered(CONNECTIONS);
        while let Some(answer) = answers.next().await {
            anyhow::ensure!(answer?.starts_with("OK - "), "it refused");
        }
        Ok(())
    }

    async fn list(&self) -> anyhow::Result<usize> {
        let ids = self.ids().await?;
        let details = [
            ("getCreationTimestamp", None),
            ("getLastAccessedTimestamp", None),
            ("getSessionAttribute", Some("user")),
        ];
        self.ask(&ids, &details).await?;
        Ok(ids.len())
    }

    /// Lists, ends everything, lists again.
    async fn end_all(&self) -> anyhow::Result<()> {
        let ids = self.ids().await?;
        self.ask(&ids, &[("expireSession", None)]).await?;
        anyhow::ensure!(self.ids().await?.is_empty(), "the raw loop left some");
        Ok(())
    }
}

/// Memory that this process holds now, KiB, as Linux tells it.
fn resident_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse().ok())
        .context("Linux tells no memory of this process")
}
