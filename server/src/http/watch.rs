//! Around everything: a request id, one log line without personal data, times for the metrics, and panics caught.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tracing::Instrument;

use super::{api, plain};
use crate::keys;

/// Finds the log line of a request; stands in its audit entries too.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The layer. The route stands in the log and the metrics, never the query: it may name people.
pub async fn watch(mut request: Request, next: Next) -> Response {
    let id = keys::short_reference();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let is_api = api::is_api(request.uri().path());
    // The API names what each of its addresses takes.
    if !is_api && ![Method::GET, Method::HEAD, Method::POST].contains(&method) {
        return plain::Text {
            status: StatusCode::METHOD_NOT_ALLOWED,
            words: "This portal knows GET and POST.",
        }
        .into_response();
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", request.id = %id, %method, route);
    let begun = Instant::now();
    let answer = AssertUnwindSafe(next.run(request).instrument(span.clone()))
        .catch_unwind()
        .await;
    let mut response = match answer {
        Ok(response) => response,
        Err(_) => {
            // The panic's own words are in the log by the panic hook; they stay there.
            span.in_scope(|| tracing::error!(reference = id, "a request panicked"));
            if is_api {
                api::problem::Problem::broken(&id).answer()
            } else {
                plain::broken(&id)
            }
        }
    };
    let took = begun.elapsed();
    let status = response.status().as_u16();
    metrics::histogram!("curfew_request_seconds", "route" => route, "method" => method.to_string(),
        "status" => status.to_string())
    .record(took.as_secs_f64());
    span.in_scope(|| tracing::info!(status, took_ms = took.as_millis() as u64, "answered"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::Request as HttpRequest;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn answer(path: &str, method: &str) -> (StatusCode, String, String) {
        let router: Router = Router::new()
            .route(
                "/breaks",
                get(async || -> &'static str { panic!("secret words of the fault") }),
            )
            .route("/works", get(async || "fine"))
            .layer(from_fn(watch));
        let request = HttpRequest::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        let (status, id) = (response.status(), response.headers().get("x-request-id").cloned());
        let body = to_bytes(response.into_body(), 100_000).await.unwrap();
        let id = id.map(|id| id.to_str().unwrap().to_owned()).unwrap_or_default();
        (status, id, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn security_e11_a_panic_is_caught_and_tells_its_reference_alone() {
        let (status, id, body) = answer("/breaks", "GET").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!id.is_empty() && body.contains(&id));
        assert!(!body.contains("secret words"));
        assert_eq!(answer("/works", "GET").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn security_e12_trace_is_not_answered() {
        assert_eq!(answer("/works", "TRACE").await.0, StatusCode::METHOD_NOT_ALLOWED);
    }
}
