//! The connector against what a real Spring Boot said, word for word (`server/tests/tomcat/actuator.rs` keeps it).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::systems::wire::StepResult;
use app::wire::{Limit, Timestamp};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Response, Uri};
use data_encoding::BASE64;
use tokio::net::TcpListener;

use super::super::from_settings;
use crate::connectors::conformance::list;
use crate::connectors::{
    Answer, Completeness, ConnectorError, ErrorKind, Handle, Recipe, SeenSession, SharedConnector, Target,
    Wanted,
};

macro_rules! said {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../tests/tomcat/fixtures/actuator-",
            $name,
            ".txt"
        ))
    };
}

const LIST: &str = said!("list");
const NOBODY: &str = said!("list-nobody");
const ENDED: &str = said!("end");
/// The two sessions of [`LIST`].
const ONE: &str = "7264f199-1f12-4489-aa92-16ca2db2a7fa";
const TWO: &str = "2b1f7b0e-6a53-4a34-9c63-0d5b6f1b8c11";

/// What a server is told to say, and what it was asked.
#[derive(Default)]
struct Said {
    /// By the beginning of "GET /actuator/…"; others get [`NOBODY`] and [`ENDED`].
    answers: HashMap<String, String>,
    asked: Vec<String>,
    now: usize,
    /// Most requests at a time.
    most: usize,
}

/// A server that says what was kept.
struct Replay {
    url: String,
    said: Arc<Mutex<Said>>,
}

impl Replay {
    async fn start() -> Replay {
        let said = Arc::new(Mutex::new(Said::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let here = said.clone();
        let router =
            Router::new().fallback(move |method: Method, uri: Uri| answer(here.clone(), method, uri));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Replay { url, said }
    }

    fn says(&self, to: &str, answer: &str) {
        let mut said = self.said.lock().unwrap();
        said.answers.insert(to.to_owned(), answer.to_owned());
    }

    /// What was asked since the last time, and how much of it at a time.
    fn asked(&self) -> (Vec<String>, usize) {
        let mut said = self.said.lock().unwrap();
        (std::mem::take(&mut said.asked), std::mem::take(&mut said.most))
    }

    fn connector(&self, more: &str) -> SharedConnector {
        connector(&format!("actuator = \"{}/actuator\"\n{more}", self.url)).unwrap()
    }
}

async fn answer(said: Arc<Mutex<Said>>, method: Method, uri: Uri) -> Response<Body> {
    let asked = format!("{method} {uri}");
    let text = {
        let mut said = said.lock().unwrap();
        said.now += 1;
        said.most = said.most.max(said.now);
        said.asked.push(asked.clone());
        let told = said.answers.iter().find(|(to, _)| asked.starts_with(*to));
        match told {
            Some((_, text)) => text.clone(),
            None if method == Method::GET => NOBODY.to_owned(),
            None => ENDED.to_owned(),
        }
    };
    tokio::time::sleep(Duration::from_millis(20)).await;
    said.lock().unwrap().now -= 1;
    let (head, body) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let mut response = Response::builder().status(lines.next().unwrap());
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        response = response.header(name, value);
    }
    response.body(Body::from(body.to_owned())).unwrap()
}

fn connector(own: &str) -> anyhow::Result<SharedConnector> {
    let settings = toml::from_str(&format!("kind = \"tomcat\"\n{own}")).unwrap();
    from_settings(&Recipe {
        settings: &settings,
        timeout: Duration::from_secs(3),
    })
}

async fn all(connector: &SharedConnector) -> Result<Vec<SeenSession>, ConnectorError> {
    let (whole, rows) = list(connector.as_ref(), Wanted::All).await?;
    assert_eq!(whole, Completeness::Complete);
    Ok(rows)
}

fn target(id: &str, account: &str) -> Target {
    Target {
        handle: Handle::new(id),
        place: String::new(),
        kind: app::sessions::wire::SessionKind::Web,
        site: String::new(),
        account_id: account.to_owned(),
        node: None,
    }
}

#[tokio::test]
async fn an_actuator_lists_the_accounts_of_the_settings_and_those_asked_for() {
    let far = Replay::start().await;
    far.says("GET /actuator/sessions?username=alice", LIST);
    far.says("GET /actuator/sessions?username=eve", said!("list-expired"));
    let mut names = vec!["alice".to_owned(), "o'b & c".to_owned()];
    names.extend((0..6).map(|n| format!("user{n}")));
    let near = far.connector(&format!("accounts = {names:?}"));
    let rows = all(&near).await.unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row.handle.expose()).collect();
    assert_eq!(ids, [ONE, TWO]);
    for row in &rows {
        assert_eq!(
            (row.account_id.as_str(), row.account_name.as_str()),
            ("alice", "alice")
        );
        assert_eq!(row.idle, Limit::Seconds(1_800));
        assert_eq!(row.created_at, Some(Timestamp(1_795_292_795_760)));
        assert!(row.last_active_at.is_some() && row.place.is_empty());
    }
    let (asked, most) = far.asked();
    assert_eq!((asked.len(), most), (8, 2), "{asked:?}");
    assert_eq!(
        asked[1].replace('+', "%20"),
        "GET /actuator/sessions?username=o%27b%20%26%20c"
    );
    let found = near.found().join(" ");
    assert!(found.contains("Spring Boot\u{2019}s actuator") && found.contains("the 8 accounts"));

    // Past its limit and not yet tidied up: listed all the same.
    let accounts = ["eve".to_owned(), String::new()];
    let (_, rows) = list(near.as_ref(), Wanted::Accounts(&accounts)).await.unwrap();
    assert_eq!((rows.len(), rows[0].idle), (1, Limit::Seconds(1)));
    assert_eq!(far.asked().0, ["GET /actuator/sessions?username=eve"]);
    let policy = near.policy().unwrap().read_policy().await.unwrap();
    assert_eq!((policy.idle, policy.absolute), (Limit::Unknown, Limit::None));
    assert!(policy.note.contains("of each session"));
}

#[tokio::test]
async fn an_actuator_is_asked_one_by_one_where_the_settings_say_so() {
    let far = Replay::start().await;
    let near = far.connector("connections = 1\naccounts = [\"a\", \"b\", \"c\"]");
    assert!(all(&near).await.unwrap().is_empty());
    assert_eq!(far.asked().1, 1);
}

#[tokio::test]
async fn an_actuator_ends_only_what_it_has_just_listed() {
    let far = Replay::start().await;
    far.says("GET /actuator/sessions?username=alice", LIST);
    let near = far.connector("accounts = [\"alice\"]");
    let targets = [
        target("00000000-0000-0000-0000-000000000000", "alice"),
        target(TWO, "alice"),
        target(ONE, "bob"),
        target(ONE, "alice"),
        target("../../shutdown", "alice"),
        target(ONE, ""),
    ];
    let answers = near.end().unwrap().end(&targets).await.unwrap();
    use Answer::{Accepted, NotFound};
    assert_eq!(
        answers,
        [NotFound, Accepted, NotFound, Accepted, NotFound, NotFound]
    );
    let (mut asked, _) = far.asked();
    asked[2..].sort();
    assert_eq!(
        asked,
        [
            "GET /actuator/sessions?username=alice".to_owned(),
            "GET /actuator/sessions?username=bob".to_owned(),
            format!("DELETE /actuator/sessions/{TWO}"),
            format!("DELETE /actuator/sessions/{ONE}"),
        ]
    );
}

/// Each failure has a kind, and words with the next step.
#[tokio::test]
async fn an_actuators_failures_are_told_apart() {
    let page = |status: u16| format!("{status}\ncontent-type: text/html\n\n<html>Sign in</html>");
    let cases: [(&str, ErrorKind, &str); 9] = [
        (said!("no-account"), ErrorKind::Protocol, "https://host/actuator"),
        ("401\n\n", ErrorKind::Unauthorized, "mend the secret"),
        (
            said!("wrong-password"),
            ErrorKind::Unauthorized,
            "mend the secret",
        ),
        (said!("not-signed-in"), ErrorKind::Unauthorized, "mend the secret"),
        (said!("no-role"), ErrorKind::Forbidden, "Give its user the role"),
        (
            said!("not-exposed"),
            ErrorKind::Protocol,
            "exposure.include=sessions",
        ),
        (
            "302\nlocation: /login\n\n",
            ErrorKind::Protocol,
            "no sign-in page",
        ),
        (&page(200), ErrorKind::Protocol, "no sign-in page"),
        (&page(502), ErrorKind::Protocol, "gateway"),
    ];
    for (text, kind, words) in cases {
        let far = Replay::start().await;
        far.says("GET ", text);
        let error = all(&far.connector("accounts = [\"a\", \"b\", \"c\", \"d\"]"))
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind, kind, "{text}: {error}");
        assert!(error.message.contains(words), "{text}: {error}");
        assert_eq!(far.asked().0.len(), 1, "one refused password is one of five");
    }
    let far = Replay::start().await;
    far.says("GET ", &LIST.replace(ONE, "../../shutdown"));
    let error = all(&far.connector("accounts = [\"a\"]")).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Protocol);
}

/// An ending is accepted only by an answer that says so, and a refusal holds the next step.
#[tokio::test]
async fn an_actuators_refusals_hold_the_next_step() {
    let page = |status: u16| format!("{status}\ncontent-type: text/html\n\n<html>Oops</html>");
    for (text, refused) in [
        (said!("end-read-only"), Some("sessions.access=unrestricted")),
        (said!("no-role"), Some("CSRF")),
        (said!("not-exposed"), Some("exposure.include=sessions")),
        (&page(405), Some("sessions.access=unrestricted")),
        (&page(200), None),
        ("500\n\n", None),
    ] {
        let far = Replay::start().await;
        far.says("GET ", LIST);
        far.says("DELETE ", text);
        let near = far.connector("accounts = [\"alice\"]");
        let answers = near.end().unwrap().end(&[target(ONE, "alice")]).await.unwrap();
        match (refused, &answers[0]) {
            (Some(words), Answer::Refused(said)) => assert!(said.contains(words), "{text}: {said}"),
            (None, Answer::NoAnswer) => {}
            (_, other) => panic!("{text}: {other:?}"),
        }
    }
}

/// Refused at the first ending it is an error; refused later, what was asked before stays asked and the rest is left.
#[tokio::test]
async fn an_actuator_that_turns_us_away_is_not_asked_on() {
    let far = Replay::start().await;
    far.says("GET ", LIST);
    far.says("DELETE ", said!("wrong-password"));
    let near = far.connector("connections = 1\naccounts = [\"alice\"]");
    let both = [target(ONE, "alice"), target(TWO, "alice")];
    let error = near.end().unwrap().end(&both).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(far.asked().0.len(), 2, "one list, one ending");

    let far = Replay::start().await;
    far.says("GET ", LIST);
    far.says(
        &format!("DELETE /actuator/sessions/{TWO}"),
        said!("wrong-password"),
    );
    let near = far.connector("connections = 1\naccounts = [\"alice\"]");
    let answers = near.end().unwrap().end(&both).await.unwrap();
    assert_eq!(answers, [Answer::Accepted, Answer::NoAnswer]);
}

#[tokio::test]
async fn an_actuators_settings_are_refused_in_words() {
    let url = "actuator = \"https://app.example.org/actuator\"";
    for (own, words) in [
        (
            format!("{url}\naccounts = [\"a\"]\nmanager = \"https://x/manager\""),
            "manager does not go with it",
        ),
        (
            format!("{url}\naccounts = [\"a\"]\njolokia = \"https://x/jolokia\""),
            "jolokia does not go with it",
        ),
        (
            format!("{url}\naccounts = [\"a\"]\n[[node]]\nname = \"one\""),
            "node does not go with it",
        ),
        (
            format!("{url}\naccounts = [\"a\"]\napp = \"spring\""),
            "app does not go with it",
        ),
        (url.to_owned(), "can\u{2019}t list everybody"),
        (format!("{url}\naccounts = [\" \"]"), "empty"),
        (format!("{url}\naccounts = [\"a\", \"a\"]"), "more than once"),
        (
            format!("{url}\naccounts = [\"a\"]\nuser = \"ops\""),
            "both or none",
        ),
        (
            "actuator = \"ftp://x\"\naccounts = [\"a\"]".to_owned(),
            "https://host/path",
        ),
        (
            "jolokia = \"https://x/jolokia\"\naccounts = [\"a\"]".to_owned(),
            "only with actuator",
        ),
    ] {
        let refused = connector(&own).err().unwrap().to_string();
        assert!(refused.contains(words), "{own}: {refused}");
    }
    let near = connector(&format!("{url}\naccounts = [\"a\"]")).unwrap();
    assert!(near.self_test().is_none(), "no test_page");
}

/// 204 and still there: the proof fails where the truth is.
#[tokio::test]
async fn an_actuators_self_test_believes_no_204() {
    let far = Replay::start().await;
    let near = far.connector(&format!("accounts = [\"a\"]\ntest_page = \"{}/visit\"", far.url));
    let proof = async || near.self_test().unwrap().self_test().await.unwrap();
    far.says("GET /visit", "200\n\nno cookie");
    let steps = proof().await.steps;
    assert_eq!((steps.len(), steps[0].result), (1, StepResult::Failed));
    let cookie = BASE64.encode(ONE.as_bytes());
    far.says(
        "GET /visit",
        &format!("200\nset-cookie: SESSION={cookie}; Path=/; HttpOnly\n\n"),
    );
    far.says("GET /actuator/sessions/", said!("no-session"));
    let steps = proof().await.steps;
    assert_eq!((steps.len(), steps[1].result), (2, StepResult::Failed));
    let there = format!("200\ncontent-type: application/json\n\n{}", said!("session"));
    far.says("GET /actuator/sessions/", &there);
    far.asked();
    let steps = proof().await.steps;
    let results: Vec<StepResult> = steps.iter().map(|step| step.result).collect();
    use StepResult::{Failed, Passed};
    assert_eq!(results, [Passed, Passed, Passed, Failed]);
    assert!(
        far.asked()
            .0
            .contains(&format!("DELETE /actuator/sessions/{ONE}"))
    );
}
