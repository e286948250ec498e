//! What a simulated CAS knows: people, who is signed in, and the tickets and cookies they hold.

use std::collections::BTreeMap;

use app::wire::Timestamp;
use serde_json::{Value, json};

use crate::keys;
use crate::simulators::dice::Dice;

/// Rows of a list that nobody asked more of.
const DEFAULT_COUNT: usize = 1_000;
/// Applications there are; the last is told nothing.
pub const SERVICES: [&str; 3] = [
    "https://portal.campus.example/login",
    "https://mail.campus.example/cas",
    "https://old.campus.example/",
];

/// Which CAS it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// 6.6.12.
    Six,
    /// 7.0.0.
    Seven,
}

/// Somebody with a password.
#[derive(Clone, Debug)]
pub struct Person {
    pub name: String,
    pub email: Option<String>,
    pub password: String,
}

/// An application that a session signed in to.
#[derive(Clone, Debug)]
pub struct Service {
    pub url: String,
    /// The cookie that this sign-in sent: CAS 7 keeps it, and lists it.
    pub cookie: String,
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: String,
    pub principal: String,
    pub created: Timestamp,
    pub last_used: Timestamp,
    pub remember_me: bool,
    pub ip: String,
    pub user_agent: String,
    /// What its browser holds.
    pub cookie: String,
    /// By service ticket.
    pub services: BTreeMap<String, Service>,
}

/// Everything.
pub struct Model {
    pub(super) dice: Dice,
    pub release: Release,
    pub people: BTreeMap<String, Person>,
    /// By id, which is the order of the list: not by age.
    pub sessions: BTreeMap<String, Session>,
    /// Seconds.
    pub idle_s: i64,
    pub life_s: i64,
    /// Logout requests that were sent: address, person, ticket.
    pub told: Vec<(String, String, String)>,
    /// Forms that were handed out.
    pub(super) forms: Vec<String>,
    next: u64,
    /// Sessions that live traffic keeps up.
    pub(super) target: usize,
}

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub from: usize,
    pub count: Option<usize>,
    pub username: Option<String>,
}

impl Model {
    pub(super) fn new(seed: u64, release: Release) -> Self {
        Self {
            dice: Dice::new(seed),
            release,
            people: BTreeMap::new(),
            sessions: BTreeMap::new(),
            idle_s: 7_200,
            life_s: 28_800,
            told: Vec::new(),
            forms: Vec::new(),
            next: 1,
            target: 0,
        }
    }

    /// Adds somebody.
    pub fn add_person(&mut self, username: &str, name: &str, email: Option<&str>, password: &str) {
        let person = Person {
            name: name.to_owned(),
            email: email.map(str::to_owned),
            password: password.to_owned(),
        };
        self.people.insert(username.to_owned(), person);
    }

    /// Opens a session at no application; its id and the cookie of its browser.
    pub fn open(&mut self, username: &str, now: Timestamp) -> (String, String) {
        let rest = self.ticket(50);
        let id = format!("TGT-{}-{rest}", self.next);
        self.next += 1;
        let cookie = format!("eyJ{}", keys::random_id());
        let octet = self.dice.below(250) + 1;
        let browser = self.dice.one_of(&BROWSERS).unwrap_or_default();
        let second = Timestamp(now.0 / 1_000 * 1_000);
        let session = Session {
            id: id.clone(),
            principal: username.to_owned(),
            created: second,
            last_used: second,
            remember_me: false,
            ip: format!("198.51.100.{octet}"),
            user_agent: browser.to_owned(),
            cookie: cookie.clone(),
            services: BTreeMap::new(),
        };
        self.sessions.insert(id.clone(), session);
        (id, cookie)
    }

    /// Whose cookie that is.
    pub fn by_cookie(&self, cookie: &str) -> Option<&Session> {
        self.sessions.values().find(|session| session.cookie == cookie)
    }

    /// Signs a session in to an application: a service ticket.
    pub fn sign_in_to(&mut self, id: &str, service: &str, now: Timestamp) -> Option<String> {
        let rest = self.ticket(27);
        let ticket = format!("ST-{}-{rest}", self.next);
        self.next += 1;
        let session = self.sessions.get_mut(id)?;
        session.last_used = Timestamp(now.0 / 1_000 * 1_000);
        let service = Service {
            url: service.to_owned(),
            cookie: session.cookie.clone(),
        };
        session.services.insert(ticket.clone(), service);
        Some(ticket)
    }

    /// Ends a session and tells its applications; whether it was there.
    pub fn end(&mut self, id: &str) -> Option<Session> {
        let session = self.sessions.remove(id)?;
        for (ticket, service) in &session.services {
            if is_told(&service.url) {
                let told = (service.url.clone(), session.principal.clone(), ticket.clone());
                self.told.push(told);
            }
        }
        Some(session)
    }

    /// The list. It is cut before it is looked through for a name, and what it counts is what is left.
    pub fn list(&self, asked: &Asked, hide: usize) -> Value {
        let cut = self
            .sessions
            .values()
            .skip(asked.from)
            .take(asked.count.unwrap_or(DEFAULT_COUNT));
        let rows: Vec<&Session> = cut
            .filter(|session| {
                let name = asked.username.as_deref().filter(|name| !name.is_empty());
                name.is_none_or(|name| session.principal.eq_ignore_ascii_case(name))
            })
            .collect();
        let services: usize = rows.iter().map(|session| session.services.len()).sum();
        let listed: Vec<Value> = rows.iter().skip(hide).map(|session| self.row(session)).collect();
        json!({
            "totalUsageCount": services, "activeSsoSessions": listed, "totalTicketGrantingTickets": rows.len(),
            "totalTickets": rows.len(), "totalPrincipals": rows.len(), "totalProxyGrantingTickets": 0,
        })
    }

    fn row(&self, session: &Session) -> Value {
        let formatted = app::civil::rfc3339;
        let person = self.people.get(&session.principal);
        let mut principal_attributes = json!({});
        if let Some(person) = person {
            principal_attributes["displayName"] = json!([person.name]);
            if let Some(email) = &person.email {
                principal_attributes["mail"] = json!([email]);
            }
        }
        let services: serde_json::Map<String, Value> = session
            .services
            .iter()
            .map(|(ticket, service)| (ticket.clone(), self.service(session, service)))
            .collect();
        let mut row = json!({
            "authentication_date": format!("{}.565060855Z", formatted(session.created).trim_end_matches('Z')),
            "authentication_date_formatted": formatted(session.created),
            "authentication_attributes": {
                "credentialType": ["UsernamePasswordCredential"], "clientIpAddress": [session.ip],
                "authenticationDate": [session.created.0 / 1_000], "authenticationMethod": ["Static Credentials"],
                "geoLocation": ["unknown"], "userAgent": [session.user_agent],
            },
            "authenticated_principal": session.principal, "number_of_uses": session.services.len(),
            "ticket_granting_ticket": session.id, "principal_attributes": principal_attributes,
            "remember_me": session.remember_me, "is_proxied": false,
            "expiration_policy": { "timeToIdle": self.idle_s, "timeToLive": self.life_s, "clock": "SystemClock[Z]",
                                   "name": "TicketGrantingTicketExpirationPolicy-df160325" },
            "authenticated_services": services,
        });
        if self.release == Release::Seven {
            row["creation_date_formatted"] = json!(formatted(session.created));
            row["last_used_date_formatted"] = json!(formatted(session.last_used));
        }
        row
    }

    /// What stands beside a service ticket: in 7 the whole request, cookie and all.
    fn service(&self, session: &Session, service: &Service) -> Value {
        let mut attributes = json!({ "service": [service.url] });
        if self.release == Release::Seven {
            attributes["cookie"] = json!([format!("TGC={}", service.cookie)]);
            attributes["user-agent"] = json!([session.user_agent]);
            attributes["execution"] = json!([format!("{}_{}", session.cookie, "ZXlK".repeat(500))]);
        }
        json!({
            "id": service.url, "originalUrl": service.url, "principal": session.principal, "source": "service",
            "format": "XML", "attributes": attributes,
        })
    }

    /// What the end of a session answers; `None` = it was not there, which answers alike.
    pub fn ended(&self, id: &str, session: Option<&Session>) -> Value {
        let services = session.into_iter().flat_map(|session| &session.services);
        let requests: Vec<Value> = services
            .filter(|(_, service)| is_told(&service.url))
            .map(|(ticket, service)| {
                json!({ "ticketId": ticket, "service": { "id": service.url }, "logoutUrl": service.url,
                        "logoutType": "BACK_CHANNEL", "status": "SUCCESS" })
            })
            .collect();
        json!({ "singleLogoutRequests": requests, "ticketGrantingTicket": id, "status": 200 })
    }

    /// Everything that lets somebody in.
    pub(super) fn secrets(&self) -> Vec<String> {
        let each = self.sessions.values().flat_map(|session| {
            let tickets = session.services.keys().cloned();
            tickets.chain([session.id.clone(), session.cookie.clone()])
        });
        each.chain(self.people.values().map(|person| person.password.clone()))
            .collect()
    }

    fn ticket(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let letters = (0..length)
            .filter_map(|_| self.dice.one_of(LETTERS))
            .map(char::from);
        letters.chain("-vm".chars()).collect()
    }
}

/// Whether an application is sent logout requests; the last is registered with `logoutType` NONE.
fn is_told(url: &str) -> bool {
    SERVICES.last().is_none_or(|silent| url != *silent)
}

const BROWSERS: [&str; 3] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:152.0) Gecko/20100101 Firefox/152.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15",
];
