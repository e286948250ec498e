//! Spring Boot's actuator: sessions that an app keeps outside Tomcat (Spring Session), asked of the app itself.
//!
//! It tells the sessions of an account it is asked for, and of nobody else: there is no list of everyone. It says 204 to
//! every ending, so what was there is looked up before. Wire facts: docs/systems/tomcat.md.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use app::sessions::wire::SessionKind;
use app::wire::{Limit, Timestamp};
use async_trait::async_trait;
use futures::future::join_all;
use futures::stream::{self, BoxStream, StreamExt};
use reqwest::Method;
use serde::Deserialize;

use super::bridge::is_id;
use super::person::App;
use super::{Identity, Settings, connections, http_settings, identity, test_page};
use crate::connectors::http::{Call, CallError, Http, HttpSettings};
use crate::connectors::{
    Answer, Completeness, Connector, ConnectorError, EndEffect, EndSessions, ErrorKind, Handle, ListSessions,
    ReadLimits, ReadPolicy, Recipe, SeenSession, SelfTest, SharedConnector, Sink, Target, Wanted,
};

mod self_test;
#[cfg(test)]
mod tests;

/// Most requests at a time: the app checks a slow password hash at each.
const AT_ONCE: usize = 2;
/// Most sessions asked to end between two commits: each takes a request of its own.
const CHUNK: usize = 100;

/// An app with an actuator.
struct Actuator {
    http: Http,
    /// Name and password; `None` = it asks for none.
    identity: Option<Identity>,
    /// Requests at the same time.
    at_once: usize,
    /// Whom an inventory asks for.
    accounts: Vec<String>,
    /// Why browsers sign themselves in again after an ending.
    signs_in_again: Option<String>,
    test_page: Option<Http>,
}

/// Makes the connector from settings that name an actuator.
pub(super) fn from_settings(
    url: &str,
    own: &Settings,
    recipe: &Recipe<'_>,
) -> anyhow::Result<SharedConnector> {
    let of_jmx = [
        ("manager", own.manager.is_some()),
        ("jolokia", own.jolokia.is_some()),
        ("node", !own.node.is_empty()),
        ("gui_user", own.gui_user.is_some()),
        ("bridge", own.bridge.is_some()),
        ("contexts", !own.contexts.is_empty()),
        ("app", own.app != App::default()),
        ("person", !own.person.is_empty()),
        ("zone", own.zone.is_some()),
        ("origin", own.origin.is_some()),
        ("unnamed_are_guests", own.unnamed_are_guests),
    ];
    if let Some((name, _)) = of_jmx.iter().find(|(_, is_set)| *is_set) {
        anyhow::bail!(
            "actuator: {name} does not go with it; make the Tomcat that is reached through JMX a system of its own"
        );
    }
    anyhow::ensure!(
        !own.accounts.is_empty(),
        "accounts: name those to list; an actuator can\u{2019}t list everybody"
    );
    let mut named = BTreeSet::new();
    for account in &own.accounts {
        anyhow::ensure!(!account.trim().is_empty(), "accounts: one of them is empty");
        anyhow::ensure!(
            named.insert(account),
            "accounts: \"{account}\" is there more than once"
        );
    }
    let at_once = connections(recipe).min(AT_ONCE);
    let http = Http::new(&HttpSettings {
        connections: at_once,
        ..http_settings(url, own, recipe, true)
    })
    .map_err(|cause| anyhow::anyhow!("actuator: {cause}"))?;
    Ok(Arc::new(Actuator {
        http,
        identity: identity("user, password", own.user.as_ref(), own.password.as_ref())?,
        at_once,
        accounts: own.accounts.clone(),
        signs_in_again: own.signs_in_again.clone(),
        test_page: test_page(own, recipe)?,
    }))
}

/// The answer about an account.
#[derive(Deserialize)]
struct Listed {
    sessions: Vec<Row>,
}

/// A session as the actuator tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    #[serde(default)]
    creation_time: Option<String>,
    #[serde(default)]
    last_accessed_time: Option<String>,
    /// Seconds; 0 and below = none.
    #[serde(default)]
    max_inactive_interval: Option<i64>,
}

/// An account, and its sessions.
type OfOne<'a> = (&'a str, Vec<Row>);

impl Actuator {
    /// Asks for the sessions below `segments`, as Curfew's user there.
    fn call(&self, operation: &'static str, method: Method, segments: &[&str]) -> Call<'_> {
        let call = self.http.call(operation, method, segments);
        match &self.identity {
            Some((user, password)) => call.basic(user, password),
            None => call,
        }
    }

    /// The sessions of an account.
    async fn of(&self, account: &str) -> Result<Vec<Row>, ConnectorError> {
        let call = self.call("sessions", Method::GET, &["sessions"]);
        let answered = call.query(&[("username", account)]).send().await;
        let answered = answered.map_err(|failed| advise(failed.error))?;
        match answered.status {
            404 => return Err(not_there()),
            400 => {
                return Err(ConnectorError::new(
                    ErrorKind::Protocol,
                    "It did not take the question for an account\u{2019}s sessions (400): is this the address of Spring Boot\u{2019}s actuator, as in https://host/actuator?",
                ));
            }
            _ => {}
        }
        let listed: Listed = answered.json().map_err(advise)?;
        match listed.sessions.iter().all(|row| is_id(&row.id)) {
            true => Ok(listed.sessions),
            false => Err(ConnectorError::new(
                ErrorKind::Protocol,
                "Its list of sessions holds something that is no session id.",
            )),
        }
    }

    fn seen(&self, account: &str, row: Row) -> SeenSession {
        let mut seen = SeenSession::new(Handle::new(row.id), SessionKind::Web);
        seen.account_id = account.to_owned();
        seen.account_name = account.to_owned();
        seen.created_at = row.creation_time.as_deref().and_then(moment);
        seen.last_active_at = row.last_accessed_time.as_deref().and_then(moment);
        seen.idle = match row.max_inactive_interval {
            Some(seconds) if seconds > 0 => Limit::Seconds(seconds),
            Some(_) => Limit::None,
            None => Limit::Unknown,
        };
        seen.absolute_known = true;
        seen.return_hint = self.signs_in_again.clone();
        seen
    }

    /// Which of these are on the lists of their accounts now.
    async fn there(&self, targets: &[Target]) -> Result<Vec<bool>, ConnectorError> {
        let mut by_account: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, target) in targets.iter().enumerate() {
            // Whose it is stands in every list of ours.
            if !target.account_id.is_empty() {
                by_account.entry(&target.account_id).or_default().push(at);
            }
        }
        let mut there = vec![false; targets.len()];
        let mut lists = self.each(by_account.keys().copied().collect());
        while let Some(list) = lists.next().await {
            let (account, rows) = list?;
            let ids: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
            for at in by_account.get(account).into_iter().flatten() {
                there[*at] = ids.contains(targets[*at].handle.expose());
            }
        }
        Ok(there)
    }

    /// The sessions of one account after the other, in order; nothing after a failure is to be used.
    fn each<'a>(&'a self, mut accounts: Vec<&'a str>) -> BoxStream<'a, Result<OfOne<'a>, ConnectorError>> {
        let ask = move |account: &'a str| async move { Ok((account, self.of(account).await?)) };
        let others = accounts.split_off(accounts.len().min(1));
        // Alone: a password that is refused is tried once.
        let first = stream::iter(accounts).then(ask);
        first
            .chain(stream::iter(others).map(ask).buffered(self.at_once))
            .boxed()
    }

    async fn delete(&self, target: &Target) -> Result<Answer, CallError> {
        let segments = ["sessions", target.handle.expose()];
        let answered = self.call("end", Method::DELETE, &segments).send().await?;
        let refused = |words: &str| Answer::Refused(words.to_owned());
        Ok(match answered.status {
            404 => Answer::Refused(not_there().message),
            405 => refused(
                "It lets sessions be read only (405): set management.endpoint.sessions.access=unrestricted in the app.",
            ),
            status @ 400..=499 => Answer::Refused(format!("It refused (status {status}).")),
            _ if answered.text().is_ok() => Answer::Accepted,
            // Only a list tells.
            _ => Answer::NoAnswer,
        })
    }
}

/// RFC 3339, to the millisecond.
fn moment(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

fn not_there() -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Protocol,
        "There are no sessions at this address (404): the app needs management.endpoints.web.exposure.include=sessions and a store of Spring Session that finds sessions by account.",
    )
}

/// A failure of reading, with what to do about it.
fn advise(error: ConnectorError) -> ConnectorError {
    let advice = match error.kind {
        ErrorKind::Protocol => {
            " The actuator must take name and password itself (BASIC), with no sign-in page of the app or of a gateway in front of it."
        }
        ErrorKind::Forbidden => " Give its user the role that the app asks for under /actuator.",
        _ => "",
    };
    ConnectorError {
        message: format!("{}{advice}", error.message),
        ..error
    }
}

impl Connector for Actuator {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At the next click".to_owned(),
            survives: "a request that is running when it is ended goes on to its end".to_owned(),
            residual: None,
            not_listed: vec![
                "sessions of accounts that are not in its settings".to_owned(),
                "sessions in which nobody signed in".to_owned(),
            ],
            before_you_end: String::new(),
        }
    }

    fn found(&self) -> Vec<String> {
        let only = match self.accounts.len() {
            1 => "Only sessions of the 1 account in its settings are listed.".to_owned(),
            many => format!("Only sessions of the {many} accounts in its settings are listed."),
        };
        vec!["Read through Spring Boot\u{2019}s actuator.".to_owned(), only]
    }

    fn list(&self) -> Option<&dyn ListSessions> {
        Some(self)
    }

    fn end(&self) -> Option<&dyn EndSessions> {
        Some(self)
    }

    fn policy(&self) -> Option<&dyn ReadPolicy> {
        Some(self)
    }

    fn self_test(&self) -> Option<&dyn SelfTest> {
        self.test_page.is_some().then_some(self)
    }
}

#[async_trait]
impl ListSessions for Actuator {
    async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let accounts = match wanted {
            Wanted::All => &self.accounts,
            Wanted::Accounts(names) => names,
        };
        let accounts: Vec<&str> = accounts
            .iter()
            .map(String::as_str)
            // An empty name is an account's that nobody knows.
            .filter(|account| !account.is_empty())
            .collect();
        let mut lists = self.each(accounts);
        while let Some(list) = lists.next().await {
            let (account, rows) = list?;
            let rows = rows.into_iter().map(|row| self.seen(account, row)).collect();
            sink.push(rows).await?;
        }
        Ok(Completeness::Complete)
    }

    fn narrows(&self) -> bool {
        true
    }
}

#[async_trait]
impl EndSessions for Actuator {
    fn chunk(&self) -> usize {
        CHUNK
    }

    async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        let there = self.there(targets).await?;
        let mut answers: Vec<Answer> = there
            .iter()
            .map(|there| {
                if *there {
                    Answer::NoAnswer
                } else {
                    Answer::NotFound
                }
            })
            .collect();
        let wanted: Vec<usize> = (0..targets.len()).filter(|at| there[*at]).collect();
        let mut asked = false;
        for some in wanted.chunks(self.at_once) {
            let said = join_all(some.iter().map(|at| self.delete(&targets[*at]))).await;
            let mut stop = None;
            for (at, said) in some.iter().zip(said) {
                match said {
                    Ok(answer) => {
                        answers[*at] = answer;
                        asked = true;
                    }
                    // The list came, so it is the ending that is not allowed.
                    Err(failed) if failed.error.kind == ErrorKind::Forbidden => {
                        answers[*at] = Answer::Refused(
                            "It lets Curfew list, but not end (403): its role must be allowed DELETE, and /actuator be left out of the app\u{2019}s CSRF protection."
                                .to_owned(),
                        );
                        asked = true;
                    }
                    Err(failed) if failed.nothing_asked() => stop = Some(failed.error),
                    Err(_) => asked = true,
                }
            }
            match stop {
                // What was asked before it stays asked.
                Some(_) if asked => break,
                Some(error) => return Err(error),
                None => {}
            }
        }
        Ok(answers)
    }
}

#[async_trait]
impl ReadPolicy for Actuator {
    async fn read_policy(&self) -> Result<ReadLimits, ConnectorError> {
        // For whether it answers: what it tells is each session's own.
        self.of(self.accounts.first().map_or("", String::as_str)).await?;
        Ok(ReadLimits {
            idle: Limit::Unknown,
            absolute: Limit::None,
            note: "The actuator tells the idle limit of each session, which its row shows, and not the app\u{2019}s. Spring Session has no limit on the whole length of a session: only the app itself can set one."
                .to_owned(),
            ..ReadLimits::default()
        })
    }
}
