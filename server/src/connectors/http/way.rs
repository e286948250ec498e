//! The way to a system, as this machine goes it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;

use super::Http;
use super::resolver::LinkLocal;
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::outbound::may_connect;

/// Somebody waits for the answer on a page.
const LONGEST: Duration = Duration::from_secs(2);

impl Http {
    /// From which address of this machine the system is reached: that of a connection which is opened and closed again.
    /// Behind address translation the system sees another one.
    pub async fn local_address(&self) -> Result<IpAddr, ConnectorError> {
        let failed = |words: String| ConnectorError::new(ErrorKind::Unreachable, words);
        let host = self.base.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = self.base.port_or_known_default().unwrap_or(443);
        let open = async {
            let literal: Option<IpAddr> = host.parse().ok();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
                .await
                .map_err(|_| failed("Its host name leads nowhere.".to_owned()))?
                .filter(|address| literal.is_some() || may_connect(address.ip()))
                .collect();
            if found.is_empty() {
                return Err(failed(LinkLocal.to_string()));
            }
            let stream = TcpStream::connect(found.as_slice())
                .await
                .map_err(|_| failed("It takes no connection there.".to_owned()))?;
            let own = stream.local_addr().map_err(|cause| failed(cause.to_string()))?;
            Ok(own.ip().to_canonical())
        };
        let longest = self.timeout.min(LONGEST);
        tokio::time::timeout(longest, open).await.unwrap_or_else(|_| {
            Err(failed(format!(
                "No connection within {} s.",
                longest.as_secs_f32()
            )))
        })
    }
}
