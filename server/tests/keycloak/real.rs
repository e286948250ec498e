//! A real Keycloak as a far side: one server for the whole suite, a realm for each test.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::config::SystemSettings;
use server::connectors::Target;
use tokio::sync::OnceCell;

use super::keeper::{Kept, client, form, free_port};
use super::world::{ALL_ROLES, Far, World};

const READER: &str = "curfew-reader";
const ENDER: &str = "curfew-ender";
/// Of clients and people alike.
const SECRET: &str = "real-keycloak-test-secret";

/// The server; ended when the test process ends, as nobody drops what is kept in a `static`.
struct Keycloak {
    url: String,
    /// A token of the administrator, which lasts a minute, and when it was given.
    admin: Mutex<Option<(String, Instant)>>,
    _kept: Mutex<Kept>,
}

async fn keycloak() -> &'static Keycloak {
    static ONE: OnceCell<Keycloak> = OnceCell::const_new();
    ONE.get_or_init(start).await
}

/// Where it lies.
fn home() -> PathBuf {
    let folder = std::env::var_os("CURFEW_TEST_KEYCLOAK").expect(
        "tests against a real Keycloak want CURFEW_TEST_KEYCLOAK: set it to the folder that `cargo xtask keycloak` prints, \
         or run them by `cargo xtask test rust NAME`",
    );
    PathBuf::from(folder)
}

async fn start() -> Keycloak {
    let [port, management] = [free_port(), free_port()];
    let script = home().join("bin/kc.sh");
    let mut kept = Kept::start("keycloak", script.to_str().unwrap(), |command| {
        command
            .args([
                "start",
                "--optimized",
                "--http-enabled=true",
                "--http-host=127.0.0.1",
            ])
            .args([
                format!("--http-port={port}"),
                format!("--http-management-port={management}"),
            ])
            .args(["--hostname-strict=false", "--cache=local"])
            .env("JAVA_OPTS_KC_HEAP", "-Xms64m -Xmx512m")
            .env("KC_BOOTSTRAP_ADMIN_USERNAME", "admin")
            .env("KC_BOOTSTRAP_ADMIN_PASSWORD", SECRET)
    });
    let ready = format!("http://127.0.0.1:{management}/health/ready");
    // Before it is ready its port answers already, with 503.
    kept.ready(async |_| {
        let answer = client().get(&ready).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    })
    .await;
    Keycloak {
        url: format!("http://127.0.0.1:{port}"),
        admin: Mutex::default(),
        _kept: Mutex::new(kept),
    }
}

/// A realm of its own.
pub struct Real {
    server: &'static Keycloak,
    name: String,
    settings: SystemSettings,
    /// Files of secrets that the settings name.
    _secret: tempfile::NamedTempFile,
}

/// A realm on the real one, and a connector that reads it so.
pub async fn real(read_by: &str) -> Far {
    Far::of(Box::new(realm().await), read_by)
}

/// A realm on the real one.
pub async fn realm() -> Real {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let server = keycloak().await;
    let name = format!("lab{}", NEXT.fetch_add(1, Ordering::SeqCst));
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(SECRET.as_bytes()).unwrap();
    let text = format!(
        "kind = \"keycloak\"\nurl = \"{}\"\nrealms = [\"{name}\"]\n\
         identity = {{ client_id = \"{READER}\", client_secret = \"file:{1}\" }}\n\
         end_identity = {{ client_id = \"{ENDER}\", client_secret = \"file:{1}\" }}\n\
         canary = {{ client_id = \"portal\", username = \"curfew-test\", password = \"file:{1}\" }}\n",
        server.url,
        secret.path().display()
    );
    let world = Real {
        server,
        name,
        settings: toml::from_str(&text).unwrap(),
        _secret: secret,
    };
    world.set_up().await;
    world
}

impl Real {
    async fn admin_token(&self) -> String {
        let held = self.server.admin.lock().unwrap().clone();
        if let Some((token, _)) = held.filter(|(_, at)| at.elapsed() < Duration::from_secs(30)) {
            return token;
        }
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", "admin"),
            ("password", SECRET),
        ];
        let url = format!("{}/realms/master/protocol/openid-connect/token", self.server.url);
        let (status, body) = post_form(&url, &form).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let token = body["access_token"].as_str().unwrap().to_owned();
        *self.server.admin.lock().unwrap() = Some((token.clone(), Instant::now()));
        token
    }

    /// A call as the administrator of the server; below the realm, or the list of realms where `path` is empty.
    async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let realm = if path.is_empty() {
            String::new()
        } else {
            format!("/{}{path}", self.name)
        };
        let url = format!("{}/admin/realms{realm}", self.server.url);
        let request = client()
            .request(method, &url)
            .bearer_auth(self.admin_token().await);
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{url}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn client_uuid(&self, client_id: &str) -> String {
        let found = self
            .admin(Method::GET, &format!("/clients?clientId={client_id}"), None)
            .await;
        found[0]["id"].as_str().unwrap().to_owned()
    }

    async fn set_up(&self) {
        let realm = json!({
            "realm": self.name, "enabled": true, "adminEventsEnabled": true, "eventsEnabled": true,
            "passwordPolicy": "hashAlgorithm(pbkdf2-sha256) and hashIterations(1)",
        });
        self.admin(Method::POST, "", Some(realm)).await;
        for (client, public, backchannel) in
            [("portal", true, "http://127.0.0.1:9/bcl"), ("library", false, "")]
        {
            let client = json!({
                "clientId": client, "enabled": true, "publicClient": public, "secret": SECRET,
                "directAccessGrantsEnabled": true, "standardFlowEnabled": true,
                "redirectUris": ["http://127.0.0.1:9/*"],
                "attributes": { "backchannel.logout.url": backchannel, "backchannel.logout.session.required": "true" },
            });
            self.admin(Method::POST, "/clients", Some(client)).await;
        }
        for client in [READER, ENDER] {
            let client = json!({
                "clientId": client, "enabled": true, "publicClient": false, "secret": SECRET,
                "serviceAccountsEnabled": true, "standardFlowEnabled": false, "directAccessGrantsEnabled": false,
                "fullScopeAllowed": false,
            });
            self.admin(Method::POST, "/clients", Some(client)).await;
        }
        self.grant(READER, &ALL_ROLES).await;
        self.grant(ENDER, &["manage-users"]).await;
        self.user("curfew-test").await;
    }

    /// Gives a client's service account exactly these roles: to the account, and into the scope of its tokens.
    async fn grant(&self, client: &str, roles: &[&str]) {
        let uuid = self.client_uuid(client).await;
        let management = self.client_uuid("realm-management").await;
        let account = self
            .admin(
                Method::GET,
                &format!("/clients/{uuid}/service-account-user"),
                None,
            )
            .await;
        let account = account["id"].as_str().unwrap();
        let all = self
            .admin(Method::GET, &format!("/clients/{management}/roles"), None)
            .await;
        let of_account = format!("/users/{account}/role-mappings/clients/{management}");
        let of_scope = format!("/clients/{uuid}/scope-mappings/clients/{management}");
        for path in [&of_account, &of_scope] {
            let held = self.admin(Method::GET, path, None).await;
            self.admin(Method::DELETE, path, Some(held)).await;
            let named = |role: &&Value| roles.contains(&role["name"].as_str().unwrap());
            let wanted: Vec<&Value> = all.as_array().unwrap().iter().filter(named).collect();
            self.admin(Method::POST, path, Some(json!(wanted))).await;
        }
    }

    /// Its issuer, as it stands in tokens.
    pub fn issuer(&self) -> String {
        format!("{}/realms/{}", self.server.url, self.name)
    }

    /// From now on the first application's back-channel calls go there.
    pub async fn tell(&self, url: &str) {
        let uuid = self.client_uuid("portal").await;
        let path = format!("/clients/{uuid}");
        let mut portal = self.admin(Method::GET, &path, None).await;
        portal["attributes"]["backchannel.logout.url"] = url.into();
        self.admin(Method::PUT, &path, Some(portal)).await;
    }

    /// The administrator ends a session.
    pub async fn end_session(&self, id: &str) {
        self.admin(Method::DELETE, &format!("/sessions/{id}"), None).await;
    }

    fn token_url(&self) -> String {
        format!(
            "{}/realms/{}/protocol/openid-connect/token",
            self.server.url, self.name
        )
    }
}

/// Form fields as a browser or an application sends them.
async fn post_form(url: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
    let request = client()
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form(fields)).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

#[async_trait]
impl World for Real {
    fn realm(&self) -> String {
        self.name.clone()
    }

    fn settings(&self) -> SystemSettings {
        self.settings.clone()
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn user(&self, name: &str) -> String {
        let user = json!({
            "username": name, "enabled": true, "email": format!("{name}@example.org"), "emailVerified": true,
            "firstName": "Ann", "lastName": "Example",
            "credentials": [{ "type": "password", "value": SECRET, "temporary": false }],
        });
        self.admin(Method::POST, "/users", Some(user)).await;
        let found = self
            .admin(Method::GET, &format!("/users?username={name}&exact=true"), None)
            .await;
        found[0]["id"].as_str().unwrap().to_owned()
    }

    async fn sign_in(&self, name: &str, second: bool, offline: bool) -> (String, String) {
        let form = [
            ("grant_type", "password"),
            ("client_id", if second { "library" } else { "portal" }),
            ("client_secret", SECRET),
            ("username", name),
            ("password", SECRET),
            (
                "scope",
                if offline {
                    "openid offline_access"
                } else {
                    "openid"
                },
            ),
        ];
        let (status, body) = post_form(&self.token_url(), &form).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        (text("session_state"), text("refresh_token"))
    }

    async fn is_good(&self, refresh: &str) -> bool {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "portal"),
            ("client_secret", SECRET),
            ("refresh_token", refresh),
        ];
        post_form(&self.token_url(), &form).await.0 == StatusCode::OK
    }

    async fn sign_out(&self, _session: &Target, refresh: &str) {
        let url = format!(
            "{}/realms/{}/protocol/openid-connect/logout",
            self.server.url, self.name
        );
        let form = [
            ("client_id", "portal"),
            ("client_secret", SECRET),
            ("refresh_token", refresh),
        ];
        let (status, body) = post_form(&url, &form).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    }

    async fn disable(&self, user_id: &str) {
        self.admin(
            Method::PUT,
            &format!("/users/{user_id}"),
            Some(json!({ "enabled": false })),
        )
        .await;
    }

    async fn roles(&self, roles: &[&str]) {
        self.grant(READER, roles).await;
    }

    async fn delete_second(&self) {
        let uuid = self.client_uuid("library").await;
        self.admin(Method::DELETE, &format!("/clients/{uuid}"), None)
            .await;
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned()]
    }
}
