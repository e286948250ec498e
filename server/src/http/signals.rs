//! `/signals/v1`: where identity servers tell that somebody is signed out (docs/signals.md).
//!
//! A router of its own without Curfew's cookie layer, as the broker's: a signal counts by its signature, or by the secret
//! part of the address it came to, and by nothing a browser sends along. The answer says whether it was taken, never why
//! not. Start reading at [`routes`].

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::limits::{self, AddressLimit};
use super::{Http, authenticate};
use crate::caller::Origin;
use crate::error::Error;
use crate::signals::Refused;

/// Longest body, bytes: a token or request has a few hundred.
const BODY: usize = 16 << 10;
/// Longest a request may take: keys may have to be fetched.
const LONGEST: Duration = Duration::from_secs(8);
/// Signals a minute from one address: an identity server has one, and may sign thousands out at once.
const PER_MINUTE: u32 = 12_000;
/// Signals that were not believed, a minute from one address: above it the answer is only that.
const FAILED_PER_MINUTE: u32 = 120;

/// What the handlers share.
struct Receiver {
    http: Arc<Http>,
    all: AddressLimit,
    failed: AddressLimit,
}

/// The addresses for signals.
pub fn routes(http: &Arc<Http>) -> Router {
    let receiver = Arc::new(Receiver {
        http: http.clone(),
        all: AddressLimit::new(PER_MINUTE),
        failed: AddressLimit::new(FAILED_PER_MINUTE),
    });
    Router::new()
        .route("/signals/v1/oidc/{rule}", post(oidc))
        .route("/signals/v1/cas/{rule}/{secret}", post(cas))
        .route(
            "/signals/v1/{*rest}",
            axum::routing::any(async || StatusCode::NOT_FOUND),
        )
        .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .layer(from_fn_with_state(receiver.clone(), rate))
        .layer(from_fn(bounds))
        .with_state(receiver)
}

/// Size and time; no answer is kept by anybody on the way.
async fn bounds(request: Request, next: Next) -> Response {
    let answer = async {
        let (parts, body) = request.into_parts();
        match to_bytes(body, BODY).await {
            Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
            Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        }
    };
    let mut response = match tokio::time::timeout(LONGEST, answer).await {
        Ok(response) => response,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn rate(State(receiver): State<Arc<Receiver>>, request: Request, next: Next) -> Response {
    let origin = authenticate::origin_of(&request, receiver.http.trusted_proxy.as_ref());
    match receiver.all.take(&origin) {
        Ok(()) => next.run(request).await,
        Err(_) => StatusCode::TOO_MANY_REQUESTS.into_response(),
    }
}

/// `POST /signals/v1/oidc/{rule}`: OpenID Connect Back-Channel Logout 1.0.
async fn oidc(State(receiver): State<Arc<Receiver>>, Path(rule): Path<String>, request: Request) -> Response {
    let origin = authenticate::origin_of(&request, receiver.http.trusted_proxy.as_ref());
    let token = match field(request, "logout_token").await {
        Ok(token) => token,
        Err(words) => return receiver.refused(&rule, words, &origin).await,
    };
    let taken = receiver.http.signals.receive_token(&rule, &token).await;
    receiver.answer(&rule, taken, &origin).await
}

/// `POST /signals/v1/cas/{rule}/{secret}`: single logout of CAS.
async fn cas(
    State(receiver): State<Arc<Receiver>>,
    Path((rule, secret)): Path<(String, String)>,
    request: Request,
) -> Response {
    let origin = authenticate::origin_of(&request, receiver.http.trusted_proxy.as_ref());
    let text = match field(request, "logoutRequest").await {
        Ok(text) => text,
        Err(words) => return receiver.refused(&rule, words, &origin).await,
    };
    let signals = &receiver.http.signals;
    let taken = signals.receive_request(&rule, &secret, &text, &origin).await;
    receiver.answer(&rule, taken, &origin).await
}

/// The one field of that name in a form.
async fn field(request: Request, name: &str) -> Result<String, &'static str> {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| {
            kind.trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
    if !is_form {
        return Err("It is no form.");
    }
    let bytes = to_bytes(request.into_body(), BODY).await.unwrap_or_default();
    let text = std::str::from_utf8(&bytes).map_err(|_| "It is no form.")?;
    let mut found = app::paths::parse_query(text)
        .into_iter()
        .filter(|(own, value)| own == name && !value.is_empty());
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Ok(value),
        (None, _) => Err("The form has no signal in it."),
        (Some(_), Some(_)) => Err("The form has more than one signal in it."),
    }
}

impl Receiver {
    async fn answer(
        &self,
        rule: &str,
        taken: Result<Result<(), Refused>, Error>,
        origin: &Origin,
    ) -> Response {
        match taken {
            Ok(Ok(())) => StatusCode::OK.into_response(),
            Ok(Err(Refused::NoSuchAddress)) => {
                self.note(rule, "Its address is no rule's.", origin).await;
                match self.failed.take(origin) {
                    Ok(()) => StatusCode::NOT_FOUND.into_response(),
                    Err(_) => StatusCode::TOO_MANY_REQUESTS.into_response(),
                }
            }
            Ok(Err(Refused::NotBelieved(cause))) => self.refused(rule, &cause, origin).await,
            Err(cause) => {
                tracing::error!(%cause, "a signal could not be kept");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    }

    /// What is not believed is answered with 400 (§2.8 of the specification), and why stands in the log.
    async fn refused(&self, rule: &str, cause: &str, origin: &Origin) -> Response {
        self.note(rule, cause, origin).await;
        if self.failed.take(origin).is_err() {
            return StatusCode::TOO_MANY_REQUESTS.into_response();
        }
        let body = [(header::CONTENT_TYPE, "application/json")];
        (StatusCode::BAD_REQUEST, body, "{\"error\":\"invalid_request\"}").into_response()
    }

    async fn note(&self, rule: &str, cause: &str, origin: &Origin) {
        if limits::may_note_unknown(origin)
            && let Err(cause) = self.http.signals.note_refused(rule, cause, origin).await
        {
            tracing::error!(%cause, "a refused signal could not be written down");
        }
    }
}
