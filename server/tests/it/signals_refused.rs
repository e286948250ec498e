//! Signals that are not believed, one by one: nothing is kept of them, the answer says only that, the log says why.

use data_encoding::BASE64URL_NOPAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::broker_estate::send;
use crate::broker_keys::Key;
use crate::signals_estate::{BOTH, EVENT, SECRET, Signals, rule};

/// Why the newest refused signal was refused, as the log says.
async fn cause(estate: &Signals) -> String {
    let mut conn = estate.app.portal.db.read().await.unwrap();
    let detail: String = server::on!(conn, c => sqlx::query_scalar(
        "SELECT detail FROM audit_entry WHERE action = 'signal_refused' ORDER BY seq DESC LIMIT 1")
        .fetch_one(c).await.unwrap());
    let detail: Value = serde_json::from_str(&detail).unwrap();
    detail["cause"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn security_a22_a_logout_token_that_is_not_as_it_should_be_is_refused_and_nothing_is_kept() {
    for engine in BOTH {
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        let good = estate.claims(&ann);
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            estate.token(&claims)
        };
        let without = |name: &str| {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            estate.token(&claims)
        };
        let now_s = estate.now().0 / 1000;
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let unsigned = format!(
            "{}.{}.",
            part(json!({"alg": "none", "typ": "logout+jwt"})),
            part(good.clone())
        );
        let whole = estate.token(&good);
        // By one: no text of that length is base64. Shorter ones may be, and are then a signature that does not fit.
        let cut = whole[..whole.len() - 1].to_owned();
        // Somebody else's name under a good signature.
        let tampered = {
            let (head, signature) = (
                whole.split('.').next().unwrap(),
                whole.rsplit('.').next().unwrap(),
            );
            let mut claims = good.clone();
            claims["sub"] = "somebody-else".into();
            format!("{head}.{}.{signature}", part(claims))
        };
        // Signed with the published key as if it were a shared secret.
        let mixed_up = {
            let header = jsonwebtoken::Header {
                typ: Some("logout+jwt".to_owned()),
                kid: Some("first".to_owned()),
                ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
            };
            let secret = jsonwebtoken::EncodingKey::from_secret(estate.key.pair.public_key_raw());
            jsonwebtoken::encode(&header, &good, &secret).unwrap()
        };
        let foreign = Key::new("first");
        let unknown = Key::new("another");
        let cases: Vec<(String, &str)> = vec![
            (unsigned, "Its algorithm is not ES256"),
            (mixed_up, "Its algorithm is not ES256"),
            (cut, "can't be read"),
            (tampered, "signature"),
            (estate.token_by(&foreign, "logout+jwt", &good), "signature"),
            (estate.token_by(&unknown, "logout+jwt", &good), "kid names none"),
            (
                estate.token_by(&estate.key, "JWT", &good),
                "typ is not logout+jwt",
            ),
            (with("iss", json!("https://sso.test/realms/other")), "iss"),
            (without("iss"), "no iss"),
            (with("aud", json!("another-client")), "aud"),
            (with("aud", json!(["another", "client"])), "aud"),
            (without("aud"), "no aud"),
            (with("exp", json!(now_s - 60)), "run out"),
            (without("exp"), "no exp"),
            (with("iat", json!(now_s - 700)), "more than 600 s"),
            (with("iat", json!(now_s + 61)), "future"),
            (with("nonce", json!("n-0S6")), "nonce"),
            (without("events"), "events"),
            (
                with("events", json!({"http://schemas.openid.net/event/other": {}})),
                "events",
            ),
            (without("jti"), "no jti"),
            ("no token at all".to_owned(), "no JWT"),
            ("a.b.c".to_owned(), "no JWT"),
            ("x".repeat(13_000), "too long"),
        ];
        for (at, (token, says)) in cases.into_iter().enumerate() {
            let body = app::paths::query_string(&[("logout_token", token.as_str())]);
            // Each from an address of its own, or only the first few would be written down.
            let from = format!("10.251.{}.{}", at / 250, at % 250 + 1);
            let headers = [
                ("content-type", "application/x-www-form-urlencoded"),
                ("x-forwarded-for", from.as_str()),
            ];
            let url = format!("{}/signals/v1/oidc/sso", estate.app.url);
            let answer = send(Method::POST, &url, &headers, &body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{engine:?} {says}");
            assert_eq!(answer.body, "{\"error\":\"invalid_request\"}", "never why");
            assert_eq!(answer.header("cache-control"), "no-store");
            let cause = cause(&estate).await;
            assert!(cause.contains(says), "{engine:?} {says}: {cause}");
        }
        assert_eq!(estate.kept().await, (0, 0), "{engine:?}");
        estate.work().await;
        assert_eq!(estate.live(&ann).len(), 3);
        // The very same claims are good where nothing is wrong with them; several may be meant.
        let mut several = good.clone();
        several["aud"] = json!(["another", "curfew-signals"]);
        several["events"] = json!({ EVENT: {}, "revoke_offline_access": true });
        assert_eq!(estate.tell(&estate.token(&several)).await.status, StatusCode::OK);
        assert_eq!(estate.kept().await, (1, 0));
    }
}

#[tokio::test]
async fn security_a22_a_token_counts_once_on_every_replica() {
    for engine in BOTH {
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        let token = estate.token(&estate.claims(&ann));
        let other = estate.app.second_node().await;
        let at = |base: String| {
            let (estate, token) = (&estate, token.as_str());
            async move {
                estate
                    .post_at(&base, "/signals/v1/oidc/sso", "logout_token", token)
                    .await
                    .status
            }
        };
        // At the same moment, and again later: the server may not have got the answer, so it is told the same once more.
        let (a, b) = tokio::join!(at(estate.app.url.clone()), at(other.clone()));
        assert_eq!((a, b), (StatusCode::OK, StatusCode::OK), "{engine:?}");
        estate.work().await;
        assert_eq!(at(other).await, StatusCode::OK);
        estate.work().await;
        assert_eq!(estate.kept().await, (1, 1), "{engine:?}");
        // Its name is kept for as long as the token itself would be taken.
        estate.advance(590);
        estate.app.portal.signals.sweep(30).await.unwrap();
        let answer = estate.tell(&token).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "it has run out");
        estate.advance(200);
        estate.app.portal.signals.sweep(30).await.unwrap();
        assert_eq!(estate.tell(&token).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(estate.kept().await.0, 1);
    }
}

#[tokio::test]
async fn what_is_no_form_or_too_much_is_refused_before_anything_is_read() {
    let estate = Signals::start(BOTH[0]).await;
    let ann = estate.signed_in("ann").await;
    let token = estate.token(&estate.claims(&ann));
    let url = format!("{}/signals/v1/oidc/sso", estate.app.url);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let twice =
        app::paths::query_string(&[("logout_token", token.as_str()), ("logout_token", token.as_str())]);
    let once = app::paths::query_string(&[("logout_token", token.as_str())]);
    let huge = format!("padding={}&{once}", "x".repeat(17_000));
    for (headers, body, status) in [
        (vec![form], huge.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
        (vec![form], twice.as_str(), StatusCode::BAD_REQUEST),
        (vec![form], "other=1", StatusCode::BAD_REQUEST),
        (vec![form], "", StatusCode::BAD_REQUEST),
        (
            vec![("content-type", "multipart/form-data; boundary=x")],
            once.as_str(),
            StatusCode::BAD_REQUEST,
        ),
        (
            vec![("content-type", "application/json")],
            once.as_str(),
            StatusCode::BAD_REQUEST,
        ),
        (vec![], once.as_str(), StatusCode::BAD_REQUEST),
    ] {
        let answer = send(Method::POST, &url, &headers, body).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let get = send(Method::GET, &format!("{url}?{once}"), &[], "").await;
    assert_eq!(
        get.status,
        StatusCode::METHOD_NOT_ALLOWED,
        "nothing by an address"
    );
    for path in [
        "/signals/v1/oidc/nobody",
        "/signals/v1/oidc/campus",
        "/signals/v1/cas/sso/x",
        "/signals/v1/x",
    ] {
        let answer = estate
            .post_at(&estate.app.url, path, "logout_token", &token)
            .await;
        assert!(
            [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST].contains(&answer.status),
            "{path}"
        );
    }
    assert_eq!(estate.kept().await, (0, 0));
    // Other fields are passed over; the form is good as it is.
    let more = format!("state=1&{once}");
    assert_eq!(
        send(Method::POST, &url, &[form], &more).await.status,
        StatusCode::OK
    );
    assert_eq!(estate.kept().await, (1, 0));
}

#[tokio::test]
async fn too_many_that_are_not_believed_are_answered_with_that_alone() {
    let estate = Signals::start(BOTH[0]).await;
    let mut seen = Vec::new();
    for _ in 0..130 {
        seen.push(estate.tell("a.b.c").await.status);
    }
    assert_eq!(seen.first(), Some(&StatusCode::BAD_REQUEST));
    assert_eq!(seen.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
    assert!(
        estate.app.audited("signal_refused").await <= 3,
        "a flood does not fill the log"
    );
    // A good one still comes through.
    let ann = estate.signed_in("ann").await;
    assert_eq!(
        estate.tell(&estate.token(&estate.claims(&ann))).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_believe_nothing() {
    let estate = Signals::start_with(BOTH[0], |config| {
        let oidc = rule(config, "sso").oidc.as_mut().unwrap();
        oidc.jwks.url = "http://127.0.0.1:9/keys".to_owned();
    })
    .await;
    let ann = estate.signed_in("ann").await;
    let body = app::paths::query_string(&[("logout_token", estate.token(&estate.claims(&ann)).as_str())]);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-forwarded-for", "10.252.0.1"),
    ];
    let url = format!("{}/signals/v1/oidc/sso", estate.app.url);
    let answer = send(Method::POST, &url, &headers, &body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(cause(&estate).await.contains("could not be fetched"));
    assert_eq!(estate.kept().await, (0, 0));
}

#[tokio::test]
async fn a_request_of_cas_counts_by_its_address_and_only_as_saml_without_a_document_type() {
    for engine in BOTH {
        let estate = Signals::start(engine).await;
        let ann = estate.signed_in("ann").await;
        let good = estate.request("ann");
        let evil = format!("<!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{good}");
        let old = good.replace("IssueInstant=\"2030-03-17T17:", "IssueInstant=\"2030-03-17T16:");
        assert_ne!(old, good);
        for (secret, request, status) in [
            (
                "0123456789abcdef0123456789abcdeX",
                good.as_str(),
                StatusCode::NOT_FOUND,
            ),
            ("x", good.as_str(), StatusCode::NOT_FOUND),
            (SECRET, evil.as_str(), StatusCode::BAD_REQUEST),
            (SECRET, &good.replace(">ann<", ">&e;<"), StatusCode::BAD_REQUEST),
            (
                SECRET,
                &good.replace("LogoutRequest", "Response"),
                StatusCode::BAD_REQUEST,
            ),
            (SECRET, old.as_str(), StatusCode::BAD_REQUEST),
            (SECRET, "<a", StatusCode::BAD_REQUEST),
        ] {
            let answer = estate.tell_cas(secret, request).await;
            assert_eq!(answer.status, status, "{engine:?} {request}");
        }
        assert_eq!(estate.kept().await, (0, 0), "{engine:?}");
        // The same request again and again is one.
        for _ in 0..3 {
            assert_eq!(estate.tell_cas(SECRET, &good).await.status, StatusCode::OK);
        }
        estate.work().await;
        assert_eq!(estate.kept().await, (1, 1));
        assert_eq!(estate.live(&ann), ["payroll"], "{engine:?}");
    }
}

#[tokio::test]
async fn a_request_of_cas_from_another_network_is_refused_with_the_right_secret_too() {
    let estate = Signals::start_with(BOTH[0], |config| {
        let cas = rule(config, "campus").cas.as_mut().unwrap();
        cas.networks = vec!["192.0.2.0/28".parse().unwrap()];
    })
    .await;
    estate.signed_in("ann").await;
    let body = app::paths::query_string(&[("logoutRequest", estate.request("ann").as_str())]);
    let url = format!("{}/signals/v1/cas/campus/{SECRET}", estate.app.url);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let from = |ip: &'static str| [form, ("x-forwarded-for", ip)];
    assert_eq!(
        send(Method::POST, &url, &from("192.0.2.200"), &body).await.status,
        StatusCode::BAD_REQUEST
    );
    assert!(cause(&estate).await.contains("networks"));
    assert_eq!(
        send(Method::POST, &url, &from("192.0.2.7"), &body).await.status,
        StatusCode::OK
    );
}
