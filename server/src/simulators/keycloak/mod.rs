//! A simulated Keycloak: the calls of its Admin REST API and of its sign-in over loopback, in front of one model.
//!
//! It answers as a real 26.7.4 was seen to answer; `server/tests/keycloak` holds both against the same tests. Start at
//! [`model`] for what it knows, at `calls` for what it answers. Facts: docs/systems/keycloak.md.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::wire::Timestamp;
use tokio::net::TcpListener;

use self::faults::{Call, Faults};
use self::model::Model;
use super::loopback::{self, Secrets, Tasks};
use crate::clock::Clock;
use crate::config::SystemSettings;
use crate::keys;

mod calls;
pub mod faults;
mod fill;
pub mod model;
#[cfg(test)]
mod tests;

/// The client that reads, in every realm.
pub const READER: &str = "curfew-reader";
/// The client that ends.
pub const ENDER: &str = "curfew-ender";
/// User name of the account for self-tests, in the first realm.
pub const CANARY: &str = "curfew-test";

/// Everything it knows, and what is wrong with it.
struct Inside {
    model: Model,
    faults: Faults,
    calls: BTreeMap<Call, u64>,
}

/// What the handlers share.
struct Shared {
    inside: Mutex<Inside>,
    clock: Arc<dyn Clock>,
    /// Sets the faults from outside the process.
    control: String,
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulated Keycloak; it stops when this is dropped.
pub struct KeycloakServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    tasks: Tasks,
    secrets: Secrets,
    /// Secret of both clients and password of the canary.
    password: String,
    realms: Vec<String>,
}

impl KeycloakServer {
    /// Starts one with these realms, the two clients that Curfew needs in each, an account for self-tests and nobody
    /// there, on a free port of the loopback. The same `seed` gives the same people and sessions.
    pub async fn start(clock: Arc<dyn Clock>, seed: u64, realms: &[&str]) -> anyhow::Result<Self> {
        let password = keys::random_id();
        let mut model = Model::new(seed);
        for realm in realms {
            model.add_realm(realm);
            model.add_service(
                realm,
                READER,
                &password,
                &["view-realm", "view-users", "view-clients"],
            );
            model.add_service(realm, ENDER, &password, &["manage-users"]);
        }
        if let Some(first) = realms.first() {
            let canary = model.add_user(first, CANARY, "Curfew self-test", None);
            model.set_password(first, &canary, &password);
        }
        let shared = Arc::new(Shared {
            inside: Mutex::new(Inside {
                model,
                faults: Faults::default(),
                calls: BTreeMap::new(),
            }),
            clock,
            control: keys::random_id(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let server = loopback::serve(listener, calls::router(shared.clone()), "a simulated Keycloak");
        Ok(Self {
            shared,
            address,
            tasks: Tasks::new(server),
            secrets: Secrets::default(),
            password,
            realms: realms.iter().map(|realm| (*realm).to_owned()).collect(),
        })
    }

    /// The settings entry that connects it: one client reads, another ends, and there is a canary.
    pub fn settings(&mut self, name: &str) -> anyhow::Result<SystemSettings> {
        let password = self.password.clone();
        let mut client = |id: &str| -> anyhow::Result<toml::Value> {
            let mut client = toml::Table::new();
            client.insert("client_id".to_owned(), id.into());
            client.insert("client_secret".to_owned(), self.secrets.put(&password)?.into());
            Ok(client.into())
        };
        let mut own = toml::Table::new();
        own.insert("url".to_owned(), format!("http://{}", self.address).into());
        own.insert("identity".to_owned(), client(READER)?);
        own.insert("end_identity".to_owned(), client(ENDER)?);
        own.insert("realms".to_owned(), self.realms.clone().into());
        let mut canary = toml::Table::new();
        canary.insert("client_id".to_owned(), model::PORTAL.into());
        canary.insert("username".to_owned(), CANARY.into());
        canary.insert("password".to_owned(), self.secrets.put(&password)?.into());
        own.insert("canary".to_owned(), canary.into());
        Ok(loopback::entry("keycloak", name, own))
    }

    /// Its address and the token of `/control`, for calls beside the connector.
    pub fn access(&self) -> (SocketAddr, String) {
        (self.address, self.shared.control.clone())
    }

    /// What it lets in by, which must never be in a database or a log.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![self.password.clone(), model::CLIENT_SECRET.to_owned()];
        secrets.extend(self.model(|model, _| model.tokens()));
        secrets
    }

    /// Looks at what it knows, or changes it, at its present moment.
    pub fn model<T>(&self, work: impl FnOnce(&mut Model, Timestamp) -> T) -> T {
        let now = self.shared.clock.now();
        work(&mut self.shared.inside().model, now)
    }

    /// Changes what is wrong with it.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.inside().faults);
    }

    /// How often it was called.
    pub fn calls(&self, call: Call) -> u64 {
        self.shared.inside().calls.get(&call).copied().unwrap_or(0)
    }

    /// Lets people come and go by themselves, a step `every` so often.
    pub fn live(&mut self, every: Duration) {
        self.tasks.repeat(every, &self.shared, |shared| {
            let now = shared.clock.now();
            shared.inside().model.tick(now);
        });
    }
}
