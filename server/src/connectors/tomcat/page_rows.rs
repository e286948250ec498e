//! The Manager's pages as they come: apps and sessions are taken out row by row, so that a page of any length needs no
//! more memory than a row. What the pages look like: docs/systems/tomcat.md.

use app::wire::Limit;
use html5gum::{StartTag, Token, Tokenizer};

use super::bridge::is_id;
use crate::connectors::http::parameters;
use crate::connectors::{ConnectorError, ErrorKind, Handle};

/// Parameter without which Tomcat refuses a call to its pages; each page brings a new value.
pub(super) const NONCE: &str = "org.apache.catalina.filters.CSRF_NONCE";
/// Where a page can be cut: no tag goes on behind it.
const ROW_END: &[u8] = b"</tr>";
/// Longest text between two rows, bytes; a real page has 10 kB.
const LONGEST_ROW: usize = 1 << 20;
/// Cells of a session's row.
const CELLS: usize = 9;
/// How far time left and time passed, both cut to seconds, may be off together.
const OFF_BY_S: i64 = 2;

/// An app of the first page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AppRow {
    /// Context path, `##` version included.
    pub place: String,
    pub idle: Limit,
}

/// A session as its page shows it.
pub(super) struct Row {
    pub id: Handle,
    /// Whose Tomcat guesses it to be: who signed in by Tomcat itself, else what some attributes say; empty = nobody.
    pub user: String,
    /// In the server's zone, which is not told.
    pub created: String,
    pub accessed: String,
    pub idle: Limit,
}

/// A page that is being read.
#[derive(Default)]
pub(super) struct Page {
    rest: Vec<u8>,
    /// For the next call.
    pub nonce: Option<String>,
    /// Apps with sessions to look at, on the first page.
    pub apps: Vec<AppRow>,
    /// Place of the form that ends an app's idle sessions, which shows the app's limit.
    expires: Option<String>,
    in_form: bool,
    form_ended: bool,
    page_ended: bool,
    id: Option<String>,
    cells: Vec<String>,
    in_cell: bool,
    in_message: bool,
    /// Sessions the page says it shows.
    announced: Option<usize>,
    rows: usize,
    /// Sessions it says were ended.
    pub ended: Option<usize>,
}

fn not_the_page() -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Protocol,
        "It answered with something that is not a page of Tomcat\u{2019}s Manager.",
    )
}

impl Page {
    /// Takes bytes as they come; gives the sessions that are whole by now.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<Row>, ConnectorError> {
        self.rest.extend_from_slice(bytes);
        let cut = self.rest.windows(ROW_END.len()).rposition(|part| part == ROW_END);
        let Some(at) = cut else {
            return if self.rest.len() > LONGEST_ROW {
                Err(not_the_page())
            } else {
                Ok(Vec::new())
            };
        };
        let behind = self.rest.split_off(at + ROW_END.len());
        let whole = std::mem::replace(&mut self.rest, behind);
        self.read(&whole)
    }

    /// The first page is at its end: its apps.
    pub fn end_of_apps(&mut self) -> Result<Vec<AppRow>, ConnectorError> {
        let last = std::mem::take(&mut self.rest);
        self.read(&last)?;
        // The Manager itself is always one of them.
        if self.apps.is_empty() || !self.page_ended {
            return Err(not_the_page());
        }
        Ok(std::mem::take(&mut self.apps))
    }

    /// A page of sessions is at its end: whether the app was there. An error where it shows fewer than it says.
    pub fn end_of_sessions(&mut self) -> Result<bool, ConnectorError> {
        let last = std::mem::take(&mut self.rest);
        self.read(&last)?;
        match self.announced {
            // The first page comes where the app is not there any more.
            None if !self.apps.is_empty() && self.page_ended => Ok(false),
            None => Err(not_the_page()),
            Some(announced) if announced == self.rows && self.form_ended => Ok(true),
            Some(_) => Err(ConnectorError::new(
                ErrorKind::Protocol,
                "Its page of sessions shows fewer than it says there are.",
            )),
        }
    }

    fn read(&mut self, whole: &[u8]) -> Result<Vec<Row>, ConnectorError> {
        let mut rows = Vec::new();
        for Ok(token) in Tokenizer::new(whole) {
            match token {
                Token::StartTag(tag) => self.start(&tag),
                Token::String(text) => self.text(&String::from_utf8_lossy(&text)),
                Token::EndTag(tag) => match &**tag.name {
                    b"td" => self.in_cell = false,
                    b"div" => self.in_message = false,
                    b"tr" => rows.extend(self.row()?),
                    b"form" if self.in_form => (self.in_form, self.form_ended) = (false, true),
                    b"html" => self.page_ended = true,
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(rows)
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let attribute = |name: &[u8]| {
            tag.attributes
                .get(name)
                .map_or_else(String::new, |value| String::from_utf8_lossy(value).into_owned())
        };
        match &**tag.name {
            b"tr" => {
                self.id = None;
                self.cells.clear();
            }
            b"td" => {
                self.in_cell = true;
                self.cells.push(String::new());
            }
            b"div" => self.in_message = attribute(b"class") == "message",
            b"form" => {
                let action = attribute(b"action");
                self.in_form |= attribute(b"id") == "sessionsForm";
                let link = self.link(&action);
                self.expires = link.filter(|(page, _)| page == "expire").map(|(_, place)| place);
            }
            b"a" if !self.in_form => {
                if let Some((page, place)) = self.link(&attribute(b"href"))
                    && page == "sessions"
                {
                    self.apps.push(AppRow {
                        place,
                        idle: Limit::Unknown,
                    });
                }
            }
            b"input" if self.in_form && attribute(b"name") == "sessionIds" => {
                self.id = Some(attribute(b"value"));
            }
            b"input" if attribute(b"name") == "idle" => {
                let app = self
                    .apps
                    .last_mut()
                    .filter(|app| Some(&app.place) == self.expires.as_ref());
                if let (Some(app), Ok(minutes)) = (app, attribute(b"value").trim().parse::<i64>()) {
                    app.idle = if minutes > 0 {
                        Limit::Seconds(minutes.saturating_mul(60))
                    } else {
                        Limit::None
                    };
                }
            }
            _ => {}
        }
    }

    /// The page below `html/` that a link leads to, and the place of the app it is about. Keeps its nonce.
    fn link(&mut self, address: &str) -> Option<(String, String)> {
        let (path, query) = address.split_once('?')?;
        // Where the browser's cookie is not known yet, the Manager's own session stands behind a `;`.
        let page = path.split(';').next()?.rsplit_once("/html/")?.1.to_owned();
        let query = parameters(query);
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, v)| v.clone());
        if let Some(nonce) = value(NONCE) {
            self.nonce = Some(nonce);
        }
        let path = value("path")?;
        let version = value("version").filter(|version| !version.is_empty());
        let place = version.map_or_else(|| path.clone(), |version| format!("{path}##{version}"));
        Some((page, if place.is_empty() { "/".to_owned() } else { place }))
    }

    fn text(&mut self, text: &str) {
        if self.in_cell {
            if let Some(cell) = self.cells.last_mut() {
                cell.push_str(text);
            }
        } else if self.in_message && self.ended.is_none() {
            self.ended = text.strip_suffix(" sessions invalidated.").and_then(number);
        } else if self.in_form && self.announced.is_none() {
            self.announced = text.trim().strip_suffix(" active Sessions").and_then(number);
        }
    }

    /// The row that has just ended, if it is a session's.
    fn row(&mut self) -> Result<Option<Row>, ConnectorError> {
        self.in_cell = false;
        let Some(id) = self.id.take() else { return Ok(None) };
        if !is_id(&id) {
            return Err(ConnectorError::new(
                ErrorKind::Protocol,
                "Its list of sessions holds something that is no session id.",
            ));
        }
        if self.cells.len() != CELLS {
            return Err(not_the_page());
        }
        self.rows += 1;
        let cell = |at: usize| self.cells[at].trim();
        Ok(Some(Row {
            id: Handle::new(id),
            user: cell(3).to_owned(),
            created: cell(4).to_owned(),
            accessed: cell(5).to_owned(),
            idle: idle(cell(7), cell(8)),
        }))
    }
}

/// `1,005` as servers of many countries write it.
fn number(text: &str) -> Option<usize> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// `00:29:59`, hours without end, perhaps with a `-` before it; in seconds.
fn seconds(text: &str) -> Option<i64> {
    let (sign, clock) = text.strip_prefix('-').map_or((1, text), |clock| (-1, clock));
    let parts: Vec<i64> = clock
        .split(':')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    match parts.as_slice() {
        [hours, minutes, seconds] => Some(sign * (hours * 3600 + minutes * 60 + seconds)),
        _ => None,
    }
}

/// The limit of a session, from the time since its last use and what is left. Where it never ends for idleness, Tomcat
/// shows the time that has passed as what is left, below zero.
fn idle(inactive: &str, left: &str) -> Limit {
    let (Some(inactive), Some(left)) = (seconds(inactive), seconds(left)) else {
        return Limit::Unknown;
    };
    let limit = inactive + left;
    let minutes = (limit + 30) / 60 * 60;
    match limit {
        ..=0 => Limit::None,
        _ if minutes > 0 && (limit - minutes).abs() <= OFF_BY_S => Limit::Seconds(minutes),
        _ => Limit::Seconds(limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real pages, to the end of the form; a test in `server/tests/tomcat` holds them against real servers.
    const SESSIONS: [&str; 2] = [
        include_str!("../../../tests/tomcat/fixtures/manager-9.txt"),
        include_str!("../../../tests/tomcat/fixtures/manager-10.txt"),
    ];
    const APPS: [&str; 2] = [
        include_str!("../../../tests/tomcat/fixtures/manager-apps-9.txt"),
        include_str!("../../../tests/tomcat/fixtures/manager-apps-10.txt"),
    ];

    fn read(page: &mut Page, text: &str, piece: usize) -> Result<Vec<Row>, ConnectorError> {
        let mut rows = Vec::new();
        for bytes in text.as_bytes().chunks(piece) {
            rows.extend(page.take(bytes)?);
        }
        Ok(rows)
    }

    #[test]
    fn sessions_are_read_however_the_page_comes_in_pieces() {
        for text in SESSIONS {
            for piece in [1, 7, 500, text.len()] {
                let mut page = Page::default();
                let rows = read(&mut page, text, piece).unwrap();
                assert_eq!(page.end_of_sessions(), Ok(true));
                let [row] = rows.as_slice() else { panic!("{piece}") };
                assert_eq!(row.id.expose(), "0123456789ABCDEF0123456789ABCDEF");
                assert_eq!(row.user, "<b>&amp; \"x\"");
                assert_eq!(
                    (&*row.created, &*row.accessed),
                    ("2026-11-21 17:23:42", "2026-11-21 17:23:42")
                );
                assert_eq!(row.idle, Limit::Seconds(600));
                assert_eq!(page.nonce.as_deref(), Some("0123456789ABCDEF0123456789ABCDEF"));
            }
        }
    }

    #[test]
    fn apps_are_read_with_their_limits() {
        for text in APPS {
            let mut page = Page::default();
            read(&mut page, text, 100).unwrap();
            let app = AppRow {
                place: "/first-page##2".to_owned(),
                idle: Limit::Seconds(1_200),
            };
            assert_eq!(page.end_of_apps(), Ok(vec![app]));
            assert!(page.nonce.is_some());
        }
    }

    /// Wherever it breaks off, also between two rows.
    #[test]
    fn a_page_that_breaks_off_is_an_error() {
        for text in SESSIONS {
            let end = text.rfind("</form>").unwrap();
            for length in 0..end {
                let mut page = Page::default();
                read(&mut page, &text[..length], 4_096).unwrap();
                assert!(page.end_of_sessions().is_err(), "{}", &text[..length]);
            }
            let start = text.find("<tr>\n                    <td>").unwrap();
            let tail = text.find("</tbody>").unwrap();
            let mut page = Page::default();
            read(&mut page, &format!("{}{}", &text[..start], &text[tail..]), 4_096).unwrap();
            assert!(page.end_of_sessions().is_err(), "a row is missing");
        }
        for other in ["", "<html>Sign in</html>", "\u{1}\u{2}"] {
            let mut page = Page::default();
            read(&mut page, other, 4_096).unwrap();
            assert!(
                page.end_of_sessions().is_err() && page.end_of_apps().is_err(),
                "{other}"
            );
        }
        let endless = "x".repeat(LONGEST_ROW + 1);
        assert!(read(&mut Page::default(), &endless, 65_536).is_err());
    }

    #[test]
    fn what_is_no_row_of_a_session_is_refused() {
        for (from, to) in [
            ("value=\"0123456789ABCDEF0123456789ABCDEF\"", "value=\"a b\""),
            ("<td style=\"text-align: center;\">Primary</td>", ""),
        ] {
            let text = SESSIONS[0].replace(from, to);
            assert!(read(&mut Page::default(), &text, 4_096).is_err(), "{from}");
        }
    }

    #[test]
    fn limits_are_what_is_left_and_what_has_passed() {
        for (inactive, left, limit) in [
            ("00:00:00", "00:30:00", Limit::Seconds(1_800)),
            ("00:10:01", "00:19:58", Limit::Seconds(1_800)),
            ("26:00:00", "-02:00:00", Limit::Seconds(86_400)),
            ("00:00:05", "00:01:28", Limit::Seconds(93)),
            ("00:00:37", "-00:00:38", Limit::None),
            ("00:00:37", "-00:00:37", Limit::None),
            ("", "", Limit::Unknown),
            ("a:b:c", "00:30:00", Limit::Unknown),
        ] {
            assert_eq!(idle(inactive, left), limit, "{inactive} {left}");
        }
        assert_eq!(number("1,005"), Some(1_005));
    }
}
