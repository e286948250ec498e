//! Puts a report together, of what a caller's grants cover and nothing else.

use std::collections::BTreeSet;

use app::access::wire::Permission;
use app::containment::wire::{AuditHead, Report, ReportAbout, ReportEnding, ReportOf, ReportSystem};
use app::systems::wire::{Health, SystemDetail};
use app::wire::{SystemId, Timestamp};
use sea_query::{Cond, Condition};

use super::{Containment, ENDINGS, blocks};
use crate::caller::Caller;
use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::endings::report::{Of, Wanted};
use crate::error::Error;

/// What may be in a report: what every one of some permissions covers.
pub struct View {
    scopes: Vec<VisibleScope>,
    now: Timestamp,
}

impl View {
    /// What all of these permissions of a caller cover.
    pub fn of(caller: &Caller, permissions: &[Permission], now: Timestamp) -> Self {
        Self {
            scopes: permissions.iter().map(|p| caller.visible(*p, now)).collect(),
            now,
        }
    }

    fn condition(&self, rows: Rows) -> Condition {
        self.scopes
            .iter()
            .fold(Cond::all(), |all, scope| all.add(scope.condition(rows)))
    }

    /// Everybody of a system is in it.
    fn covers(&self, system: &SystemId) -> bool {
        self.scopes.iter().all(|scope| scope.covers_system(system))
    }

    /// There is nothing outside of it.
    fn whole(&self) -> bool {
        self.scopes.iter().all(|scope| scope.everywhere)
    }
}

impl Containment {
    /// A report with at most so many sessions, without the end of the log. 404 where the view covers nothing of it.
    pub(super) async fn report(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        view: &View,
        of: &ReportOf,
        sessions: u64,
    ) -> Result<Report, Error> {
        let person = match of {
            ReportOf::Ending(_) => None,
            ReportOf::Person(subject) => {
                let accounts = view.condition(Rows::Accounts);
                let sessions = view.condition(Rows::Sessions);
                let people = &self.parts.people;
                Some(people.for_report(conn, subject, accounts, sessions).await?)
            }
        };
        let wanted = Wanted {
            of: match of {
                ReportOf::Ending(number) => Of::Ending(*number),
                ReportOf::Person(subject) => Of::Person(subject.clone()),
            },
            seen: view.condition(Rows::Items),
            whole: view.whole(),
            endings: ENDINGS,
            sessions,
            now: view.now,
        };
        let told = self.parts.endings.for_report(conn, wanted).await?;
        let accounts = person.iter().flat_map(|person| &person.accounts);
        let mut involved: BTreeSet<SystemId> = accounts.map(|a| a.system_id.clone()).collect();
        involved.extend(told.systems.iter().cloned());
        let systems = self.parts.systems.told_of(conn, caller, &involved).await?;
        let title = match (of, &person) {
            (ReportOf::Ending(number), _) => format!("Ending {number}"),
            (_, Some(person)) => person.name.clone(),
            (ReportOf::Person(subject), None) => subject.to_string(),
        };
        Ok(Report {
            about: ReportAbout {
                title,
                ending_no: match of {
                    ReportOf::Ending(number) => Some(*number),
                    ReportOf::Person(_) => None,
                },
                subject_id: match of {
                    ReportOf::Ending(_) => None,
                    ReportOf::Person(subject) => Some(subject.clone()),
                },
                made_at: view.now,
                made_by: caller.name.clone(),
                portal: self.parts.portal.clone(),
                address: self.parts.address.clone(),
                program: concat!("curfew ", env!("CARGO_PKG_VERSION")).to_owned(),
                whole: view.whole(),
                not_in_it: not_in_it(view.whole(), &told.endings, told.older),
            },
            person,
            blocks: blocks::blocks(),
            endings: told.endings,
            systems: systems.into_iter().map(|told| system(told, view)).collect(),
            audit: AuditHead {
                seq: None,
                hash: None,
                words: "Where the audit log ended is told to who may read it.".to_owned(),
            },
        })
    }
}

/// What a report does not hold. To who sees a part the same whether there is more or not.
fn not_in_it(whole: bool, endings: &[ReportEnding], older: u64) -> Vec<String> {
    let mut words = Vec::new();
    if !whole {
        words.push(
            "It holds what is part of the grants of who made it. There may be more sessions, accounts and systems \
             outside of these, and nothing here tells whether there are."
                .to_owned(),
        );
    }
    if older > 0 {
        words.push(format!(
            "{older} older endings that touched this person are not listed, only the newest {ENDINGS}."
        ));
    }
    let unlisted: u64 = endings.iter().map(|ending| ending.sessions_not_listed).sum();
    if unlisted > 0 {
        words.push(format!(
            "{unlisted} sessions are counted and not listed one by one; those that are not gone or came back come first."
        ));
    }
    words
}

/// What the Systems page knows of a system, as a report says it.
fn system(detail: SystemDetail, view: &View) -> ReportSystem {
    let brief = detail.brief;
    // What a reading found out may tell of people outside of the view.
    let whole = view.covers(&brief.system_id);
    let not_listed = detail
        .not_listed
        .iter()
        .map(|what| format!("Not listed: {what}."));
    let mut blind: Vec<String> = not_listed.collect();
    match (brief.health, brief.read_at) {
        (Health::Live, Some(_)) => {}
        (_, None) => blind.push("It was never read whole: nothing is known of it.".to_owned()),
        (Health::Off, Some(_)) => {
            blind.push("It is paused or not in the settings any more: it is not read.".to_owned())
        }
        (_, Some(_)) => {
            blind.push("What changed there since its newest whole reading is not known.".to_owned())
        }
    }
    blind.extend(brief.unproven.map(|words| format!("{words}.")));
    ReportSystem {
        system_id: brief.system_id,
        name: brief.name,
        kind: brief.kind,
        simulated: brief.simulated,
        health: brief.health,
        last_complete_reading_at: brief.read_at,
        trouble: brief.trouble,
        ending_there: detail.about,
        cannot_be_seen: blind,
        as_read: if whole { detail.found } else { Vec::new() },
        proven_at: detail.proven_at,
    }
}
