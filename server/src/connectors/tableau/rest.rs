//! Tableau's REST API over `connectors/http`: one sign-in that is kept and renewed, and the few calls Curfew makes.
//!
//! A personal access token holds one session, so nothing signs in per request. Wire facts: docs/systems/tableau.md.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderName;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::answers::{Fault, fault, text, tree};
use super::identity::Identity;
use crate::clock::{Clock, SystemClock};
use crate::connectors::http::{Answered, Call, CallError, Http, HttpSettings};
use crate::connectors::{Answer, ConnectorError, ErrorKind};

/// Carries the token of a sign-in.
const TOKEN: HeaderName = HeaderName::from_static("x-tableau-auth");
/// Version under which every server since 10.1 tells which it is.
const FIRST: Version = Version(2, 4);
/// Every site of Tableau Cloud is served below this name.
const CLOUD: &str = "online.tableau.com";

/// A version of the REST API: 3.10 is newer than 3.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub u32, pub u32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl std::str::FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.trim().split_once('.').ok_or(())?;
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => Ok(Self(major, minor)),
            _ => Err(()),
        }
    }
}

/// What the server says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerInfo {
    /// "2025.3.0"; empty = not said.
    pub product: String,
    /// Its build; empty = not said.
    pub build: String,
    /// Newest version of its REST API.
    pub version: Version,
}

impl ServerInfo {
    /// Release and build, for people; one text for one build.
    pub(super) fn words(&self) -> String {
        match (self.product.as_str(), self.build.as_str()) {
            ("", _) => format!("an old release, REST API {}", self.version),
            (product, "") => product.to_owned(),
            (product, build) => format!("{product} ({build})"),
        }
    }
}

/// The site role that Curfew's identity has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Server administrator.
    Administrator,
    /// Another one, as the server names it.
    Other(String),
    /// The server does not tell (before `sessions/current`).
    NotTold,
}

/// What the REST API allows, as far as it is known.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// It answered.
    Known(Known),
    /// It could not be asked: why, in a sentence.
    Unknown(String),
}

/// A server whose REST API answered.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub server: ServerInfo,
    /// Whom Curfew signs in as, for people.
    pub who: String,
    /// Its site role.
    pub role: Role,
    /// What Curfew's own session may be called in the repository.
    pub own: Vec<String>,
}

impl Standing {
    /// True for Curfew's own session.
    pub(super) fn is_own(&self, session_id: &str) -> bool {
        match self {
            Standing::Known(known) => known.own.iter().any(|own| own == session_id),
            Standing::Unknown(_) => false,
        }
    }
}

/// A session of ours over there.
#[derive(Clone)]
pub(super) struct Token(SecretString);

impl Token {
    /// What the repository may call it: the part in front of the secret, or the whole of an old one.
    pub(super) fn names(&self) -> Vec<String> {
        let whole = self.0.expose_secret();
        match whole.split_once('|') {
            Some((public, _)) => vec![public.to_owned(), whole.to_owned()],
            None => vec![whole.to_owned()],
        }
    }

    /// The token that an id of old is.
    pub(super) fn borrowed(id: &str) -> Self {
        Self(SecretString::from(id.to_owned()))
    }
}

/// What `sessions/current` says of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Current {
    /// It lives; the site role of its user.
    Alive(Role),
    /// It does not.
    Dead,
    /// The server has no such method.
    NoMethod,
}

/// What became of asking to end a session.
pub(super) enum Asked {
    /// The server answered.
    Said(Answer),
    /// Our own sign-in is not valid any more: nothing was asked.
    OurTokenIsDead,
}

/// The REST API of one server, for one identity.
pub(super) struct Rest {
    http: Http,
    pub(super) identity: Identity,
    /// contentUrl of the site to sign in at; empty = Default.
    site: String,
    /// Version to speak, where the server can't be asked for it.
    fixed: Option<Version>,
    /// Its address is one of Tableau Cloud's.
    cloud_by_name: bool,
    kept: Mutex<Kept>,
}

/// What is kept between calls.
#[derive(Default)]
struct Kept {
    server: Option<ServerInfo>,
    token: Option<Token>,
    /// The identity was refused: it is not tried again by itself.
    refused: Option<ConnectorError>,
}

impl Rest {
    /// A client; the error names the bad setting.
    pub(super) fn new(
        http: &HttpSettings,
        identity: Identity,
        site: &str,
        fixed: Option<Version>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            http: Http::new(http)?,
            cloud_by_name: is_of_cloud(&http.base),
            identity,
            site: site.to_owned(),
            fixed,
            kept: Mutex::default(),
        })
    }

    fn call(&self, name: &'static str, method: Method, version: Version, path: &[&str]) -> Call<'_> {
        let version = version.to_string();
        let mut segments = vec!["api", version.as_str()];
        segments.extend(path);
        self.http
            .call(name, method, &segments)
            .header("accept", "application/xml, application/json;q=0.9")
            .refusals_too()
    }

    /// What the server is; asked anew each time, because servers are upgraded.
    pub(super) async fn server(&self) -> Result<ServerInfo, ConnectorError> {
        let asked = self.fixed.unwrap_or(FIRST);
        let answered = self
            .call("server_info", Method::GET, asked, &["serverinfo"])
            .send()
            .await?;
        let server = match (answered.status, tree(&answered), self.fixed) {
            (200..=299, Some(tree), fixed) => {
                let said = |path: &[&str]| text(&tree, path).unwrap_or_default();
                let version = said(&["serverInfo", "restApiVersion"]).parse().ok();
                ServerInfo {
                    product: said(&["serverInfo", "productVersion"]),
                    build: said(&["serverInfo", "productVersion", "build"]),
                    version: fixed.or(version).ok_or_else(|| not_tableau(&answered))?,
                }
            }
            // Before 10.1 no server tells its version.
            (404, _, Some(version)) => ServerInfo {
                product: String::new(),
                build: String::new(),
                version,
            },
            (404, Some(_), None) => {
                return Err(ConnectorError::new(
                    ErrorKind::Unsupported,
                    "It does not tell its version: it is older than 10.1. Name the REST version as api_version, such as \
                     \"2.3\".",
                ));
            }
            _ => return Err(unexpected(&answered)),
        };
        self.kept.lock().await.server = Some(server.clone());
        Ok(server)
    }

    /// Our session there, signed in where there is none.
    pub(super) async fn token(&self) -> Result<(Version, Token), ConnectorError> {
        self.other_than(None).await
    }

    /// Our session there, after `dead` was found not to be valid any more.
    pub(super) async fn renewed(&self, dead: &Token) -> Result<(Version, Token), ConnectorError> {
        self.other_than(Some(dead)).await
    }

    async fn other_than(&self, dead: Option<&Token>) -> Result<(Version, Token), ConnectorError> {
        let known = self.kept.lock().await.server.clone();
        let version = match known {
            Some(server) => server.version,
            None => self.server().await?.version,
        };
        let mut kept = self.kept.lock().await;
        if let Some(refused) = &kept.refused {
            return Err(refused.clone());
        }
        let is_dead = |token: &Token| dead.is_some_and(|d| d.0.expose_secret() == token.0.expose_secret());
        if let Some(token) = kept.token.as_ref().filter(|token| !is_dead(token)) {
            return Ok((version, token.clone()));
        }
        kept.token = None;
        match self.sign_in(version).await {
            Ok(token) => {
                kept.token = Some(token.clone());
                Ok((version, token))
            }
            Err(error) => {
                if error.kind == ErrorKind::Unauthorized {
                    kept.refused = Some(error.clone());
                }
                Err(error)
            }
        }
    }

    /// Forgets that the identity was refused: a person tests.
    pub(super) async fn try_again(&self) {
        self.kept.lock().await.refused = None;
    }

    /// A session of its own, which nothing keeps.
    pub(super) async fn sign_in(&self, version: Version) -> Result<Token, ConnectorError> {
        let body = self.identity.sign_in_body(&self.site, SystemClock.now());
        let answered = self
            .call("sign_in", Method::POST, version, &["auth", "signin"])
            .xml_text(body)
            .send()
            .await?;
        let said = fault(&answered);
        match answered.status {
            200..=299 => {
                let token = tree(&answered).and_then(|tree| text(&tree, &["credentials", "token"]));
                token
                    .filter(|token| !token.is_empty())
                    .map(|token| Token(SecretString::from(token)))
                    .ok_or_else(|| not_tableau(&answered))
            }
            // Turned away by something in front of it, or by itself: never tried again by itself either way.
            401 => Err(ConnectorError::new(
                ErrorKind::Unauthorized,
                format!(
                    "Tableau did not let {} in{}. It is not tried again by itself: mend it, then press Test.",
                    self.identity.words(),
                    said.as_ref().map_or(String::new(), why_refused)
                ),
            )),
            404 if said.as_ref().is_some_and(|said| said.code == "404000") => Err(ConnectorError::new(
                ErrorKind::Protocol,
                "There is no site of that name to sign in at: check the site setting.",
            )),
            _ => Err(unexpected(&answered)),
        }
    }

    /// Whether a session lives, and whose it is.
    pub(super) async fn current(&self, version: Version, token: &Token) -> Result<Current, ConnectorError> {
        let answered = self
            .call("current", Method::GET, version, &["sessions", "current"])
            .secret_header(TOKEN, &token.0)
            .send()
            .await?;
        match (answered.status, fault(&answered)) {
            (200..=299, _) => {
                let tree = tree(&answered).ok_or_else(|| not_tableau(&answered))?;
                let role = text(&tree, &["session", "user", "siteRole"]);
                Ok(Current::Alive(match role {
                    Some(role) if role == "ServerAdministrator" => Role::Administrator,
                    Some(role) => Role::Other(role),
                    None => Role::NotTold,
                }))
            }
            (401, Some(_)) => Ok(Current::Dead),
            (404, Some(said)) if ["404001", "404003"].contains(&said.code.as_str()) => Ok(Current::NoMethod),
            (405, _) => Ok(Current::NoMethod),
            _ => Err(unexpected(&answered)),
        }
    }

    /// What the REST API allows now; signs in where nobody is.
    pub(super) async fn standing(&self) -> Result<Known, ConnectorError> {
        let server = self.server().await?;
        let (version, mut token) = self.token().await?;
        let mut current = self.current(version, &token).await?;
        if current == Current::Dead {
            (_, token) = self.renewed(&token).await?;
            current = self.current(version, &token).await?;
        }
        let role = match current {
            Current::Alive(role) => role,
            Current::NoMethod => Role::NotTold,
            Current::Dead => return Err(never_valid()),
        };
        Ok(Known {
            server,
            who: self.identity.words(),
            role,
            own: token.names(),
        })
    }

    /// Whether this is Tableau Cloud: by its name, else because it refuses to list sites.
    pub(super) async fn is_cloud(&self) -> Result<bool, ConnectorError> {
        if self.cloud_by_name {
            return Ok(true);
        }
        let (version, token) = self.token().await?;
        let answered = self
            .call("sites", Method::GET, version, &["sites"])
            .query(&[("pageSize", "1")])
            .secret_header(TOKEN, &token.0)
            .send()
            .await?;
        Ok(fault(&answered).is_some_and(|said| said.code == "403069"))
    }

    /// Asks to end a session by what the repository calls it.
    pub(super) async fn delete(&self, version: Version, token: &Token, id: &str) -> Result<Asked, CallError> {
        if id.eq_ignore_ascii_case("current") || id.contains('|') {
            return Ok(Asked::Said(Answer::Refused(
                "Its id can\u{2019}t be written into an address; nothing was asked.".to_owned(),
            )));
        }
        let answered = self
            .call("end", Method::DELETE, version, &["sessions", id])
            .secret_header(TOKEN, &token.0)
            .send()
            .await?;
        let said = fault(&answered);
        let code = said.as_ref().map_or("", |said| said.code.as_str());
        Ok(Asked::Said(match (answered.status, code) {
            (200..=299, _) if is_empty(&answered) => Answer::Accepted,
            (401, "401002" | "401000") => return Ok(Asked::OurTokenIsDead),
            (404, "404029") => Answer::NotFound,
            (404, "404001" | "404003") | (405, _) => Answer::Refused(format!(
                "Its REST API {version} has no method to end sessions: that came with 3.9, Server 2020.3."
            )),
            (400 | 401 | 404, "400105" | "400000" | "401001" | "404000" | "404002") => {
                Answer::Refused(in_its_words("It did not end it", said.as_ref()))
            }
            (403, _) if !answered.is_page() => Answer::Refused(format!(
                "{}: Curfew signs in as {}, and only server administrators may end the sessions of others.",
                in_its_words("It does not allow it", said.as_ref()).trim_end_matches('.'),
                self.identity.words()
            )),
            // A fault of the server, or a gateway in front of it: what became of it only a list can tell.
            _ => Answer::NoAnswer,
        }))
    }

    /// Signs out by the token itself: the way to end a session whose id is its token.
    pub(super) async fn sign_out(&self, version: Version, token: &Token) -> Result<Answer, CallError> {
        let answered = self
            .call("sign_out", Method::POST, version, &["auth", "signout"])
            .secret_header(TOKEN, &token.0)
            .xml_text(String::new())
            .send()
            .await?;
        let code = fault(&answered).map(|said| said.code);
        Ok(match (answered.status, code.as_deref()) {
            (200..=299, _) if is_empty(&answered) => Answer::Accepted,
            // It has ended, or this id is no token: the list tells which.
            (401, Some("401002" | "401000")) => Answer::NotFound,
            _ => Answer::NoAnswer,
        })
    }
}

/// True for an address of Tableau Cloud's: `https://eu-west-1a.online.tableau.com`.
fn is_of_cloud(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest
        .split(['/', ':', '?'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    host == CLOUD || host.ends_with(&format!(".{CLOUD}"))
}

/// Settings of the HTTP client of a server.
pub(super) fn http_settings(
    url: &str,
    timeout: Duration,
    connections: usize,
    pace: Duration,
    ca_file: Option<std::path::PathBuf>,
) -> HttpSettings {
    HttpSettings {
        base: url.to_owned(),
        timeout,
        connections,
        pace,
        ca_file,
        longest_answer: 1 << 20,
        cookies: false,
    }
}

/// True for an answer without words: a page in its place is a gateway's.
fn is_empty(answered: &Answered) -> bool {
    answered.bytes().trim_ascii().is_empty()
}

fn in_its_words(what: &str, said: Option<&Fault>) -> String {
    match said {
        Some(said) if said.summary.is_empty() => format!("{what} (code {}).", said.code),
        Some(said) => format!("{what}: \u{201c}{}\u{201d} (code {}).", said.summary, said.code),
        None => format!("{what}."),
    }
}

/// Why a sign-in was refused, as far as the server tells.
fn why_refused(said: &Fault) -> String {
    let cause = match said.app_error {
        Some(5) => ": it knows no such user",
        Some(16) => ": the user is not known there, or the clocks differ",
        Some(67) => ": connected apps are switched off there",
        Some(126) => ": it has no such connected app, or it is disabled (client_id)",
        Some(127) => ": the connected app has no such secret (secret_id)",
        Some(10083 | 10084) => ": it can\u{2019}t read the token of the connected app (secret)",
        _ => ": the secret is wrong, expired or withdrawn",
    };
    format!("{cause} (code {})", said.code)
}

fn never_valid() -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Protocol,
        "A session that was just signed in is not valid: does somebody else use the same access token? It holds one \
         session at a time.",
    )
}

fn not_tableau(answered: &Answered) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Protocol,
        format!(
            "Its answer (status {}) is not one of Tableau\u{2019}s REST API: check the url setting.",
            answered.status
        ),
    )
}

/// The error of an answer that this call does not expect.
fn unexpected(answered: &Answered) -> ConnectorError {
    let said = fault(answered);
    match (answered.status, &said) {
        (500..=599, _) => ConnectorError::new(
            ErrorKind::Unreachable,
            format!("It reported a fault of its own (status {}).", answered.status),
        ),
        (_, None) => not_tableau(answered),
        (401, Some(_)) => ConnectorError::new(
            ErrorKind::Unauthorized,
            in_its_words("It did not accept Curfew\u{2019}s identity", said.as_ref()),
        ),
        (403, Some(_)) => ConnectorError::new(
            ErrorKind::Forbidden,
            in_its_words("It does not allow this", said.as_ref()),
        ),
        (_, Some(_)) => ConnectorError::new(
            ErrorKind::Protocol,
            in_its_words("It did not do what was asked", said.as_ref()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tableau_cloud_is_known_by_its_name() {
        for cloud in [
            "https://eu-west-1a.online.tableau.com",
            "https://10AY.Online.Tableau.com/",
        ] {
            assert!(is_of_cloud(cloud), "{cloud}");
        }
        for server in [
            "https://tableau.example.org",
            "https://online.tableau.com.example.org",
            "https://notonline.tableau.com",
        ] {
            assert!(!is_of_cloud(server), "{server}");
        }
    }
}
