//! Advice that somebody accepted: by whom it may be, how long it holds, and what opens it again.

use app::policies::advice::{self, Advice};
use app::policies::wire::{AcceptAdvice, Profile};

use super::*;
use crate::systems::Measure;

const DAY: i64 = 86_400;

/// What the sessions of domo live under, as somebody typed it in.
async fn typed(house: &House, idle: i64, absolute: i64) {
    let limits = ReadLimits {
        idle: Limit::Seconds(idle),
        absolute: Limit::Seconds(absolute),
        source: LimitsFrom::Typed,
        ..ReadLimits::default()
    };
    let mut conn = house.test.db.write().await.unwrap();
    let domo = SystemId::from("domo");
    house
        .room
        .record_snapshot(&mut conn, &domo, &limits)
        .await
        .unwrap();
    conn.commit().await.unwrap();
    house.clock.advance(1);
}

fn wanted(ground: &str, days: i64, house: &House) -> AcceptAdvice {
    AcceptAdvice {
        advice: "G-ABS-AAL2".to_owned(),
        ground: ground.to_owned(),
        reason: " A wall display ".to_owned(),
        until: house.clock.now().plus_seconds(days * DAY),
    }
}

/// The advice on the longest time of domo as a caller sees it, and how much of domo's is open to them.
async fn seen(house: &House, caller: &Arc<Caller>) -> Option<(Advice, u64)> {
    let page = house.port(caller).policies_page(None).await.unwrap();
    let open = page.systems.iter().find(|s| s.system_id.as_str() == "domo")?;
    let open = open.advice_open;
    let line = advice::advice(&page.systems)
        .into_iter()
        .find(|line| line.system_id.as_str() == "domo" && line.id == "G-ABS-AAL2")?;
    Some((line, open))
}

async fn is_open(house: &House) -> bool {
    let (line, open) = seen(house, &administrator()).await.unwrap();
    assert_eq!(
        open,
        u64::from(line.accepted.is_none()),
        "the panel counts the same"
    );
    line.accepted.is_none()
}

async fn audited(house: &House, action: &str) -> Vec<(String, String, String)> {
    let mut conn = house.test.db.read().await.unwrap();
    on!(conn, c => sqlx::query_as(
        "SELECT target, COALESCE(reason, ''), detail FROM audit_entry WHERE action = $1 ORDER BY seq")
        .bind(action).fetch_all(c).await.unwrap())
}

#[tokio::test]
async fn security_asvs_7_1_1_accepted_advice_says_who_why_and_until_when_and_comes_back() {
    for house in houses().await {
        typed(&house, 1_800, 48 * 3_600).await;
        let domo = SystemId::from("domo");
        let admin = administrator();
        let port = house.port(&admin);
        assert!(is_open(&house).await);
        let year = wanted("172800 s", 366, &house);
        port.accept_advice(domo.clone(), year.clone()).await.unwrap();
        let (line, open) = seen(&house, &admin).await.unwrap();
        let accepted = line.accepted.unwrap();
        assert_eq!(open, 0);
        assert_eq!(
            (accepted.by.as_str(), accepted.reason.as_str()),
            ("Olga Peters", "A wall display")
        );
        assert_eq!(accepted.until, year.until);
        let noted = audited(&house, "advice_accepted").await;
        assert_eq!(noted.len(), 1);
        let (target, reason, detail) = &noted[0];
        assert!(target.contains("lets a session live 2 d"), "{target}");
        assert_eq!(reason, "A wall display");
        assert!(detail.contains("\"advice\":\"G-ABS-AAL2\"") && detail.contains("\"ground\":\"172800 s\""));

        // The value changes, by a second only.
        typed(&house, 1_800, 48 * 3_600 + 1).await;
        assert!(is_open(&house).await);
        // Back to what was accepted: the person decided on that.
        typed(&house, 1_800, 48 * 3_600).await;
        assert!(!is_open(&house).await);

        port.reopen_advice(domo.clone(), year.advice.clone())
            .await
            .unwrap();
        assert!(is_open(&house).await);
        assert_eq!(audited(&house, "advice_reopened").await.len(), 1);
        let again = port.reopen_advice(domo.clone(), year.advice).await;
        assert!(matches!(again, Err(AppError::Conflict { .. })));

        port.accept_advice(domo.clone(), wanted("172800 s", 1, &house))
            .await
            .unwrap();
        house.clock.advance(DAY - 1);
        assert!(!is_open(&house).await);
        house.clock.advance(1);
        assert!(
            is_open(&house).await,
            "its end is the first moment it does not count"
        );
    }
}

#[tokio::test]
async fn security_asvs_7_1_1_without_reason_end_ground_or_right_nothing_is_accepted() {
    for house in houses().await {
        typed(&house, 1_800, 48 * 3_600).await;
        let domo = SystemId::from("domo");
        let admin = administrator();
        let good = wanted("172800 s", 30, &house);
        let bad = |change: fn(&mut AcceptAdvice)| {
            let mut asked = good.clone();
            change(&mut asked);
            asked
        };
        for (asked, field) in [
            (bad(|a| a.reason = " ".to_owned()), "reason"),
            (bad(|a| a.reason = "r".repeat(501)), "reason"),
            (bad(|a| a.until = Timestamp(0)), "until"),
            (bad(|a| a.until = NOW), "until"),
            (bad(|a| a.until = NOW.plus_seconds(367 * DAY)), "until"),
        ] {
            match house.port(&admin).accept_advice(domo.clone(), asked).await {
                Err(AppError::Invalid { problems }) => assert_eq!(problems[0].field, field),
                other => panic!("{field}: {other:?}"),
            }
        }
        let changed = bad(|a| a.ground = "90000 s".to_owned());
        let changed = house.port(&admin).accept_advice(domo.clone(), changed).await;
        assert!(matches!(changed, Err(AppError::Conflict { .. })));
        for nothing in ["G-ABS-AAL3", "", "nonsense"] {
            let mut asked = good.clone();
            asked.advice = nothing.to_owned();
            let answer = house.port(&admin).accept_advice(domo.clone(), asked).await;
            assert!(
                matches!(answer, Err(AppError::NotFound { .. })),
                "{nothing}: {answer:?}"
            );
        }

        use Permission::{EditPolicies, ReadPolicies};
        let both: &[Permission] = &[ReadPolicies, EditPolicies];
        let on_domo = || Scope::systems([SystemId::from("domo")]);
        let elsewhere = || Scope::systems([SystemId::from("uportal")]);
        let refused: [(&str, Arc<Caller>); 4] = [
            ("reads only", caller(&[(&[ReadPolicies], Scope::EVERYWHERE)])),
            (
                "edits another system",
                caller(&[(&[ReadPolicies], on_domo()), (both, elsewhere())]),
            ),
            (
                "edits for certain people",
                caller(&[(both, Scope::accounts(["ann"]))]),
            ),
            ("never reads", caller(&[(&[EditPolicies], on_domo())])),
        ];
        for (who, caller) in refused {
            let answer = house
                .port(&caller)
                .accept_advice(domo.clone(), good.clone())
                .await;
            assert!(
                matches!(answer, Err(AppError::Forbidden { .. })),
                "{who}: {answer:?}"
            );
            let answer = house
                .port(&caller)
                .reopen_advice(domo.clone(), good.advice.clone())
                .await;
            assert!(
                matches!(answer, Err(AppError::Forbidden { .. })),
                "{who}: {answer:?}"
            );
        }
        let stranger = caller(&[(both, elsewhere())]);
        let answer = house
            .port(&stranger)
            .accept_advice(domo.clone(), good.clone())
            .await;
        let nowhere = house
            .port(&stranger)
            .accept_advice("none".into(), good.clone())
            .await;
        assert!(matches!(answer, Err(AppError::NotFound { .. })));
        assert_eq!(answer, nowhere, "no word that it is there");
        assert!(audited(&house, "advice_accepted").await.is_empty());

        let own = caller(&[(both, on_domo())]);
        house.port(&own).accept_advice(domo.clone(), good).await.unwrap();
        let (line, _) = seen(&house, &own).await.unwrap();
        assert!(line.accepted.is_some() && line.may_accept);
        let reader = caller(&[(&[ReadPolicies], Scope::EVERYWHERE)]);
        let (line, _) = seen(&house, &reader).await.unwrap();
        assert!(line.accepted.is_some() && !line.may_accept, "everybody reads why");
    }
}

#[tokio::test]
async fn security_g_an_application_is_compared_with_its_identity_server_only_in_sight_of_both() {
    for house in houses().await {
        house.room.take_measure(Box::new(|system| {
            Some(Measure {
                profile: Profile::Public,
                ends: true,
                signs_in_by: (system.as_str() == "domo").then(|| "uportal".into()),
            })
        }));
        typed(&house, 1_800, 48 * 3_600).await;
        let mut conn = house.test.db.write().await.unwrap();
        let sso = ReadLimits {
            idle: Limit::Seconds(1_800),
            absolute: Limit::Seconds(36_000),
            source: LimitsFrom::Read,
            ..ReadLimits::default()
        };
        let uportal = SystemId::from("uportal");
        house
            .room
            .record_snapshot(&mut conn, &uportal, &sso)
            .await
            .unwrap();
        conn.commit().await.unwrap();
        let rules = async |scope: Scope| {
            let caller = caller(&[(&[Permission::ReadPolicies], scope)]);
            let page = house.port(&caller).policies_page(None).await.unwrap();
            let lines = advice::advice(&page.systems).into_iter();
            let of_domo = lines.filter(|line| line.system_id.as_str() == "domo");
            let told = page.systems.iter().map(|s| s.advice_open).sum::<u64>();
            (of_domo.map(|line| line.id).collect::<Vec<_>>(), told)
        };
        let only_domo = Scope::systems([SystemId::from("domo")]);
        let (both, open) = rules(Scope::EVERYWHERE).await;
        assert_eq!((both, open > 0), (vec!["G-APP-GT-IDP:longest".to_owned()], true));
        assert_eq!(rules(only_domo).await, (Vec::new(), 0));

        // The panel of one system counts as the page does.
        let mut conn = house.test.db.read().await.unwrap();
        let only = [SystemId::from("domo")];
        let limits = house
            .room
            .limits(&mut conn, &administrator(), Some(&only), None, NOW)
            .await
            .unwrap();
        assert_eq!(limits.len(), 1, "its identity server was asked, not shown");
        assert_eq!(limits[0].advice_open, 1);
    }
}
