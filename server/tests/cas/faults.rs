//! What only an imitation can play: a password that is dear to check, lies, an endpoint that is not there, CAS 7.

use std::sync::Arc;
use std::time::Duration;

use app::systems::wire::StepResult;
use server::connectors::{Answer, Completeness, ErrorKind, Recipe, Wanted, conformance, make};
use server::simulators::cas::CasServer;
use server::simulators::cas::faults::{Bad, Call};
use server::simulators::cas::model::{Release, SERVICES};

use super::world::{Far, connect, simulated, target};

/// Opens sessions without a browser; their targets.
fn open(server: &Arc<CasServer>, name: &str, count: usize) -> Vec<server::connectors::Target> {
    server.model(|model, now| {
        let ids = (0..count).map(|_| model.open(name, now).0);
        ids.map(|id| target(&id, name)).collect()
    })
}

/// CAS takes 0.1 s of its processor to check a password, at each request.
#[tokio::test]
async fn cas_is_asked_two_things_at_a_time_at_most_where_it_checks_a_password() {
    for (connections, most) in [(16, 2), (4, 2), (1, 1)] {
        let (server, far) = simulated(Release::Seven).await;
        let targets = open(&server, "ann", 20);
        server.faults(|faults| faults.slow_ms = 15);
        let near = far.with(|settings| settings.connections = connections);
        let answers = near.end().unwrap().end(&targets).await.unwrap();
        assert_eq!(answers, vec![Answer::Accepted; 20]);
        assert_eq!(server.most_at_once(), most, "{connections}");
    }
}

/// One call where CAS has it, and never those that end everybody or are cut without a word.
#[tokio::test]
async fn cas_7_ends_a_person_by_one_call_and_6_one_by_one() {
    for (release, by_person, one_by_one) in [(Release::Seven, 1, 0), (Release::Six, 0, 12)] {
        let (server, far) = simulated(release).await;
        open(&server, "ann", 12);
        open(&server, "ben", 1);
        assert_eq!(far.end_all_of("ann").await, Ok(Answer::Accepted));
        assert_eq!(far.all().await.len(), 1, "{release:?}");
        let calls = (server.calls(Call::DeleteUser), server.calls(Call::Delete));
        assert_eq!(calls, (by_person, one_by_one), "{release:?}");
        far.of_account("ben").await;
        for name in ["ann", "ben", "", "users", ";", "no body"] {
            drop(far.end_all_of(name).await);
        }
        for call in [Call::DeleteEverybody, Call::CutList] {
            assert_eq!(server.calls(call), 0, "{release:?} {call:?}");
        }
    }
}

/// Two thousand sessions, more than CAS shows unasked.
#[tokio::test]
async fn cas_every_session_of_many_is_listed_once_and_a_persons_are_all_found() {
    let (server, mut far) = simulated(Release::Seven).await;
    far.near = connect(&far.settings, Duration::from_secs(30));
    server.model(|model, now| {
        model.fill(300, 2_000, now);
        for _ in 0..667 {
            model.open("alice", now);
        }
    });
    let rows = far.all().await;
    let mut ids: Vec<&str> = rows.iter().map(|row| row.handle.expose()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((rows.len(), ids.len()), (2_667, 2_667));
    assert!(rows.iter().all(|row| row.last_active_at.is_some()));
    assert_eq!(far.of_account("alice").await.1.len(), 667);
    // Names are compared without regard to case over there; here they are two.
    assert!(far.of_account("ALICE").await.1.is_empty());
    let many: Vec<String> = (0..20).map(|n| rows[n * 60].account_id.clone()).collect();
    let (whole, some) = conformance::list(far.near.as_ref(), Wanted::Accounts(&many))
        .await
        .unwrap();
    assert_eq!(whole, Completeness::Complete);
    let expected = rows.iter().filter(|row| many.contains(&row.account_id)).count();
    assert_eq!(some.len(), expected);
}

#[tokio::test]
async fn cas_an_endpoint_that_is_off_or_closed_to_us_is_said_and_is_no_empty_list() {
    let (server, far) = simulated(Release::Seven).await;
    let targets = open(&server, "ann", 1);
    for (disabled, kind, words, passed) in [
        (
            true,
            ErrorKind::Protocol,
            "management.endpoint.ssoSessions.enabled",
            2,
        ),
        (false, ErrorKind::Forbidden, "required-ip-addresses", 1),
    ] {
        server.faults(|faults| {
            faults.disabled = disabled;
            faults.other_address = !disabled;
        });
        let error = far.listed().await.err().unwrap();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
        let error = far.near.end().unwrap().end(&targets).await.err().unwrap();
        assert_eq!(error.kind, kind, "nothing was asked: {error}");
        let steps = far.near.self_test().unwrap().self_test().await.unwrap().steps;
        assert_eq!(steps.len(), passed + 1, "{steps:#?}");
        assert_eq!(steps[passed].result, StepResult::Failed);
    }
    server.faults(|faults| *faults = Default::default());
    assert_eq!(far.all().await.len(), 1);
}

#[tokio::test]
async fn cas_an_answer_that_is_not_of_that_ending_is_none() {
    let (server, far) = simulated(Release::Seven).await;
    let targets = open(&server, "ann", 1);
    for bad in [
        Bad::Error(404, "Not Found".to_owned()),
        Bad::Error(400, "Bad Request".to_owned()),
        Bad::Html(200),
        Bad::Html(400),
        Bad::Garbage,
    ] {
        server.faults(|faults| {
            faults.bad = [(Call::Delete, bad.clone()), (Call::DeleteUser, bad.clone())].into();
        });
        assert_eq!(far.end(&targets).await, [Answer::NoAnswer], "{bad:?}");
        assert_eq!(far.end_all_of("ann").await, Ok(Answer::NoAnswer), "{bad:?}");
    }
    server.faults(|faults| {
        faults.bad.clear();
        faults.refuse = true;
    });
    let answers = far.end(&targets).await;
    assert!(
        matches!(&answers[..], [Answer::Refused(words)] if words.contains("500") && !words.contains("TGT")),
        "{answers:?}"
    );
}

#[tokio::test]
async fn cas_the_self_test_finds_a_lie() {
    let (server, far) = simulated(Release::Seven).await;
    server.faults(|faults| faults.lie = true);
    let proof = far.near.self_test().unwrap().self_test().await.unwrap();
    let last = proof.steps.last().unwrap();
    assert!(last.detail.contains("still lists it"), "{:#?}", proof.steps);
}

/// What a session is told of to applications is told by CAS; Curfew says so before anybody ends one.
#[tokio::test]
async fn cas_says_before_an_ending_what_it_tells_the_applications() {
    let (server, far) = simulated(Release::Seven).await;
    let ids = open(&server, "ann", 1);
    server.model(|model, now| {
        for service in SERVICES {
            model.sign_in_to(ids[0].handle.expose(), service, now);
        }
    });
    let effect = far.near.effect();
    assert!(
        effect.takes_effect.contains("sign-out request"),
        "{}",
        effect.takes_effect
    );
    assert!(effect.survives.contains("logoutType NONE"), "{}", effect.survives);
    far.all().await;
    let found = far.near.found().join(" ");
    assert!(found.contains("mail.campus.example (1)"), "{found}");
    far.end(&ids).await;
    assert_eq!(
        server.model(|model, _| model.told.len()),
        2,
        "the third is registered so"
    );
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let made = |text: &str| {
        let settings = toml::from_str(&format!("kind = \"cas\"\n{text}")).unwrap();
        let timeout = Duration::from_secs(1);
        make(&Recipe {
            settings: &settings,
            timeout,
        })
        .map(|_| ())
        .map_err(|cause| format!("{cause:#}"))
    };
    let url = "url = \"http://127.0.0.1:9/cas\"";
    assert_eq!(made(url), Ok(()), "it may go by our address");
    let named = format!("{url}\nidentity = {{ username = \"x\", password = \"env:PATH\" }}");
    assert_eq!(made(&named), Ok(()));
    for (text, word) in [
        (String::new(), "url"),
        (format!("{url}\nlimit = 0"), "limit"),
        (
            format!("{url}\nidentity = {{ username = \"a:b\", password = \"env:PATH\" }}"),
            "identity.username",
        ),
        (
            format!("{url}\ncanary = {{ username = \"\", password = \"env:PATH\" }}"),
            "canary.username",
        ),
        (format!("{url}\nsurprise = 1"), "surprise"),
    ] {
        let refused = made(&text).unwrap_err();
        assert!(refused.contains(word), "{word}: {refused}");
    }
}

/// A list of everything while another is read: both are whole.
#[tokio::test]
async fn cas_lists_do_not_get_into_each_others_way() {
    let (server, mut far) = simulated(Release::Seven).await;
    far.near = connect(&far.settings, Duration::from_secs(30));
    server.model(|model, now| model.fill(200, 1_500, now));
    let read = async |far: &Far| far.all().await.len();
    let (one, two) = tokio::join!(read(&far), read(&far));
    assert_eq!((one, two), (1_500, 1_500));
}
