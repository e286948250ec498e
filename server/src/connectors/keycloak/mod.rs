//! Keycloak: single sign-on and offline sessions of its realms, by the Admin REST API and client credentials.
//!
//! Start at [`from_settings`]; the calls are in `api`, whole lists in `list`, units end in `rows`. What real servers answer,
//! least rights and cautions: docs/systems/keycloak.md.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use self::api::{Api, Client};
use self::list::Met;
use self::people::People;
use self::rows::RealmRules;
use super::http::{Http, HttpSettings};
use super::{
    Connector, ConnectorError, EndAccount, EndEffect, EndSessions, ListSessions, ReadPolicy, Recipe,
    Residual, SelfTest, SharedConnector,
};
use crate::config::SecretRef;

mod api;
mod end;
mod list;
mod people;
mod policy;
mod rows;
mod self_test;

/// Longest list that is taken, bytes: some 450,000 sessions in the console's one call.
const LONGEST_ANSWER: usize = 128 << 20;
/// Most requests at a time, whatever the settings say.
const MOST_CONNECTIONS: usize = 16;

/// Settings of a Keycloak, beside those every system has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Address: "https://sso.example.org"; with "/auth" where it is set up so.
    url: String,
    /// Realms to read, each a site.
    realms: Vec<String>,
    /// The client that reads.
    identity: ClientSettings,
    /// The client that ends; none = the one that reads.
    #[serde(default)]
    end_identity: Option<ClientSettings>,
    /// Realm both live in; none = each realm has them, by the same id and secret.
    #[serde(default)]
    identity_realm: Option<String>,
    /// How everything is listed. Default `clients`.
    #[serde(default)]
    read_by: ReadBy,
    /// Most sessions of one realm's list. Default 1,000,000; a list as long is taken for cut off.
    #[serde(default = "million")]
    limit: usize,
    /// An account for the self-test's throw-away session; none = it can't be tested to its end.
    #[serde(default)]
    canary: Option<CanarySettings>,
    /// Authorities to trust.
    #[serde(default)]
    ca_file: Option<PathBuf>,
}

/// How a whole list is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReadBy {
    /// By the documented call of each client. Needs view-clients, which reads the secrets of clients too.
    #[default]
    Clients,
    /// By the call of Keycloak's own console: fewer rights, but it is not documented.
    Console,
}

/// A client with a service account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientSettings {
    client_id: String,
    /// By reference.
    client_secret: SecretRef,
}

/// Whoever signs in for the self-test.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CanarySettings {
    /// Realm, one of `realms`; none = the first.
    #[serde(default)]
    realm: Option<String>,
    /// A client that takes user names and passwords ("direct access grants").
    client_id: String,
    /// Its secret, by reference; none = a public client.
    #[serde(default)]
    client_secret: Option<SecretRef>,
    username: String,
    /// By reference.
    password: SecretRef,
}

const fn million() -> usize {
    1_000_000
}

/// One realm.
struct Realm {
    name: String,
    reader: Api,
    ender: Api,
    /// Whether the one that ends is another account than the one that reads.
    separate: bool,
    /// What signing in as the one that ends gave, tried once; empty = it works.
    ender_trouble: RwLock<Option<String>>,
    people: People,
    /// Sessions of the newest whole list, with whose they are.
    listed: Mutex<HashMap<Met, String>>,
    /// Seconds that tokens handed out there live on; `None` = not known yet.
    token_life: RwLock<Option<i64>>,
}

/// Whoever opens the throw-away session.
struct Canary {
    realm: usize,
    client_id: String,
    client_secret: Option<SecretString>,
    username: String,
    password: SecretString,
}

/// Makes the connector from its settings.
pub fn from_settings(recipe: &Recipe<'_>) -> anyhow::Result<SharedConnector> {
    let own: Settings = toml::Value::Table(recipe.settings.own.clone()).try_into()?;
    anyhow::ensure!(own.limit > 0, "limit: at least 1");
    anyhow::ensure!(!own.realms.is_empty(), "realms: at least one");
    let distinct: BTreeSet<&String> = own.realms.iter().collect();
    anyhow::ensure!(
        distinct.len() == own.realms.len() && !distinct.iter().any(|name| name.trim().is_empty()),
        "realms: each named once, and none empty"
    );
    let connections = recipe.settings.connections.clamp(1, MOST_CONNECTIONS);
    let http = |timeout: Duration| -> anyhow::Result<Arc<Http>> {
        Ok(Arc::new(Http::new(&HttpSettings {
            base: own.url.clone(),
            timeout,
            connections,
            pace: Duration::from_millis(super::pace_ms(recipe.settings)),
            ca_file: own.ca_file.clone(),
            longest_answer: LONGEST_ANSWER,
            cookies: false,
        })?))
    };
    // Applications are told before Keycloak answers an ending: twice the time, as the guard leaves for a single one.
    let (reads, ends) = (http(recipe.timeout)?, http(recipe.timeout * 2)?);
    let reader = own.identity.read()?;
    let ender = own.end_identity.as_ref().map(ClientSettings::read).transpose()?;
    let realm = |name: &String| {
        let home = own.identity_realm.as_ref().unwrap_or(name);
        Realm {
            name: name.clone(),
            reader: Api::new(reads.clone(), name, home, reader.clone()),
            ender: Api::new(
                ends.clone(),
                name,
                home,
                ender.clone().unwrap_or_else(|| reader.clone()),
            ),
            separate: ender.is_some(),
            ender_trouble: RwLock::default(),
            people: People::default(),
            listed: Mutex::default(),
            token_life: RwLock::default(),
        }
    };
    let realms: Vec<Realm> = own.realms.iter().map(realm).collect();
    let canary = own
        .canary
        .as_ref()
        .map(|canary| canary.read(&own.realms))
        .transpose()?;
    let own_accounts = realms
        .iter()
        .flat_map(|realm| [realm.reader.own_account(), realm.ender.own_account()])
        .collect();
    Ok(Arc::new(Keycloak {
        http: reads,
        realms,
        own_accounts,
        read_by: own.read_by,
        limit: own.limit,
        connections,
        canary,
        found: RwLock::default(),
    }))
}

impl ClientSettings {
    fn read(&self) -> anyhow::Result<Client> {
        anyhow::ensure!(!self.client_id.is_empty(), "client_id: not empty");
        Ok(Client {
            id: self.client_id.clone(),
            secret: self.client_secret.read()?,
        })
    }
}

impl CanarySettings {
    fn read(&self, realms: &[String]) -> anyhow::Result<Canary> {
        let realm = match &self.realm {
            None => 0,
            Some(name) => realms
                .iter()
                .position(|realm| realm == name)
                .ok_or_else(|| anyhow::anyhow!("canary.realm: \"{name}\" is not among realms"))?,
        };
        Ok(Canary {
            realm,
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.as_ref().map(SecretRef::read).transpose()?,
            username: self.username.clone(),
            password: self.password.read()?,
        })
    }
}

/// One Keycloak.
struct Keycloak {
    /// For the self-test, which signs in like an application.
    http: Arc<Http>,
    realms: Vec<Realm>,
    /// User names of Curfew's own accounts there.
    own_accounts: Vec<String>,
    read_by: ReadBy,
    limit: usize,
    /// Requests at the same time.
    connections: usize,
    canary: Option<Canary>,
    /// What the newest list of everything found out, as sentences.
    found: RwLock<Vec<String>>,
}

impl Keycloak {
    /// What a realm says of its sessions, read now; how long tokens live is kept beside it.
    async fn rules(&self, realm: &Realm) -> Result<RealmRules, ConnectorError> {
        let rules: RealmRules = realm.reader.get("realm", &[], &[]).await?;
        if let Some(life) = rules.access_token_lifespan {
            let mut known = realm.token_life.write().unwrap_or_else(PoisonError::into_inner);
            // A client may have a longer one, which only the policy reads.
            *known = Some(known.map_or(life, |known| known.max(life)));
        }
        Ok(rules)
    }

    /// The longest that a token handed out before an ending works on, seconds.
    fn token_life(&self) -> Option<i64> {
        let lives = self
            .realms
            .iter()
            .filter_map(|realm| *realm.token_life.read().unwrap_or_else(PoisonError::into_inner));
        lives.max().filter(|life| *life > 0)
    }
}

impl Connector for Keycloak {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At once at Keycloak: the next sign-in there asks for the password, and no token is renewed. \
                           Applications with a back-channel address are told while it is ended"
                .to_owned(),
            survives: "an access token that was handed out goes on until its own end at applications that check it by \
                       themselves; an application without a back-channel address keeps its own session"
                .to_owned(),
            residual: self.token_life().map(|seconds| Residual { seconds, of: None }),
            not_listed: match self.read_by {
                ReadBy::Clients => vec![
                    "sessions that had lost their last application before Curfew started".to_owned(),
                    "browsers: Keycloak tells none".to_owned(),
                ],
                ReadBy::Console => vec!["browsers: Keycloak tells none".to_owned()],
            },
            before_you_end: "An offline session is one of its own: ending the single sign-on session leaves it. Keycloak \
                             answers only after the applications did, so a slow application makes an ending slow."
                .to_owned(),
        }
    }

    fn found(&self) -> Vec<String> {
        self.found.read().unwrap_or_else(PoisonError::into_inner).clone()
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
