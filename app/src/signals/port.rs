//! What the Signals page asks of the server.

use async_trait::async_trait;

use super::wire::SignalsPage;
use crate::error::AppError;

/// Signals of identity servers. Rows are narrowed to the accounts whose sessions the caller may see.
#[async_trait]
pub trait SignalsPort: Send + Sync {
    /// The newest signals, or those before `before` (a row's id). `Forbidden` for who sees sessions nowhere.
    async fn signals_page(&self, before: Option<String>) -> Result<SignalsPage, AppError>;
}
