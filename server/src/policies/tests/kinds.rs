//! Limits that new sessions of a kind get, and how many sessions began under earlier ones.

use app::wire::Count;

use super::*;

/// What is kept of the kinds of a system once it was read.
async fn kept(house: &House, system: &str) -> Vec<store::KindLimit> {
    let system = SystemId::from(system);
    let mut conn = house.test.db.write().await.unwrap();
    let kinds = house.room.limits_of_kinds(&mut conn, &system).await.unwrap();
    house
        .room
        .keep_limits_of_kinds(&mut conn, &system, &kinds)
        .await
        .unwrap();
    conn.commit().await.unwrap();
    kinds
}

fn of_domo(kind: SessionKind, hours_old: i64, idle: i64) -> Seed {
    Seed {
        system_id: "domo".to_owned(),
        kind,
        idle: Limit::Seconds(idle),
        ..portal_session("a", hours_old, 1)
    }
}

#[tokio::test]
async fn domo_p23_limits_of_a_kind_hold_from_the_newest_session_that_has_them() {
    for house in houses().await {
        let (web, mobile) = (SessionKind::Web, SessionKind::Mobile);
        house
            .seed(&[
                of_domo(web, 9, 28_800),
                of_domo(web, 3, 3_600),
                of_domo(web, 2, 3_600),
                of_domo(web, 4, 3_600),
                // Newer than those: the policy changed again, and too few show it yet.
                of_domo(web, 1, 60),
                of_domo(mobile, 40, 600),
                of_domo(mobile, 30, 900),
            ])
            .await;
        let kinds = kept(&house, "domo").await;
        let told: Vec<_> = kinds
            .iter()
            .map(|of| (of.kind.as_str(), of.idle_timeout_s, of.idle_from))
            .collect();
        assert_eq!(
            told,
            [("mobile", None, 0), ("web", Some(3_600), NOW.0 - 2 * 3_600_000)],
            "where half differ from half nobody knows which are the earlier ones"
        );
        let page = house.port(&administrator()).policies_page(None).await.unwrap();
        let of = |id: &str| page.systems.iter().find(|s| s.system_id.as_str() == id).unwrap();
        let domo = of("domo");
        assert_eq!((domo.compared, domo.earlier), (true, Some(Count::Exactly(1))));
        assert_eq!((of("uportal").compared, of("uportal").earlier), (false, None));
    }
}

#[tokio::test]
async fn domo_p23_typed_in_limits_of_a_kind_go_before_those_read_off_its_sessions() {
    for house in houses().await {
        let web = SessionKind::Web;
        house
            .seed(&[
                of_domo(web, 9, 28_800),
                of_domo(web, 3, 28_800),
                of_domo(web, 2, 3_600),
            ])
            .await;
        let typed = ReadLimits {
            idle: Limit::Seconds(3_600),
            source: LimitsFrom::Typed,
            kinds: vec![crate::connectors::KindLimits {
                kind: web,
                idle: Limit::Seconds(3_600),
                absolute: Limit::Unknown,
            }],
            ..ReadLimits::default()
        };
        let domo = SystemId::from("domo");
        let mut conn = house.test.db.write().await.unwrap();
        house
            .room
            .record_snapshot(&mut conn, &domo, &typed)
            .await
            .unwrap();
        conn.commit().await.unwrap();
        let kinds = kept(&house, "domo").await;
        assert_eq!(
            (kinds[0].idle_timeout_s, kinds[0].idle_from),
            (Some(3_600), NOW.0)
        );
        let earlier = async || {
            let page = house.port(&administrator()).policies_page(None).await.unwrap();
            page.systems
                .into_iter()
                .find(|s| s.system_id == domo)
                .unwrap()
                .earlier
        };
        assert_eq!(earlier().await, Some(Count::Exactly(2)));

        // The system's own word is for everybody, whatever its applications set: nothing is compared.
        let read = ReadLimits {
            source: LimitsFrom::Read,
            kinds: Vec::new(),
            ..typed
        };
        house.clock.advance(5);
        let mut conn = house.test.db.write().await.unwrap();
        house.room.record_snapshot(&mut conn, &domo, &read).await.unwrap();
        conn.commit().await.unwrap();
        assert!(kept(&house, "domo").await.is_empty());
        assert_eq!(earlier().await, None);
    }
}

#[tokio::test]
async fn domo_p23_own_sessions_from_before_a_change_are_told_at_once() {
    for house in houses().await {
        let own = |hours_old| Seed {
            kind: SessionKind::Portal,
            absolute_expires_at: Some(NOW.0 + (8 - hours_old) * 3_600_000),
            ..portal_session("a", hours_old, 1)
        };
        house.seed(&[own(1), own(2)]).await;
        kept(&house, OWN_SYSTEM).await;
        let earlier = async || {
            let page = house.port(&administrator()).policies_page(None).await.unwrap();
            let own = page
                .systems
                .into_iter()
                .find(|s| s.system_id.as_str() == OWN_SYSTEM);
            own.unwrap().earlier
        };
        assert_eq!(earlier().await, Some(Count::Exactly(0)));
        house.clock.advance(60);
        house
            .port(&administrator())
            .save_policy(edit(10, 240))
            .await
            .unwrap();
        assert_eq!(earlier().await, Some(Count::Exactly(2)));
    }
}
