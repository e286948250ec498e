//! A form that came back: what was wrong and what had been typed, for the page that shows it again (422).

use leptos::prelude::{Resource, use_context};
use serde::{Deserialize, Serialize};

use crate::error::{AppError, FieldProblem};

/// What a plain form sent that could not be taken. The server puts it into the context of the page it answers with.
///
/// Never carries secrets: the fields of sign-in and password forms and pasted session ids stay out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// The path it was posted to (`paths::post::…`).
    pub form: String,
    /// What was wrong, by field; an empty field name is about the whole form.
    pub problems: Vec<FieldProblem>,
    /// What had been typed, in order.
    pub fields: Vec<(String, String)>,
}

impl Again {
    /// The form that came back with this error.
    pub fn new(form: &str, error: &AppError, fields: Vec<(String, String)>) -> Self {
        let problems = match error {
            AppError::Invalid { problems } => problems.clone(),
            other => vec![FieldProblem {
                field: String::new(),
                message: other.sentence(),
            }],
        };
        Again {
            form: form.to_owned(),
            problems,
            fields,
        }
    }

    /// What had been typed into a field; empty when it was not sent.
    pub fn value(&self, field: &str) -> String {
        self.fields
            .iter()
            .find(|(name, _)| name == field)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    }

    /// What is wrong with a field.
    pub fn problem(&self, field: &str) -> Option<String> {
        let said: Vec<&str> = self
            .problems
            .iter()
            .filter(|p| p.field == field)
            .map(|p| p.message.as_str())
            .collect();
        (!said.is_empty()).then(|| said.join(" "))
    }

    /// What is wrong with the form as a whole, or with a field it does not show (`shown` are those it does).
    pub fn problem_besides(&self, shown: &[&str]) -> Option<String> {
        let said: Vec<&str> = self
            .problems
            .iter()
            .filter(|p| !shown.contains(&p.field.as_str()))
            .map(|p| p.message.as_str())
            .collect();
        (!said.is_empty()).then(|| said.join(" "))
    }
}

/// The form posted to `form` if it came back with this very page; the browser reads what the server rendered.
pub fn use_again(form: String) -> Resource<Option<Again>> {
    let again = use_context::<Again>().filter(|again| again.form == form);
    Resource::new(
        || (),
        move |()| {
            let again = again.clone();
            async move { again }
        },
    )
}
