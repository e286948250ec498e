//! The copy of the log off the box (security F9): every entry, in order, as the line an export writes.
//!
//! An entry counts as copied only after the target has it: a file is on the disk, a syslog receiver has taken the batch
//! and closed in order. So a crash repeats lines and never loses one; `seq` and `hash` in each line tell repeats.
//! Who waits too long for the copy sets off the alarm: pages, numbers, the log itself, webhooks. Start at
//! [`Audit::copy_due`].

use std::sync::{Arc, Mutex, PoisonError};

use app::audit::wire::{AuditResult, CopyStatus};
use app::paths;
use app::wire::Timestamp;

use self::file::FileTarget;
use self::store::Backlog;
use self::syslog::SyslogTarget;
use super::{Action, Audit, Entry, export, page};
use crate::config::AuditCopy;
use crate::db::Conn;
use crate::error::Error;
use crate::outbox::{self, Event, Kind};
use crate::schedule::{self, Held};

mod file;
mod store;
mod syslog;
#[cfg(test)]
mod tests;

/// Entries handed over at a time.
const BATCH: i64 = 500;
/// Batches of one round: new settings and a stop are heard in between.
const BATCHES: usize = 20;
/// Rest after the first failed try, ms; it doubles with each further one.
const REST_MS: i64 = 5_000;
/// Longest rest, ms.
const LONGEST_REST_MS: i64 = 60_000;

/// Why a target did not take the lines, in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble(pub(super) String);

/// One entry on its way.
pub(super) struct Line {
    /// Word of the vocabulary.
    pub(super) action: String,
    /// How it went.
    pub(super) result: AuditResult,
    /// When.
    pub(super) at: Timestamp,
    /// The export's JSON, with its line break.
    pub(super) json: String,
}

/// Where the settings want the copy.
struct Target {
    settings: AuditCopy,
    /// How pages and the database name it.
    name: String,
    way: Way,
}

enum Way {
    File(FileTarget),
    Syslog(SyslogTarget),
}

impl Target {
    fn of(settings: &AuditCopy, host: &str) -> anyhow::Result<Self> {
        let (name, way) = match (&settings.file, &settings.syslog) {
            (Some(file), None) => (
                format!("file:{}", file.display()),
                Way::File(FileTarget::new(file.clone())),
            ),
            (None, Some(address)) => (
                address.clone(),
                Way::Syslog(SyslogTarget::new(address, settings, host)?),
            ),
            _ => anyhow::bail!("audit.copy: name either `file` or `syslog`"),
        };
        Ok(Self {
            settings: settings.clone(),
            name,
            way,
        })
    }

    /// Hands the lines over; when this returns well, the target has them.
    async fn write(&self, lines: &[Line]) -> Result<(), Trouble> {
        match &self.way {
            Way::File(file) => file.write(lines).await,
            Way::Syslog(syslog) => syslog.write(lines).await,
        }
    }
}

/// Tries whether the target of these settings could take lines, without handing it any. What was found, in words.
pub async fn check(settings: &AuditCopy) -> (String, Result<(), String>) {
    let target = match Target::of(settings, "-") {
        Ok(target) => target,
        Err(cause) => return ("audit.copy".to_owned(), Err(format!("{cause:#}"))),
    };
    let found = match &target.way {
        Way::File(file) => file.check().await,
        Way::Syslog(syslog) => syslog.write(&[]).await,
    };
    (target.name.clone(), found.map_err(|trouble| trouble.0))
}

/// What this process knows of the copy.
pub(super) struct Copying {
    /// Name of this process in leases.
    owner: String,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    target: Option<Arc<Target>>,
    /// Failed tries in a row, and when the next one may be made.
    failed: u32,
    rest_until: Timestamp,
}

impl Copying {
    pub(super) fn new() -> Self {
        Self {
            owner: crate::keys::random_id(),
            now: Mutex::default(),
        }
    }

    fn target(&self) -> Option<Arc<Target>> {
        self.lock().target.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audit {
    /// Takes the settings of the copy; `host` names this portal to a syslog receiver. The error names the bad setting,
    /// and the copy stays as it was.
    pub fn take_copy_settings(&self, settings: Option<&AuditCopy>, host: &str) -> anyhow::Result<()> {
        let same = self.copying.target().map(|t| t.settings.clone()) == settings.cloned();
        if !same {
            let target = settings.map(|s| Target::of(s, host)).transpose()?;
            *self.copying.lock() = Now {
                target: target.map(Arc::new),
                ..Now::default()
            };
        }
        Ok(())
    }

    /// One round: hands over what is not copied yet, and tells when the copy stalls or goes on.
    ///
    /// Of several replicas one copies, under a lease. A target that fails is left alone for a while.
    pub async fn copy_due(&self) -> Result<(), Error> {
        let Some(target) = self.copying.target() else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let backlog = store::backlog(&mut conn, &target.name).await?;
        drop(conn);
        if !backlog.known() {
            let mut conn = self.db.write().await?;
            store::begin(&mut conn, &target.name, now).await?;
            conn.commit().await?;
        }
        let rests = now < self.copying.lock().rest_until;
        let copies = backlog.entries() > 0 && !rests;
        if !copies && backlog.stalled(target.settings.stall_after_s, now) == backlog.stalled_at().is_some() {
            return Ok(());
        }
        let Some(held) = Held::take(&self.db, &self.clock, "copy", "", &self.copying.owner).await? else {
            return Ok(());
        };
        let copied = match copies {
            true => self.copy(&held, &target).await,
            false => Ok(()),
        };
        let told = match copied {
            Ok(()) => self.tell(&held, &target).await,
            Err(cause) => Err(cause),
        };
        held.release().await?;
        told
    }

    /// Copies batch after batch until nothing is left or one fails.
    async fn copy(&self, held: &Held, target: &Target) -> Result<(), Error> {
        for _ in 0..BATCHES {
            let mut conn = self.db.read().await?;
            let backlog = store::backlog(&mut conn, &target.name).await?;
            let rows = super::store::after(&mut conn, backlog.from(), BATCH).await?;
            drop(conn);
            if backlog.set_back() {
                tracing::error!(
                    target.name,
                    "the log was set back behind its copy; it is copied from its beginning again"
                );
            }
            let Some((seq, hash)) = rows.last().map(|r| (r.seq, r.hash.clone())) else {
                return Ok(());
            };
            let lines = rows.into_iter().map(|row| {
                let entry = page::whole(row);
                let mut json = String::new();
                export::json_line(&entry, &mut json)?;
                Ok(Line {
                    action: entry.action,
                    result: entry.result,
                    at: entry.at,
                    json,
                })
            });
            let lines = lines.collect::<Result<Vec<_>, Error>>()?;
            if held.is_lost() {
                return Err(Error::LeaseLost);
            }
            let wrote = target.write(&lines).await;
            let mut conn = self.db.write().await?;
            schedule::check_epoch(&mut conn, held.lease()).await?;
            let now = self.clock.now();
            match &wrote {
                Ok(()) => store::copied(&mut conn, &target.name, seq, &hash, now).await?,
                Err(Trouble(words)) => store::failed(&mut conn, &target.name, words).await?,
            }
            conn.commit().await?;
            if !self.rest_after(&wrote, backlog.trouble(), now) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Plans the next try. False = rest now.
    fn rest_after(&self, wrote: &Result<(), Trouble>, before: Option<&str>, now: Timestamp) -> bool {
        let mut known = self.copying.lock();
        let Err(Trouble(words)) = wrote else {
            (known.failed, known.rest_until) = (0, Timestamp(0));
            return true;
        };
        if before != Some(words) {
            tracing::warn!(cause = words, "the audit log could not be copied");
        }
        let rest = REST_MS << known.failed.min(10);
        known.failed += 1;
        known.rest_until = now.plus_ms(rest.min(LONGEST_REST_MS));
        false
    }

    /// Writes down, once each, that the copy stalled and that it goes on.
    async fn tell(&self, held: &Held, target: &Target) -> Result<(), Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        schedule::check_epoch(&mut conn, held.lease()).await?;
        let backlog = store::backlog(&mut conn, &target.name).await?;
        let entries = backlog.entries();
        let stalled = backlog.stalled(target.settings.stall_after_s, now);
        match (stalled, backlog.stalled_at()) {
            (true, None) => {
                store::stalled(&mut conn, &target.name, Some(now)).await?;
                let event = Event::new(Kind::AuditCopyStalled, paths::AUDIT)
                    .fact("entries", entries)
                    .fact("oldest_at", backlog.oldest_at().map(app::civil::rfc3339));
                outbox::put(&mut conn, &event, now).await?;
                let entry = Entry::curfew(Action::AuditCopyStalled)
                    .target(format!("Copy of the audit log to {}", target.name))
                    .result(AuditResult::Failed)
                    .fact("entries", entries)
                    .fact("oldest_seq", backlog.from() + 1)
                    .fact("cause", backlog.trouble());
                self.append(&mut conn, &entry, now).await?;
                tracing::error!(entries, "the copy of the audit log has stalled");
            }
            (false, Some(since)) => {
                store::stalled(&mut conn, &target.name, None).await?;
                let event = Event::new(Kind::AuditCopyResumed, paths::AUDIT)
                    .fact("entries", entries)
                    .fact("stalled_at", app::civil::rfc3339(since));
                outbox::put(&mut conn, &event, now).await?;
                let entry = Entry::curfew(Action::AuditCopyResumed)
                    .target(format!("Copy of the audit log to {}", target.name))
                    .fact("stalled_at", since.0)
                    .fact("entries", entries);
                self.append(&mut conn, &entry, now).await?;
                tracing::info!("the copy of the audit log goes on");
            }
            (true, Some(_)) | (false, None) => return Ok(()),
        }
        conn.commit().await
    }

    /// How the copy stands; `None` = the settings want none.
    pub async fn copy_status(&self, conn: &mut Conn, now: Timestamp) -> Result<Option<CopyStatus>, Error> {
        let Some(target) = self.copying.target() else {
            return Ok(None);
        };
        let backlog = store::backlog(conn, &target.name).await?;
        Ok(Some(status(&target, &backlog, now)))
    }
}

fn status(target: &Target, backlog: &Backlog, now: Timestamp) -> CopyStatus {
    CopyStatus {
        target: target.name.clone(),
        copied_at: backlog.copied_at(),
        behind: backlog.entries(),
        oldest_at: backlog.oldest_at(),
        stalled: backlog.stalled(target.settings.stall_after_s, now),
        trouble: backlog.trouble().map(str::to_owned),
    }
}
