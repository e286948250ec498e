//! What people did with scripts: `curfew sessions list` and `curfew end` against a portal that reads a Tableau Server.

use std::process::Stdio;

use app::access::wire::{People, Places, Scope, ScopeSite};
use app::wire::SystemId;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::endings::with_repository;
use super::harness::{App, Browser, Engine, Program};
use super::server_stub::{Manners, Stub};
use super::workgroup::{Release, Workgroup};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
/// Sessions of the repository: alice's on the Default site and on Sales, bob's on Sales, carol's of old, and the one of
/// the other domain's alice.
const ALICE: &str = "bw2fDjpSTBubfi1cikHj8A";
const ALICE_SALES: &str = "wqTo0XewTzWOGVtvCp08cg";
const BOB: &str = "CxwtPk9QSmGbcoyTraS-xQ";
const CAROL: &str = "k3Vq8ZsT1mXb7RfYc5NdLw2HgJ9PaE4U";
const OTHER_ALICE: &str = "UAiKwTNsSqyXrdr26HKC_Q";

/// A portal that has read a Tableau Server once.
struct Desk {
    app: App,
    workgroup: Workgroup,
    admin: Browser,
    home: tempfile::TempDir,
    _stub: Stub,
}

struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Ran {
    fn rows(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Desk {
    async fn on(engine: Engine) -> Self {
        let workgroup = Workgroup::new(Release::R2025_3).await;
        let stub = Stub::start(&workgroup, Manners::default()).await;
        let settings = with_repository(&workgroup, &format!("name = \"Tableau\"\n{}", stub.settings("")));
        let app = App::start_with(engine, |config| {
            let settings = toml::from_str(&settings).unwrap();
            config.systems.insert("tableau".to_owned(), settings);
        })
        .await;
        app.administrator("mara").await;
        let admin = app.signed_in("mara").await;
        let desk = Self {
            app,
            workgroup,
            admin,
            home: tempfile::tempdir().unwrap(),
            _stub: stub,
        };
        desk.collect().await;
        desk
    }

    async fn collect(&self) {
        let system = SystemId::from("tableau");
        self.app.portal.collector.collect(&system).await.unwrap();
    }

    /// A token of a helper who sees the Sales site and no other.
    async fn of_sales(&self) -> String {
        let scope = Scope {
            places: Places::Sites(vec![ScopeSite {
                system_id: SystemId::from("tableau"),
                site: "Sales".to_owned(),
            }]),
            people: People::Everybody,
        };
        self.token(scope).await
    }

    async fn token(&self, scope: Scope) -> String {
        let until = self.app.clock_now().plus_seconds(86_400);
        let program = Program::until(&self.app, &self.admin, "helpdesk", scope, until).await;
        program.secret
    }

    /// Runs the program while the portal works.
    async fn run(&self, token: &str, arguments: &[&str], input: &str) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_curfew"))
            .args(arguments)
            .env_clear()
            .env("XDG_CONFIG_HOME", self.home.path())
            .env("CURFEW_URL", &self.app.url)
            .env("CURFEW_TOKEN", token)
            .current_dir(self.home.path())
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.ok();
        drop(stdin);
        let work = async {
            loop {
                self.app.work().await;
                self.app.clock.advance(3);
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let output = tokio::select! {
            output = child.wait_with_output() => output.unwrap(),
            () = work => unreachable!("it works for ever"),
        };
        Ran {
            status: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Ids the server still has.
    async fn there(&self) -> Vec<String> {
        let ids = sqlx::query_scalar("SELECT session_id FROM sessions");
        ids.fetch_all(&self.workgroup.admin).await.unwrap()
    }
}

#[tokio::test]
async fn a_person_of_one_site_is_listed_and_ended_by_a_token_that_sees_no_other() {
    for engine in BOTH {
        let desk = Desk::on(engine).await;
        let token = desk.of_sales().await;
        let list = [
            "sessions", "list", "--system", "tableau", "--user", "alice", "--json",
        ];
        let ran = desk.run(&token, &list, "").await;
        assert_eq!(ran.status, 0, "{}", ran.err);
        let rows = ran.rows();
        assert_eq!(rows.len(), 1, "{}", ran.out);
        assert_eq!(
            (&rows[0]["account_name"], &rows[0]["site"]),
            (&"alice".into(), &"Sales".into())
        );
        assert_eq!(rows[0]["unproven"], "Ending not verified on this build");
        let shown = desk.run(&token, &list[..6], "").await;
        assert!(
            shown.err.contains("Tableau: Ending not verified on this build."),
            "{}",
            shown.err
        );

        let end = [
            "end", "--system", "tableau", "--user", "alice", "--reason", "left",
        ];
        let dry = desk.run(&token, &[&end[..], &["--dry-run"]].concat(), "").await;
        assert!(
            dry.status == 0 && dry.out.contains("Tableau: Ending not verified on this build."),
            "{} {}",
            dry.out,
            dry.err
        );
        let systems = desk.admin.ports(&desk.app).await.systems;
        systems.self_test(SystemId::from("tableau")).await.unwrap();
        desk.collect().await;
        assert_eq!(
            desk.run(&token, &list, "").await.rows()[0]["unproven"],
            Value::Null
        );

        let ran = desk
            .run(&token, &[&end[..], &["--yes", "--expect", "1"]].concat(), "")
            .await;
        assert_eq!(ran.status, 0, "{} {}", ran.out, ran.err);
        let there = desk.there().await;
        assert!(!there.contains(&ALICE_SALES.to_owned()));
        for other in [ALICE, OTHER_ALICE, BOB] {
            assert!(
                there.contains(&other.to_owned()),
                "{other} is not hers, or not on that site"
            );
        }
    }
}

#[tokio::test]
async fn the_same_name_in_two_domains_is_two_people_on_the_command_line_too() {
    let desk = Desk::on(Engine::Sqlite).await;
    let token = desk.token(Scope::EVERYWHERE).await;
    let list = ["sessions", "list", "--user", "Alice", "--json"];
    assert_eq!(desk.run(&token, &list, "").await.rows().len(), 3);
    let own = desk
        .run(&token, &[&list[..], &["--domain", "local"]].concat(), "")
        .await;
    let own = own.rows();
    assert!(own.len() == 2 && own.iter().all(|row| row["account_name"] == "alice"));

    let before = desk.there().await;
    let end = [
        "end", "--user", "alice", "--reason", "left", "--yes", "--expect", "1",
    ];
    let ran = desk.run(&token, &end, "").await;
    assert_eq!(ran.status, 1, "{} {}", ran.out, ran.err);
    assert!(
        ran.err.contains("2 people") && ran.err.contains("corp.example\\alice"),
        "{}",
        ran.err
    );
    assert_eq!(desk.there().await, before);
    let end = [&end[..], &["--domain", "corp.example"]].concat();
    let ran = desk.run(&token, &end, "").await;
    assert_eq!(ran.status, 0, "{} {}", ran.out, ran.err);
    let there = desk.there().await;
    assert!(!there.contains(&OTHER_ALICE.to_owned()));
    assert!(there.contains(&ALICE.to_owned()) && there.contains(&ALICE_SALES.to_owned()));
    let again = desk.run(&token, &end, "").await;
    assert_eq!(
        again.status, 4,
        "nobody is not the one session expected: {}",
        again.err
    );
}

#[tokio::test]
async fn security_ids_from_standard_input_are_found_shown_and_ended_and_stay_nowhere() {
    for engine in BOTH {
        let desk = Desk::on(engine).await;
        let token = desk.of_sales().await;
        let ids = format!("{BOB}\n\n {ALICE}\nno-such-session\n");
        let end = ["end", "--session-ids-from-stdin", "--reason", "in a mail"];
        let dry = desk.run(&token, &[&end[..], &["--dry-run"]].concat(), &ids).await;
        assert_eq!(dry.status, 0, "{} {}", dry.out, dry.err);
        assert!(
            dry.out.contains("Bob Baker") && dry.out.contains("1 session of 1 person"),
            "{}",
            dry.out
        );
        assert!(
            !dry.out.contains("Alice"),
            "the token does not see that site: {}",
            dry.out
        );
        assert!(dry.out.contains("2 of the ids name no session"), "{}", dry.out);

        let confirmed = [&end[..], &["--yes", "--expect", "1"]].concat();
        let ran = desk.run(&token, &confirmed, &ids).await;
        assert_eq!(ran.status, 3, "two ids are not known: {} {}", ran.out, ran.err);
        let there = desk.there().await;
        assert!(!there.contains(&BOB.to_owned()) && there.contains(&ALICE.to_owned()));

        // One of old is its own token: it goes to the server in a header, and nowhere else.
        let everywhere = desk.token(Scope::EVERYWHERE).await;
        let old = desk.run(&everywhere, &confirmed, CAROL).await;
        assert_eq!(old.status, 0, "{} {}", old.out, old.err);
        assert!(!desk.there().await.contains(&CAROL.to_owned()));
        let again = desk.run(&everywhere, &confirmed, CAROL).await;
        assert_eq!(
            again.status, 4,
            "it is known, and gone: {} {}",
            again.out, again.err
        );
        for ran in [&dry, &ran, &old, &again] {
            for id in [BOB, ALICE, CAROL] {
                assert!(
                    !ran.out.contains(id) && !ran.err.contains(id),
                    "{} {}",
                    ran.out,
                    ran.err
                );
            }
        }
        let stored = desk.app.everything_stored().await;
        for id in [BOB, ALICE, CAROL] {
            assert!(!stored.contains(id), "{id} is kept");
        }
    }
}
