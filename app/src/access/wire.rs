//! Who may do what, where: permissions, roles, scopes, grants as pages and server exchange them.

use serde::{Deserialize, Serialize};

use crate::wire::{Count, GrantId, GroupId, OperatorId, ProtectedId, RoleId, SystemId, Timestamp, TokenId};

/// One thing that can be allowed. The closed list; `domain` and SQL use these words as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// See sessions, their systems, counts and health.
    SeeSessions,
    /// End sessions; on screen "Edit User Sessions".
    EditUserSessions,
    /// Take protected people into an ending.
    ForceEnd,
    /// Approve somebody else's ending.
    ApproveEndings,
    /// See the limits of systems.
    ReadPolicies,
    /// Change the limits of Curfew's own sessions.
    EditPolicies,
    /// Operators, roles, grants, protected list.
    ManageAccess,
    /// Read the audit log.
    ReadAudit,
    /// Read now, pause, self-test, typed-in policy, pause all endings.
    ManageSystems,
    /// Ask for sign-in tickets.
    UseTickets,
    /// Take lists out as files.
    ExportData,
    /// See IP, mail and user agent.
    SeeNetworkData,
    /// Keep people from signing in.
    BlockSignIn,
}

impl Permission {
    /// Every permission, in the order pages show them.
    pub const ALL: [Permission; 13] = [
        Permission::SeeSessions,
        Permission::EditUserSessions,
        Permission::ForceEnd,
        Permission::ApproveEndings,
        Permission::ReadPolicies,
        Permission::EditPolicies,
        Permission::ManageAccess,
        Permission::ReadAudit,
        Permission::ManageSystems,
        Permission::UseTickets,
        Permission::ExportData,
        Permission::SeeNetworkData,
        Permission::BlockSignIn,
    ];

    /// The stable name: database, forms, audit.
    pub const fn name(self) -> &'static str {
        match self {
            Permission::SeeSessions => "SeeSessions",
            Permission::EditUserSessions => "EditUserSessions",
            Permission::ForceEnd => "ForceEnd",
            Permission::ApproveEndings => "ApproveEndings",
            Permission::ReadPolicies => "ReadPolicies",
            Permission::EditPolicies => "EditPolicies",
            Permission::ManageAccess => "ManageAccess",
            Permission::ReadAudit => "ReadAudit",
            Permission::ManageSystems => "ManageSystems",
            Permission::UseTickets => "UseTickets",
            Permission::ExportData => "ExportData",
            Permission::SeeNetworkData => "SeeNetworkData",
            Permission::BlockSignIn => "BlockSignIn",
        }
    }

    /// What only a person may do: no token ever holds it, whatever its role says.
    pub const fn is_for_people_only(self) -> bool {
        matches!(self, Permission::ManageAccess | Permission::ApproveEndings)
    }

    /// The permission of that stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// How pages name it.
    pub const fn label(self) -> &'static str {
        match self {
            Permission::SeeSessions => "See sessions",
            Permission::EditUserSessions => "Edit User Sessions",
            Permission::ForceEnd => "Force end",
            Permission::ApproveEndings => "Approve endings",
            Permission::ReadPolicies => "Read policies",
            Permission::EditPolicies => "Edit policies",
            Permission::ManageAccess => "Manage access",
            Permission::ReadAudit => "Read audit",
            Permission::ManageSystems => "Manage systems",
            Permission::UseTickets => "Use tickets",
            Permission::ExportData => "Export data",
            Permission::SeeNetworkData => "See network data",
            Permission::BlockSignIn => "Block sign-in",
        }
    }

    /// What it lets a person do, in a few words behind the label; empty when the label says it.
    pub const fn hint(self) -> &'static str {
        match self {
            Permission::EditUserSessions => "ends them",
            Permission::ForceEnd => "protected people too",
            Permission::SeeNetworkData => "IP, mail, browser",
            Permission::ManageSystems => "read now, pause, self-test",
            _ => "",
        }
    }
}

/// Where a grant counts: for these people, in these places. Both must fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Where.
    pub places: Places,
    /// For whom.
    pub people: People,
}

/// The places of a scope. Never empty lists: nothing is not everything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Places {
    /// Every system, those that come later too.
    Everywhere,
    /// These systems.
    Systems(Vec<SystemId>),
    /// These sites of systems.
    Sites(Vec<ScopeSite>),
}

/// A site of a scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScopeSite {
    /// Of this system.
    pub system_id: SystemId,
    /// As the system names it.
    pub site: String,
}

/// The people of a scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum People {
    /// Everybody there.
    Everybody,
    /// Who fits one of these.
    These(ThesePeople),
}

/// People by account name, mail domain, group or role; fitting one of them is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThesePeople {
    /// Account names, compared without case.
    pub accounts: Vec<String>,
    /// Mail domains, as "example.org": the whole domain, not those below it. Compared without case.
    pub domains: Vec<String>,
    /// Members of these groups, as they are at the moment it is asked.
    pub groups: Vec<GroupId>,
    /// Who signs in to Curfew with one of these roles, by their sign-in name. For the protected list only.
    pub roles: Vec<RoleId>,
}

impl Scope {
    /// Everybody, everywhere.
    pub const EVERYWHERE: Scope = Scope {
        places: Places::Everywhere,
        people: People::Everybody,
    };

    /// Everybody in these systems.
    pub fn systems<I: Into<SystemId>>(systems: impl IntoIterator<Item = I>) -> Self {
        Scope {
            places: Places::Systems(systems.into_iter().map(Into::into).collect()),
            people: People::Everybody,
        }
    }

    /// These accounts, in every system.
    pub fn accounts<T: Into<String>>(accounts: impl IntoIterator<Item = T>) -> Self {
        Scope {
            places: Places::Everywhere,
            people: People::These(ThesePeople {
                accounts: accounts.into_iter().map(Into::into).collect(),
                ..ThesePeople::default()
            }),
        }
    }

    /// The same people, in these systems only.
    pub fn in_systems<I: Into<SystemId>>(self, systems: impl IntoIterator<Item = I>) -> Self {
        Scope {
            places: Places::Systems(systems.into_iter().map(Into::into).collect()),
            ..self
        }
    }
}

impl ThesePeople {
    /// Names nobody.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.domains.is_empty() && self.groups.is_empty() && self.roles.is_empty()
    }
}

/// The whole access page for the tab that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPage {
    /// The server's clock.
    pub now: Timestamp,
    /// Everyone who can sign in.
    pub operators: Vec<OperatorRow>,
    /// Built-in roles first, then own ones by name.
    pub roles: Vec<RoleRow>,
    /// In force and expired ones; revoked ones are in the audit.
    pub grants: Vec<GrantRow>,
    /// Protected people.
    pub protected: Vec<ProtectedRow>,
    /// Groups by name.
    pub groups: Vec<GroupRow>,
    /// Systems a scope can name: id and name.
    pub systems: Vec<(SystemId, String)>,
    /// Sites that sessions are in.
    pub sites: Vec<ScopeSite>,
    /// API tokens, the newest first; those that work no more too.
    pub tokens: Vec<TokenRow>,
    /// The signed-in person.
    pub me: OperatorId,
}

/// One person who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorRow {
    /// Id.
    pub operator_id: OperatorId,
    /// Sign-in name.
    pub login: String,
    /// Name as shown.
    pub display_name: String,
    /// When they last did something; `None` = never signed in.
    pub last_seen_at: Option<Timestamp>,
    /// Set while the account is disabled.
    pub disabled_at: Option<Timestamp>,
    /// False until they set a password by their one-time link.
    pub has_password: bool,
    /// Live sign-ins.
    pub live_sessions: u64,
    /// Set while failed tries keep the account's door shut.
    pub slowed: Option<Slowed>,
    /// A second factor is set up.
    pub second_factor: bool,
    /// A role of theirs needs one.
    pub needs_second_factor: bool,
}

/// How failed tries keep an account's door shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slowed {
    /// The next try is looked at then.
    Until(Timestamp),
    /// Until a one-time link or whoever manages access opens it.
    Closed,
}

/// One role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRow {
    /// Id.
    pub role_id: RoleId,
    /// Name as shown.
    pub name: String,
    /// Built-in roles can't be edited.
    pub built_in: bool,
    /// What it allows.
    pub permissions: Vec<Permission>,
    /// People with this role need a second factor.
    pub needs_second_factor: bool,
    /// Grants in force that use it.
    pub grants_in_force: u64,
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRow {
    /// Id.
    pub grant_id: GrantId,
    /// Whose.
    pub operator_id: OperatorId,
    /// Whose, as shown.
    pub operator_name: String,
    /// Whose, sign-in name.
    pub operator_login: String,
    /// Role.
    pub role_id: RoleId,
    /// Role, as shown.
    pub role_name: String,
    /// Where it counts.
    pub scope: Scope,
    /// The scope in plain words ("Systems: uPortal, Keycloak").
    pub scope_words: String,
    /// `None` = no end.
    pub expires_at: Option<Timestamp>,
    /// Who gave it, as shown ("first set-up" for the bootstrap).
    pub granted_by: String,
    /// When.
    pub granted_at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Whom an entry of the protected list protects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "who")]
pub enum Protected {
    /// An account name, compared without case.
    Account(String),
    /// Everybody with a mail address in this domain.
    Domain(String),
    /// The members of a group, as they are at the moment it is asked.
    Group(GroupId),
    /// Who signs in to Curfew with this role: the accounts of that name.
    Role(RoleId),
}

impl Protected {
    /// Stable name of the kind: database, forms.
    pub const fn kind(&self) -> &'static str {
        match self {
            Protected::Account(_) => "account",
            Protected::Domain(_) => "domain",
            Protected::Group(_) => "group",
            Protected::Role(_) => "role",
        }
    }

    /// The name or id.
    pub fn text(&self) -> &str {
        match self {
            Protected::Account(text) | Protected::Domain(text) => text,
            Protected::Group(id) => id.as_str(),
            Protected::Role(id) => id.as_str(),
        }
    }
}

/// One entry of the protected list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectedRow {
    /// Id.
    pub protected_id: ProtectedId,
    /// In which system; `None` = in every one.
    pub system_id: Option<SystemId>,
    /// The system's name; "Every system".
    pub system_name: String,
    /// Whom, in plain words: "ceo", "Group: Board", "Role: Administrator", "everybody at example.org".
    pub who_words: String,
    /// Why.
    pub reason: String,
    /// By whom, as shown.
    pub added_by: String,
    /// Since when.
    pub added_at: Timestamp,
}

/// One group of accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// Id.
    pub group_id: GroupId,
    /// Name as shown.
    pub name: String,
    /// Accounts in it.
    pub members: u64,
    /// Grants in force and protected entries that name it.
    pub used: u64,
    /// Who gave the list last, as shown ("command line" where nobody signed in).
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

/// A group's whole list of accounts: what was there before is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupImport {
    /// Name as shown, 1 to 100 characters; a group of that name is replaced.
    pub name: String,
    /// Account names, compared without case; up to 100,000.
    pub accounts: Vec<String>,
}

/// One API token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// Id.
    pub token_id: TokenId,
    /// What it is for, as shown.
    pub name: String,
    /// Last 4 characters of its secret.
    pub hint: String,
    /// Who made it, as shown.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// Why.
    pub reason: String,
    /// What it may do, each grant in words: "Helpdesk: Everybody in North".
    pub grants: Vec<String>,
    /// It works until then at most.
    pub expires_at: Timestamp,
    /// Its newest use, to the minute; `None` = never used.
    pub last_used_at: Option<Timestamp>,
    /// Address of that use.
    pub last_used_ip: Option<String>,
    /// Whether it works.
    pub state: TokenState,
}

/// Whether a token works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It does.
    Works,
    /// It has run out.
    Expired,
    /// A person revoked it then.
    Revoked(Timestamp),
    /// Who made it is disabled.
    MakerDisabled,
}

/// A new API token with one grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// What it is for: 1 to 100 characters.
    pub name: String,
    /// Which role; none that holds what only people may do.
    pub role_id: RoleId,
    /// Where.
    pub scope: Scope,
    /// Until when: at most 366 days.
    pub expires_at: Timestamp,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// A token that was just made, with its secret: shown once to whoever made it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreshToken {
    /// Id.
    pub token_id: TokenId,
    /// What it is for.
    pub name: String,
    /// The secret, as programs send it.
    pub secret: String,
    /// Good until then.
    pub expires_at: Timestamp,
}

/// What a grant would let a person see and end, as things are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeEffect {
    /// Live sessions in the scope; 0 when the role does not let them be seen.
    pub sees: Count,
    /// People among them, told apart by account name; counted only while `sees` is exact.
    pub people: u64,
    /// Sessions of these that could be ended: protected ones and systems that can't end left out.
    pub may_end: Count,
}

/// What one person can do, and by which grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonPage {
    /// The server's clock.
    pub now: Timestamp,
    /// Who.
    pub operator: OperatorRow,
    /// Every permission; one that no grant in force gives has no lines.
    pub permissions: Vec<(Permission, Vec<GrantLine>)>,
    /// What all their grants mean in sessions now.
    pub effect: ScopeEffect,
}

/// A grant in force, behind a permission that it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantLine {
    /// The scope in plain words.
    pub scope_words: String,
    /// Role, as shown.
    pub role_name: String,
    /// `None` = no end.
    pub expires_at: Option<Timestamp>,
}

/// A new person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOperator {
    /// Sign-in name: 2 to 64 of `a-z 0-9 . _ @ -`.
    pub login: String,
    /// Name as shown: 1 to 120 characters.
    pub display_name: String,
}

/// A one-time link, shown once to whoever made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeLink {
    /// Whose.
    pub login: String,
    /// The whole address. The code is behind `#`, so that it reaches no server log.
    pub url: String,
    /// Good until then.
    pub expires_at: Timestamp,
}

/// A new grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGrant {
    /// To whom.
    pub operator_id: OperatorId,
    /// Which role.
    pub role_id: RoleId,
    /// Where.
    pub scope: Scope,
    /// Until when; `None` = no end.
    pub expires_at: Option<Timestamp>,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// A new or changed role of one's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleEdit {
    /// `None` = a new one.
    pub role_id: Option<RoleId>,
    /// Name, 1 to 60 characters, not taken.
    pub name: String,
    /// What it allows; at least one.
    pub permissions: Vec<Permission>,
}

/// A new entry of the protected list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewProtected {
    /// In this system; `None` = in every one.
    pub system_id: Option<SystemId>,
    /// Whom.
    pub who: Protected,
    /// Why: 1 to 500 characters.
    pub reason: String,
}
