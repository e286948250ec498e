//! The forms of the policies page: limits in minutes, tried by GET and saved by POST.

use super::wire::{PolicyEdit, bounds};
use crate::error::AppError;
use crate::form::{Pairs, Problems};
use crate::paths;

/// `idle_minutes`.
pub const IDLE: &str = "idle_minutes";
/// `absolute_minutes`.
pub const ABSOLUTE: &str = "absolute_minutes";
/// `reason`.
pub const REASON: &str = "reason";

/// Reads the form that saves.
pub fn read_edit(pairs: &[(String, String)]) -> Result<PolicyEdit, AppError> {
    let pairs = Pairs(pairs);
    let mut problems = Problems::default();
    let mut minutes = |field: &str, least: i64, most: i64, words: &str| {
        let number = pairs
            .text(field)
            .parse()
            .ok()
            .filter(|n| (least..=most).contains(n));
        if number.is_none() {
            problems.add(field, words);
        }
        number.unwrap_or_default()
    };
    let idle_minutes = minutes(
        IDLE,
        bounds::IDLE_MIN,
        bounds::IDLE_MAX,
        "Whole minutes, from 5 to 60.",
    );
    let absolute_minutes = minutes(
        ABSOLUTE,
        bounds::ABSOLUTE_MIN,
        bounds::ABSOLUTE_MAX,
        "Whole minutes, from 5 to 1440 (24 h).",
    );
    let reason = problems.need(pairs, REASON, 500, "Write why, in 1 to 500 characters.");
    problems.or(PolicyEdit {
        idle_minutes,
        absolute_minutes,
        reason,
    })
}

/// The limits an address asks about, if both are numbers.
pub fn asked(idle: Option<&str>, absolute: Option<&str>) -> Option<(i64, i64)> {
    Some((idle?.trim().parse().ok()?, absolute?.trim().parse().ok()?))
}

/// The page with a question about these limits.
pub fn ask_path(idle_minutes: i64, absolute_minutes: i64) -> String {
    paths::with_query(
        paths::POLICIES,
        &format!("{IDLE}={idle_minutes}&{ABSOLUTE}={absolute_minutes}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_a6_a7_limits_outside_the_bounds_are_refused() {
        let read = |idle: &str, absolute: &str| {
            let pairs = [(IDLE, idle), (ABSOLUTE, absolute), (REASON, "tighter nights")];
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect();
            read_edit(&pairs)
        };
        assert_eq!(read("15", "480").map(|edit| edit.absolute_minutes), Ok(480));
        for (idle, absolute) in [
            ("4", "480"),
            ("61", "480"),
            ("15", "1441"),
            ("", ""),
            ("15 min", "8 h"),
            ("-5", "5"),
        ] {
            assert!(read(idle, absolute).is_err(), "{idle} {absolute}");
        }
    }
}
