//! The second person on the pages: a request on its preview, what waits, how an ending passed, what every page tells.

use app::access::wire::Permission;
use app::endings::wire::{Approval, ApprovalState, Review, SecondLook, WaitingApproval};
use app::wire::{EndingId, Timestamp};

use super::is_asker;
use crate::caller::Caller;
use crate::db::Conn;
use crate::endings::Endings;
use crate::endings::page::{name_of, reader};
use crate::endings::store::approval::{self, ApprovalRow};
use crate::endings::store::{self, EndingRow, show};
use crate::error::Error;

impl Endings {
    /// The request of a preview as its page shows it.
    pub(in crate::endings) async fn approval_of(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        row: &EndingRow,
        now: Timestamp,
    ) -> Result<Option<Approval>, Error> {
        let Some(asked) = approval::of(conn, &row.id()).await? else {
            return Ok(None);
        };
        let mine = is_asker(caller, row);
        let state = asked.state(now);
        let waits = state == ApprovalState::Waiting;
        Ok(Some(Approval {
            state,
            why: asked.why(),
            who: match waits {
                true => self.approvers(conn, row, now).await?.who,
                false => Vec::new(),
            },
            started_since: approval::started_since(conn, row).await?,
            may_decide: waits && !mine,
            alone: match waits && mine {
                true => self.alone(conn, caller, row, now).await?,
                false => None,
            },
            requested_at: Timestamp(asked.requested_at),
            expires_at: Timestamp(asked.expires_at),
            decided_by: asked.decided_by_name.unwrap_or_default(),
            decided_at: show::moment(asked.decided_at),
            note: asked.note.unwrap_or_default(),
            reason: asked.reason,
            ticket_ref: asked.ticket_ref.unwrap_or_default(),
        }))
    }

    /// Previews that wait: the caller's own and those they can decide.
    pub(in crate::endings) async fn waiting_approvals(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Vec<WaitingApproval>, Error> {
        let concerning = self.concerning(conn, caller, now).await?;
        let mut waiting = Vec::with_capacity(concerning.len());
        if concerning.is_empty() {
            return Ok(waiting);
        }
        let names = self.parts.systems.names(conn).await?;
        for (asked, row, mine) in concerning {
            let shares = show::draft_systems(conn, &row.id()).await?;
            waiting.push(WaitingApproval {
                ending_id: row.id(),
                mine,
                requested_at: Timestamp(asked.requested_at),
                expires_at: Timestamp(asked.expires_at),
                reason: asked.reason,
                sessions: row.item_count.unsigned_abs(),
                people: row.person_count.unsigned_abs(),
                systems: shares.iter().map(|s| name_of(&names, &s.system_id)).collect(),
                gone_since: shares.iter().map(|s| s.gone.unsigned_abs()).sum(),
                started_since: approval::started_since(conn, &row).await?,
                asked_by: row.caller_name,
            });
        }
        Ok(waiting)
    }

    /// Requests that wait and are the caller's, or theirs to decide.
    async fn concerning(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Vec<(ApprovalRow, EndingRow, bool)>, Error> {
        let mut found = Vec::new();
        for asked in approval::waiting(conn, now).await? {
            let Some(row) = store::by_id(conn, &asked.ending()).await? else {
                continue;
            };
            let mine = is_asker(caller, &row);
            if mine || self.can_approve(conn, caller, &row, now).await? {
                found.push((asked, row, mine));
            }
        }
        Ok(found)
    }

    /// How a confirmed ending passed the rule of the second person.
    pub(in crate::endings) async fn second_look(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        row: &EndingRow,
        now: Timestamp,
    ) -> Result<Option<SecondLook>, Error> {
        let Some(asked) = approval::of(conn, &row.id()).await? else {
            return Ok(None);
        };
        let review = match (asked.review_due_at, asked.reviewed_at) {
            (None, _) => None,
            (Some(due), None) => Some(Review::Due {
                until: Timestamp(due),
                may_review: self.can_approve(conn, caller, row, now).await?,
            }),
            (Some(_), Some(at)) => Some(Review::Done {
                by: asked.reviewed_by_name.unwrap_or_default(),
                at: Timestamp(at),
                note: asked.review_note.unwrap_or_default(),
            }),
        };
        Ok(asked.decided_at.map(|at| SecondLook {
            by: asked.decided_by_name.unwrap_or_default(),
            at: Timestamp(at),
            note: asked.note.unwrap_or_default(),
            review,
        }))
    }

    /// What every page tells this caller: previews they can decide, and endings that went on without a second person,
    /// as far as they may know of them. The oldest of each: asker, and where to look; how many there are.
    pub async fn calls_for_a_second(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Calls, Error> {
        let mut calls = Calls::default();
        if caller.visible(Permission::ApproveEndings, now).is_empty()
            && caller.visible(Permission::ReadAudit, now).is_empty()
        {
            return Ok(calls);
        }
        let mut decide: Vec<_> = self.concerning(conn, caller, now).await?;
        decide.retain(|(_, _, mine)| !mine);
        calls.to_decide = decide
            .into_iter()
            .map(|(asked, row, _)| ToDecide {
                ending: row.id(),
                asked_by: row.caller_name,
                sessions: row.item_count.unsigned_abs(),
                until: Timestamp(asked.expires_at),
            })
            .collect();
        for asked in approval::to_review(conn).await? {
            let Some(row) = store::by_id(conn, &asked.ending()).await? else {
                continue;
            };
            let reader = reader(caller, now);
            if let Some(ending_no) = row.ending_no
                && show::may_know(conn, &reader, &row).await?
            {
                calls.went_on_alone.push(WentOnAlone {
                    ending_no,
                    by: row.caller_name,
                    why: asked.note.unwrap_or_default(),
                    review_due_at: Timestamp(asked.review_due_at.unwrap_or_default()),
                });
            }
        }
        Ok(calls)
    }
}

/// What calls for a second person.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Previews the caller can decide, the oldest first.
    pub to_decide: Vec<ToDecide>,
    /// Endings that went on alone and were not reviewed, the most urgent first.
    pub went_on_alone: Vec<WentOnAlone>,
}

/// A preview that waits for the caller.
#[derive(Clone, Debug)]
pub struct ToDecide {
    /// Which.
    pub ending: EndingId,
    /// Who asked.
    pub asked_by: String,
    /// How many sessions.
    pub sessions: u64,
    /// Until when.
    pub until: Timestamp,
}

/// An ending that began without a second person.
#[derive(Clone, Debug)]
pub struct WentOnAlone {
    /// Its number.
    pub ending_no: i64,
    /// Who.
    pub by: String,
    /// Why it could not wait.
    pub why: String,
    /// Until when it is to be reviewed.
    pub review_due_at: Timestamp,
}
