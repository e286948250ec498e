//! Security checklist C: how people prove who they are. C2 and C3 have their tables of cases in
//! `server/src/signin/passwords.rs`, C4 its counters in `throttle.rs`; here they are met over HTTP.

use app::access::wire::Scope;
use reqwest::StatusCode;

use crate::harness::{App, Engine, PASSWORD};

const NEW_PASSWORD: &str = "seven gulls over the quay";

/// The code behind `#` of a one-time link.
fn code(link: &str) -> String {
    link.split_once('#').unwrap().1.to_owned()
}

#[tokio::test]
async fn security_c2_the_welcome_page_takes_long_passwords_by_paste_and_names_what_is_wrong() {
    let app = App::start().await;
    let link = app.portal.signin.bootstrap_link().await.unwrap().unwrap();
    let browser = app.browser();
    let code = code(&link.url);
    let page = browser.get("/welcome").await.body;
    assert!(!page.contains("onpaste"));
    for (new, again) in [
        ("too short", "too short"),
        ("passwordpassword", "passwordpassword"),
        ("aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaa"),
        ("Curfew Nord 2026!!", "Curfew Nord 2026!!"),
        (NEW_PASSWORD, "another one altogether"),
    ] {
        let fields = [("code", code.as_str()), ("new", new), ("again", again)];
        let answer = browser.post("/welcome", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{new}");
        assert!(!answer.body.contains(&code) && !answer.body.contains(&format!("\"{new}\"")));
    }
    let fields = [
        ("code", code.as_str()),
        ("new", NEW_PASSWORD),
        ("again", NEW_PASSWORD),
    ];
    assert_eq!(
        browser.post("/welcome", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(browser.is_in().await);
}

#[tokio::test]
async fn security_c3_the_password_is_stored_as_argon2id_with_its_parameters() {
    let app = App::start().await;
    app.administrator("mara").await;
    let stored = app.everything_stored().await;
    assert!(stored.contains("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(!stored.contains(PASSWORD));
}

#[tokio::test]
async fn security_c4_after_five_failures_the_account_waits_and_others_do_not() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        app.administrator("jonas").await;
        let known = app.signed_in("mara").await;
        let thief = app.browser();
        for _ in 0..5 {
            let answer = thief.sign_in("mara", "a guess of mine 123").await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let blocked = thief.sign_in("mara", PASSWORD).await;
        assert_eq!(
            blocked.status,
            StatusCode::TOO_MANY_REQUESTS,
            "even with the right password"
        );
        assert_eq!(blocked.header("retry-after"), "60");
        assert_eq!(
            app.browser().sign_in("jonas", PASSWORD).await.status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            known.sign_in("mara", PASSWORD).await.status,
            StatusCode::SEE_OTHER,
            "a stranger locks nobody out of an address they know"
        );
        assert!(app.audited("authn_login_lock").await >= 1);
        assert!(app.audited("authn_login_fail").await >= 5);
    }
}

#[tokio::test]
async fn security_c5_there_is_no_default_account_and_the_first_link_works_once_and_lapses() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        for login in ["admin", "administrator", "root", "curfew"] {
            for password in ["admin", "curfew", "", PASSWORD] {
                let answer = app.browser().sign_in(login, password).await;
                assert_ne!(answer.status, StatusCode::SEE_OTHER, "{login} {password}");
            }
        }
        let late = app.portal.signin.bootstrap_link().await.unwrap().unwrap();
        let good = app.portal.signin.bootstrap_link().await.unwrap().unwrap();
        let set = |code: String| {
            let browser = app.browser();
            async move {
                let fields = [
                    ("code", code.as_str()),
                    ("new", NEW_PASSWORD),
                    ("again", NEW_PASSWORD),
                ];
                (browser.post("/welcome", &fields).await.status, browser)
            }
        };
        assert_eq!(
            set(code(&late.url)).await.0,
            StatusCode::UNPROCESSABLE_ENTITY,
            "a newer one was made"
        );
        app.clock.advance(31 * 60);
        assert_eq!(
            set(code(&good.url)).await.0,
            StatusCode::UNPROCESSABLE_ENTITY,
            "it lapsed"
        );
        let good = app.portal.signin.bootstrap_link().await.unwrap().unwrap();
        let (status, browser) = set(code(&good.url)).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert_eq!(
            browser.get("/access").await.status,
            StatusCode::OK,
            "the first person is Administrator"
        );
        assert_eq!(
            set(code(&good.url)).await.0,
            StatusCode::UNPROCESSABLE_ENTITY,
            "it works once"
        );
        assert!(app.portal.signin.bootstrap_link().await.unwrap().is_none());
        assert_eq!(
            app.browser().sign_in("admin", NEW_PASSWORD).await.status,
            StatusCode::SEE_OTHER
        );
    }
}

/// What a refused sign-in page says, without what differs in every answer.
fn said(html: &str, login: &str) -> String {
    let start = html.find("<main").unwrap();
    let main = &html[start..html.find("</main>").unwrap()];
    main.replace(login, "LOGIN")
}

#[tokio::test]
async fn security_c8_unknown_disabled_invited_and_wrong_password_sound_the_same() {
    let app = App::start().await;
    app.administrator("mara").await;
    let gone = app.administrator("gone").await;
    let admin = app.signed_in("mara").await;
    admin
        .post("/access/act", &[("act", "disable"), ("operator", gone.as_str())])
        .await;
    admin
        .post(
            "/access/act",
            &[
                ("act", "create-operator"),
                ("login", "newx"),
                ("display_name", "New X"),
            ],
        )
        .await;
    let mut answers = Vec::new();
    for (login, password) in [
        ("nobody.at.all", "a guess of mine 123"),
        ("mara", "a guess of mine 123"),
        ("gone", PASSWORD),
        ("newx", ""),
    ] {
        let answer = app.browser().sign_in(login, password).await;
        answers.push((answer.status, said(&answer.body, login)));
    }
    for answer in &answers[1..] {
        assert_eq!(*answer, answers[0]);
    }
    assert_eq!(answers[0].0, StatusCode::UNPROCESSABLE_ENTITY);
    let log = app.everything_stored().await;
    assert!(
        !log.contains("authn_login_failSign-in{}nobody"),
        "a name nobody has is not written down"
    );
}

#[tokio::test]
async fn security_c13_an_administrator_offers_a_new_password_but_never_sets_or_sees_one() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let jonas = app
            .person("jonas", "Jonas", &[("helpdesk", Scope::EVERYWHERE)])
            .await;
        let admin = app.signed_in("mara").await;
        let old = app.signed_in("jonas").await;
        let made = admin
            .post("/access/act", &[("act", "reset"), ("operator", jonas.as_str())])
            .await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.body);
        let at = made.body.find("/welcome#").expect("the link is shown");
        let code: String = made.body[at + 9..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        assert!(
            !admin.get("/access").await.body.contains(&code),
            "the link is shown once"
        );
        assert!(!app.everything_stored().await.contains(&code));
        assert!(old.is_in().await);
        assert_eq!(
            app.browser().sign_in("jonas", PASSWORD).await.status,
            StatusCode::SEE_OTHER,
            "the old password works until the link is used"
        );
        let browser = app.browser();
        let fields = [
            ("code", code.as_str()),
            ("new", NEW_PASSWORD),
            ("again", NEW_PASSWORD),
        ];
        assert_eq!(
            browser.post("/welcome", &fields).await.status,
            StatusCode::SEE_OTHER
        );
        assert!(!old.is_in().await, "sessions of the old password are over");
        assert_ne!(
            app.browser().sign_in("jonas", PASSWORD).await.status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            app.browser().sign_in("jonas", NEW_PASSWORD).await.status,
            StatusCode::SEE_OTHER
        );
        let sneaky = admin
            .post(
                "/access/act",
                &[
                    ("act", "reset"),
                    ("operator", jonas.as_str()),
                    ("new", "set by somebody else"),
                ],
            )
            .await;
        assert_eq!(sneaky.status, StatusCode::OK);
        assert_ne!(
            app.browser()
                .sign_in("jonas", "set by somebody else")
                .await
                .status,
            StatusCode::SEE_OTHER
        );
    }
}

#[tokio::test]
async fn the_command_line_brings_the_last_administrator_back() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        for _ in 0..6 {
            app.browser().sign_in("mara", "a guess of mine 123").await;
        }
        let link = app.portal.access.admin_reset("Mara").await.unwrap();
        let browser = app.browser();
        let code = code(&link.url);
        let fields = [
            ("code", code.as_str()),
            ("new", NEW_PASSWORD),
            ("again", NEW_PASSWORD),
        ];
        assert_eq!(
            browser.post("/welcome", &fields).await.status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            app.browser().sign_in("mara", NEW_PASSWORD).await.status,
            StatusCode::SEE_OTHER
        );
        let link = app
            .portal
            .access
            .admin_create("second.admin", "Second Admin")
            .await
            .unwrap();
        assert!(link.url.contains("/welcome#"));
        assert_eq!(link.login, "second.admin");
    }
}
