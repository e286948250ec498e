//! A way to the sessions of a server: its session managers with their apps' limits, and the ids of their sessions.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use app::wire::Limit;

use super::jmx::{Ask, Bean, Jmx, Op, Reply};
use super::manager_pages::ManagerPages;
use crate::connectors::{ConnectorError, ErrorKind, Handle};

/// Apps of Tomcat's own and of bridges: whoever is in there administers the server itself.
const OWN_APPS: [&str; 4] = ["/manager", "/host-manager", "/jolokia", "/hawtio"];
/// Where session managers are, and others that are none.
const MANAGERS: &str = "*:type=Manager,*";

/// One of them.
#[derive(Clone)]
pub(super) enum Bridge {
    Jmx(Arc<dyn Jmx>),
    Pages(Arc<ManagerPages>),
}

/// The session manager of one web app.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    /// Name of its MBean as the bridge writes it; by pages its place.
    pub bean: String,
    /// Context path, `##` version included.
    pub place: String,
    pub class: String,
    /// Idle limit of the app; single sessions may have another.
    pub idle: Limit,
    /// Why a browser would sign itself in again.
    pub return_hint: Option<String>,
    /// Whether Tomcat itself signs people in here, which JMX does not tell of the single session.
    pub tomcat_signs_in: bool,
}

impl Bridge {
    /// How it names itself: "Jolokia 2.6.0".
    pub async fn introduce(&self) -> Result<String, ConnectorError> {
        match self {
            Bridge::Jmx(jmx) => jmx.introduce().await,
            Bridge::Pages(_) => Ok("the pages of Tomcat\u{2019}s Manager app".to_owned()),
        }
    }

    /// Session managers as they are now.
    pub async fn managers(&self) -> Result<Vec<Manager>, ConnectorError> {
        match self {
            Bridge::Jmx(jmx) => managers(jmx.as_ref()).await,
            Bridge::Pages(pages) => {
                let apps = pages.apps().await?.into_iter();
                Ok(apps
                    .map(|app| Manager {
                        bean: app.place.clone(),
                        place: app.place,
                        class: String::new(),
                        idle: app.idle,
                        return_hint: None,
                        tomcat_signs_in: false,
                    })
                    .collect())
            }
        }
    }

    /// Those that are there now, for ending sessions: of `known` ones nothing else is read, unless there is another one.
    pub async fn managers_again(&self, known: &[Manager]) -> Result<Vec<Manager>, ConnectorError> {
        let Bridge::Jmx(jmx) = self else {
            return self.managers().await;
        };
        let beans = jmx.beans(MANAGERS, &["className"]).await?;
        let there: HashSet<&str> = beans
            .iter()
            .filter(|bean| app_of(bean).is_some())
            .map(|bean| bean.name.written.as_str())
            .collect();
        let again: Vec<Manager> = known
            .iter()
            .filter(|manager| there.contains(manager.bean.as_str()))
            .cloned()
            .collect();
        if again.len() == there.len() {
            Ok(again)
        } else {
            self.managers().await
        }
    }

    /// Ids of a manager's sessions; `None` = the app is not there any more.
    pub async fn ids(&self, manager: &Manager) -> Result<Option<Vec<Handle>>, ConnectorError> {
        match self {
            Bridge::Jmx(jmx) => ids(jmx.as_ref(), &manager.bean).await,
            Bridge::Pages(pages) => pages.ids(&manager.place).await,
        }
    }
}

/// Session ids as Tomcat makes them; anything else is never sent anywhere.
pub(super) fn is_id(text: &str) -> bool {
    (8..=200).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._~+-!".contains(&b))
}

/// Whether an app is one that is listed: those of the settings, else all but Tomcat's own.
pub(super) fn belongs(place: &str, contexts: &[String]) -> bool {
    let path = place.split("##").next().unwrap_or(place);
    if contexts.is_empty() {
        !OWN_APPS.contains(&path)
    } else {
        contexts.iter().any(|context| context == place || context == path)
    }
}

/// Ids of a manager's sessions by JMX; `None` = the app is not there any more.
pub(super) async fn ids(jmx: &dyn Jmx, bean: &str) -> Result<Option<Vec<Handle>>, ConnectorError> {
    let ask = Ask {
        bean,
        op: Op::ListSessionIds,
        session: None,
        attribute: None,
    };
    match jmx.ask(&[ask]).await?.pop() {
        Some(Reply::Value(list)) => {
            let ids: Vec<&str> = list.split_whitespace().collect();
            if let Some(_bad) = ids.iter().find(|id| !is_id(id)) {
                return Err(ConnectorError::new(
                    ErrorKind::Protocol,
                    "Its list of sessions holds something that is no session id.",
                ));
            }
            Ok(Some(ids.into_iter().map(Handle::new).collect()))
        }
        Some(Reply::Nothing) => Ok(Some(Vec::new())),
        Some(Reply::NoBean) => Ok(None),
        Some(Reply::Forbidden) => Err(ConnectorError::new(
            ErrorKind::Forbidden,
            "Its policy does not allow listSessionIds.",
        )),
        Some(Reply::Lost(why)) => Err(why),
        Some(Reply::NoOperation | Reply::Threw) | None => Err(ConnectorError::new(
            ErrorKind::Protocol,
            "Its session manager could not list its sessions.",
        )),
    }
}

/// Host and context of the app whose session manager this is; `None` = it is none, for others have a `type=Manager` too.
fn app_of(bean: &Bean) -> Option<(&str, &str)> {
    Some((bean.name.key("host")?, bean.name.key("context")?))
}

/// Reads the session managers with their apps' limits and ways to sign in.
async fn managers(jmx: &dyn Jmx) -> Result<Vec<Manager>, ConnectorError> {
    let beans = jmx.beans(MANAGERS, &["className"]).await?;
    let modules = jmx.beans("*:j2eeType=WebModule,*", &["sessionTimeout"]).await?;
    let valves = match jmx.beans("*:type=Valve,*", &["className"]).await {
        // A policy may leave them out: then nobody knows who signs in by Tomcat itself.
        Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Protocol) => Vec::new(),
        valves => valves?,
    };
    let mut idle: BTreeMap<String, Limit> = BTreeMap::new();
    for module in &modules {
        if let (Some(name), Some(minutes)) =
            (module.name.key("name"), module.attributes.get("sessionTimeout"))
        {
            idle.insert(name.to_owned(), minutes_limit(minutes));
        }
    }
    let signs_in = |host: &str, context: &str| {
        valves
            .iter()
            .filter(|v| v.name.key("host") == Some(host) && v.name.key("context") == Some(context))
            .find_map(|v| sign_in(v.attributes.get("className")?))
    };
    let mut managers: Vec<Manager> = beans
        .iter()
        .filter_map(|bean| {
            let (host, context) = app_of(bean)?;
            let sign_in = signs_in(host, context);
            Some(Manager {
                bean: bean.name.written.clone(),
                place: context.to_owned(),
                class: bean.attributes.get("className").cloned().unwrap_or_default(),
                idle: idle
                    .get(&format!("//{host}{context}"))
                    .copied()
                    .unwrap_or(Limit::Unknown),
                return_hint: sign_in.flatten().map(str::to_owned),
                tomcat_signs_in: sign_in.is_some(),
            })
        })
        .collect();
    managers.sort_by(|a, b| (&a.place, &a.bean).cmp(&(&b.place, &b.bean)));
    Ok(managers)
}

/// A session timeout in minutes; 0 and below = never.
fn minutes_limit(text: &str) -> Limit {
    match text.trim().parse::<i64>() {
        Ok(minutes) if minutes > 0 => Limit::Seconds(minutes.saturating_mul(60)),
        Ok(_) => Limit::None,
        Err(_) => Limit::Unknown,
    }
}

/// What a valve by which Tomcat itself signs people in means for an ending: why the browser repeats it by itself, if it
/// does. `None` = it is no such valve.
fn sign_in(class: &str) -> Option<Option<&'static str>> {
    match class.rsplit('.').next().unwrap_or_default() {
        "BasicAuthenticator" | "DigestAuthenticator" => Some(Some(
            "Ending has no effect while the account can sign in: the browser keeps the password and sends it again by itself (BASIC).",
        )),
        "SSLAuthenticator" => Some(Some(
            "Ending has no effect while the certificate is accepted: the browser shows it again by itself.",
        )),
        "SpnegoAuthenticator" => Some(Some(
            "Ending has no effect while the account can sign in: the browser does so again by itself, by Kerberos.",
        )),
        "FormAuthenticator" => Some(None),
        _ => None,
    }
}
