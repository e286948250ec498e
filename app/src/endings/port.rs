//! What the preview and the endings pages ask of the server.

use async_trait::async_trait;

use super::wire::{
    Again, Confirm, Confirmed, Decision, EndedEverywhere, EndingPage, EndingsByDay, EndingsPage, ItemFilter,
    Preview,
};
use crate::error::AppError;
use crate::wire::{Done, EndingId, SelectionId, SessionKey};

/// Endings, from a selection to an outcome for every session. Needs EditUserSessions for each item.
#[async_trait]
pub trait EndingsPort: Send + Sync {
    /// Freezes a selection into a preview. `Invalid` with the number and how to narrow it above `max_set`.
    async fn draft_ending(&self, selection: SelectionId) -> Result<EndingId, AppError>;
    /// Freezes these rows into a preview (row menu, "retry those").
    async fn draft_ending_of(&self, keys: Vec<SessionKey>) -> Result<EndingId, AppError>;
    /// The preview. 404 for anyone but who made it, and who can approve all of it once that was asked for.
    /// `everybody` names every person, up to 10,000, else the 50 with most sessions.
    async fn preview(&self, ending: EndingId, everybody: bool) -> Result<Preview, AppError>;
    /// Takes the caller's own session or protected people in, or out again; freezes anew.
    async fn include_in_preview(
        &self,
        ending: EndingId,
        own: bool,
        protected: bool,
    ) -> Result<EndingId, AppError>;
    /// Confirms a preview; where the rules ask for a second person, asks for one. Doing it twice gives the same answer.
    /// Needs a fresh step-up.
    async fn confirm_ending(&self, ending: EndingId, confirm: Confirm) -> Result<Confirmed, AppError>;
    /// Decides a request for approval; the number of the ending if it began. Needs a fresh step-up to begin one.
    async fn decide_approval(&self, ending: EndingId, decision: Decision) -> Result<Option<i64>, AppError>;
    /// Says what a review of an ending that went on without a second person found: 3 to 500 characters.
    async fn review_ending(&self, ending_no: i64, note: String) -> Result<Done, AppError>;
    /// Ends every live session of a person (an account name) that the caller may end, in one call; while what they asked
    /// for is not settled, that is meant. `confirm.typed_number` is not looked at. 404 for who sees nothing of them.
    async fn end_everywhere(&self, person: String, confirm: Confirm) -> Result<EndedEverywhere, AppError>;
    /// The list of endings the caller may know of.
    async fn endings_page(&self, cursor: Option<String>) -> Result<EndingsPage, AppError>;
    /// What became of sessions in the last 30 days, of systems the caller sees whole.
    async fn endings_by_day(&self) -> Result<EndingsByDay, AppError>;
    /// One ending.
    async fn ending_page(
        &self,
        ending_no: i64,
        only: Option<ItemFilter>,
        cursor: Option<String>,
    ) -> Result<EndingPage, AppError>;
    /// Stops what was not yet sent.
    async fn stop_ending(&self, ending_no: i64) -> Result<Done, AppError>;
    /// A preview of what of this ending is to be ended again.
    async fn end_again(&self, ending_no: i64, what: Again) -> Result<EndingId, AppError>;
    /// Lets an ending that waits for a person go on.
    async fn resume_ending(&self, ending_no: i64) -> Result<Done, AppError>;
    /// Stops every worker before its next ask (ManageSystems everywhere).
    async fn pause_all_endings(&self, reason: String) -> Result<Done, AppError>;
    /// Lets them go on.
    async fn resume_all_endings(&self, reason: String) -> Result<Done, AppError>;
}
