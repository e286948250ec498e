//! What apps sign with, and what is signed for them: published keys (JWKS), and tokens of connected apps.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use app::tickets::wire::{TicketGrant, TicketOutcome};
use axum::http::StatusCode as Status;
use axum::response::IntoResponse;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::config::{AppJwks, Config, KeyAlgorithm};
use server::simulators::tableau::TableauServer;

use crate::broker_estate::{Estate, ed, estate_of, signed};
use crate::harness::Engine;

/// Where an app publishes its keys: what is there now, and how often it was asked for.
pub struct Publisher {
    pub address: SocketAddr,
    /// `None` = it answers 503.
    keys: Arc<Mutex<Option<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Publisher {
    pub async fn start() -> Self {
        let keys = Arc::new(Mutex::new(Some(json!({"keys": []}))));
        let asked = Arc::new(AtomicUsize::new(0));
        let (shown, count) = (keys.clone(), asked.clone());
        let answer = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let body = shown.lock().unwrap().clone();
            async move {
                match body {
                    Some(body) => axum::Json(body).into_response(),
                    None => Status::SERVICE_UNAVAILABLE.into_response(),
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().route("/keys", axum::routing::get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, keys, asked }
    }

    pub fn publish(&self, keys: &[Value]) {
        *self.keys.lock().unwrap() = Some(json!({"keys": keys}));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A key of an app, and how it is published.
pub struct Key {
    pub kid: &'static str,
    pub pair: KeyPair,
}

impl Key {
    pub fn new(kid: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        Self { kid, pair }
    }

    pub fn published(&self) -> Value {
        // An uncompressed point: 4, x, y.
        let point = self.pair.public_key_raw();
        let part = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
            "x": part(&point[1..33]), "y": part(&point[33..65]),
        })
    }

    fn token(&self, kid: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = kid.map(str::to_owned);
        let key = EncodingKey::from_ec_pem(self.pair.serialize_pem().as_bytes()).unwrap();
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    }
}

/// An estate whose app `other` publishes its keys.
async fn published() -> (Estate, Publisher) {
    let publisher = Publisher::start().await;
    let url = format!("http://{}/keys", publisher.address);
    let estate = estate_of(Engine::Sqlite, |config, _| {
        let other = &mut config.broker.apps[1];
        other.keys = Vec::new();
        other.jwks = Some(AppJwks {
            algorithm: KeyAlgorithm::ES256,
            url,
            ca_file: None,
        });
    })
    .await;
    (estate, publisher)
}

/// Whether a token signed with that key lets in; if not, why, as the Tickets page says.
async fn ask(estate: &Estate, key: &Key, kid: Option<&str>) -> Result<(), String> {
    let mut claims = estate.claims("ann", "");
    claims["iss"] = "other".into();
    let answer = estate.ask(&key.token(kid, &claims)).await;
    if answer.status == StatusCode::OK {
        return Ok(());
    }
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    let (outcome, cause) = estate.newest().await;
    assert_eq!(outcome, TicketOutcome::Unauthorized);
    Err(cause)
}

#[tokio::test]
async fn security_broker_published_keys_rotate_and_what_is_taken_back_works_no_longer() {
    let (estate, publisher) = published().await;
    let (first, second, foreign) = (Key::new("first"), Key::new("second"), Key::new("first"));
    publisher.publish(&[first.published()]);
    assert_eq!(ask(&estate, &first, Some("first")).await, Ok(()));
    assert_eq!(ask(&estate, &first, Some("first")).await, Ok(()));
    assert_eq!(
        ask(&estate, &first, None).await,
        Ok(()),
        "without a name every key is tried"
    );
    assert_eq!(publisher.asked(), 1, "they are kept");
    let cause = ask(&estate, &foreign, Some("first")).await.unwrap_err();
    assert!(cause.contains("signature"), "{cause}");

    // The new key is published; whoever invents names does not make us fetch.
    publisher.publish(&[first.published(), second.published()]);
    for _ in 0..5 {
        let cause = ask(&estate, &second, Some("second")).await.unwrap_err();
        assert!(cause.contains("kid names none"), "{cause}");
    }
    assert_eq!(publisher.asked(), 1, "once a minute at most");
    estate.advance(61);
    assert_eq!(ask(&estate, &second, Some("second")).await, Ok(()));
    assert_eq!(publisher.asked(), 2);
    assert_eq!(
        ask(&estate, &first, Some("first")).await,
        Ok(()),
        "both count meanwhile"
    );
    estate.advance(61);
    for _ in 0..5 {
        assert!(ask(&estate, &second, Some("third")).await.is_err());
    }
    assert_eq!(publisher.asked(), 3);

    // The old one is taken back: at the latest ten minutes later it counts for nothing.
    publisher.publish(&[second.published()]);
    estate.advance(599);
    assert_eq!(ask(&estate, &first, Some("first")).await, Ok(()));
    estate.advance(2);
    assert!(ask(&estate, &first, Some("first")).await.is_err());
    assert_eq!(ask(&estate, &second, Some("second")).await, Ok(()));
    assert_eq!(publisher.asked(), 4);
}

#[tokio::test]
async fn security_broker_published_keys_outlive_a_publisher_that_is_away_for_an_hour_at_most() {
    let (estate, publisher) = published().await;
    let key = Key::new("only");
    *publisher.keys.lock().unwrap() = None;
    for _ in 0..3 {
        let cause = ask(&estate, &key, Some("only")).await.unwrap_err();
        assert!(cause.contains("could not be fetched"), "{cause}");
    }
    assert_eq!(
        publisher.asked(),
        1,
        "a publisher in trouble is left alone for a minute"
    );
    publisher.publish(&[key.published()]);
    estate.advance(61);
    assert_eq!(ask(&estate, &key, Some("only")).await, Ok(()));
    *publisher.keys.lock().unwrap() = None;
    estate.advance(3_599);
    assert_eq!(
        ask(&estate, &key, Some("only")).await,
        Ok(()),
        "the old ones serve meanwhile"
    );
    assert_eq!(publisher.asked(), 3);
    estate.advance(61);
    assert!(ask(&estate, &key, Some("only")).await.is_err());
    // What comes instead of keys is no key.
    for odd in [json!([]), json!({"keys": [{"kty": "what"}]}), json!({"keys": []})] {
        *publisher.keys.lock().unwrap() = Some(odd);
        estate.advance(61);
        assert!(ask(&estate, &key, Some("only")).await.is_err());
    }
    publisher.publish(&[key.published()]);
    estate.advance(61);
    assert_eq!(ask(&estate, &key, Some("only")).await, Ok(()));
}

#[tokio::test]
async fn security_broker_published_keys_of_another_use_or_algorithm_are_not_taken() {
    for (name, value) in [("use", "enc"), ("alg", "ES384"), ("alg", "HS256")] {
        let (estate, publisher) = published().await;
        let key = Key::new("only");
        let mut published = key.published();
        published[name] = value.into();
        publisher.publish(&[published]);
        let cause = ask(&estate, &key, Some("only")).await.unwrap_err();
        assert!(cause.contains("kid names none"), "{name} {value}: {cause}");
    }
    // A published secret signs nothing, whatever it calls itself.
    let (estate, publisher) = published().await;
    let secret = BASE64URL_NOPAD.encode(&[7; 32]);
    publisher.publish(&[json!({"kty": "oct", "k": secret, "kid": "only", "use": "sig"})]);
    let mut claims = estate.claims("ann", "");
    claims["iss"] = "other".into();
    let token = signed(Algorithm::HS256, &EncodingKey::from_secret(&[7; 32]), &claims);
    assert_eq!(estate.ask(&token).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn security_broker_a_key_that_a_token_brings_along_counts_for_nothing() {
    let publisher = Publisher::start().await;
    let own = Key::new("own");
    publisher.publish(&[own.published()]);
    let at = format!("http://{}/keys", publisher.address);
    let estate = estate_of(Engine::Sqlite, |_, _| {}).await;
    let mut claims = estate.claims("ann", "");
    claims["iss"] = "other".into();
    for brought in [
        json!({"jwk": own.published()}),
        json!({"jku": at}),
        json!({"x5u": at}),
        json!({"kid": "file:/dev/null"}),
        json!({"kid": "../../etc/passwd"}),
    ] {
        let mut header = json!({"alg": "ES256", "typ": "JWT"});
        header
            .as_object_mut()
            .unwrap()
            .extend(brought.as_object().unwrap().clone());
        let header: Header = serde_json::from_value(header).unwrap();
        let key = EncodingKey::from_ec_pem(own.pair.serialize_pem().as_bytes()).unwrap();
        let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        let answer = estate.ask(&token).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{brought}: {}",
            answer.body
        );
        let (_, cause) = estate.newest().await;
        assert!(cause.contains("signature"), "{brought}: {cause}");
    }
    assert_eq!(publisher.asked(), 0, "nothing is fetched because a token says so");
}

/// Names the Tableau's connected app in the settings, with these secrets (id and value), newest first.
fn connect(config: &mut Config, client_id: &str, secrets: &[(&str, &str)], scopes: Option<&[&str]>) {
    let secrets: Vec<Value> = secrets
        .iter()
        .map(|(id, value)| {
            let file = config.data_dir.join(id);
            std::fs::write(&file, value).unwrap();
            json!({"id": id, "value": format!("file:{}", file.display())})
        })
        .collect();
    let mut own = json!({"client_id": client_id, "secrets": secrets});
    if let Some(scopes) = scopes {
        own["scopes"] = json!(scopes);
    }
    let own: toml::Table = serde_json::from_value(own).unwrap();
    let hq = config.systems.get_mut("hq").unwrap();
    hq.own.insert("connected_app".to_owned(), own.into());
    config.broker.apps[0].grant = TicketGrant::Jwt;
}

/// What a token says, checked with this secret.
fn opened(token: &str, secret: &str) -> Option<(Header, Value)> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["tableau"]);
    // Curfew's clock is the test's.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(secret.as_bytes());
    let read = jsonwebtoken::decode::<Value>(token, &key, &validation).ok()?;
    Some((read.header, read.claims))
}

async fn token(estate: &Estate, user: &str) -> Value {
    let answer = estate.ask(&ed(&estate.claims(user, "Sales"))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let given = answer.json();
    assert_eq!(given["grant"], "jwt");
    assert!(given.get("ticket").is_none() && given.get("redeem_url").is_none());
    given
}

/// Whether the Tableau shows Sales' login view for that token.
fn shows(far: &TableauServer, token: &str) -> bool {
    far.model(|model, now| model.embed(token, "Sales", now)).is_ok()
}

#[tokio::test]
async fn a_connected_apps_token_says_what_tableau_wants_and_nothing_more() {
    for scopes in [None, Some(&["tableau:views:embed", "tableau:insights:embed"][..])] {
        let mut app = None;
        let estate = estate_of(Engine::Sqlite, |config, far| {
            let made = far.model(|model, _| model.trust_app());
            connect(
                config,
                &made.client_id,
                &[(&made.secret_id, &made.secret_value)],
                scopes,
            );
            app = Some(made);
        })
        .await;
        let app = app.unwrap();
        let now = estate.now_s();
        let given = token(&estate, "ann").await;
        let text = given["token"].as_str().unwrap();
        let (header, claims) = opened(text, &app.secret_value).unwrap();
        assert_eq!(header.alg, Algorithm::HS256);
        assert_eq!(header.kid.as_deref(), Some(app.secret_id.as_str()));
        assert_eq!(claims["iss"], app.client_id.as_str());
        assert_eq!(
            (&claims["sub"], &claims["aud"]),
            (&json!("ann"), &json!("tableau"))
        );
        assert_eq!(claims["scp"], json!(scopes.unwrap_or(&["tableau:views:embed"])));
        let exp = claims["exp"].as_i64().unwrap();
        assert!(
            exp > now && exp <= now + 600,
            "at most ten minutes: {exp} at {now}"
        );
        assert!(claims["nbf"].as_i64().unwrap() <= now, "clocks differ");
        assert!(given["expires_at"].as_str().unwrap().ends_with('Z'));
        let next = token(&estate, "ann").await;
        let (_, other) = opened(next["token"].as_str().unwrap(), &app.secret_value).unwrap();
        assert_ne!(claims["jti"], other["jti"], "each is used once");
        assert!(shows(&estate.far, text), "the Tableau takes it");
        assert!(!shows(&estate.far, text), "once");
        estate.advance(exp - now + 1);
        let late = next["token"].as_str().unwrap();
        assert!(!shows(&estate.far, late), "it ran out");
        // Neither the secret nor a token is kept.
        estate.app.portal.tickets.store_now().await.unwrap();
        let kept = format!("{:?}", estate.page(Default::default()).await);
        assert!(!kept.contains(text) && !kept.contains(&app.secret_value));
    }
}

#[tokio::test]
async fn a_connected_apps_newest_secret_signs_and_the_one_before_still_counts_over_there() {
    let mut both = None;
    let estate = estate_of(Engine::Sqlite, |config, far| {
        let (old, new) = far.model(|model, _| (model.trust_app(), model.add_app_secret().unwrap()));
        let secrets = [
            (new.secret_id.as_str(), new.secret_value.as_str()),
            (old.secret_id.as_str(), old.secret_value.as_str()),
        ];
        connect(config, &new.client_id, &secrets, None);
        both = Some((old, new));
    })
    .await;
    let (old, new) = both.unwrap();
    let given = token(&estate, "ann").await;
    let text = given["token"].as_str().unwrap();
    assert!(opened(text, &old.secret_value).is_none());
    let (header, _) = opened(text, &new.secret_value).unwrap();
    assert_eq!(header.kid.as_deref(), Some(new.secret_id.as_str()));
    assert!(shows(&estate.far, text));
    // Tableau switches the app off: the broker signs on, Tableau says no.
    estate.far.model(|model, _| model.enable_app(false));
    let given = token(&estate, "ann").await;
    assert!(!shows(&estate.far, given["token"].as_str().unwrap()));
}

#[tokio::test]
async fn security_broker_settings_of_a_connected_app_that_can_not_work_are_named() {
    let long = "s".repeat(32);
    for (secrets, names) in [
        (vec![("a", "short")], "at least 32 bytes"),
        (vec![], "one, or two"),
        (
            vec![("a", long.as_str()), ("b", long.as_str()), ("c", long.as_str())],
            "one, or two",
        ),
    ] {
        let mut config = None;
        let estate = estate_of(Engine::Sqlite, |change, far| {
            let made = far.model(|model, _| model.trust_app());
            connect(change, &made.client_id, &secrets, None);
            config = Some(change.clone());
        })
        .await;
        let found = server::tickets::check(&config.unwrap());
        let (_, said) = found.into_iter().find(|(id, _)| id == "intranet").unwrap();
        let said = said.unwrap_err();
        assert!(said.contains(names), "{said}");
        let answer = estate.ask(&ed(&estate.claims("ann", "Sales"))).await;
        assert_eq!(answer.json()["code"], "not_configured", "{}", answer.body);
    }
}
