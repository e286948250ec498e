//! Limits read off the listed sessions, where a system tells none itself.

use app::policies::wire::{LimitSource, PlaceLimits, SystemLimits};
use app::sessions::wire::SessionKind;
use app::ui::ages::limit_text;
use app::wire::Limit;

use super::store::SeenKind;
use super::{SystemFacts, bare};

/// What the sessions of a system show; `None` = nothing. Kinds that differ stand apart, as places do.
pub fn limits(system: &SystemFacts, kinds: &[SeenKind], whole: bool) -> Option<SystemLimits> {
    let known: Vec<&SeenKind> = kinds
        .iter()
        .filter(|kind| (kind.idle.0, kind.absolute.0) != (Limit::Unknown, Limit::Unknown))
        .collect();
    let first = *known.first()?;
    let shown = SystemLimits {
        source: LimitSource::Seen,
        as_of: system.read_at,
        old_after_h: (first.absolute.0 == Limit::None).then_some(crate::domain::policy::OLD_AFTER_H),
        ..bare(system)
    };
    let alike = |kind: &&SeenKind| (kind.idle.0, kind.absolute.0) == (first.idle.0, first.absolute.0);
    if known.iter().all(alike) {
        let of = kinds.iter().map(|kind| kind.of).sum();
        let idle = known.iter().map(|kind| kind.idle.1).sum();
        let absolute = known.iter().map(|kind| kind.absolute.1).sum();
        return Some(SystemLimits {
            idle: first.idle.0,
            absolute: first.absolute.0,
            source_note: match whole {
                true => note((first.idle.0, idle), (first.absolute.0, absolute), of),
                false => String::new(),
            },
            ..shown
        });
    }
    let places = known.iter().map(|kind| {
        let mut notes = Vec::new();
        if kind.absolute.0 != Limit::Unknown {
            notes.push(format!("longest {}", limit_text(kind.absolute.0)));
        }
        if whole {
            notes.push(note(kind.idle, kind.absolute, kind.of));
        }
        PlaceLimits {
            place: SessionKind::from_name(&kind.kind)
                .map_or(kind.kind.as_str(), |known| known.label())
                .to_owned(),
            idle: kind.idle.0,
            note: notes.join(". "),
        }
    });
    let same_absolute = known.iter().all(|kind| kind.absolute.0 == first.absolute.0);
    Some(SystemLimits {
        places: places.collect(),
        absolute: if same_absolute {
            first.absolute.0
        } else {
            Limit::Unknown
        },
        old_after_h: shown.old_after_h.filter(|_| same_absolute),
        ..shown
    })
}

/// "Read off 40 sessions: idle in 37, longest in 40".
fn note(idle: (Limit, usize), absolute: (Limit, usize), of: usize) -> String {
    let part =
        |word: &str, (limit, n): (Limit, usize)| (limit != Limit::Unknown).then(|| format!("{word} in {n}"));
    let parts: Vec<String> = [part("idle", idle), part("longest", absolute)]
        .into_iter()
        .flatten()
        .collect();
    match of {
        1 => "Read off 1 session".to_owned(),
        of => format!("Read off {of} sessions: {}", parts.join(", ")),
    }
}

/// What was told of a system, with what its sessions show of the rest; each says where it is from.
pub fn completed(told: SystemLimits, seen: SystemLimits) -> SystemLimits {
    if seen.source != LimitSource::Seen {
        return told;
    }
    if (told.idle, told.absolute) == (Limit::Unknown, Limit::Unknown) {
        return SystemLimits {
            settings: told.settings,
            advice: told.advice,
            ..seen
        };
    }
    let mut whole = told;
    let rest = match (whole.idle, whole.absolute) {
        (Limit::Unknown, _) if seen.idle != Limit::Unknown => {
            whole.idle = seen.idle;
            "Idle"
        }
        (_, Limit::Unknown) if seen.absolute != Limit::Unknown => {
            whole.absolute = seen.absolute;
            whole.old_after_h = seen.old_after_h;
            "Longest"
        }
        _ => return whole,
    };
    let full_stop = match whole.source_note.as_str() {
        "" => "",
        note if note.ends_with('.') => " ",
        _ => ". ",
    };
    whole.source_note = format!(
        "{}{full_stop}{rest} is read off the listed sessions.",
        whole.source_note
    );
    whole
}

#[cfg(test)]
mod tests {
    use app::wire::SystemId;

    use super::*;

    fn kind(kind: &str, of: usize, idle: (Limit, usize), absolute: (Limit, usize)) -> SeenKind {
        SeenKind {
            kind: kind.to_owned(),
            of,
            idle,
            absolute,
            newest: (0, 0),
        }
    }

    const NONE: (Limit, usize) = (Limit::Unknown, 0);
    const H: i64 = 3_600;

    fn shown(kinds: &[SeenKind], whole: bool) -> Option<SystemLimits> {
        let system = SystemFacts {
            system_id: SystemId::from("domo"),
            name: "Domo".to_owned(),
            read_at: None,
        };
        limits(&system, kinds, whole)
    }

    #[test]
    fn ui_k2_how_many_sessions_show_a_limit_is_for_who_sees_them_all() {
        let web = kind("web", 40, (Limit::Seconds(8 * H), 37), NONE);
        let told = shown(std::slice::from_ref(&web), true).unwrap();
        assert_eq!(
            (told.idle, told.absolute),
            (Limit::Seconds(8 * H), Limit::Unknown)
        );
        assert_eq!(told.source_note, "Read off 40 sessions: idle in 37");
        assert_eq!(shown(&[web], false).unwrap().source_note, "");
        assert_eq!(shown(&[kind("web", 9, NONE, NONE)], true), None);
    }

    #[test]
    fn domo_s3_what_was_typed_in_stands_and_the_rest_is_read_off_sessions() {
        let seen = || shown(&[kind("web", 9, (Limit::Seconds(H), 9), (Limit::None, 9))], true).unwrap();
        let told = |idle, absolute, source| SystemLimits {
            idle,
            absolute,
            source,
            source_note: "Of browsers.".to_owned(),
            ..SystemLimits::unknown(SystemId::from("domo"), "Domo".to_owned())
        };
        let typed = completed(
            told(Limit::Seconds(60), Limit::Unknown, LimitSource::Typed),
            seen(),
        );
        assert_eq!(
            (typed.idle, typed.absolute, typed.source),
            (Limit::Seconds(60), Limit::None, LimitSource::Typed)
        );
        assert_eq!(
            typed.source_note,
            "Of browsers. Longest is read off the listed sessions."
        );
        let nobody = completed(told(Limit::Unknown, Limit::Unknown, LimitSource::Unknown), seen());
        assert_eq!(
            (nobody.idle, nobody.source),
            (Limit::Seconds(H), LimitSource::Seen)
        );
        assert_eq!(nobody.source_note, "Read off 9 sessions: idle in 9, longest in 9");
    }

    #[test]
    fn kinds_with_limits_of_their_own_stand_apart() {
        let kinds = [
            kind(
                "mobile",
                4,
                (Limit::Seconds(720 * H), 4),
                (Limit::Seconds(4_320 * H), 3),
            ),
            kind("web", 40, (Limit::Seconds(8 * H), 40), (Limit::None, 40)),
        ];
        let told = shown(&kinds, true).unwrap();
        assert_eq!((told.idle, told.absolute), (Limit::Unknown, Limit::Unknown));
        let places: Vec<(&str, &str)> = told
            .places
            .iter()
            .map(|p| (p.place.as_str(), p.note.as_str()))
            .collect();
        assert_eq!(
            places,
            [
                (
                    "Mobile",
                    "longest 180 d. Read off 4 sessions: idle in 4, longest in 3"
                ),
                (
                    "Web",
                    "longest none. Read off 40 sessions: idle in 40, longest in 40"
                ),
            ]
        );
    }
}
