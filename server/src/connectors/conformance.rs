//! The promises every connector keeps, as one suite: [`run`] it against each connector and its simulator.
//!
//! A [`Subject`] is the far side: it can open sessions like a browser, and break the system. What it can't play it
//! says, and the suite answers with the names of the promises it did prove, so that each connector's own test states
//! which ones those must be.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{
    Answer, Completeness, Connector, ConnectorError, ErrorKind, Handle, SeenSession, SharedConnector, Sink,
    Target, Wanted,
};

/// Something wrong with the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// One session is listed by two nodes.
    TwoNodes,
    /// A list ends at exactly as many rows as it ever gives.
    FullList,
    /// A list lacks rows.
    HalfList,
    /// Says OK and ends nothing.
    Lies,
    /// Refuses, in words.
    Refuses,
    /// Does not answer in time.
    Slow,
    /// The list breaks off in the middle.
    CutList,
    /// The answer to an ending breaks off in the middle.
    CutEnd,
    /// Bytes that are not its format.
    Garbage,
    /// A web page instead of data.
    Html,
    /// A redirect.
    Redirect,
    /// Our identity is not accepted.
    Unauthorized,
    /// Asked too often.
    RateLimited,
}

/// The far side of a connector under test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The connector, with a time limit of at most half a second.
    fn connector(&self) -> SharedConnector;
    /// Signs somebody in; their session as the connector will list it. Each call another person.
    async fn open(&self) -> Target;
    /// The same raw id in two places; `None` = it can't happen there.
    async fn open_in_two_places(&self) -> Option<[Target; 2]>;
    /// The person signs out by themselves.
    async fn close(&self, session: &Target);
    /// Whether a click with it is let in.
    async fn lets_in(&self, session: &Target) -> bool;
    /// Sets what is wrong from now on; false = it can't be played.
    async fn fault(&self, fault: Fault) -> bool;
    /// Texts that must never be in a log line: our own secrets there.
    fn secrets(&self) -> Vec<String>;
}

/// Reads everything wanted into memory.
pub async fn list(
    connector: &dyn Connector,
    wanted: Wanted<'_>,
) -> Result<(Completeness, Vec<SeenSession>), ConnectorError> {
    let Some(lists) = connector.list() else {
        return Err(ConnectorError::new(ErrorKind::Unsupported, "It lists nothing."));
    };
    let (sink, mut batches) = Sink::channel(4);
    let listing = async move { lists.list(wanted, &sink).await };
    let taking = async {
        let mut all = Vec::new();
        while let Some(batch) = batches.recv().await {
            all.extend(batch);
        }
        all
    };
    let (whole, all) = tokio::join!(listing, taking);
    Ok((whole?, all))
}

fn holds(all: &[SeenSession], wanted: &Target) -> bool {
    all.iter()
        .any(|seen| seen.handle.expose() == wanted.handle.expose() && seen.place == wanted.place)
}

/// Keeps what was proven, and what was met on the way that must stay secret.
struct Suite<'s> {
    subject: &'s dyn Subject,
    connector: SharedConnector,
    proven: Vec<&'static str>,
    handles: Vec<Handle>,
}

/// Runs the suite; the names of the promises that were proven, in order. `Err` names the broken one.
///
/// To be called on a current-thread runtime: it listens to the log lines of its own thread.
pub async fn run(subject: &dyn Subject) -> anyhow::Result<Vec<&'static str>> {
    let heard = Heard::default();
    let written = heard.clone();
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || written.clone())
        .finish();
    let listening = tracing::subscriber::set_default(log);
    tracing::info!("listening");
    let mut suite = Suite {
        connector: subject.connector(),
        subject,
        proven: Vec::new(),
        handles: Vec::new(),
    };
    suite.lists().await?;
    suite.ends().await?;
    suite.misbehaves().await?;
    drop(listening);
    let mut secrets = subject.secrets();
    secrets.extend(suite.handles.iter().map(|handle| handle.expose().to_owned()));
    let text = heard.text();
    anyhow::ensure!(
        text.contains("listening"),
        "the suite did not hear its own log line"
    );
    anyhow::ensure!(
        !secrets.iter().any(|secret| text.contains(secret.as_str())),
        "a log line holds a raw session id or a secret"
    );
    suite.proven.push("no secret in log lines");
    Ok(suite.proven)
}

impl Suite<'_> {
    fn prove(&mut self, promise: &'static str, kept: bool) -> anyhow::Result<()> {
        anyhow::ensure!(kept, "not kept: {promise}");
        self.proven.push(promise);
        Ok(())
    }

    async fn open(&mut self) -> Target {
        let session = self.subject.open().await;
        self.handles.push(session.handle.clone());
        session
    }

    async fn all(&self) -> anyhow::Result<(Completeness, Vec<SeenSession>)> {
        Ok(list(self.connector.as_ref(), Wanted::All).await?)
    }

    async fn end(&self, session: &Target) -> Result<Answer, ConnectorError> {
        let Some(ends) = self.connector.end() else {
            return Err(ConnectorError::new(ErrorKind::Unsupported, "It ends nothing."));
        };
        let mut answers = ends.end(std::slice::from_ref(session)).await?;
        if answers.len() != 1 {
            return Err(ConnectorError::new(
                ErrorKind::Protocol,
                "Not one answer for one session.",
            ));
        }
        Ok(answers.remove(0))
    }

    async fn lists(&mut self) -> anyhow::Result<()> {
        let (one, two) = (self.open().await, self.open().await);
        let (whole, all) = self.all().await?;
        self.prove("a whole list is complete", whole == Completeness::Complete)?;
        self.prove("every session is listed", holds(&all, &one) && holds(&all, &two))?;
        let facts = all
            .iter()
            .find(|seen| seen.handle.expose() == one.handle.expose());
        self.prove(
            "account and kind are as opened",
            facts.is_some_and(|seen| seen.account_id == one.account_id && seen.kind == one.kind),
        )?;
        let accounts = [one.account_id.clone()];
        let (_, some) = list(self.connector.as_ref(), Wanted::Accounts(&accounts)).await?;
        self.prove("a narrow list holds the wanted", holds(&some, &one))?;
        if self.connector.list().is_some_and(super::ListSessions::narrows) {
            let only = some.iter().all(|seen| seen.account_id == one.account_id);
            let (_, none) = list(self.connector.as_ref(), Wanted::Accounts(&[])).await?;
            self.prove("a narrow list holds nobody else", only && none.is_empty())?;
        }
        if let Some([here, there]) = self.subject.open_in_two_places().await {
            self.handles.push(here.handle.clone());
            let (_, all) = self.all().await?;
            let both = holds(&all, &here) && holds(&all, &there);
            self.prove("the same id in two places is two sessions", both)?;
            self.end(&here).await?;
            let (_, all) = self.all().await?;
            let right_one = !holds(&all, &here) && holds(&all, &there);
            self.prove("ending in one place leaves the other", right_one)?;
        }
        Ok(())
    }

    async fn ends(&mut self) -> anyhow::Result<()> {
        let (one, other) = (self.open().await, self.open().await);
        let before = self.subject.lets_in(&one).await;
        let answer = self.end(&one).await?;
        let (_, all) = self.all().await?;
        let dead = before && !self.subject.lets_in(&one).await;
        self.prove("an ended session is dead", answer == Answer::Accepted && dead)?;
        self.prove("an ended session is off the list", !holds(&all, &one))?;
        self.prove(
            "nobody else is ended with it",
            holds(&all, &other) && self.subject.lets_in(&other).await,
        )?;
        let again = self.end(&one).await?;
        self.prove("ending twice is answered: not found", again == Answer::NotFound)?;
        let left = self.open().await;
        self.subject.close(&left).await;
        let answer = self.end(&left).await?;
        self.prove("already gone is answered: not found", answer == Answer::NotFound)?;
        let many = [self.open().await, self.open().await];
        if let Some(ends) = self.connector.end() {
            let answers = ends.end(&[many[0].clone(), one.clone(), many[1].clone()]).await?;
            let expected = [Answer::Accepted, Answer::NotFound, Answer::Accepted];
            self.proven.push("answers come in the order of the asking");
            anyhow::ensure!(answers == expected, "not kept: answers in order: {answers:?}");
        }
        if let Some(all_of) = self.connector.end_all_of() {
            let one = self.subject.open().await;
            self.handles.push(one.handle.clone());
            all_of.end_all_of(&one.account_id).await?;
            let dead = !self.subject.lets_in(&one).await && self.subject.lets_in(&other).await;
            self.prove("all of one account means that account", dead)?;
        }
        Ok(())
    }

    /// Sets a fault; false = it can't be played.
    async fn fault(&self, fault: Fault) -> bool {
        self.subject.fault(Fault::None).await;
        self.subject.fault(fault).await
    }

    async fn misbehaves(&mut self) -> anyhow::Result<()> {
        let one = self.open().await;
        self.open().await;
        if self.fault(Fault::TwoNodes).await {
            let (_, all) = self.all().await?;
            let nodes: BTreeSet<_> = all
                .iter()
                .filter(|s| s.handle.expose() == one.handle.expose())
                .map(|s| &s.node)
                .collect();
            self.prove("two nodes are told apart", nodes.len() == 2)?;
        }
        for (fault, promise) in [
            (Fault::FullList, "a list as long as its limit is partial"),
            (Fault::HalfList, "half a list is partial"),
        ] {
            if self.fault(fault).await {
                let partial = match self.all().await {
                    Ok((whole, _)) => matches!(whole, Completeness::Partial(why) if !why.is_empty()),
                    Err(_) => false,
                };
                self.prove(promise, partial)?;
            }
        }
        for (fault, kind, promise) in [
            (
                Fault::Slow,
                ErrorKind::Unreachable,
                "slow is an error, never an empty list",
            ),
            (Fault::CutList, ErrorKind::Protocol, "a cut list is an error"),
            (Fault::Garbage, ErrorKind::Protocol, "garbage is an error"),
            (Fault::Html, ErrorKind::Protocol, "a web page is an error"),
            (Fault::Redirect, ErrorKind::Protocol, "a redirect is an error"),
            (
                Fault::Unauthorized,
                ErrorKind::Unauthorized,
                "a refused identity is told apart",
            ),
            (
                Fault::RateLimited,
                ErrorKind::RateLimited,
                "too many requests are told apart",
            ),
        ] {
            if self.fault(fault).await {
                let result = list(self.connector.as_ref(), Wanted::All).await;
                let error = result.err().filter(|e| e.kind == kind && !e.message.is_empty());
                let secret = error
                    .as_ref()
                    .is_some_and(|e| e.message.contains(one.handle.expose()));
                self.prove(promise, error.is_some() && !secret)?;
            }
        }
        if self.fault(Fault::Lies).await {
            let answer = self.end(&one).await?;
            let (_, all) = self.all().await?;
            let found = answer == Answer::Accepted && holds(&all, &one);
            self.prove("a lie is found by listing", found)?;
        }
        if self.fault(Fault::Refuses).await {
            let answer = self.end(&one).await?;
            let words = matches!(&answer, Answer::Refused(words) if !words.is_empty());
            self.prove("a refusal comes with the system's words", words)?;
        }
        if self.fault(Fault::CutEnd).await {
            let answer = self.end(&one).await;
            self.prove("an answer cut off is no answer", answer == Ok(Answer::NoAnswer))?;
        }
        self.subject.fault(Fault::None).await;
        let (whole, _) = self.all().await?;
        self.prove("it recovers", whole == Completeness::Complete)
    }
}

/// Log lines, kept in memory.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
