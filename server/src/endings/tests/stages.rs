//! Identity servers first.

use super::*;
use crate::simulators::simulator::faults::Bad;

/// Ends one session at an identity server, `gate`, and one of the same person at `north`.
struct Both {
    stage: Stage,
    gate: Simulator,
    at_gate: String,
    at_north: String,
}

impl Both {
    async fn on_each(rules: EndingRules) -> Vec<Self> {
        let mut all = Vec::new();
        for mut stage in Stage::both_with(rules).await {
            let clock: Arc<dyn Clock> = stage.clock.clone();
            let gate = Simulator::start(clock, Shape::default()).await.unwrap();
            let mut settings = gate.settings("Gate");
            settings.timeout_ms = Some(500);
            settings.own.insert("identity_server".to_owned(), true.into());
            stage.config.systems.insert("gate".to_owned(), settings);
            let problems = stage.systems.apply_settings(&stage.config, None).await.unwrap();
            assert!(problems.is_empty(), "{problems:?}");
            let at_gate = gate.open(7);
            stage.clock.advance(1);
            stage.collector.collect(&"gate".into()).await.unwrap().unwrap();
            let at_north = stage.sign_in(&[7]).await.remove(0);
            all.push(Self {
                stage,
                gate,
                at_gate,
                at_north,
            });
        }
        all
    }

    async fn ask(&self) -> i64 {
        let stage = &self.stage;
        let ada = stage.caller(&stage.ada.id).await;
        let keys = [
            stage.key_of(&self.at_north),
            stage.key.session_key("gate", "", "web", &self.at_gate),
        ];
        let draft = stage.endings.draft_of_keys(&ada, &keys).await.unwrap();
        let preview = stage.endings.preview(&ada, &draft, false).await.unwrap();
        let order: Vec<(&str, bool)> = preview
            .by_system
            .iter()
            .map(|s| (s.system_name.as_str(), s.first))
            .collect();
        assert_eq!(order, [("Gate", true), ("North", false)]);
        let form = stage.form(&draft).await;
        stage.started(&ada, &draft, form).await
    }

    fn fail_gate(&self) {
        self.gate.faults(|f| f.list = Bad::Garbage);
    }

    /// Outcomes at the identity server and at the other system.
    async fn outcomes(&self, ending_no: i64) -> (Option<Outcome>, Option<Outcome>) {
        let page = self.stage.page(ending_no).await;
        let of = |system: &str| {
            let item = page.items.iter().find(|i| i.system_id.as_str() == system);
            item.unwrap().outcome
        };
        (of("gate"), of("north"))
    }

    fn note(page: &EndingPage) -> &str {
        let north = page.by_system.iter().find(|s| s.system_id == north());
        &north.unwrap().note
    }
}

#[tokio::test]
async fn an_application_is_asked_after_its_identity_server() {
    for both in Both::on_each(EndingRules::default()).await {
        let ending = both.ask().await;
        let stage = &both.stage;
        stage.endings.work_on(&north()).await.unwrap();
        assert_eq!(both.outcomes(ending).await, (None, None));
        assert_eq!(
            Both::note(&stage.page(ending).await),
            "Waits for the identity servers"
        );
        stage.endings.work_on(&"gate".into()).await.unwrap();
        assert_eq!(both.outcomes(ending).await, (Some(Outcome::Ended), None));
        stage.endings.work_on(&north()).await.unwrap();
        assert_eq!(
            both.outcomes(ending).await,
            (Some(Outcome::Ended), Some(Outcome::Ended))
        );
        assert_eq!(stage.page(ending).await.went_on_at, None);
        stage.assert_chain_whole().await;
    }
}

#[tokio::test]
async fn an_application_does_not_wait_for_ever() {
    for both in Both::on_each(EndingRules::default()).await {
        let ending = both.ask().await;
        let stage = &both.stage;
        both.fail_gate();
        stage.work().await;
        assert_eq!(both.outcomes(ending).await, (None, None));
        stage.clock.advance(59);
        stage.work().await;
        assert_eq!(both.outcomes(ending).await, (None, None));
        stage.clock.advance(1);
        stage.work().await;
        assert_eq!(both.outcomes(ending).await, (None, Some(Outcome::Ended)));
        let page = stage.page(ending).await;
        assert_eq!(page.went_on_at, Some(stage.clock.now()));
        assert_eq!(page.brief.counts.waiting, 1);
    }
}

#[tokio::test]
async fn a_pause_is_no_time_to_wait() {
    for both in Both::on_each(EndingRules::default()).await {
        let ending = both.ask().await;
        let stage = &both.stage;
        let ada = stage.caller(&stage.ada.id).await;
        stage.endings.pause_all(&ada, "Wait".to_owned()).await.unwrap();
        stage.clock.advance(600);
        stage.work().await;
        let ada = stage.caller(&stage.ada.id).await;
        stage.endings.resume_all(&ada, "Go on".to_owned()).await.unwrap();
        both.fail_gate();
        stage.work().await;
        assert_eq!(both.outcomes(ending).await, (None, None));
        assert_eq!(stage.page(ending).await.went_on_at, None);
    }
}

#[tokio::test]
async fn who_may_not_see_the_identity_server_is_not_told_of_it() {
    for both in Both::on_each(EndingRules::default()).await {
        let ending = both.ask().await;
        let stage = &both.stage;
        let helper = stage
            .operator("helper", &[("helpdesk", Scope::systems(["north"]))])
            .await;
        let page = stage
            .endings
            .ending_page(&helper, ending, None, None)
            .await
            .unwrap();
        assert_eq!(Both::note(&page), "Waits for its turn");
        both.fail_gate();
        stage.clock.advance(60);
        stage.work().await;
        let page = stage
            .endings
            .ending_page(&helper, ending, None, None)
            .await
            .unwrap();
        assert_eq!((page.went_on_at, page.by_system.len()), (None, 1));
    }
}

#[tokio::test]
async fn no_wait_where_the_settings_say_so() {
    let rules = EndingRules {
        identity_first_s: 0,
        ..EndingRules::default()
    };
    for both in Both::on_each(rules).await {
        let ending = both.ask().await;
        both.stage.endings.work_on(&north()).await.unwrap();
        assert_eq!(both.outcomes(ending).await, (None, Some(Outcome::Ended)));
        assert_eq!(both.stage.page(ending).await.went_on_at, None);
    }
}
