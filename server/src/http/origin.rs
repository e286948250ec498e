//! Requests that change something must come from our own pages (security D9).
//!
//! Forms are "simple" requests: no browser asks before it sends one from a foreign page. So every unsafe method needs
//! `Sec-Fetch-Site: same-origin`; a browser too old to send that header must send our `Origin`. Without either the
//! request is refused. Cookies are SameSite=Lax beside it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Http, authenticate, limits, plain};
use crate::audit::{Action, Entry};
use crate::caller::Origin;

/// Whether a request with these headers comes from a page of `own` (scheme and host).
fn is_ours(headers: &HeaderMap, own: &str) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => headers
            .get(header::ORIGIN)
            .and_then(|origin| origin.to_str().ok())
            .is_some_and(|origin| origin.eq_ignore_ascii_case(own)),
    }
}

/// The layer.
pub async fn guard(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    let safe = [Method::GET, Method::HEAD].contains(request.method());
    let mut response = if safe || is_ours(request.headers(), &http.public_url) {
        next.run(request).await
    } else {
        let origin = authenticate::origin_of(&request, http.trusted_proxy.as_ref());
        let target = format!("{} {}", request.method(), request.uri().path());
        refuse(&http, &origin, target).await
    };
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("Sec-Fetch-Site, Origin"));
    response
}

async fn refuse(http: &Http, origin: &Origin, target: String) -> Response {
    if limits::may_note_unknown(origin) {
        let entry = Entry::nobody(origin, Action::Csrf)
            .target(target)
            .result(app::audit::wire::AuditResult::Refused);
        if let Err(cause) = http.audit.note(&entry).await {
            tracing::error!(%cause, "a foreign form could not be written to the audit");
        }
    }
    plain::Text {
        status: StatusCode::FORBIDDEN,
        words: "This request did not come from a page of this portal, so nothing was changed. Open the portal at its \
                own address and try again.",
    }
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| {
                (
                    axum::http::HeaderName::from_static(k),
                    HeaderValue::from_static(v),
                )
            })
            .collect()
    }

    #[test]
    fn security_d9_only_our_own_pages_may_change_something() {
        let own = "https://curfew.example.org";
        for (pairs, ours) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://curfew.example.org"),
                ],
                false,
            ),
            (&[("origin", "https://curfew.example.org")], true),
            (&[("origin", "https://curfew.example.org.evil.example")], false),
            (&[("origin", "http://curfew.example.org")], false),
            (&[("origin", "null")], false),
            (&[], false),
        ] {
            assert_eq!(is_ours(&headers(pairs), own), ours, "{pairs:?}");
        }
    }
}
