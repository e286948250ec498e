//! What a system answered, read as data: a web page, a fault or anything else in its place is a failure.

use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::connectors::{ConnectorError, ErrorKind};

/// An answer of the system, read to its end: any status but 429, and 3xx, 401 and 403 only where they were
/// asked for.
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// It called itself a web page.
    pub(super) html: bool,
    /// Its bytes.
    pub(super) body: Vec<u8>,
    /// Cookies it sets, by name: each may be somebody's sign-in.
    pub(super) cookies: Vec<(String, SecretString)>,
    /// Where it would have us go.
    pub(super) location: Option<String>,
}

impl Answered {
    /// The value of a cookie it sets.
    pub fn cookie(&self, name: &str) -> Option<&SecretString> {
        self.cookies
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value)
    }

    /// Where a redirect leads.
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// Its bytes, whatever they are, for a format that its connector reads.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// True when it called itself a web page.
    pub const fn is_page(&self) -> bool {
        self.html
    }

    /// The body as plain text. A web page, or a status that is not 2xx, is a failure however well it reads.
    pub fn text(&self) -> Result<&str, ConnectorError> {
        self.data()?;
        std::str::from_utf8(&self.body).map_err(|_| {
            ConnectorError::new(ErrorKind::Protocol, "Its answer is not the text Curfew expects.")
        })
    }

    /// The body as JSON. A web page, or a status that is not 2xx, is a failure however well it reads.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ConnectorError> {
        self.data()?;
        serde_json::from_slice(&self.body).map_err(|cause| {
            // Only the place: the text around it may hold session ids.
            ConnectorError::new(
                ErrorKind::Protocol,
                format!(
                    "Its answer is not the data Curfew expects (line {}, column {}).",
                    cause.line(),
                    cause.column()
                ),
            )
        })
    }

    /// Whether the body may be data at all.
    fn data(&self) -> Result<(), ConnectorError> {
        let page = self.html || self.body.trim_ascii_start().starts_with(b"<");
        if page {
            return Err(ConnectorError::new(
                ErrorKind::Protocol,
                format!("It sent a web page instead of data (status {}).", self.status),
            ));
        }
        match self.status {
            200..=299 => Ok(()),
            500..=599 => Err(ConnectorError::new(
                ErrorKind::Unreachable,
                format!("It reported a fault of its own (status {}).", self.status),
            )),
            status => Err(ConnectorError::new(
                ErrorKind::Protocol,
                format!("It answered with status {status}, which Curfew does not expect here."),
            )),
        }
    }
}
