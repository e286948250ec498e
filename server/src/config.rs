//! Every setting, with unit and default. `curfew.toml`, then environment (`CURFEW_…`, `__` between levels).
//!
//! Secrets are never values here: a setting that needs one names a file or an environment variable.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use app::policies::wire::Profile;
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

mod broker;
mod outward;
mod people;
mod signals;

pub use self::broker::{
    AppJwks, AppKey, BrokerApp, BrokerRules, BrowserRules, KeyAlgorithm, LONGEST_APP_SESSION_S, Several,
};
pub use self::outward::{AuditCopy, AuditRules, WebhookSettings};
pub use self::people::{NameSpace, PeopleRules};
pub use self::signals::{CasSignals, OidcSignals, SignalMode, SignalRule};

/// The settings file as a whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of this installation, shown beside the mark. Default "Curfew".
    pub instance: String,
    /// Where the portal listens. Default 127.0.0.1:8460.
    pub listen: SocketAddr,
    /// The address people type, e.g. `https://curfew.example.org`. Needed unless `listen` is loopback.
    pub public_url: Option<String>,
    /// Folder for the embedded database and generated keys. Default `data`.
    pub data_dir: PathBuf,
    /// Where Prometheus metrics and health details are served; none = not at all.
    pub metrics_listen: Option<SocketAddr>,
    /// TLS by files; none = plain HTTP (loopback, or behind a proxy).
    pub tls: Option<Tls>,
    /// Proxy whose header tells the browser's address; none = the peer's address.
    pub trusted_proxy: Option<TrustedProxy>,
    /// Database; none = embedded SQLite in `data_dir`.
    pub database: Option<Database>,
    /// Keys; none = files in `data_dir`, made at the first start.
    pub keys: KeyFiles,
    /// Limits and rules of endings.
    pub endings: EndingRules,
    /// Reading of systems, where a system says nothing else.
    pub collect: CollectRules,
    /// Sign-in.
    pub signin: SignInRules,
    /// How long things are kept.
    pub retention: Retention,
    /// The audit log.
    pub audit: AuditRules,
    /// The API.
    pub api: ApiRules,
    /// Whom to tell of events.
    pub webhook: Vec<WebhookSettings>,
    /// Who is who across systems.
    pub people: PeopleRules,
    /// The ticket broker.
    pub broker: BrokerRules,
    /// What signals of identity servers do.
    pub signals: Vec<SignalRule>,
    /// Connected systems by id. `curfew` (the portal itself) is always there.
    pub systems: BTreeMap<String, SystemSettings>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            instance: "Curfew".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8460)),
            public_url: None,
            data_dir: PathBuf::from("data"),
            metrics_listen: None,
            tls: None,
            trusted_proxy: None,
            database: None,
            keys: KeyFiles::default(),
            endings: EndingRules::default(),
            collect: CollectRules::default(),
            signin: SignInRules::default(),
            retention: Retention::default(),
            audit: AuditRules::default(),
            api: ApiRules::default(),
            webhook: Vec::new(),
            people: PeopleRules::default(),
            broker: BrokerRules::default(),
            signals: Vec::new(),
            systems: BTreeMap::new(),
        }
    }
}

/// TLS by files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM certificate chain.
    pub certificate: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
}

/// The proxy in front.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedProxy {
    /// Networks it may speak from; the header is ignored from anywhere else.
    pub networks: Vec<ipnet::IpNet>,
    /// Header that holds the address. Default `x-forwarded-for` (the last entry counts).
    #[serde(default = "forwarded_for")]
    pub header: String,
}

fn forwarded_for() -> String {
    "x-forwarded-for".to_owned()
}

/// A PostgreSQL database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Its URL by reference: `env:NAME` or `file:/path`; it holds a password.
    pub url: SecretRef,
    /// Most connections of this replica. Default 16.
    #[serde(default = "sixteen")]
    pub connections: u32,
}

const fn sixteen() -> u32 {
    16
}

/// Keys of 32 bytes (64 hex digits) from outside the database. Replicas on one PostgreSQL need the same ones.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyFiles {
    /// Names sessions. Default `data_dir/session.key`.
    pub session: Option<SecretRef>,
    /// The session key before that one, until nothing it named lives any more; none = the key was not changed.
    pub session_previous: Option<SecretRef>,
    /// Chains the audit log. Default `data_dir/audit.key`.
    pub audit: Option<SecretRef>,
    /// Seals the seeds of second factors. Default `data_dir/factor.key`.
    pub factor: Option<SecretRef>,
    /// Signs containment reports. Default `data_dir/report.key`.
    pub report: Option<SecretRef>,
}

/// Where a secret is found: `env:NAME` or `file:/path`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretRef {
    /// Environment variable.
    Env(String),
    /// File; a last line break is dropped.
    File(PathBuf),
}

impl TryFrom<String> for SecretRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(SecretRef::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(SecretRef::File(PathBuf::from(path))),
            // The text may be the secret itself: it is not repeated.
            _ => Err("a secret is named, not written here: use \"env:NAME\" or \"file:/path\"".to_owned()),
        }
    }
}

impl From<SecretRef> for String {
    fn from(reference: SecretRef) -> String {
        match reference {
            SecretRef::Env(name) => format!("env:{name}"),
            SecretRef::File(path) => format!("file:{}", path.display()),
        }
    }
}

impl SecretRef {
    /// The secret, read now.
    pub fn read(&self) -> anyhow::Result<SecretString> {
        match self {
            SecretRef::Env(name) => std::env::var(name)
                .map(SecretString::from)
                .map_err(|_| anyhow::anyhow!("environment variable {name} is not set")),
            SecretRef::File(path) => std::fs::read_to_string(path)
                .map(|text| SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned()))
                .map_err(|cause| anyhow::anyhow!("{}: {cause}", path.display())),
        }
    }
}

/// Limits and rules of endings (design.md §5).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndingRules {
    /// Most sessions in one preview. Default 50,000.
    pub max_set: u64,
    /// The number must be typed above this many. Default 25.
    pub type_number_above: u64,
    /// Most sessions one person ends in one act: above it a second person approves. While nobody else holds
    /// ApproveEndings it binds only who does not hold ManageAccess. Default 500.
    pub most_per_act: u64,
    /// Most sessions an hour for who does not hold ManageAccess, without a second person. Default 200.
    pub most_per_hour: u64,
    /// A ticket number is required. Default false.
    pub ticket_required: bool,
    /// Pauses between asks, seconds. Default 2, 8, 30.
    pub ask_again_s: Vec<i64>,
    /// Sessions of other systems wait so long for those of identity servers, seconds; 0 = not at all. Default 60.
    pub identity_first_s: i64,
    /// People who come back are looked for so long, seconds. Default 600.
    pub watch_s: i64,
    /// First look, seconds after the ending settled. Default 5.
    pub first_watch_s: i64,
    /// Endings older than this at start wait for a person, seconds. Default 86,400.
    pub wait_for_person_after_s: i64,
    /// A preview can be confirmed so long, seconds. Default 900.
    pub draft_s: i64,
    /// A second person can approve a preview so long, seconds: the set stays frozen. Default 3,600.
    pub approval_s: i64,
    /// An ending that went on without a second person is to be reviewed within, seconds. Default 86,400.
    pub review_s: i64,
}

impl Default for EndingRules {
    fn default() -> Self {
        Self {
            max_set: 50_000,
            type_number_above: 25,
            most_per_act: 500,
            most_per_hour: 200,
            ticket_required: false,
            ask_again_s: vec![2, 8, 30],
            identity_first_s: 60,
            watch_s: 600,
            first_watch_s: 5,
            wait_for_person_after_s: 86_400,
            draft_s: 900,
            approval_s: 3_600,
            review_s: 86_400,
        }
    }
}

/// The API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiRules {
    /// Calls a minute of one token. Default 600.
    pub per_minute: u32,
}

impl Default for ApiRules {
    fn default() -> Self {
        Self { per_minute: 600 }
    }
}

/// How systems are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectRules {
    /// Seconds between readings of a system. Default 30.
    pub every_s: i64,
    /// Rounds after which rows are stale. Default 3.
    pub stale_rounds: i64,
    /// A system not read whole for so long has failed, seconds. Default 900.
    pub failed_after_s: i64,
    /// Longest request, ms. Default 10,000.
    pub timeout_ms: u64,
}

impl Default for CollectRules {
    fn default() -> Self {
        Self {
            every_s: 30,
            stale_rounds: 3,
            failed_after_s: 900,
            timeout_ms: 10_000,
        }
    }
}

/// Signing in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignInRules {
    /// Parallel sign-ins of one person; the oldest ends at the next one. Default 5.
    pub max_parallel: u64,
    /// One-time links are good so long, seconds. Default 86,400; the bootstrap link 1,800.
    pub link_s: i64,
    /// The bootstrap link is good so long, seconds. Default 1,800.
    pub bootstrap_s: i64,
    /// Sign-in tries a minute from one address. Default 10.
    pub per_address_per_minute: u32,
}

impl Default for SignInRules {
    fn default() -> Self {
        Self {
            max_parallel: 5,
            link_s: 86_400,
            bootstrap_s: 1_800,
            per_address_per_minute: 10,
        }
    }
}

/// How long things are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Sessions that ended or vanished, days. Default 30.
    pub sessions_days: i64,
    /// Audit entries, days. Default 400. Older ones may be exported and cut by `curfew audit`, never silently.
    pub audit_days: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            sessions_days: 30,
            audit_days: 400,
        }
    }
}

/// One connected system: what every kind has, and what its connector reads.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SystemSettings {
    /// Connector: `simulator`, …
    pub kind: String,
    /// Name as shown; none = the id.
    #[serde(default)]
    pub name: Option<String>,
    /// Our own imitation: labelled on every page.
    #[serde(default)]
    pub simulated: bool,
    /// Seconds between readings; none = `collect.every_s`.
    #[serde(default)]
    pub collect_every_s: Option<i64>,
    /// Longest request, ms; none = `collect.timeout_ms`.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// Pause between requests, ms; none = what its kind is known to want, mostly 0.
    #[serde(default)]
    pub pace_ms: Option<u64>,
    /// Requests at the same time. Default 4.
    #[serde(default = "four")]
    pub connections: usize,
    /// What its limits are measured by on the Policies page.
    #[serde(default)]
    pub profile: Profile,
    /// Id of the identity server its people sign in by: the Policies page holds its limits against that one's.
    #[serde(default)]
    pub signs_in_by: Option<String>,
    /// What the connector of this kind reads; it refuses what it does not know.
    #[serde(flatten)]
    pub own: toml::Table,
}

const fn four() -> usize {
    4
}

impl Config {
    /// Reads the file (if there is one) and the environment. The error names the bad setting.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut figment = Figment::new();
        match file {
            Some(path) if !path.exists() => anyhow::bail!("{}: no such settings file", path.display()),
            Some(path) => figment = figment.merge(Toml::file_exact(path)),
            None => figment = figment.merge(Toml::file("curfew.toml")),
        }
        let config: Config = figment
            .merge(
                Env::prefixed("CURFEW_")
                    .ignore(&[
                        "cache",
                        "config",
                        "log",
                        "log_format",
                        // The command line's: which portal to speak to, and in whose name.
                        "ca_file",
                        "token",
                        "token_file",
                        "url",
                    ])
                    // Where the tests find real servers.
                    .filter(|name| !name.starts_with("test_"))
                    .split("__"),
            )
            .extract()?;
        config.check()?;
        Ok(config)
    }

    /// Refuses what can't work, and says what would.
    pub fn check(&self) -> anyhow::Result<()> {
        for (id, settings) in &self.systems {
            if let Some(server) = &settings.signs_in_by {
                anyhow::ensure!(
                    server != id && self.systems.contains_key(server),
                    "systems.{id}.signs_in_by: “{server}” is no other system of these settings"
                );
            }
            let good = (1..=40).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
            anyhow::ensure!(good, "systems.{id}: an id is 1 to 40 of a-z 0-9 _ -");
            anyhow::ensure!(
                id != "curfew",
                "systems.curfew: the portal itself is always connected; take another id"
            );
        }
        if let Some(url) = &self.public_url {
            let rest = url
                .strip_prefix("https://")
                .or_else(|| url.strip_prefix("http://"));
            let good = rest.is_some_and(|r| !r.is_empty() && !r.contains('/'));
            anyhow::ensure!(
                good,
                "public_url: write scheme and host only, e.g. \"https://curfew.example.org\""
            );
        } else if !self.listen.ip().is_loopback() {
            anyhow::bail!(
                "public_url is needed when listen ({}) is not loopback: the address people type",
                self.listen
            );
        }
        anyhow::ensure!(
            !self.endings.ask_again_s.is_empty(),
            "endings.ask_again_s: at least one pause, e.g. [2, 8, 30]"
        );
        anyhow::ensure!(self.collect.every_s > 0, "collect.every_s: at least 1 second");
        if let Some(copy) = &self.audit.copy {
            copy.check()?;
        }
        let mut urls = BTreeSet::new();
        for webhook in &self.webhook {
            webhook.check()?;
            anyhow::ensure!(
                urls.insert(&webhook.url),
                "webhook.url: the same receiver stands there twice; name all its events in one entry"
            );
        }
        self.people.check()?;
        signals::check(self)?;
        self.broker.check(self)
    }

    /// The address people type, without a slash at the end.
    pub fn public_url(&self) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// The host of that address, without its port.
    pub fn host(&self) -> String {
        let url = self.public_url();
        let authority = url.split_once("://").map_or("", |(_, rest)| rest);
        let port = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
        authority[..port.unwrap_or(authority.len())].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_names_every_setting_and_holds_the_defaults() {
        let text = include_str!("../../curfew.example.toml");
        let example: Config = toml::from_str(text).unwrap();
        assert_eq!(format!("{example:?}"), format!("{:?}", Config::default()));
        // Commented-out entries are written as people would write them.
        let all: String = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest)
                    if rest.starts_with('[')
                        || rest.split_once(" = ").is_some_and(|(k, _)| !k.contains(' ')) =>
                {
                    rest
                }
                _ => line,
            })
            .collect::<Vec<_>>()
            .join("\n");
        let all: Config = toml::from_str(&all).unwrap_or_else(|cause| panic!("{cause}\n{all}"));
        assert!(all.tls.is_some() && all.database.is_some() && all.systems.contains_key("lab"));
        assert!(all.audit.copy.is_some());
        all.webhook[0].check().unwrap();
        all.broker.check(&all).unwrap();
        assert_eq!(all.broker.apps.len(), 1);
        assert_eq!(all.signals.len(), 1);
    }

    #[test]
    fn who_signs_in_by_a_system_that_is_not_there_is_refused() {
        let check = |server: &str| {
            let text = format!(
                "[systems.app]\nkind = \"simulator\"\nsigns_in_by = \"{server}\"\n[systems.sso]\nkind = \"keycloak\""
            );
            let config: Config = toml::from_str(&text).unwrap();
            config.check().map_err(|cause| cause.to_string())
        };
        assert_eq!(check("sso"), Ok(()));
        for nobody in ["keycloak", "app", ""] {
            let words = check(nobody).unwrap_err();
            assert!(words.contains("systems.app.signs_in_by"), "{words}");
        }
    }

    #[test]
    fn security_e5_a_secret_in_the_settings_is_refused_and_not_repeated() {
        let cause = toml::from_str::<Config>("[database]\nurl = \"postgres://curfew:hunter2@db/curfew\"")
            .unwrap_err();
        assert!(cause.message().contains("env:NAME"), "{cause}");
        assert!(!cause.message().contains("hunter2"), "{cause}");
    }

    #[test]
    fn a_portal_that_others_reach_must_say_its_address() {
        let config = Config {
            listen: SocketAddr::from(([0, 0, 0, 0], 8460)),
            ..Config::default()
        };
        assert!(config.check().unwrap_err().to_string().contains("public_url"));
    }

    #[test]
    fn the_host_is_the_address_without_its_port() {
        for (url, host) in [
            ("https://curfew.example.org", "curfew.example.org"),
            ("https://curfew.example.org:8443", "curfew.example.org"),
            ("http://[::1]:8460", "[::1]"),
            ("https://[2001:db8::1]", "[2001:db8::1]"),
        ] {
            let config = Config {
                public_url: Some(url.to_owned()),
                ..Config::default()
            };
            assert_eq!(config.host(), host);
        }
    }
}
