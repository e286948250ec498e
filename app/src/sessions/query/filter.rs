//! What the list can be filtered by beside plain choices: text, moments, networks, limits that are past.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::civil::{Civil, parse_duration};
use crate::sessions::wire::SessionKind;
use crate::wire::{SystemId, Timestamp};

/// How a text must agree; without regard to case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextOp {
    /// Somewhere in it.
    #[default]
    Contains,
    /// The whole of it.
    Is,
    /// The whole of it is one of these, separated by commas.
    OneOf,
}

impl TextOp {
    /// Stable name, in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            TextOp::Contains => "contains",
            TextOp::Is => "is",
            TextOp::OneOf => "one_of",
        }
    }
}

/// A filter over text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextFilter {
    /// How.
    pub op: TextOp,
    /// Needles: one, or several for `OneOf`; trimmed, not empty.
    pub texts: Vec<String>,
}

/// A filter over a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFilter {
    /// Earlier than this moment.
    Before(Timestamp),
    /// This moment or later.
    After(Timestamp),
    /// Longer ago than these seconds.
    OlderThan(i64),
    /// Within these coming (ends) or past (started, activity) seconds.
    Within(i64),
}

/// Limits a policy what-if asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastLimits {
    /// Minutes without activity.
    pub idle_minutes: i64,
    /// Minutes since sign-in.
    pub absolute_minutes: i64,
}

/// What is left out: each part on its own takes sessions away, and none adds any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// `not.system`: in one of these.
    pub systems: Vec<SystemId>,
    /// `not.kind`: of one of these.
    pub kinds: Vec<SessionKind>,
    /// `not.site`: in one of these.
    pub sites: Vec<String>,
    /// `not.person` with `not.person.op`.
    pub person: Option<TextFilter>,
    /// `not.ip`: in one of these. Whose address is hidden from the caller is left out too: it can't be told.
    pub ip: Vec<Network>,
    /// `not.browser` with `not.browser.op`; hidden ones as with `ip`.
    pub browser: Option<TextFilter>,
    /// `not.os` with `not.os.op`; hidden ones as with `ip`.
    pub os: Option<TextFilter>,
}

/// An address (all bits) or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// First address of it.
    pub address: IpAddr,
    /// Leading bits that count: 0 to 32, or 0 to 128.
    pub prefix: u8,
}

impl Network {
    /// Reads several, separated by commas; at least one.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let mut networks = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let network = Network::parse(part)?;
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
        if networks.is_empty() {
            return Err("Write at least one address or network, such as 10.0.0.7 or 10.0.0.0/8.".to_owned());
        }
        Ok(networks)
    }

    /// The opposite of [`Network::parse_list`].
    pub fn write_list(networks: &[Self]) -> String {
        let texts: Vec<String> = networks.iter().map(ToString::to_string).collect();
        texts.join(",")
    }

    /// Reads `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`; the message names what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| {
            format!("“{text}” is not an IP address or network. Write 10.0.0.7 or 10.0.0.0/8.")
        })?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(bits) => match bits.parse::<u8>() {
                Ok(n) if n <= most => n,
                Ok(_) => {
                    let family = if most == 32 { "IPv4" } else { "IPv6" };
                    return Err(format!("/{bits} is too long for {family}, up to /{most}."));
                }
                Err(_) => {
                    return Err(format!(
                        "“/{bits}” is not a network length. Write a number up to /{most}."
                    ));
                }
            },
        };
        Ok(Network { address, prefix })
    }

    /// First and last address as 32 hex digits each, IPv4 mapped into IPv6: what `ip_sort` is compared with.
    pub fn sort_range(&self) -> (String, String) {
        let (value, prefix) = match self.address {
            IpAddr::V4(v4) => (u128::from(v4.to_ipv6_mapped()), u32::from(self.prefix) + 96),
            IpAddr::V6(v6) => (u128::from(v6), u32::from(self.prefix)),
        };
        let mask = if prefix == 0 {
            0
        } else {
            u128::MAX << (128 - prefix)
        };
        (
            format!("{:032x}", value & mask),
            format!("{:032x}", value | !mask),
        )
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = if self.address.is_ipv4() { 32 } else { 128 };
        if self.prefix == whole {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

/// Reads a text with its way to compare; the message names what is wrong.
pub(super) fn text_filter(op: &str, value: &str) -> Result<TextFilter, String> {
    let op = match op {
        "" | "contains" => TextOp::Contains,
        "is" => TextOp::Is,
        "one_of" => TextOp::OneOf,
        _ => {
            return Err(format!(
                "“{op}” is not a way to compare. Use contains, is or one_of."
            ));
        }
    };
    let texts: Vec<String> = match op {
        TextOp::OneOf => value
            .split(',')
            .map(|t| t.trim().to_owned())
            .filter(|t| !t.is_empty())
            .collect(),
        _ => vec![value.to_owned()],
    };
    if texts.is_empty() {
        return Err("Write at least one name, separated by commas.".to_owned());
    }
    Ok(TextFilter { op, texts })
}

/// Reads a moment; `offset_min` = the person's minutes east of UTC.
pub(super) fn moment(value: &str, offset_min: i32) -> Result<Timestamp, String> {
    let at = match value.strip_prefix('@') {
        Some(ms) => ms.parse().ok().map(Timestamp),
        None => Civil::parse(value).map(|civil| civil.timestamp(offset_min)),
    };
    at.ok_or_else(|| format!("“{value}” is not a date. Write 2026-11-21 or 2026-11-21T03:12."))
}

/// Reads a moment or a length with its way to compare; `offset_min` = the person's minutes east of UTC.
pub(super) fn time_filter(op: &str, value: &str, offset_min: i32) -> Result<TimeFilter, String> {
    let moment = || moment(value, offset_min);
    let length = || {
        parse_duration(value)
            .ok_or_else(|| format!("“{value}” is not a length of time. Write 15m, 8h or 2d."))
    };
    match op {
        "before" => Ok(TimeFilter::Before(moment()?)),
        "after" => Ok(TimeFilter::After(moment()?)),
        "older" => Ok(TimeFilter::OlderThan(length()?)),
        "within" => Ok(TimeFilter::Within(length()?)),
        "" => Err("Say how to compare: before, after, older or within.".to_owned()),
        _ => Err(format!(
            "“{op}” is not a way to compare. Use before, after, older or within."
        )),
    }
}

/// Reads `15,480`: minutes without activity, minutes since sign-in.
pub(super) fn past_limits(value: &str) -> Option<PastLimits> {
    let (idle, absolute) = value.split_once(',')?;
    let (idle_minutes, absolute_minutes) = (idle.parse().ok()?, absolute.parse().ok()?);
    let sane = (1..=10_000_000).contains(&idle_minutes) && (1..=10_000_000).contains(&absolute_minutes);
    sane.then_some(PastLimits {
        idle_minutes,
        absolute_minutes,
    })
}
