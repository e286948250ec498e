//! The simulated system: a small JSON protocol of our own, for the demo estate and the fault tests.
//!
//! A real connector in every respect: it speaks HTTP through `http`, pages, batches, and must pass the conformance
//! suite. Its protocol is in [`wire`], its other end is `simulators/simulator`. Docs: docs/systems/simulator.md.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;

use self::wire::{WireAccount, WireEnd, WireEnded, WirePage, WirePolicy, answer, limit};
use super::http::{CallError, Http, HttpSettings, LONGEST_ANSWER, in_order};
use super::{
    Answer, Completeness, Connector, ConnectorError, EndAccount, EndEffect, EndSessions, ErrorKind,
    ListSessions, PlaceLimit, ReadLimits, ReadPolicy, Recipe, SeenSession, SelfTest, SharedConnector, Sink,
    Target, Wanted,
};
use crate::config::SecretRef;

mod self_test;
#[cfg(test)]
mod tests;
pub mod wire;

/// Settings of a simulated system, beside those every system has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Its address.
    url: String,
    /// Its bearer token, by reference.
    token: SecretRef,
    /// Rows per page. Default 1,000.
    #[serde(default = "thousand")]
    page: usize,
    /// Sessions ended by one request, 1 to 200. Default 200; 1 = one request each, as many real systems want it.
    #[serde(default = "two_hundred")]
    batch: usize,
    /// It stands for an identity server: its sessions are ended before those of the others.
    #[serde(default)]
    identity_server: bool,
    /// Authorities to trust.
    #[serde(default)]
    ca_file: Option<PathBuf>,
}

const fn thousand() -> usize {
    1_000
}

const fn two_hundred() -> usize {
    200
}

/// Makes the connector from its settings.
pub fn from_settings(recipe: &Recipe<'_>) -> anyhow::Result<SharedConnector> {
    let own: Settings = toml::Value::Table(recipe.settings.own.clone()).try_into()?;
    anyhow::ensure!((1..=10_000).contains(&own.page), "page: 1 to 10000");
    anyhow::ensure!((1..=200).contains(&own.batch), "batch: 1 to 200");
    let http = Http::new(&HttpSettings {
        base: own.url,
        timeout: recipe.timeout,
        connections: recipe.settings.connections,
        pace: Duration::from_millis(super::pace_ms(recipe.settings)),
        ca_file: own.ca_file,
        longest_answer: LONGEST_ANSWER,
        cookies: false,
    })?;
    Ok(Arc::new(Simulated {
        http,
        token: own.token.read()?,
        page: own.page,
        batch: own.batch,
        identity_server: own.identity_server,
        connections: recipe.settings.connections.max(1),
    }))
}

/// One simulated system.
struct Simulated {
    http: Http,
    token: SecretString,
    page: usize,
    batch: usize,
    identity_server: bool,
    /// Requests at the same time.
    connections: usize,
}

impl Connector for Simulated {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At the next click".to_owned(),
            survives: String::new(),
            residual: None,
            not_listed: Vec::new(),
            before_you_end: "Simulated: nobody real is signed in here.".to_owned(),
        }
    }

    fn is_identity_server(&self) -> bool {
        self.identity_server
    }

    fn list(&self) -> Option<&dyn ListSessions> {
        Some(self)
    }

    fn end(&self) -> Option<&dyn EndSessions> {
        Some(self)
    }

    fn end_all_of(&self) -> Option<&dyn EndAccount> {
        Some(self)
    }

    fn policy(&self) -> Option<&dyn ReadPolicy> {
        Some(self)
    }

    fn self_test(&self) -> Option<&dyn SelfTest> {
        Some(self)
    }
}

impl Simulated {
    /// All pages of one query; true = it said that everything was in them.
    async fn pages(
        &self,
        accounts: &[String],
        sink: &Sink,
        rows: &mut usize,
    ) -> Result<Completeness, ConnectorError> {
        let size = self.page.to_string();
        let mut cursor: Option<String> = None;
        let mut here = 0;
        loop {
            let mut query: Vec<(&str, &str)> = vec![("limit", &size)];
            query.extend(accounts.iter().map(|a| ("account", a.as_str())));
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let call = self.http.call("list", Method::GET, &["sessions"]);
            let page: WirePage = call.query(&query).bearer(&self.token).send().await?.json()?;
            here += page.sessions.len();
            *rows += page.sessions.len();
            let empty = page.sessions.is_empty();
            if !empty {
                sink.push(page.sessions.into_iter().map(SeenSession::from).collect())
                    .await?;
            }
            if page.incomplete {
                return Ok(Completeness::Partial(
                    "It said itself that its list is not whole.".to_owned(),
                ));
            }
            match page.next {
                Some(next) if empty || cursor.as_ref() == Some(&next) => {
                    return Err(ConnectorError::new(
                        ErrorKind::Protocol,
                        format!("Its list does not come to an end (after {here} rows)."),
                    ));
                }
                Some(next) => cursor = Some(next),
                None if page.most.is_some_and(|most| here >= most) => {
                    return Ok(Completeness::Partial(format!(
                        "It gave {here} rows, which is the most it ever gives: there may be more."
                    )));
                }
                None => return Ok(Completeness::Complete),
            }
        }
    }
}

/// Accounts in one query.
const ACCOUNTS_AT_ONCE: usize = 50;

#[async_trait]
impl ListSessions for Simulated {
    async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let mut rows = 0;
        match wanted {
            Wanted::All => self.pages(&[], sink, &mut rows).await,
            Wanted::Accounts(accounts) => {
                let mut whole = Completeness::Complete;
                // An empty list means nobody, never everybody.
                for some in accounts.chunks(ACCOUNTS_AT_ONCE) {
                    if let Completeness::Partial(why) = self.pages(some, sink, &mut rows).await? {
                        whole = Completeness::Partial(why);
                    }
                }
                Ok(whole)
            }
        }
    }

    fn narrows(&self) -> bool {
        true
    }
}

#[async_trait]
impl EndSessions for Simulated {
    async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        if targets.len() <= self.batch {
            return self.end_at_once(targets).await;
        }
        let batches: Vec<&[Target]> = targets.chunks(self.batch).collect();
        let calls: Vec<_> = batches.iter().map(|batch| self.end_at_once(batch)).collect();
        let ended: Vec<Result<Vec<Answer>, ConnectorError>> = in_order(calls, self.connections).await;
        if ended.iter().all(Result::is_err) {
            return ended
                .into_iter()
                .collect::<Result<Vec<_>, _>>()
                .map(|answers| answers.concat());
        }
        let answers = ended.into_iter().zip(batches);
        // Something was asked: what failed among it, only a list can tell.
        Ok(answers
            .flat_map(|(ended, batch)| ended.unwrap_or_else(|_| vec![Answer::NoAnswer; batch.len()]))
            .collect())
    }
}

impl Simulated {
    /// Asks to end these by one request.
    async fn end_at_once(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        let none = || vec![Answer::NoAnswer; targets.len()];
        let wanted = WireEnd {
            sessions: targets
                .iter()
                .map(|t| (t.handle.expose().to_owned(), t.place.clone()))
                .collect(),
        };
        let call = self.http.call("end", Method::POST, &["sessions", "end"]);
        match call.bearer(&self.token).json(&wanted).send().await {
            Ok(answered) => match answered.json::<WireEnded>() {
                Ok(ended) if ended.answers.len() == targets.len() => {
                    Ok(ended.answers.into_iter().map(answer).collect())
                }
                // Something arrived there; what became of it only a list can tell.
                Ok(_) | Err(_) => Ok(none()),
            },
            Err(failed) => unanswered(failed, none()),
        }
    }
}

/// Answers for a call that failed: "nobody knows" when it may have arrived, else the failure itself.
fn unanswered(failed: CallError, nobody_knows: Vec<Answer>) -> Result<Vec<Answer>, ConnectorError> {
    if failed.nothing_asked() {
        Err(failed.error)
    } else {
        Ok(nobody_knows)
    }
}

#[async_trait]
impl EndAccount for Simulated {
    async fn end_all_of(&self, account_id: &str) -> Result<Answer, ConnectorError> {
        let wanted = WireAccount {
            account_id: account_id.to_owned(),
        };
        let call = self.http.call("end_all_of", Method::POST, &["accounts", "end"]);
        match call.bearer(&self.token).json(&wanted).send().await {
            Ok(answered) => Ok(answered.json().map_or(Answer::NoAnswer, answer)),
            Err(failed) => {
                let mut answers = unanswered(failed, vec![Answer::NoAnswer])?;
                Ok(answers.pop().unwrap_or(Answer::NoAnswer))
            }
        }
    }
}

#[async_trait]
impl ReadPolicy for Simulated {
    async fn read_policy(&self) -> Result<ReadLimits, ConnectorError> {
        let policy = self.wire_policy().await?;
        Ok(ReadLimits {
            idle: limit(policy.idle_s),
            absolute: limit(policy.absolute_s),
            note: policy.note,
            places: policy
                .places
                .into_iter()
                .map(|(place, idle_s)| PlaceLimit {
                    place,
                    idle: limit(idle_s),
                    note: String::new(),
                })
                .collect(),
            ..ReadLimits::default()
        })
    }
}

impl Simulated {
    async fn wire_policy(&self) -> Result<WirePolicy, ConnectorError> {
        let call = self.http.call("read_policy", Method::GET, &["policy"]);
        call.bearer(&self.token).send().await?.json()
    }
}
