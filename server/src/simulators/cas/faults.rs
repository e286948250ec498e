//! What can be wrong with a simulated CAS.

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
    /// The sign-in page and its form.
    SignIn,
    /// The list.
    List,
    /// A list without `from` or `count`, which is cut without a word: Curfew never asks for it.
    CutList,
    /// The end of one session.
    Delete,
    /// The end of everything of one person, by the path of CAS 7.
    DeleteUser,
    /// The end of everybody, however it came about: Curfew never asks for it.
    DeleteEverybody,
}

/// What is wrong. The default is: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every answer comes so much later, ms.
    pub slow_ms: u64,
    /// Calls that are answered badly.
    pub bad: BTreeMap<Call, Bad>,
    /// The endpoint is not enabled.
    pub disabled: bool,
    /// Our address is none of those that may use it.
    pub other_address: bool,
    /// Says OK and ends nothing.
    pub lie: bool,
    /// Reports a fault of its own in the answer to an ending: status 500 in an answer of 200.
    pub refuse: bool,
    /// Lets everybody straight back in.
    pub let_back: bool,
    /// The same for these people, by user name.
    pub let_back_for: BTreeSet<String>,
    /// So many sessions are left out of the list and counted all the same.
    pub hide: usize,
}

/// An error as CAS writes it for whoever asks for JSON.
pub(super) fn error(status: u16, words: &str) -> Response {
    let body = json!({
        "timestamp": "2026-11-23T07:00:59.088+00:00", "status": status, "error": words,
        "path": "/cas/actuator/ssoSessions",
    });
    (status_of(status), Json(body)).into_response()
}
