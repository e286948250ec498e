//! Calendar arithmetic without a date library: WASM stays small, and server and browser agree to the digit.

use crate::wire::Timestamp;

/// A moment on the wall: what a calendar and a clock show at some offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, 1970 to 9999 in practice.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
    /// 0 = Monday to 6 = Sunday.
    pub weekday: u32,
}

const DAY_MS: i64 = 86_400_000;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Civil {
    /// What the wall shows at `at`, `offset_min` minutes east of UTC.
    pub fn at(at: Timestamp, offset_min: i32) -> Self {
        let local = at.0 + i64::from(offset_min) * 60_000;
        let days = local.div_euclid(DAY_MS);
        let in_day = local.rem_euclid(DAY_MS) / 1000;
        // Days to date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
        let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
        let year = yoe + era * 400 + i64::from(month <= 2);
        Civil {
            year,
            month,
            day,
            hour: (in_day / 3600) as u32,
            minute: (in_day / 60 % 60) as u32,
            second: (in_day % 60) as u32,
            weekday: (days + 3).rem_euclid(7) as u32,
        }
    }

    /// The moment at which the wall shows this, `offset_min` minutes east of UTC.
    pub fn timestamp(self, offset_min: i32) -> Timestamp {
        let y = self.year - i64::from(self.month <= 2);
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let mp = (i64::from(self.month) + 9) % 12;
        let doy = (153 * mp + 2) / 5 + i64::from(self.day) - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let days = era * 146_097 + doe - 719_468;
        let seconds = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        Timestamp(days * DAY_MS + seconds * 1000 - i64::from(offset_min) * 60_000)
    }

    /// "Nov".
    pub fn month_name(self) -> &'static str {
        MONTHS[(self.month as usize - 1) % 12]
    }

    /// "Sat".
    pub fn weekday_name(self) -> &'static str {
        WEEKDAYS[self.weekday as usize % 7]
    }

    /// `2026-11-21T03:12` or with seconds, as a `datetime-local` field sends it; also the date alone (midnight).
    pub fn parse(text: &str) -> Option<Civil> {
        let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
        let mut parts = date.splitn(3, '-');
        let year: i64 = digits(parts.next()?, 4, 4)?;
        let month = digits(parts.next()?, 2, 2)? as u32;
        let day = digits(parts.next()?, 2, 2)? as u32;
        let mut parts = clock.splitn(3, ':');
        let hour = digits(parts.next()?, 2, 2)? as u32;
        let minute = digits(parts.next()?, 2, 2)? as u32;
        let second = match parts.next() {
            Some(s) => digits(s, 2, 2)? as u32,
            None => 0,
        };
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let valid = (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60 && year >= 1970;
        valid.then_some(Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            weekday: 0,
        })
    }

    /// `2026-11-21T03:12`, what a `datetime-local` field takes.
    pub fn field(self) -> String {
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute
        )
    }
}

fn digits(text: &str, min: usize, max: usize) -> Option<i64> {
    let good = (min..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if good { text.parse().ok() } else { None }
}

/// `2026-11-21T03:12:40Z`, for `datetime` attributes, exports and the audit.
pub fn rfc3339(at: Timestamp) -> String {
    let c = Civil::at(at, 0);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        c.year,
        c.month,
        c.day,
        c.hour,
        c.minute,
        c.second,
        at.0.rem_euclid(1000)
    )
}

/// Seconds of a length of time as people type it: `90s`, `15m`, `8h`, `2d`, `1w`.
pub fn parse_duration(text: &str) -> Option<i64> {
    let text = text.trim();
    let unit = text.chars().last()?;
    let factor = match unit.to_ascii_lowercase() {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let number = digits(text[..text.len() - unit.len_utf8()].trim(), 1, 7)?;
    Some(number * factor)
}

/// A length of time in the largest unit that divides it: `8h`, `90s`; the opposite of [`parse_duration`].
pub fn write_duration(seconds: i64) -> String {
    let units = [(7 * 86_400, "w"), (86_400, "d"), (3600, "h"), (60, "m")];
    match units
        .into_iter()
        .find(|(length, _)| seconds > 0 && seconds % length == 0)
    {
        Some((length, unit)) => format!("{}{unit}", seconds / length),
        None => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_survive_the_way_there_and_back() {
        for day in (-200_000i64..200_000).step_by(37) {
            let at = Timestamp(day * DAY_MS + 45_296_000);
            let civil = Civil::at(at, 0);
            assert_eq!(civil.timestamp(0), at, "{civil:?}");
            assert_eq!(Civil::at(at, 90).timestamp(90), at);
        }
    }

    #[test]
    fn the_wall_shows_what_calendars_say() {
        let civil = Civil::at(Timestamp(1_795_230_760_000), 0);
        assert_eq!(rfc3339(Timestamp(1_795_230_760_000)), "2026-11-21T03:12:40.000Z");
        assert_eq!(
            (civil.weekday_name(), civil.month_name(), civil.day),
            ("Sat", "Nov", 21)
        );
        assert_eq!(Civil::parse("2024-02-29").map(|c| c.day), Some(29));
        for bad in [
            "2023-02-29",
            "2026-13-01",
            "2026-1-1",
            "2026-01-01T24:00",
            "",
            "yesterday",
            "2026-01-01T1:00",
        ] {
            assert_eq!(Civil::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_are_read_as_they_are_written() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("8h", 28_800),
            ("2d", 172_800),
            ("1w", 604_800),
        ] {
            assert_eq!(parse_duration(text), Some(seconds));
            assert_eq!(write_duration(seconds), text);
        }
        for bad in ["", "8", "h", "-8h", "8 hours", "99999999h", "8é"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}
