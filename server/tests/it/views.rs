//! Saved views: addresses under a name. Sharing one gives nobody a right.

use app::access::wire::Scope;
use app::sessions::views::wire::ViewEdit;
use app::wire::{Count, ViewId};
use reqwest::StatusCode;
use server::keys::HashKey;
use server::sessions::testing::{self, Seed};

use crate::harness::{App, Browser, Engine, MORNING};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// Ann is in both systems, Ben in one; Mara administers, Dora helps in one system, Oda audits.
async fn estate(engine: Engine) -> App {
    let app = App::start_with(engine, |_| {}).await;
    let mut conn = app.portal.db.write().await.unwrap();
    for system in ["domo", "keycloak"] {
        testing::insert_system(&mut conn, system, MORNING).await.unwrap();
    }
    let seed = |system: &str, account: &str| Seed {
        system_id: system.to_owned(),
        account_id: account.to_owned(),
        account_name: account.to_owned(),
        display_name: account.to_owned(),
        ip: Some("10.1.2.3".to_owned()),
        last_active_at: Some(MORNING.0),
        ..Seed::default()
    };
    let seeds = [
        seed("domo", "ann"),
        seed("keycloak", "ann"),
        seed("keycloak", "ben"),
    ];
    testing::insert(&mut conn, &HashKey::new([7; 32]), &seeds)
        .await
        .unwrap();
    conn.commit().await.unwrap();
    app.administrator("mara").await;
    app.person("dora", "Dora", &[("helpdesk", Scope::systems(["domo"]))])
        .await;
    app.person("oda", "Oda", &[("auditor", Scope::systems(["domo"]))])
        .await;
    app
}

async fn save(browser: &Browser, name: &str, query: &str, role: &str) -> crate::harness::Answer {
    let fields = [
        ("act", "save"),
        ("name", name),
        ("query", query),
        ("role", role),
        ("next", "/sessions"),
    ];
    browser.post("/sessions/views/act", &fields).await
}

/// The views somebody finds, with how many sessions each means for them.
async fn found(app: &App, browser: &Browser) -> Vec<(String, Option<Count>)> {
    let page = browser.ports(app).await.views.views_page().await.unwrap();
    let names = page.views.views.into_iter().map(|view| view.name);
    names.zip(page.counts).collect()
}

async fn id_of(app: &App, browser: &Browser, name: &str) -> ViewId {
    let views = browser.ports(app).await.views.views().await.unwrap();
    let view = views.views.into_iter().find(|view| view.name == name);
    view.unwrap().view_id
}

#[tokio::test]
async fn ui_j3_a_shared_view_widens_nobody_s_rights() {
    for engine in BOTH {
        let app = estate(engine).await;
        let (mara, dora, oda) = (
            app.signed_in("mara").await,
            app.signed_in("dora").await,
            app.signed_in("oda").await,
        );
        assert_eq!(
            save(&mara, "Anns", "q=ann&sort=person&sel=x&after=y", "helpdesk")
                .await
                .status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            save(&mara, "Keycloak", "system=keycloak", "helpdesk")
                .await
                .status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            save(&mara, "Yard", "ip=10.0.0.0/8", "auditor").await.status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            save(&mara, "Mine", "q=ben", "").await.status,
            StatusCode::SEE_OTHER
        );

        // The same view, two readers: each gets what their own grants show, in number and in rows.
        let exactly = |name: &str, n| (name.to_owned(), Some(Count::Exactly(n)));
        assert_eq!(
            found(&app, &mara).await,
            [
                exactly("Anns", 2),
                exactly("Keycloak", 2),
                exactly("Mine", 1),
                exactly("Yard", 3)
            ]
        );
        assert_eq!(
            found(&app, &dora).await,
            [exactly("Anns", 1), exactly("Keycloak", 0)]
        );
        let page = dora.get("/sessions").await.body;
        assert!(
            page.contains("href=\"/sessions?q=ann&amp;sort=person\""),
            "no page, no selection"
        );
        let keycloak = dora.get("/sessions?system=keycloak").await.body;
        assert!(
            !keycloak.contains("ben") && !keycloak.contains("data-label=\"Person\""),
            "{keycloak}"
        );
        // Who may not ask by address is told so, and gets no number.
        assert_eq!(found(&app, &oda).await, [("Yard".to_owned(), None)]);

        // Found is not owned: others can't change it, nor what they do not find.
        for name in ["Anns", "Mine"] {
            let id = id_of(&app, &mara, name).await;
            for act in ["edit", "delete"] {
                let fields = [("act", act), ("view", id.as_str()), ("name", "Hers")];
                assert_eq!(
                    dora.post("/sessions/views/act", &fields).await.status,
                    StatusCode::NOT_FOUND,
                    "{act} {name}"
                );
            }
        }
        let id = id_of(&app, &mara, "Mine").await;
        let start = [("act", "start"), ("view", id.as_str())];
        assert_eq!(
            dora.post("/sessions/views/act", &start).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(found(&app, &mara).await.len(), 4);

        // Nobody shares with a role that is not theirs to speak to.
        let refused = save(&dora, "Everybody", "", "administrator").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("You can share with roles you hold"));
        assert_eq!(
            save(&dora, "Night", "q=a", "helpdesk").await.status,
            StatusCode::SEE_OTHER
        );

        // Who loses the role finds the view no more; what was shared is in the log, what was not is not.
        let access = mara.ports(&app).await.access;
        let grants = access.access_page().await.unwrap().grants;
        let of_dora = grants
            .into_iter()
            .find(|g| g.role_id.as_str() == "helpdesk")
            .unwrap();
        access.revoke_grant(of_dora.grant_id).await.unwrap();
        assert!(dora.ports(&app).await.views.views().await.is_err());
        let told: Vec<String> = app
            .audit()
            .await
            .into_iter()
            .filter(|e| e.starts_with("shared_view_changed"))
            .collect();
        assert_eq!(
            told,
            ["Anns", "Keycloak", "Yard", "Night"].map(|name| format!("shared_view_changed ok View {name}"))
        );
    }
}

#[tokio::test]
async fn ui_j3_views_are_named_started_with_changed_and_deleted() {
    for engine in BOTH {
        let app = estate(engine).await;
        let mara = app.signed_in("mara").await;
        let port = mara.ports(&app).await.views;
        assert_eq!(mara.get("/").await.location(), "/sessions");
        for (name, query) in [
            ("", "q=a"),
            (&*"x".repeat(61), "q=a"),
            ("A\u{7}", "q=a"),
            ("A", "no=such"),
        ] {
            assert_eq!(
                save(&mara, name, query, "").await.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{name:?} {query}"
            );
        }
        port.save_view(
            ViewEdit {
                name: " Anns ".to_owned(),
                role: None,
            },
            "?q=ann".to_owned(),
            true,
        )
        .await
        .unwrap();
        let again = save(&mara, "anns", "q=b", "").await;
        assert!(again.body.contains("A view of yours has this name already"));
        assert!(again.body.contains("value=\"anns\""), "what was typed is kept");

        assert_eq!(mara.get("/").await.location(), "/sessions?q=ann");
        let shown = mara.get("/sessions?q=ann").await.body;
        assert!(
            shown.contains("aria-current=\"page\" class=\"view-link\"><bdi>Anns</bdi>"),
            "{shown}"
        );
        assert!(mara.get("/sessions/views").await.body.contains("Start page"));

        let id = id_of(&app, &mara, "Anns").await;
        let edit = ViewEdit {
            name: "ANNS".to_owned(),
            role: Some("helpdesk".into()),
        };
        port.edit_view(id.clone(), edit).await.unwrap();
        let edit = ViewEdit {
            name: "Ann".to_owned(),
            role: None,
        };
        port.edit_view(id.clone(), edit).await.unwrap();
        assert_eq!(app.audited("shared_view_changed").await, 2, "shared, taken back");
        let fields = [
            ("act", "delete"),
            ("view", id.as_str()),
            ("next", "/sessions/views"),
        ];
        assert_eq!(
            mara.post("/sessions/views/act", &fields).await.location(),
            "/sessions/views"
        );
        assert!(
            mara.get("/sessions/views")
                .await
                .body
                .contains("“Ann” is deleted.")
        );
        assert_eq!(found(&app, &mara).await, []);
        assert_eq!(
            mara.get("/").await.location(),
            "/sessions",
            "a start page that is gone is none"
        );
        assert_eq!(
            app.audited("shared_view_changed").await,
            2,
            "it was not shared any more"
        );

        for n in 0..50 {
            assert_eq!(
                save(&mara, &format!("View {n}"), "", "").await.status,
                StatusCode::SEE_OTHER
            );
        }
        assert_eq!(save(&mara, "One more", "", "").await.status, StatusCode::CONFLICT);
    }
}
