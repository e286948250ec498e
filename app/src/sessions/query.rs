//! Everything that shapes the list, as it stands in the address: read, checked and written back in one place.
//!
//! A part that is not understood is a problem with a name, and then nothing is listed: a filter that is dropped in
//! silence would widen the set that somebody is about to end.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::columns::Column;
use super::wire::{SessionKind, SessionState};
use crate::civil::{Civil, parse_duration, write_duration};
use crate::error::FieldProblem;
use crate::wire::{Direction, SelectionId, SessionKey, SystemId, Timestamp};

/// Rows on a page.
pub const PAGE_ROWS: u32 = 100;

/// What to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionQuery {
    /// `q`: text in name, user name, mail, IP, last characters of the id; every word must occur.
    pub search: String,
    /// `system`: any of these; empty = all.
    pub systems: Vec<SystemId>,
    /// `kind`: any of these; empty = all.
    pub kinds: Vec<SessionKind>,
    /// `state`: any of these; empty = live.
    pub states: Vec<SessionState>,
    /// `site`: any of these; empty = all.
    pub sites: Vec<String>,
    /// `person` with `person.op`: over name, user name and mail.
    pub person: Option<TextFilter>,
    /// `session` with `session.op`: last characters of the id.
    pub session: Option<TextFilter>,
    /// `ip`: an address or a network.
    pub ip: Option<Network>,
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
    /// `key`: this one session.
    pub key: Option<SessionKey>,
    /// `sort`.
    pub sort: SortKey,
    /// `dir`: asc | desc.
    pub direction: Direction,
    /// `after` or `before`: where the page starts, as an earlier answer gave it.
    pub cursor: Option<Cursor>,
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

/// How a text must agree; without regard to case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextOp {
    /// Somewhere in it.
    #[default]
    Contains,
    /// The whole of it.
    Is,
    /// The whole of it is one of these, separated by commas.
    OneOf,
}

impl TextOp {
    /// Stable name, in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            TextOp::Contains => "contains",
            TextOp::Is => "is",
            TextOp::OneOf => "one_of",
        }
    }
}

/// A filter over text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextFilter {
    /// How.
    pub op: TextOp,
    /// Needles: one, or several for `OneOf`; trimmed, not empty.
    pub texts: Vec<String>,
}

/// A filter over a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFilter {
    /// Earlier than this moment.
    Before(Timestamp),
    /// This moment or later.
    After(Timestamp),
    /// Longer ago than these seconds.
    OlderThan(i64),
    /// Within these coming (ends) or past (started, activity) seconds.
    Within(i64),
}

/// Limits a policy what-if asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastLimits {
    /// Minutes without activity.
    pub idle_minutes: i64,
    /// Minutes since sign-in.
    pub absolute_minutes: i64,
}

/// An address (all bits) or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// First address of it.
    pub address: IpAddr,
    /// Leading bits that count: 0 to 32, or 0 to 128.
    pub prefix: u8,
}

impl Network {
    /// Reads `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`; the message names what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| {
            format!("“{text}” is not an IP address or network. Write 10.0.0.7 or 10.0.0.0/8.")
        })?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(bits) => match bits.parse::<u8>() {
                Ok(n) if n <= most => n,
                Ok(_) => {
                    let family = if most == 32 { "IPv4" } else { "IPv6" };
                    return Err(format!("/{bits} is too long for {family}, up to /{most}."));
                }
                Err(_) => {
                    return Err(format!(
                        "“/{bits}” is not a network length. Write a number up to /{most}."
                    ));
                }
            },
        };
        Ok(Network { address, prefix })
    }

    /// First and last address as 32 hex digits each, IPv4 mapped into IPv6: what `ip_sort` is compared with.
    pub fn sort_range(&self) -> (String, String) {
        let (value, prefix) = match self.address {
            IpAddr::V4(v4) => (u128::from(v4.to_ipv6_mapped()), u32::from(self.prefix) + 96),
            IpAddr::V6(v6) => (u128::from(v6), u32::from(self.prefix)),
        };
        let mask = if prefix == 0 {
            0
        } else {
            u128::MAX << (128 - prefix)
        };
        (
            format!("{:032x}", value & mask),
            format!("{:032x}", value | !mask),
        )
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = if self.address.is_ipv4() { 32 } else { 128 };
        if self.prefix == whole {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
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
    /// Reads the pairs of an address or form. What is not understood is named; the rest is kept, so that the page can
    /// show the form again with everything in it.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(
        pairs: &[(K, V)],
        offset_min: i32,
    ) -> (Self, Vec<FieldProblem>) {
        let mut query = SessionQuery::default();
        let mut problems = Vec::new();
        let mut direction = None;
        let op = |field: &str| {
            let name = format!("{field}.op");
            pairs
                .iter()
                .find(|(k, _)| k.as_ref() == name)
                .map(|(_, v)| v.as_ref().trim().to_owned())
                .unwrap_or_default()
        };
        for (at, (key, value)) in pairs.iter().enumerate() {
            let (key, value) = (key.as_ref(), value.as_ref().trim());
            let said_before = pairs[..at].iter().find(|(k, v)| {
                k.as_ref() == key && !v.as_ref().trim().is_empty() && v.as_ref().trim() != value
            });
            if !value.is_empty() && !MANY.contains(&key) && said_before.is_some() {
                problems.push(FieldProblem {
                    field: key.to_owned(),
                    message: format!("“{key}” is given twice with different values. Keep one."),
                });
            }
            if value.is_empty() || key.ends_with(".op") && KNOWN_OPS.contains(&key) {
                if !KNOWN.contains(&key) && !KNOWN_OPS.contains(&key) {
                    problems.push(unknown(key));
                }
                continue;
            }
            let mut bad = |message: String| {
                problems.push(FieldProblem {
                    field: key.to_owned(),
                    message,
                })
            };
            match key {
                "q" => query.search = value.to_owned(),
                "system" => query.systems.push(SystemId::from(value)),
                "kind" => match SessionKind::from_name(value) {
                    Some(kind) => query.kinds.push(kind),
                    None => bad(format!(
                        "“{value}” is not a kind of session. Kinds are {}.",
                        names(SessionKind::ALL.map(SessionKind::name))
                    )),
                },
                "state" => match SessionState::from_name(value) {
                    Some(state) => query.states.push(state),
                    None => bad(format!(
                        "“{value}” is not a state. States are live, ended, vanished."
                    )),
                },
                "site" => query.sites.push(value.to_owned()),
                "person" | "session" | "browser" | "os" => match text_filter(&op(key), value) {
                    Ok(filter) => {
                        *(match key {
                            "person" => &mut query.person,
                            "session" => &mut query.session,
                            "browser" => &mut query.browser,
                            _ => &mut query.os,
                        }) = Some(filter);
                    }
                    Err(message) => bad(message),
                },
                "ip" => match Network::parse(value) {
                    Ok(network) => query.ip = Some(network),
                    Err(message) => bad(message),
                },
                "started" | "active" | "idle_ends" | "ends" => match time_filter(&op(key), value, offset_min)
                {
                    Ok(filter) => {
                        *(match key {
                            "started" => &mut query.started,
                            "active" => &mut query.last_activity,
                            "idle_ends" => &mut query.idle_ends,
                            _ => &mut query.ends,
                        }) = Some(filter);
                    }
                    Err(message) => bad(message),
                },
                "past" => match past_limits(value) {
                    Some(past) => query.past = Some(past),
                    None => bad(format!(
                        "“{value}” is not a pair of limits. Write idle and longest minutes: 15,480."
                    )),
                },
                "over" => match value {
                    "1" => query.over = true,
                    _ => bad(format!(
                        "“{value}” is not an answer to “over a limit”. Write over=1."
                    )),
                },
                "key" => query.key = Some(SessionKey::from(value)),
                "sort" => match SortKey::from_name(value) {
                    Some(sort) => query.sort = sort,
                    None => bad(format!(
                        "The list can't be sorted by “{value}”. It can by {}.",
                        names(SortKey::ALL.map(SortKey::name))
                    )),
                },
                "dir" => match value {
                    "asc" => direction = Some(Direction::Ascending),
                    "desc" => direction = Some(Direction::Descending),
                    _ => bad(format!(
                        "“{value}” is not a direction. Directions are asc and desc."
                    )),
                },
                "after" | "before" => {
                    query.cursor = Some(Cursor {
                        text: value.to_owned(),
                        backwards: key == "before",
                    })
                }
                "sel" => query.selection = Some(SelectionId::from(value)),
                "cols" => query.columns = Some(Column::parse_list(value)),
                _ => problems.push(unknown(key)),
            }
        }
        query.direction = direction.unwrap_or(query.sort.first_direction());
        dedup(&mut query.sites);
        dedup(&mut query.systems);
        dedup(&mut query.kinds);
        dedup(&mut query.states);
        if query.states == [SessionState::Live] {
            query.states.clear();
        }
        (query, problems)
    }

    /// The pairs that stand for this query, defaults left out; [`SessionQuery::from_pairs`] reads them back equal.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.filter_pairs();
        if self.sort != SortKey::default() {
            pairs.push(("sort", self.sort.name().to_owned()));
        }
        if self.direction != self.sort.first_direction() {
            let dir = if self.direction == Direction::Ascending {
                "asc"
            } else {
                "desc"
            };
            pairs.push(("dir", dir.to_owned()));
        }
        if let Some(cursor) = &self.cursor {
            pairs.push((
                if cursor.backwards { "before" } else { "after" },
                cursor.text.clone(),
            ));
        }
        if let Some(selection) = &self.selection {
            pairs.push(("sel", selection.0.clone()));
        }
        if let Some(columns) = &self.columns {
            pairs.push(("cols", Column::write_list(columns)));
        }
        pairs
    }

    /// The pairs that decide which sessions match: no sort, page, selection or columns.
    pub fn filter_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        if !self.search.is_empty() {
            pairs.push(("q", self.search.clone()));
        }
        pairs.extend(self.systems.iter().map(|s| ("system", s.0.clone())));
        pairs.extend(self.kinds.iter().map(|k| ("kind", k.name().to_owned())));
        pairs.extend(self.states.iter().map(|s| ("state", s.name().to_owned())));
        pairs.extend(self.sites.iter().map(|s| ("site", s.clone())));
        let texts = [
            ("person", "person.op", &self.person),
            ("session", "session.op", &self.session),
            ("browser", "browser.op", &self.browser),
            ("os", "os.op", &self.os),
        ];
        for (name, op, filter) in texts {
            if let Some(filter) = filter {
                pairs.push((name, filter.texts.join(",")));
                if filter.op != TextOp::default() {
                    pairs.push((op, filter.op.name().to_owned()));
                }
            }
        }
        if let Some(network) = &self.ip {
            pairs.push(("ip", network.to_string()));
        }
        let times = [
            ("started", "started.op", &self.started),
            ("active", "active.op", &self.last_activity),
            ("idle_ends", "idle_ends.op", &self.idle_ends),
            ("ends", "ends.op", &self.ends),
        ];
        for (name, op, filter) in times {
            if let Some(filter) = filter {
                let (word, value) = match filter {
                    TimeFilter::Before(at) => ("before", format!("@{}", at.0)),
                    TimeFilter::After(at) => ("after", format!("@{}", at.0)),
                    TimeFilter::OlderThan(seconds) => ("older", write_duration(*seconds)),
                    TimeFilter::Within(seconds) => ("within", write_duration(*seconds)),
                };
                pairs.push((name, value));
                pairs.push((op, word.to_owned()));
            }
        }
        if let Some(past) = &self.past {
            pairs.push(("past", format!("{},{}", past.idle_minutes, past.absolute_minutes)));
        }
        if self.over {
            pairs.push(("over", "1".to_owned()));
        }
        if let Some(key) = &self.key {
            pairs.push(("key", key.0.clone()));
        }
        pairs
    }

    /// The canonical query string, without `?`; empty for the plain list.
    pub fn to_query_string(&self) -> String {
        crate::paths::query_string(&self.to_pairs())
    }

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
            "ip" => query.ip = None,
            "started" => query.started = None,
            "active" => query.last_activity = None,
            "idle_ends" => query.idle_ends = None,
            "ends" => query.ends = None,
            "past" => query.past = None,
            "over" => query.over = false,
            "key" => query.key = None,
            _ => {}
        }
        query
    }

    /// The same sort, columns and selection without any filter, from the first page.
    pub fn without_filters(&self) -> Self {
        SessionQuery {
            sort: self.sort,
            direction: self.direction,
            selection: self.selection.clone(),
            columns: self.columns.clone(),
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

    /// How many filters are in force.
    pub fn filter_count(&self) -> usize {
        self.filter_pairs()
            .iter()
            .filter(|(name, _)| !name.ends_with(".op"))
            .count()
    }
}

/// Parameters that may stand there several times; any of their values counts.
const MANY: [&str; 4] = ["system", "kind", "state", "site"];
const KNOWN: [&str; 23] = [
    "q",
    "system",
    "kind",
    "state",
    "site",
    "person",
    "session",
    "browser",
    "os",
    "ip",
    "started",
    "active",
    "idle_ends",
    "ends",
    "past",
    "over",
    "key",
    "sort",
    "dir",
    "after",
    "before",
    "sel",
    "cols",
];
const KNOWN_OPS: [&str; 8] = [
    "person.op",
    "session.op",
    "browser.op",
    "os.op",
    "started.op",
    "active.op",
    "idle_ends.op",
    "ends.op",
];

fn unknown(key: &str) -> FieldProblem {
    FieldProblem {
        field: key.to_owned(),
        message: format!(
            "There is no filter “{key}”. Nothing is listed, so that it does not widen the set by mistake."
        ),
    }
}

fn names<const N: usize>(list: [&str; N]) -> String {
    list.join(", ")
}

fn dedup<T: PartialEq>(list: &mut Vec<T>) {
    let mut at = 0;
    while at < list.len() {
        if list[..at].contains(&list[at]) {
            list.remove(at);
        } else {
            at += 1;
        }
    }
}

fn text_filter(op: &str, value: &str) -> Result<TextFilter, String> {
    let op = match op {
        "" | "contains" => TextOp::Contains,
        "is" => TextOp::Is,
        "one_of" => TextOp::OneOf,
        _ => {
            return Err(format!(
                "“{op}” is not a way to compare. Use contains, is or one_of."
            ));
        }
    };
    let texts: Vec<String> = match op {
        TextOp::OneOf => value
            .split(',')
            .map(|t| t.trim().to_owned())
            .filter(|t| !t.is_empty())
            .collect(),
        _ => vec![value.to_owned()],
    };
    if texts.is_empty() {
        return Err("Write at least one name, separated by commas.".to_owned());
    }
    Ok(TextFilter { op, texts })
}

fn time_filter(op: &str, value: &str, offset_min: i32) -> Result<TimeFilter, String> {
    let moment = || {
        let at = match value.strip_prefix('@') {
            Some(ms) => ms.parse().ok().map(Timestamp),
            None => Civil::parse(value).map(|civil| civil.timestamp(offset_min)),
        };
        at.ok_or_else(|| format!("“{value}” is not a date. Write 2026-11-21 or 2026-11-21T03:12."))
    };
    let length = || {
        parse_duration(value)
            .ok_or_else(|| format!("“{value}” is not a length of time. Write 15m, 8h or 2d."))
    };
    match op {
        "before" => Ok(TimeFilter::Before(moment()?)),
        "after" => Ok(TimeFilter::After(moment()?)),
        "older" => Ok(TimeFilter::OlderThan(length()?)),
        "within" => Ok(TimeFilter::Within(length()?)),
        "" => Err("Say how to compare: before, after, older or within.".to_owned()),
        _ => Err(format!(
            "“{op}” is not a way to compare. Use before, after, older or within."
        )),
    }
}

fn past_limits(value: &str) -> Option<PastLimits> {
    let (idle, absolute) = value.split_once(',')?;
    let (idle_minutes, absolute_minutes) = (idle.parse().ok()?, absolute.parse().ok()?);
    let sane = (1..=10_000_000).contains(&idle_minutes) && (1..=10_000_000).contains(&absolute_minutes);
    sane.then_some(PastLimits {
        idle_minutes,
        absolute_minutes,
    })
}
