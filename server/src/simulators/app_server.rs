//! An embedding app's server as the broker sees it: it asks for tickets for its people, with tokens that it signs.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::dice::Dice;
use super::loopback::Secrets;
use crate::clock::Clock;
use crate::config::BrokerApp;
use crate::connectors::http::{Http, HttpSettings};
use crate::keys;

/// A token is good for so long, seconds.
const TOKEN_S: i64 = 30;

/// The server of an app; it stops asking when this is dropped.
pub struct AppServer {
    id: &'static str,
    system: &'static str,
    secret: String,
    /// Who may come: user name and site.
    people: Vec<(String, String)>,
    /// The secret that the broker's settings refer to; it goes with this.
    secrets: Secrets,
    asking: Option<JoinHandle<()>>,
}

impl Drop for AppServer {
    fn drop(&mut self) {
        if let Some(asking) = &self.asking {
            asking.abort();
        }
    }
}

impl AppServer {
    /// The app's server, with nobody at work yet. `people` are user names with their sites.
    pub fn new(id: &'static str, system: &'static str, people: Vec<(String, String)>) -> Self {
        Self {
            id,
            system,
            secret: keys::random_id() + &keys::random_id(),
            people,
            secrets: Secrets::default(),
            asking: None,
        }
    }

    /// The entry of `broker.apps` that lets it ask for tickets at the sites its people are on.
    pub fn settings(&mut self) -> anyhow::Result<BrokerApp> {
        let secret = self.secrets.put(&self.secret)?;
        let mut sites: Vec<&str> = self.people.iter().map(|(_, site)| site.as_str()).collect();
        sites.sort_unstable();
        sites.dedup();
        let settings = json!({
            "id": self.id,
            "system": self.system,
            "sites": sites,
            "keys": [{ "algorithm": "HS256", "secret": secret }],
        });
        Ok(serde_json::from_value(settings)?)
    }

    /// Asks the broker at that address, whose public one is `audience`, for a ticket for one of its people, `every` so often: one in eight is somebody
    /// Tableau does not know.
    pub fn live(
        &mut self,
        broker: &str,
        audience: &str,
        every: Duration,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<()> {
        let http = Http::new(&HttpSettings {
            base: broker.to_owned(),
            timeout: Duration::from_secs(10),
            connections: 1,
            pace: Duration::ZERO,
            ca_file: None,
            longest_answer: 65_536,
            cookies: false,
        })?;
        let (id, audience) = (self.id, audience.to_owned());
        let (secret, people) = (self.secret.clone(), self.people.clone());
        self.asking = Some(tokio::spawn(async move {
            let mut dice = Dice::new(u64::from_be_bytes(keys::random_bytes()));
            loop {
                tokio::time::sleep(every).await;
                let at = usize::try_from(dice.below(people.len() as u64)).unwrap_or(0);
                let Some((user, site)) = people.get(at) else {
                    return;
                };
                let former = dice.below(8) == 0;
                let user = if former {
                    format!("former.{user}")
                } else {
                    user.clone()
                };
                let now_s = clock.now().0 / 1000;
                let claims = json!({
                    "iss": id, "sub": user, "aud": audience, "iat": now_s, "exp": now_s + TOKEN_S,
                    "jti": keys::random_id(), "site": site, "client_ip": "192.0.2.44", "auth_time": now_s,
                });
                let token = SecretString::from(signed(&secret, &claims));
                let asked = http
                    .call("ask_broker", Method::POST, &["broker", "v1", "tickets"])
                    .bearer(&token)
                    .refusals_too()
                    .status()
                    .await;
                if let Err(failed) = asked {
                    tracing::debug!(
                        app = id,
                        kind = failed.error.kind.name(),
                        "the broker did not answer"
                    );
                }
            }
        }));
        Ok(())
    }
}

/// A token of these claims, HS256.
fn signed(secret: &str, claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!(
        "{}.{}",
        part(&json!({ "alg": "HS256", "typ": "JWT" })),
        part(claims)
    );
    let mac = keys::hmac_sha256(secret.as_bytes(), signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&mac))
}
