//! Keys that somebody publishes (an app of the ticket broker, an identity server): fetched when needed, kept for ten
//! minutes, asked for again at an unknown name once a minute at most, so that nobody makes us fetch by inventing names.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::wire::Timestamp;
use jsonwebtoken::jwk::{JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::Method;

use super::http::{Http, HttpSettings};
use crate::config::{AppJwks, KeyAlgorithm};

/// Keys are good so long, seconds; what was taken back works no longer.
const GOOD_S: i64 = 600;
/// While they can't be fetched again, the old ones are good so long, seconds.
const GOOD_ALONE_S: i64 = 3_600;
/// Pause between two tries, seconds.
const AGAIN_S: i64 = 60;
/// Longest answer, bytes.
const LONGEST: usize = 256 << 10;
/// Longest time for one fetch.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most keys that a token without a key's name is tried with.
const MOST_TRIED: usize = 3;

/// The algorithm as the library names it.
pub fn algorithm(of: KeyAlgorithm) -> Algorithm {
    match of {
        KeyAlgorithm::EdDSA => Algorithm::EdDSA,
        KeyAlgorithm::ES256 => Algorithm::ES256,
        KeyAlgorithm::RS256 => Algorithm::RS256,
        KeyAlgorithm::HS256 => Algorithm::HS256,
    }
}

/// Where they are published.
pub struct Published {
    http: Http,
    algorithm: Algorithm,
    kept: Mutex<Option<Kept>>,
    /// One fetch at a time, and when the newest was.
    fetching: tokio::sync::Mutex<Option<Timestamp>>,
}

#[derive(Clone)]
struct Kept {
    at: Timestamp,
    set: Arc<JwkSet>,
}

impl Published {
    /// From the settings; nothing is fetched.
    pub fn new(settings: &AppJwks) -> anyhow::Result<Self> {
        let http = Http::new(&HttpSettings {
            base: settings.url.clone(),
            timeout: TIMEOUT,
            connections: 1,
            pace: Duration::ZERO,
            ca_file: settings.ca_file.clone(),
            longest_answer: LONGEST,
            cookies: false,
        })?;
        Ok(Self {
            http,
            algorithm: algorithm(settings.algorithm),
            kept: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        })
    }

    /// Keys that a token which names `kid` may be signed with; the words say why there are none.
    pub async fn keys(
        &self,
        kid: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(Algorithm, DecodingKey)>, String> {
        if let Some(kept) = self.kept().filter(|kept| now.since(kept.at) < GOOD_S * 1000) {
            let found = self.among(&kept.set, kid);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        self.fetch(now).await;
        let Some(kept) = self
            .kept()
            .filter(|kept| now.since(kept.at) < GOOD_ALONE_S * 1000)
        else {
            return Err("The published keys (jwks.url) could not be fetched.".to_owned());
        };
        match self.among(&kept.set, kid) {
            found if found.is_empty() => Err("Its kid names none of the published keys.".to_owned()),
            found => Ok(found),
        }
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn among(&self, set: &JwkSet, kid: Option<&str>) -> Vec<(Algorithm, DecodingKey)> {
        set.keys
            .iter()
            .filter(|key| match kid {
                Some(kid) => key.common.key_id.as_deref() == Some(kid),
                None => true,
            })
            .filter(|key| {
                let for_signing = key
                    .common
                    .public_key_use
                    .as_ref()
                    .is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
                let of_algorithm = key
                    .common
                    .key_algorithm
                    .is_none_or(|named| named.to_string() == format!("{:?}", self.algorithm));
                for_signing && of_algorithm
            })
            .take(MOST_TRIED)
            .filter_map(|key| Some((self.algorithm, DecodingKey::from_jwk(key).ok()?)))
            .collect()
    }

    /// Fetches them unless that was tried within the last minute.
    async fn fetch(&self, now: Timestamp) {
        let mut tried = self.fetching.lock().await;
        if tried.is_some_and(|at| now.since(at) < AGAIN_S * 1000) {
            return;
        }
        *tried = Some(now);
        let answered = self.http.call_as_written("jwks", Method::GET).send().await;
        let set = match answered {
            Ok(answered) => answered.json::<JwkSet>(),
            Err(failed) => Err(failed.error),
        };
        match set {
            Ok(set) => {
                let kept = Kept {
                    at: now,
                    set: Arc::new(set),
                };
                *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
            }
            Err(cause) => tracing::warn!(%cause, "published keys could not be fetched"),
        }
    }
}
