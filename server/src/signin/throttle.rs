//! Throttling of failed sign-ins, per account and per source, without letting strangers lock anybody out.
//!
//! Three counters of consecutive failures, each with a back-off from the fifth on (1, 2, 4 … minutes, at most 15), each
//! closed for good at 100 until a one-time link is made or used, or an administrator lifts it (security C4; NIST SP 800-63B-4 §3.2.2):
//! - `known`: this account from an address it has signed in from before;
//! - `account`: this account from everywhere else together;
//! - `address`: this address, whatever the account (backs off later and never closes for good: people share addresses).
//!
//! A person at an address they know is judged by their own failures there alone: what strangers try from elsewhere
//! closes only the door for strangers. The same rules hold for names nobody has, so nothing tells who exists.

use app::wire::Timestamp;

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// Failures after which a pause follows.
const PAUSE_FROM: i64 = 5;
/// Failures of one address after which a pause follows.
const ADDRESS_PAUSE_FROM: i64 = 20;
/// Failures after which only a one-time link helps.
const CLOSED_FROM: i64 = 100;
/// First pause, seconds.
const FIRST_PAUSE_S: i64 = 60;
/// Longest pause, seconds.
const LONGEST_PAUSE_S: i64 = 900;
/// An address stays known this long after the last success, seconds: 90 days.
const KNOWN_FOR_S: i64 = 90 * 86_400;
/// Failures older than this count no more, seconds.
const FORGOTTEN_AFTER_S: i64 = 86_400;

/// Moment of a door that stays closed until a one-time link or an administrator opens it.
pub(super) const CLOSED: i64 = i64::MAX;

/// Which counters one try belongs to.
#[derive(Clone, Debug)]
pub struct Doors {
    login: String,
    address: String,
    known: bool,
}

/// Why a try is not even looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Seconds until it is worth trying again; for a closed door an hour.
    pub retry_after_s: u32,
    /// Only a one-time link helps.
    pub closed: bool,
}

impl Doors {
    fn counter(&self) -> (&'static str, String) {
        if self.known {
            ("known", format!("{} {}", self.login, self.address))
        } else {
            ("account", self.login.clone())
        }
    }
}

/// The counters of a try with that sign-in name (lower-cased) from that address, and whether one of them is closed now.
pub async fn look(
    conn: &mut Conn,
    login: &str,
    address: &str,
    now: Timestamp,
) -> Result<(Doors, Option<Blocked>), Error> {
    let login: String = login.chars().take(64).collect();
    let known: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM sign_in_failure WHERE source_kind = 'known' AND source = $1")
        .bind(format!("{login} {address}")).fetch_one(c).await?);
    let doors = Doors {
        login,
        address: address.to_owned(),
        known: known > 0,
    };
    let (kind, source) = doors.counter();
    let until: Option<i64> = on!(conn, c => sqlx::query_scalar(
        "SELECT MAX(blocked_until) FROM sign_in_failure \
         WHERE (source_kind = $1 AND source = $2) OR (source_kind = 'address' AND source = $3)")
        .bind(kind).bind(&source).bind(&doors.address).fetch_one(c).await?);
    let blocked = until.filter(|until| *until > now.0).map(|until| Blocked {
        closed: until == CLOSED,
        retry_after_s: if until == CLOSED {
            3_600
        } else {
            u32::try_from((until - now.0 + 999) / 1000).unwrap_or(3_600)
        },
    });
    Ok((doors, blocked))
}

/// Counts a failure. True when it closed a door for a while or for good.
pub async fn failed(conn: &mut Conn, doors: &Doors, now: Timestamp) -> Result<bool, Error> {
    let (kind, source) = doors.counter();
    let own = count(conn, kind, &source, now).await?;
    let there = count(conn, "address", &doors.address, now).await?;
    let own_pause = match own {
        n if n >= CLOSED_FROM => Some(CLOSED),
        n if n >= PAUSE_FROM => Some(pause(n - PAUSE_FROM, now)),
        _ => None,
    };
    let there_pause = (there >= ADDRESS_PAUSE_FROM).then(|| pause((there - ADDRESS_PAUSE_FROM) / 5, now));
    if let Some(until) = own_pause {
        block(conn, kind, &source, until).await?;
    }
    if let Some(until) = there_pause {
        block(conn, "address", &doors.address, until).await?;
    }
    Ok(own_pause.is_some() || there_pause.is_some())
}

/// Forgets this account's failures after a success and remembers the address as known.
pub async fn succeeded(conn: &mut Conn, doors: &Doors, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("DELETE FROM sign_in_failure WHERE (source_kind = 'account' AND source = $1) \
                     OR (source_kind = 'address' AND source = $2)")
            .bind(&doors.login).bind(&doors.address).execute(&mut *c).await?;
        sqlx::query("INSERT INTO sign_in_failure (source_kind, source, failures, last_failed_at, blocked_until) \
                     VALUES ('known', $1, 0, $2, 0) ON CONFLICT (source_kind, source) \
                     DO UPDATE SET failures = 0, last_failed_at = excluded.last_failed_at, blocked_until = 0")
            .bind(format!("{} {}", doors.login, doors.address)).bind(now.0).execute(c).await?;
    });
    Ok(())
}

/// Opens every door of an account again: a one-time link was made or used, or an administrator said so.
pub async fn forget(conn: &mut Conn, login: &str) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "DELETE FROM sign_in_failure WHERE (source_kind = 'account' AND source = $1) \
         OR (source_kind = 'known' AND substr(source, 1, length($1) + 1) = $1 || ' ')")
        .bind(login).execute(c).await?; });
    Ok(())
}

/// Drops what counts no more. Doors closed for good stay for 30 days, known addresses for 90.
pub async fn sweep(conn: &mut Conn, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "DELETE FROM sign_in_failure WHERE (source_kind <> 'known' AND blocked_until < $1 AND last_failed_at < $2) \
         OR (last_failed_at < $3 AND (source_kind = 'known' OR blocked_until < $1)) \
         OR (source_kind <> 'known' AND last_failed_at < $4)")
        .bind(now.0)
        .bind(now.plus_seconds(-FORGOTTEN_AFTER_S).0)
        .bind(now.plus_seconds(-KNOWN_FOR_S).0)
        .bind(now.plus_seconds(-30 * 86_400).0)
        .execute(c).await?; });
    Ok(())
}

fn pause(step: i64, now: Timestamp) -> i64 {
    let factor = 1_i64 << step.clamp(0, 10);
    now.plus_seconds((FIRST_PAUSE_S * factor).min(LONGEST_PAUSE_S)).0
}

async fn count(conn: &mut Conn, kind: &str, source: &str, now: Timestamp) -> Result<i64, Error> {
    Ok(on!(conn, c => sqlx::query_scalar(
        "INSERT INTO sign_in_failure (source_kind, source, failures, last_failed_at, blocked_until) \
         VALUES ($1, $2, 1, $3, 0) ON CONFLICT (source_kind, source) \
         DO UPDATE SET failures = sign_in_failure.failures + 1, last_failed_at = excluded.last_failed_at \
         RETURNING failures")
        .bind(kind).bind(source).bind(now.0).fetch_one(c).await?))
}

async fn block(conn: &mut Conn, kind: &str, source: &str, until: i64) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "UPDATE sign_in_failure SET blocked_until = $3 WHERE source_kind = $1 AND source = $2")
        .bind(kind).bind(source).bind(until).execute(c).await?; });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::TestDb;

    async fn fail(conn: &mut Conn, login: &str, address: &str, now: Timestamp) -> Option<Blocked> {
        let (doors, blocked) = look(conn, login, address, now).await.unwrap();
        if blocked.is_none() {
            failed(conn, &doors, now).await.unwrap();
        }
        blocked
    }

    #[tokio::test]
    async fn security_c4_the_sixth_try_waits_longer_each_time_and_the_hundredth_closes() {
        for test in TestDb::both().await.unwrap() {
            let mut conn = test.db.write().await.unwrap();
            let mut now = Timestamp(1_000_000_000);
            for n in 0..5 {
                assert_eq!(fail(&mut conn, "mara", "10.0.0.1", now).await, None, "try {n}");
            }
            let blocked = fail(&mut conn, "mara", "10.0.0.2", now).await.unwrap();
            assert_eq!(
                blocked.retry_after_s, 60,
                "the account is paused from everywhere unknown"
            );
            assert_eq!(
                fail(&mut conn, "jonas", "10.0.0.1", now).await,
                None,
                "others are not"
            );
            now = now.plus_seconds(61);
            assert_eq!(fail(&mut conn, "mara", "10.0.0.2", now).await, None);
            let blocked = fail(&mut conn, "mara", "10.0.0.3", now).await.unwrap();
            assert_eq!(blocked.retry_after_s, 120);
            for n in 6..100 {
                now = now.plus_seconds(901);
                assert_eq!(fail(&mut conn, "mara", &format!("10.1.0.{n}"), now).await, None);
            }
            now = now.plus_seconds(86_400);
            let blocked = fail(&mut conn, "mara", "10.2.0.1", now).await.unwrap();
            assert!(blocked.closed);
            forget(&mut conn, "mara").await.unwrap();
            assert_eq!(fail(&mut conn, "mara", "10.2.0.1", now).await, None);
        }
    }

    #[tokio::test]
    async fn security_c4_strangers_do_not_lock_out_a_person_at_an_address_they_know() {
        for test in TestDb::both().await.unwrap() {
            let mut conn = test.db.write().await.unwrap();
            let now = Timestamp(1_000_000_000);
            let (doors, _) = look(&mut conn, "mara", "192.0.2.7", now).await.unwrap();
            succeeded(&mut conn, &doors, now).await.unwrap();
            for n in 0..9 {
                fail(&mut conn, "mara", &format!("198.51.100.{n}"), now).await;
            }
            assert!(fail(&mut conn, "mara", "198.51.100.77", now).await.is_some());
            assert_eq!(fail(&mut conn, "mara", "192.0.2.7", now).await, None);
            for _ in 0..4 {
                fail(&mut conn, "mara", "192.0.2.7", now).await;
            }
            let own = fail(&mut conn, "mara", "192.0.2.7", now).await;
            assert!(own.is_some(), "own failures count there");
        }
    }

    #[tokio::test]
    async fn sweeping_keeps_known_addresses_and_closed_doors() {
        let test = TestDb::sqlite().await.unwrap();
        let mut conn = test.db.write().await.unwrap();
        let now = Timestamp(1_000_000_000);
        let (doors, _) = look(&mut conn, "mara", "192.0.2.7", now).await.unwrap();
        succeeded(&mut conn, &doors, now).await.unwrap();
        fail(&mut conn, "nobody", "198.51.100.1", now).await;
        sweep(&mut conn, now.plus_seconds(2 * 86_400)).await.unwrap();
        let left: Vec<String> = on!(conn, c => sqlx::query_scalar(
            "SELECT source_kind FROM sign_in_failure").fetch_all(c).await.unwrap());
        assert_eq!(left, ["known"]);
        sweep(&mut conn, now.plus_seconds(91 * 86_400)).await.unwrap();
        let left: Vec<String> = on!(conn, c => sqlx::query_scalar(
            "SELECT source_kind FROM sign_in_failure").fetch_all(c).await.unwrap());
        assert!(left.is_empty());
    }
}
