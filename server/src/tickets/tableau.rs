//! Asking an app's Tableau: a trusted ticket over the wire, or a token that we sign for its connected app.

use app::tickets::wire::{TicketGrant, TicketOutcome};
use app::wire::Timestamp;
use secrecy::SecretString;

use super::Tickets;
use super::apps::App;
use crate::connectors::{TicketFor, TicketSaid};

/// What came of asking.
pub struct Came {
    /// The address that answered last; `None` = none was asked.
    pub node: Option<String>,
    /// Why there is nothing, where the outcome does not say it all; for the Tickets page.
    pub cause: Option<String>,
    /// What came, or why not.
    pub what: Result<Something, TicketOutcome>,
}

/// Something to sign in with.
pub enum Something {
    /// A trusted ticket.
    Ticket(SecretString),
    /// A connected app's token, and when it runs out.
    Token(SecretString, Timestamp),
}

impl Came {
    /// What became of the request.
    pub fn outcome(&self) -> TicketOutcome {
        match &self.what {
            Ok(_) => TicketOutcome::Issued,
            Err(outcome) => *outcome,
        }
    }

    fn not_configured(cause: String) -> Self {
        Self {
            node: None,
            cause: Some(cause),
            what: Err(TicketOutcome::NotConfigured),
        }
    }
}

impl Tickets {
    /// Asks the app's Tableau for what the app gets.
    pub(super) async fn ask_tableau(&self, app: &App, wanted: &TicketFor<'_>, now: Timestamp) -> Came {
        if let Some(trouble) = &app.trouble {
            return Came::not_configured(trouble.clone());
        }
        let connected = self.parts.systems.connected(&app.system);
        let Some(connected) = connected else {
            return Came::not_configured(format!(
                "The settings of systems.{} can\u{2019}t be used.",
                app.system
            ));
        };
        let Some(tickets) = connected.guard.tickets() else {
            return Came::not_configured(format!(
                "systems.{} has neither trusted nor connected_app.",
                app.system
            ));
        };
        if let Some(missing) = tickets.missing(app.settings.grant, wanted.site) {
            return Came::not_configured(missing);
        }
        match app.settings.grant {
            TicketGrant::Jwt => match tickets.token(wanted.user, now) {
                Ok((token, expires_at)) => Came {
                    node: None,
                    cause: None,
                    what: Ok(Something::Token(token, expires_at)),
                },
                Err(cause) => Came::not_configured(cause),
            },
            TicketGrant::Ticket => {
                let answer = tickets.ticket(wanted, now).await;
                let (what, cause) = match answer.said {
                    TicketSaid::Ticket(ticket) => (Ok(Something::Ticket(ticket)), None),
                    TicketSaid::Refused => (Err(TicketOutcome::Refused), None),
                    TicketSaid::Html => (Err(TicketOutcome::Html), None),
                    TicketSaid::Unreachable(words) => (Err(TicketOutcome::Unreachable), Some(words)),
                    TicketSaid::Odd(words) => (Err(TicketOutcome::Odd), Some(words)),
                };
                Came {
                    node: answer.node,
                    cause,
                    what,
                }
            }
        }
    }
}
