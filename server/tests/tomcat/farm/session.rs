//! What people do at a web app: sign in, look, get a new session id, leave.

use futures::stream::{self, StreamExt};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, Url};

use super::options::SignIn;
use super::{Tomcat, client, new_client};

/// Somebody's session, as their browser holds it.
#[derive(Clone, Debug)]
pub struct OpenSession {
    pub id: String,
    /// The header `Cookie`.
    pub cookie: String,
    /// The app's address, without the last slash.
    address: String,
    /// Name and password, which this browser sends with every request.
    basic: Option<(String, String)>,
}

impl Tomcat {
    /// Signs `user` in at the app of this path, the way this app wants it.
    pub async fn open(&self, app: &str, user: &str) -> OpenSession {
        let password = format!("{user}-Secret");
        match self.sign_in(app) {
            SignIn::Own => self.open_at(app, "open.jsp", &[("user", user)]).await,
            SignIn::Form => self.open_by_form(app, user, &password).await,
            SignIn::Basic => {
                let mut session = OpenSession::at(self, app);
                session.basic = Some((user.to_owned(), password));
                session.take_id_from("open.jsp", &[]).await;
                // The first session was made after the password was checked; the next request checks it again, writes
                // the person into the session and changes its id.
                let next = session.request(client(), "who.jsp", &[]).send().await.unwrap();
                session.has_id(cookie(&next).expect("the second request changes the id"));
                session
            }
        }
    }

    /// Opens a session by a page that prints its id.
    pub async fn open_at(&self, app: &str, page: &str, parameters: &[(&str, &str)]) -> OpenSession {
        let mut session = OpenSession::at(self, app);
        session.take_id_from(page, parameters).await;
        session
    }

    /// The browser of `session` comes to another app of the server and signs in there, with the cookie it has.
    pub async fn open_with(&self, session: &OpenSession, app: &str, user: &str) -> OpenSession {
        let mut other = OpenSession::at(self, app);
        other.cookie.clone_from(&session.cookie);
        other.take_id_from("open.jsp", &[("user", user)]).await;
        other
    }

    /// So many sessions of `user1`, `user2` and so on at an app with its own sign-in, a few at a time.
    pub async fn open_many(&self, app: &str, count: usize) -> Vec<OpenSession> {
        let client = new_client(8);
        stream::iter(1..=count)
            .map(|n| {
                let (client, mut session) = (client.clone(), OpenSession::at(self, app));
                async move {
                    let user = format!("user{n}");
                    let request = session.request(&client, "open.jsp", &[("user", &user)]);
                    session.has_id(text(request).await);
                    session
                }
            })
            .buffered(8)
            .collect()
            .await
    }

    /// As a browser does: asked for a page, shown the sign-in page, sent back to the page with a new id.
    async fn open_by_form(&self, app: &str, user: &str, password: &str) -> OpenSession {
        let mut session = OpenSession::at(self, app);
        let shown = session.request(client(), "who.jsp", &[]).send().await.unwrap();
        session.has_id(cookie(&shown).expect("the sign-in page sets a cookie"));
        let fields = [("j_username", user), ("j_password", password)];
        let answer = client()
            .post(session.url("j_security_check", &fields))
            .header(COOKIE, &session.cookie)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_redirection(), "{user}: {}", answer.status());
        session.has_id(cookie(&answer).expect("signing in changes the id"));
        assert_eq!(session.who().await.as_deref(), Some(user));
        session
    }
}

impl OpenSession {
    fn at(tomcat: &Tomcat, app: &str) -> OpenSession {
        OpenSession {
            id: String::new(),
            cookie: String::new(),
            address: format!("{}{app}", tomcat.url()),
            basic: None,
        }
    }

    /// Who the app takes this browser for; empty = a visitor, `None` = nobody, it has to sign in again.
    pub async fn who(&self) -> Option<String> {
        let answer = self.ask("who.jsp", &[]).await;
        match answer.strip_prefix("session:") {
            Some(user) => Some(user.to_owned()),
            None => {
                assert!(
                    answer == "none" || answer.contains("<h1>Sign in</h1>"),
                    "{answer}"
                );
                None
            }
        }
    }

    /// The app gives the same session a new id, as apps do at sign-in.
    pub async fn rotate(&mut self) {
        self.take_id_from("rotate.jsp", &[]).await;
    }

    /// The person signs out.
    pub async fn close(&self) {
        assert_eq!(self.ask("close.jsp", &[]).await, "closed");
    }

    /// What a page of the app says to this browser.
    pub async fn ask(&self, page: &str, parameters: &[(&str, &str)]) -> String {
        text(self.request(client(), page, parameters)).await
    }

    /// Asks for a page that prints the id which this browser has from then on.
    pub async fn take_id_from(&mut self, page: &str, parameters: &[(&str, &str)]) {
        let id = self.ask(page, parameters).await;
        self.has_id(id);
    }

    fn has_id(&mut self, id: String) {
        assert!(id.len() >= 32, "not an id: {id}");
        self.cookie = format!("JSESSIONID={id}");
        self.id = id;
    }

    fn url(&self, page: &str, parameters: &[(&str, &str)]) -> Url {
        let mut url = Url::parse(&format!("{}/{page}", self.address)).unwrap();
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }

    fn request(&self, client: &Client, page: &str, parameters: &[(&str, &str)]) -> RequestBuilder {
        let mut request = client.get(self.url(page, parameters));
        if !self.cookie.is_empty() {
            request = request.header(COOKIE, &self.cookie);
        }
        if let Some((name, password)) = &self.basic {
            request = request.basic_auth(name, Some(password));
        }
        request
    }
}

/// The session id that an answer sets.
pub fn cookie(answer: &Response) -> Option<String> {
    answer.headers().get_all(SET_COOKIE).iter().find_map(|value| {
        let value = value.to_str().ok()?.strip_prefix("JSESSIONID=")?;
        Some(value.split(';').next()?.to_owned())
    })
}

async fn text(request: RequestBuilder) -> String {
    let answer = request.send().await.unwrap();
    let (status, address) = (answer.status(), answer.url().path().to_owned());
    let body = answer.text().await.unwrap();
    assert!(status.is_success(), "{address}: {status}\n{body}");
    body.trim_end().to_owned()
}
