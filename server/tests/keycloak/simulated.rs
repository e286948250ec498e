//! A simulated Keycloak as a far side.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use server::clock::SystemClock;
use server::config::SystemSettings;
use server::connectors::Target;
use server::simulators::keycloak::model::{LIBRARY, PORTAL};
use server::simulators::keycloak::{KeycloakServer, READER};

use super::world::{Far, World};

pub struct Simulated {
    pub server: Arc<KeycloakServer>,
    settings: SystemSettings,
}

/// A simulated one, and a connector that reads it so.
pub async fn simulated(read_by: &str) -> (Arc<KeycloakServer>, Far) {
    let mut server = KeycloakServer::start(Arc::new(SystemClock), 11, &["lab"])
        .await
        .unwrap();
    let settings = server.settings("Keycloak").unwrap();
    let server = Arc::new(server);
    let world = Simulated {
        server: server.clone(),
        settings,
    };
    (server, Far::of(Box::new(world), read_by))
}

#[async_trait]
impl World for Simulated {
    fn realm(&self) -> String {
        "lab".to_owned()
    }

    fn settings(&self) -> SystemSettings {
        self.settings.clone()
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn user(&self, name: &str) -> String {
        let mail = format!("{name}@example.org");
        self.server
            .model(|model, _| model.add_user("lab", name, "Ann Example", Some(&mail)))
    }

    async fn sign_in(&self, name: &str, second: bool, offline: bool) -> (String, String) {
        let client = if second { LIBRARY } else { PORTAL };
        self.server.model(|model, now| {
            let user = model.user_named("lab", name).unwrap();
            model.open("lab", &user, client, offline, now)
        })
    }

    async fn is_good(&self, refresh: &str) -> bool {
        self.server
            .model(|model, now| model.refreshed(refresh, now).is_ok())
    }

    async fn sign_out(&self, session: &Target, _refresh: &str) {
        self.server.model(|model, _| {
            model
                .realms
                .get_mut("lab")
                .unwrap()
                .online
                .remove(session.handle.expose())
        });
    }

    async fn disable(&self, user_id: &str) {
        self.server.model(|model, _| {
            let realm = model.realms.get_mut("lab").unwrap();
            realm.users.get_mut(user_id).unwrap().enabled = false;
        });
    }

    async fn roles(&self, roles: &[&str]) {
        self.server
            .model(|model, _| model.set_roles("lab", READER, roles));
    }

    async fn delete_second(&self) {
        self.server.model(|model, _| {
            let realm = model.realms.get_mut("lab").unwrap();
            let uuid = realm
                .clients
                .values()
                .find(|client| client.client_id == LIBRARY)
                .unwrap()
                .uuid
                .clone();
            realm.clients.remove(&uuid);
            for session in realm.online.values_mut() {
                session.clients.remove(&uuid);
            }
        });
    }

    fn secrets(&self) -> Vec<String> {
        self.server.secrets()
    }
}
