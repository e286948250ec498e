//! Who is at work in a simulated Domo, everything odd that a list of sessions may hold, and a step of life.

use app::wire::Timestamp;

use super::model::{BROWSER, MOBILE, Model};
use crate::simulators::people;

/// One session in so many is of the mobile app.
const MOBILES: u64 = 3;

impl Model {
    /// Brings `people` in and opens `sessions` of them, begun at various times; live traffic keeps to that number.
    pub fn fill(&mut self, people: usize, sessions: usize, now: Timestamp) {
        let users: Vec<i64> = (0..people)
            .map(|n| {
                let person = people::person(n);
                self.add_user(&person.name, person.email.as_deref())
            })
            .collect();
        self.target = sessions;
        let few = u64::try_from(users.len()).unwrap_or(0);
        for n in 0..sessions {
            let any = usize::try_from(self.dice.below(few)).unwrap_or(0);
            let Some(user) = users.get(if n < users.len() { n } else { any }) else {
                return;
            };
            self.come(*user, now);
        }
    }

    /// Opens a session of that person that began some time ago.
    fn come(&mut self, user: i64, now: Timestamp) {
        let mobile = self.dice.below(MOBILES) == 0;
        let id = self.open(user, if mobile { MOBILE } else { BROWSER }, now);
        let longest = if mobile { 20 * 86_400 } else { 7 * 86_400 };
        let (idle, age) = (self.some(25_000), self.some(longest).min(self.some(longest)));
        if let Some(session) = self.session(id) {
            session.last_access = now.plus_seconds(-idle.min(age));
            session.created = now.plus_seconds(-age);
            session.absolute = session.absolute.map(|at| at.plus_seconds(-age));
        }
    }

    /// A number below `n`.
    fn some(&mut self, n: i64) -> i64 {
        let below = u64::try_from(n).unwrap_or(0);
        i64::try_from(self.dice.below(below)).unwrap_or(0)
    }

    /// Adds one of everything a list may hold that careless code breaks on; the numbers are those of docs/systems/domo.md.
    pub fn add_oddities(&mut self, now: Timestamp) {
        let plain = self.add_user("Priya Raghunathan", Some("p.raghunathan@northwind.example"));
        self.open(plain, BROWSER, now.plus_seconds(-3_600));
        // A limit that ends it at any rate.
        let id = self.open(plain, BROWSER, now.plus_seconds(-600));
        self.change(id, |session| session.absolute = Some(now.plus_seconds(28_800)));
        self.open(plain, MOBILE, now.plus_seconds(-86_400));
        let many = self.add_user("Many Windows", Some("many@northwind.example"));
        for n in 0..12 {
            self.open(many, BROWSER, now.plus_seconds(-60 * n));
        }
        // Two from one place.
        for _ in 0..2 {
            let id = self.open(plain, BROWSER, now.plus_seconds(-30));
            self.change(id, |session| session.ip = Some("198.51.100.7".to_owned()));
        }
        let id = self.open(plain, BROWSER, now.plus_seconds(-20));
        self.change(id, |session| {
            session.ip = Some("2001:db8:85a3::8a2e:370:7334".to_owned())
        });
        for (name, active, known) in [("Dee Leted", true, false), ("Dan Deactivated", false, true)] {
            let user = self.add_user(name, Some("gone@northwind.example"));
            if let Some(user) = self.user(user) {
                (user.active, user.known) = (active, known);
            }
            self.open(user, BROWSER, now.plus_seconds(-900));
        }
        let long = "Wolfeschlegelsteinhausen ".repeat(8);
        for name in [
            "Siobhán Ní Dhomhnaill",
            "محمد عبد الرحمن الحسيني",
            &long[..200],
            "Jordan Smith",
            "Jordan Smith",
        ] {
            let user = self.add_user(name, None);
            self.open(user, BROWSER, now.plus_seconds(-120));
        }
        // Past its idle limit and still listed.
        let id = self.open(plain, BROWSER, now.plus_seconds(-90_000));
        self.change(id, |session| session.last_access = now.plus_seconds(-80_000));
        let id = self.open(plain, BROWSER, now.plus_seconds(-10));
        self.change(id, |session| session.user_as_text = false);
        let id = self.open(plain, BROWSER, now.plus_seconds(-9));
        self.change(id, |session| {
            session.more = true;
            session.ip = None;
        });
        self.open(plain, "xkcd", now.plus_seconds(-8));
    }

    fn change(&mut self, id: i64, change: impl FnOnce(&mut super::model::Session)) {
        if let Some(session) = self.session(id) {
            change(session);
        }
    }

    /// One step of life: some click, some leave, some come, and who is past a limit is signed out.
    pub fn tick(&mut self, now: Timestamp) {
        let moving = self.target / 200 + 1;
        for at in 1..=moving {
            let Some((first, last)) = self
                .sessions
                .first_key_value()
                .zip(self.sessions.last_key_value())
                .map(|((first, _), (last, _))| (*first, *last))
            else {
                break;
            };
            let from = first + self.some(last - first + 1);
            let Some(session) = self.sessions.range(from..).next().map(|(_, session)| session) else {
                break;
            };
            let (id, token, user) = (session.id, session.token.clone(), session.user_id);
            let leaves = at % 4 == 0 && self.users.get(&user).is_none_or(|user| !user.manages);
            if leaves {
                self.end(id, now);
            } else {
                self.used(&token, false, now);
            }
        }
        self.clear(now);
        let users: Vec<i64> = self
            .users
            .values()
            .filter(|user| user.active)
            .map(|user| user.id)
            .collect();
        while self.sessions.len() < self.target {
            let Some(user) = self.dice.one_of(&users) else {
                break;
            };
            self.open(user, BROWSER, now);
        }
    }
}
