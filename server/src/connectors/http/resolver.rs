//! Which addresses a host name may lead to.

use std::net::SocketAddr;

use crate::domain::outbound::may_connect;

/// The name leads to an address nobody means.
#[derive(Debug, thiserror::Error)]
#[error(
    "The host name leads only to a link-local address, where clouds keep their metadata service. Curfew connects there \
     only if the settings name the address itself."
)]
pub(super) struct LinkLocal;

/// Resolves names and leaves out addresses that a name has no business leading to.
///
/// An address written into the settings never comes here: it is what somebody meant.
pub(super) struct CarefulResolver;

impl reqwest::dns::Resolve for CarefulResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let good: Vec<SocketAddr> = found.into_iter().filter(|a| may_connect(a.ip())).collect();
            if good.is_empty() {
                return Err(LinkLocal.into());
            }
            Ok(Box::new(good.into_iter()) as reqwest::dns::Addrs)
        })
    }
}
