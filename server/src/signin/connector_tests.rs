//! The portal's own connector keeps the promises of every connector, on both databases.

use std::collections::HashMap;
use std::sync::Mutex;

use super::*;
use crate::audit::Audit;
use crate::clock::SystemClock;
use crate::config::SignInRules;
use crate::connectors::SharedConnector;
use crate::connectors::conformance::{self, Fault, Subject};
use crate::db::testing::TestDb;
use crate::keys::HashKey;
use crate::on;

struct House {
    db: Db,
    portal: Arc<Portal>,
    clock: Arc<SystemClock>,
    /// Hash of the cookie's value by public id: what the browser of each session holds.
    browsers: Mutex<HashMap<String, String>>,
}

fn house(db: &Db) -> House {
    let clock = Arc::new(SystemClock);
    let audit = Arc::new(Audit::new(
        db.clone(),
        clock.clone(),
        Arc::new(HashKey::new([3; 32])),
    ));
    let policies = Arc::new(Policies::new(db.clone(), clock.clone(), audit.clone()));
    let access = Access::new(
        db.clone(),
        clock.clone(),
        audit,
        "http://localhost",
        SignInRules::default(),
    );
    House {
        db: db.clone(),
        portal: Arc::new(Portal::new(db.clone(), clock.clone(), Arc::new(access), policies)),
        clock,
        browsers: Mutex::default(),
    }
}

#[async_trait]
impl Subject for House {
    fn connector(&self) -> SharedConnector {
        self.portal.clone()
    }

    async fn open(&self) -> Target {
        let now = self.clock.now();
        let operator = OperatorId(keys::random_id());
        let id = PortalSessionId(keys::random_id());
        let token = keys::random_id();
        let mut conn = self.db.write().await.unwrap();
        on!(conn, c => {
            sqlx::query("INSERT INTO operator (operator_id, login, display_name, created_at) VALUES ($1, $1, $1, $2)")
                .bind(operator.as_str())
                .bind(now.0)
                .execute(c)
                .await
                .unwrap();
        });
        let new = store::NewSession {
            id: &id,
            token_hash: &token,
            operator_id: &operator,
            idle_timeout_s: 900,
            absolute_expires_at: now.plus_seconds(3_600),
            policy_version: 1,
            ip: None,
            user_agent: None,
            methods: store::Methods::Password,
        };
        store::insert(&mut conn, &new, now).await.unwrap();
        conn.commit().await.unwrap();
        self.browsers.lock().unwrap().insert(id.0.clone(), token);
        Target {
            handle: Handle::new(id.0),
            place: String::new(),
            kind: SessionKind::Portal,
            site: String::new(),
            account_id: operator.0,
            node: None,
        }
    }

    async fn open_in_two_places(&self) -> Option<[Target; 2]> {
        None
    }

    async fn close(&self, session: &Target) {
        let mut conn = self.db.write().await.unwrap();
        let id = PortalSessionId::from(session.handle.expose());
        assert!(store::delete(&mut conn, &id).await.unwrap());
        conn.commit().await.unwrap();
    }

    async fn lets_in(&self, session: &Target) -> bool {
        let token = self.browsers.lock().unwrap()[session.handle.expose()].clone();
        let mut conn = self.db.read().await.unwrap();
        store::by_token(&mut conn, &token)
            .await
            .unwrap()
            .is_some_and(|row| row.live(self.clock.now()))
    }

    /// There is no wire to break: its failures are those of our own database.
    async fn fault(&self, fault: Fault) -> bool {
        fault == Fault::None
    }

    fn secrets(&self) -> Vec<String> {
        self.browsers.lock().unwrap().values().cloned().collect()
    }
}

#[tokio::test]
async fn the_portal_keeps_every_promise_that_can_be_put_to_it() {
    for test in TestDb::both().await.unwrap() {
        let proven = conformance::run(&house(&test.db)).await.unwrap();
        let expected = [
            "a whole list is complete",
            "every session is listed",
            "account and kind are as opened",
            "a narrow list holds the wanted",
            "a narrow list holds nobody else",
            "an ended session is dead",
            "an ended session is off the list",
            "nobody else is ended with it",
            "ending twice is answered: not found",
            "already gone is answered: not found",
            "answers come in the order of the asking",
            "it recovers",
            "no secret in log lines",
        ];
        assert_eq!(proven, expected);
    }
}
