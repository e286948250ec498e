//! SQL of the copy: how far it came, and what waits.

use app::wire::Timestamp;

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// How far the copy to a target came, beside the log.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Backlog {
    head_seq: i64,
    seq: Option<i64>,
    hash: Option<String>,
    began_at: Option<i64>,
    copied_at: Option<i64>,
    trouble: Option<String>,
    stalled_at: Option<i64>,
    /// Hash of the entry at `seq` as the log has it now.
    found_hash: Option<String>,
    /// When the oldest entry behind `seq` was written.
    oldest_at: Option<i64>,
}

impl Backlog {
    /// The target has its row.
    pub fn known(&self) -> bool {
        self.seq.is_some()
    }

    /// The log is not the one that was copied: it was restored from a backup, or cut.
    pub fn set_back(&self) -> bool {
        self.seq.is_some_and(|seq| seq > 0) && self.hash != self.found_hash
    }

    /// Everything behind this entry waits.
    pub fn from(&self) -> i64 {
        if self.set_back() { 0 } else { self.seq.unwrap_or(0) }
    }

    /// How many entries wait.
    pub fn entries(&self) -> i64 {
        (self.head_seq - self.from()).max(0)
    }

    /// When the oldest entry that waits was written; `None` = none waits.
    pub fn oldest_at(&self) -> Option<Timestamp> {
        self.oldest_at.filter(|_| !self.set_back()).map(Timestamp)
    }

    /// When something was handed over last.
    pub fn copied_at(&self) -> Option<Timestamp> {
        self.copied_at.map(Timestamp)
    }

    /// Why the last try failed.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Since when the log tells of a stall.
    pub fn stalled_at(&self) -> Option<Timestamp> {
        self.stalled_at.map(Timestamp)
    }

    /// Whether an entry waits for longer than `after_s` while nothing moves.
    ///
    /// A new target that works through years of entries has old ones waiting and is not stalled: what counts is the
    /// later of the entry's age, the last entry handed over, and the target's first moment.
    pub fn stalled(&self, after_s: i64, now: Timestamp) -> bool {
        let (Some(oldest), Some(began)) = (self.oldest_at, self.began_at) else {
            return false;
        };
        let since = oldest.max(began).max(self.copied_at.unwrap_or(0));
        !self.set_back() && now.since(Timestamp(since)) > after_s.saturating_mul(1000)
    }
}

/// The copy to `target` and the log, seen at one moment.
pub async fn backlog(conn: &mut Conn, target: &str) -> Result<Backlog, Error> {
    let sql = "SELECT h.seq AS head_seq, c.seq, c.hash, c.began_at, c.copied_at, c.trouble, c.stalled_at, \
               (SELECT e.hash FROM audit_entry e WHERE e.seq = c.seq) AS found_hash, \
               (SELECT e.at FROM audit_entry e WHERE e.seq > COALESCE(c.seq, 0) ORDER BY e.seq LIMIT 1) AS oldest_at \
               FROM audit_head h LEFT JOIN audit_copy c ON c.target = $1 WHERE h.head_id = 1";
    Ok(on!(conn, c => sqlx::query_as(sql).bind(target).fetch_one(c).await?))
}

/// Makes the row of a target that is new in the settings.
pub async fn begin(conn: &mut Conn, target: &str, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("INSERT INTO audit_copy (target, seq, hash, began_at) VALUES ($1, 0, '', $2) ON CONFLICT DO NOTHING")
            .bind(target)
            .bind(now.0)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Everything up to `seq` was handed over.
pub async fn copied(
    conn: &mut Conn,
    target: &str,
    seq: i64,
    hash: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "UPDATE audit_copy SET seq = $2, hash = $3, copied_at = $4, trouble = NULL WHERE target = $1";
    on!(conn, c => {
        sqlx::query(sql)
            .bind(target)
            .bind(seq)
            .bind(hash)
            .bind(now.0)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// A try failed.
pub async fn failed(conn: &mut Conn, target: &str, words: &str) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("UPDATE audit_copy SET trouble = $2 WHERE target = $1")
            .bind(target)
            .bind(words)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The log tells of a stall since `since`; `None` = that it goes on.
pub async fn stalled(conn: &mut Conn, target: &str, since: Option<Timestamp>) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("UPDATE audit_copy SET stalled_at = $2 WHERE target = $1")
            .bind(target)
            .bind(since.map(|t| t.0))
            .execute(c)
            .await?;
    });
    Ok(())
}
