//! People as pages and the API exchange them. All of it is what the caller may see: of accounts outside their grant
//! nothing stands here, not even how many there are.

use serde::{Deserialize, Serialize};

use crate::sessions::wire::{SessionKind, SessionState};
use crate::wire::{AccountKey, SubjectId, SystemId, Timestamp};

/// How it is known that an account belongs to its person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Nothing that may be seen links it to another account.
    #[default]
    Own,
    /// The same subject at the same identity server.
    IdentityServer,
    /// The same mail address in systems that check it.
    Mail,
    /// The same name in systems that share a directory.
    NameSpace,
    /// Somebody said so, with a reason.
    Hand,
}

impl Ground {
    /// What rules link by, the strongest first.
    pub const RULES: [Ground; 3] = [Ground::IdentityServer, Ground::Mail, Ground::NameSpace];

    /// Every ground.
    pub const ALL: [Ground; 5] = [
        Ground::Own,
        Ground::IdentityServer,
        Ground::Mail,
        Ground::NameSpace,
        Ground::Hand,
    ];

    /// Stable name: database, API.
    pub const fn name(self) -> &'static str {
        match self {
            Ground::Own => "own",
            Ground::IdentityServer => "identity_server",
            Ground::Mail => "mail",
            Ground::NameSpace => "name_space",
            Ground::Hand => "hand",
        }
    }

    /// The ground of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ground| ground.name() == name)
    }

    /// How pages say it.
    pub const fn label(self) -> &'static str {
        match self {
            Ground::Own => "By itself",
            Ground::IdentityServer => "Same subject at the identity server",
            Ground::Mail => "Same verified mail",
            Ground::NameSpace => "Same name in one name space",
            Ground::Hand => "Linked by hand",
        }
    }
}

/// What to list of people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleQuery {
    /// `q`: words in name or user name, each in some account of the person.
    pub search: String,
    /// `live=1`: only who has a live session.
    pub live: bool,
    /// `after`: where the page starts, as an earlier answer gave it.
    pub after: Option<String>,
}

/// A page of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeoplePage {
    /// The server's clock.
    pub now: Timestamp,
    /// By name.
    pub people: Vec<PersonLine>,
    /// Where the next page starts.
    pub next: Option<String>,
    /// The caller may see everybody everywhere: nobody has more than is shown.
    pub whole: bool,
}

/// A person in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonLine {
    /// Which.
    pub subject_id: SubjectId,
    /// Name as shown by one of their systems.
    pub name: String,
    /// User names, each once.
    pub accounts: Vec<String>,
    /// Live sessions.
    pub sessions: u64,
    /// Systems these are in.
    pub systems: u64,
    /// Newest activity of these.
    pub last_active_at: Option<Timestamp>,
    /// Others look like this person and are not linked.
    pub alike: bool,
}

/// One person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonPage {
    /// The server's clock.
    pub now: Timestamp,
    /// Which.
    pub subject_id: SubjectId,
    /// Name as shown by one of their systems.
    pub name: String,
    /// Mail addresses; empty where the caller may not see them.
    pub mails: Vec<String>,
    /// Accounts, by system.
    pub accounts: Vec<AccountRow>,
    /// Live sessions.
    pub sessions: u64,
    /// Systems these are in.
    pub systems: u64,
    /// Sessions of the last 24 hours, the newest first.
    pub stays: Vec<Stay>,
    /// There are more of them than these.
    pub more_stays: bool,
    /// Accounts of other people that look like one of these.
    pub alike: Vec<Alike>,
    /// Endings that touched sessions of theirs, the newest first.
    pub endings: Vec<Touched>,
    /// The caller may see everybody everywhere: this is all there is.
    pub whole: bool,
    /// Systems that accounts can be linked of, for who may.
    pub systems_known: Vec<(SystemId, String)>,
    /// The caller may link and cut.
    pub may_link: bool,
    /// The caller may end sessions somewhere.
    pub may_end: bool,
}

/// An account of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Which.
    pub account_key: AccountKey,
    /// Where.
    pub system_id: SystemId,
    /// Its name.
    pub system_name: String,
    /// Context, realm or site there; empty = nothing tells accounts of the system apart.
    pub place: String,
    /// User name; the system's own id where it has none.
    pub account: String,
    /// Name as the system shows it; empty = not reported.
    pub display_name: String,
    /// How it is known.
    pub ground: Ground,
    /// Name space, identity server, reason; empty = none.
    pub words: String,
    /// The account it is linked to: "ann in Keycloak staff"; empty = none.
    pub with: String,
    /// Who linked it; empty = a rule.
    pub linked_by: String,
    /// When it was linked; of an account by itself, when it was first met.
    pub since: Timestamp,
    /// What it was linked by is not so any more.
    pub outdated: bool,
}

/// A session of the last 24 hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// Where.
    pub system_id: SystemId,
    /// Its name.
    pub system_name: String,
    /// What kind.
    pub kind: SessionKind,
    /// Site; empty = none.
    pub site: String,
    /// Live, or how it went.
    pub state: SessionState,
    /// When it began; `None` = not reported.
    pub from: Option<Timestamp>,
    /// When it was found gone; `None` = it lives.
    pub to: Option<Timestamp>,
}

/// An account of somebody else that looks like one of this person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alike {
    /// Which.
    pub account_key: AccountKey,
    /// Whose.
    pub subject_id: SubjectId,
    /// Where.
    pub system_name: String,
    /// User name.
    pub account: String,
    /// Name as shown.
    pub name: String,
    /// What they share.
    pub because: String,
    /// Why a rule that fits did not link them; empty = no rule fits.
    pub conflict: String,
    /// Account of this person that it looks like.
    pub like: AccountKey,
}

/// An ending that touched sessions of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Its number.
    pub ending_no: i64,
    /// Who asked.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub confirmed_at: Timestamp,
    /// Sessions of this person in it.
    pub sessions: u64,
    /// Of these, read back as gone.
    pub gone: u64,
    /// Of these, whose account came back.
    pub returned: u64,
}

/// An account, as somebody names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// By its key.
    Key(AccountKey),
    /// By its system and user name, without regard to case.
    Named {
        /// Where.
        system_id: SystemId,
        /// User name.
        name: String,
    },
}

/// Two accounts to be made one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAsked {
    /// The account to be linked.
    pub which: Which,
    /// The person it belongs to.
    pub subject: SubjectId,
    /// Why.
    pub reason: String,
}

/// An account to be cut out of its person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutAsked {
    /// Which.
    pub account: AccountKey,
    /// The person it is cut out of: a form from before somebody changed it is refused.
    pub subject: SubjectId,
    /// Why.
    pub reason: String,
}
