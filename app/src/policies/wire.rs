//! Session limits: what each system does, where we know it from, and the editor of Curfew's own.

use serde::{Deserialize, Serialize};

use crate::wire::{Count, Limit, SystemId, Timestamp};

/// Where a limit is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitSource {
    /// Read from the system.
    Read,
    /// Typed in by a person.
    Typed,
    /// Out of a file that a person took from the system.
    Imported,
    /// Set in Curfew: its own sessions.
    SetHere,
    /// Derived from the listed sessions.
    Seen,
    /// Nobody told us.
    Unknown,
}

/// What a system's limits are measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// An office: NIST AAL2.
    #[default]
    Office,
    /// What must not fall into other hands: NIST AAL3.
    High,
    /// Card data: PCI DSS.
    Pci,
    /// Everybody, about themselves: NIST AAL1.
    Public,
}

impl Profile {
    /// As people read it.
    pub const fn label(self) -> &'static str {
        match self {
            Profile::Office => "office",
            Profile::High => "high",
            Profile::Pci => "PCI",
            Profile::Public => "public",
        }
    }
}

/// The limits of one system, in the panel beside the list and on the Policies page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemLimits {
    /// Which system.
    pub system_id: SystemId,
    /// Its name.
    pub system_name: String,
    /// Longest pause between activities.
    pub idle: Limit,
    /// Longest time since sign-in.
    pub absolute: Limit,
    /// Where the values are from.
    pub source: LimitSource,
    /// When they were read, typed or set.
    pub as_of: Option<Timestamp>,
    /// "3 Oct, R. Vance" and the like; empty when the source says it all.
    pub source_note: String,
    /// What they are measured by.
    pub profile: Profile,
    /// False = it ends no session when asked; what works instead is in its row. `None` = not connected.
    pub ends: Option<bool>,
    /// Limits of single places of the system, by place; empty = the same everywhere.
    pub places: Vec<PlaceLimits>,
    /// How the limits differ from those before, a sentence part each; only on the Policies page.
    pub changes: Vec<String>,
    /// Live sessions that never end for idleness though others there do, as far as the caller may see; `None` = not
    /// counted.
    pub never_idle: Option<u64>,
    /// Hours after which a session is worth a look, as no longest time ends it; `None` = one does, or nobody told us.
    pub old_after_h: Option<i64>,
    /// Sessions are compared with the limits new ones of their kind get.
    pub compared: bool,
    /// Live sessions that began under an earlier policy, as far as the caller may see; `None` = not counted.
    pub earlier: Option<Count>,
    /// Live sessions past one of their own limits, as far as the caller may see; `None` = not counted.
    pub over: Option<u64>,
    /// What ending does there and what survives, one sentence; empty = nothing to warn of.
    pub before_you_end: String,
    /// Everything else that shapes sessions there, each with its source; empty = its kind has nothing more to tell.
    pub settings: Vec<SystemSetting>,
    /// What these settings call for, from those that are known alone.
    pub advice: Vec<SettingAdvice>,
    /// The identity server its people sign in by, as the settings say; `None` = they don't, or nobody may know it here.
    pub signs_in_by: Option<SystemId>,
    /// Advice that somebody accepted and that has not ended; whether it still has its ground is told by the advice.
    pub accepted: Vec<AdviceAccepted>,
    /// Whether the caller may accept advice on it, and take that back.
    pub may_accept: bool,
    /// Pieces of advice that nobody accepted.
    pub advice_open: u64,
}

impl SystemLimits {
    /// Of which nobody told us anything.
    pub fn unknown(system_id: SystemId, system_name: String) -> Self {
        SystemLimits {
            system_id,
            system_name,
            idle: Limit::Unknown,
            absolute: Limit::Unknown,
            source: LimitSource::Unknown,
            as_of: None,
            source_note: String::new(),
            profile: Profile::default(),
            ends: None,
            places: Vec::new(),
            changes: Vec::new(),
            never_idle: None,
            compared: false,
            earlier: None,
            old_after_h: None,
            over: None,
            before_you_end: String::new(),
            settings: Vec::new(),
            advice: Vec::new(),
            signs_in_by: None,
            accepted: Vec::new(),
            may_accept: false,
            advice_open: 0,
        }
    }
}

/// A piece of advice that somebody accepted to leave as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdviceAccepted {
    /// Which: its rule and, behind a colon, the place.
    pub advice: String,
    /// The value it was about then.
    pub ground: String,
    /// Why it may stay so.
    pub reason: String,
    /// Who accepted it, as shown.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// From then on it is open again.
    pub until: Timestamp,
}

/// Advice to be accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptAdvice {
    /// Which.
    pub advice: String,
    /// The value it is about, as the person saw it.
    pub ground: String,
    /// Why: 1 to 500 characters.
    pub reason: String,
    /// Until when, at most [`bounds::ACCEPT_MAX_S`] from now.
    pub until: Timestamp,
}

/// Where a single setting is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingSource {
    /// Read from the system.
    Read,
    /// Typed into Curfew's settings.
    Typed,
    /// Out of a file that a person took from the system.
    Imported,
    /// Nobody told us: what is documented to hold where nothing is set.
    Default,
    /// Nobody told us, and no default is documented.
    Unknown,
}

/// A setting of a system that shapes its sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemSetting {
    /// Place inside the system it is for; empty = all of it.
    pub place: String,
    /// As the system calls it.
    pub name: String,
    /// Its value with its unit; empty = not known.
    pub value: String,
    /// Where the value is known from.
    pub source: SettingSource,
    /// Date of the file it was imported from.
    pub as_of: Option<Timestamp>,
    /// What it does.
    pub note: String,
}

/// What a setting calls for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingAdvice {
    /// Its rule and, behind a colon, the place; empty = it is about something not known, which nobody can accept.
    #[serde(default)]
    pub rule: String,
    /// The value it is about.
    #[serde(default)]
    pub ground: String,
    /// What is so.
    pub fact: String,
    /// What that means, or what to do.
    pub means: String,
}

/// The limit of one place (context, realm) of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceLimits {
    /// Which.
    pub place: String,
    /// Longest pause between activities.
    pub idle: Limit,
    /// What a person should know of it; empty = nothing.
    pub note: String,
}

/// The Policies page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoliciesPage {
    /// The server's clock.
    pub now: Timestamp,
    /// All systems in the caller's scope, by name.
    pub systems: Vec<SystemLimits>,
    /// Curfew's own policy, for who may see the portal's sessions.
    pub own: Option<OwnPolicy>,
}

/// The limits of Curfew's own sessions and how they came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPolicy {
    /// Values in force for new sign-ins.
    pub current: PolicyVersion,
    /// Older versions, newest first.
    pub history: Vec<PolicyVersion>,
    /// Whether the caller may change it.
    pub may_edit: bool,
    /// What the values asked about would mean now.
    pub what_if: WhatIf,
}

/// One version of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// 1, 2, 3 …
    pub version: i64,
    /// Seconds.
    pub idle_timeout_s: i64,
    /// Seconds.
    pub absolute_lifetime_s: i64,
    /// Who, as shown.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
    /// Why.
    pub reason: String,
}

/// What new limits would mean for the sessions that live now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIf {
    /// The limits asked about, seconds.
    pub idle_timeout_s: i64,
    /// Seconds.
    pub absolute_lifetime_s: i64,
    /// Live portal sessions.
    pub live: u64,
    /// Of these past one of the limits asked about.
    pub over: u64,
    /// People among those.
    pub people: u64,
    /// Query string of the list that shows exactly those.
    pub over_query: String,
    /// Live sessions by whole hours of age: 24 bars, the last is "24 h and more".
    pub ages: Vec<u64>,
}

/// New limits for Curfew's own sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyEdit {
    /// Minutes, 5 to 60.
    pub idle_minutes: i64,
    /// Minutes, 5 to 1440 (24 h).
    pub absolute_minutes: i64,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// Limits of the portal's own policy that no edit may pass (security A6, A7).
pub mod bounds {
    /// Shortest idle timeout, minutes.
    pub const IDLE_MIN: i64 = 5;
    /// Longest idle timeout, minutes.
    pub const IDLE_MAX: i64 = 60;
    /// Shortest absolute lifetime, minutes.
    pub const ABSOLUTE_MIN: i64 = 5;
    /// Longest absolute lifetime, minutes: 24 h.
    pub const ABSOLUTE_MAX: i64 = 24 * 60;
    /// Longest that advice stays accepted, seconds: a year, a leap one too.
    pub const ACCEPT_MAX_S: i64 = 366 * 86_400;
}
