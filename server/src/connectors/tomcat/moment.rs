//! Moments as Tomcat writes them: milliseconds, or text in the server's own zone.

use app::wire::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// `1795281180513`; `-1` means that there is no such session.
pub(super) fn from_millis(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok().filter(|ms| *ms > 0).map(Timestamp)
}

/// `Sat Nov 21 17:23:42 UTC 2026`, Java's text of a date, to the second.
///
/// The zone's abbreviation is believed only for UTC, since many mean several zones: `zone` is what the settings say.
/// At the hour that comes twice a year it is the earlier one.
pub(super) fn from_java_text(text: &str, zone: Option<&TimeZone>) -> Option<Timestamp> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [_, month, day, clock, abbreviation, year] = parts.as_slice() else {
        return None;
    };
    let written = format!("{month} {day} {clock} {year}");
    let local = DateTime::strptime("%b %d %H:%M:%S %Y", written).ok()?;
    in_zone(local, zone, matches!(*abbreviation, "UTC" | "GMT" | "Z"))
}

/// `2026-11-21 17:23:42`, as the Manager's pages write it: in the server's zone, which only the settings tell.
pub(super) fn from_page(text: &str, zone: Option<&TimeZone>) -> Option<Timestamp> {
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    in_zone(local, zone, false)
}

fn in_zone(local: DateTime, zone: Option<&TimeZone>, utc: bool) -> Option<Timestamp> {
    let zone = match zone {
        Some(zone) => zone.clone(),
        None if utc => TimeZone::UTC,
        None => return None,
    };
    let moment = zone.to_ambiguous_timestamp(local).compatible().ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_dates_are_read_in_the_zone_of_the_settings() {
        let zurich = TimeZone::get("Europe/Zurich").unwrap();
        let at = from_java_text("Sat Nov 21 17:23:42 CET 2026", Some(&zurich));
        assert_eq!(at, Some(Timestamp(1_795_278_222_000)));
        let utc = from_java_text("Sat Nov 21 16:23:42 UTC 2026", None);
        assert_eq!(at, utc);
        assert_eq!(
            from_java_text("Sat Nov 21 17:23:42 CST 2026", None),
            None,
            "CST is many zones"
        );
        for bad in ["", "yesterday", "Sat Nov 21 17:23:42 2026"] {
            assert_eq!(from_java_text(bad, Some(&zurich)), None);
        }
        assert_eq!(from_page("2026-11-21 17:23:42", Some(&zurich)), at);
        assert_eq!(from_page("2026-11-21 17:23:42", None), None, "no zone is told");
        assert_eq!(from_millis("1795281180513"), Some(Timestamp(1_795_281_180_513)));
        assert_eq!(from_millis("-1"), None);
    }
}
