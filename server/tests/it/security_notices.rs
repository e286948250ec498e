//! Security checklist C9: people are told of what opens their account, where they did it or somebody else did.

use reqwest::StatusCode;

use crate::harness::{App, Browser, Engine, PASSWORD};
use crate::phone::{FACTOR, set_up};

const ACCESS: &str = "/access/act";
const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
const NEW_PASSWORD: &str = "seven gulls over the quay";

/// A browser at the address of another one, with somebody signed in.
async fn beside(app: &App, other: &Browser, login: &str, password: &str) -> Browser {
    let mut browser = app.browser();
    browser.address = other.address;
    let answer = browser.sign_in(login, password).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    browser
}

/// What stands above the pages of a browser's person, in the order of the alphabet: the clock stands still.
async fn told(app: &App, browser: &Browser) -> Vec<String> {
    let frame = browser.ports(app).await.signin.frame().await.unwrap();
    let page = browser.get("/account").await.body;
    for notice in &frame.notices {
        assert!(page.contains(&notice.words), "{}", notice.words);
    }
    let mut words: Vec<String> = frame.notices.into_iter().map(|notice| notice.words).collect();
    words.sort();
    words
}

/// Says of every notice that it is known, by the forms of the page.
async fn all_known(app: &App, browser: &Browser) {
    for notice in browser.ports(app).await.signin.frame().await.unwrap().notices {
        let fields = [
            ("act", "known"),
            ("notice", notice.notice_id.as_str()),
            ("next", "/sessions"),
        ];
        let answer = browser.post("/account/act", &fields).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/sessions")
        );
    }
}

/// The events webhooks are told.
async fn events(app: &App) -> Vec<String> {
    let mut conn = app.portal.db.read().await.unwrap();
    server::on!(conn, c => sqlx::query_scalar(
        "SELECT data FROM outbox WHERE kind = 'account.notice'")
        .fetch_all(c).await.unwrap())
}

#[tokio::test]
async fn security_c9_a_changed_password_or_factor_is_told_in_every_other_sign_in() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let browser = app.signed_in("mara").await;
        let other = beside(&app, &browser, "mara", PASSWORD).await;
        assert!(told(&app, &other).await.is_empty());
        let change = [
            ("act", "password"),
            ("current", PASSWORD),
            ("new", NEW_PASSWORD),
            ("again", NEW_PASSWORD),
        ];
        let done = browser.post("/account/act", &change).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert_eq!(told(&app, &other).await, ["Your password was changed."]);
        assert!(told(&app, &browser).await.is_empty(), "it was done here");

        // Who did it can't make the notice go away; their own person can, and finds it on the account page still.
        let open = other.ports(&app).await.signin.frame().await.unwrap().notices;
        let id = open[0].notice_id.as_str();
        browser
            .post("/account/act", &[("act", "known"), ("notice", id)])
            .await;
        app.person("nora", "Nora", &[]).await;
        let nora = app.signed_in("nora").await;
        nora.post("/account/act", &[("act", "known"), ("notice", id)])
            .await;
        assert_eq!(told(&app, &other).await.len(), 1);
        all_known(&app, &other).await;
        assert!(told(&app, &other).await.is_empty());
        let page = other.get("/account").await.body;
        assert!(page.contains("Your password was changed.") && !page.contains("I know of this"));

        let (_, codes) = set_up(&app, &browser).await;
        let after = app.browser();
        let waiting = after.sign_in("mara", NEW_PASSWORD).await;
        let token = crate::phone::step(&waiting);
        let entered = crate::phone::send_code(&after, &token, &codes[0]).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.body);
        assert_eq!(
            told(&app, &after).await,
            ["A second factor was set up for your account."],
            "what this very sign-in did is told elsewhere"
        );
        let there = told(&app, &browser).await;
        assert_eq!(there.len(), 2, "{there:?}");
        assert!(there.iter().any(|w| w == "One of your recovery codes was used."));
        let address = after.address.to_string();
        assert!(
            there
                .iter()
                .any(|w| w.contains("never used before") && w.contains(&address))
        );
        all_known(&app, &browser).await;
        after.post(FACTOR, &[("act", "codes")]).await;
        after.post(FACTOR, &[("act", "remove")]).await;
        assert_eq!(
            told(&app, &browser).await,
            [
                "New recovery codes were made; the old ones are good for nothing.",
                "Your second factor was removed."
            ]
        );
        let mut told: Vec<String> = events(&app)
            .await
            .iter()
            .map(|data| {
                let data: serde_json::Value = serde_json::from_str(data).unwrap();
                assert_eq!(data["login"], "mara");
                assert_eq!(
                    data.as_object().unwrap().len(),
                    2,
                    "no address, no session, no name"
                );
                data["what"].as_str().unwrap().to_owned()
            })
            .collect();
        told.sort();
        assert_eq!(
            told,
            [
                "factor_removed",
                "factor_set_up",
                "new_address",
                "password_changed",
                "recovery_code_used",
                "recovery_codes_renewed"
            ]
        );
    }
}

#[tokio::test]
async fn security_c9_who_is_freed_of_a_factor_or_gets_a_password_learns_by_whom() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let hedda = app.person("hedda", "Hedda", &[]).await;
        let (admin, browser) = (app.signed_in("mara").await, app.signed_in("hedda").await);
        set_up(&app, &browser).await;
        let reset = [("act", "reset-factor"), ("operator", hedda.as_str())];
        assert_eq!(admin.post(ACCESS, &reset).await.status, StatusCode::SEE_OTHER);
        let back = beside(&app, &browser, "hedda", PASSWORD).await;
        let words = told(&app, &back).await;
        assert_eq!(
            words,
            [
                "A second factor was set up for your account.",
                "Your second factor was removed by mara."
            ]
        );
        assert!(told(&app, &admin).await.is_empty());
        all_known(&app, &back).await;

        let access = admin.ports(&app).await.access;
        let link = access.reset_operator(hedda.clone()).await.unwrap();
        let code = link.url.split_once('#').unwrap().1.to_owned();
        let thief = app.browser();
        let fields = [
            ("code", code.as_str()),
            ("new", NEW_PASSWORD),
            ("again", NEW_PASSWORD),
        ];
        assert_eq!(
            thief.post("/welcome", &fields).await.status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            told(&app, &thief).await,
            ["Your password was set by a one-time link."],
            "that it came from a new address is told elsewhere"
        );
    }
}

#[tokio::test]
async fn security_c9_an_address_never_seen_before_is_told_once_and_hidden_on_a_shared_screen() {
    for engine in ENGINES {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        let home = app.signed_in("mara").await;
        assert!(told(&app, &home).await.is_empty(), "the first address is no news");
        beside(&app, &home, "mara", PASSWORD).await;
        assert!(told(&app, &home).await.is_empty());
        let away = app.signed_in("mara").await;
        let address = away.address.to_string();
        let words = format!("You signed in from an address you never used before: {address}.");
        assert_eq!(told(&app, &home).await, [words.as_str()]);
        assert!(
            told(&app, &away).await.is_empty(),
            "a thief must not be the one who knows of it"
        );
        beside(&app, &away, "mara", PASSWORD).await;
        assert_eq!(told(&app, &home).await.len(), 1, "by then it is known");
        assert_eq!(app.audited("authn_new_address").await, 1);
        home.post("/account/act", &[("act", "screen-share"), ("on", "1")])
            .await;
        assert_eq!(
            told(&app, &home).await,
            ["You signed in from an address you never used before."]
        );
        assert!(!home.get("/account").await.body.contains(&address));

        // A year later nobody is told any more, and the address is news again.
        app.clock.advance(366 * 86_400);
        app.portal.signin.sweep().await.unwrap();
        let home = beside(&app, &home, "mara", PASSWORD).await;
        assert!(told(&app, &home).await.is_empty());
        beside(&app, &away, "mara", PASSWORD).await;
        assert_eq!(told(&app, &home).await, [words]);
    }
}
