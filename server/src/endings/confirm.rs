//! Confirming a preview: every rule about who, how many and why is asked here, then one guarded update.

use app::access::wire::Permission;
use app::endings::wire::Confirm;
use app::error::{AppError, FieldProblem};
use app::wire::{EndingId, Timestamp};

use super::Endings;
use super::draft::own_preview;
use super::store::{self, EndingRow, freeze};
use crate::audit::{Action, Entry};
use crate::caller::Caller;
use crate::changes::{bump_all, topic};
use crate::db::Conn;
use crate::domain::grant::About;
use crate::error::Error;

/// Length of a reason, characters.
const REASON: std::ops::RangeInclusive<usize> = 3..=500;
/// Longest ticket number, characters.
const LONGEST_TICKET: usize = 100;
/// The window of the hourly quota, seconds.
const HOUR_S: i64 = 3_600;

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
    /// Confirms a preview and gives its number; the same number again when it was confirmed already.
    pub(super) async fn confirm(
        &self,
        caller: &Caller,
        ending: &EndingId,
        confirm: Confirm,
    ) -> Result<i64, Error> {
        let now = self.now();
        let mut conn = self.parts.db.read().await?;
        let row = own_preview(&mut conn, caller, ending).await?;
        drop(conn);
        if let Some(ending_no) = row.ending_no {
            return Ok(ending_no);
        }
        let permit = caller.authorize_somewhere(Permission::EditUserSessions, now)?;
        caller.require_fresh_auth(now)?;
        let confirm = self.checked(&row, confirm)?;

        let mut conn = self.parts.db.write().await?;
        store::lock(&mut conn, ending).await?;
        // From here on nobody else confirms: numbers and quotas can't be taken twice.
        self.parts.audit.lock(&mut conn).await?;
        let row = own_preview(&mut conn, caller, ending).await?;
        if let Some(ending_no) = row.ending_no {
            return Ok(ending_no);
        }
        if let Some(words) = self.blocked(&mut conn, caller, &row, now).await? {
            return Err(AppError::Conflict { message: words }.into());
        }
        let ending_no = freeze::next_no(&mut conn).await?;
        if !freeze::confirm(&mut conn, ending, ending_no, &confirm, now).await? {
            let message = "This preview is too old. Open it anew; the set is frozen again.".to_owned();
            return Err(AppError::Conflict { message }.into());
        }
        let entry = Entry::by(caller, Action::EndingRequested)
            .ending(ending)
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
            .fact("protected", row.include_protected == 1);
        self.parts.audit.append(&mut conn, &entry, now).await?;
        bump_all(
            &mut conn,
            &[topic::ENDINGS, &topic::ending(ending), topic::SESSIONS],
        )
        .await?;
        conn.commit().await?;
        self.tell();
        Ok(ending_no)
    }

    /// The form, checked and tidied; each bad field by name.
    fn checked(&self, row: &EndingRow, confirm: Confirm) -> Result<Confirm, AppError> {
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
        if problems.is_empty() {
            Ok(Confirm {
                reason,
                ticket_ref,
                typed_number: typed,
            })
        } else {
            Err(AppError::Invalid { problems })
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
        if caller
            .authorize(Permission::ManageAccess, About::Portal, now)
            .is_ok()
        {
            return Ok(None);
        }
        let since = now.plus_seconds(-HOUR_S);
        let (asked, oldest) = freeze::asked_since(conn, &caller.id, since).await?;
        Ok(Some(Quota {
            left: self.parts.rules.most_per_hour.saturating_sub(asked),
            more_at: oldest.unwrap_or(now).plus_seconds(HOUR_S),
        }))
    }

    /// Why this caller can't confirm this preview now, in words; `None` = they can.
    pub(super) async fn blocked(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        row: &EndingRow,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        let items = row.item_count.unsigned_abs();
        if items == 0 {
            let words = "Nothing is left to end: every row was left out, for the reasons below.";
            return Ok(Some(words.to_owned()));
        }
        if now.0 >= row.expires_at {
            let words = "This preview is too old. Open it anew; the set is frozen again.";
            return Ok(Some(words.to_owned()));
        }
        let may_end = caller.visible(Permission::EditUserSessions, now);
        let outside = freeze::outside(conn, &row.id(), &may_end).await?;
        if outside > 0 {
            let words = format!(
                "Your grants do not cover {outside} of these sessions any more. Open the preview anew to leave them out."
            );
            return Ok(Some(words));
        }
        let Some(quota) = self.quota(conn, caller, now).await? else {
            return Ok(None);
        };
        let most = self.parts.rules.most_per_act;
        if items > most {
            let words = format!(
                "Without “{}” one ending takes at most {most} sessions; these are {items}. Select fewer.",
                Permission::ManageAccess.label()
            );
            return Ok(Some(words));
        }
        if items > quota.left {
            let minutes = (quota.more_at.since(now) / 60_000).max(0) + 1;
            let words = format!(
                "You may end {} sessions an hour and have {} left; these are {items}. More are free in {minutes} min.",
                self.parts.rules.most_per_hour, quota.left
            );
            return Ok(Some(words));
        }
        Ok(None)
    }
}
