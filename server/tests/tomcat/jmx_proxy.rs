//! The JMX proxy of the Manager app.

use reqwest::{Method, StatusCode};

use super::ask::{by_proxy, invoke, manager, proxy};
use super::farm::{App, Options, Role, Tomcat, Version, new_client, shared};
use super::fixture;

#[tokio::test]
async fn tomcat_jmx_proxy_answers_word_for_word() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/words")).await;
        let empty = invoke(tomcat, "/words", "listSessionIds", "").await;
        let alice = tomcat.open("/words", "alice").await.id;
        let odd = |text| [("attr", "odd"), ("text", text)];
        let lines = tomcat.open_at("/words", "open.jsp", &odd("lines")).await.id;
        let throws = tomcat.open_at("/words", "open.jsp", &odd("throws")).await.id;
        let with = |attribute: &str| format!("{alice},{attribute}");
        let nobody = "0".repeat(32);
        let answers = [
            ("list-empty", empty),
            ("list", invoke(tomcat, "/words", "listSessionIds", "").await),
            (
                "created",
                invoke(tomcat, "/words", "getCreationTimestamp", &alice).await,
            ),
            (
                "accessed",
                invoke(tomcat, "/words", "getLastAccessedTimestamp", &alice).await,
            ),
            (
                "created-unknown",
                invoke(tomcat, "/words", "getCreationTimestamp", &nobody).await,
            ),
            (
                "created-text-unknown",
                invoke(tomcat, "/words", "getCreationTime", &nobody).await,
            ),
            (
                "attribute",
                invoke(tomcat, "/words", "getSessionAttribute", &with("user")).await,
            ),
            (
                "attribute-unknown",
                invoke(tomcat, "/words", "getSessionAttribute", &with("nope")).await,
            ),
            (
                "attribute-lines",
                invoke(tomcat, "/words", "getSessionAttribute", &format!("{lines},odd")).await,
            ),
            (
                "attribute-throws",
                invoke(tomcat, "/words", "getSessionAttribute", &format!("{throws},odd")).await,
            ),
            ("operation-unknown", invoke(tomcat, "/words", "nosuch", "").await),
            (
                "operation-of-clusters",
                invoke(tomcat, "/words", "getThisAccessedTime", &alice).await,
            ),
            (
                "all-attributes",
                invoke(tomcat, "/words", "getSession", &alice).await,
            ),
            (
                "no-argument",
                proxy(
                    tomcat,
                    &[
                        ("invoke", &manager("/words")),
                        ("op", "listSessionIds"),
                        ("ps", ""),
                    ],
                )
                .await,
            ),
            (
                "manager-unknown",
                invoke(tomcat, "/nope", "listSessionIds", "").await,
            ),
            ("name-malformed", proxy(tomcat, &[("qry", "no name")]).await),
            (
                "search-none",
                proxy(tomcat, &[("qry", "Catalina:type=Nothing,*")]).await,
            ),
            (
                "read",
                proxy(tomcat, &[("get", &manager("/words")), ("att", "activeSessions")]).await,
            ),
            (
                "read-unknown",
                proxy(tomcat, &[("get", &manager("/words")), ("att", "nope")]).await,
            ),
            ("end", invoke(tomcat, "/words", "expireSession", &alice).await),
            (
                "end-unknown",
                invoke(tomcat, "/words", "expireSession", &nobody).await,
            ),
        ];
        for (name, body) in answers {
            // What follows the first line of an error is a stack trace, which we read nowhere.
            let told = match body.split_once('\n') {
                Some((first, _)) if first.starts_with("Error - ") => format!("{first}\n"),
                _ => body,
            };
            // Tomcat 8.5 words these differently.
            let kept = if *version == Version::V8 && ["attribute-throws", "read-unknown"].contains(&name) {
                "proxy8"
            } else {
                "proxy"
            };
            fixture::hold(&format!("{kept}-{name}.txt"), &told);
        }
    }
}

#[tokio::test]
async fn tomcat_jmx_proxy_search_gives_the_managers_with_crlf() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/search")).await;
        tomcat.open("/search", "alice").await;
        let body = proxy(tomcat, &[("qry", "*:type=Manager,context=/search,*")]).await;
        let records = body.strip_prefix("OK - Number of results: 1\n\n").unwrap();
        let lines: Vec<&str> = records.split("\r\n").collect();
        assert_eq!(lines[0], format!("Name: {}", manager("/search")));
        for line in [
            "className: org.apache.catalina.session.StandardManager",
            "activeSessions: 1",
            "maxActiveSessions: -1",
        ] {
            assert!(lines.contains(&line), "{version:?}: {lines:?}");
        }
        // The limit of a context, in minutes, stands elsewhere.
        let module = "Catalina:j2eeType=WebModule,name=//localhost/form,J2EEApplication=none,J2EEServer=none";
        let limit = proxy(tomcat, &[("get", module), ("att", "sessionTimeout")]).await;
        assert_eq!(
            limit,
            format!("OK - Attribute get '{module}' - sessionTimeout = 20\n")
        );
        // And this one no Manager has any more.
        let gone = proxy(
            tomcat,
            &[("get", &manager("/search")), ("att", "maxInactiveInterval")],
        )
        .await;
        assert!(gone.starts_with("Error - "), "{gone}");
    }
}

/// Two versions of one app, each a record of its own.
#[tokio::test]
async fn tomcat_jmx_proxy_search_word_for_word() {
    for (version, kept) in [(Version::V9, "9"), (Version::V10, "10")] {
        let tomcat = shared(version).await;
        tomcat.deploy(App::plain("/record")).await;
        tomcat.deploy(App::plain("/record").version("2")).await;
        let body = proxy(tomcat, &[("qry", "*:type=Manager,context=/record*,*")]).await;
        let lines = body
            .split_inclusive('\n')
            .map(|line| match line.split_once(": ") {
                // What depends on how busy the machine is.
                Some((name, _)) if name.ends_with("Rate") || name.ends_with("Time") => {
                    format!("{name}: 7\r\n")
                }
                _ => line.to_owned(),
            });
        fixture::hold(&format!("proxy-search-{kept}.txt"), &lines.collect::<String>());
    }
}

#[tokio::test]
async fn tomcat_jmx_proxy_closes_after_a_hundred_requests() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let client = new_client(1);
        let mut closed = Vec::new();
        for call in 1..=205 {
            let query = [("qry", "Catalina:type=Nothing,*")];
            let answer = by_proxy(&client, tomcat, &query).send().await.unwrap();
            if answer
                .headers()
                .get("connection")
                .is_some_and(|value| value == "close")
            {
                closed.push(call);
            }
            answer.bytes().await.unwrap();
        }
        assert_eq!(closed, [100, 200], "{version:?}");
    }
}

#[tokio::test]
async fn tomcat_jmx_proxy_refuses_by_status() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let client = new_client(0);
        let address = format!("{}/manager/jmxproxy/?qry=Catalina:type=Nothing,*", tomcat.url());
        let no_one = client.get(&address).send().await.unwrap();
        assert_eq!(no_one.status(), StatusCode::UNAUTHORIZED);
        let realm = no_one.headers()["www-authenticate"].to_str().unwrap();
        assert!(
            realm.starts_with("Basic realm=\"Tomcat Manager Application\""),
            "{realm}"
        );
        for role in [Role::Nobody, Role::Gui, Role::Script] {
            let (name, password) = tomcat.user(role);
            let other = client.get(&address).basic_auth(name, Some(password));
            assert_eq!(
                other.send().await.unwrap().status(),
                StatusCode::FORBIDDEN,
                "{role:?}"
            );
        }
        let (name, password) = tomcat.user(Role::Jmx);
        for (method, address, status) in [
            (Method::POST, address.clone(), StatusCode::METHOD_NOT_ALLOWED),
            (
                Method::GET,
                format!("{}/nothing/jmxproxy/", tomcat.url()),
                StatusCode::NOT_FOUND,
            ),
            (Method::GET, address.replace("/?", "?"), StatusCode::OK),
        ] {
            let answer = client.request(method, &address).basic_auth(name, Some(password));
            assert_eq!(
                answer.send().await.unwrap().status(),
                status,
                "{version:?} {address}"
            );
        }
    }
}

#[tokio::test]
async fn tomcat_five_wrong_passwords_lock_the_name_and_nothing_tells() {
    let tomcat = Tomcat::start(Options::new(Version::V10)).await;
    let (name, password) = tomcat.user(Role::Jmx);
    let address = format!("{}/manager/jmxproxy/?qry=Catalina:type=Nothing,*", tomcat.url());
    let status = async |password: &str| {
        let request = new_client(0).get(&address).basic_auth(name, Some(password));
        request.send().await.unwrap().status()
    };
    assert_eq!(status(password).await, StatusCode::OK);
    for _ in 0..5 {
        assert_eq!(status("wrong").await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(status(password).await, StatusCode::UNAUTHORIZED);
    // Other names are let in as before, by every bridge.
    assert!(tomcat.manage("list").await.starts_with("OK - "));
}
