//! The server's error: what a person may be told, and the cause that stays in the log.

use app::error::AppError;

/// A failure with a public half and a private one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something to tell the caller as it is.
    #[error(transparent)]
    App(#[from] AppError),
    /// The database refused or was not reached.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// Another replica holds this work now: what was about to be written must not be.
    #[error("the lease moved to another worker")]
    LeaseLost,
    /// Anything else that should not happen.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl From<serde_json::Error> for Error {
    fn from(cause: serde_json::Error) -> Self {
        Error::Other(cause.into())
    }
}

impl From<Error> for AppError {
    /// Logs the private half under a reference and answers with the public one.
    fn from(error: Error) -> Self {
        match error {
            Error::App(told) => told,
            Error::Database(sqlx::Error::PoolTimedOut) => {
                tracing::error!("no database connection became free in time");
                AppError::Unavailable {
                    message: "The database is busy. Nothing was changed; try again.".to_owned(),
                }
            }
            private => {
                let reference = crate::keys::short_reference();
                tracing::error!(reference, cause = %private, "request failed");
                AppError::Internal { reference }
            }
        }
    }
}
