//! The connector on a real Spring Boot, through its actuator; what it said word for word is kept for the tests of every run.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use app::sessions::wire::SessionKind;
use app::systems::wire::StepResult;
use app::wire::Limit;
use async_trait::async_trait;
use regex::Regex;
use reqwest::{Method, Response};
use server::config::SystemSettings;
use server::connectors::conformance::{self, Fault, Subject, list};
use server::connectors::{
    Answer, Completeness, ErrorKind, Handle, Recipe, SharedConnector, Target, Wanted, make,
};

use super::boot::{Boot, BootSession, OPS};
use super::farm::{self, FaultProxy, new_client};
use super::fixture;

/// The app lets in nobody else.
const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// A connector to the actuator at `url`; `more` is added to its settings.
fn connect(url: &str, password: &str, more: &str, timeout: Duration) -> SharedConnector {
    // Read by the connector at once, so the file may go with this call.
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(password.as_bytes()).unwrap();
    let text = format!(
        "kind = \"tomcat\"\nactuator = \"{url}\"\nuser = \"{}\"\npassword = \"file:{}\"\n{more}",
        OPS.0,
        secret.path().display()
    );
    let settings: SystemSettings = toml::from_str(&text).unwrap();
    make(&Recipe {
        settings: &settings,
        timeout,
    })
    .unwrap()
}

/// A connector with time enough.
fn on(boot: &Boot, accounts: &[&str], more: &str) -> SharedConnector {
    let url = format!("{}/actuator", boot.url());
    let more = format!("accounts = {accounts:?}\n{more}");
    connect(&url, OPS.1, &more, Duration::from_secs(5))
}

fn target(session: &BootSession, account: &str) -> Target {
    Target {
        handle: Handle::new(session.id.clone()),
        place: String::new(),
        kind: SessionKind::Web,
        site: String::new(),
        account_id: account.to_owned(),
        node: None,
    }
}

async fn end(connector: &SharedConnector, target: Target) -> Answer {
    let mut answers = connector.end().unwrap().end(&[target]).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// The app with a proxy in front that breaks what the suite wants broken.
struct Far {
    boot: Boot,
    proxy: FaultProxy,
    near: SharedConnector,
    next: AtomicUsize,
    open: Mutex<BTreeMap<String, BootSession>>,
}

impl Far {
    async fn new() -> Far {
        let boot = Boot::start().await;
        // A JVM that has just started needs longer than the suite waits.
        for _ in 0..10 {
            boot.actuator(Method::GET, "?username=alice").await;
            boot.actuator(Method::DELETE, "/nobodys-session").await;
        }
        let proxy = FaultProxy::in_front_of(&format!("{}/actuator", boot.url())).await;
        let accounts = format!("accounts = {PEOPLE:?}");
        Far {
            near: connect(&proxy.url(), OPS.1, &accounts, Duration::from_millis(500)),
            boot,
            proxy,
            next: AtomicUsize::new(0),
            open: Mutex::default(),
        }
    }

    fn session(&self, id: &str) -> BootSession {
        self.open.lock().unwrap()[id].clone()
    }
}

#[async_trait]
impl Subject for Far {
    fn connector(&self) -> SharedConnector {
        self.near.clone()
    }

    async fn open(&self) -> Target {
        // Three people in turn: two that follow each other are never the same.
        let account = PEOPLE[self.next.fetch_add(1, Ordering::SeqCst) % PEOPLE.len()];
        let session = self.boot.open(account).await;
        let target = target(&session, account);
        self.open.lock().unwrap().insert(session.id.clone(), session);
        target
    }

    async fn open_in_two_places(&self) -> Option<[Target; 2]> {
        // One app, one store of sessions.
        None
    }

    async fn close(&self, session: &Target) {
        self.session(session.handle.expose()).close().await;
    }

    async fn lets_in(&self, session: &Target) -> bool {
        self.session(session.handle.expose()).who().await.is_some()
    }

    async fn fault(&self, fault: Fault) -> bool {
        let answer = farm::Fault::answer;
        let (text, fault) = match fault {
            Fault::None => ("", farm::Fault::Pass),
            Fault::Slow => ("", farm::Fault::Slow(Duration::from_secs(2))),
            Fault::CutList => ("GET ", farm::Fault::Half),
            Fault::CutEnd => ("DELETE ", farm::Fault::Cut(5)),
            Fault::Lies => ("DELETE ", farm::Fault::Answer("HTTP/1.1 204 \r\n\r\n".to_owned())),
            Fault::Refuses => ("DELETE ", answer("405 ", "allow: GET\r\n", "")),
            Fault::Garbage => ("", farm::Fault::Garbage),
            Fault::Html => (
                "",
                answer("200 OK", "content-type: text/html\r\n", "<html>Sign in</html>"),
            ),
            Fault::Redirect => ("", answer("302 Found", "location: /login\r\n", "")),
            Fault::Unauthorized => ("", answer("401 Unauthorized", "", "")),
            Fault::RateLimited => ("", answer("429 Too Many Requests", "retry-after: 1\r\n", "")),
            Fault::TwoNodes | Fault::FullList | Fault::HalfList => return false,
        };
        self.proxy.set_for(text, fault).await;
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![OPS.1.to_owned()]
    }
}

#[tokio::test]
async fn tomcat_spring_boot_keeps_every_promise_through_its_actuator() {
    let far = Far::new().await;
    let proven = conformance::run(&far).await.unwrap();
    assert_eq!(proven.len(), 23, "{proven:#?}");
}

/// Whoever is asked for, in the settings or not; visitors in no list; and a throw-away one that the self-test ends.
#[tokio::test]
async fn tomcat_spring_boot_lists_accounts_and_nobody_else() {
    let boot = Boot::start().await;
    let connector = on(
        &boot,
        &["alice"],
        &format!("test_page = \"{}/visit\"", boot.url()),
    );
    let alice = boot.open("alice").await;
    let bob = boot.open("bob").await;
    let visitor = boot.visit().await;
    let (whole, rows) = list(connector.as_ref(), Wanted::All).await.unwrap();
    assert_eq!((whole, rows.len()), (Completeness::Complete, 1));
    assert_eq!(rows[0].handle.expose(), alice.id);
    assert_eq!(rows[0].idle, Limit::Seconds(1_800));
    assert!(rows[0].created_at.is_some() && rows[0].last_active_at.is_some());
    let accounts = ["bob".to_owned(), "nobody".to_owned()];
    let (_, rows) = list(connector.as_ref(), Wanted::Accounts(&accounts))
        .await
        .unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row.account_id.as_str()).collect();
    assert_eq!(names, ["bob"]);
    assert_eq!(
        end(&connector, target(&bob, "alice")).await,
        Answer::NotFound,
        "not alice\u{2019}s: never asked for"
    );
    assert_eq!(bob.who().await.as_deref(), Some("bob"));
    assert_eq!(end(&connector, target(&bob, "bob")).await, Answer::Accepted);
    assert_eq!(bob.who().await, None);

    let proof = connector.self_test().unwrap().self_test().await.unwrap();
    let passed = |steps: &[app::systems::wire::SelfTestStep]| {
        steps
            .iter()
            .filter(|step| step.result == StepResult::Passed)
            .count()
    };
    assert_eq!((proof.steps.len(), passed(&proof.steps)), (5, 5), "{proof:#?}");
    let seen = boot.actuator(Method::GET, &format!("/{}", visitor.id)).await;
    assert_eq!(seen.status(), 200, "another visitor\u{2019}s stays");
}

/// Every answer that is no list or no ending, with words that hold the next step.
#[tokio::test]
async fn tomcat_spring_boot_answers_are_kept_for_every_run() {
    let boot = Boot::start().await;
    let first = boot.open("alice").await;
    boot.open("alice").await;
    let plain = async |user: Option<(&str, &str)>| {
        let address = format!("{}/actuator/sessions?username=alice", boot.url());
        let request = new_client(0).get(address);
        let request = match user {
            Some((name, password)) => request.basic_auth(name, Some(password)),
            None => request,
        };
        request.send().await.unwrap()
    };
    hold("list", boot.actuator(Method::GET, "?username=alice").await).await;
    hold(
        "list-nobody",
        boot.actuator(Method::GET, "?username=nobody").await,
    )
    .await;
    hold("no-account", boot.actuator(Method::GET, "").await).await;
    hold("no-session", boot.actuator(Method::GET, "/nobodys-session").await).await;
    hold("not-signed-in", plain(None).await).await;
    hold("wrong-password", plain(Some((OPS.0, "wrong"))).await).await;
    hold("no-role", plain(Some(("bob", "bob-Secret"))).await).await;
    let path = format!("/{}", first.id);
    hold("end", boot.actuator(Method::DELETE, &path).await).await;
    let slash = boot.actuator(Method::DELETE, "/a%2Fb").await;
    assert_eq!(slash.status(), 400);

    let url = format!("{}/actuator", boot.url());
    let wrong = connect(&url, "wrong", "accounts = [\"alice\"]", Duration::from_secs(5));
    let error = list(wrong.as_ref(), Wanted::All).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
    drop(boot);

    // Listed after their limit until the app tidies up, once a minute.
    let boot = Boot::start_with(&[
        "--management.endpoint.sessions.access=read-only",
        "--spring.session.timeout=1s",
    ])
    .await;
    let alice = boot.open("alice").await;
    let connector = on(&boot, &["alice"], "");
    let refused = end(&connector, target(&alice, "alice")).await;
    assert!(matches!(&refused, Answer::Refused(words) if words.contains("access=unrestricted")));
    hold(
        "end-read-only",
        boot.actuator(Method::DELETE, "/nobodys-session").await,
    )
    .await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    hold(
        "list-expired",
        boot.actuator(Method::GET, "?username=alice").await,
    )
    .await;
    let (_, rows) = list(connector.as_ref(), Wanted::All).await.unwrap();
    assert!(rows.len() == 1 && rows[0].idle == Limit::Seconds(1));
    drop(boot);

    let boot = Boot::start_with(&["--management.endpoints.web.exposure.include=health"]).await;
    hold("not-exposed", boot.actuator(Method::GET, "?username=alice").await).await;
    let error = list(on(&boot, &["alice"], "").as_ref(), Wanted::All)
        .await
        .err()
        .unwrap();
    assert!(error.message.contains("exposure.include=sessions"), "{error}");
}

/// Holds an answer against its fixture: status, the headers that matter, an empty line, the body. Ids, moments and ports
/// are replaced by some that are always the same.
async fn hold(name: &str, answer: Response) {
    let mut text = format!("{}\n", answer.status().as_u16());
    for header in ["www-authenticate", "location", "content-type"] {
        if let Some(value) = answer.headers().get(header) {
            text.push_str(&format!("{header}: {}\n", value.to_str().unwrap()));
        }
    }
    text.push('\n');
    text.push_str(&answer.text().await.unwrap());
    let replaced = |text: String, pattern: &str, instead: &[&str]| {
        let mut met = Vec::new();
        let pattern = Regex::new(pattern).unwrap();
        pattern
            .replace_all(&text, |found: &regex::Captures<'_>| {
                let at = met.iter().position(|one| *one == found[0]).unwrap_or(met.len());
                if at == met.len() {
                    met.push(found[0].to_owned());
                }
                instead[at.min(instead.len() - 1)].to_owned()
            })
            .into_owned()
    };
    let ids = [
        "7264f199-1f12-4489-aa92-16ca2db2a7fa",
        "2b1f7b0e-6a53-4a34-9c63-0d5b6f1b8c11",
    ];
    let text = replaced(text, "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", &ids);
    let text = replaced(
        text,
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?",
        &["2026-11-21T20:26:35.760"],
    );
    let text = replaced(text, r"127\.0\.0\.1:\d+", &["127.0.0.1:8080"]);
    fixture::hold(&format!("actuator-{name}.txt"), &text);
}
