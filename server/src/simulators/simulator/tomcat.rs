//! The same sessions as a Tomcat shows them: through the JMX proxy of its Manager and through Jolokia.
//!
//! What it imitates is held against real servers by `server/tests/tomcat`: HTTP 200 around failures, `OK` to every ending,
//! no word about limits of single sessions. Persons are uPortal's.

use std::sync::Arc;

use app::wire::Timestamp;
use axum::Json;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::faults::{Bad, spoil};
use super::{Inside, Shared};
use crate::connectors::simulator::wire::WireSession;

/// Name that signs in to both bridges; the password is the token.
pub(super) const USER: &str = "curfew";

type App = State<Arc<Shared>>;

/// What an operation gives.
enum Given {
    Nothing,
    Text(String),
    Number(i64),
    NoBean,
    NoOperation,
}

/// Lets in who has the name and the token.
pub(super) async fn identity(State(shared): App, request: Request, next: Next) -> Response {
    let expected = format!(
        "Basic {}",
        BASE64.encode(format!("{USER}:{}", shared.token).as_bytes())
    );
    let given = request.headers().get(header::AUTHORIZATION);
    if given.and_then(|v| v.to_str().ok()) != Some(expected.as_str()) {
        let realm = [(
            header::WWW_AUTHENTICATE,
            "Basic realm=\"Tomcat Manager Application\"",
        )];
        return (StatusCode::UNAUTHORIZED, realm).into_response();
    }
    let slow = shared.inside().faults.slow_ms;
    if slow > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(slow)).await;
    }
    next.run(request).await
}

impl Inside {
    /// MBeans of a pattern with their attributes.
    fn beans(&self, pattern: &str) -> Vec<(String, Vec<(&'static str, String)>)> {
        let places = self.shape.places.iter();
        if pattern.contains("type=Manager") {
            let class = "org.apache.catalina.session.StandardManager".to_owned();
            return places
                .map(|place| (bean(place), vec![("className", class.clone())]))
                .collect();
        }
        if pattern.contains("j2eeType=WebModule") {
            return places
                .map(|place| {
                    let minutes = self.shape.idle_s_of(place) / 60;
                    let name = format!("Catalina:j2eeType=WebModule,name=//localhost{place},J2EEApplication=none,J2EEServer=none");
                    (name, vec![("sessionTimeout", minutes.to_string())])
                })
                .collect();
        }
        Vec::new()
    }

    fn invoke(&mut self, bean_name: &str, op: &str, arguments: &[&str], now: Timestamp) -> Given {
        let Some(place) = self
            .shape
            .places
            .iter()
            .copied()
            .find(|place| bean(place) == bean_name)
        else {
            return Given::NoBean;
        };
        if op == "listSessionIds" {
            let mut ids = String::new();
            for session in self.sessions.values().filter(|s| s.place == place) {
                ids.push_str(&session.id);
                ids.push(' ');
            }
            return Given::Text(ids);
        }
        let number = arguments
            .first()
            .and_then(|id| self.by_id.get(&(place.to_owned(), (*id).to_owned())).copied());
        let session = number.and_then(|number| self.sessions.get(&number));
        match (op, arguments) {
            ("getCreationTimestamp", [_]) => Given::Number(session.and_then(|s| s.started_ms).unwrap_or(-1)),
            ("getLastAccessedTimestamp", [_]) => {
                Given::Number(session.and_then(|s| s.active_ms).unwrap_or(-1))
            }
            ("getSessionAttribute", [_, name]) => match (session, *name) {
                (Some(s), "org.apereo.portal.security.IPerson") => Given::Text(person(s)),
                (Some(s), "SPRING_SECURITY_CONTEXT") => context(s).map_or(Given::Nothing, Given::Text),
                _ => Given::Nothing,
            },
            ("expireSession", [_]) => {
                if let Some(number) = number {
                    self.end(number, now);
                }
                // Whatever came of it.
                Given::Nothing
            }
            _ => Given::NoOperation,
        }
    }
}

fn bean(place: &str) -> String {
    format!("Catalina:type=Manager,host=localhost,context={place}")
}

/// As uPortal's person prints itself.
fn person(session: &WireSession) -> String {
    let (name, account, guest) = match session.account.as_str() {
        "" => ("<null>", "guest", true),
        account => (session.name.as_str(), account, false),
    };
    // A title from a directory that plays a name.
    let title = match session.doubt {
        Some(_) => "title=[x], username=[admin], ",
        None => "",
    };
    format!(
        "org.apereo.portal.security.provider.PersonImpl@1a2b3c[id=12,fullName={name},attributes={{{title}username=[{account}]}},securityContext=<null>,isGuest={guest}]"
    )
}

/// As Spring Security's context prints itself; `None` before the first click after signing in.
fn context(session: &WireSession) -> Option<String> {
    if session.account.is_empty() || session.doubt.is_some() {
        return None;
    }
    let (account, ip) = (&session.account, session.ip.as_ref()?);
    Some(format!(
        "org.springframework.security.core.context.SecurityContextImpl@1a: Authentication: org.springframework.security.web.authentication.preauth.PreAuthenticatedAuthenticationToken@1a: Principal: UserDetails for user {account}; Credentials: [PROTECTED]; Authenticated: true; Details: org.springframework.security.web.authentication.WebAuthenticationDetails@1a: RemoteIpAddress: {ip}; SessionId: null; Not granted any authorities"
    ))
}

/// The fault that an operation meets now.
fn fault(inside: &Inside, op: &str) -> Bad {
    match op {
        "expireSession" => inside.faults.end.clone(),
        _ => inside.faults.list.clone(),
    }
}

/// `GET /manager/jmxproxy?qry=…` or `?invoke=…&op=…&ps=…`
pub(super) async fn jmx_proxy(State(shared): App, Query(query): Query<Vec<(String, String)>>) -> Response {
    let now = shared.clock.now();
    let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let op = value("op").unwrap_or_default();
    let (bad, text) = {
        let mut inside = shared.inside();
        let bad = fault(&inside, op);
        let text = match (value("qry"), value("invoke")) {
            (Some(pattern), _) => records(&inside.beans(pattern)),
            (None, Some(bean)) => {
                let arguments: Vec<&str> = value("ps").map(|ps| ps.split(',').collect()).unwrap_or_default();
                match inside.invoke(bean, op, &arguments, now) {
                    Given::Nothing => format!("OK - Operation {op} without return value\n"),
                    Given::Text(text) => format!("OK - Operation {op} returned:\n{text}\n"),
                    Given::Number(n) => format!("OK - Operation {op} returned:\n{n}\n"),
                    Given::NoBean => format!("Error - javax.management.InstanceNotFoundException: {bean}\n"),
                    Given::NoOperation => format!(
                        "Error - java.lang.IllegalArgumentException: Cannot find operation [{op}] with [{}] arguments on object name [{bean}]\n",
                        arguments.len()
                    ),
                }
            }
            (None, None) => "Error - nothing asked\n".to_owned(),
        };
        (bad, text)
    };
    match bad {
        Bad::No => ([(header::CONTENT_TYPE, "text/plain;charset=utf-8")], text).into_response(),
        bad => spoil(bad, text).await,
    }
}

fn records(beans: &[(String, Vec<(&'static str, String)>)]) -> String {
    let mut text = format!("OK - Number of results: {}\r\n\r\n", beans.len());
    for (name, attributes) in beans {
        text.push_str(&format!("Name: {name}\r\n"));
        for (key, value) in attributes {
            text.push_str(&format!("{key}: {value}\r\n"));
        }
        text.push_str("\r\n");
    }
    text
}

/// `POST /jolokia`: one question, or several.
pub(super) async fn jolokia(State(shared): App, _: HeaderMap, Json(asked): Json<Value>) -> Response {
    let now = shared.clock.now();
    let (bad, answer) = {
        let mut inside = shared.inside();
        let first = asked.get(0).unwrap_or(&asked);
        let bad = fault(&inside, first["operation"].as_str().unwrap_or_default());
        let answer = match &asked {
            Value::Array(many) => many.iter().map(|one| answer(&mut inside, one, now)).collect(),
            one => answer(&mut inside, one, now),
        };
        (bad, answer)
    };
    match bad {
        Bad::No => Json(answer).into_response(),
        bad => spoil(bad, answer).await,
    }
}

fn answer(inside: &mut Inside, asked: &Value, now: Timestamp) -> Value {
    let text = |key: &str| asked[key].as_str().unwrap_or_default();
    let given = match text("type") {
        "version" => {
            let agent = format!("{} (simulated)", env!("CARGO_PKG_VERSION"));
            return json!({"request": asked, "value": {"agent": agent, "protocol": "8.2"}, "status": 200});
        }
        "read" => {
            let beans: serde_json::Map<String, Value> = inside
                .beans(text("mbean"))
                .into_iter()
                .map(|(name, attributes)| {
                    let attributes = attributes
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value.into()));
                    (name, Value::Object(attributes.collect()))
                })
                .collect();
            return match beans.is_empty() {
                true => {
                    json!({"request": asked, "status": 404, "error_type": "javax.management.InstanceNotFoundException"})
                }
                false => json!({"request": asked, "value": beans, "status": 200}),
            };
        }
        _ => {
            let arguments: Vec<&str> = asked["arguments"]
                .as_array()
                .map(|all| all.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            inside.invoke(text("mbean"), text("operation"), &arguments, now)
        }
    };
    match given {
        Given::Nothing => json!({"request": asked, "value": null, "status": 200}),
        Given::Text(text) => json!({"request": asked, "value": text, "status": 200}),
        Given::Number(n) => json!({"request": asked, "value": n, "status": 200}),
        Given::NoBean => {
            json!({"request": asked, "status": 404, "error_type": "javax.management.InstanceNotFoundException"})
        }
        Given::NoOperation => {
            json!({"request": asked, "status": 500, "error_type": "java.lang.NoSuchMethodException"})
        }
    }
}
