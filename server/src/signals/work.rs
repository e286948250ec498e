//! Working off: whom a signal means, which of their sessions, and what its rule does with them.
//!
//! One replica at a time, under a lease. A signal counts as begun before anything is done, so that one that breaks the
//! worker is given up after a few times; an ending it led to is found again by the signal's reference.

use std::collections::BTreeMap;

use app::signals::wire::SignalOutcome as Outcome;
use app::wire::{SystemId, Timestamp};

use super::rules::Rule;
use super::store::{self, Account, Became, Meant, Signal};
use super::who::{began_before, person};
use super::{Rules, Signals};
use crate::audit::{Action, Entry};
use crate::caller::signal::acting_for;
use crate::config::SignalMode;
use crate::endings::for_app::Wish;
use crate::error::Error;
use crate::schedule::{self, Held, Lease};

/// Signals worked off in one go; the next one goes on.
const BATCH: i64 = 100;
/// Times one is begun before it is given up.
pub(super) const MOST_ATTEMPTS: i64 = 5;
/// Pause after the first failure, seconds; doubled after each.
const AGAIN_S: i64 = 5;
/// The window of a rule's limit, seconds.
const MINUTE_S: i64 = 60;
/// A signal that is worked off later than this is only reported: what was true then need not be so now. Seconds.
const LATE_S: i64 = 3_600;
/// What became of one.
struct Done<'a> {
    outcome: Outcome,
    detail: String,
    account: Option<&'a Account>,
    meant: &'a [Meant],
    ending_no: Option<i64>,
}

impl Done<'_> {
    fn plain(outcome: Outcome, detail: &str) -> Self {
        Self {
            outcome,
            detail: detail.to_owned(),
            account: None,
            meant: &[],
            ending_no: None,
        }
    }
}

impl Signals {
    /// Works off the signals that wait, as far as one go takes; how many. Nothing when another replica is at it.
    pub async fn work_due(&self) -> Result<usize, Error> {
        let mut conn = self.parts.db.read().await?;
        let due = store::waiting(&mut conn, self.now(), 1).await?;
        drop(conn);
        if due.is_empty() {
            return Ok(0);
        }
        let held = Held::take(&self.parts.db, &self.parts.clock, "signal", "", &self.owner).await?;
        let Some(held) = held else { return Ok(0) };
        let worked = self.work_some(&held).await;
        held.release().await?;
        worked
    }

    async fn work_some(&self, held: &Held) -> Result<usize, Error> {
        let mut conn = self.parts.db.read().await?;
        let due = store::waiting(&mut conn, self.now(), BATCH).await?;
        drop(conn);
        let rules = self.rules();
        self.read_again(&rules, &due).await;
        for signal in &due {
            match self.work_one(held.lease(), &rules, signal).await {
                Ok(()) => {}
                Err(Error::LeaseLost) => return Err(Error::LeaseLost),
                Err(cause) => {
                    tracing::warn!(%cause, signal.reference, attempts = signal.attempts + 1, "a signal could not be worked off");
                    if signal.attempts + 1 >= MOST_ATTEMPTS {
                        self.give_up(held.lease(), signal).await?;
                    }
                }
            }
        }
        Ok(due.len())
    }

    async fn give_up(&self, lease: &Lease, signal: &Signal) -> Result<(), Error> {
        let words = format!("It was tried {MOST_ATTEMPTS} times. The log of the program says why.");
        self.finish(lease, signal, None, &Done::plain(Outcome::Failed, &words))
            .await
    }

    async fn work_one(&self, lease: &Lease, rules: &Rules, signal: &Signal) -> Result<(), Error> {
        if signal.attempts >= MOST_ATTEMPTS {
            return self.give_up(lease, signal).await;
        }
        let pause = AGAIN_S << signal.attempts.clamp(0, 10);
        let mut conn = self.parts.db.write().await?;
        schedule::check_epoch(&mut conn, lease).await?;
        store::begin(&mut conn, &signal.signal_id, self.now().plus_seconds(pause)).await?;
        conn.commit().await?;
        let Some(rule) = rules
            .get(&signal.rule_id)
            .filter(|rule| rule.from.as_str() == signal.system_id)
        else {
            let done = Done::plain(
                Outcome::NoRule,
                "Its rule left the settings before it was worked off.",
            );
            return self.finish(lease, signal, None, &done).await;
        };
        let mut conn = self.parts.db.read().await?;
        let account = match person(&mut conn, signal).await? {
            Ok(account) => account,
            Err(words) => {
                drop(conn);
                return self
                    .finish(lease, signal, Some(rule), &Done::plain(Outcome::Unmatched, words))
                    .await;
            }
        };
        let mut meant = store::sessions_of(&mut conn, &account.subject_id, &rule.settings.systems).await?;
        drop(conn);
        meant.retain(|session| began_before(session, Timestamp(signal.received_at)));
        let done = self.act(rule, signal, &account, &mut meant).await?;
        self.finish(lease, signal, Some(rule), &done).await
    }

    /// Does what the rule says with these sessions; what an ending has in hand already is left to it.
    async fn act<'a>(
        &self,
        rule: &Rule,
        signal: &Signal,
        account: &'a Account,
        meant: &'a mut Vec<Meant>,
    ) -> Result<Done<'a>, Error> {
        let mut done = Done {
            account: Some(account),
            ..Done::plain(Outcome::Nothing, "")
        };
        if let Some(ending_no) = self.parts.endings.begun_by_signal(&signal.reference).await? {
            done.outcome = Outcome::Ending;
            done.ending_no = Some(ending_no);
            done.meant = meant;
            return Ok(done);
        }
        if meant.is_empty() {
            return Ok(done);
        }
        let in_hand = self.parts.endings.in_hand(&store::keys(meant)).await?;
        let held = |session: &Meant| in_hand.iter().any(|(key, _)| key.0 == session.session_key);
        if meant.iter().all(held) {
            done.outcome = Outcome::InHand;
            done.ending_no = in_hand.first().map(|(_, no)| *no);
            done.meant = meant;
            return Ok(done);
        }
        meant.retain(|session| !held(session));
        if !in_hand.is_empty() {
            done.detail = "Others of theirs are in an ending already.".to_owned();
        }
        let meant: &'a [Meant] = meant;
        done.meant = meant;
        done.outcome = self.reported(rule, signal).await?.unwrap_or(Outcome::Ending);
        if done.outcome == Outcome::Ending {
            let (outcome, ending_no, words) = self.end(rule, signal, meant).await?;
            done.outcome = outcome;
            done.ending_no = ending_no;
            if !words.is_empty() {
                done.detail = words;
            }
        }
        Ok(done)
    }

    /// Why it is only reported; `None` = it is acted on.
    async fn reported(&self, rule: &Rule, signal: &Signal) -> Result<Option<Outcome>, Error> {
        let now = self.now();
        if rule.settings.mode == SignalMode::Report {
            return Ok(Some(Outcome::Report));
        }
        if now.since(Timestamp(signal.received_at)) > LATE_S * 1000 {
            return Ok(Some(Outcome::Late));
        }
        let mut conn = self.parts.db.read().await?;
        let begun = store::begun_since(&mut conn, &rule.settings.id, now.plus_seconds(-MINUTE_S)).await?;
        Ok((begun >= u64::from(rule.settings.per_minute)).then_some(Outcome::OverLimit))
    }

    async fn end(
        &self,
        rule: &Rule,
        signal: &Signal,
        meant: &[Meant],
    ) -> Result<(Outcome, Option<i64>, String), Error> {
        let reach: Vec<_> = meant
            .iter()
            .map(|s| {
                (
                    SystemId(s.system_id.clone()),
                    s.site.clone(),
                    s.account_sort.clone(),
                )
            })
            .collect();
        let caller = acting_for(&rule.settings, &reach);
        if caller.grants.is_empty() {
            let words = "These sessions carry no user name, so no rule reaches them.";
            return Ok((Outcome::LeftOut, None, words.to_owned()));
        }
        let mut conn = self.parts.db.read().await?;
        let names = self.parts.systems.names(&mut conn).await?;
        drop(conn);
        let from = app::signals::wire::name_or_id(names.get(&rule.from), &rule.from);
        let keys = store::keys(meant);
        let wish = self
            .parts
            .endings
            .end_for_signal(&caller, &keys, &signal.reference, &from)
            .await;
        Ok(match wish {
            Ok(Wish::Started(no)) => (Outcome::Ending, Some(no), String::new()),
            Ok(Wish::LeftOut) => (
                Outcome::LeftOut,
                None,
                "They are protected, or can't be ended there.".to_owned(),
            ),
            Ok(Wish::NeedsPerson) => (
                Outcome::NeedsPerson,
                None,
                "It is more than rules let anybody end alone. Somebody has to look at it.".to_owned(),
            ),
            // What a person would be told: trying again changes nothing.
            Err(Error::App(told)) => (Outcome::LeftOut, None, told.sentence()),
            Err(cause) => return Err(cause),
        })
    }

    /// Keeps what became of it, with the entry in the log, in one transaction.
    async fn finish(
        &self,
        lease: &Lease,
        signal: &Signal,
        rule: Option<&Rule>,
        done: &Done<'_>,
    ) -> Result<(), Error> {
        let now = self.now();
        let became = Became {
            mode: rule.map(|rule| rule.settings.mode.name()),
            outcome: done.outcome.name(),
            detail: &done.detail,
            account: done.account,
            ending_no: done.ending_no,
        };
        let mut conn = self.parts.db.write().await?;
        schedule::check_epoch(&mut conn, lease).await?;
        store::finish(&mut conn, &signal.signal_id, &became, done.meant, now).await?;
        for entry in entries(signal, done) {
            self.parts.audit.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await
    }
}

/// What the log says: one entry about the person at the identity server, and one for each account whose sessions would have
/// gone. Numbers stand with the account they are of, so that nobody learns of places they may not see.
fn entries(signal: &Signal, done: &Done<'_>) -> Vec<Entry> {
    let about = |system: &str| {
        Entry::signal(Action::SignalWorked, &signal.rule_id)
            .system(&SystemId(system.to_owned()))
            .fact("reference", signal.reference.as_str())
            .fact("outcome", done.outcome.name())
    };
    let mut first = about(&signal.system_id)
        .target(format!("Signal {}: {}", signal.reference, done.outcome.label()))
        .fact("detail", done.detail.as_str());
    if let Some(account) = done.account {
        first = first
            .account(account.account_name.as_str())
            .site(&signal.place, &account.site);
    }
    let mut entries = vec![first];
    if matches!(done.outcome, Outcome::Report | Outcome::OverLimit | Outcome::Late) {
        let mut by_account: BTreeMap<(&str, &str, &str, &str), usize> = BTreeMap::new();
        for s in done.meant {
            let of = (
                s.system_id.as_str(),
                s.place.as_str(),
                s.site.as_str(),
                s.account_name.as_str(),
            );
            *by_account.entry(of).or_default() += 1;
        }
        for ((system, place, site, account), sessions) in by_account {
            let words = match sessions {
                1 => "would have ended 1 session".to_owned(),
                n => format!("would have ended {n} sessions"),
            };
            entries.push(
                about(system)
                    .account(account)
                    .site(place, site)
                    .target(format!("Signal {}: {words}", signal.reference))
                    .fact("sessions", sessions),
            );
        }
    }
    entries
}
