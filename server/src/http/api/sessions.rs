//! `/sessions`: the list, by the same filters as the page's address.

use app::access::wire::Permission;
use app::error::{AppError, FieldProblem};
use app::sessions::query::{SessionQuery, typed};
use app::sessions::wire::SessionState;
use app::wire::SessionKey;
use axum::response::Response;

use super::ok;
use super::problem::Problem;
use super::take::{Api, Json, Pairs, Part};
use super::wire::sessions::{
    Filter, FindSessions, FoundSession, FoundSessions, Paging, Session, SessionList,
};

/// Most ids of one call.
const MOST_IDS: usize = 100;
/// Where whole ids are sent: what they are sent with is kept nowhere, not even as a hash of the request.
pub const FIND: &str = "/api/v1/sessions/find";
/// Names of the page's address that mean nothing here.
const OF_THE_PAGE: [&str; 5] = ["sel", "cols", "after", "before", "group"];

/// Reads the filter of an address or body. Whatever is not understood is refused: nothing may widen the set.
pub fn query_of(pairs: &[(String, String)]) -> Result<SessionQuery, Problem> {
    let (query, mut problems) = SessionQuery::from_pairs(pairs, 0);
    for (name, value) in pairs {
        let mut add = |message: String| {
            problems.push(FieldProblem {
                field: name.clone(),
                message,
            })
        };
        if OF_THE_PAGE.contains(&name.as_str()) {
            add(format!("There is no filter “{name}”."));
        }
        if value.trim().is_empty() {
            add(format!("“{name}” is empty. Leave it out, or say what is meant."));
        }
        let of = name.strip_suffix(".op");
        if of.is_some_and(|of| !pairs.iter().any(|(n, v)| n == of && !v.trim().is_empty())) {
            add(format!("“{name}” says how to compare, but not with what."));
        }
    }
    // On the page the newer wish wins; here nobody looks, so the two must not differ in silence.
    if let Some((_, text)) = pairs.iter().find(|(name, _)| name == "q") {
        for (name, _) in typed::read(text, 0).pairs {
            if pairs.iter().any(|(n, _)| n == name) {
                problems.push(FieldProblem {
                    field: name.to_owned(),
                    message: format!("“{name}” is asked in “q” and by itself. Keep one."),
                });
            }
        }
    }
    if problems.is_empty() {
        Ok(query)
    } else {
        Err(AppError::Invalid { problems }.into())
    }
}

/// The live sessions the token may see, or those of other states. Guests only where `kind` or `key` names them.
#[utoipa::path(get, path = "/sessions", tag = "sessions", operation_id = "list_sessions",
    params(Filter, Paging),
    responses((status = 200, description = "A page of sessions.", body = SessionList)))]
pub async fn list(api: Api, mut pairs: Pairs) -> Result<Response, Problem> {
    let limit = pairs.take_limit()?;
    let cursor = pairs.take("cursor")?;
    let mut query = query_of(&pairs.rest())?;
    query.page_rows = Some(limit);
    if let Some(cursor) = cursor {
        query = query.from_cursor(&cursor, false);
    }
    api.caller
        .authorize_somewhere(Permission::SeeSessions, api.now)
        .map_err(Problem::from)?;
    let page = api.backend.sessions.list_sessions(query, false).await?;
    if !page.problems.is_empty() {
        let named = |p: FieldProblem| FieldProblem {
            field: if p.field == "after" {
                "cursor".to_owned()
            } else {
                p.field
            },
            ..p
        };
        let problems = page.problems.into_iter().map(named).collect();
        return Err(AppError::Invalid { problems }.into());
    }
    Ok(ok(&SessionList {
        items: page.rows.into_iter().map(Session::from).collect(),
        next_cursor: page.next,
        count: page.matching.into(),
        guests_hidden: page.guests_hidden.into(),
    }))
}

/// Names the sessions of whole ids. Nothing is changed, and no `Idempotency-Key` is looked at: ids are kept nowhere.
#[utoipa::path(post, path = "/sessions/find", tag = "sessions", operation_id = "find_sessions",
    request_body = FindSessions,
    responses((status = 200, description = "What each id names, in the order asked.", body = FoundSessions)))]
pub async fn find(api: Api, pairs: Pairs, Json(asked): Json<FindSessions>) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    if !(1..=MOST_IDS).contains(&asked.session_ids.len()) {
        let words = format!("Send 1 to {MOST_IDS} ids at a time.");
        return Err(Problem::invalid("session_ids", words));
    }
    let mut items = Vec::with_capacity(asked.session_ids.len());
    for id in asked.session_ids {
        let session = match api.backend.sessions.find_by_session_id(id).await? {
            Some(key) => by_key(&api, key).await?,
            None => None,
        };
        items.push(FoundSession { session });
    }
    Ok(ok(&FoundSessions { items }))
}

async fn by_key(api: &Api, key: SessionKey) -> Result<Option<Session>, Problem> {
    let query = SessionQuery {
        key: Some(key),
        states: SessionState::ALL.to_vec(),
        ..SessionQuery::default()
    };
    let page = api.backend.sessions.list_sessions(query, false).await?;
    Ok(page.rows.into_iter().next().map(Session::from))
}

/// One session, in whatever state it is.
#[utoipa::path(get, path = "/sessions/{session_key}", tag = "sessions", operation_id = "get_session",
    params(("session_key" = String, Path, description = "Its key.")),
    responses((status = 200, description = "The session.", body = Session)))]
pub async fn one(api: Api, Part(key): Part<String>, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    match by_key(&api, SessionKey(key)).await? {
        Some(session) => Ok(ok(&session)),
        None => Err(AppError::not_found("session").into()),
    }
}
