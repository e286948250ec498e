//! Second factors by the house's say (security C1, C6): needed by a role, taken away by an administrator, and what does
//! not stand in for one.

use app::access::wire::Scope;
use app::error::AppError;
use reqwest::StatusCode;

use crate::harness::{App, Engine, PASSWORD};
use crate::phone::{FACTOR, send_code, set_up, step};

const ACCESS: &str = "/access/act";
const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

#[tokio::test]
async fn security_c1_a_role_that_needs_a_second_factor_opens_nothing_before_it() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        app.person("hedda", "Hedda", &[("auditor", Scope::EVERYWHERE)])
            .await;
        app.person("nora", "Nora", &[]).await;
        let admin = app.signed_in("mara").await;
        let before = app.signed_in("hedda").await;
        assert_eq!(before.get("/audit").await.status, StatusCode::OK);
        let ask = [("act", "ask-factor"), ("role", "auditor"), ("needed", "yes")];
        assert_eq!(admin.post(ACCESS, &ask).await.status, StatusCode::SEE_OTHER);
        app.portal.access.ensure_built_in_roles().await.unwrap();

        let led = before.get("/audit?q=1").await;
        assert_eq!(led.status, StatusCode::SEE_OTHER, "it acts with the next request");
        assert_eq!(led.location(), "/second-factor?then=/audit%3Fq%3D1");
        let browser = app.signed_in("hedda").await;
        for path in [
            "/",
            "/audit",
            "/account",
            "/frame",
            "/systems",
            "/no/such",
            "/audit/export.csv",
        ] {
            let led = browser.get(path).await;
            assert_eq!(led.status, StatusCode::SEE_OTHER, "{path}");
            assert!(led.location().starts_with("/second-factor"), "{path}");
        }
        for path in ["/live?topic=sessions", "/sessions/count?q=a"] {
            assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        for (path, act) in [("/account/act", "end-others"), ("/access/act", "disable")] {
            let led = browser.post(path, &[("act", act)]).await;
            assert!(led.location().starts_with("/second-factor"), "{path}");
        }
        assert!(
            before.get("/second-factor").await.status == StatusCode::OK,
            "nothing was ended"
        );
        // Below HTTP as well.
        let ports = browser.ports(&app).await;
        let audit = ports.audit.audit_page(Default::default()).await.err();
        assert_eq!(audit, Some(AppError::FactorFirst));
        assert_eq!(
            ports.signin.my_sessions().await.err(),
            Some(AppError::FactorFirst)
        );
        let ended = ports.signin.end_my_other_sessions().await.err();
        assert_eq!(ended, Some(AppError::FactorFirst));
        assert!(ports.signin.frame().await.unwrap().permissions.is_empty());

        let page = admin.ports(&app).await.access.access_page().await.unwrap();
        let hedda = page.operators.iter().find(|o| o.login == "hedda").unwrap();
        assert!(hedda.needs_second_factor && !hedda.second_factor);
        assert!(
            page.roles
                .iter()
                .all(|r| r.needs_second_factor == (r.role_id.as_str() == "auditor"))
        );
        set_up(&app, &browser).await;
        assert_eq!(browser.get("/audit").await.status, StatusCode::OK);
        let kept = browser.post(FACTOR, &[("act", "remove")]).await;
        assert_eq!(kept.status, StatusCode::CONFLICT, "a role needs it");
        assert_eq!(
            app.signed_in("nora").await.get("/account").await.status,
            StatusCode::OK,
            "others are asked for nothing"
        );
        let ask = [("act", "ask-factor"), ("role", "auditor"), ("needed", "no")];
        app.clock.advance(0);
        assert_eq!(admin.post(ACCESS, &ask).await.status, StatusCode::SEE_OTHER);
        let gone = browser.post(FACTOR, &[("act", "remove")]).await;
        assert_eq!(gone.status, StatusCode::SEE_OTHER);
        assert_eq!(
            app.browser().sign_in("hedda", PASSWORD).await.status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(app.audited("privilege_permissions_changed").await, 2);
    }
}

#[tokio::test]
async fn security_c1_only_a_grant_in_force_asks_for_a_second_factor() {
    let app = App::start().await;
    app.administrator("mara").await;
    let nora = app.person("nora", "Nora", &[]).await;
    let admin = app.signed_in("mara").await;
    let browser = app.signed_in("nora").await;
    let ask = [("act", "ask-factor"), ("role", "auditor"), ("needed", "yes")];
    admin.post(ACCESS, &ask).await;
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    let end = app::civil::Civil::at(app.clock_now().plus_seconds(600), 0).field();
    let give = [
        ("act", "grant"),
        ("operator", nora.as_str()),
        ("role", "auditor"),
        ("places", "everywhere"),
        ("people", "everybody"),
        ("expires", end.as_str()),
        ("reason", "one look"),
    ];
    assert_eq!(admin.post(ACCESS, &give).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER);
    app.clock.advance(660);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK, "it ran out");
}

#[tokio::test]
async fn security_c6_an_administrator_frees_somebody_of_a_lost_factor_but_not_themselves() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        let mara = app.administrator("mara").await;
        let hedda = app
            .person("hedda", "Hedda", &[("auditor", Scope::EVERYWHERE)])
            .await;
        let admin = app.signed_in("mara").await;
        let browser = app.signed_in("hedda").await;
        let (phone, codes) = set_up(&app, &browser).await;
        let waiting = app.browser();
        let token = step(&waiting.sign_in("hedda", PASSWORD).await);
        let own = [("act", "reset-factor"), ("operator", mara.as_str())];
        assert_eq!(admin.post(ACCESS, &own).await.status, StatusCode::CONFLICT);
        let reset = [("act", "reset-factor"), ("operator", hedda.as_str())];
        assert_eq!(browser.post(ACCESS, &reset).await.status, StatusCode::FORBIDDEN);
        assert_eq!(admin.post(ACCESS, &reset).await.status, StatusCode::SEE_OTHER);
        assert!(!browser.is_in().await, "the lost device may be in use");
        let late = send_code(&waiting, &token, &phone.shows(&app, 0)).await;
        assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
        let late = send_code(&waiting, &token, &codes[0]).await;
        assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
        let ask = [("act", "ask-factor"), ("role", "auditor"), ("needed", "yes")];
        admin.post(ACCESS, &ask).await;
        let again = app.signed_in("hedda").await;
        assert!(again.get("/audit").await.location().starts_with("/second-factor"));
        let words = app.audit().await;
        assert!(
            words
                .iter()
                .any(|e| e == "authn_factor_change ok Removed the second factor of Hedda (hedda)")
        );
    }
}

#[tokio::test]
async fn security_c13_a_one_time_link_does_not_stand_in_for_the_second_factor() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let jonas = app
            .person("jonas", "Jonas", &[("helpdesk", Scope::EVERYWHERE)])
            .await;
        let admin = app.signed_in("mara").await;
        let (phone, _) = set_up(&app, &app.signed_in("jonas").await).await;
        let port = admin.ports(&app).await.access;
        let link = port.reset_operator(jonas.clone()).await.unwrap();
        let code = link.url.split_once('#').unwrap().1.to_owned();
        let new = "seven gulls over the quay";
        let browser = app.browser();
        let fields = [("code", code.as_str()), ("new", new), ("again", new)];
        let asked = browser.post("/welcome", &fields).await;
        let token = step(&asked);
        assert!(browser.cookie().is_none());
        let answer = send_code(&browser, &token, &phone.shows(&app, 0)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(browser.is_in().await);
    }
}

#[tokio::test]
async fn security_c6_the_command_line_removes_the_last_administrators_factor() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        set_up(&app, &app.signed_in("mara").await).await;
        let link = app.portal.access.admin_reset("mara").await.unwrap();
        let code = link.url.split_once('#').unwrap().1.to_owned();
        let new = "seven gulls over the quay";
        let browser = app.browser();
        let fields = [("code", code.as_str()), ("new", new), ("again", new)];
        assert_eq!(
            browser.post("/welcome", &fields).await.status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(browser.get("/access").await.status, StatusCode::OK);
        let words = app.audit().await;
        assert!(
            words
                .iter()
                .any(|e| e == "authn_factor_change ok Removed the second factor of mara")
        );
    }
}
