//! What a simulated Domo knows: people, their sessions, and the limits that new sessions get.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use app::wire::Timestamp;

use crate::keys;
use crate::simulators::dice::Dice;

/// Type code of a browser: the only one ever seen in public.
pub const BROWSER: &str = "sss";
/// Type code of the mobile app; this one is made up.
pub const MOBILE: &str = "mob";
/// How long an ended session of the mobile app may go on, seconds.
const GRACE_S: i64 = 3_600;
/// Wrong passwords after which an account is locked.
const WRONG_PASSWORDS: u32 = 5;

/// Limits of new sessions, minutes; 0 = unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub idle_min: i64,
    pub max_min: i64,
    pub mobile_idle_min: i64,
    pub mobile_max_min: i64,
}

impl Default for Policy {
    /// What Domo delivers.
    fn default() -> Self {
        Self {
            idle_min: 480,
            max_min: 0,
            mobile_idle_min: 43_200,
            mobile_max_min: 259_200,
        }
    }
}

/// Somebody.
#[derive(Clone, Debug)]
pub struct User {
    pub id: i64,
    pub name: String,
    pub email: Option<String>,
    /// False = deactivated.
    pub active: bool,
    /// False = deleted: the users endpoint does not know them.
    pub known: bool,
    /// May list and end sessions.
    pub manages: bool,
    /// `None` = signs in elsewhere.
    password: Option<String>,
    wrong_passwords: u32,
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: i64,
    pub session_id: String,
    pub user_id: i64,
    /// `userId` is written as a text, as in the published example, else as a number.
    pub user_as_text: bool,
    pub token_type: String,
    pub ip: Option<String>,
    pub created: Timestamp,
    pub last_access: Timestamp,
    pub idle_ns: i64,
    pub absolute: Option<Timestamp>,
    /// Written with fields that nobody knows.
    pub more: bool,
    /// What its browser or app holds.
    pub token: String,
}

impl Session {
    fn is_over(&self, now: Timestamp) -> bool {
        let idle_ms = self.idle_ns / 1_000_000;
        // Longer than its idle length, not as long as it.
        let idle = idle_ms > 0 && now.since(self.last_access) > idle_ms;
        idle || self.absolute.is_some_and(|at| now >= at)
    }
}

/// Everything.
pub struct Model {
    pub(super) sessions: BTreeMap<i64, Session>,
    pub(super) users: BTreeMap<i64, User>,
    pub policy: Policy,
    pub(super) dice: Dice,
    next: i64,
    by_token: HashMap<String, i64>,
    /// Ended sessions of the mobile app by their token: whose, and until when they may go on.
    grace: HashMap<String, (i64, Timestamp)>,
    /// Access tokens of OAuth that were handed out.
    pub(super) access: BTreeSet<String>,
    /// How many sessions live traffic keeps up.
    pub(super) target: usize,
}

impl Model {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            sessions: BTreeMap::new(),
            users: BTreeMap::new(),
            policy: Policy::default(),
            dice: Dice::new(seed),
            next: 48_200,
            by_token: HashMap::new(),
            grace: HashMap::new(),
            access: BTreeSet::new(),
            target: 0,
        }
    }

    /// Adds somebody; their id.
    pub fn add_user(&mut self, name: &str, email: Option<&str>) -> i64 {
        let id = 1_893_004_417 + i64::try_from(self.users.len()).unwrap_or(0) * 7_919;
        let user = User {
            id,
            name: name.to_owned(),
            email: email.map(str::to_owned),
            active: true,
            known: true,
            manages: false,
            password: None,
            wrong_passwords: 0,
        };
        self.users.insert(id, user);
        id
    }

    /// Adds an account that signs in with a password; its id.
    pub fn add_account(&mut self, email: &str, name: &str, password: &str, manages: bool) -> i64 {
        let id = self.add_user(name, Some(email));
        if let Some(user) = self.users.get_mut(&id) {
            user.manages = manages;
            user.password = Some(password.to_owned());
        }
        id
    }

    /// Somebody by id.
    pub fn user(&mut self, id: i64) -> Option<&mut User> {
        self.users.get_mut(&id)
    }

    /// Somebody by mail address.
    pub fn user_by_email(&self, email: &str) -> Option<i64> {
        let mut users = self.users.values();
        users
            .find(|user| user.email.as_deref() == Some(email))
            .map(|user| user.id)
    }

    /// Signs somebody in by password: the token of a new session, or the reason why not.
    pub fn sign_in(&mut self, email: &str, password: &str, now: Timestamp) -> Result<String, &'static str> {
        let wrong = "INVALID_CREDENTIALS";
        let id = self.user_by_email(email).ok_or(wrong)?;
        let user = self.users.get_mut(&id).ok_or(wrong)?;
        if user.wrong_passwords >= WRONG_PASSWORDS {
            return Err("ACCOUNT_LOCKED");
        }
        if user.password.as_deref() != Some(password) {
            user.wrong_passwords += 1;
            return Err(wrong);
        }
        user.wrong_passwords = 0;
        let session = self.open(id, BROWSER, now);
        Ok(self.sessions.get(&session).ok_or(wrong)?.token.clone())
    }

    /// Opens a session with the limits that hold now; its number.
    pub fn open(&mut self, user_id: i64, token_type: &str, now: Timestamp) -> i64 {
        let id = self.next;
        self.next += 1;
        let (idle_min, max_min) = match token_type {
            MOBILE => (self.policy.mobile_idle_min, self.policy.mobile_max_min),
            _ => (self.policy.idle_min, self.policy.max_min),
        };
        let octet = self.dice.below(250) + 1;
        let session = Session {
            id,
            session_id: self.uuid(),
            user_id,
            user_as_text: true,
            token_type: token_type.to_owned(),
            ip: Some(format!("203.0.113.{octet}")),
            created: now,
            last_access: now,
            idle_ns: idle_min * 60_000_000_000,
            absolute: (max_min > 0).then(|| now.plus_seconds(max_min * 60)),
            more: false,
            token: keys::random_id(),
        };
        self.by_token.insert(session.token.clone(), id);
        self.sessions.insert(id, session);
        id
    }

    /// An id as Domo shows it.
    fn uuid(&mut self) -> String {
        let mut part = |digits: usize| -> String {
            (0..digits)
                .map(|_| format!("{:x}", self.dice.below(16)))
                .collect()
        };
        format!("{}-{}-4{}-9{}-{}", part(8), part(4), part(3), part(3), part(12))
    }

    /// A session by number.
    pub fn session(&mut self, id: i64) -> Option<&mut Session> {
        self.sessions.get_mut(&id)
    }

    /// All of them, by number.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    /// The number of the session of that id.
    pub fn number_of(&self, session_id: &str) -> Option<i64> {
        let mut sessions = self.sessions.values();
        sessions
            .find(|session| session.session_id == session_id)
            .map(|session| session.id)
    }

    /// Ends a session; false = there is none of that number.
    pub fn end(&mut self, id: i64, now: Timestamp) -> bool {
        let Some(session) = self.sessions.remove(&id) else {
            return false;
        };
        self.by_token.remove(&session.token);
        if session.token_type == MOBILE {
            let until = now.plus_seconds(GRACE_S);
            self.grace.insert(session.token, (session.user_id, until));
        }
        true
    }

    /// A request with that token at the server: whose it is, `None` = refused. It counts as use; a session past a limit
    /// ends by it. `grace` = ended sessions of the mobile app go on for up to an hour.
    pub fn used(&mut self, token: &str, grace: bool, now: Timestamp) -> Option<i64> {
        let Some(id) = self.by_token.get(token).copied() else {
            let (user_id, until) = self.grace.get(token)?;
            return (grace && now < *until).then_some(*user_id);
        };
        if self.sessions.get(&id)?.is_over(now) {
            self.end(id, now);
            return None;
        }
        let session = self.sessions.get_mut(&id)?;
        session.last_access = now;
        Some(session.user_id)
    }

    /// Takes away the sessions that are past a limit.
    pub fn clear(&mut self, now: Timestamp) {
        let over: Vec<i64> = self
            .sessions
            .values()
            .filter(|session| session.is_over(now))
            .map(|session| session.id)
            .collect();
        for id in over {
            self.end(id, now);
        }
    }
}
