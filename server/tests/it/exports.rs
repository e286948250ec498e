//! The list of sessions as a file: exactly what its caller's list is, on the way out in parts, with its trace in the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use app::access::wire::{Permission, Scope};
use app::paths::{parse_query, query_string};
use app::sessions::query::SessionQuery;
use app::sessions::wire::SessionKind;
use app::wire::Limit;
use futures::StreamExt;
use reqwest::StatusCode;
use server::audit::export::Format;
use server::caller::testing::caller;
use server::keys::HashKey;
use server::sessions::testing::{self, Seed};

use crate::harness::{App, Browser, Engine, MORNING};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// Names that a spreadsheet would run, or a careless reader split.
const NAMES: [&str; 8] = [
    "=HYPERLINK(\"http://evil.example\")",
    "+49 30 1234",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "Ann \"Fox\", Smith",
    "山田 太郎",
    "Ben Ode",
];

/// More than two parts of a file in all, guests among them.
const SESSIONS: usize = 4_500;

/// A portal with sessions of two systems, one after the other.
async fn estate(engine: Engine, count: usize) -> App {
    let app = App::start_with(engine, |_| {}).await;
    let mut conn = app.portal.db.write().await.unwrap();
    for system in ["domo", "keycloak"] {
        testing::insert_system(&mut conn, system, MORNING).await.unwrap();
    }
    let seeds: Vec<Seed> = (0..count)
        .map(|n| Seed {
            system_id: if n % 2 == 0 { "domo" } else { "keycloak" }.to_owned(),
            handle: format!("handle-{n}"),
            kind: if n % 50 == 7 {
                SessionKind::Guest
            } else {
                SessionKind::Web
            },
            account_id: format!("a{n}"),
            account_name: format!("user{n}"),
            display_name: NAMES[n % NAMES.len()].to_owned(),
            ip: Some(format!("10.1.{}.{}", n / 250, n % 250)),
            browser: "Chrome 149".to_owned(),
            os: "Windows".to_owned(),
            created_at: (n % 3 > 0).then_some(MORNING.0 - (n as i64) * 1_000),
            last_active_at: Some(MORNING.0 - ((n as i64 * 7_919) % 5_000) * 1_000),
            idle: Limit::Seconds(1_800),
            ..Seed::default()
        })
        .collect();
    testing::insert(&mut conn, &HashKey::new([7; 32]), &seeds)
        .await
        .unwrap();
    conn.commit().await.unwrap();
    app
}

async fn rows(app: &App, sql: &'static str) -> Vec<String> {
    let mut conn = app.portal.db.read().await.unwrap();
    server::on!(conn, c => sqlx::query_scalar(sql).fetch_all(c).await.unwrap())
}

/// What the log says of exports of the list, oldest first.
async fn told(app: &App) -> Vec<serde_json::Value> {
    rows(
        app,
        "SELECT detail FROM audit_entry WHERE action = 'sensitive_export' AND target = 'List of sessions' ORDER BY seq",
    )
    .await
    .iter()
    .map(|detail| serde_json::from_str(detail).unwrap())
    .collect()
}

/// The lines of a CSV file, by the names of its head.
fn csv_lines(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|line| line.unwrap()).collect()
}

async fn file(browser: &Browser, address: &str) -> Vec<BTreeMap<String, String>> {
    let answer = browser.get(address).await;
    assert_eq!(answer.status, StatusCode::OK, "{address}: {}", answer.body);
    csv_lines(&answer.body)
}

fn keys(lines: &[BTreeMap<String, String>]) -> BTreeSet<String> {
    let keys: BTreeSet<String> = lines.iter().map(|l| l["session_key"].clone()).collect();
    assert_eq!(keys.len(), lines.len(), "no session twice");
    keys
}

#[tokio::test]
async fn ui_j4_a_file_is_exactly_the_list_within_scope() {
    const OF_DOMO: &str =
        "SELECT session_key FROM session WHERE system_id = 'domo' AND state = 'live' AND kind <> 'guest'";
    const OF_KEYCLOAK: &str =
        "SELECT session_key FROM session WHERE system_id = 'keycloak' AND state = 'live' AND kind <> 'guest'";
    const BENS: &str = "SELECT session_key FROM session WHERE system_id = 'domo' AND kind <> 'guest' \
                        AND state = 'live' AND account_name LIKE '%99%'";
    for engine in BOTH {
        let app = estate(engine, SESSIONS).await;
        app.person("dora", "Dora", &[("auditor", Scope::systems(["domo"]))])
            .await;
        app.person("kim", "Kim", &[("auditor", Scope::systems(["keycloak"]))])
            .await;
        let (dora, kim) = (app.signed_in("dora").await, app.signed_in("kim").await);

        // Two helpers, the same address: each gets the database's rows of their scope, and none of the other's.
        let domo: BTreeSet<String> = rows(&app, OF_DOMO).await.into_iter().collect();
        let keycloak: BTreeSet<String> = rows(&app, OF_KEYCLOAK).await.into_iter().collect();
        assert!(domo.len() > 2_000 && keycloak.len() > 2_000);
        let of_dora = file(&dora, "/sessions/export.csv").await;
        assert_eq!(keys(&of_dora), domo);
        let of_kim = file(&kim, "/sessions/export.csv").await;
        assert_eq!(keys(&of_kim), keycloak);
        for sort in ["person", "ends", "started&dir=asc"] {
            let lines = file(
                &dora,
                &format!("/sessions/export.csv?sort={sort}&system=domo&system=keycloak"),
            )
            .await;
            assert_eq!(keys(&lines), domo, "{sort}");
        }
        let bens = file(&dora, "/sessions/export.csv?q=99&sort=person").await;
        assert_eq!(keys(&bens), rows(&app, BENS).await.into_iter().collect());

        // Without SeeNetworkData there is none of it, and asking by it is refused as in the list.
        assert!(
            of_dora
                .iter()
                .all(|l| l["masked"] == "true" && l["ip"].is_empty() && l["browser"].is_empty())
        );
        for refused in ["?ip=10.0.0.0/8", "?sort=ip", "?no=such"] {
            let answer = dora.get(&format!("/sessions/export.csv{refused}")).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
        }

        // No cell is a formula; the rest of the text is all there.
        for line in &of_dora {
            for cell in line.values() {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
            }
        }
        let persons: BTreeSet<&str> = of_dora.iter().map(|l| l["person"].as_str()).collect();
        assert!(
            persons.contains("'=HYPERLINK(\"http://evil.example\")"),
            "{persons:?}"
        );

        // JSON lines say the same.
        let answer = dora.get("/sessions/export.jsonl").await;
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        let objects: Vec<serde_json::Map<String, serde_json::Value>> = answer
            .body
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(objects.len(), of_dora.len());
        for (object, line) in objects.iter().zip(&of_dora) {
            assert_eq!(object.len(), line.len());
            for (name, value) in object {
                let text = match value {
                    serde_json::Value::Null => String::new(),
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                assert!(
                    line[name].ends_with(text.trim_start_matches('\t')),
                    "{name}: {text:?} {:?}",
                    line[name]
                );
            }
        }
    }
}

#[tokio::test]
async fn ui_j4_a_file_is_written_down_and_named_by_the_clock() {
    let app = estate(Engine::Sqlite, 60).await;
    app.administrator("mara").await;
    app.person("hal", "Hal", &[("helpdesk", Scope::EVERYWHERE)]).await;
    app.person(
        "nina",
        "Nina",
        &[
            ("helpdesk", Scope::EVERYWHERE),
            ("auditor", Scope::systems(["domo"])),
        ],
    )
    .await;
    let mara = app.signed_in("mara").await;
    let answer = mara
        .get("/sessions/export.csv?system=domo&active=8h&active.op=within")
        .await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"curfew-sessions-20300317T174640Z.csv\""
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let lines = csv_lines(&answer.body);
    assert!(lines.iter().all(|l| l["ip"].starts_with("10.1.")));
    let told_so_far = told(&app).await;
    let outcomes: Vec<&str> = told_so_far
        .iter()
        .map(|t| t["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["begun", "sent"]);
    assert_eq!(told_so_far[1]["rows"], lines.len());
    assert_eq!(told_so_far[1]["format"], "csv");
    assert_eq!(told_so_far[1]["filter"], "System Domo; Active within 8 h");

    // Who may not export gets nothing, and that is written down too.
    let hal = app.signed_in("hal").await;
    assert_eq!(
        hal.get("/sessions/export.jsonl").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(app.audited("authz_fail").await, 1);
    assert!(hal.get("/sessions").await.body.contains("you need “Export data”"));
    assert_eq!(told(&app).await.len(), 2);

    // Who sees more than they may export gets what they may export.
    let nina = app.signed_in("nina").await;
    let lines = file(&nina, "/sessions/export.csv").await;
    assert!(!lines.is_empty() && lines.iter().all(|l| l["system_id"] == "domo"));

    // The link of the page keeps its filters.
    let page = mara.get("/sessions?q=ben&sort=person").await.body;
    assert!(
        page.contains("/sessions/export.csv?q=ben&amp;sort=person"),
        "{page}"
    );
    assert!(
        !mara
            .get("/sessions?no=such")
            .await
            .body
            .contains("/sessions/export")
    );
}

#[tokio::test]
async fn ui_j4_rows_that_move_meanwhile_are_sent_once_and_a_stopped_file_says_so() {
    for engine in BOTH {
        let app = estate(engine, SESSIONS).await;
        let mara = Arc::new(caller("mara", &Permission::ALL, Scope::EVERYWHERE));
        let begin = async |query: &str| {
            let (query, _) = SessionQuery::from_pairs(&parse_query(query), 0);
            let stream = app
                .portal
                .sessions
                .export(&mara, &query, Format::Csv)
                .await
                .unwrap();
            Box::pin(stream)
        };
        let mut parts = begin("").await;
        let mut text = parts.next().await.unwrap().unwrap();
        // Everybody does something: in the order of activity most of the rest would step over the cursor.
        let mut conn = app.portal.db.write().await.unwrap();
        server::on!(conn, c => { sqlx::query(
            "UPDATE session SET last_active_at = 1900000100000, last_active_sort = 1900000100000 WHERE system_id = 'domo'")
            .execute(c).await.unwrap(); });
        conn.commit().await.unwrap();
        while let Some(part) = parts.next().await {
            text.push_str(&part.unwrap());
        }
        drop(parts);
        let live = rows(
            &app,
            "SELECT session_key FROM session WHERE state = 'live' AND kind <> 'guest' AND system_id <> 'curfew'",
        )
        .await;
        assert_eq!(keys(&csv_lines(&text)), live.into_iter().collect());

        let mut parts = begin(&query_string(&[("kind", "web"), ("sort", "person")])).await;
        drop(parts.next().await.unwrap().unwrap());
        drop(parts);
        let mut last = serde_json::Value::Null;
        for _ in 0..200 {
            last = told(&app).await.pop().unwrap();
            if last["outcome"] == "stopped" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(
            (&last["outcome"], &last["rows"]),
            (&"stopped".into(), &2_000.into())
        );
        assert_eq!(
            rows(
                &app,
                "SELECT result FROM audit_entry WHERE action = 'sensitive_export' ORDER BY seq DESC LIMIT 1"
            )
            .await,
            ["failed"]
        );
    }
}
