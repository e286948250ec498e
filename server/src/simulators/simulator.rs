//! The simulated system itself: people come, click and go; it lists, ends, and misbehaves on demand.
//!
//! Speaks the protocol of `connectors/simulator.rs` over loopback HTTP. In tests one is started per case and its
//! faults are set through the handle; `POST /control` sets them from outside the process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::wire::Timestamp;
use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use super::people;
use crate::clock::Clock;
use crate::config::SystemSettings;
use crate::connectors::simulator::{
    CLICK_HEADER, WireAccount, WireAnswer, WireEnd, WireEnded, WirePage, WirePolicy, WireSession,
};
use crate::keys;

/// An answer that is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// It answers properly.
    #[default]
    No,
    /// Bytes that are no JSON.
    Garbage,
    /// A sign-in page, status 200.
    Html,
    /// A redirect to another host.
    Redirect,
    /// Does what it was asked, and the connection breaks half-way through the answer.
    CutOff,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 429, asking for so many seconds.
    RateLimited(u32),
    /// 503.
    Down,
    /// Never answers.
    Silent,
}

/// What is wrong with a simulated system. The default is: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every answer comes so much later, ms.
    pub slow_ms: u64,
    /// How it answers when asked to list, or for its limits.
    pub list: Bad,
    /// How it answers when asked to end.
    pub end: Bad,
    /// Lists half of what it has, and says so.
    pub half_list: bool,
    /// Never gives more rows than this in one list.
    pub most: Option<usize>,
    /// Lists every session twice, once for each of two nodes; the second one knows an older activity.
    pub two_nodes: bool,
    /// Takes the snapshot of a page, then keeps it back until this is off again.
    pub hold_list: bool,
    /// Refuses every ending in these words.
    pub refuse: Option<String>,
    /// Refuses endings of these accounts, in these words.
    pub refuse_for: BTreeMap<String, String>,
    /// Says OK and ends nothing.
    pub lie: bool,
    /// Says OK and ends nothing for these accounts.
    pub lie_for: BTreeSet<String>,
    /// Opens a new session for whoever was ended.
    pub let_back: bool,
    /// The same for these accounts.
    pub let_back_for: BTreeSet<String>,
    /// Gives the sessions of these accounts new ids when they are listed by account.
    pub rotate_for: BTreeSet<String>,
}

/// What the sessions of a simulated system look like.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Kinds, chosen evenly.
    pub kinds: &'static [&'static str],
    /// Sites; empty = none.
    pub sites: &'static [&'static str],
    /// Places (contexts, realms); empty = none.
    pub places: &'static [&'static str],
    /// Idle limit, seconds; 0 = never.
    pub idle_s: i64,
    /// Longest life, seconds; 0 = no limit.
    pub absolute_s: i64,
    /// It reports addresses and browsers.
    pub clients: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            kinds: &["web"],
            sites: &[],
            places: &[],
            idle_s: 1_800,
            absolute_s: 36_000,
            clients: true,
        }
    }
}

const BROWSERS: [&str; 7] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36 Edg/149.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/20.0 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/20.0 Mobile/15E148 Safari/604.1",
    "",
];

/// Chance for the imitation: quick, and of no use for secrets.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap_or(0))
            .copied()
    }
}

/// Everything it knows.
struct Inside {
    sessions: BTreeMap<u64, WireSession>,
    /// By place and raw id.
    by_id: HashMap<(String, String), u64>,
    by_account: HashMap<String, BTreeSet<u64>>,
    next: u64,
    dice: Dice,
    faults: Faults,
    shape: Shape,
    /// How many people there are to come in.
    people: usize,
    /// How many sessions live traffic keeps up.
    target: usize,
    calls: BTreeMap<&'static str, u64>,
    /// Lists that are being kept back right now.
    held: usize,
}

/// What the handlers share.
struct Shared {
    inside: Mutex<Inside>,
    clock: Arc<dyn Clock>,
    token: String,
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulated system; it stops when this is dropped.
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    token_file: PathBuf,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        std::fs::remove_file(&self.token_file).ok();
    }
}

impl Simulator {
    /// Starts one, empty, on a free port of the loopback.
    pub async fn start(clock: Arc<dyn Clock>, shape: Shape) -> anyhow::Result<Self> {
        let token = keys::random_id();
        let token_file = std::env::temp_dir().join(format!("curfew-simulator-{}", keys::random_id()));
        write_private(&token_file, &token)?;
        let shared = Arc::new(Shared {
            inside: Mutex::new(Inside {
                sessions: BTreeMap::new(),
                by_id: HashMap::new(),
                by_account: HashMap::new(),
                next: 1,
                dice: Dice(u64::from_be_bytes(keys::random_bytes())),
                faults: Faults::default(),
                shape,
                people: 900,
                target: 0,
                calls: BTreeMap::new(),
                held: 0,
            }),
            clock,
            token,
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        // Without this an answer waits 40 ms for the other side's acknowledgement.
        let listener = listener.tap_io(|stream| {
            stream.set_nodelay(true).ok();
        });
        let router = router(shared.clone());
        let server = tokio::spawn(async move {
            if let Err(cause) = axum::serve(listener, router).await {
                tracing::error!(%cause, "a simulated system stopped");
            }
        });
        Ok(Self {
            shared,
            address,
            token_file,
            tasks: vec![server],
        })
    }

    /// The settings entry that connects it.
    pub fn settings(&self, name: &str) -> SystemSettings {
        let mut own = toml::Table::new();
        own.insert("url".to_owned(), format!("http://{}", self.address).into());
        own.insert(
            "token".to_owned(),
            format!("file:{}", self.token_file.display()).into(),
        );
        SystemSettings {
            kind: "simulator".to_owned(),
            name: Some(name.to_owned()),
            simulated: true,
            collect_every_s: None,
            timeout_ms: None,
            pace_ms: 0,
            connections: 4,
            own,
        }
    }

    /// Its address and token, for calls beside the connector.
    pub fn access(&self) -> (SocketAddr, String) {
        (self.address, self.shared.token.clone())
    }

    /// Changes what is wrong with it.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.inside().faults);
    }

    /// Opens a session for the `n`th person and returns its raw id.
    pub fn open(&self, n: usize) -> String {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        let session = inside.fresh(n, now);
        inside.put(session)
    }

    /// Adds a session as it is.
    pub fn add(&self, session: WireSession) -> String {
        self.shared.inside().put(session)
    }

    /// Fills it up with `count` sessions of `people` people, begun at various times; live traffic keeps to that number.
    pub fn fill(&self, count: usize, people: usize) {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        inside.people = people.max(1);
        inside.target = count;
        for n in 0..count {
            let n = if n < people {
                n
            } else {
                usize::try_from(inside.dice.below(people as u64)).unwrap_or(0)
            };
            let mut session = inside.fresh(n, now);
            inside.age(&mut session, now);
            inside.put(session);
        }
    }

    /// Adds the sign-in that Curfew itself uses there.
    pub fn add_own_connection(&self) {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        let mut session = inside.fresh(0, now);
        session.account_id = "u-curfew".to_owned();
        session.account = "curfew-service".to_owned();
        session.name = "Curfew (service account)".to_owned();
        session.email = None;
        session.own = true;
        session.ends_ms = None;
        session.idle_s = Some(0);
        inside.put(session);
    }

    /// Lets the sessions of the `n`th person go on under new ids.
    pub fn rotate(&self, n: usize) {
        self.shared.inside().rotate(&people::person(n).account_id);
    }

    /// Its person clicks: the last activity is now.
    pub fn click(&self, raw_id: &str) {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        if let Some(session) = inside
            .find(raw_id)
            .and_then(|number| inside.sessions.get_mut(&number))
        {
            session.active_ms = Some(now.0);
        }
    }

    /// Closes a session from within: its person signed out.
    pub fn close(&self, raw_id: &str) {
        self.shared.inside().close(raw_id);
    }

    /// Sessions it has.
    pub fn len(&self) -> usize {
        self.shared.inside().sessions.len()
    }

    /// True when nobody is signed in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a click with this id is let in.
    pub fn lets_in(&self, raw_id: &str) -> bool {
        self.shared.inside().find(raw_id).is_some()
    }

    /// The sessions of the `n`th person.
    pub fn sessions_of(&self, n: usize) -> Vec<WireSession> {
        self.shared.inside().of_account(&people::person(n).account_id)
    }

    /// How often it was called: list, end, end_all_of, policy, open, click.
    pub fn calls(&self, what: &str) -> u64 {
        self.shared.inside().calls.get(what).copied().unwrap_or(0)
    }

    /// How many lists are being kept back ([`Faults::hold_list`]).
    pub fn held(&self) -> usize {
        self.shared.inside().held
    }

    /// One step of life: some click, some leave, some come, and whoever is past a limit is signed out.
    pub fn tick(&self) {
        self.shared.inside().tick(self.shared.clock.now());
    }

    /// Lets people come and go by themselves, a step `every` so often.
    pub fn live(&mut self, every: Duration) {
        let shared = Arc::downgrade(&self.shared);
        self.tasks.push(tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(shared) = shared.upgrade() else { return };
                let now = shared.clock.now();
                shared.inside().tick(now);
            }
        }));
    }
}

fn write_private(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?
        .write_all(text.as_bytes())
}

impl Inside {
    /// A session of the `n`th person that begins now.
    fn fresh(&mut self, n: usize, now: Timestamp) -> WireSession {
        let person = people::person(n);
        let shape = self.shape.clone();
        let text = |part: Option<&'static str>| part.unwrap_or_default().to_owned();
        let ip = match self.dice.below(8) {
            0 => format!(
                "2001:db8:{:x}::{:x}",
                self.dice.below(0xffff),
                self.dice.below(0xffff)
            ),
            1 | 2 => format!("198.51.100.{}", self.dice.below(254) + 1),
            3 | 4 => format!("192.0.2.{}", self.dice.below(254) + 1),
            5 => format!(
                "10.{}.{}.{}",
                self.dice.below(4),
                self.dice.below(255),
                self.dice.below(254) + 1
            ),
            _ => format!("203.0.113.{}", self.dice.below(254) + 1),
        };
        WireSession {
            id: keys::random_id(),
            place: text(self.dice.one_of(shape.places)),
            kind: text(self.dice.one_of(shape.kinds)),
            account_id: person.account_id,
            account: person.account,
            name: person.name,
            email: person.email,
            ip: shape.clients.then_some(ip),
            user_agent: self
                .dice
                .one_of(&BROWSERS)
                .filter(|agent| shape.clients && !agent.is_empty())
                .map(str::to_owned),
            node: None,
            site: text(self.dice.one_of(shape.sites)),
            started_ms: Some(now.0),
            active_ms: Some(now.0),
            idle_s: Some(shape.idle_s),
            ends_ms: (shape.absolute_s > 0).then(|| now.plus_seconds(shape.absolute_s).0),
            own: false,
            returns: None,
        }
    }

    /// Moves the beginning into the past, as far as its limits allow.
    fn age(&mut self, session: &mut WireSession, now: Timestamp) {
        let longest = if self.shape.absolute_s > 0 {
            self.shape.absolute_s
        } else {
            14 * 86_400
        };
        // Most sessions are young.
        let (a, b) = (
            self.dice.below(longest as u64) as i64,
            self.dice.below(longest as u64) as i64,
        );
        let age_s = a.min(b);
        let pause = if self.shape.idle_s > 0 {
            self.shape.idle_s
        } else {
            longest
        };
        let pause_s = (self.dice.below(pause as u64) as i64).min(age_s);
        let started = now.plus_seconds(-age_s);
        session.started_ms = Some(started.0);
        session.active_ms = Some(now.plus_seconds(-pause_s).0);
        session.ends_ms = (self.shape.absolute_s > 0).then(|| started.plus_seconds(self.shape.absolute_s).0);
    }

    fn put(&mut self, session: WireSession) -> String {
        let number = self.next;
        self.next += 1;
        let id = session.id.clone();
        self.by_id.insert((session.place.clone(), id.clone()), number);
        self.by_account
            .entry(session.account_id.clone())
            .or_default()
            .insert(number);
        self.sessions.insert(number, session);
        id
    }

    fn take(&mut self, number: u64) -> Option<WireSession> {
        let session = self.sessions.remove(&number)?;
        self.by_id.remove(&(session.place.clone(), session.id.clone()));
        if let Some(of) = self.by_account.get_mut(&session.account_id) {
            of.remove(&number);
        }
        Some(session)
    }

    fn find(&self, raw_id: &str) -> Option<u64> {
        if let Some(number) = self.by_id.get(&(String::new(), raw_id.to_owned())) {
            return Some(*number);
        }
        let mut places = self.shape.places.iter();
        places.find_map(|place| self.by_id.get(&((*place).to_owned(), raw_id.to_owned())).copied())
    }

    fn close(&mut self, raw_id: &str) {
        if let Some(number) = self.find(raw_id) {
            self.take(number);
        }
    }

    fn of_account(&self, account_id: &str) -> Vec<WireSession> {
        let numbers = self.by_account.get(account_id).into_iter().flatten();
        numbers
            .filter_map(|number| self.sessions.get(number))
            .cloned()
            .collect()
    }

    fn rotate(&mut self, account_id: &str) {
        for number in self.by_account.get(account_id).cloned().unwrap_or_default() {
            if let Some(mut session) = self.take(number) {
                session.id = keys::random_id();
                self.put(session);
            }
        }
    }

    /// Ends one session the way its faults want.
    fn end(&mut self, number: u64, now: Timestamp) -> WireAnswer {
        let Some(account_id) = self.sessions.get(&number).map(|s| s.account_id.clone()) else {
            return WireAnswer::NotFound;
        };
        if let Some(words) = self
            .faults
            .refuse_for
            .get(&account_id)
            .or(self.faults.refuse.as_ref())
        {
            return WireAnswer::Refused(words.clone());
        }
        if self.faults.lie || self.faults.lie_for.contains(&account_id) {
            return WireAnswer::Ok;
        }
        let ended = self.take(number);
        if (self.faults.let_back || self.faults.let_back_for.contains(&account_id))
            && let Some(mut back) = ended
        {
            back.id = keys::random_id();
            back.started_ms = Some(now.0);
            back.active_ms = Some(now.0);
            back.ends_ms = (self.shape.absolute_s > 0).then(|| now.plus_seconds(self.shape.absolute_s).0);
            self.put(back);
        }
        WireAnswer::Ok
    }

    fn some_session(&mut self) -> Option<u64> {
        let first = self.sessions.keys().next().copied()?;
        let from = first + self.dice.below(self.next - first);
        self.sessions.range(from..).next().map(|(number, _)| *number)
    }

    fn tick(&mut self, now: Timestamp) {
        let over: Vec<u64> = self
            .sessions
            .iter()
            .filter(|(_, s)| !s.own && past_limit(s, now))
            .map(|(number, _)| *number)
            .collect();
        for number in over {
            self.take(number);
        }
        let moving = self.target / 200 + 1;
        for _ in 0..moving {
            if let Some(number) = self.some_session()
                && let Some(session) = self.sessions.get_mut(&number)
            {
                session.active_ms = Some(now.0);
            }
        }
        for _ in 0..moving / 4 {
            if let Some(number) = self
                .some_session()
                .filter(|n| self.sessions.get(n).is_some_and(|s| !s.own))
            {
                self.take(number);
            }
        }
        while self.sessions.len() < self.target {
            let n = usize::try_from(self.dice.below(self.people as u64)).unwrap_or(0);
            let session = self.fresh(n, now);
            self.put(session);
        }
    }
}

fn past_limit(session: &WireSession, now: Timestamp) -> bool {
    let idle = match (session.idle_s, session.active_ms) {
        (Some(s), Some(active)) if s > 0 => now.since(Timestamp(active)) > s * 1000,
        _ => false,
    };
    idle || session.ends_ms.is_some_and(|ends| now.0 > ends)
}

type App = State<Arc<Shared>>;

fn router(shared: Arc<Shared>) -> Router {
    let guarded = Router::new()
        .route("/sessions", get(list).post(open))
        .route("/sessions/end", post(end))
        .route("/accounts/end", post(end_all_of))
        .route("/policy", get(policy))
        .route("/control", post(control))
        .layer(middleware::from_fn_with_state(shared.clone(), token));
    Router::new()
        .merge(guarded)
        .route("/click", get(click))
        .with_state(shared)
}

async fn token(State(shared): App, request: Request, next: Next) -> Response {
    let expected = format!("Bearer {}", shared.token);
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    if given != Some(expected.as_str()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let slow = shared.inside().faults.slow_ms;
    if slow > 0 {
        tokio::time::sleep(Duration::from_millis(slow)).await;
    }
    next.run(request).await
}

/// The answer, or what the fault makes of it.
async fn spoil(bad: Bad, good: impl Serialize) -> Response {
    match bad {
        Bad::No => Json(good).into_response(),
        Bad::Garbage => (StatusCode::OK, "\u{0}\u{1}{{{ not json").into_response(),
        Bad::Html => {
            let page = "<!doctype html><html><body><form>Sign in</form></body></html>";
            ([(header::CONTENT_TYPE, "text/html")], page).into_response()
        }
        Bad::Redirect => (
            StatusCode::FOUND,
            [(header::LOCATION, "http://elsewhere.invalid/sign-in")],
        )
            .into_response(),
        Bad::CutOff => {
            let mut text = serde_json::to_vec(&good).unwrap_or_default();
            text.truncate(text.len() / 2);
            let parts =
                futures::stream::once(async { Ok(Bytes::from(text)) }).chain(futures::stream::once(async {
                    // Long enough for the first half to be on its way.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Err(std::io::Error::other("cut"))
                }));
            let body = Body::from_stream(parts);
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Bad::Unauthorized => StatusCode::UNAUTHORIZED.into_response(),
        Bad::Forbidden => StatusCode::FORBIDDEN.into_response(),
        Bad::RateLimited(seconds) => (
            StatusCode::TOO_MANY_REQUESTS,
            [(header::RETRY_AFTER, seconds.to_string())],
        )
            .into_response(),
        Bad::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Bad::Silent => std::future::pending().await,
    }
}

fn count(inside: &mut Inside, what: &'static str) {
    *inside.calls.entry(what).or_default() += 1;
}

async fn list(State(shared): App, Query(query): Query<Vec<(String, String)>>) -> Response {
    let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let limit: usize = value("limit").and_then(|v| v.parse().ok()).unwrap_or(100);
    let accounts: Vec<&str> = query
        .iter()
        .filter(|(n, _)| n == "account")
        .map(|(_, v)| v.as_str())
        .collect();
    // node - number of the next session - rows given so far
    let mut at = value("cursor")
        .unwrap_or("1-0-0")
        .split('-')
        .map(|part| part.parse::<u64>().unwrap_or(0));
    let (node, from, given) = (
        at.next().unwrap_or(1),
        at.next().unwrap_or(0),
        at.next().unwrap_or(0),
    );
    let (bad, page) = {
        let mut inside = shared.inside();
        count(&mut inside, "list");
        if from == 0 && node == 1 {
            for account in &accounts {
                if inside.faults.rotate_for.contains(*account) {
                    inside.rotate(account);
                }
            }
        }
        let page = inside.page(
            &accounts,
            node,
            from,
            usize::try_from(given).unwrap_or(0),
            limit.min(10_000),
        );
        (inside.faults.list.clone(), page)
    };
    if shared.inside().faults.hold_list {
        shared.inside().held += 1;
        while shared.inside().faults.hold_list {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        shared.inside().held -= 1;
    }
    spoil(bad, page).await
}

impl Inside {
    fn page(&self, accounts: &[&str], node: u64, from: u64, given: usize, limit: usize) -> WirePage {
        let most = self.faults.most.unwrap_or(usize::MAX);
        let room = limit.min(most.saturating_sub(given));
        let mut numbers: Vec<u64> = if accounts.is_empty() {
            self.sessions
                .range(from..)
                .map(|(number, _)| *number)
                .take(room + 1)
                .collect()
        } else {
            let mut of: Vec<u64> = accounts
                .iter()
                .filter_map(|a| self.by_account.get(*a))
                .flatten()
                .copied()
                .collect();
            of.sort_unstable();
            of.into_iter()
                .filter(|number| *number >= from)
                .take(room + 1)
                .collect()
        };
        let more = numbers.len() > room;
        let resume = if more { numbers.pop() } else { None };
        let mut sessions: Vec<WireSession> = numbers
            .iter()
            .filter_map(|number| self.sessions.get(number))
            .cloned()
            .collect();
        if self.faults.two_nodes {
            for session in &mut sessions {
                session.node = Some(format!("node-{node}"));
                if node == 2 {
                    session.active_ms = session.active_ms.map(|at| at - 60_000);
                }
            }
        }
        let total = given + sessions.len();
        let next = match resume {
            _ if total >= most => None,
            Some(number) => Some(format!("{node}-{number}-{total}")),
            None if self.faults.two_nodes && node == 1 && !sessions.is_empty() => {
                Some(format!("2-0-{total}"))
            }
            None => None,
        };
        if self.faults.half_list {
            sessions.truncate(sessions.len() / 2);
            return WirePage {
                sessions,
                next: None,
                most: None,
                incomplete: true,
            };
        }
        WirePage {
            sessions,
            next,
            most: self.faults.most,
            incomplete: false,
        }
    }
}

async fn end(State(shared): App, Json(wanted): Json<WireEnd>) -> Response {
    let now = shared.clock.now();
    let (bad, ended) = {
        let mut inside = shared.inside();
        count(&mut inside, "end");
        let bad = inside.faults.end.clone();
        let mut answers = Vec::with_capacity(wanted.sessions.len());
        if matches!(bad, Bad::No | Bad::CutOff) {
            for (id, place) in wanted.sessions {
                let number = inside.by_id.get(&(place, id)).copied();
                answers.push(number.map_or(WireAnswer::NotFound, |number| inside.end(number, now)));
            }
        }
        (bad, WireEnded { answers })
    };
    spoil(bad, ended).await
}

async fn end_all_of(State(shared): App, Json(wanted): Json<WireAccount>) -> Response {
    let now = shared.clock.now();
    let (bad, answer) = {
        let mut inside = shared.inside();
        count(&mut inside, "end_all_of");
        let bad = inside.faults.end.clone();
        let mut answer = WireAnswer::NotFound;
        if matches!(bad, Bad::No | Bad::CutOff) {
            for number in inside
                .by_account
                .get(&wanted.account_id)
                .cloned()
                .unwrap_or_default()
            {
                answer = inside.end(number, now);
            }
        }
        (bad, answer)
    };
    spoil(bad, answer).await
}

async fn policy(State(shared): App) -> Response {
    let (bad, policy) = {
        let mut inside = shared.inside();
        count(&mut inside, "policy");
        let policy = WirePolicy {
            idle_s: Some(inside.shape.idle_s),
            absolute_s: Some(inside.shape.absolute_s),
            build: format!("Simulator {}", env!("CARGO_PKG_VERSION")),
        };
        (inside.faults.list.clone(), policy)
    };
    spoil(bad, policy).await
}

async fn open(State(shared): App, Json(wanted): Json<WireAccount>) -> Response {
    let now = shared.clock.now();
    let session = {
        let mut inside = shared.inside();
        count(&mut inside, "open");
        let mut session = inside.fresh(0, now);
        session.account = wanted.account_id.clone();
        session.name = wanted.account_id.clone();
        session.account_id = wanted.account_id;
        session.email = None;
        inside.put(session.clone());
        session
    };
    (StatusCode::CREATED, Json(session)).into_response()
}

/// A browser's next click with its session: 200 = still in, 401 = sent to sign-in.
async fn click(State(shared): App, headers: HeaderMap) -> StatusCode {
    let now = shared.clock.now();
    let mut inside = shared.inside();
    count(&mut inside, "click");
    let id = headers
        .get(CLICK_HEADER)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let found = inside
        .find(id)
        .and_then(|number| inside.sessions.get_mut(&number));
    match found {
        Some(session) => {
            session.active_ms = Some(now.0);
            StatusCode::OK
        }
        None => StatusCode::UNAUTHORIZED,
    }
}

async fn control(State(shared): App, Json(faults): Json<Faults>) -> StatusCode {
    shared.inside().faults = faults;
    StatusCode::NO_CONTENT
}
