//! Requests for tickets: apps in every state, a refusal among the rows, sites that are ready and that are not.

use app::error::AppError;
use app::tickets::port::TicketsPort;
use app::tickets::wire::*;
use app::wire::*;
use async_trait::async_trait;

use super::{Fake, NOW};

#[async_trait]
impl TicketsPort for Fake {
    async fn tickets_page(&self, query: TicketQuery) -> Result<TicketsPage, AppError> {
        let mut page = self.world.tickets.clone();
        let reference = query.reference.to_uppercase();
        page.rows
            .retain(|row| reference.is_empty() || row.reference == reference);
        page.rows
            .retain(|row| query.app.is_empty() || row.app == query.app);
        self.give(page)
    }
    async fn test_ticket(&self, _: TicketTestAsked) -> Result<TicketTest, AppError> {
        Err(AppError::not_found("app"))
    }
    async fn readiness(&self) -> Result<Readiness, AppError> {
        self.give(self.world.readiness.clone())
    }
    async fn readiness_now(&self) -> Result<Readiness, AppError> {
        self.give(self.world.readiness.clone())
    }
    async fn look_at_login_view(&self, _: TicketTestAsked) -> Result<LoginViewLook, AppError> {
        Err(AppError::not_found("app"))
    }
}

/// Nothing is set up.
pub fn none() -> TicketsPage {
    TicketsPage {
        now: NOW,
        broker_url: "https://broker.northwind.example".to_owned(),
        apps: Vec::new(),
        nodes: Vec::new(),
        counts: Vec::new(),
        slots: Vec::new(),
        rows: Vec::new(),
        next: None,
        holds: Vec::new(),
    }
}

fn app(id: &str, sites: &[&str], trouble: Option<&str>) -> TicketApp {
    TicketApp {
        app: id.to_owned(),
        system_id: SystemId::from("tableau"),
        system_name: "Tableau analytics".to_owned(),
        sites: sites.iter().map(|site| (*site).to_owned()).collect(),
        grant: TicketGrant::Ticket,
        per_minute: 600,
        browser: id == "budget-web",
        trouble: trouble.map(str::to_owned),
        may_test: true,
    }
}

fn count(app: &str, node: &str, outcome: TicketOutcome, last_hour: u64, last_day: u64) -> TicketCount {
    TicketCount {
        app: app.to_owned(),
        node: node.to_owned(),
        outcome,
        last_hour,
        last_day,
    }
}

fn row(
    reference: &str,
    seconds: i64,
    app: &str,
    user: &str,
    site: &str,
    outcome: TicketOutcome,
) -> TicketRow {
    TicketRow {
        reference: reference.to_owned(),
        at: NOW.plus_seconds(-seconds),
        app: app.to_owned(),
        system_id: SystemId::from("tableau"),
        system_name: "Tableau analytics".to_owned(),
        site: site.to_owned(),
        user: user.to_owned(),
        grant: TicketGrant::Ticket,
        way: TicketWay::Server,
        outcome,
        cause: None,
        node: Some(NODES[0].to_owned()),
        ip: Some("10.20.4.31".to_owned()),
        duration_ms: 14,
    }
}

const NODES: [&str; 2] = [
    "https://tableau1.northwind.example",
    "https://tableau2.northwind.example",
];

/// Three apps: one in order, one that Tableau refuses, one whose settings can't work.
pub fn many() -> TicketsPage {
    use TicketOutcome::{Html, Issued, Refused, SiteNotAllowed, Unauthorized, Unreachable};
    TicketsPage {
        apps: vec![
            app("budget-web", &["", "finance"], None),
            app(
                "campus-bi",
                &["campus"],
                Some("trusted.login_view names no view for the site \"campus\"."),
            ),
            app("ops-board", &["ops"], None),
        ],
        nodes: NODES
            .into_iter()
            .map(|node| TicketNode {
                system_id: SystemId::from("tableau"),
                node: node.to_owned(),
                last_until: (node == NODES[1]).then(|| NOW.plus_seconds(20)),
                trouble: (node == NODES[1]).then(|| "No answer within 5 s.".to_owned()),
                counted: true,
                asked_at: Some(NOW.plus_seconds(-600)),
            })
            .collect(),
        counts: vec![
            count("budget-web", NODES[0], Issued, 212, 1_882),
            count("budget-web", NODES[1], Unreachable, 0, 3),
            count("ops-board", NODES[0], Issued, 0, 12),
            count("ops-board", NODES[0], Refused, 41, 44),
            count("campus-bi", "", SiteNotAllowed, 0, 1),
            count("", "", Unauthorized, 0, 2),
        ],
        slots: vec![TicketSlot {
            at: NOW.plus_seconds(-600),
            issued: 60,
            not_issued: 8,
        }],
        rows: vec![
            row("T-7Q3K9ZXW", 20, "ops-board", "svc-ops", "ops", Refused),
            row(
                "T-2M4N6P8R",
                70,
                "budget-web",
                "\u{5c71}\u{7530} \u{592a}\u{90ce}",
                "finance",
                Issued,
            ),
            row(
                "T-AAAA2222",
                90,
                "budget-web",
                "NORTHWIND\\p.raghunathan",
                "",
                Html,
            ),
            TicketRow {
                cause: Some("The token was signed with another key.".to_owned()),
                node: None,
                ..row("T-BBBB3333", 4_000, "", "", "", Unauthorized)
            },
        ],
        next: Some("older".to_owned()),
        holds: vec![TicketHold {
            system_id: SystemId::from("tableau"),
            site: Some("finance".to_owned()),
            account: "p.raghunathan".to_owned(),
            since: NOW.plus_seconds(-300),
            until: NOW.plus_seconds(28_500),
            ending_no: Some(1042),
        }],
        ..none()
    }
}

fn site(site: &str, login_view: Option<&str>, app: &str, seen: Option<LoginViewSeen>) -> SiteReady {
    SiteReady {
        system_id: SystemId::from("tableau"),
        system_name: "Tableau analytics".to_owned(),
        site: site.to_owned(),
        login_view: login_view.map(str::to_owned),
        apps: vec![app.to_owned()],
        look: seen.map(|seen| LoginViewLook {
            at: NOW.plus_seconds(-600),
            view: "Login/Login".to_owned(),
            seen,
            reuse_blocked: (seen == LoginViewSeen::Shown).then_some(true),
        }),
    }
}

/// One site ready, one not tried, one without a login view, one that nobody may see; one way over IPv6.
pub fn readiness() -> Readiness {
    let view = Some("Login/Login");
    let from = |node: &str, from: Option<&str>| AskedFrom {
        system_id: SystemId::from("tableau"),
        node: node.to_owned(),
        from: from.map(str::to_owned),
        trouble: from.is_none().then(|| "No connection within 2 s.".to_owned()),
        at: NOW.plus_seconds(-40),
    };
    Readiness {
        sites: vec![
            site("", view, "budget-web", Some(LoginViewSeen::Shown)),
            site("campus", None, "campus-bi", None),
            site("finance", view, "budget-web", None),
            site("ops", view, "ops-board", Some(LoginViewSeen::Hidden)),
        ],
        from: vec![from(NODES[0], Some("192.0.2.10")), from(NODES[1], None)],
    }
}
