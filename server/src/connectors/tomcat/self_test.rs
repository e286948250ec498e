//! Self-tests by a page of the settings: it opens a throw-away session, which is ended and proven dead.

use app::sessions::wire::SessionKind;
use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::COOKIE;
use secrecy::{ExposeSecret, SecretString};

use super::Tomcat;
use super::node::For;
use crate::connectors::http::Http;
use crate::connectors::steps::Steps;
use crate::connectors::{Answer, ConnectorError, EndSessions, ErrorKind, Handle, Proof, SelfTest, Target};

/// What a self-test asks of whatever keeps the sessions of the page.
#[async_trait]
pub(super) trait Keeper: Sync {
    /// The cookie that the page keeps its sessions by.
    const COOKIE: &str;
    /// Who is asked, as a sentence begins with it.
    const WHO: &str;
    /// What to look at where the page opened no session.
    const NO_COOKIE: &str;
    /// What to look at where the session is not found.
    const NOT_FOUND: &str;
    /// What to look at where ending is not accepted.
    const NOT_ACCEPTED: &str;

    /// The session of a cookie's value; `None` = it is none.
    fn session(cookie: &SecretString) -> Option<Handle>;

    /// The session as it would be asked for; `None` = it is not there.
    async fn find(&self, session: &Handle) -> Result<Option<Target>, ConnectorError>;

    async fn end_one(&self, session: &Target) -> Result<Answer, ConnectorError>;
}

/// A click on the page with this cookie's value, or without; the value it was given, if it was given one.
async fn click(
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

/// Opens a session by the page, finds it, ends it, finds it no more, and clicks with its cookie. `page` is `None` where
/// the settings name none.
pub(super) async fn test_by_page<K: Keeper>(
    keeper: &K,
    page: Option<&Http>,
    build: &str,
) -> Result<Proof, ConnectorError> {
    let Some(page) = page else {
        return Err(ConnectorError::new(
            ErrorKind::Unsupported,
            "No test_page is set: name a page of the app that opens a session.",
        ));
    };
    let mut steps = Steps::default();
    let opened = click(page, K::COOKIE, None).await;
    let cookie = opened.as_ref().ok().cloned().flatten();
    let session = cookie.as_ref().and_then(K::session);
    let went = steps.note(
        "The test page opened a throw-away session",
        opened.map(|_| session.is_some()),
        K::NO_COOKIE,
    );
    let (true, Some(cookie), Some(session)) = (went, cookie, session) else {
        return Ok(steps.proof(build));
    };
    let found = keeper.find(&session).await;
    let target = found.as_ref().ok().cloned().flatten();
    steps.note(
        &format!("{} lists it", K::WHO),
        found.map(|found| found.is_some()),
        K::NOT_FOUND,
    );
    let Some(target) = target else {
        return Ok(steps.proof(build));
    };
    let ended = steps.note(
        &format!("{} was asked to end it", K::WHO),
        keeper
            .end_one(&target)
            .await
            .map(|answer| answer == Answer::Accepted),
        K::NOT_ACCEPTED,
    ) && steps.note(
        &format!("{} lists it no more", K::WHO),
        keeper.find(&session).await.map(|found| found.is_none()),
        "OK was the answer, but the session is still there.",
    );
    if !ended {
        return Ok(steps.proof(build));
    }
    let clicked = click(page, K::COOKIE, Some(&cookie)).await;
    let anew = clicked
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .and_then(K::session);
    let anew = anew.filter(|anew| anew.expose() != session.expose());
    steps.note(
        "A click with it starts anew",
        clicked.map(|_| anew.is_some()),
        "It is off the list, but the page took its cookie as before.",
    );
    // The click opened one more.
    if let Some(handle) = anew {
        keeper.end_one(&Target { handle, ..target }).await?;
    }
    Ok(steps.proof(build))
}

#[async_trait]
impl Keeper for Tomcat {
    const COOKIE: &str = "JSESSIONID";
    const WHO: &str = "The server";
    const NO_COOKIE: &str =
        "It answered without a session cookie (JSESSIONID): name a page that opens a session.";
    const NOT_FOUND: &str = "No listed app has it: is the page one of the contexts, and of this server?";
    const NOT_ACCEPTED: &str = "The server did not say OK.";

    fn session(cookie: &SecretString) -> Option<Handle> {
        Some(Handle::new(cookie.expose_secret().to_owned()))
    }

    async fn find(&self, session: &Handle) -> Result<Option<Target>, ConnectorError> {
        for node in &self.nodes {
            let (chosen, managers) = node.managers(&self.contexts, For::Inventory).await?;
            for manager in managers {
                let ids = chosen.bridge.ids(&manager).await?;
                if ids.is_some_and(|ids| ids.iter().any(|id| id.expose() == session.expose())) {
                    return Ok(Some(Target {
                        handle: session.clone(),
                        place: manager.place,
                        kind: SessionKind::Web,
                        site: String::new(),
                        account_id: String::new(),
                        node: node.name.clone(),
                    }));
                }
            }
        }
        Ok(None)
    }

    async fn end_one(&self, session: &Target) -> Result<Answer, ConnectorError> {
        let answers = EndSessions::end(self, std::slice::from_ref(session)).await?;
        Ok(answers.into_iter().next().unwrap_or(Answer::NoAnswer))
    }
}

#[async_trait]
impl SelfTest for Tomcat {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let mut build = String::new();
        for node in &self.nodes {
            build = node.bridge().await?.introduced;
        }
        test_by_page(self, self.test_page.as_ref(), &build).await
    }
}
