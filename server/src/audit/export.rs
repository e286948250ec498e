//! The log as files: JSON lines and CSV, oldest first, streamed.
//!
//! Schema version 1: `schema`, `time`, then the fields of `AuditEntry` in their order (docs/audit.md). The last line is
//! the exported head that `curfew audit verify` compares with.

use std::borrow::Cow;
use std::sync::Arc;

use app::access::wire::Permission;
use app::audit::wire::{AuditEntry, AuditQuery};
use app::civil::rfc3339;
use futures::stream::{self, Stream};
use serde::Serialize;

use super::{Action, Audit, Entry, page, store};
use crate::caller::Caller;
use crate::error::Error;

/// Version of the exported fields.
const SCHEMA: u32 = 1;
/// Entries read, and handed on, at a time.
const CHUNK: i64 = 1_000;

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    JsonLines,
    /// Comma separated, with a header line, cells made harmless for spreadsheets.
    Csv,
}

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    time: String,
    #[serde(flatten)]
    entry: &'a AuditEntry,
}

/// Columns of the CSV, in order.
const COLUMNS: [&str; 28] = [
    "schema",
    "time",
    "seq",
    "at",
    "action",
    "action_words",
    "actor_kind",
    "actor_id",
    "actor_name",
    "actor_session",
    "source_ip",
    "user_agent",
    "system_id",
    "place",
    "site",
    "account",
    "session_key",
    "ending_id",
    "target",
    "permission",
    "result",
    "reason",
    "ticket_ref",
    "request_id",
    "duration_ms",
    "detail",
    "prev_hash",
    "hash",
];

impl Audit {
    /// The entries that match, in the caller's scope, as chunks of a file. Writes down that it was taken out first.
    ///
    /// Needs ReadAudit and ExportData. Entries appended after the call are not part of it. Memory stays flat.
    pub async fn export(
        self: &Arc<Self>,
        caller: &Caller,
        query: AuditQuery,
        format: Format,
    ) -> Result<impl Stream<Item = Result<String, Error>> + Send + 'static, Error> {
        let now = self.clock.now();
        caller.authorize_somewhere(Permission::ReadAudit, now)?;
        let permit = caller.authorize_somewhere(Permission::ExportData, now)?;
        let view = page::View::of(caller, now);
        let mut conn = self.db.write().await?;
        let end = store::ends(&mut conn).await?;
        let entry = Entry::by(caller, Action::Export)
            .target("Audit log")
            .permission(permit.permission())
            .fact("query", serde_json::to_value(&query)?)
            .fact("head_seq", end.head_seq)
            .fact("head_hash", end.head_hash.clone());
        self.append(&mut conn, &entry, now).await?;
        conn.commit().await?;

        let state = (self.clone(), view, query, 0_i64, true);
        Ok(stream::try_unfold(
            state,
            move |(room, view, query, after, first)| async move {
                let mut conn = room.db.read().await?;
                let rows = store::find_after(&mut conn, &view, &query, after, end.head_seq, CHUNK).await?;
                let entries = view.show(&mut conn, rows).await?;
                drop(conn);
                let last = entries.last().map(|e| e.seq);
                let mut text = String::new();
                if first && format == Format::Csv {
                    text.push_str(&COLUMNS.join(","));
                    text.push_str("\r\n");
                }
                match format {
                    Format::JsonLines => {
                        for entry in &entries {
                            json_line(entry, &mut text)?;
                        }
                    }
                    Format::Csv => {
                        let mut lines = CsvText::new();
                        for entry in &entries {
                            csv_line(entry, &mut lines)?;
                        }
                        text.push_str(&lines.finish()?);
                    }
                }
                let Some(last) = last else {
                    return Ok((!text.is_empty()).then_some((text, (room, view, query, end.head_seq, false))));
                };
                Ok(Some((text, (room, view, query, last, false))))
            },
        ))
    }
}

/// One line of JSON with its line break: what exports and the copy off the box write.
pub(super) fn json_line(entry: &AuditEntry, out: &mut String) -> Result<(), Error> {
    let line = Line {
        schema: SCHEMA,
        time: rfc3339(entry.at),
        entry,
    };
    out.push_str(&serde_json::to_string(&line)?);
    out.push('\n');
    Ok(())
}

fn csv_line(entry: &AuditEntry, out: &mut CsvText) -> Result<(), Error> {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let cells: [String; COLUMNS.len()] = [
        SCHEMA.to_string(),
        rfc3339(entry.at),
        entry.seq.to_string(),
        entry.at.0.to_string(),
        entry.action.clone(),
        entry.action_words.clone(),
        entry.actor_kind.clone(),
        entry.actor_id.clone(),
        entry.actor_name.clone(),
        text(&entry.actor_session),
        text(&entry.source_ip),
        text(&entry.user_agent),
        entry
            .system_id
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        text(&entry.place),
        text(&entry.site),
        text(&entry.account),
        text(&entry.session_key),
        text(&entry.ending_id),
        entry.target.clone(),
        text(&entry.permission),
        entry.result.name().to_owned(),
        text(&entry.reason),
        text(&entry.ticket_ref),
        text(&entry.request_id),
        entry.duration_ms.map(|n| n.to_string()).unwrap_or_default(),
        entry.detail.clone(),
        entry.prev_hash.clone(),
        entry.hash.clone(),
    ];
    out.record(cells.iter().map(String::as_str))
}

/// Lines of CSV that no spreadsheet runs and no line reader splits: every cell quoted and [`harmless`].
pub struct CsvText(csv::Writer<Vec<u8>>);

impl CsvText {
    /// Nothing yet.
    pub fn new() -> Self {
        Self(
            csv::WriterBuilder::new()
                .quote_style(csv::QuoteStyle::Always)
                .terminator(csv::Terminator::CRLF)
                .from_writer(Vec::new()),
        )
    }

    /// Adds a line; each has as many cells as the first.
    pub fn record<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) -> Result<(), Error> {
        let cells = cells.into_iter().map(|cell| harmless(cell).into_owned());
        self.0
            .write_record(cells)
            .map_err(|cause| Error::Other(cause.into()))
    }

    /// The lines.
    pub fn finish(self) -> Result<String, Error> {
        let bytes = self.0.into_inner();
        let bytes = bytes.map_err(|cause| Error::Other(anyhow::anyhow!("{}", cause.error())))?;
        String::from_utf8(bytes).map_err(|cause| Error::Other(cause.into()))
    }
}

impl Default for CsvText {
    fn default() -> Self {
        Self::new()
    }
}

/// A text that is no formula: what starts like one gets an apostrophe before it, line breaks and other control
/// characters become blanks.
fn harmless(text: &str) -> Cow<'_, str> {
    // The wide forms too: spreadsheets of East Asia read them as the plain ones.
    let formula = text.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    if !formula && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    Cow::Owned(formula.then_some('\'').into_iter().chain(plain).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ui_j4_cells_that_look_like_formulas_are_harmless() {
        for (text, cell) in [
            ("Ann", "\"Ann\""),
            ("=1+1", "\"'=1+1\""),
            ("+49 30", "\"'+49 30\""),
            ("-2", "\"'-2\""),
            ("@sum", "\"'@sum\""),
            ("\t=1", "\"' =1\""),
            ("\r\n=1", "\"'  =1\""),
            ("say \"hi\", Ann", "\"say \"\"hi\"\", Ann\""),
            ("two\nlines", "\"two lines\""),
            ("", "\"\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
        ] {
            let mut lines = CsvText::new();
            lines.record([text]).unwrap();
            assert_eq!(lines.finish().unwrap(), format!("{cell}\r\n"), "{text:?}");
        }
    }
}
