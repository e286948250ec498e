//! What the pages of people ask of the server.

use async_trait::async_trait;

use super::wire::{CutAsked, LinkAsked, PeoplePage, PeopleQuery, PersonPage};
use crate::error::AppError;
use crate::wire::{Done, SubjectId};

/// People above accounts. Everything is narrowed to what the caller may see of sessions.
#[async_trait]
pub trait PeoplePort: Send + Sync {
    /// A page of people. `Forbidden` for who may see no session at all.
    async fn people_page(&self, query: PeopleQuery) -> Result<PeoplePage, AppError>;
    /// One person; `NotFound` when the caller may see none of their accounts.
    async fn person_page(&self, subject: SubjectId) -> Result<PersonPage, AppError>;
    /// Makes one person of the account's person and another. Needs ManageAccess and SeeSessions for everything, and a
    /// fresh password.
    async fn link_account(&self, asked: LinkAsked) -> Result<Done, AppError>;
    /// Takes an account out of its person, so that no rule links it there again. Needs what
    /// [`PeoplePort::link_account`] needs.
    async fn cut_account(&self, asked: CutAsked) -> Result<Done, AppError>;
}
