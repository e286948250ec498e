//! A Keycloak with one realm of the test's own, simulated or real, and a connector to it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use app::sessions::wire::SessionKind;
use async_trait::async_trait;
use server::config::SystemSettings;
use server::connectors::{
    Answer, Completeness, ConnectorError, Handle, Recipe, SeenSession, SharedConnector, Target, Wanted,
    conformance, make,
};

/// Roles of the account that reads, unless a test takes some away.
pub const ALL_ROLES: [&str; 3] = ["view-realm", "view-users", "view-clients"];

/// The far side.
#[async_trait]
pub trait World: Send + Sync {
    /// The realm.
    fn realm(&self) -> String;
    /// Settings that connect it: one client reads, another ends.
    fn settings(&self) -> SystemSettings;
    /// Longest time for one request of the connector.
    fn timeout(&self) -> Duration;
    /// Somebody new; their id.
    async fn user(&self, name: &str) -> String;
    /// Signs them in at the first application or the second: session id and refresh token.
    async fn sign_in(&self, name: &str, second: bool, offline: bool) -> (String, String);
    /// Whether a refresh token gives a new one.
    async fn is_good(&self, refresh: &str) -> bool;
    /// The person signs out by themselves.
    async fn sign_out(&self, session: &Target, refresh: &str);
    async fn disable(&self, user_id: &str);
    /// Changes the roles of the account that reads.
    async fn roles(&self, roles: &[&str]);
    /// Deletes the second application: its sessions stay, without one.
    async fn delete_second(&self);
    /// What must never be in a log line.
    fn secrets(&self) -> Vec<String>;
}

/// A world, a connector to it, and what browsers there hold.
pub struct Far {
    pub world: Box<dyn World>,
    pub near: SharedConnector,
    pub tokens: Mutex<HashMap<String, String>>,
}

impl Far {
    pub fn of(world: Box<dyn World>, read_by: &str) -> Self {
        let mut settings = world.settings();
        settings.own.insert("read_by".to_owned(), read_by.into());
        Self {
            near: connect(&settings, world.timeout()),
            world,
            tokens: Mutex::default(),
        }
    }

    /// Somebody new with a session, as it will be listed.
    pub async fn opened(&self, name: &str) -> Target {
        let account_id = self.world.user(name).await;
        self.opened_by(name, &account_id, false).await
    }

    /// One more session of somebody.
    pub async fn opened_by(&self, name: &str, account_id: &str, offline: bool) -> Target {
        let (id, refresh) = self.world.sign_in(name, false, offline).await;
        self.target(&id, &refresh, account_id, offline)
    }

    pub fn target(&self, id: &str, refresh: &str, account_id: &str, offline: bool) -> Target {
        self.tokens
            .lock()
            .unwrap()
            .insert(id.to_owned(), refresh.to_owned());
        Target {
            handle: Handle::new(id),
            place: self.world.realm(),
            kind: if offline {
                SessionKind::Offline
            } else {
                SessionKind::Sso
            },
            site: self.world.realm(),
            account_id: account_id.to_owned(),
            node: None,
        }
    }

    pub fn refresh_of(&self, session: &Target) -> String {
        self.tokens
            .lock()
            .unwrap()
            .get(session.handle.expose())
            .unwrap()
            .clone()
    }

    pub async fn lets_in(&self, session: &Target) -> bool {
        self.world.is_good(&self.refresh_of(session)).await
    }

    pub async fn listed(&self) -> Result<(Completeness, Vec<SeenSession>), ConnectorError> {
        conformance::list(self.near.as_ref(), Wanted::All).await
    }

    /// Everything, where the list is whole.
    pub async fn all(&self) -> Vec<SeenSession> {
        let (whole, all) = self.listed().await.unwrap();
        assert_eq!(whole, Completeness::Complete);
        all
    }

    pub async fn of_account(&self, account_id: &str) -> Vec<SeenSession> {
        let accounts = [account_id.to_owned()];
        conformance::list(self.near.as_ref(), Wanted::Accounts(&accounts))
            .await
            .unwrap()
            .1
    }

    pub async fn end(&self, targets: &[Target]) -> Vec<Answer> {
        self.near.end().unwrap().end(targets).await.unwrap()
    }
}

pub fn connect(settings: &SystemSettings, timeout: Duration) -> SharedConnector {
    make(&Recipe { settings, timeout }).unwrap()
}

/// The row of that session.
pub fn find<'r>(rows: &'r [SeenSession], session: &Target) -> Option<&'r SeenSession> {
    rows.iter()
        .find(|row| row.handle.expose() == session.handle.expose() && row.kind == session.kind)
}
