//! Signing in to the portal: passwords, one-time links, and the portal's own sessions.
//!
//! A session is a row of `portal_session`; its cookie is a 128-bit token kept only as SHA-256 ([`tokens`]). Limits are
//! copied from the policy when it begins, so a later policy touches only later sessions. Ending one deletes the row: the
//! next request with its cookie finds nothing, on every replica. Every end is audited in the transaction that makes it.
//! Nothing here knows HTTP; `http/doors.rs` has the forms, [`connector`] speaks for these sessions as a system.
//! Start reading at [`SignIn::sign_in`] and [`SignIn::caller_by_token`].

use std::sync::{Arc, OnceLock};

use app::access::wire::{OneTimeLink, Scope};
use app::audit::wire::AuditResult;
use app::error::AppError;
use app::layout::{Flash, FormEcho};
use app::signin::wire::Banner;
use app::wire::{OperatorId, PortalSessionId, Timestamp};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tower_sessions::session::Id;

use crate::access::links::{self, Purpose};
use crate::access::{ADMINISTRATOR, Access, SeedOperator};
use crate::audit::{Action, Audit, Entry};
use crate::caller::{Caller, Origin};
use crate::changes::{self, topic};
use crate::clock::Clock;
use crate::config::SignInRules;
use crate::db::{Conn, Db};
use crate::error::Error;
use crate::keys;
use crate::policies::Policies;

mod account;
pub mod connector;
pub mod passwords;
pub(crate) mod store;
pub mod throttle;
pub mod tokens;

use passwords::Hasher;
use store::PortalSession;

/// Own activity is written down at most this often, seconds: a busy page costs one write, not twenty.
const TOUCH_EVERY_S: i64 = 5;

/// A session that ran out is remembered this long, seconds, so that a form sent after it still finds its person.
const KEPT_AFTER_END_S: i64 = 86_400;

/// Sign-in name of the first administrator, made when the bootstrap link is used.
pub const FIRST_LOGIN: &str = "admin";

const WRONG: &str = "The user name or the password is not right. Caps lock? Nothing tells which of the two.";
const BAD_CODE: &str =
    "This code is not good, or not any more: it works once and for a limited time. Ask for a new link.";

/// Facts about this installation that pages show.
#[derive(Clone, Debug, Default)]
pub struct Installation {
    /// Its name.
    pub instance: String,
    /// The address people type, without a slash at the end.
    pub public_url: String,
    /// Every system is simulated.
    pub demo: bool,
}

/// What a page's frame shows of other rooms.
#[async_trait]
pub trait FrameFacts: Send + Sync {
    /// The newest ending at work that the caller may know of: number, settled, wanted.
    async fn running(&self, caller: &Caller, now: Timestamp) -> Result<Option<(i64, u64, u64)>, Error>;
    /// Trouble every page tells of, as far as the caller may know.
    async fn banners(&self, caller: &Caller, now: Timestamp) -> Result<Vec<Banner>, Error>;
}

/// The room.
pub struct SignIn {
    db: Db,
    clock: Arc<dyn Clock>,
    audit: Arc<Audit>,
    access: Arc<Access>,
    policies: Arc<Policies>,
    hasher: Hasher,
    rules: SignInRules,
    installation: Installation,
    facts: OnceLock<Arc<dyn FrameFacts>>,
}

/// A person who was just let in.
pub struct SignedIn {
    /// Their session; it has no cookie yet ([`tokens::attach`]).
    pub session: PortalSessionId,
    /// Who.
    pub operator: OperatorId,
}

/// What a session keeps for its next page.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Kept {
    /// One sentence about what led there.
    pub flash: Option<Flash>,
    /// A form that came too late, to be shown again.
    pub echo: Option<FormEcho>,
    /// It ran out and was audited; the row stays a day, so that a late form still finds its person.
    pub expired: bool,
}

/// Who a cookie belongs to.
pub enum Presence {
    /// This caller, by a session that holds.
    Here(Box<Caller>),
    /// This person's session is over: idleness, its longest life, or they were disabled.
    Over(OperatorId),
    /// No session of ours has this cookie (any more).
    Unknown,
}

impl SignIn {
    /// The room. Fails only if the machine can't hash a password.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        audit: Arc<Audit>,
        access: Arc<Access>,
        policies: Arc<Policies>,
        rules: SignInRules,
        installation: Installation,
    ) -> Result<Self, Error> {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Ok(Self {
            db,
            clock,
            audit,
            access,
            policies,
            hasher: Hasher::new(cores.clamp(1, 4))?,
            rules,
            installation,
            facts: OnceLock::new(),
        })
    }

    /// Says where the frame learns of running endings and trouble. The first call counts.
    pub fn take_facts(&self, facts: Arc<dyn FrameFacts>) {
        self.facts.set(facts).ok();
    }

    /// Facts about this installation.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The store behind the cookie layer.
    pub fn tokens(&self) -> tokens::Tokens {
        tokens::Tokens::new(self.db.clone())
    }

    /// A fresh one-time link for the first administrator, as long as there is no operator at all. Older ones lapse.
    pub async fn bootstrap_link(&self) -> Result<Option<OneTimeLink>, Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        if self.access.any_operator(&mut conn).await? {
            return Ok(None);
        }
        let new = links::NewLink {
            purpose: Purpose::Bootstrap,
            operator_id: None,
            login: FIRST_LOGIN,
            created_by: None,
            good_for_s: self.rules.bootstrap_s,
        };
        let link = links::create(&mut conn, &self.installation.public_url, &new, now).await?;
        let entry = Entry::curfew(Action::LinkCreated)
            .target("One-time link for the first administrator")
            .fact("purpose", Purpose::Bootstrap.name())
            .fact("expires_at", link.expires_at.0);
        self.audit.append(&mut conn, &entry, now).await?;
        conn.commit().await?;
        Ok(Some(link))
    }

    /// Signs a person in: their new session, which has no cookie yet ([`tokens::attach`]).
    ///
    /// `Invalid` with the same words and after the same work whether the name is unknown, disabled, without a password
    /// or the password wrong; `TooMany` while throttled. `replaces` = the session this browser had; it ends.
    pub async fn sign_in(
        &self,
        login: &str,
        password: SecretString,
        origin: &Origin,
        replaces: Option<PortalSessionId>,
    ) -> Result<SignedIn, Error> {
        let login = login.trim().to_lowercase();
        let turn = self.hasher.turn().await?;
        let now = self.clock.now();
        let address = origin.ip.clone().unwrap_or_default();
        let mut conn = self.db.read().await?;
        let (doors, blocked) = throttle::look(&mut conn, &login, &address, now).await?;
        if let Some(blocked) = blocked {
            return Err(too_many(blocked));
        }
        let account = store::account(&mut conn, &login).await?;
        drop(conn);
        let hash = account.as_ref().and_then(|a| a.password_hash.clone());
        let same = self.hasher.verify(&turn, password, hash).await?;
        let mut conn = self.db.write().await?;
        let enabled = account.as_ref().is_some_and(|a| a.disabled_at.is_none());
        let Some(account) = account.clone().filter(|_| same && enabled) else {
            let closed = throttle::failed(&mut conn, &doors, now).await?;
            let mut entry = Entry::nobody(origin, Action::LoginFail)
                .target("Sign-in")
                .result(AuditResult::Refused);
            // A name nobody has may be a password in the wrong field: it is not written down.
            entry = match &account {
                Some(_) => entry.account(&login),
                None => entry.fact("unknown_name", true),
            };
            self.audit.append(&mut conn, &entry, now).await?;
            if closed {
                let entry = Entry {
                    action: Action::LoginLock,
                    ..entry
                };
                self.audit.append(&mut conn, &entry, now).await?;
            }
            conn.commit().await?;
            return Err(AppError::invalid("", WRONG).into());
        };
        throttle::succeeded(&mut conn, &doors, now).await?;
        let operator_id = OperatorId(account.operator_id.clone());
        let id = self.begin(&mut conn, &operator_id, origin, replaces, now).await?;
        let entry = Entry::nobody(origin, Action::LoginSuccess)
            .operator(&operator_id, &account.display_name, Some(&id))
            .account(&login)
            .fact("factor", "password");
        self.audit.append(&mut conn, &entry, now).await?;
        changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
        conn.commit().await?;
        Ok(SignedIn {
            session: id,
            operator: operator_id,
        })
    }

    /// Begins a session inside a transaction: ends what it replaces and what is above the limit, then stores it.
    async fn begin(
        &self,
        conn: &mut Conn,
        operator_id: &OperatorId,
        origin: &Origin,
        replaces: Option<PortalSessionId>,
        now: Timestamp,
    ) -> Result<PortalSessionId, Error> {
        if let Some(old) = replaces
            && let Some(row) = store::by_id(conn, &old).await?
            && store::delete(conn, &old).await?
        {
            let entry = own(&row, origin, Action::PortalSessionEnded).target("Replaced by a new sign-in");
            self.audit.append(conn, &entry, now).await?;
        }
        let limits = self.policies.own(conn).await?;
        let mut live = store::live_of(conn, operator_id, now).await?;
        live.sort_by_key(|s| std::cmp::Reverse(s.created_at));
        let keep = usize::try_from(self.rules.max_parallel.max(1)).unwrap_or(usize::MAX) - 1;
        for row in live.iter().skip(keep) {
            if store::delete(conn, &row.id()).await? {
                let entry = own(row, origin, Action::ExcessSessions)
                    .target("Ended the oldest sign-in: a new one is over the limit")
                    .fact("limit", self.rules.max_parallel);
                self.audit.append(conn, &entry, now).await?;
            }
        }
        let id = PortalSessionId(keys::random_id());
        let new = store::NewSession {
            id: &id,
            token_hash: &tokens::nobody(),
            operator_id,
            idle_timeout_s: limits.idle_timeout_s,
            absolute_expires_at: now.plus_seconds(limits.absolute_lifetime_s),
            policy_version: limits.version,
            ip: origin.ip.as_deref(),
            user_agent: origin.user_agent.as_deref(),
        };
        store::insert(conn, &new, now).await?;
        if let Some(row) = store::by_id(conn, &id).await? {
            store::touch(conn, &row, now).await?;
            let entry = own(&row, origin, Action::SessionCreated)
                .target("Portal session")
                .fact("policy_version", limits.version);
            self.audit.append(conn, &entry, now).await?;
        }
        Ok(id)
    }

    /// Uses a one-time link: sets the password, ends older sessions of that person and signs them in.
    ///
    /// `Invalid` on `code`, `new` or `again`; then the link stays good.
    pub async fn welcome(
        &self,
        code: SecretString,
        new: SecretString,
        again: SecretString,
        origin: &Origin,
        replaces: Option<PortalSessionId>,
    ) -> Result<SignedIn, Error> {
        let turn = self.hasher.turn().await?;
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let link = self.good_link(&mut conn, code.expose_secret(), now).await?;
        let Some(link) = link else {
            drop(conn);
            let entry = Entry::nobody(origin, Action::LoginFail)
                .target("One-time code")
                .result(AuditResult::Refused);
            self.audit.note(&entry).await?;
            return Err(AppError::invalid("code", BAD_CODE).into());
        };
        let (login, name) = match &link.operator_id {
            None => (FIRST_LOGIN.to_owned(), "Administrator".to_owned()),
            Some(id) => self
                .access
                .login_and_name(&mut conn, id)
                .await?
                .ok_or_else(|| AppError::invalid("code", BAD_CODE))?,
        };
        drop(conn);
        self.check_new(&new, Some(&again), &login, &name, "new")?;
        let hash = self.hasher.hash(&turn, new).await?;
        let mut conn = self.db.write().await?;
        if !links::take(&mut conn, &link.link_id, now).await? {
            return Err(AppError::invalid("code", BAD_CODE).into());
        }
        let operator_id = match link.operator_id {
            Some(id) => id,
            None => {
                let first = SeedOperator {
                    login: FIRST_LOGIN,
                    display_name: "Administrator",
                    grants: &[(ADMINISTRATOR, Scope::Everywhere)],
                    reason: "first set-up",
                };
                self.access.seed(&mut conn, &first, now).await?
            }
        };
        store::set_password(&mut conn, &operator_id, &hash, now).await?;
        throttle::forget(&mut conn, &login).await?;
        let used = Entry::nobody(origin, Action::LinkUsed)
            .operator(&operator_id, &name, None)
            .account(&login)
            .target("One-time link")
            .fact("purpose", link.purpose.name());
        self.audit.append(&mut conn, &used, now).await?;
        let changed = Entry {
            action: Action::PasswordChange,
            ..used
        };
        self.audit
            .append(
                &mut conn,
                &changed.target("Set a password by a one-time link"),
                now,
            )
            .await?;
        for row in store::live_of(&mut conn, &operator_id, now).await? {
            if store::delete(&mut conn, &row.id()).await? {
                let entry = own(&row, origin, Action::PortalSessionEnded)
                    .target("A new password was set by a one-time link");
                self.audit.append(&mut conn, &entry, now).await?;
            }
        }
        let (doors, _) =
            throttle::look(&mut conn, &login, origin.ip.as_deref().unwrap_or_default(), now).await?;
        throttle::succeeded(&mut conn, &doors, now).await?;
        let id = self.begin(&mut conn, &operator_id, origin, replaces, now).await?;
        let entry = Entry::nobody(origin, Action::LoginSuccess)
            .operator(&operator_id, &name, Some(&id))
            .account(&login)
            .fact("factor", "one-time link");
        self.audit.append(&mut conn, &entry, now).await?;
        changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
        conn.commit().await?;
        Ok(SignedIn {
            session: id,
            operator: operator_id,
        })
    }

    /// The link of a code, if it may still be used: a bootstrap link only while there is no operator.
    async fn good_link(
        &self,
        conn: &mut Conn,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<links::GoodLink>, Error> {
        let link = links::good(conn, code, now).await?;
        if link.as_ref().is_some_and(|l| l.purpose == Purpose::Bootstrap)
            && self.access.any_operator(conn).await?
        {
            return Ok(None);
        }
        Ok(link)
    }

    fn check_new(
        &self,
        new: &SecretString,
        again: Option<&SecretString>,
        login: &str,
        name: &str,
        field: &str,
    ) -> Result<(), AppError> {
        let own = [login, name, self.installation.instance.as_str()];
        if let Some(problem) = passwords::problem(new.expose_secret(), &own) {
            return Err(AppError::invalid(field, problem));
        }
        if again.is_some_and(|again| again.expose_secret() != new.expose_secret()) {
            return Err(AppError::invalid(
                "again",
                "The two are not the same. Type both again.",
            ));
        }
        Ok(())
    }

    /// Sets a password outright, for the demo and for tests; people set theirs by one-time links.
    pub async fn seed_password(&self, operator_id: &OperatorId, password: SecretString) -> Result<(), Error> {
        let turn = self.hasher.turn().await?;
        let hash = self.hasher.hash(&turn, password).await?;
        let mut conn = self.db.write().await?;
        store::set_password(&mut conn, operator_id, &hash, self.clock.now()).await?;
        conn.commit().await
    }

    /// Compares the caller's own password, throttled like sign-in. `Invalid` on `field` when it is not right.
    async fn confirm_password(
        &self,
        caller: &Caller,
        turn: &passwords::Turn,
        password: SecretString,
        field: &str,
        action: Action,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let address = caller.origin.ip.clone().unwrap_or_default();
        let mut conn = self.db.read().await?;
        let (doors, blocked) = throttle::look(&mut conn, &caller.login, &address, now).await?;
        if let Some(blocked) = blocked {
            return Err(too_many(blocked));
        }
        let account = store::account(&mut conn, &caller.login).await?;
        drop(conn);
        let hash = account.and_then(|a| a.password_hash);
        if self.hasher.verify(turn, password, hash).await? {
            let mut conn = self.db.write().await?;
            throttle::succeeded(&mut conn, &doors, now).await?;
            return conn.commit().await;
        }
        let mut conn = self.db.write().await?;
        let closed = throttle::failed(&mut conn, &doors, now).await?;
        let entry = Entry::by(caller, action)
            .target("Wrong password")
            .result(AuditResult::Refused);
        self.audit.append(&mut conn, &entry, now).await?;
        if closed {
            let entry = Entry::by(caller, Action::LoginLock).result(AuditResult::Refused);
            self.audit.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await?;
        Err(AppError::invalid(field, "This is not your password. Caps lock?").into())
    }

    /// The caller's password once more (security A16): the session counts as freshly authenticated. The caller's
    /// browser gets a new cookie next ([`tokens::attach`]).
    pub async fn step_up(&self, caller: &Caller, password: SecretString) -> Result<PortalSessionId, Error> {
        let Some(id) = caller.session.clone() else {
            return Err(AppError::SignedOut.into());
        };
        let turn = self.hasher.turn().await?;
        self.confirm_password(caller, &turn, password, "", Action::StepUp)
            .await?;
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        store::set_auth_at(&mut conn, &id, now).await?;
        let entry = Entry::by(caller, Action::StepUp).target("Password");
        self.audit.append(&mut conn, &entry, now).await?;
        let entry = Entry::by(caller, Action::SessionRenewed).target("Portal session");
        self.audit.append(&mut conn, &entry, now).await?;
        conn.commit().await?;
        Ok(id)
    }

    /// The caller's own sign-out: the session is over at once.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), Error> {
        let Some(id) = &caller.session else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        if store::delete(&mut conn, id).await? {
            let entry = Entry::by(caller, Action::SignOut).target("Portal session");
            self.audit.append(&mut conn, &entry, now).await?;
            changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
        }
        conn.commit().await
    }

    /// Who the cookie's token belongs to right now. `active` = the request is the person's own doing and counts as
    /// activity; background requests don't.
    pub async fn caller_by_token(&self, token: &Id, origin: Origin, active: bool) -> Result<Presence, Error> {
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let Some(row) = store::by_token(&mut conn, &tokens::hash(token)).await? else {
            return Ok(Presence::Unknown);
        };
        let whose = row.operator();
        if !row.live(now) {
            drop(conn);
            self.expire(&[row], Some(&origin)).await?;
            return Ok(Presence::Over(whose));
        }
        let caller = self
            .access
            .caller_in(
                &mut conn,
                &row.operator(),
                Some(row.id()),
                Some(Timestamp(row.auth_at)),
                origin,
                now,
            )
            .await?;
        drop(conn);
        let Some(caller) = caller else {
            return Ok(Presence::Over(whose));
        };
        self.note_request(&row, &caller, active, now).await?;
        Ok(Presence::Here(Box::new(caller)))
    }

    /// Activity, newest address, and the flag for an address or browser that changed inside the session (A25).
    async fn note_request(
        &self,
        row: &PortalSession,
        caller: &Caller,
        active: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        let touch = active && now.since(Timestamp(row.last_active_at)) >= TOUCH_EVERY_S * 1000;
        let differs =
            |then: &Option<String>, now: &Option<String>| then.is_some() && now.is_some() && then != now;
        let moved = differs(&row.last_ip, &caller.origin.ip);
        let changed = row.changed_source_at.is_none()
            && (differs(&row.ip, &caller.origin.ip) || differs(&row.user_agent, &caller.origin.user_agent));
        if !(touch || moved || changed) {
            return Ok(());
        }
        let mut conn = self.db.write().await?;
        if touch {
            store::touch(&mut conn, row, now).await?;
        }
        if moved || changed {
            let ip = caller.origin.ip.as_deref().or(row.last_ip.as_deref());
            store::note_source(&mut conn, &row.id(), ip, changed.then_some(now)).await?;
        }
        if changed {
            let entry = Entry::by(caller, Action::SourceChanged)
                .target("Portal session")
                .fact("ip_changed", differs(&row.ip, &caller.origin.ip))
                .fact(
                    "browser_changed",
                    differs(&row.user_agent, &caller.origin.user_agent),
                );
            self.audit.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await
    }

    /// Notes a cookie that was never ours, or not any more (security A5).
    pub async fn note_unknown(&self, origin: &Origin) -> Result<(), Error> {
        let entry = Entry::nobody(origin, Action::UnknownSession)
            .target("Cookie")
            .result(AuditResult::Refused);
        self.audit.note(&entry).await?;
        Ok(())
    }

    /// Audits sessions that ran out, removes those that did a day ago, and what the throttle need not remember.
    ///
    /// How many ran out. Run it once a minute; it leases nothing, as two replicas may well do it at once.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let now = self.clock.now();
        let mut ran_out = 0;
        loop {
            let mut conn = self.db.read().await?;
            let rows = store::over(&mut conn, 200, now).await?;
            drop(conn);
            if rows.is_empty() {
                break;
            }
            ran_out += self.expire(&rows, None).await?;
        }
        let mut conn = self.db.write().await?;
        store::delete_expired(&mut conn, now.plus_seconds(-KEPT_AFTER_END_S)).await?;
        throttle::sweep(&mut conn, now).await?;
        conn.commit().await?;
        Ok(ran_out)
    }

    /// Audits sessions that ran out, once each. `used_by` = a request came with the cookie of one after its end.
    async fn expire(&self, rows: &[PortalSession], used_by: Option<&Origin>) -> Result<u64, Error> {
        let now = self.clock.now();
        let mut ran_out = 0;
        let mut conn = self.db.write().await?;
        for row in rows {
            // It may have been extended since it was read.
            let Some(row) = store::by_id(&mut conn, &row.id()).await?.filter(|r| !r.live(now)) else {
                continue;
            };
            if !kept(&row).expired {
                ran_out += 1;
                let gone = Kept {
                    expired: true,
                    ..Kept::default()
                };
                store::set_data(&mut conn, &row.id(), &serde_json::to_string(&gone)?).await?;
                let idle = row.idle_ends_at().0 < row.absolute_expires_at;
                let entry = Entry::curfew(Action::SessionExpired)
                    .account(&row.login)
                    .target("Portal session")
                    .fact("by", if idle { "idleness" } else { "longest life" })
                    .fact("ended_at", row.ends_at().0);
                self.audit.append(&mut conn, &entry, now).await?;
            }
            if let Some(origin) = used_by {
                let entry = own(&row, origin, Action::UseAfterEnd)
                    .target("Portal session")
                    .result(AuditResult::Refused);
                self.audit.append(&mut conn, &entry, now).await?;
            }
        }
        if ran_out > 0 {
            changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
        }
        conn.commit().await?;
        Ok(ran_out)
    }

    /// Keeps one sentence for the session's next page.
    pub async fn keep_flash(&self, id: &PortalSessionId, flash: &Flash) -> Result<(), Error> {
        self.keep(id, |kept| kept.flash = Some(flash.clone())).await
    }

    /// Keeps a form that came too late for the session's next page.
    pub async fn keep_echo(&self, id: &PortalSessionId, echo: &FormEcho) -> Result<(), Error> {
        self.keep(id, |kept| kept.echo = Some(echo.clone())).await
    }

    async fn keep(&self, id: &PortalSessionId, change: impl FnOnce(&mut Kept)) -> Result<(), Error> {
        let mut conn = self.db.write().await?;
        if let Some(row) = store::by_id(&mut conn, id).await? {
            let mut kept = kept(&row);
            change(&mut kept);
            store::set_data(&mut conn, id, &serde_json::to_string(&kept)?).await?;
        }
        conn.commit().await
    }

    /// What was kept for this page, once.
    pub async fn take_kept(&self, id: &PortalSessionId) -> Result<Kept, Error> {
        let mut conn = self.db.read().await?;
        let found = store::by_id(&mut conn, id)
            .await?
            .map(|row| kept(&row))
            .unwrap_or_default();
        drop(conn);
        if found.flash.is_some() || found.echo.is_some() {
            let mut conn = self.db.write().await?;
            store::set_data(&mut conn, id, "{}").await?;
            conn.commit().await?;
        }
        Ok(found)
    }

    /// The caller as they are now, for a long stream: `None` when the session is over or the person disabled.
    pub async fn caller_again(&self, caller: &Caller, id: &PortalSessionId) -> Result<Option<Caller>, Error> {
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let Some(row) = store::by_id(&mut conn, id).await?.filter(|row| row.live(now)) else {
            return Ok(None);
        };
        self.access
            .caller_in(
                &mut conn,
                &caller.id,
                Some(id.clone()),
                Some(Timestamp(row.auth_at)),
                caller.origin.clone(),
                now,
            )
            .await
    }
}

/// What a row keeps; what can't be read keeps nothing.
fn kept(row: &PortalSession) -> Kept {
    serde_json::from_str(&row.data).unwrap_or_default()
}

/// Ends every session of an operator inside a transaction, in the name of `caller`; how many.
pub(crate) async fn end_all_of(
    conn: &mut Conn,
    audit: &Audit,
    caller: &Caller,
    operator_id: &OperatorId,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut ended = 0;
    for row in store::live_of(conn, operator_id, now).await? {
        if store::delete(conn, &row.id()).await? {
            ended += 1;
            let entry = Entry::by(caller, Action::PortalSessionEnded)
                .account(&row.login)
                .target(format!("Portal session of {}", row.login));
            audit.append(conn, &entry, now).await?;
        }
    }
    Ok(ended)
}

/// Opens every throttled door of a sign-in name again.
pub(crate) async fn forget_failures(conn: &mut Conn, login: &str) -> Result<(), Error> {
    throttle::forget(conn, login).await
}

/// An entry about a session in its own person's name.
fn own(row: &PortalSession, origin: &Origin, action: Action) -> Entry {
    Entry::nobody(origin, action)
        .operator(&row.operator(), &row.display_name, Some(&row.id()))
        .account(&row.login)
}

fn too_many(blocked: throttle::Blocked) -> Error {
    if blocked.closed {
        AppError::Conflict {
            message:
                "Too many failed tries. Only a one-time link opens this account again: ask whoever manages \
                      access."
                    .to_owned(),
        }
        .into()
    } else {
        AppError::TooMany {
            retry_after_s: blocked.retry_after_s,
        }
        .into()
    }
}
