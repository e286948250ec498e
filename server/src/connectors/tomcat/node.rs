//! One Tomcat: which bridge speaks for it, its session managers, and their sessions with what is known of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::wire::{Limit, Timestamp};
use jiff::tz::TimeZone;

use super::bridge::{Bridge, Manager, belongs};
use super::jmx::{Ask, Jmx, Op, Reply};
use super::manager_pages::ManagerPages;
use super::memory::{Known, Memory, Name};
use super::moment;
use super::page_rows::Row;
use super::person::{Form, Person, Reading, Source};
use crate::connectors::http::CallError;
use crate::connectors::{ConnectorError, ErrorKind, Handle};

/// Sessions of a manager that are asked for every attribute there could be, in one reading.
const SAMPLE: usize = 200;
/// How long the session managers are taken for the same while sessions are ended.
const MANAGERS_FOR: Duration = Duration::from_secs(5);

/// A bridge that may be used.
pub(super) struct Candidate {
    /// "Jolokia was", how a sentence about it begins.
    pub label: &'static str,
    pub bridge: Bridge,
}

/// One Tomcat.
pub(super) struct Node {
    /// `None` = there is only one.
    pub name: Option<String>,
    /// Site its sessions belong to; empty = none.
    pub site: String,
    /// Bridges in the order they are preferred in.
    pub candidates: Vec<Candidate>,
    /// The Manager's pages answered once: a list without them would lack names that they told.
    pub pages_answered: AtomicBool,
    pub memory: Memory,
    pub chosen: Mutex<Option<Chosen>>,
}

/// The bridge in use.
#[derive(Clone)]
pub(super) struct Chosen {
    pub bridge: Bridge,
    /// The Manager's pages beside JMX, for what it does not tell; `None` = not set, or not allowed.
    pub pages: Option<Arc<ManagerPages>>,
    /// Why they are done without.
    pub without_pages: Option<String>,
    /// How it named itself.
    pub introduced: String,
    /// Why others were passed over.
    pub passed_over: Vec<String>,
    /// As they were when it was last looked.
    pub managers: Vec<Manager>,
    pub managers_at: Instant,
}

/// What a reading is for.
#[derive(Clone, Copy)]
pub(super) enum For<'a> {
    /// The list: what can have changed is read again.
    Inventory,
    /// Some accounts, to end them: what is known is enough.
    Accounts(&'a HashSet<&'a str>),
}

/// A session of a manager with what was read of it.
pub(super) struct Met {
    pub id: Handle,
    pub name: Name,
    pub known: Known,
}

impl Met {
    /// Whether somebody's name is known.
    pub fn has_name(&self) -> bool {
        !account(&self.known.reading.person).is_empty()
    }
}

/// What the Manager's page of an app tells beside JMX.
#[derive(Default)]
pub(super) enum Beside {
    /// It was not asked.
    #[default]
    Nothing,
    /// It could not be read: who Tomcat signed in is not known.
    Broken,
    Page(HashMap<Name, OnPage>),
}

/// What it says of a session.
pub(super) struct OnPage {
    user: String,
    idle: Limit,
}

impl Node {
    /// What to call it in a sentence.
    pub fn label(&self) -> String {
        self.name
            .as_deref()
            .map_or_else(String::new, |name| format!("{name}: "))
    }

    /// The bridge, chosen at the first use: the first that answers as one.
    pub async fn bridge(&self) -> Result<Chosen, ConnectorError> {
        let known = self.lock().clone();
        if let Some(chosen) = known {
            return Ok(chosen);
        }
        let mut passed_over = Vec::new();
        let mut last = None;
        for candidate in &self.candidates {
            match self.try_bridge(candidate).await {
                Ok((introduced, managers)) => {
                    let beside = self.candidates.iter().find_map(|c| match &c.bridge {
                        Bridge::Pages(pages) => Some(pages.clone()),
                        Bridge::Jmx(_) => None,
                    });
                    let chosen = Chosen {
                        bridge: candidate.bridge.clone(),
                        pages: beside.filter(|_| matches!(candidate.bridge, Bridge::Jmx(_))),
                        without_pages: None,
                        introduced,
                        passed_over,
                        managers,
                        managers_at: Instant::now(),
                    };
                    *self.lock() = Some(chosen.clone());
                    return Ok(chosen);
                }
                // A password that one bridge refused is not tried at the next: five failures lock the account.
                Err(error) if error.kind == ErrorKind::Unauthorized => return Err(error),
                Err(error) => {
                    passed_over.push(format!("{} passed over: {}", candidate.label, error.message));
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| ConnectorError::new(ErrorKind::Unsupported, "No bridge is set.")))
    }

    async fn try_bridge(&self, candidate: &Candidate) -> Result<(String, Vec<Manager>), ConnectorError> {
        let introduced = candidate.bridge.introduce().await?;
        let managers = candidate.bridge.managers().await?;
        Ok((introduced, managers))
    }

    /// Session managers as they are now; to end sessions, as they were a few seconds ago: no session moves to another one,
    /// and one that went away is met when it is asked for its sessions.
    pub async fn managers(
        &self,
        contexts: &[String],
        purpose: For<'_>,
    ) -> Result<(Chosen, Vec<Manager>), ConnectorError> {
        let mut chosen = self.bridge().await?;
        let fresh = match purpose {
            For::Inventory => Some(chosen.bridge.managers().await?),
            For::Accounts(_) if chosen.managers_at.elapsed() < MANAGERS_FOR => None,
            For::Accounts(_) => Some(chosen.bridge.managers_again(&chosen.managers).await?),
        };
        if let Some(fresh) = fresh {
            chosen.managers = fresh;
            chosen.managers_at = Instant::now();
            *self.lock() = Some(chosen.clone());
        }
        let beans: HashSet<&str> = chosen.managers.iter().map(|m| m.bean.as_str()).collect();
        self.memory.managers(&beans);
        let wanted = chosen
            .managers
            .iter()
            .filter(|manager| belongs(&manager.place, contexts))
            .cloned()
            .collect();
        Ok((chosen, wanted))
    }

    /// Forgets which bridge it was: the next reading looks again.
    pub fn look_again(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Chosen>> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Manager's pages beside JMX, if they answer. Where they are not allowed that is remembered.
    pub async fn pages(
        &self,
        chosen: &mut Chosen,
        purpose: For<'_>,
    ) -> Result<Option<Arc<ManagerPages>>, ConnectorError> {
        let Some(pages) = chosen.pages.clone() else {
            return Ok(None);
        };
        if self.pages_answered.load(Ordering::Relaxed) {
            return Ok(Some(pages));
        }
        if !matches!(purpose, For::Inventory) {
            return Ok(None);
        }
        let (words, forbidden) = match pages.apps().await {
            Ok(_) => {
                self.pages_answered.store(true, Ordering::Relaxed);
                chosen.without_pages = None;
                *self.lock() = Some(chosen.clone());
                return Ok(Some(pages));
            }
            Err(error) => match error.kind {
                ErrorKind::Unauthorized | ErrorKind::RateLimited | ErrorKind::Stopped => return Err(error),
                kind => (error.message, kind == ErrorKind::Forbidden),
            },
        };
        chosen.without_pages = Some(format!(
            "The Manager\u{2019}s pages are not read: {words} Who signed in by Tomcat itself, and limits of single sessions, are not known."
        ));
        if forbidden {
            chosen.pages = None;
        }
        *self.lock() = Some(chosen.clone());
        Ok(None)
    }

    /// What the Manager's page says of an app's sessions, where any of them needs it. A page that can't be read is told
    /// to `found` and leaves a list whole, with persons in doubt; a list of accounts would lack their sessions.
    pub async fn beside(
        &self,
        pages: &ManagerPages,
        manager: &Manager,
        names: &HashSet<Name>,
        purpose: For<'_>,
        found: &mut Vec<String>,
    ) -> Result<Beside, ConnectorError> {
        let names_people = manager.tomcat_signs_in || self.memory.telling(&manager.bean).is_empty();
        let needed = match purpose {
            For::Inventory => self.memory.fades(&manager.bean, names, names_people),
            For::Accounts(_) => names_people && self.memory.fades(&manager.bean, names, false),
        };
        if !needed {
            return Ok(Beside::Nothing);
        }
        let mut error = match self.on_page(pages, manager).await {
            Ok(page) => return Ok(Beside::Page(page)),
            Err(failed) => failed.error,
        };
        error.message = format!(
            "The Manager\u{2019}s page of {}: {}",
            manager.place, error.message
        );
        match (purpose, error.kind) {
            (For::Inventory, ErrorKind::Protocol | ErrorKind::Unreachable) => {
                found.push(format!("{}{}", self.label(), error.message));
                Ok(Beside::Broken)
            }
            _ => Err(error),
        }
    }

    async fn on_page(
        &self,
        pages: &ManagerPages,
        manager: &Manager,
    ) -> Result<HashMap<Name, OnPage>, CallError> {
        let mut reading = pages.sessions(&manager.place).await?;
        let mut page = HashMap::new();
        while let Some(rows) = reading.next().await? {
            page.extend(rows.into_iter().map(|row| {
                let Row { id, user, idle, .. } = row;
                (self.memory.name(&id), OnPage { user, idle })
            }));
        }
        Ok(page)
    }

    /// What is to be known of these sessions of a manager; those that went meanwhile are left out.
    pub async fn read(
        &self,
        jmx: &dyn Jmx,
        manager: &Manager,
        ids: Vec<Handle>,
        purpose: For<'_>,
        reading: &mut ReadingOf<'_>,
    ) -> Result<Vec<Met>, ConnectorError> {
        let names: Vec<Name> = ids.iter().map(|id| self.memory.name(id)).collect();
        let before = self.memory.recall(&manager.bean, &names);
        let mut met: Vec<Met> = Vec::with_capacity(ids.len());
        let mut fresh: Vec<usize> = Vec::new();
        let mut persons: Vec<usize> = Vec::new();
        for ((id, name), known) in ids.into_iter().zip(names).zip(before) {
            let is_new = known.is_none();
            let old = known.as_ref().is_some_and(|k| k.fades(false));
            if let (For::Accounts(accounts), Some(k), false) = (purpose, &known, old)
                && !accounts.contains(account(&k.reading.person))
            {
                continue;
            }
            let nobody_too = matches!(purpose, For::Inventory);
            let person = known.as_ref().is_none_or(|k| k.fades(nobody_too));
            let at = met.len();
            if is_new {
                fresh.push(at);
            }
            if person {
                persons.push(at);
            }
            met.push(Met {
                id,
                name,
                known: known.unwrap_or_else(Known::nothing),
            });
        }
        let active: Vec<usize> = match purpose {
            For::Inventory => (0..met.len()).collect(),
            For::Accounts(_) => fresh.clone(),
        };
        let gone = self
            .moments(jmx, manager, &mut met, &fresh, &active, reading)
            .await?;
        self.persons(jmx, manager, &mut met, &persons, reading).await?;
        let mut at = 0;
        met.retain(|_| {
            at += 1;
            !gone.contains(&(at - 1))
        });
        self.memory
            .keep(&manager.bean, met.iter().map(|m| (m.name, m.known.clone())));
        if let For::Accounts(accounts) = purpose {
            met.retain(|m| accounts.contains(account(&m.known.reading.person)));
        }
        Ok(met)
    }

    /// Reads starts of `fresh` and last activities of `active`; gives those that are gone.
    async fn moments(
        &self,
        jmx: &dyn Jmx,
        manager: &Manager,
        met: &mut [Met],
        fresh: &[usize],
        active: &[usize],
        reading: &ReadingOf<'_>,
    ) -> Result<HashSet<usize>, ConnectorError> {
        loop {
            let text = self.memory.text_dates(&manager.bean);
            let (created, accessed) = match text {
                false => (Op::GetCreationTimestamp, Op::GetLastAccessedTimestamp),
                true => (Op::GetCreationTime, Op::GetLastAccessedTime),
            };
            let wanted: Vec<(usize, Op)> = fresh
                .iter()
                .map(|at| (*at, created))
                .chain(active.iter().map(|at| (*at, accessed)))
                .collect();
            let asks: Vec<Ask<'_>> = wanted
                .iter()
                .map(|(at, op)| Ask {
                    bean: &manager.bean,
                    op: *op,
                    session: Some(&met[*at].id),
                    attribute: None,
                })
                .collect();
            let replies = jmx.ask(&asks).await?;
            if !text && replies.contains(&Reply::NoOperation) {
                self.memory.gives_text_dates(&manager.bean);
                continue;
            }
            let mut gone = HashSet::new();
            for ((at, op), reply) in wanted.into_iter().zip(replies) {
                let value = match reply {
                    Reply::Value(value) => value,
                    Reply::Nothing => String::new(),
                    Reply::Lost(why) => return Err(why),
                    Reply::NoBean => {
                        gone.insert(at);
                        continue;
                    }
                    Reply::Forbidden | Reply::NoOperation | Reply::Threw => continue,
                };
                if matches!(value.trim(), "" | "-1") {
                    gone.insert(at);
                    continue;
                }
                let moment = match text {
                    false => moment::from_millis(&value),
                    true => moment::from_java_text(&value, reading.zone),
                };
                if op == created {
                    met[at].known.created_at = moment;
                } else {
                    met[at].known.last_active_at = moment;
                }
            }
            return Ok(gone);
        }
    }

    /// Reads whose sessions these are.
    async fn persons(
        &self,
        jmx: &dyn Jmx,
        manager: &Manager,
        met: &mut [Met],
        persons: &[usize],
        reading: &mut ReadingOf<'_>,
    ) -> Result<(), ConnectorError> {
        let telling = self.memory.telling(&manager.bean);
        let sampled = reading.sampled.entry(manager.bean.clone()).or_default();
        let room = SAMPLE.saturating_sub(*sampled);
        *sampled += room.min(persons.len());
        let mut asks = Vec::new();
        let mut about = Vec::new();
        for (n, at) in persons.iter().enumerate() {
            for (which, source) in reading.sources.iter().enumerate() {
                // What never told anything here is asked of some sessions in each reading, not of all.
                if reading.all_sources || telling.contains(&which) || n < room {
                    asks.push(Ask {
                        bean: &manager.bean,
                        op: Op::GetSessionAttribute,
                        session: Some(&met[*at].id),
                        attribute: Some(&source.attribute),
                    });
                    about.push((*at, which));
                }
            }
        }
        let replies = jmx.ask(&asks).await?;
        drop(asks);
        let mut read: BTreeMap<usize, Reading> = persons.iter().map(|at| (*at, Reading::default())).collect();
        for ((at, which), reply) in about.into_iter().zip(replies) {
            let Some(told) = read.get_mut(&at) else { continue };
            let doubt = match reply {
                Reply::Value(text) => {
                    let source = &reading.sources[which];
                    let Reading { person, address } = source.form.read(&text);
                    self.memory.tells(&manager.bean, which);
                    told.person = std::mem::take(&mut told.person).with(person);
                    if told.address.is_none() || matches!(source.form, Form::Address) {
                        told.address = address.or(told.address.take());
                    }
                    continue;
                }
                Reply::Threw => "The app failed when it was asked whose session this is.",
                Reply::Lost(_) => "The app did not say in time whose session this is.",
                Reply::Nothing | Reply::NoBean | Reply::NoOperation | Reply::Forbidden => continue,
            };
            if told.person == Person::Nobody {
                told.person = Person::Uncertain(doubt);
            }
        }
        let silent = self.memory.telling(&manager.bean).is_empty();
        let names_people = manager.tomcat_signs_in || silent;
        for (at, mut told) in read {
            let Met { name, known, .. } = &mut met[at];
            match &reading.beside {
                // As it was read before.
                Beside::Broken if names_people && matches!(known.reading.person, Person::Known { .. }) => {
                    continue;
                }
                Beside::Broken if names_people => {
                    let doubt =
                        "The Manager\u{2019}s page, which names who is signed in there, could not be read.";
                    told.person = told.person.with(Person::Uncertain(doubt));
                }
                Beside::Page(page) => {
                    let user = page.get(name).map_or("", |on_page| on_page.user.as_str());
                    if manager.tomcat_signs_in {
                        told.person = Person::named(user).with(told.person);
                    } else if silent && told.person == Person::Nobody {
                        // It may be read from an attribute of any meaning: better than nobody, and than nothing else.
                        told.person = Form::Plain.read(user).person;
                    }
                }
                Beside::Broken | Beside::Nothing => {}
            }
            known.reading = told;
            known.read_at = Instant::now();
        }
        if let Beside::Page(page) = &reading.beside {
            for met in met {
                if let Some(on_page) = page.get(&met.name) {
                    met.known.idle = Some(on_page.idle);
                }
            }
        }
        Ok(())
    }
}

/// What one reading of a node goes by.
pub(super) struct ReadingOf<'r> {
    pub sources: &'r [Source],
    /// Every attribute is asked of every session: the settings name them.
    pub all_sources: bool,
    pub zone: Option<&'r TimeZone>,
    /// Sessions asked for every attribute so far, by manager.
    pub sampled: BTreeMap<String, usize>,
    /// For the app at hand.
    pub beside: Beside,
}

/// What a page of the Manager shows of a session, where there is no other bridge.
pub(super) fn met_on_page(row: Row, memory: &Memory, zone: Option<&TimeZone>) -> Met {
    let name = memory.name(&row.id);
    let known = Known {
        created_at: moment::from_page(&row.created, zone),
        last_active_at: moment::from_page(&row.accessed, zone),
        reading: Form::Plain.read(&row.user),
        idle: Some(row.idle),
        ..Known::nothing()
    };
    Met {
        id: row.id,
        name,
        known,
    }
}

/// The account of a person; empty = nobody known.
pub(super) fn account(person: &Person) -> &str {
    match person {
        Person::Known { account, .. } => account,
        Person::Nobody | Person::Guest | Person::Uncertain(_) => "",
    }
}

/// Whether a session is long past its app's limit and still there: then it has a limit of its own, which nobody told.
pub(super) fn has_own_limit(idle: Limit, last_active_at: Option<Timestamp>, now: Timestamp) -> bool {
    /// Tomcat removes ended ones every minute, unless it is told otherwise.
    const REAPED_WITHIN_S: i64 = 300;
    match (idle, last_active_at) {
        (Limit::Seconds(limit), Some(at)) => at.plus_seconds(limit + REAPED_WITHIN_S) < now,
        _ => false,
    }
}
