//! A portal that reads a simulated CAS: what becomes of endings, and what is never kept, shown or handed out.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::access::wire::Scope;
use app::wire::SystemId;
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::clock::FakeClock;
use server::simulators::cas::CasServer;
use server::simulators::cas::faults::{Bad, Call};
use server::simulators::cas::model::{Release, SERVICES};

use super::harness::{App, Browser, Engine, Logged, MORNING, Program};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

struct Desk {
    app: App,
    cas: CasServer,
    admin: Browser,
    program: Program,
}

impl Desk {
    async fn on(engine: Engine) -> Self {
        let clock = Arc::new(FakeClock::at(MORNING));
        let mut cas = CasServer::start(clock, 3, Release::Seven).await.unwrap();
        cas.model(|model, now| {
            for (name, shown) in [
                ("ann", "Ann Adeyemi"),
                ("ann", "Ann Adeyemi"),
                ("ben", "Ben Bakker"),
            ] {
                let mail = format!("{name}@campus.example");
                model.add_person(name, shown, Some(&mail), "planted-password-of-a-person");
                let (id, _) = model.open(name, now);
                // A silent sign-in: from now on the list holds the cookie of that browser.
                model.sign_in_to(&id, SERVICES[0], now);
                model.sign_in_to(&id, SERVICES[1], now);
            }
        });
        let settings = cas.settings("CAS campus").unwrap();
        let app = App::start_with(engine, |config| {
            config.systems.insert("cas".to_owned(), settings);
        })
        .await;
        app.administrator("mara").await;
        let admin = app.signed_in("mara").await;
        let program = Program::with(&app, &admin, "helpdesk", Scope::EVERYWHERE).await;
        let desk = Self {
            app,
            cas,
            admin,
            program,
        };
        desk.collect().await;
        desk
    }

    async fn collect(&self) {
        let system = SystemId::from("cas");
        self.app.portal.collector.collect(&system).await.unwrap();
    }

    async fn rows(&self) -> Vec<Value> {
        let list = self.program.get("/sessions?system=cas&sort=person&dir=asc").await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.body);
        list.json()["items"].as_array().unwrap().clone()
    }

    /// A preview of these rows.
    async fn preview(&self, rows: &[Value]) -> Value {
        let keys: Vec<&Value> = rows.iter().map(|row| &row["session_key"]).collect();
        let preview = self.program.post("/previews", json!({ "sessions": keys })).await;
        preview.json()
    }

    /// Ends these rows; what became of each.
    async fn ended(&self, rows: &[Value]) -> Vec<Value> {
        let preview = self.preview(rows).await;
        let wanted = json!({"preview_id": preview["preview_id"], "reason": "left", "expect": rows.len()});
        let made = self.program.post("/endings", wanted).await;
        assert_eq!(made.status, StatusCode::ACCEPTED, "{}", made.body);
        let at = made.location().strip_prefix("/api/v1").unwrap().to_owned();
        for _ in 0..20 {
            self.app.work().await;
            self.app.clock.advance(3);
        }
        let items = self.program.get(&format!("{at}/items")).await.json();
        items["items"].as_array().unwrap().clone()
    }

    /// Every column of every table.
    async fn kept(&self, engine: Engine) -> String {
        let mut all = String::new();
        if matches!(engine, Engine::Sqlite) {
            for file in std::fs::read_dir(&self.app.config.data_dir).unwrap() {
                let file = file.unwrap();
                if file.file_type().unwrap().is_file() {
                    all.push_str(&String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()));
                }
            }
            return all;
        }
        let mut conn = self.app.portal.db.read().await.unwrap();
        let sql =
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()";
        let tables: Vec<String> = server::on!(conn, c => sqlx::query_scalar(sql).fetch_all(c).await.unwrap());
        for table in tables {
            let sql = format!("SELECT t::text FROM \"{table}\" t");
            let rows: Vec<Option<String>> = server::on!(conn, c => sqlx::query_scalar(
                sqlx::AssertSqlSafe(sql.as_str())).fetch_all(c).await.unwrap());
            all.extend(rows.into_iter().flatten());
        }
        all
    }
}

#[tokio::test]
async fn cas_a_persons_sessions_are_ended_and_read_back_and_a_lie_is_named() {
    for engine in BOTH {
        let desk = Desk::on(engine).await;
        let rows = desk.rows().await;
        assert_eq!(rows.len(), 3);
        let preview = desk.preview(&rows[..2]).await;
        let told = preview["by_system"][0]["takes_effect"]
            .as_str()
            .unwrap_or_default();
        assert!(told.contains("sends each application"), "{preview}");
        for item in desk.ended(&rows[..2]).await {
            assert_eq!(item["outcome"], "ended", "{item}");
        }
        let left = desk.rows().await;
        assert_eq!((left.len(), &left[0]["person"]), (1, &json!("Ben Bakker")));
        assert_eq!(
            desk.cas.model(|model, _| model.told.len()),
            4,
            "two applications each"
        );
        desk.cas.faults(|faults| faults.lie = true);
        for item in desk.ended(&left).await {
            assert_ne!(item["outcome"], "ended", "{item}");
        }
        assert_eq!(desk.cas.calls(Call::DeleteEverybody), 0);
    }
}

/// The list holds cookies that sign in when they are replayed, ids, tickets and whole requests.
#[tokio::test]
async fn cas_a_planted_cookie_is_in_no_table_log_page_or_export() {
    for engine in BOTH {
        let logged = Logged::start();
        let desk = Desk::on(engine).await;
        let raw = desk
            .cas
            .model(|model, _| model.list(&Default::default(), 0).to_string());
        let secrets = desk.cas.secrets();
        let listed = secrets
            .iter()
            .filter(|secret| raw.contains(secret.as_str()))
            .count();
        assert!(
            listed >= 3 * 4,
            "each row gives away id, cookie and two tickets: {listed}"
        );
        let mut seen = String::new();
        for path in [
            "/sessions?system=cas",
            "/sessions/export.csv?system=cas",
            "/sessions/export.jsonl?system=cas",
            "/systems?system=cas",
            "/policies",
            "/audit",
        ] {
            let answer = desk.admin.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            seen.push_str(&answer.body);
        }
        for path in ["/sessions?system=cas", "/systems"] {
            seen.push_str(&desk.program.get(path).await.body);
        }
        let systems = desk.admin.ports(&desk.app).await.systems;
        let report = systems.self_test(SystemId::from("cas")).await.unwrap();
        seen.push_str(&format!("{report:?}"));
        let rows = desk.rows().await;
        for item in desk.ended(&rows[..1]).await {
            seen.push_str(&item.to_string());
        }
        for bad in [Bad::CutOff, Bad::Garbage, Bad::Html(500)] {
            desk.cas.faults(|faults| faults.bad = [(Call::List, bad)].into());
            desk.app.clock.advance(300);
            desk.collect().await;
            seen.push_str(&desk.admin.get("/systems?system=cas").await.body);
        }
        seen.push_str(&desk.admin.get("/endings").await.body);
        let kept = desk.kept(engine).await;
        let log = logged.text();
        assert!(kept.contains("Ben Bakker"), "the database was read");
        assert!(log.contains("asked a system"), "the log was heard");
        assert!(seen.contains("Ben Bakker"), "the pages were read");
        for secret in secrets
            .iter()
            .filter(|secret| *secret != "planted-password-of-a-person")
        {
            assert!(!kept.contains(secret.as_str()), "in the database");
            assert!(!log.contains(secret.as_str()), "in the log");
            assert!(!seen.contains(secret.as_str()), "on a page or in a file");
        }
        for (what, text) in [("database", &kept), ("log", &log), ("pages", &seen)] {
            assert!(!text.contains("planted-password"), "{what}");
        }
    }
}

/// What ended a list that could not be read ends nothing in the inventory.
#[tokio::test]
async fn cas_a_list_that_fails_or_is_not_whole_calls_nothing_gone() {
    for engine in BOTH {
        let desk = Desk::on(engine).await;
        for bad in [
            Bad::Html(200),
            Bad::CutOff,
            Bad::Garbage,
            Bad::Error(404, "Not Found".to_owned()),
        ] {
            desk.cas
                .faults(|faults| faults.bad = [(Call::List, bad.clone())].into());
            desk.app.clock.advance(300);
            desk.collect().await;
            assert_eq!(desk.rows().await.len(), 3, "{bad:?}");
            desk.cas.faults(|faults| *faults = Default::default());
            desk.app.clock.advance(300);
            desk.collect().await;
        }
        desk.cas.faults(|faults| faults.hide = 2);
        desk.app.clock.advance(300);
        desk.collect().await;
        assert_eq!(desk.rows().await.len(), 3, "counted and not listed");
    }
}

/// What somebody is told who sets it up.
#[tokio::test]
async fn cas_check_config_says_what_is_reached_accepted_enabled_and_what_can_not_be_seen() {
    let mut cas = CasServer::start(Arc::new(server::clock::SystemClock), 3, Release::Seven)
        .await
        .unwrap();
    cas.model(|model, now| {
        model.add_person("ann", "Ann Adeyemi", None, "planted-password-of-a-person");
        let (id, _) = model.open("ann", now);
        model.sign_in_to(&id, SERVICES[0], now);
    });
    let folder = tempfile::tempdir().unwrap();
    let systems = BTreeMap::from([("cas", cas.settings("CAS campus").unwrap())]);
    let settings = toml::to_string(&BTreeMap::from([("systems", systems)])).unwrap();
    std::fs::write(folder.path().join("check.toml"), settings).unwrap();
    let check = async || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_curfew"));
        command
            .args(["--config", "check.toml", "check-config"])
            .env("CURFEW_LOG", "trace")
            .current_dir(folder.path());
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let told = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        (ran.status.success(), told.concat())
    };
    let (good, told) = check().await;
    for words in [
        "1 sessions, complete",
        "accepts Curfew\u{2019}s identity, and its endpoint ssoSessions is enabled",
        "portal.campus.example (1)",
        "not seen",
        "the sessions that applications keep by themselves",
        "Passed: Its browser is asked for the password",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(good, "{told}");
    for secret in cas.secrets() {
        assert!(!told.contains(&secret), "a secret is told");
    }
    cas.faults(|faults| faults.disabled = true);
    let (good, told) = check().await;
    assert!(!good);
    for words in [
        "There is no ssoSessions at this address (404)",
        "Passed: It accepts Curfew\u{2019}s identity",
        "Failed: Its endpoint ssoSessions is enabled",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}
