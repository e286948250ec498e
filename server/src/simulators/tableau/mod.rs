//! A simulated Tableau Server: its REST interface and its repository over loopback, in front of one model.
//!
//! What is documented is answered as documented; what is not is a switch in [`Faults`] or [`Shape`]. Start at [`model`]
//! for what the server knows, at [`rest`] and [`embedding`] for what it answers, at [`trusted`] for tickets, at [`rows`] and
//! [`repository`] for what its repository shows.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::wire::Timestamp;
use axum::Extension;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use self::faults::{Call, Faults};
use self::model::Model;
use self::release::Rest;
use self::rows::{Change, Rows, Session};
use self::shape::Shape;
use super::loopback::{self, Secrets};
use crate::clock::Clock;
use crate::config::SystemSettings;
use crate::keys;

mod document;
mod embedding;
pub mod faults;
mod fill;
pub mod model;
pub mod problem;
mod questions;
pub mod release;
pub mod repository;
mod rest;
pub mod rows;
pub mod shape;
pub mod sign_in;
pub mod trusted;

#[cfg(test)]
mod tests;

/// What the log calls it.
const NAME: &str = "a simulated Tableau Server";

/// Everything it knows, and what is wrong with it.
struct Inside {
    model: Model,
    faults: Faults,
    calls: BTreeMap<Call, u64>,
    /// It is switched off: connections that are still open are cut.
    dark: bool,
}

impl Inside {
    /// Ends a session the way its faults want.
    fn end(&mut self, session: &Session, now: Timestamp) {
        let person = self.model.person_of(session).map(|person| person.id);
        if self.faults.lie.means(person) {
            return;
        }
        self.model.end(session.id);
        if let Some(user) = session.user_id.filter(|_| self.faults.let_back.means(person)) {
            self.model.open(user, session.kind.clone(), now);
        }
    }

    fn tick(&mut self, now: Timestamp) {
        let faults = self.faults.clone();
        let stays = move |model: &Model, session: &Session| {
            let person = model.person_of(session).map(|person| person.id);
            [&faults.lie, &faults.refuse, &faults.let_back]
                .iter()
                .any(|who| who.means(person))
        };
        self.model.tick(now, stays);
    }
}

/// What the handlers share.
struct Shared {
    inside: Mutex<Inside>,
    clock: Arc<dyn Clock>,
    /// What sets its faults from outside the process.
    token: String,
    /// Password of the repository's one user.
    repository_password: String,
    /// Who writes every change to a repository elsewhere.
    mirror: tokio::sync::Mutex<Option<mpsc::Sender<Mirrored>>>,
}

/// A change for a mirror, and whom to tell that it is written.
pub type Mirrored = (Change, oneshot::Sender<()>);

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes back when the mirror, if there is one, shows what is true now.
    async fn mirrored(&self) {
        // Held while it is being written: what came in between waits for its own turn.
        let mirror = self.mirror.lock().await;
        let Some(mirror) = mirror.as_ref() else { return };
        let now = self.clock.now();
        let change = {
            let model = &mut self.inside().model;
            model.clear(now);
            model.take_change(now)
        };
        let Some(change) = change else { return };
        let (written, done) = oneshot::channel();
        if mirror.send((change, written)).await.is_ok() {
            done.await.ok();
        }
    }
}

/// A running simulated Tableau Server; it stops when this is dropped.
pub struct TableauServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    repository: SocketAddr,
    /// The REST interface and the repository.
    servers: [JoinHandle<()>; 2],
    /// The same by https.
    protected: Vec<JoinHandle<()>>,
    life: Option<JoinHandle<()>>,
    /// Secrets that settings refer to; they go with it.
    secrets: Secrets,
}

impl Drop for TableauServer {
    fn drop(&mut self) {
        for task in self.servers.iter().chain(&self.protected).chain(&self.life) {
            task.abort();
        }
    }
}

impl TableauServer {
    /// Starts one with its Default site and nobody there, on free ports of the loopback.
    pub async fn start(clock: Arc<dyn Clock>, shape: Shape) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            inside: Mutex::new(Inside {
                model: Model::new(shape),
                faults: Faults::default(),
                calls: BTreeMap::new(),
                dark: false,
            }),
            clock,
            token: keys::random_id(),
            repository_password: keys::random_id(),
            mirror: tokio::sync::Mutex::new(None),
        });
        let rest = TcpListener::bind(("127.0.0.1", 0)).await?;
        let sql = TcpListener::bind(("127.0.0.1", 0)).await?;
        Ok(Self {
            address: rest.local_addr()?,
            repository: sql.local_addr()?,
            servers: [
                loopback::serve(rest, rest::router(shared.clone()), NAME),
                repository::serve(sql, shared.clone()),
            ],
            shared,
            protected: Vec::new(),
            life: None,
            secrets: Secrets::default(),
        })
    }

    /// The settings entry that connects it: everything Curfew needs, as an administrator would set it up.
    ///
    /// Adds the identities to it, by access tokens where the release has them, else by password.
    pub fn settings(&mut self, name: &str) -> anyhow::Result<SystemSettings> {
        let mut own = toml::Table::new();
        own.insert("url".to_owned(), self.url().into());
        let password = keys::random_id();
        let (curfew, by_pat, idle_min) = self.model(|model, now| {
            let curfew = model.add_administrator("svc-curfew", &password, now);
            let shape = &model.shape;
            (curfew, shape.release.rest() >= Rest(3, 6), shape.idle_min)
        });
        for (setting, pat) in [("identity", "curfew"), ("canary", "curfew-self-test")] {
            let mut identity = toml::Table::new();
            if by_pat {
                let secret = self.model(|model, now| model.add_pat(curfew, pat, now));
                identity.insert("pat_name".to_owned(), pat.into());
                identity.insert("pat_secret".to_owned(), self.secrets.put(&secret)?.into());
            } else {
                identity.insert("user".to_owned(), "svc-curfew".into());
                identity.insert("password".to_owned(), self.secrets.put(&password)?.into());
            }
            own.insert(setting.to_owned(), identity.into());
        }
        let mut sql = toml::Table::new();
        let password = self.shared.repository_password.clone();
        sql.insert("hosts".to_owned(), vec![self.repository.to_string()].into());
        sql.insert("user".to_owned(), repository::USER.into());
        sql.insert("database".to_owned(), repository::DATABASE.into());
        sql.insert("password".to_owned(), self.secrets.put(&password)?.into());
        // Far above what even the largest demo holds.
        sql.insert("limit".to_owned(), 2_000_000.into());
        own.insert("repository".to_owned(), sql.into());
        let mut limits = toml::Table::new();
        limits.insert("idle_min".to_owned(), idle_min.into());
        own.insert("limits".to_owned(), limits.into());
        // Where Curfew asks for tickets from, and where browsers redeem them.
        self.trust([127, 0, 0, 1].into());
        let sites: Vec<String> = self.model(|model, _| {
            model
                .sites
                .values()
                .map(|site| site.content_url.clone())
                .collect()
        });
        let views = sites.into_iter().map(|site| (site, trusted::LOGIN_VIEW.into()));
        let mut tickets = toml::Table::new();
        tickets.insert("nodes".to_owned(), vec![self.url()].into());
        tickets.insert("login_view".to_owned(), views.collect::<toml::Table>().into());
        own.insert("trusted".to_owned(), tickets.into());
        Ok(loopback::entry("tableau", name, own))
    }

    /// Hands tickets to whoever asks from there, and to those it did before.
    pub fn trust(&self, host: IpAddr) {
        self.model(|model, _| model.trust().hosts.insert(host));
    }

    /// Serves by https too, with the certificate chain and the key of these files (PEM); the address.
    pub async fn serve_tls(&mut self, certificate: &Path, key: &Path) -> anyhow::Result<SocketAddr> {
        let router = rest::router(self.shared.clone()).layer(Extension(embedding::Protected));
        let (address, task) = loopback::serve_tls(router, certificate, key, NAME).await?;
        self.protected.push(task);
        Ok(address)
    }

    /// Where its repository listens.
    pub fn repository(&self) -> SocketAddr {
        self.repository
    }

    /// Its address and the token of `/control`, for calls beside the connector.
    pub fn access(&self) -> (SocketAddr, String) {
        (self.address, self.shared.token.clone())
    }

    /// `http://127.0.0.1:port`, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Looks at what it knows, or changes it, at its present moment.
    pub fn model<T>(&self, work: impl FnOnce(&mut Model, Timestamp) -> T) -> T {
        let now = self.shared.clock.now();
        work(&mut self.shared.inside().model, now)
    }

    /// From now on every change is given to whoever takes it here, all there is first; no call over REST is answered
    /// before the change it made is written. Changes from within are given by [`TableauServer::settle`].
    pub async fn mirror(&self) -> mpsc::Receiver<Mirrored> {
        let (mirror, changes) = mpsc::channel(1);
        self.shared.inside().model.keep_changes();
        *self.shared.mirror.lock().await = Some(mirror);
        changes
    }

    /// Comes back when the mirror shows what is true now.
    pub async fn settle(&self) {
        self.shared.mirrored().await;
    }

    /// Everything its repository shows now.
    pub fn rows(&self) -> Rows {
        self.model(|model, now| model.rows(now))
    }

    /// Changes what is wrong with it.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.inside().faults);
    }

    /// How often it was called.
    pub fn calls(&self, call: Call) -> u64 {
        self.shared.inside().calls.get(&call).copied().unwrap_or(0)
    }

    /// Whether the next click of whoever holds this token is let in; a click counts as use.
    pub fn lets_in(&self, token: &str) -> bool {
        self.model(|model, now| model.used(Some(token), now).is_ok())
    }

    /// One step of life: some click, some leave, some come, and whoever is past a limit is signed out.
    pub fn tick(&self) {
        self.shared.inside().tick(self.shared.clock.now());
    }

    /// Lets people come and go by themselves, a step `every` so often.
    pub fn live(&mut self, every: Duration) {
        let shared = Arc::downgrade(&self.shared);
        self.life = Some(tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(shared) = shared.upgrade() else { return };
                let now = shared.clock.now();
                shared.inside().tick(now);
                shared.mirrored().await;
            }
        }));
    }

    /// Switches it off: open connections are cut, new ones refused. Its sessions stay.
    pub async fn go_dark(&mut self) {
        self.shared.inside().dark = true;
        for server in &mut self.servers {
            server.abort();
            // Until then the port is still being listened at.
            server.await.ok();
        }
    }

    /// Switches it on again, at the same addresses.
    pub async fn come_back(&mut self) -> anyhow::Result<()> {
        let rest = TcpListener::bind(self.address).await?;
        let sql = TcpListener::bind(self.repository).await?;
        let shared = &self.shared;
        shared.inside().dark = false;
        self.servers = [
            loopback::serve(rest, rest::router(shared.clone()), NAME),
            repository::serve(sql, shared.clone()),
        ];
        Ok(())
    }
}
