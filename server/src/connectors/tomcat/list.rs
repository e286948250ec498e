//! Lists of sessions, node by node, and what they showed of the server.

use std::collections::{BTreeMap, HashSet};
use std::sync::PoisonError;

use app::sessions::wire::SessionKind;
use app::wire::{Limit, Timestamp};
use async_trait::async_trait;

use super::Tomcat;
use super::bridge::{Bridge, Manager, ids};
use super::jmx::Jmx;
use super::manager_pages::ManagerPages;
use super::memory;
use super::node::{self, Beside, For, Met, Node, ReadingOf, account, has_own_limit, met_on_page};
use super::person::Person;
use crate::connectors::{
    Completeness, ConnectorError, ErrorKind, Handle, ListSessions, SeenSession, Sink, Wanted,
};

/// Sessions that are read and handed over at once.
const BATCH: usize = 1_000;

impl Tomcat {
    fn reading(&self) -> ReadingOf<'_> {
        ReadingOf {
            sources: &self.sources,
            all_sources: self.all_sources,
            zone: self.zone.as_ref(),
            sampled: BTreeMap::new(),
            beside: Beside::default(),
        }
    }

    fn seen(&self, node: &Node, manager: &Manager, met: Met, now: Timestamp) -> SeenSession {
        let mut seen = SeenSession::new(met.id, SessionKind::Web);
        let known = met.known;
        match known.reading.person {
            Person::Known { account, display } => {
                seen.account_id = account.clone();
                seen.account_name = account;
                seen.display_name = display;
            }
            Person::Guest => seen.kind = SessionKind::Guest,
            Person::Nobody if self.nobody_is_guest => seen.kind = SessionKind::Guest,
            Person::Nobody => {}
            Person::Uncertain(why) => seen.person_doubt = Some(why.to_owned()),
        }
        seen.place = manager.place.clone();
        seen.ip = known.reading.address;
        seen.node = node.name.clone();
        seen.site = node.site.clone();
        seen.created_at = known.created_at;
        seen.last_active_at = known.last_active_at;
        seen.idle = match known.idle {
            Some(idle) => idle,
            None if has_own_limit(manager.idle, known.last_active_at, now) => Limit::Unknown,
            None => manager.idle,
        };
        seen.absolute_known = true;
        seen.return_hint = manager
            .return_hint
            .clone()
            .or_else(|| self.signs_in_again.clone());
        seen
    }

    /// Lists one node. `met` = what other nodes listed: a cluster shows a session on each.
    async fn list_node(
        &self,
        node: &Node,
        purpose: For<'_>,
        sink: &Sink,
        met: &mut HashSet<(String, memory::Name)>,
        found: &mut Vec<String>,
    ) -> Result<Completeness, ConnectorError> {
        let (mut chosen, managers) = node.managers(&self.contexts, purpose).await?;
        let mut listed: Vec<Listed> = Vec::new();
        let mut away: Vec<String> = Vec::new();
        let mut list = ListOf {
            node,
            purpose,
            sink,
            met: (self.nodes.len() > 1).then_some(met),
            found: Vec::new(),
        };
        let bridge = chosen.bridge.clone();
        let pages = node.pages(&mut chosen, purpose).await?;
        let mut reading = self.reading();
        for manager in managers {
            let counted = match &bridge {
                Bridge::Jmx(jmx) => {
                    self.list_by_jmx(&mut list, jmx.as_ref(), pages.as_deref(), &manager, &mut reading)
                        .await?
                }
                Bridge::Pages(pages) => self.list_by_page(&mut list, pages, &manager).await?,
            };
            match counted {
                Some((sessions, named)) => listed.push(Listed {
                    manager,
                    sessions,
                    named,
                }),
                None => away.push(format!(
                    "{}{} went away while it was read.",
                    node.label(),
                    manager.place
                )),
            }
        }
        let broken = list.found;
        tell(node, &chosen, &listed, found);
        found.extend(broken);
        Ok(match away.is_empty() {
            true => Completeness::Complete,
            false => Completeness::Partial(away.join(" ")),
        })
    }

    /// How many sessions an app has, and whether any of them has a name; `None` = it went away.
    async fn list_by_jmx(
        &self,
        list: &mut ListOf<'_>,
        jmx: &dyn Jmx,
        pages: Option<&ManagerPages>,
        manager: &Manager,
        reading: &mut ReadingOf<'_>,
    ) -> Result<Option<(usize, bool)>, ConnectorError> {
        let node = list.node;
        let Some(mut ids) = ids(jmx, &manager.bean).await? else {
            return Ok(None);
        };
        let (sessions, mut named) = (ids.len(), false);
        let names: HashSet<memory::Name> = ids.iter().map(|id| node.memory.name(id)).collect();
        node.memory.listed(&manager.bean, &names);
        reading.beside = match pages {
            Some(pages) => {
                node.beside(pages, manager, &names, list.purpose, &mut list.found)
                    .await?
            }
            None => Beside::Nothing,
        };
        ids.retain(|id| list.is_new(manager, id));
        while !ids.is_empty() {
            let some = ids.split_off(ids.len().saturating_sub(BATCH));
            let rows = node.read(jmx, manager, some, list.purpose, reading).await?;
            named |= rows.iter().any(Met::has_name);
            self.hand_over(list, manager, rows).await?;
        }
        Ok(Some((sessions, named)))
    }

    /// The same where the page is all there is: sessions are handed over as they come.
    async fn list_by_page(
        &self,
        list: &mut ListOf<'_>,
        pages: &ManagerPages,
        manager: &Manager,
    ) -> Result<Option<(usize, bool)>, ConnectorError> {
        let node = list.node;
        let mut page = pages.sessions(&manager.place).await?;
        let mut names: HashSet<memory::Name> = HashSet::new();
        let mut rows: Vec<Met> = Vec::new();
        let mut named = false;
        loop {
            let more = page.next().await?;
            let ended = more.is_none();
            for row in more.unwrap_or_default() {
                let met = met_on_page(row, &node.memory, self.zone.as_ref());
                names.insert(met.name);
                named |= met.has_name();
                node.memory.keep(&manager.bean, [(met.name, met.known.clone())]);
                if list.wants(&met) && list.is_new(manager, &met.id) {
                    rows.push(met);
                }
            }
            if rows.len() >= BATCH || ended {
                self.hand_over(list, manager, std::mem::take(&mut rows)).await?;
            }
            if ended {
                break;
            }
        }
        if !page.there {
            return Ok(None);
        }
        node.memory.listed(&manager.bean, &names);
        Ok(Some((names.len(), named)))
    }

    async fn hand_over(
        &self,
        list: &ListOf<'_>,
        manager: &Manager,
        rows: Vec<Met>,
    ) -> Result<(), ConnectorError> {
        let now = now();
        let rows: Vec<SeenSession> = rows
            .into_iter()
            .map(|met| self.seen(list.node, manager, met, now))
            .collect();
        if rows.is_empty() {
            Ok(())
        } else {
            list.sink.push(rows).await
        }
    }
}

/// A list of one node that is being made.
struct ListOf<'l> {
    node: &'l Node,
    purpose: For<'l>,
    sink: &'l Sink,
    /// What it and other nodes listed, where there are others.
    met: Option<&'l mut HashSet<(String, memory::Name)>>,
    /// Sentences about pages that could not be read.
    found: Vec<String>,
}

impl ListOf<'_> {
    /// Whether no other node listed it.
    fn is_new(&mut self, manager: &Manager, id: &Handle) -> bool {
        let name = self.node.memory.name(id);
        self.met
            .as_mut()
            .is_none_or(|met| met.insert((manager.place.clone(), name)))
    }

    fn wants(&self, met: &Met) -> bool {
        match self.purpose {
            For::Inventory => true,
            For::Accounts(accounts) => accounts.contains(account(&met.known.reading.person)),
        }
    }
}

/// An app that was listed.
struct Listed {
    manager: Manager,
    sessions: usize,
    /// Some session of it has a name.
    named: bool,
}

/// The clock, for comparing with a server's own moments.
fn now() -> Timestamp {
    use crate::clock::Clock;
    crate::clock::SystemClock.now()
}

/// Adds to the sentences what a node's list showed.
fn tell(node: &Node, chosen: &node::Chosen, listed: &[Listed], found: &mut Vec<String>) {
    let label = node.label();
    found.push(format!("{label}Read through {}.", chosen.introduced));
    let why_not = chosen.passed_over.iter().chain(&chosen.without_pages);
    found.extend(why_not.map(|why| format!("{label}{why}")));
    if chosen.pages.is_some() && chosen.without_pages.is_none() {
        found.push(format!(
            "{label}Who signed in by Tomcat itself, and limits of single sessions, come from the Manager\u{2019}s pages."
        ));
    }
    let places: Vec<&str> = listed.iter().map(|app| app.manager.place.as_str()).collect();
    found.push(match places.len() {
        0 => format!("{label}No app of it is listed."),
        _ => format!("{label}Lists {}.", places.join(", ")),
    });
    for Listed {
        manager,
        sessions,
        named,
    } in listed
    {
        let place = &manager.place;
        let class = manager.class.rsplit('.').next().unwrap_or_default();
        let known = manager.class.starts_with("org.apache.catalina.");
        if class == "PersistentManager" {
            found.push(format!(
                "{label}{place} moves idle sessions to a store, where they can be neither seen nor ended until they are used again: set maxIdleSwap=\"-1\", or delete them there."
            ));
        } else if !known && !class.is_empty() {
            found.push(format!(
                "{label}{place} has a session manager of its own ({class}): only sessions this server has met are listed."
            ));
        }
        if *sessions == 0 {
            found.push(format!(
                "{label}{place} lists no session. If people are signed in there, it keeps them elsewhere (Spring Session, Redis)."
            ));
        } else if !named && node.memory.telling(&manager.bean).is_empty() {
            found.push(format!(
                "{label}{place} leaves nobody\u{2019}s name where it can be read: its sessions have no person here."
            ));
        }
    }
}

#[async_trait]
impl ListSessions for Tomcat {
    async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let accounts: HashSet<&str>;
        let purpose = match wanted {
            Wanted::All => For::Inventory,
            Wanted::Accounts([]) => return Ok(Completeness::Complete),
            Wanted::Accounts(names) => {
                accounts = names.iter().map(String::as_str).collect();
                For::Accounts(&accounts)
            }
        };
        let mut met = HashSet::new();
        let mut found = Vec::new();
        let mut missing: Vec<String> = Vec::new();
        let mut last = None;
        for node in &self.nodes {
            match self.list_node(node, purpose, sink, &mut met, &mut found).await {
                Ok(Completeness::Complete) => {}
                Ok(Completeness::Partial(why)) => missing.push(why),
                Err(error) => {
                    node.look_again();
                    // One refused password is one of five: the other nodes share it.
                    if self.nodes.len() == 1
                        || matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Stopped)
                    {
                        return Err(error);
                    }
                    missing.push(format!("{}{}", node.label(), error.message));
                    last = Some(error);
                }
            }
        }
        match last {
            Some(error) if missing.len() == self.nodes.len() => return Err(error),
            _ => {}
        }
        if matches!(purpose, For::Inventory) {
            *self.found.write().unwrap_or_else(PoisonError::into_inner) = found;
        }
        Ok(match missing.is_empty() {
            true => Completeness::Complete,
            false => Completeness::Partial(missing.join(" ")),
        })
    }

    fn narrows(&self) -> bool {
        true
    }
}
