//! Signing in to the portal: passwords, one-time links, and the portal's own sessions.
//!
//! A session is a row of `portal_session`; its cookie is a 128-bit token kept only as SHA-256 ([`tokens`]). Limits are
//! copied from the policy when it begins, so a later policy touches only later sessions. Ending one deletes the row: the
//! next request with its cookie finds nothing, on every replica. Every end is audited in the transaction that makes it.
//! Who has a second factor gets a session after its code only ([`factor`]).
//! Nothing here knows HTTP; `http/doors.rs` has the forms, [`connector`] speaks for these sessions as a system.
//! Start reading at [`SignIn::sign_in`] and, for every later request, at [`presence`].

use std::sync::{Arc, OnceLock, Weak};

use app::access::wire::Slowed;
use app::audit::wire::AuditResult;
use app::error::AppError;
use app::signin::wire::Banner;
use app::wire::{OperatorId, PortalSessionId, Timestamp};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::access::Access;
use crate::audit::{Action, Audit, Entry};
use crate::caller::{Caller, Origin, SecondFactor};
use crate::changes::{self, topic};
use crate::clock::Clock;
use crate::config::SignInRules;
use crate::db::{Conn, Db};
use crate::error::Error;
use crate::keys::{self, SealKey};
use crate::policies::Policies;

mod account;
pub mod connector;
pub mod factor;
pub mod kept;
mod notices;
pub mod passwords;
pub mod presence;
pub(crate) mod store;
mod store_notices;
pub mod throttle;
pub mod tokens;
mod welcome;

use notices::{Matter, Notice};
use passwords::Hasher;
use store::{Methods, PortalSession};

const WRONG: &str = "The user name or the password is not right. Caps lock? Nothing tells which of the two.";

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
    seal: SealKey,
    rules: SignInRules,
    installation: Installation,
    /// Not held: whoever knows them holds this room.
    facts: OnceLock<Weak<dyn FrameFacts>>,
}

/// A person who was just let in.
pub struct SignedIn {
    /// Their session; it has no cookie yet ([`tokens::attach`]).
    pub session: PortalSessionId,
    /// Who.
    pub operator: OperatorId,
    /// Set when a recovery code let them in: how many are left.
    pub codes_left: Option<u32>,
}

/// What a right password led to.
pub enum Entered {
    /// A session.
    In(SignedIn),
    /// The second step: what its form sends back ([`SignIn::second_step`]). There is no session yet.
    NeedsCode(SecretString),
}

/// Settings and keys of the room.
pub struct Setup {
    /// Rules from the settings.
    pub rules: SignInRules,
    /// Facts that pages show.
    pub installation: Installation,
    /// Seals the seeds of second factors.
    pub seal: SealKey,
}

impl SignIn {
    /// The room. Fails only if the machine can't hash a password.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        audit: Arc<Audit>,
        access: Arc<Access>,
        policies: Arc<Policies>,
        setup: Setup,
    ) -> Result<Self, Error> {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Ok(Self {
            db,
            clock,
            audit,
            access,
            policies,
            hasher: Hasher::new(cores.clamp(1, 4))?,
            seal: setup.seal,
            rules: setup.rules,
            installation: setup.installation,
            facts: OnceLock::new(),
        })
    }

    /// Says where the frame learns of running endings and trouble. The first call counts.
    pub fn take_facts(&self, facts: Weak<dyn FrameFacts>) {
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

    /// Signs a person in: their new session, which has no cookie yet ([`tokens::attach`]), or the way to its second step.
    ///
    /// `Invalid` with the same words and after the same work whether the name is unknown, disabled, without a password
    /// or the password wrong; `TooMany` while throttled. `replaces` = the session this browser had; it ends.
    pub async fn sign_in(
        &self,
        login: &str,
        password: SecretString,
        origin: &Origin,
        replaces: Option<PortalSessionId>,
    ) -> Result<Entered, Error> {
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
        let operator_id = OperatorId(account.operator_id.clone());
        if self.has_factor(&mut conn, &operator_id).await? {
            // The count of failures stays: else a known password would buy guesses at the code without end.
            let token = self
                .wait_for_code(&mut conn, &operator_id, "password", now)
                .await?;
            conn.commit().await?;
            return Ok(Entered::NeedsCode(token));
        }
        throttle::succeeded(&mut conn, &doors, now).await?;
        let id = self
            .begin(&mut conn, &operator_id, origin, replaces, Methods::Password, now)
            .await?;
        let entry = Entry::nobody(origin, Action::LoginSuccess)
            .operator(&operator_id, &account.display_name, Some(&id))
            .account(&login)
            .fact("factor", "password");
        self.audit.append(&mut conn, &entry, now).await?;
        changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
        conn.commit().await?;
        Ok(Entered::In(SignedIn {
            session: id,
            operator: operator_id,
            codes_left: None,
        }))
    }

    /// Begins a session inside a transaction: ends what it replaces and what is above the limit, then stores it.
    async fn begin(
        &self,
        conn: &mut Conn,
        operator_id: &OperatorId,
        origin: &Origin,
        replaces: Option<PortalSessionId>,
        methods: Methods,
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
            methods,
        };
        store::insert(conn, &new, now).await?;
        if let Some(row) = store::by_id(conn, &id).await? {
            store::touch(conn, &row, now).await?;
            let entry = own(&row, origin, Action::SessionCreated)
                .target("Portal session")
                .fact("policy_version", limits.version);
            self.audit.append(conn, &entry, now).await?;
            self.note_address(conn, &row, origin, now).await?;
        }
        Ok(id)
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
            if caller.factor == SecondFactor::Set {
                // Only a right code clears the count, as at sign-in.
                return Ok(());
            }
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
            let entry = Entry::by(caller, Action::LoginLock)
                .target("Password of an open session")
                .result(AuditResult::Refused);
            self.audit.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await?;
        let words = match caller.factor {
            SecondFactor::Set if field.is_empty() => factor::WRONG_EITHER,
            _ => "This is not your password. Caps lock?",
        };
        Err(AppError::invalid(field, words).into())
    }

    /// The caller's password once more, and a code of their second factor if they have one (security A16): the session
    /// counts as freshly authenticated. The caller's browser gets a new cookie next ([`tokens::attach`]).
    pub async fn step_up(
        &self,
        caller: &Caller,
        password: SecretString,
        code: SecretString,
    ) -> Result<PortalSessionId, Error> {
        let Some(id) = caller.session.clone() else {
            return Err(AppError::SignedOut.into());
        };
        let turn = self.hasher.turn().await?;
        self.confirm_password(caller, &turn, password, "", Action::StepUp)
            .await?;
        self.step_up_code(caller, &code).await?;
        let methods = match caller.factor {
            SecondFactor::Set => Methods::PasswordAndCode,
            SecondFactor::NotSet | SecondFactor::Missing => Methods::Password,
        };
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        store::set_auth(&mut conn, &id, methods, now).await?;
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

/// How a moment until which doors are closed is shown; `None` when it is over.
pub(crate) fn slowed(until: Option<i64>, now: Timestamp) -> Option<Slowed> {
    let until = until.filter(|until| *until > now.0)?;
    Some(match until == throttle::CLOSED {
        true => Slowed::Closed,
        false => Slowed::Until(Timestamp(until)),
    })
}

/// Forgets somebody's second factor with its recovery codes, and tells them that `by` did; true when there was one.
pub(crate) async fn reset_factor(
    conn: &mut Conn,
    operator_id: &OperatorId,
    by: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let removed = factor::store::remove(conn, operator_id).await?;
    if removed {
        let notice = Notice {
            operator: operator_id,
            matter: Matter::FactorReset,
            by: Some(by),
            session: None,
            ip: None,
        };
        notices::tell(conn, &notice, now).await?;
    }
    Ok(removed)
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
