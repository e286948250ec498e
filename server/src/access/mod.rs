//! Access: operators, roles, grants with scope and expiry, one-time links, protected people.
//!
//! Decides who may what; never looks at sessions of systems. A [`Caller`] is made here and nowhere else, from what the
//! database says at this very moment, so that a change acts with the next request and the next leased batch. Pages come
//! in through `page`. Start reading at [`Access::caller_of`].

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use app::access::wire::{OneTimeLink, Permission, Scope};
use app::error::AppError;
use app::wire::{GrantId, OperatorId, PortalSessionId, RoleId, Timestamp};

use crate::audit::{Action, Audit, Entry};
use crate::caller::{Caller, CallerKind, Origin, SecondFactor, broker, signal};
use crate::changes::{self, topic};
use crate::clock::Clock;
use crate::config::{BrokerRules, SignInRules, SignalRule};
use crate::db::{Conn, Db};
use crate::domain::grant::{Grant, VisibleScope};
use crate::error::Error;
use crate::keys;

mod effect;
mod groups;
pub mod links;
mod page;
pub(crate) mod store;
mod tokens;

/// Role id of the Administrator: holds everything; the last enabled one everywhere can't be disabled or stripped.
pub const ADMINISTRATOR: &str = "administrator";

/// Built-in roles (design.md §5): id, name, permissions.
pub const BUILT_IN: [(&str, &str, &[Permission]); 4] = [
    (ADMINISTRATOR, "Administrator", &Permission::ALL),
    (
        "helpdesk",
        "Helpdesk",
        &[
            Permission::SeeSessions,
            Permission::EditUserSessions,
            Permission::ReadPolicies,
            Permission::SeeNetworkData,
        ],
    ),
    (
        "auditor",
        "Auditor",
        &[
            Permission::SeeSessions,
            Permission::ReadPolicies,
            Permission::ReadAudit,
            Permission::ExportData,
        ],
    ),
    (
        "policy_manager",
        "Policy manager",
        &[
            Permission::SeeSessions,
            Permission::ReadPolicies,
            Permission::EditPolicies,
        ],
    ),
];

/// A token's use is noted once in so long, seconds.
const TOKEN_USE_EVERY_S: i64 = 60;

/// The room.
pub struct Access {
    db: Db,
    clock: Arc<dyn Clock>,
    audit: Arc<Audit>,
    public_url: String,
    rules: SignInRules,
    /// Apps of the ticket broker.
    apps: RwLock<Arc<BrokerRules>>,
    /// Rules for signals.
    signals: RwLock<Arc<[SignalRule]>>,
}

/// A person to be made by the command line, the demo or a test.
pub struct SeedOperator<'a> {
    /// Sign-in name.
    pub login: &'a str,
    /// Name as shown.
    pub display_name: &'a str,
    /// Role ids with their scopes.
    pub grants: &'a [(&'a str, Scope)],
    /// Why, on every grant.
    pub reason: &'a str,
}

impl Access {
    /// The room. `public_url` without a slash at the end; `rules` say how long links are good.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        audit: Arc<Audit>,
        public_url: &str,
        rules: SignInRules,
    ) -> Self {
        Self {
            db,
            clock,
            audit,
            public_url: public_url.to_owned(),
            rules,
            apps: RwLock::default(),
            signals: RwLock::default(),
        }
    }

    /// Brings the built-in roles to what this program says. Call it once at start, after migrating.
    pub async fn ensure_built_in_roles(&self) -> Result<(), Error> {
        let mut conn = self.db.write().await?;
        for (id, name, permissions) in BUILT_IN {
            store::upsert_role(&mut conn, &RoleId::from(id), name, true, permissions).await?;
        }
        conn.commit().await
    }

    /// The caller an operator is right now; `None` when there is no such operator or they are disabled.
    ///
    /// Also rebuilds the permit of an ending for each leased batch: then `session` and `auth_at` are `None`.
    pub async fn caller_of(
        &self,
        operator_id: &OperatorId,
        session: Option<PortalSessionId>,
        auth_at: Option<Timestamp>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Option<Caller>, Error> {
        let mut conn = self.db.read().await?;
        self.caller_in(&mut conn, operator_id, session, auth_at, origin, now)
            .await
    }

    /// [`Access::caller_of`] on a connection or inside a transaction that is already there.
    pub async fn caller_in(
        &self,
        conn: &mut Conn,
        operator_id: &OperatorId,
        session: Option<PortalSessionId>,
        auth_at: Option<Timestamp>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Option<Caller>, Error> {
        let Some(operator) = store::operator(conn, operator_id).await? else {
            return Ok(None);
        };
        if operator.disabled_at.is_some() {
            return Ok(None);
        }
        // Background work goes on with what somebody asked for while they were let in.
        let factor = match session {
            Some(_) => self.factor_of(conn, operator_id, now).await?,
            None => SecondFactor::NotSet,
        };
        let grants = match factor {
            SecondFactor::Missing => Vec::new(),
            SecondFactor::NotSet | SecondFactor::Set => store::grants_of(conn, operator_id).await?,
        };
        Ok(Some(Caller {
            kind: CallerKind::Operator,
            id: OperatorId(operator.operator_id),
            name: operator.display_name,
            login: operator.login,
            session,
            auth_at,
            factor,
            screen_share: false,
            grants,
            origin,
            who_can_give: self.who_can_give(conn, now).await?,
        }))
    }

    /// The caller behind an ending, as they are now: what the worker rebuilds the permit from. `None` = they can't act any
    /// more.
    pub(crate) async fn caller_behind(
        &self,
        conn: &mut Conn,
        kind: CallerKind,
        id: &OperatorId,
        now: Timestamp,
    ) -> Result<Option<Caller>, Error> {
        match kind {
            CallerKind::Operator => self.caller_in(conn, id, None, None, Origin::default(), now).await,
            CallerKind::Token => match tokens::by_id(conn, id.as_str()).await? {
                Some(token) if token.works(now) => Ok(Some(
                    self.token_caller(conn, token, Origin::default(), now).await?,
                )),
                _ => Ok(None),
            },
            // What an app or a signal may do depends on whom it acts for: [`Access::app_behind`], [`Access::signal_behind`].
            CallerKind::Rule | CallerKind::App | CallerKind::Signal | CallerKind::System => Ok(None),
        }
    }

    /// Takes the apps of the ticket broker from the settings.
    pub fn take_apps(&self, broker: &BrokerRules) {
        *self.apps.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(broker.clone());
    }

    /// An app as the settings are now, acting for the one person of these sessions (place, site, account) at those of
    /// their sites that are its own. `None` = it left the settings, or may not act for them.
    pub(crate) fn app_behind(
        &self,
        app: &OperatorId,
        sessions: &[(String, String, String)],
    ) -> Option<Caller> {
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner).clone();
        let app = apps.app(app.as_str())?;
        let (_, _, account) = sessions.first()?;
        if sessions.iter().any(|(_, _, other)| other != account) {
            return None;
        }
        let own = sessions.iter().filter(|(place, ..)| app.sites.contains(place));
        let sites: Vec<String> = own.map(|(_, site, _)| site.clone()).collect();
        Some(broker::acting_for(app, account, &sites, Origin::default()))
    }

    /// Takes the rules for signals from the settings.
    pub fn take_signals(&self, rules: &[SignalRule]) {
        *self.signals.write().unwrap_or_else(PoisonError::into_inner) = rules.into();
    }

    /// A rule for signals as the settings are now, acting for the one person (`subject_id`) of these sessions. `None` = it
    /// left the settings, or they are not of one person.
    pub(crate) fn signal_behind(
        &self,
        rule: &OperatorId,
        sessions: &[(Option<String>, signal::Reach)],
    ) -> Option<Caller> {
        let rules = self
            .signals
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let rule = rules.iter().find(|own| own.id == rule.0)?;
        let (person, _) = sessions.first()?;
        if person.is_none() || sessions.iter().any(|(other, _)| other != person) {
            return None;
        }
        let reach: Vec<signal::Reach> = sessions.iter().map(|(_, reach)| reach.clone()).collect();
        Some(signal::acting_for(rule, &reach))
    }

    /// The person behind a caller: who made a token, else the caller themselves.
    pub(crate) async fn person_behind(
        &self,
        conn: &mut Conn,
        kind: &str,
        id: &str,
    ) -> Result<OperatorId, Error> {
        let made_by = match CallerKind::from_name(kind) {
            Some(CallerKind::Token) => tokens::by_id(conn, id).await?.map(|token| token.made_by),
            _ => None,
        };
        Ok(OperatorId(made_by.unwrap_or_else(|| id.to_owned())))
    }

    /// The caller that shows this secret, as they are now. `None` = nobody's, or a token that works no more: its first use
    /// after its end is in the log.
    pub async fn caller_of_token(
        &self,
        secret: &str,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Option<Caller>, Error> {
        if !tokens::may_be_secret(secret) {
            return Ok(None);
        }
        let mut conn = self.db.read().await?;
        let Some(token) = tokens::by_secret(&mut conn, secret).await? else {
            return Ok(None);
        };
        if !token.works(now) {
            drop(conn);
            self.note_refused_token(&token, &origin, now).await?;
            return Ok(None);
        }
        let since = now.plus_seconds(-TOKEN_USE_EVERY_S);
        let noted = token.last_used_at.is_some_and(|at| at > since.0);
        let id = token.id();
        let caller = self.token_caller(&mut conn, token, origin, now).await?;
        drop(conn);
        if !noted {
            let mut conn = self.db.write().await?;
            tokens::note_use(&mut conn, &id, caller.origin.ip.as_deref(), since, now).await?;
            conn.commit().await?;
        }
        Ok(Some(caller))
    }

    async fn token_caller(
        &self,
        conn: &mut Conn,
        token: tokens::Token,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Caller, Error> {
        Ok(Caller {
            kind: CallerKind::Token,
            grants: tokens::grants_of(conn, &token.token_id).await?,
            id: OperatorId(token.token_id),
            name: token.name,
            login: String::new(),
            session: None,
            auth_at: None,
            screen_share: false,
            factor: SecondFactor::NotSet,
            origin,
            who_can_give: self.who_can_give(conn, now).await?,
        })
    }

    async fn note_refused_token(
        &self,
        token: &tokens::Token,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<(), Error> {
        if token.refused_at.is_some() {
            return Ok(());
        }
        let mut conn = self.db.write().await?;
        if tokens::note_refused(&mut conn, &token.id(), now).await? {
            let entry = Entry::nobody(origin, Action::TokenRefused)
                .target(format!("The API token {} was used after its end", token.name))
                .result(app::audit::wire::AuditResult::Refused)
                .fact("token_id", token.token_id.as_str());
            self.audit.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await
    }

    async fn factor_of(
        &self,
        conn: &mut Conn,
        operator_id: &OperatorId,
        now: Timestamp,
    ) -> Result<SecondFactor, Error> {
        Ok(match store::second_factor(conn, operator_id, now).await? {
            (_, true) => SecondFactor::Set,
            (true, false) => SecondFactor::Missing,
            (false, false) => SecondFactor::NotSet,
        })
    }

    /// Whether a role that somebody holds by a grant in force needs a second factor.
    pub(crate) async fn needs_factor(
        &self,
        conn: &mut Conn,
        operator_id: &OperatorId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(store::second_factor(conn, operator_id, now).await?.0)
    }

    /// Names of the people who can give a missing permission: enabled, ManageAccess everywhere, by name.
    pub async fn who_can_give(&self, conn: &mut Conn, now: Timestamp) -> Result<Vec<String>, Error> {
        store::access_managers(conn, now).await
    }

    /// Enabled people who hold a permission somewhere now, with their grants in force, by name.
    pub(crate) async fn holders(
        &self,
        conn: &mut Conn,
        permission: Permission,
        now: Timestamp,
    ) -> Result<Vec<(OperatorId, String, Vec<Grant>)>, Error> {
        let mut found: Vec<(OperatorId, String, Vec<Grant>)> = Vec::new();
        for (id, grant) in store::all_grants(conn).await? {
            if !grant.in_force(now) {
                continue;
            }
            match found.last_mut() {
                Some((last, _, grants)) if *last == id => grants.push(grant),
                _ => found.push((id, String::new(), vec![grant])),
            }
        }
        found.retain(|(_, _, grants)| grants.iter().any(|g| g.permissions.contains(&permission)));
        let mut enabled = Vec::with_capacity(found.len());
        for (id, _, grants) in found {
            if let Some((_, name)) = self.login_and_name(conn, &id).await? {
                enabled.push((id, name, grants));
            }
        }
        enabled.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
        Ok(enabled)
    }

    /// Who is protected, as a scope.
    pub async fn protected(&self, conn: &mut Conn, now: Timestamp) -> Result<VisibleScope, Error> {
        let listed = store::protected(conn).await?;
        let scopes = listed.iter().filter_map(store::ProtectedLine::scope);
        Ok(VisibleScope::union(scopes, now))
    }

    /// Operators who hold a permission somewhere where the caller does not: their portal sessions are out of reach.
    pub async fn outranking(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<HashSet<OperatorId>, Error> {
        let mut by_operator: std::collections::BTreeMap<OperatorId, Vec<_>> =
            std::collections::BTreeMap::new();
        for (who, grant) in store::all_grants(conn).await? {
            by_operator.entry(who).or_default().push(grant);
        }
        let own: Vec<VisibleScope> = Permission::ALL.iter().map(|p| caller.held(*p, now)).collect();
        Ok(by_operator
            .into_iter()
            .filter(|(who, grants)| {
                *who != caller.id
                    && Permission::ALL
                        .iter()
                        .zip(&own)
                        .any(|(p, own)| !own.includes(&VisibleScope::of(grants, *p, now)))
            })
            .map(|(who, _)| who)
            .collect())
    }

    /// True when that operator holds permissions the caller lacks ([`Access::outranking`] for many at once).
    pub async fn outranks(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        operator_id: &OperatorId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(self.outranking(conn, caller, now).await?.contains(operator_id))
    }

    /// Whether there is any operator, disabled ones included.
    pub(crate) async fn any_operator(&self, conn: &mut Conn) -> Result<bool, Error> {
        Ok(store::operator_count(conn).await? > 0)
    }

    /// Sign-in name and shown name of an enabled operator.
    pub(crate) async fn login_and_name(
        &self,
        conn: &mut Conn,
        id: &OperatorId,
    ) -> Result<Option<(String, String)>, Error> {
        let operator = store::operator(conn, id).await?;
        Ok(operator
            .filter(|o| o.disabled_at.is_none())
            .map(|o| (o.login, o.display_name)))
    }

    /// A disabled person without grants or password, for the portal's self-test only; a leftover one is used again.
    pub(crate) async fn throw_away_operator(
        &self,
        conn: &mut Conn,
        now: Timestamp,
    ) -> Result<OperatorId, Error> {
        let id = OperatorId("self-test".to_owned());
        if store::operator(conn, &id).await?.is_none() {
            // The colon can't be typed as a sign-in name.
            store::insert_operator(conn, &id, "self-test:curfew", "Curfew self-test", now).await?;
            store::set_disabled(conn, &id, Some(now)).await?;
        }
        Ok(id)
    }

    /// Removes the person of [`Access::throw_away_operator`].
    pub(crate) async fn forget_throw_away(&self, conn: &mut Conn, id: &OperatorId) -> Result<(), Error> {
        store::delete_throw_away(conn, id).await
    }

    /// A person with grants, made outright: the demo and tests.
    pub async fn seed_operator(&self, seed: &SeedOperator<'_>) -> Result<OperatorId, Error> {
        let mut conn = self.db.write().await?;
        let id = self.seed(&mut conn, seed, self.clock.now()).await?;
        conn.commit().await?;
        Ok(id)
    }

    /// Makes a person with grants, as the command line, the demo and the bootstrap do. Nobody signs for it but Curfew.
    pub(crate) async fn seed(
        &self,
        conn: &mut Conn,
        seed: &SeedOperator<'_>,
        now: Timestamp,
    ) -> Result<OperatorId, Error> {
        let login = checked_login(seed.login).map_err(|message| AppError::invalid("login", message))?;
        let name = checked_text(seed.display_name, 120)
            .map_err(|message| AppError::invalid("display_name", message))?;
        if store::operator_by_login(conn, &login).await?.is_some() {
            return Err(AppError::invalid("login", TAKEN).into());
        }
        let id = OperatorId(keys::new_id());
        store::insert_operator(conn, &id, &login, &name, now).await?;
        for (role, scope) in seed.grants {
            let grant = store::GrantToStore {
                grant_id: &GrantId(keys::new_id()),
                caller_kind: CallerKind::Operator,
                caller_id: id.as_str(),
                role_id: &RoleId::from(*role),
                scope,
                reason: seed.reason,
                granted_by: None,
                expires_at: None,
            };
            store::insert_grant(conn, &grant, now).await?;
        }
        let entry = Entry::curfew(Action::AuthzAdmin)
            .account(login.clone())
            .target(format!("Made the operator {login}"))
            .reason(seed.reason, None);
        self.audit.append(conn, &entry, now).await?;
        changes::bump(conn, topic::ACCESS).await?;
        Ok(id)
    }

    /// `curfew admin create`: a new Administrator with a one-time link.
    pub async fn admin_create(&self, login: &str, display_name: &str) -> Result<OneTimeLink, Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        let seed = SeedOperator {
            login,
            display_name,
            grants: &[(ADMINISTRATOR, Scope::EVERYWHERE)],
            reason: "curfew admin create",
        };
        let id = self.seed(&mut conn, &seed, now).await?;
        let link = self
            .link(
                &mut conn,
                links::Purpose::Invite,
                &id,
                &login.to_lowercase(),
                None,
                now,
            )
            .await?;
        conn.commit().await?;
        Ok(link)
    }

    /// `curfew admin reset`: a link for a new password; lifts throttling, removes the second factor and enables the account
    /// again, so that the last administrator always has a way back in.
    pub async fn admin_reset(&self, login: &str) -> Result<OneTimeLink, Error> {
        let now = self.clock.now();
        let login = login.trim().to_lowercase();
        let mut conn = self.db.write().await?;
        let Some(operator) = store::operator_by_login(&mut conn, &login).await? else {
            return Err(AppError::not_found("operator").into());
        };
        let id = OperatorId(operator.operator_id);
        store::set_disabled(&mut conn, &id, None).await?;
        crate::signin::forget_failures(&mut conn, &login).await?;
        if crate::signin::reset_factor(&mut conn, &id, "curfew admin reset", now).await? {
            let entry = Entry::curfew(Action::FactorChange)
                .account(&login)
                .target(format!("Removed the second factor of {login}"))
                .reason("curfew admin reset", None);
            self.audit.append(&mut conn, &entry, now).await?;
        }
        let link = self
            .link(&mut conn, links::Purpose::Reset, &id, &login, None, now)
            .await?;
        conn.commit().await?;
        Ok(link)
    }

    /// Makes a link and its audit entry.
    async fn link(
        &self,
        conn: &mut Conn,
        purpose: links::Purpose,
        operator_id: &OperatorId,
        login: &str,
        by: Option<&Caller>,
        now: Timestamp,
    ) -> Result<OneTimeLink, Error> {
        let new = links::NewLink {
            purpose,
            operator_id: Some(operator_id),
            login,
            created_by: by.map(|caller| &caller.id),
            good_for_s: self.rules.link_s,
        };
        let link = links::create(conn, &self.public_url, &new, now).await?;
        let entry = match by {
            Some(caller) => Entry::by(caller, Action::LinkCreated),
            None => Entry::curfew(Action::LinkCreated),
        };
        let entry = entry
            .account(login)
            .target(format!("One-time link for {login}"))
            .fact("purpose", purpose.name())
            .fact("expires_at", link.expires_at.0);
        self.audit.append(conn, &entry, now).await?;
        Ok(link)
    }
}

pub(crate) const TAKEN: &str = "This sign-in name is taken. Choose another.";

/// A sign-in name, lower-cased; or what is wrong with it.
pub(crate) fn checked_login(login: &str) -> Result<String, &'static str> {
    let login = login.trim().to_lowercase();
    let good = (2..=64).contains(&login.len())
        && login
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._@-".contains(&b));
    if good {
        Ok(login)
    } else {
        Err("2 to 64 of a-z, 0-9 and . _ @ -")
    }
}

/// A mail domain as scopes compare it, without the `@` somebody wrote before it; `None` = it is none.
pub(crate) fn checked_domain(text: &str) -> Option<String> {
    let domain = text.trim().trim_start_matches('@').to_lowercase();
    (domain.contains('.') && !domain.contains(['@', ' ', '/'])).then_some(domain)
}

/// A line of text of 1 to `longest` characters; or what is wrong with it.
pub(crate) fn checked_text(text: &str, longest: usize) -> Result<String, String> {
    let text = text.trim();
    let count = text.chars().count();
    if count == 0 {
        Err("Fill this in.".to_owned())
    } else if count > longest {
        Err(format!("At most {longest} characters; this has {count}."))
    } else if text.chars().any(char::is_control) {
        Err("Line breaks and control characters can't stand here.".to_owned())
    } else {
        Ok(text.to_owned())
    }
}
