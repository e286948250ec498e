//! The bridges over plain HTTP.

use farm::{App, Jolokia, OpenSession, Options, Role, Tomcat, Version};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::farm;

const X: &str = "Catalina:type=Manager,host=localhost,context=/x";

/// One call of the JMX proxy; status and body.
async fn proxy(tomcat: &Tomcat, query: &[(&str, &str)]) -> (StatusCode, String) {
    let (name, password) = tomcat.user(Role::Jmx);
    let address = format!("{}/manager/jmxproxy/", tomcat.url());
    let url = reqwest::Url::parse_with_params(&address, query).unwrap();
    let request = farm::new_client(0).get(url).basic_auth(name, Some(password));
    let answer = request.send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// One POST to Jolokia.
async fn jolokia(tomcat: &Tomcat, body: Value) -> Value {
    let (name, password) = tomcat.user(Role::Jolokia);
    let request = farm::new_client(0)
        .post(tomcat.jolokia_url())
        .basic_auth(name, Some(password))
        .json(&body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn tomcat_10_lists_and_ends_by_jmx_proxy_and_the_jolokia_agent() {
    let options = Options::new(Version::V10).jolokia(Jolokia::Agent);
    lists_and_ends(&Tomcat::start(options).await).await;
}

#[tokio::test]
async fn tomcat_9_lists_and_ends_by_jmx_proxy_and_the_jolokia_war() {
    let options = Options::new(Version::V9).jolokia(Jolokia::War);
    lists_and_ends(&Tomcat::start(options).await).await;
}

async fn lists_and_ends(tomcat: &Tomcat) {
    let alice = tomcat.open("/x", "alice").await;
    let mut bob = tomcat.open("/x", "bob").await;
    let carol = tomcat.open("/x", "carol").await;
    let list = [("invoke", X), ("op", "listSessionIds")];
    let (status, body) = proxy(tomcat, &list).await;
    assert_eq!(status, StatusCode::OK);
    let body = body
        .strip_prefix("OK - Operation listSessionIds returned:\n")
        .unwrap();
    assert!(body.ends_with(" \n"), "{body:?}");
    let mut ids: Vec<&str> = body.split_whitespace().collect();
    let mut opened = vec![&*alice.id, &*bob.id, &*carol.id];
    ids.sort_unstable();
    opened.sort_unstable();
    assert_eq!(ids, opened);

    let old = bob.id.clone();
    bob.rotate().await;
    assert_ne!(bob.id, old);
    assert_eq!(bob.who().await.as_deref(), Some("bob"));

    let end = json!({"type": "exec", "mbean": X, "operation": "expireSession", "arguments": [alice.id]});
    assert_eq!(jolokia(tomcat, end).await["status"], 200);
    let by_proxy = [("invoke", X), ("op", "expireSession"), ("ps", &*bob.id)];
    let done = "OK - Operation expireSession without return value\n";
    assert_eq!(proxy(tomcat, &by_proxy).await.1, done);
    carol.close().await;
    let ended: [&OpenSession; 3] = [&alice, &bob, &carol];
    for gone in ended {
        assert_eq!(gone.who().await, None);
    }
    let log = tomcat.access_log().await;
    assert!(
        log.iter()
            .any(|line| line.contains("op=expireSession") && line.contains(&bob.id)),
        "{log:?}"
    );
}

#[tokio::test]
async fn tomcat_farm_restarts_on_its_port_and_leaves_nothing_behind() {
    let second = App::plain("/x").version("2");
    let tomcat = Tomcat::start(Options::new(Version::V10).app(second)).await;
    let many = tomcat.open_many("/x", 50).await;
    assert_eq!(many[49].who().await.as_deref(), Some("user50"));
    let visitor = tomcat.open_with("/x", &[]).await;
    assert_eq!(visitor.who().await.as_deref(), Some(""));
    let (_, found) = proxy(&tomcat, &[("qry", "*:type=Manager,*")]).await;
    assert!(
        found.contains("Name: Catalina:type=Manager,host=localhost,context=/x##2\r\n"),
        "{found}"
    );
    tomcat.stop().await;
    let refused = farm::new_client(0).get(tomcat.url()).send().await;
    assert!(refused.unwrap_err().is_connect());
    tomcat.restart().await;
    assert_eq!(many[0].who().await, None);
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

#[tokio::test]
async fn tomcat_9_jolokia_war_keeps_to_its_policy() {
    keeps_to_policy(Options::new(Version::V9).jolokia(Jolokia::War)).await;
}

#[tokio::test]
async fn tomcat_10_jolokia_agent_keeps_to_its_policy() {
    keeps_to_policy(Options::new(Version::V10).jolokia(Jolokia::Agent)).await;
}

async fn keeps_to_policy(options: Options) {
    let tomcat = Tomcat::start(options.policy(POLICY)).await;
    let list = json!({"type": "exec", "mbean": X, "operation": "listSessionIds"});
    assert_eq!(jolokia(&tomcat, list).await["status"], 200);
    let time = json!({"type": "exec", "mbean": X, "operation": "getCreationTimestamp", "arguments": ["A"]});
    assert_eq!(jolokia(&tomcat, time).await["status"], 403);
    let memory = json!({"type": "read", "mbean": "java.lang:type=Memory", "attribute": "HeapMemoryUsage"});
    assert_eq!(jolokia(&tomcat, memory).await["status"], 403);
}
