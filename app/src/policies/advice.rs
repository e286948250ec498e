//! What known limits call for: found, why, where to change it. An unknown limit is never taken for a good one, and what
//! nobody knows is nothing that can be accepted.
//!
//! Numbers: NIST SP 800-63B-4, sections 2.1.3 (AAL1), 2.2.3 (AAL2) and 2.3.3 (AAL3), PCI DSS 8.2.8 and the OWASP Session
//! Management Cheat Sheet, by the profile of the system. "Must" stands for a SHALL, "should" for a SHOULD.

use super::behind;
use super::wire::{AdviceAccepted, LimitSource, Profile, SystemLimits};
use crate::paths;
use crate::ui::ages::limit_text;
use crate::ui::thousands;
use crate::wire::{Limit, SystemId};

const MIN: i64 = 60;
const H: i64 = 3_600;
const DAY: i64 = 86_400;

/// The longest that a profile lets something be, and who says so.
struct Most {
    rule: &'static str,
    seconds: i64,
    says: &'static str,
}

/// Longest times since sign-in, the worst to pass first.
const fn longest(profile: Profile) -> &'static [Most] {
    match profile {
        Profile::Office => &[
            Most {
                rule: "G-ABS-AAL2",
                seconds: 24 * H,
                says: "NIST SP 800-63B-4 (AAL2) says it should be 24 h at most.",
            },
            Most {
                rule: "G-ABS-OFFICE",
                seconds: 8 * H,
                says: "Within what NIST advises; for an office, OWASP names 4 to 8 h.",
            },
        ],
        Profile::High => &[Most {
            rule: "G-ABS-AAL3",
            seconds: 12 * H,
            says: "NIST SP 800-63B-4 (AAL3) says it must be 12 h at most.",
        }],
        Profile::Public => &[Most {
            rule: "G-ABS-AAL1",
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
            rule: "G-IDLE-AAL2",
            seconds: H,
            says: "NIST SP 800-63B-4 (AAL2) says it should be 1 h at most.",
        }),
        Profile::High => Some(Most {
            rule: "G-IDLE-AAL3",
            seconds: 15 * MIN,
            says: "NIST SP 800-63B-4 (AAL3) says it should be 15 min at most.",
        }),
        Profile::Pci => Some(Most {
            rule: "G-IDLE-PCI",
            seconds: 15 * MIN,
            says: "PCI DSS 8.2.8 says people must sign in again after 15 min; a screen lock may do.",
        }),
        Profile::Public => None,
    }
}

/// What limits call for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The system it is about.
    pub system_id: SystemId,
    /// Its rule and, behind a colon, the place; empty = something is not known, and nobody can accept that.
    pub id: String,
    /// The value it is about.
    pub ground: String,
    /// What was found.
    pub fact: String,
    /// Why that matters, by whom it is said, and where to change it.
    pub means: String,
    /// Words and address of the sessions it is about.
    pub look: Option<(String, String)>,
    /// Who accepted it on this ground and until when; `None` = it is open.
    pub accepted: Option<AdviceAccepted>,
    /// Whether the caller may accept it or take that back.
    pub may_accept: bool,
}

impl Advice {
    /// Advice by a rule, open.
    pub(super) fn new(system: &SystemLimits, id: impl Into<String>, ground: impl Into<String>) -> Self {
        Advice {
            system_id: system.system_id.clone(),
            id: id.into(),
            ground: ground.into(),
            fact: String::new(),
            means: String::new(),
            look: None,
            accepted: None,
            may_accept: false,
        }
    }

    /// Something that is not known.
    fn unknown(system: &SystemLimits) -> Self {
        Self::new(system, "", "")
    }

    /// What it says.
    pub(super) fn says(mut self, fact: impl Into<String>, means: impl Into<String>) -> Self {
        (self.fact, self.means) = (fact.into(), means.into());
        self
    }

    fn look(mut self, words: impl Into<String>, href: String) -> Self {
        self.look = Some((words.into(), href));
        self
    }
}

/// A limit as the ground of advice, exactly.
pub(super) fn exactly(limit: Limit) -> String {
    match limit {
        Limit::Unknown => "unknown".to_owned(),
        Limit::None => "none".to_owned(),
        Limit::Seconds(seconds) => format!("{seconds} s"),
    }
}

/// `id`, of one place.
fn of_place(id: &str, place: &str) -> String {
    match place {
        "" => id.to_owned(),
        place => format!("{id}:{place}"),
    }
}

/// What the limits themselves call for, worst first; nothing that is not read or typed in. Accepted advice says so.
pub fn advice(systems: &[SystemLimits]) -> Vec<Advice> {
    let by_id = |id: &SystemId| systems.iter().find(|system| system.system_id == *id);
    let mut lines = Vec::new();
    for system in systems {
        let server = system.signs_in_by.as_ref().and_then(by_id);
        let mut of_it = of_system(system, server);
        for line in of_it.iter_mut().filter(|line| !line.id.is_empty()) {
            let same = |a: &&AdviceAccepted| a.advice == line.id && a.ground == line.ground;
            line.accepted = system.accepted.iter().find(same).cloned();
            line.may_accept = system.may_accept;
        }
        lines.extend(of_it);
    }
    lines
}

/// What the limits of a system call for; `server` = the identity server its people sign in by.
fn of_system(system: &SystemLimits, server: Option<&SystemLimits>) -> Vec<Advice> {
    let name = &system.system_name;
    let about = |id: &str, limit: Limit| Advice::new(system, id, exactly(limit));
    let mut lines = Vec::new();
    if system.absolute == Limit::None {
        let line = about("G-ABS-NONE", Limit::None).says(
            format!("{name} has no longest time."),
            "A stolen sign-in works for as long as somebody keeps clicking.",
        );
        lines.push(match system.old_after_h {
            Some(hours) => line.look(
                format!("Sessions started over {hours} h ago"),
                paths::sessions_older(&system.system_id, hours),
            ),
            None => line,
        });
    }
    if system.idle == Limit::None {
        lines.push(about("G-IDLE-NONE", Limit::None).says(
            format!("{name} never ends idle sessions."),
            match system.profile {
                Profile::Public => "A browser left open stays signed in; for a public service that may be.",
                _ => "A browser left open stays signed in.",
            },
        ));
    }
    lines.extend(too_long(system));
    lines.extend(
        server
            .into_iter()
            .flat_map(|server| behind::advice(system, server)),
    );
    if system.ends == Some(false) {
        lines.push(Advice::new(system, "G-NO-KILL", "ends none").says(
            format!("{name} ends no session when asked."),
            "What works instead: keep the person from signing in there, and wait until its limits end what is left.",
        ));
    }
    for place in system
        .places
        .iter()
        .filter(|place| place.idle == Limit::None && system.idle != Limit::None)
    {
        lines.push(about(&of_place("G-IDLE-NONE", &place.place), Limit::None).says(
            format!("{} of {name} never ends idle sessions.", place.place),
            "A browser left open stays signed in there.",
        ));
    }
    if let Some(never @ 1..) = system.never_idle {
        let (sessions, end) = match never {
            1 => ("session", "ends"),
            _ => ("sessions", "end"),
        };
        // How many they are changes by the minute and with who looks: that there are such is the ground.
        lines.push(
            Advice::new(system, "IDLE-NONE-SOME", "some")
                .says(
                    format!(
                        "{} {sessions} of {name} never {end} for idleness.",
                        thousands(never)
                    ),
                    "Others there do.",
                )
                .look("Show", paths::sessions_never_idle(&system.system_id)),
        );
    }
    lines.extend(system.advice.iter().map(|told| {
        Advice::new(system, told.rule.as_str(), told.ground.as_str())
            .says(told.fact.as_str(), told.means.as_str())
    }));
    if system.idle == Limit::Unknown && system.absolute == Limit::Unknown && system.places.is_empty() {
        lines.push(Advice::unknown(system).says(
            format!("{name} does not tell its limits."),
            "Whether a session is over them can’t be shown, and nothing can be advised.",
        ));
    } else if system.places.is_empty() {
        for (limit, which) in [(system.idle, "idle limit"), (system.absolute, "longest time")] {
            if limit == Limit::Unknown {
                lines.push(Advice::unknown(system).says(
                    format!("Part of {name} can’t be judged: {which} unknown."),
                    "Nobody told us, and the listed sessions don’t show it.",
                ));
            }
        }
    }
    lines
}

/// How a limit of a system is changed.
pub(super) const fn change(system: &SystemLimits) -> &'static str {
    match system.source {
        LimitSource::SetHere => "Change it in the form of this page.",
        LimitSource::Typed => "Change it there, then in curfew.toml, where it was typed in.",
        _ => "Change it there; it is read again by itself.",
    }
}

/// The idle limits of a system: place (empty = all of it), whose they are in words, and the limit.
pub(super) fn idle_limits(system: &SystemLimits) -> Vec<(&str, String, Limit)> {
    let name = &system.system_name;
    let places = system.places.iter().map(|place| {
        (
            place.place.as_str(),
            format!("{} of {name}", place.place),
            place.idle,
        )
    });
    std::iter::once(("", name.clone(), system.idle))
        .chain(places)
        .collect()
}

/// Limits that are there but longer than advised, or that can never act.
fn too_long(system: &SystemLimits) -> Vec<Advice> {
    let name = &system.system_name;
    let change = change(system);
    let mut lines = Vec::new();
    let words = limit_text;
    if let Limit::Seconds(s) = system.absolute
        && let Some(most) = longest(system.profile).iter().find(|most| s > most.seconds)
    {
        let hours = most.seconds / H;
        lines.push(
            Advice::new(system, most.rule, exactly(system.absolute))
                .says(
                    format!("{name} lets a session live {}.", words(system.absolute)),
                    format!("{} {change}", most.says),
                )
                .look(
                    format!("Sessions started over {hours} h ago"),
                    paths::sessions_older(&system.system_id, hours),
                ),
        );
    }
    for (place, name, idle) in idle_limits(system) {
        if let Limit::Seconds(s) = idle
            && let Some(most) = pause(system.profile)
            && s > most.seconds
        {
            lines.push(
                Advice::new(system, of_place(most.rule, place), exactly(idle)).says(
                    format!("{name} ends idle sessions after {}.", words(idle)),
                    format!("{} {change}", most.says),
                ),
            );
        }
    }
    if let (Limit::Seconds(idle), Limit::Seconds(absolute)) = (system.idle, system.absolute)
        && idle >= absolute
    {
        lines.push(
            Advice::new(
                system,
                "G-IDLE-GT-ABS",
                format!("{} of {}", exactly(system.idle), exactly(system.absolute)),
            )
            .says(
                format!("The idle limit of {name} can never act."),
                format!(
                    "It is {}, and a session lives {} at most. {change}",
                    words(system.idle),
                    words(system.absolute)
                ),
            ),
        );
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

    fn accepted(advice: &str, ground: &str) -> AdviceAccepted {
        AdviceAccepted {
            advice: advice.to_owned(),
            ground: ground.to_owned(),
            reason: "A kiosk".to_owned(),
            by: "Mara".to_owned(),
            at: Default::default(),
            until: Default::default(),
        }
    }

    #[test]
    fn security_asvs_7_1_1_accepted_advice_holds_for_the_value_it_was_about() {
        let open = |absolute: i64, accepted: &[AdviceAccepted]| {
            let system = SystemLimits {
                idle: Limit::Seconds(H),
                absolute: Limit::Seconds(absolute),
                accepted: accepted.to_vec(),
                ..SystemLimits::unknown(SystemId::from("a"), "A".to_owned())
            };
            let lines = advice(&[system]);
            assert_eq!(lines.len(), 1, "accepted advice stays in sight");
            lines.iter().filter(|line| line.accepted.is_none()).count()
        };
        let kiosk = [accepted("G-ABS-AAL2", "172800 s")];
        assert_eq!(open(48 * H, &[]), 1);
        assert_eq!(open(48 * H, &kiosk), 0);
        assert_eq!(open(48 * H + 1, &kiosk), 1, "the same words, another value");
        assert_eq!(open(20 * H, &kiosk), 1, "another rule");
    }

    #[test]
    fn security_g3_what_is_not_known_is_nothing_to_accept() {
        let mut system = SystemLimits::unknown(SystemId::from("a"), "A".to_owned());
        system.may_accept = true;
        system.accepted = vec![accepted("", "")];
        for line in advice(&[system]) {
            assert!(line.accepted.is_none() && !line.may_accept, "{line:?}");
        }
    }
}
