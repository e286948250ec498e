//! The one home of outbound HTTP. A client per system that reaches the configured host and nothing else.
//!
//! Security E1: only the configured scheme, host and port; addresses of the machine's own network equipment
//! (link-local, where clouds keep their metadata service) are refused unless written into the settings literally; no
//! redirects, no proxy from the environment. E6: limits on time, size, connections and pace. Log lines carry the name
//! of the operation, never an address with ids in it.

use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::time::Instant;

use self::answered::Answered;
use self::resolver::{CarefulResolver, LinkLocal};
use self::throttle::Throttle;
use super::{ConnectorError, ErrorKind};

mod answered;
mod resolver;
mod throttle;

/// How to reach a system.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Scheme, host, port and base path. Nothing outside it is ever called.
    pub base: String,
    /// Longest time for one request, its answer read to the end.
    pub timeout: Duration,
    /// Requests at the same time, at least 1.
    pub connections: usize,
    /// Shortest time between the starts of two requests; zero = none.
    pub pace: Duration,
    /// PEM file of the only authorities to trust; none = those of the machine.
    pub ca_file: Option<PathBuf>,
    /// Longest answer, bytes.
    pub longest_answer: usize,
}

/// Default of [`HttpSettings::longest_answer`]: 16 MiB.
pub const LONGEST_ANSWER: usize = 16 << 20;

/// A client for one system.
pub struct Http {
    client: reqwest::Client,
    /// The address as the settings write it.
    written: Url,
    base: Url,
    timeout: Duration,
    longest_answer: usize,
    throttle: Throttle,
}

/// A failed call, and whether anything may have reached the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// Kind and words.
    pub error: ConnectorError,
    /// True when the request may have arrived: what it asked for may have happened.
    pub left_us: bool,
}

impl From<CallError> for ConnectorError {
    fn from(failed: CallError) -> Self {
        failed.error
    }
}

impl Http {
    /// A client for these settings; the error names the bad setting.
    pub fn new(settings: &HttpSettings) -> anyhow::Result<Self> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Fails only when the program has already chosen one: that one serves as well.
            rustls::crypto::ring::default_provider().install_default().ok();
        });
        let mut base = Url::parse(&settings.base).map_err(|cause| anyhow::anyhow!("url: {cause}"))?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https") && base.host_str().is_some(),
            "url: write it as https://host/path"
        );
        anyhow::ensure!(
            base.username().is_empty() && base.password().is_none(),
            "url: no user or password in it; name a secret instead"
        );
        anyhow::ensure!(
            base.query().is_none() && base.fragment().is_none(),
            "url: nothing after ? or #"
        );
        let written = base.clone();
        if !base.path().ends_with('/') {
            let with_slash = format!("{}/", base.path());
            base.set_path(&with_slash);
        }
        #[expect(clippy::disallowed_methods, reason = "the one home of outbound HTTP")]
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(settings.timeout.min(Duration::from_secs(5)))
            .pool_max_idle_per_host(settings.connections.max(1))
            .pool_idle_timeout(Duration::from_secs(20))
            .tcp_nodelay(true)
            .user_agent(concat!("Curfew/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(CarefulResolver));
        if let Some(file) = &settings.ca_file {
            let pem = std::fs::read(file)
                .map_err(|cause| anyhow::anyhow!("ca_file {}: {cause}", file.display()))?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem)?;
            anyhow::ensure!(
                !authorities.is_empty(),
                "ca_file {}: no certificate in it",
                file.display()
            );
            builder = builder.tls_certs_only(authorities);
        } else if base.scheme() == "http" {
            // Nothing to verify: do not ask the machine for authorities it may not have.
            builder = builder.tls_certs_only([]);
        }
        Ok(Self {
            client: builder.build()?,
            written,
            base,
            timeout: settings.timeout,
            longest_answer: settings.longest_answer,
            throttle: Throttle::new(settings.connections, settings.pace),
        })
    }

    /// A call of `operation` (its name in log lines) at the path made of `segments` below the base.
    ///
    /// Segments are encoded, so an id can't leave its place. An empty one fails the call: in several systems a path
    /// with an empty name means everybody.
    pub fn call(&self, operation: &'static str, method: Method, segments: &[&str]) -> Call<'_> {
        let mut url = self.base.clone();
        let mut bad = segments.iter().any(|s| s.is_empty() || *s == "." || *s == "..");
        match url.path_segments_mut() {
            Ok(mut path) => {
                path.pop_if_empty().extend(segments);
            }
            Err(()) => bad = true,
        }
        Call {
            http: self,
            operation,
            request: (!bad).then(|| Request::new(method, url)),
        }
    }

    /// A call of `operation` at the very address of the settings.
    pub fn call_as_written(&self, operation: &'static str, method: Method) -> Call<'_> {
        Call {
            http: self,
            operation,
            request: Some(Request::new(method, self.written.clone())),
        }
    }

    /// True for the host the settings name: the only one this client speaks to.
    fn allowed(&self, url: &Url) -> bool {
        url.scheme() == self.base.scheme()
            && url.host() == self.base.host()
            && url.port_or_known_default() == self.base.port_or_known_default()
    }
}

/// A request being built.
pub struct Call<'h> {
    http: &'h Http,
    operation: &'static str,
    request: Option<Request>,
}

impl Call<'_> {
    /// Adds parameters to the address; never for raw session ids.
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

    async fn exchange(self, read: bool) -> Result<Answered, CallError> {
        let nothing_left = |kind, words: &str| CallError {
            error: ConnectorError::new(kind, words),
            left_us: false,
        };
        let Some(mut request) = self.request else {
            return Err(nothing_left(
                ErrorKind::Protocol,
                "A part of the request was empty or could not be written; nothing was asked.",
            ));
        };
        if !self.http.allowed(request.url()) {
            return Err(nothing_left(
                ErrorKind::Protocol,
                "The request would have left the configured host; nothing was asked.",
            ));
        }
        request
            .headers_mut()
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        let _slot = self.http.throttle.enter().await.map_err(|error| CallError {
            error,
            left_us: false,
        })?;
        let began = Instant::now();
        let result = match tokio::time::timeout(self.http.timeout, self.http.exchange(request, read)).await {
            Ok(result) => result,
            Err(_) => Err(CallError {
                error: ConnectorError::new(
                    ErrorKind::Unreachable,
                    format!("No answer within {}.", seconds(self.http.timeout)),
                ),
                left_us: true,
            }),
        };
        let took_ms = began.elapsed().as_millis() as u64;
        match &result {
            Ok(answered) => {
                tracing::debug!(
                    operation = self.operation,
                    status = answered.status,
                    took_ms,
                    "asked a system"
                );
            }
            Err(failed) => {
                tracing::debug!(
                    operation = self.operation,
                    kind = failed.error.kind.name(),
                    took_ms,
                    "a system did not answer as hoped"
                );
            }
        }
        result
    }
}

impl Http {
    async fn exchange(&self, request: Request, read: bool) -> Result<Answered, CallError> {
        let arrived = |error| CallError { error, left_us: true };
        let mut response = self.client.execute(request).await.map_err(|cause| CallError {
            left_us: !cause.is_connect() && !cause.is_builder(),
            error: ConnectorError::new(
                ErrorKind::Unreachable,
                if cause.is_connect() {
                    refused_words(&cause)
                } else {
                    "The connection broke before an answer came.".to_owned()
                },
            ),
        })?;
        let status = response.status().as_u16();
        let html = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains("html"));
        match status {
            300..=399 => {
                return Err(arrived(ConnectorError::new(
                    ErrorKind::Protocol,
                    "It answered by sending us elsewhere (a redirect), which Curfew does not follow: check the url setting.",
                )));
            }
            401 => {
                return Err(arrived(ConnectorError::new(
                    ErrorKind::Unauthorized,
                    "It did not accept Curfew\u{2019}s identity there (401). It is not tried again by itself: mend the secret, then press Test.",
                )));
            }
            403 => {
                return Err(arrived(ConnectorError::new(
                    ErrorKind::Forbidden,
                    "It knows Curfew\u{2019}s identity but does not allow this (403).",
                )));
            }
            429 => {
                let after = response
                    .headers()
                    .get(RETRY_AFTER)
                    .and_then(|value| value.to_str().ok())
                    .and_then(|value| value.trim().parse().ok());
                return Err(arrived(ConnectorError {
                    kind: ErrorKind::RateLimited,
                    message: match after {
                        Some(s) => format!("It was asked too often and wants {s} s of rest."),
                        None => "It was asked too often.".to_owned(),
                    },
                    retry_after_s: after,
                }));
            }
            _ => {}
        }
        let mut body = Vec::new();
        if !read {
            return Ok(Answered { status, html, body });
        }
        loop {
            match response.chunk().await {
                Ok(Some(bytes)) if body.len() + bytes.len() > self.longest_answer => {
                    return Err(arrived(ConnectorError::new(
                        ErrorKind::Protocol,
                        format!("Its answer was longer than {} MiB.", self.longest_answer >> 20),
                    )));
                }
                Ok(Some(bytes)) => body.extend_from_slice(&bytes),
                Ok(None) => break,
                Err(_) => {
                    return Err(arrived(ConnectorError::new(
                        ErrorKind::Protocol,
                        "Its answer was cut off before the end.",
                    )));
                }
            }
        }
        Ok(Answered { status, html, body })
    }
}

/// "10 s" or "300 ms".
fn seconds(time: Duration) -> String {
    if time.as_millis().is_multiple_of(1000) {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}

/// Why no connection came about, without addresses.
fn refused_words(cause: &reqwest::Error) -> String {
    let mut source: Option<&dyn std::error::Error> = Some(cause);
    while let Some(error) = source {
        if error.is::<LinkLocal>() {
            return LinkLocal.to_string();
        }
        source = error.source();
    }
    if cause.is_timeout() {
        "No connection came about in time.".to_owned()
    } else {
        "No connection: the host is not known, nothing listens there, or its certificate is not trusted."
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::Uri;
    use axum::routing::any;
    use tokio::net::TcpListener;

    use super::*;

    fn settings(base: &str) -> HttpSettings {
        HttpSettings {
            base: base.to_owned(),
            timeout: Duration::from_millis(400),
            connections: 2,
            pace: Duration::ZERO,
            ca_file: None,
            longest_answer: 1_000,
        }
    }

    /// A server that answers every path with itself, `/long` with too much.
    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/base/long", any(|| async { "x".repeat(5_000) }))
            .fallback(any(|uri: Uri| async move { format!("\"{uri}\"") }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/base")
    }

    async fn get(http: &Http, segments: &[&str]) -> Result<Answered, CallError> {
        http.call("test", Method::GET, segments).send().await
    }

    #[tokio::test]
    async fn security_e1_an_id_can_not_leave_its_place_in_the_path() {
        let http = Http::new(&settings(&echo().await)).unwrap();
        let path: String = get(&http, &["users", "a/../b?x#y", "sessions"])
            .await
            .unwrap()
            .json()
            .unwrap();
        assert_eq!(path, "/base/users/a%2F..%2Fb%3Fx%23y/sessions");
        for segments in [&["users", ""][..], &["..", "users"], &["."]] {
            let failed = get(&http, segments).await.err().unwrap();
            assert!(
                !failed.left_us,
                "an empty name means everybody in several systems"
            );
        }
    }

    #[tokio::test]
    async fn security_e1_only_the_configured_host_is_called() {
        let http = Http::new(&settings("https://sim.example.org:8443/x")).unwrap();
        for (url, allowed) in [
            ("https://sim.example.org:8443/y", true),
            ("https://sim.example.org/y", false),
            ("http://sim.example.org:8443/y", false),
            ("https://evil.example.org:8443/", false),
        ] {
            assert_eq!(http.allowed(&Url::parse(url).unwrap()), allowed, "{url}");
        }
    }

    #[test]
    fn a_secret_or_a_query_in_the_url_setting_is_refused() {
        for bad in [
            "ftp://h/",
            "https://u:p@h/",
            "https://h/?a=b",
            "h",
            "https://h/#x",
        ] {
            assert!(Http::new(&settings(bad)).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn security_e6_an_endless_answer_is_cut_and_a_dead_host_is_unreachable() {
        let http = Http::new(&settings(&echo().await)).unwrap();
        let long = get(&http, &["long"]).await.err().unwrap();
        assert_eq!((long.error.kind, long.left_us), (ErrorKind::Protocol, true));
        let free = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let dead = Http::new(&settings(&format!("http://{free}"))).unwrap();
        let failed = get(&dead, &["x"]).await.err().unwrap();
        assert_eq!(
            (failed.error.kind, failed.left_us),
            (ErrorKind::Unreachable, false)
        );
    }

    #[tokio::test]
    async fn requests_keep_the_pace() {
        let mut slow = settings(&echo().await);
        slow.pace = Duration::from_millis(60);
        let http = Http::new(&slow).unwrap();
        let began = Instant::now();
        let (a, b, c) = tokio::join!(get(&http, &["a"]), get(&http, &["b"]), get(&http, &["c"]));
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert!(
            began.elapsed() >= Duration::from_millis(120),
            "{:?}",
            began.elapsed()
        );
    }
}
