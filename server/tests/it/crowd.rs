//! Many people at once: every page comes whole, and nothing waits for a connection while it holds one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::sessions::query::SessionQuery;
use app::wire::{SessionKey, SystemId};
use reqwest::Method;
use server::simulators::simulator::Simulator;
use server::simulators::simulator::shape::Shape;

use crate::harness::{App, Browser, Engine};

/// People at work at the same time.
const PEOPLE: usize = 8;
/// How often each of them looks at every page.
const ROUNDS: usize = 3;
/// Sessions of the simulated system: several pages of the list, several batches of a reading.
const SESSIONS: usize = 1_500;

/// The time of each request, to be printed: which page is slow is the first question when this fails.
struct Walk {
    browser: Browser,
    took: Vec<(String, Duration)>,
}

impl Walk {
    async fn send(&mut self, method: Method, path: &str, fields: &[(&str, &str)]) -> crate::harness::Answer {
        let began = Instant::now();
        let answer = if method == Method::GET {
            self.browser.get(path).await
        } else {
            self.browser.post(path, fields).await
        };
        self.took.push((format!("{method} {path}"), began.elapsed()));
        assert!(
            answer.status.is_success() || answer.status.is_redirection(),
            "{method} {path}: {} after {:?}: {}",
            answer.status,
            began.elapsed(),
            answer.body.chars().take(300).collect::<String>()
        );
        answer
    }

    async fn get(&mut self, path: &str) -> String {
        self.send(Method::GET, path, &[]).await.body
    }

    /// What one person does: looks at every page, ends three sessions, looks at what became of them, with a list open
    /// in another tab all the while.
    async fn walk(&mut self, rows: &[SessionKey]) {
        let mut tab = self.browser.live("sessions").await;
        assert!(tab.chunk().await.unwrap().is_some());
        let pages = [
            "/",
            "/sessions",
            "/sessions?sort=person",
            "/sessions?q=ann&system=north",
            "/endings",
            "/audit",
            "/systems",
            "/policies",
            "/access",
            "/account",
        ];
        for page in pages.iter().cycle().take(ROUNDS * pages.len()) {
            self.get(page).await;
        }
        let keys: Vec<(&str, &str)> = rows.iter().map(|key| ("row", key.as_str())).collect();
        let preview = self.send(Method::POST, "/sessions/preview", &keys).await;
        self.get(preview.location()).await;
        let confirm = format!("{}/confirm", preview.location());
        let ending = self
            .send(Method::POST, &confirm, &[("reason", "laptop lost")])
            .await;
        let mut following = self.browser.live("endings").await;
        assert!(following.chunk().await.unwrap().is_some());
        self.get(ending.location()).await;
        self.send(
            Method::POST,
            "/systems/act",
            &[("act", "read"), ("system", "north")],
        )
        .await;
        self.get("/audit?who=mara").await;
    }
}

/// Under load some pages were never finished and given up with 503 after ten seconds: two threads drew one page, and one
/// read a signal at the very moment the other changed it. A pool that starves looks the same.
async fn walks_of_eight_people_at_once(engine: Engine) {
    let clock = Arc::new(server::clock::SystemClock);
    let sim = Simulator::start(clock, Shape::default()).await.unwrap();
    sim.fill(SESSIONS, 400);
    let app = App::start_narrow(engine, |config| {
        config.systems.insert("north".to_owned(), sim.settings("North"));
    })
    .await;
    let north = SystemId::from("north");
    app.portal.collector.collect(&north).await.unwrap();
    for n in 0..PEOPLE {
        app.administrator(&format!("mara{n}")).await;
    }
    let background = tokio::spawn({
        let (portal, stop) = (app.portal.clone(), app.stop.clone());
        async move { portal.run_background(stop).await }
    });
    let began = Instant::now();
    let browser = app.signed_in("mara0").await;
    let query = SessionQuery {
        systems: vec![north],
        ..SessionQuery::default()
    };
    let ports = browser.ports(&app).await;
    let page = ports.sessions.list_sessions(query, false).await.unwrap();
    let keys: Vec<SessionKey> = page.rows.into_iter().map(|row| row.session_key).collect();
    let walks = keys.chunks(3).take(PEOPLE).enumerate().map(|(n, rows)| {
        let app = &app;
        async move {
            let mut walk = Walk {
                browser: app.signed_in(&format!("mara{n}")).await,
                took: Vec::new(),
            };
            walk.walk(rows).await;
            walk.took
        }
    });
    let mut took: Vec<(String, Duration)> = futures::future::join_all(walks)
        .await
        .into_iter()
        .flatten()
        .collect();
    took.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
    println!("{engine:?}: {} requests in {:?}", took.len(), began.elapsed());
    for (what, took) in took.iter().take(12) {
        println!("{took:>10.1?}  {what}");
    }
    app.stop.cancel();
    background.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_starves_on_one_connection_of_sqlite() {
    walks_of_eight_people_at_once(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_starves_on_one_connection_of_postgresql() {
    walks_of_eight_people_at_once(Engine::Postgres).await;
}
