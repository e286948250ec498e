//! Containment reports: what Curfew did so that a person, or whoever an ending touched, is out; what it read back; and
//! what it can't know. One page, and one signed file that is checked without the portal.
//!
//! Decides nothing and asks no system: it puts together what the rooms of endings, people and systems tell for a
//! caller's grants (`make`), signs it with the portal's key ([`sign`]), and checks such a file ([`verify`]). Who may see
//! what is the one condition of `caller::scope`, as on every page. Start reading at [`Containment`].

use std::sync::Arc;

use app::access::wire::Permission;
use app::containment::port::ContainmentPort;
use app::containment::wire::{AuditHead, ReportOf, ReportPage};
use app::error::AppError;
use app::wire::Timestamp;
use async_trait::async_trait;

use self::make::View;
use self::sign::{REPORTED, ReportKey};
use crate::audit::{Action, Audit, Entry};
use crate::caller::{Caller, For};
use crate::clock::Clock;
use crate::db::Db;
use crate::endings::Endings;
use crate::error::Error;
use crate::people::People;
use crate::systems::Systems;

mod blocks;
mod make;
pub mod sign;
pub mod verify;

/// Endings in the report of a person.
const ENDINGS: u64 = 50;
/// Sessions on a page.
const ON_PAGE: u64 = 500;
/// Sessions in a file: about 14 MB.
const IN_FILE: u64 = 20_000;

/// What the room stands on.
pub struct Parts {
    /// Database.
    pub db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The log.
    pub audit: Arc<Audit>,
    /// Connected systems.
    pub systems: Arc<Systems>,
    /// What was ended.
    pub endings: Arc<Endings>,
    /// Whose sessions these were.
    pub people: Arc<People>,
    /// Signs files.
    pub key: ReportKey,
    /// Name of the installation.
    pub portal: String,
    /// Its address.
    pub address: String,
}

/// The room.
pub struct Containment {
    parts: Parts,
}

impl Containment {
    /// The room over its parts.
    pub fn new(parts: Parts) -> Self {
        Self { parts }
    }

    async fn page(&self, caller: &Caller, of: &ReportOf) -> Result<ReportPage, Error> {
        let now = self.parts.clock.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let view = View::of(caller, &[Permission::SeeSessions], now);
        let mut conn = self.parts.db.read().await?;
        let mut report = self.report(&mut conn, caller, &view, of, ON_PAGE).await?;
        drop(conn);
        self.parts
            .audit
            .looked(caller, "containment report", &words_of(of))
            .await?;
        if may_know_head(caller, now) {
            let mut conn = self.parts.db.read().await?;
            let (seq, hash) = self.parts.audit.head(&mut conn).await?;
            report.audit = head(seq, hash, "That is where it ended when this page was made.");
        }
        Ok(ReportPage {
            report,
            fingerprint: self.parts.key.fingerprint().to_owned(),
            may_export: caller.authorize_somewhere(Permission::ExportData, now).is_ok(),
        })
    }

    /// The signed file. The log says that it was made, with the hash of each part, before it leaves; and the file says
    /// where the log ended with that entry: neither can be made up later without the other.
    async fn file(&self, caller: &Caller, of: &ReportOf) -> Result<String, Error> {
        let now = self.parts.clock.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let permit = caller.authorize_somewhere(Permission::ExportData, now)?;
        let view = View::of(caller, &[Permission::SeeSessions, Permission::ExportData], now);
        let mut conn = self.parts.db.read().await?;
        let mut report = self.report(&mut conn, caller, &view, of, IN_FILE).await?;
        drop(conn);
        let mut parts = sign::parts(&report)?;

        let mut entry = Entry::by(caller, Action::ReportMade)
            .target(words_of(of))
            .permission(permit.permission())
            .fact("key", self.parts.key.fingerprint())
            .fact("whole", report.about.whole);
        if let ReportOf::Person(subject) = of {
            entry = entry.fact("subject", subject.as_str());
        }
        for part in parts.iter().filter(|part| REPORTED.contains(&part.name)) {
            entry = entry.fact(part.name, part.sha256.as_str());
        }
        let mut conn = self.parts.db.write().await?;
        if let ReportOf::Ending(number) = of {
            let ending = self.parts.endings.id_of(&mut conn, *number).await?;
            entry = ending.iter().fold(entry, Entry::ending);
        }
        self.parts.audit.append(&mut conn, &entry, now).await?;
        if may_know_head(caller, now) {
            let (seq, hash) = self.parts.audit.head(&mut conn).await?;
            report.audit = head(
                seq,
                hash,
                "The entry of this number says that this report was made. With SEQ:HASH, `curfew audit verify --head` \
                 finds a log that was changed or cut off since.",
            );
            sign::replace_audit(&mut parts, &report.audit)?;
        }
        conn.commit().await?;
        sign::file(&parts, &self.parts.key)
    }
}

/// What a report is about, in words for the log.
fn words_of(of: &ReportOf) -> String {
    match of {
        ReportOf::Ending(number) => format!("Ending {number}"),
        ReportOf::Person(subject) => format!("Person {subject}"),
    }
}

/// How many entries the log has, and that it goes on, is for who reads it.
fn may_know_head(caller: &Caller, now: Timestamp) -> bool {
    caller.authorize_somewhere(Permission::ReadAudit, now).is_ok()
}

fn head(seq: i64, hash: String, words: &str) -> AuditHead {
    AuditHead {
        seq: Some(seq),
        hash: Some(hash),
        words: words.to_owned(),
    }
}

#[async_trait]
impl ContainmentPort for For<Containment> {
    async fn report(&self, of: ReportOf) -> Result<ReportPage, AppError> {
        Ok(self.room.page(&self.caller, &of).await?)
    }

    async fn signed_report(&self, of: ReportOf) -> Result<String, AppError> {
        Ok(self.room.file(&self.caller, &of).await?)
    }
}

#[cfg(test)]
mod tests;
