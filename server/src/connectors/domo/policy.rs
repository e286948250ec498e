//! Limits of a Domo, as they were typed in: no call that tells them is known, and none that sets them is ever made. What
//! nobody typed in is read off the listed sessions, as for any system that tells nothing.

use app::policies::wire::{SettingSource, SystemSetting};
use app::sessions::wire::SessionKind;
use app::wire::Limit;
use async_trait::async_trait;
use serde::Deserialize;

use super::Domo;
use crate::connectors::{ConnectorError, KindLimits, LimitsFrom, ReadLimits, ReadPolicy};

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

/// One limit, as far as anybody told it.
struct Known {
    limit: Limit,
    source: SettingSource,
    note: String,
}

fn known(typed: Option<i64>, as_of: Option<&str>, default_min: i64) -> Known {
    match typed {
        Some(typed) => Known {
            limit: minutes(typed),
            source: SettingSource::Typed,
            note: as_of.map_or_else(String::new, |day| format!("Read in Domo on {day}")),
        },
        None => Known {
            limit: minutes(default_min),
            source: SettingSource::Default,
            note: "Nobody told; what Domo delivers".to_owned(),
        },
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
    /// Everything that was typed in.
    fn read(&self) -> ReadLimits {
        let as_of = self.as_of.as_deref();
        let idle = known(self.idle_min, as_of, 480);
        let life = known(self.max_min, as_of, 0);
        let mobile_idle = known(self.mobile_idle_min, as_of, 43_200);
        let mobile_life = known(self.mobile_max_min, as_of, 259_200);
        let source = match (idle.source, life.source) {
            (SettingSource::Default, SettingSource::Default) => LimitsFrom::Nobody,
            _ => LimitsFrom::Typed,
        };
        // A documented default is nobody's word on this Domo.
        let told = |known: &Known| match known.source {
            SettingSource::Default => Limit::Unknown,
            _ => known.limit,
        };
        let kinds = [
            (SessionKind::Web, &idle, &life),
            (SessionKind::Mobile, &mobile_idle, &mobile_life),
        ]
        .map(|(kind, idle, life)| KindLimits {
            kind,
            idle: told(idle),
            absolute: told(life),
        })
        .into_iter()
        .filter(|of| (of.idle, of.absolute) != (Limit::Unknown, Limit::Unknown))
        .collect();
        ReadLimits {
            kinds,
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
        Ok(self.limits.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_told_means_not_known_and_the_defaults_are_called_that() {
        let read = LimitSettings::default().read();
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
    fn what_is_typed_in_holds_for_its_kind_and_shows_its_day() {
        let typed: LimitSettings =
            toml::from_str("idle_min = 60\nmax_min = 0\nas_of = \"2026-11-23\"").unwrap();
        typed.check().unwrap();
        let read = typed.read();
        assert_eq!(
            (read.idle, read.absolute, read.source),
            (Limit::Seconds(3_600), Limit::None, LimitsFrom::Typed)
        );
        assert_eq!(
            read.kinds,
            [KindLimits {
                kind: SessionKind::Web,
                idle: Limit::Seconds(3_600),
                absolute: Limit::None
            }]
        );
        assert_eq!(read.settings[0].note, "Read in Domo on 2026-11-23");
        for bad in ["idle_min = -1", "max_min = 99999999", "as_of = \"yesterday\""] {
            let bad: LimitSettings = toml::from_str(bad).unwrap();
            assert!(bad.check().is_err());
        }
    }
}
