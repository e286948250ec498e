//! CAS 6.6 and 7: single sign-on sessions of its people, by the actuator endpoint `ssoSessions`.
//!
//! Start at [`from_settings`]; the calls are in `api`, the list is taken apart in `reading`, units end in `rows`. The list
//! holds cookies that sign in when they are replayed: it is read as a stream, a fixed set of fields is taken out of it, and
//! nothing else of it is ever kept. What real servers answer, least rights and cautions: docs/systems/cas.md.

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use self::api::Api;
use self::list::Noticed;
use super::http::{Http, HttpSettings};
use super::{
    Connector, EndAccount, EndEffect, EndSessions, ListSessions, ReadPolicy, Recipe, SelfTest,
    SharedConnector,
};
use crate::config::SecretRef;

mod api;
mod end;
mod list;
mod policy;
mod reading;
mod rows;
mod self_test;

/// Longest answer but the list, which is read as a stream.
const LONGEST_ANSWER: usize = 16 << 20;
/// Most requests at a time where CAS asks for a password: it takes 0.1 s of its processor to check one, at each request.
const MOST_WITH_PASSWORD: usize = 2;
/// Most requests at a time, whatever the settings say.
const MOST_CONNECTIONS: usize = 8;

/// Settings of a CAS, beside those every system has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Address: "https://sso.example.org/cas".
    url: String,
    /// Whom the endpoint lets in; none = it goes by the address of this machine.
    #[serde(default)]
    identity: Option<Account>,
    /// Most sessions of a list. Default 1,000,000; a list as long is taken for cut off.
    #[serde(default = "million")]
    limit: u32,
    /// An account for the self-test's throw-away session; none = it can't be tested to its end.
    #[serde(default)]
    canary: Option<Account>,
    /// Authorities to trust.
    #[serde(default)]
    ca_file: Option<PathBuf>,
}

/// A name and its password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    username: String,
    /// By reference.
    password: SecretRef,
}

/// The same, read.
struct Named {
    username: String,
    password: SecretString,
}

const fn million() -> u32 {
    1_000_000
}

impl Account {
    fn read(&self, setting: &str) -> anyhow::Result<Named> {
        anyhow::ensure!(
            !self.username.is_empty() && !self.username.contains(':'),
            "{setting}.username: not empty, and without a colon"
        );
        Ok(Named {
            username: self.username.clone(),
            password: self.password.read()?,
        })
    }
}

/// Makes the connector from its settings.
pub fn from_settings(recipe: &Recipe<'_>) -> anyhow::Result<SharedConnector> {
    let own: Settings = toml::Value::Table(recipe.settings.own.clone()).try_into()?;
    anyhow::ensure!(own.limit > 0, "limit: at least 1");
    let identity = own
        .identity
        .as_ref()
        .map(|identity| identity.read("identity"))
        .transpose()?;
    let canary = own
        .canary
        .as_ref()
        .map(|canary| canary.read("canary"))
        .transpose()?;
    let most = if identity.is_some() {
        MOST_WITH_PASSWORD
    } else {
        MOST_CONNECTIONS
    };
    let connections = recipe.settings.connections.clamp(1, most);
    let http = Http::new(&HttpSettings {
        base: own.url.clone(),
        timeout: recipe.timeout,
        connections,
        pace: Duration::from_millis(super::pace_ms(recipe.settings)),
        ca_file: own.ca_file.clone(),
        longest_answer: LONGEST_ANSWER,
        cookies: false,
    })?;
    Ok(std::sync::Arc::new(Cas {
        api: Api { http, identity },
        connections,
        limit: own.limit,
        canary,
        noticed: RwLock::default(),
    }))
}

/// One CAS.
struct Cas {
    api: Api,
    /// Requests at the same time.
    connections: usize,
    limit: u32,
    canary: Option<Named>,
    /// What the newest list of everything showed; `None` = there was none yet.
    noticed: RwLock<Option<Noticed>>,
}

impl Cas {
    /// What the newest list of everything showed.
    fn noticed<T>(&self, look: impl FnOnce(&Noticed) -> T) -> Option<T> {
        self.noticed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(look)
    }
}

impl Connector for Cas {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At once at CAS: the next application asks for the password. CAS then sends each application of \
                           that session a sign-out request, by itself and without waiting for it"
                .to_owned(),
            survives: "the session of an application that was down, does not listen to sign-out requests or is registered with \
                       logoutType NONE or FRONT_CHANNEL; with CAS as an OAuth or OpenID server, tokens that were handed out"
                .to_owned(),
            residual: None,
            not_listed: vec![
                "the sessions that applications keep by themselves".to_owned(),
                "tokens of OAuth and OpenID Connect".to_owned(),
                "whether an application was told of an ending (CAS says SUCCESS before it asked)".to_owned(),
                "limits that no listed session carries".to_owned(),
            ],
            before_you_end: "CAS says OK to any ending, so only the list read afterwards counts. Applications are told within \
                             seconds, in no order."
                .to_owned(),
        }
    }

    fn found(&self) -> Vec<String> {
        self.noticed(Noticed::words).unwrap_or_default()
    }

    fn is_identity_server(&self) -> bool {
        true
    }

    fn list(&self) -> Option<&dyn ListSessions> {
        Some(self)
    }

    fn end(&self) -> Option<&dyn EndSessions> {
        Some(self)
    }

    fn end_all_of(&self) -> Option<&dyn EndAccount> {
        Some(self)
    }

    fn policy(&self) -> Option<&dyn ReadPolicy> {
        Some(self)
    }

    fn self_test(&self) -> Option<&dyn SelfTest> {
        Some(self)
    }
}
