//! Containment reports of endings carried out on simulated systems: what is in them, what never is, who sees what part,
//! and that a file is checked with nothing but itself.

use std::sync::Arc;

use app::access::wire::{Permission, Scope};
use app::backend::Backend;
use app::containment::wire::ReportOf;
use app::endings::wire::{Confirm, EndingPage};
use app::error::AppError;
use app::people::wire::PeopleQuery;
use app::sessions::query::SessionQuery;
use app::wire::{SessionKey, SubjectId, SystemId};
use reqwest::StatusCode;
use serde_json::Value;
use server::clock::{Clock, FakeClock};
use server::config::NameSpace;
use server::containment::verify;
use server::simulators::keycloak::KeycloakServer;
use server::simulators::people;
use server::simulators::simulator::Simulator;
use server::simulators::simulator::shape::Shape;

use crate::cli::BOTH;
use crate::harness::{App, Browser, Engine, MORNING, Program};

/// People of the simulated systems, by number.
const ADA: usize = 40;
const BEN: usize = 41;
const CEM: usize = 42;
const REALM: &str = "staff";

/// A portal with an identity server, `gate`, and two applications. At `north` Ben comes straight back and Cem is never
/// ended, whatever it says.
struct House {
    app: App,
    admin: Browser,
    /// The systems' own clock.
    clock: Arc<FakeClock>,
    north: Simulator,
    south: Simulator,
    _gate: KeycloakServer,
    /// Every id a system signs somebody in by.
    raw: Vec<String>,
}

impl House {
    async fn on(engine: Engine) -> Self {
        let clock = Arc::new(FakeClock::at(MORNING));
        let shared: Arc<dyn Clock> = clock.clone();
        let north = Simulator::start(shared.clone(), Shape::default()).await.unwrap();
        let south = Simulator::start(shared.clone(), Shape::default()).await.unwrap();
        let mut gate = KeycloakServer::start(shared, 1, &[REALM]).await.unwrap();
        let mut raw: Vec<String> = [ADA, BEN, CEM].map(|n| north.open(n)).into();
        raw.extend([ADA, BEN].map(|n| south.open(n)));
        let ada = people::person(ADA);
        raw.push(gate.model(|model, now| {
            let id = model.add_user(REALM, &ada.account, &ada.name, None);
            model
                .open(
                    REALM,
                    &id,
                    server::simulators::keycloak::model::PORTAL,
                    false,
                    now,
                )
                .0
        }));
        north.faults(|f| {
            f.let_back_for.insert(people::person(BEN).account_id);
            f.lie_for.insert(people::person(CEM).account_id);
        });
        let systems = [
            ("gate", gate.settings("Gate").unwrap()),
            ("north", north.settings("North")),
            ("south", south.settings("South")),
        ];
        let app = App::start_with(engine, |config| {
            for (id, settings) in systems {
                config.systems.insert(id.to_owned(), settings);
            }
            config.people.name_space.push(NameSpace {
                name: "Staff".to_owned(),
                systems: ["gate", "north", "south"].map(str::to_owned).into(),
            });
        })
        .await;
        app.administrator("mara").await;
        let admin = app.signed_in("mara").await;
        let house = Self {
            app,
            admin,
            clock,
            north,
            south,
            _gate: gate,
            raw,
        };
        house.pass(1);
        house.collect().await;
        house.app.portal.people.link_due().await.unwrap();
        house
    }

    /// Lets time pass, here and in the systems.
    fn pass(&self, seconds: i64) {
        self.app.clock.advance(seconds);
        self.clock.advance(seconds);
    }

    async fn collect(&self) {
        for system in ["gate", "north", "south"] {
            self.app
                .portal
                .collector
                .collect(&SystemId::from(system))
                .await
                .unwrap();
        }
    }

    async fn ports(&self) -> Backend {
        self.admin.ports(&self.app).await
    }

    /// Ends every session of these systems, to the last outcome; the ending's number.
    async fn end(&self, systems: &[&str], persons: &[usize]) -> i64 {
        let ports = self.ports().await;
        let query = SessionQuery {
            systems: systems.iter().map(|id| SystemId::from(*id)).collect(),
            ..SessionQuery::default()
        };
        let accounts: Vec<String> = persons.iter().map(|n| people::person(*n).account).collect();
        let page = ports.sessions.list_sessions(query, false).await.unwrap();
        let rows = page
            .rows
            .into_iter()
            .filter(|row| accounts.contains(&row.account_name));
        let keys: Vec<SessionKey> = rows.map(|row| row.session_key).collect();
        let draft = ports.endings.draft_ending_of(keys.clone()).await.unwrap();
        let confirm = Confirm {
            reason: "Laptop stolen".to_owned(),
            ticket_ref: "INC-7".to_owned(),
            typed_number: keys.len().to_string(),
            ..Confirm::default()
        };
        let number = ports
            .endings
            .confirm_ending(draft, confirm)
            .await
            .unwrap()
            .number()
            .unwrap();
        for _ in 0..100 {
            self.app.work().await;
            let page = self.page(number).await;
            if page.brief.counts.settled() == page.brief.counts.wanted {
                return number;
            }
            self.pass(2);
        }
        panic!("never settled: {:?}", self.page(number).await);
    }

    async fn page(&self, number: i64) -> EndingPage {
        let ports = self.ports().await;
        ports.endings.ending_page(number, None, None).await.unwrap()
    }

    /// Waits until the watch of an ending is over.
    async fn watch(&self) {
        for seconds in [6, 30, 600] {
            self.pass(seconds);
            self.collect().await;
            self.app.portal.endings.watch_due().await.unwrap();
        }
    }

    async fn person(&self, n: usize) -> SubjectId {
        let query = PeopleQuery {
            search: people::person(n).name,
            ..PeopleQuery::default()
        };
        let page = self.ports().await.people.people_page(query).await.unwrap();
        page.people[0].subject_id.clone()
    }

    /// Somebody with these permissions in these systems.
    fn helper(&self, may: &[Permission], systems: &[&str]) -> Backend {
        let scope = Scope::systems(systems.iter().map(|id| SystemId::from(*id)));
        let caller = server::caller::testing::caller("hal", may, scope);
        self.app.portal.for_caller(&Arc::new(caller))
    }

    fn own_key(&self) -> String {
        let key = server::portal::report_key(&self.app.config).unwrap();
        key.fingerprint().to_owned()
    }

    fn holds_nothing_raw(&self, text: &str) {
        for raw in &self.raw {
            assert!(!text.contains(raw.as_str()), "{raw} is in {text}");
        }
    }
}

/// A signed file as JSON, once it is seen to be intact and ours.
fn read(house: &House, file: &str) -> Value {
    let intact = verify::check(file.as_bytes()).unwrap();
    assert_eq!(intact.fingerprint, house.own_key());
    serde_json::from_str(file).unwrap()
}

/// The session of a person in a system.
fn session<'r>(report: &'r Value, system: &str, n: usize) -> &'r Value {
    let account = people::person(n).account;
    let all = report["endings"][0]["sessions"].as_array().unwrap();
    all.iter()
        .find(|s| s["system_id"] == system && s["account"] == account.as_str())
        .unwrap_or_else(|| panic!("no session of {account} in {system}: {report}"))
}

#[tokio::test]
async fn a_report_tells_what_became_of_each_session_who_came_back_and_what_may_still_work() {
    for engine in BOTH {
        let house = House::on(engine).await;
        let number = house.end(&["gate", "north"], &[ADA, BEN, CEM]).await;
        house.watch().await;
        let answer = house.admin.get(&format!("/endings/{number}/report.json")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(
            answer
                .header("content-disposition")
                .starts_with("attachment; filename=\"curfew-report-ending-")
        );
        let report = read(&house, &answer.body);

        let about = &report["about"];
        assert_eq!(about["title"], format!("Ending {number}"));
        assert_eq!(
            (&about["made_by"], &about["whole"]),
            (&"mara".into(), &true.into())
        );
        assert_eq!(about["not_in_it"], Value::Array(Vec::new()));
        assert_eq!(report["blocks"]["made"], Value::Array(Vec::new()));
        assert!(
            report["blocks"]["words"]
                .as_str()
                .unwrap()
                .starts_with("None was made")
        );
        let ending = &report["endings"][0];
        for (field, wanted) in [
            ("reason", "Laptop stolen"),
            ("ticket_ref", "INC-7"),
            ("asked_by", "mara"),
            ("asked_by_kind", "operator"),
        ] {
            assert_eq!(ending[field], wanted, "{field}");
        }
        assert_eq!(
            (
                &ending["counts"]["wanted"],
                &ending["counts"]["ended"],
                &ending["counts"]["still_there"]
            ),
            (&4.into(), &3.into(), &1.into())
        );
        assert_eq!(
            (&ending["watch"]["returned"], &ending["watch"]["over"]),
            (&1.into(), &true.into())
        );
        assert_eq!(ending["watch"]["words"], "One session came back.");

        let ended = session(&report, "north", ADA);
        assert_eq!(
            (&ended["outcome"], &ended["returned_at"]),
            (&"ended".into(), &Value::Null)
        );
        assert!(ended["read_back_at"].as_str() >= ended["asked_at"].as_str());
        assert!(ended["asked_at"].is_string() && ended["residual_until"].is_null());
        let hint = ended["id_ends_in"].as_str().unwrap();
        assert!(hint.len() == 4 && house.raw.iter().any(|raw| raw.ends_with(hint)));
        let back = session(&report, "north", BEN);
        assert_eq!(
            (&back["outcome"], &back["returned_through"]),
            (&"ended".into(), &"North".into())
        );
        assert!(back["returned_at"].is_string());
        let liar = session(&report, "north", CEM);
        assert_eq!(
            (&liar["outcome"], &liar["asks"]),
            (&"still_there".into(), &3.into())
        );
        // What is not gone, or came back, stands first.
        let first: Vec<&Value> = ending["sessions"].as_array().unwrap()[..2]
            .iter()
            .map(|s| &s["account"])
            .collect();
        assert!(!first.contains(&&people::person(ADA).account.into()), "{first:?}");
        // Tokens of the identity server outlive its session, and it says so.
        let gate = session(&report, "gate", ADA);
        assert!(
            gate["residual_until"].as_str() > gate["asked_at"].as_str(),
            "{gate}"
        );
        assert_eq!(ending["residual_until"], gate["residual_until"]);

        let systems = report["systems"].as_array().unwrap();
        let names: Vec<&str> = systems.iter().map(|s| s["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Gate", "North"], "only those that were touched");
        assert!(
            systems
                .iter()
                .all(|s| s["last_complete_reading_at"].is_string() && s["simulated"] == true)
        );
        assert!(
            systems[0]["cannot_be_seen"]
                .to_string()
                .contains("browsers: Keycloak tells none")
        );
        assert!(
            systems[0]["as_read"]
                .to_string()
                .contains("has the roles it needs")
        );
        assert!(
            systems[0]["ending_there"]
                .to_string()
                .contains("What still works after: an access token")
        );

        house.holds_nothing_raw(&answer.body);
        house.holds_nothing_raw(&house.app.everything_stored().await);
        // The page says the same, and is looked at without leaving a file.
        let page = house.admin.get(&format!("/endings/{number}/report")).await;
        assert_eq!(page.status, StatusCode::OK);
        for words in [
            "Containment report: Ending",
            "Still there",
            "Came back",
            "Laptop stolen",
            "Download signed JSON",
        ] {
            assert!(page.body.contains(words), "{words} is not on the page");
        }
        assert!(
            page.body.contains("3 of 4 sessions gone, 1 came back"),
            "{}",
            page.body
        );
        house.holds_nothing_raw(&page.body);
        let ending = house.admin.get(&format!("/endings/{number}")).await;
        assert!(
            ending
                .body
                .contains(&format!("href=\"/endings/{number}/report\""))
        );
    }
}

#[tokio::test]
async fn the_log_tells_of_a_report_and_the_report_where_the_log_ended() {
    for engine in BOTH {
        let house = House::on(engine).await;
        let number = house.end(&["south"], &[ADA]).await;
        let file = house
            .ports()
            .await
            .containment
            .signed_report(ReportOf::Ending(number))
            .await
            .unwrap();
        let report = read(&house, &file);
        let mut conn = house.app.portal.db.read().await.unwrap();
        let found: Vec<(i64, String, String)> = server::on!(conn, c => sqlx::query_as(
            "SELECT seq, hash, detail FROM audit_entry WHERE action = 'containment_report'").fetch_all(c).await.unwrap());
        drop(conn);
        let [(seq, hash, detail)] = found.as_slice() else {
            panic!("one entry, not {found:?}")
        };
        assert_eq!(
            (&report["audit"]["seq"], &report["audit"]["hash"]),
            (&(*seq).into(), &hash.as_str().into())
        );
        // What was signed is what the log says was signed.
        let detail: Value = serde_json::from_str(detail).unwrap();
        let jws = report["signature"]["jws"].as_str().unwrap();
        let payload = data_encoding::BASE64URL_NOPAD
            .decode(jws.split('.').nth(1).unwrap().as_bytes())
            .unwrap();
        let signed: Value = serde_json::from_slice(&payload).unwrap();
        for part in ["about", "person", "blocks", "endings", "systems"] {
            assert_eq!(detail[part], signed["parts"][part], "{part}");
        }
        assert_eq!(detail["key"], house.own_key());
        // The end of the log in the report is one that the log is checked by.
        let key = server::portal::audit_key(&house.app.config).unwrap();
        let head = Some((*seq, hash.clone()));
        house.app.audit().await;
        let whole = server::audit::chain::verify(&house.app.portal.db, &key, head, house.app.clock_now())
            .await
            .unwrap();
        assert_eq!(whole.broken, None);

        // Who may not read the log is told nothing of it, and who may not export gets no file.
        let may = [Permission::SeeSessions, Permission::ExportData];
        let file = house
            .helper(&may, &["south"])
            .containment
            .signed_report(ReportOf::Ending(number))
            .await
            .unwrap();
        let report = read(&house, &file);
        assert_eq!(
            (&report["audit"]["seq"], &report["audit"]["hash"]),
            (&Value::Null, &Value::Null)
        );
        let sees = house.helper(&[Permission::SeeSessions], &["south"]);
        let page = sees.containment.report(ReportOf::Ending(number)).await.unwrap();
        assert!(!page.may_export && page.report.audit.seq.is_none());
        let refused = sees.containment.signed_report(ReportOf::Ending(number)).await;
        assert!(
            matches!(
                &refused,
                Err(AppError::Forbidden {
                    permission: Permission::ExportData,
                    ..
                })
            ),
            "{refused:?}"
        );
        // To export in one place is not to export in another.
        let exports_elsewhere = {
            let mut caller =
                server::caller::testing::caller("eve", &[Permission::SeeSessions], Scope::EVERYWHERE);
            let other = server::caller::testing::caller(
                "x",
                &[Permission::ExportData],
                Scope::systems([SystemId::from("north")]),
            );
            caller.grants.extend(other.grants);
            house.app.portal.for_caller(&Arc::new(caller))
        };
        let refused = exports_elsewhere
            .containment
            .signed_report(ReportOf::Ending(number))
            .await;
        assert!(matches!(&refused, Err(AppError::NotFound { .. })), "{refused:?}");
        assert_eq!(
            house.app.audited("containment_report").await,
            2,
            "and no refusal counts as one"
        );
    }
}

/// What a report says, without what differs from run to run and tells nothing.
fn told(report: &Value) -> Value {
    let mut report = report.clone();
    report["about"]["address"] = Value::Null;
    report["about"]["subject_id"] = Value::Null;
    for ending in report["endings"].as_array_mut().unwrap() {
        for session in ending["sessions"].as_array_mut().unwrap() {
            session["session_key"] = Value::Null;
            session["id_ends_in"] = Value::Null;
        }
    }
    report["signature"] = Value::Null;
    report
}

#[tokio::test]
async fn ui_k2_a_helper_gets_their_part_and_can_not_tell_whether_there_is_more() {
    let may = [Permission::SeeSessions, Permission::ExportData];
    let mut of_ending = Vec::new();
    let mut of_person = Vec::new();
    for engine in BOTH {
        // The same ending at `south`, alone and with more than the helper may know of.
        for (systems, persons) in [
            (["south"].as_slice(), [ADA].as_slice()),
            (&["south", "north"], &[ADA, CEM]),
        ] {
            let house = House::on(engine).await;
            let number = house.end(systems, persons).await;
            let ada = house.person(ADA).await;
            // As late in both: the moment it is made is no secret.
            let late = MORNING.plus_seconds(3_600);
            house.app.clock.advance(late.since(house.app.clock_now()) / 1_000);
            let south = house.helper(&may, &["south"]);
            let file = south
                .containment
                .signed_report(ReportOf::Ending(number))
                .await
                .unwrap();
            let mut report = told(&read(&house, &file));
            assert_eq!(report["about"]["whole"], false);
            let words = report["about"]["not_in_it"][0].as_str().unwrap();
            assert!(words.contains("There may be more") && words.contains("nothing here tells whether"));
            for other in ["north", "North", "gate", "Gate", &people::person(CEM).name] {
                assert!(!report.to_string().contains(other), "{other} is in {report}");
            }
            // How long an ending is watched begins with its last outcome: who knows of the ending knows that moment.
            report["endings"][0]["watch"]["until"] = Value::Null;
            of_ending.push(report);
            let file = south
                .containment
                .signed_report(ReportOf::Person(ada.clone()))
                .await
                .unwrap();
            let mut report = told(&read(&house, &file));
            report["endings"][0]["watch"]["until"] = Value::Null;
            of_person.push(report);

            // The other helper sees the other half, and who sees nothing of it learns nothing.
            let north = house.helper(&may, &["north"]);
            let other = north.containment.signed_report(ReportOf::Ending(number)).await;
            match persons {
                [_] => assert!(matches!(&other, Err(AppError::NotFound { .. })), "{other:?}"),
                _ => {
                    let report = read(&house, &other.unwrap());
                    let sessions = report["endings"][0]["sessions"].as_array().unwrap();
                    assert!(sessions.len() == 2 && sessions.iter().all(|s| s["system_id"] == "north"));
                }
            }
            let gate = house.helper(&may, &["gate"]);
            let none = gate.containment.report(ReportOf::Ending(number)).await;
            assert!(matches!(&none, Err(AppError::NotFound { .. })), "{none:?}");
            for nobody in ["", "no-such", "\0"] {
                let none = gate
                    .containment
                    .report(ReportOf::Person(SubjectId::from(nobody)))
                    .await;
                assert!(matches!(&none, Err(AppError::NotFound { .. })), "{none:?}");
            }
            let none = south.containment.report(ReportOf::Ending(number + 1)).await;
            assert!(matches!(&none, Err(AppError::NotFound { .. })), "{none:?}");
        }
    }
    for other in &of_ending[1..] {
        assert_eq!(&of_ending[0], other);
    }
    for other in &of_person[1..] {
        assert_eq!(&of_person[0], other);
    }
}

#[tokio::test]
async fn a_person_s_report_holds_every_ending_of_theirs_and_nobody_else_s_sessions() {
    for engine in BOTH {
        let house = House::on(engine).await;
        let first = house.end(&["south"], &[ADA, BEN]).await;
        let second = house.end(&["gate", "north"], &[ADA, CEM]).await;
        let ada = house.person(ADA).await;
        let path = format!("/people/{ada}/report");
        let answer = house.admin.get(&format!("{path}.json")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let report = read(&house, &answer.body);
        let numbers: Vec<i64> = report["endings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["ending_no"].as_i64().unwrap())
            .collect();
        assert_eq!(numbers, [second, first]);
        let account = people::person(ADA).account;
        let sessions = report["endings"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|e| e["sessions"].as_array().unwrap());
        let accounts: Vec<&str> = sessions.map(|s| s["account"].as_str().unwrap()).collect();
        assert_eq!(accounts, [account.as_str(); 3]);
        let person = &report["person"];
        assert_eq!(person["accounts"].as_array().unwrap().len(), 3);
        assert!(person["accounts"].to_string().contains("name_space"));
        assert_eq!(person["live_sessions"], Value::Array(Vec::new()));
        house.holds_nothing_raw(&answer.body);
        // They sign in again: the report says so.
        house.pass(30);
        house.south.open(ADA);
        house.collect().await;
        house.app.portal.people.link_due().await.unwrap();
        let page = house.admin.get(&path).await;
        assert!(
            page.body.contains("1 session is live: 1 in South"),
            "{}",
            page.body
        );
        let person = house.admin.get(&format!("/people/{ada}")).await;
        assert!(person.body.contains(&format!("href=\"{path}\"")));
        assert!(house.north.calls("end") > 0);
    }
}

#[tokio::test]
async fn programs_get_the_same_file_by_the_api() {
    let house = House::on(Engine::Sqlite).await;
    let number = house.end(&["south"], &[ADA]).await;
    let auditor = Program::with(&house.app, &house.admin, "auditor", Scope::EVERYWHERE).await;
    let ada = house.person(ADA).await;
    for path in [
        format!("/endings/{number}/report"),
        format!("/subjects/{ada}/report"),
    ] {
        let answer = auditor.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.header("content-type"), "application/json");
        let report = read(&house, &answer.body);
        assert!(report["audit"]["seq"].is_i64());
    }
    let helpdesk = Program::with(&house.app, &house.admin, "helpdesk", Scope::EVERYWHERE).await;
    let refused = helpdesk.get(&format!("/endings/{number}/report")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("ExportData"), "{}", refused.body);
    assert_eq!(
        auditor.get("/endings/99/report").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        auditor.get("/subjects/none/report").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_long_ending_is_whole_in_the_file_and_cut_on_the_page_with_a_word() {
    const MANY: usize = 620;
    let house = House::on(Engine::Sqlite).await;
    for _ in 0..MANY {
        house.south.open(BEN);
    }
    house.pass(1);
    house.collect().await;
    let ports = house.ports().await;
    let mut conn = house.app.portal.db.read().await.unwrap();
    let keys: Vec<String> = server::on!(conn, c => sqlx::query_scalar(
        "SELECT session_key FROM session WHERE system_id = 'south' AND state = 'live'").fetch_all(c).await.unwrap());
    drop(conn);
    let keys: Vec<SessionKey> = keys.into_iter().map(SessionKey).collect();
    assert_eq!(keys.len(), MANY + 2);
    let draft = ports.endings.draft_ending_of(keys).await.unwrap();
    let confirm = Confirm {
        reason: "Storm".to_owned(),
        ticket_ref: String::new(),
        typed_number: (MANY + 2).to_string(),
        ..Confirm::default()
    };
    let number = ports
        .endings
        .confirm_ending(draft, confirm)
        .await
        .unwrap()
        .number()
        .unwrap();
    let page = house.admin.get(&format!("/endings/{number}/report")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body
            .contains("122 more sessions are counted above and not listed here")
    );
    let file = house
        .ports()
        .await
        .containment
        .signed_report(ReportOf::Ending(number))
        .await
        .unwrap();
    let report = read(&house, &file);
    let ending = &report["endings"][0];
    assert_eq!(ending["sessions"].as_array().unwrap().len(), MANY + 2);
    assert_eq!(
        (&ending["sessions_not_listed"], &ending["settled_at"]),
        (&0.into(), &Value::Null)
    );
    assert_eq!(
        ending["watch"]["words"],
        "Curfew did not yet look for people who come back."
    );
}

#[tokio::test]
async fn verify_report_says_what_it_knows_and_exits_by_it() {
    let house = House::on(Engine::Sqlite).await;
    let number = house.end(&["south"], &[ADA]).await;
    let file = house
        .ports()
        .await
        .containment
        .signed_report(ReportOf::Ending(number))
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(at("report.json"), &file).unwrap();
    let run = |arguments: &[&str]| {
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_curfew"))
            .args(arguments)
            .env_clear()
            .current_dir(dir.path())
            .output()
            .unwrap();
        let text = [ran.stdout, ran.stderr].concat();
        (ran.status.code().unwrap(), String::from_utf8(text).unwrap())
    };
    let own = house.own_key();
    // Nobody named a key: it does not say that it is genuine.
    let (status, said) = run(&["verify-report", "report.json"]);
    assert_eq!(status, 3, "{said}");
    assert!(
        said.contains("WHOSE KEY that is was not checked") && said.contains(&own),
        "{said}"
    );
    assert!(said.contains("1 of 1 gone"), "{said}");
    let (status, said) = run(&["verify-report", "report.json", "--key", &own]);
    assert_eq!(status, 0, "{said}");
    assert!(
        said.starts_with("INTACT, and signed by the key you named."),
        "{said}"
    );
    // The key as the portal's machine prints it.
    let config = format!(
        "data_dir = {:?}\n",
        house.app.config.data_dir.display().to_string()
    );
    std::fs::write(at("curfew.toml"), config).unwrap();
    let (status, printed) = run(&["report-key"]);
    assert_eq!(status, 0, "{printed}");
    assert!(
        printed.starts_with(&format!("Fingerprint: {own}\n-----BEGIN PUBLIC KEY-----")),
        "{printed}"
    );
    std::fs::write(at("portal.pub"), printed).unwrap();
    std::fs::write(at("portal.txt"), format!("Fingerprint: {own}\n")).unwrap();
    for named in ["portal.pub", "portal.txt"] {
        assert_eq!(
            run(&["verify-report", "report.json", "--key", named]).0,
            0,
            "{named}"
        );
    }
    let (status, said) = run(&["verify-report", "report.json", "--key", &"0".repeat(64)]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("by another key than the one you named"), "{said}");
    let (status, said) = run(&["verify-report", "report.json", "--key", "report.json"]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("neither a fingerprint nor a public key"), "{said}");
    std::fs::write(
        at("changed.json"),
        file.replacen("\"ended\"", "\"still_there\"", 1),
    )
    .unwrap();
    let (status, said) = run(&["verify-report", "changed.json", "--key", &own]);
    assert_eq!(status, 1, "{said}");
    assert!(
        said.starts_with("REFUSED. Changed since it was signed: endings."),
        "{said}"
    );
    std::fs::write(at("half.json"), &file[..file.len() / 2]).unwrap();
    let (status, said) = run(&["verify-report", "half.json", "--key", &own]);
    assert_eq!(status, 1);
    assert!(said.contains("The file is not whole"), "{said}");
    assert_eq!(run(&["verify-report", "nothing.json"]).0, 1);
}
