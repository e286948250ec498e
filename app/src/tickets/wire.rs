//! Sign-in tickets as pages and the broker exchange them. A ticket itself never stands here.

mod readiness;

use serde::{Deserialize, Serialize};

pub use self::readiness::{AskedFrom, LoginViewLook, LoginViewSeen, Readiness, SiteReady};
use crate::wire::{SystemId, Timestamp};

/// What became of a request for a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketOutcome {
    /// The app has it.
    Issued,
    /// The app's token, or the cookie, was not accepted.
    Unauthorized,
    /// The token was used before.
    Replayed,
    /// The app may not ask for this site.
    SiteNotAllowed,
    /// The app may not ask for this user.
    UserNotAllowed,
    /// The person's sessions were ended: they have to sign in at the app again.
    SignedOut,
    /// The app asks too often.
    TooManyRequests,
    /// Tableau said -1.
    Refused,
    /// Tableau sent a web page.
    Html,
    /// No Tableau address answered.
    Unreachable,
    /// Tableau answered something else.
    Odd,
    /// The settings can't give this.
    NotConfigured,
}

impl TicketOutcome {
    /// Every outcome, in the order pages show them.
    pub const ALL: [TicketOutcome; 12] = [
        TicketOutcome::Issued,
        TicketOutcome::Refused,
        TicketOutcome::Html,
        TicketOutcome::Unreachable,
        TicketOutcome::Odd,
        TicketOutcome::NotConfigured,
        TicketOutcome::SignedOut,
        TicketOutcome::Unauthorized,
        TicketOutcome::Replayed,
        TicketOutcome::SiteNotAllowed,
        TicketOutcome::UserNotAllowed,
        TicketOutcome::TooManyRequests,
    ];

    /// The stable name: database, addresses, the broker's `code`.
    pub const fn name(self) -> &'static str {
        match self {
            TicketOutcome::Issued => "issued",
            TicketOutcome::Unauthorized => "unauthorized",
            TicketOutcome::Replayed => "replayed",
            TicketOutcome::SiteNotAllowed => "site_not_allowed",
            TicketOutcome::UserNotAllowed => "user_not_allowed",
            TicketOutcome::SignedOut => "signed_out",
            TicketOutcome::TooManyRequests => "too_many_requests",
            TicketOutcome::Refused => "refused",
            TicketOutcome::Html => "html",
            TicketOutcome::Unreachable => "unreachable",
            TicketOutcome::Odd => "odd",
            TicketOutcome::NotConfigured => "not_configured",
        }
    }

    /// The outcome of that stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }

    /// How pages say it.
    pub const fn label(self) -> &'static str {
        match self {
            TicketOutcome::Issued => "Issued",
            TicketOutcome::Unauthorized => "Token not accepted",
            TicketOutcome::Replayed => "Token used before",
            TicketOutcome::SiteNotAllowed => "Site not allowed",
            TicketOutcome::UserNotAllowed => "User not allowed",
            TicketOutcome::SignedOut => "Signed out",
            TicketOutcome::TooManyRequests => "Too many requests",
            TicketOutcome::Refused => "Refused by Tableau",
            TicketOutcome::Html => "Web page instead",
            TicketOutcome::Unreachable => "Not reached",
            TicketOutcome::Odd => "Odd answer",
            TicketOutcome::NotConfigured => "Not set up",
        }
    }

    /// What it most likely means and what to look at first; empty where nothing is wrong.
    pub const fn what_to_check(self) -> &'static [LikelyCause] {
        match self {
            TicketOutcome::Issued => &[],
            TicketOutcome::Refused => &REFUSED,
            TicketOutcome::Html => &[LikelyCause {
                cause: "Something in front of Tableau answered: a sign-in page, a redirect, a proxy's error page.",
                check: "trusted.nodes must name Tableau itself, with its scheme and port, not a portal before it.",
                log: "",
            }],
            TicketOutcome::Unreachable => &[LikelyCause {
                cause: "No node answered in time.",
                check: "Firewall and name of every address in trusted.nodes, and the certificate (ca_file).",
                log: "",
            }],
            TicketOutcome::Odd => &[LikelyCause {
                cause: "Tableau answered neither a ticket nor -1.",
                check: "The cause tells the status. A fault of Tableau itself stands in its own log.",
                log: "",
            }],
            TicketOutcome::NotConfigured => &[LikelyCause {
                cause: "The settings lack what this needs.",
                check: "Run curfew check-config: it names the app or the system, and the setting.",
                log: "",
            }],
            TicketOutcome::SignedOut => &[LikelyCause {
                cause: "The person's sessions were ended, or they signed out of the app.",
                check: "Nothing: after a new sign-in at the app they get tickets again.",
                log: "",
            }],
            TicketOutcome::Unauthorized => &[LikelyCause {
                cause: "The token's signature, audience or times were not accepted; the cause tells which.",
                check: "Key and algorithm of the app in the settings, its clock, and aud = the broker's public_url.",
                log: "",
            }],
            TicketOutcome::Replayed => &[LikelyCause {
                cause: "The app sent one token twice, or somebody else did.",
                check: "The app has to make a token with a jti of its own for each request, and never repeat one.",
                log: "",
            }],
            TicketOutcome::SiteNotAllowed => &[LikelyCause {
                cause: "The site is not in the app's list.",
                check: "broker.apps.sites: contentUrl as in Tableau's addresses, capitals included; \"\" = Default.",
                log: "",
            }],
            TicketOutcome::UserNotAllowed => &[LikelyCause {
                cause: "The user does not fit the app's pattern.",
                check: "broker.apps.users has to fit the whole name.",
                log: "",
            }],
            TicketOutcome::TooManyRequests => &[LikelyCause {
                cause: "The app asked more often than broker.apps.per_minute.",
                check: "Whether the app asks once per view instead of once per browser.",
                log: "",
            }],
        }
    }
}

/// Why Tableau says -1: it tells only its own log (docs/broker.md).
const REFUSED: [LikelyCause; 4] = [
    LikelyCause {
        cause: "The broker's address is not in Tableau's list of trusted hosts, or it came over IPv6.",
        check: "tsm authentication trusted configure -th with the whole list, IPv4 only, then pending-changes apply \
                (a restart).",
        log: "Invalid request host: <ip>",
    },
    LikelyCause {
        cause: "The user is not known there, or the domain is missing.",
        check: "The name as Tableau writes it; with Active Directory DOMAIN\\name.",
        log: "Invalid user: <name>",
    },
    LikelyCause {
        cause: "The user has no licence.",
        check: "The site role of the user: not Unlicensed.",
        log: "Unlicensed user is not allowed: <name>",
    },
    LikelyCause {
        cause: "The user name or the form's content type got lost on the way.",
        check: "Whether a proxy between broker and Tableau rewrites the request.",
        log: "Missing username and/or client_ip",
    },
];

/// One likely cause, and what to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LikelyCause {
    /// What may be the case.
    pub cause: &'static str,
    /// Where to look, and what would be right.
    pub check: &'static str,
    /// How Tableau's own log says it; empty = it says nothing.
    pub log: &'static str,
}

/// What an app gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketGrant {
    /// A trusted ticket.
    #[default]
    Ticket,
    /// A connected app's JWT.
    Jwt,
}

impl TicketGrant {
    /// The stable name: settings, database, answers.
    pub const fn name(self) -> &'static str {
        match self {
            TicketGrant::Ticket => "ticket",
            TicketGrant::Jwt => "jwt",
        }
    }

    /// The grant of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ticket, Self::Jwt].into_iter().find(|g| g.name() == name)
    }
}

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketWay {
    /// From an app's server.
    Server,
    /// From a browser, through the app's own address.
    Browser,
    /// From this page.
    Test,
}

impl TicketWay {
    /// The stable name: database.
    pub const fn name(self) -> &'static str {
        match self {
            TicketWay::Server => "server",
            TicketWay::Browser => "browser",
            TicketWay::Test => "test",
        }
    }

    /// The way of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Server, Self::Browser, Self::Test]
            .into_iter()
            .find(|w| w.name() == name)
    }
}

/// What to show of the requests. Empty fields narrow nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketQuery {
    /// The reference a person was told, whole; any case, with or without "T-".
    pub reference: String,
    /// App id.
    pub app: String,
    /// System id.
    pub system: String,
    /// Node as in [`TicketRow::node`].
    pub node: String,
    /// Outcome name, or "not_issued" for everything but issued.
    pub outcome: String,
    /// Part of the user's name.
    pub user: String,
    /// Requests before this one: [`TicketsPage::next`].
    pub cursor: Option<String>,
}

/// A request as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRow {
    /// What the app and its people were told: T-XXXXXXXX.
    pub reference: String,
    /// When.
    pub at: Timestamp,
    /// App id; empty = the token named no app Curfew knows.
    pub app: String,
    /// The app's system; empty with an unknown app.
    pub system_id: SystemId,
    /// Its name.
    pub system_name: String,
    /// Site by its contentUrl; empty = Default site.
    pub site: String,
    /// User as the app named them; empty = none that was believed.
    pub user: String,
    /// What was asked for.
    pub grant: TicketGrant,
    /// How it came.
    pub way: TicketWay,
    /// What became of it.
    pub outcome: TicketOutcome,
    /// Which check failed, in plain words; `None` = the outcome says it all.
    pub cause: Option<String>,
    /// The Tableau address that answered last; `None` = none was asked.
    pub node: Option<String>,
    /// The browser's address; `None` = not told, or hidden from the caller.
    pub ip: Option<String>,
    /// From the request to the answer.
    pub duration_ms: i64,
}

/// An app of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketApp {
    /// Its id.
    pub app: String,
    /// The Tableau it may ask.
    pub system_id: SystemId,
    /// Its name.
    pub system_name: String,
    /// Sites it may ask for, by contentUrl; "" = Default site.
    pub sites: Vec<String>,
    /// What it gets.
    pub grant: TicketGrant,
    /// Most requests a minute.
    pub per_minute: u32,
    /// Whether its browsers may ask by its cookie.
    pub browser: bool,
    /// What is wrong with its settings, in one sentence; `None` = nothing.
    pub trouble: Option<String>,
    /// Whether the caller may press Test.
    pub may_test: bool,
}

/// How many requests ended how. Only of systems the caller sees whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketCount {
    /// App id; empty = not known.
    pub app: String,
    /// Node; empty = none was asked.
    pub node: String,
    /// Outcome.
    pub outcome: TicketOutcome,
    /// In the last hour (whole slots of ten minutes).
    pub last_hour: u64,
    /// In the last 24 hours.
    pub last_day: u64,
}

/// One slot of ten minutes, for the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketSlot {
    /// When it begins.
    pub at: Timestamp,
    /// Issued.
    pub issued: u64,
    /// Everything else.
    pub not_issued: u64,
}

/// A Tableau address that is asked for tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketNode {
    /// The system it is part of.
    pub system_id: SystemId,
    /// Its address: scheme, host, port.
    pub node: String,
    /// It failed and is asked last until then, in this process; `None` = it is in order as far as known.
    pub last_until: Option<Timestamp>,
    /// How it failed then.
    pub trouble: Option<String>,
    /// Whether the caller may know how much is asked there.
    pub counted: bool,
    /// The ten minutes in which it was last asked for a ticket, by their begin; `None` = not within a day.
    pub asked_at: Option<Timestamp>,
}

/// A person who gets no tickets until they have signed in at the app again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketHold {
    /// Where.
    pub system_id: SystemId,
    /// Site by its contentUrl; `None` = every site.
    pub site: Option<String>,
    /// Account as Tableau names it.
    pub account: String,
    /// Sign-ins up to then count for nothing.
    pub since: Timestamp,
    /// Where the app's token tells no sign-in it holds until then.
    pub until: Timestamp,
    /// The ending it comes from; `None` = not for the caller to know.
    pub ending_no: Option<i64>,
}

/// The Tickets page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketsPage {
    /// The server's clock.
    pub now: Timestamp,
    /// The broker's address as apps know it: `aud` of their tokens.
    pub broker_url: String,
    /// Apps of the settings whose system the caller sees, by id.
    pub apps: Vec<TicketApp>,
    /// Addresses of those systems.
    pub nodes: Vec<TicketNode>,
    /// Numbers by app, node and outcome.
    pub counts: Vec<TicketCount>,
    /// The last 24 hours in slots of ten minutes, oldest first; slots without requests are left out.
    pub slots: Vec<TicketSlot>,
    /// Requests that fit, newest first, 50 at most.
    pub rows: Vec<TicketRow>,
    /// For the next page; `None` = that was all.
    pub next: Option<String>,
    /// Holds in force, newest first, 50 at most.
    pub holds: Vec<TicketHold>,
}

/// A test asked for on the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketTestAsked {
    /// App id.
    pub app: String,
    /// Site by its contentUrl.
    pub site: String,
    /// User to ask a ticket for.
    pub user: String,
}

/// What a test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketTest {
    /// Finds it among the requests.
    pub reference: String,
    /// What came.
    pub outcome: TicketOutcome,
    /// In one sentence.
    pub words: String,
    /// The address that answered; `None` = none was asked.
    pub node: Option<String>,
    /// How long it took.
    pub duration_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_but_issued_says_what_to_check() {
        for outcome in TicketOutcome::ALL {
            assert_eq!(TicketOutcome::from_name(outcome.name()), Some(outcome));
            let checks = outcome.what_to_check();
            assert_eq!(checks.is_empty(), outcome == TicketOutcome::Issued);
            assert!(checks.iter().all(|c| !c.cause.is_empty() && !c.check.is_empty()));
        }
        assert_eq!(TicketOutcome::Refused.what_to_check().len(), 4);
    }
}
