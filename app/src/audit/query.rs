//! What the audit page's address and its exports ask for, read and written in one place.

use super::wire::{AuditQuery, AuditResult};
use crate::civil::Civil;
use crate::error::FieldProblem;
use crate::paths;

impl AuditQuery {
    /// Reads the pairs of an address. What is not understood is named; local times are `offset_min` minutes east of UTC.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(
        pairs: &[(K, V)],
        offset_min: i32,
    ) -> (AuditQuery, Vec<FieldProblem>) {
        let mut query = AuditQuery::default();
        let mut problems = Vec::new();
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref().trim());
            if value.is_empty() {
                continue;
            }
            let mut wrong = |message: &str| {
                problems.push(FieldProblem {
                    field: key.to_owned(),
                    message: message.to_owned(),
                });
            };
            match key {
                "who" => query.who = value.to_owned(),
                "action" => query.action = value.to_owned(),
                "system" => query.system = value.to_owned(),
                "q" => query.text = value.to_owned(),
                "result" if AuditResult::from_name(value).is_some() => query.result = value.to_owned(),
                "result" => wrong("A result is ok, refused, failed or unknown."),
                "ending" => match value.parse() {
                    Ok(number) if number > 0 => query.ending_no = number,
                    _ => wrong("The number of an ending, like 1042."),
                },
                "from" | "until" => match Civil::parse(value) {
                    Some(civil) if key == "from" => query.from = Some(civil.timestamp(offset_min)),
                    Some(civil) => query.until = Some(civil.timestamp(offset_min)),
                    None => wrong("A date and time, like 2026-11-21 03:00."),
                },
                "before" => match value.parse() {
                    Ok(seq) => query.before_seq = Some(seq),
                    Err(_) => wrong("The number of an entry."),
                },
                _ => {}
            }
        }
        (query, problems)
    }

    /// The pairs of its address; the opposite of [`AuditQuery::from_pairs`] to the minute.
    pub fn to_pairs(&self, offset_min: i32) -> Vec<(&'static str, String)> {
        let time = |at| Civil::at(at, offset_min).field();
        let ending = if self.ending_no > 0 {
            self.ending_no.to_string()
        } else {
            String::new()
        };
        let pairs = vec![
            ("q", self.text.clone()),
            ("who", self.who.clone()),
            ("action", self.action.clone()),
            ("system", self.system.clone()),
            ("result", self.result.clone()),
            ("ending", ending),
            ("from", self.from.map(time).unwrap_or_default()),
            ("until", self.until.map(time).unwrap_or_default()),
            (
                "before",
                self.before_seq.map(|seq| seq.to_string()).unwrap_or_default(),
            ),
        ];
        pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// How many filters are set; the page within the list is none.
    pub fn filters(&self) -> usize {
        self.to_pairs(0)
            .iter()
            .filter(|(key, _)| *key != "before")
            .count()
    }

    /// The address of a page or export with this query.
    pub fn href(&self, path: &str, offset_min: i32) -> String {
        paths::with_query(path, &paths::query_string(&self.to_pairs(offset_min)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Timestamp;

    #[test]
    fn ui_b1_an_address_survives_the_way_there_and_back() {
        let query = AuditQuery {
            who: "mara & co".to_owned(),
            action: "session_terminate_requested".to_owned(),
            system: "domo".to_owned(),
            result: "refused".to_owned(),
            text: "INC-20418 +1".to_owned(),
            ending_no: 1042,
            from: Some(Timestamp(1_795_230_720_000)),
            until: None,
            before_seq: Some(184_203),
        };
        let href = query.href(paths::AUDIT, 60);
        let text = href.split_once('?').map(|(_, text)| text).unwrap_or_default();
        assert_eq!(
            AuditQuery::from_pairs(&paths::parse_query(text), 60),
            (query, Vec::new())
        );
    }

    #[test]
    fn ui_b5_a_bad_part_is_named() {
        let (query, problems) =
            AuditQuery::from_pairs(&[("result", "fine"), ("from", "yesterday"), ("who", " ann ")], 0);
        let fields: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["result", "from"]);
        assert_eq!(query.who, "ann");
        assert_eq!(query.filters(), 1);
    }
}
