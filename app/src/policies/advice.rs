//! What known limits call for: found, why, where to change it. An unknown limit is never taken for a good one.
//!
//! Numbers: NIST SP 800-63B-4, section 2.2.3 (AAL2), and the OWASP Session Management Cheat Sheet, as for an office.

use super::wire::{LimitSource, SystemLimits};
use crate::paths;
use crate::ui::ages::limit_text;
use crate::ui::thousands;
use crate::wire::Limit;

/// Longest time since sign-in for an office, hours.
const ABSOLUTE_H: i64 = 24;
/// Longest pause for an office, seconds.
const IDLE_S: i64 = 3_600;
/// A working day, hours.
const DAY_H: i64 = 8;

/// What limits call for.
pub struct Advice {
    /// What was found.
    pub fact: String,
    /// Why that matters, by whom it is said, and where to change it.
    pub means: String,
    /// Words and address of the sessions it is about.
    pub look: Option<(String, String)>,
}

/// What the limits themselves call for, worst first; nothing that is not read or typed in.
pub fn advice(systems: &[SystemLimits]) -> Vec<Advice> {
    let mut lines = Vec::new();
    for system in systems {
        let name = &system.system_name;
        if system.absolute == Limit::None {
            lines.push(Advice {
                fact: format!("{name} has no longest time."),
                means: "A stolen sign-in works for as long as somebody keeps clicking.".to_owned(),
                look: system.old_after_h.map(|hours| {
                    (
                        format!("Sessions started over {hours} h ago"),
                        paths::sessions_older(&system.system_id, hours),
                    )
                }),
            });
        }
        if system.idle == Limit::None {
            lines.push(Advice {
                fact: format!("{name} never ends idle sessions."),
                means: "A browser left open stays signed in.".to_owned(),
                look: None,
            });
        }
        lines.extend(too_long(system));
        for place in system
            .places
            .iter()
            .filter(|place| place.idle == Limit::None && system.idle != Limit::None)
        {
            lines.push(Advice {
                fact: format!("{} of {name} never ends idle sessions.", place.place),
                means: "A browser left open stays signed in there.".to_owned(),
                look: None,
            });
        }
        if let Some(never @ 1..) = system.never_idle {
            let (sessions, end) = match never {
                1 => ("session", "ends"),
                _ => ("sessions", "end"),
            };
            lines.push(Advice {
                fact: format!(
                    "{} {sessions} of {name} never {end} for idleness.",
                    thousands(never)
                ),
                means: "Others there do.".to_owned(),
                look: Some(("Show".to_owned(), paths::sessions_never_idle(&system.system_id))),
            });
        }
        lines.extend(system.advice.iter().map(|advice| Advice {
            fact: advice.fact.clone(),
            means: advice.means.clone(),
            look: None,
        }));
        if system.idle == Limit::Unknown && system.absolute == Limit::Unknown && system.places.is_empty() {
            lines.push(Advice {
                fact: format!("{name} does not tell its limits."),
                means: "Whether a session is over them can’t be shown, and nothing can be advised."
                    .to_owned(),
                look: None,
            });
        } else if system.places.is_empty() {
            for (limit, which) in [(system.idle, "idle limit"), (system.absolute, "longest time")] {
                if limit == Limit::Unknown {
                    lines.push(Advice {
                        fact: format!("Part of {name} can’t be judged: {which} unknown."),
                        means: "Nobody told us, and the listed sessions don’t show it.".to_owned(),
                        look: None,
                    });
                }
            }
        }
    }
    lines
}

/// Limits that are there but longer than advised, or that can never act.
fn too_long(system: &SystemLimits) -> Vec<Advice> {
    let name = &system.system_name;
    let change = match system.source {
        LimitSource::SetHere => "Change it in the form of this page.",
        LimitSource::Typed => "Change it there, then in curfew.toml, where it was typed in.",
        _ => "Change it there; it is read again by itself.",
    };
    let older = |hours: i64| {
        Some((
            format!("Sessions started over {hours} h ago"),
            paths::sessions_older(&system.system_id, hours),
        ))
    };
    let mut lines = Vec::new();
    let words = limit_text;
    match system.absolute {
        Limit::Seconds(s) if s > ABSOLUTE_H * 3_600 => lines.push(Advice {
            fact: format!("{name} lets a session live {}.", words(system.absolute)),
            means: format!("NIST SP 800-63B-4 (AAL2) says it should be 24 h at most. {change}"),
            look: older(ABSOLUTE_H),
        }),
        Limit::Seconds(s) if s > DAY_H * 3_600 => lines.push(Advice {
            fact: format!("{name} lets a session live {}.", words(system.absolute)),
            means: format!("Within what NIST advises; for an office, OWASP names 4 to 8 h. {change}"),
            look: older(DAY_H),
        }),
        _ => {}
    }
    let whole = (name.clone(), system.idle);
    let places = system
        .places
        .iter()
        .map(|place| (format!("{} of {name}", place.place), place.idle));
    for (name, idle) in std::iter::once(whole).chain(places) {
        if let Limit::Seconds(s) = idle
            && s > IDLE_S
        {
            lines.push(Advice {
                fact: format!("{name} ends idle sessions after {}.", words(idle)),
                means: format!("NIST SP 800-63B-4 (AAL2) says it should be 1 h at most. {change}"),
                look: None,
            });
        }
    }
    if let (Limit::Seconds(idle), Limit::Seconds(absolute)) = (system.idle, system.absolute)
        && idle >= absolute
    {
        lines.push(Advice {
            fact: format!("The idle limit of {name} can never act."),
            means: format!(
                "It is {}, and a session lives {} at most. {change}",
                words(system.idle),
                words(system.absolute)
            ),
            look: None,
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::SystemId;

    const H: i64 = 3_600;

    fn facts(idle: Limit, absolute: Limit) -> Vec<String> {
        let system = SystemLimits {
            idle,
            absolute,
            source: LimitSource::Read,
            ..SystemLimits::unknown(SystemId::from("a"), "A".to_owned())
        };
        advice(&[system]).into_iter().map(|line| line.fact).collect()
    }

    #[test]
    fn security_g_each_rule_speaks_beyond_its_limit_and_not_at_it() {
        let s = Limit::Seconds;
        let cases: [(Limit, Limit, &[&str]); 8] = [
            (s(H), s(8 * H), &[]),
            (s(H + 1), s(8 * H), &["A ends idle sessions after 1 h."]),
            (s(H), s(24 * H), &["A lets a session live 24 h."]),
            (s(H), s(72 * H), &["A lets a session live 3 d."]),
            (s(H), s(H), &["The idle limit of A can never act."]),
            (s(H), Limit::None, &["A has no longest time."]),
            (Limit::None, s(H), &["A never ends idle sessions."]),
            (
                Limit::Unknown,
                s(H),
                &["Part of A can’t be judged: idle limit unknown."],
            ),
        ];
        for (idle, absolute, words) in cases {
            assert_eq!(facts(idle, absolute), words, "{idle:?} {absolute:?}");
        }
    }

    #[test]
    fn security_g3_unknown_is_never_fine() {
        assert_eq!(
            facts(Limit::Unknown, Limit::Unknown),
            ["A does not tell its limits."]
        );
        assert_eq!(
            facts(Limit::Seconds(H), Limit::Unknown),
            ["Part of A can’t be judged: longest time unknown."]
        );
    }
}
