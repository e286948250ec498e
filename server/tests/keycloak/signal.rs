//! A real Keycloak tells Curfew that a session was ended, and Curfew ends what went with it.

use std::sync::Arc;

use app::signals::wire::SignalOutcome;
use app::wire::SystemId;
use serde_json::json;
use server::clock::{Clock, SystemClock};
use server::config::NameSpace;
use server::connectors::simulator::wire::WireSession;
use server::simulators::simulator::Simulator;
use server::simulators::simulator::shape::Shape;

use super::harness::{App, Engine, MORNING};
use super::real::realm;
use super::world::World;

#[tokio::test]
async fn keycloak_its_back_channel_call_is_believed_and_ends_the_persons_session_elsewhere() {
    let sso = realm().await;
    let intranet = Simulator::start(Arc::new(SystemClock), Shape::default())
        .await
        .unwrap();
    let issuer = sso.issuer();
    let rule = json!({
        "id": "sso", "from": "sso", "systems": ["intranet"], "mode": "end",
        "oidc": { "issuer": issuer, "client_id": "portal", "jwks": {
            "algorithm": "RS256", "url": format!("{issuer}/protocol/openid-connect/certs") } },
    });
    let app = App::start_with(Engine::Sqlite, |config| {
        config.systems.insert("sso".to_owned(), sso.settings());
        config
            .systems
            .insert("intranet".to_owned(), intranet.settings("Intranet"));
        config.people.name_space = vec![NameSpace {
            name: "Staff".to_owned(),
            systems: vec!["sso".to_owned(), "intranet".to_owned()],
        }];
        config.signals = vec![serde_json::from_value(rule).unwrap()];
        config.check().unwrap();
    })
    .await;
    // A real server lives now.
    app.clock.advance(SystemClock.now().since(MORNING) / 1000);
    sso.tell(&format!("{}/signals/v1/oidc/sso", app.url)).await;

    let _id = sso.user("ann").await;
    let (session, _) = sso.sign_in("ann", false, false).await;
    let open = |name: &str| {
        intranet.add(WireSession {
            id: server::keys::random_id(),
            kind: "web".to_owned(),
            account_id: name.to_owned(),
            account: name.to_owned(),
            started_ms: Some(SystemClock.now().0 - 5_000),
            active_ms: Some(SystemClock.now().0),
            idle_s: Some(7_200),
            ..serde_json::from_value(json!({"id": "", "kind": "", "account_id": "", "account": ""})).unwrap()
        })
    };
    let (anns, bobs) = (open("ann"), open("bob"));
    for system in ["sso", "intranet"] {
        app.portal
            .collector
            .collect(&SystemId::from(system))
            .await
            .unwrap();
    }
    app.portal.people.link_due().await.unwrap();

    app.clock.advance(SystemClock.now().since(app.clock_now()) / 1000);
    // Inside this call it tells the application's address.
    sso.end_session(&session).await;
    assert_eq!(app.portal.signals.work_due().await.unwrap(), 1, "it was kept");
    app.work().await;
    let page = app
        .ports_of_everything()
        .signals
        .signals_page(None)
        .await
        .unwrap();
    let row = &page.rows[0];
    assert_eq!(
        (row.outcome, row.person.as_deref()),
        (Some(SignalOutcome::Ending), Some("ann")),
        "{row:?}"
    );
    assert!(!intranet.lets_in(&anns) && intranet.lets_in(&bobs));
}
