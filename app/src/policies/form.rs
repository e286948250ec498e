//! The forms of the policies page: limits in minutes, tried by GET and saved by POST; advice accepted and taken back.

use super::wire::{AcceptAdvice, PolicyEdit, bounds};
use crate::civil::Civil;
use crate::error::AppError;
use crate::form::{Pairs, Problems};
use crate::paths;
use crate::wire::SystemId;

/// `idle_minutes`.
pub const IDLE: &str = "idle_minutes";
/// `absolute_minutes`.
pub const ABSOLUTE: &str = "absolute_minutes";
/// `reason`.
pub const REASON: &str = "reason";

/// `act` of the forms of advice.
pub const ACT: &str = "act";
/// [`ACT`]: it may stay as it is for a while.
pub const ACCEPT: &str = "accept";
/// [`ACT`]: it is open again.
pub const REOPEN: &str = "reopen";
/// `system`.
pub const SYSTEM: &str = "system";
/// `advice`: its rule and place.
pub const ADVICE: &str = "advice";
/// `ground`: the value it is about, as shown.
pub const GROUND: &str = "ground";
/// `until`: local date and time.
pub const UNTIL: &str = "until";

/// What a form of advice asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdviceAct {
    /// Leave it as it is for a while.
    Accept(SystemId, AcceptAdvice),
    /// Take that back.
    Reopen(SystemId, String),
}

impl AdviceAct {
    /// Reads a form; `offset_min` is the zone its local times are in, minutes east of UTC.
    pub fn read(pairs: &[(String, String)], offset_min: i32) -> Result<AdviceAct, AppError> {
        let pairs = Pairs(pairs);
        let system = SystemId::from(pairs.text(SYSTEM));
        let advice = pairs.text(ADVICE).to_owned();
        match pairs.text(ACT) {
            ACCEPT => {
                let mut problems = Problems::default();
                let reason = problems.need(pairs, REASON, 500, "Write why, in 1 to 500 characters.");
                let until = Civil::parse(pairs.text(UNTIL));
                if until.is_none() {
                    problems.add(UNTIL, "Write a date and time within a year, as 2027-03-31 18:00.");
                }
                let accept = AcceptAdvice {
                    advice,
                    ground: pairs.text(GROUND).to_owned(),
                    reason,
                    until: until.map(|civil| civil.timestamp(offset_min)).unwrap_or_default(),
                };
                problems.or(AdviceAct::Accept(system, accept))
            }
            REOPEN => Ok(AdviceAct::Reopen(system, advice)),
            _ => Err(AppError::invalid(
                ACT,
                "This form asks for nothing that can be done.",
            )),
        }
    }
}

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
    fn advice_is_accepted_with_a_reason_and_an_end_or_not_at_all() {
        let read = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect();
            match AdviceAct::read(&pairs, 60) {
                Ok(act) => Ok(act),
                Err(AppError::Invalid { problems }) => {
                    Err(problems.into_iter().map(|p| p.field).collect::<Vec<_>>())
                }
                Err(other) => panic!("{other:?}"),
            }
        };
        let named = [(ACT, ACCEPT), (SYSTEM, "domo"), (ADVICE, "G-ABS-NONE")];
        assert_eq!(read(&named), Err(vec![REASON.to_owned(), UNTIL.to_owned()]));
        let mut whole = named.to_vec();
        whole.extend([(REASON, "A kiosk"), (UNTIL, "2027-03-31T18:00"), (GROUND, "none")]);
        let Ok(AdviceAct::Accept(system, accept)) = read(&whole) else {
            panic!("refused");
        };
        assert_eq!((system.as_str(), accept.ground.as_str()), ("domo", "none"));
        let until = Civil::parse("2027-03-31T17:00").map(|civil| civil.timestamp(0));
        assert_eq!(Some(accept.until), until, "in the zone of the person");
        assert_eq!(
            read(&[(ACT, REOPEN), (SYSTEM, "domo"), (ADVICE, "x")]),
            Ok(AdviceAct::Reopen("domo".into(), "x".to_owned()))
        );
        assert_eq!(read(&[(ACT, "")]), Err(vec![ACT.to_owned()]));
    }

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
