//! The list of sessions: what is asked, what comes back.

use serde::{Deserialize, Serialize};

use crate::policies::wire::SystemLimits;
use crate::sessions::query::{GroupBy, SessionQuery, SortKey};
use crate::systems::wire::SystemBrief;
use crate::wire::{Count, EndingId, Limit, SelectionId, SessionKey, SystemId, Timestamp};

/// What kind of sign-in a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// Single sign-on session of an identity server.
    Sso,
    /// Offline session: a refresh token that outlives the browser.
    Offline,
    /// An application's leg of a single sign-on session.
    Leg,
    /// A browser in an application.
    Web,
    /// A mobile app.
    Mobile,
    /// An embedded view.
    Embedded,
    /// Curfew's own.
    Portal,
    /// A browser that nobody signed in with: a login page left open, a robot.
    Guest,
    /// Anything else; the raw code stands beside it.
    Other,
}

impl SessionKind {
    /// Every kind, in the order of the filter.
    pub const ALL: [SessionKind; 9] = [
        SessionKind::Sso,
        SessionKind::Web,
        SessionKind::Mobile,
        SessionKind::Embedded,
        SessionKind::Portal,
        SessionKind::Leg,
        SessionKind::Offline,
        SessionKind::Guest,
        SessionKind::Other,
    ];

    /// Stable name: database, addresses.
    pub const fn name(self) -> &'static str {
        match self {
            SessionKind::Sso => "sso",
            SessionKind::Offline => "offline",
            SessionKind::Leg => "leg",
            SessionKind::Web => "web",
            SessionKind::Mobile => "mobile",
            SessionKind::Embedded => "embedded",
            SessionKind::Portal => "portal",
            SessionKind::Guest => "guest",
            SessionKind::Other => "other",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }

    /// How pages name it.
    pub const fn label(self) -> &'static str {
        match self {
            SessionKind::Sso => "SSO",
            SessionKind::Offline => "Offline",
            SessionKind::Leg => "Application leg",
            SessionKind::Web => "Web",
            SessionKind::Mobile => "Mobile",
            SessionKind::Embedded => "Embedded",
            SessionKind::Portal => "Portal",
            SessionKind::Guest => "Guest",
            SessionKind::Other => "Other",
        }
    }
}

/// Whether a session is there, and how it went if not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// In the last complete reading, or its system has not been read whole since.
    #[default]
    Live,
    /// Ended by an ending of ours, read back.
    Ended,
    /// Was not in a complete reading any more.
    Vanished,
}

impl SessionState {
    /// Every state, in the order of the filter.
    pub const ALL: [SessionState; 3] = [SessionState::Live, SessionState::Ended, SessionState::Vanished];

    /// Stable name: database, addresses.
    pub const fn name(self) -> &'static str {
        match self {
            SessionState::Live => "live",
            SessionState::Ended => "ended",
            SessionState::Vanished => "vanished",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// Why a row can't be ended by this caller now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CannotEnd {
    /// The caller's own session: left out unless chosen on the preview.
    OwnSession,
    /// The sign-in Curfew itself uses there.
    OwnConnection,
    /// On the protected list.
    Protected,
    /// The caller's grants do not hold EditUserSessions for it.
    OutsideGrant {
        /// Names of people who can give it.
        who_can_give: Vec<String>,
    },
    /// The system or connector can't; the words say what works instead.
    Unsupported {
        /// What works instead.
        words: String,
    },
    /// It is not live any more.
    NotLive,
}

impl CannotEnd {
    /// The reason as rows and lists show it.
    pub fn label(&self) -> String {
        match self {
            CannotEnd::OwnSession => "Your own session, left out".to_owned(),
            CannotEnd::OwnConnection => "Curfew’s own connection".to_owned(),
            CannotEnd::Protected => "Protected person".to_owned(),
            CannotEnd::OutsideGrant { .. } => "Outside your grant".to_owned(),
            CannotEnd::Unsupported { words } => words.clone(),
            CannotEnd::NotLive => "Not live any more".to_owned(),
        }
    }
}

/// What is shown in place of a name that could not be told for sure; lists sort and find such rows by it, lower-cased.
pub const UNCERTAIN: &str = "uncertain";

/// Who a session is of, as shown: display name, else account name; else why there is none.
pub fn person_shown(
    display_name: &str,
    account_name: &str,
    kind: SessionKind,
    doubt: Option<&str>,
) -> String {
    let name = [display_name, account_name]
        .into_iter()
        .find(|name| !name.is_empty());
    match (doubt, name, kind) {
        (Some(_), ..) => "Uncertain",
        (None, Some(name), _) => name,
        (None, None, SessionKind::Guest) => "Guest",
        (None, None, _) => "not reported",
    }
    .to_owned()
}

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Its key.
    pub session_key: SessionKey,
    /// System.
    pub system_id: SystemId,
    /// System, as shown.
    pub system_name: String,
    /// When this row was read: singly, or with its system's last complete pass.
    pub read_at: Option<Timestamp>,
    /// The system is not live, so neither is this row's content.
    pub stale: bool,
    /// Who it is of, as shown ([`person_shown`]).
    pub person: String,
    /// Why the person could not be told for sure; `None` = who is named, or nobody is.
    pub person_doubt: Option<String>,
    /// What the system says of the person beside their name ("disabled in Keycloak"); `None` = nothing.
    pub remark: Option<String>,
    /// Account name; empty = not reported.
    pub account_name: String,
    /// Mail; `None` = not reported or masked.
    pub email: Option<String>,
    /// Kind.
    pub kind: SessionKind,
    /// The system's own code when the kind is Other.
    pub raw_kind: Option<String>,
    /// State.
    pub state: SessionState,
    /// When it was found gone.
    pub gone_at: Option<Timestamp>,
    /// Last 4 characters of the id.
    pub handle_hint: String,
    /// Address; `None` = not reported or masked.
    pub ip: Option<String>,
    /// True when address, mail and browser are hidden for want of SeeNetworkData, or on a shared screen.
    pub masked: bool,
    /// "Chrome 149"; empty = not reported.
    pub browser: String,
    /// "Windows"; empty = not reported.
    pub os: String,
    /// Place inside the system: the web app, the realm; empty = none.
    pub place: String,
    /// Site; empty = none.
    pub site: String,
    /// Start.
    pub created_at: Option<Timestamp>,
    /// Last activity, as the system defines it.
    pub last_active_at: Option<Timestamp>,
    /// The idle limit it has.
    pub idle: Limit,
    /// When idleness ends it.
    pub idle_ends_at: Option<Timestamp>,
    /// Its longest life: `Unknown`, `None`, or there is `absolute_expires_at`.
    pub absolute_expires_at: Option<Timestamp>,
    /// False = the system does not say whether there is a longest life.
    pub absolute_known: bool,
    /// Why it can't be ended; `None` = it can.
    pub cannot_end: Option<CannotEnd>,
    /// An ending is at work on it: (number, words such as "asked, reading back").
    pub in_ending: Option<(i64, String)>,
    /// Why ending would have no lasting effect; `None` = no such sign.
    pub return_hint: Option<String>,
    /// What to say of ending it where nothing proves that it works on the build its system runs; `None` = nothing.
    pub unproven: Option<String>,
    /// Began under an earlier policy: it has other limits than sessions of its kind get now.
    pub earlier_policy: bool,
    /// Ticked in the caller's selection.
    pub selected: bool,
}

impl SessionRow {
    /// Whether a limit of its own had passed before the reading that met it began: its person is out, the system has
    /// not removed it yet. One that passed since may have been removed since.
    pub fn past_limit(&self) -> bool {
        self.state == SessionState::Live
            && (self.past(self.idle_ends_at) || self.past(self.absolute_expires_at))
    }

    /// Whether this end of it lay before its reading.
    pub fn past(&self, end: Option<Timestamp>) -> bool {
        self.read_at
            .is_some_and(|read_at| end.is_some_and(|end| end < read_at))
    }
}

/// The values of a filter, each with what it would list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facet {
    /// The parameter: `system`, `kind`, `state`, `site`.
    pub field: String,
    /// Values in the order of the form.
    pub values: Vec<FacetValue>,
    /// Values were looked for among so many sessions only; `None` = all there are.
    pub looked_at: Option<u64>,
}

/// A value of a filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetValue {
    /// As addresses write it.
    pub value: String,
    /// Sessions in the list once it is the filter's only value.
    pub count: Count,
}

/// What matches, in groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupsPage {
    /// By what.
    pub by: GroupBy,
    /// The largest first.
    pub groups: Vec<Group>,
    /// There are more than these.
    pub more: bool,
}

/// A group of what matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// As shown.
    pub label: String,
    /// User name; empty = none.
    pub detail: String,
    /// Sessions.
    pub sessions: u64,
    /// Systems of a person, or user names of a system or network.
    pub others: u64,
    /// Newest activity.
    pub last_active_at: Option<Timestamp>,
    /// Query string of its list; `None` = no filter means it.
    pub query: Option<String>,
}

/// What is known of who was on at a moment that is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Systems of which nothing had been met by then: (name).
    pub not_met: Vec<String>,
    /// Systems that have not been read whole since: (name, last reading).
    pub behind: Vec<(String, Timestamp)>,
    /// The oldest end that is still kept; `None` = none is.
    pub oldest_end: Option<Timestamp>,
}

/// Something to go on with in the search box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The whole box once it is taken.
    pub text: String,
    /// The term alone.
    pub shown: String,
    /// What it means.
    pub words: String,
}

/// What is ticked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectionSummary {
    /// Id, for `?sel=`.
    pub selection_id: SelectionId,
    /// Everything that matches, frozen when the preview opens.
    pub all: bool,
    /// Sessions.
    pub sessions: Count,
    /// People (accounts).
    pub people: Count,
    /// Systems.
    pub systems: u64,
    /// Rows of a system that is not live.
    pub stale: u64,
    /// Ticked rows that the current filter hides.
    pub hidden_by_filter: u64,
}

/// Why a list is empty, and the next step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyBecause {
    /// All systems answered and nobody is signed in.
    NoSessions {
        /// How many systems answered.
        systems: u64,
    },
    /// The filters match nothing.
    NoMatch {
        /// Dropping one filter would show some: (its words, how many, query string without it).
        without: Option<(String, u64, String)>,
    },
    /// No grant lets the caller see anything.
    NoGrant {
        /// Who can give one.
        who_can_give: Vec<String>,
    },
    /// The systems in view have never been read or do not answer.
    SystemDown {
        /// One sentence: which and since when.
        words: String,
    },
    /// A filter could not be understood: nothing is listed rather than too much.
    BadFilter,
}

/// A page of the list with everything around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsPage {
    /// The server's clock.
    pub now: Timestamp,
    /// The query as understood (defaults filled in).
    pub query: SessionQuery,
    /// Bad parts of the address or form; the list is empty when there is one.
    pub problems: Vec<crate::error::FieldProblem>,
    /// Rows in order.
    pub rows: Vec<SessionRow>,
    /// Position of the first row, from 1; 0 = not known (deep page reached by cursor).
    pub first_row: u64,
    /// How many match.
    pub matching: Count,
    /// How many live ones the caller may see without filters, guests left out.
    pub in_all: Count,
    /// Guest sessions that would match too and are left out because no kind was asked for.
    pub guests_hidden: Count,
    /// Cursor of the next page.
    pub next: Option<String>,
    /// Cursor of the page before.
    pub previous: Option<String>,
    /// Sort in force.
    pub sort: SortKey,
    /// Systems the caller may see.
    pub systems: Vec<SystemBrief>,
    /// Columns shown, in order.
    pub columns: Vec<super::columns::Column>,
    /// Limits of the systems in view; empty without ReadPolicies.
    pub limits: Vec<SystemLimits>,
    /// What is ticked.
    pub selection: Option<SelectionSummary>,
    /// Why there are no rows.
    pub empty: Option<EmptyBecause>,
    /// Whether the caller may end anything at all (else the boxes explain why not).
    pub may_end_any: bool,
    /// Version of the topic "sessions", to know whether something changed since.
    pub version: i64,
}

/// People who have sessions, told apart by account name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeoplePage {
    /// In the order of their ids.
    pub people: Vec<PersonBrief>,
    /// More come after the last one.
    pub more: bool,
}

/// One person of the inventory. Sessions without an account name are nobody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonBrief {
    /// Account name, lower-cased: their id.
    pub person_id: String,
    /// Name as shown.
    pub name: String,
    /// Sessions of theirs that match.
    pub sessions: u64,
    /// Systems these are in.
    pub systems: u64,
    /// Newest activity among them.
    pub last_active_at: Option<Timestamp>,
}

/// One person over all systems, as far as the caller may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSessions {
    /// Their live sessions in all; all 0 when they have none now.
    pub brief: PersonBrief,
    /// The same by system, by name.
    pub by_system: Vec<PersonSystem>,
}

/// A person's live sessions in one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSystem {
    /// System.
    pub system_id: SystemId,
    /// Name.
    pub system_name: String,
    /// Live sessions.
    pub sessions: u64,
    /// Newest activity.
    pub last_active_at: Option<Timestamp>,
}

/// A change to a selection, from the row form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectionEdit {
    /// The selection so far; `None` = a new one.
    pub selection_id: Option<SelectionId>,
    /// Rows that were on the page.
    pub shown: Vec<SessionKey>,
    /// Of these the ticked ones; those shown and not ticked are dropped.
    pub ticked: Vec<SessionKey>,
    /// Everything that matches `query`.
    pub all_matching: bool,
    /// Canonical query string of the list.
    pub query: String,
}

/// Where a preview was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftMade {
    /// Its id.
    pub ending_id: EndingId,
}
