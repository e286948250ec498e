//! Finding sessions: counts of filter values, suggestions, and what two helpers with different scopes learn by them.

use app::error::AppError;
use app::paths::parse_query;
use app::sessions::port::SessionsPort;
use app::sessions::wire::{EmptyBecause, Facet, SessionKind, SessionState, Suggestion};

use super::house::{House, houses, seed};
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
            let there = house.port(&domo).facets(query(&format!("{field}=keycloak"))).await;
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
        assert_eq!(shown(&suggested(&house, &keycloak, "user:asec").await), ["user:asecret"]);
        assert_eq!(shown(&suggested(&house, &domo, "system:").await), ["system:domo"]);
        assert_eq!(shown(&suggested(&house, &keycloak, "system:").await), ["system:keycloak"]);
        assert_eq!(shown(&suggested(&house, &domo, "site:").await), ["site:north"]);
        assert_eq!(suggested(&house, &domo, "system:key").await, Vec::new());

        // Nobody without a grant learns anything.
        let nobody = caller(&[]);
        assert!(house.port(&nobody).facets(SessionQuery::default()).await.is_err());
        assert!(house.port(&nobody).suggest("user:a".to_owned()).await.is_err());
        // What a caller may not filter by is not counted either.
        let blind = caller(&[(&[SEE], Scope::EVERYWHERE)]);
        for hidden in ["ip=10.0.0.0/8", "not.ip=10.0.0.0/8", "not.browser=chrome", "not.os=x"] {
            assert!(house.port(&blind).facets(query(hidden)).await.is_err(), "{hidden}");
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
        assert_eq!(text("-id").await, "", "what can't be turned round is not offered so");
        assert_eq!(text("idle:>1h system:ke").await, "idle:>1h system:keycloak");
        assert_eq!(text("system:domo,ke").await, "system:domo,keycloak");
        assert_eq!(text("kind:mo").await, "kind:mobile");
        assert_eq!(text("user:eve st").await, "state:".replace("state:", "user:eve state:"));
        assert_eq!(text("user:Eve").await, "user:eve");
        assert_eq!(text("user:ann s").await, "user:ann system:");
        assert_eq!(text("limit:").await, "limit:over");
        assert_eq!(text("idle:>8").await, "idle:>8h");
        for nothing in ["", "user:eve ", "zzz", "foo:", "user:\0"] {
            assert_eq!(text(nothing).await, "", "{nothing}");
        }
        // Each can be sent as it is.
        for typed in ["user:", "system:", "kind:", "state:", "site:", "idle:", "ends:", "limit:", "ip:"] {
            for one in suggested(&house, &all, typed).await {
                let (_, problems) = SessionQuery::from_pairs(&[("q", &one.text)], 0);
                assert!(problems.is_empty(), "{one:?}: {problems:?}");
            }
        }
    }
}

#[tokio::test]
async fn leaving_out_a_system_by_a_wrong_name_lists_nothing_and_says_so() {
    for house in houses(&estate()).await {
        let all = everything();
        let page = house.list(&all, &query("q=-system:dmo")).await;
        assert_eq!((page.rows.len(), page.matching), (0, Count::Exactly(0)));
        assert!(page.problems[0].message.contains("“dmo” is no system in your list"));
        // To a helper a system out of reach is none.
        let domo = caller(&[(&[SEE], systems(&["domo"]))]);
        let page = house.list(&domo, &query("not.system=keycloak")).await;
        assert_eq!(page.problems[0].message, "“keycloak” is no system in your list. Yours are domo.");
        let page = house.list(&all, &query("q=-system:domo")).await;
        assert_eq!(page.rows.len(), 2);
    }
}
