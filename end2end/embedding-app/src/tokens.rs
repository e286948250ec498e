//! The app's tokens: one lives in its cookie for as long as the sign-in, the other speaks for it to the broker for a minute.

use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Person, Settings};

/// How long the app speaks for itself with one token, seconds; the broker takes 60 at most.
const CALL_S: i64 = 30;

/// A sign-in, as it stands in the cookie.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Session {
    /// The app.
    iss: String,
    /// User name in Tableau.
    pub sub: String,
    /// The broker's door for browsers: this token opens no other.
    aud: String,
    /// Which sign-in; dies at sign-out.
    pub sid: String,
    /// When they signed in, seconds since 1970.
    auth_time: i64,
    iat: i64,
    /// When the sign-in is over.
    exp: i64,
}

/// Makes and reads them.
pub struct Tokens {
    id: String,
    audience: String,
    site: String,
    session_s: i64,
    sign: EncodingKey,
    read: DecodingKey,
}

impl Tokens {
    pub fn new(settings: &Settings) -> Self {
        Self {
            id: settings.id.clone(),
            audience: settings.audience.clone(),
            site: settings.site.clone(),
            session_s: settings.session_s,
            sign: EncodingKey::from_secret(settings.secret.as_bytes()),
            read: DecodingKey::from_secret(settings.secret.as_bytes()),
        }
    }

    /// The cookie's value for a new sign-in.
    pub fn sign_in(&self, person: &Person) -> anyhow::Result<String> {
        let now = now_s();
        let session = Session {
            iss: self.id.clone(),
            sub: person.user.clone(),
            aud: self.browser_audience(),
            sid: random_word()?,
            auth_time: now,
            iat: now,
            exp: now + self.session_s,
        };
        Ok(encode(&Header::new(Algorithm::HS256), &session, &self.sign)?)
    }

    /// The sign-in of a cookie, unless it is over or not ours.
    pub fn read(&self, cookie: &str) -> Option<Session> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_audience(&[self.browser_audience()]);
        rules.set_issuer(&[&self.id]);
        rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        rules.leeway = 0;
        Some(decode::<Session>(cookie, &self.read, &rules).ok()?.claims)
    }

    /// Speaks for the app about one sign-in.
    pub fn call(&self, session: &Session) -> anyhow::Result<String> {
        let now = now_s();
        let claims = json!({
            "iss": self.id, "aud": self.audience, "sub": session.sub, "site": self.site, "sid": session.sid,
            "auth_time": session.auth_time, "iat": now, "exp": now + CALL_S, "jti": random_word()?,
        });
        Ok(encode(&Header::new(Algorithm::HS256), &claims, &self.sign)?)
    }

    fn browser_audience(&self) -> String {
        format!("{}/browser", self.audience)
    }
}

/// 128 bits that nobody guesses.
pub fn random_word() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

#[expect(
    clippy::disallowed_methods,
    reason = "an app of its own: its clock is the machine's"
)]
fn now_s() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs().cast_signed())
}
