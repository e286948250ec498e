//! What the Systems page asks of the server.

use async_trait::async_trait;

use super::wire::{OverTime, SelfTestReport, SystemsPage};
use crate::error::AppError;
use crate::wire::{Done, SystemId};

/// Connected systems. Seeing one needs SeeSessions there; acting on one ManageSystems there.
#[async_trait]
pub trait SystemsPort: Send + Sync {
    /// The page: every system in the caller's scope.
    async fn systems_page(&self) -> Result<SystemsPage, AppError>;
    /// Live sessions over time of every system in the caller's scope, by name; numbers only of those they see whole.
    async fn over_time(&self) -> Result<Vec<OverTime>, AppError>;
    /// Reads a system as soon as a worker is free.
    async fn read_now(&self, system: SystemId) -> Result<Done, AppError>;
    /// Stops reading a system; its rows stay and are marked.
    async fn pause_system(&self, system: SystemId) -> Result<Done, AppError>;
    /// Reads it again.
    async fn resume_system(&self, system: SystemId) -> Result<Done, AppError>;
    /// Opens a throw-away session there, ends it and proves it dead.
    async fn self_test(&self, system: SystemId) -> Result<SelfTestReport, AppError>;
}
