//! Endings: the preview, the running one, what became of each session.

use serde::{Deserialize, Serialize};

mod approval;
mod begin;

pub use approval::{
    Approval, ApprovalState, Confirmed, Decision, NeedsSecond, Review, SecondLook, SecondPerson,
    WaitingApproval,
};

pub use begin::{AT, BEGIN, Begin, LONGEST_NOTICE, MINUTES, MOST_MINUTES, NOTICE, Told, seen_words};

use crate::sessions::wire::{CannotEnd, SessionKind};
use crate::wire::{EndingId, SessionKey, SystemId, Timestamp};

/// What became of one session. Made only from a read-back, never from what a system answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Asked, and the system's own list does not hold it any more.
    Ended,
    /// Was not there when we came to it.
    AlreadyGone,
    /// The same sign-in went on under a new id; that one was ended and read back.
    Rotated,
    /// The system said OK, the read-back disagrees.
    StillThere,
    /// The system or a rule refused; its words stand in the detail.
    Refused,
    /// Can't be done in this system; what works instead stands in the detail.
    Unsupported,
    /// No answer and no read-back: nobody knows.
    Unknown,
    /// Cancelled, or the right to end it was taken away before it was asked.
    Stopped,
}

/// What became of sessions that were to end, by day, in systems the reader sees whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingsByDay {
    /// When the first day begins; days are those of UTC.
    pub from: Timestamp,
    /// Oldest first: how many had each outcome, in the order of [`Outcome::ALL`].
    pub days: Vec<[u64; 8]>,
    /// Systems that the reader sees in part are left out.
    pub partly: bool,
}

impl Outcome {
    /// Every outcome, in the order pages show them.
    pub const ALL: [Outcome; 8] = [
        Outcome::Ended,
        Outcome::Rotated,
        Outcome::AlreadyGone,
        Outcome::StillThere,
        Outcome::Refused,
        Outcome::Unsupported,
        Outcome::Unknown,
        Outcome::Stopped,
    ];

    /// Stable name: database, addresses, API.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Ended => "ended",
            Outcome::AlreadyGone => "already_gone",
            Outcome::Rotated => "rotated",
            Outcome::StillThere => "still_there",
            Outcome::Refused => "refused",
            Outcome::Unsupported => "unsupported",
            Outcome::Unknown => "unknown",
            Outcome::Stopped => "stopped",
        }
    }

    /// The outcome of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }

    /// How pages name it.
    pub const fn label(self) -> &'static str {
        match self {
            Outcome::Ended => "Ended",
            Outcome::AlreadyGone => "Already gone",
            Outcome::Rotated => "Ended as new id",
            Outcome::StillThere => "Still there",
            Outcome::Refused => "Refused",
            Outcome::Unsupported => "Not possible",
            Outcome::Unknown => "Unknown",
            Outcome::Stopped => "Stopped",
        }
    }

    /// True when the session is known, by read-back, not to be there any more.
    pub const fn gone(self) -> bool {
        matches!(self, Outcome::Ended | Outcome::AlreadyGone | Outcome::Rotated)
    }
}

/// Where an ending stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndingState {
    /// A preview: frozen, nothing asked.
    Draft,
    /// Confirmed, waits for its time or a worker.
    Waiting,
    /// At work.
    Running,
    /// Waits for a person: all endings paused, or left over from before.
    Paused,
    /// Every item has an outcome.
    Settled,
    /// Stopped by a person: what was not yet asked has the outcome `stopped`.
    Cancelled,
}

impl EndingState {
    /// Stable name: database.
    pub const fn name(self) -> &'static str {
        match self {
            EndingState::Draft => "draft",
            EndingState::Waiting => "waiting",
            EndingState::Running => "running",
            EndingState::Paused => "paused",
            EndingState::Settled => "settled",
            EndingState::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Draft,
            Self::Waiting,
            Self::Running,
            Self::Paused,
            Self::Settled,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|s| s.name() == name)
    }
}

/// A preview: the frozen set, before anything is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The server's clock.
    pub now: Timestamp,
    /// Id, also its address.
    pub ending_id: EndingId,
    /// When the set was frozen.
    pub frozen_at: Timestamp,
    /// Can't be confirmed after that.
    pub expires_at: Timestamp,
    /// Query string of the list it came from, with `sel`.
    pub back_query: String,
    /// Sessions to end.
    pub sessions: u64,
    /// People (accounts) among them.
    pub people: u64,
    /// Oldest start among them.
    pub oldest_at: Option<Timestamp>,
    /// Newest start among them.
    pub newest_at: Option<Timestamp>,
    /// When nothing ended works any more, as far as known; `None` = at the next click.
    pub in_effect_at: Option<Timestamp>,
    /// By system.
    pub by_system: Vec<PreviewSystem>,
    /// By person: those with most sessions first, as many as were asked for.
    pub by_person: Vec<PreviewPerson>,
    /// Rows of the selection that are not part of it, at most 200.
    pub left_out: Vec<PreviewLeftOut>,
    /// How many were left out.
    pub left_out_count: u64,
    /// Sessions of the frozen set that have gone since.
    pub gone_since: u64,
    /// How many must be typed above this size; `None` = need not be typed.
    pub type_number: Option<u64>,
    /// A ticket number is required by policy.
    pub ticket_required: bool,
    /// Why it can't be confirmed by this caller; `None` = it can.
    pub blocked: Option<String>,
    /// What the caller has left of their hourly quota; `None` = no quota.
    pub quota_left: Option<u64>,
    /// The caller's own session is part of it.
    pub includes_own: bool,
    /// Protected people are part of it.
    pub includes_protected: bool,
    /// The caller may take protected people in.
    pub may_force: bool,
    /// All endings are paused: it will wait.
    pub paused: bool,
    /// Set once it was confirmed: its number.
    pub ending_no: Option<i64>,
    /// Who asked, for somebody who looks at it as the second person; `None` = the caller did.
    pub asked_by: Option<String>,
    /// A second person has to approve; `None` = the caller may confirm alone, or it was confirmed.
    pub second_person: Option<SecondPerson>,
    /// The request for approval, once it was made.
    pub approval: Option<Approval>,
    /// When it is to begin, of one that waits for a second person.
    pub begin: Begin,
    /// What people are told before that; empty = nothing.
    pub notice: String,
    /// Who would tell people.
    pub told: Told,
}

/// The share of one system in a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewSystem {
    /// System.
    pub system_id: SystemId,
    /// Name.
    pub system_name: String,
    /// Sessions.
    pub sessions: u64,
    /// People.
    pub people: u64,
    /// Its rows are old: it will be read again first.
    pub stale: bool,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// "At the next click", "At once" …
    pub takes_effect: String,
    /// What still works after; "Nothing known".
    pub survives: String,
    /// Sessions whose browser would sign itself in again.
    pub without_effect: u64,
    /// Sessions past a limit of their own when they were read, and not yet removed by the system.
    pub past_limit: u64,
    /// Ending was proven here; else rows say "never proven".
    pub proven_at: Option<Timestamp>,
    /// What to say instead, where it is not proven on the build that runs; `None` = nothing.
    pub unproven: Option<String>,
    /// The other systems of the preview wait for this one: an identity server lets people into them.
    pub first: bool,
}

/// The share of one person in a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewPerson {
    /// Name as shown.
    pub person: String,
    /// Why the person could not be told for sure; `None` = who is named, or nobody is.
    pub person_doubt: Option<String>,
    /// Account name.
    pub account_name: String,
    /// Sessions.
    pub sessions: u64,
    /// Names of the systems.
    pub systems: Vec<String>,
    /// Oldest start.
    pub oldest_at: Option<Timestamp>,
}

/// A row that is not part of the ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewLeftOut {
    /// Key.
    pub session_key: SessionKey,
    /// Name as shown.
    pub person: String,
    /// Why the person could not be told for sure; `None` = who is named, or nobody is.
    pub person_doubt: Option<String>,
    /// Account name.
    pub account_name: String,
    /// System's name.
    pub system_name: String,
    /// Why.
    pub why: CannotEnd,
}

/// What became of asking to end a person everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedEverywhere {
    /// The ending's number; `None` = nothing was there to end, or it waits.
    pub ending_no: Option<i64>,
    /// The preview that waits for a second person, and until when; `None` = it needs none.
    pub waits: Option<(EndingId, Timestamp)>,
    /// It was at work already.
    pub already: bool,
    /// Sessions it is to end.
    pub sessions: u64,
    /// Live sessions of theirs that are not part of it, at most 200.
    pub left_out: Vec<PreviewLeftOut>,
    /// How many were left out.
    pub left_out_count: u64,
}

/// What of an ending is to be ended again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Again {
    /// Its sessions that could not be ended.
    CouldNot,
    /// The sessions by which its people came back.
    Returned,
}

/// What the confirm form sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    /// Why: 3 to 500 characters.
    pub reason: String,
    /// Ticket number; empty = none.
    pub ticket_ref: String,
    /// The number as typed; empty = not typed.
    pub typed_number: String,
    /// When it begins.
    pub begin: Begin,
    /// What people are told before, if it begins later: at most 500 characters; empty = nothing.
    pub notice: String,
}

/// A row of the list of endings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingBrief {
    /// Number people say.
    pub ending_no: i64,
    /// Id.
    pub ending_id: EndingId,
    /// State.
    pub state: EndingState,
    /// Who asked.
    pub asked_by: String,
    /// When it was confirmed.
    pub confirmed_at: Timestamp,
    /// When it was to begin, if later than that.
    pub begins_at: Option<Timestamp>,
    /// When every item had an outcome.
    pub settled_at: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Ticket number; empty = none.
    pub ticket_ref: String,
    /// Counts over the items the caller may see.
    pub counts: EndingCounts,
}

impl EndingBrief {
    /// When work on it began, or is to.
    pub fn begun_at(&self) -> Timestamp {
        self.begins_at
            .map_or(self.confirmed_at, |at| at.max(self.confirmed_at))
    }

    /// When it will begin, while it has not at `now`.
    pub fn planned(&self, now: Timestamp) -> Option<Timestamp> {
        let waits = matches!(self.state, EndingState::Waiting | EndingState::Paused);
        self.begins_at.filter(|at| waits && *at > now)
    }
}

/// How far an ending is, over the items the caller may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingCounts {
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
    /// Gone before we asked.
    pub already_gone: u64,
    /// Still listed.
    pub still_there: u64,
    /// Refused.
    pub refused: u64,
    /// Not possible.
    pub unsupported: u64,
    /// Nobody knows.
    pub unknown: u64,
    /// Stopped before it was asked.
    pub stopped: u64,
    /// Of those gone: came back.
    pub returned: u64,
}

impl EndingCounts {
    /// Items with an outcome.
    pub const fn settled(&self) -> u64 {
        self.gone() + self.not_gone()
    }

    /// Known by read-back not to be there.
    pub const fn gone(&self) -> u64 {
        self.ended + self.rotated + self.already_gone
    }

    /// Settled, and not known to be gone.
    pub const fn not_gone(&self) -> u64 {
        self.still_there + self.refused + self.unsupported + self.unknown + self.stopped
    }
}

/// The page of one ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingPage {
    /// The server's clock.
    pub now: Timestamp,
    /// The facts of the list row.
    pub brief: EndingBrief,
    /// When its set was frozen.
    pub frozen_at: Timestamp,
    /// Rows that were left out; `None` = only the asker is told.
    pub left_out_count: Option<u64>,
    /// Items outside the caller's scope exist: counts are over the visible ones.
    pub partial_view: bool,
    /// Why it waits for a person.
    pub pause_why: Option<String>,
    /// What people are told before it begins; empty = nothing.
    pub notice: String,
    /// Who tells people.
    pub told: Told,
    /// Until when people who come back are looked for.
    pub watch_until: Option<Timestamp>,
    /// Tickets that were given before and may still let people of it in; `None` = none is known.
    pub tickets_open: Option<OpenTickets>,
    /// By system.
    pub by_system: Vec<EndingSystem>,
    /// Items: newest change first, or those of `only`.
    pub items: Vec<EndingItemRow>,
    /// The filter in force.
    pub only: Option<ItemFilter>,
    /// Cursor of the next page of items.
    pub next: Option<String>,
    /// When the other systems were asked although identity servers were not done; `None` = they were, or none is in it.
    pub went_on_at: Option<Timestamp>,
    /// What could not be ended, by cause.
    pub causes: Vec<Cause>,
    /// Sessions that may be what gone ones went on as; offered, never ended with them.
    pub signed_in_since: Vec<SignedInSince>,
    /// The caller may stop it.
    pub may_stop: bool,
    /// The caller may end sessions somewhere.
    pub may_end: bool,
    /// The caller may try again what was not ended.
    pub may_retry: bool,
    /// Version of its topic.
    pub version: i64,
    /// Audit entries that tell of it.
    pub audit_from: Option<i64>,
    /// The second person who approved it, or how it went on without one; `None` = none was needed.
    pub second_look: Option<SecondLook>,
}

/// Tickets of the broker that were given before an ending: one that was not redeemed yet lets in until it runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTickets {
    /// How many.
    pub count: u64,
    /// When the last of them runs out.
    pub until: Timestamp,
}

/// A session that began where one of an ending had gone by itself: of the same account, or, where a guest had gone, from
/// the guest's address. It may be the same browser; nothing says so for sure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedInSince {
    /// Session.
    pub session_key: SessionKey,
    /// Person as shown.
    pub person: String,
    /// User name.
    pub account_name: String,
    /// System, as shown.
    pub system_name: String,
    /// Place inside the system; empty = none.
    pub place: String,
    /// Address; `None` = not reported, or not the caller's to see.
    pub ip: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// A guest's session had gone there, from this address; false = one of the same account had.
    pub after_guest: bool,
}

/// Which items of an ending to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemFilter {
    /// Not yet sent.
    Waiting,
    /// Sent, not read back.
    Asked,
    /// With this outcome.
    Outcome(Outcome),
    /// Settled and not gone.
    CouldNot,
    /// Came back.
    Returned,
}

impl ItemFilter {
    /// Stable name, in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            ItemFilter::Waiting => "waiting",
            ItemFilter::Asked => "asked",
            ItemFilter::Outcome(outcome) => outcome.name(),
            ItemFilter::CouldNot => "could_not",
            ItemFilter::Returned => "returned",
        }
    }

    /// The filter of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "waiting" => Some(ItemFilter::Waiting),
            "asked" => Some(ItemFilter::Asked),
            "could_not" => Some(ItemFilter::CouldNot),
            "returned" => Some(ItemFilter::Returned),
            other => Outcome::from_name(other).map(ItemFilter::Outcome),
        }
    }

    /// What the filter shows, in words behind "Sessions".
    pub const fn words(self) -> &'static str {
        match self {
            ItemFilter::Waiting => "not yet sent",
            ItemFilter::Asked => "asked, not read back",
            ItemFilter::Outcome(Outcome::Ended) => "ended",
            ItemFilter::Outcome(Outcome::AlreadyGone) => "already gone",
            ItemFilter::Outcome(Outcome::Rotated) => "ended as new id",
            ItemFilter::Outcome(Outcome::StillThere) => "still there",
            ItemFilter::Outcome(Outcome::Refused) => "refused",
            ItemFilter::Outcome(Outcome::Unsupported) => "not possible to end",
            ItemFilter::Outcome(Outcome::Unknown) => "unknown",
            ItemFilter::Outcome(Outcome::Stopped) => "stopped",
            ItemFilter::CouldNot => "that are not gone",
            ItemFilter::Returned => "that came back",
        }
    }
}

/// The share of one system in an ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingSystem {
    /// System.
    pub system_id: SystemId,
    /// Name.
    pub system_name: String,
    /// Counts.
    pub counts: EndingCounts,
    /// "5 of the 16 are asked again", "Not answering since 02:21" …; empty = nothing to say.
    pub note: String,
}

/// One session of an ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingItemRow {
    /// Key.
    pub session_key: SessionKey,
    /// Name as shown.
    pub person: String,
    /// Why the person could not be told for sure; `None` = who is named, or nobody is.
    pub person_doubt: Option<String>,
    /// Account name.
    pub account_name: String,
    /// System.
    pub system_id: SystemId,
    /// System's name.
    pub system_name: String,
    /// Last 4 characters.
    pub handle_hint: String,
    /// Kind.
    pub kind: SessionKind,
    /// `None` = not settled.
    pub outcome: Option<Outcome>,
    /// True once it was sent.
    pub asked: bool,
    /// When it was last sent.
    pub asked_at: Option<Timestamp>,
    /// When the system was read again.
    pub read_back_at: Option<Timestamp>,
    /// Asks so far.
    pub attempts: u64,
    /// Detail and next step, safe to show.
    pub detail: String,
    /// Until when something may still work.
    pub residual_until: Option<Timestamp>,
    /// When the person was seen back.
    pub returned_at: Option<Timestamp>,
    /// The system that let them in.
    pub returned_system: Option<String>,
}

/// One cause for which sessions could not be ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Outcome.
    pub outcome: Outcome,
    /// System's name.
    pub system_name: String,
    /// The cause in plain words.
    pub words: String,
    /// Next step in plain words.
    pub next_step: String,
    /// How many.
    pub count: u64,
    /// What whoever runs the system wants to know.
    pub technical: Technical,
}

/// What was done to sessions that share a cause, for whoever runs the system. Holds no session id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Technical {
    /// Where.
    pub system_id: SystemId,
    /// How often the system said what to the newest ask: `accepted`, `not_found`, `refused`, `no_answer`; none where
    /// nothing was asked.
    pub answers: Vec<(String, u64)>,
    /// Fewest and most asks of one session.
    pub attempts: (u64, u64),
    /// The newest ask of the session that was asked longest ago.
    pub asked_from: Option<Timestamp>,
    /// Newest ask.
    pub asked_to: Option<Timestamp>,
    /// When the system was last read for one of them.
    pub read_back_at: Option<Timestamp>,
}

/// The list of endings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingsPage {
    /// The server's clock.
    pub now: Timestamp,
    /// Newest first.
    pub endings: Vec<EndingBrief>,
    /// Cursor of the next page.
    pub next: Option<String>,
    /// The global pause: who, when, why.
    pub paused: Option<PausedBy>,
    /// The caller may pause and resume all endings.
    pub may_pause: bool,
    /// Previews that wait for a second person: the caller's own, and those they can decide; the oldest first.
    pub waiting: Vec<WaitingApproval>,
}

/// Who paused all endings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedBy {
    /// Name.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}
