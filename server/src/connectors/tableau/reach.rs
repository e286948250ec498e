//! Where the repository is and how the way to it is protected, as the settings name it.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::repository::unreachable_host;
use crate::config::SecretRef;
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::outbound::may_connect;

/// Where Tableau's repository listens.
const PORT: u16 = 8060;

/// Settings of the repository.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RepositorySettings {
    /// Hosts that may have it, tried in this order: "node1", "node1:8060".
    pub hosts: Vec<String>,
    /// Database. Default "workgroup".
    #[serde(default = "workgroup")]
    pub database: String,
    /// User. Default "readonly"; "tableau" sees the stable views only.
    #[serde(default = "readonly")]
    pub user: String,
    /// Its password, by reference.
    pub password: SecretRef,
    /// How the connection is protected. Default: verify-ca where a ca_file is given, else prefer.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// PEM file of the certificate or authority to trust.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Most rows of one list; a list as long is called partial. Default 250,000.
    #[serde(default = "most")]
    pub limit: u32,
    /// Longest statement, ms. Default 5,000.
    #[serde(default = "five_seconds")]
    pub statement_timeout_ms: u64,
    /// Shortest pause between two readings, ms. Default 250.
    #[serde(default = "quarter_second")]
    pub pause_ms: u64,
}

fn workgroup() -> String {
    "workgroup".to_owned()
}

fn readonly() -> String {
    "readonly".to_owned()
}

const fn most() -> u32 {
    250_000
}

const fn five_seconds() -> u64 {
    5_000
}

const fn quarter_second() -> u64 {
    250
}

/// How the connection is protected, as PostgreSQL names it.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Tls {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// "node1", "node1:8060", "[::1]:8060", or the folder of a Unix socket.
pub(super) fn host_and_port(text: &str) -> anyhow::Result<(String, u16)> {
    let bad = || {
        anyhow::anyhow!("repository.hosts: \"{text}\" is no host; write it as \"node1\" or \"node1:8060\"")
    };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().map_err(|_| bad())?)
        }
        _ => (text, PORT),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(bad());
    }
    Ok((host.to_owned(), port))
}

/// Refuses a name that leads where no name has business leading; an address written literally is what somebody meant.
pub(super) async fn allowed(host: &str, port: u16) -> Result<(), ConnectorError> {
    if host.starts_with('/') || host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let mut found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|_| unreachable_host())?;
    if found.all(|address| may_connect(address.ip())) {
        Ok(())
    } else {
        Err(ConnectorError::new(
            ErrorKind::Unreachable,
            "The repository\u{2019}s host name leads to a link-local address, where clouds keep their metadata \
             service. Curfew connects there only if the settings name the address itself.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_written_in_many_ways() {
        for (text, host, port) in [
            ("node1", "node1", 8060),
            ("node1:5432", "node1", 5432),
            ("10.0.0.1:8061", "10.0.0.1", 8061),
            ("[::1]:8061", "::1", 8061),
            ("::1", "::1", 8060),
            ("/tmp/pg:5432", "/tmp/pg", 5432),
        ] {
            assert_eq!(host_and_port(text).unwrap(), (host.to_owned(), port), "{text}");
        }
        for bad in ["", ":8060", "node1:x", "a b"] {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
    }
}
