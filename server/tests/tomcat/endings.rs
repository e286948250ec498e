//! What ending a session really does, by JMX.

use std::time::{Duration, Instant};

use super::ask::{ids, invoke, value};
use super::farm::{App, Version, cookie, new_client, shared};

/// "OK" to an id that is no more: the person is still in, under a new id with the old time of creation.
#[tokio::test]
async fn tomcat_says_ok_to_ending_a_session_whose_id_has_changed() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/rotates")).await;
        let mut alice = tomcat.open("/rotates", "alice").await;
        let created = value(tomcat, "/rotates", "getCreationTimestamp", &alice.id).await;
        let old = alice.id.clone();
        alice.rotate().await;
        let answer = invoke(tomcat, "/rotates", "expireSession", &old).await;
        assert_eq!(answer, "OK - Operation expireSession without return value\n");
        assert_eq!(ids(tomcat, "/rotates").await, std::slice::from_ref(&alice.id));
        assert_eq!(
            value(tomcat, "/rotates", "getCreationTimestamp", &alice.id).await,
            created
        );
        assert_eq!(alice.who().await.as_deref(), Some("alice"));
    }
}

#[tokio::test]
async fn tomcat_a_listener_that_throws_makes_an_error_of_an_ending_that_worked() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/throws")).await;
        let throws = [("user", "alice"), ("ending", "throws")];
        let alice = tomcat.open_at("/throws", "open.jsp", &throws).await;
        let answer = invoke(tomcat, "/throws", "expireSession", &alice.id).await;
        let error = "Error - javax.management.RuntimeOperationsException: Exception invoking method ";
        assert!(answer.starts_with(error), "{answer}");
        assert_eq!(alice.who().await, None);
    }
}

#[tokio::test]
async fn tomcat_a_slow_listener_holds_up_the_answer() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/slow")).await;
        let slow = [("user", "alice"), ("ending", "slow"), ("ms", "700")];
        let alice = tomcat.open_at("/slow", "open.jsp", &slow).await;
        let start = Instant::now();
        invoke(tomcat, "/slow", "expireSession", &alice.id).await;
        assert!(start.elapsed() >= Duration::from_millis(700), "{version:?}");
        assert_eq!(alice.who().await, None);
    }
}

#[tokio::test]
async fn tomcat_attributes_may_be_slow_and_huge() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/texts")).await;
        let slow = [("attr", "odd"), ("text", "slow"), ("ms", "700")];
        let alice = tomcat.open_at("/texts", "open.jsp", &slow).await;
        let start = Instant::now();
        invoke(
            tomcat,
            "/texts",
            "getSessionAttribute",
            &format!("{},odd", alice.id),
        )
        .await;
        assert!(start.elapsed() >= Duration::from_millis(700), "{version:?}");
        let huge = [("attr", "odd"), ("text", "huge"), ("size", "5000000")];
        let bob = tomcat.open_at("/texts", "open.jsp", &huge).await;
        let text = value(
            tomcat,
            "/texts",
            "getSessionAttribute",
            &format!("{},odd", bob.id),
        )
        .await;
        assert_eq!(text.len(), 5_000_000);
    }
}

/// It is in a file: not listed, not ended although "OK", and back with the same id at the next click.
#[tokio::test]
async fn tomcat_a_session_swapped_out_can_not_be_ended() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::stored("/swaps")).await;
        let alice = tomcat.open("/swaps", "alice").await;
        let start = Instant::now();
        while !ids(tomcat, "/swaps").await.is_empty() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "{version:?}: still listed"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(value(tomcat, "/swaps", "isLoaded", &alice.id).await, "false");
        assert_eq!(
            value(tomcat, "/swaps", "getCreationTimestamp", &alice.id).await,
            "-1"
        );
        let answer = invoke(tomcat, "/swaps", "expireSession", &alice.id).await;
        assert_eq!(answer, "OK - Operation expireSession without return value\n");
        assert_eq!(alice.who().await.as_deref(), Some("alice"));
        assert_eq!(ids(tomcat, "/swaps").await, std::slice::from_ref(&alice.id));
        invoke(tomcat, "/swaps", "expireSession", &alice.id).await;
        assert_eq!(alice.who().await, None);
    }
}

/// The ending does not wait for it, and it can finish what it does outside of the session.
#[tokio::test]
async fn tomcat_a_request_that_runs_when_its_session_ends_runs_on() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/runs")).await;
        let alice = tomcat.open("/runs", "alice").await;
        // Compiled before it counts.
        assert_eq!(alice.ask("wait.jsp", &[("ms", "0")]).await, "there");
        let end = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let start = Instant::now();
            invoke(tomcat, "/runs", "expireSession", &alice.id).await;
            start.elapsed()
        };
        let (said, took) = tokio::join!(alice.ask("wait.jsp", &[("ms", "3000")]), end);
        assert_eq!(said, "ended meanwhile", "{version:?}");
        assert!(took < Duration::from_secs(2), "{version:?}: {took:?}");
        assert_eq!(alice.who().await, None);
    }
}

/// Dead for its person, and still in the list until Tomcat reaps it, once a minute.
#[tokio::test]
async fn tomcat_lists_sessions_past_their_limit() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/idle")).await;
        let short = [("user", "alice"), ("idle", "1")];
        let alice = tomcat.open_at("/idle", "open.jsp", &short).await;
        tokio::time::sleep(Duration::from_millis(1200)).await;
        // Reaping may fall into this moment; then the list is empty, which says nothing.
        let listed = ids(tomcat, "/idle").await;
        assert!(listed.is_empty() || listed == [alice.id.clone()], "{listed:?}");
        assert_eq!(alice.who().await, None);
    }
}

#[tokio::test]
async fn tomcat_form_leads_to_the_sign_in_page_and_basic_comes_back_unnoticed() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let form = tomcat.open("/form", "carol").await;
        let basic = tomcat.open("/basic", "o'brien").await;
        invoke(tomcat, "/form", "expireSession", &form.id).await;
        invoke(tomcat, "/basic", "expireSession", &basic.id).await;
        assert_eq!(form.who().await, None, "{version:?}");
        assert_eq!(basic.who().await.as_deref(), Some("o'brien"), "{version:?}");
        // Asked for without a password there is nobody.
        assert!(!ids(tomcat, "/basic").await.contains(&basic.id));
    }
}

/// Tomcat writes the person into the session at the second request, and protects that as a sign-in.
#[tokio::test]
async fn tomcat_basic_gives_a_new_id_at_the_second_request_and_keeps_the_time() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let ask = |page: &str, cookie: String| {
            let request = new_client(0).get(format!("{}/basic/{page}", tomcat.url()));
            request
                .basic_auth("dave", Some("dave-Secret"))
                .header("cookie", cookie)
                .send()
        };
        let created = async |id: &str| value(tomcat, "/basic", "getCreationTimestamp", id).await;
        let first = cookie(&ask("open.jsp", String::new()).await.unwrap()).unwrap();
        let time = created(&first).await;
        let answer = ask("who.jsp", format!("JSESSIONID={first}")).await.unwrap();
        let second = cookie(&answer).unwrap();
        assert_ne!(first, second, "{version:?}");
        assert_eq!(created(&first).await, "-1");
        assert_eq!(created(&second).await, time);
        let third = ask("who.jsp", format!("JSESSIONID={second}")).await.unwrap();
        assert_eq!(cookie(&third), None);
    }
}
