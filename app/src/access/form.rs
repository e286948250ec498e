//! The plain forms of the access page: what their fields mean. The page writes them, the server's handler reads them.

use super::wire::{NewGrant, NewOperator, NewProtected, Permission, RoleEdit, Scope, ScopeAccount};
use crate::civil::Civil;
use crate::error::AppError;
use crate::form::{Pairs, Problems};
use crate::wire::{GrantId, OperatorId, ProtectedId, RoleId, SystemId, Timestamp};

/// `act`: which form.
pub const ACT: &str = "act";
/// `operator`, `grant`, `role`, `protected`: what it is about.
pub const OPERATOR: &str = "operator";
/// See [`OPERATOR`].
pub const GRANT: &str = "grant";
/// See [`OPERATOR`].
pub const ROLE: &str = "role";
/// See [`OPERATOR`].
pub const PROTECTED: &str = "protected";
/// Fields of a new person.
pub const LOGIN: &str = "login";
/// See [`LOGIN`].
pub const DISPLAY_NAME: &str = "display_name";
/// `scope`: everywhere | systems | accounts.
pub const SCOPE: &str = "scope";
/// `systems`: one per ticked system.
pub const SYSTEMS: &str = "systems";
/// `accounts`: one account name per line.
pub const ACCOUNTS: &str = "accounts";
/// `system`: the system that accounts belong to; empty = every one.
pub const SYSTEM: &str = "system";
/// `account`: one account name.
pub const ACCOUNT: &str = "account";
/// `expires`: local date and time, or empty.
pub const EXPIRES: &str = "expires";
/// `reason`.
pub const REASON: &str = "reason";
/// `name`: of a role.
pub const NAME: &str = "name";
/// `permissions`: one per ticked permission.
pub const PERMISSIONS: &str = "permissions";
/// `needed`: yes | no.
pub const NEEDED: &str = "needed";

/// What was asked for, checked as far as the form alone allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessAct {
    /// `create-operator`.
    CreateOperator(NewOperator),
    /// `disable`.
    Disable(OperatorId),
    /// `enable`.
    Enable(OperatorId),
    /// `reset`.
    Reset(OperatorId),
    /// `unlock`.
    Unlock(OperatorId),
    /// `reset-factor`.
    ResetFactor(OperatorId),
    /// `grant`.
    Give(NewGrant),
    /// `revoke`.
    Revoke(GrantId),
    /// `save-role`.
    SaveRole(RoleEdit),
    /// `ask-factor` + `role`, `needed` = yes | no.
    AskFactor(RoleId, bool),
    /// `delete-role`.
    DeleteRole(RoleId),
    /// `protect`.
    Protect(NewProtected),
    /// `unprotect`.
    Unprotect(ProtectedId),
}

const WHY: &str = "Write why, in 1 to 500 characters.";

impl AccessAct {
    /// Reads a form; `offset_min` is the zone its local times are in, minutes east of UTC.
    pub fn read(pairs: &[(String, String)], offset_min: i32) -> Result<AccessAct, AppError> {
        let pairs = Pairs(pairs);
        match pairs.text(ACT) {
            "create-operator" => new_operator(pairs).map(AccessAct::CreateOperator),
            "disable" => Ok(AccessAct::Disable(pairs.text(OPERATOR).into())),
            "enable" => Ok(AccessAct::Enable(pairs.text(OPERATOR).into())),
            "reset" => Ok(AccessAct::Reset(pairs.text(OPERATOR).into())),
            "unlock" => Ok(AccessAct::Unlock(pairs.text(OPERATOR).into())),
            "reset-factor" => Ok(AccessAct::ResetFactor(pairs.text(OPERATOR).into())),
            "grant" => new_grant(pairs, offset_min).map(AccessAct::Give),
            "revoke" => Ok(AccessAct::Revoke(pairs.text(GRANT).into())),
            "save-role" => role_edit(pairs).map(AccessAct::SaveRole),
            "ask-factor" => match pairs.text(NEEDED) {
                "yes" => Ok(AccessAct::AskFactor(pairs.text(ROLE).into(), true)),
                "no" => Ok(AccessAct::AskFactor(pairs.text(ROLE).into(), false)),
                _ => Err(AppError::invalid(NEEDED, "Say whether the role needs it.")),
            },
            "delete-role" => Ok(AccessAct::DeleteRole(pairs.text(ROLE).into())),
            "protect" => new_protected(pairs).map(AccessAct::Protect),
            "unprotect" => Ok(AccessAct::Unprotect(pairs.text(PROTECTED).into())),
            _ => Err(AppError::invalid(
                ACT,
                "This form does not say what to do. Open the page again.",
            )),
        }
    }

    /// The tab to show afterwards.
    pub const fn tab(&self) -> Tab {
        match self {
            AccessAct::CreateOperator(_)
            | AccessAct::Disable(_)
            | AccessAct::Enable(_)
            | AccessAct::Reset(_)
            | AccessAct::Unlock(_)
            | AccessAct::ResetFactor(_) => Tab::People,
            AccessAct::Give(_) | AccessAct::Revoke(_) => Tab::Grants,
            AccessAct::SaveRole(_) | AccessAct::AskFactor(..) | AccessAct::DeleteRole(_) => Tab::Roles,
            AccessAct::Protect(_) | AccessAct::Unprotect(_) => Tab::Protected,
        }
    }
}

/// Tabs of the page, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Who can sign in.
    #[default]
    People,
    /// Who may do what, where.
    Grants,
    /// What each role may do.
    Roles,
    /// Who is left out of endings.
    Protected,
}

impl Tab {
    /// Every tab.
    pub const ALL: [Tab; 4] = [Tab::People, Tab::Grants, Tab::Roles, Tab::Protected];

    /// Value of `?tab=`.
    pub const fn name(self) -> &'static str {
        match self {
            Tab::People => "people",
            Tab::Grants => "grants",
            Tab::Roles => "roles",
            Tab::Protected => "protected",
        }
    }

    /// The tab of that name; the first one for any other.
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|tab| tab.name() == name)
            .unwrap_or_default()
    }

    /// The tab on which a form with this `act` stands: for showing a refused form again.
    pub fn of_act(act: &str) -> Self {
        match act {
            "grant" | "revoke" => Tab::Grants,
            "save-role" | "ask-factor" | "delete-role" => Tab::Roles,
            "protect" | "unprotect" => Tab::Protected,
            _ => Tab::People,
        }
    }

    /// Its address.
    pub fn href(self) -> String {
        crate::paths::with_query(crate::paths::ACCESS, &format!("tab={}", self.name()))
    }
}

fn new_operator(pairs: Pairs<'_>) -> Result<NewOperator, AppError> {
    let mut problems = Problems::default();
    let login = pairs.text(LOGIN).to_lowercase();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._@-".contains(c);
    if !(2..=64).contains(&login.len()) || !login.chars().all(fits) {
        problems.add(LOGIN, "2 to 64 of a–z, 0–9 and . _ @ -");
    }
    let display_name = problems.need(
        pairs,
        DISPLAY_NAME,
        120,
        "Write the name as pages show it, up to 120 characters.",
    );
    problems.or(NewOperator { login, display_name })
}

fn new_grant(pairs: Pairs<'_>, offset_min: i32) -> Result<NewGrant, AppError> {
    let mut problems = Problems::default();
    if pairs.text(OPERATOR).is_empty() {
        problems.add(OPERATOR, "Choose who gets it.");
    }
    if pairs.text(ROLE).is_empty() {
        problems.add(ROLE, "Choose a role.");
    }
    let scope = match pairs.text(SCOPE) {
        "everywhere" => Scope::Everywhere,
        "systems" => {
            let systems: Vec<SystemId> = pairs.all(SYSTEMS).map(SystemId::from).collect();
            if systems.is_empty() {
                problems.add(SYSTEMS, "Tick at least one system.");
            }
            Scope::Systems { systems }
        }
        "accounts" => {
            let system = pairs.text(SYSTEM);
            let system_id = (!system.is_empty()).then(|| SystemId::from(system));
            let mut accounts: Vec<ScopeAccount> = pairs
                .text(ACCOUNTS)
                .split(['\n', ','])
                .map(str::trim)
                .filter(|account| !account.is_empty())
                .map(|account| ScopeAccount {
                    system_id: system_id.clone(),
                    account: account.to_owned(),
                })
                .collect();
            accounts.sort();
            accounts.dedup();
            if accounts.is_empty() {
                problems.add(ACCOUNTS, "Write at least one account name, one per line.");
            }
            Scope::Accounts { accounts }
        }
        _ => {
            problems.add(SCOPE, "Choose where it counts.");
            Scope::Systems { systems: Vec::new() }
        }
    };
    let expires_at = moment(pairs.text(EXPIRES), offset_min, &mut problems);
    let reason = problems.need(pairs, REASON, 500, WHY);
    problems.or(NewGrant {
        operator_id: pairs.text(OPERATOR).into(),
        role_id: pairs.text(ROLE).into(),
        scope,
        expires_at,
        reason,
    })
}

fn moment(text: &str, offset_min: i32, problems: &mut Problems) -> Option<Timestamp> {
    if text.is_empty() {
        return None;
    }
    let civil = Civil::parse(text);
    if civil.is_none() {
        problems.add(
            EXPIRES,
            "Write a date and time, as 2026-12-03 18:00, or leave it empty for no end.",
        );
    }
    civil.map(|civil| civil.timestamp(offset_min))
}

fn role_edit(pairs: Pairs<'_>) -> Result<RoleEdit, AppError> {
    let mut problems = Problems::default();
    let name = problems.need(pairs, NAME, 60, "Write a name, up to 60 characters.");
    let permissions: Vec<Permission> = pairs.all(PERMISSIONS).filter_map(Permission::from_name).collect();
    if permissions.is_empty() {
        problems.add(PERMISSIONS, "Tick at least one permission.");
    }
    let role = pairs.text(ROLE);
    problems.or(RoleEdit {
        role_id: (!role.is_empty()).then(|| role.into()),
        name,
        permissions,
    })
}

fn new_protected(pairs: Pairs<'_>) -> Result<NewProtected, AppError> {
    let mut problems = Problems::default();
    let account = problems.need(
        pairs,
        ACCOUNT,
        200,
        "Write the account name as the system knows it.",
    );
    let reason = problems.need(pairs, REASON, 500, WHY);
    let system = pairs.text(SYSTEM);
    problems.or(NewProtected {
        system_id: (!system.is_empty()).then(|| system.into()),
        account,
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn bad_fields(sent: &[(&str, &str)]) -> Vec<String> {
        match AccessAct::read(&pairs(sent), 0) {
            Err(AppError::Invalid { problems }) => problems.into_iter().map(|p| p.field).collect(),
            other => panic!("taken: {other:?}"),
        }
    }

    #[test]
    fn a_grant_for_nobody_in_particular_is_refused_not_widened() {
        let base = [
            ("act", "grant"),
            ("operator", "o2"),
            ("role", "helpdesk"),
            ("reason", "night"),
        ];
        for (scope, field) in [
            ("systems", SYSTEMS),
            ("accounts", ACCOUNTS),
            ("", SCOPE),
            ("all", SCOPE),
        ] {
            let mut sent = base.to_vec();
            sent.push(("scope", scope));
            assert_eq!(bad_fields(&sent), [field], "{scope}");
        }
    }

    #[test]
    fn accounts_are_one_per_line_in_one_system_or_all() {
        let sent = pairs(&[
            ("act", "grant"),
            ("operator", "o2"),
            ("role", "helpdesk"),
            ("reason", "night"),
            ("scope", "accounts"),
            ("accounts", " b.smith \r\na.jones\n\na.jones"),
            ("system", "domo"),
            ("expires", "2026-12-03T18:00"),
        ]);
        let Ok(AccessAct::Give(grant)) = AccessAct::read(&sent, 60) else {
            panic!("refused");
        };
        let Scope::Accounts { accounts } = grant.scope else {
            panic!("not accounts");
        };
        let names: Vec<_> = accounts.iter().map(|a| a.account.as_str()).collect();
        assert_eq!(names, ["a.jones", "b.smith"]);
        assert!(accounts.iter().all(|a| a.system_id == Some("domo".into())));
        let expected = Civil::parse("2026-12-03T17:00").map(|c| c.timestamp(0));
        assert_eq!(grant.expires_at, expected);
    }

    #[test]
    fn every_bad_part_is_named_at_once() {
        assert_eq!(
            bad_fields(&[("act", "create-operator"), ("login", "A B")]),
            [LOGIN, DISPLAY_NAME]
        );
        assert_eq!(bad_fields(&[("act", "save-role")]), [NAME, PERMISSIONS]);
        assert_eq!(bad_fields(&[("act", "protect")]), [ACCOUNT, REASON]);
        assert_eq!(bad_fields(&[("act", "delete everything")]), [ACT]);
    }
}
