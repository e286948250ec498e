//! People over both databases: what linking makes of the inventory, what people decide, and what each caller sees.

use app::access::wire::{Permission, Scope};
use app::people::wire::{Ground, PeoplePage, PersonPage, Which};
use app::wire::{AccountKey, Timestamp};

use super::*;
use crate::caller::Caller;
use crate::caller::testing::caller;
use crate::clock::FakeClock;
use crate::config::NameSpace;
use crate::db::testing::TestDb;
use crate::keys::HashKey;
use crate::on;
use crate::sessions::testing::{self, Seed};

mod scope;

const NOW: Timestamp = Timestamp(1_900_000_000_000);
const SYSTEMS: [&str; 5] = ["intranet", "tableau", "jobs", "kc", "domo"];

struct House {
    test: TestDb,
    room: Arc<People>,
    clock: Arc<FakeClock>,
    key: HashKey,
}

fn staff() -> PeopleRules {
    PeopleRules {
        verified_mail: vec!["kc".to_owned(), "domo".to_owned()],
        name_space: vec![NameSpace {
            name: "Staff".to_owned(),
            systems: ["intranet", "tableau", "kc"].map(str::to_owned).into(),
        }],
        ..PeopleRules::default()
    }
}

async fn houses(seeds: &[Seed]) -> Vec<House> {
    let mut houses = Vec::new();
    for test in TestDb::both().await.unwrap() {
        let clock = Arc::new(FakeClock::at(NOW));
        let key = HashKey::new([5; 32]);
        let audit = Arc::new(Audit::new(
            test.db.clone(),
            clock.clone(),
            Arc::new(HashKey::new([6; 32])),
        ));
        let systems = Arc::new(Systems::new(test.db.clone(), clock.clone(), audit.clone()));
        let mut conn = test.db.write().await.unwrap();
        for system in SYSTEMS {
            testing::insert_system(&mut conn, system, NOW).await.unwrap();
        }
        conn.commit().await.unwrap();
        let room = Arc::new(People::new(test.db.clone(), clock.clone(), audit, systems));
        room.take_settings(&staff());
        let house = House {
            test,
            room,
            clock,
            key,
        };
        house.met(seeds).await;
        houses.push(house);
    }
    houses
}

/// A live session: system, account id, account name.
fn seed(system: &str, id: &str, name: &str) -> Seed {
    Seed {
        system_id: system.to_owned(),
        handle: format!("{system}-{id}-{name}"),
        account_id: id.to_owned(),
        account_name: name.to_owned(),
        last_active_at: Some(NOW.0 - 60_000),
        created_at: Some(NOW.0 - 3_600_000),
        ..Seed::default()
    }
}

fn with_mail(mail: &str, seed: Seed) -> Seed {
    Seed {
        email: Some(mail.to_owned()),
        ..seed
    }
}

/// Ann with an account in four systems, and two who are somebody else.
fn crowd() -> Vec<Seed> {
    vec![
        with_mail("Ann@corp.example", seed("kc", "4711", "ann")),
        seed("intranet", "", "Ann"),
        seed("tableau", "t1", "ann"),
        with_mail("ann@corp.example", seed("domo", "77", "ann.lee")),
        seed("jobs", "", "ann"),
        seed("intranet", "", "lab\\ann"),
    ]
}

impl House {
    /// A reading saw these.
    async fn met(&self, seeds: &[Seed]) {
        let mut conn = self.test.db.write().await.unwrap();
        testing::insert(&mut conn, &self.key, seeds).await.unwrap();
        conn.commit().await.unwrap();
    }

    fn port(&self, mut caller: Caller) -> For<People> {
        caller.auth_at = Some(NOW);
        For::new(&self.room, &Arc::new(caller))
    }

    fn root(&self) -> For<People> {
        self.port(caller("root", &Permission::ALL, Scope::EVERYWHERE))
    }

    /// Whose each session is: (system and account, person by what accounts it has).
    async fn persons(&self) -> Vec<String> {
        let mut conn = self.test.db.read().await.unwrap();
        let rows: Vec<(String, String, String)> = on!(conn, c => sqlx::query_as(
            "SELECT COALESCE(subject_id, 'nobody'), system_id, account_name FROM session WHERE state = 'live' \
             ORDER BY system_id, account_name").fetch_all(c).await.unwrap());
        let mut by = std::collections::BTreeMap::<String, Vec<String>>::new();
        for (subject, system, name) in rows {
            by.entry(subject).or_default().push(format!("{system}:{name}"));
        }
        let mut persons: Vec<String> = by.into_values().map(|accounts| accounts.join(" ")).collect();
        persons.sort();
        persons
    }

    async fn one(&self, sql: &'static str) -> i64 {
        let mut conn = self.test.db.read().await.unwrap();
        on!(conn, c => sqlx::query_scalar(sql).fetch_one(c).await.unwrap())
    }

    async fn text(&self, sql: &'static str) -> Vec<String> {
        let mut conn = self.test.db.read().await.unwrap();
        on!(conn, c => sqlx::query_scalar(sql).fetch_all(c).await.unwrap())
    }

    /// The person of whom root sees this account.
    async fn person_of(&self, system: &str, account: &str) -> PersonPage {
        let page = self.root().people_page(PeopleQuery::default()).await.unwrap();
        for line in page.people {
            let person = self.root().person_page(line.subject_id).await.unwrap();
            let has = |a: &app::people::wire::AccountRow| a.system_id.0 == system && a.account == account;
            if person.accounts.iter().any(has) {
                return person;
            }
        }
        panic!("nobody has {account} in {system}")
    }
}

fn names(page: &PeoplePage) -> Vec<String> {
    page.people.iter().map(|line| line.accounts.join("+")).collect()
}

#[tokio::test]
async fn a_reading_is_followed_by_links_with_their_grounds_and_asks_no_more() {
    for house in houses(&crowd()).await {
        assert_eq!(house.room.link_due().await.unwrap(), 3);
        assert_eq!(
            house.persons().await,
            [
                "domo:ann.lee intranet:Ann kc:ann tableau:ann",
                "intranet:lab\\ann",
                "jobs:ann",
            ]
        );
        let ann = house.person_of("kc", "ann").await;
        let mut grounds: Vec<Ground> = ann.accounts.iter().map(|a| a.ground).collect();
        grounds.sort();
        assert_eq!(
            grounds,
            [Ground::Own, Ground::Mail, Ground::NameSpace, Ground::NameSpace]
        );
        assert_eq!((ann.sessions, ann.systems), (4, 4));
        assert_eq!(ann.mails, ["ann@corp.example"]);
        // Shown, not merged.
        let alike: Vec<&str> = ann.alike.iter().map(|a| a.account.as_str()).collect();
        assert_eq!(alike, ["lab\\ann", "ann"]);
        assert!(ann.alike.iter().all(|a| a.conflict.is_empty()), "{:?}", ann.alike);
        // Each link is in the log, once.
        let links = house
            .text("SELECT detail FROM audit_entry WHERE action = 'subject_linked'")
            .await;
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].matches("name_space").count(), 2, "{}", links[0]);
        assert_eq!(links[0].matches("\"mail\"").count(), 1, "{}", links[0]);
        // Nothing is left to do, and nothing is done.
        assert_eq!(house.room.link_due().await.unwrap(), 0);
        assert_eq!(
            house
                .one("SELECT COUNT(*) FROM audit_entry WHERE action = 'subject_linked'")
                .await,
            1
        );
        assert_eq!(house.one("SELECT COUNT(*) FROM subject").await, 3);
    }
}

#[tokio::test]
async fn sessions_that_come_later_find_their_person_and_those_of_nobody_find_none() {
    for house in houses(&crowd()).await {
        house.room.link_due().await.unwrap();
        house
            .met(&[
                Seed {
                    handle: "another".to_owned(),
                    ..seed("tableau", "t1", "ann")
                },
                Seed {
                    kind: app::sessions::wire::SessionKind::Guest,
                    ..seed("jobs", "", "")
                },
                seed("jobs", "", ""),
            ])
            .await;
        assert_eq!(house.room.link_due().await.unwrap(), 0);
        let persons = house.persons().await;
        assert_eq!(
            persons[0],
            "domo:ann.lee intranet:Ann kc:ann tableau:ann tableau:ann"
        );
        assert_eq!(
            house
                .one("SELECT COUNT(*) FROM session WHERE subject_id IS NULL")
                .await,
            2
        );
        assert_eq!(house.one("SELECT COUNT(*) FROM subject_account").await, 6);
    }
}

#[tokio::test]
async fn a_session_that_is_somebody_elses_now_leaves_its_person_with_the_reading() {
    for house in houses(&crowd()).await {
        house.room.link_due().await.unwrap();
        // The same session id, but another one signed in with it.
        let mut taken = seed("jobs", "", "ann");
        taken.account_name = "bob".to_owned();
        house.met(&[taken]).await;
        let whose = "SELECT COUNT(*) FROM session WHERE account_name = 'bob' AND subject_id IS NULL";
        assert_eq!(house.one(whose).await, 1);
        house.room.link_due().await.unwrap();
        assert!(house.persons().await.contains(&"jobs:bob".to_owned()));
        // A new mail is looked at again.
        house
            .met(&[with_mail("bob@corp.example", seed("domo", "78", "bob.b"))])
            .await;
        assert_eq!(house.room.link_due().await.unwrap(), 0);
        let mut moved = seed("kc", "4712", "bob.k");
        house.met(std::slice::from_ref(&moved)).await;
        assert_eq!(house.room.link_due().await.unwrap(), 0);
        moved = with_mail("bob@corp.example", moved);
        house.met(&[moved]).await;
        assert_eq!(house.room.link_due().await.unwrap(), 1);
        assert!(house.persons().await.contains(&"domo:bob.b kc:bob.k".to_owned()));
    }
}

#[tokio::test]
async fn new_rules_look_at_every_account_again_in_batches() {
    let mut seeds = crowd();
    for n in 0..450 {
        seeds.push(seed("intranet", "", &format!("user{n}")));
        seeds.push(seed("tableau", &format!("u{n}"), &format!("user{n}")));
    }
    for house in houses(&seeds).await {
        house.room.take_settings(&PeopleRules::default());
        assert_eq!(house.room.link_due().await.unwrap(), 0);
        assert_eq!(house.one("SELECT COUNT(*) FROM subject").await, 906);
        house.room.take_settings(&staff());
        assert_eq!(house.room.link_due().await.unwrap(), 453);
        assert_eq!(house.one("SELECT COUNT(*) FROM subject").await, 453);
        let apart = "SELECT COUNT(*) FROM session s JOIN subject_account a ON a.system_id = s.system_id \
            AND a.account_sort = s.account_sort WHERE s.subject_id <> a.subject_id";
        assert_eq!(house.one(apart).await, 0);
        // Rules that are taken away undo nothing.
        house.room.take_settings(&PeopleRules::default());
        assert_eq!(house.room.link_due().await.unwrap(), 0);
        assert_eq!(house.one("SELECT COUNT(*) FROM subject").await, 453);
    }
}

#[tokio::test]
async fn what_is_not_clear_is_a_conflict_and_shown_on_both_sides() {
    let seeds = [
        with_mail("help@corp.example", seed("kc", "1", "eve")),
        with_mail("help@corp.example", seed("kc", "2", "mallory")),
        with_mail("help@corp.example", seed("domo", "9", "helpdesk")),
    ];
    for house in houses(&seeds).await {
        assert_eq!(house.room.link_due().await.unwrap(), 0);
        let helpdesk = house.person_of("domo", "helpdesk").await;
        assert_eq!(helpdesk.alike.len(), 2, "{:?}", helpdesk.alike);
        assert!(
            helpdesk
                .alike
                .iter()
                .all(|a| a.conflict == "Same verified mail, but it is not clear whose it is.")
        );
        let eve = house.person_of("kc", "eve").await;
        let other = eve.alike.iter().find(|a| a.account == "mallory").unwrap();
        assert!(
            other.conflict.contains("another account in Kc already"),
            "{}",
            other.conflict
        );
        let page = house.root().people_page(PeopleQuery::default()).await.unwrap();
        assert!(page.people.iter().all(|line| line.alike), "{:?}", page.people);
    }
}

#[tokio::test]
async fn an_account_is_cut_out_stays_out_and_is_linked_by_hand() {
    for house in houses(&crowd()).await {
        house.room.link_due().await.unwrap();
        let ann = house.person_of("kc", "ann").await;
        let cut = |account: &AccountKey, reason: &str| CutAsked {
            account: account.clone(),
            subject: ann.subject_id.clone(),
            reason: reason.to_owned(),
        };
        let tableau = ann.accounts.iter().find(|a| a.system_id.0 == "tableau").unwrap();
        let nothing = house.root().cut_account(cut(&tableau.account_key, " ")).await;
        assert!(matches!(nothing, Err(AppError::Invalid { .. })), "{nothing:?}");
        house
            .root()
            .cut_account(cut(&tableau.account_key, "Her brother’s."))
            .await
            .unwrap();
        let apart = [
            "domo:ann.lee intranet:Ann kc:ann",
            "intranet:lab\\ann",
            "jobs:ann",
            "tableau:ann",
        ];
        assert_eq!(house.persons().await, apart);
        let again = house
            .root()
            .cut_account(cut(&tableau.account_key, "Again."))
            .await;
        assert!(matches!(again, Err(AppError::Conflict { .. })), "{again:?}");
        // No rule links it again: not when it changes, not when the rules do.
        house
            .met(&[with_mail("ann@corp.example", seed("tableau", "t1", "ann"))])
            .await;
        assert_eq!(house.room.link_due().await.unwrap(), 0);
        let mut more = staff();
        more.verified_mail.push("tableau".to_owned());
        house.room.take_settings(&more);
        assert_eq!(house.room.link_due().await.unwrap(), 0);
        assert_eq!(house.persons().await, apart);
        // What was decided is no look-alike.
        let ann = house.person_of("kc", "ann").await;
        assert!(
            ann.alike.iter().all(|a| a.system_name != "Tableau"),
            "{:?}",
            ann.alike
        );
        // Somebody knows better.
        let link = |which: Which| LinkAsked {
            which,
            subject: ann.subject_id.clone(),
            reason: "She told me.".to_owned(),
        };
        let named = |system: &str, name: &str| Which::Named {
            system_id: system.into(),
            name: name.to_owned(),
        };
        house
            .root()
            .link_account(link(named("tableau", "ANN ")))
            .await
            .unwrap();
        assert_eq!(
            house.persons().await[0],
            "domo:ann.lee intranet:Ann kc:ann tableau:ann"
        );
        house
            .root()
            .link_account(link(named("jobs", "ann")))
            .await
            .unwrap();
        let ann = house.person_of("jobs", "ann").await;
        assert_eq!(ann.accounts.len(), 5);
        let jobs = ann.accounts.iter().find(|a| a.ground == Ground::Hand).unwrap();
        assert_eq!(
            (jobs.words.as_str(), jobs.linked_by.as_str()),
            ("She told me.", "root")
        );
        let twice = house.root().link_account(link(named("jobs", "ann"))).await;
        assert!(matches!(twice, Err(AppError::Invalid { .. })), "{twice:?}");
        let nobody = house.root().link_account(link(named("jobs", "zoe"))).await;
        assert!(matches!(nobody, Err(AppError::Invalid { .. })), "{nobody:?}");
        let log = house
            .text(
                "SELECT action || ' ' || COALESCE(reason, '-') || ' ' || actor_name FROM audit_entry \
                WHERE action LIKE 'subject%' ORDER BY seq",
            )
            .await;
        assert_eq!(
            log,
            [
                "subject_linked - Curfew",
                "subject_cut Her brother’s. root",
                "subject_linked She told me. root",
                "subject_linked She told me. root",
            ]
        );
    }
}

#[tokio::test]
async fn walking_the_pages_meets_everybody_once() {
    let mut seeds = Vec::new();
    for n in 0..130 {
        seeds.push(Seed {
            display_name: format!("Person {:02}", n % 40),
            ..seed("jobs", &format!("{n}"), &format!("user{n}"))
        });
        if n % 3 == 0 {
            seeds.push(Seed {
                handle: format!("second-{n}"),
                display_name: format!("Person {:02}", n % 40),
                ..seed("jobs", &format!("{n}"), &format!("user{n}"))
            });
        }
    }
    for house in houses(&seeds).await {
        house.room.link_due().await.unwrap();
        for (search, expected) in [("", 130), ("person", 130), ("USER12 person", 11), ("nobody", 0)] {
            let mut query = PeopleQuery {
                search: search.to_owned(),
                ..PeopleQuery::default()
            };
            let mut met = std::collections::BTreeSet::new();
            loop {
                let page = house.root().people_page(query.clone()).await.unwrap();
                for line in page.people {
                    assert!(met.insert(line.subject_id), "met twice");
                }
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
            assert_eq!(met.len(), expected, "{search}");
        }
        let bad = PeopleQuery {
            after: Some("zz.x".to_owned()),
            ..PeopleQuery::default()
        };
        assert!(matches!(
            house.root().people_page(bad).await,
            Err(AppError::Invalid { .. })
        ));
    }
}

#[tokio::test]
async fn who_has_nothing_open_is_known_until_their_sessions_are_forgotten() {
    for house in houses(&crowd()).await {
        house.room.link_due().await.unwrap();
        let mut conn = house.test.db.write().await.unwrap();
        on!(conn, c => drop(sqlx::query("UPDATE session SET state = 'vanished', gone_at = $1 WHERE system_id = 'jobs'")
            .bind(NOW.0 - 1).execute(c).await.unwrap()));
        conn.commit().await.unwrap();
        let live = PeopleQuery {
            live: true,
            ..PeopleQuery::default()
        };
        assert_eq!(house.root().people_page(live).await.unwrap().people.len(), 2);
        let jobs = house.person_of("jobs", "ann").await;
        assert_eq!((jobs.sessions, jobs.stays.len()), (0, 1));
        assert!(jobs.stays[0].to.is_some());
        house.clock.advance(40 * 86_400);
        assert_eq!(house.room.forget_old(30).await.unwrap(), 0);
        let mut conn = house.test.db.write().await.unwrap();
        on!(conn, c => drop(sqlx::query("DELETE FROM session").execute(c).await.unwrap()));
        conn.commit().await.unwrap();
        house.clock.advance(3_600);
        // Who was linked stays: that took a rule or a person to know.
        assert_eq!(house.room.forget_old(30).await.unwrap(), 2);
        assert_eq!(house.one("SELECT COUNT(*) FROM subject").await, 1);
        assert_eq!(house.one("SELECT COUNT(*) FROM subject_account").await, 4);
    }
}

#[tokio::test]
async fn whether_something_is_new_is_asked_of_an_index_that_holds_nothing_else() {
    let house = houses(&[]).await.into_iter().next().unwrap();
    let mut conn = house.test.db.read().await.unwrap();
    let rows: Vec<(i64, i64, i64, String)> = match conn.typed() {
        crate::db::Typed::Sqlite(c) => sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "EXPLAIN QUERY PLAN {}",
            store::UNLOOKED
        )))
        .bind(1_i64)
        .fetch_all(c)
        .await
        .unwrap(),
        crate::db::Typed::Postgres(_) => panic!("SQLite comes first"),
    };
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(
        rows[0].3.contains("SEARCH session USING INDEX session_unlinked"),
        "{rows:?}"
    );
}
