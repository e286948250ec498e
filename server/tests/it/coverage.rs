//! Every form and page: without a caller nothing, without a grant nothing, and the refusal is in the
//! audit. A new one without a line here fails this test.

use app::access::wire::Scope;
use reqwest::{Method, StatusCode};

use crate::harness::{App, Engine};

/// What somebody without any grant gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    /// 403 or 404, and an audit entry.
    Refused,
    /// It is about the caller alone.
    Own,
}

use Without::{Own, Refused};

/// Forms: route, an address of it, fields. More than one line where it has several acts.
type Form = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    Without,
);

const FORMS: [Form; 72] = [
    (
        "/sessions/selection",
        "/sessions/selection",
        &[("act", "all"), ("query", "")],
        Refused,
    ),
    (
        "/sessions/selection",
        "/sessions/selection",
        &[("act", "preview"), ("query", "")],
        Refused,
    ),
    (
        "/sessions/find",
        "/sessions/find",
        &[("id", "0123456789abcdef0123")],
        Refused,
    ),
    (
        "/sessions/paste",
        "/sessions/paste",
        &[("list", "ann"), ("back", "")],
        Refused,
    ),
    (
        "/sessions/columns",
        "/sessions/columns",
        &[("act", "default")],
        Own,
    ),
    (
        "/sessions/views/act",
        "/sessions/views/act",
        &[("act", "save"), ("name", "Mine"), ("query", "q=ann")],
        Refused,
    ),
    (
        "/sessions/views/act",
        "/sessions/views/act",
        &[("act", "edit"), ("view", "x"), ("name", "Mine")],
        Refused,
    ),
    (
        "/sessions/views/act",
        "/sessions/views/act",
        &[("act", "delete"), ("view", "x")],
        Refused,
    ),
    (
        "/sessions/views/act",
        "/sessions/views/act",
        &[("act", "start"), ("view", "x")],
        Refused,
    ),
    (
        "/sessions/views/act",
        "/sessions/views/act",
        &[("act", "no-start")],
        Refused,
    ),
    (
        "/sessions/preview",
        "/sessions/preview",
        &[("row", "00000000000000000000000000000000")],
        Refused,
    ),
    (
        "/endings/preview/{id}/confirm",
        "/endings/preview/none/confirm",
        &[("reason", "because")],
        Refused,
    ),
    (
        "/endings/preview/{id}/include",
        "/endings/preview/none/include",
        &[("own", "1")],
        Refused,
    ),
    (
        "/endings/preview/{id}/decide",
        "/endings/preview/none/decide",
        &[("act", "approve")],
        Refused,
    ),
    (
        "/endings/preview/{id}/decide",
        "/endings/preview/none/decide",
        &[("act", "turn-down")],
        Refused,
    ),
    (
        "/endings/preview/{id}/decide",
        "/endings/preview/none/decide",
        &[("act", "withdraw")],
        Refused,
    ),
    (
        "/endings/preview/{id}/decide",
        "/endings/preview/none/decide",
        &[("act", "alone"), ("why", "nobody is there")],
        Refused,
    ),
    (
        "/endings/{no}/review",
        "/endings/1/review",
        &[("note", "looked at it")],
        Refused,
    ),
    ("/endings/{no}/stop", "/endings/1/stop", &[], Refused),
    ("/endings/{no}/retry", "/endings/1/retry", &[], Refused),
    (
        "/endings/{no}/end-returned",
        "/endings/1/end-returned",
        &[],
        Refused,
    ),
    ("/endings/{no}/resume", "/endings/1/resume", &[], Refused),
    (
        "/endings/pause-all",
        "/endings/pause-all",
        &[("reason", "storm")],
        Refused,
    ),
    (
        "/endings/resume-all",
        "/endings/resume-all",
        &[("reason", "calm")],
        Refused,
    ),
    (
        "/systems/act",
        "/systems/act",
        &[("act", "read"), ("system", "curfew")],
        Refused,
    ),
    (
        "/systems/act",
        "/systems/act",
        &[("act", "pause"), ("system", "curfew")],
        Refused,
    ),
    (
        "/systems/act",
        "/systems/act",
        &[("act", "resume"), ("system", "curfew")],
        Refused,
    ),
    (
        "/systems/act",
        "/systems/act",
        &[("act", "test"), ("system", "curfew")],
        Refused,
    ),
    (
        "/policies/save",
        "/policies/save",
        &[
            ("idle_minutes", "20"),
            ("absolute_minutes", "480"),
            ("reason", "calm"),
        ],
        Refused,
    ),
    (
        "/policies/advice",
        "/policies/advice",
        &[
            ("act", "accept"),
            ("system", "curfew"),
            ("advice", "G-ABS-OFFICE"),
            ("reason", "calm"),
            ("until", "2099-01-01T00:00"),
        ],
        Refused,
    ),
    (
        "/policies/advice",
        "/policies/advice",
        &[
            ("act", "reopen"),
            ("system", "curfew"),
            ("advice", "G-ABS-OFFICE"),
        ],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[
            ("act", "create-operator"),
            ("login", "new.one"),
            ("display_name", "New"),
        ],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "disable"), ("operator", "x")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "enable"), ("operator", "x")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "reset"), ("operator", "x")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "unlock"), ("operator", "x")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "reset-factor"), ("operator", "x")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "ask-factor"), ("role", "helpdesk"), ("needed", "yes")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[
            ("act", "grant"),
            ("operator", "x"),
            ("role", "helpdesk"),
            ("places", "everywhere"),
            ("people", "everybody"),
            ("reason", "why"),
        ],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "revoke"), ("grant", "x")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[
            ("act", "save-role"),
            ("name", "All of it"),
            ("permissions", "ManageAccess"),
        ],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "delete-role"), ("role", "helpdesk")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[
            ("act", "protect"),
            ("who", "account"),
            ("account", "a"),
            ("reason", "b"),
        ],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "unprotect"), ("protected", "x")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[
            ("act", "weigh-grant"),
            ("operator", "x"),
            ("role", "helpdesk"),
            ("places", "everywhere"),
            ("people", "everybody"),
            ("reason", "why"),
        ],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "import-group"), ("name", "Night"), ("accounts", "a")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "delete-group"), ("group", "x")],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[
            ("act", "make-token"),
            ("name", "Script"),
            ("role", "helpdesk"),
            ("places", "everywhere"),
            ("people", "everybody"),
            ("expires", "2030-04-01 12:00"),
            ("reason", "why"),
        ],
        Refused,
    ),
    (
        "/access/act",
        "/access/act",
        &[("act", "revoke-token"), ("token", "x"), ("reason", "why")],
        Refused,
    ),
    ("/audit/check", "/audit/check", &[], Refused),
    (
        "/tickets/act",
        "/tickets/act",
        &[("act", "test"), ("app", "x"), ("user", "ann")],
        Refused,
    ),
    ("/tickets/act", "/tickets/act", &[("act", "check")], Refused),
    (
        "/tickets/act",
        "/tickets/act",
        &[("act", "look"), ("app", "x"), ("user", "ann")],
        Refused,
    ),
    (
        "/people/act",
        "/people/act",
        &[("act", "end"), ("subject", "x")],
        Refused,
    ),
    (
        "/people/act",
        "/people/act",
        &[
            ("act", "link"),
            ("subject", "x"),
            ("account", "y"),
            ("reason", "why"),
        ],
        Refused,
    ),
    (
        "/people/act",
        "/people/act",
        &[
            ("act", "cut"),
            ("subject", "x"),
            ("account", "y"),
            ("reason", "why"),
        ],
        Refused,
    ),
    (
        "/account/act",
        "/account/act",
        &[("act", "theme"), ("theme", "dark")],
        Own,
    ),
    (
        "/account/act",
        "/account/act",
        &[("act", "times"), ("times", "absolute")],
        Own,
    ),
    (
        "/account/act",
        "/account/act",
        &[("act", "density"), ("density", "compact")],
        Own,
    ),
    (
        "/account/act",
        "/account/act",
        &[("act", "keys"), ("on", "0")],
        Own,
    ),
    (
        "/account/act",
        "/account/act",
        &[("act", "screen-share"), ("on", "0")],
        Own,
    ),
    (
        "/account/act",
        "/account/act",
        &[("act", "known"), ("notice", "x")],
        Own,
    ),
    ("/account/act", "/account/act", &[("act", "extend")], Own),
    ("/account/act", "/account/act", &[("act", "end-others")], Own),
    (
        "/account/act",
        "/account/act",
        &[("act", "end"), ("session", "x")],
        Refused,
    ),
    (
        "/account/act",
        "/account/act",
        &[
            ("act", "password"),
            ("current", "a"),
            ("new", "b"),
            ("again", "b"),
        ],
        Own,
    ),
    (
        "/second-factor/act",
        "/second-factor/act",
        &[("act", "begin")],
        Own,
    ),
    (
        "/second-factor/act",
        "/second-factor/act",
        &[("act", "confirm"), ("code", "123456")],
        Own,
    ),
    (
        "/second-factor/act",
        "/second-factor/act",
        &[("act", "codes")],
        Own,
    ),
    ("/step-up", "/step-up", &[("password", "not mine at all")], Own),
    ("/sign-out", "/sign-out", &[], Own),
    ("/sign-in", "/sign-in", &[], Own),
];

/// Addresses that are read: pages and files.
const PAGES: [(&str, &str, Without); 33] = [
    ("/", "/", Own),
    // Names what the caller may see; nothing for who may see nothing.
    ("/go", "/go?q=a", Own),
    ("/frame", "/frame", Own),
    ("/account", "/account", Own),
    ("/step-up", "/step-up", Own),
    ("/second-factor", "/second-factor", Own),
    ("/sign-in", "/sign-in", Own),
    ("/welcome", "/welcome", Own),
    ("/sessions", "/sessions", Refused),
    ("/people", "/people", Refused),
    ("/people/{id}", "/people/none", Refused),
    ("/people/{id}/report", "/people/none/report", Refused),
    ("/people/{id}/report.json", "/people/none/report.json", Refused),
    ("/endings", "/endings", Refused),
    ("/endings/preview/{id}", "/endings/preview/none", Refused),
    ("/endings/{no}", "/endings/1", Refused),
    ("/endings/{no}/report", "/endings/1/report", Refused),
    ("/endings/{no}/report.json", "/endings/1/report.json", Refused),
    ("/systems", "/systems", Refused),
    ("/policies", "/policies", Refused),
    ("/access", "/access", Refused),
    ("/access/people/{id}", "/access/people/none", Refused),
    ("/audit", "/audit", Refused),
    ("/tickets", "/tickets", Refused),
    ("/signals", "/signals", Refused),
    ("/sessions/views", "/sessions/views", Refused),
    ("/sessions/export.jsonl", "/sessions/export.jsonl", Refused),
    ("/sessions/export.csv", "/sessions/export.csv?q=a", Refused),
    ("/audit/export.jsonl", "/audit/export.jsonl", Refused),
    ("/audit/export.csv", "/audit/export.csv", Refused),
    ("/live", "/live?topic=sessions", Refused),
    ("/sessions/count", "/sessions/count?q=a", Refused),
    ("/sessions/suggest", "/sessions/suggest?q=user:a", Refused),
];

fn is_open(path: &str) -> bool {
    ["/sign-in", "/welcome"].contains(&path)
}

#[tokio::test]
async fn every_form_and_page_stands_in_these_tables() {
    for route in server::http::FORM_ROUTES {
        assert!(
            FORMS.iter().any(|(p, ..)| *p == route),
            "{route} has no line in FORMS"
        );
    }
    for listing in leptos_axum::generate_route_list(app::App) {
        let path = listing.path();
        assert!(
            PAGES.iter().any(|(p, ..)| *p == path),
            "{path} has no line in PAGES"
        );
    }
}

#[tokio::test]
async fn without_a_caller_calls_answer_401_and_pages_lead_to_sign_in() {
    let app = App::start().await;
    let browser = app.browser();
    for (_, path, fields, _) in FORMS.iter().filter(|(p, ..)| !is_open(p)) {
        let answer = browser.post(path, fields).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(answer.body.contains("action=\"/sign-in\""), "{path}");
    }
    for (_, path, _) in PAGES.iter().filter(|(p, ..)| !is_open(p)) {
        let answer = browser.get(path).await;
        if ["/live", "/sessions/count", "/sessions/suggest"]
            .iter()
            .any(|call| path.starts_with(call))
        {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        } else {
            assert!(answer.leads_to_sign_in(), "{path}: {}", answer.status);
        }
    }
    assert!(
        browser.get("/no/such/page").await.leads_to_sign_in(),
        "what exists is not told"
    );
}

#[tokio::test]
async fn without_a_grant_everything_answers_403_or_404_and_leaves_its_audit_entry() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        app.person("nora", "Nora", &[]).await;
        let browser = app.signed_in("nora").await;
        let mut wrong = Vec::new();
        let mut before = app.audited("authz_fail").await;
        let mut check = |what: String, status: StatusCode, without: Without, entries: usize| {
            let refused = [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&status);
            if refused != (without == Refused) {
                wrong.push(format!("{what}: {status}"));
            } else if refused && entries == before {
                wrong.push(format!("{what}: no audit entry"));
            }
            before = entries;
        };
        for (_, path, without) in PAGES {
            let status = browser.send(Method::GET, path, &[], None).await.status;
            check(path.to_owned(), status, without, app.audited("authz_fail").await);
        }
        for (_, path, fields, without) in FORMS.iter().filter(|(p, ..)| *p != "/sign-out") {
            let status = browser.post(path, fields).await.status;
            check(
                format!("{path} {fields:?}"),
                status,
                *without,
                app.audited("authz_fail").await,
            );
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(app.audited("privilege_permissions_changed").await, 0);
    }
}

#[tokio::test]
async fn an_auditor_reads_all_of_it_and_can_change_nothing() {
    /// What an auditor may send: it reads, and changes nothing but their own ticks and views.
    const READS: [&str; 5] = [
        "/sessions/selection",
        "/sessions/find",
        "/sessions/paste",
        "/sessions/views/act",
        "/audit/check",
    ];
    const CHANGES: [&str; 9] = [
        "authz_admin",
        "privilege_permissions_changed",
        "policy_changed",
        "advice_accepted",
        "advice_reopened",
        "connector_changed",
        "session_terminate_preview",
        "session_terminate_requested",
        "session_terminate_changed",
    ];
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        app.person("hedda", "Hedda", &[("auditor", Scope::EVERYWHERE)])
            .await;
        let hedda = app.signed_in("hedda").await;
        for page in [
            "/sessions",
            "/endings",
            "/systems",
            "/policies",
            "/audit",
            "/audit/export.csv",
            "/sessions/export.csv",
        ] {
            assert_eq!(hedda.get(page).await.status, StatusCode::OK, "{page}");
        }
        let changes = async || {
            let mut found = Vec::new();
            for action in CHANGES {
                found.push(app.audited(action).await);
            }
            found
        };
        let before = changes().await;
        let mut wrong = Vec::new();
        for (route, path, fields, without) in FORMS.iter().filter(|(p, ..)| !is_open(p)) {
            let reads = READS.contains(route) && !fields.contains(&("act", "preview"));
            if reads || matches!(without, Own) {
                continue;
            }
            let status = hedda.post(path, fields).await.status;
            if ![StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&status) {
                wrong.push(format!("{path} {fields:?}: {status}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(changes().await, before);
    }
}

#[tokio::test]
async fn a_grant_taken_away_acts_with_the_next_request() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let hedda = app
            .person("hedda", "Hedda", &[("auditor", Scope::EVERYWHERE)])
            .await;
        let admin = app.signed_in("mara").await;
        let browser = app.signed_in("hedda").await;
        assert_eq!(browser.get("/audit").await.status, StatusCode::OK);
        let page = admin.ports(&app).await.access.access_page().await.unwrap();
        let grant = page.grants.iter().find(|g| g.operator_id == hedda).unwrap();
        let revoked = admin
            .post(
                "/access/act",
                &[("act", "revoke"), ("grant", grant.grant_id.as_str())],
            )
            .await;
        assert_eq!(revoked.status, StatusCode::SEE_OTHER);
        assert_eq!(browser.get("/audit").await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_grant_ends_by_itself_at_its_moment() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let nora = app.person("nora", "Nora", &[]).await;
        let admin = app.signed_in("mara").await;
        let browser = app.signed_in("nora").await;
        let end = app::civil::Civil::at(app.clock_now().plus_seconds(600), 0).field();
        let given = admin
            .post(
                "/access/act",
                &[
                    ("act", "grant"),
                    ("operator", nora.as_str()),
                    ("role", "auditor"),
                    ("places", "everywhere"),
                    ("people", "everybody"),
                    ("expires", &end),
                    ("reason", "one look"),
                ],
            )
            .await;
        assert_eq!(given.status, StatusCode::SEE_OTHER, "{}", given.body);
        assert_eq!(browser.get("/audit").await.status, StatusCode::OK);
        app.clock.advance(660);
        assert_eq!(browser.get("/audit").await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_no_refusal_in_the_audit() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    assert_eq!(browser.get("/sesions").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.audited("authz_fail").await, 0);
    assert_eq!(browser.get("/endings/999").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.audited("authz_fail").await, 1);
}
