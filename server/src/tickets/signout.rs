//! Signing out on both sides: the person left the app, so their Tableau sessions are ended too, and read back.
//!
//! No documented field of Tableau links a session to the ticket that opened it. So sessions are found by time: those of
//! this person on this site that began within the life of a ticket the app was given for them. The answer says so. Where
//! the app never asked for a ticket (SAML), every session of the person on the site is meant.

use std::time::{Duration, Instant};

use app::tickets::wire::{TicketOutcome, TicketWay};
use app::wire::{SessionKey, SystemId, Timestamp};

use super::ask::{Asked, No, Refused, blank, may};
use super::store_marks::LiveSession;
use super::token::{self, Believed};
use super::{Tickets, reference, store, store_marks};
use crate::caller::Origin;
use crate::caller::broker::acting_for;
use crate::config::Several;
use crate::endings::for_app::{Standing, Wish};
use crate::error::Error;

/// A ticket opens a session at most so long after it was given, ms: its life, and what clocks may differ.
const AFTER_MS: i64 = 182_000;
/// A session may seem to begin so long before its ticket, ms: clocks differ.
const BEFORE_MS: i64 = 2_000;
/// A fresh reading of the system is waited for so long.
const READ_FOR: Duration = Duration::from_secs(6);

/// What a sign-out did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedOut {
    /// Stands in the ending as its ticket number.
    pub reference: String,
    /// The ending; `None` = none was begun.
    pub ending_no: Option<i64>,
    /// "waiting", "nothing_found", "several_not_ended", "left_out", "needs_person".
    pub state: &'static str,
    /// "time" or "person".
    pub matched_by: &'static str,
    /// Sessions that may be the one.
    pub candidates: usize,
}

/// The sessions that a sign-out means.
struct Found {
    matched_by: &'static str,
    /// Those that may be the one.
    candidates: Vec<LiveSession>,
    /// Every session of the person on the site.
    all: Vec<LiveSession>,
}

impl Tickets {
    /// Ends the Tableau sessions of a person who signed out of an app; its session there asks for tickets in vain.
    pub async fn sign_out(&self, token: &str, origin: Origin) -> Result<Result<SignedOut, Refused>, Error> {
        let believed = match self.of_server(token).await? {
            Ok(believed) => believed,
            Err(refused) => return Ok(Err(refused)),
        };
        let now = self.now();
        let app = &believed.app;
        let user = believed.user.clone().unwrap_or_default();
        if let Some(sid) = &believed.sid_hash {
            self.end_app_session(app, sid, Some(&user), now).await?;
        }
        // What was given a moment ago counts too, and so does a session that opened a moment ago.
        self.store_now().await?;
        self.read_again(&app.system, now).await;
        let account = app.settings.account_of(&user);
        let found = self.candidates(&believed, &account, now).await?;
        let answer = |state, ending_no, reference: String| SignedOut {
            reference,
            ending_no,
            state,
            matched_by: found.matched_by,
            candidates: found.candidates.len(),
        };
        let reference = reference();
        let meant = match (found.candidates.len(), app.settings.several) {
            (0, _) => return Ok(Ok(answer("nothing_found", None, reference))),
            (1, _) => &found.candidates,
            (_, Several::EndAll) => &found.all,
            (_, Several::None) => return Ok(Ok(answer("several_not_ended", None, reference))),
        };
        let mut sites: Vec<String> = meant.iter().map(|session| session.site.clone()).collect();
        sites.sort();
        sites.dedup();
        let caller = acting_for(&app.settings, &account, &sites, origin);
        let keys: Vec<SessionKey> = meant
            .iter()
            .map(|session| SessionKey(session.session_key.clone()))
            .collect();
        let ended = self.parts.endings.end_for_app(&caller, &keys, &reference).await?;
        Ok(Ok(match ended {
            Wish::Started(ending_no) => answer("waiting", Some(ending_no), reference),
            Wish::LeftOut => answer("left_out", None, reference),
            Wish::NeedsPerson => answer("needs_person", None, reference),
        }))
    }

    /// How an ending stands that the app of this token asked for; `None` = it asked for no such ending.
    pub async fn standing(
        &self,
        token: &str,
        ending_no: i64,
    ) -> Result<Result<Option<Standing>, Refused>, Error> {
        let believed = match self.of_server(token).await? {
            Ok(believed) => believed,
            Err(refused) => return Ok(Err(refused)),
        };
        let app = &believed.app.settings.id;
        Ok(Ok(self.parts.endings.standing_for_app(app, ending_no).await?))
    }

    /// A server's token, believed and used, that names a person and a site of the app's.
    async fn of_server(&self, token: &str) -> Result<Result<Believed, Refused>, Error> {
        let asked = Asked {
            token,
            way: TicketWay::Server,
            site: None,
            app: None,
            begun: Instant::now(),
        };
        let now = self.now();
        let mut issue = blank(TicketWay::Server, now);
        let believed = match self.believe(&asked, token::For::Server, now, &mut issue).await {
            Ok(believed) => believed,
            Err(no) => return Ok(Err(self.refuse(issue, no))),
        };
        let Some(user) = &believed.user else {
            let no = No::because(TicketOutcome::Unauthorized, "It has no sub.");
            return Ok(Err(self.refuse(issue, no)));
        };
        if let Err(no) = may(&believed.app, &believed.site, user) {
            return Ok(Err(self.refuse(issue, no)));
        }
        if !self.use_once(&believed).await? {
            return Ok(Err(self.refuse(issue, No::plain(TicketOutcome::Replayed))));
        }
        Ok(Ok(believed))
    }

    async fn candidates(&self, believed: &Believed, account: &str, now: Timestamp) -> Result<Found, Error> {
        let app = &believed.app;
        let since = now.plus_seconds(-app.settings.max_age_s);
        let mut conn = self.parts.db.read().await?;
        let tickets = store::issued_to(
            &mut conn,
            &app.settings.id,
            &app.system,
            &believed.site,
            account,
            since,
        )
        .await?;
        let all = store_marks::live_sessions(&mut conn, &app.system, &believed.site, account).await?;
        Ok(match_by(&tickets, believed.sid_hash.as_deref(), all))
    }

    /// Reads the system again unless a reading began since; many sign-outs share one. What can't be read now is ended as
    /// far as the inventory knows it.
    async fn read_again(&self, system: &SystemId, since: Timestamp) {
        let until = tokio::time::Instant::now() + READ_FOR;
        let _turn = self.reading.lock().await;
        loop {
            match self.parts.systems.numbers().await {
                Ok(numbers) => {
                    let of_it = numbers.iter().find(|(id, ..)| id == system);
                    if of_it.is_some_and(|(_, _, read_at)| read_at.is_some_and(|at| at >= since)) {
                        return;
                    }
                }
                Err(cause) => {
                    tracing::warn!(%cause, "could not look when a system was read");
                    return;
                }
            }
            let (collector, of) = (self.parts.collector.clone(), system.clone());
            // In a task of its own: a reading that takes long goes on, only nobody waits for it here.
            let pass = tokio::spawn(async move { collector.collect(&of).await });
            match tokio::time::timeout_at(until, pass).await {
                // Somebody else reads it: their reading may have begun too early, so it is looked at again.
                Ok(Ok(Ok(None))) => tokio::time::sleep(Duration::from_millis(200)).await,
                Ok(_) | Err(_) => return,
            }
            if tokio::time::Instant::now() >= until {
                return;
            }
        }
    }
}

/// Which of a person's sessions are meant. `tickets` = when the app was given one, and for which of its own sessions.
fn match_by(tickets: &[(Timestamp, Option<String>)], sid: Option<&str>, all: Vec<LiveSession>) -> Found {
    if tickets.is_empty() {
        return Found {
            matched_by: "person",
            candidates: all.clone(),
            all,
        };
    }
    // Where both the ticket and the sign-out say of which session of the app they are, the others are not meant.
    let own = tickets.iter().filter(|(_, of)| match (of.as_deref(), sid) {
        (Some(of), Some(sid)) => of == sid,
        (None, _) | (_, None) => true,
    });
    let moments: Vec<i64> = own.map(|(at, _)| at.0).collect();
    let candidates = all
        .iter()
        .filter(|session| {
            session.created_at.is_none_or(|began| {
                moments
                    .iter()
                    .any(|at| (at - BEFORE_MS..=at + AFTER_MS).contains(&began))
            }) && !moments.is_empty()
        })
        .cloned()
        .collect();
    Found {
        matched_by: "time",
        candidates,
        all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(name: &str, created_at: Option<i64>) -> LiveSession {
        LiveSession {
            session_key: name.to_owned(),
            site: "Sales".to_owned(),
            created_at,
        }
    }

    #[test]
    fn sessions_are_matched_by_the_life_of_the_tickets_of_the_apps_session() {
        let all = || {
            vec![
                session("before", Some(0)),
                session("first", Some(1_000_500)),
                session("other", Some(5_000_000)),
                session("no moment", None),
            ]
        };
        let names = |found: &Found| {
            let names: Vec<&str> = found.candidates.iter().map(|s| s.session_key.as_str()).collect();
            names.join(", ")
        };
        let ticket = |at: i64, sid: Option<&str>| (Timestamp(at), sid.map(str::to_owned));
        for (tickets, sid, matched_by, is) in [
            (vec![], Some("a"), "person", "before, first, other, no moment"),
            (
                vec![ticket(1_000_000, Some("a"))],
                Some("a"),
                "time",
                "first, no moment",
            ),
            (vec![ticket(1_000_000, Some("b"))], Some("a"), "time", ""),
            (
                vec![ticket(1_000_000, None)],
                Some("a"),
                "time",
                "first, no moment",
            ),
            (
                vec![ticket(1_000_000, Some("b"))],
                None,
                "time",
                "first, no moment",
            ),
            (
                vec![ticket(1_000_000, Some("a")), ticket(4_900_000, Some("a"))],
                Some("a"),
                "time",
                "first, other, no moment",
            ),
            (vec![ticket(1_003_000, None)], None, "time", "no moment"),
            (vec![ticket(818_000, None)], None, "time", "no moment"),
        ] {
            let found = match_by(&tickets, sid, all());
            assert_eq!(
                (found.matched_by, names(&found).as_str()),
                (matched_by, is),
                "{tickets:?}"
            );
            assert_eq!(found.all.len(), 4);
        }
    }
}
