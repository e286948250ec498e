//! The whole way on a real Tomcat: people at its apps, a helper at the portal, and the truth about each of them after.

use std::io::Write;

use app::access::wire::Scope;
use app::endings::wire::{Confirm, Confirmed, ItemFilter, Outcome};
use app::sessions::query::SessionQuery;
use app::sessions::wire::{SessionRow, SessionState};
use app::systems::wire::Health;
use app::wire::SystemId;
use server::clock::{Clock, SystemClock};

use super::farm::{App as WebApp, Jolokia, Options, Role, Tomcat, Version, shared};
use super::harness::{App, Engine, Logged};

/// The portal's clock, moved to what the Tomcat's shows.
fn at_the_same_time(app: &App) {
    let ahead_ms = SystemClock.now().since(app.clock_now());
    app.clock.advance(ahead_ms / 1000);
}

async fn collect(app: &App) {
    at_the_same_time(app);
    let campus = SystemId::from("campus");
    app.portal.collector.collect(&campus).await.unwrap();
}

/// Settings of the portal for this Tomcat: Jolokia for the sessions, the Manager's pages for who BASIC and FORM let in.
fn settings(tomcat: &Tomcat) -> server::config::SystemSettings {
    let secret = |role: Role| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(role.user().1.as_bytes()).unwrap();
        file.keep().unwrap().1
    };
    toml::from_str(&format!(
        "kind = \"tomcat\"\nname = \"Campus\"\njolokia = \"{}\"\nmanager = \"{}/manager\"\n\
         user = \"{}\"\npassword = \"file:{}\"\ngui_user = \"{}\"\ngui_password = \"file:{}\"\n\
         app = \"plain\"\ncontexts = [\"/portal\", \"/notes\", \"/reports\"]",
        tomcat.jolokia_url(),
        tomcat.url(),
        Role::Jolokia.user().0,
        secret(Role::Jolokia).display(),
        Role::Gui.user().0,
        secret(Role::Gui).display(),
    ))
    .unwrap()
}

#[tokio::test]
async fn tomcat_journey_of_a_helper_from_the_list_to_who_came_back() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let apps = [
            WebApp::form("/portal"),
            WebApp::plain("/notes"),
            WebApp::basic("/reports"),
        ];
        let made = apps
            .into_iter()
            .fold(Options::new(Version::V10).jolokia(Jolokia::Agent), Options::app);
        let tomcat = Tomcat::start(made).await;
        let mut alice = tomcat.open("/portal", "alice").await;
        let bob = tomcat.open("/portal", "bob").await;
        let carol = tomcat.open("/notes", "carol").await;
        let mut dave = tomcat.open("/notes", "dave").await;
        let stays = tomcat.open("/notes", "erin").await;
        let mut basic = tomcat.open("/reports", "o'brien").await;

        let app = App::start_with(engine, |config| {
            config.systems.insert("campus".to_owned(), settings(&tomcat));
        })
        .await;
        at_the_same_time(&app);
        app.person("hal", "Hal Helper", &[("helpdesk", Scope::EVERYWHERE)])
            .await;
        let hal = app.signed_in("hal").await;
        let ports = hal.ports(&app).await;
        collect(&app).await;

        // The list, filtered, as pages and as rows.
        let campus = SystemId::from("campus");
        let list = async |search: &str| -> Vec<SessionRow> {
            let query = SessionQuery {
                systems: vec![campus.clone()],
                search: search.to_owned(),
                ..SessionQuery::default()
            };
            ports.sessions.list_sessions(query, false).await.unwrap().rows
        };
        let rows = list("").await;
        let mut who: Vec<&str> = rows.iter().map(|row| row.account_name.as_str()).collect();
        who.sort_unstable();
        assert_eq!(who, ["alice", "bob", "carol", "dave", "erin", "o'brien"]);
        let page = hal.get("/sessions?system=campus&q=alice").await;
        assert!(page.body.contains("alice") && !page.body.contains("carol"));
        assert!(!page.body.contains(&alice.id), "a session id is a login");

        // Three, the one who is about to get a new id, and the one whose browser signs itself in again.
        let mut keys = Vec::new();
        for row in &rows {
            if row.account_name != "erin" {
                keys.push(row.session_key.clone());
            }
        }
        assert_eq!(keys.len(), 5);
        let draft = ports.endings.draft_ending_of(keys).await.unwrap();
        let preview = ports.endings.preview(draft.clone(), false).await.unwrap();
        assert_eq!(preview.by_system[0].without_effect, 1);
        let shown = hal.get(&app::paths::preview(&draft)).await;
        assert!(shown.body.contains("Ending has no effect on 1 session"));

        dave.rotate().await;
        let confirm = Confirm {
            reason: "Laptops stolen".to_owned(),
            ..Confirm::default()
        };
        let Confirmed::Started(no) = ports.endings.confirm_ending(draft, confirm).await.unwrap() else {
            panic!("five need nobody else");
        };
        for _ in 0..20 {
            at_the_same_time(&app);
            app.work().await;
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            let page = ports.endings.ending_page(no, None, None).await.unwrap();
            if page.brief.counts.settled() == 5 {
                break;
            }
        }
        let page = ports.endings.ending_page(no, None, None).await.unwrap();
        let outcome = |name: &str| {
            let item = page.items.iter().find(|item| item.account_name == name);
            item.unwrap_or_else(|| panic!("{name}")).outcome
        };
        for name in ["alice", "bob", "carol", "o'brien"] {
            assert_eq!(outcome(name), Some(Outcome::Ended), "{name}");
        }
        assert_eq!(outcome("dave"), Some(Outcome::Rotated));

        // Their next clicks.
        for ended in [&alice, &bob, &carol, &dave] {
            assert_eq!(ended.who().await, None);
        }
        assert_eq!(stays.who().await.as_deref(), Some("erin"), "nobody touched it");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        // Nobody types anything: the browser sends the password along with its next clicks.
        basic.take_id_from("open.jsp", &[]).await;
        assert_eq!(basic.who().await.as_deref(), Some("o'brien"));
        at_the_same_time(&app);
        app.clock.advance(6);
        app.portal.endings.watch_due().await.unwrap();
        let back = ports
            .endings
            .ending_page(no, Some(ItemFilter::Returned), None)
            .await
            .unwrap();
        let names: Vec<&str> = back.items.iter().map(|item| item.account_name.as_str()).collect();
        assert_eq!(names, ["o'brien"], "seen to return");
        assert_eq!(back.items[0].outcome, Some(Outcome::Ended), "and ended it was");

        // Alice signs in again, and then nobody can say anything about her: the server is down.
        alice = tomcat.open("/portal", "alice").await;
        collect(&app).await;
        let before = list("").await.len();
        tomcat.stop().await;
        collect(&app).await;
        let systems = ports.systems.systems_page().await.unwrap().systems;
        let brief = &systems
            .iter()
            .find(|s| s.brief.system_id == campus)
            .unwrap()
            .brief;
        assert_eq!(brief.health, Health::Stale, "{:?}", brief.trouble);
        let rows = list("").await;
        assert_eq!(rows.len(), before, "nothing is called gone");
        assert!(
            rows.iter()
                .all(|row| row.stale && row.state == SessionState::Live)
        );
        assert!(rows.iter().any(|row| row.account_name == "alice"));

        let audit = app.audit().await.join("\n");
        for told in [
            "session_terminate_preview",
            "session_terminate_requested",
            "session_terminate_result",
            "session_terminate_settled",
            "came back",
            "Campus is stale",
        ] {
            assert!(audit.contains(told), "{told} in {audit}");
        }
        for session in [&alice, &bob, &carol, &dave, &basic] {
            assert!(!app.everything_stored().await.contains(&session.id));
        }
    }
}

/// Everything in the files of the database, text or not.
fn everything_on_disk(app: &App) -> String {
    let file = server::portal::sqlite_file(&app.config);
    let mut all = String::new();
    for end in ["", "-wal"] {
        let mut name = file.clone().into_os_string();
        name.push(end);
        all.push_str(&String::from_utf8_lossy(&std::fs::read(name).unwrap_or_default()));
    }
    assert!(
        all.contains("SQLite format 3"),
        "no database at {}",
        file.display()
    );
    all
}

/// The person's text and an attribute beside it hold a password in the clear; the session's id opens the door too.
#[tokio::test]
async fn security_b6_what_uportal_keeps_in_a_session_is_nowhere_here() {
    const PASSWORD: &str = "S3cret!";
    let logged = Logged::start();
    let tomcat = shared(Version::V9).await;
    tomcat.deploy(WebApp::uportal("/uportal-secrets")).await;
    let amy = [("user", "amy"), ("clicked", "yes")];
    let amy = tomcat.open_at("/uportal-secrets", "uportal.jsp", &amy).await;
    let guest = tomcat
        .open_at("/uportal-secrets", "uportal.jsp", &[("user", "guest")])
        .await;
    let held = amy.ask("who.jsp", &[]).await;
    assert!(held.contains("amy"), "{held}");

    let app = App::start_with(Engine::Sqlite, |config| {
        let (user, secret) = Role::Jolokia.user();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(secret.as_bytes()).unwrap();
        let file = file.keep().unwrap().1;
        let text = format!(
            "kind = \"tomcat\"\nname = \"Campus\"\njolokia = \"{}\"\nuser = \"{user}\"\n\
             password = \"file:{}\"\napp = \"uportal\"\ncontexts = [\"/uportal-secrets\"]",
            tomcat.jolokia_url(),
            file.display()
        );
        config
            .systems
            .insert("campus".to_owned(), toml::from_str(&text).unwrap());
    })
    .await;
    at_the_same_time(&app);
    app.administrator("mara").await;
    let mara = app.signed_in("mara").await;
    collect(&app).await;
    let ports = mara.ports(&app).await;
    let rows = ports
        .sessions
        .list_sessions(SessionQuery::default(), false)
        .await
        .unwrap()
        .rows;
    let row = rows.iter().find(|row| row.account_name == "amy").unwrap();
    let key = row.session_key.clone();
    let draft = ports.endings.draft_ending_of(vec![key]).await.unwrap();

    let mut shown = String::new();
    for path in [
        "/sessions",
        "/sessions?kind=guest",
        "/sessions?person=amy",
        "/systems?system=campus",
        "/policies",
        "/audit",
        "/audit/export.jsonl",
        "/audit/export.csv",
        &app::paths::preview(&draft),
    ] {
        let answer = mara.get(path).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}");
        shown.push_str(&answer.body);
    }
    let confirm = Confirm {
        reason: "Left the university".to_owned(),
        ..Confirm::default()
    };
    ports.endings.confirm_ending(draft, confirm).await.unwrap();
    app.work().await;
    assert!(!amy.ask("who.jsp", &[]).await.contains("amy"), "it was ended");
    shown.push_str(&mara.get("/endings/1").await.body);

    assert!(shown.contains("amy"));
    let (disk, log) = (everything_on_disk(&app), logged.text());
    assert!(disk.contains("amy") && log.contains("asked a system"));
    for secret in [PASSWORD, &amy.id, &guest.id, Role::Jolokia.user().1] {
        for (name, text) in [("pages", &shown), ("the database", &disk), ("the log", &log)] {
            assert!(!text.contains(secret), "{secret} is in {name}");
        }
    }
}
