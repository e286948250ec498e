//! Domo: sessions are listed and ended by the calls that Domo's own page Session Management makes (`api`).
//!
//! Domo does not document them and they were never tried on a real Domo: until a self-test has passed, rows and pages say
//! so. Start at [`from_settings`]; what Domo answers in place of data is in `trouble`, its units end in `rows`. Facts and
//! cautions: docs/systems/domo.md.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use app::sessions::wire::SessionKind;
use serde::Deserialize;

use self::api::{Api, Me, http_settings};
use self::end::Rest;
use self::identity::{Identity, IdentitySettings};
use self::names::Names;
use self::policy::LimitSettings;
use self::rows::Kinds;
use super::{
    Connector, EndEffect, EndSessions, ListSessions, ReadPolicy, Recipe, Residual, SelfTest, SharedConnector,
};

mod api;
mod end;
mod identity;
mod list;
mod names;
mod policy;
mod rows;
mod self_test;
mod trouble;

/// Pause between two requests where the settings name none, ms: what practitioners leave to Domo.
pub const PACE_MS: u64 = 150;
/// What a self-test proves something of: Domo tells no version, but the interface has one.
const INTERFACE: &str = "sessions/v1";
/// How long a session of the mobile app may go on after it was ended, seconds; as Domo documents it.
const MOBILE_RESIDUAL_S: i64 = 3_600;
/// Most requests at a time, whatever the settings say.
const MOST_CONNECTIONS: usize = 8;

/// Settings of a Domo, beside those every system has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Address of the instance: "https://acme.domo.com".
    url: String,
    /// Whom Curfew signs in as.
    identity: IdentitySettings,
    /// An account for the self-test's throw-away session, by mail address and password; none = that of `identity`, where
    /// it has a password, else it can't be tested.
    #[serde(default)]
    canary: Option<IdentitySettings>,
    /// Most sessions of one list. Default 1,000,000; a list as long is taken for cut off.
    #[serde(default = "million")]
    limit: usize,
    /// Type codes of browsers. Default "sss", the only code that was ever seen in public.
    #[serde(default = "sss")]
    browser_types: Vec<String>,
    /// Type codes of the mobile app. Default none: nobody has written them down.
    #[serde(default)]
    mobile_types: Vec<String>,
    /// Authorities to trust.
    #[serde(default)]
    ca_file: Option<PathBuf>,
    /// Limits as a person read them in Domo: there is no call that tells them.
    #[serde(default)]
    limits: LimitSettings,
}

const fn million() -> usize {
    1_000_000
}

fn sss() -> Vec<String> {
    vec!["sss".to_owned()]
}

/// Makes the connector from its settings.
pub fn from_settings(recipe: &Recipe<'_>) -> anyhow::Result<SharedConnector> {
    let own: Settings = toml::Value::Table(recipe.settings.own.clone()).try_into()?;
    anyhow::ensure!(own.limit > 0, "limit: at least 1");
    own.limits.check()?;
    let both = own
        .browser_types
        .iter()
        .find(|code| own.mobile_types.contains(code));
    if let Some(code) = both {
        anyhow::bail!("browser_types, mobile_types: \"{code}\" stands in both");
    }
    let connections = recipe.settings.connections.clamp(1, MOST_CONNECTIONS);
    let pace = Duration::from_millis(super::pace_ms(recipe.settings));
    let http = http_settings(&own.url, recipe.timeout, (connections, pace), own.ca_file.clone());
    let canary = match &own.canary {
        Some(canary) => {
            let canary = canary.read("canary")?;
            anyhow::ensure!(
                matches!(canary, Identity::Password { .. }),
                "canary: email and password; only a sign-in by password opens a session that can be thrown away"
            );
            Some(canary)
        }
        None => match own.identity.read("identity")? {
            Identity::Password { email, password } => Some(Identity::Password { email, password }),
            Identity::Token(_) | Identity::Refresh { .. } => None,
        },
    };
    Ok(Arc::new(Domo {
        api: Api::new(&http, own.identity.read("identity")?)?,
        canary: canary.map(|identity| Api::new(&http, identity)).transpose()?,
        limit: own.limit,
        kinds: Kinds {
            browser: own.browser_types,
            mobile: own.mobile_types,
        },
        limits: own.limits,
        connections,
        names: Names::default(),
        numbers: RwLock::default(),
        me: Mutex::default(),
        rest: Rest::default(),
        found: RwLock::default(),
    }))
}

/// One Domo.
struct Domo {
    api: Api,
    /// As whom a throw-away session is opened; `None` = the self-test can't go to its end.
    canary: Option<Api>,
    limit: usize,
    kinds: Kinds,
    limits: LimitSettings,
    /// Requests at the same time.
    connections: usize,
    names: Names,
    /// The number that an ending takes, by the SHA-256 of the id that people see; of the newest list of everything.
    numbers: RwLock<HashMap<[u8; 32], i64>>,
    /// Whom Domo took Curfew for when it was asked last.
    me: Mutex<Option<Me>>,
    rest: Rest,
    /// What the newest list of everything found out, as sentences.
    found: RwLock<Vec<String>>,
}

impl Connector for Domo {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At the next request that reaches Domo".to_owned(),
            survives: "what is on the screen stays until then, and scrolling reaches nobody; a session of the mobile app \
                       may go on for up to an hour"
                .to_owned(),
            residual: Some(Residual {
                seconds: MOBILE_RESIDUAL_S,
                of: Some(SessionKind::Mobile),
            }),
            not_listed: [
                "Workbench",
                "Jupyter",
                "plugins of Microsoft Office",
                "the Apple TV app",
                "Buzz Desktop",
                "developer clients",
                "access tokens",
            ]
            .map(str::to_owned)
            .into(),
            before_you_end: "It locks nobody out: the person can sign in again at once. A session keeps the limits it was \
                             made with, so new limits hold for everybody only when the sessions from before are ended."
                .to_owned(),
        }
    }

    fn found(&self) -> Vec<String> {
        self.found.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn build(&self) -> Option<String> {
        Some(INTERFACE.to_owned())
    }

    fn list(&self) -> Option<&dyn ListSessions> {
        Some(self)
    }

    fn end(&self) -> Option<&dyn EndSessions> {
        Some(self)
    }

    fn policy(&self) -> Option<&dyn ReadPolicy> {
        Some(self)
    }

    fn self_test(&self) -> Option<&dyn SelfTest> {
        Some(self)
    }
}
