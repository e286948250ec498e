//! The connector on real Tomcats: every promise of a connector through each bridge, and what is peculiar to Tomcat.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use app::sessions::wire::SessionKind;
use app::systems::wire::StepResult;
use app::wire::Limit;
use async_trait::async_trait;
use server::config::SystemSettings;
use server::connectors::conformance::{self, Fault, Subject, list};
use server::connectors::{
    Answer, Completeness, ErrorKind, Handle, Recipe, SeenSession, SharedConnector, Target, Wanted, make,
};

use super::farm::{self, App, FaultProxy, OpenSession, Role, Tomcat, Version, shared};
use super::persons::NAMES;

/// Which way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bridge {
    JmxProxy,
    Jolokia,
    /// The Manager's pages.
    Manager,
}

/// Those to JMX.
const BRIDGES: [Bridge; 2] = [Bridge::JmxProxy, Bridge::Jolokia];

/// A connector on a server, through a bridge; `more` is added to its settings. `GUI_PASSWORD` in there becomes the
/// reference of the password for the pages.
pub fn connect(bridge: Bridge, url: &str, more: &str, timeout: Duration) -> SharedConnector {
    let (role, key, only) = match bridge {
        Bridge::JmxProxy => (Role::Jmx, "manager", ""),
        Bridge::Jolokia => (Role::Jolokia, "jolokia", ""),
        Bridge::Manager => (Role::Gui, "manager", "bridge = \"manager\"\n"),
    };
    // Read by the connector at once, so the files may go with this call.
    let file = |role: Role| {
        let mut secret = tempfile::NamedTempFile::new().unwrap();
        secret.write_all(role.user().1.as_bytes()).unwrap();
        secret
    };
    let (secret, gui_secret) = (file(role), file(Role::Gui));
    let more = more.replace(
        "GUI_PASSWORD",
        &format!("\"file:{}\"", gui_secret.path().display()),
    );
    let text = format!(
        "kind = \"tomcat\"\n{key} = \"{url}\"\nuser = \"{}\"\npassword = \"file:{}\"\n{only}{more}",
        role.user().0,
        secret.path().display()
    );
    let settings: SystemSettings = toml::from_str(&text).unwrap();
    make(&Recipe {
        settings: &settings,
        timeout,
    })
    .unwrap()
}

/// Address of a bridge on a server.
pub fn address(bridge: Bridge, tomcat: &Tomcat) -> String {
    match bridge {
        Bridge::JmxProxy | Bridge::Manager => format!("{}/manager", tomcat.url()),
        Bridge::Jolokia => tomcat.jolokia_url(),
    }
}

/// Everything that is listed.
pub async fn all(connector: &SharedConnector) -> Vec<SeenSession> {
    let (whole, rows) = list(connector.as_ref(), Wanted::All).await.unwrap();
    assert_eq!(whole, Completeness::Complete);
    rows
}

pub fn target(session: &OpenSession, place: &str, user: &str) -> Target {
    Target {
        handle: Handle::new(session.id.clone()),
        place: place.to_owned(),
        kind: SessionKind::Web,
        site: String::new(),
        account_id: user.to_owned(),
        node: None,
    }
}

/// A server with a proxy in front that breaks what the suite wants broken.
struct Far {
    tomcat: &'static Tomcat,
    bridge: Bridge,
    proxy: FaultProxy,
    near: SharedConnector,
    apps: [String; 2],
    next: AtomicUsize,
    open: Mutex<BTreeMap<String, OpenSession>>,
}

impl Far {
    async fn new(version: Version, bridge: Bridge) -> Far {
        let tomcat = shared(version).await;
        let apps = ["here", "there"].map(|place| format!("/{place}-{bridge:?}-{version:?}").to_lowercase());
        for app in &apps {
            tomcat.deploy(App::plain(app).one_cookie()).await;
        }
        let proxy = FaultProxy::in_front_of(&address(bridge, tomcat)).await;
        let more = format!("contexts = [\"{}\", \"{}\"]\napp = \"plain\"", apps[0], apps[1]);
        let near = connect(bridge, &proxy.url(), &more, Duration::from_millis(1_500));
        Far {
            tomcat,
            bridge,
            proxy,
            near,
            apps,
            next: AtomicUsize::new(1),
            open: Mutex::default(),
        }
    }

    fn session(&self, id: &str) -> OpenSession {
        self.open.lock().unwrap()[id].clone()
    }
}

#[async_trait]
impl Subject for Far {
    fn connector(&self) -> SharedConnector {
        self.near.clone()
    }

    async fn open(&self) -> Target {
        let user = format!("user{}", self.next.fetch_add(1, Ordering::SeqCst));
        let session = self.tomcat.open(&self.apps[0], &user).await;
        let target = target(&session, &self.apps[0], &user);
        self.open.lock().unwrap().insert(session.id.clone(), session);
        target
    }

    async fn open_in_two_places(&self) -> Option<[Target; 2]> {
        // The second app takes over the id of the first: uPortal's start kit is set so too.
        let here = self.tomcat.open(&self.apps[0], "amy").await;
        let there = self.tomcat.open_with(&here, &self.apps[1], "amy").await;
        assert_eq!(here.id, there.id);
        Some([
            target(&here, &self.apps[0], "amy"),
            target(&there, &self.apps[1], "amy"),
        ])
    }

    async fn close(&self, session: &Target) {
        self.session(session.handle.expose()).close().await;
    }

    async fn lets_in(&self, session: &Target) -> bool {
        self.session(session.handle.expose()).who().await.is_some()
    }

    async fn fault(&self, fault: Fault) -> bool {
        let answer = farm::Fault::answer;
        let (list, end) = match self.bridge {
            Bridge::JmxProxy | Bridge::Jolokia => ("listSessionIds", "expireSession"),
            Bridge::Manager => ("GET /manager/html/sessions", "invalidateSessions"),
        };
        let (text, fault) = match fault {
            Fault::None => ("", farm::Fault::Pass),
            Fault::Slow => ("", farm::Fault::Slow(Duration::from_secs(4))),
            Fault::CutList => (list, farm::Fault::Half),
            Fault::CutEnd => (end, farm::Fault::Half),
            Fault::Garbage => ("", farm::Fault::Garbage),
            Fault::Html => (
                "",
                answer("200 OK", "content-type: text/html\r\n", "<html>Sign in</html>"),
            ),
            Fault::Redirect => ("", answer("302 Found", "location: /login\r\n", "")),
            Fault::Unauthorized => ("", answer("401 Unauthorized", "", "")),
            Fault::RateLimited => ("", answer("429 Too Many Requests", "retry-after: 1\r\n", "")),
            Fault::TwoNodes | Fault::FullList | Fault::HalfList | Fault::Lies | Fault::Refuses => {
                return false;
            }
        };
        self.proxy.set_for(text, fault).await;
        true
    }

    fn secrets(&self) -> Vec<String> {
        [Role::Jmx, Role::Jolokia, Role::Gui]
            .map(|role| role.user().1.to_owned())
            .to_vec()
    }
}

#[tokio::test]
async fn tomcat_keeps_every_promise_through_every_bridge() {
    for version in Version::chosen() {
        for bridge in [Bridge::JmxProxy, Bridge::Jolokia, Bridge::Manager] {
            let far = Far::new(*version, bridge).await;
            let proven = conformance::run(&far).await;
            let proven = proven.unwrap_or_else(|broken| panic!("{version:?} by {bridge:?}: {broken:#}"));
            assert_eq!(proven.len(), 23, "{version:?} by {bridge:?}: {proven:#?}");
        }
    }
}

/// A connector to some apps of a server that is shared.
fn on(bridge: Bridge, tomcat: &Tomcat, apps: &[&str], more: &str) -> SharedConnector {
    let more = format!("contexts = {apps:?}\n{more}");
    connect(bridge, &address(bridge, tomcat), &more, Duration::from_secs(3))
}

pub fn of<'s>(rows: &'s [SeenSession], session: &OpenSession) -> &'s SeenSession {
    rows.iter()
        .find(|row| row.handle.expose() == session.id)
        .expect("it is listed")
}

pub async fn end(connector: &SharedConnector, target: Target) -> Answer {
    let mut answers = connector.end().unwrap().end(&[target]).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// Real classes of uPortal, Spring Security and Shiro; a password was given to every one of them.
#[tokio::test]
async fn tomcat_names_people_as_the_apps_do_and_takes_nothing_else_along() {
    for version in [Version::V9, Version::V10] {
        let tomcat = shared(version).await;
        let place = "/people";
        tomcat
            .deploy(if version.is_jakarta() {
                App::libraries_of_10(place)
            } else {
                App::libraries_of_9(place)
            })
            .await;
        for bridge in BRIDGES {
            let connector = on(bridge, tomcat, &[place], "");
            for name in NAMES {
                let spring = tomcat.open_at(place, "spring.jsp", &[("user", name)]).await;
                let shiro = tomcat.open_at(place, "shiro.jsp", &[("user", name)]).await;
                let rows = all(&connector).await;
                let row = of(&rows, &spring);
                assert_eq!(row.account_name, name, "{version:?} by {bridge:?}");
                assert_eq!(row.ip.as_deref(), Some("127.0.0.1"), "{version:?} by {bridge:?}");
                let row = of(&rows, &shiro);
                match name.contains(',') {
                    false => assert_eq!(row.account_name, name, "{version:?} by {bridge:?}"),
                    true => assert!(row.person_doubt.is_some(), "a comma may part two realms"),
                }
                spring.close().await;
                shiro.close().await;
            }
        }
    }
}

#[tokio::test]
async fn tomcat_tells_uportals_people_guests_and_two_readings_apart() {
    let tomcat = shared(Version::V9).await;
    let place = "/uportal-connector";
    tomcat.deploy(App::uportal(place)).await;
    let open = async |parameters: &[(&str, &str)]| tomcat.open_at(place, "uportal.jsp", parameters).await;
    let amy = open(&[("user", "amy"), ("clicked", "yes")]).await;
    let fresh = open(&[("user", "ben")]).await;
    let guest = open(&[("user", "guest")]).await;
    let two = open(&[("user", "cleo"), ("mail", "x], username=[admin")]).await;
    // Without its factory, which any other sign-in of the app would make, the person's text can't be had.
    tomcat.deploy(App::uportal("/uportal-mute")).await;
    let raw = [("user", "dora"), ("raw", "yes")];
    let mute = tomcat.open_at("/uportal-mute", "uportal.jsp", &raw).await;
    for bridge in BRIDGES {
        let connector = on(bridge, tomcat, &[place, "/uportal-mute"], "app = \"uportal\"");
        let rows = all(&connector).await;
        assert_eq!(rows.len(), 5);
        let row = of(&rows, &amy);
        assert_eq!(
            (row.account_id.as_str(), row.display_name.as_str()),
            ("amy", "Real amy")
        );
        assert_eq!(row.ip.as_deref(), Some("127.0.0.1"));
        assert_eq!(of(&rows, &fresh).account_name, "ben", "before the first click");
        assert_eq!(of(&rows, &guest).kind, SessionKind::Guest);
        for (session, why) in [
            (&two, "more than one person"),
            (&mute, "failed when it was asked"),
        ] {
            let doubt = of(&rows, session).person_doubt.clone().unwrap_or_default();
            assert!(doubt.contains(why), "{bridge:?}: {doubt}");
            assert_eq!(of(&rows, session).account_name, "");
        }
    }
    let asked = tomcat.access_log().await.join("\n");
    assert!(
        !asked.contains("COOKIE_CHECK_REFERER"),
        "where a password may stand is never read"
    );
}

#[tokio::test]
async fn tomcat_warns_where_browsers_sign_themselves_in_again() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let basic = tomcat.open("/basic", "bob").await;
        let form = tomcat.open("/form", "carol").await;
        for bridge in BRIDGES {
            let connector = on(bridge, tomcat, &["/basic", "/form"], "");
            let rows = all(&connector).await;
            let hint = of(&rows, &basic).return_hint.clone().unwrap_or_default();
            assert!(hint.contains("BASIC"), "{version:?} by {bridge:?}: {hint}");
            let row = of(&rows, &form);
            assert_eq!(row.return_hint, None);
            assert_eq!(row.idle, Limit::Seconds(1_200), "the app\u{2019}s own limit");
            assert!(row.created_at.is_some() && row.last_active_at.is_some());
            let names = connector.found().join("\n");
            assert!(names.contains("/form leaves nobody"), "{names}");
        }
        // It is ended, and the next request signs in again: nobody at the screen would notice.
        let connector = on(Bridge::JmxProxy, tomcat, &["/basic"], "");
        let before = of(&all(&connector).await, &basic).handle.expose().to_owned();
        assert_eq!(
            end(&connector, target(&basic, "/basic", "")).await,
            Answer::Accepted
        );
        assert_eq!(basic.who().await.as_deref(), Some("bob"));
        let rows = all(&connector).await;
        assert!(rows.iter().all(|row| row.handle.expose() != before));
    }
}

#[tokio::test]
async fn tomcat_a_listener_that_throws_leaves_the_verdict_to_the_next_list() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/throws-connector")).await;
        for bridge in BRIDGES {
            let connector = on(bridge, tomcat, &["/throws-connector"], "app = \"plain\"");
            let throws = [("user", "alice"), ("ending", "throws")];
            let alice = tomcat.open_at("/throws-connector", "open.jsp", &throws).await;
            let said = end(&connector, target(&alice, "/throws-connector", "alice")).await;
            assert_eq!(said, Answer::NoAnswer, "{version:?} by {bridge:?}");
            assert!(all(&connector).await.is_empty());
        }
    }
}

#[tokio::test]
async fn tomcat_odd_texts_cost_a_name_never_the_page() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let place = "/odd-connector";
        tomcat.deploy(App::plain(place)).await;
        let odd = async |text: &str| {
            let parameters = [("text", text), ("size", "20000000"), ("ms", "5000")];
            tomcat.open_at(place, "open.jsp", &parameters).await
        };
        let sessions = [odd("throws").await, odd("lines").await, odd("huge").await];
        let bob = tomcat.open(place, "bob").await;
        for bridge in BRIDGES {
            let connector = on(bridge, tomcat, &[place], "app = \"plain\"");
            let rows = all(&connector).await;
            assert_eq!(rows.len(), 4, "{version:?} by {bridge:?}");
            let row = of(&rows, &bob);
            assert_eq!(
                row.account_name, "bob",
                "{version:?} by {bridge:?}: {:?}",
                row.person_doubt
            );
            for session in &sessions {
                assert_eq!(of(&rows, session).account_name, "", "{version:?} by {bridge:?}");
            }
        }
    }
}

/// One wrong password of five that lock the account, however many requests could run at a time.
#[tokio::test]
async fn tomcat_a_refused_password_is_tried_once() {
    let tomcat = shared(Version::V10).await;
    let proxy = FaultProxy::in_front_of(&address(Bridge::JmxProxy, tomcat)).await;
    let connector = connect(
        Bridge::JmxProxy,
        &proxy.url(),
        "connections = 8",
        Duration::from_secs(3),
    );
    proxy
        .set(farm::Fault::Answer(
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ))
        .await;
    let error = list(connector.as_ref(), Wanted::All).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(proxy.requests().len(), 1, "{:?}", proxy.requests());
}

/// A session under a new id keeps its start and its person: the endings room finds it by both.
#[tokio::test]
async fn tomcat_a_new_id_keeps_start_and_person() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/rotates-connector")).await;
        for bridge in BRIDGES {
            let connector = on(bridge, tomcat, &["/rotates-connector"], "app = \"plain\"");
            let mut alice = tomcat.open("/rotates-connector", "alice").await;
            let before = of(&all(&connector).await, &alice).created_at;
            let old = target(&alice, "/rotates-connector", "alice");
            alice.rotate().await;
            let accounts = ["alice".to_owned()];
            let (_, rows) = list(connector.as_ref(), Wanted::Accounts(&accounts))
                .await
                .unwrap();
            assert_eq!(rows.len(), 1);
            let row = of(&rows, &alice);
            assert_eq!((row.created_at, row.account_name.as_str()), (before, "alice"));
            assert_eq!(
                end(&connector, old).await,
                Answer::NotFound,
                "the old id is nobody\u{2019}s"
            );
            assert_eq!(alice.who().await.as_deref(), Some("alice"));
            alice.close().await;
        }
    }
}

/// Versions of one app are places of their own, and what is in a store is told as a limit.
#[tokio::test]
async fn tomcat_versions_are_places_and_stores_are_limits() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/versions")).await;
        let one = tomcat.open("/versions", "alice").await;
        tomcat.deploy(App::plain("/versions").version("2")).await;
        let two = tomcat.open("/versions", "bob").await;
        for bridge in BRIDGES {
            let connector = on(bridge, tomcat, &["/versions", "/stored"], "app = \"plain\"");
            let rows = all(&connector).await;
            assert_eq!(of(&rows, &one).place, "/versions", "{version:?} by {bridge:?}");
            assert_eq!(of(&rows, &two).place, "/versions##2", "{version:?} by {bridge:?}");
            let said = connector.found().join("\n");
            assert!(said.contains("/stored moves idle sessions to a store"), "{said}");
            let policy = connector.policy().unwrap().read_policy().await.unwrap();
            assert_eq!(policy.absolute, Limit::None);
            assert_eq!(policy.places.len(), 3, "{:?}", policy.places);
        }
        let connector = on(Bridge::JmxProxy, tomcat, &["/versions"], "app = \"plain\"");
        let said = end(&connector, target(&two, "/versions##2", "bob")).await;
        assert_eq!(said, Answer::Accepted);
        assert_eq!(two.who().await, None);
        assert_eq!(
            one.who().await.as_deref(),
            Some("alice"),
            "the other version\u{2019}s stays"
        );
    }
}

/// One id in two apps is two sessions: whoever is ended in one stays signed in at the other.
#[tokio::test]
async fn tomcat_one_id_in_two_apps_is_two_sessions() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        for place in ["/shared-one", "/shared-two"] {
            tomcat.deploy(App::plain(place).one_cookie()).await;
        }
        for bridge in BRIDGES {
            let connector = on(bridge, tomcat, &["/shared-one", "/shared-two"], "app = \"plain\"");
            let one = tomcat.open("/shared-one", "alice").await;
            let two = tomcat.open_with(&one, "/shared-two", "alice").await;
            assert_eq!(one.id, two.id, "{version:?}: it takes the id it is brought");
            let places = async || {
                let rows = all(&connector).await;
                let own = rows.into_iter().filter(|row| row.handle.expose() == one.id);
                own.map(|row| (row.place, row.account_name)).collect::<Vec<_>>()
            };
            let alice_at = |place: &str| (place.to_owned(), "alice".to_owned());
            assert_eq!(
                places().await,
                [alice_at("/shared-one"), alice_at("/shared-two")],
                "{version:?} by {bridge:?}"
            );
            assert_eq!(
                end(&connector, target(&two, "/shared-two", "alice")).await,
                Answer::Accepted
            );
            assert_eq!(
                places().await,
                [alice_at("/shared-one")],
                "{version:?} by {bridge:?}"
            );
            assert_eq!(
                (one.who().await.as_deref(), two.who().await),
                (Some("alice"), None)
            );
            assert_eq!(
                end(&connector, target(&two, "/shared-two", "alice")).await,
                Answer::NotFound,
                "the other app\u{2019}s is not taken for it"
            );
            one.close().await;
        }
    }
}

/// A second reading asks for nothing that can't have changed, and nobody else's account is looked at to end one.
#[tokio::test]
async fn tomcat_is_asked_no_more_than_needed() {
    let tomcat = shared(Version::V10).await;
    let place = "/counted";
    tomcat.deploy(App::plain(place)).await;
    tomcat.open_many(place, 30).await;
    let proxy = FaultProxy::in_front_of(&address(Bridge::JmxProxy, tomcat)).await;
    let more = format!("contexts = [\"{place}\"]\nperson = [{{ attribute = \"user\" }}]");
    let connector = connect(Bridge::JmxProxy, &proxy.url(), &more, Duration::from_secs(3));
    let count = |word: &str| proxy.requests().iter().filter(|line| line.contains(word)).count();
    assert_eq!(all(&connector).await.len(), 30);
    let first = (
        count("getCreationTimestamp"),
        count("getLastAccessedTimestamp"),
        count("getSessionAttribute"),
    );
    assert_eq!(first, (30, 30, 30));
    assert_eq!(all(&connector).await.len(), 30);
    let second = (
        count("getCreationTimestamp"),
        count("getLastAccessedTimestamp"),
        count("getSessionAttribute"),
    );
    assert_eq!(second, (30, 60, 30));
    let before = proxy.requests().len();
    let accounts = ["user7".to_owned()];
    let (_, rows) = list(connector.as_ref(), Wanted::Accounts(&accounts))
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    let asked = &proxy.requests()[before..];
    assert_eq!(
        asked.len(),
        1,
        "ids; which apps there are was read a moment ago: {asked:?}"
    );
    let seven = Target {
        handle: rows[0].handle.clone(),
        place: rows[0].place.clone(),
        kind: rows[0].kind,
        site: String::new(),
        account_id: "user7".to_owned(),
        node: None,
    };
    assert_eq!(end(&connector, seven).await, Answer::Accepted);
    assert_eq!(proxy.requests().len(), before + 2, "one more: the ending itself");
}

/// The throw-away session and the one of the last click are gone after it; a page of another app proves nothing.
#[tokio::test]
async fn tomcat_a_self_test_proves_ending_with_a_session_of_a_page() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/proven")).await;
        tomcat.deploy(App::plain("/elsewhere")).await;
        for bridge in BRIDGES {
            let connector = |app: &str| {
                let page = format!("app = \"plain\"\ntest_page = \"{}{app}/open.jsp\"", tomcat.url());
                on(bridge, tomcat, &["/proven"], &page)
            };
            let near = connector("/proven");
            let proof = near.self_test().unwrap().self_test().await.unwrap();
            let passed = proof
                .steps
                .iter()
                .filter(|step| step.result == StepResult::Passed);
            assert_eq!((passed.count(), proof.steps.len()), (5, 5), "{:?}", proof.steps);
            assert!(!proof.build.is_empty());
            assert!(all(&near).await.is_empty(), "{version:?} by {bridge:?}");

            let astray = connector("/elsewhere");
            let proof = astray.self_test().unwrap().self_test().await.unwrap();
            let last = proof.steps.last().unwrap();
            assert_eq!(
                (&*last.name, last.result),
                ("The server lists it", StepResult::Failed),
                "{:?}",
                proof.steps
            );
        }
        let unset = on(Bridge::JmxProxy, tomcat, &["/proven"], "");
        assert!(unset.self_test().is_none(), "no page, no self-test");
    }
}

/// RMI is refused in words that hold the remedy, before anything is connected.
#[test]
fn tomcat_a_bare_jmx_port_is_refused_with_its_remedy() {
    for url in [
        "service:jmx:rmi:///jndi/rmi://host:9010/jmxrmi",
        "rmi://host:9010",
    ] {
        let settings: SystemSettings =
            toml::from_str(&format!("kind = \"tomcat\"\njolokia = \"{url}\"")).unwrap();
        let refused = make(&Recipe {
            settings: &settings,
            timeout: Duration::from_secs(1),
        });
        let words = refused.err().unwrap().to_string();
        assert!(
            words.contains("RMI") && words.contains("Jolokia agent"),
            "{words}"
        );
    }
}
