//! One item in hand: what a reading shows of it, and what it becomes.

use app::endings::wire::Outcome;
use app::sessions::wire::SessionKind;
use app::wire::{SessionKey, Timestamp};

use super::Item;
use crate::connectors::Completeness;
use crate::domain::ending::{Listed, Step, Why};
use crate::endings::results::{Became, Change};
use crate::sessions::collect::{Found, Reading};

/// What may not be asked now is looked at again after so long, seconds.
const HELD_S: i64 = 5;
/// Two reports of one start may differ by so much, ms.
const SAME_START_MS: i64 = 1_000;

impl Item {
    /// What a reading shows of it, the session that was found, and its new key if it has one.
    pub(super) fn listed<'r>(
        &self,
        reading: &'r Reading,
        rotated: Option<&SessionKey>,
    ) -> (Listed, Option<&'r Found>, Option<SessionKey>) {
        if let Some(found) = reading.found.get(&self.key) {
            let listed = if self.same_sign_in(found) {
                Listed::Same
            } else {
                Listed::Other
            };
            return (listed, Some(found), None);
        }
        if let Some(key) = rotated
            && let Some(found) = reading.found.get(key)
        {
            return (Listed::Rotated, Some(found), Some(key.clone()));
        }
        let listed = match reading.completeness {
            Completeness::Complete => Listed::Absent,
            Completeness::Partial(_) => Listed::Unsure,
        };
        (listed, None, None)
    }

    /// Whether what is listed under the id is still the sign-in that was chosen (security B7).
    fn same_sign_in(&self, found: &Found) -> bool {
        let same_account = if self.row.account_id.is_empty() {
            found.account_name == self.row.account_name
        } else {
            found.target.account_id == self.row.account_id
        };
        let same_start = match (self.row.session_created_at, found.created_at) {
            (Some(chosen), Some(now)) => (now.0 - chosen).abs() <= SAME_START_MS,
            _ => true,
        };
        same_account && same_start
    }

    /// The step as something to store.
    pub(super) fn change(&self, step: Step, read_back_at: Option<Timestamp>, now: Timestamp) -> Change {
        match step {
            Step::Settle(Outcome::Stopped, _) => self.became(Outcome::Stopped, self.over.clone(), None),
            Step::Settle(outcome, why) => {
                let words = match why {
                    Why::SystemRefused => None,
                    Why::StoppedAsked if self.over.is_some() => self.over.clone(),
                    why => Some(why.words().to_owned()),
                };
                let mut change = self.became(outcome, words, read_back_at);
                if why == Why::SystemRefused {
                    change.became = Became::Settled {
                        outcome,
                        words: None,
                        read_back_at,
                        also: None,
                    };
                }
                change
            }
            Step::Wait { at, told } => self.waits(at, told),
            Step::Leave | Step::Ask => self.waits(now.plus_seconds(HELD_S), true),
        }
    }

    pub(super) fn became(
        &self,
        outcome: Outcome,
        words: Option<String>,
        read_back_at: Option<Timestamp>,
    ) -> Change {
        Change {
            ending: self.ending.clone(),
            key: self.key.clone(),
            account_name: self.row.account_name.clone(),
            kind: SessionKind::from_name(&self.row.kind).unwrap_or(SessionKind::Other),
            said: (self.facts.asks > 0).then_some(self.facts.said),
            became: Became::Settled {
                outcome,
                words: Some(words.unwrap_or_default()),
                read_back_at,
                also: self
                    .row
                    .rotated_key
                    .clone()
                    .map(SessionKey)
                    .filter(|_| outcome == Outcome::Rotated),
            },
        }
    }

    pub(super) fn waits(&self, at: Timestamp, told: bool) -> Change {
        Change {
            ending: self.ending.clone(),
            key: self.key.clone(),
            account_name: self.row.account_name.clone(),
            kind: SessionKind::from_name(&self.row.kind).unwrap_or(SessionKind::Other),
            said: (self.facts.asks > 0 && !self.facts.in_doubt).then_some(self.facts.said),
            became: Became::Waits { at, told },
        }
    }
}
