//! Limits of a Domo: typed in, or read off the sessions that are listed. No call that tells them is known, and none that
//! sets them is ever made.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use app::policies::wire::{SettingSource, SystemSetting};
use app::sessions::wire::SessionKind;
use app::wire::Limit;
use async_trait::async_trait;
use serde::Deserialize;

use super::Domo;
use super::rows::{Kinds, Row};
use crate::connectors::{ConnectorError, LimitsFrom, ReadLimits, ReadPolicy};

/// Longest limit that is believed, minutes: 10 years.
const LONGEST_MIN: i64 = 5_256_000;

/// Limits as a person reads them at Admin, Authentication, Session settings; minutes, 0 = unlimited.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitSettings {
    #[serde(default)]
    idle_min: Option<i64>,
    #[serde(default)]
    max_min: Option<i64>,
    #[serde(default)]
    mobile_idle_min: Option<i64>,
    #[serde(default)]
    mobile_max_min: Option<i64>,
    /// Day they were read, as "2026-11-23"; shown beside them.
    #[serde(default)]
    as_of: Option<String>,
}

impl LimitSettings {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (name, value) in [
            ("idle_min", self.idle_min),
            ("max_min", self.max_min),
            ("mobile_idle_min", self.mobile_idle_min),
            ("mobile_max_min", self.mobile_max_min),
        ] {
            if let Some(minutes) = value {
                anyhow::ensure!(
                    (0..=LONGEST_MIN).contains(&minutes),
                    "limits.{name}: 0 to {LONGEST_MIN} minutes"
                );
            }
        }
        if let Some(day) = &self.as_of {
            anyhow::ensure!(
                day.parse::<jiff::civil::Date>().is_ok(),
                "limits.as_of: a day, as \"2026-11-23\""
            );
        }
        Ok(())
    }
}

const fn minutes(typed: i64) -> Limit {
    match typed {
        0 => Limit::None,
        minutes => Limit::Seconds(minutes * 60),
    }
}

/// How many sessions have which limit, by kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    browser: Counted,
    mobile: Counted,
}

/// Limits of the sessions of one kind, seconds with `None` = unlimited, and how many have each.
#[derive(Clone, Debug, Default)]
struct Counted {
    idle: BTreeMap<Option<i64>, usize>,
    life: BTreeMap<Option<i64>, usize>,
}

impl Tally {
    pub(super) fn of(rows: &[Row], kinds: &Kinds) -> Self {
        let mut tally = Self::default();
        for row in rows {
            let counted = match kinds.of(&row.token_type) {
                SessionKind::Web => &mut tally.browser,
                SessionKind::Mobile => &mut tally.mobile,
                _ => continue,
            };
            note(&mut counted.idle, row.idle());
            note(&mut counted.life, row.life());
        }
        tally
    }
}

/// How many of these have another limit than what holds for their kind: they were made under an earlier policy.
fn others(counts: &BTreeMap<Option<i64>, usize>, typed: Option<i64>) -> usize {
    let holds = match typed {
        Some(typed) => Some(minutes(typed)),
        None => most(counts).map(|(limit, _, _)| limit),
    };
    let other = counts
        .iter()
        .filter(|(told, _)| holds.is_some_and(|holds| told.map_or(Limit::None, Limit::Seconds) != holds));
    other.map(|(_, count)| count).sum()
}

fn note(counts: &mut BTreeMap<Option<i64>, usize>, limit: Limit) {
    let told = match limit {
        Limit::Unknown => return,
        Limit::None => None,
        Limit::Seconds(seconds) => Some(seconds),
    };
    *counts.entry(told).or_default() += 1;
}

/// What most sessions have, how many those are, and of how many that is.
fn most(counts: &BTreeMap<Option<i64>, usize>) -> Option<(Limit, usize, usize)> {
    let (told, count) = counts.iter().max_by_key(|(_, count)| **count)?;
    let limit = told.map_or(Limit::None, Limit::Seconds);
    Some((limit, *count, counts.values().sum()))
}

/// One limit, as far as anybody told it.
struct Known {
    limit: Limit,
    source: SettingSource,
    note: String,
}

fn known(
    typed: Option<i64>,
    as_of: Option<&str>,
    counts: Option<&BTreeMap<Option<i64>, usize>>,
    default_min: i64,
) -> Known {
    if let Some(typed) = typed {
        return Known {
            limit: minutes(typed),
            source: SettingSource::Typed,
            note: as_of.map_or_else(String::new, |day| format!("Read in Domo on {day}")),
        };
    }
    if let Some((limit, count, of)) = counts.and_then(most) {
        return Known {
            limit,
            source: SettingSource::Read,
            note: format!("Seen in {count} of {of} sessions: read off them, Domo tells it nowhere"),
        };
    }
    Known {
        limit: minutes(default_min),
        source: SettingSource::Default,
        note: "Nobody told; what Domo delivers".to_owned(),
    }
}

/// "480 minutes".
fn words(limit: Limit) -> String {
    match limit {
        Limit::Unknown => String::new(),
        Limit::None => "unlimited".to_owned(),
        Limit::Seconds(seconds) if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        Limit::Seconds(seconds) => format!("{seconds} seconds"),
    }
}

impl LimitSettings {
    /// What to say of sessions that keep limits from before; `None` = there are none.
    pub(super) fn earlier(&self, tally: &Tally) -> Option<String> {
        let of = |counted: &Counted, idle, life| {
            // A session may differ in both.
            others(&counted.idle, idle).max(others(&counted.life, life))
        };
        let count = of(&tally.browser, self.idle_min, self.max_min)
            + of(&tally.mobile, self.mobile_idle_min, self.mobile_max_min);
        (count > 0).then(|| {
            let them = match count {
                1 => "1 session has other limits than its kind has now: it was".to_owned(),
                count => {
                    format!("At least {count} sessions have other limits than their kind has now: they were")
                }
            };
            format!("{them} made under an earlier policy.")
        })
    }

    /// Everything that is known of the limits; `tally` = of the newest list.
    fn read(&self, tally: Option<&Tally>) -> ReadLimits {
        let as_of = self.as_of.as_deref();
        let browser = tally.map(|tally| &tally.browser);
        let mobile = tally.map(|tally| &tally.mobile);
        let idle = known(self.idle_min, as_of, browser.map(|counted| &counted.idle), 480);
        let life = known(self.max_min, as_of, browser.map(|counted| &counted.life), 0);
        let mobile_idle = known(
            self.mobile_idle_min,
            as_of,
            mobile.map(|counted| &counted.idle),
            43_200,
        );
        let mobile_life = known(
            self.mobile_max_min,
            as_of,
            mobile.map(|counted| &counted.life),
            259_200,
        );
        let source = match (idle.source, life.source) {
            (SettingSource::Default, SettingSource::Default) => LimitsFrom::Nobody,
            (SettingSource::Typed, _) | (_, SettingSource::Typed) => LimitsFrom::Typed,
            _ => LimitsFrom::Read,
        };
        // A documented default is nobody's word on this Domo.
        let told = |known: &Known| match known.source {
            SettingSource::Default => Limit::Unknown,
            _ => known.limit,
        };
        ReadLimits {
            idle: told(&idle),
            absolute: told(&life),
            note: "Of browsers; the mobile app has limits of its own. A session keeps the limits it was made with: a change \
                   in Domo holds for sessions made later."
                .to_owned(),
            source,
            settings: [
                ("Idle Timeout Length", idle),
                ("Max Session Length", life),
                ("Mobile Idle Timeout Length", mobile_idle),
                ("Mobile Max Session Length", mobile_life),
            ]
            .map(|(name, known)| SystemSetting {
                place: String::new(),
                name: name.to_owned(),
                value: words(known.limit),
                source: known.source,
                as_of: None,
                note: known.note,
            })
            .into(),
            ..ReadLimits::default()
        }
    }
}

#[async_trait]
impl ReadPolicy for Domo {
    async fn read_policy(&self) -> Result<ReadLimits, ConnectorError> {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(self.limits.read(tally.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(idle_min: &[i64]) -> Vec<Row> {
        let row = |idle_min: &i64| {
            let ns = idle_min * 60_000_000_000;
            let text = format!(
                "{{\"id\": 1, \"userId\": 2, \"tokenType\": \"sss\", \"created\": \"2026-03-02T08:00:00Z\", \
                 \"idleTimeout\": {ns}, \"absoluteTimeout\": \"0001-01-01T00:00:00Z\"}}"
            );
            serde_json::from_str(&text).unwrap()
        };
        idle_min.iter().map(row).collect()
    }

    fn kinds() -> Kinds {
        Kinds {
            browser: vec!["sss".to_owned()],
            mobile: Vec::new(),
        }
    }

    #[test]
    fn nobody_told_means_not_known_and_the_defaults_are_called_that() {
        let read = LimitSettings::default().read(None);
        assert_eq!(
            (read.idle, read.absolute, read.source),
            (Limit::Unknown, Limit::Unknown, LimitsFrom::Nobody)
        );
        let told: Vec<(&str, SettingSource)> = read
            .settings
            .iter()
            .map(|setting| (setting.value.as_str(), setting.source))
            .collect();
        assert_eq!(
            told,
            ["480 minutes", "unlimited", "43200 minutes", "259200 minutes"]
                .map(|value| (value, SettingSource::Default))
        );
    }

    #[test]
    fn what_most_sessions_have_is_read_off_them() {
        let tally = Tally::of(&rows(&[480, 480, 60, 480]), &kinds());
        let read = LimitSettings::default().read(Some(&tally));
        assert_eq!(
            (read.idle, read.absolute, read.source),
            (Limit::Seconds(28_800), Limit::None, LimitsFrom::Read)
        );
        assert!(read.settings[0].note.starts_with("Seen in 3 of 4 sessions"));
        let earlier = LimitSettings::default().earlier(&tally).unwrap();
        assert!(earlier.starts_with("1 session has"), "{earlier}");
        let typed: LimitSettings = toml::from_str("idle_min = 60").unwrap();
        assert!(typed.earlier(&tally).unwrap().starts_with("At least 3 sessions"));
        let same = Tally::of(&rows(&[480, 480]), &kinds());
        assert_eq!(LimitSettings::default().earlier(&same), None);
        assert_eq!(read.settings[2].source, SettingSource::Default);
    }

    #[test]
    fn what_is_typed_in_wins_and_shows_its_day() {
        let typed: LimitSettings =
            toml::from_str("idle_min = 60\nmax_min = 0\nas_of = \"2026-11-23\"").unwrap();
        typed.check().unwrap();
        let read = typed.read(Some(&Tally::of(&rows(&[480]), &kinds())));
        assert_eq!(
            (read.idle, read.absolute, read.source),
            (Limit::Seconds(3_600), Limit::None, LimitsFrom::Typed)
        );
        assert_eq!(read.settings[0].note, "Read in Domo on 2026-11-23");
        for bad in ["idle_min = -1", "max_min = 99999999", "as_of = \"yesterday\""] {
            let bad: LimitSettings = toml::from_str(bad).unwrap();
            assert!(bad.check().is_err());
        }
    }
}
