//! What is typed into the search box: each term the filter it stands for, each bad part a sentence that names it.

use app::paths::parse_query;
use app::sessions::query::SessionQuery;
use app::sessions::query::typed::{self, unfinished, write_value, write_words};
use app::sessions::query::words::WORDS;
use proptest::prelude::*;

/// The list of what was typed, as its address; or the first problem.
fn address(text: &str) -> Result<String, String> {
    let (query, problems) = SessionQuery::from_pairs(&[("q", text)], 0);
    match problems.into_iter().next() {
        None => Ok(SessionQuery::to_query_string(&query)),
        Some(problem) => Err(problem.message),
    }
}

/// The same list asked by the form.
fn form(pairs: &str) -> String {
    let (query, problems) = SessionQuery::from_pairs(&parse_query(pairs), 0);
    assert!(problems.is_empty(), "{pairs}: {problems:?}");
    query.to_query_string()
}

#[test]
fn ui_b5_what_is_typed_is_what_the_form_would_send() {
    let table = [
        ("", ""),
        ("ann", "q=ann"),
        ("  ann   smith ", "q=ann smith"),
        ("user:ann", "person=ann"),
        ("person:ann", "person=ann"),
        ("USER:Ann", "person=Ann"),
        ("user:=ann", "person=ann&person.op=is"),
        ("user:ann,bob", "person=ann,bob&person.op=one_of"),
        ("user:\"Ann Smith\"", "person=Ann Smith"),
        ("user:\"Smith, Ann\"", "person=Smith, Ann"),
        ("user:=\"Ann Smith\"", "person=Ann Smith&person.op=is"),
        ("user:\"Ann Smith\",bob", "person=Ann Smith,bob&person.op=one_of"),
        ("mail:ann@example.org", "person=ann@example.org"),
        ("-user:ann", "not.person=ann"),
        ("-user:=ann", "not.person=ann&not.person.op=is"),
        ("-user:ann,bob", "not.person=ann,bob&not.person.op=one_of"),
        ("system:domo", "system=domo"),
        ("system:domo,tableau", "system=domo&system=tableau"),
        ("system:domo system:tableau", "system=domo&system=tableau"),
        ("-system:domo", "not.system=domo"),
        ("-system:domo,up", "not.system=domo&not.system=up"),
        ("system:domo -kind:mobile", "system=domo&not.kind=mobile"),
        ("kind:sso", "kind=sso"),
        ("kind:SSO,Mobile", "kind=sso&kind=mobile"),
        ("type:web", "kind=web"),
        ("-kind:web", "not.kind=web"),
        ("state:ended,vanished", "state=ended&state=vanished"),
        ("state:live", ""),
        ("site:emea", "site=emea"),
        ("site:\"North Sea\"", "site=North Sea"),
        ("-site:emea", "not.site=emea"),
        ("ip:10.0.0.0/8", "ip=10.0.0.0/8"),
        ("ip:10.0.0.7,2001:db8::/32", "ip=10.0.0.7,2001:db8::/32"),
        ("net:10.0.0.0/8", "ip=10.0.0.0/8"),
        ("-ip:10.0.0.0/8", "not.ip=10.0.0.0/8"),
        ("browser:firefox", "browser=firefox"),
        ("browser:=\"Chrome 149\"", "browser=Chrome 149&browser.op=is"),
        ("-browser:chrome", "not.browser=chrome"),
        ("os:windows,linux", "os=windows,linux&os.op=one_of"),
        ("-os:mac", "not.os=mac"),
        ("id:7f3a", "session=7f3a"),
        ("id:=7f3a", "session=7f3a&session.op=is"),
        ("session:7f3a,c09e", "session=7f3a,c09e&session.op=one_of"),
        ("idle:>8h", "active=8h&active.op=older"),
        ("idle:8h", "active=8h&active.op=older"),
        ("idle:<15min", "active=15m&active.op=within"),
        ("idle:>2days", "active=2d&active.op=older"),
        ("active:>2026-11-21", "active=2026-11-21&active.op=after"),
        ("active:<1h", "active=1h&active.op=within"),
        ("started:>2d", "started=2d&started.op=older"),
        ("started:<30min", "started=30m&started.op=within"),
        ("started:<2026-11-21", "started=2026-11-21&started.op=before"),
        (
            "created:>2026-11-21T08:00",
            "started=2026-11-21T08:00&started.op=after",
        ),
        ("ends:<1h", "ends=1h&ends.op=within"),
        ("expires:<2026-11-22", "ends=2026-11-22&ends.op=before"),
        ("idle_ends:<1h", "idle_ends=1h&idle_ends.op=within"),
        ("idle_ends:>2026-11-22", "idle_ends=2026-11-22&idle_ends.op=after"),
        ("limit:over", "over=1"),
        ("limit:none", "never_idle=1"),
        ("policy:earlier", "earlier=1"),
        ("past:15min,8h", "past=15,480"),
        ("key:3b1f00", "key=3b1f00"),
        ("at:2026-11-21T14:05", "at=2026-11-21T14:05"),
        ("account:Ann", "account=ann"),
        (
            "user:ann idle:>8h ip:10.0.0.0/8 -system:domo",
            "person=ann&active=8h&active.op=older&ip=10.0.0.0/8&not.system=domo",
        ),
        ("ann user:smith 10.0.0", "q=ann 10.0.0&person=smith"),
        ("\"ann smith\" bob", "q=\"ann smith\" bob"),
        ("\"user:ann\"", "q=\"user:ann\""),
        ("\"-ann\"", "q=\"-ann\""),
        ("\"say \\\"hi\\\"\"", "q=\"say \\\"hi\\\"\""),
        ("CORP\\ann", "q=CORP\\ann"),
        ("2001:db8::1", "q=2001:db8::1"),
        ("dead:beef::1", "q=dead:beef::1"),
        ("10.0.0.7:443", "q=10.0.0.7:443"),
        ("ann@example.org", "q=ann@example.org"),
        ("-", "q=-"),
        ("user:ann user:ann", "person=ann"),
    ];
    assert!(table.len() >= 60);
    for (typed, pairs) in table {
        assert_eq!(address(typed), Ok(form(pairs)), "{typed}");
    }
}

#[test]
fn ui_b5_a_bad_part_lists_nothing_and_is_named_with_what_to_type() {
    let table = [
        (
            "foo:bar",
            "“foo:bar”: there is no filter “foo”",
            "write \"foo:bar\" in quotes",
        ),
        (
            "ann usr:bob",
            "“usr:bob”: there is no filter “usr”",
            "Filters are user, system",
        ),
        ("http://intranet", "there is no filter “http”", "in quotes"),
        ("user:", "“user:” lacks a value", "Write user:ann"),
        ("user:ann,", "“user:ann,” lacks a value", "Write user:ann"),
        ("user:\" \"", "lacks a value", "Write user:ann"),
        (
            "user:>ann",
            "“user:>ann”: < and > compare lengths and moments only",
            "user:ann",
        ),
        (
            "user:ann user:bob",
            "“user:bob”: there is one “user:” already",
            "with commas",
        ),
        (
            "user:\"Smith, Ann\",bob",
            "a name with a comma",
            "user:\"Smith, Ann\"",
        ),
        ("user:\"ann", "a quote is opened and not closed", "Write both"),
        ("\"ann smith", "“\"ann smith”: a quote is opened", "Write both"),
        (
            "-admin",
            "“-admin”: a minus leaves out",
            "write \"-admin\" in quotes",
        ),
        (
            "kind:robot",
            "“kind:robot”: “robot” is not a kind",
            "Kinds are sso",
        ),
        (
            "-kind:robot",
            "“-kind:robot”: “robot” is not a kind",
            "Kinds are sso",
        ),
        (
            "state:dead",
            "“state:dead”: “dead” is not a state",
            "live, ended, vanished",
        ),
        (
            "-state:live",
            "“-state:live”: “state” can't be turned round",
            "state:ended",
        ),
        ("ip:10.0.0", "“ip:10.0.0”", "Write 10.0.0.7 or 10.0.0.0/8"),
        (
            "ip:10.0.0.0/48",
            "“ip:10.0.0.0/48”: /48 is too long for IPv4",
            "/32",
        ),
        ("-ip:nowhere", "“-ip:nowhere”", "is not an IP address"),
        (
            "idle:>8",
            "“idle:>8”: idle takes a length of time",
            "Write idle:>8h",
        ),
        ("idle:>8moons", "“idle:>8moons”", "Write idle:>8h"),
        ("idle:=8h", "“idle:=8h”: say with < or >", "Write idle:>8h"),
        (
            "idle:>8h idle:<9h",
            "“idle:<9h”: there is one “idle:” already",
            "one term",
        ),
        ("-idle:>8h", "can't be turned round", "without the minus"),
        (
            "started:2026-11-21",
            "“started:2026-11-21”: say with < or >",
            "started:>2d",
        ),
        (
            "started:<yesterday",
            "“started:<yesterday”: “yesterday” is not a date",
            "2026-11-21",
        ),
        (
            "ends:>1h",
            "“ends:>1h”: what ends later",
            "Write ends:<2026-11-22",
        ),
        ("at:noon", "“at:noon”: “noon” is not a date", "2026-11-21T03:12"),
        ("at:>2026-11-21", "< and > compare", "Write at:2026-11-21T14:05"),
        (
            "limit:all",
            "a limit is over or none",
            "Write limit:over or limit:none",
        ),
        (
            "limit:over,none",
            "“limit:over,none” takes one value",
            "Write limit:over",
        ),
        ("past:15min", "takes two lengths", "Write past:15min,8h"),
        ("past:15s,8h", "takes two lengths", "whole minutes"),
        (
            "id:0123456789abcdef",
            "the list knows the last 4 characters",
            "Find by session id",
        ),
    ];
    for (text, names, says) in table {
        let (query, problems) = SessionQuery::from_pairs(&[("q", text)], 0);
        assert_eq!(problems.len(), 1, "{text}: {problems:?} {query:?}");
        assert_eq!(problems[0].field, "q", "{text}");
        let message = &problems[0].message;
        assert!(
            message.contains(names) && message.contains(says),
            "{text}: {message}"
        );
    }
    let (_, problems) = SessionQuery::from_pairs(&[("q", "id:0123456789abcdef")], 0);
    assert!(
        !problems[0].message.contains("0123456789"),
        "a whole id is not said again"
    );
    let (_, problems) = SessionQuery::from_pairs(&[("q", "foo:1 bar:2 user:ann")], 0);
    assert_eq!(problems.len(), 2, "each bad part is named");
}

#[test]
fn a_typed_term_stands_in_the_place_of_the_field_of_its_name() {
    for (pairs, is) in [
        (
            "q=user:bob&person=ann&person.op=is&kind=web",
            "kind=web&person=bob",
        ),
        ("q=system:domo&system=up&system=kc", "system=domo"),
        ("q=-system:domo&system=up", "system=up&not.system=domo"),
        ("q=-system:domo&not.system=up", "not.system=up&not.system=domo"),
        (
            "q=idle:<1h&active=8h&active.op=older",
            "active=1h&active.op=within",
        ),
    ] {
        assert_eq!(form(pairs), form(is), "{pairs}");
    }
}

#[test]
fn every_word_is_taken_by_its_own_example() {
    for word in WORDS.iter() {
        assert!(
            address(word.example).is_ok_and(|found| !found.is_empty()),
            "{}",
            word.example
        );
        assert!(word.example.starts_with(word.name()));
    }
}

#[test]
fn ui_b5_what_is_being_typed_is_told_from_what_is_done() {
    assert_eq!(unfinished(""), None);
    assert_eq!(unfinished("user:ann "), None);
    let at = |text: &str| unfinished(text).expect(text);
    assert_eq!((at("ann").word, at("ann").value.as_str()), (None, "ann"));
    let system = at("idle:>1m system:do");
    assert_eq!(
        (system.word.as_deref(), system.value.as_str(), system.from),
        (Some("system"), "do", 9)
    );
    let second = at("-system:domo,ta");
    assert!(second.negated);
    assert_eq!((second.before.as_str(), second.value.as_str()), ("domo,", "ta"));
    assert_eq!(at("user:\"Ann S").value, "Ann S");
    assert_eq!(at("user:\"Ann S").from, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_words_survive_the_box(words in proptest::collection::vec("\\PC{1,12}", 0..5)) {
        let words: Vec<String> = words.into_iter().filter(|w| !w.trim().is_empty()).collect();
        let text = write_words(&words);
        let read = typed::read(&text, 0);
        prop_assert_eq!(read.problems, Vec::new());
        prop_assert_eq!(read.pairs, Vec::new());
        prop_assert_eq!(&read.text, &text);
        prop_assert_eq!(typed::words(&text), words);
    }

    #[test]
    fn any_value_survives_its_term(value in "\\PC{1,12}") {
        prop_assume!(value.trim() == value && !value.is_empty());
        let (query, problems) = SessionQuery::from_pairs(&[("q", format!("user:{}", write_value(&value)))], 0);
        prop_assert_eq!(problems, Vec::new());
        prop_assert_eq!(query.person.map(|p| p.texts), Some(vec![value]));
    }

    #[test]
    fn reading_the_box_never_panics_and_never_drops_a_part(text in "[a-z:\"\\\\<>=, -]{0,30}") {
        let read = typed::read(&text, 0);
        if read.problems.is_empty() && read.pairs.is_empty() {
            prop_assert_eq!(read.text.is_empty(), text.trim().is_empty());
        }
        unfinished(&text);
    }
}
