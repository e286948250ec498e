//! The calls a simulated Keycloak answers, and in what words.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use app::wire::Timestamp;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::faults::{Bad, Call, Faults, error};
use super::model::{CLIENT_SECRET, PORTAL, Realm, Session, User};
use super::{Inside, Shared};
use crate::simulators::loopback::may_control;

type App = State<Arc<Shared>>;
type Asked = Query<HashMap<String, String>>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/realms/{realm}/protocol/openid-connect/token", post(token))
        .route("/admin/realms/{realm}", get(realm))
        .route("/admin/realms/{realm}/client-session-stats", get(counts))
        .route("/admin/realms/{realm}/clients", get(clients))
        .route(
            "/admin/realms/{realm}/clients/{client}/user-sessions",
            get(of_client),
        )
        .route(
            "/admin/realms/{realm}/clients/{client}/offline-sessions",
            get(offline_of_client),
        )
        .route("/admin/realms/{realm}/ui-ext/sessions", get(console))
        .route("/admin/realms/{realm}/users", get(users))
        .route("/admin/realms/{realm}/users/{user}", get(user))
        .route("/admin/realms/{realm}/users/{user}/sessions", get(of_user))
        .route(
            "/admin/realms/{realm}/users/{user}/offline-sessions/{client}",
            get(offline_of_user),
        )
        .route("/admin/realms/{realm}/users/{user}/logout", post(log_out))
        .route("/admin/realms/{realm}/sessions/{session}", delete(end))
        .route("/control", post(control))
        .with_state(shared)
}

/// A refusal: status and words.
struct Refusal(u16, &'static str);

const FORBIDDEN: Refusal = Refusal(403, "HTTP 403 Forbidden");

/// Who asks, about which realm.
struct Asker {
    roles: std::collections::BTreeSet<String>,
}

impl Asker {
    fn has(&self, role: &str) -> bool {
        let more = role.replace("view-", "manage-");
        self.roles.contains(role) || self.roles.contains(&more)
    }

    fn needs(&self, role: &str) -> Result<(), Refusal> {
        if self.has(role) { Ok(()) } else { Err(FORBIDDEN) }
    }
}

impl Inside {
    fn asker(&self, headers: &HeaderMap, realm: &str, now: Timestamp) -> Result<Asker, Refusal> {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = bearer
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        let holder = self
            .model
            .holder(token, now)
            .ok_or(Refusal(401, "HTTP 401 Unauthorized"))?;
        if !self.model.realms.contains_key(realm) {
            return Err(Refusal(404, "Realm not found."));
        }
        if holder.realm != realm || holder.roles.is_empty() {
            return Err(FORBIDDEN);
        }
        Ok(Asker { roles: holder.roles })
    }

    fn realm(&mut self, name: &str) -> Result<&mut Realm, Refusal> {
        self.model
            .realms
            .get_mut(name)
            .ok_or(Refusal(404, "Realm not found."))
    }
}

impl Shared {
    /// Answers a call: by its faults, else by `work`.
    async fn answer(
        &self,
        call: Call,
        work: impl FnOnce(&mut Inside, Timestamp) -> Result<Response, Refusal>,
    ) -> Response {
        let slow_ms = self.inside().faults.slow_ms;
        if slow_ms > 0 {
            tokio::time::sleep(Duration::from_millis(slow_ms)).await;
        }
        let (bad, response, later_ms) = {
            let now = self.clock.now();
            let mut inside = self.inside();
            *inside.calls.entry(call).or_default() += 1;
            let bad = inside.faults.bad.get(&call).cloned();
            let response = match bad.as_ref().is_none_or(Bad::is_done) {
                true => work(&mut inside, now).unwrap_or_else(|Refusal(status, words)| error(status, words)),
                false => StatusCode::NO_CONTENT.into_response(),
            };
            let later_ms = if call == Call::Delete {
                inside.faults.slow_delete_ms
            } else {
                0
            };
            (bad, response, later_ms)
        };
        if later_ms > 0 {
            tokio::time::sleep(Duration::from_millis(later_ms)).await;
        }
        match bad {
            Some(bad) => bad.spoil(response, error).await,
            None => response,
        }
    }
}

async fn token(
    State(shared): App,
    Path(realm): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let said = |name: &str| form.get(name).map_or("", String::as_str);
    let oauth = |status: u16, error: &str, words: &str| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        (
            status,
            Json(json!({ "error": error, "error_description": words })),
        )
            .into_response()
    };
    let work = |inside: &mut Inside, now| {
        if !inside.model.realms.contains_key(&realm) {
            return Err(Refusal(404, "Realm does not exist"));
        }
        let client = said("client_id");
        let opened = |session: String, refresh: String| {
            let body = json!({
                "access_token": crate::keys::random_id(), "expires_in": 300, "refresh_token": refresh,
                "token_type": "Bearer", "session_state": session, "scope": "openid",
            });
            Json(body).into_response()
        };
        Ok(match said("grant_type") {
            "client_credentials" => match inside.model.service(&realm, client, said("client_secret"), now) {
                Some(token) => {
                    Json(json!({ "access_token": token, "expires_in": 300, "token_type": "Bearer" }))
                        .into_response()
                }
                None => oauth(
                    401,
                    "invalid_client",
                    "Invalid client or Invalid client credentials",
                ),
            },
            "password" => {
                let offline = said("scope").contains("offline_access");
                let (user, password) = (said("username"), said("password"));
                match inside.model.sign_in(&realm, user, password, client, offline, now) {
                    Some((session, refresh)) => opened(session, refresh),
                    None => oauth(401, "invalid_grant", "Invalid user credentials"),
                }
            }
            "refresh_token" => match inside.model.refreshed(said("refresh_token"), now) {
                Ok(session) => opened(session, said("refresh_token").to_owned()),
                Err(words) => oauth(400, "invalid_grant", words),
            },
            _ => oauth(400, "unsupported_grant_type", "Unsupported grant_type"),
        })
    };
    shared.answer(Call::SignIn, work).await
}

async fn realm(State(shared): App, headers: HeaderMap, Path(name): Path<String>) -> Response {
    let work = |inside: &mut Inside, now| {
        let asker = inside.asker(&headers, &name, now)?;
        let settings = &inside.realm(&name)?.settings;
        Ok(Json(match asker.has("view-realm") {
            true => settings.clone(),
            // What any other role is shown.
            false => {
                json!({ "realm": name, "enabled": true, "displayName": name, "bruteForceProtected": false,
                             "verifiableCredentialsEnabled": false })
            }
        })
        .into_response())
    };
    shared.answer(Call::Realm, work).await
}

async fn counts(State(shared): App, headers: HeaderMap, Path(name): Path<String>) -> Response {
    let work = |inside: &mut Inside, now| {
        inside.asker(&headers, &name, now)?.needs("view-realm")?;
        let realm = inside.realm(&name)?;
        let at = |sessions: &super::model::Sessions, client: &str| {
            sessions
                .values()
                .filter(|session| session.clients.contains(client))
                .count()
        };
        let rows = realm.clients.values().filter_map(|client| {
            let (active, offline) = (at(&realm.online, &client.uuid), at(&realm.offline, &client.uuid));
            (active + offline > 0).then(|| {
                json!({ "id": client.uuid, "clientId": client.client_id, "active": active.to_string(),
                        "offline": offline.to_string() })
            })
        });
        Ok(Json(rows.collect::<Vec<Value>>()).into_response())
    };
    shared.answer(Call::Counts, work).await
}

async fn clients(
    State(shared): App,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(asked): Asked,
) -> Response {
    let work = |inside: &mut Inside, now| {
        inside.asker(&headers, &name, now)?.needs("view-clients")?;
        let mut rows = vec![
            json!({ "id": "built-in", "clientId": "admin-cli", "enabled": true, "publicClient": true,
                                    "standardFlowEnabled": false, "directAccessGrantsEnabled": true, "attributes": {} }),
        ];
        rows.extend(inside.realm(&name)?.clients.values().map(|client| {
            json!({
                "id": client.uuid, "clientId": client.client_id, "enabled": true, "publicClient": client.public,
                "standardFlowEnabled": true, "directAccessGrantsEnabled": client.client_id == PORTAL,
                "protocol": "openid-connect", "secret": CLIENT_SECRET,
                "attributes": { "backchannel.logout.url": client.backchannel.clone().unwrap_or_default(),
                                "backchannel.logout.session.required": "true" },
            })
        }));
        Ok(Json(page(rows, &asked, 100)).into_response())
    };
    shared.answer(Call::Clients, work).await
}

/// `first` and `max` of a list.
fn page(rows: Vec<Value>, asked: &HashMap<String, String>, most: usize) -> Vec<Value> {
    let number = |name: &str| asked.get(name).and_then(|value| value.parse::<usize>().ok());
    let (first, max) = (number("first").unwrap_or(0), number("max").unwrap_or(most));
    rows.into_iter().skip(first).take(max).collect()
}

/// A session as every list writes it.
fn row(realm: &Realm, session: &Session, list_type: Option<&str>) -> Value {
    let username = realm
        .users
        .get(&session.user_id)
        .map(|user| user.username.clone());
    let clients: HashMap<&String, &String> = session
        .clients
        .iter()
        .filter_map(|uuid| Some((uuid, &realm.clients.get(uuid)?.client_id)))
        .collect();
    let mut row = json!({
        "id": session.id, "username": username, "userId": session.user_id, "ipAddress": session.ip,
        "start": session.start.0, "lastAccess": session.last_access.0, "clients": clients, "transientUser": false,
    });
    match list_type {
        Some(list_type) => row["type"] = json!(list_type),
        None => row["rememberMe"] = json!(session.remember_me),
    }
    row
}

async fn of_client(state: App, headers: HeaderMap, path: Path<(String, String)>, asked: Asked) -> Response {
    at_client(state, headers, path, asked, false).await
}

async fn offline_of_client(
    state: App,
    headers: HeaderMap,
    path: Path<(String, String)>,
    asked: Asked,
) -> Response {
    at_client(state, headers, path, asked, true).await
}

async fn at_client(
    State(shared): App,
    headers: HeaderMap,
    Path((name, client)): Path<(String, String)>,
    Query(asked): Asked,
    offline: bool,
) -> Response {
    let work = |inside: &mut Inside, now| {
        inside.asker(&headers, &name, now)?.needs("view-clients")?;
        let leave = inside.faults.leave_between_pages;
        let realm = inside.realm(&name)?;
        if !realm.clients.contains_key(&client) {
            return Err(Refusal(404, "Could not find client"));
        }
        let sessions = if offline { &realm.offline } else { &realm.online };
        let here = sessions
            .values()
            .filter(|session| session.clients.contains(&client));
        let rows: Vec<Value> = here.map(|session| row(realm, session, None)).collect();
        let gone: Vec<String> = sessions.keys().take(leave).cloned().collect();
        for id in gone {
            realm.sessions(offline).remove(&id);
        }
        Ok(Json(page(rows, &asked, 100)).into_response())
    };
    shared.answer(Call::Sessions, work).await
}

async fn console(
    State(shared): App,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(asked): Asked,
) -> Response {
    let work = |inside: &mut Inside, now| {
        let asker = inside.asker(&headers, &name, now)?;
        asker.needs("view-realm")?;
        if !asker.has("view-users") {
            // Not 403: nobody in it may be seen.
            return Ok(Json(json!([])).into_response());
        }
        let realm = inside.realm(&name)?;
        let online = realm
            .online
            .values()
            .map(|session| row(realm, session, Some("REGULAR")));
        let offline = realm
            .offline
            .values()
            .map(|session| row(realm, session, Some("OFFLINE")));
        let rows = online.chain(offline).collect();
        Ok(Json(page(rows, &asked, 10)).into_response())
    };
    shared.answer(Call::Sessions, work).await
}

fn written(user: &User) -> Value {
    let (first, last) = user.name.split_once(' ').unwrap_or((&user.name, ""));
    json!({ "id": user.id, "username": user.username, "firstName": first, "lastName": last, "email": user.email,
            "emailVerified": user.email.is_some(), "enabled": user.enabled, "notBefore": user.not_before })
}

async fn users(
    State(shared): App,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(asked): Asked,
) -> Response {
    let work = |inside: &mut Inside, now| {
        let asker = inside.asker(&headers, &name, now)?;
        if !asker.has("view-users") {
            return if asker.has("query-users") {
                Ok(Json(json!([])).into_response())
            } else {
                Err(FORBIDDEN)
            };
        }
        let wanted = |user: &&User| {
            asked
                .get("enabled")
                .is_none_or(|enabled| *enabled == user.enabled.to_string())
                && asked
                    .get("username")
                    .is_none_or(|username| *username == user.username)
        };
        let rows = inside
            .realm(&name)?
            .users
            .values()
            .filter(wanted)
            .map(written)
            .collect();
        Ok(Json(page(rows, &asked, 100)).into_response())
    };
    shared.answer(Call::Users, work).await
}

async fn user(State(shared): App, headers: HeaderMap, Path((name, id)): Path<(String, String)>) -> Response {
    let work = |inside: &mut Inside, now| {
        inside.asker(&headers, &name, now)?.needs("view-users")?;
        let user = inside
            .realm(&name)?
            .users
            .get(&id)
            .ok_or(Refusal(404, "User not found"))?;
        Ok(Json(written(user)).into_response())
    };
    shared.answer(Call::Users, work).await
}

/// Refuses where the realm has no such user.
fn known(realm: &Realm, user: &str) -> Result<(), Refusal> {
    match realm.users.contains_key(user) {
        true => Ok(()),
        false => Err(Refusal(404, "User not found")),
    }
}

/// Sessions as the documented lists have them.
fn rows<'s>(realm: &Realm, sessions: impl Iterator<Item = &'s Session>) -> Response {
    let rows: Vec<Value> = sessions.map(|session| row(realm, session, None)).collect();
    Json(rows).into_response()
}

async fn of_user(
    State(shared): App,
    headers: HeaderMap,
    Path((name, id)): Path<(String, String)>,
) -> Response {
    let work = |inside: &mut Inside, now| {
        inside.asker(&headers, &name, now)?.needs("view-users")?;
        let realm = inside.realm(&name)?;
        known(realm, &id)?;
        Ok(rows(
            realm,
            realm.online.values().filter(|session| session.user_id == id),
        ))
    };
    shared.answer(Call::Sessions, work).await
}

async fn offline_of_user(
    State(shared): App,
    headers: HeaderMap,
    Path((name, id, client)): Path<(String, String, String)>,
) -> Response {
    let work = |inside: &mut Inside, now| {
        inside.asker(&headers, &name, now)?.needs("view-users")?;
        let realm = inside.realm(&name)?;
        known(realm, &id)?;
        if !realm.clients.contains_key(&client) {
            return Err(Refusal(404, "Client not found"));
        }
        let own = realm
            .offline
            .values()
            .filter(|s| s.user_id == id && s.clients.contains(&client));
        Ok(rows(realm, own))
    };
    shared.answer(Call::Sessions, work).await
}

async fn end(
    State(shared): App,
    headers: HeaderMap,
    Path((name, id)): Path<(String, String)>,
    Query(asked): Asked,
) -> Response {
    let offline = asked.get("isOffline").is_some_and(|value| value == "true");
    let work = |inside: &mut Inside, now| {
        inside.asker(&headers, &name, now)?.needs("manage-users")?;
        let realm = inside.realm(&name)?;
        let Some(session) = realm.sessions(offline).get(&id).cloned() else {
            return Err(Refusal(404, "Sesssion not found"));
        };
        let username = realm
            .users
            .get(&session.user_id)
            .map(|user| user.username.clone())
            .unwrap_or_default();
        if inside.faults.refuse {
            return Err(Refusal(400, "This session can not be ended now"));
        }
        if !inside.faults.lie {
            inside.realm(&name)?.sessions(offline).remove(&id);
            if inside.faults.let_back || inside.faults.let_back_for.contains(&username) {
                inside.model.open(&name, &session.user_id, PORTAL, offline, now);
            }
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    shared.answer(Call::Delete, work).await
}

async fn log_out(
    State(shared): App,
    headers: HeaderMap,
    Path((name, id)): Path<(String, String)>,
) -> Response {
    let work = |inside: &mut Inside, now| {
        inside.asker(&headers, &name, now)?.needs("manage-users")?;
        if !inside.model.log_out(&name, &id, now) {
            return Err(Refusal(404, "User not found"));
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    shared.answer(Call::Logout, work).await
}

async fn control(State(shared): App, headers: HeaderMap, Json(faults): Json<Faults>) -> Response {
    if !may_control(&headers, &shared.control) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    shared.inside().faults = faults;
    StatusCode::NO_CONTENT.into_response()
}
