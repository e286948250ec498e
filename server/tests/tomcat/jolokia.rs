//! Jolokia 1.7.2 in Tomcat 9 and the agent 2.6.0 in Tomcat 10.1; their answers differ.

use serde_json::{Value, json};

use super::ask::{exec, ids, manager, post};
use super::farm::{App, Jolokia, Options, Role, Tomcat, Version, new_client, shared};
use super::fixture;

#[tokio::test]
async fn tomcat_9_jolokia_1_answers_word_for_word() {
    answers_word_for_word(shared(Version::V9).await, "jolokia1").await;
}

#[tokio::test]
async fn tomcat_10_jolokia_2_answers_word_for_word() {
    answers_word_for_word(shared(Version::V10).await, "jolokia2").await;
}

async fn answers_word_for_word(tomcat: &Tomcat, folder: &str) {
    tomcat.deploy(App::plain("/words2")).await;
    let app = "/words2";
    let alice = tomcat.open(app, "alice").await.id;
    let throws = [("attr", "odd"), ("text", "throws")];
    let throws = tomcat.open_at(app, "open.jsp", &throws).await.id;
    let nobody = "0".repeat(32);
    let read = |attribute: &str| json!({"type": "read", "mbean": manager(app), "attribute": attribute});
    let requests = [
        (
            "search",
            json!({"type": "search", "mbean": "*:type=Manager,context=/words2,*"}),
        ),
        (
            "search-none",
            json!({"type": "search", "mbean": "*:type=Nothing,*"}),
        ),
        (
            "read",
            json!({"type": "read", "mbean": manager(app), "attribute": ["activeSessions", "className"]}),
        ),
        ("read-unknown", read("nope")),
        (
            "read-pattern",
            json!({"type": "read", "mbean": "*:j2eeType=WebModule,name=//localhost/form,*", "attribute": ["path", "sessionTimeout"]}),
        ),
        (
            "read-pattern-none",
            json!({"type": "read", "mbean": "*:type=Nothing,*", "attribute": ["path"]}),
        ),
        ("list-unknown", exec("/nope", "listSessionIds", &[])),
        ("created", exec(app, "getCreationTimestamp", &[&alice])),
        ("created-unknown", exec(app, "getCreationTimestamp", &[&nobody])),
        ("attribute", exec(app, "getSessionAttribute", &[&alice, "user"])),
        (
            "attribute-unknown",
            exec(app, "getSessionAttribute", &[&alice, "nope"]),
        ),
        (
            "attribute-throws",
            exec(app, "getSessionAttribute", &[&throws, "odd"]),
        ),
        ("operation-unknown", exec(app, "nosuch", &[])),
        ("arguments-wrong", exec(app, "getCreationTimestamp", &[])),
        (
            "name-malformed",
            json!({"type": "read", "mbean": "no name", "attribute": "x"}),
        ),
        ("no-type", json!({"mbean": manager(app)})),
        (
            "bulk",
            json!([
                exec(app, "getCreationTimestamp", &[&nobody]),
                exec(app, "nosuch", &[]),
                exec(app, "getSessionAttribute", &[&alice, "user"])
            ]),
        ),
        ("end", exec(app, "expireSession", &[&alice])),
        ("end-unknown", exec(app, "expireSession", &[&nobody])),
    ];
    for (name, request) in requests {
        let answer = post(tomcat, &request).await;
        let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
        let kind = kind.map_or_else(String::new, |kind| kind.to_str().unwrap().to_owned());
        let body = without_trace(&answer.text().await.unwrap());
        fixture::hold(
            &format!("{folder}-{name}.txt"),
            &format!("{} {kind}\n{body}", status.as_u16()),
        );
    }
}

/// An error's stack trace is cut: it is long, and nothing may be read from it.
fn without_trace(body: &str) -> String {
    let mut out = body.to_owned();
    let key = "\"stacktrace\":\"";
    let mut from = 0;
    while let Some(at) = out[from..].find(key) {
        let start = from + at + key.len();
        let end = start + out[start..].find('"').unwrap();
        out.replace_range(start..end, "…");
        from = start;
    }
    out
}

/// Key orders differ, and the order of requests does not matter: compare sets of keys.
#[tokio::test]
async fn tomcat_jolokia_takes_a_name_in_any_order_and_gives_its_own() {
    for (version, order) in [
        (Version::V9, "Catalina:context=/x,host=localhost,type=Manager"),
        (Version::V10, "Catalina:type=Manager,host=localhost,context=/x"),
    ] {
        let tomcat = shared(version).await;
        let search = json!({"type": "search", "mbean": "*:type=Manager,context=/x,*"});
        let found = json_of(tomcat, &search).await;
        assert_eq!(found["value"], json!([order]), "{version:?}");
        let read = json!({"type": "read", "mbean": "Catalina:host=localhost,type=Manager,context=/x", "attribute": "className"});
        assert_eq!(json_of(tomcat, &read).await["status"], 200);
    }
}

async fn json_of(tomcat: &Tomcat, request: &Value) -> Value {
    serde_json::from_str(&post(tomcat, request).await.text().await.unwrap()).unwrap()
}

/// The answer has no results, and yet the first element took effect.
#[tokio::test]
async fn tomcat_jolokia_2_answers_400_to_a_bulk_it_has_done_half() {
    let tomcat = shared(Version::V10).await;
    tomcat.deploy(App::plain("/bulk")).await;
    let (alice, bob) = (
        tomcat.open("/bulk", "alice").await,
        tomcat.open("/bulk", "bob").await,
    );
    let bulk = json!([
        exec("/bulk", "expireSession", &[&alice.id]),
        exec("/bulk", "expireSession", &[]),
        exec("/bulk", "expireSession", &[&bob.id]),
    ]);
    let answer = post(tomcat, &bulk).await;
    assert_eq!(answer.status(), 400);
    assert!(serde_json::from_str::<Value>(&answer.text().await.unwrap()).is_err());
    assert_eq!(ids(tomcat, "/bulk").await, std::slice::from_ref(&bob.id));
}

#[tokio::test]
async fn tomcat_jolokia_1_answers_each_element_of_a_bulk() {
    let tomcat = shared(Version::V9).await;
    tomcat.deploy(App::plain("/bulk")).await;
    let alice = tomcat.open("/bulk", "alice").await;
    let bulk = json!([
        exec("/bulk", "expireSession", &[]),
        exec("/bulk", "expireSession", &[&alice.id]),
    ]);
    let answers = json_of(tomcat, &bulk).await;
    assert_eq!(
        (&answers[0]["status"], &answers[1]["status"]),
        (&json!(400), &json!(200))
    );
    assert_eq!(alice.who().await, None);
}

#[tokio::test]
async fn tomcat_jolokia_refuses_wrong_passwords_and_roles() {
    for version in [Version::V9, Version::V10] {
        let tomcat = shared(version).await;
        let status = async |name: &str, password: &str| {
            let request = new_client(0)
                .post(tomcat.jolokia_url())
                .json(&json!({"type": "version"}));
            let request = request.basic_auth(name, Some(password));
            request.send().await.unwrap().status().as_u16()
        };
        let (name, password) = tomcat.user(Role::Jolokia);
        assert_eq!(status(name, password).await, 200);
        assert_eq!(status("somebody", "wrong").await, 401);
        let (name, password) = tomcat.user(Role::Jmx);
        // The agent knows one user only.
        let other = if version == Version::V9 { 403 } else { 401 };
        assert_eq!(status(name, password).await, other, "{version:?}");
    }
}

/// Without the right content type the web app never sees the body; the agent does not care.
#[tokio::test]
async fn tomcat_jolokia_1_loses_a_body_sent_as_a_form() {
    for (version, status) in [(Version::V9, 400), (Version::V10, 200)] {
        let tomcat = shared(version).await;
        let (name, password) = tomcat.user(Role::Jolokia);
        let request = new_client(0)
            .post(tomcat.jolokia_url())
            .basic_auth(name, Some(password))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("{\"type\":\"version\"}");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(answer["status"], status, "{version:?}: {answer}");
    }
}

/// Jolokia 2.0.0 as a web app speaks like 1.7 about what it does not know.
#[tokio::test]
async fn tomcat_farm_gives_each_tomcat_the_jolokia_it_can_run() {
    let versions: &[(Version, Jolokia, &str)] = match Version::chosen().len() {
        2 => &[(Version::V9, Jolokia::Agent, "2.6.0")],
        _ => &[
            (Version::V8, Jolokia::War, "1.7.1"),
            (Version::V9, Jolokia::Agent, "2.6.0"),
            (Version::V10, Jolokia::War, "2.0.0"),
            (Version::V11, Jolokia::Agent, "2.6.0"),
        ],
    };
    for (version, jolokia, agent) in versions {
        let tomcat = Tomcat::start(Options::new(*version).jolokia(*jolokia)).await;
        let answer = json_of(&tomcat, &json!({"type": "version"})).await;
        assert_eq!(answer["value"]["agent"], *agent, "{version:?}");
        let unknown = json_of(&tomcat, &exec("/x", "nosuch", &[])).await;
        let status = if *agent == "2.6.0" { 500 } else { 400 };
        assert_eq!(unknown["status"], status, "{agent}: {unknown}");
    }
}
