//! The room on real databases, against a real receiver on loopback; the clock is ours.

use std::collections::VecDeque;
use std::sync::Mutex;

use app::paths;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::*;
use crate::clock::FakeClock;
use crate::db::testing::TestDb;
use crate::keys::HashKey;
use crate::on;
use crate::outbox::{self, Event, Kind};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// How the receiver answers one request.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Status(u16),
    Redirect,
    Hang,
    /// 200 and more than anybody wants to read.
    Endless,
}

/// What came in.
#[derive(Clone, Debug)]
struct Got {
    path: String,
    id: String,
    at_s: i64,
    body: serde_json::Value,
}

#[derive(Default)]
struct Desk {
    /// Answers in turn; 200 when there are none left.
    answers: Mutex<VecDeque<Answer>>,
    got: Mutex<Vec<Got>>,
}

impl Desk {
    fn taken(&self) -> Vec<Got> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }

    fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        *self.answers.lock().unwrap() = answers.into_iter().collect();
    }
}

/// Checks the signature as a receiver does that knows only the secret and the published scheme.
fn verified(headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name| headers[name].to_str().unwrap();
    let key = BASE64.decode(&SECRET.as_bytes()["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    for part in [text("webhook-id"), ".", text("webhook-timestamp"), "."] {
        mac.update(part.as_bytes());
    }
    mac.update(body);
    let signature = text("webhook-signature").strip_prefix("v1,").unwrap();
    mac.verify_slice(&BASE64.decode(signature.as_bytes()).unwrap())
        .is_ok()
}

async fn take(
    State(desk): State<Arc<Desk>>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert!(verified(&headers, &body), "the signature does not fit");
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    desk.got.lock().unwrap().push(Got {
        path: uri.to_string(),
        id: headers["webhook-id"].to_str().unwrap().to_owned(),
        at_s: headers["webhook-timestamp"].to_str().unwrap().parse().unwrap(),
        body: serde_json::from_slice(&body).unwrap(),
    });
    let answer = desk.answers.lock().unwrap().pop_front();
    match answer.unwrap_or(Answer::Status(200)) {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Redirect => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        Answer::Hang => std::future::pending().await,
        Answer::Endless => "x".repeat(10 << 20).into_response(),
    }
}

struct Stage {
    webhooks: Webhooks,
    clock: Arc<FakeClock>,
    desk: Arc<Desk>,
    settings: Vec<WebhookSettings>,
    test: TestDb,
    dir: tempfile::TempDir,
}

impl Stage {
    async fn on(test: TestDb) -> Self {
        let desk = Arc::new(Desk::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/hook/", routing::post(take))
            .fallback(take)
            .with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), SECRET).unwrap();
        let settings = vec![WebhookSettings {
            url: format!("http://{address}/hook/"),
            secret: SecretRef::File(dir.path().join("secret")),
            events: vec!["ending.settled".to_owned()],
            ca_file: None,
        }];
        let clock = Arc::new(FakeClock::at(NOW));
        let webhooks = room(&test, &clock);
        assert_eq!(webhooks.take_settings(&settings), [""; 0]);
        Self {
            webhooks,
            clock,
            desk,
            settings,
            test,
            dir,
        }
    }

    async fn both() -> Vec<Self> {
        let mut stages = Vec::new();
        for test in TestDb::both().await.unwrap() {
            stages.push(Self::on(test).await);
        }
        stages
    }

    /// Something happens that is told of.
    async fn happen(&self, kind: Kind, ending_no: i64) {
        let mut conn = self.test.db.write().await.unwrap();
        let event = Event::new(kind, paths::ending(ending_no)).fact("ending_no", ending_no);
        outbox::put(&mut conn, &event, self.clock.now()).await.unwrap();
        conn.commit().await.unwrap();
    }

    async fn round(&self) -> Vec<Got> {
        self.webhooks.deliver_due().await.unwrap();
        self.desk.taken()
    }

    async fn one(&self, sql: &'static str) -> i64 {
        let mut conn = self.test.db.read().await.unwrap();
        on!(conn, c => sqlx::query_scalar(sql).fetch_one(c).await.unwrap())
    }

    async fn given_up(&self) -> (i64, i64) {
        (
            self.one("SELECT COUNT(*) FROM webhook_delivery WHERE state = 'given_up'")
                .await,
            self.one("SELECT COUNT(*) FROM audit_entry WHERE action = 'webhook_given_up'")
                .await,
        )
    }
}

fn room(test: &TestDb, clock: &Arc<FakeClock>) -> Webhooks {
    let key = Arc::new(HashKey::new([7; 32]));
    let audit = Arc::new(Audit::new(test.db.clone(), clock.clone(), key));
    let mut webhooks = Webhooks::new(test.db.clone(), clock.clone(), audit, "https://curfew.test");
    webhooks.timeout = Duration::from_millis(300);
    webhooks
}

#[tokio::test]
async fn an_event_goes_signed_and_once_to_who_asks_for_its_kind() {
    for stage in Stage::both().await {
        stage.happen(Kind::AuditCopyStalled, 0).await;
        stage.happen(Kind::EndingSettled, 7).await;
        let got = stage.round().await;
        assert_eq!(got.len(), 1, "the other kind is not asked for: {got:?}");
        let expected = serde_json::json!({
            "type": "ending.settled",
            "timestamp": "2027-01-15T08:00:00.000Z",
            "data": { "ending_no": 7, "link": "https://curfew.test/endings/7" },
        });
        assert_eq!(got[0].body, expected);
        assert_eq!((got[0].path.as_str(), got[0].at_s), ("/hook/", NOW.0 / 1000));
        assert!(stage.round().await.is_empty());
        assert_eq!(stage.webhooks.pending().await.unwrap(), 0);
        // Who is asked for later gets nothing of what happened before.
        stage.webhooks.take_settings(&[]);
        stage.happen(Kind::EndingSettled, 8).await;
        stage.webhooks.deliver_due().await.unwrap();
        stage.webhooks.take_settings(&stage.settings);
        assert!(stage.round().await.is_empty());
    }
}

#[tokio::test]
async fn an_event_that_is_rolled_back_is_never_told() {
    for stage in Stage::both().await {
        let mut conn = stage.test.db.write().await.unwrap();
        let event = Event::new(Kind::EndingSettled, paths::ending(1));
        outbox::put(&mut conn, &event, NOW).await.unwrap();
        drop(conn);
        assert!(stage.round().await.is_empty());
    }
}

#[tokio::test]
async fn failures_are_tried_again_with_longer_and_longer_pauses() {
    for stage in Stage::both().await {
        use Answer::{Endless, Hang, Redirect, Status};
        stage
            .desk
            .answers([Status(500), Redirect, Hang, Status(401), Status(404), Endless]);
        stage.happen(Kind::EndingSettled, 7).await;
        let mut got = stage.round().await;
        for pause in &PAUSES_S[..5] {
            stage.clock.advance(pause - 1);
            assert!(stage.round().await.is_empty(), "not before {pause} s");
            stage.clock.advance(1);
            let next = stage.round().await;
            assert_eq!(next.len(), 1, "after {pause} s");
            got.extend(next);
        }
        assert!(
            got.iter().all(|g| g.path == "/hook/"),
            "no redirect is followed: {got:?}"
        );
        assert!(got.iter().all(|g| g.id == got[0].id && g.body == got[0].body));
        assert_eq!(got[1].at_s - got[0].at_s, 5, "each try has a time of its own");
        assert_eq!(
            stage.webhooks.pending().await.unwrap(),
            0,
            "the long answer was a 200"
        );
        assert_eq!(stage.given_up().await, (0, 0));
    }
}

#[tokio::test]
async fn after_a_day_or_a_410_it_is_given_up_and_written_down_once() {
    for stage in Stage::both().await {
        stage.desk.answers([Answer::Status(410)]);
        stage.happen(Kind::EndingSettled, 1).await;
        assert_eq!(stage.round().await.len(), 1);
        assert_eq!(stage.given_up().await, (1, 1));

        stage.desk.answers([Answer::Status(503); 20]);
        stage.happen(Kind::EndingSettled, 2).await;
        let mut tries = 0;
        for _ in 0..600 {
            tries += stage.round().await.len();
            stage.clock.advance(300);
        }
        assert_eq!(tries, 9, "six pauses, then every six hours while the day lasts");
        assert_eq!(stage.given_up().await, (2, 2));
        assert_eq!(stage.webhooks.pending().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_receiver_that_fails_does_not_hold_up_another() {
    for mut stage in Stage::both().await {
        let other = Stage::on(TestDb::sqlite().await.unwrap()).await;
        stage.settings.extend(other.settings.clone());
        stage.webhooks.take_settings(&stage.settings);
        stage.desk.answers([Answer::Hang; 3]);
        for n in 1..=3 {
            stage.happen(Kind::EndingSettled, n).await;
        }
        assert_eq!(stage.round().await.len(), 1, "the first failure ends its turn");
        let there: Vec<i64> = other
            .desk
            .taken()
            .iter()
            .map(|g| g.body["data"]["ending_no"].as_i64().unwrap())
            .collect();
        assert_eq!(there, [1, 2, 3]);
        assert_eq!(stage.webhooks.pending().await.unwrap(), 3);
    }
}

#[tokio::test]
async fn of_several_replicas_one_delivers() {
    for stage in Stage::both().await {
        let second = room(&stage.test, &stage.clock);
        second.take_settings(&stage.settings);
        let mut got = Vec::new();
        for n in 1..=10 {
            stage.happen(Kind::EndingSettled, n).await;
            let (one, other) = tokio::join!(stage.webhooks.deliver_due(), second.deliver_due());
            one.unwrap();
            other.unwrap();
            got.extend(stage.desk.taken());
        }
        got.extend(stage.round().await);
        assert_eq!(got.len(), 10);
    }
}

#[tokio::test]
async fn a_receiver_that_left_the_settings_is_given_up_after_its_day() {
    for stage in Stage::both().await {
        stage.desk.answers([Answer::Status(500)]);
        stage.happen(Kind::EndingSettled, 1).await;
        stage.round().await;
        stage.webhooks.take_settings(&[]);
        stage.clock.advance(GIVEN_UP_AFTER_S - 1);
        stage.round().await;
        assert_eq!(stage.given_up().await, (0, 0));
        stage.clock.advance(2);
        stage.round().await;
        assert_eq!(stage.given_up().await, (1, 1));
    }
}

#[tokio::test]
async fn a_renewed_secret_counts_at_once_and_a_missing_one_only_delays() {
    for stage in Stage::both().await {
        let file = stage.dir.path().join("secret");
        std::fs::remove_file(&file).unwrap();
        stage.happen(Kind::EndingSettled, 1).await;
        assert!(stage.round().await.is_empty());
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        stage.clock.advance(5);
        assert_eq!(stage.round().await.len(), 1);
    }
}

#[tokio::test]
async fn rows_go_after_thirty_days_and_hold_no_url_or_secret() {
    for stage in Stage::both().await {
        stage.happen(Kind::EndingSettled, 1).await;
        stage.round().await;
        let with_url =
            "SELECT COUNT(*) FROM webhook_delivery WHERE receiver LIKE '%hook%' OR host LIKE '%hook%'";
        assert_eq!(stage.one(with_url).await, 0);
        stage.clock.advance(KEPT_S);
        stage.webhooks.forget_old().await.unwrap();
        assert_eq!(stage.one("SELECT COUNT(*) FROM outbox").await, 1);
        stage.clock.advance(1);
        stage.webhooks.forget_old().await.unwrap();
        for table in [
            "SELECT COUNT(*) FROM outbox",
            "SELECT COUNT(*) FROM webhook_delivery",
        ] {
            assert_eq!(stage.one(table).await, 0, "{table}");
        }
    }
}
