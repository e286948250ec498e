//! A form that could not be taken comes back with the page: what was typed, and what is wrong with it.

use serde::{Deserialize, Serialize};

use crate::error::FieldProblem;

/// A refused form, from the server that renders its page again. Never holds a password or code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormEcho {
    /// Where it was posted: one of `paths::post`.
    pub path: String,
    /// What was sent, without secrets.
    pub pairs: Vec<(String, String)>,
    /// What is wrong, by field; an empty field name is about the whole form.
    pub problems: Vec<FieldProblem>,
}

/// The refused form as one form of the page sees it: only its own values and problems.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, Default)]
pub struct Echo(Option<FormEcho>);

#[cfg(feature = "ssr")]
impl Echo {
    /// The echo for the form that posts to `path`, and, where several do, sends this `act`.
    ///
    /// `marks` are further pairs that tell one form from its twins (a row's id).
    pub fn of(path: &str, act: Option<&str>, marks: &[(&str, &str)]) -> Self {
        let echo = leptos::prelude::use_context::<FormEcho>();
        Echo(echo.filter(|echo| {
            let sent = |key: &str, value: &str| echo.pairs.iter().any(|(k, v)| k == key && v == value);
            echo.path == path
                && act.is_none_or(|act| sent("act", act))
                && marks.iter().all(|(key, value)| sent(key, value))
        }))
    }

    /// True when this form was refused.
    pub fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// What was typed into a field; `None` when the form is new.
    pub fn value(&self, name: &str) -> Option<String> {
        let echo = self.0.as_ref()?;
        let pair = echo.pairs.iter().find(|(key, _)| key == name);
        Some(pair.map(|(_, value)| value.clone()).unwrap_or_default())
    }

    /// What was typed into a field, or what it holds in a new form.
    pub fn value_or(&self, name: &str, fresh: impl Into<String>) -> String {
        self.value(name).unwrap_or_else(|| fresh.into())
    }

    /// Whether a box was ticked, or is ticked in a new form.
    pub fn ticked(&self, name: &str, value: &str, fresh: bool) -> bool {
        self.0.as_ref().map_or(fresh, |echo| {
            echo.pairs.iter().any(|(k, v)| k == name && v == value)
        })
    }

    /// What is wrong with a field.
    pub fn error(&self, name: &str) -> Option<String> {
        let echo = self.0.as_ref()?;
        let problem = echo.problems.iter().find(|problem| problem.field == name)?;
        Some(problem.message.clone())
    }

    /// What is wrong with the form as a whole, and with fields it does not show (`shown` are those it does).
    pub fn whole(&self, shown: &[&str]) -> Option<String> {
        let echo = self.0.as_ref()?;
        let words: Vec<&str> = echo
            .problems
            .iter()
            .filter(|problem| !shown.contains(&problem.field.as_str()))
            .map(|problem| problem.message.as_str())
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}
