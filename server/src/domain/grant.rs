//! Grants: role × scope × expiry, and what they add up to.

use app::access::wire::{Permission, Scope, ScopeAccount};
use app::wire::{GrantId, SystemId, Timestamp};

/// A grant in the form decisions are made from: the role's permissions are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which.
    pub grant_id: GrantId,
    /// What its role allows.
    pub permissions: Vec<Permission>,
    /// Where.
    pub scope: Scope,
    /// First moment at which it does not count any more; `None` = no end.
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// True while it counts.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What an act is about: a session or a system as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About<'a> {
    /// The system; `None` = the portal as a whole.
    pub system_id: Option<&'a SystemId>,
    /// The account's name there; `None` = everybody there.
    pub account_name: Option<&'a str>,
}

impl<'a> About<'a> {
    /// The portal as a whole: needs a grant everywhere.
    pub const PORTAL: About<'static> = About {
        system_id: None,
        account_name: None,
    };

    /// A whole system.
    pub const fn system(system_id: &'a SystemId) -> Self {
        Self {
            system_id: Some(system_id),
            account_name: None,
        }
    }

    /// One account of a system.
    pub const fn account(system_id: &'a SystemId, account_name: &'a str) -> Self {
        Self {
            system_id: Some(system_id),
            account_name: Some(account_name),
        }
    }
}

/// Whether a scope covers it. Account names are compared lower-cased; an empty name is nobody's and never covered by
/// an account scope.
pub fn covers(scope: &Scope, about: About<'_>) -> bool {
    match (scope, about.system_id) {
        (Scope::Everywhere, _) => true,
        (Scope::Systems { systems }, Some(system)) => systems.contains(system),
        (Scope::Accounts { accounts }, Some(system)) => about.account_name.is_some_and(|name| {
            let name = name.to_lowercase();
            !name.is_empty()
                && accounts.iter().any(|a| {
                    a.account.to_lowercase() == name && a.system_id.as_ref().is_none_or(|own| own == system)
                })
        }),
        (Scope::Systems { .. } | Scope::Accounts { .. }, None) => false,
    }
}

/// What a caller may see or do with one permission: the union of the scopes of their grants in force that hold it.
///
/// Empty means nothing, not everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisibleScope {
    /// Everything.
    pub everywhere: bool,
    /// All of these systems.
    pub systems: Vec<SystemId>,
    /// These accounts.
    pub accounts: Vec<ScopeAccount>,
}

impl VisibleScope {
    /// The union over grants.
    pub fn of(grants: &[Grant], permission: Permission, now: Timestamp) -> Self {
        let mut scope = VisibleScope::default();
        for grant in grants
            .iter()
            .filter(|g| g.in_force(now) && g.permissions.contains(&permission))
        {
            match &grant.scope {
                Scope::Everywhere => scope.everywhere = true,
                Scope::Systems { systems } => scope.systems.extend(systems.iter().cloned()),
                Scope::Accounts { accounts } => {
                    scope.accounts.extend(accounts.iter().map(|a| ScopeAccount {
                        system_id: a.system_id.clone(),
                        account: a.account.to_lowercase(),
                    }))
                }
            }
        }
        scope.systems.sort();
        scope.systems.dedup();
        scope.accounts.sort();
        scope.accounts.dedup();
        scope
    }

    /// Nothing at all.
    pub fn is_empty(&self) -> bool {
        !self.everywhere && self.systems.is_empty() && self.accounts.is_empty()
    }

    /// Whether it covers this.
    pub fn covers(&self, about: About<'_>) -> bool {
        self.everywhere
            || covers(
                &Scope::Systems {
                    systems: self.systems.clone(),
                },
                about,
            )
            || covers(
                &Scope::Accounts {
                    accounts: self.accounts.clone(),
                },
                about,
            )
    }

    /// Whether the whole of a system is in it.
    pub fn covers_system(&self, system: &SystemId) -> bool {
        self.everywhere || self.systems.contains(system)
    }

    /// Whether anything of a system is in it: such a system may be known.
    pub fn touches_system(&self, system: &SystemId) -> bool {
        self.covers_system(system)
            || self
                .accounts
                .iter()
                .any(|a| a.system_id.as_ref().is_none_or(|own| own == system))
    }
}
