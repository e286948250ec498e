//! A containment report. These types are the signed file too, which people read in an editor: moments are written as
//! RFC 3339 in UTC, what is not known is null, and no field holds what signs anybody in.

use serde::{Serialize, Serializer};

use crate::civil::rfc3339;
use crate::endings::wire::{EndingCounts, EndingItemRow, Outcome};
use crate::sessions::wire::SessionKind;
use crate::systems::wire::Health;
use crate::wire::{SessionKey, SubjectId, SystemId, Timestamp};

/// What a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportOf {
    /// An ending, by the number people say.
    Ending(i64),
    /// A person, and every ending that touched their sessions.
    Person(SubjectId),
}

/// The page of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportPage {
    /// The report.
    pub report: Report,
    /// Which key files of this portal are signed with: SHA-256 of the public key, 64 hex digits.
    pub fingerprint: String,
    /// The caller may take the signed file.
    pub may_export: bool,
}

/// A containment report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What it is about, who made it, when, and whether it is whole.
    pub about: ReportAbout,
    /// The person; `None` = it is about an ending.
    pub person: Option<ReportPerson>,
    /// What keeps people from signing in again.
    pub blocks: Blocks,
    /// Endings, the newest first.
    pub endings: Vec<ReportEnding>,
    /// The systems of all this, and what can't be seen in each.
    pub systems: Vec<ReportSystem>,
    /// Where the audit log ended.
    pub audit: AuditHead,
}

/// What a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportAbout {
    /// "Ending 12", or the person's name.
    pub title: String,
    /// The ending's number; `None` = it is about a person.
    pub ending_no: Option<i64>,
    /// The person's id; `None` = it is about an ending.
    pub subject_id: Option<SubjectId>,
    /// When it was made: everything in it is as it was known then.
    #[serde(serialize_with = "moment")]
    pub made_at: Timestamp,
    /// Who made it.
    pub made_by: String,
    /// Name of the installation.
    pub portal: String,
    /// Its address.
    pub address: String,
    /// The program that made it.
    pub program: String,
    /// True: whoever made it may see everything. False: it is in part, whether there is more or not.
    pub whole: bool,
    /// What it does not hold, in plain sentences.
    pub not_in_it: Vec<String>,
}

/// A person in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportPerson {
    /// Name as shown.
    pub name: String,
    /// Accounts that belong to them, with the ground for each.
    pub accounts: Vec<ReportAccount>,
    /// Live sessions by the newest readings, by system; a system that is not here lists none.
    pub live_sessions: Vec<LiveIn>,
}

/// An account of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportAccount {
    /// System.
    pub system_id: SystemId,
    /// Its name.
    pub system_name: String,
    /// Context, realm or site there; empty = none.
    pub place: String,
    /// User name; the system's own id where it has none.
    pub account: String,
    /// Why it is theirs: own, identity_server, mail, name_space, hand.
    pub ground: String,
}

/// Live sessions of a person in one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveIn {
    /// System.
    pub system_id: SystemId,
    /// Its name.
    pub system_name: String,
    /// How many the newest reading lists.
    pub sessions: u64,
}

/// What keeps people from signing in again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Blocks {
    /// In plain words.
    pub words: String,
    /// Each block.
    pub made: Vec<Block>,
}

/// Somebody was kept from signing in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// System that refuses the sign-in.
    pub system_name: String,
    /// Account.
    pub account: String,
    /// Who asked for it.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// Since when it was seen to hold; `None` = never.
    #[serde(serialize_with = "maybe")]
    pub since: Option<Timestamp>,
    /// Until when; `None` = until it is taken back.
    #[serde(serialize_with = "maybe")]
    pub until: Option<Timestamp>,
}

/// One ending, as far as the report shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportEnding {
    /// Number people say.
    pub ending_no: i64,
    /// operator, token, rule or app.
    pub asked_by_kind: String,
    /// Who asked, as named then.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// Ticket number; empty = none.
    pub ticket_ref: String,
    /// When it was confirmed.
    #[serde(serialize_with = "moment")]
    pub confirmed_at: Timestamp,
    /// When the last of these sessions had an outcome; `None` = some have none yet.
    #[serde(serialize_with = "maybe")]
    pub settled_at: Option<Timestamp>,
    /// When the other systems were asked although identity servers were not done; `None` = they were, or none is in it.
    #[serde(serialize_with = "maybe")]
    pub went_on_at: Option<Timestamp>,
    /// How many had which outcome.
    pub counts: EndingCounts,
    /// Looking for people who come back.
    pub watch: Watch,
    /// Until when something ended may still work somewhere; `None` = nothing known.
    #[serde(serialize_with = "maybe")]
    pub residual_until: Option<Timestamp>,
    /// Each session, those that are not gone or came back first.
    pub sessions: Vec<ReportSession>,
    /// Sessions that are counted and not listed.
    pub sessions_not_listed: u64,
}

/// Looking for people who come back after an ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Watch {
    /// Until when; `None` = it has not begun, or there is none.
    #[serde(serialize_with = "maybe")]
    pub until: Option<Timestamp>,
    /// It was over when the report was made.
    pub over: bool,
    /// Sessions of people who were seen back.
    pub returned: u64,
    /// In plain words.
    pub words: String,
}

/// One session and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportSession {
    /// System.
    pub system_id: SystemId,
    /// Its name.
    pub system_name: String,
    /// Person as shown.
    pub person: String,
    /// User name.
    pub account: String,
    /// Why the person could not be told for sure; `None` = who is named, or nobody is.
    pub person_doubt: Option<String>,
    /// Kind.
    pub kind: SessionKind,
    /// Last 4 characters of the system's own id. The id itself is stored nowhere.
    pub id_ends_in: String,
    /// The id as Curfew keeps it: a keyed hash, which opens nothing.
    pub session_key: SessionKey,
    /// What became of it; `None` = not known yet.
    pub outcome: Option<Outcome>,
    /// Detail in words.
    pub detail: String,
    /// How often the system was asked.
    pub asks: u64,
    /// Newest ask; `None` = never asked.
    #[serde(serialize_with = "maybe")]
    pub asked_at: Option<Timestamp>,
    /// When the system's own list was read for this outcome; `None` = not read.
    #[serde(serialize_with = "maybe")]
    pub read_back_at: Option<Timestamp>,
    /// Until when it may still work somewhere; `None` = nothing known.
    #[serde(serialize_with = "maybe")]
    pub residual_until: Option<Timestamp>,
    /// When its account was seen back; `None` = not seen.
    #[serde(serialize_with = "maybe")]
    pub returned_at: Option<Timestamp>,
    /// The system that let it in.
    pub returned_through: Option<String>,
}

impl From<EndingItemRow> for ReportSession {
    fn from(item: EndingItemRow) -> Self {
        ReportSession {
            system_id: item.system_id,
            system_name: item.system_name,
            person: item.person,
            account: item.account_name,
            person_doubt: item.person_doubt,
            kind: item.kind,
            id_ends_in: item.handle_hint,
            session_key: item.session_key,
            outcome: item.outcome,
            detail: item.detail,
            asks: item.attempts,
            asked_at: item.asked_at,
            read_back_at: item.read_back_at,
            residual_until: item.residual_until,
            returned_at: item.returned_at,
            returned_through: item.returned_system,
        }
    }
}

/// A system of a report: how far what it says can be trusted, and what can't be seen there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportSystem {
    /// System.
    pub system_id: SystemId,
    /// Its name.
    pub name: String,
    /// Kind of connector.
    pub kind: String,
    /// Our own imitation.
    pub simulated: bool,
    /// How much its rows could be trusted when the report was made.
    pub health: Health,
    /// When its newest complete reading began; `None` = it was never read whole.
    #[serde(serialize_with = "maybe")]
    pub last_complete_reading_at: Option<Timestamp>,
    /// What went wrong in the newest reading.
    pub trouble: Option<String>,
    /// What ending does there, when it bites, what survives.
    pub ending_there: Vec<String>,
    /// What can't be seen there.
    pub cannot_be_seen: Vec<String>,
    /// What the newest reading found out, for who sees the whole system; plain sentences.
    pub as_read: Vec<String>,
    /// When ending was last proven there by a session of its own; `None` = never.
    #[serde(serialize_with = "maybe")]
    pub proven_at: Option<Timestamp>,
}

/// Where the audit log ended when the report was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditHead {
    /// Number of the newest entry; `None` = not told to who made the report.
    pub seq: Option<i64>,
    /// Its hash, which stands on every entry before it.
    pub hash: Option<String>,
    /// In plain words.
    pub words: String,
}

fn moment<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&rfc3339(*at))
}

fn maybe<S: Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    at.map(rfc3339).serialize(to)
}
