//! Pages: each row once, in order, counted right, never wider.

use app::sessions::wire::SessionKind;
use app::wire::Direction;

use super::*;
use crate::on;
use crate::sessions::{intake, testing};

/// Walks every page from the first, forwards; stops when the server turned round because nothing was left.
async fn walk(db: &Db, query: &SessionQuery, view: &View) -> Option<Vec<String>> {
    let mut met = Vec::new();
    let mut at = page(db, query, view, SMALL).await?;
    loop {
        met.extend(keys(&at));
        let Some(next) = at.next.clone() else { break };
        let asked = query.from_cursor(&next, false);
        at = page(db, &asked, view, SMALL).await?;
        if at.cursor != asked.cursor {
            break;
        }
    }
    Some(met)
}

/// Walks from the last page back to the first; the rows in list order.
async fn walk_back(db: &Db, query: &SessionQuery, view: &View) -> Option<Vec<String>> {
    let mut at = page(db, query, view, SMALL).await?;
    while let Some(next) = at.next.clone() {
        at = page(db, &query.from_cursor(&next, false), view, SMALL).await?;
    }
    let mut met = keys(&at);
    while let Some(previous) = at.previous.clone() {
        let asked = query.from_cursor(&previous, true);
        at = page(db, &asked, view, SMALL).await?;
        if at.cursor != asked.cursor {
            break;
        }
        let mut before = keys(&at);
        before.extend(met);
        met = before;
    }
    Some(met)
}

#[tokio::test(flavor = "multi_thread")]
async fn ui_c2_pages_hold_what_a_plain_filter_finds_in_the_order_of_the_twins_for_every_caller() {
    let (dbs, known) = estates(300).await;
    let callers = callers();
    let any_caller = prop::sample::select((0..callers.len()).collect::<Vec<_>>());
    check(250, (model::query(), any_caller), async |(query, who)| {
        let view = View::of(&callers[who], NOW);
        for test in &dbs {
            let Some(met) = walk(&test.db, &query, &view).await else {
                // Refused: only ever for want of network data.
                prop_assert!(!view.whole_network());
                continue;
            };
            prop_assert_eq!(
                &met,
                &model::list(&known, &query, &view),
                "{} as {}: {}",
                test.db.engine(),
                who,
                query.to_query_string()
            );
        }
        Ok(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_walked_backwards_are_the_same_rows() {
    let (dbs, known) = estates(150).await;
    let view = View::of(&everything(), NOW);
    check(80, model::query(), async |query| {
        for test in &dbs {
            let met = walk_back(&test.db, &query, &view).await.unwrap();
            prop_assert_eq!(
                met,
                model::list(&known, &query, &view),
                "{}",
                query.to_query_string()
            );
        }
        Ok(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn walking_meets_every_row_that_stays_exactly_once_while_others_come_and_go() {
    let view = View::of(&everything(), NOW);
    let dbs = TestDb::both().await.unwrap();
    for test in &dbs {
        let mut conn = test.db.write().await.unwrap();
        model::insert_kind_limits(&mut conn).await;
        conn.commit().await.unwrap();
    }
    let what = (
        model::query(),
        prop::collection::vec((model::seed(), 0..3_u8, any::<prop::sample::Index>()), 60..120),
    );
    check(40, what, async |(query, seeds)| {
        // Of live ones: who goes leaves the list then.
        let query = SessionQuery {
            states: Vec::new(),
            ..query
        };
        for test in &dbs {
            // 0 = there all the time, 1 = goes on the way, 2 = comes on the way.
            let known: Vec<(Known, u8, usize)> = seeds
                .iter()
                .map(|(seed, fate, step)| (Known::new(seed.clone(), &key()), *fate, step.index(8)))
                .collect();
            let mut conn = test.db.write().await.unwrap();
            let delete = sea_query::Query::delete().from_table("session").take();
            conn.execute(&delete).await.unwrap();
            let first: Vec<_> = known
                .iter()
                .filter(|k| k.1 != 2)
                .map(|k| k.0.seed.clone())
                .collect();
            testing::insert(&mut conn, &key(), &first).await.unwrap();
            conn.commit().await.unwrap();

            let mut met: BTreeMap<String, u32> = BTreeMap::new();
            let mut order = Vec::new();
            let mut at = page(&test.db, &query, &view, SMALL).await.unwrap();
            for step in 0.. {
                for key in keys(&at) {
                    *met.entry(key.clone()).or_default() += 1;
                    order.push(key);
                }
                let mut conn = test.db.write().await.unwrap();
                for (row, fate, when) in &known {
                    if *when == step && *fate == 1 {
                        let key = [row.row.session_key.clone()];
                        intake::vanish(&mut conn, &key, NOW).await.unwrap();
                    }
                }
                let come: Vec<_> = known
                    .iter()
                    .filter(|(_, fate, when)| *fate == 2 && *when == step)
                    .map(|(k, _, _)| k.seed.clone())
                    .collect();
                testing::insert(&mut conn, &key(), &come).await.unwrap();
                conn.commit().await.unwrap();
                let Some(next) = at.next.clone() else { break };
                let asked = query.from_cursor(&next, false);
                at = page(&test.db, &asked, &view, SMALL).await.unwrap();
                if at.cursor != asked.cursor {
                    break;
                }
            }
            prop_assert!(
                met.values().all(|times| *times == 1),
                "a row twice: {}",
                query.to_query_string()
            );
            for (row, fate, _) in &known {
                let times = met.get(&row.row.session_key).copied().unwrap_or(0);
                if !row.matches(&query, &view) {
                    prop_assert_eq!(times, 0);
                } else if *fate == 0 {
                    prop_assert_eq!(times, 1, "lost a row: {}", query.to_query_string());
                }
            }
            // In the order they came in.
            let mut known = known;
            known.sort_by_key(|(_, fate, when)| (*fate == 2).then_some(*when));
            let all: Vec<Known> = known.into_iter().map(|k| k.0).collect();
            let mut sorted = model::list(&all, &query, &view);
            sorted.retain(|key| met.contains_key(key));
            prop_assert_eq!(order, sorted);
        }
        Ok(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_behind_a_row_that_is_forgotten_by_now_leaves_nothing_out() {
    let (dbs, known) = estates(150).await;
    let view = View::of(&everything(), NOW);
    check(40, model::query(), async |query| {
        let all = model::list(&known, &query, &view);
        for test in &dbs {
            let first = page(&test.db, &query, &view, SMALL).await.unwrap();
            let Some(next) = first.next.clone() else { continue };
            let last = first.rows.last().unwrap().session_key.clone();
            let seed = known
                .iter()
                .find(|k| k.row.session_key == last)
                .unwrap()
                .seed
                .clone();
            let mut conn = test.db.write().await.unwrap();
            on!(conn, c => sqlx::query("DELETE FROM session WHERE session_key = $1").bind(&last).execute(c).await.map(|_| ()).unwrap());
            conn.commit().await.unwrap();
            let rest = walk(&test.db, &query.from_cursor(&next, false), &view)
                .await
                .unwrap();
            let missing = all
                .iter()
                .filter(|key| !keys(&first).contains(key) && !rest.contains(key));
            prop_assert_eq!(missing.count(), 0, "{}", query.to_query_string());
            // Back for the next case: the order among equals is not what this test is about.
            let mut conn = test.db.write().await.unwrap();
            testing::insert(&mut conn, &key(), &[seed]).await.unwrap();
            conn.commit().await.unwrap();
        }
        Ok(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn ui_b4_adding_a_filter_never_adds_rows() {
    let (dbs, _) = estates(200).await;
    let callers = callers();
    let any_caller = prop::sample::select((0..callers.len()).collect::<Vec<_>>());
    check(
        150,
        (model::query(), model::filter(), any_caller),
        async |(query, more, who)| {
            let view = View::of(&callers[who], NOW);
            let mut narrower = query.clone();
            more.apply(&mut narrower);
            // A filter in the place of another one is another question.
            prop_assume!(narrower.without_filters() == query.without_filters());
            let (before, added) = (query.filter_pairs(), narrower.filter_pairs());
            prop_assume!(before.iter().all(|pair| added.contains(pair)));
            // So is one more value where one is enough: "domo or keycloak" holds more than "domo".
            prop_assume!(before.iter().all(|(name, _)| {
                let values = |pairs: &[(_, _)]| pairs.iter().filter(|(n, _)| n == name).count();
                values(&added) == values(&before)
            }));
            // And so is what is left out until it is asked for: other states than live, guests.
            prop_assume!(narrower.states == query.states);
            prop_assume!(narrower.kinds == query.kinds || !narrower.kinds.contains(&SessionKind::Guest));
            for test in &dbs {
                let Some(wide) = walk(&test.db, &query, &view).await else {
                    continue;
                };
                let Some(narrow) = walk(&test.db, &narrower, &view).await else {
                    continue;
                };
                let wide: BTreeSet<_> = wide.into_iter().collect();
                prop_assert!(narrow.iter().all(|key| wide.contains(key)));
            }
            Ok(())
        },
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ui_b6_counts_equal_the_list_and_say_when_they_stopped() {
    let (dbs, known) = estates(200).await;
    let callers = callers();
    let any_caller = prop::sample::select((0..callers.len()).collect::<Vec<_>>());
    check(120, (model::query(), any_caller), async |(query, who)| {
        let view = View::of(&callers[who], NOW);
        let there = model::list(&known, &query, &view).len() as u64;
        for test in &dbs {
            let Some(first) = page(&test.db, &query, &view, SMALL).await else {
                continue;
            };
            let expected = match there {
                n if n > SMALL.count_up_to => Count::MoreThan(SMALL.count_up_to),
                n => Count::Exactly(n),
            };
            prop_assert_eq!(first.matching, expected, "{}", query.to_query_string());
            let mut conn = test.db.read().await.unwrap();
            let filter = view.filter(&query, Dialect::of(&conn)).unwrap();
            let exact = list::count_up_to(&mut conn, filter.condition(), None)
                .await
                .unwrap();
            prop_assert_eq!(exact, there);
        }
        Ok(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_told_from_the_first_page_on_and_back() {
    let (dbs, known) = estates(60).await;
    let view = View::of(&everything(), NOW);
    let query = SessionQuery {
        direction: Direction::Descending,
        ..SessionQuery::default()
    };
    let all = model::list(&known, &query, &view);
    for test in &dbs {
        let first = page(&test.db, &query, &view, SMALL).await.unwrap();
        assert_eq!((first.first_row, first.previous.is_none()), (1, true));
        let second = query.from_cursor(first.next.as_ref().unwrap(), false);
        let second = page(&test.db, &second, &view, SMALL).await.unwrap();
        assert_eq!(second.first_row, 8);
        assert_eq!(keys(&second), all[7..14]);
        let back = query.from_cursor(second.previous.as_ref().unwrap(), true);
        let back = page(&test.db, &back, &view, SMALL).await.unwrap();
        assert_eq!(back.first_row, 1);
        assert_eq!(keys(&back), keys(&first));
        assert!(back.previous.is_none() && back.next.is_some());
    }
}

#[tokio::test]
async fn a_cursor_that_is_not_one_is_a_problem_and_lists_nothing() {
    let (dbs, _) = estates(20).await;
    let view = View::of(&everything(), NOW);
    let query = SessionQuery::default();
    let person = SessionQuery {
        sort: app::sessions::query::SortKey::Person,
        ..query.clone()
    };
    for test in &dbs {
        let mut conn = test.db.read().await.unwrap();
        let foreign = page(&test.db, &person, &view, SMALL).await.unwrap().next.unwrap();
        let nul = data_encoding::BASE64URL_NOPAD.encode(br#"{"s":"person","v":"a\u0000","k":"k","n":0}"#);
        for (query, text) in [
            (&query, "x"),
            (&query, "%%%"),
            (&query, "e30"),
            (&query, foreign.as_str()),
            (&person, nul.as_str()),
        ] {
            let asked = query.from_cursor(text, false);
            let filter = view.filter(&asked, Dialect::of(&conn)).unwrap();
            let answer = list::page(&mut conn, &asked, &filter, SMALL).await.unwrap();
            assert_eq!(answer.unwrap_err().field, "after", "{text}");
        }
    }
}

#[tokio::test]
async fn a_system_no_grant_names_and_text_no_database_takes_list_nothing() {
    let (dbs, _) = estates(20).await;
    for test in &dbs {
        let conn = test.db.read().await.unwrap();
        let view = View::of(&everything(), NOW);
        let odd = SessionQuery {
            search: "a\0b".to_owned(),
            ..SessionQuery::default()
        };
        assert!(view.filter(&odd, Dialect::of(&conn)).is_err());
        let none = View::of(&caller(&[]), NOW);
        let empty = page(&test.db, &SessionQuery::default(), &none, SMALL)
            .await
            .unwrap();
        assert_eq!((empty.rows.len(), empty.matching), (0, Count::Exactly(0)));
    }
}
