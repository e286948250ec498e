//! The portal: everything put together. The only file that knows everyone.

use std::path::PathBuf;
use std::sync::{Arc, RwLock, Weak};
use std::time::Duration;

use anyhow::Context;
use app::access::wire::Permission;
use app::backend::Backend;
use app::civil::rfc3339;
use app::paths;
use app::signin::wire::{Banner, Tone};
use app::systems::wire::Health;
use app::ui::thousands;
use app::wire::Timestamp;
use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::audit::{Action, Audit, Entry};
use crate::caller::{Caller, For};
use crate::changes::Changes;
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::SharedConnector;
use crate::containment::sign::ReportKey;
use crate::containment::{self, Containment};
use crate::db::{Conn, Db, READERS};
use crate::endings::{Endings, Parts};
use crate::error::Error;
use crate::http::Http;
use crate::keys::{self, HashKey, SealKey};
use crate::outbox;
use crate::people::People;
use crate::policies::Policies;
use crate::schedule::Schedule;
use crate::sessions::Sessions;
use crate::sessions::collect::Collector;
use crate::signals::{self, Signals};
use crate::signin::{FrameFacts, Installation, Setup, SignIn};
use crate::systems::Systems;
use crate::tickets::{self, Tickets};
use crate::webhooks::Webhooks;

/// Every room over one database.
pub struct Portal {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub changes: Arc<Changes>,
    pub audit: Arc<Audit>,
    pub access: Arc<Access>,
    pub policies: Arc<Policies>,
    pub signin: Arc<SignIn>,
    pub systems: Arc<Systems>,
    pub sessions: Arc<Sessions>,
    pub collector: Arc<Collector>,
    pub people: Arc<People>,
    pub endings: Arc<Endings>,
    pub containment: Arc<Containment>,
    pub webhooks: Arc<Webhooks>,
    pub tickets: Arc<Tickets>,
    pub signals: Arc<Signals>,
    /// Settings in force; what can change without a restart is read from here.
    config: RwLock<Arc<Config>>,
    own_sessions: SharedConnector,
}

/// Opens the database the settings name.
pub async fn open_database(config: &Config) -> anyhow::Result<Db> {
    match &config.database {
        Some(database) => {
            let url = database.url.read().context("database.url")?;
            Db::postgres(&url, database.connections)
                .await
                .context("connecting to PostgreSQL (database.url)")
        }
        None => {
            std::fs::create_dir_all(&config.data_dir)
                .with_context(|| format!("making the folder {}", config.data_dir.display()))?;
            let file = sqlite_file(config);
            Db::sqlite(&file, READERS)
                .await
                .with_context(|| format!("opening {}", file.display()))
        }
    }
}

/// The embedded database's file.
pub fn sqlite_file(config: &Config) -> PathBuf {
    config.data_dir.join("curfew.db")
}

/// The key that chains the audit log.
pub fn audit_key(config: &Config) -> anyhow::Result<HashKey> {
    keys::load_key(config.keys.audit.as_ref(), &config.data_dir.join("audit.key")).context("keys.audit")
}

/// The key that names sessions, with the one before it while the settings name that.
fn session_key(config: &Config) -> anyhow::Result<HashKey> {
    let key = keys::load_key(config.keys.session.as_ref(), &config.data_dir.join("session.key"))
        .context("keys.session")?;
    Ok(match &config.keys.session_previous {
        Some(reference) => key.after(keys::read_key(reference).context("keys.session_previous")?),
        None => key,
    })
}

/// The key that seals the seeds of second factors.
fn seal_key(config: &Config) -> anyhow::Result<SealKey> {
    let key = keys::load_key(config.keys.factor.as_ref(), &config.data_dir.join("factor.key"))
        .context("keys.factor")?;
    Ok(SealKey::new(&key))
}

/// The key that signs containment reports.
pub fn report_key(config: &Config) -> anyhow::Result<ReportKey> {
    let key = keys::load_key(config.keys.report.as_ref(), &config.data_dir.join("report.key"))
        .context("keys.report")?;
    Ok(ReportKey::new(&key))
}

impl Portal {
    /// Opens and migrates the database, loads the keys, and puts the rooms together. Nothing runs yet.
    pub async fn open(config: Config, clock: Arc<dyn Clock>, demo: bool) -> anyhow::Result<Arc<Self>> {
        let db = open_database(&config).await?;
        Self::over(db, config, clock, demo).await
    }

    /// [`Portal::open`] over a database that is open already: it alone says how many connections there are.
    pub async fn over(
        db: Db,
        config: Config,
        clock: Arc<dyn Clock>,
        demo: bool,
    ) -> anyhow::Result<Arc<Self>> {
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("making the folder {}", config.data_dir.display()))?;
        db.migrate().await?;
        let session_key = Arc::new(session_key(&config)?);
        let audit = Arc::new(Audit::new(
            db.clone(),
            clock.clone(),
            Arc::new(audit_key(&config)?),
        ));
        let public_url = config.public_url();
        let webhooks = Arc::new(Webhooks::new(
            db.clone(),
            clock.clone(),
            audit.clone(),
            &public_url,
        ));
        let access = Arc::new(Access::new(
            db.clone(),
            clock.clone(),
            audit.clone(),
            &public_url,
            config.signin.clone(),
        ));
        access.ensure_built_in_roles().await?;
        let policies = Arc::new(Policies::new(db.clone(), clock.clone(), audit.clone()));
        policies.ensure_own().await?;
        let installation = Installation {
            instance: config.instance.clone(),
            public_url,
            demo,
        };
        let signin = Arc::new(SignIn::new(
            db.clone(),
            clock.clone(),
            audit.clone(),
            access.clone(),
            policies.clone(),
            Setup {
                rules: config.signin.clone(),
                installation,
                seal: seal_key(&config)?,
            },
        )?);
        let own_sessions: SharedConnector = Arc::new(crate::signin::connector::Portal::new(
            db.clone(),
            clock.clone(),
            access.clone(),
            policies.clone(),
        ));
        let systems = Arc::new(Systems::new(db.clone(), clock.clone(), audit.clone()));
        let changes = Changes::new(db.clone());
        let collector = Arc::new(Collector::new(
            db.clone(),
            clock.clone(),
            audit.clone(),
            session_key.clone(),
            systems.clone(),
            policies.clone(),
        ));
        let sessions = Arc::new(Sessions::new(
            db.clone(),
            clock.clone(),
            session_key.clone(),
            systems.clone(),
            access.clone(),
            policies.clone(),
            audit.clone(),
        ));
        let people = Arc::new(People::new(
            db.clone(),
            clock.clone(),
            audit.clone(),
            systems.clone(),
        ));
        let endings = Arc::new(Endings::new(Parts {
            db: db.clone(),
            clock: clock.clone(),
            key: session_key.clone(),
            collector: collector.clone(),
            systems: systems.clone(),
            access: access.clone(),
            audit: audit.clone(),
            changes: changes.clone(),
            rules: config.endings.clone(),
        }));
        let tellers = webhooks.clone();
        endings.take_tellers(move || tellers.takers(outbox::Kind::PeopleNotice));
        let containment = Arc::new(Containment::new(containment::Parts {
            db: db.clone(),
            clock: clock.clone(),
            audit: audit.clone(),
            systems: systems.clone(),
            endings: endings.clone(),
            people: people.clone(),
            key: report_key(&config)?,
            portal: config.instance.clone(),
            address: config.public_url(),
        }));
        let tickets = Arc::new(Tickets::new(tickets::Parts {
            db: db.clone(),
            clock: clock.clone(),
            audit: audit.clone(),
            systems: systems.clone(),
            policies: policies.clone(),
            collector: collector.clone(),
            endings: endings.clone(),
        }));
        let signals = Arc::new(Signals::new(signals::Parts {
            db: db.clone(),
            clock: clock.clone(),
            key: session_key,
            audit: audit.clone(),
            systems: systems.clone(),
            collector: collector.clone(),
            people: people.clone(),
            endings: endings.clone(),
        }));
        let portal = Arc::new(Self {
            db,
            clock,
            changes,
            audit,
            access,
            policies,
            signin,
            systems,
            sessions,
            collector,
            people,
            endings,
            containment,
            webhooks,
            tickets,
            signals,
            config: RwLock::new(Arc::new(config)),
            own_sessions,
        });
        // Without holding each other: a portal that is let go closes its connections.
        let facts: Weak<dyn FrameFacts> = Arc::<Self>::downgrade(&portal);
        portal.signin.take_facts(facts);
        let systems = Arc::downgrade(&portal.systems);
        portal.policies.take_before_you_end(Box::new(move |system| {
            let systems = systems.upgrade();
            systems.map_or_else(String::new, |systems| systems.before_you_end(system))
        }));
        let systems = Arc::downgrade(&portal.systems);
        portal
            .policies
            .take_measure(Box::new(move |system| systems.upgrade()?.measure(system)));
        for problem in portal.connect_all().await? {
            tracing::error!("{problem}");
        }
        Ok(portal)
    }

    /// The ports, bound to a caller: what pages get.
    pub fn for_caller(&self, caller: &Arc<Caller>) -> Backend {
        Backend {
            signin: Arc::new(For::new(&self.signin, caller)),
            sessions: Arc::new(For::new(&self.sessions, caller)),
            views: Arc::new(For::new(&self.sessions, caller)),
            people: Arc::new(For::new(&self.people, caller)),
            endings: Arc::new(For::new(&self.endings, caller)),
            containment: Arc::new(For::new(&self.containment, caller)),
            systems: Arc::new(For::new(&self.systems, caller)),
            policies: Arc::new(For::new(&self.policies, caller)),
            access: Arc::new(For::new(&self.access, caller)),
            audit: Arc::new(For::new(&self.audit, caller)),
            tickets: Arc::new(For::new(&self.tickets, caller)),
            signals: Arc::new(For::new(&self.signals, caller)),
        }
    }

    /// What the HTTP room needs: its rooms, and the ports of whoever calls.
    pub fn http(self: &Arc<Self>, stop: CancellationToken) -> Http {
        let config = self.config();
        let portal = self.clone();
        Http {
            signin: self.signin.clone(),
            audit: self.audit.clone(),
            sessions: self.sessions.clone(),
            changes: self.changes.clone(),
            clock: self.clock.clone(),
            db: self.db.clone(),
            access: self.access.clone(),
            tickets: self.tickets.clone(),
            signals: self.signals.clone(),
            broker_apart: config.broker.listen.is_some(),
            backend: Arc::new(move |caller| portal.for_caller(caller)),
            public_url: config.public_url(),
            trusted_proxy: config.trusted_proxy.clone(),
            per_address_per_minute: config.signin.per_address_per_minute,
            api_per_minute: config.api.per_minute,
            stop,
        }
    }

    /// Settings in force.
    pub fn config(&self) -> Arc<Config> {
        match self.config.read() {
            Ok(config) => config.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    /// Connects what the settings name: systems, the copy of the log, webhooks. One sentence per entry that can't be used.
    async fn connect_all(&self) -> Result<Vec<String>, Error> {
        let config = self.config();
        let mut problems = self
            .systems
            .apply_settings(&config, Some(self.own_sessions.clone()))
            .await?;
        let copy = self
            .audit
            .take_copy_settings(config.audit.copy.as_ref(), &config.host());
        problems.extend(copy.err().map(|cause| format!("{cause:#}")));
        problems.extend(self.webhooks.take_settings(&config.webhook));
        self.access.take_apps(&config.broker);
        self.people.take_settings(&config.people);
        problems.extend(self.tickets.take_settings(&config));
        self.access.take_signals(&config.signals);
        problems.extend(self.signals.take_settings(&config));
        Ok(problems)
    }

    /// Takes new settings without a restart: systems, reading rules. What needs a restart is named in the log.
    pub async fn take_settings(&self, next: Config) -> Result<(), Error> {
        let before = self.config();
        let needs_restart = before.listen != next.listen
            || before.data_dir != next.data_dir
            || before.public_url != next.public_url
            || before.metrics_listen != next.metrics_listen
            || before.broker.listen != next.broker.listen;
        if needs_restart {
            tracing::warn!(
                "listen, public_url, data_dir, metrics_listen and broker.listen change at the next start only"
            );
        }
        match self.config.write() {
            Ok(mut config) => *config = Arc::new(next),
            Err(poisoned) => *poisoned.into_inner() = Arc::new(next),
        }
        for problem in self.connect_all().await? {
            tracing::error!("{problem}");
        }
        tracing::info!("settings read again");
        Ok(())
    }

    /// Runs the background work of every room until `stop`.
    pub async fn run_background(self: &Arc<Self>, stop: CancellationToken) {
        let mut schedule = Schedule::default();
        let collector = self.collector.clone();
        schedule.add(
            "collect",
            Duration::from_secs(1),
            self.systems.wake(),
            move || collector.clone().start_due(),
        );
        let people = self.people.clone();
        schedule.add(
            "link",
            Duration::from_secs(1),
            Arc::new(Notify::new()),
            move || {
                let people = people.clone();
                async move { people.link_due().await.map(|_| ()) }
            },
        );
        let endings = self.endings.clone();
        schedule.add("end", Duration::from_secs(1), self.endings.wake(), move || {
            endings.clone().start_due()
        });
        let endings = self.endings.clone();
        schedule.add(
            "watch",
            Duration::from_secs(1),
            Arc::new(Notify::new()),
            move || {
                let endings = endings.clone();
                async move { endings.watch_due().await.map(|_| ()) }
            },
        );
        let audit = self.audit.clone();
        schedule.add(
            "copy",
            Duration::from_secs(1),
            Arc::new(Notify::new()),
            move || {
                let audit = audit.clone();
                async move { audit.copy_due().await }
            },
        );
        let webhooks = self.webhooks.clone();
        schedule.add(
            "webhook",
            Duration::from_secs(1),
            Arc::new(Notify::new()),
            move || {
                let webhooks = webhooks.clone();
                async move { webhooks.deliver_due().await }
            },
        );
        let tickets = self.tickets.clone();
        schedule.add(
            "tickets",
            Duration::from_secs(1),
            self.tickets.wake(),
            move || {
                let tickets = tickets.clone();
                async move { tickets.store_due().await }
            },
        );
        let signals = self.signals.clone();
        schedule.add(
            "signals",
            Duration::from_secs(1),
            self.signals.wake(),
            move || {
                let signals = signals.clone();
                async move { signals.work_due().await.map(|_| ()) }
            },
        );
        let portal = self.clone();
        schedule.add(
            "sweep",
            Duration::from_secs(30),
            Arc::new(Notify::new()),
            move || {
                let portal = portal.clone();
                async move { portal.sweep().await }
            },
        );
        tokio::join!(self.changes.clone().run(stop.clone()), schedule.run(stop));
    }

    /// Removes what has run out: portal sessions, drafts, selections, sessions past retention,
    /// samples that no chart shows.
    async fn sweep(&self) -> Result<(), Error> {
        self.signin.sweep().await?;
        crate::http::forget_quiet();
        crate::http::api::forget_old(&self.db, self.clock.now()).await?;
        self.endings.sweep().await?;
        self.webhooks.forget_old().await?;
        self.systems.forget_samples().await?;
        self.tickets.sweep().await?;
        self.signals.sweep(self.config().retention.sessions_days).await?;
        self.people
            .forget_old(self.config().retention.sessions_days)
            .await?;
        self.collector
            .forget_old(self.config().retention.sessions_days)
            .await?;
        Ok(())
    }

    /// Brings the gauges up to date: live sessions and age by system, endings by outcome, oldest unsettled, what waits
    /// for its copy or its receiver.
    pub async fn measure(&self) -> Result<(), Error> {
        let seconds = |since: Timestamp| self.clock.now().since(since) as f64 / 1000.0;
        for (system, rows, read_at) in self.systems.numbers().await? {
            metrics::gauge!("curfew_live_sessions", "system" => system.0.clone()).set(rows as f64);
            if let Some(read_at) = read_at {
                metrics::gauge!("curfew_system_age_seconds", "system" => system.0).set(seconds(read_at));
            }
        }
        let (outcomes, oldest) = self.endings.numbers().await?;
        for (outcome, count) in outcomes {
            metrics::counter!("curfew_ending_items_total", "outcome" => outcome)
                .absolute(count.unsigned_abs());
        }
        metrics::gauge!("curfew_oldest_unsettled_seconds").set(oldest.map_or(0.0, seconds));
        let mut conn = self.db.read().await?;
        // Without a copy nothing lags: numbers of one that was taken out of the settings must not stay.
        let copy = self.audit.copy_status(&mut conn, self.clock.now()).await?;
        let (behind, oldest) = copy.map_or((0, None), |copy| (copy.behind, copy.oldest_at));
        metrics::gauge!("curfew_audit_copy_lag_entries").set(behind as f64);
        metrics::gauge!("curfew_audit_copy_lag_seconds").set(oldest.map_or(0.0, seconds));
        drop(conn);
        metrics::gauge!("curfew_webhook_pending").set(self.webhooks.pending().await? as f64);
        Ok(())
    }

    /// Tells the log that it began or ended.
    pub async fn note(&self, action: Action) -> Result<(), Error> {
        let version = env!("CARGO_PKG_VERSION");
        self.audit
            .note(&Entry::curfew(action).target(format!("Curfew {version}")))
            .await?;
        Ok(())
    }
}

impl Portal {
    /// What waits for the caller as a second person, and what went on without one.
    async fn second_person_banners(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Vec<Banner>, Error> {
        let calls = self.endings.calls_for_a_second(conn, caller, now).await?;
        let mut banners = Vec::new();
        for alone in calls.went_on_alone {
            let late = now.0 >= alone.review_due_at.0;
            let due = short_utc(alone.review_due_at, now);
            banners.push(Banner {
                tone: if late { Tone::Danger } else { Tone::Warn },
                fact: format!("Ending {} began without a second person.", alone.ending_no),
                means: if late {
                    format!(
                        "By {}: {} It should have been reviewed by {due}.",
                        alone.by,
                        sentence(&alone.why)
                    )
                } else {
                    format!(
                        "By {}: {} Somebody else is to review it by {due}.",
                        alone.by,
                        sentence(&alone.why)
                    )
                },
                link: Some(("See the ending".to_owned(), paths::ending(alone.ending_no))),
            });
        }
        if let Some(first) = calls.to_decide.first() {
            let more = match calls.to_decide.len() {
                1 => String::new(),
                n => format!(" {} more wait.", n - 1),
            };
            banners.push(Banner {
                tone: Tone::Info,
                fact: format!("{} asks for a second person.", first.asked_by),
                means: format!(
                    "To end {} sessions; you can decide until {}.{more}",
                    thousands(first.sessions),
                    short_utc(first.until, now)
                ),
                link: Some(("Look at the frozen set".to_owned(), paths::preview(&first.ending))),
            });
        }
        Ok(banners)
    }

    /// The alarm over a copy of the log that stalls, for who reads the log or looks after systems.
    async fn copy_banner(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Option<Banner>, Error> {
        let reads = !caller.visible(Permission::ReadAudit, now).is_empty();
        if !reads && caller.visible(Permission::ManageSystems, now).is_empty() {
            return Ok(None);
        }
        let status = self.audit.copy_status(conn, now).await?;
        let Some((copy, oldest_at)) = status
            .filter(|copy| copy.stalled)
            .and_then(|copy| copy.oldest_at.map(|at| (copy, at)))
        else {
            return Ok(None);
        };
        let waiting = match copy.behind {
            1 => "1 entry is not copied, written at".to_owned(),
            n => format!("{} entries are not copied, since", thousands(n.unsigned_abs())),
        };
        Ok(Some(Banner {
            tone: Tone::Danger,
            fact: "The copy of the audit log has stopped.".to_owned(),
            means: format!(
                "{waiting} {}. {}",
                short_utc(oldest_at, now),
                copy.trouble.unwrap_or_default()
            ),
            link: reads.then(|| ("See the audit log".to_owned(), paths::AUDIT.to_owned())),
        }))
    }
}

/// What a person wrote, as a sentence of its own.
fn sentence(text: &str) -> String {
    match text.ends_with(['.', '!', '?', '…']) {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

/// "14:02 UTC", with its day when that is not today.
fn short_utc(at: Timestamp, now: Timestamp) -> String {
    let (day, time) = (|t| rfc3339(t)[..10].to_owned(), &rfc3339(at)[11..16]);
    if day(at) == day(now) {
        format!("{time} UTC")
    } else {
        format!("{} {time} UTC", day(at))
    }
}

#[async_trait]
impl FrameFacts for Portal {
    async fn running(&self, caller: &Caller, now: Timestamp) -> Result<Option<(i64, u64, u64)>, Error> {
        self.endings.running(caller, now).await
    }

    async fn banners(&self, caller: &Caller, now: Timestamp) -> Result<Vec<Banner>, Error> {
        let mut conn = self.db.read().await?;
        let mut banners = Vec::new();
        if let Some(paused) = self.endings.paused(&mut conn).await? {
            banners.push(Banner {
                tone: Tone::Warn,
                fact: "All endings are paused.".to_owned(),
                means: format!(
                    "By {}: {}. Nothing is asked until they go on.",
                    paused.name, paused.reason
                ),
                link: Some(("See the endings".to_owned(), paths::ENDINGS.to_owned())),
            });
        }
        for system in self.systems.briefs(&mut conn, caller).await? {
            if system.health != Health::Failed {
                continue;
            }
            banners.push(Banner {
                tone: Tone::Danger,
                fact: format!("{} can’t be read.", system.name),
                means: system
                    .trouble
                    .unwrap_or_else(|| "It has not answered for a while.".to_owned()),
                link: Some(("See the system".to_owned(), paths::system(&system.system_id))),
            });
        }
        for ahead in self.endings.announced(&mut conn, caller, now).await? {
            banners.push(Banner {
                tone: Tone::Warn,
                fact: format!(
                    "A sign-in of yours in Curfew ends at {}.",
                    short_utc(ahead.at, now)
                ),
                means: ahead.notice,
                link: None,
            });
        }
        banners.extend(self.second_person_banners(&mut conn, caller, now).await?);
        banners.extend(self.copy_banner(&mut conn, caller, now).await?);
        Ok(banners)
    }
}
