//! Who is signed in to a simulated Keycloak, and a step of life.

use app::wire::Timestamp;

use super::model::{LIBRARY, Model, PORTAL};
use crate::simulators::people;

impl Model {
    /// Brings the estate's first `people` in and opens `sessions` of them, one in four an offline one, begun at various
    /// times; live traffic keeps to that number.
    pub fn fill(&mut self, realm: &str, people: usize, sessions: usize, now: Timestamp) {
        let users: Vec<String> = (0..people)
            .map(|n| {
                let person = people::person(n);
                self.add_user(realm, &person.account, &person.name, person.email.as_deref())
            })
            .collect();
        let few = u64::try_from(users.len()).unwrap_or(0);
        for n in 0..sessions {
            let any = usize::try_from(self.dice.below(few)).unwrap_or(0);
            let Some(user) = users.get(if n < users.len() { n } else { any }) else {
                break;
            };
            let offline = n % 4 == 3;
            self.come(realm, user, offline, now);
        }
        if let Some(realm) = self.realms.get_mut(realm) {
            realm.target = sessions;
        }
    }

    /// Opens a session that began some time ago.
    fn come(&mut self, realm: &str, user: &str, offline: bool, now: Timestamp) {
        let (id, _) = self.open(realm, user, PORTAL, offline, now);
        let longest = if offline { 40 * 86_400 } else { 34_000 };
        let idlest = if offline { 20 * 86_400 } else { 1_700 };
        let (age, idle, both) = (self.some(longest), self.some(idlest), self.some(3) == 0);
        let Some(realm) = self.realms.get_mut(realm) else {
            return;
        };
        let library = realm.clients.values().find(|client| client.client_id == LIBRARY);
        let library = library.map(|client| client.uuid.clone()).filter(|_| both);
        if let Some(session) = realm.sessions(offline).get_mut(&id) {
            session.start = session.start.plus_seconds(-age);
            session.last_access = session.last_access.plus_seconds(-idle.min(age));
            session.clients.extend(library);
        }
    }

    /// A number below `n`.
    fn some(&mut self, n: i64) -> i64 {
        let below = u64::try_from(n).unwrap_or(0);
        i64::try_from(self.dice.below(below)).unwrap_or(0)
    }

    /// One step of life: some are used, some leave, who is past a limit goes, and others come.
    pub fn tick(&mut self, now: Timestamp) {
        let names: Vec<String> = self.realms.keys().cloned().collect();
        let second = Timestamp(now.0 / 1_000 * 1_000);
        for name in names {
            let moving = self.realms.get(&name).map_or(0, |realm| realm.target / 50 + 1);
            let offset = self.some(50);
            let Some(realm) = self.realms.get_mut(&name) else {
                continue;
            };
            if realm.target == 0 {
                continue;
            }
            let (idle, life) = (
                realm.seconds("ssoSessionIdleTimeout"),
                realm.seconds("ssoSessionMaxLifespan"),
            );
            let skip = usize::try_from(offset).unwrap_or(0);
            for session in realm.online.values_mut().skip(skip).step_by(50).take(moving) {
                session.last_access = second;
            }
            let leaving = realm.online.keys().nth(skip).cloned();
            leaving.and_then(|id| realm.online.remove(&id));
            realm.online.retain(|_, session| {
                now.since(session.last_access) < idle * 1_000 && now.since(session.start) < life * 1_000
            });
            let missing = realm
                .target
                .saturating_sub(realm.online.len() + realm.offline.len());
            let users: Vec<String> = realm
                .users
                .values()
                .filter(|user| user.enabled && user.username != super::CANARY)
                .map(|user| user.id.clone())
                .collect();
            let few = i64::try_from(users.len()).unwrap_or(0);
            for _ in 0..missing {
                let at = usize::try_from(self.some(few)).unwrap_or(0);
                if let Some(user) = users.get(at) {
                    self.open(&name, user, PORTAL, false, now);
                }
            }
        }
    }
}
