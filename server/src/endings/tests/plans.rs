//! Endings that begin later, and what people are told before (ui_E5).

use app::endings::wire::{AT, Begin, Decision, EndingState, MINUTES, NOTICE, NeedsSecond};
use app::error::AppError;

use super::*;
use crate::error::Error;

const TEXT: &str = "Maintenance at {time}: please save your work.";
/// What people see of it ten minutes after the tests began.
const SEEN: &str = "Maintenance at 08:10 UTC: please save your work.";

impl Stage {
    /// A webhook takes notices to people.
    fn tells(&self) {
        self.endings.take_tellers(|| vec!["hooks.example.org".to_owned()]);
    }

    /// Drafts and confirms an ending of these sessions that begins in ten minutes; its number.
    async fn plan(&self, raw_ids: &[String]) -> i64 {
        let ada = self.caller(&self.ada.id).await;
        let draft = self.draft(&ada, raw_ids).await;
        let form = Confirm {
            begin: Begin::In(10),
            notice: format!(" {TEXT} "),
            ..self.form(&draft).await
        };
        self.started(&ada, &draft, form).await
    }

    /// Events of that kind in the outbox, as their receivers get them.
    async fn events(&self, kind: &str) -> Vec<serde_json::Value> {
        let mut conn = self.test.db.read().await.unwrap();
        let sql = "SELECT data FROM outbox WHERE kind = $1 ORDER BY created_at, event_id";
        let found: Vec<String> =
            on!(conn, c => sqlx::query_scalar(sql).bind(kind).fetch_all(c).await.unwrap());
        found
            .iter()
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }
}

fn fields(refused: Result<Confirmed, Error>) -> Vec<String> {
    match refused {
        Err(Error::App(AppError::Invalid { problems })) => problems.into_iter().map(|p| p.field).collect(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn ui_e5_nothing_is_asked_before_the_time_and_then_it_is_an_ending_like_any() {
    for stage in Stage::both().await {
        stage.tells();
        let ids = stage.sign_in(&[1, 2]).await;
        let ending_no = stage.plan(&ids).await;
        let begins_at = stage.clock.now().plus_seconds(600);
        stage.clock.advance(599);
        stage.work().await;
        assert_eq!(stage.sim.calls("end"), 0);
        let page = stage.page(ending_no).await;
        assert_eq!(page.brief.state, EndingState::Waiting);
        assert_eq!(page.brief.planned(page.now), Some(begins_at));
        assert_eq!(page.notice, SEEN);
        let running = stage
            .endings
            .running(&stage.ada, stage.clock.now())
            .await
            .unwrap();
        assert_eq!(running, None, "it is not at work");

        stage.clock.advance(1);
        let page = stage.work_to_the_end(ending_no).await;
        assert_eq!(page.brief.counts.ended, 2);
        assert_eq!(page.brief.begun_at(), begins_at);
        assert_eq!(page.brief.planned(page.now), None);
        stage.assert_chain_whole().await;
    }
}

#[tokio::test]
async fn ui_e5_receivers_get_the_very_text_once_and_learn_when_it_will_not_be() {
    for stage in Stage::both().await {
        stage.tells();
        let ids = stage.sign_in(&[1, 2]).await;
        let ending_no = stage.plan(&ids).await;
        let told = stage.events("people.notice").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["text"], SEEN);
        let at = app::civil::rfc3339(stage.clock.now().plus_seconds(600));
        assert_eq!(told[0]["begins_at"], at);
        assert_eq!(told[0]["sessions"], 2);
        assert!(stage.events("people.notice_withdrawn").await.is_empty());

        let ada = stage.caller(&stage.ada.id).await;
        stage.endings.stop(&ada, ending_no).await.unwrap();
        let withdrawn = stage.events("people.notice_withdrawn").await;
        assert_eq!(withdrawn, [serde_json::json!({ "ending_no": ending_no })]);
        stage.clock.advance(700);
        stage.work().await;
        assert_eq!(stage.sim.calls("end"), 0);
        assert_eq!(stage.page(ending_no).await.brief.counts.stopped, 2);
    }
}

#[tokio::test]
async fn stopping_one_that_had_begun_withdraws_no_notice() {
    for stage in Stage::both().await {
        stage.tells();
        let ids = stage.sign_in(&[1]).await;
        let ending_no = stage.plan(&ids).await;
        stage.clock.advance(600);
        let ada = stage.caller(&stage.ada.id).await;
        stage.endings.stop(&ada, ending_no).await.unwrap();
        assert!(stage.events("people.notice_withdrawn").await.is_empty());
    }
}

#[tokio::test]
async fn a_time_that_is_over_or_far_and_a_notice_to_nobody_are_refused_and_nothing_is_kept() {
    for stage in Stage::both().await {
        stage.tells();
        let ids = stage.sign_in(&[1]).await;
        let draft = stage.draft(&stage.ada, &ids).await;
        let good = stage.form(&draft).await;
        let now = stage.clock.now();
        let with = |begin, notice: &str| Confirm {
            begin,
            notice: notice.to_owned(),
            ..good.clone()
        };
        let long = "x".repeat(501);
        for (form, field) in [
            (with(Begin::At(now), ""), AT),
            (with(Begin::At(now.plus_seconds(86_401)), ""), AT),
            (with(Begin::In(0), ""), MINUTES),
            (with(Begin::In(i64::MAX), ""), MINUTES),
            (with(Begin::Now, TEXT), NOTICE),
            (with(Begin::In(5), &long), NOTICE),
        ] {
            assert_eq!(
                fields(stage.endings.confirm(&stage.ada, &draft, form).await),
                [field]
            );
        }
        assert!(stage.events("people.notice").await.is_empty());
        // Refused first, then confirmed without a time: it begins at once.
        let ending_no = stage.started(&stage.ada, &draft, good).await;
        assert_eq!(stage.page(ending_no).await.brief.begins_at, None);
    }
}

#[tokio::test]
async fn rights_that_were_taken_away_before_the_time_end_nothing() {
    for stage in Stage::both().await {
        let eve = stage
            .operator("eve", &[("administrator", Scope::EVERYWHERE)])
            .await;
        let ids = stage.sign_in(&[1]).await;
        let draft = stage.draft(&eve, &ids).await;
        let form = Confirm {
            begin: Begin::In(10),
            ..stage.form(&draft).await
        };
        let ending_no = stage.started(&eve, &draft, form).await;
        stage
            .by_hand(
                "UPDATE role_grant SET revoked_at = 1 WHERE caller_id = $1",
                eve.id.as_str(),
            )
            .await;
        stage.clock.advance(600);
        let page = stage.work_to_the_end(ending_no).await;
        assert_eq!(page.brief.counts.stopped, 1);
        assert_eq!(stage.sim.calls("end"), 0);
    }
}

#[tokio::test]
async fn the_second_person_approves_the_time_and_the_text_too() {
    let rules = EndingRules {
        most_per_act: 1,
        ..EndingRules::default()
    };
    for stage in Stage::both_with(rules).await {
        let eve = stage
            .operator("eve", &[("administrator", Scope::EVERYWHERE)])
            .await;
        let bob = stage.operator("bob", &[("helpdesk", Scope::EVERYWHERE)]).await;
        stage.tells();
        let ids = stage.sign_in(&[1, 2]).await;
        let draft = stage.draft(&bob, &ids).await;
        let asked = Confirm {
            begin: Begin::In(5),
            notice: TEXT.to_owned(),
            ..stage.form(&draft).await
        };
        let confirmed = stage.endings.confirm(&bob, &draft, asked.clone()).await.unwrap();
        assert!(matches!(confirmed, Confirmed::AwaitingApproval { .. }));
        assert!(
            stage.events("people.notice").await.is_empty(),
            "nothing is sure yet"
        );
        // Asked again with another plan: what waits is what was asked for first.
        let other = Confirm {
            begin: Begin::Now,
            notice: String::new(),
            ..asked
        };
        stage.endings.confirm(&bob, &draft, other).await.unwrap();
        let preview = stage.endings.preview(&eve, &draft, false).await.unwrap();
        assert_eq!(preview.approval.unwrap().why, [NeedsSecond::Size { above: 1 }]);
        assert_eq!((preview.begin, preview.notice.as_str()), (Begin::In(5), TEXT));

        stage.clock.advance(60);
        let note = "Seen with the service desk".to_owned();
        let eve = stage.caller(&eve.id).await;
        let began = stage
            .endings
            .decide(&eve, &draft, Decision::Approve { note })
            .await;
        let ending_no = began.unwrap().unwrap();
        assert_eq!(stage.events("people.notice").await.len(), 1);
        stage.work().await;
        assert_eq!(stage.sim.calls("end"), 0);
        stage.clock.advance(299);
        stage.work().await;
        assert_eq!(stage.sim.calls("end"), 0, "five minutes after the approval");
        stage.clock.advance(1);
        assert_eq!(stage.work_to_the_end(ending_no).await.brief.counts.ended, 2);
    }
}

#[tokio::test]
async fn words_that_nobody_would_be_told_are_refused() {
    for stage in Stage::both().await {
        let ids = stage.sign_in(&[1]).await;
        let draft = stage.draft(&stage.ada, &ids).await;
        let form = Confirm {
            begin: Begin::In(10),
            notice: TEXT.to_owned(),
            ..stage.form(&draft).await
        };
        let told = stage
            .endings
            .preview(&stage.ada, &draft, false)
            .await
            .unwrap()
            .told;
        assert!(!told.anybody());
        assert_eq!(
            fields(stage.endings.confirm(&stage.ada, &draft, form).await),
            [NOTICE]
        );
        assert_eq!(stage.entries("session_terminate_requested").await, 0);
    }
}
