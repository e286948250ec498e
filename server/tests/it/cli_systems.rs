//! The command line about systems: what a self-test found from a terminal is what the page tells.

use app::wire::SystemId;

use crate::cli::{BOTH, Stage};

#[tokio::test]
async fn check_config_keeps_what_its_self_tests_found_for_the_systems_page() {
    for engine in BOTH {
        let stage = Stage::on(engine).await;
        let config = &stage.app.config;
        let mut file = format!("data_dir = {:?}\n", config.data_dir.display().to_string());
        if let Some(database) = &config.database {
            let url = String::from(database.url.clone());
            file.push_str(&format!("[database]\nurl = {url:?}\n"));
        }
        let north = toml::to_string(&config.systems["north"]).unwrap();
        file.push_str(&format!("[systems.north]\n{north}"));
        let at = stage.home.path().join("check.toml");
        std::fs::write(&at, file).unwrap();
        let at = at.display().to_string();
        let tested = async || {
            let page = stage.admin.ports(&stage.app).await.systems.systems_page().await;
            let systems = page.unwrap().systems.into_iter();
            let mut north = systems.filter(|s| s.brief.system_id == SystemId::from("north"));
            north.next().unwrap()
        };
        assert_eq!(tested().await.self_test, None);
        let ran = stage
            .finish(stage.bare(&["--config", &at, "check-config"]), "")
            .await;
        assert_eq!(ran.status, 0, "{} {}", ran.out, ran.err);
        assert!(ran.out.contains("Self-tests: 1 of 1 kept"), "{}", ran.out);
        let now = tested().await;
        assert!(now.proven_at.is_some() && now.self_test.is_some_and(|report| !report.steps.is_empty()));
        let key = server::portal::audit_key(config).unwrap();
        let whole = server::audit::chain::verify(&stage.app.portal.db, &key, None, stage.app.clock_now())
            .await
            .unwrap();
        assert_eq!(whole.broken, None, "the log of the portal goes on");
    }
}

#[tokio::test]
async fn check_config_makes_no_database_of_its_own() {
    let stage = Stage::on(crate::harness::Engine::Sqlite).await;
    let north = toml::to_string(&stage.app.config.systems["north"]).unwrap();
    let file = format!("data_dir = \"nowhere\"\n[systems.north]\n{north}");
    std::fs::write(stage.home.path().join("check.toml"), file).unwrap();
    let ran = stage
        .finish(stage.bare(&["--config", "check.toml", "check-config"]), "")
        .await;
    assert_eq!(ran.status, 0, "{} {}", ran.out, ran.err);
    assert!(ran.out.contains("not kept"), "{}", ran.out);
    assert!(!stage.home.path().join("nowhere").exists());
}
