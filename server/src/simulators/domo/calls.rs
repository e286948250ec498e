//! The calls a simulated Domo answers, and in what words.

use std::sync::Arc;
use std::time::Duration;

use app::civil::rfc3339;
use app::wire::Timestamp;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::{AfterList, Bad, Call, Faults, TokenTaken, problem, spoil, too_often};
use super::model::{BROWSER, Session};
use super::{Inside, OWNER, Shared};
use crate::keys;
use crate::simulators::loopback::may_control;

type App = State<Arc<Shared>>;

/// Go's zero time.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/content/v2/users/me", get(me))
        .route("/api/content/v3/users", get(users))
        .route("/api/content/v2/authentication", post(sign_in))
        .route("/api/oauth2/token", post(token))
        .route("/api/oauth2/sid", get(sid))
        .route("/api/sessions/v1/admin", get(list))
        .route("/api/sessions/v1/admin/{id}", delete(end))
        .route("/api/sessions/v1/me", get(my_session).post(keep_alive))
        .route("/control", post(control))
        .with_state(shared)
}

/// A refusal: status, message, trace id.
struct Refusal(u16, &'static str, &'static str);

impl Refusal {
    fn written(self) -> Response {
        problem(self.0, self.1, self.2)
    }
}

/// Who asks.
struct Asker {
    user_id: i64,
    by_token: bool,
}

impl Inside {
    /// Whoever the headers say; `Err` = why they are refused.
    fn asker(&mut self, shared: &Shared, headers: &HeaderMap, now: Timestamp) -> Result<Asker, Refusal> {
        let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let refused = || Refusal(401, "Unauthorized", "TOE-401");
        if let Some(token) = said("x-domo-developer-token") {
            let good = token == shared.token && self.faults.token != TokenTaken::Bad;
            let owner = self.model.user_by_email(OWNER).filter(|_| good);
            let by_token = true;
            return owner
                .map(|user_id| Asker { user_id, by_token })
                .ok_or_else(refused);
        }
        let cookie = said("cookie").and_then(|cookies| {
            let mut cookies = cookies.split("; ");
            cookies.find_map(|cookie| cookie.strip_prefix("DA-SID="))
        });
        let session = said("x-domo-authentication").or(cookie).ok_or_else(refused)?;
        let grace = self.faults.grace;
        let user_id = self.model.used(session, grace, now).ok_or_else(refused)?;
        let by_token = false;
        Ok(Asker { user_id, by_token })
    }

    /// Whoever may manage sessions.
    fn manager(&mut self, shared: &Shared, headers: &HeaderMap, now: Timestamp) -> Result<(), Refusal> {
        let asker = self.asker(shared, headers, now)?;
        let refused = asker.by_token && self.faults.token == TokenTaken::RefusedForSessions;
        let manages = self.model.user(asker.user_id).is_some_and(|user| user.manages);
        if refused || !manages || self.faults.no_grant {
            return Err(Refusal(403, "Forbidden", "TOE-403"));
        }
        Ok(())
    }

    /// True when it was asked too often within this second.
    fn is_too_often(&mut self, now: Timestamp) -> bool {
        let second = now.0 / 1000;
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 += 1;
        let rate = self.faults.rate;
        rate.is_some_and(|rate| self.second.1 > rate.per_second)
    }
}

impl Shared {
    /// Answers a call: by its faults, else by `work`.
    async fn answer(
        &self,
        call: Call,
        work: impl FnOnce(&mut Inside, Timestamp) -> Result<Response, Refusal>,
    ) -> Response {
        let slow_ms = {
            let faults = &self.inside().faults;
            let more = if call == Call::Delete {
                faults.slow_delete_ms
            } else {
                0
            };
            faults.slow_ms + more
        };
        if slow_ms > 0 {
            tokio::time::sleep(Duration::from_millis(slow_ms)).await;
        }
        let (bad, response) = {
            let now = self.clock.now();
            let mut inside = self.inside();
            *inside.calls.entry(call).or_default() += 1;
            if inside.is_too_often(now) {
                return too_often(inside.faults.rate.and_then(|rate| rate.retry_after));
            }
            let bad = inside.faults.bad.get(&call).cloned();
            let response = match &bad {
                None | Some(Bad::CutOff | Bad::DoneThenHtml(_)) => {
                    work(&mut inside, now).unwrap_or_else(Refusal::written)
                }
                Some(_) => StatusCode::NO_CONTENT.into_response(),
            };
            (bad, response)
        };
        match bad {
            Some(bad) => spoil(bad, response).await,
            None => response,
        }
    }
}

async fn me(State(shared): App, headers: HeaderMap) -> Response {
    let work = |inside: &mut Inside, now| {
        let asker = inside.asker(&shared, &headers, now)?;
        let user = inside.model.user(asker.user_id);
        let user = user.ok_or(Refusal(401, "Unauthorized", "TOE-401"))?;
        Ok(
            Json(json!({ "id": user.id, "displayName": user.name, "emailAddress": user.email }))
                .into_response(),
        )
    };
    shared.answer(Call::Me, work).await
}

#[derive(Deserialize)]
struct UsersAsked {
    #[serde(default)]
    id: String,
    #[serde(default, rename = "includeDetails")]
    details: bool,
}

async fn users(State(shared): App, headers: HeaderMap, Query(asked): Query<UsersAsked>) -> Response {
    let work = |inside: &mut Inside, now| {
        inside.asker(&shared, &headers, now)?;
        let mut named = Vec::new();
        for id in asked.id.split(',') {
            let id = id.parse().map_err(|_| Refusal(400, "Bad Request", "TOE-400"))?;
            let Some(user) = inside.model.user(id).filter(|user| user.known) else {
                continue;
            };
            let mut written =
                json!({ "id": user.id, "displayName": user.name, "roleId": 2, "role": "Privileged" });
            if asked.details {
                written["detail"] = json!({ "email": user.email, "active": user.active });
            }
            named.push(written);
        }
        Ok(Json(named).into_response())
    };
    shared.answer(Call::Users, work).await
}

async fn sign_in(State(shared): App, Json(asked): Json<Value>) -> Response {
    let work = |inside: &mut Inside, now| {
        let said = |name: &str| asked[name].as_str().unwrap_or_default();
        let (email, password) = (said("emailAddress"), said("password"));
        Ok(match inside.model.sign_in(email, password, now) {
            Ok(token) => Json(json!({ "success": true, "sessionToken": token })),
            Err(reason) => Json(json!({ "success": false, "reason": reason })),
        }
        .into_response())
    };
    shared.answer(Call::SignIn, work).await
}

#[derive(Deserialize)]
struct TokenAsked {
    grant_type: String,
    refresh_token: String,
}

async fn token(State(shared): App, Form(asked): Form<TokenAsked>) -> Response {
    let work = |inside: &mut Inside, _| {
        if asked.grant_type != "refresh_token" || asked.refresh_token != shared.refresh {
            let said = json!({ "error": "invalid_grant", "error_description": "Invalid refresh token" });
            return Ok((StatusCode::BAD_REQUEST, Json(said)).into_response());
        }
        let access = keys::random_id();
        inside.model.access.insert(access.clone());
        let said = json!({ "access_token": access, "token_type": "bearer", "expires_in": 3600 });
        Ok(Json(said).into_response())
    };
    shared.answer(Call::Token, work).await
}

async fn sid(State(shared): App, headers: HeaderMap) -> Response {
    let work = |inside: &mut Inside, now| {
        let refused = || Refusal(401, "Unauthorized", "TOE-401");
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let bearer = bearer
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        if !inside.model.access.contains(bearer) {
            return Err(refused());
        }
        let owner = inside.model.user_by_email(OWNER).ok_or_else(refused)?;
        let id = inside.model.open(owner, BROWSER, now);
        let session = inside.model.session(id).ok_or_else(refused)?;
        Ok(Json(json!({ "sid": session.token })).into_response())
    };
    shared.answer(Call::Sid, work).await
}

#[derive(Deserialize)]
struct ListAsked {
    limit: Option<usize>,
}

async fn list(State(shared): App, headers: HeaderMap, Query(asked): Query<ListAsked>) -> Response {
    let work = |inside: &mut Inside, now| {
        inside.manager(&shared, &headers, now)?;
        let limit = if inside.faults.limit_ignored {
            usize::MAX
        } else {
            asked.limit.unwrap_or(inside.faults.default_limit)
        };
        let rows: Vec<Value> = inside.model.sessions().take(limit).map(written).collect();
        let (first, last) = (
            inside.model.sessions.first_key_value().map(|(id, _)| *id),
            inside
                .model
                .sessions
                .last_key_value()
                .map(|(_, session)| session.user_id),
        );
        match (inside.faults.after_list, first, last) {
            (AfterList::OneLeaves, Some(oldest), _) => {
                inside.model.end(oldest, now);
            }
            (AfterList::OneComes, _, Some(user)) => {
                inside.model.open(user, BROWSER, now);
            }
            _ => {}
        }
        Ok(Json(rows).into_response())
    };
    shared.answer(Call::List, work).await
}

/// A session as Domo lists it.
fn written(session: &Session) -> Value {
    let user_id = match session.user_as_text {
        true => json!(session.user_id.to_string()),
        false => json!(session.user_id),
    };
    let mut row = json!({
        "id": session.id,
        "sessionId": session.session_id,
        "userId": user_id,
        "customerId": "northwind",
        "tokenType": session.token_type,
        "created": rfc3339(session.created),
        "lastAccess": rfc3339(session.last_access),
        "idleTimeout": session.idle_ns,
        "absoluteTimeout": session.absolute.map_or_else(|| ZERO_TIME.to_owned(), rfc3339),
    });
    if let Some(ip) = &session.ip {
        row["ip"] = json!(ip);
    }
    if session.more {
        row["riskScore"] = json!(7);
        row["device"] = json!({ "name": "unheard of" });
    }
    row
}

async fn end(State(shared): App, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let work = |inside: &mut Inside, now| {
        inside.manager(&shared, &headers, now)?;
        let id: i64 = id.parse().map_err(|_| Refusal(400, "Bad Request", "TOE-400"))?;
        let Some(session) = inside.model.session(id) else {
            return Err(Refusal(404, "Not Found", "TOE-404"));
        };
        let (user, token_type) = (session.user_id, session.token_type.clone());
        if inside.faults.fails_for.contains(&id) {
            return Err(Refusal(500, "Internal Server Error", "TOE-500"));
        }
        if inside.faults.refuse.means(user) {
            return Err(Refusal(409, "This session can not be ended now", "TOE-409"));
        }
        if !inside.faults.lie.means(user) {
            inside.model.end(id, now);
            if inside.faults.let_back.means(user) {
                inside.model.open(user, &token_type, now);
            }
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    shared.answer(Call::Delete, work).await
}

async fn my_session(State(shared): App, headers: HeaderMap) -> Response {
    let work = |inside: &mut Inside, now| {
        let asker = inside.asker(&shared, &headers, now)?;
        if asker.by_token {
            return Err(Refusal(403, "Forbidden", "TOE-403"));
        }
        Ok(Json(json!({ "userId": asker.user_id.to_string() })).into_response())
    };
    shared.answer(Call::MySession, work).await
}

/// The browser tells when its person was last active; a developer token has no session to keep.
async fn keep_alive(state: App, headers: HeaderMap, Json(_last_access): Json<Value>) -> Response {
    my_session(state, headers).await
}

async fn control(State(shared): App, headers: HeaderMap, Json(faults): Json<Faults>) -> Response {
    if !may_control(&headers, &shared.token) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    shared.inside().faults = faults;
    StatusCode::NO_CONTENT.into_response()
}
