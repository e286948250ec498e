//! The self-test of a simulated system: a throw-away session is opened, ended, and proven dead.

use app::sessions::wire::SessionKind;
use async_trait::async_trait;
use reqwest::Method;
use secrecy::SecretString;

use super::Simulated;
use super::wire::{CLICK_HEADER, WireAccount, WireSession};
use crate::connectors::steps::Steps;
use crate::connectors::{
    Answer, Completeness, ConnectorError, EndSessions, ErrorKind, Handle, ListSessions, Proof, SelfTest,
    Sink, Target, Wanted,
};

/// Account of the throw-away session of a self-test.
const TEST_ACCOUNT: &str = "curfew-self-test";

impl Simulated {
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

#[async_trait]
impl SelfTest for Simulated {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let build = self.wire_policy().await?.build;
        let mut steps = Steps::default();
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
            tracing::info!("a self-test did not prove that ending works");
        }
        Ok(steps.proof(build))
    }
}
