//! Security checklist E, as far as the portal's own service goes (E8-E13).

use app::access::wire::Scope;
use reqwest::{Method, StatusCode};

use crate::harness::{App, Engine, Logged, PASSWORD, Program};

#[tokio::test]
async fn security_e7_sign_in_is_limited_per_address() {
    let app = App::start_with(Engine::Sqlite, |config| config.signin.per_address_per_minute = 10).await;
    let browser = app.browser();
    let mut statuses = Vec::new();
    for n in 0..12 {
        let answer = browser
            .sign_in(&format!("nobody{n}"), "a guess of mine 123")
            .await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses[0], StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(statuses[11], StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        app.browser()
            .sign_in("nobody", "a guess of mine 123")
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "another address is not"
    );
}

#[tokio::test]
async fn security_e8_the_browsers_address_comes_from_the_trusted_proxy_alone() {
    let app = App::start_with(Engine::Sqlite, |config| {
        config.trusted_proxy = Some(server::config::TrustedProxy {
            networks: vec!["192.0.2.0/24".parse().unwrap()],
            header: "x-forwarded-for".to_owned(),
        });
    })
    .await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let own = browser.my_sessions(&app).await;
    assert_eq!(
        own.sessions[0].ip.as_deref(),
        Some("127.0.0.1"),
        "the header of a stranger was believed"
    );
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.browser();
    let answer = browser
        .post_with(
            "/sign-in",
            &[("login", "mara"), ("password", PASSWORD)],
            &[("x-forwarded-for", "6.6.6.6, 198.51.100.9")],
        )
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let own = browser.my_sessions(&app).await;
    assert_eq!(
        own.sessions[0].ip.as_deref(),
        Some("198.51.100.9"),
        "what the proxy itself added counts"
    );
}

#[tokio::test]
async fn security_e9_long_bodies_and_addresses_are_refused_but_a_form_with_1001_rows_is_not() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let long = "x".repeat(70 * 1024);
    let answer = browser
        .post(
            "/access/act",
            &[
                ("act", "protect"),
                ("who", "account"),
                ("account", "a"),
                ("reason", &long),
            ],
        )
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = browser
        .get(&format!("/sessions?q={}", "x".repeat(17 * 1024)))
        .await;
    assert_eq!(answer.status, StatusCode::URI_TOO_LONG);
    let keys: Vec<String> = (0..1001).map(|n| format!("{n:032x}")).collect();
    let mut fields = vec![("query", ""), ("act", "select")];
    for key in &keys {
        fields.push(("shown", key));
        fields.push(("row", key));
    }
    let answer = browser.post("/sessions/selection", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
}

#[tokio::test]
async fn security_e10_input_of_the_wrong_shape_is_named_and_changes_nothing() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    for body in [
        "",
        "nonsense",
        "[]",
        "{\"selection\":17}",
        "{\"selection\":{\"a\":1}}",
        "null",
    ] {
        let json = Some(("application/json", body.to_owned()));
        let answer = browser.send(Method::POST, "/access/act", &[], json).await;
        assert!(answer.status.is_client_error(), "{body:?}: {}", answer.status);
        assert!(!answer.body.contains("panicked"), "{body:?}");
    }
    let page = browser.get("/sessions?no_such_filter=1").await;
    assert_eq!(
        page.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a filter that was not understood must not list everything"
    );
    let form = browser.post("/access/act", &[("act", "delete-everything")]).await;
    assert_eq!(form.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn security_e11_a_fault_of_ours_tells_a_reference_and_nothing_else() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let mut conn = app.portal.db.write().await.unwrap();
    server::on!(conn, c => {
        sqlx::query("ALTER TABLE operator_preference RENAME TO operator_preference_gone")
            .execute(c)
            .await
            .unwrap();
    });
    conn.commit().await.unwrap();
    let page = browser.get("/account").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    for secret in ["operator_preference", "no such table", "sqlx", "SELECT", "/src/"] {
        assert!(!page.body.contains(secret), "{secret} in {}", page.body);
    }
    assert!(page.body.contains("Reference"), "{}", page.body);
}

#[tokio::test]
async fn security_e12_no_trace_no_listing_no_versions_no_metrics_for_everybody() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    for method in ["TRACE", "PUT", "DELETE", "PATCH", "CONNECTX"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = browser.send(method.clone(), "/sessions", &[], None).await;
        assert!(
            [StatusCode::METHOD_NOT_ALLOWED, StatusCode::FORBIDDEN].contains(&answer.status),
            "{method}: {}",
            answer.status
        );
    }
    for path in [
        "/pkg/",
        "/pkg/..",
        "/pkg/../../Cargo.toml",
        "/pkg/%2e%2e/%2e%2e/Cargo.toml",
        "/pkg//etc/passwd",
    ] {
        let answer = browser.get(path).await;
        assert!(
            answer.status != StatusCode::OK || !answer.body.contains("[workspace]"),
            "{path}"
        );
        assert!(!answer.body.contains("curfew.css\n"), "{path} lists files");
    }
    for path in ["/metrics", "/debug", "/.git/config", "/server-status"] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert!(app.browser().get(path).await.leads_to_sign_in(), "{path}");
    }
    for path in ["/sign-in", "/healthz"] {
        let answer = browser.get(path).await;
        for banner in ["server", "x-powered-by", "via"] {
            assert_eq!(answer.header(banner), "", "{path}");
        }
    }
    assert_eq!(app.browser().get("/healthz").await.body, "alive\n");
    assert_eq!(app.browser().get("/readyz").await.body, "ready\n");
}

#[tokio::test]
async fn security_e13_no_secret_is_taken_from_or_put_into_an_address() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.browser();
    let query = app::paths::query_string(&[("login", "mara"), ("password", PASSWORD)]);
    let answer = browser.post(&format!("/sign-in?{query}"), &[]).await;
    assert_ne!(
        answer.status,
        StatusCode::SEE_OTHER,
        "a password in the address was taken"
    );
    let browser = app.signed_in("mara").await;
    let token = browser.cookie().unwrap();
    let other = app.browser();
    for name in ["curfew-id", "id", "session", "token"] {
        assert!(
            other
                .get(&format!("/account?{name}={token}"))
                .await
                .leads_to_sign_in()
        );
    }
    let link = app.portal.access.admin_create("second", "Second").await.unwrap();
    let path = link.url.split_once('#').unwrap().0;
    assert!(path.ends_with("/welcome"), "the code stands behind # alone");
    let found = browser
        .post(
            "/sessions/find",
            &[("id", "a-whole-session-id-0123456789"), ("back", "")],
        )
        .await;
    assert!(!found.location().contains("a-whole-session-id") && !found.body.contains("a-whole-session-id"));
    for page in ["/sign-in", "/welcome", "/step-up", "/account", "/sessions"] {
        let html = browser.get(page).await.body;
        for form in html.split("<form").skip(1) {
            let form = &form[..form.find("</form>").unwrap_or(form.len())];
            if form.contains("type=\"password\"") {
                assert!(form.contains("method=\"post\""), "{page}");
            }
        }
    }
}

#[tokio::test]
async fn a_sign_in_page_at_a_wrong_address_says_so() {
    let app = App::start_with(Engine::Sqlite, |config| {
        config.public_url = Some("https://curfew.example.org".to_owned());
    })
    .await;
    let page = app.browser().get("/sign-in").await.body;
    assert!(page.contains("set up for https://curfew.example.org"), "{page}");
    let app = App::start().await;
    assert!(!app.browser().get("/sign-in").await.body.contains("public_url"));
}

#[tokio::test]
async fn ui_who_lacks_a_permission_is_told_which_and_who_can_give_it() {
    let app = App::start().await;
    app.administrator("mara").await;
    app.person("hedda", "Hedda", &[("helpdesk", Scope::EVERYWHERE)])
        .await;
    let browser = app.signed_in("hedda").await;
    let answer = browser.get("/access").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(
        answer.body.contains("Manage access") && answer.body.contains("mara"),
        "{}",
        answer.body
    );
    assert!(app.audited("authz_fail").await >= 1);
}

#[tokio::test]
async fn security_b6_tokens_cookies_and_passwords_are_never_logged() {
    let logged = Logged::start();
    let app = App::start().await;
    app.administrator("mara").await;
    let mara = app.signed_in("mara").await;
    let program = Program::with(&app, &mara, "auditor", Scope::EVERYWHERE).await;
    assert_eq!(program.get("/sessions").await.status, StatusCode::OK);
    let almost = format!("{}x", program.secret);
    let bearer = format!("Bearer {almost}");
    let refused = program
        .send(
            Method::GET,
            "/sessions",
            &[("authorization", bearer.as_str())],
            None,
        )
        .await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let wrong = "four lamps under the bride";
    app.browser().sign_in("mara", wrong).await;
    mara.step_up(PASSWORD).await;
    let cookie = mara.cookie().unwrap();
    let log = logged.text();
    assert!(log.contains("/api/v1/sessions"), "{log}");
    for secret in [&program.secret, &almost, &cookie, PASSWORD, wrong] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
