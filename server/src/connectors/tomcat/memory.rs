//! What is known of sessions met before, so that a reading asks only what can have changed.
//!
//! Raw ids are not kept: an entry's name is a hash with numbers of this process. What a session's id is for stays with
//! its manager.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use app::wire::{Limit, Timestamp};

use super::person::{Person, Reading};
use crate::connectors::Handle;

/// How long a person that was read is believed without being read again: an app may let somebody else sign in under
/// the same id.
const PERSON_FOR: Duration = Duration::from_secs(300);
/// How long a list counts as "now" for what is about to be ended.
const LISTED_FOR: Duration = Duration::from_secs(3);

/// Name of a session in this memory.
pub(super) type Name = u128;

/// What is known of one session.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub created_at: Option<Timestamp>,
    pub last_active_at: Option<Timestamp>,
    pub reading: Reading,
    /// Its own idle limit; `None` = nobody told, the app's counts.
    pub idle: Option<Limit>,
    /// When the person was read.
    pub read_at: Instant,
    /// Asked to end since the last list: whether it is still there must be asked.
    pub asked: bool,
}

impl Known {
    /// A session of which nothing is known yet.
    pub fn nothing() -> Self {
        Self {
            created_at: None,
            last_active_at: None,
            reading: Reading::default(),
            idle: None,
            read_at: Instant::now(),
            asked: false,
        }
    }

    /// Whether its person is to be read again for the list; `nobody_too` = where nobody is known, in every list.
    pub fn fades(&self, nobody_too: bool) -> bool {
        let nobody = !matches!(self.reading.person, Person::Known { .. });
        self.read_at.elapsed() >= PERSON_FOR || nobody_too && nobody
    }
}

/// Sessions of one manager.
#[derive(Default)]
struct Place {
    known: HashMap<Name, Known>,
    /// Attributes that ever told anything here, by their place in the settings.
    telling: HashSet<usize>,
    listed_at: Option<Instant>,
    /// The manager gives moments as text only.
    text_dates: bool,
}

/// All managers of a node, by the name of their MBean.
pub(super) struct Memory {
    hashers: Hashers,
    places: Mutex<HashMap<String, Place>>,
}

/// What names are made with; nodes of one system share it, so that a session has one name on all of them.
pub(super) type Hashers = [RandomState; 2];

impl Memory {
    /// An empty one.
    pub fn new(hashers: &Hashers) -> Self {
        Self {
            hashers: hashers.clone(),
            places: Mutex::default(),
        }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<String, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at, or changes, what is known of a manager.
    fn of<T>(&self, bean: &str, work: impl FnOnce(&mut Place) -> T) -> T {
        work(self.places().entry(bean.to_owned()).or_default())
    }

    /// The name of a session.
    pub fn name(&self, id: &Handle) -> Name {
        let [high, low] = &self.hashers;
        u128::from(high.hash_one(id.expose())) << 64 | u128::from(low.hash_one(id.expose()))
    }

    /// What is known of these, in their order.
    pub fn recall(&self, bean: &str, names: &[Name]) -> Vec<Option<Known>> {
        self.of(bean, |place| {
            names.iter().map(|name| place.known.get(name).cloned()).collect()
        })
    }

    /// Whether the person of any of these is to be read.
    pub fn fades(&self, bean: &str, names: &HashSet<Name>, nobody_too: bool) -> bool {
        self.of(bean, |place| {
            let fades = |name| place.known.get(name).is_none_or(|known| known.fades(nobody_too));
            names.iter().any(fades)
        })
    }

    /// Keeps what was read.
    pub fn keep(&self, bean: &str, read: impl IntoIterator<Item = (Name, Known)>) {
        self.of(bean, |place| place.known.extend(read));
    }

    /// A list of the manager is whole: what is not in it is forgotten.
    pub fn listed(&self, bean: &str, names: &HashSet<Name>) {
        self.of(bean, |place| {
            place.known.retain(|name, _| names.contains(name));
            if place.known.capacity() > 4 * place.known.len() + 1_000 {
                place.known.shrink_to_fit();
            }
            for known in place.known.values_mut() {
                known.asked = false;
            }
            place.listed_at = Some(Instant::now());
        });
    }

    /// Managers that are there; the others are forgotten.
    pub fn managers(&self, beans: &HashSet<&str>) {
        self.places().retain(|bean, _| beans.contains(bean.as_str()));
    }

    /// Which of these a list has just met and nobody was asked to end since.
    pub fn just_listed(&self, bean: &str, names: &[Name]) -> Vec<bool> {
        self.of(bean, |place| {
            let fresh = place.listed_at.is_some_and(|at| at.elapsed() < LISTED_FOR);
            names
                .iter()
                .map(|name| fresh && place.known.get(name).is_some_and(|known| !known.asked))
                .collect()
        })
    }

    /// These are about to be ended.
    pub fn asked(&self, bean: &str, names: &[Name]) {
        self.of(bean, |place| {
            for name in names {
                if let Some(known) = place.known.get_mut(name) {
                    known.asked = true;
                }
            }
        });
    }

    /// Attributes that told something in this manager.
    pub fn telling(&self, bean: &str) -> HashSet<usize> {
        self.places()
            .get(bean)
            .map(|p| p.telling.clone())
            .unwrap_or_default()
    }

    /// Notes that an attribute told something.
    pub fn tells(&self, bean: &str, source: usize) {
        self.of(bean, |place| place.telling.insert(source));
    }

    /// Whether a manager gives moments as text only.
    pub fn text_dates(&self, bean: &str) -> bool {
        self.places().get(bean).is_some_and(|p| p.text_dates)
    }

    /// Notes that it does.
    pub fn gives_text_dates(&self, bean: &str) {
        self.of(bean, |place| place.text_dates = true);
    }
}
