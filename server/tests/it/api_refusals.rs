//! What the API refuses: no token, a token without a grant, cookies, keys used twice, tokens that are over.

use app::access::wire::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{accounts, staffed};
use crate::harness::{App, Engine, Program};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

/// Every operation of the document: method, path with something in its places, and a body.
fn operations() -> Vec<(Method, String, Option<String>)> {
    let document = serde_json::to_value(server::http::api::document()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path
            .strip_prefix("/api/v1")
            .unwrap()
            .replace("{session_key}", "00000000000000000000000000000000")
            .replace("{preview_id}", "none")
            .replace("{ending_no}", "1")
            .replace("{system_id}", "none")
            .replace("{person_id}", "ben")
            .replace("{subject_id}", "none");
        assert!(!path.contains('{'), "say here what stands in {path}");
        for method in item.as_object().unwrap().keys() {
            let body = match (method.as_str(), path.as_str()) {
                ("post", "/previews") => Some(json!({"all": true}).to_string()),
                ("post", "/sessions/find") => Some(json!({"session_ids": ["nobody's"]}).to_string()),
                ("post", "/endings") => {
                    Some(json!({"preview_id": "none", "reason": "because", "expect": 1}).to_string())
                }
                ("post", path) if path.ends_with("end-everywhere") => {
                    Some(json!({"reason": "because"}).to_string())
                }
                _ => None,
            };
            let method = method.to_uppercase().parse().unwrap();
            all.push((method, path.clone(), body));
        }
    }
    assert!(all.len() >= 20);
    all
}

#[test]
fn the_document_that_is_checked_in_is_the_one_that_is_served() {
    let served = server::http::api::document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(DOCUMENT, &served).unwrap();
    }
    let known = serde_json::to_value(server::http::api::document()).unwrap();
    for named in served.split("\"#").skip(1) {
        let at = named.split('"').next().unwrap();
        assert!(known.pointer(at).is_some(), "nothing stands at {at}");
    }
    let checked_in = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(
        checked_in == served,
        "docs/openapi.json differs from the code: UPDATE_SNAPSHOTS=1 cargo test -p server --test it api_refusals"
    );
}

#[tokio::test]
async fn security_b4_every_endpoint_needs_a_token_and_a_grant() {
    for engine in BOTH {
        let (app, admin, _others) = staffed(engine).await;
        // A scope in which nothing is: the role is there, the rows are not.
        let lone = Program::with(&app, &admin, "helpdesk", Scope::accounts(["nobody"])).await;
        let cookie = format!("curfew-id={}", admin.cookie().unwrap());
        for (method, path, body) in operations() {
            let what = format!("{method} {path}");
            for headers in [
                &[("authorization", "")][..],
                &[("authorization", "Bearer curfew_nothing")],
                &[
                    ("authorization", ""),
                    ("cookie", cookie.as_str()),
                    ("sec-fetch-site", "same-origin"),
                ],
                &[("authorization", "Basic bWFyYTpwYXNz")],
            ] {
                let answer = lone.send(method.clone(), &path, headers, body.as_deref()).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what} {headers:?}");
                assert!(answer.header("www-authenticate").starts_with("Bearer"), "{what}");
                assert_eq!(
                    answer.header("content-type"),
                    "application/problem+json",
                    "{what}"
                );
                let problem = answer.json();
                assert_eq!(problem["code"], "unauthorized");
                assert!(!problem["request_id"].as_str().unwrap().is_empty());
            }
            let answer = lone.send(method.clone(), &path, &[], body.as_deref()).await;
            let empty = [
                "/me",
                "/sessions",
                "/systems",
                "/people",
                "/subjects",
                "/endings",
                "/policies",
            ];
            match answer.status.as_u16() {
                200 if method == Method::GET && empty.contains(&path.as_str()) => {
                    assert!(
                        !answer.body.contains("ben") && !answer.body.contains("mara"),
                        "{what} {}",
                        answer.body
                    );
                }
                403 | 404 => {}
                422 if path == "/previews" => {}
                200 if path == "/sessions/find" => {
                    assert_eq!(answer.json(), json!({"items": [{"session": null}]}));
                }
                other => panic!("{what} answers {other}: {}", answer.body),
            }
        }
        // Without any grant nothing is left but the token itself.
        let mut conn = app.portal.db.write().await.unwrap();
        server::on!(conn, c => { sqlx::query("UPDATE role_grant SET revoked_at = 1 WHERE caller_kind = 'token'")
            .execute(c).await.unwrap(); });
        conn.commit().await.unwrap();
        let refusals = app.audited("authz_fail").await;
        let mut refused = 0;
        for (method, path, body) in operations() {
            let answer = lone.send(method.clone(), &path, &[], body.as_deref()).await;
            let own = path == "/me" && answer.status == StatusCode::OK;
            assert!(
                own || [403, 404].contains(&answer.status.as_u16()),
                "{method} {path} {}",
                answer.body
            );
            refused += usize::from(!own);
        }
        assert_eq!(app.audited("authz_fail").await, refusals + refused);
        app.clock.advance(40 * 86_400);
        let over = lone.get("/me").await;
        assert_eq!(over.status, StatusCode::UNAUTHORIZED, "it has run out");
        assert_eq!(app.audited("authn_token_reuse").await, 1);
        lone.get("/me").await;
        assert_eq!(app.audited("authn_token_reuse").await, 1, "told once");
    }
}

#[tokio::test]
async fn two_tokens_differ_only_inside_their_scopes() {
    for engine in BOTH {
        let (app, admin, _others) = staffed(engine).await;
        let ben = Program::with(&app, &admin, "helpdesk", Scope::accounts(["ben"])).await;
        let both = Program::with(&app, &admin, "helpdesk", Scope::accounts(["Ben", "carla"])).await;
        assert_eq!(accounts(&ben.get("/sessions").await.json()), ["ben"]);
        assert_eq!(accounts(&both.get("/sessions").await.json()), ["ben", "carla"]);
        assert_eq!(
            ben.get("/people").await.json()["items"].as_array().unwrap().len(),
            1
        );
        let whole = both.get("/sessions").await.json();
        let carla = whole["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|r| r["account_name"] == "carla");
        let key = carla.unwrap()["session_key"].as_str().unwrap();
        let (there, nowhere) = (
            ben.get(&format!("/sessions/{key}")).await,
            ben.get("/sessions/00000000000000000000000000000000").await,
        );
        let plain = |answer: &crate::harness::Answer| {
            let mut problem = answer.json();
            problem["request_id"] = Value::Null;
            (answer.status, problem)
        };
        assert_eq!(plain(&there), plain(&nowhere), "no word that it is there");
        assert_eq!(
            plain(&ben.get("/people/carla").await),
            plain(&ben.get("/people/no.one").await)
        );
        let preview = ben.post("/previews", json!({"sessions": [key]})).await;
        assert_eq!(preview.status, StatusCode::UNPROCESSABLE_ENTITY);
        let why = json!({"reason": "because"});
        let there = ben.post("/people/carla/end-everywhere", why.clone()).await;
        let nowhere = ben.post("/people/no.one/end-everywhere", why).await;
        assert_eq!(plain(&there), plain(&nowhere));
    }
}

#[tokio::test]
async fn a_token_sees_the_rows_a_helper_with_the_same_grant_sees() {
    let (app, admin, _others) = staffed(Engine::Sqlite).await;
    let scope = Scope::accounts(["ben", "eve"]);
    app.person("hal", "Hal", &[("helpdesk", scope.clone())]).await;
    let hal = app.signed_in("hal").await;
    let program = Program::with(&app, &admin, "helpdesk", scope).await;
    let page = hal.ports(&app).await.sessions;
    let page = page.list_sessions(Default::default(), true).await.unwrap();
    let list = program.get("/sessions").await.json();
    let keys: Vec<&str> = page.rows.iter().map(|r| r.session_key.as_str()).collect();
    let same: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["session_key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, same);
    assert_eq!(list["count"]["value"], 2);
}

#[tokio::test]
async fn security_b10_what_is_left_stops_when_the_token_is_revoked() {
    for engine in BOTH {
        let (app, admin, others) = staffed(engine).await;
        let program = Program::with(&app, &admin, "helpdesk", Scope::EVERYWHERE).await;
        let why = json!({"reason": "left"});
        let made = program.post("/people/ben/end-everywhere", why).await;
        assert_eq!(made.status, StatusCode::ACCEPTED, "{}", made.body);
        let no = made.json()["ending"]["ending_no"].as_i64().unwrap();
        let access = admin.ports(&app).await.access;
        access
            .revoke_token(program.token_id.clone(), "lost".to_owned())
            .await
            .unwrap();
        assert_eq!(program.get("/me").await.status, StatusCode::UNAUTHORIZED);
        app.work().await;
        assert!(others[0].is_in().await, "nothing was asked");
        let watcher = Program::with(&app, &admin, "auditor", Scope::EVERYWHERE).await;
        let ending = watcher.get(&format!("/endings/{no}")).await.json();
        assert_eq!(
            (&ending["state"], &ending["counts"]["stopped"]),
            (&json!("settled"), &json!(1))
        );
        assert_eq!(app.audited("api_token_revoked").await, 1);
        assert_eq!(app.audited("api_token_created").await, 2);
    }
}

#[tokio::test]
async fn security_b5_a_token_ends_with_who_made_it_and_never_manages_access() {
    let (app, admin, _others) = staffed(Engine::Sqlite).await;
    app.administrator("second").await;
    let maker = app.signed_in("second").await;
    let program = Program::with(&app, &maker, "helpdesk", Scope::EVERYWHERE).await;
    assert_eq!(program.get("/me").await.status, StatusCode::OK);
    let new = app::access::wire::NewToken {
        name: "all".to_owned(),
        role_id: "administrator".into(),
        scope: Scope::EVERYWHERE,
        expires_at: app.clock_now().plus_seconds(3600),
        reason: "test".to_owned(),
    };
    let access = admin.ports(&app).await.access;
    let refused = access.make_token(new.clone()).await.err().unwrap();
    assert!(refused.sentence().contains("people only"), "{refused}");
    for end_s in [0, 367 * 86_400] {
        let new = app::access::wire::NewToken {
            role_id: "helpdesk".into(),
            expires_at: app.clock_now().plus_seconds(end_s),
            ..new.clone()
        };
        assert_eq!(access.make_token(new).await.err().unwrap().status(), 422);
    }
    let page = access.access_page().await.unwrap();
    let maker = page.operators.iter().find(|o| o.login == "second").unwrap();
    access.disable_operator(maker.operator_id.clone()).await.unwrap();
    assert_eq!(program.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_request_that_is_sent_again_does_nothing_again() {
    for engine in BOTH {
        let (app, admin, _others) = staffed(engine).await;
        let program = Program::with(&app, &admin, "helpdesk", Scope::EVERYWHERE).await;
        let one = json!({"filter": {"person": "ben"}});
        let first = program.post_once("k1", "/previews", one.clone()).await;
        assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
        assert_eq!(first.header("idempotent-replayed"), "");
        let again = program.post_once("k1", "/previews", one.clone()).await;
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(
            (again.status, again.json(), again.location()),
            (first.status, first.json(), first.location())
        );
        let other = program
            .post_once("k1", "/previews", json!({"filter": {"person": "eve"}}))
            .await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(other.json()["code"], "idempotency_key_reused");
        // What was refused may be sent again.
        let bad = program.post_once("k2", "/previews", json!({})).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
        let good = program.post_once("k2", "/previews", one.clone()).await;
        assert_eq!(good.status, StatusCode::CREATED, "{}", good.body);
        // The same key of another token is another key.
        let stranger = Program::with(&app, &admin, "helpdesk", Scope::EVERYWHERE).await;
        let theirs = stranger.post_once("k1", "/previews", one.clone()).await;
        assert_eq!(theirs.header("idempotent-replayed"), "");
        // One that never ended, as after a crash.
        let mut conn = app.portal.db.write().await.unwrap();
        server::on!(conn, c => { sqlx::query("UPDATE api_idempotency SET status = NULL, body = NULL WHERE idem_key = 'k1'")
            .execute(c).await.unwrap(); });
        conn.commit().await.unwrap();
        let busy = program.post_once("k1", "/previews", one.clone()).await;
        assert_eq!(
            (busy.status, busy.json()["code"].clone()),
            (StatusCode::CONFLICT, json!("idempotency_in_flight"))
        );
        app.clock.advance(61);
        let anew = program.post_once("k1", "/previews", one.clone()).await;
        assert_eq!(anew.status, StatusCode::CREATED, "{}", anew.body);
        app.clock.advance(86_401);
        server::http::api::forget_old(&app.portal.db, app.clock_now())
            .await
            .unwrap();
        let next_day = program.post_once("k1", "/previews", one).await;
        assert_eq!(next_day.header("idempotent-replayed"), "");
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_its_code() {
    let (app, admin, _others) = staffed(Engine::Sqlite).await;
    let program = Program::with(&app, &admin, "policy_manager", Scope::EVERYWHERE).await;
    let json = Some(r#"{"all":true}"#);
    let long = format!("{{\"sessions\": [\"{}\"]}}", "x".repeat(300 * 1024));
    for (method, path, headers, body, status, code) in [
        (Method::GET, "/nothing", &[][..], None, 404, "not_found"),
        (Method::PUT, "/sessions", &[], None, 405, "method_not_allowed"),
        (Method::TRACE, "/sessions", &[], None, 405, "method_not_allowed"),
        (Method::GET, "/endings/x", &[], None, 404, "not_found"),
        (
            Method::POST,
            "/previews",
            &[("content-type", "text/plain")],
            json,
            415,
            "unsupported_media_type",
        ),
        (
            Method::POST,
            "/previews",
            &[],
            Some(long.as_str()),
            413,
            "too_large",
        ),
        (Method::POST, "/previews", &[], Some("{"), 422, "invalid"),
        (Method::POST, "/previews", &[], json, 403, "forbidden"),
        (Method::GET, "/audit", &[], None, 403, "forbidden"),
        (Method::GET, "/access/grants", &[], None, 403, "forbidden"),
        (
            Method::POST,
            "/previews",
            &[("idempotency-key", " ")],
            json,
            422,
            "invalid",
        ),
    ] {
        let answer = program.send(method.clone(), path, headers, body).await;
        let what = format!("{method} {path} {}", answer.body);
        assert_eq!(answer.status.as_u16(), status, "{what}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{what}"
        );
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{what}");
        assert_eq!(problem["type"], format!("urn:curfew:problem:{code}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], answer.header("x-request-id"), "{what}");
        if status == 405 {
            assert!(
                answer.header("allow").contains("GET"),
                "{what} {:?}",
                answer.headers
            );
        }
        if code == "forbidden" {
            assert_eq!(problem["who_can_give"], json!(["mara"]), "{what}");
        }
    }
    let unknown = program
        .send(Method::POST, "/previews", &[], Some(r#"{"everything": true}"#))
        .await;
    assert_eq!(unknown.json()["problems"][0]["field"], "everything");
}

#[tokio::test]
async fn security_e7_a_token_that_calls_too_often_is_told_when_to_come_back() {
    let app = App::start_with(Engine::Sqlite, |config| config.api.per_minute = 3).await;
    app.administrator("mara").await;
    let admin = app.signed_in("mara").await;
    let program = Program::with(&app, &admin, "auditor", Scope::EVERYWHERE).await;
    for left in ["2", "1", "0"] {
        let answer = program.get("/me").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer.header("ratelimit").contains(&format!("r={left};")),
            "{:?}",
            answer.headers
        );
    }
    let too_many = program.get("/me").await;
    assert_eq!(too_many.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u32 = too_many.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(too_many.json()["retry_after_s"], wait);
    let other = Program::with(&app, &admin, "auditor", Scope::EVERYWHERE).await;
    assert_eq!(
        other.get("/me").await.status,
        StatusCode::OK,
        "another token has its own"
    );
}

#[tokio::test]
async fn security_e5_no_secret_of_a_token_is_stored() {
    let (app, admin, _others) = staffed(Engine::Sqlite).await;
    let program = Program::with(&app, &admin, "helpdesk", Scope::EVERYWHERE).await;
    program.post_once("k", "/previews", json!({"all": true})).await;
    program.get("/sessions").await;
    let random = &program.secret["curfew_".len().."curfew_".len() + 40];
    assert!(!app.everything_stored().await.contains(random));
    let file = server::portal::sqlite_file(&app.config);
    for name in [file.clone(), file.with_extension("db-wal")] {
        let bytes = std::fs::read(&name).unwrap_or_default();
        assert!(
            !bytes.windows(random.len()).any(|w| w == random.as_bytes()),
            "{}",
            name.display()
        );
    }
}

#[tokio::test]
async fn security_e5_the_secret_of_a_token_is_shown_once_and_leads_in() {
    for engine in BOTH {
        let (app, admin, _others) = staffed(engine).await;
        let fields = [
            ("act", "make-token"),
            ("name", "Offboarding <script>"),
            ("role", "helpdesk"),
            ("places", "everywhere"),
            ("people", "these"),
            ("accounts", "ben"),
            ("expires", "2030-04-01 12:00"),
            ("reason", "HR asked for it"),
        ];
        let shown = admin.post("/access/act", &fields).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
        let card = shown.body.split("one-time").nth(1).unwrap();
        let secret = &card[card.find("curfew_").unwrap()..][..65];
        assert!(shown.body.contains("Offboarding &lt;script&gt;"), "as text");
        let reloaded = admin.get("/access?tab=tokens").await;
        assert!(!reloaded.body.contains(&secret[..60]) && reloaded.body.contains("Helpdesk: ben"));
        assert!(reloaded.body.contains(&format!("…{}", &secret[61..])));
        assert!(!app.everything_stored().await.contains(&secret[..60]));

        let anyone = Program::with(&app, &admin, "auditor", Scope::EVERYWHERE).await;
        let bearer = format!("bearer {secret}");
        let me = anyone
            .send(Method::GET, "/sessions", &[("authorization", &bearer)], None)
            .await;
        assert_eq!(accounts(&me.json()), ["ben"]);
        let page = admin.ports(&app).await.access.access_page().await.unwrap();
        let row = page
            .tokens
            .iter()
            .find(|t| t.name.starts_with("Offboarding"))
            .unwrap();
        assert_eq!(
            (row.last_used_at, row.last_used_ip.as_deref()),
            (Some(app.clock_now()), Some("10.9.8.7"))
        );
        let revoke = [
            ("act", "revoke-token"),
            ("token", row.token_id.as_str()),
            ("reason", "not needed"),
        ];
        assert_eq!(
            admin.post("/access/act", &revoke).await.status,
            StatusCode::SEE_OTHER
        );
        let over = anyone
            .send(Method::GET, "/me", &[("authorization", &bearer)], None)
            .await;
        assert_eq!(over.status, StatusCode::UNAUTHORIZED);
        app.clock.advance(600);
        let late = admin.post("/access/act", &fields).await;
        assert_eq!(late.status, StatusCode::UNAUTHORIZED, "the password comes first");
        assert!(late.body.contains("action=\"/step-up\"") && !late.body.contains("one-time"));
    }
}
