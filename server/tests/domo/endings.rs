//! Asking Domo to end sessions, one call each, at the pace Domo wants.

use std::time::{Duration, Instant};

use app::sessions::wire::SessionKind;
use server::connectors::{Answer, ErrorKind, Residual, Target};
use server::simulators::domo::Screen;
use server::simulators::domo::faults::{Call, Rate, Who};
use server::simulators::domo::model::MOBILE;

use super::far::{connect, far, find};

/// One person's sessions stay when one of them is ended.
#[tokio::test]
async fn domo_b16_the_session_that_was_chosen_is_gone_and_no_other() {
    let far = far().await;
    let (number, one) = far.opened_as("Ann", "sss");
    let (_, other) = far.opened_as("Ann", "sss");
    assert_eq!(
        far.end(std::slice::from_ref(&one)).await,
        Ok(vec![Answer::Accepted])
    );
    let rows = far.all().await;
    assert!(find(&rows, &one).is_none() && find(&rows, &other).is_some());
    assert!(!far.lets_in(&one) && far.lets_in(&other));
    assert!(far.server.model(|model, _| model.session(number).is_none()));
    assert_eq!(far.end(&[one]).await, Ok(vec![Answer::NotFound]), "twice");
}

#[tokio::test]
async fn domo_p18_each_session_of_many_has_an_answer_of_its_own() {
    let far = far().await;
    let sessions: Vec<(i64, Target)> = (0..6).map(|n| far.opened_as(&format!("P{n}"), "sss")).collect();
    let targets: Vec<Target> = sessions.iter().map(|(_, target)| target.clone()).collect();
    far.all().await;
    far.server.model(|model, now| model.end(sessions[1].0, now));
    let refused: i64 = sessions[2].1.account_id.parse().unwrap();
    let lied: i64 = sessions[4].1.account_id.parse().unwrap();
    far.server.faults(|faults| {
        faults.refuse = Who::These([refused].into());
        faults.fails_for = [sessions[3].0].into();
        faults.lie = Who::These([lied].into());
    });
    let answers = far.end(&targets).await.unwrap();
    assert_eq!(
        answers,
        [
            Answer::Accepted,
            Answer::NotFound,
            Answer::Refused("This session can not be ended now (409, trace TOE-409).".to_owned()),
            Answer::NoAnswer,
            Answer::Accepted,
            Answer::Accepted,
        ]
    );
    let rows = far.all().await;
    let left: Vec<bool> = targets
        .iter()
        .map(|target| find(&rows, target).is_some())
        .collect();
    assert_eq!(
        left,
        [false, false, true, true, true, false],
        "the lie is found by listing"
    );
}

/// "Asked too often", with and without a word on how long to rest.
#[tokio::test]
async fn domo_p19_many_are_ended_within_what_domo_lets_through() {
    for retry_after in [None, Some(1)] {
        let far = far().await;
        let targets: Vec<Target> = (0..12).map(|n| far.opened(&format!("P{n}"))).collect();
        far.all().await;
        far.server.faults(|faults| {
            faults.rate = Some(Rate {
                per_second: 5,
                retry_after,
            });
        });
        let answers = far.end(&targets).await.unwrap();
        assert_eq!(answers, vec![Answer::Accepted; 12], "{retry_after:?}");
        let asked = far.server.calls(Call::Delete);
        assert!(
            (13..40).contains(&asked),
            "{retry_after:?}: {asked} calls for 12 sessions"
        );
    }
    let far = far().await;
    let one = far.opened("One");
    far.all().await;
    far.server.faults(|faults| {
        faults.rate = Some(Rate {
            per_second: 0,
            retry_after: Some(600),
        });
    });
    let error = far.end(std::slice::from_ref(&one)).await.err().unwrap();
    assert_eq!(
        (error.kind, error.retry_after_s),
        (ErrorKind::RateLimited, Some(600))
    );
    assert_eq!(
        far.server.calls(Call::Delete),
        1,
        "ten minutes are not waited for"
    );
}

#[tokio::test]
async fn requests_keep_the_pause_of_the_settings() {
    let mut far = far().await;
    let targets: Vec<Target> = (0..4).map(|n| far.opened(&format!("P{n}"))).collect();
    far.settings.pace_ms = None;
    far.near = connect(&far.settings);
    far.all().await;
    let began = Instant::now();
    assert_eq!(far.end(&targets).await.unwrap(), vec![Answer::Accepted; 4]);
    assert!(
        began.elapsed() >= Duration::from_millis(450),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(far.near.end().unwrap().chunk(), 40);
}

/// S7 and S8 beside what the connector tells of them.
#[tokio::test]
async fn domo_b17_what_ending_does_is_told_as_it_is() {
    let far = far().await;
    far.server.faults(|faults| faults.grace = true);
    let (browser, mobile) = (far.opened_as("Ann", "sss"), far.opened_as("Ann", MOBILE));
    far.all().await;
    let mut at_browser = far.server.client(browser.0).unwrap();
    let mut at_mobile = far.server.client(mobile.0).unwrap();
    let answers = far.end(&[browser.1, mobile.1]).await.unwrap();
    assert_eq!(answers, vec![Answer::Accepted; 2]);
    assert_eq!(
        at_browser.scroll(),
        Screen::Dashboard,
        "nothing happens on the screen"
    );
    assert_eq!(
        at_browser.open_dashboard(),
        Screen::SignIn,
        "until the next request"
    );
    assert_eq!(
        at_mobile.open_dashboard(),
        Screen::Dashboard,
        "the mobile app goes on"
    );
    let effect = far.near.effect();
    assert_eq!(effect.takes_effect, "At the next request that reaches Domo");
    assert!(effect.survives.contains("mobile app may go on for up to an hour"));
    assert_eq!(
        effect.residual,
        Some(Residual {
            seconds: 3_600,
            of: Some(SessionKind::Mobile)
        })
    );
    let residual = effect.residual.unwrap();
    assert_eq!(residual.seconds_of(SessionKind::Mobile), Some(3_600));
    assert_eq!(residual.seconds_of(SessionKind::Web), None);
    assert!(
        effect
            .before_you_end
            .contains("keeps the limits it was made with")
    );
}

#[tokio::test]
async fn domo_b6_what_is_not_in_the_list_is_named() {
    let far = far().await;
    let not_listed = far.near.effect().not_listed.join(", ");
    for name in [
        "Workbench",
        "Jupyter",
        "Microsoft Office",
        "Apple TV",
        "Buzz",
        "developer clients",
        "access tokens",
    ] {
        assert!(not_listed.contains(name), "{name}: {not_listed}");
    }
}
