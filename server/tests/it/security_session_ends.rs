//! Security checklist A and D14: how the portal's own sessions end, by time, by a person, by an administrator, and what
//! becomes of what was typed. Named by the checklist's ids.

use std::time::Duration;

use app::access::wire::Scope;
use app::wire::OperatorId;
use reqwest::{Method, StatusCode};

use crate::harness::{Answer, App, Browser, Engine, PASSWORD};

const ACCOUNT: &str = "/account/act";
const ACCESS: &str = "/access/act";
const NEW_PASSWORD: &str = "seven gulls over the quay";

#[tokio::test]
async fn security_a6_idleness_ends_it_and_background_requests_are_no_activity() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let browser = app.signed_in("mara").await;
        app.clock.advance(14 * 60);
        assert_eq!(browser.get("/account").await.status, StatusCode::OK);
        app.clock.advance(14 * 60);
        assert!(browser.is_in().await, "the page at 14 minutes counted");
        for _ in 0..3 {
            app.clock.advance(30);
            browser.is_in().await;
            drop(browser.live("sessions").await);
            browser
                .send(Method::GET, "/account", &[("x-curfew-background", "1")], None)
                .await;
        }
        let call = browser.get("/live?topic=sessions").await;
        assert_eq!(call.status, StatusCode::UNAUTHORIZED, "{}", call.body);
        assert_eq!(app.audited("session_expired").await, 1);
        assert_eq!(app.audited("session_use_after_expire").await, 1);
        assert!(browser.get("/account").await.leads_to_sign_in());
    }
}

#[tokio::test]
async fn security_a7_constant_activity_does_not_reach_past_eight_hours() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    for minute in (10..480).step_by(10) {
        app.clock.advance(600);
        assert_eq!(
            browser.get("/account").await.status,
            StatusCode::OK,
            "minute {minute}"
        );
    }
    app.clock.advance(600);
    assert!(browser.get("/account").await.leads_to_sign_in());
}

#[tokio::test]
async fn security_a7_a_later_policy_touches_only_later_sessions() {
    let app = App::start().await;
    app.administrator("mara").await;
    let before = app.signed_in("mara").await;
    let saved = before
        .post(
            "/policies/save",
            &[
                ("idle_minutes", "5"),
                ("absolute_minutes", "60"),
                ("reason", "tighter nights"),
            ],
        )
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let after = app.signed_in("mara").await;
    app.clock.advance(6 * 60);
    assert!(before.is_in().await);
    assert!(!after.is_in().await);
}

#[tokio::test]
async fn security_a8_the_end_is_known_before_it_comes_and_can_be_put_off() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    app.clock.advance(13 * 60);
    let frame = browser.ports(&app).await.signin.frame().await.unwrap();
    assert_eq!(frame.idle_ends_at.since(frame.now), 2 * 60 * 1000);
    let answer = browser
        .post(ACCOUNT, &[("act", "extend"), ("next", "/sessions?q=a")])
        .await;
    assert_eq!(answer.location(), "/sessions?q=a");
    app.clock.advance(14 * 60);
    assert!(browser.is_in().await);
}

#[tokio::test]
async fn security_a8_ui_i5_what_was_typed_survives_signing_in_again_and_is_not_sent_by_itself() {
    let app = App::start().await;
    app.administrator("mara").await;
    app.administrator("jonas").await;
    let browser = app.signed_in("mara").await;
    app.clock.advance(16 * 60);
    let sent = [
        ("act", "protect"),
        ("who", "account"),
        ("account", "b.smith"),
        ("reason", "runs the payroll & more"),
    ];
    let late = browser.post(ACCESS, &sent).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert!(late.body.contains("runs the payroll &amp; more"), "{}", late.body);
    assert!(browser.cookie().is_none(), "the old cookie is taken away");
    let kept = hidden_fields(&late.body);
    let sign_in = |login: &'static str| {
        let mut fields = kept.clone();
        fields.push(("login".to_owned(), login.to_owned()));
        fields.push(("password".to_owned(), PASSWORD.to_owned()));
        fields
    };
    let other = app.browser();
    let answer = post_owned(&other, "/sign-in", &sign_in("jonas")).await;
    let page = other.get(answer.location()).await;
    assert!(!page.body.contains("payroll"), "shown to somebody else");
    let answer = post_owned(&browser, "/sign-in", &sign_in("mara")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(answer.location().starts_with("/access"), "{}", answer.location());
    let page = browser.get(answer.location()).await;
    assert!(page.body.contains("runs the payroll &amp; more"), "{}", page.body);
    assert!(page.body.contains("Nothing was sent yet"));
    assert_eq!(
        app.audited("privilege_permissions_changed").await,
        0,
        "it was sent by itself"
    );
    let again = browser.get(answer.location()).await;
    assert!(!again.body.contains("payroll"), "it is shown once");
}

#[tokio::test]
async fn ui_i5_what_was_typed_survives_when_the_page_asked_in_the_background_first() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    app.clock.advance(16 * 60);
    // The open page asks by itself and so learns of the end before the form is sent; the session's cookie is gone.
    let asked = browser
        .send(
            Method::GET,
            app::paths::FRAME,
            &[("x-curfew-background", "1")],
            None,
        )
        .await;
    assert!(asked.leads_to_sign_in());
    assert!(browser.cookie().is_none());
    let sent = [
        ("act", "protect"),
        ("who", "account"),
        ("account", "b.smith"),
        ("reason", "runs the payroll"),
    ];
    let late = browser.post(ACCESS, &sent).await;
    assert!(late.body.contains("runs the payroll"), "{}", late.body);
    let mut fields = hidden_fields(&late.body);
    fields.push(("login".to_owned(), "mara".to_owned()));
    fields.push(("password".to_owned(), PASSWORD.to_owned()));
    let answer = post_owned(&browser, "/sign-in", &fields).await;
    let page = browser.get(answer.location()).await;
    assert!(page.body.contains("runs the payroll"), "{}", page.body);
}

/// The hidden inputs of the sign-in page.
fn hidden_fields(html: &str) -> Vec<(String, String)> {
    html.split("<input type=\"hidden\"")
        .skip(1)
        .map(|rest| {
            let tag = &rest[..rest.find('>').unwrap()];
            let attribute = |name: &str| {
                let from = tag.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
                let text = &tag[from..];
                text[..text.find('"').unwrap()]
                    .replace("&quot;", "\"")
                    .replace("&lt;", "<")
                    .replace("&amp;", "&")
            };
            (attribute("name"), attribute("value"))
        })
        .collect()
}

async fn post_owned(browser: &Browser, path: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.post(path, &fields).await
}

#[tokio::test]
async fn security_a9_signing_out_ends_the_session_and_clears_the_browser() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let token = browser.cookie().unwrap();
    for page in [
        "/account",
        "/sessions",
        "/endings",
        "/systems",
        "/policies",
        "/access",
        "/audit",
    ] {
        let html = browser.get(page).await.body;
        assert!(html.contains("action=\"/sign-out\""), "no sign-out on {page}");
    }
    let answer = browser.post("/sign-out", &[]).await;
    assert!(answer.leads_to_sign_in());
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(browser.cookie().is_none());
    browser.set_cookie(&token);
    assert!(!browser.is_in().await);
    assert_eq!(app.audited("session_logout").await, 1);
}

#[tokio::test]
async fn security_a10_an_ended_session_is_dead_on_every_node_at_once() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        let second = app.second_node().await;
        app.administrator("mara").await;
        let here = app.signed_in("mara").await;
        let there = here.moved_to(&second);
        assert!(here.is_in().await && there.is_in().await);
        here.post("/sign-out", &[]).await;
        assert!(!there.is_in().await);
    }
}

#[tokio::test]
async fn security_a11_disabling_a_person_ends_their_sessions_at_once() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let jonas = app.administrator("jonas").await;
        let admin = app.signed_in("mara").await;
        let (one, two) = (app.signed_in("jonas").await, app.signed_in("jonas").await);
        let done = admin
            .post(ACCESS, &[("act", "disable"), ("operator", jonas.as_str())])
            .await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert!(!one.is_in().await && !two.is_in().await);
        assert_ne!(one.sign_in("jonas", PASSWORD).await.status, StatusCode::SEE_OTHER);
        admin
            .post(ACCESS, &[("act", "enable"), ("operator", jonas.as_str())])
            .await;
        assert!(!two.is_in().await, "enabling does not bring sessions back");
        assert_eq!(one.sign_in("jonas", PASSWORD).await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn security_a11_the_last_administrator_can_not_be_disabled_or_stripped() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        let mara = app.administrator("mara").await;
        app.person("jonas", "Jonas", &[("helpdesk", Scope::EVERYWHERE)])
            .await;
        let admin = app.signed_in("mara").await;
        let refused = admin
            .post(ACCESS, &[("act", "disable"), ("operator", mara.as_str())])
            .await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        let page = admin.ports(&app).await.access.access_page().await.unwrap();
        let grant = page.grants.iter().find(|g| g.operator_id == mara).unwrap();
        let refused = admin
            .post(ACCESS, &[("act", "revoke"), ("grant", grant.grant_id.as_str())])
            .await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(admin.is_in().await);
        assert_eq!(admin.get("/access").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_administrator_of_a_system_called_everywhere_does_not_count_as_the_last_one() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        let mara = app.administrator("mara").await;
        let there = Scope::systems(["everywhere"]);
        app.person("jonas", "Jonas", &[("administrator", there)]).await;
        let admin = app.signed_in("mara").await;
        let refused = admin
            .post(ACCESS, &[("act", "disable"), ("operator", mara.as_str())])
            .await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn security_a12_a_new_password_offers_to_end_every_other_sign_in() {
    let app = App::start().await;
    app.administrator("mara").await;
    let (here, there) = (app.signed_in("mara").await, app.signed_in("mara").await);
    let fields = [
        ("act", "password"),
        ("current", PASSWORD),
        ("new", NEW_PASSWORD),
        ("again", NEW_PASSWORD),
        ("end_others", "1"),
    ];
    assert_eq!(here.post(ACCOUNT, &fields).await.status, StatusCode::SEE_OTHER);
    assert!(here.is_in().await);
    assert!(!there.is_in().await);
    assert_ne!(
        there.sign_in("mara", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn security_a13_an_administrator_ends_the_portal_sessions_of_one_person_and_they_are_read_back() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        app.person("jonas", "Jonas", &[("auditor", Scope::EVERYWHERE)])
            .await;
        let admin = app.signed_in("mara").await;
        let (one, two) = (app.signed_in("jonas").await, app.signed_in("jonas").await);
        app.collect().await;
        let keys = session_keys(&app, "jonas").await;
        assert_eq!(keys.len(), 2);
        let rows: Vec<(&str, &str)> = keys.iter().map(|k| ("row", k.as_str())).collect();
        let preview = admin.post("/sessions/preview", &rows).await;
        assert_eq!(preview.status, StatusCode::SEE_OTHER, "{}", preview.body);
        let confirm = format!("{}/confirm", preview.location());
        let confirmed = admin.post(&confirm, &[("reason", "laptop lost")]).await;
        assert_eq!(confirmed.status, StatusCode::SEE_OTHER, "{}", confirmed.body);
        app.work().await;
        assert!(!one.is_in().await && !two.is_in().await);
        assert!(admin.is_in().await);
        let items = outcomes(&app).await;
        assert_eq!(items, ["ended", "ended"]);
    }
}

async fn session_keys(app: &App, account: &str) -> Vec<String> {
    let mut conn = app.portal.db.read().await.unwrap();
    server::on!(conn, c => sqlx::query_scalar(
        "SELECT session_key FROM session WHERE system_id = 'curfew' AND account_name = $1 AND state = 'live'")
        .bind(account).fetch_all(c).await.unwrap())
}

async fn outcomes(app: &App) -> Vec<String> {
    let mut conn = app.portal.db.read().await.unwrap();
    server::on!(conn, c => sqlx::query_scalar(
        "SELECT COALESCE(outcome, 'none') FROM ending_item ORDER BY session_key").fetch_all(c).await.unwrap())
}

#[tokio::test]
async fn security_a14_people_see_and_after_stepping_up_end_their_own_sign_ins() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        app.administrator("jonas").await;
        let (here, there) = (app.signed_in("mara").await, app.signed_in("mara").await);
        let stranger = app.signed_in("jonas").await;
        let list = here.my_sessions(&app).await;
        assert_eq!(list.sessions.len(), 2);
        assert_eq!(list.sessions.iter().filter(|s| s.current).count(), 1);
        let other = list.sessions.iter().find(|s| !s.current).unwrap();
        let end = [("act", "end"), ("session", other.portal_session_id.as_str())];
        let foreign = stranger.post(ACCOUNT, &end).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND);
        app.clock.advance(6 * 60);
        assert!(there.is_in().await);
        let needs_password = here.post(ACCOUNT, &end).await;
        assert_eq!(needs_password.status, StatusCode::UNAUTHORIZED);
        assert!(there.is_in().await);
        assert_eq!(here.step_up(PASSWORD).await.status, StatusCode::SEE_OTHER);
        assert_eq!(here.post(ACCOUNT, &end).await.status, StatusCode::SEE_OTHER);
        assert!(!there.is_in().await);
        assert!(here.is_in().await);
    }
}

#[tokio::test]
async fn security_a18_the_sixth_sign_in_ends_the_oldest() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let mut browsers = Vec::new();
        for _ in 0..6 {
            app.clock.advance(1);
            browsers.push(app.signed_in("mara").await);
        }
        let mut alive = Vec::new();
        for browser in &browsers {
            alive.push(browser.is_in().await);
        }
        assert_eq!(alive, [false, true, true, true, true, true]);
        assert_eq!(app.audited("excess_sessions_exceeded").await, 1);
    }
}

#[tokio::test]
async fn security_d14_a_live_stream_closes_when_its_session_ends() {
    let app = App::start().await;
    app.administrator("mara").await;
    let jonas = app.administrator("jonas").await;
    let admin = app.signed_in("mara").await;
    let browser = app.signed_in("jonas").await;
    let mut stream = browser.live("sessions").await;
    assert_eq!(stream.status(), StatusCode::OK);
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(
        String::from_utf8_lossy(&first).contains("retry: 2000") || first.starts_with(b"id"),
        "{first:?}"
    );
    admin
        .post(ACCESS, &[("act", "disable"), ("operator", jonas.as_str())])
        .await;
    let closed = tokio::time::timeout(Duration::from_secs(10), async {
        while let Ok(Some(_)) = stream.chunk().await {}
    })
    .await;
    assert!(closed.is_ok(), "the stream stayed open");
    let anew = browser.live("sessions").await;
    assert_eq!(anew.status(), StatusCode::UNAUTHORIZED);
    assert_ne!(jonas, OperatorId::default());
}
