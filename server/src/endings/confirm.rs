//! Confirming a preview: every rule about who, how many and why is asked here, then one guarded update.
//!
//! [`Endings::leave_draft`] is the only way out of `draft`: whoever comes (the form, the API, a second person who
//! approves), the rules are asked there.

use app::access::wire::Permission;
use app::endings::wire::{Confirm, Confirmed, NOTICE, NeedsSecond, SecondPerson, seen_words};
use app::error::{AppError, FieldProblem};
use app::wire::{EndingId, Timestamp};

use super::Endings;
use super::draft::own_preview;
use super::page::name_of;
use super::plan::{Plan, planned};
use super::store::{self, EndingRow, freeze};
use crate::audit::{Action, Entry};
use crate::caller::{Caller, CallerKind};
use crate::changes::{bump_all, topic};
use crate::db::Conn;
use crate::domain::grant::{About, VisibleScope};
use crate::error::Error;

/// Length of a reason, characters.
const REASON: std::ops::RangeInclusive<usize> = 3..=500;
/// Longest ticket number, characters.
const LONGEST_TICKET: usize = 100;
/// What a preview that can't be confirmed any more says.
pub(super) const TOO_OLD: &str = "This preview is too old. Open it anew; the set is frozen again.";
/// The window of the hourly quota, seconds.
const HOUR_S: i64 = 3_600;

/// How a preview can begin now.
pub(super) enum Way {
    /// The asker alone may begin it.
    Alone,
    /// Somebody else has to approve.
    SecondPerson(SecondPerson),
    /// It can't, in words.
    Blocked(String),
}

/// What became of an attempt to begin.
pub(super) enum Left {
    /// It began, under this number.
    Started(i64),
    /// A second person is needed and has not approved this set.
    Needs(SecondPerson),
}

/// What a caller without ManageAccess has left.
pub(super) struct Quota {
    /// Sessions they may still ask to end within the hour.
    pub left: u64,
    /// When more are free again.
    pub more_at: Timestamp,
}

/// A reason as a person typed it, made tidy; the sentence says what is wrong.
pub(super) fn checked_reason(text: &str) -> Result<String, AppError> {
    let reason = text.trim().to_owned();
    if REASON.contains(&reason.chars().count()) {
        Ok(reason)
    } else {
        let words = format!("Say why, in {} to {} characters.", REASON.start(), REASON.end());
        Err(AppError::invalid("reason", words))
    }
}

impl Endings {
    /// Confirms a preview, or asks for the second person it needs; the same answer again when that was done already.
    pub(super) async fn confirm(
        &self,
        caller: &Caller,
        ending: &EndingId,
        confirm: Confirm,
    ) -> Result<Confirmed, Error> {
        let now = self.now();
        let mut conn = self.parts.db.read().await?;
        let row = own_preview(&mut conn, caller, ending).await?;
        drop(conn);
        if let Some(ending_no) = row.ending_no {
            return Ok(Confirmed::Started(ending_no));
        }
        caller.authorize_somewhere(Permission::EditUserSessions, now)?;
        caller.require_fresh_auth(now)?;
        let (confirm, plan) = self.checked(&row, confirm, now)?;

        let mut conn = self.parts.db.write().await?;
        store::lock(&mut conn, ending).await?;
        // From here on nobody else confirms: numbers and quotas can't be taken twice.
        self.parts.audit.lock(&mut conn).await?;
        let mut row = own_preview(&mut conn, caller, ending).await?;
        if let Some(ending_no) = row.ending_no {
            return Ok(Confirmed::Started(ending_no));
        }
        if plan.notice.is_some() && !self.told_of(&mut conn, ending).await?.anybody() {
            let words = "Nobody would be told: no webhook takes “people.notice”, and none of these sessions is in Curfew.";
            return Err(AppError::invalid(NOTICE, words).into());
        }
        if store::approval::of(&mut conn, ending).await?.is_none() {
            self.keep_plan(&mut conn, ending, &plan).await?;
            row = own_preview(&mut conn, caller, ending).await?;
        }
        let confirmed = match self.leave_draft(&mut conn, caller, &row, &confirm, now).await? {
            Left::Started(ending_no) => Confirmed::Started(ending_no),
            Left::Needs(second) => {
                self.ask_second(&mut conn, caller, &row, &confirm, second, now)
                    .await?
            }
        };
        bump_all(
            &mut conn,
            &[topic::ENDINGS, &topic::ending(ending), topic::SESSIONS],
        )
        .await?;
        conn.commit().await?;
        self.tell();
        Ok(confirmed)
    }

    /// Turns a preview into an ending if the rules, as they are now, let `asker` do it: alone, or because a second
    /// person approved this very set. The caller holds the locks of the ending and the log.
    pub(super) async fn leave_draft(
        &self,
        conn: &mut Conn,
        asker: &Caller,
        row: &EndingRow,
        confirm: &Confirm,
        now: Timestamp,
    ) -> Result<Left, Error> {
        let permit = asker.authorize_somewhere(Permission::EditUserSessions, now)?;
        let second = match self.way(conn, asker, row, now).await? {
            Way::Blocked(message) => return Err(AppError::Conflict { message }.into()),
            Way::SecondPerson(second) => Some(second),
            Way::Alone => None,
        };
        let id = row.id();
        let ending_no = freeze::next_no(conn).await?;
        let begins_at = row.begins_at(now);
        let ahead = begins_at.filter(|at| *at > now);
        let notice = match (&row.notice, ahead) {
            (Some(text), Some(at)) => Some((at, seen_words(text, at, now))),
            _ => None,
        };
        let go = freeze::Go {
            ending_no,
            needs_second: second.is_some(),
            begins_at,
            stage_until: self.stage_until(ahead.unwrap_or(now)),
            notice: notice.as_ref().map(|(_, words)| words.as_str()),
        };
        if !freeze::confirm(conn, &id, &go, confirm, now).await? {
            return match second {
                Some(second) => Ok(Left::Needs(second)),
                None => Err(AppError::Conflict {
                    message: TOO_OLD.to_owned(),
                }
                .into()),
            };
        }
        let entry = Entry::by(asker, Action::EndingRequested)
            .ending(&id)
            .permission(permit.permission())
            .target(format!(
                "{} sessions of {} people",
                row.item_count, row.person_count
            ))
            .reason(
                &confirm.reason,
                Some(confirm.ticket_ref.clone()).filter(|t| !t.is_empty()),
            )
            .fact("ending_no", ending_no)
            .fact("items", row.item_count)
            .fact("systems", row.system_count)
            .fact("left_out", row.left_out_count)
            .fact("snapshot_hash", row.snapshot_hash.clone())
            .fact("own", row.include_own == 1)
            .fact("protected", row.include_protected == 1)
            .fact("second_person", second.is_some())
            .fact("begins_at", begins_at.map(|at| at.0))
            .fact("people_told", notice.as_ref().map(|(_, words)| words.clone()));
        if let Some((at, words)) = &notice {
            self.announce(conn, row, ending_no, (*at, words), now).await?;
        }
        self.parts.audit.append(conn, &entry, now).await?;
        Ok(Left::Started(ending_no))
    }

    /// The form, checked and tidied; each bad field by name.
    fn checked(
        &self,
        row: &EndingRow,
        confirm: Confirm,
        now: Timestamp,
    ) -> Result<(Confirm, Plan), AppError> {
        let mut problems = Vec::new();
        let mut part = |checked: Result<String, AppError>| {
            checked.unwrap_or_else(|error| {
                if let AppError::Invalid { problems: found } = error {
                    problems.extend(found);
                }
                String::new()
            })
        };
        let reason = part(checked_reason(&confirm.reason));
        let ticket_ref = part(self.checked_ticket(&confirm.ticket_ref));
        let mut problem = |field: &str, message: String| {
            problems.push(FieldProblem {
                field: field.to_owned(),
                message,
            })
        };
        let typed: String = confirm
            .typed_number
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ',')
            .collect();
        if let Some(number) = self.type_number(row)
            && typed != number.to_string()
        {
            problem(
                "typed_number",
                format!("Type {number}, the number of sessions, to confirm it."),
            );
        }
        match planned(&confirm, now) {
            Ok(plan) if problems.is_empty() => {
                let confirm = Confirm {
                    reason,
                    ticket_ref,
                    typed_number: typed,
                    ..confirm
                };
                Ok((confirm, plan))
            }
            Ok(_) => Err(AppError::Invalid { problems }),
            Err(more) => {
                problems.extend(more);
                Err(AppError::Invalid { problems })
            }
        }
    }

    /// A ticket number as a person typed it, made tidy; the sentence says what is wrong.
    pub(super) fn checked_ticket(&self, text: &str) -> Result<String, AppError> {
        let ticket_ref = text.trim().to_owned();
        if ticket_ref.is_empty() && self.parts.rules.ticket_required {
            return Err(AppError::invalid(
                "ticket_ref",
                "A ticket number is required here.",
            ));
        }
        if ticket_ref.chars().count() > LONGEST_TICKET {
            let words = format!("A ticket number has at most {LONGEST_TICKET} characters.");
            return Err(AppError::invalid("ticket_ref", words));
        }
        Ok(ticket_ref)
    }

    /// The number that has to be typed; `None` = the set is small.
    pub(super) fn type_number(&self, row: &EndingRow) -> Option<u64> {
        let items = row.item_count.unsigned_abs();
        (items > self.parts.rules.type_number_above).then_some(items)
    }

    /// What the caller has left of the hourly quota; `None` = no quota: they hold ManageAccess.
    pub(super) async fn quota(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Option<Quota>, Error> {
        let manages = caller
            .authorize(Permission::ManageAccess, About::Portal, now)
            .is_ok();
        // An app or a signal acts for one person at a time, and at its own rate; the people of both are many.
        if manages || matches!(caller.kind, CallerKind::App | CallerKind::Signal) {
            return Ok(None);
        }
        let since = now.plus_seconds(-HOUR_S);
        let (asked, oldest) = freeze::asked_since(conn, &caller.id, since).await?;
        Ok(Some(Quota {
            left: self.parts.rules.most_per_hour.saturating_sub(asked),
            more_at: oldest.unwrap_or(now).plus_seconds(HOUR_S),
        }))
    }

    /// How this preview can begin now, asked for by `asker`.
    pub(super) async fn way(
        &self,
        conn: &mut Conn,
        asker: &Caller,
        row: &EndingRow,
        now: Timestamp,
    ) -> Result<Way, Error> {
        if let Some(words) = self.blocked(conn, asker, row, now).await? {
            return Ok(Way::Blocked(words));
        }
        let items = row.item_count.unsigned_abs();
        let rules = &self.parts.rules;
        let quota = self.quota(conn, asker, now).await?;
        let mut why = Vec::new();
        if items > rules.most_per_act {
            why.push(NeedsSecond::Size {
                above: rules.most_per_act,
            });
        }
        if let Some(quota) = quota.as_ref().filter(|quota| items > quota.left) {
            why.push(NeedsSecond::OverQuota {
                left: quota.left,
                per_hour: rules.most_per_hour,
            });
        }
        if row.include_protected == 1 {
            why.push(NeedsSecond::Protected);
        }
        let whole = row.whole_systems();
        if !whole.is_empty() {
            let names = self.parts.systems.names(conn).await?;
            why.push(NeedsSecond::Everybody {
                systems: whole.iter().map(|id| name_of(&names, id.as_str())).collect(),
            });
        }
        if why.is_empty() {
            return Ok(Way::Alone);
        }
        let approvers = self.approvers(conn, row, now).await?;
        if !approvers.anybody {
            // There is no second person: then one's own limits are all there is.
            return Ok(match quota {
                Some(quota) => self.alone_within(items, &quota, now),
                None => Way::Alone,
            });
        }
        if approvers.who.is_empty() && !self.could_go_on_alone(conn, asker, row, now).await? {
            let words = "A second person has to approve this, and nobody who may approve holds a grant over all of \
                         it. End it in parts, by system or site.";
            return Ok(Way::Blocked(words.to_owned()));
        }
        Ok(Way::SecondPerson(SecondPerson {
            why,
            who: approvers.who,
            for_s: rules.approval_s,
        }))
    }

    /// The limits of who does not hold ManageAccess, where nobody could approve more.
    fn alone_within(&self, items: u64, quota: &Quota, now: Timestamp) -> Way {
        let rules = &self.parts.rules;
        if items > rules.most_per_act {
            return Way::Blocked(format!(
                "Without “{}” one ending takes at most {} sessions; these are {items}. Select fewer.",
                Permission::ManageAccess.label(),
                rules.most_per_act
            ));
        }
        if items > quota.left {
            let minutes = (quota.more_at.since(now) / 60_000).max(0) + 1;
            return Way::Blocked(format!(
                "You may end {} sessions an hour and have {} left; these are {items}. More are free in {minutes} min.",
                rules.most_per_hour, quota.left
            ));
        }
        Way::Alone
    }

    /// Why nobody can begin this preview for `asker`, in words; `None` = nothing stands in the way.
    async fn blocked(
        &self,
        conn: &mut Conn,
        asker: &Caller,
        row: &EndingRow,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        if row.item_count == 0 {
            let words = "Nothing is left to end: every row was left out, for the reasons below.";
            return Ok(Some(words.to_owned()));
        }
        if now.0 >= row.expires_at {
            return Ok(Some(TOO_OLD.to_owned()));
        }
        let may_end = asker.visible(Permission::EditUserSessions, now);
        let outside = freeze::outside(conn, &row.id(), &may_end).await?;
        if outside > 0 {
            return Ok(Some(format!(
                "The grants of {} do not cover {outside} of these sessions any more. Open the preview anew to leave \
                 them out.",
                asker.name
            )));
        }
        let force = match row.include_protected {
            1 => asker.visible(Permission::ForceEnd, now),
            _ => VisibleScope::default(),
        };
        let listed = self.parts.access.protected(conn, now).await?;
        let protected = freeze::protected(conn, &row.id(), &listed, &force).await?;
        if protected > 0 {
            return Ok(Some(format!(
                "{protected} of these sessions belong to protected people now. Open the preview anew to leave them out."
            )));
        }
        Ok(None)
    }
}
