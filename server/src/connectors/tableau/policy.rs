//! Limits and other settings of a Tableau Server. Neither its REST API nor its repository tells those of the server: they
//! are typed in, imported from a file of `tsm`, or not known; a documented default is shown as such and never counts as
//! read. Of each site the repository tells some.

use std::path::{Path, PathBuf};

use app::policies::wire::{SettingAdvice, SettingSource, SystemSetting};
use app::wire::{Limit, Timestamp};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::Tableau;
use super::repository::SiteSetting;
use super::rows::KnownLimits;
use crate::connectors::{ConnectorError, LimitsFrom, ReadLimits, ReadPolicy};
use crate::domain::policy::told_length;

const IDLE: &str = "wgserver.session.idle_limit";
const APPLY_LIFETIME: &str = "wgserver.session.apply_lifetime_limit";
const LIFETIME: &str = "wgserver.session.lifetime_limit";
const REUSE_GUARD: &str = "vizqlserver.protect_sessions";
const UNRESTRICTED_TICKET: &str = "wgserver.unrestricted_ticket";
const ID_PROTECTION: &str = "features.ProtectVizPortalSessionIds";
/// Longest limit that is believed, minutes: 10 years.
const LONGEST_MIN: i64 = 5_256_000;
/// Longest file that is read, bytes.
const LONGEST_FILE: u64 = 8 << 20;

/// A setting of the server that shapes sessions.
struct Key {
    name: &'static str,
    /// Other names it has in files.
    also: &'static [&'static str],
    /// What holds where nothing is set, as documented; empty = nothing is documented.
    default: &'static str,
    unit: &'static str,
    note: &'static str,
}

/// Name, other names, documented default, unit and what it does, in the order they are shown.
const KEYS: [Key; 14] = [
    key(
        IDLE,
        "240",
        "minutes",
        "Idle time before a sign-in ends; also how long REST tokens live",
    ),
    key(APPLY_LIFETIME, "false", "", "Whether there is a longest life"),
    key(LIFETIME, "1440", "minutes", "Longest life, where there is one"),
    key(
        "vizqlserver.session.expiry.timeout",
        "30",
        "minutes",
        "Idle time before a view being drawn is dropped",
    ),
    key(
        "vizqlserver.session.expiry.minimum",
        "5",
        "minutes",
        "The same when memory is short",
    ),
    key(
        REUSE_GUARD,
        "true",
        "",
        "Views being drawn can\u{2019}t be used again after their user signed out",
    ),
    key(
        "vizqlserver.clear_session_on_unload",
        "false",
        "",
        "A view is dropped when its page is left",
    ),
    key(
        "refresh_token.absolute_expiry_in_seconds",
        "31536000",
        "seconds",
        "Longest life of connected clients and access tokens",
    ),
    key(
        "refresh_token.idle_expiry_in_seconds",
        "1209600",
        "seconds",
        "How long those last unused",
    ),
    key(
        "wgserver.trusted_hosts",
        "",
        "",
        "Hosts that are given trusted tickets",
    ),
    Key {
        name: "vizqlserver.trustedticket.timeout_in_seconds",
        also: &["trustedAuthenticationSettings.timeoutInSeconds"],
        default: "180",
        unit: "seconds",
        note: "How long a trusted ticket can be redeemed",
    },
    key(
        UNRESTRICTED_TICKET,
        "false",
        "",
        "A trusted ticket opens more than views",
    ),
    key(
        "wgserver.extended_trusted_ip_checking",
        "false",
        "",
        "A trusted ticket works from the address it was asked for alone",
    ),
    key(
        ID_PROTECTION,
        "",
        "",
        "Secrets of sessions are kept as hashes only",
    ),
];

const fn key(name: &'static str, default: &'static str, unit: &'static str, note: &'static str) -> Key {
    Key {
        name,
        also: &[],
        default,
        unit,
        note,
    }
}

/// Limits typed into the settings, as `tsm configuration get` shows them.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitSettings {
    /// `wgserver.session.idle_limit`, minutes; 0 = never.
    #[serde(default)]
    idle_min: Option<i64>,
    /// `wgserver.session.lifetime_limit`, minutes; 0 = `apply_lifetime_limit` is false.
    #[serde(default)]
    lifetime_min: Option<i64>,
    /// Other settings by their names at `tsm`: `{ "wgserver.unrestricted_ticket" = false }`.
    #[serde(default)]
    keys: toml::Table,
    /// What `tsm settings export -f` wrote, or a JSON object of names and values as `tsm configuration get` shows them.
    /// What is typed wins over it.
    #[serde(default)]
    file: Option<PathBuf>,
}

/// What people told of a server.
pub(super) struct ToldLimits {
    typed: Vec<(&'static str, String)>,
    file: Option<PathBuf>,
}

/// A value with where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    value: String,
    source: SettingSource,
    /// Date of the file.
    as_of: Option<Timestamp>,
}

/// Everything that people told, the file as it is now.
pub(super) struct Said {
    told: Vec<(&'static str, Told)>,
    /// Why the file can't be read.
    trouble: Option<String>,
}

impl LimitSettings {
    /// What is typed; the error names the bad setting.
    pub(super) fn read(&self) -> anyhow::Result<ToldLimits> {
        let mut typed: Vec<(&'static str, String)> = Vec::new();
        for (name, minutes) in [("idle_min", self.idle_min), ("lifetime_min", self.lifetime_min)] {
            let sane = minutes.is_none_or(|minutes| (0..=LONGEST_MIN).contains(&minutes));
            anyhow::ensure!(sane, "limits.{name}: minutes, 0 to {LONGEST_MIN}");
        }
        if let Some(minutes) = self.idle_min {
            typed.push((IDLE, minutes.to_string()));
        }
        if let Some(minutes) = self.lifetime_min {
            typed.push((APPLY_LIFETIME, (minutes > 0).to_string()));
            if minutes > 0 {
                typed.push((LIFETIME, minutes.to_string()));
            }
        }
        for (name, value) in &self.keys {
            let known = KEYS.iter().find(|key| key.name == name);
            let known =
                known.ok_or_else(|| anyhow::anyhow!("limits.keys: \"{name}\" is no setting shown here"))?;
            let twice = typed.iter().any(|(typed, _)| *typed == known.name);
            anyhow::ensure!(!twice, "limits.keys: \"{name}\" is typed twice");
            let value = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(_) | toml::Value::Boolean(_) => value.to_string(),
                _ => anyhow::bail!("limits.keys: \"{name}\" is a text, a number, true or false"),
            };
            typed.push((known.name, value));
        }
        if let Some(file) = &self.file {
            std::fs::metadata(file)
                .map_err(|cause| anyhow::anyhow!("limits.file {}: {cause}", file.display()))?;
        }
        Ok(ToldLimits {
            typed,
            file: self.file.clone(),
        })
    }
}

impl ToldLimits {
    /// Everything told, the file read anew.
    pub(super) async fn said(&self) -> Said {
        let typed = self.typed.iter().map(|(name, value)| {
            let told = Told {
                value: value.clone(),
                source: SettingSource::Typed,
                as_of: None,
            };
            (*name, told)
        });
        let mut told: Vec<(&'static str, Told)> = typed.collect();
        let mut trouble = None;
        if let Some(file) = &self.file {
            match read(file).await {
                Ok(imported) => {
                    for (name, value) in imported {
                        if !told.iter().any(|(typed, _)| *typed == name) {
                            told.push((name, value));
                        }
                    }
                }
                Err(words) => trouble = Some(format!("limits.file {} {words}", file.display())),
            }
        }
        Said { told, trouble }
    }
}

/// The settings shown here that stand in a file, with its date; else why it can't be read. The file is never quoted.
async fn read(file: &Path) -> Result<Vec<(&'static str, Told)>, String> {
    let gone = |cause: std::io::Error| format!("can\u{2019}t be read: {cause}.");
    let about = tokio::fs::metadata(file).await.map_err(gone)?;
    if about.len() > LONGEST_FILE {
        return Err("is too long for settings.".to_owned());
    }
    let written = about.modified().ok();
    let written = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let as_of = written
        .and_then(|at| i64::try_from(at.as_millis()).ok())
        .map(Timestamp);
    let bytes = tokio::fs::read(file).await.map_err(gone)?;
    let tree: Value = serde_json::from_slice(&bytes).map_err(|_| "is not JSON.".to_owned())?;
    let found = KEYS.iter().filter_map(|key| {
        let mut names = std::iter::once(&key.name).chain(key.also);
        let value = names.find_map(|name| imported(&tree, name))?;
        let told = Told {
            value,
            source: SettingSource::Imported,
            as_of,
        };
        Some((key.name, told))
    });
    Ok(found.collect())
}

/// A value of a file: of `configKeys`, of an entity of `configEntities` (`entity.member`), or of the object itself.
fn imported(tree: &Value, name: &str) -> Option<String> {
    let entity = || {
        let (entity, member) = name.split_once('.')?;
        tree.get("configEntities")?.get(entity)?.get(member)
    };
    let found = tree.get("configKeys").and_then(|keys| keys.get(name));
    match found.or_else(entity).or_else(|| tree.get(name))? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

impl Said {
    fn of(&self, name: &str) -> Option<&Told> {
        self.told
            .iter()
            .find(|(told, _)| *told == name)
            .map(|(_, told)| told)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.of(name)
            .is_some_and(|told| told.value.trim().eq_ignore_ascii_case(value))
    }

    /// The two limits of sessions; `Unknown` where nobody told them, whatever is documented.
    pub(super) fn limits(&self) -> KnownLimits {
        let minutes = |name: &str| -> Option<i64> {
            let minutes = self.of(name)?.value.trim().parse().ok()?;
            (0..=LONGEST_MIN).contains(&minutes).then_some(minutes)
        };
        let lifetime = match minutes(LIFETIME) {
            _ if self.is(APPLY_LIFETIME, "false") => Limit::None,
            Some(minutes @ 1..) if self.is(APPLY_LIFETIME, "true") => Limit::Seconds(minutes * 60),
            _ => Limit::Unknown,
        };
        KnownLimits {
            idle: match minutes(IDLE) {
                Some(0) => Limit::None,
                Some(minutes) => Limit::Seconds(minutes * 60),
                None => Limit::Unknown,
            },
            lifetime,
        }
    }

    /// Where the limits are from.
    fn source(&self) -> LimitsFrom {
        let sources = [IDLE, APPLY_LIFETIME, LIFETIME].map(|name| self.of(name).map(|told| told.source));
        match sources {
            _ if sources.contains(&Some(SettingSource::Imported)) => LimitsFrom::Imported,
            _ if sources.contains(&Some(SettingSource::Typed)) => LimitsFrom::Typed,
            _ => LimitsFrom::Nobody,
        }
    }

    /// Every setting of the server, told or not.
    fn settings(&self) -> Vec<SystemSetting> {
        let rows = KEYS.iter().map(|key| {
            let told = self.of(key.name).cloned().unwrap_or_else(|| Told {
                value: key.default.to_owned(),
                source: match key.default {
                    "" => SettingSource::Unknown,
                    _ => SettingSource::Default,
                },
                as_of: None,
            });
            let unit = if told.value.is_empty() { "" } else { key.unit };
            SystemSetting {
                place: String::new(),
                name: key.name.to_owned(),
                value: told_length(&told.value, unit),
                source: told.source,
                as_of: told.as_of,
                note: key.note.to_owned(),
            }
        });
        rows.collect()
    }

    /// What the told settings and those of the sites call for.
    fn advice(&self, sites: &[SiteSetting]) -> Vec<SettingAdvice> {
        let mut advice = Vec::new();
        // What is not known has no rule: nobody can accept it.
        let mut say = |rule: String, ground: &str, fact: String, means: &str| {
            advice.push(SettingAdvice {
                rule,
                ground: ground.to_owned(),
                fact,
                means: means.to_owned(),
            });
        };
        if let Some(trouble) = &self.trouble {
            say(String::new(), "", trouble.clone(), "Nothing of it is shown.");
        }
        if self.source() == LimitsFrom::Nobody {
            say(
                String::new(),
                "",
                "The limits of Tableau are not known here.".to_owned(),
                "Only tsm tells them: type them into Curfew\u{2019}s settings (limits.idle_min), or name what \u{201c}tsm \
                 settings export\u{201d} wrote (limits.file).",
            );
        }
        if self.is(ID_PROTECTION, "false") {
            say(
                ID_PROTECTION.to_owned(),
                "false",
                format!("{ID_PROTECTION} is false."),
                "Whoever can read the repository can take over sessions. From 2020.3 on nothing needs it.",
            );
        }
        if self.is(REUSE_GUARD, "false") {
            say(
                REUSE_GUARD.to_owned(),
                "false",
                format!("{REUSE_GUARD} is false."),
                "A view being drawn may go on answering after its session was ended.",
            );
        }
        if self.is(UNRESTRICTED_TICKET, "true") {
            say(
                UNRESTRICTED_TICKET.to_owned(),
                "true",
                format!("{UNRESTRICTED_TICKET} is true."),
                "A trusted ticket opens all that its user may do, not views alone.",
            );
        }
        for site in sites {
            match (site.column, site.value.as_str()) {
                ("guest_access_enabled", "true") => say(
                    format!("guest_access_enabled:{}", site.site),
                    "true",
                    format!("The site {} lets guests in.", site.site),
                    "Views can be seen without a sign-in, so there is no session to end.",
                ),
                ("unrestricted_embedding_enabled", "true") => say(
                    format!("unrestricted_embedding_enabled:{}", site.site),
                    "true",
                    format!("The site {} can be embedded by any web page.", site.site),
                    "A page that embeds it uses the session of whoever looks at it.",
                ),
                _ => {}
            }
        }
        advice
    }
}

/// The unit of a column of a site whose number would be hard to read; empty = shown as it is.
fn unit_of(column: &str) -> &'static str {
    match column {
        "refresh_token_absolute_expiry" => "seconds",
        _ => "",
    }
}

/// What a column of a site does.
fn note_of(column: &str) -> &'static str {
    match column {
        "status" => "Whether people can sign in to it",
        "guest_access_enabled" => "Views can be seen without a sign-in",
        "unrestricted_embedding_enabled" => "Any web page may embed it",
        "domain_allowlist" => "Web pages that may embed it",
        "allow_pat_creation" => "People may make access tokens",
        "allow_pat_group" => "Who may make them",
        "pat_absolute_expiry" => "Longest life of an access token, days",
        "refresh_token_absolute_expiry" => "Longest life of a connected client",
        "max_service_token_limit_per_user" => "Most access tokens of a user",
        _ => "",
    }
}

#[async_trait]
impl ReadPolicy for Tableau {
    async fn read_policy(&self) -> Result<ReadLimits, ConnectorError> {
        let said = self.limits.said().await;
        let sites = match &self.repository {
            Some(repository) => repository.site_settings().await?,
            None => Vec::new(),
        };
        let limits = said.limits();
        let mut settings = said.settings();
        settings.extend(sites.iter().map(|site| SystemSetting {
            place: site.site.clone(),
            name: site.column.to_owned(),
            value: told_length(&site.value, unit_of(site.column)),
            source: SettingSource::Read,
            as_of: None,
            note: note_of(site.column).to_owned(),
        }));
        Ok(ReadLimits {
            kinds: Vec::new(),
            idle: limits.idle,
            absolute: limits.lifetime,
            note: "Closing the browser ends a session whatever the limits.".to_owned(),
            source: said.source(),
            advice: said.advice(&sites),
            settings,
            places: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(typed: &str) -> anyhow::Result<ToldLimits> {
        toml::from_str::<LimitSettings>(typed)?.read()
    }

    #[tokio::test]
    async fn a_default_is_shown_as_one_and_counts_as_nothing() {
        let said = told("").unwrap().said().await;
        assert_eq!(said.limits(), KnownLimits::default());
        assert_eq!(said.source(), LimitsFrom::Nobody);
        let settings = said.settings();
        let of = |name: &str| settings.iter().find(|s| s.name == name).unwrap();
        assert_eq!(
            (of(IDLE).value.as_str(), of(IDLE).source),
            ("240 minutes", SettingSource::Default)
        );
        assert_eq!(
            (of(ID_PROTECTION).value.as_str(), of(ID_PROTECTION).source),
            ("", SettingSource::Unknown)
        );
        assert_eq!(said.advice(&[]).len(), 1, "defaults are no ground for advice");
    }

    #[tokio::test]
    async fn a_file_of_tsm_is_read_with_its_date_and_what_is_typed_wins() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("settings.json");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        write(
            r#"{"configEntities": {"trustedAuthenticationSettings": {"_type": "x", "timeoutInSeconds": 60}},
                "configKeys": {"wgserver.session.idle_limit": "30", "wgserver.session.apply_lifetime_limit": true,
                "wgserver.session.lifetime_limit": 600, "features.ProtectVizPortalSessionIds": "false",
                "pgsql.readonly_password": "secret"}}"#,
        );
        let typed = format!("file = {:?}\nidle_min = 45", file.display().to_string());
        let told_all = told(&typed).unwrap();
        let said = told_all.said().await;
        let (idle, lifetime) = (Limit::Seconds(45 * 60), Limit::Seconds(600 * 60));
        assert_eq!(said.limits(), KnownLimits { idle, lifetime });
        assert_eq!(said.source(), LimitsFrom::Imported);
        let settings = said.settings();
        let of = |name: &str| settings.iter().find(|s| s.name == name).unwrap();
        assert_eq!((of(IDLE).source, of(IDLE).as_of), (SettingSource::Typed, None));
        assert_eq!(of(LIFETIME).source, SettingSource::Imported);
        assert!(
            of(LIFETIME)
                .as_of
                .is_some_and(|at| at > Timestamp(1_700_000_000_000))
        );
        assert_eq!(
            of("vizqlserver.trustedticket.timeout_in_seconds").value,
            "60 seconds"
        );
        assert!(!settings.iter().any(|s| s.value.contains("secret")));
        assert!(said.advice(&[])[0].fact.contains(ID_PROTECTION));
        write(r#"{"wgserver.session.idle_limit": 20, "wgserver.session.apply_lifetime_limit": false}"#);
        let said = told_all.said().await;
        assert_eq!(said.limits().lifetime, Limit::None, "it is read anew");
        write("secret but no JSON");
        let said = told_all.said().await;
        assert_eq!(
            said.limits().idle,
            Limit::Seconds(45 * 60),
            "what is typed still counts"
        );
        let fact = &said.advice(&[])[0].fact;
        assert!(
            fact.contains("not JSON") && !fact.contains("secret but"),
            "{fact}"
        );
    }

    #[test]
    fn what_can_not_be_a_limit_is_refused() {
        for bad in [
            "idle_min = -1",
            "lifetime_min = 99999999",
            "file = \"/nowhere/at.all\"",
            "keys = { \"pgsql.readonly_password\" = \"x\" }",
            "keys = { \"wgserver.unrestricted_ticket\" = [] }",
            "idle_min = 5\nkeys = { \"wgserver.session.idle_limit\" = 6 }",
        ] {
            assert!(told(bad).is_err(), "{bad}");
        }
        assert!(told("keys = { \"wgserver.unrestricted_ticket\" = false }").is_ok());
    }
}
