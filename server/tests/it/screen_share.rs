//! Who shares their screen sees network data nowhere in that sign-in, as somebody without the permission to.

use app::access::wire::{NewGrant, Permission, RoleEdit, Scope};
use app::sessions::query::SessionQuery;
use reqwest::StatusCode;

use crate::harness::{App, Browser, Engine, PASSWORD};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// The switch, as its form in the account menu sends it.
async fn share(browser: &Browser, on: bool) {
    let fields = [
        ("act", "screen-share"),
        ("on", if on { "1" } else { "0" }),
        ("next", "/sessions"),
    ];
    let answer = browser.post("/account/act", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(answer.location(), "/sessions");
    let told = if on {
        "are hidden in this sign-in"
    } else {
        "are shown again"
    };
    assert!(browser.get("/sessions").await.body.contains(told));
}

/// Sam may do all that an administrator may, but see network data.
async fn everything_but_network_data(app: &App, admin: &Browser) -> Browser {
    let access = admin.ports(app).await.access;
    let role = RoleEdit {
        role_id: None,
        name: "Everything but addresses".to_owned(),
        permissions: Permission::ALL
            .into_iter()
            .filter(|p| *p != Permission::SeeNetworkData)
            .collect(),
    };
    access.save_role(role).await.unwrap();
    let page = access.access_page().await.unwrap();
    let role = page
        .roles
        .iter()
        .find(|r| r.name.starts_with("Everything but"))
        .unwrap();
    let sam = app.person("sam", "Sam", &[]).await;
    let grant = NewGrant {
        operator_id: sam,
        role_id: role.role_id.clone(),
        scope: Scope::EVERYWHERE,
        expires_at: None,
        reason: "test".to_owned(),
    };
    access.give_grant(grant).await.unwrap();
    app.signed_in("sam").await
}

/// The part of `text` between two marks; all of it where they are not.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let inner = text.split_once(from).map_or(text, |(_, rest)| rest);
    inner.split_once(to).map_or(inner, |(inner, _)| inner)
}

/// What a page shows, without its frame and what differs from one drawing to the next.
fn content(path: &str, body: &str) -> String {
    let shown = match path.starts_with("/audit?") {
        // Beside the entries it counts those of everybody.
        true => between(body, "<tbody", "</tbody>"),
        false => between(body, "<main", "</main>"),
    };
    let mut text = shown.to_owned();
    for mark in ["nonce=\"", "data-version=\""] {
        while let Some(at) = text.find(mark) {
            let end = text[at + mark.len()..].find('"').unwrap();
            text.replace_range(at..at + mark.len() + end + 1, "");
        }
    }
    text
}

async fn look(browser: &Browser, paths: &[String]) -> Vec<(StatusCode, String)> {
    let mut seen = Vec::new();
    for path in paths {
        let answer = browser.get(path).await;
        seen.push((answer.status, content(path, &answer.body)));
    }
    seen
}

#[tokio::test]
async fn security_b4_a_shared_screen_shows_what_somebody_without_network_data_sees() {
    for engine in BOTH {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        app.person("ben", "Ben Ode", &[]).await;
        let ben = app.signed_in("ben").await;
        let mara = app.signed_in("mara").await;
        let mut elsewhere = app.browser();
        elsewhere.address = mara.address;
        elsewhere.sign_in("mara", PASSWORD).await;
        let sam = everything_but_network_data(&app, &mara).await;
        app.collect().await;
        let ip = ben.address.to_string();
        let bens = |more: &str| format!("/sessions?person=ben{more}");
        let paths = [
            bens(""),
            bens(&format!("&q={ip}")),
            bens("&q=chrome"),
            bens(&format!("&ip={ip}")),
            bens("&browser=chrome"),
            bens("&os=linux"),
            bens("&sort=ip"),
            bens("&sort=client"),
            format!("/sessions/count?q={ip}"),
            format!("/sessions/count?ip={ip}"),
            "/sessions/count?q=chrome".to_owned(),
            "/audit?who=ben".to_owned(),
            "/audit/export.jsonl?who=ben".to_owned(),
            "/audit/export.csv?who=ben".to_owned(),
        ];
        let before = look(&mara, &paths).await;
        let without = look(&sam, &paths).await;
        for (at, what) in [(0, "list"), (11, "log"), (12, "file"), (13, "table")] {
            assert!(before[at].1.contains(&ip), "{what}: {}", before[at].1);
            assert!(!without[at].1.contains(&ip), "{what}");
        }

        share(&mara, true).await;
        let page = mara.get("/sessions").await.body;
        assert!(page.contains("Network data hidden") && !page.contains(&ip));
        for ((path, seen), wanted) in paths.iter().zip(look(&mara, &paths).await).zip(&without) {
            assert_eq!(&seen, wanted, "{path}");
        }

        // Nor is one's own shown, where everybody may see their own.
        let own = mara.address.to_string();
        for path in ["/account", "/audit?who=mara", "/audit/export.jsonl?who=mara"] {
            assert!(elsewhere.get(path).await.body.contains(&own), "{path}");
            assert!(!mara.get(path).await.body.contains(&own), "{path}");
        }

        // The other sign-in of the same person is not touched, and off again shows what it did.
        assert_eq!(look(&elsewhere, &paths).await, before);
        assert!(
            !elsewhere
                .get("/sessions")
                .await
                .body
                .contains("Network data hidden")
        );
        share(&mara, true).await;
        assert_eq!(
            app.audited("session_screen_share").await,
            1,
            "it was hidden already"
        );
        share(&mara, false).await;
        assert_eq!(app.audited("session_screen_share").await, 2);
        assert_eq!(look(&mara, &paths).await, before);
        share(&mara, true).await;
        mara.sign_in("mara", PASSWORD).await;
        assert!(!mara.get("/sessions").await.body.contains("Network data hidden"));
    }
}

#[tokio::test]
async fn hiding_network_data_takes_nothing_else_away() {
    for engine in BOTH {
        let app = App::start_with(engine, |_| {}).await;
        app.administrator("mara").await;
        app.administrator("jonas").await;
        let (mara, _jonas) = (app.signed_in("mara").await, app.signed_in("jonas").await);
        app.collect().await;
        share(&mara, true).await;
        let ports = mara.ports(&app).await;
        let list = ports
            .sessions
            .list_sessions(SessionQuery::default(), true)
            .await
            .unwrap();
        let his = list.rows.iter().find(|r| r.account_name == "jonas").unwrap();
        assert_eq!(
            his.cannot_end, None,
            "another administrator is no higher than before"
        );
    }
}
