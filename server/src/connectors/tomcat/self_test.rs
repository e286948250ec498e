//! The self-test of a Tomcat: a page of the settings opens a throw-away session, which is ended and proven dead.

use app::sessions::wire::SessionKind;
use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::COOKIE;
use secrecy::{ExposeSecret, SecretString};

use super::Tomcat;
use crate::connectors::http::Http;
use crate::connectors::steps::Steps;
use crate::connectors::{Answer, ConnectorError, EndSessions, ErrorKind, Handle, Proof, SelfTest, Target};

/// The cookie that servlet containers keep sessions by.
const COOKIE_NAME: &str = "JSESSIONID";

/// A click on the page with this cookie's value, or without; the value it was given, if it was given one.
pub(super) async fn click(
    page: &Http,
    cookie: &str,
    value: Option<&SecretString>,
) -> Result<Option<SecretString>, ConnectorError> {
    let mut call = page
        .call_as_written("test_page", Method::GET)
        .header("accept", "text/html, */*");
    if let Some(value) = value {
        let pair = SecretString::from(format!("{cookie}={}", value.expose_secret()));
        call = call.secret_header(COOKIE, &pair);
    }
    Ok(call.send().await?.cookie(cookie).cloned())
}

/// A click with a session of Tomcat's, or none; the session it was given, if it was given a new one.
async fn click_with(page: &Http, session: Option<&Handle>) -> Result<Option<Handle>, ConnectorError> {
    let value = session.map(|session| SecretString::from(session.expose().to_owned()));
    let given = click(page, COOKIE_NAME, value.as_ref()).await?;
    Ok(given.map(|value| Handle::new(value.expose_secret().to_owned())))
}

impl Tomcat {
    /// Where a session is: its node and the place of its app.
    async fn whereabouts(
        &self,
        session: &Handle,
    ) -> Result<Option<(Option<String>, String)>, ConnectorError> {
        for node in &self.nodes {
            let (chosen, managers) = node.managers(&self.contexts).await?;
            for manager in managers {
                let ids = chosen.bridge.ids(&manager).await?;
                let there = ids.is_some_and(|ids| ids.iter().any(|id| id.expose() == session.expose()));
                if there {
                    return Ok(Some((node.name.clone(), manager.place)));
                }
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl SelfTest for Tomcat {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let Some(page) = &self.test_page else {
            return Err(ConnectorError::new(
                ErrorKind::Unsupported,
                "No test_page is set: name a page of the app that opens a session.",
            ));
        };
        let mut steps = Steps::default();
        let mut build = String::new();
        for node in &self.nodes {
            build = node.bridge().await?.introduced;
        }
        let opened = click_with(page, None).await;
        let session = opened.as_ref().ok().cloned().flatten();
        let went = steps.note(
            "The test page opened a throw-away session",
            opened.map(|session| session.is_some()),
            "It answered without a session cookie (JSESSIONID): name a page that opens a session.",
        );
        let (true, Some(session)) = (went, session) else {
            return Ok(steps.proof(build));
        };
        let found = self.whereabouts(&session).await;
        let place = found.as_ref().ok().cloned().flatten();
        let went = steps.note(
            "It is listed",
            found.map(|place| place.is_some()),
            "No listed app has it: is the page one of the contexts, and of this server?",
        );
        let (true, Some((node, place))) = (went, place) else {
            return Ok(steps.proof(build));
        };
        let target = |handle: &Handle| Target {
            handle: handle.clone(),
            place: place.clone(),
            kind: SessionKind::Web,
            site: String::new(),
            account_id: String::new(),
            node: node.clone(),
        };
        let mut next = None;
        let went = steps.note(
            "The server was asked to end it",
            EndSessions::end(self, &[target(&session)])
                .await
                .map(|answers| answers.first() == Some(&Answer::Accepted)),
            "The server did not say OK.",
        ) && steps.note(
            "It is not listed any more",
            self.whereabouts(&session).await.map(|place| place.is_none()),
            "The server said OK, but its list still holds it.",
        ) && {
            let clicked = click_with(page, Some(&session)).await;
            next = clicked.as_ref().ok().cloned().flatten();
            steps.note(
                "A click with it starts anew",
                clicked.map(|given| given.is_some_and(|given| given.expose() != session.expose())),
                "It is off the list, but the page took its cookie as before.",
            )
        };
        // The click opened one more.
        if let Some(next) = next {
            EndSessions::end(self, &[target(&next)]).await?;
        }
        if !went {
            tracing::info!("a self-test did not prove that ending works");
        }
        Ok(steps.proof(build))
    }
}
