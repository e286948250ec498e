//! Finding sessions on the page: the words of the box, filters from the head of a column, counts beside values.

use app::sessions::query::GroupBy;
use app::sessions::query::words::WORDS;
use app::wire::Count;

use super::*;

#[test]
fn ui_b5_typed_terms_become_chips_and_the_box_keeps_the_words() {
    let html = list_at("/sessions?q=smith+user:ann+idle:%3E8h+-system:domo", page(3));
    has(
        &html,
        &[
            "Text smith",
            "Person contains ann",
            "Idle over 8 h",
            "Not in Domo",
            "Clear 4 filters",
        ],
    );
    assert!(
        html.contains("name=\"q\" type=\"search\" value=\"smith\""),
        "{html}"
    );
    assert!(html.contains("type=\"hidden\" name=\"not.system\" value=\"domo\""));
    for word in WORDS.iter() {
        let shown = word.example.replace('<', "&lt;").replace('>', "&gt;");
        assert!(html.contains(&format!("<code>{shown}</code>")), "{shown}");
    }
}

#[test]
fn ui_b5_a_bad_term_lists_nothing_and_stays_in_the_box() {
    let html = list_at("/sessions?q=user:ann+foo:bar", page(3));
    has(
        &html,
        &[
            "“foo:bar”: there is no filter “foo”",
            "Nothing is listed until this is put right",
            "A filter was not understood",
        ],
    );
    assert!(html.contains("value=\"user:ann foo:bar\""), "as it was typed");
    assert!(!html.contains("data-key="), "no rows");
}

#[test]
fn domo_b8_every_head_opens_the_filter_of_its_column() {
    let html = list_at("/sessions?ip=10.0.0.0/8&sel=s1", page(3));
    for (label, field) in [
        ("Filter Person", "f-person"),
        ("Filter Kind", "f-kind"),
        ("Filter System", "f-system"),
        ("Filter Session", "f-session"),
        ("Filter IP address: in force", "f-ip"),
        ("Filter Started", "f-started"),
        ("Filter Last activity", "f-active"),
        ("Filter Idle ends", "f-idle_ends"),
        ("Filter Ends at latest", "f-ends"),
        ("Filter Client", "f-browser"),
    ] {
        assert!(html.contains(&format!("aria-label=\"{label}\"")), "{label}");
        assert!(html.contains(&format!("data-filter=\"{field}\"")), "{field}");
        assert!(html.contains(&format!("id=\"{field}\"")), "there is no {field}");
    }
    // Without script: the ticks go along, the page comes back with that filter open and the cursor in it.
    assert!(html.contains("value=\"goto:ip=10.0.0.0/8&amp;open=ip\""));
    assert!(!html.contains("autofocus"));
    let html = list_at("/sessions?ip=10.0.0.0/8&open=ip", page(3));
    let at = html.find("id=\"f-ip\"").unwrap();
    let field = &html[at..at + html[at..].find('>').unwrap()];
    assert!(field.contains("autofocus"), "{field}");
    let fold = html.find("<details id=\"filter-fold\"").unwrap();
    let fold = &html[fold..fold + html[fold..].find('>').unwrap()];
    assert!(fold.contains(" open"), "{fold}");
    assert!(
        !html.contains("href=\"/sessions?ip=10.0.0.0/8&amp;open=ip"),
        "links lead to the list alone"
    );
}

#[test]
fn ui_b7_an_open_filter_shows_the_count_of_each_value() {
    let facet = |field: &str, values: &[(&str, Count)]| Facet {
        field: field.to_owned(),
        values: values
            .iter()
            .map(|(value, count)| FacetValue {
                value: (*value).to_owned(),
                count: *count,
            })
            .collect(),
        looked_at: (field == "site").then_some(20_000),
    };
    let answers = || Answers {
        sessions: Some(page(3)),
        facets: vec![
            facet(
                "kind",
                &[("sso", Count::Exactly(0)), ("web", Count::MoreThan(10_000))],
            ),
            facet("site", &[("North Sea", Count::Exactly(17))]),
        ],
        ..Answers::default()
    };
    let html = render("/sessions?open=filters", answers());
    has(
        &html,
        &[
            "SSO 0",
            "Web 10,000+",
            "North Sea 17",
            "Sites of the 20,000 sessions active last.",
        ],
    );
    lacks(&html, &["Count each value"]);
    let html = render("/sessions", answers());
    lacks(&html, &["10,000+ Mobile", "North Sea"]);
    has(&html, &["Count each value"]);
    assert!(html.contains("href=\"/sessions?open=filters\""));
}

#[test]
fn ui_c8_groups_stand_in_the_place_of_rows_and_are_selected_whole() {
    let group = |label: &str, query: Option<&str>| Group {
        label: label.to_owned(),
        detail: label.to_lowercase(),
        sessions: 1_204,
        others: 3,
        last_active_at: None,
        query: query.map(str::to_owned),
    };
    let answers = |may_end_any| Answers {
        sessions: Some(SessionsPage {
            may_end_any,
            ..page(3)
        }),
        groups: Some(GroupsPage {
            by: GroupBy::Person,
            groups: vec![
                group("Ann Smith", Some("kind=web&account=ann")),
                group("not reported", None),
            ],
            more: true,
        }),
        ..Answers::default()
    };
    let html = render("/sessions?kind=web&group=person&sel=s1", answers(true));
    has(
        &html,
        &[
            "By person",
            "Ann Smith ann smith 1,204 3 systems not reported",
            "Select all 1,204",
            "These are the 2 largest groups; there are more",
        ],
    );
    assert!(html.contains("value=\"all-of:kind=web&amp;account=ann\""));
    assert!(html.contains("href=\"/sessions?kind=web&amp;account=ann&amp;sel=s1\""));
    assert!(
        html.contains("type=\"hidden\" name=\"group\" value=\"person\""),
        "a search keeps the groups"
    );
    assert_eq!(
        count(&html, "all-of:"),
        1,
        "what no filter means can't be selected"
    );
    assert!(!html.contains("data-key="), "no rows");
    let html = render("/sessions?group=person", answers(false));
    lacks(&html, &["Select all 1,204"]);
}

#[test]
fn a_list_of_the_past_says_what_is_not_known_and_has_no_boxes() {
    let answers = Answers {
        sessions: Some(SessionsPage {
            may_end_any: false,
            ..page(3)
        }),
        known: Known {
            not_met: vec!["Domo".to_owned()],
            ..Known::default()
        },
        ..Answers::default()
    };
    let html = render("/sessions?at=2026-11-21T02:05&q=ann", answers);
    has(
        &html,
        &[
            "Who was on at Sat 21 Nov, 02:05 UTC, from what was seen.",
            "Of Domo nothing had been read by then",
            "As of 21 Nov 02:05",
            "Back to now",
        ],
    );
    assert!(html.contains("href=\"/sessions?q=ann\""));
    assert!(
        html.contains("value=\"2026-11-21T02:05\""),
        "it can be changed in the form"
    );
    lacks(&html, &["Select this page"]);
}

#[test]
fn what_of_a_pasted_list_matches_nothing_is_named() {
    let answers = Answers {
        sessions: Some(page(3)),
        unmatched: vec!["bob".to_owned(), "<b>eve</b>".to_owned()],
        ..Answers::default()
    };
    let html = render("/sessions?person=ann,bob,eve&person.op=one_of&kind=web", answers);
    has(
        &html,
        &["Paste a list", "2 entries of the 3 match no session here"],
    );
    assert!(html.contains("bob, &lt;b&gt;eve&lt;/b&gt;"));
    assert!(html.contains("action=\"/sessions/paste\""));
    lacks(
        &list_at("/sessions?person=ann", page(3)),
        &["match no session here"],
    );
}
