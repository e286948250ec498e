//! Names of the people whose sessions are listed: Domo's list has only their ids.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A name is asked for again after so long: a list is read every half minute, and names hardly change.
const FRESH: Duration = Duration::from_secs(600);

/// What Domo says of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    /// Empty = none.
    pub name: String,
    pub email: Option<String>,
    /// False = deactivated.
    pub active: bool,
}

/// What is known of an id.
struct Known {
    /// `None` = Domo does not know such a user.
    user: Option<User>,
    asked_at: Instant,
}

/// Everybody who was named so far.
#[derive(Default)]
pub(super) struct Names(Mutex<HashMap<String, Known>>);

impl Names {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of them, however old.
    pub(super) fn get(&self, id: &str) -> Option<User> {
        self.known().get(id).and_then(|known| known.user.clone())
    }

    /// True when it need not be asked for: it was lately, or it is no id that a users endpoint could know.
    pub(super) fn is_fresh(&self, id: &str) -> bool {
        let no_id = id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit());
        no_id
            || self
                .known()
                .get(id)
                .is_some_and(|known| known.asked_at.elapsed() < FRESH)
    }

    /// Keeps what Domo said of `asked`.
    pub(super) fn keep(&self, asked: &[String], mut users: HashMap<String, User>) {
        let asked_at = Instant::now();
        let mut known = self.known();
        for id in asked {
            let user = users.remove(id);
            known.insert(id.clone(), Known { user, asked_at });
        }
    }

    /// Forgets everybody but these.
    pub(super) fn retain(&self, ids: &HashSet<&str>) {
        self.known().retain(|id, _| ids.contains(id.as_str()));
    }
}
