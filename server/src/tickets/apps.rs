//! The apps of the settings: made once from them, with what is wrong with each.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use app::wire::SystemId;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use regex::Regex;

use super::token::Keys;
use crate::config::{BrokerApp, BrokerRules, Config, SystemSettings};
use crate::connectors::Recipe;

/// An app that may ask.
pub struct App {
    /// As the settings say.
    pub settings: BrokerApp,
    /// The Tableau it may ask.
    pub system: SystemId,
    users: Option<Regex>,
    rate: DefaultDirectRateLimiter,
    /// What its tokens are checked with; `None` = they can't be, see `trouble`.
    pub keys: Option<Keys>,
    /// Changes when a key does.
    fingerprint: String,
    /// What is wrong with it; `None` = nothing.
    pub trouble: Option<String>,
}

/// Every app.
#[derive(Default)]
pub struct Apps {
    /// As the settings say.
    pub rules: BrokerRules,
    /// The broker's own address, without a slash at the end.
    pub broker_url: String,
    by_id: BTreeMap<String, Arc<App>>,
}

impl Apps {
    /// From the settings. An app whose entry did not change keeps its rate and what it fetched.
    pub fn of(config: &Config, before: &Apps) -> Self {
        let by_id = config
            .broker
            .apps
            .iter()
            .map(|settings| {
                let made = App::of(settings, config.systems.get(&settings.system));
                let kept = before.by_id.get(&settings.id).filter(|old| {
                    old.settings == *settings
                        && old.trouble == made.trouble
                        && old.fingerprint == made.fingerprint
                });
                (
                    settings.id.clone(),
                    kept.cloned().unwrap_or_else(|| Arc::new(made)),
                )
            })
            .collect();
        Self {
            rules: config.broker.clone(),
            broker_url: config.broker_url(),
            by_id,
        }
    }

    /// The app of that id.
    pub fn get(&self, id: &str) -> Option<&Arc<App>> {
        self.by_id.get(id)
    }

    /// Every app, by id.
    pub fn all(&self) -> impl Iterator<Item = &Arc<App>> {
        self.by_id.values()
    }

    /// One sentence per app that can't be used.
    pub fn problems(&self) -> Vec<String> {
        self.all()
            .filter_map(|app| {
                let trouble = app.trouble.as_ref()?;
                Some(format!("broker.apps {}: {trouble}", app.settings.id))
            })
            .collect()
    }

    /// Each app with what is wrong, its Tableau's part included.
    pub fn checked(&self, config: &Config) -> Vec<(String, Result<(), String>)> {
        self.all()
            .map(|app| {
                let found = match &app.trouble {
                    Some(trouble) => Err(trouble.clone()),
                    None => app.check_system(config.systems.get(app.system.as_str())),
                };
                (app.settings.id.clone(), found)
            })
            .collect()
    }
}

impl App {
    fn of(settings: &BrokerApp, system: Option<&SystemSettings>) -> Self {
        let per_minute = NonZeroU32::new(settings.per_minute).unwrap_or(NonZeroU32::MIN);
        let (users, mut trouble) = match settings.users() {
            Ok(users) => (users, None),
            Err(cause) => (None, Some(format!("{cause:#}"))),
        };
        let (keys, fingerprint) = match Keys::of(settings) {
            Ok((keys, fingerprint)) => (Some(keys), fingerprint),
            Err(words) => {
                trouble = Some(words);
                (None, String::new())
            }
        };
        if system.is_none() {
            trouble = Some(format!(
                "system: no system \"{}\" stands in the settings; name one of [systems.…]",
                settings.system
            ));
        }
        Self {
            settings: settings.clone(),
            system: SystemId::from(settings.system.as_str()),
            users,
            rate: RateLimiter::direct(Quota::per_minute(per_minute)),
            keys,
            fingerprint,
            trouble,
        }
    }

    /// One more request; the seconds to wait where there were too many.
    pub fn take(&self) -> Result<(), u32> {
        self.rate.check().map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            u32::try_from(wait.as_secs() + 1).unwrap_or(60)
        })
    }

    /// Whether it may ask for this site.
    pub fn may_site(&self, site: &str) -> bool {
        self.settings.sites.iter().any(|own| own == site)
    }

    /// Whether it may ask for this user.
    pub fn may_user(&self, user: &str) -> bool {
        self.users.as_ref().is_none_or(|users| users.is_match(user))
    }

    /// Whether its Tableau can give what it asks for; makes the connector, asks nothing.
    fn check_system(&self, system: Option<&SystemSettings>) -> Result<(), String> {
        let id = &self.system;
        let Some(settings) = system else {
            return Err(format!("system: no system \"{id}\" stands in the settings"));
        };
        let timeout = std::time::Duration::from_secs(5);
        let connector = crate::connectors::make(&Recipe { settings, timeout })
            .map_err(|cause| format!("systems.{id}: {cause:#}"))?;
        let Some(tickets) = connector.tickets() else {
            return Err(format!(
                "systems.{id}: it lets nobody in by tickets: add trusted or connected_app (kind tableau)"
            ));
        };
        let missing = self
            .settings
            .sites
            .iter()
            .find_map(|site| tickets.missing(self.settings.grant, site));
        match missing {
            Some(words) => Err(format!("systems.{id}: {words}")),
            None => Ok(()),
        }
    }
}
