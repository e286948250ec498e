//! "Something changed": one number per topic that grows in the transaction of the change.
//!
//! Rooms call [`bump`] last in their transaction and [`Changes::wake`] after it committed; pages that follow a topic
//! hold a [`Changes::subscribe`] receiver. Every replica looks at the table at least every second or two, so a lost
//! message costs a second, never an update; PostgreSQL's LISTEN/NOTIFY only makes it sooner.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_query::{Alias, Expr, ExprTrait, Query};
use secrecy::ExposeSecret;
use sqlx::postgres::PgListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::db::{Conn, Db};
use crate::error::Error;
use crate::on;

/// Longest time between two looks at the table.
const LOOK_EVERY: Duration = Duration::from_millis(1_500);
/// Shortest time between two looks, however often somebody wakes.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(50);
/// PostgreSQL's channel.
const CHANNEL: &str = "curfew_change";

/// Names of topics.
pub mod topic {
    use app::wire::{EndingId, SystemId};

    /// Any row of any system's sessions.
    pub const SESSIONS: &str = "sessions";
    /// The list of endings, and the global pause.
    pub const ENDINGS: &str = "endings";
    /// Health and settings of systems.
    pub const SYSTEMS: &str = "systems";
    /// Operators, roles, grants, protected people.
    pub const ACCESS: &str = "access";
    /// Curfew's own sessions.
    pub const PORTAL_SESSIONS: &str = "portal_sessions";

    /// Rows of one system. Bumping it bumps [`SESSIONS`] too.
    pub fn sessions(system: &SystemId) -> String {
        format!("{SESSIONS}:{system}")
    }

    /// One ending.
    pub fn ending(ending: &EndingId) -> String {
        format!("ending:{ending}")
    }
}

/// Lets a topic's version grow, inside the transaction of the change. Call it last: it locks a busy row until commit.
pub async fn bump(conn: &mut Conn, topic: &str) -> Result<(), Error> {
    bump_all(conn, &[topic]).await
}

/// [`bump`] for several topics. Always in one call, so that no two writers wait for each other crosswise.
pub async fn bump_all(conn: &mut Conn, topics: &[&str]) -> Result<(), Error> {
    let mut topics: Vec<&str> = topics.to_vec();
    if topics.iter().any(|t| t.starts_with("sessions:")) {
        topics.push(topic::SESSIONS);
    }
    topics.sort_unstable();
    topics.dedup();
    for topic in topics {
        on!(conn, c => {
            sqlx::query(
                "INSERT INTO change (topic, version) VALUES ($1, 1) \
                 ON CONFLICT (topic) DO UPDATE SET version = change.version + 1",
            )
            .bind(topic)
            .execute(c)
            .await?;
        });
        if let crate::db::Typed::Postgres(c) = conn.typed() {
            sqlx::query("SELECT pg_notify($1, $2)")
                .bind(CHANNEL)
                .bind(topic)
                .execute(c)
                .await?;
        }
    }
    Ok(())
}

/// The version of a topic; 0 = it never changed.
pub async fn version(conn: &mut Conn, topic: &str) -> Result<i64, Error> {
    let found: Option<i64> = on!(conn, c => sqlx::query_scalar("SELECT version FROM change WHERE topic = $1")
        .bind(topic)
        .fetch_optional(c)
        .await?);
    Ok(found.unwrap_or(0))
}

/// Follows the versions of topics for this process.
pub struct Changes {
    db: Db,
    topics: Mutex<HashMap<String, watch::Sender<i64>>>,
    wake: Notify,
}

impl Changes {
    /// Follows nothing yet; [`Changes::run`] does the looking.
    pub fn new(db: Db) -> Arc<Self> {
        Arc::new(Self {
            db,
            topics: Mutex::default(),
            wake: Notify::new(),
        })
    }

    /// A receiver of the topic's version, which grows with every change. 0 until the first look.
    pub fn subscribe(&self, topic: &str) -> watch::Receiver<i64> {
        let receiver = self
            .topics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(topic.to_owned())
            .or_insert_with(|| watch::Sender::new(0))
            .subscribe();
        self.wake.notify_one();
        receiver
    }

    /// Looks again now: call it after a commit that bumped something.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// One look at the topics somebody follows. Topics nobody follows any more are forgotten.
    pub async fn look(&self) -> Result<(), Error> {
        let followed: Vec<String> = {
            let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
            topics.retain(|_, sender| sender.receiver_count() > 0);
            topics.keys().cloned().collect()
        };
        if followed.is_empty() {
            return Ok(());
        }
        let mut conn = self.db.read().await?;
        for some in followed.chunks(500) {
            let query = Query::select()
                .column(Alias::new("topic"))
                .column(Alias::new("version"))
                .from(Alias::new("change"))
                .and_where(Expr::col(Alias::new("topic")).is_in(some.iter().cloned()))
                .to_owned();
            let found: Vec<(String, i64)> = conn.fetch_all(&query).await?;
            let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
            for (topic, version) in found {
                if let Some(sender) = topics.get(&topic) {
                    sender.send_if_modified(|known| std::mem::replace(known, version) != version);
                }
            }
        }
        Ok(())
    }

    /// Looks until stopped: when woken, when PostgreSQL says so, and every second or two in any case.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let listening = self.clone().listen(stop.clone());
        let looking = async {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
                if let Err(cause) = self.look().await {
                    tracing::warn!(%cause, "could not look for changes; the next look is soon");
                }
                tokio::time::sleep(LOOK_AT_MOST_EVERY).await;
            }
        };
        tokio::join!(listening, looking);
    }

    /// Wakes on PostgreSQL's notifications; does nothing on SQLite.
    async fn listen(self: Arc<Self>, stop: CancellationToken) {
        let Db::Postgres { url, .. } = &self.db else {
            return;
        };
        let hear = async {
            loop {
                if let Err(cause) = self.hear(url.expose_secret()).await {
                    tracing::debug!(%cause, "not listening for changes; looking every second or two");
                }
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        };
        tokio::select! { () = stop.cancelled() => {}, () = hear => {} }
    }

    async fn hear(&self, url: &str) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect(url).await?;
        listener.listen(CHANNEL).await?;
        loop {
            listener.recv().await?;
            self.wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::TestDb;

    async fn bump_now(db: &Db, topic: &str) {
        let mut conn = db.write().await.unwrap();
        bump(&mut conn, topic).await.unwrap();
        conn.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_follower_hears_a_change_once_it_is_committed_and_not_before() {
        for test in TestDb::both().await.unwrap() {
            let changes = Changes::new(test.db.clone());
            let mut rows = changes.subscribe("sessions:north");
            let all = changes.subscribe(topic::SESSIONS);
            let other = changes.subscribe("sessions:south");
            bump_now(&test.db, "sessions:north").await;
            let mut open = test.db.write().await.unwrap();
            bump(&mut open, "sessions:north").await.unwrap();
            changes.look().await.unwrap();
            assert_eq!(*rows.borrow_and_update(), 1);
            open.commit().await.unwrap();
            changes.look().await.unwrap();
            assert!(rows.has_changed().unwrap());
            assert_eq!(*rows.borrow(), 2);
            assert_eq!(*all.borrow(), 2);
            assert_eq!(*other.borrow(), 0);
        }
    }

    #[tokio::test]
    async fn another_process_hears_within_two_seconds() {
        for test in TestDb::both().await.unwrap() {
            let stop = CancellationToken::new();
            let follower = Changes::new(test.db.clone());
            let mut endings = follower.subscribe(topic::ENDINGS);
            let running = tokio::spawn(follower.clone().run(stop.clone()));
            // Nobody wakes it: the change comes from elsewhere.
            bump_now(&test.db, topic::ENDINGS).await;
            tokio::time::timeout(Duration::from_secs(2), endings.wait_for(|v| *v == 1))
                .await
                .unwrap()
                .unwrap();
            stop.cancel();
            running.await.unwrap();
        }
    }

    #[tokio::test]
    async fn forgets_topics_nobody_follows() {
        let test = TestDb::sqlite().await.unwrap();
        let changes = Changes::new(test.db.clone());
        drop(changes.subscribe("ending:1"));
        let _kept = changes.subscribe("ending:2");
        changes.look().await.unwrap();
        assert_eq!(changes.topics.lock().unwrap().len(), 1);
    }
}
