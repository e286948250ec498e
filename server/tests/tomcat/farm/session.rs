//! What people do at a web app: sign in, look, get a new session id, leave.

use futures::stream::{self, StreamExt};
use reqwest::{Client, Url};

use super::{Tomcat, client, new_client};

/// Somebody's session, as their browser holds it.
#[derive(Clone, Debug)]
pub struct OpenSession {
    pub id: String,
    /// The header `Cookie`.
    pub cookie: String,
    /// The app's address, without the last slash.
    address: String,
    /// The attribute with the person.
    attribute: String,
}

impl Tomcat {
    /// Signs `user` in at the app of this path.
    pub async fn open(&self, app: &str, user: &str) -> OpenSession {
        self.open_with(app, &[("user", user)]).await
    }

    /// Opens a session with the parameters of that app's `open.jsp`.
    pub async fn open_with(&self, app: &str, parameters: &[(&str, &str)]) -> OpenSession {
        open(client(), &self.url(), app, parameters).await
    }

    /// So many sessions of `user1`, `user2` and so on, a few at a time.
    pub async fn open_many(&self, app: &str, count: usize) -> Vec<OpenSession> {
        let (client, base) = (new_client(8), self.url());
        stream::iter(1..=count)
            .map(|n| {
                let (client, base) = (client.clone(), base.clone());
                async move { open(&client, &base, app, &[("user", &format!("user{n}"))]).await }
            })
            .buffered(8)
            .collect()
            .await
    }
}

async fn open(client: &Client, base: &str, app: &str, parameters: &[(&str, &str)]) -> OpenSession {
    let address = format!("{base}{app}");
    let id = text(client, &format!("{address}/open.jsp"), parameters, None).await;
    let attribute = parameters.iter().find(|(name, _)| *name == "attr");
    OpenSession {
        cookie: format!("JSESSIONID={id}"),
        id,
        address,
        attribute: attribute.map_or("user", |(_, value)| value).to_owned(),
    }
}

impl OpenSession {
    /// Who the app takes this browser for; empty = a visitor, `None` = its session is gone.
    pub async fn who(&self) -> Option<String> {
        let answer = self.ask("who.jsp", &[("attr", &self.attribute)]).await;
        match answer.strip_prefix("session:") {
            Some(user) => Some(user.to_owned()),
            None => {
                assert_eq!(answer, "none");
                None
            }
        }
    }

    /// The app gives the same session a new id, as apps do at sign-in.
    pub async fn rotate(&mut self) {
        self.id = self.ask("rotate.jsp", &[]).await;
        self.cookie = format!("JSESSIONID={}", self.id);
    }

    /// The person signs out.
    pub async fn close(&self) {
        assert_eq!(self.ask("close.jsp", &[]).await, "closed");
    }

    /// What a page of the app says to this browser.
    pub async fn ask(&self, page: &str, parameters: &[(&str, &str)]) -> String {
        let address = format!("{}/{page}", self.address);
        text(client(), &address, parameters, Some(&self.cookie)).await
    }
}

async fn text(client: &Client, address: &str, parameters: &[(&str, &str)], cookie: Option<&str>) -> String {
    let url = Url::parse_with_params(address, parameters).unwrap();
    let mut request = client.get(url);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let body = answer.text().await.unwrap();
    assert!(status.is_success(), "{address}: {status}\n{body}");
    body.trim_end().to_owned()
}
