//! Endings.

use app::endings::wire as ours;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::previews::LeftOut;
use super::{EndingState, Moment, Outcome, SessionKind, moment, not_null};

/// Confirms a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnding {
    /// The preview.
    #[schema(min_length = 1)]
    pub preview_id: String,
    /// Why, in a person's words.
    #[schema(min_length = 3, max_length = 500)]
    pub reason: String,
    /// Ticket number.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, max_length = 100)]
    pub ticket_ref: Option<String>,
    /// The preview's number of sessions: refused when it is another.
    pub expect: u64,
    /// When it begins, RFC 3339, at most 24 hours ahead; left out = at once.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub not_before: Option<Moment>,
    /// What people are told before it begins.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, max_length = 500)]
    pub notice: Option<String>,
}

/// Where a confirmed preview stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedState {
    /// It is an ending now.
    Started,
    /// A second person must approve it first.
    AwaitingApproval,
}

/// What became of confirming a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confirmed {
    /// Where it stands.
    pub state: ConfirmedState,
    /// The ending's number; null until it is approved.
    pub ending_no: Option<i64>,
    /// Until when it can be approved; null once it is an ending.
    pub approve_until: Option<Moment>,
    /// Sessions of it.
    pub sessions: u64,
    /// Where to read what becomes of it.
    pub href: String,
}

/// A page of endings, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndingList {
    /// Endings.
    pub items: Vec<EndingBrief>,
    /// `cursor` of the next page; null = this is the last.
    pub next_cursor: Option<String>,
    /// All endings are paused by a person.
    pub paused: bool,
}

/// An ending in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndingBrief {
    /// Its number.
    pub ending_no: i64,
    /// State.
    pub state: EndingState,
    /// Who asked.
    pub asked_by: String,
    /// When it was confirmed.
    pub confirmed_at: Moment,
    /// When it was to begin; null = when it was confirmed.
    pub begins_at: Option<Moment>,
    /// When every session had an outcome.
    pub settled_at: Option<Moment>,
    /// Why.
    pub reason: String,
    /// Ticket number; empty = none.
    pub ticket_ref: String,
    /// Over the sessions the token may see.
    pub counts: Counts,
}

/// How far an ending is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Sessions to end.
    pub wanted: u64,
    /// Not yet sent.
    pub waiting: u64,
    /// Sent, not read back.
    pub asked: u64,
    /// Read back, not there.
    pub ended: u64,
    /// Ended under a new id.
    pub rotated: u64,
    /// Gone before it was asked.
    pub already_gone: u64,
    /// Still listed.
    pub still_there: u64,
    /// Refused.
    pub refused: u64,
    /// Not possible there.
    pub unsupported: u64,
    /// Nobody knows.
    pub unknown: u64,
    /// Stopped before it was asked.
    pub stopped: u64,
    /// Of those gone: came back.
    pub returned: u64,
    /// Known, by reading the system again, not to be there.
    pub gone: u64,
    /// With an outcome, and not known to be gone.
    pub not_gone: u64,
}

impl From<ours::EndingCounts> for Counts {
    fn from(counts: ours::EndingCounts) -> Self {
        Counts {
            wanted: counts.wanted,
            waiting: counts.waiting,
            asked: counts.asked,
            ended: counts.ended,
            rotated: counts.rotated,
            already_gone: counts.already_gone,
            still_there: counts.still_there,
            refused: counts.refused,
            unsupported: counts.unsupported,
            unknown: counts.unknown,
            stopped: counts.stopped,
            returned: counts.returned,
            gone: counts.gone(),
            not_gone: counts.not_gone(),
        }
    }
}

impl From<ours::EndingBrief> for EndingBrief {
    fn from(brief: ours::EndingBrief) -> Self {
        EndingBrief {
            ending_no: brief.ending_no,
            state: brief.state.into(),
            asked_by: brief.asked_by,
            confirmed_at: brief.confirmed_at.into(),
            begins_at: moment(brief.begins_at),
            settled_at: moment(brief.settled_at),
            reason: brief.reason,
            ticket_ref: brief.ticket_ref,
            counts: brief.counts.into(),
        }
    }
}

/// One ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ending {
    /// Its number.
    pub ending_no: i64,
    /// State.
    pub state: EndingState,
    /// Who asked.
    pub asked_by: String,
    /// When the set was frozen.
    pub frozen_at: Moment,
    /// When it was confirmed.
    pub confirmed_at: Moment,
    /// When it was to begin; null = when it was confirmed.
    pub begins_at: Option<Moment>,
    /// What people are told before; empty = nothing.
    pub notice: String,
    /// When every session had an outcome; null = not yet.
    pub settled_at: Option<Moment>,
    /// Why.
    pub reason: String,
    /// Ticket number; empty = none.
    pub ticket_ref: String,
    /// Why it waits for a person; null = it does not.
    pub pause_why: Option<String>,
    /// When the other systems were asked although identity servers were not done; null = they were, or none is in it.
    pub went_on_at: Option<Moment>,
    /// Over the sessions the token may see.
    pub counts: Counts,
    /// By system.
    pub by_system: Vec<EndingSystem>,
    /// What could not be ended, by cause.
    pub causes: Vec<Cause>,
    /// Sessions that may be what gone ones went on as; none of them was ended.
    pub signed_in_since: Vec<SignedInSince>,
    /// Sessions of the selection that were left out; null = only who asked is told.
    pub left_out_count: Option<u64>,
    /// It has sessions the token may not see: counts are over the others.
    pub partial_view: bool,
    /// Until when people who come back are looked for.
    pub watch_until: Option<Moment>,
    /// The token may stop it.
    pub may_stop: bool,
}

/// The share of one system in an ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndingSystem {
    /// System.
    pub system_id: String,
    /// System, as shown.
    pub system_name: String,
    /// Counts.
    pub counts: Counts,
    /// What holds it up, in words; empty = nothing to say.
    pub note: String,
}

/// Why sessions could not be ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cause {
    /// Outcome.
    pub outcome: Outcome,
    /// System, as shown.
    pub system_name: String,
    /// The cause in words.
    pub words: String,
    /// Next step in words.
    pub next_step: String,
    /// How many.
    pub count: u64,
}

/// A session that began where one of the ending had gone by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedInSince {
    /// Its key, to be previewed with.
    pub session_key: String,
    /// Person as shown.
    pub person: String,
    /// User name.
    pub account_name: String,
    /// System, as shown.
    pub system_name: String,
    /// Place inside the system; empty = none.
    pub place: String,
    /// Address; null = not reported, or not the token's to see.
    pub ip: Option<String>,
    /// When it began.
    pub created_at: Moment,
    /// A guest's session had gone there, from this address; false = one of the same account had.
    pub after_guest: bool,
}

impl From<ours::EndingPage> for Ending {
    fn from(page: ours::EndingPage) -> Self {
        let brief = EndingBrief::from(page.brief);
        Ending {
            ending_no: brief.ending_no,
            state: brief.state,
            asked_by: brief.asked_by,
            frozen_at: page.frozen_at.into(),
            confirmed_at: brief.confirmed_at,
            begins_at: brief.begins_at,
            notice: page.notice,
            settled_at: brief.settled_at,
            reason: brief.reason,
            ticket_ref: brief.ticket_ref,
            pause_why: page.pause_why,
            went_on_at: moment(page.went_on_at),
            counts: brief.counts,
            by_system: page
                .by_system
                .into_iter()
                .map(|s| EndingSystem {
                    system_id: s.system_id.0,
                    system_name: s.system_name,
                    counts: s.counts.into(),
                    note: s.note,
                })
                .collect(),
            causes: page
                .causes
                .into_iter()
                .map(|c| Cause {
                    outcome: c.outcome.into(),
                    system_name: c.system_name,
                    words: c.words,
                    next_step: c.next_step,
                    count: c.count,
                })
                .collect(),
            signed_in_since: page
                .signed_in_since
                .into_iter()
                .map(|s| SignedInSince {
                    session_key: s.session_key.0,
                    person: s.person,
                    account_name: s.account_name,
                    system_name: s.system_name,
                    place: s.place,
                    ip: s.ip,
                    created_at: s.created_at.into(),
                    after_guest: s.after_guest,
                })
                .collect(),
            left_out_count: page.left_out_count,
            partial_view: page.partial_view,
            watch_until: moment(page.watch_until),
            may_stop: page.may_stop,
        }
    }
}

/// A page of an ending's sessions, newest change first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemList {
    /// Sessions.
    pub items: Vec<Item>,
    /// `cursor` of the next page; null = this is the last.
    pub next_cursor: Option<String>,
}

/// One session of an ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// Its key.
    pub session_key: String,
    /// Name as shown.
    pub person: String,
    /// Why the person could not be told for sure; null = who is named, or nobody is.
    pub person_doubt: Option<String>,
    /// Account name.
    pub account_name: String,
    /// System.
    pub system_id: String,
    /// System, as shown.
    pub system_name: String,
    /// Last 4 characters of the system's own id.
    pub handle_hint: String,
    /// Kind.
    pub kind: SessionKind,
    /// What became of it; null = not settled.
    pub outcome: Option<Outcome>,
    /// It was sent.
    pub asked: bool,
    /// When it was last sent.
    pub asked_at: Option<Moment>,
    /// When the system was read again.
    pub read_back_at: Option<Moment>,
    /// Asks so far.
    pub attempts: u64,
    /// Detail and next step in words.
    pub detail: String,
    /// Until when something may still work.
    pub residual_until: Option<Moment>,
    /// When the person was seen back.
    pub returned_at: Option<Moment>,
    /// The system that let them in.
    pub returned_system: Option<String>,
}

impl From<ours::EndingItemRow> for Item {
    fn from(row: ours::EndingItemRow) -> Self {
        Item {
            session_key: row.session_key.0,
            person: row.person,
            person_doubt: row.person_doubt,
            account_name: row.account_name,
            system_id: row.system_id.0,
            system_name: row.system_name,
            handle_hint: row.handle_hint,
            kind: row.kind.into(),
            outcome: row.outcome.map(Outcome::from),
            asked: row.asked,
            asked_at: moment(row.asked_at),
            read_back_at: moment(row.read_back_at),
            attempts: row.attempts,
            detail: row.detail,
            residual_until: moment(row.residual_until),
            returned_at: moment(row.returned_at),
            returned_system: row.returned_system,
        }
    }
}

/// Which sessions of an ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Only {
    Waiting,
    Asked,
    Ended,
    AlreadyGone,
    Rotated,
    StillThere,
    Refused,
    Unsupported,
    Unknown,
    Stopped,
    CouldNot,
    Returned,
}

/// Page of an ending's sessions.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read from the address by the code that reads the page's")]
pub struct ItemParams {
    /// Only these.
    only: Option<Only>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// A page.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read from the address by the code that reads the page's")]
pub struct CursorParam {
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// Ends a person everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndEverywhere {
    /// Why, in a person's words.
    #[schema(min_length = 3, max_length = 500)]
    pub reason: String,
    /// Ticket number.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, max_length = 100)]
    pub ticket_ref: Option<String>,
}

/// What became of ending a person everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedEverywhere {
    /// The ending; null = there was nothing to end, or it waits.
    pub ending: Option<EndingRef>,
    /// The preview that waits for a second person; null = it needs none.
    pub awaiting_approval: Option<AwaitingApproval>,
    /// It was at work already: asked for before and not settled.
    pub already: bool,
    /// Sessions it is to end.
    pub sessions: u64,
    /// Live sessions of theirs that are not part of it, at most 200.
    pub left_out: Vec<LeftOut>,
    /// How many were left out.
    pub left_out_count: u64,
}

/// Where to read an ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndingRef {
    /// Its number.
    pub ending_no: i64,
    /// Where to read what becomes of it.
    pub href: String,
}

/// A preview that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AwaitingApproval {
    /// The preview.
    pub preview_id: String,
    /// Nobody can approve it after that.
    pub expires_at: Moment,
    /// Where to read whether somebody did: its `ending_no` is set then.
    pub href: String,
}
