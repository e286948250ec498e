//! What the sessions page asks of the server.

use async_trait::async_trait;

use super::columns::Column;
use super::query::{GroupBy, SessionQuery};
use super::views::wire::{ViewEdit, Views, ViewsPage};
use super::wire::{
    Facet, GroupsPage, Known, PeoplePage, PersonBrief, PersonSessions, SelectionEdit, SelectionSummary,
    SessionRow, SessionsPage, Suggestion,
};
use crate::error::AppError;
use crate::wire::{Done, SelectionId, SessionKey, Timestamp, ViewId};

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
    /// A few people with live sessions whose user name, name or mail holds what was typed. Like a suggestion it is no look
    /// at a list.
    async fn people_named(&self, typed: String) -> Result<Vec<PersonBrief>, AppError>;
    /// One person: an account name, compared without case, over all systems. 404 where the caller sees nothing of them.
    async fn person(&self, person: String) -> Result<PersonSessions, AppError>;
    /// The query string that narrows the list of `back` to a pasted list of people or addresses.
    async fn paste(&self, list: String, back: String) -> Result<String, AppError>;
    /// What of a list of people or addresses in the query matches nothing.
    async fn unmatched(&self, query: SessionQuery) -> Result<Vec<String>, AppError>;
    /// Rows an open page shows already, in whatever state they are now, as far as the caller may see them, and ticked where
    /// the selection holds them. In no order, those that are not there any more left out.
    async fn shown(
        &self,
        keys: Vec<SessionKey>,
        selection: Option<SelectionId>,
    ) -> Result<Vec<SessionRow>, AppError>;
    /// The key of the session with this whole id, if the caller may see it. The id is hashed and forgotten.
    async fn find_by_session_id(&self, raw_id: String) -> Result<Option<SessionKey>, AppError>;
    /// Changes what is ticked.
    async fn edit_selection(&self, edit: SelectionEdit) -> Result<SelectionSummary, AppError>;
    /// Drops a selection.
    async fn clear_selection(&self, selection: SelectionId) -> Result<Done, AppError>;
    /// Keeps the columns a person chose. Person and System always stay.
    async fn save_columns(&self, columns: Vec<Column>) -> Result<Done, AppError>;
}

/// Saved views of the list: addresses under a name. Opening one gives nobody a right.
#[async_trait]
pub trait ViewsPort: Send + Sync {
    /// Own views and those shared with a role the caller holds.
    async fn views(&self) -> Result<Views, AppError>;
    /// The same, each with how many sessions it means for the caller now; counted up to 10,000 each.
    async fn views_page(&self) -> Result<ViewsPage, AppError>;
    /// Keeps a list under a name. `Invalid` on `name`, `role` or `query`.
    async fn save_view(&self, edit: ViewEdit, query: String, start: bool) -> Result<Done, AppError>;
    /// Gives one's own view another name or other readers.
    async fn edit_view(&self, view: ViewId, edit: ViewEdit) -> Result<Done, AppError>;
    /// Deletes one's own view, for everybody.
    async fn delete_view(&self, view: ViewId) -> Result<Done, AppError>;
    /// Starts with this view from now on; `None` = with the plain list.
    async fn start_with(&self, view: Option<ViewId>) -> Result<Done, AppError>;
    /// Query string of the list the caller starts with; empty = the plain one.
    async fn start_page(&self) -> Result<String, AppError>;
}
