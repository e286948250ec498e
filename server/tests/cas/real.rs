//! A real CAS 6.6.12 as a far side: one server for the whole suite, which one test has at a time, as it has no realms.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use server::simulators::cas::{CANARY, USER};
use tokio::sync::OnceCell;

use super::keeper::{Kept, free_port};
use super::world::{Far, PASSWORD};

/// People who can sign in: CAS takes a list at its start.
const GUESTS: usize = 60;

/// The server; ended when the test process ends, as nobody drops what is kept in a `static`.
struct Cas {
    url: String,
    /// Of the application.
    app: String,
    /// Bodies of the logout requests the application was sent.
    told: Arc<Mutex<Vec<String>>>,
    alone: Arc<tokio::sync::Mutex<()>>,
    _kept: Mutex<Kept>,
}

async fn cas() -> &'static Cas {
    static ONE: OnceCell<Cas> = OnceCell::const_new();
    ONE.get_or_init(start).await
}

/// Where it lies.
fn home() -> PathBuf {
    let folder = std::env::var_os("CURFEW_TEST_CAS").expect(
        "tests against a real CAS want CURFEW_TEST_CAS: set it to the folder that `cargo xtask cas` prints, or run them by \
         `cargo xtask test rust NAME`",
    );
    PathBuf::from(folder)
}

/// An application that takes logout requests, in a thread of its own: tests have runtimes of their own.
fn application(told: Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let take = async move |body: String| told.lock().unwrap().push(body);
            let router = axum::Router::new().route("/slo", axum::routing::post(take));
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

async fn start() -> Cas {
    let port = free_port();
    let told = Arc::default();
    let app = format!("http://{}", application(Arc::clone(&told)));
    // It writes there as long as it lives, and nobody is left to tidy up after it: the next one does.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cas");
    drop(std::fs::remove_dir_all(&folder));
    let services = folder.join("services");
    std::fs::create_dir_all(&services).unwrap();
    for (id, path, logout) in [(1001, "app", "BACK_CHANNEL"), (1002, "silent", "NONE")] {
        let service = json!({
            "@class": "org.apereo.cas.services.RegexRegisteredService", "serviceId": format!("^{app}/{path}.*"),
            "name": path, "id": id, "logoutType": logout, "logoutUrl": format!("{app}/slo"),
        });
        std::fs::write(services.join(format!("{path}-{id}.json")), service.to_string()).unwrap();
    }
    let mut people = vec![format!("{CANARY}::{PASSWORD}"), format!("d/e::{PASSWORD}")];
    people.extend((0..GUESTS).map(|n| format!("guest{n}::{PASSWORD}")));
    let home = home();
    let path = |below: &str| home.join(below).display().to_string();
    let class_path = [path("WEB-INF/classes"), path("extra/*"), path("WEB-INF/lib/*")].join(":");
    let below = folder.display();
    let server = format!("http://127.0.0.1:{port}");
    let mut kept = Kept::start("cas", "java", |command| {
        command
            // Quicker to its start than with all that makes it quicker later.
            .args([
                "-Xms64m",
                "-Xmx512m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                class_path.as_str(),
            ])
            .arg("org.apereo.cas.web.CasWebApplication")
            .args(["--server.address=127.0.0.1", "--server.ssl.enabled=false"])
            .args([
                format!("--server.port={port}"),
                format!("--cas.server.name={server}"),
                format!("--cas.server.prefix={server}/cas"),
                format!("--cas.standalone.configuration-directory={below}"),
                format!("--logging.file.name={below}/cas.log"),
                format!("--server.tomcat.basedir={below}/tomcat"),
                format!("--cas.authn.accept.users={}", people.join(",")),
                format!("--cas.service-registry.json.location=file:{below}/services"),
                format!("--spring.security.user.password={PASSWORD}"),
                format!("--spring.security.user.name={USER}"),
            ])
            .args([
                "--cas.tgc.secure=false",
                "--cas.service-registry.core.init-from-json=true",
                "--management.endpoints.web.exposure.include=ssoSessions",
                "--management.endpoint.ssoSessions.enabled=true",
                "--cas.monitor.endpoints.endpoint.ssoSessions.access=AUTHENTICATED",
            ])
    });
    // Tomcat listens earlier, and a request then may keep CAS from ever starting.
    kept.ready(async |kept| kept.written().contains("Ready to process requests"))
        .await;
    Cas {
        url: format!("{server}/cas"),
        app,
        told,
        alone: Arc::default(),
        _kept: Mutex::new(kept),
    }
}

/// The real one with nobody there, and a connector to it.
pub async fn real() -> Far {
    let cas = cas().await;
    let alone = cas.alone.clone().lock_owned().await;
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(PASSWORD.as_bytes()).unwrap();
    let text = format!(
        "kind = \"cas\"\nurl = \"{}\"\nconnections = 8\n\
         identity = {{ username = \"{USER}\", password = \"file:{1}\" }}\n\
         canary = {{ username = \"{CANARY}\", password = \"file:{1}\" }}",
        cas.url,
        secret.path().display()
    );
    let far = Far::of(
        cas.url.clone(),
        toml::from_str(&text).unwrap(),
        PASSWORD.to_owned(),
        Duration::from_secs(30),
        None,
        Some((alone, secret)),
    );
    far.raw(Method::DELETE, "?type=ALL").await;
    assert!(far.ids().await.is_empty());
    far
}

/// The address of its application, below which everything but `/silent` is told of endings.
pub async fn app() -> &'static str {
    &cas().await.app
}

/// The logout requests of that person's sessions that the application was sent; waits for `count` of them.
pub async fn told(person: &str, count: usize) -> Vec<String> {
    let cas = cas().await;
    for _ in 0..100 {
        let told: Vec<String> = cas
            .told
            .lock()
            .unwrap()
            .iter()
            .filter(|body| body.contains(&format!("%3E{person}%3C")))
            .cloned()
            .collect();
        if told.len() >= count {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Vec::new()
}
