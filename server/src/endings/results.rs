//! Storing what became of sessions: items, inventory, audit, and the end of an ending, in one transaction per batch.

use std::collections::{BTreeMap, BTreeSet};

use app::audit::wire::AuditResult;
use app::endings::wire::Outcome;
use app::paths;
use app::sessions::wire::SessionKind;
use app::wire::{EndingId, OperatorId, SessionKey, SystemId, Timestamp};

use super::Endings;
use super::store::{self, stages, work};
use crate::audit::{Action, Entry};
use crate::changes::{bump_all, topic};
use crate::connectors::Residual;
use crate::db::Conn;
use crate::domain::ending::Said;
use crate::error::Error;
use crate::keys::sha256_hex;
use crate::outbox::{self, Event, Kind};
use crate::schedule::{self, Held};

/// Most items of one transaction. Fewer cost more: neighbours on a page of the database are written once each.
const PER_WRITE: usize = 2_000;
/// Most items of one audit entry.
const PER_ENTRY: usize = 500;
/// Tries of a transaction that collided with another one.
const TRIES: u32 = 4;

/// What is to be stored of an item.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub ending: EndingId,
    pub key: SessionKey,
    pub account_name: String,
    pub kind: SessionKind,
    /// What the system said to the newest ask; `None` = it was never asked.
    pub said: Option<Said>,
    pub became: Became,
}

/// What became of an item.
#[derive(Clone, Debug)]
pub(super) enum Became {
    /// It has its outcome.
    Settled {
        outcome: Outcome,
        /// `None` = the words that stand there stay.
        words: Option<String>,
        /// When the system was read for it.
        read_back_at: Option<Timestamp>,
        /// The session under its new id, gone too.
        also: Option<SessionKey>,
    },
    /// It is looked at again then.
    Waits { at: Timestamp, told: bool },
}

impl Endings {
    /// Stores changes of one system, in batches. `residual` = how long something ended there may still work.
    pub(super) async fn write(
        &self,
        held: &Held,
        system: &SystemId,
        changes: Vec<Change>,
        residual: Option<Residual>,
    ) -> Result<(), Error> {
        for batch in changes.chunks(PER_WRITE) {
            let mut tries = 0;
            loop {
                tries += 1;
                match self.write_batch(held, system, batch, residual).await {
                    Err(Error::Database(cause)) if tries < TRIES && collided(&cause) => {
                        tracing::debug!(%cause, "a write collided with another one; once more");
                    }
                    other => break other?,
                }
            }
        }
        Ok(())
    }

    async fn write_batch(
        &self,
        held: &Held,
        system: &SystemId,
        batch: &[Change],
        residual: Option<Residual>,
    ) -> Result<(), Error> {
        let now = self.now();
        let mut conn = self.parts.db.write().await?;
        schedule::check_epoch(&mut conn, held.lease()).await?;
        let endings: BTreeSet<&EndingId> = batch.iter().map(|c| &c.ending).collect();
        for ending in &endings {
            store::lock(&mut conn, ending).await?;
        }
        let mut topics = Vec::new();
        let (mut settled_any, mut next_stage) = (false, false);
        for ending in &endings {
            let own: Vec<&Change> = batch.iter().filter(|c| c.ending == **ending).collect();
            store_waits(&mut conn, ending, &own).await?;
            if store_outcomes(&mut conn, ending, &own, residual, now).await? {
                settled_any = true;
                if let Some(aftermath) = self.aftermath.get() {
                    aftermath.gone(&mut conn, ending, system, now).await?;
                }
            }
            topics.push(topic::ending(ending));
        }
        store_sessions(&mut conn, batch, now).await?;
        for ending in &endings {
            let own: Vec<&Change> = batch.iter().filter(|c| c.ending == **ending).collect();
            for own in settled(&own).chunks(PER_ENTRY) {
                let entry = result_entry(ending, system, own);
                self.parts.audit.append(&mut conn, &entry, now).await?;
            }
            if !work::any_open(&mut conn, ending).await? {
                self.settle(&mut conn, ending, now).await?;
                topics.push(topic::ENDINGS.to_owned());
            } else if settled_any {
                next_stage |= stages::advance(&mut conn, ending).await?;
            }
        }
        if settled_any {
            topics.push(topic::sessions(system));
        }
        bump_all(&mut conn, &topics.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        conn.commit().await?;
        self.parts.changes.wake();
        if next_stage {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// The last outcome is there: says so, and plans the watch for people who come back.
    pub(super) async fn settle(
        &self,
        conn: &mut Conn,
        ending: &EndingId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let outcomes = work::outcomes(conn, ending).await?;
        let count = |fits: fn(Outcome) -> bool| -> i64 {
            let fitting = outcomes
                .iter()
                .filter(|(o, _)| Outcome::from_name(o).is_some_and(fits));
            fitting.map(|(_, n)| n).sum()
        };
        let (gone, left) = (count(Outcome::gone), count(|o| !o.gone()));
        let rules = &self.parts.rules;
        let watch = (gone > 0).then(|| {
            (
                now.plus_seconds(rules.first_watch_s),
                now.plus_seconds(rules.watch_s),
            )
        });
        if !work::settle_ending(conn, ending, watch, now).await? {
            return Ok(());
        }
        let mut entry = Entry::curfew(Action::EndingSettled)
            .ending(ending)
            .target(format!("{gone} sessions are gone, {left} are not"))
            .result(if left == 0 {
                AuditResult::Ok
            } else {
                AuditResult::Failed
            });
        for (outcome, items) in &outcomes {
            entry = entry.fact(outcome, *items);
        }
        self.tell_others(conn, ending, outcomes, now).await?;
        self.parts.audit.append(conn, &entry, now).await?;
        Ok(())
    }

    /// Puts the settled ending into the outbox: how it went, never whose sessions and why.
    async fn tell_others(
        &self,
        conn: &mut Conn,
        ending: &EndingId,
        outcomes: Vec<(String, i64)>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(row) = store::by_id(conn, ending).await? else {
            return Ok(());
        };
        let Some(ending_no) = row.ending_no else {
            return Ok(());
        };
        let asker = OperatorId(row.caller_id.clone());
        let login = self.parts.access.login_and_name(conn, &asker).await?;
        let counts: serde_json::Map<String, serde_json::Value> =
            outcomes.into_iter().map(|(o, n)| (o, n.into())).collect();
        let event = Event::new(Kind::EndingSettled, paths::ending(ending_no))
            .fact("ending_no", ending_no)
            .fact("state", row.state)
            .fact("counts", counts)
            // A rule, or somebody who was disabled meanwhile, goes by the id.
            .fact("requested_by", login.map_or(row.caller_id, |(login, _)| login));
        outbox::put(conn, &event, now).await
    }
}

/// PostgreSQL found two transactions waiting for each other, and gave one up.
fn collided(cause: &sqlx::Error) -> bool {
    let code = cause.as_database_error().and_then(|e| e.code());
    matches!(code.as_deref(), Some("40P01" | "40001"))
}

async fn store_waits(conn: &mut Conn, ending: &EndingId, changes: &[&Change]) -> Result<(), Error> {
    let mut same: BTreeMap<(Timestamp, bool, Option<Said>), Vec<SessionKey>> = BTreeMap::new();
    for change in changes {
        if let Became::Waits { at, told } = change.became {
            same.entry((at, told, change.said))
                .or_default()
                .push(change.key.clone());
        }
    }
    for ((at, told, said), keys) in same {
        work::wait_items(conn, ending, &keys, at, told, said).await?;
    }
    Ok(())
}

async fn store_outcomes(
    conn: &mut Conn,
    ending: &EndingId,
    changes: &[&Change],
    residual: Option<Residual>,
    now: Timestamp,
) -> Result<bool, Error> {
    type Group<'a> = (
        Outcome,
        Option<&'a str>,
        Option<Timestamp>,
        Option<Said>,
        Option<i64>,
    );
    let mut same: BTreeMap<Group<'_>, Vec<SessionKey>> = BTreeMap::new();
    for change in changes {
        if let Became::Settled {
            outcome,
            words,
            read_back_at,
            ..
        } = &change.became
        {
            let ended = matches!(outcome, Outcome::Ended | Outcome::Rotated);
            let residual_s = residual
                .filter(|_| ended)
                .and_then(|residual| residual.seconds_of(change.kind));
            let group = (*outcome, words.as_deref(), *read_back_at, change.said, residual_s);
            same.entry(group).or_default().push(change.key.clone());
        }
    }
    let any = !same.is_empty();
    for ((outcome, words, read_back_at, said, residual_s), keys) in same {
        let settled = work::Settled {
            outcome,
            words,
            said,
            read_back_at,
            residual_until: residual_s.map(|s| now.plus_seconds(s)),
        };
        work::settle_items(conn, ending, &keys, &settled, now).await?;
    }
    Ok(any)
}

/// Turns the inventory's rows of what is gone, in the order of keys.
async fn store_sessions(conn: &mut Conn, batch: &[Change], now: Timestamp) -> Result<(), Error> {
    let mut ended = Vec::new();
    let mut vanished = Vec::new();
    for change in batch {
        match &change.became {
            Became::Settled {
                outcome: Outcome::Ended | Outcome::Rotated,
                also,
                ..
            } => {
                ended.push(change.key.clone());
                ended.extend(also.clone());
            }
            Became::Settled {
                outcome: Outcome::AlreadyGone,
                ..
            } => vanished.push(change.key.clone()),
            Became::Settled { .. } | Became::Waits { .. } => {}
        }
    }
    for (mut keys, by_us) in [(ended, true), (vanished, false)] {
        keys.sort();
        if !keys.is_empty() {
            work::sessions_gone(conn, &keys, by_us, now).await?;
        }
    }
    Ok(())
}

/// The changes that are outcomes, in the order of keys.
fn settled<'c>(changes: &[&'c Change]) -> Vec<(&'c Change, Outcome)> {
    let mut settled: Vec<(&Change, Outcome)> = changes
        .iter()
        .filter_map(|c| match c.became {
            Became::Settled { outcome, .. } => Some((*c, outcome)),
            Became::Waits { .. } => None,
        })
        .collect();
    settled.sort_by(|a, b| a.0.key.cmp(&b.0.key));
    settled
}

/// One entry for these outcomes, with a hash over their items.
fn result_entry(ending: &EndingId, system: &SystemId, settled: &[(&Change, Outcome)]) -> Entry {
    let mut counts: BTreeMap<Outcome, u64> = BTreeMap::new();
    let mut text = String::new();
    for (change, outcome) in settled {
        *counts.entry(*outcome).or_default() += 1;
        text.push_str(change.key.as_str());
        text.push(' ');
        text.push_str(outcome.name());
        text.push('\n');
    }
    let words: Vec<String> = counts
        .iter()
        .map(|(o, n)| format!("{n} {}", o.label().to_lowercase()))
        .collect();
    let result = if counts.keys().all(|o| o.gone()) {
        AuditResult::Ok
    } else if counts.contains_key(&Outcome::Unknown) {
        AuditResult::Unknown
    } else if counts.contains_key(&Outcome::Refused) || counts.contains_key(&Outcome::Stopped) {
        AuditResult::Refused
    } else {
        AuditResult::Failed
    };
    let mut entry = Entry::curfew(Action::EndingResult)
        .ending(ending)
        .system(system)
        .target(words.join(", "))
        .result(result)
        .fact("items", settled.len())
        .fact("items_hash", sha256_hex(text.as_bytes()));
    for (outcome, items) in counts {
        entry = entry.fact(outcome.name(), items);
    }
    match settled {
        [(only, _)] => entry.session(&only.key).account(only.account_name.clone()),
        _ => entry,
    }
}
