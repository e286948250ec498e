//! A portal whose identity servers (a simulated Keycloak, a simulated CAS) send signals, and three systems that people sign
//! in to by them; a rule names two of these.

use std::sync::Arc;

use app::signals::wire::{SignalOutcome, SignalRow, SignalsPage};
use app::wire::{SystemId, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use server::clock::{Clock, FakeClock};
use server::config::{Config, NameSpace, SecretRef, SignalRule};
use server::connectors::simulator::wire::WireSession;
use server::simulators::cas::CasServer;
use server::simulators::cas::model::Release;
use server::simulators::keycloak::KeycloakServer;
use server::simulators::keycloak::model::PORTAL;
use server::simulators::simulator::Simulator;
use server::simulators::simulator::shape::Shape;

use crate::broker_estate::send;
use crate::broker_keys::{Key, Publisher};
use crate::harness::{Answer, App, Engine, MORNING};

pub const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
pub const ISSUER: &str = "https://sso.test/realms/lab";
pub const CLIENT: &str = "curfew-signals";
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// The part of the address that CAS alone knows.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Systems that people sign in to; the rules name the first two.
pub const SYSTEMS: [&str; 3] = ["intranet", "library", "payroll"];

/// A portal with both identity servers.
pub struct Signals {
    pub app: App,
    pub sso: KeycloakServer,
    pub cas: CasServer,
    pub systems: Vec<Simulator>,
    pub far_clock: Arc<FakeClock>,
    _keys: Publisher,
    pub key: Key,
    _secret: tempfile::NamedTempFile,
}

/// A person's sessions.
pub struct Person {
    pub sub: String,
    pub sid: String,
    /// Raw ids at each of [`SYSTEMS`].
    pub ids: Vec<String>,
}

pub fn rule<'c>(config: &'c mut Config, id: &str) -> &'c mut SignalRule {
    config.signals.iter_mut().find(|rule| rule.id == id).unwrap()
}

impl Signals {
    /// Rules that end.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {}).await
    }

    pub async fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let far_clock = Arc::new(FakeClock::at(MORNING));
        let clock: Arc<dyn Clock> = far_clock.clone();
        let mut sso = KeycloakServer::start(clock.clone(), 5, &["lab"]).await.unwrap();
        let mut cas = CasServer::start(clock.clone(), 5, Release::Six).await.unwrap();
        let mut systems = Vec::new();
        for _ in SYSTEMS {
            systems.push(Simulator::start(clock.clone(), Shape::default()).await.unwrap());
        }
        let keys = Publisher::start().await;
        let key = Key::new("first");
        keys.publish(&[key.published()]);
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), SECRET).unwrap();
        let by_token = json!({
            "id": "sso", "from": "sso", "systems": ["intranet", "library"], "mode": "end",
            "oidc": { "issuer": ISSUER, "client_id": CLIENT,
                "jwks": { "algorithm": "ES256", "url": format!("http://{}/keys", keys.address) } },
        });
        let by_cas = json!({
            "id": "campus", "from": "campus", "systems": ["intranet", "library"], "mode": "end",
            "cas": { "secret": String::from(SecretRef::File(secret.path().to_owned())) },
        });
        let app = App::start_with(engine, |config| {
            config
                .systems
                .insert("sso".to_owned(), sso.settings("Keycloak").unwrap());
            config
                .systems
                .insert("campus".to_owned(), cas.settings("CAS").unwrap());
            for (id, system) in SYSTEMS.iter().zip(&systems) {
                config
                    .systems
                    .insert((*id).to_owned(), system.settings(&id.to_uppercase()));
            }
            config.people.name_space = vec![NameSpace {
                name: "Staff".to_owned(),
                systems: ["sso", "campus"]
                    .iter()
                    .chain(&SYSTEMS)
                    .map(|id| (*id).to_owned())
                    .collect(),
            }];
            config.signals = vec![
                serde_json::from_value(by_token).unwrap(),
                serde_json::from_value(by_cas).unwrap(),
            ];
            change(config);
            config.check().unwrap();
        })
        .await;
        Self {
            app,
            sso,
            cas,
            systems,
            far_clock,
            _keys: keys,
            key,
            _secret: secret,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.app.clock_now()
    }

    pub fn advance(&self, seconds: i64) {
        self.app.clock.advance(seconds);
        self.far_clock.advance(seconds);
    }

    /// Somebody with a session at both identity servers and at each system.
    pub async fn signed_in(&self, name: &str) -> Person {
        let (sub, sid) = self.sso.model(|model, now| {
            let sub = model.user_named("lab", name);
            let sub = sub.unwrap_or_else(|| model.add_user("lab", name, name, None));
            let (sid, _) = model.open("lab", &sub, PORTAL, false, now);
            (sub, sid)
        });
        self.cas.model(|model, now| {
            model.add_person(name, name, None, "pw");
            model.open(name, now);
        });
        let ids = (0..SYSTEMS.len()).map(|at| self.open(at, name)).collect();
        self.collect().await;
        Person { sub, sid, ids }
    }

    /// One more session there; its raw id.
    pub fn open(&self, at: usize, name: &str) -> String {
        let now = self.now().0;
        self.systems[at].add(WireSession {
            id: server::keys::random_id(),
            kind: "web".to_owned(),
            account_id: name.to_owned(),
            account: name.to_owned(),
            started_ms: Some(now),
            active_ms: Some(now),
            idle_s: Some(7_200),
            ..serde_json::from_value(json!({"id": "", "kind": "", "account_id": "", "account": ""})).unwrap()
        })
    }

    /// Reads everything, and links who is new.
    pub async fn collect(&self) {
        for system in ["sso", "campus"].iter().chain(&SYSTEMS) {
            self.app
                .portal
                .collector
                .collect(&SystemId::from(*system))
                .await
                .unwrap();
        }
        self.app.portal.people.link_due().await.unwrap();
    }

    /// Which of a person's sessions still let in, by system.
    pub fn live(&self, person: &Person) -> Vec<&'static str> {
        let all = SYSTEMS.iter().zip(&self.systems).zip(&person.ids);
        all.filter(|((_, system), id)| system.lets_in(id))
            .map(|((name, _), _)| *name)
            .collect()
    }

    /// Claims of a good token about a person's session.
    pub fn claims(&self, person: &Person) -> Value {
        let now_s = self.now().0 / 1000;
        json!({
            "iss": ISSUER, "aud": CLIENT, "iat": now_s, "exp": now_s + 120, "jti": server::keys::random_id(),
            "sub": person.sub, "sid": person.sid, "typ": "Logout", "events": { EVENT: {} },
        })
    }

    pub fn token(&self, claims: &Value) -> String {
        self.token_by(&self.key, "logout+jwt", claims)
    }

    pub fn token_by(&self, key: &Key, typ: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(key.kid.to_owned());
        header.typ = Some(typ.to_owned());
        let secret = EncodingKey::from_ec_pem(key.pair.serialize_pem().as_bytes()).unwrap();
        jsonwebtoken::encode(&header, claims, &secret).unwrap()
    }

    pub async fn post_at(&self, base: &str, path: &str, field: &str, value: &str) -> Answer {
        let body = app::paths::query_string(&[(field, value)]);
        let kind = ("content-type", "application/x-www-form-urlencoded");
        send(Method::POST, &format!("{base}{path}"), &[kind], &body).await
    }

    /// Sends a token as the identity server does.
    pub async fn tell(&self, token: &str) -> Answer {
        self.post_at(&self.app.url, "/signals/v1/oidc/sso", "logout_token", token)
            .await
    }

    /// A logout request of CAS about a person, as CAS writes it.
    pub fn request(&self, name: &str) -> String {
        let made = app::civil::rfc3339(self.now());
        let id = server::keys::random_id();
        format!(
            "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"LR-1-{id}\" Version=\"2.0\" \
             IssueInstant=\"{made}\"><saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{name}</saml:NameID>\
             <samlp:SessionIndex>ST-1-{id}-secret</samlp:SessionIndex></samlp:LogoutRequest>"
        )
    }

    pub async fn tell_cas(&self, secret: &str, request: &str) -> Answer {
        let path = format!("/signals/v1/cas/campus/{secret}");
        self.post_at(&self.app.url, &path, "logoutRequest", request).await
    }

    /// Works off signals and the endings they lead to.
    pub async fn work(&self) {
        while self.app.portal.signals.work_due().await.unwrap() > 0 {}
        self.app.work().await;
    }

    /// The Signals page of who sees everything.
    pub async fn page(&self) -> SignalsPage {
        self.app
            .ports_of_everything()
            .signals
            .signals_page(None)
            .await
            .unwrap()
    }

    /// The newest signal.
    pub async fn newest(&self) -> SignalRow {
        self.page().await.rows.into_iter().next().expect("a signal")
    }

    pub async fn outcome(&self) -> Option<SignalOutcome> {
        self.newest().await.outcome
    }

    /// How many signals are kept, and how many endings there are.
    pub async fn kept(&self) -> (i64, i64) {
        let mut conn = self.app.portal.db.read().await.unwrap();
        server::on!(conn, c => sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM signal_in), (SELECT COUNT(*) FROM ending WHERE ending_no IS NOT NULL)")
            .fetch_one(c).await.unwrap())
    }

    /// Everything kept of signals, as text.
    pub async fn stored(&self) -> String {
        let mut conn = self.app.portal.db.read().await.unwrap();
        let rows: Vec<String> = server::on!(conn, c => sqlx::query_scalar(
            "SELECT reference || ' ' || principal || ' ' || session_keys || ' ' || detail || ' ' || account_name FROM signal_in \
             UNION ALL SELECT seen_key FROM signal_seen UNION ALL SELECT session_key FROM signal_session")
            .fetch_all(c).await.unwrap());
        rows.join("\n")
    }
}
