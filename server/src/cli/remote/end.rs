//! `curfew end`: freeze, compare the number, confirm, follow, say what is left.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal};
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use tokio::time::Instant;

use super::filters::{Filters, User};
use super::follow::{self, Outside};
use super::http::Api;
use super::table::{Table, maybe, moment, plain};
use super::{Exit, Failure, json_line};
use crate::http::api::wire::endings::{
    AwaitingApproval, Confirmed, EndEverywhere, EndedEverywhere, NewEnding,
};
use crate::http::api::wire::previews::{ApprovalState, NewPreview, Preview};
use crate::http::api::wire::sessions::{CannotEndWhy, FindSessions, FoundSessions, Session, SessionList};

/// Arguments of `curfew end`.
#[derive(Args)]
pub struct End {
    /// Everything of this person (account name), everywhere; asked again while that is at work, it is the same ending
    #[arg(long, value_name = "NAME", conflicts_with_all = ["Filters", "ids_from_stdin", "session_ids_from_stdin", "all_sessions"])]
    person: Option<String>,
    /// Session keys from standard input, one a line, or lines of `curfew sessions list --json`
    #[arg(long, conflicts_with_all = ["Filters", "session_ids_from_stdin", "all_sessions"])]
    ids_from_stdin: bool,
    /// Whole session ids as the systems wrote them (logins!) from standard input, one a line: each is found and shown
    /// with its person, then ended. They go to the portal alone, which hashes and forgets them
    #[arg(long, conflicts_with_all = ["Filters", "all_sessions"])]
    session_ids_from_stdin: bool,
    /// Every live session that the token may see
    #[arg(long, conflicts_with = "Filters")]
    all_sessions: bool,
    /// Why, for the audit log
    #[arg(long, required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Ticket number
    #[arg(long)]
    ticket: Option<String>,
    /// Takes protected people in; needs the permission. With --person they always are, where the token may
    #[arg(long)]
    include_protected: bool,
    /// Shows what would be ended, and asks for nothing
    #[arg(long)]
    dry_run: bool,
    /// Does not ask back; the number of sessions must be the one of --expect
    #[arg(long, requires = "expect")]
    yes: bool,
    /// The number of sessions there must be
    #[arg(long, value_name = "N")]
    expect: Option<u64>,
    /// Longest wait for the outcomes, seconds; the portal goes on with them after it
    #[arg(long, default_value_t = follow::PATIENCE_S, value_name = "SECONDS")]
    timeout: u64,
    /// Where a second person must approve: waits for them so long
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// One JSON object: the ending, the sessions that are left, the exit status
    #[arg(long)]
    pub(super) json: bool,
    // Last: its heading stands over everything that follows it.
    #[command(flatten)]
    filters: Filters,
}

/// Which sessions are meant.
enum Set {
    Person(String),
    /// Those of an account that fit the filters.
    User(User),
    /// Whole ids: logins.
    Ids(Vec<String>),
    Other(Box<NewPreview>),
}

/// Most ids of one question to the portal.
const IDS_AT_A_TIME: usize = 100;

impl End {
    /// What clap can't say: one set, and somebody to answer the question.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let usage = |words: &str| Err(Failure::Usage(words.to_owned()));
        let filtered = self.filters.body()?.is_some();
        let from_stdin = self.ids_from_stdin || self.session_ids_from_stdin;
        if !(filtered || from_stdin || self.all_sessions || self.person.is_some()) {
            return usage("say which sessions: filters, --person, --ids-from-stdin, or --all-sessions");
        }
        if self.person.as_deref().is_some_and(|name| name.trim().is_empty()) {
            return usage("--person is empty: name an account");
        }
        let nobody_there = from_stdin || !std::io::stdin().is_terminal();
        if nobody_there && !self.yes && !self.dry_run {
            return usage("nobody can be asked here: say --yes --expect N, or --dry-run to see the number");
        }
        if self.json && !self.yes && !self.dry_run {
            return usage("--json asks nobody: say --yes --expect N, or --dry-run to see the number");
        }
        Ok(())
    }

    fn set(&self) -> Result<Set, Failure> {
        if let Some(person) = &self.person {
            return Ok(Set::Person(person.trim().to_owned()));
        }
        if let Some(user) = self.filters.user()? {
            return Ok(Set::User(user));
        }
        if self.session_ids_from_stdin {
            return Ok(Set::Ids(lines(std::io::stdin().lock())?));
        }
        let mut new = NewPreview::default();
        if self.ids_from_stdin {
            new.sessions = Some(keys(std::io::stdin().lock())?);
        } else if self.all_sessions {
            new.all = Some(true);
        } else {
            new.filter = self.filters.body()?;
        }
        Ok(Set::Other(Box::new(new)))
    }
}

/// The keys of the lines; a line of JSON gives its `session_key`.
fn keys(lines: impl BufRead) -> Result<Vec<String>, Failure> {
    #[derive(Deserialize)]
    struct Row {
        session_key: String,
    }
    let mut keys = Vec::new();
    for (number, line) in lines.lines().enumerate() {
        let line = line?;
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let key = if line.starts_with('{') {
            let row = serde_json::from_str::<Row>(line);
            row.map(|row| row.session_key).ok()
        } else {
            (!line.contains(char::is_whitespace)).then(|| line.to_owned())
        };
        // The line itself is not repeated: it may be an id that opens something.
        let words = || {
            Failure::Other(format!(
                "Line {} of standard input is no session key.",
                number + 1
            ))
        };
        keys.push(key.ok_or_else(words)?);
    }
    if keys.is_empty() {
        return Err(Failure::Other(
            "No session key came on standard input.".to_owned(),
        ));
    }
    Ok(keys)
}

/// Whole ids, one a line. Nothing of a bad line is repeated.
fn lines(from: impl BufRead) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    for line in from.lines() {
        let line = line?;
        let line = line.trim();
        if !line.is_empty() && !ids.iter().any(|known| known == line) {
            ids.push(line.to_owned());
        }
    }
    if ids.is_empty() {
        return Err(Failure::Other("No session id came on standard input.".to_owned()));
    }
    Ok(ids)
}

/// `curfew end`
pub async fn end(api: &Api, end: End) -> Result<Exit, Failure> {
    let set = end.set()?;
    let (preview, unknown_ids) = frozen(api, &end, &set).await?;
    let outside = Outside {
        left_out: preview.as_ref().map(|p| p.left_out.clone()).unwrap_or_default(),
        left_out_count: preview.as_ref().map_or(0, |p| p.left_out_count),
        unknown_keys: preview.as_ref().and_then(|p| p.unknown_keys).unwrap_or(0) + unknown_ids,
    };
    let sessions = preview.as_ref().map_or(0, |p| p.sessions);
    if end.json && end.dry_run {
        json_line(&preview)?;
    } else if !end.json {
        show(preview.as_ref(), &outside);
    }
    if let Some(expected) = end.expect.filter(|n| *n != sessions) {
        return Ok(another_number(sessions, expected));
    }
    if end.dry_run {
        return Ok(Exit::Done);
    }
    let Some(preview) = preview.filter(|p| p.sessions > 0) else {
        let left = outside.left() > 0;
        if end.json {
            json_line(
                &serde_json::json!({"ending": null, "left": [], "outside": outside,
                "exit": if left { Exit::Left } else { Exit::Done } as u8}),
            )?;
        }
        return Ok(if left { Exit::Left } else { Exit::Done });
    };
    if let Some(why) = &preview.blocked {
        return Err(Failure::Other(why.clone()));
    }
    if !end.yes && !agreed(sessions)? {
        eprintln!("curfew: nothing was asked.");
        return Ok(Exit::OtherNumber);
    }
    let began = match set {
        Set::Person(person) => everywhere(api, &end, &person, sessions).await?,
        Set::User(_) | Set::Ids(_) | Set::Other(_) => confirm(api, &end, &preview).await?,
    };
    let Some(ending_no) = began else {
        return Ok(Exit::Awaiting);
    };
    let patience = Duration::from_secs(end.timeout);
    let ending = follow::until_settled(api, ending_no, patience, end.json).await?;
    follow::report(api, Some(outside), ending, end.json).await
}

/// The set as it is now, `None` = there is no session in it; and how many ids name none that the token may see.
async fn frozen(api: &Api, end: &End, set: &Set) -> Result<(Option<Preview>, u64), Failure> {
    let mut unknown = 0;
    let of_keys = |keys: Vec<String>| NewPreview {
        sessions: Some(keys),
        ..NewPreview::default()
    };
    let (new, protected) = match set {
        Set::Other(new) => ((**new).clone(), end.include_protected),
        Set::Person(person) => (of_keys(of_person(api, person).await?), true),
        Set::User(user) => {
            let keys = of_user(api, &end.filters, user).await?;
            (of_keys(keys), end.include_protected)
        }
        Set::Ids(ids) => {
            let found = find(api, ids).await?;
            if !end.json {
                show_found(&found);
            }
            unknown = found.iter().filter(|row| row.is_none()).count() as u64;
            let keys = found.iter().flatten().map(|row| row.session_key.clone());
            (of_keys(keys.collect()), end.include_protected)
        }
    };
    if new.sessions.as_ref().is_some_and(Vec::is_empty) {
        return Ok((None, unknown));
    }
    let preview: Preview = api.post(&["previews"], &new).await?;
    let mut left_out = preview.left_out.iter();
    let some_protected = left_out.any(|row| row.why.why == CannotEndWhy::Protected);
    // For a person it is done as the portal does it; else the portal says why it is refused.
    let may = preview.may_include_protected || end.include_protected;
    if !(protected && some_protected && may) {
        return Ok((Some(preview), unknown));
    }
    let id = preview.preview_id.as_str();
    let nothing = serde_json::json!({});
    let wider: Preview = api.post(&["previews", id, "include-protected"], &nothing).await?;
    let wider = Preview {
        unknown_keys: preview.unknown_keys,
        ..wider
    };
    Ok((Some(wider), unknown))
}

/// Keys of the live sessions of an account name, without regard to case.
async fn of_person(api: &Api, person: &str) -> Result<Vec<String>, Failure> {
    let id = person.to_lowercase();
    let query = [("person", id.as_str()), ("person.op", "is")];
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let rows = listed(api, &query).await?.into_iter();
    let own = rows.filter(|row| row.person_id.as_deref() == Some(id.as_str()));
    Ok(own.map(|row| row.session_key).collect())
}

/// Keys of the sessions of one account that fit the filters; accounts of the same name in two domains are two people.
async fn of_user(api: &Api, filters: &Filters, user: &User) -> Result<Vec<String>, Failure> {
    let mut rows = listed(api, &filters.pairs()?).await?;
    rows.retain(|row| user.is(&row.account_name));
    let accounts: BTreeSet<String> = rows.iter().map(|row| row.account_name.to_lowercase()).collect();
    if accounts.len() > 1 {
        let accounts: Vec<String> = accounts
            .into_iter()
            .map(|name| plain(&name).to_string())
            .collect();
        return Err(Failure::Other(format!(
            "These are {} people: {}. Say which one by --domain (\"local\" for the one without). Nothing was asked.",
            accounts.len(),
            accounts.join(", ")
        )));
    }
    Ok(rows.into_iter().map(|row| row.session_key).collect())
}

/// Every session that these pairs of an address list.
async fn listed(api: &Api, query: &[(String, String)]) -> Result<Vec<Session>, Failure> {
    let mut rows = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        query.push(("limit".to_owned(), "1000".to_owned()));
        query.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor)));
        let page: SessionList = api.get(&["sessions"], &query).await?;
        rows.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(rows);
        }
    }
}

/// What each of these whole ids names, in their order.
async fn find(api: &Api, ids: &[String]) -> Result<Vec<Option<Session>>, Failure> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(IDS_AT_A_TIME) {
        let asked = FindSessions {
            session_ids: some.to_vec(),
        };
        let said: FoundSessions = api.ask(&["sessions", "find"], &asked).await?;
        found.extend(said.items.into_iter().map(|item| item.session));
    }
    Ok(found)
}

/// Whose session each id names, in the order they came.
fn show_found(found: &[Option<Session>]) {
    let mut table = Table::new(&["NO", "PERSON", "ACCOUNT", "SYSTEM", "SITE", "STATE", "ID"]);
    for (line, row) in found.iter().enumerate() {
        let line = (line + 1).to_string();
        table.row(match row {
            Some(row) => vec![
                line,
                row.person.clone(),
                row.account_name.clone(),
                row.system_name.clone(),
                row.site.clone(),
                row.state.ours().name().to_owned(),
                format!("…{}", row.handle_hint),
            ],
            None => {
                let mut cells = vec![line, "none that this token may see".to_owned()];
                cells.resize(7, String::new());
                cells
            }
        });
    }
    table.print();
}

fn show(preview: Option<&Preview>, outside: &Outside) {
    let Some(preview) = preview else {
        println!("No live session.");
        outside.print();
        return;
    };
    println!(
        "{} of {}, as they were at {}:",
        app::ui::counted(preview.sessions, "session", "sessions"),
        app::ui::counted(preview.people, "person", "people"),
        moment(&preview.frozen_at)
    );
    if !preview.by_system.is_empty() {
        let mut table = Table::new(&[
            "SYSTEM",
            "SESSIONS",
            "PEOPLE",
            "READ",
            "TAKES EFFECT",
            "STILL WORKS AFTER",
        ]);
        for system in &preview.by_system {
            table.row(vec![
                system.system_name.clone(),
                app::ui::thousands(system.sessions),
                app::ui::thousands(system.people),
                maybe(system.read_at.as_ref()),
                system.takes_effect.clone(),
                system.survives.clone(),
            ]);
        }
        table.print();
    }
    for system in &preview.by_system {
        if let Some(words) = &system.unproven {
            println!("{}: {words}.", plain(&system.system_name));
        }
    }
    let again: u64 = preview.by_system.iter().map(|s| s.without_effect).sum();
    if again > 0 {
        println!("{again} of them would sign in again by themselves: end their sso session first.");
    }
    if preview.paused {
        println!("All endings are paused by a person: this one would wait.");
    }
    outside.print();
}

fn another_number(sessions: u64, expected: u64) -> Exit {
    eprintln!("curfew: there are {sessions} sessions to end, not {expected}. Nothing was asked.");
    Exit::OtherNumber
}

/// Asks whoever sits there for the number.
fn agreed(sessions: u64) -> Result<bool, Failure> {
    eprint!("Type {sessions} to end them: ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == sessions.to_string())
}

/// Ends a person everywhere: the ending's number; `None` = it waits for a second person.
async fn everywhere(api: &Api, end: &End, person: &str, sessions: u64) -> Result<Option<i64>, Failure> {
    let why = EndEverywhere {
        reason: end.reason.clone().unwrap_or_default(),
        ticket_ref: end.ticket.clone(),
    };
    let at = ["people", person, "end-everywhere"];
    let done: EndedEverywhere = api.post(&at, &why).await?;
    if done.already {
        eprintln!("curfew: it is at work already; this is the same ending.");
    } else if done.sessions != sessions {
        eprintln!(
            "curfew: {} sessions of {} were there by then, not {sessions}.",
            done.sessions,
            plain(person)
        );
    }
    match (done.ending, done.awaiting_approval) {
        (Some(ending), _) => Ok(Some(ending.ending_no)),
        (None, Some(waits)) => approved(api, end, done.sessions, waits).await,
        (None, None) => Err(Failure::Other(
            "Their sessions went by themselves before they could be asked for. Run it again.".to_owned(),
        )),
    }
}

/// Confirms a preview: the ending's number; `None` = it waits for a second person.
async fn confirm(api: &Api, end: &End, preview: &Preview) -> Result<Option<i64>, Failure> {
    let new = NewEnding {
        preview_id: preview.preview_id.clone(),
        reason: end.reason.clone().unwrap_or_default(),
        ticket_ref: end.ticket.clone(),
        expect: preview.sessions,
        not_before: None,
        notice: None,
    };
    let confirmed: Confirmed = api.post(&["endings"], &new).await?;
    match (confirmed.ending_no, confirmed.approve_until) {
        (None, Some(expires_at)) => {
            let waits = AwaitingApproval {
                preview_id: preview.preview_id.clone(),
                expires_at,
                href: confirmed.href,
            };
            approved(api, end, confirmed.sessions, waits).await
        }
        (ending_no, _) => Ok(ending_no),
    }
}

/// Waits for the second person as long as `--wait` says: the ending's number, `None` = nobody has decided yet.
async fn approved(
    api: &Api,
    end: &End,
    sessions: u64,
    waits: AwaitingApproval,
) -> Result<Option<i64>, Failure> {
    let at = ["previews", waits.preview_id.as_str()];
    let mut preview: Preview = api.get(&at, &[]).await?;
    let who = preview.approval.as_ref().map_or(&[][..], |asked| &asked.who);
    eprintln!(
        "curfew: {sessions} sessions wait for a second person until {}; nothing was asked. {} can approve: {}",
        moment(&waits.expires_at),
        match who {
            [] => "Nobody".to_owned(),
            who => plain(&who.join(", ")),
        },
        api.page(&waits.preview_id)
    );
    let began = Instant::now();
    let patience = Duration::from_secs(end.wait.unwrap_or(0));
    loop {
        if preview.ending_no.is_some() {
            return Ok(preview.ending_no);
        }
        if let Some(asked) = preview.approval.filter(|a| a.state != ApprovalState::Waiting) {
            let said = asked.note.map(|note| format!(": {note}")).unwrap_or_default();
            return Err(Failure::Other(match (asked.state, asked.decided_by) {
                (ApprovalState::TurnedDown, Some(who)) => {
                    format!("{who} turned it down{said}. Nothing was asked.")
                }
                (ApprovalState::Withdrawn, Some(who)) => format!("{who} took it back. Nothing was asked."),
                _ => "Nobody decided in time. Nothing was asked.".to_owned(),
            }));
        }
        if began.elapsed() >= patience {
            break;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        preview = api.get(&at, &[]).await?;
    }
    if end.json {
        json_line(&serde_json::json!({"awaiting": waits, "exit": Exit::Awaiting as u8}))?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_one_a_line_or_as_rows_of_the_list() {
        let text = "a1\n\n  b2 \n{\"session_key\":\"c3\",\"person\":\"Ben\"}\n";
        assert_eq!(keys(text.as_bytes()).unwrap(), ["a1", "b2", "c3"]);
    }

    #[test]
    fn a_line_that_is_no_key_stops_everything_and_is_not_repeated() {
        for bad in ["", "\n\n", "a1\nJSESSIONID 12\n", "{\"person\":\"Ben\"}"] {
            let Err(Failure::Other(words)) = keys(bad.as_bytes()) else {
                panic!("{bad:?} was taken");
            };
            assert!(!words.contains("JSESSIONID"), "{words}");
        }
    }
}
