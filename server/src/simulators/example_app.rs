//! The example app of docs/embed.md as a part of the demo: two people of a simulated Tableau sign in to it and see views.
//!
//! The app itself is a crate of its own under `end2end`, as an embedding team would write it; it knows nothing of Curfew but
//! the broker's addresses.

use embedding_app::{COOKIE, Person, Settings};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::loopback::Secrets;
use super::tableau::model::Model;
use super::tableau::rows::SiteRole;
use crate::config::BrokerApp;
use crate::keys;
use app::wire::Timestamp;

/// Its id at the broker.
const ID: &str = "example-app";
/// The site whose views it shows.
const SITE: &str = "Sales";
/// The views.
const VIEWS: [&str; 2] = ["Sales/Overview", "Sales/Regions"];
/// Who may sign in: user name in Tableau and in the app, and name.
const PEOPLE: [(&str, &str); 2] = [
    ("freja.lindqvist", "Freja Lindqvist"),
    ("omar.haddad", "Omar Haddad"),
];
/// Known to everybody who reads this, as the demo's other passwords are.
const PASSWORD: &str = "paper-boats-on-tuesday";

/// The running app; it stops when this is dropped.
pub struct ExampleApp {
    system: &'static str,
    secret: String,
    /// The secret that the broker's settings refer to; it goes with this.
    secrets: Secrets,
    running: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Drop for ExampleApp {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

/// Addresses by which the app and its browsers reach the others.
pub struct Around {
    /// The broker, as the app reaches it.
    pub broker: String,
    /// The broker's public address: whom tokens are for.
    pub audience: String,
    /// Tableau, as browsers reach it.
    pub tableau: String,
    /// Browsers reach the app by https.
    pub https: bool,
}

impl ExampleApp {
    /// The app for people of that system; nobody can reach it yet.
    pub fn new(system: &'static str) -> Self {
        Self {
            system,
            secret: keys::random_id() + &keys::random_id(),
            secrets: Secrets::default(),
            running: None,
        }
    }

    /// Puts its people and its views into Tableau.
    pub fn known_to(model: &mut Model, now: Timestamp) {
        let Some(site) = model.site_by_url(SITE).map(|site| site.id) else {
            return;
        };
        for (account, name) in PEOPLE {
            let person = model.add_person(account, name, None);
            model.join(person, site, SiteRole::Viewer, now);
        }
        for view in VIEWS {
            model.set_view(site, view, true);
        }
    }

    /// The entry of `broker.apps` that lets it and its browsers ask for tickets.
    pub fn settings(&mut self) -> anyhow::Result<BrokerApp> {
        let settings = json!({
            "id": ID,
            "system": self.system,
            "sites": [SITE],
            "keys": [{ "algorithm": "HS256", "secret": self.secrets.put(&self.secret)? }],
            "browser": { "cookie": COOKIE },
        });
        Ok(serde_json::from_value(settings)?)
    }

    /// Starts it on a free port of loopback; its address.
    pub async fn start(&mut self, around: Around) -> anyhow::Result<String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let people = PEOPLE.map(|(account, _)| Person {
            login: account.to_owned(),
            password: PASSWORD.to_owned(),
            user: account.to_owned(),
        });
        let settings = Settings {
            listen: address,
            id: ID.to_owned(),
            secret: self.secret.clone(),
            broker: around.broker,
            audience: around.audience,
            site: SITE.to_owned(),
            tableau: around.tableau,
            views: VIEWS.map(str::to_owned).into(),
            session_s: 28_800,
            https: around.https,
            people: people.into(),
        };
        self.running = Some(tokio::spawn(embedding_app::serve(listener, settings)));
        Ok(format!("http://{address}"))
    }

    /// System, site, views and people for a page that somebody else writes, for people to read.
    pub fn for_own_pages(&self, tableau: &str) -> String {
        let views = VIEWS.map(|view| format!("{tableau}/t/{SITE}/views/{view}"));
        let people = PEOPLE.map(|(account, _)| account);
        format!(
            "system {}, site {SITE}, people {}\n  {}",
            self.system,
            people.join(" and "),
            views.join("\n  ")
        )
    }

    /// Who may sign in, for people to read.
    pub fn sign_ins() -> String {
        let names = PEOPLE.map(|(account, _)| account).join(" or ");
        format!("{names}, password {PASSWORD}")
    }
}
