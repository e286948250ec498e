//! The self-test of an actuator: a page of the settings opens a throw-away session, which is ended and proven dead.

use app::sessions::wire::SessionKind;
use async_trait::async_trait;
use data_encoding::BASE64;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};

use super::{Actuator, advise};
use crate::connectors::steps::Steps;
use crate::connectors::tomcat::bridge::is_id;
use crate::connectors::tomcat::self_test::click;
use crate::connectors::{Answer, ConnectorError, ErrorKind, Handle, Proof, SelfTest, Target};

/// The cookie that Spring Session keeps sessions by.
const COOKIE_NAME: &str = "SESSION";

/// The session of a cookie: its value in Base64, or as it is where the app has turned that off.
fn session(cookie: &SecretString) -> Option<Handle> {
    let value = cookie.expose_secret();
    let decoded = BASE64.decode(value.as_bytes()).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let id = decoded.filter(|id| is_id(id)).unwrap_or_else(|| value.to_owned());
    is_id(&id).then(|| Handle::new(id))
}

impl Actuator {
    /// Whether a session is there, whoever's it is.
    async fn is_there(&self, session: &Handle) -> Result<bool, ConnectorError> {
        let call = self.call("session", Method::GET, &["sessions", session.expose()]);
        let answered = call.send().await.map_err(|failed| advise(failed.error))?;
        match answered.status {
            404 => Ok(false),
            _ => answered.text().map(|_| true).map_err(advise),
        }
    }

    async fn end_visit(&self, session: &Handle) -> Result<Answer, ConnectorError> {
        let target = Target {
            handle: session.clone(),
            place: String::new(),
            kind: SessionKind::Guest,
            site: String::new(),
            account_id: String::new(),
            node: None,
        };
        Ok(self.delete(&target).await?)
    }
}

#[async_trait]
impl SelfTest for Actuator {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let Some(page) = &self.test_page else {
            return Err(ConnectorError::new(
                ErrorKind::Unsupported,
                "No test_page is set: name a page of the app that opens a session.",
            ));
        };
        let mut steps = Steps::default();
        let proof = |steps: Steps| steps.proof("Spring Boot\u{2019}s actuator");
        let opened = click(page, COOKIE_NAME, None).await;
        let cookie = opened.as_ref().ok().cloned().flatten();
        let visit = cookie.as_ref().and_then(session);
        let went = steps.note(
            "The test page opened a throw-away session",
            opened.map(|_| visit.is_some()),
            "It answered without a session cookie (SESSION): name a page that opens a session for whoever comes.",
        );
        let (true, Some(cookie), Some(visit)) = (went, cookie, visit) else {
            return Ok(proof(steps));
        };
        let found = steps.note(
            "The actuator knows it",
            self.is_there(&visit).await,
            "The actuator has no such session: is the page one of this app?",
        );
        if !found {
            return Ok(proof(steps));
        }
        let ended = steps.note(
            "The app was asked to end it",
            self.end_visit(&visit)
                .await
                .map(|answer| answer == Answer::Accepted),
            "The app did not say OK: management.endpoint.sessions.access must be unrestricted, and DELETE be allowed.",
        ) && steps.note(
            "The actuator knows it no more",
            self.is_there(&visit).await.map(|there| !there),
            "The app said OK, but the session is still there.",
        );
        if !ended {
            return Ok(proof(steps));
        }
        let clicked = click(page, COOKIE_NAME, Some(&cookie)).await;
        let next = clicked.as_ref().ok().cloned().flatten();
        let anew = next.as_ref().and_then(session);
        steps.note(
            "A click with it starts anew",
            clicked.map(|_| anew.as_ref().is_some_and(|anew| anew.expose() != visit.expose())),
            "It is gone, but the page took its cookie as before.",
        );
        // The click opened one more.
        if let Some(anew) = anew {
            self.end_visit(&anew).await?;
        }
        Ok(proof(steps))
    }
}
