//! Limits of a Tableau Server. Neither its REST API nor its repository tells them: they are typed in, or not known.

use app::wire::Limit;
use async_trait::async_trait;
use serde::Deserialize;

use super::Tableau;
use super::rows::TypedLimits;
use crate::connectors::{ConnectorError, ReadLimits, ReadPolicy};

/// `wgserver.session.idle_limit` as documented, minutes.
const DOCUMENTED_IDLE_MIN: i64 = 240;

/// Limits typed into the settings, as `tsm configuration get` shows them.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitSettings {
    /// `wgserver.session.idle_limit`, minutes; 0 = never.
    #[serde(default)]
    idle_min: Option<i64>,
    /// `wgserver.session.lifetime_limit`, minutes; 0 = `apply_lifetime_limit` is false.
    #[serde(default)]
    lifetime_min: Option<i64>,
}

impl LimitSettings {
    /// The limits; the error names the bad setting.
    pub(super) fn read(&self) -> anyhow::Result<TypedLimits> {
        let limit = |name: &str, minutes: Option<i64>| match minutes {
            None => Ok(None),
            Some(0) => Ok(Some(Limit::None)),
            Some(minutes @ 1..=5_256_000) => Ok(Some(Limit::Seconds(minutes * 60))),
            Some(_) => anyhow::bail!("limits.{name}: minutes, 0 to 5256000"),
        };
        Ok(TypedLimits {
            idle: limit("idle_min", self.idle_min)?,
            lifetime: limit("lifetime_min", self.lifetime_min)?,
        })
    }
}

#[async_trait]
impl ReadPolicy for Tableau {
    async fn read_policy(&self) -> Result<ReadLimits, ConnectorError> {
        let mut note = String::from(
            "Tableau tells its limits to nobody but \u{201c}tsm configuration get\u{201d}; what is shown was typed into \
             Curfew\u{2019}s settings.",
        );
        if self.limits.idle.is_none() {
            note.push_str(&format!(
                " The idle limit (wgserver.session.idle_limit) is not known; the documented default is \
                 {DOCUMENTED_IDLE_MIN} minutes."
            ));
        }
        if self.limits.lifetime.is_none() {
            note.push_str(
                " Whether there is a longest life (wgserver.session.apply_lifetime_limit) is not known; the documented \
                 default is that there is none.",
            );
        }
        note.push_str(" Closing the browser ends a session whatever the limits.");
        Ok(ReadLimits {
            idle: self.limits.idle.unwrap_or(Limit::Unknown),
            absolute: self.limits.lifetime.unwrap_or(Limit::Unknown),
            note,
            places: Vec::new(),
        })
    }
}
