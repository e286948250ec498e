//! People above accounts, as programs get them.

use app::people::wire as ours;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Moment, moment};

/// Which people.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read from the address by the code that reads the page's")]
pub struct SubjectParams {
    /// Words in name or user name.
    #[param(min_length = 1, max_length = 100)]
    q: Option<String>,
    /// `1`: only who has a live session.
    #[param(pattern = "^1$")]
    live: Option<String>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// A page of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubjectList {
    /// By name.
    pub items: Vec<Subject>,
    /// `cursor` of the next page; null = this is the last.
    pub next_cursor: Option<String>,
    /// The token sees everybody everywhere. False: anybody here may have more elsewhere, whether they do or not.
    pub whole: bool,
}

/// A person above accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Subject {
    /// Id.
    pub subject_id: String,
    /// Name as shown by one of their systems.
    pub name: String,
    /// User names, each once.
    pub accounts: Vec<String>,
    /// Live sessions.
    pub sessions: u64,
    /// Systems these are in.
    pub systems: u64,
    /// Newest activity of these.
    pub last_active_at: Option<Moment>,
    /// Accounts of others look like this person's and are not linked.
    pub alike: bool,
}

/// One person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubjectDetail {
    /// Id; `subject` of the list of sessions lists exactly theirs.
    pub subject_id: String,
    /// Name as shown by one of their systems.
    pub name: String,
    /// Mail addresses; empty where the token may not see them.
    pub mails: Vec<String>,
    /// Accounts, by system.
    pub accounts: Vec<SubjectAccount>,
    /// Live sessions.
    pub sessions: u64,
    /// Systems these are in.
    pub systems: u64,
    /// The token sees everybody everywhere. False: this person may have more elsewhere, whether they do or not.
    pub whole: bool,
}

/// An account of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubjectAccount {
    /// System.
    pub system_id: String,
    /// Context, realm or site there; empty = none.
    pub place: String,
    /// User name; the system's own id where it has none.
    pub account: String,
    /// How it is known: own (nothing the token may see links it), identity_server, mail, name_space, hand.
    pub ground: String,
    /// Name space, identity server or reason; empty = none.
    pub words: String,
    /// The account it is linked to; empty = none.
    pub with: String,
    /// When it was linked; of an account by itself, when it was first met.
    pub since: Moment,
}

impl From<ours::PersonLine> for Subject {
    fn from(line: ours::PersonLine) -> Self {
        Subject {
            subject_id: line.subject_id.0,
            name: line.name,
            accounts: line.accounts,
            sessions: line.sessions,
            systems: line.systems,
            last_active_at: moment(line.last_active_at),
            alike: line.alike,
        }
    }
}

impl From<ours::PersonPage> for SubjectDetail {
    fn from(page: ours::PersonPage) -> Self {
        SubjectDetail {
            subject_id: page.subject_id.0,
            name: page.name,
            mails: page.mails,
            accounts: page
                .accounts
                .into_iter()
                .map(|account| SubjectAccount {
                    system_id: account.system_id.0,
                    place: account.place,
                    account: account.account,
                    ground: account.ground.name().to_owned(),
                    words: account.words,
                    with: account.with,
                    since: account.since.into(),
                })
                .collect(),
            sessions: page.sessions,
            systems: page.systems,
            whole: page.whole,
        }
    }
}
