//! Signals as pages exchange them. All of it is what the caller may see: of people outside their grant nothing stands here.

use serde::{Deserialize, Serialize};

use crate::wire::{SystemId, Timestamp};

/// Makes the closed vocabulary: the stored word, and how pages say it.
macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $label:literal;)*) => {
        /// What became of a signal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum SignalOutcome { $($(#[$doc])* $name,)* }

        impl SignalOutcome {
            /// Every outcome.
            pub const ALL: &'static [SignalOutcome] = &[$(SignalOutcome::$name,)*];

            /// Stable name: database, audit.
            pub const fn name(self) -> &'static str {
                match self { $(SignalOutcome::$name => $word,)* }
            }

            /// How pages say it.
            pub const fn label(self) -> &'static str {
                match self { $(SignalOutcome::$name => $label,)* }
            }

            /// The outcome of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|outcome| outcome.name() == name)
            }
        }
    };
}

outcomes! {
    /// An ending began.
    Ending = "ending", "Ending begun";
    /// The rule only reports.
    Report = "report", "Only reported";
    /// The rule began as many endings within a minute as it may.
    OverLimit = "over_limit", "Over its limit, only reported";
    /// It was worked off long after it came.
    Late = "late", "Too late, only reported";
    /// An ending has these sessions already.
    InHand = "in_hand", "In an ending already";
    /// The person has no session in these systems.
    Nothing = "nothing", "No session to end";
    /// Nobody was matched.
    Unmatched = "unmatched", "Nobody matched";
    /// Rules leave every session out.
    LeftOut = "left_out", "Left out by rules";
    /// It is more than rules let anybody do alone.
    NeedsPerson = "needs_person", "Needs a person";
    /// Its rule has left the settings.
    NoRule = "no_rule", "No rule any more";
    /// Working it off failed again and again.
    Failed = "failed", "Failed";
}

/// Sessions of one system that a signal meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalSessions {
    /// Name of the system.
    pub system: String,
    /// How many of them the caller may see.
    pub sessions: u64,
}

/// A signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalRow {
    /// Which; older ones come before it.
    pub signal_id: String,
    /// Stands as ticket number in the ending it led to.
    pub reference: String,
    /// When it came.
    pub at: Timestamp,
    /// Name of the identity server.
    pub from: String,
    /// Its realm; empty = it has none.
    pub realm: String,
    /// The rule's id.
    pub rule: String,
    /// User name of the person there; `None` = nobody was matched.
    pub person: Option<String>,
    /// What became of it; `None` = it waits.
    pub outcome: Option<SignalOutcome>,
    /// Why, in plain words; empty = the outcome says it all.
    pub detail: String,
    /// Sessions it meant, by system.
    pub sessions: Vec<SignalSessions>,
    /// The ending, where the caller may see one of its sessions.
    pub ending_no: Option<i64>,
}

/// A rule of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalRuleLine {
    /// Its id.
    pub id: String,
    /// Name of the identity server.
    pub from: String,
    /// Names of the systems whose sessions go.
    pub systems: Vec<String>,
    /// It ends sessions; else it only reports.
    pub ends: bool,
    /// Most endings a minute.
    pub per_minute: u32,
    /// Where the identity server sends its signals; of CAS without the secret part.
    pub receiver: String,
    /// What is wrong with it; `None` = nothing.
    pub trouble: Option<String>,
}

/// The Signals page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalsPage {
    /// Now.
    pub now: Timestamp,
    /// Rules of identity servers that the caller looks after as a whole.
    pub rules: Vec<SignalRuleLine>,
    /// Signals, newest first.
    pub rows: Vec<SignalRow>,
    /// More come before this row's id.
    pub next: Option<String>,
    /// The caller sees everybody everywhere.
    pub whole: bool,
}

/// Systems are named by id where nothing knows their name.
pub fn name_or_id(name: Option<&String>, id: &SystemId) -> String {
    name.cloned().unwrap_or_else(|| id.0.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_found_by_its_name() {
        for outcome in SignalOutcome::ALL {
            assert_eq!(SignalOutcome::from_name(outcome.name()), Some(*outcome));
            assert!(!outcome.label().is_empty());
        }
        assert_eq!(SignalOutcome::from_name("ended"), None);
    }
}
