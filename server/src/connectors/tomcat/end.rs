//! Asking Tomcats to end sessions. `expireSession` says OK to anything, so what was there is looked up before.

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;

use super::Tomcat;
use super::bridge::{Bridge, Manager};
use super::jmx::{Ask, Jmx, Op, Reply};
use super::manager_pages::{AT_ONCE, ManagerPages};
use super::memory::Name;
use super::node::Node;
use crate::connectors::{Answer, ConnectorError, EndSessions, Handle, Target};

/// Most sessions asked between two commits: a few round trips by the JMX proxy, one by Jolokia.
const CHUNK: usize = 1_000;

#[async_trait]
impl EndSessions for Tomcat {
    fn chunk(&self) -> usize {
        CHUNK
    }

    async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        let mut answers = vec![Answer::NoAnswer; targets.len()];
        let mut groups: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
        for (at, target) in targets.iter().enumerate() {
            match self.nodes.iter().position(|node| node.name == target.node) {
                Some(node) => groups.entry((node, &target.place)).or_default().push(at),
                None => answers[at] = Answer::Refused("Its node is not in the settings any more.".to_owned()),
            }
        }
        let mut asked = false;
        for ((node, place), group) in groups {
            let group_targets: Vec<&Target> = group.iter().map(|at| &targets[*at]).collect();
            match end_in(&self.nodes[node], place, &group_targets).await {
                Ok(said) => {
                    for (at, answer) in group.iter().zip(said) {
                        answers[*at] = answer;
                    }
                }
                // What was asked before it stays asked.
                Err(error) if !asked => return Err(error),
                Err(_) => {}
            }
            asked = true;
        }
        Ok(answers)
    }
}

/// Ends sessions of one app on one node.
async fn end_in(node: &Node, place: &str, targets: &[&Target]) -> Result<Vec<Answer>, ConnectorError> {
    let chosen = node.bridge().await?;
    let Some(manager) = chosen.managers.iter().find(|manager| manager.place == place) else {
        return Ok(vec![Answer::NotFound; targets.len()]);
    };
    let names: Vec<Name> = targets
        .iter()
        .map(|target| node.memory.name(&target.handle))
        .collect();
    match &chosen.bridge {
        Bridge::Jmx(jmx) => end_by_jmx(node, jmx.as_ref(), manager, targets, &names).await,
        Bridge::Pages(pages) => end_by_page(node, pages, manager, targets, &names).await,
    }
}

async fn end_by_jmx(
    node: &Node,
    jmx: &dyn Jmx,
    manager: &Manager,
    targets: &[&Target],
    names: &[Name],
) -> Result<Vec<Answer>, ConnectorError> {
    let there = there(node, jmx, &manager.bean, targets, names).await?;
    let asks: Vec<Ask<'_>> = targets
        .iter()
        .zip(&there)
        .filter(|(_, there)| **there)
        .map(|(target, _)| Ask {
            bean: &manager.bean,
            op: Op::ExpireSession,
            session: Some(&target.handle),
            attribute: None,
        })
        .collect();
    node.memory.asked(&manager.bean, names);
    let mut replies = jmx.ask(&asks).await?.into_iter();
    Ok(there
        .iter()
        .map(|there| match there.then(|| replies.next()).flatten() {
            Some(Reply::Nothing | Reply::Value(_)) => Answer::Accepted,
            Some(Reply::Forbidden) => Answer::Refused("Its policy does not allow expireSession.".to_owned()),
            Some(Reply::NoOperation) => {
                Answer::Refused("Its session manager has no operation expireSession.".to_owned())
            }
            // A listener of the app that fails makes it an error although the session is gone: only a list tells.
            Some(Reply::Threw | Reply::Lost(_)) => Answer::NoAnswer,
            Some(Reply::NoBean) | None => Answer::NotFound,
        })
        .collect())
}

/// The page tells how many it ended, never which: where that is not all of them, only the next list tells.
async fn end_by_page(
    node: &Node,
    pages: &ManagerPages,
    manager: &Manager,
    targets: &[&Target],
    names: &[Name],
) -> Result<Vec<Answer>, ConnectorError> {
    let mut there = node.memory.just_listed(&manager.bean, names);
    if there.contains(&false) {
        let ids = pages.ids(&manager.place).await?.unwrap_or_default();
        let listed: HashSet<Name> = ids.iter().map(|id| node.memory.name(id)).collect();
        there = names.iter().map(|name| listed.contains(name)).collect();
    }
    node.memory.asked(&manager.bean, names);
    let mut answers = vec![Answer::NotFound; targets.len()];
    let asked: Vec<usize> = (0..targets.len()).filter(|at| there[*at]).collect();
    for (nth, some) in asked.chunks(AT_ONCE).enumerate() {
        let ids: Vec<&Handle> = some.iter().map(|at| &targets[*at].handle).collect();
        let answer = match pages.end(&manager.place, &ids).await {
            Ok(ended) if ended == ids.len() => Answer::Accepted,
            Ok(_) => Answer::NoAnswer,
            Err(failed) if nth == 0 && failed.nothing_asked() => return Err(failed.error),
            Err(_) => Answer::NoAnswer,
        };
        for at in some {
            answers[*at] = answer.clone();
        }
    }
    Ok(answers)
}

/// Which of these are there: by the list just read, else by their start.
async fn there(
    node: &Node,
    jmx: &dyn Jmx,
    bean: &str,
    targets: &[&Target],
    names: &[Name],
) -> Result<Vec<bool>, ConnectorError> {
    let mut there = node.memory.just_listed(bean, names);
    let op = match node.memory.text_dates(bean) {
        false => Op::GetCreationTimestamp,
        true => Op::GetCreationTime,
    };
    let unsure: Vec<usize> = (0..there.len()).filter(|at| !there[*at]).collect();
    let asks: Vec<Ask<'_>> = unsure
        .iter()
        .map(|at| Ask {
            bean,
            op,
            session: Some(&targets[*at].handle),
            attribute: None,
        })
        .collect();
    for (at, reply) in unsure.iter().zip(jmx.ask(&asks).await?) {
        there[*at] = match reply {
            Reply::Value(start) => !matches!(start.trim(), "" | "-1"),
            Reply::Nothing | Reply::NoBean => false,
            // Not told: it is asked for, and the next list tells.
            Reply::NoOperation | Reply::Forbidden | Reply::Threw | Reply::Lost(_) => true,
        };
    }
    Ok(there)
}
