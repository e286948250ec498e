//! What a Tableau Server knows: sites, people, sessions, tokens. No HTTP and no SQL.
//!
//! Ids are those of its repository: one numbering per table, a LUID beside it where REST shows one. A person is one
//! [`SystemUser`] and one [`SiteUser`] per site.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use app::wire::Timestamp;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use uuid::Uuid;

use super::problem::Problem;
use super::rows::{Change, Domain, Kind, Session, Site, SiteRole, SiteStatus, SiteUser, SystemUser};
use super::shape::{DeleteTakes, IdShape, Shape};
use super::sign_in::{ConnectedApp, Pat};
use super::trusted::{LOGIN_VIEW, Tickets};
use crate::keys;
use crate::simulators::dice::Dice;

/// What the whole server knows.
pub struct Model {
    /// What kind of server it is; may change while it runs, as by a setting and a restart.
    pub shape: Shape,
    pub(super) domains: Vec<Domain>,
    pub(super) sites: BTreeMap<i32, Site>,
    pub(super) people: BTreeMap<i32, SystemUser>,
    pub(super) users: BTreeMap<i32, SiteUser>,
    pub(super) sessions: BTreeMap<i32, Session>,
    pub(super) passwords: HashMap<i32, String>,
    pub(super) pats: Vec<Pat>,
    pub(super) app: Option<ConnectedApp>,
    /// Connected-app tokens that were used, until they expire.
    pub(super) used_jwts: HashMap<String, Timestamp>,
    pub(super) tickets: Tickets,
    pub(super) dice: Dice,
    /// How many sessions live traffic keeps up.
    pub(super) target: usize,
    by_token: HashMap<String, i32>,
    by_session_id: HashMap<String, i32>,
    by_name: HashMap<String, Vec<i32>>,
    by_member: HashMap<(i32, i32), i32>,
    next_session: i32,
    changes: u64,
    /// What changed since a mirror asked; none = there is no mirror.
    unmirrored: Option<Unmirrored>,
}

/// What a mirror does not have yet.
struct Unmirrored {
    people: bool,
    sessions: BTreeSet<i32>,
}

/// Domain of people the server keeps itself.
pub(super) const LOCAL: i32 = 1;

impl Model {
    /// A server with its Default site and two domains, and nobody there.
    pub fn new(shape: Shape) -> Self {
        let domain = |id, name: &str, short_name: &str, family| Domain {
            id,
            name: name.to_owned(),
            short_name: short_name.to_owned(),
            family,
        };
        let mut model = Self {
            dice: Dice::new(shape.seed),
            shape,
            domains: vec![
                domain(LOCAL, "local", "local", "local"),
                domain(2, "domain.example", "DOMAIN", "ActiveDirectory"),
            ],
            sites: BTreeMap::new(),
            people: BTreeMap::new(),
            users: BTreeMap::new(),
            sessions: BTreeMap::new(),
            passwords: HashMap::new(),
            pats: Vec::new(),
            app: None,
            used_jwts: HashMap::new(),
            tickets: Tickets::default(),
            target: 0,
            by_token: HashMap::new(),
            by_session_id: HashMap::new(),
            by_name: HashMap::new(),
            by_member: HashMap::new(),
            next_session: 1,
            changes: 0,
            unmirrored: None,
        };
        model.add_site("Default", "");
        model
    }

    /// A number that grows whenever a row changes.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Sites, people or who is where changed.
    fn changed(&mut self) {
        self.changes += 1;
        if let Some(unmirrored) = &mut self.unmirrored {
            unmirrored.people = true;
        }
    }

    fn session_changed(&mut self, id: i32) {
        self.changes += 1;
        if let Some(unmirrored) = &mut self.unmirrored {
            unmirrored.sessions.insert(id);
        }
    }

    /// From now on what changes is kept for a mirror, which has nothing yet.
    pub(super) fn keep_changes(&mut self) {
        self.unmirrored = Some(Unmirrored {
            people: true,
            sessions: self.sessions.keys().copied().collect(),
        });
    }

    /// What changed since this was asked last; none = nothing, or nobody keeps it.
    pub(super) fn take_change(&mut self, now: Timestamp) -> Option<Change> {
        let nothing = Unmirrored {
            people: false,
            sessions: BTreeSet::new(),
        };
        let unmirrored = self.unmirrored.as_mut()?;
        let changed = std::mem::replace(unmirrored, nothing);
        let touched: Vec<i32> = changed.sessions.into_iter().collect();
        if touched.is_empty() && !changed.people {
            return None;
        }
        let sessions = touched.iter().filter_map(|id| self.sessions.get(id));
        Some(Change {
            sessions: sessions.map(|session| self.session_row(session, now)).collect(),
            people: changed.people.then(|| self.people_rows()),
            touched,
        })
    }

    /// Adds a site with the view that tickets are redeemed at; its key.
    pub fn add_site(&mut self, name: &str, content_url: &str) -> i32 {
        let id = 1 + last(&self.sites);
        let site = Site {
            id,
            luid: Uuid::new_v4(),
            name: name.to_owned(),
            content_url: content_url.to_owned(),
            status: SiteStatus::Active,
        };
        self.sites.insert(id, site);
        self.set_view(id, LOGIN_VIEW, true);
        self.changed();
        id
    }

    /// Lets people into a site, or only administrators.
    pub fn set_status(&mut self, site_id: i32, status: SiteStatus) {
        if let Some(site) = self.sites.get_mut(&site_id) {
            site.status = status;
        }
        self.changed();
    }

    /// Adds a person, `DOMAIN\name` or `name`; their key.
    pub fn add_person(&mut self, account: &str, friendly_name: &str, email: Option<String>) -> i32 {
        let id = 1 + last(&self.people);
        let (domain_id, name) = self.domain_of(account);
        let name = name.to_owned();
        self.by_name.entry(name.clone()).or_default().push(id);
        let person = SystemUser {
            id,
            name,
            friendly_name: friendly_name.to_owned(),
            email,
            administrator: false,
            domain_id: domain_id.unwrap_or(LOCAL),
        };
        self.people.insert(id, person);
        self.changed();
        id
    }

    /// The domain that is named before the backslash, and what follows it.
    fn domain_of<'a>(&self, account: &'a str) -> (Option<i32>, &'a str) {
        let Some((domain, name)) = account.split_once('\\') else {
            return (None, account);
        };
        let is = |own: &Domain| {
            own.name.eq_ignore_ascii_case(domain) || own.short_name.eq_ignore_ascii_case(domain)
        };
        match self.domains.iter().find(|own| is(own)) {
            Some(own) => (Some(own.id), name),
            None => (None, account),
        }
    }

    /// The people an account name may stand for: one with a domain before it, else one in each domain.
    pub fn find_people(&self, account: &str) -> Vec<i32> {
        let (domain_id, name) = self.domain_of(account);
        let found = self.by_name.get(name).into_iter().flatten().copied();
        let fits = |id: &i32| {
            let own = self.people.get(id).map(|person| person.domain_id);
            domain_id.is_none() || own == domain_id
        };
        found.filter(fits).collect()
    }

    /// Makes somebody a server administrator, or takes that away.
    pub fn set_administrator(&mut self, system_user_id: i32, administrator: bool) {
        if let Some(person) = self.people.get_mut(&system_user_id) {
            person.administrator = administrator;
        }
        self.changed();
    }

    /// Puts a person on a site, or changes their role there; the site user's key.
    pub fn join(&mut self, system_user_id: i32, site_id: i32, role: SiteRole, now: Timestamp) -> i32 {
        self.changed();
        if let Some(user) = self.member(system_user_id, site_id)
            && let Some(user) = self.users.get_mut(&user)
        {
            user.role = role;
            return user.id;
        }
        let id = 1 + last(&self.users);
        let user = SiteUser {
            id,
            luid: Uuid::new_v4(),
            site_id,
            system_user_id,
            role,
            system_admin_auto: false,
            login_at: None,
            created_at: now,
        };
        self.users.insert(id, user);
        self.by_member.insert((site_id, system_user_id), id);
        id
    }

    /// The site user of a person; none when they are not on that site.
    pub fn member(&self, system_user_id: i32, site_id: i32) -> Option<i32> {
        self.by_member.get(&(site_id, system_user_id)).copied()
    }

    /// Members of a site, in the order of their keys.
    pub fn members(&self, site_id: i32) -> impl Iterator<Item = (&SiteUser, &SystemUser)> {
        let of_site = self.users.values().filter(move |user| user.site_id == site_id);
        of_site.filter_map(|user| Some((user, self.people.get(&user.system_user_id)?)))
    }

    /// A site by its LUID.
    pub fn site_by_luid(&self, luid: &str) -> Option<&Site> {
        let luid = Uuid::try_parse(luid).ok()?;
        self.sites.values().find(|site| site.luid == luid)
    }

    /// A site by its `contentUrl`, capitals and all.
    pub fn site_by_url(&self, content_url: &str) -> Option<&Site> {
        self.sites.values().find(|site| site.content_url == content_url)
    }

    /// Opens a session that begins now; its key.
    pub fn open(&mut self, user_id: i32, kind: Kind, now: Timestamp) -> Option<i32> {
        let user = self.users.get_mut(&user_id)?;
        user.login_at = Some(now);
        let site_id = user.site_id;
        let session = self.fresh(site_id, kind, now)?;
        Some(self.put(Session {
            user_id: Some(user_id),
            initiating_user_id: Some(user_id),
            ..session
        }))
    }

    /// Opens a session for somebody who is no user here; its key.
    pub fn open_external(&mut self, external_user_id: &str, site_id: i32, now: Timestamp) -> Option<i32> {
        let session = self.fresh(site_id, Kind::Browser, now)?;
        Some(self.put(Session {
            external_user_id: Some(external_user_id.to_owned()),
            ..session
        }))
    }

    /// A session of nobody yet, with an id and a token in the present shape.
    pub(super) fn fresh(&self, site_id: i32, kind: Kind, now: Timestamp) -> Option<Session> {
        let site = self.sites.get(&site_id)?;
        let first = BASE64URL_NOPAD.encode(Uuid::new_v4().as_bytes());
        let secret = letters_and_digits();
        let salt = HEXLOWER.encode(&keys::random_bytes::<8>());
        let hash = HEXLOWER.encode(&keys::hmac_sha256(salt.as_bytes(), secret.as_bytes()));
        let hashed = Some((salt, hash));
        let (session_id, token, hashed) = match self.shape.ids {
            IdShape::Protected => (first.clone(), format!("{first}|{secret}|{}", site.luid), hashed),
            IdShape::TwoParts => (first.clone(), format!("{first}|{secret}"), hashed),
            IdShape::Legacy => (secret.clone(), secret, None),
            IdShape::Unknown => {
                let odd = HEXLOWER.encode(&keys::random_bytes::<10>());
                (odd.clone(), format!("{odd}.{secret}"), None)
            }
        };
        Some(Session {
            id: 0,
            session_id,
            token,
            hashed,
            user_id: None,
            external_user_id: None,
            site_id,
            created_at: now,
            updated_at: now,
            initiating_user_id: None,
            kind,
            scopes: None,
        })
    }

    pub(super) fn put(&mut self, mut session: Session) -> i32 {
        let id = self.next_session;
        self.next_session += 1;
        session.id = id;
        self.by_token.insert(session.token.clone(), id);
        self.by_session_id.insert(session.session_id.clone(), id);
        self.sessions.insert(id, session);
        self.session_changed(id);
        id
    }

    /// A session by its key.
    pub fn session(&self, id: i32) -> Option<&Session> {
        self.sessions.get(&id)
    }

    /// Moves a session's beginning and last use.
    pub fn set_times(&mut self, id: i32, created_at: Timestamp, updated_at: Timestamp) {
        if let Some(session) = self.sessions.get_mut(&id) {
            (session.created_at, session.updated_at) = (created_at, updated_at);
        }
        self.session_changed(id);
    }

    /// Ends a session at once.
    pub fn end(&mut self, id: i32) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.by_token.remove(&session.token);
        self.by_session_id.remove(&session.session_id);
        self.session_changed(id);
        Some(session)
    }

    /// Whose session it is; none for people from outside.
    pub fn person_of(&self, session: &Session) -> Option<&SystemUser> {
        self.people
            .get(&self.users.get(&session.user_id?)?.system_user_id)
    }

    /// Whether a limit has ended it, row or no row.
    pub fn is_over(&self, session: &Session, now: Timestamp) -> bool {
        self.over_by(session, now) >= 0
    }

    /// How long ago a limit ended it, ms; negative while it lives.
    fn over_by(&self, session: &Session, now: Timestamp) -> i64 {
        let idle = now.since(session.updated_at.plus_seconds(self.shape.idle_min * 60));
        let limit = self.shape.lifetime_min;
        let life = limit.map(|minutes| now.since(session.created_at.plus_seconds(minutes * 60)));
        life.map_or(idle, |life| life.max(idle))
    }

    /// Removes the rows of sessions that limits ended, once they were kept long enough.
    pub fn clear(&mut self, now: Timestamp) {
        let kept_ms = self.shape.kept_s * 1000;
        let over: Vec<i32> = self
            .sessions
            .values()
            .filter(|session| self.over_by(session, now) >= kept_ms)
            .map(|session| session.id)
            .collect();
        for id in over {
            self.end(id);
        }
    }

    /// The session a token stands for, which stays as it was.
    pub fn of_token(&self, token: Option<&str>, now: Timestamp) -> Result<&Session, Problem> {
        let token = token
            .filter(|token| !token.is_empty())
            .ok_or(Problem::NoCredentials)?;
        let id = self.by_token.get(token).ok_or(Problem::BadToken)?;
        let session = self
            .sessions
            .get(id)
            .filter(|session| !self.is_over(session, now));
        session.ok_or(Problem::BadToken)
    }

    /// The session a token stands for; it was used now.
    pub fn used(&mut self, token: Option<&str>, now: Timestamp) -> Result<Session, Problem> {
        let id = self.of_token(token, now)?.id;
        self.session_changed(id);
        let session = self.sessions.get_mut(&id).ok_or(Problem::BadToken)?;
        session.updated_at = now;
        Ok(session.clone())
    }

    /// True when the session is a server administrator's.
    pub fn is_administrator(&self, session: &Session) -> bool {
        self.person_of(session).is_some_and(|person| person.administrator)
    }

    /// The session that DELETE means; `Problem::NoAsset` when there is none of that id.
    pub fn to_delete(&self, id: &str, takes: DeleteTakes, now: Timestamp) -> Result<&Session, Problem> {
        let found = match takes {
            DeleteTakes::SessionId => self.by_session_id.get(id).copied(),
            DeleteTakes::RowId => id.parse().ok(),
            DeleteTakes::Token => self.by_token.get(id).copied(),
        };
        let session = found.and_then(|id| self.sessions.get(&id));
        session
            .filter(|session| !self.is_over(session, now))
            .ok_or(Problem::NoAsset)
    }
}

fn last<T>(of: &BTreeMap<i32, T>) -> i32 {
    of.last_key_value().map_or(0, |(id, _)| *id)
}

/// 32 letters and digits by chance, as in the secret part of a token.
pub(super) fn letters_and_digits() -> String {
    const OF: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let bytes = keys::random_bytes::<32>();
    bytes
        .iter()
        .map(|byte| char::from(OF[usize::from(*byte) % OF.len()]))
        .collect()
}
