//! What can be wrong with a simulated Keycloak.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use super::super::broken::Bad;
use super::super::broken::status_of;

/// The calls there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Tokens, for clients and people.
    SignIn,
    /// The realm with its settings.
    Realm,
    /// `client-session-stats`.
    Counts,
    /// The list of clients.
    Clients,
    /// Any list of sessions.
    Sessions,
    /// People.
    Users,
    /// The end of one session.
    Delete,
    /// The end of everything of one person.
    Logout,
}

/// What is wrong. The default is: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every answer comes so much later, ms.
    pub slow_ms: u64,
    /// The answer to an ending comes so much later, ms, when it is done already: an application was slow to be told.
    pub slow_delete_ms: u64,
    /// Calls that are answered badly.
    pub bad: BTreeMap<Call, Bad>,
    /// Says 204 and ends nothing.
    pub lie: bool,
    /// Refuses to end, with 400.
    pub refuse: bool,
    /// Lets everybody straight back in.
    pub let_back: bool,
    /// The same for these people, by user name.
    pub let_back_for: BTreeSet<String>,
    /// So many sessions go between two pages of a list.
    pub leave_between_pages: usize,
}

/// An error as Keycloak writes it.
pub(super) fn error(status: u16, words: &str) -> Response {
    (status_of(status), Json(json!({ "error": words }))).into_response()
}
