//! Lists of sessions, of everybody and of some, and what a list of everybody showed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use app::wire::Limit;
use async_trait::async_trait;

use super::Cas;
use super::reading::Sessions;
use super::rows::Row;
use crate::connectors::{Completeness, ConnectorError, ListSessions, Sink, Wanted};

/// People who are asked for one by one; more are found in one list of everybody.
const FEW: usize = 8;
/// Applications named in one sentence.
const NAMED: usize = 5;
/// Applications remembered.
const MOST_APPLICATIONS: usize = 1_000;
/// Rows asked for where one person's are wanted. CAS cuts before it looks for the name, so what bounds a list of everybody
/// would hide sessions here; this is the largest number that it takes for certain.
pub(super) const NO_CUT: u32 = i32::MAX as u32;

/// What a list of everybody showed, without who it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Noticed {
    pub sessions: usize,
    /// It writes when sessions began: CAS 7.
    pub seven: bool,
    /// Idle and longest life of sessions, seconds, 0 = none; the last that were seen, where nobody is there.
    pub limits: BTreeSet<(Option<i64>, Option<i64>)>,
    /// Longest life of sessions of people who asked to be remembered, the same way.
    pub remembered: BTreeSet<Option<i64>>,
    /// Sessions that reach no application.
    pub alone: usize,
    /// Hosts of applications, with how many sessions reach them.
    pub applications: BTreeMap<String, usize>,
}

/// Seconds, 0 = no limit; `None` = not told.
const fn stored(limit: Limit) -> Option<i64> {
    match limit {
        Limit::Seconds(seconds) => Some(seconds),
        Limit::None => Some(0),
        Limit::Unknown => None,
    }
}

impl Noticed {
    pub(super) fn note(&mut self, row: &Row) {
        self.sessions += 1;
        self.seven |= row.created.is_some();
        self.alone += usize::from(row.services.0.is_empty());
        self.limits.insert((stored(row.idle()), stored(row.life())));
        if row.remember_me {
            self.remembered.insert(stored(row.life()));
        }
        for host in &row.services.0 {
            if self.applications.len() < MOST_APPLICATIONS || self.applications.contains_key(host) {
                *self.applications.entry(host.clone()).or_default() += 1;
            }
        }
    }

    /// "a.example.org (12), b.example.org (3) and 2 more"; empty = none.
    fn applications(&self) -> String {
        let mut hosts: Vec<(&String, &usize)> = self.applications.iter().collect();
        hosts.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let named: Vec<String> = hosts
            .iter()
            .take(NAMED)
            .map(|(host, count)| format!("{host} ({count})"))
            .collect();
        match hosts.len().saturating_sub(NAMED) {
            0 => named.join(", "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    }

    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec![
            "CAS answers, accepts Curfew\u{2019}s identity, and its endpoint ssoSessions is enabled."
                .to_owned(),
        ];
        words.push(match (self.sessions, self.seven) {
            (0, _) => "Nobody is signed in, so it can\u{2019}t be told whether this is CAS 6 or 7.".to_owned(),
            (_, true) => "It lists as CAS 7 does: with the start and the last use of each session.".to_owned(),
            (_, false) => {
                "It lists as CAS 6 does: without the last use of a session, so how long somebody was idle is not known."
                    .to_owned()
            }
        });
        let applications = self.applications();
        if !applications.is_empty() {
            words.push(format!(
                "Sessions reach these applications (how many sessions): {applications}."
            ));
        }
        if self.alone > 0 {
            words.push(match self.alone {
                1 => "1 session signed in to no application: nobody is told of its end.".to_owned(),
                many => format!("{many} sessions signed in to no application: nobody is told of their end."),
            });
        }
        words
    }
}

impl Cas {
    /// Why a list of everybody is not whole; `None` = it is.
    fn missing(&self, read: Sessions) -> Option<String> {
        if read.rows >= self.limit as usize {
            return Some(format!(
                "CAS gave {} sessions, the most Curfew asks for (limit): there may be more.",
                read.rows
            ));
        }
        missing(read)
    }
}

/// What no list of any size may lack.
fn missing(read: Sessions) -> Option<String> {
    if read.unreadable > 0 {
        return Some(format!(
            "{} sessions came without a person, or with an id that can\u{2019}t stand in an address, and were left out.",
            read.unreadable
        ));
    }
    let counted = read.counted.filter(|counted| *counted > read.rows as u64)?;
    Some(format!("CAS counts {counted} sessions and lists {}.", read.rows))
}

fn whole(why: Option<String>) -> Completeness {
    why.map_or(Completeness::Complete, Completeness::Partial)
}

#[async_trait]
impl ListSessions for Cas {
    fn narrows(&self) -> bool {
        true
    }

    async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let accounts: BTreeSet<&str> = match wanted {
            Wanted::All => {
                let mut noticed = Noticed::default();
                let keep = |row: Row| {
                    noticed.note(&row);
                    Some(row.seen())
                };
                let read = self.api.list(None, self.limit, Some(sink), keep).await?;
                let mut held = self.noticed.write().unwrap_or_else(PoisonError::into_inner);
                if let Some(before) = held.take().filter(|_| noticed.limits.is_empty()) {
                    noticed.limits = before.limits;
                    noticed.remembered = before.remembered;
                }
                *held = Some(noticed);
                return Ok(whole(self.missing(read)));
            }
            Wanted::Accounts(accounts) => accounts
                .iter()
                .map(String::as_str)
                .filter(|account| !account.is_empty())
                .collect(),
        };
        let mut why = None;
        // CAS compares names without regard to case; two accounts that differ by it alone stay two here.
        let keep = |row: Row| accounts.contains(row.principal.as_str()).then(|| row.seen());
        if accounts.len() > FEW {
            why = self.missing(self.api.list(None, self.limit, Some(sink), keep).await?);
        } else {
            for account in accounts.iter().copied() {
                let only = |row: Row| (row.principal == account).then(|| row.seen());
                let read = self.api.list(Some(account), NO_CUT, Some(sink), only).await?;
                why = why.or(missing(read));
            }
        }
        Ok(whole(why))
    }
}
