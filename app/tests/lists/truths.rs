//! What the list says beside names and numbers: guests left out, people in doubt, limits that passed or are missing.

use app::policies::wire::{LimitSource, PlaceLimits};
use app::wire::{Count, Limit};

use super::*;

#[test]
fn guests_that_are_not_shown_are_counted_with_a_link_that_shows_them() {
    assert!(!list(page(12)).contains("guest session"));
    let guests = |count| {
        list_at(
            "/sessions?system=uportal&sel=s1",
            SessionsPage {
                guests_hidden: count,
                ..page(12)
            },
        )
    };
    let html = guests(Count::Exactly(412));
    has(
        &html,
        &["412 guest sessions, with nobody signed in, are not shown. Show them"],
    );
    assert!(html.contains("href=\"/sessions?system=uportal&amp;kind=guest&amp;sel=s1\""));
    has(
        &guests(Count::Exactly(1)),
        &["1 guest session, with nobody signed in, is not shown. Show it"],
    );
    has(&guests(Count::MoreThan(10_000)), &["10,000+ guest sessions"]);
}

#[test]
fn what_a_system_says_of_a_person_stands_beside_the_name() {
    let mut page = page(3);
    let name = page.rows[1].person.clone();
    page.rows[1].remark = Some("disabled in <Keycloak>".to_owned());
    let html = list(page);
    assert_eq!(count(&html, "person-remark"), 1);
    assert!(
        html.contains("disabled in &lt;Keycloak&gt;"),
        "text, whatever it is made of"
    );
    has(&html, &[&name]);
}

#[test]
fn a_person_in_doubt_is_uncertain_with_the_reason_and_never_a_name() {
    let mut page = page(3);
    for at in [0, 1] {
        page.rows[at].person = person_shown("", "", SessionKind::Web, Some("Two readings disagree"));
        page.rows[at].person_doubt = Some("Two readings disagree".to_owned());
        page.rows[at].account_name.clear();
    }
    page.rows[1].cannot_end = Some(CannotEnd::Protected);
    let html = list(page);
    has(
        &html,
        &["Uncertain Two readings disagree", "Uncertain Protected person"],
    );
    lacks(&html, &["not reported Two", "Uncertain not reported"]);
    assert_eq!(
        count(&html, "data-tip=\"Two readings disagree\""),
        2,
        "the reason is there beside any other"
    );
    let mut preview = preview();
    preview.by_person[0].person = "Uncertain".to_owned();
    preview.by_person[0].person_doubt = Some("Two readings disagree".to_owned());
    preview.by_person[0].account_name.clear();
    has(&preview_of(preview), &["Uncertain Two readings disagree"]);
}

#[test]
fn a_session_past_its_limit_when_it_was_read_says_that_it_is_not_removed_yet() {
    let mut page = page(3);
    let read_at = page.rows[0].read_at.unwrap();
    page.rows[0].idle_ends_at = Some(read_at.plus_seconds(-60));
    // Over since the reading only: it may be gone by now.
    page.rows[1].idle_ends_at = page.rows[1].read_at.map(|at| at.plus_seconds(1));
    page.rows[2].absolute_expires_at = None;
    let rows: Vec<bool> = page.rows.iter().map(SessionRow::past_limit).collect();
    assert_eq!(rows, [true, false, false]);
    let html = list(page);
    // Once in the row, once in the help.
    assert_eq!(count(&html, "still listed"), 2);
    assert_eq!(count(&html, "Past its limit, not yet removed by the system"), 1);
    has(
        &preview_of(preview()),
        &["3 sessions past their limit and not yet removed by the system"],
    );
}

#[test]
fn domo_p23_a_row_of_an_earlier_policy_says_so_and_the_panel_leads_to_exactly_those() {
    let mut page = page(4);
    page.rows[1].earlier_policy = true;
    page.limits[2].compared = true;
    page.limits[1].compared = true;
    page.limits[1].earlier = Some(Count::Exactly(0));
    let html = list(page);
    assert_eq!(count(&html, "Created under an earlier policy"), 1);
    has(&html, &["earlier policy", "Under an earlier policy"]);
    assert_eq!(count(&html, "href=\"/sessions?system=uportal&amp;earlier=1\""), 2);
    assert_eq!(
        count(&html, "earlier=1\""),
        2,
        "none where there are none, or nothing is compared"
    );
}

#[test]
fn limits_read_off_sessions_do_not_claim_to_be_read() {
    let mut page = page(1);
    page.limits.truncate(1);
    page.limits[0].source = LimitSource::Seen;
    page.limits[0].source_note = "Read off 40 sessions: idle in 37".to_owned();
    let html = list(page.clone());
    has(&html, &["Read off 40 sessions: idle in 37"]);
    page.limits[0].source_note = String::new();
    has(&list(page), &["Read off the listed sessions"]);
}

#[test]
fn the_panel_shows_limits_by_place_and_what_no_limit_ends() {
    let mut page = page(3);
    let place = |place: &str, minutes: i64| PlaceLimits {
        place: place.to_owned(),
        idle: Limit::Seconds(minutes * 60),
        note: String::new(),
    };
    page.limits[2].places = vec![place("/uPortal", 30), place("/calendar", 50)];
    page.limits[2].never_idle = Some(3);
    page.limits[2].old_after_h = Some(12);
    page.limits[1].idle = Limit::Unknown;
    page.limits[1].places = (0..9).map(|n| place(&format!("/app{n}"), 15)).collect();
    let html = list(page);
    has(
        &html,
        &[
            "/calendar 50 min",
            "3 sessions never idle out",
            "Started over 12 h ago",
            "by place",
            "and 3 places",
        ],
    );
    lacks(&html, &["/uPortal 30 min"]);
    for link in ["never_idle=1", "started=12h&amp;started.op=older"] {
        assert!(
            html.contains(&format!("href=\"/sessions?system=uportal&amp;{link}\"")),
            "{link}"
        );
    }
}
