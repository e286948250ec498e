//! Finding sessions: counts of filter values, suggestions, and what two helpers with different scopes learn by them.

use app::error::AppError;
use app::paths::parse_query;
use app::sessions::port::SessionsPort;
use app::sessions::query::{GroupBy, SortKey};
use app::sessions::wire::{
    CannotEnd, EmptyBecause, Facet, SelectionEdit, SessionKind, SessionState, Suggestion,
};
use app::wire::{Direction, SessionKey, Timestamp};

use super::house::{House, houses, seed, session_key, tick};
use super::*;
use crate::sessions::testing::Seed;

/// Few of many sorts, in all systems.
fn estate() -> Vec<Seed> {
    let with = |seed: Seed, kind, state, site: &str| Seed {
        kind,
        state,
        site: site.to_owned(),
        browser: "Chrome 149".to_owned(),
        ip: Some("10.0.0.7".to_owned()),
        ..seed
    };
    use SessionKind::{Guest, Mobile, Sso, Web};
    use SessionState::{Ended, Live, Vanished};
    vec![
        with(seed("domo", "asmith", "Ann Smith"), Web, Live, "north"),
        with(seed("domo", "asmith", "Ann Smith"), Mobile, Live, "north"),
        with(seed("domo", "bob", "Bob"), Web, Ended, "south"),
        with(seed("keycloak", "asecret", "Ann Secret"), Sso, Live, "vault"),
        with(seed("keycloak", "asmith", "Ann Smith"), Sso, Vanished, ""),
        with(seed("uportal", "eve", "Eve Stone"), Web, Live, ""),
        with(seed("uportal", "", ""), Guest, Live, ""),
    ]
}

fn query(text: &str) -> SessionQuery {
    let (query, problems) = SessionQuery::from_pairs(&parse_query(text), 0);
    assert!(problems.is_empty(), "{text}: {problems:?}");
    query
}

async fn suggested(house: &House, caller: &Caller, typed: &str) -> Vec<Suggestion> {
    house.port(caller).suggest(typed.to_owned()).await.unwrap()
}

fn shown(found: &[Suggestion]) -> Vec<&str> {
    found.iter().map(|one| one.shown.as_str()).collect()
}

#[tokio::test]
async fn ui_b7_each_count_is_that_of_the_list_once_its_value_is_chosen() {
    for house in houses(&estate()).await {
        for caller in callers() {
            for asked in [
                "",
                "q=ann",
                "kind=web",
                "system=domo&kind=mobile",
                "site=north&state=ended",
                "not.system=domo",
                "not.person=smith",
                "kind=guest",
            ] {
                let asked = query(asked);
                let facets = match house.port(&caller).facets(asked.clone()).await {
                    Ok(facets) => facets,
                    Err(AppError::Forbidden { .. }) => continue,
                    Err(error) => panic!("{error:?}"),
                };
                assert_eq!(facets.len(), 4);
                for facet in &facets {
                    for value in &facet.values {
                        let chosen = asked.only(&facet.field, &value.value).unwrap();
                        let page = house.list(&caller, &chosen).await;
                        // A slip in what is left out lists nothing at all.
                        if page.empty == Some(EmptyBecause::BadFilter) {
                            continue;
                        }
                        let what = format!("{}={} of {asked:?}", facet.field, value.value);
                        assert_eq!(value.count, page.matching, "{what}");
                        assert_eq!(value.count.at_least(), page.rows.len() as u64, "{what}");
                    }
                }
            }
        }
    }
}

fn values<'f>(facets: &'f [Facet], field: &str) -> Vec<&'f str> {
    let facet = facets.iter().find(|facet| facet.field == field).unwrap();
    facet.values.iter().map(|value| value.value.as_str()).collect()
}

#[tokio::test]
async fn ui_k2_two_helpers_count_and_are_offered_only_what_they_see() {
    for house in houses(&estate()).await {
        let domo = caller(&[(&[SEE, NET], systems(&["domo"]))]);
        let keycloak = caller(&[(&[SEE, NET], systems(&["keycloak"]))]);
        let facets = house.port(&domo).facets(SessionQuery::default()).await.unwrap();
        assert_eq!(values(&facets, "system"), ["domo"]);
        assert_eq!(values(&facets, "site"), ["north"], "of live sessions");
        let others = house
            .port(&keycloak)
            .facets(SessionQuery::default())
            .await
            .unwrap();
        assert_eq!(values(&others, "system"), ["keycloak"]);
        assert_eq!(values(&others, "site"), ["vault"]);
        // Asking for a value of the other's gives the same as asking for one that nobody has.
        for field in ["system", "site"] {
            let there = house
                .port(&domo)
                .facets(query(&format!("{field}=keycloak")))
                .await;
            let nowhere = house.port(&domo).facets(query(&format!("{field}=nowhere"))).await;
            assert_eq!(there, nowhere);
        }

        for typed in ["user:", "user:a", "user:as", "-user:ann", "user:bob,as"] {
            let found = suggested(&house, &domo, typed).await;
            assert!(!found.is_empty(), "{typed}");
            for one in &found {
                assert!(!format!("{one:?}").to_lowercase().contains("secret"), "{one:?}");
            }
        }
        assert_eq!(
            suggested(&house, &domo, "user:asec").await,
            suggested(&house, &domo, "user:nobody").await,
        );
        assert_eq!(
            shown(&suggested(&house, &keycloak, "user:asec").await),
            ["user:asecret"]
        );
        assert_eq!(shown(&suggested(&house, &domo, "system:").await), ["system:domo"]);
        assert_eq!(
            shown(&suggested(&house, &keycloak, "system:").await),
            ["system:keycloak"]
        );
        assert_eq!(shown(&suggested(&house, &domo, "site:").await), ["site:north"]);
        assert_eq!(suggested(&house, &domo, "system:key").await, Vec::new());

        // Nobody without a grant learns anything.
        let nobody = caller(&[]);
        assert!(house.port(&nobody).facets(SessionQuery::default()).await.is_err());
        assert!(house.port(&nobody).suggest("user:a".to_owned()).await.is_err());
        // What a caller may not filter by is not counted either.
        let blind = caller(&[(&[SEE], Scope::EVERYWHERE)]);
        for hidden in [
            "ip=10.0.0.0/8",
            "not.ip=10.0.0.0/8",
            "not.browser=chrome",
            "not.os=x",
        ] {
            assert!(
                house.port(&blind).facets(query(hidden)).await.is_err(),
                "{hidden}"
            );
            let page = house.list(&blind, &query(hidden)).await;
            assert_eq!(page.empty, Some(EmptyBecause::BadFilter), "{hidden}");
        }
    }
}

#[tokio::test]
async fn ui_b5_the_box_goes_on_with_words_and_values() {
    for house in houses(&estate()).await {
        let all = everything();
        let text = async |typed: &str| {
            let found = suggested(&house, &all, typed).await;
            found.first().map(|one| one.text.clone()).unwrap_or_default()
        };
        assert_eq!(text("us").await, "user:");
        assert_eq!(text("ann -sys").await, "ann -system:");
        assert_eq!(
            text("-id").await,
            "",
            "what can't be turned round is not offered so"
        );
        assert_eq!(text("idle:>1h system:ke").await, "idle:>1h system:keycloak");
        assert_eq!(text("system:domo,ke").await, "system:domo,keycloak");
        assert_eq!(text("kind:mo").await, "kind:mobile");
        assert_eq!(text("user:eve st").await, "user:eve state:");
        assert_eq!(text("user:Eve").await, "user:eve");
        assert_eq!(text("user:ann s").await, "user:ann system:");
        assert_eq!(text("limit:").await, "limit:over");
        assert_eq!(text("idle:>8").await, "idle:>8h");
        for nothing in ["", "user:eve ", "zzz", "foo:", "user:\0"] {
            assert_eq!(text(nothing).await, "", "{nothing}");
        }
        // Each can be sent as it is.
        for typed in [
            "user:", "system:", "kind:", "state:", "site:", "idle:", "ends:", "limit:", "ip:",
        ] {
            for one in suggested(&house, &all, typed).await {
                let (_, problems) = SessionQuery::from_pairs(&[("q", &one.text)], 0);
                assert!(problems.is_empty(), "{one:?}: {problems:?}");
            }
        }
    }
}

#[tokio::test]
async fn ui_c8_each_group_counts_what_its_list_holds_and_is_selected_whole() {
    for house in houses(&estate()).await {
        for caller in callers() {
            for asked in [
                "",
                "q=ann",
                "ip=10.0.0.7",
                "kind=guest",
                "system=domo&state=live&state=ended",
            ] {
                for by in GroupBy::ALL {
                    let asked = query(asked);
                    let port = house.port(&caller);
                    let Ok(found) = port.groups(asked.clone(), by).await else {
                        continue;
                    };
                    let whole = house.list(&caller, &asked).await;
                    let all: u64 = found.groups.iter().map(|group| group.sessions).sum();
                    assert_eq!(all, whole.matching.at_least(), "{by:?} of {asked:?}");
                    let shown: BTreeSet<_> = whole.rows.iter().map(|row| row.session_key.clone()).collect();
                    for group in found.groups {
                        let Some(of) = &group.query else { continue };
                        let list = house.list(&caller, &query(of)).await;
                        assert_eq!(list.matching, Count::Exactly(group.sessions), "{group:?}");
                        assert!(
                            list.rows.iter().all(|row| shown.contains(&row.session_key)),
                            "{group:?}"
                        );
                        let edit = SelectionEdit {
                            all_matching: true,
                            query: of.clone(),
                            ..SelectionEdit::default()
                        };
                        let selected = port.edit_selection(edit).await.unwrap();
                        assert_eq!(selected.sessions, list.matching, "{group:?}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn ui_k2_groups_tell_a_helper_of_their_own_only() {
    for house in houses(&estate()).await {
        let domo = caller(&[(&[SEE, NET], systems(&["domo"]))]);
        let labels = async |caller: &Caller, by| {
            let found = house.port(caller).groups(SessionQuery::default(), by).await;
            found.map(|page| {
                page.groups
                    .into_iter()
                    .map(|g| (g.label, g.sessions))
                    .collect::<Vec<_>>()
            })
        };
        let own = |label: &str, n| Ok(vec![(label.to_owned(), n)]);
        assert_eq!(labels(&domo, GroupBy::System).await, own("Domo", 2));
        assert_eq!(labels(&domo, GroupBy::Person).await, own("Ann Smith", 2));
        assert_eq!(labels(&domo, GroupBy::Network).await, own("10.0.0.0/24", 2));
        let blind = caller(&[(&[SEE], systems(&["domo"]))]);
        assert!(
            labels(&blind, GroupBy::Network).await.is_err(),
            "networks are hidden"
        );
        assert!(labels(&caller(&[]), GroupBy::System).await.is_err());
    }
}

#[tokio::test]
async fn the_list_of_a_moment_holds_who_was_on_then_and_can_not_be_selected() {
    const HOUR: i64 = 3_600_000;
    let on = |account: &str, system: &str, from: Option<i64>| Seed {
        created_at: from.map(|hours| NOW.0 + hours * HOUR),
        ..seed(system, account, account)
    };
    let seeds = [
        on("stayed", "domo", Some(-5)),
        Seed {
            state: SessionState::Vanished,
            ..on("left", "domo", Some(-5))
        },
        Seed {
            state: SessionState::Ended,
            ..on("ended", "domo", Some(-5))
        },
        on("came", "domo", Some(-1)),
        on("unsaid", "domo", None),
        on("secret", "keycloak", Some(-5)),
    ];
    for house in houses(&seeds).await {
        // Met three hours ago; one left two hours ago, one four.
        house
            .run("UPDATE session SET first_seen_at = 1800000000000 - 10800000")
            .await;
        house
            .run("UPDATE session SET gone_at = 1800000000000 - 7200000 WHERE account_name = 'left'")
            .await;
        house
            .run("UPDATE session SET gone_at = 1800000000000 - 14400000 WHERE account_name = 'ended'")
            .await;
        let domo = caller(&[(&[SEE, NET, Permission::EditUserSessions], systems(&["domo"]))]);
        let at = |hours: f64| SessionQuery {
            at: Some(Timestamp(NOW.0 + (hours * HOUR as f64) as i64)),
            sort: SortKey::Person,
            direction: Direction::Ascending,
            ..SessionQuery::default()
        };
        let who = async |hours: f64| {
            let page = house.list(&domo, &at(hours)).await;
            assert!(!page.may_end_any, "nobody of then can be ended");
            page.rows.into_iter().map(|row| row.person).collect::<Vec<_>>()
        };
        assert_eq!(who(-0.5).await, ["came", "stayed", "unsaid"]);
        assert_eq!(who(-2.5).await, ["left", "stayed", "unsaid"]);
        assert_eq!(who(-4.5).await, ["ended", "left", "stayed"]);
        assert_eq!(who(-6.0).await, Vec::<String>::new());

        // What can't be known is not answered.
        for (asked, field) in [
            ("at=2100-01-01", "at"),
            ("at=@1799990000000&state=ended", "state"),
            ("at=@1799990000000&active=8h&active.op=older", "active"),
            ("at=@1799990000000&over=1", "over"),
        ] {
            let page = house.list(&domo, &query(asked)).await;
            assert_eq!(
                (page.rows.len(), page.problems[0].field.as_str()),
                (0, field),
                "{asked}"
            );
        }

        // Nothing of it is selected, by whatever way.
        let all = SelectionEdit {
            all_matching: true,
            query: at(-2.5).to_query_string(),
            ..SelectionEdit::default()
        };
        assert!(matches!(
            house.port(&domo).edit_selection(all).await,
            Err(AppError::Invalid { .. })
        ));

        // What is known is told of one's own systems only.
        let known = async |hours: f64| house.port(&domo).known_at(at(hours).at.unwrap()).await.unwrap();
        assert_eq!(known(-2.5).await.not_met, Vec::<String>::new());
        assert_eq!(known(-3.5).await.not_met, ["Domo"]);
        assert_eq!(known(-2.5).await.oldest_end, Some(Timestamp(NOW.0 - 4 * HOUR)));
        let keycloak = caller(&[(&[SEE], systems(&["keycloak"]))]);
        let theirs = house
            .port(&keycloak)
            .known_at(Timestamp(NOW.0 - HOUR))
            .await
            .unwrap();
        assert_eq!(theirs.oldest_end, None, "an end in another system");
        house
            .run(
                "UPDATE system SET last_complete_pass_started_at = 1 WHERE system_id IN ('domo', 'keycloak')",
            )
            .await;
        let behind = known(-1.0).await.behind;
        assert_eq!(behind, [("Domo".to_owned(), Timestamp(1))]);
        assert!(house.port(&caller(&[])).known_at(NOW).await.is_err());
    }
}

#[tokio::test]
async fn a_pasted_list_names_what_matches_nothing_within_the_scope_only() {
    for house in houses(&estate()).await {
        let list = "asmith\nANN SMITH\nasecret\nnobody";
        let found = async |caller: &Caller, list: &str, back: &str| {
            let port = house.port(caller);
            let address = port.paste(list.to_owned(), back.to_owned()).await.unwrap();
            let asked = query(&address);
            let page = house.list(caller, &asked).await;
            (page.matching, port.unmatched(asked).await.unwrap())
        };
        let all = everything();
        assert_eq!(
            found(&all, list, "").await,
            (Count::Exactly(3), vec!["nobody".to_owned()])
        );
        assert_eq!(
            found(&all, list, "kind=sso").await,
            (
                Count::Exactly(1),
                vec!["asmith".to_owned(), "ANN SMITH".to_owned(), "nobody".to_owned()]
            ),
        );
        let domo = caller(&[(&[SEE, NET], systems(&["domo"]))]);
        let (_, none) = found(&domo, list, "").await;
        assert_eq!(none, ["asecret", "nobody"], "out of reach is as good as nobody");
        assert_eq!(
            found(&domo, "10.0.0.7\n10.0.0.8", "").await,
            (Count::Exactly(2), vec!["10.0.0.8".to_owned()]),
        );
        let blind = caller(&[(&[SEE], Scope::EVERYWHERE)]);
        assert!(
            house
                .port(&blind)
                .unmatched(query("ip=10.0.0.7,10.0.0.8"))
                .await
                .is_err()
        );
        assert!(
            house
                .port(&caller(&[]))
                .paste("ann".to_owned(), String::new())
                .await
                .is_err()
        );
        for (list, back) in [("", ""), ("ann\n10.0.0.7", ""), ("ann", "foo=bar")] {
            let refused = house.port(&all).paste(list.to_owned(), back.to_owned()).await;
            assert!(matches!(refused, Err(AppError::Invalid { .. })), "{list}");
        }
    }
}

#[tokio::test]
async fn ui_b5_a_system_is_named_by_how_its_id_or_name_begins() {
    let seeds = [
        seed("domo", "asmith", "Ann Smith"),
        seed("keycloak", "ben", "Ben"),
        seed("uportal", "eve", "Eve Stone"),
    ];
    for house in houses(&seeds).await {
        house
            .run("UPDATE system SET name = 'Northwind BI' WHERE system_id = 'domo'")
            .await;
        let all = everything();
        for (asked, people) in [
            ("q=system:dom", &["asmith"][..]),
            ("q=system:DOM", &["asmith"]),
            ("q=system:north", &["asmith"]),
            ("q=system:dom,key", &["asmith", "ben"]),
            ("q=-system:dom", &["ben", "eve"]),
            ("q=-system:north,up", &["ben"]),
            ("system=dom", &["asmith"]),
        ] {
            let asked = query(asked);
            let page = house.list(&all, &asked).await;
            assert_eq!(page.problems, Vec::new(), "{asked:?}");
            let mut found: Vec<&str> = page.rows.iter().map(|row| row.account_name.as_str()).collect();
            found.sort_unstable();
            assert_eq!(found, people, "{asked:?}");
            // Chips, the strip and what is selected of it name the systems that were meant.
            assert!(
                page.query
                    .systems
                    .iter()
                    .chain(&page.query.not.systems)
                    .all(|id| ["domo", "keycloak", "uportal"].contains(&id.as_str())),
                "{:?}",
                page.query
            );
            // Whoever counts, or takes all that match, means the same.
            let port = house.port(&all);
            assert_eq!(
                port.count_sessions(asked.clone()).await.unwrap(),
                people.len() as u64
            );
            let edit = SelectionEdit {
                all_matching: true,
                query: asked.to_query_string(),
                ..SelectionEdit::default()
            };
            let picked = port.edit_selection(edit).await.unwrap();
            assert_eq!(super::house::sessions(&picked), people.len() as u64, "{asked:?}");
            let groups = port.groups(asked, GroupBy::System).await.unwrap();
            assert_eq!(
                groups.groups.iter().map(|group| group.sessions).sum::<u64>(),
                people.len() as u64
            );
        }
        // A beginning means nothing of what is out of sight: not there, and told of in the same words.
        let domo = caller(&[(&[SEE], systems(&["domo"]))]);
        for (asked, words) in [
            ("q=system:key", "“key” is no system in your list. Yours are domo."),
            (
                "q=system:nor,zzz",
                "“zzz” is no system in your list. Yours are domo.",
            ),
            (
                "q=-system:key",
                "“key” is no system in your list. Yours are domo.",
            ),
        ] {
            let page = house.list(&domo, &query(asked)).await;
            assert_eq!(page.empty, Some(EmptyBecause::BadFilter), "{asked}");
            assert_eq!(page.problems[0].message, words);
            assert!(page.rows.is_empty());
        }
        // Nothing that leaves out a system there is not is counted, grouped or taken: it would leave out nothing.
        let port = house.port(&domo);
        let wrong = query("q=-system:key");
        assert!(port.count_sessions(wrong.clone()).await.is_err());
        assert!(port.groups(wrong.clone(), GroupBy::System).await.is_err());
        assert!(port.facets(wrong.clone()).await.is_err());
        let edit = SelectionEdit {
            all_matching: true,
            query: wrong.to_query_string(),
            ..SelectionEdit::default()
        };
        assert!(port.edit_selection(edit).await.is_err());
    }
}

#[tokio::test]
async fn leaving_out_a_system_by_a_wrong_name_lists_nothing_and_says_so() {
    for house in houses(&estate()).await {
        let all = everything();
        let page = house.list(&all, &query("q=-system:dmo")).await;
        assert_eq!((page.rows.len(), page.matching), (0, Count::Exactly(0)));
        assert!(
            page.problems[0]
                .message
                .contains("“dmo” is no system in your list")
        );
        // To a helper a system out of reach is none.
        let domo = caller(&[(&[SEE], systems(&["domo"]))]);
        let page = house.list(&domo, &query("not.system=keycloak")).await;
        assert_eq!(
            page.problems[0].message,
            "“keycloak” is no system in your list. Yours are domo."
        );
        let page = house.list(&all, &query("q=-system:domo")).await;
        assert_eq!(page.rows.len(), 2);
    }
}

#[tokio::test]
async fn ui_i1_an_open_page_learns_of_its_rows_whatever_became_of_them_and_of_no_others() {
    let seeds = estate();
    for house in houses(&seeds).await {
        let keys: Vec<SessionKey> = seeds.iter().map(session_key).collect();
        let nobodys = SessionKey("f".repeat(32));
        let asked = || keys.iter().cloned().chain([nobodys.clone()]).collect::<Vec<_>>();
        let all = house.port(&everything()).shown(asked(), None).await.unwrap();
        assert_eq!(
            all.len(),
            seeds.len(),
            "gone ones and guests too, and none that is not there"
        );
        for row in &all {
            let gone = row.state != SessionState::Live;
            assert_eq!(gone, row.cannot_end == Some(CannotEnd::NotLive), "{row:?}");
            assert!(row.ip.is_some());
        }
        // What is ticked stays ticked.
        let port = house.port(&everything());
        let picked = port.edit_selection(tick(vec![keys[1].clone()])).await.unwrap();
        let ticked = port.shown(asked(), Some(picked.selection_id)).await.unwrap();
        let ticked: Vec<&SessionKey> = ticked
            .iter()
            .filter(|row| row.selected)
            .map(|row| &row.session_key)
            .collect();
        assert_eq!(ticked, [&keys[1]]);
        // Knowing a key is no right to its row.
        let domo = caller(&[(&[SEE], systems(&["domo"]))]);
        let theirs = house.port(&domo).shown(asked(), None).await.unwrap();
        assert_eq!(theirs.len(), 3);
        for row in theirs {
            assert_eq!(row.system_id.as_str(), "domo");
            assert!(row.masked && row.ip.is_none());
        }
        assert!(house.port(&caller(&[])).shown(asked(), None).await.is_err());
    }
}

#[tokio::test]
async fn ui_g3_people_are_found_by_name_among_those_one_sees() {
    for house in houses(&estate()).await {
        let all = everything();
        let domo = caller(&[(&[SEE, NET], systems(&["domo"]))]);
        let keycloak = caller(&[(&[SEE, NET], systems(&["keycloak"]))]);
        for (who, typed, found) in [
            (&all, "smith", vec![("asmith", 2)]),
            (&all, "Ann S", vec![("asecret", 1), ("asmith", 2)]),
            (&all, "as", vec![("asecret", 1), ("asmith", 2)]),
            // One or two letters begin a name; more may stand anywhere in it.
            (&all, "mi", vec![]),
            (&all, "mit", vec![("asmith", 2)]),
            (&all, "", vec![]),
            // Nobody who is not on now.
            (&all, "bob", vec![]),
            (&domo, "as", vec![("asmith", 2)]),
            (&domo, "secret", vec![]),
            (&domo, "stone", vec![]),
            (&keycloak, "as", vec![("asecret", 1)]),
            (&keycloak, "smith", vec![]),
        ] {
            let people = house.port(who).people_named(typed.to_owned()).await.unwrap();
            let people: Vec<(&str, u64)> = people
                .iter()
                .map(|person| (person.person_id.as_str(), person.sessions))
                .collect();
            assert_eq!(people, found, "{typed}");
        }
        assert!(
            house
                .port(&caller(&[]))
                .people_named("as".to_owned())
                .await
                .is_err()
        );
        // It is no look at a list.
        assert_eq!(
            house
                .number("SELECT COUNT(*) FROM audit_entry WHERE action = 'sensitive_read'")
                .await,
            0
        );
    }
}
