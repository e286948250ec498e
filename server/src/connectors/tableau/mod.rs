//! Tableau Server: sessions are read from its repository (`repository`) and ended over its REST API (`rest`).
//!
//! No REST method lists sessions, and the repository can't end any, so a system usually has both. Which id the method
//! to end takes is documented nowhere: the self-test settles it. Facts and cautions: docs/systems/tableau.md.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use serde::Deserialize;

use self::identity::IdentitySettings;
use self::policy::{LimitSettings, ToldLimits};
use self::reach::RepositorySettings;
use self::repository::Repository;
use self::rest::{Known, Rest, Version};
use self::tickets::{ConnectedAppSettings, Tickets, TrustedSettings};
use super::{
    Connector, EndEffect, EndSessions, IssueTicket, ListSessions, ReadPolicy, Recipe, SelfTest,
    SharedConnector, TryTickets,
};

mod answers;
mod columns;
mod end;
mod identity;
mod list;
mod policy;
mod reach;
mod repository;
mod rest;
mod rows;
mod self_test;
mod tickets;

/// Most requests at a time, whatever the settings say.
const MOST_CONNECTIONS: usize = 16;

/// Settings of a Tableau Server, beside those every system has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Address of the server: "https://tableau.example.org". None = nothing can be ended.
    #[serde(default)]
    url: Option<String>,
    /// Whom Curfew signs in as.
    #[serde(default)]
    identity: Option<IdentitySettings>,
    /// A second identity, for the self-test's throw-away session; none = it can't be tested.
    #[serde(default)]
    canary: Option<IdentitySettings>,
    /// contentUrl of the site to sign in at. Default: the Default site.
    #[serde(default)]
    site: String,
    /// REST version to speak: "2.3". Default: the newest the server names.
    #[serde(default)]
    api_version: Option<String>,
    /// Authorities to trust at `url`.
    #[serde(default)]
    ca_file: Option<PathBuf>,
    /// Which id the method to end sessions takes, as the self-test found it. Default "session_id".
    #[serde(default)]
    delete_by: DeleteBy,
    /// The repository; none = nothing can be listed.
    #[serde(default)]
    repository: Option<RepositorySettings>,
    /// Limits of the server, which can't be read.
    #[serde(default)]
    limits: LimitSettings,
    /// Trusted tickets; none = it is not asked for any.
    #[serde(default)]
    trusted: Option<TrustedSettings>,
    /// A connected app with direct trust; none = no tokens for it.
    #[serde(default)]
    connected_app: Option<ConnectedAppSettings>,
    /// Why browsers sign themselves in again after an ending (single sign-on, connected clients).
    #[serde(default)]
    signs_in_again: Option<String>,
}

/// Which id of the repository the method to end sessions takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeleteBy {
    /// `sessions.session_id`.
    #[default]
    SessionId,
    /// `sessions.id`, a number.
    Id,
}

/// Makes the connector from its settings.
pub fn from_settings(recipe: &Recipe<'_>) -> anyhow::Result<SharedConnector> {
    let own: Settings = toml::Value::Table(recipe.settings.own.clone()).try_into()?;
    anyhow::ensure!(
        own.url.is_some() || own.repository.is_some() || own.trusted.is_some() || own.connected_app.is_some(),
        "repository, url: name at least one of them (or trusted, connected_app: for tickets alone)"
    );
    anyhow::ensure!(
        own.url.is_some() == own.identity.is_some(),
        "url, identity: both or none"
    );
    anyhow::ensure!(
        own.canary.is_none() || own.identity.is_some(),
        "canary: only beside identity"
    );
    let fixed =
        match &own.api_version {
            None => None,
            Some(text) => Some(text.parse::<Version>().map_err(|()| {
                anyhow::anyhow!("api_version: \"{text}\" is no version; write it as \"3.9\"")
            })?),
        };
    let connections = recipe.settings.connections.clamp(1, MOST_CONNECTIONS);
    let pace = Duration::from_millis(super::pace_ms(recipe.settings));
    let rest = |setting: &str, identity: Option<&IdentitySettings>| match (&own.url, identity) {
        (Some(url), Some(identity)) => {
            let http = rest::http_settings(url, recipe.timeout, connections, pace, own.ca_file.clone());
            Rest::new(&http, identity.read(setting)?, &own.site, fixed).map(Some)
        }
        _ => Ok(None),
    };
    let canary = rest("canary", own.canary.as_ref())?;
    let rest = rest("identity", own.identity.as_ref())?;
    if let (Some(rest), Some(canary)) = (&rest, &canary) {
        anyhow::ensure!(
            !canary.identity.is_the_pat_of(&rest.identity),
            "canary: it must be another access token, because one holds one session at a time"
        );
    }
    let repository = own
        .repository
        .as_ref()
        .map(|settings| Repository::new(settings, recipe.timeout))
        .transpose()?;
    let tickets = Tickets::new(
        own.trusted.as_ref(),
        own.connected_app.as_ref(),
        own.url.as_deref(),
        recipe.timeout,
        own.ca_file.as_ref(),
    )?;
    Ok(Arc::new(Tableau {
        rest,
        canary,
        repository,
        delete_by: own.delete_by,
        limits: own.limits.read()?,
        tickets,
        signs_in_again: own.signs_in_again,
        timeout: recipe.timeout,
        connections,
        known: Mutex::default(),
        found: RwLock::default(),
    }))
}

/// One Tableau Server.
struct Tableau {
    /// The REST API as Curfew; `None` = nothing can be ended.
    rest: Option<Rest>,
    /// The REST API as the self-test's second identity.
    canary: Option<Rest>,
    repository: Option<Repository>,
    delete_by: DeleteBy,
    limits: ToldLimits,
    /// Tickets and connected-app tokens; `None` = the settings name neither.
    tickets: Option<Tickets>,
    signs_in_again: Option<String>,
    /// Longest time for one request.
    timeout: Duration,
    /// Requests at the same time.
    connections: usize,
    /// What the REST API allowed when it answered last.
    known: Mutex<Option<Known>>,
    /// What the newest list of everything found out, as sentences.
    found: RwLock<Vec<String>>,
}

impl Connector for Tableau {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At the next request".to_owned(),
            survives: "a view that is open may go on showing its picture until its next request".to_owned(),
            residual: None,
            not_listed: vec![
                "views being drawn (VizQL sessions), which have a clock of their own".to_owned(),
            ],
            before_you_end:
                "Single sign-on, a connected client or a new trusted ticket may sign the person in again \
                             at once."
                    .to_owned(),
        }
    }

    fn found(&self) -> Vec<String> {
        self.found.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn build(&self) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|known| known.server.words())
    }

    fn list(&self) -> Option<&dyn ListSessions> {
        Some(self)
    }

    fn end(&self) -> Option<&dyn EndSessions> {
        self.rest.is_some().then_some(self)
    }

    fn policy(&self) -> Option<&dyn ReadPolicy> {
        Some(self)
    }

    fn self_test(&self) -> Option<&dyn SelfTest> {
        self.canary.is_some().then_some(self)
    }

    fn tickets(&self) -> Option<&dyn IssueTicket> {
        self.tickets.as_ref().map(|tickets| tickets as &dyn IssueTicket)
    }

    fn try_tickets(&self) -> Option<&dyn TryTickets> {
        self.tickets.as_ref().map(|tickets| tickets as &dyn TryTickets)
    }
}
