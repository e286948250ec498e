//! A CAS, simulated or real, with browsers at its sign-in form, and a connector to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::sessions::wire::SessionKind;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use server::clock::SystemClock;
use server::config::SystemSettings;
use server::connectors::{
    Answer, Completeness, ConnectorError, Handle, Recipe, SeenSession, SharedConnector, Target, Wanted,
    conformance, make,
};
use server::simulators::cas::model::Release;
use server::simulators::cas::{CasServer, USER};
use tempfile::NamedTempFile;
use tokio::sync::OwnedMutexGuard;

use super::keeper::{client, form};

/// Of everybody who signs in.
pub const PASSWORD: &str = "real-cas-test-secret";
/// CAS binds its cookie to it.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:152.0) Gecko/20100101 Firefox/152.0";

/// A far side, a connector to it, and what browsers there hold.
pub struct Far {
    /// Ends with `/cas`.
    pub url: String,
    pub settings: SystemSettings,
    pub timeout: Duration,
    pub near: SharedConnector,
    /// Password of whom the endpoint lets in.
    pub password: String,
    cookies: Mutex<HashMap<String, String>>,
    /// `None` = a real one.
    pub server: Option<Arc<CasServer>>,
    /// One test at a time has the real one; the file of the secret that settings name.
    _alone: Option<(OwnedMutexGuard<()>, NamedTempFile)>,
}

/// A simulated one.
pub async fn simulated(release: Release) -> (Arc<CasServer>, Far) {
    let mut server = CasServer::start(Arc::new(SystemClock), 11, release)
        .await
        .unwrap();
    let settings = server.settings("CAS").unwrap();
    let server = Arc::new(server);
    let far = Far::of(
        server.url(),
        settings,
        server.password(),
        Duration::from_millis(500),
        Some(server.clone()),
        None,
    );
    (server, far)
}

impl Far {
    pub fn of(
        url: String,
        settings: SystemSettings,
        password: String,
        timeout: Duration,
        server: Option<Arc<CasServer>>,
        alone: Option<(OwnedMutexGuard<()>, NamedTempFile)>,
    ) -> Self {
        Self {
            near: connect(&settings, timeout),
            url,
            settings,
            timeout,
            password,
            cookies: Mutex::default(),
            server,
            _alone: alone,
        }
    }

    /// A connector with other settings.
    pub fn with(&self, change: impl FnOnce(&mut SystemSettings)) -> SharedConnector {
        let mut settings = self.settings.clone();
        change(&mut settings);
        connect(&settings, self.timeout)
    }

    /// A call to the endpoint beside the connector; status and body.
    pub async fn raw(&self, method: Method, path: &str) -> (StatusCode, Value) {
        let url = format!("{}/actuator/ssoSessions{path}", self.url);
        let request = client()
            .request(method, url)
            .header("accept", "application/json")
            .basic_auth(USER, Some(&self.password));
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Id and person of every session.
    pub async fn ids(&self) -> Vec<(String, String)> {
        let (status, list) = self.raw(Method::GET, "?from=0&count=100000").await;
        assert_eq!(status, StatusCode::OK);
        let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
        let rows = list["activeSsoSessions"].as_array().unwrap().iter();
        rows.map(|row| {
            (
                text(row, "ticket_granting_ticket"),
                text(row, "authenticated_principal"),
            )
        })
        .collect()
    }

    /// Signs somebody in at the form, for an application or none; the cookie of their browser.
    pub async fn sign_in(&self, name: &str, service: &str) -> String {
        if let Some(server) = &self.server {
            let mail = format!("{name}@example.org");
            server.model(|model, _| model.add_person(name, "Ann Example", Some(&mail), PASSWORD));
        }
        let mut url = reqwest::Url::parse(&format!("{}/login", self.url)).unwrap();
        if !service.is_empty() {
            url.query_pairs_mut().append_pair("service", service);
        }
        let page = client()
            .get(url.clone())
            .header("user-agent", BROWSER)
            .send()
            .await
            .unwrap();
        let page = page.text().await.unwrap();
        let (_, after) = page.split_once("name=\"execution\" value=\"").expect("a form");
        let fields = [
            ("username", name),
            ("password", PASSWORD),
            ("_eventId", "submit"),
            ("execution", after.split_once('"').unwrap().0),
        ];
        let request = client()
            .post(url)
            .header("user-agent", BROWSER)
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form(&fields)).send().await.unwrap();
        let cookies = answer.headers().get_all("set-cookie").iter();
        cookies
            .filter_map(|cookie| cookie.to_str().ok()?.strip_prefix("TGC="))
            .find_map(|cookie| cookie.split(';').next().map(str::to_owned))
            .unwrap_or_else(|| panic!("{name} was not let in: {}", answer.status()))
    }

    /// Somebody with a session at no application, as it will be listed.
    pub async fn opened(&self, name: &str) -> Target {
        self.opened_at(name, "").await
    }

    /// The same, at an application.
    pub async fn opened_at(&self, name: &str, service: &str) -> Target {
        let before = self.ids().await;
        let cookie = self.sign_in(name, service).await;
        let after = self.ids().await;
        let mut new = after.into_iter().filter(|one| !before.contains(one));
        let (id, principal) = new.next().expect("a new session");
        assert_eq!(principal, name);
        self.cookies.lock().unwrap().insert(id.clone(), cookie);
        target(&id, name)
    }

    pub fn cookie(&self, session: &Target) -> String {
        self.cookies.lock().unwrap()[session.handle.expose()].clone()
    }

    async fn browse(&self, session: &Target, path: &str) -> String {
        let request = client()
            .get(format!("{}/{path}", self.url))
            .header("user-agent", BROWSER)
            .header("cookie", format!("TGC={}", self.cookie(session)));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.unwrap()
    }

    /// Whether its browser is let in without a password.
    pub async fn lets_in(&self, session: &Target) -> bool {
        let page = self.browse(session, "login").await;
        !page.contains("name=\"execution\"")
    }

    /// The person signs out by themselves.
    pub async fn sign_out(&self, session: &Target) {
        self.browse(session, "logout").await;
    }

    /// What must never be in a log line, beside the ids.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> = self.cookies.lock().unwrap().values().cloned().collect();
        secrets.extend([self.password.clone(), PASSWORD.to_owned()]);
        secrets.extend(self.server.iter().flat_map(|server| server.secrets()));
        secrets
    }

    pub async fn listed(&self) -> Result<(Completeness, Vec<SeenSession>), ConnectorError> {
        conformance::list(self.near.as_ref(), Wanted::All).await
    }

    /// Everything, where the list is whole.
    pub async fn all(&self) -> Vec<SeenSession> {
        let (whole, all) = self.listed().await.unwrap();
        assert_eq!(whole, Completeness::Complete);
        all
    }

    pub async fn of_account(&self, account_id: &str) -> (Completeness, Vec<SeenSession>) {
        let accounts = [account_id.to_owned()];
        conformance::list(self.near.as_ref(), Wanted::Accounts(&accounts))
            .await
            .unwrap()
    }

    pub async fn end(&self, targets: &[Target]) -> Vec<Answer> {
        self.near.end().unwrap().end(targets).await.unwrap()
    }

    pub async fn end_all_of(&self, account: &str) -> Result<Answer, ConnectorError> {
        self.near.end_all_of().unwrap().end_all_of(account).await
    }
}

pub fn target(id: &str, account: &str) -> Target {
    Target {
        handle: Handle::new(id),
        place: String::new(),
        kind: SessionKind::Sso,
        site: String::new(),
        account_id: account.to_owned(),
        node: None,
    }
}

pub fn connect(settings: &SystemSettings, timeout: Duration) -> SharedConnector {
    make(&Recipe { settings, timeout }).unwrap()
}

/// The row of that session.
pub fn find<'r>(rows: &'r [SeenSession], session: &Target) -> Option<&'r SeenSession> {
    rows.iter()
        .find(|row| row.handle.expose() == session.handle.expose())
}
