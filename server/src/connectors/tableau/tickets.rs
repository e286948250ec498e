//! Letting people in: trusted tickets (`POST /trusted`) and connected apps with direct trust. Facts: docs/broker.md.
//!
//! `/trusted` takes no identity: Tableau looks at the address that asks. So nothing here can lock an account, and a node
//! that fails is only asked last for a while. A refusal (`-1`) would be the same on every node and is handed on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use app::tickets::wire::TicketGrant;
use app::wire::Timestamp;
use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::config::SecretRef;
use crate::connectors::http::{Http, HttpSettings};
use crate::connectors::{ErrorKind, IssueTicket, NodeHealth, TicketAnswer, TicketFor, TicketSaid};
use crate::domain::ticket::{Reply, classify, in_path};
use crate::keys::{hmac_sha256, random_id};

mod readiness;

/// A node that failed is asked last so long, seconds.
const LAST_FOR_S: i64 = 30;
/// Longest answer that is read, bytes: a ticket has 49, a page is told by its beginning.
const LONGEST_ANSWER: usize = 64 << 10;
/// A connected app's token lives so long, seconds; Tableau takes at most 600.
const TOKEN_S: i64 = 300;
/// Clocks may differ by so much, seconds: tokens count from then on.
const EARLIER_S: i64 = 5;

/// Settings of trusted tickets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustedSettings {
    /// Addresses that are asked, in this order: "https://node1", "https://node2:8443".
    pub nodes: Vec<String>,
    /// The view by which a browser redeems a ticket, per site: "Workbook/View". Cheapest is an empty one.
    #[serde(default)]
    pub login_view: BTreeMap<String, String>,
    /// The address browsers know. Default: the system's url, else the first node.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Requests for tickets at the same time, per node. Default 32.
    #[serde(default = "thirty_two")]
    pub connections: usize,
    /// PEM file of the only authorities to trust at the nodes. Default: the system's ca_file.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

const fn thirty_two() -> usize {
    32
}

/// Settings of a connected app.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectedAppSettings {
    /// Its client id.
    pub client_id: String,
    /// Its secrets, newest first: the first signs, the second is there while Tableau learns the first.
    pub secrets: Vec<AppSecret>,
    /// What its tokens allow. Default: embedded views.
    #[serde(default = "embed")]
    pub scopes: Vec<String>,
    /// The address browsers know. Default: the system's url.
    #[serde(default)]
    pub public_url: Option<String>,
}

fn embed() -> Vec<String> {
    vec!["tableau:views:embed".to_owned()]
}

/// A secret of a connected app.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppSecret {
    /// Its id in Tableau.
    pub id: String,
    /// Its value, by reference.
    pub value: SecretRef,
}

/// An address that is asked for tickets.
struct Node {
    address: String,
    http: Http,
    /// Until when it is asked last, and why.
    failed: Mutex<Option<(Timestamp, String)>>,
}

/// Signs for a connected app.
struct ConnectedApp {
    client_id: String,
    secret_id: String,
    secret: SecretString,
    scopes: Vec<String>,
}

/// What a Tableau lets people in by.
pub(super) struct Tickets {
    nodes: Vec<Node>,
    login_view: BTreeMap<String, String>,
    /// Without a slash at the end.
    public_url: String,
    connected_app: Option<ConnectedApp>,
}

/// What a connected app's token says (facts: docs/broker.md).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    scp: &'a [String],
}

#[derive(Serialize)]
struct Head<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
    iss: &'a str,
}

impl Tickets {
    /// From the settings; `None` = they name neither way.
    pub(super) fn new(
        trusted: Option<&TrustedSettings>,
        connected_app: Option<&ConnectedAppSettings>,
        url: Option<&str>,
        timeout: Duration,
        ca_file: Option<&PathBuf>,
    ) -> anyhow::Result<Option<Self>> {
        if trusted.is_none() && connected_app.is_none() {
            return Ok(None);
        }
        let mut nodes = Vec::new();
        for address in trusted.map_or(&[][..], |t| &t.nodes) {
            nodes.push(node(address, trusted, timeout, ca_file)?);
        }
        anyhow::ensure!(
            trusted.is_none() || !nodes.is_empty(),
            "trusted.nodes: name at least one address, e.g. [\"https://tableau1.example.org\"]"
        );
        let login_view = trusted.map(|t| t.login_view.clone()).unwrap_or_default();
        for (site, view) in &login_view {
            let parts: Vec<&str> = view.split('/').collect();
            let good = |part: &&str| {
                !part.is_empty()
                    && part
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            };
            anyhow::ensure!(
                parts.len() == 2 && parts.iter().all(good),
                "trusted.login_view: \"{view}\" (site \"{site}\"): write it as Workbook/View, as in Tableau's addresses"
            );
        }
        let public_url = trusted
            .and_then(|t| t.public_url.as_deref())
            .or(connected_app.and_then(|app| app.public_url.as_deref()))
            .or(url)
            .or(nodes.first().map(|node| node.address.as_str()));
        let Some(public_url) = public_url else {
            anyhow::bail!("connected_app.public_url: name the address browsers know, or the system's url");
        };
        let good = (public_url.starts_with("https://") || public_url.starts_with("http://"))
            && !public_url.contains(['?', '#', ' ', '"', '<']);
        anyhow::ensure!(good, "public_url: write it as https://tableau.example.org");
        let public_url = public_url.trim_end_matches('/').to_owned();
        Ok(Some(Self {
            nodes,
            login_view,
            public_url,
            connected_app: connected_app.map(ConnectedApp::new).transpose()?,
        }))
    }

    /// In the order they are asked: those in order first, then those that failed longest ago.
    fn in_turn(&self, now: Timestamp) -> Vec<&Node> {
        let mut nodes: Vec<(Timestamp, &Node)> = self
            .nodes
            .iter()
            .map(|node| {
                (
                    node.last_until(now).map_or(Timestamp(0), |(until, _)| until),
                    node,
                )
            })
            .collect();
        nodes.sort_by_key(|(until, _)| *until);
        nodes.into_iter().map(|(_, node)| node).collect()
    }
}

fn node(
    address: &str,
    trusted: Option<&TrustedSettings>,
    timeout: Duration,
    ca_file: Option<&PathBuf>,
) -> anyhow::Result<Node> {
    let connections = trusted.map_or(1, |t| t.connections).clamp(1, 512);
    let ca_file = trusted.and_then(|t| t.ca_file.as_ref()).or(ca_file).cloned();
    let http = Http::new(&HttpSettings {
        base: address.to_owned(),
        timeout,
        connections,
        pace: Duration::ZERO,
        ca_file,
        longest_answer: LONGEST_ANSWER,
        cookies: false,
    })
    .map_err(|cause| anyhow::anyhow!("trusted.nodes \"{address}\": {cause:#}"))?;
    Ok(Node {
        address: address.trim_end_matches('/').to_owned(),
        http,
        failed: Mutex::default(),
    })
}

impl Node {
    fn last_until(&self, now: Timestamp) -> Option<(Timestamp, String)> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.clone().filter(|(until, _)| *until > now)
    }

    fn note(&self, trouble: Option<String>, now: Timestamp) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        *failed = trouble.map(|words| (now.plus_seconds(LAST_FOR_S), words));
    }

    async fn ask(&self, wanted: &TicketFor<'_>) -> TicketSaid {
        let mut form = vec![("username", wanted.user)];
        // For the Default site the field is left out: the documentation requires it for other sites only.
        if !wanted.site.is_empty() {
            form.push(("target_site", wanted.site));
        }
        if let Some(ip) = wanted.client_ip {
            form.push(("client_ip", ip));
        }
        let answered = self
            .http
            .call("trusted", Method::POST, &["trusted"])
            .header("accept", "text/plain, */*")
            .refusals_too()
            .redirects_too()
            .form(form)
            .send()
            .await;
        let answered = match answered {
            Ok(answered) => answered,
            Err(failed) if failed.error.kind == ErrorKind::Unreachable => {
                return TicketSaid::Unreachable(failed.error.message);
            }
            Err(failed) => return TicketSaid::Odd(failed.error.message),
        };
        match classify(answered.status, answered.is_page(), answered.bytes()) {
            Reply::Ticket(ticket) => TicketSaid::Ticket(SecretString::from(ticket.to_owned())),
            Reply::Refused => TicketSaid::Refused,
            Reply::Html => TicketSaid::Html,
            Reply::Status(status) => TicketSaid::Odd(format!("It answered with status {status}.")),
            Reply::Empty => TicketSaid::Odd("Its answer was empty.".to_owned()),
            Reply::Unknown => {
                TicketSaid::Odd("Its answer has the shape of no ticket Curfew knows.".to_owned())
            }
        }
    }
}

#[async_trait]
impl IssueTicket for Tickets {
    async fn ticket(&self, wanted: &TicketFor<'_>, now: Timestamp) -> TicketAnswer {
        let mut worst: Option<TicketAnswer> = None;
        for node in self.in_turn(now) {
            let said = node.ask(wanted).await;
            let trouble = match &said {
                TicketSaid::Ticket(_) | TicketSaid::Refused => None,
                TicketSaid::Html => Some("It sent a web page instead of a ticket.".to_owned()),
                TicketSaid::Unreachable(words) | TicketSaid::Odd(words) => Some(words.clone()),
            };
            let failed = trouble.is_some();
            node.note(trouble, now);
            let answer = TicketAnswer {
                node: Some(node.address.clone()),
                said,
            };
            if !failed {
                return answer;
            }
            tracing::warn!(
                node = node.address,
                "a Tableau address gave no ticket; it is asked last for a while"
            );
            // An answer, however odd, tells more than none.
            let tells_more = !matches!(answer.said, TicketSaid::Unreachable(_));
            if worst.is_none() || tells_more {
                worst = Some(answer);
            }
        }
        worst.unwrap_or(TicketAnswer {
            node: None,
            said: TicketSaid::Unreachable("The settings name no address to ask (trusted.nodes).".to_owned()),
        })
    }

    fn token(&self, user: &str, now: Timestamp) -> Result<(SecretString, Timestamp), String> {
        let app = self.connected_app.as_ref();
        let app = app.ok_or_else(|| "connected_app is missing in the system's settings.".to_owned())?;
        let expires_at = Timestamp(now.0 - now.0.rem_euclid(1000)).plus_seconds(TOKEN_S);
        let token = app
            .sign(user, now, expires_at)
            .map_err(|cause| cause.to_string())?;
        Ok((token, expires_at))
    }

    fn missing(&self, grant: TicketGrant, site: &str) -> Option<String> {
        match grant {
            TicketGrant::Ticket if self.nodes.is_empty() => {
                Some("trusted is missing in the system's settings.".to_owned())
            }
            TicketGrant::Ticket if !self.login_view.contains_key(site) => Some(format!(
                "trusted.login_view names no view for the site \"{site}\"; it is what browsers redeem tickets by."
            )),
            TicketGrant::Jwt if self.connected_app.is_none() => {
                Some("connected_app is missing in the system's settings.".to_owned())
            }
            TicketGrant::Ticket | TicketGrant::Jwt => None,
        }
    }

    fn views_url(&self, site: &str) -> String {
        format!("{}{}/views/", self.public_url, site_part(site))
    }

    fn redeem_url(&self, site: &str, ticket: &str) -> Option<String> {
        let view = self.login_view.get(site)?;
        let (at, site, ticket) = (&self.public_url, site_part(site), in_path(ticket));
        Some(format!("{at}/trusted/{ticket}{site}/views/{view}.png"))
    }

    fn nodes(&self, now: Timestamp) -> Vec<NodeHealth> {
        self.nodes
            .iter()
            .map(|node| {
                let failed = node.last_until(now);
                NodeHealth {
                    node: node.address.clone(),
                    last_until: failed.as_ref().map(|(until, _)| *until),
                    trouble: failed.map(|(_, words)| words),
                }
            })
            .collect()
    }
}

/// The part of an address that names a site: none for the Default one.
fn site_part(site: &str) -> String {
    if site.is_empty() {
        String::new()
    } else {
        format!("/t/{site}")
    }
}

impl ConnectedApp {
    fn new(settings: &ConnectedAppSettings) -> anyhow::Result<Self> {
        anyhow::ensure!(
            (1..=2).contains(&settings.secrets.len()),
            "connected_app.secrets: one, or two while you change from one to the other (newest first)"
        );
        anyhow::ensure!(
            !settings.client_id.is_empty() && !settings.scopes.is_empty(),
            "connected_app: client_id and scopes are needed"
        );
        let newest = &settings.secrets[0];
        let secret = newest
            .value
            .read()
            .map_err(|cause| anyhow::anyhow!("connected_app.secrets {}: {cause}", newest.id))?;
        anyhow::ensure!(
            secret.expose_secret().len() >= 32,
            "connected_app.secrets {}: at least 32 bytes are needed",
            newest.id
        );
        Ok(Self {
            client_id: settings.client_id.clone(),
            secret_id: newest.id.clone(),
            secret,
            scopes: settings.scopes.clone(),
        })
    }

    fn sign(&self, user: &str, now: Timestamp, expires_at: Timestamp) -> anyhow::Result<SecretString> {
        let now_s = now.0.div_euclid(1000) - EARLIER_S;
        let head = Head {
            alg: "HS256",
            typ: "JWT",
            kid: &self.secret_id,
            iss: &self.client_id,
        };
        let claims = Claims {
            iss: &self.client_id,
            sub: user,
            aud: "tableau",
            iat: now_s,
            nbf: now_s,
            exp: expires_at.0.div_euclid(1000),
            jti: random_id(),
            scp: &self.scopes,
        };
        let part = |json: Vec<u8>| BASE64URL_NOPAD.encode(&json);
        let signed = format!(
            "{}.{}",
            part(serde_json::to_vec(&head)?),
            part(serde_json::to_vec(&claims)?)
        );
        let mac = hmac_sha256(self.secret.expose_secret().as_bytes(), signed.as_bytes());
        Ok(SecretString::from(format!(
            "{signed}.{}",
            BASE64URL_NOPAD.encode(&mac)
        )))
    }
}
