//! `cargo xtask bench list` and `bench scope`: the sessions page at 10k, 100k and 1M rows, on both databases, beside the raw
//! SQL; for an administrator, and for a helper whose scope is a group of 1,000 people.
//!
//! Twelve fixed cases: sorted by last activity, person and idle end; no filter, one system, part of a name, idle for
//! over 8 hours. Each on its first page and on a deep one (100 pages on, or the last). "Ours" is the whole answer of
//! the sessions room as the page gets it, counts, limits and rights included; "raw" is one hand-written statement that
//! fetches the same rows on one connection and counts nothing.
//!
//! `BENCH facets` tells what opening the filters costs beside that: the counts of every value, for each of the four filters.
//! `BENCH earlier` tells of the sessions that began under an earlier policy, and of their number. Goals stand behind the
//! numbers: they are for a million rows.
//!
//! `BENCH scope` tells of the page as it opens (by last activity, no filter), and of the worst of the cases beside it.
//!
//! Arguments: `--rows 10000,100000` and `--db sqlite,postgres` choose; `--out FILE` takes the JSON.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::access::wire::{People, Permission, Places, Scope, ThesePeople};
use app::sessions::port::SessionsPort;
use app::sessions::query::filter::{TextFilter, TextOp, TimeFilter};
use app::sessions::query::{PAGE_ROWS, SessionQuery, SortKey};
use app::sessions::wire::{SessionKind, SessionRow, SessionsPage};
use app::wire::{Direction, GrantId, Limit, OperatorId, SystemId, Timestamp};
use server::access::Access;
use server::audit::Audit;
use server::caller::{Caller, CallerKind, For, Origin, SecondFactor};
use server::clock::{Clock, FakeClock};
use server::config::SignInRules;
use server::db::Db;
use server::db::testing::TestDb;
use server::domain::grant::Grant;
use server::keys::HashKey;
use server::on;
use server::policies::Policies;
use server::sessions::Sessions;
use server::sessions::list::Row;
use server::sessions::testing::{self, Seed};
use server::systems::Systems;

mod report;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
/// Runs of each page that count; a few more before them warm the caches.
const RUNS: usize = 60;
/// What the page may take at a million rows, p50 and p99, ms.
const GOAL: (f64, f64) = (8.0, 25.0);
/// What filters may take to open, and a list that no index has in its order, p99, ms.
const GOAL_ASKED: f64 = 300.0;
/// Runs of what is asked for beside the page.
const RUNS_ASKED: usize = 20;
/// How long the plain statement of a case is repeated at most.
const RAW_FOR: Duration = Duration::from_secs(5);
const WARM: usize = 5;
/// The first cases: each filter once.
const FILTERS: usize = 4;
/// Pages from the first to the deep one.
const DEEP: usize = 100;
/// Rows a transaction while seeding.
const CHUNK: usize = 5_000;
/// Systems with their share of the sessions, in thousandths.
const SYSTEMS: [(&str, u64, SessionKind); 6] = [
    ("uportal", 500, SessionKind::Web),
    ("keycloak", 300, SessionKind::Sso),
    ("tableau", 120, SessionKind::Web),
    ("domo", 70, SessionKind::Mobile),
    ("curfew", 9, SessionKind::Portal),
    ("tiny", 1, SessionKind::Web),
];
/// What is looked for in names: about one person in 240 has it.
const NEEDLE: &str = "kowalski";

struct Options {
    rows: Vec<u64>,
    engines: Vec<String>,
    out: std::path::PathBuf,
}

/// One measured page.
struct Measured {
    case: String,
    ours: Vec<Duration>,
    raw: Vec<Duration>,
}

impl Measured {
    fn quantile(of: &[Duration], q: f64) -> f64 {
        let mut sorted = of.to_vec();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into a few dozen runs"
        )]
        let at = ((sorted.len() - 1) as f64 * q).round() as usize;
        sorted[at].as_secs_f64() * 1000.0
    }

    fn p50(&self) -> f64 {
        Self::quantile(&self.ours, 0.5)
    }

    fn p99(&self) -> f64 {
        Self::quantile(&self.ours, 0.99)
    }

    fn x_raw(&self) -> f64 {
        self.p50() / Self::quantile(&self.raw, 0.5)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let mut lines = Vec::new();
    let mut json = Vec::new();
    for engine in &options.engines {
        for rows in &options.rows {
            let test = match engine.as_str() {
                "sqlite" => TestDb::sqlite().await?,
                _ => TestDb::postgres().await?,
            };
            let started = Instant::now();
            seed(&test.db, *rows).await?;
            let seeded = started.elapsed();
            println!("{engine}, {rows} rows (seeded in {:.1} s)", seeded.as_secs_f64());
            println!(
                "  {:<48} {:>8} {:>8} {:>8} {:>6}",
                "case", "p50 ms", "p99 ms", "raw ms", "x raw"
            );
            let mut measured = Vec::new();
            for who in [Who::Administrator, Who::Helper] {
                let of_them = measure(&test.db, who).await?;
                for m in &of_them {
                    let raw = Measured::quantile(&m.raw, 0.5);
                    println!(
                        "  {:<48} {:>8.2} {:>8.2} {raw:>8.2} {:>6.1}",
                        m.case,
                        m.p50(),
                        m.p99(),
                        m.x_raw()
                    );
                    json.push(serde_json::json!({
                        "db": engine, "rows": rows, "case": m.case, "p50_ms": m.p50(), "p99_ms": m.p99(),
                        "raw_p50_ms": raw, "x_raw": m.x_raw(), "seed_s": seeded.as_secs_f64(),
                    }));
                }
                measured.push(of_them);
            }
            let [all, helper] = &measured[..] else {
                anyhow::bail!("two were measured");
            };
            let worst =
                |of: fn(&Measured) -> f64, cases: &[Measured]| cases.iter().map(of).fold(0.0, f64::max);
            let slowest = all.iter().max_by(|a, b| a.p50().total_cmp(&b.p50()));
            lines.push(format!(
                "BENCH list rows={rows} db={engine} p50_ms={:.1} p99_ms={:.1} x_raw={:.1} goal_p50_ms={} goal_p99_ms={}",
                worst(Measured::p50, all),
                worst(Measured::p99, all),
                slowest.map_or(0.0, Measured::x_raw),
                GOAL.0,
                GOAL.1,
            ));
            for (what, cases) in asked(&test.db).await? {
                for m in &cases {
                    println!("  {:<48} {:>8.2} {:>8.2}", m.case, m.p50(), m.p99());
                    json.push(serde_json::json!({
                        "db": engine, "rows": rows, "case": m.case, "p50_ms": m.p50(), "p99_ms": m.p99(),
                    }));
                }
                lines.push(format!(
                    "BENCH {what} rows={rows} db={engine} p50_ms={:.1} p99_ms={:.1} goal_p99_ms={GOAL_ASKED}",
                    worst(Measured::p50, &cases),
                    worst(Measured::p99, &cases),
                ));
            }
            let x_admin: Vec<f64> = helper
                .iter()
                .zip(all)
                .map(|(helper, all)| helper.p50() / all.p50())
                .collect();
            // The first case is the page as it opens.
            lines.push(format!(
                "BENCH scope rows={rows} db={engine} p50_ms={:.1} p99_ms={:.1} x_admin={:.2} worst_p50_ms={:.1} worst_x_admin={:.2}",
                helper.first().map_or(0.0, Measured::p50),
                helper.first().map_or(0.0, Measured::p99),
                x_admin.first().copied().unwrap_or_default(),
                worst(Measured::p50, helper),
                x_admin.iter().copied().fold(0.0, f64::max),
            ));
            test.db.close().await;
        }
    }
    report::tell(&options.out, &json, &lines)
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options {
        rows: vec![10_000, 100_000, 1_000_000],
        engines: vec!["sqlite".to_owned(), "postgres".to_owned()],
        out: "target/bench/list.json".into(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        // `cargo bench` adds it.
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

/// Whose page.
#[derive(Clone, Copy)]
enum Who {
    /// Sees everybody.
    Administrator,
    /// Sees the people of a group of [`OF_GROUP`].
    Helper,
}

/// Accounts in the helper's group.
const OF_GROUP: usize = 1_000;

impl Who {
    const fn words(self) -> &'static str {
        match self {
            Who::Administrator => "",
            Who::Helper => "helper: ",
        }
    }

    fn scope(self) -> Scope {
        match self {
            Who::Administrator => Scope::EVERYWHERE,
            Who::Helper => Scope {
                places: Places::Everywhere,
                people: People::These(ThesePeople {
                    groups: vec!["helped".into()],
                    ..ThesePeople::default()
                }),
            },
        }
    }

    const fn condition(self) -> &'static str {
        match self {
            Who::Administrator => "",
            Who::Helper => {
                " AND account_sort IN (SELECT account FROM subject_group_member WHERE group_id = 'helped')"
            }
        }
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below.max(1)
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.roll(list.len() as u64)).unwrap_or(0)]
    }

    /// Many small, few large, `mean` on average.
    fn falling(&mut self, mean: i64) -> i64 {
        let mut sum = 0;
        let mut part = mean.unsigned_abs();
        for _ in 0..6 {
            sum += self.roll(part + 1);
            if self.roll(2) == 0 {
                part *= 2;
            }
        }
        i64::try_from(sum / 4).unwrap_or(mean)
    }
}

const FIRST: [&str; 24] = [
    "Anna", "Marie", "Lorenz", "Stefan", "Karla", "John", "Peter", "Olga", "Viktor", "Rami", "Tessa",
    "Susan", "Änne", "Zoë", "Łukasz", "Ahmed", "Mei", "Hiro", "Priya", "Diego", "Fatima", "Noah", "Ines",
    "Bo",
];
const LAST: [&str; 20] = [
    "Okafor", "Smith", "Müller", "Garcia", "Novak", "Rossi", "Kowal", "Tanaka", "Bergman", "Delgado",
    "Ferreira", "Hansen", "Ivanov", "Jankovic", "Kimura", "Lindberg", "Morales", "Nakamura", "Oliveira",
    "Petrov",
];
const ENDS: [&str; 12] = [
    "", "ski", "sson", "a", "ova", "-Ruiz", "-Li", "e", "ez", "ic", "man", "ini",
];

fn session(dice: &mut Dice, people: u64) -> Seed {
    let person = dice.roll(people);
    let mut who = Dice(person.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    who.roll(7);
    let (first, last) = (who.of(&FIRST), format!("{}{}", who.of(&LAST), who.of(&ENDS)));
    let account = format!("{}{}{person}", first.to_lowercase(), last.to_lowercase());
    let share = dice.roll(1_000);
    let mut sum = 0;
    let mut system = SYSTEMS[0];
    for candidate in SYSTEMS {
        sum += candidate.1;
        system = candidate;
        if share < sum {
            break;
        }
    }
    let last_active_at = NOW.0 - dice.falling(3 * 3_600_000);
    let created_at = last_active_at - dice.falling(4 * 3_600_000);
    Seed {
        system_id: system.0.to_owned(),
        kind: system.2,
        handle: format!("{:016x}{:016x}", dice.roll(u64::MAX), dice.roll(u64::MAX)),
        display_name: format!("{first} {last}"),
        email: Some(format!("{account}@example.org")),
        account_id: account.clone(),
        account_name: account,
        ip: Some(format!(
            "10.{}.{}.{}",
            dice.roll(256),
            dice.roll(256),
            dice.roll(256)
        )),
        browser: dice
            .of(&["Chrome 149", "Firefox 140", "Safari 19", "Edge 149"])
            .to_owned(),
        os: dice.of(&["Windows", "macOS", "Linux", "Android"]).to_owned(),
        created_at: Some(created_at),
        last_active_at: Some(last_active_at),
        idle: Limit::Seconds(dice.of(&[900, 1_800, 3_600, 28_800, 43_200])),
        absolute_expires_at: Some(created_at + 43_200_000),
        ..Seed::default()
    }
}

async fn seed(db: &Db, rows: u64) -> anyhow::Result<()> {
    let key = HashKey::new([1; 32]);
    let mut dice = Dice(42);
    let mut conn = db.write().await?;
    for (system, _, _) in SYSTEMS {
        testing::insert_system(&mut conn, system, NOW).await?;
    }
    conn.commit().await?;
    let mut left = rows;
    let mut helped = BTreeSet::new();
    while left > 0 {
        let now = left.min(CHUNK as u64);
        let seeds: Vec<Seed> = (0..now).map(|_| session(&mut dice, rows / 5)).collect();
        let mut conn = db.write().await?;
        testing::insert(&mut conn, &key, &seeds).await?;
        conn.commit().await?;
        left -= now;
        let room = OF_GROUP.saturating_sub(helped.len());
        helped.extend(seeds.iter().take(room).map(|s| s.account_name.to_lowercase()));
    }
    let helped: Vec<&str> = helped.iter().map(String::as_str).collect();
    let mut conn = db.write().await?;
    testing::insert_group(&mut conn, "helped", &helped).await?;
    let changed = NOW.0 - 6 * 3_600_000;
    testing::insert_kind_limit(
        &mut conn,
        "domo",
        SessionKind::Mobile,
        (Some(3_600), changed),
        (Some(43_200), changed),
    )
    .await?;
    conn.commit().await?;
    match db {
        Db::Sqlite { write, .. } => {
            sqlx::query("ANALYZE").execute(write).await?;
            sqlx::query("UPDATE system SET last_rows = (SELECT COUNT(*) FROM session s WHERE s.system_id = system.system_id)")
                .execute(write)
                .await?;
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(write)
                .await?;
        }
        Db::Postgres { pool, .. } => {
            sqlx::query("UPDATE system SET last_rows = (SELECT COUNT(*) FROM session s WHERE s.system_id = system.system_id)")
                .execute(pool)
                .await?;
            sqlx::query("VACUUM ANALYZE").execute(pool).await?;
        }
    }
    Ok(())
}

/// The twelve questions, with the raw condition of each filter on both databases.
fn cases() -> Vec<(String, SessionQuery, &'static str, &'static str)> {
    let eight_hours_ago = "last_active_sort > 0 AND last_active_sort < 1799971200000";
    let filters: [(&str, SessionQuery, &str, &str); 4] = [
        ("no filter", SessionQuery::default(), "TRUE", "TRUE"),
        (
            "one system",
            SessionQuery {
                systems: vec!["tableau".into()],
                ..SessionQuery::default()
            },
            "system_id = 'tableau'",
            "system_id = 'tableau'",
        ),
        (
            "part of a name",
            SessionQuery {
                person: Some(TextFilter {
                    op: TextOp::Contains,
                    texts: vec![NEEDLE.to_owned()],
                }),
                ..SessionQuery::default()
            },
            "row_no IN (SELECT rowid FROM session_search WHERE search_text LIKE '%kowalski%')",
            "search_text LIKE '%kowalski%'",
        ),
        (
            "idle over 8 h",
            SessionQuery {
                last_activity: Some(TimeFilter::OlderThan(8 * 3600)),
                ..SessionQuery::default()
            },
            eight_hours_ago,
            eight_hours_ago,
        ),
    ];
    let sorts = [
        ("last activity", SortKey::LastActivity),
        ("person", SortKey::Person),
        ("idle end", SortKey::IdleEnds),
    ];
    let mut cases = Vec::new();
    for (sort_words, sort) in sorts {
        for (words, filter, sqlite, postgres) in &filters {
            let query = SessionQuery {
                sort,
                direction: sort.first_direction(),
                ..filter.clone()
            };
            cases.push((format!("{sort_words}, {words}"), query, *sqlite, *postgres));
        }
    }
    cases
}

async fn measure(db: &Db, who: Who) -> anyhow::Result<Vec<Measured>> {
    let port = port(db, who).await?;
    let mut all = Vec::new();
    for (words, query, sqlite, postgres) in cases() {
        let condition = if db.engine() == "sqlite" { sqlite } else { postgres };
        let condition = &format!("{condition}{}", who.condition());
        let first = list(&port, &query).await?;
        let mut deep = first.clone();
        let mut before = None;
        for _ in 0..DEEP {
            let Some(next) = &deep.next else { break };
            before = deep.rows.last().cloned();
            deep = list(&port, &query.from_cursor(next, false)).await?;
        }
        for (page, at, from) in [("first page", &first, None), ("deep page", &deep, before)] {
            let asked = SessionQuery {
                cursor: at.query.cursor.clone(),
                ..query.clone()
            };
            let mut ours = Vec::with_capacity(RUNS);
            let mut raw = Vec::with_capacity(RUNS);
            for run in 0..WARM + RUNS {
                let started = Instant::now();
                let answer = list(&port, &asked).await?;
                let took = started.elapsed();
                anyhow::ensure!(answer.rows.len() == at.rows.len(), "{words}: another page");
                if run >= WARM {
                    ours.push(took);
                }
            }
            let began = Instant::now();
            for run in 0..WARM + RUNS {
                // Where the plain statement walks a whole index, a few runs tell as much.
                if began.elapsed() > RAW_FOR && !raw.is_empty() {
                    break;
                }
                let started = Instant::now();
                let rows = raw_page(db, &query, condition, from.as_ref()).await?;
                let took = started.elapsed();
                anyhow::ensure!(
                    rows == at.rows.len(),
                    "{words}, {page}: raw has {rows}, we {}",
                    at.rows.len()
                );
                if run >= WARM || began.elapsed() > RAW_FOR {
                    raw.push(took);
                }
            }
            all.push(Measured {
                case: format!("{}{words}, {page}", who.words()),
                ours,
                raw,
            });
        }
    }
    Ok(all)
}

/// What a person asks for beside the page: filters opened, and who began under an earlier policy.
async fn asked(db: &Db) -> anyhow::Result<[(&'static str, Vec<Measured>); 2]> {
    let port = port(db, Who::Administrator).await?;
    let mut facets = Vec::new();
    for (words, query, _, _) in cases().into_iter().take(FILTERS) {
        let mut ours = Vec::with_capacity(RUNS_ASKED);
        for run in 0..WARM + RUNS_ASKED {
            let started = Instant::now();
            let found = port.facets(query.clone()).await?;
            let took = started.elapsed();
            anyhow::ensure!(found.len() == 4, "{words}: another set of filters");
            if run >= WARM {
                ours.push(took);
            }
        }
        facets.push(measured(format!("filters opened, {words}"), ours));
    }
    let query = SessionQuery {
        earlier: true,
        ..SessionQuery::default()
    };
    let (mut page, mut number) = (Vec::new(), Vec::new());
    let domo = SystemId::from("domo");
    let scope = port.caller.visible(Permission::SeeSessions, NOW);
    for run in 0..WARM + RUNS_ASKED {
        let started = Instant::now();
        let answer = list(&port, &query).await?;
        let took = started.elapsed();
        anyhow::ensure!(!answer.rows.is_empty(), "nobody began under an earlier policy");
        let started = Instant::now();
        let mut conn = db.read().await?;
        let count = server::systems::earlier::count(&mut conn, &scope, &domo).await?;
        anyhow::ensure!(count.is_some(), "Domo is compared with nothing");
        if run >= WARM {
            page.push(took);
            number.push(started.elapsed());
        }
    }
    let earlier = vec![
        measured("earlier policy, first page".to_owned(), page),
        measured("earlier policy, its number".to_owned(), number),
    ];
    Ok([("facets", facets), ("earlier", earlier)])
}

/// Beside which no plain statement stands.
const fn measured(case: String, ours: Vec<Duration>) -> Measured {
    Measured {
        case,
        ours,
        raw: Vec::new(),
    }
}

async fn port(db: &Db, who: Who) -> anyhow::Result<For<Sessions>> {
    let clock: Arc<dyn Clock> = Arc::new(FakeClock::at(NOW));
    let key = Arc::new(HashKey::new([1; 32]));
    let audit = Arc::new(Audit::new(db.clone(), clock.clone(), key.clone()));
    let systems = Arc::new(Systems::new(db.clone(), clock.clone(), audit.clone()));
    let access = Access::new(
        db.clone(),
        clock.clone(),
        audit.clone(),
        "http://127.0.0.1",
        SignInRules::default(),
    );
    let policies = Policies::new(db.clone(), clock.clone(), audit.clone());
    policies.ensure_own().await?;
    let room = Sessions::new(
        db.clone(),
        clock,
        key,
        systems,
        Arc::new(access),
        Arc::new(policies),
        audit,
    );
    let caller = Caller {
        kind: CallerKind::Operator,
        id: OperatorId::from("bench"),
        name: "Bench".to_owned(),
        login: "bench".to_owned(),
        session: None,
        auth_at: Some(NOW),
        factor: SecondFactor::NotSet,
        screen_share: false,
        grants: vec![Grant {
            grant_id: GrantId::from("bench"),
            permissions: Permission::ALL.to_vec(),
            scope: who.scope(),
            expires_at: None,
        }],
        origin: Origin::default(),
        who_can_give: Vec::new(),
    };
    Ok(For::new(&Arc::new(room), &Arc::new(caller)))
}

async fn list(port: &For<Sessions>, query: &SessionQuery) -> anyhow::Result<SessionsPage> {
    Ok(port.list_sessions(query.clone(), true).await?)
}

/// The same rows by one plain statement; how many there were.
async fn raw_page(
    db: &Db,
    query: &SessionQuery,
    condition: &str,
    from: Option<&SessionRow>,
) -> anyhow::Result<usize> {
    let (column, text) = server::sessions::list::sort_column(query.sort);
    let (order, than) = match query.direction {
        Direction::Ascending => ("ASC", ">"),
        Direction::Descending => ("DESC", "<"),
    };
    let behind = match from {
        None => String::new(),
        Some(_) => format!(
            "AND ({column}, row_no) {than} ($1, (SELECT p.row_no FROM session p WHERE p.session_key = $2))"
        ),
    };
    let value = if text { "sort_text" } else { "sort_number" };
    let other = if text {
        "CAST(0 AS BIGINT) AS sort_number"
    } else {
        "'' AS sort_text"
    };
    let sql = format!(
        "SELECT session_key, system_id, handle_hint, account_id, account_name, display_name, person_doubt, remark, email, kind, raw_kind, state, ip, \
         browser, os, place, site, created_at, last_active_at, idle_timeout_s, idle_ends_at, absolute_expires_at, absolute_known, \
         endable, endable_why, return_hint, observed_at, gone_at, {column} AS {value}, {other} FROM session \
         WHERE state = 'live' AND kind <> 'guest' AND {condition} {behind} ORDER BY {column} {order}, row_no {order} LIMIT {PAGE_ROWS}"
    );
    let moment = |row: &SessionRow| match query.sort {
        SortKey::IdleEnds => row.idle_ends_at,
        _ => row.last_active_at,
    };
    let mut conn = db.read().await?;
    let rows: Vec<Row> = on!(conn, c => {
        let mut statement = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        if let Some(row) = from {
            statement = match text {
                true => statement.bind(row.person.to_lowercase()),
                false => statement.bind(moment(row).map_or(0, |at| at.0)),
            };
            statement = statement.bind(row.session_key.0.clone());
        }
        statement.fetch_all(c).await?
    });
    Ok(rows.len())
}
