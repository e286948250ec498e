//! Previews, and the second person they may need.

use app::endings::wire as ours;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sessions::{CannotEnd, Filter};
use super::{Moment, moment, not_null};

/// What to freeze: exactly one of `sessions`, `filter` and `all`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPreview {
    /// These sessions, by key: up to 1,000.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_items = 1, max_items = 1000)]
    pub sessions: Option<Vec<String>>,
    /// Every session that fits. An empty filter is refused: say `all`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub filter: Option<Filter>,
    /// `true`: every live session the token may see.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub all: Option<bool>,
}

/// A frozen set, before anything is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// Its id.
    pub preview_id: String,
    /// When the set was frozen.
    pub frozen_at: Moment,
    /// It can't be confirmed after that.
    pub expires_at: Moment,
    /// Sessions to end: the number to confirm it with.
    pub sessions: u64,
    /// People among them.
    pub people: u64,
    /// By system.
    pub by_system: Vec<PreviewSystem>,
    /// By person: those with most sessions first, at most 50.
    pub by_person: Vec<PreviewPerson>,
    /// Sessions that are not part of it, at most 200.
    pub left_out: Vec<LeftOut>,
    /// How many were left out.
    pub left_out_count: u64,
    /// Keys asked for that name no session the token may see; null when it was not made by keys, or is read again.
    pub unknown_keys: Option<u64>,
    /// Sessions of the frozen set that have gone since.
    pub gone_since: u64,
    /// A ticket number is required.
    pub ticket_required: bool,
    /// Why it can't be confirmed; null = it can.
    pub blocked: Option<String>,
    /// Sessions the token may still ask to end within the hour; null = no quota.
    pub quota_left: Option<u64>,
    /// Protected people are part of it.
    pub includes_protected: bool,
    /// The token may take protected people in.
    pub may_include_protected: bool,
    /// All endings are paused: it will wait.
    pub paused: bool,
    /// A second person has to approve it before it begins: those who can, by name; null = it can be confirmed alone, or
    /// was confirmed.
    pub second_person: Option<Vec<String>>,
    /// The request for a second person; null = not asked for.
    pub approval: Option<Approval>,
    /// Set once it was confirmed: its number.
    pub ending_no: Option<i64>,
}

/// The share of one system in a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewSystem {
    /// System.
    pub system_id: String,
    /// System, as shown.
    pub system_name: String,
    /// Sessions.
    pub sessions: u64,
    /// People.
    pub people: u64,
    /// Its rows are old: it will be read again first.
    pub stale: bool,
    /// When it was read.
    pub read_at: Option<Moment>,
    /// When ending bites, in words.
    pub takes_effect: String,
    /// What still works after, in words.
    pub survives: String,
    /// Sessions whose browser would sign itself in again.
    pub without_effect: u64,
    /// Sessions past a limit of their own when they were read, and not yet removed by the system.
    pub past_limit: u64,
    /// Ending was proven there; null = never, or not on the build it runs.
    pub proven_at: Option<Moment>,
    /// What to know of ending there: no self-test proved that it works on the build it runs. null = nothing.
    pub unproven: Option<String>,
    /// An identity server: the other systems of the preview wait for it.
    pub first: bool,
}

/// The share of one person in a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewPerson {
    /// Name as shown.
    pub person: String,
    /// Why the person could not be told for sure; null = who is named, or nobody is.
    pub person_doubt: Option<String>,
    /// Account name.
    pub account_name: String,
    /// Sessions.
    pub sessions: u64,
    /// Names of the systems.
    pub systems: Vec<String>,
}

/// A session that is not part of an ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// Its key.
    pub session_key: String,
    /// Name as shown.
    pub person: String,
    /// Why the person could not be told for sure; null = who is named, or nobody is.
    pub person_doubt: Option<String>,
    /// Account name.
    pub account_name: String,
    /// System, as shown.
    pub system_name: String,
    /// Why.
    pub why: CannotEnd,
}

impl From<ours::PreviewLeftOut> for LeftOut {
    fn from(row: ours::PreviewLeftOut) -> Self {
        LeftOut {
            session_key: row.session_key.0,
            person: row.person,
            person_doubt: row.person_doubt,
            account_name: row.account_name,
            system_name: row.system_name,
            why: row.why.into(),
        }
    }
}

impl From<ours::Preview> for Preview {
    fn from(preview: ours::Preview) -> Self {
        Preview {
            preview_id: preview.ending_id.0,
            frozen_at: preview.frozen_at.into(),
            expires_at: preview.expires_at.into(),
            sessions: preview.sessions,
            people: preview.people,
            by_system: preview
                .by_system
                .into_iter()
                .map(|s| PreviewSystem {
                    system_id: s.system_id.0,
                    system_name: s.system_name,
                    sessions: s.sessions,
                    people: s.people,
                    stale: s.stale,
                    read_at: moment(s.read_at),
                    takes_effect: s.takes_effect,
                    survives: s.survives,
                    without_effect: s.without_effect,
                    past_limit: s.past_limit,
                    proven_at: moment(s.proven_at),
                    unproven: s.unproven,
                    first: s.first,
                })
                .collect(),
            by_person: preview
                .by_person
                .into_iter()
                .map(|p| PreviewPerson {
                    person: p.person,
                    person_doubt: p.person_doubt,
                    account_name: p.account_name,
                    sessions: p.sessions,
                    systems: p.systems,
                })
                .collect(),
            left_out: preview.left_out.into_iter().map(LeftOut::from).collect(),
            left_out_count: preview.left_out_count,
            unknown_keys: None,
            gone_since: preview.gone_since,
            ticket_required: preview.ticket_required,
            blocked: preview.blocked,
            quota_left: preview.quota_left,
            includes_protected: preview.includes_protected,
            may_include_protected: preview.may_force,
            paused: preview.paused,
            second_person: preview.second_person.map(|second| second.who),
            approval: preview.approval.map(Approval::from),
            ending_no: preview.ending_no,
        }
    }
}

/// Where a request for a second person stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// Where it stands.
    pub state: ApprovalState,
    /// When it was asked for.
    pub requested_at: Moment,
    /// Nobody can decide after that.
    pub expires_at: Moment,
    /// Names of those who can decide; empty once somebody has.
    pub who: Vec<String>,
    /// Who decided; null = nobody.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Moment>,
    /// What they said; null = nothing.
    pub note: Option<String>,
}

/// What became of a request for a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Nobody has decided.
    Waiting,
    /// A second person approved: the ending began.
    Approved,
    /// A second person turned it down.
    TurnedDown,
    /// The asker took it back.
    Withdrawn,
    /// The asker went on alone.
    Overridden,
    /// Nobody decided in time.
    Expired,
}

impl From<ours::Approval> for Approval {
    fn from(asked: ours::Approval) -> Self {
        let said = |text: String| Some(text).filter(|t| !t.is_empty());
        Approval {
            state: match asked.state {
                ours::ApprovalState::Waiting => ApprovalState::Waiting,
                ours::ApprovalState::Approved => ApprovalState::Approved,
                ours::ApprovalState::TurnedDown => ApprovalState::TurnedDown,
                ours::ApprovalState::Withdrawn => ApprovalState::Withdrawn,
                ours::ApprovalState::Overridden => ApprovalState::Overridden,
                ours::ApprovalState::Expired => ApprovalState::Expired,
            },
            requested_at: asked.requested_at.into(),
            expires_at: asked.expires_at.into(),
            who: asked.who,
            decided_by: said(asked.decided_by),
            decided_at: moment(asked.decided_at),
            note: said(asked.note),
        }
    }
}
