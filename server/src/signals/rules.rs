//! The rules of the settings: made once from them, with what is wrong with each.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::wire::SystemId;
use secrecy::ExposeSecret;

use crate::config::{Config, SignalRule};
use crate::connectors::jwks::Published;
use crate::keys::sha256_hex;

/// Length of the secret part of an address.
const SECRET: std::ops::RangeInclusive<usize> = 32..=128;

/// How signals of a rule are believed.
pub enum By {
    /// Signed by keys that are published there.
    Oidc(Box<Published>),
    /// SHA-256 of the part of the address that nobody guesses.
    Cas(String),
}

/// A rule.
pub struct Rule {
    /// As the settings say.
    pub settings: SignalRule,
    /// The identity server.
    pub from: SystemId,
    /// Its realm; "" = it has none.
    pub place: String,
    /// How its signals are believed, or why none can be.
    pub by: Result<By, String>,
}

/// Every rule.
#[derive(Default)]
pub struct Rules {
    public_url: String,
    by_id: BTreeMap<String, Arc<Rule>>,
}

impl Rules {
    /// From the settings. A rule whose entry did not change keeps what it fetched.
    pub fn of(config: &Config, before: &Rules) -> Self {
        let by_id = config
            .signals
            .iter()
            .map(|settings| {
                let kept = before.by_id.get(&settings.id).filter(|old| {
                    // A secret may have changed in its file.
                    old.settings == *settings && matches!(old.by, Ok(By::Oidc(_)))
                });
                let rule = kept.cloned().unwrap_or_else(|| Arc::new(Rule::of(settings)));
                (settings.id.clone(), rule)
            })
            .collect();
        Self {
            public_url: config.public_url(),
            by_id,
        }
    }

    /// The rule of that id.
    pub fn get(&self, id: &str) -> Option<&Arc<Rule>> {
        self.by_id.get(id)
    }

    /// Every rule, by id.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.by_id.values()
    }

    /// One sentence per rule that can take no signal.
    pub fn problems(&self) -> Vec<String> {
        self.all()
            .filter_map(|rule| {
                Some(format!(
                    "signals {}: {}",
                    rule.settings.id,
                    rule.by.as_ref().err()?
                ))
            })
            .collect()
    }

    /// Where a rule's signals are sent; of CAS without the secret part.
    pub fn receiver(&self, rule: &Rule) -> String {
        let id = &rule.settings.id;
        match rule.settings.cas {
            None => format!("{}/signals/v1/oidc/{id}", self.public_url),
            Some(_) => format!("{}/signals/v1/cas/{id}/…", self.public_url),
        }
    }
}

impl Rule {
    fn of(settings: &SignalRule) -> Self {
        Self {
            from: SystemId::from(settings.from.as_str()),
            place: settings.place(),
            by: by(settings),
            settings: settings.clone(),
        }
    }
}

fn by(settings: &SignalRule) -> Result<By, String> {
    if let Some(oidc) = &settings.oidc {
        let published = Published::new(&oidc.jwks).map_err(|cause| format!("oidc.jwks: {cause:#}"))?;
        return Ok(By::Oidc(Box::new(published)));
    }
    let Some(cas) = &settings.cas else {
        return Err("neither oidc nor cas is named".to_owned());
    };
    let secret = cas
        .secret
        .read()
        .map_err(|cause| format!("cas.secret: {cause:#}"))?;
    let text = secret.expose_secret();
    let good = SECRET.contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !good {
        return Err(format!(
            "cas.secret: {} to {} of A-Z a-z 0-9 _ - (openssl rand -hex 24)",
            SECRET.start(),
            SECRET.end()
        ));
    }
    Ok(By::Cas(sha256_hex(text.as_bytes())))
}

/// What `curfew check-config` says of each rule: its id, and what is wrong. Nothing is asked.
pub fn check(config: &Config) -> Vec<(String, Result<(), String>)> {
    Rules::of(config, &Rules::default())
        .all()
        .map(|rule| {
            (
                rule.settings.id.clone(),
                rule.by.as_ref().map(|_| ()).map_err(Clone::clone),
            )
        })
        .collect()
}
