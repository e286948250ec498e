//! Due items, with the rights of those who asked for them as they are now; what needs no reading is settled at once.

use std::collections::{BTreeMap, HashMap, HashSet};

use app::access::wire::Permission;
use app::endings::wire::{EndingState, Outcome};
use app::wire::{EndingId, OperatorId, SessionKey, SystemId, Timestamp};
use sea_query::{Alias, Cond, Expr, ExprTrait};

use super::Item;
use crate::caller::CallerKind;
use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::ending::{Asking, Facts, Said};
use crate::domain::policy::OWN_SYSTEM;
use crate::endings::Endings;
use crate::endings::results::Change;
use crate::endings::store::{self, work};
use crate::error::Error;

/// What who asked may end now, of the items of one ending.
struct Right {
    /// Keys.
    may_end: HashSet<String>,
    /// Keys of people who are protected by now and whom they may not end.
    spared: HashSet<String>,
    /// Operators whose portal sessions are out of their reach.
    outranking: HashSet<OperatorId>,
}

impl Endings {
    /// Up to `most` due items, with the rights of those who asked for them as they are now.
    pub(super) async fn take(
        &self,
        system: &SystemId,
        in_hand: &HashSet<(EndingId, SessionKey)>,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        let mut conn = self.parts.db.read().await?;
        let paused = store::pause(&mut conn).await?.is_some();
        // What is in hand is due too, to whoever comes after us. Mostly nothing else is, and counting costs a tenth of reading.
        if !in_hand.is_empty()
            && work::count_due(&mut conn, system, paused, now).await? <= in_hand.len() as u64
        {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(most.saturating_add(in_hand.len())).unwrap_or(i64::MAX);
        let mut rows = work::due_items(&mut conn, system, paused, now, limit).await?;
        rows.retain(|row| {
            let name = (
                EndingId(row.ending_id.clone()),
                SessionKey(row.session_key.clone()),
            );
            !in_hand.contains(&name)
        });
        rows.truncate(most);
        let mut by_ending: BTreeMap<&str, Vec<&work::DueItem>> = BTreeMap::new();
        for row in &rows {
            by_ending.entry(&row.ending_id).or_default().push(row);
        }
        let mut rights: HashMap<String, Option<Right>> = HashMap::new();
        for (ending, of_it) in by_ending {
            let right = self.right(&mut conn, system, &of_it, now).await?;
            rights.insert(ending.to_owned(), right);
        }
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            let lost = match rights.get(&row.ending_id).and_then(Option::as_ref) {
                None => Some(format!(
                    "{} can't act in Curfew any more, so it was not asked.",
                    row.caller_name
                )),
                Some(right) if !right.covers(system, &row) => Some(format!(
                    "The right of {} to end it was taken away.",
                    row.caller_name
                )),
                Some(right) if right.spared.contains(&row.session_key) => Some(format!(
                    "This person is protected now, and {} may not end protected people.",
                    row.caller_name
                )),
                Some(_) => None,
            };
            let state = EndingState::from_name(&row.ending_state);
            let asking = match state {
                Some(EndingState::Waiting | EndingState::Running) if lost.is_some() => Asking::Over,
                Some(EndingState::Waiting | EndingState::Running) if !paused => Asking::Open,
                Some(EndingState::Cancelled) => Asking::Over,
                _ => Asking::Held,
            };
            items.push(Item {
                ending: EndingId(row.ending_id.clone()),
                key: SessionKey(row.session_key.clone()),
                facts: Facts {
                    asks: usize::try_from(row.attempts).unwrap_or(0),
                    said: Said::from_name(row.answer.as_deref().unwrap_or_default()),
                    in_doubt: row.attempts > 0 && row.answer.is_none(),
                    looks: usize::try_from(row.looks).unwrap_or(0),
                    rotated: row.rotated_key.is_some(),
                    asking,
                },
                over: lost,
                row,
            });
        }
        Ok(items)
    }

    /// What who asked for an ending may end now, of these items of it; `None` = they can't act any more.
    async fn right(
        &self,
        conn: &mut Conn,
        system: &SystemId,
        items: &[&work::DueItem],
        now: Timestamp,
    ) -> Result<Option<Right>, Error> {
        let Some(first) = items.first() else {
            return Ok(None);
        };
        let access = &self.parts.access;
        let Some(kind) = CallerKind::from_name(&first.caller_kind) else {
            return Ok(None);
        };
        let id = OperatorId(first.caller_id.clone());
        let caller = match kind {
            CallerKind::App => {
                let ending = EndingId(first.ending_id.clone());
                self.app_behind(conn, &ending, &id).await?
            }
            CallerKind::Signal => {
                let ending = EndingId(first.ending_id.clone());
                self.signal_behind(conn, &ending, &id).await?
            }
            _ => access.caller_behind(conn, kind, &id, now).await?,
        };
        let Some(caller) = caller else {
            return Ok(None);
        };
        let keys = || items.iter().map(|i| i.session_key.clone());
        let of_it = Cond::all().add(Expr::col(Alias::new("ending_id")).eq(first.ending_id.clone()));
        let may_end = caller
            .visible(Permission::EditUserSessions, now)
            .among(conn, Rows::Items, "session_key", keys(), of_it.clone())
            .await?;
        let mut spared = access
            .protected(conn, now)
            .await?
            .among(conn, Rows::Items, "session_key", keys(), of_it.clone())
            .await?;
        if !spared.is_empty() {
            let forced = caller
                .visible(Permission::ForceEnd, now)
                .among(conn, Rows::Items, "session_key", spared.clone(), of_it)
                .await?;
            spared.retain(|key| !forced.contains(key));
        }
        Ok(Some(Right {
            may_end,
            spared,
            outranking: match system.as_str() {
                OWN_SYSTEM => access.outranking(conn, &caller, now).await?,
                _ => HashSet::new(),
            },
        }))
    }

    /// Settles what was never sent and never will be: no need to read the system for it.
    pub(super) fn not_worth_reading(&self, items: &mut Vec<Item>) -> Vec<Change> {
        drain(items, |i| i.facts.asks == 0 && i.facts.asking == Asking::Over)
            .into_iter()
            .map(|i| i.became(Outcome::Stopped, i.over.clone(), None))
            .collect()
    }
}

impl Right {
    fn covers(&self, system: &SystemId, row: &work::DueItem) -> bool {
        let out_of_reach =
            system.as_str() == OWN_SYSTEM && self.outranking.contains(&OperatorId(row.account_id.clone()));
        self.may_end.contains(&row.session_key) && !out_of_reach
    }
}

/// Settles what was never sent to a system that can't end single sessions.
pub(super) fn unsupported(items: &mut Vec<Item>) -> Vec<Change> {
    drain(items, |i| i.facts.asks == 0)
        .into_iter()
        .map(|i| {
            let words = "This system can't end single sessions.".to_owned();
            i.became(Outcome::Unsupported, Some(words), None)
        })
        .collect()
}

/// Takes the items out that fit.
fn drain(items: &mut Vec<Item>, fits: impl Fn(&Item) -> bool) -> Vec<Item> {
    let (out, kept) = std::mem::take(items).into_iter().partition(|i| fits(i));
    *items = kept;
    out
}
