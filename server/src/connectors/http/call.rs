//! One request: what it carries, and how its answer is taken.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Request, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::answered::Answered;
use super::{CallError, Http, cut_off, is_html};
use crate::connectors::{ConnectorError, ErrorKind};

/// A request being built.
pub struct Call<'h> {
    pub(super) http: &'h Http,
    pub(super) operation: &'static str,
    pub(super) request: Option<Request>,
    pub(super) takes: Takes,
}

/// Which answers are taken like any other; else they are failures, unread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Takes {
    /// Status 401 and 403.
    pub refusals: bool,
    /// Status 3xx, not followed.
    pub redirects: bool,
}

impl<'h> Call<'h> {
    /// Adds parameters to the address; raw session ids only where a protocol knows no other way (Tomcat's JMX proxy):
    /// addresses stand in the access log over there, never in ours.
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        if let Some(request) = &mut self.request {
            request.url_mut().query_pairs_mut().extend_pairs(pairs);
        }
        self
    }

    /// Identifies us by a bearer token.
    pub fn bearer(self, token: &SecretString) -> Self {
        let value = SecretString::from(format!("Bearer {}", token.expose_secret()));
        self.secret_header(AUTHORIZATION, &value)
    }

    /// Identifies us by name and password (BASIC).
    pub fn basic(self, user: &str, password: &SecretString) -> Self {
        let both = format!("{user}:{}", password.expose_secret());
        let value = SecretString::from(format!("Basic {}", data_encoding::BASE64.encode(both.as_bytes())));
        self.secret_header(AUTHORIZATION, &value)
    }

    /// Sends form fields as the body: the place for raw ids, which stay out of access logs there.
    pub fn form<'f>(mut self, pairs: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        if let Some(request) = &mut self.request {
            let mut url = request.url().clone();
            url.query_pairs_mut().clear().extend_pairs(pairs);
            let fields = url.query().unwrap_or_default().to_owned();
            request.headers_mut().insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            );
            *request.body_mut() = Some(fields.into());
        }
        self
    }

    /// Adds a header whose value must never be logged.
    pub fn secret_header(mut self, name: HeaderName, value: &SecretString) -> Self {
        match (HeaderValue::from_str(value.expose_secret()), &mut self.request) {
            (Ok(mut header), Some(request)) => {
                header.set_sensitive(true);
                request.headers_mut().insert(name, header);
            }
            _ => self.request = None,
        }
        self
    }

    /// Adds a header that may be seen.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        match (HeaderValue::from_str(value), &mut self.request) {
            (Ok(value), Some(request)) => {
                request.headers_mut().insert(HeaderName::from_static(name), value);
            }
            _ => self.request = None,
        }
        self
    }

    /// Takes 401 and 403 as answers to be read, for systems that say in the body what they mean by them.
    pub fn refusals_too(mut self) -> Self {
        self.takes.refusals = true;
        self
    }

    /// Takes a redirect as an answer to be read, for systems that say by its address what they mean; it is not followed.
    pub fn redirects_too(mut self) -> Self {
        self.takes.redirects = true;
        self
    }

    /// Sends an XML body: these very bytes.
    pub fn xml_text(mut self, body: String) -> Self {
        if let Some(request) = &mut self.request {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
            *request.body_mut() = Some(body.into());
        }
        self
    }

    /// Sends a JSON body that is text already: these very bytes.
    pub fn json_text(mut self, body: String) -> Self {
        if let Some(request) = &mut self.request {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.into());
        }
        self
    }

    /// Sends a JSON body.
    pub fn json<T: Serialize>(mut self, body: &T) -> Self {
        match (serde_json::to_vec(body), &mut self.request) {
            (Ok(bytes), Some(request)) => {
                request
                    .headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                *request.body_mut() = Some(bytes.into());
            }
            _ => self.request = None,
        }
        self
    }

    /// Sends it and reads the answer to its end, within the system's limits.
    pub async fn send(self) -> Result<Answered, CallError> {
        self.exchange(true).await
    }

    /// Sends it for the answer's status alone; what else it holds is not read.
    pub async fn status(self) -> Result<u16, CallError> {
        Ok(self.exchange(false).await?.status)
    }

    /// Sends it; the answer is read piece by piece, however long: the time limit is for its head and for each piece.
    pub async fn stream(self) -> Result<Streamed<'h>, CallError> {
        let (http, operation, takes) = (self.http, self.operation, self.takes);
        let request = self.checked()?;
        let slot = http.throttle.enter().await.map_err(CallError::nothing_left)?;
        let response = told(
            operation,
            |response: &Response| response.status().as_u16(),
            async {
                tokio::time::timeout(http.timeout, http.open(request, takes))
                    .await
                    .unwrap_or_else(|_| Err(http.late()))
            },
        )
        .await?;
        Ok(Streamed {
            http,
            response,
            _slot: slot,
        })
    }

    async fn exchange(self, read: bool) -> Result<Answered, CallError> {
        let (http, operation, takes) = (self.http, self.operation, self.takes);
        let request = self.checked()?;
        let _slot = http.throttle.enter().await.map_err(CallError::nothing_left)?;
        told(operation, |answered: &Answered| answered.status, async {
            tokio::time::timeout(http.timeout, http.exchange(request, read, takes))
                .await
                .unwrap_or_else(|_| Err(http.late()))
        })
        .await
    }

    /// The request as it may leave us.
    fn checked(self) -> Result<Request, CallError> {
        let nothing_left =
            |words: &str| CallError::nothing_left(ConnectorError::new(ErrorKind::Protocol, words));
        let Some(mut request) = self.request else {
            return Err(nothing_left(
                "A part of the request was empty or could not be written; nothing was asked.",
            ));
        };
        if !self.http.allowed(request.url()) {
            return Err(nothing_left(
                "The request would have left the configured host; nothing was asked.",
            ));
        }
        request
            .headers_mut()
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        Ok(request)
    }
}

/// An answer that is being read; it keeps its place among the requests at a time until it is dropped.
pub struct Streamed<'h> {
    http: &'h Http,
    response: Response,
    _slot: OwnedSemaphorePermit,
}

impl Streamed<'_> {
    /// HTTP status: any but 429, and 3xx, 401 and 403 only where they were asked for.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// True when it calls itself a web page.
    pub fn is_page(&self) -> bool {
        is_html(&self.response)
    }

    /// The next bytes; `None` = that was all.
    pub async fn piece(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, CallError> {
        tokio::time::timeout(self.http.timeout, self.response.chunk())
            .await
            .map_err(|_| self.http.late())?
            .map_err(|_| cut_off())
    }
}

/// Carries a call out and tells the log how it went: the operation's name, never an address.
async fn told<T>(
    operation: &'static str,
    status: impl Fn(&T) -> u16,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let began = Instant::now();
    let result = call.await;
    let took_ms = began.elapsed().as_millis() as u64;
    match &result {
        Ok(answer) => {
            tracing::debug!(operation, status = status(answer), took_ms, "asked a system");
        }
        Err(failed) => {
            tracing::debug!(
                operation,
                kind = failed.error.kind.name(),
                took_ms,
                "a system did not answer as hoped"
            );
        }
    }
    result
}
