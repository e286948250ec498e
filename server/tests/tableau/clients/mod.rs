//! Real clients from PyPI against the simulated server and a real repository: they succeed and fail as on a real one.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use server::clock::SystemClock;
use server::simulators::tableau::TableauServer;
use server::simulators::tableau::faults::{Bad, Call};
use server::simulators::tableau::release::Release as Simulated;
use server::simulators::tableau::rows::{Kind, SiteRole};
use server::simulators::tableau::shape::{IdShape, Shape};

use super::workgroup::mirror::Mirror;
use super::workgroup::{Release, Workgroup};

mod port;

use port::Port;

const PASSWORD: &str = "p<&>\u{e9}";

/// A server with an administrator and people on two sites.
async fn server(release: Release) -> TableauServer {
    let shape = Shape::of(Simulated::named(release.name()).unwrap());
    let server = TableauServer::start(Arc::new(SystemClock), shape).await.unwrap();
    server.model(|model, now| {
        model.fill(40, &[("Sales", "Sales")], now);
        model.add_administrator("boss", PASSWORD, now);
        model.fill_sessions(60, now);
    });
    server
}

/// Its repository on a real PostgreSQL, where clients look for it.
struct Reachable {
    workgroup: Workgroup,
    _mirror: Mirror,
    port: Port,
}

impl Reachable {
    async fn of(server: &TableauServer, release: Release) -> Self {
        let workgroup = Workgroup::empty(release).await;
        let mirror = Mirror::start(server, workgroup.admin.clone()).await;
        let port = Port::open(&workgroup).await;
        Self {
            workgroup,
            _mirror: mirror,
            port,
        }
    }
}

/// Runs a case with what it needs to know.
async fn run(case: &'static str, known: Value) {
    let python = std::env::var("CURFEW_TEST_TABLEAU_CLIENTS").expect(
        "set CURFEW_TEST_TABLEAU_CLIENTS to the Python that has the clients (cargo xtask test installs and sets it)",
    );
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tableau/clients/clients.py");
    let ran = tokio::task::spawn_blocking(move || {
        let mut client = Command::new(python)
            .args(["-W", "ignore", script, case])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_PROXY", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = client.stdin.take().unwrap();
        input.write_all(known.to_string().as_bytes()).unwrap();
        drop(input);
        client.wait_with_output().unwrap()
    });
    let output = ran.await.unwrap();
    assert!(
        output.status.success(),
        "{case}:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What signs in as the administrator.
fn boss(server: &TableauServer) -> Value {
    json!({ "url": server.url(), "user": "boss", "password": PASSWORD })
}

fn with(mut known: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    known.as_object_mut().unwrap().extend(more);
    known
}

/// Opens sessions of somebody new of that name, as `DOMAIN\name` in the other domain; their ids.
async fn sessions_of(server: &TableauServer, account: &str, count: usize) -> Vec<String> {
    let ids = server.model(|model, now| {
        let known = model.find_people(account);
        let person = known.first().copied();
        let person = person.unwrap_or_else(|| model.add_person(account, "Somebody", None));
        let user = model.join(person, 1, SiteRole::Viewer, now);
        (0..count)
            .map(|_| {
                let id = model.open(user, Kind::Browser, now).unwrap();
                model.session(id).unwrap().session_id.clone()
            })
            .collect()
    });
    server.settle().await;
    ids
}

#[tokio::test]
async fn tableauserverclient_signs_in_and_out_under_several_versions() {
    let server = server(Release::R2025_3).await;
    let secret = server.model(|model, now| {
        let boss = model.find_people("boss")[0];
        model.add_pat(boss, "reports", now)
    });
    let before = server.rows().sessions.len();
    let pat = json!({ "pat_name": "reports", "pat_secret": secret });
    run("tsc_signs_in_and_out", with(boss(&server), pat)).await;
    assert_eq!(server.rows().sessions.len(), before, "each was signed out");
    assert!(server.calls(Call::SignIn) >= 20);
}

#[tokio::test]
async fn tableauserverclient_meets_the_errors_it_knows() {
    let server = server(Release::R2025_3).await;
    run("tsc_meets_errors", boss(&server)).await;
    for (bad, answers) in [
        (Bad::Html(502), "5xx"),
        (Bad::Html(404), "4xx"),
        (Bad::Empty(401), "4xx"),
    ] {
        server.faults(|faults| faults.bad = [(Call::SignIn, bad)].into());
        let known = with(boss(&server), json!({ "answers": answers }));
        run("tsc_meets_a_gateway", known).await;
    }
}

#[tokio::test]
async fn tableau_tools_reads_the_repository_and_deletes_what_it_found() {
    let server = server(Release::R2022_4).await;
    let ids = sessions_of(&server, "target", 3).await;
    let reachable = Reachable::of(&server, Release::R2022_4).await;
    let more = json!({ "repository": reachable.port.address(), "target": "target", "sessions": ids });
    run("tools_end_protected_sessions", with(boss(&server), more)).await;
    assert_eq!(server.calls(Call::Delete), 4);
    let left = server.rows().sessions;
    assert!(!left.iter().any(|row| ids.contains(&row.session_id)));
    reachable.workgroup.admin.close().await;
}

#[tokio::test]
async fn tableau_tools_signs_legacy_sessions_out_of_both_domains_and_fails_at_protected_ones() {
    let server = server(Release::R2019_3).await;
    let protected = sessions_of(&server, "target", 2).await;
    server.model(|model, _| model.shape.ids = IdShape::Legacy);
    let mut legacy = sessions_of(&server, "target", 2).await;
    // It compares names without their domain.
    legacy.extend(sessions_of(&server, "DOMAIN\\target", 1).await);
    let reachable = Reachable::of(&server, Release::R2019_3).await;
    let more = json!({
        "repository": reachable.port.address(), "target": "target", "legacy": legacy, "protected": protected,
    });
    run("tools_end_legacy_sessions", with(boss(&server), more)).await;
    let left = server.rows().sessions;
    assert!(!left.iter().any(|row| legacy.contains(&row.session_id)));
}

#[tokio::test]
async fn tableau_tools_fails_at_a_repository_without_its_column() {
    let server = server(Release::R2023_1).await;
    let reachable = Reachable::of(&server, Release::R2023_1).await;
    let more = json!({ "repository": reachable.port.address() });
    run("tools_meet_a_new_repository", with(boss(&server), more)).await;
}

#[tokio::test]
async fn tableau_tools_keeps_quiet_about_what_it_may_not_delete() {
    let server = server(Release::R2025_3).await;
    let ids = sessions_of(&server, "target", 2).await;
    server.model(|model, now| {
        let plain = model.add_person("plain", "Plain", None);
        model.set_password(plain, PASSWORD);
        model.join(plain, 1, SiteRole::SiteAdministrator, now);
    });
    let known = with(boss(&server), json!({ "user": "plain", "sessions": ids }));
    run("tools_without_the_right", known).await;
    assert_eq!(server.calls(Call::Delete), 2);
    let left = server.rows().sessions;
    assert!(ids.iter().all(|id| left.iter().any(|row| row.session_id == *id)));
}

/// A server that trusts this machine, and somebody on both sites.
async fn trusting() -> TableauServer {
    let server = server(Release::R2025_3).await;
    server.trust([127, 0, 0, 1].into());
    server.model(|model, now| {
        let person = model.add_person("target", "Somebody", None);
        for site in ["", "Sales"] {
            let site = model.site_by_url(site).unwrap().id;
            model.join(person, site, SiteRole::Viewer, now);
        }
    });
    server
}

#[tokio::test]
async fn tableau_tools_gets_a_ticket_where_forms_are_read_leniently_and_redeems_it() {
    let server = trusting().await;
    for (site, lenient) in [
        ("default", false),
        ("Sales", false),
        ("default", true),
        ("Sales", true),
    ] {
        server.faults(|faults| faults.lenient_trusted_form = lenient);
        let known = json!({ "url": server.url(), "target": "target", "site": site, "refused": !lenient });
        run("tools_get_a_ticket", known).await;
    }
    assert_eq!(server.calls(Call::Trusted), 4);
    assert_eq!(server.model(|model, _| model.refusals()).len(), 2);
}

#[tokio::test]
async fn curl_gets_a_ticket_and_redeems_it() {
    let server = trusting().await;
    let before = server.rows().sessions.len();
    let url = server.url();
    let curl = |arguments: Vec<String>| async move {
        let ran = tokio::task::spawn_blocking(move || {
            Command::new("curl")
                .args(["--silent", "--show-error", "--noproxy", "*"])
                .args(arguments)
                .output()
                .unwrap()
        });
        let output = ran.await.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    let form = ["-d", "username=target", "-d", "target_site=Sales"].map(str::to_owned);
    let ticket = curl([&form[..], &[format!("{url}/trusted")]].concat()).await;
    let ticket = String::from_utf8(ticket).unwrap();
    let picture = curl(vec![format!(
        "{url}/trusted/{ticket}/t/Sales/views/Login/Login.png"
    )])
    .await;
    assert!(picture.starts_with(b"\x89PNG"), "{ticket}");
    assert_eq!(server.rows().sessions.len(), before + 1);
}
