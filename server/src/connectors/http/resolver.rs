//! Which addresses a host name may lead to.

use std::net::{IpAddr, SocketAddr};

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

/// False for link-local, unspecified, multicast and known metadata addresses, mapped ones included.
fn may_connect(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            !(v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.octets() == [100, 100, 100, 200])
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => may_connect(IpAddr::V4(v4)),
            None => {
                !(v6.is_unicast_link_local()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254])
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_e1_names_never_lead_to_link_local_or_metadata_addresses() {
        for (ip, may) in [
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("fe80::1", false),
            ("fd00:ec2::254", false),
            ("100.100.100.200", false),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("2001:db8::1", true),
        ] {
            assert_eq!(may_connect(ip.parse().unwrap()), may, "{ip}");
        }
    }
}
