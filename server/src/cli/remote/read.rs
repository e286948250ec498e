//! What is only read: sessions, endings, systems. A table for people, JSON lines for programs.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Subcommand;

use super::filters::Filters;
use super::http::Api;
use super::table::{Table, counted, maybe, moment, plain};
use super::{Exit, Failure, STATUSES, follow, json_line};
use crate::http::api::wire::Health;
use crate::http::api::wire::endings::{Ending, EndingList};
use crate::http::api::wire::sessions::SessionList;
use crate::http::api::wire::systems::SystemList;

/// Most rows of one answer of the portal.
const PAGE: u32 = 1_000;

/// `curfew sessions …`
#[derive(Subcommand)]
pub enum Sessions {
    /// Lists sessions, by the filters of the sessions page.
    List {
        /// This person: name, user name or mail, whole and without regard to case
        #[arg(long, value_name = "NAME", conflicts_with_all = ["person_like", "user"])]
        person: Option<String>,
        /// Sort; newest activity first where nothing is said
        #[arg(long, value_parser = ["person", "kind", "system", "session", "ip", "started", "active", "idle_ends", "ends", "client"])]
        sort: Option<String>,
        /// Direction
        #[arg(long, value_parser = ["asc", "desc"], requires = "sort")]
        dir: Option<String>,
        /// Rows to show
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE)), conflicts_with = "all")]
        limit: u32,
        /// Every page of the list
        #[arg(long)]
        all: bool,
        /// One JSON object per line; `session_key` is what `curfew end --ids-from-stdin` takes
        #[arg(long)]
        json: bool,
        // Last: its heading stands over everything that follows it.
        #[command(flatten)]
        filters: Box<Filters>,
    },
}

impl Sessions {
    pub(super) fn json(&self) -> bool {
        let Sessions::List { json, .. } = self;
        *json
    }
}

/// `curfew endings …`
#[derive(Subcommand)]
pub enum Endings {
    /// The newest endings.
    List {
        /// Every page of the list
        #[arg(long)]
        all: bool,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// One ending: outcomes, and what is left with its cause.
    #[command(after_help = STATUSES)]
    Show {
        /// Its number
        ending_no: i64,
        /// Waits until every session has an outcome
        #[arg(long)]
        follow: bool,
        /// Longest wait of --follow, seconds
        #[arg(long, default_value_t = follow::PATIENCE_S, requires = "follow")]
        timeout: u64,
        /// One JSON object: the ending and the sessions that are left
        #[arg(long)]
        json: bool,
    },
}

impl Endings {
    pub(super) fn json(&self) -> bool {
        match self {
            Endings::List { json, .. } | Endings::Show { json, .. } => *json,
        }
    }
}

/// `curfew sessions …`
pub async fn sessions(api: &Api, command: Sessions) -> Result<Exit, Failure> {
    let Sessions::List {
        filters,
        person,
        sort,
        dir,
        limit,
        all,
        json,
    } = command;
    let user = filters.user()?;
    // What the portal lists for them holds others too: only the whole of it tells how many are theirs.
    let all = all || user.is_some();
    let mut query = filters.pairs()?;
    let is = person.as_ref().map(|_| "is".to_owned());
    let more = [
        ("person", person),
        ("person.op", is),
        ("sort", sort),
        ("dir", dir),
    ];
    query.extend(more.into_iter().filter_map(|(n, v)| Some((n.to_owned(), v?))));
    let limit = if all { PAGE } else { limit };
    query.push(("limit".to_owned(), limit.to_string()));
    let mut table = Table::new(&[
        "PERSON",
        "ACCOUNT",
        "SYSTEM",
        "KIND",
        "LAST ACTIVE",
        "STARTED",
        "IP",
        "CLIENT",
        "ID",
    ]);
    let mut shown = 0;
    let mut unproven = BTreeSet::new();
    let mut cursor: Option<String> = None;
    let (count, guests) = loop {
        let mut asked = query.clone();
        asked.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor)));
        let page: SessionList = api.get(&["sessions"], &asked).await?;
        let items = page.items.into_iter();
        for row in items.filter(|row| user.as_ref().is_none_or(|user| user.is(&row.account_name))) {
            shown += 1;
            if json {
                json_line(&row)?;
                continue;
            }
            if let Some(words) = &row.unproven {
                unproven.insert(format!("{}: {words}.", plain(&row.system_name)));
            }
            let client: Vec<&str> = [row.browser.as_str(), row.os.as_str()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
            let kind = row.raw_kind.as_deref().unwrap_or(row.kind.ours().name());
            table.row(vec![
                row.person.clone(),
                row.account_name.clone(),
                row.system_name.clone(),
                kind.to_owned(),
                maybe(row.last_active_at.as_ref()),
                maybe(row.created_at.as_ref()),
                row.ip.clone().unwrap_or_else(|| "–".to_owned()),
                client.join(", "),
                format!("…{}", row.handle_hint),
            ]);
        }
        cursor = page.next_cursor.filter(|_| all);
        if cursor.is_none() {
            break (page.count, page.guests_hidden);
        }
    };
    if !json {
        if shown > 0 {
            table.print();
        }
        let whole = if all {
            format!("{} sessions.", app::ui::thousands(shown))
        } else {
            format!("{} of {} sessions.", app::ui::thousands(shown), counted(count))
        };
        eprintln!("{whole}");
        for words in unproven {
            eprintln!("{words}");
        }
        match (guests.value, counted(guests)) {
            (0, _) => {}
            (1, _) => eprintln!("1 guest session is not shown; --kind guest shows it."),
            (_, many) => eprintln!("{many} guest sessions are not shown; --kind guest shows them."),
        }
    }
    Ok(Exit::Done)
}

/// `curfew systems`
pub async fn systems(api: &Api, json: bool) -> Result<Exit, Failure> {
    let list: SystemList = api.get(&["systems"], &[]).await?;
    let mut table = Table::new(&["SYSTEM", "NAME", "HEALTH", "SESSIONS", "READ", "TROUBLE"]);
    for system in &list.items {
        if json {
            json_line(system)?;
            continue;
        }
        let trouble = match (&system.trouble, &system.paused_at) {
            (Some(trouble), _) => trouble.clone(),
            (None, Some(_)) => "paused by a person".to_owned(),
            (None, None) => String::new(),
        };
        table.row(vec![
            system.system_id.clone(),
            system.name.clone(),
            words(system.health).to_owned(),
            counted(system.sessions),
            maybe(system.read_at.as_ref()),
            trouble,
        ]);
    }
    if !json {
        table.print();
    }
    Ok(Exit::Done)
}

/// Health as pages show it.
fn words(health: Health) -> &'static str {
    match health {
        Health::Live => "Live",
        Health::Stale => "Stale",
        Health::Failed => "Failed",
        Health::Off => "Off",
    }
}

/// `curfew endings …`
pub async fn endings(api: &Api, command: Endings) -> Result<Exit, Failure> {
    match command {
        Endings::List { all, json } => list_endings(api, all, json).await,
        Endings::Show {
            ending_no,
            follow,
            timeout,
            json,
        } => {
            let patience = Duration::from_secs(if follow { timeout } else { 0 });
            let ending: Ending = follow::until_settled(api, ending_no, patience, json).await?;
            follow::report(api, None, ending, json).await
        }
    }
}

async fn list_endings(api: &Api, all: bool, json: bool) -> Result<Exit, Failure> {
    let mut table = Table::new(&["NO", "STATE", "GONE", "CONFIRMED", "ASKED BY", "TICKET", "REASON"]);
    let mut query = Vec::new();
    let paused = loop {
        let page: EndingList = api.get(&["endings"], &query).await?;
        for ending in &page.items {
            if json {
                json_line(ending)?;
                continue;
            }
            table.row(vec![
                ending.ending_no.to_string(),
                ending.state.ours().name().to_owned(),
                format!("{} of {}", ending.counts.gone, ending.counts.wanted),
                moment(&ending.confirmed_at),
                ending.asked_by.clone(),
                ending.ticket_ref.clone(),
                ending.reason.clone(),
            ]);
        }
        match page.next_cursor.filter(|_| all) {
            Some(cursor) => query = vec![("cursor".to_owned(), cursor)],
            None => break page.paused,
        }
    };
    if !json {
        table.print();
        if paused {
            eprintln!("All endings are paused by a person.");
        }
    }
    Ok(Exit::Done)
}
