//! The tokens of apps: whose they are, and whether they are to be believed (security C11).
//!
//! The algorithm is the one of the app's settings; what a token says of itself only has to agree. `jku`, `x5u`, `jwk` and
//! anything else that names a key is not looked at, and a token that calls for an extension (`crit`) is refused.

use std::sync::Arc;

use app::wire::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::apps::{App, Apps};
use crate::config::{AppKey, BrokerApp, KeyAlgorithm};
use crate::connectors::jwks::{Published, algorithm};
use crate::keys::sha256_hex;

/// Longest token that is looked at, bytes.
const LONGEST: usize = 8 << 10;
/// A server's token may run out at most so much later, seconds.
const SERVER_TOKEN_S: i64 = 60;
/// Clocks of apps may be ahead of ours by so much, seconds, where they tell when something was.
const CLOCKS_DIFFER_S: i64 = 5;
/// Shortest shared secret, bytes.
const SHORTEST_SECRET: usize = 32;
/// Shortest RSA public key as DER, bytes: one of 2,048 bits has 270 at least.
const SHORTEST_RSA: usize = 260;

/// What a token is for: an app's server, or a browser by the app's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Once, within a minute.
    Server,
    /// As long as the app's session, many times.
    Browser,
}

/// A token that was believed.
pub struct Believed {
    /// Whose.
    pub app: Arc<App>,
    /// User; `None` = not named (nothing but a session of the app is meant).
    pub user: Option<String>,
    /// Site by its contentUrl; empty = Default.
    pub site: String,
    /// The browser's address.
    pub client_ip: Option<std::net::IpAddr>,
    /// Its own name, so that it is used once; empty for browsers.
    pub jti: String,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// When the person signed in at the app.
    pub auth_time: Option<Timestamp>,
    /// SHA-256 of the app's own session id.
    pub sid_hash: Option<String>,
}

/// A token that was not believed.
pub struct Rejected {
    /// The app whose it claimed to be, where there is such an app.
    pub app: Option<Arc<App>>,
    /// Which check failed, for the Tickets page; nothing of the token stands in it.
    pub cause: String,
}

/// What an app's tokens are checked with.
pub enum Keys {
    /// Written in the settings.
    Own(Vec<(Algorithm, DecodingKey)>),
    /// Published by the app.
    Published(Box<Published>),
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claimed {
    iss: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    site: Option<String>,
    #[serde(default)]
    client_ip: Option<String>,
    #[serde(default)]
    auth_time: Option<f64>,
    #[serde(default)]
    sid: Option<String>,
}

impl Keys {
    /// From the settings, with a fingerprint that changes when a key does. The words name the setting that is wrong.
    pub fn of(settings: &BrokerApp) -> Result<(Self, String), String> {
        if let Some(jwks) = &settings.jwks {
            let published = Published::new(jwks).map_err(|cause| format!("jwks: {cause:#}"))?;
            return Ok((Keys::Published(Box::new(published)), String::new()));
        }
        let mut keys = Vec::new();
        let mut bytes = Vec::new();
        for key in &settings.keys {
            let (made, text) = own_key(key).map_err(|cause| format!("keys: {cause:#}"))?;
            keys.push((algorithm(key.algorithm), made));
            bytes.extend(sha256_hex(&text).into_bytes());
        }
        Ok((Keys::Own(keys), sha256_hex(&bytes)))
    }
}

fn own_key(key: &AppKey) -> anyhow::Result<(DecodingKey, Vec<u8>)> {
    let reference = key.secret.as_ref().or(key.public.as_ref());
    let reference = reference.ok_or_else(|| anyhow::anyhow!("neither `public` nor `secret` is named"))?;
    let text = reference.read()?;
    let text = text.expose_secret().as_bytes();
    let place = String::from(reference.clone());
    let made = match key.algorithm {
        KeyAlgorithm::HS256 => {
            anyhow::ensure!(
                text.len() >= SHORTEST_SECRET,
                "{place}: a shared secret has at least {SHORTEST_SECRET} bytes (openssl rand -base64 48)"
            );
            Ok(DecodingKey::from_secret(text))
        }
        KeyAlgorithm::EdDSA => DecodingKey::from_ed_pem(text),
        KeyAlgorithm::ES256 => DecodingKey::from_ec_pem(text),
        KeyAlgorithm::RS256 => {
            anyhow::ensure!(
                der_length(text) >= SHORTEST_RSA,
                "{place}: an RSA key has at least 2,048 bits"
            );
            DecodingKey::from_rsa_pem(text)
        }
    };
    let made = made.map_err(|_| {
        anyhow::anyhow!(
            "{place}: this is no public key for {:?} as PEM (-----BEGIN PUBLIC KEY-----)",
            key.algorithm
        )
    })?;
    Ok((made, text.to_vec()))
}

/// About how many bytes a PEM text holds.
fn der_length(pem: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pem);
    let body: usize = text
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .map(|line| line.trim().len())
        .sum();
    body / 4 * 3
}

/// Looks whether a token is to be believed. `broker_url` = the broker's own address.
pub async fn believe(apps: &Apps, token: &str, what_for: For, now: Timestamp) -> Result<Believed, Rejected> {
    let unknown = |cause: &str| Rejected {
        app: None,
        cause: cause.to_owned(),
    };
    if token.is_empty() {
        return Err(unknown("There is no token."));
    }
    if token.len() > LONGEST {
        return Err(unknown("The token is too long."));
    }
    let mut parts = token.split('.');
    let (Some(head), Some(body), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unknown("It is no JWT."));
    };
    let (Some(head), Some(claimed)) = (json::<Head>(head), json::<Claimed>(body)) else {
        return Err(unknown("It is no JWT."));
    };
    let app = claimed.iss.as_deref().and_then(|iss| apps.get(iss)).cloned();
    let Some(app) = app else {
        return Err(unknown("Its iss names no app of the settings."));
    };
    match checked(apps, &app, token, &head, what_for, now).await {
        Ok(claims) => Ok(of_claims(app, claims, what_for)),
        Err(cause) => Err(Rejected {
            app: Some(app),
            cause,
        }),
    }
}

fn json<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).ok()?;
    serde_json::from_slice(&bytes).ok()
}

async fn checked(
    apps: &Apps,
    app: &App,
    token: &str,
    head: &Head,
    what_for: For,
    now: Timestamp,
) -> Result<Claims, String> {
    if head.crit.is_some() {
        return Err("It calls for an extension (crit) that Curfew does not know.".to_owned());
    }
    let audience = match what_for {
        For::Server => apps.broker_url.clone(),
        For::Browser => format!("{}/browser", apps.broker_url),
    };
    let keys = match &app.keys {
        Some(Keys::Own(keys)) => keys.clone(),
        Some(Keys::Published(published)) => published.keys(head.kid.as_deref(), now).await?,
        None => return Err("The app's key in the settings can't be used.".to_owned()),
    };
    let mut cause = "No key of the app fits.".to_owned();
    for (algorithm, key) in &keys {
        if head.alg != format!("{algorithm:?}") {
            cause = format!("Its algorithm is not {algorithm:?}, which the settings name.");
            continue;
        }
        let mut validation = Validation::new(*algorithm);
        // Times are compared by Curfew's own clock, below.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&app.settings.id]);
        validation.set_audience(&[&audience]);
        match jsonwebtoken::decode::<Claims>(token, key, &validation) {
            Ok(decoded) => {
                let claims = decoded.claims;
                times(&claims, app, what_for, now)?;
                return Ok(claims);
            }
            Err(failed) => cause = words(failed.kind(), &audience),
        }
    }
    Err(cause)
}

/// Which check failed: never a part of the token.
fn words(kind: &jsonwebtoken::errors::ErrorKind, audience: &str) -> String {
    use jsonwebtoken::errors::ErrorKind as Kind;
    match kind {
        Kind::InvalidSignature => "Its signature is not of the app's key.".to_owned(),
        Kind::InvalidAudience => format!("Its aud is not {audience}."),
        Kind::InvalidIssuer => "Its iss is not the app's id.".to_owned(),
        Kind::MissingRequiredClaim(claim) => format!("It has no {claim}."),
        Kind::InvalidAlgorithm => "Its algorithm is not the one of the app's key.".to_owned(),
        Kind::Json(_) => "One of its claims has the wrong type.".to_owned(),
        _ => "It can't be read as a JWT.".to_owned(),
    }
}

fn moment(seconds: f64) -> Option<i64> {
    (seconds.is_finite() && (0.0..1e11).contains(&seconds)).then_some(seconds as i64)
}

fn times(claims: &Claims, app: &App, what_for: For, now: Timestamp) -> Result<(), String> {
    let now_s = now.0.div_euclid(1000);
    let exp = moment(claims.exp).ok_or("Its exp is no moment.")?;
    if exp <= now_s {
        return Err("It has run out (exp).".to_owned());
    }
    if claims
        .nbf
        .is_some_and(|nbf| moment(nbf).is_none_or(|nbf| nbf > now_s + CLOCKS_DIFFER_S))
    {
        return Err("It does not count yet (nbf).".to_owned());
    }
    let auth_time = match claims.auth_time {
        None => None,
        Some(at) => Some(moment(at).ok_or("Its auth_time is no moment.")?),
    };
    if auth_time.is_some_and(|at| at > now_s + CLOCKS_DIFFER_S) {
        return Err("Its auth_time lies ahead.".to_owned());
    }
    if let Some(user) = &claims.sub
        && (user.is_empty() || user.chars().count() > 255 || user.chars().any(char::is_control))
    {
        return Err("Its sub is no user name.".to_owned());
    }
    if let Some(ip) = &claims.client_ip
        && ip.parse::<std::net::IpAddr>().is_err()
    {
        return Err("Its client_ip is no address.".to_owned());
    }
    let too_long = |text: &Option<String>| text.as_ref().is_some_and(|t| t.is_empty() || t.len() > 200);
    if too_long(&claims.sid) {
        return Err("Its sid is empty or too long.".to_owned());
    }
    match what_for {
        For::Server => {
            if exp > now_s + SERVER_TOKEN_S {
                return Err(format!("Its exp is more than {SERVER_TOKEN_S} s ahead."));
            }
            if claims.jti.is_none() || too_long(&claims.jti) {
                return Err("It has no jti, or one that is too long.".to_owned());
            }
        }
        For::Browser => {
            let Some(auth_time) = auth_time else {
                return Err("A browser's token needs auth_time.".to_owned());
            };
            if exp > auth_time + app.settings.max_age_s {
                return Err("Its exp is later than auth_time and max_age_s allow.".to_owned());
            }
            if claims.sid.is_none() || claims.sub.is_none() {
                return Err("A browser's token needs sub and sid.".to_owned());
            }
        }
    }
    Ok(())
}

fn of_claims(app: Arc<App>, claims: Claims, what_for: For) -> Believed {
    let at = |seconds: f64| moment(seconds).map(|s| Timestamp(s * 1000));
    Believed {
        user: claims.sub,
        site: claims.site.unwrap_or_default(),
        client_ip: claims.client_ip.and_then(|ip| ip.parse().ok()),
        jti: match what_for {
            For::Server => claims.jti.unwrap_or_default(),
            For::Browser => String::new(),
        },
        expires_at: at(claims.exp).unwrap_or_default(),
        auth_time: claims.auth_time.and_then(at),
        sid_hash: claims.sid.map(|sid| sid_hash(&app.settings.id, &sid)),
        app,
    }
}

/// How a session of an app is kept: nothing of its id can be read from it.
pub fn sid_hash(app: &str, sid: &str) -> String {
    sha256_hex(format!("{app}\n{sid}").as_bytes())
}

impl Believed {
    /// The name under which the token is marked as used.
    pub fn jti_key(&self) -> String {
        sha256_hex(format!("{}\n{}", self.app.settings.id, self.jti).as_bytes())
    }
}
