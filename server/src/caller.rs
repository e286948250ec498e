//! Who is acting, what they may, and the proof that it was checked.
//!
//! Authorization lives here and nowhere else: pages, calls, command line and background work all come with a
//! [`Caller`], and a function that changes something takes the [`Permit`] that [`Caller::authorize`] gave. Which rows a
//! scope means is [`scope`]'s.

use app::access::wire::Permission;
use app::error::AppError;
use app::wire::{OperatorId, PortalSessionId, Timestamp};

use crate::domain::grant::{About, Grant, VisibleScope};

pub mod broker;
pub mod scope;
pub mod signal;

/// Longest age of an authentication for highly sensitive acts, seconds (security A16).
pub const FRESH_AUTH_S: i64 = 5 * 60;

/// What kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// A person who signed in.
    Operator,
    /// A program with an API token.
    Token,
    /// A rule of ours.
    Rule,
    /// An app of the ticket broker, acting for one of its people.
    App,
    /// A rule for signals of an identity server, acting for the person one is about.
    Signal,
    /// Curfew itself: background work that decides nothing.
    System,
}

impl CallerKind {
    /// Stable name: database, audit.
    pub const fn name(self) -> &'static str {
        match self {
            CallerKind::Operator => "operator",
            CallerKind::Token => "token",
            CallerKind::Rule => "rule",
            CallerKind::App => "app",
            CallerKind::Signal => "signal",
            CallerKind::System => "system",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Operator,
            Self::Token,
            Self::Rule,
            Self::App,
            Self::Signal,
            Self::System,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }
}

/// Where a request came from, for audit and throttling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Finds the log line.
    pub request_id: String,
    /// Address, by the trusted proxy header if one is configured.
    pub ip: Option<String>,
    /// Browser as it named itself.
    pub user_agent: Option<String>,
}

/// What a caller's second factor is to their session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondFactor {
    /// None, and no role of theirs needs one; or no session is involved.
    #[default]
    NotSet,
    /// They have one.
    Set,
    /// A role they hold needs one and they have none: until then their grants count for nothing.
    Missing,
}

/// Who is acting right now.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Kind.
    pub kind: CallerKind,
    /// operator_id, or the id of the token or rule.
    pub id: OperatorId,
    /// Name as shown.
    pub name: String,
    /// Sign-in name; empty unless an operator.
    pub login: String,
    /// The portal session the request came with.
    pub session: Option<PortalSessionId>,
    /// Last full or step-up authentication; `None` = never (rules).
    pub auth_at: Option<Timestamp>,
    /// Their second factor.
    pub factor: SecondFactor,
    /// The session shares its screen: until it says otherwise nobody sees network data in it.
    pub screen_share: bool,
    /// Grants not revoked; expiry is looked at per question. None while the second factor is missing.
    pub grants: Vec<Grant>,
    /// Where from.
    pub origin: Origin,
    /// Names of people who hold ManageAccess everywhere: who can give what is missing.
    pub who_can_give: Vec<String>,
}

/// Proof that a grant was checked for one permission and one thing. Made only by [`Caller`].
#[derive(Clone, Debug)]
pub struct Permit {
    permission: Permission,
    _made_here: (),
}

impl Permit {
    /// What was allowed, for the audit.
    pub const fn permission(&self) -> Permission {
        self.permission
    }
}

impl Caller {
    /// What the caller may see or do with `permission`, now: what they hold, but no network data on a shared screen.
    pub fn visible(&self, permission: Permission, now: Timestamp) -> VisibleScope {
        if self.screen_share && permission == Permission::SeeNetworkData {
            return VisibleScope::of(&[], permission, now);
        }
        self.held(permission, now)
    }

    /// Where the caller holds `permission` now, shown or not: for comparing people, never for what they get to see.
    pub fn held(&self, permission: Permission, now: Timestamp) -> VisibleScope {
        if self.kind == CallerKind::Token && permission.is_for_people_only() {
            return VisibleScope::default();
        }
        VisibleScope::of(&self.grants, permission, now)
    }

    /// Permissions held anywhere, for what pages offer at all.
    pub fn permissions(&self, now: Timestamp) -> Vec<Permission> {
        Permission::ALL
            .into_iter()
            .filter(|p| !self.visible(*p, now).is_empty())
            .collect()
    }

    /// A permit for `permission` about something, or the error that names what is missing and who can give it.
    ///
    /// The error is `Forbidden`; where even the existence must stay private, ask [`Caller::visible`] first and answer
    /// `NotFound`.
    pub fn authorize(
        &self,
        permission: Permission,
        about: About<'_>,
        now: Timestamp,
    ) -> Result<Permit, AppError> {
        self.require_settled()?;
        if self.visible(permission, now).covers(about) {
            Ok(Permit {
                permission,
                _made_here: (),
            })
        } else {
            Err(AppError::Forbidden {
                permission,
                who_can_give: self.who_can_give.clone(),
            })
        }
    }

    /// A permit for who holds `permission` at least somewhere; the reading functions narrow by [`Caller::visible`].
    pub fn authorize_somewhere(&self, permission: Permission, now: Timestamp) -> Result<Permit, AppError> {
        self.require_settled()?;
        if self.visible(permission, now).is_empty() {
            Err(AppError::Forbidden {
                permission,
                who_can_give: self.who_can_give.clone(),
            })
        } else {
            Ok(Permit {
                permission,
                _made_here: (),
            })
        }
    }

    /// `FactorFirst` while a role needs a second factor that is not set up.
    pub fn require_settled(&self) -> Result<(), AppError> {
        match self.factor {
            SecondFactor::Missing => Err(AppError::FactorFirst),
            SecondFactor::NotSet | SecondFactor::Set => Ok(()),
        }
    }

    /// `StepUp` unless the caller authenticated within the last five minutes (security A16). A token shows its secret
    /// with every call, an app signs each of its own, and a signal was verified when it came.
    pub fn require_fresh_auth(&self, now: Timestamp) -> Result<(), AppError> {
        if matches!(
            self.kind,
            CallerKind::Token | CallerKind::App | CallerKind::Signal
        ) {
            return Ok(());
        }
        match self.auth_at {
            Some(at) if now.since(at) <= FRESH_AUTH_S * 1000 => Ok(()),
            _ => Err(AppError::StepUp),
        }
    }
}

/// A port's room together with who is calling: what implements the feature's port.
pub struct For<R> {
    /// The room.
    pub room: std::sync::Arc<R>,
    /// The caller.
    pub caller: std::sync::Arc<Caller>,
}

impl<R> For<R> {
    /// Binds a room to a caller.
    pub fn new(room: &std::sync::Arc<R>, caller: &std::sync::Arc<Caller>) -> Self {
        Self {
            room: room.clone(),
            caller: caller.clone(),
        }
    }
}

/// Callers for tests, made without a database.
pub mod testing {
    use app::access::wire::Scope;
    use app::wire::GrantId;

    use super::*;

    /// An operator `name` (also the id and login) with one grant without end.
    pub fn caller(name: &str, permissions: &[Permission], scope: Scope) -> Caller {
        Caller {
            kind: CallerKind::Operator,
            id: OperatorId(name.to_owned()),
            name: name.to_owned(),
            login: name.to_owned(),
            session: None,
            auth_at: None,
            factor: SecondFactor::NotSet,
            screen_share: false,
            grants: vec![Grant {
                grant_id: GrantId(format!("grant-{name}")),
                permissions: permissions.to_vec(),
                scope,
                expires_at: None,
            }],
            origin: Origin::default(),
            who_can_give: vec!["Ada".to_owned()],
        }
    }
}
