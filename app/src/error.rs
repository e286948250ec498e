//! What a person may be told when something did not work, by kind. Causes stay in the server's log.

use serde::{Deserialize, Serialize};

use crate::access::wire::Permission;

/// An answer other than success, safe to show to whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppError {
    /// Nobody is signed in, or the session is over. 401; pages lead to sign-in.
    SignedOut,
    /// Signed in, but the last authentication is too old for this. 401; leads to the step-up page and back.
    StepUp,
    /// Signed in, but a role of theirs needs a second factor and none is set up. 403; leads to where it is set up.
    FactorFirst,
    /// Known to exist, not allowed. 403.
    Forbidden {
        /// What is missing.
        permission: Permission,
        /// Who can give it: names of people who hold ManageAccess, as far as they may be told.
        who_can_give: Vec<String>,
    },
    /// Not there, or not for the caller to know. 404.
    NotFound {
        /// What was looked for, in one or two words: "ending", "page".
        what: String,
    },
    /// The input can't be taken as it is; nothing was changed. 422.
    Invalid {
        /// Each bad part.
        problems: Vec<FieldProblem>,
    },
    /// Somebody or something was faster, or the state does not allow it. 409.
    Conflict {
        /// What is the case now, and what to do.
        message: String,
    },
    /// Too many requests. 429.
    TooMany {
        /// Seconds until it is worth trying again.
        retry_after_s: u32,
    },
    /// A part Curfew needs did not answer in time. 503.
    Unavailable {
        /// What did not answer.
        message: String,
    },
    /// A fault of ours. 500.
    Internal {
        /// Finds the log line.
        reference: String,
    },
}

/// One bad part of a form or an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    /// Name of the field or parameter; empty when it is about the whole form.
    pub field: String,
    /// What is wrong and what would be right, in one sentence.
    pub message: String,
}

impl AppError {
    /// A single bad field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        AppError::Invalid {
            problems: vec![FieldProblem {
                field: field.to_owned(),
                message: message.into(),
            }],
        }
    }

    /// Something that isn't there, or not for the caller to know.
    pub fn not_found(what: &str) -> Self {
        AppError::NotFound {
            what: what.to_owned(),
        }
    }

    /// The HTTP status of this answer: the one table.
    pub const fn status(&self) -> u16 {
        match self {
            AppError::SignedOut | AppError::StepUp => 401,
            AppError::FactorFirst | AppError::Forbidden { .. } => 403,
            AppError::NotFound { .. } => 404,
            AppError::Conflict { .. } => 409,
            AppError::Invalid { .. } => 422,
            AppError::TooMany { .. } => 429,
            AppError::Internal { .. } => 500,
            AppError::Unavailable { .. } => 503,
        }
    }

    /// One sentence for a person.
    pub fn sentence(&self) -> String {
        match self {
            AppError::SignedOut => "You are signed out. Sign in to go on.".to_owned(),
            AppError::StepUp => "Confirm your password to go on.".to_owned(),
            AppError::FactorFirst => "A role of yours needs a second factor. Set it up first.".to_owned(),
            AppError::Forbidden {
                permission,
                who_can_give,
            } if who_can_give.is_empty() => {
                format!("This needs the permission “{}”.", permission.label())
            }
            AppError::Forbidden {
                permission,
                who_can_give,
            } => {
                format!(
                    "This needs the permission “{}”. {} can give it.",
                    permission.label(),
                    who_can_give.join(" or ")
                )
            }
            AppError::NotFound { what } => {
                format!("There is no such {what}, or it is not part of your grant.")
            }
            AppError::Invalid { problems } => problems
                .iter()
                .map(|p| p.message.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            AppError::Conflict { message } | AppError::Unavailable { message } => message.clone(),
            AppError::TooMany { retry_after_s } => {
                format!("Too many requests. Try again in {retry_after_s} s.")
            }
            AppError::Internal { reference } => {
                format!("Something broke on our side and nothing was changed. Reference {reference}.")
            }
        }
    }
}

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl std::error::Error for AppError {}
