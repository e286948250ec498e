//! The second person: why one is needed, what they see, what they decide.

use serde::{Deserialize, Serialize};

use crate::wire::{EndingId, Timestamp};

/// What confirming a preview led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmed {
    /// It began, under this number.
    Started(i64),
    /// It waits for a second person.
    AwaitingApproval {
        /// Nobody can approve after that.
        expires_at: Timestamp,
    },
}

impl Confirmed {
    /// The ending's number; `None` = it waits.
    pub const fn number(self) -> Option<i64> {
        match self {
            Confirmed::Started(ending_no) => Some(ending_no),
            Confirmed::AwaitingApproval { .. } => None,
        }
    }
}

/// Why one person may not confirm a preview alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedsSecond {
    /// More sessions than one person ends in one act.
    Size {
        /// One person may end so many.
        above: u64,
    },
    /// More than the asker has left of their hour.
    OverQuota {
        /// What is left.
        left: u64,
        /// How many there are in an hour.
        per_hour: u64,
    },
    /// Protected people are among them.
    Protected,
    /// Everybody of these systems.
    Everybody {
        /// Names.
        systems: Vec<String>,
    },
}

/// What a preview needs before it can begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondPerson {
    /// Why, at least one.
    pub why: Vec<NeedsSecond>,
    /// Names of those who can approve all of it.
    pub who: Vec<String>,
    /// How long the set stays frozen for them, seconds.
    pub for_s: i64,
}

/// Where a request for approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The asker went on alone, by their second factor and with a reason; somebody reviews it afterwards.
    Overridden,
    /// Nobody decided in time.
    Expired,
}

impl ApprovalState {
    /// Stable name: database. `Expired` is never stored: time makes it.
    pub const fn name(self) -> &'static str {
        match self {
            ApprovalState::Waiting => "waiting",
            ApprovalState::Approved => "approved",
            ApprovalState::TurnedDown => "turned_down",
            ApprovalState::Withdrawn => "withdrawn",
            ApprovalState::Overridden => "overridden",
            ApprovalState::Expired => "expired",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Waiting,
            Self::Approved,
            Self::TurnedDown,
            Self::Withdrawn,
            Self::Overridden,
            Self::Expired,
        ]
        .into_iter()
        .find(|s| s.name() == name)
    }
}

/// A request for approval on the page of its preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Where it stands.
    pub state: ApprovalState,
    /// What made it necessary.
    pub why: Vec<NeedsSecond>,
    /// Why the ending is wanted.
    pub reason: String,
    /// Ticket number; empty = none.
    pub ticket_ref: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Nobody can decide after that.
    pub expires_at: Timestamp,
    /// Sessions that people of the set began since it was frozen, in the same systems: they are not touched.
    pub started_since: u64,
    /// Names of those who can decide.
    pub who: Vec<String>,
    /// The caller can decide it now.
    pub may_decide: bool,
    /// What keeps the asker from going on alone; empty = nothing does. `None` = not theirs to do at all.
    pub alone: Option<String>,
    /// Who decided; empty = nobody.
    pub decided_by: String,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What they said; empty = nothing.
    pub note: String,
}

/// A preview that waits for a second person, in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingApproval {
    /// The preview.
    pub ending_id: EndingId,
    /// Who asked.
    pub asked_by: String,
    /// The caller asked.
    pub mine: bool,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Nobody can decide after that.
    pub expires_at: Timestamp,
    /// Sessions in the frozen set.
    pub sessions: u64,
    /// People among them.
    pub people: u64,
    /// Names of the systems.
    pub systems: Vec<String>,
    /// Sessions of the set that have gone since.
    pub gone_since: u64,
    /// Sessions its people began since: not touched.
    pub started_since: u64,
}

/// What becomes of a request for approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A second person approves: the ending begins.
    Approve {
        /// To the asker, kept in the audit; empty = nothing.
        note: String,
    },
    /// A second person turns it down.
    TurnDown {
        /// To the asker, kept in the audit; empty = nothing.
        note: String,
    },
    /// The asker takes it back.
    Withdraw,
    /// The asker goes on alone.
    GoOnAlone {
        /// Why it can't wait: 3 to 500 characters.
        why: String,
    },
}

/// How an ending passed the rule of the second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondLook {
    /// Who approved, or who went on alone.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What they said; empty = nothing.
    pub note: String,
    /// Set when the asker went on alone.
    pub review: Option<Review>,
}

/// The review of an ending that went on without a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// Nobody has looked at it.
    Due {
        /// Until when somebody should.
        until: Timestamp,
        /// The caller can.
        may_review: bool,
    },
    /// Somebody did.
    Done {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
        /// What they found.
        note: String,
    },
}
