//! The one home of outbound HTTP. A client per system that reaches the configured host and nothing else.
//!
//! Security E1: only the configured scheme, host and port; addresses of the machine's own network equipment
//! (link-local, where clouds keep their metadata service) are refused unless written into the settings literally; no
//! redirects, no proxy from the environment. E6: limits on time, size, connections and pace. Log lines carry the name
//! of the operation, never an address with ids in it.

use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use reqwest::{Method, Request, Response, Url};
use secrecy::SecretString;

pub use self::answered::Answered;
pub use self::call::Call;
use self::call::Takes;
pub use self::each::{ask_each, in_order};
use self::resolver::{CarefulResolver, LinkLocal};
use self::throttle::Throttle;
use super::{ConnectorError, ErrorKind};

mod answered;
pub mod call;
mod each;
mod resolver;
#[cfg(test)]
mod tests;
mod throttle;
mod way;

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
    /// Whether cookies the system sets are sent back to it. Only in memory, and only to this address.
    pub cookies: bool,
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
    /// Why it may be worth asking for less.
    pub too_much: Option<TooMuch>,
}

/// An answer that asking for less may mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMuch {
    /// It was longer than [`HttpSettings::longest_answer`].
    Long,
    /// It did not come within [`HttpSettings::timeout`].
    Late,
}

impl CallError {
    /// A failure of a request that the system may have carried out.
    pub const fn arrived(error: ConnectorError) -> Self {
        Self {
            error,
            left_us: true,
            too_much: None,
        }
    }

    /// A failure before anything left us.
    const fn nothing_left(error: ConnectorError) -> Self {
        Self {
            error,
            left_us: false,
            too_much: None,
        }
    }

    /// True when nothing of what was asked was done: it never left us, or the system turned it away at the door.
    pub const fn nothing_asked(&self) -> bool {
        !self.left_us || self.turned_away()
    }

    /// True when the system turned us away at the door, whatever was asked.
    pub const fn turned_away(&self) -> bool {
        matches!(
            self.error.kind,
            ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::RateLimited
        )
    }
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
            // Tomcat closes after 20 s (keepAliveTimeout, observed): a connection given up by us is never met half closed.
            .pool_idle_timeout(Duration::from_secs(15))
            .cookie_store(settings.cookies)
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
            takes: Takes::default(),
        }
    }

    /// A call of `operation` at the very address of the settings.
    pub fn call_as_written(&self, operation: &'static str, method: Method) -> Call<'_> {
        Call {
            http: self,
            operation,
            request: Some(Request::new(method, self.written.clone())),
            takes: Takes::default(),
        }
    }

    /// True for the host the settings name: the only one this client speaks to.
    fn allowed(&self, url: &Url) -> bool {
        url.scheme() == self.base.scheme()
            && url.host() == self.base.host()
            && url.port_or_known_default() == self.base.port_or_known_default()
    }
}

impl Http {
    /// Sends a request and looks at the answer's head.
    async fn open(&self, request: Request, takes: Takes) -> Result<Response, CallError> {
        let response = self.client.execute(request).await.map_err(|cause| CallError {
            left_us: !cause.is_connect() && !cause.is_builder(),
            too_much: None,
            error: ConnectorError::new(
                ErrorKind::Unreachable,
                if cause.is_connect() {
                    refused_words(&cause)
                } else {
                    "The connection broke before an answer came.".to_owned()
                },
            ),
        })?;
        match response.status().as_u16() {
            300..=399 if takes.redirects => Ok(response),
            // A 401 whose page leads to where people sign in: Spring's, observed.
            302 | 303 if response.headers().contains_key(WWW_AUTHENTICATE) => {
                Err(CallError::arrived(ConnectorError::new(
                    ErrorKind::Unauthorized,
                    "It did not accept Curfew\u{2019}s identity there and led to its sign-in page. It is not tried again by itself: mend the secret, then press Test.",
                )))
            }
            300..=399 => Err(CallError::arrived(ConnectorError::new(
                ErrorKind::Protocol,
                "It answered by sending us elsewhere (a redirect), which Curfew does not follow: check the url setting.",
            ))),
            401 | 403 if takes.refusals => Ok(response),
            401 => Err(CallError::arrived(ConnectorError::new(
                ErrorKind::Unauthorized,
                "It did not accept Curfew\u{2019}s identity there (401). It is not tried again by itself: mend the secret, then press Test.",
            ))),
            403 => Err(CallError::arrived(ConnectorError::new(
                ErrorKind::Forbidden,
                "It knows Curfew\u{2019}s identity but does not allow this (403).",
            ))),
            429 => {
                let after = response
                    .headers()
                    .get(RETRY_AFTER)
                    .and_then(|value| value.to_str().ok())
                    .and_then(|value| value.trim().parse().ok());
                Err(CallError::arrived(ConnectorError {
                    kind: ErrorKind::RateLimited,
                    message: match after {
                        Some(s) => format!("It was asked too often and wants {s} s of rest."),
                        None => "It was asked too often.".to_owned(),
                    },
                    retry_after_s: after,
                }))
            }
            _ => Ok(response),
        }
    }

    async fn exchange(&self, request: Request, read: bool, takes: Takes) -> Result<Answered, CallError> {
        let mut response = self.open(request, takes).await?;
        let status = response.status().as_u16();
        let html = is_html(&response);
        let cookies = cookies(&response);
        let location = response.headers().get(LOCATION);
        let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while read && let Some(bytes) = response.chunk().await.map_err(|_| cut_off())? {
            if body.len() + bytes.len() > self.longest_answer {
                let words = format!("Its answer was longer than {} MiB.", self.longest_answer >> 20);
                return Err(CallError {
                    too_much: Some(TooMuch::Long),
                    ..CallError::arrived(ConnectorError::new(ErrorKind::Protocol, words))
                });
            }
            body.extend_from_slice(&bytes);
        }
        Ok(Answered {
            status,
            html,
            body,
            cookies,
            location,
        })
    }

    /// No answer, or no more of it, within the time limit.
    fn late(&self) -> CallError {
        CallError {
            too_much: Some(TooMuch::Late),
            ..CallError::arrived(ConnectorError::new(
                ErrorKind::Unreachable,
                format!("No answer within {}.", seconds(self.timeout)),
            ))
        }
    }
}

/// Parameters of an address that stands on a page, decoded; `query` is what stands behind the `?`.
pub fn parameters(query: &str) -> Vec<(String, String)> {
    let address = Url::parse(&format!("http://page/?{query}"));
    address.map_or_else(
        |_| Vec::new(),
        |address| address.query_pairs().into_owned().collect(),
    )
}

/// Host and port of an address; the port is left out where its scheme says it. Path and query may hold anything.
pub fn host_of(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

fn cut_off() -> CallError {
    CallError::arrived(ConnectorError::new(
        ErrorKind::Protocol,
        "Its answer was cut off before the end.",
    ))
}

fn cookies(response: &Response) -> Vec<(String, SecretString)> {
    let set = response.headers().get_all(SET_COOKIE).iter();
    set.filter_map(|value| {
        let pair = value.to_str().ok()?.split(';').next()?;
        let (name, value) = pair.split_once('=')?;
        Some((
            name.trim().to_owned(),
            SecretString::from(value.trim().to_owned()),
        ))
    })
    .collect()
}

fn is_html(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().contains("html"))
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
