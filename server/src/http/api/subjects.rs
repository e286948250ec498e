//! `/subjects`: people above accounts, as far as the token may see their sessions. Linking and cutting is for people.

use app::containment::wire::ReportOf;
use app::people::wire::PeopleQuery;
use app::wire::SubjectId;
use axum::response::Response;

use super::problem::Problem;
use super::take::{Api, Pairs, Part};
use super::wire::report::SignedReport;
use super::wire::subjects::{Subject, SubjectDetail, SubjectList, SubjectParams};
use super::{as_it_is, ok};

/// People, by name.
#[utoipa::path(get, path = "/subjects", tag = "subjects", operation_id = "list_subjects",
    params(SubjectParams),
    responses((status = 200, description = "A page of people.", body = SubjectList)))]
pub async fn list(api: Api, mut pairs: Pairs) -> Result<Response, Problem> {
    let live = match pairs.take("live")?.as_deref() {
        None => false,
        Some("1") => true,
        Some(_) => return Err(Problem::invalid("live", "Write live=1, or leave it out.")),
    };
    let query = PeopleQuery {
        search: pairs.take("q")?.unwrap_or_default(),
        live,
        after: pairs.take("cursor")?,
    };
    pairs.nothing_else()?;
    let page = api.backend.people.people_page(query).await?;
    Ok(ok(&SubjectList {
        items: page.people.into_iter().map(Subject::from).collect(),
        next_cursor: page.next,
        whole: page.whole,
    }))
}

/// One person with their accounts and the ground for each.
#[utoipa::path(get, path = "/subjects/{subject_id}", tag = "subjects", operation_id = "get_subject",
    params(("subject_id" = String, Path, description = "Id of the person.")),
    responses((status = 200, description = "The person.", body = SubjectDetail)))]
pub async fn one(api: Api, Part(subject): Part<String>, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let person = api.backend.people.person_page(SubjectId(subject)).await?;
    Ok(ok(&SubjectDetail::from(person)))
}

/// What was done so that a person is out and what is known of it, signed: `curfew verify-report` checks it without the
/// portal. Needs ExportData as well.
#[utoipa::path(get, path = "/subjects/{subject_id}/report", tag = "subjects", operation_id = "get_subject_report",
    params(("subject_id" = String, Path, description = "Id of the person.")),
    responses((status = 200, description = "The containment report; keep it to the byte.", body = SignedReport)))]
pub async fn report(api: Api, Part(subject): Part<String>, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let of = ReportOf::Person(SubjectId(subject));
    Ok(as_it_is(api.backend.containment.signed_report(of).await?))
}
