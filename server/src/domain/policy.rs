//! Session limits: what may be set for Curfew's own sessions, and from which moments limits reach back.

use app::error::FieldProblem;
use app::policies::wire::{PlaceLimits, PolicyEdit, bounds};
use app::sessions::query::filter::PastLimits;
use app::ui::ages::limit_text;
use app::wire::{Limit, Timestamp};

/// The id of the portal among the connected systems.
pub const OWN_SYSTEM: &str = "curfew";

/// Idle timeout of Curfew's own sessions until somebody changes it, seconds: 15 min.
pub const DEFAULT_IDLE_S: i64 = 15 * 60;
/// Absolute lifetime of Curfew's own sessions until somebody changes it, seconds: 8 h.
pub const DEFAULT_ABSOLUTE_S: i64 = 8 * 60 * 60;

/// Hours after which sessions are offered for a look where no longest time ends them.
pub const OLD_AFTER_H: i64 = 12;

/// Longest reason, characters.
pub const REASON_MAX: usize = 500;

/// A setting's value with its unit, long ones in words a person reads: "365 days" for 31536000 seconds.
///
/// Exact: what is no whole number of days or hours, and what is no number, keeps the unit it came in.
pub fn told_length(value: &str, unit: &str) -> String {
    let each = match unit {
        "seconds" => 1,
        "minutes" => 60,
        _ => 0,
    };
    let seconds = value.parse::<i64>().ok().and_then(|n| n.checked_mul(each));
    match seconds {
        Some(s) if s >= 172_800 && s % 86_400 == 0 => format!("{} days", s / 86_400),
        Some(s) if s >= 7_200 && s % 3_600 == 0 && unit == "seconds" => format!("{} h", s / 3_600),
        _ => format!("{value} {unit}").trim().to_owned(),
    }
}

/// What is wrong with new limits; empty = they can be taken (security A6, A7).
pub fn problems(edit: &PolicyEdit) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    let mut bad = |field: &str, message: String| {
        found.push(FieldProblem {
            field: field.to_owned(),
            message,
        })
    };
    if !(bounds::IDLE_MIN..=bounds::IDLE_MAX).contains(&edit.idle_minutes) {
        bad(
            "idle_minutes",
            format!(
                "The idle timeout can be {} to {} minutes.",
                bounds::IDLE_MIN,
                bounds::IDLE_MAX
            ),
        );
    }
    if !(bounds::ABSOLUTE_MIN..=bounds::ABSOLUTE_MAX).contains(&edit.absolute_minutes) {
        bad(
            "absolute_minutes",
            format!(
                "The longest life can be {} to {} minutes (24 h).",
                bounds::ABSOLUTE_MIN,
                bounds::ABSOLUTE_MAX
            ),
        );
    } else if edit.idle_minutes >= edit.absolute_minutes {
        bad(
            "idle_minutes",
            "The idle timeout must be shorter than the longest life, else it never bites.".to_owned(),
        );
    }
    let reason = edit.reason.trim();
    if reason.is_empty() {
        bad("reason", "Say why the limits change.".to_owned());
    } else if reason.chars().count() > REASON_MAX {
        bad(
            "reason",
            format!("The reason can have up to {REASON_MAX} characters."),
        );
    }
    found
}

/// The moments before which a session is past `limits`: (last activity, start).
pub fn reach(limits: PastLimits, now: Timestamp) -> (Timestamp, Timestamp) {
    (
        now.plus_seconds(limits.idle_minutes.saturating_mul(-60)),
        now.plus_seconds(limits.absolute_minutes.saturating_mul(-60)),
    )
}

/// A limit as it is stored: NULL = unknown, 0 = there is none.
pub const fn stored(limit: Limit) -> Option<i64> {
    match limit {
        Limit::Unknown => None,
        Limit::None => Some(0),
        Limit::Seconds(seconds) => Some(seconds),
    }
}

/// The opposite of [`stored`].
pub const fn limit(stored: Option<i64>) -> Limit {
    match stored {
        None => Limit::Unknown,
        Some(0) => Limit::None,
        Some(seconds) => Limit::Seconds(seconds),
    }
}

/// Limits of a system as far as they can change: idle, longest, and idle by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Longest pause between activities.
    pub idle: Limit,
    /// Longest time since sign-in.
    pub absolute: Limit,
    /// Of single places.
    pub places: Vec<PlaceLimits>,
}

impl Limits {
    /// How these differ from those `before`, a sentence part each: "/calendar: idle 30 min, now 60 min".
    pub fn changes(&self, before: &Limits) -> Vec<String> {
        let mut changes = Vec::new();
        for (what, was, is) in [
            ("idle", before.idle, self.idle),
            ("longest", before.absolute, self.absolute),
        ] {
            if was != is {
                changes.push(format!("{what} {}, now {}", limit_text(was), limit_text(is)));
            }
        }
        let of = |places: &[PlaceLimits], name: &str| places.iter().find(|p| p.place == name).map(|p| p.idle);
        for place in &self.places {
            let (name, is) = (&place.place, limit_text(place.idle));
            match of(&before.places, name) {
                None => changes.push(format!("{name} is new: idle {is}")),
                Some(was) if was != place.idle => {
                    changes.push(format!("{name}: idle {}, now {is}", limit_text(was)));
                }
                Some(_) => {}
            }
        }
        let gone = before
            .places
            .iter()
            .filter(|p| of(&self.places, &p.place).is_none());
        changes.extend(gone.map(|p| format!("{} is gone", p.place)));
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(idle_minutes: i64, absolute_minutes: i64, reason: &str) -> PolicyEdit {
        PolicyEdit {
            idle_minutes,
            absolute_minutes,
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn long_settings_are_told_in_days() {
        for (value, unit, words) in [
            ("31536000", "seconds", "365 days"),
            ("1209600", "seconds", "14 days"),
            ("28800", "seconds", "8 h"),
            ("180", "seconds", "180 seconds"),
            ("90061", "seconds", "90061 seconds"),
            ("240", "minutes", "240 minutes"),
            ("43200", "minutes", "30 days"),
            ("-1", "minutes", "-1 minutes"),
            ("", "", ""),
            ("true", "", "true"),
        ] {
            assert_eq!(told_length(value, unit), words);
        }
    }

    #[test]
    fn security_a6_a7_limits_out_of_bounds_are_refused_by_field() {
        let fields = |e: &PolicyEdit| problems(e).into_iter().map(|p| p.field).collect::<Vec<_>>();
        assert!(problems(&edit(5, 6, "r")).is_empty());
        assert!(problems(&edit(60, 1440, &"ä".repeat(500))).is_empty());
        assert_eq!(fields(&edit(4, 480, "r")), ["idle_minutes"]);
        assert_eq!(fields(&edit(61, 480, "r")), ["idle_minutes"]);
        assert_eq!(fields(&edit(-1, 0, "r")), ["idle_minutes", "absolute_minutes"]);
        assert_eq!(fields(&edit(15, 1441, "r")), ["absolute_minutes"]);
        assert_eq!(fields(&edit(15, 15, "r")), ["idle_minutes"]);
        assert_eq!(fields(&edit(15, 480, "  ")), ["reason"]);
        assert_eq!(fields(&edit(15, 480, &"r".repeat(501))), ["reason"]);
    }

    #[test]
    fn what_changed_is_said_by_place() {
        let place = |place: &str, idle| PlaceLimits {
            place: place.to_owned(),
            idle,
            note: String::new(),
        };
        let before = Limits {
            idle: Limit::Seconds(1800),
            absolute: Limit::None,
            places: vec![
                place("/a", Limit::Seconds(1800)),
                place("/b", Limit::Seconds(1800)),
                place("/c", Limit::None),
            ],
        };
        assert_eq!(before.changes(&before), Vec::<String>::new());
        let after = Limits {
            absolute: Limit::Seconds(36_000),
            places: vec![
                place("/a", Limit::Seconds(3000)),
                place("/b", Limit::Seconds(1800)),
                place("/d", Limit::None),
            ],
            ..before.clone()
        };
        assert_eq!(
            after.changes(&before),
            [
                "longest none, now 10 h",
                "/a: idle 30 min, now 50 min",
                "/d is new: idle none",
                "/c is gone"
            ]
        );
    }

    #[test]
    fn no_limit_is_not_an_unknown_one() {
        for limit_in in [Limit::Unknown, Limit::None, Limit::Seconds(900)] {
            assert_eq!(limit(stored(limit_in)), limit_in);
        }
    }

    #[test]
    fn limits_reach_back_from_now() {
        let past = PastLimits {
            idle_minutes: 15,
            absolute_minutes: 480,
        };
        let (idle, start) = reach(past, Timestamp(30_000_000_000));
        assert_eq!(idle, Timestamp(30_000_000_000 - 900_000));
        assert_eq!(start, Timestamp(30_000_000_000 - 28_800_000));
    }
}
