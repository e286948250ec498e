//! Where outbound calls may lead (security E1).

use std::net::IpAddr;

/// False for link-local, unspecified, multicast and known metadata addresses, mapped ones included: a host name has no
/// business leading there. An address written into the settings literally is what somebody meant; it is not asked here.
pub fn may_connect(ip: IpAddr) -> bool {
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
