//! Spring Boot with its sessions in a database, built from `spring-boot` beside this file by `cargo xtask tomcats --matrix`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::farm::process::{Process, agent};
use super::farm::{Role, free_ports, new_client, parts};
use super::fixture;

/// Who may use the actuator; it asks for the password each time.
pub const OPS: (&str, &str) = ("ops", "ops-Secret");

/// The app, running; gone when dropped.
pub struct Boot {
    port: u16,
    agent_port: u16,
    base: PathBuf,
    process: Option<Process>,
}

/// Somebody's session, as their browser holds it.
#[derive(Clone)]
pub struct BootSession {
    /// As the actuator names it; the cookie is this in Base64.
    pub id: String,
    cookie: String,
    url: String,
}

impl Boot {
    pub async fn start() -> Boot {
        Boot::start_with(&[]).await
    }

    /// With settings of Spring Boot's: `--name=value`.
    pub async fn start_with(settings: &[&str]) -> Boot {
        let jar = parts().join("boot/boot.jar");
        assert!(
            jar.exists(),
            "{} is not there: build it by `cargo xtask tomcats --matrix`",
            jar.display()
        );
        let [port, agent_port] = free_ports();
        let base = tempfile::Builder::new().prefix("curfew-boot-").tempdir().unwrap();
        let base = base.keep();
        std::fs::create_dir(base.join("logs")).unwrap();
        let mut arguments = vec![
            "-Xmx300m".into(),
            "-XX:+UseSerialGC".into(),
            "-XX:TieredStopAtLevel=1".into(),
            agent(agent_port, None),
            "-jar".into(),
            jar.into(),
            format!("--server.port={port}").into(),
        ];
        arguments.extend(settings.iter().map(Into::into));
        let mut boot = Boot {
            port,
            agent_port,
            process: Some(Process::start(&base, &arguments)),
            base,
        };
        boot.wait_until_ready().await;
        boot
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the Jolokia agent in it answers.
    pub fn jolokia_url(&self) -> String {
        format!("http://127.0.0.1:{}/jolokia", self.agent_port)
    }

    /// Signs in by the app's sign-in page: alice, bob or carol.
    pub async fn open(&self, user: &str) -> BootSession {
        let answer = new_client(0)
            .post(format!("{}/login", self.url()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("username={user}&password={user}-Secret"))
            .send()
            .await
            .unwrap();
        let session = self.session(&answer);
        assert_eq!(session.who().await.as_deref(), Some(user));
        session
    }

    /// The session of somebody who has not signed in.
    pub async fn visit(&self) -> BootSession {
        let answer = new_client(0).get(format!("{}/visit", self.url())).send();
        self.session(&answer.await.unwrap())
    }

    /// The actuator's answer about sessions; `path` is what follows `sessions`.
    pub async fn actuator(&self, method: Method, path: &str) -> Response {
        let (name, password) = OPS;
        let address = format!("{}/actuator/sessions{path}", self.url());
        let request = new_client(0).request(method, address);
        request.basic_auth(name, Some(password)).send().await.unwrap()
    }

    fn session(&self, answer: &Response) -> BootSession {
        let set = answer.headers()[SET_COOKIE].to_str().unwrap();
        let value = set.strip_prefix("SESSION=").unwrap().split(';').next().unwrap();
        BootSession {
            id: String::from_utf8(BASE64.decode(value.as_bytes()).unwrap()).unwrap(),
            cookie: format!("SESSION={value}"),
            url: self.url(),
        }
    }

    async fn wait_until_ready(&mut self) {
        let start = Instant::now();
        while new_client(0).get(self.url()).send().await.is_err() {
            let lives = self.process.as_mut().is_some_and(Process::lives);
            let log = || std::fs::read_to_string(self.base.join("logs/out.log")).unwrap_or_default();
            assert!(lives && start.elapsed() < Duration::from_secs(120), "{}", log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Boot {
    fn drop(&mut self) {
        drop(self.process.take());
        drop(std::fs::remove_dir_all(&self.base));
    }
}

impl BootSession {
    /// Signs out, as the person does.
    pub async fn close(&self) {
        let request = new_client(0).post(format!("{}/logout", self.url));
        let answer = request.header(COOKIE, &self.cookie).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FOUND);
    }

    /// Who the app takes this browser for; `None` = it leads to the sign-in page.
    pub async fn who(&self) -> Option<String> {
        let request = new_client(0).get(format!("{}/who", self.url));
        let answer = request.header(COOKIE, &self.cookie).send().await.unwrap();
        if answer.status() == StatusCode::FOUND {
            return None;
        }
        Some(answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn tomcat_spring_boot_lists_and_ends_by_its_actuator() {
    let boot = Boot::start().await;
    let alice = boot.open("alice").await;
    let other = boot.open("alice").await;
    let visitor = boot.visit().await;

    let answer = boot.actuator(Method::GET, "?username=alice").await;
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/vnd.spring-boot.actuator.v3+json");
    let list: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let listed = list["sessions"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|one| one["maxInactiveInterval"] == 1800));
    let one = boot.actuator(Method::GET, &format!("/{}", alice.id)).await;
    let one = one.text().await.unwrap();
    let session: Value = serde_json::from_str(&one).unwrap();
    assert!(listed.contains(&session), "{list}");
    fixture::hold("actuator-session.txt", &without_moment(one, &session));

    // A visitor is reachable by id and in no list; nobody can be listed without a name.
    let seen = boot.actuator(Method::GET, &format!("/{}", visitor.id)).await;
    assert_eq!(seen.status(), StatusCode::OK);
    let status = async |method, path: &str| boot.actuator(method, path).await.status();
    assert_eq!(status(Method::GET, "").await, StatusCode::BAD_REQUEST);
    let nobody = boot
        .actuator(Method::GET, "?username=nobody")
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(nobody, "{\"sessions\":[]}");

    // 204 proves nothing: the same for one that never was.
    let path = format!("/{}", alice.id);
    for path in [&*path, &path, "/nope"] {
        assert_eq!(status(Method::DELETE, path).await, StatusCode::NO_CONTENT);
    }
    assert_eq!(status(Method::GET, &path).await, StatusCode::NOT_FOUND);
    assert_eq!(alice.who().await, None);
    assert_eq!(other.who().await.as_deref(), Some("alice"));

    // Without the password it leads to the app's own sign-in page, without the role it refuses.
    let address = format!("{}/actuator/sessions?username=alice", boot.url());
    let asked = new_client(0).get(&address).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::FOUND);
    let asked = new_client(0).get(&address).basic_auth("bob", Some("bob-Secret"));
    assert_eq!(asked.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

/// Somebody is signed in, and Tomcat knows of nobody.
#[tokio::test]
async fn tomcat_spring_boot_keeps_its_sessions_where_jmx_does_not_see_them() {
    let boot = Boot::start().await;
    boot.open("alice").await;
    let (name, password) = Role::Jolokia.user();
    let read = json!({"type": "read", "mbean": "Tomcat:type=Manager,host=localhost,context=/", "attribute": ["activeSessions", "sessionCounter"]});
    let request = new_client(0)
        .post(boot.jolokia_url())
        .basic_auth(name, Some(password));
    let answer = request.json(&read).send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["value"], json!({"activeSessions": 0, "sessionCounter": 0}));
}

/// The same text at another time.
fn without_moment(mut text: String, session: &Value) -> String {
    for (field, instead) in [
        ("id", "7264f199-1f12-4489-aa92-16ca2db2a7fa"),
        ("creationTime", "2026-11-21T20:26:35.760Z"),
        ("lastAccessedTime", "2026-11-21T20:26:36.474Z"),
    ] {
        let now = format!("\"{field}\":{}", session[field]);
        text = text.replace(&now, &format!("\"{field}\":\"{instead}\""));
    }
    text
}
