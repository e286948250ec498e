//! Reading the pairs of a plain form: the first value, all values, and what is wrong.

use crate::error::{AppError, FieldProblem};

/// The pairs a form sent, in order.
#[derive(Clone, Copy)]
pub struct Pairs<'a>(pub &'a [(String, String)]);

impl<'a> Pairs<'a> {
    /// The value of a field, without space around it; empty when it was not sent.
    pub fn text(self, name: &str) -> &'a str {
        self.raw(name).trim()
    }

    /// The value of a field exactly as sent: for passwords.
    pub fn raw(self, name: &str) -> &'a str {
        let pair = self.0.iter().find(|(key, _)| key == name);
        pair.map_or("", |(_, value)| value.as_str())
    }

    /// Every value of a field that is not empty.
    pub fn all(self, name: &str) -> impl Iterator<Item = &'a str> {
        let name = name.to_owned();
        self.0
            .iter()
            .filter(move |(key, value)| *key == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim())
    }
}

/// What is wrong with a form, gathered field by field.
#[derive(Default)]
pub struct Problems(Vec<FieldProblem>);

impl Problems {
    /// One more.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldProblem {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// A text that must be there and not be too long; its problem is added.
    pub fn need(&mut self, pairs: Pairs<'_>, field: &str, most: usize, message: &str) -> String {
        let text = pairs.text(field);
        if text.is_empty() || text.chars().count() > most {
            self.add(field, message);
        }
        text.to_owned()
    }

    /// The value, or all problems at once.
    pub fn or<T>(self, value: T) -> Result<T, AppError> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(AppError::Invalid { problems: self.0 })
        }
    }
}
