//! Logout tokens of OpenID Connect Back-Channel Logout 1.0, §2.4 and §2.6: whether one is to be believed.
//!
//! Key and algorithm are of the settings alone; what a token says of itself only has to agree. A token that calls for an
//! extension (`crit`) is refused, and so is any other kind of token of the same server: `typ` and `events` tell them apart.

use app::wire::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::Validation;
use jsonwebtoken::errors::ErrorKind;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::OidcSignals;
use crate::connectors::jwks::Published;

/// Longest token that is looked at, bytes.
const LONGEST: usize = 12 << 10;
/// Longest claim that names somebody or something, bytes.
const LONGEST_NAME: usize = 255;
/// Clocks may differ by so much, seconds.
const CLOCKS_DIFFER_S: i64 = 60;
/// No token is taken so long after it was made, seconds, whatever it says of its end.
pub const LONGEST_LIFE_S: i64 = 600;
/// What its `events` must hold.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A token that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its own name, so that it counts once.
    pub jti: String,
    /// The person's id at the server; empty = it names a session alone.
    pub sub: String,
    /// The session's id there, which is a login: hash it at once. Empty = it means all of the person.
    pub sid: String,
    /// When it is too old to be taken again.
    pub expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

/// Looks whether a token is to be believed; the words say which check failed, and nothing of the token stands in them.
pub async fn believe(
    settings: &OidcSignals,
    published: &Published,
    token: &str,
    now: Timestamp,
) -> Result<Told, String> {
    if token.len() > LONGEST {
        return Err("The token is too long.".to_owned());
    }
    let head = head_of(token).ok_or("It is no JWT.")?;
    if head.crit.is_some() {
        return Err("It calls for an extension (crit) that Curfew does not know.".to_owned());
    }
    let typ = head.typ.unwrap_or_default().to_ascii_lowercase();
    if typ != "logout+jwt" && typ != "application/logout+jwt" {
        return Err("Its typ is not logout+jwt.".to_owned());
    }
    let mut cause = "No published key fits.".to_owned();
    for (algorithm, key) in published.keys(head.kid.as_deref(), now).await? {
        if head.alg != format!("{algorithm:?}") {
            cause = format!("Its algorithm is not {algorithm:?}, which the settings name.");
            continue;
        }
        let mut validation = Validation::new(algorithm);
        // Times are compared by Curfew's own clock, below.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.client_id]);
        match jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation) {
            Ok(decoded) => return told(&decoded.claims, now),
            Err(failed) => cause = words(failed.kind()),
        }
    }
    Err(cause)
}

fn head_of(token: &str) -> Option<Head> {
    let mut parts = token.split('.');
    let (head, _, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    serde_json::from_slice(&BASE64URL_NOPAD.decode(head.as_bytes()).ok()?).ok()
}

fn words(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::InvalidSignature => "Its signature is not of a published key.".to_owned(),
        ErrorKind::InvalidAudience => "Its aud does not name the client of the settings.".to_owned(),
        ErrorKind::InvalidIssuer => "Its iss is not the issuer of the settings.".to_owned(),
        ErrorKind::MissingRequiredClaim(claim) => format!("It has no {claim}."),
        ErrorKind::InvalidAlgorithm => "Its algorithm is not the one of the settings.".to_owned(),
        ErrorKind::Json(_) => "One of its claims has the wrong type.".to_owned(),
        _ => "It can't be read as a JWT.".to_owned(),
    }
}

/// What the claims of a token with a good signature say.
fn told(claims: &Map<String, Value>, now: Timestamp) -> Result<Told, String> {
    let made_s = seconds(claims, "iat")?;
    let ends_s = seconds(claims, "exp")?;
    let now_s = now.0.div_euclid(1000);
    if ends_s + CLOCKS_DIFFER_S <= now_s {
        return Err("It has run out (exp).".to_owned());
    }
    if made_s > now_s + CLOCKS_DIFFER_S {
        return Err("It was made in the future (iat).".to_owned());
    }
    if made_s + LONGEST_LIFE_S + CLOCKS_DIFFER_S <= now_s {
        return Err(format!("It was made more than {LONGEST_LIFE_S} s ago (iat)."));
    }
    if claims.contains_key("nonce") {
        return Err("It has a nonce, as ID tokens do.".to_owned());
    }
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err("Its events do not name a back-channel logout.".to_owned());
    }
    let told = Told {
        jti: name(claims, "jti")?,
        sub: name(claims, "sub")?,
        sid: name(claims, "sid")?,
        expires_at: Timestamp((made_s + LONGEST_LIFE_S + 2 * CLOCKS_DIFFER_S) * 1000),
    };
    if told.jti.is_empty() {
        return Err("It has no jti.".to_owned());
    }
    if told.sub.is_empty() && told.sid.is_empty() {
        return Err("It has neither sub nor sid.".to_owned());
    }
    Ok(told)
}

/// A text that names something; empty = it is not there.
fn name(claims: &Map<String, Value>, claim: &str) -> Result<String, String> {
    match claims.get(claim) {
        None => Ok(String::new()),
        Some(Value::String(text)) if text.len() <= LONGEST_NAME && !text.chars().any(char::is_control) => {
            Ok(text.clone())
        }
        Some(_) => Err(format!("Its {claim} is no name.")),
    }
}

fn seconds(claims: &Map<String, Value>, claim: &str) -> Result<i64, String> {
    let number = claims.get(claim).ok_or_else(|| format!("It has no {claim}."))?;
    number
        .as_f64()
        .filter(|seconds| seconds.is_finite() && (0.0..1e11).contains(seconds))
        .map(|seconds| seconds as i64)
        .ok_or_else(|| format!("Its {claim} is no moment."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp(1_900_000_000_000);

    fn good() -> Value {
        json!({
            "iat": 1_900_000_000, "exp": 1_900_000_120, "jti": "one", "sub": "4711", "sid": "abc",
            "events": { EVENT: {} },
        })
    }

    fn with(change: &[(&str, Value)]) -> Result<Told, String> {
        let mut claims = good().as_object().unwrap().clone();
        for (name, value) in change {
            match value {
                Value::String(text) if text == "gone" => claims.remove(*name),
                value => claims.insert((*name).to_owned(), value.clone()),
            };
        }
        told(&claims, NOW)
    }

    #[test]
    fn each_claim_that_is_not_as_it_should_be_is_named() {
        let gone = || json!("gone");
        for (change, says) in [
            (vec![("exp", json!(1_899_999_940))], "run out"),
            (vec![("exp", gone())], "no exp"),
            (vec![("exp", json!("soon"))], "exp is no moment"),
            (vec![("iat", gone())], "no iat"),
            (vec![("iat", json!(1_900_000_061))], "future"),
            (vec![("iat", json!(1_899_999_340))], "more than 600 s"),
            (vec![("nonce", json!("n"))], "nonce"),
            (vec![("nonce", Value::Null)], "nonce"),
            (vec![("events", gone())], "events"),
            (vec![("events", json!({}))], "events"),
            (vec![("events", json!({ EVENT: true }))], "events"),
            (vec![("events", json!([EVENT]))], "events"),
            (vec![("jti", gone())], "no jti"),
            (vec![("jti", json!(""))], "no jti"),
            (vec![("jti", json!(7))], "jti is no name"),
            (vec![("sub", gone()), ("sid", gone())], "neither sub nor sid"),
            (vec![("sub", json!("a\u{0}b"))], "sub is no name"),
            (vec![("sid", json!("x".repeat(256)))], "sid is no name"),
        ] {
            let cause = with(&change).unwrap_err();
            assert!(cause.contains(says), "{change:?}: {cause}");
        }
    }

    #[test]
    fn clocks_may_differ_by_a_minute_and_events_may_hold_more() {
        assert_eq!(with(&[]).unwrap().expires_at.0, 1_900_000_720_000);
        with(&[("exp", json!(1_899_999_941))]).unwrap();
        with(&[("iat", json!(1_900_000_060))]).unwrap();
        // Keycloak puts this beside it.
        with(&[("events", json!({ EVENT: {}, "revoke_offline_access": true }))]).unwrap();
        assert_eq!(with(&[("sid", json!("gone"))]).unwrap().sid, "");
        assert_eq!(with(&[("sub", json!("gone"))]).unwrap().sub, "");
    }
}
