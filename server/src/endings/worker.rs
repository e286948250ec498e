//! The worker: makes what is listed agree with what is wanted, one system at a time under a lease.
//!
//! Level-triggered: each round reads the system, compares, asks for what is still there, reads again. Before anything
//! is asked that is written down; what it means is decided by `domain::ending` from the reading after. Killed at any
//! point, the next round starts from what is stored and reads before it asks.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use app::access::wire::Permission;
use app::endings::wire::{EndingState, Outcome};
use app::wire::{EndingId, OperatorId, SessionKey, SystemId, Timestamp};

use super::Endings;
use super::results::{Became, Change};
use super::store::{self, work};
use crate::caller::{CallerKind, Origin};
use crate::connectors::{Answer, Completeness, ConnectorError, Endable, ErrorKind, Target};
use crate::db::Conn;
use crate::domain::ending::{Asking, Facts, Listed, Said, Step, Why, after_asking, before_asking};
use crate::domain::grant::{About, VisibleScope};
use crate::domain::policy::OWN_SYSTEM;
use crate::error::Error;
use crate::schedule::{self, Held};
use crate::sessions::collect::{Found, Reading};
use crate::systems::Connected;

/// Most items of one round.
const BATCH: i64 = 2_000;
/// Most items asked between two commits.
const MOST_PER_ASK: usize = 500;
/// What may not be asked now is looked at again after so long, seconds.
const HELD_S: i64 = 5;
/// Pauses of a system that does not answer, seconds; then the last again.
const REST_S: [i64; 6] = [2, 8, 30, 60, 120, 300];
/// Two reports of one start may differ by so much, ms.
const SAME_START_MS: i64 = 1_000;

/// An item in hand.
struct Item {
    ending: EndingId,
    key: SessionKey,
    row: work::DueItem,
    facts: Facts,
    /// Why it is not asked (again), in words.
    over: Option<String>,
}

/// What an operator may end now.
struct Right {
    may_end: VisibleScope,
    outranking: HashSet<OperatorId>,
}

/// An item to ask for: what the reading found, under its own or its new id.
struct Ask {
    /// Place in the round.
    at: usize,
    target: Target,
    rotated: Option<SessionKey>,
}

impl Endings {
    /// Starts work on every system with due items, each in a task of its own, and does not wait for them.
    pub async fn start_due(self: Arc<Self>) -> Result<(), Error> {
        for system in self.due_systems().await? {
            if self.take_up(&system) {
                let room = self.clone();
                tokio::spawn(async move {
                    room.work_and_log(&system).await;
                });
            }
        }
        Ok(())
    }

    /// Works on every system with due items until nothing is due now; how many items were looked at.
    pub async fn work_due(&self) -> Result<usize, Error> {
        let mut looked_at = 0;
        loop {
            let systems = self.due_systems().await?;
            let done = futures::future::try_join_all(systems.iter().map(|s| self.work_on(s))).await?;
            let round: usize = done.iter().sum();
            looked_at += round;
            if round == 0 {
                return Ok(looked_at);
            }
        }
    }

    async fn due_systems(&self) -> Result<Vec<SystemId>, Error> {
        let mut conn = self.parts.db.read().await?;
        let paused = store::pause(&mut conn).await?.is_some();
        work::due_systems(&mut conn, paused, self.now()).await
    }

    /// Notes that this process is at work on a system; false = it is already.
    fn take_up(&self, system: &SystemId) -> bool {
        self.busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(system.clone())
    }

    async fn work_and_log(&self, system: &SystemId) {
        /// Notes the end of the work even if it panics.
        struct Done<'a>(&'a Endings, &'a SystemId);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0
                    .busy
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(self.1);
            }
        }
        let _done = Done(self, system);
        match self.work_on(system).await {
            Ok(_) => {}
            Err(Error::LeaseLost) => {
                tracing::warn!(system.id = %system, "another worker ends sessions there now")
            }
            Err(cause) => {
                tracing::error!(system.id = %system, %cause, "ending sessions was interrupted; the next round comes")
            }
        }
    }

    /// Works on one system until nothing is due now. 0 = nothing was, or another worker is at it.
    pub async fn work_on(&self, system: &SystemId) -> Result<usize, Error> {
        let held = Held::take(
            &self.parts.db,
            &self.parts.clock,
            "end",
            system.as_str(),
            &self.owner,
        )
        .await?;
        let Some(held) = held else { return Ok(0) };
        let worked = self.rounds(&held, system).await;
        held.release().await?;
        worked
    }

    /// Rounds until nothing is due: while the next items are read, the results of the ones before are stored.
    async fn rounds(&self, held: &Held, system: &SystemId) -> Result<usize, Error> {
        let mut looked_at = 0;
        let mut results: Vec<Change> = Vec::new();
        loop {
            let in_hand: HashSet<(EndingId, SessionKey)> = results
                .iter()
                .map(|c| (c.ending.clone(), c.key.clone()))
                .collect();
            let connected = self.parts.systems.connected(system);
            let residual_s = connected.as_ref().and_then(|c| c.guard.effect().residual_s);
            let store = self.write(held, system, std::mem::take(&mut results), residual_s);
            let (stored, taken) =
                tokio::join!(store, self.take_and_read(system, connected.as_deref(), &in_hand));
            stored?;
            let (mut items, mut changes, reading) = taken?;
            if items.is_empty() && changes.is_empty() {
                return Ok(looked_at);
            }
            looked_at += items.len() + changes.len();
            let now = self.now();
            let asks = match &reading {
                Err(cause) if cause.kind == ErrorKind::Stopped => return Ok(looked_at),
                Err(cause) => {
                    let rests_until = connected.as_ref().and_then(|c| c.guard.rests_until());
                    changes.extend(self.not_read(system, &items, cause, rests_until, now));
                    Vec::new()
                }
                Ok(reading) => self.compare(system, &items, reading, &mut changes, now).await?,
            };
            if let Some(connected) = connected.filter(|_| !asks.is_empty()) {
                let asked = self.ask(held, &connected, &mut items, asks).await?;
                changes.extend(self.read_back(system, &items, &asked).await?);
            }
            results = changes;
        }
    }

    /// The next due items that are not in hand, what becomes of some of them without reading, and the reading.
    async fn take_and_read(
        &self,
        system: &SystemId,
        connected: Option<&Connected>,
        in_hand: &HashSet<(EndingId, SessionKey)>,
    ) -> Result<(Vec<Item>, Vec<Change>, Result<Reading, ConnectorError>), Error> {
        let mut items = self.take(system, in_hand, self.now()).await?;
        let mut changes = self.not_worth_reading(&mut items);
        let reading = match connected {
            None => Err(not_connected()),
            Some(connected) => {
                if !connected.guard.abilities().end {
                    changes.extend(unsupported(&mut items));
                }
                self.read(system, &items).await
            }
        };
        Ok((items, changes, reading))
    }

    /// Due items, with the rights of those who asked for them as they are now.
    async fn take(
        &self,
        system: &SystemId,
        in_hand: &HashSet<(EndingId, SessionKey)>,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        let mut conn = self.parts.db.read().await?;
        let paused = store::pause(&mut conn).await?.is_some();
        let limit = BATCH.saturating_add(i64::try_from(in_hand.len()).unwrap_or(0));
        let mut rows = work::due_items(&mut conn, system, paused, now, limit).await?;
        rows.retain(|row| {
            let name = (
                EndingId(row.ending_id.clone()),
                SessionKey(row.session_key.clone()),
            );
            !in_hand.contains(&name)
        });
        rows.truncate(usize::try_from(BATCH).unwrap_or(usize::MAX));
        let mut rights: HashMap<(String, String), Option<Right>> = HashMap::new();
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            let who = (row.caller_kind.clone(), row.caller_id.clone());
            if !rights.contains_key(&who) {
                let right = self.right(&mut conn, &row, now).await?;
                rights.insert(who.clone(), right);
            }
            let lost = match rights.get(&who).and_then(Option::as_ref) {
                None => Some(format!(
                    "{} can't act in Curfew any more, so it was not asked.",
                    row.caller_name
                )),
                Some(right) if !right.covers(system, &row) => Some(format!(
                    "The right of {} to end it was taken away.",
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

    async fn right(
        &self,
        conn: &mut Conn,
        row: &work::DueItem,
        now: Timestamp,
    ) -> Result<Option<Right>, Error> {
        if row.caller_kind != CallerKind::Operator.name() {
            return Ok(None);
        }
        let id = OperatorId(row.caller_id.clone());
        let access = &self.parts.access;
        let Some(caller) = access
            .caller_in(conn, &id, None, None, Origin::default(), now)
            .await?
        else {
            return Ok(None);
        };
        Ok(Some(Right {
            may_end: caller.visible(Permission::EditUserSessions, now),
            outranking: access.outranking(conn, &caller, now).await?,
        }))
    }

    /// Settles what was never sent and never will be: no need to read the system for it.
    fn not_worth_reading(&self, items: &mut Vec<Item>) -> Vec<Change> {
        drain(items, |i| i.facts.asks == 0 && i.facts.asking == Asking::Over)
            .into_iter()
            .map(|i| i.became(Outcome::Stopped, i.over.clone(), None))
            .collect()
    }

    async fn read(&self, system: &SystemId, items: &[Item]) -> Result<Reading, ConnectorError> {
        let accounts: BTreeSet<&str> = items.iter().map(|i| i.row.account_id.as_str()).collect();
        let accounts: Vec<String> = accounts.into_iter().map(str::to_owned).collect();
        if accounts.is_empty() {
            return Ok(Reading {
                found: HashMap::new(),
                completeness: Completeness::Partial(String::new()),
                started_at: self.now(),
            });
        }
        self.parts.collector.read_accounts(system, &accounts).await
    }

    /// What follows when the system could not be read: what was never sent waits for it, of what was sent nobody knows.
    fn not_read(
        &self,
        system: &SystemId,
        items: &[Item],
        cause: &ConnectorError,
        rests_until: Option<Timestamp>,
        now: Timestamp,
    ) -> Vec<Change> {
        let gone_system = self.parts.systems.connected(system).is_none();
        items
            .iter()
            .map(|item| {
                if item.facts.asks > 0 {
                    let step = before_asking(item.facts, Listed::Unsure, &self.parts.rules.ask_again_s, now);
                    return item.change(step, None, now);
                }
                match cause.kind {
                    _ if gone_system => {
                        let words = "This system is not in the settings any more.".to_owned();
                        item.became(Outcome::Unsupported, Some(words), None)
                    }
                    ErrorKind::Unauthorized | ErrorKind::Forbidden => {
                        item.became(Outcome::Refused, Some(cause.message.clone()), None)
                    }
                    _ => {
                        let pause = REST_S[item.facts.looks.min(REST_S.len() - 1)];
                        let at = now.plus_seconds(pause).max(rests_until.unwrap_or(now));
                        item.waits(at, false)
                    }
                }
            })
            .collect()
    }

    /// Compares items with the reading before asking: what follows at once goes to `changes`, the rest is asked.
    async fn compare(
        &self,
        system: &SystemId,
        items: &[Item],
        reading: &Reading,
        changes: &mut Vec<Change>,
        now: Timestamp,
    ) -> Result<Vec<Ask>, Error> {
        let rotated = self.rotated(items, reading).await?;
        let mut asks = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let (listed, found, new_key) = item.listed(reading, rotated.get(&at));
            let step = before_asking(item.facts, listed, &self.parts.rules.ask_again_s, now);
            match (step, found) {
                (Step::Ask, Some(found)) => match &found.endable {
                    Endable::Yes => asks.push(Ask {
                        at,
                        target: found.target.clone(),
                        rotated: new_key,
                    }),
                    Endable::OwnConnection => {
                        let words = "It is the sign-in that Curfew itself uses there.".to_owned();
                        changes.push(item.became(Outcome::Refused, Some(words), None));
                    }
                    Endable::No(words) => {
                        changes.push(item.became(Outcome::Unsupported, Some(words.clone()), None));
                    }
                },
                (step, _) => changes.push(item.change(step, Some(reading.started_at), now)),
            }
        }
        tracing::debug!(system.id = %system, items = items.len(), asks = asks.len(), "compared with a reading");
        Ok(asks)
    }

    /// For items that are not listed under their id: the session of the same account and start that is, under an id
    /// nobody knew when the set was frozen. By the item's place in the round.
    async fn rotated(&self, items: &[Item], reading: &Reading) -> Result<HashMap<usize, SessionKey>, Error> {
        let own: HashSet<&SessionKey> = items.iter().map(|i| &i.key).collect();
        let mut candidates = Vec::new();
        for (at, item) in items.iter().enumerate() {
            if let Some(key) = item.row.rotated_key.clone().map(SessionKey)
                && reading.found.contains_key(&key)
            {
                candidates.push((at, key));
                continue;
            }
            let (Some(start), false) = (item.row.session_created_at, item.row.account_id.is_empty()) else {
                continue;
            };
            // Absent from half a list proves nothing: the old id may be in the other half.
            if reading.found.contains_key(&item.key) || reading.completeness != Completeness::Complete {
                continue;
            }
            let same = reading.found.iter().find(|(key, found)| {
                found.target.account_id == item.row.account_id
                    && found.created_at == Some(Timestamp(start))
                    && found.target.kind.name() == item.row.kind
                    && !own.contains(key)
                    && !candidates.iter().any(|(_, taken)| taken == *key)
            });
            if let Some((key, _)) = same {
                candidates.push((at, key.clone()));
            }
        }
        if candidates.is_empty() {
            return Ok(HashMap::new());
        }
        let mut conn = self.parts.db.read().await?;
        let mut rotated = HashMap::new();
        for (at, key) in candidates {
            let item = &items[at];
            let frozen_at = Timestamp(item.row.frozen_at);
            let known = work::known_at(&mut conn, std::slice::from_ref(&key), frozen_at).await?;
            if item.row.rotated_key.as_deref() == Some(key.as_str()) || known.is_empty() {
                rotated.insert(at, key);
            }
        }
        Ok(rotated)
    }

    /// Asks the system, chunk by chunk; before each it is written down what is about to be asked, together with the
    /// answers of the chunk before. Returns the places of the items that were asked.
    async fn ask(
        &self,
        held: &Held,
        connected: &Connected,
        items: &mut [Item],
        asks: Vec<Ask>,
    ) -> Result<Vec<usize>, Error> {
        let size = connected.guard.chunk().clamp(1, MOST_PER_ASK);
        let mut asked = Vec::with_capacity(asks.len());
        let mut answers: Vec<(usize, Answer)> = Vec::new();
        for chunk in asks.chunks(size) {
            let allowed = self.before_ask(held, items, &answers, chunk).await?;
            answers.clear();
            let chunk: Vec<&Ask> = chunk.iter().filter(|a| allowed.contains(&a.at)).collect();
            if chunk.is_empty() {
                continue;
            }
            if held.is_lost() {
                return Err(Error::LeaseLost);
            }
            let targets: Vec<Target> = chunk.iter().map(|a| a.target.clone()).collect();
            let said = connected.guard.end(&targets).await;
            let failed = said.as_ref().err().map(|e| e.kind);
            let said = said.unwrap_or_else(|cause| {
                tracing::warn!(system.id = %connected.system_id, %cause, "asking to end sessions failed");
                let answer = match cause.kind {
                    ErrorKind::Unauthorized | ErrorKind::Forbidden => Answer::Refused(cause.message),
                    _ => Answer::NoAnswer,
                };
                vec![answer; chunk.len()]
            });
            for (ask, answer) in chunk.iter().zip(said) {
                let item = &mut items[ask.at];
                item.facts.asks += usize::from(!item.facts.in_doubt);
                item.facts.in_doubt = false;
                item.facts.looks = 0;
                item.facts.rotated = ask.rotated.is_some();
                item.row.rotated_key = ask
                    .rotated
                    .as_ref()
                    .map(|k| k.0.clone())
                    .or(item.row.rotated_key.take());
                item.facts.said = said_by(&answer);
                asked.push(ask.at);
                // "OK" tells no more than silence: it is stored with what the reading says. The others are kept at once.
                if matches!(answer, Answer::NotFound | Answer::Refused(_)) {
                    answers.push((ask.at, answer));
                }
            }
            if failed.is_some() {
                break;
            }
        }
        if !answers.is_empty() {
            self.before_ask(held, items, &answers, &[]).await?;
        }
        Ok(asked)
    }

    /// Stores answers, and marks what is about to be asked; returns the places of those that may be.
    async fn before_ask(
        &self,
        held: &Held,
        items: &[Item],
        answers: &[(usize, Answer)],
        asks: &[Ask],
    ) -> Result<HashSet<usize>, Error> {
        let now = self.now();
        let mut conn = self.parts.db.write().await?;
        schedule::check_epoch(&mut conn, held.lease()).await?;
        let endings: BTreeSet<&EndingId> = answers
            .iter()
            .map(|(at, _)| &items[*at].ending)
            .chain(asks.iter().map(|a| &items[a.at].ending))
            .collect();
        let mut allowed = HashSet::new();
        for ending in endings {
            store::lock(&mut conn, ending).await?;
            let mut same: HashMap<(&'static str, Option<&str>), Vec<SessionKey>> = HashMap::new();
            for (at, answer) in answers.iter().filter(|(at, _)| items[*at].ending == *ending) {
                let words = match answer {
                    Answer::Refused(words) => Some(words.as_str()),
                    Answer::Accepted | Answer::NotFound | Answer::NoAnswer => None,
                };
                let group = same.entry((said_by(answer).name(), words)).or_default();
                group.push(items[*at].key.clone());
            }
            for ((said, words), keys) in same {
                work::store_answer(&mut conn, ending, &keys, Said::from_name(said), words).await?;
            }
            let keys: Vec<SessionKey> = asks
                .iter()
                .filter(|a| items[a.at].ending == *ending)
                .map(|a| items[a.at].key.clone())
                .collect();
            if keys.is_empty() {
                continue;
            }
            let marked: HashSet<SessionKey> = work::mark_asked(&mut conn, ending, &keys, now)
                .await?
                .into_iter()
                .collect();
            for ask in asks.iter().filter(|a| items[a.at].ending == *ending) {
                if !marked.contains(&items[ask.at].key) {
                    continue;
                }
                allowed.insert(ask.at);
                if let Some(rotated) = &ask.rotated {
                    work::set_rotated(&mut conn, ending, &items[ask.at].key, rotated).await?;
                }
            }
        }
        conn.commit().await?;
        Ok(allowed)
    }

    /// Reads again what was asked, and says what became of it.
    async fn read_back(
        &self,
        system: &SystemId,
        items: &[Item],
        asked: &[usize],
    ) -> Result<Vec<Change>, Error> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let accounts: BTreeSet<String> = asked.iter().map(|at| items[*at].row.account_id.clone()).collect();
        let accounts: Vec<String> = accounts.into_iter().collect();
        let reading = self.parts.collector.read_accounts(system, &accounts).await;
        let now = self.now();
        let rotated = match &reading {
            Ok(reading) => self.rotated(items, reading).await?,
            Err(cause) => {
                tracing::warn!(system.id = %system, %cause, "could not read back what was asked");
                HashMap::new()
            }
        };
        let mut changes = Vec::with_capacity(asked.len());
        for at in asked {
            let item = &items[*at];
            let (listed, read_at) = match &reading {
                Ok(reading) => (item.listed(reading, rotated.get(at)).0, Some(reading.started_at)),
                Err(_) => (Listed::Unsure, None),
            };
            // A new id that nobody asked for yet is another one than the one that was asked.
            let facts = match (listed, rotated.get(at)) {
                (Listed::Rotated, Some(key)) => Facts {
                    rotated: item.row.rotated_key.as_deref() == Some(key.as_str()),
                    ..item.facts
                },
                _ => item.facts,
            };
            let step = after_asking(facts, listed, &self.parts.rules.ask_again_s, now);
            changes.push(item.change(step, read_at, now));
        }
        Ok(changes)
    }
}

impl Item {
    /// What a reading shows of it, the session that was found, and its new key if it has one.
    fn listed<'r>(
        &self,
        reading: &'r Reading,
        rotated: Option<&SessionKey>,
    ) -> (Listed, Option<&'r Found>, Option<SessionKey>) {
        if let Some(found) = reading.found.get(&self.key) {
            let listed = if self.same_sign_in(found) {
                Listed::Same
            } else {
                Listed::Other
            };
            return (listed, Some(found), None);
        }
        if let Some(key) = rotated
            && let Some(found) = reading.found.get(key)
        {
            return (Listed::Rotated, Some(found), Some(key.clone()));
        }
        let listed = match reading.completeness {
            Completeness::Complete => Listed::Absent,
            Completeness::Partial(_) => Listed::Unsure,
        };
        (listed, None, None)
    }

    /// Whether what is listed under the id is still the sign-in that was chosen (security B7).
    fn same_sign_in(&self, found: &Found) -> bool {
        let same_account = if self.row.account_id.is_empty() {
            found.account_name == self.row.account_name
        } else {
            found.target.account_id == self.row.account_id
        };
        let same_start = match (self.row.session_created_at, found.created_at) {
            (Some(chosen), Some(now)) => (now.0 - chosen).abs() <= SAME_START_MS,
            _ => true,
        };
        same_account && same_start
    }

    /// The step as something to store.
    fn change(&self, step: Step, read_back_at: Option<Timestamp>, now: Timestamp) -> Change {
        match step {
            Step::Settle(Outcome::Stopped, _) => self.became(Outcome::Stopped, self.over.clone(), None),
            Step::Settle(outcome, why) => {
                let words = match why {
                    Why::SystemRefused => None,
                    Why::StoppedAsked if self.over.is_some() => self.over.clone(),
                    why => Some(why.words().to_owned()),
                };
                let mut change = self.became(outcome, words, read_back_at);
                if why == Why::SystemRefused {
                    change.became = Became::Settled {
                        outcome,
                        words: None,
                        read_back_at,
                        also: None,
                    };
                }
                change
            }
            Step::Wait { at, told } => self.waits(at, told),
            Step::Leave | Step::Ask => self.waits(now.plus_seconds(HELD_S), true),
        }
    }

    fn became(&self, outcome: Outcome, words: Option<String>, read_back_at: Option<Timestamp>) -> Change {
        Change {
            ending: self.ending.clone(),
            key: self.key.clone(),
            account_name: self.row.account_name.clone(),
            said: (self.facts.asks > 0).then_some(self.facts.said),
            became: Became::Settled {
                outcome,
                words: Some(words.unwrap_or_default()),
                read_back_at,
                also: self
                    .row
                    .rotated_key
                    .clone()
                    .map(SessionKey)
                    .filter(|_| outcome == Outcome::Rotated),
            },
        }
    }

    fn waits(&self, at: Timestamp, told: bool) -> Change {
        Change {
            ending: self.ending.clone(),
            key: self.key.clone(),
            account_name: self.row.account_name.clone(),
            said: (self.facts.asks > 0 && !self.facts.in_doubt).then_some(self.facts.said),
            became: Became::Waits { at, told },
        }
    }
}

impl Right {
    fn covers(&self, system: &SystemId, row: &work::DueItem) -> bool {
        let about = About::account(system, &row.account_name);
        let out_of_reach =
            system.as_str() == OWN_SYSTEM && self.outranking.contains(&OperatorId(row.account_id.clone()));
        self.may_end.covers(about) && !out_of_reach
    }
}

/// Settles what was never sent to a system that can't end single sessions.
fn unsupported(items: &mut Vec<Item>) -> Vec<Change> {
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

fn not_connected() -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Unreachable,
        "This system is not in the settings any more.",
    )
}

const fn said_by(answer: &Answer) -> Said {
    match answer {
        Answer::Accepted => Said::Accepted,
        Answer::NotFound => Said::NotFound,
        Answer::Refused(_) => Said::Refused,
        Answer::NoAnswer => Said::NoAnswer,
    }
}

#[cfg(test)]
impl Endings {
    /// Rounds on `north` under a lease that may be lost.
    pub(super) async fn rounds_for_test(&self, held: &Held) -> Result<usize, Error> {
        self.rounds(held, &SystemId::from("north")).await
    }
}
