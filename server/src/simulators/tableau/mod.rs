//! A simulated Tableau Server: its REST interface over loopback, in front of a model that a repository can mirror.
//!
//! What is documented is answered as documented; what is not is a switch in [`Faults`] or [`Shape`]. Start at [`model`]
//! for what the server knows, at [`rest`] for what it answers, at [`rows`] for what its repository shows.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::wire::Timestamp;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::faults::{Call, Faults};
use self::model::Model;
use self::rows::{Rows, Session};
use self::shape::Shape;
use crate::clock::Clock;

mod document;
pub mod faults;
mod fill;
pub mod model;
pub mod problem;
pub mod release;
mod rest;
pub mod rows;
pub mod shape;
pub mod sign_in;

#[cfg(test)]
mod tests;

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
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulated Tableau Server; it stops when this is dropped.
pub struct TableauServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
    life: Option<JoinHandle<()>>,
}

impl Drop for TableauServer {
    fn drop(&mut self) {
        self.server.abort();
        if let Some(life) = &self.life {
            life.abort();
        }
    }
}

impl TableauServer {
    /// Starts one with its Default site and nobody there, on a free port of the loopback.
    pub async fn start(clock: Arc<dyn Clock>, shape: Shape) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            inside: Mutex::new(Inside {
                model: Model::new(shape),
                faults: Faults::default(),
                calls: BTreeMap::new(),
                dark: false,
            }),
            clock,
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        Ok(Self {
            address: listener.local_addr()?,
            server: serve(listener, shared.clone()),
            shared,
            life: None,
        })
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
            }
        }));
    }

    /// Switches it off: open connections are cut, new ones refused. Its sessions stay.
    pub async fn go_dark(&mut self) {
        self.shared.inside().dark = true;
        self.server.abort();
        // Until then the port is still being listened at.
        (&mut self.server).await.ok();
    }

    /// Switches it on again, at the same address.
    pub async fn come_back(&mut self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        self.shared.inside().dark = false;
        self.server = serve(listener, self.shared.clone());
        Ok(())
    }
}

fn serve(listener: TcpListener, shared: Arc<Shared>) -> JoinHandle<()> {
    // Without this an answer waits 40 ms for the other side's acknowledgement.
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).ok();
    });
    let router = rest::router(shared);
    tokio::spawn(async move {
        if let Err(cause) = axum::serve(listener, router).await {
            tracing::error!(%cause, "a simulated Tableau Server stopped");
        }
    })
}
