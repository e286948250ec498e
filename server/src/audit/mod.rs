//! The tamper-evident log: who did what to what, why, with what result.
//!
//! Entries are written in the transaction of what they tell of, before a system is asked (write-ahead) and after.
//! Each carries an HMAC over itself and the hash of the one before; the key lives outside the database. This room
//! only adds and reads. Start reading at [`Audit::append`]; the page is in `page`, the walk in [`chain`], the copy
//! off the box in [`copy`].

use std::sync::{Arc, Mutex};

use app::access::wire::Permission;
use app::audit::wire::{AuditResult, ChainStatus};
use app::wire::{EndingId, OperatorId, PortalSessionId, SessionKey, SystemId, Timestamp};

use crate::caller::{Caller, CallerKind, Origin};
use crate::clock::Clock;
use crate::db::{Conn, Db};
use crate::error::Error;
use crate::keys::HashKey;

pub mod chain;
pub mod copy;
pub mod export;
mod page;
pub mod store;

/// The room.
pub struct Audit {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    key: Arc<HashKey>,
    /// The chain as it was last walked by this process.
    checked: Mutex<Option<ChainStatus>>,
    copying: copy::Copying,
}

/// An entry to be appended. Built by [`Entry::by`] or [`Entry::nobody`], then filled with what applies.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(crate) action: Action,
    pub(crate) actor_kind: &'static str,
    pub(crate) actor_id: String,
    pub(crate) actor_name: String,
    pub(crate) actor_session: Option<PortalSessionId>,
    pub(crate) origin: Origin,
    pub(crate) system_id: Option<SystemId>,
    pub(crate) place: Option<String>,
    pub(crate) site: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) session_key: Option<SessionKey>,
    pub(crate) ending_id: Option<EndingId>,
    pub(crate) target: String,
    pub(crate) permission: Option<Permission>,
    pub(crate) result: AuditResult,
    pub(crate) reason: Option<String>,
    pub(crate) ticket_ref: Option<String>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) detail: serde_json::Map<String, serde_json::Value>,
}

/// Makes the closed vocabulary: the word that is stored, and how pages say it.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $words:literal;)*) => {
        /// What was done. Words of the OWASP Logging Vocabulary where it has one (docs/audit.md).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Action] = &[$(Action::$name,)*];

            /// The stored word.
            pub const fn word(self) -> &'static str {
                match self { $(Action::$name => $word,)* }
            }

            /// How pages say it.
            pub const fn words(self) -> &'static str {
                match self { $(Action::$name => $words,)* }
            }

            /// The action of a stored word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|a| a.word() == word)
            }
        }
    };
}

actions! {
    /// Signed in.
    LoginSuccess = "authn_login_success", "Signed in";
    /// Tried to sign in and failed.
    LoginFail = "authn_login_fail", "Failed to sign in";
    /// An account or address is blocked for a while.
    LoginLock = "authn_login_lock", "Was throttled at sign-in";
    /// Confirmed the password inside a session.
    StepUp = "authn_step_up", "Confirmed the password";
    /// Set a password by a one-time link, or changed it.
    PasswordChange = "authn_password_change", "Changed a password";
    /// A second factor or its recovery codes were set up, replaced or removed.
    FactorChange = "authn_factor_change", "Changed a second factor";
    /// A recovery code stood in for the second factor.
    RecoveryCodeUsed = "authn_recovery_code_used", "Used a recovery code";
    /// Signed in from an address they never had before.
    NewAddress = "authn_new_address", "Signed in from a new address";
    /// A one-time link was made.
    LinkCreated = "authn_token_created", "Made a one-time link";
    /// A one-time link was used or withdrawn.
    LinkUsed = "authn_token_revoked", "Used a one-time link";
    /// An API token was made.
    TokenMade = "api_token_created", "Made an API token";
    /// An API token was revoked.
    TokenRevoked = "api_token_revoked", "Revoked an API token";
    /// An API token was used after its end, for the first time.
    TokenRefused = "authn_token_reuse", "Used an API token after its end";
    /// A portal session began.
    SessionCreated = "session_created", "Began a portal session";
    /// Its id was renewed.
    SessionRenewed = "session_renewed", "Renewed a portal session";
    /// It ran out.
    SessionExpired = "session_expired", "A portal session ran out";
    /// Signed out.
    SignOut = "session_logout", "Signed out";
    /// A portal session was ended (own page, limit, disabled account).
    PortalSessionEnded = "session_ended", "Ended a portal session";
    /// A cookie came after its session was over.
    UseAfterEnd = "session_use_after_expire", "Used a portal session after its end";
    /// A cookie that was never ours.
    UnknownSession = "session_unknown_id", "Sent an unknown session id";
    /// Address or browser changed inside a session.
    SourceChanged = "session_source_changed", "Address or browser changed inside a session";
    /// Network data was hidden in a session whose screen others see, or shown again.
    ScreenShare = "session_screen_share", "Hid or showed network data in a portal session";
    /// Too many sessions: the oldest was ended.
    ExcessSessions = "excess_sessions_exceeded", "Reached the limit of parallel sessions";
    /// Not allowed.
    AuthzFail = "authz_fail", "Was not allowed";
    /// Something of access was administered.
    AuthzAdmin = "authz_admin", "Administered access";
    /// Grants, roles or the protected list changed.
    PrivilegesChanged = "privilege_permissions_changed", "Changed permissions";
    /// Too many requests.
    RateLimit = "excess_rate_limit_exceeded", "Sent too many requests";
    /// A form from a foreign site.
    Csrf = "malicious_csrf", "Sent a form from a foreign page";
    /// A browser reported a broken content policy.
    CspViolation = "malicious_csp_violation", "A browser reported a blocked script or style";
    /// Looked at personal session data.
    SensitiveRead = "sensitive_read", "Looked at a list";
    /// A signed containment report was made: its detail holds the hash of each part.
    ReportMade = "containment_report", "Made a containment report";
    /// Took data out.
    Export = "sensitive_export", "Exported";
    /// A view that others find was shared, changed, taken back.
    SharedView = "shared_view_changed", "Changed a shared view";
    /// Old rows were deleted by retention.
    SensitiveDelete = "sensitive_delete", "Deleted old rows";
    /// Froze a preview.
    PreviewFrozen = "session_terminate_preview", "Opened a preview";
    /// Asked to end sessions: written before anything is asked.
    EndingRequested = "session_terminate_requested", "Asked to end sessions";
    /// Asked for a second person.
    ApprovalRequested = "approval_requested", "Asked for approval of an ending";
    /// A second person approved.
    ApprovalGranted = "approval_granted", "Approved an ending";
    /// A second person turned it down.
    ApprovalDenied = "approval_denied", "Turned an ending down";
    /// The asker took the request back.
    ApprovalWithdrawn = "approval_withdrawn", "Took a request for approval back";
    /// Went on without a second person, by second factor and with a reason.
    ApprovalOverridden = "approval_overridden", "Went on without a second person";
    /// Somebody reviewed that.
    OverrideReviewed = "approval_override_reviewed", "Reviewed an ending without a second person";
    /// Results of a batch.
    EndingResult = "session_terminate_result", "Read back ended sessions";
    /// An ending settled.
    EndingSettled = "session_terminate_settled", "Finished an ending";
    /// An ending was stopped, paused or resumed.
    EndingChanged = "session_terminate_changed", "Changed an ending";
    /// Someone came back after an ending.
    Returned = "session_returned", "Came back after an ending";
    /// A connected system was changed, paused, tested.
    SystemChanged = "connector_changed", "Changed a system";
    /// A system turned stale, failed or live again.
    SystemHealth = "connector_health", "A system's health changed";
    /// The policy of Curfew's own sessions changed.
    PolicyChanged = "policy_changed", "Changed a policy";
    /// Advice on the limits of a system may stay as it is for a while.
    AdviceAccepted = "advice_accepted", "Accepted advice";
    /// It was taken back.
    AdviceReopened = "advice_reopened", "Took accepted advice back";
    /// The copy of this log off the box does not come along.
    AuditCopyStalled = "audit_copy_stalled", "The copy of the audit log stalled";
    /// It does again.
    AuditCopyResumed = "audit_copy_resumed", "The copy of the audit log went on";
    /// A receiver did not take an event for a day.
    WebhookGivenUp = "webhook_given_up", "Gave up telling a webhook";
    /// Apps were given tickets: one entry per batch, the requests are the detail.
    TicketIssued = "ticket_issued", "Gave sign-in tickets";
    /// Apps were not.
    TicketRefused = "ticket_refused", "Gave no sign-in tickets";
    /// An app let one of its own sessions be over.
    AppSessionEnded = "ticket_app_session_ended", "Let an app's session be over";
    /// Somebody tried whether Tableau gives tickets.
    TicketTested = "ticket_tested", "Tried a sign-in ticket";
    /// A signal of an identity server was worked off.
    SignalWorked = "signal_worked", "Worked off a signal";
    /// A signal was not believed.
    SignalRefused = "signal_refused", "Did not believe a signal";
    /// Accounts were found to be one person: one entry per batch of a rule, or one by hand.
    PeopleLinked = "subject_linked", "Linked accounts of a person";
    /// Somebody cut an account out of its person.
    PeopleCut = "subject_cut", "Cut an account out of its person";
    /// The portal started or stopped.
    PortalStarted = "sys_startup", "Started";
    /// It stopped in order.
    PortalStopped = "sys_shutdown", "Stopped";
}

impl Entry {
    /// Something a caller did.
    pub fn by(caller: &Caller, action: Action) -> Self {
        let mut entry = Self::bare(action, caller.kind.name(), &caller.origin);
        entry.actor_id = caller.id.0.clone();
        entry.actor_name = caller.name.clone();
        entry.actor_session = caller.session.clone();
        entry
    }

    /// Something done by somebody who is not signed in.
    pub fn nobody(origin: &Origin, action: Action) -> Self {
        Self::bare(action, "nobody", origin)
    }

    /// Something an app of the broker asked for; `app` empty = its token named none.
    pub fn app(action: Action, app: &str) -> Self {
        let kind = if app.is_empty() {
            "nobody"
        } else {
            CallerKind::App.name()
        };
        let mut entry = Self::bare(action, kind, &Origin::default());
        entry.actor_id = app.to_owned();
        if !app.is_empty() {
            entry.actor_name = format!("App {app}");
        }
        entry
    }

    /// Something a rule for signals did.
    pub fn signal(action: Action, rule: &str) -> Self {
        let mut entry = Self::bare(action, CallerKind::Signal.name(), &Origin::default());
        entry.actor_id = rule.to_owned();
        entry.actor_name = format!("Signal {rule}");
        entry
    }

    /// Something Curfew did by itself.
    pub fn curfew(action: Action) -> Self {
        let mut entry = Self::bare(action, CallerKind::System.name(), &Origin::default());
        entry.actor_name = "Curfew".to_owned();
        entry
    }

    fn bare(action: Action, actor_kind: &'static str, origin: &Origin) -> Self {
        Self {
            action,
            actor_kind,
            actor_id: String::new(),
            actor_name: String::new(),
            actor_session: None,
            origin: origin.clone(),
            system_id: None,
            place: None,
            site: None,
            account: None,
            session_key: None,
            ending_id: None,
            target: String::new(),
            permission: None,
            result: AuditResult::Ok,
            reason: None,
            ticket_ref: None,
            duration_ms: None,
            detail: serde_json::Map::new(),
        }
    }

    /// Names the person whose doing it was, when no [`Caller`] exists yet.
    pub fn operator(mut self, id: &OperatorId, name: &str, session: Option<&PortalSessionId>) -> Self {
        self.actor_kind = CallerKind::Operator.name();
        self.actor_id = id.0.clone();
        self.actor_name = name.to_owned();
        self.actor_session = session.cloned();
        self
    }

    /// What it was done to, in plain words (no ids, no secrets).
    pub fn target(mut self, words: impl Into<String>) -> Self {
        self.target = words.into();
        self
    }

    /// The target's system.
    pub fn system(mut self, system_id: &SystemId) -> Self {
        self.system_id = Some(system_id.clone());
        self
    }

    /// The target's account name.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// The target's site: its place there, and its name; an empty name is left out.
    pub fn site(mut self, place: &str, name: &str) -> Self {
        self.place = Some(place.to_owned());
        self.site = Some(name.to_owned()).filter(|name| !name.is_empty());
        self
    }

    /// The target session.
    pub fn session(mut self, key: &SessionKey) -> Self {
        self.session_key = Some(key.clone());
        self
    }

    /// The ending it belongs to.
    pub fn ending(mut self, ending_id: &EndingId) -> Self {
        self.ending_id = Some(ending_id.clone());
        self
    }

    /// What was needed.
    pub fn permission(mut self, permission: Permission) -> Self {
        self.permission = Some(permission);
        self
    }

    /// How it went; `Ok` unless said.
    pub fn result(mut self, result: AuditResult) -> Self {
        self.result = result;
        self
    }

    /// Why, in the actor's words, and their ticket number.
    pub fn reason(mut self, reason: impl Into<String>, ticket_ref: Option<String>) -> Self {
        self.reason = Some(reason.into());
        self.ticket_ref = ticket_ref;
        self
    }

    /// How long it took, ms.
    pub fn took(mut self, ms: i64) -> Self {
        self.duration_ms = Some(ms);
        self
    }

    /// One more fact (no ids of sessions, no secrets).
    pub fn fact(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

impl Audit {
    /// The room over its database, with the chain key.
    pub fn new(db: Db, clock: Arc<dyn Clock>, key: Arc<HashKey>) -> Self {
        Self {
            db,
            clock,
            key,
            checked: Mutex::default(),
            copying: copy::Copying::new(),
        }
    }

    /// Appends inside the caller's transaction: it stands or falls with what it tells of.
    pub async fn append(&self, conn: &mut Conn, entry: &Entry, now: Timestamp) -> Result<i64, Error> {
        store::append(conn, &self.key, entry, now).await
    }

    /// Holds the end of the log until this transaction ends: whoever does so takes turns.
    pub async fn lock(&self, conn: &mut Conn) -> Result<(), Error> {
        store::lock(conn).await
    }

    /// Where the log ends for this connection: number and hash of the newest entry.
    pub async fn head(&self, conn: &mut Conn) -> Result<(i64, String), Error> {
        let ends = store::ends(conn).await?;
        Ok((ends.head_seq, ends.head_hash))
    }

    /// Appends in a transaction of its own, for what changes nothing else.
    pub async fn note(&self, entry: &Entry) -> Result<i64, Error> {
        let mut conn = self.db.write().await?;
        let seq = store::append(&mut conn, &self.key, entry, self.clock.now()).await?;
        conn.commit().await?;
        Ok(seq)
    }

    /// The chain key, for verifying.
    pub(crate) fn key(&self) -> &HashKey {
        &self.key
    }
}
