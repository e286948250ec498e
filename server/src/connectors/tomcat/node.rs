//! One Tomcat: which bridge speaks for it, its session managers, and their sessions with what is known of them.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use app::wire::{Limit, Timestamp};
use jiff::tz::TimeZone;

use super::jmx::{Ask, Jmx, Op, Reply};
use super::memory::{Known, Memory, Name, PERSON_FOR};
use super::moment;
use super::person::{Form, Person, Reading, Source};
use crate::connectors::{ConnectorError, ErrorKind, Handle};

/// Apps of Tomcat's own and of bridges: whoever is in there administers the server itself.
const OWN_APPS: [&str; 4] = ["/manager", "/host-manager", "/jolokia", "/hawtio"];
/// Sessions of a manager that are asked for every attribute there could be, in one reading.
const SAMPLE: usize = 200;

/// Where a bridge is, and the bridge.
pub(super) struct Candidate {
    /// "Jolokia", for people.
    pub label: &'static str,
    pub jmx: Arc<dyn Jmx>,
}

/// One Tomcat.
pub(super) struct Node {
    /// `None` = there is only one.
    pub name: Option<String>,
    /// Site its sessions belong to; empty = none.
    pub site: String,
    /// Bridges in the order they are preferred in.
    pub candidates: Vec<Candidate>,
    pub memory: Memory,
    pub chosen: Mutex<Option<Chosen>>,
}

/// The bridge in use.
#[derive(Clone)]
pub(super) struct Chosen {
    pub jmx: Arc<dyn Jmx>,
    /// How it named itself.
    pub introduced: String,
    /// Why others were passed over.
    pub passed_over: Vec<String>,
    /// As they were when it was last looked.
    pub managers: Vec<Manager>,
}

/// The session manager of one web app.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    /// Name of its MBean as the bridge writes it.
    pub bean: String,
    /// Context path, `##` version included.
    pub place: String,
    pub class: String,
    /// Idle limit of the app; single sessions may have another.
    pub idle: Limit,
    /// Why a browser would sign itself in again.
    pub return_hint: Option<String>,
}

/// What a reading is for.
#[derive(Clone, Copy)]
pub(super) enum For<'a> {
    /// The list: what can have changed is read again.
    Inventory,
    /// Some accounts, to end them: what is known is enough.
    Accounts(&'a HashSet<&'a str>),
}

/// A session of a manager with what was read of it.
pub(super) struct Met {
    pub id: Handle,
    pub name: Name,
    pub known: Known,
}

impl Node {
    /// What to call it in a sentence.
    pub fn label(&self) -> String {
        self.name
            .as_deref()
            .map_or_else(String::new, |name| format!("{name}: "))
    }

    /// The bridge, chosen at the first use: the first that answers as one.
    pub async fn bridge(&self) -> Result<Chosen, ConnectorError> {
        let known = self.lock().clone();
        if let Some(chosen) = known {
            return Ok(chosen);
        }
        let mut passed_over = Vec::new();
        let mut last = None;
        for candidate in &self.candidates {
            match self.try_bridge(candidate).await {
                Ok((introduced, managers)) => {
                    let chosen = Chosen {
                        jmx: candidate.jmx.clone(),
                        introduced,
                        passed_over,
                        managers,
                    };
                    *self.lock() = Some(chosen.clone());
                    return Ok(chosen);
                }
                // A password that one bridge refused is not tried at the next: five failures lock the account.
                Err(error) if error.kind == ErrorKind::Unauthorized => return Err(error),
                Err(error) => {
                    passed_over.push(format!("{} was passed over: {}", candidate.label, error.message));
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| ConnectorError::new(ErrorKind::Unsupported, "No bridge is set.")))
    }

    async fn try_bridge(&self, candidate: &Candidate) -> Result<(String, Vec<Manager>), ConnectorError> {
        let introduced = candidate.jmx.introduce().await?;
        let managers = managers(candidate.jmx.as_ref()).await?;
        Ok((introduced, managers))
    }

    /// Session managers as they are now.
    pub async fn managers(&self, contexts: &[String]) -> Result<(Chosen, Vec<Manager>), ConnectorError> {
        let mut chosen = self.bridge().await?;
        chosen.managers = managers(chosen.jmx.as_ref()).await?;
        *self.lock() = Some(chosen.clone());
        let beans: HashSet<&str> = chosen.managers.iter().map(|m| m.bean.as_str()).collect();
        self.memory.managers(&beans);
        let wanted = chosen
            .managers
            .iter()
            .filter(|manager| belongs(&manager.place, contexts))
            .cloned()
            .collect();
        Ok((chosen, wanted))
    }

    /// Forgets which bridge it was: the next reading looks again.
    pub fn look_again(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Chosen>> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ids of a manager's sessions; `None` = the app is not there any more.
    pub async fn ids(&self, jmx: &dyn Jmx, bean: &str) -> Result<Option<Vec<Handle>>, ConnectorError> {
        let ask = Ask {
            bean,
            op: Op::ListSessionIds,
            session: None,
            attribute: None,
        };
        match jmx.ask(&[ask]).await?.pop() {
            Some(Reply::Value(list)) => {
                let ids: Vec<&str> = list.split_whitespace().collect();
                if let Some(_bad) = ids.iter().find(|id| !is_id(id)) {
                    return Err(ConnectorError::new(
                        ErrorKind::Protocol,
                        "Its list of sessions holds something that is no session id.",
                    ));
                }
                Ok(Some(ids.into_iter().map(Handle::new).collect()))
            }
            Some(Reply::Nothing) => Ok(Some(Vec::new())),
            Some(Reply::NoBean) => Ok(None),
            Some(Reply::Forbidden) => Err(ConnectorError::new(
                ErrorKind::Forbidden,
                "Its policy does not allow listSessionIds.",
            )),
            Some(Reply::Lost(why)) => Err(why),
            Some(Reply::NoOperation | Reply::Threw) | None => Err(ConnectorError::new(
                ErrorKind::Protocol,
                "Its session manager could not list its sessions.",
            )),
        }
    }

    /// What is to be known of these sessions of a manager; those that went meanwhile are left out.
    pub async fn read(
        &self,
        jmx: &dyn Jmx,
        manager: &Manager,
        ids: Vec<Handle>,
        purpose: For<'_>,
        reading: &mut ReadingOf<'_>,
    ) -> Result<Vec<Met>, ConnectorError> {
        let names: Vec<Name> = ids.iter().map(|id| self.memory.name(id)).collect();
        let before = self.memory.recall(&manager.bean, &names);
        let mut met: Vec<Met> = Vec::with_capacity(ids.len());
        let mut fresh: Vec<usize> = Vec::new();
        let mut persons: Vec<usize> = Vec::new();
        for ((id, name), known) in ids.into_iter().zip(names).zip(before) {
            let is_new = known.is_none();
            let signed_in = known
                .as_ref()
                .is_some_and(|k| matches!(k.reading.person, Person::Known { .. }));
            let old = known.as_ref().is_some_and(|k| k.read_at.elapsed() >= PERSON_FOR);
            if let (For::Accounts(accounts), Some(k), false) = (purpose, &known, old)
                && !accounts.contains(account(&k.reading.person))
            {
                continue;
            }
            let at = met.len();
            if is_new {
                fresh.push(at);
            }
            if is_new || old || (!signed_in && matches!(purpose, For::Inventory)) {
                persons.push(at);
            }
            met.push(Met {
                id,
                name,
                known: known.unwrap_or_else(|| Known {
                    created_at: None,
                    last_active_at: None,
                    reading: Reading::default(),
                    read_at: Instant::now(),
                    asked: false,
                }),
            });
        }
        let active: Vec<usize> = match purpose {
            For::Inventory => (0..met.len()).collect(),
            For::Accounts(_) => fresh.clone(),
        };
        let gone = self
            .moments(jmx, manager, &mut met, &fresh, &active, reading)
            .await?;
        self.persons(jmx, manager, &mut met, &persons, reading).await?;
        let mut at = 0;
        met.retain(|_| {
            at += 1;
            !gone.contains(&(at - 1))
        });
        self.memory
            .keep(&manager.bean, met.iter().map(|m| (m.name, m.known.clone())));
        if let For::Accounts(accounts) = purpose {
            met.retain(|m| accounts.contains(account(&m.known.reading.person)));
        }
        Ok(met)
    }

    /// Reads starts of `fresh` and last activities of `active`; gives those that are gone.
    async fn moments(
        &self,
        jmx: &dyn Jmx,
        manager: &Manager,
        met: &mut [Met],
        fresh: &[usize],
        active: &[usize],
        reading: &ReadingOf<'_>,
    ) -> Result<HashSet<usize>, ConnectorError> {
        loop {
            let text = self.memory.text_dates(&manager.bean);
            let (created, accessed) = match text {
                false => (Op::GetCreationTimestamp, Op::GetLastAccessedTimestamp),
                true => (Op::GetCreationTime, Op::GetLastAccessedTime),
            };
            let wanted: Vec<(usize, Op)> = fresh
                .iter()
                .map(|at| (*at, created))
                .chain(active.iter().map(|at| (*at, accessed)))
                .collect();
            let asks: Vec<Ask<'_>> = wanted
                .iter()
                .map(|(at, op)| Ask {
                    bean: &manager.bean,
                    op: *op,
                    session: Some(&met[*at].id),
                    attribute: None,
                })
                .collect();
            let replies = jmx.ask(&asks).await?;
            if !text && replies.contains(&Reply::NoOperation) {
                self.memory.gives_text_dates(&manager.bean);
                continue;
            }
            let mut gone = HashSet::new();
            for ((at, op), reply) in wanted.into_iter().zip(replies) {
                let value = match reply {
                    Reply::Value(value) => value,
                    Reply::Nothing => String::new(),
                    Reply::Lost(why) => return Err(why),
                    Reply::NoBean => {
                        gone.insert(at);
                        continue;
                    }
                    Reply::Forbidden | Reply::NoOperation | Reply::Threw => continue,
                };
                if matches!(value.trim(), "" | "-1") {
                    gone.insert(at);
                    continue;
                }
                let moment = match text {
                    false => moment::from_millis(&value),
                    true => moment::from_java_text(&value, reading.zone),
                };
                if op == created {
                    met[at].known.created_at = moment;
                } else {
                    met[at].known.last_active_at = moment;
                }
            }
            return Ok(gone);
        }
    }

    /// Reads whose sessions these are.
    async fn persons(
        &self,
        jmx: &dyn Jmx,
        manager: &Manager,
        met: &mut [Met],
        persons: &[usize],
        reading: &mut ReadingOf<'_>,
    ) -> Result<(), ConnectorError> {
        let telling = self.memory.telling(&manager.bean);
        let sampled = reading.sampled.entry(manager.bean.clone()).or_default();
        let room = SAMPLE.saturating_sub(*sampled);
        *sampled += room.min(persons.len());
        let mut asks = Vec::new();
        let mut about = Vec::new();
        for (n, at) in persons.iter().enumerate() {
            for (which, source) in reading.sources.iter().enumerate() {
                // What never told anything here is asked of some sessions in each reading, not of all.
                if reading.all_sources || telling.contains(&which) || n < room {
                    asks.push(Ask {
                        bean: &manager.bean,
                        op: Op::GetSessionAttribute,
                        session: Some(&met[*at].id),
                        attribute: Some(&source.attribute),
                    });
                    about.push((*at, which));
                }
            }
        }
        let replies = jmx.ask(&asks).await?;
        drop(asks);
        let mut read: BTreeMap<usize, Reading> = persons.iter().map(|at| (*at, Reading::default())).collect();
        for ((at, which), reply) in about.into_iter().zip(replies) {
            let Some(told) = read.get_mut(&at) else { continue };
            let doubt = match reply {
                Reply::Value(text) => {
                    let source = &reading.sources[which];
                    let Reading { person, address } = source.form.read(&text);
                    self.memory.tells(&manager.bean, which);
                    told.person = std::mem::take(&mut told.person).with(person);
                    if told.address.is_none() || matches!(source.form, Form::Address) {
                        told.address = address.or(told.address.take());
                    }
                    continue;
                }
                Reply::Threw => "The app failed when it was asked whose session this is.",
                Reply::Lost(_) => "The app did not say in time whose session this is.",
                Reply::Nothing | Reply::NoBean | Reply::NoOperation | Reply::Forbidden => continue,
            };
            if told.person == Person::Nobody {
                told.person = Person::Uncertain(doubt);
            }
        }
        for (at, told) in read {
            met[at].known.reading = told;
            met[at].known.read_at = Instant::now();
        }
        Ok(())
    }
}

/// What one reading of a node goes by.
pub(super) struct ReadingOf<'r> {
    pub sources: &'r [Source],
    /// Every attribute is asked of every session: the settings name them.
    pub all_sources: bool,
    pub zone: Option<&'r TimeZone>,
    /// Sessions asked for every attribute so far, by manager.
    pub sampled: BTreeMap<String, usize>,
}

/// The account of a person; empty = nobody known.
pub(super) fn account(person: &Person) -> &str {
    match person {
        Person::Known { account, .. } => account,
        Person::Nobody | Person::Guest | Person::Uncertain(_) => "",
    }
}

/// Session ids as Tomcat makes them; anything else is never sent anywhere.
pub(super) fn is_id(text: &str) -> bool {
    (8..=200).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._~+-!".contains(&b))
}

/// Whether an app is one that is listed: those of the settings, else all but Tomcat's own.
fn belongs(place: &str, contexts: &[String]) -> bool {
    let path = place.split("##").next().unwrap_or(place);
    if contexts.is_empty() {
        !OWN_APPS.contains(&path)
    } else {
        contexts.iter().any(|context| context == place || context == path)
    }
}

/// Reads the session managers with their apps' limits and ways to sign in.
async fn managers(jmx: &dyn Jmx) -> Result<Vec<Manager>, ConnectorError> {
    let beans = jmx.beans("*:type=Manager,*", &["className"]).await?;
    let modules = jmx.beans("*:j2eeType=WebModule,*", &["sessionTimeout"]).await?;
    let valves = jmx
        .beans("*:type=Valve,*", &["className"])
        .await
        .unwrap_or_default();
    let mut idle: BTreeMap<String, Limit> = BTreeMap::new();
    for module in &modules {
        if let (Some(name), Some(minutes)) =
            (module.name.key("name"), module.attributes.get("sessionTimeout"))
        {
            idle.insert(name.to_owned(), minutes_limit(minutes));
        }
    }
    let signs_in = |host: &str, context: &str| {
        valves
            .iter()
            .filter(|v| v.name.key("host") == Some(host) && v.name.key("context") == Some(context))
            .find_map(|v| {
                let class = v.attributes.get("className").map_or("", String::as_str);
                signs_in_again(class)
            })
    };
    let mut managers: Vec<Manager> = beans
        .iter()
        .filter_map(|bean| {
            // Others have a `type=Manager` too; a session manager has both keys.
            let (host, context) = (bean.name.key("host")?, bean.name.key("context")?);
            Some(Manager {
                bean: bean.name.written.clone(),
                place: context.to_owned(),
                class: bean.attributes.get("className").cloned().unwrap_or_default(),
                idle: idle
                    .get(&format!("//{host}{context}"))
                    .copied()
                    .unwrap_or(Limit::Unknown),
                return_hint: signs_in(host, context).map(str::to_owned),
            })
        })
        .collect();
    managers.sort_by(|a, b| (&a.place, &a.bean).cmp(&(&b.place, &b.bean)));
    Ok(managers)
}

/// A session timeout in minutes; 0 and below = never.
fn minutes_limit(text: &str) -> Limit {
    match text.trim().parse::<i64>() {
        Ok(minutes) if minutes > 0 => Limit::Seconds(minutes.saturating_mul(60)),
        Ok(_) => Limit::None,
        Err(_) => Limit::Unknown,
    }
}

/// Ways to sign in that the browser repeats by itself.
fn signs_in_again(class: &str) -> Option<&'static str> {
    match class.rsplit('.').next().unwrap_or_default() {
        "BasicAuthenticator" | "DigestAuthenticator" => Some(
            "The browser keeps the password and sends it again by itself (BASIC): ending has no effect while the account can sign in.",
        ),
        "SSLAuthenticator" => Some(
            "The browser shows its certificate again by itself: ending has no effect while the certificate is accepted.",
        ),
        "SpnegoAuthenticator" => Some(
            "The browser signs in again by Kerberos: ending has no effect while the account can sign in.",
        ),
        _ => None,
    }
}

/// Whether a session is long past its app's limit and still there: then it has a limit of its own, which nobody told.
pub(super) fn has_own_limit(idle: Limit, last_active_at: Option<Timestamp>, now: Timestamp) -> bool {
    /// Tomcat removes ended ones every minute, unless it is told otherwise.
    const REAPED_WITHIN_S: i64 = 300;
    match (idle, last_active_at) {
        (Limit::Seconds(limit), Some(at)) => at.plus_seconds(limit + REAPED_WITHIN_S) < now,
        _ => false,
    }
}
