//! A simulated CAS: its sign-in form and its endpoint `ssoSessions` over loopback, in front of one model.
//!
//! It answers as real ones were seen to answer, 6.6.12 and 7.0.0; `server/tests/cas` holds it and a real 6.6.12 against the
//! same tests. Its list is full of what signs people in, as the real one is. Start at [`model`] for what it knows, at
//! `calls` for what it answers. Facts: docs/systems/cas.md.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::wire::Timestamp;
use tokio::net::TcpListener;

use self::faults::{Call, Faults};
use self::model::{Model, Release};
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

/// Whom the endpoint lets in.
pub const USER: &str = "curfew";
/// User name of the account for self-tests.
pub const CANARY: &str = "curfew-test";

/// Everything it knows, and what is wrong with it.
struct Inside {
    model: Model,
    faults: Faults,
    calls: BTreeMap<Call, u64>,
    /// Calls to the endpoint that are being answered, and the most there ever were.
    at_once: usize,
    most_at_once: usize,
}

/// What the handlers share.
struct Shared {
    inside: Mutex<Inside>,
    clock: Arc<dyn Clock>,
    /// Of [`USER`].
    password: String,
    /// Sets the faults from outside the process.
    control: String,
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulated CAS; it stops when this is dropped.
pub struct CasServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    tasks: Tasks,
    secrets: Secrets,
}

impl CasServer {
    /// Starts one of that release with an account for self-tests and nobody there, on a free port of the loopback. The same
    /// `seed` gives the same people and sessions.
    pub async fn start(clock: Arc<dyn Clock>, seed: u64, release: Release) -> anyhow::Result<Self> {
        let password = keys::random_id();
        let mut model = Model::new(seed, release);
        model.add_person(CANARY, "Curfew self-test", None, &password);
        let shared = Arc::new(Shared {
            inside: Mutex::new(Inside {
                model,
                faults: Faults::default(),
                calls: BTreeMap::new(),
                at_once: 0,
                most_at_once: 0,
            }),
            clock,
            password,
            control: keys::random_id(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let server = loopback::serve(listener, calls::router(shared.clone()), "a simulated CAS");
        Ok(Self {
            shared,
            address,
            tasks: Tasks::new(server),
            secrets: Secrets::default(),
        })
    }

    /// Its address, as settings write it.
    pub fn url(&self) -> String {
        format!("http://{}/cas", self.address)
    }

    /// The settings entry that connects it, with a canary.
    pub fn settings(&mut self, name: &str) -> anyhow::Result<SystemSettings> {
        let mut own = toml::Table::new();
        own.insert("url".to_owned(), self.url().into());
        for (setting, username) in [("identity", USER), ("canary", CANARY)] {
            let mut account = toml::Table::new();
            account.insert("username".to_owned(), username.into());
            account.insert(
                "password".to_owned(),
                self.secrets.put(&self.shared.password)?.into(),
            );
            own.insert(setting.to_owned(), account.into());
        }
        Ok(loopback::entry("cas", name, own))
    }

    /// Its address and the token of `/control`, for calls beside the connector.
    pub fn access(&self) -> (SocketAddr, String) {
        (self.address, self.shared.control.clone())
    }

    /// Password of whom the endpoint lets in, and of the canary.
    pub fn password(&self) -> String {
        self.shared.password.clone()
    }

    /// What lets anybody in, which must never be in a database, a log or on a page: passwords, ids, tickets, cookies.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![self.shared.password.clone()];
        secrets.extend(self.model(|model, _| model.secrets()));
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

    /// Most calls to the endpoint that it ever answered at a time.
    pub fn most_at_once(&self) -> usize {
        self.shared.inside().most_at_once
    }

    /// Lets people come and go by themselves, a step `every` so often.
    pub fn live(&mut self, every: Duration) {
        self.tasks.repeat(every, &self.shared, |shared| {
            let now = shared.clock.now();
            shared.inside().model.tick(now);
        });
    }
}
