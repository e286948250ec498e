//! A signal comes: believed or not, kept once, then acknowledged. What it means is found later, by `work`.

use app::audit::wire::AuditResult;
use app::wire::Timestamp;

use super::rules::{By, Rule};
use super::store::{self, Signal};
use super::{Signals, request, token};
use crate::audit::{Action, Entry};
use crate::caller::Origin;
use crate::error::Error;
use crate::keys;

/// A signal that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No rule has this address, or the secret part is another.
    NoSuchAddress,
    /// It is not to be believed. Which check failed is for the log, not for who sent it.
    NotBelieved(String),
}

/// What is kept of a signal.
struct Kept {
    way: &'static str,
    /// Its own name.
    name: String,
    /// When it is too old to be taken again.
    expires_at: Timestamp,
    principal: String,
    /// Keyed hashes of the session it names.
    session_keys: Vec<String>,
}

impl Signals {
    /// Takes a logout token of OpenID Connect. When this returns well it is kept, on whatever crashes; one that came before
    /// is as good as taken, and does nothing again.
    pub async fn receive_token(&self, rule_id: &str, token: &str) -> Result<Result<(), Refused>, Error> {
        let rules = self.rules();
        let Some((rule, oidc)) = rules
            .get(rule_id)
            .and_then(|rule| Some((rule, rule.settings.oidc.as_ref()?)))
        else {
            return Ok(Err(Refused::NoSuchAddress));
        };
        let Ok(By::Oidc(published)) = &rule.by else {
            return Ok(Err(Refused::NotBelieved(
                "The rule's settings can't be used.".to_owned(),
            )));
        };
        let now = self.now();
        let told = match token::believe(oidc, published, token, now).await {
            Ok(told) => told,
            Err(cause) => return Ok(Err(Refused::NotBelieved(cause))),
        };
        let kept = Kept {
            way: "oidc",
            name: told.jti,
            expires_at: told.expires_at,
            principal: told.sub,
            session_keys: self.hashed(rule, "sso", &told.sid),
        };
        self.keep(rule, kept, now).await?;
        Ok(Ok(()))
    }

    /// Takes a single logout request of CAS that came to the address with this secret part.
    pub async fn receive_request(
        &self,
        rule_id: &str,
        secret: &str,
        text: &str,
        origin: &Origin,
    ) -> Result<Result<(), Refused>, Error> {
        let rules = self.rules();
        let Some((rule, cas)) = rules
            .get(rule_id)
            .and_then(|rule| Some((rule, rule.settings.cas.as_ref()?)))
        else {
            return Ok(Err(Refused::NoSuchAddress));
        };
        // Hashes are compared: how long that takes says nothing of the secret.
        let known = matches!(&rule.by, Ok(By::Cas(hash)) if *hash == keys::sha256_hex(secret.as_bytes()));
        if !known {
            return Ok(Err(Refused::NoSuchAddress));
        }
        let ip = origin
            .ip
            .as_deref()
            .and_then(|ip| ip.parse::<std::net::IpAddr>().ok());
        let near = cas.networks.is_empty()
            || ip.is_some_and(|ip| cas.networks.iter().any(|network| network.contains(&ip)));
        if !near {
            let cause = "It came from an address outside of the rule's networks.";
            return Ok(Err(Refused::NotBelieved(cause.to_owned())));
        }
        let now = self.now();
        let told = match request::read(text, now) {
            Ok(told) => told,
            Err(cause) => return Ok(Err(Refused::NotBelieved(cause))),
        };
        let kept = Kept {
            way: "cas",
            name: told.id,
            expires_at: told.expires_at,
            principal: told.name,
            session_keys: self.hashed(rule, "service_ticket", &told.index),
        };
        self.keep(rule, kept, now).await?;
        Ok(Ok(()))
    }

    fn hashed(&self, rule: &Rule, kind: &str, id: &str) -> Vec<String> {
        if id.is_empty() {
            return Vec::new();
        }
        let keys = self
            .parts
            .key
            .session_keys(rule.from.as_str(), &rule.place, kind, id);
        keys.into_iter().map(|key| key.0).collect()
    }

    async fn keep(&self, rule: &Rule, kept: Kept, now: Timestamp) -> Result<(), Error> {
        let seen = keys::sha256_hex(format!("{}\n{}\n{}", kept.way, rule.settings.id, kept.name).as_bytes());
        let mut conn = self.parts.db.write().await?;
        if !store::take_once(&mut conn, &seen, kept.expires_at).await? {
            return Ok(());
        }
        let signal = Signal {
            signal_id: keys::new_id(),
            reference: format!("S-{}", keys::short_reference()),
            received_at: now.0,
            rule_id: rule.settings.id.clone(),
            way: kept.way.to_owned(),
            system_id: rule.from.0.clone(),
            place: rule.place.clone(),
            principal: kept.principal,
            session_keys: kept.session_keys.join(" "),
            attempts: 0,
            outcome: None,
            detail: String::new(),
            account_name: String::new(),
            ending_no: None,
        };
        store::insert(&mut conn, &signal).await?;
        conn.commit().await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Writes down that a signal was not believed. The caller sees to it that a flood does not fill the log.
    pub async fn note_refused(&self, rule_id: &str, cause: &str, origin: &Origin) -> Result<(), Error> {
        let rules = self.rules();
        let mut entry = Entry::nobody(origin, Action::SignalRefused)
            .result(AuditResult::Refused)
            .fact("cause", cause);
        entry = match rules.get(rule_id) {
            Some(rule) => entry
                .system(&rule.from)
                .target(format!("A signal for the rule {rule_id} was not believed")),
            None => entry.target("A signal for no rule of the settings"),
        };
        self.parts.audit.note(&entry).await.map(|_| ())
    }
}
