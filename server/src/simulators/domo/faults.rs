//! What can be wrong with a simulated Domo, what nobody has documented, and what a fault makes of an answer.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::broken::{cut_off, status_of};
/// The calls there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `content/v2/users/me`.
    Me,
    /// `GET sessions/v1/admin`.
    List,
    /// `DELETE sessions/v1/admin/…`.
    Delete,
    /// `content/v3/users`.
    Users,
    /// `content/v2/authentication`.
    SignIn,
    /// `oauth2/token`.
    Token,
    /// `oauth2/sid`.
    Sid,
    /// `sessions/v1/me`.
    MySession,
}

/// An answer in place of the proper one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// The page "Domo - Blocked" of a Domo that does not allow the address.
    Blocked,
    /// A 303 to where that is said.
    AllowList,
    /// A redirect to another host.
    Redirect,
    /// Any other page, with this status.
    Html(u16),
    /// An error as Domo writes it: HTTP status and trace id. The reason in the body is another status's.
    Json(u16, String),
    /// Status 200 with a reason.
    Reason(String),
    /// A status and nothing else.
    Empty(u16),
    /// 429, asking for so many seconds or not saying how many.
    RateLimited(Option<u32>),
    /// Bytes that are no JSON.
    Garbage,
    /// Does what it was asked, and the connection breaks half-way through the answer.
    CutOff,
    /// Does what it was asked, and answers this page all the same.
    DoneThenHtml(u16),
    /// Never answers.
    Silent,
}

/// Some of the people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// None of them.
    #[default]
    Nobody,
    /// All of them.
    Everybody,
    /// By their ids.
    These(BTreeSet<i64>),
}

impl Who {
    pub(super) fn means(&self, user_id: i64) -> bool {
        match self {
            Self::Nobody => false,
            Self::Everybody => true,
            Self::These(people) => people.contains(&user_id),
        }
    }
}

/// How a developer token is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenTaken {
    /// As the account it is of.
    #[default]
    Accepted,
    /// The same, but for sessions: 403.
    RefusedForSessions,
    /// 401.
    Bad,
}

/// What happens between a list and the next call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterList {
    /// Nothing.
    #[default]
    Nothing,
    /// The oldest session goes by itself.
    OneLeaves,
    /// Whoever has the newest session signs in once more.
    OneComes,
}

/// "Asked too often" by counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Calls within a second that are answered.
    pub per_second: u32,
    /// `Retry-After` of the others, seconds; none = not said.
    pub retry_after: Option<u32>,
}

/// What is wrong, and what is undocumented. The default is: nothing wrong, and the likeliest reading of what is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every answer comes so much later, ms.
    pub slow_ms: u64,
    /// Every answer to DELETE comes so much later, ms.
    pub slow_delete_ms: u64,
    /// Calls that are answered badly.
    pub bad: BTreeMap<Call, Bad>,
    /// How a developer token is taken.
    pub token: TokenTaken,
    /// Nobody holds the grant to manage sessions: 403.
    pub no_grant: bool,
    /// `limit` is passed over, and everything is given.
    pub limit_ignored: bool,
    /// Rows given where no `limit` is sent.
    pub default_limit: usize,
    /// Whose sessions are answered 204 and live on.
    pub lie: Who,
    /// Whose sessions DELETE refuses with 409.
    pub refuse: Who,
    /// Who is let straight back in when their session is ended.
    pub let_back: Who,
    /// Sessions whose DELETE answers 500 and ends nothing.
    pub fails_for: BTreeSet<i64>,
    /// From how many calls on it was asked too often.
    pub rate: Option<Rate>,
    /// What happens after each list.
    pub after_list: AfterList,
    /// Ended sessions of the mobile app go on for up to an hour.
    pub grace: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            slow_ms: 0,
            slow_delete_ms: 0,
            bad: BTreeMap::new(),
            token: TokenTaken::default(),
            no_grant: false,
            limit_ignored: false,
            default_limit: 50,
            lie: Who::Nobody,
            refuse: Who::Nobody,
            let_back: Who::Nobody,
            fails_for: BTreeSet::new(),
            rate: None,
            after_list: AfterList::Nothing,
            grace: false,
        }
    }
}

/// An error as Domo writes it.
pub(super) fn problem(status: u16, message: &str, toe: &str) -> Response {
    let body = json!({
        "status": status,
        // They disagree in the wild.
        "statusReason": "Internal Server Error",
        "path": "/api",
        "message": message,
        "toe": toe,
    });
    (status_of(status), Json(body)).into_response()
}

/// Too many calls.
pub(super) fn too_often(retry_after: Option<u32>) -> Response {
    let mut response = problem(429, "Too Many Requests", "TOE-RATE");
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// What a fault makes of an answer.
pub(super) async fn spoil(bad: Bad, good: Response) -> Response {
    let page = |status: u16, title: &str| {
        let page =
            format!("<!DOCTYPE html><html><head><title>{title}</title></head><body>Sorry</body></html>");
        (status_of(status), [(header::CONTENT_TYPE, "text/html")], page).into_response()
    };
    let redirect = |status: StatusCode, to: &'static str| (status, [(header::LOCATION, to)]).into_response();
    match bad {
        Bad::Blocked => page(403, "Domo - Blocked"),
        Bad::AllowList => redirect(StatusCode::SEE_OTHER, "/auth/whitelist/blocked"),
        Bad::Redirect => redirect(StatusCode::FOUND, "http://elsewhere.invalid/auth/index"),
        Bad::Html(status) | Bad::DoneThenHtml(status) => page(status, "Gateway"),
        Bad::Json(status, toe) => problem(status, "Something went wrong", &toe),
        Bad::Reason(reason) => Json(json!({ "success": false, "reason": reason })).into_response(),
        Bad::Empty(status) => status_of(status).into_response(),
        Bad::RateLimited(retry_after) => too_often(retry_after),
        Bad::Garbage => (StatusCode::OK, "\u{0}\u{1}{{{ not json").into_response(),
        Bad::CutOff => cut_off(good).await,
        Bad::Silent => std::future::pending().await,
    }
}
