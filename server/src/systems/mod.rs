//! Systems: which installations are connected, how they are reached, how far their rows can be trusted.
//!
//! The settings say what is connected; this room makes the connectors, puts the guard around them, and keeps in the
//! database what became of their readings. It reads no sessions and ends none: that is `sessions` and `endings`.
//! Start reading at [`Systems::apply_settings`].

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use app::audit::wire::AuditResult;
use app::policies::wire::Profile;
use app::systems::wire::Health;
use app::wire::{SystemId, Timestamp};
use tokio::sync::Notify;

use crate::audit::{Action, Audit, Entry};
use crate::changes::{self, topic};
use crate::clock::Clock;
use crate::config::{CollectRules, Config, SecretRef, SystemSettings};
use crate::connectors::guard::Guarded;
use crate::connectors::{ConnectorError, ErrorKind, Recipe, SharedConnector};
use crate::db::{Conn, Db};
use crate::domain::health::{Readings, Trust, health};
use crate::domain::policy::OWN_SYSTEM;
use crate::error::Error;
use crate::keys;

mod acts;
pub mod earlier;
pub mod few;
mod over_time;
mod page;
mod store;

/// Visible rows of a system are counted up to this number where the last reading's own number can't be shown.
const COUNT_UP_TO: u64 = 10_000;

/// A system that can be called.
pub struct Connected {
    /// Which.
    pub system_id: SystemId,
    /// Name as shown.
    pub name: String,
    /// Connector kind.
    pub kind: String,
    /// Our own imitation.
    pub simulated: bool,
    /// Everything that is asked of it goes through here.
    pub guard: Guarded,
    /// Seconds between readings.
    pub collect_every_s: i64,
    /// What its limits are measured by.
    pub profile: Profile,
    /// The identity server its people sign in by; `None` = nobody said so.
    pub signs_in_by: Option<SystemId>,
    timeout_ms: u64,
    pace_ms: u64,
    /// Over the settings and the secrets they name; in memory only.
    fingerprint: String,
}

/// What the limits of a system are measured by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its profile.
    pub profile: Profile,
    /// It ends sessions when asked.
    pub ends: bool,
    /// The identity server its people sign in by; `None` = nobody said so.
    pub signs_in_by: Option<SystemId>,
}

/// The room.
pub struct Systems {
    db: Db,
    clock: Arc<dyn Clock>,
    audit: Arc<Audit>,
    connected: RwLock<BTreeMap<SystemId, Arc<Connected>>>,
    rules: RwLock<CollectRules>,
    wake: Arc<Notify>,
    counted: few::Counted,
}

/// How a reading of a system went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassEnd {
    /// Read whole.
    Complete,
    /// Something was missing or may have been; the words say why.
    Partial(String),
    /// It failed.
    Failed(ConnectorError),
}

impl Systems {
    /// The room over its database; nothing is connected until [`Systems::apply_settings`].
    pub fn new(db: Db, clock: Arc<dyn Clock>, audit: Arc<Audit>) -> Self {
        Self {
            db,
            clock,
            audit,
            connected: RwLock::default(),
            rules: RwLock::default(),
            wake: Arc::new(Notify::new()),
            counted: few::Counted::default(),
        }
    }

    /// Notified when a system should be read before its time: wakes the collecting.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Connects what the settings name, and Curfew itself by `portal` if given.
    ///
    /// May be called again at any time: systems whose entry did not change keep their connection and their history of
    /// failures; one that left the settings turns off, its rows stay. A bad entry connects nothing, is shown as
    /// failed, and is told in the answer: one sentence per bad entry, "systems.<id>: …".
    pub async fn apply_settings(
        &self,
        config: &Config,
        portal: Option<SharedConnector>,
    ) -> Result<Vec<String>, Error> {
        let before = self.snapshot();
        let mut next = BTreeMap::new();
        let mut problems = Vec::new();
        let mut failed: Vec<(String, String)> = Vec::new();
        let mut entries: Vec<(String, SystemSettings)> = config
            .systems
            .iter()
            .map(|(id, s)| (id.clone(), s.clone()))
            .collect();
        if portal.is_some() {
            entries.push((OWN_SYSTEM.to_owned(), portal_settings(config)));
        }
        for (id, settings) in &entries {
            let system_id = SystemId::from(id.as_str());
            let timeout_ms = settings.timeout_ms.unwrap_or(config.collect.timeout_ms);
            let timeout = Duration::from_millis(timeout_ms.max(1));
            let fingerprint = fingerprint(settings, timeout_ms)?;
            let kept = before
                .get(&system_id)
                .filter(|old| old.fingerprint == fingerprint);
            let every_s = settings.collect_every_s.unwrap_or(config.collect.every_s).max(1);
            if let Some(old) = kept.filter(|old| old.collect_every_s == every_s) {
                next.insert(system_id, old.clone());
                continue;
            }
            let made = match &portal {
                Some(portal) if id == OWN_SYSTEM => Ok(portal.clone()),
                _ => crate::connectors::make(&Recipe { settings, timeout }),
            };
            match made {
                Ok(connector) => {
                    let guard = Guarded::new(system_id.clone(), connector, timeout, self.clock.clone());
                    let connected = Connected {
                        name: settings.name.clone().unwrap_or_else(|| id.clone()),
                        kind: settings.kind.clone(),
                        simulated: settings.simulated,
                        guard,
                        collect_every_s: every_s,
                        profile: settings.profile,
                        signs_in_by: settings.signs_in_by.as_deref().map(SystemId::from),
                        timeout_ms,
                        pace_ms: crate::connectors::pace_ms(settings),
                        fingerprint,
                        system_id: system_id.clone(),
                    };
                    next.insert(system_id, Arc::new(connected));
                }
                Err(cause) => {
                    let words = format!("Its settings can\u{2019}t be used: {cause:#}");
                    problems.push(format!("systems.{id}: {cause:#}"));
                    failed.push((id.clone(), words));
                }
            }
        }
        self.store_entries(&entries, &next, &failed).await?;
        *write(&self.connected) = next;
        *write(&self.rules) = config.collect.clone();
        self.wake.notify_one();
        Ok(problems)
    }

    async fn store_entries(
        &self,
        entries: &[(String, SystemSettings)],
        connected: &BTreeMap<SystemId, Arc<Connected>>,
        failed: &[(String, String)],
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        for (id, settings) in entries {
            let abilities = match connected.get(&SystemId::from(id.as_str())) {
                Some(c) => Some(serde_json::to_string(&c.guard.abilities())?),
                None => None,
            };
            let name = settings.name.clone().unwrap_or_else(|| id.clone());
            let system = SystemId::from(id.as_str());
            let way = keys::sha256_hex(&serde_json::to_vec(&(&settings.kind, &settings.own))?);
            let before = store::one(&mut conn, &system).await?;
            let entry = store::Entry {
                system_id: id,
                kind: &settings.kind,
                name: &name,
                settings_hash: &format!("{way}{}", keys::sha256_hex(&serde_json::to_vec(settings)?)),
                simulated: settings.simulated,
                abilities: abilities.as_deref(),
            };
            if store::upsert(&mut conn, &entry).await? {
                store::rename_in_sessions(&mut conn, id, &name.to_lowercase()).await?;
                // What a self-test proved was proved with what the connector was told then.
                let other_way = before.is_some_and(|row| !row.settings_hash.starts_with(&way));
                let unproven = other_way && store::forget_proofs(&mut conn, &system).await?;
                let entry = Entry::curfew(Action::SystemChanged)
                    .system(&system)
                    .target(if unproven {
                        format!("{name}: settings read; that ending works there has to be tested again")
                    } else {
                        format!("{name}: settings read")
                    });
                self.audit.append(&mut conn, &entry, now).await?;
            }
            match failed.iter().find(|(bad, _)| bad == id) {
                Some((_, words)) => store::settings_failed(&mut conn, id, now, words).await?,
                None => store::settings_mended(&mut conn, id).await?,
            }
        }
        let ids: Vec<String> = entries.iter().map(|(id, _)| id.clone()).collect();
        for gone in store::unconfigure_others(&mut conn, &ids).await? {
            let entry = Entry::curfew(Action::SystemChanged)
                .system(&SystemId::from(gone.as_str()))
                .target(format!("{gone}: left the settings; its rows stay"));
            self.audit.append(&mut conn, &entry, now).await?;
        }
        changes::bump(&mut conn, topic::SYSTEMS).await?;
        conn.commit().await
    }

    fn snapshot(&self) -> BTreeMap<SystemId, Arc<Connected>> {
        read(&self.connected).clone()
    }

    /// A system that can be called; `None` = not in the settings, or its settings can't be used.
    pub fn connected(&self, system: &SystemId) -> Option<Arc<Connected>> {
        read(&self.connected).get(system).cloned()
    }

    /// Every system that can be called, by id.
    pub fn all(&self) -> Vec<Arc<Connected>> {
        read(&self.connected).values().cloned().collect()
    }

    /// Live rows and start of the last complete reading of each configured system, for metrics.
    pub async fn numbers(&self) -> Result<Vec<(SystemId, i64, Option<Timestamp>)>, Error> {
        let mut conn = self.db.read().await?;
        let rows = store::all(&mut conn).await?;
        Ok(rows
            .into_iter()
            .filter(|row| row.configured != 0)
            .map(|row| {
                let read_at = row.last_complete_pass_started_at.map(Timestamp);
                (SystemId(row.system_id), row.last_rows.unwrap_or(0), read_at)
            })
            .collect())
    }

    /// Names of all systems that rows may belong to, those taken out of the settings included.
    pub async fn names(&self, conn: &mut Conn) -> Result<BTreeMap<SystemId, String>, Error> {
        let rows = store::all(conn).await?;
        Ok(rows
            .into_iter()
            .map(|row| (SystemId(row.system_id), row.name))
            .collect())
    }

    /// Connected systems whose next reading is due.
    pub async fn due(&self, now: Timestamp) -> Result<Vec<SystemId>, Error> {
        let mut conn = self.db.read().await?;
        let due = store::due(&mut conn, now).await?;
        let connected = read(&self.connected);
        Ok(due
            .into_iter()
            .map(SystemId)
            .filter(|id| connected.contains_key(id))
            .collect())
    }

    /// Keeps how a reading went, in the transaction of its last rows.
    pub async fn note_pass(
        &self,
        conn: &mut Conn,
        system: &Connected,
        started_at: Timestamp,
        end: &PassEnd,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let took_ms = now.since(started_at);
        let mut next = started_at
            .plus_seconds(system.collect_every_s)
            .max(now.plus_seconds(1));
        if !matches!(end, PassEnd::Failed(_)) {
            let build = system.guard.build();
            store::note_build(conn, &system.system_id, build.as_deref()).await?;
        }
        match end {
            PassEnd::Complete => {
                store::pass_complete(conn, &system.system_id, started_at, took_ms, next).await?;
                store::keep_sample(conn, &system.system_id, started_at).await?;
            }
            PassEnd::Partial(why) => {
                let trouble = ("partial", why.as_str());
                store::pass_failed(conn, &system.system_id, started_at, took_ms, next, trouble).await?;
            }
            PassEnd::Failed(error) => {
                next = next.max(system.guard.rests_until().unwrap_or(next));
                if let Some(rest) = error.retry_after_s {
                    next = next.max(now.plus_seconds(i64::from(rest)));
                }
                let trouble = (error.kind.name(), error.message.as_str());
                store::pass_failed(conn, &system.system_id, started_at, took_ms, next, trouble).await?;
            }
        }
        self.note_health(conn, &system.system_id, now).await?;
        changes::bump(conn, topic::SYSTEMS).await
    }

    /// Audits a change of health, once however many processes see it.
    async fn note_health(&self, conn: &mut Conn, system: &SystemId, now: Timestamp) -> Result<(), Error> {
        let Some(row) = store::one(conn, system).await? else {
            return Ok(());
        };
        let health = word(self.health_of(&row, now));
        if !store::note_health(conn, system, health).await? {
            return Ok(());
        }
        let mut entry = Entry::curfew(Action::SystemHealth)
            .system(system)
            .target(format!("{} is {health}", row.name))
            .fact("health", health);
        if let Some(before) = &row.noted_health {
            entry = entry.fact("before", before.as_str());
        }
        if let Some(kind) = &row.last_error_kind {
            entry = entry.fact("trouble", kind.as_str()).result(AuditResult::Failed);
        }
        self.audit.append(conn, &entry, now).await?;
        Ok(())
    }

    fn health_of(&self, row: &store::Row, now: Timestamp) -> Health {
        let rules = read(&self.rules).clone();
        let every_s = self
            .connected(&SystemId::from(row.system_id.as_str()))
            .map_or(rules.every_s, |c| c.collect_every_s);
        let refused = matches!(
            row.last_error_kind.as_deref(),
            Some("unauthorized" | "forbidden" | "settings" | "unsupported")
        );
        let readings = Readings {
            configured: row.configured == 1,
            paused: row.paused_at.is_some(),
            complete_at: row.last_complete_pass_started_at.map(Timestamp),
            refused,
            unreachable: row.last_error_kind.as_deref() == Some(ErrorKind::Unreachable.name()),
            failing_since: row.last_error_at.map(Timestamp),
        };
        let trust = Trust {
            every_s,
            stale_rounds: rules.stale_rounds,
            failed_after_s: rules.failed_after_s,
        };
        health(&readings, trust, now)
    }

    /// How far the rows of each system can be trusted now, for whoever shows rows.
    pub async fn healths(
        &self,
        conn: &mut Conn,
        now: Timestamp,
    ) -> Result<BTreeMap<SystemId, Health>, Error> {
        let rows = store::all(conn).await?;
        Ok(rows
            .into_iter()
            .map(|row| (SystemId::from(row.system_id.as_str()), self.health_of(&row, now)))
            .collect())
    }

    /// When ending was last proven to work in each system; not in it are those never proven, and those whose build
    /// changed since where that matters.
    pub async fn proven(&self, conn: &mut Conn) -> Result<BTreeMap<SystemId, Timestamp>, Error> {
        let rows = store::all(conn).await?;
        Ok(rows
            .into_iter()
            .filter(|row| page::unproven(row).is_none())
            .filter_map(|row| Some((SystemId(row.system_id), Timestamp(row.proven_at?))))
            .collect())
    }

    /// What a person should know before they end sessions there; empty = nothing.
    pub fn before_you_end(&self, system: &SystemId) -> String {
        self.connected(system)
            .map_or_else(String::new, |c| c.guard.effect().before_you_end)
    }

    /// What the limits of a system are measured by; `None` = not connected.
    pub fn measure(&self, system: &SystemId) -> Option<Measure> {
        let connected = self.connected(system)?;
        let able = connected.guard.abilities();
        Some(Measure {
            profile: connected.profile,
            ends: able.end || able.end_all_of,
            signs_in_by: connected.signs_in_by.clone(),
        })
    }
}

/// Curfew's own entry: always there, read often because it costs nothing.
fn portal_settings(config: &Config) -> SystemSettings {
    SystemSettings {
        kind: "portal".to_owned(),
        name: Some("Curfew".to_owned()),
        simulated: false,
        collect_every_s: Some(config.collect.every_s.min(10)),
        timeout_ms: None,
        pace_ms: Some(0),
        connections: 4,
        profile: Profile::default(),
        signs_in_by: None,
        own: toml::Table::new(),
    }
}

/// Changes when the entry, or a secret it names, changes.
fn fingerprint(settings: &SystemSettings, timeout_ms: u64) -> Result<String, Error> {
    let mut bytes = serde_json::to_vec(settings)?;
    bytes.extend(timeout_ms.to_be_bytes());
    for value in settings.own.values() {
        add_secrets(value, &mut bytes);
    }
    Ok(keys::sha256_hex(&bytes))
}

/// Adds what the references to secrets in a value, however deep, lead to now.
fn add_secrets(value: &toml::Value, bytes: &mut Vec<u8>) {
    match value {
        toml::Value::String(text) => {
            let named = SecretRef::try_from(text.clone()).ok();
            if let Some(Ok(secret)) = named.map(|reference| reference.read()) {
                bytes.extend(secrecy::ExposeSecret::expose_secret(&secret).as_bytes());
            }
        }
        toml::Value::Table(table) => table.values().for_each(|value| add_secrets(value, bytes)),
        toml::Value::Array(values) => values.iter().for_each(|value| add_secrets(value, bytes)),
        _ => {}
    }
}

const fn word(health: Health) -> &'static str {
    match health {
        Health::Live => "live",
        Health::Stale => "stale",
        Health::Failed => "failed",
        Health::Off => "off",
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
impl Systems {
    /// Connects a system by a connector of the test's own, beside those of the settings.
    pub(crate) async fn connect_for_test(&self, id: &str, connector: SharedConnector) -> Result<(), Error> {
        let system_id = SystemId::from(id);
        let timeout = Duration::from_secs(5);
        let guard = Guarded::new(system_id.clone(), connector, timeout, self.clock.clone());
        let entry = store::Entry {
            system_id: id,
            kind: "test",
            name: id,
            settings_hash: "",
            simulated: true,
            abilities: Some(&serde_json::to_string(&guard.abilities())?),
        };
        let mut conn = self.db.write().await?;
        store::upsert(&mut conn, &entry).await?;
        conn.commit().await?;
        let connected = Connected {
            name: id.to_owned(),
            kind: "test".to_owned(),
            simulated: true,
            guard,
            collect_every_s: 30,
            profile: Profile::default(),
            signs_in_by: None,
            timeout_ms: 5_000,
            pace_ms: 0,
            fingerprint: String::new(),
            system_id: system_id.clone(),
        };
        write(&self.connected).insert(system_id, Arc::new(connected));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
