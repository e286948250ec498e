//! What the app says to the broker: requests of its browsers handed on, and sign-outs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::tokens::Session;
use crate::{App, COOKIE, Settings, cookie};

/// What of a browser's request the broker gets to see. Its cookie is the one of ours; other cookies stay here.
const HANDED_ON: [&str; 4] = ["content-type", "origin", "sec-fetch-site", "user-agent"];

/// The way to the broker.
pub struct Broker {
    client: reqwest::Client,
    url: String,
    id: String,
}

/// What the broker made of a sign-out.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct SignedOut {
    /// Finds the row on the Tickets page.
    pub reference: Option<String>,
    /// The ending it began, if any.
    pub ending: Option<i64>,
    /// How the ending stands.
    pub state: String,
}

/// How an ending stands.
#[derive(Deserialize)]
struct Standing {
    state: String,
    /// How many sessions had each outcome: only Curfew's read-back makes one.
    #[serde(default)]
    outcomes: BTreeMap<String, i64>,
}

/// Outcomes of sessions that were read back as gone.
const GONE: [&str; 3] = ["ended", "already_gone", "rotated"];

impl Standing {
    /// Its state in a word; "settled" may mean either.
    fn word(self) -> String {
        if self.state != "settled" {
            return self.state;
        }
        let all_gone = self
            .outcomes
            .keys()
            .all(|outcome| GONE.contains(&outcome.as_str()));
        if all_gone { "gone" } else { "not_gone" }.to_owned()
    }
}

impl Broker {
    #[expect(
        clippy::disallowed_methods,
        reason = "an app of its own: not one of Curfew's outbound calls"
    )]
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        // Whoever came first has chosen; the same one here.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(15))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            url: settings.broker.trim_end_matches('/').to_owned(),
            id: settings.id.clone(),
        })
    }
}

/// The one route that an app's reverse proxy needs: same-origin for the browser, the broker behind it.
pub async fn tickets(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (Some(_), Some(cookie)) = (app.session(&headers), cookie(&headers)) else {
        return problem(StatusCode::UNAUTHORIZED, "unauthorized");
    };
    let broker = &app.broker;
    let mut ask = broker
        .client
        .post(format!("{}/broker/v1/browser/tickets", broker.url))
        .header(header::COOKIE, format!("{COOKIE}={cookie}"))
        .header("x-curfew-app", &broker.id)
        .header("x-forwarded-for", browser(from, &headers))
        .body(body);
    for name in HANDED_ON.map(HeaderName::from_static) {
        if let Some(value) = headers.get(&name) {
            ask = ask.header(name, value);
        }
    }
    let Ok(answer) = ask.send().await else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "unreachable");
    };
    let status = answer.status();
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let Ok(body) = answer.bytes().await else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "unreachable");
    };
    let kind = kind.unwrap_or(header::HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (
            header::CACHE_CONTROL,
            header::HeaderValue::from_static("no-store"),
        ),
    ];
    (status, headers, body).into_response()
}

/// Where the browser is: what a proxy of this machine says, else whoever called.
fn browser(from: SocketAddr, headers: &HeaderMap) -> String {
    let said = headers.get("x-forwarded-for").filter(|_| from.ip().is_loopback());
    let said = said
        .and_then(|all| all.to_str().ok())
        .and_then(|all| all.rsplit(',').next());
    said.map_or_else(|| from.ip().to_string(), |ip| ip.trim().to_owned())
}

fn problem(status: StatusCode, code: &str) -> Response {
    let body = json!({ "status": status.as_u16(), "code": code }).to_string();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}

/// Tells the broker that somebody has signed out. `Err` says in a word why that could not be done.
pub async fn sign_out(app: &App, session: &Session) -> Result<SignedOut, String> {
    let token = app.tokens.call(session).map_err(|error| error.to_string())?;
    let ask = app
        .broker
        .client
        .post(format!("{}/broker/v1/signout", app.broker.url));
    answered(ask.bearer_auth(token)).await
}

/// How an ending stands now, in a word.
pub async fn standing(app: &App, session: &Session, ending: i64) -> Result<String, String> {
    let token = app.tokens.call(session).map_err(|error| error.to_string())?;
    let ask = app
        .broker
        .client
        .get(format!("{}/broker/v1/endings/{ending}", app.broker.url));
    answered::<Standing>(ask.bearer_auth(token))
        .await
        .map(Standing::word)
}

async fn answered<T: serde::de::DeserializeOwned>(ask: reqwest::RequestBuilder) -> Result<T, String> {
    let answer = ask
        .send()
        .await
        .map_err(|_| "the broker is not there".to_owned())?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    if status.is_success() {
        return serde_json::from_str(&text).map_err(|_| "the broker’s answer is not understood".to_owned());
    }
    let told: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let said = |name: &str| told[name].as_str().map(|word| format!(" {word}"));
    let words: String = [said("code"), said("reference")].into_iter().flatten().collect();
    Err(format!("the broker said {}{words}", status.as_u16()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_read_back_as_gone_is_gone() {
        for (told, word) in [
            (r#"{"state":"running"}"#, "running"),
            (
                r#"{"state":"settled","outcomes":{"ended":1,"already_gone":2}}"#,
                "gone",
            ),
            (
                r#"{"state":"settled","outcomes":{"ended":1,"still_there":1}}"#,
                "not_gone",
            ),
            (r#"{"state":"settled","outcomes":{"unknown":1}}"#, "not_gone"),
        ] {
            assert_eq!(serde_json::from_str::<Standing>(told).unwrap().word(), word);
        }
    }
}
