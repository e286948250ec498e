//! Who is at work on a simulated Tableau Server, and a step of life among their sessions.

use app::wire::Timestamp;

use super::model::Model;
use super::rows::{Kind, Session, SiteRole};
use crate::simulators::people;

/// One session in so many is of the kind.
const TICKETS: u64 = 8;
const REST: u64 = 12;
const IMPERSONATED: u64 = 40;
const EXTERNAL: u64 = 50;

impl Model {
    /// Brings `count` people in, each of them on one of the sites and some on several; adds the sites that are missing.
    ///
    /// `sites` are names with their `contentUrl`, beside Default, which is there already.
    pub fn fill(&mut self, count: usize, sites: &[(&str, &str)], now: Timestamp) {
        for (name, content_url) in sites {
            if self.site_by_url(content_url).is_none() {
                self.add_site(name, content_url);
            }
        }
        let sites: Vec<i32> = self.sites.keys().copied().collect();
        let roles = [SiteRole::Viewer, SiteRole::Interactor, SiteRole::Publisher];
        for n in 0..count {
            let person = people::person(n);
            let id = self.add_person(&person.account, &person.name, person.email);
            for (at, site) in sites.iter().enumerate() {
                if at == n % sites.len() || self.dice.below(4) == 0 {
                    let role = self.dice.one_of(&roles).unwrap_or(SiteRole::Viewer);
                    self.join(id, *site, role, now);
                }
            }
        }
    }

    /// Adds somebody who signs in with a password and administers the server, on every site; their key.
    pub fn add_administrator(&mut self, name: &str, password: &str, now: Timestamp) -> i32 {
        let id = self.add_person(name, name, None);
        self.set_administrator(id, true);
        self.set_password(id, password);
        let sites: Vec<i32> = self.sites.keys().copied().collect();
        for site in sites {
            self.join(id, site, SiteRole::SiteAdministrator, now);
        }
        id
    }

    /// Opens sessions of the people there until there are `count`, first one of each, begun at various times; live
    /// traffic keeps to that number.
    pub fn fill_sessions(&mut self, count: usize, now: Timestamp) {
        self.target = count;
        let users: Vec<i32> = self.users.keys().copied().collect();
        let mut users = users.into_iter();
        while self.sessions.len() < count {
            let id = match users.next() {
                Some(user) => self.come_as(user, now),
                None => self.come(now),
            };
            let Some(id) = id else { return };
            let idle_s = self.shape.idle_min * 60;
            let longest = self
                .shape
                .lifetime_min
                .map_or(14 * 86_400, |minutes| minutes * 60);
            // Most sessions are young.
            let age_s = self.some(longest).min(self.some(longest));
            let pause_s = self.some(idle_s + self.shape.kept_s).min(age_s);
            self.set_times(id, now.plus_seconds(-age_s), now.plus_seconds(-pause_s));
        }
    }

    /// A number below `n`.
    fn some(&mut self, n: i64) -> i64 {
        let below = u64::try_from(n).unwrap_or(0);
        i64::try_from(self.dice.below(below)).unwrap_or(0)
    }

    /// Somebody comes; the key of their session, none when nobody belongs to the server.
    fn come(&mut self, now: Timestamp) -> Option<i32> {
        let highest = self.users.last_key_value().map(|(id, _)| *id)?;
        let from = i32::try_from(self.some(highest.into())).unwrap_or(0);
        let (user, site) = self
            .users
            .range(from..)
            .next()
            .map(|(id, user)| (*id, user.site_id))?;
        if self.shape.release.is_since(2023, 3) && self.dice.below(EXTERNAL) == 0 {
            let who = format!("ext-{}", self.dice.below(900));
            return self.open_external(&who, site, now);
        }
        self.come_as(user, now)
    }

    /// That site user comes; the key of their session.
    fn come_as(&mut self, user: i32, now: Timestamp) -> Option<i32> {
        let site = self.users.get(&user)?.site_id;
        let kind = match self.dice.below(TICKETS * REST) {
            n if n % TICKETS == 0 => Kind::TrustedTicket,
            n if n % REST == 0 => Kind::Rest,
            _ => Kind::Browser,
        };
        let id = self.open(user, kind, now)?;
        if self.dice.below(IMPERSONATED) == 0 {
            let by = {
                let mut members = self.members(site);
                let found = members.find(|(_, person)| person.administrator);
                found.map(|(user, _)| user.id)
            };
            if let Some(session) = self.sessions.get_mut(&id).filter(|_| by.is_some()) {
                session.initiating_user_id = by;
            }
        }
        Some(id)
    }

    /// One step of life: some click, some leave, some come, and rows of sessions past a limit are cleared away.
    ///
    /// Sessions that `stays` names neither leave nor are cleared; nor are those of server administrators.
    pub fn tick(&mut self, now: Timestamp, stays: impl Fn(&Self, &Session) -> bool) {
        let moving = self.target / 200 + 1;
        for at in 1..=moving {
            let Some((id, kept)) = self.some_session(&stays) else {
                break;
            };
            if at % 4 == 0 && !kept {
                self.end(id);
            } else if let Some(token) = self.sessions.get(&id).map(|session| session.token.clone()) {
                // Past a limit, a click is refused.
                self.used(Some(&token), now).ok();
            }
        }
        self.clear(now);
        while self.sessions.len() < self.target {
            if self.come(now).is_none() {
                break;
            }
        }
    }

    fn some_session(&mut self, stays: impl Fn(&Self, &Session) -> bool) -> Option<(i32, bool)> {
        let (first, last) = (
            self.sessions.first_key_value()?.0,
            self.sessions.last_key_value()?.0,
        );
        let (first, last) = (*first, *last);
        let from = first + i32::try_from(self.some(i64::from(last - first) + 1)).unwrap_or(0);
        let session = self.sessions.range(from..).next()?.1;
        Some((session.id, self.is_administrator(session) || stays(self, session)))
    }
}
