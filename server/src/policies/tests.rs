use app::access::wire::Scope;
use app::policies::wire::{SettingAdvice, SettingSource, SystemSetting};
use app::sessions::wire::SessionKind;
use app::wire::{GrantId, OperatorId};

use super::*;
use crate::caller::{CallerKind, Origin, SecondFactor};
use crate::clock::FakeClock;
use crate::connectors::PlaceLimit;
use crate::db::testing::TestDb;
use crate::domain::grant::Grant;
use crate::keys::HashKey;
use crate::on;
use crate::sessions::testing::{self, Seed};

mod advice;
mod kinds;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

struct House {
    test: TestDb,
    room: Arc<Policies>,
    clock: Arc<FakeClock>,
}

async fn houses() -> Vec<House> {
    let mut houses = Vec::new();
    for test in TestDb::both().await.unwrap() {
        let clock = Arc::new(FakeClock::at(NOW));
        let key = Arc::new(HashKey::new([7; 32]));
        let audit = Arc::new(Audit::new(test.db.clone(), clock.clone(), key));
        let room = Arc::new(Policies::new(test.db.clone(), clock.clone(), audit));
        room.ensure_own().await.unwrap();
        room.ensure_own().await.unwrap();
        let mut conn = test.db.write().await.unwrap();
        for system in ["curfew", "domo", "uportal"] {
            testing::insert_system(&mut conn, system, NOW).await.unwrap();
        }
        conn.commit().await.unwrap();
        houses.push(House { test, room, clock });
    }
    houses
}

fn caller(grants: &[(&[Permission], Scope)]) -> Arc<Caller> {
    Arc::new(Caller {
        kind: CallerKind::Operator,
        id: OperatorId::from("op-1"),
        name: "Olga Peters".to_owned(),
        login: "olga".to_owned(),
        session: None,
        auth_at: Some(NOW),
        factor: SecondFactor::NotSet,
        screen_share: false,
        grants: grants
            .iter()
            .map(|(permissions, scope)| Grant {
                grant_id: GrantId::from("g"),
                permissions: permissions.to_vec(),
                scope: scope.clone(),
                expires_at: None,
            })
            .collect(),
        origin: Origin::default(),
        who_can_give: Vec::new(),
    })
}

fn administrator() -> Arc<Caller> {
    caller(&[(&Permission::ALL, Scope::EVERYWHERE)])
}

fn portal_session(account: &str, hours_old: i64, minutes_idle: i64) -> Seed {
    Seed {
        system_id: OWN_SYSTEM.to_owned(),
        account_id: account.to_owned(),
        account_name: account.to_owned(),
        created_at: Some(NOW.0 - hours_old * 3_600_000),
        last_active_at: Some(NOW.0 - minutes_idle * 60_000),
        idle: Limit::Seconds(900),
        ..Seed::default()
    }
}

impl House {
    fn port(&self, caller: &Arc<Caller>) -> For<Policies> {
        For::new(&self.room, caller)
    }

    /// Sessions that a complete reading met.
    async fn seed(&self, seeds: &[Seed]) {
        let mut conn = self.test.db.write().await.unwrap();
        testing::insert(&mut conn, &HashKey::new([7; 32]), seeds)
            .await
            .unwrap();
        let sql = "UPDATE system SET last_complete_pass_started_at = last_complete_pass_started_at + 1";
        on!(conn, c => { sqlx::query(sql).execute(c).await.unwrap(); });
        conn.commit().await.unwrap();
    }
}

fn edit(idle_minutes: i64, absolute_minutes: i64) -> PolicyEdit {
    PolicyEdit {
        idle_minutes,
        absolute_minutes,
        reason: "Audit finding 7".to_owned(),
    }
}

#[tokio::test]
async fn a_new_portal_has_fifteen_minutes_and_eight_hours_as_version_one() {
    for house in houses().await {
        let mut conn = house.test.db.read().await.unwrap();
        let own = house.room.own(&mut conn).await.unwrap();
        assert_eq!(
            (own.version, own.idle_timeout_s, own.absolute_lifetime_s),
            (1, 900, 28_800)
        );
        let page = house.port(&administrator()).policies_page(None).await.unwrap();
        let own = page.own.unwrap();
        assert_eq!(
            (own.current.changed_by.as_str(), own.history.len(), own.may_edit),
            ("set-up", 0, true)
        );
        let curfew = page
            .systems
            .iter()
            .find(|s| s.system_id.as_str() == OWN_SYSTEM)
            .unwrap();
        assert_eq!(
            (curfew.source, curfew.idle),
            (LimitSource::SetHere, Limit::Seconds(900))
        );
    }
}

#[tokio::test]
async fn a_changed_policy_is_a_new_version_with_who_when_why_and_an_audit_entry() {
    for house in houses().await {
        house.clock.advance(60);
        house
            .port(&administrator())
            .save_policy(edit(10, 240))
            .await
            .unwrap();
        let own = house
            .port(&administrator())
            .policies_page(None)
            .await
            .unwrap()
            .own
            .unwrap();
        assert_eq!((own.current.version, own.current.idle_timeout_s), (2, 600));
        assert_eq!(own.current.changed_by, "Olga Peters");
        assert_eq!(own.current.reason, "Audit finding 7");
        assert_eq!(own.current.changed_at, NOW.plus_seconds(60));
        assert_eq!(own.history.iter().map(|v| v.version).collect::<Vec<_>>(), [1]);
        let mut conn = house.test.db.read().await.unwrap();
        let noted: (String, String) = on!(conn, c => sqlx::query_as(
            "SELECT reason, detail FROM audit_entry WHERE action = 'policy_changed'").fetch_one(c).await.unwrap());
        assert_eq!(noted.0, "Audit finding 7");
        assert!(noted.1.contains("\"idle_timeout_s_before\":900"), "{}", noted.1);
    }
}

#[tokio::test]
async fn security_a6_a7_a16_a_policy_out_of_bounds_or_without_right_or_step_up_changes_nothing() {
    for house in houses().await {
        let admin = administrator();
        let port = house.port(&admin);
        for bad in [
            edit(4, 480),
            edit(61, 480),
            edit(15, 1441),
            edit(30, 30),
            PolicyEdit {
                reason: " ".to_owned(),
                ..edit(10, 60)
            },
        ] {
            assert!(matches!(
                port.save_policy(bad).await,
                Err(AppError::Invalid { .. })
            ));
        }
        assert!(
            matches!(
                port.save_policy(edit(15, 480)).await,
                Err(AppError::Invalid { .. })
            ),
            "nothing new"
        );
        let reader = caller(&[(
            &[Permission::ReadPolicies, Permission::SeeSessions],
            Scope::EVERYWHERE,
        )]);
        assert!(matches!(
            house.port(&reader).save_policy(edit(10, 60)).await,
            Err(AppError::Forbidden { .. })
        ));
        let elsewhere = Scope::systems([SystemId::from("domo")]);
        let elsewhere = caller(&[(&Permission::ALL, elsewhere)]);
        assert!(matches!(
            house.port(&elsewhere).save_policy(edit(10, 60)).await,
            Err(AppError::Forbidden { .. })
        ));
        house.clock.advance(301);
        assert_eq!(port.save_policy(edit(10, 60)).await, Err(AppError::StepUp));
        let mut conn = house.test.db.read().await.unwrap();
        assert_eq!(house.room.own(&mut conn).await.unwrap().version, 1);
    }
}

#[tokio::test]
async fn the_what_if_counts_what_its_link_lists() {
    for house in houses().await {
        house
            .seed(&[
                portal_session("a", 0, 1),
                portal_session("a", 9, 1),
                portal_session("b", 2, 20),
                portal_session("c", 30, 40),
                Seed {
                    created_at: None,
                    last_active_at: None,
                    ..portal_session("d", 0, 0)
                },
                Seed {
                    system_id: "domo".to_owned(),
                    ..portal_session("e", 30, 600)
                },
            ])
            .await;
        let what_if = house.port(&administrator()).what_if(15, 480).await.unwrap();
        assert_eq!((what_if.live, what_if.over, what_if.people), (5, 3, 3));
        assert_eq!(what_if.over_query, "system=curfew&past=15,480");
        assert_eq!(what_if.ages.len(), 24);
        assert_eq!(
            (
                what_if.ages[0],
                what_if.ages[2],
                what_if.ages[9],
                what_if.ages[23]
            ),
            (2, 1, 1, 1)
        );
        let (query, problems) = SessionQuery::from_pairs(&app::paths::parse_query(&what_if.over_query), 0);
        assert_eq!(
            (problems.len(), query.past),
            (
                0,
                Some(PastLimits {
                    idle_minutes: 15,
                    absolute_minutes: 480
                })
            )
        );
        let longer = house.port(&administrator()).what_if(60, 1440).await.unwrap();
        assert_eq!(longer.over, 1);
        assert!(house.port(&administrator()).what_if(0, 480).await.is_err());

        let narrow = Scope::accounts(["B".to_owned()]);
        let helper = caller(&[
            (&[Permission::ReadPolicies], Scope::EVERYWHERE),
            (&[Permission::SeeSessions], narrow),
        ]);
        let seen = house.port(&helper).what_if(15, 480).await.unwrap();
        assert_eq!((seen.live, seen.over), (1, 1), "counts reach as far as the grant");
    }
}

#[tokio::test]
async fn limits_carry_their_source_and_are_never_made_up() {
    for house in houses().await {
        let mut conn = house.test.db.write().await.unwrap();
        let domo = SystemId::from("domo");
        let read = ReadLimits {
            idle: Limit::Seconds(3600),
            absolute: Limit::None,
            ..ReadLimits::default()
        };
        let first = house.room.record_snapshot(&mut conn, &domo, &read).await.unwrap();
        let same = house.room.record_snapshot(&mut conn, &domo, &read).await.unwrap();
        assert_eq!(first, same, "written when it changed only");
        let other = ReadLimits {
            idle: Limit::Seconds(1800),
            ..read
        };
        house.clock.advance(5);
        assert_ne!(
            house
                .room
                .record_snapshot(&mut conn, &domo, &other)
                .await
                .unwrap(),
            first
        );
        conn.commit().await.unwrap();
        let find = |systems: &[SystemLimits], id: &str| {
            systems
                .iter()
                .find(|s| s.system_id.as_str() == id)
                .cloned()
                .unwrap()
        };
        let page = house.port(&administrator()).policies_page(None).await.unwrap();
        let domo = find(&page.systems, "domo");
        assert_eq!(
            (domo.idle, domo.absolute, domo.source),
            (Limit::Seconds(1800), Limit::None, LimitSource::Read)
        );
        assert_eq!(domo.as_of, Some(NOW.plus_seconds(5)));
        let uportal = find(&page.systems, "uportal");
        assert_eq!(
            (uportal.idle, uportal.source),
            (Limit::Unknown, LimitSource::Unknown)
        );

        let seen = |idle| Seed {
            system_id: "uportal".to_owned(),
            idle,
            ..portal_session("a", 1, 1)
        };
        house
            .seed(&[seen(Limit::Seconds(1200)), seen(Limit::Seconds(1200))])
            .await;
        let page = house.port(&administrator()).policies_page(None).await.unwrap();
        let uportal = find(&page.systems, "uportal");
        assert_eq!(
            (uportal.idle, uportal.source),
            (Limit::Seconds(1200), LimitSource::Seen)
        );
        house
            .seed(&[seen(Limit::Seconds(60)), seen(Limit::Seconds(60))])
            .await;
        let page = house.port(&administrator()).policies_page(None).await.unwrap();
        assert_eq!(find(&page.systems, "uportal").idle, Limit::Unknown, "they differ");
    }
}

#[tokio::test]
async fn each_setting_of_a_system_is_kept_with_its_own_source() {
    for house in houses().await {
        let setting = |value: &str, source| SystemSetting {
            place: "Sales".to_owned(),
            name: "idle_limit".to_owned(),
            value: value.to_owned(),
            source,
            as_of: (source == SettingSource::Imported).then_some(NOW),
            note: String::new(),
        };
        let told = |settings: Vec<SystemSetting>| ReadLimits {
            idle: Limit::Seconds(1200),
            source: LimitsFrom::Imported,
            advice: vec![SettingAdvice {
                rule: "G-SO".to_owned(),
                ground: "so".to_owned(),
                fact: "It is so.".to_owned(),
                means: "Mend it.".to_owned(),
            }],
            settings,
            ..ReadLimits::default()
        };
        let domo = SystemId::from("domo");
        let mut ids = Vec::new();
        for source in [
            SettingSource::Default,
            SettingSource::Imported,
            SettingSource::Imported,
        ] {
            let mut conn = house.test.db.write().await.unwrap();
            let limits = told(vec![setting("20 minutes", source)]);
            ids.push(
                house
                    .room
                    .record_snapshot(&mut conn, &domo, &limits)
                    .await
                    .unwrap(),
            );
            conn.commit().await.unwrap();
            house.clock.advance(5);
        }
        assert_ne!(ids[0], ids[1], "the same value from elsewhere is news");
        assert_eq!(ids[1], ids[2]);
        let page = house.port(&administrator()).policies_page(None).await.unwrap();
        let mut systems = page.systems.iter();
        let domo = systems.find(|s| s.system_id == domo).unwrap();
        assert_eq!(domo.source, LimitSource::Imported);
        assert_eq!(domo.settings, [setting("20 minutes", SettingSource::Imported)]);
        assert_eq!(domo.advice[0].fact, "It is so.");
    }
}

#[tokio::test]
async fn limits_of_places_are_kept_compared_and_shown() {
    for house in houses().await {
        let domo = SystemId::from("domo");
        let place = |place: &str, idle| PlaceLimit {
            place: place.to_owned(),
            idle,
            note: "web.xml".to_owned(),
        };
        let read = |calendar| ReadLimits {
            idle: Limit::Unknown,
            absolute: Limit::None,
            places: vec![
                place("/uPortal", Limit::Seconds(1800)),
                place("/calendar", calendar),
            ],
            ..ReadLimits::default()
        };
        let record = async |limits: &ReadLimits| {
            let mut conn = house.test.db.write().await.unwrap();
            let id = house
                .room
                .record_snapshot(&mut conn, &domo, limits)
                .await
                .unwrap();
            conn.commit().await.unwrap();
            house.clock.advance(5);
            id
        };
        let shown = async || {
            let page = house.port(&administrator()).policies_page(None).await.unwrap();
            page.systems
                .into_iter()
                .find(|s| s.system_id.as_str() == "domo")
                .unwrap()
        };
        let first = record(&read(Limit::Seconds(1800))).await;
        let mut turned = read(Limit::Seconds(1800));
        turned.places.reverse();
        assert_eq!(record(&turned).await, first, "the order of places says nothing");
        assert_eq!(shown().await.changes, Vec::<String>::new());
        assert_ne!(record(&read(Limit::None)).await, first);
        let domo = shown().await;
        let places: Vec<_> = domo
            .places
            .iter()
            .map(|p| (p.place.as_str(), p.idle, p.note.as_str()))
            .collect();
        assert_eq!(
            places,
            [
                ("/calendar", Limit::None, "web.xml"),
                ("/uPortal", Limit::Seconds(1800), "web.xml")
            ]
        );
        assert_eq!(domo.changes, ["/calendar: idle 30 min, now none"]);
        assert_eq!(domo.old_after_h, Some(12), "no longest time");
    }
}

#[tokio::test]
async fn sessions_that_never_idle_out_are_counted_where_others_do() {
    for house in houses().await {
        let of = |system: &str, idle, kind| Seed {
            system_id: system.to_owned(),
            idle,
            kind,
            ..portal_session("a", 1, 1)
        };
        let (web, guest) = (SessionKind::Web, SessionKind::Guest);
        house
            .seed(&[
                of("domo", Limit::None, web),
                of("domo", Limit::None, web),
                of("domo", Limit::None, guest),
                of("domo", Limit::Seconds(60), web),
                of("uportal", Limit::None, web),
            ])
            .await;
        let mut conn = house.test.db.write().await.unwrap();
        for (system, idle) in [("domo", Limit::Seconds(1800)), ("uportal", Limit::None)] {
            let read = ReadLimits {
                idle,
                absolute: Limit::Seconds(36_000),
                ..ReadLimits::default()
            };
            house
                .room
                .record_snapshot(&mut conn, &system.into(), &read)
                .await
                .unwrap();
        }
        conn.commit().await.unwrap();
        let never = async |caller: &Arc<Caller>, id: &str| {
            let page = house.port(caller).policies_page(None).await.unwrap();
            let system = page
                .systems
                .into_iter()
                .find(|s| s.system_id.as_str() == id)
                .unwrap();
            (system.never_idle, system.old_after_h)
        };
        assert_eq!(never(&administrator(), "domo").await, (Some(2), None));
        assert_eq!(
            never(&administrator(), "uportal").await.0,
            None,
            "there it is the rule"
        );
        let reader = caller(&[
            (&[Permission::ReadPolicies], Scope::EVERYWHERE),
            (&[Permission::SeeSessions], Scope::accounts(["somebody else"])),
        ]);
        assert_eq!(never(&reader, "domo").await.0, Some(0));
        let blind = caller(&[(&[Permission::ReadPolicies], Scope::EVERYWHERE)]);
        assert_eq!(never(&blind, "domo").await.0, None);
    }
}

#[tokio::test]
async fn policies_of_systems_outside_the_grant_stay_private() {
    for house in houses().await {
        let scope = Scope::systems([SystemId::from("domo")]);
        let reader = caller(&[(&[Permission::ReadPolicies], scope)]);
        let page = house.port(&reader).policies_page(None).await.unwrap();
        assert_eq!(
            page.systems
                .iter()
                .map(|s| s.system_id.as_str())
                .collect::<Vec<_>>(),
            ["domo"]
        );
        assert_eq!((page.own, page.systems[0].over), (None, None));
        assert!(matches!(
            house.port(&reader).what_if(15, 480).await,
            Err(AppError::Forbidden { .. })
        ));
        assert!(matches!(
            house.port(&caller(&[])).policies_page(None).await,
            Err(AppError::Forbidden { .. })
        ));
    }
}
