//! A simulated Domo and a connector to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::sessions::wire::SessionKind;
use server::clock::SystemClock;
use server::config::SystemSettings;
use server::connectors::{
    Answer, Completeness, ConnectorError, Handle, Recipe, SeenSession, SharedConnector, Target, Wanted,
    conformance, make,
};
use server::simulators::domo::faults::{Bad, Call};
use server::simulators::domo::model::BROWSER;
use server::simulators::domo::{DomoServer, Way};

pub struct Far {
    pub server: DomoServer,
    pub settings: SystemSettings,
    pub near: SharedConnector,
    /// What the browser of a session holds, by the session's id.
    pub tokens: Mutex<HashMap<String, String>>,
}

pub async fn far() -> Far {
    far_by(Way::Token, |_| {}).await
}

/// With settings of the test's own.
pub async fn far_by(way: Way, change: impl FnOnce(&mut toml::Table)) -> Far {
    let mut server = DomoServer::start(Arc::new(SystemClock), 11).await.unwrap();
    let mut settings = server.settings_by("Domo", way).unwrap();
    change(&mut settings.own);
    Far {
        near: connect(&settings),
        server,
        settings,
        tokens: Mutex::default(),
    }
}

pub fn connect(settings: &SystemSettings) -> SharedConnector {
    let timeout = Duration::from_millis(500);
    make(&Recipe { settings, timeout }).unwrap()
}

impl Far {
    /// Signs somebody new in with a browser: their session, as it is listed.
    pub fn opened(&self, name: &str) -> Target {
        self.opened_as(name, BROWSER).1
    }

    /// The same by a type code; with the session's number.
    pub fn opened_as(&self, name: &str, code: &str) -> (i64, Target) {
        let (number, session) = self.server.model(|model, now| {
            let user = model.add_user(name, None);
            let number = model.open(user, code, now);
            (number, model.session(number).unwrap().clone())
        });
        let mut tokens = self.tokens.lock().unwrap();
        tokens.insert(session.session_id.clone(), session.token);
        let target = Target {
            handle: Handle::new(session.session_id),
            place: String::new(),
            kind: SessionKind::Web,
            site: String::new(),
            account_id: session.user_id.to_string(),
            node: None,
        };
        (number, target)
    }

    /// Whether a request with it is let in.
    pub fn lets_in(&self, session: &Target) -> bool {
        let tokens = self.tokens.lock().unwrap();
        let token = tokens.get(session.handle.expose()).unwrap();
        self.server
            .model(|model, now| model.used(token, false, now).is_some())
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

    pub async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        self.near.end().unwrap().end(targets).await
    }

    /// What is wrong from now on with one call; nothing else is.
    pub fn bad(&self, call: Call, bad: Bad) {
        self.server.faults(|faults| {
            faults.bad.clear();
            faults.bad.insert(call, bad);
        });
    }
}

/// The row of that session.
pub fn find<'r>(rows: &'r [SeenSession], session: &Target) -> Option<&'r SeenSession> {
    rows.iter()
        .find(|row| row.handle.expose() == session.handle.expose())
}
