//! The list and the endings as a browser without script gets them: every state, and the words in it.
#![cfg(feature = "ssr")]
// A page is one deep type; the default of 128 is not enough for the compiler to lay it out.
#![recursion_limit = "512"]

#[path = "fake/mod.rs"]
#[expect(dead_code, reason = "the fake also serves the tests of the other pages")]
mod fake;
#[path = "lists/finding.rs"]
mod finding;
#[path = "lists/mod.rs"]
mod lists;
#[path = "lists/tools.rs"]
mod tools;
#[path = "lists/truths.rs"]
mod truths;

use std::sync::Arc;

use app::endings::wire::*;
use app::error::{AppError, FieldProblem};
use app::layout::FormEcho;
use app::sessions::wire::*;
use fake::rendering::markup;
use lists::endings::{brief, ending, preview, running, settled};
use lists::sessions::*;
use lists::*;

fn list(page: SessionsPage) -> String {
    list_at("/sessions", page)
}

fn list_at(path: &str, page: SessionsPage) -> String {
    let answers = Answers {
        sessions: Some(page),
        ..Answers::default()
    };
    render(path, answers)
}

fn ending_at(path: &str, page: EndingPage) -> String {
    let answers = Answers {
        ending: Some(page),
        ..Answers::default()
    };
    render(path, answers)
}

fn preview_of(preview: Preview) -> String {
    let answers = Answers {
        preview: Some(preview),
        ..Answers::default()
    };
    render("/endings/preview/e1", answers)
}

fn has(html: &str, words: &[&str]) {
    let read = text(html);
    for words in words {
        assert!(read.contains(words), "“{words}” is missing in: {read}");
    }
}

fn lacks(html: &str, words: &[&str]) {
    let read = text(html);
    for words in words {
        assert!(!read.contains(words), "“{words}” should not be in: {read}");
    }
}

#[test]
fn ui_b8_four_kinds_of_empty_are_four_texts_with_a_next_step() {
    let none = list(empty(EmptyBecause::NoSessions { systems: 5 }));
    has(
        &none,
        &[
            "No sessions",
            "All 5 systems answered and nobody is signed in",
            "See the systems",
        ],
    );
    let without = Some(("Idle over 8 h".to_owned(), 3, "q=ann".to_owned()));
    let no_match = list(empty(EmptyBecause::NoMatch { without }));
    has(
        &no_match,
        &[
            "No session matches",
            "Without “Idle over 8 h” there would be 3",
            "Take off Idle over 8 h",
        ],
    );
    assert!(no_match.contains("href=\"/sessions?q=ann\""));
    let no_grant = list(empty(EmptyBecause::NoGrant {
        who_can_give: vec!["R. Vance".to_owned()],
    }));
    has(&no_grant, &["Not part of your grant", "Ask R. Vance"]);
    let words = "Domo has not answered since 02:21.".to_owned();
    let down = list(empty(EmptyBecause::SystemDown { words }));
    has(
        &down,
        &[
            "Nothing to show while a system is away",
            "Domo has not answered since 02:21.",
        ],
    );
    for html in [none, no_match, no_grant, down] {
        assert!(!html.contains("<tbody role"), "no table without rows");
        lacks(&html, &["End ticked"]);
    }
}

#[test]
fn ui_b5_a_filter_that_is_not_understood_lists_nothing_and_is_named() {
    let html = list_at("/sessions?systme=domo&q=ann", page(12));
    has(
        &html,
        &[
            "There is no filter “systme”",
            "A filter was not understood",
            "Nothing is listed until",
        ],
    );
    assert!(!html.contains("<tbody role"), "rows of a wider list");
    assert!(html.contains("value=\"ann\""), "what was typed stays");
}

#[test]
fn ui_c1_the_table_is_a_real_one_and_sorts_by_buttons_that_keep_ticks() {
    let html = list(page(100));
    assert_eq!(count(markup(&html), "name=\"row\""), 100);
    assert_eq!(
        count(markup(&html), "name=\"shown\""),
        100,
        "each row of the page is named"
    );
    assert_eq!(count(&html, "aria-sort=\"descending\""), 1);
    assert_eq!(count(&html, "scope=\"row\" role=\"rowheader\""), 100);
    assert_eq!(count(&html, "scope=\"col\" role=\"columnheader\""), 11);
    assert!(html.contains("<caption"));
    assert!(html.contains("value=\"goto:sort=person\""));
    assert!(
        html.contains("value=\"goto:dir=asc\""),
        "the sorted head turns round"
    );
    assert!(
        html.contains("value=\"goto:after=n2\""),
        "the pager carries ticks too"
    );
    has(&html, &["Showing 1–100 of 4,213"]);
    let form = html.find("id=\"rows\"").expect("the row form");
    assert!(
        !html[..form].contains("form=\"rows\""),
        "a button before it would be the one that Enter presses"
    );
    let first = form + html[form..].find("name=\"act\"").expect("buttons");
    assert!(
        html[first..].starts_with("name=\"act\" value=\"select\""),
        "Enter only keeps the ticks"
    );
}

#[test]
fn ui_a3_the_document_of_100_rows_stays_small() {
    let html = list(page(100));
    // Compressed it is a twelfth; CI measures that. This catches markup that grows.
    assert!(html.len() < 330_000, "{} bytes", html.len());
    assert!(!html.contains(" style="), "the content policy forbids it");
}

#[test]
fn ui_d1_the_bulk_bar_is_there_only_with_a_selection() {
    assert!(list(page(12)).contains("aria-label=\"Selected sessions\" hidden"));
    let html = list_at("/sessions?sel=s1", states());
    has(
        &html,
        &[
            "37 sessions selected",
            "29 people · 4 systems",
            "5 from a stale system",
            "Select all 12 that match",
            "End 37 sessions…",
        ],
    );
    let rows = html.split_once("<tbody role").map_or("", |(_, rows)| rows);
    assert_eq!(count(rows, " checked"), 3, "ticks of the selection");
    assert!(html.contains("name=\"sel\" value=\"s1\""));
    assert_eq!(count(&html, "btn-danger"), 1, "one red button");
}

#[test]
fn ui_d5_a_row_that_can_not_be_ended_says_why_in_words() {
    let html = list(states());
    has(
        &html,
        &[
            "Protected person",
            "Your own session, left out",
            "asked, reading back",
            "browser signs itself in again",
        ],
    );
    has(&html, &["Ended, read back", "hidden"]);
    assert_eq!(count(&html, "box-cannot"), 3);
    let mut none = page(2);
    none.may_end_any = false;
    for row in &mut none.rows {
        row.cannot_end = Some(CannotEnd::OutsideGrant {
            who_can_give: Vec::new(),
        });
    }
    let html = list(none);
    has(&html, &["Outside your grant"]);
    assert!(!html.contains("name=\"row\""));
    lacks(&html, &["End ticked", "Select this page"]);
}

#[test]
fn ui_c6_hostile_names_render_as_text() {
    let mut page = page(12);
    page.rows[0].person = format!("<script>alert(1)</script>{}", "x".repeat(300));
    let html = list(page);
    assert!(!html.contains("<script>alert(1)"));
    assert!(!html.contains("<b>Robert</b>"));
    for name in ["山田 太郎", "محمد عبد الرحمن الحسيني", "אביגיל בן־דוד"]
    {
        assert!(
            html.contains(&format!("<bdi class=\"cut\">{name}</bdi>")),
            "{name}"
        );
    }
}

#[test]
fn ui_c7_rows_say_their_source_and_age_and_a_stale_one_is_marked() {
    let html = list(page(12));
    has(
        &html,
        &[
            "read 4 s ago",
            "read 14 min ago",
            "Domo northwind has not been read whole",
            "4 of 5 live",
        ],
    );
    assert_eq!(count(&html, "class=\"is-stale\""), 3);
}

#[test]
fn ui_b3_chips_and_limits_stand_beside_the_list() {
    let html = list_at(
        "/sessions?active=8h&active.op=older&ip=10.0.0.0/8&sel=s1",
        page(12),
    );
    has(
        &html,
        &[
            "Idle over 8 h",
            "In 10.0.0.0/8",
            "Clear 2 filters",
            "that match",
            "31 over",
        ],
    );
    assert!(
        html.contains("href=\"/sessions?ip=10.0.0.0/8&amp;sel=s1\""),
        "one off, the selection stays"
    );
    assert!(html.contains("href=\"/sessions?sel=s1\""));
    assert!(
        html.contains("href=\"/sessions?system=uportal&amp;over=1\""),
        "a number that can't be opened is a number to be believed"
    );
}

#[test]
fn ui_b2_the_whole_id_goes_by_post_and_never_comes_back() {
    let echo = FormEcho {
        path: app::paths::post::FIND.to_owned(),
        pairs: vec![("back".to_owned(), String::new())],
        problems: vec![FieldProblem {
            field: "id".to_owned(),
            message: "No session with this id is known.".to_owned(),
        }],
    };
    let answers = Answers {
        sessions: Some(page(1)),
        ..Answers::default()
    };
    let html = render_with("/sessions", Arc::new(answers), Some(echo));
    has(&html, &["No session with this id is known."]);
    assert!(html.contains("method=\"post\" action=\"/sessions/find\""));
}

#[test]
fn refusals_are_pages_that_say_what_is_missing() {
    let answers = Answers {
        error: Some(AppError::Forbidden {
            permission: app::access::wire::Permission::SeeSessions,
            who_can_give: vec!["R. Vance".to_owned()],
        }),
        ..Answers::default()
    };
    has(
        &render("/sessions", answers),
        &["Not part of your grant", "See sessions", "R. Vance can give it"],
    );
    has(
        &render("/endings/abc", Answers::default()),
        &["There is no such ending"],
    );
    has(
        &ending_at("/endings/1042?only=best", ending(EndingState::Settled, settled())),
        &["no filter “best”"],
    );
}

#[test]
fn where_ending_is_not_proven_on_the_build_that_runs_list_and_preview_say_so() {
    const WORDS: &str = "Ending not verified on this build";
    let mut rows = page(3);
    rows.rows[0].unproven = Some(WORDS.to_owned());
    let html = list(rows);
    has(&html, &[WORDS]);
    let told = html.matches("row-unproven").count();
    assert_eq!(told, 1, "the row it is true of, and no other");
    has(&html, &["Not verified"]);
    assert!(
        html.contains(&format!("data-tip=\"{WORDS}\"")),
        "the whole of it on hover and focus"
    );
    let mut asked = preview();
    for system in &mut asked.by_system {
        system.proven_at = Some(fake::NOW);
        system.unproven = Some(WORDS.to_owned());
    }
    let html = preview_of(asked);
    has(&html, &[WORDS]);
    assert!(
        !html.contains("ending proven here"),
        "a proof on another build is none"
    );
}

#[test]
fn ui_e1_the_preview_says_who_what_when_and_what_is_left_out() {
    let html = preview_of(preview());
    has(
        &html,
        &[
            "End 37 sessions of 29 people?",
            "Nothing has been asked yet",
            "systems, 1 stale",
            "left out, see why",
            "04:12 UTC",
            "Mobile app, up to 1 h",
            "Ending has no effect on 7 sessions",
            "ending never proven here",
            "Gone since it was frozen 2",
            "This can’t be undone",
        ],
    );
    has(
        &html,
        &[
            "Protected person",
            "Your own session",
            "Curfew’s own connection",
            "Ask R. Vance",
        ],
    );
    assert!(
        html.contains("href=\"/sessions?q=ann&amp;sel=s1\""),
        "back keeps the selection"
    );
}

#[test]
fn ui_e3_one_red_button_names_the_number_and_has_no_focus() {
    let html = preview_of(preview());
    has(&html, &["Type 37 to confirm", "Asked above 25 sessions."]);
    assert_eq!(count(&html, "btn-danger"), 1);
    assert!(!html.contains("autofocus"));
    let mut small = preview();
    small.sessions = 1;
    small.people = 1;
    small.type_number = None;
    let html = preview_of(small);
    has(&html, &["End 1 session of 1 person?", "End 1 session "]);
    lacks(&html, &["to confirm"]);
}

#[test]
fn ui_d6_own_and_protected_sessions_need_a_step_of_their_own() {
    let html = preview_of(preview());
    has(&html, &["Add your own session, signs you out"]);
    lacks(&html, &["Add 1 protected session"]);
    assert!(html.contains("action=\"/endings/preview/e1/include\""));
    let mut force = preview();
    force.may_force = true;
    force.includes_own = true;
    let html = preview_of(force);
    has(
        &html,
        &[
            "Add 1 protected session",
            "Leave your own session out",
            "You will be signed out.",
        ],
    );
}

#[test]
fn ui_e6_a_preview_confirmed_expired_or_blocked_starts_nothing() {
    let mut done = preview();
    done.ending_no = Some(1042);
    let html = preview_of(done);
    has(&html, &["See ending 1042"]);
    assert!(!html.contains("/confirm\""));
    let mut old = preview();
    old.expires_at = old.now;
    let html = preview_of(old);
    has(
        &html,
        &[
            "This preview has expired.",
            "Back to the list, keep the selection",
        ],
    );
    assert!(!html.contains("/confirm\""));
    let mut blocked = preview();
    blocked.blocked = Some("Helpdesk ends up to 500 sessions per act.".to_owned());
    let html = preview_of(blocked);
    has(&html, &["Helpdesk ends up to 500 sessions per act."]);
    let button = html.find("btn btn-danger").expect("the button");
    let tag = html[..button].rfind('<').expect("its tag");
    assert!(
        html[tag..]
            .split('>')
            .next()
            .is_some_and(|tag| tag.contains("disabled"))
    );
}

#[test]
fn a_refused_confirmation_keeps_what_was_typed() {
    let echo = FormEcho {
        path: "/endings/preview/e1/confirm".to_owned(),
        pairs: vec![
            ("reason".to_owned(), "Stolen <laptops>".to_owned()),
            ("typed_number".to_owned(), "36".to_owned()),
        ],
        problems: vec![FieldProblem {
            field: "typed_number".to_owned(),
            message: "36 is not 37.".to_owned(),
        }],
    };
    let answers = Answers {
        preview: Some(preview()),
        ..Answers::default()
    };
    let html = render_with("/endings/preview/e1", Arc::new(answers), Some(echo));
    let area = html.find("<textarea").expect("the field");
    let area = html[area..].split("</textarea>").next().unwrap_or_default();
    assert!(area.ends_with("Stolen &lt;laptops&gt;"), "{area}");
    has(&html, &["36 is not 37."]);
    assert!(html.contains("value=\"36\""));
}

#[test]
fn ui_f1_a_running_ending_shows_every_number_and_can_be_stopped() {
    let html = ending_at("/endings/1042", ending(EndingState::Running, running()));
    has(
        &html,
        &[
            "Ending 412 sessions",
            "207 of 412",
            "settled",
            "Asked",
            "Waiting",
            "Ended as new id",
            "Already gone",
            "Stop the 164 not yet sent",
            "Read again",
        ],
    );
    lacks(&html, &["Retry"]);
    assert!(html.contains("href=\"/endings/1042?only=waiting\""));
    assert!(!html.contains("<noscript"));
    assert!(!html.contains(" style="));
}

#[test]
fn ui_f2_a_settled_ending_says_first_what_is_not_gone_and_who_came_back() {
    let html = ending_at("/endings/1042", ending(EndingState::Settled, settled()));
    has(
        &html,
        &[
            "385 of 412 sessions are gone, 27 are not",
            "4 sessions came back.",
            "What is left: 27, by cause",
            "Show 11",
            "Retry 22…",
            "Still there",
            "Not possible",
            "Unknown",
            "May still work until 04:12 UTC",
            "took 6 min 2 s",
            "audit entries from 184298",
        ],
    );
    lacks(&html, &["Stop the", "Success"]);
}

#[test]
fn ui_f5_items_can_be_filtered_and_paged() {
    let html = ending_at(
        "/endings/1042?only=returned",
        ending(EndingState::Settled, settled()),
    );
    has(
        &html,
        &["Sessions that came back", "all 412", "through Keycloak staff"],
    );
    assert!(html.contains("href=\"/endings/1042?only=returned&amp;after=c2\""));
    let mut part = ending(EndingState::Paused, running());
    part.partial_view = true;
    part.pause_why = Some("Older than a day.".to_owned());
    let html = ending_at("/endings/1042", part);
    has(
        &html,
        &[
            "You see a part of this ending.",
            "This ending waits for a person.",
            "Older than a day.",
            "Go on",
        ],
    );
}

#[test]
fn the_list_of_endings_has_the_switch_for_who_may() {
    let page = EndingsPage {
        now: fake::NOW,
        endings: vec![
            brief(EndingState::Running, running()),
            brief(EndingState::Settled, settled()),
        ],
        next: Some("c2".to_owned()),
        paused: None,
        may_pause: true,
        waiting: Vec::new(),
    };
    let at = |page: EndingsPage| {
        let answers = Answers {
            endings: Some(page),
            ..Answers::default()
        };
        render("/endings", answers)
    };
    let html = at(page.clone());
    has(&html, &["Pause all endings…", "Running", "Finished", "INC-20418"]);
    assert!(html.contains("action=\"/endings/pause-all\""));
    assert!(html.contains("href=\"/endings?after=c2\""));
    let paused = EndingsPage {
        may_pause: false,
        waiting: Vec::new(),
        paused: Some(PausedBy {
            name: "R. Vance".to_owned(),
            at: fake::NOW.plus_seconds(-60),
            reason: "Tomcat upgrade".to_owned(),
        }),
        ..page.clone()
    };
    let html = at(paused);
    has(&html, &["All endings are paused.", "R. Vance", "Tomcat upgrade"]);
    assert!(!html.contains("/endings/resume-all"), "not for everyone");
    let none = EndingsPage {
        endings: Vec::new(),
        next: None,
        ..page
    };
    has(&at(none), &["No endings"]);
}

#[test]
fn ui_j2_words_say_end_and_never_their_cousins() {
    let pages = [
        list(states()),
        preview_of(preview()),
        ending_at("/endings/1042", ending(EndingState::Settled, settled())),
    ];
    for html in pages {
        let read = text(&html).to_lowercase();
        for word in [
            " kill",
            "terminate",
            "log out",
            "logout",
            "oops",
            "successfully",
            "revoke",
        ] {
            assert!(!read.contains(word), "“{word}” is on screen");
        }
    }
}
