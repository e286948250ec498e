//! The list and the endings as a browser without script gets them: every state, and the words in it.
#![cfg(feature = "ssr")]
#![recursion_limit = "512"]

#[path = "fake/mod.rs"]
mod fake;
#[path = "lists/mod.rs"]
mod lists;

use lists::sessions::*;
use lists::*;

fn list(page: app::sessions::wire::SessionsPage) -> String {
    list_at("/sessions", page)
}

fn list_at(path: &str, page: app::sessions::wire::SessionsPage) -> String {
    let answers = Answers {
        sessions: Some(page),
        ..Answers::default()
    };
    render(path, answers)
}

#[test]
fn dump() {
    std::fs::write("/tmp/pages-list.html", list(states())).unwrap();
    std::fs::write("/tmp/pages-100.html", list(page(100))).unwrap();
    let preview = render(
        "/endings/preview/e1",
        Answers {
            preview: Some(lists::endings::preview()),
            ..Answers::default()
        },
    );
    std::fs::write("/tmp/pages-preview.html", preview).unwrap();
    use app::endings::wire::*;
    for (name, state, counts) in [
        ("running", EndingState::Running, lists::endings::running()),
        ("settled", EndingState::Settled, lists::endings::settled()),
    ] {
        let html = render(
            "/endings/1042",
            Answers {
                ending: Some(lists::endings::ending(state, counts)),
                ..Answers::default()
            },
        );
        std::fs::write(format!("/tmp/pages-{name}.html"), html).unwrap();
    }
    let endings = EndingsPage {
        now: fake::NOW,
        endings: vec![
            lists::endings::brief(EndingState::Running, lists::endings::running()),
            lists::endings::brief(EndingState::Settled, lists::endings::settled()),
        ],
        next: None,
        paused: None,
        may_pause: true,
    };
    std::fs::write(
        "/tmp/pages-endings.html",
        render(
            "/endings",
            Answers {
                endings: Some(endings),
                ..Answers::default()
            },
        ),
    )
    .unwrap();
}
