//! Lists of sessions: the repository's rows, and what the REST API allows with them.

use std::sync::PoisonError;

use async_trait::async_trait;

use super::Tableau;
use super::repository::{Reading, Repository, Which};
use super::rest::{Known, Role, Standing};
use super::rows::{CAN_DELETE, of_accounts};
use crate::connectors::{Completeness, ConnectorError, ErrorKind, ListSessions, Sink, Wanted};

/// What works at Tableau Cloud instead.
const LEVERS_OF_CLOUD: &str = "What works there, none of it proven to cut a live session: disable the account where it signs \
                               in, take its access tokens away, make the user Unlicensed or remove it from the site.";

impl Tableau {
    /// What the REST API allows now; where it does not answer, what it allowed before.
    pub(super) async fn standing(&self) -> Standing {
        let Some(rest) = &self.rest else {
            return Standing::Unknown(
                "Curfew has no address of Tableau\u{2019}s REST API (url), so it can\u{2019}t end anything there."
                    .to_owned(),
            );
        };
        let asked = tokio::time::timeout(self.timeout, rest.standing()).await;
        let why = match asked {
            Ok(Ok(known)) => {
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
                return Standing::Known(known);
            }
            Ok(Err(error)) => error,
            Err(_) => ConnectorError::new(ErrorKind::Unreachable, "No answer in time."),
        };
        let before = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match before {
            Some(known) if why.kind == ErrorKind::Unreachable => Standing::Known(known),
            _ => Standing::Unknown(format!(
                "Tableau\u{2019}s REST API can\u{2019}t be used to end it: {}",
                why.message
            )),
        }
    }

    async fn read(
        &self,
        repository: &Repository,
        which: Which,
        standing: &Standing,
        sink: &Sink,
    ) -> Result<Reading, ConnectorError> {
        let limits = self.limits.said().await.limits();
        repository
            .read(which, |rows| {
                let seen = rows.into_iter().map(|row| row.seen(standing, limits));
                let mut batch: Vec<_> = seen.collect();
                for session in &mut batch {
                    session.return_hint.clone_from(&self.signs_in_again);
                }
                sink.push(batch)
            })
            .await
    }

    /// Why no repository means no list.
    async fn no_repository(&self) -> ConnectorError {
        let Some(rest) = &self.rest else {
            return ConnectorError::new(ErrorKind::Unsupported, "Neither a repository nor a url is set.");
        };
        let words = match rest.is_cloud().await {
            Ok(true) => format!(
                "This is Tableau Cloud: sessions can\u{2019}t be listed there, for it offers no way to list or end another \
                 user\u{2019}s session. A REST token lives 120 minutes at most without use. {LEVERS_OF_CLOUD}"
            ),
            Ok(false) => "No repository is set: Tableau\u{2019}s REST API can\u{2019}t list sessions, only the repository can."
                .to_owned(),
            Err(error) => return error,
        };
        ConnectorError::new(ErrorKind::Unsupported, words)
    }

    fn keep_found(&self, reading: &Reading, standing: &Standing) {
        let mut found = vec![format!(
            "Sessions are read from the repository on {}.",
            reading.host
        )];
        match standing {
            Standing::Known(known) => found.extend(of_server(known)),
            Standing::Unknown(why) => found.push(why.clone()),
        }
        found.extend(reading.lacks.iter().cloned());
        *self.found.write().unwrap_or_else(PoisonError::into_inner) = found;
    }
}

/// What is known of the server, in sentences.
fn of_server(known: &Known) -> Vec<String> {
    let mut found = vec![format!(
        "Tableau Server {}, REST API {}.",
        known.server.words(),
        known.server.version
    )];
    if known.server.version < CAN_DELETE {
        found.push(
            "It has no method to end sessions (REST 3.9, Server 2020.3): only sessions with ids of old can be ended, \
             by a sign-out."
                .to_owned(),
        );
    }
    match &known.role {
        Role::Administrator => {}
        Role::Other(role) => found.push(format!(
            "Curfew signs in as {}, whose site role is {role}: it must be a server administrator to end the sessions \
             of others.",
            known.who
        )),
        Role::NotTold => found.push(format!(
            "The server does not tell whether {} is a server administrator.",
            known.who
        )),
    }
    found
}

#[async_trait]
impl ListSessions for Tableau {
    async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let Some(repository) = &self.repository else {
            return Err(self.no_repository().await);
        };
        let which = match wanted {
            Wanted::All => Which::All,
            Wanted::Accounts(accounts) => {
                let (persons, external) = of_accounts(accounts);
                if persons.is_empty() && external.is_empty() {
                    return Ok(Completeness::Complete);
                }
                Which::Of(persons, external)
            }
        };
        let all = matches!(which, Which::All);
        let standing = self.standing().await;
        let reading = self.read(repository, which, &standing, sink).await?;
        if all {
            self.keep_found(&reading, &standing);
        }
        if reading.rows >= repository.limit {
            return Ok(Completeness::Partial(format!(
                "The repository gave {} rows, the most Curfew asks for (repository.limit): there may be more.",
                reading.rows
            )));
        }
        Ok(Completeness::Complete)
    }

    fn narrows(&self) -> bool {
        true
    }
}
