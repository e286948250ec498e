//! Tells others of events: what stands in the outbox goes to every webhook of the settings that asks for it.
//!
//! Signed as Standard Webhooks says, so receivers need no code of ours. At least once: a receiver tells repeats by
//! `webhook-id`. This room decides nothing and reads nothing back; start at [`Webhooks::deliver_due`].

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use app::audit::wire::AuditResult;
use app::civil::rfc3339;
use app::wire::Timestamp;
use reqwest::Method;
use serde::Serialize;

use self::store::Due;
use crate::audit::{Action, Audit, Entry};
use crate::clock::Clock;
use crate::config::{SecretRef, WebhookSettings};
use crate::connectors::ErrorKind;
use crate::connectors::http::{Http, HttpSettings};
use crate::db::Db;
use crate::error::Error;
use crate::keys::{new_id, sha256_hex};
use crate::outbox::Kind;
use crate::schedule::{self, Held};

mod sign;
mod store;
#[cfg(test)]
mod tests;

/// Pauses between tries, seconds; the last one repeats.
const PAUSES_S: [i64; 6] = [5, 30, 120, 600, 3_600, 21_600];
/// An event that nobody took for so long is given up, seconds.
const GIVEN_UP_AFTER_S: i64 = 86_400;
/// Rows are kept so long, seconds.
const KEPT_S: i64 = 30 * 86_400;
/// Longest time for one try.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer that is read, bytes: nothing in it matters but its status.
const LONGEST_ANSWER: usize = 64 << 10;
/// Events looked at in one round.
const ROUND: i64 = 200;

/// One receiver of the settings.
struct Receiver {
    /// Start of the SHA-256 of its url.
    id: String,
    host: String,
    events: Vec<String>,
    secret: SecretRef,
    /// Words when the settings can't be used.
    http: Result<Http, String>,
}

impl Receiver {
    fn of(settings: &WebhookSettings, timeout: Duration) -> Self {
        let http = Http::new(&HttpSettings {
            base: settings.url.clone(),
            timeout,
            connections: 1,
            pace: Duration::ZERO,
            ca_file: settings.ca_file.clone(),
            longest_answer: LONGEST_ANSWER,
            cookies: false,
        });
        Self {
            id: sha256_hex(settings.url.as_bytes())[..16].to_owned(),
            host: settings.host().to_owned(),
            events: settings.events.clone(),
            secret: settings.secret.clone(),
            http: http.map_err(|cause| format!("{cause:#}")),
        }
    }
}

/// What is sent.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: serde_json::Map<String, serde_json::Value>,
}

/// How one try went.
enum Told {
    /// 2xx.
    Delivered,
    /// 410: it wants none of these any more.
    Gone,
    /// Anything else, in words, and the rest it asks for in seconds.
    Failed(String, Option<i64>),
}

/// The room.
pub struct Webhooks {
    db: Db,
    clock: Arc<dyn Clock>,
    audit: Arc<Audit>,
    public_url: String,
    receivers: RwLock<Vec<Arc<Receiver>>>,
    /// Name of this process in leases.
    owner: String,
    /// Tests make it short.
    timeout: Duration,
}

/// Whether the settings of a webhook can be used; nothing is sent. Its host, and what is wrong.
pub fn check(settings: &WebhookSettings) -> (String, Result<(), String>) {
    let receiver = Receiver::of(settings, TIMEOUT);
    let secret = sign::signature(&receiver.secret, "trial", 0, "{}");
    let found = match (receiver.http, secret) {
        (Err(words), _) => Err(words),
        (_, Err(cause)) => Err(format!("{cause:#}")),
        (Ok(_), Ok(_)) => Ok(()),
    };
    (receiver.host, found)
}

impl Webhooks {
    /// The room; without receivers until [`Webhooks::take_settings`]. `public_url` is the portal's own address.
    pub fn new(db: Db, clock: Arc<dyn Clock>, audit: Arc<Audit>, public_url: &str) -> Self {
        Self {
            db,
            clock,
            audit,
            public_url: public_url.to_owned(),
            receivers: RwLock::default(),
            owner: new_id(),
            timeout: TIMEOUT,
        }
    }

    /// Takes the receivers of the settings; one sentence per entry that can't be used yet.
    pub fn take_settings(&self, settings: &[WebhookSettings]) -> Vec<String> {
        let receivers: Vec<Arc<Receiver>> = settings
            .iter()
            .map(|webhook| Arc::new(Receiver::of(webhook, self.timeout)))
            .collect();
        let problems = receivers
            .iter()
            .filter_map(|r| {
                let words = r.http.as_ref().err()?;
                Some(format!("webhook {}: {words}", r.host))
            })
            .collect();
        *self.receivers.write().unwrap_or_else(PoisonError::into_inner) = receivers;
        problems
    }

    /// Hosts of those that take this kind of event.
    pub fn takers(&self, kind: Kind) -> Vec<String> {
        let takes = |r: &&Arc<Receiver>| r.events.iter().any(|word| word == kind.word());
        self.receivers()
            .iter()
            .filter(takes)
            .map(|r| r.host.clone())
            .collect()
    }

    fn receivers(&self) -> Vec<Arc<Receiver>> {
        self.receivers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many deliveries wait.
    pub async fn pending(&self) -> Result<i64, Error> {
        store::pending(&mut self.db.read().await?).await
    }

    /// Deletes what is older than 30 days.
    pub async fn forget_old(&self) -> Result<(), Error> {
        let before = self.clock.now().plus_seconds(-KEPT_S);
        let mut conn = self.db.write().await?;
        store::forget(&mut conn, before).await?;
        conn.commit().await
    }

    /// One round: makes the deliveries of new events, and tries those that are due. Of several replicas one does.
    pub async fn deliver_due(&self) -> Result<(), Error> {
        let receivers = self.receivers();
        let known: Vec<String> = receivers.iter().map(|r| r.id.clone()).collect();
        let given_up = |now: Timestamp| now.plus_seconds(-GIVEN_UP_AFTER_S);
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let work = !store::unspread(&mut conn, 1).await?.is_empty()
            || !store::due(&mut conn, &known, now, 1).await?.is_empty()
            || !store::orphans(&mut conn, &known, given_up(now), 1)
                .await?
                .is_empty();
        drop(conn);
        if !work {
            return Ok(());
        }
        let Some(held) = Held::take(&self.db, &self.clock, "webhook", "", &self.owner).await? else {
            return Ok(());
        };
        let done = self.round(&held, &receivers, &known, given_up(now)).await;
        held.release().await?;
        done
    }

    async fn round(
        &self,
        held: &Held,
        receivers: &[Arc<Receiver>],
        known: &[String],
        orphaned: Timestamp,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        schedule::check_epoch(&mut conn, held.lease()).await?;
        for (event, kind) in store::unspread(&mut conn, ROUND).await? {
            for receiver in receivers.iter().filter(|r| r.events.contains(&kind)) {
                store::add(&mut conn, &event, &receiver.id, &receiver.host, now).await?;
            }
            store::spread(&mut conn, &event, now).await?;
        }
        let due = store::due(&mut conn, known, now, ROUND).await?;
        // A receiver that left the settings keeps its day: another replica may know it already.
        let orphans = store::orphans(&mut conn, known, orphaned, ROUND).await?;
        conn.commit().await?;
        for orphan in orphans {
            let words = "It does not stand in the settings any more.";
            self.give_up(held, &orphan, words).await?;
        }
        let mut by_receiver: BTreeMap<&str, Vec<&Due>> = BTreeMap::new();
        for one in &due {
            by_receiver.entry(&one.receiver).or_default().push(one);
        }
        let each = by_receiver.into_iter().filter_map(|(id, due)| {
            let receiver = receivers.iter().find(|r| r.id == id)?;
            Some(self.deliver(held, receiver, due))
        });
        for done in futures::future::join_all(each).await {
            done?;
        }
        Ok(())
    }

    /// What is due at one receiver, oldest first. The first failure ends it: the next round tries the others.
    async fn deliver(&self, held: &Held, receiver: &Receiver, due: Vec<&Due>) -> Result<(), Error> {
        for one in due {
            if held.is_lost() {
                return Err(Error::LeaseLost);
            }
            match self.tell(receiver, one).await? {
                Told::Delivered => {
                    let mut conn = self.db.write().await?;
                    schedule::check_epoch(&mut conn, held.lease()).await?;
                    store::delivered(&mut conn, one, self.clock.now()).await?;
                    conn.commit().await?;
                }
                Told::Gone => {
                    self.give_up(held, one, "It answered that it is gone (410).")
                        .await?
                }
                Told::Failed(words, rest_s) => {
                    self.failed(held, one, &words, rest_s).await?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Plans the next try, or gives up after a day.
    async fn failed(&self, held: &Held, due: &Due, words: &str, rest_s: Option<i64>) -> Result<(), Error> {
        let now = self.clock.now();
        let last = PAUSES_S.len() - 1;
        let pause = PAUSES_S[usize::try_from(due.attempts).unwrap_or(last).min(last)];
        let next = now.plus_seconds(pause.max(rest_s.unwrap_or(0).min(PAUSES_S[last])));
        if next.since(Timestamp(due.created_at)) > GIVEN_UP_AFTER_S * 1000 {
            return self.give_up(held, due, words).await;
        }
        tracing::warn!(
            host = due.host,
            event.id = due.event_id,
            attempts = due.attempts + 1,
            cause = words,
            "a webhook did not take an event; it is tried again"
        );
        let mut conn = self.db.write().await?;
        schedule::check_epoch(&mut conn, held.lease()).await?;
        store::failed(&mut conn, due, words, next).await?;
        conn.commit().await
    }

    async fn give_up(&self, held: &Held, due: &Due, words: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        schedule::check_epoch(&mut conn, held.lease()).await?;
        store::given_up(&mut conn, due, words, now).await?;
        let entry = Entry::curfew(Action::WebhookGivenUp)
            .target(format!("The event {} for {}", due.kind, due.host))
            .result(AuditResult::Failed)
            .fact("event_id", due.event_id.clone())
            .fact("attempts", due.attempts + 1)
            .fact("cause", words);
        self.audit.append(&mut conn, &entry, now).await?;
        conn.commit().await?;
        tracing::warn!(
            host = due.host,
            event.id = due.event_id,
            cause = words,
            "gave up telling a webhook"
        );
        Ok(())
    }

    /// The body of an event: the same at each try.
    fn body(&self, due: &Due) -> Result<String, Error> {
        let mut data: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&due.data)?;
        data.insert(
            "link".to_owned(),
            format!("{}{}", self.public_url, due.path).into(),
        );
        Ok(serde_json::to_string(&Payload {
            kind: &due.kind,
            timestamp: rfc3339(Timestamp(due.created_at)),
            data,
        })?)
    }

    async fn tell(&self, receiver: &Receiver, due: &Due) -> Result<Told, Error> {
        let http = match &receiver.http {
            Ok(http) => http,
            Err(words) => return Ok(Told::Failed(words.clone(), None)),
        };
        let body = self.body(due)?;
        let at_s = self.clock.now().0.div_euclid(1000);
        // Read at each try: a secret may be renewed without a restart.
        let signature = match sign::signature(&receiver.secret, &due.event_id, at_s, &body) {
            Ok(signature) => signature,
            Err(cause) => return Ok(Told::Failed(format!("{cause:#}"), None)),
        };
        let status = http
            .call_as_written("webhook", Method::POST)
            .header("webhook-id", &due.event_id)
            .header("webhook-timestamp", &at_s.to_string())
            .header("webhook-signature", &signature)
            .json_text(body)
            .status()
            .await;
        Ok(match status {
            Ok(200..=299) => Told::Delivered,
            Ok(410) => Told::Gone,
            Ok(status) => Told::Failed(format!("It answered with status {status}."), None),
            Err(failed) => {
                let words = match failed.error.kind {
                    ErrorKind::Unauthorized => {
                        "It did not accept the request (401): check the secret.".to_owned()
                    }
                    ErrorKind::Forbidden => "It did not accept the request (403).".to_owned(),
                    _ => failed.error.message,
                };
                let rest_s = failed.error.retry_after_s.map(i64::from);
                Told::Failed(words, rest_s)
            }
        })
    }
}
