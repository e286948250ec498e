//! Security checklist D: what browsers are told. D2, D5's run in a real browser and D12 are in docs/security.md and
//! end2end; D14 stands with the sessions, D15's table of addresses in `server/src/http/doors.rs`.

use reqwest::{Method, StatusCode};

use crate::harness::{Answer, App, Browser, PASSWORD};

const PAGES: [&str; 7] = [
    "/sessions",
    "/endings",
    "/systems",
    "/policies",
    "/access",
    "/audit",
    "/account",
];

async fn https_app() -> App {
    App::start_with(crate::harness::Engine::Sqlite, |config| {
        config.public_url = Some("https://curfew.example.org".to_owned());
    })
    .await
}

#[tokio::test]
async fn security_d1_the_cookie_is_host_bound_secure_and_unreadable_for_script() {
    let app = https_app().await;
    app.administrator("mara").await;
    let answer = app.browser().sign_in("mara", PASSWORD).await;
    let cookies = answer.all("set-cookie");
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for name in ["__Host-id=", "__Host-last="] {
        let cookie = cookies.iter().find(|cookie| cookie.starts_with(name));
        let parts: Vec<&str> = cookie.expect(name).split(';').map(str::trim).collect();
        for wanted in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(parts.contains(&wanted), "{wanted}: {cookies:?}");
        }
        for part in &parts {
            let part = part.to_lowercase();
            assert!(
                !part.starts_with("domain") && !part.starts_with("max-age") && !part.starts_with("expires")
            );
        }
    }
    // Plain http on this machine: browsers refuse __Host- without Secure.
    let app = App::start().await;
    app.administrator("mara").await;
    let answer = app.browser().sign_in("mara", PASSWORD).await;
    let cookies = answer.all("set-cookie");
    let cookie = cookies
        .iter()
        .find(|cookie| cookie.starts_with("curfew-id="))
        .expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"));
}

#[tokio::test]
async fn security_d3_hsts_on_https_only() {
    let app = https_app().await;
    for path in ["/sign-in", "/healthz", "/sessions", "/pkg/nothing.js"] {
        let answer = app.browser().get(path).await;
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=31536000; includeSubDomains",
            "{path}"
        );
    }
    let app = App::start().await;
    assert_eq!(
        app.browser()
            .get("/sign-in")
            .await
            .header("strict-transport-security"),
        ""
    );
}

#[tokio::test]
async fn security_d4_what_a_policy_kept_out_is_reported_and_written_down() {
    let app = App::start().await;
    let browser = app.browser();
    let answer = browser.get("/sign-in").await;
    assert!(answer.header("content-security-policy").contains("report-to csp"));
    assert_eq!(answer.header("reporting-endpoints"), "csp=\"/csp-report\"");
    let report =
        r#"{"csp-report":{"effective-directive":"script-src","blocked-uri":"https://evil.example/x.js"}}"#;
    let kind = Some(("application/csp-report", report.to_owned()));
    let answer = browser.send(Method::POST, "/csp-report", &[], kind).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let noted = app.audit().await;
    assert!(
        noted.contains(&"malicious_csp_violation refused script-src: another site".to_owned()),
        "{noted:?}"
    );
}

fn nonce(answer: &Answer) -> String {
    let policy = answer.header("content-security-policy");
    let from = policy
        .find("'nonce-")
        .unwrap_or_else(|| panic!("no nonce in {policy}"))
        + 7;
    policy[from..][..policy[from..].find('\'').unwrap()].to_owned()
}

#[tokio::test]
async fn security_d4_d5_every_page_has_its_own_nonce_and_nothing_inline_without_it() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let mut seen = Vec::new();
    for path in PAGES
        .iter()
        .chain(&["/sign-in", "/welcome", "/step-up", "/no-such-page"])
    {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy").to_owned();
        for wanted in [
            "default-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "style-src 'self'",
            "'wasm-unsafe-eval'",
        ] {
            assert!(policy.contains(wanted), "{path}: {wanted} is not in {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        let nonce = nonce(&answer);
        assert!(nonce.len() >= 16 && !seen.contains(&nonce), "{path}");
        for script in answer.body.split("<script").skip(1) {
            let tag = &script[..script.find('>').unwrap()];
            assert!(
                tag.contains(&format!("nonce=\"{nonce}\"")),
                "{path}: <script{tag}>"
            );
        }
        assert!(!answer.body.contains(" style=\""), "{path} has an inline style");
        for handler in [" onclick=", " onload=", " onerror=", " onsubmit="] {
            assert!(!answer.body.contains(handler), "{path} has {handler}");
        }
        seen.push(nonce);
    }
    for path in [
        "/healthz",
        "/pkg/none.css",
        "/live?topic=none",
        "/sessions/count?q=a",
    ] {
        let policy = browser
            .get(path)
            .await
            .header("content-security-policy")
            .to_owned();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn security_d6_d7_headers_of_every_answer_and_no_cors() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    for path in [
        "/sign-in",
        "/sessions",
        "/healthz",
        "/pkg/none.js",
        "/live?topic=none",
        "/nowhere",
    ] {
        let foreign = [("origin", "https://evil.example")];
        let answer = browser.send(Method::GET, path, &foreign, None).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            "same-origin",
            "{path}"
        );
        assert!(
            answer.header("permissions-policy").contains("camera=()"),
            "{path}"
        );
        assert!(
            !answer
                .headers
                .keys()
                .any(|k| k.as_str().starts_with("access-control-")),
            "{path}"
        );
    }
    let preflight = browser
        .send(
            Method::OPTIONS,
            "/sessions/selection",
            &[
                ("origin", "https://evil.example"),
                ("access-control-request-method", "POST"),
            ],
            None,
        )
        .await;
    assert!(
        !preflight
            .headers
            .keys()
            .any(|k| k.as_str().starts_with("access-control-"))
    );
}

#[tokio::test]
async fn security_d8_answers_with_data_are_never_stored() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    for path in PAGES {
        assert_eq!(
            browser.get(path).await.header("cache-control"),
            "no-store",
            "{path}"
        );
    }
    let count = browser.get("/sessions/count").await;
    assert_eq!(count.header("cache-control"), "no-store");
    let export = browser.get("/audit/export.jsonl").await;
    assert_eq!(export.header("cache-control"), "no-store");
    let signed_in = app.browser().sign_in("mara", PASSWORD).await;
    assert_eq!(signed_in.header("cache-control"), "no-store");
}

#[tokio::test]
async fn security_d9_forms_and_calls_of_foreign_pages_are_refused_and_written_down() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let own = app.url.clone();
    let protect = [
        ("act", "protect"),
        ("who", "account"),
        ("account", "b.smith"),
        ("reason", "payroll"),
    ];
    let cases: [(&[(&str, &str)], bool); 7] = [
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "none")], false),
        (
            &[("sec-fetch-site", ""), ("origin", "https://evil.example")],
            false,
        ),
        (&[("sec-fetch-site", ""), ("origin", "null")], false),
        (&[("sec-fetch-site", "")], false),
        (&[("sec-fetch-site", ""), ("origin", &own)], true),
    ];
    for (headers, taken) in cases {
        let answer = browser.post_with("/access/act", &protect, headers).await;
        assert_eq!(
            answer.status == StatusCode::SEE_OTHER,
            taken,
            "{headers:?}: {}",
            answer.status
        );
        assert_eq!(answer.status == StatusCode::FORBIDDEN, !taken, "{headers:?}");
        assert!(answer.all("vary").iter().any(|v| v.contains("Sec-Fetch-Site")));
    }
    let call = browser
        .send(
            Method::POST,
            "/sessions/selection",
            &[("sec-fetch-site", "cross-site")],
            Some(("application/json", "{\"selection\":\"x\"}".to_owned())),
        )
        .await;
    assert_eq!(call.status, StatusCode::FORBIDDEN);
    let login = app
        .browser()
        .post_with(
            "/sign-in",
            &[("login", "mara"), ("password", PASSWORD)],
            &[("sec-fetch-site", "cross-site")],
        )
        .await;
    assert_eq!(
        login.status,
        StatusCode::FORBIDDEN,
        "nobody is signed in from elsewhere either"
    );
    assert!(app.audited("malicious_csrf").await >= 1);
    assert_eq!(app.audited("privilege_permissions_changed").await, 1);
}

#[tokio::test]
async fn security_d10_reading_changes_nothing_and_signing_out_needs_a_form() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let connected = app.audited("connector_changed").await;
    for path in [
        "/sign-out",
        "/access/act?act=protect&account=a&reason=b",
        "/account/act?act=end-others",
        "/policies/save?idle_minutes=5&absolute_minutes=60&reason=x",
        "/endings/pause-all?reason=x",
        "/systems/act?act=pause&system=curfew",
        "/endings/1/stop",
    ] {
        for method in [Method::GET, Method::HEAD] {
            browser.send(method, path, &[], None).await;
        }
    }
    assert!(browser.is_in().await);
    assert_eq!(app.audited("connector_changed").await, connected);
    for action in [
        "privilege_permissions_changed",
        "policy_changed",
        "session_terminate_changed",
    ] {
        assert_eq!(app.audited(action).await, 0, "{action}");
    }
}

#[tokio::test]
async fn security_d11_machine_routes_know_no_cookies() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.browser();
    browser.set_cookie("AAAAAAAAAAAAAAAAAAAAAA");
    for path in ["/healthz", "/readyz", "/pkg/none.js", "/favicon.ico"] {
        let answer = browser.get(path).await;
        assert!(answer.all("set-cookie").is_empty(), "{path}");
        assert!(!answer.leads_to_sign_in(), "{path}");
    }
    assert_eq!(app.audited("session_unknown_id").await, 0);
}

#[test]
fn security_d13_pages_write_text_nodes_only() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../app/src");
    let mut folders = vec![std::path::PathBuf::from(root)];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                files += 1;
                for banned in [
                    "inner_html",
                    "set_inner_html",
                    "insert_adjacent_html",
                    "document().write",
                ] {
                    assert!(!text.contains(banned), "{}: {banned}", path.display());
                }
            }
        }
    }
    assert!(files > 50);
}

#[tokio::test]
async fn security_d13_hostile_names_are_text() {
    let app = App::start().await;
    let hostile = "<img src=x onerror=alert(1)>\"'&";
    app.person(
        "mara",
        hostile,
        &[("administrator", app::access::wire::Scope::EVERYWHERE)],
    )
    .await;
    let browser = app.signed_in("mara").await;
    for path in PAGES {
        let html = browser.get(path).await.body;
        assert!(!html.contains("<img src=x"), "{path}");
    }
}

#[tokio::test]
async fn security_d15_signing_in_leads_to_own_pages_only() {
    let app = App::start().await;
    app.administrator("mara").await;
    for next in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/sign-out",
    ] {
        let browser = app.browser();
        let page = browser
            .get(&app::paths::with_query(
                "/sign-in",
                &app::paths::query_string(&[("next", next)]),
            ))
            .await;
        assert!(!page.body.contains("name=\"next\""), "{next}");
        assert!(!page.body.contains("href=\"http"), "{next}");
        let fields = [("login", "mara"), ("password", PASSWORD), ("next", next)];
        let answer = browser.post("/sign-in", &fields).await;
        assert_eq!(answer.location(), "/", "{next}");
    }
    let fields = [
        ("login", "mara"),
        ("password", PASSWORD),
        ("next", "/sessions?q=a&sort=person"),
    ];
    let answer = app.browser().post("/sign-in", &fields).await;
    assert_eq!(answer.location(), "/sessions?q=a&sort=person");
    let page = app.browser().get("/endings/7?only=failed").await;
    assert_eq!(page.location(), "/sign-in?next=/endings/7%3Fonly%3Dfailed");
}

#[tokio::test]
async fn security_d16_data_is_never_in_a_script_file() {
    let app = App::start().await;
    app.administrator("mara").await;
    let (with, without): (Browser, Browser) = (app.signed_in("mara").await, app.browser());
    for path in ["/pkg/curfew.js", "/pkg/curfew_bg.wasm", "/pkg/curfew.css"] {
        let (one, two) = (with.get(path).await, without.get(path).await);
        assert_eq!(one.status, two.status);
        assert_eq!(one.body, two.body, "{path} differs for who is signed in");
    }
    for path in PAGES {
        let answer = with
            .send(Method::GET, &format!("{path}?callback=f"), &[], None)
            .await;
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
    }
}

#[tokio::test]
async fn security_d17_pages_load_nothing_from_elsewhere() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    for path in PAGES.iter().chain(&["/sign-in", "/welcome"]) {
        let html = browser.get(path).await.body;
        for attribute in ["src=\"", "href=\"", "action=\""] {
            for rest in html.split(attribute).skip(1) {
                let value = &rest[..rest.find('"').unwrap()];
                assert!(
                    !value.starts_with("http:") && !value.starts_with("https:") && !value.starts_with("//"),
                    "{path}: {attribute}{value}"
                );
            }
        }
    }
}
