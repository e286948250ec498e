//! Everything that shapes the list, as it stands in the address: read, checked and written back in one place.
//!
//! A part that is not understood is a problem with a name, and then nothing is listed: a filter that is dropped in
//! silence would widen the set that somebody is about to end. [`filter`] has the values, [`address`] reads and writes,
//! [`typed`] turns what is typed into the search box into the same parameters.

use serde::{Deserialize, Serialize};

use self::filter::{LeftOut, Network, PastLimits, TextFilter, TimeFilter};
use super::columns::Column;
use super::wire::{SessionKind, SessionState};
use crate::wire::{Direction, SelectionId, SessionKey, SubjectId, SystemId, Timestamp};

mod address;
pub mod filter;
pub mod pasted;
pub mod typed;
pub mod words;

/// Rows on a page.
pub const PAGE_ROWS: u32 = 100;

/// What to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionQuery {
    /// `q`: text in name, user name, mail, IP, last characters of the id; every word must occur. Terms of the box are
    /// filters and never stand here ([`typed`]); a phrase stands in quotes.
    pub search: String,
    /// `system`: any of these; empty = all.
    pub systems: Vec<SystemId>,
    /// `kind`: any of these; empty = all but guests.
    pub kinds: Vec<SessionKind>,
    /// `state`: any of these; empty = live.
    pub states: Vec<SessionState>,
    /// `site`: any of these; empty = all.
    pub sites: Vec<String>,
    /// `person` with `person.op`: over name, user name and mail.
    pub person: Option<TextFilter>,
    /// `session` with `session.op`: last characters of the id.
    pub session: Option<TextFilter>,
    /// `ip`: in any of these addresses and networks; empty = all.
    pub ip: Vec<Network>,
    /// `browser` with `browser.op`.
    pub browser: Option<TextFilter>,
    /// `os` with `os.op`.
    pub os: Option<TextFilter>,
    /// `started` with `started.op`.
    pub started: Option<TimeFilter>,
    /// `active` with `active.op`: last activity; "older than" = idle longer than.
    pub last_activity: Option<TimeFilter>,
    /// `idle_ends` with `idle_ends.op`.
    pub idle_ends: Option<TimeFilter>,
    /// `ends` with `ends.op`: ends at latest.
    pub ends: Option<TimeFilter>,
    /// `past=15,480`: idle longer than, or older than, these minutes; what a policy what-if links to.
    pub past: Option<PastLimits>,
    /// `over=1`: past one of the limits it has itself; what "Over" beside the list links to.
    pub over: bool,
    /// `never_idle=1`: of those that never end for idleness.
    pub never_idle: bool,
    /// `earlier=1`: of those that began under an earlier policy than their kind has now.
    pub earlier: bool,
    /// `key`: this one session.
    pub key: Option<SessionKey>,
    /// `account`: of exactly this user name, without regard to case; what a group of a person lists.
    pub account: Option<String>,
    /// `subject`: of this person, in every system; what the person page lists.
    pub subject: Option<SubjectId>,
    /// `at`: who was on at this moment, instead of who is. Nothing of such a list can be selected.
    pub at: Option<Timestamp>,
    /// `not.…`: what is left out.
    pub not: LeftOut,
    /// `sort`.
    pub sort: SortKey,
    /// `dir`: asc | desc.
    pub direction: Direction,
    /// `after` or `before`: where the page starts, as an earlier answer gave it.
    pub cursor: Option<Cursor>,
    /// `group`: groups of what matches, instead of rows.
    pub group: Option<GroupBy>,
    /// Rows on a page; `None` = [`PAGE_ROWS`]. Not part of an address: the API asks for more.
    pub page_rows: Option<u32>,
    /// `sel`: what is ticked.
    pub selection: Option<SelectionId>,
    /// `cols`: columns of this address; `None` = the person's own.
    pub columns: Option<Vec<Column>>,
}

/// What the list is sorted by. Ties go by session key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// Name as shown.
    Person,
    /// Kind.
    Kind,
    /// System's name.
    System,
    /// Last 4 characters.
    Session,
    /// Address, by number.
    Ip,
    /// Start.
    Started,
    /// Last activity.
    #[default]
    LastActivity,
    /// When idleness ends it.
    IdleEnds,
    /// When it ends at latest.
    EndsAtLatest,
    /// Browser and system.
    Client,
}

impl SortKey {
    /// Every sort.
    pub const ALL: [SortKey; 10] = [
        SortKey::Person,
        SortKey::Kind,
        SortKey::System,
        SortKey::Session,
        SortKey::Ip,
        SortKey::Started,
        SortKey::LastActivity,
        SortKey::IdleEnds,
        SortKey::EndsAtLatest,
        SortKey::Client,
    ];

    /// Stable name, in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            SortKey::Person => "person",
            SortKey::Kind => "kind",
            SortKey::System => "system",
            SortKey::Session => "session",
            SortKey::Ip => "ip",
            SortKey::Started => "started",
            SortKey::LastActivity => "active",
            SortKey::IdleEnds => "idle_ends",
            SortKey::EndsAtLatest => "ends",
            SortKey::Client => "client",
        }
    }

    /// The sort of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The direction a first click gives: newest first for moments in the past, A first for text, soonest first for ends.
    pub const fn first_direction(self) -> Direction {
        match self {
            SortKey::Started | SortKey::LastActivity => Direction::Descending,
            _ => Direction::Ascending,
        }
    }
}

/// What the list is grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// User name, without regard to case.
    Person,
    /// System.
    System,
    /// /24 of IPv4, /64 of IPv6.
    Network,
}

impl GroupBy {
    /// Every way.
    pub const ALL: [GroupBy; 3] = [GroupBy::Person, GroupBy::System, GroupBy::Network];

    /// Stable name, in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            GroupBy::Person => "person",
            GroupBy::System => "system",
            GroupBy::Network => "network",
        }
    }

    /// The way of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }
}

/// Where a page starts: made by the server, opaque to everyone else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The server's text.
    pub text: String,
    /// Rows before it instead of after it.
    pub backwards: bool,
}

impl SessionQuery {
    /// The same query from its first page.
    pub fn first_page(&self) -> Self {
        SessionQuery {
            cursor: None,
            ..self.clone()
        }
    }

    /// The same query without the filter of that parameter, from its first page.
    pub fn without(&self, field: &str) -> Self {
        let mut query = self.first_page();
        match field {
            "q" => query.search.clear(),
            "system" => query.systems.clear(),
            "kind" => query.kinds.clear(),
            "state" => query.states.clear(),
            "site" => query.sites.clear(),
            "person" => query.person = None,
            "session" => query.session = None,
            "browser" => query.browser = None,
            "os" => query.os = None,
            "ip" => query.ip.clear(),
            "started" => query.started = None,
            "active" => query.last_activity = None,
            "idle_ends" => query.idle_ends = None,
            "ends" => query.ends = None,
            "past" => query.past = None,
            "over" => query.over = false,
            "never_idle" => query.never_idle = false,
            "earlier" => query.earlier = false,
            "key" => query.key = None,
            "account" => query.account = None,
            "subject" => query.subject = None,
            "at" => query.at = None,
            "not.system" => query.not.systems.clear(),
            "not.kind" => query.not.kinds.clear(),
            "not.site" => query.not.sites.clear(),
            "not.person" => query.not.person = None,
            "not.ip" => query.not.ip.clear(),
            "not.browser" => query.not.browser = None,
            "not.os" => query.not.os = None,
            _ => {}
        }
        query
    }

    /// The same query with this value as the only one of a filter that takes several, from its first page; `None` = there
    /// is no such filter or value.
    pub fn only(&self, field: &str, value: &str) -> Option<Self> {
        let mut query = self.without(field);
        match field {
            "system" => query.systems.push(SystemId::from(value)),
            "kind" => query.kinds.push(SessionKind::from_name(value)?),
            "state" => query
                .states
                .extend(Some(SessionState::from_name(value)?).filter(|state| *state != SessionState::Live)),
            "site" => query.sites.push(value.to_owned()),
            _ => return None,
        }
        Some(query)
    }

    /// The same sort, columns and selection without any filter, from the first page.
    pub fn without_filters(&self) -> Self {
        SessionQuery {
            sort: self.sort,
            direction: self.direction,
            selection: self.selection.clone(),
            columns: self.columns.clone(),
            group: self.group,
            ..SessionQuery::default()
        }
    }

    /// The same list sorted by `sort`: the other way round when it already is, from its first page.
    pub fn sorted_by(&self, sort: SortKey) -> Self {
        let direction = match (self.sort == sort, self.direction) {
            (false, _) => sort.first_direction(),
            (true, Direction::Ascending) => Direction::Descending,
            (true, Direction::Descending) => Direction::Ascending,
        };
        SessionQuery {
            sort,
            direction,
            ..self.first_page()
        }
    }

    /// The same list from this cursor.
    pub fn from_cursor(&self, text: &str, backwards: bool) -> Self {
        SessionQuery {
            cursor: Some(Cursor {
                text: text.to_owned(),
                backwards,
            }),
            ..self.clone()
        }
    }

    /// The words of `q`.
    pub fn search_words(&self) -> Vec<String> {
        typed::words(&self.search)
    }

    /// Whether guests are left out: nobody asked for a kind, or for this one session.
    pub fn hides_guests(&self) -> bool {
        self.kinds.is_empty() && self.key.is_none()
    }

    /// The guests among what this query asks for, from the first page.
    pub fn only_guests(&self) -> Self {
        SessionQuery {
            kinds: vec![SessionKind::Guest],
            ..self.first_page()
        }
    }

    /// How many filters are in force.
    pub fn filter_count(&self) -> usize {
        self.filter_pairs()
            .iter()
            .filter(|(name, _)| !name.ends_with(".op"))
            .count()
    }
}
