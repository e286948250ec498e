//! Connectors: our code for one kind of system, each one file or folder, each one line in the registry.
//!
//! A connector lists, asks, reads; it never decides. It never says that a session ended: only the endings room makes an
//! outcome, from a later list. Start reading at [`Connector`]; what wraps every call is in `guard`.

use std::sync::Arc;

use app::policies::wire::{SettingAdvice, SystemSetting};
use app::sessions::wire::SessionKind;
use app::systems::wire::{Abilities, SelfTestStep};
use app::tickets::wire::{LoginViewSeen, TicketGrant};
use app::wire::{Limit, Timestamp};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Duration, Instant};

use crate::config::SystemSettings;

pub mod cas;
pub mod conformance;
pub mod domo;
pub mod guard;
pub mod http;
pub mod jwks;
pub mod keycloak;
pub mod simulator;
pub mod steps;
pub mod tableau;
pub mod tomcat;

/// What a connector is made from.
pub struct Recipe<'s> {
    /// The system's settings entry.
    pub settings: &'s SystemSettings,
    /// Longest time for one request.
    pub timeout: Duration,
}

/// Makes the connector of one kind; the error names the bad setting.
pub type Make = fn(&Recipe<'_>) -> anyhow::Result<SharedConnector>;

/// Every kind of system Curfew can connect, besides itself (`portal`). One line each.
pub const REGISTRY: &[(&str, Make)] = &[
    ("cas", cas::from_settings),
    ("domo", domo::from_settings),
    ("keycloak", keycloak::from_settings),
    ("simulator", simulator::from_settings),
    ("tableau", tableau::from_settings),
    ("tomcat", tomcat::from_settings),
];

/// The connector for these settings.
pub fn make(recipe: &Recipe<'_>) -> anyhow::Result<SharedConnector> {
    match REGISTRY.iter().find(|(kind, _)| *kind == recipe.settings.kind) {
        Some((_, make)) => make(recipe),
        None => {
            let kinds: Vec<&str> = REGISTRY.iter().map(|(kind, _)| *kind).collect();
            anyhow::bail!(
                "kind \"{}\" is not known; known are: {}",
                recipe.settings.kind,
                kinds.join(", ")
            )
        }
    }
}

/// Pause between two requests to this system, ms: that of its settings, else the one its kind is known to want.
pub fn pace_ms(settings: &SystemSettings) -> u64 {
    let default = if settings.kind == "domo" { domo::PACE_MS } else { 0 };
    settings.pace_ms.unwrap_or(default)
}

/// A raw session id: a login. In memory only; no Debug, no Serialize, wiped when dropped.
#[derive(Clone)]
pub struct Handle(SecretString);

impl Handle {
    /// Takes the raw id from a system's answer.
    pub fn new(raw: impl Into<String>) -> Self {
        Self(SecretString::from(raw.into()))
    }

    /// The raw id, for hashing and for the request that ends it; never for anything else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Last 4 characters, what a person may see; fewer when the id is shorter than 12, so that little is given away.
    pub fn hint(&self) -> String {
        let count = self.expose().chars().count();
        let shown = if count >= 12 { 4 } else { count / 3 };
        self.expose().chars().skip(count - shown).collect()
    }
}

/// A session as a system reported it, in our units; zero values and odd units are resolved by the connector.
pub struct SeenSession {
    /// Its raw id.
    pub handle: Handle,
    /// What makes the handle unique inside the system (context, realm, site); empty = nothing.
    pub place: String,
    /// Kind.
    pub kind: SessionKind,
    /// The system's own code when `kind` is Other.
    pub raw_kind: Option<String>,
    /// The system's own id of the account, opaque; empty = not reported.
    pub account_id: String,
    /// User name; empty = not reported.
    pub account_name: String,
    /// Name as shown there; empty = not reported.
    pub display_name: String,
    /// Why the person could not be told for sure ("Two readings disagree"); `None` = who is named above, or nobody is.
    /// A session in doubt is handed on without account, name and mail.
    pub person_doubt: Option<String>,
    /// What the system says of the person beside their name, in few words: "disabled in Keycloak"; `None` = nothing.
    pub remark: Option<String>,
    /// Mail.
    pub email: Option<String>,
    /// Address of the browser.
    pub ip: Option<String>,
    /// Browser as it named itself.
    pub user_agent: Option<String>,
    /// "Chrome 149", where the system says it itself; empty = derive from `user_agent`.
    pub browser: String,
    /// "Windows"; empty = derive from `user_agent`.
    pub os: String,
    /// Node of a cluster that reported it.
    pub node: Option<String>,
    /// Site; empty = none.
    pub site: String,
    /// Start.
    pub created_at: Option<Timestamp>,
    /// Last activity as the system defines it.
    pub last_active_at: Option<Timestamp>,
    /// Idle limit this session has.
    pub idle: Limit,
    /// Moment it ends at latest; `None` with `absolute_known` = no limit.
    pub absolute_expires_at: Option<Timestamp>,
    /// False = the system does not say whether there is a longest life.
    pub absolute_known: bool,
    /// Whether it can be ended here.
    pub endable: Endable,
    /// Why the browser would sign itself in again after an ending; `None` = no such sign.
    pub return_hint: Option<String>,
}

impl SeenSession {
    /// A session of which only the essentials are known; everything else "not reported".
    pub fn new(handle: Handle, kind: SessionKind) -> Self {
        Self {
            handle,
            place: String::new(),
            kind,
            raw_kind: None,
            account_id: String::new(),
            account_name: String::new(),
            display_name: String::new(),
            person_doubt: None,
            remark: None,
            email: None,
            ip: None,
            user_agent: None,
            browser: String::new(),
            os: String::new(),
            node: None,
            site: String::new(),
            created_at: None,
            last_active_at: None,
            idle: Limit::Unknown,
            absolute_expires_at: None,
            absolute_known: false,
            endable: Endable::Yes,
            return_hint: None,
        }
    }

    /// Takes away who it is of where nobody signed in or that is in doubt: no scope may take a guess for an account.
    fn name_nobody_in_doubt(&mut self) {
        if self.kind == SessionKind::Guest || self.person_doubt.is_some() {
            self.account_id.clear();
            self.account_name.clear();
            self.display_name.clear();
            self.email = None;
        }
    }
}

/// Whether a listed session can be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endable {
    /// It can.
    Yes,
    /// It is the sign-in Curfew itself uses there.
    OwnConnection,
    /// It can't; the words say what works instead.
    No(String),
}

/// How whole a list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Everything the system has (of what was asked).
    Complete,
    /// Something is missing or may be: nothing may be called gone. The words say why.
    Partial(String),
}

/// Where a connector puts what it reads, in batches, as it comes: memory stays flat.
///
/// A full channel makes the connector wait; a closed one means nobody listens any more and it should stop.
pub struct Sink {
    sender: tokio::sync::mpsc::Sender<Vec<SeenSession>>,
    moved: std::sync::Mutex<Progress>,
}

/// How far a list is.
#[derive(Clone, Copy)]
struct Progress {
    batches: u64,
    /// `None` while a batch waits for the receiver: that time is not the system's.
    since: Option<Instant>,
}

impl Sink {
    /// A sink and the end to receive from; at most `batches` wait in between.
    pub fn channel(batches: usize) -> (Self, tokio::sync::mpsc::Receiver<Vec<SeenSession>>) {
        let (sender, receiver) = tokio::sync::mpsc::channel(batches);
        let moved = std::sync::Mutex::new(Progress {
            batches: 0,
            since: Some(Instant::now()),
        });
        (Self { sender, moved }, receiver)
    }

    fn progress(&self) -> Progress {
        *self
            .moved
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut Progress)) {
        change(
            &mut self
                .moved
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
    }

    /// Hands over a batch (any size; 500 to 5,000 is good).
    pub async fn push(&self, mut batch: Vec<SeenSession>) -> Result<(), ConnectorError> {
        batch.iter_mut().for_each(SeenSession::name_nobody_in_doubt);
        self.set(|moved| moved.since = None);
        let sent = self.sender.send(batch).await;
        self.set(|moved| {
            moved.batches += 1;
            moved.since = Some(Instant::now());
        });
        sent.map_err(|_| ConnectorError::stopped())
    }
}

/// Which sessions to list.
#[derive(Clone, Copy)]
pub enum Wanted<'a> {
    /// All of them.
    All,
    /// Those of these accounts (by the system's own id). A connector that can't narrow lists everything.
    Accounts(&'a [String]),
}

/// What the system said when asked to end one session. Never "ended".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It said OK.
    Accepted,
    /// It said that there is no such session.
    NotFound,
    /// It refused, in its own words (safe to show: the connector has removed ids and secrets).
    Refused(String),
    /// The request left us and nothing, or nothing readable, came back.
    NoAnswer,
}

/// A session to end: its handle with the facts a connector may need to build the request.
#[derive(Clone)]
pub struct Target {
    /// Raw id.
    pub handle: Handle,
    /// Place, as listed.
    pub place: String,
    /// Kind, as listed.
    pub kind: SessionKind,
    /// Site, as listed.
    pub site: String,
    /// Account id, as listed.
    pub account_id: String,
    /// Node, as listed.
    pub node: Option<String>,
}

/// Limits as configured in the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadLimits {
    /// Longest pause between activities.
    pub idle: Limit,
    /// Longest time since sign-in.
    pub absolute: Limit,
    /// Where exactly it was read, and what this kind of system has no limit for, for people; empty = obvious.
    pub note: String,
    /// Limits of single places, where each has its own; empty = the same everywhere.
    pub places: Vec<PlaceLimit>,
    /// Typed in for single kinds of session; empty = the same for all of them, or nobody did.
    pub kinds: Vec<KindLimits>,
    /// Where idle and absolute are from.
    pub source: LimitsFrom,
    /// Everything else that shapes sessions, each with its source; empty = nothing more to tell.
    pub settings: Vec<SystemSetting>,
    /// What these settings call for.
    pub advice: Vec<SettingAdvice>,
}

/// Limits that a person typed in for the sessions of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindLimits {
    /// Which kind.
    pub kind: SessionKind,
    /// Longest pause between activities.
    pub idle: Limit,
    /// Longest time since sign-in.
    pub absolute: Limit,
}

/// Where limits are from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitsFrom {
    /// The system itself.
    #[default]
    Read,
    /// Curfew's settings.
    Typed,
    /// A file that a person took from the system.
    Imported,
    /// Nobody told us.
    Nobody,
}

/// The limit of one place of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceLimit {
    /// As in [`SeenSession::place`].
    pub place: String,
    /// Longest pause between activities there.
    pub idle: Limit,
    /// What a person should know of it; empty = nothing.
    pub note: String,
}

/// What ending means in this kind of system, for preview and Systems page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndEffect {
    /// When it bites: "At the next click".
    pub takes_effect: String,
    /// What still works after; empty = nothing known.
    pub survives: String,
    /// How long something may still work; `None` = nothing known to survive.
    pub residual: Option<Residual>,
    /// What the system can't show in its list; plain sentences.
    pub not_listed: Vec<String>,
    /// What a person should know before they end there; empty = nothing.
    pub before_you_end: String,
}

/// How long something may still work after an ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Residual {
    /// Seconds from the ending.
    pub seconds: i64,
    /// The kind of sessions that have it; `None` = all.
    pub of: Option<SessionKind>,
}

impl Residual {
    /// Seconds that something of a session of this kind may still work; `None` = nothing of it does.
    pub fn seconds_of(self, kind: SessionKind) -> Option<i64> {
        (self.seconds > 0 && self.of.is_none_or(|of| of == kind)).then_some(self.seconds)
    }
}

/// One connected installation. Its abilities are what it returns, so declared and real can't differ.
pub trait Connector: Send + Sync {
    /// What ending means here.
    fn effect(&self) -> EndEffect;
    /// What the newest list of everything found out about this installation: how it is read and why so, what it can't
    /// show; plain sentences. Only in the process that read it.
    fn found(&self) -> Vec<String> {
        Vec::new()
    }
    /// What the newest list of everything found it to run, where only a self-test on that very build can tell whether
    /// ending works; as in [`Proof::build`]. `None` = it needs no proof by build, or does not tell.
    fn build(&self) -> Option<String> {
        None
    }
    /// People signed in there are let into other systems without being asked: its sessions are ended before theirs.
    fn is_identity_server(&self) -> bool {
        false
    }
    /// What is live now, all of it or some accounts.
    fn list(&self) -> Option<&dyn ListSessions> {
        None
    }
    /// Asks to end single sessions.
    fn end(&self) -> Option<&dyn EndSessions> {
        None
    }
    /// Asks to end everything of one account, even where listing is impossible.
    fn end_all_of(&self) -> Option<&dyn EndAccount> {
        None
    }
    /// Limits as configured there.
    fn policy(&self) -> Option<&dyn ReadPolicy> {
        None
    }
    /// Proves that ending works.
    fn self_test(&self) -> Option<&dyn SelfTest> {
        None
    }
    /// Lets people in by a ticket.
    fn tickets(&self) -> Option<&dyn IssueTicket> {
        None
    }
    /// Tries whether tickets can be had and redeemed there.
    fn try_tickets(&self) -> Option<&dyn TryTickets> {
        None
    }
}

/// The abilities of a connector, derived from what it returns.
pub fn abilities(connector: &dyn Connector) -> Abilities {
    Abilities {
        list: connector.list().is_some(),
        end: connector.end().is_some(),
        end_all_of: connector.end_all_of().is_some(),
        policy: connector.policy().is_some(),
        self_test: connector.self_test().is_some(),
        tickets: connector.tickets().is_some(),
    }
}

/// Lists sessions.
#[async_trait]
pub trait ListSessions: Send + Sync {
    /// Puts every wanted session into `sink` and says how whole that was.
    ///
    /// One session on two nodes may be reported twice: the collector merges them. A result exactly as long as its
    /// limit is `Partial`. An HTML page, a redirect, a failed login is an error, never an empty list.
    async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError>;

    /// True when `Wanted::Accounts` is cheaper than listing everything.
    fn narrows(&self) -> bool {
        false
    }
}

/// Asks to end sessions.
#[async_trait]
pub trait EndSessions: Send + Sync {
    /// Most targets for one call of `end`: after each such chunk the answers are stored.
    fn chunk(&self) -> usize {
        200
    }

    /// Asks the system to end these sessions; one answer per target, in the same order.
    ///
    /// `NotFound` when it was not there: asking twice is safe and both answers are true. `NoAnswer` when the request
    /// left us but nothing came back; the caller lists again before it asks again. An error means that nothing, or
    /// nothing known, was asked.
    async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError>;
}

/// Asks to end everything of an account.
#[async_trait]
pub trait EndAccount: Send + Sync {
    /// As [`EndSessions::end`], for all sessions of one account.
    async fn end_all_of(&self, account_id: &str) -> Result<Answer, ConnectorError>;
}

/// Reads limits.
#[async_trait]
pub trait ReadPolicy: Send + Sync {
    /// The limits as configured there now.
    async fn read_policy(&self) -> Result<ReadLimits, ConnectorError>;
}

/// Proves that ending works.
#[async_trait]
pub trait SelfTest: Send + Sync {
    /// Opens a throw-away session, ends it and proves it dead; one step each. Proven = no step failed or was skipped.
    async fn self_test(&self) -> Result<Proof, ConnectorError>;
}

/// What a self-test found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Steps in order.
    pub steps: Vec<SelfTestStep>,
    /// The system's own version; empty = not said.
    pub build: String,
}

/// Lets people in by something that works once, or for minutes.
#[async_trait]
pub trait IssueTicket: Send + Sync {
    /// Asks for a ticket. Addresses that failed are asked last for a while; a refusal is an answer, not a failure.
    async fn ticket(&self, wanted: &TicketFor<'_>, now: Timestamp) -> TicketAnswer;

    /// Signs a token instead, without asking anybody: the secret, and when it runs out. The words name the setting that
    /// is missing.
    fn token(&self, user: &str, now: Timestamp) -> Result<(SecretString, Timestamp), String>;

    /// What is missing for this grant at this site, naming the setting; `None` = nothing.
    fn missing(&self, grant: TicketGrant, site: &str) -> Option<String>;

    /// Where a browser finds the views of a site: ends with a slash.
    fn views_url(&self, site: &str) -> String;

    /// Where a browser redeems a ticket by loading an image; `None` = the settings name no view for this site.
    fn redeem_url(&self, site: &str, ticket: &str) -> Option<String>;

    /// The addresses that are asked for tickets, and how they are.
    fn nodes(&self, now: Timestamp) -> Vec<NodeHealth>;
}

/// Whom a ticket is for.
#[derive(Clone, Copy, Debug)]
pub struct TicketFor<'a> {
    /// User, with the domain where there is one: `DOMAIN\name`.
    pub user: &'a str,
    /// Site, as its addresses name it; empty = the default one.
    pub site: &'a str,
    /// The browser's address; `None` = the ticket is good from any.
    pub client_ip: Option<&'a str>,
}

/// What came of asking for a ticket.
pub struct TicketAnswer {
    /// The address that answered, or was asked last; `None` = none was.
    pub node: Option<String>,
    /// What came.
    pub said: TicketSaid,
}

/// What a system said when asked for a ticket.
pub enum TicketSaid {
    /// Here it is.
    Ticket(SecretString),
    /// No, without a reason.
    Refused,
    /// A web page.
    Html,
    /// Nothing came; why, in one sentence.
    Unreachable(String),
    /// Something else came; what, in one sentence.
    Odd(String),
}

/// Tries whether tickets can be had and redeemed, for whoever sets it up.
#[async_trait]
pub trait TryTickets: Send + Sync {
    /// Sites with the view their tickets are redeemed at, as the settings name it.
    fn login_views(&self) -> Vec<(String, String)>;

    /// The way to each address that is asked: a connection is opened there and closed again.
    async fn ways(&self) -> Vec<Way>;

    /// Redeems a ticket at the login view of the site, signs its session out, and tries the used ticket once more.
    /// `None` = the settings name no view for this site.
    async fn look(&self, wanted: &TicketFor<'_>, now: Timestamp) -> Option<Look>;
}

/// How this machine reaches an address that is asked for tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Scheme, host, port.
    pub node: String,
    /// The address of this machine on that way, or why there is none.
    pub from: Result<std::net::IpAddr, String>,
}

/// What a look at a login view found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The view.
    pub view: String,
    /// What came.
    pub seen: LoginViewSeen,
    /// Whether the used ticket was refused after its session was signed out; `None` = that could not be tried.
    pub reuse_blocked: Option<bool>,
}

/// How an address that is asked for tickets is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeHealth {
    /// Scheme, host, port.
    pub node: String,
    /// It failed and is asked last until then; `None` = it is in order as far as known.
    pub last_until: Option<Timestamp>,
    /// How it failed.
    pub trouble: Option<String>,
}

/// Why a call to a system failed. Retry is decided from the kind, in `guard` only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConnectorError {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What to tell an operator: no ids, no secrets, one sentence.
    pub message: String,
    /// For RateLimited: seconds the system asked us to wait.
    pub retry_after_s: Option<u32>,
}

/// Kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection, or no answer in time.
    Unreachable,
    /// Our identity was not accepted: never tried again by itself (five wrong passwords lock an account).
    Unauthorized,
    /// Accepted, but not allowed.
    Forbidden,
    /// Asked too often.
    RateLimited,
    /// An answer we can't read: HTML, garbage, cut off, too long.
    Protocol,
    /// The system can't do this at all.
    Unsupported,
    /// Nobody listens any more: shutting down.
    Stopped,
}

impl ErrorKind {
    /// Stable name: database, metrics.
    pub const fn name(self) -> &'static str {
        match self {
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::Unauthorized => "unauthorized",
            ErrorKind::Forbidden => "forbidden",
            ErrorKind::RateLimited => "rate_limited",
            ErrorKind::Protocol => "protocol",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Stopped => "stopped",
        }
    }
}

impl ConnectorError {
    /// A failure of that kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after_s: None,
        }
    }

    /// Nobody listens any more.
    pub fn stopped() -> Self {
        Self::new(ErrorKind::Stopped, "Reading was stopped.")
    }
}

/// A connector that others can share.
pub type SharedConnector = Arc<dyn Connector>;
