//! The shapes in which Domo fails, each with words of its own; nothing is ever called gone by them.

use server::connectors::{Answer, ErrorKind};
use server::simulators::domo::faults::{Bad, Call};
use server::simulators::domo::model::BROWSER;
use server::simulators::domo::{OWNER, Way};

use super::far::{far, far_by};

fn json(status: u16) -> Bad {
    Bad::Json(status, "TOE-4F2A".to_owned())
}

#[tokio::test]
async fn domo_p24_each_failure_of_the_list_has_its_own_words_and_next_step() {
    let far = far().await;
    far.opened("Somebody");
    far.all().await;
    for (bad, kind, words) in [
        (
            Bad::Blocked,
            ErrorKind::Forbidden,
            &["Domo - Blocked", "allowlist"][..],
        ),
        (
            Bad::AllowList,
            ErrorKind::Forbidden,
            &["allowed addresses", "allowlist"],
        ),
        (
            Bad::Redirect,
            ErrorKind::Protocol,
            &["sending us elsewhere", "NAME.domo.com"],
        ),
        (Bad::Html(200), ErrorKind::Protocol, &["web page", "status 200"]),
        (Bad::Html(503), ErrorKind::Protocol, &["web page", "status 503"]),
        (
            json(500),
            ErrorKind::Unreachable,
            &["fault of its own", "500, trace TOE-4F2A"],
        ),
        (json(404), ErrorKind::Protocol, &["switched on", "trace TOE-4F2A"]),
        (
            json(418),
            ErrorKind::Protocol,
            &["does not expect", "Something went wrong"],
        ),
        (
            Bad::Empty(502),
            ErrorKind::Unreachable,
            &["fault of its own (502)"],
        ),
        (
            Bad::Reason("INVALID_CREDENTIALS".to_owned()),
            ErrorKind::Unauthorized,
            &["INVALID_CREDENTIALS", "mend the secret"],
        ),
        (
            Bad::Reason("ACCOUNT_LOCKED".to_owned()),
            ErrorKind::Unauthorized,
            &["locked", "Unlock it"],
        ),
        (
            Bad::Reason("MAINTENANCE".to_owned()),
            ErrorKind::Protocol,
            &["reason instead of data: MAINTENANCE"],
        ),
        (Bad::Garbage, ErrorKind::Protocol, &["not the data"]),
        (Bad::CutOff, ErrorKind::Protocol, &["cut off"]),
        (Bad::Silent, ErrorKind::Unreachable, &["No answer within 500 ms"]),
        (Bad::RateLimited(None), ErrorKind::RateLimited, &["too often"]),
        (
            Bad::RateLimited(Some(7)),
            ErrorKind::RateLimited,
            &["7 s of rest"],
        ),
    ] {
        far.bad(Call::List, bad.clone());
        let error = far.listed().await.err().unwrap_or_else(|| panic!("{bad:?}"));
        assert_eq!(error.kind, kind, "{bad:?}: {error}");
        for part in words {
            assert!(error.message.contains(part), "{bad:?}: {error}");
        }
        if bad == Bad::RateLimited(Some(7)) {
            assert_eq!(error.retry_after_s, Some(7));
        }
    }
    far.server.faults(|faults| faults.bad.clear());
    far.all().await;
}

#[tokio::test]
async fn an_ending_that_is_blocked_or_answered_by_a_page_never_counts_as_gone() {
    let far = far().await;
    let one = far.opened("One");
    far.all().await;
    for (bad, kind) in [
        (Bad::Blocked, ErrorKind::Forbidden),
        (Bad::AllowList, ErrorKind::Forbidden),
        (json(401), ErrorKind::Unauthorized),
    ] {
        far.bad(Call::Delete, bad.clone());
        let error = far.end(std::slice::from_ref(&one)).await.err();
        assert_eq!(error.map(|error| error.kind), Some(kind), "{bad:?}: turned away");
        assert!(far.lets_in(&one), "{bad:?}");
    }
    for bad in [
        Bad::Redirect,
        Bad::Html(200),
        Bad::Html(404),
        Bad::Html(500),
        json(500),
        Bad::Empty(503),
        Bad::Silent,
    ] {
        far.bad(Call::Delete, bad.clone());
        let answers = far.end(std::slice::from_ref(&one)).await;
        assert_eq!(answers, Ok(vec![Answer::NoAnswer]), "{bad:?}");
        assert!(far.lets_in(&one), "{bad:?}");
    }
    far.bad(Call::Delete, Bad::DoneThenHtml(200));
    let answers = far.end(std::slice::from_ref(&one)).await;
    assert_eq!(answers, Ok(vec![Answer::NoAnswer]), "only a list tells");
    assert!(!far.lets_in(&one));
    for (bad, words) in [
        (json(403), "Something went wrong (403, trace TOE-4F2A)."),
        (Bad::Reason("NOT_NOW".to_owned()), "NOT_NOW."),
    ] {
        let other = far.opened("Other");
        far.bad(Call::Delete, bad);
        let answers = far.end(&[other]).await;
        assert_eq!(answers, Ok(vec![Answer::Refused(words.to_owned())]));
    }
}

#[tokio::test]
async fn a_refused_sign_in_is_told_apart_and_made_once() {
    for (bad, words) in [
        (
            Bad::Reason("INVALID_CREDENTIALS".to_owned()),
            "INVALID_CREDENTIALS",
        ),
        (Bad::Reason("ACCOUNT_LOCKED".to_owned()), "ACCOUNT_LOCKED"),
        (json(403), "url names your Domo"),
    ] {
        let far = far_by(Way::Password, |_| {}).await;
        far.bad(Call::SignIn, bad.clone());
        let error = far.listed().await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
        assert!(error.message.contains(words), "{error}");
        assert_eq!(
            far.server.calls(Call::SignIn),
            1,
            "{bad:?}: five would lock the account"
        );
        assert_eq!(far.server.calls(Call::List), 0);
    }
    let far = far_by(Way::Password, |own| {
        let wrong = own["identity"].as_table_mut().unwrap();
        wrong.insert("password".to_owned(), "env:PATH".into());
    })
    .await;
    for _ in 0..5 {
        let error = far.listed().await.err().unwrap();
        assert!(error.message.contains("INVALID_CREDENTIALS"), "{error}");
    }
    let error = far.listed().await.err().unwrap();
    assert!(error.message.contains("ACCOUNT_LOCKED"), "{error}");
    let far = far_by(Way::Refresh, |_| {}).await;
    far.bad(Call::Token, Bad::Empty(400));
    let error = far.listed().await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
}

#[tokio::test]
async fn a_session_of_its_own_that_ended_is_opened_anew_once() {
    for way in [Way::Password, Way::Refresh] {
        let far = far_by(way, |_| {}).await;
        far.all().await;
        let opening = if way == Way::Password {
            Call::SignIn
        } else {
            Call::Sid
        };
        assert_eq!(far.server.calls(opening), 1);
        far.all().await;
        assert_eq!(far.server.calls(opening), 1, "kept");
        far.server.model(|model, now| {
            let owner = model.user_by_email(OWNER).unwrap();
            let own: Vec<i64> = model
                .sessions()
                .filter(|s| s.user_id == owner)
                .map(|s| s.id)
                .collect();
            assert_eq!(own.len(), 1);
            model.end(own[0], now);
            // Somebody else's is no help.
            model.open(owner + 7_919, BROWSER, now);
        });
        far.all().await;
        assert_eq!(far.server.calls(opening), 2, "{way:?}");
        far.bad(Call::List, json(401));
        far.listed().await.err().unwrap();
        assert_eq!(far.server.calls(opening), 3, "{way:?}: once more, not for ever");
    }
}
