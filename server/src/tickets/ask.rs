//! A request for a ticket, from the token to the answer.

use std::time::Instant;

use app::audit::wire::AuditResult;
use app::tickets::wire::{TicketGrant, TicketOutcome, TicketWay};
use app::wire::{Limit, SystemId, Timestamp};
use secrecy::SecretString;

use super::apps::App;
use super::store::Issue;
use super::tableau::Something;
use super::token::{self, Believed};
use super::{Tickets, mail_domain, reference, store_marks};
use crate::audit::{Action, Entry};
use crate::connectors::TicketFor;
use crate::error::Error;
use crate::keys::new_id;

/// A ticket is to be redeemed within, seconds.
const TICKET_S: i64 = 180;
/// How long a sign-in at Tableau is taken as good where nobody told its limits, seconds.
const FRESH_UNKNOWN_S: i64 = 600;
/// The same at most, seconds.
const FRESH_MOST_S: i64 = 7_200;
/// The margin below half of the limit, seconds.
const FRESH_MARGIN_S: i64 = 60;
/// What is known of limits is looked up again after so long, ms.
const LIMITS_MS: i64 = 60_000;

/// A request as HTTP took it in.
pub struct Asked<'a> {
    /// The token: a bearer's, or the cookie's.
    pub token: &'a str,
    /// How it came.
    pub way: TicketWay,
    /// The site a browser asks for; a server's token names its own.
    pub site: Option<&'a str>,
    /// The app that the way in named; another one's token counts for nothing.
    pub app: Option<&'a str>,
    /// When it came.
    pub begun: Instant,
}

/// What an app gets.
pub struct Given {
    /// Finds the request on the Tickets page.
    pub reference: String,
    /// Site by its contentUrl.
    pub site: String,
    /// User as the app named them.
    pub user: String,
    /// A ticket, or a token.
    pub something: GivenSomething,
    /// Where the views are.
    pub views_url: String,
    /// How long a browser may take the sign-in as good, seconds.
    pub fresh_s: i64,
    /// Never extend past this age of the app's session, seconds.
    pub max_age_s: i64,
}

/// What it can be.
pub enum GivenSomething {
    /// A trusted ticket.
    Ticket {
        /// It itself.
        ticket: SecretString,
        /// Where a browser redeems it.
        redeem_url: SecretString,
        /// Until when.
        redeem_before: Timestamp,
    },
    /// A connected app's token.
    Token {
        /// It itself.
        token: SecretString,
        /// When it runs out.
        expires_at: Timestamp,
    },
}

/// A request that got nothing.
#[derive(Debug)]
pub struct Refused {
    /// Finds the request on the Tickets page.
    pub reference: String,
    /// Why.
    pub outcome: TicketOutcome,
    /// Seconds until it is worth trying again; `None` = no use, or as the app likes.
    pub retry_after_s: Option<u32>,
}

/// Why not, inside.
pub(super) struct No {
    pub outcome: TicketOutcome,
    pub cause: Option<String>,
    pub retry_after_s: Option<u32>,
}

impl No {
    pub(super) fn because(outcome: TicketOutcome, cause: impl Into<String>) -> Self {
        Self {
            outcome,
            cause: Some(cause.into()),
            retry_after_s: None,
        }
    }

    pub(super) const fn plain(outcome: TicketOutcome) -> Self {
        Self {
            outcome,
            cause: None,
            retry_after_s: None,
        }
    }
}

impl Tickets {
    /// Gives a ticket or a token, or says why not; either is kept for the Tickets page under its reference.
    pub async fn ask(&self, asked: &Asked<'_>) -> Result<Result<Given, Refused>, Error> {
        let now = self.now();
        let what_for = match asked.way {
            TicketWay::Browser => token::For::Browser,
            TicketWay::Server | TicketWay::Test => token::For::Server,
        };
        let mut issue = blank(asked.way, now);
        let answer = match self.believe(asked, what_for, now, &mut issue).await {
            Ok(believed) => self.answer(&believed, now, &mut issue).await?,
            Err(no) => Err(no),
        };
        issue.duration_ms = i64::try_from(asked.begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        Ok(match answer {
            Ok(mut given) => {
                given.reference = issue.reference.clone();
                self.journal.keep(issue);
                Ok(given)
            }
            Err(no) => Err(self.refuse(issue, no)),
        })
    }

    /// Keeps a refusal, and says what the app may know of it.
    pub(super) fn refuse(&self, mut issue: Issue, no: No) -> Refused {
        issue.outcome = no.outcome.name().to_owned();
        issue.cause = no.cause;
        let reference = issue.reference.clone();
        // Anybody can send a bad token, as often as they like.
        if no.outcome != TicketOutcome::Unauthorized || self.unbelieved.check().is_ok() {
            self.journal.keep(issue);
        }
        Refused {
            reference,
            outcome: no.outcome,
            retry_after_s: no.retry_after_s,
        }
    }

    /// The token, believed, and the app's rate; `issue` is told whose request it is.
    pub(super) async fn believe(
        &self,
        asked: &Asked<'_>,
        what_for: token::For,
        now: Timestamp,
        issue: &mut Issue,
    ) -> Result<Believed, No> {
        let apps = self.apps();
        let believed = match token::believe(&apps, asked.token, what_for, now).await {
            Ok(mut believed) => {
                if let Some(site) = asked.site {
                    believed.site = site.to_owned();
                }
                believed
            }
            Err(rejected) => {
                if let Some(app) = &rejected.app {
                    name_app(issue, app);
                }
                return Err(No::because(TicketOutcome::Unauthorized, rejected.cause));
            }
        };
        name_app(issue, &believed.app);
        issue.place = believed.site.clone();
        issue.sid_hash = believed.sid_hash.clone();
        issue.ip = believed.client_ip.map(|ip| ip.to_string());
        if let Some(user) = &believed.user {
            issue.account = user.clone();
            issue.account_sort = believed.app.settings.account_of(user);
            issue.mail_domain = mail_domain(user);
        }
        if asked.app.is_some_and(|app| app != believed.app.settings.id) {
            return Err(No::because(
                TicketOutcome::Unauthorized,
                "The request came by the way of another app.",
            ));
        }
        if what_for == token::For::Browser && believed.app.settings.browser.is_none() {
            return Err(No::because(
                TicketOutcome::Unauthorized,
                "Browsers of this app may not ask (broker.apps.browser).",
            ));
        }
        believed.app.take().map_err(|wait_s| No {
            outcome: TicketOutcome::TooManyRequests,
            cause: None,
            retry_after_s: Some(wait_s),
        })?;
        Ok(believed)
    }

    async fn answer(
        &self,
        believed: &Believed,
        now: Timestamp,
        issue: &mut Issue,
    ) -> Result<Result<Given, No>, Error> {
        let app = &believed.app;
        let Some(user) = &believed.user else {
            return Ok(Err(No::because(TicketOutcome::Unauthorized, "It has no sub.")));
        };
        if let Err(no) = may(app, &believed.site, user) {
            return Ok(Err(no));
        }
        if let Some(no) = self.stands_against(believed, user, now).await? {
            return Ok(Err(no));
        }
        if !self.claim(believed) {
            return Ok(Err(No::plain(TicketOutcome::Replayed)));
        }
        let client_ip = believed.client_ip.map(|ip| ip.to_string());
        let wanted = TicketFor {
            user,
            site: &believed.site,
            client_ip: client_ip.as_deref(),
        };
        // A token that was used is refused above, before Tableau is asked, with one exception: two replicas that get it
        // within the same few milliseconds can't know of each other yet. Only the database decides between them, and
        // waiting for its commit first would cost every ticket that much. So Tableau is asked meanwhile, and the ticket
        // of the one that lost is thrown away: nobody gets it, and it runs out by itself.
        let (fresh, came) = tokio::join!(self.mark(believed), self.ask_tableau(app, &wanted, now));
        issue.node = came.node.clone();
        if !fresh? {
            return Ok(Err(No::plain(TicketOutcome::Replayed)));
        }
        let outcome = came.outcome();
        let something = match came.what {
            Ok(something) => something,
            Err(_) => {
                return Ok(Err(No {
                    outcome,
                    cause: came.cause,
                    retry_after_s: None,
                }));
            }
        };
        outcome.name().clone_into(&mut issue.outcome);
        let fresh_s = self.fresh_s(&app.system, now).await?;
        Ok(self.given(believed, user, something, fresh_s, now))
    }

    fn given(
        &self,
        believed: &Believed,
        user: &str,
        something: Something,
        fresh_s: i64,
        now: Timestamp,
    ) -> Result<Given, No> {
        let missing = |words: &str| No::because(TicketOutcome::NotConfigured, words);
        let connected = self.parts.systems.connected(&believed.app.system);
        let connected = connected.ok_or_else(|| missing("The system left the settings."))?;
        let tickets = connected.guard.tickets();
        let tickets = tickets.ok_or_else(|| missing("The system gives no tickets any more."))?;
        let something = match something {
            Something::Ticket(ticket) => {
                let text = secrecy::ExposeSecret::expose_secret(&ticket);
                let redeem_url = tickets
                    .redeem_url(&believed.site, text)
                    .ok_or_else(|| missing("trusted.login_view names no view for this site."))?;
                GivenSomething::Ticket {
                    redeem_url: SecretString::from(redeem_url),
                    redeem_before: now.plus_seconds(TICKET_S),
                    ticket,
                }
            }
            Something::Token(token, expires_at) => GivenSomething::Token { token, expires_at },
        };
        Ok(Given {
            reference: String::new(),
            site: believed.site.clone(),
            user: user.to_owned(),
            something,
            views_url: tickets.views_url(&believed.site),
            fresh_s,
            max_age_s: believed.app.settings.max_age_s,
        })
    }

    /// How long a sign-in at this Tableau may be taken as good: half of its shortest limit, less a margin.
    async fn fresh_s(&self, system: &SystemId, now: Timestamp) -> Result<i64, Error> {
        let lock = || {
            self.fresh
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
        };
        let known = lock().get(system).copied();
        if let Some((at, fresh_s)) = known
            && now.since(at) < LIMITS_MS
        {
            return Ok(fresh_s);
        }
        let mut conn = self.parts.db.read().await?;
        let limits = self.parts.policies.known_limits(&mut conn, system).await?;
        drop(conn);
        let fresh_s = fresh_of(&limits);
        lock().insert(system.clone(), (now, fresh_s));
        Ok(fresh_s)
    }

    /// Lets a session of an app be over: its cookie asks in vain from now on.
    pub async fn revoke_app_session(&self, token: &str) -> Result<Result<(), Refused>, Error> {
        let now = self.now();
        let asked = Asked {
            token,
            way: TicketWay::Server,
            site: None,
            app: None,
            begun: Instant::now(),
        };
        let mut issue = blank(TicketWay::Server, now);
        let believed = match self.believe(&asked, token::For::Server, now, &mut issue).await {
            Ok(believed) => believed,
            Err(no) => return Ok(Err(self.refuse(issue, no))),
        };
        let Some(sid) = believed.sid_hash.clone() else {
            let no = No::because(
                TicketOutcome::Unauthorized,
                "It has no sid, and nothing else is meant here.",
            );
            return Ok(Err(self.refuse(issue, no)));
        };
        if !self.use_once(&believed).await? {
            return Ok(Err(self.refuse(issue, No::plain(TicketOutcome::Replayed))));
        }
        self.end_app_session(&believed.app, &sid, believed.user.as_deref(), now)
            .await?;
        Ok(Ok(()))
    }

    /// Marks it, and says so in the log.
    pub(super) async fn end_app_session(
        &self,
        app: &App,
        sid: &str,
        user: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let expires_at = now.plus_seconds(crate::config::LONGEST_APP_SESSION_S);
        let mut conn = self.parts.db.write().await?;
        store_marks::kill_sid(&mut conn, &app.settings.id, sid, now, expires_at).await?;
        let mut entry = Entry::app(Action::AppSessionEnded, &app.settings.id)
            .system(&app.system)
            .target("One of its sessions is over")
            .result(AuditResult::Ok);
        if let Some(user) = user {
            entry = entry.account(app.settings.account_of(user));
        }
        self.parts.audit.append(&mut conn, &entry, now).await?;
        conn.commit().await
    }
}

/// Whether the app may ask for this site and user at all.
pub(super) fn may(app: &App, site: &str, user: &str) -> Result<(), No> {
    if !app.may_site(site) {
        return Err(No::plain(TicketOutcome::SiteNotAllowed));
    }
    if !app.may_user(user) {
        return Err(No::plain(TicketOutcome::UserNotAllowed));
    }
    Ok(())
}

/// A request of which nothing is known yet.
pub(super) fn blank(way: TicketWay, now: Timestamp) -> Issue {
    Issue {
        issue_id: new_id(),
        reference: reference(),
        at: now.0,
        app_id: String::new(),
        system_id: String::new(),
        place: String::new(),
        site: String::new(),
        account: String::new(),
        account_sort: String::new(),
        mail_domain: String::new(),
        grant_kind: TicketGrant::default().name().to_owned(),
        way: way.name().to_owned(),
        outcome: TicketOutcome::Unauthorized.name().to_owned(),
        cause: None,
        node: None,
        ip: None,
        sid_hash: None,
        duration_ms: 0,
    }
}

fn name_app(issue: &mut Issue, app: &App) {
    issue.app_id = app.settings.id.clone();
    issue.system_id = app.system.0.clone();
    issue.grant_kind = app.settings.grant.name().to_owned();
}

fn fresh_of(limits: &(Limit, Limit)) -> i64 {
    let shortest = [limits.0, limits.1]
        .into_iter()
        .filter_map(|limit| match limit {
            Limit::Seconds(s) if s > 0 => Some(s),
            Limit::Seconds(_) | Limit::None | Limit::Unknown => None,
        })
        .min();
    match shortest {
        Some(s) => (s / 2 - FRESH_MARGIN_S).clamp(30, FRESH_MOST_S),
        None if limits.0 == Limit::None => FRESH_MOST_S,
        None => FRESH_UNKNOWN_S,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_taken_as_good_for_less_than_half_of_its_limit() {
        for (idle, absolute, fresh_s) in [
            (Limit::Seconds(1_080), Limit::Unknown, 480),
            (Limit::Seconds(14_400), Limit::Unknown, 7_140),
            (Limit::Seconds(14_400), Limit::Seconds(1_200), 540),
            (Limit::Seconds(60), Limit::None, 30),
            (Limit::None, Limit::Unknown, 7_200),
            (Limit::Unknown, Limit::Unknown, 600),
            (Limit::Seconds(86_400), Limit::None, 7_200),
        ] {
            assert_eq!(fresh_of(&(idle, absolute)), fresh_s, "{idle:?} {absolute:?}");
        }
    }
}
