//! The simulated Tableau Server over loopback: every documented answer, in both formats, and its faults.

use std::sync::Arc;

use app::wire::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::{Value, json};

use super::faults::{Bad, Missing, Who};
use super::release::{Release, Rest};
use super::rows::{Kind, SiteRole, SiteStatus};
use super::shape::{DeleteTakes, IdShape};
use super::*;
use crate::clock::FakeClock;
use crate::keys;

mod answers;
mod embedding;
mod signing_in;

/// A server of people, its clock, and calls of it.
struct Far {
    server: TableauServer,
    clock: Arc<FakeClock>,
    client: reqwest::Client,
    version: &'static str,
}

/// An answer: status, type, text.
struct Heard {
    status: u16,
    kind: String,
    location: String,
    cookie: String,
    text: String,
}

impl Heard {
    /// The code of the error it is, in XML or JSON; empty when it is none.
    fn code(&self) -> String {
        if self.kind.contains("json") {
            let error: Value = serde_json::from_str(&self.text).unwrap();
            return error["error"]["code"].as_str().unwrap_or_default().to_owned();
        }
        self.after("<error code=\"")
    }

    /// What stands between that text and the next quote.
    fn after(&self, start: &str) -> String {
        let rest = self.text.split_once(start).map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split('"').next())
            .unwrap_or_default()
            .to_owned()
    }

    fn token(&self) -> String {
        self.after("token=\"")
    }
}

async fn far(release: &str) -> Far {
    far_as(Shape::of(Release::named(release).unwrap())).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator is called beside the connectors"
)]
async fn far_as(shape: Shape) -> Far {
    let clock = Arc::new(FakeClock::at(Timestamp(1_790_000_000_000)));
    let version = if shape.release.rest() >= Rest(3, 10) {
        "3.10"
    } else {
        "3.5"
    };
    let server = TableauServer::start(clock.clone(), shape).await.unwrap();
    server.model(|model, now| {
        model.fill(30, &[("Sales", "Sales"), ("Field & \"Ops\"", "ops")], now);
        model.add_administrator("boss", "p<&>\"w", now);
        let plain = model.add_person("plain", "Plain", None);
        model.set_password(plain, "secret");
        model.join(plain, 1, SiteRole::Viewer, now);
    });
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    Far {
        server,
        clock,
        client: client.build().unwrap(),
        version,
    }
}

impl Far {
    async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Heard> {
        let url = format!("{}{path}", self.server.url());
        let mut request = self.client.request(method, url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.ok()?;
        let header = |name: &str| {
            let value = answer.headers().get(name);
            value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
        };
        Some(Heard {
            status: answer.status().as_u16(),
            kind: header("content-type"),
            location: header("location"),
            cookie: header("set-cookie"),
            text: answer.text().await.ok()?,
        })
    }

    async fn ask(&self, method: Method, path: &str, token: &str) -> Heard {
        let path = format!("/api/{}/{path}", self.version);
        let answer = self.call(method, &path, &[("X-Tableau-Auth", token)], "").await;
        answer.unwrap()
    }

    /// Signs in with XML and no `Content-Type`.
    async fn sign_in(&self, attributes: &str, inside: &str) -> Heard {
        let body = format!("<tsRequest><credentials {attributes}>{inside}</credentials></tsRequest>");
        let path = format!("/api/{}/auth/signin", self.version);
        self.call(Method::POST, &path, &[], &body).await.unwrap()
    }

    /// Token of the administrator.
    async fn boss(&self) -> String {
        let heard = self
            .sign_in("name=\"boss\" password=\"p&lt;&amp;>&quot;w\"", "<site/>")
            .await;
        assert_eq!(heard.status, 200, "{}", heard.text);
        heard.token()
    }

    /// A browser session of somebody at the Default site: key, `session_id`, token.
    fn opened(&self) -> (i32, String, String) {
        self.server.model(|model, now| {
            let user = model.members(1).next().unwrap().0.id;
            let id = model.open(user, Kind::Browser, now).unwrap();
            let session = model.session(id).unwrap();
            (id, session.session_id.clone(), session.token.clone())
        })
    }
}
