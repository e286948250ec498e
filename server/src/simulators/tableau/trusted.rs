//! Trusted tickets: who gets one, why somebody does not, and what redeeming one opens.
//!
//! Whoever asks hears a ticket or `-1`, never why; the reason stands in [`Model::refusals`] as the real server's log words
//! it. Docs: "Get a Ticket from Tableau Server", "Ticket Value of -1 Returned from Tableau Server", the entity
//! `trustedAuthenticationSettings`. What a spent ticket leads to is nowhere documented.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;

use app::wire::Timestamp;
use data_encoding::{BASE64, BASE64URL};
use uuid::Uuid;

use super::model::{LOCAL, Model, letters_and_digits};
use super::problem::Problem;
use super::rows::{Kind, SiteRole, SiteStatus};
use super::sign_in::Proof;

/// How tickets are handed out.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Who gets tickets (`wgserver.trusted_hosts`); nobody unless named, and IPv4 only.
    pub hosts: BTreeSet<IpAddr>,
    /// A ticket opens nothing but to the address that was named as `client_ip`
    /// (`wgserver.extended_trusted_ip_checking`).
    pub checks_client_ip: bool,
    /// How tickets look.
    pub format: TicketFormat,
    /// How long a ticket can be redeemed, seconds (`trustedAuthenticationSettings.timeoutInSeconds`).
    pub life_s: i64,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            hosts: BTreeSet::new(),
            checks_client_ip: false,
            format: TicketFormat::TwoParts,
            life_s: 180,
        }
    }
}

/// How a ticket looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketFormat {
    /// `Base64(UUID):24 characters`, as since 10.2; nothing in it means anything in an address.
    TwoParts,
    /// The same in the standard alphabet, where `+` and `/` occur.
    TwoPartsStandard,
    /// One string of 24 characters, as before 10.2.
    OneString,
}

impl TicketFormat {
    fn ticket(self) -> String {
        let uuid = Uuid::new_v4();
        let mut secret = letters_and_digits();
        secret.truncate(24);
        match self {
            Self::TwoParts => format!("{}:{secret}", BASE64URL.encode(uuid.as_bytes())),
            Self::TwoPartsStandard => format!("{}:{secret}", BASE64.encode(uuid.as_bytes())),
            Self::OneString => secret,
        }
    }
}

/// What the server keeps of tickets and of what they open.
#[derive(Default)]
pub struct Tickets {
    /// Who gets them, and how they are.
    pub trust: Trust,
    /// Whom each ticket stands for, until it lapses.
    issued: HashMap<String, Ticket>,
    /// So many of them, and those that lapsed long ago are looked for.
    look_at: usize,
    /// Why tickets were refused, newest last.
    refusals: VecDeque<String>,
    /// Views by site and path (`Workbook/View`), and whether everybody on the site may see them.
    views: BTreeMap<(i32, String), bool>,
}

/// A ticket that was handed out.
struct Ticket {
    user_id: i32,
    client_ip: Option<IpAddr>,
    expires_at: Timestamp,
    /// The session it has opened.
    opened: Option<i32>,
}

/// How many refusals are kept.
const KEPT_REFUSALS: usize = 200;
/// What a connected app's token must allow to show a view.
const EMBED_SCOPE: &str = "tableau:views:embed";
/// View that `add_site` puts onto each site: the empty one that tickets are redeemed at.
pub const LOGIN_VIEW: &str = "Login/Login";

/// A request for a ticket.
#[derive(Clone, Debug)]
pub struct TicketRequest {
    /// Who asks.
    pub from: IpAddr,
    /// For whom, `DOMAIN\name` or a local name.
    pub username: Option<String>,
    /// `contentUrl`; empty = Default.
    pub target_site: String,
    /// Where the browser is.
    pub client_ip: Option<IpAddr>,
}

/// What is to be seen at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The view.
    View,
    /// There is no such view.
    Nothing,
    /// It is there and not for them.
    Forbidden,
}

impl Model {
    /// Why tickets were refused, in the words of the real server's log; the newest last.
    pub fn refusals(&self) -> Vec<String> {
        self.tickets.refusals.iter().cloned().collect()
    }

    /// How tickets are handed out, to be changed.
    pub fn trust(&mut self) -> &mut Trust {
        &mut self.tickets.trust
    }

    /// Tickets that could still be redeemed.
    pub fn open_tickets(&self, now: Timestamp) -> usize {
        let open = |ticket: &&Ticket| ticket.opened.is_none() && ticket.expires_at > now;
        self.tickets.issued.values().filter(open).count()
    }

    /// Puts a view onto a site, or changes whether everybody there may see it.
    pub fn set_view(&mut self, site_id: i32, path: &str, seen_by_all: bool) {
        self.tickets.views.insert((site_id, path.to_owned()), seen_by_all);
    }

    /// Takes a view away.
    pub fn remove_view(&mut self, site_id: i32, path: &str) {
        self.tickets.views.remove(&(site_id, path.to_owned()));
    }

    /// What is to be seen there; capitals count.
    pub fn view(&self, site_id: i32, path: &str) -> Seen {
        match self.tickets.views.get(&(site_id, path.to_owned())) {
            Some(true) => Seen::View,
            Some(false) => Seen::Forbidden,
            None => Seen::Nothing,
        }
    }

    /// A ticket; none = `-1`, and the reason is kept.
    pub fn issue_ticket(&mut self, asked: &TicketRequest, now: Timestamp) -> Option<String> {
        let tickets = &mut self.tickets;
        if tickets.issued.len() >= tickets.look_at {
            tickets
                .issued
                .retain(|_, ticket| ticket.expires_at.plus_seconds(3_600) > now);
            // Not with every ticket: under load that would be most of the work.
            tickets.look_at = (2 * tickets.issued.len()).max(1_000);
        }
        match self.let_through(asked) {
            Ok(user_id) => {
                let trust = &self.tickets.trust;
                let (ticket, life_s) = (trust.format.ticket(), trust.life_s);
                let issued = Ticket {
                    user_id,
                    client_ip: asked.client_ip,
                    expires_at: now.plus_seconds(life_s),
                    opened: None,
                };
                self.tickets.issued.insert(ticket.clone(), issued);
                Some(ticket)
            }
            Err(why) => {
                let refusals = &mut self.tickets.refusals;
                refusals.push_back(why);
                if refusals.len() > KEPT_REFUSALS {
                    refusals.pop_front();
                }
                None
            }
        }
    }

    /// The site user a ticket would stand for.
    fn let_through(&self, asked: &TicketRequest) -> Result<i32, String> {
        let from = asked.from.to_canonical();
        if !from.is_ipv4() || !self.tickets.trust.hosts.contains(&from) {
            return Err(format!("Invalid request host: {from}"));
        }
        let named = asked.username.as_deref().filter(|name| !name.is_empty());
        let name = named.ok_or("Missing username and/or client_ip")?;
        let site = self
            .site_by_url(&asked.target_site)
            .filter(|site| site.status == SiteStatus::Active)
            .ok_or_else(|| format!("Invalid site: {}", asked.target_site))?;
        // Without a domain it is a local name, whoever else is called so.
        let domain = (!name.contains('\\')).then_some(LOCAL);
        let fits = |id: &i32| {
            let own = self.people.get(id).map(|person| person.domain_id);
            domain.is_none() || own == domain
        };
        let person = self.find_people(name).into_iter().find(fits);
        let user = person
            .and_then(|person| self.users.get(&self.member(person, site.id)?))
            .ok_or_else(|| format!("Invalid user: {name}"))?;
        if user.role == SiteRole::Unlicensed {
            return Err(format!("Unlicensed user is not allowed: {name}"));
        }
        Ok(user.id)
    }

    /// Opens the session a ticket stands for; its key, none when the ticket is wrong, lapsed, used or of another site.
    ///
    /// `reusable`: once the session it opened has ended, a ticket opens another while it lasts.
    pub fn redeem(
        &mut self,
        ticket: &str,
        content_url: &str,
        from: IpAddr,
        reusable: bool,
        now: Timestamp,
    ) -> Option<i32> {
        let issued = self.tickets.issued.get(ticket)?;
        let site = self.sites.get(&self.users.get(&issued.user_id)?.site_id)?;
        let elsewhere = self.tickets.trust.checks_client_ip
            && issued.client_ip.is_some_and(|ip| ip != from.to_canonical());
        let signed_out = |session: i32| reusable && !self.sessions.contains_key(&session);
        let spent = issued.opened.is_some_and(|session| !signed_out(session));
        if spent || elsewhere || issued.expires_at <= now || site.content_url != content_url {
            return None;
        }
        let opened = self.open(issued.user_id, Kind::TrustedTicket, now)?;
        self.tickets.issued.get_mut(ticket)?.opened = Some(opened);
        Some(opened)
    }

    /// Opens a session for whom a connected app's token speaks of, to see views of one site; its key.
    pub fn embed(&mut self, jwt: &str, content_url: &str, now: Timestamp) -> Result<i32, Problem> {
        if !self.shape.release.is_since(2021, 4) {
            return Err(Problem::SignInFailed(Some(67)));
        }
        let session = self.opened_by(Proof::Jwt(jwt.to_owned()), content_url, now)?;
        let scopes = self
            .sessions
            .get(&session)
            .and_then(|opened| opened.scopes.clone());
        let allowed = scopes.is_some_and(|scopes| scopes.iter().any(|scope| scope == EMBED_SCOPE));
        if allowed {
            return Ok(session);
        }
        self.end(session);
        Err(Problem::SignInFailed(None))
    }
}
