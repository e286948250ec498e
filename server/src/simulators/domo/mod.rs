//! A simulated Domo: the calls of its own web app over loopback, in front of one model.
//!
//! What is known of the interface is answered as known; what is not is a switch in [`Faults`], set to the likeliest
//! reading. Start at [`model`] for what it knows, at [`calls`] for what it answers. Facts: docs/systems/domo.md.

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

/// Mail address of the account that the developer token is of.
pub const OWNER: &str = "curfew@northwind.example";
/// Mail address of the account for self-tests.
pub const CANARY: &str = "curfew-test@northwind.example";

/// Everything it knows, and what is wrong with it.
struct Inside {
    model: Model,
    faults: Faults,
    calls: BTreeMap<Call, u64>,
    /// The second it is in, and how often it was called in that.
    second: (i64, u32),
}

/// What the handlers share.
struct Shared {
    inside: Mutex<Inside>,
    clock: Arc<dyn Clock>,
    /// The developer token; it sets the faults from outside the process too.
    token: String,
    /// The refresh token of OAuth.
    refresh: String,
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the connector is to prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the developer token.
    Token,
    /// By mail address and password.
    Password,
    /// By a refresh token.
    Refresh,
}

/// A running simulated Domo; it stops when this is dropped.
pub struct DomoServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    tasks: Tasks,
    /// Secrets that settings refer to; they go with it.
    secrets: Secrets,
    /// Password of both accounts.
    password: String,
}

impl DomoServer {
    /// Starts one with the two accounts that Curfew needs and nobody there, on a free port of the loopback. The same
    /// `seed` gives the same people and sessions.
    pub async fn start(clock: Arc<dyn Clock>, seed: u64) -> anyhow::Result<Self> {
        let password = keys::random_id();
        let mut model = Model::new(seed);
        model.add_account(OWNER, "Curfew (service account)", &password, true);
        model.add_account(CANARY, "Curfew self-test", &password, false);
        let shared = Arc::new(Shared {
            inside: Mutex::new(Inside {
                model,
                faults: Faults::default(),
                calls: BTreeMap::new(),
                second: (0, 0),
            }),
            clock,
            token: keys::random_id(),
            refresh: keys::random_id(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let server = loopback::serve(listener, calls::router(shared.clone()), "a simulated Domo");
        Ok(Self {
            shared,
            address,
            tasks: Tasks::new(server),
            secrets: Secrets::default(),
            password,
        })
    }

    /// The settings entry that connects it, with a canary, by the developer token.
    pub fn settings(&mut self, name: &str) -> anyhow::Result<SystemSettings> {
        self.settings_by(name, Way::Token)
    }

    /// The settings entry that connects it, with a canary.
    pub fn settings_by(&mut self, name: &str, way: Way) -> anyhow::Result<SystemSettings> {
        let mut own = toml::Table::new();
        own.insert("url".to_owned(), format!("http://{}", self.address).into());
        let (token, refresh) = (self.shared.token.clone(), self.shared.refresh.clone());
        let mut identity = toml::Table::new();
        match way {
            Way::Token => {
                identity.insert("developer_token".to_owned(), self.secrets.put(&token)?.into());
            }
            Way::Password => {
                let password = self.password.clone();
                identity.insert("email".to_owned(), OWNER.into());
                identity.insert("password".to_owned(), self.secrets.put(&password)?.into());
            }
            Way::Refresh => {
                identity.insert("refresh_token".to_owned(), self.secrets.put(&refresh)?.into());
            }
        }
        own.insert("identity".to_owned(), identity.into());
        let mut canary = toml::Table::new();
        let password = self.password.clone();
        canary.insert("email".to_owned(), CANARY.into());
        canary.insert("password".to_owned(), self.secrets.put(&password)?.into());
        own.insert("canary".to_owned(), canary.into());
        own.insert("mobile_types".to_owned(), vec![model::MOBILE.to_owned()].into());
        Ok(loopback::entry("domo", name, own))
    }

    /// Its address and the token of `/control`, for calls beside the connector.
    pub fn access(&self) -> (SocketAddr, String) {
        (self.address, self.shared.token.clone())
    }

    /// Everything that must never be in a database or a log: what it lets in by.
    pub fn secrets(&self) -> Vec<String> {
        vec![
            self.shared.token.clone(),
            self.shared.refresh.clone(),
            self.password.clone(),
        ]
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

    /// Whoever sits before the session of that number.
    pub fn client(&self, id: i64) -> Option<Client<'_>> {
        let token = self.model(|model, _| model.session(id).map(|session| session.token.clone()))?;
        Some(Client {
            server: self,
            token,
            screen: Screen::Dashboard,
        })
    }

    /// Lets people come and go by themselves, a step `every` so often.
    pub fn live(&mut self, every: Duration) {
        self.tasks.repeat(every, &self.shared, |shared| {
            let now = shared.clock.now();
            shared.inside().model.tick(now);
        });
    }
}

/// What somebody has before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// A dashboard.
    Dashboard,
    /// The sign-in page.
    SignIn,
}

/// A browser or a mobile app that somebody uses.
pub struct Client<'s> {
    server: &'s DomoServer,
    token: String,
    screen: Screen,
}

impl Client<'_> {
    /// Scrolls: nothing reaches Domo by it, so nothing changes.
    pub const fn scroll(&self) -> Screen {
        self.screen
    }

    /// Opens another dashboard: a request, which an ended session is refused.
    pub fn open_dashboard(&mut self) -> Screen {
        let shared = &self.server.shared;
        let now = shared.clock.now();
        let mut inside = shared.inside();
        let grace = inside.faults.grace;
        if inside.model.used(&self.token, grace, now).is_none() {
            self.screen = Screen::SignIn;
        }
        self.screen
    }
}
