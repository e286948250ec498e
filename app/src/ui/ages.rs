//! Times in words: one unit, rounded. The server writes them, the browser lets them age.

use crate::civil::Civil;
use crate::signin::wire::Times;
use crate::wire::{Limit, Timestamp};

/// What a page knows of time: the server's clock, and how this person wants times shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Now, by the server's clock.
    pub now: Timestamp,
    /// Lengths of time or moments.
    pub times: Times,
    /// Minutes east of UTC.
    pub offset_min: i32,
}

/// What a time on a page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// How long ago.
    Ago,
    /// How long until, or how much over.
    Ahead,
    /// A clock for a day, a date after.
    Start,
    /// To the second.
    When,
}

impl Age {
    /// The word of its `data-age`.
    pub const fn name(self) -> &'static str {
        match self {
            Age::Ago => "ago",
            Age::Ahead => "ahead",
            Age::Start => "start",
            Age::When => "when",
        }
    }

    /// The age of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Age::Ago, Age::Ahead, Age::Start, Age::When]
            .into_iter()
            .find(|age| age.name() == name)
    }

    /// The words for `at`.
    pub fn words(self, at: Timestamp, zone: &Zone) -> String {
        let Zone {
            now,
            times,
            offset_min,
        } = *zone;
        match (self, times) {
            (Age::When, _) if now.since(at).abs() < DAY_MS => to_second(at, offset_min),
            (Age::When, _) | (_, Times::Absolute) => moment(at, now, offset_min),
            (Age::Ago, Times::Relative) => ago(now.since(at)),
            (Age::Ahead, Times::Relative) => ahead(at.since(now)),
            (Age::Start, Times::Relative) => clock_or_date(at, now, offset_min),
        }
    }
}

/// Words of a time with what stands before them ("read 3 s ago").
pub fn text(age: Age, before: &str, at: Timestamp, zone: &Zone) -> String {
    let words = age.words(at, zone);
    if before.is_empty() {
        words
    } else {
        format!("{before} {words}")
    }
}

/// Class of a time: it has its whole moment behind it, and what ends soon or should have ended is coloured.
pub fn class(age: Age, at: Timestamp, zone: &Zone) -> &'static str {
    match (age, at.since(zone.now)) {
        (Age::Ahead, ..0) => "tip is-danger",
        (Age::Ahead, 0..300_000) => "tip is-warn",
        _ => "tip",
    }
}

const DAY_MS: i64 = 86_400_000;

/// "03:12:40", for lines where the day is plain.
pub fn to_second(at: Timestamp, offset_min: i32) -> String {
    let c = Civil::at(at, offset_min);
    format!("{:02}:{:02}:{:02}", c.hour, c.minute, c.second)
}

/// One unit, rounded: seconds to 59, minutes to 59, hours to 47, then days.
fn length(ms: i64) -> String {
    let seconds = (ms + 500) / 1000;
    let minutes = (ms + 30_000) / 60_000;
    let hours = (ms + 1_800_000) / 3_600_000;
    if seconds < 60 {
        format!("{seconds} s")
    } else if minutes < 60 {
        format!("{minutes} min")
    } else if hours < 48 {
        format!("{hours} h")
    } else {
        format!("{} d", (ms + 43_200_000) / 86_400_000)
    }
}

/// How long ago: "now" below two seconds, also for what a clock a little ahead calls the future.
pub fn ago(ms: i64) -> String {
    if ms < 2_000 {
        "now".to_owned()
    } else {
        format!("{} ago", length(ms))
    }
}

/// How long until: "in 4 h"; "18 min over" when it is past.
pub fn ahead(ms: i64) -> String {
    if ms >= 0 {
        format!("in {}", length(ms))
    } else {
        format!("{} over", length(-ms))
    }
}

/// A length of time in words: "30 min", "8 h", "none", "not reported".
pub fn limit_text(limit: Limit) -> String {
    match limit {
        Limit::Unknown => "not reported".to_owned(),
        Limit::None => "none".to_owned(),
        Limit::Seconds(seconds) => length(seconds.saturating_mul(1000)),
    }
}

/// "21 Nov 03:12:40", with the year when it is not this one.
fn moment(at: Timestamp, now: Timestamp, offset_min: i32) -> String {
    let c = Civil::at(at, offset_min);
    let year = if c.year == Civil::at(now, offset_min).year {
        String::new()
    } else {
        format!(" {}", c.year)
    };
    format!(
        "{} {}{year} {:02}:{:02}:{:02}",
        c.day,
        c.month_name(),
        c.hour,
        c.minute,
        c.second
    )
}

/// Clock within 24 h ("18:04"), else the date ("20 Nov", "4 Sep 2025").
pub fn clock_or_date(at: Timestamp, now: Timestamp, offset_min: i32) -> String {
    let c = Civil::at(at, offset_min);
    if now.since(at).abs() < DAY_MS {
        format!("{:02}:{:02}", c.hour, c.minute)
    } else if c.year == Civil::at(now, offset_min).year {
        format!("{} {}", c.day, c.month_name())
    } else {
        format!("{} {} {}", c.day, c.month_name(), c.year)
    }
}

/// "Sat 21 Nov 2026, 03:12:40 UTC".
pub fn full(at: Timestamp, offset_min: i32, zone: &str) -> String {
    let c = Civil::at(at, offset_min);
    format!(
        "{} {} {} {}, {:02}:{:02}:{:02} {zone}",
        c.weekday_name(),
        c.day,
        c.month_name(),
        c.year,
        c.hour,
        c.minute,
        c.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1000;
    const MIN: i64 = 60 * S;
    const H: i64 = 60 * MIN;
    const D: i64 = 24 * H;

    #[test]
    fn ui_c5_ages_have_one_rounded_unit() {
        for (ms, text) in [
            (-5 * S, "now"),
            (1999, "now"),
            (4 * S, "4 s ago"),
            (59 * S, "59 s ago"),
            (60 * S, "1 min ago"),
            (89 * S, "1 min ago"),
            (91 * S, "2 min ago"),
            (59 * MIN + 29 * S, "59 min ago"),
            (60 * MIN, "1 h ago"),
            (47 * H, "47 h ago"),
            (48 * H, "2 d ago"),
            (180 * D, "180 d ago"),
        ] {
            assert_eq!(ago(ms), text, "{ms}");
        }
    }

    #[test]
    fn what_is_left_says_over_when_it_is_past() {
        assert_eq!(ahead(4 * H), "in 4 h");
        assert_eq!(ahead(30 * D), "in 30 d");
        assert_eq!(ahead(-18 * MIN), "18 min over");
        assert_eq!(limit_text(Limit::Seconds(1800)), "30 min");
        assert_eq!(limit_text(Limit::Seconds(36_000)), "10 h");
        assert_eq!(limit_text(Limit::None), "none");
        assert_eq!(limit_text(Limit::Unknown), "not reported");
    }

    #[test]
    fn a_start_is_a_clock_for_a_day_and_a_date_after() {
        let now = Civil::parse("2026-11-21T03:12").expect("a date").timestamp(0);
        assert_eq!(clock_or_date(now.plus_ms(-9 * H), now, 0), "18:12");
        assert_eq!(clock_or_date(now.plus_ms(-2 * D), now, 0), "19 Nov");
        assert_eq!(clock_or_date(now.plus_ms(-400 * D), now, 0), "17 Oct 2025");
        assert_eq!(full(now, 60, "CET"), "Sat 21 Nov 2026, 04:12:00 CET");
        assert_eq!(moment(now, now, 0), "21 Nov 03:12:00");
    }
}
