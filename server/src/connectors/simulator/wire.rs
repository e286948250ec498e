//! The protocol of the simulated system: what goes over the wire at both ends, and what it means in our words.

use app::sessions::wire::SessionKind;
use app::wire::{Limit, Timestamp};
use reqwest::header::HeaderName;
use serde::{Deserialize, Serialize};

use crate::connectors::{Answer, Endable, Handle, SeenSession};

/// Header of the simulated browser's click: it carries the raw session id.
pub const CLICK_HEADER: HeaderName = HeaderName::from_static("x-simulated-session");

/// A session as the simulated system tells it. Times in ms, durations in seconds.
#[derive(Clone, Serialize, Deserialize)]
pub struct WireSession {
    /// Raw id.
    pub id: String,
    /// Context; empty = none.
    #[serde(default)]
    pub place: String,
    /// "web", "sso", "mobile" …
    pub kind: String,
    /// Account id.
    pub account_id: String,
    /// User name.
    pub account: String,
    /// Name as shown.
    #[serde(default)]
    pub name: String,
    /// Why it can't tell whose it is; none = it says who, or nobody.
    #[serde(default)]
    pub doubt: Option<String>,
    /// Mail.
    #[serde(default)]
    pub email: Option<String>,
    /// Address.
    #[serde(default)]
    pub ip: Option<String>,
    /// Browser as it named itself.
    #[serde(default)]
    pub user_agent: Option<String>,
    /// Node.
    #[serde(default)]
    pub node: Option<String>,
    /// Site.
    #[serde(default)]
    pub site: String,
    /// Start.
    pub started_ms: Option<i64>,
    /// Last click.
    pub active_ms: Option<i64>,
    /// Idle limit; 0 = never; none = not told.
    pub idle_s: Option<i64>,
    /// Latest end; none = no limit.
    pub ends_ms: Option<i64>,
    /// Curfew's own sign-in there.
    #[serde(default)]
    pub own: bool,
    /// Why the browser signs itself in again.
    #[serde(default)]
    pub returns: Option<String>,
}

/// A page of sessions.
#[derive(Serialize, Deserialize)]
pub struct WirePage {
    /// Rows.
    pub sessions: Vec<WireSession>,
    /// Cursor of the next page; none = that was all it gives.
    pub next: Option<String>,
    /// Most rows it ever gives in one list; none = no such limit.
    pub most: Option<usize>,
    /// It says itself that rows are missing.
    #[serde(default)]
    pub incomplete: bool,
}

/// What to end.
#[derive(Serialize, Deserialize)]
pub struct WireEnd {
    /// Raw ids with their places.
    pub sessions: Vec<(String, String)>,
}

/// Answers in the same order.
#[derive(Serialize, Deserialize)]
pub struct WireEnded {
    /// One per id.
    pub answers: Vec<WireAnswer>,
}

/// Answer for one id.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireAnswer {
    /// It says that it ended it.
    Ok,
    /// No such session.
    NotFound,
    /// It won't, in its own words.
    Refused(String),
}

/// An account, to end everything of it or to open a session for it.
#[derive(Serialize, Deserialize)]
pub struct WireAccount {
    /// Account id.
    pub account_id: String,
}

/// Limits.
#[derive(Serialize, Deserialize)]
pub struct WirePolicy {
    /// Seconds; 0 = never; none = not told.
    pub idle_s: Option<i64>,
    /// Seconds; 0 = never; none = not told.
    pub absolute_s: Option<i64>,
    /// Version of the system.
    pub build: String,
    /// What it says of its limits.
    #[serde(default)]
    pub note: String,
    /// Places with an idle limit of their own, seconds as above.
    #[serde(default)]
    pub places: Vec<(String, Option<i64>)>,
}

pub(super) fn limit(seconds: Option<i64>) -> Limit {
    match seconds {
        None => Limit::Unknown,
        Some(0) => Limit::None,
        Some(s) => Limit::Seconds(s),
    }
}

impl From<WireSession> for SeenSession {
    fn from(wire: WireSession) -> Self {
        let known = SessionKind::from_name(&wire.kind);
        let mut seen = SeenSession::new(Handle::new(wire.id), known.unwrap_or(SessionKind::Other));
        seen.raw_kind = known.is_none().then_some(wire.kind);
        seen.place = wire.place;
        seen.account_id = wire.account_id;
        seen.account_name = wire.account;
        seen.display_name = wire.name;
        seen.person_doubt = wire.doubt;
        seen.email = wire.email;
        seen.ip = wire.ip;
        seen.user_agent = wire.user_agent;
        seen.node = wire.node;
        seen.site = wire.site;
        seen.created_at = wire.started_ms.map(Timestamp);
        seen.last_active_at = wire.active_ms.map(Timestamp);
        seen.idle = limit(wire.idle_s);
        seen.absolute_expires_at = wire.ends_ms.map(Timestamp);
        seen.absolute_known = true;
        if wire.own {
            seen.endable = Endable::OwnConnection;
        }
        seen.return_hint = wire.returns;
        seen
    }
}

pub(super) fn answer(wire: WireAnswer) -> Answer {
    match wire {
        WireAnswer::Ok => Answer::Accepted,
        WireAnswer::NotFound => Answer::NotFound,
        WireAnswer::Refused(words) => Answer::Refused(words.chars().take(200).collect()),
    }
}
