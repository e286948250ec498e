//! The Manager's pages, which know what JMX does not: Tomcat's own sign-ins and each session's limit.

use reqwest::header::COOKIE;
use reqwest::{Client, Response, StatusCode};

use super::farm::{App, Role, Tomcat, Version, cookie, new_client, shared};
use super::fixture;

const NONCE: &str = "org.apache.catalina.filters.CSRF_NONCE";

/// A browser at the Manager's pages.
struct Pages<'a> {
    tomcat: &'a Tomcat,
    client: Client,
    cookie: Option<String>,
    nonce: String,
}

impl<'a> Pages<'a> {
    async fn open(tomcat: &'a Tomcat) -> Pages<'a> {
        let mut pages = Pages {
            tomcat,
            client: new_client(1),
            cookie: None,
            nonce: String::new(),
        };
        pages.get("/manager/html").await;
        pages
    }

    async fn get(&mut self, path: &str) -> String {
        let answer = self
            .send(self.client.get(format!("{}{path}", self.tomcat.url())))
            .await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        self.take(answer).await
    }

    /// The list of an app's sessions.
    async fn sessions(&mut self, app: &str) -> String {
        let path = format!("/manager/html/sessions?path={app}&{NONCE}={}", self.nonce);
        self.get(&path).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Response {
        let (name, password) = self.tomcat.user(Role::Gui);
        let mut request = request.basic_auth(name, Some(password));
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, format!("JSESSIONID={cookie}"));
        }
        request.send().await.unwrap()
    }

    /// Keeps cookie and nonce, as a browser does.
    async fn take(&mut self, answer: Response) -> String {
        if let Some(new) = cookie(&answer) {
            self.cookie = Some(new);
        }
        let body = answer.text().await.unwrap();
        let nonce = body.split_once(&format!("{NONCE}=")).unwrap().1;
        self.nonce = nonce[..32].to_owned();
        body
    }

    async fn end(&self, app: &str, ids: &[&str]) -> Response {
        let address = format!(
            "{}/manager/html/sessions?path={app}&version=&{NONCE}={}",
            self.tomcat.url(),
            self.nonce
        );
        let ids: String = ids.iter().map(|id| format!("&sessionIds={id}")).collect();
        let form = format!("action=invalidateSessions{ids}");
        let request = self
            .client
            .post(address)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        self.send(request).await
    }
}

#[tokio::test]
async fn tomcat_manager_pages_change_their_cookie_and_refuse_the_first_one() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/pages")).await;
        let alice = tomcat.open("/pages", "alice").await;
        let mut pages = Pages::open(tomcat).await;
        let first = pages.cookie.clone().unwrap();
        let list = pages.sessions("/pages").await;
        let second = pages.cookie.clone().unwrap();
        assert_ne!(first, second, "{version:?}");
        assert!(list.contains(&format!("value=\"{}\"", alice.id)), "{list}");

        pages.cookie = Some(first);
        assert_eq!(
            pages.end("/pages", &[&alice.id]).await.status(),
            StatusCode::FORBIDDEN
        );
        assert_eq!(alice.who().await.as_deref(), Some("alice"));
        pages.cookie = Some(second);
        let answer = pages.end("/pages", &[&alice.id]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body = answer.text().await.unwrap();
        assert!(
            body.contains("<div class=\"message\">1 sessions invalidated.</div>"),
            "{body}"
        );
        assert_eq!(alice.who().await, None);
    }
}

#[tokio::test]
async fn tomcat_manager_pages_show_container_sign_ins_and_limits() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        for (app, path) in [
            (App::form("/form2"), "/form2"),
            (App::basic("/basic2"), "/basic2"),
        ] {
            tomcat.deploy(app).await;
            let bob = tomcat.open(path, "bob").await;
            let mut pages = Pages::open(tomcat).await;
            let list = pages.sessions(path).await;
            let row = list
                .split("<tr>")
                .find(|row| row.contains(&bob.id))
                .unwrap_or_else(|| panic!("{list}"));
            assert!(row.contains(">bob<"), "{version:?} {path}: {row}");
            // What is left of 20 and 30 minutes.
            let left = if path == "/form2" {
                ["00:20:00", "00:19:5"]
            } else {
                ["00:30:00", "00:29:5"]
            };
            assert!(left.iter().any(|left| row.contains(left)), "{row}");
        }
    }
}

/// A thousand parameters are read, whatever was sent, and only the count tells; Tomcat 11 refuses the whole.
#[tokio::test]
async fn tomcat_manager_pages_drop_what_is_past_a_thousand_parameters() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        tomcat.deploy(App::plain("/many")).await;
        let open = tomcat.open_many("/many", 1005).await;
        let ids: Vec<&str> = open.iter().map(|session| &*session.id).collect();
        let mut pages = Pages::open(tomcat).await;
        pages.sessions("/many").await;
        let answer = pages.end("/many", &ids).await;
        if *version == Version::V11 {
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
            continue;
        }
        assert_eq!(answer.status(), StatusCode::OK, "{version:?}");
        let body = answer.text().await.unwrap();
        assert!(body.contains(">996 sessions invalidated.</div>"), "{version:?}");
    }
}

/// The page as a whole, for the parser: a person by an attribute, a visitor, and a limit of its own.
#[tokio::test]
async fn tomcat_manager_page_of_sessions_word_for_word() {
    for (version, name) in [(Version::V9, "manager-9.txt"), (Version::V10, "manager-10.txt")] {
        let tomcat = shared(version).await;
        tomcat.deploy(App::plain("/page")).await;
        let hostile = [("user", "<b>&amp; \"x\""), ("idle", "600")];
        tomcat.open_at("/page", "open.jsp", &hostile).await;
        let mut pages = Pages::open(tomcat).await;
        let list = pages.sessions("/page").await;
        fixture::hold(name, &list_alone(&list));
    }
}

/// The first page, cut to one app, for the parser.
#[tokio::test]
async fn tomcat_manager_page_of_apps_word_for_word() {
    for (version, name) in [
        (Version::V9, "manager-apps-9.txt"),
        (Version::V10, "manager-apps-10.txt"),
    ] {
        let tomcat = shared(version).await;
        tomcat.deploy(App::form("/first-page").version("2")).await;
        let mut pages = Pages::open(tomcat).await;
        let page = pages.get("/manager/html").await.replace("\r\n", "\n");
        let at = page.find("<a href=\"/first-page/\"").unwrap();
        let start = page[..at].rfind("<tr>").unwrap();
        // Every other row is green.
        let page = page.replace("#C3F3C3", "#FFFFFF");
        let end = at + page[at..].find("</form>\n </td>\n</tr>").unwrap() + "</form>\n </td>\n</tr>".len();
        fixture::hold(name, &format!("{}\n</table></body></html>\n", &page[start..end]));
    }
}

/// The table of sessions and what stands before it, with the moment taken out.
fn list_alone(page: &str) -> String {
    let start = page.find("<body").unwrap();
    let end = start + page[start..].find("</form>").unwrap() + "</form>".len();
    let table = page[start..end].replace("\r\n", "\n");
    table.lines().map(|line| format!("{}\n", moment(line))).collect()
}

/// Dates become the same date, and what has passed is no time at all; `0123456789ABCDEF…` stands for the nonce too.
fn moment(line: &str) -> String {
    let mut out = line.to_owned();
    for seconds in 1..10 {
        out = out.replace(&format!(">00:00:{seconds:02}<"), ">00:00:00<");
        out = out.replace(&format!(">00:09:{:02}<", 60 - seconds), ">00:10:00<");
    }
    for at in 0..out.len().saturating_sub(18) {
        let part = &out.as_bytes()[at..at + 19];
        let is_date = part
            .iter()
            .zip(b"2026-11-22 15:00:00")
            .all(|(is, like)| is == like || is.is_ascii_digit() && like.is_ascii_digit());
        if is_date {
            out.replace_range(at..at + 19, "2026-11-21 17:23:42");
        }
    }
    out
}
