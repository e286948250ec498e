//! What can be wrong with a simulated system, and what that makes of an answer.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::super::broken::cut_off;
/// An answer that is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// It answers properly.
    #[default]
    No,
    /// Bytes that are no JSON.
    Garbage,
    /// A sign-in page, status 200.
    Html,
    /// A redirect to another host.
    Redirect,
    /// Does what it was asked, and the connection breaks half-way through the answer.
    CutOff,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 429, asking for so many seconds.
    RateLimited(u32),
    /// 503.
    Down,
    /// Never answers.
    Silent,
}

/// What is wrong with a simulated system. The default is: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every answer comes so much later, ms.
    pub slow_ms: u64,
    /// How it answers when asked to list, or for its limits.
    pub list: Bad,
    /// How it answers when asked to end.
    pub end: Bad,
    /// Lists half of what it has, and says so.
    pub half_list: bool,
    /// Never gives more rows than this in one list.
    pub most: Option<usize>,
    /// Lists every session twice, once for each of two nodes; the second one knows an older activity.
    pub two_nodes: bool,
    /// Takes the snapshot of a page, then keeps it back until this is off again.
    pub hold_list: bool,
    /// Refuses every ending in these words.
    pub refuse: Option<String>,
    /// Refuses endings of these accounts, in these words.
    pub refuse_for: BTreeMap<String, String>,
    /// Says OK and ends nothing.
    pub lie: bool,
    /// Says OK and ends nothing for these accounts.
    pub lie_for: BTreeSet<String>,
    /// Opens a new session for whoever was ended.
    pub let_back: bool,
    /// The same for these accounts.
    pub let_back_for: BTreeSet<String>,
    /// Gives the sessions of these accounts new ids when they are listed by account.
    pub rotate_for: BTreeSet<String>,
}

/// The answer, or what the fault makes of it.
pub(super) async fn spoil(bad: Bad, good: impl Serialize) -> Response {
    match bad {
        Bad::No => Json(good).into_response(),
        Bad::Garbage => (StatusCode::OK, "\u{0}\u{1}{{{ not json").into_response(),
        Bad::Html => {
            let page = "<!doctype html><html><body><form>Sign in</form></body></html>";
            ([(header::CONTENT_TYPE, "text/html")], page).into_response()
        }
        Bad::Redirect => (
            StatusCode::FOUND,
            [(header::LOCATION, "http://elsewhere.invalid/sign-in")],
        )
            .into_response(),
        Bad::CutOff => cut_off(Json(good).into_response()).await,
        Bad::Unauthorized => StatusCode::UNAUTHORIZED.into_response(),
        Bad::Forbidden => StatusCode::FORBIDDEN.into_response(),
        Bad::RateLimited(seconds) => (
            StatusCode::TOO_MANY_REQUESTS,
            [(header::RETRY_AFTER, seconds.to_string())],
        )
            .into_response(),
        Bad::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Bad::Silent => std::future::pending().await,
    }
}
