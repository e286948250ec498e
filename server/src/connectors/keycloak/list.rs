//! Lists of sessions: client by client as documented, or by one call of the console's own; and of some people alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::PoisonError;

use async_trait::async_trait;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::people::Budget;
use super::rows::{RealmRules, Row};
use super::{Keycloak, ReadBy, Realm};
use crate::connectors::{Completeness, ConnectorError, ErrorKind, ListSessions, Sink, Wanted};

/// Sessions asked for at once.
const PAGE: usize = 1_000;
/// Sessions of the page before that a page begins with. While people come and go the rows shift: as long as a page begins
/// with one that is known, nothing was passed over.
const OVERLAP: usize = 50;
/// People who are looked up singly because their sessions are off the lists of all clients.
const MOST_VANISHED: usize = 100;
/// What people whom Keycloak does not keep have in their ids (inferred).
const LIGHTWEIGHT: &str = "lightweight-";

/// How many sessions a client has; Keycloak writes the numbers as texts.
#[derive(Deserialize)]
pub(super) struct ClientStats {
    /// Keycloak's own id of it.
    pub id: String,
    #[serde(default, rename = "clientId")]
    name: String,
    #[serde(default)]
    active: Count,
    #[serde(default)]
    pub offline: Count,
}

#[derive(Default)]
pub(super) struct Count(pub u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let told = serde_json::Value::deserialize(from)?;
        let number = told.as_u64().or_else(|| told.as_str()?.parse().ok());
        number
            .map(Count)
            .ok_or_else(|| serde::de::Error::custom("not a number"))
    }
}

/// What one realm's list showed, counted.
#[derive(Default)]
struct Noticed {
    rows: usize,
    unreadable: usize,
    without_leg: usize,
    refused: usize,
    disabled: HashSet<String>,
    /// Why it is not whole.
    partial: Option<String>,
    people: HashSet<String>,
}

/// What stands for a session without being its id.
pub(super) type Met = [u8; 16];

fn met(id: &str, offline: bool) -> Met {
    let hash = Sha256::new()
        .chain_update([u8::from(offline)])
        .chain_update(id)
        .finalize();
    let mut short = Met::default();
    short.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    short
}

/// One reading of one realm.
struct Reading<'r> {
    at_once: usize,
    own: &'r [String],
    realm: &'r Realm,
    rules: RealmRules,
    sink: &'r Sink,
    met: HashMap<Met, String>,
    budget: Budget,
    noticed: Noticed,
}

impl Reading<'_> {
    /// Hands over what was not met before; how many that were.
    async fn hand_over(&mut self, rows: Vec<Row>, offline: bool) -> Result<usize, ConnectorError> {
        let api = &self.realm.reader;
        let of_list = |row: &Row| row.list_type.as_deref().map_or(offline, |told| told == "OFFLINE");
        let mut new = Vec::with_capacity(rows.len());
        for row in rows {
            if !row.is_whole() {
                self.noticed.unreadable += 1;
                continue;
            }
            let account = row.user_id.clone().unwrap_or_default();
            if self.met.insert(met(&row.id, of_list(&row)), account).is_none() {
                new.push(row);
            }
        }
        let count = new.len();
        if count == 0 {
            return Ok(0);
        }
        if api.may("view-users") {
            let ids = new
                .iter()
                .map(|row| (row.user_id.clone().unwrap_or_default(), of_list(row)));
            self.realm
                .people
                .read(api, ids, self.at_once, &mut self.budget)
                .await;
        }
        let mut batch = Vec::with_capacity(count);
        for row in new {
            let id = row.user_id.clone().unwrap_or_default();
            let person = self.realm.people.get(&id);
            let offline = of_list(&row);
            self.noticed.rows += 1;
            self.noticed.without_leg += usize::from(row.clients.is_empty());
            self.noticed.refused += usize::from(row.is_refused(&self.rules, person.as_ref()));
            if person.as_ref().is_some_and(|person| !person.enabled) {
                self.noticed.disabled.insert(id.clone());
            }
            self.noticed.people.insert(id);
            batch.push(row.seen(&self.realm.name, offline, &self.rules, person.as_ref(), self.own));
        }
        self.sink.push(batch).await?;
        Ok(count)
    }

    /// Everything, client by client, in pages.
    async fn by_clients(&mut self, limit: usize) -> Result<(), ConnectorError> {
        let all = self.realm.stats().await?;
        for client in &all {
            for (offline, count) in [(false, &client.active), (true, &client.offline)] {
                if count.0 > 0 {
                    self.by_client(client, offline, limit).await?;
                }
            }
        }
        Ok(())
    }

    async fn by_client(
        &mut self,
        client: &ClientStats,
        offline: bool,
        limit: usize,
    ) -> Result<(), ConnectorError> {
        let (operation, list) = match offline {
            false => ("sessions", "user-sessions"),
            true => ("offline sessions", "offline-sessions"),
        };
        let path = ["clients", client.id.as_str(), list];
        let mut before: HashSet<Met> = HashSet::new();
        let mut first = 0;
        loop {
            let (from, max) = (first.to_string(), PAGE.to_string());
            let query = [("first", from.as_str()), ("max", max.as_str())];
            let page: Option<Vec<Row>> = self
                .realm
                .reader
                .read(operation, &path, &query, Some("Could not find client"))
                .await?;
            // A client that was deleted since the count has no sessions of its own any more.
            let Some(page) = page else { return Ok(()) };
            let count = page.len();
            let joins = first == 0
                || page
                    .first()
                    .is_some_and(|row| before.contains(&met(&row.id, offline)));
            if !joins && count > 0 {
                self.noticed.partial = Some(format!(
                    "So many sessions of {} went while its pages were read that some may have been passed over.",
                    client.name
                ));
            }
            before = page.iter().map(|row| met(&row.id, offline)).collect();
            self.hand_over(page, offline).await?;
            if self.noticed.rows >= limit {
                self.noticed.partial = Some(full(limit));
                return Ok(());
            }
            if count < PAGE {
                return Ok(());
            }
            first += PAGE - OVERLAP;
        }
    }

    /// Sessions that no client's list holds any more, of people who were listed before: they lost their last application.
    async fn without_leg(&mut self, before: &HashMap<Met, String>) -> Result<(), ConnectorError> {
        let gone = before.iter().filter(|(met, _)| !self.met.contains_key(*met));
        let people: HashSet<String> = gone.map(|(_, person)| person.clone()).collect();
        for person in people
            .into_iter()
            .filter(|id| !id.starts_with(LIGHTWEIGHT))
            .take(MOST_VANISHED)
        {
            if let Some(rows) = self.realm.online_of(&person).await? {
                self.hand_over(rows, false).await?;
            }
        }
        Ok(())
    }

    /// Everything, by one call of the console's: it reads all of it whatever is asked for, so pages would be dearer.
    async fn by_console(&mut self, limit: usize) -> Result<(), ConnectorError> {
        let max = limit.to_string();
        let query = [("first", "0"), ("max", max.as_str()), ("type", "ALL")];
        let rows: Vec<Row> = self
            .realm
            .reader
            .get("console", &["ui-ext", "sessions"], &query)
            .await?;
        if rows.len() >= limit {
            self.noticed.partial = Some(full(limit));
        }
        if rows.is_empty() {
            // Without view-users the same call says 200 and lists nobody.
            let all = self.realm.stats().await?;
            let counted: u64 = all.iter().map(|client| client.active.0 + client.offline.0).sum();
            if counted > 0 {
                return Err(ConnectorError::new(
                    ErrorKind::Forbidden,
                    format!(
                        "The realm {} counts {counted} sessions and shows none of them: the account of Curfew lacks the \
                         role view-users.",
                        self.realm.name
                    ),
                ));
            }
        }
        for chunk in rows.chunks(PAGE) {
            self.hand_over(chunk.to_vec(), false).await?;
        }
        Ok(())
    }

    /// Everything of these people.
    async fn of(&mut self, accounts: &[String]) -> Result<(), ConnectorError> {
        let mut offline_at: Option<Vec<ClientStats>> = None;
        for account in accounts {
            let Some(rows) = self.realm.online_of(account).await? else {
                // Not of this realm.
                continue;
            };
            self.hand_over(rows, false).await?;
            if offline_at.is_none() {
                offline_at = Some(self.realm.stats().await?);
            }
            let with_offline = offline_at.iter().flatten().filter(|client| client.offline.0 > 0);
            for client in with_offline {
                let rows = self.realm.offline_of(account, &client.id).await?;
                self.hand_over(rows, true).await?;
            }
        }
        Ok(())
    }
}

fn full(limit: usize) -> String {
    format!("Keycloak gave {limit} sessions, the most Curfew asks for (limit): there may be more.")
}

impl Realm {
    /// How many sessions each client has.
    pub(super) async fn stats(&self) -> Result<Vec<ClientStats>, ConnectorError> {
        self.reader
            .get("client counts", &["client-session-stats"], &[])
            .await
    }

    /// The online sessions of somebody, those without an application too; `None` = nobody of that id here.
    pub(super) async fn online_of(&self, account: &str) -> Result<Option<Vec<Row>>, ConnectorError> {
        let path = ["users", account, "sessions"];
        self.reader
            .read("sessions of", &path, &[], Some("User not found"))
            .await
    }

    /// The offline sessions of somebody at one client.
    pub(super) async fn offline_of(&self, account: &str, client: &str) -> Result<Vec<Row>, ConnectorError> {
        let path = ["users", account, "offline-sessions", client];
        let rows = self
            .reader
            .read("sessions of", &path, &[], Some("Client not found"))
            .await?;
        Ok(rows.unwrap_or_default())
    }
}

impl Keycloak {
    fn reading<'r>(&'r self, realm: &'r Realm, rules: RealmRules, sink: &'r Sink) -> Reading<'r> {
        Reading {
            at_once: self.connections,
            own: &self.own_accounts,
            realm,
            rules,
            sink,
            met: HashMap::new(),
            budget: Budget::new(),
            noticed: Noticed::default(),
        }
    }

    /// All of one realm; what it showed, as sentences, and why it is not whole.
    async fn read_realm(
        &self,
        realm: &Realm,
        sink: &Sink,
    ) -> Result<(Vec<String>, Option<String>), ConnectorError> {
        let rules = self.rules(realm).await?;
        let told = rules.told();
        realm.try_ender().await;
        let mut found = vec![format!("{}: {}", realm.name, realm.roles_in_words(self.read_by))];
        if realm.reader.may("view-users")
            && let Err(error) = realm.people.read_disabled(&realm.reader).await
        {
            found.push(format!("Who is disabled could not be read: {}", error.message));
        }
        let before = std::mem::take(&mut *realm.listed.lock().unwrap_or_else(PoisonError::into_inner));
        let mut reading = self.reading(realm, rules, sink);
        match self.read_by {
            ReadBy::Clients => {
                reading.by_clients(self.limit).await?;
                if reading.noticed.partial.is_none() && realm.reader.may("view-users") {
                    reading.without_leg(&before).await?;
                }
            }
            ReadBy::Console => reading.by_console(self.limit).await?,
        }
        let Reading {
            met, noticed, budget, ..
        } = reading;
        realm.people.retain(&noticed.people);
        *realm.listed.lock().unwrap_or_else(PoisonError::into_inner) = met;
        found.extend(noticed.words(&realm.name, told));
        found.extend(budget.failed.map(|why| format!("Names could not be read: {why}")));
        let unreadable = (noticed.unreadable > 0).then(|| {
            format!(
                "{} sessions came without an id or a person and were left out.",
                noticed.unreadable
            )
        });
        Ok((found, noticed.partial.or(unreadable)))
    }
}

impl Noticed {
    fn words(&self, realm: &str, told: bool) -> Vec<String> {
        let mut words = Vec::new();
        let mut say = |count: usize, one: &str, many: &str| {
            if count > 0 {
                words.push(format!(
                    "{realm}: {count} {}",
                    if count == 1 { one } else { many }
                ));
            }
        };
        say(
            self.disabled.len(),
            "person is disabled and still listed: Keycloak refuses their tokens, the application may not.",
            "people are disabled and still listed: Keycloak refuses their tokens, the applications may not.",
        );
        say(
            self.refused,
            "session looks alive and is not: it was last used before the not-before of the realm or its person.",
            "sessions look alive and are not: they were last used before the not-before of the realm or their person.",
        );
        say(
            self.without_leg,
            "session reaches no application any more, and still signs in to the next one.",
            "sessions reach no application any more, and still sign in to the next one.",
        );
        if !told {
            words.push(format!(
                "{realm}: Keycloak shows a stub in place of its settings: no limits are known without the role view-realm."
            ));
        }
        words
    }
}

impl Realm {
    fn ender_trouble(&self) -> Option<String> {
        self.ender_trouble
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn ender_roles(&self) -> Option<BTreeSet<String>> {
        let api = if self.separate { &self.ender } else { &self.reader };
        api.roles()
    }

    /// Signs in as the account that ends, once: whether it can is told before somebody needs it.
    async fn try_ender(&self) {
        if self.separate && self.ender_trouble().is_none() {
            let trouble = self
                .ender
                .sign_in()
                .await
                .err()
                .map_or_else(String::new, |error| error.message);
            *self.ender_trouble.write().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
        }
    }

    /// What the roles of both accounts allow, as far as the tokens name them.
    fn roles_in_words(&self, read_by: ReadBy) -> String {
        let Some(roles) = self.reader.roles() else {
            return "Curfew\u{2019}s token does not name its roles.".to_owned();
        };
        let wanted: &[&str] = match read_by {
            ReadBy::Clients => &["view-realm", "view-users", "view-clients"],
            ReadBy::Console => &["view-realm", "view-users"],
        };
        let has = |role: &&&str| roles.contains(**role);
        let missing: Vec<&str> = wanted.iter().filter(|role| !has(role)).copied().collect();
        let mut words = match missing.as_slice() {
            [] => "the account that reads has the roles it needs.".to_owned(),
            missing => format!("the account that reads lacks {}.", missing.join(", ")),
        };
        if self.separate && roles.contains("manage-users") {
            words.push_str(" It has manage-users too, which it does not need: another account ends.");
        }
        if roles.contains("view-clients") && read_by == ReadBy::Console {
            words.push_str(" It has view-clients, which reads the secrets of clients: only the settings of clients need it.");
        }
        match (self.ender_trouble(), self.ender_roles()) {
            (Some(trouble), _) if !trouble.is_empty() => {
                words.push_str(&format!(" The account that ends: {trouble}"))
            }
            (_, Some(ends)) if !ends.contains("manage-users") => {
                words.push_str(" The account that ends lacks manage-users.");
            }
            (_, Some(_)) => words.push_str(" The account that ends has manage-users."),
            _ => {}
        }
        words
    }
}

#[async_trait]
impl ListSessions for Keycloak {
    fn narrows(&self) -> bool {
        true
    }

    async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let accounts = match wanted {
            Wanted::All => {
                let (mut found, mut partial) = (Vec::new(), BTreeMap::new());
                for realm in &self.realms {
                    let (said, why) = self.read_realm(realm, sink).await?;
                    found.extend(said);
                    partial.extend(why.map(|why| (realm.name.clone(), why)));
                }
                *self.found.write().unwrap_or_else(PoisonError::into_inner) = found;
                return Ok(match partial.pop_first() {
                    Some((realm, why)) => Completeness::Partial(format!("{realm}: {why}")),
                    None => Completeness::Complete,
                });
            }
            Wanted::Accounts(accounts) => accounts,
        };
        if accounts.iter().any(|id| id.starts_with(LIGHTWEIGHT)) {
            // Keycloak knows no user of that id; its sessions are in the lists of everything alone.
            return self.list_and_keep(accounts, sink).await;
        }
        for realm in &self.realms {
            if accounts.is_empty() {
                break;
            }
            let rules = self.rules(realm).await?;
            let mut reading = self.reading(realm, rules, sink);
            reading.of(accounts).await?;
        }
        Ok(Completeness::Complete)
    }
}

impl Keycloak {
    /// Reads everything and hands on what is of these people.
    async fn list_and_keep(&self, accounts: &[String], sink: &Sink) -> Result<Completeness, ConnectorError> {
        let (all, mut batches) = Sink::channel(2);
        let reading = async move { ListSessions::list(self, Wanted::All, &all).await };
        let keeping = async {
            while let Some(mut batch) = batches.recv().await {
                batch.retain(|seen| accounts.contains(&seen.account_id));
                sink.push(batch).await?;
            }
            Ok(())
        };
        let (whole, kept): (_, Result<(), ConnectorError>) = tokio::join!(reading, keeping);
        kept?;
        whole
    }
}
