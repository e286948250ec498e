//! The second person: who can approve, what they decide, and what happens when nobody is there.
//!
//! A request belongs to one preview and to the hash of its frozen set; it is decided once, in time, by somebody else
//! whose grants cover all of it. What makes one necessary is `confirm`'s; that nothing begins without it is the one
//! guarded update's in `store::freeze`.

use app::access::wire::Permission;
use app::civil::rfc3339;
use app::endings::wire::{ApprovalState, Confirm, Confirmed, Decision, SecondPerson};
use app::error::AppError;
use app::paths;
use app::wire::{Done, EndingId, OperatorId, Timestamp};

use super::Endings;
use super::confirm::{Left, checked_reason};
use super::page::known;
use super::store::approval::ApprovalRow;
use super::store::{self, EndingRow, approval, freeze};
use crate::audit::{Action, Entry};
use crate::caller::{Caller, CallerKind, SecondFactor};
use crate::changes::{bump_all, topic};
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;
use crate::outbox::{self, Event, Kind};

mod show;

/// Longest note of a decision, characters.
const LONGEST_NOTE: usize = 500;

/// Who could be the second person.
pub(in crate::endings) struct Approvers {
    /// Somebody besides the asker may approve endings somewhere: the rule of the second person is in force.
    pub anybody: bool,
    /// Names of those whose grants cover the whole set.
    pub who: Vec<String>,
}

fn conflict(words: impl Into<String>) -> Error {
    AppError::Conflict {
        message: words.into(),
    }
    .into()
}

fn is_asker(caller: &Caller, row: &EndingRow) -> bool {
    caller.kind.name() == row.caller_kind && caller.id.0 == row.caller_id
}

/// True when each of these scopes covers every session of a preview.
async fn covers_all(conn: &mut Conn, row: &EndingRow, scopes: &[&VisibleScope]) -> Result<bool, Error> {
    for scope in scopes {
        if freeze::outside(conn, &row.id(), scope).await? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Endings {
    /// The person behind an ending: who asked, or who made the token that did.
    async fn behind(&self, conn: &mut Conn, row: &EndingRow) -> Result<OperatorId, Error> {
        let access = &self.parts.access;
        access.person_behind(conn, &row.caller_kind, &row.caller_id).await
    }

    /// Who besides the asker could approve a preview.
    pub(in crate::endings) async fn approvers(
        &self,
        conn: &mut Conn,
        row: &EndingRow,
        now: Timestamp,
    ) -> Result<Approvers, Error> {
        let mut found = Approvers {
            anybody: false,
            who: Vec::new(),
        };
        let behind = self.behind(conn, row).await?;
        let holders = self
            .parts
            .access
            .holders(conn, Permission::ApproveEndings, now)
            .await?;
        for (id, name, grants) in holders {
            if id == behind {
                continue;
            }
            found.anybody = true;
            let approve = VisibleScope::of(&grants, Permission::ApproveEndings, now);
            let see = VisibleScope::of(&grants, Permission::SeeSessions, now);
            if covers_all(conn, row, &[&approve, &see]).await? {
                found.who.push(name);
            }
        }
        Ok(found)
    }

    /// Whether this caller can be the second person of a preview: a person, not the asker, with grants over all of it.
    async fn can_approve(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        row: &EndingRow,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let approve = caller.visible(Permission::ApproveEndings, now);
        let see = caller.visible(Permission::SeeSessions, now);
        Ok(caller.kind == CallerKind::Operator
            && !approve.is_empty()
            && caller.id != self.behind(conn, row).await?
            && covers_all(conn, row, &[&approve, &see]).await?)
    }

    /// Whether the asker is somebody who may approve all of this for others: only then they may go on alone.
    pub(in crate::endings) async fn could_go_on_alone(
        &self,
        conn: &mut Conn,
        asker: &Caller,
        row: &EndingRow,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let approve = asker.visible(Permission::ApproveEndings, now);
        Ok(asker.kind == CallerKind::Operator
            && !approve.is_empty()
            && covers_all(conn, row, &[&approve]).await?)
    }

    /// What keeps the asker from going on alone, in words; empty = nothing. `None` = not theirs to do at all.
    async fn alone(
        &self,
        conn: &mut Conn,
        asker: &Caller,
        row: &EndingRow,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        if !self.could_go_on_alone(conn, asker, row, now).await? {
            return Ok(None);
        }
        if asker.factor != SecondFactor::Set {
            return Ok(Some(
                "It needs a second factor, and you have none set up.".to_owned(),
            ));
        }
        if approval::review_overdue(conn, &asker.id, now).await? {
            let words = "The last time you went on alone has not been reviewed in time. Ask somebody to do that first.";
            return Ok(Some(words.to_owned()));
        }
        Ok(Some(String::new()))
    }

    /// Asks for a second person, inside the transaction of the confirmation; the same request again when it stands.
    pub(in crate::endings) async fn ask_second(
        &self,
        conn: &mut Conn,
        asker: &Caller,
        row: &EndingRow,
        confirm: &Confirm,
        second: SecondPerson,
        now: Timestamp,
    ) -> Result<Confirmed, Error> {
        let id = row.id();
        if let Some(asked) = approval::of(conn, &id).await? {
            return match asked.state(now) {
                ApprovalState::Waiting => Ok(Confirmed::AwaitingApproval {
                    expires_at: Timestamp(asked.expires_at),
                }),
                state => Err(conflict(over(state, &asked))),
            };
        }
        let expires_at = now.plus_seconds(second.for_s);
        let words = (confirm.reason.as_str(), confirm.ticket_ref.as_str());
        let behind = self.behind(conn, row).await?;
        approval::ask(conn, row, &behind, &second.why, words, now, expires_at).await?;
        let entry = Entry::by(asker, Action::ApprovalRequested)
            .ending(&id)
            .permission(Permission::EditUserSessions)
            .target(format!(
                "{} sessions of {} people",
                row.item_count, row.person_count
            ))
            .reason(
                &confirm.reason,
                Some(confirm.ticket_ref.clone()).filter(|t| !t.is_empty()),
            )
            .fact("why", serde_json::to_value(&second.why)?)
            .fact("snapshot_hash", row.snapshot_hash.clone());
        self.parts.audit.append(conn, &entry, now).await?;
        let event = Event::new(Kind::ApprovalRequested, paths::preview(&id))
            .fact("sessions", row.item_count)
            .fact("people", row.person_count)
            .fact(
                "requested_by",
                match asker.kind {
                    CallerKind::Operator => asker.login.clone(),
                    CallerKind::Token
                    | CallerKind::Rule
                    | CallerKind::App
                    | CallerKind::Signal
                    | CallerKind::System => asker.id.0.clone(),
                },
            )
            .fact("expires_at", rfc3339(expires_at));
        outbox::put(conn, &event, now).await?;
        Ok(Confirmed::AwaitingApproval { expires_at })
    }

    /// Decides a request; the number of the ending if it began.
    pub(in crate::endings) async fn decide(
        &self,
        caller: &Caller,
        ending: &EndingId,
        decision: Decision,
    ) -> Result<Option<i64>, Error> {
        let now = self.now();
        let missing = || Error::App(AppError::not_found("preview"));
        let (own, begins) = match &decision {
            Decision::Approve { .. } => (false, true),
            Decision::TurnDown { .. } => (false, false),
            Decision::Withdraw => (true, false),
            Decision::GoOnAlone { .. } => (true, true),
        };
        let note = match &decision {
            Decision::GoOnAlone { why } => checked_reason(why).map_err(|_| {
                AppError::invalid(
                    "why",
                    "Say why it can’t wait for a second person, in 3 to 500 characters.",
                )
            })?,
            Decision::Approve { note } | Decision::TurnDown { note } => checked_note(note)?,
            Decision::Withdraw => String::new(),
        };
        let mut conn = self.parts.db.write().await?;
        store::lock(&mut conn, ending).await?;
        self.parts.audit.lock(&mut conn).await?;
        let row = store::by_id(&mut conn, ending).await?.ok_or_else(missing)?;
        let asked = approval::of(&mut conn, ending).await?.ok_or_else(missing)?;
        let mine = is_asker(caller, &row);
        if !mine && !self.can_approve(&mut conn, caller, &row, now).await? {
            return Err(missing());
        }
        if mine && !own {
            return Err(conflict("You asked for this, so someone else must approve it."));
        }
        if !mine && own {
            return Err(conflict(
                "Only who asked for this can take it back or go on alone.",
            ));
        }
        if begins {
            caller.require_fresh_auth(now)?;
        }
        match asked.state(now) {
            ApprovalState::Waiting => {}
            state => return Err(conflict(over(state, &asked))),
        }
        let (state, action) = match decision {
            Decision::Approve { .. } => (ApprovalState::Approved, Action::ApprovalGranted),
            Decision::TurnDown { .. } => (ApprovalState::TurnedDown, Action::ApprovalDenied),
            Decision::Withdraw => (ApprovalState::Withdrawn, Action::ApprovalWithdrawn),
            Decision::GoOnAlone { .. } => match self.alone(&mut conn, caller, &row, now).await? {
                Some(words) if words.is_empty() => (ApprovalState::Overridden, Action::ApprovalOverridden),
                Some(words) => return Err(conflict(words)),
                None => {
                    return Err(conflict(
                        "Going on alone needs the right to approve all of this for others.",
                    ));
                }
            },
        };
        let review_due_at =
            (state == ApprovalState::Overridden).then(|| now.plus_seconds(self.parts.rules.review_s));
        if begins && freeze::snapshot_hash(&mut conn, ending).await? != asked.snapshot_hash {
            return Err(conflict(
                "The frozen set is not what was asked for any more. Nothing was started; it has to be asked anew.",
            ));
        }
        let by = (&caller.id, caller.name.as_str());
        if !approval::decide(&mut conn, ending, state, by, &note, review_due_at, now).await? {
            return Err(conflict(
                "Somebody else decided this just now. Load the page again.",
            ));
        }
        let entry = Entry::by(caller, action)
            .ending(ending)
            .permission(if own {
                Permission::EditUserSessions
            } else {
                Permission::ApproveEndings
            })
            .target(format!(
                "{} sessions of {} people, asked by {}",
                row.item_count, row.person_count, row.caller_name
            ))
            .fact("snapshot_hash", asked.snapshot_hash.clone());
        let entry = if note.is_empty() {
            entry
        } else {
            entry.reason(&note, None)
        };
        self.parts.audit.append(&mut conn, &entry, now).await?;
        let began = if begins {
            let ending_no = self.begin_approved(&mut conn, &row, &asked, now).await?;
            if state == ApprovalState::Overridden {
                let event = Event::new(Kind::ApprovalOverridden, paths::ending(ending_no))
                    .fact("ending_no", ending_no)
                    .fact("sessions", row.item_count)
                    .fact("people", row.person_count)
                    .fact("requested_by", caller.login.clone())
                    .fact("review_due_at", review_due_at.map(rfc3339));
                outbox::put(&mut conn, &event, now).await?;
            }
            Some(ending_no)
        } else {
            None
        };
        bump_all(
            &mut conn,
            &[topic::ENDINGS, &topic::ending(ending), topic::SESSIONS],
        )
        .await?;
        conn.commit().await?;
        self.tell();
        Ok(began)
    }

    /// Begins what was just decided, with the rights of the asker as they are now.
    async fn begin_approved(
        &self,
        conn: &mut Conn,
        row: &EndingRow,
        asked: &ApprovalRow,
        now: Timestamp,
    ) -> Result<i64, Error> {
        let id = OperatorId(row.caller_id.clone());
        let asker = match CallerKind::from_name(&row.caller_kind) {
            Some(kind) => self.parts.access.caller_behind(conn, kind, &id, now).await?,
            None => None,
        };
        let Some(asker) = asker else {
            return Err(conflict(format!(
                "{} can’t act in Curfew any more.",
                row.caller_name
            )));
        };
        let confirm = Confirm {
            reason: asked.reason.clone(),
            ticket_ref: asked.ticket_ref.clone().unwrap_or_default(),
            typed_number: String::new(),
            ..Confirm::default()
        };
        let left = self
            .leave_draft(conn, &asker, row, &confirm, now)
            .await
            .map_err(|error| match error {
                Error::App(AppError::Forbidden { .. }) => {
                    conflict(format!("{} may not end sessions any more.", row.caller_name))
                }
                other => other,
            })?;
        match left {
            Left::Started(ending_no) => Ok(ending_no),
            Left::Needs(_) => Err(conflict(
                "It was not approved in time, or not for this set. Nothing was started.",
            )),
        }
    }

    /// A preview for who made it, or for who can be its second person; the name of the asker for the latter.
    pub(in crate::endings) async fn preview_row(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        ending: &EndingId,
        now: Timestamp,
    ) -> Result<(EndingRow, Option<String>), Error> {
        let missing = || Error::App(AppError::not_found("preview"));
        if let Ok(row) = super::draft::own_preview(conn, caller, ending).await {
            return Ok((row, None));
        }
        let row = store::by_id(conn, ending).await?.ok_or_else(missing)?;
        if approval::of(conn, ending).await?.is_none() || !self.can_approve(conn, caller, &row, now).await? {
            return Err(missing());
        }
        let asked_by = row.caller_name.clone();
        Ok((row, Some(asked_by)))
    }

    /// Stores what the review of an ending that went on alone found.
    pub(in crate::endings) async fn review(
        &self,
        caller: &Caller,
        ending_no: i64,
        note: &str,
    ) -> Result<Done, Error> {
        let now = self.now();
        let mut conn = self.parts.db.write().await?;
        let row = known(&mut conn, caller, ending_no, now).await?;
        let permit = caller.authorize_somewhere(Permission::ApproveEndings, now)?;
        if !self.can_approve(&mut conn, caller, &row, now).await? {
            return Err(conflict(
                "It is reviewed by somebody else than who went on alone, with a grant over all of it.",
            ));
        }
        caller.require_fresh_auth(now)?;
        let note = checked_reason(note)
            .map_err(|_| AppError::invalid("note", "Say what you found, in 3 to 500 characters."))?;
        let id = row.id();
        let by = (&caller.id, caller.name.as_str());
        if !approval::review(&mut conn, &id, by, &note, now).await? {
            return Err(conflict("There is nothing to review here any more."));
        }
        let entry = Entry::by(caller, Action::OverrideReviewed)
            .ending(&id)
            .permission(permit.permission())
            .target(format!("Ending {ending_no}, by {} alone", row.caller_name))
            .reason(&note, None);
        self.parts.audit.append(&mut conn, &entry, now).await?;
        bump_all(&mut conn, &[topic::ENDINGS, &topic::ending(&id)]).await?;
        conn.commit().await?;
        self.tell();
        Ok(Done {
            message: "Your review is kept with the ending and in the audit.".to_owned(),
        })
    }
}

fn checked_note(text: &str) -> Result<String, AppError> {
    let note = text.trim().to_owned();
    if note.chars().count() > LONGEST_NOTE {
        let words = format!("A note has at most {LONGEST_NOTE} characters.");
        return Err(AppError::invalid("note", words));
    }
    Ok(note)
}

/// Why a request can't be decided (again).
fn over(state: ApprovalState, asked: &ApprovalRow) -> String {
    let who = asked.decided_by_name.as_deref().unwrap_or("somebody");
    match state {
        ApprovalState::Waiting => "It waits for a second person.".to_owned(),
        ApprovalState::Approved => format!("{who} approved it already: nothing is started twice."),
        ApprovalState::TurnedDown => format!("{who} turned it down. Make a new preview to ask again."),
        ApprovalState::Withdrawn => format!("{who} took it back. Make a new preview to ask again."),
        ApprovalState::Overridden => format!("{who} went on alone already."),
        ApprovalState::Expired => "Nobody decided in time. Make a new preview to ask again.".to_owned(),
    }
}
