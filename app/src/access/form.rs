//! The plain forms of the access page: what their fields mean. The page writes them, the server's handler reads them.

use super::wire::{
    GroupImport, NewGrant, NewOperator, NewProtected, NewToken, People, Permission, Places, Protected,
    RoleEdit, Scope, ScopeSite, ThesePeople,
};
use crate::civil::Civil;
use crate::error::AppError;
use crate::form::{Pairs, Problems};
use crate::wire::{GrantId, GroupId, OperatorId, ProtectedId, RoleId, SystemId, Timestamp, TokenId};

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
/// See [`OPERATOR`].
pub const TOKEN: &str = "token";
/// Fields of a new person.
pub const LOGIN: &str = "login";
/// See [`LOGIN`].
pub const DISPLAY_NAME: &str = "display_name";
/// `places`: everywhere | systems | sites.
pub const PLACES: &str = "places";
/// `systems`: one per ticked system.
pub const SYSTEMS: &str = "systems";
/// `sites`: one per ticked site, as `system/site`.
pub const SITES: &str = "sites";
/// `people`: everybody | these.
pub const PEOPLE: &str = "people";
/// `accounts`: one account name per line.
pub const ACCOUNTS: &str = "accounts";
/// `domains`: one mail domain per line.
pub const DOMAINS: &str = "domains";
/// `groups`: one per ticked group.
pub const GROUPS: &str = "groups";
/// `system`: where somebody is protected; empty = everywhere.
pub const SYSTEM: &str = "system";
/// `who`: what of an entry of the protected list: account | domain | group | role.
pub const WHO: &str = "who";
/// `group`: a group's id.
pub const GROUP: &str = "group";
/// `domain`: one mail domain.
pub const DOMAIN: &str = "domain";
/// `account`: one account name.
pub const ACCOUNT: &str = "account";
/// `expires`: local date and time, or empty.
pub const EXPIRES: &str = "expires";
/// `reason`.
pub const REASON: &str = "reason";
/// `name`: of a role, group or token.
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
    /// `weigh-grant`: what it would mean.
    Weigh(NewGrant),
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
    /// `import-group`.
    ImportGroup(GroupImport),
    /// `delete-group`.
    DeleteGroup(GroupId),
    /// `make-token`.
    MakeToken(NewToken),
    /// `revoke-token` + `token`, `reason`.
    RevokeToken(TokenId, String),
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
            "weigh-grant" => new_grant(pairs, offset_min).map(AccessAct::Weigh),
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
            "import-group" => group_import(pairs).map(AccessAct::ImportGroup),
            "delete-group" => Ok(AccessAct::DeleteGroup(pairs.text(GROUP).into())),
            "make-token" => new_token(pairs, offset_min).map(AccessAct::MakeToken),
            "revoke-token" => {
                let mut problems = Problems::default();
                let reason = problems.need(pairs, REASON, 500, WHY);
                problems.or(AccessAct::RevokeToken(pairs.text(TOKEN).into(), reason))
            }
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
            AccessAct::Weigh(_) | AccessAct::Give(_) | AccessAct::Revoke(_) => Tab::Grants,
            AccessAct::SaveRole(_) | AccessAct::AskFactor(..) | AccessAct::DeleteRole(_) => Tab::Roles,
            AccessAct::Protect(_) | AccessAct::Unprotect(_) => Tab::Protected,
            AccessAct::ImportGroup(_) | AccessAct::DeleteGroup(_) => Tab::Groups,
            AccessAct::MakeToken(_) | AccessAct::RevokeToken(..) => Tab::Tokens,
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
    /// Who belongs together.
    Groups,
    /// Who is left out of endings.
    Protected,
    /// Which programs call.
    Tokens,
}

impl Tab {
    /// Every tab.
    pub const ALL: [Tab; 6] = [
        Tab::People,
        Tab::Grants,
        Tab::Roles,
        Tab::Groups,
        Tab::Protected,
        Tab::Tokens,
    ];

    /// Value of `?tab=`.
    pub const fn name(self) -> &'static str {
        match self {
            Tab::People => "people",
            Tab::Grants => "grants",
            Tab::Roles => "roles",
            Tab::Groups => "groups",
            Tab::Protected => "protected",
            Tab::Tokens => "tokens",
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
            "grant" | "weigh-grant" | "revoke" => Tab::Grants,
            "save-role" | "ask-factor" | "delete-role" => Tab::Roles,
            "import-group" | "delete-group" => Tab::Groups,
            "protect" | "unprotect" => Tab::Protected,
            "make-token" | "revoke-token" => Tab::Tokens,
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
    let scope = scope(pairs, &mut problems);
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

fn new_token(pairs: Pairs<'_>, offset_min: i32) -> Result<NewToken, AppError> {
    let mut problems = Problems::default();
    let name = problems.need(pairs, NAME, 100, "Say what it is for, in up to 100 characters.");
    if pairs.text(ROLE).is_empty() {
        problems.add(ROLE, "Choose a role.");
    }
    let scope = scope(pairs, &mut problems);
    let expires_at = moment(pairs.text(EXPIRES), offset_min, &mut problems);
    if pairs.text(EXPIRES).is_empty() {
        problems.add(EXPIRES, "Say when it ends: in 366 days at most.");
    }
    let reason = problems.need(pairs, REASON, 500, WHY);
    problems.or(NewToken {
        name,
        role_id: pairs.text(ROLE).into(),
        scope,
        expires_at: expires_at.unwrap_or_default(),
        reason,
    })
}

/// Where and for whom. Nothing ticked or written is a problem, never everything.
fn scope(pairs: Pairs<'_>, problems: &mut Problems) -> Scope {
    let places = match pairs.text(PLACES) {
        "everywhere" => Places::Everywhere,
        "systems" => {
            let systems: Vec<SystemId> = pairs.all(SYSTEMS).map(SystemId::from).collect();
            if systems.is_empty() {
                problems.add(SYSTEMS, "Tick at least one system.");
            }
            Places::Systems(systems)
        }
        "sites" => {
            let sites: Vec<ScopeSite> = pairs.all(SITES).filter_map(site).collect();
            if sites.is_empty() {
                problems.add(SITES, "Tick at least one site.");
            }
            Places::Sites(sites)
        }
        _ => {
            problems.add(PLACES, "Choose where it counts.");
            Places::Systems(Vec::new())
        }
    };
    let people = match pairs.text(PEOPLE) {
        "everybody" => People::Everybody,
        "these" => {
            let these = ThesePeople {
                accounts: lines(pairs.text(ACCOUNTS)),
                domains: lines(pairs.text(DOMAINS)),
                groups: pairs.all(GROUPS).map(GroupId::from).collect(),
                roles: Vec::new(),
            };
            if these.is_empty() {
                problems.add(ACCOUNTS, "Name an account, a mail domain or a group.");
            }
            People::These(these)
        }
        _ => {
            problems.add(PEOPLE, "Choose for whom it counts.");
            People::These(ThesePeople::default())
        }
    };
    Scope { places, people }
}

/// The value of a site's box.
pub fn site_value(site: &ScopeSite) -> String {
    format!("{}/{}", site.system_id, site.site)
}

fn site(value: &str) -> Option<ScopeSite> {
    let (system, site) = value.split_once('/')?;
    Some(ScopeSite {
        system_id: system.into(),
        site: site.to_owned(),
    })
}

/// Names, one per line or between commas; each once, in order.
fn lines(text: &str) -> Vec<String> {
    let mut names: Vec<String> = text
        .split(['\n', ','])
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

fn group_import(pairs: Pairs<'_>) -> Result<GroupImport, AppError> {
    let mut problems = Problems::default();
    let name = problems.need(pairs, NAME, 100, "Write the group's name, up to 100 characters.");
    let accounts = lines(pairs.text(ACCOUNTS));
    if accounts.is_empty() {
        problems.add(
            ACCOUNTS,
            "Write at least one account name, one per line. To empty a group, delete it.",
        );
    }
    problems.or(GroupImport { name, accounts })
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
    let who = match pairs.text(WHO) {
        "account" => Protected::Account(problems.need(
            pairs,
            ACCOUNT,
            200,
            "Write the account name as the system knows it.",
        )),
        "domain" => Protected::Domain(problems.need(pairs, DOMAIN, 200, "Write the domain, as example.org.")),
        "group" => {
            if pairs.text(GROUP).is_empty() {
                problems.add(GROUP, "Choose a group.");
            }
            Protected::Group(pairs.text(GROUP).into())
        }
        "role" => {
            if pairs.text(ROLE).is_empty() {
                problems.add(ROLE, "Choose a role.");
            }
            Protected::Role(pairs.text(ROLE).into())
        }
        _ => {
            problems.add(WHO, "Choose whom to protect.");
            Protected::Account(String::new())
        }
    };
    let reason = problems.need(pairs, REASON, 500, WHY);
    let system = pairs.text(SYSTEM);
    problems.or(NewProtected {
        system_id: (!system.is_empty()).then(|| system.into()),
        who,
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
        for (places, people, field) in [
            ("systems", "everybody", SYSTEMS),
            ("sites", "everybody", SITES),
            ("everywhere", "these", ACCOUNTS),
            ("", "everybody", PLACES),
            ("all", "everybody", PLACES),
            ("everywhere", "", PEOPLE),
            ("everywhere", "all", PEOPLE),
        ] {
            let mut sent = base.to_vec();
            sent.extend([("places", places), ("people", people)]);
            assert_eq!(bad_fields(&sent), [field], "{places} {people}");
        }
    }

    #[test]
    fn people_are_named_one_per_line_in_the_places_that_are_ticked() {
        let sent = pairs(&[
            ("act", "grant"),
            ("operator", "o2"),
            ("role", "helpdesk"),
            ("reason", "night"),
            ("places", "sites"),
            ("sites", "tableau/Sales/East"),
            ("people", "these"),
            ("accounts", " b.smith \r\na.jones\n\na.jones"),
            ("domains", "example.org"),
            ("groups", "g1"),
            ("expires", "2026-12-03T18:00"),
        ]);
        let Ok(AccessAct::Give(grant)) = AccessAct::read(&sent, 60) else {
            panic!("refused");
        };
        let People::These(these) = grant.scope.people else {
            panic!("everybody");
        };
        assert_eq!(these.accounts, ["a.jones", "b.smith"]);
        assert_eq!(
            (these.domains, these.groups),
            (vec!["example.org".to_owned()], vec!["g1".into()])
        );
        let east = ScopeSite {
            system_id: "tableau".into(),
            site: "Sales/East".to_owned(),
        };
        assert_eq!(grant.scope.places, Places::Sites(vec![east]));
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
        assert_eq!(bad_fields(&[("act", "protect")]), [WHO, REASON]);
        assert_eq!(
            bad_fields(&[("act", "protect"), ("who", "group")]),
            [GROUP, REASON]
        );
        assert_eq!(bad_fields(&[("act", "import-group")]), [NAME, ACCOUNTS]);
        assert_eq!(
            bad_fields(&[("act", "make-token")]),
            [NAME, ROLE, PLACES, PEOPLE, EXPIRES, REASON]
        );
        assert_eq!(bad_fields(&[("act", "revoke-token")]), [REASON]);
        assert_eq!(bad_fields(&[("act", "delete everything")]), [ACT]);
    }
}
