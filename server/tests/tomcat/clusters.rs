//! Two nodes that share their sessions.

use std::time::{Duration, Instant};

use super::ask::{ids, invoke, proxy, value};
use super::farm::{Tomcat, Version, cluster};

/// Waits until this node lists so many sessions of an app.
async fn lists(node: &Tomcat, app: &str, count: usize) -> Vec<String> {
    let start = Instant::now();
    loop {
        let ids = ids(node, app).await;
        if ids.len() == count {
            return ids;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{app}: {ids:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn tomcat_nodes_list_each_others_sessions_and_end_them() {
    let [a, b] = cluster(Version::V10).await;
    for (app, class) in [("/replicated", "DeltaManager"), ("/backup", "BackupManager")] {
        let alice = a.open(app, "alice").await;
        assert!(alice.id.ends_with(".a"), "{}", alice.id);
        assert_eq!(lists(&b, app, 1).await, std::slice::from_ref(&alice.id));
        let found = proxy(&b, &[("qry", &format!("*:type=Manager,context={app},*"))]).await;
        assert!(
            found.contains(&format!("className: org.apache.catalina.ha.session.{class}\r\n")),
            "{found}"
        );
        // Times are text only, to the second and in the server's zone.
        let unknown = invoke(&b, app, "getCreationTimestamp", &alice.id).await;
        assert!(unknown.starts_with("Error - java.lang.IllegalArgumentException: Cannot find operation"));
        let created = value(&b, app, "getCreationTime", &alice.id).await;
        assert_eq!(created.split(' ').count(), 6, "{created}");
        for operation in ["getLastAccessedTime", "getThisAccessedTime"] {
            assert_eq!(value(&b, app, operation, &alice.id).await.len(), created.len());
        }
        invoke(&b, app, "expireSession", &alice.id).await;
        lists(&a, app, 0).await;
        assert_eq!(alice.who().await, None);
    }
}
