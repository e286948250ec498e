//! Is the portal up, and how is it doing: two bare answers for whoever watches it, numbers on a listener of their own.

use std::sync::Arc;
use std::sync::OnceLock;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::{Http, plain};

/// Where times of requests fall into, seconds.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The numbers of this process; the first call starts counting.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .install_recorder()?;
    metrics::describe_gauge!("curfew_live_sessions", "Live sessions by system");
    metrics::describe_gauge!(
        "curfew_system_age_seconds",
        "Age of the last complete reading by system"
    );
    metrics::describe_gauge!(
        "curfew_oldest_unsettled_seconds",
        "Age of the oldest unsettled ending; 0 = none"
    );
    metrics::describe_gauge!(
        "curfew_audit_copy_lag_entries",
        "Audit entries that are not copied yet"
    );
    metrics::describe_gauge!(
        "curfew_audit_copy_lag_seconds",
        "Age of the oldest audit entry that is not copied yet; 0 = none"
    );
    metrics::describe_gauge!("curfew_webhook_pending", "Events that a webhook did not take yet");
    metrics::describe_counter!("curfew_ending_items_total", "Settled items of endings by outcome");
    metrics::describe_histogram!("curfew_request_seconds", "Time of requests by route");
    Ok(HANDLE.get_or_init(|| handle).clone())
}

/// `GET /healthz`: the process answers.
pub async fn alive() -> Response {
    plain::Text {
        status: StatusCode::OK,
        words: "alive\n",
    }
    .into_response()
}

/// `GET /readyz`: the database answers and the portal is not stopping.
pub async fn ready(State(http): State<Arc<Http>>) -> Response {
    let stopping = http.stop.is_cancelled();
    let answers = match http.db.read().await {
        Ok(mut conn) => crate::changes::version(&mut conn, "ready").await.is_ok(),
        Err(_) => false,
    };
    let (status, words) = match (stopping, answers) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
        (false, true) => (StatusCode::OK, "ready\n"),
    };
    plain::Text { status, words }.into_response()
}

/// What the metrics listener serves. `refresh` brings the gauges up to date before each answer.
pub fn router<F, A>(handle: PrometheusHandle, refresh: F) -> Router
where
    F: Fn() -> A + Clone + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    Router::new().route("/healthz", get(alive)).route(
        "/metrics",
        get(move || {
            let (handle, refresh) = (handle.clone(), refresh.clone());
            async move {
                refresh().await;
                handle.run_upkeep();
                (
                    [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
                    handle.render(),
                )
            }
        }),
    )
}
