//! Whether the credential is accepted, whether it may manage sessions, and what a self-test proves of either.

use app::systems::wire::{SelfTestStep, StepResult};
use server::connectors::ErrorKind;
use server::simulators::domo::Way;
use server::simulators::domo::faults::{Bad, Call, TokenTaken, Who};

use super::far::{Far, far, far_by};

async fn steps(far: &Far) -> Vec<SelfTestStep> {
    far.near.self_test().unwrap().self_test().await.unwrap().steps
}

fn results(steps: &[SelfTestStep]) -> Vec<StepResult> {
    steps.iter().map(|step| step.result).collect()
}

#[tokio::test]
async fn an_accepted_credential_and_the_right_to_manage_are_told_apart() {
    let far = far().await;
    far.all().await;
    let found = far.near.found();
    assert!(
        found[0].contains("accepts") && found[0].contains("Curfew (service account)"),
        "{found:?}"
    );
    assert!(found[1].contains("may manage sessions"), "{found:?}");

    for way in [Way::Token, Way::Password] {
        let far = far_by(way, |_| {}).await;
        far.server.faults(|faults| match way {
            Way::Token => faults.token = TokenTaken::RefusedForSessions,
            _ => faults.no_grant = true,
        });
        let error = far.listed().await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
        for part in [
            "accepts",
            "may not manage sessions",
            "user.session.edit",
            "TOE-403",
        ] {
            assert!(error.message.contains(part), "{way:?} {part}: {error}");
        }
        let of_tokens = error.message.contains("may refuse developer tokens");
        assert_eq!(of_tokens, way == Way::Token, "{error}");
        let found = far.near.found();
        assert!(
            found[0].contains("accepts") && found[1].contains("may not"),
            "{found:?}"
        );
        let steps = steps(&far).await;
        assert_eq!(
            results(&steps),
            [StepResult::Passed, StepResult::Failed],
            "{steps:?}"
        );
    }

    far.server.faults(|faults| faults.token = TokenTaken::Bad);
    let error = far.listed().await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
    assert!(error.message.contains("does not accept"), "{error}");
    assert!(far.near.found()[0].contains("does not accept"));
    assert_eq!(results(&steps(&far).await), [StepResult::Failed]);
}

/// Whatever status the interface refuses a token with.
#[tokio::test]
async fn a_token_that_only_sessions_refuse_with_401_is_no_bad_token() {
    let far = far().await;
    far.bad(Call::List, Bad::Json(401, "TOE-7".to_owned()));
    let error = far.listed().await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    assert!(error.message.contains("may refuse developer tokens"), "{error}");
}

#[tokio::test]
async fn the_self_test_passes_by_every_way_in_and_leaves_nothing_behind() {
    for way in [Way::Token, Way::Password, Way::Refresh] {
        let far = far_by(way, |own| {
            if way == Way::Password {
                // The account of the identity serves as well.
                own.remove("canary");
            }
        })
        .await;
        let person = far.opened("Person");
        far.all().await;
        let before = far.server.model(|model, _| model.sessions().count());
        let steps = steps(&far).await;
        assert_eq!(results(&steps), [StepResult::Passed; 7], "{way:?}: {steps:#?}");
        assert_eq!(far.server.model(|model, _| model.sessions().count()), before);
        assert!(far.lets_in(&person));
    }
}

#[tokio::test]
async fn the_self_test_says_what_is_missing_or_wrong() {
    let lonely = far_by(Way::Token, |own| {
        own.remove("canary");
    })
    .await;
    let told = steps(&lonely).await;
    let expected = [StepResult::Passed, StepResult::Passed, StepResult::Skipped];
    assert_eq!(results(&told), expected, "{told:?}");
    assert!(told[2].detail.contains("canary"), "{told:?}");

    let far = far().await;
    far.server.faults(|faults| faults.lie = Who::Everybody);
    let told = steps(&far).await;
    let last = told.last().unwrap();
    assert_eq!((last.result, told.len()), (StepResult::Failed, 6), "{told:?}");
    assert!(last.detail.contains("still holds it"), "{told:?}");
    far.server.faults(|faults| {
        faults.lie = Who::Nobody;
        faults.bad.insert(Call::Delete, Bad::Blocked);
    });
    let told = steps(&far).await;
    let last = told.last().unwrap();
    assert!(
        last.result == StepResult::Failed && last.detail.contains("Blocked"),
        "{told:?}"
    );
    far.bad(Call::SignIn, Bad::Reason("ACCOUNT_LOCKED".to_owned()));
    let told = steps(&far).await;
    let last = told.last().unwrap();
    assert!(
        last.result == StepResult::Failed && last.detail.contains("locked"),
        "{told:?}"
    );
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    use std::time::Duration;

    use server::connectors::{Recipe, make, pace_ms};
    let made = |text: &str| {
        let settings = toml::from_str(&format!("kind = \"domo\"\n{text}")).unwrap();
        let timeout = Duration::from_secs(1);
        make(&Recipe {
            settings: &settings,
            timeout,
        })
        .map(|_| pace_ms(&settings))
        .map_err(|cause| format!("{cause:#}"))
    };
    let url = "url = \"http://127.0.0.1:9\"";
    let identity = "identity = { developer_token = \"env:PATH\" }";
    assert_eq!(made(&format!("{url}\n{identity}")), Ok(150), "Domo wants a pause");
    assert_eq!(made(&format!("{url}\npace_ms = 40\n{identity}")), Ok(40));
    for (text, word) in [
        (identity.to_owned(), "url"),
        (url.to_owned(), "identity"),
        (format!("{url}\nlimit = 0\n{identity}"), "limit"),
        (
            format!("{url}\ncanary = {{ developer_token = \"env:PATH\" }}\n{identity}"),
            "canary",
        ),
        (format!("{url}\nmobile_types = [\"sss\"]\n{identity}"), "sss"),
        (
            format!("{url}\nlimits = {{ idle_min = -1 }}\n{identity}"),
            "idle_min",
        ),
        (format!("{url}\nsurprise = 1\n{identity}"), "surprise"),
    ] {
        let refused = made(&text).unwrap_err();
        assert!(refused.contains(word), "{word}: {refused}");
    }
}
