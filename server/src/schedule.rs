//! Wakes the rooms' background work and holds their leases; knows no room by name.
//!
//! A [`Lease`] is the time-limited right to work on one system for one purpose. Whoever writes results calls
//! [`check_epoch`] inside the same transaction: a worker that slept through its lease can't write over its successor.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use app::wire::Timestamp;
use futures::FutureExt;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::db::{Conn, Db};
use crate::error::Error;
use crate::on;

/// A lease lasts so long, ms.
pub const LEASE_MS: i64 = 30_000;
/// A held lease is renewed that often.
pub const RENEW_EVERY: Duration = Duration::from_secs(10);

/// The right to work on a system for one purpose, as it was when it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// collect | end | watch | retention | copy | webhook.
    pub purpose: &'static str,
    /// System; empty = the whole portal.
    pub system_id: String,
    /// Who holds it.
    pub owner: String,
    /// Grows with each taking.
    pub epoch: i64,
}

/// The moment leases are measured by, ms: the database's own clock on PostgreSQL, where replicas' clocks may differ.
macro_rules! lease_now {
    ($conn:expr) => {
        if $conn.is_postgres() {
            "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + 0 * $1"
        } else {
            "$1"
        }
    };
}

/// Takes the lease if nobody else holds it; `None` = somebody does. Its own holder may take it again: the epoch moves.
pub async fn acquire(
    conn: &mut Conn,
    purpose: &'static str,
    system_id: &str,
    owner: &str,
    now: Timestamp,
) -> Result<Option<Lease>, Error> {
    let clock = lease_now!(conn);
    let sql = format!(
        "INSERT INTO lease (purpose, system_id, owner, epoch, until) VALUES ($2, $3, $4, 1, {clock} + $5) \
         ON CONFLICT (purpose, system_id) DO UPDATE \
         SET owner = excluded.owner, epoch = lease.epoch + 1, until = excluded.until \
         WHERE lease.until <= {clock} OR lease.owner = excluded.owner RETURNING epoch"
    );
    let epoch: Option<i64> = on!(conn, c => sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(now.0)
        .bind(purpose)
        .bind(system_id)
        .bind(owner)
        .bind(LEASE_MS)
        .fetch_optional(c)
        .await?);
    Ok(epoch.map(|epoch| Lease {
        purpose,
        system_id: system_id.to_owned(),
        owner: owner.to_owned(),
        epoch,
    }))
}

/// Makes it last longer; [`Error::LeaseLost`] when somebody else took it meanwhile.
pub async fn renew(conn: &mut Conn, lease: &Lease, now: Timestamp) -> Result<(), Error> {
    let sql = format!(
        "UPDATE lease SET until = {} + $5 WHERE purpose = $2 AND system_id = $3 AND epoch = $4",
        lease_now!(conn)
    );
    let touched = on!(conn, c => sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(now.0)
        .bind(lease.purpose)
        .bind(&lease.system_id)
        .bind(lease.epoch)
        .bind(LEASE_MS)
        .execute(c)
        .await?
        .rows_affected());
    if touched == 0 {
        Err(Error::LeaseLost)
    } else {
        Ok(())
    }
}

/// Gives it back, so that the next one need not wait for its end. Nothing happens when it was lost already.
pub async fn release(conn: &mut Conn, lease: &Lease) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("UPDATE lease SET until = 0 WHERE purpose = $1 AND system_id = $2 AND epoch = $3")
            .bind(lease.purpose)
            .bind(&lease.system_id)
            .bind(lease.epoch)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Frees every lease when a process starts on an embedded database: it is the only one, so whoever held them is dead.
/// Does nothing on PostgreSQL, where other replicas are at work; there a dead one's leases run out by themselves.
pub async fn free_leases_of_the_dead(db: &Db) -> Result<(), Error> {
    if let Db::Sqlite { .. } = db {
        let mut conn = db.write().await?;
        on!(conn, c => { sqlx::query("UPDATE lease SET until = 0").execute(c).await?; });
        conn.commit().await?;
    }
    Ok(())
}

/// [`Error::LeaseLost`] unless the lease is still ours; nobody can take it before this transaction ends.
pub async fn check_epoch(conn: &mut Conn, lease: &Lease) -> Result<(), Error> {
    let sql = if conn.is_postgres() {
        "SELECT epoch FROM lease WHERE purpose = $1 AND system_id = $2 FOR SHARE"
    } else {
        "SELECT epoch FROM lease WHERE purpose = $1 AND system_id = $2"
    };
    let epoch: Option<i64> = on!(conn, c => sqlx::query_scalar(sql)
        .bind(lease.purpose)
        .bind(&lease.system_id)
        .fetch_optional(c)
        .await?);
    if epoch == Some(lease.epoch) {
        Ok(())
    } else {
        Err(Error::LeaseLost)
    }
}

/// A lease that renews itself until it is released or dropped.
pub struct Held {
    lease: Lease,
    db: Db,
    lost: CancellationToken,
    renewing: JoinHandle<()>,
}

impl Held {
    /// Takes the lease and keeps renewing it; `None` = somebody else holds it.
    pub async fn take(
        db: &Db,
        clock: &Arc<dyn Clock>,
        purpose: &'static str,
        system_id: &str,
        owner: &str,
    ) -> Result<Option<Self>, Error> {
        let mut conn = db.write().await?;
        let lease = acquire(&mut conn, purpose, system_id, owner, clock.now()).await?;
        conn.commit().await?;
        let Some(lease) = lease else { return Ok(None) };
        let lost = CancellationToken::new();
        let renewing = tokio::spawn(keep(db.clone(), clock.clone(), lease.clone(), lost.clone()));
        Ok(Some(Self {
            lease,
            db: db.clone(),
            lost,
            renewing,
        }))
    }

    /// The lease, for [`check_epoch`].
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Done when somebody else took it: stop asking systems.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// True when somebody else took it.
    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Gives it back.
    pub async fn release(self) -> Result<(), Error> {
        self.renewing.abort();
        let mut conn = self.db.write().await?;
        release(&mut conn, &self.lease).await?;
        conn.commit().await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

async fn keep(db: Db, clock: Arc<dyn Clock>, lease: Lease, lost: CancellationToken) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let renewed = async {
            let mut conn = db.write().await?;
            renew(&mut conn, &lease, clock.now()).await?;
            conn.commit().await
        };
        match renewed.await {
            Ok(()) => {}
            Err(Error::LeaseLost) => {
                tracing::warn!(purpose = lease.purpose, system.id = %lease.system_id, "another worker took the lease");
                lost.cancel();
                return;
            }
            // The lease outlives two failed renewals; every write checks the epoch in any case.
            Err(cause) => tracing::warn!(%cause, purpose = lease.purpose, "could not renew a lease"),
        }
    }
}

type Round = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> + Send + Sync>;

struct Task {
    name: &'static str,
    every: Duration,
    wake: Arc<Notify>,
    round: Round,
}

/// Background work that runs in rounds, by interval or when woken.
#[derive(Default)]
pub struct Schedule {
    tasks: Vec<Task>,
}

impl Schedule {
    /// Adds work: `round` runs at once, then `every` so often and whenever `wake` is notified, never twice at a time.
    pub fn add<F, R>(&mut self, name: &'static str, every: Duration, wake: Arc<Notify>, round: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.tasks.push(Task {
            name,
            every,
            wake,
            round: Arc::new(move || Box::pin(round())),
        });
    }

    /// Runs everything until stopped. A round that fails or panics is logged, and the next one comes (security E11).
    ///
    /// When `stop` is cancelled, rounds at work get ten seconds to finish.
    pub async fn run(self, stop: CancellationToken) {
        let loops = self
            .tasks
            .into_iter()
            .map(|task| tokio::spawn(repeat(task, stop.clone())));
        for ended in futures::future::join_all(loops).await {
            if let Err(cause) = ended {
                tracing::error!(%cause, "a background loop broke");
            }
        }
    }
}

async fn repeat(task: Task, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let round = AssertUnwindSafe((task.round)()).catch_unwind();
        let stopped = async {
            stop.cancelled().await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        };
        tokio::select! {
            ended = round => match ended {
                Ok(Ok(())) => {}
                Ok(Err(cause)) => tracing::warn!(task = task.name, %cause, "a round failed; the next one comes"),
                Err(_) => tracing::error!(task = task.name, "a round panicked; the next one comes"),
            },
            () = stopped => {
                tracing::warn!(task = task.name, "a round did not finish in time and was dropped");
                return;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = task.wake.notified() => {}
            () = tokio::time::sleep(task.every) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::db::testing::TestDb;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    async fn take(db: &Db, owner: &str, now: Timestamp) -> Option<Lease> {
        let mut conn = db.write().await.unwrap();
        let lease = acquire(&mut conn, "end", "north", owner, now).await.unwrap();
        conn.commit().await.unwrap();
        lease
    }

    /// Ends the lease without its holder, as time does.
    async fn let_run_out(db: &Db) {
        let mut conn = db.write().await.unwrap();
        on!(conn, c => { sqlx::query("UPDATE lease SET until = 1").execute(c).await.unwrap(); });
        conn.commit().await.unwrap();
    }

    #[tokio::test]
    async fn one_of_two_workers_gets_the_lease_and_the_other_after_it_ran_out() {
        for test in TestDb::both().await.unwrap() {
            let first = take(&test.db, "a", NOW).await.unwrap();
            assert_eq!(take(&test.db, "b", NOW).await, None);
            let_run_out(&test.db).await;
            let second = take(&test.db, "b", NOW).await.unwrap();
            assert_eq!(second.epoch, first.epoch + 1);

            let mut conn = test.db.write().await.unwrap();
            assert!(matches!(
                check_epoch(&mut conn, &first).await,
                Err(Error::LeaseLost)
            ));
            assert!(matches!(
                renew(&mut conn, &first, NOW).await,
                Err(Error::LeaseLost)
            ));
            check_epoch(&mut conn, &second).await.unwrap();
            renew(&mut conn, &second, NOW).await.unwrap();
            // The late one's release does not take it from its successor.
            release(&mut conn, &first).await.unwrap();
            conn.commit().await.unwrap();
            assert_eq!(take(&test.db, "c", NOW).await, None);
        }
    }

    #[tokio::test]
    async fn a_released_lease_is_free_at_once_and_a_dead_holder_may_come_back() {
        for test in TestDb::both().await.unwrap() {
            let first = take(&test.db, "a", NOW).await.unwrap();
            let again = take(&test.db, "a", NOW).await.unwrap();
            assert_eq!(again.epoch, first.epoch + 1);
            let mut conn = test.db.write().await.unwrap();
            release(&mut conn, &again).await.unwrap();
            conn.commit().await.unwrap();
            assert!(take(&test.db, "b", NOW).await.is_some());
        }
    }

    #[tokio::test]
    async fn a_new_process_on_an_embedded_database_need_not_wait_for_the_dead_one() {
        for test in TestDb::both().await.unwrap() {
            take(&test.db, "dead", NOW).await.unwrap();
            free_leases_of_the_dead(&test.db).await.unwrap();
            let free = take(&test.db, "new", NOW).await.is_some();
            assert_eq!(free, test.db.engine() == "sqlite");
        }
    }

    #[tokio::test]
    async fn two_that_ask_at_once_never_both_get_it() {
        for test in TestDb::both().await.unwrap() {
            for round in 0..10 {
                let now = NOW.plus_seconds(round);
                let (a, b) = tokio::join!(take(&test.db, "a", now), take(&test.db, "b", now));
                assert!(a.is_some() != b.is_some(), "round {round}: {a:?} {b:?}");
                let_run_out(&test.db).await;
            }
        }
    }

    #[tokio::test]
    async fn security_e11_a_panic_in_a_round_does_not_stop_the_next() {
        let rounds = Arc::new(AtomicU32::new(0));
        let stop = CancellationToken::new();
        let mut schedule = Schedule::default();
        let (count, stopper) = (rounds.clone(), stop.clone());
        schedule.add(
            "test",
            Duration::from_millis(1),
            Arc::new(Notify::new()),
            move || {
                let (count, stopper) = (count.clone(), stopper.clone());
                async move {
                    match count.fetch_add(1, Ordering::SeqCst) {
                        0 => panic!("as planned"),
                        1 => Err(Error::LeaseLost),
                        _ => {
                            stopper.cancel();
                            Ok(())
                        }
                    }
                }
            },
        );
        tokio::time::timeout(Duration::from_secs(5), schedule.run(stop))
            .await
            .unwrap();
        assert_eq!(rounds.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_wake_brings_a_round_forward() {
        let rounds = Arc::new(AtomicU32::new(0));
        let stop = CancellationToken::new();
        let wake = Arc::new(Notify::new());
        let mut schedule = Schedule::default();
        let (count, stopper) = (rounds.clone(), stop.clone());
        schedule.add("test", Duration::from_secs(3_600), wake.clone(), move || {
            let (count, stopper) = (count.clone(), stopper.clone());
            async move {
                if count.fetch_add(1, Ordering::SeqCst) == 1 {
                    stopper.cancel();
                }
                Ok(())
            }
        });
        let running = tokio::spawn(schedule.run(stop));
        wake.notify_one();
        tokio::time::timeout(Duration::from_secs(5), running)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(rounds.load(Ordering::SeqCst), 2);
    }
}
