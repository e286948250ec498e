//! The example app beside a broker that notes what it is asked.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use axum::{Router, body};
use embedding_app::{Person, Settings};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const AUDIENCE: &str = "https://broker.example.org";

/// A request that reached the broker.
#[derive(Clone, Debug)]
struct Asked {
    what: String,
    headers: axum::http::HeaderMap,
    body: Bytes,
}

type Noted = Arc<Mutex<Vec<Asked>>>;

async fn answer(State(noted): State<Noted>, request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let body = body::to_bytes(body, 65_536).await.unwrap();
    let what = format!("{} {}", parts.method, parts.uri.path());
    let said = match what.as_str() {
        "POST /broker/v1/signout" => json!({ "reference": "T-2", "ending": 7, "state": "waiting" }),
        "GET /broker/v1/endings/7" => {
            json!({ "ending": 7, "state": "settled", "open": 0, "outcomes": { "ended": 1 } })
        }
        _ => json!({ "reference": "T-1", "grant": "ticket" }),
    };
    noted.lock().unwrap().push(Asked {
        what,
        headers: parts.headers,
        body,
    });
    axum::Json(said)
}

/// The app's address and what its broker has heard.
async fn running() -> (String, Noted) {
    let noted = Noted::default();
    let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", broker.local_addr().unwrap());
    tokio::spawn(axum::serve(broker, Router::new().fallback(answer).with_state(noted.clone())).into_future());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = Settings {
        listen: address,
        id: "intranet".to_owned(),
        secret: SECRET.to_owned(),
        broker: url,
        audience: AUDIENCE.to_owned(),
        site: "sales".to_owned(),
        tableau: "https://tableau.example.org".to_owned(),
        views: vec!["Sales/Overview".to_owned(), "Sales/Regions".to_owned()],
        session_s: 28_800,
        https: true,
        people: vec![Person {
            login: "ann".to_owned(),
            password: "paper-boats".to_owned(),
            user: "CORP\\ann".to_owned(),
        }],
    };
    tokio::spawn(embedding_app::serve(listener, settings));
    (format!("http://{address}"), noted)
}

#[expect(clippy::disallowed_methods, reason = "a test of an app of its own")]
fn client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    let quiet = reqwest::redirect::Policy::none();
    reqwest::Client::builder()
        .redirect(quiet)
        .no_proxy()
        .build()
        .unwrap()
}

/// Signs in; the whole header that sets the cookie.
async fn sign_in(app: &str, password: &str) -> Option<String> {
    let ask = client()
        .post(format!("{app}/sign-in"))
        .header("sec-fetch-site", "same-origin");
    let form = ask.header("content-type", "application/x-www-form-urlencoded");
    let answer = form
        .body(format!("login=ann&password={password}"))
        .send()
        .await
        .unwrap();
    let cookie = answer.headers().get("set-cookie")?;
    Some(cookie.to_str().unwrap().to_owned())
}

fn value_of(cookie: &str) -> &str {
    cookie.split(';').next().unwrap()
}

/// What a token claims, its signature and audience checked.
fn claims(token: &str, audience: &str) -> Value {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_audience(&[audience]);
    rules.set_issuer(&["intranet"]);
    decode::<Value>(token, &DecodingKey::from_secret(SECRET.as_bytes()), &rules)
        .unwrap()
        .claims
}

#[tokio::test]
async fn a_sign_in_is_a_cookie_for_the_brokers_door_for_browsers() {
    let (app, _) = running().await;
    assert_eq!(sign_in(&app, "wrong").await, None);
    let cookie = sign_in(&app, "paper-boats").await.unwrap();
    for rule in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(rule), "{rule}: {cookie}");
    }
    let token = value_of(&cookie).strip_prefix("app_session=").unwrap();
    let claims = claims(token, &format!("{AUDIENCE}/browser"));
    assert_eq!(claims["sub"], "CORP\\ann");
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["auth_time"].as_i64().unwrap(),
        28_800
    );
    assert!(claims["sid"].as_str().unwrap().len() >= 20);
}

#[tokio::test]
async fn a_request_for_a_ticket_is_handed_on_with_the_apps_own_cookie_only() {
    let (app, noted) = running().await;
    let cookie = value_of(&sign_in(&app, "paper-boats").await.unwrap()).to_owned();
    let ask = |cookie: String| {
        let ask = client().post(format!("{app}/broker/v1/browser/tickets"));
        let ask = ask
            .header("cookie", cookie)
            .header("content-type", "application/json");
        ask.header("sec-fetch-site", "same-origin")
            .body("{\"site\":\"sales\"}")
            .send()
    };
    let other = ask(format!("tracker=1; {cookie}; theme=dark")).await.unwrap();
    assert_eq!(other.status(), 200);
    assert_eq!(other.json::<Value>().await.unwrap()["reference"], "T-1");
    let asked = noted.lock().unwrap()[0].clone();
    assert_eq!(asked.what, "POST /broker/v1/browser/tickets");
    assert_eq!(asked.headers["cookie"], cookie.as_str());
    assert_eq!(asked.headers["x-curfew-app"], "intranet");
    assert_eq!(asked.headers["sec-fetch-site"], "same-origin");
    assert_eq!(asked.headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(asked.body, "{\"site\":\"sales\"}");
    // Whoever is not signed in, or has changed the token, never reaches the broker.
    for bad in [
        "a=b".to_owned(),
        format!("{cookie}x"),
        "app_session=a.b.c".to_owned(),
    ] {
        let refused = ask(bad).await.unwrap();
        assert_eq!(refused.status(), 401);
        assert_eq!(refused.json::<Value>().await.unwrap()["code"], "unauthorized");
    }
    assert_eq!(noted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_sign_out_is_told_to_the_broker_and_its_end_is_shown() {
    let (app, noted) = running().await;
    let cookie = value_of(&sign_in(&app, "paper-boats").await.unwrap()).to_owned();
    let leave = |site: &'static str| {
        let ask = client()
            .post(format!("{app}/sign-out"))
            .header("cookie", cookie.clone());
        ask.header("sec-fetch-site", site).send()
    };
    assert_eq!(leave("cross-site").await.unwrap().status(), 403);
    let left = leave("same-origin").await.unwrap();
    assert!(
        left.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    let to = left.headers()["location"].to_str().unwrap().to_owned();
    let page = client()
        .get(format!("{app}{to}"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("You are signed out of Tableau."), "{page}");
    let heard = noted.lock().unwrap().clone();
    let whats: Vec<&str> = heard.iter().map(|asked| asked.what.as_str()).collect();
    assert_eq!(whats, ["POST /broker/v1/signout", "GET /broker/v1/endings/7"]);
    let tokens: Vec<Value> = heard
        .iter()
        .map(|asked| asked.headers["authorization"].to_str().unwrap())
        .map(|bearer| claims(bearer.strip_prefix("Bearer ").unwrap(), AUDIENCE))
        .collect();
    for token in &tokens {
        assert_eq!(
            (&token["sub"], &token["site"]),
            (&json!("CORP\\ann"), &json!("sales"))
        );
        assert!(token["exp"].as_i64().unwrap() - token["iat"].as_i64().unwrap() <= 60);
    }
    assert_ne!(tokens[0]["jti"], tokens[1]["jti"]);
    // A copy of the cookie is worth nothing any more.
    let after = client()
        .get(format!("{app}/"))
        .header("cookie", cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(after.headers()["location"], "/sign-in");
}
