//! The watch: does somebody whose session was ended come straight back.
//!
//! A first look some seconds after the ending settled, by reading the system, then each time it is collected, from the
//! inventory. Coming back is a flag beside the outcome, which stays what it was.

use std::collections::{BTreeMap, HashMap, HashSet};

use app::wire::{EndingId, SessionKey, SystemId, Timestamp};

use super::Endings;
use super::aftermath::LetIn;
use super::store::{self, work};
use crate::audit::{Action, Entry};
use crate::changes::{bump_all, topic};
use crate::error::Error;
use crate::schedule::{self, Held};

/// Clocks of systems may be behind ours by so much, ms: a session begun that long before we asked counts as begun after.
pub const CLOCKS_DIFFER_MS: i64 = 2_000;
/// Seconds between looks after the first.
const LOOK_EVERY_S: i64 = 15;
/// A session that began is met after so long, seconds: by a look, or by the collection it looks at.
const SEEN_WITHIN_S: i64 = 60;
/// People looked for by reading a system at the first look; of more, only the inventory is looked at.
const MOST_READ: usize = 500;
/// Items in one statement.
const PER_WRITE: usize = 500;

impl Endings {
    /// Looks for people who came back, for every ending whose next look is due; how many were found.
    pub async fn watch_due(&self) -> Result<usize, Error> {
        let mut conn = self.parts.db.read().await?;
        let due = work::due_watches(&mut conn, self.now()).await?;
        drop(conn);
        if due.is_empty() {
            return Ok(0);
        }
        let held = Held::take(&self.parts.db, &self.parts.clock, "watch", "", &self.owner).await?;
        let Some(held) = held else { return Ok(0) };
        let mut found = 0;
        for (ending, until) in due {
            match self.look(&held, &ending, Timestamp(until)).await {
                Ok(back) => found += back,
                Err(Error::LeaseLost) => return Err(Error::LeaseLost),
                Err(cause) => {
                    tracing::warn!(ending.id = %ending, %cause, "a look for people who come back failed")
                }
            }
        }
        held.release().await?;
        Ok(found)
    }

    async fn look(&self, held: &Held, ending: &EndingId, until: Timestamp) -> Result<usize, Error> {
        let mut conn = self.parts.db.read().await?;
        let watched = work::watched(&mut conn, ending).await?;
        let mut back: HashSet<SessionKey> = work::back_in_inventory(&mut conn, ending)
            .await?
            .into_iter()
            .collect();
        let let_in = match self.aftermath.get() {
            Some(aftermath) => aftermath.let_in(&mut conn, ending).await?,
            None => Vec::new(),
        };
        let after = let_in.iter().filter(|let_in| let_in.before.is_none());
        back.extend(after.map(|let_in| let_in.key.clone()));
        let Some(row) = store::by_id(&mut conn, ending).await? else {
            return Ok(0);
        };
        drop(conn);
        let first_until = row
            .settled_at
            .map(|at| Timestamp(at).plus_seconds(self.parts.rules.first_watch_s + 2));
        if first_until.is_some_and(|at| row.next_watch_at.is_some_and(|due| due <= at.0)) {
            let open: Vec<&work::Watched> = watched
                .iter()
                .filter(|w| !back.contains(&SessionKey(w.session_key.clone())))
                .collect();
            back.extend(self.seen_back(&open, Timestamp(row.created_at)).await?);
        }
        let now = self.now();
        let next = now.plus_seconds(LOOK_EVERY_S);
        let next = (next <= until && back.len() < watched.len()).then_some(next);

        let mut conn = self.parts.db.write().await?;
        schedule::check_epoch(&mut conn, held.lease()).await?;
        store::lock(&mut conn, ending).await?;
        work::plan_watch(&mut conn, ending, next).await?;
        let mut by_system: BTreeMap<&str, Vec<&work::Watched>> = BTreeMap::new();
        for item in watched
            .iter()
            .filter(|w| back.contains(&SessionKey(w.session_key.clone())))
        {
            by_system.entry(item.system_id.as_str()).or_default().push(item);
        }
        for (system, items) in by_system {
            let system = SystemId::from(system);
            for some in items.chunks(PER_WRITE) {
                let keys: Vec<SessionKey> = some.iter().map(|w| SessionKey(w.session_key.clone())).collect();
                work::set_returned(&mut conn, ending, &keys, &system, now).await?;
                let mut entry = Entry::curfew(Action::Returned)
                    .ending(ending)
                    .system(&system)
                    .target(format!("{} came back", counted(some.len())))
                    .fact("items", some.len());
                if let [only] = some {
                    entry = entry.account(only.account_name.clone()).session(&keys[0]);
                }
                let by_ticket: Vec<&LetIn> = let_in
                    .iter()
                    .filter(|let_in| keys.contains(&let_in.key) && may_be_by(let_in, now))
                    .collect();
                for let_in in &by_ticket {
                    work::add_detail(&mut conn, ending, &let_in.key, &words(let_in)).await?;
                }
                if !by_ticket.is_empty() {
                    let references: Vec<String> = by_ticket.iter().map(|l| l.reference.clone()).collect();
                    entry = entry
                        .fact("let_in_by", "ticket broker")
                        .fact("tickets", references);
                }
                self.parts.audit.append(&mut conn, &entry, now).await?;
            }
        }
        if !back.is_empty() {
            bump_all(&mut conn, &[topic::ENDINGS, &topic::ending(ending)]).await?;
        }
        conn.commit().await?;
        self.parts.changes.wake();
        Ok(back.len())
    }

    /// Of these, those whose account has a session now that began after we asked, read from the systems themselves.
    async fn seen_back(
        &self,
        watched: &[&work::Watched],
        frozen_at: Timestamp,
    ) -> Result<Vec<SessionKey>, Error> {
        let mut by_system: BTreeMap<&str, Vec<&work::Watched>> = BTreeMap::new();
        for item in watched.iter().filter(|w| !w.account_id.is_empty()) {
            by_system.entry(item.system_id.as_str()).or_default().push(item);
        }
        let mut back = Vec::new();
        for (system, items) in by_system {
            if items.len() > MOST_READ {
                continue;
            }
            let system = SystemId::from(system);
            let accounts: Vec<String> = items.iter().map(|w| w.account_id.clone()).collect();
            let reading = match self.parts.collector.read_accounts(&system, &accounts).await {
                Ok(reading) => reading,
                Err(cause) => {
                    tracing::debug!(system.id = %system, %cause, "could not look for people who come back");
                    continue;
                }
            };
            let keys: Vec<SessionKey> = reading.found.keys().cloned().collect();
            let mut known = HashSet::new();
            let mut conn = self.parts.db.read().await?;
            for some in keys.chunks(PER_WRITE) {
                known.extend(work::known_at(&mut conn, some, frozen_at).await?);
            }
            let mut newest: HashMap<&str, Timestamp> = HashMap::new();
            for (key, found) in &reading.found {
                let ours = items.iter().any(|w| w.session_key == key.0);
                if ours || known.contains(key) {
                    continue;
                }
                let at = found.created_at.unwrap_or(reading.started_at);
                let newest = newest.entry(found.target.account_id.as_str()).or_insert(at);
                *newest = at.max(*newest);
            }
            for item in items {
                let asked = item.asked_at.unwrap_or(item.settled_at) - CLOCKS_DIFFER_MS;
                let same_start = |at: &Timestamp| item.session_created_at == Some(at.0);
                let began = newest.get(item.account_id.as_str()).filter(|at| !same_start(at));
                if began.is_some_and(|at| at.0 >= asked) {
                    back.push(SessionKey(item.session_key.clone()));
                }
            }
        }
        Ok(back)
    }

    /// What is done now and then: forgets old previews, and lets what is left over wait for a person.
    pub async fn sweep(&self) -> Result<(), Error> {
        self.drop_old_drafts().await?;
        self.pause_left_over().await.map(|_| ())
    }

    /// Lets endings wait for a person that are at work for longer than `endings.wait_for_person_after_s`; how many.
    pub async fn pause_left_over(&self) -> Result<usize, Error> {
        let limit = self.parts.rules.wait_for_person_after_s;
        let words = "It was asked for so long ago that a person should look at it before it goes on.";
        self.pause_older_than(self.now().plus_seconds(-limit), words)
            .await
    }

    /// Lets every ending at work wait for a person: this database is a restored copy, and what it remembers as to be
    /// done may have been done, or decided against, since.
    pub async fn pause_restored(&self) -> Result<usize, Error> {
        let words =
            "The database was restored from a backup: look whether this is still wanted before it goes on.";
        self.pause_older_than(self.now().plus_ms(1), words).await
    }

    async fn pause_older_than(&self, before: Timestamp, words: &str) -> Result<usize, Error> {
        use app::endings::wire::EndingState::{Paused, Running, Waiting};
        let mut conn = self.parts.db.read().await?;
        let left = work::left_over(&mut conn, before).await?;
        drop(conn);
        for (ending, ending_no) in &left {
            let mut conn = self.parts.db.write().await?;
            store::lock(&mut conn, ending).await?;
            if store::set_state(&mut conn, ending, &[Waiting, Running], Paused, Some(words)).await? {
                let entry = Entry::curfew(Action::EndingChanged)
                    .ending(ending)
                    .target(format!("Ending {ending_no}: waits for a person"))
                    .reason(words, None);
                self.parts.audit.append(&mut conn, &entry, self.now()).await?;
                bump_all(&mut conn, &[topic::ENDINGS, &topic::ending(ending)]).await?;
            }
            conn.commit().await?;
        }
        if !left.is_empty() {
            self.parts.changes.wake();
        }
        Ok(left.len())
    }
}

/// Whether somebody seen back now may have come by that request: a session is seen within a few looks of its beginning.
fn may_be_by(let_in: &LetIn, now: Timestamp) -> bool {
    let_in
        .before
        .is_none_or(|until| now.since(until) <= SEEN_WITHIN_S * 1000)
}

fn words(let_in: &LetIn) -> String {
    let reference = &let_in.reference;
    match let_in.before {
        None => format!("Let in again by the ticket broker, request {reference}."),
        Some(_) => format!(
            "Came back while a ticket could still be redeemed that the ticket broker had given before the ending, \
             request {reference}."
        ),
    }
}

fn counted(people: usize) -> String {
    if people == 1 {
        "1 person".to_owned()
    } else {
        format!("{people} people")
    }
}
