//! `/endings`: a preview is confirmed, then its sessions are read until each has an outcome.

use app::containment::wire::ReportOf;
use app::endings::wire::{self as ours, Begin, Confirm, ItemFilter};
use app::error::AppError;
use app::wire::EndingId;
use axum::http::StatusCode;
use axum::response::Response;

use super::problem::Problem;
use super::take::{Api, Json, NoBody, Pairs, Part, moment};
use super::wire::endings::{
    Confirmed, ConfirmedState, CursorParam, Ending, EndingBrief, EndingList, Item, ItemList, ItemParams,
    NewEnding,
};
use super::wire::report::SignedReport;
use super::{PREFIX, as_it_is, made, ok};

/// Where to read an ending.
pub fn address(ending_no: i64) -> String {
    format!("{PREFIX}/endings/{ending_no}")
}

/// A cursor that was not understood, by its name here.
fn cursor_problem(error: AppError) -> Problem {
    match error {
        AppError::Invalid { mut problems } => {
            for problem in problems.iter_mut().filter(|p| p.field == "after") {
                "cursor".clone_into(&mut problem.field);
            }
            AppError::Invalid { problems }.into()
        }
        other => other.into(),
    }
}

/// The endings the token may know of, newest first.
#[utoipa::path(get, path = "/endings", tag = "endings", operation_id = "list_endings",
    params(CursorParam),
    responses((status = 200, description = "A page of endings.", body = EndingList)))]
pub async fn list(api: Api, mut pairs: Pairs) -> Result<Response, Problem> {
    let cursor = pairs.take("cursor")?;
    pairs.nothing_else()?;
    let page = api
        .backend
        .endings
        .endings_page(cursor)
        .await
        .map_err(cursor_problem)?;
    Ok(ok(&EndingList {
        items: page.endings.into_iter().map(EndingBrief::from).collect(),
        next_cursor: page.next,
        paused: page.paused.is_some(),
    }))
}

/// Confirms a preview: from now on its sessions are ended and read back. Doing it twice gives the same ending.
#[utoipa::path(post, path = "/endings", tag = "endings", operation_id = "confirm_preview",
    request_body = NewEnding,
    responses((status = 202, description = "It is an ending, or waits for a second person.", body = Confirmed)))]
pub async fn confirm(api: Api, pairs: Pairs, Json(new): Json<NewEnding>) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let port = &api.backend.endings;
    let id = EndingId(new.preview_id);
    let preview = port.preview(id.clone(), false).await?;
    if preview.sessions != new.expect {
        let words = format!(
            "The preview holds {} sessions, not {}. Nothing was ended; look at it again.",
            preview.sessions, new.expect
        );
        return Err(Problem::invalid("expect", words));
    }
    let begin = match &new.not_before {
        None => Begin::Now,
        Some(at) => Begin::At(moment("not_before", &at.0)?),
    };
    let confirm = Confirm {
        reason: new.reason,
        ticket_ref: new.ticket_ref.unwrap_or_default(),
        typed_number: new.expect.to_string(),
        begin,
        notice: new.notice.unwrap_or_default(),
    };
    let confirmed = port.confirm_ending(id.clone(), confirm).await?;
    let (state, href, approve_until) = match confirmed {
        ours::Confirmed::Started(ending_no) => (ConfirmedState::Started, address(ending_no), None),
        ours::Confirmed::AwaitingApproval { expires_at } => (
            ConfirmedState::AwaitingApproval,
            super::previews::address(&id),
            Some(expires_at.into()),
        ),
    };
    let answer = Confirmed {
        state,
        ending_no: confirmed.number(),
        approve_until,
        sessions: preview.sessions,
        href: href.clone(),
    };
    Ok(made(StatusCode::ACCEPTED, &href, &answer))
}

/// One ending.
#[utoipa::path(get, path = "/endings/{ending_no}", tag = "endings", operation_id = "get_ending",
    params(("ending_no" = i64, Path, description = "Its number.")),
    responses((status = 200, description = "The ending.", body = Ending)))]
pub async fn one(api: Api, Part(ending_no): Part<i64>, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let page = api.backend.endings.ending_page(ending_no, None, None).await?;
    Ok(ok(&Ending::from(page)))
}

/// The sessions of an ending with what became of each, newest change first.
#[utoipa::path(get, path = "/endings/{ending_no}/items", tag = "endings", operation_id = "list_ending_items",
    params(("ending_no" = i64, Path, description = "Its number."), ItemParams),
    responses((status = 200, description = "A page of its sessions.", body = ItemList)))]
pub async fn items(api: Api, Part(ending_no): Part<i64>, mut pairs: Pairs) -> Result<Response, Problem> {
    let only = match pairs.take("only")? {
        None => None,
        Some(name) => Some(ItemFilter::from_name(&name).ok_or_else(|| {
            let words = format!(
                "“{name}” is no part of an ending. Parts are waiting, asked, an outcome, could_not, returned."
            );
            Problem::invalid("only", words)
        })?),
    };
    let cursor = pairs.take("cursor")?;
    pairs.nothing_else()?;
    let page = api.backend.endings.ending_page(ending_no, only, cursor).await;
    let page = page.map_err(cursor_problem)?;
    Ok(ok(&ItemList {
        items: page.items.into_iter().map(Item::from).collect(),
        next_cursor: page.next,
    }))
}

/// What an ending did and what is known of it, signed: `curfew verify-report` checks it without the portal. Needs
/// ExportData as well.
#[utoipa::path(get, path = "/endings/{ending_no}/report", tag = "endings", operation_id = "get_ending_report",
    params(("ending_no" = i64, Path, description = "Its number.")),
    responses((status = 200, description = "The containment report; keep it to the byte.", body = SignedReport)))]
pub async fn report(api: Api, Part(ending_no): Part<i64>, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let of = ReportOf::Ending(ending_no);
    Ok(as_it_is(api.backend.containment.signed_report(of).await?))
}

/// Stops what was not yet sent; what was sent is read back as always.
#[utoipa::path(post, path = "/endings/{ending_no}/stop", tag = "endings", operation_id = "stop_ending",
    params(("ending_no" = i64, Path, description = "Its number.")),
    responses((status = 200, description = "The ending as it stands now.", body = Ending)))]
pub async fn stop(
    api: Api,
    Part(ending_no): Part<i64>,
    pairs: Pairs,
    _: NoBody,
) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    api.backend.endings.stop_ending(ending_no).await?;
    let page = api.backend.endings.ending_page(ending_no, None, None).await?;
    Ok(ok(&Ending::from(page)))
}
