//! The connector on real Tomcats: every promise of a connector through each bridge, and what is peculiar to Tomcat.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use app::sessions::wire::SessionKind;
use async_trait::async_trait;
use server::config::SystemSettings;
use server::connectors::conformance::{self, Fault, Subject, list};
use server::connectors::{Completeness, Handle, Recipe, SeenSession, SharedConnector, Target, Wanted, make};

use super::farm::{self, App, FaultProxy, OpenSession, Role, Tomcat, Version, shared};

/// Which way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bridge {
    JmxProxy,
    Jolokia,
}

const BRIDGES: [Bridge; 2] = [Bridge::JmxProxy, Bridge::Jolokia];

/// A connector on a server, through a bridge; `more` is added to its settings.
pub fn connect(bridge: Bridge, url: &str, more: &str, timeout: Duration) -> SharedConnector {
    let (role, key, file) = match bridge {
        Bridge::JmxProxy => (Role::Jmx, "manager", "jmx"),
        Bridge::Jolokia => (Role::Jolokia, "jolokia", "jolokia"),
    };
    let (user, password) = role.user();
    let secret = std::env::temp_dir().join(format!("curfew-tomcat-{file}-{}", std::process::id()));
    std::fs::write(&secret, password).unwrap();
    let text = format!(
        "kind = \"tomcat\"\n{key} = \"{url}\"\nuser = \"{user}\"\npassword = \"file:{}\"\n{more}",
        secret.display()
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
        Bridge::JmxProxy => format!("{}/manager", tomcat.url()),
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
            tomcat.deploy(App::plain(app)).await;
        }
        let proxy = FaultProxy::in_front_of(&address(bridge, tomcat)).await;
        let more = format!("contexts = [\"{}\", \"{}\"]\napp = \"plain\"", apps[0], apps[1]);
        let near = connect(bridge, &proxy.url(), &more, Duration::from_millis(500));
        Far {
            tomcat,
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
        // Where the cookie's path is "/", the second app takes over the id of the first: uPortal's start kit does so.
        None
    }

    async fn close(&self, session: &Target) {
        self.session(session.handle.expose()).close().await;
    }

    async fn lets_in(&self, session: &Target) -> bool {
        self.session(session.handle.expose()).who().await.is_some()
    }

    async fn fault(&self, fault: Fault) -> bool {
        let answer = |status: &str, head: &str, body: &str| {
            farm::Fault::Answer(format!(
                "HTTP/1.1 {status}\r\n{head}content-length: {}\r\n\r\n{body}",
                body.len()
            ))
        };
        let (text, fault) = match fault {
            Fault::None => ("", farm::Fault::Pass),
            Fault::Slow => ("", farm::Fault::Slow(Duration::from_secs(2))),
            Fault::CutList => ("listSessionIds", farm::Fault::Half),
            Fault::CutEnd => ("expireSession", farm::Fault::Half),
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
        vec![Role::Jmx.user().1.to_owned(), Role::Jolokia.user().1.to_owned()]
    }
}

#[tokio::test]
async fn tomcat_keeps_every_promise_through_every_bridge() {
    for version in Version::chosen() {
        for bridge in BRIDGES {
            let far = Far::new(*version, bridge).await;
            let proven = conformance::run(&far).await;
            let proven = proven.unwrap_or_else(|broken| panic!("{version:?} by {bridge:?}: {broken:#}"));
            assert_eq!(proven.len(), 22, "{version:?} by {bridge:?}: {proven:#?}");
        }
    }
}
