//! What limits of an application call for beside those of the identity server its people sign in by. Judged only where
//! both are known: who signs in by whom is said in the settings (`signs_in_by`), never guessed.

use super::advice::{Advice, change, exactly, idle_limits};
use super::wire::SystemLimits;
use crate::ui::ages::limit_text;
use crate::wire::Limit;

/// Whether sessions under `a` can go on when those under `b` are over.
const fn outlives(a: Limit, b: Limit) -> bool {
    match (a, b) {
        (Limit::None, Limit::Seconds(_)) => true,
        (Limit::Seconds(a), Limit::Seconds(b)) => a > b,
        _ => false,
    }
}

/// A limit of the application beside the server's: mark of its place, words, its value and the server's.
struct Pair {
    mark: String,
    words: String,
    app: Limit,
    server: Limit,
}

impl Pair {
    fn ground(&self) -> String {
        format!("{} {} by {}", self.mark, exactly(self.app), exactly(self.server))
    }

    fn said(&self) -> String {
        format!(
            "{} {}, there {}",
            self.words,
            limit_text(self.app),
            limit_text(self.server)
        )
    }
}

fn pairs(app: &SystemLimits, server: &SystemLimits) -> Vec<Pair> {
    let longest = Pair {
        mark: "longest".to_owned(),
        words: "longest time".to_owned(),
        app: app.absolute,
        server: server.absolute,
    };
    let idle = idle_limits(app).into_iter().map(|(place, _, idle)| Pair {
        mark: match place {
            "" => "idle".to_owned(),
            place => format!("idle of {place}"),
        },
        words: match place {
            "" => "idle limit".to_owned(),
            place => format!("idle limit of {place}"),
        },
        app: idle,
        server: server.idle,
    });
    std::iter::once(longest).chain(idle).collect()
}

/// G-APP-GT-IDP and G-IDP-SILENT.
pub(super) fn advice(app: &SystemLimits, server: &SystemLimits) -> Vec<Advice> {
    let (name, server_name) = (&app.system_name, &server.system_name);
    let pairs = pairs(app, server);
    let mut lines: Vec<Advice> = pairs
        .iter()
        .filter(|pair| outlives(pair.app, pair.server))
        .map(|pair| {
            Advice::new(app, format!("G-APP-GT-IDP:{}", pair.mark), pair.ground()).says(
                format!("{name} outlives {server_name}: {}.", pair.said()),
                format!(
                    "Limits do not carry over (NIST SP 800-63B-4, 5.2): people stay signed in here when their sign-in \
                     there is over. {}",
                    change(app)
                ),
            )
        })
        .collect();
    let sooner: Vec<&Pair> = pairs
        .iter()
        .filter(|pair| outlives(pair.server, pair.app))
        .collect();
    if !sooner.is_empty() {
        let all = |part: fn(&Pair) -> String| {
            let parts: Vec<String> = sooner.iter().map(|pair| part(pair)).collect();
            parts.join("; ")
        };
        lines.push(Advice::new(app, "G-IDP-SILENT", all(Pair::ground)).says(
            format!("{server_name} signs people in to {name} again without asking."),
            format!(
                "Sessions end sooner here: {}. The next click goes on without a password; where that must not be, the \
                 application asks with max_age or prompt=login (NIST SP 800-63B-4, 5.2).",
                all(Pair::said)
            ),
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::advice;
    use crate::policies::wire::PlaceLimits;
    use crate::wire::SystemId;

    const H: i64 = 3_600;

    fn system(id: &str, idle: Limit, absolute: Limit) -> SystemLimits {
        SystemLimits {
            idle,
            absolute,
            signs_in_by: (id != "sso").then(|| "sso".into()),
            ..SystemLimits::unknown(SystemId::from(id), id.to_owned())
        }
    }

    fn rules(app: SystemLimits, server: SystemLimits) -> Vec<String> {
        let lines = advice::advice(&[app, server]).into_iter();
        let of_app = lines.filter(|line| line.system_id.as_str() == "app");
        of_app
            .map(|line| line.id)
            .filter(|id| id.starts_with("G-APP") || id.starts_with("G-IDP"))
            .collect()
    }

    #[test]
    fn security_g_an_application_is_held_against_the_server_its_people_sign_in_by() {
        let s = Limit::Seconds;
        let (gone, silent) = ("G-APP-GT-IDP:longest", "G-IDP-SILENT");
        let cases: [(Limit, Limit, Limit, Limit, &[&str]); 8] = [
            (s(H), s(8 * H), s(H), s(8 * H), &[]),
            (s(H), s(8 * H + 1), s(H), s(8 * H), &[gone]),
            (s(H), Limit::None, s(H), s(8 * H), &[gone]),
            (s(H + 1), s(8 * H), s(H), s(8 * H), &["G-APP-GT-IDP:idle"]),
            (s(H - 1), s(8 * H), s(H), s(8 * H), &[silent]),
            (s(H), s(8 * H), Limit::None, s(9 * H), &[silent]),
            (s(H), s(9 * H), s(2 * H), s(8 * H), &[gone, silent]),
            (Limit::None, Limit::None, Limit::None, Limit::None, &[]),
        ];
        for (idle, absolute, there_idle, there_absolute, expected) in cases {
            let found = rules(
                system("app", idle, absolute),
                system("sso", there_idle, there_absolute),
            );
            assert_eq!(
                found, expected,
                "{idle:?} {absolute:?} {there_idle:?} {there_absolute:?}"
            );
        }
    }

    #[test]
    fn security_g3_nothing_is_advised_where_one_of_both_is_not_known() {
        let s = Limit::Seconds;
        let unknown = || system("sso", Limit::Unknown, Limit::Unknown);
        assert!(rules(system("app", s(H), Limit::None), unknown()).is_empty());
        let app = system("app", Limit::Unknown, Limit::Unknown);
        assert!(rules(app, system("sso", s(H), s(8 * H))).is_empty());
        let mut by_nobody = system("app", s(9 * H), s(90 * H));
        by_nobody.signs_in_by = None;
        assert!(rules(by_nobody, system("sso", s(H), s(8 * H))).is_empty());
        let out_of_sight = system("app", s(9 * H), s(90 * H));
        let lines = advice::advice(&[out_of_sight]);
        assert!(lines.iter().all(|line| !line.id.starts_with("G-APP")));
    }

    #[test]
    fn security_g_places_are_judged_one_by_one() {
        let mut app = system("app", Limit::Unknown, Limit::Seconds(8 * H));
        let place = |place: &str, idle: i64| PlaceLimits {
            place: place.to_owned(),
            idle: Limit::Seconds(idle),
            note: String::new(),
        };
        app.places = vec![place("/mail", 2 * H), place("/news", H)];
        let server = system("sso", Limit::Seconds(H), Limit::Seconds(8 * H));
        assert_eq!(rules(app, server), ["G-APP-GT-IDP:idle of /mail"]);
    }
}
