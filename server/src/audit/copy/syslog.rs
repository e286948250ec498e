//! The copy as syslog messages over TLS: RFC 5424 in the frames of RFC 5425.
//!
//! Syslog knows no receipt. To come close, each batch has a connection of its own: after the last message we close our
//! side and wait until the receiver closes its. That shows a receiver that hangs, one that breaks off, and one that
//! refuses our certificate (in TLS 1.3 a client hears of that only when it reads).

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::audit::wire::AuditResult;
use app::civil::rfc3339;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Line, Trouble};
use crate::config::{AuditCopy, SecretRef};
use crate::domain::outbound;

/// Longest time until the connection stands.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);
/// Longest time for a batch.
const LONGEST: Duration = Duration::from_secs(30);
/// Port of syslog over TLS.
const PORT: u16 = 6514;
/// Facility "log audit".
const FACILITY: u8 = 13;

/// A syslog receiver.
pub struct SyslogTarget {
    host: String,
    port: u16,
    /// The receiver's name as its certificate must carry it.
    name: ServerName<'static>,
    /// How messages name this portal.
    own_name: String,
    ca_file: Option<PathBuf>,
    identity: Option<(PathBuf, SecretRef)>,
    /// Made from the files at the first connection, and again after a failure: certificates get renewed.
    tls: Mutex<Option<Arc<ClientConfig>>>,
    /// Longest time for a batch, from the first name looked up to the receiver's close. Tests make it short.
    pub(super) longest: Duration,
}

/// Host and port of `tls://host[:port]`.
fn host_and_port(address: &str) -> Option<(String, u16)> {
    let rest = address.strip_prefix("tls://")?;
    let (host, port) = match rest.strip_prefix('[') {
        Some(v6) => {
            let (host, after) = v6.split_once(']')?;
            (host, after)
        }
        None => match rest.find(':') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        },
    };
    let port = match port {
        "" => PORT,
        port => port.strip_prefix(':')?.parse().ok()?,
    };
    let good = !host.is_empty() && !host.contains(['/', '@', '?', '#']);
    good.then(|| (host.to_owned(), port))
}

impl SyslogTarget {
    /// The receiver at `address`; `own_name` is this portal's host.
    pub fn new(address: &str, settings: &AuditCopy, own_name: &str) -> anyhow::Result<Self> {
        let bad = || anyhow::anyhow!("audit.copy.syslog: write it as \"tls://host:6514\"");
        let (host, port) = host_and_port(address).ok_or_else(bad)?;
        let name = ServerName::try_from(host.clone()).map_err(|_| bad())?;
        let identity = match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            _ => anyhow::bail!("audit.copy: `certificate` and `key` go together"),
        };
        let own_name: String = own_name
            .chars()
            .filter(char::is_ascii_graphic)
            .take(255)
            .collect();
        Ok(Self {
            host,
            port,
            name,
            own_name: match own_name.is_empty() {
                true => "-".to_owned(),
                false => own_name,
            },
            ca_file: settings.ca_file.clone(),
            identity,
            tls: Mutex::default(),
            longest: LONGEST,
        })
    }

    /// Sends the lines; when this returns well the receiver read them to the end and closed in order. No lines: tries
    /// the connection.
    pub async fn write(&self, lines: &[Line]) -> Result<(), Trouble> {
        let mut frames = Vec::new();
        for line in lines {
            frames.extend_from_slice(self.frame(line).as_bytes());
        }
        let sent = match tokio::time::timeout(self.longest, self.send(&frames)).await {
            Ok(sent) => sent,
            Err(_) => Err(Trouble(format!(
                "{} did not take the entries within {} s.",
                self.host,
                self.longest.as_secs()
            ))),
        };
        if sent.is_err() {
            *self.tls.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        sent
    }

    /// One message in its frame: length, a blank, the message.
    fn frame(&self, line: &Line) -> String {
        let severity = match line.result {
            AuditResult::Ok => 6,
            AuditResult::Refused | AuditResult::Failed | AuditResult::Unknown => 4,
        };
        let message = format!(
            "<{}>1 {} {} curfew - {} - {}",
            FACILITY * 8 + severity,
            rfc3339(line.at),
            self.own_name,
            line.action,
            line.json.trim_end_matches('\n')
        );
        format!("{} {message}", message.len())
    }

    async fn send(&self, frames: &[u8]) -> Result<(), Trouble> {
        let broke =
            |cause: std::io::Error| Trouble(format!("The connection to {} broke: {cause}.", self.host));
        let mut stream = self.connect().await?;
        stream.write_all(frames).await.map_err(broke)?;
        stream.flush().await.map_err(broke)?;
        stream.shutdown().await.map_err(broke)?;
        let mut ignored = [0; 1024];
        loop {
            match stream.read(&mut ignored).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // It closed without TLS's own goodbye, as many do: all the same it had read to our end.
                Err(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(cause) => return Err(broke(cause)),
            }
        }
    }

    async fn connect(&self) -> Result<TlsStream<TcpStream>, Trouble> {
        let tls = TlsConnector::from(self.tls()?);
        let connecting = async {
            let stream = self.reach().await?;
            stream.set_nodelay(true).ok();
            tls.connect(self.name.clone(), stream)
                .await
                .map_err(|cause| Trouble(format!("TLS with {} did not come about: {cause}.", self.host)))
        };
        match tokio::time::timeout(LONGEST_CONNECT, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(Trouble(format!(
                "No connection to {} within {} s.",
                self.host,
                LONGEST_CONNECT.as_secs()
            ))),
        }
    }

    async fn reach(&self) -> Result<TcpStream, Trouble> {
        let addresses: Vec<SocketAddr> = match self.host.parse::<IpAddr>() {
            // Written into the settings literally: it is what somebody meant (security E1).
            Ok(ip) => vec![SocketAddr::new(ip, self.port)],
            Err(_) => tokio::net::lookup_host((self.host.as_str(), self.port))
                .await
                .map_err(|_| Trouble(format!("The host {} is not known.", self.host)))?
                .filter(|address| outbound::may_connect(address.ip()))
                .collect(),
        };
        let mut why = format!(
            "The host {} leads to no address that Curfew connects to.",
            self.host
        );
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(cause) => why = format!("No connection to {}: {cause}.", self.host),
            }
        }
        Err(Trouble(why))
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, Trouble> {
        let mut made = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = &*made {
            return Ok(config.clone());
        }
        let config = self
            .make_tls()
            .map_err(|cause| Trouble(format!("audit.copy: {cause:#}.")))?;
        Ok(made.insert(Arc::new(config)).clone())
    }

    fn make_tls(&self) -> anyhow::Result<ClientConfig> {
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions()?;
        let builder = match &self.ca_file {
            Some(file) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(file)? {
                    roots.add(authority)?;
                }
                builder.with_root_certificates(roots)
            }
            None => builder.with_platform_verifier()?,
        };
        let Some((certificate, key)) = &self.identity else {
            return Ok(builder.with_no_client_auth());
        };
        let key = PrivateKeyDer::from_pem_slice(key.read()?.expose_secret().as_bytes())
            .map_err(|_| anyhow::anyhow!("key: no private key in it (PEM)"))?;
        Ok(builder.with_client_auth_cert(certificates(certificate)?, key)?)
    }
}

/// The certificates of a PEM file, at least one.
fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(file).map_err(|cause| anyhow::anyhow!("{}: {cause}", file.display()))?;
    let found = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| anyhow::anyhow!("{}: not PEM", file.display()))?;
    anyhow::ensure!(!found.is_empty(), "{}: no certificate in it", file.display());
    Ok(found)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn addresses_name_a_host_and_maybe_a_port() {
        for (address, expected) in [
            ("tls://logs.example.org", Some(("logs.example.org", 6514))),
            ("tls://logs.example.org:7000", Some(("logs.example.org", 7000))),
            ("tls://10.0.0.7:6514", Some(("10.0.0.7", 6514))),
            ("tls://[2001:db8::1]:6515", Some(("2001:db8::1", 6515))),
            ("tls://[2001:db8::1]", Some(("2001:db8::1", 6514))),
            ("logs.example.org:6514", None),
            ("udp://logs.example.org", None),
            ("tls://", None),
            ("tls://host:port", None),
            ("tls://host/path", None),
            ("tls://user@host", None),
        ] {
            let found = host_and_port(address);
            let found = found.as_ref().map(|(host, port)| (host.as_str(), *port));
            assert_eq!(found, expected, "{address}");
        }
    }
}
