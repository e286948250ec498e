//! The command line as people and playbooks run it: the built program against a portal, by its output and exit status.

use std::process::{Output, Stdio};
use std::sync::Arc;

use app::access::wire::Scope;
use app::endings::wire::Decision;
use app::wire::SystemId;
use serde_json::Value;
use server::clock::Clock;
use server::simulators::people;
use server::simulators::simulator::Simulator;
use server::simulators::simulator::shape::Shape;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::harness::{App, Browser, Engine, MORNING, Program};

pub const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
/// A person of the simulated systems, by number.
const ADA: usize = 40;
const BEN: usize = 41;

/// A portal with two systems, and a playbook with a token that expires tomorrow.
pub struct Stage {
    pub app: App,
    pub north: Simulator,
    pub south: Simulator,
    pub admin: Browser,
    pub secret: String,
    pub home: tempfile::TempDir,
}

/// What a run gave.
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(self.out.trim())
            .unwrap_or_else(|_| panic!("not JSON: {} {}", self.out, self.err))
    }
}

impl Stage {
    pub async fn on(engine: Engine) -> Self {
        Self::with_limit(engine, 500).await
    }

    /// One where more sessions than `alone` need a second person.
    async fn with_limit(engine: Engine, alone: u64) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(server::clock::FakeClock::at(MORNING));
        let north = Simulator::start(clock.clone(), Shape::default()).await.unwrap();
        let south = Simulator::start(clock, Shape::default()).await.unwrap();
        for sim in [&north, &south] {
            sim.open(ADA);
            sim.open(BEN);
        }
        north.open(ADA);
        let app = App::start_with(engine, |config| {
            config.endings.most_per_act = alone;
            config.systems.insert("north".to_owned(), north.settings("North"));
            config.systems.insert("south".to_owned(), south.settings("South"));
        })
        .await;
        app.administrator("mara").await;
        let admin = app.signed_in("mara").await;
        let program = Program::until(
            &app,
            &admin,
            "helpdesk",
            Scope::EVERYWHERE,
            app.clock_now().plus_seconds(86_400),
        )
        .await;
        let stage = Self {
            app,
            north,
            south,
            admin,
            secret: program.secret,
            home: tempfile::tempdir().unwrap(),
        };
        stage.read().await;
        stage
    }

    /// Reads both systems.
    pub async fn read(&self) {
        for system in ["north", "south"] {
            let system = SystemId::from(system);
            self.app.portal.collector.collect(&system).await.unwrap();
        }
    }

    /// The program, knowing nothing of any portal.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_curfew"));
        command
            .args(arguments)
            .env_clear()
            .env("XDG_CONFIG_HOME", self.home.path())
            .current_dir(self.home.path())
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it with the playbook's token in the environment.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "").await
    }

    /// The same with this on its standard input.
    pub async fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.bare(arguments);
        command
            .env("CURFEW_URL", &self.app.url)
            .env("CURFEW_TOKEN", &self.secret);
        self.finish(command, input).await
    }

    /// Lets the portal work, and its time pass, until the program is done.
    pub async fn finish(&self, mut command: Command, input: &str) -> Ran {
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Fails when the program did not wait for it.
        stdin.write_all(input.as_bytes()).await.ok();
        drop(stdin);
        let work = async {
            loop {
                self.app.work().await;
                self.app.clock.advance(3);
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let Output {
            status,
            stdout,
            stderr,
        } = tokio::select! {
            output = child.wait_with_output() => output.unwrap(),
            () = work => unreachable!("it works for ever"),
        };
        let ran = Ran {
            status: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        };
        for text in [&ran.out, &ran.err] {
            assert!(!text.contains(&self.secret), "the token is shown: {text}");
        }
        ran
    }

    /// Calls that ask a system to end something.
    fn asked(&self) -> u64 {
        let of = |sim: &Simulator| sim.calls("end") + sim.calls("end_all_of");
        of(&self.north) + of(&self.south)
    }
}

fn account(n: usize) -> String {
    people::person(n).account
}

#[tokio::test]
async fn a_list_is_a_table_for_people_and_lines_of_json_for_programs() {
    let stage = Stage::on(Engine::Sqlite).await;
    let list = stage.run(&["sessions", "list", "--system", "north"]).await;
    assert_eq!(list.status, 0, "{}", list.err);
    let lines: Vec<&str> = list.out.lines().collect();
    assert!(
        lines[0].starts_with("PERSON") && lines[0].contains("LAST ACTIVE"),
        "{}",
        list.out
    );
    assert_eq!(lines.len(), 4, "{}", list.out);
    assert!(
        lines[1..].iter().all(|line| line.contains("North")),
        "{}",
        list.out
    );
    assert!(list.err.contains("3 of 3 sessions."), "{}", list.err);

    let ada = account(ADA);
    let rows = stage.run(&["sessions", "list", "--person", &ada, "--json"]).await;
    let rows: Vec<Value> = rows
        .out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["account_name"] == ada.as_str()));
    stage.north.fill(1_100, 300);
    stage.read().await;
    let all = stage.run(&["sessions", "list", "--all", "--json"]).await;
    let mut keys: Vec<String> = all
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["session_key"].to_string())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let there = stage.north.len() + stage.south.len();
    assert!(there > 1_000, "more than one page: {there}");
    assert_eq!(keys.len(), there);

    let systems = stage.run(&["systems"]).await;
    assert!(
        systems.out.contains("North") && systems.out.contains("Live"),
        "{}",
        systems.out
    );
}

#[tokio::test]
async fn a_playbook_ends_a_person_and_is_told_that_all_is_gone() {
    for engine in BOTH {
        let stage = Stage::on(engine).await;
        let ada = account(ADA);
        let end = [
            "end",
            "--person",
            &ada,
            "--reason",
            "left the company",
            "--ticket",
            "HR-1",
        ];
        let dry = stage.run(&["end", "--person", &ada, "--dry-run"]).await;
        assert_eq!(dry.status, 0, "{}", dry.err);
        assert!(dry.out.contains("3 sessions of 1 person"), "{}", dry.out);
        assert_eq!(stage.asked(), 0);

        let done = stage.run(&[&end[..], &["--yes", "--expect", "3"]].concat()).await;
        assert_eq!(done.status, 0, "{} {}", done.out, done.err);
        assert!(done.out.contains("3 of 3 gone"), "{}", done.out);
        assert_eq!((stage.north.len(), stage.south.len()), (1, 1));

        let shown = stage.run(&["endings", "show", "1", "--json"]).await;
        assert_eq!(shown.status, 0);
        assert_eq!(shown.json()["ending"]["ticket_ref"], "HR-1");
        let listed = stage.run(&["endings", "list"]).await;
        assert!(
            listed.out.contains("3 of 3") && listed.out.contains("left the company"),
            "{}",
            listed.out
        );
    }
}

#[tokio::test]
async fn a_playbook_with_a_token_that_expires_tomorrow_exits_3_because_one_system_lied() {
    for engine in BOTH {
        let stage = Stage::on(engine).await;
        stage.south.faults(|f| f.lie = true);
        let ada = account(ADA);
        let end = [
            "end",
            "--person",
            &ada,
            "--reason",
            "left the company",
            "--yes",
            "--expect",
            "3",
        ];
        let done = stage.run(&end).await;
        assert_eq!(done.status, 3, "{} {}", done.out, done.err);
        assert!(done.out.contains("2 of 3 gone"), "{}", done.out);
        assert!(done.out.contains("1 Still there in South"), "{}", done.out);
        assert!(
            done.out.lines().any(|l| l.contains(&ada) && l.contains("South")),
            "{}",
            done.out
        );

        let shown = stage.run(&["endings", "show", "1", "--json"]).await;
        assert_eq!((shown.status, &shown.json()["exit"]), (3, &Value::from(3)));
        assert_eq!(shown.json()["left"][0]["outcome"], "still_there");
        assert_eq!(shown.json()["left"][0]["system_id"], "south");

        stage.app.clock.advance(86_400);
        let late = stage.run(&["sessions", "list"]).await;
        assert_eq!(late.status, 7, "the token has expired: {}", late.err);
    }
}

#[tokio::test]
async fn another_number_than_expected_asks_nothing() {
    let stage = Stage::on(Engine::Sqlite).await;
    let ada = account(ADA);
    let by_name = ["end", "--person", ada.as_str()];
    let by_filter = ["end", "--system", "north"];
    for set in [&by_name[..], &by_filter[..]] {
        let more = ["--reason", "left the company", "--yes", "--expect", "2"];
        let done = stage.run(&[set, &more[..]].concat()).await;
        assert_eq!(done.status, 4, "{} {}", done.out, done.err);
        assert!(
            done.err.contains("there are 3 sessions to end, not 2"),
            "{}",
            done.err
        );
    }
    let unasked = stage
        .run(&[&by_name[..], &["--reason", "left us", "--yes"]].concat())
        .await;
    assert_eq!(unasked.status, 2, "--yes wants --expect: {}", unasked.err);
    let nobody = stage
        .run(&[&by_name[..], &["--reason", "left us"]].concat())
        .await;
    assert_eq!(nobody.status, 2, "nobody sits there: {}", nobody.err);
    let everything = stage
        .run(&["end", "--reason", "left us", "--yes", "--expect", "6"])
        .await;
    assert_eq!(
        everything.status, 2,
        "no set is not every session: {}",
        everything.err
    );
    let unknown = stage
        .run(&[
            "end",
            "--person",
            "nobody.here",
            "--reason",
            "left us",
            "--yes",
            "--expect",
            "1",
        ])
        .await;
    assert_eq!(
        unknown.status, 4,
        "a misspelt name is not success: {}",
        unknown.err
    );
    stage.app.work().await;
    assert_eq!(stage.asked(), 0);
    assert_eq!(stage.run(&["endings", "list", "--json"]).await.out, "");
}

#[tokio::test]
async fn a_filter_that_is_not_understood_is_named_and_ends_nothing() {
    let stage = Stage::on(Engine::Sqlite).await;
    for (filter, status, named) in [
        (&["--persn-like", "ben"][..], 2, "--persn-like"),
        (&["--kind", "webb"], 2, "webb"),
        (&["--person-op", "is"], 2, "--person-like"),
        (&["--started", "soonish"], 1, "started"),
        (&["--past", "many"], 1, "past"),
        (&["--system", ""], 1, "system"),
        (&["--session", "0123456789abcdef"], 1, "--session"),
        (&["--person", "ben", "--system", "north"], 2, "--person"),
    ] {
        let more = ["--reason", "left us", "--yes", "--expect", "6"];
        let done = stage.run(&[&["end"], filter, &more[..]].concat()).await;
        assert_eq!(done.status, status, "{filter:?} {} {}", done.out, done.err);
        assert!(done.err.contains(named), "{filter:?} {}", done.err);
        assert!(!done.err.contains("panicked"), "{}", done.err);
    }
    stage.app.work().await;
    assert_eq!(stage.asked(), 0);
}

#[tokio::test]
async fn ids_come_from_standard_input_as_the_list_gives_them() {
    let stage = Stage::on(Engine::Sqlite).await;
    let rows = stage
        .run(&["sessions", "list", "--system", "south", "--json"])
        .await
        .out;
    let end = [
        "end",
        "--ids-from-stdin",
        "--reason",
        "suspicious",
        "--json",
        "--yes",
        "--expect",
    ];
    let done = stage.run_with(&[&end[..], &["2"]].concat(), &rows).await;
    assert_eq!(done.status, 0, "{} {}", done.out, done.err);
    assert_eq!(done.json()["ending"]["counts"]["gone"], 2);
    assert_eq!((stage.north.len(), stage.south.len()), (3, 0));

    let north = stage
        .run(&["sessions", "list", "--system", "north", "--json"])
        .await
        .out;
    let first: Value = serde_json::from_str(north.lines().next().unwrap()).unwrap();
    let input = format!(
        "{}\n00000000000000000000000000000000\n",
        first["session_key"].as_str().unwrap()
    );
    let done = stage.run_with(&[&end[..], &["1"]].concat(), &input).await;
    assert_eq!(
        done.status, 3,
        "one of the ids is nobody's: {} {}",
        done.out, done.err
    );
    assert_eq!(done.json()["outside"]["unknown_keys"], 1);
    assert_eq!(stage.north.len(), 2);

    let junk = stage
        .run_with(&[&end[..], &["1"]].concat(), "JSESSIONID 7F3A\n")
        .await;
    assert_eq!(junk.status, 1);
    assert!(
        junk.err.contains("Line 1") && !junk.err.contains("7F3A"),
        "{}",
        junk.err
    );
}

#[tokio::test]
async fn who_is_left_out_is_left_and_the_portal_says_why() {
    let stage = Stage::on(Engine::Sqlite).await;
    let access = stage.admin.ports(&stage.app).await.access;
    let new = app::access::wire::NewProtected {
        system_id: None,
        who: app::access::wire::Protected::Account(account(BEN)),
        reason: "on call".to_owned(),
    };
    access.protect(new).await.unwrap();
    let end = [
        "end",
        "--system",
        "north",
        "--reason",
        "maintenance",
        "--yes",
        "--expect",
        "2",
    ];
    let done = stage.run(&end).await;
    assert_eq!(done.status, 3, "{} {}", done.out, done.err);
    assert!(
        done.out.contains("2 of 2 gone") && done.out.contains("1 left out"),
        "{}",
        done.out
    );
    assert_eq!(stage.north.len(), 1);
}

#[tokio::test]
async fn what_takes_longer_than_the_wait_is_not_called_done() {
    let stage = Stage::on(Engine::Sqlite).await;
    stage.south.faults(|f| f.lie = true);
    let ben = account(BEN);
    let end = [
        "end",
        "--person",
        &ben,
        "--reason",
        "left us",
        "--yes",
        "--expect",
        "2",
        "--timeout",
        "0",
    ];
    let done = stage.run(&end).await;
    assert_eq!(done.status, 5, "{} {}", done.out, done.err);
    assert!(
        done.err.contains("curfew endings show 1 --follow"),
        "{}",
        done.err
    );
    let followed = stage.run(&["endings", "show", "1", "--follow"]).await;
    assert_eq!(followed.status, 3, "{} {}", followed.out, followed.err);
}

#[tokio::test]
async fn a_token_that_is_none_or_may_not_is_7_with_the_next_step() {
    let stage = Stage::on(Engine::Sqlite).await;
    let nobody = stage.finish(stage.bare(&["systems"]), "").await;
    assert_eq!(nobody.status, 7);
    assert!(nobody.err.contains("curfew login"), "{}", nobody.err);

    let mut bad = stage.bare(&["systems"]);
    bad.env("CURFEW_URL", &stage.app.url)
        .env("CURFEW_TOKEN", "curfew_nobody_knows_this");
    let bad = stage.finish(bad, "").await;
    assert_eq!(bad.status, 7);
    assert!(bad.err.contains("No valid token"), "{}", bad.err);
    assert_eq!(bad.err.lines().count(), 1, "{}", bad.err);

    let reader = Program::with(&stage.app, &stage.admin, "auditor", Scope::EVERYWHERE).await;
    let ada = account(ADA);
    let mut end = stage.bare(&[
        "end", "--person", &ada, "--reason", "left us", "--json", "--yes", "--expect", "3",
    ]);
    end.env("CURFEW_URL", &stage.app.url)
        .env("CURFEW_TOKEN", &reader.secret);
    let refused = stage.finish(end, "").await;
    assert_eq!(refused.status, 7, "{} {}", refused.out, refused.err);
    let problem: Value = serde_json::from_str(refused.err.lines().nth(1).unwrap()).unwrap();
    assert_eq!(problem["permission"], "EditUserSessions");
    assert_eq!(stage.asked(), 0);

    let mut plain = stage.bare(&["systems"]);
    plain
        .env("CURFEW_URL", "http://curfew.example.org")
        .env("CURFEW_TOKEN", &stage.secret);
    let plain = stage.finish(plain, "").await;
    assert_eq!(plain.status, 1);
    assert!(plain.err.contains("https://"), "{}", plain.err);
}

#[tokio::test]
async fn security_e5_a_login_is_kept_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let stage = Stage::on(Engine::Sqlite).await;
    let login = stage.bare(&["login", "--url", &stage.app.url]);
    let wrong = stage
        .finish(stage.bare(&["login", "--url", &stage.app.url]), "curfew_wrong\n")
        .await;
    assert_eq!(wrong.status, 7, "{}", wrong.err);
    let file = stage.home.path().join("curfew/login.toml");
    assert!(!file.exists(), "a token that is refused is not kept");

    let done = stage.finish(login, &format!("{}\n", stage.secret)).await;
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(
        done.out.contains("helpdesk script") && done.out.contains("It works until"),
        "{}",
        done.out
    );
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let list = stage.finish(stage.bare(&["systems"]), "").await;
    assert_eq!(list.status, 0, "{}", list.err);

    // The kept token goes to its own portal and to no other.
    let mut elsewhere = stage.bare(&["systems"]);
    elsewhere.env("CURFEW_URL", "http://127.0.0.1:9");
    assert_eq!(stage.finish(elsewhere, "").await.status, 7);

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = stage.finish(stage.bare(&["systems"]), "").await;
    assert_eq!(open.status, 7);
    assert!(open.err.contains("can be read by others"), "{}", open.err);

    assert_eq!(stage.finish(stage.bare(&["logout"]), "").await.status, 0);
    assert!(!file.exists());
}

#[tokio::test]
async fn completions_and_manual_pages_come_with_the_program() {
    let stage = Stage::on(Engine::Sqlite).await;
    for shell in ["bash", "zsh", "fish"] {
        let text = stage.finish(stage.bare(&["completions", shell]), "").await;
        assert_eq!(text.status, 0);
        assert!(text.out.contains("ids-from-stdin"), "{shell}");
    }
    let settings = stage.run(&["check-config"]).await;
    assert_eq!(
        settings.status, 0,
        "the client's variables are no settings: {}",
        settings.err
    );
    let page = stage.finish(stage.bare(&["man"]), "").await;
    assert!(page.out.contains(".TH"), "{}", page.out);
    let pages = stage.finish(stage.bare(&["man", "--dir", "pages"]), "").await;
    assert_eq!(pages.status, 0, "{}", pages.err);
    let end = std::fs::read_to_string(stage.home.path().join("pages/curfew-end.1")).unwrap();
    assert!(end.contains("Exit status") && end.contains("came back"), "{end}");
}

#[tokio::test]
async fn security_b11_what_needs_a_second_person_exits_6_and_goes_on_once_it_is_approved() {
    for engine in BOTH {
        let stage = Stage::with_limit(engine, 2).await;
        stage.app.administrator("rosalind").await;
        let second = stage.app.signed_in("rosalind").await;
        let ada = account(ADA);
        let end = [
            "end", "--person", &ada, "--reason", "Left", "--yes", "--expect", "3", "--json",
        ];
        let first = stage.run(&end).await;
        assert_eq!(first.status, 6, "{} {}", first.out, first.err);
        assert!(first.err.contains("rosalind can approve"), "{}", first.err);
        assert_eq!(stage.asked(), 0);
        // Asked again it is the same request, not a second one.
        let again = stage.run(&end).await;
        assert_eq!(again.status, 6, "{}", again.err);
        let waiting = |ran: &Ran| ran.json()["awaiting"]["preview_id"].as_str().unwrap().to_owned();
        assert_eq!(waiting(&first), waiting(&again));
        // Who made the token is who asked: they can't approve it.
        let approve = async |browser: &Browser| {
            let endings = browser.ports(&stage.app).await.endings;
            let decision = Decision::Approve { note: String::new() };
            endings.decide_approval(waiting(&first).into(), decision).await
        };
        assert_eq!(approve(&stage.admin).await.unwrap_err().status(), 404);
        // Who waits for it goes on by themselves.
        let mut patient = end.to_vec();
        patient.extend(["--wait", "60"]);
        let (done, approved) = tokio::join!(stage.run(&patient), async {
            tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            approve(&second).await
        });
        assert!(approved.unwrap().is_some());
        assert_eq!(done.status, 0, "{} {}", done.out, done.err);
        assert!(stage.asked() > 0);
    }
}
