//! The copy on real databases, real files and real TLS; the clock is ours.

use std::collections::BTreeSet;
use std::path::Path;

use app::access::wire::{Permission, Scope};
use app::audit::wire::AuditQuery;
use futures::TryStreamExt;

use super::*;
use crate::audit::export::Format;
use crate::caller::testing::caller;
use crate::clock::{Clock, FakeClock};
use crate::db::Db;
use crate::db::testing::TestDb;
use crate::keys::HashKey;
use crate::on;

mod over_tls;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

struct Stage {
    audit: Arc<Audit>,
    clock: Arc<FakeClock>,
    test: TestDb,
    dir: tempfile::TempDir,
}

fn room(db: &Db, clock: &Arc<FakeClock>) -> Arc<Audit> {
    Arc::new(Audit::new(
        db.clone(),
        clock.clone(),
        Arc::new(HashKey::new([7; 32])),
    ))
}

fn to_file(path: &Path) -> AuditCopy {
    AuditCopy {
        file: Some(path.to_owned()),
        syslog: None,
        ca_file: None,
        certificate: None,
        key: None,
        stall_after_s: 300,
    }
}

impl Stage {
    /// One on each database; the copy goes to `audit.jsonl`.
    async fn both() -> Vec<Self> {
        let mut stages = Vec::new();
        for test in TestDb::both().await.unwrap() {
            let clock = Arc::new(FakeClock::at(NOW));
            let audit = room(&test.db, &clock);
            let dir = tempfile::tempdir().unwrap();
            audit
                .take_copy_settings(Some(&to_file(&dir.path().join("audit.jsonl"))), "curfew.test")
                .unwrap();
            stages.push(Self {
                audit,
                clock,
                test,
                dir,
            });
        }
        stages
    }

    fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("audit.jsonl")
    }

    async fn note(&self, entries: usize) {
        for n in 0..entries {
            let entry = Entry::curfew(Action::PolicyChanged)
                .target(format!("“Entry” {n}\nof the test"))
                .reason("why\r\n=1+1", None);
            self.audit.note(&entry).await.unwrap();
        }
    }

    async fn status(&self) -> CopyStatus {
        let mut conn = self.test.db.read().await.unwrap();
        let status = self.audit.copy_status(&mut conn, self.clock.now()).await;
        status.unwrap().unwrap()
    }

    async fn count(&self, sql: &'static str, word: &str) -> i64 {
        let mut conn = self.test.db.read().await.unwrap();
        on!(conn, c => sqlx::query_scalar(sql).bind(word).fetch_one(c).await.unwrap())
    }

    /// Audit entries with this action, and events of this kind.
    async fn told(&self, action: Action, kind: Kind) -> (i64, i64) {
        let entries = "SELECT COUNT(*) FROM audit_entry WHERE action = $1";
        let events = "SELECT COUNT(*) FROM outbox WHERE kind = $1";
        (
            self.count(entries, action.word()).await,
            self.count(events, kind.word()).await,
        )
    }

    /// As a crash between handing over and marking leaves it.
    async fn forget_since(&self, seq: i64) {
        let mut conn = self.test.db.write().await.unwrap();
        on!(conn, c => {
            sqlx::query(
                "UPDATE audit_copy SET seq = $1, \
                 hash = COALESCE((SELECT hash FROM audit_entry WHERE seq = $1), '')",
            )
            .bind(seq)
            .execute(c)
            .await
            .unwrap();
        });
        conn.commit().await.unwrap();
    }
}

/// Numbers of the entries in a file's whole lines; half lines are left out.
fn numbers(file: &Path) -> Vec<i64> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|line| line["seq"].as_i64().unwrap())
        .collect()
}

fn up_to(last: i64) -> Vec<i64> {
    (1..=last).collect()
}

#[tokio::test]
async fn security_f9_every_entry_comes_once_in_order_as_the_export_writes_it() {
    for stage in Stage::both().await {
        let many = usize::try_from(BATCH).unwrap() + 5;
        stage.note(many).await;
        assert_eq!(stage.status().await.behind, BATCH + 5);
        stage.audit.copy_due().await.unwrap();
        assert_eq!(numbers(&stage.file()), up_to(BATCH + 5));
        let status = stage.status().await;
        assert_eq!((status.behind, status.copied_at), (0, Some(NOW)));
        assert!(!status.stalled && status.trouble.is_none());
        // Nothing new, nothing written.
        stage.audit.copy_due().await.unwrap();
        stage.note(1).await;
        stage.audit.copy_due().await.unwrap();
        assert_eq!(numbers(&stage.file()), up_to(BATCH + 6));

        let everything = [
            Permission::ReadAudit,
            Permission::ExportData,
            Permission::SeeNetworkData,
        ];
        let reader = caller("aud", &everything, Scope::EVERYWHERE);
        let export = stage
            .audit
            .export(&reader, AuditQuery::default(), Format::JsonLines);
        let export: Vec<String> = export.await.unwrap().try_collect().await.unwrap();
        let export = export.concat();
        let copy = std::fs::read_to_string(stage.file()).unwrap();
        assert!(export.starts_with(&copy), "the copy is the export, byte by byte");
        let last: serde_json::Value = serde_json::from_str(copy.lines().last().unwrap()).unwrap();
        assert_eq!(last["hash"].as_str().unwrap().len(), 64);
    }
}

#[tokio::test]
async fn security_f9_a_crash_between_writing_and_marking_repeats_lines_and_loses_none() {
    for stage in Stage::both().await {
        stage.note(6).await;
        stage.audit.copy_due().await.unwrap();
        stage.forget_since(2).await;
        // And the crash tore the last line.
        let text = std::fs::read_to_string(stage.file()).unwrap();
        std::fs::write(stage.file(), &text[..text.len() - 20]).unwrap();
        stage.note(1).await;
        stage.audit.copy_due().await.unwrap();
        assert_eq!(numbers(&stage.file()), [1, 2, 3, 4, 5, 3, 4, 5, 6, 7]);
    }
}

#[tokio::test]
async fn security_f9_rotation_by_renaming_loses_nothing() {
    for stage in Stage::both().await {
        stage.note(3).await;
        stage.audit.copy_due().await.unwrap();
        let rotated = stage.dir.path().join("audit.jsonl.1");
        std::fs::rename(stage.file(), &rotated).unwrap();
        stage.note(2).await;
        stage.audit.copy_due().await.unwrap();
        assert_eq!(numbers(&rotated), [1, 2, 3]);
        assert_eq!(numbers(&stage.file()), [4, 5]);
        // A file of somebody else's making in its place.
        std::fs::remove_file(stage.file()).unwrap();
        std::fs::write(stage.file(), "").unwrap();
        stage.note(1).await;
        stage.audit.copy_due().await.unwrap();
        assert_eq!(numbers(&stage.file()), [6]);
    }
}

#[tokio::test]
async fn security_f9_a_stall_sets_off_the_alarm_once_and_its_end_too() {
    for stage in Stage::both().await {
        let folder = stage.dir.path().join("later");
        let file = folder.join("audit.jsonl");
        stage
            .audit
            .take_copy_settings(Some(&to_file(&file)), "curfew.test")
            .unwrap();
        stage.note(3).await;
        let stalled = (Action::AuditCopyStalled, Kind::AuditCopyStalled);
        let resumed = (Action::AuditCopyResumed, Kind::AuditCopyResumed);
        for _ in 0..30 {
            stage.audit.copy_due().await.unwrap();
            stage.clock.advance(10);
        }
        let status = stage.status().await;
        assert!(!status.stalled, "five minutes are not over");
        assert!(status.trouble.unwrap().contains("No such file"), "why, in words");
        assert_eq!(stage.told(stalled.0, stalled.1).await, (0, 0));
        for _ in 0..30 {
            stage.clock.advance(10);
            stage.audit.copy_due().await.unwrap();
        }
        let status = stage.status().await;
        assert!(status.stalled);
        assert_eq!((status.behind, status.oldest_at), (4, Some(NOW)));
        assert_eq!(stage.told(stalled.0, stalled.1).await, (1, 1));

        std::fs::create_dir(&folder).unwrap();
        for _ in 0..10 {
            stage.clock.advance(10);
            stage.audit.copy_due().await.unwrap();
        }
        assert_eq!(numbers(&file), up_to(5), "the tale of the stall is copied too");
        assert!(!stage.status().await.stalled);
        assert_eq!(stage.told(stalled.0, stalled.1).await, (1, 1));
        assert_eq!(stage.told(resumed.0, resumed.1).await, (1, 1));
        assert_eq!(stage.audit.check().await.unwrap().broken, None);
    }
}

#[tokio::test]
async fn security_f9_a_new_target_begins_with_the_first_entry_and_is_not_stalled_by_old_ones() {
    for stage in Stage::both().await {
        stage.note(3).await;
        stage.audit.copy_due().await.unwrap();
        stage.clock.advance(90 * 86_400);
        let second = stage.dir.path().join("second.jsonl");
        stage
            .audit
            .take_copy_settings(Some(&to_file(&second)), "curfew.test")
            .unwrap();
        assert!(!stage.status().await.stalled);
        stage.audit.copy_due().await.unwrap();
        assert_eq!(numbers(&second), up_to(3));
        let stalls = stage.told(Action::AuditCopyStalled, Kind::AuditCopyStalled).await;
        assert_eq!(stalls, (0, 0));
        // Taken out of the settings nothing is copied, and back in it goes on where it was.
        stage.audit.take_copy_settings(None, "curfew.test").unwrap();
        stage.note(1).await;
        stage.audit.copy_due().await.unwrap();
        stage
            .audit
            .take_copy_settings(Some(&to_file(&second)), "curfew.test")
            .unwrap();
        stage.audit.copy_due().await.unwrap();
        assert_eq!(numbers(&second), up_to(4));
    }
}

#[tokio::test]
async fn security_f9_a_log_that_was_set_back_is_copied_again() {
    for stage in Stage::both().await {
        stage.note(5).await;
        stage.audit.copy_due().await.unwrap();
        // As a restored backup is: shorter, then other entries under the same numbers.
        let mut conn = stage.test.db.write().await.unwrap();
        on!(conn, c => {
            sqlx::query("DELETE FROM audit_entry WHERE seq > 2").execute(&mut *c).await.unwrap();
            sqlx::query(
                "UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit_entry WHERE seq = 2)",
            )
            .execute(c)
            .await
            .unwrap();
        });
        conn.commit().await.unwrap();
        stage.audit.copy_due().await.unwrap();
        stage.clock.advance(1);
        stage.note(4).await;
        stage.audit.copy_due().await.unwrap();
        assert_eq!(numbers(&stage.file()), [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]);
    }
}

#[tokio::test]
async fn security_f9_of_several_replicas_one_copies() {
    for stage in Stage::both().await {
        let second = room(&stage.test.db, &stage.clock);
        second
            .take_copy_settings(Some(&to_file(&stage.file())), "curfew.test")
            .unwrap();
        for _ in 0..10 {
            stage.note(2).await;
            let (one, other) = tokio::join!(stage.audit.copy_due(), second.copy_due());
            one.unwrap();
            other.unwrap();
        }
        stage.audit.copy_due().await.unwrap();
        assert_eq!(numbers(&stage.file()), up_to(20));
    }
}

#[tokio::test]
async fn security_f9_check_config_tries_the_target_and_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("audit.jsonl");
    let (name, found) = check(&to_file(&file)).await;
    assert_eq!((name, found), (format!("file:{}", file.display()), Ok(())));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    std::fs::write(&file, "one line\n").unwrap();
    assert_eq!(check(&to_file(&file)).await.1, Ok(()));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "one line\n");
    for bad in [dir.path().to_owned(), dir.path().join("missing/audit.jsonl")] {
        assert!(check(&to_file(&bad)).await.1.is_err(), "{bad:?}");
    }
    let names: BTreeSet<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
}
