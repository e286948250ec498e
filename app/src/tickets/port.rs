//! What the Tickets page asks of the server.

use async_trait::async_trait;

use super::wire::{LoginViewLook, Readiness, TicketQuery, TicketTest, TicketTestAsked, TicketsPage};
use crate::error::AppError;

/// Requests for sign-in tickets. Everything here needs UseTickets; rows are narrowed to the caller's scope.
#[async_trait]
pub trait TicketsPort: Send + Sync {
    /// The page: apps, numbers, the newest requests that fit. `Forbidden` for who holds UseTickets nowhere.
    async fn tickets_page(&self, query: TicketQuery) -> Result<TicketsPage, AppError>;
    /// Asks Tableau for a ticket as this app would, looks what came and throws it away. Needs UseTickets for all of the
    /// app's system. The answer names no ticket.
    async fn test_ticket(&self, asked: TicketTestAsked) -> Result<TicketTest, AppError>;
    /// How ready the sites are, of systems the caller holds UseTickets for as a whole. The way to every address is asked
    /// once a minute at most.
    async fn readiness(&self) -> Result<Readiness, AppError>;
    /// The same, with every way asked now.
    async fn readiness_now(&self) -> Result<Readiness, AppError>;
    /// Asks for a ticket as this app would, redeems it at the site's login view, signs its session out and tries it once
    /// more. Needs what [`TicketsPort::test_ticket`] needs; what it found is kept.
    async fn look_at_login_view(&self, asked: TicketTestAsked) -> Result<LoginViewLook, AppError>;
}
