//! Programs: what a token sees and does over `/api/v1`, from a list to an ending that is read back.

use app::access::wire::Scope;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{App, Browser, Engine, Program};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// A portal with an administrator, and Ben, Carla and Eve signed in.
pub async fn staffed(engine: Engine) -> (App, Browser, Vec<Browser>) {
    let app = App::start_with(engine, |_| {}).await;
    app.administrator("mara").await;
    let admin = app.signed_in("mara").await;
    let mut others = Vec::new();
    for (login, name) in [("ben", "Ben Ode"), ("carla", "Carla Diaz"), ("eve", "Eve Stone")] {
        app.person(login, name, &[]).await;
        others.push(app.signed_in(login).await);
    }
    app.collect().await;
    (app, admin, others)
}

pub fn accounts(list: &Value) -> Vec<String> {
    let mut names: Vec<String> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["account_name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_program_lists_freezes_ends_and_reads_back() {
    for engine in BOTH {
        let (app, admin, others) = staffed(engine).await;
        let program = Program::with(&app, &admin, "helpdesk", Scope::EVERYWHERE).await;
        let me = program.get("/me").await.json();
        assert_eq!(me["name"], "helpdesk script");
        assert!(me["permissions"].as_array().unwrap().contains(&json!({
            "permission": "EditUserSessions", "everywhere": true
        })));

        let list = program.get("/sessions?person=ben&person.op=is").await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.body);
        let list = list.json();
        assert_eq!(accounts(&list), ["ben"]);
        assert_eq!(list["count"], json!({"value": 1, "exact": true}));
        let key = list["items"][0]["session_key"].as_str().unwrap().to_owned();
        let one = program.get(&format!("/sessions/{key}")).await.json();
        assert_eq!(one["person_id"], "ben");

        let preview = program
            .post(
                "/previews",
                json!({"sessions": [key, "00000000000000000000000000000000"]}),
            )
            .await;
        assert_eq!(preview.status, StatusCode::CREATED, "{}", preview.body);
        let at = preview.location().strip_prefix("/api/v1").unwrap().to_owned();
        let preview = preview.json();
        assert_eq!(
            (preview["sessions"].as_u64(), preview["unknown_keys"].as_u64()),
            (Some(1), Some(1))
        );
        assert_eq!(program.get(&at).await.json()["preview_id"], preview["preview_id"]);

        let confirm = |expect: u64| {
            json!({"preview_id": preview["preview_id"], "reason": "left his desk", "ticket_ref": "INC-7",
                "expect": expect})
        };
        let wrong = program.post("/endings", confirm(2)).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(wrong.json()["problems"][0]["field"], "expect");
        assert!(others[0].is_in().await);

        let made = program.post("/endings", confirm(1)).await;
        assert_eq!(made.status, StatusCode::ACCEPTED, "{}", made.body);
        assert_eq!(made.json()["state"], "started");
        let at = made.location().strip_prefix("/api/v1").unwrap().to_owned();
        let again = program.post("/endings", confirm(1)).await;
        assert_eq!(again.location(), made.location(), "the same ending");
        app.work().await;
        let ending = program.get(&at).await.json();
        assert_eq!(ending["state"], "settled", "{ending}");
        assert_eq!(ending["counts"]["gone"], 1);
        assert_eq!(ending["asked_by"], "helpdesk script");
        let items = program.get(&format!("{at}/items?only=ended")).await.json();
        assert_eq!(accounts(&items), ["ben"]);
        assert_eq!(items["items"][0]["outcome"], "ended");
        assert!(!others[0].is_in().await && others[1].is_in().await);
        let endings = program.get("/endings").await.json();
        assert_eq!(endings["items"][0]["reason"], "left his desk");
    }
}

#[tokio::test]
async fn pages_of_a_list_follow_each_other_without_a_gap() {
    let (app, admin, _others) = staffed(Engine::Sqlite).await;
    let program = Program::with(&app, &admin, "auditor", Scope::EVERYWHERE).await;
    let mut met = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = program
            .get(&format!("/sessions?sort=person&limit=1{cursor}"))
            .await
            .json();
        met.extend(accounts(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(met, ["ben", "carla", "eve", "mara"]);
    let people = program.get("/people?limit=3").await.json();
    assert_eq!(people["next_cursor"], "eve");
    let looks = app.audited("sensitive_read").await;
    program.get("/people/ben").await;
    assert_eq!(
        app.audited("sensitive_read").await,
        looks + 1,
        "who looked at whom is in the log"
    );
    let rest = program.get("/people?limit=3&cursor=eve").await.json();
    assert_eq!(rest["items"][0]["person_id"], "mara");
    assert_eq!(rest["next_cursor"], Value::Null);
    for bad in [
        "/sessions?cursor=nonsense",
        "/endings?cursor=nonsense",
        "/audit?cursor=nonsense",
    ] {
        let answer = program.get(bad).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert_eq!(answer.json()["problems"][0]["field"], "cursor", "{bad}");
    }
}

#[tokio::test]
async fn a_filter_that_is_not_understood_never_widens_the_set() {
    let (app, admin, _others) = staffed(Engine::Sqlite).await;
    let program = Program::with(&app, &admin, "helpdesk", Scope::EVERYWHERE).await;
    for bad in [
        "/sessions?person=",
        "/sessions?persn=ben",
        "/sessions?person.op=is",
        "/sessions?sel=1",
        "/sessions?limit=0",
        "/sessions?limit=1001",
        "/sessions?kind=webb",
        "/sessions?q=a&q=b",
    ] {
        let answer = program.get(bad).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{bad} {}",
            answer.body
        );
    }
    for bad in [
        json!({}),
        json!({"filter": {}}),
        json!({"filter": {"person": ""}}),
        json!({"filter": {"system": []}}),
        json!({"filter": {"person": null, "kind": ["portal"]}}),
        json!({"filter": null, "all": true}),
        json!({"filter": {"persn": "ben"}}),
        json!({"filter": {"person.op": "is"}}),
        json!({"filter": {"person": "ben"}, "all": true}),
        json!({"all": false}),
        json!({"sessions": []}),
        json!({"sessions": ["x"], "filter": {"person": "ben"}}),
        json!({"sesions": ["x"]}),
        json!([]),
    ] {
        let answer = program.post("/previews", bad.clone()).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{bad} {}",
            answer.body
        );
    }
    let found = program
        .post(
            "/previews",
            json!({"filter": {"person": "BEN", "person.op": "is", "state": ["live"]}}),
        )
        .await
        .json();
    assert_eq!(found["by_person"][0]["account_name"], "ben");
    assert_eq!(found["sessions"], 1);
    let all = program.post("/previews", json!({"all": true})).await.json();
    let whole = all["sessions"].as_u64().unwrap() + all["left_out_count"].as_u64().unwrap();
    assert_eq!(whole, 4, "{all}");
}

#[tokio::test]
async fn who_leaves_is_ended_everywhere_once_however_often_it_is_asked() {
    for engine in BOTH {
        let (app, admin, others) = staffed(engine).await;
        let second = app.signed_in("ben").await;
        app.collect().await;
        let program = Program::with(&app, &admin, "helpdesk", Scope::EVERYWHERE).await;
        let why = json!({"reason": "left the company", "ticket_ref": "HR-1"});
        let at = "/people/BEN/end-everywhere";
        let (first, same) = tokio::join!(program.post(at, why.clone()), program.post(at, why.clone()));
        let mut statuses = [first.status.as_u16(), same.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 202], "{} {}", first.body, same.body);
        assert_eq!(first.json()["ending"], same.json()["ending"]);
        assert_eq!(first.json()["sessions"], 2);
        let again = program.post(at, why.clone()).await;
        assert_eq!(again.status, StatusCode::OK);
        assert_eq!(again.json()["already"], true);
        app.work().await;
        assert!(!others[0].is_in().await && !second.is_in().await && others[1].is_in().await);
        app.collect().await;
        let nothing = program.post(at, why.clone()).await;
        assert_eq!(nothing.status, StatusCode::OK);
        let long = json!({"reason": "left", "ticket_ref": "7".repeat(101)});
        let refused = program.post(at, long).await;
        assert_eq!(
            refused.json()["problems"][0]["field"],
            "ticket_ref",
            "said even where nothing is to end"
        );
        assert_eq!(
            (&nothing.json()["ending"], nothing.json()["sessions"].as_u64()),
            (&Value::Null, Some(0))
        );
        // They come back: that is a new ending.
        let back = app.signed_in("ben").await;
        app.collect().await;
        let new = program.post(at, why.clone()).await;
        assert_eq!(new.status, StatusCode::ACCEPTED, "{}", new.body);
        assert_ne!(new.json()["ending"], first.json()["ending"]);
        app.work().await;
        assert!(!back.is_in().await);
        assert_eq!(
            program.post("/people/nobody/end-everywhere", why).await.status,
            StatusCode::NOT_FOUND
        );
    }
}
