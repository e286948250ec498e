//! What the self-test by a page asks of an actuator.

use app::sessions::wire::SessionKind;
use async_trait::async_trait;
use data_encoding::BASE64;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};

use super::{Actuator, advise};
use crate::connectors::tomcat::bridge::is_id;
use crate::connectors::tomcat::self_test::{Keeper, test_by_page};
use crate::connectors::{Answer, ConnectorError, Handle, Proof, SelfTest, Target};

#[async_trait]
impl Keeper for Actuator {
    const COOKIE: &str = "SESSION";
    const WHO: &str = "The actuator";
    const NO_COOKIE: &str =
        "It answered without a session cookie (SESSION): name a page that opens a session for whoever comes.";
    const NOT_FOUND: &str = "The actuator has no such session: is the page one of this app?";
    const NOT_ACCEPTED: &str =
        "It did not say OK: management.endpoint.sessions.access must be unrestricted, and DELETE be allowed.";

    /// The cookie's value in Base64, or as it is where the app has turned that off.
    fn session(cookie: &SecretString) -> Option<Handle> {
        let value = cookie.expose_secret();
        let decoded = BASE64.decode(value.as_bytes()).ok();
        let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let id = decoded.filter(|id| is_id(id)).unwrap_or_else(|| value.to_owned());
        is_id(&id).then(|| Handle::new(id))
    }

    /// Whosever it is.
    async fn find(&self, session: &Handle) -> Result<Option<Target>, ConnectorError> {
        let call = self.call("session", Method::GET, &["sessions", session.expose()]);
        let answered = call.send().await.map_err(|failed| advise(failed.error))?;
        if answered.status == 404 {
            return Ok(None);
        }
        answered.text().map_err(advise)?;
        Ok(Some(Target {
            handle: session.clone(),
            place: String::new(),
            kind: SessionKind::Guest,
            site: String::new(),
            account_id: String::new(),
            node: None,
        }))
    }

    async fn end_one(&self, session: &Target) -> Result<Answer, ConnectorError> {
        Ok(self.delete(session).await?)
    }
}

#[async_trait]
impl SelfTest for Actuator {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        test_by_page(self, self.test_page.as_ref(), "Spring Boot\u{2019}s actuator").await
    }
}
