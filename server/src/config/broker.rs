//! Settings of the ticket broker: where it listens, which apps may ask it, and for what (docs/broker.md).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use app::tickets::wire::TicketGrant;
use serde::{Deserialize, Serialize};

use super::{Config, SecretRef};

/// Longest life of an app's session that tickets follow, seconds: a day.
pub const LONGEST_APP_SESSION_S: i64 = 86_400;

/// The ticket broker. Without apps there is none.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrokerRules {
    /// A listener of its own; none = the broker stands on `listen`, beside the pages.
    pub listen: Option<SocketAddr>,
    /// The address apps and browsers know it by: `aud` of their tokens; none = the portal's.
    pub public_url: Option<String>,
    /// A person whose sessions were ended gets no tickets so long where an app's tokens tell no `auth_time`, seconds.
    /// Default 28,800.
    pub hold_s: i64,
    /// Requests are kept so long, days. Default 30.
    pub keep_days: i64,
    /// Apps that may ask.
    pub apps: Vec<BrokerApp>,
}

impl Default for BrokerRules {
    fn default() -> Self {
        Self {
            listen: None,
            public_url: None,
            hold_s: 28_800,
            keep_days: 30,
            apps: Vec::new(),
        }
    }
}

/// An app that may ask for tickets.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerApp {
    /// Its id, `iss` of its tokens: a-z 0-9 _ -
    pub id: String,
    /// The Tableau it may ask, by id.
    pub system: String,
    /// Sites it may ask for, by contentUrl; "" = Default site.
    pub sites: Vec<String>,
    /// Pattern (a regular expression) that the whole user name must fit; none = every user.
    #[serde(default)]
    pub users: Option<String>,
    /// How the repository writes the domain of user names: { CORP = "corp.example.org" }; "" = names without one.
    #[serde(default)]
    pub domains: BTreeMap<String, String>,
    /// Most requests a minute, on each replica. Default 600.
    #[serde(default = "six_hundred")]
    pub per_minute: u32,
    /// What it gets. Default ticket.
    #[serde(default)]
    pub grant: TicketGrant,
    /// What a sign-out does where several sessions may be the one. Default end-all.
    #[serde(default)]
    pub several: Several,
    /// No ticket for a sign-in at the app older than this, seconds. Default 28,800, at most a day.
    #[serde(default = "eight_hours")]
    pub max_age_s: i64,
    /// What its tokens are signed with: one key, or two while it changes from one to the other.
    #[serde(default)]
    pub keys: Vec<AppKey>,
    /// Where its public keys are published, instead of `keys`.
    #[serde(default)]
    pub jwks: Option<AppJwks>,
    /// Its browsers may ask by the app's own cookie; none = they may not.
    #[serde(default)]
    pub browser: Option<BrowserRules>,
}

const fn six_hundred() -> u32 {
    600
}

const fn eight_hours() -> i64 {
    28_800
}

/// What a sign-out does where more than one session may be the one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Several {
    /// All sessions of this person on this site are ended.
    #[default]
    EndAll,
    /// None is ended; the answer says so.
    None,
}

/// How an app signs. There is no other way: an algorithm that a token names for itself counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum KeyAlgorithm {
    /// Ed25519.
    EdDSA,
    /// P-256.
    ES256,
    /// RSA, at least 2,048 bits.
    RS256,
    /// A shared secret of at least 32 bytes.
    HS256,
}

/// A key of an app.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppKey {
    /// How it signs.
    pub algorithm: KeyAlgorithm,
    /// The public key as PEM, by reference (EdDSA, ES256, RS256).
    #[serde(default)]
    pub public: Option<SecretRef>,
    /// The shared secret, by reference (HS256).
    #[serde(default)]
    pub secret: Option<SecretRef>,
}

/// Published keys of an app.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppJwks {
    /// How it signs: not HS256.
    pub algorithm: KeyAlgorithm,
    /// Where the keys are: https, or http on loopback.
    pub url: String,
    /// PEM file of the only authorities to trust; none = those of the machine.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// Tickets for browsers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrowserRules {
    /// Name of the app's HttpOnly cookie that holds its token.
    pub cookie: String,
}

/// Whether an address is https, or http on loopback. A path may follow.
pub(super) fn is_safe_url(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&name) || host == "[::1]";
    !host.is_empty() && !host.contains('@') && (scheme == "https" || (scheme == "http" && loopback))
}

impl BrokerRules {
    /// Refuses what can't work, and says what would.
    pub(super) fn check(&self, config: &Config) -> anyhow::Result<()> {
        if let Some(url) = &self.public_url {
            let rest = url
                .strip_prefix("https://")
                .or_else(|| url.strip_prefix("http://"));
            anyhow::ensure!(
                rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('/')),
                "broker.public_url: write scheme and host only, e.g. \"https://broker.example.org\""
            );
        } else if self.listen.is_some_and(|listen| !listen.ip().is_loopback()) {
            anyhow::bail!(
                "broker.public_url is needed when broker.listen is not loopback: the address apps know it by"
            );
        }
        anyhow::ensure!(
            self.listen
                .is_none_or(|listen| listen != config.listen || listen.port() == 0),
            "broker.listen: the portal itself listens there; take another port, or leave it out"
        );
        anyhow::ensure!(
            (60..=604_800).contains(&self.hold_s),
            "broker.hold_s: 60 seconds to a week (604800)"
        );
        anyhow::ensure!(
            (1..=400).contains(&self.keep_days),
            "broker.keep_days: 1 to 400 days"
        );
        let mut ids = BTreeSet::new();
        for app in &self.apps {
            app.check()?;
            anyhow::ensure!(
                ids.insert(&app.id),
                "broker.apps {}: two entries have this id; a token's iss can mean one app only",
                app.id
            );
        }
        Ok(())
    }

    /// The app of that id.
    pub fn app(&self, id: &str) -> Option<&BrokerApp> {
        self.apps.iter().find(|app| app.id == id)
    }
}

impl BrokerApp {
    fn check(&self) -> anyhow::Result<()> {
        let id = &self.id;
        let good = (1..=40).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        anyhow::ensure!(good, "broker.apps: id \"{id}\": an id is 1 to 40 of a-z 0-9 _ -");
        anyhow::ensure!(
            !self.sites.is_empty(),
            "broker.apps {id}: sites: name at least one, by contentUrl; [\"\"] is the Default site"
        );
        for site in &self.sites {
            let good = site.len() <= 100
                && site
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            anyhow::ensure!(
                good,
                "broker.apps {id}: sites: \"{site}\" is no contentUrl; write it as in Tableau's addresses after /t/"
            );
        }
        anyhow::ensure!(self.per_minute > 0, "broker.apps {id}: per_minute: at least 1");
        anyhow::ensure!(
            (60..=LONGEST_APP_SESSION_S).contains(&self.max_age_s),
            "broker.apps {id}: max_age_s: 60 seconds to a day ({LONGEST_APP_SESSION_S})"
        );
        self.users()?;
        match (&self.jwks, self.keys.len()) {
            (None, 0) => anyhow::bail!(
                "broker.apps {id}: keys: name what its tokens are signed with, \
                 e.g. keys = [{{ algorithm = \"EdDSA\", public = \"file:/etc/curfew/{id}.pem\" }}]"
            ),
            (Some(_), 1..) => anyhow::bail!("broker.apps {id}: name either keys or jwks"),
            (None, 3..) => {
                anyhow::bail!("broker.apps {id}: keys: at most two, the new one and the one before")
            }
            (None, _) => {}
            (Some(jwks), 0) => {
                anyhow::ensure!(
                    jwks.algorithm != KeyAlgorithm::HS256,
                    "broker.apps {id}: jwks.algorithm: a shared secret is never published; take EdDSA, ES256 or RS256"
                );
                anyhow::ensure!(
                    is_safe_url(&jwks.url),
                    "broker.apps {id}: jwks.url: write it as https://host/path (http on loopback only)"
                );
            }
        }
        for key in &self.keys {
            let secret = key.algorithm == KeyAlgorithm::HS256;
            anyhow::ensure!(
                key.secret.is_some() == secret && key.public.is_some() != secret,
                "broker.apps {id}: keys: HS256 takes `secret`, every other algorithm `public`"
            );
        }
        if let Some(browser) = &self.browser {
            let good = !browser.cookie.is_empty()
                && browser
                    .cookie
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            anyhow::ensure!(
                good,
                "broker.apps {id}: browser.cookie: name the app's cookie, e.g. \"__Host-app\""
            );
        }
        Ok(())
    }

    /// The pattern that a whole user name must fit; `None` = every user.
    pub fn users(&self) -> anyhow::Result<Option<regex::Regex>> {
        let Some(pattern) = &self.users else {
            return Ok(None);
        };
        let whole = format!("^(?:{pattern})$");
        regex::RegexBuilder::new(&whole)
            .size_limit(1 << 20)
            .build()
            .map(Some)
            .map_err(|cause| anyhow::anyhow!("broker.apps {}: users: {cause}", self.id))
    }

    /// The account as the inventory names it, lower-cased: `CORP\ann` → `corp.example.org\ann`.
    pub fn account_of(&self, user: &str) -> String {
        let (domain, name) = user.split_once('\\').unwrap_or(("", user));
        let mapped = self
            .domains
            .iter()
            .find(|(from, _)| from.eq_ignore_ascii_case(domain))
            .map_or(domain, |(_, to)| to.as_str());
        if mapped.is_empty() {
            name.to_lowercase()
        } else {
            format!("{mapped}\\{name}").to_lowercase()
        }
    }
}

impl Config {
    /// The broker's address as apps know it, without a slash at the end.
    pub fn broker_url(&self) -> String {
        match (&self.broker.public_url, self.broker.listen) {
            (Some(url), _) => url.clone(),
            (None, Some(listen)) => format!("http://{listen}"),
            (None, None) => self.public_url(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[broker]\nlisten = \"127.0.0.1:8470\"\n[[broker.apps]]\nid = \"intranet\"\nsystem = \"hq\"\n\
                        sites = [\"\", \"sales\"]\nusers = \"CORP.[a-z]+\"\n\
                        keys = [{ algorithm = \"EdDSA\", public = \"file:/k.pem\" }]\n\
                        browser = { cookie = \"__Host-app\" }\n";

    #[test]
    fn every_bad_part_is_named_with_what_would_be_right() {
        let check = |text: &str| {
            toml::from_str::<Config>(text)
                .map_err(anyhow::Error::from)
                .and_then(|config| config.check())
        };
        check(GOOD).unwrap();
        for (from, to, names) in [
            ("8470", "8460", "broker.listen"),
            ("127.0.0.1:8470", "0.0.0.0:8470", "broker.public_url is needed"),
            (
                "[broker]",
                "[broker]\npublic_url = \"https://b/x\"",
                "scheme and host only",
            ),
            ("[broker]", "[broker]\nhold_s = 1", "broker.hold_s"),
            ("[broker]", "[broker]\nkeep_days = 0", "broker.keep_days"),
            ("\"intranet\"", "\"In tranet\"", "an id is 1 to 40"),
            ("[\"\", \"sales\"]", "[]", "sites: name at least one"),
            ("\"sales\"", "\"t/sales\"", "no contentUrl"),
            ("[a-z]+", "[a-z", "users"),
            ("sites", "per_minute = 0\nsites", "per_minute"),
            ("sites", "max_age_s = 90000\nsites", "max_age_s"),
            (
                "keys = [{ algorithm = \"EdDSA\", public = \"file:/k.pem\" }]\n",
                "",
                "keys: name what",
            ),
            ("EdDSA", "HS256", "HS256 takes `secret`"),
            ("EdDSA", "none", "unknown variant `none`"),
            (
                "browser",
                "jwks = { algorithm = \"ES256\", url = \"https://a/keys\" }\nbrowser",
                "either keys or jwks",
            ),
            (
                "keys = [{ algorithm = \"EdDSA\", public = \"file:/k.pem\" }]",
                "jwks = { algorithm = \"HS256\", url = \"https://a/keys\" }",
                "never published",
            ),
            (
                "keys = [{ algorithm = \"EdDSA\", public = \"file:/k.pem\" }]",
                "jwks = { algorithm = \"ES256\", url = \"http://a/keys\" }",
                "jwks.url",
            ),
            ("__Host-app", "a;b", "browser.cookie"),
        ] {
            let changed = GOOD.replacen(from, to, 1);
            assert_ne!(changed, GOOD, "{from}");
            let cause = format!("{:#}", check(&changed).unwrap_err());
            assert!(cause.contains(names), "{from} -> {to}: {cause}");
        }
        let twice = format!("{GOOD}{}", &GOOD[GOOD.find("[[broker.apps]]").unwrap()..]);
        assert!(check(&twice).unwrap_err().to_string().contains("two entries"));
    }

    #[test]
    fn a_pattern_has_to_fit_the_whole_name() {
        let config: Config = toml::from_str(GOOD).unwrap();
        let users = config.broker.apps[0].users().unwrap().unwrap();
        assert!(users.is_match("CORP\\ann"));
        for other in ["CORP\\ann2", "xCORP\\ann", "CORP\\ann\n", "corp\\ann"] {
            assert!(!users.is_match(other), "{other:?}");
        }
        let either = BrokerApp {
            users: Some("ann|bob".to_owned()),
            ..config.broker.apps[0].clone()
        };
        let either = either.users().unwrap().unwrap();
        assert!(either.is_match("bob") && !either.is_match("annx") && !either.is_match("xbob"));
    }

    #[test]
    fn domains_are_written_as_the_repository_does() {
        let mut app = toml::from_str::<Config>(GOOD).unwrap().broker.apps[0].clone();
        assert_eq!(app.account_of("CORP\\Ann"), "corp\\ann");
        assert_eq!(app.account_of("Ann"), "ann");
        app.domains = [("corp", "corp.example"), ("", "corp.example"), ("local", "")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into();
        assert_eq!(app.account_of("CORP\\Ann"), "corp.example\\ann");
        assert_eq!(app.account_of("Ann"), "corp.example\\ann");
        assert_eq!(app.account_of("other\\ann"), "other\\ann");
        assert_eq!(app.account_of("local\\ann"), "ann");
    }
}
