//! What `curfew check-config` says of tickets: the address that Tableau has to trust, and the login view of each site.

use std::collections::BTreeSet;

use app::tickets::wire::TicketGrant;

use crate::config::Config;
use crate::connectors::TryTickets;

/// Whether it is in order, and what to read.
pub type Line = (bool, String);

/// One line per address that is asked and per site; `id` is the system's in the settings. Asks for no ticket.
pub async fn check(id: &str, tried: &dyn TryTickets, config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    for way in tried.ways().await {
        let node = &way.node;
        lines.push(match way.from {
            Ok(ip) if ip.is_ipv6() => (
                false,
                format!("{node}: asked from {ip}, but Tableau trusts IPv4 addresses only"),
            ),
            Ok(ip) => (
                true,
                format!("{node}: asked from {ip}, which Tableau has to trust (behind address translation it sees another)"),
            ),
            Err(words) => (false, format!("{node}: {words}")),
        });
    }
    let views = tried.login_views();
    let apps = config.broker.apps.iter();
    let asking = apps.filter(|app| app.system == id && app.grant == TicketGrant::Ticket);
    let mut sites: BTreeSet<&str> = asking
        .flat_map(|app| app.sites.iter().map(String::as_str))
        .collect();
    sites.extend(views.iter().map(|(site, _)| site.as_str()));
    for site in sites {
        let name = if site.is_empty() { "Default" } else { site };
        lines.push(match views.iter().find(|(own, _)| own == site) {
            Some((_, view)) => (
                true,
                format!("site {name}: login view {view} (whether it is there: \u{201c}Try it\u{201d} on the Tickets page)"),
            ),
            None => (
                false,
                format!("site {name}: trusted.login_view names none; publish an empty view and name it there"),
            ),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::{Look, TicketFor, Way};
    use app::wire::Timestamp;

    struct Far;

    #[async_trait::async_trait]
    impl TryTickets for Far {
        fn login_views(&self) -> Vec<(String, String)> {
            vec![(String::new(), "Login/Login".to_owned())]
        }
        async fn ways(&self) -> Vec<Way> {
            let way = |node: &str, from: Result<&str, &str>| Way {
                node: node.to_owned(),
                from: from.map(|ip| ip.parse().unwrap()).map_err(str::to_owned),
            };
            vec![
                way("https://node1", Ok("192.0.2.10")),
                way("https://node2", Ok("2001:db8::7")),
                way("https://node3", Err("It takes no connection there.")),
            ]
        }
        async fn look(&self, _: &TicketFor<'_>, _: Timestamp) -> Option<Look> {
            unreachable!("no ticket is asked for")
        }
    }

    #[tokio::test]
    async fn what_tableau_must_trust_and_what_a_site_lacks_is_said() {
        let mut config = Config::default();
        for (id, system, sites) in [("a", "hq", r#"["", "sales"]"#), ("b", "lab", r#"["elsewhere"]"#)] {
            let entry = format!(
                "id = \"{id}\"\nsystem = \"{system}\"\nsites = {sites}\n\
                 keys = [{{ algorithm = \"EdDSA\", public = \"file:/k.pem\" }}]"
            );
            config.broker.apps.push(toml::from_str(&entry).unwrap());
        }
        let lines = check("hq", &Far, &config).await;
        let told: Vec<(bool, bool)> = [
            "node1: asked from 192.0.2.10, which Tableau has to trust",
            "node2: asked from 2001:db8::7, but Tableau trusts IPv4",
            "node3: It takes no connection",
            "site Default: login view Login/Login",
            "site sales: trusted.login_view names none",
        ]
        .into_iter()
        .zip(&lines)
        .map(|(words, (good, line))| (line.contains(words), *good))
        .collect();
        let good = [true, false, false, true, false];
        assert_eq!(told, good.map(|good| (true, good)), "{lines:#?}");
        assert_eq!(lines.len(), 5, "the other system's sites are not this one's");
    }
}
