//! People over HTTP: from the list to the preview of exactly one person's sessions, and what a program gets.

use app::access::wire::{People, Places, Scope, ThesePeople};
use app::people::wire::PeopleQuery;
use reqwest::StatusCode;

use crate::harness::{App, Engine, Program};

/// A portal with Ben signed in twice and Carla once, everybody linked.
async fn staffed(engine: Engine) -> App {
    let app = App::start_with(engine, |_| {}).await;
    app.administrator("mara").await;
    for (login, name) in [("ben", "Ben Ode"), ("carla", "Carla Diaz")] {
        app.person(login, name, &[]).await;
    }
    for login in ["ben", "ben", "carla"] {
        app.signed_in(login).await;
    }
    app.collect().await;
    app.portal.people.link_due().await.unwrap();
    app
}

async fn page_of(app: &App, name: &str) -> String {
    let page = app
        .ports_of_everything()
        .people
        .people_page(PeopleQuery::default())
        .await
        .unwrap();
    let line = page.people.into_iter().find(|line| line.name == name).unwrap();
    format!("/people/{}", line.subject_id)
}

#[tokio::test]
async fn ui_k1_one_button_leads_to_the_preview_of_exactly_this_persons_sessions() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = staffed(engine).await;
        let admin = app.signed_in("mara").await;
        let list = admin.get("/people?live=1").await;
        assert_eq!(list.status, StatusCode::OK);
        let ben = page_of(&app, "Ben Ode").await;
        assert!(list.body.contains(&format!("href=\"{ben}\"")) && list.body.contains("Carla Diaz"));
        let page = admin.get(&ben).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.body.contains("End 2 sessions…") && !page.body.contains("Carla"),
            "{engine:?}"
        );
        let subject = ben.rsplit('/').next().unwrap();
        let preview = admin
            .post("/people/act", &[("act", "end"), ("subject", subject)])
            .await;
        assert_eq!(preview.status, StatusCode::SEE_OTHER, "{}", preview.body);
        let frozen = admin.get(preview.location()).await;
        assert!(frozen.body.contains("Ben Ode") && !frozen.body.contains("Carla Diaz"));
        assert!(frozen.body.contains("End 2 sessions"), "{engine:?}");
        // The same set as the list has, and as a file of it.
        let listed = admin.get(&format!("/sessions?subject={subject}")).await;
        assert!(listed.body.contains("Ben Ode") && !listed.body.contains("Carla Diaz"));
        let counted = admin.get(&format!("/sessions/count?subject={subject}")).await;
        assert_eq!(counted.body, "2");
        let nobody = admin
            .post("/people/act", &[("act", "end"), ("subject", "no-such")])
            .await;
        assert_eq!(nobody.status, StatusCode::NOT_FOUND);
        let odd = admin
            .post(
                "/people/act",
                &[("act", "merge"), ("subject", subject), ("reason", "x")],
            )
            .await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn a_refused_link_comes_back_with_the_page_and_what_was_typed() {
    let app = staffed(Engine::Sqlite).await;
    let admin = app.signed_in("mara").await;
    let ben = page_of(&app, "Ben Ode").await;
    let subject = ben.rsplit('/').next().unwrap();
    let link = |name: &'static str| {
        [
            ("act", "link"),
            ("subject", subject),
            ("account", ""),
            ("system", "curfew"),
            ("name", name),
            ("reason", "The same desk."),
        ]
    };
    let refused = admin.post("/people/act", &link("zoe")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("No account of this name is known there."),
        "{}",
        refused.body
    );
    assert!(refused.body.contains("value=\"The same desk.\""));
    let linked = admin.post("/people/act", &link("carla")).await;
    assert_eq!(
        (linked.status, linked.location()),
        (StatusCode::SEE_OTHER, ben.as_str()),
        "{}",
        linked.body
    );
    let page = admin.get(&ben).await;
    assert!(page.body.contains("End 3 sessions…") && page.body.contains("The same desk."));
    assert_eq!(app.audited("subject_linked").await, 1);
}

#[tokio::test]
async fn a_program_gets_people_within_its_scope_and_is_told_that_there_may_be_more() {
    let app = staffed(Engine::Sqlite).await;
    let admin = app.signed_in("mara").await;
    let these = ThesePeople {
        accounts: vec!["ben".to_owned()],
        ..ThesePeople::default()
    };
    let bens = Scope {
        places: Places::Everywhere,
        people: People::These(these),
    };
    let all = Program::with(&app, &admin, "helpdesk", Scope::EVERYWHERE).await;
    let part = Program::with(&app, &admin, "helpdesk", bens).await;
    let list = part.get("/subjects?live=1").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["sessions"], 2);
    assert_eq!(list["whole"], false);
    let whole = all.get("/subjects").await.json();
    assert!(whole["items"].as_array().unwrap().len() >= 2);
    assert_eq!(whole["whole"], true);
    let ben = list["items"][0]["subject_id"].as_str().unwrap();
    let one = part.get(&format!("/subjects/{ben}")).await.json();
    assert_eq!(one["accounts"][0]["account"], "ben");
    assert_eq!(one["accounts"][0]["ground"], "own");
    let sessions = part.get(&format!("/sessions?subject={ben}")).await.json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 2);
    let carla = whole["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["name"] == "Carla Diaz")
        .unwrap();
    let hers = format!("/subjects/{}", carla["subject_id"].as_str().unwrap());
    assert_eq!(part.get(&hers).await.status, StatusCode::NOT_FOUND);
    assert_eq!(part.get("/subjects/no-such").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        part.get("/subjects?live=yes").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        part.get("/subjects?page=2").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}
