//! `/previews`: a set is frozen before it is ended.

use std::collections::BTreeSet;

use app::sessions::wire::SelectionEdit;
use app::wire::{EndingId, SessionKey};
use axum::http::StatusCode;
use axum::response::Response;

use super::problem::Problem;
use super::take::{Api, Json, NoBody, Pairs, Part};
use super::wire::previews::{NewPreview, Preview};
use super::wire::sessions::Filter;
use super::{PREFIX, made, ok, sessions};

/// Where to read a preview.
pub fn address(preview: &EndingId) -> String {
    format!("{PREFIX}/previews/{preview}")
}

async fn read(api: &Api, id: EndingId) -> Result<Preview, Problem> {
    Ok(api.backend.endings.preview(id, false).await?.into())
}

/// The filter as pairs of an address.
fn pairs_of(filter: &Filter) -> Result<Vec<(String, String)>, Problem> {
    let value =
        serde_json::to_value(filter).map_err(|cause| Problem::from(crate::error::Error::from(cause)))?;
    let mut pairs = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            serde_json::Value::Array(texts) => {
                let texts = texts.iter().filter_map(serde_json::Value::as_str);
                pairs.extend(texts.map(|text| (name.clone(), text.to_owned())));
            }
            other => pairs.extend(other.as_str().map(|text| (name.clone(), text.to_owned()))),
        }
    }
    Ok(pairs)
}

/// Freezes what a filter means now; no filter = every live session.
async fn by_filter(api: &Api, filter: Option<Filter>) -> Result<EndingId, Problem> {
    let query = match filter {
        Some(filter) => {
            let pairs = pairs_of(&filter)?;
            if pairs.is_empty() {
                let words = "An empty filter would mean every session. Say “all”: true if that is meant.";
                return Err(Problem::invalid("filter", words));
            }
            sessions::query_of(&pairs)?.to_query_string()
        }
        None => String::new(),
    };
    let edit = SelectionEdit {
        all_matching: true,
        query,
        ..SelectionEdit::default()
    };
    let selection = api.backend.sessions.edit_selection(edit).await?.selection_id;
    let draft = api.backend.endings.draft_ending(selection.clone()).await;
    // It has done its work: the preview has the rows.
    api.backend.sessions.clear_selection(selection).await?;
    Ok(draft?)
}

/// Freezes a set: what it would end, by system and person, and what is left out and why. Nothing is asked.
#[utoipa::path(post, path = "/previews", tag = "endings", operation_id = "make_preview",
    request_body = NewPreview,
    responses((status = 201, description = "The preview.", body = Preview)))]
pub async fn make(api: Api, pairs: Pairs, Json(new): Json<NewPreview>) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let one_of = "Say exactly one of “sessions”, “filter” and “all”: true.";
    let (id, keys) = match (new.sessions, new.filter, new.all) {
        (Some(keys), None, None | Some(false)) => {
            if keys.is_empty() {
                return Err(Problem::invalid("sessions", "Name at least one session."));
            }
            let keys: BTreeSet<String> = keys.into_iter().collect();
            let asked = keys.len() as u64;
            let keys = keys.into_iter().map(SessionKey).collect();
            (api.backend.endings.draft_ending_of(keys).await?, Some(asked))
        }
        (None, Some(filter), None | Some(false)) => (by_filter(&api, Some(filter)).await?, None),
        (None, None, Some(true)) => (by_filter(&api, None).await?, None),
        _ => return Err(Problem::invalid("", one_of)),
    };
    let mut preview = read(&api, id.clone()).await?;
    preview.unknown_keys = keys.map(|n| n.saturating_sub(preview.sessions + preview.left_out_count));
    Ok(made(StatusCode::CREATED, &address(&id), &preview))
}

/// A preview this token made.
#[utoipa::path(get, path = "/previews/{preview_id}", tag = "endings", operation_id = "get_preview",
    params(("preview_id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The preview.", body = Preview)))]
pub async fn one(api: Api, Part(id): Part<String>, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    Ok(ok(&read(&api, EndingId(id)).await?))
}

/// Freezes a preview anew with protected people in it, under a new id. Needs ForceEnd.
#[utoipa::path(post, path = "/previews/{preview_id}/include-protected", tag = "endings",
    operation_id = "include_protected",
    params(("preview_id" = String, Path, description = "Its id.")),
    responses((status = 201, description = "The new preview.", body = Preview)))]
pub async fn include_protected(
    api: Api,
    Part(id): Part<String>,
    pairs: Pairs,
    _: NoBody,
) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let id = api
        .backend
        .endings
        .include_in_preview(EndingId(id), false, true)
        .await?;
    Ok(made(
        StatusCode::CREATED,
        &address(&id),
        &read(&api, id.clone()).await?,
    ))
}
