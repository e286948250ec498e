//! What the sessions page asks of the server.

use async_trait::async_trait;

use super::columns::Column;
use super::query::{GroupBy, SessionQuery};
use super::wire::{
    Facet, GroupsPage, Known, PeoplePage, PersonSessions, SelectionEdit, SelectionSummary, SessionsPage,
    Suggestion,
};
use crate::error::AppError;
use crate::wire::{Done, SelectionId, SessionKey, Timestamp};

/// The inventory. Everything is narrowed to what the caller's grants let them see.
#[async_trait]
pub trait SessionsPort: Send + Sync {
    /// One page of the list. `background` = nobody asked just now: not activity, not logged as looking.
    async fn list_sessions(&self, query: SessionQuery, background: bool) -> Result<SessionsPage, AppError>;
    /// The exact number of matching rows, where the page said "10,000+".
    async fn count_sessions(&self, query: SessionQuery) -> Result<u64, AppError>;
    /// What each value of the filters would list beside the other filters of the query.
    async fn facets(&self, query: SessionQuery) -> Result<Vec<Facet>, AppError>;
    /// What matches, in groups.
    async fn groups(&self, query: SessionQuery, by: GroupBy) -> Result<GroupsPage, AppError>;
    /// What is known of who was on at that moment.
    async fn known_at(&self, at: Timestamp) -> Result<Known, AppError>;
    /// What the search box may go on with: words of filters, and values among what the caller may see.
    async fn suggest(&self, typed: String) -> Result<Vec<Suggestion>, AppError>;
    /// People with sessions that match the query, by account name; `after` = the person the page before ended with.
    async fn people(
        &self,
        query: SessionQuery,
        after: Option<String>,
        limit: u32,
    ) -> Result<PeoplePage, AppError>;
    /// One person: an account name, compared without case, over all systems. 404 where the caller sees nothing of them.
    async fn person(&self, person: String) -> Result<PersonSessions, AppError>;
    /// The query string that narrows the list of `back` to a pasted list of people or addresses.
    async fn paste(&self, list: String, back: String) -> Result<String, AppError>;
    /// What of a list of people or addresses in the query matches nothing.
    async fn unmatched(&self, query: SessionQuery) -> Result<Vec<String>, AppError>;
    /// The key of the session with this whole id, if the caller may see it. The id is hashed and forgotten.
    async fn find_by_session_id(&self, raw_id: String) -> Result<Option<SessionKey>, AppError>;
    /// Changes what is ticked.
    async fn edit_selection(&self, edit: SelectionEdit) -> Result<SelectionSummary, AppError>;
    /// Drops a selection.
    async fn clear_selection(&self, selection: SelectionId) -> Result<Done, AppError>;
    /// Keeps the columns a person chose. Person and System always stay.
    async fn save_columns(&self, columns: Vec<Column>) -> Result<Done, AppError>;
}
