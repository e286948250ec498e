//! Sessions that began under an earlier policy: marked in the row, and listed, grouped, selected and exported by one filter.

use app::paths::parse_query;
use app::sessions::port::SessionsPort;
use app::sessions::query::GroupBy;
use app::sessions::wire::{SelectionEdit, SessionKind};
use app::wire::{Limit, SystemId};
use futures::TryStreamExt;

use super::house::{House, houses, seed};
use super::*;
use crate::audit::export::Format;
use crate::sessions::testing::Seed;
use crate::systems;

const H: i64 = 3_600;

/// A session that began so many hours ago, under these limits in seconds; `life` 0 = unlimited.
fn made(account: &str, kind: SessionKind, hours_ago: i64, idle: i64, life: i64) -> Seed {
    let from = NOW.0 - hours_ago * H * 1000;
    Seed {
        kind,
        created_at: Some(from),
        idle: Limit::Seconds(idle),
        // Off by a few seconds, as systems round.
        absolute_expires_at: (life > 0).then_some(from + life * 1000 + 7_000),
        ..seed("domo", account, account)
    }
}

/// Domo as it looks after its limits were changed three hours ago: 8 h idle then, 1 h now, for browsers.
fn estate() -> Vec<Seed> {
    use SessionKind::{Mobile, Web};
    vec![
        made("old-one", Web, 9, 8 * H, 12 * H),
        made("old-two", Web, 4, 8 * H, 12 * H),
        made("longer", Web, 5, H, 24 * H),
        made("fine", Web, 6, H, 12 * H),
        made("new", Web, 1, H, 12 * H),
        // Others since then: no earlier policy, whatever it is.
        made("other", Web, 1, 2 * H, 12 * H),
        // Of a kind with limits of its own.
        made("phone", Mobile, 40, 720 * H, 0),
        Seed {
            created_at: None,
            ..made("no-start", Web, 9, 8 * H, 0)
        },
        Seed {
            idle: Limit::Unknown,
            absolute_expires_at: None,
            ..made("quiet", Mobile, 40, H, 0)
        },
        Seed {
            state: app::sessions::wire::SessionState::Ended,
            ..made("gone", Web, 9, 8 * H, 12 * H)
        },
        Seed {
            system_id: "uportal".to_owned(),
            ..made("elsewhere", Web, 9, 8 * H, 12 * H)
        },
    ]
}

async fn after_the_change() -> Vec<House> {
    let houses = houses(&estate()).await;
    for house in &houses {
        let mut conn = house.test.db.write().await.unwrap();
        let changed = NOW.0 - 3 * H * 1000;
        for (kind, idle, life) in [
            (SessionKind::Web, (Some(H), changed), (Some(12 * H), changed)),
            (SessionKind::Mobile, (Some(720 * H), changed), (Some(0), changed)),
        ] {
            testing::insert_kind_limit(&mut conn, "domo", kind, idle, life)
                .await
                .unwrap();
        }
        conn.commit().await.unwrap();
    }
    houses
}

fn query(text: &str) -> SessionQuery {
    let (query, problems) = SessionQuery::from_pairs(&parse_query(text), 0);
    assert!(problems.is_empty(), "{text}: {problems:?}");
    query
}

async fn names(house: &House, caller: &Caller, text: &str) -> BTreeSet<String> {
    let page = house.list(caller, &query(text)).await;
    page.rows.into_iter().map(|row| row.account_name).collect()
}

const EARLIER: [&str; 3] = ["longer", "old-one", "old-two"];

#[tokio::test]
async fn domo_p23_rows_of_an_earlier_policy_are_marked_and_exactly_those_are_listed() {
    for house in after_the_change().await {
        let all = house
            .list(
                &everything(),
                &query("state=live&state=ended&kind=web&kind=mobile"),
            )
            .await;
        assert_eq!(all.rows.len(), estate().len());
        let marked: BTreeSet<&str> = all
            .rows
            .iter()
            .filter(|row| row.earlier_policy)
            .map(|row| row.account_name.as_str())
            .collect();
        assert_eq!(marked, BTreeSet::from(EARLIER));
        for text in ["earlier=1", "q=policy:earlier", "earlier=1&system=domo"] {
            let page = house.list(&everything(), &query(text)).await;
            assert!(page.rows.iter().all(|row| row.earlier_policy), "{text}");
            let listed = names(&house, &everything(), text).await;
            assert_eq!(listed, BTreeSet::from(EARLIER.map(str::to_owned)), "{text}");
            assert_eq!(page.matching, Count::Exactly(3), "{text}");
        }
        assert_eq!(
            names(&house, &everything(), "earlier=1&kind=mobile").await.len(),
            0
        );
        let past = house
            .list(&everything(), &query(&format!("earlier=1&at=@{}", NOW.0 - 1)))
            .await;
        assert_eq!(
            (past.rows.len(), past.problems.len()),
            (0, 1),
            "the past is not judged by today's limits"
        );
    }
}

#[tokio::test]
async fn domo_p23_the_filter_never_adds_rows_and_its_numbers_are_the_lists() {
    for house in after_the_change().await {
        for caller in callers() {
            for text in [
                "",
                "system=domo",
                "kind=mobile",
                "q=old",
                "state=ended",
                "not.person=old-one",
            ] {
                let plain = names(&house, &caller, text).await;
                let narrowed = format!("{text}&earlier=1");
                let earlier = names(&house, &caller, narrowed.trim_start_matches('&')).await;
                assert!(earlier.is_subset(&plain), "{text}");
            }
            let listed = names(&house, &caller, "system=domo&earlier=1").await.len() as u64;
            let scope = caller.visible(SEE, NOW);
            let mut conn = house.test.db.read().await.unwrap();
            let told = systems::earlier::count(&mut conn, &scope, &SystemId::from("domo"))
                .await
                .unwrap();
            assert_eq!(
                told,
                Some(Count::Exactly(listed)),
                "the number on the link is the list's"
            );
            let none = systems::earlier::count(&mut conn, &scope, &SystemId::from("uportal")).await;
            assert_eq!(none.unwrap(), None, "nothing to compare with is not none of them");
        }
    }
}

#[tokio::test]
async fn domo_p23_groups_selections_and_files_hold_exactly_those() {
    for house in after_the_change().await {
        let asked = query("system=domo&earlier=1");
        let port = house.port(&everything());
        let groups = port.groups(asked.clone(), GroupBy::System).await.unwrap();
        assert_eq!(groups.groups.iter().map(|group| group.sessions).sum::<u64>(), 3);
        let facets = port.facets(asked.clone()).await.unwrap();
        let kinds = facets.iter().find(|facet| facet.field == "kind").unwrap();
        let of = |name: &str| kinds.values.iter().find(|v| v.value == name).unwrap().count;
        assert_eq!((of("web"), of("mobile")), (Count::Exactly(3), Count::Exactly(0)));
        let edit = SelectionEdit {
            all_matching: true,
            query: asked.to_query_string(),
            ..SelectionEdit::default()
        };
        let selected = port.edit_selection(edit).await.unwrap();
        assert_eq!(selected.sessions, Count::Exactly(3));
        let caller = Arc::new(everything());
        let file = house.room.export(&caller, &asked, Format::Csv).await.unwrap();
        let text: String = file.try_collect().await.unwrap();
        let mut read = csv::Reader::from_reader(text.as_bytes());
        let at = read.headers().unwrap().iter().position(|c| c == "earlier_policy");
        let lines: Vec<csv::StringRecord> = read.records().map(Result::unwrap).collect();
        let cells: Vec<&str> = lines.iter().map(|line| &line[at.unwrap()]).collect();
        assert_eq!(cells, ["true"; 3]);
    }
}
