//! The list, taken apart as it comes: 8 KB a session, nearly all of it what nobody may see.
//!
//! A parser in a thread of its own waits for the bytes, so nothing but the piece in hand and the wanted fields is ever in
//! memory.

use std::fmt;
use std::io::{self, Read};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tokio::sync::mpsc;

use super::rows::Row;
use crate::connectors::http::CallError;
use crate::connectors::http::call::Streamed;
use crate::connectors::{ConnectorError, ErrorKind, SeenSession, Sink};

/// Sessions handed over at once.
const BATCH: usize = 500;

/// What a list held, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sessions {
    /// Rows of it.
    pub rows: usize,
    /// What CAS counts itself; `None` = it does not say.
    pub counted: Option<u64>,
    /// Rows that can't be read as a session.
    pub unreadable: usize,
}

/// Reads an answer to its end; what `keep` makes of each row goes to `sink`.
pub(super) async fn read(
    mut answer: Streamed<'_>,
    sink: Option<&Sink>,
    mut keep: impl FnMut(Row) -> Option<SeenSession> + Send,
) -> Result<Sessions, ConnectorError> {
    let (pieces, from) = mpsc::channel::<Vec<u8>>(4);
    let (rows, mut batches) = mpsc::channel::<Vec<Row>>(2);
    let parsing = tokio::task::spawn_blocking(move || parse(Pieces::of(from), rows));
    let pumping = async move {
        while let Some(piece) = answer.piece().await? {
            // A parser that gave up says why by itself.
            if pieces.send(piece.as_ref().to_vec()).await.is_err() {
                break;
            }
        }
        Ok::<(), CallError>(())
    };
    let taking = async move {
        while let Some(batch) = batches.recv().await {
            let seen: Vec<SeenSession> = batch.into_iter().filter_map(&mut keep).collect();
            if let Some(sink) = sink.filter(|_| !seen.is_empty()) {
                sink.push(seen).await?;
            }
        }
        Ok::<(), ConnectorError>(())
    };
    let (pumped, taken, parsed) = tokio::join!(pumping, taking, parsing);
    pumped?;
    taken?;
    parsed.unwrap_or_else(|_| Err(ConnectorError::stopped()))
}

/// Reads a list to its end.
fn parse(from: impl Read, rows: mpsc::Sender<Vec<Row>>) -> Result<Sessions, ConnectorError> {
    let mut taker = Taker {
        rows,
        batch: Vec::new(),
        sessions: Sessions::default(),
    };
    let mut json = serde_json::Deserializer::from_reader(from);
    let read = Whole(&mut taker).deserialize(&mut json).and_then(|()| json.end());
    match read {
        Ok(()) => Ok(taker.sessions),
        // Only the place: the text around it holds what signs people in.
        Err(cause) => Err(ConnectorError::new(
            ErrorKind::Protocol,
            format!(
                "Its list is not the data Curfew expects (line {}, column {}).",
                cause.line(),
                cause.column()
            ),
        )),
    }
}

/// Bytes as they come, for a reader that waits for them.
struct Pieces {
    from: mpsc::Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl Pieces {
    const fn of(from: mpsc::Receiver<Vec<u8>>) -> Self {
        Self {
            from,
            piece: Vec::new(),
            at: 0,
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            let Some(piece) = self.from.blocking_recv() else {
                return Ok(0);
            };
            (self.piece, self.at) = (piece, 0);
        }
        let rest = &self.piece[self.at..];
        let count = rest.len().min(to.len());
        to[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

/// Takes rows and hands them over in batches.
struct Taker {
    rows: mpsc::Sender<Vec<Row>>,
    batch: Vec<Row>,
    sessions: Sessions,
}

impl Taker {
    fn take(&mut self, row: Row) -> Result<(), ()> {
        self.sessions.rows += 1;
        if row.is_whole() {
            self.batch.push(row);
        } else {
            self.sessions.unreadable += 1;
        }
        if self.batch.len() == BATCH {
            return self.hand_over();
        }
        Ok(())
    }

    /// Fails where nobody listens any more.
    fn hand_over(&mut self) -> Result<(), ()> {
        let batch = std::mem::take(&mut self.batch);
        self.rows.blocking_send(batch).map_err(drop)
    }
}

/// The whole answer.
struct Whole<'t>(&'t mut Taker);

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of sessions")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<(), M::Error> {
        let mut there = false;
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "activeSsoSessions" => {
                    fields.next_value_seed(Rows(self.0))?;
                    there = true;
                }
                "totalTickets" => self.0.sessions.counted = fields.next_value()?,
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        // An answer about something else is no empty list.
        there
            .then_some(())
            .ok_or_else(|| M::Error::missing_field("activeSsoSessions"))
    }
}

/// Its rows.
struct Rows<'t>(&'t mut Taker);

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sessions")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut rows: S) -> Result<(), S::Error> {
        let stopped = |()| S::Error::custom("nobody listens any more");
        while let Some(row) = rows.next_element::<Row>()? {
            self.0.take(row).map_err(stopped)?;
        }
        self.0.hand_over().map_err(stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Result<Sessions, ConnectorError>, Vec<Row>) {
        let (rows, mut taken) = mpsc::channel(64);
        let read = parse(text.as_bytes(), rows);
        let mut all = Vec::new();
        while let Ok(batch) = taken.try_recv() {
            all.extend(batch);
        }
        (read, all)
    }

    fn list(rows: &str, total: &str) -> String {
        format!(
            r#"{{"totalUsageCount":9,"activeSsoSessions":[{rows}],"totalTicketGrantingTickets":1{total},"x":{{"y":[1]}}}}"#
        )
    }

    const ROW: &str = r#"{"authenticated_principal":"alice","ticket_granting_ticket":"TGT-1-abc-vm"}"#;

    #[test]
    fn a_list_is_read_wherever_its_fields_stand() {
        let (read, rows) = parsed(&list(&format!("{ROW},{ROW}"), r#","totalTickets":2"#));
        let whole = Sessions {
            rows: 2,
            counted: Some(2),
            unreadable: 0,
        };
        assert_eq!((read, rows.len()), (Ok(whole), 2));
        let (read, rows) = parsed(&list("", ""));
        assert_eq!((read, rows.len()), (Ok(Sessions::default()), 0));
        let (read, rows) = parsed(&list(r#"{"authenticated_principal":"alice"}"#, ""));
        assert_eq!((read.unwrap().unreadable, rows.len()), (1, 0));
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_an_error_without_its_text() {
        let whole = list(ROW, "");
        for text in [
            "",
            "{}",
            "[]",
            r#"{"status":200}"#,
            r#"{"activeSsoSessions":null}"#,
            &whole[..whole.len() - 1],
            &whole[..whole.find("vm").unwrap()],
            &format!("{whole} secret-after-it"),
            r#"{"activeSsoSessions":["secret-instead"]}"#,
        ] {
            let error = parsed(text).0.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Protocol, "{text}");
            assert!(
                !error.message.contains("secret") && !error.message.contains("TGT"),
                "{error}"
            );
        }
    }
}
