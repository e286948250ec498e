//! What people read: a table as wide as the terminal, whole when it is piped. Names come from other systems, so no
//! character of theirs may move the cursor or colour the screen.

use console::{Term, measure_text_width, truncate_str};

use crate::http::api::wire::{Counted, Moment};

/// Narrowest a column is made.
const NARROWEST: usize = 6;
const GAP: &str = "  ";

/// A text without control characters.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || is_turn(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// Characters that turn the direction of what follows: a name could make a line read as another one.
fn is_turn(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// "2026-11-22 11:35:00Z".
pub fn moment(at: &Moment) -> String {
    let text = plain(&at.0).replacen('T', " ", 1);
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

/// The same; a dash where it is not known.
pub fn maybe(at: Option<&Moment>) -> String {
    at.map_or_else(|| "–".to_owned(), moment)
}

/// "212", "10,000+".
pub fn counted(count: Counted) -> String {
    let more = if count.exact { "" } else { "+" };
    format!("{}{more}", app::ui::thousands(count.value))
}

/// Columns with a heading each.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one.
    pub fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|h| (*h).to_owned()).collect()],
        }
    }

    /// Adds a row; each cell on one line.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| plain(cell)).collect());
    }

    /// Prints it on standard output.
    pub fn print(&self) {
        let term = Term::stdout();
        let width = term.features().is_attended().then(|| usize::from(term.size().1));
        for line in self.lines(width) {
            println!("{line}");
        }
    }

    /// Its lines, no wider than `width`; `None` = as wide as it is.
    fn lines(&self, width: Option<usize>) -> Vec<String> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widest = |n: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(n));
            cells.map(|cell| measure_text_width(cell)).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..columns).map(widest).collect();
        if let Some(width) = width {
            let gaps = GAP.len() * columns.saturating_sub(1);
            while widths.iter().sum::<usize>() + gaps > width {
                match widths.iter_mut().max().filter(|w| **w > NARROWEST) {
                    Some(widest) => *widest -= 1,
                    None => break,
                }
            }
        }
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                let cut = truncate_str(cell, *width, "…");
                let pad = width.saturating_sub(measure_text_width(&cut));
                format!("{cut}{}", " ".repeat(pad))
            });
            cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["PERSON", "SYSTEM"]);
        table.row(vec!["林 美華".to_owned(), "Intranet".to_owned()]);
        table.row(vec!["Ṣadé Ọláolúwa-Winterbottom".to_owned(), "North".to_owned()]);
        table
    }

    #[test]
    fn a_table_is_whole_when_piped_and_fits_the_terminal_otherwise() {
        let whole = table().lines(None);
        assert_eq!(whole[2], "Ṣadé Ọláolúwa-Winterbottom  North");
        let system = |line: &str, word: &str| measure_text_width(line.split(word).next().unwrap());
        assert_eq!(system(&whole[1], "Intranet"), system(&whole[2], "North"));
        let narrow = table().lines(Some(24));
        assert!(
            narrow.iter().all(|line| measure_text_width(line) <= 24),
            "{narrow:?}"
        );
        assert!(
            narrow[2].contains('…') && narrow[2].ends_with("North"),
            "{narrow:?}"
        );
    }

    #[test]
    fn security_d3_a_name_can_not_paint_the_terminal() {
        let mut table = Table::new(&["PERSON"]);
        table.row(vec!["Ben\u{1b}[2K\r\nEve \u{202e}nimda".to_owned()]);
        let text = table.lines(None).join("\n");
        assert!(!text.contains('\u{1b}') && !text.contains('\r') && !text.contains('\u{202e}'));
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn a_moment_is_read_to_the_second() {
        let at = Moment("2026-11-22T11:35:00.123Z".to_owned());
        assert_eq!(moment(&at), "2026-11-22 11:35:00Z");
    }
}
