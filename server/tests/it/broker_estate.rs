//! A portal with a ticket broker and a simulated Tableau behind it, and the apps that ask it.

use std::sync::Arc;

use app::tickets::wire::{TicketGrant, TicketOutcome, TicketQuery};
use app::wire::SystemId;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::clock::FakeClock;
use server::config::{AppKey, BrokerApp, BrowserRules, Config, KeyAlgorithm, SecretRef, Several};
use server::simulators::tableau::TableauServer;
use server::simulators::tableau::release::Release;
use server::simulators::tableau::rows::SiteRole;
use server::simulators::tableau::shape::Shape;

use crate::harness::{Answer, App, Engine, MORNING};

pub const ED: &str = include_str!("fixtures/app-ed25519.pem");
pub const ED_PUBLIC: &str = include_str!("fixtures/app-ed25519.pub.pem");
pub const EC: &str = include_str!("fixtures/app-p256.pem");
pub const EC_PUBLIC: &str = include_str!("fixtures/app-p256.pub.pem");
pub const RSA: &str = include_str!("fixtures/app-rsa.pem");
pub const RSA_PUBLIC: &str = include_str!("fixtures/app-rsa.pub.pem");
pub const SECRET: &str = "a shared secret that is longer than thirty-two bytes";
pub const COOKIE: &str = "__Host-intranet";

/// A portal with a broker, and the Tableau behind it.
pub struct Estate {
    pub app: App,
    pub far: TableauServer,
    pub far_clock: Arc<FakeClock>,
    _keys: tempfile::TempDir,
}

fn an_app(id: &str, key: AppKey) -> BrokerApp {
    BrokerApp {
        id: id.to_owned(),
        system: "hq".to_owned(),
        sites: vec![String::new(), "Sales".to_owned()],
        users: Some("ann|bob|former".to_owned()),
        domains: Default::default(),
        per_minute: 600,
        grant: TicketGrant::Ticket,
        several: Several::EndAll,
        max_age_s: 28_800,
        keys: vec![key],
        jwks: None,
        browser: Some(BrowserRules {
            cookie: COOKIE.to_owned(),
        }),
    }
}

/// A portal whose apps are the test's.
pub async fn estate(engine: Engine, change: impl FnOnce(&mut Vec<BrokerApp>)) -> Estate {
    estate_of(engine, |config, _| change(&mut config.broker.apps)).await
}

/// The same, with settings of the test's own; they may name what the Tableau has.
pub async fn estate_of(engine: Engine, change: impl FnOnce(&mut Config, &mut TableauServer)) -> Estate {
    let far_clock = Arc::new(FakeClock::at(MORNING));
    let shape = Shape::of(Release::named("2025.3").unwrap());
    let mut far = TableauServer::start(far_clock.clone(), shape).await.unwrap();
    far.model(|model, now| {
        let sales = model.add_site("Sales and more", "Sales");
        for name in ["ann", "bob"] {
            let person = model.add_person(name, name, None);
            model.join(person, 1, SiteRole::Viewer, now);
            model.join(person, sales, SiteRole::Viewer, now);
        }
        let former = model.add_person("former", "Former", None);
        model.join(former, 1, SiteRole::Unlicensed, now);
    });
    let mut hq = far.settings("Headquarters").unwrap();
    let trusted = format!(
        "nodes = [\"{}\"]\nlogin_view = {{ \"\" = \"Login/Login\", Sales = \"Login/Login\" }}",
        far.url()
    );
    hq.own
        .insert("trusted".to_owned(), toml::from_str(&trusted).unwrap());
    let keys = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = keys.path().join(name);
        std::fs::write(&path, text).unwrap();
        SecretRef::File(path)
    };
    let public = |algorithm, name: &str, text: &str| AppKey {
        algorithm,
        public: Some(file(name, text)),
        secret: None,
    };
    let apps = vec![
        an_app("intranet", public(KeyAlgorithm::EdDSA, "ed", ED_PUBLIC)),
        an_app("other", public(KeyAlgorithm::ES256, "ec", EC_PUBLIC)),
        an_app("rsa", public(KeyAlgorithm::RS256, "rsa", RSA_PUBLIC)),
        an_app(
            "shared",
            AppKey {
                algorithm: KeyAlgorithm::HS256,
                public: None,
                secret: Some(file("secret", SECRET)),
            },
        ),
    ];
    let app = App::start_with(engine, |config| {
        config.broker.apps = apps;
        config.broker.public_url = Some("https://broker.test".to_owned());
        config.systems.insert("hq".to_owned(), hq);
        change(config, &mut far);
    })
    .await;
    let estate = Estate {
        app,
        far,
        far_clock,
        _keys: keys,
    };
    estate.collect().await;
    estate
}

/// A token of those claims.
pub fn signed(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, key).unwrap()
}

/// A token of the app `intranet`.
pub fn ed(claims: &Value) -> String {
    signed(
        Algorithm::EdDSA,
        &EncodingKey::from_ed_pem(ED.as_bytes()).unwrap(),
        claims,
    )
}

#[expect(clippy::disallowed_methods, reason = "an app is not the portal: it calls it")]
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// A request as an app or a browser sends it.
pub async fn send(method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = client().request(method, url).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    Answer {
        status: answer.status(),
        headers: answer.headers().clone(),
        body: answer.text().await.unwrap(),
    }
}

impl Estate {
    pub fn now_s(&self) -> i64 {
        self.app.clock_now().0 / 1000
    }

    pub fn advance(&self, seconds: i64) {
        self.app.clock.advance(seconds);
        self.far_clock.advance(seconds);
    }

    pub async fn collect(&self) {
        let system = SystemId::from("hq");
        self.app.portal.collector.collect(&system).await.unwrap();
    }

    /// Claims of a good token of the app, each time with a jti of its own.
    pub fn claims(&self, user: &str, site: &str) -> Value {
        json!({
            "iss": "intranet", "sub": user, "aud": "https://broker.test", "site": site,
            "exp": self.now_s() + 50, "jti": server::keys::random_id(),
        })
    }

    pub async fn at(&self, base: &str, path: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let url = format!("{base}{path}");
        send(Method::POST, &url, &[("authorization", &bearer)], "").await
    }

    pub async fn ask(&self, token: &str) -> Answer {
        self.at(&self.app.url, "/broker/v1/tickets", token).await
    }

    pub async fn browser(&self, cookie: &str, more: &[(&str, &str)]) -> Answer {
        let cookie = format!("a=b; {COOKIE}={cookie}");
        let mut headers = vec![
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/json"),
        ];
        headers.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        headers.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        let url = format!("{}/broker/v1/browser/tickets", self.app.url);
        send(Method::POST, &url, &headers, "{\"site\":\"Sales\"}").await
    }

    /// A ticket for a person, redeemed: they have a session at Tableau.
    pub async fn let_in(&self, user: &str, site: &str, more: Value) -> Value {
        let mut claims = self.claims(user, site);
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let answer = self.ask(&ed(&claims)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let given = answer.json();
        let redeemed = send(Method::GET, given["redeem_url"].as_str().unwrap(), &[], "").await;
        assert!(redeemed.header("set-cookie").contains("workgroup_session_id"));
        given
    }

    /// Accounts with a live session at the system, in Curfew's inventory.
    pub async fn live(&self) -> Vec<String> {
        let mut conn = self.app.portal.db.read().await.unwrap();
        server::on!(conn, c => sqlx::query_scalar(
            "SELECT account_name || '@' || place FROM session WHERE system_id = 'hq' AND state = 'live' \
             AND account_name IN ('ann', 'bob') ORDER BY 1")
            .fetch_all(c).await.unwrap())
    }

    /// Code and cause of the newest request, as the Tickets page shows it.
    pub async fn newest(&self) -> (TicketOutcome, String) {
        let page = self.page(TicketQuery::default()).await;
        let row = page.rows.into_iter().next().unwrap();
        (row.outcome, row.cause.unwrap_or_default())
    }

    pub async fn page(&self, query: TicketQuery) -> app::tickets::wire::TicketsPage {
        let ports = self.app.ports_of_everything();
        ports.tickets.tickets_page(query).await.unwrap()
    }
}
