//! Systems, their limits, access, the log, and who calls.

use app::access::wire as access;
use app::audit::wire as audit;
use app::policies::advice::Advice as Judged;
use app::policies::wire as policies;
use app::systems::wire as ours;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AuditResult, Counted, Health, LimitSource, Moment, SettingSource, TimeLimit, moment};

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Id of the token, never its secret.
    pub token_id: String,
    /// What it is for.
    pub name: String,
    /// What it may do somewhere, by name.
    pub permissions: Vec<Held>,
    /// Its newest grant ends then; null = it holds none in force.
    pub expires_at: Option<Moment>,
    /// Calls it may make in a minute.
    pub calls_per_minute: u32,
    /// The portal's clock.
    pub now: Moment,
    /// The portal's version.
    pub version: String,
}

/// A permission that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Held {
    /// Its name.
    pub permission: String,
    /// For everybody in every system, else within a scope.
    pub everywhere: bool,
}

/// The connected systems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemList {
    /// By name.
    pub items: Vec<System>,
}

/// A connected system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct System {
    /// Its id.
    pub system_id: String,
    /// Name as shown.
    pub name: String,
    /// Kind of connector.
    pub kind: String,
    /// Curfew's own imitation of a system.
    pub simulated: bool,
    /// How much its rows can be trusted now.
    pub health: Health,
    /// When its newest complete reading began; null = never read whole.
    pub read_at: Option<Moment>,
    /// Live sessions the token may see.
    pub sessions: Counted,
    /// What went wrong in the newest reading.
    pub trouble: Option<String>,
    /// When it began to go wrong.
    pub trouble_since: Option<Moment>,
    /// Next try.
    pub next_try_at: Option<Moment>,
    /// What its connector can do.
    pub abilities: Abilities,
    /// Set while a person paused it.
    pub paused_at: Option<Moment>,
    /// Ending was proven there; null = never.
    pub proven_at: Option<Moment>,
    /// The system's own version at that time; null = not said.
    pub proven_build: Option<String>,
    /// What to know of ending there: no self-test proved that it works on the build it runs. null = nothing.
    pub unproven: Option<String>,
    /// What ending does there, in sentences.
    pub about: Vec<String>,
    /// What it can't show, in sentences.
    pub not_listed: Vec<String>,
}

/// What a connector can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Abilities {
    /// Lists sessions.
    pub list: bool,
    /// Ends single sessions.
    pub end: bool,
    /// Ends everything of an account.
    pub end_all_of: bool,
    /// Reads the limits.
    pub policy: bool,
    /// Proves that ending works.
    pub self_test: bool,
    /// Issues sign-in tickets.
    pub tickets: bool,
}

impl From<ours::SystemDetail> for System {
    fn from(detail: ours::SystemDetail) -> Self {
        let brief = detail.brief;
        let can = detail.abilities;
        System {
            system_id: brief.system_id.0,
            name: brief.name,
            kind: brief.kind,
            simulated: brief.simulated,
            health: brief.health.into(),
            read_at: moment(brief.read_at),
            sessions: brief.count.into(),
            trouble: brief.trouble,
            trouble_since: moment(brief.trouble_since),
            next_try_at: moment(brief.next_try_at),
            abilities: Abilities {
                list: can.list,
                end: can.end,
                end_all_of: can.end_all_of,
                policy: can.policy,
                self_test: can.self_test,
                tickets: can.tickets,
            },
            paused_at: moment(detail.paused_at),
            proven_at: moment(detail.proven_at),
            proven_build: detail.proven_build,
            unproven: brief.unproven,
            about: detail.about,
            not_listed: detail.not_listed,
        }
    }
}

/// The session limits of the systems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyList {
    /// By system name.
    pub items: Vec<Policy>,
}

/// The session limits of one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Policy {
    /// System.
    pub system_id: String,
    /// System, as shown.
    pub system_name: String,
    /// Longest pause between activities.
    pub idle: TimeLimit,
    /// Longest time since sign-in.
    pub absolute: TimeLimit,
    /// Where they are known from.
    pub source: LimitSource,
    /// When they were read, typed or set.
    pub as_of: Option<Moment>,
    /// Limits of single places of the system; empty = the same everywhere.
    pub places: Vec<PlacePolicy>,
    /// Live sessions past one of their own limits; null = not counted.
    pub over: Option<u64>,
    /// Live sessions that never end for idleness though others there do; null = not counted.
    pub never_idle: Option<u64>,
    /// Live sessions that began under an earlier policy than their kind has now; null = nothing to compare them with.
    pub earlier: Option<Counted>,
    /// What else shapes its sessions; empty = nothing more is told.
    pub settings: Vec<PolicySetting>,
    /// What limits and settings call for, worst first.
    pub advice: Vec<Advice>,
}

/// A piece of advice on the limits of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Advice {
    /// Its rule and, behind a colon, the place; null = something is not known, which can't be accepted.
    pub advice_id: Option<String>,
    /// The value it is about: accepted with another one it is refused, and open again once it changes.
    pub ground: String,
    /// What was found.
    pub fact: String,
    /// Why that matters, and what to do.
    pub means: String,
    /// Null = it is open.
    pub accepted: Option<Accepted>,
}

/// That advice may stay as it is for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// Why.
    pub reason: String,
    /// By whom, as shown.
    pub by: String,
    /// When.
    pub at: Moment,
    /// From then on it is open again.
    pub until: Moment,
}

/// Advice to be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptAdvice {
    /// Its `advice_id`.
    #[schema(min_length = 1)]
    pub advice_id: String,
    /// Its `ground`, as it was read.
    pub ground: String,
    /// Why it may stay so.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// Until when: to come, and within a year. UTC: `2027-03-31 18:00`, or as moments are answered.
    #[schema(min_length = 1)]
    pub until: String,
}

impl From<Judged> for Advice {
    fn from(advice: Judged) -> Self {
        Advice {
            advice_id: Some(advice.id).filter(|id| !id.is_empty()),
            ground: advice.ground,
            fact: advice.fact,
            means: advice.means,
            accepted: advice.accepted.map(|accepted| Accepted {
                reason: accepted.reason,
                by: accepted.by,
                at: accepted.at.into(),
                until: accepted.until.into(),
            }),
        }
    }
}

/// A setting of a system that shapes its sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicySetting {
    /// Place inside the system it is for; empty = all of it.
    pub place: String,
    /// As the system calls it.
    pub name: String,
    /// Its value with its unit; null = not known.
    pub value: Option<String>,
    /// Where the value is known from.
    pub source: SettingSource,
    /// Date of the file it was imported from.
    pub as_of: Option<Moment>,
    /// What it does.
    pub note: String,
}

/// The session limit of one place (context, realm) of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlacePolicy {
    /// Which.
    pub place: String,
    /// Longest pause between activities.
    pub idle: TimeLimit,
    /// What a person should know of it; empty = nothing.
    pub note: String,
}

impl Policy {
    /// The limits of a system with its share of the `advice` over all.
    pub fn new(limits: policies::SystemLimits, advice: &[Judged]) -> Self {
        let of_it = advice.iter().filter(|line| line.system_id == limits.system_id);
        let advice = of_it.cloned().map(Advice::from).collect();
        Policy {
            system_id: limits.system_id.0,
            system_name: limits.system_name,
            idle: limits.idle.into(),
            absolute: limits.absolute.into(),
            source: limits.source.into(),
            as_of: moment(limits.as_of),
            places: limits
                .places
                .into_iter()
                .map(|place| PlacePolicy {
                    place: place.place,
                    idle: place.idle.into(),
                    note: place.note,
                })
                .collect(),
            over: limits.over,
            never_idle: limits.never_idle,
            earlier: limits.earlier.map(Into::into),
            settings: limits
                .settings
                .into_iter()
                .map(|setting| PolicySetting {
                    place: setting.place,
                    name: setting.name,
                    value: Some(setting.value).filter(|value| !value.is_empty()),
                    source: setting.source.into(),
                    as_of: moment(setting.as_of),
                    note: setting.note,
                })
                .collect(),
            advice,
        }
    }
}

/// Everyone who can sign in to Curfew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperatorList {
    /// By name.
    pub items: Vec<Operator>,
}

/// Somebody who can sign in to Curfew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Operator {
    /// Id.
    pub operator_id: String,
    /// Sign-in name.
    pub login: String,
    /// Name as shown.
    pub display_name: String,
    /// When they last did something; null = never signed in.
    pub last_seen_at: Option<Moment>,
    /// Set while they are disabled.
    pub disabled_at: Option<Moment>,
    /// They have set a password.
    pub has_password: bool,
    /// A second factor is set up.
    pub second_factor: bool,
    /// A role of theirs needs one.
    pub needs_second_factor: bool,
    /// Live sign-ins.
    pub live_sessions: u64,
}

impl From<access::OperatorRow> for Operator {
    fn from(row: access::OperatorRow) -> Self {
        Operator {
            operator_id: row.operator_id.0,
            login: row.login,
            display_name: row.display_name,
            last_seen_at: moment(row.last_seen_at),
            disabled_at: moment(row.disabled_at),
            has_password: row.has_password,
            second_factor: row.second_factor,
            needs_second_factor: row.needs_second_factor,
            live_sessions: row.live_sessions,
        }
    }
}

/// The roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleList {
    /// Built-in ones first.
    pub items: Vec<Role>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Role {
    /// Id.
    pub role_id: String,
    /// Name as shown.
    pub name: String,
    /// Built-in roles can't be edited.
    pub built_in: bool,
    /// What it allows, by name.
    pub permissions: Vec<String>,
    /// People with it need a second factor.
    pub needs_second_factor: bool,
    /// Grants in force that use it.
    pub grants_in_force: u64,
}

impl From<access::RoleRow> for Role {
    fn from(row: access::RoleRow) -> Self {
        Role {
            role_id: row.role_id.0,
            name: row.name,
            built_in: row.built_in,
            permissions: row.permissions.iter().map(|p| p.name().to_owned()).collect(),
            needs_second_factor: row.needs_second_factor,
            grants_in_force: row.grants_in_force,
        }
    }
}

/// The grants people hold, expired ones too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantList {
    /// By person.
    pub items: Vec<Grant>,
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// Id.
    pub grant_id: String,
    /// Whose.
    pub operator_id: String,
    /// Whose, sign-in name.
    pub operator_login: String,
    /// Role.
    pub role_id: String,
    /// Role, as shown.
    pub role_name: String,
    /// Where and for whom, in words.
    pub scope: String,
    /// Null = no end.
    pub expires_at: Option<Moment>,
    /// Who gave it, as shown.
    pub granted_by: String,
    /// When.
    pub granted_at: Moment,
    /// Why.
    pub reason: String,
}

impl From<access::GrantRow> for Grant {
    fn from(row: access::GrantRow) -> Self {
        Grant {
            grant_id: row.grant_id.0,
            operator_id: row.operator_id.0,
            operator_login: row.operator_login,
            role_id: row.role_id.0,
            role_name: row.role_name,
            scope: row.scope_words,
            expires_at: moment(row.expires_at),
            granted_by: row.granted_by,
            granted_at: row.granted_at.into(),
            reason: row.reason,
        }
    }
}

/// A page of the audit log, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    /// Entries.
    pub items: Vec<AuditEntry>,
    /// `cursor` of the next page; null = this is the last.
    pub next_cursor: Option<String>,
}

/// An entry of the audit log (docs/audit.md).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// 1, 2, 3 … without gaps.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// Word of the vocabulary.
    pub action: String,
    /// The action in words.
    pub action_words: String,
    /// operator, token, rule, system or nobody.
    pub actor_kind: String,
    /// Id of the actor.
    pub actor_id: String,
    /// Name then.
    pub actor_name: String,
    /// Address of the request.
    pub source_ip: Option<String>,
    /// Browser or program of the request.
    pub user_agent: Option<String>,
    /// Target's system.
    pub system_id: Option<String>,
    /// Target's site.
    pub site: Option<String>,
    /// Target's account name.
    pub account: Option<String>,
    /// Target session.
    pub session_key: Option<String>,
    /// Target in words.
    pub target: String,
    /// Permission that was needed.
    pub permission: Option<String>,
    /// How it went.
    pub result: AuditResult,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// Ticket number.
    pub ticket_ref: Option<String>,
    /// Finds the log line.
    pub request_id: Option<String>,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// Further facts, by action.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// Hash of the entry before.
    pub prev_hash: String,
    /// Its own hash.
    pub hash: String,
}

impl From<audit::AuditEntry> for AuditEntry {
    fn from(entry: audit::AuditEntry) -> Self {
        AuditEntry {
            seq: entry.seq,
            at: entry.at.into(),
            action: entry.action,
            action_words: entry.action_words,
            actor_kind: entry.actor_kind,
            actor_id: entry.actor_id,
            actor_name: entry.actor_name,
            source_ip: entry.source_ip,
            user_agent: entry.user_agent,
            system_id: entry.system_id.map(|s| s.0),
            site: entry.site,
            account: entry.account,
            session_key: entry.session_key,
            target: entry.target,
            permission: entry.permission,
            result: entry.result.into(),
            reason: entry.reason,
            ticket_ref: entry.ticket_ref,
            request_id: entry.request_id,
            duration_ms: entry.duration_ms,
            detail: serde_json::from_str(&entry.detail)
                .ok()
                .filter(serde_json::Value::is_object)
                .unwrap_or_else(|| serde_json::json!({})),
            prev_hash: entry.prev_hash,
            hash: entry.hash,
        }
    }
}

/// Which entries of the log.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read from the address by the code that reads the page's")]
pub struct AuditParams {
    /// Text in target, reason, ticket number or account.
    #[param(min_length = 1)]
    q: Option<String>,
    /// Actor's name contains.
    #[param(min_length = 1)]
    who: Option<String>,
    /// Word of the vocabulary.
    #[param(min_length = 1)]
    action: Option<String>,
    /// System.
    #[param(min_length = 1)]
    system: Option<String>,
    /// How it went.
    result: Option<AuditResult>,
    /// Number of an ending.
    #[param(minimum = 1)]
    ending: Option<i64>,
    /// Not before, UTC: `2026-11-21 03:00`.
    #[param(min_length = 1)]
    from: Option<String>,
    /// Not after, UTC.
    #[param(min_length = 1)]
    until: Option<String>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}
