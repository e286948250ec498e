//! Finding sessions on the page: the words of the box, filters from the head of a column, counts beside values.

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
    assert!(html.contains("name=\"q\" type=\"search\" value=\"smith\""), "{html}");
    assert!(html.contains("type=\"hidden\" name=\"not.system\" value=\"domo\""));
    for word in WORDS.iter() {
        has(&html, &[word.example]);
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
    assert!(!html.contains("data-key"), "no rows");
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
    assert!(html.contains("<details id=\"filter-fold\" class=\"drop\" open"), "{html}");
    assert!(!html.contains("/sessions?ip=10.0.0.0/8&amp;open"), "links lead to the list alone");
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
            facet("kind", &[("sso", Count::Exactly(0)), ("web", Count::MoreThan(10_000))]),
            facet("site", &[("North Sea", Count::Exactly(17))]),
        ],
        ..Answers::default()
    };
    let html = render("/sessions?open=filters", answers());
    has(
        &html,
        &["SSO 0", "Web 10,000+", "North Sea 17", "Sites of the 20,000 sessions active last."],
    );
    lacks(&html, &["Count each value"]);
    let html = render("/sessions", answers());
    lacks(&html, &["10,000+ Mobile", "North Sea"]);
    has(&html, &["Count each value"]);
    assert!(html.contains("href=\"/sessions?open=filters\""));
}
