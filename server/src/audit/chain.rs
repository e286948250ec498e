//! Walking the chain: is every entry what it was when it was written, and is none missing.
//!
//! An edit, a removal in the middle, a swap and an insert break the hashes. Who cuts off the newest entries *and* sets
//! the head back leaves a whole, shorter chain: that shows only against a head that was exported before.

use app::audit::wire::ChainStatus;
use app::wire::Timestamp;

use super::store::{self, Row};
use crate::db::{Conn, Db};
use crate::error::Error;
use crate::keys::HashKey;

/// Entries read at a time.
const CHUNK: i64 = 2_000;
/// What stands before the first entry.
const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Walks the whole chain of a database.
///
/// `expected_head` = number and hash of an entry exported earlier (the last line of an export): finds a cut tail.
pub async fn verify(
    db: &Db,
    key: &HashKey,
    expected_head: Option<(i64, String)>,
    now: Timestamp,
) -> Result<ChainStatus, Error> {
    let mut conn = db.read().await?;
    walk(&mut conn, key, expected_head, now).await
}

/// Number and hash of the newest entry, to be kept elsewhere: against it a cut tail shows.
pub async fn head(db: &Db) -> Result<(i64, String), Error> {
    let mut conn = db.read().await?;
    let end = store::ends(&mut conn).await?;
    Ok((end.head_seq, end.head_hash))
}

/// [`verify`] on a connection. Entries appended while it walks are left for the next time.
pub async fn walk(
    conn: &mut Conn,
    key: &HashKey,
    expected_head: Option<(i64, String)>,
    now: Timestamp,
) -> Result<ChainStatus, Error> {
    let end = store::ends(conn).await?;
    let mut status = ChainStatus {
        checked: 0,
        seq: end.head_seq,
        head_hash: end.head_hash.clone(),
        broken: None,
        checked_at: now,
    };
    let mut before = (0_i64, NOTHING_BEFORE.to_owned());
    let mut expected_met = expected_head.as_ref().is_none_or(|(seq, _)| *seq == 0);
    'walk: while before.0 < end.head_seq {
        let rows = store::after(conn, before.0, CHUNK).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if row.seq > end.head_seq {
                break 'walk;
            }
            if let Some(broken) = wrong_with(&row, &before, key) {
                status.broken = Some(broken);
                return Ok(status);
            }
            if let Some((seq, hash)) = &expected_head
                && *seq == row.seq
            {
                if *hash != row.hash {
                    let words = "It is not the entry that was exported: the log was written anew.";
                    status.broken = Some((row.seq, words.to_owned()));
                    return Ok(status);
                }
                expected_met = true;
            }
            status.checked += 1;
            before = (row.seq, row.hash);
        }
    }
    status.broken = if before.0 < end.head_seq {
        let words = format!(
            "The head names entry {}, but the log stops before it.",
            end.head_seq
        );
        Some((before.0 + 1, words))
    } else if end.newest_seq > end.head_seq {
        Some((
            end.head_seq + 1,
            "It stands behind the head: it was put there by hand.".to_owned(),
        ))
    } else if before.1 != end.head_hash {
        Some((
            before.0,
            "The head carries another hash than the newest entry.".to_owned(),
        ))
    } else if !expected_met {
        let words = "The log ends before the exported head: its newest entries were cut off.";
        Some((before.0 + 1, words.to_owned()))
    } else {
        None
    };
    Ok(status)
}

/// What is wrong with an entry behind `before` (number, hash): where and what, in words.
fn wrong_with(row: &Row, before: &(i64, String), key: &HashKey) -> Option<(i64, String)> {
    if row.seq != before.0 + 1 {
        return Some((before.0 + 1, "It is missing.".to_owned()));
    }
    if row.key_id != key.id() {
        let words = format!("It names the key {}; this is {}.", row.key_id, key.id());
        return Some((row.seq, words));
    }
    if row.prev_hash != before.1 {
        return Some((row.seq, "It does not follow the entry before it.".to_owned()));
    }
    if row.hash != row.expected_hash(key) {
        return Some((row.seq, "It was changed after it was written.".to_owned()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Action, Entry};
    use crate::caller::Origin;
    use crate::db::testing::TestDb;
    use crate::on;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    async fn filled(db: &Db, key: &HashKey, entries: i64) -> ChainStatus {
        let mut conn = db.write().await.unwrap();
        for n in 0..entries {
            let entry = Entry::nobody(&Origin::default(), Action::LoginFail)
                .target(format!("Account {n}"))
                .reason("typo", (n % 2 == 0).then(|| "T-1".to_owned()));
            store::append(&mut conn, key, &entry, NOW.plus_seconds(n))
                .await
                .unwrap();
        }
        conn.commit().await.unwrap();
        verify(db, key, None, NOW).await.unwrap()
    }

    /// Runs a change by hand inside a transaction, walks, and takes it back.
    async fn broken_by(db: &Db, key: &HashKey, expected: Option<(i64, String)>, sql: &[&str]) -> Option<i64> {
        let mut conn = db.write().await.unwrap();
        for statement in sql {
            let statement = sqlx::AssertSqlSafe((*statement).to_owned());
            let touched = on!(conn, c => sqlx::query(statement).execute(c).await.unwrap().rows_affected());
            assert!(touched > 0, "{sql:?} changed nothing");
        }
        let status = walk(&mut conn, key, expected, NOW).await.unwrap();
        status.broken.map(|(seq, _)| seq)
    }

    #[tokio::test]
    async fn security_f8_a_whole_chain_verifies_and_only_with_its_own_key() {
        for test in TestDb::both().await.unwrap() {
            let key = HashKey::new([7; 32]);
            let status = filled(&test.db, &key, CHUNK + 5).await;
            assert_eq!(
                (status.broken, status.checked, status.seq),
                (None, CHUNK + 5, CHUNK + 5)
            );
            let other = HashKey::new([8; 32]);
            let status = verify(&test.db, &other, None, NOW).await.unwrap();
            assert_eq!(status.broken.unwrap().0, 1);
        }
    }

    #[tokio::test]
    async fn security_f8_every_edit_of_every_column_is_found() {
        for test in TestDb::both().await.unwrap() {
            let key = HashKey::new([7; 32]);
            filled(&test.db, &key, 6).await;
            let numbers = ["at", "duration_ms"];
            for seq in 1..=6 {
                for column in store::COLUMNS {
                    if column == "seq" {
                        continue;
                    }
                    let to = if numbers.contains(&column) { "5" } else { "'x'" };
                    let edit = format!("UPDATE audit_entry SET {column} = {to} WHERE seq = {seq}");
                    let found = broken_by(&test.db, &key, None, &[&edit]).await;
                    assert_eq!(found, Some(seq), "{edit}");
                }
                // An empty text is not the same as none.
                let edit = format!("UPDATE audit_entry SET site = '' WHERE seq = {seq}");
                assert_eq!(broken_by(&test.db, &key, None, &[&edit]).await, Some(seq));
            }
        }
    }

    #[tokio::test]
    async fn security_f8_every_removal_swap_and_insert_is_found() {
        const N: i64 = 7;
        for test in TestDb::both().await.unwrap() {
            let key = HashKey::new([7; 32]);
            filled(&test.db, &key, N).await;
            for seq in 1..=N {
                let removal = format!("DELETE FROM audit_entry WHERE seq = {seq}");
                assert_eq!(
                    broken_by(&test.db, &key, None, &[&removal]).await,
                    Some(seq),
                    "{removal}"
                );
                if seq < N {
                    // Closing the gap does not help.
                    let close = format!("UPDATE audit_entry SET seq = seq - 1 WHERE seq = {}", seq + 1);
                    let found = broken_by(&test.db, &key, None, &[&removal, &close]).await;
                    assert_eq!(found, Some(seq), "{close}");
                }
                for other in seq + 1..=N {
                    let swap = [
                        format!("UPDATE audit_entry SET seq = -1 WHERE seq = {seq}"),
                        format!("UPDATE audit_entry SET seq = {seq} WHERE seq = {other}"),
                        format!("UPDATE audit_entry SET seq = {other} WHERE seq = -1"),
                    ];
                    let swap: Vec<&str> = swap.iter().map(String::as_str).collect();
                    assert_eq!(
                        broken_by(&test.db, &key, None, &swap).await,
                        Some(seq),
                        "{swap:?}"
                    );
                }
                let columns = store::COLUMNS[1..].join(", ");
                let copy = |to: i64| {
                    format!(
                        "INSERT INTO audit_entry (seq, {columns}) SELECT {to}, {columns} FROM audit_entry WHERE seq = {seq}"
                    )
                };
                // Behind the head, before the first, and between two after making room.
                assert_eq!(
                    broken_by(&test.db, &key, None, &[&copy(N + 1)]).await,
                    Some(N + 1)
                );
                let room = [
                    format!("UPDATE audit_entry SET seq = -seq WHERE seq > {seq}"),
                    "UPDATE audit_entry SET seq = 1 - seq WHERE seq < 0".to_owned(),
                    copy(seq + 1),
                    format!("UPDATE audit_head SET seq = {}", N + 1),
                ];
                let from = usize::from(seq == N) * 2;
                let room: Vec<&str> = room[from..].iter().map(String::as_str).collect();
                assert_eq!(
                    broken_by(&test.db, &key, None, &room).await,
                    Some(seq + 1),
                    "{room:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn security_f8_a_cut_tail_shows_against_an_exported_head() {
        for test in TestDb::both().await.unwrap() {
            let key = HashKey::new([7; 32]);
            let before = filled(&test.db, &key, 5).await;
            filled(&test.db, &key, 3).await;
            let head = Some((before.seq, before.head_hash.clone()));
            let status = verify(&test.db, &key, head.clone(), NOW).await.unwrap();
            assert_eq!(status.broken, None, "an older head is part of a longer chain");
            for left in 0..5 {
                let cut = [
                    format!("DELETE FROM audit_entry WHERE seq > {left}"),
                    format!(
                        "UPDATE audit_head SET seq = {left}, hash = \
                         COALESCE((SELECT hash FROM audit_entry WHERE seq = {left}), '{NOTHING_BEFORE}')"
                    ),
                ];
                let cut: Vec<&str> = cut.iter().map(String::as_str).collect();
                let alone = broken_by(&test.db, &key, None, &cut).await;
                assert_eq!(alone, None, "a cleanly cut chain is whole in itself");
                assert_eq!(
                    broken_by(&test.db, &key, head.clone(), &cut).await,
                    Some(left + 1)
                );
                // Cut without touching the head: found without help.
                assert_eq!(broken_by(&test.db, &key, None, &cut[..1]).await, Some(left + 1));
            }
        }
    }

    #[tokio::test]
    async fn appends_of_many_tasks_make_one_chain() {
        for test in TestDb::both().await.unwrap() {
            let key = HashKey::new([7; 32]);
            let tasks = (0..8).map(|_| {
                let db = test.db.clone();
                tokio::spawn(async move {
                    let key = HashKey::new([7; 32]);
                    for _ in 0..5 {
                        let entry = Entry::nobody(&Origin::default(), Action::LoginFail);
                        let mut conn = db.write().await.unwrap();
                        store::append(&mut conn, &key, &entry, NOW).await.unwrap();
                        conn.commit().await.unwrap();
                    }
                })
            });
            futures::future::join_all(tasks).await;
            let status = verify(&test.db, &key, None, NOW).await.unwrap();
            assert_eq!((status.broken, status.checked), (None, 40));
        }
    }
}
