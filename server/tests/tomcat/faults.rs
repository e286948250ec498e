//! The proxy that breaks answers, held against a real server.

use std::time::{Duration, Instant};

use super::ask::exec;
use super::farm::{App, Fault, FaultProxy, Jolokia, Options, Role, Tomcat, Version, new_client};

#[tokio::test]
async fn tomcat_farm_proxy_breaks_answers_as_told() {
    let tomcat = Tomcat::start(Options::new(Version::V10).jolokia(Jolokia::Agent)).await;
    let proxy = FaultProxy::in_front_of(&tomcat.jolokia_url()).await;
    let client = new_client(1);
    let (name, password) = tomcat.user(Role::Jolokia);
    let ask = async |operation: &str, arguments: &[&str]| {
        let request = client
            .post(proxy.url())
            .basic_auth(name, Some(password))
            .json(&exec("/x", operation, arguments));
        request.send().await?.text().await
    };
    let list = async || ask("listSessionIds", &[]).await;

    let alice = tomcat.open("/x", "alice").await;
    assert!(list().await.unwrap().contains(&alice.id));
    proxy.set(Fault::Cut(20)).await;
    assert!(list().await.is_err());
    proxy.set(Fault::Half).await;
    assert!(list().await.is_err());
    proxy.set(Fault::Slow(Duration::from_millis(300))).await;
    let start = Instant::now();
    assert!(list().await.unwrap().contains(&alice.id));
    assert!(start.elapsed() >= Duration::from_millis(300));
    proxy.set(Fault::Garbage).await;
    assert!(list().await.unwrap().contains('\u{1}'));
    let moved = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 5\r\n\r\nmoved";
    proxy.set(Fault::Answer(moved.to_owned())).await;
    assert_eq!(list().await.unwrap(), "moved");

    // Done, but nobody heard of it; other calls pass.
    proxy.set_for("expireSession", Fault::Cut(0)).await;
    assert!(ask("expireSession", &[&alice.id]).await.is_err());
    assert_eq!(alice.who().await, None);
    assert!(list().await.is_ok());
    let calls = proxy.requests();
    assert!(
        calls.iter().all(|call| call.starts_with("POST /jolokia {")),
        "{calls:?}"
    );
    let endings = calls.iter().filter(|call| call.contains("expireSession"));
    assert!(endings.clone().count() >= 1 && calls.len() >= 7, "{calls:?}");

    proxy.set(Fault::Refuse).await;
    assert!(list().await.unwrap_err().is_connect());
    proxy.set(Fault::Pass).await;
    assert!(list().await.is_ok());
}

/// Chunked pages go through whole.
#[tokio::test]
async fn tomcat_farm_proxy_passes_what_tomcat_says_unchanged() {
    let tomcat = Tomcat::start(Options::new(Version::V9).app(App::plain("/y"))).await;
    let proxy = FaultProxy::in_front_of(&tomcat.url()).await;
    let (name, password) = tomcat.user(Role::Script);
    let through = new_client(1)
        .get(format!("{}/manager/text/list", proxy.url()))
        .basic_auth(name, Some(password));
    let through = through.send().await.unwrap().text().await.unwrap();
    assert_eq!(through, tomcat.manage("list").await);
    assert!(through.contains("/y:running:0:"), "{through}");
}
