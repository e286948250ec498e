//! `/api/v1`: the portal for programs. JSON over the same ports as the pages; nothing here decides what may be seen.
//!
//! Order of the layers, outermost first: `finish` (request ids of problems, time, size), `bearer` (who, how often),
//! `idempotency`. No cookie layer: cookies are not looked at. One file per resource; `wire` is the contract, `problem`
//! every answer other than success, `doc` the OpenAPI document of what stands here. Start reading at [`routes`].

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::problem::Problem;
use super::limits::{AddressLimit, CallLimit};
use super::{Http, plain, watch};

mod access;
mod audit;
mod bearer;
mod doc;
mod endings;
mod idempotency;
mod people;
mod policies;
mod previews;
pub mod problem;
mod sessions;
mod store;
mod subjects;
mod systems;
mod take;
pub mod wire;

pub use idempotency::forget_old;

/// Where it stands.
pub const PREFIX: &str = "/api/v1";
/// The OpenAPI document, open to everybody.
pub const DOCUMENT: &str = "/api/v1/openapi.json";

/// Longest body, bytes.
const BODY: usize = 256 * 1024;
/// Longest a call may take.
const LONGEST: Duration = Duration::from_secs(20);
/// Longest address, bytes.
const ADDRESS: usize = 16 * 1024;

/// Whether an address is the API's.
pub fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// How often the API is called.
pub struct Doors {
    /// Calls of a token.
    calls: CallLimit,
    /// Calls without a token that works, by address.
    failed: AddressLimit,
}

/// Every endpoint with its part of the document.
fn endpoints() -> (Router<Arc<Http>>, OpenApi) {
    OpenApiRouter::with_openapi(doc::frame())
        .nest(
            PREFIX,
            OpenApiRouter::new()
                .routes(routes!(systems::me))
                .routes(routes!(sessions::list))
                .routes(routes!(sessions::find))
                .routes(routes!(sessions::one))
                .routes(routes!(previews::make))
                .routes(routes!(previews::one))
                .routes(routes!(previews::include_protected))
                .routes(routes!(endings::list, endings::confirm))
                .routes(routes!(endings::one))
                .routes(routes!(endings::items))
                .routes(routes!(endings::stop))
                .routes(routes!(endings::report))
                .routes(routes!(systems::list))
                .routes(routes!(systems::one))
                .routes(routes!(people::list))
                .routes(routes!(people::one))
                .routes(routes!(people::end_everywhere))
                .routes(routes!(subjects::list))
                .routes(routes!(subjects::one))
                .routes(routes!(subjects::report))
                .routes(routes!(policies::list))
                .routes(routes!(policies::accept))
                .routes(routes!(policies::reopen))
                .routes(routes!(access::people))
                .routes(routes!(access::roles))
                .routes(routes!(access::grants))
                .routes(routes!(audit::list)),
        )
        .split_for_parts()
}

/// The OpenAPI 3.1 document, as it is served and checked in (docs/openapi.json).
pub fn document() -> OpenApi {
    doc::finished(endpoints().1)
}

/// The API as a router.
pub fn routes(http: &Arc<Http>) -> Router {
    let doors = Arc::new(Doors {
        calls: CallLimit::new(http.api_per_minute),
        failed: AddressLimit::new(http.per_address_per_minute),
    });
    let text: Arc<str> = document().to_pretty_json().unwrap_or_default().into();
    let open = Router::new().route(
        DOCUMENT,
        get(async move || served(&text)).fallback(async || Problem::wrong_method()),
    );
    let (endpoints, _) = endpoints();
    let behind_the_door = endpoints
        .route(
            "/api/{*rest}",
            axum::routing::any(async || Problem::no_such_path()),
        )
        .route("/api", axum::routing::any(async || Problem::no_such_path()))
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(from_fn_with_state(http.clone(), idempotency::guard))
        .layer(from_fn_with_state((http.clone(), doors), bearer::guard))
        .with_state(http.clone());
    open.merge(behind_the_door).layer(from_fn(finish))
}

fn served(text: &str) -> Response {
    let kind = HeaderValue::from_static("application/json");
    let cache = HeaderValue::from_static("public, max-age=300");
    (
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)],
        text.to_owned(),
    )
        .into_response()
}

/// The layer for size, time and the ids of problems.
async fn finish(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<watch::RequestId>();
    let id = id.map(|id| id.0.clone()).unwrap_or_default();
    let whole = request.uri().path_and_query().map_or(0, |p| p.as_str().len());
    let answer = async {
        if whole > ADDRESS {
            return Problem::too_long().into_response();
        }
        let (parts, body) = request.into_parts();
        match to_bytes(body, BODY).await {
            Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
            Err(_) => Problem::too_large(BODY).into_response(),
        }
    };
    let mut response = match tokio::time::timeout(LONGEST, answer).await {
        Ok(response) => response,
        Err(_) => Problem::took_too_long().into_response(),
    };
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let mut whole = problem.of_request(&id).answer();
    for (name, value) in response.headers() {
        if name != header::CONTENT_LENGTH {
            whole.headers_mut().entry(name).or_insert(value.clone());
        }
    }
    whole
}

/// A successful answer.
fn ok<T: serde::Serialize>(body: &T) -> Response {
    plain::data(axum::http::StatusCode::OK, "application/json", body)
}

/// A successful answer that stands as it is: what is signed must not be written anew.
fn as_it_is(json: String) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], json).into_response()
}

/// A successful answer that made something at `location`.
fn made<T: serde::Serialize>(status: axum::http::StatusCode, location: &str, body: &T) -> Response {
    let mut response = plain::data(status, "application/json", body);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
