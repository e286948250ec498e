//! What stands around the list: views, files, columns, density, copying, help, keys.

use app::sessions::columns::Column;
use app::sessions::query::SessionQuery;
use app::wire::SessionKey;

use super::*;

#[test]
fn ui_j3_views_stand_beside_the_heading_and_the_plus_saves_what_is_shown() {
    let query = SessionQuery {
        search: "ext".to_owned(),
        selection: Some("s1".into()),
        ..SessionQuery::default()
    };
    let html = list_at("/sessions?q=ext&sel=s1", SessionsPage { query, ..page(12) });
    has(
        &html,
        &[
            "All Contractors, nights Over a limit From the yard",
            "Save this view as",
            "Only me",
        ],
    );
    assert!(html.contains("href=\"/sessions?over=1\""));
    assert_eq!(
        count(
            &html,
            "href=\"/sessions?q=ext\" aria-current=\"page\" class=\"view-link\""
        ),
        1
    );
    assert!(
        html.contains("name=\"query\" value=\"q=ext\""),
        "no selection in a view"
    );
    // A list that was not understood can't be kept.
    let bad = list_at("/sessions?systme=domo", page(12));
    lacks(&bad, &["Save this view as", "Export"]);
}

#[test]
fn ui_j3_the_page_of_views_says_what_each_means_and_who_finds_it() {
    let html = render("/sessions/views", Answers::default());
    has(
        &html,
        &[
            "Contractors, nights 10,000+",
            "Only you",
            "Over a limit Start page",
            "You and everybody with the role Helpdesk",
            "From the yard needs more rights Shared by Ada Admin with the role Helpdesk",
            "Delete “Over a limit”",
            "sharing it gives nobody a right",
        ],
    );
    lacks(&html, &["Delete “From the yard”"]);
}

#[test]
fn ui_j4_files_keep_the_filters_and_leave_the_selection() {
    let query = SessionQuery {
        search: "ann".to_owned(),
        selection: Some("s1".into()),
        ..SessionQuery::default()
    };
    let html = list_at("/sessions?q=ann&sel=s1", SessionsPage { query, ..page(12) });
    for file in ["csv", "jsonl"] {
        assert!(
            html.contains(&format!(
                "href=\"/sessions/export.{file}?q=ann\" rel=\"external\""
            )),
            "{file}"
        );
    }
}

#[test]
fn domo_b11_b12_p12_p13_columns_say_how_many_and_which_hidden_one_counts() {
    let query = SessionQuery {
        ip: app::sessions::query::filter::Network::parse("10.0.0.0/8")
            .into_iter()
            .collect(),
        ..SessionQuery::default()
    };
    let columns = vec![Column::Person, Column::System, Column::LastActivity];
    let html = list_at(
        "/sessions?ip=10.0.0.0/8",
        SessionsPage {
            query,
            columns,
            ..page(12)
        },
    );
    has(
        &html,
        &[
            "3 of 10 columns",
            "Person always",
            "System always",
            "Apply",
            "Default",
            "This list is filtered by IP address, a hidden column.",
        ],
    );
    lacks(&list(page(12)), &["hidden column"]);
}

#[test]
fn ui_j5_what_can_be_copied_is_shown_already_and_hidden_without_script() {
    let html = list(page(12));
    let html = markup(&html);
    for label in ["Copy IP address", "Copy user name"] {
        assert!(html.contains(label), "{label}");
    }
    assert!(html.contains("data-copy=\"/sessions\""), "the link of the list");
    for button in html.split("data-copy=").skip(1) {
        assert!(
            button.split_once('>').unwrap().0.contains("hidden"),
            "only script copies"
        );
    }
}

#[test]
fn domo_b6_b17_p3_help_on_the_page_answers_both_questions() {
    has(
        &list(page(12)),
        &[
            "What is not in this list",
            "API tokens, keys and scheduled work",
            "Why is a session longer than the settings allow? A session keeps the limits it began with.",
            "What happens when I end a session?",
            "Mobile apps and tokens handed out before may go on for a while",
        ],
    );
}

#[test]
fn ui_g2_c4_keys_and_density_are_kept_per_person() {
    let html = list(page(12));
    assert!(html.contains("data-keys=\"on\""));
    assert!(!html.contains("data-density="), "comfortable unless chosen");
    has(
        &html,
        &[
            "Density Comfortable",
            "Single keys are on. They never act while you type.",
        ],
    );
    assert!(html.contains("name=\"density\" value=\"compact\" aria-pressed=\"false\""));
}

#[test]
fn ui_i1_a_list_of_now_is_kept_current_and_keeps_the_place_of_what_comes_and_goes() {
    let live = "data-live=\"sessions\"";
    let html = list_at("/sessions", page(3));
    assert_eq!(count(&html, live), 1);
    assert!(
        html.contains("data-version=\"1\""),
        "what it was drawn with need not be read again"
    );
    for tool in ["data-new=\"\" data-off=\"\"", "data-pause=\"\" data-off=\"\""] {
        assert!(html.contains(tool), "{tool}");
    }
    for id in app::sessions::form::AROUND {
        assert_eq!(count(&html, &format!("id=\"{id}\"")), 1, "{id}");
    }
    // An empty list waits for its first row; the past, groups and what was not understood do not change.
    assert_eq!(count(&list_at("/sessions", page(0)), live), 1);
    for still in ["/sessions?at=2026-11-21T02:00", "/sessions?systme=domo"] {
        assert_eq!(count(&list_at(still, page(3)), live), 0, "{still}");
    }
}

#[test]
fn ui_i1_an_open_page_gets_the_rows_it_shows_beside_the_list_and_nobody_else_does() {
    let shown = page(3).rows;
    let mut list = page(3);
    list.rows.remove(1);
    let ask = |open: Vec<SessionKey>| {
        let answers = Answers {
            sessions: Some(list.clone()),
            shown: vec![shown[1].clone()],
            ..Answers::default()
        };
        render_open("/sessions", answers, open)
    };
    let keys: Vec<SessionKey> = shown.iter().map(|row| row.session_key.clone()).collect();
    let html = ask(keys.clone());
    let held = html
        .split("id=\"held\" hidden")
        .nth(1)
        .expect("held rows")
        .split("</table>")
        .next()
        .unwrap();
    assert_eq!(count(held, "data-key="), 1);
    assert!(held.contains(&format!("data-key=\"{}\"", keys[1])));
    // Where the list has them all, and for a page that is opened, there are none.
    assert_eq!(
        count(&ask(vec![keys[0].clone(), keys[2].clone()]), "id=\"held\""),
        0
    );
    assert_eq!(count(&ask(Vec::new()), "id=\"held\""), 0);
}
