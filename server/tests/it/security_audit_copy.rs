//! Security F9 as a person meets it: the alarm of a copy that stalls stands on every page of who should know.

use std::path::Path;

use app::access::wire::Scope;
use server::config::AuditCopy;

use crate::harness::{App, Browser, Engine};

fn copy_to(file: &Path) -> AuditCopy {
    AuditCopy {
        file: Some(file.to_owned()),
        syslog: None,
        ca_file: None,
        certificate: None,
        key: None,
        stall_after_s: 300,
    }
}

const ALARM: &str = "The copy of the audit log has stopped.";

async fn sees_alarm(browser: &Browser, path: &str) -> bool {
    browser.get(path).await.body.contains(ALARM)
}

#[tokio::test]
async fn security_f9_a_stalled_copy_is_told_on_every_page_of_who_should_know_and_to_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("later");
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let file = folder.join("audit.jsonl");
        let app = App::start_with(engine, |config| config.audit.copy = Some(copy_to(&file))).await;
        app.administrator("mara").await;
        app.person("audrey", "Audrey", &[("auditor", Scope::EVERYWHERE)])
            .await;
        app.person("sam", "Sam", &[("helpdesk", Scope::EVERYWHERE)]).await;
        let [mara, audrey, sam] = [
            app.signed_in("mara").await,
            app.signed_in("audrey").await,
            app.signed_in("sam").await,
        ];
        app.portal.audit.copy_due().await.unwrap();
        app.clock.advance(299);
        assert!(!sees_alarm(&mara, "/systems").await);
        app.clock.advance(60);
        app.portal.audit.copy_due().await.unwrap();
        for (who, told) in [(&mara, true), (&audrey, true), (&sam, false)] {
            for path in ["/sessions", "/endings", "/account"] {
                assert_eq!(sees_alarm(who, path).await, told, "{path}");
            }
        }
        let page = audrey.get("/audit").await.body;
        assert!(page.contains("entries are not copied, since"), "{page}");
        assert!(page.contains("No such file or directory"), "the cause is told");
        assert_eq!(app.audited("audit_copy_stalled").await, 1);

        std::fs::create_dir(&folder).unwrap();
        app.clock.advance(60);
        app.portal.audit.copy_due().await.unwrap();
        assert!(!sees_alarm(&mara, "/sessions").await);
        assert!(audrey.get("/audit").await.body.contains("Copied to file:"));
        assert_eq!(app.audited("audit_copy_resumed").await, 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

#[tokio::test]
async fn security_f9_the_copy_follows_the_settings_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let app = App::start().await;
    let mut config = app.config.clone();
    for name in ["one.jsonl", "two.jsonl"] {
        let file = dir.path().join(name);
        config.audit.copy = Some(copy_to(&file));
        app.portal.take_settings(config.clone()).await.unwrap();
        app.administrator(&name[..3]).await;
        app.portal.audit.copy_due().await.unwrap();
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert_eq!(lines, app.audit().await.len(), "{name}");
    }
}
