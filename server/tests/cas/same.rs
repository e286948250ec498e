//! What holds on a simulated CAS, as 6 and as 7, and on a real 6.6 alike, each test on all of them.

use app::policies::wire::SettingSource;
use app::systems::wire::StepResult;
use app::wire::Limit;
use reqwest::{Method, StatusCode};
use server::connectors::{Answer, Completeness, ErrorKind, Wanted, conformance};
use server::simulators::cas::model::Release;

use super::real::real;
use super::world::{Far, connect, find, simulated, target};

/// Each of them in turn: the real one is given back before the next test wants it.
async fn everywhere(test: impl AsyncFn(Far)) {
    for release in [Release::Six, Release::Seven] {
        test(simulated(release).await.1).await;
    }
    test(real().await).await;
}

/// CAS says 200, and 200 in its answer, of a session that never was; only what was listed before can be told from it.
#[tokio::test]
async fn cas_ok_proves_nothing_and_what_is_not_listed_is_not_asked_for() {
    everywhere(async |far| {
        let session = far.opened("guest1").await;
        let (status, said) = far.raw(Method::DELETE, "/TGT-9-nope").await;
        assert_eq!((status, &said["status"]), (StatusCode::OK, &200.into()));
        let never = target("TGT-9-nope", "guest1");
        let answers = far.end(&[never.clone(), session.clone(), never]).await;
        assert_eq!(answers, [Answer::NotFound, Answer::Accepted, Answer::NotFound]);
        assert!(find(&far.all().await, &session).is_none());
        assert_eq!(far.end(&[session]).await, [Answer::NotFound]);
    })
    .await;
}

/// An empty id or name ends everybody on CAS 7, and so may one that holds a slash or a semicolon.
#[tokio::test]
async fn cas_what_could_mean_everybody_is_never_sent() {
    everywhere(async |far| {
        let session = far.opened("guest1").await;
        for bad in ["", " ", "users", ".", "..", ";", "a;b", "a/b", "?type=ALL"] {
            for account in ["guest1", "", bad] {
                let answers = far.end(&[target(bad, account)]).await;
                assert_eq!(answers, [Answer::NotFound], "{bad:?} of {account:?}");
            }
            let all_of = far.end_all_of(bad).await;
            let refused = all_of
                .as_ref()
                .is_err_and(|error| error.message.contains("nothing was asked"));
            assert!(refused || all_of == Ok(Answer::NotFound), "{bad:?}: {all_of:?}");
        }
        assert!(far.lets_in(&session).await);
        assert_eq!(far.all().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn cas_all_of_a_person_means_that_person_by_any_name() {
    everywhere(async |far| {
        let other = far.opened("guest1").await;
        // The second can't stand in an address.
        for name in ["guest11", "d/e"] {
            let sessions = [far.opened(name).await, far.opened(name).await];
            assert_eq!(far.end_all_of(name).await, Ok(Answer::Accepted), "{name}");
            for session in &sessions {
                assert!(!far.lets_in(session).await, "{name}");
            }
            assert!(far.of_account(name).await.1.is_empty(), "{name}");
            assert_eq!(far.end_all_of(name).await, Ok(Answer::NotFound), "{name}");
            // Nor is such a name in the way of a single ending.
            let one = far.opened(name).await;
            assert_eq!(far.end(&[one]).await, [Answer::Accepted], "{name}");
        }
        assert!(far.lets_in(&other).await);
    })
    .await;
}

/// CAS cuts a list without a word, and cuts before it looks for a name.
#[tokio::test]
async fn cas_a_list_as_long_as_its_count_is_partial_and_a_persons_list_is_never_cut() {
    everywhere(async |far| {
        let mut sessions = Vec::new();
        for name in ["guest1", "guest2", "guest3", "guest3"] {
            sessions.push(far.opened(name).await);
        }
        for (limit, cut) in [(3_i64, true), (4, true), (5, false)] {
            let near = far.with(|settings| {
                settings.own.insert("limit".to_owned(), limit.into());
            });
            let (whole, rows) = conformance::list(near.as_ref(), Wanted::All).await.unwrap();
            assert_eq!(rows.len(), 4.min(usize::try_from(limit).unwrap()));
            let why = match whole {
                Completeness::Partial(why) => why,
                Completeness::Complete => String::new(),
            };
            assert_eq!(why.contains("limit"), cut, "{limit}: {why}");
            for account in ["guest1", "guest2", "guest3"] {
                let accounts = [account.to_owned()];
                let (whole, rows) = conformance::list(near.as_ref(), Wanted::Accounts(&accounts))
                    .await
                    .unwrap();
                let there = sessions.iter().filter(|session| session.account_id == account);
                assert_eq!(
                    (whole, rows.len()),
                    (Completeness::Complete, there.count()),
                    "{account}"
                );
            }
        }
        let near = far.with(|settings| {
            settings.own.insert("limit".to_owned(), 1.into());
        });
        let answers = near.end().unwrap().end(&sessions).await.unwrap();
        assert_eq!(answers, vec![Answer::Accepted; 4], "found behind the cut too");
        assert!(far.all().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn cas_the_password_of_the_endpoint_is_told_apart_from_none() {
    everywhere(async |far| {
        far.opened("guest1").await;
        let wrong = far.with(|settings| {
            let identity = settings.own["identity"].as_table_mut().unwrap();
            identity.insert("password".to_owned(), "env:PATH".into());
        });
        let error = conformance::list(wrong.as_ref(), Wanted::All)
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
        assert!(error.message.contains("of curfew (401)"), "{error}");
        let steps = wrong.self_test().unwrap().self_test().await.unwrap().steps;
        let told: Vec<StepResult> = steps.iter().map(|step| step.result).collect();
        assert_eq!(told, [StepResult::Passed, StepResult::Failed], "{steps:#?}");
        let none = far.with(|settings| {
            settings.own.remove("identity");
        });
        let error = conformance::list(none.as_ref(), Wanted::All).await.err().unwrap();
        assert!(error.message.contains("set identity"), "{error}");
        let elsewhere = far.with(|settings| {
            settings
                .own
                .insert("url".to_owned(), format!("{}/actuator", far.url).into());
        });
        let error = conformance::list(elsewhere.as_ref(), Wanted::All)
            .await
            .err()
            .unwrap();
        assert!(
            matches!(error.kind, ErrorKind::Protocol | ErrorKind::Forbidden),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn cas_limits_are_those_that_sessions_carry() {
    everywhere(async |far| {
        let policy = async || far.near.policy().unwrap().read_policy().await.unwrap();
        let nothing = policy().await;
        assert_eq!((nothing.idle, nothing.absolute), (Limit::Unknown, Limit::Unknown));
        let session = far.opened("guest1").await;
        let rows = far.all().await;
        let row = find(&rows, &session).unwrap();
        assert_eq!(row.idle, Limit::Seconds(7_200));
        let life = row.absolute_expires_at.unwrap().since(row.created_at.unwrap());
        assert_eq!(life, 28_800_000);
        let read = policy().await;
        assert_eq!(
            (read.idle, read.absolute),
            (Limit::Seconds(7_200), Limit::Seconds(28_800))
        );
        assert!(read.note.contains("listed sessions carry"), "{}", read.note);
        assert!(read.settings.iter().all(|row| row.source == SettingSource::Read));
        assert!(read.advice.is_empty(), "{:?}", read.advice);
        let found = far.near.found();
        assert!(found[0].contains("accepts Curfew"), "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn cas_the_self_test_passes_and_leaves_nothing_behind() {
    everywhere(async |far| {
        let person = far.opened("guest1").await;
        let proof = far.near.self_test().unwrap().self_test().await.unwrap();
        let results: Vec<StepResult> = proof.steps.iter().map(|step| step.result).collect();
        assert_eq!(results, [StepResult::Passed; 9], "{:#?}", proof.steps);
        assert_eq!(far.all().await.len(), 1);
        assert!(far.lets_in(&person).await);
        let mut without = far.settings.clone();
        without.own.remove("canary");
        let near = connect(&without, far.timeout);
        let steps = near.self_test().unwrap().self_test().await.unwrap().steps;
        let results: Vec<StepResult> = steps.iter().map(|step| step.result).collect();
        let mut expected = vec![StepResult::Passed; 3];
        expected.push(StepResult::Skipped);
        assert_eq!(
            results, expected,
            "reachable, accepted, enabled, and no more: {steps:#?}"
        );
    })
    .await;
}

/// Ending tells every application of the session, and one that is registered so is told nothing.
#[tokio::test]
async fn a_real_cas_tells_the_applications_by_itself() {
    let far = real().await;
    let app = super::real::app().await;
    let loud = far.opened_at("guest41", &format!("{app}/app/a")).await;
    let silent = far.opened_at("guest42", &format!("{app}/silent")).await;
    far.all().await;
    let found = far.near.found().join(" ");
    let host = app.strip_prefix("http://").unwrap();
    assert!(found.contains(&format!("{host} (2)")), "{found}");
    assert_eq!(
        far.end(&[loud, silent]).await,
        [Answer::Accepted, Answer::Accepted]
    );
    let told = super::real::told("guest41", 1).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("logoutRequest=") && told[0].contains("SessionIndex"));
    assert!(super::real::told("guest42", 0).await.is_empty());
    assert!(far.all().await.is_empty());
}
