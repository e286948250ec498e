//! Lists of sessions: one call for all of them, names joined from the users endpoint, and what both say of Curfew's rights.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::PoisonError;

use app::sessions::wire::SessionKind;
use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::Domo;
use super::api::{Me, Told};
use super::rows::Row;
use super::trouble::Trouble;
use crate::connectors::{Completeness, ConnectorError, ErrorKind, Handle, ListSessions, Sink, Wanted};

/// Users asked for by one call.
const USERS_AT_ONCE: usize = 100;
/// Sessions handed over at once.
const BATCH: usize = 1_000;

/// What stands for an id without being one.
pub(super) fn key(handle: &Handle) -> [u8; 32] {
    Sha256::digest(handle.expose().as_bytes()).into()
}

/// How the names of a list came out.
#[derive(Default)]
struct Named {
    /// Ids that Domo knows no user of.
    unknown: BTreeSet<String>,
    deactivated: BTreeSet<String>,
    /// Why the rest was not asked for.
    failed: Option<String>,
}

impl Domo {
    /// Everything Domo lists; trouble is told with what Curfew may do there.
    pub(super) async fn everything(&self) -> Result<Vec<Row>, ConnectorError> {
        match self.api.sessions(self.limit).await? {
            Ok(rows) => {
                self.keep_numbers(&rows);
                Ok(rows)
            }
            Err(trouble) => Err(self.refused(&trouble).await),
        }
    }

    /// The trouble with the list, told apart from trouble with the credential.
    async fn refused(&self, trouble: &Trouble) -> ConnectorError {
        let Trouble::Said(said) = trouble else {
            return trouble.error("to list sessions");
        };
        if !matches!(said.status, 401 | 403) {
            return trouble.error("to list sessions");
        }
        match self.ask_me().await {
            Ok(Ok(me)) => {
                let accepted = self.accepted(&me);
                let not_allowed = self.may_not_manage(&said.reference());
                self.keep_found(vec![accepted.clone(), not_allowed.clone()]);
                ConnectorError::new(ErrorKind::Forbidden, format!("{accepted} {not_allowed}"))
            }
            Ok(Err(trouble)) => {
                let error = trouble.error("to look at its own account");
                self.keep_found(vec![error.message.clone()]);
                error
            }
            Err(_) => trouble.error("to list sessions"),
        }
    }

    /// Why a credential that is accepted may still be refused here.
    fn may_not_manage(&self, reference: &str) -> String {
        let token = if self.api.identity().has_session() {
            ""
        } else {
            " Domo may refuse developer tokens here: then let Curfew sign in with a password or a refresh token."
        };
        format!(
            "It may not manage sessions ({reference}): give the role of that account the grant \u{201c}Edit user \
             Sessions\u{201d} (user.session.edit), and see that session management is switched on in this Domo.{token}"
        )
    }

    fn accepted(&self, me: &Me) -> String {
        let way = self.api.identity().words();
        match me.name.as_str() {
            "" => format!("Domo accepts Curfew\u{2019}s credential ({way})."),
            name => format!("Domo accepts Curfew\u{2019}s credential ({way} of {name})."),
        }
    }

    /// Whom Domo takes Curfew for, asked anew.
    pub(super) async fn ask_me(&self) -> Told<Me> {
        let me = self.api.me().await;
        let known = me.as_ref().ok().and_then(|me| me.as_ref().ok()).cloned();
        *self.me.lock().unwrap_or_else(PoisonError::into_inner) = known;
        me
    }

    /// The same, asked only where it is not known yet.
    async fn me(&self) -> Option<Me> {
        let known = self.me.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(me) => Some(me),
            None => self.ask_me().await.ok().and_then(Result::ok),
        }
    }

    fn keep_numbers(&self, rows: &[Row]) {
        let numbers = rows.iter().filter(|row| row.is_whole());
        let numbers = numbers.filter_map(|row| Some((key(&row.handle()), row.id?)));
        *self.numbers.write().unwrap_or_else(PoisonError::into_inner) = numbers.collect();
    }

    fn keep_found(&self, found: Vec<String>) {
        *self.found.write().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// Hands the rows over with the names of their people: first who is known, then the others as they become known.
    async fn hand_over(&self, rows: Vec<Row>, own: &str, sink: &Sink) -> Result<Named, ConnectorError> {
        let who = |row: &Row| row.user_id.clone().unwrap_or_default();
        let asked: BTreeSet<String> = rows
            .iter()
            .map(who)
            .filter(|id| !self.names.is_fresh(id))
            .collect();
        let asked: Vec<String> = asked.into_iter().collect();
        let mut named = Named::default();
        let (known, mut later): (Vec<Row>, Vec<Row>) = rows
            .into_iter()
            .partition(|row| asked.binary_search(&who(row)).is_err());
        self.push(known, own, &mut named, sink).await?;
        later.sort_by_cached_key(who);
        for ids in asked.chunks(USERS_AT_ONCE) {
            if named.failed.is_none() {
                match self.api.users(ids).await {
                    Ok(Ok(users)) => self.names.keep(ids, users),
                    Ok(Err(trouble)) => named.failed = Some(trouble.error("to read names").message),
                    Err(failed) => named.failed = Some(failed.error.message),
                }
            }
            let last = ids.last().map(String::as_str).unwrap_or_default();
            let after = later.partition_point(|row| row.user_id.as_deref().unwrap_or_default() <= last);
            let rest = later.split_off(after);
            self.push(std::mem::replace(&mut later, rest), own, &mut named, sink)
                .await?;
        }
        Ok(named)
    }

    async fn push(
        &self,
        rows: Vec<Row>,
        own: &str,
        named: &mut Named,
        sink: &Sink,
    ) -> Result<(), ConnectorError> {
        let mut batch = Vec::with_capacity(rows.len().min(BATCH));
        for row in rows {
            let id = row.user_id.clone().unwrap_or_default();
            let user = self.names.get(&id);
            let is_own = !own.is_empty() && own == id;
            batch.push(row.seen(&self.kinds, user.as_ref(), is_own));
            match user {
                None => {
                    named.unknown.insert(id);
                }
                Some(user) if !user.active => {
                    named.deactivated.insert(id);
                }
                Some(_) => {}
            }
            if batch.len() == BATCH {
                sink.push(std::mem::take(&mut batch)).await?;
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        sink.push(batch).await
    }
}

/// What a list showed of itself, counted.
#[derive(Default)]
struct Noticed {
    /// Rows without an id or without a person.
    unreadable: usize,
    /// Sessions by a code that is neither a browser's nor the mobile app's.
    codes: BTreeMap<String, usize>,
    /// Most fields of one row that Curfew does not know.
    fields: u32,
}

impl Noticed {
    fn of(rows: &[Row], domo: &Domo) -> Self {
        let mut noticed = Self::default();
        for row in rows {
            noticed.unreadable += usize::from(!row.is_whole());
            noticed.fields = noticed.fields.max(row.unknown);
            if domo.kinds.of(&row.token_type) == SessionKind::Other {
                *noticed.codes.entry(row.token_type.clone()).or_default() += 1;
            }
        }
        noticed
    }

    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if !self.codes.is_empty() {
            let named: Vec<String> = self
                .codes
                .iter()
                .take(5)
                .map(|(code, count)| match code.as_str() {
                    "" => format!("none ({count})"),
                    code => format!("{code} ({count})"),
                })
                .collect();
            words.push(format!(
                "Type codes that nobody named, shown as they are: {}. Name them by browser_types and mobile_types.",
                named.join(", ")
            ));
        }
        if self.fields > 0 {
            words.push(format!(
                "Sessions have {} that Curfew does not know and does not keep.",
                match self.fields {
                    1 => "a field".to_owned(),
                    fields => format!("{fields} fields"),
                }
            ));
        }
        words
    }
}

impl Named {
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(why) = &self.failed {
            words.push(format!(
                "Names could not be read, so ids may stand in their place: {why}"
            ));
        } else if !self.unknown.is_empty() {
            words.push(format!(
                "{} not known to Domo\u{2019}s list of users (deleted?): the id stands in place of the name.",
                people(self.unknown.len())
            ));
        }
        if !self.deactivated.is_empty() {
            words.push(format!(
                "{} deactivated in Domo and still signed in.",
                people(self.deactivated.len())
            ));
        }
        words
    }
}

/// "1 person is", "3 people are".
fn people(count: usize) -> String {
    match count {
        1 => "1 person is".to_owned(),
        count => format!("{count} people are"),
    }
}

#[async_trait]
impl ListSessions for Domo {
    async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let mut rows = self.everything().await?;
        let count = rows.len();
        let noticed = Noticed::of(&rows, self);
        rows.retain(Row::is_whole);
        let me = self.me().await;
        let own = match &me {
            Some(me) if self.api.identity().has_session() => me.id.as_str(),
            _ => "",
        };
        let all = match wanted {
            Wanted::All => {
                let ids: HashSet<&str> = rows.iter().filter_map(|row| row.user_id.as_deref()).collect();
                self.names.retain(&ids);
                true
            }
            Wanted::Accounts(accounts) => {
                rows.retain(|row| row.user_id.as_ref().is_some_and(|id| accounts.contains(id)));
                false
            }
        };
        let named = self.hand_over(rows, own, sink).await?;
        if all {
            let mut found = vec![match &me {
                Some(me) => self.accepted(me),
                None => "Whom Domo takes Curfew for could not be read.".to_owned(),
            }];
            found.push("It may manage sessions: Domo gave their list.".to_owned());
            found.extend(named.words());
            found.extend(noticed.words());
            self.keep_found(found);
        }
        if count >= self.limit {
            return Ok(Completeness::Partial(format!(
                "Domo gave {count} sessions, the most Curfew asks for (limit): there may be more."
            )));
        }
        if noticed.unreadable > 0 {
            return Ok(Completeness::Partial(format!(
                "{} of {count} sessions came without an id or without a person and were left out.",
                noticed.unreadable
            )));
        }
        Ok(Completeness::Complete)
    }
}
