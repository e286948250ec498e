//! The calls a simulated CAS answers, and in what words: 200 for nearly anything.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use app::wire::Timestamp;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::faults::{Bad, Call, Faults, error};
use super::model::{Asked, Release, Session};
use super::{Inside, Shared, USER};
use crate::keys;
use crate::simulators::loopback::may_control;

type App = State<Arc<Shared>>;
type Fields = HashMap<String, String>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let sessions = || get(list).delete(end_by_query);
    let mut router = Router::new()
        .route("/cas/login", get(page).post(sign_in))
        .route("/cas/logout", get(sign_out))
        .route("/cas/actuator/ssoSessions", sessions())
        .route(
            "/cas/actuator/ssoSessions/{id}",
            axum::routing::delete(end).get(not_found),
        )
        .route("/control", post(control));
    let release = shared.inside().model.release;
    router = match release {
        Release::Seven => router.route(
            "/cas/actuator/ssoSessions/users/{name}",
            get(list_of).delete(end_user),
        ),
        // 6.6 takes an empty segment for none.
        Release::Six => router.route("/cas/actuator/ssoSessions/", sessions()),
    };
    router.fallback(not_found).with_state(shared)
}

async fn not_found() -> Response {
    error(404, "Not Found")
}

/// A cookie of a request.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    let mut each = all.split("; ");
    each.find_map(|cookie| cookie.strip_prefix("TGC="))
}

impl Shared {
    /// Answers a call of people's browsers: by its faults, else by `work`.
    async fn answer(&self, call: Call, work: impl FnOnce(&mut Inside, Timestamp) -> Response) -> Response {
        let (bad, response, slow_ms) = {
            let now = self.clock.now();
            let mut inside = self.inside();
            *inside.calls.entry(call).or_default() += 1;
            let bad = inside.faults.bad.get(&call).cloned();
            let response = match bad.as_ref().is_none_or(Bad::is_done) {
                true => work(&mut inside, now),
                false => StatusCode::NO_CONTENT.into_response(),
            };
            (bad, response, inside.faults.slow_ms)
        };
        if slow_ms > 0 {
            tokio::time::sleep(Duration::from_millis(slow_ms)).await;
        }
        match bad {
            Some(bad) => bad.spoil(response, error).await,
            None => response,
        }
    }

    /// The same of the endpoint, for whoever it lets in.
    async fn endpoint(
        &self,
        call: Call,
        headers: &HeaderMap,
        work: impl FnOnce(&mut Inside, Timestamp) -> Response,
    ) -> Response {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let both = format!("{USER}:{}", self.password);
        let wanted = format!("Basic {}", data_encoding::BASE64.encode(both.as_bytes()));
        let refused = {
            let mut inside = self.inside();
            inside.at_once += 1;
            inside.most_at_once = inside.most_at_once.max(inside.at_once);
            match &inside.faults {
                faults if faults.other_address => Some(error(403, "Forbidden")),
                _ if bearer != Some(wanted.as_str()) => Some(error(401, "Unauthorized")),
                faults if faults.disabled => Some(error(404, "Not Found")),
                _ => None,
            }
        };
        let response = match refused {
            Some(refused) => refused,
            None => self.answer(call, work).await,
        };
        self.inside().at_once -= 1;
        response
    }
}

fn asked(fields: &Fields) -> Asked {
    let number = |name: &str| fields.get(name).and_then(|value| value.parse().ok());
    Asked {
        from: number("from").unwrap_or(0),
        count: number("count"),
        username: fields.get("username").cloned(),
    }
}

async fn list(State(shared): App, headers: HeaderMap, Query(fields): Query<Fields>) -> Response {
    let work =
        |inside: &mut Inside, _| Json(inside.model.list(&asked(&fields), inside.faults.hide)).into_response();
    let bounded = ["from", "count"].iter().all(|name| fields.contains_key(*name));
    let call = if bounded { Call::List } else { Call::CutList };
    shared.endpoint(call, &headers, work).await
}

async fn list_of(
    State(shared): App,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(fields): Query<Fields>,
) -> Response {
    let asked = Asked {
        username: Some(name),
        ..asked(&fields)
    };
    let work = |inside: &mut Inside, _| Json(inside.model.list(&asked, inside.faults.hide)).into_response();
    shared.endpoint(Call::List, &headers, work).await
}

impl Inside {
    /// Ends a session, unless something is wrong; what it answers.
    fn end(&mut self, id: &str, now: Timestamp) -> Value {
        if self.faults.refuse {
            return json!({ "status": 500, "ticketGrantingTicket": id, "message": format!("can not end {id}") });
        }
        if self.faults.lie {
            return self.model.ended(id, self.model.sessions.get(id));
        }
        let ended: Option<Session> = self.model.end(id);
        if let Some(session) = &ended {
            let back = &session.principal;
            if self.faults.let_back || self.faults.let_back_for.contains(back) {
                self.model.open(back, now);
            }
        }
        self.model.ended(id, ended.as_ref())
    }

    /// The same of everything that is somebody's; `None` = of everybody.
    fn end_all(&mut self, username: Option<&str>, now: Timestamp) -> Value {
        let of = |session: &&Session| {
            username.is_none_or(|username| session.principal.eq_ignore_ascii_case(username))
        };
        let ids: Vec<String> = self
            .model
            .sessions
            .values()
            .filter(of)
            .map(|session| session.id.clone())
            .collect();
        let answers: serde_json::Map<String, Value> = ids
            .into_iter()
            .map(|id| {
                let answer = self.end(&id, now);
                (id, answer)
            })
            .collect();
        answers.into()
    }
}

async fn end(State(shared): App, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let work = |inside: &mut Inside, now| Json(inside.end(&id, now)).into_response();
    shared.endpoint(Call::Delete, &headers, work).await
}

async fn end_user(State(shared): App, headers: HeaderMap, Path(name): Path<String>) -> Response {
    let work = |inside: &mut Inside, now| Json(inside.end_all(Some(&name), now)).into_response();
    shared.endpoint(Call::DeleteUser, &headers, work).await
}

/// The trap: 7 takes no name, and an empty one, for everybody, and says 200.
async fn end_by_query(State(shared): App, headers: HeaderMap, Query(fields): Query<Fields>) -> Response {
    let named = fields.get("username").filter(|name| !name.is_empty());
    let everybody = |inside: &Inside| inside.model.release == Release::Seven || fields.contains_key("type");
    let work = |inside: &mut Inside, now| {
        let answer = match named {
            Some(name) => inside.end_all(Some(name), now),
            None if everybody(inside) => {
                inside.end_all(None, now);
                json!({ "status": 200 })
            }
            None => json!({ "status": 400 }),
        };
        Json(answer).into_response()
    };
    let call = match named {
        Some(_) => Call::DeleteUser,
        None => Call::DeleteEverybody,
    };
    shared.endpoint(call, &headers, work).await
}

/// The sign-in page, or what somebody who is signed in gets in its place.
async fn page(State(shared): App, headers: HeaderMap, Query(fields): Query<Fields>) -> Response {
    let work = |inside: &mut Inside, now| {
        let session = cookie(&headers).and_then(|cookie| inside.model.by_cookie(cookie));
        match session.map(|session| session.id.clone()) {
            Some(id) => inside.let_in(&id, &fields, now),
            None => inside.form(StatusCode::OK),
        }
    };
    shared.answer(Call::SignIn, work).await
}

async fn sign_in(
    State(shared): App,
    Query(asked): Query<Fields>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let said = |name: &str| form.get(name).map_or("", String::as_str);
    let work = |inside: &mut Inside, now| {
        let model = &mut inside.model;
        let person = model.people.get(said("username"));
        let good = person.is_some_and(|person| person.password == said("password"));
        if !good || !model.forms.iter().any(|form| form == said("execution")) {
            return inside.form(StatusCode::UNAUTHORIZED);
        }
        let (id, cookie) = model.open(said("username"), now);
        let mut response = inside.let_in(&id, &asked, now);
        let cookie = format!("TGC={cookie}; Path=/cas; HttpOnly");
        if let Ok(cookie) = cookie.parse() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    };
    shared.answer(Call::SignIn, work).await
}

impl Inside {
    /// Leads somebody who is signed in to the application they asked for.
    fn let_in(&mut self, id: &str, asked: &Fields, now: Timestamp) -> Response {
        let Some(service) = asked.get("service") else {
            return Html("<title>CAS - Central Authentication Service Log In Successful</title>")
                .into_response();
        };
        let ticket = self.model.sign_in_to(id, service, now).unwrap_or_default();
        let to = format!("{service}?ticket={ticket}");
        (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
    }

    fn form(&mut self, status: StatusCode) -> Response {
        let execution = keys::random_id();
        let page = format!(
            "<!DOCTYPE html><html><head><title>CAS - Central Authentication Service Login</title></head><body>\
             <form method=\"post\" id=\"fm1\" action=\"login\"><input name=\"username\"/><input name=\"password\"/>\
             <input type=\"hidden\" name=\"execution\" value=\"{execution}\"/></form></body></html>"
        );
        self.model.forms.push(execution);
        (status, Html(page)).into_response()
    }
}

async fn sign_out(State(shared): App, headers: HeaderMap) -> Response {
    let work = |inside: &mut Inside, _| {
        let session = cookie(&headers).and_then(|cookie| inside.model.by_cookie(cookie));
        if let Some(id) = session.map(|session| session.id.clone()) {
            inside.model.end(&id);
        }
        Html("<title>CAS - Central Authentication Service Logged out</title>").into_response()
    };
    shared.answer(Call::SignIn, work).await
}

async fn control(State(shared): App, headers: HeaderMap, Json(faults): Json<Faults>) -> Response {
    if !may_control(&headers, &shared.control) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    shared.inside().faults = faults;
    StatusCode::NO_CONTENT.into_response()
}
