//! What each caller sees of people, and what not even the absence of something may tell.

use app::access::wire::{People as ScopePeople, Places, ThesePeople};

use super::*;

#[tokio::test]
async fn who_does_not_see_all_or_may_not_manage_access_decides_nothing() {
    for house in houses(&crowd()).await {
        house.room.link_due().await.unwrap();
        let ann = house.person_of("kc", "ann").await;
        let only_kc = Scope {
            places: Places::Systems(vec!["kc".into()]),
            people: ScopePeople::Everybody,
        };
        for who in [
            caller(
                "hal",
                &[Permission::SeeSessions, Permission::EditUserSessions],
                Scope::EVERYWHERE,
            ),
            caller("max", &[Permission::ManageAccess], Scope::EVERYWHERE),
            caller("kim", &Permission::ALL, only_kc),
        ] {
            let port = house.port(who);
            let account = ann.accounts[0].account_key.clone();
            let reason = "Because.".to_owned();
            let link = LinkAsked {
                which: Which::Key(account.clone()),
                subject: ann.subject_id.clone(),
                reason: reason.clone(),
            };
            let cut = CutAsked {
                account,
                subject: ann.subject_id.clone(),
                reason,
            };
            assert!(matches!(
                port.link_account(link).await,
                Err(AppError::Forbidden { .. })
            ));
            assert!(matches!(
                port.cut_account(cut).await,
                Err(AppError::Forbidden { .. })
            ));
            if let Ok(page) = port.person_page(ann.subject_id.clone()).await {
                assert!(!page.may_link && page.systems_known.is_empty());
            }
        }
        assert_eq!(house.person_of("kc", "ann").await.accounts, ann.accounts);
    }
}

fn in_systems(systems: &[&str]) -> Scope {
    Scope {
        places: Places::Systems(systems.iter().map(|s| (*s).into()).collect()),
        people: ScopePeople::Everybody,
    }
}

fn helper(name: &str, scope: Scope) -> Caller {
    let may = [
        Permission::SeeSessions,
        Permission::EditUserSessions,
        Permission::SeeNetworkData,
    ];
    caller(name, &may, scope)
}

/// What a page says, without ids: they tell nothing and differ from database to database.
fn told(page: &PersonPage) -> String {
    let mut page = page.clone();
    page.subject_id = SubjectId::default();
    for account in &mut page.accounts {
        account.account_key = AccountKey::default();
    }
    for alike in &mut page.alike {
        alike.account_key = AccountKey::default();
        alike.subject_id = SubjectId::default();
        alike.like = AccountKey::default();
    }
    format!("{page:#?}")
}

fn listed(page: &PeoplePage) -> String {
    let mut page = page.clone();
    for line in &mut page.people {
        line.subject_id = SubjectId::default();
    }
    format!("{page:#?}")
}

#[tokio::test]
async fn ui_k2_a_helper_cannot_tell_whether_there_is_more() {
    // What is outside of the grant: with it and without it, the helper is told the same.
    let theirs = [seed("intranet", "", "Ann"), seed("intranet", "", "bob")];
    let outside = [
        with_mail("ann@corp.example", seed("kc", "4711", "ann")),
        with_mail("ann@corp.example", seed("domo", "77", "aaa.lee")),
        seed("tableau", "t1", "ann"),
        seed("jobs", "", "bob"),
        seed("tableau", "t2", "zed"),
    ];
    let mut worlds = Vec::new();
    for seeds in [theirs.to_vec(), [theirs.to_vec(), outside.to_vec()].concat()] {
        for house in houses(&theirs).await {
            house.room.link_due().await.unwrap();
            // Later: not even the moment of a link may tell of it.
            house.clock.advance(60);
            house.met(&seeds).await;
            house.room.link_due().await.unwrap();
            let port = house.port(helper("hal", in_systems(&["intranet"])));
            let list = port.people_page(PeopleQuery::default()).await.unwrap();
            assert!(!list.whole);
            let mut said = listed(&list);
            for line in &list.people {
                let person = port.person_page(line.subject_id.clone()).await.unwrap();
                assert!(!person.whole && person.accounts.len() == 1);
                said.push_str(&told(&person));
            }
            for search in ["aaa", "4711", "zed", "corp.example", "ann"] {
                let query = PeopleQuery {
                    search: search.to_owned(),
                    ..PeopleQuery::default()
                };
                said.push_str(&listed(&port.people_page(query).await.unwrap()));
            }
            worlds.push(said);
        }
    }
    for world in &worlds[1..] {
        assert_eq!(&worlds[0], world);
    }
    // And the other helper, of the same person, sees the other half.
    for house in houses(&[theirs.to_vec(), outside.to_vec()].concat()).await {
        house.room.link_due().await.unwrap();
        let ann = house.person_of("kc", "ann").await;
        let domo = house.port(helper("dot", in_systems(&["domo", "jobs"])));
        let half = domo.person_page(ann.subject_id.clone()).await.unwrap();
        let accounts: Vec<&str> = half.accounts.iter().map(|a| a.account.as_str()).collect();
        assert_eq!(
            (accounts, half.sessions, half.name.as_str()),
            (vec!["aaa.lee"], 1, "aaa.lee")
        );
        assert_eq!(
            (half.accounts[0].ground, half.accounts[0].with.as_str()),
            (Ground::Own, "")
        );
        assert_eq!(
            names(&domo.people_page(PeopleQuery::default()).await.unwrap()),
            ["aaa.lee", "bob"]
        );
        // Of whom one may see nothing, one is not told whether they are there.
        let zed = house.person_of("tableau", "zed").await;
        for nobody in [zed.subject_id, SubjectId::from("nobody"), SubjectId::from("\0")] {
            let refused = domo.person_page(nobody).await;
            assert!(matches!(refused, Err(AppError::NotFound { .. })), "{refused:?}");
        }
        // A scope of people holds for accounts as for sessions.
        let these = ThesePeople {
            accounts: vec!["ann".to_owned()],
            ..ThesePeople::default()
        };
        let ann_only = house.port(helper(
            "ada",
            Scope {
                places: Places::Everywhere,
                people: ScopePeople::These(these),
            },
        ));
        assert_eq!(
            names(&ann_only.people_page(PeopleQuery::default()).await.unwrap()),
            ["Ann+ann"]
        );
        let without = house.port(caller("eve", &[Permission::ReadAudit], Scope::EVERYWHERE));
        let refused = without.people_page(PeopleQuery::default()).await;
        assert!(matches!(refused, Err(AppError::Forbidden { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn mail_is_shown_and_compared_for_who_may_see_it_alone() {
    let seeds = [
        with_mail("ann@corp.example", seed("jobs", "1", "x1")),
        with_mail("ann@corp.example", seed("domo", "2", "x2")),
    ];
    for house in houses(&seeds).await {
        house.room.link_due().await.unwrap();
        let blind = house.port(caller("hal", &[Permission::SeeSessions], Scope::EVERYWHERE));
        for line in blind.people_page(PeopleQuery::default()).await.unwrap().people {
            assert!(!line.alike);
            let person = blind.person_page(line.subject_id.clone()).await.unwrap();
            assert!(person.mails.is_empty() && person.alike.is_empty(), "{person:?}");
            let open = house.root().person_page(line.subject_id).await.unwrap();
            assert_eq!((open.mails.len(), open.alike.len()), (1, 1));
            assert_eq!(open.alike[0].because, "same mail");
        }
    }
}
