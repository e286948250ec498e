//! The farm itself: it starts, restarts, and leaves nothing behind.

use super::ask::{exec, ids, invoke, jolokia, proxy};
use super::farm::{App, Jolokia, OpenSession, Options, Tomcat, Version, new_client, shared};

#[tokio::test]
async fn tomcat_sessions_are_listed_and_ended_on_every_version() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/lists")).await;
        let alice = tomcat.open("/lists", "alice").await;
        let mut bob = tomcat.open("/lists", "bob").await;
        let carol = tomcat.open("/lists", "carol").await;
        let mut listed = ids(tomcat, "/lists").await;
        let mut opened = vec![alice.id.clone(), bob.id.clone(), carol.id.clone()];
        listed.sort_unstable();
        opened.sort_unstable();
        assert_eq!(listed, opened, "{version:?}");

        let old = bob.id.clone();
        bob.rotate().await;
        assert_ne!(bob.id, old);
        assert_eq!(bob.who().await.as_deref(), Some("bob"));

        let answer = jolokia(tomcat, &exec("/lists", "expireSession", &[&alice.id])).await;
        assert_eq!(answer["status"], 200);
        invoke(tomcat, "/lists", "expireSession", &bob.id).await;
        carol.close().await;
        let ended: [&OpenSession; 3] = [&alice, &bob, &carol];
        for gone in ended {
            assert_eq!(gone.who().await, None, "{version:?}");
        }
        let log = tomcat.access_log().await;
        assert!(
            log.iter()
                .any(|line| line.contains("op=expireSession") && line.contains(&bob.id)),
            "{log:?}"
        );
    }
}

#[tokio::test]
async fn tomcat_farm_restarts_on_its_port_and_only_tomcat_9_keeps_its_sessions() {
    for (version, kept) in [(Version::V9, Some("user50")), (Version::V10, None)] {
        let tomcat = Tomcat::start(Options::new(version)).await;
        let many = tomcat.open_many("/x", 50).await;
        assert_eq!(many[49].who().await.as_deref(), Some("user50"));
        tomcat.stop().await;
        let refused = new_client(0).get(tomcat.url()).send().await;
        assert!(refused.unwrap_err().is_connect());
        tomcat.restart().await;
        assert_eq!(many[49].who().await.as_deref(), kept, "{version:?}");
    }
}

#[tokio::test]
async fn tomcat_versions_of_an_app_are_managers_of_their_own() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/two")).await;
        let old = tomcat.open("/two", "alice").await;
        tomcat.deploy(App::plain("/two").version("2")).await;
        let new = tomcat.open("/two", "bob").await;
        let found = proxy(tomcat, &[("qry", "*:type=Manager,context=/two*,*")]).await;
        assert!(found.starts_with("OK - Number of results: 2\n\n"), "{found}");
        assert!(
            found.contains("Name: Catalina:type=Manager,host=localhost,context=/two##2\r\n"),
            "{found}"
        );
        assert_eq!(ids(tomcat, "/two").await, std::slice::from_ref(&old.id));
        assert_eq!(ids(tomcat, "/two##2").await, std::slice::from_ref(&new.id));
        assert_eq!(old.who().await.as_deref(), Some("alice"));
    }
}

#[tokio::test]
async fn tomcat_an_app_that_is_stopped_lists_nobody_and_one_that_is_gone_has_no_manager() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/gone")).await;
        tomcat.open("/gone", "alice").await;
        assert!(tomcat.manage("stop?path=/gone").await.starts_with("OK - "));
        assert_eq!(ids(tomcat, "/gone").await, <[String; 0]>::default());
        assert!(tomcat.manage("undeploy?path=/gone").await.starts_with("OK - "));
        let answer = invoke(tomcat, "/gone", "listSessionIds", "").await;
        assert!(
            answer.starts_with("Error - javax.management.InstanceNotFoundException: "),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn tomcat_9_jolokia_war_keeps_to_its_policy() {
    keeps_to_policy(Options::new(Version::V9).jolokia(Jolokia::War)).await;
}

#[tokio::test]
async fn tomcat_10_jolokia_agent_keeps_to_its_policy() {
    keeps_to_policy(Options::new(Version::V10).jolokia(Jolokia::Agent)).await;
}

/// The least an administrator can allow; `exec` is left out of the commands on purpose.
const POLICY: &str = "\
<restrict>
  <http><method>post</method></http>
  <commands><command>read</command><command>search</command><command>version</command></commands>
  <allow><mbean><name>Catalina:type=Manager,*</name>
    <attribute mode=\"read\">*</attribute>
    <operation>listSessionIds</operation><operation>expireSession</operation></mbean></allow>
  <deny><mbean><name>java.lang:*</name><attribute>*</attribute><operation>*</operation></mbean></deny>
</restrict>
";

async fn keeps_to_policy(options: Options) {
    let tomcat = Tomcat::start(options.policy(POLICY)).await;
    let list = exec("/x", "listSessionIds", &[]);
    assert_eq!(jolokia(&tomcat, &list).await["status"], 200);
    let time = exec("/x", "getCreationTimestamp", &["A"]);
    assert_eq!(jolokia(&tomcat, &time).await["status"], 403);
    let memory =
        serde_json::json!({"type": "read", "mbean": "java.lang:type=Memory", "attribute": "HeapMemoryUsage"});
    assert_eq!(jolokia(&tomcat, &memory).await["status"], 403);
}
