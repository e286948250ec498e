//! Limits and other settings of the realms, read live, and what they call for. Nothing is ever written.

use app::policies::wire::{SettingAdvice, SettingSource, SystemSetting};
use app::wire::Limit;
use async_trait::async_trait;
use serde::Deserialize;

use super::rows::RealmRules;
use super::{Keycloak, Realm};
use crate::connectors::{ConnectorError, LimitsFrom, PlaceLimit, ReadLimits, ReadPolicy};
use crate::domain::policy::told_length;
use crate::keys;

/// Longest life of an access token that calls for no advice, seconds.
const LONG_TOKEN_S: i64 = 900;
/// Clients asked for at once, and how often.
const PAGE: usize = 500;
const PAGES: usize = 40;
/// Applications named in one sentence.
const NAMED: usize = 5;
/// Keycloak's own clients: no application of people.
const BUILT_IN: [&str; 6] = [
    "account",
    "account-console",
    "admin-cli",
    "broker",
    "realm-management",
    "security-admin-console",
];

/// A client of a realm; its secret is in the same answer and not taken out of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClientRules {
    client_id: String,
    enabled: bool,
    public_client: bool,
    bearer_only: bool,
    standard_flow_enabled: bool,
    direct_access_grants_enabled: bool,
    /// `openid-connect` or `saml`.
    protocol: String,
    attributes: Attributes,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Attributes {
    #[serde(rename = "backchannel.logout.url")]
    backchannel: String,
    #[serde(rename = "backchannel.logout.session.required")]
    backchannel_sid: String,
    #[serde(rename = "access.token.lifespan")]
    token_life: String,
    #[serde(rename = "client.session.idle.timeout")]
    idle: String,
    #[serde(rename = "client.session.max.lifespan")]
    life: String,
    #[serde(rename = "saml_single_logout_service_url_post")]
    saml_post: String,
    #[serde(rename = "saml_single_logout_service_url_redirect")]
    saml_redirect: String,
}

impl ClientRules {
    /// Whether people sign in to it.
    fn is_application(&self) -> bool {
        let signs_in = self.standard_flow_enabled || self.direct_access_grants_enabled;
        self.enabled
            && !self.bearer_only
            && signs_in
            && !BUILT_IN.contains(&self.client_id.as_str())
            && !self.client_id.ends_with("-realm")
    }

    /// Whether it is told when a session ends at Keycloak.
    fn is_told(&self) -> bool {
        let attributes = &self.attributes;
        [
            &attributes.backchannel,
            &attributes.saml_post,
            &attributes.saml_redirect,
        ]
        .iter()
        .any(|url| !url.is_empty())
    }

    fn token_life(&self) -> Option<i64> {
        self.attributes.token_life.parse().ok().filter(|life| *life > 0)
    }
}

/// What is known of one realm.
struct Read {
    rules: RealmRules,
    /// `None` = the account may not see clients.
    clients: Option<Vec<ClientRules>>,
}

impl Keycloak {
    async fn read_rules(&self, realm: &Realm) -> Result<Read, ConnectorError> {
        let rules = self.rules(realm).await?;
        let clients = if realm.reader.may("view-clients") {
            realm.clients().await?
        } else {
            None
        };
        let longest = clients.iter().flatten().filter_map(ClientRules::token_life).max();
        let life = rules.access_token_lifespan.max(longest);
        *realm
            .token_life
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = life;
        Ok(Read { rules, clients })
    }
}

impl Realm {
    /// Every client; `None` = the account may not see them.
    async fn clients(&self) -> Result<Option<Vec<ClientRules>>, ConnectorError> {
        let mut all = Vec::new();
        let max = PAGE.to_string();
        for page in 0..PAGES {
            let first = (page * PAGE).to_string();
            let query = [("first", first.as_str()), ("max", max.as_str())];
            let some: Result<Vec<ClientRules>, _> = self.reader.get("clients", &["clients"], &query).await;
            let some = match some {
                Err(error) if error.kind == crate::connectors::ErrorKind::Forbidden => return Ok(None),
                other => other?,
            };
            let count = some.len();
            all.extend(some);
            if count < PAGE {
                break;
            }
        }
        // Keycloak's own clients are in every realm: none at all means no right to see them.
        Ok((!all.is_empty()).then_some(all))
    }
}

impl Read {
    fn settings(&self, place: &str) -> Vec<SystemSetting> {
        let rules = &self.rules;
        let row = |name: &str, value: String, note: &str| SystemSetting {
            place: place.to_owned(),
            name: name.to_owned(),
            source: if value.is_empty() {
                SettingSource::Unknown
            } else {
                SettingSource::Read
            },
            value,
            as_of: None,
            note: note.to_owned(),
        };
        let told = |seconds: Option<i64>| {
            seconds.map_or_else(String::new, |s| told_length(&s.to_string(), "seconds"))
        };
        let inherits = |seconds: i64| match (rules.told(), seconds) {
            (false, _) => String::new(),
            (true, 0) => "as without".to_owned(),
            (true, seconds) => told_length(&seconds.to_string(), "seconds"),
        };
        let yes = |told: Option<bool>| told.map_or_else(String::new, |yes| yes.to_string());
        let known = rules.told().then_some(());
        let mut all = vec![
            row(
                "ssoSessionIdleTimeout",
                told(rules.sso_session_idle_timeout),
                "Idle time before a sign-in ends",
            ),
            row(
                "ssoSessionMaxLifespan",
                told(rules.sso_session_max_lifespan),
                "Longest life of a sign-in",
            ),
            row(
                "rememberMe",
                yes(known.map(|()| rules.remember_me)),
                "Whether people may ask to be remembered",
            ),
            row(
                "ssoSessionIdleTimeoutRememberMe",
                inherits(rules.sso_session_idle_timeout_remember_me),
                "Idle time of who is remembered",
            ),
            row(
                "ssoSessionMaxLifespanRememberMe",
                inherits(rules.sso_session_max_lifespan_remember_me),
                "Longest life of who is remembered",
            ),
            row(
                "clientSessionIdleTimeout",
                inherits(rules.client_session_idle_timeout),
                "Idle time of an application\u{2019}s part, and of refresh tokens",
            ),
            row(
                "clientSessionMaxLifespan",
                inherits(rules.client_session_max_lifespan),
                "Longest life of an application\u{2019}s part, and of refresh tokens",
            ),
            row(
                "offlineSessionIdleTimeout",
                told(rules.offline_session_idle_timeout),
                "Idle time before an offline session ends",
            ),
            row(
                "offlineSessionMaxLifespanEnabled",
                yes(rules.offline_session_max_lifespan_enabled),
                "Whether offline sessions have a longest life",
            ),
            row(
                "offlineSessionMaxLifespan",
                match rules.offline_session_max_lifespan_enabled {
                    Some(_) => inherits(rules.offline_session_max_lifespan),
                    None => String::new(),
                },
                "Longest life of offline sessions, where they have one",
            ),
            row(
                "accessTokenLifespan",
                told(rules.access_token_lifespan),
                "How long something may go on after an ending",
            ),
            row(
                "revokeRefreshToken",
                yes(rules.revoke_refresh_token),
                "Whether a refresh token is used up by its use",
            ),
            row(
                "notBefore",
                match known {
                    None => String::new(),
                    Some(()) if rules.not_before == 0 => "never set".to_owned(),
                    Some(()) => app::civil::rfc3339(app::wire::Timestamp(rules.not_before * 1_000)),
                },
                "Tokens from before it are refused",
            ),
            row(
                "adminEventsEnabled",
                yes(rules.admin_events_enabled),
                "Whether Keycloak writes down who ended which session",
            ),
        ];
        for client in self
            .clients
            .iter()
            .flatten()
            .filter(|client| client.is_application())
        {
            let name = |setting: &str| format!("{setting} of {}", client.client_id);
            let attributes = &client.attributes;
            all.push(row(
                &name("backchannel.logout.url"),
                match attributes.backchannel.as_str() {
                    "" if client.is_told() => "none; told by SAML".to_owned(),
                    "" => "none".to_owned(),
                    url => url.to_owned(),
                },
                match attributes.backchannel_sid.as_str() {
                    "false" if !attributes.backchannel.is_empty() => {
                        "Told of the person alone, not of the session"
                    }
                    _ => "Where it is told that a session was ended",
                },
            ));
            for (setting, value) in [
                ("access.token.lifespan", &attributes.token_life),
                ("client.session.idle.timeout", &attributes.idle),
                ("client.session.max.lifespan", &attributes.life),
            ] {
                if !value.is_empty() {
                    all.push(row(
                        &name(setting),
                        told_length(value, "seconds"),
                        "In place of the realm\u{2019}s",
                    ));
                }
            }
        }
        all
    }

    /// What the settings call for; `realm` begins each sentence.
    fn advice(&self, realm: &str) -> Vec<SettingAdvice> {
        let rules = &self.rules;
        let mut advice = Vec::new();
        // What is not known has no rule: nobody can accept it.
        let mut say = |rule: &str, ground: String, fact: String, means: &str| {
            advice.push(SettingAdvice {
                rule: match rule {
                    "" => String::new(),
                    rule => format!("{rule}:{realm}"),
                },
                ground,
                fact: format!("{realm}: {fact}"),
                means: means.to_owned(),
            });
        };
        if !rules.told() {
            say(
                "",
                String::new(),
                "its settings are not shown to Curfew.".to_owned(),
                "Give the account that reads the role view-realm.",
            );
        }
        // G-TOKEN-RESID
        if let Some(life) = rules.access_token_lifespan.filter(|life| *life > LONG_TOKEN_S) {
            say(
                "G-TOKEN-RESID",
                format!("{life} s"),
                format!(
                    "accessTokenLifespan is {}.",
                    told_length(&life.to_string(), "seconds")
                ),
                "After an ending an application that checks tokens by itself goes on for so long: 15 minutes or less.",
            );
        }
        let clients = || {
            self.clients
                .iter()
                .flatten()
                .filter(|client| client.is_application())
        };
        let long: Vec<&str> = clients()
            .filter(|client| client.token_life().is_some_and(|life| life > LONG_TOKEN_S))
            .map(|client| client.client_id.as_str())
            .collect();
        if !long.is_empty() {
            say(
                "G-TOKEN-RESID-CLIENTS",
                {
                    let lives: Vec<String> = clients()
                        .filter_map(|client| Some((client, client.token_life()?)))
                        .filter(|(_, life)| *life > LONG_TOKEN_S)
                        .map(|(client, life)| format!("{} {life}", client.client_id))
                        .collect();
                    these(&lives.iter().map(String::as_str).collect::<Vec<_>>())
                },
                format!(
                    "access.token.lifespan of {} is longer than 15 minutes.",
                    named(&long)
                ),
                "After an ending it goes on for so long, whatever holds for the realm.",
            );
        }
        // G-REFRESH-NOEND
        if rules.offline_session_max_lifespan_enabled == Some(false) {
            say(
                "G-REFRESH-NOEND",
                "false".to_owned(),
                "offlineSessionMaxLifespanEnabled is false.".to_owned(),
                "An offline session that is used never ends by age: switch it on and set offlineSessionMaxLifespan.",
            );
        }
        // G-REFRESH-NOROT
        if rules.revoke_refresh_token == Some(false) {
            let public: Vec<&str> = clients()
                .filter(|client| client.public_client)
                .map(|client| client.client_id.as_str())
                .collect();
            match (&self.clients, public.is_empty()) {
                (Some(_), true) => {}
                (Some(_), false) => say(
                    "G-REFRESH-NOROT",
                    these(&public),
                    format!(
                        "revokeRefreshToken is false, and {} can keep no secret.",
                        named(&public)
                    ),
                    "A stolen refresh token works beside the real one unseen: switch it on.",
                ),
                (None, _) => say(
                    "G-REFRESH-NOROT",
                    "false".to_owned(),
                    "revokeRefreshToken is false.".to_owned(),
                    "Where an application can keep no secret a stolen refresh token works unseen. Which ones there are \
                     is not known: Curfew does not see clients.",
                ),
            }
        }
        // G-SLO-OFF
        let untold: Vec<&str> = clients()
            .filter(|client| !client.is_told())
            .map(|client| client.client_id.as_str())
            .collect();
        if !untold.is_empty() {
            say(
                "G-SLO-OFF",
                these(&untold),
                format!("{} not told when a session is ended.", are(&untold)),
                "An ending at Keycloak does not reach their own sessions: set backchannel.logout.url, or end those too.",
            );
        }
        if self.clients.is_none() {
            say(
                "",
                String::new(),
                "whether applications are told when a session is ended is not known.".to_owned(),
                "Only who has view-clients sees it, and that role reads the secrets of clients too.",
            );
        }
        advice
    }

    fn idle(&self) -> Limit {
        self.rules.idle(false, Some(false))
    }

    fn life(&self) -> Limit {
        self.rules.life(false, Some(false))
    }
}

/// Exactly these applications, in any number and order.
fn these(names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    keys::sha256_hex(names.join("\n").as_bytes())
}

/// "app, two and 3 more".
fn named(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).copied().collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The same with its verb.
fn are(names: &[&str]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", named(names))
}

/// What all have, else not known.
fn shared(limits: &[Limit]) -> Limit {
    match limits {
        [first, rest @ ..] if rest.iter().all(|limit| limit == first) => *first,
        _ => Limit::Unknown,
    }
}

#[async_trait]
impl ReadPolicy for Keycloak {
    async fn read_policy(&self) -> Result<ReadLimits, ConnectorError> {
        let mut read = Vec::new();
        for realm in &self.realms {
            read.push((realm.name.as_str(), self.read_rules(realm).await?));
        }
        let idle: Vec<Limit> = read.iter().map(|(_, read)| read.idle()).collect();
        let life: Vec<Limit> = read.iter().map(|(_, read)| read.life()).collect();
        let places = match read.as_slice() {
            [_] => Vec::new(),
            all => all
                .iter()
                .map(|(realm, read)| PlaceLimit {
                    place: (*realm).to_owned(),
                    idle: read.idle(),
                    note: match read.life() {
                        Limit::Seconds(life) => {
                            format!("At longest {}", told_length(&life.to_string(), "seconds"))
                        }
                        Limit::None => "No longest life".to_owned(),
                        Limit::Unknown => String::new(),
                    },
                })
                .collect(),
        };
        Ok(ReadLimits {
            idle: shared(&idle),
            absolute: shared(&life),
            note: "Of single sign-on sessions of who is not remembered. Offline sessions have limits of their own, below."
                .to_owned(),
            places,
            kinds: Vec::new(),
            source: LimitsFrom::Read,
            settings: read.iter().flat_map(|(realm, read)| read.settings(realm)).collect(),
            advice: read.iter().flat_map(|(realm, read)| read.advice(realm)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(more: &str) -> RealmRules {
        let text = format!(
            r#"{{"ssoSessionIdleTimeout":1800,"ssoSessionMaxLifespan":36000,"accessTokenLifespan":300,
                "offlineSessionMaxLifespanEnabled":true,"offlineSessionMaxLifespan":5184000,"revokeRefreshToken":true{more}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn client(more: &str) -> ClientRules {
        let text = format!(
            r#"{{"clientId":"app","enabled":true,"standardFlowEnabled":true,"secret":"s3cret","protocol":"openid-connect"{more}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    const TOLD: &str = r#","attributes":{"backchannel.logout.url":"https://app.example/bcl"}"#;

    fn facts(rules: RealmRules, clients: Option<Vec<ClientRules>>) -> Vec<String> {
        let read = Read { rules, clients };
        read.advice("lab").into_iter().map(|advice| advice.fact).collect()
    }

    #[test]
    fn settings_in_order_call_for_nothing() {
        assert_eq!(
            facts(realm(""), Some(vec![client(TOLD)])),
            <[String; 0]>::default()
        );
    }

    #[test]
    fn each_rule_speaks_of_its_own_setting_alone() {
        let spoken = |rules: RealmRules, clients: Vec<ClientRules>, words: &str| {
            let facts = facts(rules, Some(clients));
            assert!(facts.len() == 1 && facts[0].contains(words), "{words}: {facts:?}");
        };
        let lasting: RealmRules = RealmRules {
            access_token_lifespan: Some(901),
            ..realm("")
        };
        spoken(lasting, vec![client(TOLD)], "accessTokenLifespan is 901 seconds");
        let endless = RealmRules {
            offline_session_max_lifespan_enabled: Some(false),
            ..realm("")
        };
        spoken(endless, vec![client(TOLD)], "offlineSessionMaxLifespanEnabled");
        let kept = RealmRules {
            revoke_refresh_token: Some(false),
            ..realm("")
        };
        let public = client(&format!(r#","publicClient":true{TOLD}"#));
        spoken(kept.clone(), vec![public], "revokeRefreshToken is false, and app");
        assert!(
            facts(kept, Some(vec![client(TOLD)])).is_empty(),
            "no public client"
        );
        spoken(realm(""), vec![client("")], "app is not told");
        let own = client(
            r#","attributes":{"backchannel.logout.url":"https://app.example/bcl","access.token.lifespan":"7200"}"#,
        );
        spoken(realm(""), vec![own], "access.token.lifespan of app");
    }

    #[test]
    fn what_is_not_seen_is_called_not_known_and_never_in_order() {
        let facts = facts(RealmRules::default(), None);
        assert!(facts.iter().any(|fact| fact.contains("not shown")), "{facts:?}");
        assert!(
            facts.iter().any(|fact| fact.contains("is not known")),
            "{facts:?}"
        );
        let read = Read {
            rules: RealmRules::default(),
            clients: None,
        };
        let settings = read.settings("lab");
        assert!(
            settings
                .iter()
                .all(|setting| setting.source == SettingSource::Unknown),
            "{settings:?}"
        );
        assert_eq!((read.idle(), read.life()), (Limit::Unknown, Limit::Unknown));
    }

    #[test]
    fn the_secret_of_a_client_is_not_taken_out_of_its_answer() {
        let read = Read {
            rules: realm(""),
            clients: Some(vec![client(TOLD)]),
        };
        assert!(!format!("{:?} {:?}", read.settings("lab"), read.clients).contains("s3cret"));
        let backchannel = read
            .settings("lab")
            .into_iter()
            .find(|s| s.name.starts_with("backchannel"));
        assert_eq!(
            backchannel.map(|setting| setting.value).as_deref(),
            Some("https://app.example/bcl")
        );
    }
}
