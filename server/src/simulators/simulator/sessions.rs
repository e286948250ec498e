//! The sessions a simulated system has: kept, found, listed, ended, and a step of life among them.

use std::collections::BTreeSet;

use app::wire::Timestamp;

use super::Inside;
use crate::connectors::simulator::wire::{WireAnswer, WirePage, WireSession};
use crate::keys;

impl Inside {
    pub(super) fn put(&mut self, session: WireSession) -> String {
        let number = self.next;
        self.next += 1;
        let id = session.id.clone();
        self.by_id.insert((session.place.clone(), id.clone()), number);
        self.by_account
            .entry(session.account_id.clone())
            .or_default()
            .insert(number);
        self.sessions.insert(number, session);
        id
    }

    pub(super) fn take(&mut self, number: u64) -> Option<WireSession> {
        let session = self.sessions.remove(&number)?;
        self.by_id.remove(&(session.place.clone(), session.id.clone()));
        if let Some(of) = self.by_account.get_mut(&session.account_id) {
            of.remove(&number);
        }
        Some(session)
    }

    pub(super) fn find(&self, raw_id: &str) -> Option<u64> {
        if let Some(number) = self.by_id.get(&(String::new(), raw_id.to_owned())) {
            return Some(*number);
        }
        let mut places = self.shape.places.iter();
        places.find_map(|place| self.by_id.get(&((*place).to_owned(), raw_id.to_owned())).copied())
    }

    pub(super) fn close(&mut self, raw_id: &str) {
        if let Some(number) = self.find(raw_id) {
            self.take(number);
        }
    }

    pub(super) fn of_account(&self, account_id: &str) -> Vec<WireSession> {
        let numbers = self.by_account.get(account_id).into_iter().flatten();
        numbers
            .filter_map(|number| self.sessions.get(number))
            .cloned()
            .collect()
    }

    pub(super) fn rotate(&mut self, account_id: &str) {
        for number in self.by_account.get(account_id).cloned().unwrap_or_default() {
            if let Some(mut session) = self.take(number) {
                session.id = keys::random_id();
                self.put(session);
            }
        }
    }

    /// Ends one session the way its faults want.
    pub(super) fn end(&mut self, number: u64, now: Timestamp) -> WireAnswer {
        let Some(account_id) = self.sessions.get(&number).map(|s| s.account_id.clone()) else {
            return WireAnswer::NotFound;
        };
        if let Some(words) = self
            .faults
            .refuse_for
            .get(&account_id)
            .or(self.faults.refuse.as_ref())
        {
            return WireAnswer::Refused(words.clone());
        }
        if self.faults.lie || self.faults.lie_for.contains(&account_id) {
            return WireAnswer::Ok;
        }
        let ended = self.take(number);
        if (self.faults.let_back || self.faults.let_back_for.contains(&account_id))
            && let Some(mut back) = ended
        {
            back.id = keys::random_id();
            back.started_ms = Some(now.0);
            back.active_ms = Some(now.0);
            back.ends_ms = (self.shape.absolute_s > 0).then(|| now.plus_seconds(self.shape.absolute_s).0);
            self.put(back);
        }
        WireAnswer::Ok
    }

    fn some_session(&mut self) -> Option<u64> {
        let first = self.sessions.keys().next().copied()?;
        let from = first + self.dice.below(self.next - first);
        self.sessions.range(from..).next().map(|(number, _)| *number)
    }

    /// Whether live traffic leaves a session alone: Curfew's own, and while a fault decides what ending it does. Else it
    /// would end by itself now and then while somebody looks at what the system does with it.
    fn stays(&self, session: &WireSession) -> bool {
        let (faults, account) = (&self.faults, &session.account_id);
        session.own
            || faults.lie
            || faults.let_back
            || faults.refuse.is_some()
            || faults.lie_for.contains(account)
            || faults.let_back_for.contains(account)
            || faults.refuse_for.contains_key(account)
    }

    pub(super) fn tick(&mut self, now: Timestamp) {
        let cleared = now.plus_seconds(-self.shape.clears_after_s);
        let over: Vec<u64> = self
            .sessions
            .iter()
            .filter(|(_, s)| past_limit(s, cleared) && !self.stays(s))
            .map(|(number, _)| *number)
            .collect();
        for number in over {
            self.take(number);
        }
        let moving = self.target / 200 + 1;
        for _ in 0..moving {
            if let Some(number) = self.some_session()
                && let Some(session) = self.sessions.get_mut(&number)
            {
                session.active_ms = Some(now.0);
            }
        }
        for _ in 0..moving / 4 {
            if let Some(number) = self
                .some_session()
                .filter(|n| self.sessions.get(n).is_some_and(|s| !self.stays(s)))
            {
                self.take(number);
            }
        }
        while self.of_nobody() < self.shape.guests.min(self.target) {
            let session = self.guest(now);
            self.put(session);
        }
        while self.sessions.len() < self.target + self.of_nobody() {
            let n = usize::try_from(self.dice.below(self.people as u64)).unwrap_or(0);
            let session = self.fresh(n, now);
            self.put(session);
        }
    }

    fn of_nobody(&self) -> usize {
        self.by_account.get("").map_or(0, BTreeSet::len)
    }

    /// One page of the list, as its faults want it.
    pub(super) fn page(
        &self,
        accounts: &[&str],
        node: u64,
        from: u64,
        given: usize,
        limit: usize,
    ) -> WirePage {
        let most = self.faults.most.unwrap_or(usize::MAX);
        let room = limit.min(most.saturating_sub(given));
        let mut numbers: Vec<u64> = if accounts.is_empty() {
            self.sessions
                .range(from..)
                .map(|(number, _)| *number)
                .take(room + 1)
                .collect()
        } else {
            let mut of: Vec<u64> = accounts
                .iter()
                .filter_map(|a| self.by_account.get(*a))
                .flatten()
                .copied()
                .collect();
            of.sort_unstable();
            of.into_iter()
                .filter(|number| *number >= from)
                .take(room + 1)
                .collect()
        };
        let more = numbers.len() > room;
        let resume = if more { numbers.pop() } else { None };
        let mut sessions: Vec<WireSession> = numbers
            .iter()
            .filter_map(|number| self.sessions.get(number))
            .cloned()
            .collect();
        if self.faults.two_nodes {
            for session in &mut sessions {
                session.node = Some(format!("node-{node}"));
                if node == 2 {
                    session.active_ms = session.active_ms.map(|at| at - 60_000);
                }
            }
        }
        let total = given + sessions.len();
        let next = match resume {
            _ if total >= most => None,
            Some(number) => Some(format!("{node}-{number}-{total}")),
            None if self.faults.two_nodes && node == 1 && !sessions.is_empty() => {
                Some(format!("2-0-{total}"))
            }
            None => None,
        };
        if self.faults.half_list {
            sessions.truncate(sessions.len() / 2);
            return WirePage {
                sessions,
                next: None,
                most: None,
                incomplete: true,
            };
        }
        WirePage {
            sessions,
            next,
            most: self.faults.most,
            incomplete: false,
        }
    }
}

pub(super) fn past_limit(session: &WireSession, now: Timestamp) -> bool {
    let idle = match (session.idle_s, session.active_ms) {
        (Some(s), Some(active)) if s > 0 => now.since(Timestamp(active)) > s * 1000,
        _ => false,
    };
    idle || session.ends_ms.is_some_and(|ends| now.0 > ends)
}
