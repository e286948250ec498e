//! The broker on a listener of its own, what of Curfew is not there, and the helper's files.

use data_encoding::BASE64;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha384};
use tokio_util::sync::CancellationToken;

use crate::broker_estate::{Estate, ed, estate, estate_of, send};
use crate::harness::{Answer, Engine};

/// An estate whose broker has a listener of its own, and where that is.
async fn apart() -> (Estate, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let estate = estate_of(Engine::Sqlite, |config, _| config.broker.listen = Some(address)).await;
    let router = server::http::broker_router(estate.app.portal.http(CancellationToken::new()));
    tokio::spawn(server::http::serve(
        listener,
        None,
        router,
        estate.app.stop.clone(),
    ));
    (estate, format!("http://{address}"))
}

async fn get(base: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(Method::GET, &format!("{base}{path}"), headers, "").await
}

#[tokio::test]
async fn security_broker_a_listener_of_its_own_has_nothing_else_of_curfew() {
    let (estate, broker) = apart().await;
    let answer = estate
        .at(&broker, "/broker/v1/tickets", &ed(&estate.claims("ann", "Sales")))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(get(&broker, "/healthz", &[]).await.status, StatusCode::OK);
    assert_eq!(
        get(&broker, "/embed/curfew-embed.js", &[]).await.status,
        StatusCode::OK
    );

    // Whoever is signed in to Curfew is nobody there.
    estate.app.administrator("mara").await;
    let mara = estate.app.signed_in("mara").await;
    let cookie = format!("curfew-id={}", mara.cookie().unwrap());
    assert_eq!(mara.get("/sessions").await.status, StatusCode::OK);
    for path in [
        "/",
        "/sign-in",
        "/sessions",
        "/tickets",
        "/account",
        "/readyz",
        "/metrics",
        "/api/v1/sessions",
        "/api/v1/openapi.json",
        "/pkg/curfew.css",
        "/favicon.ico",
    ] {
        for headers in [&[][..], &[("cookie", cookie.as_str())][..]] {
            let answer = get(&broker, path, headers).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.body);
            assert_eq!(answer.header("set-cookie"), "", "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        }
    }
    for path in ["/sign-in", "/sessions/act", "/tickets/act"] {
        let headers = [
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let answer = send(Method::POST, &format!("{broker}{path}"), &headers, "act=check").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
    }
    // Neither does a cookie of Curfew's count as one of an app's.
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/json"),
    ];
    let url = format!("{broker}/broker/v1/browser/tickets");
    let answer = send(Method::POST, &url, &headers, "{}").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    for (path, status) in [("/broker/v1/tickets", 401), ("/broker/v1/nothing", 404)] {
        let answer = send(Method::POST, &format!("{broker}{path}"), &[], "").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
        assert!(!answer.header("x-content-type-options").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn security_broker_with_a_listener_of_its_own_the_portal_does_not_answer_for_it() {
    let (estate, _) = apart().await;
    let token = ed(&estate.claims("ann", "Sales"));
    let answer = estate.ask(&token).await;
    assert!(
        answer.status == StatusCode::NOT_FOUND
            || answer.leads_to_sign_in()
            || answer.status.is_client_error(),
        "{} {}",
        answer.status,
        answer.body
    );
    assert!(!answer.body.contains("redeem_url"));
    let file = get(&estate.app.url, "/embed/curfew-embed.js", &[]).await;
    assert_ne!(file.status, StatusCode::OK);
    assert_eq!(file.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn the_helpers_files_come_compressed_and_are_what_their_hash_says() {
    let estate = estate(Engine::Sqlite, |_| {}).await;
    let base = &estate.app.url;
    let hashes: Value = get(base, "/embed/integrity.json", &[]).await.json();
    let versioned = hashes
        .as_object()
        .unwrap()
        .keys()
        .find(|name| name.starts_with("curfew-embed-"))
        .unwrap()
        .clone();
    for name in ["curfew-embed.js", versioned.as_str(), "curfew-embed.d.ts"] {
        let path = format!("/embed/{name}");
        let plain = get(base, &path, &[]).await;
        assert_eq!(plain.header("content-encoding"), "");
        assert_eq!(plain.header("vary"), "Accept-Encoding");
        if name.ends_with(".js") {
            let hash = BASE64.encode(&Sha384::digest(plain.body.as_bytes()));
            assert_eq!(hashes[name], json!(format!("sha384-{hash}")), "{name}");
        }
        for (accepts, encoding) in [
            ("gzip, deflate, br, zstd", "br"),
            ("br", "br"),
            ("gzip", "gzip"),
            ("gzip, br;q=0", "gzip"),
            ("deflate", ""),
            ("identity", ""),
        ] {
            let sent = get(base, &path, &[("accept-encoding", accepts)]).await;
            assert_eq!(sent.status, StatusCode::OK);
            assert_eq!(sent.header("content-encoding"), encoding, "{name} {accepts}");
            assert_eq!(sent.header("vary"), "Accept-Encoding");
            assert_eq!(sent.header("access-control-allow-origin"), "*");
            assert_eq!(sent.header("content-type"), plain.header("content-type"));
            assert_eq!(sent.header("cache-control"), plain.header("cache-control"));
            let length: usize = sent.header("content-length").parse().unwrap();
            assert_eq!(
                length < plain.body.len(),
                !encoding.is_empty(),
                "{name} {accepts}"
            );
        }
    }
}
