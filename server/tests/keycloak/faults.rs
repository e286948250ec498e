//! What only an imitation can play: paging while people leave, slow applications, stale tokens, bad settings.

use std::time::Duration;

use server::connectors::{Answer, Completeness, ErrorKind, Recipe, Wanted, conformance, make};
use server::simulators::keycloak::faults::{Bad, Call};
use server::simulators::keycloak::model::PORTAL;

use super::simulated::simulated;

/// 2,500 sessions at two clients: three pages, each met once.
#[tokio::test]
async fn keycloak_pages_meet_every_session_once() {
    for read_by in ["clients", "console"] {
        let (server, far) = simulated(read_by).await;
        server.model(|model, now| model.fill("lab", 300, 2_500, now));
        let rows = far.all().await;
        let mut ids: Vec<(&str, bool)> = rows
            .iter()
            .map(|row| {
                (
                    row.handle.expose(),
                    row.kind == app::sessions::wire::SessionKind::Offline,
                )
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((rows.len(), ids.len()), (2_500, 2_500), "{read_by}");
        let named = rows.iter().filter(|row| !row.display_name.is_empty()).count();
        assert!(named > 2_000, "{named} have their names");
    }
}

#[tokio::test]
async fn keycloak_a_list_that_shifts_too_far_between_pages_is_partial() {
    for (leave, whole) in [(20, true), (80, false)] {
        let (server, far) = simulated("clients").await;
        server.model(|model, now| model.fill("lab", 300, 2_500, now));
        server.faults(|faults| faults.leave_between_pages = leave);
        let (completeness, _) = far.listed().await.unwrap();
        assert_eq!(
            completeness == Completeness::Complete,
            whole,
            "{leave}: {completeness:?}"
        );
    }
}

#[tokio::test]
async fn keycloak_a_list_as_long_as_the_limit_is_partial() {
    for read_by in ["clients", "console"] {
        let (server, far) = simulated(read_by).await;
        server.model(|model, now| model.fill("lab", 10, 40, now));
        let mut settings = far.world.settings();
        settings.own.insert("limit".to_owned(), 20.into());
        settings.own.insert("read_by".to_owned(), read_by.into());
        let near = super::world::connect(&settings, far.world.timeout());
        let (whole, _) = conformance::list(near.as_ref(), Wanted::All).await.unwrap();
        assert!(
            matches!(whole, Completeness::Partial(why) if why.contains("limit")),
            "{read_by}"
        );
    }
}

/// It tells the applications before it answers: a late answer is none, and only the list says what became of it.
#[tokio::test]
async fn keycloak_a_slow_application_makes_an_ending_unknown_and_the_list_settles_it() {
    let (server, far) = simulated("clients").await;
    let session = far.opened("ann").await;
    server.faults(|faults| faults.slow_delete_ms = 700);
    assert_eq!(
        far.end(std::slice::from_ref(&session)).await,
        [Answer::Accepted],
        "twice the time of a list"
    );
    let session = far.opened("ben").await;
    server.faults(|faults| faults.slow_delete_ms = 1_500);
    assert_eq!(far.end(std::slice::from_ref(&session)).await, [Answer::NoAnswer]);
    assert!(far.all().await.is_empty(), "it was ended all the same");
}

/// Ending everybody of a realm makes Curfew's own token stale.
#[tokio::test]
async fn keycloak_a_stale_token_is_renewed_once() {
    let (server, far) = simulated("clients").await;
    let session = far.opened("ann").await;
    far.all().await;
    let before = server.calls(Call::SignIn);
    server.model(|model, _| model.make_tokens_stale());
    assert_eq!(far.all().await.len(), 1);
    assert_eq!(server.calls(Call::SignIn), before + 1);
    server.model(|model, _| model.make_tokens_stale());
    assert_eq!(far.end(&[session]).await, [Answer::Accepted]);
}

/// What is listed and dead is counted, and what is not known is not taken for gone.
#[tokio::test]
async fn keycloak_not_before_is_said_and_another_servers_404_is_no_answer() {
    let (server, far) = simulated("clients").await;
    let session = far.opened("ann").await;
    server.model(|model, now| {
        let realm = model.realms.get_mut("lab").unwrap();
        realm.settings["notBefore"] = (now.0 / 1_000 + 2).into();
    });
    assert_eq!(far.all().await.len(), 1);
    let found = far.near.found().join(" ");
    assert!(found.contains("1 session looks alive and is not"), "{found}");
    for bad in [
        Bad::Error(404, "Not here".to_owned()),
        Bad::Html(404),
        Bad::Html(200),
    ] {
        server.faults(|faults| {
            faults.bad.insert(Call::Delete, bad.clone());
        });
        assert_eq!(
            far.end(std::slice::from_ref(&session)).await,
            [Answer::NoAnswer],
            "{bad:?}"
        );
    }
    server.faults(|faults| {
        faults.bad = [(
            Call::Sessions,
            Bad::Error(404, "User not found at all".to_owned()),
        )]
        .into();
    });
    let accounts = [session.account_id.clone()];
    let error = conformance::list(far.near.as_ref(), Wanted::Accounts(&accounts))
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn keycloak_the_self_test_finds_a_lie() {
    let (server, far) = simulated("clients").await;
    server.faults(|faults| faults.lie = true);
    let proof = far.near.self_test().unwrap().self_test().await.unwrap();
    let last = proof.steps.last().unwrap();
    assert!(last.detail.contains("still lists it"), "{:#?}", proof.steps);
}

/// Two realms of one server: the same settings, each a site of its own.
#[tokio::test]
async fn keycloak_two_realms_are_two_sites() {
    use std::sync::Arc;

    use server::clock::SystemClock;
    use server::simulators::keycloak::KeycloakServer;
    let mut server = KeycloakServer::start(Arc::new(SystemClock), 5, &["staff", "students"])
        .await
        .unwrap();
    let settings = server.settings("Keycloak").unwrap();
    let near = super::world::connect(&settings, Duration::from_millis(500));
    server.model(|model, now| {
        for realm in ["staff", "students"] {
            let user = model.add_user(realm, "smith", "Jordan Smith", None);
            model.open(realm, &user, PORTAL, false, now);
        }
    });
    let (_, rows) = conformance::list(near.as_ref(), Wanted::All).await.unwrap();
    let mut sites: Vec<&str> = rows.iter().map(|row| row.site.as_str()).collect();
    sites.sort_unstable();
    assert_eq!(sites, ["staff", "students"]);
    assert_ne!(
        rows[0].account_id, rows[1].account_id,
        "two people of one name stay two"
    );
    let accounts = [rows[0].account_id.clone()];
    let (_, one) = conformance::list(near.as_ref(), Wanted::Accounts(&accounts))
        .await
        .unwrap();
    assert_eq!(one.len(), 1);
    let read = near.policy().unwrap().read_policy().await.unwrap();
    assert_eq!(read.places.len(), 2);
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let made = |text: &str| {
        let settings = toml::from_str(&format!("kind = \"keycloak\"\n{text}")).unwrap();
        let timeout = Duration::from_secs(1);
        make(&Recipe {
            settings: &settings,
            timeout,
        })
        .map(|_| ())
        .map_err(|cause| format!("{cause:#}"))
    };
    let url = "url = \"http://127.0.0.1:9\"\nrealms = [\"lab\"]";
    let identity = "identity = { client_id = \"x\", client_secret = \"env:PATH\" }";
    assert_eq!(made(&format!("{url}\n{identity}")), Ok(()));
    for (text, word) in [
        (url.to_owned(), "identity"),
        (
            format!("url = \"http://127.0.0.1:9\"\nrealms = []\n{identity}"),
            "realms",
        ),
        (
            format!("url = \"http://127.0.0.1:9\"\nrealms = [\"a\", \"a\"]\n{identity}"),
            "realms",
        ),
        (format!("{url}\nlimit = 0\n{identity}"), "limit"),
        (format!("{url}\nread_by = \"luck\"\n{identity}"), "luck"),
        (
            format!(
                "{url}\n{identity}\ncanary = {{ realm = \"b\", client_id = \"c\", username = \"u\", password = \"env:PATH\" }}"
            ),
            "canary.realm",
        ),
        (format!("{url}\nsurprise = 1\n{identity}"), "surprise"),
    ] {
        let refused = made(&text).unwrap_err();
        assert!(refused.contains(word), "{word}: {refused}");
    }
}
