//! Settings of signals: which identity server tells Curfew that somebody is signed out there, and whose sessions in which
//! systems go then (docs/signals.md).

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::broker::is_safe_url;
use super::{AppJwks, Config, KeyAlgorithm, SecretRef};

/// A rule: what a signal of one identity server does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalRule {
    /// Its id, part of the receiver's address: a-z 0-9 _ -
    pub id: String,
    /// The identity server, by its id under `systems`.
    pub from: String,
    /// Systems whose sessions go, by id.
    pub systems: Vec<String>,
    /// Whether it ends them. Default report.
    #[serde(default)]
    pub mode: SignalMode,
    /// Most endings a minute; signals above it are only reported. Default 10.
    #[serde(default = "ten")]
    pub per_minute: u32,
    /// The realm that the people of these signals are of; none = what the issuer says behind "/realms/".
    #[serde(default)]
    pub realm: Option<String>,
    /// OpenID Connect back-channel logout.
    #[serde(default)]
    pub oidc: Option<OidcSignals>,
    /// Single logout of CAS.
    #[serde(default)]
    pub cas: Option<CasSignals>,
}

const fn ten() -> u32 {
    10
}

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalMode {
    /// It says what it would end.
    #[default]
    Report,
    /// It ends sessions.
    End,
}

impl SignalMode {
    /// Stable name: database.
    pub const fn name(self) -> &'static str {
        match self {
            SignalMode::Report => "report",
            SignalMode::End => "end",
        }
    }
}

/// Signals as signed tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSignals {
    /// `iss` of its tokens, exactly.
    pub issuer: String,
    /// The client that was made for Curfew there: `aud` of its tokens.
    pub client_id: String,
    /// Where its keys are published, and how it signs.
    pub jwks: AppJwks,
}

/// Signals that nobody signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CasSignals {
    /// The part of the receiver's address that nobody guesses, by reference: 32 to 128 of A-Z a-z 0-9 _ -
    pub secret: SecretRef,
    /// Networks the server speaks from; none = any.
    #[serde(default)]
    pub networks: Vec<IpNet>,
}

impl SignalRule {
    /// What makes accounts of the identity server unique: its realm; "" = it has none.
    pub fn place(&self) -> String {
        let told = || {
            let issuer = &self.oidc.as_ref()?.issuer;
            Some(issuer.rsplit_once("/realms/")?.1.to_owned())
        };
        self.realm.clone().or_else(told).unwrap_or_default()
    }

    /// Refuses what can't work, and says what would.
    fn check(&self, config: &Config) -> anyhow::Result<()> {
        let id = &self.id;
        let good = (1..=40).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        anyhow::ensure!(good, "signals: id \"{id}\": an id is 1 to 40 of a-z 0-9 _ -");
        anyhow::ensure!(
            config.systems.contains_key(&self.from),
            "signals {id}: from: no system \"{}\" stands in the settings; name the identity server",
            self.from
        );
        anyhow::ensure!(
            !self.systems.is_empty(),
            "signals {id}: systems: name those whose sessions go with the sign-in"
        );
        for system in &self.systems {
            anyhow::ensure!(
                config.systems.contains_key(system),
                "signals {id}: systems: no system \"{system}\" stands in the settings"
            );
            anyhow::ensure!(
                *system != self.from,
                "signals {id}: systems: \"{system}\" sends the signals; name the systems that people sign in to by it"
            );
        }
        anyhow::ensure!(
            (1..=1_000).contains(&self.per_minute),
            "signals {id}: per_minute: 1 to 1000 endings a minute"
        );
        match (&self.oidc, &self.cas) {
            (Some(oidc), None) => oidc.check(id),
            (None, Some(_)) => Ok(()),
            _ => anyhow::bail!(
                "signals {id}: name one of oidc = {{ issuer, client_id, jwks }} and cas = {{ secret }}"
            ),
        }
    }
}

impl OidcSignals {
    fn check(&self, id: &str) -> anyhow::Result<()> {
        anyhow::ensure!(
            is_safe_url(&self.issuer),
            "signals {id}: oidc.issuer: write it as the server does, with https (http on loopback only)"
        );
        anyhow::ensure!(
            !self.client_id.is_empty(),
            "signals {id}: oidc.client_id: the client made for Curfew at the identity server"
        );
        anyhow::ensure!(
            self.jwks.algorithm != KeyAlgorithm::HS256,
            "signals {id}: oidc.jwks.algorithm: a shared secret is never published; take RS256, ES256 or EdDSA"
        );
        anyhow::ensure!(
            is_safe_url(&self.jwks.url),
            "signals {id}: oidc.jwks.url: an https address (http on loopback only)"
        );
        Ok(())
    }
}

/// Refuses rules that can't work.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let mut ids = BTreeSet::new();
    for rule in &config.signals {
        rule.check(config)?;
        anyhow::ensure!(
            ids.insert(&rule.id),
            "signals {}: two entries have this id; an address can mean one only",
            rule.id
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[systems.sso]\nkind = \"keycloak\"\n[systems.intranet]\nkind = \"tomcat\"\n\
                        [[signals]]\nid = \"sso\"\nfrom = \"sso\"\nsystems = [\"intranet\"]\n\
                        oidc = { issuer = \"https://sso.example.org/realms/staff\", client_id = \"curfew\", \
                        jwks = { algorithm = \"RS256\", url = \"https://sso.example.org/certs\" } }\n";

    fn read(text: &str) -> anyhow::Result<Config> {
        let config = toml::from_str::<Config>(text)?;
        config.check()?;
        Ok(config)
    }

    #[test]
    fn a_rule_only_reports_unless_it_says_otherwise() {
        let config = read(GOOD).unwrap();
        let rule = &config.signals[0];
        assert_eq!((rule.mode, rule.per_minute), (SignalMode::Report, 10));
        assert_eq!(rule.place(), "staff");
        let named =
            read(&GOOD.replace("id = \"sso\"", "id = \"sso\"\nrealm = \"other\"\nmode = \"end\"")).unwrap();
        assert_eq!(named.signals[0].place(), "other");
        assert_eq!(named.signals[0].mode, SignalMode::End);
        let oidc = &GOOD[GOOD.find("oidc = ").unwrap()..];
        let cas = read(&GOOD.replace(oidc, "cas = { secret = \"env:CAS_SIGNALS\" }\n")).unwrap();
        assert_eq!(cas.signals[0].place(), "");
    }

    #[test]
    fn every_bad_part_is_named_with_what_would_be_right() {
        for (from, to, names) in [
            ("id = \"sso\"", "id = \"S so\"", "an id is 1 to 40"),
            ("from = \"sso\"", "from = \"nobody\"", "from: no system"),
            ("systems = [\"intranet\"]", "systems = []", "systems: name those"),
            ("systems = [\"intranet\"]", "systems = [\"x\"]", "no system \"x\""),
            (
                "systems = [\"intranet\"]",
                "systems = [\"sso\"]",
                "sends the signals",
            ),
            ("id = \"sso\"", "id = \"sso\"\nper_minute = 0", "per_minute"),
            ("id = \"sso\"", "id = \"sso\"\nmode = \"kill\"", "unknown variant"),
            (
                "id = \"sso\"",
                "id = \"sso\"\ncas = { secret = \"env:X\" }",
                "name one of",
            ),
            (
                "https://sso.example.org/realms",
                "http://sso.example.org/realms",
                "oidc.issuer",
            ),
            (
                "https://sso.example.org/certs",
                "http://sso.example.org/certs",
                "oidc.jwks.url",
            ),
            ("RS256", "HS256", "never published"),
            ("\"curfew\"", "\"\"", "oidc.client_id"),
        ] {
            let cause = read(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(cause.contains(names), "{to}: {cause}");
        }
        let rule = &GOOD[GOOD.find("[[signals]]").unwrap()..];
        let cause = read(&format!("{GOOD}{rule}")).unwrap_err().to_string();
        assert!(cause.contains("two entries"), "{cause}");
    }
}
