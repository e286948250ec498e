//! `/people`: who has sessions, and ending one person everywhere.

use app::endings::wire::Confirm;
use axum::http::StatusCode;
use axum::response::Response;

use super::endings::address;
use super::problem::Problem;
use super::take::{Api, Json, Pairs, Part};
use super::wire::endings::{AwaitingApproval, EndEverywhere, EndedEverywhere, EndingRef};
use super::wire::previews::LeftOut;
use super::wire::sessions::{PeopleParams, Person, PersonDetail, PersonList};
use super::{made, ok, sessions};

/// People with live sessions, by account name.
#[utoipa::path(get, path = "/people", tag = "people", operation_id = "list_people",
    params(PeopleParams),
    responses((status = 200, description = "A page of people.", body = PersonList)))]
pub async fn list(api: Api, mut pairs: Pairs) -> Result<Response, Problem> {
    let limit = pairs.take_limit()?;
    let after = pairs.take("cursor")?;
    let search = pairs.take("q")?;
    pairs.nothing_else()?;
    let search: Vec<_> = search.into_iter().map(|q| ("q".to_owned(), q)).collect();
    let query = sessions::query_of(&search)?;
    let page = api.backend.sessions.people(query, after, limit).await?;
    let last = page.people.last().filter(|_| page.more);
    Ok(ok(&PersonList {
        next_cursor: last.map(|p| p.person_id.clone()),
        items: page.people.into_iter().map(Person::from).collect(),
    }))
}

/// One person over all systems.
#[utoipa::path(get, path = "/people/{person_id}", tag = "people", operation_id = "get_person",
    params(("person_id" = String, Path, description = "Account name, without regard to case.")),
    responses((status = 200, description = "The person.", body = PersonDetail)))]
pub async fn one(api: Api, Part(person): Part<String>, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let person = api.backend.sessions.person(person).await?;
    Ok(ok(&PersonDetail::from(person)))
}

/// Ends every live session of a person that the token may end, in one call. Asked again while that is at work, it is the
/// same ending (200); protected people are left out unless the token holds ForceEnd.
#[utoipa::path(post, path = "/people/{person_id}/end-everywhere", tag = "people", operation_id = "end_everywhere",
    params(("person_id" = String, Path, description = "Account name, without regard to case.")),
    request_body = EndEverywhere,
    responses(
        (status = 200, description = "It is at work already, or nothing was there to end.", body = EndedEverywhere),
        (status = 202, description = "A new ending, or one that waits for a second person.", body = EndedEverywhere)))]
pub async fn end_everywhere(
    api: Api,
    Part(person): Part<String>,
    pairs: Pairs,
    Json(why): Json<EndEverywhere>,
) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let confirm = Confirm {
        reason: why.reason,
        ticket_ref: why.ticket_ref.unwrap_or_default(),
        typed_number: String::new(),
        ..Confirm::default()
    };
    let done = api.backend.endings.end_everywhere(person, confirm).await?;
    let waiting = done.waits.map(|(preview, expires_at)| AwaitingApproval {
        href: super::previews::address(&preview),
        preview_id: preview.0,
        expires_at: expires_at.into(),
    });
    let href = done
        .ending_no
        .map(address)
        .or_else(|| waiting.as_ref().map(|w| w.href.clone()));
    let answer = EndedEverywhere {
        ending: done.ending_no.map(|ending_no| EndingRef {
            ending_no,
            href: address(ending_no),
        }),
        awaiting_approval: waiting,
        already: done.already,
        sessions: done.sessions,
        left_out: done.left_out.into_iter().map(LeftOut::from).collect(),
        left_out_count: done.left_out_count,
    };
    Ok(match href {
        Some(href) if !done.already => made(StatusCode::ACCEPTED, &href, &answer),
        Some(href) => made(StatusCode::OK, &href, &answer),
        None => ok(&answer),
    })
}
