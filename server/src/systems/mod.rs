//! Systems: which installations are connected, how they are reached, how far their rows can be trusted.
//!
//! The settings say what is connected; this room makes the connectors, puts the guard around them, and keeps in the
//! database what became of their readings. It reads no sessions and ends none: that is `sessions` and `endings`.
//! Start reading at [`Systems::apply_settings`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use app::access::wire::Permission;
use app::audit::wire::AuditResult;
use app::error::AppError;
use app::systems::port::SystemsPort;
use app::systems::wire::{
    Abilities, Health, SelfTestReport, StepResult, SystemBrief, SystemDetail, SystemsPage,
};
use app::wire::{Count, Done, SystemId, Timestamp};
use async_trait::async_trait;
use tokio::sync::Notify;

use crate::audit::{Action, Audit, Entry};
use crate::caller::{Caller, For, Permit};
use crate::changes::{self, topic};
use crate::clock::Clock;
use crate::config::{CollectRules, Config, SecretRef, SystemSettings};
use crate::connectors::guard::Guarded;
use crate::connectors::{ConnectorError, ErrorKind, Recipe, SharedConnector};
use crate::db::{Conn, Db};
use crate::domain::grant::About;
use crate::domain::health::{Readings, Trust, health};
use crate::domain::policy::OWN_SYSTEM;
use crate::error::Error;
use crate::keys;

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
    timeout_ms: u64,
    pace_ms: u64,
    /// Over the settings and the secrets they name; in memory only.
    fingerprint: String,
}

/// The room.
pub struct Systems {
    db: Db,
    clock: Arc<dyn Clock>,
    audit: Arc<Audit>,
    connected: RwLock<BTreeMap<SystemId, Arc<Connected>>>,
    rules: RwLock<CollectRules>,
    /// Health as last noted in the audit, by this process.
    noted: Mutex<BTreeMap<SystemId, Health>>,
    wake: Arc<Notify>,
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
            noted: Mutex::default(),
            wake: Arc::new(Notify::new()),
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
                        timeout_ms,
                        pace_ms: settings.pace_ms,
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
            let entry = store::Entry {
                system_id: id,
                kind: &settings.kind,
                name: &name,
                settings_hash: &keys::sha256_hex(&serde_json::to_vec(settings)?),
                simulated: settings.simulated,
                abilities: abilities.as_deref(),
            };
            if store::upsert(&mut conn, &entry).await? {
                store::rename_in_sessions(&mut conn, id, &name.to_lowercase()).await?;
                let entry = Entry::curfew(Action::SystemChanged)
                    .system(&SystemId::from(id.as_str()))
                    .target(format!("{name}: settings read"));
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
        match end {
            PassEnd::Complete => {
                store::pass_complete(conn, &system.system_id, started_at, took_ms, next).await?;
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

    /// Audits a change of health, as this process knew it.
    async fn note_health(&self, conn: &mut Conn, system: &SystemId, now: Timestamp) -> Result<(), Error> {
        let Some(row) = store::one(conn, system).await? else {
            return Ok(());
        };
        let health = self.health_of(&row, now);
        let before = {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.insert(system.clone(), health)
        };
        // What was healthy before this process began need not be told again.
        let news = before.map_or(health != Health::Live, |before| before != health);
        if news {
            let mut entry = Entry::curfew(Action::SystemHealth)
                .system(system)
                .target(format!("{} is {}", row.name, word(health)))
                .fact("health", word(health));
            if let Some(before) = before {
                entry = entry.fact("before", word(before));
            }
            if let Some(kind) = &row.last_error_kind {
                entry = entry.fact("trouble", kind.as_str()).result(AuditResult::Failed);
            }
            self.audit.append(conn, &entry, now).await?;
        }
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

    /// The systems the caller may know, by name, with the number of live rows they may see there.
    ///
    /// Who sees a whole system gets the number of its last complete reading; others a count over their own scope.
    pub async fn briefs(&self, conn: &mut Conn, caller: &Caller) -> Result<Vec<SystemBrief>, Error> {
        let rows = self.visible_rows(conn, caller).await?;
        let mut briefs = Vec::with_capacity(rows.len());
        for row in &rows {
            briefs.push(self.brief(conn, caller, row).await?);
        }
        Ok(briefs)
    }

    async fn visible_rows(&self, conn: &mut Conn, caller: &Caller) -> Result<Vec<store::Row>, Error> {
        let scope = caller.visible(Permission::SeeSessions, self.clock.now());
        let mut rows = store::all(conn).await?;
        rows.retain(|row| scope.touches_system(&SystemId::from(row.system_id.as_str())));
        Ok(rows)
    }

    async fn brief(&self, conn: &mut Conn, caller: &Caller, row: &store::Row) -> Result<SystemBrief, Error> {
        let now = self.clock.now();
        let system_id = SystemId::from(row.system_id.as_str());
        let scope = caller.visible(Permission::SeeSessions, now);
        let count = match row.last_rows {
            Some(rows) if scope.covers_system(&system_id) => Count::Exactly(u64::try_from(rows).unwrap_or(0)),
            _ => {
                let found = store::count_live(conn, &row.system_id, &scope, COUNT_UP_TO + 1).await?;
                if found > COUNT_UP_TO {
                    Count::MoreThan(COUNT_UP_TO)
                } else {
                    Count::Exactly(found)
                }
            }
        };
        let waits = row.last_error.is_some() && row.configured == 1 && row.paused_at.is_none();
        Ok(SystemBrief {
            name: row.name.clone(),
            kind: row.kind.clone(),
            simulated: row.simulated == 1,
            health: self.health_of(row, now),
            read_at: row.last_complete_pass_started_at.map(Timestamp),
            count,
            trouble: row.last_error.clone(),
            trouble_since: row.last_error.as_ref().and(row.last_error_at).map(Timestamp),
            next_try_at: waits.then(|| Timestamp(row.next_pass_at).max(now)),
            system_id,
        })
    }

    async fn detail(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        row: &store::Row,
    ) -> Result<SystemDetail, Error> {
        let brief = self.brief(conn, caller, row).await?;
        let connected = self.connected(&brief.system_id);
        let abilities = match &connected {
            Some(c) => c.guard.abilities(),
            None => serde_json::from_str(&row.abilities).unwrap_or_default(),
        };
        let (about, not_listed) = match &connected {
            Some(c) => {
                let effect = c.guard.effect();
                let not_listed = effect.not_listed.clone();
                (about(&effect, abilities), not_listed)
            }
            None => (Vec::new(), Vec::new()),
        };
        let rules = read(&self.rules).clone();
        let self_test = row
            .self_test
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        Ok(SystemDetail {
            abilities,
            took_ms: row.last_pass_took_ms,
            collect_every_s: connected.as_ref().map_or(rules.every_s, |c| c.collect_every_s),
            timeout_ms: whole(connected.as_ref().map_or(rules.timeout_ms, |c| c.timeout_ms)),
            pace_ms: whole(connected.as_ref().map_or(0, |c| c.pace_ms)),
            failures: u64::try_from(row.failures).unwrap_or(0),
            paused_at: row.paused_at.map(Timestamp),
            paused_by: row.paused_at.and(row.paused_by_name.clone()),
            proven_at: row.proven_at.map(Timestamp),
            proven_build: row.proven_build.clone().filter(|build| !build.is_empty()),
            self_test,
            about,
            not_listed,
            brief,
        })
    }

    /// When ending was last proven to work in each system; systems never proven are not in it.
    pub async fn proven(&self, conn: &mut Conn) -> Result<BTreeMap<SystemId, Timestamp>, Error> {
        let rows = store::all(conn).await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| Some((SystemId(row.system_id), Timestamp(row.proven_at?))))
            .collect())
    }

    /// What a person should know before they end sessions there; empty = nothing.
    pub fn before_you_end(&self, system: &SystemId) -> String {
        self.connected(system)
            .map_or_else(String::new, |c| c.guard.effect().before_you_end)
    }

    async fn read_now(&self, caller: &Caller, permit: &Permit, row: &store::Row) -> Result<Done, Error> {
        let system_id = SystemId::from(row.system_id.as_str());
        if let Some(connected) = self.connected(&system_id) {
            connected.guard.try_again();
        }
        let mut conn = self.db.write().await?;
        if !store::read_now(&mut conn, &system_id).await? {
            return Err(conflict(format!(
                "{} is not being read: it is paused or left the settings.",
                row.name
            )));
        }
        self.note_change(&mut conn, caller, permit, row, "read now")
            .await?;
        conn.commit().await?;
        self.wake.notify_one();
        Ok(done(format!("{} is read as soon as a worker is free.", row.name)))
    }

    async fn pause(
        &self,
        caller: &Caller,
        permit: &Permit,
        row: &store::Row,
        pause: bool,
    ) -> Result<Done, Error> {
        let system_id = SystemId::from(row.system_id.as_str());
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        let at = pause.then_some((now, caller.id.as_str()));
        if !store::pause(&mut conn, &system_id, at).await? {
            let words = if pause {
                "is paused already"
            } else {
                "is not paused"
            };
            return Err(conflict(format!("{} {words}.", row.name)));
        }
        self.note_change(
            &mut conn,
            caller,
            permit,
            row,
            if pause { "paused" } else { "resumed" },
        )
        .await?;
        self.note_health(&mut conn, &system_id, now).await?;
        conn.commit().await?;
        self.wake.notify_one();
        Ok(done(if pause {
            format!(
                "{} is paused: it is not read, and its rows stay as they were.",
                row.name
            )
        } else {
            format!("{} is read again.", row.name)
        }))
    }

    async fn self_test(
        &self,
        caller: &Caller,
        permit: &Permit,
        row: &store::Row,
    ) -> Result<SelfTestReport, Error> {
        let system_id = SystemId::from(row.system_id.as_str());
        let Some(connected) = self.connected(&system_id) else {
            return Err(conflict(format!("{} is not connected.", row.name)));
        };
        let began = self.clock.now();
        let (report, build) = match connected.guard.self_test().await {
            Ok((report, proof)) => (report, proof.build),
            Err(error) if error.kind == ErrorKind::Unsupported => return Err(conflict(error.message)),
            Err(error) => (could_not_test(began, self.clock.now(), error), String::new()),
        };
        let proven =
            !report.steps.is_empty() && report.steps.iter().all(|step| step.result == StepResult::Passed);
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        let text = serde_json::to_string(&report)?;
        store::keep_self_test(
            &mut conn,
            &system_id,
            &text,
            proven.then_some((now, build.as_str())),
        )
        .await?;
        let entry = Entry::by(caller, Action::SystemChanged)
            .system(&system_id)
            .target(format!("{}: self-test", row.name))
            .permission(permit.permission())
            .result(if proven {
                AuditResult::Ok
            } else {
                AuditResult::Failed
            })
            .took(report.took_ms)
            .fact("proven", proven)
            .fact("build", build);
        self.audit.append(&mut conn, &entry, now).await?;
        store::read_now(&mut conn, &system_id).await?;
        changes::bump(&mut conn, topic::SYSTEMS).await?;
        conn.commit().await?;
        self.wake.notify_one();
        Ok(report)
    }

    async fn note_change(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        permit: &Permit,
        row: &store::Row,
        what: &str,
    ) -> Result<(), Error> {
        let entry = Entry::by(caller, Action::SystemChanged)
            .system(&SystemId::from(row.system_id.as_str()))
            .target(format!("{}: {what}", row.name))
            .permission(permit.permission());
        self.audit.append(conn, &entry, self.clock.now()).await?;
        changes::bump(conn, topic::SYSTEMS).await
    }

    /// The system and the permit to manage it. What the caller may not know is not found; what they may not do is
    /// refused, and that is audited.
    async fn manage(&self, caller: &Caller, system: &SystemId) -> Result<(store::Row, Permit), Error> {
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let visible = caller
            .visible(Permission::SeeSessions, now)
            .touches_system(system)
            || caller
                .visible(Permission::ManageSystems, now)
                .touches_system(system);
        let row = store::one(&mut conn, system).await?.filter(|_| visible);
        drop(conn);
        let row = row.ok_or_else(|| AppError::not_found("system"))?;
        match caller.authorize(Permission::ManageSystems, About::system(system), now) {
            Ok(permit) => Ok((row, permit)),
            Err(refused) => {
                let entry = Entry::by(caller, Action::AuthzFail)
                    .system(system)
                    .target(row.name)
                    .permission(Permission::ManageSystems)
                    .result(AuditResult::Refused);
                self.audit.note(&entry).await?;
                Err(refused.into())
            }
        }
    }
}

#[async_trait]
impl SystemsPort for For<Systems> {
    async fn systems_page(&self) -> Result<SystemsPage, AppError> {
        let page = async {
            let now = self.room.clock.now();
            let mut conn = self.room.db.read().await?;
            let manage = self.caller.visible(Permission::ManageSystems, now);
            let mut page = SystemsPage {
                now,
                systems: Vec::new(),
                may_manage: Vec::new(),
            };
            for row in self.room.visible_rows(&mut conn, &self.caller).await? {
                let detail = self.room.detail(&mut conn, &self.caller, &row).await?;
                if manage.covers_system(&detail.brief.system_id) {
                    page.may_manage.push(detail.brief.system_id.clone());
                }
                page.systems.push(detail);
            }
            Ok::<_, Error>(page)
        };
        Ok(page.await?)
    }

    async fn read_now(&self, system: SystemId) -> Result<Done, AppError> {
        let (row, permit) = self.room.manage(&self.caller, &system).await?;
        Ok(self.room.read_now(&self.caller, &permit, &row).await?)
    }

    async fn pause_system(&self, system: SystemId) -> Result<Done, AppError> {
        let (row, permit) = self.room.manage(&self.caller, &system).await?;
        Ok(self.room.pause(&self.caller, &permit, &row, true).await?)
    }

    async fn resume_system(&self, system: SystemId) -> Result<Done, AppError> {
        let (row, permit) = self.room.manage(&self.caller, &system).await?;
        Ok(self.room.pause(&self.caller, &permit, &row, false).await?)
    }

    async fn self_test(&self, system: SystemId) -> Result<SelfTestReport, AppError> {
        let (row, permit) = self.room.manage(&self.caller, &system).await?;
        Ok(self.room.self_test(&self.caller, &permit, &row).await?)
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
        pace_ms: 0,
        connections: 4,
        own: toml::Table::new(),
    }
}

/// Changes when the entry, or a secret it names, changes.
fn fingerprint(settings: &SystemSettings, timeout_ms: u64) -> Result<String, Error> {
    let mut bytes = serde_json::to_vec(settings)?;
    bytes.extend(timeout_ms.to_be_bytes());
    for value in settings.own.values() {
        let named = value
            .as_str()
            .and_then(|text| SecretRef::try_from(text.to_owned()).ok());
        if let Some(Ok(secret)) = named.map(|reference| reference.read()) {
            bytes.extend(secrecy::ExposeSecret::expose_secret(&secret).as_bytes());
        }
    }
    Ok(keys::sha256_hex(&bytes))
}

/// What ending does in a system, in plain sentences.
fn about(effect: &crate::connectors::EndEffect, abilities: Abilities) -> Vec<String> {
    let mut sentences = Vec::new();
    if abilities.end {
        sentences.push(format!(
            "Ending takes effect: {}.",
            lower_first(&effect.takes_effect)
        ));
    } else {
        sentences.push("Sessions can\u{2019}t be ended here one by one.".to_owned());
    }
    if !effect.survives.is_empty() {
        sentences.push(format!(
            "What still works after: {}.",
            effect.survives.trim_end_matches('.')
        ));
    }
    if !effect.before_you_end.is_empty() {
        sentences.push(effect.before_you_end.clone());
    }
    sentences
}

fn lower_first(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// The report of a test that could not even begin.
fn could_not_test(began: Timestamp, now: Timestamp, error: ConnectorError) -> SelfTestReport {
    SelfTestReport {
        at: began,
        took_ms: now.since(began),
        steps: vec![app::systems::wire::SelfTestStep {
            name: "The system was reached".to_owned(),
            result: StepResult::Failed,
            detail: error.message,
        }],
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

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn done(message: String) -> Done {
    Done { message }
}

fn conflict(message: String) -> Error {
    AppError::Conflict { message }.into()
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
