//! Endings that begin later, and what people are told before.

use app::endings::wire::{AT, Begin, Confirm, LONGEST_NOTICE, MINUTES, MOST_MINUTES, NOTICE, Told};
use app::error::FieldProblem;
use app::paths;
use app::wire::{EndingId, OperatorId, Timestamp};

use super::Endings;
use super::store::{EndingRow, plans};
use crate::caller::Caller;
use crate::db::Conn;
use crate::domain::policy::OWN_SYSTEM;
use crate::error::Error;
use crate::outbox::{self, Event, Kind};

/// What was asked for, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// When it begins.
    pub begin: Begin,
    /// What people are told before.
    pub notice: Option<String>,
}

/// When a preview that was asked for is to begin.
pub(super) fn of(row: &EndingRow) -> Begin {
    match (row.begin_in_min, row.planned_for) {
        (Some(minutes), _) => Begin::In(minutes),
        (None, Some(at)) => Begin::At(Timestamp(at)),
        (None, None) => Begin::Now,
    }
}

/// An ending that has not begun and takes a session of the reader's own.
pub struct Announced {
    /// When it begins.
    pub at: Timestamp,
    /// What they are told.
    pub notice: String,
}

/// When it begins and what people are told, checked; each problem by its field.
pub(super) fn planned(confirm: &Confirm, now: Timestamp) -> Result<Plan, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let mut problem = |field: &str, message: String| {
        problems.push(FieldProblem {
            field: field.to_owned(),
            message,
        });
    };
    let latest = now.plus_seconds(MOST_MINUTES * 60);
    match confirm.begin {
        Begin::Now => {}
        Begin::In(minutes) if (1..=MOST_MINUTES).contains(&minutes) => {}
        Begin::In(_) => problem(MINUTES, format!("Write minutes, 1 to {MOST_MINUTES}.")),
        Begin::At(at) if at <= now => problem(
            AT,
            "That moment has passed. Choose a later one, or begin now.".to_owned(),
        ),
        Begin::At(at) if at > latest => {
            let words =
                "At most 24 hours ahead: the set is frozen now, and who signs in later is not part of it.";
            problem(AT, words.to_owned());
        }
        Begin::At(_) => {}
    }
    let notice = confirm.notice.trim();
    if notice.chars().count() > LONGEST_NOTICE {
        problem(NOTICE, format!("Write at most {LONGEST_NOTICE} characters."));
    }
    if !notice.is_empty() && confirm.begin == Begin::Now {
        let words =
            "People can be told only before an ending that begins later. Choose a time, or leave this empty.";
        problem(NOTICE, words.to_owned());
    }
    match problems.is_empty() {
        true => Ok(Plan {
            begin: confirm.begin,
            notice: Some(notice.to_owned()).filter(|n| !n.is_empty()),
        }),
        false => Err(problems),
    }
}

impl Endings {
    /// Who would tell people of an ending with sessions in these systems.
    pub(super) fn told<'a>(&self, mut systems: impl Iterator<Item = &'a str>) -> Told {
        Told {
            receivers: self.tellers.get().map_or_else(Vec::new, |tellers| tellers()),
            here: systems.any(|system| system == OWN_SYSTEM),
        }
    }

    /// Who would tell people of this preview.
    pub(super) async fn told_of(&self, conn: &mut Conn, ending: &EndingId) -> Result<Told, Error> {
        let here = plans::takes_own(conn, ending).await?;
        Ok(self.told(here.then_some(OWN_SYSTEM).into_iter()))
    }

    /// Tells people what is ahead, when their ending was just confirmed.
    pub(super) async fn announce(
        &self,
        conn: &mut Conn,
        row: &EndingRow,
        ending_no: i64,
        (at, words): (Timestamp, &str),
        now: Timestamp,
    ) -> Result<(), Error> {
        let event = Event::new(Kind::PeopleNotice, paths::ending(ending_no))
            .fact("ending_no", ending_no)
            .fact("text", words)
            .fact("begins_at", app::civil::rfc3339(at))
            .fact("sessions", row.item_count);
        outbox::put(conn, &event, now).await
    }

    /// Tells them that it will not be, when it was stopped before it began.
    pub(super) async fn withdraw(
        &self,
        conn: &mut Conn,
        row: &EndingRow,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (Some(ending_no), Some(_), Some(at)) = (row.ending_no, &row.notice, row.planned_for) else {
            return Ok(());
        };
        if at <= now.0 {
            return Ok(());
        }
        let event =
            Event::new(Kind::PeopleNoticeWithdrawn, paths::ending(ending_no)).fact("ending_no", ending_no);
        outbox::put(conn, &event, now).await
    }

    /// Endings ahead that take a portal session of the caller's, with what they are told; the next first.
    pub async fn announced(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Vec<Announced>, Error> {
        let found = plans::announced(conn, &OperatorId(caller.id.0.clone()), now).await?;
        Ok(found
            .into_iter()
            .map(|(at, notice)| Announced {
                at: Timestamp(at),
                notice,
            })
            .collect())
    }

    /// Keeps a plan with its preview: it holds also when somebody else approves it later.
    pub(super) async fn keep_plan(
        &self,
        conn: &mut Conn,
        ending: &EndingId,
        plan: &Plan,
    ) -> Result<(), Error> {
        plans::keep(conn, ending, plan.begin, plan.notice.as_deref()).await
    }
}
