//! Ticks, as the port keeps them: many, all that match, single ones taken off, and a selection that is over.

use app::error::AppError;
use app::sessions::port::SessionsPort;
use app::sessions::query::SortKey;
use app::sessions::wire::SelectionEdit;
use app::wire::{SelectionId, SessionKey, Timestamp};

use super::house::{houses, seed, session_key, sessions, tick};
use super::*;
use crate::sessions::testing::Seed;

#[tokio::test]
async fn a_thousand_and_one_ticks_are_kept_and_single_ones_dropped() {
    let seeds: Vec<Seed> = (0..1_001).map(|n| seed("domo", &format!("a{n}"), "")).collect();
    let keys: Vec<SessionKey> = seeds.iter().map(session_key).collect();
    for house in houses(&seeds).await {
        let everything = everything();
        let port = house.port(&everything);
        let summary = port.edit_selection(tick(keys.clone())).await.unwrap();
        assert_eq!(
            (summary.sessions, summary.people),
            (Count::Exactly(1_001), Count::Exactly(1_001))
        );
        let untick = SelectionEdit {
            selection_id: Some(summary.selection_id.clone()),
            shown: keys[..3].to_vec(),
            ticked: keys[1..3].to_vec(),
            query: "q=a1000".to_owned(),
            ..SelectionEdit::default()
        };
        let summary = port.edit_selection(untick).await.unwrap();
        assert_eq!(summary.sessions, Count::Exactly(1_000));
        assert_eq!(summary.hidden_by_filter, 999, "only a1000 is in view");
        let again = SessionQuery {
            selection: Some(summary.selection_id.clone()),
            sort: SortKey::Person,
            ..SessionQuery::default()
        };
        let page = house.list(&everything, &again).await;
        assert_eq!(
            page.rows.iter().filter(|row| row.selected).count(),
            100 - page.rows.iter().filter(|row| row.session_key == keys[0]).count()
        );
    }
}

#[tokio::test]
async fn everything_selected_stays_everything_until_one_row_is_unticked() {
    let seeds: Vec<Seed> = (0..5).map(|n| seed("domo", &format!("a{n}"), "")).collect();
    let keys: Vec<SessionKey> = seeds.iter().map(session_key).collect();
    for house in houses(&seeds).await {
        let everything = everything();
        let port = house.port(&everything);
        let all = SelectionEdit {
            all_matching: true,
            ..SelectionEdit::default()
        };
        let first = port.edit_selection(all).await.unwrap();
        assert!(first.all && sessions(&first) == 5);
        // The pager sends the page as it stands.
        let mut form = SelectionEdit {
            selection_id: Some(first.selection_id.clone()),
            ..tick(keys.clone())
        };
        let kept = port.edit_selection(form.clone()).await.unwrap();
        assert!(kept.all && sessions(&kept) == 5);
        form.ticked.remove(0);
        let less = port.edit_selection(form).await.unwrap();
        assert!(!less.all);
        assert_eq!(sessions(&less), 4);

        house.clock.advance(24 * 3600 + 1);
        let late = SelectionEdit {
            selection_id: Some(less.selection_id),
            ..tick(keys.clone())
        };
        assert!(matches!(
            port.edit_selection(late).await,
            Err(AppError::NotFound { .. })
        ));
        let strange = SelectionEdit {
            all_matching: true,
            query: "sytem=domo".to_owned(),
            ..SelectionEdit::default()
        };
        assert!(matches!(
            port.edit_selection(strange).await,
            Err(AppError::Invalid { .. })
        ));
    }
}

#[tokio::test]
async fn a_selection_that_is_over_leaves_the_list_as_it_is() {
    for house in houses(&[seed("domo", "asmith", "Ann Smith")]).await {
        let query = SessionQuery {
            selection: Some(SelectionId::from("none")),
            ..SessionQuery::default()
        };
        let page = house.list(&everything(), &query).await;
        assert_eq!((page.rows.len(), page.selection), (1, None));
        assert_eq!(page.now, Timestamp(NOW.0));
    }
}
