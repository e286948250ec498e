//! The Tickets page on a simulated Tableau: a test and a look with real tickets, what they leave behind, and who sees it.

use std::sync::Arc;

use app::access::wire::{NewGrant, Permission, RoleEdit, Scope};
use app::tickets::wire::{LoginViewSeen, SiteReady, TicketTestAsked};
use reqwest::StatusCode;
use server::clock::SystemClock;
use server::config::Config;
use server::simulators::tableau::TableauServer;
use server::simulators::tableau::faults::{Bad, Call, Faults};
use server::simulators::tableau::release::Release;
use server::simulators::tableau::rows::SiteRole;
use server::simulators::tableau::shape::Shape;
use server::simulators::tableau::trusted::LOGIN_VIEW;

use crate::harness::{App, Browser, Engine};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// A portal with one Tableau and two apps, and its administrator's browser.
struct Far {
    tableau: TableauServer,
    app: App,
    admin: Browser,
}

async fn far(engine: Engine) -> Far {
    let release = Release::named("2025.3").unwrap();
    let mut tableau = TableauServer::start(Arc::new(SystemClock), Shape::of(release))
        .await
        .unwrap();
    tableau.model(|model, now| {
        let sales = model.add_site("Sales", "Sales");
        let ann = model.add_person("ann", "Ann", None);
        for site in [1, sales] {
            model.join(ann, site, SiteRole::Viewer, now);
        }
    });
    let mut system = tableau.settings("Tableau HQ").unwrap();
    system.simulated = false;
    let app = App::start_with(engine, |config: &mut Config| {
        config.systems = vec![("hq".to_owned(), system)].into_iter().collect();
        let entry = |id: &str, sites: &[&str]| {
            serde_json::from_value(serde_json::json!({
                "id": id, "system": "hq", "sites": sites,
                "keys": [{ "algorithm": "HS256", "secret": "env:PATH" }],
            }))
            .unwrap()
        };
        config.broker.apps = vec![entry("intranet", &["", "Sales"]), entry("lab", &["nowhere"])];
    })
    .await;
    app.administrator("hedda").await;
    let admin = app.signed_in("hedda").await;
    Far { tableau, app, admin }
}

impl Far {
    /// Sends the page's form, and gives the page it leads to.
    async fn act(&self, act: &str, site: &str, user: &str) -> String {
        let fields = [("act", act), ("app", "intranet"), ("site", site), ("user", user)];
        let answer = self.admin.post("/tickets/act", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        self.admin.get(answer.location()).await.body
    }

    async fn site(&self, name: &str) -> SiteReady {
        let ready = self
            .admin
            .ports(&self.app)
            .await
            .tickets
            .readiness()
            .await
            .unwrap();
        let mut sites = ready.sites.into_iter();
        sites.find(|site| site.site == name).unwrap()
    }

    /// What the site's look found last.
    async fn seen(&self, site: &str) -> (LoginViewSeen, Option<bool>) {
        let look = self.site(site).await.look.unwrap();
        (look.seen, look.reuse_blocked)
    }
}

#[tokio::test]
async fn a_test_says_what_came_and_leaves_a_request_found_by_its_reference() {
    for engine in BOTH {
        let far = far(engine).await;
        let page = far.act("test", "", "ann").await;
        assert!(page.contains("A ticket came. It was thrown away"), "{page}");
        let page = far.act("test", "Sales", "nobody").await;
        assert!(page.contains("Refused by Tableau") && page.contains("Request T-"));
        assert!(
            page.contains("Invalid user: &lt;name&gt;"),
            "the causes stand with it"
        );
        assert_eq!(
            far.tableau.model(|model, _| model.refusals()),
            ["Invalid user: nobody"]
        );
        assert_eq!(far.tableau.calls(Call::Trusted), 2);
        assert_eq!(far.tableau.calls(Call::Redeem), 0, "a test redeems nothing");
        for (bad, words) in [
            (Bad::Html(200), "Web page instead"),
            (Bad::Garbage, "Odd answer"),
            (Bad::Empty(503), "Odd answer"),
        ] {
            far.tableau
                .faults(|faults| faults.bad = [(Call::Trusted, bad.clone())].into());
            assert!(far.act("test", "", "ann").await.contains(words), "{bad:?}");
        }
        assert_eq!(far.app.audited("ticket_tested").await, 5, "{engine:?}");

        let unknown = [
            ("act", "test"),
            ("app", "intranet"),
            ("site", "nowhere"),
            ("user", "ann"),
        ];
        let answer = far.admin.post("/tickets/act", &unknown).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains("not in the app\u{2019}s list"));
        assert!(answer.body.contains("value=\"nowhere\""), "what was typed stays");
    }
}

#[tokio::test]
async fn a_look_redeems_signs_out_and_tries_again_and_a_site_that_is_not_ready_says_what_to_do() {
    for engine in BOTH {
        let far = far(engine).await;
        let before = far.tableau.rows().sessions.len();
        assert!(far.site("").await.look.is_none(), "nobody has looked");
        let page = far.act("look", "Sales", "ann").await;
        assert!(
            page.contains("The login view Login/Login came, and its session was signed out."),
            "{page}"
        );
        assert_eq!(far.seen("Sales").await, (LoginViewSeen::Shown, Some(true)));
        assert_eq!(
            far.tableau.rows().sessions.len(),
            before,
            "no session is left behind"
        );

        far.tableau
            .faults(|faults| faults.ticket_reuse_after_sign_out = true);
        let page = far.act("look", "Sales", "ann").await;
        assert!(page.contains("sign-out does not hold on this build"), "{page}");
        assert_eq!(far.seen("Sales").await, (LoginViewSeen::Shown, Some(false)));
        assert_eq!(far.tableau.rows().sessions.len(), before);
        far.tableau.faults(|faults| *faults = Faults::default());

        let ways = far
            .admin
            .ports(&far.app)
            .await
            .tickets
            .readiness()
            .await
            .unwrap()
            .from;
        for (site, shown, seen, words) in [
            (
                "",
                Some(false),
                LoginViewSeen::Hidden,
                "Let everybody on the site Default see",
            ),
            ("", None, LoginViewSeen::Missing, "has no view Login/Login"),
            ("", Some(true), LoginViewSeen::Shown, ""),
        ] {
            far.tableau.model(|model, _| match shown {
                Some(shown) => model.set_view(1, LOGIN_VIEW, shown),
                None => model.remove_view(1, LOGIN_VIEW),
            });
            let page = far.act("look", site, "ann").await;
            assert_eq!(far.seen(site).await.0, seen);
            assert!(page.contains(words), "{seen:?}: {page}");
            assert_eq!(far.site(site).await.steps(&ways).is_empty(), words.is_empty());
        }
        far.tableau.faults(|faults| faults.untrusted = true);
        far.act("look", "", "ann").await;
        assert_eq!(
            far.seen("").await,
            (LoginViewSeen::NoTicket, Some(true)),
            "what is known of reuse stays"
        );
        assert!(far.site("nowhere").await.steps(&ways)[0].contains("Publish an empty workbook"));
        assert_eq!(far.tableau.rows().sessions.len(), before);

        let stored = far.app.everything_stored().await;
        assert!(!stored.contains("==:"), "no ticket is stored");
    }
}

#[tokio::test]
async fn the_address_that_tableau_has_to_trust_is_the_one_it_sees() {
    let far = far(Engine::Sqlite).await;
    let ways = far
        .admin
        .ports(&far.app)
        .await
        .tickets
        .readiness()
        .await
        .unwrap()
        .from;
    assert_eq!(ways.len(), 1);
    assert_eq!(ways[0].from.as_deref(), Some("127.0.0.1"));
    assert!(!ways[0].by_ipv6());
    let page = far.admin.get("/tickets").await.body;
    assert!(page.contains("Asked from: Tableau has to trust this") && page.contains("127.0.0.1"));

    // Known for a minute, and said so; whoever wants to know asks anew.
    let mut far = far;
    let begun = far.app.clock_now();
    far.tableau.go_dark().await;
    let way = async || {
        let port = far.admin.ports(&far.app).await.tickets;
        port.readiness().await.unwrap().from.remove(0)
    };
    far.app.clock.advance(59);
    let kept = way().await;
    assert_eq!((kept.from.as_deref(), kept.at), (Some("127.0.0.1"), begun));
    let page = far.admin.get("/tickets").await.body;
    assert!(
        page.contains("Addresses tried") && page.contains("Check now"),
        "{page}"
    );
    let answer = far.admin.post("/tickets/act", &[("act", "check")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let page = far.admin.get(answer.location()).await.body;
    assert!(page.contains("Tried 1 address: 0 reached."), "{page}");
    let asked = way().await;
    assert_eq!((asked.from.clone(), asked.at), (None, far.app.clock_now()));
    assert!(asked.trouble.is_some(), "{asked:?}");
    far.tableau.come_back().await.unwrap();
    far.app.clock.advance(59);
    assert_eq!(way().await.from, None, "a failure is kept as long");
    far.app.clock.advance(2);
    assert_eq!(way().await.from.as_deref(), Some("127.0.0.1"), "a minute is over");
}

#[tokio::test]
async fn whoever_manages_systems_may_not_see_who_asks_for_tickets() {
    let far = far(Engine::Sqlite).await;
    far.act("test", "", "ann").await;
    let access = far.admin.ports(&far.app).await.access;
    for (name, permissions, opens) in [
        (
            "Systems desk",
            vec![Permission::ManageSystems, Permission::SeeSessions],
            false,
        ),
        (
            "Both",
            vec![
                Permission::ManageSystems,
                Permission::SeeSessions,
                Permission::UseTickets,
            ],
            true,
        ),
    ] {
        let role = RoleEdit {
            role_id: None,
            name: name.to_owned(),
            permissions,
        };
        access.save_role(role).await.unwrap();
        let roles = access.access_page().await.unwrap().roles;
        let role = roles.iter().find(|role| role.name == name).unwrap();
        let login = name.to_lowercase().replace(' ', "-");
        let grant = NewGrant {
            operator_id: far.app.person(&login, name, &[]).await,
            role_id: role.role_id.clone(),
            scope: Scope::EVERYWHERE,
            expires_at: None,
            reason: "test".to_owned(),
        };
        access.give_grant(grant).await.unwrap();
        let browser = far.app.signed_in(&login).await;
        let page = browser.get("/tickets").await;
        assert_eq!(page.status == StatusCode::OK, opens, "{name}: {}", page.status);
        assert_eq!(page.body.contains("intranet"), opens, "{name}");
        let port = browser.ports(&far.app).await.tickets;
        assert_eq!(
            port.tickets_page(Default::default()).await.is_ok(),
            opens,
            "{name}"
        );
        assert_eq!(port.readiness().await.is_ok(), opens, "{name}");
        assert_eq!(port.readiness_now().await.is_ok(), opens, "{name}");
        // What is not for them is not offered either.
        let systems = browser.get("/systems").await;
        assert_eq!(systems.status, StatusCode::OK);
        assert_eq!(systems.body.contains("href=\"/tickets\""), opens, "{name}");
    }
}

#[tokio::test]
async fn tickets_are_shown_and_tried_within_the_grant_only() {
    for engine in BOTH {
        let far = far(engine).await;
        far.act("test", "", "ann").await;
        let access = far.admin.ports(&far.app).await.access;
        let role = RoleEdit {
            role_id: None,
            name: "Ticket desk".to_owned(),
            permissions: vec![Permission::UseTickets],
        };
        access.save_role(role).await.unwrap();
        let roles = access.access_page().await.unwrap().roles;
        let role = roles.iter().find(|role| role.name == "Ticket desk").unwrap();
        for (login, scope, sees, tries) in [
            ("wide", Scope::EVERYWHERE.in_systems(["hq"]), true, true),
            ("other", Scope::EVERYWHERE.in_systems(["curfew"]), false, false),
            ("person", Scope::accounts(["bob"]), true, false),
        ] {
            let operator_id = far.app.person(login, login, &[]).await;
            let grant = NewGrant {
                operator_id,
                role_id: role.role_id.clone(),
                scope,
                expires_at: None,
                reason: "test".to_owned(),
            };
            access.give_grant(grant).await.unwrap();
            let browser = far.app.signed_in(login).await;
            let port = browser.ports(&far.app).await.tickets;
            let page = port.tickets_page(Default::default()).await.unwrap();
            assert_eq!(!page.apps.is_empty(), sees, "{login}");
            assert_eq!(
                page.rows.len(),
                usize::from(login == "wide"),
                "{login}: of ann, not of bob"
            );
            let ready = port.readiness().await.unwrap();
            assert_eq!(!ready.sites.is_empty(), tries, "{login}");
            assert_eq!(!ready.from.is_empty(), tries, "{login}");
            let asked = TicketTestAsked {
                app: "intranet".to_owned(),
                site: String::new(),
                user: "ann".to_owned(),
            };
            let calls = far.tableau.calls(Call::Trusted);
            assert_eq!(
                port.look_at_login_view(asked.clone()).await.is_ok(),
                tries,
                "{login}"
            );
            assert_eq!(port.test_ticket(asked).await.is_ok(), tries, "{login}");
            let made = far.tableau.calls(Call::Trusted) - calls;
            assert_eq!(made, if tries { 2 } else { 0 }, "{login}: nothing was asked");
            let shown = browser.get("/tickets").await;
            assert_eq!(shown.status, StatusCode::OK);
            assert_eq!(shown.body.contains("intranet"), sees, "{login}");
        }
        let nobody = far.app.browser().get("/tickets").await;
        assert!(nobody.leads_to_sign_in());
    }
}
