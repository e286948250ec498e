//! What was asked and what became of it, stored in batches beside the path of the requests.
//!
//! A ticket must not wait for a disk, so requests are kept in memory for half a second and written together: numbers and
//! one audit entry per app and kind of outcome, with a hash over its rows (as endings do), then the rows, a few at a time:
//! while they are written, nobody’s token can be marked on an embedded database. A crash loses that half second of
//! history, or rows of it that the log tells of, never the rule that a token is used once: that is [`Journal::claim`] within this process
//! and [`Journal::mark`] for all of them, which waits for its commit, many requests sharing one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::audit::wire::AuditResult;
use app::tickets::wire::TicketOutcome;
use app::wire::{SystemId, Timestamp};
use tokio::sync::{Notify, oneshot};

use super::store::{self, Issue, Line};
use super::store_marks;
use crate::audit::{Action, Audit, Entry};
use crate::clock::Clock;
use crate::db::Db;
use crate::error::Error;
use crate::keys::sha256_hex;

/// How long requests gather before they are stored together.
const GATHER: Duration = Duration::from_millis(500);
/// Rows written at least before others get their turn: `cargo xtask bench tickets` feels more in its 99th percentile.
const PER_TURN: usize = 16;
/// Most turns for what waits, so that many requests are written in larger pieces.
const TURNS: usize = 16;
/// Most rows of one audit entry.
const PER_ENTRY: usize = 500;
/// Most tokens marked in one statement.
const PER_MARK: usize = 500;
/// Names of sites are looked up again after so long, ms.
const SITE_NAME_MS: i64 = 600_000;

/// A token that waits to be marked as used.
struct Waiting {
    key: String,
    expires_at: Timestamp,
    fresh: oneshot::Sender<bool>,
}

/// The journal.
pub struct Journal {
    db: Db,
    clock: Arc<dyn Clock>,
    audit: Arc<Audit>,
    /// Requests that are not stored yet.
    issues: Mutex<Vec<Issue>>,
    /// Those that the log tells of already, but whose rows are not stored.
    logged: Mutex<VecDeque<Issue>>,
    /// One writer at a time.
    writing: tokio::sync::Mutex<()>,
    wake: Arc<Notify>,
    marks: Arc<Marks>,
    /// Names of sites, and when they were looked up.
    sites: Mutex<HashMap<(String, String), (Timestamp, String)>>,
}

/// Tokens that were used.
struct Marks {
    db: Db,
    /// What this process knows to be used: a repeat is told without asking the database.
    known: Mutex<Known>,
    waiting: Mutex<Vec<Waiting>>,
    /// Whose turn it is to write for everybody.
    turn: tokio::sync::Mutex<()>,
}

/// Tokens that this process met, and until when each is good.
#[derive(Default)]
struct Known {
    tokens: HashMap<String, Timestamp>,
    /// So many of them, and those that ran out are looked for.
    look_at: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// An empty one.
    pub fn new(db: Db, clock: Arc<dyn Clock>, audit: Arc<Audit>) -> Self {
        Self {
            marks: Arc::new(Marks {
                db: db.clone(),
                known: Mutex::default(),
                waiting: Mutex::default(),
                turn: tokio::sync::Mutex::default(),
            }),
            db,
            clock,
            audit,
            issues: Mutex::default(),
            logged: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            wake: Arc::new(Notify::new()),
            sites: Mutex::default(),
        }
    }

    /// Notified when something waits.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Takes a token for one request; false when this process met it before. No waiting, so it comes before any asking.
    pub fn claim(&self, key: &str, expires_at: Timestamp) -> bool {
        let mut known = lock(&self.marks.known);
        if known.tokens.len() >= known.look_at {
            let now = self.clock.now();
            known.tokens.retain(|_, until| *until > now);
            // Not with every token: where thousands are good at a time that would be most of the work.
            known.look_at = (2 * known.tokens.len()).max(10_000);
        }
        known.tokens.insert(key.to_owned(), expires_at).is_none()
    }

    /// Marks a claimed token as used; false when it was used before, on another replica or before this process began.
    ///
    /// Returns after the commit. Whoever comes while another one writes is written together with all who wait by then.
    pub async fn mark(&self, key: String, expires_at: Timestamp) -> Result<bool, Error> {
        let (sender, mut receiver) = oneshot::channel();
        lock(&self.marks.waiting).push(Waiting {
            key,
            expires_at,
            fresh: sender,
        });
        let marks = self.marks.clone();
        let turn = marks.turn.lock().await;
        if let Ok(fresh) = receiver.try_recv() {
            return Ok(fresh);
        }
        // In a task of its own: who asks may go away, those who are written with it stay.
        let all = self.marks.clone();
        let written = tokio::spawn(async move { all.write().await }).await;
        drop(turn);
        written.map_err(|cause| Error::Other(cause.into()))??;
        receiver
            .try_recv()
            .map_err(|_| Error::Other(anyhow::anyhow!("a token was not marked")))
    }

    /// Keeps a request, to be stored soon.
    pub fn keep(&self, issue: Issue) {
        lock(&self.issues).push(issue);
        self.wake.notify_one();
    }

    /// Lets requests gather, then stores them.
    pub async fn gather(&self) -> Result<(), Error> {
        if lock(&self.issues).is_empty() && lock(&self.logged).is_empty() {
            return Ok(());
        }
        tokio::time::sleep(GATHER).await;
        self.flush().await
    }

    /// Stores everything that waits, now. What can't be stored waits again.
    pub async fn flush(&self) -> Result<(), Error> {
        let _writing = self.writing.lock().await;
        let mut issues = std::mem::take(&mut *lock(&self.issues));
        if !issues.is_empty() {
            let logged = self.log(&mut issues).await;
            if logged.is_err() {
                let mut waiting = lock(&self.issues);
                issues.append(&mut waiting);
                // A database that is away for long must not fill the memory: what is oldest goes.
                let too_many = issues.len().saturating_sub(200_000);
                issues.drain(..too_many);
                *waiting = issues;
                return logged;
            }
            lock(&self.logged).extend(issues);
        }
        self.store().await
    }

    /// Stores the rows of what the log tells of.
    async fn store(&self) -> Result<(), Error> {
        let at_once = lock(&self.logged).len().div_ceil(TURNS).max(PER_TURN);
        loop {
            let some: Vec<Issue> = lock(&self.logged).iter().take(at_once).cloned().collect();
            if some.is_empty() {
                return Ok(());
            }
            let mut conn = self.db.write().await?;
            store::add(&mut conn, &some).await?;
            conn.commit().await?;
            lock(&self.logged).drain(..some.len());
        }
    }

    /// Counts requests and tells of them in the log.
    async fn log(&self, issues: &mut [Issue]) -> Result<(), Error> {
        self.name_sites(issues).await?;
        let mut lines: BTreeMap<Line, i64> = BTreeMap::new();
        for issue in &*issues {
            *lines.entry(Line::of(issue)).or_default() += 1;
        }
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        for (line, requests) in &lines {
            store::count(&mut conn, line, *requests).await?;
        }
        for entry in entries(issues) {
            self.audit.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await
    }

    /// Fills in the names of sites, by which scopes know them.
    async fn name_sites(&self, issues: &mut [Issue]) -> Result<(), Error> {
        let now = self.clock.now();
        let mut names: HashMap<(String, String), String> = HashMap::new();
        for issue in issues.iter_mut().filter(|issue| !issue.system_id.is_empty()) {
            let key = (issue.system_id.clone(), issue.place.clone());
            if !names.contains_key(&key) {
                let known = lock(&self.sites).get(&key).cloned();
                let name = match known.filter(|(at, _)| now.since(*at) < SITE_NAME_MS) {
                    Some((_, name)) => name,
                    None => {
                        let mut conn = self.db.read().await?;
                        let system = SystemId::from(key.0.as_str());
                        let name = store::site_name(&mut conn, &system, &key.1).await?;
                        let name = name.unwrap_or_default();
                        lock(&self.sites).insert(key.clone(), (now, name.clone()));
                        name
                    }
                };
                names.insert(key.clone(), name);
            }
            issue.site = names.get(&key).cloned().unwrap_or_default();
        }
        Ok(())
    }
}

impl Marks {
    async fn write(&self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        for some in chunks(waiting) {
            let tokens: Vec<(String, Timestamp)> =
                some.iter().map(|w| (w.key.clone(), w.expires_at)).collect();
            let mut conn = self.db.write_one().await?;
            let fresh: std::collections::HashSet<String> = store_marks::use_once(&mut conn, &tokens)
                .await?
                .into_iter()
                .collect();
            for one in some {
                one.fresh.send(fresh.contains(&one.key)).ok();
            }
        }
        Ok(())
    }
}

/// In pieces of one statement each, sorted, so that two replicas don't wait for each other crosswise.
fn chunks(mut waiting: Vec<Waiting>) -> Vec<Vec<Waiting>> {
    waiting.sort_by(|a, b| a.key.cmp(&b.key));
    let mut pieces = Vec::new();
    while !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(PER_MARK));
        pieces.push(std::mem::replace(&mut waiting, rest));
    }
    pieces
}

/// One entry per app and kind of outcome, with a hash over its rows.
fn entries(issues: &[Issue]) -> Vec<Entry> {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Issue>> = BTreeMap::new();
    for issue in issues {
        let key = (
            issue.app_id.as_str(),
            issue.system_id.as_str(),
            issue.outcome.as_str(),
        );
        groups.entry(key).or_default().push(issue);
    }
    groups
        .into_iter()
        .flat_map(|(key, group)| {
            group
                .chunks(PER_ENTRY)
                .map(|some| entry(key, some))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn entry((app, system, outcome): (&str, &str, &str), issues: &[&Issue]) -> Entry {
    let issued = outcome == TicketOutcome::Issued.name();
    let (action, result) = if issued {
        (Action::TicketIssued, AuditResult::Ok)
    } else {
        (Action::TicketRefused, AuditResult::Refused)
    };
    let mut text = String::new();
    for issue in issues {
        for part in [
            &issue.issue_id,
            &issue.reference,
            &issue.place,
            &issue.account,
            &issue.outcome,
        ] {
            text.push_str(&serde_json::Value::from(part.as_str()).to_string());
        }
        text.push('\n');
    }
    let label = TicketOutcome::from_name(outcome).map_or("not known", TicketOutcome::label);
    let words = match issues.len() {
        1 => format!("1 request for a ticket: {}", label.to_lowercase()),
        n => format!("{n} requests for tickets: {}", label.to_lowercase()),
    };
    let mut entry = Entry::app(action, app)
        .target(words)
        .result(result)
        .fact("outcome", outcome)
        .fact("items", issues.len())
        .fact("items_hash", sha256_hex(text.as_bytes()))
        .fact("first", issues[0].reference.clone())
        .fact("last", issues[issues.len() - 1].reference.clone());
    if !system.is_empty() {
        entry = entry.system(&SystemId::from(system));
    }
    if let [only] = issues
        && !only.account.is_empty()
    {
        entry = entry
            .account(only.account_sort.clone())
            .site(&only.place, &only.site);
    }
    entry
}
