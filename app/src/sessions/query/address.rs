//! The query as the pairs of an address or form: read with a name for every problem, written back without defaults.

use super::filter::{Network, TextOp, TimeFilter, moment, past_limits, text_filter, time_filter};
use super::{Cursor, GroupBy, SessionQuery, SortKey, typed};
use crate::civil::write_duration;
use crate::error::FieldProblem;
use crate::sessions::columns::Column;
use crate::sessions::wire::{SessionKind, SessionState};
use crate::wire::{Direction, SelectionId, SessionKey, SubjectId, SystemId};

impl SessionQuery {
    /// Reads the pairs of an address or form. What is not understood is named; the rest is kept, so that the page can
    /// show the form again with everything in it.
    ///
    /// A term typed into the search box stands in the place of the field of the same name: it is the newer wish. What
    /// leaves out systems, kinds or sites comes on top of what is left out already.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(
        pairs: &[(K, V)],
        offset_min: i32,
    ) -> (Self, Vec<FieldProblem>) {
        let mut boxes: Vec<&str> = pairs
            .iter()
            .filter(|(name, _)| name.as_ref() == "q")
            .map(|(_, value)| value.as_ref().trim())
            .filter(|value| !value.is_empty())
            .collect();
        boxes.dedup();
        let [text] = boxes.as_slice() else {
            // None, or two that are named as such.
            return Self::from_parameters(pairs, offset_min);
        };
        let typed = typed::read(text, offset_min);
        let base = |name: &str| name.strip_suffix(".op").unwrap_or(name).to_owned();
        let said: Vec<String> = typed.pairs.iter().map(|(name, _)| base(name)).collect();
        let mut all: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
            .filter(|(name, _)| *name != "q" && (GROWING.contains(name) || !said.contains(&base(name))))
            .collect();
        all.push(("q", &typed.text));
        all.extend(typed.pairs.iter().map(|(name, value)| (*name, value.as_str())));
        let (query, more) = Self::from_parameters(&all, offset_min);
        let mut problems = typed.problems;
        problems.extend(more);
        (query, problems)
    }

    /// As [`SessionQuery::from_pairs`], with the text of `q` as it stands.
    pub(super) fn from_parameters<K: AsRef<str>, V: AsRef<str>>(
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
                "not.system" => query.not.systems.push(SystemId::from(value)),
                "kind" | "not.kind" => match SessionKind::from_name(value) {
                    Some(kind) if key == "kind" => query.kinds.push(kind),
                    Some(kind) => query.not.kinds.push(kind),
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
                "not.site" => query.not.sites.push(value.to_owned()),
                "person" | "session" | "browser" | "os" | "not.person" | "not.browser" | "not.os" => {
                    match text_filter(&op(key), value) {
                        Ok(filter) => {
                            *(match key {
                                "person" => &mut query.person,
                                "session" => &mut query.session,
                                "browser" => &mut query.browser,
                                "os" => &mut query.os,
                                "not.person" => &mut query.not.person,
                                "not.browser" => &mut query.not.browser,
                                _ => &mut query.not.os,
                            }) = Some(filter);
                        }
                        Err(message) => bad(message),
                    }
                }
                "ip" | "not.ip" => match Network::parse_list(value) {
                    Ok(networks) if key == "ip" => query.ip = networks,
                    Ok(networks) => query.not.ip = networks,
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
                "never_idle" => match value {
                    "1" => query.never_idle = true,
                    _ => bad(format!(
                        "“{value}” is not an answer to “never ends for idleness”. Write never_idle=1."
                    )),
                },
                "earlier" => match value {
                    "1" => query.earlier = true,
                    _ => bad(format!(
                        "“{value}” is not an answer to “under an earlier policy”. Write earlier=1."
                    )),
                },
                "account" => query.account = Some(value.to_lowercase()),
                "subject" => query.subject = Some(SubjectId::from(value)),
                "at" => match moment(value, offset_min) {
                    Ok(at) => query.at = Some(at),
                    Err(message) => bad(message),
                },
                "group" => match GroupBy::from_name(value) {
                    Some(by) => query.group = Some(by),
                    None => bad(format!(
                        "The list can't be grouped by “{value}”. It can by {}.",
                        names(GroupBy::ALL.map(GroupBy::name))
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
        dedup(&mut query.not.sites);
        dedup(&mut query.not.systems);
        dedup(&mut query.not.kinds);
        if query.states == [SessionState::Live] {
            query.states.clear();
        }
        (query, problems)
    }

    /// The pairs that stand for this query, defaults left out; [`SessionQuery::from_pairs`] reads them back equal.
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.filter_pairs();
        if let Some(by) = self.group {
            pairs.push(("group", by.name().to_owned()));
        }
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
        pairs.extend(self.not.systems.iter().map(|s| ("not.system", s.0.clone())));
        pairs.extend(self.not.kinds.iter().map(|k| ("not.kind", k.name().to_owned())));
        pairs.extend(self.not.sites.iter().map(|s| ("not.site", s.clone())));
        let texts = [
            ("person", "person.op", &self.person),
            ("session", "session.op", &self.session),
            ("browser", "browser.op", &self.browser),
            ("os", "os.op", &self.os),
            ("not.person", "not.person.op", &self.not.person),
            ("not.browser", "not.browser.op", &self.not.browser),
            ("not.os", "not.os.op", &self.not.os),
        ];
        for (name, op, filter) in texts {
            if let Some(filter) = filter {
                pairs.push((name, filter.texts.join(",")));
                if filter.op != TextOp::default() {
                    pairs.push((op, filter.op.name().to_owned()));
                }
            }
        }
        for (name, networks) in [("ip", &self.ip), ("not.ip", &self.not.ip)] {
            if !networks.is_empty() {
                pairs.push((name, Network::write_list(networks)));
            }
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
        if self.never_idle {
            pairs.push(("never_idle", "1".to_owned()));
        }
        if self.earlier {
            pairs.push(("earlier", "1".to_owned()));
        }
        if let Some(key) = &self.key {
            pairs.push(("key", key.0.clone()));
        }
        if let Some(account) = &self.account {
            pairs.push(("account", account.clone()));
        }
        if let Some(subject) = &self.subject {
            pairs.push(("subject", subject.0.clone()));
        }
        if let Some(at) = self.at {
            pairs.push(("at", format!("@{}", at.0)));
        }
        pairs
    }

    /// The canonical query string, without `?`; empty for the plain list.
    pub fn to_query_string(&self) -> String {
        crate::paths::query_string(&self.to_pairs())
    }
}

/// Parameters that may stand there several times; any of their values counts.
pub(super) const MANY: [&str; 7] = [
    "system",
    "kind",
    "state",
    "site",
    "not.system",
    "not.kind",
    "not.site",
];
/// Of these, typed values join those that are there: each takes more away.
const GROWING: [&str; 3] = ["not.system", "not.kind", "not.site"];
const KNOWN: [&str; 36] = [
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
    "never_idle",
    "earlier",
    "key",
    "account",
    "subject",
    "at",
    "group",
    "not.system",
    "not.kind",
    "not.site",
    "not.person",
    "not.ip",
    "not.browser",
    "not.os",
    "sort",
    "dir",
    "after",
    "before",
    "sel",
    "cols",
];
pub(super) const KNOWN_OPS: [&str; 11] = [
    "person.op",
    "session.op",
    "browser.op",
    "os.op",
    "started.op",
    "active.op",
    "idle_ends.op",
    "ends.op",
    "not.person.op",
    "not.browser.op",
    "not.os.op",
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
