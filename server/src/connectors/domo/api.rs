//! The calls to Domo, each with the credential, and what its answer is: data or trouble.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::identity::Identity;
use super::names::User;
use super::rows::{Row, text};
use super::trouble::Trouble;
use crate::connectors::http::{Answered, Call, CallError, Http, HttpSettings};
use crate::connectors::{Answer, ConnectorError, ErrorKind};

/// Longest list that is taken, bytes: some 300,000 sessions.
const LONGEST_ANSWER: usize = 128 << 20;
/// A session by way of OAuth holds about an hour; a new one is taken before.
const SID_LASTS: Duration = Duration::from_secs(50 * 60);

/// What was asked for, or Domo's trouble in its place. `Err` = no answer, or none that could be read.
pub(super) type Told<T> = Result<Result<T, Trouble>, CallError>;

/// Whom Domo takes Curfew for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Me {
    /// Empty = not told.
    pub id: String,
    /// Empty = not told.
    pub name: String,
}

/// One Domo, as one identity.
pub(super) struct Api {
    http: Http,
    identity: Identity,
    held: Mutex<Held>,
}

/// What signing in gave.
#[derive(Default)]
struct Held {
    credential: Option<SecretString>,
    /// To be renewed then; `None` = when Domo refuses it.
    until: Option<Instant>,
    /// The newest refresh token, where Domo gave another one.
    refresh: Option<SecretString>,
}

/// How Domo's address is reached.
pub(super) fn http_settings(
    url: &str,
    timeout: Duration,
    (connections, pace): (usize, Duration),
    ca_file: Option<PathBuf>,
) -> HttpSettings {
    HttpSettings {
        base: url.to_owned(),
        timeout,
        connections,
        pace,
        ca_file,
        longest_answer: LONGEST_ANSWER,
        cookies: false,
    }
}

impl Api {
    pub(super) fn new(http: &HttpSettings, identity: Identity) -> anyhow::Result<Self> {
        Ok(Self {
            http: Http::new(http)?,
            identity,
            held: Mutex::default(),
        })
    }

    pub(super) const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the credential is accepted at all: whom it is of.
    pub(super) async fn me(&self) -> Told<Me> {
        let answered = self
            .ask(|| self.call("whoami", Method::GET, &["content", "v2", "users", "me"]))
            .await?;
        Ok(answered.map(|answered| me(&answered)))
    }

    /// At most `limit` sessions. Whether that is all, only their number tells.
    pub(super) async fn sessions(&self, limit: usize) -> Told<Vec<Row>> {
        let limit = limit.to_string();
        let answered = self
            .ask(|| {
                self.call("list", Method::GET, &["sessions", "v1", "admin"])
                    .query(&[("limit", &limit)])
            })
            .await?;
        match answered {
            Ok(answered) => Ok(Ok(answered.json().map_err(CallError::arrived)?)),
            Err(trouble) => Ok(Err(trouble)),
        }
    }

    /// Names of these users, by id; who is not in it is not known there.
    pub(super) async fn users(&self, ids: &[String]) -> Told<HashMap<String, User>> {
        let ids = ids.join(",");
        let answered = self
            .ask(|| {
                self.call("users", Method::GET, &["content", "v3", "users"])
                    .query(&[("id", &ids), ("includeDetails", "true")])
            })
            .await?;
        let answered = match answered {
            Ok(answered) => answered,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let users: Vec<Value> = answered.json().map_err(CallError::arrived)?;
        let named = users.iter().filter_map(|user| {
            let said = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
            let detail = &user["detail"];
            let named = User {
                name: said(&user["displayName"]),
                email: Some(said(&detail["email"])).filter(|email| !email.is_empty()),
                active: detail["active"].as_bool().unwrap_or(true),
            };
            Some((text(&user["id"])?, named))
        });
        Ok(Ok(named.collect()))
    }

    /// Asks to end the session of that number.
    pub(super) async fn delete(&self, number: i64) -> Result<Answer, CallError> {
        let number = number.to_string();
        let answered = self
            .ask_raw(|| self.call("end", Method::DELETE, &["sessions", "v1", "admin", &number]))
            .await?;
        let Some(trouble) = Trouble::of(&answered) else {
            return Ok(Answer::Accepted);
        };
        match &trouble {
            Trouble::Said(said) if matches!(said.status, 404 | 410) => Ok(Answer::NotFound),
            Trouble::Said(said) if matches!(said.status, 400..=499) && !trouble.turned_away() => {
                Ok(Answer::Refused(said.in_its_words()))
            }
            Trouble::Reason(reason) => Ok(Answer::Refused(format!("{reason}."))),
            Trouble::Said(said) => {
                tracing::info!(
                    status = said.status,
                    trace = said.trace,
                    "Domo could not end a session"
                );
                Err(CallError::arrived(trouble.error("to end sessions")))
            }
            _ => Err(CallError::arrived(trouble.error("to end sessions"))),
        }
    }

    /// Opens a session anew, whatever is held.
    pub(super) async fn sign_in(&self) -> Result<(), CallError> {
        let mut held = self.held.lock().await;
        self.open(&mut held).await
    }

    /// Whether the session that is held still opens something; never opens another one.
    pub(super) async fn is_alive(&self) -> Result<bool, CallError> {
        let Some(credential) = self.held.lock().await.credential.clone() else {
            return Ok(false);
        };
        let call = self.call("whoami", Method::GET, &["content", "v2", "users", "me"]);
        let answered = call
            .secret_header(self.identity.header(), &credential)
            .send()
            .await?;
        match Trouble::of(&answered) {
            None => Ok(true),
            // The web app is led to the sign-in page.
            Some(Trouble::Elsewhere) => Ok(false),
            Some(Trouble::Said(said)) if matches!(said.status, 401 | 403) => Ok(false),
            Some(trouble) => Err(CallError::arrived(trouble.error("to look at its own account"))),
        }
    }

    fn call(&self, operation: &'static str, method: Method, path: &[&str]) -> Call<'_> {
        let path: Vec<&str> = std::iter::once("api").chain(path.iter().copied()).collect();
        self.http
            .call(operation, method, &path)
            .refusals_too()
            .redirects_too()
    }

    /// Asks with the credential, and sorts the answer.
    async fn ask<'a>(&'a self, call: impl Fn() -> Call<'a>) -> Told<Answered> {
        let answered = self.ask_raw(call).await?;
        Ok(match Trouble::of(&answered) {
            None => Ok(answered),
            Some(trouble) => Err(trouble),
        })
    }

    /// Asks with the credential; once more with a new one where a session of Curfew's own was over.
    async fn ask_raw<'a>(&'a self, call: impl Fn() -> Call<'a>) -> Result<Answered, CallError> {
        let header = self.identity.header();
        let credential = self.credential(None).await?;
        let answered = call().secret_header(header.clone(), &credential).send().await?;
        if answered.status != 401 || !self.identity.has_session() {
            return Ok(answered);
        }
        let credential = self.credential(Some(&credential)).await?;
        call().secret_header(header, &credential).send().await
    }

    /// What proves who Curfew is; another one than `over`, which Domo refused.
    async fn credential(&self, over: Option<&SecretString>) -> Result<SecretString, CallError> {
        if let Identity::Token(token) = &self.identity {
            return Ok(token.clone());
        }
        let mut held = self.held.lock().await;
        let is_over = |credential: &SecretString| {
            over.is_some_and(|over| over.expose_secret() == credential.expose_secret())
        };
        let late = held.until.is_some_and(|until| until <= Instant::now());
        if let Some(credential) = held.credential.clone().filter(|held| !late && !is_over(held)) {
            return Ok(credential);
        }
        self.open(&mut held).await?;
        held.credential.clone().ok_or_else(no_session)
    }

    async fn open(&self, held: &mut Held) -> Result<(), CallError> {
        held.credential = None;
        match &self.identity {
            Identity::Token(_) => {}
            Identity::Password { email, password } => {
                held.credential = Some(self.by_password(email, password).await?);
            }
            Identity::Refresh {
                token,
                client_id,
                client_secret,
            } => {
                let token = held.refresh.clone().unwrap_or_else(|| token.clone());
                let mut form = vec![
                    ("grant_type", "refresh_token"),
                    ("refresh_token", token.expose_secret()),
                ];
                form.extend(client_id.as_deref().map(|id| ("client_id", id)));
                form.extend(
                    client_secret
                        .as_ref()
                        .map(|secret| ("client_secret", secret.expose_secret())),
                );
                let call = self
                    .call("refresh", Method::POST, &["oauth2", "token"])
                    .form(form);
                let tokens = signed_in(&call.send().await?)?;
                if let Some(refresh) = secret(&tokens, "refresh_token") {
                    held.refresh = Some(refresh);
                }
                let access = secret(&tokens, "access_token").ok_or_else(no_session)?;
                let call = self.call("sid", Method::GET, &["oauth2", "sid"]).bearer(&access);
                let sid = signed_in(&call.send().await?)?;
                held.credential = Some(secret(&sid, "sid").ok_or_else(no_session)?);
                held.until = Some(Instant::now() + SID_LASTS);
            }
        }
        Ok(())
    }

    async fn by_password(&self, email: &str, password: &SecretString) -> Result<SecretString, CallError> {
        let body = json!({
            "method": "password",
            "emailAddress": email,
            "password": password.expose_secret(),
        });
        let call = self.call("sign in", Method::POST, &["content", "v2", "authentication"]);
        let answered = call.json(&body).send().await?;
        secret(&signed_in(&answered)?, "sessionToken").ok_or_else(no_session)
    }
}

/// Whom an answer of `users/me` names; the answer alone says that the credential is accepted.
fn me(answered: &Answered) -> Me {
    let said: Value = answered.json().unwrap_or_default();
    let names = ["displayName", "name", "emailAddress"];
    let name = names.iter().find_map(|name| said[*name].as_str());
    Me {
        id: text(&said["id"]).unwrap_or_default(),
        name: name.unwrap_or_default().to_owned(),
    }
}

/// What a sign-in gave; a refused one is never tried again by itself.
fn signed_in(answered: &Answered) -> Result<Value, CallError> {
    let Some(trouble) = Trouble::of(answered) else {
        return answered.json().map_err(CallError::arrived);
    };
    let error = match &trouble {
        // OAuth says 400 for a refresh token that is over; Domo says 403 for a name of no Domo.
        Trouble::Said(said) if matches!(said.status, 400 | 401 | 403) => ConnectorError::new(
            ErrorKind::Unauthorized,
            format!(
                "Domo did not let Curfew sign in ({}). It is not tried again by itself: look whether url names your Domo, \
                 mend the secret, then press Test. {}",
                said.reference(),
                said.in_its_words()
            ),
        ),
        _ => trouble.error("to sign in"),
    };
    Err(CallError::arrived(error))
}

fn secret(value: &Value, name: &str) -> Option<SecretString> {
    let text = value[name].as_str().filter(|text| !text.is_empty())?;
    Some(SecretString::from(text))
}

fn no_session() -> CallError {
    CallError::arrived(ConnectorError::new(
        ErrorKind::Protocol,
        "Domo answered the sign-in without a session.",
    ))
}
