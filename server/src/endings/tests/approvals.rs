//! The second person: who can be it, for what, how long, and what happens without one.

use app::endings::wire::{ApprovalState, Decision, NeedsSecond, Review};
use app::error::AppError;

use super::*;
use crate::caller::SecondFactor;
use crate::error::Error;

/// One person may end two sessions.
fn two_at_most() -> EndingRules {
    EndingRules {
        most_per_act: 2,
        most_per_hour: 100,
        ..EndingRules::default()
    }
}

/// A portal with Ada, a second administrator Eve, a helper Bob, and five people signed in.
struct Scene {
    stage: Stage,
    eve: OperatorId,
    bob: OperatorId,
    ids: Vec<String>,
}

impl Scene {
    async fn both() -> Vec<Self> {
        let mut scenes = Vec::new();
        for stage in Stage::both_with(two_at_most()).await {
            let eve = stage
                .operator("eve", &[("administrator", Scope::EVERYWHERE)])
                .await;
            let bob = stage.operator("bob", &[("helpdesk", Scope::EVERYWHERE)]).await;
            let ids = stage.sign_in(&[1, 2, 3, 4, 5]).await;
            scenes.push(Self {
                eve: eve.id,
                bob: bob.id,
                stage,
                ids,
            });
        }
        scenes
    }

    async fn eve(&self) -> Caller {
        self.stage.caller(&self.eve).await
    }

    async fn bob(&self) -> Caller {
        self.stage.caller(&self.bob).await
    }

    /// Bob asks to end three sessions: one more than he may alone.
    async fn asked(&self) -> EndingId {
        let bob = self.bob().await;
        let draft = self.stage.draft(&bob, &self.ids[..3]).await;
        let form = self.stage.form(&draft).await;
        let confirmed = self.stage.endings.confirm(&bob, &draft, form).await.unwrap();
        assert!(
            matches!(confirmed, Confirmed::AwaitingApproval { .. }),
            "{confirmed:?}"
        );
        draft
    }

    async fn decide(
        &self,
        caller: &Caller,
        draft: &EndingId,
        decision: Decision,
    ) -> Result<Option<i64>, Error> {
        self.stage.endings.decide(caller, draft, decision).await
    }

    async fn state(&self, caller: &Caller, draft: &EndingId) -> ApprovalState {
        let preview = self.stage.endings.preview(caller, draft, false).await.unwrap();
        preview.approval.unwrap().state
    }

    /// Nothing was asked of the system, and no ending has a number.
    async fn assert_nothing_began(&self) {
        self.stage.work().await;
        assert_eq!(self.stage.sim.calls("end"), 0);
        assert_eq!(self.stage.entries("session_terminate_requested").await, 0);
    }
}

fn yes() -> Decision {
    Decision::Approve {
        note: "Seen with the service desk".to_owned(),
    }
}

fn status<T: std::fmt::Debug>(result: Result<T, Error>) -> u16 {
    match result {
        Err(Error::App(told)) => told.status(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn security_b11_above_the_size_somebody_else_approves_the_same_frozen_set() {
    for scene in Scene::both().await {
        let (stage, draft) = (&scene.stage, scene.asked().await);
        scene.assert_nothing_began().await;
        let bob = scene.bob().await;
        let own = stage.endings.preview(&bob, &draft, false).await.unwrap();
        let asked = own.approval.unwrap();
        assert_eq!(asked.why, [NeedsSecond::Size { above: 2 }]);
        assert_eq!((asked.may_decide, asked.alone), (false, None));
        assert_eq!(asked.who, ["ada", "eve"]);

        // One of them leaves, one signs in again: the approver sees the frozen set, and what changed since.
        stage.sim.close(&scene.ids[0]);
        let again = stage.sign_in(&[2]).await;
        let eve = scene.eve().await;
        let seen = stage.endings.preview(&eve, &draft, false).await.unwrap();
        assert_eq!((seen.sessions, seen.gone_since), (3, 1));
        assert_eq!(seen.asked_by.as_deref(), Some("bob"));
        let asked = seen.approval.unwrap();
        assert!(asked.may_decide);
        assert_eq!(
            (asked.reason.as_str(), asked.started_since),
            ("Left the company", 1)
        );
        let listed = stage.endings.endings_page(&eve, None).await.unwrap().waiting;
        assert_eq!(listed.len(), 1);
        assert_eq!(
            (listed[0].gone_since, listed[0].started_since, listed[0].mine),
            (1, 1, false)
        );

        let no = scene.decide(&eve, &draft, yes()).await.unwrap().unwrap();
        let page = stage.work_to_the_end(no).await;
        assert_eq!(page.brief.asked_by, "bob");
        assert_eq!((page.brief.counts.ended, page.brief.counts.already_gone), (2, 1));
        let look = page.second_look.unwrap();
        assert_eq!((look.by.as_str(), look.review), ("eve", None));
        assert!(stage.sim.lets_in(&again[0]), "it began after the set was frozen");
        assert_eq!(stage.entries("approval_requested").await, 1);
        assert_eq!(stage.entries("approval_granted").await, 1);
        stage.assert_chain_whole().await;
    }
}

#[tokio::test]
async fn security_b11_nobody_approves_what_they_asked_for() {
    for scene in Scene::both().await {
        let stage = &scene.stage;
        let ada = stage.caller(&stage.ada.id).await;
        let draft = stage.draft(&ada, &scene.ids[..3]).await;
        let form = stage.form(&draft).await;
        stage.endings.confirm(&ada, &draft, form.clone()).await.unwrap();
        assert_eq!(status(scene.decide(&ada, &draft, yes()).await), 409);
        // Asking again does not help, nor does approving by hand in the database.
        let again = stage.endings.confirm(&ada, &draft, form.clone()).await.unwrap();
        assert!(matches!(again, Confirmed::AwaitingApproval { .. }));
        stage
            .by_hand(
                "UPDATE approval SET state = 'approved', decided_by = (SELECT caller_id FROM ending e \
                 WHERE e.ending_id = approval.ending_id) WHERE ending_id = $1",
                draft.as_str(),
            )
            .await;
        assert_eq!(status(stage.endings.confirm(&ada, &draft, form).await), 409);
        scene.assert_nothing_began().await;
    }
}

#[tokio::test]
async fn security_b11_an_approval_is_used_once() {
    for scene in Scene::both().await {
        let (draft, eve) = (scene.asked().await, scene.eve().await);
        let race = (0..3).map(|_| scene.decide(&eve, &draft, yes()));
        let began = futures::future::join_all(race).await;
        assert_eq!(began.iter().filter(|b| b.is_ok()).count(), 1, "{began:?}");
        let ada = scene.stage.caller(&scene.stage.ada.id).await;
        assert_eq!(status(scene.decide(&ada, &draft, yes()).await), 409);
        // The asker who comes back is led to what began; another set needs another approval.
        let bob = scene.bob().await;
        let form = scene.stage.form(&draft).await;
        let same = scene.stage.endings.confirm(&bob, &draft, form).await.unwrap();
        assert_eq!(same, Confirmed::Started(1));
        let other = scene.asked().await;
        assert_eq!(scene.state(&bob, &other).await, ApprovalState::Waiting);
        assert_eq!(scene.stage.entries("session_terminate_requested").await, 1);
    }
}

#[tokio::test]
async fn security_b11_a_changed_list_is_not_what_was_approved() {
    for scene in Scene::both().await {
        let (draft, eve) = (scene.asked().await, scene.eve().await);
        let bob = scene.bob().await;
        // The asker can't change it while it waits …
        let changed = scene.stage.endings.draft_again(&bob, &draft, true, false).await;
        assert_eq!(status(changed), 409);
        // … and who changes the items behind our back is found out by the hash.
        let sql = "DELETE FROM ending_item WHERE ending_id = $1 AND session_key = \
                   (SELECT MIN(session_key) FROM ending_item)";
        scene.stage.by_hand(sql, draft.as_str()).await;
        assert_eq!(status(scene.decide(&eve, &draft, yes()).await), 409);
        scene.assert_nothing_began().await;
        assert_eq!(
            scene.stage.entries("approval_granted").await,
            0,
            "it was undone with the rest"
        );
        assert_eq!(scene.state(&bob, &draft).await, ApprovalState::Waiting);
    }
}

#[tokio::test]
async fn security_b11_a_late_approval_is_none() {
    for scene in Scene::both().await {
        let draft = scene.asked().await;
        // Longer than a preview lasts, for somebody has to be found.
        scene.stage.clock.advance(3_599);
        let eve = scene.eve().await;
        assert_eq!(scene.state(&eve, &draft).await, ApprovalState::Waiting);
        scene.stage.clock.advance(1);
        let eve = scene.eve().await;
        assert_eq!(status(scene.decide(&eve, &draft, yes()).await), 409);
        assert_eq!(scene.state(&eve, &draft).await, ApprovalState::Expired);
        assert!(
            scene
                .stage
                .endings
                .endings_page(&eve, None)
                .await
                .unwrap()
                .waiting
                .is_empty()
        );
        scene.assert_nothing_began().await;
    }
}

#[tokio::test]
async fn security_b11_rights_are_those_of_the_moment_it_begins() {
    for scene in Scene::both().await {
        let stage = &scene.stage;
        // The asker's was taken away.
        let draft = scene.asked().await;
        stage
            .by_hand(
                "UPDATE role_grant SET revoked_at = 1 WHERE caller_id = $1",
                scene.bob.as_str(),
            )
            .await;
        let eve = scene.eve().await;
        assert_eq!(status(scene.decide(&eve, &draft, yes()).await), 409);
        stage
            .by_hand(
                "UPDATE role_grant SET revoked_at = NULL WHERE caller_id = $1",
                scene.bob.as_str(),
            )
            .await;
        // The asker was disabled.
        stage
            .by_hand(
                "UPDATE operator SET disabled_at = 1 WHERE operator_id = $1",
                scene.bob.as_str(),
            )
            .await;
        assert_eq!(status(scene.decide(&eve, &draft, yes()).await), 409);
        stage
            .by_hand(
                "UPDATE operator SET disabled_at = NULL WHERE operator_id = $1",
                scene.bob.as_str(),
            )
            .await;
        // The approver's was taken away, or covers a part of it only: then it is not theirs to know.
        stage
            .by_hand(
                "UPDATE role_grant SET revoked_at = 1 WHERE caller_id = $1",
                scene.eve.as_str(),
            )
            .await;
        let stripped = scene.eve().await;
        assert_eq!(status(scene.decide(&stripped, &draft, yes()).await), 404);
        let some = stage
            .operator("sue", &[("administrator", Scope::accounts(["person1"]))])
            .await;
        assert_eq!(status(scene.decide(&some, &draft, yes()).await), 404);
        assert!(stage.endings.preview(&some, &draft, false).await.is_err());
        assert!(
            stage
                .endings
                .endings_page(&some, None)
                .await
                .unwrap()
                .waiting
                .is_empty()
        );
        // The password was entered too long ago.
        let mut stale = stage.caller(&stage.ada.id).await;
        stale.auth_at = Some(stage.clock.now().plus_seconds(-301));
        let refused = scene.decide(&stale, &draft, yes()).await;
        assert!(
            matches!(refused, Err(Error::App(AppError::StepUp))),
            "{refused:?}"
        );
        scene.assert_nothing_began().await;
        // Nothing of all that used it up.
        let ada = stage.caller(&stage.ada.id).await;
        assert!(scene.decide(&ada, &draft, yes()).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn turned_down_or_taken_back_nothing_begins_any_more() {
    for scene in Scene::both().await {
        let (first, second) = (scene.asked().await, scene.asked().await);
        let (bob, eve) = (scene.bob().await, scene.eve().await);
        let no = Decision::TurnDown {
            note: "Ask on Monday".to_owned(),
        };
        assert_eq!(scene.decide(&eve, &first, no).await.unwrap(), None);
        assert_eq!(scene.state(&bob, &first).await, ApprovalState::TurnedDown);
        let told = scene
            .stage
            .endings
            .preview(&bob, &first, false)
            .await
            .unwrap()
            .approval
            .unwrap();
        assert_eq!(
            (told.decided_by.as_str(), told.note.as_str()),
            ("eve", "Ask on Monday")
        );
        // Only the asker takes it back, and only once.
        assert_eq!(status(scene.decide(&eve, &second, Decision::Withdraw).await), 409);
        assert_eq!(
            scene.decide(&bob, &second, Decision::Withdraw).await.unwrap(),
            None
        );
        assert_eq!(status(scene.decide(&bob, &second, Decision::Withdraw).await), 409);
        for draft in [&first, &second] {
            assert_eq!(status(scene.decide(&eve, draft, yes()).await), 409);
        }
        scene.assert_nothing_began().await;
    }
}

#[tokio::test]
async fn security_b11_protected_people_and_everybody_of_a_system_need_a_second_person() {
    let rules = EndingRules {
        type_number_above: 2,
        ..EndingRules::default()
    };
    for stage in Stage::both_with(rules).await {
        stage
            .operator("eve", &[("administrator", Scope::EVERYWHERE)])
            .await;
        let ids = stage.sign_in(&[1, 2, 3, 4]).await;
        let needs = async |draft: &EndingId| {
            let ada = stage.caller(&stage.ada.id).await;
            let second = stage
                .endings
                .preview(&ada, draft, false)
                .await
                .unwrap()
                .second_person;
            second.map(|s| s.why)
        };
        let ada = stage.caller(&stage.ada.id).await;
        let part = stage.draft(&ada, &ids[..3]).await;
        assert_eq!(needs(&part).await, None);
        let whole = stage.draft(&ada, &ids).await;
        let everybody = NeedsSecond::Everybody {
            systems: vec!["North".to_owned()],
        };
        assert_eq!(needs(&whole).await, Some(vec![everybody.clone()]));
        // A guest is nobody: left out, it does not make the set less than everybody; alone, guests are not everybody.
        stage
            .by_hand(
                "UPDATE session SET kind = 'guest' WHERE session_key = $1",
                stage.key_of(&ids[3]).as_str(),
            )
            .await;
        assert_eq!(
            needs(&stage.draft(&ada, &ids[..3]).await).await,
            Some(vec![everybody])
        );
        stage
            .by_hand("UPDATE session SET kind = 'guest' WHERE session_key <> $1", "")
            .await;
        let guests = stage.draft(&ada, &ids).await;
        assert_eq!(needs(&guests).await, None);
        let preview = stage.endings.preview(&ada, &guests, false).await.unwrap();
        assert_eq!((preview.sessions, preview.people), (4, 0));
        stage
            .by_hand("UPDATE session SET kind = 'web' WHERE session_key <> $1", "")
            .await;
        let form = stage.form(&whole).await;
        let confirmed = stage.endings.confirm(&ada, &whole, form).await.unwrap();
        assert!(matches!(confirmed, Confirmed::AwaitingApproval { .. }));

        stage
            .by_hand(
                "INSERT INTO protected_subject (protected_id, system_id, who, reason, added_at) \
                 SELECT 'p', system_id, account_sort, 'Director', 0 FROM session WHERE session_key = $1",
                stage.key_of(&ids[0]).as_str(),
            )
            .await;
        let force = stage.draft(&ada, &ids[..1]).await;
        let force = stage
            .endings
            .draft_again(&ada, &force, false, true)
            .await
            .unwrap();
        assert_eq!(needs(&force).await, Some(vec![NeedsSecond::Protected]));
        // Protected after the preview was opened: it can't be confirmed as it is.
        let refused = stage.form(&part).await;
        let refused = stage.endings.confirm(&ada, &part, refused).await;
        assert_eq!(status(refused), 409);
    }
}

#[tokio::test]
async fn where_nobody_else_may_approve_ones_own_limits_are_all_there_is() {
    for stage in Stage::both_with(two_at_most()).await {
        let ids = stage.sign_in(&[1, 2, 3]).await;
        // Ada is the only one who may approve: she ends any number, and Bob's request would be hers to decide.
        stage.ask_to_end(&ids).await;
        let bob = stage.operator("bob", &[("helpdesk", Scope::EVERYWHERE)]).await;
        let draft = stage.draft(&bob, &ids).await;
        let preview = stage.endings.preview(&bob, &draft, false).await.unwrap();
        assert_eq!(preview.second_person.unwrap().who, ["ada"]);
        // Without her there is nobody to ask.
        stage
            .by_hand(
                "UPDATE operator SET disabled_at = 1 WHERE operator_id = $1",
                stage.ada.id.as_str(),
            )
            .await;
        let preview = stage.endings.preview(&bob, &draft, false).await.unwrap();
        assert_eq!(preview.second_person, None);
        assert!(preview.blocked.unwrap().contains("at most 2 sessions"));
        let form = stage.form(&draft).await;
        assert_eq!(status(stage.endings.confirm(&bob, &draft, form).await), 409);
    }
}

#[tokio::test]
async fn what_a_second_person_approved_is_not_counted_against_the_hour() {
    let rules = EndingRules {
        most_per_hour: 2,
        ..EndingRules::default()
    };
    for stage in Stage::both_with(rules).await {
        let ids = stage.sign_in(&[1, 2, 3, 4]).await;
        let bob = stage.operator("bob", &[("helpdesk", Scope::EVERYWHERE)]).await;
        let draft = stage.draft(&bob, &ids[..3]).await;
        let form = stage.form(&draft).await;
        let preview = stage.endings.preview(&bob, &draft, false).await.unwrap();
        let over = NeedsSecond::OverQuota { left: 2, per_hour: 2 };
        assert_eq!(preview.second_person.unwrap().why, [over]);
        stage.endings.confirm(&bob, &draft, form).await.unwrap();
        let ada = stage.caller(&stage.ada.id).await;
        stage.endings.decide(&ada, &draft, yes()).await.unwrap();
        let own = stage.draft(&bob, &ids[3..]).await;
        assert_eq!(
            stage.endings.preview(&bob, &own, false).await.unwrap().quota_left,
            Some(2)
        );
        let form = stage.form(&own).await;
        stage.started(&bob, &own, form).await;
    }
}

#[tokio::test]
async fn security_b12_going_on_alone_takes_a_second_factor_a_reason_and_a_review() {
    for scene in Scene::both().await {
        let stage = &scene.stage;
        let ask = async |caller: &Caller| {
            let draft = stage.draft(caller, &scene.ids[..3]).await;
            let form = stage.form(&draft).await;
            stage.endings.confirm(caller, &draft, form).await.unwrap();
            draft
        };
        let alone = |why: &str| Decision::GoOnAlone { why: why.to_owned() };
        // A helper may not: they could not approve it for others either.
        let bob = scene.bob().await;
        let bobs = ask(&bob).await;
        assert_eq!(
            status(scene.decide(&bob, &bobs, alone("Nobody answers")).await),
            409
        );
        let mut ada = stage.caller(&stage.ada.id).await;
        let draft = ask(&ada).await;
        assert_eq!(
            status(scene.decide(&ada, &draft, alone("Nobody answers")).await),
            409
        );
        ada.factor = SecondFactor::Set;
        assert_eq!(status(scene.decide(&ada, &draft, alone("")).await), 422);
        let mut stale = ada.clone();
        stale.auth_at = Some(stage.clock.now().plus_seconds(-301));
        assert_eq!(
            status(scene.decide(&stale, &draft, alone("Nobody answers")).await),
            401
        );
        // Not by somebody else, and not for what another person asked.
        assert_eq!(
            status(
                scene
                    .decide(&scene.eve().await, &draft, alone("Nobody answers"))
                    .await
            ),
            409
        );
        scene.assert_nothing_began().await;

        let no = scene
            .decide(&ada, &draft, alone("Nobody answers"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            stage
                .one(
                    "SELECT COUNT(*) FROM outbox WHERE kind = $1",
                    "approval.overridden"
                )
                .await,
            1
        );
        let eve = scene.eve().await;
        let mut conn = stage.test.db.read().await.unwrap();
        let calls = stage
            .endings
            .calls_for_a_second(&mut conn, &eve, stage.clock.now())
            .await
            .unwrap();
        drop(conn);
        assert_eq!(calls.went_on_alone.len(), 1);
        assert_eq!(calls.went_on_alone[0].why, "Nobody answers");
        assert_eq!(calls.to_decide.len(), 1, "Bob's still waits");

        // Not reviewed in time: that was the last time.
        stage.clock.advance(86_401);
        let mut ada = stage.caller(&stage.ada.id).await;
        ada.factor = SecondFactor::Set;
        let next = ask(&ada).await;
        assert_eq!(status(scene.decide(&ada, &next, alone("Again")).await), 409);
        assert_eq!(status(stage.endings.review(&ada, no, "I was right").await), 409);
        assert!(
            stage
                .endings
                .review(&scene.bob().await, no, "Looks right")
                .await
                .is_err()
        );
        let eve = scene.eve().await;
        stage
            .endings
            .review(&eve, no, "It was an emergency")
            .await
            .unwrap();
        assert_eq!(status(stage.endings.review(&eve, no, "Once more").await), 409);
        let look = stage.page(no).await.second_look.unwrap();
        assert!(matches!(look.review, Some(Review::Done { by, .. }) if by == "eve"));
        assert!(scene.decide(&ada, &next, alone("Again")).await.unwrap().is_some());
        for action in ["approval_overridden", "approval_override_reviewed"] {
            assert!(stage.entries(action).await > 0, "{action}");
        }
    }
}
