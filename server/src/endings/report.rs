//! What endings give to a containment report: each with the sessions of it that a condition covers, and nothing of the
//! others, not even how many there are.

use std::collections::BTreeSet;

use app::containment::wire::{ReportEnding, ReportSession, Watch};
use app::endings::wire::EndingCounts;
use app::error::AppError;
use app::wire::{EndingId, SubjectId, SystemId, Timestamp};
use sea_query::Condition;

use super::store::{self, EndingRow, report, show};
use super::{Endings, page};
use crate::db::Conn;
use crate::error::Error;

/// Which sessions of which endings.
pub struct Wanted {
    /// One ending, or those that touched a person.
    pub of: Of,
    /// Items that may be shown.
    pub seen: Condition,
    /// There is nothing outside of that.
    pub whole: bool,
    /// Endings at most.
    pub endings: u64,
    /// Sessions at most, of all endings together.
    pub sessions: u64,
    /// Now.
    pub now: Timestamp,
}

/// One ending, or those that touched a person.
pub enum Of {
    /// By its number.
    Ending(i64),
    /// All that touched sessions of this person.
    Person(SubjectId),
}

/// Endings of a report.
pub struct Told {
    /// The newest first.
    pub endings: Vec<ReportEnding>,
    /// Older ones that are not among them.
    pub older: u64,
    /// Systems of their sessions, those that are not listed one by one among them.
    pub systems: BTreeSet<SystemId>,
}

impl Endings {
    /// The id of a confirmed ending; `None` = there is none of that number.
    pub async fn id_of(&self, conn: &mut Conn, number: i64) -> Result<Option<EndingId>, Error> {
        Ok(store::by_no(conn, number).await?.map(|row| row.id()))
    }

    /// What a containment report tells of endings. 404 for an ending of which the condition covers nothing.
    pub async fn for_report(&self, conn: &mut Conn, wanted: Wanted) -> Result<Told, Error> {
        let subject = match &wanted.of {
            Of::Ending(_) => None,
            Of::Person(subject) => Some(subject),
        };
        let items = report::of(wanted.seen.clone(), subject);
        let (rows, older) = match &wanted.of {
            Of::Ending(number) => (
                vec![self.known_row(conn, *number, &items, wanted.whole).await?],
                0,
            ),
            Of::Person(_) => {
                let rows = report::endings(conn, &items, wanted.endings).await?;
                let all = report::count(conn, &items).await?;
                let older = all.saturating_sub(rows.len() as u64);
                (rows, older)
            }
        };
        let names = self.parts.systems.names(conn).await?;
        let mut left = wanted.sessions;
        let mut systems = BTreeSet::new();
        let mut endings = Vec::with_capacity(rows.len());
        for row in rows {
            let standing = report::standing(conn, &row.id(), &items).await?;
            systems.extend(
                standing
                    .iter()
                    .map(|part| SystemId::from(part.system_id.as_str())),
            );
            let found = report::items(conn, &row.id(), &items, left).await?;
            left = left.saturating_sub(found.len() as u64);
            let sessions: Vec<ReportSession> =
                found.into_iter().map(|i| page::item(i, &names).into()).collect();
            endings.push(told(&row, &standing, sessions, wanted.now));
        }
        Ok(Told {
            endings,
            older,
            systems,
        })
    }

    async fn known_row(
        &self,
        conn: &mut Conn,
        number: i64,
        items: &Condition,
        whole: bool,
    ) -> Result<EndingRow, Error> {
        let missing = || Error::App(AppError::not_found("ending"));
        let row = store::by_no(conn, number).await?.ok_or_else(missing)?;
        let shows = whole || !report::items(conn, &row.id(), items, 1).await?.is_empty();
        if shows { Ok(row) } else { Err(missing()) }
    }
}

fn told(
    row: &EndingRow,
    standing: &[report::Standing],
    sessions: Vec<ReportSession>,
    now: Timestamp,
) -> ReportEnding {
    let mut counts = EndingCounts::default();
    for part in standing {
        let tally = show::Tally {
            system_id: part.system_id.clone(),
            stage: part.stage,
            state: part.state.clone(),
            outcome: part.outcome.clone(),
            items: part.items,
            returned: part.returned,
            again: 0,
        };
        page::add(&mut counts, &tally);
    }
    let settled = counts.waiting + counts.asked == 0;
    let until = show::moment(row.watch_until);
    // Whose sessions the later systems did not wait for is told to who sees some of them.
    let sees_first = standing.iter().any(|part| part.stage < row.last_stage);
    ReportEnding {
        ending_no: row.ending_no.unwrap_or_default(),
        asked_by_kind: row.caller_kind.clone(),
        asked_by: row.caller_name.clone(),
        reason: row.reason.clone().unwrap_or_default(),
        ticket_ref: row.ticket_ref.clone().unwrap_or_default(),
        confirmed_at: Timestamp(row.confirmed_at.unwrap_or(row.created_at)),
        settled_at: show::moment(standing.iter().filter_map(|part| part.settled_at).max())
            .filter(|_| settled),
        went_on_at: show::moment(row.went_on_at).filter(|_| sees_first),
        watch: watch(until, counts, now),
        residual_until: show::moment(standing.iter().filter_map(|part| part.residual_until).max()),
        sessions_not_listed: counts.wanted.saturating_sub(sessions.len() as u64),
        counts,
        sessions,
    }
}

fn watch(until: Option<Timestamp>, counts: EndingCounts, now: Timestamp) -> Watch {
    let over = until.is_some_and(|until| until <= now);
    let returned = counts.returned;
    let words = match (until, over, returned) {
        (None, _, _) => "Curfew did not yet look for people who come back.".to_owned(),
        (Some(_), true, 0) => "Nobody was seen back while Curfew looked.".to_owned(),
        (Some(_), false, 0) => "Nobody was seen back so far; Curfew still looks.".to_owned(),
        (Some(_), _, 1) => "One session came back.".to_owned(),
        (Some(_), _, n) => format!("{n} sessions came back."),
    };
    Watch {
        until,
        over,
        returned,
        words,
    }
}
