//! What known limits call for: found, why, where to change it. An unknown limit is never taken for a good one.
//!
//! Numbers: NIST SP 800-63B-4, sections 2.1.3 (AAL1), 2.2.3 (AAL2) and 2.3.3 (AAL3), PCI DSS 8.2.8 and the OWASP Session
//! Management Cheat Sheet, by the profile of the system. "Must" stands for a SHALL, "should" for a SHOULD.

use super::wire::{LimitSource, Profile, SystemLimits};
use crate::paths;
use crate::ui::ages::limit_text;
use crate::ui::thousands;
use crate::wire::Limit;

const MIN: i64 = 60;
const H: i64 = 3_600;
const DAY: i64 = 86_400;

/// The longest that a profile lets something be, and who says so.
struct Most {
    seconds: i64,
    says: &'static str,
}

/// Longest times since sign-in, the worst to pass first.
const fn longest(profile: Profile) -> &'static [Most] {
    match profile {
        Profile::Office => &[
            Most {
                seconds: 24 * H,
                says: "NIST SP 800-63B-4 (AAL2) says it should be 24 h at most.",
            },
            Most {
                seconds: 8 * H,
                says: "Within what NIST advises; for an office, OWASP names 4 to 8 h.",
            },
        ],
        Profile::High => &[Most {
            seconds: 12 * H,
            says: "NIST SP 800-63B-4 (AAL3) says it must be 12 h at most.",
        }],
        Profile::Public => &[Most {
            seconds: 30 * DAY,
            says: "NIST SP 800-63B-4 (AAL1) says it should be 30 d at most.",
        }],
        Profile::Pci => &[],
    }
}

/// The longest pause; `None` = the profile names none.
const fn pause(profile: Profile) -> Option<Most> {
    match profile {
        Profile::Office => Some(Most {
            seconds: H,
            says: "NIST SP 800-63B-4 (AAL2) says it should be 1 h at most.",
        }),
        Profile::High => Some(Most {
            seconds: 15 * MIN,
            says: "NIST SP 800-63B-4 (AAL3) says it should be 15 min at most.",
        }),
        Profile::Pci => Some(Most {
            seconds: 15 * MIN,
            says: "PCI DSS 8.2.8 says people must sign in again after 15 min; a screen lock may do.",
        }),
        Profile::Public => None,
    }
}

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
                means: match system.profile {
                    Profile::Public => {
                        "A browser left open stays signed in; for a public service that may be."
                    }
                    _ => "A browser left open stays signed in.",
                }
                .to_owned(),
                look: None,
            });
        }
        lines.extend(too_long(system));
        if system.ends == Some(false) {
            lines.push(Advice {
                fact: format!("{name} ends no session when asked."),
                means: "What works instead: keep the person from signing in there, and wait until its limits end what is \
                        left."
                    .to_owned(),
                look: None,
            });
        }
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
    if let Limit::Seconds(s) = system.absolute
        && let Some(most) = longest(system.profile).iter().find(|most| s > most.seconds)
    {
        lines.push(Advice {
            fact: format!("{name} lets a session live {}.", words(system.absolute)),
            means: format!("{} {change}", most.says),
            look: older(most.seconds / H),
        });
    }
    let whole = (name.clone(), system.idle);
    let places = system
        .places
        .iter()
        .map(|place| (format!("{} of {name}", place.place), place.idle));
    for (name, idle) in std::iter::once(whole).chain(places) {
        if let Limit::Seconds(s) = idle
            && let Some(most) = pause(system.profile)
            && s > most.seconds
        {
            lines.push(Advice {
                fact: format!("{name} ends idle sessions after {}.", words(idle)),
                means: format!("{} {change}", most.says),
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
    fn security_g_each_profile_has_limits_of_its_own() {
        let lines = |profile, idle: i64, absolute: i64| {
            let system = SystemLimits {
                idle: Limit::Seconds(idle),
                absolute: Limit::Seconds(absolute),
                source: LimitSource::Read,
                profile,
                ..SystemLimits::unknown(SystemId::from("a"), "A".to_owned())
            };
            let lines = advice(&[system]).into_iter();
            lines.map(|line| line.means).collect::<Vec<_>>()
        };
        let says = |found: Vec<String>, words: &[&str]| {
            assert_eq!(found.len(), words.len(), "{found:?}");
            for (line, words) in found.iter().zip(words) {
                assert!(line.contains(words), "{line}");
            }
        };
        use Profile::{High, Office, Pci, Public};
        says(lines(High, 15 * MIN, 12 * H), &[]);
        says(
            lines(High, 15 * MIN + 1, 12 * H + 1),
            &["must be 12 h", "should be 15 min"],
        );
        says(lines(Pci, 15 * MIN, 90 * DAY), &[]);
        says(lines(Pci, 16 * MIN, 90 * DAY), &["PCI DSS 8.2.8"]);
        says(lines(Public, 29 * DAY, 30 * DAY), &[]);
        says(lines(Public, 29 * DAY, 31 * DAY), &["should be 30 d"]);
        says(lines(Office, H, 8 * H), &[]);
        for profile in [Office, High, Pci, Public] {
            says(
                lines(profile, 10 * MIN, 5 * MIN),
                &["and a session lives 5 min at most"],
            );
        }
    }

    #[test]
    fn security_g_a_system_that_ends_nothing_is_named_and_one_nobody_asked_is_not() {
        let facts = |ends| {
            let system = SystemLimits {
                idle: Limit::Seconds(H),
                absolute: Limit::Seconds(8 * H),
                ends,
                ..SystemLimits::unknown(SystemId::from("a"), "A".to_owned())
            };
            advice(&[system]).len()
        };
        assert_eq!((facts(Some(false)), facts(Some(true)), facts(None)), (1, 0, 0));
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
