//! People whose sessions are listed: rows have only user names.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use serde::Deserialize;
use tokio::time::Instant;

use super::api::Api;
use crate::connectors::ConnectorError;

/// A person is asked for again after so long.
const FRESH: Duration = Duration::from_secs(3_600);
/// The same for who has an offline session: their not-before says whether it still counts.
const FRESH_OFFLINE: Duration = Duration::from_secs(60);
/// Most people asked for within one list, one call each: a big realm is known after some lists.
const MOST_A_LIST: usize = 500;
/// Disabled people asked for at once, and how often.
const DISABLED_PAGE: usize = 1_000;
const DISABLED_PAGES: usize = 20;

/// What Keycloak says of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// Empty = none.
    pub name: String,
    pub email: Option<String>,
    pub enabled: bool,
    /// Tokens from before are refused, seconds since 1970; 0 = none are.
    pub not_before: i64,
}

impl Default for Person {
    fn default() -> Self {
        Self {
            name: String::new(),
            email: None,
            enabled: true,
            not_before: 0,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    not_before: i64,
}

const fn yes() -> bool {
    true
}

impl User {
    fn person(self) -> Person {
        let parts = [self.first_name, self.last_name];
        let parts: Vec<String> = parts
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        Person {
            name: parts.join(" "),
            email: self.email.filter(|email| !email.is_empty()),
            enabled: self.enabled,
            not_before: self.not_before,
        }
    }
}

struct Known {
    person: Option<Person>,
    asked_at: Instant,
}

/// Everybody of one realm who was asked for so far, and who is disabled.
#[derive(Default)]
pub(super) struct People {
    known: Mutex<HashMap<String, Known>>,
    disabled: Mutex<HashSet<String>>,
}

/// How much may still be asked within one list.
pub(super) struct Budget {
    left: usize,
    /// Why nobody is asked for any more.
    pub failed: Option<String>,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self {
            left: MOST_A_LIST,
            failed: None,
        }
    }
}

impl People {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disabled(&self) -> MutexGuard<'_, HashSet<String>> {
        self.disabled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of somebody; whether they are disabled is from the newest list.
    pub(super) fn get(&self, id: &str) -> Option<Person> {
        let disabled = self.disabled().contains(id);
        let known = self.known().get(id).and_then(|known| known.person.clone());
        match known {
            Some(person) => Some(Person {
                enabled: !disabled,
                ..person
            }),
            None => disabled.then(|| Person {
                enabled: false,
                ..Person::default()
            }),
        }
    }

    fn is_fresh(&self, id: &str, offline: bool) -> bool {
        let fresh = if offline { FRESH_OFFLINE } else { FRESH };
        self.known()
            .get(id)
            .is_some_and(|known| known.asked_at.elapsed() < fresh)
    }

    /// Asks who is disabled.
    pub(super) async fn read_disabled(&self, api: &Api) -> Result<(), ConnectorError> {
        let mut all = HashSet::new();
        let max = DISABLED_PAGE.to_string();
        for page in 0..DISABLED_PAGES {
            let first = (page * DISABLED_PAGE).to_string();
            let query = [
                ("enabled", "false"),
                ("briefRepresentation", "true"),
                ("first", first.as_str()),
                ("max", max.as_str()),
            ];
            let users: Vec<User> = api.get("find users", &["users"], &query).await?;
            let count = users.len();
            all.extend(users.into_iter().map(|user| user.id));
            if count < DISABLED_PAGE {
                break;
            }
        }
        *self.disabled() = all;
        Ok(())
    }

    /// Asks for who is not known yet, as far as the budget goes. `offline` = they have an offline session.
    pub(super) async fn read(
        &self,
        api: &Api,
        ids: impl Iterator<Item = (String, bool)>,
        at_once: usize,
        budget: &mut Budget,
    ) {
        if budget.failed.is_some() {
            return;
        }
        let mut met = HashSet::new();
        let ids = ids.filter(|(id, offline)| !id.is_empty() && !self.is_fresh(id, *offline));
        let ids: Vec<String> = ids
            .filter(|(id, _)| met.insert(id.clone()))
            .map(|(id, _)| id)
            .take(budget.left)
            .collect();
        budget.left -= ids.len();
        let asks = ids.into_iter().map(|id| async move {
            let user: Result<Option<User>, _> = api
                .read("user", &["users", &id], &[], Some("User not found"))
                .await;
            (id, user)
        });
        let mut asks = stream::iter(asks).buffer_unordered(at_once.max(1));
        while let Some((id, user)) = asks.next().await {
            match user {
                Ok(user) => {
                    let known = Known {
                        person: user.map(User::person),
                        asked_at: Instant::now(),
                    };
                    self.known().insert(id, known);
                }
                Err(error) => {
                    budget.failed = Some(error.message);
                    return;
                }
            }
        }
    }

    /// Forgets everybody but these.
    pub(super) fn retain(&self, ids: &HashSet<String>) {
        self.known().retain(|id, _| ids.contains(id));
    }
}
