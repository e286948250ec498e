//! What is derived from a reported session so that the list can sort and search it: the twins of its row.
//!
//! Everything is lower-cased here, by Unicode's rules, so that both databases compare bytes and agree.

use std::net::IpAddr;

/// A session's facts, as far as twins are made of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// Name as the system shows it; empty = not reported.
    pub display_name: &'a str,
    /// Account name; empty = not reported.
    pub account_name: &'a str,
    /// Mail.
    pub email: Option<&'a str>,
    /// Address as text.
    pub ip: Option<&'a str>,
    /// Last characters of the handle.
    pub handle_hint: &'a str,
    /// Name of the system.
    pub system_name: &'a str,
    /// "Chrome 149".
    pub browser: &'a str,
    /// "Windows".
    pub os: &'a str,
    /// Start, ms.
    pub created_at: Option<i64>,
    /// Last activity, ms.
    pub last_active_at: Option<i64>,
    /// When idleness ends it, ms.
    pub idle_ends_at: Option<i64>,
    /// When it ends at latest, ms.
    pub absolute_expires_at: Option<i64>,
}

/// The columns `search_text` and `…_sort` of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twins {
    pub search_text: String,
    pub person_sort: String,
    pub account_sort: String,
    pub system_sort: String,
    pub client_sort: String,
    pub ip_sort: String,
    pub created_sort: i64,
    pub last_active_sort: i64,
    pub idle_ends_sort: i64,
    pub absolute_sort: i64,
}

impl Facts<'_> {
    /// The twins of these facts.
    pub fn twins(&self) -> Twins {
        let person = match self.display_name {
            "" => self.account_name,
            name => name,
        };
        // One line each, so that no word of the search runs over two facts.
        let search_text = [
            self.display_name,
            self.account_name,
            self.email.unwrap_or_default(),
            self.ip.unwrap_or_default(),
            self.handle_hint,
        ]
        .map(|fact| lower(&fact.replace('\n', " ")))
        .join("\n");
        Twins {
            search_text,
            person_sort: lower(person),
            account_sort: lower(self.account_name),
            system_sort: lower(self.system_name),
            client_sort: lower(format!("{} {}", self.browser, self.os).trim()),
            ip_sort: ip_sort(self.ip),
            created_sort: self.created_at.unwrap_or(0),
            last_active_sort: self.last_active_at.unwrap_or(0),
            idle_ends_sort: self.idle_ends_at.unwrap_or(i64::MAX),
            absolute_sort: self.absolute_expires_at.unwrap_or(i64::MAX),
        }
    }
}

/// How the list compares text: lower-cased by Unicode's rules; rows and needles alike.
pub fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// An address as 32 hex digits, IPv4 mapped into IPv6; `~`, behind every address, when it is none.
pub fn ip_sort(ip: Option<&str>) -> String {
    match ip.and_then(|text| text.trim().parse().ok()) {
        Some(IpAddr::V4(v4)) => format!("{:032x}", u128::from(v4.to_ipv6_mapped())),
        Some(IpAddr::V6(v6)) => format!("{:032x}", u128::from(v6)),
        None => "~".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use app::sessions::query::Network;

    use super::*;

    #[test]
    fn what_is_not_reported_sorts_last_or_oldest_and_is_never_null() {
        let twins = Facts::default().twins();
        assert_eq!(twins.ip_sort, "~");
        assert_eq!((twins.created_sort, twins.last_active_sort), (0, 0));
        assert_eq!((twins.idle_ends_sort, twins.absolute_sort), (i64::MAX, i64::MAX));
        assert_eq!(twins.person_sort, "");
    }

    #[test]
    fn text_is_lowered_beyond_ascii_and_kept_in_lines() {
        let twins = Facts {
            account_name: "ÄNNE",
            email: Some("A@B.example"),
            ip: Some("10.0.0.7"),
            handle_hint: "9F3A",
            browser: "Chrome 149",
            ..Facts::default()
        }
        .twins();
        assert_eq!(twins.person_sort, "änne");
        assert_eq!(twins.account_sort, "änne");
        assert_eq!(twins.search_text, "\nänne\na@b.example\n10.0.0.7\n9f3a");
        assert_eq!(twins.client_sort, "chrome 149");
    }

    #[test]
    fn addresses_sort_by_number_inside_the_range_of_their_network() {
        let within = |ip: &str, network: &str| {
            let (from, to) = Network::parse(network).unwrap().sort_range();
            (from..=to).contains(&ip_sort(Some(ip)))
        };
        assert!(within("10.9.8.7", "10.0.0.0/8"));
        assert!(!within("11.0.0.1", "10.0.0.0/8"));
        assert!(within("2001:db8::5", "2001:db8::/32"));
        assert!(ip_sort(Some("9.255.255.255")) < ip_sort(Some("10.0.0.0")));
        assert!(ip_sort(Some("2001:db8::")) < ip_sort(None));
        assert_eq!(ip_sort(Some("not an address")), "~");
    }
}
