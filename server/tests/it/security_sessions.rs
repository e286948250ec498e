//! Security checklist A, the portal's own sessions: tokens, passwords, what is shown of them. Named by the checklist's
//! ids; how they end is in `security_session_ends.rs`, A17 and A19 are documents (docs/security.md), A20-A23 come with
//! federated sign-in.

use reqwest::StatusCode;

use crate::harness::{App, Engine, PASSWORD};

const ACCOUNT: &str = "/account/act";
const ACCESS: &str = "/access/act";
const NEW_PASSWORD: &str = "seven gulls over the quay";

#[tokio::test]
async fn security_a1_nothing_a_browser_changes_gains_access() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let good = browser.cookie().unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'g' } else { b'A' };
        let other = app.browser();
        other.set_cookie(&String::from_utf8(bytes).unwrap());
        assert!(!other.is_in().await, "character {at}");
    }
    let other = app.browser();
    for made_up in [
        "",
        "admin",
        "mara",
        "{\"operator\":\"mara\"}",
        "0",
        "../../etc/passwd",
    ] {
        other.set_cookie(made_up);
        assert!(!other.is_in().await, "{made_up:?}");
    }
    assert!(browser.is_in().await);
}

#[tokio::test]
async fn security_a2_a3_each_sign_in_has_its_own_128_bit_token_kept_only_as_a_hash() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let one = app.signed_in("mara").await.cookie().unwrap();
        let two = app.signed_in("mara").await.cookie().unwrap();
        assert_ne!(one, two);
        for token in [&one, &two] {
            // 16 bytes in base64 without padding.
            assert_eq!(token.len(), 22);
        }
        let stored = app.everything_stored().await;
        assert!(!stored.contains(&one) && !stored.contains(&two));
        assert!(stored.contains(&server::keys::sha256_hex(one.as_bytes())));
        assert!(!stored.contains(PASSWORD));
    }
}

#[tokio::test]
async fn security_a4_signing_in_stepping_up_and_a_new_password_give_a_new_token() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let first = browser.cookie().unwrap();
    assert_eq!(browser.step_up(PASSWORD).await.status, StatusCode::SEE_OTHER);
    let second = browser.cookie().unwrap();
    let changed = browser
        .post(
            ACCOUNT,
            &[
                ("act", "password"),
                ("current", PASSWORD),
                ("new", NEW_PASSWORD),
                ("again", NEW_PASSWORD),
            ],
        )
        .await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.body);
    let third = browser.cookie().unwrap();
    assert_eq!(
        browser.sign_in("mara", NEW_PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
    let fourth = browser.cookie().unwrap();
    assert!(browser.is_in().await);
    let other = app.browser();
    for old in [first, second, third] {
        assert_ne!(old, fourth);
        other.set_cookie(&old);
        assert!(!other.is_in().await, "an older token still works");
        assert!(other.get("/account").await.leads_to_sign_in());
    }
}

#[tokio::test]
async fn security_a5_an_unknown_id_is_never_adopted_and_is_logged() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.browser();
    let planted = "AAAAAAAAAAAAAAAAAAAAAA";
    browser.set_cookie(planted);
    let answer = browser.get("/sessions").await;
    assert!(answer.leads_to_sign_in());
    assert!(answer.all("set-cookie").iter().any(|c| c.contains("Max-Age=0")));
    assert_eq!(app.audited("session_unknown_id").await, 1);
    browser.set_cookie(planted);
    assert_eq!(
        browser.sign_in("mara", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
    assert_ne!(browser.cookie().unwrap(), planted);
    let attacker = app.browser();
    attacker.set_cookie(planted);
    assert!(!attacker.is_in().await);
}

#[tokio::test]
async fn security_a15_a_new_password_needs_the_one_in_force() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    for wrong in ["", "not my password at all"] {
        let answer = browser
            .post(
                ACCOUNT,
                &[
                    ("act", "password"),
                    ("current", wrong),
                    ("new", NEW_PASSWORD),
                    ("again", NEW_PASSWORD),
                ],
            )
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!answer.body.contains(NEW_PASSWORD), "a password was shown again");
    }
    assert_eq!(
        app.browser().sign_in("mara", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn security_a16_a_sign_in_older_than_five_minutes_must_confirm_the_password() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let jonas = app.administrator("jonas").await;
        let browser = app.signed_in("mara").await;
        app.clock.advance(5 * 60 + 1);
        let acts: [&[(&str, &str)]; 6] = [
            &[
                ("act", "create-operator"),
                ("login", "new.one"),
                ("display_name", "New One"),
            ],
            &[("act", "disable"), ("operator", jonas.as_str())],
            &[("act", "reset"), ("operator", jonas.as_str())],
            &[
                ("act", "grant"),
                ("operator", jonas.as_str()),
                ("role", "helpdesk"),
                ("places", "everywhere"),
                ("people", "everybody"),
                ("reason", "night shift"),
            ],
            &[
                ("act", "save-role"),
                ("name", "Night"),
                ("permissions", "SeeSessions"),
            ],
            &[
                ("act", "protect"),
                ("who", "account"),
                ("account", "b.smith"),
                ("reason", "payroll"),
            ],
        ];
        for fields in acts {
            let answer = browser.post(ACCESS, fields).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{fields:?}");
            assert!(answer.body.contains("Confirm that it is you"), "{fields:?}");
        }
        let policy = [
            ("idle_minutes", "20"),
            ("absolute_minutes", "480"),
            ("reason", "calm"),
        ];
        assert_eq!(
            browser.post("/policies/save", &policy).await.status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(app.audited("privilege_permissions_changed").await, 0);
        assert_eq!(
            browser.step_up("not my password").await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        assert_eq!(browser.step_up(PASSWORD).await.status, StatusCode::SEE_OTHER);
        for fields in acts {
            let answer = browser.post(ACCESS, fields).await;
            assert!(
                answer.status == StatusCode::SEE_OTHER
                    || answer.status == StatusCode::OK
                    || answer.status == StatusCode::CONFLICT,
                "{fields:?}: {}",
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn security_a24_a_sign_in_shows_when_from_where_and_with_what_but_never_its_token() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let began = app.clock_now();
    app.clock.advance(60);
    let page = browser.get("/account").await.body;
    let own = browser.my_sessions(&app).await.sessions.remove(0);
    assert_eq!(own.created_at, began);
    assert_eq!(own.last_active_at, began.plus_seconds(60));
    assert_eq!(own.ip, Some(browser.address.to_string()));
    let client = own.client.unwrap();
    assert!(client.contains("Chrome 149"), "{client}");
    let token = browser.cookie().unwrap();
    assert!(!page.contains(&token));
    assert!(!page.contains(&server::keys::sha256_hex(token.as_bytes())));
}

#[tokio::test]
async fn security_a25_a_changed_address_or_browser_is_flagged_once_and_not_fatal() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let mut browser = app.signed_in("mara").await;
        assert!(
            browser.my_sessions(&app).await.sessions[0]
                .changed_source_at
                .is_none()
        );
        browser.user_agent = "curl/8.0".to_owned();
        browser.address = "203.0.113.77".parse().unwrap();
        for _ in 0..3 {
            assert_eq!(browser.get("/account").await.status, StatusCode::OK);
        }
        assert!(
            browser.my_sessions(&app).await.sessions[0]
                .changed_source_at
                .is_some()
        );
        assert_eq!(app.audited("session_source_changed").await, 1);
    }
}
