//! Signals of CAS, and the page of signals: who sees what of whom.

use app::access::wire::{People, Places, Scope, ThesePeople};
use app::signals::wire::SignalOutcome as Outcome;
use reqwest::StatusCode;

use crate::harness::Logged;
use crate::signals_estate::{BOTH, SECRET, Signals};

#[tokio::test]
async fn a_request_of_cas_ends_by_user_name_and_its_service_ticket_is_kept_nowhere() {
    for engine in BOTH {
        let log = Logged::start();
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        let bob = estate.signed_in("bob").await;
        let request = estate.request("Ann");
        let answer = estate.tell_cas(SECRET, &request).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (StatusCode::OK, "no-store")
        );
        // One post for each service ticket of the session: the second finds the first at it.
        estate.tell_cas(SECRET, &estate.request("ann")).await;
        estate.app.portal.signals.work_due().await.unwrap();
        assert_eq!(estate.outcome().await, Some(Outcome::InHand), "{engine:?}");
        estate.work().await;
        assert_eq!(
            (estate.live(&ann), estate.live(&bob).len()),
            (vec!["payroll"], 3),
            "{engine:?}"
        );
        assert_eq!(estate.kept().await, (2, 1));
        let kept = estate.stored().await + &estate.app.everything_stored().await + &log.text();
        assert!(!kept.contains("-secret") && !kept.contains(SECRET), "{engine:?}");

        estate.tell_cas(SECRET, &estate.request("@NOT_USED@")).await;
        estate.work().await;
        assert_eq!(estate.outcome().await, Some(Outcome::Unmatched));
    }
}

#[tokio::test]
async fn the_page_shows_what_is_part_of_ones_grant_and_nothing_of_others() {
    for engine in BOTH {
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        let bob = estate.signed_in("bob").await;
        for person in [&ann, &bob] {
            estate.tell(&estate.token(&estate.claims(person))).await;
        }
        let mut unknown = estate.claims(&ann);
        unknown["sub"] = "nobody".into();
        unknown["sid"] = "nothing".into();
        estate.tell(&estate.token(&unknown)).await;
        estate.work().await;

        let ann_only = Scope {
            places: Places::Systems(vec!["sso".into(), "intranet".into()]),
            people: People::These(ThesePeople {
                accounts: vec!["ann".to_owned()],
                ..ThesePeople::default()
            }),
        };
        estate.app.person("hal", "Hal", &[("helpdesk", ann_only)]).await;
        let elsewhere = Scope::systems(["payroll"]);
        estate.app.person("pat", "Pat", &[("helpdesk", elsewhere)]).await;
        estate.app.person("nob", "Nob", &[]).await;
        estate.app.administrator("mara").await;

        let hal = estate.app.signed_in("hal").await.get("/signals").await;
        assert_eq!(hal.status, StatusCode::OK);
        assert!(
            hal.body.contains(">ann<") && hal.body.contains("1 in INTRANET"),
            "{}",
            hal.body
        );
        for hidden in ["bob", "LIBRARY", "Nobody known", "/signals/v1"] {
            assert!(!hal.body.contains(hidden), "{engine:?}: {hidden}");
        }
        let pat = estate.app.signed_in("pat").await.get("/signals").await;
        assert!(
            pat.body.contains("No signal came") && !pat.body.contains(">ann<"),
            "{engine:?}"
        );
        let nob = estate.app.signed_in("nob").await.get("/signals").await;
        assert_eq!(nob.status, StatusCode::FORBIDDEN);
        let mara = estate.app.signed_in("mara").await.get("/signals").await;
        for shown in [
            ">ann<",
            ">bob<",
            "1 in LIBRARY",
            "Nobody known",
            "/signals/v1/oidc/sso",
            "Ending 1",
        ] {
            assert!(mara.body.contains(shown), "{engine:?}: {shown}");
        }
        assert!(!mara.body.contains(SECRET));
        let signed_out = estate.app.browser().get("/signals").await;
        assert!(signed_out.leads_to_sign_in());
        // Older ones by their address.
        let rows = estate.page().await.rows;
        let ports = estate.app.ports_of_everything();
        let older = ports
            .signals
            .signals_page(Some(rows[0].signal_id.clone()))
            .await
            .unwrap();
        assert_eq!(older.rows.len(), rows.len() - 1);
    }
}
