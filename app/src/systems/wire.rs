//! Connected systems as pages see them: health, age, abilities, self-test.

use serde::{Deserialize, Serialize};

use crate::wire::{Count, SystemId, Timestamp};

/// How much the rows of a system can be trusted right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Read whole within the last 3 rounds, and it answers.
    Live,
    /// Older than 3 rounds, or it did not answer the newest reading: rows are as they were then.
    Stale,
    /// Refused, or not read whole for over 15 minutes.
    Failed,
    /// Paused by a person, or taken out of the settings.
    Off,
}

/// What a connector can do; derived from what it returns, never declared twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// Lists sessions.
    pub list: bool,
    /// Ends single sessions.
    pub end: bool,
    /// Ends everything of an account.
    pub end_all_of: bool,
    /// Reads the session limits.
    pub policy: bool,
    /// Proves by a throw-away session that ending works.
    pub self_test: bool,
    /// Issues sign-in tickets.
    pub tickets: bool,
}

/// A system in the health strip and in lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemBrief {
    /// Id.
    pub system_id: SystemId,
    /// Name as shown.
    pub name: String,
    /// Connector kind: "portal", "simulator", …
    pub kind: String,
    /// Our own imitation: said on every page.
    pub simulated: bool,
    /// Health.
    pub health: Health,
    /// When the newest complete reading began; `None` = never read whole.
    pub read_at: Option<Timestamp>,
    /// Live rows the caller may see.
    pub count: Count,
    /// What went wrong in the newest reading, safe to show.
    pub trouble: Option<String>,
    /// When it began to go wrong.
    pub trouble_since: Option<Timestamp>,
    /// Next try.
    pub next_try_at: Option<Timestamp>,
    /// What to say of ending there where nothing proves it on the build it runs; `None` = nothing.
    pub unproven: Option<String>,
}

/// A system on the Systems page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemDetail {
    /// The same facts as in the strip.
    pub brief: SystemBrief,
    /// What it can do.
    pub abilities: Abilities,
    /// How long the newest reading took.
    pub took_ms: Option<i64>,
    /// Seconds between readings.
    pub collect_every_s: i64,
    /// Longest time a request may take, ms.
    pub timeout_ms: i64,
    /// Pause between requests, ms; 0 = none.
    pub pace_ms: i64,
    /// Readings in a row that were not complete.
    pub failures: u64,
    /// Set while paused.
    pub paused_at: Option<Timestamp>,
    /// Who paused it, as shown.
    pub paused_by: Option<String>,
    /// Ending was proven here at that time.
    pub proven_at: Option<Timestamp>,
    /// On that build of the system.
    pub proven_build: Option<String>,
    /// Newest self-test.
    pub self_test: Option<SelfTestReport>,
    /// What ending does in this kind of system, when it bites, what survives: plain sentences.
    pub about: Vec<String>,
    /// Live sessions that began under an earlier policy, as far as the caller may see; `None` = nothing to compare them
    /// with.
    pub earlier: Option<Count>,
    /// What this system can't show ("Not listed by …").
    pub not_listed: Vec<String>,
    /// What the newest reading found out: how it is read and why so, what can't be seen; plain sentences.
    pub found: Vec<String>,
}

/// Live sessions of a system over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverTime {
    /// Which system.
    pub system_id: SystemId,
    /// Its name.
    pub system_name: String,
    /// `None` = the caller sees certain people or sites there: what the whole system has is not theirs to know.
    pub live: Option<LiveOverTime>,
}

/// The last day and the last 30 days of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveOverTime {
    /// By ten minutes.
    pub day: Samples,
    /// By hours.
    pub month: Samples,
}

/// Live sessions by slots of equal length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    /// When the first slot begins.
    pub from: Timestamp,
    /// Length of a slot.
    pub slot_ms: i64,
    /// Most live sessions in each slot, oldest first; `None` = the system was not read whole then.
    pub most: Vec<Option<u64>>,
}

/// What a self-test found, step by step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTestReport {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took_ms: i64,
    /// Steps in order.
    pub steps: Vec<SelfTestStep>,
}

/// One step of a self-test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTestStep {
    /// What was tried.
    pub name: String,
    /// How it went.
    pub result: StepResult,
    /// Detail or remedy, safe to show.
    pub detail: String,
}

/// How a step of a self-test went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// Seen to work.
    Passed,
    /// Seen not to work.
    Failed,
    /// Not tried, and why stands in the detail.
    Skipped,
}

/// The Systems page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemsPage {
    /// The server's clock.
    pub now: Timestamp,
    /// Systems the caller may see, by name.
    pub systems: Vec<SystemDetail>,
    /// Whether the caller may read now, pause and test, per system id.
    pub may_manage: Vec<SystemId>,
}
