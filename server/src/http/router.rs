//! Every address, and the layers around it.

use std::sync::Arc;

use app::error::AppError;
use app::paths;
use app::sessions::query::SessionQuery;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use leptos_axum::{LeptosRoutes, generate_route_list};
use tower_sessions::SessionManagerLayer;
use tower_sessions::cookie::SameSite;

use super::authenticate::{Visit, authenticate, cookie_name};
use super::limits::AddressLimit;
use super::{
    Http, api, broker, doors, exports, files, forms, headers, health, limits, live, origin, plain, reports,
    signals, ui, watch,
};

/// Addresses that need no caller. Everything else answers 401 or leads to sign-in.
pub const OPEN_PATHS: [&str; 8] = [
    paths::SIGN_IN,
    paths::WELCOME,
    "/healthz",
    "/readyz",
    "/pkg/{*name}",
    "/favicon.ico",
    reports::PATH,
    api::DOCUMENT,
];

/// Signed containment reports: `paths::ending_report_file`, `paths::subject_report_file`.
const ENDING_REPORT: &str = "/endings/{no}/report.json";
const PERSON_REPORT: &str = "/people/{id}/report.json";

/// The whole portal as one service.
pub fn router(http: impl Into<Arc<Http>>) -> Router {
    let http = http.into();
    let options = ui::options();
    let shell = {
        let options = options.clone();
        move || app::shell(options.clone())
    };
    let mut pages: Router = Router::new()
        .leptos_routes_with_context(&options, generate_route_list(app::App), ui::context(&http), shell)
        .with_state(options)
        .layer(from_fn_with_state(http.clone(), ui::frame));
    let mut acts: Router<Arc<Http>> = Router::new()
        .route(paths::SIGN_IN, post(doors::sign_in))
        .route(paths::WELCOME, post(doors::welcome))
        .route(paths::STEP_UP, post(doors::step_up))
        .route(
            paths::SIGN_OUT,
            post(doors::sign_out).get(async || plain::see_other(paths::HOME)),
        )
        .route(paths::LIVE, get(live::live))
        .route(paths::COUNT, get(count))
        .route(paths::SUGGEST, get(suggest))
        .route(paths::SESSIONS_JSONL, get(exports::sessions))
        .route(paths::SESSIONS_CSV, get(exports::sessions))
        .route(paths::AUDIT_JSONL, get(exports::audit))
        .route(paths::AUDIT_CSV, get(exports::audit))
        .route(ENDING_REPORT, get(exports::ending_report))
        .route(PERSON_REPORT, get(exports::person_report))
        .route(forms::ACCOUNT, post(forms::take).get(forms::look));
    for route in forms::ROUTES {
        acts = acts.route(route, post(forms::take).get(forms::look));
    }
    pages = pages.merge(acts.with_state(http.clone()));
    let cookies = SessionManagerLayer::new(http.signin.tokens())
        .with_name(cookie_name(http.is_https()))
        .with_secure(http.is_https())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/");
    let behind_the_door = pages
        .fallback_service(nothing_here.with_state(http.clone()))
        .layer(from_fn_with_state(http.clone(), authenticate))
        .layer(Extension(Arc::new(AddressLimit::new(
            http.per_address_per_minute,
        ))))
        .layer(cookies)
        .layer(from_fn_with_state(http.clone(), origin::guard))
        .layer(from_fn(limits::guard));
    // Machines and files: no cookie layer, cookies are not even looked at.
    let open: Router = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/pkg/{*name}", get(files::serve))
        .route("/favicon.ico", get(files::no_icon))
        .route(reports::PATH, post(reports::take))
        .with_state(http.clone());
    let broker = match http.broker_apart {
        true => Router::new(),
        false => broker::routes(&http),
    };
    open.merge(api::routes(&http))
        .merge(broker)
        .merge(signals::routes(&http))
        .merge(behind_the_door)
        .layer(from_fn_with_state(http, headers::guard))
        .layer(from_fn(watch::watch))
}

/// An address without a page.
async fn nothing_here(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    if request.method() != axum::http::Method::GET || super::authenticate::is_call(request.uri().path()) {
        return plain::json(&AppError::not_found("page"));
    }
    ui::page(
        &http,
        visit,
        &request.uri().to_string(),
        Some(axum::http::StatusCode::NOT_FOUND),
    )
    .await
}

/// `GET /sessions/count?…`: how many sessions the query matches, exactly; what script asks where the page says "10,000+".
async fn count(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    let pairs = paths::parse_query(request.uri().query().unwrap_or_default());
    // A page writes moments into its queries, so no zone is needed to read them.
    let counted = match SessionQuery::from_pairs(&pairs, 0) {
        (_, problems) if !problems.is_empty() => Err(AppError::Invalid { problems }),
        (query, _) => match visit.caller() {
            Ok(caller) => (http.backend)(caller).sessions.count_sessions(query).await,
            Err(error) => Err(error),
        },
    };
    match counted {
        Ok(number) => number.to_string().into_response(),
        Err(error) => {
            visit.note(error.status());
            plain::json(&error)
        }
    }
}

/// `GET /sessions/suggest?q=…`: what the search box may go on with.
async fn suggest(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    let pairs = paths::parse_query(request.uri().query().unwrap_or_default());
    let typed = pairs.into_iter().find(|(name, _)| name == "q");
    let typed = typed.map(|(_, value)| value).unwrap_or_default();
    let found = match visit.caller() {
        Ok(caller) => (http.backend)(caller).sessions.suggest(typed).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(suggestions) => plain::data(axum::http::StatusCode::OK, "application/json", &suggestions),
        Err(error) => {
            visit.note(error.status());
            plain::json(&error)
        }
    }
}
