//! The simulated system itself: people come, click and go; it lists, ends, and misbehaves on demand.
//!
//! Speaks the protocol of `connectors/simulator` over loopback HTTP ([`calls`]). In tests one is started per case and its
//! faults are set through the handle ([`Simulator`]); `POST /control` sets them from outside the process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::faults::Faults;
use self::shape::Shape;
use super::dice::Dice;
use super::loopback::{self, Tasks};
use super::people;
use crate::clock::Clock;
use crate::config::SystemSettings;
use crate::connectors::simulator::wire::WireSession;
use crate::keys;

mod calls;
pub mod faults;
mod sessions;
pub mod shape;
mod tomcat;

/// Everything it knows.
struct Inside {
    sessions: BTreeMap<u64, WireSession>,
    /// By place and raw id.
    by_id: HashMap<(String, String), u64>,
    by_account: HashMap<String, BTreeSet<u64>>,
    next: u64,
    dice: Dice,
    faults: Faults,
    shape: Shape,
    /// How many people there are to come in.
    people: usize,
    /// How many sessions live traffic keeps up.
    target: usize,
    calls: BTreeMap<&'static str, u64>,
    /// Lists that are being kept back right now.
    held: usize,
}

/// What the handlers share.
struct Shared {
    inside: Mutex<Inside>,
    clock: Arc<dyn Clock>,
    token: String,
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulated system; it stops when this is dropped.
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    token_file: PathBuf,
    tasks: Tasks,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        std::fs::remove_file(&self.token_file).ok();
    }
}

impl Simulator {
    /// Starts one, empty, on a free port of the loopback.
    pub async fn start(clock: Arc<dyn Clock>, shape: Shape) -> anyhow::Result<Self> {
        let token = keys::random_id();
        let token_file = std::env::temp_dir().join(format!("curfew-simulator-{}", keys::random_id()));
        keys::write_private(&token_file, &token)?;
        let shared = Arc::new(Shared {
            inside: Mutex::new(Inside {
                sessions: BTreeMap::new(),
                by_id: HashMap::new(),
                by_account: HashMap::new(),
                next: 1,
                dice: Dice::new(u64::from_be_bytes(keys::random_bytes())),
                faults: Faults::default(),
                shape,
                people: 900,
                target: 0,
                calls: BTreeMap::new(),
                held: 0,
            }),
            clock,
            token,
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let server = loopback::serve(listener, calls::router(shared.clone()), "a simulated system");
        Ok(Self {
            shared,
            address,
            token_file,
            tasks: Tasks::new(server),
        })
    }

    /// The settings entry that connects it.
    pub fn settings(&self, name: &str) -> SystemSettings {
        let mut own = toml::Table::new();
        own.insert("url".to_owned(), format!("http://{}", self.address).into());
        own.insert("token".to_owned(), self.secret().into());
        loopback::entry("simulator", name, own)
    }

    /// The settings entry that connects it as a Tomcat with uPortal, by the JMX proxy or by Jolokia.
    pub fn settings_as_tomcat(&self, name: &str, by_jolokia: bool) -> SystemSettings {
        let mut own = toml::Table::new();
        let (bridge, path) = if by_jolokia {
            ("jolokia", "jolokia")
        } else {
            ("manager", "manager")
        };
        own.insert(
            bridge.to_owned(),
            format!("http://{}/{path}", self.address).into(),
        );
        own.insert("user".to_owned(), tomcat::USER.into());
        own.insert("password".to_owned(), self.secret().into());
        own.insert("app".to_owned(), "uportal".into());
        loopback::entry("tomcat", name, own)
    }

    fn secret(&self) -> String {
        format!("file:{}", self.token_file.display())
    }

    /// Its address and token, for calls beside the connector.
    pub fn access(&self) -> (SocketAddr, String) {
        (self.address, self.shared.token.clone())
    }

    /// Changes what is wrong with it.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.inside().faults);
    }

    /// Opens a session for the `n`th person and returns its raw id.
    pub fn open(&self, n: usize) -> String {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        let session = inside.fresh(n, now);
        inside.put(session)
    }

    /// Adds a session as it is.
    pub fn add(&self, session: WireSession) -> String {
        self.shared.inside().put(session)
    }

    /// Fills it up with `count` sessions of `people` people, begun at various times; live traffic keeps to that number.
    pub fn fill(&self, count: usize, people: usize) {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        inside.people = people.max(1);
        inside.target = count;
        for n in 0..count {
            let n = if n < people {
                n
            } else {
                usize::try_from(inside.dice.below(people as u64)).unwrap_or(0)
            };
            let mut session = inside.fresh(n, now);
            inside.age(&mut session, now);
            inside.put(session);
        }
        for _ in 0..inside.shape.guests.min(count) {
            let mut session = inside.guest(now);
            inside.age(&mut session, now);
            inside.put(session);
        }
    }

    /// Adds a session whose person two readings disagree about, and some that never end for idleness.
    pub fn add_oddities(&self) {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        let mut unsure = inside.fresh(1, now);
        unsure.doubt = Some("Two readings disagree".to_owned());
        inside.put(unsure);
        for n in 2..5 {
            let mut kept = inside.fresh(n, now);
            kept.idle_s = Some(0);
            inside.put(kept);
        }
    }

    /// Adds the sign-in that Curfew itself uses there.
    pub fn add_own_connection(&self) {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        let mut session = inside.fresh(0, now);
        session.account_id = "u-curfew".to_owned();
        session.account = "curfew-service".to_owned();
        session.name = "Curfew (service account)".to_owned();
        session.email = None;
        session.own = true;
        session.ends_ms = None;
        session.idle_s = Some(0);
        inside.put(session);
    }

    /// Lets the sessions of the `n`th person go on under new ids.
    pub fn rotate(&self, n: usize) {
        self.shared.inside().rotate(&people::person(n).account_id);
    }

    /// Its person clicks: the last activity is now.
    pub fn click(&self, raw_id: &str) {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        if let Some(session) = inside
            .find(raw_id)
            .and_then(|number| inside.sessions.get_mut(&number))
        {
            session.active_ms = Some(now.0);
        }
    }

    /// Opens a session that nobody signed in with, from this address; its raw id.
    pub fn visit(&self, ip: &str) -> String {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        let mut session = inside.guest(now);
        session.ip = Some(ip.to_owned());
        inside.put(session)
    }

    /// The browser of a session signs in as the `n`th person, as at uPortal: that session ends, and another begins from
    /// the same address; its raw id.
    pub fn sign_in_from(&self, raw_id: &str, n: usize) -> Option<String> {
        let now = self.shared.clock.now();
        let mut inside = self.shared.inside();
        let number = inside.find(raw_id)?;
        let before = inside.take(number)?;
        let mut session = inside.fresh(n, now);
        session.ip = before.ip;
        session.place = before.place;
        Some(inside.put(session))
    }

    /// Closes a session from within: its person signed out.
    pub fn close(&self, raw_id: &str) {
        self.shared.inside().close(raw_id);
    }

    /// Sessions it has.
    pub fn len(&self) -> usize {
        self.shared.inside().sessions.len()
    }

    /// True when nobody is signed in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a click with this id is let in.
    pub fn lets_in(&self, raw_id: &str) -> bool {
        self.shared.inside().find(raw_id).is_some()
    }

    /// The sessions of the `n`th person.
    pub fn sessions_of(&self, n: usize) -> Vec<WireSession> {
        self.shared.inside().of_account(&people::person(n).account_id)
    }

    /// How often it was called: list, end, end_all_of, policy, open, click.
    pub fn calls(&self, what: &str) -> u64 {
        self.shared.inside().calls.get(what).copied().unwrap_or(0)
    }

    /// How many lists are being kept back ([`Faults::hold_list`]).
    pub fn held(&self) -> usize {
        self.shared.inside().held
    }

    /// One step of life: some click, some leave, some come, and whoever is past a limit is signed out.
    pub fn tick(&self) {
        self.shared.inside().tick(self.shared.clock.now());
    }

    /// Lets people come and go by themselves, a step `every` so often.
    pub fn live(&mut self, every: Duration) {
        self.tasks.repeat(every, &self.shared, |shared| {
            let now = shared.clock.now();
            shared.inside().tick(now);
        });
    }
}
