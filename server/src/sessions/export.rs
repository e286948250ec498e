//! The list as a file: CSV and JSON lines of exactly what a query means for its caller, streamed page by page.
//!
//! Rows come from the same condition and the same pages as the list, narrowed to where the caller holds ExportData, so a
//! file is never wider than the page. The log says who began, what was asked, and in the end how many rows left.

use std::collections::BTreeSet;
use std::sync::Arc;

use app::access::wire::Permission;
use app::audit::wire::AuditResult;
use app::civil::rfc3339;
use app::error::AppError;
use app::sessions::chips::chips;
use app::sessions::query::{SessionQuery, SortKey};
use app::sessions::wire::SessionRow;
use app::wire::{Limit, Timestamp};
use futures::stream::{self, Stream};
use serde::Serialize;

use super::Sessions;
use super::filter::View;
use super::list::{self, Reach};
use crate::audit::export::{CsvText, Format};
use crate::audit::{Action, Entry};
use crate::caller::Caller;
use crate::error::Error;

/// Rows read, and handed on, at a time.
const CHUNK: u64 = 2_000;
/// Rows of a sort's index looked at for that many before the matches are gathered instead.
const WALK_AT_MOST: u64 = 50_000;

/// One session of a file, named as the API names it (docs/api.md); texts are empty where nothing is reported.
#[derive(Serialize)]
struct Line<'r> {
    session_key: &'r str,
    system_id: &'r str,
    system_name: &'r str,
    person: &'r str,
    account_name: &'r str,
    email: Option<&'r str>,
    kind: &'static str,
    raw_kind: Option<&'r str>,
    state: &'static str,
    gone_at: Option<String>,
    handle_hint: &'r str,
    ip: Option<&'r str>,
    /// Address, mail and browser are hidden.
    masked: bool,
    browser: &'r str,
    os: &'r str,
    place: &'r str,
    site: &'r str,
    created_at: Option<String>,
    last_active_at: Option<String>,
    /// Seconds; 0 = the system says there is none, nothing = it does not say.
    idle_limit_seconds: Option<i64>,
    idle_ends_at: Option<String>,
    ends_at_latest: Option<String>,
    ends_at_latest_known: bool,
    past_limit: bool,
    earlier_policy: bool,
    read_at: Option<String>,
    stale: bool,
    cannot_end: Option<String>,
    /// What the system says of the person beside their name.
    remark: Option<&'r str>,
}

/// Columns of the CSV: the fields of [`Line`], in their order.
const COLUMNS: [&str; 29] = [
    "session_key",
    "system_id",
    "system_name",
    "person",
    "account_name",
    "email",
    "kind",
    "raw_kind",
    "state",
    "gone_at",
    "handle_hint",
    "ip",
    "masked",
    "browser",
    "os",
    "place",
    "site",
    "created_at",
    "last_active_at",
    "idle_limit_seconds",
    "idle_ends_at",
    "ends_at_latest",
    "ends_at_latest_known",
    "past_limit",
    "earlier_policy",
    "read_at",
    "stale",
    "cannot_end",
    "remark",
];

impl<'r> Line<'r> {
    fn of(row: &'r SessionRow) -> Self {
        let moment = |at: Option<Timestamp>| at.map(rfc3339);
        Line {
            session_key: row.session_key.as_str(),
            system_id: row.system_id.as_str(),
            system_name: &row.system_name,
            person: &row.person,
            account_name: &row.account_name,
            email: row.email.as_deref(),
            kind: row.kind.name(),
            raw_kind: row.raw_kind.as_deref(),
            state: row.state.name(),
            gone_at: moment(row.gone_at),
            handle_hint: &row.handle_hint,
            ip: row.ip.as_deref(),
            masked: row.masked,
            browser: &row.browser,
            os: &row.os,
            place: &row.place,
            site: &row.site,
            created_at: moment(row.created_at),
            last_active_at: moment(row.last_active_at),
            idle_limit_seconds: match row.idle {
                Limit::Unknown => None,
                Limit::None => Some(0),
                Limit::Seconds(seconds) => Some(seconds),
            },
            idle_ends_at: moment(row.idle_ends_at),
            ends_at_latest: moment(row.absolute_expires_at),
            ends_at_latest_known: row.absolute_known,
            past_limit: row.past_limit(),
            earlier_policy: row.earlier_policy,
            read_at: moment(row.read_at),
            stale: row.stale,
            cannot_end: row.cannot_end.as_ref().map(|why| why.label()),
            remark: row.remark.as_deref(),
        }
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        let text = |t: Option<&str>| t.unwrap_or_default().to_owned();
        let moment = |at: &Option<String>| at.clone().unwrap_or_default();
        [
            self.session_key.to_owned(),
            self.system_id.to_owned(),
            self.system_name.to_owned(),
            self.person.to_owned(),
            self.account_name.to_owned(),
            text(self.email),
            self.kind.to_owned(),
            text(self.raw_kind),
            self.state.to_owned(),
            moment(&self.gone_at),
            self.handle_hint.to_owned(),
            text(self.ip),
            self.masked.to_string(),
            self.browser.to_owned(),
            self.os.to_owned(),
            self.place.to_owned(),
            self.site.to_owned(),
            moment(&self.created_at),
            moment(&self.last_active_at),
            self.idle_limit_seconds.map(|s| s.to_string()).unwrap_or_default(),
            moment(&self.idle_ends_at),
            moment(&self.ends_at_latest),
            self.ends_at_latest_known.to_string(),
            self.past_limit.to_string(),
            self.earlier_policy.to_string(),
            moment(&self.read_at),
            self.stale.to_string(),
            text(self.cannot_end.as_deref()),
            text(self.remark),
        ]
    }
}

/// A file on its way out.
struct Sending {
    room: Arc<Sessions>,
    caller: Arc<Caller>,
    /// What is still to be sent, from its cursor on; `None` = everything was handed over.
    rest: Option<SessionQuery>,
    format: Format,
    begun_at: Timestamp,
    /// What the log says of it, beside how it went.
    entry: Entry,
    /// Rows handed over so far.
    rows: u64,
    /// The log knows how it went.
    told: bool,
}

impl Drop for Sending {
    /// Nobody asks for the rest any more: the log says so, in a moment.
    fn drop(&mut self) {
        if self.told {
            return;
        }
        let (room, entry) = (self.room.clone(), self.outcome("stopped", AuditResult::Failed));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(cause) = room.audit.note(&entry).await {
                    tracing::error!(%cause, "a stopped export could not be written to the audit log");
                }
            });
        }
    }
}

impl Sending {
    fn outcome(&self, words: &str, result: AuditResult) -> Entry {
        let entry = self.entry.clone().fact("outcome", words).fact("rows", self.rows);
        entry.result(result)
    }

    /// The next part of the file; `None` after the last, once the log says that everything was sent.
    async fn next(mut self) -> Result<Option<(String, Self)>, Error> {
        let Some(query) = self.rest.take() else {
            self.room
                .audit
                .note(&self.outcome("sent", AuditResult::Ok))
                .await?;
            self.told = true;
            return Ok(None);
        };
        let (rows, next) = self.room.chunk(&self.caller, &query, self.begun_at).await?;
        let text = match self.format {
            Format::JsonLines => json_lines(&rows)?,
            Format::Csv => csv_lines(&rows, query.cursor.is_none())?,
        };
        self.rest = next.map(|next| query.from_cursor(&next, false));
        self.rows += rows.len() as u64;
        Ok(Some((text, self)))
    }
}

fn json_lines(rows: &[SessionRow]) -> Result<String, Error> {
    let mut text = String::new();
    for row in rows {
        text.push_str(&serde_json::to_string(&Line::of(row))?);
        text.push('\n');
    }
    Ok(text)
}

fn csv_lines(rows: &[SessionRow], head: bool) -> Result<String, Error> {
    let mut lines = CsvText::new();
    if head {
        lines.record(COLUMNS)?;
    }
    for row in rows {
        lines.record(Line::of(row).cells().iter().map(String::as_str))?;
    }
    lines.finish()
}

/// The query as it is walked: whole, in the order of the list, unless rows move in that order while they are read. A row
/// that became active would step over the cursor and be lost; starts stay where they are.
fn walked(query: &SessionQuery) -> SessionQuery {
    let whole = SessionQuery {
        selection: None,
        columns: None,
        page_rows: None,
        ..query.first_page()
    };
    match whole.sort {
        SortKey::LastActivity | SortKey::IdleEnds => SessionQuery {
            sort: SortKey::Started,
            direction: SortKey::Started.first_direction(),
            ..whole
        },
        _ => whole,
    }
}

impl Sessions {
    /// The sessions that match, in the caller's scope, as parts of a file. Writes down that it begins first, and at the
    /// end how many rows left; "stopped" where nobody asked for the rest.
    ///
    /// Needs SeeSessions and ExportData, and gives only rows of which the caller holds both. Sessions that come and go
    /// meanwhile may or may not be in it; what stays is in it once. Memory stays flat.
    pub async fn export(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        query: &SessionQuery,
        format: Format,
    ) -> Result<impl Stream<Item = Result<String, Error>> + Send + 'static + use<>, Error> {
        let now = self.clock.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let permit = caller.authorize_somewhere(Permission::ExportData, now)?;
        let query = walked(query);
        let mut conn = self.db.read().await?;
        let view = View::of(caller, now);
        view.ask(&mut conn, &query).await?;
        // The log names the systems that were meant.
        let query = view.named(&mut conn, &query).await?.query;
        let briefs = self.systems.briefs(&mut conn, caller).await?;
        drop(conn);
        let name_of = |id: &app::wire::SystemId| {
            let brief = briefs.iter().find(|brief| brief.system_id == *id);
            brief.map_or_else(|| id.0.clone(), |brief| brief.name.clone())
        };
        let chips = chips(&query, name_of, now, 0);
        let words = match chips.as_slice() {
            [] => "No filter".to_owned(),
            some => some.iter().map(|c| c.sentence()).collect::<Vec<_>>().join("; "),
        };
        let entry = Entry::by(caller, Action::Export)
            .target("List of sessions")
            .permission(permit.permission())
            .fact("query", app::paths::query_string(&query.filter_pairs()))
            .fact("filter", words)
            .fact(
                "format",
                match format {
                    Format::Csv => "csv",
                    Format::JsonLines => "json_lines",
                },
            );
        self.audit.note(&entry.clone().fact("outcome", "begun")).await?;
        let sending = Sending {
            room: self.clone(),
            caller: caller.clone(),
            rest: Some(query),
            format,
            begun_at: now,
            entry,
            rows: 0,
            told: false,
        };
        Ok(stream::try_unfold(sending, Sending::next))
    }

    /// A page of the file, and the cursor of the next one. Filters mean what they meant when the file was begun.
    async fn chunk(
        &self,
        caller: &Caller,
        query: &SessionQuery,
        begun_at: Timestamp,
    ) -> Result<(Vec<SessionRow>, Option<String>), Error> {
        let view = View::of(caller, begun_at);
        let mut conn = self.db.read().await?;
        let filter = view
            .ask(&mut conn, query)
            .await?
            .narrowed(&caller.visible(Permission::ExportData, begun_at));
        let reach = Reach {
            page: CHUNK,
            walk_at_most: WALK_AT_MOST,
            ..Reach::default()
        };
        let found = list::page(&mut conn, query, &filter, reach)
            .await?
            .map_err(|problem| AppError::Invalid {
                problems: vec![problem],
            })?;
        // Nothing behind the cursor any more: the rows before it were sent already.
        if found.cursor.as_ref().is_some_and(|cursor| cursor.backwards) {
            return Ok((Vec::new(), None));
        }
        let briefs = self.systems.briefs(&mut conn, caller).await?;
        let rows = self
            .judged(
                &mut conn,
                caller,
                &view,
                &briefs,
                found.rows,
                BTreeSet::new(),
                begun_at,
            )
            .await?;
        Ok((rows, found.next))
    }
}
