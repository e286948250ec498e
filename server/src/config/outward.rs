//! Settings of what leaves the box: the copy of the audit log, webhooks.

use std::path::PathBuf;

use serde::Deserialize;

use super::SecretRef;
use crate::outbox::Kind;

/// The audit log.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditRules {
    /// Where every entry is copied to; none = nowhere.
    pub copy: Option<AuditCopy>,
}

/// The copy of the audit log off the box: a file or a syslog receiver.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditCopy {
    /// File that JSON lines are added to. It may be rotated by renaming.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// Syslog receiver over TLS: `tls://host:6514`. Its certificate must carry this host.
    #[serde(default)]
    pub syslog: Option<String>,
    /// PEM file of the only authorities to trust; none = those of the machine.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM certificate chain that Curfew shows; none = it shows none.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// PEM private key of that certificate, by reference.
    #[serde(default)]
    pub key: Option<SecretRef>,
    /// Entries that wait longer than this set off the alarm, seconds. Default 300.
    #[serde(default = "five_minutes")]
    pub stall_after_s: i64,
}

const fn five_minutes() -> i64 {
    300
}

/// A receiver of events (docs/webhooks.md).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Where events are sent, by POST: https, or http on loopback.
    pub url: String,
    /// What they are signed with, by reference: `whsec_` and base64, or any text of at least 16 bytes.
    pub secret: SecretRef,
    /// Which events, by their words (docs/webhooks.md).
    pub events: Vec<String>,
    /// PEM file of the only authorities to trust; none = those of the machine.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl AuditCopy {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.file.is_some() != self.syslog.is_some(),
            "audit.copy: name either `file` or `syslog`"
        );
        let of_syslog = self.ca_file.is_some() || self.certificate.is_some() || self.key.is_some();
        anyhow::ensure!(
            self.syslog.is_some() || !of_syslog,
            "audit.copy: `ca_file`, `certificate` and `key` go with `syslog`"
        );
        anyhow::ensure!(
            self.stall_after_s >= 10,
            "audit.copy.stall_after_s: at least 10 seconds"
        );
        Ok(())
    }
}

impl WebhookSettings {
    /// Host and port of the url, for people; the rest of it may hold a secret.
    pub fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or("")
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        let host = self.host();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&name) || host == "[::1]";
        let good = self.url.starts_with("https://") || (self.url.starts_with("http://") && loopback);
        anyhow::ensure!(
            good && !host.is_empty(),
            "webhook.url: write it as https://host/path (http on loopback only)"
        );
        anyhow::ensure!(
            !self.events.is_empty(),
            "webhook.events: name at least one, e.g. [\"ending.settled\"]"
        );
        for event in &self.events {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
            anyhow::ensure!(
                known.contains(&event.as_str()),
                "webhook.events: \"{event}\" is not known; known are: {}",
                known.join(", ")
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_copy_names_one_target_and_webhooks_are_called_over_tls() {
        let good = "[audit.copy]\nfile = \"/var/log/audit.jsonl\"\n[[webhook]]\nurl = \"https://h.example/x?\"\n\
                    secret = \"env:S\"\nevents = [\"ending.settled\"]";
        let check = |text: &str| toml::from_str::<Config>(text).unwrap().check();
        check(good).unwrap();
        check(&good.replace("https://h.example", "http://127.0.0.1:9")).unwrap();
        let syslog = "syslog = \"tls://logs\"";
        check(&good.replace("file = \"/var/log/audit.jsonl\"", syslog)).unwrap();
        for (from, to, names) in [
            ("[[webhook]]", "syslog = \"tls://logs\"\n[[webhook]]", "either"),
            ("file = \"/var/log/audit.jsonl\"", "", "either"),
            (
                "[[webhook]]",
                "ca_file = \"/ca.pem\"\n[[webhook]]",
                "go with `syslog`",
            ),
            ("[[webhook]]", "stall_after_s = 1\n[[webhook]]", "stall_after_s"),
            ("https://h.example", "http://h.example", "webhook.url"),
            ("https://h.example", "http://127.0.0.1.example", "webhook.url"),
            ("https://h.example", "http://user@127.0.0.1", "webhook.url"),
            ("https://h.example/x?", "https://", "webhook.url"),
            ("\"ending.settled\"", "", "webhook.events"),
            ("ending.settled", "ending.begun", "known are: ending.settled"),
        ] {
            let cause = check(&good.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(cause.contains(names), "{from} -> {to}: {cause}");
        }
        let twice = format!("{good}\n{}", &good[good.find("[[webhook]]").unwrap()..]);
        assert!(check(&twice).unwrap_err().to_string().contains("twice"));
    }
}
