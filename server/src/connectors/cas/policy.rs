//! Limits of a CAS, as far as its sessions carry them: no endpoint tells them without its secrets, so none is asked.

use std::collections::BTreeSet;

use app::policies::wire::{SettingAdvice, SettingSource, SystemSetting};
use app::wire::Limit;
use async_trait::async_trait;

use super::Cas;
use super::list::Noticed;
use super::rows::Row;
use crate::connectors::{ConnectorError, LimitsFrom, ReadLimits, ReadPolicy};
use crate::domain::policy::told_length;

/// Longest life of the session of somebody who is remembered that calls for no advice, seconds: 30 days.
const LONG_MEMORY_S: i64 = 30 * 86_400;
/// Sessions looked at before the first list.
const SAMPLE: u32 = 200;

/// A limit as sessions carry it; 0 = none.
fn words(seconds: Option<i64>) -> String {
    match seconds {
        None => String::new(),
        Some(0) => "unlimited".to_owned(),
        Some(seconds) => told_length(&seconds.to_string(), "seconds"),
    }
}

const fn limit(seconds: Option<i64>) -> Limit {
    match seconds {
        None => Limit::Unknown,
        Some(0) => Limit::None,
        Some(seconds) => Limit::Seconds(seconds),
    }
}

impl Noticed {
    /// What sessions carry. It names no numbers of sessions: each change of it is kept as one of the system's limits.
    fn read(&self) -> ReadLimits {
        let row = |name: &str, told: BTreeSet<Option<i64>>, note: &str| {
            let values: Vec<String> = told
                .into_iter()
                .map(words)
                .filter(|value| !value.is_empty())
                .collect();
            let source = match values.is_empty() {
                true => SettingSource::Unknown,
                false => SettingSource::Read,
            };
            SystemSetting {
                place: String::new(),
                name: name.to_owned(),
                value: values.join(", "),
                source,
                as_of: None,
                note: note.to_owned(),
            }
        };
        let lives: BTreeSet<Option<i64>> = self.limits.iter().map(|(_, life)| *life).collect();
        let mut advice = Vec::new();
        // G-ABS-NONE
        if lives.contains(&Some(0)) {
            advice.push(SettingAdvice {
                rule: "G-ABS-NONE".to_owned(),
                ground: "0".to_owned(),
                fact: "Some sessions have no longest life.".to_owned(),
                means: "Set cas.ticket.tgt.primary.max-time-to-live-in-seconds: whoever uses one goes on for ever.".to_owned(),
            });
        }
        // G-REMEMBER
        let long = |life: &i64| *life == 0 || *life > LONG_MEMORY_S;
        let long: Vec<String> = self
            .remembered
            .iter()
            .flatten()
            .copied()
            .filter(long)
            .map(|life| life.to_string())
            .collect();
        if !long.is_empty() {
            advice.push(SettingAdvice {
                rule: "G-REMEMBER".to_owned(),
                ground: long.join(","),
                fact: "Who asks to be remembered stays signed in for more than 30 days.".to_owned(),
                means: "To be remembered must not take the place of signing in: look at cas.ticket.tgt.remember-me."
                    .to_owned(),
            });
        }
        // Where all agree that is the limit; else each session has its own beside it.
        let ((idle, life), source) = match self.limits.iter().collect::<Vec<_>>().as_slice() {
            [only] => (**only, LimitsFrom::Read),
            _ => ((None, None), LimitsFrom::Nobody),
        };
        ReadLimits {
            idle: limit(idle),
            absolute: limit(life),
            note: "CAS tells the limits of each session and not those it is set to: this is what listed sessions carry."
                .to_owned(),
            source,
            settings: vec![
                row(
                    "timeToIdle",
                    self.limits.iter().map(|(idle, _)| *idle).collect(),
                    "Idle time before a sign-in ends, as sessions carry it",
                ),
                row("timeToLive", lives, "Longest life of a sign-in, as sessions carry it"),
            ],
            advice,
            ..ReadLimits::default()
        }
    }
}

#[async_trait]
impl ReadPolicy for Cas {
    async fn read_policy(&self) -> Result<ReadLimits, ConnectorError> {
        if let Some(read) = self.noticed(Noticed::read) {
            return Ok(read);
        }
        // Before the first list: some sessions will do.
        let mut some = Noticed::default();
        let keep = |row: Row| {
            some.note(&row);
            None
        };
        self.api.list(None, SAMPLE.min(self.limit), None, keep).await?;
        Ok(some.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(limits: &[(Option<i64>, Option<i64>)], remembered: &[Option<i64>]) -> ReadLimits {
        Noticed {
            limits: limits.iter().copied().collect(),
            remembered: remembered.iter().copied().collect(),
            ..Noticed::default()
        }
        .read()
    }

    #[test]
    fn sessions_that_agree_tell_the_limits_and_others_tell_their_own() {
        let one = read(&[(Some(7_200), Some(28_800))], &[]);
        assert_eq!(
            (one.idle, one.absolute, one.source),
            (Limit::Seconds(7_200), Limit::Seconds(28_800), LimitsFrom::Read)
        );
        let two = read(
            &[(Some(7_200), Some(28_800)), (Some(1_209_600), Some(1_209_600))],
            &[Some(1_209_600)],
        );
        assert_eq!((two.idle, two.source), (Limit::Unknown, LimitsFrom::Nobody));
        assert_eq!(
            two.settings[1].value.matches(',').count(),
            1,
            "{:?}",
            two.settings
        );
        assert!(two.advice.is_empty(), "{:?}", two.advice);
        let nobody = read(&[], &[]);
        assert_eq!((nobody.idle, nobody.source), (Limit::Unknown, LimitsFrom::Nobody));
        assert!(
            nobody
                .settings
                .iter()
                .all(|row| row.source == SettingSource::Unknown)
        );
    }

    #[test]
    fn what_sessions_carry_calls_for_advice() {
        for (limits, remembered, facts) in [
            ((Some(7_200), Some(0)), None, 1),
            ((Some(7_200), Some(LONG_MEMORY_S)), Some(LONG_MEMORY_S), 0),
            ((Some(7_200), Some(LONG_MEMORY_S + 1)), Some(LONG_MEMORY_S + 1), 1),
            ((Some(7_200), Some(0)), Some(0), 2),
        ] {
            let remembered: Vec<Option<i64>> = remembered.into_iter().map(Some).collect();
            let advice = read(&[limits], &remembered).advice;
            assert_eq!(advice.len(), facts, "{limits:?}: {advice:?}");
        }
    }
}
