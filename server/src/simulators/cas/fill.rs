//! Who is signed in to a simulated CAS, and a step of life.

use app::wire::Timestamp;

use super::CANARY;
use super::model::{Model, SERVICES};
use crate::keys;
use crate::simulators::people;

impl Model {
    /// Brings the estate's first `people` in and opens `sessions` of them, begun at various times; live traffic keeps to
    /// that number.
    pub fn fill(&mut self, people: usize, sessions: usize, now: Timestamp) {
        let names: Vec<String> = (0..people)
            .map(|n| {
                let person = people::person(n);
                let password = keys::random_id();
                self.add_person(&person.account, &person.name, person.email.as_deref(), &password);
                person.account
            })
            .collect();
        let few = u64::try_from(names.len()).unwrap_or(0);
        for n in 0..sessions {
            let any = usize::try_from(self.dice.below(few)).unwrap_or(0);
            let Some(name) = names.get(if n < names.len() { n } else { any }).cloned() else {
                break;
            };
            self.come(&name, now);
        }
        self.target = sessions;
    }

    /// Opens a session that began some time ago, at up to all of the applications.
    fn come(&mut self, username: &str, now: Timestamp) {
        let (id, _) = self.open(username, now);
        let (age, idle) = (self.some(self.life_s - 900), self.some(self.idle_s - 900));
        let services = self.some(4);
        for service in SERVICES.iter().take(usize::try_from(services).unwrap_or(0)) {
            self.sign_in_to(&id, service, now);
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.created = session.created.plus_seconds(-age);
            session.last_used = session.last_used.plus_seconds(-idle.min(age));
        }
    }

    /// A number below `n`.
    fn some(&mut self, n: i64) -> i64 {
        let below = u64::try_from(n).unwrap_or(0);
        i64::try_from(self.dice.below(below)).unwrap_or(0)
    }

    /// One step of life: some are used, one leaves, who is past a limit goes, and others come.
    pub fn tick(&mut self, now: Timestamp) {
        if self.target == 0 {
            return;
        }
        let (idle_ms, life_ms) = (self.idle_s * 1_000, self.life_s * 1_000);
        self.sessions.retain(|_, session| {
            now.since(session.last_used) < idle_ms && now.since(session.created) < life_ms
        });
        let skip = usize::try_from(self.some(50)).unwrap_or(0);
        let second = Timestamp(now.0 / 1_000 * 1_000);
        for session in self.sessions.values_mut().skip(skip).step_by(50) {
            session.last_used = second;
        }
        let leaving = self.sessions.keys().nth(skip).cloned();
        leaving.and_then(|id| self.end(&id));
        let names: Vec<String> = self
            .people
            .keys()
            .filter(|name| *name != CANARY)
            .cloned()
            .collect();
        let few = i64::try_from(names.len()).unwrap_or(0);
        for _ in self.sessions.len()..self.target {
            let at = usize::try_from(self.some(few)).unwrap_or(0);
            let Some(name) = names.get(at).cloned() else {
                return;
            };
            let (id, _) = self.open(&name, now);
            self.sign_in_to(&id, SERVICES[0], now);
        }
        // What was told is for tests of a moment.
        if self.told.len() > 10_000 {
            self.told.clear();
        }
    }
}
