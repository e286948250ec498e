//! Who calls the API: a token in the header Authorization and nothing else. Cookies are not looked at.

use std::sync::Arc;

use app::audit::wire::AuditResult;
use app::error::AppError;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::{Doors, PREFIX};
use crate::audit::{Action, Entry};
use crate::caller::Caller;
use crate::http::{Http, authenticate, limits};

fn secret(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// The layer.
pub async fn guard(
    State((http, doors)): State<(Arc<Http>, Arc<Doors>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let origin = authenticate::origin_of(&request, http.trusted_proxy.as_ref());
    let found = match secret(request.headers()) {
        Some(secret) => {
            let now = http.clock.now();
            http.access.caller_of_token(secret, origin.clone(), now).await
        }
        None => Ok(None),
    };
    let caller = match found {
        Ok(Some(caller)) => Arc::new(caller),
        Ok(None) => {
            return match doors.failed.take(&origin) {
                Ok(()) => Problem::unauthorized().into_response(),
                Err(error) => Problem::from(error).into_response(),
            };
        }
        Err(cause) => return Problem::from(cause).into_response(),
    };
    let what = format!("{} {}", request.method(), request.uri().path());
    let left = match doors.calls.take(caller.id.as_str()) {
        Ok(left) => left,
        Err(error) => {
            note_rate(&http, &caller, &what).await;
            let AppError::TooMany { retry_after_s } = error else {
                return Problem::from(error).into_response();
            };
            let mut response = Problem::from(error).into_response();
            rate_headers(&mut response, doors.calls.per_minute(), 0, retry_after_s);
            return response;
        }
    };
    // An address that leads nowhere refuses nobody anything.
    let matched = request.extensions().get::<MatchedPath>();
    let leads_somewhere = matched.is_some_and(|path| path.as_str().starts_with(PREFIX));
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    let status = response.status();
    let refused = status == StatusCode::FORBIDDEN || status == StatusCode::NOT_FOUND;
    if refused && leads_somewhere {
        note_refusal(&http, &caller, what, status).await;
    }
    rate_headers(&mut response, doors.calls.per_minute(), left, 60);
    response
}

/// `RateLimit` and `RateLimit-Policy` as the IETF draft writes them.
fn rate_headers(response: &mut Response, per_minute: u32, left: u32, seconds: u32) {
    let set = |response: &mut Response, name: &'static str, text: String| {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    };
    set(
        response,
        "ratelimit-policy",
        format!("\"token\";q={per_minute};w=60"),
    );
    set(response, "ratelimit", format!("\"token\";r={left};t={seconds}"));
}

/// Every refusal leaves an entry: which token tried what.
async fn note_refusal(http: &Http, caller: &Caller, what: String, status: StatusCode) {
    let entry = Entry::by(caller, Action::AuthzFail)
        .target(what)
        .result(AuditResult::Refused)
        .fact("status", status.as_u16());
    if let Err(cause) = http.audit.note(&entry).await {
        tracing::error!(%cause, "a refusal could not be written to the audit");
    }
}

/// Too many calls of one token, once a minute at most.
async fn note_rate(http: &Http, caller: &Caller, what: &str) {
    if !limits::may_note_rate(caller) {
        return;
    }
    let entry = Entry::by(caller, Action::RateLimit)
        .target(what)
        .result(AuditResult::Refused);
    if let Err(cause) = http.audit.note(&entry).await {
        tracing::error!(%cause, "a rate limit could not be written to the audit");
    }
}
