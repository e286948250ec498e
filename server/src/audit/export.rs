//! The log as files: JSON lines and CSV, oldest first, streamed.
//!
//! Schema version 1: `schema`, `time`, then the fields of `AuditEntry` in their order (docs/audit.md). The last line is
//! the exported head that `curfew audit verify` compares with.

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
                let mut text = String::new();
                if first && format == Format::Csv {
                    text.push_str(&COLUMNS.join(","));
                    text.push_str("\r\n");
                }
                let Some(last) = entries.last().map(|e| e.seq) else {
                    return Ok((!text.is_empty()).then_some((text, (room, view, query, end.head_seq, false))));
                };
                for entry in entries {
                    match format {
                        Format::JsonLines => json_line(&entry, &mut text)?,
                        Format::Csv => csv_line(&entry, &mut text),
                    }
                }
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

fn csv_line(entry: &AuditEntry, out: &mut String) {
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
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&csv_cell(cell));
    }
    out.push_str("\r\n");
}

/// A cell that no spreadsheet runs and no line reader splits: what starts like a formula gets an apostrophe before it,
/// line breaks and other control characters become blanks.
pub fn csv_cell(text: &str) -> String {
    let dangerous = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let mut cell = String::with_capacity(text.len() + 3);
    cell.push('"');
    if dangerous {
        cell.push('\'');
    }
    for c in text.chars() {
        match c {
            '"' => cell.push_str("\"\""),
            c if c.is_control() => cell.push(' '),
            c => cell.push(c),
        }
    }
    cell.push('"');
    cell
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
        ] {
            assert_eq!(csv_cell(text), cell, "{text:?}");
        }
    }
}
