//! The API as a client sees it: one address, one token, problems as they come. The only HTTP client of the command line.
//!
//! Safe to repeat: a GET changes nothing, and every POST that changes something carries an `Idempotency-Key` that stays
//! the same over its tries. So a call that got no answer is sent again, and one that came too often waits as long as it is told to.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;
use crate::http::api::PREFIX;
use crate::http::api::problem::Details;
use crate::keys;

/// Tries of one call.
const TRIES: u32 = 5;
/// Longest time for one try.
const LONGEST: Duration = Duration::from_secs(30);
/// Longest a portal may ask to wait before it is a failure, seconds.
const LONGEST_REST_S: u32 = 60;

/// A portal, spoken to in the name of a token.
pub struct Api {
    client: reqwest::Client,
    base: Url,
    token: HeaderValue,
}

/// What is sent with a call.
struct Body {
    /// JSON.
    text: String,
    /// Idempotency key; `None` = the call changes nothing.
    key: Option<String>,
}

/// The address of a portal: https, or http on this machine itself.
pub fn checked_url(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).with_context(|| format!("the portal's address {text}"))?;
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let here = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    anyhow::ensure!(
        url.scheme() == "https" || (url.scheme() == "http" && here),
        "the portal's address must begin with https:// (http:// only for this machine itself)"
    );
    anyhow::ensure!(
        url.username().is_empty() && url.password().is_none(),
        "the portal's address holds no user and no password"
    );
    anyhow::ensure!(
        url.query().is_none() && url.fragment().is_none(),
        "the portal's address ends before ? and #"
    );
    Ok(url)
}

impl Api {
    /// Speaks to the portal at `base`; `ca_file` names the only authorities to trust, `None` = those of the machine.
    pub fn new(base: Url, token: &SecretString, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        crate::http::install_tls();
        #[expect(
            clippy::disallowed_methods,
            reason = "the command line calls the portal it was told of, not a connected system"
        )]
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .timeout(LONGEST)
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("curfew-cli/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = ca_file {
            let pem =
                std::fs::read(file).with_context(|| format!("the authorities in {}", file.display()))?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem)?;
            anyhow::ensure!(
                !authorities.is_empty(),
                "{}: no certificate in it",
                file.display()
            );
            builder = builder.tls_certs_only(authorities);
        } else if base.scheme() == "http" {
            builder = builder.tls_certs_only([]).no_proxy();
        }
        let bearer = SecretString::from(format!("Bearer {}", token.expose_secret()));
        let mut token = HeaderValue::from_str(bearer.expose_secret())
            .map_err(|_| anyhow::anyhow!("the token holds a character no token holds"))?;
        token.set_sensitive(true);
        Ok(Self {
            client: builder.build()?,
            base,
            token,
        })
    }

    /// Reads what is at the path made of `segments`.
    pub async fn get<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(String, String)],
    ) -> Result<T, Failure> {
        let mut url = self.url(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.call(Method::GET, url, None).await
    }

    /// Sends JSON, once however often it must be tried.
    pub async fn post<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_string(body).map_err(|cause| Failure::Other(cause.to_string()))?;
        let body = Body {
            text: body,
            key: Some(keys::random_id()),
        };
        self.call(Method::POST, self.url(segments), Some(body)).await
    }

    /// Asks with JSON for what changes nothing: no key goes with it, so nothing of it is kept there.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_string(body).map_err(|cause| Failure::Other(cause.to_string()))?;
        let body = Body {
            text: body,
            key: None,
        };
        self.call(Method::POST, self.url(segments), Some(body)).await
    }

    /// Segments are encoded: a name can't leave its place.
    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .extend(PREFIX.split('/').filter(|part| !part.is_empty()))
                .extend(segments);
        }
        url
    }

    /// The page of a preview, for a browser.
    pub fn page(&self, preview_id: &str) -> String {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["endings", "preview", preview_id]);
        }
        url.into()
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: Option<Body>,
    ) -> Result<T, Failure> {
        let mut tried = 0;
        loop {
            tried += 1;
            let mut request = self
                .client
                .request(method.clone(), url.clone())
                .header(AUTHORIZATION, self.token.clone());
            if let Some(body) = &body {
                request = request
                    .header("content-type", "application/json")
                    .body(body.text.clone());
                if let Some(key) = &body.key {
                    request = request.header("idempotency-key", key);
                }
            }
            let failed = match request.send().await {
                Ok(response) => match read(response).await {
                    Ok(answer) => return Ok(answer),
                    Err(failed) => failed,
                },
                Err(cause) => Failure::NoAnswer(no_answer(&self.base, &cause)),
            };
            let Some(rest) = worth_repeating(&failed, tried) else {
                return Err(failed);
            };
            tokio::time::sleep(rest).await;
        }
    }
}

async fn read<T: DeserializeOwned>(response: reqwest::Response) -> Result<T, Failure> {
    let status = response.status();
    let bytes = response
        .bytes()
        .await
        .map_err(|_| Failure::NoAnswer("The portal's answer was cut off.".to_owned()))?;
    if status.is_success() {
        return serde_json::from_slice(&bytes).map_err(|cause| {
            Failure::Other(format!(
                "The portal answered something this version of curfew does not understand ({cause})."
            ))
        });
    }
    Err(match serde_json::from_slice::<Details>(&bytes) {
        Ok(problem) => Failure::Problem(Box::new(problem)),
        Err(_) => Failure::Other(format!(
            "This address answers {status}, but not as Curfew does. Is it the portal's?"
        )),
    })
}

/// How long to rest before the next try; `None` = it is of no use.
fn worth_repeating(failed: &Failure, tried: u32) -> Option<Duration> {
    if tried >= TRIES {
        return None;
    }
    let pause = Duration::from_millis(250 << tried);
    match failed {
        Failure::NoAnswer(_) => Some(pause),
        Failure::Problem(problem) => match (problem.status, problem.retry_after_s) {
            (_, Some(seconds)) if seconds <= LONGEST_REST_S => {
                Some(Duration::from_secs(seconds.into()).max(pause))
            }
            (503, None) => Some(pause),
            _ => None,
        },
        _ => None,
    }
}

fn no_answer(base: &Url, cause: &reqwest::Error) -> String {
    let host = base.host_str().unwrap_or_default();
    if cause.is_timeout() {
        format!("{host} did not answer in time.")
    } else if cause.is_connect() {
        format!(
            "No connection to {host}: it is not known, nothing listens there, or its certificate is not trusted (--ca-file)."
        )
    } else {
        format!("The connection to {host} broke before an answer came.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_e3_a_token_travels_encrypted_or_stays_on_this_machine() {
        for good in [
            "https://curfew.example.org",
            "https://curfew.example.org:8443/base",
            "http://127.0.0.1:8460",
            "http://localhost:8460",
            "http://[::1]:8460",
        ] {
            assert!(checked_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://curfew.example.org",
            "http://localhost.example.org",
            "http://10.0.0.7",
            "ftp://curfew.example.org",
            "https://u:p@curfew.example.org",
            "https://curfew.example.org/?a=b",
            "curfew.example.org",
        ] {
            assert!(checked_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_can_not_leave_its_place_in_the_path() {
        let base = checked_url("https://h/base").unwrap();
        let api = Api::new(base, &SecretString::from("curfew_x"), None).unwrap();
        let url = api.url(&["people", "a/../b?x#y", "end-everywhere"]);
        assert_eq!(
            url.as_str(),
            "https://h/base/api/v1/people/a%2F..%2Fb%3Fx%23y/end-everywhere"
        );
    }

    #[test]
    fn a_call_that_came_too_often_waits_and_a_refused_one_is_not_repeated() {
        let mut problem = Details {
            status: 401,
            ..Details::default()
        };
        let failure = |problem: &Details| Failure::Problem(Box::new(problem.clone()));
        assert_eq!(worth_repeating(&failure(&problem), 1), None);
        problem.status = 429;
        problem.retry_after_s = Some(7);
        assert_eq!(
            worth_repeating(&failure(&problem), 1),
            Some(Duration::from_secs(7))
        );
        assert_eq!(worth_repeating(&failure(&problem), TRIES), None);
        problem.retry_after_s = Some(3_600);
        assert_eq!(
            worth_repeating(&failure(&problem), 1),
            None,
            "it says when, and stops"
        );
    }
}
