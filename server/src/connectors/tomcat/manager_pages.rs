//! The pages of Tomcat's Manager app, for people with the role `manager-gui`. They tell what JMX does not: who signed in
//! by Tomcat itself, and each session's own limit.
//!
//! A page brings the nonce of the next call and its cookie may change with every answer, so one page is read at a time.

use reqwest::Method;
use secrecy::SecretString;
use tokio::sync::{Mutex, MutexGuard};

use super::page_rows::{AppRow, NONCE, Page, Row};
use crate::connectors::http::call::{Call, Streamed};
use crate::connectors::http::{CallError, Http};
use crate::connectors::{ConnectorError, ErrorKind, Handle};

/// Most sessions of one form: Tomcat reads a thousand parameters and drops the rest without a word.
pub(super) const AT_ONCE: usize = 900;

/// The bridge on one node.
pub(super) struct ManagerPages {
    http: Http,
    user: String,
    password: SecretString,
    /// Of the newest page; `None` = the first page has to be read for one.
    nonce: Mutex<Option<String>>,
}

/// A page of sessions that is being read.
pub(super) struct Reading<'p> {
    nonce: MutexGuard<'p, Option<String>>,
    answer: Streamed<'p>,
    page: Page,
    /// Whether the app is there; known at the end.
    pub there: bool,
}

impl Reading<'_> {
    /// Sessions as they come, perhaps none; `None` = that was the whole page. An error where it breaks off.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, CallError> {
        if let Some(bytes) = self.answer.piece().await? {
            return self
                .page
                .take(bytes.as_ref())
                .map(Some)
                .map_err(CallError::arrived);
        }
        self.there = self.page.end_of_sessions().map_err(CallError::arrived)?;
        *self.nonce = self.page.nonce.take();
        Ok(None)
    }
}

impl ManagerPages {
    /// `http` leads to the Manager app and keeps cookies.
    pub fn new(http: Http, user: String, password: SecretString) -> Self {
        Self {
            http,
            user,
            password,
            nonce: Mutex::default(),
        }
    }

    /// The apps that run, Tomcat's own among them.
    pub async fn apps(&self) -> Result<Vec<AppRow>, ConnectorError> {
        let mut nonce = self.nonce.lock().await;
        Ok(self.first_page(&mut nonce).await?)
    }

    /// Begins to read the sessions of an app.
    pub async fn sessions(&self, place: &str) -> Result<Reading<'_>, CallError> {
        self.open(place, None).await
    }

    /// Ids of an app's sessions; `None` = the app is not there.
    pub async fn ids(&self, place: &str) -> Result<Option<Vec<Handle>>, ConnectorError> {
        let mut reading = self.sessions(place).await?;
        let mut ids = Vec::new();
        while let Some(rows) = reading.next().await? {
            ids.extend(rows.into_iter().map(|row| row.id));
        }
        Ok(reading.there.then_some(ids))
    }

    /// Asks to end up to [`AT_ONCE`] sessions of an app; how many it says were ended. It skips those that are not there.
    pub async fn end(&self, place: &str, ids: &[&Handle]) -> Result<usize, CallError> {
        let mut reading = self.open(place, Some(ids)).await?;
        // The answer is the list of those that are left. Only where it came whole, what it says is believed.
        while reading.next().await?.is_some() {}
        Ok(reading.page.ended.unwrap_or(0))
    }

    async fn open(&self, place: &str, end: Option<&[&Handle]>) -> Result<Reading<'_>, CallError> {
        let mut nonce = self.nonce.lock().await;
        let remembered = nonce.is_some();
        if !remembered {
            self.first_page(&mut nonce).await?;
        }
        let answer = match self.page(place, nonce.take(), end).await {
            // Tomcat forgot our nonce, with our session there or by a restart: nothing was done.
            Err(failed) if remembered && failed.error.kind == ErrorKind::Forbidden => {
                self.first_page(&mut nonce).await?;
                self.page(place, nonce.take(), end).await?
            }
            other => other?,
        };
        Ok(Reading {
            nonce,
            answer,
            page: Page::default(),
            there: false,
        })
    }

    /// The page of an app's sessions, as it comes; with `end`, after these were ended.
    async fn page(
        &self,
        place: &str,
        nonce: Option<String>,
        end: Option<&[&Handle]>,
    ) -> Result<Streamed<'_>, CallError> {
        let (path, version) = place.split_once("##").unwrap_or((place, ""));
        let mut query = vec![("path", path), ("version", version)];
        query.extend(nonce.as_deref().map(|nonce| (NONCE, nonce)));
        let (operation, method) = match end {
            None => ("sessions_page", Method::GET),
            Some(_) => ("invalidate_sessions", Method::POST),
        };
        let mut call = self
            .http
            .call(operation, method, &["html", "sessions"])
            .query(&query);
        if let Some(ids) = end {
            let ids = ids.iter().map(|id| ("sessionIds", id.expose()));
            call = call.form([("action", "invalidateSessions")].into_iter().chain(ids));
        }
        self.answer(call).await
    }

    /// Reads the page of apps and keeps its nonce.
    async fn first_page(&self, nonce: &mut Option<String>) -> Result<Vec<AppRow>, CallError> {
        *nonce = None;
        let call = self.http.call("manager_page", Method::GET, &["html"]);
        let mut answer = self.answer(call).await.map_err(|mut failed| {
            if failed.error.kind == ErrorKind::Forbidden {
                failed.error.message =
                    "Curfew\u{2019}s account there may not use them (403): they ask for the role manager-gui.".to_owned();
            }
            failed
        })?;
        let mut page = Page::default();
        while let Some(bytes) = answer.piece().await? {
            page.take(bytes.as_ref()).map_err(CallError::arrived)?;
        }
        let apps = page.end_of_apps().map_err(CallError::arrived)?;
        *nonce = page.nonce;
        Ok(apps)
    }

    async fn answer<'h>(&self, call: Call<'h>) -> Result<Streamed<'h>, CallError> {
        let call = call
            .header("accept", "text/html")
            .basic(&self.user, &self.password);
        let answer = call.stream().await.map_err(|mut failed| {
            if failed.error.kind == ErrorKind::Unauthorized {
                failed.error.message = format!("The Manager\u{2019}s pages: {}", failed.error.message);
            }
            failed
        })?;
        let error = match answer.status() {
            200 => return Ok(answer),
            404 => ConnectorError::new(
                ErrorKind::Protocol,
                "There are no pages of the Manager app at this address (404).",
            ),
            status @ 500..=599 => ConnectorError::new(
                ErrorKind::Unreachable,
                format!("It reported a fault of its own (status {status})."),
            ),
            status => ConnectorError::new(
                ErrorKind::Protocol,
                format!("It answered with status {status}, which Curfew does not expect here."),
            ),
        };
        Err(CallError::arrived(error))
    }
}
