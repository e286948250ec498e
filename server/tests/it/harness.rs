//! A whole portal for one test: own database, own port, a clock that the test moves, browsers that keep cookies.
//!
//! Nothing runs by itself: what is due is worked off by hand ([`App::collect`], [`App::work`]).

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use app::access::wire::{NewToken, Scope};
use app::wire::{OperatorId, SystemId, Timestamp, TokenId};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use server::access::SeedOperator;
use server::clock::FakeClock;
use server::config::{Config, Database, SecretRef, TrustedProxy};
use server::db::Db;
use server::http;
use server::portal::{Portal, open_database, sqlite_file};
use tokio_util::sync::CancellationToken;

/// The password of everybody here.
pub const PASSWORD: &str = "four lamps under the bridge";

/// When the tests' day begins.
pub const MORNING: Timestamp = Timestamp(1_900_000_000_000);

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A running portal.
pub struct App {
    pub portal: Arc<Portal>,
    pub clock: Arc<FakeClock>,
    pub url: String,
    pub config: Config,
    /// Ends what runs in the background of this portal.
    pub stop: CancellationToken,
    _dir: tempfile::TempDir,
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn listener() -> (std::net::TcpListener, u16) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// An empty PostgreSQL database; its URL is kept in a file of `dir`.
pub async fn new_postgres(dir: &std::path::Path) -> Database {
    use sqlx::ConnectOptions;
    let url = std::env::var("CURFEW_TEST_POSTGRES")
        .expect("set CURFEW_TEST_POSTGRES (cargo xtask test starts a server and sets it)");
    let admin: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let name = format!("curfew_it_{}", server::keys::random_id());
    let mut conn = admin.connect().await.unwrap();
    let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
    sqlx::query(sqlx::AssertSqlSafe(create))
        .execute(&mut conn)
        .await
        .unwrap();
    let file = dir.join("database.url");
    std::fs::write(&file, admin.database(&name).to_url_lossy().as_str()).unwrap();
    Database {
        url: SecretRef::File(file),
        connections: 6,
    }
}

impl App {
    /// On SQLite, reached at its own address.
    pub async fn start() -> Self {
        Self::start_with(Engine::Sqlite, |_| {}).await
    }

    /// On either database, with settings of the test's own.
    pub async fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(engine, None, change).await
    }

    /// On either database with the fewest connections it can live on: SQLite one to read and one to write, PostgreSQL
    /// one for both. Whoever holds one and waits for another waits for themselves.
    pub async fn start_narrow(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(engine, Some(1), change).await
    }

    async fn start_on(engine: Engine, connections: Option<u32>, change: impl FnOnce(&mut Config)) -> Self {
        http::install_tls();
        let dir = tempfile::tempdir().unwrap();
        let (listener, port) = listener();
        let mut config = Config {
            instance: "Curfew Nord".to_owned(),
            listen: listener.local_addr().unwrap(),
            data_dir: dir.path().to_owned(),
            trusted_proxy: Some(TrustedProxy {
                networks: vec!["127.0.0.0/8".parse().unwrap()],
                header: "x-forwarded-for".to_owned(),
            }),
            ..Config::default()
        };
        config.signin.per_address_per_minute = 10_000;
        if engine == Engine::Postgres {
            config.database = Some(new_postgres(dir.path()).await);
        }
        change(&mut config);
        let clock = Arc::new(FakeClock::at(MORNING));
        let db = match (connections, &mut config.database) {
            (Some(readers), None) => Db::sqlite(&sqlite_file(&config), readers).await.unwrap(),
            (connections, database) => {
                if let (Some(most), Some(database)) = (connections, database) {
                    database.connections = most;
                }
                open_database(&config).await.unwrap()
            }
        };
        let portal = Portal::over(db, config.clone(), clock.clone(), false)
            .await
            .unwrap();
        let app = Self {
            portal,
            clock,
            url: format!("http://127.0.0.1:{port}"),
            config,
            stop: CancellationToken::new(),
            _dir: dir,
        };
        app.serve(&app.portal, listener);
        app
    }

    fn serve(&self, portal: &Arc<Portal>, listener: std::net::TcpListener) {
        let http = Arc::new(portal.http(self.stop.clone()));
        let router = http::router(http);
        tokio::spawn(http::serve(listener, None, router, self.stop.clone()));
        // Follows changes, for live streams; everything else is worked off by hand.
        tokio::spawn(portal.changes.clone().run(self.stop.clone()));
    }

    /// A second node over the same database: its address.
    pub async fn second_node(&self) -> String {
        let (listener, port) = listener();
        let portal = Portal::open(self.config.clone(), self.clock.clone(), false)
            .await
            .unwrap();
        self.serve(&portal, listener);
        format!("http://127.0.0.1:{port}")
    }

    /// A person with these grants and everybody's password.
    pub async fn person(&self, login: &str, name: &str, grants: &[(&str, Scope)]) -> OperatorId {
        let seed = SeedOperator {
            login,
            display_name: name,
            grants,
            reason: "test",
        };
        let id = self.portal.access.seed_operator(&seed).await.unwrap();
        self.portal
            .signin
            .seed_password(&id, SecretString::from(PASSWORD))
            .await
            .unwrap();
        id
    }

    /// An Administrator everywhere.
    pub async fn administrator(&self, login: &str) -> OperatorId {
        self.person(login, login, &[("administrator", Scope::EVERYWHERE)])
            .await
    }

    /// The portal's now.
    pub fn clock_now(&self) -> Timestamp {
        use server::clock::Clock;
        self.clock.now()
    }

    /// The ports of somebody who may do everything, fresh from their password.
    pub fn ports_of_everything(&self) -> app::backend::Backend {
        use app::access::wire::Permission;
        let mut caller = server::caller::testing::caller("root", &Permission::ALL, Scope::EVERYWHERE);
        caller.auth_at = Some(self.clock_now());
        self.portal.for_caller(&Arc::new(caller))
    }

    /// A browser nobody has signed in with, at an address of its own.
    pub fn browser(&self) -> Browser {
        Browser::at(&self.url)
    }

    /// A browser somebody has signed in with.
    pub async fn signed_in(&self, login: &str) -> Browser {
        let browser = self.browser();
        let answer = browser.sign_in(login, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser
    }

    /// Reads Curfew's own sessions once.
    pub async fn collect(&self) {
        self.portal
            .collector
            .collect(&SystemId::from("curfew"))
            .await
            .unwrap();
    }

    /// Works off what endings have to do now, until nothing is left.
    pub async fn work(&self) {
        while self.portal.endings.work_due().await.unwrap() > 0 {}
    }

    /// Words of the audit's entries, oldest first: `action result target`.
    pub async fn audit(&self) -> Vec<String> {
        let mut conn = self.portal.db.read().await.unwrap();
        server::on!(conn, c => sqlx::query_scalar(
            "SELECT action || ' ' || result || ' ' || target FROM audit_entry ORDER BY seq")
            .fetch_all(c).await.unwrap())
    }

    /// How many entries of that action there are.
    pub async fn audited(&self, action: &str) -> usize {
        let wanted = format!("{action} ");
        self.audit()
            .await
            .iter()
            .filter(|e| e.starts_with(&wanted))
            .count()
    }

    /// Every text in the database's tables of this name, joined: to look for what must not be there.
    pub async fn everything_stored(&self) -> String {
        let mut conn = self.portal.db.read().await.unwrap();
        let mut all = String::new();
        for sql in [
            "SELECT portal_session_id || token_hash || data || COALESCE(ip, '') FROM portal_session",
            "SELECT token_hash || purpose FROM one_time_link",
            "SELECT token_hash || hint || name || reason FROM api_token",
            "SELECT idem_key || request_hash || COALESCE(body, '') FROM api_idempotency",
            "SELECT COALESCE(password_hash, '') FROM credential",
            "SELECT action || target || detail || COALESCE(account, '') || COALESCE(reason, '') FROM audit_entry",
            "SELECT source_kind || source FROM sign_in_failure",
            "SELECT name || value FROM operator_preference",
            "SELECT COALESCE(seed, '') || COALESCE(draft_seed, '') FROM second_factor",
            "SELECT code_hash FROM recovery_code",
            "SELECT token_hash || first FROM sign_in_step",
            "SELECT session_key || handle_hint || account_name FROM session",
        ] {
            let rows: Vec<String> =
                server::on!(conn, c => sqlx::query_scalar(sql).fetch_all(c).await.unwrap());
            all.push_str(&rows.join("\n"));
        }
        all
    }
}

/// What this thread logs at every level while this lives: a test runs on one thread, its portal with it.
pub struct Logged {
    lines: Lines,
    _until: tracing::subscriber::DefaultGuard,
    /// Where a process has but one subscriber, what another thread logs first is switched off for this one too.
    _second: tracing::Dispatch,
}

/// Where the lines go.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, some: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(some);
        Ok(some.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Logged {
    pub fn start() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        Self {
            lines,
            _second: tracing::Dispatch::new(tracing_subscriber::registry()),
            _until: tracing::subscriber::set_default(subscriber),
        }
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.0.lock().unwrap()).into_owned()
    }
}

/// A program with an API token.
pub struct Program {
    client: reqwest::Client,
    base: String,
    pub token_id: TokenId,
    pub secret: String,
}

impl Program {
    /// A program with a new token of this role, made by whoever sits at `admin`; good for 30 days.
    pub async fn with(app: &App, admin: &Browser, role: &str, scope: Scope) -> Self {
        let expires_at = app.clock_now().plus_seconds(30 * 86_400);
        Self::until(app, admin, role, scope, expires_at).await
    }

    /// The same with a token that is good until then.
    pub async fn until(app: &App, admin: &Browser, role: &str, scope: Scope, expires_at: Timestamp) -> Self {
        let new = NewToken {
            name: format!("{role} script"),
            role_id: role.into(),
            scope,
            expires_at,
            reason: "test".to_owned(),
        };
        let fresh = admin.ports(app).await.access.make_token(new).await.unwrap();
        Self {
            client: client(),
            base: app.url.clone(),
            token_id: fresh.token_id,
            secret: fresh.secret,
        }
    }

    /// Any call, with headers of the test's own; `authorization` is sent unless it is among them.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let mut request = self
            .client
            .request(method, format!("{}/api/v1{path}", self.base))
            .header("x-forwarded-for", "10.9.8.7");
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.secret));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| *name == "content-type") {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body.to_owned());
        }
        let response = request.send().await.unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, body: serde_json::Value) -> Answer {
        self.send(Method::POST, path, &[], Some(&body.to_string())).await
    }

    /// `POST` of JSON under a key.
    pub async fn post_once(&self, key: &str, path: &str, body: serde_json::Value) -> Answer {
        let headers = [("idempotency-key", key)];
        self.send(Method::POST, path, &headers, Some(&body.to_string()))
            .await
    }
}

/// A browser: cookies, an address, and the headers browsers send.
pub struct Browser {
    client: reqwest::Client,
    base: String,
    pub address: IpAddr,
    pub user_agent: String,
    cookies: Mutex<Vec<(String, String)>>,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Where it leads.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// A header; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// Every value of a header.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.headers
            .get_all(name)
            .iter()
            .map(|v| v.to_str().unwrap().to_owned())
            .collect()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.body))
    }

    /// True when it leads to the sign-in page.
    pub fn leads_to_sign_in(&self) -> bool {
        self.status == StatusCode::SEE_OTHER && self.location().starts_with("/sign-in")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a browser is not the portal: it goes where the test says"
)]
fn client() -> reqwest::Client {
    http::install_tls();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

impl Browser {
    /// A fresh browser for the portal at `url`.
    pub fn at(url: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let n = NEXT.fetch_add(1, Ordering::SeqCst);
        let own = std::process::id() % 250;
        Self {
            client: client(),
            base: url.to_owned(),
            address: format!("10.{own}.{}.{}", n / 250, n % 250 + 1).parse().unwrap(),
            user_agent:
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 \
                         Safari/537.36"
                    .to_owned(),
            cookies: Mutex::default(),
        }
    }

    /// The same browser (its cookies) at another node.
    pub fn moved_to(&self, url: &str) -> Self {
        Self {
            client: self.client.clone(),
            base: url.to_owned(),
            address: self.address,
            user_agent: self.user_agent.clone(),
            cookies: Mutex::new(self.cookies.lock().unwrap().clone()),
        }
    }

    /// The value of the portal's cookie.
    pub fn cookie(&self) -> Option<String> {
        self.cookies
            .lock()
            .unwrap()
            .iter()
            .find(|(name, _)| name == "curfew-id" || name == "__Host-id")
            .map(|(_, value)| value.clone())
    }

    /// Puts a value in the portal's cookie, as whoever steals or makes one up would.
    pub fn set_cookie(&self, value: &str) {
        *self.cookies.lock().unwrap() = vec![("curfew-id".to_owned(), value.to_owned())];
    }

    /// Any request; `headers` replace those a browser would send.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<(&str, String)>,
    ) -> Answer {
        let mut all = HeaderMap::new();
        let mut set = |name: &str, value: &str| {
            all.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        };
        set("x-forwarded-for", &self.address.to_string());
        set("user-agent", &self.user_agent);
        set("accept", "text/html,application/xhtml+xml");
        if method != Method::GET {
            set("sec-fetch-site", "same-origin");
        }
        let cookies: Vec<String> = self
            .cookies
            .lock()
            .unwrap()
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        if !cookies.is_empty() {
            set("cookie", &cookies.join("; "));
        }
        for (name, value) in headers {
            set(name, value);
        }
        // An empty value stands for "a browser that does not send it".
        let empty: Vec<HeaderName> = all
            .iter()
            .filter(|(_, v)| v.is_empty())
            .map(|(n, _)| n.clone())
            .collect();
        for name in empty {
            all.remove(name);
        }
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .headers(all);
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let headers = response.headers().clone();
        self.keep_cookies(&headers);
        let body = response.text().await.unwrap();
        Answer {
            status,
            headers,
            body,
        }
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap();
        for set in headers.get_all("set-cookie") {
            let text = set.to_str().unwrap();
            let (pair, rest) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').unwrap();
            cookies.retain(|(n, _)| n != name);
            let gone = rest
                .split(';')
                .any(|a| a.trim().eq_ignore_ascii_case("max-age=0"));
            if !gone {
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// `GET` of a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// A plain form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, fields, &[]).await
    }

    /// A plain form with headers of the test's own.
    pub async fn post_with(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let body = app::paths::query_string(fields);
        self.send(
            Method::POST,
            path,
            headers,
            Some(("application/x-www-form-urlencoded", body)),
        )
        .await
    }

    /// What the person of this browser may ask below HTTP, as pages do.
    pub async fn ports(&self, app: &App) -> app::backend::Backend {
        let http = app.portal.http(CancellationToken::new());
        let token = self.cookie().expect("signed in").parse().unwrap();
        let origin = server::caller::Origin::default();
        match http.signin.caller_by_token(&token, origin, false).await.unwrap() {
            server::signin::presence::Presence::Here(caller) => (http.backend)(&Arc::new(*caller)),
            _ => panic!("this browser is not signed in"),
        }
    }

    /// The sign-ins of the person of this browser.
    pub async fn my_sessions(&self, app: &App) -> app::signin::wire::MySessions {
        self.ports(app).await.signin.my_sessions().await.unwrap()
    }

    /// The sign-in form.
    pub async fn sign_in(&self, login: &str, password: &str) -> Answer {
        self.post("/sign-in", &[("login", login), ("password", password)])
            .await
    }

    /// The step-up form.
    pub async fn step_up(&self, password: &str) -> Answer {
        self.post("/step-up", &[("password", password), ("next", "/account")])
            .await
    }

    /// Whether this browser is signed in, asked in the background (never counts as activity).
    pub async fn is_in(&self) -> bool {
        self.send(
            Method::GET,
            app::paths::FRAME,
            &[("x-curfew-background", "1")],
            None,
        )
        .await
        .status
            == StatusCode::OK
    }

    /// An open stream of server-sent events.
    pub async fn live(&self, topic: &str) -> reqwest::Response {
        let cookies: Vec<String> = self
            .cookies
            .lock()
            .unwrap()
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        self.client
            .get(format!("{}{}", self.base, app::paths::live(topic)))
            .header("x-forwarded-for", self.address.to_string())
            .header("user-agent", &self.user_agent)
            .header("cookie", cookies.join("; "))
            .send()
            .await
            .unwrap()
    }
}
