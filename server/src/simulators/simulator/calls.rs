//! The calls a simulated system answers: its addresses, its token, and what each call does.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use super::faults::{Bad, Faults, spoil};
use super::sessions::past_limit;
use super::{Inside, Shared, tomcat};
use crate::connectors::simulator::wire::{
    CLICK_HEADER, WireAccount, WireAnswer, WireEnd, WireEnded, WirePolicy,
};

type App = State<Arc<Shared>>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let guarded = Router::new()
        .route("/sessions", get(list).post(open))
        .route("/sessions/end", post(end))
        .route("/accounts/end", post(end_all_of))
        .route("/policy", get(policy))
        .route("/control", post(control))
        .layer(middleware::from_fn_with_state(shared.clone(), token));
    let as_tomcat = Router::new()
        .route("/manager/jmxproxy", get(tomcat::jmx_proxy))
        .route("/jolokia", post(tomcat::jolokia))
        .layer(middleware::from_fn_with_state(shared.clone(), tomcat::identity));
    Router::new()
        .merge(guarded)
        .merge(as_tomcat)
        .route("/click", get(click))
        .with_state(shared)
}

async fn token(State(shared): App, request: Request, next: Next) -> Response {
    let expected = format!("Bearer {}", shared.token);
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    if given != Some(expected.as_str()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let slow = shared.inside().faults.slow_ms;
    if slow > 0 {
        tokio::time::sleep(Duration::from_millis(slow)).await;
    }
    next.run(request).await
}

fn count(inside: &mut Inside, what: &'static str) {
    *inside.calls.entry(what).or_default() += 1;
}

async fn list(State(shared): App, Query(query): Query<Vec<(String, String)>>) -> Response {
    let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let limit: usize = value("limit").and_then(|v| v.parse().ok()).unwrap_or(100);
    let accounts: Vec<&str> = query
        .iter()
        .filter(|(n, _)| n == "account")
        .map(|(_, v)| v.as_str())
        .collect();
    // node - number of the next session - rows given so far
    let mut at = value("cursor")
        .unwrap_or("1-0-0")
        .split('-')
        .map(|part| part.parse::<u64>().unwrap_or(0));
    let (node, from, given) = (
        at.next().unwrap_or(1),
        at.next().unwrap_or(0),
        at.next().unwrap_or(0),
    );
    let (bad, page) = {
        let mut inside = shared.inside();
        count(&mut inside, "list");
        if from == 0 && node == 1 {
            for account in &accounts {
                if inside.faults.rotate_for.contains(*account) {
                    inside.rotate(account);
                }
            }
        }
        let page = inside.page(
            &accounts,
            node,
            from,
            usize::try_from(given).unwrap_or(0),
            limit.min(10_000),
        );
        (inside.faults.list.clone(), page)
    };
    if shared.inside().faults.hold_list {
        shared.inside().held += 1;
        while shared.inside().faults.hold_list {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        shared.inside().held -= 1;
    }
    spoil(bad, page).await
}

async fn end(State(shared): App, Json(wanted): Json<WireEnd>) -> Response {
    let now = shared.clock.now();
    let (bad, ended) = {
        let mut inside = shared.inside();
        count(&mut inside, "end");
        let bad = inside.faults.end.clone();
        let mut answers = Vec::with_capacity(wanted.sessions.len());
        if matches!(bad, Bad::No | Bad::CutOff) {
            for (id, place) in wanted.sessions {
                let number = inside.by_id.get(&(place, id)).copied();
                answers.push(number.map_or(WireAnswer::NotFound, |number| inside.end(number, now)));
            }
        }
        (bad, WireEnded { answers })
    };
    spoil(bad, ended).await
}

async fn end_all_of(State(shared): App, Json(wanted): Json<WireAccount>) -> Response {
    let now = shared.clock.now();
    let (bad, answer) = {
        let mut inside = shared.inside();
        count(&mut inside, "end_all_of");
        let bad = inside.faults.end.clone();
        let mut answer = WireAnswer::NotFound;
        if matches!(bad, Bad::No | Bad::CutOff) {
            for number in inside
                .by_account
                .get(&wanted.account_id)
                .cloned()
                .unwrap_or_default()
            {
                answer = inside.end(number, now);
            }
        }
        (bad, answer)
    };
    spoil(bad, answer).await
}

async fn policy(State(shared): App) -> Response {
    let (bad, policy) = {
        let mut inside = shared.inside();
        count(&mut inside, "policy");
        let policy = WirePolicy {
            idle_s: Some(inside.shape.idle_s),
            absolute_s: Some(inside.shape.absolute_s),
            note: inside.shape.limits_note.to_owned(),
            places: inside
                .shape
                .place_idle_s
                .iter()
                .map(|(place, idle_s)| ((*place).to_owned(), Some(*idle_s)))
                .collect(),
            build: format!("Simulator {}", env!("CARGO_PKG_VERSION")),
        };
        (inside.faults.list.clone(), policy)
    };
    spoil(bad, policy).await
}

async fn open(State(shared): App, Json(wanted): Json<WireAccount>) -> Response {
    let now = shared.clock.now();
    let session = {
        let mut inside = shared.inside();
        count(&mut inside, "open");
        let mut session = inside.fresh(0, now);
        let others = inside.by_account.get(&wanted.account_id);
        let another = others.and_then(|numbers| inside.sessions.get(numbers.first()?));
        (session.account, session.name, session.email) = match another {
            Some(person) => (person.account.clone(), person.name.clone(), person.email.clone()),
            None => (wanted.account_id.clone(), wanted.account_id.clone(), None),
        };
        session.account_id = wanted.account_id;
        inside.put(session.clone());
        session
    };
    (StatusCode::CREATED, Json(session)).into_response()
}

/// A browser's next click with its session: 200 = still in, 401 = sent to sign-in.
async fn click(State(shared): App, headers: HeaderMap) -> StatusCode {
    let now = shared.clock.now();
    let mut inside = shared.inside();
    count(&mut inside, "click");
    let id = headers
        .get(CLICK_HEADER)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let found = inside
        .find(id)
        .and_then(|number| inside.sessions.get_mut(&number));
    match found {
        Some(session) if !past_limit(session, now) => {
            session.active_ms = Some(now.0);
            StatusCode::OK
        }
        _ => StatusCode::UNAUTHORIZED,
    }
}

async fn control(State(shared): App, Json(faults): Json<Faults>) -> StatusCode {
    shared.inside().faults = faults;
    StatusCode::NO_CONTENT
}
