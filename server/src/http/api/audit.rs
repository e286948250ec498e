//! `/audit`: the log, newest first.

use app::audit::wire::AuditQuery;
use app::error::{AppError, FieldProblem};
use axum::response::Response;

use super::ok;
use super::problem::Problem;
use super::take::{Api, Pairs};
use super::wire::systems::{AuditEntry, AuditList, AuditParams};

/// Filters, as the page's address names them.
const FILTERS: [&str; 8] = [
    "q", "who", "action", "system", "result", "ending", "from", "until",
];

/// A page of the audit log, narrowed to the token's scope. Reading it is itself in the log.
#[utoipa::path(get, path = "/audit", tag = "audit", operation_id = "list_audit",
    params(AuditParams),
    responses((status = 200, description = "A page of the log.", body = AuditList)))]
pub async fn list(api: Api, mut pairs: Pairs) -> Result<Response, Problem> {
    let mut asked = Vec::new();
    for name in FILTERS {
        if let Some(value) = pairs.take(name)? {
            asked.push((name.to_owned(), value));
        }
    }
    let before = match pairs.take("cursor")? {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| Problem::invalid("cursor", "This is no cursor of the log."))?,
        ),
    };
    pairs.nothing_else()?;
    let (query, problems): (AuditQuery, Vec<FieldProblem>) = AuditQuery::from_pairs(&asked, 0);
    if !problems.is_empty() {
        return Err(AppError::Invalid { problems }.into());
    }
    let query = AuditQuery {
        before_seq: before,
        ..query
    };
    let page = api.backend.audit.audit_page(query).await?;
    Ok(ok(&AuditList {
        items: page.entries.into_iter().map(AuditEntry::from).collect(),
        next_cursor: page.next.map(|seq| seq.to_string()),
    }))
}
