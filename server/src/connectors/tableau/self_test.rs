//! The self-test: a second identity signs in, its session is found in the repository, ended and proven dead.
//!
//! It settles which id the method to end sessions takes, which is documented nowhere, without touching a person.

use app::sessions::wire::SessionKind;
use async_trait::async_trait;

use super::repository::Repository;
use super::rest::{Asked, Current, Rest, Token, Version};
use super::{DeleteBy, Tableau};
use crate::connectors::steps::Steps;
use crate::connectors::{Answer, ConnectorError, EndSessions, ErrorKind, Handle, Proof, SelfTest, Target};

/// The parts a self-test needs.
struct Parts<'t> {
    rest: &'t Rest,
    canary: &'t Rest,
    repository: &'t Repository,
}

impl Tableau {
    fn parts(&self) -> Result<Parts<'_>, ConnectorError> {
        match (&self.rest, &self.canary, &self.repository) {
            (Some(rest), Some(canary), Some(repository)) => Ok(Parts {
                rest,
                canary,
                repository,
            }),
            _ => Err(ConnectorError::new(
                ErrorKind::Unsupported,
                "The self-test needs the repository, an identity and a second identity (canary): the same access token \
                 can\u{2019}t hold two sessions.",
            )),
        }
    }
}

impl Parts<'_> {
    /// The id under which the repository lists the session of that token; `None` = it does not.
    async fn listed(&self, token: &Token) -> Result<Option<String>, ConnectorError> {
        let names = token.names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = self.repository.listed(&names).await?;
        Ok(found.into_iter().next())
    }

    /// Whether the session of that token is dead.
    async fn dead(&self, version: Version, token: &Token) -> Result<bool, ConnectorError> {
        match self.canary.current(version, token).await? {
            Current::Alive(_) => Ok(false),
            Current::Dead => Ok(true),
            Current::NoMethod => Err(ConnectorError::new(
                ErrorKind::Unsupported,
                "This release has no sessions/current, so whether a token lives can\u{2019}t be asked.",
            )),
        }
    }

    /// Whether the other form of id works where `session_id` did not.
    async fn takes_the_number(&self, version: Version, id: &str) -> Result<bool, ConnectorError> {
        let details = self.repository.details(&[id]).await?;
        let Some(number) = details.get(id).and_then(|detail| detail.number) else {
            return Ok(false);
        };
        let (_, token) = self.rest.token().await?;
        let asked = self.rest.delete(version, &token, &number.to_string()).await?;
        Ok(matches!(asked, Asked::Said(Answer::Accepted)))
    }
}

/// What an answer other than "OK" means for a self-test.
fn words(answer: &Answer) -> String {
    match answer {
        Answer::Accepted => String::new(),
        Answer::NotFound => "It knows no session of that id, although the repository lists it.".to_owned(),
        Answer::Refused(words) => words.clone(),
        Answer::NoAnswer => "No readable answer came.".to_owned(),
    }
}

#[async_trait]
impl SelfTest for Tableau {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let parts = self.parts()?;
        parts.rest.try_again().await;
        let server = parts.rest.server().await?;
        let version = server.version;
        let mut steps = Steps::default();
        let mut throw_away: Option<Token> = None;
        let went = self.steps(&parts, version, &mut steps, &mut throw_away).await;
        if let Some(token) = throw_away.filter(|_| !went) {
            // It is only a session of our own that would live on until its idle limit.
            drop(parts.canary.sign_out(version, &token).await);
        }
        if !went {
            tracing::info!("a self-test did not prove that ending works");
        }
        Ok(steps.proof(server.words()))
    }
}

impl Tableau {
    /// Takes the steps; true = ending is proven.
    async fn steps(
        &self,
        parts: &Parts<'_>,
        version: Version,
        steps: &mut Steps,
        throw_away: &mut Option<Token>,
    ) -> bool {
        let known = parts.rest.standing().await;
        let administrator = known.map(|known| !matches!(known.role, super::rest::Role::Other(_)));
        if !steps.note(
            "Curfew signs in as a server administrator",
            administrator,
            "Its site role is another one: it may not end the sessions of others.",
        ) {
            return false;
        }
        let opened = parts.canary.sign_in(version).await;
        *throw_away = opened.as_ref().ok().cloned();
        let opened = opened.map(|_| true);
        let (true, Some(token)) = (
            steps.note("A second identity opened a throw-away session", opened, ""),
            throw_away.as_ref(),
        ) else {
            return false;
        };
        if !steps.note(
            "Its token is valid",
            parts.dead(version, token).await.map(|dead| !dead),
            "It was signed in, but its token is not accepted.",
        ) {
            return false;
        }
        let found = parts.listed(token).await;
        let id = found.as_ref().ok().cloned().flatten();
        let (true, Some(id)) = (
            steps.note(
                "The repository lists it",
                found.map(|id| id.is_some()),
                "The repository has no session by the first part of its token: ids have another form on this server.",
            ),
            id,
        ) else {
            return false;
        };
        let target = Target {
            handle: Handle::new(id.clone()),
            place: String::new(),
            kind: SessionKind::Web,
            site: String::new(),
            account_id: String::new(),
            node: None,
        };
        let answered = EndSessions::end(self, &[target]).await;
        let mut otherwise = String::new();
        if let Ok([answer]) = answered.as_deref() {
            otherwise = words(answer);
            if *answer == Answer::NotFound
                && self.delete_by == DeleteBy::SessionId
                && parts.takes_the_number(version, &id).await.unwrap_or(false)
            {
                otherwise.push_str(" It takes the number in sessions.id instead: set delete_by = \"id\".");
            }
        }
        steps.note(
            "The server was asked to end it",
            answered.map(|answers| answers == [Answer::Accepted]),
            &otherwise,
        ) && steps.note(
            "The repository lists it no more",
            parts.listed(token).await.map(|id| id.is_none()),
            "The server said OK, but the repository still lists it.",
        ) && steps.note(
            "Its token is dead",
            parts.dead(version, token).await,
            "It is off the list, but its token is still accepted.",
        )
    }
}
