//! Files: lists as CSV and JSON lines, streamed; containment reports as signed JSON.

use std::sync::Arc;

use app::audit::wire::AuditQuery;
use app::civil::rfc3339;
use app::containment::wire::ReportOf;
use app::error::AppError;
use app::paths;
use app::sessions::query::SessionQuery;
use app::wire::{SubjectId, Timestamp};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, TryStreamExt};

use super::authenticate::Visit;
use super::{Http, plain};
use crate::audit::export::Format;
use crate::error::Error;

/// `GET /audit/export.jsonl` and `.csv`: the log as a file.
pub async fn audit(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    let format = format_of(&request);
    let pairs = paths::parse_query(request.uri().query().unwrap_or_default());
    let begun = async {
        let caller = visit.caller()?;
        let (query, problems) = AuditQuery::from_pairs(&pairs, 0);
        // A filter that was not understood must not widen what is taken out.
        if !problems.is_empty() {
            return Err(AppError::Invalid { problems }.into());
        }
        http.audit.export(caller, query, format).await
    }
    .await;
    file(&visit, begun, format, "curfew-audit")
}

/// `GET /sessions/export.jsonl` and `.csv`: the list as a file, by the filters of the page's address.
pub async fn sessions(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    let format = format_of(&request);
    let pairs = paths::parse_query(request.uri().query().unwrap_or_default());
    let begun = async {
        let caller = visit.caller()?;
        // A page writes moments into its queries, so no zone is needed to read them.
        let (query, problems) = SessionQuery::from_pairs(&pairs, 0);
        if !problems.is_empty() {
            return Err(AppError::Invalid { problems }.into());
        }
        http.sessions.export(caller, &query, format).await
    }
    .await;
    let name = format!("curfew-sessions-{}", stamp(http.clock.now()));
    file(&visit, begun, format, &name)
}

/// `GET /endings/{no}/report.json`: what an ending did, as a signed file.
pub async fn ending_report(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<String>,
) -> Response {
    // No ending has the number 0: what is no number is not there either.
    let number = number.parse().unwrap_or(0);
    report(
        &http,
        &visit,
        ReportOf::Ending(number),
        &format!("ending-{number}"),
    )
    .await
}

/// `GET /people/{id}/report.json`: what was done so that a person is out, as a signed file.
pub async fn person_report(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    Path(subject): Path<String>,
) -> Response {
    report(&http, &visit, ReportOf::Person(SubjectId(subject)), "person").await
}

async fn report(http: &Http, visit: &Visit, of: ReportOf, name: &str) -> Response {
    let made = match visit.caller() {
        Ok(caller) => (http.backend)(caller).containment.signed_report(of).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(text) => {
            let name = format!("curfew-report-{name}-{}", stamp(http.clock.now()));
            as_file(text.into_response(), "application/json", &name, "json")
        }
        Err(error) => {
            visit.note(error.status());
            plain::page(&error)
        }
    }
}

fn format_of(request: &Request) -> Format {
    match request.uri().path().ends_with(".csv") {
        true => Format::Csv,
        false => Format::JsonLines,
    }
}

/// A moment as part of a file's name, UTC: `20261123T003520Z`.
fn stamp(at: Timestamp) -> String {
    let whole = rfc3339(at);
    let second = whole.split(['.', 'Z']).next().unwrap_or_default();
    let digits: String = second.chars().filter(|c| !['-', ':'].contains(c)).collect();
    format!("{digits}Z")
}

/// The file, or the page that says why there is none.
fn file(
    visit: &Visit,
    begun: Result<impl Stream<Item = Result<String, Error>> + Send + 'static, Error>,
    format: Format,
    name: &str,
) -> Response {
    let lines = match begun {
        Ok(lines) => lines,
        Err(error) => {
            let error = AppError::from(error);
            visit.note(error.status());
            return plain::page(&error);
        }
    };
    let lines = lines.map_err(|cause| {
        tracing::error!(%cause, "an export broke off");
        std::io::Error::other("the export broke off")
    });
    let response = Body::from_stream(lines).into_response();
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::JsonLines => ("application/x-ndjson", "jsonl"),
    };
    as_file(response, kind, name, ending)
}

/// An answer that a browser keeps as a file.
fn as_file(mut response: Response, kind: &'static str, name: &str, ending: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let name = format!("attachment; filename=\"{name}.{ending}\"");
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_carries_its_moment() {
        assert_eq!(stamp(Timestamp(1_795_394_120_000)), "20261123T003520Z");
    }
}
