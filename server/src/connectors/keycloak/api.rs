//! The calls to Keycloak's Admin REST API, each with a token, and what their answers mean.
//!
//! Nothing is kept of an answer but named fields: the list of clients holds their secrets.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex as Plain, PoisonError};
use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::connectors::http::{Answered, CallError, Http};
use crate::connectors::{Answer, ConnectorError, ErrorKind};

/// A token is renewed so long before it is over.
const EARLY: Duration = Duration::from_secs(10);

/// A client that signs in for itself (client credentials), by its id and secret.
#[derive(Clone)]
pub(super) struct Client {
    pub id: String,
    pub secret: SecretString,
}

/// One realm, as one identity.
pub(super) struct Api {
    http: Arc<Http>,
    pub realm: String,
    /// Realm the identity lives in.
    home: String,
    client: Client,
    held: Mutex<Option<Held>>,
    roles: Plain<Option<BTreeSet<String>>>,
}

/// An access token and its end.
struct Held {
    token: SecretString,
    until: Instant,
}

#[derive(Deserialize)]
struct Token {
    access_token: SecretString,
    #[serde(default = "a_minute")]
    expires_in: u64,
}

const fn a_minute() -> u64 {
    60
}

/// What Keycloak says in place of data: `error`, `errorMessage` or `error_description`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    error: String,
    error_description: String,
    #[serde(rename = "errorMessage")]
    message: String,
}

impl Said {
    fn of(answered: &Answered) -> Self {
        serde_json::from_slice(answered.bytes()).unwrap_or_default()
    }

    /// Its words, short; they hold no ids.
    fn words(&self) -> String {
        let words = [&self.message, &self.error_description, &self.error];
        let words = words.into_iter().find(|words| !words.is_empty());
        words.map_or_else(String::new, |words| words.chars().take(120).collect())
    }
}

impl Api {
    pub(super) fn new(http: Arc<Http>, realm: &str, home: &str, client: Client) -> Self {
        Self {
            http,
            realm: realm.to_owned(),
            home: home.to_owned(),
            client,
            held: Mutex::default(),
            roles: Plain::default(),
        }
    }

    /// The account's own user name, which Keycloak makes from its id.
    pub(super) fn own_account(&self) -> String {
        format!("service-account-{}", self.client.id).to_lowercase()
    }

    /// Roles for this realm as the newest token names them; `None` = it names none that can be read.
    pub(super) fn roles(&self) -> Option<BTreeSet<String>> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the newest token names that role; true where it can't be told.
    pub(super) fn may(&self, role: &str) -> bool {
        self.roles().is_none_or(|roles| roles.contains(role))
    }

    /// Gets a token, where none is held.
    pub(super) async fn sign_in(&self) -> Result<(), ConnectorError> {
        Ok(self.token(None).await.map(drop)?)
    }

    /// Reads below this realm's part of the API; `Ok(None)` = 404 in exactly these words of Keycloak.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
        absent: Option<&str>,
    ) -> Result<Option<T>, ConnectorError> {
        let answered = self.ask(operation, Method::GET, path, query).await?;
        if answered.status == 404
            && !answered.is_page()
            && absent.is_some_and(|absent| Said::of(&answered).error == absent)
        {
            return Ok(None);
        }
        Ok(Some(self.good(&answered, operation)?.json()?))
    }

    /// The same where nothing but data will do.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, ConnectorError> {
        let answered = self.ask(operation, Method::GET, path, query).await?;
        self.good(&answered, operation)?.json()
    }

    /// Asks to end one session. Keycloak tells the applications before it answers.
    pub(super) async fn delete_session(&self, id: &str, offline: bool) -> Result<Answer, CallError> {
        let offline = if offline { "true" } else { "false" };
        let query = [("isOffline", offline)];
        let answered = self.ask("end", Method::DELETE, &["sessions", id], &query).await?;
        self.ended(&answered)
    }

    /// Asks to end everything of one user. `Ok(None)` = no such user in this realm.
    pub(super) async fn log_out_user(&self, id: &str) -> Result<Option<Answer>, CallError> {
        let answered = self
            .ask("end all of", Method::POST, &["users", id, "logout"], &[])
            .await?;
        if answered.status == 404 && Said::of(&answered).error == "User not found" {
            return Ok(None);
        }
        self.ended(&answered).map(Some)
    }

    fn ended(&self, answered: &Answered) -> Result<Answer, CallError> {
        match answered.status {
            // With a body it would be another server's.
            204 if !answered.is_page() => Ok(Answer::Accepted),
            // "Sesssion not found", as Keycloak 26 spells it.
            404 if !answered.is_page() && Said::of(answered).error.ends_with("ssion not found") => {
                Ok(Answer::NotFound)
            }
            400 | 409 if !answered.is_page() => {
                let words = Said::of(answered).words();
                Ok(Answer::Refused(match words.as_str() {
                    "" => format!("Keycloak refused it (status {}).", answered.status),
                    words => format!("{words} (status {}).", answered.status),
                }))
            }
            _ => {
                self.good(answered, "end").map_err(CallError::arrived)?;
                Err(CallError::arrived(ConnectorError::new(
                    ErrorKind::Protocol,
                    format!("It answered with status {}, which says nothing.", answered.status),
                )))
            }
        }
    }

    /// An answer that may be data; else why Curfew has none.
    fn good<'a>(&self, answered: &'a Answered, operation: &str) -> Result<&'a Answered, ConnectorError> {
        let realm = &self.realm;
        let page = answered.is_page();
        match answered.status {
            401 if !page => Err(ConnectorError::new(
                ErrorKind::Unauthorized,
                format!(
                    "Keycloak gave {} a token and does not accept it for the realm {realm} (401). It is not tried again by \
                     itself: look whether identity_realm is right, then press Test.",
                    self.client.id
                ),
            )),
            403 if !page => Err(ConnectorError::new(
                ErrorKind::Forbidden,
                format!(
                    "{} may not {} in the realm {realm} (403): {}.",
                    self.client.id,
                    what(operation),
                    needs(operation)
                ),
            )),
            404 if !page && Said::of(answered).error == "Realm not found." => Err(ConnectorError::new(
                ErrorKind::Protocol,
                format!("Keycloak knows no realm {realm}: mend realms."),
            )),
            401 | 403 => Err(ConnectorError::new(
                ErrorKind::Protocol,
                format!("A web page came instead of data (status {}).", answered.status),
            )),
            _ => Ok(answered),
        }
    }

    /// Asks with a token; once more with a new one where Keycloak refuses that (ending everybody makes tokens stale).
    async fn ask(
        &self,
        operation: &'static str,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Answered, CallError> {
        let path: Vec<&str> = ["admin", "realms", &self.realm]
            .into_iter()
            .chain(path.iter().copied())
            .collect();
        let send = async |token: &SecretString| {
            let call = self.http.call(operation, method.clone(), &path).refusals_too();
            let call = if query.is_empty() { call } else { call.query(query) };
            call.bearer(token).send().await
        };
        let token = self.token(None).await?;
        let answered = send(&token).await?;
        if answered.status != 401 {
            return Ok(answered);
        }
        let token = self.token(Some(&token)).await?;
        send(&token).await
    }

    /// A token; another one than `over`, which Keycloak refused.
    async fn token(&self, over: Option<&SecretString>) -> Result<SecretString, CallError> {
        let mut held = self.held.lock().await;
        let fresh = held.as_ref().filter(|held| {
            let refused = over.is_some_and(|over| over.expose_secret() == held.token.expose_secret());
            !refused && held.until > Instant::now()
        });
        if let Some(held) = fresh {
            return Ok(held.token.clone());
        }
        *held = None;
        let path = ["realms", &self.home, "protocol", "openid-connect", "token"];
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client.id.as_str()),
            ("client_secret", self.client.secret.expose_secret()),
        ];
        let call = self.http.call("sign in", Method::POST, &path).refusals_too();
        let answered = call.form(form).send().await?;
        if matches!(answered.status, 400 | 401 | 403) && !answered.is_page() {
            return Err(CallError::arrived(ConnectorError::new(
                ErrorKind::Unauthorized,
                format!(
                    "Keycloak did not let {} sign in to the realm {} ({}: {}). It is not tried again by itself: mend id and \
                     secret, see that service accounts are on for it, then press Test.",
                    self.client.id,
                    self.home,
                    answered.status,
                    Said::of(&answered).words()
                ),
            )));
        }
        if answered.status == 404 {
            return Err(CallError::arrived(ConnectorError::new(
                ErrorKind::Protocol,
                format!(
                    "Keycloak has no realm {} at that address: mend url (with /auth, where it is set up so), realms or \
                     identity_realm.",
                    self.home
                ),
            )));
        }
        let token: Token = answered.json().map_err(CallError::arrived)?;
        let roles = roles(token.access_token.expose_secret(), &self.realm, &self.home);
        *self.roles.lock().unwrap_or_else(PoisonError::into_inner) = roles;
        let lasts = Duration::from_secs(token.expires_in).saturating_sub(EARLY);
        *held = Some(Held {
            token: token.access_token.clone(),
            until: Instant::now() + lasts,
        });
        Ok(token.access_token)
    }
}

/// What an operation does, for people.
fn what(operation: &str) -> &'static str {
    match operation {
        "end" | "end all of" => "end sessions",
        "find users" | "user" | "sessions of" => "look at people",
        "clients" | "sessions" | "offline sessions" => "look at clients and their sessions",
        _ => "look at the realm",
    }
}

/// The role that is missing.
fn needs(operation: &str) -> &'static str {
    match operation {
        "end" | "end all of" => "it needs the role manage-users",
        "find users" | "user" | "sessions of" => "it needs the role view-users",
        "clients" | "sessions" | "offline sessions" => {
            "it needs the role view-clients, or read_by = \"console\", which does without"
        }
        _ => "it needs the role view-realm",
    }
}

/// Roles for `realm` that a token of `home` names; read for telling, never believed.
fn roles(token: &str, realm: &str, home: &str) -> Option<BTreeSet<String>> {
    let claims = token.split('.').nth(1)?;
    let claims = data_encoding::BASE64URL_NOPAD.decode(claims.as_bytes()).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let holder = if realm == home {
        "realm-management".to_owned()
    } else {
        format!("{realm}-realm")
    };
    // A light token names no roles at all: then nothing can be told from it.
    let access = claims.get("resource_access")?;
    let named = access.get(&holder).and_then(|of| of["roles"].as_array());
    let named = named.into_iter().flatten().filter_map(|role| role.as_str());
    let mut roles: BTreeSet<String> = named.map(str::to_owned).collect();
    for (role, also) in [
        ("manage-realm", "view-realm"),
        ("manage-users", "view-users"),
        ("manage-clients", "view-clients"),
    ] {
        if roles.contains(role) {
            roles.insert(also.to_owned());
        }
    }
    Some(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        let claims = data_encoding::BASE64URL_NOPAD.encode(claims.as_bytes());
        format!("e30.{claims}.x")
    }

    #[test]
    fn roles_are_read_where_the_account_lives() {
        let own = token(r#"{"resource_access":{"realm-management":{"roles":["manage-users"]}}}"#);
        let told = roles(&own, "lab", "lab").unwrap();
        assert!(told.contains("manage-users") && told.contains("view-users") && !told.contains("view-realm"));
        let master = token(r#"{"resource_access":{"lab-realm":{"roles":["view-realm"]}}}"#);
        assert!(roles(&master, "lab", "master").unwrap().contains("view-realm"));
        assert!(roles(&master, "other", "master").unwrap().is_empty());
        for light in [token("{}"), "opaque".to_owned(), String::new()] {
            assert_eq!(roles(&light, "lab", "lab"), None, "{light}");
        }
    }
}
