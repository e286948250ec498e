//! A portal that reads a simulated Domo: what people see of it, what becomes of an ending, and what is never kept.

use std::sync::Arc;

use app::access::wire::Scope;
use app::wire::SystemId;
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::clock::FakeClock;
use server::simulators::domo::DomoServer;
use server::simulators::domo::faults::{Bad, Call};
use server::simulators::domo::model::{BROWSER, MOBILE};

use super::harness::{App, Browser, Engine, Logged, MORNING, Program};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

struct Desk {
    app: App,
    domo: DomoServer,
    admin: Browser,
    program: Program,
}

impl Desk {
    /// `simulated` = it is labelled as what it is; false = taken for a real one.
    async fn on(engine: Engine, simulated: bool) -> Self {
        let clock = Arc::new(FakeClock::at(MORNING));
        let mut domo = DomoServer::start(clock, 3).await.unwrap();
        domo.model(|model, now| {
            let ann = model.add_user("Ann Adeyemi", Some("ann@northwind.example"));
            model.open(ann, BROWSER, now);
            model.open(ann, MOBILE, now);
            let ben = model.add_user("Ben Bakker", Some("ben@northwind.example"));
            model.open(ben, BROWSER, now);
        });
        let mut settings = domo.settings("Domo northwind").unwrap();
        settings.simulated = simulated;
        let app = App::start_with(engine, |config| {
            config.systems.insert("domo".to_owned(), settings);
        })
        .await;
        app.administrator("mara").await;
        let admin = app.signed_in("mara").await;
        let program = Program::with(&app, &admin, "helpdesk", Scope::EVERYWHERE).await;
        let desk = Self {
            app,
            domo,
            admin,
            program,
        };
        desk.collect().await;
        desk
    }

    async fn collect(&self) {
        let system = SystemId::from("domo");
        self.app.portal.collector.collect(&system).await.unwrap();
    }

    async fn rows(&self) -> Vec<Value> {
        let list = self
            .program
            .get("/sessions?system=domo&sort=person&dir=asc")
            .await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.body);
        list.json()["items"].as_array().unwrap().clone()
    }

    /// Ends these rows; what became of each.
    async fn ended(&self, rows: &[Value]) -> Vec<Value> {
        let keys: Vec<&Value> = rows.iter().map(|row| &row["session_key"]).collect();
        let preview = self
            .program
            .post("/previews", json!({ "sessions": keys }))
            .await
            .json();
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
}

#[tokio::test]
async fn domo_p16_the_mobile_hour_is_said_of_the_mobile_app_and_of_nothing_else() {
    for engine in BOTH {
        let desk = Desk::on(engine, true).await;
        let rows = desk.rows().await;
        assert_eq!(rows.len(), 3);
        let items = desk.ended(&rows[..2]).await;
        assert_eq!(items.len(), 2, "{items:?}");
        for item in items {
            assert_eq!(item["outcome"], "ended", "{item}");
            let mobile = item["kind"] == "mobile";
            assert_eq!(!item["residual_until"].is_null(), mobile, "{item}");
        }
        let left = desk.rows().await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["person"], "Ben Bakker");
        assert_eq!(desk.domo.calls(Call::Delete), 2);
    }
}

#[tokio::test]
async fn until_a_self_test_passed_on_a_real_domo_rows_and_page_say_that_none_did() {
    const NEVER: &str = "Never proven on a real Domo";
    for engine in BOTH {
        for simulated in [false, true] {
            let desk = Desk::on(engine, simulated).await;
            let told = async || {
                let rows = desk.rows().await;
                let row = rows[0]["unproven"].as_str().map(str::to_owned);
                let page = desk.admin.get("/systems?system=domo").await.body;
                (row, page.contains(NEVER))
            };
            assert_eq!(told().await, (Some(NEVER.to_owned()), true));
            let test = async || {
                let systems = desk.admin.ports(&desk.app).await.systems;
                systems.self_test(SystemId::from("domo")).await.unwrap()
            };
            let report = test().await;
            assert_eq!(report.steps.len(), 7, "{report:?}");
            let still = simulated.then(|| NEVER.to_owned());
            assert_eq!(
                told().await,
                (still, simulated),
                "an imitation proves nothing of a real one"
            );
            if !simulated {
                desk.domo.faults(|faults| {
                    faults.bad.insert(Call::Delete, Bad::Blocked);
                });
                test().await;
                let words = "The last self-test did not prove ending on this Domo";
                assert_eq!(told().await, (Some(words.to_owned()), false));
            }
        }
    }
}

#[tokio::test]
async fn a_failed_or_blocked_answer_calls_nothing_gone_and_the_page_says_what_to_do() {
    for engine in BOTH {
        let desk = Desk::on(engine, true).await;
        for (bad, words) in [
            (Bad::Blocked, "Domo - Blocked"),
            (Bad::AllowList, "allowed addresses"),
            (Bad::Html(200), "web page"),
            (Bad::Json(500, "TOE-4F2A".to_owned()), "trace TOE-4F2A"),
        ] {
            desk.domo.faults(|faults| {
                faults.bad.insert(Call::List, bad.clone());
            });
            desk.app.clock.advance(300);
            desk.collect().await;
            assert_eq!(desk.rows().await.len(), 3, "{bad:?}");
            let page = desk.admin.get("/systems?system=domo").await.body;
            assert!(page.contains(words), "{bad:?}");
            desk.domo.faults(|faults| faults.bad.clear());
            desk.app.clock.advance(300);
            desk.collect().await;
        }
    }
}

/// Planted secrets: what Curfew signs in with, what sessions are listed by, and what their browsers hold.
#[tokio::test]
async fn no_secret_of_domo_is_kept_or_logged() {
    let logged = Logged::start();
    let desk = Desk::on(Engine::Sqlite, true).await;
    let mut secrets = desk.domo.secrets();
    secrets.extend(desk.domo.model(|model, _| {
        let each = model
            .sessions()
            .flat_map(|s| [s.session_id.clone(), s.token.clone()]);
        each.collect::<Vec<_>>()
    }));
    let systems = desk.admin.ports(&desk.app).await.systems;
    systems.self_test(SystemId::from("domo")).await.unwrap();
    let rows = desk.rows().await;
    desk.ended(&rows[..1]).await;
    desk.domo.faults(|faults| {
        faults.bad.insert(Call::List, Bad::Json(500, "TOE-1".to_owned()));
    });
    desk.collect().await;
    let mut kept = Vec::new();
    for file in std::fs::read_dir(&desk.app.config.data_dir).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            kept.extend(std::fs::read(file.path()).unwrap());
        }
    }
    let kept = String::from_utf8_lossy(&kept);
    assert!(kept.contains("Ben Bakker"), "the database was read");
    let told = logged.text();
    assert!(told.contains("asked a system"), "the log was heard");
    for secret in &secrets {
        assert!(!kept.contains(secret.as_str()), "in the database");
        assert!(!told.contains(secret.as_str()), "in the log");
    }
}
