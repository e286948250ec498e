//! An intranet that shows two Tableau views: the example of docs/embed.md, and the app of the browser tests.
//!
//! What an embedding team writes is all here: a sign-in that ends in an HttpOnly cookie with a token ([`tokens`]), one route
//! that hands requests for tickets on to the broker, and a sign-out that tells the broker ([`broker`]). The rest
//! is its pages ([`pages`]). Its people and passwords are made up.

mod broker;
mod pages;
mod tokens;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::broker::Broker;
use crate::tokens::{Session, Tokens};

/// Name of the app's cookie; the broker's settings name it too.
pub const COOKIE: &str = "app_session";

/// What the app has to know.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its id at the broker.
    pub id: String,
    /// What it signs its tokens with (HS256), at least 32 bytes; the broker has the same.
    pub secret: String,
    /// Where it reaches the broker, `http://127.0.0.1:8470`.
    pub broker: String,
    /// The broker's `public_url`: whom its tokens are for.
    pub audience: String,
    /// The site whose views it shows, by contentUrl.
    #[serde(default)]
    pub site: String,
    /// Tableau's address as browsers know it, `https://tableau.example.org`.
    pub tableau: String,
    /// Views it shows, `Workbook/View`.
    pub views: Vec<String>,
    /// How long a sign-in lasts, seconds.
    #[serde(default = "eight_hours")]
    pub session_s: i64,
    /// Browsers reach it by https: its cookie is sent by no other way.
    #[serde(default)]
    pub https: bool,
    /// Who may sign in.
    pub people: Vec<Person>,
}

/// Somebody who may sign in.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Sign-in name here.
    pub login: String,
    /// The password, in the clear: this is an example.
    pub password: String,
    /// User name in Tableau.
    pub user: String,
}

fn eight_hours() -> i64 {
    28_800
}

impl Settings {
    /// Addresses of the views, as browsers load them.
    fn addresses(&self) -> impl Iterator<Item = String> {
        let site = match self.site.as_str() {
            "" => String::new(),
            site => format!("/t/{site}"),
        };
        self.views
            .iter()
            .map(move |view| format!("{}{site}/views/{view}?:embed=yes", self.tableau))
    }
}

/// The running app.
struct App {
    settings: Settings,
    tokens: Tokens,
    broker: Broker,
    memory: Mutex<Memory>,
}

/// What a real app would keep in its database.
#[derive(Default)]
struct Memory {
    /// Sessions that were signed out: their cookie counts no more.
    over: HashSet<String>,
    /// Whose sign-out it was and what the broker made of it, by a random word in the address.
    endings: HashMap<String, (Session, broker::SignedOut)>,
}

impl App {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who the cookie stands for, unless they signed out.
    fn session(&self, headers: &axum::http::HeaderMap) -> Option<Session> {
        let session = self.tokens.read(cookie(headers)?)?;
        (!self.memory().over.contains(&session.sid)).then_some(session)
    }
}

/// The value of our cookie.
fn cookie(headers: &axum::http::HeaderMap) -> Option<&str> {
    let all = headers.get_all(axum::http::header::COOKIE).into_iter();
    all.filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

/// Everything it answers.
pub fn router(settings: Settings) -> anyhow::Result<Router> {
    anyhow::ensure!(settings.secret.len() >= 32, "secret: at least 32 bytes");
    let app = Arc::new(App {
        tokens: Tokens::new(&settings),
        broker: Broker::new(&settings)?,
        settings,
        memory: Mutex::default(),
    });
    Ok(Router::new()
        .route("/", get(pages::home))
        .route("/sign-in", get(pages::sign_in_page).post(pages::sign_in))
        .route("/sign-out", post(pages::sign_out))
        .route("/signed-out", get(pages::signed_out))
        .route("/broker/v1/browser/tickets", post(broker::tickets))
        .route("/app.js", get(pages::script))
        .route("/app.css", get(pages::style))
        .route("/curfew-embed.js", get(pages::helper))
        .with_state(app))
}

/// Answers until the process ends.
pub async fn serve(listener: TcpListener, settings: Settings) -> anyhow::Result<()> {
    let router = router(settings)?.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, router).await?)
}
