//! The audit log as pages and exports show it.

use serde::{Deserialize, Serialize};

use crate::wire::{SystemId, Timestamp};

/// How an audited act went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditResult {
    /// Done, or begun as asked.
    Ok,
    /// Not allowed.
    Refused,
    /// Tried and failed.
    Failed,
    /// Begun, no result stored.
    Unknown,
}

impl AuditResult {
    /// Stable name: database, addresses, exports.
    pub const fn name(self) -> &'static str {
        match self {
            AuditResult::Ok => "ok",
            AuditResult::Refused => "refused",
            AuditResult::Failed => "failed",
            AuditResult::Unknown => "unknown",
        }
    }

    /// The result of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ok, Self::Refused, Self::Failed, Self::Unknown]
            .into_iter()
            .find(|r| r.name() == name)
    }
}

/// One entry. The field names and order are the export's schema, version 1 (docs/audit.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// 1, 2, 3 … without gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Word of the vocabulary.
    pub action: String,
    /// The action in plain words ("Asked to end sessions").
    pub action_words: String,
    /// operator | token | rule | app | signal | system | nobody.
    pub actor_kind: String,
    /// Id of the actor.
    pub actor_id: String,
    /// Name then.
    pub actor_name: String,
    /// Public id of the actor's portal session.
    pub actor_session: Option<String>,
    /// Address of the request.
    pub source_ip: Option<String>,
    /// Browser of the request.
    pub user_agent: Option<String>,
    /// Target's system.
    pub system_id: Option<SystemId>,
    /// Target's place.
    pub place: Option<String>,
    /// Target's site.
    pub site: Option<String>,
    /// Target's account name.
    pub account: Option<String>,
    /// Target session as keyed hash.
    pub session_key: Option<String>,
    /// Ending it belongs to.
    pub ending_id: Option<String>,
    /// Target in plain words; "hidden from you" outside the caller's scope.
    pub target: String,
    /// Permission that was needed.
    pub permission: Option<String>,
    /// How it went.
    pub result: AuditResult,
    /// In the actor's words.
    pub reason: Option<String>,
    /// Ticket number.
    pub ticket_ref: Option<String>,
    /// Finds the log line.
    pub request_id: Option<String>,
    /// ms.
    pub duration_ms: Option<i64>,
    /// json object, schema by action.
    pub detail: String,
    /// Which chain key.
    pub key_id: String,
    /// Hash of the entry before.
    pub prev_hash: String,
    /// Its own hash.
    pub hash: String,
}

/// What to show of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditQuery {
    /// Actor's name contains.
    pub who: String,
    /// Action word, or empty.
    pub action: String,
    /// System id, or empty.
    pub system: String,
    /// Result name, or empty.
    pub result: String,
    /// Text in target, reason, ticket, account.
    pub text: String,
    /// Number of an ending, or 0.
    pub ending_no: i64,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
    /// Entries older than this one.
    pub before_seq: Option<i64>,
}

/// State of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainStatus {
    /// Entries checked.
    pub checked: i64,
    /// Newest entry.
    pub seq: i64,
    /// Its hash.
    pub head_hash: String,
    /// First broken entry and what is wrong; `None` = whole.
    pub broken: Option<(i64, String)>,
    /// When it was checked.
    pub checked_at: Timestamp,
}

/// How the copy of the log off the box stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyStatus {
    /// `file:/path` or `tls://host:port`.
    pub target: String,
    /// When entries were handed over last; `None` = never.
    pub copied_at: Option<Timestamp>,
    /// Entries that wait.
    pub behind: i64,
    /// When the oldest of them was written.
    pub oldest_at: Option<Timestamp>,
    /// They wait longer than the settings allow.
    pub stalled: bool,
    /// Why the last try failed, in plain words.
    pub trouble: Option<String>,
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The server's clock.
    pub now: Timestamp,
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// The query as understood.
    pub query: AuditQuery,
    /// How many entries there are in all.
    pub total: i64,
    /// `before_seq` of the next page.
    pub next: Option<i64>,
    /// The chain as last checked.
    pub chain: Option<ChainStatus>,
    /// The copy off the box; `None` = the settings want none.
    pub copy: Option<CopyStatus>,
    /// Actions that occur, word and plain words, for the filter.
    pub actions: Vec<(String, String)>,
    /// Systems for the filter.
    pub systems: Vec<(SystemId, String)>,
    /// The caller may export.
    pub may_export: bool,
}
