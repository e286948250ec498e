//! What holds on a simulated Keycloak and on a real one alike, each test on both.

use app::policies::wire::SettingSource;
use app::sessions::wire::SessionKind;
use app::systems::wire::StepResult;
use app::wire::Limit;
use server::connectors::{Answer, Completeness, ErrorKind, Wanted, conformance};

use super::real::real;
use super::simulated::simulated;
use super::world::{ALL_ROLES, Far, find};

/// Both, read that way.
async fn both(read_by: &str) -> [Far; 2] {
    [simulated(read_by).await.1, real(read_by).await]
}

#[tokio::test]
async fn keycloak_an_offline_session_is_one_of_its_own() {
    for read_by in ["clients", "console"] {
        for far in both(read_by).await {
            let online = far.opened("ann").await;
            let offline = far.opened_by("ann", &online.account_id, true).await;
            let rows = far.all().await;
            assert_eq!(rows.len(), 2, "{read_by}");
            assert_eq!(find(&rows, &offline).unwrap().kind, SessionKind::Offline);
            assert_eq!(far.of_account(&online.account_id).await.len(), 2, "{read_by}");
            assert_eq!(far.end(std::slice::from_ref(&online)).await, [Answer::Accepted]);
            assert!(!far.lets_in(&online).await && far.lets_in(&offline).await);
            assert_eq!(far.end(std::slice::from_ref(&offline)).await, [Answer::Accepted]);
            assert!(!far.lets_in(&offline).await);
            assert!(far.all().await.is_empty());
            assert_eq!(
                far.end(&[offline]).await,
                [Answer::NotFound],
                "404 means it was gone"
            );
        }
    }
}

/// A real server lets an offline token of the same second go on after the sign-out of its person.
#[tokio::test]
async fn keycloak_all_of_a_person_leaves_no_survivor_of_the_same_second() {
    for far in both("clients").await {
        let online = far.opened("ann").await;
        let other = far.opened("ben").await;
        let mut offline = Vec::new();
        for _ in 0..3 {
            offline.push(far.opened_by("ann", &online.account_id, true).await);
        }
        let all_of = far.near.end_all_of().unwrap();
        assert_eq!(all_of.end_all_of(&online.account_id).await, Ok(Answer::Accepted));
        for session in offline.iter().chain([&online]) {
            assert!(!far.lets_in(session).await);
        }
        assert!(far.of_account(&online.account_id).await.is_empty());
        assert!(far.lets_in(&other).await);
        let nobody = all_of.end_all_of("00000000-0000-4000-9000-000000000000").await;
        assert_eq!(nobody, Ok(Answer::NotFound));
    }
}

#[tokio::test]
async fn keycloak_an_empty_list_for_want_of_a_role_is_not_taken_for_nobody() {
    for far in both("console").await {
        assert_eq!(
            far.listed().await.unwrap().0,
            Completeness::Complete,
            "nobody is there"
        );
        far.opened("ann").await;
        far.world.roles(&["view-realm"]).await;
        // A token holds its roles until it ends: a new connector has a new one.
        let far = Far::of(far.world, "console");
        let error = far.listed().await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
        assert!(error.message.contains("view-users"), "{error}");
        far.world.roles(&["view-realm", "view-users"]).await;
        let far = Far::of(far.world, "console");
        assert_eq!(far.all().await.len(), 1, "these two are enough");
        let found = far.near.found();
        assert!(
            found[0].contains("has the roles it needs") && found[0].contains("ends has manage-users"),
            "{found:?}"
        );
        let far = Far::of(far.world, "clients");
        let error = far.listed().await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
        assert!(
            error.message.contains("view-clients") && error.message.contains("console"),
            "{error}"
        );
        far.world.roles(&ALL_ROLES).await;
        let far = Far::of(far.world, "clients");
        assert_eq!(far.all().await.len(), 1);
        far.world.roles(&["view-users"]).await;
        let far = Far::of(far.world, "clients");
        assert_eq!(far.listed().await.err().unwrap().kind, ErrorKind::Forbidden);
    }
}

#[tokio::test]
async fn keycloak_the_account_that_reads_can_not_end() {
    for far in both("console").await {
        let session = far.opened("ann").await;
        let mut settings = far.world.settings();
        settings.own.remove("end_identity");
        let reader = super::world::connect(&settings, far.world.timeout());
        let error = reader
            .end()
            .unwrap()
            .end(std::slice::from_ref(&session))
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
        assert!(error.message.contains("manage-users"), "{error}");
        assert!(far.lets_in(&session).await);
    }
}

/// The documented lists go by application: a session that lost its last one is in none of them.
#[tokio::test]
async fn keycloak_a_session_without_an_application_is_not_called_gone() {
    for read_by in ["clients", "console"] {
        for far in both(read_by).await {
            let account = far.world.user("ann").await;
            let (id, refresh) = far.world.sign_in("ann", true, false).await;
            let session = far.target(&id, &refresh, &account, false);
            assert!(find(&far.all().await, &session).is_some());
            far.world.delete_second().await;
            for _ in 0..2 {
                assert!(find(&far.all().await, &session).is_some(), "{read_by}");
            }
            assert!(find(&far.of_account(&account).await, &session).is_some());
            assert_eq!(far.end(std::slice::from_ref(&session)).await, [Answer::Accepted]);
            assert!(far.all().await.is_empty());
        }
    }
}

#[tokio::test]
async fn keycloak_a_disabled_persons_rows_are_labelled_and_can_be_ended() {
    for far in both("clients").await {
        let session = far.opened("ann").await;
        far.world.disable(&session.account_id).await;
        assert!(!far.lets_in(&session).await);
        let rows = far.all().await;
        let row = find(&rows, &session).expect("still listed");
        assert_eq!(row.remark.as_deref(), Some("disabled in Keycloak"));
        assert!(!row.display_name.contains("disabled"), "{}", row.display_name);
        assert_eq!(row.email.as_deref(), Some("ann@example.org"));
        let found = far.near.found().join(" ");
        assert!(found.contains("1 person is disabled and still listed"), "{found}");
        assert_eq!(far.end(&[session]).await, [Answer::Accepted]);
    }
}

#[tokio::test]
async fn keycloak_limits_and_settings_are_read_from_the_realm_and_its_clients() {
    for far in both("clients").await {
        assert_eq!(
            far.near.effect().residual,
            None,
            "not known before anything was read"
        );
        let read = far.near.policy().unwrap().read_policy().await.unwrap();
        assert_eq!(
            (read.idle, read.absolute),
            (Limit::Seconds(1_800), Limit::Seconds(36_000))
        );
        let value = |name: &str| {
            let setting = read
                .settings
                .iter()
                .find(|setting| setting.name.starts_with(name))
                .unwrap();
            assert_eq!(setting.source, SettingSource::Read, "{name}");
            setting.value.clone()
        };
        assert_eq!(value("offlineSessionIdleTimeout"), "30 days");
        assert_eq!(value("accessTokenLifespan"), "300 seconds");
        assert_eq!(value("revokeRefreshToken"), "false");
        assert!(value("backchannel.logout.url of portal").starts_with("http"));
        let facts: Vec<&str> = read.advice.iter().map(|advice| advice.fact.as_str()).collect();
        let realm = far.world.realm();
        for fact in [
            "offlineSessionMaxLifespanEnabled is false.",
            "revokeRefreshToken is false, and portal can keep no secret.",
            "library is not told when a session is ended.",
        ] {
            assert!(
                facts.contains(&format!("{realm}: {fact}").as_str()),
                "{fact}: {facts:?}"
            );
        }
        assert_eq!(facts.len(), 3, "{facts:?}");
        assert_eq!(far.near.effect().residual.unwrap().seconds, 300);
        let session = far.opened("ann").await;
        let rows = far.all().await;
        let row = find(&rows, &session).unwrap();
        assert_eq!(row.idle, Limit::Seconds(1_800));
        let life = row.absolute_expires_at.unwrap().since(row.created_at.unwrap());
        assert_eq!(life, 36_000_000);
    }
}

#[tokio::test]
async fn keycloak_the_self_test_passes_and_leaves_nothing_behind() {
    for far in both("console").await {
        let person = far.opened("ann").await;
        let proof = far.near.self_test().unwrap().self_test().await.unwrap();
        let results: Vec<StepResult> = proof.steps.iter().map(|step| step.result).collect();
        assert_eq!(results, [StepResult::Passed; 6], "{:#?}", proof.steps);
        assert_eq!(far.all().await.len(), 1);
        assert!(far.lets_in(&person).await);
    }
}

#[tokio::test]
async fn keycloak_a_wrong_secret_is_told_apart_and_names_the_client() {
    for far in both("clients").await {
        let mut settings = far.world.settings();
        let identity = settings.own["identity"].as_table_mut().unwrap();
        identity.insert("client_secret".to_owned(), "env:PATH".into());
        let near = super::world::connect(&settings, far.world.timeout());
        let error = conformance::list(near.as_ref(), Wanted::All).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
        assert!(error.message.contains("curfew-reader"), "{error}");
        settings
            .own
            .insert("realms".to_owned(), vec!["nowhere".to_owned()].into());
        let near = super::world::connect(&settings, far.world.timeout());
        let error = conformance::list(near.as_ref(), Wanted::All).await.err().unwrap();
        assert!(error.message.contains("no realm nowhere"), "{error}");
    }
}
