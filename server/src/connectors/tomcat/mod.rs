//! Tomcat, and uPortal or any other Java web app on it: sessions through a bridge to JMX or the Manager's pages.
//!
//! One system is one Tomcat or several nodes. A bridge asks the session managers of the web apps (`jmx`), or reads the
//! Manager's pages (`manager_pages`); which one is found out at the first call (`node`). An app that keeps its sessions
//! outside Tomcat is asked itself (`actuator`). Facts, snippets and cautions: docs/systems/tomcat.md.

use std::hash::RandomState;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use app::wire::Limit;
use async_trait::async_trait;
use jiff::tz::TimeZone;
use regex::Regex;
use secrecy::SecretString;
use serde::Deserialize;

use self::bridge::Bridge;
use self::jmx_proxy::JmxProxy;
use self::jolokia::Jolokia;
use self::manager_pages::ManagerPages;
use self::memory::{Hashers, Memory};
use self::node::{Candidate, For, Node};
use self::person::{App, Form, Source};
use super::http::{Http, HttpSettings, LONGEST_ANSWER};
use super::{
    Connector, ConnectorError, EndEffect, EndSessions, ListSessions, PlaceLimit, ReadLimits, ReadPolicy,
    Recipe, SelfTest, SharedConnector,
};
use crate::config::SecretRef;

mod actuator;
mod bridge;
mod end;
mod jmx;
mod jmx_proxy;
mod jolokia;
mod list;
mod manager_pages;
mod memory;
mod moment;
mod names;
mod node;
mod page_rows;
mod person;
mod self_test;
#[cfg(test)]
mod tests;

/// Most requests at a time, whatever the settings say: each takes a thread from the people who use the server.
const MOST_CONNECTIONS: usize = 16;

/// Settings of a Tomcat, beside those every system has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Address of the Manager app, whose JMX proxy and pages are bridges: "https://host:8443/manager".
    #[serde(default)]
    manager: Option<String>,
    /// Address of Jolokia: "https://host:8443/jolokia".
    #[serde(default)]
    jolokia: Option<String>,
    /// Several Tomcats that are one system; instead of the two above.
    #[serde(default)]
    node: Vec<NodeSettings>,
    /// Address of Spring Boot's actuator, instead of every other bridge: "https://app.example.org/actuator".
    #[serde(default)]
    actuator: Option<String>,
    /// Accounts an actuator is asked for: it can't list everybody.
    #[serde(default)]
    accounts: Vec<String>,
    /// Name to sign in with.
    #[serde(default)]
    user: Option<String>,
    /// Its password, by reference.
    #[serde(default)]
    password: Option<SecretRef>,
    /// Name to sign in with at the Manager's pages; none = `user`.
    #[serde(default)]
    gui_user: Option<String>,
    /// Its password, by reference.
    #[serde(default)]
    gui_password: Option<SecretRef>,
    /// The one bridge to use; none = Jolokia if it answers, else the JMX proxy, with the Manager's pages for what these
    /// don't tell; else the pages alone.
    #[serde(default)]
    bridge: Option<Only>,
    /// Context paths of the apps to list; none = all but Tomcat's own.
    #[serde(default)]
    contexts: Vec<String>,
    /// Kind of app, for where it leaves the person.
    #[serde(default)]
    app: App,
    /// Attributes that name the person, instead of those of `app`.
    #[serde(default)]
    person: Vec<PersonSettings>,
    /// Time zone of the server, for dates that come as text: "Europe/Zurich".
    #[serde(default)]
    zone: Option<String>,
    /// `Origin` header for a Jolokia with strict checking.
    #[serde(default)]
    origin: Option<String>,
    /// Why browsers sign themselves in again after an ending, where the server does not show it (single sign-on,
    /// remember-me).
    #[serde(default)]
    signs_in_again: Option<String>,
    /// Whether sessions in which no attribute names a person are guests. Default false: they are listed, and nobody
    /// knows whose they are.
    #[serde(default)]
    unnamed_are_guests: bool,
    /// Address of a page of a listed app that opens a session for whoever comes: the self-test opens its throw-away
    /// session there. None = it can't be tested.
    #[serde(default)]
    test_page: Option<String>,
    /// Authorities to trust.
    #[serde(default)]
    ca_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeSettings {
    name: String,
    #[serde(default)]
    site: String,
    #[serde(default)]
    manager: Option<String>,
    #[serde(default)]
    jolokia: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonSettings {
    attribute: String,
    /// A pattern with one group; none = the whole text is the name.
    #[serde(default)]
    pattern: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Only {
    Jolokia,
    JmxProxy,
    Manager,
}

/// Makes the connector from its settings.
pub fn from_settings(recipe: &Recipe<'_>) -> anyhow::Result<SharedConnector> {
    let mut own: Settings = toml::Value::Table(recipe.settings.own.clone()).try_into()?;
    if let Some(url) = &own.actuator {
        return actuator::from_settings(url, &own, recipe);
    }
    anyhow::ensure!(own.accounts.is_empty(), "accounts: only with actuator");
    let sources = sources(&own)?;
    let zone = match &own.zone {
        Some(name) => Some(TimeZone::get(name).map_err(|_| {
            anyhow::anyhow!("zone: \"{name}\" is no time zone; write it as \"Europe/Zurich\"")
        })?),
        None => None,
    };
    let mut nodes = std::mem::take(&mut own.node);
    if nodes.is_empty() {
        nodes.push(NodeSettings {
            name: String::new(),
            site: String::new(),
            manager: own.manager.take(),
            jolokia: own.jolokia.take(),
        });
    }
    anyhow::ensure!(
        own.manager.is_none() && own.jolokia.is_none(),
        "manager, jolokia: write them into each node"
    );
    for context in &own.contexts {
        anyhow::ensure!(
            context.starts_with('/'),
            "contexts: \"{context}\" does not begin with /; the root app is \"/\""
        );
    }
    let test_page = test_page(&own, recipe)?;
    let identity = identity("user, password", own.user.as_ref(), own.password.as_ref())?;
    let gui = self::identity(
        "gui_user, gui_password",
        own.gui_user.as_ref(),
        own.gui_password.as_ref(),
    )?;
    let identities = Identities {
        pages: gui.or_else(|| identity.clone()),
        jmx: identity,
    };
    let hashers: Hashers = [RandomState::new(), RandomState::new()];
    let nodes = nodes
        .iter()
        .map(|node| make_node(node, &own, &identities, &hashers, recipe))
        .collect::<anyhow::Result<Vec<Node>>>()?;
    Ok(Arc::new(Tomcat {
        nodes,
        all_sources: !own.person.is_empty(),
        sources,
        contexts: own.contexts,
        zone,
        signs_in_again: own.signs_in_again,
        nobody_is_guest: own.unnamed_are_guests,
        test_page,
        found: RwLock::default(),
    }))
}

fn sources(own: &Settings) -> anyhow::Result<Vec<Source>> {
    if own.person.is_empty() {
        return Ok(person::sources(own.app));
    }
    own.person
        .iter()
        .map(|asked| {
            anyhow::ensure!(
                !asked.attribute.is_empty() && !asked.attribute.contains(','),
                "person: \"{}\" can\u{2019}t be asked for",
                asked.attribute
            );
            let form = match &asked.pattern {
                None => Form::Plain,
                Some(text) => {
                    let pattern = Regex::new(text).map_err(|cause| {
                        anyhow::anyhow!("person: the pattern of {}: {cause}", asked.attribute)
                    })?;
                    anyhow::ensure!(
                        pattern.captures_len() == 2,
                        "person: the pattern of {} needs exactly one group, the name",
                        asked.attribute
                    );
                    Form::Pattern(pattern)
                }
            };
            Ok(Source {
                attribute: asked.attribute.clone(),
                form,
            })
        })
        .collect()
}

/// What can't be spoken, in the words of its remedy.
fn not_rmi(url: &str) -> anyhow::Result<()> {
    let rmi = ["service:jmx", "rmi:", "jmx:"]
        .iter()
        .any(|start| url.starts_with(start));
    anyhow::ensure!(
        !rmi,
        "{url} is a remote JMX port (RMI), which Curfew does not speak: add the Jolokia agent to that JVM \
         (-javaagent:jolokia-agent-jvm.jar=port=8778,\u{2026}) and name its address as jolokia"
    );
    Ok(())
}

fn http_settings(base: &str, own: &Settings, recipe: &Recipe<'_>, cookies: bool) -> HttpSettings {
    HttpSettings {
        base: base.to_owned(),
        timeout: recipe.timeout,
        connections: connections(recipe),
        pace: Duration::from_millis(super::pace_ms(recipe.settings)),
        ca_file: own.ca_file.clone(),
        longest_answer: LONGEST_ANSWER,
        cookies,
    }
}

fn connections(recipe: &Recipe<'_>) -> usize {
    recipe.settings.connections.clamp(1, MOST_CONNECTIONS)
}

fn test_page(own: &Settings, recipe: &Recipe<'_>) -> anyhow::Result<Option<Http>> {
    let page = own.test_page.as_ref();
    let http = page.map(|page| Http::new(&http_settings(page, own, recipe, false)));
    http.transpose()
        .map_err(|cause| anyhow::anyhow!("test_page: {cause}"))
}

/// Name and password.
type Identity = (String, SecretString);

/// Whom Curfew signs in as.
struct Identities {
    jmx: Option<Identity>,
    pages: Option<Identity>,
}

fn identity(
    names: &str,
    user: Option<&String>,
    password: Option<&SecretRef>,
) -> anyhow::Result<Option<Identity>> {
    match (user, password) {
        (Some(user), Some(password)) => Ok(Some((user.clone(), password.read()?))),
        (None, None) => Ok(None),
        _ => anyhow::bail!("{names}: both or none"),
    }
}

fn make_node(
    node: &NodeSettings,
    own: &Settings,
    identities: &Identities,
    hashers: &Hashers,
    recipe: &Recipe<'_>,
) -> anyhow::Result<Node> {
    let http = |base: &str| {
        not_rmi(base)?;
        Http::new(&http_settings(base, own, recipe, true))
    };
    let wanted = |bridge| own.bridge.is_none_or(|only| only == bridge);
    let mut candidates: Vec<Candidate> = Vec::new();
    if let Some(url) = node.jolokia.as_deref().filter(|_| wanted(Only::Jolokia)) {
        candidates.push(Candidate {
            label: "Jolokia was",
            bridge: Bridge::Jmx(Arc::new(Jolokia {
                http: http(url)?,
                identity: identities.jmx.clone(),
                origin: own.origin.clone(),
            })),
        });
    }
    if let Some(url) = node.manager.as_deref() {
        anyhow::ensure!(
            own.bridge == Some(Only::Jolokia) || identities.pages.is_some(),
            "user, password: the Manager app asks for them"
        );
        let jmx = identities.jmx.clone().filter(|_| wanted(Only::JmxProxy));
        if let Some((user, password)) = jmx {
            candidates.push(Candidate {
                label: "The JMX proxy was",
                bridge: Bridge::Jmx(Arc::new(JmxProxy {
                    http: http(url)?,
                    user,
                    password,
                    connections: connections(recipe),
                })),
            });
        }
        let pages = identities.pages.clone().filter(|_| wanted(Only::Manager));
        if let Some((user, password)) = pages {
            candidates.push(Candidate {
                label: "The Manager\u{2019}s pages were",
                bridge: Bridge::Pages(Arc::new(ManagerPages::new(http(url)?, user, password))),
            });
        }
    }
    anyhow::ensure!(
        !candidates.is_empty(),
        "manager or jolokia: name the address of a bridge{}",
        if node.name.is_empty() {
            String::new()
        } else {
            format!(" of node {}", node.name)
        }
    );
    Ok(Node {
        name: (!node.name.is_empty()).then(|| node.name.clone()),
        site: node.site.clone(),
        candidates,
        pages_answered: AtomicBool::new(false),
        memory: Memory::new(hashers),
        chosen: Mutex::default(),
    })
}

/// One system: a Tomcat, or several.
struct Tomcat {
    nodes: Vec<Node>,
    sources: Vec<Source>,
    all_sources: bool,
    contexts: Vec<String>,
    zone: Option<TimeZone>,
    signs_in_again: Option<String>,
    nobody_is_guest: bool,
    test_page: Option<Http>,
    /// What the newest list of everything found out, as sentences.
    found: RwLock<Vec<String>>,
}

impl Connector for Tomcat {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At the next click".to_owned(),
            survives: "a request that is running when it is ended goes on to its end".to_owned(),
            residual: None,
            not_listed: Vec::new(),
            before_you_end: String::new(),
        }
    }

    fn found(&self) -> Vec<String> {
        self.found.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn list(&self) -> Option<&dyn ListSessions> {
        Some(self)
    }

    fn end(&self) -> Option<&dyn EndSessions> {
        Some(self)
    }

    fn policy(&self) -> Option<&dyn ReadPolicy> {
        Some(self)
    }

    fn self_test(&self) -> Option<&dyn SelfTest> {
        self.test_page.is_some().then_some(self)
    }
}

#[async_trait]
impl ReadPolicy for Tomcat {
    async fn read_policy(&self) -> Result<ReadLimits, ConnectorError> {
        let mut places: Vec<PlaceLimit> = Vec::new();
        for node in &self.nodes {
            let (_, managers) = node.managers(&self.contexts, For::Inventory).await?;
            places.extend(managers.into_iter().map(|manager| PlaceLimit {
                place: format!("{}{}", node.label(), manager.place),
                idle: manager.idle,
                note: String::new(),
            }));
        }
        let first = places.first().map_or(Limit::Unknown, |place| place.idle);
        let agreed = places.iter().all(|place| place.idle == first);
        Ok(ReadLimits {
            idle: if agreed { first } else { Limit::Unknown },
            absolute: Limit::None,
            note: "Tomcat has no limit on the whole length of a session: only the app itself can set one. The idle limit is the app\u{2019}s; single sessions may have another."
                .to_owned(),
            places,
            ..ReadLimits::default()
        })
    }
}
