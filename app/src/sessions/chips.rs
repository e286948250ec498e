//! The filters in force as chips: plain words, and the list without each of them.

use super::query::SessionQuery;
use super::query::filter::{TextFilter, TextOp, TimeFilter};
use super::wire::SessionState;
use crate::civil::Civil;
use crate::wire::{SystemId, Timestamp};

/// Most values that a chip names.
const MOST_NAMED: usize = 6;

/// One filter in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    /// The parameter it stands for: "q", "ip" …
    pub field: &'static str,
    /// Words before the value: "Idle over".
    pub words: &'static str,
    /// The value, bold: "8 h".
    pub value: String,
    /// Words after it: "ago"; mostly empty.
    pub after: &'static str,
    /// The query without it, from its first page.
    pub without: SessionQuery,
}

impl Chip {
    /// The chip as one sentence part, for a screen reader and for "Without … there would be 3".
    pub fn sentence(&self) -> String {
        let mut text = format!("{} {}", self.words, self.value);
        if !self.after.is_empty() {
            text.push(' ');
            text.push_str(self.after);
        }
        text
    }
}

/// The chips of a query, in the order of the filter form. `name_of` gives a system's name as shown.
pub fn chips(
    query: &SessionQuery,
    name_of: impl Fn(&SystemId) -> String,
    now: Timestamp,
    offset_min: i32,
) -> Vec<Chip> {
    let mut chips = Vec::new();
    let mut push = |field: &'static str, words: &'static str, value: String, after: &'static str| {
        chips.push(Chip {
            field,
            words,
            value,
            after,
            without: query.without(field),
        });
    };
    if !query.search.is_empty() {
        push("q", "Text", query.search.clone(), "");
    }
    if !query.systems.is_empty() {
        push("system", "System", either(query.systems.iter().map(&name_of)), "");
    }
    if !query.kinds.is_empty() {
        let labels = query.kinds.iter().map(|k| k.label().to_owned());
        push("kind", "Kind", either(labels), "");
    }
    if !query.states.is_empty() {
        let labels = query.states.iter().map(|s| state_label(*s).to_owned());
        push("state", "State", either(labels), "");
    }
    if !query.sites.is_empty() {
        push("site", "Site", either(query.sites.iter().cloned()), "");
    }
    let texts = [
        (
            "person",
            &query.person,
            ["Person contains", "Person is", "Person is one of"],
        ),
        (
            "session",
            &query.session,
            [
                "Session id ends with",
                "Session id ends with exactly",
                "Session id ends with one of",
            ],
        ),
        (
            "browser",
            &query.browser,
            ["Browser contains", "Browser is", "Browser is one of"],
        ),
        ("os", &query.os, ["OS contains", "OS is", "OS is one of"]),
    ];
    for (field, filter, words) in texts {
        if let Some(TextFilter { op, texts }) = filter {
            let words = words[match op {
                TextOp::Contains => 0,
                TextOp::Is => 1,
                TextOp::OneOf => 2,
            }];
            push(field, words, either(texts.iter().cloned()), "");
        }
    }
    if !query.ip.is_empty() {
        push("ip", "In", either(query.ip.iter().map(ToString::to_string)), "");
    }
    let moments = [
        (
            "started",
            &query.started,
            [
                "Started before",
                "Started after",
                "Started over",
                "Started within",
            ],
        ),
        (
            "active",
            &query.last_activity,
            [
                "Last activity before",
                "Last activity after",
                "Idle over",
                "Active within",
            ],
        ),
        (
            "idle_ends",
            &query.idle_ends,
            [
                "Idle ends before",
                "Idle ends after",
                "Idle ended over",
                "Idle ends within",
            ],
        ),
        (
            "ends",
            &query.ends,
            [
                "Ends at latest before",
                "Ends at latest after",
                "Should have ended over",
                "Ends at latest within",
            ],
        ),
    ];
    for (field, filter, words) in moments {
        match filter {
            Some(TimeFilter::Before(at)) => push(field, words[0], moment(now, *at, offset_min), ""),
            Some(TimeFilter::After(at)) => push(field, words[1], moment(now, *at, offset_min), ""),
            Some(TimeFilter::OlderThan(seconds)) => {
                let after = if field == "active" { "" } else { "ago" };
                push(field, words[2], exact(*seconds), after)
            }
            Some(TimeFilter::Within(seconds)) => push(field, words[3], exact(*seconds), ""),
            None => {}
        }
    }
    if let Some(past) = &query.past {
        let value = format!(
            "{} idle or {} in all",
            exact(past.idle_minutes * 60),
            exact(past.absolute_minutes * 60)
        );
        push("past", "Past", value, "");
    }
    if query.over {
        push("over", "Over", "a limit of its own".to_owned(), "");
    }
    if query.never_idle {
        push("never_idle", "Never ends", "for idleness".to_owned(), "");
    }
    if query.earlier {
        push("earlier", "Began under", "an earlier policy".to_owned(), "");
    }
    for (field, words, value) in left_out(query, name_of) {
        push(field, words, value, "");
    }
    if let Some(account) = &query.account {
        push("account", "User name is exactly", account.clone(), "");
    }
    if query.subject.is_some() {
        push("subject", "Only", "one person, in every system".to_owned(), "");
    }
    if let Some(at) = query.at {
        push("at", "As of", moment(now, at, offset_min), "");
    }
    if query.key.is_some() {
        push(
            "key",
            "Only",
            "the session with the id you looked for".to_owned(),
            "",
        );
    }
    chips
}

/// What is left out: parameter, words, value.
fn left_out(
    query: &SessionQuery,
    name_of: impl Fn(&SystemId) -> String,
) -> Vec<(&'static str, &'static str, String)> {
    let not = &query.not;
    let mut parts = Vec::new();
    let mut push = |field, words, values: Vec<String>| {
        if !values.is_empty() {
            parts.push((field, words, either(values.into_iter())));
        }
    };
    push("not.system", "Not in", not.systems.iter().map(name_of).collect());
    let kinds = not.kinds.iter().map(|k| k.label().to_owned());
    push("not.kind", "Not of kind", kinds.collect());
    push("not.site", "Not in site", not.sites.clone());
    let texts = [
        (
            "not.person",
            &not.person,
            ["Person does not contain", "Person is not"],
        ),
        (
            "not.browser",
            &not.browser,
            ["Browser does not contain", "Browser is not"],
        ),
        ("not.os", &not.os, ["OS does not contain", "OS is not"]),
    ];
    for (field, filter, [part, whole]) in texts {
        if let Some(TextFilter { op, texts }) = filter {
            let words = if *op == TextOp::Contains { part } else { whole };
            push(field, words, texts.clone());
        }
    }
    push(
        "not.ip",
        "Not in",
        not.ip.iter().map(ToString::to_string).collect(),
    );
    parts
}

/// How pages name a state.
pub fn state_label(state: SessionState) -> &'static str {
    match state {
        SessionState::Live => "Live",
        SessionState::Ended => "Ended",
        SessionState::Vanished => "Vanished",
    }
}

/// A length of time that somebody set, exact: "15 min", "8 h", "1 min 30 s".
pub fn exact(seconds: i64) -> String {
    // Minutes read best below three hours, hours below two days.
    for (length, word, below) in [(60, "min", 10_800), (3600, "h", 172_800), (86_400, "d", i64::MAX)] {
        if seconds % length == 0 && (length..below).contains(&seconds) {
            return format!("{} {word}", seconds / length);
        }
    }
    let mut rest = seconds.max(0);
    let mut parts = Vec::new();
    for (length, word) in [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")] {
        if rest / length > 0 {
            parts.push(format!("{} {word}", rest / length));
        }
        rest %= length;
    }
    if parts.is_empty() {
        "0 s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// Date and clock, with the year when it is another than now's: "20 Nov 18:20".
fn moment(now: Timestamp, at: Timestamp, offset_min: i32) -> String {
    let c = Civil::at(at, offset_min);
    let year = if c.year == Civil::at(now, offset_min).year {
        String::new()
    } else {
        format!(" {}", c.year)
    };
    format!("{} {}{year} {:02}:{:02}", c.day, c.month_name(), c.hour, c.minute)
}

fn either(of: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = of.collect();
    match all.as_slice() {
        // A pasted list is read in its field, not in its chip.
        many if many.len() > MOST_NAMED => {
            format!("{} or {} more", all[..3].join(", "), all.len() - 3)
        }
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::parse_query;

    fn query(text: &str) -> SessionQuery {
        let (query, problems) = SessionQuery::from_pairs(&parse_query(text), 0);
        assert!(problems.is_empty(), "{text}: {problems:?}");
        query
    }

    fn of(text: &str) -> Vec<String> {
        let now = Timestamp(1_795_230_760_000);
        chips(&query(text), |id| id.as_str().to_uppercase(), now, 0)
            .iter()
            .map(Chip::sentence)
            .collect()
    }

    #[test]
    fn ui_b3_chips_say_filters_in_plain_words() {
        assert_eq!(of(""), Vec::<String>::new());
        assert_eq!(of("active=8h&active.op=older"), ["Idle over 8 h"]);
        assert_eq!(of("ip=10.0.0.0/8&q=ann"), ["Text ann", "In 10.0.0.0/8"]);
        assert_eq!(
            of("system=kc&system=up&kind=web&kind=sso&state=ended&state=vanished"),
            ["System KC or UP", "Kind Web or SSO", "State Ended or Vanished"]
        );
        assert_eq!(
            of("person=ann,bob,eve&person.op=one_of"),
            ["Person is one of ann, bob or eve"]
        );
        assert_eq!(
            of("started=2026-11-20T18:20&started.op=before"),
            ["Started before 20 Nov 18:20"]
        );
        assert_eq!(of("started=2d&started.op=older"), ["Started over 2 d ago"]);
        assert_eq!(of("past=15,480"), ["Past 15 min idle or 8 h in all"]);
        assert_eq!(
            of("person=a,b,c,d,e,f,g&person.op=one_of"),
            ["Person is one of a, b, c or 4 more"]
        );
        assert_eq!(of("over=1"), ["Over a limit of its own"]);
        assert_eq!(of("earlier=1"), ["Began under an earlier policy"]);
        assert_eq!(
            of("not.system=domo&not.ip=10.0.0.0/8&not.person=ann,bob&not.person.op=one_of"),
            ["Not in DOMO", "Person is not ann or bob", "Not in 10.0.0.0/8"]
        );
    }

    #[test]
    fn set_lengths_are_exact() {
        for (seconds, words) in [
            (15 * 60, "15 min"),
            (8 * 3600, "8 h"),
            (5400, "90 min"),
            (30 * 86_400, "30 d"),
            (90, "1 min 30 s"),
            (0, "0 s"),
            (9000, "150 min"),
            (9001, "2 h 30 min 1 s"),
        ] {
            assert_eq!(exact(seconds), words);
        }
    }

    #[test]
    fn ui_b3_taking_a_chip_off_drops_that_filter_only() {
        let all = query(
            "q=a&system=kc&kind=web&state=ended&site=s&person=p&session=7f3a&browser=Fx&os=Linux&ip=10.0.0.7\
             &started=8h&started.op=older&active=8h&active.op=within&idle_ends=1h&idle_ends.op=within\
             &ends=1h&ends.op=within&past=1,2&over=1&earlier=1&key=k&not.system=up&not.kind=sso&not.site=t&not.person=eve\
             &not.person.op=is&not.ip=10.0.0.0/8,::1&not.browser=IE&not.os=Mac&account=ann&subject=s1&at=2026-11-21&sort=ip&after=c\
             &sel=s1",
        );
        let chips = chips(&all, |id| id.0.clone(), Timestamp(0), 0);
        assert_eq!(chips.len(), 28);
        for chip in &chips {
            let names: Vec<&str> = chip
                .without
                .filter_pairs()
                .iter()
                .map(|(name, _)| *name)
                .collect();
            assert!(!names.contains(&chip.field), "{} is still there", chip.field);
            assert_eq!(
                chip.without.filter_count(),
                all.filter_count() - 1,
                "{}",
                chip.field
            );
            assert_eq!(chip.without.cursor, None, "a page of another list");
            assert_eq!(
                (chip.without.sort, &chip.without.selection),
                (all.sort, &all.selection)
            );
        }
        let cleared = all.without_filters();
        assert_eq!(cleared.filter_count(), 0);
        assert_eq!((cleared.sort, cleared.selection), (all.sort, all.selection));
    }
}
