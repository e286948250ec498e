//! Browsers tell here what a page's content policy kept out (security D4, F5). Nothing they say is believed further
//! than a line in the audit: which rule, and whether the blocked thing was ours, elsewhere, or inline.

use std::sync::Arc;

use app::audit::wire::AuditResult;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{Http, authenticate, limits};
use crate::audit::{Action, Entry};

/// Where browsers send reports.
pub const PATH: &str = "/csp-report";

/// Longest report, bytes.
const LONGEST: usize = 16 * 1024;

/// Rule and kind of the blocked thing, from either form of report.
fn read(report: &Value, own: &str) -> Option<(String, &'static str)> {
    let first = report.as_array().and_then(|list| list.first()).unwrap_or(report);
    let body = first.get("body").or_else(|| first.get("csp-report"))?;
    let text = |names: [&str; 2]| names.iter().find_map(|name| body.get(name)?.as_str());
    let rule: String = text(["effectiveDirective", "effective-directive"])
        .or_else(|| text(["violatedDirective", "violated-directive"]))?
        .chars()
        .filter(|c| c.is_ascii_lowercase() || *c == '-')
        .take(40)
        .collect();
    let blocked = text(["blockedURL", "blocked-uri"]).unwrap_or_default();
    let kind = if blocked.starts_with(own) {
        "own address"
    } else if blocked.contains("://") {
        "another site"
    } else {
        "inline"
    };
    Some((rule, kind))
}

/// `POST` of a report: always 204, whatever it was.
pub async fn take(State(http): State<Arc<Http>>, request: Request) -> Response {
    let origin = authenticate::origin_of(&request, http.trusted_proxy.as_ref());
    let done = StatusCode::NO_CONTENT.into_response();
    let Ok(body) = axum::body::to_bytes(request.into_body(), LONGEST).await else {
        return done;
    };
    let report: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some((rule, kind)) = read(&report, &http.public_url)
        && limits::may_note_unknown(&origin)
    {
        let entry = Entry::nobody(&origin, Action::CspViolation)
            .target(format!("{rule}: {kind}"))
            .result(AuditResult::Refused);
        if let Err(cause) = http.audit.note(&entry).await {
            tracing::error!(%cause, "a report could not be written to the audit");
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_report_are_read_and_nothing_else_is_believed() {
        let own = "https://curfew.example.org";
        for (report, found) in [
            (
                r#"[{"type":"csp-violation","body":{"effectiveDirective":"script-src-elem","blockedURL":"inline"}}]"#,
                Some(("script-src-elem", "inline")),
            ),
            (
                r#"{"csp-report":{"effective-directive":"img-src","blocked-uri":"https://evil.example/x.png"}}"#,
                Some(("img-src", "another site")),
            ),
            (
                r#"{"csp-report":{"violated-directive":"style-src","blocked-uri":"https://curfew.example.org/a"}}"#,
                Some(("style-src", "own address")),
            ),
            (
                r#"{"csp-report":{"effective-directive":"<b>x\n"}}"#,
                Some(("bx", "inline")),
            ),
            ("[]", None),
            ("17", None),
            ("null", None),
        ] {
            let value: Value = serde_json::from_str(report).unwrap();
            let read = read(&value, own);
            assert_eq!(read.as_ref().map(|(r, k)| (r.as_str(), *k)), found, "{report}");
        }
    }
}
