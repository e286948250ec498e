//! Sessions and the people they are of.

use app::sessions::wire as ours;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Counted, Moment, SessionKind, SessionState, moment, not_null};

/// A page of sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// In the order asked for.
    pub items: Vec<Session>,
    /// `cursor` of the next page; null = this is the last.
    pub next_cursor: Option<String>,
    /// How many match in all.
    pub count: Counted,
    /// Guests that fit too and are not listed because no `kind` was asked for; `kind=guest` lists them.
    pub guests_hidden: Counted,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Names it here; opens nothing anywhere.
    pub session_key: String,
    /// System.
    pub system_id: String,
    /// System, as shown.
    pub system_name: String,
    /// Name as shown; "not reported", "Guest" or "Uncertain" where there is none.
    pub person: String,
    /// Why the person could not be told for sure; null = who is named, or nobody is.
    pub person_doubt: Option<String>,
    /// What the system says of the person beside their name, as "disabled in Keycloak"; null = nothing.
    pub remark: Option<String>,
    /// Id of the person (`/people/{id}`); null = no account name is reported.
    pub person_id: Option<String>,
    /// Account name; empty = not reported.
    pub account_name: String,
    /// Mail; null = not reported or masked.
    pub email: Option<String>,
    /// Kind.
    pub kind: SessionKind,
    /// The system's own code where the kind is `other`.
    pub raw_kind: Option<String>,
    /// State.
    pub state: SessionState,
    /// When it was found gone.
    pub gone_at: Option<Moment>,
    /// Last 4 characters of the system's own id.
    pub handle_hint: String,
    /// Address; null = not reported or masked.
    pub ip: Option<String>,
    /// Address, mail and browser are hidden for want of SeeNetworkData.
    pub masked: bool,
    /// Browser; empty = not reported or masked.
    pub browser: String,
    /// Operating system; empty = not reported or masked.
    pub os: String,
    /// Place inside the system: the web app, the realm; empty = none.
    pub place: String,
    /// Site; empty = none.
    pub site: String,
    /// Start.
    pub created_at: Option<Moment>,
    /// Last activity, as the system defines it.
    pub last_active_at: Option<Moment>,
    /// Its idle limit.
    pub idle_limit: super::TimeLimit,
    /// When idleness ends it.
    pub idle_ends_at: Option<Moment>,
    /// When it ends at latest.
    pub ends_at_latest: Option<Moment>,
    /// False: the system does not say whether it ends at latest.
    pub ends_at_latest_known: bool,
    /// Past a limit of its own when it was read: its person is out, the system has not removed it yet.
    pub past_limit: bool,
    /// Began under an earlier policy: it has other limits than sessions of its kind get now.
    pub earlier_policy: bool,
    /// When this was read.
    pub read_at: Option<Moment>,
    /// Its system has not been read whole lately.
    pub stale: bool,
    /// Why this token can't end it; null = it can.
    pub cannot_end: Option<CannotEnd>,
    /// The ending at work on it.
    pub in_ending: Option<InEnding>,
    /// Why ending it would have no lasting effect; null = no such sign.
    pub return_hint: Option<String>,
    /// What to know of ending it: no self-test proved that it works on the build its system runs. null = nothing.
    pub unproven: Option<String>,
}

/// An ending at work on a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InEnding {
    /// Its number.
    pub ending_no: i64,
    /// Where it stands, in words.
    pub words: String,
}

/// Why a session can't be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CannotEndWhy {
    OwnSession,
    OwnConnection,
    Protected,
    OutsideGrant,
    Unsupported,
    NotLive,
}

/// Why a session can't be ended, and who could let it be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CannotEnd {
    /// The reason.
    pub why: CannotEndWhy,
    /// The same in words.
    pub words: String,
    /// People who can give the missing grant.
    pub who_can_give: Vec<String>,
}

impl From<ours::CannotEnd> for CannotEnd {
    fn from(cannot: ours::CannotEnd) -> Self {
        let words = cannot.label();
        let (why, who_can_give) = match cannot {
            ours::CannotEnd::OwnSession => (CannotEndWhy::OwnSession, Vec::new()),
            ours::CannotEnd::OwnConnection => (CannotEndWhy::OwnConnection, Vec::new()),
            ours::CannotEnd::Protected => (CannotEndWhy::Protected, Vec::new()),
            ours::CannotEnd::OutsideGrant { who_can_give } => (CannotEndWhy::OutsideGrant, who_can_give),
            ours::CannotEnd::Unsupported { .. } => (CannotEndWhy::Unsupported, Vec::new()),
            ours::CannotEnd::NotLive => (CannotEndWhy::NotLive, Vec::new()),
        };
        CannotEnd {
            why,
            words,
            who_can_give,
        }
    }
}

impl From<ours::SessionRow> for Session {
    fn from(row: ours::SessionRow) -> Self {
        Session {
            past_limit: row.past_limit(),
            earlier_policy: row.earlier_policy,
            session_key: row.session_key.0,
            system_id: row.system_id.0,
            system_name: row.system_name,
            person: row.person,
            person_doubt: row.person_doubt,
            remark: row.remark,
            person_id: Some(row.account_name.to_lowercase()).filter(|id| !id.is_empty()),
            account_name: row.account_name,
            email: row.email,
            kind: row.kind.into(),
            raw_kind: row.raw_kind,
            state: row.state.into(),
            gone_at: moment(row.gone_at),
            handle_hint: row.handle_hint,
            ip: row.ip,
            masked: row.masked,
            browser: row.browser,
            os: row.os,
            place: row.place,
            site: row.site,
            created_at: moment(row.created_at),
            last_active_at: moment(row.last_active_at),
            idle_limit: row.idle.into(),
            idle_ends_at: moment(row.idle_ends_at),
            ends_at_latest: moment(row.absolute_expires_at),
            ends_at_latest_known: row.absolute_known,
            read_at: moment(row.read_at),
            stale: row.stale,
            cannot_end: row.cannot_end.map(CannotEnd::from),
            in_ending: row
                .in_ending
                .map(|(ending_no, words)| InEnding { ending_no, words }),
            return_hint: row.return_hint,
            unproven: row.unproven,
        }
    }
}

/// Whole session ids, as the systems wrote them: logins. They are hashed and forgotten, never stored or logged.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindSessions {
    /// 1 to 100 ids.
    #[serde(deserialize_with = "unquoted")]
    #[schema(min_items = 1, max_items = 100)]
    pub session_ids: Vec<String>,
}

/// Reads texts; what can't be read is not repeated in the error, since it may be an id.
fn unquoted<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let texts = serde_json::Value::deserialize(from)?;
    serde_json::from_value(texts).map_err(|_| D::Error::custom("session_ids is a list of texts"))
}

/// What each id names, in the order they were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundSessions {
    /// As many as were asked.
    pub items: Vec<FoundSession>,
}

/// What one id names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundSession {
    /// Null = no session the token may see; it may have ended long ago, or been read never.
    pub session: Option<Session>,
}

/// Which sessions. The names are those of the sessions page's address; all of them must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Words that must occur in name, user name, mail, IP or the id's last characters; a phrase in quotes. Terms such as
    /// `user:ann idle:>8h -system:domo` are filters, as in the search box of the page.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub q: Option<String>,
    /// Any of these systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    #[param(required = false, min_items = 1)]
    pub system: Vec<String>,
    /// Any of these kinds; none named = all but `guest`, a browser that nobody signed in with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    #[param(required = false, min_items = 1)]
    pub kind: Vec<SessionKind>,
    /// Any of these states; none named = live.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    #[param(required = false, min_items = 1)]
    pub state: Vec<SessionState>,
    /// Any of these sites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    #[param(required = false, min_items = 1)]
    pub site: Vec<String>,
    /// Name, user name or mail.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub person: Option<String>,
    /// How it must agree.
    #[serde(
        rename = "person.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub person_op: Option<TextOp>,
    /// Last characters of the system's own id.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub session: Option<String>,
    /// How they must agree.
    #[serde(
        rename = "session.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub session_op: Option<TextOp>,
    /// Addresses and networks, separated by commas: `10.0.0.7`, `10.0.0.0/8,2001:db8::/32`. Needs SeeNetworkData.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub ip: Option<String>,
    /// Browser. Needs SeeNetworkData.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub browser: Option<String>,
    /// How it must agree.
    #[serde(
        rename = "browser.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub browser_op: Option<TextOp>,
    /// Operating system. Needs SeeNetworkData.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub os: Option<String>,
    /// How it must agree.
    #[serde(
        rename = "os.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub os_op: Option<TextOp>,
    /// Start: a length of time (`8h`) or a moment in UTC (`2026-11-21 03:00`), by `started.op`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub started: Option<String>,
    /// How it is compared.
    #[serde(
        rename = "started.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub started_op: Option<TimeOp>,
    /// Last activity; `older` = idle for longer.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub active: Option<String>,
    /// How it is compared.
    #[serde(
        rename = "active.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub active_op: Option<TimeOp>,
    /// When idleness ends it.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub idle_ends: Option<String>,
    /// How it is compared.
    #[serde(
        rename = "idle_ends.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub idle_ends_op: Option<TimeOp>,
    /// When it ends at latest.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub ends: Option<String>,
    /// How it is compared.
    #[serde(
        rename = "ends.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub ends_op: Option<TimeOp>,
    /// Idle longer than, or older than, these minutes: `15,480`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, pattern = "^[0-9]{1,6},[0-9]{1,6}$")]
    #[param(pattern = "^[0-9]{1,6},[0-9]{1,6}$")]
    pub past: Option<String>,
    /// `1`: past one of the limits it has itself.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, pattern = "^1$")]
    #[param(pattern = "^1$")]
    pub over: Option<String>,
    /// `1`: never ends for idleness.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, pattern = "^1$")]
    #[param(pattern = "^1$")]
    pub never_idle: Option<String>,
    /// `1`: began under an earlier policy than sessions of its kind get now.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, pattern = "^1$")]
    #[param(pattern = "^1$")]
    pub earlier: Option<String>,
    /// This one session.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub key: Option<String>,
    /// Exactly this user name, without regard to case.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub account: Option<String>,
    /// Of this person in every system: `subject_id` of `/subjects`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub subject: Option<String>,
    /// Who was on at this moment in UTC (`2026-11-21T14:05`), as far as was seen. Can be listed, not ended.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub at: Option<String>,
    /// In none of these systems.
    #[serde(rename = "not.system", default, skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    #[param(required = false, min_items = 1)]
    pub not_system: Vec<String>,
    /// Of none of these kinds.
    #[serde(rename = "not.kind", default, skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    #[param(required = false, min_items = 1)]
    pub not_kind: Vec<SessionKind>,
    /// In none of these sites.
    #[serde(rename = "not.site", default, skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    #[param(required = false, min_items = 1)]
    pub not_site: Vec<String>,
    /// Name, user name and mail that do not agree.
    #[serde(
        rename = "not.person",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub not_person: Option<String>,
    /// How it must agree.
    #[serde(
        rename = "not.person.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub not_person_op: Option<TextOp>,
    /// In none of these addresses and networks. Needs SeeNetworkData.
    #[serde(
        rename = "not.ip",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub not_ip: Option<String>,
    /// Browser that does not agree. Needs SeeNetworkData.
    #[serde(
        rename = "not.browser",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub not_browser: Option<String>,
    /// How it must agree.
    #[serde(
        rename = "not.browser.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub not_browser_op: Option<TextOp>,
    /// Operating system that does not agree. Needs SeeNetworkData.
    #[serde(
        rename = "not.os",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false, min_length = 1)]
    #[param(min_length = 1)]
    pub not_os: Option<String>,
    /// How it must agree.
    #[serde(
        rename = "not.os.op",
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub not_os_op: Option<TextOp>,
}

/// How a text must agree, without regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextOp {
    Contains,
    Is,
    OneOf,
}

/// How a moment is compared: with a moment, or with a length of time from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeOp {
    Before,
    After,
    Older,
    Within,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    Person,
    Kind,
    System,
    Session,
    Ip,
    Started,
    Active,
    IdleEnds,
    Ends,
    Client,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dir {
    Asc,
    Desc,
}

/// Order and page of the list of sessions.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read from the address by the code that reads the page's")]
pub struct Paging {
    /// Sort; newest activity first where nothing is said.
    sort: Option<Sort>,
    /// Direction.
    dir: Option<Dir>,
    /// Rows on a page; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// Which people.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read from the address by the code that reads the page's")]
pub struct PeopleParams {
    /// Words that must occur, as in the list of sessions.
    #[param(min_length = 1)]
    q: Option<String>,
    /// People on a page; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// A page of people with live sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonList {
    /// In the order of their ids.
    pub items: Vec<Person>,
    /// `cursor` of the next page; null = this is the last.
    pub next_cursor: Option<String>,
}

/// Somebody with live sessions. Until accounts are linked, a person is an account name in every system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// Account name, lower-cased.
    pub person_id: String,
    /// Name as shown.
    pub name: String,
    /// Live sessions.
    pub sessions: u64,
    /// Systems these are in.
    pub systems: u64,
    /// Newest activity among them.
    pub last_active_at: Option<Moment>,
}

/// One person over all systems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonDetail {
    /// Account name, lower-cased.
    pub person_id: String,
    /// Name as shown.
    pub name: String,
    /// Live sessions.
    pub sessions: u64,
    /// Newest activity among them.
    pub last_active_at: Option<Moment>,
    /// By system; empty = no live session.
    pub by_system: Vec<PersonSystem>,
}

/// A person's live sessions in one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonSystem {
    /// System.
    pub system_id: String,
    /// System, as shown.
    pub system_name: String,
    /// Live sessions.
    pub sessions: u64,
    /// Newest activity.
    pub last_active_at: Option<Moment>,
}

impl From<ours::PersonBrief> for Person {
    fn from(brief: ours::PersonBrief) -> Self {
        Person {
            person_id: brief.person_id,
            name: brief.name,
            sessions: brief.sessions,
            systems: brief.systems,
            last_active_at: moment(brief.last_active_at),
        }
    }
}

impl From<ours::PersonSessions> for PersonDetail {
    fn from(person: ours::PersonSessions) -> Self {
        PersonDetail {
            person_id: person.brief.person_id,
            name: person.brief.name,
            sessions: person.brief.sessions,
            last_active_at: moment(person.brief.last_active_at),
            by_system: person
                .by_system
                .into_iter()
                .map(|s| PersonSystem {
                    system_id: s.system_id.0,
                    system_name: s.system_name,
                    sessions: s.sessions,
                    last_active_at: moment(s.last_active_at),
                })
                .collect(),
        }
    }
}
