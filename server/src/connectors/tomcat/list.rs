//! Lists of sessions, node by node, and what they showed of the server.

use std::collections::HashSet;
use std::sync::PoisonError;

use app::sessions::wire::SessionKind;
use app::wire::{Limit, Timestamp};
use async_trait::async_trait;

use super::Tomcat;
use super::memory;
use super::node::{self, For, Manager, Met, Node, ReadingOf, has_own_limit};
use super::person::Person;
use crate::connectors::{Completeness, ConnectorError, ErrorKind, ListSessions, SeenSession, Sink, Wanted};

/// Sessions that are read and handed over at once.
const BATCH: usize = 1_000;

impl Tomcat {
    fn reading(&self) -> ReadingOf<'_> {
        ReadingOf {
            sources: &self.sources,
            all_sources: self.all_sources,
            zone: self.zone.as_ref(),
            sampled: std::collections::BTreeMap::new(),
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
        seen.idle = if has_own_limit(manager.idle, known.last_active_at, now) {
            Limit::Unknown
        } else {
            manager.idle
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
        let (chosen, managers) = node.managers(&self.contexts).await?;
        let mut reading = self.reading();
        let mut whole = Completeness::Complete;
        let mut listed: Vec<(Manager, usize)> = Vec::new();
        for manager in managers {
            let Some(mut ids) = node.ids(chosen.jmx.as_ref(), &manager.bean).await? else {
                whole = Completeness::Partial(format!(
                    "{}{} went away while it was read.",
                    node.label(),
                    manager.place
                ));
                continue;
            };
            let names: HashSet<memory::Name> = ids.iter().map(|id| node.memory.name(id)).collect();
            node.memory.listed(&manager.bean, &names);
            listed.push((manager.clone(), ids.len()));
            if self.nodes.len() > 1 {
                ids.retain(|id| met.insert((manager.place.clone(), node.memory.name(id))));
            }
            while !ids.is_empty() {
                let some = ids.split_off(ids.len().saturating_sub(BATCH));
                let rows = node
                    .read(chosen.jmx.as_ref(), &manager, some, purpose, &mut reading)
                    .await?;
                let now = now();
                let rows: Vec<SeenSession> = rows
                    .into_iter()
                    .map(|met| self.seen(node, &manager, met, now))
                    .collect();
                if !rows.is_empty() {
                    sink.push(rows).await?;
                }
            }
        }
        tell(node, &chosen, &listed, found);
        Ok(whole)
    }
}

/// The clock, for comparing with a server's own moments.
fn now() -> Timestamp {
    use crate::clock::Clock;
    crate::clock::SystemClock.now()
}

/// Adds to the sentences what a node's list showed.
fn tell(node: &Node, chosen: &node::Chosen, listed: &[(Manager, usize)], found: &mut Vec<String>) {
    let label = node.label();
    found.push(format!("{label}Read through {}.", chosen.introduced));
    found.extend(chosen.passed_over.iter().map(|why| format!("{label}{why}")));
    let places: Vec<&str> = listed.iter().map(|(manager, _)| manager.place.as_str()).collect();
    found.push(match places.len() {
        0 => format!("{label}No app of it is listed."),
        _ => format!("{label}Lists {}.", places.join(", ")),
    });
    for (manager, sessions) in listed {
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
        } else if node.memory.telling(&manager.bean).is_empty() {
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
