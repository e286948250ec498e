//! What is listed: units, kinds, names, and how whole it is.

use std::time::{Duration, Instant};

use app::sessions::wire::SessionKind;
use app::wire::Limit;
use server::connectors::{Completeness, Endable, Wanted, conformance};
use server::simulators::domo::Way;
use server::simulators::domo::faults::{AfterList, Bad, Call};
use server::simulators::domo::model::MOBILE;

use super::far::{far, far_by, find};

#[tokio::test]
async fn domo_b3_everything_a_list_may_hold_is_listed() {
    let far = far().await;
    far.server.model(|model, now| model.add_oddities(now));
    let rows = far.all().await;
    let there = far.server.model(|model, _| model.sessions().count());
    assert_eq!(rows.len(), there, "one row per session");
    let some = |what: &str, found: &dyn Fn(&server::connectors::SeenSession) -> bool| {
        let count = rows.iter().filter(|row| found(row)).count();
        assert!(count > 0, "{what}");
        count
    };
    some("a plain browser", &|row| {
        row.kind == SessionKind::Web
            && row.idle == Limit::Seconds(28_800)
            && row.absolute_expires_at.is_none()
    });
    some("an end that does not move", &|row| {
        row.kind == SessionKind::Web && row.absolute_expires_at.is_some()
    });
    some("the mobile app", &|row| {
        row.kind == SessionKind::Mobile && row.idle == Limit::Seconds(2_592_000)
    });
    let many = some("many of one person", &|row| row.display_name == "Many Windows");
    assert_eq!(many, 12);
    let place = Some("198.51.100.7".to_owned());
    assert_eq!(some("two from one place", &|row| row.ip == place), 2);
    some("IPv6", &|row| {
        row.ip.as_deref().is_some_and(|ip| ip.contains(':'))
    });
    some("no address", &|row| row.ip.is_none());
    some("right to left", &|row| row.display_name.starts_with('\u{645}'));
    some("200 characters", &|row| row.display_name.chars().count() == 199);
    assert_eq!(some("one name", &|row| row.display_name == "Jordan Smith"), 2);
    some("never used", &|row| {
        row.created_at.is_some() && row.created_at == row.last_active_at
    });
    some(
        "past its idle limit",
        &|row| match (row.idle, row.last_active_at) {
            (Limit::Seconds(idle), Some(at)) => far.server.model(|_, now| at.plus_seconds(idle) < now),
            _ => false,
        },
    );
    some("an unnamed code, shown as it is", &|row| {
        row.kind == SessionKind::Other && row.raw_kind.as_deref() == Some("xkcd")
    });
    assert!(
        rows.iter()
            .all(|row| row.absolute_expires_at.is_none_or(|at| at.0 > 0)),
        "the year 1 is nobody's end"
    );
    let found = far.near.found().join("\n");
    assert!(found.contains("xkcd (1)"), "{found}");
    assert!(found.contains("2 fields that Curfew does not know"), "{found}");
    assert!(found.contains("1 person is deactivated"), "{found}");
}

#[tokio::test]
async fn domo_p5_an_id_stands_in_place_of_a_name_nobody_knows() {
    let far = far().await;
    far.server.model(|model, now| model.add_oddities(now));
    let rows = far.all().await;
    let nameless: Vec<_> = rows.iter().filter(|row| row.display_name.is_empty()).collect();
    assert_eq!(nameless.len(), 1, "who was deleted");
    assert_eq!(nameless[0].account_name, nameless[0].account_id);
    assert!(!nameless[0].account_id.is_empty());
    let found = far.near.found().join("\n");
    assert!(found.contains("1 person is not known"), "{found}");
}

#[tokio::test]
async fn names_are_asked_for_by_the_hundred_and_kept() {
    let far = far().await;
    far.server.model(|model, now| model.fill(250, 600, now));
    assert_eq!(far.all().await.len(), 600);
    assert_eq!(far.server.calls(Call::Users), 3);
    let again = far.all().await;
    assert_eq!(far.server.calls(Call::Users), 3, "kept");
    assert!(again.iter().all(|row| !row.display_name.is_empty()));
    let newcomer = far.opened("New Person");
    let rows = far.all().await;
    assert_eq!(find(&rows, &newcomer).unwrap().display_name, "New Person");
    assert_eq!(far.server.calls(Call::Users), 4);
    assert_eq!(far.server.calls(Call::Me), 1, "asked once");
}

#[tokio::test]
async fn a_list_does_not_need_the_users_endpoint() {
    for bad in [
        Bad::Json(500, "TOE-9".to_owned()),
        Bad::Json(403, String::new()),
        Bad::Silent,
        Bad::Blocked,
        Bad::Garbage,
        Bad::RateLimited(Some(30)),
    ] {
        let far = far().await;
        let known = far.opened("Known Before");
        far.all().await;
        far.server.model(|model, now| model.fill(220, 300, now));
        far.bad(Call::Users, bad.clone());
        let rows = far.all().await;
        assert_eq!(rows.len(), 301, "{bad:?}");
        assert_eq!(
            far.server.calls(Call::Users),
            2,
            "{bad:?}: not once for each hundred"
        );
        assert_eq!(find(&rows, &known).unwrap().display_name, "Known Before");
        let nameless = rows.iter().filter(|row| row.display_name.is_empty());
        assert!(nameless.clone().count() >= 220);
        assert!(nameless.clone().all(|row| row.account_name == row.account_id));
        let found = far.near.found().join("\n");
        assert!(found.contains("Names could not be read"), "{bad:?}: {found}");
        far.server.faults(|faults| faults.bad.clear());
        assert!(far.all().await.iter().all(|row| !row.display_name.is_empty()));
    }
}

#[tokio::test]
async fn a_limit_is_always_sent_and_a_full_list_is_partial() {
    let far = far_by(Way::Token, |own| {
        own.insert("limit".to_owned(), 100.into());
    })
    .await;
    far.server.model(|model, now| model.fill(80, 99, now));
    assert_eq!(far.all().await.len(), 99, "50 without a limit");
    far.opened("One More");
    let (whole, rows) = far.listed().await.unwrap();
    let Completeness::Partial(why) = whole else {
        panic!("100 of 100 may be all or not")
    };
    assert!(why.contains("100") && why.contains("limit"), "{why}");
    assert_eq!(rows.len(), 100);
}

#[tokio::test]
async fn twenty_thousand_sessions_and_five_hundred_of_one_person_come_whole() {
    let far = far().await;
    far.server.model(|model, now| {
        model.fill(300, 19_500, now);
        let user = model.add_user("Ever Present", None);
        for _ in 0..500 {
            model.open(user, MOBILE, now);
        }
    });
    // The time limit of the tests is for small lists.
    let mut settings = far.settings.clone();
    settings.timeout_ms = Some(30_000);
    let recipe = server::connectors::Recipe {
        settings: &settings,
        timeout: Duration::from_secs(30),
    };
    let near = server::connectors::make(&recipe).unwrap();
    let began = Instant::now();
    let (whole, rows) = conformance::list(near.as_ref(), Wanted::All).await.unwrap();
    assert_eq!((whole, rows.len()), (Completeness::Complete, 20_000));
    assert_eq!(
        rows.iter()
            .filter(|row| row.display_name == "Ever Present")
            .count(),
        500
    );
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn only_some_accounts_are_handed_over_where_only_some_are_wanted() {
    let far = far().await;
    let (one, two) = (far.opened("One"), far.opened("Two"));
    let accounts = [one.account_id.clone()];
    let (whole, rows) = conformance::list(far.near.as_ref(), Wanted::Accounts(&accounts))
        .await
        .unwrap();
    assert_eq!(whole, Completeness::Complete);
    assert!(find(&rows, &one).is_some() && find(&rows, &two).is_none());
}

#[tokio::test]
async fn sessions_that_come_and_go_between_list_and_ending_do_no_harm() {
    let far = far().await;
    let (oldest, other) = (far.opened("Oldest"), far.opened("Other"));
    far.server
        .faults(|faults| faults.after_list = AfterList::OneLeaves);
    far.all().await;
    far.server
        .faults(|faults| faults.after_list = AfterList::OneComes);
    let answers = far.end(&[oldest.clone(), other.clone()]).await.unwrap();
    use server::connectors::Answer;
    assert_eq!(answers, [Answer::NotFound, Answer::Accepted]);
    let newcomer = far.opened("Newcomer");
    assert_eq!(
        far.end(&[newcomer]).await.unwrap(),
        [Answer::Accepted],
        "never listed before"
    );
}

#[tokio::test]
async fn curfews_own_sign_in_is_told_where_it_has_one() {
    for way in [Way::Token, Way::Password, Way::Refresh] {
        let far = far_by(way, |_| {}).await;
        let person = far.opened("Person");
        let rows = far.all().await;
        let own = rows
            .iter()
            .filter(|row| row.endable == Endable::OwnConnection)
            .count();
        assert_eq!(own, usize::from(way != Way::Token), "{way:?}");
        assert_eq!(find(&rows, &person).unwrap().endable, Endable::Yes);
    }
}
