//! `/broker/v1` and `/embed`: what apps and their browsers ask of the ticket broker (docs/broker.md).
//!
//! A router of its own without Curfew's cookie layer, on a listener of its own where the settings name one: it takes
//! tokens of apps and nothing else, and no origin check stands before it because no cookie of Curfew's counts here. No
//! answer allows another origin to read it, but for the helper's files (security D7). Start reading at [`routes`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::tickets::wire::TicketWay;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use self::answers::Problem;
use super::limits::AddressLimit;
use super::{Http, authenticate, headers, health, plain, watch};
use crate::tickets::ask::{Asked, Refused};

mod answers;
mod embed;

/// Longest body, bytes: a site's name is all there is.
const BODY: usize = 4 << 10;
/// Longest a request may take: every node of a Tableau may be waited for.
const LONGEST: Duration = Duration::from_secs(40);
/// Longest cookie header that is looked at, bytes.
const COOKIES: usize = 32 << 10;
/// Tokens that were not believed, a minute from one address: more are not even kept.
const FAILED_PER_MINUTE: u32 = 120;

/// What the handlers share.
struct Broker {
    http: Arc<Http>,
    failed: AddressLimit,
}

/// The broker's addresses.
pub fn routes(http: &Arc<Http>) -> Router {
    let broker = Arc::new(Broker {
        http: http.clone(),
        failed: AddressLimit::new(FAILED_PER_MINUTE),
    });
    let machines = Router::new()
        .route("/broker/v1/tickets", post(tickets))
        .route("/broker/v1/browser/tickets", post(browser_tickets))
        .route("/broker/v1/signout", post(sign_out))
        .route("/broker/v1/endings/{no}", get(ending))
        .route("/broker/v1/app-sessions/revoke", post(revoke))
        .route(
            "/broker/{*rest}",
            axum::routing::any(async || Problem::no_such_path()),
        )
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(from_fn(limits))
        .with_state(broker);
    machines.route("/embed/{name}", get(embed::serve))
}

/// The broker on a listener of its own.
pub fn router(http: impl Into<Arc<Http>>) -> Router {
    let http = http.into();
    routes(&http)
        .route("/healthz", get(health::alive))
        .layer(from_fn_with_state(http, headers::guard))
        .layer(from_fn(watch::watch))
}

/// Size and time.
async fn limits(request: Request, next: Next) -> Response {
    let answer = async {
        let (parts, body) = request.into_parts();
        match to_bytes(body, BODY).await {
            Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
            Err(_) => Problem::too_large().into_response(),
        }
    };
    match tokio::time::timeout(LONGEST, answer).await {
        Ok(response) => response,
        Err(_) => Problem::took_too_long().into_response(),
    }
}

fn bearer(headers: &HeaderMap) -> &str {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, token)| token.trim())
}

impl Broker {
    /// A refusal on its way out. From an address that shows too many bad tokens the answer is only that.
    fn refused(&self, request: &Request, refused: &Refused) -> Response {
        if refused.outcome == app::tickets::wire::TicketOutcome::Unauthorized {
            let origin = authenticate::origin_of(request, self.http.trusted_proxy.as_ref());
            if let Err(app::error::AppError::TooMany { retry_after_s }) = self.failed.take(&origin) {
                return Problem::too_many(&refused.reference, retry_after_s).into_response();
            }
        }
        Problem::of(refused).into_response()
    }
}

/// `POST /broker/v1/tickets`: an app's server asks for one of its people.
async fn tickets(State(broker): State<Arc<Broker>>, request: Request) -> Response {
    let begun = Instant::now();
    let asked = Asked {
        token: bearer(request.headers()),
        way: TicketWay::Server,
        site: None,
        app: None,
        begun,
    };
    match broker.http.tickets.ask(&asked).await {
        Ok(Ok(given)) => answers::given(&given),
        Ok(Err(refused)) => broker.refused(&request, &refused),
        Err(cause) => Problem::broken(cause).into_response(),
    }
}

/// What a browser says in the body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BrowserAsks {
    /// Site by its contentUrl.
    #[serde(default)]
    site: String,
}

/// `POST /broker/v1/browser/tickets`: a browser asks for its own person, through the app's address and by its cookie.
async fn browser_tickets(State(broker): State<Arc<Broker>>, request: Request) -> Response {
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let of = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    // The cookie is sent by the browser itself, whoever makes it ask. So the page that asks has to be of the app's own
    // origin, which only the browser can say; a plain form can't send JSON.
    if of("sec-fetch-site") != Some("same-origin") {
        return Problem::foreign_page().into_response();
    }
    let json_body = of("content-type").is_some_and(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    if !json_body {
        return Problem::not_json().into_response();
    }
    let bytes = to_bytes(body, BODY).await.unwrap_or_default();
    let Ok(asks) = serde_json::from_slice::<BrowserAsks>(&bytes) else {
        return Problem::bad_body().into_response();
    };
    let app = of("x-curfew-app").map(str::to_owned);
    let cookies: String = parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join("; ");
    let names = broker.http.tickets.cookie_names(app.as_deref());
    let token = if cookies.len() <= COOKIES {
        cookie(&cookies, &names)
    } else {
        ""
    };
    let asked = Asked {
        token,
        way: TicketWay::Browser,
        site: Some(&asks.site),
        app: app.as_deref(),
        begun,
    };
    match broker.http.tickets.ask(&asked).await {
        Ok(Ok(given)) => answers::given(&given),
        Ok(Err(refused)) => {
            let request = Request::from_parts(parts, Body::empty());
            broker.refused(&request, &refused)
        }
        Err(cause) => Problem::broken(cause).into_response(),
    }
}

/// The value of the first cookie of one of these names; empty = none is there.
fn cookie<'c>(cookies: &'c str, names: &[String]) -> &'c str {
    cookies
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| names.iter().any(|own| own == name))
        .map_or("", |(_, value)| value.trim_matches('"'))
}

/// `POST /broker/v1/signout`: the person left the app.
async fn sign_out(State(broker): State<Arc<Broker>>, request: Request) -> Response {
    let origin = authenticate::origin_of(&request, broker.http.trusted_proxy.as_ref());
    let token = bearer(request.headers()).to_owned();
    match broker.http.tickets.sign_out(&token, origin).await {
        Ok(Ok(done)) => {
            let body = json!({
                "reference": done.reference,
                "ending": done.ending_no,
                "state": done.state,
                "matched_by": done.matched_by,
                "candidates": done.candidates,
            });
            plain::data(StatusCode::ACCEPTED, "application/json", &body)
        }
        Ok(Err(refused)) => broker.refused(&request, &refused),
        Err(cause) => Problem::broken(cause).into_response(),
    }
}

/// `GET /broker/v1/endings/{no}`: how an ending stands that this app asked for.
async fn ending(State(broker): State<Arc<Broker>>, Path(no): Path<i64>, request: Request) -> Response {
    let token = bearer(request.headers()).to_owned();
    match broker.http.tickets.standing(&token, no).await {
        Ok(Ok(Some(standing))) => {
            let outcomes: serde_json::Map<String, serde_json::Value> = standing
                .outcomes
                .into_iter()
                .map(|(outcome, count)| (outcome, count.into()))
                .collect();
            let body = json!({
                "ending": no,
                "state": standing.state,
                "sessions": standing.sessions,
                "open": standing.open,
                "outcomes": outcomes,
            });
            plain::data(StatusCode::OK, "application/json", &body)
        }
        Ok(Ok(None)) => Problem::no_such_ending().into_response(),
        Ok(Err(refused)) => broker.refused(&request, &refused),
        Err(cause) => Problem::broken(cause).into_response(),
    }
}

/// `POST /broker/v1/app-sessions/revoke`: a session of the app is over.
async fn revoke(State(broker): State<Arc<Broker>>, request: Request) -> Response {
    let token = bearer(request.headers()).to_owned();
    match broker.http.tickets.revoke_app_session(&token).await {
        Ok(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Ok(Err(refused)) => broker.refused(&request, &refused),
        Err(cause) => Problem::broken(cause).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let names = ["__Host-app".to_owned()];
        for (cookies, value) in [
            ("a=1; __Host-app=x.y.z; b=2", "x.y.z"),
            ("__Host-app=\"x\"", "x"),
            ("x__Host-app=1; __Host-appx=2; __host-app=3", ""),
            ("", ""),
        ] {
            assert_eq!(cookie(cookies, &names), value, "{cookies}");
        }
    }
}
