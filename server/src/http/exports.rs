//! Lists as files: CSV and JSON lines, streamed.

use std::sync::Arc;

use app::audit::wire::AuditQuery;
use app::civil::rfc3339;
use app::error::AppError;
use app::paths;
use app::sessions::query::SessionQuery;
use app::wire::Timestamp;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
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
    let mut response = Body::from_stream(lines).into_response();
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::JsonLines => ("application/x-ndjson", "jsonl"),
    };
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
