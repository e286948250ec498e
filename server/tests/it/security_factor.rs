//! Security checklist C6 and C7, the second factor: set up, signed in with, lost. RFC 6238's own numbers are in
//! `server/src/signin/factor/totp.rs`, the sealing in `server/src/keys.rs`; who needs one is in
//! `security_factor_roles.rs`.

use app::access::wire::{Permission, Slowed};
use reqwest::StatusCode;

use crate::harness::{App, Browser, Engine, PASSWORD};
use crate::phone::{FACTOR, Phone, recovery_codes, send_code, set_up, sign_in_with, step, typed_seed};

const ACCESS: &str = "/access/act";
const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

async fn methods(app: &App) -> Vec<String> {
    let mut conn = app.portal.db.read().await.unwrap();
    server::on!(conn, c => sqlx::query_scalar("SELECT DISTINCT auth_methods FROM portal_session ORDER BY 1")
        .fetch_all(c).await.unwrap())
}

#[tokio::test]
async fn security_c6_the_seed_is_shown_until_its_first_code_and_kept_sealed() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let browser = app.signed_in("mara").await;
        let other = app.signed_in("mara").await;
        assert!(typed_seed(&browser.get("/second-factor").await.body).is_none());
        browser.post(FACTOR, &[("act", "begin")]).await;
        let page = browser.get("/second-factor").await.body;
        let seed = typed_seed(&page).unwrap();
        assert!(page.contains("class=\"scan\"") && !page.contains("data:image"));
        assert!(
            typed_seed(&other.get("/second-factor").await.body).is_none(),
            "it is for the sign-in that asked alone"
        );
        let bare = seed.replace(' ', "");
        let hex =
            data_encoding::HEXLOWER.encode(&data_encoding::BASE32_NOPAD.decode(bare.as_bytes()).unwrap());
        let hidden = async || {
            let stored = app.everything_stored().await;
            [&seed, &bare, &hex].iter().all(|s| !stored.contains(*s))
        };
        assert!(hidden().await);

        let phone = Phone::reading(&page);
        let wrong = phone.shows(&app, 3_600);
        let refused = browser
            .post(FACTOR, &[("act", "confirm"), ("code", &wrong)])
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            typed_seed(&refused.body).as_ref(),
            Some(&seed),
            "it can still be scanned"
        );
        assert!(!refused.body.contains(&wrong));

        let before = browser.cookie().unwrap();
        let code = phone.shows(&app, 0);
        let done = browser.post(FACTOR, &[("act", "confirm"), ("code", &code)]).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.body);
        assert_eq!(recovery_codes(&done.body).len(), 10);
        assert_ne!(browser.cookie().unwrap(), before, "security_a4: a new token");
        assert!(browser.is_in().await);
        assert!(!other.is_in().await, "it began without the second factor");
        assert!(hidden().await);
        assert_eq!(methods(&app).await, [r#"["pwd","otp"]"#]);
        for path in ["/second-factor", "/account", "/access"] {
            let page = browser.get(path).await.body;
            assert!(
                !page.contains(&seed) && !page.contains(&bare),
                "{path} shows it again"
            );
            assert!(recovery_codes(&page).is_empty(), "{path}");
        }
        assert_eq!(app.audited("authn_factor_change").await, 2);
    }
}

#[tokio::test]
async fn security_c6_a_seed_nobody_confirms_lapses_and_the_one_in_force_stays() {
    let app = App::start().await;
    app.administrator("mara").await;
    let browser = app.signed_in("mara").await;
    let (phone, _) = set_up(&app, &browser).await;
    browser.post(FACTOR, &[("act", "begin")]).await;
    let next = Phone::reading(&browser.get("/second-factor").await.body);
    let (_, answer) = sign_in_with(&app, "mara", &phone.shows(&app, 0)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "the old one still counts");
    app.clock.advance(120);
    let (_, answer) = sign_in_with(&app, "mara", &next.shows(&app, 0)).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "the new one not yet"
    );
    browser.get("/account").await;
    app.clock.advance(13 * 60);
    let code = phone.shows(&app, 0);
    let fields = [("password", PASSWORD), ("code", &code), ("next", "/account")];
    assert_eq!(
        browser.post("/step-up", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    let late = browser
        .post(FACTOR, &[("act", "confirm"), ("code", &next.shows(&app, 0))])
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(typed_seed(&late.body).is_none());
    let (next, _) = set_up(&app, &browser).await;
    let (_, answer) = sign_in_with(&app, "mara", &phone.shows(&app, 0)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "it was replaced");
    let (_, answer) = sign_in_with(&app, "mara", &next.shows(&app, 0)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn security_c6_signing_in_takes_a_code_and_each_code_once() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let (phone, _) = set_up(&app, &app.signed_in("mara").await).await;
        let browser = app.browser();
        let asked = browser.sign_in("mara", PASSWORD).await;
        let token = step(&asked);
        assert!(browser.cookie().is_none(), "no session before the code");
        assert!(browser.get("/sessions").await.leads_to_sign_in());
        browser.set_cookie(&token);
        assert!(
            !browser.is_in().await,
            "what the form sends back opens nothing else"
        );
        let browser = app.browser();
        let stored = app.everything_stored().await;
        assert!(!stored.contains(&token));

        let sessions = app.audited("session_created").await;
        for wrong in ["", "000000x", &phone.shows(&app, 90), &phone.shows(&app, -90)] {
            let answer = send_code(&browser, &token, wrong).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
            assert_eq!(
                answer.body.matches(&format!("value=\"{token}\"")).count(),
                1,
                "the form can be sent again"
            );
        }
        assert_eq!(app.audited("session_created").await, sessions);
        assert_eq!(app.audited("authn_login_fail refused Second").await, 4);
        let code = phone.shows(&app, 30);
        let answer = send_code(&browser, &token, &code).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "one step early is taken");
        assert!(browser.is_in().await);
        assert_eq!(methods(&app).await, [r#"["pwd","otp"]"#]);

        let replayed = send_code(&app.browser(), &token, &phone.shows(&app, 30)).await;
        assert_eq!(replayed.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            replayed.body.contains("name=\"password\""),
            "back to the password"
        );
        let (_, again) = sign_in_with(&app, "mara", &code).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "taken once");
        let (_, older) = sign_in_with(&app, "mara", &phone.shows(&app, 0)).await;
        assert_eq!(
            older.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "nor one before it"
        );
        app.clock.advance(60);
        let (_, next) = sign_in_with(&app, "mara", &phone.shows(&app, 0)).await;
        assert_eq!(next.status, StatusCode::SEE_OTHER);

        app.clock.advance(60);
        let browser = app.browser();
        let token = step(&browser.sign_in("mara", PASSWORD).await);
        app.clock.advance(301);
        let late = send_code(&browser, &token, &phone.shows(&app, 0)).await;
        assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(late.body.contains("name=\"password\""), "it waited too long");
    }
}

#[tokio::test]
async fn security_c6_of_one_code_sent_four_times_at_once_one_is_taken() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let (phone, _) = set_up(&app, &app.signed_in("mara").await).await;
        let mut waiting = Vec::new();
        for _ in 0..4 {
            let browser = app.browser();
            let token = step(&browser.sign_in("mara", PASSWORD).await);
            waiting.push((browser, token));
        }
        let code = phone.shows(&app, 0);
        let answers = futures::future::join_all(
            waiting
                .iter()
                .map(|(browser, token)| send_code(browser, token, &code)),
        )
        .await;
        let taken = answers
            .iter()
            .filter(|a| a.status == StatusCode::SEE_OTHER)
            .count();
        assert_eq!(taken, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn security_c4_wrong_codes_are_throttled_and_a_known_password_does_not_clear_the_count() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        app.administrator("jonas").await;
        let browser = app.signed_in("mara").await;
        let (phone, _) = set_up(&app, &browser).await;
        let thief = app.browser();
        for n in 0..5 {
            let token = step(&thief.sign_in("mara", PASSWORD).await);
            let answer = send_code(&thief, &token, "000000").await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "try {n}");
        }
        let blocked = thief.sign_in("mara", PASSWORD).await;
        assert_eq!(blocked.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(blocked.header("retry-after"), "60");
        assert!(app.audited("authn_login_lock").await >= 1);

        let admin = app.signed_in("jonas").await;
        let page = admin.ports(&app).await.access.access_page().await.unwrap();
        let mara = page.operators.iter().find(|o| o.login == "mara").unwrap();
        assert_eq!(mara.slowed, Some(Slowed::Until(app.clock_now().plus_seconds(60))));
        assert!(mara.second_factor && !mara.needs_second_factor);
        assert!(
            page.operators
                .iter()
                .filter(|o| o.login != "mara")
                .all(|o| o.slowed.is_none())
        );
        assert!(
            admin
                .get("/access")
                .await
                .body
                .contains("Too many wrong passwords")
        );
        let unlock = [("act", "unlock"), ("operator", mara.operator_id.as_str())];
        app.clock.advance(10);
        assert_eq!(admin.post(ACCESS, &unlock).await.status, StatusCode::SEE_OTHER);
        assert!(
            !admin
                .get("/access")
                .await
                .body
                .contains("Too many wrong passwords")
        );
        let words = app.audit().await;
        assert!(
            words
                .iter()
                .any(|e| e == "authz_admin ok Let mara (mara) try to sign in again at once")
        );
        let (_, answer) = sign_in_with(&app, "mara", &phone.shows(&app, 0)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn security_c4_unlocking_opens_a_door_closed_for_good_and_needs_a_fresh_password() {
    let app = App::start().await;
    app.administrator("mara").await;
    let nora = app.person("nora", "Nora", &[]).await;
    {
        let mut conn = app.portal.db.write().await.unwrap();
        server::on!(conn, c => { sqlx::query(
            "INSERT INTO sign_in_failure (source_kind, source, failures, last_failed_at, blocked_until) \
             VALUES ('account', 'nora', 100, $1, $2)")
            .bind(app.clock_now().0).bind(i64::MAX).execute(c).await.unwrap(); });
        conn.commit().await.unwrap();
    }
    assert_eq!(
        app.browser().sign_in("nora", PASSWORD).await.status,
        StatusCode::CONFLICT
    );
    let admin = app.signed_in("mara").await;
    assert!(admin.get("/access").await.body.contains("no more tries"));
    let unlock = [("act", "unlock"), ("operator", nora.as_str())];
    app.clock.advance(301);
    assert_eq!(
        admin.post(ACCESS, &unlock).await.status,
        StatusCode::UNAUTHORIZED,
        "security_a16"
    );
    admin.step_up(PASSWORD).await;
    assert_eq!(admin.post(ACCESS, &unlock).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        app.browser().sign_in("nora", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn security_c7_a_recovery_code_opens_once_is_kept_as_a_hash_and_new_ones_replace_the_rest() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let (phone, codes) = set_up(&app, &app.signed_in("mara").await).await;
        let distinct: std::collections::HashSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), 10);
        let stored = app.everything_stored().await;
        for code in &codes {
            assert_eq!(code.len(), 19, "80 bits in base32, in groups of four");
            assert!(!stored.contains(code) && !stored.contains(&code.replace('-', "")));
        }
        let typed = codes[0].to_lowercase().replace('-', " ");
        let (browser, answer) = sign_in_with(&app, "mara", &typed).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        assert_eq!(answer.location(), "/");
        browser.get("/").await;
        assert!(
            browser
                .get("/sessions")
                .await
                .body
                .contains("9 recovery codes left")
        );
        assert!(
            browser
                .get("/account")
                .await
                .body
                .contains("9 recovery codes left")
        );
        assert_eq!(app.audited("authn_recovery_code_used").await, 1);
        let (_, again) = sign_in_with(&app, "mara", &codes[0]).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "once");

        app.clock.advance(301);
        let stale = browser.post(FACTOR, &[("act", "codes")]).await;
        assert_eq!(stale.status, StatusCode::UNAUTHORIZED, "security_a15");
        let code = phone.shows(&app, 0);
        let fields = [("password", PASSWORD), ("code", &code), ("next", "/account")];
        assert_eq!(
            browser.post("/step-up", &fields).await.status,
            StatusCode::SEE_OTHER
        );
        let made = browser.post(FACTOR, &[("act", "codes")]).await;
        let new = recovery_codes(&made.body);
        assert_eq!(new.len(), 10);
        let (_, old) = sign_in_with(&app, "mara", &codes[1]).await;
        assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY, "replaced");
        let (_, answer) = sign_in_with(&app, "mara", &new[1]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let jonas = app.administrator("jonas").await;
        let other = app.signed_in("jonas").await;
        set_up(&app, &other).await;
        let (_, foreign) = sign_in_with(&app, "jonas", &new[2]).await;
        assert_eq!(
            foreign.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{jonas}: somebody else's"
        );
    }
}

#[tokio::test]
async fn security_a16_a_step_up_asks_for_a_code_too() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let browser = app.signed_in("mara").await;
        let (phone, _) = set_up(&app, &browser).await;
        app.clock.advance(301);
        let protect = [
            ("act", "protect"),
            ("who", "account"),
            ("account", "a"),
            ("reason", "b"),
        ];
        let asked = browser.post(ACCESS, &protect).await;
        assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
        assert!(asked.body.contains("name=\"password\"") && asked.body.contains("name=\"code\""));
        let code = phone.shows(&app, 0);
        let said = async |password: &str, code: &str| {
            let fields = [("password", password), ("code", code), ("next", "/access")];
            let answer = browser.post("/step-up", &fields).await;
            (
                answer.status,
                answer.body.contains("The password or the code is not right."),
            )
        };
        let refused = (StatusCode::UNPROCESSABLE_ENTITY, true);
        assert_eq!(said(PASSWORD, "").await, refused);
        assert_eq!(said(PASSWORD, "000000").await, refused);
        assert_eq!(
            said("not mine at all", &code).await,
            refused,
            "nothing tells which"
        );
        assert_eq!(
            browser.post(ACCESS, &protect).await.status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(said(PASSWORD, &code).await, (StatusCode::SEE_OTHER, false));
        assert_eq!(browser.post(ACCESS, &protect).await.status, StatusCode::SEE_OTHER);
        assert_eq!(said(PASSWORD, &code).await, refused, "each code once, here too");

        app.clock.advance(301);
        let new = "seven gulls over the quay";
        let fields = [
            ("act", "password"),
            ("current", PASSWORD),
            ("new", new),
            ("again", new),
        ];
        assert_eq!(
            browser.post("/account/act", &fields).await.status,
            StatusCode::UNAUTHORIZED,
            "the password alone is no full authentication any more"
        );
    }
}

#[tokio::test]
async fn security_e5_without_its_key_a_seed_opens_nothing_and_a_recovery_code_still_does() {
    let app = App::start().await;
    app.administrator("mara").await;
    let (phone, codes) = set_up(&app, &app.signed_in("mara").await).await;
    std::fs::remove_file(app.config.data_dir.join("factor.key")).unwrap();
    let other = Browser::at(&app.second_node().await);
    let token = step(&other.sign_in("mara", PASSWORD).await);
    let broken = send_code(&other, &token, &phone.shows(&app, 0)).await;
    assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
    let answer = send_code(&other, &token, &codes[0]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(other.is_in().await);
    let ports = other.ports(&app).await;
    let page = ports.access.access_page().await.unwrap();
    assert!(page.roles[0].permissions.contains(&Permission::ManageAccess));
}
