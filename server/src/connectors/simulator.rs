//! The simulated system: a small JSON protocol of our own, for the demo estate and the fault tests.
//!
//! A real connector in every respect: it speaks HTTP through `http`, pages, batches, and must pass the conformance
//! suite. Its other end is `simulators/simulator`. Docs: docs/systems/simulator.md.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use app::sessions::wire::SessionKind;
use app::systems::wire::{SelfTestStep, StepResult};
use app::wire::{Limit, Timestamp};
use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use reqwest::Method;
use reqwest::header::HeaderName;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::http::{CallError, Http, HttpSettings, LONGEST_ANSWER};
use super::{
    Answer, Completeness, Connector, ConnectorError, EndAccount, EndEffect, EndSessions, Endable, ErrorKind,
    Handle, ListSessions, Proof, ReadLimits, ReadPolicy, Recipe, SeenSession, SelfTest, SharedConnector,
    Sink, Target, Wanted,
};
use crate::config::SecretRef;

/// Header of the simulated browser's click: it carries the raw session id.
pub const CLICK_HEADER: HeaderName = HeaderName::from_static("x-simulated-session");

/// Account of the throw-away session of a self-test.
const TEST_ACCOUNT: &str = "curfew-self-test";

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
        pace: Duration::from_millis(recipe.settings.pace_ms),
        ca_file: own.ca_file,
        longest_answer: LONGEST_ANSWER,
    })?;
    Ok(Arc::new(Simulated {
        http,
        token: own.token.read()?,
        page: own.page,
        batch: own.batch,
        connections: recipe.settings.connections.max(1),
    }))
}

/// A session as the simulated system tells it. Times in ms, durations in seconds.
#[derive(Clone, Serialize, Deserialize)]
pub struct WireSession {
    /// Raw id.
    pub id: String,
    /// Context; empty = none.
    #[serde(default)]
    pub place: String,
    /// "web", "sso", "mobile" …
    pub kind: String,
    /// Account id.
    pub account_id: String,
    /// User name.
    pub account: String,
    /// Name as shown.
    #[serde(default)]
    pub name: String,
    /// Mail.
    #[serde(default)]
    pub email: Option<String>,
    /// Address.
    #[serde(default)]
    pub ip: Option<String>,
    /// Browser as it named itself.
    #[serde(default)]
    pub user_agent: Option<String>,
    /// Node.
    #[serde(default)]
    pub node: Option<String>,
    /// Site.
    #[serde(default)]
    pub site: String,
    /// Start.
    pub started_ms: Option<i64>,
    /// Last click.
    pub active_ms: Option<i64>,
    /// Idle limit; 0 = never; none = not told.
    pub idle_s: Option<i64>,
    /// Latest end; none = no limit.
    pub ends_ms: Option<i64>,
    /// Curfew's own sign-in there.
    #[serde(default)]
    pub own: bool,
    /// Why the browser signs itself in again.
    #[serde(default)]
    pub returns: Option<String>,
}

/// A page of sessions.
#[derive(Serialize, Deserialize)]
pub struct WirePage {
    /// Rows.
    pub sessions: Vec<WireSession>,
    /// Cursor of the next page; none = that was all it gives.
    pub next: Option<String>,
    /// Most rows it ever gives in one list; none = no such limit.
    pub most: Option<usize>,
    /// It says itself that rows are missing.
    #[serde(default)]
    pub incomplete: bool,
}

/// What to end.
#[derive(Serialize, Deserialize)]
pub struct WireEnd {
    /// Raw ids with their places.
    pub sessions: Vec<(String, String)>,
}

/// Answers in the same order.
#[derive(Serialize, Deserialize)]
pub struct WireEnded {
    /// One per id.
    pub answers: Vec<WireAnswer>,
}

/// Answer for one id.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireAnswer {
    /// It says that it ended it.
    Ok,
    /// No such session.
    NotFound,
    /// It won't, in its own words.
    Refused(String),
}

/// An account, to end everything of it or to open a session for it.
#[derive(Serialize, Deserialize)]
pub struct WireAccount {
    /// Account id.
    pub account_id: String,
}

/// Limits.
#[derive(Serialize, Deserialize)]
pub struct WirePolicy {
    /// Seconds; 0 = never; none = not told.
    pub idle_s: Option<i64>,
    /// Seconds; 0 = never; none = not told.
    pub absolute_s: Option<i64>,
    /// Version of the system.
    pub build: String,
}

/// One simulated system.
struct Simulated {
    http: Http,
    token: SecretString,
    page: usize,
    batch: usize,
    /// Requests at the same time.
    connections: usize,
}

fn limit(seconds: Option<i64>) -> Limit {
    match seconds {
        None => Limit::Unknown,
        Some(0) => Limit::None,
        Some(s) => Limit::Seconds(s),
    }
}

impl From<WireSession> for SeenSession {
    fn from(wire: WireSession) -> Self {
        let known = SessionKind::from_name(&wire.kind);
        let mut seen = SeenSession::new(Handle::new(wire.id), known.unwrap_or(SessionKind::Other));
        seen.raw_kind = known.is_none().then_some(wire.kind);
        seen.place = wire.place;
        seen.account_id = wire.account_id;
        seen.account_name = wire.account;
        seen.display_name = wire.name;
        seen.email = wire.email;
        seen.ip = wire.ip;
        seen.user_agent = wire.user_agent;
        seen.node = wire.node;
        seen.site = wire.site;
        seen.created_at = wire.started_ms.map(Timestamp);
        seen.last_active_at = wire.active_ms.map(Timestamp);
        seen.idle = limit(wire.idle_s);
        seen.absolute_expires_at = wire.ends_ms.map(Timestamp);
        seen.absolute_known = true;
        if wire.own {
            seen.endable = Endable::OwnConnection;
        }
        seen.return_hint = wire.returns;
        seen
    }
}

impl Connector for Simulated {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At the next click".to_owned(),
            survives: String::new(),
            residual_s: None,
            not_listed: Vec::new(),
            before_you_end: "Simulated: nobody real is signed in here.".to_owned(),
        }
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

fn answer(wire: WireAnswer) -> Answer {
    match wire {
        WireAnswer::Ok => Answer::Accepted,
        WireAnswer::NotFound => Answer::NotFound,
        WireAnswer::Refused(words) => Answer::Refused(words.chars().take(200).collect()),
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
        let ended: Vec<Result<Vec<Answer>, ConnectorError>> =
            stream::iter(calls).buffered(self.connections).collect().await;
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
    let turned_away = matches!(
        failed.error.kind,
        ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::RateLimited
    );
    if failed.left_us && !turned_away {
        Ok(nobody_knows)
    } else {
        Err(failed.error)
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
            note: String::new(),
        })
    }
}

impl Simulated {
    async fn wire_policy(&self) -> Result<WirePolicy, ConnectorError> {
        let call = self.http.call("read_policy", Method::GET, &["policy"]);
        call.bearer(&self.token).send().await?.json()
    }

    /// Status of a click with that session: 200 = let in, 401 = not.
    async fn click(&self, handle: &Handle) -> Result<bool, ConnectorError> {
        let id = SecretString::from(handle.expose().to_owned());
        let call = self
            .http
            .call("click", Method::GET, &["click"])
            .secret_header(CLICK_HEADER, &id);
        match call.send().await {
            Ok(answered) => Ok(answered.status == 200),
            Err(failed) if failed.error.kind == ErrorKind::Unauthorized => Ok(false),
            Err(failed) => Err(failed.error),
        }
    }

    async fn listed(&self, handle: &Handle) -> Result<bool, ConnectorError> {
        let (sink, mut rows) = Sink::channel(64);
        let accounts = [TEST_ACCOUNT.to_owned()];
        let (whole, found) = tokio::join!(
            async {
                let whole = ListSessions::list(self, Wanted::Accounts(&accounts), &sink).await;
                drop(sink);
                whole
            },
            async {
                let mut found = false;
                while let Some(batch) = rows.recv().await {
                    found |= batch.iter().any(|s| s.handle.expose() == handle.expose());
                }
                found
            }
        );
        match whole? {
            Completeness::Complete => Ok(found),
            Completeness::Partial(why) => Err(ConnectorError::new(ErrorKind::Protocol, why)),
        }
    }
}

/// Collects the steps of a self-test.
struct Steps(Vec<SelfTestStep>);

impl Steps {
    /// Notes a step that must give `good`; false = it did not, and the rest makes no sense.
    fn note(&mut self, name: &str, result: Result<bool, ConnectorError>, otherwise: &str) -> bool {
        let (result, detail) = match result {
            Ok(true) => (StepResult::Passed, String::new()),
            Ok(false) => (StepResult::Failed, otherwise.to_owned()),
            Err(error) => (StepResult::Failed, error.message),
        };
        self.0.push(SelfTestStep {
            name: name.to_owned(),
            result,
            detail,
        });
        result == StepResult::Passed
    }
}

#[async_trait]
impl SelfTest for Simulated {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let build = self.wire_policy().await?.build;
        let mut steps = Steps(Vec::new());
        let open = self
            .http
            .call("open", Method::POST, &["sessions"])
            .bearer(&self.token);
        let wanted = WireAccount {
            account_id: TEST_ACCOUNT.to_owned(),
        };
        let opened: WireSession = open.json(&wanted).send().await?.json()?;
        let place = opened.place.clone();
        let handle = Handle::new(opened.id);
        let target = Target {
            handle: handle.clone(),
            place,
            kind: SessionKind::Web,
            site: String::new(),
            account_id: TEST_ACCOUNT.to_owned(),
            node: None,
        };
        let went = steps.note(
            "A throw-away session was opened and lets a browser in",
            self.click(&handle).await,
            "It was opened, but a click was not let in.",
        ) && steps.note(
            "It is listed",
            self.listed(&handle).await,
            "It was opened, but the list does not hold it.",
        ) && steps.note(
            "The system was asked to end it",
            EndSessions::end(self, &[target])
                .await
                .map(|a| a.first() == Some(&Answer::Accepted)),
            "The system did not say OK.",
        ) && steps.note(
            "It is not listed any more",
            self.listed(&handle).await.map(|there| !there),
            "The system said OK, but its list still holds it.",
        ) && steps.note(
            "A click with it is turned away",
            self.click(&handle).await.map(|inside| !inside),
            "It is off the list, but a click with it was still let in.",
        );
        if !went {
            tracing::info!(
                steps = steps.0.len(),
                "a self-test did not prove that ending works"
            );
        }
        Ok(Proof {
            steps: steps.0,
            build,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::conformance::{self, Fault, Subject};
    use super::*;
    use crate::clock::SystemClock;
    use crate::simulators::simulator::Simulator;
    use crate::simulators::simulator::faults::{Bad, Faults};
    use crate::simulators::simulator::shape::Shape;

    struct Sim {
        far: Simulator,
        near: SharedConnector,
        next: AtomicUsize,
    }

    async fn sim() -> Sim {
        let far = Simulator::start(Arc::new(SystemClock), Shape::default())
            .await
            .unwrap();
        let mut settings = far.settings("Simulated");
        settings.own.insert("page".to_owned(), 3.into());
        let recipe = Recipe {
            settings: &settings,
            timeout: Duration::from_millis(300),
        };
        Sim {
            near: from_settings(&recipe).unwrap(),
            far,
            next: AtomicUsize::new(0),
        }
    }

    #[async_trait]
    impl Subject for Sim {
        fn connector(&self) -> SharedConnector {
            self.near.clone()
        }

        async fn open(&self) -> Target {
            let n = self.next.fetch_add(1, Ordering::SeqCst);
            target(&self.far.open(n), "", n)
        }

        async fn open_in_two_places(&self) -> Option<[Target; 2]> {
            let n = self.next.fetch_add(1, Ordering::SeqCst);
            let id = self.far.open(n);
            let mut there = self.far.sessions_of(n).remove(0);
            there.place = "/elsewhere".to_owned();
            self.far.add(there);
            Some([target(&id, "", n), target(&id, "/elsewhere", n)])
        }

        async fn close(&self, session: &Target) {
            self.far.close(session.handle.expose());
        }

        async fn lets_in(&self, session: &Target) -> bool {
            self.far.lets_in(session.handle.expose())
        }

        async fn fault(&self, fault: Fault) -> bool {
            let many = self.far.len();
            self.far.faults(|faults| {
                *faults = Faults::default();
                match fault {
                    Fault::None => {}
                    Fault::TwoNodes => faults.two_nodes = true,
                    Fault::FullList => faults.most = Some(many),
                    Fault::HalfList => faults.half_list = true,
                    Fault::Lies => faults.lie = true,
                    Fault::Refuses => faults.refuse = Some("Not at this hour.".to_owned()),
                    Fault::Slow => faults.slow_ms = 2_000,
                    Fault::CutList => faults.list = Bad::CutOff,
                    Fault::CutEnd => faults.end = Bad::CutOff,
                    Fault::Garbage => faults.list = Bad::Garbage,
                    Fault::Html => faults.list = Bad::Html,
                    Fault::Redirect => faults.list = Bad::Redirect,
                    Fault::Unauthorized => faults.list = Bad::Unauthorized,
                    Fault::RateLimited => faults.list = Bad::RateLimited(1),
                }
            });
            true
        }

        fn secrets(&self) -> Vec<String> {
            vec![self.far.access().1]
        }
    }

    fn target(id: &str, place: &str, n: usize) -> Target {
        Target {
            handle: Handle::new(id),
            place: place.to_owned(),
            kind: SessionKind::Web,
            site: String::new(),
            account_id: crate::simulators::people::person(n).account_id,
            node: None,
        }
    }

    #[tokio::test]
    async fn the_simulated_system_keeps_every_promise() {
        let proven = conformance::run(&sim().await).await.unwrap();
        assert_eq!(proven.len(), 29, "{proven:#?}");
    }

    #[tokio::test]
    async fn a_self_test_proves_ending_and_finds_a_lie() {
        let sim = sim().await;
        let test = sim.near.self_test().unwrap();
        let proof = test.self_test().await.unwrap();
        assert!(
            proof.steps.iter().all(|s| s.result == StepResult::Passed),
            "{proof:#?}"
        );
        assert_eq!((proof.steps.len(), sim.far.len()), (5, 0));
        sim.far.faults(|faults| faults.lie = true);
        let proof = test.self_test().await.unwrap();
        assert_eq!(
            proof.steps.last().unwrap().result,
            StepResult::Failed,
            "{proof:#?}"
        );
    }

    #[tokio::test]
    async fn whoever_is_let_back_in_has_a_new_session_of_the_same_account() {
        let sim = sim().await;
        let session = sim.open().await;
        sim.far.faults(|faults| faults.let_back = true);
        let answers = sim
            .near
            .end()
            .unwrap()
            .end(std::slice::from_ref(&session))
            .await
            .unwrap();
        assert_eq!(answers, [Answer::Accepted]);
        assert!(!sim.far.lets_in(session.handle.expose()));
        assert_eq!(sim.far.sessions_of(0).len(), 1);
    }

    #[tokio::test]
    async fn a_rotated_session_has_a_new_id_and_the_same_beginning() {
        let sim = sim().await;
        let before = sim.open().await;
        let began = sim.far.sessions_of(0)[0].started_ms;
        sim.far.faults(|faults| {
            faults.rotate_for.insert(before.account_id.clone());
        });
        let accounts = [before.account_id.clone()];
        let (_, seen) = conformance::list(sim.near.as_ref(), Wanted::Accounts(&accounts))
            .await
            .unwrap();
        assert_eq!(seen.len(), 1);
        assert_ne!(seen[0].handle.expose(), before.handle.expose());
        assert_eq!(seen[0].created_at.map(|at| at.0), began);
    }

    #[tokio::test]
    async fn a_hundred_thousand_sessions_come_in_whole() {
        let sim = sim().await;
        sim.far.fill(100_000, 50_000);
        let settings = sim.far.settings("Big");
        let recipe = Recipe {
            settings: &settings,
            timeout: Duration::from_secs(10),
        };
        let near = from_settings(&recipe).unwrap();
        let (whole, seen) = conformance::list(near.as_ref(), Wanted::All).await.unwrap();
        let ids: std::collections::HashSet<&str> = seen.iter().map(|s| s.handle.expose()).collect();
        assert_eq!((whole, ids.len()), (Completeness::Complete, 100_000));
    }

    #[test]
    fn unknown_settings_are_refused_by_name() {
        let mut settings: crate::config::SystemSettings =
            toml::from_str("kind = 'simulator'\nurl = 'http://localhost'\ntoken = 'env:PATH'\nspeed = 3")
                .unwrap();
        let make = |settings: &crate::config::SystemSettings| {
            from_settings(&Recipe {
                settings,
                timeout: Duration::from_secs(1),
            })
            .err()
            .map(|e| e.to_string())
        };
        assert!(make(&settings).unwrap().contains("speed"));
        settings.own.remove("speed");
        assert_eq!(make(&settings), None);
        settings.own.insert("token".to_owned(), "s3cret-itself".into());
        let told = make(&settings).unwrap();
        assert!(
            !told.contains("s3cret") && told.contains("named, not written"),
            "{told}"
        );
    }
}
