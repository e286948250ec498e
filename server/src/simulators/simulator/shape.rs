//! What the sessions of a simulated system look like: kinds, places, limits, addresses, browsers, ages.

use app::sessions::wire::SessionKind;
use app::wire::Timestamp;

use super::{Inside, people};
use crate::connectors::simulator::wire::WireSession;
use crate::keys;

/// What the sessions of a simulated system look like.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Kinds, chosen evenly.
    pub kinds: &'static [&'static str],
    /// Sites; empty = none.
    pub sites: &'static [&'static str],
    /// Places (contexts, realms); empty = none.
    pub places: &'static [&'static str],
    /// Idle limit, seconds; 0 = never.
    pub idle_s: i64,
    /// Places with an idle limit of their own, seconds; empty = `idle_s` everywhere.
    pub place_idle_s: &'static [(&'static str, i64)],
    /// It lists sessions for so long after a limit ended them, seconds, as a server that clears away now and then.
    pub clears_after_s: i64,
    /// Sessions that nobody signs in with, kept up at that number.
    pub guests: usize,
    /// What it says of its limits.
    pub limits_note: &'static str,
    /// Longest life, seconds; 0 = no limit.
    pub absolute_s: i64,
    /// It reports addresses and browsers.
    pub clients: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            kinds: &["web"],
            sites: &[],
            places: &[],
            idle_s: 1_800,
            place_idle_s: &[],
            clears_after_s: 0,
            guests: 0,
            limits_note: "",
            absolute_s: 36_000,
            clients: true,
        }
    }
}

impl Shape {
    /// Idle limit of a place, seconds.
    pub(super) fn idle_s_of(&self, place: &str) -> i64 {
        let own = self.place_idle_s.iter().find(|(name, _)| *name == place);
        own.map_or(self.idle_s, |(_, idle_s)| *idle_s)
    }
}

const BROWSERS: [&str; 7] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36 Edg/149.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/20.0 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/20.0 Mobile/15E148 Safari/604.1",
    "",
];

impl Inside {
    /// A session of the `n`th person that begins now.
    pub(super) fn fresh(&mut self, n: usize, now: Timestamp) -> WireSession {
        let person = people::person(n);
        let shape = self.shape.clone();
        let text = |part: Option<&'static str>| part.unwrap_or_default().to_owned();
        let ip = match self.dice.below(8) {
            0 => format!(
                "2001:db8:{:x}::{:x}",
                self.dice.below(0xffff),
                self.dice.below(0xffff)
            ),
            1 | 2 => format!("198.51.100.{}", self.dice.below(254) + 1),
            3 | 4 => format!("192.0.2.{}", self.dice.below(254) + 1),
            5 => format!(
                "10.{}.{}.{}",
                self.dice.below(4),
                self.dice.below(255),
                self.dice.below(254) + 1
            ),
            _ => format!("203.0.113.{}", self.dice.below(254) + 1),
        };
        let place = text(self.dice.one_of(shape.places));
        WireSession {
            id: keys::random_id(),
            idle_s: Some(shape.idle_s_of(&place)),
            place,
            kind: text(self.dice.one_of(shape.kinds)),
            account_id: person.account_id,
            account: person.account,
            name: person.name,
            doubt: None,
            email: person.email,
            ip: shape.clients.then_some(ip),
            user_agent: self
                .dice
                .one_of(&BROWSERS)
                .filter(|agent| shape.clients && !agent.is_empty())
                .map(str::to_owned),
            node: None,
            site: text(self.dice.one_of(shape.sites)),
            started_ms: Some(now.0),
            active_ms: Some(now.0),
            ends_ms: (shape.absolute_s > 0).then(|| now.plus_seconds(shape.absolute_s).0),
            own: false,
            returns: None,
        }
    }

    /// A session that nobody signed in with.
    pub(super) fn guest(&mut self, now: Timestamp) -> WireSession {
        WireSession {
            kind: SessionKind::Guest.name().to_owned(),
            account_id: String::new(),
            account: String::new(),
            name: String::new(),
            email: None,
            ..self.fresh(0, now)
        }
    }

    /// Moves the beginning into the past, as far as its limits allow.
    pub(super) fn age(&mut self, session: &mut WireSession, now: Timestamp) {
        let longest = if self.shape.absolute_s > 0 {
            self.shape.absolute_s
        } else {
            14 * 86_400
        };
        // Most sessions are young.
        let (a, b) = (
            self.dice.below(longest as u64) as i64,
            self.dice.below(longest as u64) as i64,
        );
        let age_s = a.min(b);
        let pause = match session.idle_s {
            Some(idle_s) if idle_s > 0 => idle_s + self.shape.clears_after_s,
            _ => longest,
        };
        let pause_s = (self.dice.below(pause as u64) as i64).min(age_s);
        let started = now.plus_seconds(-age_s);
        session.started_ms = Some(started.0);
        session.active_ms = Some(now.plus_seconds(-pause_s).0);
        session.ends_ms = (self.shape.absolute_s > 0).then(|| started.plus_seconds(self.shape.absolute_s).0);
    }
}
